//! HTTP proxies: a tunnel by `CONNECT`, for every scheme over TCP.

use std::io;

use data_encoding::BASE64;
use tokio::io::Interest;

use super::error::{ConnectError, Stage};
use super::http::{self, Answer};
use super::readiness::{Readiness, at};
use super::socket::Socket;
use super::uri::{ServerUri, parse_port, split_authority};
use crate::options::ConnectOptions;

/// The original's default.
const DEFAULT_PORT: u16 = 8080;

/// Where the proxy is and what to say to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// `user:password`, decoded.
    credentials: Option<Vec<u8>>,
}

impl Proxy {
    /// The proxy to use for `uri`: the program's, else the environment's, which counts only where
    /// `PAHO_C_CLIENT_USE_HTTP_PROXY` asks for it.
    pub(super) fn choose(
        uri: &ServerUri,
        options: &ConnectOptions,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ConnectError> {
        let (option, variable) = if uri.is_tls() {
            (&options.https_proxy, "https_proxy")
        } else {
            (&options.http_proxy, "http_proxy")
        };
        let chosen = option.clone().or_else(|| {
            let enabled =
                env("PAHO_C_CLIENT_USE_HTTP_PROXY").is_some_and(|value| value.starts_with("TRUE"));
            let excluded = || env("no_proxy").is_some_and(|list| excludes(&list, uri));
            if enabled && !excluded() {
                env(variable)
            } else {
                None
            }
        });
        // An empty one is a way to say: none, whatever the environment has.
        chosen
            .filter(|url| !url.is_empty())
            .map(|url| Self::parse(&url))
            .transpose()
    }

    /// `[http://][user:password@]host[:port][/]`; user and password may be percent-encoded.
    fn parse(url: &str) -> Result<Self, ConnectError> {
        // The proxy itself is spoken to without TLS, also where its URL says https: that names the traffic it is for.
        let rest = ["http://", "https://"]
            .iter()
            .find_map(|scheme| url.strip_prefix(scheme))
            .unwrap_or(url);
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (Some(percent_decode(credentials)), rest),
            None => (None, rest),
        };
        let authority = rest.split('/').next().unwrap_or(rest);
        let bad = |e| ConnectError::new(Stage::Proxy, format_args!("proxy URL: {e}"));
        let (host, port) = split_authority(authority).map_err(bad)?;
        if host.is_empty() {
            return Err(bad(super::uri::UriError::NoHost));
        }
        Ok(Self {
            host: host.to_owned(),
            port: port.map_or(Ok(DEFAULT_PORT), parse_port).map_err(bad)?,
            credentials,
        })
    }

    /// Asks the proxy at the other end of `socket` for a tunnel to `uri`.
    pub(super) async fn open_tunnel(
        &self,
        socket: &Socket,
        uri: &ServerUri,
    ) -> Result<(), ConnectError> {
        let authority = uri.authority();
        let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
        if let Some(credentials) = &self.credentials {
            request.push_str("Proxy-Authorization: Basic ");
            request.push_str(&BASE64.encode(credentials));
            request.push_str("\r\n");
        }
        request.push_str("\r\n");

        let readiness = Readiness::of(socket).map_err(at(Stage::Proxy))?;
        let mut request = request.as_bytes();
        while !request.is_empty() {
            let sent = readiness.retry(Interest::WRITABLE, || {
                socket.send(&[io::IoSlice::new(request)])
            });
            request = &request[sent.await.map_err(at(Stage::Proxy))?..];
        }

        let mut passed = 0;
        loop {
            let head = read_head(socket, &readiness, passed).await?;
            let answer = Answer::parse(&head).map_err(|e| ConnectError::new(Stage::Proxy, e))?;
            if answer.is_interim() {
                passed += head.len();
                continue;
            }
            // Any other `2xx` has a body, and no tunnel behind it that a client could know the beginning of.
            return if answer.status == 200 {
                Ok(())
            } else {
                Err(ConnectError::new(Stage::Proxy, answer.status_line()))
            };
        }
    }
}

