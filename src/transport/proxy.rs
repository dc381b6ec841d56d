//! Proxies: a tunnel by HTTP's `CONNECT` or by SOCKS, for every scheme over TCP.

use std::io;

use data_encoding::BASE64;
use tokio::io::Interest;
use zeroize::Zeroizing;

use super::error::{ConnectError, Stage};
use super::http::{self, Answer};
use super::readiness::{Readiness, at, yield_turn};
use super::resolve::{Resolver, literal};
use super::socket::Socket;
use super::socks::{self, Next, Target};
use super::uri::{ServerUri, UriError, parse_port, split_authority};
use crate::options::{ConnectOptions, SecretText};

/// The original's default.
const HTTP_PORT: u16 = 8080;
/// RFC 1928's.
const SOCKS_PORT: u16 = 1080;

/// How to speak with a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    /// SOCKS 5; the names of servers are looked up here.
    Socks,
    /// SOCKS 5; the proxy looks names up.
    SocksNames,
}

impl Kind {
    /// The step at which such a proxy fails.
    fn stage(self) -> Stage {
        match self {
            Kind::Http => Stage::Proxy,
            Kind::Socks | Kind::SocksNames => Stage::Socks,
        }
    }

    /// The same error, said of the right kind of proxy.
    fn named(self, error: ConnectError) -> ConnectError {
        match error.stage {
            Stage::Proxy => ConnectError {
                stage: self.stage(),
                ..error
            },
            _ => error,
        }
    }
}

/// What a proxy URL may begin with. The proxy itself is spoken to without TLS, also where its URL says https: that names
/// the traffic it is for.
const PREFIXES: [(&str, Kind); 4] = [
    ("http://", Kind::Http),
    ("https://", Kind::Http),
    ("socks5://", Kind::Socks),
    ("socks5h://", Kind::SocksNames),
];

/// Where the proxy is and what to say to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    kind: Kind,
    pub(super) host: String,
    pub(super) port: u16,
    /// `user:password`, decoded.
    credentials: Option<Zeroizing<Vec<u8>>>,
}

/// The variable that has the others count.
const SWITCH: &str = "PAHO_C_CLIENT_USE_HTTP_PROXY";

/// Returns the URL of the proxy that the environment has for `uri`, and the variable that it is from.
fn from_environment(
    uri: &ServerUri,
    env: impl Fn(&str) -> Option<String>,
) -> Option<(&'static str, SecretText)> {
    let enabled = env(SWITCH).is_some_and(|value| value.starts_with("TRUE"));
    if !enabled || env("no_proxy").is_some_and(|list| excludes(&list, uri)) {
        return None;
    }
    let own = if uri.is_tls() {
        "https_proxy"
    } else {
        "http_proxy"
    };
    [own, "all_proxy"]
        .into_iter()
        .find_map(|name| Some((name, env(name)?.into())))
}

/// Returns true if a URL begins with a scheme, whichever it is (RFC 3986, section 3.1).
fn has_scheme(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, _)| {
        let other = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(other)
    })
}

fn failed(message: impl std::fmt::Display) -> ConnectError {
    ConnectError::new(Stage::Proxy, message)
}

