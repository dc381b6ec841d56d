//! Server URIs as the API takes them: which are refused at create, which only fail at connect.

use std::fmt;

/// How to reach the server, by the URI's scheme; several spellings share a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `tcp://`, `mqtt://` or no scheme at all.
    Tcp,
    /// `ssl://`, `tls://` or `mqtts://`.
    Tls,
    /// `ws://`.
    Ws,
    /// `wss://`.
    Wss,
    /// `unix://`.
    Unix,
}

/// Every prefix the API knows. Case matters, as in the original: `TCP://` is an unknown protocol.
const PREFIXES: [(&str, Scheme); 8] = [
    ("tcp://", Scheme::Tcp),
    ("mqtt://", Scheme::Tcp),
    ("ssl://", Scheme::Tls),
    ("tls://", Scheme::Tls),
    ("mqtts://", Scheme::Tls),
    ("ws://", Scheme::Ws),
    ("wss://", Scheme::Wss),
    ("unix://", Scheme::Unix),
];

impl Scheme {
    /// Returns the port used where the URI names none.
    pub fn default_port(self) -> u16 {
        match self {
            Scheme::Tcp => 1883,
            Scheme::Tls => 8883,
            Scheme::Ws => 80,
            Scheme::Wss => 443,
            Scheme::Unix => 0,
        }
    }
}

/// Why a URI cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// Refused by the create functions (`BAD_PROTOCOL`, -14).
    #[error("the server URI's protocol is not tcp, mqtt, ssl, tls, mqtts, ws, wss or unix")]
    BadProtocol,
    /// Refused by create too, since it has no other meaning than to smuggle lines into what is sent.
    #[error("the server URI contains a control character")]
    ControlCharacter,
    /// Accepted by create, but for the default store, whose directory would have it in its name; connecting fails. No host has an
    /// `@` in its name: to look it up fails, and tells the name servers the password.
    #[error(
        "the server URI contains a user name, which belongs into the connect options, like the password"
    )]
    UserInfo,
    /// Accepted by create; connecting fails.
    #[error("the server URI names no host")]
    NoHost,
    /// Accepted by create; connecting fails.
    #[error("the server URI's port is not a number from 1 to 65535")]
    BadPort,
    /// Accepted by create; connecting fails.
    #[error("the server URI names no socket path")]
    NoPath,
}

/// A server URI taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUri {
    /// What the connection is made of.
    pub scheme: Scheme,
    /// Name or literal address; an IPv6 one without brackets, with its zone (`fe80::1%eth0`). Empty for `unix`.
    pub host: String,
    /// Port, 0 for `unix`.
    pub port: u16,
    /// WebSocket request target with query, starting with `/`, or the path of the Unix socket; empty for the rest.
    pub path: String,
    /// The URI as the API reports it after a connect: without its scheme.
    pub returned: String,
}

/// Request target of a WebSocket URI that has none, as the original asks for.
const DEFAULT_WS_PATH: &str = "/mqtt";

impl ServerUri {
    /// Takes a URI apart.
    pub fn parse(uri: &str) -> Result<Self, UriError> {
        let (scheme, rest) = match PREFIXES.iter().find(|(prefix, _)| uri.starts_with(prefix)) {
            Some((prefix, scheme)) => (*scheme, &uri[prefix.len()..]),
            // Anything with a scheme, wherever it stands, but none of ours.
            None if uri.contains("://") => return Err(UriError::BadProtocol),
            None => (Scheme::Tcp, uri),
        };
        // They would end a line of a request to a proxy or a WebSocket server, and begin one of somebody else's choice. The
        // path of a Unix socket goes nowhere but to the system.
        if scheme != Scheme::Unix && uri.chars().any(char::is_control) {
            return Err(UriError::ControlCharacter);
        }
        if scheme == Scheme::Unix {
            if rest.is_empty() {
                return Err(UriError::NoPath);
            }
            return Ok(Self {
                scheme,
                host: String::new(),
                port: 0,
                path: rest.to_owned(),
                returned: rest.to_owned(),
            });
        }

        let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(authority_end);
        if authority.contains('@') {
            return Err(UriError::UserInfo);
        }
        let (host, port) = split_authority(authority)?;
        let port = match port {
            Some(digits) => parse_port(digits)?,
            None => scheme.default_port(),
        };
        if host.is_empty() {
            return Err(UriError::NoHost);
        }
        let path = match scheme {
            Scheme::Ws | Scheme::Wss => match target {
                "" => DEFAULT_WS_PATH.to_owned(),
                query if query.starts_with('?') => format!("{DEFAULT_WS_PATH}{query}"),
                path => path.to_owned(),
            },
            // `tcp://host:1883/` is common in configuration files; what follows the authority means nothing there.
            _ => String::new(),
        };
        Ok(Self {
            scheme,
            host: host.to_owned(),
            port,
            path,
            returned: rest.to_owned(),
        })
    }

