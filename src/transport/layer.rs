//! What lies between the socket and MQTT, and what every read of it promises: progress, but never more than a bounded
//! piece of work.

use std::io::{self, IoSlice};
use std::time::Instant;

/// What a read came to. `WouldBlock` is the error for "nothing, until the carrier is readable".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "Again means that no event will tell of the rest"]
pub enum Input {
    /// So many bytes, at least one. Whether there are more: see [`Link::has_buffered`](super::Link::has_buffered).
    Bytes(usize),
    /// The read has used up its budget on input without payload (session tickets, pings, empty frames). More input is
    /// there, and no event will tell of it: the caller lets others have their turn and then reads again.
    Again,
    /// The end of the stream.
    End,
}

impl Input {
    /// Reads what a count of bytes means that the system returned.
    pub(super) fn of(count: usize) -> Self {
        if count == 0 {
            Input::End
        } else {
            Input::Bytes(count)
        }
    }
}

/// What one direction of a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Nothing: all that was to be sent is with the carrier. Only writing can be in this state.
    Nothing,
    /// The carrier has to become readable.
    Readable,
    /// The carrier has to become writable.
    Writable,
    /// Nothing outside: the call has to be made again, and no event will say so.
    Call,
}

/// What reading and writing wait for, each on its own.
///
/// TLS couples them: a renegotiation (TLS 1.2) or key update (TLS 1.3) lets a read wait for room and a write wait for
/// input. Whoever drives a connection keeps to three rules, and nothing stands still:
///
/// - While `write` is not [`Want::Nothing`], [`flush`](super::Link::flush) is due when what it names has come.
/// - After each write and flush: if `read` is [`Want::Call`], read.
/// - After each read: if `write` is [`Want::Call`], write what waits, and flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wants {
    /// What the next read waits for: [`Want::Call`] while decoded or received bytes wait inside.
    pub read: Want,
    /// What bytes wait for that a write took, or that the layer's protocol wants sent (a pong).
    pub write: Want,
}

impl Wants {
    /// Nothing is kept between the caller and the carrier.
    pub(super) const OF_SOCKET: Self = Self {
        read: Want::Readable,
        write: Want::Nothing,
    };

    /// Packs both into one byte.
    pub(super) fn to_bits(self) -> u8 {
        self.read as u8 | (self.write as u8) << 4
    }

    pub(super) fn from_bits(bits: u8) -> Self {
        let want = |bits| match bits & 0xf {
            0 => Want::Nothing,
            1 => Want::Readable,
            2 => Want::Writable,
            _ => Want::Call,
        };
        Self {
            read: want(bits),
            write: want(bits >> 4),
        }
    }
}

/// A layer that keeps state of its own between the carrier and MQTT: TLS, WebSocket.
///
/// Non-blocking, and each call ends after a bounded piece of work: calls are made under a lock, by threads on which
/// other connections depend.
pub trait Layer: Send {
    /// Reads decoded bytes.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<Input>;
    /// Takes bytes to send, possibly keeping some of them in a buffer of its own; says how many it took.
    fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Pushes what `write` kept to the carrier; `WouldBlock` while some is left.
    fn flush(&mut self) -> io::Result<()>;
    /// Says goodbye as the layer's protocol wants it (`close_notify`, close frame), without waiting and without reading.
    fn shutdown(&mut self);
    /// Returns what either direction waits for.
    fn wants(&self) -> Wants;
    /// Returns what the layer has to say of its last error, besides that error's message: line by line, once.
    ///
    /// The layers call nothing of the program's. They are used under locks and on threads that others depend on.
    fn take_details(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// Most pieces of input without payload in a row, where they come faster than [`FORGIVEN_PER_SECOND`]. The attack: a
/// server that sends nothing but session tickets, pings or empty frames costs the client its time, and none of it ends
/// the connection by itself. Honest servers are far from it: a few tickets after the handshake, a ping now and then.
pub(super) const MAX_EMPTY: u32 = 4096;

/// So many of them are forgotten each second: an intermediary that pings for years, on a connection on which nothing
/// else happens, is no attack.
const FORGIVEN_PER_SECOND: u32 = 32;

/// A large piece without payload counts as one for each of so many bytes.
const EMPTY_PIECE: usize = 256;

/// Counts input without payload.
#[derive(Debug, Default)]
pub(super) struct Emptiness {
    count: u32,
    /// When the count was last reduced.
    since: Option<Instant>,
}

impl Emptiness {
    /// Notes that payload has come.
    pub(super) fn end(&mut self) {
        self.count = 0;
    }

    /// Counts a piece of `bytes` bytes that has come without payload. Fails when it was one too many; `what` names the
    /// pieces.
    pub(super) fn add(&mut self, bytes: usize, what: &str, now: Instant) -> io::Result<()> {
        self.add_pieces(1 + bytes / EMPTY_PIECE, what, now)
    }

    /// Counts bytes that are not yet known to be a piece of either kind.
    #[cfg(feature = "tls")]
    pub(super) fn add_bytes(&mut self, bytes: usize, what: &str, now: Instant) -> io::Result<()> {
        self.add_pieces(bytes / EMPTY_PIECE, what, now)
    }

    fn add_pieces(&mut self, pieces: usize, what: &str, now: Instant) -> io::Result<()> {
        let since = *self.since.get_or_insert(now);
        let forgiven = now
            .saturating_duration_since(since)
            .as_millis()
            .saturating_mul(FORGIVEN_PER_SECOND.into())
            / 1000;
        if forgiven > 0 {
            self.since = Some(now);
            self.count = self
                .count
                .saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX));
        }
        self.count = self
            .count
            .saturating_add(u32::try_from(pieces).unwrap_or(u32::MAX));
        if self.count > MAX_EMPTY {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the server sends {what} without end and no data"),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn wants_fit_into_a_byte() {
        let all = [Want::Nothing, Want::Readable, Want::Writable, Want::Call];
        for read in all {
            for write in all {
                let wants = Wants { read, write };
                assert_eq!(Wants::from_bits(wants.to_bits()), wants);
            }
        }
    }

    #[test]
    fn a_flood_ends_the_connection() {
        let mut emptiness = Emptiness::default();
        let start = Instant::now();
        for _ in 0..MAX_EMPTY {
            emptiness.add(2, "pings", start).unwrap();
        }
        let error = emptiness.add(2, "pings", start).unwrap_err();
        assert!(error.to_string().contains("pings"), "{error}");
    }

    #[test]
    fn large_pieces_count_more() {
        let mut emptiness = Emptiness::default();
        let start = Instant::now();
        let pieces = (0..).take_while(|_| emptiness.add(16 * 1024, "x", start).is_ok());
        assert_eq!(pieces.count(), 4096 / 65);
    }

    #[test]
    fn payload_and_time_forgive() {
        let mut emptiness = Emptiness::default();
        let start = Instant::now();
        // A ping each 50 ms for a day.
        for n in 0..20 * 86_400 {
            let now = start + Duration::from_millis(50 * n);
            emptiness.add(127, "pings", now).unwrap();
        }
        for _ in 0..3 {
            for _ in 0..MAX_EMPTY / 2 {
                emptiness.add(2, "pings", start).unwrap();
            }
            emptiness.end();
        }
    }
}
