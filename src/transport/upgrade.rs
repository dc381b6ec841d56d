//! The HTTP request that turns a connection into a WebSocket, and its answer.

use std::fmt::Write;
use std::io::{self, IoSlice};

use tokio::io::Interest;
use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;

use super::Layer;
use super::error::{ConnectError, Stage};
use super::http::{self, Answer};
use super::readiness::{Readiness, at};
use super::uri::ServerUri;
use super::websocket::WebSocket;

/// [MQTT-6.0.0-3]: the sub-protocol's name.
const SUBPROTOCOL: &str = "mqtt";

fn failed(message: impl std::fmt::Display) -> ConnectError {
    ConnectError::new(Stage::WebSocket, message)
}

/// Performs the opening handshake (RFC 6455, section 4.1) over `inner`.
pub(super) async fn upgrade<L: Layer>(
    mut inner: L,
    readiness: &Readiness,
    uri: &ServerUri,
    headers: &[(String, String)],
) -> Result<WebSocket<L>, ConnectError> {
    match exchange(&mut inner, readiness, uri, headers).await {
        Ok(rest) => Ok(WebSocket::new(inner, &rest)),
        Err(error) => Err(error.with_details(inner.take_details())),
    }
}

/// Sends the request and reads its answer; what came behind that.
async fn exchange(
    inner: &mut impl Layer,
    readiness: &Readiness,
    uri: &ServerUri,
    headers: &[(String, String)],
) -> Result<Vec<u8>, ConnectError> {
    let key = generate_key();
    let request = request(uri, &key, headers)?;
    let mut rest = request.as_bytes();
    while !rest.is_empty() {
        let sent = readiness.retry(Interest::WRITABLE, || inner.write(&[IoSlice::new(rest)]));
        rest = &rest[sent.await.map_err(at(Stage::WebSocket))?..];
    }
    readiness
        .retry(Interest::WRITABLE, || inner.flush())
        .await
        .map_err(at(Stage::WebSocket))?;

    let mut answer = Vec::new();
    loop {
        let seen = answer.len();
        let receive = || {
            let mut chunk = [0; 4096];
            let read = inner.read(&mut chunk)?;
            answer.extend_from_slice(&chunk[..read]);
            Ok(read)
        };
        let read = readiness.retry(Interest::READABLE, receive).await;
        if read.map_err(at(Stage::WebSocket))? == 0 {
            return Err(failed(io::Error::from(io::ErrorKind::UnexpectedEof)));
        }
        if let Some(end) = http::head_end(&answer, seen) {
            check(&Answer::parse(&answer[..end]).map_err(failed)?, &key)?;
            // The server may have sent its first frames right behind.
            return Ok(answer.split_off(end));
        }
        if !http::may_be_http(&answer) {
            return Err(failed("not an HTTP answer"));
        }
        if answer.len() > http::MAX_HEAD {
            return Err(failed("HTTP answer without end"));
        }
    }
}

/// The upgrade request, with the same headers as the original's.
fn request(
    uri: &ServerUri,
    key: &str,
    headers: &[(String, String)],
) -> Result<String, ConnectError> {
    let (path, authority) = (&uri.path, uri.authority());
    let origin = if uri.is_tls() { "https" } else { "http" };
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Origin: {origin}://{authority}\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n"
    );
    for (name, value) in headers {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    // A line break in any of the parts would smuggle in a header, or a request, of somebody else's choice.
    let lines = 8 + headers.len();
    if request
        .bytes()
        .filter(|b| matches!(b, b'\r' | b'\n' | 0))
        .count()
        != 2 * lines
    {
        return Err(failed("a header or the path contains a line break"));
    }
    request.push_str("\r\n");
    Ok(request)
}

/// The client's duties on the server's answer.
pub(super) fn check(answer: &Answer, key: &str) -> Result<(), ConnectError> {
    if answer.status != 101 {
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
    use crate::transport::socket::Socket;
    use std::os::fd::BorrowedFd;

    /// A server's answer, read `sizes.next()` bytes at a time.
    struct Pieces<I> {
        socket: Socket,
        request: Vec<u8>,
        answer: Vec<u8>,
        sizes: I,
    }

    impl<I: Iterator<Item = usize> + Send> Layer for Pieces<I> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
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
            Ok(n)
        }

        fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
            self.request.extend_from_slice(&bufs[0]);
            Ok(bufs[0].len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn shutdown(&mut self) {}

        fn has_buffered(&self) -> bool {
            false
        }

        fn has_unsent(&self) -> bool {
            false
        }

        fn as_fd(&self) -> BorrowedFd<'_> {
            self.socket.as_fd()
        }
    }

    #[test]
    fn the_answer_may_come_in_any_pieces() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        stream.set_nonblocking(true).unwrap();
        let uri = ServerUri::parse("ws://h").unwrap();
        let run = |sizes: Box<dyn Iterator<Item = usize> + Send>| {
            runtime.block_on(async {
                let pieces = Pieces {
                    socket: Socket(stream.try_clone().unwrap()),
                    request: Vec::new(),
                    answer: Vec::new(),
                    sizes,
                };
                let readiness = Readiness::of(&pieces.socket).unwrap();
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
