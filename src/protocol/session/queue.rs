//! Messages that wait: for a connection, for quota, or in a store.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::lifecycle::fail;
use super::limits::{TOO_LARGE, check_allowed};
use super::outgoing::{packet_qos, view};
use super::{
    Awaits, Cause, Completion, Failure, Loaded, Now, Outcome, Queued, Record, Refused, Session,
    Sink, Stored, Token,
};
use crate::protocol::packet::{Publish, message_expiry_offset, set_packet_id, set_request_id};
use crate::protocol::property::PropertyId;
use crate::protocol::{QoS, Version};
use crate::trace;

/// How many messages one [`Session::release`] reads back from a store: it may be slow, and others wait for the session.
pub(super) const LOADS: usize = 64;

/// With more bytes than this in the stream that the socket has not taken, messages wait in the queue, where the program's limit
/// counts them: a server that does not read must not make `QoS` 0 messages fill the memory.
pub const MAX_AHEAD: u64 = 16 << 20;

impl<M, O> Session<M, O> {
    /// Returns true if the stream is so far ahead of the socket that messages have to wait. They are released when half of it
    /// has been written.
    pub(super) fn is_far_ahead<S: Sink<Message = M, Op = O>>(&mut self, sink: &mut S) -> bool {
        let position = sink.out().position();
        let ahead = position.saturating_sub(self.written) > MAX_AHEAD;
        if ahead {
            self.release_at = Some(position - MAX_AHEAD / 2);
        }
        ahead
    }

    pub(super) fn enqueue<S: Sink<Message = M, Op = O>>(
        &mut self,
        publish: &Publish<'_>,
        token: Option<Token>,
        op: O,
        now: impl Now,
        sink: &mut S,
    ) -> Result<u16, Refused> {
        let id = if self.options.ids_at_acceptance && publish.qos != QoS::AtMostOnce {
            self.inflight.next_id().ok_or(Refused::NoPacketId)?
        } else {
            0
        };
        let token = match token {
            Some(token) => token,
            None if id != 0 => id.into(),
            None => self.token(),
        };
        let aliased = self.alias_of(publish)?;
        let publish = match &aliased {
            Some(aliased) => aliased.kept(publish),
            None => *publish,
        };
        let mut packet = BytesMut::with_capacity(publish.encoded_len(self.version)?);
        publish.encode(self.version, &mut packet)?;
        let expires = publish
            .properties
            .number(PropertyId::MessageExpiryInterval)
            .map(|seconds| now.now() + Duration::from_secs(seconds.into()));
        let record = sink.store_queued(&publish, token)?;
        if id != 0 {
            self.inflight.block(id);
        }
        if let Some(aliased) = aliased {
            self.note_alias(aliased, false);
        }
        self.queue.push_back(Queued {
            token,
            id,
            packet: packet.into(),
            expires,
            record,
            op,
        });
        Ok(id)
    }

    /// Sends what waited, as far as the quota goes.
    pub fn release<S: Sink<Message = M, Op = O>>(&mut self, now: Instant, sink: &mut S) {
        self.unreleased = false;
        self.release_at = None;
        if !self.online {
            return;
        }
        self.resubscribe(sink);
        let mut loaded = 0;
        while let (Some(&id), true) = (self.replay.front(), self.may_resume()) {
            if self.is_far_ahead(sink) {
                return;
            }
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
        self.check_resumed(sink);
        while !self.queue.is_empty() && !self.is_far_ahead(sink) {
            let Some(next) = self.queue.front_mut() else {
                return;
            };
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
                        if let Some(queued) = self.queue.pop_front() {
                            self.put_off.add_queued(queued);
                        }
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
            } else if next.id != 0 {
                next.id
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
                self.inflight.unblock(queued.id);
                self.send_queued(queued, qos, id, sink);
            }
        }
    }

    /// Sends the queue's first message, which is ready, under the packet identifier it was given.
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
        if !self.send_aliased(&packet, sink) {
            sink.out().push(&packet);
        }
        self.sent_publishes += 1;
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

    /// Sends a message by an alias which the session gives. Returns false if the message has none.
    fn send_aliased<S: Sink<Message = M, Op = O>>(&mut self, packet: &[u8], sink: &mut S) -> bool {
        if self.options.outbound_topic_aliases == 0 {
            return false;
        }
        let Some(publish) = view(self.version, packet) else {
            return false;
        };
        let Ok(Some(aliased)) = self.alias_of(&publish) else {
            return false;
        };
        let wire = aliased.on_the_wire(&publish);
        if wire.encode(self.version, sink.out().tail()).is_err() {
            return false;
        }
        self.note_alias(aliased, true);
        true
    }

    /// Sends the queue's first entry, a SUBSCRIBE or an UNSUBSCRIBE that another process left. Returns false if no packet
    /// identifier is free: then it stays.
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
        let packet = Bytes::from(packet);
        sink.out().push(&packet);
        trace!(
            Protocol,
            "{} {} -> {name} msgid: {id} (0)", self.socket, self.client_id
        );
        self.await_ack(id, awaits, packet, queued.token, queued.op);
        true
    }

    /// Returns true if one more of the publishes that were in flight may be sent again now.
    fn may_resume(&self) -> bool {
        let at_a_time = self.options.max_resume_inflight.unwrap_or(u32::MAX).max(1);
        self.quota() > 0 && self.resuming < at_a_time
    }

    fn fail_oldest<S: Sink<Message = M, Op = O>>(&mut self, failure: Failure, sink: &mut S) {
        if let Some(queued) = self.queue.pop_front() {
            self.fail_queued(queued, failure, sink);
        }
    }

    /// Ends a message that was in the queue.
    pub(super) fn fail_queued<S: Sink<Message = M, Op = O>>(
        &mut self,
        queued: Queued<O>,
        failure: Failure,
        sink: &mut S,
    ) {
        if let Some(record) = queued.record {
            sink.discard(Record::Queued(record));
        }
        self.inflight.unblock(queued.id);
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

    /// Fails what is queued; with `keep_records` the store keeps it for another time.
    pub fn clear_queue<S: Sink<Message = M, Op = O>>(&mut self, keep_records: bool, sink: &mut S) {
        self.queue_put_off();
        while let Some(queued) = self.queue.pop_front() {
            if let (Some(record), false) = (queued.record, keep_records) {
                sink.discard(Record::Queued(record));
            }
            self.inflight.unblock(queued.id);
            fail(queued.token, queued.op, sink);
        }
    }
}

/// Returns when a message ends that was stored with its interval and has waited for so long.
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
