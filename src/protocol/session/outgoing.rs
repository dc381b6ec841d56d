//! What the program asks for: publish, subscribe, unsubscribe, disconnect.

use bytes::{Bytes, BytesMut};

use super::limits::{TOO_LARGE, check_allowed};
use super::{Awaits, Completion, Entry, Now, Outcome, Record, Refused, Session, Sink, Token};
use crate::protocol::error::Malformed;
use crate::protocol::packet::{
    Filter, Publish, encode_disconnect, encode_subscribe, encode_unsubscribe,
};
use crate::protocol::property::{Properties, PropertiesRef, Property, PropertyId};
use crate::protocol::{QoS, Version, decode};
use crate::trace;

/// How a publish was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// Its packet is in the outbound stream, under this packet identifier (0 at `QoS` 0).
    Sent(u16),
    /// It waits in the queue, under this packet identifier where it has one already, else 0.
    Queued(u16),
}

impl<M, O> Session<M, O> {
    /// Returns true if a publish of that `QoS` would be sent at once rather than wait.
    pub fn can_send(&self, qos: QoS) -> bool {
        self.online
            && self.queue.is_empty()
            && (qos == QoS::AtMostOnce || (self.quota() > 0 && self.replay.is_empty()))
    }

    /// Checks that the server takes a message, where there is a connection, on which it has said so.
    pub fn check_allowed(&self, publish: &Publish<'_>) -> Result<(), Refused> {
        if self.online {
            check_allowed(self.version, &self.limits, publish)?;
        }
        Ok(())
    }

    /// Sends a message, or queues it where `may_queue` and it cannot be sent at once.
    ///
    /// The queue keeps the order of all messages, whatever their `QoS`. Without a token of its own the message's packet
    /// identifier is its token.
    pub fn publish<S: Sink<Message = M, Op = O>>(
        &mut self,
        publish: &Publish<'_>,
        token: Option<Token>,
        op: O,
        may_queue: bool,
        now: impl Now,
        sink: &mut S,
    ) -> Result<Accepted, Refused> {
        if self.can_send(publish.qos) && !(may_queue && self.is_far_ahead(sink)) {
            check_allowed(self.version, &self.limits, publish)?;
            return self.send(publish, token, op, sink);
        }
        if !may_queue {
            return Err(Refused::Full);
        }
        if self.online {
            check_allowed(self.version, &self.limits, publish)?;
            trace!(
                Minimum,
                "Blocking on server receive maximum for client {}", self.client_id
            );
        }
        self.enqueue(publish, token, op, now, sink)
            .map(Accepted::Queued)
    }

    fn send<S: Sink<Message = M, Op = O>>(
        &mut self,
        publish: &Publish<'_>,
        token: Option<Token>,
        op: O,
        sink: &mut S,
    ) -> Result<Accepted, Refused> {
        let aliased = self.alias_of(publish)?;
        let wire = match &aliased {
            Some(aliased) => aliased.on_the_wire(publish),
            None => *publish,
        };
        if aliased.is_some() {
            // The topic may have been added.
            check_allowed(self.version, &self.limits, &wire)?;
        }
        if publish.qos == QoS::AtMostOnce {
            let packet = if sink.wants_packet(&op) {
                let packet = encode(&wire, self.version)?;
                sink.out().push(&packet);
                Some(packet)
            } else {
                wire.encode(self.version, sink.out().tail())?;
                None
            };
            self.trace_publish(&wire, 0);
            if let Some(aliased) = aliased {
                self.note_alias(aliased, true);
            }
            sink.complete_when_written(Completion {
                token: token.unwrap_or(0),
                op,
                packet,
                outcome: Outcome::written(),
            });
            self.sent_publishes += 1;
            return Ok(Accepted::Sent(0));
        }
        let id = self.inflight.next_id().ok_or(Refused::NoPacketId)?;
        let packet = encode(
            &Publish {
                packet_id: id,
                ..wire
            },
            self.version,
        )?;
        let kept = match &aliased {
            Some(aliased) => encode(
                &Publish {
                    packet_id: id,
                    ..aliased.kept(publish)
                },
                self.version,
            )?,
            None => packet.clone(),
        };
        sink.store(Record::Sent(id), &kept)?;
        sink.out().push(&packet);
        self.trace_publish(&wire, id);
        if let Some(aliased) = aliased {
            self.note_alias(aliased, true);
        }
        self.sent_publishes += 1;
        self.insert_publish(id, publish.qos, token.unwrap_or(id.into()), kept, op);
        Ok(Accepted::Sent(id))
    }

    pub(super) fn insert_publish(&mut self, id: u16, qos: QoS, token: Token, packet: Bytes, op: O) {
        let order = self.order();
        let awaits = if qos == QoS::AtLeastOnce {
            Awaits::PubAck
        } else {
            Awaits::PubRec
        };
        self.inflight.insert(
            id,
            Entry {
                token,
                order,
                awaits,
                sent: true,
                resumes: false,
                marked: false,
                packet,
                op,
            },
        );
        self.publishing += 1;
    }

    pub(super) fn trace_publish(&self, publish: &Publish<'_>, id: u16) {
        let (socket, client, qos, retained) = (
            self.socket,
            &self.client_id,
            publish.qos as u8,
            u8::from(publish.retain),
        );
        let (len, payload) = (publish.payload.len(), trace::Excerpt(publish.payload));
        if id == 0 {
            trace!(
                Protocol,
                "{socket} {client} -> PUBLISH qos: {qos} retained: {retained} rc: 0 payload len({len}): {payload}"
            );
        } else {
            trace!(
                Protocol,
                "{socket} {client} -> PUBLISH msgid: {id} qos: {qos} retained: {retained} rc 0 payload len({len}): {payload}"
            );
        }
    }

