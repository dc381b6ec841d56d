//! Reading and writing without other threads: a layer does what its test says, and its test does what a thread of the reactor would.

mod bursts;
mod reading;
mod turns;

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::*;
use crate::engine::connection::Connection;
use crate::engine::driving::Work;
use crate::engine::tests::carried::{Carried, connack, options_of, setup};
use crate::engine::tests::program::Program;
use crate::os::lock::Mutex;
use crate::protocol::Version;
use crate::transport::{Layer, Want, Wants};

/// What happens inside a write, with the client's mutex released; then the write takes what it is offered, or fails.
type Inside = Box<dyn FnOnce() -> io::Result<()> + Send>;

/// A write takes no more than this at once.
const PIECE: usize = 64 * 1024;

/// What a read brings.
enum In {
    Bytes(Vec<u8>),
    Again,
    End,
    /// That, behind what happens inside the read.
    Then(Box<dyn FnOnce() + Send>, Box<In>),
}

struct Script {
    reads: VecDeque<In>,
    inside_writes: VecDeque<Inside>,
    /// The first bytes of each write, and how many bytes were written.
    begun: Vec<u8>,
    written: usize,
    flushes: usize,
    wants: Wants,
}

/// The layer, of which its test has the other handle.
#[derive(Clone)]
struct Scripted(Arc<Mutex<Script>>);

impl Layer for Scripted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<Input> {
        let mut next = self.0.lock().reads.pop_front();
        while let Some(In::Then(inside, then)) = next {
            inside();
            next = Some(*then);
        }
        let mut script = self.0.lock();
        match next {
            Some(In::Then(..)) => unreachable!("done above"),
            Some(In::Bytes(mut bytes)) => {
                let count = bytes.len().min(buf.len());
                buf[..count].copy_from_slice(&bytes[..count]);
                if count < bytes.len() {
                    script.reads.push_front(In::Bytes(bytes.split_off(count)));
                }
                Ok(Input::Bytes(count))
            }
            Some(In::Again) => Ok(Input::Again),
            Some(In::End) => Ok(Input::End),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let inside = self.0.lock().inside_writes.pop_front();
        if let Some(inside) = inside {
            inside()?;
        }
        let count = bufs.iter().map(|buf| buf.len()).sum::<usize>().min(PIECE);
        let mut script = self.0.lock();
        script.begun.push(bufs[0][0]);
        script.written += count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().flushes += 1;
        Ok(())
    }

    fn shutdown(&mut self) {}

    fn wants(&self) -> Wants {
        self.0.lock().wants
    }
}

impl Scripted {
    /// Says what happens inside the next write of which nothing has been said.
    fn inside_write(&self, inside: impl FnOnce() -> io::Result<()> + Send + 'static) {
        self.0.lock().inside_writes.push_back(Box::new(inside));
    }

    /// Returns how many writes there were since the last call, and how many bytes they took.
    fn writes(&self) -> (usize, usize) {
        let mut script = self.0.lock();
        let count = std::mem::take(&mut script.begun).len();
        (count, std::mem::take(&mut script.written))
    }
}

/// A client that is connected over such a layer. Its test does what the reactor does for others, and no thread of the reactor comes:
/// the client is in the reactor's queue already, as far as it knows.
fn connected(version: Version) -> (Carried, Scripted) {
    let (carrier, _) = UnixStream::pair().expect("a socket pair");
    let scripted = Scripted(Arc::new(Mutex::new(Script {
        reads: VecDeque::from([In::Bytes(connack(version).to_vec())]),
        inside_writes: VecDeque::new(),
        begun: Vec::new(),
        written: 0,
        flushes: 0,
        wants: Wants {
            read: Want::Readable,
            write: Want::Nothing,
        },
    })));
    let client = Carried::new(setup(), None);
    let link = Link::layered(Box::new(scripted.clone()), carrier.into());
    let begun = client.0.attach(link, options_of(version), "connect");
    begun.expect("attached");
    client.work();
    assert_eq!(client.heard(), ["connect up", "connected"]);
    let mut core = client.lock();
    core.alarm.scheduled = true;
    core.driving.by_program = Work {
        read: true,
        tick: true,
        ..Work::NONE
    };
    // A blocked writer has nothing watched for itself, and there is nothing to read for a thread of the reactor.
    let connection = connection(&mut core);
    connection.watched();
    let partial = connection.reader.begin().expect("the role");
    assert!(!connection.reader.end(Found::Nothing, partial));
    drop(core);
    scripted.writes();
    (client, scripted)
}

fn connection<'a>(core: &'a mut Guard<'_, Program<false>>) -> &'a mut Connection {
    core.lifecycle.connection_mut().expect("a connection")
}
