//! The client's side of an MQTT session: what is in flight, what waits, what the server allows.
//!
//! A state machine without I/O. Commands, received bytes and the time go in; packets, deliveries and completions come out
//! through a [`Sink`]. It knows no socket, no thread and no clock, so that every schedule can be tested without sleeping.
//!
//! Every operation that was accepted ends in exactly one [`Completion`].

mod acknowledge;
mod aliases;
mod answered;
mod authenticate;
mod backlog;
mod exactly_once;
mod incoming;
mod lifecycle;
mod limits;
mod options;
mod outcome;
mod outgoing;
mod pending;
mod put_off;
mod queue;
mod received;
mod replies;
mod sink;
mod stored;
mod subscriptions;
mod versions;

pub use acknowledge::{AckToken, Acknowledge, HandOver, message_id};
pub use aliases::MAX_ALIAS_BYTES;
pub use lifecycle::Begin;
pub use limits::Limits;
pub use options::{Options, Policy};
pub use outcome::{Cause, Completion, Failure, Outcome};
pub use outgoing::{Accepted, view};
pub use pending::{Kind, Pending};
pub use queue::MAX_AHEAD;
pub use received::{MAX_HELD, MAX_UNACKNOWLEDGED};
pub use replies::MAX_UNSENT_REPLIES;
pub use sink::{HAD, Loaded, NotStored, Receipt, Record, RecordHandle, Sink, Stored};
pub use stored::is_sendable;
pub use subscriptions::MAX_SUBSCRIPTION_BYTES;
pub use versions::for_version;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Version;
use super::error::Malformed;
use super::inflight::Inflight;
use super::keepalive::{Due, KeepAlive};
use super::packet::encode_pingreq;
use super::property::Properties;
use crate::trace;
use acknowledge::Acks;
use aliases::Aliases;
use authenticate::Authentication;
use backlog::Backlog;
use put_off::PutOff;
use received::Received;
use replies::Replies;
use subscriptions::Subscriptions;

/// The time, for calls that seldom ask: to look at the clock takes as long as to encode a small message.
pub trait Now {
    /// Returns the time.
    fn now(self) -> Instant;
}

impl Now for Instant {
    fn now(self) -> Instant {
        self
    }
}

impl Now for fn() -> Instant {
    fn now(self) -> Instant {
        self()
    }
}

/// Identifies an accepted operation to the program.
pub type Token = i32;

/// Why the connection has to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The server broke the protocol; MQTT 5 tells it so.
    Protocol(Malformed),
    /// The server said DISCONNECT.
    Disconnected {
        /// Its reason code.
        reason: u8,
        /// Its properties.
        properties: Properties,
    },
    /// A received message could not be stored, or there was no memory for it, so it must not be acknowledged.
    NotStored,
}

impl From<NotStored> for Fault {
    fn from(_: NotStored) -> Self {
        Fault::NotStored
    }
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Fault::Protocol(malformed)
    }
}

/// Why a command was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// As many messages are in flight as are allowed; nothing was queued.
    Full,
    /// All 65,535 packet identifiers are in use.
    NoPacketId,
    /// It cannot be encoded, or the server does not allow it: carries the reason code that says why.
    Invalid(Malformed),
    /// Its record could not be written.
    NotStored,
    /// There is no connection.
    Offline,
}

impl From<Malformed> for Refused {
    fn from(malformed: Malformed) -> Self {
        Refused::Invalid(malformed)
    }
}

impl From<NotStored> for Refused {
    fn from(_: NotStored) -> Self {
        Refused::NotStored
    }
}

/// What an operation in flight waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaits {
    PubAck,
    PubRec,
    PubComp,
    SubAck {
        filters: usize,
    },
    UnsubAck {
        filters: usize,
    },
    /// A PUBLISH of an earlier process whose record has not been read yet; `released` where its PUBREL was stored too.
    Record {
        released: bool,
    },
}

