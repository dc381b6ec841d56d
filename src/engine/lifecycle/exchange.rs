//! CONNECT and its answer, over a link of whatever kind.

use std::io;

use bytes::BytesMut;
use tokio::io::Interest;
use zeroize::Zeroize;

use crate::engine::tally::Exchanged;
use crate::protocol::decode;
use crate::transport::{Link, Resemblance, resembles};

/// Sends CONNECT and reads until one whole packet is there; returns all that came. What the link still holds, it says. How many
/// bytes went over the link is in `exchanged`, however this ends.
pub(super) async fn exchange(
    link: &Link,
    packet: &[u8],
    limit: u32,
    exchanged: &Exchanged,
) -> io::Result<Vec<u8>> {
    let readiness = link.readiness()?;
    let mut written = 0;
    while written < packet.len() {
        let rest = [io::IoSlice::new(&packet[written..])];
        let wrote = readiness
            .retry(Interest::WRITABLE, || link.write(&rest))
            .await
            .map_err(|error| last_words(link, error))?;
        written += wrote;
        exchanged.wrote(wrote);
    }
    readiness
        .retry(Interest::WRITABLE, || link.flush())
        .await
        .map_err(|error| last_words(link, error))?;
    let mut answer = Vec::new();
    loop {
        let mut chunk = [0; 256];
        let read = readiness.read(|| link.read(&mut chunk)).await?;
        if read == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the server closed the connection without a CONNACK",
            ));
        }
        exchanged.has_read(read);
        answer.extend_from_slice(&chunk[..read]);
        // At once: what looks like the length of an HTTP answer may never come.
        if let Some(error) = foreign(&answer) {
            return Err(error);
        }
        match decode::frame(&answer, limit) {
            Ok(None) => {}
            Ok(Some(_)) => return Ok(answer),
            Err(error) => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    error.to_string(),
                ));
            }
        }
    }
}

/// A packet with a password in it: its bytes are wiped when it is dropped. The encoder reserves all of it at once, so that
/// none of its growth leaves a copy behind.
pub(super) struct Wiped(pub(super) BytesMut);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.as_mut().zeroize();
    }
}

/// Returns the error that an answer means which looks like another protocol's: the URI names the port of something else.
fn foreign(answer: &[u8]) -> Option<io::Error> {
    let what = match resembles(answer)? {
        Resemblance::Http => "the answer looks like HTTP: a web server's port, or one for ws://",
        Resemblance::Tls => "the answer looks like TLS: a port for ssl:// or wss://",
    };
    Some(io::Error::new(io::ErrorKind::InvalidData, what))
}

/// Returns the error to report when a write failed. A server that refuses the client closes the connection, and may have said
/// why: a TLS alert that waits to be read tells more than the failed write.
fn last_words(link: &Link, error: io::Error) -> io::Error {
    match link.read(&mut [0; 64]) {
        Err(said) if said.kind() != io::ErrorKind::WouldBlock => said,
        _ => error,
    }
}

/// Tries what the fuzzers, and a short test of the same, give it: the answer comes over a byte stream in pieces of any size,
/// in WebSocket frames if `websocket`, and is the packet that is in it, or an error.
///
/// # Panics
/// When it is not so.
#[cfg(any(test, fuzzing))]
pub fn fuzz(websocket: bool, sizes: &[u8], bytes: &[u8]) {
    use crate::transport::fuzzing::stream;
    const LIMIT: u32 = 1 << 16;
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime without drivers");
    }
    let (link, owner) = stream(websocket, bytes.len() + 1024);
    let feed = async {
        let mut sizes = sizes.iter().map(|size| usize::from(*size).max(1)).cycle();
        let mut rest = bytes;
        while !rest.is_empty() {
            let size = sizes.next().unwrap_or(rest.len()).min(rest.len());
            assert_eq!(owner.feed(&rest[..size]), size);
            rest = &rest[size..];
            tokio::task::yield_now().await;
        }
        owner.feed_end();
    };
    let exchanged = Exchanged::default();
    let exchange = exchange(&link, b"CONNECT", LIMIT, &exchanged);
    let both = async { tokio::join!(exchange, feed).0 };
    let result = RUNTIME.with(|runtime| runtime.block_on(both));
    if let Ok(answer) = &result {
        let counted = (exchanged.bytes_out(), exchanged.bytes_in());
        assert_eq!(counted, (b"CONNECT".len() as u64, answer.len() as u64));
        let frame = decode::frame(answer, LIMIT).expect("well-formed");
        let frame = frame.expect("a whole packet");
        for version in [
            crate::protocol::Version::V31,
            crate::protocol::Version::V311,
            crate::protocol::Version::V5,
        ] {
            let body = &answer[frame.header_len..frame.total_len];
            let _ = decode::decode(version, frame.first, body);
        }
    }
    if websocket {
        return;
    }
    match decode::frame(bytes, LIMIT) {
        Ok(Some(frame)) if resembles(bytes).is_none() => {
            let answer = result.expect("the packet is there");
            assert!(answer.len() >= frame.total_len && bytes.starts_with(&answer));
        }
        Ok(Some(frame)) if frame.total_len < 5 => {}
        _ => assert!(result.is_err()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..ProptestConfig::default() })]

        #[test]
        fn answers_in_pieces(
            websocket: bool,
            sizes in proptest::collection::vec(any::<u8>(), 0..6),
            bytes in proptest::collection::vec(prop_oneof![
                3 => Just(b"\x20\x02\x00\x00".to_vec()), 2 => Just(b"\x82\x04\x20\x02\x00\x00".to_vec()),
                1 => Just(b"HTTP/1.1 400 Bad\r\n".to_vec()), 1 => Just(b"\x15\x03\x03\x00\x02\x02\x46".to_vec()),
                1 => Just(b"\x89\x00\x8a\x00\x82\x00".to_vec()), 1 => proptest::collection::vec(any::<u8>(), 0..20)
            ], 0..5)
        ) {
            fuzz(websocket, &sizes, &bytes.concat());
        }
    }

    fn answer_to(bytes: &[u8]) -> String {
        let (link, owner) = crate::transport::fuzzing::stream(false, 1000);
        owner.feed(bytes);
        owner.feed_end();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let result = runtime.block_on(exchange(&link, b"CONNECT", 1000, &Exchanged::default()));
        result.unwrap_err().to_string()
    }

    #[test]
    fn the_port_of_something_else_is_called_that() {
        for (bytes, words) in [
            (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "looks like HTTP"),
            (b"\x15\x03\x01\x00\x02\x02\x46", "looks like TLS"),
            (b"", "closed the connection without a CONNACK"),
        ] {
            let error = answer_to(bytes);
            assert!(error.contains(words), "{error}");
        }
    }
}
