//! Records of an earlier process: taken over by name when the client is made, read when their turn comes.
//!
//! A record may be unreadable for a while: the program sets its after-read function only after it has made the client, its
//! own store is busy, the process has no descriptors left. Such a record stays in the store and its identifier stays in
//! use; the rest of the session goes on without it. The sink, which knows when it refused, has [`Session::retry`] called.

use std::time::Instant;

use bytes::Bytes;

use super::outgoing::{packet_qos, view};
use super::queue::LOADS;
use super::received::State;
use super::{
    Acknowledge, Awaits, Cause, Entry, Failure, Fault, Loaded, Outcome, Queued, Receipt, Record,
    RecordHandle, Session, Sink,
};
use crate::protocol::packet::{AckKind, has_dup, set_dup};
use crate::protocol::{QoS, Version, decode, reason};
use crate::trace;

impl<M, O> Session<M, O> {
    /// Takes over a PUBLISH of ours that the store holds; `released` where its PUBREL is stored too. Returns false if the
    /// packet identifier is in use.
    #[must_use]
    pub fn restore_sent(&mut self, id: u16, released: bool, op: O) -> bool {
        self.restore_in_flight(id, Awaits::Record { released }, op)
    }

    /// Takes over a message of which the store holds the PUBREL alone. Returns false if the packet identifier is in use.
    #[must_use]
    pub fn restore_released(&mut self, id: u16, op: O) -> bool {
        self.restore_in_flight(id, Awaits::PubComp, op)
    }

    fn restore_in_flight(&mut self, id: u16, awaits: Awaits, op: O) -> bool {
        if id == 0 || self.inflight.contains(id) {
            return false;
        }
        let order = self.order();
        self.inflight.insert(
            id,
            Entry {
                // The token that the original gave out, and the only one that a program could remember.
                token: id.into(),
                order,
                awaits,
                sent: false,
                resumes: true,
                marked: false,
                packet: Bytes::new(),
                op,
            },
        );
        true
    }

    /// Has packet identifiers go on behind the last of those that were taken over.
    pub fn continue_packet_ids(&mut self) {
        self.inflight.continue_ids();
    }

    /// Takes over a `QoS` 2 message of the server's that the store holds, for when its PUBREL comes; `v5` where a client of that
    /// version left it. Returns false if the packet identifier is in use.
    #[must_use]
    pub fn restore_received(&mut self, id: u16, v5: bool) -> bool {
        if id == 0 || self.received.contains(id) {
            return false;
        }
        let state = if self.record_means_pending(v5) {
            // What the record says is read at its PUBREL.
            State::Stored
        } else {
            State::HandedOver
        };
        self.received.insert(id, state);
        true
    }

    /// Puts a command that is in the store, and was never sent, at the end of the queue.
    pub fn restore_queued(&mut self, record: RecordHandle, op: O) {
        let token = self.token();
        self.queue.push_back(Queued {
            token,
            id: 0,
            packet: Vec::new(),
            expires: None,
            record: Some(record),
            op,
        });
    }

    /// Tries everything again that the store refused: reading records, and writing those of messages that wait.
    pub fn retry<S: Sink<Message = M, Op = O>>(
        &mut self,
        now: Instant,
        sink: &mut S,
    ) -> Result<(), Fault> {
        if !self.online {
            return Ok(());
        }
        self.replay.extend(self.put_off.take_sent());
        self.queue_put_off();
        for id in self.received.unread(LOADS) {
            if let Some(reason) = self.hand_over_stored(id, sink)? {
                self.ack(AckKind::PubComp, id, reason, sink);
            }
        }
        self.release(now, sink);
        Ok(())
    }

    /// Puts the entries whose records could not be read back where they were: before all others of the queue.
    pub(super) fn queue_put_off(&mut self) {
        while let Some(queued) = self.put_off.pop_queued() {
            self.queue.push_front(queued);
        }
    }

    /// Returns true if only the store has the PUBLISH of that identifier.
    pub(super) fn is_unread(&self, id: u16) -> bool {
        let entry = self.inflight.get(id);
        entry.is_some_and(|entry| matches!(entry.awaits, Awaits::Record { .. }))
    }

