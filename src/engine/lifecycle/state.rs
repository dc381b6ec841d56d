//! Where a client stands between two connections: one state, changed by what the program asks for, what attempts to connect
//! come to, and what becomes of the connection. No I/O, clock, thread or lock.

mod connecting;

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

/// Ending.
impl<O> Lifecycle<O> {
    /// Notes that the program asks for the end of the connection. Whatever the answer, no automatic reconnect follows.
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

    /// Notes that the connection has ended.
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

    /// Destroys the client. What is under way is abandoned without a word. Returns false if it was destroyed before. A
    /// connection has to be [ended](Self::end) first.
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
