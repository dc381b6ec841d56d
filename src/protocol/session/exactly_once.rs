//! The server's messages of `QoS` 2, from PUBLISH to PUBCOMP.

use bytes::Bytes;

use super::incoming::protocol_error;
use super::outgoing::{encode, view};
use super::received::State;
use super::{Acknowledge, Fault, HandOver, NotStored, Receipt, Record, Session, Sink};
use crate::protocol::error::Malformed;
use crate::protocol::packet::{Ack, AckKind, Publish};
use crate::protocol::{QoS, Version, reason};
use crate::trace;

impl<M, O> Session<M, O> {
    /// A message that is here already is a resend, and only acknowledged again (`[MQTT-4.3.3-2]` in 3.1.1,
    /// `[MQTT-4.3.3-10]` in 5).
    ///
    /// The specification leaves open when the message is handed over. The original does it at its PUBREL in 3.x, so that
    /// an `r-` record holds a message which the program has not seen, and at its PUBLISH in 5, where an `r5-` record only
    /// tells a resend. A store says nothing of who left it, so the same is done here: otherwise a message would be lost or
    /// come twice when one library goes on where the other stopped. Where the program acknowledges, it says when.
    pub(super) fn on_exactly_once<S: Sink<Message = M, Op = O>>(
        &mut self,
        publish: &Publish<'_>,
        packet: &[u8],
        sink: &mut S,
    ) -> Result<(), Fault> {
        let id = publish.packet_id;
        if self.received.contains(id) {
            // Where an acknowledgement waits for the program, it is this one, and goes out in its turn.
            if !self.acks.contains(id) {
                self.ack(AckKind::PubRec, id, reason::SUCCESS, sink);
            }
            return Ok(());
        }
        if let Acknowledge::ByProgram {
            ordered,
            exactly_once,
        } = self.acknowledge
        {
            if !self.may_wait(id, publish.dup)? {
                return Ok(());
            }
            let kept = self.keep(publish, packet)?;
            // Without room to keep it until PUBREL it is handed over now.
            if exactly_once == HandOver::Publish || self.received.is_full(packet.len()) {
                let message = sink.message(publish)?;
                let ack = (id, AckKind::PubRec);
                self.deliver_unacknowledged(message, publish.qos, ack, ordered, sink)?;
                self.received.insert(id, State::Unacknowledged(kept));
                return Ok(());
            }
            sink.store(Record::Received(id), packet)?;
            self.received.insert(id, State::Kept(kept));
        } else {
            self.check_receive_maximum()?;
            let message = sink.message(publish)?;
            let state = self.keep_or_hand_over(message, publish, packet, sink)?;
            self.received.insert(id, state);
        }
        self.ack(AckKind::PubRec, id, reason::SUCCESS, sink);
        Ok(())
    }

    /// Returns a packet as it is kept for later: with its topic, for an alias means something on this connection only.
    fn keep(&self, publish: &Publish<'_>, packet: &[u8]) -> Result<Bytes, Malformed> {
        let came_so =
            view(self.version, packet).is_some_and(|as_sent| as_sent.topic == publish.topic);
        if came_so {
            return Ok(Bytes::copy_from_slice(packet));
        }
        encode(publish, self.version)
    }

    /// Keeps or hands over a new `QoS` 2 message that is acknowledged on arrival.
    fn keep_or_hand_over<S: Sink<Message = M, Op = O>>(
        &mut self,
        message: M,
        publish: &Publish<'_>,
        packet: &[u8],
        sink: &mut S,
    ) -> Result<State<M>, Fault> {
        let id = publish.packet_id;
        let mut receipt = Receipt::Kept(id, packet);
        if self.version < Version::V5 {
            sink.store(Record::Received(id), packet)?;
            let size = sink.message_size(&message);
            if !self.received.is_full(size) {
                let order = self.order();
                return Ok(State::Held {
                    order,
                    size,
                    message,
                });
            }
            // The record stays what it is until the program has taken the message: killed before, the next process hands it
            // over at its PUBREL.
            self.hand_over_held(sink)?;
            receipt = Receipt::Stands(id);
        }
        sink.deliver(message, publish.qos, receipt, None)
            .map_err(|_| Fault::NotStored)?;
        Ok(State::HandedOver)
    }

