//! The HTTP request that turns a connection into a WebSocket, and its answer.

use std::fmt::Write;
use std::io::{self, IoSlice};

use tokio::io::Interest;
use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;
use zeroize::Zeroizing;

use super::error::{ConnectError, Stage};
use super::http::{self, Answer};
use super::layer::{Input, Layer};
use super::readiness::{Readiness, at, yield_turn};
use super::uri::ServerUri;
use super::websocket::WebSocket;
use crate::options::Header;

/// [MQTT-6.0.0-3]: the sub-protocol's name.
const SUBPROTOCOL: &str = "mqtt";

/// The only status that makes a WebSocket.
const SWITCHING_PROTOCOLS: u16 = 101;

fn failed(message: impl std::fmt::Display) -> ConnectError {
    ConnectError::new(Stage::WebSocket, message)
}

/// The opening handshake (RFC 6455, section 4.1), without waiting: whoever carries it on decides when to try again.
pub(super) struct Handshake {
    /// Wiped when it is dropped: headers hold credentials.
    request: Zeroizing<Vec<u8>>,
    sent: usize,
    key: String,
    is_tls: bool,
    answer: Vec<u8>,
    /// Bytes of interim answers (`1xx`) that were passed over: they count against the longest head.
    passed: usize,
}

/// What a handshake waits for.
pub(super) enum Progress {
    /// Nothing more. These are the bytes that came right behind the answer: the server may have sent its first frames.
    Done(Vec<u8>),
    Readable,
    Writable,
    /// Nothing, but others should have their turn first.
    Again,
}

impl Handshake {
    /// Begins one with the host and path of `uri`.
    pub(super) fn new(uri: &ServerUri, headers: &[Header]) -> Result<Self, ConnectError> {
        let key = generate_key();
        Ok(Self {
            request: Zeroizing::new(
                std::mem::take(&mut *request(uri, &key, headers)?).into_bytes(),
            ),
            sent: 0,
            key,
            is_tls: uri.is_tls(),
            answer: Vec::new(),
            passed: 0,
        })
    }

    /// Goes on over `inner` as far as that is possible at once.
    pub(super) fn advance(&mut self, inner: &mut impl Layer) -> Result<Progress, ConnectError> {
        match self.step(inner) {
            Err(Pause::WouldBlock(progress)) => Ok(progress),
            Err(Pause::Failed(error)) => Err(error.with_details(inner.take_details())),
            Ok(rest) => Ok(Progress::Done(rest)),
        }
    }

    /// Returns the error of a server that has ended the connection before its answer did. One that says nothing at all may
    /// not speak HTTP: an MQTT server leaves without a word, and so do OpenSSL's servers.
    fn ended(&self, error: &io::Error) -> ConnectError {
        let hint = match (self.answer.is_empty(), self.is_tls) {
            (false, _) => "",
            (true, false) => "; a port for MQTT without WebSocket, or for TLS, does that",
            (true, true) => "; a port for MQTT without WebSocket does that",
        };
        failed(format!("{error}{hint}")).with_os_error(error.raw_os_error())
    }

    fn step(&mut self, inner: &mut impl Layer) -> Result<Vec<u8>, Pause> {
        while self.sent < self.request.len() {
            let rest = &self.request[self.sent..];
            self.sent += inner
                .write(&[IoSlice::new(rest)])
                .map_err(|e| Pause::of(e, Progress::Writable))?;
        }
        inner
            .flush()
            .map_err(|e| Pause::of(e, Progress::Writable))?;
        loop {
            let mut chunk = [0; 4096];
            let read = match inner.read(&mut chunk) {
                Ok(Input::Bytes(read)) => read,
                Ok(Input::Again) => return Err(Pause::WouldBlock(Progress::Again)),
                Ok(Input::End) => {
                    return Err(self.ended(&io::ErrorKind::UnexpectedEof.into()).into());
                }
                Err(e) if e.kind() == io::ErrorKind::ConnectionReset => {
                    return Err(self.ended(&e).into());
                }
                Err(e) => return Err(Pause::of(e, Progress::Readable)),
            };
            let mut seen = self.answer.len();
            self.answer.extend_from_slice(&chunk[..read]);
            while let Some(end) = http::head_end(&self.answer, seen) {
                let answer = Answer::parse(&self.answer[..end]).map_err(failed)?;
                if answer.is_interim() && answer.status != SWITCHING_PROTOCOLS {
                    self.answer.drain(..end);
                    self.passed += end;
                    seen = 0;
                    continue;
                }
                check(&answer, &self.key)?;
                return Ok(self.answer.split_off(end));
            }
            if !http::may_be_http(&self.answer) {
                return Err(failed(http::not_http(&self.answer)).into());
            }
            if self.answer.len() + self.passed > http::MAX_HEAD {
                return Err(failed("HTTP answer without end").into());
            }
        }
    }
}

/// Why a step ended before the handshake did.
enum Pause {
    WouldBlock(Progress),
    Failed(ConnectError),
}

impl Pause {
    /// Makes what an I/O error means, where `WouldBlock` is to wait for `progress`.
    fn of(error: io::Error, progress: Progress) -> Self {
        if error.kind() == io::ErrorKind::WouldBlock {
            Pause::WouldBlock(progress)
        } else {
            Pause::Failed(failed(error))
        }
    }
}

impl From<ConnectError> for Pause {
    fn from(error: ConnectError) -> Self {
        Pause::Failed(error)
    }
}

