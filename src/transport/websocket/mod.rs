//! MQTT in binary WebSocket frames (RFC 6455), streamed: neither side of a message is ever held whole.

use std::io::{self, Cursor, IoSlice};
use std::mem;
use std::time::Instant;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::layer::{Emptiness, Input, Layer, Want, Wants};

/// Most payload in one frame that we send: enough that headers do not matter, little enough that a frame, which has to
/// be copied to be masked, stays in the cache.
const MAX_FRAME: usize = 64 * 1024;

/// Longest header of a frame, with its mask (RFC 6455, 5.2).
const MAX_HEADER: usize = 14;

/// Small frames are read many at a time; payloads larger than this go straight to the reader.
const INPUT: usize = 16 * 1024;

/// Control frames carry no more (RFC 6455, 5.5).
const MAX_CONTROL: u64 = 125;

/// Unsent output at which pings go unanswered, against a peer that sends pings and reads nothing. Answering the last
/// one will do (RFC 6455, 5.5.3).
const MAX_UNSENT_FOR_PONG: usize = 4 * 1024;

/// Most frames without payload that one read takes apart, and most bytes that it takes from below for them: a server
/// that sends nothing else must not hold the reading thread.
const MAX_EMPTY_FRAMES: u32 = 512;
const MAX_INPUT: usize = 4 * INPUT;

/// What [`Emptiness`] calls them.
const EMPTY_FRAMES: &str = "WebSocket frames without data (pings, pongs or empty ones)";

/// Masks are drawn this many at a time.
const MASKS: usize = 64;

/// Close codes (RFC 6455, 7.4.1).
const NORMAL: u16 = 1000;
const PROTOCOL_ERROR: u16 = 1002;
const UNSUPPORTED_DATA: u16 = 1003;
const POLICY_VIOLATION: u16 = 1008;

/// A WebSocket over `inner`.
pub(super) struct WebSocket<L> {
    inner: L,
    /// Read from `inner`, not yet taken apart: `input[taken..]`.
    input: Vec<u8>,
    taken: usize,
    /// Payload bytes to come of the current data frame.
    remaining: u64,
    /// A message has begun and its last frame has not.
    in_message: bool,
    /// Whole frames to send, `output[sent..]`.
    output: Vec<u8>,
    sent: usize,
    masks: Vec<[u8; 4]>,
    /// The last read ended because its buffer was full or its budget spent, or before an end or error that the next
    /// one has to tell.
    more: bool,
    /// A close frame has been sent, which ends this side.
    said_close: bool,
    /// How much has come without payload.
    emptiness: Emptiness,
    /// Nothing more comes; an error, if there was one, is told first.
    ended: bool,
    error: Option<io::Error>,
}

/// What the next bytes of input are.
#[derive(Debug)]
enum Next {
    /// Payload.
    Payload,
    /// More bytes are needed to tell.
    Incomplete,
    /// The peer has closed.
    Closed,
    /// Frames without payload have used up the budget.
    Spent,
}

/// Why a read brings no more, though its buffer has room.
enum Stop {
    /// Nothing more is there.
    Blocked,
    /// Its budget is spent.
    Spent,
    /// The stream has ended.
    Closed,
    Failed(io::Error),
}

/// What one read may still do.
struct Budget {
    frames: u32,
    input: usize,
}

impl<L: Layer> WebSocket<L> {
    /// Takes over after the upgrade; `early` is what came behind the answer.
    pub(super) fn new(inner: L, early: &[u8]) -> Self {
        Self {
            inner,
            input: early.to_vec(),
            taken: 0,
            remaining: 0,
            in_message: false,
            output: Vec::new(),
            sent: 0,
            masks: Vec::new(),
            more: !early.is_empty(),
            said_close: false,
            emptiness: Emptiness::default(),
            ended: false,
            error: None,
        }
    }

    /// Reads more input behind what is there.
    fn fill(&mut self, budget: &mut Budget) -> Result<(), Stop> {
        if budget.input == 0 {
            return Err(Stop::Spent);
        }
        self.input.drain(..mem::take(&mut self.taken));
        let old = self.input.len();
        self.input.resize(old + INPUT, 0);
        let result = received(self.inner.read(&mut self.input[old..]));
        let read = *result.as_ref().unwrap_or(&0);
        self.input.truncate(old + read);
        budget.input = budget.input.saturating_sub(read);
        result.map(drop)
    }

