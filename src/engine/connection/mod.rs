//! One network connection: who reads, who writes, how closely calls follow each other, and how a connection is closed.
//!
//! [`reader`], [`writer`] and [`pace`] are state machines without I/O, clock or lock. The threads that do the I/O ask them
//! what to do and tell them what came of it (`engine/transfer.rs`).

pub mod closing;
pub mod pace;
pub mod reader;
pub mod write;
pub mod writer;

use std::sync::Arc;
use std::time::Instant;

use crate::protocol::outbound::Batch;
use crate::reactor::Reactor;
use crate::transport::{Link, Want};

use pace::Pace;
use reader::Reader;
use writer::Writer;

/// A connection that carries the session.
pub struct Connection {
    link: Arc<Link>,
    pub reader: Reader,
    /// Boxed: it changes hands with each write.
    pub writer: Writer<Box<Batch>>,
    pub pace: Pace,
    watched: bool,
    /// The server may not have seen all messages that were written: see [`at_risk`](Self::at_risk).
    at_risk: bool,
}

impl Connection {
    /// Takes over a link to a server that has accepted the connection.
    pub fn new(link: Arc<Link>, now: Instant) -> Self {
        Self {
            link,
            reader: Reader::new(),
            writer: Writer::new(Box::default()),
            pace: Pace::new(now),
            watched: false,
            at_risk: false,
        }
    }

    /// Returns the link to the server.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Returns true if the reactor tells of the socket's events.
    pub fn is_watched(&self) -> bool {
        self.watched
    }

    /// Notes that the reactor watches the socket from now on. It tells of events only, and there may be data already, in the
    /// socket or in a layer above it.
    pub fn watched(&mut self) {
        self.watched = true;
        self.reader.may_have_data();
    }

    /// Notes that the reactor does not watch the link any longer. Whatever it had told is a state of reader and writer.
    pub fn unwatch(&mut self, reactor: &Reactor) {
        match self.link.fd() {
            Some(fd) => reactor.unwatch(fd),
            None => {
                let _possible = self.link.set_waker(None);
            }
        }
        self.watched = false;
    }

    /// Notes that the socket's state has changed. TLS may want to read in order to write, and the other way round.
    pub fn ready(&mut self, readable: bool, writable: bool, hangup: bool) {
        let wants = self.link.wants();
        if hangup {
            self.reader.peer_ended();
        }
        if readable || writable && wants.read == Want::Writable {
            self.reader.may_have_data();
        }
        if writable || readable && wants.write == Want::Readable {
            self.writer.may_have_room();
        }
    }

    /// Notes that a thread has read: what a write waited for may have come with that.
    pub fn has_read(&mut self) {
        if self.link.wants().write == Want::Call {
            self.writer.may_have_room();
        }
    }

    /// Notes that a thread has written: a layer may have read meanwhile, and no event will tell of that.
    pub fn has_written(&mut self) {
        if self.link.has_buffered() {
            self.reader.may_have_data();
        }
    }

    /// Notes that a message is written that the server does not acknowledge.
    pub fn risk(&mut self) {
        self.at_risk = true;
    }

    /// Returns true if messages were written whose arrival at the server nothing has shown.
    pub fn at_risk(&self) -> bool {
        self.at_risk
    }
}
