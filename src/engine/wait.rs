//! Waiting inside an API call.
//!
//! Where the reactor drives, its threads do the work and the caller sleeps on the condition variable. Where calls drive, the
//! caller does the work itself: it takes the reading role, polls the socket and processes what comes. Of several callers one
//! has the role; when it leaves, another takes over.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::os::ThreadId;
use crate::os::lock::Mutex;

use crate::protocol::session::Token;
use crate::reactor::is_in_callback;
use crate::transport::Want;
use crate::transport::stream::Wake;

use super::connection::reader::Found;
use super::core::{Client, Guard, Thread};
use super::delivery::queue::Driver;
use super::host::Host;

/// How long a caller that waits for room polls the socket before it looks again.
const SLICE: Duration = Duration::from_millis(10);
/// How long an API call waits for `connected` to have run, once onSuccess of the same connection has begun to. The original's
/// calls wait for as long as it takes; a callback that waits for another thread's call would never end there.
pub(super) const ANNOUNCEMENT: Duration = Duration::from_secs(1);
/// How long a call that sets callbacks waits for one that another thread runs. The original's calls wait for as long as it takes.
const CALLBACK: Duration = Duration::from_secs(10);

/// Where an operation's end is put for the caller that waits for it.
#[derive(Debug)]
pub struct Answer<T>(Mutex<Option<T>>);

impl<T> Default for Answer<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Answer<T> {
    /// Makes an empty answer.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Puts the result in.
    pub fn fill(&self, value: T) {
        *self.0.lock() = Some(value);
    }

    /// Takes the result out.
    pub fn take(&self) -> Option<T> {
        self.0.lock().take()
    }
}