impl Awaits {
    /// Returns true for a SUBSCRIBE or an UNSUBSCRIBE, which do not outlive their connection.
    fn is_request(self) -> bool {
        matches!(self, Self::SubAck { .. } | Self::UnsubAck { .. })
    }
}

/// An operation in flight.
#[derive(Debug)]
struct Entry<O> {
    token: Token,
    /// Replays follow the order of the last packet sent about it ([MQTT-4.6.0-1] and on).
    order: u64,
    awaits: Awaits,
    /// Sent on this connection: counts against the quota.
    sent: bool,
    /// Was in flight when this connection began.
    resumes: bool,
    /// Its DUP flag is this session's, and not the program's.
    marked: bool,
    /// The encoded packet; empty while only the store has it, and for a SUBSCRIBE or an UNSUBSCRIBE that nothing will be
    /// looked up in.
    packet: Bytes,
    op: O,
}

/// A publish that waits for the connection or for quota, encoded with packet identifier 0.
#[derive(Debug)]
struct Queued<O> {
    token: Token,
    /// The packet identifier that it was accepted under, 0 for none.
    id: u16,
    /// Empty while it is in the store only.
    packet: Vec<u8>,
    expires: Option<Instant>,
    /// Its `c-` record.
    record: Option<RecordHandle>,
    op: O,
}

/// A client's session.
#[derive(Debug)]
pub struct Session<M, O> {
    version: Version,
    client_id: Arc<str>,
    /// For the trace: the socket's descriptor.
    socket: i32,
    online: bool,
    limits: Limits,
    keep_alive: KeepAlive,
    inflight: Inflight<Entry<O>>,
    /// Publishes that went into the outbound stream, each counted once.
    sent_publishes: u64,
    /// Entries of `inflight` that are publishes sent on this connection.
    publishing: u32,
    /// Packet identifiers whose replay waits for quota.
    replay: VecDeque<u16>,
    queue: Backlog<O>,
    /// There is more to release than one call was to do.
    unreleased: bool,
    /// Stream position up to which the socket has taken our bytes.
    written: u64,
    /// What waits is released when the socket has taken the stream's bytes up to there.
    release_at: Option<u64>,
    /// `QoS` 2 messages received and not yet released.
    received: Received<M>,
    acknowledge: Acknowledge,
    acks: Acks,
    replies: Replies,
    authentication: Authentication,
    /// The server still had the session when this connection began, or its version does not tell.
    resumed: bool,
    /// What could not be read from the store on this connection.
    put_off: PutOff<O>,
    /// Publishes that were in flight when this connection began, have been sent again and are not acknowledged.
    resuming: u32,
    /// The sink has not been told that all of those are acknowledged.
    resumes: bool,
    options: Options,
    /// None while the session need not remember any.
    subscriptions: Option<Box<Subscriptions>>,
    /// Aliases that the server has set on this connection.
    known_aliases: Aliases,
    /// Aliases that we have set on this connection.
    own_aliases: Aliases,
    next_order: u64,
    next_token: Token,
}

impl<M, O> Session<M, O> {
    /// Makes a new session. `now` only gives the clock a start.
    pub fn new(version: Version, client_id: Arc<str>, now: Instant) -> Self {
        Self {
            version,
            client_id,
            socket: -1,
            online: false,
            limits: Limits::default(),
            keep_alive: KeepAlive::new(Duration::ZERO, now),
            inflight: Inflight::default(),
            sent_publishes: 0,
            publishing: 0,
            replay: VecDeque::new(),
            queue: Backlog::default(),
            unreleased: false,
            written: 0,
            release_at: None,
            received: Received::default(),
            acknowledge: Acknowledge::OnArrival,
            acks: Acks::default(),
            replies: Replies::default(),
            authentication: Authentication::None,
            resumed: false,
            put_off: PutOff::default(),
            resuming: 0,
            resumes: false,
            options: Options::default(),
            subscriptions: None,
            known_aliases: Aliases::default(),
            own_aliases: Aliases::default(),
            next_order: 0,
            next_token: 0,
        }
    }

