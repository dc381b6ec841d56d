//! The client, what its mutex protects, and how the parts are joined before the mutex is given back.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::os::lock::{Condvar, Mutex, MutexGuard};
use crate::os::{ThreadId, Uncancellable};

use crate::options::{CreateOptions, Preferences};
use crate::persistence::{Store, StoreError};
use crate::protocol::session::{self, Acknowledge, Session, Token};
use crate::protocol::{Version, error::Malformed};
use crate::reactor::{self, Reactor, reactor};
use crate::registry::Key;
use crate::trace;
use crate::transport::{ConnectError, Connector, Want};

use super::connection::Connection;
use super::connection::closing::{Ends, Retired};
use super::delivery::queue::Driver;
use super::delivery::roles::Roles;
use super::delivery::telling::Telling;
use super::driving::Driving;
use super::host::{Event, Host};
use super::lifecycle::state::Lifecycle;
use super::outputs::Outputs;
use super::records::{Records, restore};
use super::tally::{Exchanged, Tally};

/// What a client is created with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Client identifier; may be empty.
    pub client_id: Arc<str>,
    /// The server's URI, as the program wrote it.
    pub server_uri: String,
    /// MQTTAsync's create options.
    pub create: CreateOptions,
    /// Who drives the client's connections at first.
    pub driver: Driver,
    /// Who acknowledges messages.
    pub acknowledge: Acknowledge,
    /// What the program has chosen about its session, but for what it says with each connect.
    pub session: session::Options,
    /// A server's DISCONNECT is followed by [`Event::ConnectionLost`] too.
    pub lost_after_disconnect: bool,
}

/// Why the engine did not do what it was asked to.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// There is no connection.
    #[error("not connected")]
    Disconnected,
    /// The client is destroyed, or the system gives no threads or descriptors.
    #[error("{0}")]
    Failed(String),
    /// The buffer for messages without connection is full.
    #[error("the message buffer is full")]
    BufferFull,
    /// All packet identifiers are in use.
    #[error("no packet identifier is free")]
    NoPacketId,
    /// It cannot be sent, or the server does not take it.
    #[error(transparent)]
    Invalid(#[from] Malformed),
    /// No server can be connected to with these options.
    #[error(transparent)]
    Unusable(Box<ConnectError>),
    /// A connect or disconnect is being processed.
    #[error("a connect or disconnect is being processed")]
    Ignored,
    /// The store refused.
    #[error("the message could not be stored")]
    NotStored,
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
    /// Too much waits to be written, or for its turn.
    #[error("too much is waiting")]
    WouldBlock,
    /// The time allowed has passed.
    #[error("timed out")]
    TimedOut,
}

impl Error {
    pub(super) fn destroyed() -> Self {
        Error::Failed("the client is destroyed".into())
    }
}

/// What the mutex protects. An idle client keeps all of it, and there may be thousands: what is rarely there is boxed.
pub(super) struct Core<H: Host> {
    pub session: Session<H::Message, H::Op>,
    pub outputs: Outputs<H>,
    pub lifecycle: Lifecycle<H::Op>,
    pub roles: Roles<ThreadId>,
    pub alarm: Alarm,
    /// Connections that ended, to be closed once the mutex is released.
    pub retired: Ends,
    /// Threads that wait on the condition variable.
    pub waiters: u32,
    /// Tasks that connect, and have options with passwords in them.
    pub attempts: u32,
    /// What the program's own thread does for a connection, and what it was told of that.
    pub driving: Driving,
    /// Numbers and counts for a program that asks for them.
    pub tally: Tally,
    /// Operations that the end of the last connection put an end to.
    pub given_up: Box<[Token]>,
    /// What the program has set by name.
    pub preferences: Option<Box<Preferences>>,
}

/// How the reactor is going to come back to a client.
#[derive(Default)]
pub(super) struct Alarm {
    /// What the reactor's timer is set to.
    pub timer: Option<Instant>,
    /// The client is in the reactor's queue.
    pub scheduled: bool,
}

