//! Where a client stands between two connections: one state, changed by what the program asks for, what attempts to connect
//! come to, and what becomes of the connection. No I/O, clock, thread or lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::engine::connection::Connection;
use crate::options::{ConnectOptions, ReconnectOptions};
use crate::protocol::handshake::Handshake;
use crate::protocol::property::{Properties, PropertyId};

/// A state. `O` is what the program attached to a call.
enum State<O> {
    /// Not connected, nothing going on. `wanted`: the program has asked for a connection and not for its end.
    Idle { wanted: bool },
    /// A connect that the program asked for is under way.
    Connecting(Box<Connecting<O>>),
    /// A link that the program has made carries the handshake.
    Attaching(Box<Attaching<O>>),
    /// The automatic reconnect is at work.
    Reconnecting(Box<Reconnecting<O>>),
    /// Connected.
    Up(Up<O>),
    /// The program has destroyed the client.
    Destroyed,
}

struct Connecting<O> {
    op: O,
    task: Option<Task>,
    /// Cleared by a disconnect: the attempt that is under way goes on, and is the last.
    wanted: bool,
}

struct Attaching<O> {
    connection: Connection,
    op: O,
    handshake: Handshake,
    /// When CONNECT was written.
    since: Instant,
    /// When CONNACK has to be there.
    deadline: Option<Instant>,
}

struct Reconnecting<O> {
    /// A connect whose next failure the program wants to hear of.
    unheard: Option<Box<O>>,
    task: Option<Task>,
    signal: Arc<Signal>,
}

struct Up<O> {
    connection: Connection,
    /// The session ends with the connection: 3.x clean session, MQTT 5 session expiry interval 0.
    session_ends: bool,
    wanted: bool,
    unheard: Option<Box<O>>,
    leaving: Option<Box<Leaving<O>>>,
}

/// A disconnect under way.
struct Leaving<O> {
    /// When it no longer waits.
    deadline: Instant,
    reason: u8,
    properties: Properties,
    /// Who is told of its end.
    ops: Vec<O>,
    /// DISCONNECT is in the outbound stream.
    said: bool,
}

/// A task of the runtime that connects. It ends with its owner; one that ends its owner itself is at its end then.
struct Task(tokio::task::AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The program's word to the automatic reconnect that is at work. A new one belongs to each, so that none is taken for the
/// next one's.
#[derive(Debug, Default)]
pub struct Signal {
    /// Ends the pause before the next attempt.
    pub now: tokio::sync::Notify,
    /// The pauses begin anew.
    anew: AtomicBool,
}

impl Signal {
    /// Has the next attempt made now, and the pauses after it begin with the shortest.
    fn give(&self) {
        self.anew.store(true, Ordering::Release);
        self.now.notify_one();
    }

    /// Returns true, once, if the pauses are to begin anew.
    pub fn take_anew(&self) -> bool {
        self.anew.swap(false, Ordering::AcqRel)
    }
}

/// What a client that is not connected is up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A connect or a disconnect is under way, or the client is connected.
    Busy,
    /// The client is destroyed.
    Destroyed,
    /// The client was never connected.
    NoOptions,
}

/// A connection was established that nobody waits for any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unwanted;

/// How a call to reconnect is answered.
#[derive(Debug)]
pub enum Reconnect {
    /// The automatic reconnect has been told.
    Signalled,
    /// A connect with these options has to begin.
    Connect(Arc<ConnectOptions>),
}

/// How a call to disconnect is answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Disconnect {
    /// There is no connection. An attempt that is under way is the last.
    NotConnected,
    /// It has begun, or the call has joined one that had.
    Begun,
}

/// What a disconnect needs next.
#[derive(Debug, PartialEq, Eq)]
pub enum Leave {
    /// Nothing, until something changes or the deadline passes.
    Wait,
    /// DISCONNECT has to be sent.
    Say(u8, Properties),
    /// The connection has to be closed.
    Close,
}

