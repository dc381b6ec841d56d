//! SOCKS version 5 (RFC 1928), with user name and password (RFC 1929): what is said and what is made of the answers.
//! Nothing here waits; the caller sends, and reads as many bytes as it is told, not one more.

use std::net::IpAddr;

use zeroize::Zeroizing;

const VERSION: u8 = 5;
/// Of the sub-negotiation of RFC 1929.
const LOGIN_VERSION: u8 = 1;

const NO_AUTHENTICATION: u8 = 0;
const LOGIN: u8 = 2;

const CONNECT: u8 = 1;

const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Where the tunnel is to lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// An address that this side knows.
    Address(IpAddr, u16),
    /// A name that the proxy looks up.
    Name(String, u16),
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Next {
    /// Send these bytes, then read so many.
    Exchange(Zeroizing<Vec<u8>>, usize),
    /// Read so many more.
    Read(usize),
    /// The tunnel is open.
    Done,
}

/// The answer that is waited for.
#[derive(Clone, Copy, Debug)]
enum State {
    Method,
    Login,
    /// The reply's first five bytes, which say how long it is.
    ReplyHead,
    ReplyRest,
}

/// One negotiation.
pub(super) struct Negotiation<'a> {
    target: &'a Target,
    /// User name and password.
    login: Option<(&'a [u8], &'a [u8])>,
    state: State,
}

/// Begins a negotiation. Fails with words for the user if what is to be said does not fit into the protocol.
pub(super) fn begin<'a>(
    target: &'a Target,
    login: Option<(&'a [u8], &'a [u8])>,
) -> Result<(Negotiation<'a>, Next), &'static str> {
    if let Target::Name(name, _) = target {
        if name.is_empty() || name.len() > 255 {
            return Err("the server's name is longer than 255 bytes");
        }
    }
    if let Some((user, password)) = login {
        if user.is_empty() || user.len() > 255 || password.len() > 255 {
            return Err("user name and password may have 255 bytes each");
        }
    }
    let greeting: &[u8] = if login.is_some() {
        &[VERSION, 2, NO_AUTHENTICATION, LOGIN]
    } else {
        &[VERSION, 1, NO_AUTHENTICATION]
    };
    let negotiation = Negotiation {
        target,
        login,
        state: State::Method,
    };
    Ok((negotiation, Next::Exchange(greeting.to_vec().into(), 2)))
}

impl Negotiation<'_> {
    /// Goes on with the bytes that were asked for. Fails with words for the user.
    pub(super) fn answer(&mut self, bytes: &[u8]) -> Result<Next, String> {
        match (self.state, bytes) {
            (State::Method, [VERSION, NO_AUTHENTICATION]) | (State::Login, [_, 0]) => {
                Ok(self.request())
            }
            (State::Method, [VERSION, LOGIN]) => {
                // One that was not offered is no answer.
                let (user, password) = self.login.ok_or("the proxy asks for a password")?;
                self.state = State::Login;
                let mut login = Vec::with_capacity(3 + user.len() + password.len());
                login.push(LOGIN_VERSION);
                for text in [user, password] {
                    login.push(u8::try_from(text.len()).map_err(|e| e.to_string())?);
                    login.extend_from_slice(text);
                }
                Ok(Next::Exchange(login.into(), 2))
            }
            (State::Method, [VERSION, 0xff]) => Err(if self.login.is_some() {
                "the proxy accepts no user name with password".to_owned()
            } else {
                "the proxy asks for authentication".to_owned()
            }),
            (State::Login, [_, _]) => {
                Err("the proxy does not accept user name and password".to_owned())
            }
            (State::ReplyHead, [VERSION, 0, _, kind, first]) => {
                self.state = State::ReplyRest;
                // One byte of the address has been read; the port follows it.
                match *kind {
                    IPV4 => Ok(Next::Read(3 + 2)),
                    IPV6 => Ok(Next::Read(15 + 2)),
                    NAME => Ok(Next::Read(usize::from(*first) + 2)),
                    _ => Err("unknown kind of address in the proxy's answer".to_owned()),
                }
            }
            (State::ReplyHead, [VERSION, code, ..]) => Err(refusal(*code)),
            (State::ReplyRest, _) => Ok(Next::Done),
            _ => Err("not an answer of SOCKS version 5".to_owned()),
        }
    }

    /// Asks for the tunnel.
    fn request(&mut self) -> Next {
        self.state = State::ReplyHead;
        let mut request = vec![VERSION, CONNECT, 0];
        let port = match self.target {
            Target::Address(IpAddr::V4(address), port) => {
                request.push(IPV4);
                request.extend_from_slice(&address.octets());
                port
            }
            Target::Address(IpAddr::V6(address), port) => {
                request.push(IPV6);
                request.extend_from_slice(&address.octets());
                port
            }
            Target::Name(name, port) => {
                request.push(NAME);
                // `begin` has seen to its length.
                request.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
                request.extend_from_slice(name.as_bytes());
                port
            }
        };
        request.extend_from_slice(&port.to_be_bytes());
        Next::Exchange(request.into(), 5)
    }
}

