//! The heads of HTTP answers: from a proxy, and from a WebSocket server.

/// Longest head that is read, against a peer that never ends it.
pub(super) const MAX_HEAD: usize = 1 << 20;

/// Most headers in one head; each costs little memory but is looked at.
const MAX_HEADERS: usize = 1 << 16;

/// Status line and headers of an answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    reason: String,
    headers: Vec<(String, String)>,
}

impl Answer {
    /// Parses a complete head, up to and with its empty line.
    pub(super) fn parse(head: &[u8]) -> Result<Self, String> {
        let lines = head.split(|&byte| byte == b'\n').count();
        let mut headers = vec![httparse::EMPTY_HEADER; lines.min(MAX_HEADERS)];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(head) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err("incomplete HTTP answer".to_owned()),
            Err(e) => return Err(format!("malformed HTTP answer: {e}")),
        }
        Ok(Self {
            status: response.code.unwrap_or(0),
            reason: response.reason.unwrap_or("").to_owned(),
            headers: response
                .headers
                .iter()
                .map(|h| {
                    (
                        h.name.to_owned(),
                        String::from_utf8_lossy(h.value).trim().to_owned(),
                    )
                })
                .collect(),
        })
    }

    /// Returns true for an answer that another one follows (RFC 9110, section 15.2); 101 is for the caller to know.
    pub(super) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status)
    }

    /// Returns the status as the user should read it: `HTTP status 403 Forbidden`.
    pub(super) fn status_line(&self) -> String {
        format!("HTTP status {} {}", self.status, self.reason)
            .trim_end()
            .to_owned()
    }

    /// Returns every value of a header, in order.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns true if one of the comma-separated tokens of a header is `token`.
    pub(super) fn has_token(&self, name: &str, token: &str) -> bool {
        self.values(name)
            .flat_map(|value| value.split(','))
            .any(|t| t.trim().eq_ignore_ascii_case(token))
    }
}

/// Returns where the head ends, if its end has come: behind an empty line. `seen` bytes have been searched before. A line
/// ends with a line feed, before which a carriage return may be missing (RFC 9112, section 2.2).
pub(super) fn head_end(bytes: &[u8], seen: usize) -> Option<usize> {
    // The end may have begun three bytes before.
    let from = seen.saturating_sub(3);
    memchr::memchr_iter(b'\n', &bytes[from..]).find_map(|at| match &bytes[from + at + 1..] {
        [b'\n', ..] => Some(from + at + 2),
        [b'\r', b'\n', ..] => Some(from + at + 3),
        _ => None,
    })
}

/// Returns true if these bytes can still become an HTTP answer; anything else need not be waited for.
pub(super) fn may_be_http(bytes: &[u8]) -> bool {
    const START: &[u8] = b"HTTP/";
    let n = bytes.len().min(START.len());
    bytes[..n] == START[..n]
}

/// Returns what a peer says that was expected to speak HTTP, and does not.
pub(super) fn not_http(bytes: &[u8]) -> &'static str {
    match resembles(bytes) {
        Some(Resemblance::Tls) => "not an HTTP answer: it looks like TLS",
        _ => "not an HTTP answer",
    }
}

/// Another protocol that a server's first bytes look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resemblance {
    /// An HTTP answer: the port of a web server, or of `WebSocket`s.
    Http,
    /// A TLS record: an alert, for what TLS could not read.
    Tls,
}

/// Returns the protocol that a server's first bytes look like, if they look like one that a user may have meant. No
/// answer to CONNECT begins like either.
pub fn resembles(bytes: &[u8]) -> Option<Resemblance> {
    /// Content types of TLS records that a server may begin with: alert and handshake.
    const RECORDS: [u8; 2] = [21, 22];
    match bytes {
        [b'H', b'T', b'T', b'P', b'/', ..] => Some(Resemblance::Http),
        [kind, 3, 0..=4, ..] if RECORDS.contains(kind) => Some(Resemblance::Tls),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_wherever_reads_split_it() {
        for head in [
            &b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nrest"[..],
            b"HTTP/1.1 200 OK\nA: b\n\nrest",
            b"HTTP/1.1 200 OK\nA: b\n\r\nrest",
            b"HTTP/1.1 200 OK\r\nA: b\r\n\nrest",
        ] {
            let end = head.len() - 4;
            for seen in 0..end {
                assert_eq!(head_end(head, seen), Some(end), "{seen}");
            }
            for length in 0..end {
                assert_eq!(head_end(&head[..length], 0), None, "{length}");
            }
            assert!(Answer::parse(&head[..end]).unwrap().values("a").eq(["b"]));
        }
    }

    #[test]
    fn other_protocols_are_known() {
        assert_eq!(resembles(b"HTTP/1.0 400"), Some(Resemblance::Http));
        assert_eq!(
            resembles(b"\x15\x03\x01\x00\x02\x02\x46"),
            Some(Resemblance::Tls)
        );
        for other in [
            &b""[..],
            b"\x20\x02\x00\x00",
            b"HTT",
            b"SSH-2.0",
            b"\x15\x02",
        ] {
            assert_eq!(resembles(other), None);
        }
    }

    #[test]
    fn answers() {
        let answer = Answer::parse(
            b"HTTP/1.1 101 Switching\r\nConnection: x, Upgrade\r\nconnection: y\r\n\r\n",
        )
        .unwrap();
        assert_eq!(answer.status_line(), "HTTP status 101 Switching");
        assert!(answer.has_token("connection", "upgrade") && answer.has_token("Connection", "Y"));
        assert!(!answer.has_token("Connection", "up"));
        assert_eq!(
            Answer::parse(b"HTTP/1.0 407\r\n\r\n")
                .unwrap()
                .status_line(),
            "HTTP status 407"
        );
        assert!(Answer::parse(b"SSH-2.0\r\n\r\n").is_err());
        assert!(may_be_http(b"") && may_be_http(b"HTT") && may_be_http(b"HTTP/1.1 "));
        assert!(!may_be_http(b"SSH") && !may_be_http(b"\x20\x02"));
    }
}