    /// Hands the messages that wait for their PUBREL over, in the order in which they came.
    fn hand_over_held<S: Sink<Message = M, Op = O>>(&mut self, sink: &mut S) -> Result<(), Fault> {
        for id in self.received.held_in_order() {
            if let Some(State::Held {
                order,
                size,
                message,
            }) = self.received.take(id)
            {
                let receipt = Receipt::Stands(id);
                if let Err(message) = sink.deliver(message, QoS::ExactlyOnce, receipt, None) {
                    let held = State::Held {
                        order,
                        size,
                        message,
                    };
                    self.received.set(id, held);
                    return Err(Fault::NotStored);
                }
            }
        }
        Ok(())
    }

    pub(super) fn on_pubrel<S: Sink<Message = M, Op = O>>(
        &mut self,
        ack: &Ack<'_>,
        sink: &mut S,
    ) -> Result<(), Fault> {
        let id = ack.packet_id;
        trace!(
            Protocol,
            "{} {} <- PUBREL msgid {id}", self.socket, self.client_id
        );
        match self.acks.kind(id) {
            // The acknowledgement that this one asks for waits for the program.
            Some(AckKind::PubComp) => return Ok(()),
            Some(AckKind::PubRec) => {
                return Err(protocol_error("PUBREL for a message without PUBREC").into());
            }
            _ => {}
        }
        if matches!(self.received.state(id), Some(State::Stored | State::Unread)) {
            if let Some(reason) = self.hand_over_stored(id, sink)? {
                self.ack(AckKind::PubComp, id, reason, sink);
            }
            return Ok(());
        }
        let mut reason = reason::SUCCESS;
        let released = Receipt::Released(id);
        match self.received.take(id) {
            Some(State::Held {
                order,
                size,
                message,
            }) => {
                if let Err(message) = sink.deliver(message, QoS::ExactlyOnce, released, None) {
                    // The server will send its PUBREL again.
                    let held = State::Held {
                        order,
                        size,
                        message,
                    };
                    self.received.set(id, held);
                    return Err(Fault::NotStored);
                }
            }
            Some(State::Kept(packet)) => return self.hand_over_kept(id, packet, sink),
            Some(State::HandedOver) => sink.release(id)?,
            Some(_) => sink.discard(Record::Received(id)),
            None => reason = reason::PACKET_IDENTIFIER_NOT_FOUND,
        }
        self.received.remove(id);
        self.ack(AckKind::PubComp, id, reason, sink);
        Ok(())
    }

    /// Hands over a message that was kept for its PUBREL, and is taken out of the table, where its entry stays.
    fn hand_over_kept<S: Sink<Message = M, Op = O>>(
        &mut self,
        id: u16,
        packet: Bytes,
        sink: &mut S,
    ) -> Result<(), Fault> {
        if self.acks.contains(id) {
            // The server has used the identifier for another message meanwhile, which the program has not acknowledged.
            self.received.set(id, State::Kept(packet));
            return Err(Malformed::new(
                reason::PROTOCOL_ERROR,
                "PUBREL: its packet identifier is another message's",
            )
            .into());
        }
        let publish = view(self.version, &packet);
        let message = publish
            .ok_or(NotStored)
            .and_then(|publish| sink.message(&publish));
        let (message, ordered) = match (message, self.acknowledge) {
            (Ok(message), Acknowledge::ByProgram { ordered, .. }) => (message, ordered),
            // The program has changed who acknowledges.
            (Ok(message), Acknowledge::OnArrival) => {
                let released = Receipt::Released(id);
                let delivered = sink.deliver(message, QoS::ExactlyOnce, released, None);
                if delivered.is_err() {
                    self.received.set(id, State::Kept(packet));
                    return Err(Fault::NotStored);
                }
                self.received.remove(id);
                self.ack(AckKind::PubComp, id, reason::SUCCESS, sink);
                return Ok(());
            }
            (Err(error), _) => {
                self.received.set(id, State::Kept(packet));
                return Err(error.into());
            }
        };
        self.received.set(id, State::Released(packet));
        let ack = (id, AckKind::PubComp);
        self.deliver_unacknowledged(message, QoS::ExactlyOnce, ack, ordered, sink)
    }
}
