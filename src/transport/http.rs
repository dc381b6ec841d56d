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

    /// The status as the user should read it: `HTTP status 403 Forbidden`.
    pub(super) fn status_line(&self) -> String {
        format!("HTTP status {} {}", self.status, self.reason)
            .trim_end()
            .to_owned()
    }

    /// Every value of a header, in order.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// One of the comma-separated tokens of a header is `token`.
    pub(super) fn has_token(&self, name: &str, token: &str) -> bool {
        self.values(name)
            .flat_map(|value| value.split(','))
            .any(|t| t.trim().eq_ignore_ascii_case(token))
    }
}

/// Where the head ends, if its end has come; `seen` bytes have been searched before.
pub(super) fn head_end(bytes: &[u8], seen: usize) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    let from = seen.saturating_sub(END.len() - 1);
    bytes[from..]
        .windows(END.len())
        .position(|window| window == END)
        .map(|at| from + at + END.len())
}

/// These bytes can still become an HTTP answer; anything else need not be waited for.
pub(super) fn may_be_http(bytes: &[u8]) -> bool {
    const START: &[u8] = b"HTTP/";
    let n = bytes.len().min(START.len());
    bytes[..n] == START[..n]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_wherever_reads_split_it() {
        let head = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nrest";
        for seen in 0..head.len() - 4 {
            assert_eq!(head_end(head, seen), Some(head.len() - 4), "{seen}");
        }
        assert_eq!(head_end(&head[..head.len() - 5], 0), None);
        assert_eq!(head_end(b"", 0), None);
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