/// A client of either API.
pub struct Client<H: Host> {
    pub(super) key: Key,
    /// For the tasks that outlive a call.
    pub(super) this: Weak<Self>,
    pub(super) setup: Setup,
    pub(super) host: H,
    core: Mutex<Core<H>>,
    /// Events that the dispatching thread has taken over.
    pub(super) batch: Mutex<VecDeque<Event<H>>>,
    /// Of which operation's end the program is being told.
    pub(super) telling: Telling,
    pub(super) changed: Condvar,
    pub(super) connector: Connector,
    pub(super) exchanged: Exchanged,
    /// Something waits for the caller of the next API function: asked at the end of each call, which is not to cost it the
    /// mutex.
    pub(super) has_for_caller: AtomicBool,
    /// A thread waits for the end of the callback of now: asked after each.
    pub(super) outwaited: AtomicBool,
    /// The version of the connection, or the one that the client was created for, is 5: asked by each publish, which locks
    /// the mutex once and not twice.
    pub(super) v5: AtomicBool,
}

/// The mutex, held. Once it has been released, trace lines are written and connections that ended are closed.
pub(super) struct Guard<'a, H: Host> {
    pub core: MutexGuard<'a, Core<H>>,
    // After `core`: fields are dropped in order.
    _held: trace::Held,
}

impl<H: Host> Deref for Guard<'_, H> {
    type Target = Core<H>;

    fn deref(&self) -> &Core<H> {
        &self.core
    }
}

impl<H: Host> DerefMut for Guard<'_, H> {
    fn deref_mut(&mut self) -> &mut Core<H> {
        &mut self.core
    }
}

impl<H: Host> Guard<'_, H> {
    /// Closes connections that ended, with the mutex released: to close a connection is to read and write.
    #[inline]
    pub fn close_retired(&mut self) {
        // Asked each time that the mutex is released; seldom true.
        if !self.core.retired.is_empty() {
            self.close_all();
        }
    }

    #[cold]
    fn close_all(&mut self) {
        // C's `close` is a cancellation point, and not every call has seen to that.
        let _call = Uncancellable::new();
        let retired = self.core.retired.take();
        let said = MutexGuard::unlocked(&mut self.core, || {
            retired.into_iter().map(Retired::close).sum()
        });
        self.core.tally.wrote(said);
    }
}

impl<H: Host> Drop for Guard<'_, H> {
    #[inline]
    fn drop(&mut self) {
        self.close_retired();
    }
}

/// Which thread joins the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thread {
    /// One that must not run callbacks: a caller's, one of the connect runtime, or the reactor's while other timers wait.
    Caller,
    /// One of the reactor's, which runs callbacks.
    Reactor,
}

impl<H: Host> Client<H> {
    /// Makes a client that is not connected. `store` keeps its messages across processes.
    ///
    /// What the store holds is taken over; `restored` makes what those operations have attached.
    pub fn new(
        setup: Setup,
        host: H,
        store: Option<Box<dyn Store>>,
        restored: impl Fn() -> H::Op,
    ) -> Result<Arc<Self>, Error> {
        let version = if setup.create.v5 {
            Version::V5
        } else {
            Version::V311
        };
        let now = Instant::now();
        let mut core = Core {
            session: Session::new(version, Arc::clone(&setup.client_id), now),
            outputs: Outputs::new(
                store.map(|store| Box::new(Records::new(store, &setup.create))),
                setup.driver,
            ),
            lifecycle: Lifecycle::default(),
            roles: Roles::default(),
            alarm: Alarm::default(),
            retired: Ends::default(),
            waiters: 0,
            attempts: 0,
            driving: Driving::default(),
            tally: Tally::default(),
            given_up: Box::default(),
            preferences: None,
        };
        let (session, outputs) = core.parts();
        session.set_acknowledge(setup.acknowledge);
        session.set_options(setup.session);
        restore(session, outputs, &setup.create, restored).map_err(Arc::new)?;
        let mut made = None;
        Reactor::register(|key| {
            let client = Arc::new_cyclic(|this| Self {
                key,
                this: this.clone(),
                setup,
                host,
                core: Mutex::new(core),
                batch: Mutex::default(),
                telling: Telling::default(),
                changed: Condvar::new(),
                connector: Connector::default(),
                exchanged: Exchanged::default(),
                has_for_caller: AtomicBool::new(false),
                outwaited: AtomicBool::new(false),
                v5: AtomicBool::new(version == Version::V5),
            });
            made = Some(Arc::clone(&client));
            client
        })
        .ok_or_else(|| Error::Failed("too many clients".into()))?;
        made.ok_or_else(|| Error::Failed("too many clients".into()))
    }

