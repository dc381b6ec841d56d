//! What the fuzzers, and a short test of the same, try on the parts of the transport that take a server's bytes.

use std::io::{self, IoSlice};
use std::sync::Arc;

use super::http::{self, Answer};
use super::layer::{Input, Layer, Wants};
use super::link::Link;
use super::proxy::Proxy;
use super::socks;
use super::stream::ByteStream;
use super::upgrade;
use super::websocket::WebSocket;

/// A server's bytes, read in pieces.
struct Pieces<'a> {
    bytes: &'a [u8],
    /// Sizes of the pieces, again and again; 0: nothing is there yet.
    sizes: std::iter::Cycle<std::slice::Iter<'a, u8>>,
}

impl Layer for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<Input> {
        if self.bytes.is_empty() {
            return Ok(Input::End);
        }
        let size = self.sizes.next().map_or(1, |size| usize::from(*size));
        if size == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let n = size.min(buf.len()).min(self.bytes.len());
        buf[..n].copy_from_slice(&self.bytes[..n]);
        self.bytes = &self.bytes[n..];
        Ok(Input::Bytes(n))
    }

    fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(bufs.iter().map(|buf| buf.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&mut self) {}

    fn wants(&self) -> Wants {
        Wants::OF_SOCKET
    }
}

/// How a stream of frames ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// By itself, or by a close frame.
    Closed,
    /// With what no server may send.
    Error,
    /// Inside a header: whoever reads may have seen already that it is none.
    Either,
}

/// Reads the payload in a server's frames (RFC 6455, 5.2), and how they end: slowly, and from the text of the RFC alone.
fn frames(mut bytes: &[u8]) -> (Vec<u8>, End) {
    let mut payload = Vec::new();
    let mut in_message = false;
    loop {
        if bytes.is_empty() {
            return (payload, End::Closed);
        }
        let &[first, second, ref rest @ ..] = bytes else {
            return (payload, End::Either);
        };
        let extended = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if rest.len() < extended || (second & 0x80 != 0 && rest.len() < extended + 4) {
            return (payload, End::Either);
        }
        let length = match extended {
            0 => u64::from(second & 0x7f),
            n => rest[..n]
                .iter()
                .fold(0, |length, byte| length << 8 | u64::from(*byte)),
        };
        let body = &rest[extended..];
        let here = usize::try_from(length).map_or(body.len(), |length| length.min(body.len()));
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
        if first & 0x70 != 0 || second & 0x80 != 0 {
            return (payload, End::Error);
        }
        match opcode {
            0x8..=0xa => {
                if !fin || length > 125 {
                    return (payload, End::Error);
                }
                if opcode == 0x8 || (here as u64) < length {
                    return (payload, End::Closed);
                }
            }
            0x0 if in_message => {}
            0x2 if !in_message => {}
            _ => return (payload, End::Error),
        }
        if opcode <= 0x2 {
            payload.extend_from_slice(&body[..here]);
            in_message = !fin;
        }
        bytes = &body[here..];
    }
}

/// Reads a server's frames in pieces of any size: the payload is the one that is in them, and an error is one.
///
/// # Panics
/// When it is not so.
pub fn websocket(sizes: &[u8], bytes: &[u8]) {
    let (payload, end) = frames(bytes);
    let sizes = if sizes.iter().all(|size| *size == 0) {
        &[7]
    } else {
        sizes
    };
    let early = bytes.len().min(usize::from(sizes[0]));
    let mut layer = WebSocket::new(
        Pieces {
            bytes: &bytes[early..],
            sizes: sizes.iter().cycle(),
        },
        &bytes[..early],
    );
    let mut read = Vec::new();
    let mut buf = [0; 100];
    let error = loop {
        match layer.read(&mut buf) {
            Ok(Input::End) => break false,
            Ok(Input::Bytes(n)) => read.extend_from_slice(&buf[..n]),
            Ok(Input::Again) => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => {
                assert_eq!(e.kind(), io::ErrorKind::InvalidData);
                break true;
            }
        }
    };
    assert_eq!(read, payload);
    match end {
        End::Closed => assert!(!error),
        End::Error => assert!(error),
        End::Either => {}
    }
    assert_eq!(layer.read(&mut buf).expect("the end stays"), Input::End);
}

/// Reads the head of a proxy's or server's answer: no panic, and its end is where it is whatever reads split it.
///
/// # Panics
/// When it is not so.
pub fn http_answer(bytes: &[u8]) {
    let end = http::head_end(bytes, 0);
    for seen in 0..=end.map_or(bytes.len(), |end| end - 1).min(64) {
        assert_eq!(http::head_end(bytes, seen), end, "split at {seen}");
    }
    let _ = http::may_be_http(bytes);
    if let Some(answer) = end.and_then(|end| Answer::parse(&bytes[..end]).ok()) {
        let _ = answer.status_line();
        let _ = upgrade::check(&answer, "dGhlIHNhbXBsZSBub25jZQ==");
    }
}

