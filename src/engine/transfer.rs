//! The threads' side of reading and writing, with the mutex released meanwhile, and what the reactor calls.
//!
//! After the work a thread compares the epoch with the one it left with: where another connection has begun, or this one has
//! ended, it has nothing more to do. All work has a budget a turn; what is left is found by [`settle`](Client::settle), which
//! puts the client at the end of the reactor's queue.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::os::ThreadId;
use crate::protocol::decode;
use crate::protocol::reason;
use crate::protocol::session::Fault;
use crate::reactor::{self, Readiness, Source};
use crate::trace;
use crate::transport::{Input, Link};

use super::connection::reader::Found;
use super::connection::write::write;
use super::connection::writer::Wrote;
use super::core::{Client, Core, Guard, Thread};
use super::host::{Event, Host, Loss, LossCause};
use super::last_error::LastError;

/// Bytes read in one turn, unless a packet is larger. One buffer a thread, so that an idle client needs none.
const READ_TURN: usize = 64 * 1024;
/// A packet larger than this is collected in a buffer of its own once its beginning has arrived.
const LARGE: usize = 16 * 1024;
/// Such a buffer grows by this much at least, and by no more than it holds: a length field alone reserves nothing.
const GROWTH: usize = 1 << 20;
/// Bytes written in one turn.
const WRITE_TURN: usize = 1 << 20;
/// The same where publishing is refused, rather than held up, by what is unwritten: the program hears that there is room while
/// the rest is being written, and fills it meanwhile.
const WRITE_STEP: usize = 256 * 1024;
/// A caller does not write others' bytes for ever: after so many turns the reactor goes on.
const CALLERS_TURNS: usize = 3;
/// Nor does a thread of the reactor carry one client's burst for ever: after so many turns others come first.
const BURST_TURNS: usize = 64;
/// How long the reactor looks out for more of a burst when it has written everything.
const LINGER: Duration = Duration::from_micros(60);

