//! A connection whose bytes Python carries: TLS, WebSocket.

use std::time::Instant;

use bytes::Bytes;

use super::state::{Link, Phase};
use super::{Shared, rc};
use crate::websocket;

/// At most so many bytes go into one piece of an attached stream.
const PIECE: usize = 64 * 1024;

/// The stream as far as it is ours.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) websocket: Option<websocket::Reader>,
    /// Answers of the WebSocket layer.
    pub(super) replies: Vec<u8>,
    /// Bytes that Python has not sent yet, from `sent` on.
    pub(super) piece: Vec<u8>,
    pub(super) sent: usize,
    /// Where the piece ends in the session's stream.
    pub(super) end: u64,
}

impl Shared {
    /// Takes bytes of an attached stream; returns false if the program has to take messages first.
    pub fn feed(&self, bytes: &[u8]) -> bool {
        let now = Instant::now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let Link::Stream(stream) = &mut state.link else {
            return true;
        };
        let Some(mut inbound) = state.inbound.take() else {
            return true;
        };
        inbound.bytes.truncate(inbound.filled);
        let end = match &mut stream.websocket {
            None => {
                inbound.bytes.extend_from_slice(bytes);
                None
            }
            Some(reader) => match reader.feed(bytes, &mut inbound.bytes, &mut stream.replies) {
                Ok(websocket::Went::On) => None,
                Ok(websocket::Went::Closed) => Some(rc::CONN_LOST),
                Err(websocket::Broken) => Some(rc::PROTOCOL),
            },
        };
        inbound.filled = inbound.bytes.len();
        if inbound.filled > 0 && matches!(state.phase, Phase::Connecting { .. } | Phase::Connected)
        {
            let used = state.process(&inbound.bytes, now);
            inbound.bytes.drain(..used);
            inbound.filled = inbound.bytes.len();
        }
        // What came in front of the end is processed first.
        if let Some(rc) = end {
            state.fail(rc);
        }
        state.inbound = Some(inbound);
        !state.io.is_full()
    }

    /// Says that an attached stream has ended.
    pub fn eof(&self, rc: i32) {
        self.lock().fail(rc);
    }

    /// Returns bytes for an attached stream: the same ones until [`sent`](Self::sent) says that they went.
    pub fn outgoing(&self) -> Bytes {
        let mut guard = self.lock();
        let state = &mut *guard;
        let Link::Stream(stream) = &mut state.link else {
            return Bytes::new();
        };
        if stream.sent == stream.piece.len() {
            stream.piece.clear();
            stream.sent = 0;
            stream.piece.append(&mut stream.replies);
            let Some(batch) = &mut state.batch else {
                return Bytes::new();
            };
            if batch.is_empty() && !state.io.out.is_empty() {
                state.io.out.take(batch);
            }
            let mut data = Vec::new();
            let mut slices = [std::io::IoSlice::new(&[]); paho_oxide::protocol::outbound::SLICES];
            let used = batch.slices(&mut slices);
            for slice in &slices[..used] {
                let room = PIECE - data.len();
                data.extend_from_slice(&slice[..slice.len().min(room)]);
                if data.len() == PIECE {
                    break;
                }
            }
            batch.advance(data.len());
            stream.end = batch.written();
            if !data.is_empty() {
                if stream.websocket.is_none() {
                    stream.piece.append(&mut data);
                } else if websocket::data(&data, &mut stream.piece).is_err() {
                    state.fail(rc::NOMEM);
                    return Bytes::new();
                }
            }
        }
        Bytes::copy_from_slice(&stream.piece[stream.sent..])
    }

    /// So many bytes of [`outgoing`](Self::outgoing) went.
    pub fn sent(&self, n: usize) {
        let now = Instant::now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let Link::Stream(stream) = &mut state.link else {
            return;
        };
        stream.sent = (stream.sent + n).min(stream.piece.len());
        if stream.sent == stream.piece.len() {
            let end = stream.end;
            state.written(end, now);
            state.last_write = now;
            self.room.notify_all();
        }
    }
}
