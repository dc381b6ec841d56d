//! Acknowledgements that are the program's to give: which messages wait for one, and in which order they go out.
//!
//! On arrival is what the original does: a message is acknowledged as soon as it is safe in the program's queue. By the
//! program means that a message which the program had not finished with comes again after a crash or a lost connection.

use std::collections::VecDeque;
use std::num::NonZeroU64;

use super::received::State;
use super::{Fault, HAD, Receipt, Record, Refused, Session, Sink};
use crate::protocol::error::Malformed;
use crate::protocol::inflight::Inflight;
use crate::protocol::packet::AckKind;
use crate::protocol::{QoS, Version, reason};

/// Names a message that the program has to acknowledge. It is good for the connection on which the message came: the
/// server sends what is not acknowledged again on the next one, under a new token.
///
/// Connection (24 bits), serial number (24 bits), packet identifier (16 bits, never 0).
pub type AckToken = NonZeroU64;

/// Who acknowledges received messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acknowledge {
    /// The session, when the message is in the program's queue.
    #[default]
    OnArrival,
    /// The program, by [`Session::acknowledge`].
    ByProgram {
        /// Acknowledgements leave in the order in which the messages came, even if given in another one
        /// ([MQTT-4.6.0-2], [MQTT-4.6.0-3]).
        ordered: bool,
        /// When a `QoS` 2 message is handed over.
        exactly_once: HandOver,
    },
}

/// When the program gets a `QoS` 2 message that it acknowledges itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOver {
    /// At its PUBLISH; PUBREC waits for the program.
    Publish,
    /// At its PUBREL; PUBCOMP waits for the program.
    Release,
}

/// A message that the program has not acknowledged, or whose acknowledgement waits for those before it.
#[derive(Debug)]
struct Waiting {
    serial: u32,
    kind: AckKind,
    /// The reason code that the program gave.
    given: Option<u8>,
}

/// The messages of this connection that wait for the program's acknowledgement.
#[derive(Debug, Default)]
pub(super) struct Acks {
    connection: u32,
    serial: u32,
    /// None while no message has waited on this connection, as where the session acknowledges them.
    messages: Option<Box<Messages>>,
}

/// The messages themselves.
#[derive(Debug, Default)]
struct Messages {
    waiting: Inflight<Waiting>,
    /// Packet identifiers in the order of arrival, while the mode is ordered.
    order: VecDeque<u16>,
    /// Those among `waiting` that are of `QoS` 1.
    at_least_once: usize,
}

const LOW_24: u32 = 0x00FF_FFFF;

impl Acks {
    /// Begins a connection: what the program has to say of older ones means nothing any more.
    pub fn begin(&mut self) {
        self.forget();
        self.connection = self.connection.wrapping_add(1) & LOW_24;
    }

    /// Forgets what waits; the server will send it again.
    pub fn forget(&mut self) {
        self.messages = None;
    }

    /// Returns true if a message of that packet identifier waits.
    pub fn contains(&self, id: u16) -> bool {
        self.get(id).is_some()
    }

    fn get(&self, id: u16) -> Option<&Waiting> {
        self.messages.as_ref()?.waiting.get(id)
    }

    /// Returns which acknowledgement of that packet identifier waits.
    pub fn kind(&self, id: u16) -> Option<AckKind> {
        self.get(id).map(|waiting| waiting.kind)
    }

    /// Returns how many messages wait.
    pub fn len(&self) -> usize {
        self.messages
            .as_ref()
            .map_or(0, |messages| messages.waiting.len())
    }

    /// Returns how many messages of `QoS` 1 wait.
    pub fn at_least_once(&self) -> usize {
        self.messages
            .as_ref()
            .map_or(0, |messages| messages.at_least_once)
    }

    /// Returns the token that [`add`](Self::add) will give that identifier.
    pub fn next_token(&self, id: u16) -> AckToken {
        number(self.connection, self.serial, id)
    }

    /// Adds a message.
    pub fn add(&mut self, id: u16, kind: AckKind, ordered: bool) {
        let messages = self.messages.get_or_insert_default();
        messages.waiting.insert(
            id,
            Waiting {
                serial: self.serial,
                kind,
                given: None,
            },
        );
        self.serial = self.serial.wrapping_add(1) & LOW_24;
        messages.at_least_once += usize::from(kind == AckKind::PubAck);
        if ordered {
            messages.order.push_back(id);
        }
    }