/// A connection that has ended, and what it leaves. `C` is the connection itself, until it is dealt with.
pub struct Ended<O, C = Connection> {
    pub connection: C,
    /// The epoch that the connection had.
    pub epoch: u64,
    pub session_ends: bool,
    /// Who waits for the end of a disconnect; none where the connection was lost.
    pub leaving: Option<Vec<O>>,
    /// For the automatic reconnect.
    pub unheard: Option<Box<O>>,
    /// Who waits for the end of the handshake, which had not ended.
    pub attaching: Option<O>,
}

/// What an automatic reconnect begins with.
pub struct Plan {
    pub epoch: u64,
    pub options: Arc<ConnectOptions>,
    pub retry: ReconnectOptions,
    pub signal: Arc<Signal>,
}

/// The lifecycle of one client.
pub struct Lifecycle<O> {
    state: State<O>,
    /// Counts connections and attempts: a thread or task that comes back to an older one has nothing more to do.
    epoch: u64,
    /// Options of the last connect.
    options: Option<Arc<ConnectOptions>>,
}

impl<O> Default for Lifecycle<O> {
    fn default() -> Self {
        Self {
            state: State::Idle { wanted: false },
            epoch: 0,
            options: None,
        }
    }
}

/// What is asked of the state.
impl<O> Lifecycle<O> {
    /// Returns the number of the connection or attempt.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns the options of the last connect.
    pub fn options(&self) -> Option<&Arc<ConnectOptions>> {
        self.options.as_ref()
    }

    /// Returns the connection.
    pub fn connection(&self) -> Option<&Connection> {
        match &self.state {
            State::Up(up) => Some(&up.connection),
            State::Attaching(attaching) => Some(&attaching.connection),
            _ => None,
        }
    }

    /// Returns the connection, to change it.
    pub fn connection_mut(&mut self) -> Option<&mut Connection> {
        match &mut self.state {
            State::Up(up) => Some(&mut up.connection),
            State::Attaching(attaching) => Some(&mut attaching.connection),
            _ => None,
        }
    }

    /// Returns true if a link carries the handshake.
    pub fn is_attaching(&self) -> bool {
        matches!(self.state, State::Attaching(_))
    }

    /// Returns true if there is a connection, also while it is being ended.
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    /// Returns true if there is a connection, and the program has not asked for its end.
    pub fn is_open(&self) -> bool {
        matches!(&self.state, State::Up(up) if up.leaving.is_none())
    }

    /// Returns true if a disconnect is under way.
    pub fn is_leaving(&self) -> bool {
        matches!(&self.state, State::Up(up) if up.leaving.is_some())
    }

    /// Returns true if DISCONNECT is in the outbound stream: nothing may follow it.
    pub fn has_said_goodbye(&self) -> bool {
        matches!(&self.state, State::Up(Up { leaving: Some(leaving), .. }) if leaving.said)
    }

    /// Returns true if the client is destroyed.
    pub fn is_destroyed(&self) -> bool {
        matches!(self.state, State::Destroyed)
    }

    /// Returns true if the connect that the program asked for has not ended.
    pub fn is_connecting(&self) -> bool {
        matches!(self.state, State::Connecting(_))
    }

    /// Returns true if the program has asked for a connection and not for its end.
    pub fn is_wanted(&self) -> bool {
        match &self.state {
            State::Idle { wanted } => *wanted,
            State::Connecting(connecting) => connecting.wanted,
            State::Reconnecting(_) | State::Attaching(_) => true,
            State::Up(up) => up.wanted,
            State::Destroyed => false,
        }
    }

    /// Returns true if the attempts of that epoch may go on.
    pub fn may_attempt(&self, epoch: u64) -> bool {
        self.epoch == epoch && self.is_wanted()
    }

