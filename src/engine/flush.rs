//! Writing the outbound stream to the socket.
//!
//! A caller that finds the socket idle writes its bytes itself, on its own thread: the lowest latency there is. A thread
//! that finds another one writing leaves its bytes to it. And when calls follow each other so closely that each would
//! write a few bytes, the reactor takes over for as long as the burst lasts: callers then only append, and the bytes go
//! out in large writes meanwhile, which is the highest throughput there is.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::protocol::outbound::{Batch, SLICES};
use crate::transport::Link;

use super::host::Host;
use super::state::{Client, Core, Guard, Writer};
use crate::reactor::reactor;

/// A caller does not write others' bytes for ever: after so many rounds the reactor goes on.
const ROUNDS: usize = 3;
/// A call that comes no later than this after the last write follows it closely. An answer over a network, even a local
/// one, takes longer: a conversation is no burst.
const CLOSE: Duration = Duration::from_micros(6);
/// After so many of them it is a burst.
const STREAK: u32 = 16;
/// How long the reactor looks out for more when it has written everything.
const LINGER: Duration = Duration::from_micros(60);
/// So many writes in a row that carried a few bytes of one call each: the calls could as well have written them.
const THIN: u32 = 8;
/// What a few bytes are: with more, one thread may well copy what another one writes.
const FEW: u64 = 4096;

/// How closely the callers' writes follow each other, and who writes.
#[derive(Debug)]
pub(super) struct Pace {
    streak: u32,
    /// The reactor writes, or is about to: callers only append.
    pub burst: bool,
    /// The reactor has been asked to.
    scheduled: bool,
    /// Calls whose bytes wait for the reactor's next write.
    appended: u32,
    /// The reactor's writes in a row that carried no more than one call's bytes.
    thin: u32,
}

impl Pace {
    pub fn new() -> Self {
        Self {
            streak: 0,
            burst: false,
            scheduled: false,
            appended: 0,
            thin: 0,
        }
    }

    /// A reactor thread takes over what was scheduled.
    pub fn take_scheduled(&mut self) -> bool {
        std::mem::take(&mut self.scheduled)
    }

    /// The program waits for something: whatever it calls next, it follows that and not the call before.
    pub fn pause(&mut self) {
        self.streak = 0;
    }

    /// A call is about to write, so long after the last write.
    fn count(&mut self, gap: Duration) {
        self.streak = if gap < CLOSE { self.streak + 1 } else { 0 };
    }
}

/// What a round of writing came to.
enum Round {
    /// All that was there has been written.
    Wrote,
    /// The socket took no more, but has become writable since: no other event will tell.
    Again,
    /// There was nothing to do, or another thread is at it, or the socket takes no more, or the connection is gone.
    Stopped,
}

impl<H: Host> Client<H> {
    /// For callers: writes what is there, or sees to it that the reactor does.
    pub(super) fn flush_from_call<'a>(&'a self, mut core: Guard<'a, H>) -> Guard<'a, H> {
        if core.pace.burst {
            core.pace.appended += u32::from(!core.io.out.is_empty());
            return core;
        }
        if !core.io.out.is_empty() {
            let gap = core.last_write.elapsed();
            core.pace.count(gap);
            if core.pace.streak >= STREAK {
                self.start_burst(&mut core);
                return core;
            }
        }
        self.flush(core)
    }

    /// Writes what is there, as far as the socket takes it. The mutex is released while writing.
    pub(super) fn flush<'a>(&'a self, mut core: Guard<'a, H>) -> Guard<'a, H> {
        if core.pace.burst {
            return core;
        }
        for _ in 0..ROUNDS {
            let round;
            (core, round) = self.round(core);
            match round {
                Round::Stopped => return core,
                Round::Wrote if core.io.out.is_empty() => return core,
                Round::Wrote | Round::Again => {}
            }
        }
        self.start_burst(&mut core);
        core
    }

    fn start_burst(&self, core: &mut Core<H>) {
        if let (Ok(reactor), Some(_)) = (reactor(), &core.connection) {
            core.pace.burst = true;
            core.pace.scheduled = true;
            reactor.schedule(self.key);
        }
    }

