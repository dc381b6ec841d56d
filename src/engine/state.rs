//! The client and everything its mutex protects.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::persistence::hooks::{AfterRead, BeforeWrite};
use crate::persistence::{Store, StoreError};
use crate::protocol::outbound::Batch;
use crate::protocol::property::Properties;
use crate::protocol::session::{Session, Token};
use crate::protocol::{Version, error::Malformed};
use crate::registry::Key;
use crate::trace;
use crate::transport::{Connector, Link};

use super::flush::Pace;
use super::host::{Event, Host};
use super::records::{Records, restore};
use super::sink::Io;
use crate::options::{ConnectOptions, CreateOptions};
use crate::reactor::{self, Reactor, Readiness, Source, reactor};

/// What a client is created with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Client identifier; may be empty.
    pub client_id: Arc<str>,
    /// The server's URI, as the program wrote it.
    pub server_uri: String,
    /// MQTTAsync's create options.
    pub create: CreateOptions,
    /// Without callbacks packets are processed inside API calls only (`MQTTClient`).
    pub synchronous: bool,
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
    /// A connect or disconnect is being processed.
    #[error("a connect or disconnect is being processed")]
    Ignored,
    /// The store refused.
    #[error("the message could not be stored")]
    NotStored,
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
    /// The time allowed has passed.
    #[error("timed out")]
    TimedOut,
}

/// Where a client stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not connected, nothing going on.
    Idle,
    /// A connect that the program asked for is under way.
    Connecting,
    /// Not connected, the automatic reconnect is at work.
    Reconnecting,
    /// Connected.
    Connected,
    /// Connected, and the program has asked for a disconnect.
    Disconnecting,
}

/// The writing side of a connection.
pub(super) enum Writer {
    /// Nobody writes; the batch is empty and lends its memory to the next one.
    Idle(Batch),
    /// A thread is writing, and looks for more when it is done.
    Busy,
    /// The socket took no more; what is left goes out when it is writable again.
    Blocked(Batch),
}

/// One network connection.
pub(super) struct Connection {
    pub link: Arc<Link>,
    pub writer: Writer,
    /// The socket became writable while a thread was writing.
    pub writable: bool,
    /// A thread has the reading role.
    pub reading: bool,
    /// The socket became readable meanwhile.
    pub read_again: bool,
    /// More is known to wait in the socket than was read.
    pub unread: bool,
    /// The peer has ended its side.
    pub hangup: bool,
    /// The reactor watches the socket.
    pub watched: bool,
    /// The beginning of a packet whose end has not arrived.
    pub partial: Vec<u8>,
}

/// What is still to be said on a connection that was dropped while a thread was writing to it.
pub(super) struct LastWords {
    /// Of the connection.
    pub epoch: u64,
    pub batch: Batch,
}

/// A disconnect under way.
pub(super) struct Closing<H: Host> {
    /// When it no longer waits for messages in flight.
    pub deadline: Instant,
    pub reason: u8,
    pub properties: Properties,
    /// None where nobody is to be told.
    pub op: Option<H::Op>,
    /// DISCONNECT is in the outbound stream.
    pub said: bool,
}

/// What the mutex protects. An idle client keeps all of it, and there may be thousands: what is rarely there is boxed.
pub(super) struct Core<H: Host> {
    pub session: Session<H::Message, H::Op>,
    pub io: Io<H>,
    pub phase: Phase,
    pub connection: Option<Connection>,
    /// The thread that writes says them when it has done.
    pub last_words: Option<Box<LastWords>>,
    /// Counts connections and attempts: a thread that comes back to an older one has nothing more to do.
    pub epoch: u64,
    pub destroyed: bool,
    /// The thread that runs callbacks now.
    pub dispatching: Option<ThreadId>,
    /// Threads inside functions of the program that are no events: see [`Client::call_out`].
    pub calling_out: Vec<ThreadId>,
    /// One of them hands over [`Io::tls_errors`].
    pub reporting: bool,
    /// The dispatching role was handed to the reactor, which has not taken it yet.
    pub dispatch_scheduled: bool,
    /// When a message that was not taken is offered again.
    pub offer_again: Option<Instant>,
    /// What the reactor's timer is set to.
    pub timer: Option<Instant>,
    /// Threads that wait on the condition variable.
    pub waiters: u32,
    pub synchronous: bool,
    /// Options of the last connect.
    pub options: Option<Arc<ConnectOptions>>,
    /// What the program attached to the connect under way.
    pub connect_op: Option<H::Op>,
    /// Stops the connect or reconnect task.
    pub task: Option<tokio::task::AbortHandle>,
    pub closing: Option<Box<Closing<H>>>,
    /// The session ends with the connection: 3.x clean session, MQTT 5 session expiry interval 0.
    pub session_ends: bool,
    /// The program has asked for a connection and not for its end.
    pub should_be_connected: bool,
    /// Operations that the end of the last connection put an end to.
    pub given_up: Vec<Token>,
    /// Stream position up to which the socket has taken the bytes.
    pub written: u64,
    pub last_write: Instant,
    pub pace: Pace,
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
    pub(super) changed: Condvar,
    pub(super) connector: Connector,
    /// There are [`Io::tls_errors`]: asked at the end of each call, which is not to cost it the mutex.
    pub(super) has_tls_errors: AtomicBool,
    /// The version of the connection, or the one that the client was created for, is 5: asked by each publish, which locks
    /// the mutex once and not twice.
    pub(super) v5: AtomicBool,
    /// Ends the wait before the next automatic reconnect.
    pub(super) reconnect_now: tokio::sync::Notify,
}