    /// Returns true if the connection runs over TLS.
    pub fn is_tls(&self) -> bool {
        matches!(self.scheme, Scheme::Tls | Scheme::Wss)
    }

    /// Returns true if the connection runs over WebSocket.
    pub fn is_websocket(&self) -> bool {
        matches!(self.scheme, Scheme::Ws | Scheme::Wss)
    }

    /// Returns the host without an IPv6 zone, which is a matter of this machine only and never goes on the wire.
    pub fn wire_host(&self) -> &str {
        if self.host.contains(':') {
            self.host
                .split_once('%')
                .map_or(self.host.as_str(), |(address, _)| address)
        } else {
            &self.host
        }
    }

    /// Returns `host:port` for an HTTP request, with the brackets that an IPv6 literal needs there.
    pub fn authority(&self) -> Authority<'_> {
        Authority {
            host: self.wire_host(),
            port: self.port,
        }
    }
}

/// A server URI as traces may show it: without a user name and password, and without a query, which may hold a signature or a token.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(&'a str);

/// Returns how to show a URI, whether it can be used or not.
pub fn shown(uri: &str) -> Shown<'_> {
    Shown(uri)
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = match self.0.find("://") {
            Some(at) => self.0.split_at(at + "://".len()),
            None => ("", self.0),
        };
        if scheme == "unix://" {
            return f.write_str(self.0);
        }
        // The last one: a password that is not encoded may have any character.
        let (hidden, rest) = match rest.rsplit_once('@') {
            Some((_, rest)) => ("...@", rest),
            None => ("", rest),
        };
        match rest.split_once('?') {
            Some((rest, _)) => write!(f, "{scheme}{hidden}{rest}?..."),
            None => write!(f, "{scheme}{hidden}{rest}"),
        }
    }
}

/// Displays as `host:port`.
#[derive(Clone, Copy, Debug)]
pub struct Authority<'a> {
    host: &'a str,
    port: u16,
}