    /// Returns when a disconnect under way needs attention.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Up(up) => up.leaving.as_ref().map(|leaving| leaving.deadline),
            State::Attaching(attaching) => attaching.deadline,
            _ => None,
        }
    }
}

/// Connecting.
impl<O> Lifecycle<O> {
    /// The program asks for a connection. Returns the attempt's epoch; its task is set with [`set_task`](Self::set_task).
    pub fn connect(&mut self, options: Arc<ConnectOptions>, op: O) -> Result<u64, Refusal> {
        match self.state {
            State::Idle { .. } | State::Reconnecting(_) => {}
            State::Connecting(_) | State::Attaching(_) | State::Up(_) => return Err(Refusal::Busy),
            State::Destroyed => return Err(Refusal::Destroyed),
        }
        self.options = Some(options);
        self.epoch += 1;
        self.state = State::Connecting(Box::new(Connecting {
            op,
            task: None,
            wanted: true,
        }));
        Ok(self.epoch)
    }

    /// The task that carries out what has begun.
    pub fn set_task(&mut self, task: tokio::task::AbortHandle) {
        match &mut self.state {
            State::Connecting(connecting) => connecting.task = Some(Task(task)),
            State::Reconnecting(reconnecting) => reconnecting.task = Some(Task(task)),
            State::Idle { .. } | State::Attaching(_) | State::Up(_) | State::Destroyed => {}
        }
    }

    /// The program has made a link: the handshake begins on it.
    pub fn attach(
        &mut self,
        options: Arc<ConnectOptions>,
        op: O,
        connection: Connection,
        handshake: Handshake,
        since: Instant,
        deadline: Option<Instant>,
    ) -> Result<(), Refusal> {
        match self.state {
            State::Idle { .. } => {}
            State::Destroyed => return Err(Refusal::Destroyed),
            _ => return Err(Refusal::Busy),
        }
        self.options = Some(options);
        self.epoch += 1;
        self.state = State::Attaching(Box::new(Attaching {
            connection,
            op,
            handshake,
            since,
            deadline,
        }));
        Ok(())
    }

    /// What has to be under MQTT on a link of the program's is there: the handshake begins. Gives the connection back if
    /// nobody wants it any more.
    #[allow(clippy::result_large_err)] // once a connection, and it is moved anyway
    pub fn attach_prepared(
        &mut self,
        epoch: u64,
        connection: Connection,
        handshake: Handshake,
        since: Instant,
        deadline: Option<Instant>,
    ) -> Result<(), Connection> {
        if self.epoch != epoch {
            return Err(connection);
        }
        match std::mem::replace(&mut self.state, State::Idle { wanted: false }) {
            State::Connecting(connecting) => {
                self.state = State::Attaching(Box::new(Attaching {
                    connection,
                    op: connecting.op,
                    handshake,
                    since,
                    deadline,
                }));
                Ok(())
            }
            other => {
                self.state = other;
                Err(connection)
            }
        }
    }