/// Reads the head of the answer and not one byte more: what follows belongs to the server, which may speak first.
/// `passed` bytes of interim answers came before.
async fn read_head(
    socket: &Socket,
    readiness: &Readiness,
    passed: usize,
) -> Result<Vec<u8>, ConnectError> {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let peeked = readiness
            .retry(Interest::READABLE, || socket.peek(&mut chunk))
            .await;
        let peeked = peeked.map_err(at(Stage::Proxy))?;
        if peeked == 0 {
            return Err(ConnectError::new(
                Stage::Proxy,
                "connection closed by the proxy",
            ));
        }
        let seen = head.len();
        head.extend_from_slice(&chunk[..peeked]);
        if !http::may_be_http(&head) {
            return Err(ConnectError::new(Stage::Proxy, http::not_http(&head)));
        }
        let end = http::head_end(&head, seen);
        let wanted = end.unwrap_or(head.len()) - seen;
        // At least that much is waiting in the socket, so this neither blocks nor falls short.
        socket
            .recv(&mut chunk[..wanted])
            .map_err(|e| ConnectError::new(Stage::Proxy, e))?;
        if let Some(end) = end {
            head.truncate(end);
            return Ok(head);
        }
        if head.len() + passed > http::MAX_HEAD {
            return Err(ConnectError::new(Stage::Proxy, "HTTP answer without end"));
        }
    }
}

/// A comma-separated `no_proxy` list names the host, a domain above it, or everything (`*`).
fn excludes(list: &str, uri: &ServerUri) -> bool {
    let host = uri.wire_host().to_ascii_lowercase();
    list.split([',', ' '])
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            if entry == "*" {
                return true;
            }
            let entry = entry.to_ascii_lowercase();
            // An IPv6 literal without brackets has colons of its own.
            let (name, port) = match split_authority(&entry) {
                Ok((name, Some(port))) if !name.contains(':') || entry.starts_with('[') => {
                    (name, Some(port))
                }
                Ok((name, None)) => (name, None),
                _ => (entry.as_str(), None),
            };
            let name = name.trim_start_matches('*').trim_start_matches('.');
            let port_fits = port.is_none_or(|port| parse_port(port) == Ok(uri.port));
            let above = || {
                host.strip_suffix(name)
                    .is_some_and(|rest| rest.ends_with('.'))
            };
            !name.is_empty() && port_fits && (host == name || above())
        })
}

/// Decodes `%41`; a percent sign that starts no such triple stands for itself.
fn percent_decode(text: &str) -> Vec<u8> {
    let hex = |byte: Option<&u8>| {
        byte.and_then(|b| char::from(*b).to_digit(16))
            .and_then(|d| u8::try_from(d).ok())
    };
    let mut bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    while let Some((&byte, rest)) = bytes.split_first() {
        if let (b'%', Some(high), Some(low)) = (byte, hex(rest.first()), hex(rest.get(1))) {
            decoded.push(high << 4 | low);
            bytes = &rest[2..];
        } else {
            decoded.push(byte);
            bytes = rest;
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str) -> (String, u16, Option<Vec<u8>>) {
        let proxy = Proxy::parse(url).expect(url);
        (proxy.host, proxy.port, proxy.credentials)
    }

    #[test]
    fn urls() {
        assert_eq!(proxy("p"), ("p".into(), 8080, None));
        assert_eq!(proxy("http://p:1/"), ("p".into(), 1, None));
        assert_eq!(proxy("https://[::1]:1"), ("::1".into(), 1, None));
        assert_eq!(
            proxy("http://u%40x:p%3Ay@p:1"),
            ("p".into(), 1, Some(b"u@x:p:y".to_vec()))
        );
        assert_eq!(
            proxy("u:a/b@p"),
            ("p".into(), 8080, Some(b"u:a/b".to_vec()))
        );
        assert_eq!(
            proxy("u:%zz%4@p"),
            ("p".into(), 8080, Some(b"u:%zz%4".to_vec()))
        );
        for url in ["http://", "http://u@", "http://p:x", "p:0"] {
            assert_eq!(Proxy::parse(url).unwrap_err().stage, Stage::Proxy, "{url}");
        }
    }

    #[test]
    fn exclusions() {
        let uri = ServerUri::parse("tcp://Broker.Example:1883").unwrap();
        for list in [
            "broker.example",
            "a,Broker.EXAMPLE",
            "a, example",
            ".example",
            "*.example",
            "*",
            "example:1883",
        ] {
            assert!(excludes(list, &uri), "{list}");
        }
        for list in [
            "",
            "oker.example",
            "broker.example.org",
            "example:1884",
            ",",
            ".",
            "broker",
        ] {
            assert!(!excludes(list, &uri), "{list}");
        }
        let uri = ServerUri::parse("tcp://[::1]:5").unwrap();
        assert!(excludes("::1", &uri) && excludes("[::1]", &uri) && excludes("[::1]:5", &uri));
        assert!(!excludes("[::1]:6", &uri));
    }
}
