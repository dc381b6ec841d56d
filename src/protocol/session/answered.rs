//! What the server answers to what the program asked for: how operations end.

use super::incoming::protocol_error;
use super::{Awaits, Cause, Completion, Entry, Failure, Fault, Outcome, Record, Session, Sink};
use crate::protocol::packet::{Ack, AckKind, SubAck, UnsubAck};
use crate::protocol::{Version, reason};
use crate::trace;

impl<M, O> Session<M, O> {
    pub(super) fn on_puback<S: Sink<Message = M, Op = O>>(&mut self, ack: &Ack<'_>, sink: &mut S) {
        trace!(
            Protocol,
            "{} {} <- PUBACK msgid: {}", self.socket, self.client_id, ack.packet_id
        );
        match self.inflight.get(ack.packet_id).map(|entry| entry.awaits) {
            Some(Awaits::PubAck) => self.publish_done(AckKind::PubAck, ack, sink),
            _ => self.trace_unknown("PUBACK", ack.packet_id),
        }
    }

    pub(super) fn on_pubrec<S: Sink<Message = M, Op = O>>(
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
                    if !std::mem::replace(&mut entry.sent, true) {
                        // It waited to be sent again, and need not be.
                        self.publishing += 1;
                        self.resuming += u32::from(entry.resumes);
                    }
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

    pub(super) fn on_pubcomp<S: Sink<Message = M, Op = O>>(&mut self, ack: &Ack<'_>, sink: &mut S) {
        trace!(
            Protocol,
            "{} {} <- PUBCOMP msgid:{}", self.socket, self.client_id, ack.packet_id
        );
        match self.inflight.get(ack.packet_id).map(|entry| entry.awaits) {
            Some(Awaits::PubComp) => self.publish_done(AckKind::PubComp, ack, sink),
            _ => self.trace_unknown("PUBCOMP", ack.packet_id),
        }
    }

    /// Processes the last acknowledgement of a publish.
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

    pub(super) fn on_suback<S: Sink<Message = M, Op = O>>(
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
                self.end_with(
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

    pub(super) fn on_unsuback<S: Sink<Message = M, Op = O>>(
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
                self.end_with(
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

    /// Ends an operation that was in flight, without its packet.
    pub(super) fn end_with<S: Sink<Message = M, Op = O>>(
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

fn is_error(reason: u8) -> bool {
    reason >= 0x80
}
