//! A session that goes on with another version of MQTT: what it holds as packets becomes packets of that version.
//!
//! MQTT 3.1 and 3.1.1 have the same packets. To and from MQTT 5 only PUBLISH has to be changed: it gets or loses its properties.

use bytes::Bytes;

use super::limits::TOO_LARGE;
use super::outgoing::{encode, packet_qos, view};
use super::{Cause, Failure, Outcome, Queued, Record, Session, Sink};
use crate::protocol::packet::{Publish, set_packet_id};
use crate::protocol::property::PropertiesRef;
use crate::protocol::{QoS, Version};

/// Makes an encoded PUBLISH one of another version, without properties. Returns nothing for what is no PUBLISH, and for one that
/// has become larger than any packet.
pub fn for_version(packet: &[u8], from: Version, to: Version) -> Option<Bytes> {
    let publish = view(from, packet)?;
    encode(
        &Publish {
            properties: PropertiesRef::EMPTY,
            ..publish
        },
        to,
    )
    .ok()
}

impl<M, O> Session<M, O> {
    /// Sets the version of the connection that begins.
    pub(super) fn change_version<S: Sink<Message = M, Op = O>>(
        &mut self,
        version: Version,
        sink: &mut S,
    ) {
        let from = std::mem::replace(&mut self.version, version);
        if (from == Version::V5) == (version == Version::V5) {
            return;
        }
        let held: Vec<u16> = self.inflight.iter().map(|(id, _)| id).collect();
        for id in held {
            self.change_in_flight(id, from, sink);
        }
        self.received
            .change_kept(|packet| for_version(packet, from, version));
        let too_large = Failure {
            reason: TOO_LARGE.reason,
            ..Failure::of(Cause::NotAllowed)
        };
        for _ in 0..self.queue.len() {
            let Some(mut queued) = self.queue.pop_front() else {
                break;
            };
            if change_queued(&mut queued, from, version) {
                self.queue.push_back(queued);
            } else {
                self.fail_queued(queued, too_large.clone(), sink);
            }
        }
    }

    fn change_in_flight<S: Sink<Message = M, Op = O>>(
        &mut self,
        id: u16,
        from: Version,
        sink: &mut S,
    ) {
        let version = self.version;
        let Some(entry) = self.inflight.get_mut(id) else {
            return;
        };
        // One that only the store has is made one of this version when it is read. A request is not sent again in the other one's
        // words: the program asks anew.
        let outcome = if entry.awaits.is_request() {
            Outcome::Failed(Failure::of(Cause::Incomplete))
        } else if entry.packet.is_empty() {
            return;
        } else if let Some(packet) = for_version(&entry.packet, from, version) {
            entry.packet = packet;
            return;
        } else {
            sink.discard(Record::Sent(id));
            Outcome::Failed(Failure {
                reason: TOO_LARGE.reason,
                ..Failure::of(Cause::NotAllowed)
            })
        };
        self.end_with(id, outcome, sink);
    }
}

/// Makes a message that waits one of another version. Returns false if that is larger than any packet.
fn change_queued<O>(queued: &mut Queued<O>, from: Version, to: Version) -> bool {
    if queued.packet.is_empty() {
        return true;
    }
    if packet_qos(&queued.packet) != QoS::AtMostOnce {
        // It waits with 0, which no packet has: it gets its own when it is sent.
        set_packet_id(&mut queued.packet, 1);
    }
    let Some(packet) = for_version(&queued.packet, from, to) else {
        return false;
    };
    queued.packet = packet.into();
    queued.expires = None;
    true
}