/// Plays a SOCKS proxy: it gives as many bytes as it is asked for, whatever they are.
///
/// # Panics
/// When the client does not come to an end, or asks for more than an answer can have.
pub fn socks(login: bool, name: &str, mut bytes: &[u8]) {
    let target = socks::Target::Name(name.to_owned(), 1883);
    let login = login.then_some((&b"user"[..], &b"password"[..]));
    let Ok((mut negotiation, mut next)) = socks::begin(&target, login) else {
        assert!(name.is_empty() || name.len() > 255);
        return;
    };
    for _ in 0..5 {
        let wanted = match next {
            socks::Next::Exchange(sent, wanted) => {
                assert!(!sent.is_empty() && sent.len() <= 513);
                wanted
            }
            socks::Next::Read(wanted) => wanted,
            socks::Next::Done => return,
        };
        assert!((1..=257).contains(&wanted));
        let Some((answer, rest)) = bytes.split_at_checked(wanted) else {
            return;
        };
        bytes = rest;
        match negotiation.answer(answer) {
            Ok(step) => next = step,
            Err(why) => return assert!(!why.is_empty()),
        }
    }
    panic!("the negotiation goes on and on");
}

/// Reads the URL of a proxy: nothing that could end a line of a request comes out.
///
/// # Panics
/// When something does.
pub fn proxy_url(url: &str) {
    if let Ok(proxy) = Proxy::parse("httpProxy", url) {
        assert!(!proxy.host.is_empty() && proxy.port != 0);
        assert!(!proxy.host.chars().any(char::is_control));
    }
}

/// Makes a context of settings that a program may have from anywhere. What is wrong is an error that names the setting.
///
/// # Panics
/// When an error is empty.
#[cfg(feature = "tls")]
pub fn tls_options(pem: &str, ciphers: &str, protos: &[u8], password: &[u8]) {
    super::tls::fuzz(pem, ciphers, protos, password);
}

/// Makes a link that the caller feeds, with the WebSocket layer on it if `websocket`.
///
/// # Panics
/// Never: a byte stream has no descriptor that could be missing.
pub fn stream(websocket: bool, capacity: usize) -> (Link, ByteStream) {
    let (link, owner) = Link::stream(capacity, Arc::new(|_| ()));
    if !websocket {
        return (link, owner);
    }
    let bottom = link.into_bottom().expect("no layers");
    let readiness = bottom.readiness().expect("no descriptor");
    let layered = Link::of_layers(WebSocket::new(bottom, b""), readiness);
    (layered.expect("no descriptor"), owner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Frames as servers send them, and nearly so.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let frame = (
            prop_oneof![
                8 => Just(0x82_u8), 3 => Just(0x02), 3 => Just(0x80), 2 => Just(0x00),
                2 => Just(0x89), 2 => Just(0x8a), 1 => Just(0x88), 1 => any::<u8>()
            ],
            proptest::collection::vec(any::<u8>(), 0..300),
            prop_oneof![10 => Just(0_u8), 1 => any::<u8>()],
        )
            .prop_map(|(first, body, wrong)| {
                let length = u16::try_from(body.len()).unwrap_or(0);
                let mut frame = vec![first];
                match u8::try_from(length) {
                    Ok(length) if length < 126 => frame.push(length),
                    _ => {
                        frame.push(126);
                        frame.extend(length.to_be_bytes());
                    }
                }
                frame[1] ^= wrong;
                frame.extend(body);
                frame
            });
        proptest::collection::vec(frame, 0..12).prop_map(|frames| frames.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn frames_in_pieces(sizes in proptest::collection::vec(any::<u8>(), 1..8), bytes in stream()) {
            websocket(&sizes, &bytes);
        }

        #[test]
        fn answers_of_socks_proxies(login: bool, name in "[a-z]{0,300}", bytes in proptest::collection::vec(
            prop_oneof![Just(5_u8), Just(0), Just(1), Just(2), Just(3), any::<u8>()], 0..40)) {
            socks(login, &name, &bytes);
        }

        #[test]
        fn urls_of_proxies(url in "(http|socks5|socks5h|x)?(://)?([a-z%0-9:]{0,9}@)?[\\PC\r\n\t]{0,20}") {
            proxy_url(&url);
        }

        #[cfg(feature = "tls")]
        #[test]
        fn settings_of_tls(pem in "(-----BEGIN (CERTIFICATE|PRIVATE KEY|X)-----\n[A-Za-z0-9+/=\n]{0,99}(-----END X-----\n)?){1,2}",
            ciphers in "[A-Z0-9:!_@\0-]{0,30}", protos in proptest::collection::vec(0..9_u8, 0..12)) {
            tls_options(&pem, &ciphers, &protos, b"p");
        }

        #[test]
        fn answers_of_any_bytes(bytes in proptest::collection::vec(prop_oneof![
            Just(b"HTTP/1.1 101 X\r\n".to_vec()), Just(b"Upgrade: websocket\r\n".to_vec()), Just(b"\r\n".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..20)
        ], 0..8)) {
            http_answer(&bytes.concat());
        }
    }
}