    /// The server has accepted the connection on an attached link. Returns what the program attached, and
    /// the bytes behind CONNACK, and when CONNECT was written.
    #[must_use = "the program is told"]
    pub fn accepted(&mut self, session_ends: bool) -> Option<(O, Vec<u8>, Instant)> {
        match std::mem::replace(&mut self.state, State::Idle { wanted: false }) {
            State::Attaching(attaching) => {
                self.state = State::Up(Up {
                    connection: attaching.connection,
                    session_ends,
                    wanted: true,
                    unheard: None,
                    leaving: None,
                });
                Some((
                    attaching.op,
                    attaching.handshake.into_rest(),
                    attaching.since,
                ))
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Returns the handshake that a link carries.
    pub fn handshake_mut(&mut self) -> Option<&mut Handshake> {
        match &mut self.state {
            State::Attaching(attaching) => Some(&mut attaching.handshake),
            _ => None,
        }
    }

    /// The program gives an attempt up that no link carries yet. Returns what it attached.
    #[must_use = "the program is told"]
    pub fn abandon(&mut self) -> Option<O> {
        match std::mem::replace(&mut self.state, State::Idle { wanted: false }) {
            State::Connecting(connecting) => {
                self.epoch += 1;
                Some(connecting.op)
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// An attempt of that epoch has led to a connection. Returns what the program attached to its connect.
    #[must_use = "the program is told"]
    pub fn established(
        &mut self,
        epoch: u64,
        connection: Connection,
        session_ends: bool,
    ) -> Result<Option<O>, Unwanted> {
        if self.epoch != epoch {
            return Err(Unwanted);
        }
        let (op, unheard, wanted) =
            match std::mem::replace(&mut self.state, State::Idle { wanted: false }) {
                State::Connecting(connecting) => (Some(connecting.op), None, connecting.wanted),
                State::Reconnecting(reconnecting) => (None, reconnecting.unheard, true),
                other => {
                    self.state = other;
                    return Err(Unwanted);
                }
            };
        self.state = State::Up(Up {
            connection,
            session_ends,
            wanted,
            unheard,
            leaving: None,
        });
        Ok(op)
    }

    /// The program does not hear of the success of its connect, but of the next failure of an automatic reconnect.
    pub fn keep_unheard(&mut self, op: O) {
        if let State::Up(up) = &mut self.state {
            up.unheard = Some(Box::new(op));
        }
    }

    /// The connect of that epoch has failed for good. Returns what the program attached to it.
    #[must_use = "the program is told"]
    pub fn failed(&mut self, epoch: u64) -> Option<O> {
        if self.epoch != epoch {
            return None;
        }
        match std::mem::replace(&mut self.state, State::Idle { wanted: false }) {
            State::Connecting(connecting) => {
                self.state = State::Idle {
                    wanted: connecting.wanted,
                };
                Some(connecting.op)
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// An automatic attempt of that epoch has failed. Returns the connect of which the program has not heard.
    #[must_use = "the program is told"]
    pub fn attempt_failed(&mut self, epoch: u64) -> Option<O> {
        match &mut self.state {
            State::Reconnecting(reconnecting) if self.epoch == epoch => {
                reconnecting.unheard.take().map(|op| *op)
            }
            _ => None,
        }
    }

    /// The task of the automatic reconnect of that epoch has ended without a connection. Returns true if another one has to
    /// begin.
    #[must_use = "nobody else begins another one"]
    pub fn abandoned(&mut self, epoch: u64) -> bool {
        if self.epoch != epoch || !matches!(self.state, State::Reconnecting(_)) {
            return false;
        }
        self.state = State::Idle { wanted: true };
        true
    }

    /// Begins the automatic reconnect, where the program wants it (`retry` says how) and nothing else goes on.
    #[must_use = "the task that it needs is set with `set_task`"]
    pub fn retry(
        &mut self,
        retry: Option<ReconnectOptions>,
        unheard: Option<Box<O>>,
    ) -> Option<Plan> {
        let options = self.options.clone()?;
        let retry = retry?;
        if !matches!(self.state, State::Idle { wanted: true }) {
            return None;
        }
        self.epoch += 1;
        let signal = Arc::new(Signal::default());
        self.state = State::Reconnecting(Box::new(Reconnecting {
            unheard,
            task: None,
            signal: Arc::clone(&signal),
        }));
        Some(Plan {
            epoch: self.epoch,
            options,
            retry,
            signal,
        })
    }

    /// The program has given the automatic reconnect of that epoch new options.
    pub fn refresh(&mut self, epoch: u64, options: &Arc<ConnectOptions>) {
        if self.epoch == epoch {
            self.options = Some(Arc::clone(options));
        }
    }

    /// The program asks for the next attempt now.
    pub fn reconnect(&self) -> Result<Reconnect, Refusal> {
        match &self.state {
            State::Reconnecting(reconnecting) => {
                reconnecting.signal.give();
                Ok(Reconnect::Signalled)
            }
            State::Idle { .. } => {
                let options = self.options.clone().ok_or(Refusal::NoOptions)?;
                Ok(Reconnect::Connect(options))
            }
            State::Connecting(_) | State::Attaching(_) | State::Up(_) => Err(Refusal::Busy),
            State::Destroyed => Err(Refusal::Destroyed),
        }
    }
}

/// Ending.
impl<O> Lifecycle<O> {
    /// The program asks for the end of the connection. Whatever the answer, no automatic reconnect follows.
    pub fn disconnect(
        &mut self,
        deadline: Instant,
        reason: u8,
        properties: Properties,
        op: Option<O>,
    ) -> Disconnect {
        match &mut self.state {
            State::Idle { wanted } => *wanted = false,
            State::Connecting(connecting) => connecting.wanted = false,
            State::Reconnecting(_) => {
                self.epoch += 1;
                self.state = State::Idle { wanted: false };
            }
            State::Up(up) => {
                up.wanted = false;
                let leaving = up.leaving.get_or_insert_with(|| {
                    Box::new(Leaving {
                        deadline,
                        reason,
                        properties,
                        ops: Vec::new(),
                        said: false,
                    })
                });
                leaving.ops.extend(op);
                return Disconnect::Begun;
            }
            State::Attaching(_) | State::Destroyed => {}
        }
        Disconnect::NotConnected
    }

    /// Returns what a disconnect under way needs. `idle`: no publish is in flight. `written`: the socket has taken all.
    /// Once DISCONNECT is to be said, the socket has until `grace` to take it.
    #[must_use]
    pub fn leave(&mut self, now: Instant, grace: Instant, idle: bool, written: bool) -> Leave {
        let State::Up(up) = &mut self.state else {
            return Leave::Wait;
        };
        let Some(leaving) = &mut up.leaving else {
            return Leave::Wait;
        };
        let late = now >= leaving.deadline;
        if leaving.said {
            return if written || late {
                Leave::Close
            } else {
                Leave::Wait
            };
        }
        if !idle && !late {
            return Leave::Wait;
        }
        leaving.said = true;
        leaving.deadline = grace;
        let properties = std::mem::take(&mut leaving.properties);
        if let Some(expiry) = properties
            .as_ref()
            .number(PropertyId::SessionExpiryInterval)
        {
            up.session_ends = expiry == 0;
        }
        Leave::Say(leaving.reason, properties)
    }

    /// The connection has ended.
    #[must_use = "the connection has to be closed, and the program told"]
    pub fn end(&mut self) -> Option<Ended<O>> {
        let wanted = self.is_wanted();
        match std::mem::replace(&mut self.state, State::Idle { wanted }) {
            State::Up(up) => {
                let epoch = self.epoch;
                self.epoch += 1;
                Some(Ended {
                    connection: up.connection,
                    epoch,
                    session_ends: up.session_ends,
                    leaving: up.leaving.map(|leaving| leaving.ops),
                    unheard: up.unheard,
                    attaching: None,
                })
            }
            State::Attaching(attaching) => {
                let epoch = self.epoch;
                self.epoch += 1;
                self.state = State::Idle { wanted: false };
                Some(Ended {
                    connection: attaching.connection,
                    epoch,
                    session_ends: false,
                    leaving: None,
                    unheard: None,
                    attaching: Some(attaching.op),
                })
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// The program destroys the client. What is under way is abandoned without a word. Returns false if it was destroyed
    /// before. A connection has to be [ended](Self::end) first.
    #[must_use]
    pub fn destroy(&mut self) -> bool {
        debug_assert!(!self.is_up());
        self.epoch += 1;
        // With the passwords in them, which must not wait until the last task has let go of the client.
        self.options = None;
        !matches!(
            std::mem::replace(&mut self.state, State::Destroyed),
            State::Destroyed
        )
    }
}

#[cfg(test)]
mod tests;