    /// Sends a SUBSCRIBE.
    pub fn subscribe<S: Sink<Message = M, Op = O>>(
        &mut self,
        filters: &[Filter<'_>],
        properties: PropertiesRef<'_>,
        token: Token,
        op: O,
        sink: &mut S,
    ) -> Result<u16, Refused> {
        self.check_remembered(filters)?;
        let id = self.inflight.next_id().ok_or(Refused::NoPacketId)?;
        let out = sink.out().tail();
        let start = out.len();
        encode_subscribe(self.version, id, filters, properties, out)?;
        self.check_size(out, start)?;
        let packet = self.keep_request(&out[start..]);
        trace!(
            Protocol,
            "{} {} -> SUBSCRIBE msgid: {id} (0)", self.socket, self.client_id
        );
        self.await_ack(
            id,
            Awaits::SubAck {
                filters: filters.len(),
            },
            packet,
            token,
            op,
        );
        Ok(id)
    }

    /// Sends an UNSUBSCRIBE.
    pub fn unsubscribe<S: Sink<Message = M, Op = O>>(
        &mut self,
        filters: &[&[u8]],
        properties: PropertiesRef<'_>,
        token: Token,
        op: O,
        sink: &mut S,
    ) -> Result<u16, Refused> {
        let id = self.inflight.next_id().ok_or(Refused::NoPacketId)?;
        let out = sink.out().tail();
        let start = out.len();
        encode_unsubscribe(self.version, id, filters, properties, out)?;
        self.check_size(out, start)?;
        let packet = self.keep_request(&out[start..]);
        trace!(
            Protocol,
            "{} {} -> UNSUBSCRIBE msgid: {id} (0)", self.socket, self.client_id
        );
        self.await_ack(
            id,
            Awaits::UnsubAck {
                filters: filters.len(),
            },
            packet,
            token,
            op,
        );
        Ok(id)
    }

    /// Takes the packet at the end of `out` back if it is larger than the server takes ([MQTT-3.2.2-15]).
    pub(super) fn check_size(&self, out: &mut BytesMut, start: usize) -> Result<(), Malformed> {
        if out.len() - start <= self.limits.server_maximum_packet_size as usize {
            return Ok(());
        }
        out.truncate(start);
        Err(TOO_LARGE)
    }

    /// Returns the packet of a SUBSCRIBE or UNSUBSCRIBE if it will be looked up, else nothing.
    fn keep_request(&self, packet: &[u8]) -> Bytes {
        if self.options.keep_requests || self.options.resubscribe {
            Bytes::copy_from_slice(packet)
        } else {
            Bytes::new()
        }
    }

    pub(super) fn await_ack(
        &mut self,
        id: u16,
        awaits: Awaits,
        packet: Bytes,
        token: Token,
        op: O,
    ) {
        let order = self.order();
        self.inflight.insert(
            id,
            Entry {
                token,
                order,
                awaits,
                sent: true,
                resumes: false,
                marked: false,
                packet,
                op,
            },
        );
    }

    /// Says DISCONNECT; nothing may be sent after it ([MQTT-3.14.4-2]).
    pub fn disconnect<S: Sink<Message = M, Op = O>>(
        &mut self,
        reason: u8,
        properties: PropertiesRef<'_>,
        sink: &mut S,
    ) -> Result<(), Malformed> {
        if !self.online {
            return Ok(());
        }
        // Also when it cannot be said: the connection ends now.
        self.online = false;
        let out = sink.out().tail();
        let start = out.len();
        encode_disconnect(self.version, reason, properties, out)?;
        if self.check_size(out, start).is_err() {
            // [MQTT-3.14.2-3], [MQTT-3.14.2-4]: what only explains is left out.
            let mut short = Properties::new();
            let expiry = |property: &Property<'_>| property.id == PropertyId::SessionExpiryInterval;
            if let Some(expiry) = properties.iter().find(expiry) {
                short.push(expiry)?;
            }
            encode_disconnect(self.version, reason, short.as_ref(), out)?;
            self.check_size(out, start)?;
        }
        trace!(
            Protocol,
            "{} {} -> DISCONNECT (0)", self.socket, self.client_id
        );
        Ok(())
    }
}

pub(super) fn encode(publish: &Publish<'_>, version: Version) -> Result<Bytes, Malformed> {
    let mut packet = BytesMut::with_capacity(publish.encoded_len(version)?);
    publish.encode(version, &mut packet)?;
    Ok(packet.freeze())
}

/// Returns the `QoS` of an encoded PUBLISH.
pub(super) fn packet_qos(packet: &[u8]) -> QoS {
    match packet[0] >> 1 & 3 {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

/// Reads an encoded PUBLISH of ours back.
pub fn view(version: Version, packet: &[u8]) -> Option<Publish<'_>> {
    let frame = decode::frame(packet, u32::MAX).ok()??;
    match decode::decode(
        version,
        frame.first,
        &packet[frame.header_len..frame.total_len],
    )
    .ok()?
    {
        decode::Packet::Publish(publish) => Some(publish),
        _ => None,
    }
}