/// Returns why the proxy opens no tunnel (RFC 1928, section 6).
fn refusal(code: u8) -> String {
    let reason = match code {
        1 => "general failure",
        2 => "connection not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "command not supported",
        8 => "kind of address not supported",
        _ => "unknown reason",
    };
    format!("the proxy cannot reach the server: {reason} ({code})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(next: Next) -> (Vec<u8>, usize) {
        match next {
            Next::Exchange(send, read) => (send.to_vec(), read),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_tunnel_with_a_password() {
        let target = Target::Name("broker.example".into(), 1883);
        let (mut negotiation, next) = begin(&target, Some((b"user", b"secret"))).unwrap();
        assert_eq!(exchange(next), (b"\x05\x02\x00\x02".to_vec(), 2));
        let login = exchange(negotiation.answer(b"\x05\x02").unwrap());
        assert_eq!(login, (b"\x01\x04user\x06secret".to_vec(), 2));
        let request = exchange(negotiation.answer(b"\x01\x00").unwrap());
        assert_eq!(
            request,
            (b"\x05\x01\x00\x03\x0ebroker.example\x07\x5b".to_vec(), 5)
        );
        let more = negotiation.answer(b"\x05\x00\x00\x03\x04").unwrap();
        assert!(matches!(more, Next::Read(6)));
        assert!(matches!(
            negotiation.answer(b"host\x00\x01").unwrap(),
            Next::Done
        ));
    }

    #[test]
    fn addresses() {
        for (address, sent, reply, rest) in [
            (
                "127.0.0.1",
                &b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x05"[..],
                1,
                5,
            ),
            (
                "::1",
                b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x05",
                4,
                17,
            ),
        ] {
            let target = Target::Address(address.parse().unwrap(), 5);
            let (mut negotiation, next) = begin(&target, None).unwrap();
            assert_eq!(exchange(next), (b"\x05\x01\x00".to_vec(), 2));
            let request = exchange(negotiation.answer(b"\x05\x00").unwrap());
            assert_eq!(request, (sent.to_vec(), 5));
            let more = negotiation.answer(&[5, 0, 0, reply, 0]).unwrap();
            assert!(matches!(more, Next::Read(n) if n == rest));
        }
    }

    #[test]
    fn refusals() {
        let target = Target::Name("h".into(), 1);
        let answer = |answers: &[&[u8]], login: bool| {
            let login = login.then_some((&b"u"[..], &b"p"[..]));
            let (mut negotiation, _) = begin(&target, login).unwrap();
            let mut last = Ok(Next::Done);
            for answer in answers {
                last = negotiation.answer(answer);
            }
            last.unwrap_err()
        };
        for (answers, login, reason) in [
            (&[&b"\x05\xff"[..]][..], false, "asks for authentication"),
            (&[b"\x05\xff"], true, "no user name with password"),
            (&[b"\x05\x02"], false, "asks for a password"),
            (&[b"\x05\x02", b"\x01\x01"], true, "does not accept"),
            (&[b"\x04\x00"], false, "not an answer"),
            (&[b"HT"], false, "not an answer"),
            (
                &[b"\x05\x00", b"\x05\x05\0\x01\0"],
                false,
                "connection refused (5)",
            ),
            (
                &[b"\x05\x00", b"\x05\x63\0\x01\0"],
                false,
                "unknown reason (99)",
            ),
            (
                &[b"\x05\x00", b"\x05\0\0\x07\0"],
                false,
                "unknown kind of address",
            ),
        ] {
            let error = answer(answers, login);
            assert!(error.contains(reason), "{error}");
        }
        let long = Target::Name("h".repeat(256), 1);
        assert!(begin(&long, None).is_err());
        assert!(begin(&target, Some((&[b'u'; 256], b""))).is_err());
        assert!(begin(&target, Some((b"", b""))).is_err());
    }
}