thread_local! {
    static BUFFERS: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What one read brought.
enum Step {
    /// What the reader has to know, and the bytes that were not used.
    Read(Found, Vec<u8>),
    /// Nothing more will ever come.
    End(Loss),
    /// The connection has ended meanwhile.
    Gone,
}

/// What a turn of writing came to.
enum Turn {
    /// All that was there has been written.
    Wrote,
    /// There is more, and the socket may take it.
    Again,
    /// There was nothing to do, or another thread is at it, or the socket takes no more, or the connection is gone.
    Stopped,
}

/// Writing.
impl<H: Host> Client<H> {
    /// Writes what waits, as far as the socket takes it and this thread's turn goes. The mutex is released while writing.
    ///
    /// A caller that finds calls to follow each other closely leaves its bytes to the reactor.
    pub(super) fn write_some<'a>(&'a self, mut core: Guard<'a, H>, thread: Thread) -> Guard<'a, H> {
        let waiting = !core.outputs.out.is_empty();
        let by_program = core.driving.writes();
        let Some(connection) = core.lifecycle.connection_mut() else {
            return core;
        };
        if !waiting && connection.writer.is_idle() && !connection.link().has_unsent() {
            // So it is mostly: this is asked whenever something has changed.
            return core;
        }
        if by_program && thread == Thread::Reactor {
            return core;
        }
        // Calls that follow each other closely are the reactor's, unless the program has asked it to keep away.
        if connection.pace.is_burst() && !by_program {
            if waiting && thread == Thread::Caller {
                connection.pace.append();
            }
            return core;
        }
        if waiting
            && thread == Thread::Caller
            && !by_program
            && connection.pace.call(Instant::now())
        {
            connection.pace.ask();
            return core;
        }
        for _ in 0..CALLERS_TURNS {
            let turn;
            (core, turn) = self.write_turn(core);
            match turn {
                Turn::Stopped => return core,
                Turn::Wrote if core.outputs.out.is_empty() => return core,
                Turn::Wrote | Turn::Again => {}
            }
        }
        if let (Some(connection), false) = (core.lifecycle.connection_mut(), by_program) {
            connection.pace.ask();
        }
        core
    }

    /// Writes, on a thread of the reactor, for as long as callers keep appending.
    fn carry_burst<'a>(&'a self, mut core: Guard<'a, H>) -> Guard<'a, H> {
        let mut idle_since: Option<Instant> = None;
        let mut turns = 0;
        while let Some(connection) = core.lifecycle.connection_mut() {
            let (calls, before) = (connection.pace.take(), core.outputs.written());
            let turn;
            (core, turn) = self.write_turn(core);
            let bytes = core.outputs.written().saturating_sub(before);
            let left = !core.outputs.out.is_empty();
            let Some(connection) = core.lifecycle.connection_mut() else {
                break;
            };
            match turn {
                Turn::Wrote => {
                    idle_since = None;
                    turns += 1;
                    if connection.pace.wrote(calls, bytes, left) {
                        connection.pace.end();
                        break;
                    }
                }
                Turn::Again => {
                    idle_since = None;
                    turns += 1;
                }
                Turn::Stopped if connection.writer.is_idle() => {
                    let now = Instant::now();
                    if now.saturating_duration_since(*idle_since.get_or_insert(now)) >= LINGER {
                        connection.pace.end();
                        break;
                    }
                }
                Turn::Stopped => {
                    connection.pace.end();
                    break;
                }
            }
            if turns >= BURST_TURNS {
                connection.pace.pass_on();
                break;
            }
            // Whoever waits for what has just been written goes first, and callers get a chance to append.
            self.wake(&mut core);
            if !H::BLOCKS && core.may_dispatch() {
                core = self.dispatch(core);
            }
            self.hand_over(&mut core, false);
            drop(core);
            std::thread::yield_now();
            core = self.lock();
        }
        // Callers may wait for the end of the burst itself.
        if core.waiters > 0 {
            core.outputs.progress();
        }
        core
    }

    fn write_turn<'a>(&'a self, mut core: Guard<'a, H>) -> (Guard<'a, H>, Turn) {
        let state = &mut *core.core;
        let Some(connection) = state.lifecycle.connection_mut() else {
            return (core, Turn::Stopped);
        };
        // What a layer has kept back (an answer to a WebSocket ping, say) goes out as well.
        let waiting = !state.outputs.out.is_empty() || connection.link().has_unsent();
        let Some(mut batch) = connection.writer.begin(waiting) else {
            return (core, Turn::Stopped);
        };
        if batch.is_empty() {
            state.outputs.out.take(&mut batch);
        }
        let link = Arc::clone(connection.link());
        let epoch = state.lifecycle.epoch();
        drop(core);
        let before = batch.written();
        let turn = if H::BLOCKS { WRITE_TURN } else { WRITE_STEP };
        let result = write(&link, &mut batch, turn);
        let now = Instant::now();
        core = self.lock();
        if core.lifecycle.epoch() != epoch {
            // That connection is gone, and its writer with it, but for its last words.
            core.outputs.writer_left(epoch, batch.written());
            core.tally.wrote(batch.written() - before);
            let all = batch.is_empty() && result.is_ok();
            core.retired.writer_left(epoch, all);
            if core.waiters > 0 {
                self.changed.notify_all();
            }
            return (core, Turn::Stopped);
        }
        let state = &mut *core.core;
        let Some(connection) = state.lifecycle.connection_mut() else {
            return (core, Turn::Stopped);
        };
        let position = batch.written();
        connection.pace.written(now);
        state.session.written(now, position);
        state.outputs.set_written(position);
        if state.waiters > 0 {
            state.outputs.progress();
        }
        let wrote = match result {
            Ok(wrote) => wrote,
            Err(error) => {
                // The thread gives the role back first: whatever ends a connection finds it free.
                connection.writer.end(Wrote::Full, batch);
                self.lose(&mut core, error.into());
                return (core, Turn::Stopped);
            }
        };
        connection.writer.end(wrote, batch);
        connection.has_written();
        if connection.writer.is_due() {
            return (core, Turn::Again);
        }
        if wrote == Wrote::All {
            return (core, Turn::Wrote);
        }
        if !connection.is_watched() && !core.driving.writes() {
            self.watch_for_writer(&mut core);
        }
        (core, Turn::Stopped)
    }
}

/// Reading.
impl<H: Host> Client<H> {
    /// Reads once and processes what came. Nothing happens if another thread reads.
    pub(super) fn read_some<'a>(&'a self, mut core: Guard<'a, H>) -> Guard<'a, H> {
        let Some(connection) = core.lifecycle.connection_mut() else {
            return core;
        };
        let Some(partial) = connection.reader.begin() else {
            return core;
        };
        self.read_on(core, partial)
    }

    /// Works as [`read_some`](Self::read_some), on the thread that has taken the reading role.
    pub(super) fn read_on<'a>(&'a self, core: Guard<'a, H>, partial: Vec<u8>) -> Guard<'a, H> {
        let Some(connection) = core.lifecycle.connection() else {
            return core;
        };
        let link = Arc::clone(connection.link());
        let epoch = core.lifecycle.epoch();
        drop(core);
        let (mut core, step) = match total_len(&partial) {
            Some(total) if total > LARGE => self.read_large(&link, partial, total, epoch),
            _ => self.read_small(&link, partial, epoch),
        };
        match step {
            Step::Gone => {}
            Step::Read(found, partial) => {
                if let Some(connection) = core.lifecycle.connection_mut() {
                    // Who continues is found by `settle`.
                    let _more = connection.reader.end(found, partial);
                    connection.has_read();
                }
            }
            Step::End(why) => self.lose(&mut core, why),
        }
        core
    }