    /// Returns the protocol version in use.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns true if a connection carries the session now.
    pub fn online(&self) -> bool {
        self.online
    }

    /// Says what the program has chosen; told before [`begin`](Self::begin).
    pub fn set_options(&mut self, options: Options) {
        self.options = options;
    }

    /// Sets how long the answer to a PINGREQ may take; told before [`begin`](Self::begin).
    pub fn set_ping_timeout(&mut self, timeout: Option<Duration>) {
        self.keep_alive.set_timeout(timeout);
    }

    /// Returns how long the answer to the last PINGREQ took, on whichever connection that was.
    pub fn ping_round_trip(&self) -> Option<Duration> {
        self.keep_alive.last_round_trip()
    }

    /// Returns what the two ends allow.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes a token for an operation; they run from 1 and never are 0 or negative.
    pub fn token(&mut self) -> Token {
        self.next_token = self.next_token.checked_add(1).unwrap_or(1);
        self.next_token
    }

    /// Returns true if [`release`](Self::release) is to be called again soon.
    pub fn has_unreleased(&self) -> bool {
        let has_room = self.release_at.is_some_and(|at| self.written >= at);
        (self.unreleased || has_room) && self.online
    }

    fn order(&mut self) -> u64 {
        self.next_order += 1;
        self.next_order
    }

    /// Returns how many publishes may be sent now.
    fn quota(&self) -> u32 {
        self.limits.quota().saturating_sub(self.publishing)
    }

    /// Notes that the socket took the stream's bytes up to `position`.
    pub fn written(&mut self, now: Instant, position: u64) {
        self.keep_alive.sent(now, position);
        self.replies.written(position);
        self.written = position;
    }

    /// Returns true if the socket may be read: not while more than [`MAX_UNSENT_REPLIES`] bytes of acknowledgements have not
    /// been written, nor while the program has more than [`MAX_UNACKNOWLEDGED`] bytes of `QoS` 2 messages to acknowledge.
    /// [`written`](Self::written) and [`acknowledge`](Self::acknowledge) may change the answer.
    pub fn may_read(&self) -> bool {
        self.replies.unsent() <= MAX_UNSENT_REPLIES && !self.received.waits_for_program()
    }

    /// Notes that bytes have arrived from the server, although nobody has read them yet.
    pub fn heard(&mut self, now: Instant) {
        self.keep_alive.received(now);
    }

    /// Notes how long a question and its answer took: CONNECT and CONNACK, told after [`begin`](Self::begin). A line that is
    /// not known to be fast is waited for longer.
    pub fn measured(&mut self, round_trip: Duration) {
        self.keep_alive.measured(round_trip);
    }

    /// Notes how many bytes of ours the peer's TCP has still to acknowledge. Asked before each [`tick`](Self::tick) that is
    /// due.
    pub fn unacknowledged_by_peer(&mut self, now: Instant, bytes: usize) {
        self.keep_alive.unacknowledged(now, bytes);
    }

    /// Returns when [`tick`](Self::tick) has to be called at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        if self.online {
            self.keep_alive.deadline()
        } else {
            None
        }
    }

    /// Does what is due. False: the server is silent, the connection is dead.
    pub fn tick<S: Sink<Message = M, Op = O>>(&mut self, now: Instant, sink: &mut S) -> bool {
        if !self.online {
            return true;
        }
        let out = sink.out();
        match self.keep_alive.due(now, out.position() + 2) {
            Due::Nothing => true,
            Due::Ping => {
                encode_pingreq(out.tail());
                trace!(
                    Protocol,
                    "{} {} -> PINGREQ (0)", self.socket, self.client_id
                );
                true
            }
            Due::Dead => {
                trace!(
                    Protocol,
                    "PINGRESP not received in keepalive interval for client {} on socket {}, disconnecting",
                    self.client_id,
                    self.socket
                );
                false
            }
        }
    }

    /// Returns the keep-alive interval in force.
    pub fn keep_alive(&self) -> Duration {
        self.keep_alive.interval()
    }
}

#[cfg(test)]
mod tests;
