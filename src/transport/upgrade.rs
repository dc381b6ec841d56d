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
    let mut chunk = [0; 4096];
    loop {
        let read = readiness
            .retry(Interest::READABLE, || inner.read(&mut chunk))
            .await;
        let read = read.map_err(at(Stage::WebSocket))?;
        if read == 0 {
            return Err(failed(io::Error::from(io::ErrorKind::UnexpectedEof)));
        }
        let seen = answer.len();
        answer.extend_from_slice(&chunk[..read]);
        if let Some(end) = http::head_end(&answer, seen) {
            check(&Answer::parse(&answer[..end]).map_err(failed)?, &key)?;
            // The server may have sent its first frames right behind.
            return Ok(WebSocket::new(inner, &answer[end..]));
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
fn check(answer: &Answer, key: &str) -> Result<(), ConnectError> {
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