    /// Takes frame headers and control frames from the input, up to the next payload.
    fn next(&mut self, budget: &mut Budget) -> Result<Next, (u16, String)> {
        let error = |what: &str| (PROTOCOL_ERROR, what.to_owned());
        loop {
            if self.remaining > 0 {
                return Ok(Next::Payload);
            }
            let mut cursor = Cursor::new(&self.input[self.taken..]);
            let parsed =
                FrameHeader::parse(&mut cursor).map_err(|_| error("unknown frame type"))?;
            let Some((header, length)) = parsed else {
                return Ok(Next::Incomplete);
            };
            let header_length = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
            if budget.frames == 0 {
                return Ok(Next::Spent);
            }
            if header.rsv1 || header.rsv2 || header.rsv3 {
                return Err(error("reserved bits set in a frame"));
            }
            if header.mask.is_some() {
                return Err(error("masked frame from the server"));
            }
            match header.opcode {
                OpCode::Control(control) => {
                    if !header.is_final || length > MAX_CONTROL {
                        return Err(error("fragmented or oversized control frame"));
                    }
                    let start = self.taken + header_length;
                    // At most 125.
                    let end = start + usize::try_from(length).unwrap_or(usize::MAX);
                    if self.input.len() < end {
                        return Ok(Next::Incomplete);
                    }
                    let payload = self.input[start..end].to_vec();
                    self.taken = end;
                    if self.control(control, &payload) {
                        return Ok(Next::Closed);
                    }
                    self.count_empty(end - start, budget)?;
                    continue;
                }
                OpCode::Data(Data::Binary) if self.in_message => {
                    return Err(error("new message inside a fragmented one"));
                }
                OpCode::Data(Data::Continue) if !self.in_message => {
                    return Err(error("continuation of no message"));
                }
                OpCode::Data(Data::Binary | Data::Continue) => {}
                // [MQTT-6.0.0-1]
                OpCode::Data(_) => {
                    return Err((UNSUPPORTED_DATA, "text frame from the server".to_owned()));
                }
            }
            self.taken += header_length;
            self.in_message = !header.is_final;
            self.remaining = length;
            if length == 0 {
                self.count_empty(0, budget)?;
            } else {
                self.emptiness.end();
            }
        }
    }

    /// Counts a frame without payload against the read's budget and the connection's.
    fn count_empty(&mut self, length: usize, budget: &mut Budget) -> Result<(), (u16, String)> {
        budget.frames -= 1;
        self.emptiness
            .add(length, EMPTY_FRAMES, Instant::now())
            .map_err(|e| (POLICY_VIOLATION, e.to_string()))
    }

    /// Acts on a control frame; true if it ends the connection.
    fn control(&mut self, control: Control, payload: &[u8]) -> bool {
        match control {
            Control::Close => {
                let code = payload
                    .get(..2)
                    .map_or(NORMAL, |code| u16::from_be_bytes([code[0], code[1]]));
                self.close(code);
                true
            }
            Control::Ping => {
                if self.output.len() - self.sent < MAX_UNSENT_FOR_PONG {
                    self.frame(
                        OpCode::Control(Control::Pong),
                        &[IoSlice::new(payload)],
                        0,
                        payload.len(),
                    );
                }
                false
            }
            _ => false,
        }
    }

    /// Sends a close frame, if there is room for it, once.
    fn close(&mut self, code: u16) {
        if mem::replace(&mut self.said_close, true) {
            return;
        }
        self.frame(
            OpCode::Control(Control::Close),
            &[IoSlice::new(&code.to_be_bytes())],
            0,
            2,
        );
        let _ = self.push();
    }