    /// Reads behind the beginning of a packet, if there is one, into this thread's buffer.
    fn read_small<'a>(&'a self, link: &Link, partial: Vec<u8>, epoch: u64) -> (Guard<'a, H>, Step) {
        BUFFERS.with_borrow_mut(|buffer| {
            if buffer.is_empty() {
                buffer.resize(READ_TURN, 0);
            }
            let start = partial.len();
            buffer[..start].copy_from_slice(&partial);
            let result = link.read(&mut buffer[start..]);
            let mut core = self.lock();
            if core.lifecycle.epoch() != epoch {
                return (core, Step::Gone);
            }
            let end = match result {
                Ok(Input::End) => return (core, Step::End(closed())),
                Ok(Input::Again) => return (core, Step::Read(Found::Some, partial)),
                Ok(Input::Bytes(n)) => {
                    core.tally.read(n);
                    start + n
                }
                Err(error) => return (core, failed(&error, partial)),
            };
            let used = self.process(&mut core, &buffer[..end]);
            if core.lifecycle.epoch() != epoch {
                return (core, Step::Gone);
            }
            let mut rest = partial;
            rest.clear();
            if used < end {
                rest.extend_from_slice(&buffer[used..end]);
            } else if rest.capacity() > 0 {
                rest = Vec::new();
            }
            let found = if end == buffer.len() || link.has_buffered() {
                Found::Some
            } else {
                Found::All
            };
            (core, Step::Read(found, rest))
        })
    }

    /// Goes on collecting a large packet.
    fn read_large<'a>(
        &'a self,
        link: &Link,
        mut partial: Vec<u8>,
        total: usize,
        epoch: u64,
    ) -> (Guard<'a, H>, Step) {
        let have = partial.len();
        let room = total.saturating_sub(have).clamp(1, have.max(GROWTH));
        // The server decides how much this is: that there is not so much memory must not be the end of the process.
        if partial.try_reserve(room).is_err() {
            let core = self.lock();
            let step = if core.lifecycle.epoch() == epoch {
                Step::End(Loss::new(
                    LossCause::Transport,
                    format!("no memory for {total} bytes"),
                ))
            } else {
                Step::Gone
            };
            return (core, step);
        }
        partial.resize(have + room, 0);
        let result = link.read(&mut partial[have..]);
        let mut core = self.lock();
        if core.lifecycle.epoch() != epoch {
            return (core, Step::Gone);
        }
        let read = match result {
            Ok(Input::End) => return (core, Step::End(closed())),
            Ok(Input::Bytes(n)) => {
                core.tally.read(n);
                n
            }
            Ok(Input::Again) => {
                partial.truncate(have);
                return (core, Step::Read(Found::Some, partial));
            }
            Err(error) => {
                partial.truncate(have);
                return (core, failed(&error, partial));
            }
        };
        partial.truncate(have + read);
        let used = self.process(&mut core, &partial);
        if core.lifecycle.epoch() != epoch {
            return (core, Step::Gone);
        }
        partial.drain(..used);
        if partial.is_empty() {
            partial = Vec::new();
        }
        let found = if read == room || link.has_buffered() {
            Found::Some
        } else {
            Found::All
        };
        (core, Step::Read(found, partial))
    }

    /// Feeds the session. Returns how many bytes were used. On a fault the connection is gone afterwards.
    pub(super) fn process(&self, core: &mut Guard<'_, H>, bytes: &[u8]) -> usize {
        if core.lifecycle.is_attaching() {
            return self.shake_hands(core, bytes);
        }
        let (session, outputs) = core.parts();
        match session.receive(bytes, Instant::now(), outputs) {
            Ok(used) => used,
            Err(fault) => {
                self.end_for(core, fault);
                bytes.len()
            }
        }
    }

    /// Ends the connection for what the session found.
    fn end_for(&self, core: &mut Guard<'_, H>, fault: Fault) {
        match fault {
            Fault::Disconnected { reason, properties } => {
                core.outputs.errors.note(LastError::of_disconnect(reason));
                core.outputs
                    .tell(Event::Disconnected { reason, properties });
                self.end_by_server(core);
            }
            Fault::Protocol(malformed) => {
                trace!(Error, "Client {}: {malformed}", self.setup.client_id);
                self.say_why(core, malformed.reason);
                self.lose(core, malformed.into());
            }
            Fault::NotStored => {
                self.say_why(core, reason::IMPLEMENTATION_SPECIFIC_ERROR);
                self.lose(
                    core,
                    Loss::new(
                        LossCause::NotStored,
                        "a received message could not be stored",
                    ),
                );
            }
        }
    }

    /// Tries again what the store refused, if its time has come.
    pub(super) fn retry_store(&self, core: &mut Guard<'_, H>) {
        let Some(records) = &mut core.outputs.records else {
            return;
        };
        let now = Instant::now();
        if !records.take_retry(now) {
            return;
        }
        core.outputs.queue_put_off();
        let (session, outputs) = core.parts();
        if let Err(fault) = session.retry(now, outputs) {
            self.end_for(core, fault);
        }
    }
}