    /// Reads the PUBLISH of that identifier back. Returns true if it has to be sent again now.
    pub(super) fn load_sent<S: Sink<Message = M, Op = O>>(
        &mut self,
        id: u16,
        sink: &mut S,
    ) -> bool {
        let Some(Awaits::Record { released }) = self.inflight.get(id).map(|entry| entry.awaits)
        else {
            return false;
        };
        let mut packet = match sink.load_sent(id) {
            Loaded::Ready(packet) => packet,
            Loaded::Later => {
                self.put_off.add_sent(id);
                return false;
            }
            Loaded::Damaged { in_place } => {
                if !in_place {
                    sink.discard(Record::Sent(id));
                }
                self.end_with(id, Outcome::Failed(Failure::of(Cause::NotStored)), sink);
                if in_place {
                    self.inflight.block(id);
                }
                return false;
            }
        };
        let awaits = match (packet_qos(&packet), released) {
            (QoS::ExactlyOnce, true) => Awaits::PubComp,
            (QoS::ExactlyOnce, false) => Awaits::PubRec,
            _ => Awaits::PubAck,
        };
        if awaits == Awaits::PubComp && self.version == Version::V5 && !self.resumed {
            // As in `end_released`: the server has the message, and has forgotten the rest of the handshake.
            sink.discard(Record::Sent(id));
            sink.discard(Record::Released(id));
            self.end_with(id, Outcome::written(), sink);
            return false;
        }
        let marked = self.resumed && !has_dup(&packet);
        if marked {
            set_dup(&mut packet);
        }
        if let Some(entry) = self.inflight.get_mut(id) {
            entry.awaits = awaits;
            entry.marked = marked;
            entry.packet = Bytes::from(packet);
        }
        if awaits == Awaits::PubComp {
            self.resend_pubrel(id, sink);
            return false;
        }
        true
    }

    /// Hands over a message that only the store has, at its PUBREL. Returns the reason code of its PUBCOMP, which has to wait
    /// where there is none.
    pub(super) fn hand_over_stored<S: Sink<Message = M, Op = O>>(
        &mut self,
        id: u16,
        sink: &mut S,
    ) -> Result<Option<u8>, Fault> {
        match sink.load_received(id) {
            Loaded::Ready(None) => {
                sink.discard(Record::Received(id));
                self.received.remove(id);
                Ok(Some(reason::SUCCESS))
            }
            Loaded::Ready(Some(message)) => {
                if let Acknowledge::ByProgram { ordered, .. } = self.acknowledge {
                    self.received.set(id, State::Lent);
                    let ack = (id, AckKind::PubComp);
                    self.deliver_unacknowledged(message, QoS::ExactlyOnce, ack, ordered, sink)?;
                    return Ok(None);
                }
                // Where it cannot be delivered the record stays, and the server will send its PUBREL again.
                sink.deliver(message, QoS::ExactlyOnce, Receipt::Released(id), None)
                    .map_err(|_| Fault::NotStored)?;
                self.received.remove(id);
                Ok(Some(reason::SUCCESS))
            }
            Loaded::Later => {
                trace!(
                    Minimum,
                    "The record of message {id} cannot be read now, PUBCOMP waits"
                );
                self.received.set(id, State::Unread);
                Ok(None)
            }
            Loaded::Damaged { in_place } => {
                if !in_place {
                    sink.discard(Record::Received(id));
                }
                self.received.remove(id);
                Ok(Some(reason::PACKET_IDENTIFIER_NOT_FOUND))
            }
        }
    }
}

/// Returns true if these bytes are a PUBLISH with that packet identifier that may be sent again, and nothing else: what a record
/// of one has to hold. One with another identifier would never end, for its acknowledgement is another message's; what stands
/// behind it would be sent as well.
pub fn is_sendable(version: Version, id: u16, packet: &[u8]) -> bool {
    let is_whole = decode::frame(packet, u32::MAX)
        .is_ok_and(|frame| frame.is_some_and(|frame| frame.total_len == packet.len()));
    is_whole
        && view(version, packet)
            .is_some_and(|publish| publish.qos != QoS::AtMostOnce && publish.packet_id == id)
}

#[cfg(test)]
mod tests;