    /// Finds the message that a token names, if it still waits for the program's word.
    fn find(&self, token: AckToken) -> Option<(u16, AckKind)> {
        let bits = |from: u32, mask: u64| u32::try_from(token.get() >> from & mask).unwrap_or(0);
        let id = u16::try_from(bits(0, 0xFFFF)).unwrap_or(0);
        let waiting = self.get(id)?;
        let same = bits(40, LOW_24.into()) == self.connection
            && bits(16, LOW_24.into()) == waiting.serial
            && waiting.given.is_none();
        same.then_some((id, waiting.kind))
    }

    /// Returns the token of the message that has this [`message_id`], or, of a packet identifier alone, the message that has
    /// it now.
    fn token_of(&self, message_id: i32) -> Option<AckToken> {
        let id = u16::try_from(message_id & 0xFFFF).ok()?;
        let token = self.token(id)?;
        let whole = message_id == self::message_id(token) || message_id == i32::from(id);
        whole.then_some(token)
    }

    /// Returns the token of the message of that packet identifier, if it waits for the program's word.
    fn token(&self, id: u16) -> Option<AckToken> {
        let waiting = self.get(id)?;
        let number = number(self.connection, waiting.serial, id);
        waiting.given.is_none().then_some(number)
    }

    /// Takes the program's word for a message. [`pop`](Self::pop) says what may be sent now.
    fn give(&mut self, id: u16, reason: u8) {
        let messages = self.messages.as_mut();
        if let Some(waiting) = messages.and_then(|messages| messages.waiting.get_mut(id)) {
            waiting.given = Some(reason);
        }
    }

    /// Takes out the next message whose acknowledgement may be sent: the oldest where they are ordered, if the program has
    /// given it, else the one of that identifier.
    fn pop(&mut self, id: u16) -> Option<(u16, AckKind, u8)> {
        let messages = self.messages.as_mut()?;
        let id = messages.order.front().copied().unwrap_or(id);
        let waiting = messages.waiting.get(id)?;
        let (kind, given) = (waiting.kind, waiting.given?);
        messages.waiting.remove(id);
        messages.order.pop_front();
        messages.at_least_once -= usize::from(kind == AckKind::PubAck);
        Some((id, kind, given))
    }
}

/// Returns a positive number for a message which programs can hold that know no tokens. Its low 16 bits are the packet
/// identifier, its others are of the serial number and never 0: an acknowledgement that comes too late, of an older connection
/// or a second time, is not taken for that of a later message with the same packet identifier.
#[must_use]
pub fn message_id(token: AckToken) -> i32 {
    let serial = (token.get() >> 16 & u64::from(LOW_24)) % 0x7FFF + 1;
    let number = serial << 16 | token.get() & 0xFFFF;
    i32::try_from(number).unwrap_or(0)
}

/// Returns the token of those three; a packet identifier is never 0.
fn number(connection: u32, serial: u32, id: u16) -> AckToken {
    let high = u64::from(connection) << 40 | u64::from(serial) << 16;
    AckToken::MIN.saturating_add((high | u64::from(id)).saturating_sub(1))
}

impl<M, O> Session<M, O> {
    /// Says who acknowledges messages that arrive from now on. Messages that wait already keep their mode, so a session is
    /// told before it restores a store and before it begins.
    pub fn set_acknowledge(&mut self, acknowledge: Acknowledge) {
        self.acknowledge = acknowledge;
    }

    /// Returns how many messages wait for the program's acknowledgement.
    pub fn unacknowledged(&self) -> usize {
        self.acks.len()
    }

    /// Returns the token of the message of that packet identifier, if it waits for the program's acknowledgement.
    pub fn ack_token(&self, packet_id: u16) -> Option<AckToken> {
        self.acks.token(packet_id)
    }

    /// Returns the token of the message that has this [`message_id`], if it waits for the program's acknowledgement.
    pub fn ack_token_of(&self, message_id: i32) -> Option<AckToken> {
        self.acks.token_of(message_id)
    }

