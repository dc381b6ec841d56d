//! The client's side of an MQTT session: what is in flight, what waits, what the server allows.
//!
//! A state machine without I/O. Commands, received bytes and the time go in; packets, deliveries and completions come out
//! through a [`Sink`]. It knows no socket, no thread and no clock, so that every schedule can be tested without sleeping.
//!
//! Every operation that was accepted ends in exactly one [`Completion`].

mod acknowledge;
mod authenticate;
mod incoming;
mod lifecycle;
mod outcome;
mod outgoing;
mod received;
mod replies;
mod sink;
mod stored;

pub use acknowledge::{AckToken, Acknowledge, HandOver};
pub use lifecycle::Begin;
pub use outcome::{Cause, Completion, Failure, Outcome};
pub use outgoing::{Accepted, view};
pub use received::{MAX_HELD, MAX_UNACKNOWLEDGED};
pub use replies::MAX_UNSENT_REPLIES;
pub use sink::{Loaded, NotStored, Receipt, Record, RecordHandle, Sink, Stored};
pub use stored::is_sendable;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::error::Malformed;
use super::inflight::Inflight;
use super::keepalive::{Due, KeepAlive};
use super::packet::encode_pingreq;
use super::property::Properties;
use super::{QoS, Version};
use crate::trace;
use acknowledge::Acks;
use authenticate::Authentication;
use received::Received;
use replies::Replies;

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

/// What the two ends allow on this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Publishes in flight that the program allows.
    pub max_inflight: u32,
    /// Publishes in flight that the server allows ([MQTT-3.3.4-7]).
    pub server_receive_maximum: u32,
    /// Largest packet that the server takes ([MQTT-3.2.2-15]).
    pub server_maximum_packet_size: u32,
    /// Highest `QoS` that the server takes ([MQTT-3.2.2-11]).
    pub maximum_qos: QoS,
    /// The server takes retained messages ([MQTT-3.2.2-14]).
    pub retain_available: bool,
    /// Highest topic alias that the server takes ([MQTT-3.2.2-17]).
    pub server_topic_alias_maximum: u16,
    /// `QoS` 1 and 2 publishes that we take unacknowledged.
    pub receive_maximum: u16,
    /// Largest packet that we take ([MQTT-3.1.2-24]).
    pub maximum_packet_size: u32,
    /// Highest topic alias that we take ([MQTT-3.1.2-26]).
    pub topic_alias_maximum: u16,
    /// We take a Reason String and User Properties with any packet ([MQTT-3.1.2-29]).
    pub problem_information: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_inflight: u16::MAX.into(),
            server_receive_maximum: u16::MAX.into(),
            server_maximum_packet_size: u32::MAX,
            maximum_qos: QoS::ExactlyOnce,
            retain_available: true,
            server_topic_alias_maximum: 0,
            receive_maximum: u16::MAX,
            maximum_packet_size: u32::MAX,
            topic_alias_maximum: 0,
            problem_information: true,
        }
    }
}

impl Limits {
    /// How many publishes may be in flight.
    fn quota(&self) -> u32 {
        self.max_inflight.min(self.server_receive_maximum)
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
    /// The encoded PUBLISH; empty for a SUBSCRIBE or an UNSUBSCRIBE, and while only the store has it.
    packet: Bytes,
    op: O,
}

/// A publish that waits for the connection or for quota, encoded with packet identifier 0.
#[derive(Debug)]
struct Queued<O> {
    token: Token,
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
    /// Entries of `inflight` that are publishes sent on this connection.
    publishing: u32,
    /// Packet identifiers whose replay waits for quota.
    replay: VecDeque<u16>,
    queue: VecDeque<Queued<O>>,
    /// There is more to release than one call was to do.
    unreleased: bool,
    /// `QoS` 2 messages received and not yet released.
    received: Received<M>,
    acknowledge: Acknowledge,
    acks: Acks,
    replies: Replies,
    authentication: Authentication,
    /// The server still had the session when this connection began, or its version does not tell.
    resumed: bool,
    /// Packet identifiers of `inflight` whose records could not be read on this connection.
    unread: Vec<u16>,
    /// Entries of the queue whose records could not be read on this connection. Others are sent before them.
    put_off: VecDeque<Queued<O>>,
    /// Aliases that the server has set on this connection.
    known_aliases: HashSet<u16>,
    /// Topics of the aliases that the program has set on this connection.
    own_aliases: HashMap<u16, Box<[u8]>>,
    next_order: u64,
    next_token: Token,
}

impl<M, O> Session<M, O> {
    /// A new session. `now` only gives the clock a start.
    pub fn new(version: Version, client_id: Arc<str>, now: Instant) -> Self {
        Self {
            version,
            client_id,
            socket: -1,
            online: false,
            limits: Limits::default(),
            keep_alive: KeepAlive::new(Duration::ZERO, now),
            inflight: Inflight::default(),
            publishing: 0,
            replay: VecDeque::new(),
            queue: VecDeque::new(),
            unreleased: false,
            received: Received::default(),
            acknowledge: Acknowledge::OnArrival,
            acks: Acks::default(),
            replies: Replies::default(),
            authentication: Authentication::None,
            resumed: false,
            unread: Vec::new(),
            put_off: VecDeque::new(),
            known_aliases: HashSet::new(),
            own_aliases: HashMap::new(),
            next_order: 0,
            next_token: 0,
        }
    }