    /// Appends a frame with the `length` bytes of `bufs` behind the first `skip`.
    fn frame(&mut self, opcode: OpCode, bufs: &[IoSlice<'_>], skip: usize, length: usize) {
        let mask = self.mask();
        let header = FrameHeader {
            opcode,
            mask: Some(mask),
            ..FrameHeader::default()
        };
        // At once: a buffer that grows leaves its bytes behind, and these are not masked yet.
        self.output.reserve(MAX_HEADER + length);
        // Writing to a Vec cannot fail.
        let _ = header.format(length as u64, &mut self.output);
        let start = self.output.len();
        let (mut skip, mut left) = (skip, length);
        for buf in bufs {
            let from = skip.min(buf.len());
            skip -= from;
            let n = left.min(buf.len() - from);
            self.output.extend_from_slice(&buf[from..from + n]);
            left -= n;
            if left == 0 {
                break;
            }
        }
        apply_mask(&mut self.output[start..], mask);
    }

    /// Returns a mask that the peer and those who choose our payloads cannot foresee (RFC 6455, 10.3).
    fn mask(&mut self) -> [u8; 4] {
        if self.masks.is_empty() {
            let mut random = [0; 4 * MASKS];
            // Fails only on systems without a source of randomness, where TLS and the upgrade would have failed before.
            let _ = getrandom::fill(&mut random);
            self.masks
                .extend(random.chunks_exact(4).map(|c| [c[0], c[1], c[2], c[3]]));
        }
        self.masks.pop().unwrap_or_default()
    }

    /// Sends output.
    fn push(&mut self) -> io::Result<()> {
        while self.sent < self.output.len() {
            match self
                .inner
                .write(&[IoSlice::new(&self.output[self.sent..])])?
            {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                n => self.sent += n,
            }
        }
        self.output.clear();
        self.sent = 0;
        self.inner.flush()
    }

    /// Fills `buf` from `filled` on; `Ok` only with a full buffer.
    fn read_payload(&mut self, buf: &mut [u8], filled: &mut usize) -> Result<(), Stop> {
        let mut budget = Budget {
            frames: MAX_EMPTY_FRAMES,
            input: MAX_INPUT,
        };
        while *filled < buf.len() {
            match self.next(&mut budget) {
                Ok(Next::Payload) => {
                    let room = buf.len() - *filled;
                    let want = usize::try_from(self.remaining)
                        .map_or(room, |remaining| remaining.min(room));
                    let waiting = self.input.len() - self.taken;
                    let got = if waiting > 0 {
                        let n = want.min(waiting);
                        buf[*filled..*filled + n]
                            .copy_from_slice(&self.input[self.taken..self.taken + n]);
                        self.taken += n;
                        n
                    } else if want >= INPUT {
                        received(self.inner.read(&mut buf[*filled..*filled + want]))?
                    } else {
                        self.fill(&mut budget)?;
                        continue;
                    };
                    *filled += got;
                    self.remaining -= got as u64;
                }
                Ok(Next::Incomplete) => self.fill(&mut budget)?,
                Ok(Next::Closed) => return Err(Stop::Closed),
                Ok(Next::Spent) => return Err(Stop::Spent),
                Err((code, message)) => {
                    self.close(code);
                    return Err(Stop::Failed(io::Error::new(
                        io::ErrorKind::InvalidData,
                        format!("WebSocket: {message}"),
                    )));
                }
            }
        }
        Ok(())
    }
}

/// Returns the bytes that a read of the layer below brought, or why it brought none.
fn received(result: io::Result<Input>) -> Result<usize, Stop> {
    match result {
        Ok(Input::Bytes(read)) => Ok(read),
        Ok(Input::Again) => Err(Stop::Spent),
        Ok(Input::End) => Err(Stop::Closed),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Err(Stop::Blocked),
        Err(e) => Err(Stop::Failed(e)),
    }
}

/// Masks `payload` eight bytes at a time.
fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        chunk.copy_from_slice(&(u64::from_ne_bytes(word) ^ wide).to_ne_bytes());
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

impl<L: Layer> Layer for WebSocket<L> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<Input> {
        self.more = false;
        if self.ended {
            return self.error.take().map_or(Ok(Input::End), Err);
        }
        let mut filled = 0;
        let stop = self.read_payload(buf, &mut filled);
        // Pongs. What does not fit now goes with the next write or flush.
        let _ = self.push();
        match stop {
            Ok(()) => self.more = true,
            Err(Stop::Blocked) if filled == 0 => return Err(io::ErrorKind::WouldBlock.into()),
            Err(Stop::Blocked) => {}
            Err(Stop::Spent) => {
                self.more = true;
                if filled == 0 {
                    return Ok(Input::Again);
                }
            }
            Err(Stop::Closed) => self.ended = true,
            Err(Stop::Failed(e)) => {
                self.ended = true;
                self.error = Some(e);
            }
        }
        if self.ended {
            if filled == 0 {
                return self.error.take().map_or(Ok(Input::End), Err);
            }
            self.more = true;
        }
        Ok(Input::Bytes(filled))
    }

    fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let total: usize = bufs.iter().map(|buf| buf.len()).sum();
        let mut framed = 0;
        loop {
            match self.push() {
                Ok(()) if framed == total => return Ok(framed),
                Ok(()) => {}
                Err(_) if framed > 0 => return Ok(framed),
                Err(e) => return Err(e),
            }
            let n = (total - framed).min(MAX_FRAME);
            self.frame(OpCode::Data(Data::Binary), bufs, framed, n);
            framed += n;
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.push()
    }

    fn shutdown(&mut self) {
        if !self.ended {
            self.close(NORMAL);
        }
        self.inner.shutdown();
    }

    fn wants(&self) -> Wants {
        let inner = self.inner.wants();
        Wants {
            read: if self.more { Want::Call } else { inner.read },
            write: match inner.write {
                Want::Nothing if self.sent < self.output.len() => Want::Writable,
                write => write,
            },
        }
    }

    fn take_details(&mut self) -> Vec<String> {
        self.inner.take_details()
    }
}

#[cfg(test)]
mod tests;