/// Returns the length of the packet that begins here, once its header has arrived.
fn total_len(partial: &[u8]) -> Option<usize> {
    let frame = decode::header(partial, u32::MAX).ok()??;
    Some(frame.total_len)
}

/// Returns the loss of a connection whose peer has ended its side.
fn closed() -> Loss {
    Loss::new(LossCause::Closed, "the server closed the connection")
}

/// Returns what a read that failed means; `partial` are the bytes that were there before.
fn failed(error: &io::Error, partial: Vec<u8>) -> Step {
    match error.kind() {
        io::ErrorKind::WouldBlock => Step::Read(Found::Nothing, partial),
        io::ErrorKind::Interrupted => Step::Read(Found::Some, partial),
        _ => Step::End(Loss {
            os_error: error.raw_os_error(),
            ..Loss::new(LossCause::Transport, error.to_string())
        }),
    }
}

/// What the reactor calls.
impl<H: Host> Source for Client<H> {
    fn ready(self: Arc<Self>, readiness: Readiness) {
        let mut core = self.lock();
        let Some(connection) = core.lifecycle.connection_mut() else {
            return;
        };
        if connection.is_watched() {
            connection.ready(readiness.readable, readiness.writable, readiness.hangup);
        } else {
            // It was watched for what the writer waits for only.
            connection.writer.may_have_room();
        }
        self.turn(core);
    }

    fn expired(self: Arc<Self>) {
        let mut core = self.lock();
        core.alarm.timer = None;
        if !core.driving.ticks() {
            self.pass_time(&mut core);
        }
        drop(self.settle(core, Thread::Caller));
    }

    fn scheduled(self: Arc<Self>) {
        let mut core = self.lock();
        core.alarm.scheduled = false;
        if core.session.has_unreleased() {
            let (session, outputs) = core.parts();
            session.release(Instant::now(), outputs);
        }
        let carry = core
            .lifecycle
            .connection_mut()
            .is_some_and(|connection| connection.pace.carry());
        if carry {
            core = self.carry_burst(core);
        }
        self.turn(core);
    }

    fn panicked(self: Arc<Self>) {
        let mut core = self.lock();
        core.roles.forget(&ThreadId::current());
        // Whoever waits for the end of the callback that this thread ran finds that there is none any more.
        self.changed.notify_all();
        // What the thread had taken out of the queue and not begun is still to be told.
        let rest = std::mem::take(&mut *self.batch.lock());
        core.outputs.queue.put_back(rest);
        core.outputs.queue.recount();
        self.lose(
            &mut core,
            Loss::new(LossCause::Transport, "a defect in this library"),
        );
        drop(self.settle(core, Thread::Caller));
    }
}

impl<H: Host> Client<H> {
    /// Does what has become due.
    pub(super) fn pass_time(&self, core: &mut Guard<'_, H>) {
        let now = Instant::now();
        core.roles.expire(now);
        self.retry_store(core);
        self.check_handshake(core, now);
        let again = core
            .lifecycle
            .connection_mut()
            .is_some_and(|connection| connection.take_watch_again(now));
        if again {
            // A blocked writer tries to write, and has the socket watched for itself.
            self.watch_in_time(core);
        }
        // Timers of the same slot expire together, a little early.
        self.tick(core, now + reactor::TIMER_SLOT);
    }

    /// Takes a turn of a reactor's thread: reads once if there may be data, writes, and runs the callbacks.
    fn turn<'a>(&'a self, mut core: Guard<'a, H>) {
        let read = |core: &Core<H>| {
            core.lifecycle
                .connection()
                .is_some_and(|connection| connection.is_watched() && connection.reader.is_due())
                && core.may_read()
        };
        if read(&core) {
            core = self.read_some(core);
        }
        drop(self.settle(core, Thread::Reactor));
    }
}

#[cfg(test)]
mod tests;