impl fmt::Display for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Splits `host:port`, the port being optional and an IPv6 literal being in brackets or not.
pub(super) fn split_authority(authority: &str) -> Result<(&str, Option<&str>), UriError> {
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']').ok_or(UriError::NoHost)?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(UriError::BadPort),
        };
    }
    // The last colon, as the original: `::1:1883` is port 1883 on `::1`.
    Ok(match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

/// Reads the leading digits, as the original does: `1883 ` and `1883abc` are 1883. One out of range is refused, where
/// the original took it modulo 65536 and reached some other service.
pub(super) fn parse_port(text: &str) -> Result<u16, UriError> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    match text[..digits].parse() {
        Ok(0) | Err(_) => Err(UriError::BadPort),
        Ok(port) => Ok(port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(uri: &str) -> (Scheme, String, u16, String) {
        let uri = ServerUri::parse(uri).expect(uri);
        (uri.scheme, uri.host, uri.port, uri.path)
    }

    #[test]
    fn schemes_and_default_ports() {
        for (uri, scheme, port) in [
            ("tcp://h", Scheme::Tcp, 1883),
            ("mqtt://h", Scheme::Tcp, 1883),
            ("h", Scheme::Tcp, 1883),
            ("ssl://h", Scheme::Tls, 8883),
            ("tls://h", Scheme::Tls, 8883),
            ("mqtts://h", Scheme::Tls, 8883),
            ("ws://h", Scheme::Ws, 80),
            ("wss://h", Scheme::Wss, 443),
        ] {
            let parsed = ServerUri::parse(uri).expect(uri);
            assert_eq!(
                (parsed.scheme, parsed.port, parsed.host.as_str()),
                (scheme, port, "h"),
                "{uri}"
            );
            assert_eq!(parsed.is_tls(), port == 8883 || port == 443, "{uri}");
            assert_eq!(parsed.returned, "h");
        }
    }

    #[test]
    fn only_a_foreign_scheme_is_a_bad_protocol() {
        for uri in [
            "x://a",
            "a b://c",
            "://",
            " tcp://h:1",
            "TCP://h:1",
            "h:1/?u=http://x",
        ] {
            assert_eq!(ServerUri::parse(uri), Err(UriError::BadProtocol), "{uri}");
        }
        for (uri, error) in [
            ("", UriError::NoHost),
            ("tcp://", UriError::NoHost),
            ("tcp://:1883", UriError::NoHost),
            ("tcp://[::1", UriError::NoHost),
            ("tcp://h:", UriError::BadPort),
            ("tcp://h:0", UriError::BadPort),
            ("tcp://h:x", UriError::BadPort),
            ("tcp://h:-5", UriError::BadPort),
            ("tcp://h:65536", UriError::BadPort),
            ("tcp://h:99999999999999999999", UriError::BadPort),
            ("tcp://[::1]1883", UriError::BadPort),
            ("unix://", UriError::NoPath),
        ] {
            assert_eq!(ServerUri::parse(uri), Err(error), "{uri}");
        }
    }

    #[test]
    fn control_characters_are_refused() {
        for uri in [
            "tcp://broker\r\nX-Injected: yes\r\n\r\nDELETE :1883",
            "broker\n",
            "ws://h/path\r\nX: y",
            "wss://h:1?q=\t",
            "ssl://h:1883\0",
            "mqtt://h\u{7f}",
            "tcp://h\u{85}:1",
        ] {
            assert_eq!(
                ServerUri::parse(uri),
                Err(UriError::ControlCharacter),
                "{uri:?}"
            );
        }
        assert_eq!(parts("unix:///a\nb").3, "/a\nb");
    }

    #[test]
    fn a_user_name_is_refused() {
        for uri in [
            "tcp://user:secret@h:1883",
            "user@h",
            "ssl://user:se@cret@h",
            "wss://:secret@[::1]:1/path",
            "ws://@h",
        ] {
            assert_eq!(ServerUri::parse(uri), Err(UriError::UserInfo), "{uri}");
        }
        assert_eq!(parts("ws://h/a@b").3, "/a@b");
        assert_eq!(parts("tcp://h:1/a@b").1, "h");
        assert_eq!(parts("unix://@name").3, "@name");
    }

    #[test]
    fn what_is_shown_holds_no_secret() {
        for (uri, text) in [
            ("tcp://h:1883", "tcp://h:1883"),
            ("h", "h"),
            ("user:secret@h:1", "...@h:1"),
            ("tcp://user:s?e@c/r:et@h", "tcp://...@h"),
            ("gopher://user:secret@h", "gopher://...@h"),
            ("wss://h:1/path?token=secret&x=://y", "wss://h:1/path?..."),
            ("ws://user:secret@h?token=secret", "ws://...@h?..."),
            ("unix:///run/x@y?z", "unix:///run/x@y?z"),
        ] {
            assert_eq!(shown(uri).to_string(), text);
        }
    }

    #[test]
    fn hosts_and_ports() {
        for (uri, host, port) in [
            ("not used", "not used", 1883),
            ("tcp://h:1/", "h", 1),
            ("tcp://h:1/a/b", "h", 1),
            ("h:65535", "h", 65535),
            ("h:12 ", "h", 12),
            ("h:12abc", "h", 12),
            ("[::1]", "::1", 1883),
            ("tcp://[::1]:7", "::1", 7),
            ("tcp://::1:7", "::1", 7),
            ("tcp://[fe80::1%eth0]:7", "fe80::1%eth0", 7),
        ] {
            assert_eq!(
                parts(uri),
                (Scheme::Tcp, host.to_owned(), port, String::new()),
                "{uri}"
            );
        }
        let zoned = ServerUri::parse("ws://[fe80::1%eth0]").unwrap();
        assert_eq!(zoned.authority().to_string(), "[fe80::1]:80");
        assert_eq!(zoned.wire_host(), "fe80::1");
    }

    #[test]
    fn paths() {
        for (uri, path) in [
            ("ws://h", "/mqtt"),
            ("ws://h:81", "/mqtt"),
            ("ws://h/", "/"),
            ("wss://h:1/a/b?c=d:e", "/a/b?c=d:e"),
            ("ws://h?c=d", "/mqtt?c=d"),
        ] {
            assert_eq!(parts(uri).3, path, "{uri}");
        }
        assert_eq!(
            parts("unix:///run/x.sock"),
            (Scheme::Unix, String::new(), 0, "/run/x.sock".to_owned())
        );
        assert_eq!(parts("unix://x.sock").3, "x.sock");
    }
}