/// The mutex, held. Trace lines are written once it has been released.
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

impl<H: Host> Client<H> {
    /// A client that is not connected. `store` keeps its messages across processes.
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
            io: Io::new(Records::new(store, &setup.create)),
            phase: Phase::Idle,
            connection: None,
            last_words: None,
            epoch: 0,
            destroyed: false,
            dispatching: None,
            calling_out: Vec::new(),
            reporting: false,
            dispatch_scheduled: false,
            offer_again: None,
            timer: None,
            waiters: 0,
            synchronous: setup.synchronous,
            options: None,
            connect_op: None,
            task: None,
            closing: None,
            session_ends: false,
            should_be_connected: false,
            given_up: Vec::new(),
            written: 0,
            last_write: now,
            pace: Pace::new(),
        };
        let (session, io) = core.parts();
        restore(session, io, &setup.create, restored).map_err(Arc::new)?;
        let mut made = None;
        Reactor::register(|key| {
            let client = Arc::new_cyclic(|this| Self {
                key,
                this: this.clone(),
                setup,
                host,
                core: Mutex::new(core),
                batch: Mutex::default(),
                changed: Condvar::new(),
                connector: Connector::default(),
                has_tls_errors: AtomicBool::new(false),
                v5: AtomicBool::new(version == Version::V5),
                reconnect_now: tokio::sync::Notify::new(),
            });
            made = Some(Arc::clone(&client));
            client
        })
        .ok_or_else(|| Error::Failed("too many clients".into()))?;
        made.ok_or_else(|| Error::Failed("too many clients".into()))
    }

    /// The program behind the client.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// What it was created with.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(super) fn lock(&self) -> Guard<'_, H> {
        let held = trace::hold();
        Guard {
            core: self.core.lock(),
            _held: held,
        }
    }

    /// Whether a connection is established.
    pub fn is_connected(&self) -> bool {
        matches!(self.lock().phase, Phase::Connected | Phase::Disconnecting)
    }

    /// Whether the version of the connection, or the one that the client was created for, is 5.
    pub fn is_v5(&self) -> bool {
        self.v5.load(Ordering::Relaxed)
    }

    /// The program has set callbacks: from now on the reactor's threads process packets and run them.
    pub fn set_asynchronous(&self) {
        let mut core = self.lock();
        if !core.synchronous {
            return;
        }
        core.synchronous = false;
        if let Err(error) = self.watch(&mut core) {
            trace!(
                Error,
                "Cannot watch socket of client {}: {error}", self.setup.client_id
            );
        }
        self.schedule_dispatch(&mut core);
    }

    /// Sets or clears what the program does to a record before it is written.
    pub fn set_before_write(&self, hook: Option<Box<dyn BeforeWrite>>) {
        self.lock().io.records.set_before_write(hook);
    }

    /// Sets or clears what the program does to a record after it was read.
    pub fn set_after_read(&self, hook: Option<Box<dyn AfterRead>>) {
        let mut core = self.lock();
        core.io.records.set_after_read(hook);
        self.update_timer(&mut core);
    }

    /// Whether acknowledgements of publishes are of interest to the program.
    pub fn set_wants_acknowledgements(&self, wants: bool) {
        self.lock().io.wants_acknowledgements = wants;
    }

    /// Has the reactor watch the connection's socket, where API calls do not process its packets.
    pub(super) fn watch(&self, core: &mut Core<H>) -> std::io::Result<()> {
        let synchronous = core.synchronous;
        match &mut core.connection {
            Some(connection) if !synchronous && !connection.watched => {
                if let Some(fd) = connection.link.fd() {
                    reactor()?.watch(self.key, fd)?;
                }
                connection.watched = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Does what a change of state made necessary, then lets go: writes, sets the timer, wakes who waits, and has the
    /// callbacks run by a thread of the reactor.
    pub(super) fn finish(&self, core: Guard<'_, H>) {
        drop(self.finish_holding(core));
    }

    /// As [`finish`](Self::finish), without letting go.
    pub(super) fn finish_holding<'a>(&'a self, core: Guard<'a, H>) -> Guard<'a, H> {
        let mut core = self.flush_from_call(core);
        if self.check_closing(&mut core) {
            core = self.write_out(core);
        }
        self.after(&mut core);
        self.schedule_dispatch(&mut core);
        core
    }

    /// As [`finish`](Self::finish), on a reactor thread: callbacks run here.
    pub(super) fn finish_here(&self, core: Guard<'_, H>) {
        let mut core = self.write_out(core);
        self.after(&mut core);
        self.dispatch(core);
    }

    /// Flushes, and goes on with a disconnect that waits for that.
    fn write_out<'a>(&'a self, core: Guard<'a, H>) -> Guard<'a, H> {
        let mut core = self.flush(core);
        while self.check_closing(&mut core) {
            core = self.flush(core);
        }
        core
    }

    /// Timer and waiters.
    pub(super) fn after(&self, core: &mut Core<H>) {
        if core.io.progressed {
            core.io.progressed = false;
            if core.waiters > 0 {
                self.changed.notify_all();
            }
        }
        if core.session.has_unreleased() {
            if let Ok(reactor) = reactor() {
                reactor.schedule(self.key);
            }
        }
        self.update_timer(core);
    }

    /// Tries again what the store refused, if its time has come.
    pub(super) fn retry_store(&self, core: &mut Guard<'_, H>, now: Instant) {
        if !core.io.records.take_retry(now) {
            return;
        }
        core.io.queue_put_off();
        let (session, io) = core.parts();
        if let Err(fault) = session.retry(now, io) {
            self.end_for(core, fault);
        }
    }

    pub(super) fn update_timer(&self, core: &mut Core<H>) {
        let closing = core.closing.as_ref().map(|closing| closing.deadline);
        let keep_alive = core.session.deadline().map(reactor::slot);
        let next = [
            keep_alive,
            closing,
            core.offer_again,
            core.io.records.retry_at(),
        ]
        .into_iter()
        .flatten()
        .min();
        // One that is set too early finds nothing due and is set again: cheaper than a change for every packet.
        if let Some(next) = next {
            if core.timer.is_none_or(|at| next < at) {
                if let Ok(reactor) = reactor() {
                    reactor.set_timer(self.key, core.timer, Some(next));
                    core.timer = Some(next);
                }
            }
        }
    }
}

impl<H: Host> Core<H> {
    /// Bytes that the socket has not taken.
    pub fn unwritten(&self) -> u64 {
        self.io.out.position() - self.written
    }

    /// The socket has not taken all that was to be written.
    pub fn blocked(&self) -> bool {
        self.connection
            .as_ref()
            .is_some_and(|connection| matches!(connection.writer, Writer::Blocked(_)))
    }

    /// Another thread is inside a callback of the program's.
    pub fn others_in_callbacks(&self, this: ThreadId) -> bool {
        let mut inside = self.dispatching.iter().chain(&self.calling_out);
        inside.any(|thread| *thread != this)
    }

    /// Session and its surroundings, to be used together.
    pub fn parts(&mut self) -> (&mut Session<H::Message, H::Op>, &mut Io<H>) {
        (&mut self.session, &mut self.io)
    }
}

impl<H: Host> Source for Client<H> {
    fn ready(self: Arc<Self>, readiness: Readiness) {
        let mut core = self.lock();
        let Some(connection) = &mut core.connection else {
            return;
        };
        connection.hangup |= readiness.hangup;
        if readiness.writable {
            connection.writable = true;
        }
        if readiness.readable && connection.watched {
            self.read(core);
        } else if matches!(connection.writer, Writer::Blocked(_)) {
            self.finish_here(core);
        }
    }

    fn expired(self: Arc<Self>) {
        let mut core = self.lock();
        core.timer = None;
        let now = Instant::now();
        if core.offer_again.is_some_and(|at| now >= at) {
            core.offer_again = None;
        }
        self.retry_store(&mut core, now);
        // Timers of the same slot expire together, a little early.
        self.tick(&mut core, now + reactor::TIMER_SLOT);
        self.finish(core);
    }

    fn scheduled(self: Arc<Self>) {
        let mut core = self.lock();
        core.dispatch_scheduled = false;
        if core.session.has_unreleased() {
            let (session, io) = core.parts();
            session.release(Instant::now(), io);
        }
        if core.pace.take_scheduled() {
            core = self.carry_burst(core);
        }
        let unread = core.connection.as_mut().is_some_and(|connection| {
            std::mem::take(&mut connection.unread) && !connection.reading && connection.watched
        });
        if unread {
            self.read(core);
        } else {
            self.finish_here(core);
        }
    }
}

/// How long a caller may be held up by bytes that the socket does not take.
pub(super) const CLOSE_GRACE: Duration = Duration::from_secs(1);
