//! What the server sends: from bytes to what each packet is about, and its messages of `QoS` 0 and 1.

use std::time::Instant;

use super::{Acknowledge, Fault, Receipt, Session, Sink};
use crate::protocol::error::Malformed;
use crate::protocol::packet::{AckKind, Publish, encode_ack};
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
}

/// Refuses problem information in packets other than CONNACK, PUBLISH and DISCONNECT for a client that has not asked for it
/// ([MQTT-3.1.2-29]).
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

/// Returns the error of a server that breaks the protocol.
pub(super) fn protocol_error(what: &'static str) -> Malformed {
    Malformed {
        reason: reason::PROTOCOL_ERROR,
        what,
    }
}
