//! What the server sends.

use std::time::Instant;

use bytes::Bytes;

use super::outgoing::{encode, view};
use super::received::State;
use super::{
    Acknowledge, Awaits, Cause, Completion, Entry, Failure, Fault, HandOver, NotStored, Outcome,
    Receipt, Record, Session, Sink,
};
use crate::protocol::error::Malformed;
use crate::protocol::packet::{Ack, AckKind, Publish, SubAck, UnsubAck, encode_ack};
use crate::protocol::{QoS, Version, decode, handshake, reason};
use crate::trace;

impl<M, O> Session<M, O> {
    /// Processes the whole packets at the start of `bytes` and says how many bytes they took.
    pub fn receive<S: Sink<Message = M, Op = O>>(
        &mut self,
        bytes: &[u8],
        now: Instant,
        sink: &mut S,
    ) -> Result<usize, Fault> {
        if !self.online {
            // We have said DISCONNECT, and may not answer any more ([MQTT-3.14.4-1]): the server sends it again in the next
            // connection.
            return Ok(bytes.len());
        }
        self.keep_alive.received(now);
        let mut used = 0;
        while let Some(frame) = decode::frame(&bytes[used..], self.limits.maximum_packet_size)? {
            let packet = &bytes[used..used + frame.total_len];
            self.packet(frame.first, packet, &packet[frame.header_len..], sink)?;
            used += frame.total_len;
        }
        self.release(now, sink);
        Ok(used)
    }

    fn packet<S: Sink<Message = M, Op = O>>(
        &mut self,
        first: u8,
        packet: &[u8],
        body: &[u8],
        sink: &mut S,
    ) -> Result<(), Fault> {
        use decode::Packet;
        let decoded = decode::decode(self.version, first, body)?;
        if !self.limits.problem_information {
            check_no_problem_information(&decoded)?;
        }
        match decoded {
            Packet::Publish(publish) => self.on_publish(&publish, packet, sink)?,
            Packet::PubAck(ack) => self.on_puback(&ack, sink),
            Packet::PubRec(ack) => self.on_pubrec(&ack, sink)?,
            Packet::PubRel(ack) => self.on_pubrel(&ack, sink)?,
            Packet::PubComp(ack) => self.on_pubcomp(&ack, sink),
            Packet::SubAck(ack) => self.on_suback(&ack, sink)?,
            Packet::UnsubAck(ack) => self.on_unsuback(&ack, sink)?,
            Packet::PingResp => {
                trace!(Protocol, "{} {} <- PINGRESP", self.socket, self.client_id);
            }
            Packet::Disconnect(disconnect) => {
                return Err(Fault::Disconnected {
                    reason: disconnect.reason,
                    properties: disconnect.properties.into(),
                });
            }
            Packet::Auth(auth) => self.on_auth(&auth, sink)?,
            Packet::ConnAck(_) => {
                return Err(protocol_error("a second CONNACK").into());
            }
        }
        Ok(())
    }

    fn on_publish<S: Sink<Message = M, Op = O>>(
        &mut self,
        publish: &Publish<'_>,
        packet: &[u8],
        sink: &mut S,
    ) -> Result<(), Fault> {
        trace!(
            Protocol,
            "{} {} <- PUBLISH msgid: {} qos: {} retained: {} payload len({}): {}",
            self.socket,
            self.client_id,
            publish.packet_id,
            publish.qos as u8,
            u8::from(publish.retain),
            publish.payload.len(),
            trace::Excerpt(publish.payload)
        );
        let topic = if self.version == Version::V5 {
            self.check_alias(publish)?
        } else {
            None
        };
        let resolved;
        let publish = match &topic {
            Some(topic) => {
                resolved = Publish { topic, ..*publish };
                &resolved
            }
            None => publish,
        };
        match publish.qos {
            QoS::AtMostOnce => {
                let message = sink.message(publish)?;
                sink.deliver(message, publish.qos, Receipt::None, None)
                    .map_err(|_| Fault::NotStored)
            }
            QoS::AtLeastOnce => self.on_at_least_once(publish, sink),
            QoS::ExactlyOnce => self.on_exactly_once(publish, packet, sink),
        }
    }

    fn on_at_least_once<S: Sink<Message = M, Op = O>>(
        &mut self,
        publish: &Publish<'_>,
        sink: &mut S,
    ) -> Result<(), Fault> {
        let id = publish.packet_id;
        if let Acknowledge::ByProgram { ordered, .. } = self.acknowledge {
            if !self.may_wait(id, publish.dup)? {
                return Ok(());
            }
            let message = sink.message(publish)?;
            let ack = (id, AckKind::PubAck);
            return self.deliver_unacknowledged(message, publish.qos, ack, ordered, sink);
        }
        let message = sink.message(publish)?;
        sink.deliver(message, publish.qos, Receipt::None, None)
            .map_err(|_| Fault::NotStored)?;
        self.ack(AckKind::PubAck, id, reason::SUCCESS, sink);
        Ok(())
    }