impl<H: Host> Client<H> {
    /// Takes the mutex for an API call. The original has one lock for all calls and callbacks, so that a call which another
    /// thread makes after it saw onSuccess returns after `connected` has run; programs count on it.
    pub(super) fn enter(&self) -> Guard<'_, H> {
        let core = self.lock();
        if core.roles.is_announcing() {
            self.wait_for_announcement(core)
        } else {
            core
        }
    }

    fn wait_for_announcement<'a>(&'a self, mut core: Guard<'a, H>) -> Guard<'a, H> {
        let this = ThreadId::current();
        let deadline = Instant::now() + ANNOUNCEMENT;
        while core.roles.is_announcing_to(&this) {
            core.waiters += 1;
            let late = self
                .changed
                .wait_until(&mut core.core, deadline)
                .timed_out();
            core.waiters -= 1;
            if late {
                // It waits for a call, perhaps for this one: no further call waits for it.
                core.roles.announced();
            }
        }
        core
    }

    /// Waits until the callback that another thread runs has returned, so that a program may free what a callback of before
    /// used: with the original, the lock sees to that. Returns at once inside a callback, of another client too: two callbacks could
    /// wait for each other. A callback that waits for this very call ends that after ten seconds.
    pub fn outwait_callback(&self) {
        if is_in_callback() {
            return;
        }
        let this = ThreadId::current();
        let mut core = self.lock();
        let Some(running) = core.roles.running(&this) else {
            return;
        };
        let deadline = Instant::now() + CALLBACK;
        core.roles.outwait(true);
        let mut late = false;
        while !late && !core.roles.is_over(running, &this) {
            self.outwaited.store(true, Ordering::Relaxed);
            let wait = self.changed.wait_until(&mut core.core, deadline);
            late = wait.timed_out();
        }
        self.end_outwaiting(&mut core);
    }

    /// Waits until the program has heard of the end of the operation with that token, or of all that have ended, so that it may
    /// free what the callback uses: with the original, the lock sees to that. Does not wait inside a callback, nor behind a
    /// message that the program did not take, nor after `deadline`.
    pub(super) fn wait_until_told<'a>(
        &'a self,
        mut core: Guard<'a, H>,
        token: Option<Token>,
        deadline: Option<Instant>,
    ) -> Guard<'a, H> {
        let this = ThreadId::current();
        if is_in_callback() || core.roles.is_outside(&this) {
            return core;
        }
        let limit = deadline_in(CALLBACK);
        let deadline = [deadline, limit].into_iter().flatten().min();
        core.roles.outwait(true);
        while core.outputs.queue.driver() == Driver::Reactor
            && !core.lifecycle.is_destroyed()
            && core.roles.offers_again().is_none()
        {
            // Before looking: the dispatcher looks whether anybody waits when it has told.
            if let Some(token) = token {
                self.telling.wait_for(token);
            }
            let waits = {
                let batch = self.batch.lock();
                core.outputs.queue.ends(token)
                    || batch.iter().rev().any(|event| event.ends(token))
                    || core.roles.is_dispatched(&this) && self.telling.is_of(token)
            };
            if !waits || deadline.is_some_and(|at| Instant::now() >= at) {
                break;
            }
            core = self.park(core, deadline);
        }
        self.end_outwaiting(&mut core);
        core
    }

    fn end_outwaiting(&self, core: &mut Guard<'_, H>) {
        core.roles.outwait(false);
        if !core.roles.is_outwaited() {
            self.telling.nobody_waits();
        }
    }

    /// Waits until `done` gives something, the deadline passes, or the client is destroyed.
    pub(super) fn wait_for<'a, T>(
        &'a self,
        mut core: Guard<'a, H>,
        deadline: Option<Instant>,
        mut done: impl FnMut(&mut Guard<'a, H>) -> Option<T>,
    ) -> (Guard<'a, H>, Option<T>) {
        loop {
            if let Some(result) = done(&mut core) {
                return (core, Some(result));
            }
            if core.lifecycle.is_destroyed() || deadline.is_some_and(|at| Instant::now() >= at) {
                return (core, None);
            }
            core = if may_drive(&core) {
                self.drive(core, deadline)
            } else {
                self.park(core, deadline)
            };
        }
    }

    /// Processes what has come, where calls drive, without waiting.
    pub(super) fn look<'a>(&'a self, core: Guard<'a, H>) -> Guard<'a, H> {
        if may_drive(&core) {
            self.drive(core, Some(Instant::now()))
        } else {
            core
        }
    }

    /// Waits until there is room to send, which `ready` tells, or the connection of now is gone.
    ///
    /// Unlike other waits this one may depend on what other threads write. While one does there is nothing to be done
    /// but to wait for it; a caller that polls the socket for input would not notice its end, so it polls in short
    /// slices.
    pub(super) fn wait_for_room<'a>(
        &'a self,
        mut core: Guard<'a, H>,
        ready: impl Fn(&Guard<'a, H>) -> bool,
    ) -> Guard<'a, H> {
        let epoch = core.lifecycle.epoch();
        while core.lifecycle.epoch() == epoch && core.session.online() && !ready(&core) {
            core = if may_drive(&core) && !others_write(&core) {
                self.drive(core, deadline_in(SLICE))
            } else {
                self.park(core, None)
            };
        }
        core
    }

    fn park<'a>(&'a self, mut core: Guard<'a, H>, deadline: Option<Instant>) -> Guard<'a, H> {
        core.close_retired();
        core.pause();
        core.waiters += 1;
        // Whoever had the reading role may be inside a callback now, perhaps for long, and this thread waits.
        self.hand_over(&mut core, false);
        match deadline {
            Some(at) => {
                self.changed.wait_until(&mut core.core, at);
            }
            None => self.changed.wait(&mut core.core),
        }
        core.waiters -= 1;
        core
    }

    /// Waits for the socket on the caller's thread, where calls drive, and processes what comes.
    fn drive<'a>(&'a self, core: Guard<'a, H>, deadline: Option<Instant>) -> Guard<'a, H> {
        let mut core = self.write_some(core, Thread::Reactor);
        core.close_retired();
        core.pause();
        let epoch = core.lifecycle.epoch();
        let Some(connection) = core.lifecycle.connection_mut() else {
            return core;
        };
        let due = connection.reader.is_due();
        // Taken before the poll, so that no second thread polls the same socket.
        let Some(partial) = connection.reader.begin() else {
            return core;
        };
        let link = Arc::clone(connection.link());
        // A thread that is still writing has the reactor wait for room, should it need to.
        let writing = connection.writer.is_blocked();
        // What the store refused has to be tried again in time, by this thread if the reactor is late.
        let deadline = [deadline, core.outputs.retry_at()]
            .into_iter()
            .flatten()
            .min();
        drop(core);
        let ready = if due || link.has_buffered() {
            Wake {
                readable: true,
                writable: false,
            }
        } else {
            let wants = link.wants();
            let room = writing && wants.write != Want::Readable || wants.read == Want::Writable;
            // After a signal the caller looks at its deadline and comes back.
            link.poll(
                room,
                deadline.map(|at| at.saturating_duration_since(Instant::now())),
            )
        };
        let mut core = self.lock();
        if core.lifecycle.epoch() != epoch {
            return core;
        }
        if let Some(connection) = core.lifecycle.connection_mut() {
            // What is readable this thread reads now, since it has the role: told of it, the reader would come back for
            // more, and the wait would never sleep.
            connection.ready(false, ready.writable, false);
        }
        if ready.readable || ready.writable && link.wants().read == Want::Writable {
            core = self.read_on(core, partial);
        } else if let Some(connection) = core.lifecycle.connection_mut() {
            let _due = connection.reader.end(Found::Nothing, partial);
        }
        self.retry_store(&mut core);
        core = self.write_some(core, Thread::Reactor);
        // Others may wait for what came, or for the role.
        core.outputs.progress();
        self.wake(&mut core);
        self.hand_over(&mut core, false);
        core
    }
}

/// Returns true if the caller may take the reading role.
fn may_drive<H: Host>(core: &Guard<'_, H>) -> bool {
    core.outputs.queue.driver() == Driver::Calls
        && core
            .lifecycle
            .connection()
            .is_some_and(|connection| !connection.reader.is_reading())
}

/// Returns true if another thread writes, or is about to.
fn others_write<H: Host>(core: &Guard<'_, H>) -> bool {
    core.lifecycle
        .connection()
        .is_some_and(|connection| connection.pace.is_burst() || connection.writer.is_writing())
}

/// Returns the moment after a timeout. A deadline so far away that it cannot be expressed is none.
pub(super) fn deadline_in(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}
