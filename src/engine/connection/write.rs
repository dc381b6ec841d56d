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