impl Proxy {
    /// Returns the proxy to use for `uri`: the program's, else the environment's, which counts only where
    /// `PAHO_C_CLIENT_USE_HTTP_PROXY` asks for it. Fails if it cannot be used for `uri`, whatever it answers.
    pub(super) fn choose(
        uri: &ServerUri,
        options: &ConnectOptions,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ConnectError> {
        let (name, option) = if uri.is_tls() {
            ("httpsProxy", &options.https_proxy)
        } else {
            ("httpProxy", &options.http_proxy)
        };
        let chosen = match option {
            Some(url) => Some((name, url.clone())),
            None => from_environment(uri, env),
        };
        // An empty one is a way to say: none, whatever the environment has.
        let Some((name, url)) = chosen.filter(|(_, url)| !url.is_empty()) else {
            return Ok(None);
        };
        let proxy = Self::parse(name, &url)?;
        proxy.check(uri).map_err(|error| proxy.named(error))?;
        Ok(Some(proxy))
    }

    /// Checks that the proxy can be asked for a tunnel to `uri`.
    fn check(&self, uri: &ServerUri) -> Result<(), ConnectError> {
        if self.kind == Kind::Http {
            if uri.wire_host().contains(char::is_whitespace) {
                return Err(failed("the server's name contains a space"));
            }
            return Ok(());
        }
        let target = Target::Name(uri.wire_host().to_owned(), uri.port);
        socks::begin(&target, self.login())
            .map(drop)
            .map_err(failed)
    }

    /// Returns user name and password.
    fn login(&self) -> Option<(&[u8], &[u8])> {
        let credentials = self.credentials.as_ref()?;
        let colon = credentials.iter().position(|byte| *byte == b':');
        Some(colon.map_or((&credentials[..], &[][..]), |at| {
            (&credentials[..at], &credentials[at + 1..])
        }))
    }

    /// Parses `[http://][user:password@]host[:port][/]`; user and password may be percent-encoded. `name` is that of the option
    /// or the variable.
    pub(super) fn parse(name: &str, url: &str) -> Result<Self, ConnectError> {
        let known = PREFIXES.iter().find_map(|(prefix, kind)| {
            // Schemes are compared without case (RFC 3986, section 3.1).
            let (start, rest) = url.split_at_checked(prefix.len())?;
            start.eq_ignore_ascii_case(prefix).then_some((*kind, rest))
        });
        let kind = known.map_or(Kind::Http, |(kind, _)| kind);
        Self::parse_as(name, kind, known.map(|(_, rest)| rest), url)
            .map_err(|error| kind.named(error))
    }

    /// `known`: what follows the scheme, if the URL has one that is known.
    fn parse_as(
        name: &str,
        kind: Kind,
        known: Option<&str>,
        url: &str,
    ) -> Result<Self, ConnectError> {
        let bad = |what: &str| failed(format_args!("the proxy's URL in {name} {what}"));
        if url.chars().any(char::is_control) {
            return Err(bad("contains a control character"));
        }
        let rest = known.unwrap_or(url);
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (Some(Zeroizing::new(percent_decode(credentials))), rest),
            None => (None, rest),
        };
        if credentials
            .as_ref()
            .is_some_and(|bytes| bytes.iter().any(u8::is_ascii_control))
        {
            // RFC 7617, section 2.
            return Err(bad("has a control character in its user name or password"));
        }
        // Also before a user name, of which it is no part.
        if known.is_none() && (rest.contains("://") || has_scheme(url)) {
            return Err(bad("begins with an unknown scheme"));
        }
        let authority = rest.split('/').next().unwrap_or(rest);
        let reason = |error| match error {
            UriError::BadPort => bad("has a port that is not a number from 1 to 65535"),
            _ => bad("names no host"),
        };
        let (host, port) = split_authority(authority).map_err(reason)?;
        if host.is_empty() {
            return Err(reason(UriError::NoHost));
        }
        let default = if kind == Kind::Http {
            HTTP_PORT
        } else {
            SOCKS_PORT
        };
        Ok(Self {
            kind,
            host: host.to_owned(),
            port: port.map_or(Ok(default), parse_port).map_err(reason)?,
            credentials,
        })
    }

    /// Says that it is the proxy that could not be reached, and not the server.
    pub(super) fn unreachable(&self, error: &ConnectError) -> ConnectError {
        let why = &error.message;
        let name = &self.host;
        if error.stage == Stage::Resolve {
            self.named(failed(format_args!("no address of the proxy: {why}")))
        } else {
            let failed = failed(format_args!("cannot reach the proxy {name}: {why}"));
            self.named(failed.with_os_error(error.os_error))
        }
    }

    /// The step at which this proxy fails.
    pub(super) fn stage(&self) -> Stage {
        self.kind.stage()
    }

    /// The same error, said of this kind of proxy.
    pub(super) fn named(&self, error: ConnectError) -> ConnectError {
        self.kind.named(error)
    }

    /// Asks the proxy at the other end of `socket` for a tunnel to `uri`.
    pub(super) async fn open_tunnel(
        &self,
        socket: &Socket,
        uri: &ServerUri,
        resolver: &dyn Resolver,
    ) -> Result<(), ConnectError> {
        let readiness = Readiness::of(socket).map_err(at(Stage::Proxy))?;
        if self.kind == Kind::Http {
            self.open_http(socket, &readiness, uri).await
        } else {
            self.open_socks(socket, &readiness, uri, resolver).await
        }
    }