    /// Takes the program's acknowledgement of a message. MQTT 5 servers are told the reason; one of 0x80 and above refuses
    /// the message. Returns false, and does nothing, if the token is of an older connection or was used already.
    pub fn acknowledge<S: Sink<Message = M, Op = O>>(
        &mut self,
        token: AckToken,
        reason: u8,
        sink: &mut S,
    ) -> Result<bool, Refused> {
        if !self.online {
            return Ok(false);
        }
        let Some((id, kind)) = self.acks.find(token) else {
            return Ok(false);
        };
        if !kind.has_reason(reason) {
            return Err(Malformed::new(
                reason::PROTOCOL_ERROR,
                "reason code: not one of this acknowledgement's",
            )
            .into());
        }
        match kind {
            AckKind::PubRec
                if reason >= reason::UNSPECIFIED_ERROR && self.version == Version::V5 =>
            {
                // [MQTT-4.3.3-9]: the identifier is free again.
                self.received.remove(id);
            }
            AckKind::PubRec => {
                // From its PUBREC on the message must be known as one that the program has had.
                if let Some(packet) = self.received.unacknowledged(id) {
                    let record = if self.record_means_pending(self.version == Version::V5) {
                        HAD
                    } else {
                        packet
                    };
                    sink.store(Record::Received(id), record)?;
                }
                self.received.set(id, State::HandedOver);
            }
            AckKind::PubComp => {
                // Without the record a PUBREL that the server sends again is still answered with PUBCOMP.
                self.received.set(id, State::HandedOver);
                sink.discard(Record::Received(id));
            }
            AckKind::PubAck | AckKind::PubRel => {}
        }
        self.acks.give(id, reason);
        while let Some((id, kind, reason)) = self.acks.pop(id) {
            if kind == AckKind::PubComp {
                self.received.remove(id);
            }
            // Below MQTT 5 there is no reason to send, and a refusal is an acknowledgement too.
            self.ack(kind, id, reason, sink);
        }
        Ok(true)
    }

    /// Returns true if a received PUBLISH in the record of a client of that version means that the program has still to get the
    /// message, so that [`HAD`] has to say that it has had it. In MQTT 5 the original hands messages over when they arrive, and
    /// so does this library, unless the program wants them at their PUBREL.
    pub(super) fn record_means_pending(&self, v5: bool) -> bool {
        !v5 || matches!(
            self.acknowledge,
            Acknowledge::ByProgram {
                exactly_once: HandOver::Release,
                ..
            }
        )
    }

    /// Hands over a message that the program acknowledges. Nothing of it is stored here: what is not acknowledged comes
    /// again from the server.
    pub(super) fn deliver_unacknowledged<S: Sink<Message = M, Op = O>>(
        &mut self,
        message: M,
        qos: QoS,
        (id, kind): (u16, AckKind),
        ordered: bool,
        sink: &mut S,
    ) -> Result<(), Fault> {
        let token = self.acks.next_token(id);
        sink.deliver(message, qos, Receipt::None, Some(token))
            .map_err(|_| Fault::NotStored)?;
        self.acks.add(id, kind, ordered);
        Ok(())
    }

    /// Checks a message that the program acknowledges against what waits already. Returns false if it is the resend of one
    /// that the program has.
    pub(super) fn may_wait(&self, id: u16, dup: bool) -> Result<bool, Malformed> {
        if self.acks.contains(id) {
            // MQTT 3.1 servers send again on the same connection.
            if dup {
                return Ok(false);
            }
            return Err(Malformed::new(
                reason::PROTOCOL_ERROR,
                "PUBLISH with the packet identifier of a message that is not acknowledged",
            ));
        }
        self.check_receive_maximum()?;
        Ok(true)
    }

    /// Refuses a message at `QoS` 1 or 2 beyond those without our last acknowledgement that we said we take ([MQTT-3.3.4-9]).
    pub(super) fn check_receive_maximum(&self) -> Result<(), Malformed> {
        let open = self.received.of_this_connection() + self.acks.at_least_once();
        if self.version == Version::V5 && open >= self.limits.receive_maximum.into() {
            return Err(Malformed::new(
                reason::RECEIVE_MAXIMUM_EXCEEDED,
                "more messages in flight than our Receive Maximum",
            ));
        }
        Ok(())
    }
}
