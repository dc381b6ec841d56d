//! MQTT in binary WebSocket frames (RFC 6455), streamed: neither side of a message is ever held whole.

use std::io::{self, Cursor, IoSlice};
use std::mem;
use std::os::fd::BorrowedFd;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::Layer;

/// Most payload in one frame that we send: enough that headers do not matter, little enough that a frame, which has to
/// be copied to be masked, stays in the cache.
const MAX_FRAME: usize = 64 * 1024;

/// Small frames are read many at a time; payloads larger than this go straight to the reader.
const INPUT: usize = 16 * 1024;

/// Control frames carry no more (RFC 6455, 5.5).
const MAX_CONTROL: u64 = 125;

/// Unsent output at which pings go unanswered, against a peer that sends pings and reads nothing. Answering the last
/// one will do (RFC 6455, 5.5.3).
const MAX_UNSENT_FOR_PONG: usize = 4 * 1024;

/// Masks are drawn this many at a time.
const MASKS: usize = 64;

/// Close codes (RFC 6455, 7.4.1).
const NORMAL: u16 = 1000;
const PROTOCOL_ERROR: u16 = 1002;
const UNSUPPORTED_DATA: u16 = 1003;

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
    /// The last read ended because its buffer was full, or before an end or error that the next one has to tell.
    more: bool,
    /// Nothing more comes; an error, if there was one, is told first.
    ended: bool,
    error: Option<io::Error>,
}

/// What the next bytes of input are.
enum Next {
    /// Payload, so much of it.
    Payload,
    /// More bytes are needed to tell.
    Incomplete,
    /// The peer has closed.
    Closed,
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
            ended: false,
            error: None,
        }
    }

    /// Reads more input behind what is there.
    fn fill(&mut self) -> io::Result<usize> {
        self.input.drain(..mem::take(&mut self.taken));
        let old = self.input.len();
        self.input.resize(old + INPUT, 0);
        let result = self.inner.read(&mut self.input[old..]);
        self.input.truncate(old + result.as_ref().map_or(0, |n| *n));
        result
    }

    /// Takes frame headers and control frames from the input, up to the next payload.
    fn next(&mut self) -> Result<Next, (u16, &'static str)> {
        loop {
            if self.remaining > 0 {
                return Ok(Next::Payload);
            }
            let mut cursor = Cursor::new(&self.input[self.taken..]);
            let parsed = FrameHeader::parse(&mut cursor)
                .map_err(|_| (PROTOCOL_ERROR, "unknown frame type"))?;
            let Some((header, length)) = parsed else {
                return Ok(Next::Incomplete);
            };
            let header_length = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
            if header.rsv1 || header.rsv2 || header.rsv3 {
                return Err((PROTOCOL_ERROR, "reserved bits set in a frame"));
            }
            if header.mask.is_some() {
                return Err((PROTOCOL_ERROR, "masked frame from the server"));
            }
            match header.opcode {
                OpCode::Control(control) => {
                    if !header.is_final || length > MAX_CONTROL {
                        return Err((PROTOCOL_ERROR, "fragmented or oversized control frame"));
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
                    continue;
                }
                OpCode::Data(Data::Binary) if self.in_message => {
                    return Err((PROTOCOL_ERROR, "new message inside a fragmented one"));
                }
                OpCode::Data(Data::Continue) if !self.in_message => {
                    return Err((PROTOCOL_ERROR, "continuation of no message"));
                }
                OpCode::Data(Data::Binary | Data::Continue) => {}
                // [MQTT-6.0.0-1]
                OpCode::Data(_) => return Err((UNSUPPORTED_DATA, "text frame from the server")),
            }
            self.taken += header_length;
            self.in_message = !header.is_final;
            self.remaining = length;
        }
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
                    // What does not fit now goes with the next write or flush.
                    let _ = self.push();
                }
                false
            }
            _ => false,
        }
    }

    /// Sends a close frame, if there is room for it.
    fn close(&mut self, code: u16) {
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

    /// A mask that the peer and those who choose our payloads cannot foresee (RFC 6455, 10.3).
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
    fn read_payload(&mut self, buf: &mut [u8], filled: &mut usize) -> io::Result<()> {
        while *filled < buf.len() {
            match self.next() {
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
                        end_is_eof(self.inner.read(&mut buf[*filled..*filled + want]))?
                    } else {
                        end_is_eof(self.fill())?;
                        continue;
                    };
                    *filled += got;
                    self.remaining -= got as u64;
                }
                Ok(Next::Incomplete) => {
                    end_is_eof(self.fill())?;
                }
                Ok(Next::Closed) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err((code, message)) => {
                    self.close(code);
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        format!("WebSocket: {message}"),
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Makes the end of the stream an error, to handle it in one place.
fn end_is_eof(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        result => result,
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
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.more = false;
        if self.ended {
            return self.error.take().map_or(Ok(0), Err);
        }
        let mut filled = 0;
        match self.read_payload(buf, &mut filled) {
            Ok(()) => self.more = true,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                if filled == 0 {
                    return Err(e);
                }
            }
            Err(e) => {
                self.ended = true;
                self.error = (e.kind() != io::ErrorKind::UnexpectedEof).then_some(e);
                if filled == 0 {
                    return self.read(buf);
                }
                self.more = true;
            }
        }
        Ok(filled)
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

    fn has_buffered(&self) -> bool {
        self.more || self.inner.has_buffered()
    }

    fn has_unsent(&self) -> bool {
        self.sent < self.output.len() || self.inner.has_unsent()
    }

    fn take_details(&mut self) -> Vec<String> {
        self.inner.take_details()
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::socket::Socket;

    #[test]
    fn masking_is_bytewise() {
        for length in 0..20 {
            let plain: Vec<u8> = (0..length).collect();
            let mut masked = plain.clone();
            apply_mask(&mut masked, [1, 2, 4, 128]);
            let slow: Vec<u8> = plain
                .iter()
                .zip([1, 2, 4, 128].iter().cycle())
                .map(|(a, b)| a ^ b)
                .collect();
            assert_eq!(masked, slow);
        }
    }
    /// A peer that sends pings without end and reads nothing.
    struct Flood {
        socket: Socket,
    }

    impl Layer for Flood {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let pings: Vec<u8> = b"\x89\x7d".iter().chain(&[b'p'; 125]).copied().collect();
            let n = buf.len() / pings.len() * pings.len();
            buf[..n].copy_from_slice(&pings.repeat(n / pings.len()));
            Ok(n)
        }

        fn write(&mut self, _bufs: &[IoSlice<'_>]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
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
    fn pongs_do_not_pile_up() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = Socket(std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        let mut websocket = WebSocket::new(Flood { socket }, b"");
        for _ in 0..1000 {
            assert!(matches!(websocket.next(), Ok(Next::Incomplete)));
            websocket.fill().unwrap();
        }
        assert!(websocket.has_unsent());
        assert!(
            websocket.output.len() < MAX_UNSENT_FOR_PONG + 200,
            "{}",
            websocket.output.len()
        );
    }

    #[test]
    fn an_error_behind_data_is_announced() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = Socket(std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        let mut websocket = WebSocket::new(Flood { socket }, b"\x82\x02ab\x81\x01c");
        assert_eq!(websocket.read(&mut [0; 9]).unwrap(), 2);
        assert!(websocket.has_buffered());
        assert_eq!(
            websocket.read(&mut [0; 9]).unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
        assert_eq!(websocket.read(&mut [0; 9]).unwrap(), 0);
    }
}
