//! The client's side of an MQTT session: what is in flight, what waits, what the server allows.
//!
//! A state machine without I/O. Commands, received bytes and the time go in; packets, deliveries and completions come out
//! through a [`Sink`]. It knows no socket, no thread and no clock, so that every schedule can be tested without sleeping.
//!
//! Every operation that was accepted ends in exactly one [`Completion`].

mod incoming;
mod outgoing;
mod replay;
mod stored;

pub use outgoing::{Accepted, view};
pub use replay::Begin;
pub use stored::is_sendable;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::error::Malformed;
use super::inflight::Inflight;
use super::keepalive::{Due, KeepAlive};
use super::outbound::Outbound;
use super::packet::{AckKind, Publish, encode_pingreq};
use super::property::{Properties, PropertiesRef};
use super::{QoS, Version};
use crate::trace;

/// Identifies an accepted operation to the program.
pub type Token = i32;

/// A kind of stored record, as the original's key prefixes name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// `s-`: a PUBLISH sent.
    Sent(u16),
    /// `sc-`: a PUBREL sent.
    Released(u16),
    /// `r-`: a `QoS` 2 PUBLISH received.
    Received(u16),
    /// `c-`: a command that waits to be sent.
    Queued(RecordHandle),
}

/// The record could not be written; nothing was sent that relied on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotStored;

/// What becomes of the record of a message's receipt when the message is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt<'a> {
    /// There is none: `QoS` 0 and 1.
    None,
    /// The PUBLISH of that packet identifier is recorded now, so that a resend is known.
    Kept(u16, &'a [u8]),
    /// The record of that packet identifier goes.
    Released(u16),
}

/// What the session needs of its surroundings.
pub trait Sink {
    /// A received message in the form in which the program gets it.
    type Message;
    /// What the program attached to an operation.
    type Op;

    /// Where packets go.
    fn out(&mut self) -> &mut Outbound;
    /// Makes the owned form of a received message; an error for want of memory.
    fn message(&mut self, publish: &Publish<'_>) -> Result<Self::Message, NotStored>;
    /// Hands a message of that `QoS` to the program's queue. With a store it must be safe there before this returns, in one
    /// step with what becomes of the record of its receipt. Gives it back if it could not be stored.
    fn deliver(
        &mut self,
        message: Self::Message,
        qos: QoS,
        receipt: Receipt<'_>,
    ) -> Result<(), Self::Message>;
    /// An operation has ended.
    fn complete(&mut self, done: Completion<Self::Op>);
    /// An operation ends once the outbound stream has been written up to where it is now.
    fn complete_when_written(&mut self, done: Completion<Self::Op>);
    /// The program wants to see the message when this operation ends: keep its packet.
    fn wants_packet(&self, op: &Self::Op) -> bool;
    /// A publish was acknowledged by a packet of this kind.
    fn acknowledged(
        &mut self,
        kind: AckKind,
        packet_id: u16,
        reason: u8,
        properties: PropertiesRef<'_>,
    );
    /// Writes a record before the packet goes out that it covers.
    fn store(&mut self, record: Record, packet: &[u8]) -> Result<(), NotStored>;
    /// Removes a record.
    fn discard(&mut self, record: Record);
    /// Writes the record of a publish that has to wait, where it is to have one, and returns its handle.
    fn store_queued(
        &mut self,
        publish: &Publish<'_>,
        token: Token,
    ) -> Result<Option<RecordHandle>, NotStored>;
    /// Writes the record of a publish that waited and is sent now, in place of the one it had.
    fn promote(
        &mut self,
        queued: Option<RecordHandle>,
        id: u16,
        packet: &[u8],
    ) -> Result<(), NotStored>;
    /// Reads back what was stored under that handle.
    fn load_queued(&mut self, record: RecordHandle) -> Loaded<Stored>;
    /// Reads back the PUBLISH that was sent under that packet identifier.
    fn load_sent(&mut self, id: u16) -> Loaded<Vec<u8>>;
    /// Reads back the `QoS` 2 message that was received under that packet identifier.
    fn load_received(&mut self, id: u16) -> Loaded<Self::Message>;
}

/// A record as the store names it. The session only passes it back, so a record is never looked for under another name
/// than it was read or written under: the same number may belong to one record of an MQTT 5 client and one of an older.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordHandle(pub u64);

/// What reading a record back came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loaded<T> {
    /// The record's content.
    Ready(T),
    /// The record could not be read now. The store keeps it, and the sink has it tried again ([`Session::retry`]).
    Later,
    /// The record was read and is not what it has to be, or it is gone.
    Damaged {
        /// It is still in the store under its name, which must not be given to another record.
        in_place: bool,
    },
}