    /// The protocol version in use.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether a connection carries the session now.
    pub fn online(&self) -> bool {
        self.online
    }

    /// What the two ends allow.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A token for an operation; they run from 1 and never are 0 or negative.
    pub fn token(&mut self) -> Token {
        self.next_token = self.next_token.checked_add(1).unwrap_or(1);
        self.next_token
    }

    /// Whether [`release`](Self::release) is to be called again soon.
    pub fn has_unreleased(&self) -> bool {
        self.unreleased && self.online
    }

    fn order(&mut self) -> u64 {
        self.next_order += 1;
        self.next_order
    }

    /// How many publishes may be sent now.
    fn quota(&self) -> u32 {
        self.limits.quota().saturating_sub(self.publishing)
    }

    /// Messages that wait to be sent.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Whether a publish is in flight or waits, replays included.
    pub fn has_unfinished_publishes(&self) -> bool {
        self.publishing > 0 || !self.replay.is_empty() || !self.queue.is_empty()
    }

    /// Tokens of the publishes not completed, in order, and of subscribes where `all`.
    pub fn pending_tokens(&self, all: bool) -> Vec<Token> {
        let mut sent: Vec<_> = self
            .inflight
            .iter()
            .filter(|(_, entry)| all || !entry.awaits.is_request())
            .map(|(_, entry)| (entry.order, entry.token))
            .collect();
        sent.sort_unstable();
        let sent = sent.into_iter().map(|(_, token)| token);
        let waiting = self.put_off.iter().chain(&self.queue);
        sent.chain(waiting.map(|queued| queued.token)).collect()
    }

    /// Whether the operation has not completed.
    pub fn is_pending(&self, token: Token) -> bool {
        // A token that is the packet identifier is found at once; this is asked again and again by those who wait.
        let direct = u16::try_from(token)
            .ok()
            .and_then(|id| self.inflight.get(id));
        direct.is_some_and(|entry| entry.token == token)
            || self.inflight.iter().any(|(_, entry)| entry.token == token)
            || self
                .queue
                .iter()
                .chain(&self.put_off)
                .any(|queued| queued.token == token)
    }

    /// The socket took the stream's bytes up to `position`.
    pub fn written(&mut self, now: Instant, position: u64) {
        self.keep_alive.sent(now, position);
        self.replies.written(position);
    }

    /// Returns true if the socket may be read: not while more than [`MAX_UNSENT_REPLIES`] bytes of acknowledgements have not
    /// been written, nor while the program has more than [`MAX_UNACKNOWLEDGED`] bytes of `QoS` 2 messages to acknowledge.
    /// [`written`](Self::written) and [`acknowledge`](Self::acknowledge) may change the answer.
    pub fn may_read(&self) -> bool {
        self.replies.unsent() <= MAX_UNSENT_REPLIES && !self.received.waits_for_program()
    }

    /// Bytes have arrived from the server, although nobody has read them yet.
    pub fn heard(&mut self, now: Instant) {
        self.keep_alive.received(now);
    }

    /// A question and its answer took so long: CONNECT and CONNACK, told after [`begin`](Self::begin). A line that is not
    /// known to be fast is waited for longer.
    pub fn measured(&mut self, round_trip: Duration) {
        self.keep_alive.measured(round_trip);
    }

    /// The peer's TCP has so many bytes of ours still to acknowledge. Asked before each [`tick`](Self::tick) that is due.
    pub fn unacknowledged_by_peer(&mut self, now: Instant, bytes: usize) {
        self.keep_alive.unacknowledged(now, bytes);
    }

    /// When [`tick`](Self::tick) has to be called at the latest.
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

    /// The keep-alive interval in force.
    pub fn keep_alive(&self) -> Duration {
        self.keep_alive.interval()
    }
}

#[cfg(test)]
mod tests;