    /// Takes the mutex.
    pub(super) fn lock(&self) -> Guard<'_, H> {
        let held = trace::hold();
        Guard {
            core: self.core.lock(),
            _held: held,
        }
    }

    /// Returns true if a thread has the mutex.
    #[cfg(test)]
    pub(super) fn is_locked(&self) -> bool {
        self.core.try_lock().is_none()
    }

    /// Has the reactor watch the connection's socket, where API calls do not process its packets.
    pub(super) fn watch(&self, core: &mut Core<H>) -> std::io::Result<()> {
        if core.outputs.queue.driver() != Driver::Reactor || core.driving.reads() {
            return Ok(());
        }
        match core.lifecycle.connection_mut() {
            Some(connection) if !connection.is_watched() => {
                // Only a byte stream has no descriptor, and its owner reads it.
                if let Some(fd) = connection.link().fd() {
                    reactor()?.watch(self.key, fd)?;
                    connection.watched();
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Works as [`watch`](Self::watch), for a connection that works: where the system refuses, it is asked again soon.
    pub(super) fn watch_in_time(&self, core: &mut Core<H>) {
        if let Err(error) = self.watch(core) {
            trace!(
                Error,
                "Cannot watch socket of client {}: {error}", self.setup.client_id
            );
            if let Some(connection) = core.lifecycle.connection_mut() {
                connection.could_not_watch(Instant::now());
            }
        }
    }

    /// Has the reactor tell once of what a blocked writer waits for, where it does not watch the socket for everything. The program
    /// may not call again for long, and a thread that waits inside another call may not know that there is something to write.
    pub(super) fn watch_for_writer(&self, core: &mut Core<H>) {
        let Some(connection) = core.lifecycle.connection_mut() else {
            return;
        };
        let link = connection.link();
        // A byte stream is written by the program.
        let Some(fd) = link.fd() else { return };
        let input = link.wants().write == Want::Readable;
        let watched = reactor().and_then(|reactor| reactor.watch_once(self.key, fd, input));
        if watched.is_err() {
            connection.could_not_watch(Instant::now());
        }
    }

    /// Joins the parts after a change of state: has written what is to be written, goes on with a disconnect, sets the timer,
    /// wakes who waits, and has the callbacks run. Whatever is left to do has an alarm afterwards: an event of the socket,
    /// the timer, or the reactor's queue.
    pub(super) fn settle<'a>(&'a self, core: Guard<'a, H>, thread: Thread) -> Guard<'a, H> {
        let mut core = self.write_some(core, thread);
        while self.go_on_leaving(&mut core) {
            core = self.write_some(core, thread);
        }
        self.wake(&mut core);
        Self::tell_wants(&mut core);
        if (thread == Thread::Reactor || !H::BLOCKS) && core.may_dispatch() {
            // The callbacks may take long: what they do not need to come first is another thread's.
            self.hand_over(&mut core, true);
            core = self.dispatch(core);
            self.wake(&mut core);
        }
        self.hand_over(&mut core, false);
        core
    }

    /// Wakes threads that wait for a change, and sets the timer.
    pub(super) fn wake(&self, core: &mut Guard<'_, H>) {
        if core.outputs.take_progress() && core.waiters > 0 {
            self.changed.notify_all();
        }
        if core.outputs.queue.has_for_caller() {
            self.has_for_caller.store(true, Ordering::Relaxed);
        }
        Self::tell_room(core);
        if core.driving.ticks() {
            return;
        }
        // One that is set too early finds nothing due and is set again: cheaper than a change for every packet.
        if core.alarm.timer.is_none_or(|at| core.has_due_before(at)) {
            self.set_timer(core);
        }
    }

    fn set_timer(&self, core: &mut Guard<'_, H>) {
        if let (Some(next), Ok(reactor)) = (core.next_alarm(), reactor()) {
            // Where there is no thread for it, the next change of state tries again.
            if reactor.set_timer(self.key, core.alarm.timer, Some(next)) {
                core.alarm.timer = Some(next);
            }
        }
    }

    /// Puts the client into the reactor's queue, at its end, if there is something that a thread of the reactor has to do.
    /// `dispatching`: this thread is about to run the callbacks, and reads on afterwards unless somebody waits for that.
    pub(super) fn hand_over(&self, core: &mut Core<H>, dispatching: bool) {
        if core.alarm.scheduled {
            return;
        }
        let due = core.session.has_unreleased()
            || core.lifecycle.connection().is_some_and(|connection| {
                !core.driving.writes()
                    && (connection.pace.is_asked()
                        || connection.writer.is_due() && !connection.pace.is_burst())
                    || connection.reader.is_due()
                        && connection.is_watched()
                        && core.may_read()
                        && (!dispatching || core.waiters > 0)
            })
            || !dispatching && core.may_dispatch();
        if due {
            if let Ok(reactor) = reactor() {
                core.alarm.scheduled = reactor.schedule(self.key);
            }
        }
    }
}

impl<H: Host> Core<H> {
    /// Returns when the client has something to do even if nothing happens.
    pub fn next_alarm(&self) -> Option<Instant> {
        let [keep_alive, lifecycle, watch, offer, store] = self.deadlines();
        // Asked with each packet that the program drives.
        let others = earlier(earlier(lifecycle, watch), earlier(offer, store));
        earlier(keep_alive.map(reactor::slot), others)
    }

    /// Returns true if something is due before `at`.
    fn has_due_before(&self, at: Instant) -> bool {
        self.deadlines().into_iter().flatten().any(|due| due < at)
    }

    /// Returns when each part has something to do. The first, keep-alive's, need not be met exactly.
    #[inline]
    fn deadlines(&self) -> [Option<Instant>; 5] {
        [
            self.session.deadline(),
            self.lifecycle.deadline(),
            self.lifecycle
                .connection()
                .and_then(Connection::watch_again_at),
            self.roles.offers_again(),
            self.outputs.retry_at(),
        ]
    }

    /// Returns true if a thread of the reactor that came now would run callbacks.
    pub fn may_dispatch(&self) -> bool {
        !self.outputs.queue.is_empty()
            && self.outputs.queue.driver() == Driver::Reactor
            && self.roles.may_dispatch()
            && !self.holds_stored_back()
    }

    /// Returns true if the next event is a message in the store that stays there for now: the program takes its messages from a
    /// queue, and has as many unread ones as it may.
    pub fn holds_stored_back(&self) -> bool {
        let queue = &self.outputs.queue;
        !H::BLOCKS && queue.is_full() && queue.begins_with_stored()
    }

    /// Returns true if the socket may be read: the server reads what we answer, and the program keeps up, or somebody waits for an answer, which may be behind
    /// the messages that it does not keep up with.
    pub fn may_read(&self) -> bool {
        let queue = &self.outputs.queue;
        self.session.may_read() && (self.waiters > 0 || !(queue.is_full() || queue.is_crowded()))
    }

    /// Returns true if the socket has not taken all that was to be written.
    pub fn is_blocked(&self) -> bool {
        self.lifecycle
            .connection()
            .is_some_and(|connection| connection.writer.is_blocked())
    }

    /// Returns session and outputs, to be used together.
    pub fn parts(&mut self) -> (&mut Session<H::Message, H::Op>, &mut Outputs<H>) {
        (&mut self.session, &mut self.outputs)
    }

    /// Notes that the program waits for something: whatever it calls next, it follows that and not the call before.
    pub fn pause(&mut self) {
        if let Some(connection) = self.lifecycle.connection_mut() {
            connection.pace.pause();
        }
    }
}

/// Returns the earlier of two moments, of which either may be missing.
fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
