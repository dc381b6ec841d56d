//! What the program asks for: publish, subscribe, unsubscribe, disconnect.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::{
    Awaits, Cause, Completion, Entry, Failure, Limits, Loaded, Outcome, Queued, Record, Refused,
    Session, Sink, Stored, Token,
};
use crate::protocol::error::Malformed;
use crate::protocol::packet::{
    Filter, Publish, encode_disconnect, encode_subscribe, encode_unsubscribe,
    message_expiry_offset, set_packet_id, set_request_id,
};
use crate::protocol::property::{Properties, PropertiesRef, Property, PropertyId};
use crate::protocol::{QoS, Version, decode, reason};
use crate::trace;

/// How many messages one [`Session::release`] reads back from a store: it may be slow, and others wait for the session.
pub(super) const LOADS: usize = 64;

/// How a publish was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// Its packet is in the outbound stream, under this packet identifier (0 at `QoS` 0).
    Sent(u16),
    /// It waits in the queue.
    Queued,
}

impl<M, O> Session<M, O> {
    /// Whether a publish of that `QoS` would be sent at once rather than wait.
    pub fn can_send(&self, qos: QoS) -> bool {
        self.online
            && self.queue.is_empty()
            && (qos == QoS::AtMostOnce || (self.quota() > 0 && self.replay.is_empty()))
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
        now: Instant,
        sink: &mut S,
    ) -> Result<Accepted, Refused> {
        if self.can_send(publish.qos) {
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
        let token = match token {
            Some(token) => token,
            None => self.token(),
        };
        self.enqueue(publish, token, op, now, sink)
            .map(|()| Accepted::Queued)
    }

    fn send<S: Sink<Message = M, Op = O>>(
        &mut self,
        publish: &Publish<'_>,
        token: Option<Token>,
        op: O,
        sink: &mut S,
    ) -> Result<Accepted, Refused> {
        let keep = self.without_alias(publish)?;
        if publish.qos == QoS::AtMostOnce {
            let packet = if sink.wants_packet(&op) {
                let packet = encode(publish, self.version)?;
                sink.out().push(&packet);
                Some(packet)
            } else {
                publish.encode(self.version, sink.out().tail())?;
                None
            };
            self.trace_publish(publish, 0);
            sink.complete_when_written(Completion {
                token: token.unwrap_or(0),
                op,
                packet,
                outcome: Outcome::written(),
            });
            return Ok(Accepted::Sent(0));
        }
        let id = self.inflight.next_id().ok_or(Refused::NoPacketId)?;
        let with_id = Publish {
            packet_id: id,
            ..*publish
        };
        let packet = encode(&with_id, self.version)?;
        let kept = match &keep {
            Some((topic, properties)) => encode(
                &Publish {
                    topic,
                    properties: properties.as_ref(),
                    ..with_id
                },
                self.version,
            )?,
            None => packet.clone(),
        };
        sink.store(Record::Sent(id), &kept)?;
        sink.out().push(&packet);
        self.trace_publish(publish, id);
        self.insert_publish(id, publish.qos, token.unwrap_or(id.into()), kept, op);
        Ok(Accepted::Sent(id))
    }

    /// An alias means something on this connection only: what is kept for a replay carries the topic instead.
    ///
    /// Returns the full topic and the properties without the alias; nothing where there is no alias.
    fn without_alias(
        &mut self,
        publish: &Publish<'_>,
    ) -> Result<Option<(Vec<u8>, Properties)>, Malformed> {
        let Some(alias) = publish.properties.number(PropertyId::TopicAlias) else {
            return Ok(None);
        };
        let alias = u16::try_from(alias).unwrap_or(u16::MAX);
        let topic = if publish.topic.is_empty() {
            let known = self.own_aliases.get(&alias).ok_or(Malformed {
                reason: reason::TOPIC_ALIAS_INVALID,
                what: "an alias without topic that was not set on this connection",
            })?;
            known.to_vec()
        } else {
            self.own_aliases.insert(alias, publish.topic.into());
            publish.topic.to_vec()
        };
        let mut properties = Properties::new();
        for property in publish.properties.iter() {
            if property.id != PropertyId::TopicAlias {
                properties.push(property)?;
            }
        }
        Ok(Some((topic, properties)))
    }

    fn enqueue<S: Sink<Message = M, Op = O>>(
        &mut self,
        publish: &Publish<'_>,
        token: Token,
        op: O,
        now: Instant,
        sink: &mut S,
    ) -> Result<(), Refused> {
        let keep = self.without_alias(publish)?;
        let publish = match &keep {
            Some((topic, properties)) => Publish {
                topic,
                properties: properties.as_ref(),
                ..*publish
            },
            None => *publish,
        };
        let mut packet = BytesMut::with_capacity(publish.encoded_len(self.version)?);
        publish.encode(self.version, &mut packet)?;
        let expires = publish
            .properties
            .number(PropertyId::MessageExpiryInterval)
            .map(|seconds| now + Duration::from_secs(seconds.into()));
        let record = sink.store_queued(&publish, token)?;
        self.queue.push_back(Queued {
            token,
            packet: packet.into(),
            expires,
            record,
            op,
        });
        Ok(())
    }

    /// Sends what waited, as far as the quota goes.
    pub fn release<S: Sink<Message = M, Op = O>>(&mut self, now: Instant, sink: &mut S) {
        self.unreleased = false;
        if !self.online {
            return;
        }
        let mut loaded = 0;
        while let (Some(&id), true) = (self.replay.front(), self.quota() > 0) {
            if self.is_unread(id) {
                if loaded == LOADS {
                    self.unreleased = true;
                    return;
                }
                loaded += 1;
                self.replay.pop_front();
                if !self.load_sent(id, sink) {
                    continue;
                }
            } else {
                self.replay.pop_front();
            }
            self.resend_publish(id, sink);
        }
        if !self.replay.is_empty() {
            return;
        }
        while let Some(next) = self.queue.front_mut() {
            if let (true, Some(record)) = (next.packet.is_empty(), next.record) {
                if loaded == LOADS {
                    self.unreleased = true;
                    return;
                }
                loaded += 1;
                match sink.load_queued(record) {
                    Loaded::Ready(Stored::Publish { packet, waited }) => {
                        if self.version == Version::V5 {
                            next.expires = expiry(&packet, waited, now);
                        }
                        next.packet = packet;
                    }
                    Loaded::Ready(Stored::Request { packet, filters }) => {
                        if !self.send_request(packet, filters, sink) {
                            return;
                        }
                        continue;
                    }
                    Loaded::Later => {
                        self.put_off.extend(self.queue.pop_front());
                        continue;
                    }
                    Loaded::Damaged { in_place } => {
                        if in_place {
                            next.record = None;
                        }
                        self.fail_oldest(Failure::of(Cause::NotStored), sink);
                        continue;
                    }
                }
            }
            let qos = packet_qos(&next.packet);
            if next.expires.is_some_and(|at| now >= at) {
                trace!(
                    Minimum,
                    "A message of client {} expired while it waited", self.client_id
                );
                self.fail_oldest(Failure::of(Cause::Expired), sink);
                continue;
            }
            let id = if qos == QoS::AtMostOnce {
                0
            } else if self.publishing >= self.limits.quota() {
                return;
            } else if let Some(id) = self.inflight.next_id() {
                id
            } else {
                return;
            };
            prepare(next, id, now);
            let refused = view(self.version, &next.packet)
                .and_then(|publish| check_allowed(self.version, &self.limits, &publish).err());
            if let Some(refused) = refused {
                let failure = Failure {
                    reason: refused.reason,
                    ..Failure::of(Cause::NotAllowed)
                };
                self.fail_oldest(failure, sink);
                continue;
            }
            if id != 0 && sink.promote(next.record, id, &next.packet).is_err() {
                // The message stays where it is, nothing is lost. The sink, which refused, has it tried again (`retry`).
                return;
            }
            if let Some(queued) = self.queue.pop_front() {
                self.send_queued(queued, qos, id, sink);
            }
        }
    }

    /// The queue's first message is ready and goes out under the packet identifier it was given.
    fn send_queued<S: Sink<Message = M, Op = O>>(
        &mut self,
        queued: Queued<O>,
        qos: QoS,
        id: u16,
        sink: &mut S,
    ) {
        if let (Some(record), 0) = (queued.record, id) {
            sink.discard(Record::Queued(record));
        }
        let packet = Bytes::from(queued.packet);
        sink.out().push(&packet);
        if trace::enabled(trace::Level::Protocol) {
            if let Some(publish) = view(self.version, &packet) {
                self.trace_publish(&publish, id);
            }
        }
        if id == 0 {
            let packet = sink.wants_packet(&queued.op).then_some(packet);
            sink.complete_when_written(Completion {
                token: queued.token,
                op: queued.op,
                packet,
                outcome: Outcome::written(),
            });
        } else {
            self.insert_publish(id, qos, queued.token, packet, queued.op);
        }
    }

    /// The queue's first entry is a SUBSCRIBE or an UNSUBSCRIBE that another process left. False: no packet identifier is
    /// free, so it stays.
    fn send_request<S: Sink<Message = M, Op = O>>(
        &mut self,
        mut packet: Vec<u8>,
        filters: usize,
        sink: &mut S,
    ) -> bool {
        let Some(id) = self.inflight.next_id() else {
            return false;
        };
        if packet.len() > self.limits.server_maximum_packet_size as usize {
            let failure = Failure {
                reason: TOO_LARGE.reason,
                ..Failure::of(Cause::NotAllowed)
            };
            self.fail_oldest(failure, sink);
            return true;
        }
        set_request_id(&mut packet, id);
        let Some(queued) = self.queue.pop_front() else {
            return true;
        };
        // Requests in flight have no record, as in the original: without an answer they fail with the connection.
        if let Some(record) = queued.record {
            sink.discard(Record::Queued(record));
        }
        let (name, awaits) = if packet[0] >> 4 == 8 {
            ("SUBSCRIBE", Awaits::SubAck { filters })
        } else {
            ("UNSUBSCRIBE", Awaits::UnsubAck { filters })
        };
        sink.out().push(&Bytes::from(packet));
        trace!(
            Protocol,
            "{} {} -> {name} msgid: {id} (0)", self.socket, self.client_id
        );
        self.await_ack(id, awaits, queued.token, queued.op);
        true
    }

    fn insert_publish(&mut self, id: u16, qos: QoS, token: Token, packet: Bytes, op: O) {
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
                packet,
                op,
            },
        );
        self.publishing += 1;
    }

    fn fail_oldest<S: Sink<Message = M, Op = O>>(&mut self, failure: Failure, sink: &mut S) {
        let Some(queued) = self.queue.pop_front() else {
            return;
        };
        if let Some(record) = queued.record {
            sink.discard(Record::Queued(record));
        }
        sink.complete(Completion {
            token: queued.token,
            packet: None,
            op: queued.op,
            outcome: Outcome::Failed(failure),
        });
    }

    /// Takes the oldest queued message out, to make room for a newer one.
    pub fn drop_oldest<S: Sink<Message = M, Op = O>>(&mut self, sink: &mut S) {
        self.fail_oldest(Failure::of(Cause::Dropped), sink);
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
        let id = self.inflight.next_id().ok_or(Refused::NoPacketId)?;
        let out = sink.out().tail();
        let start = out.len();
        encode_subscribe(self.version, id, filters, properties, out)?;
        self.check_size(out, start)?;
        trace!(
            Protocol,
            "{} {} -> SUBSCRIBE msgid: {id} (0)", self.socket, self.client_id
        );
        self.await_ack(
            id,
            Awaits::SubAck {
                filters: filters.len(),
            },
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
        trace!(
            Protocol,
            "{} {} -> UNSUBSCRIBE msgid: {id} (0)", self.socket, self.client_id
        );
        self.await_ack(
            id,
            Awaits::UnsubAck {
                filters: filters.len(),
            },
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

    fn await_ack(&mut self, id: u16, awaits: Awaits, token: Token, op: O) {
        let order = self.order();
        self.inflight.insert(
            id,
            Entry {
                token,
                order,
                awaits,
                sent: true,
                packet: Bytes::new(),
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

const TOO_LARGE: Malformed = Malformed {
    reason: reason::PACKET_TOO_LARGE,
    what: "larger than the server's maximum packet size",
};

/// What the server said it does not take is not sent ([MQTT-3.2.2-11], [MQTT-3.2.2-14], [MQTT-3.2.2-15],
/// [MQTT-3.2.2-17], [MQTT-3.2.2-18]).
pub(super) fn check_allowed(
    version: Version,
    limits: &Limits,
    publish: &Publish<'_>,
) -> Result<(), Malformed> {
    if version < Version::V5 {
        return Ok(());
    }
    if publish.qos as u8 > limits.maximum_qos as u8 {
        return Err(Malformed {
            reason: reason::QOS_NOT_SUPPORTED,
            what: "the server does not take this QoS",
        });
    }
    if publish.retain && !limits.retain_available {
        return Err(Malformed {
            reason: reason::RETAIN_NOT_SUPPORTED,
            what: "the server does not take retained messages",
        });
    }
    if let Some(alias) = publish.properties.number(PropertyId::TopicAlias) {
        if alias > limits.server_topic_alias_maximum.into() {
            return Err(Malformed {
                reason: reason::TOPIC_ALIAS_INVALID,
                what: "topic alias above the server's maximum",
            });
        }
    }
    if publish.encoded_len(version)? > limits.server_maximum_packet_size as usize {
        return Err(TOO_LARGE);
    }
    Ok(())
}

/// When a message ends that was stored with its interval and has waited for so long.
fn expiry(packet: &[u8], waited: Duration, now: Instant) -> Option<Instant> {
    let at = message_expiry_offset(packet)?;
    let seconds = packet.get(at..at + 4)?.try_into().ok()?;
    let life = Duration::from_secs(u32::from_be_bytes(seconds).into());
    Some(now + life.saturating_sub(waited))
}

/// Fits a message that waited to the moment: its packet identifier, and what is left of its life.
fn prepare<O>(queued: &mut Queued<O>, id: u16, now: Instant) {
    set_packet_id(&mut queued.packet, id);
    let Some(expires) = queued.expires else {
        return;
    };
    if let Some(at) = message_expiry_offset(&queued.packet) {
        // [MQTT-3.3.2-6] asks the server to count down; a client that held the message owes the same.
        let left = u32::try_from((expires - now).as_secs())
            .unwrap_or(u32::MAX)
            .max(1);
        queued.packet[at..at + 4].copy_from_slice(&left.to_be_bytes());
    }
}

fn encode(publish: &Publish<'_>, version: Version) -> Result<Bytes, Malformed> {
    let mut packet = BytesMut::with_capacity(publish.encoded_len(version)?);
    publish.encode(version, &mut packet)?;
    Ok(packet.freeze())
}

/// `QoS` of an encoded PUBLISH.
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
