//! The reading role: reading the socket and feeding the session.

use std::cell::RefCell;
use std::io;
use std::time::Instant;

use crate::protocol::decode;
use crate::protocol::session::Fault;
use crate::protocol::{Version, reason};
use crate::trace;
use crate::transport::{Input, Want};

use super::host::{Event, Host};
use super::state::{Client, Guard};

/// Bytes read at a time. One buffer a thread, so that an idle client needs none.
const BUFFER: usize = 64 * 1024;
/// A packet larger than this is collected in a buffer of its own once its beginning has arrived.
const LARGE: usize = 16 * 1024;
/// Such a buffer grows by this much at least, and by no more than it holds: a length field alone reserves nothing.
const GROWTH: usize = 1 << 20;

thread_local! {
    static BUFFERS: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What one read brought.
enum Step {
    /// Some, and by its size all there was.
    Drained,
    /// Nothing.
    Nothing,
    /// There may be more.
    More,
    /// Nothing more will ever come.
    End(String),
}

impl<H: Host> Client<H> {
    /// On a reactor thread: reads and processes what there is, writes the answers and runs the callbacks.
    pub(super) fn read<'a>(&'a self, mut core: Guard<'a, H>) {
        loop {
            let Some(connection) = &mut core.connection else {
                return self.finish_here(core);
            };
            if !connection.watched {
                return;
            }
            if connection.reading {
                connection.read_again = true;
                return;
            }
            if core.io.full() && core.waiters == 0 {
                // Back-pressure. The dispatcher, or somebody who comes to wait, starts reading again.
                if let Some(connection) = &mut core.connection {
                    connection.unread = true;
                }
                return self.finish_here(core);
            }
            let (next, more) = self.read_once(core);
            core = self.flush(next);
            self.after(&mut core);
            let Some(connection) = &mut core.connection else {
                return self.finish_here(core);
            };
            if !more {
                return self.finish_here(core);
            }
            // Callbacks may take long, and whoever waits meanwhile must know that there is more to read.
            connection.unread = true;
            if core.io.events.is_empty() || core.dispatching.is_some() {
                if let Some(connection) = &mut core.connection {
                    connection.unread = false;
                }
                continue;
            }
            if core.waiters > 0 {
                // What they wait for may be among it: another thread reads on.
                if let Ok(reactor) = crate::reactor::reactor() {
                    reactor.schedule(self.key);
                }
            }
            self.dispatch(core);
            core = self.lock();
            match &mut core.connection {
                Some(connection) if connection.unread => connection.unread = false,
                _ => return,
            }
        }
    }

    /// Reads once and processes it; true: there may be more. The caller has made sure that nobody has the role.
    pub(super) fn read_once<'a>(&'a self, mut core: Guard<'a, H>) -> (Guard<'a, H>, bool) {
        let Some(connection) = &mut core.connection else {
            return (core, false);
        };
        debug_assert!(!connection.reading);
        connection.reading = true;
        connection.read_again = false;
        let hangup = connection.hangup;
        let link = std::sync::Arc::clone(&connection.link);
        let partial = std::mem::take(&mut connection.partial);
        let epoch = core.epoch;
        drop(core);

        let total = total_len(&partial);
        let (mut core, step) = match total {
            Some(total) if total > LARGE => self.read_large(&link, partial, total, epoch),
            _ => self.read_small(&link, partial, epoch),
        };
        if core.epoch != epoch {
            return (core, false);
        }
        let Some(connection) = &mut core.connection else {
            return (core, false);
        };
        connection.reading = false;
        // What a write waited for has been read.
        connection.writable |= link.wants().write == Want::Call;
        let again = std::mem::take(&mut connection.read_again);
        match step {
            // After the peer has ended its side no event will tell: read to the end.
            Step::Drained => (core, again || hangup),
            Step::Nothing => (core, again),
            Step::More => (core, true),
            Step::End(why) => {
                self.lose(&mut core, &why);
                (core, false)
            }
        }
    }

    /// Reads behind the beginning of a packet, if there is one, into this thread's buffer.
    fn read_small<'a>(
        &'a self,
        link: &crate::transport::Link,
        partial: Vec<u8>,
        epoch: u64,
    ) -> (Guard<'a, H>, Step) {
        BUFFERS.with_borrow_mut(|buffer| {
            if buffer.is_empty() {
                buffer.resize(BUFFER, 0);
            }
            let start = partial.len();
            buffer[..start].copy_from_slice(&partial);
            let result = link.read(&mut buffer[start..]);
            let mut core = self.lock();
            if core.epoch != epoch {
                return (core, Step::Drained);
            }
            let end = match result {
                Ok(Input::End) => {
                    return (core, Step::End("the server closed the connection".into()));
                }
                Ok(Input::Bytes(n)) => start + n,
                Ok(Input::Again) => {
                    if let Some(connection) = &mut core.connection {
                        connection.partial = partial;
                    }
                    return (core, Step::More);
                }
                Err(error) => {
                    if let Some(connection) = &mut core.connection {
                        connection.partial = partial;
                    }
                    return (core, failed(&error));
                }
            };
            let used = self.process(&mut core, &buffer[..end]);
            if used < end {
                if let Some(connection) = &mut core.connection {
                    let mut rest = partial;
                    rest.clear();
                    rest.extend_from_slice(&buffer[used..end]);
                    connection.partial = rest;
                }
            }
            let step = if end == buffer.len() || link.has_buffered() {
                Step::More
            } else {
                Step::Drained
            };
            (core, step)
        })
    }

    /// Goes on collecting a large packet.
    fn read_large<'a>(
        &'a self,
        link: &crate::transport::Link,
        mut partial: Vec<u8>,
        total: usize,
        epoch: u64,
    ) -> (Guard<'a, H>, Step) {
        let have = partial.len();
        let room = total.saturating_sub(have).clamp(1, have.max(GROWTH));
        // The server decides how much this is: that there is not so much memory must not be the end of the process.
        if partial.try_reserve(room).is_err() {
            return (
                self.lock(),
                Step::End(format!("no memory for {total} bytes")),
            );
        }
        partial.resize(have + room, 0);
        let result = link.read(&mut partial[have..]);
        let mut core = self.lock();
        if core.epoch != epoch {
            return (core, Step::Drained);
        }
        let (end, step) = match result {
            Ok(Input::End) => {
                return (core, Step::End("the server closed the connection".into()));
            }
            Ok(Input::Again) => (have, Step::More),
            Ok(Input::Bytes(n)) if n == room || link.has_buffered() => (have + n, Step::More),
            Ok(Input::Bytes(n)) => (have + n, Step::Drained),
            Err(error) => (have, failed(&error)),
        };
        partial.truncate(end);
        let used = if end > have {
            self.process(&mut core, &partial)
        } else {
            0
        };
        partial.drain(..used);
        if partial.is_empty() {
            partial = Vec::new();
        }
        if let Some(connection) = &mut core.connection {
            connection.partial = partial;
        }
        (core, step)
    }

    /// Feeds the session; says how many bytes were used. On a fault the connection is gone afterwards.
    pub(super) fn process(&self, core: &mut Guard<'_, H>, bytes: &[u8]) -> usize {
        let (session, io) = core.parts();
        match session.receive(bytes, Instant::now(), io) {
            Ok(used) => used,
            Err(fault) => {
                self.end_for(core, fault);
                bytes.len()
            }
        }
    }

    /// Ends the connection for what the session found.
    pub(super) fn end_for(&self, core: &mut Guard<'_, H>, fault: Fault) {
        match fault {
            Fault::Disconnected { reason, properties } => {
                if !core.synchronous {
                    core.io.tell(Event::Disconnected { reason, properties });
                }
                self.end_by_server(core);
            }
            Fault::Protocol(malformed) => {
                trace!(Error, "Client {}: {malformed}", self.setup.client_id);
                say_goodbye(core, malformed.reason);
                self.lose(core, malformed.what);
            }
            Fault::NotStored => {
                say_goodbye(core, reason::IMPLEMENTATION_SPECIFIC_ERROR);
                self.lose(core, "a received message could not be stored");
            }
        }
    }
}

/// Length of the packet that begins here, once its header has arrived.
fn total_len(partial: &[u8]) -> Option<usize> {
    let frame = decode::header(partial, u32::MAX).ok()??;
    Some(frame.total_len)
}

fn failed(error: &io::Error) -> Step {
    match error.kind() {
        io::ErrorKind::WouldBlock => Step::Nothing,
        io::ErrorKind::Interrupted => Step::More,
        _ => Step::End(error.to_string()),
    }
}

/// Tells a MQTT 5 server why we leave ([MQTT-4.13.1-1]), if the socket takes it at once; a 3.x client just closes.
pub(super) fn say_goodbye<H: Host>(core: &mut Guard<'_, H>, reason: u8) {
    use crate::protocol::property::PropertiesRef;
    let (session, io) = core.parts();
    if session.version() != Version::V5 {
        return;
    }
    let said = session.disconnect(reason, PropertiesRef::EMPTY, io);
    debug_assert!(said.is_ok());
    super::end::write_last(core);
}
