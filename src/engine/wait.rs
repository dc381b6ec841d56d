//! Waiting inside an API call.
//!
//! In an asynchronous client the reactor's threads do the work and the caller sleeps on the condition variable. In a
//! synchronous one the caller does the work itself: it takes the reading role, polls the socket and processes what comes.
//! Of several callers one has the role; when it leaves, another takes over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::host::Host;
use super::state::{Client, Guard, Writer};
use crate::reactor::reactor;
use crate::transport::stream::Wake;

/// How long a caller that waits for room polls the socket before it looks again.
const SLICE: Duration = Duration::from_millis(10);

/// Where an operation's end is put for the caller that waits for it.
#[derive(Debug)]
pub struct Slot<T>(Mutex<Option<T>>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Slot<T> {
    /// An empty one.
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
            if core.destroyed || deadline.is_some_and(|at| Instant::now() >= at) {
                return (core, None);
            }
            core = if may_drive(&core) {
                self.drive(core, deadline)
            } else {
                self.park(core, deadline)
            };
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
        let epoch = core.epoch;
        while core.epoch == epoch && core.session.online() && !core.destroyed && !ready(&core) {
            core = if may_drive(&core) && !core.others_write() {
                self.drive(core, deadline_in(SLICE))
            } else {
                self.park(core, None)
            };
        }
        core
    }

    fn park<'a>(&'a self, mut core: Guard<'a, H>, deadline: Option<Instant>) -> Guard<'a, H> {
        if let Some(connection) = &core.connection {
            if connection.unread && connection.watched && !connection.reading {
                // Whoever had the reading role is inside a callback now, perhaps for long, and this thread waits.
                if let Ok(reactor) = reactor() {
                    reactor.schedule(self.key);
                }
            }
        }
        core.pace.pause();
        core.waiters += 1;
        match deadline {
            Some(at) => {
                self.changed.wait_until(&mut core.core, at);
            }
            None => self.changed.wait(&mut core.core),
        }
        core.waiters -= 1;
        core
    }

    /// Synchronous client: waits for the socket on the caller's thread, and processes what comes.
    fn drive<'a>(&'a self, core: Guard<'a, H>, deadline: Option<Instant>) -> Guard<'a, H> {
        let mut core = self.flush(core);
        core.pace.pause();
        let epoch = core.epoch;
        let Some(connection) = &mut core.connection else {
            return core;
        };
        if connection.reading {
            return core;
        }
        // Taken before the poll, so that no second thread polls the same socket.
        connection.reading = true;
        let link = Arc::clone(&connection.link);
        // A thread that is still writing has the reactor wait for room, should it need to.
        let writing = matches!(connection.writer, Writer::Blocked(_));
        // What the store refused has to be tried again in time, by this thread if the reactor is late.
        let deadline = [deadline, core.io.records.retry_at()]
            .into_iter()
            .flatten()
            .min();
        drop(core);
        let ready = if link.has_buffered() {
            Wake {
                readable: true,
                writable: false,
            }
        } else {
            // After a signal the caller looks at its deadline and comes back.
            link.poll(
                writing,
                deadline.map(|at| at.saturating_duration_since(Instant::now())),
            )
        };
        let mut core = self.lock();
        if core.epoch != epoch {
            return core;
        }
        if let Some(connection) = &mut core.connection {
            connection.reading = false;
            connection.writable |= ready.writable;
        }
        if ready.readable {
            (core, _) = self.read_once(core);
        }
        self.retry_store(&mut core, Instant::now());
        core = self.flush(core);
        // Others may wait for what came, or for the role.
        core.io.progressed = false;
        if core.waiters > 0 {
            self.changed.notify_all();
        }
        self.update_timer(&mut core);
        core
    }
}

/// The caller may take the reading role.
fn may_drive<H: Host>(core: &Guard<'_, H>) -> bool {
    core.synchronous
        && core
            .connection
            .as_ref()
            .is_some_and(|connection| !connection.reading)
}

/// A deadline so far away that it cannot be expressed is none.
pub(super) fn deadline_in(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}
