//! WebSocket frames (RFC 6455) around the stream of MQTT, once Python has done the handshake.

use std::io;

/// A frame that only controls may have no longer payload ([RFC 6455, 5.5]).
const MAX_CONTROL: usize = 125;

const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
/// In place of the length: it follows in two bytes, or in eight.
const TWO_BYTES: u8 = 126;
const EIGHT_BYTES: u8 = 127;
const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

/// What the server broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// What came of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// All fine.
    On,
    /// The server closes the connection.
    Closed,
}

/// Takes frames apart. The bytes of a data frame pass through as they come: a frame needs no buffer.
#[derive(Debug, Default)]
pub struct Reader {
    header: Vec<u8>,
    /// Bytes of the current data frame that are still to come.
    left: u64,
    /// The opcode and payload of the control frame that is being read, and its length.
    control: Option<(u8, usize, Vec<u8>)>,
}

impl Reader {
    /// Appends the data in `bytes` to `data` and answers to pings and closing to `replies`.
    pub fn feed(
        &mut self,
        mut bytes: &[u8],
        data: &mut Vec<u8>,
        replies: &mut Vec<u8>,
    ) -> Result<Went, Broken> {
        while !bytes.is_empty() {
            if self.left > 0 {
                let n =
                    usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
                data.extend_from_slice(&bytes[..n]);
                self.left -= n as u64;
                bytes = &bytes[n..];
                continue;
            }
            if let Some((opcode, length, mut payload)) = self.control.take() {
                let n = (length - payload.len()).min(bytes.len());
                payload.extend_from_slice(&bytes[..n]);
                bytes = &bytes[n..];
                if payload.len() < length {
                    self.control = Some((opcode, length, payload));
                } else if answer(opcode, &payload, replies)? == Went::Closed {
                    return Ok(Went::Closed);
                }
                continue;
            }
            self.header.push(bytes[0]);
            bytes = &bytes[1..];
            if let Some((opcode, length)) = parse(&self.header)? {
                self.header.clear();
                if opcode < CLOSE {
                    self.left = length;
                } else {
                    let length = usize::try_from(length).map_err(|_| Broken)?;
                    if length == 0 {
                        if answer(opcode, &[], replies)? == Went::Closed {
                            return Ok(Went::Closed);
                        }
                    } else {
                        self.control = Some((opcode, length, Vec::with_capacity(length)));
                    }
                }
            }
        }
        Ok(Went::On)
    }
}

/// Returns opcode and length once the header is whole.
fn parse(header: &[u8]) -> Result<Option<(u8, u64)>, Broken> {
    let [first, second, rest @ ..] = header else {
        return Ok(None);
    };
    let opcode = first & 0x0F;
    // A server does not mask ([RFC 6455, 5.1]), and no extension was agreed on.
    if second & MASKED != 0
        || first & 0x70 != 0
        || !matches!(opcode, 0 | BINARY | CLOSE | PING | PONG)
    {
        return Err(Broken);
    }
    let length = match (second & 0x7F, rest.len()) {
        (TWO_BYTES, 2) => u64::from(u16::from_be_bytes([rest[0], rest[1]])),
        (EIGHT_BYTES, 8) => rest
            .iter()
            .fold(0, |length, byte| length << 8 | u64::from(*byte)),
        (TWO_BYTES | EIGHT_BYTES, _) => return Ok(None),
        (short, _) => u64::from(short),
    };
    if opcode >= CLOSE && (first & FIN == 0 || length > MAX_CONTROL as u64) {
        return Err(Broken);
    }
    Ok(Some((opcode, length)))
}

fn answer(opcode: u8, payload: &[u8], replies: &mut Vec<u8>) -> Result<Went, Broken> {
    match opcode {
        PING => frame(PONG, payload, replies).map_err(|_| Broken)?,
        CLOSE => {
            frame(CLOSE, payload, replies).map_err(|_| Broken)?;
            return Ok(Went::Closed);
        }
        _ => {}
    }
    Ok(Went::On)
}

fn frame(opcode: u8, payload: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let mut mask = [0; 4];
    getrandom::fill(&mut mask).map_err(io::Error::other)?;
    out.push(FIN | opcode);
    match payload.len() {
        #[allow(clippy::cast_possible_truncation)] // the pattern bounds it
        n @ 0..126 => out.push(MASKED | n as u8),
        n => {
            if let Ok(n) = u16::try_from(n) {
                out.push(MASKED | TWO_BYTES);
                out.extend_from_slice(&n.to_be_bytes());
            } else {
                out.push(MASKED | EIGHT_BYTES);
                out.extend_from_slice(&(n as u64).to_be_bytes());
            }
        }
    }
    out.extend_from_slice(&mask);
    out.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    Ok(())
}

/// Appends a binary frame that carries `payload`.
pub fn data(payload: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    frame(BINARY, payload, out)
}
