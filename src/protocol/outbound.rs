//! Bytes on their way to the socket, in order.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

/// From this size on a packet is queued by reference rather than copied behind the others.
const SHARE_FROM: usize = 16 * 1024;
/// A buffer larger than this is given back once it is empty: an idle client keeps little.
const KEEP: usize = 256;
/// A buffer begins with no more room than this.
const ROOM: u32 = 64 * 1024;
/// How many slices one vectored write is given at most.
pub const SLICES: usize = 64;

/// A stream of encoded packets: small ones lie one behind the other in `tail`, large ones are shared segments.
#[derive(Debug, Default)]
pub struct Outbound {
    segments: VecDeque<Bytes>,
    tail: BytesMut,
    /// Stream position at which `tail` starts.
    base: u64,
    /// How long `tail` was when it was last taken, up to [`ROOM`].
    usual: u32,
}

impl Outbound {
    /// Returns where the encoders append.
    pub fn tail(&mut self) -> &mut BytesMut {
        self.make_room();
        &mut self.tail
    }

    /// Appends a packet that somebody else keeps as well.
    pub fn push(&mut self, packet: &Bytes) {
        if packet.len() < SHARE_FROM {
            self.make_room();
            self.tail.extend_from_slice(packet);
        } else {
            self.seal();
            self.base += packet.len() as u64;
            self.segments.push_back(packet.clone());
        }
    }

    /// Appends a packet that is nowhere copied, as there are secrets in it: its owner wipes it when it is written or given up.
    pub fn push_secret(&mut self, packet: Bytes) {
        self.seal();
        self.base += packet.len() as u64;
        self.segments.push_back(packet);
    }

    /// Has an empty buffer begin with the room that was needed last: to grow there step by step copies all bytes once more.
    #[inline]
    fn make_room(&mut self) {
        if self.tail.capacity() == 0 && self.usual > 0 {
            self.tail.reserve(self.usual as usize);
        }
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.base += self.tail.len() as u64;
            self.segments.push_back(self.tail.split().freeze());
        }
    }

    /// Returns the stream position of the end: how many bytes were ever appended.
    pub fn position(&self) -> u64 {
        self.base + self.tail.len() as u64
    }

    /// Returns true if nothing waits here.
    pub fn is_empty(&self) -> bool {
        self.tail.is_empty() && self.segments.is_empty()
    }

    /// Moves everything into `batch`, which has been written out, and gets its memory in exchange.
    pub fn take(&mut self, batch: &mut Batch) {
        debug_assert!(batch.is_empty());
        self.base += self.tail.len() as u64;
        self.usual = u32::try_from(self.tail.len()).map_or(ROOM, |len| len.min(ROOM));
        std::mem::swap(&mut self.segments, &mut batch.segments);
        std::mem::swap(&mut self.tail, &mut batch.tail);
        batch.end = self.base;
    }

    /// Throws away what waits here; the stream starts anew at position 0.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// Bytes that one thread is writing.
#[derive(Debug, Default)]
pub struct Batch {
    segments: VecDeque<Bytes>,
    tail: BytesMut,
    end: u64,
}

impl Batch {
    /// Returns true if all was written.
    pub fn is_empty(&self) -> bool {
        self.tail.is_empty() && self.segments.is_empty()
    }

    /// Returns the stream position up to which all bytes were written.
    pub fn written(&self) -> u64 {
        let left: usize = self.segments.iter().map(Bytes::len).sum::<usize>() + self.tail.len();
        self.end - left as u64
    }

    /// Returns the bytes to write if they all lie one behind the other.
    pub fn single(&self) -> Option<&[u8]> {
        self.segments.is_empty().then_some(&self.tail[..])
    }

    /// Fills `room` with the bytes to write next; says how many slices there are.
    pub fn slices<'a>(&'a self, room: &mut [IoSlice<'a>; SLICES]) -> usize {
        let mut used = 0;
        let segments = self.segments.iter().map(|segment| &segment[..]);
        let tail = (!self.tail.is_empty()).then_some(&self.tail[..]);
        for (slot, bytes) in room.iter_mut().zip(segments.chain(tail)) {
            *slot = IoSlice::new(bytes);
            used += 1;
        }
        used
    }

    /// Notes that the first `n` bytes were written.
    pub fn advance(&mut self, mut n: usize) {
        while let Some(first) = self.segments.front_mut() {
            if n < first.len() {
                first.advance(n);
                return;
            }
            n -= first.len();
            self.segments.pop_front();
        }
        if n == self.tail.len() {
            self.tail.clear();
            if self.tail.capacity() > KEEP {
                self.tail = BytesMut::new();
            }
        } else {
            self.tail.advance(n);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(batch: &mut Batch, step: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while !batch.is_empty() {
            let mut room = [IoSlice::new(&[]); SLICES];
            let used = batch.slices(&mut room);
            let chunk: Vec<u8> = room[..used]
                .iter()
                .flat_map(|s| s.iter().copied())
                .take(step)
                .collect();
            batch.advance(chunk.len());
            all.extend(chunk);
        }
        all
    }

    #[test]
    fn order_survives_shared_segments_and_partial_writes_at_every_size() {
        for step in [1, 7, 1000, 100_000] {
            let mut out = Outbound::default();
            let large = Bytes::from(vec![b'L'; SHARE_FROM]);
            let mut expected = Vec::new();
            for i in 0..3_u8 {
                out.tail().extend_from_slice(&[i; 10]);
                expected.extend([i; 10]);
                out.push(&large);
                expected.extend_from_slice(&large);
                out.push(&Bytes::from(vec![100 + i; 5]));
                expected.extend([100 + i; 5]);
            }
            assert_eq!(out.position(), expected.len() as u64);
            let mut batch = Batch::default();
            out.take(&mut batch);
            assert!(out.is_empty());
            assert_eq!(batch.written(), 0);
            assert_eq!(drain(&mut batch, step), expected);
            assert_eq!(batch.written(), expected.len() as u64);
        }
    }

    /// Bytes that somebody watches.
    struct Owner(std::sync::Arc<String>);

    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            self.0.as_bytes()
        }
    }

    #[test]
    fn a_secret_keeps_its_place_and_is_dropped_once_it_is_written_or_given_up() {
        let secret = std::sync::Arc::new(String::from("CONNECT"));
        let mut out = Outbound::default();
        let mut batch = Batch::default();
        out.tail().extend_from_slice(b"ab");
        out.push_secret(Bytes::from_owner(Owner(secret.clone())));
        out.tail().extend_from_slice(b"c");
        assert_eq!(out.position(), 10);
        out.take(&mut batch);
        batch.advance(8);
        assert_eq!(std::sync::Arc::strong_count(&secret), 2);
        batch.advance(1);
        assert_eq!(std::sync::Arc::strong_count(&secret), 1);
        assert_eq!(drain(&mut batch, 1), b"c");
        out.push_secret(Bytes::from_owner(Owner(secret.clone())));
        drop(out);
        assert_eq!(std::sync::Arc::strong_count(&secret), 1);
    }

    #[test]
    fn positions_go_on_from_batch_to_batch() {
        let (mut out, mut batch) = (Outbound::default(), Batch::default());
        out.tail().extend_from_slice(b"abc");
        out.take(&mut batch);
        batch.advance(2);
        assert_eq!(batch.written(), 2);
        out.tail().extend_from_slice(b"de");
        assert_eq!(out.position(), 5);
        batch.advance(1);
        out.take(&mut batch);
        assert_eq!(drain(&mut batch, 1), b"de");
        assert_eq!(batch.written(), 5);
    }
}