    /// A message that is here already is a resend, and only acknowledged again (`[MQTT-4.3.3-2]` in 3.1.1,
    /// `[MQTT-4.3.3-10]` in 5).
    ///
    /// The specification leaves open when the message is handed over. The original does it at its PUBREL in 3.x, so that
    /// an `r-` record holds a message which the program has not seen, and at its PUBLISH in 5, where an `r5-` record only
    /// tells a resend. A store says nothing of who left it, so the same is done here: otherwise a message would be lost or
    /// come twice when one library goes on where the other stopped. Where the program acknowledges, it says when.
    fn on_exactly_once<S: Sink<Message = M, Op = O>>(
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

    /// A new `QoS` 2 message that is acknowledged on arrival.
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
            let size = sink.message_size(&message);
            if !self.received.is_full(size) {
                sink.store(Record::Received(id), packet)?;
                let order = self.order();
                return Ok(State::Held {
                    order,
                    size,
                    message,
                });
            }
            // No record: after a crash the server either sends PUBREL, which is answered whether the message is known or
            // not, or has no PUBREC and sends the message again.
            self.hand_over_held(sink)?;
            receipt = Receipt::None;
        }
        sink.deliver(message, publish.qos, receipt, None)
            .map_err(|_| Fault::NotStored)?;
        Ok(State::HandedOver)
    }

    /// Hands the messages that wait for their PUBREL over, in the order in which they came.
    fn hand_over_held<S: Sink<Message = M, Op = O>>(&mut self, sink: &mut S) -> Result<(), Fault> {
        for id in self.received.held_in_order() {
            if let Some((message, back)) = self.received.take_held(id) {
                let receipt = Receipt::Released(id);
                if let Err(message) = sink.deliver(message, QoS::ExactlyOnce, receipt, None) {
                    self.received.set(id, back(message));
                    return Err(Fault::NotStored);
                }
            }
        }
        Ok(())
    }

    pub(super) fn ack<S: Sink<Message = M, Op = O>>(
        &mut self,
        kind: AckKind,
        id: u16,
        reason: u8,
        sink: &mut S,
    ) {
        let out = sink.out();
        let before = out.tail().len();
        encode_ack(kind, self.version, id, reason, out.tail());
        self.replies.add(out.tail().len() - before, out.position());
        let (socket, client) = (self.socket, &self.client_id);
        match kind {
            AckKind::PubAck => trace!(Protocol, "{socket} {client} -> PUBACK msgid: {id} (0)"),
            AckKind::PubRec => trace!(Protocol, "{socket} {client} -> PUBREC msgid: {id} (0)"),
            AckKind::PubRel => trace!(Protocol, "{socket} {client} -> PUBREL msgid: {id} (0)"),
            AckKind::PubComp => trace!(Protocol, "{socket} {client} -> PUBCOMP msgid {id} (0)"),
        }
    }

    fn on_puback<S: Sink<Message = M, Op = O>>(&mut self, ack: &Ack<'_>, sink: &mut S) {
        trace!(
            Protocol,
            "{} {} <- PUBACK msgid: {}", self.socket, self.client_id, ack.packet_id
        );
        match self.inflight.get(ack.packet_id).map(|entry| entry.awaits) {
            Some(Awaits::PubAck) => self.publish_done(AckKind::PubAck, ack, sink),
            _ => self.trace_unknown("PUBACK", ack.packet_id),
        }
    }

    fn on_pubrec<S: Sink<Message = M, Op = O>>(
        &mut self,
        ack: &Ack<'_>,
        sink: &mut S,
    ) -> Result<(), Fault> {
        let id = ack.packet_id;
        trace!(
            Protocol,
            "{} {} <- PUBREC msgid: {id}", self.socket, self.client_id
        );
        match self.inflight.get(id).map(|entry| entry.awaits) {
            Some(Awaits::PubRec) if is_error(ack.reason) => {
                self.publish_done(AckKind::PubRec, ack, sink);
            }
            Some(Awaits::PubRec) => {
                let at = sink.out().tail().len();
                self.ack(AckKind::PubRel, id, reason::SUCCESS, sink);
                let pubrel = sink.out().tail()[at..].to_vec();
                if sink.store(Record::Released(id), &pubrel).is_err() {
                    // Not even with the last words of the connection: the server would forget the message, and take the
                    // PUBLISH that the store has for a new one.
                    sink.out().tail().truncate(at);
                    return Err(Fault::NotStored);
                }
                sink.acknowledged(AckKind::PubRec, id, ack.reason, ack.properties);
                let order = self.order();
                if let Some(entry) = self.inflight.get_mut(id) {
                    entry.awaits = Awaits::PubComp;
                    entry.order = order;
                }
            }
            // A resent PUBREC: its PUBREL was lost on the way ([MQTT-4.3.3-4] in 5).
            Some(Awaits::PubComp) => self.ack(AckKind::PubRel, id, reason::SUCCESS, sink),
            _ => {
                self.trace_unknown("PUBREC", id);
                if !is_error(ack.reason) {
                    self.ack(
                        AckKind::PubRel,
                        id,
                        reason::PACKET_IDENTIFIER_NOT_FOUND,
                        sink,
                    );
                }
            }
        }
        Ok(())
    }

    fn on_pubcomp<S: Sink<Message = M, Op = O>>(&mut self, ack: &Ack<'_>, sink: &mut S) {
        trace!(
            Protocol,
            "{} {} <- PUBCOMP msgid:{}", self.socket, self.client_id, ack.packet_id
        );
        match self.inflight.get(ack.packet_id).map(|entry| entry.awaits) {
            Some(Awaits::PubComp) => self.publish_done(AckKind::PubComp, ack, sink),
            _ => self.trace_unknown("PUBCOMP", ack.packet_id),
        }
    }

    /// The last acknowledgement of a publish.
    fn publish_done<S: Sink<Message = M, Op = O>>(
        &mut self,
        kind: AckKind,
        ack: &Ack<'_>,
        sink: &mut S,
    ) {
        let id = ack.packet_id;
        let Some(entry) = self.remove(id) else {
            return;
        };
        trace!(
            Minimum,
            "{} received from client {} for message id {id} - removing publication",
            match kind {
                AckKind::PubAck => "PUBACK",
                AckKind::PubRec => "PUBREC",
                AckKind::PubRel => "PUBREL",
                AckKind::PubComp => "PUBCOMP",
            },
            self.client_id
        );
        // In this order: a PUBLISH that were left in the store without its PUBREL would be sent again after a crash, and
        // reach the server's subscribers twice.
        sink.discard(Record::Sent(id));
        if matches!(entry.awaits, Awaits::PubComp) {
            sink.discard(Record::Released(id));
        }
        sink.acknowledged(kind, id, ack.reason, ack.properties);
        // A PUBCOMP with "packet identifier not found" is a failure too, as the original has it: the server has forgotten the
        // message, and nobody knows whether it had passed it on.
        let outcome = if is_error(ack.reason) {
            Outcome::Failed(Failure {
                cause: Cause::Refused,
                reason: ack.reason,
                properties: ack.properties.into(),
                packet_type: match kind {
                    AckKind::PubAck => 4,
                    AckKind::PubRec => 5,
                    AckKind::PubRel => 6,
                    AckKind::PubComp => 7,
                },
            })
        } else {
            Outcome::Published {
                reason: ack.reason,
                properties: ack.properties.into(),
            }
        };
        // Of a PUBREL that stands alone in a store nobody knows the message.
        let wanted = sink.wants_packet(&entry.op) && !entry.packet.is_empty();
        let packet = wanted.then_some(entry.packet);
        sink.complete(Completion {
            token: entry.token,
            op: entry.op,
            packet,
            outcome,
        });
    }

    /// Takes an entry out and gives its share of the quota back.
    pub(super) fn remove(&mut self, id: u16) -> Option<Entry<O>> {
        let entry = self.inflight.remove(id)?;
        if entry.sent && !entry.awaits.is_request() {
            self.publishing -= 1;
            if entry.resumes {
                self.resuming -= 1;
            }
        }
        Some(entry)
    }

    fn on_pubrel<S: Sink<Message = M, Op = O>>(
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
        match self.received.remove(id) {
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
                    self.received.insert(id, held);
                    return Err(Fault::NotStored);
                }
            }
            Some(State::Kept(packet)) => return self.hand_over_kept(id, packet, sink),
            Some(_) => sink.discard(Record::Received(id)),
            None => reason = reason::PACKET_IDENTIFIER_NOT_FOUND,
        }
        self.ack(AckKind::PubComp, id, reason, sink);
        Ok(())
    }

    /// Hands over a message that was kept for its PUBREL, and is not in the table now.
    fn hand_over_kept<S: Sink<Message = M, Op = O>>(
        &mut self,
        id: u16,
        packet: Bytes,
        sink: &mut S,
    ) -> Result<(), Fault> {
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
                    self.received.insert(id, State::Kept(packet));
                    return Err(Fault::NotStored);
                }
                self.ack(AckKind::PubComp, id, reason::SUCCESS, sink);
                return Ok(());
            }
            (Err(error), _) => {
                self.received.insert(id, State::Kept(packet));
                return Err(error.into());
            }
        };
        self.received.insert(id, State::Released(packet));
        let ack = (id, AckKind::PubComp);
        self.deliver_unacknowledged(message, QoS::ExactlyOnce, ack, ordered, sink)
    }

    fn on_suback<S: Sink<Message = M, Op = O>>(
        &mut self,
        ack: &SubAck<'_>,
        sink: &mut S,
    ) -> Result<(), Fault> {
        let id = ack.packet_id;
        trace!(
            Protocol,
            "{} {} <- SUBACK msgid: {id}", self.socket, self.client_id
        );
        if self.resubscribed(id, ack.codes, sink) {
            return Ok(());
        }
        match self.inflight.get(id).map(|entry| entry.awaits) {
            Some(Awaits::SubAck { filters }) if filters == ack.codes.len() => {
                if let Some(entry) = self.inflight.get(id) {
                    let packet = entry.packet.clone();
                    self.remember(&packet, ack.codes);
                }
                self.subscription_done(
                    id,
                    Outcome::Subscribed {
                        codes: ack.codes.to_vec(),
                        properties: ack.properties.into(),
                    },
                    sink,
                );
                Ok(())
            }
            // [MQTT-3.8.4-5]: one code a filter.
            Some(Awaits::SubAck { .. }) => {
                Err(protocol_error("SUBACK with the wrong number of codes").into())
            }
            _ => {
                self.trace_unknown("SUBACK", id);
                Ok(())
            }
        }
    }

    fn on_unsuback<S: Sink<Message = M, Op = O>>(
        &mut self,
        ack: &UnsubAck<'_>,
        sink: &mut S,
    ) -> Result<(), Fault> {
        let id = ack.packet_id;
        trace!(
            Protocol,
            "{} {} <- UNSUBACK msgid: {id}", self.socket, self.client_id
        );
        match self.inflight.get(id).map(|entry| entry.awaits) {
            Some(Awaits::UnsubAck { filters })
                if self.version < Version::V5 || filters == ack.codes.len() =>
            {
                if let Some(entry) = self.inflight.get(id) {
                    let packet = entry.packet.clone();
                    self.forget(&packet);
                }
                self.subscription_done(
                    id,
                    Outcome::Unsubscribed {
                        codes: ack.codes.to_vec(),
                        properties: ack.properties.into(),
                    },
                    sink,
                );
                Ok(())
            }
            // [MQTT-3.10.4-5]: one code a filter.
            Some(Awaits::UnsubAck { .. }) => {
                Err(protocol_error("UNSUBACK with the wrong number of codes").into())
            }
            _ => {
                self.trace_unknown("UNSUBACK", id);
                Ok(())
            }
        }
    }

    fn subscription_done<S: Sink<Message = M, Op = O>>(
        &mut self,
        id: u16,
        outcome: Outcome,
        sink: &mut S,
    ) {
        if let Some(entry) = self.remove(id) {
            sink.complete(Completion {
                token: entry.token,
                op: entry.op,
                packet: None,
                outcome,
            });
        }
    }

    fn trace_unknown(&self, packet: &str, id: u16) {
        trace!(
            Minimum,
            "Packet {packet} received from client {} for message identifier {id}, but no record of that message identifier found",
            self.client_id
        );
    }
}

/// Only CONNACK, PUBLISH and DISCONNECT say more than they must to a client that has not asked for it ([MQTT-3.1.2-29]).
fn check_no_problem_information(packet: &decode::Packet<'_>) -> Result<(), Malformed> {
    use decode::Packet;
    let properties = match packet {
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            ack.properties
        }
        Packet::SubAck(ack) => ack.properties,
        Packet::UnsubAck(ack) => ack.properties,
        Packet::Auth(auth) => auth.properties,
        Packet::ConnAck(_) | Packet::Publish(_) | Packet::PingResp | Packet::Disconnect(_) => {
            return Ok(());
        }
    };
    handshake::check_no_problem_information(properties)
}

fn is_error(reason: u8) -> bool {
    reason >= 0x80
}

fn protocol_error(what: &'static str) -> Malformed {
    Malformed {
        reason: reason::PROTOCOL_ERROR,
        what,
    }
}
