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
use std::time::{Duration, Instant};

use crate::protocol::outbound::Batch;
use crate::reactor::Reactor;
use crate::transport::{Link, Want};

use pace::Pace;
use reader::Reader;
use writer::Writer;

/// How long after the system refused to have a socket watched it is asked again. What it has not enough of others may give back
/// at any time, and nobody tells of that.
const WATCH_AGAIN: Duration = Duration::from_millis(100);

/// A connection that carries the session.
pub struct Connection {
    link: Arc<Link>,
    pub reader: Reader,
    /// Boxed: it changes hands with each write.
    pub writer: Writer<Box<Batch>>,
    pub pace: Pace,
    watched: bool,
    /// The system refused to have the socket watched: when it is asked again.
    watch_again: Option<Instant>,
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
            watch_again: None,
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

    /// Notes that the reactor could not have the socket watched: no event will tell of it, so the client comes back by its timer.
    pub fn could_not_watch(&mut self, now: Instant) {
        self.watch_again = Some(now + WATCH_AGAIN);
    }

    /// Returns when [`take_watch_again`](Self::take_watch_again) has something to do.
    pub fn watch_again_at(&self) -> Option<Instant> {
        self.watch_again
    }

    /// Returns true if the time has come to have the socket watched again. What no event told of meanwhile may have happened.
    #[must_use = "whoever takes it has the socket watched"]
    pub fn take_watch_again(&mut self, now: Instant) -> bool {
        let due = self.watch_again.is_some_and(|at| at <= now);
        if due {
            self.watch_again = None;
            self.writer.may_have_room();
        }
        due
    }

    /// Notes that the reactor does not watch the link any longer. Whatever it had told is a state of reader and writer.
    pub fn unwatch(&mut self, reactor: &Reactor) {
        if let Some(fd) = self.link.fd() {
            reactor.unwatch(fd);
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

#[cfg(test)]
mod tests {
    use std::io::{self, IoSlice};
    use std::os::unix::net::UnixStream;

    use super::super::connection::reader::Found;
    use super::super::connection::writer::Wrote;
    use super::*;
    use crate::transport::{Input, Layer, Wants};

    /// A layer that waits for what it is told to wait for.
    struct Waiting(Wants);

    impl Layer for Waiting {
        fn read(&mut self, _: &mut [u8]) -> io::Result<Input> {
            Err(io::ErrorKind::WouldBlock.into())
        }

        fn write(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::WouldBlock.into())
        }

        fn shutdown(&mut self) {}

        fn wants(&self) -> Wants {
            self.0
        }
    }

    /// A connection whose directions wait for this, with a half-written batch and nothing to read as far as is known.
    fn resting(read: Want, write: Want) -> Connection {
        let (carrier, _other) = UnixStream::pair().expect("a socket pair");
        let layer = Waiting(Wants { read, write });
        let link = Link::layered(Box::new(layer), carrier.into());
        let mut connection = Connection::new(Arc::new(link), Instant::now());
        let partial = connection.reader.begin().expect("the role");
        assert!(!connection.reader.end(Found::Nothing, partial));
        let batch = connection.writer.begin(true).expect("the role");
        connection.writer.end(Wrote::Full, batch);
        assert!(!connection.reader.is_due() && !connection.writer.is_due());
        connection
    }

    /// Who is due after something: the reader, the writer.
    fn due(connection: &Connection) -> (bool, bool) {
        (connection.reader.is_due(), connection.writer.is_due())
    }

    #[test]
    fn an_event_wakes_whichever_direction_waits_for_it() {
        use Want::{Call, Nothing, Readable, Writable};
        // What reading and writing wait for, and who is due when the socket is readable, and when it is writable.
        let rows = [
            (Readable, Nothing, (true, false), (false, true)),
            (Readable, Writable, (true, false), (false, true)),
            (Readable, Readable, (true, true), (false, true)),
            (Writable, Writable, (true, false), (true, true)),
            (Writable, Nothing, (true, false), (true, true)),
            (Call, Readable, (true, true), (false, true)),
        ];
        for (read, write, readable, writable) in rows {
            let mut connection = resting(read, write);
            connection.ready(true, false, false);
            assert_eq!(due(&connection), readable, "{read:?} {write:?}");
            let mut connection = resting(read, write);
            connection.ready(false, true, false);
            assert_eq!(due(&connection), writable, "{read:?} {write:?}");
            let mut connection = resting(read, write);
            connection.ready(false, false, false);
            assert_eq!(due(&connection), (false, false), "{read:?} {write:?}");
        }
    }

    #[test]
    fn the_end_of_the_peers_side_is_read_up_to() {
        let mut connection = resting(Want::Readable, Want::Nothing);
        connection.ready(false, false, true);
        assert!(connection.reader.is_due());
        let partial = connection.reader.begin().expect("the role");
        // No event follows this one.
        assert!(connection.reader.end(Found::All, partial));
    }

    #[test]
    fn a_read_or_a_write_wakes_the_other_direction_where_no_event_would() {
        for want in [Want::Nothing, Want::Readable, Want::Writable, Want::Call] {
            let mut connection = resting(Want::Readable, want);
            connection.has_read();
            assert_eq!(due(&connection), (false, want == Want::Call), "{want:?}");
            if want != Want::Nothing {
                let mut connection = resting(want, Want::Nothing);
                connection.has_written();
                assert_eq!(due(&connection), (want == Want::Call, false), "{want:?}");
            }
        }
    }

    #[test]
    fn what_could_not_be_watched_is_tried_again_once_and_in_time() {
        let mut connection = resting(Want::Readable, Want::Nothing);
        let now = Instant::now();
        assert!(connection.watch_again_at().is_none() && !connection.take_watch_again(now));
        connection.could_not_watch(now);
        let at = connection.watch_again_at().expect("an alarm");
        assert!(at > now && !connection.take_watch_again(now) && !connection.writer.is_due());
        assert!(connection.take_watch_again(at));
        assert!(connection.writer.is_due(), "no event has told of room");
        assert!(connection.watch_again_at().is_none() && !connection.take_watch_again(at));
    }

    #[test]
    fn what_is_newly_watched_is_read() {
        let mut connection = resting(Want::Readable, Want::Nothing);
        assert!(!connection.is_watched() && !connection.at_risk());
        connection.watched();
        assert!(connection.is_watched() && connection.reader.is_due());
        connection.risk();
        assert!(connection.at_risk());
    }
}
