//! One turn of writing a batch to a link.

use std::io::{self, IoSlice};

use crate::protocol::outbound::{Batch, SLICES};
use crate::transport::Link;

use super::writer::Wrote;

/// Writes until all is written, the socket takes no more, or so many bytes were written.
pub fn write(link: &Link, batch: &mut Batch, budget: usize) -> io::Result<Wrote> {
    let mut written = 0;
    while !batch.is_empty() {
        if written >= budget {
            return Ok(Wrote::Some);
        }
        let result = if let Some(bytes) = batch.single() {
            // Nearly always. To fill a row of slices takes longer than all else here.
            link.write(&[IoSlice::new(bytes)])
        } else {
            let mut room = [IoSlice::new(&[]); SLICES];
            let used = batch.slices(&mut room);
            link.write(&room[..used])
        };
        match result {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                batch.advance(n);
                written += n;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return full(error),
        }
    }
    link.flush().map_or_else(full, |()| Ok(Wrote::All))
}

fn full(error: io::Error) -> io::Result<Wrote> {
    if error.kind() == io::ErrorKind::WouldBlock {
        Ok(Wrote::Full)
    } else {
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::protocol::outbound::Outbound;
    use crate::transport::{Input, Layer, Wants};

    /// A layer whose writes and flushes come to this, one after the other.
    struct Script(VecDeque<Result<usize, io::ErrorKind>>);

    impl Script {
        fn next(&mut self) -> io::Result<usize> {
            let next = self.0.pop_front().expect("no further call");
            next.map_err(io::Error::from)
        }
    }

    impl Layer for Script {
        fn read(&mut self, _: &mut [u8]) -> io::Result<Input> {
            Err(io::ErrorKind::WouldBlock.into())
        }

        fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
            let there = bufs.iter().map(|buf| buf.len()).sum::<usize>();
            Ok(self.next()?.min(there))
        }

        fn flush(&mut self) -> io::Result<()> {
            self.next().map(drop)
        }

        fn shutdown(&mut self) {}

        fn wants(&self) -> Wants {
            Wants {
                read: crate::transport::Want::Readable,
                write: crate::transport::Want::Nothing,
            }
        }
    }

    /// Writes ten bytes with that budget. Returns what it came to, and how many bytes were written.
    fn run(
        calls: &[Result<usize, io::ErrorKind>],
        budget: usize,
    ) -> (Result<Wrote, io::ErrorKind>, u64) {
        let (carrier, _other) = UnixStream::pair().expect("a socket pair");
        let script = Script(calls.iter().copied().collect());
        let link = Link::layered(Box::new(script), carrier.into());
        let (mut out, mut batch) = (Outbound::default(), Batch::default());
        out.tail().extend_from_slice(b"0123456789");
        out.take(&mut batch);
        let wrote = write(&link, &mut batch, budget);
        (wrote.map_err(|error| error.kind()), batch.written())
    }

    #[test]
    fn a_turn_ends_with_the_bytes_the_room_or_the_budget() {
        use io::ErrorKind::{BrokenPipe, Interrupted, WouldBlock, WriteZero};
        assert_eq!(run(&[Ok(10), Ok(0)], 100), (Ok(Wrote::All), 10));
        let in_pieces = [Ok(4), Err(Interrupted), Ok(6), Ok(0)];
        assert_eq!(run(&in_pieces, 100), (Ok(Wrote::All), 10));
        assert_eq!(run(&[Ok(4), Err(WouldBlock)], 100), (Ok(Wrote::Full), 4));
        assert_eq!(run(&[Ok(4), Ok(2)], 5), (Ok(Wrote::Some), 6));
        assert_eq!(run(&[Ok(4), Ok(1)], 5), (Ok(Wrote::Some), 5), "used up");
        // What a layer has kept is not written yet.
        assert_eq!(run(&[Ok(10), Err(WouldBlock)], 100), (Ok(Wrote::Full), 10));
        assert_eq!(run(&[Ok(4), Ok(0)], 100), (Err(WriteZero), 4));
        assert_eq!(run(&[Err(BrokenPipe)], 100), (Err(BrokenPipe), 0));
        assert_eq!(run(&[Ok(10), Err(BrokenPipe)], 100), (Err(BrokenPipe), 10));
    }
}