    async fn open_http(
        &self,
        socket: &Socket,
        readiness: &Readiness,
        uri: &ServerUri,
    ) -> Result<(), ConnectError> {
        let authority = uri.authority().to_string();
        let mut request = Zeroizing::new(format!(
            "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n"
        ));
        if let Some(credentials) = &self.credentials {
            let encoded = Zeroizing::new(BASE64.encode(credentials));
            // At once: a string that grows leaves its bytes behind.
            request.reserve_exact(encoded.len() + 64);
            request.push_str("Proxy-Authorization: Basic ");
            request.push_str(&encoded);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        send_all(socket, readiness, request.as_bytes()).await?;

        let mut passed = 0;
        loop {
            let head = read_head(socket, readiness, passed).await?;
            let answer = Answer::parse(&head).map_err(failed)?;
            if answer.is_interim() {
                passed += head.len();
                if passed > http::MAX_HEAD {
                    return Err(failed("HTTP answer without end"));
                }
                // Those that are there already are read without a wait: the deadline is to be looked at, too.
                yield_turn().await;
                continue;
            }
            // Any other `2xx` has a body, and no tunnel behind it that a client could know the beginning of.
            return if answer.status == 200 {
                Ok(())
            } else {
                Err(failed(answer.status_line()))
            };
        }
    }

    async fn open_socks(
        &self,
        socket: &Socket,
        readiness: &Readiness,
        uri: &ServerUri,
        resolver: &dyn Resolver,
    ) -> Result<(), ConnectError> {
        let target = self.target(uri, resolver).await?;
        let (mut negotiation, mut next) = socks::begin(&target, self.login()).map_err(failed)?;
        loop {
            let read = match next {
                Next::Exchange(bytes, read) => {
                    send_all(socket, readiness, &bytes).await?;
                    read
                }
                Next::Read(read) => read,
                Next::Done => return Ok(()),
            };
            let answer = read_exactly(socket, readiness, read).await?;
            next = negotiation.answer(&answer).map_err(failed)?;
        }
    }

    /// Returns what to ask a SOCKS proxy for.
    async fn target(
        &self,
        uri: &ServerUri,
        resolver: &dyn Resolver,
    ) -> Result<Target, ConnectError> {
        let (host, port) = (uri.wire_host(), uri.port);
        if let Some(address) = literal(host, port) {
            return Ok(Target::Address(address.ip(), port));
        }
        if self.kind == Kind::SocksNames {
            return Ok(Target::Name(host.to_owned(), port));
        }
        let resolved = resolver.resolve(host, port).await;
        let addresses =
            resolved.map_err(|e| ConnectError::new(Stage::Resolve, format_args!("{host}: {e}")))?;
        let first = addresses.first().map(std::net::SocketAddr::ip);
        first
            .map(|address| Target::Address(address, port))
            .ok_or_else(|| ConnectError::new(Stage::Resolve, format_args!("{host} has no address")))
    }
}

async fn send_all(
    socket: &Socket,
    readiness: &Readiness,
    mut bytes: &[u8],
) -> Result<(), ConnectError> {
    while !bytes.is_empty() {
        let sent = readiness.retry(Interest::WRITABLE, || {
            socket.send(&[io::IoSlice::new(bytes)])
        });
        bytes = &bytes[sent.await.map_err(at(Stage::Proxy))?..];
    }
    Ok(())
}

/// Reads `length` bytes and not one more.
async fn read_exactly(
    socket: &Socket,
    readiness: &Readiness,
    length: usize,
) -> Result<Vec<u8>, ConnectError> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        let read = readiness.retry(Interest::READABLE, || socket.recv(&mut bytes[filled..]));
        match read.await.map_err(at(Stage::Proxy))? {
            0 => return Err(failed("connection closed by the proxy")),
            n => filled += n,
        }
    }
    Ok(bytes)
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
            return Err(failed("connection closed by the proxy"));
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

/// Returns true if a comma-separated `no_proxy` list names the host, a domain above it, or everything (`*`).
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
        let proxy = Proxy::parse("httpProxy", url).expect(url);
        (
            proxy.host,
            proxy.port,
            proxy.credentials.map(|bytes| bytes.to_vec()),
        )
    }

    #[test]
    fn urls() {
        assert_eq!(proxy("p"), ("p".into(), 8080, None));
        assert_eq!(proxy("socks5://p"), ("p".into(), 1080, None));
        assert_eq!(
            proxy("socks5h://u:p@[::1]:9"),
            ("::1".into(), 9, Some(b"u:p".to_vec()))
        );
        assert_eq!(proxy("SOCKS5://p"), ("p".into(), 1080, None));
        assert_eq!(proxy("HTTP://p:1"), ("p".into(), 1, None));
        assert_eq!(
            proxy("u:://b@p"),
            ("p".into(), 8080, Some(b"u:://b".to_vec()))
        );
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
        for (url, reason) in [
            ("http://", "names no host"),
            ("http://u@", "names no host"),
            ("http://p:x", "not a number"),
            ("p:0", "not a number"),
            ("socks4://p:1", "unknown scheme"),
            ("u:p@ftp://p", "unknown scheme"),
            ("socks4://u:p@p:1", "unknown scheme"),
            ("ftp://u:p@p:1", "unknown scheme"),
            ("http://p\r\nX: y", "control character"),
            ("http://u%0d%0a:p@p", "control character"),
            ("http://u:%00@p", "control character"),
        ] {
            let error = Proxy::parse("httpProxy", url).unwrap_err();
            assert_eq!(error.stage, Stage::Proxy, "{url}");
            assert!(
                error.message.starts_with("the proxy's URL in httpProxy "),
                "{error}"
            );
            assert!(error.message.contains(reason), "{error}");
        }
    }

    #[test]
    fn the_environment_counts_where_it_was_asked_for() {
        let choose = |uri: &str, variables: &[(&str, &str)]| {
            let uri = ServerUri::parse(uri).unwrap();
            let url = from_environment(&uri, |name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            });
            url.map(|(_, url)| url.to_string())
        };
        let on = (SWITCH, "TRUE");
        let (own, all) = (("https_proxy", "p"), ("all_proxy", "socks5h://a"));
        for (uri, variables, expected) in [
            ("ssl://h", &[own, all][..], None),
            ("ssl://h", &[on, own, all], Some("p")),
            ("tcp://h", &[on, own, all], Some("socks5h://a")),
            ("ws://h", &[on, own], None),
            ("ssl://h", &[on, own, all, ("no_proxy", "h")], None),
            ("ssl://h", &[(SWITCH, "FALSE"), own], None),
        ] {
            assert_eq!(
                choose(uri, variables).as_deref(),
                expected,
                "{uri} {variables:?}"
            );
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