/// Performs the handshake over `inner`.
pub(super) async fn upgrade<L: Layer>(
    mut inner: L,
    readiness: &Readiness,
    uri: &ServerUri,
    headers: &[Header],
) -> Result<WebSocket<L>, ConnectError> {
    let mut handshake = Handshake::new(uri, headers)?;
    loop {
        let wait = match handshake.advance(&mut inner)? {
            Progress::Done(rest) => return Ok(WebSocket::new(inner, &rest)),
            Progress::Readable => readiness.wait(Interest::READABLE).await,
            Progress::Writable => readiness.wait(Interest::WRITABLE).await,
            Progress::Again => {
                yield_turn().await;
                Ok(())
            }
        };
        wait.map_err(at(Stage::WebSocket))?;
    }
}

/// Checks what the program has to say in a request.
pub(super) fn check_request(uri: &ServerUri, headers: &[Header]) -> Result<(), ConnectError> {
    request(uri, "", headers).map(drop)
}

/// Writes the upgrade request, with the same headers as the original's.
fn request(
    uri: &ServerUri,
    key: &str,
    headers: &[Header],
) -> Result<Zeroizing<String>, ConnectError> {
    let (path, authority) = (&uri.path, uri.authority());
    // A second Host would make the request invalid (RFC 9112, 3.2).
    let is_host = |(name, _): &Header| name.eq_ignore_ascii_case("Host");
    let host = if headers.iter().any(is_host) {
        String::new()
    } else {
        format!("Host: {authority}\r\n")
    };
    let origin = if uri.is_tls() { "https" } else { "http" };
    // Room for all of it: a text that grows leaves what it held in the memory that it gives back.
    let values: usize = headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + ": \r\n".len())
        .sum();
    let longest = 512 + path.len() + 2 * uri.host.len() + host.len() + values;
    let mut request = Zeroizing::new(String::with_capacity(longest));
    let _ = write!(
        request,
        "GET {path} HTTP/1.1\r\n{host}Upgrade: websocket\r\nConnection: Upgrade\r\n\
         Origin: {origin}://{authority}\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n"
    );
    for (name, value) in headers {
        let _ = write!(request, "{name}: {}\r\n", &**value);
    }
    // A line break in any of the parts would smuggle in a header, or a request, of somebody else's choice.
    let lines = 7 + usize::from(!host.is_empty()) + headers.len();
    if request
        .bytes()
        .filter(|b| matches!(b, b'\r' | b'\n' | 0))
        .count()
        != 2 * lines
    {
        return Err(failed("a header or the path contains a line break"));
    }
    request.push_str("\r\n");
    debug_assert!(request.len() <= longest);
    Ok(request)
}

/// Checks what a client has to check in the server's answer.
pub(super) fn check(answer: &Answer, key: &str) -> Result<(), ConnectError> {
    if answer.status != SWITCHING_PROTOCOLS {
        return Err(failed(answer.status_line()));
    }
    if !answer.has_token("Upgrade", "websocket") || !answer.has_token("Connection", "Upgrade") {
        return Err(failed("the server switched to some other protocol"));
    }
    if answer.values("Sec-WebSocket-Accept").next() != Some(&derive_accept_key(key.as_bytes())) {
        return Err(failed("wrong Sec-WebSocket-Accept"));
    }
    // Some servers leave the sub-protocol out, and the original does not mind; another one is not MQTT [MQTT-6.0.0-4].
    if answer
        .values("Sec-WebSocket-Protocol")
        .any(|protocol| !protocol.eq_ignore_ascii_case(SUBPROTOCOL))
    {
        return Err(failed("the server chose another sub-protocol than mqtt"));
    }
    if answer
        .values("Sec-WebSocket-Extensions")
        .any(|extensions| !extensions.is_empty())
    {
        return Err(failed("the server uses an extension that was not offered"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::layer::Wants;
    use crate::transport::stream;
    use std::sync::Arc;

    /// A server's answer, read `sizes.next()` bytes at a time.
    struct Pieces<I> {
        /// Wiped when it is dropped: headers hold credentials.
        request: Zeroizing<Vec<u8>>,
        answer: Vec<u8>,
        sizes: I,
    }

    impl<I: Iterator<Item = usize> + Send> Layer for Pieces<I> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<Input> {
            if self.answer.is_empty() {
                let request = String::from_utf8_lossy(&self.request);
                let key = request
                    .lines()
                    .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
                    .unwrap();
                self.answer = format!(
                    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n\u{1}",
                    derive_accept_key(key.as_bytes())
                )
                .into_bytes();
            }
            let n = self
                .sizes
                .next()
                .unwrap_or(usize::MAX)
                .min(self.answer.len())
                .min(buf.len());
            buf[..n].copy_from_slice(&self.answer[..n]);
            self.answer.drain(..n);
            Ok(Input::of(n))
        }

        fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
            self.request.extend_from_slice(&bufs[0]);
            Ok(bufs[0].len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn shutdown(&mut self) {}

        fn wants(&self) -> Wants {
            Wants::OF_SOCKET
        }
    }

    #[test]
    fn the_answer_may_come_in_any_pieces() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        let uri = ServerUri::parse("ws://h").unwrap();
        let run = |sizes: Box<dyn Iterator<Item = usize> + Send>| {
            runtime.block_on(async {
                let pieces = Pieces {
                    request: Zeroizing::default(),
                    answer: Vec::new(),
                    sizes,
                };
                // Nothing here is waited for.
                let (stream, _owner) = stream::pair(1, Arc::new(|_| ()));
                let readiness = Readiness::of_stream(&stream);
                upgrade(pieces, &readiness, &uri, &[]).await.map(drop)
            })
        };
        for first in 1..130 {
            run(Box::new(std::iter::once(first))).unwrap();
        }
        run(Box::new(std::iter::repeat(1))).unwrap();
        // The connection ends before the answer does.
        run(Box::new([60, 0].into_iter())).unwrap_err();
    }
}