/// A command that waited in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// A PUBLISH, encoded with packet identifier 0.
    Publish {
        /// The packet.
        packet: Vec<u8>,
        /// For how long it has waited ([MQTT-3.3.2-6] is about time, not about processes).
        waited: Duration,
    },
    /// A SUBSCRIBE or an UNSUBSCRIBE, encoded with any packet identifier. Ours are not stored, the original's are.
    Request {
        /// The packet.
        packet: Vec<u8>,
        /// How many topic filters it has.
        filters: usize,
    },
}

/// The end of an operation.
#[derive(Debug)]
pub struct Completion<O> {
    /// Which one.
    pub token: Token,
    /// What the program attached.
    pub op: O,
    /// The encoded PUBLISH, where [`Sink::wants_packet`] asked for it.
    pub packet: Option<Bytes>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A publish was written (`QoS` 0) or acknowledged.
    Published {
        /// MQTT 5 reason code, below 0x80.
        reason: u8,
        /// Properties of the last acknowledgement.
        properties: Properties,
    },
    /// SUBACK, whatever its codes say.
    Subscribed {
        /// One a filter.
        codes: Vec<u8>,
        /// Properties of the SUBACK.
        properties: Properties,
    },
    /// UNSUBACK.
    Unsubscribed {
        /// One a filter; none on 3.x.
        codes: Vec<u8>,
        /// Properties of the UNSUBACK.
        properties: Properties,
    },
    /// It failed.
    Failed(Failure),
}

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What ended it.
    pub cause: Cause,
    /// MQTT 5 reason code of an acknowledgement, else 0.
    pub reason: u8,
    /// Properties of that acknowledgement.
    pub properties: Properties,
    /// Type of the packet that ended it, 0 for none.
    pub packet_type: u8,
}

/// Why an operation was ended without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The server said no: see the reason code.
    Refused,
    /// The connection ended, or the session was cleared, before it completed.
    Incomplete,
    /// Its message expiry interval passed while it waited.
    Expired,
    /// It was dropped from a full buffer to make room.
    Dropped,
    /// It could not be stored.
    NotStored,
    /// The server does not allow such a message: see the reason code.
    NotAllowed,
}

impl Outcome {
    /// A publish without acknowledgement was written.
    pub fn written() -> Self {
        Outcome::Published {
            reason: 0,
            properties: Properties::new(),
        }
    }
}

impl Failure {
    /// A failure without an acknowledgement behind it.
    pub fn of(cause: Cause) -> Self {
        Self {
            cause,
            reason: 0,
            properties: Properties::new(),
            packet_type: 0,
        }
    }
}

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

/// A `QoS` 2 message of the server's, until its PUBREL.
#[derive(Debug)]
enum Received<M> {
    /// The program has it already; the identifier is kept to know a resend.
    HandedOver,
    /// It is handed over when its PUBREL comes.
    Held(M),
    /// As `Held`, but only the store has it: it is read when its PUBREL comes.
    Stored,
    /// Its PUBREL has come, and its record could not be read: PUBCOMP waits until it can be.
    Released,
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
    received: Inflight<Received<M>>,
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
            received: Inflight::default(),
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
    }

    /// Bytes have arrived from the server, although nobody has read them yet.
    pub fn heard(&mut self, now: Instant) {
        self.keep_alive.received(now);
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