    /// On a reactor thread: writes for as long as callers keep appending.
    pub(super) fn carry_burst<'a>(&'a self, mut core: Guard<'a, H>) -> Guard<'a, H> {
        let mut idle_since: Option<Instant> = None;
        core.pace.thin = 0;
        loop {
            let appended = std::mem::take(&mut core.pace.appended);
            let before = core.written;
            let round;
            (core, round) = self.round(core);
            match round {
                Round::Wrote => {
                    idle_since = None;
                    let thin = appended <= 1 && core.written.saturating_sub(before) < FEW;
                    core.pace.thin = if thin { core.pace.thin + 1 } else { 0 };
                    if core.pace.thin >= THIN && core.io.out.is_empty() {
                        break;
                    }
                }
                Round::Again => idle_since = None,
                Round::Stopped if core.may_write() => {
                    let now = Instant::now();
                    if now.saturating_duration_since(*idle_since.get_or_insert(now)) >= LINGER {
                        break;
                    }
                }
                Round::Stopped => break,
            }
            // Whoever waits for what has just been written goes first, and callers get a chance to append.
            self.after(&mut core);
            self.schedule_dispatch(&mut core);
            drop(core);
            std::thread::yield_now();
            core = self.lock();
        }
        core.pace.burst = false;
        core.pace.streak = 0;
        // Callers may wait for the end of the burst itself.
        core.io.progressed |= core.waiters > 0;
        core
    }

    fn round<'a>(&'a self, mut core: Guard<'a, H>) -> (Guard<'a, H>, Round) {
        let state = &mut *core.core;
        let Some(connection) = &mut state.connection else {
            return (core, Round::Stopped);
        };
        let mut batch = match std::mem::replace(&mut connection.writer, Writer::Busy) {
            Writer::Busy => return (core, Round::Stopped),
            Writer::Blocked(batch) if !connection.writable => {
                connection.writer = Writer::Blocked(batch);
                return (core, Round::Stopped);
            }
            // What a layer has kept back (an answer to a WebSocket ping, say) goes out as well.
            Writer::Idle(batch) if state.io.out.is_empty() && !connection.link.has_unsent() => {
                connection.writer = Writer::Idle(batch);
                return (core, Round::Stopped);
            }
            Writer::Blocked(batch) | Writer::Idle(batch) => batch,
        };
        connection.writable = false;
        if batch.is_empty() {
            state.io.out.take(&mut batch);
        }
        let link = Arc::clone(&connection.link);
        let epoch = state.epoch;
        drop(core);
        let result = write(&link, &mut batch);
        let now = Instant::now();
        core = self.lock();
        if core.epoch != epoch {
            // That connection is gone, and its writer with it, but for a last word.
            core.io.writer_left(epoch, batch.written());
            if let Some(mut words) = core.last_words.take_if(|words| words.epoch == epoch) {
                if result.is_ok() {
                    // Whatever comes of it, the connection ends now.
                    let _ = write(&link, &mut words.batch);
                }
                super::linger::close(&link, Some(&self.setup.client_id));
            }
            return (core, Round::Stopped);
        }
        let state = &mut *core.core;
        let Some(connection) = &mut state.connection else {
            return (core, Round::Stopped);
        };
        let position = batch.written();
        state.written = position;
        state.io.progressed |= state.waiters > 0;
        state.last_write = now;
        state.session.written(now, position);
        state.io.written(position);
        let round = match result {
            Ok(()) => {
                connection.writer = Writer::Idle(batch);
                Round::Wrote
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                connection.writer = Writer::Blocked(batch);
                if !connection.watched {
                    // A synchronous client: the program may not call again for long, and a thread that waits inside
                    // another call may not know that there is something to write.
                    if let Ok(reactor) = reactor() {
                        // Where that fails, the next call that waits polls for it.
                        if let Some(fd) = link.fd() {
                            let _ = reactor.watch_for_room(self.key, fd);
                        }
                    }
                }
                Round::Stopped
            }
            Err(error) => {
                self.lose(&mut core, &error.to_string());
                Round::Stopped
            }
        };
        if link.has_buffered() {
            // The layer has read while it wrote: no event will tell of that.
            if let (Ok(reactor), Some(connection)) = (reactor(), &mut core.connection) {
                connection.unread = true;
                reactor.schedule(self.key);
            }
        }
        let again = matches!(&core.connection, Some(connection)
            if connection.writable && matches!(connection.writer, Writer::Blocked(_)));
        (core, if again { Round::Again } else { round })
    }
}

impl<H: Host> Core<H> {
    /// Another thread writes, or is about to.
    pub fn others_write(&self) -> bool {
        let busy =
            |connection: &super::state::Connection| matches!(connection.writer, Writer::Busy);
        self.pace.burst || self.connection.as_ref().is_some_and(busy)
    }

    /// There is a connection, and nobody writes to it.
    fn may_write(&self) -> bool {
        self.connection
            .as_ref()
            .is_some_and(|connection| matches!(connection.writer, Writer::Idle(_)))
    }
}

/// Writes until all is written or the socket takes no more.
pub(super) fn write(link: &Link, batch: &mut Batch) -> io::Result<()> {
    while !batch.is_empty() {
        let result = {
            let mut room = [IoSlice::new(&[]); SLICES];
            let used = batch.slices(&mut room);
            link.write(&room[..used])
        };
        match result {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => batch.advance(n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    link.flush()
}
