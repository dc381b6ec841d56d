//! What a session needs of its surroundings: where its outputs go, and the records that cover them.

use std::time::Duration;

use super::{AckToken, Completion, Token};
use crate::protocol::QoS;
use crate::protocol::outbound::Outbound;
use crate::protocol::packet::{AckKind, Publish};
use crate::protocol::property::PropertiesRef;

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
    /// The record of that packet identifier, whose PUBREL has not come, stands for the message until the program has taken it.
    /// Then it says [`HAD`] until [`Sink::release`].
    Stands(u16),
}

/// What the record of a received message says when the program has had the message and its packet identifier is still in
/// use: below MQTT 5 the PUBLISH itself would say that the program has still to get it.
///
/// No MQTT packet begins like this, so the original takes the record for a damaged one and removes it when it opens the store,
/// and earlier versions of this library set it aside at its PUBREL. Both then answer PUBREL, which is all that is left to do.
pub const HAD: &[u8] = b"\0\x0bhanded over";

/// What the session needs of its surroundings.
pub trait Sink {
    /// A received message in the form in which the program gets it.
    type Message;
    /// What the program attached to an operation.
    type Op;

    /// Returns where packets go.
    fn out(&mut self) -> &mut Outbound;
    /// Makes the owned form of a received message; an error for want of memory.
    fn message(&mut self, publish: &Publish<'_>) -> Result<Self::Message, NotStored>;
    /// Returns about how many bytes a message holds, all that it consists of.
    fn message_size(&self, message: &Self::Message) -> usize;
    /// Hands a message of that `QoS` to the program's queue. With a store it must be safe there before this returns, in one
    /// step with what becomes of the record of its receipt. Gives it back if it could not be stored.
    ///
    /// With a token the program acknowledges it. Then nothing is stored: until it is acknowledged the server has it.
    fn deliver(
        &mut self,
        message: Self::Message,
        qos: QoS,
        receipt: Receipt<'_>,
        ack: Option<AckToken>,
    ) -> Result<(), Self::Message>;
    /// Ends an operation.
    fn complete(&mut self, done: Completion<Self::Op>);
    /// Ends an operation once the outbound stream has been written up to where it is now.
    fn complete_when_written(&mut self, done: Completion<Self::Op>);
    /// Returns true if the program wants to see the message when this operation ends: then its packet is kept.
    fn wants_packet(&self, op: &Self::Op) -> bool;
    /// Tells that a publish was acknowledged by a packet of this kind.
    fn acknowledged(
        &mut self,
        kind: AckKind,
        packet_id: u16,
        reason: u8,
        properties: PropertiesRef<'_>,
    );
    /// Tells the server's answer to an AUTH of ours: with [`CONTINUE_AUTHENTICATION`] it asks for more, with [`SUCCESS`] it
    /// is content.
    ///
    /// [`CONTINUE_AUTHENTICATION`]: crate::protocol::reason::CONTINUE_AUTHENTICATION
    /// [`SUCCESS`]: crate::protocol::reason::SUCCESS
    fn authentication(&mut self, _reason: u8, _properties: PropertiesRef<'_>) {}
    /// Tells that what was in flight when the connection began is acknowledged.
    fn resumed(&mut self) {}
    /// Tells that a subscription that the session made again was refused, with that code; it is forgotten.
    fn subscription_lost(&mut self, _filter: &[u8], _code: u8) {}
    /// Writes a record before the packet goes out that it covers.
    fn store(&mut self, record: Record, packet: &[u8]) -> Result<(), NotStored>;
    /// Removes a record.
    fn discard(&mut self, record: Record);
    /// Removes the record of a received message that was handed over before its PUBREL, which has come now. Where that record
    /// [stands](Receipt::Stands) for a message that the program has not taken, another one takes its place.
    fn release(&mut self, id: u16) -> Result<(), NotStored> {
        self.discard(Record::Received(id));
        Ok(())
    }
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
    /// Reads back the `QoS` 2 message that was received under that packet identifier; nothing where the record says [`HAD`].
    fn load_received(&mut self, id: u16) -> Loaded<Option<Self::Message>>;
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
    /// The record could not be read now. The store keeps it, and the sink has it tried again ([`Session::retry`](super::Session::retry)).
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
