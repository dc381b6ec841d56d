//! A session across connections: beginning, loss, resumption, end; and what a store gives back.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::aliases::Aliases;
use super::authenticate::Authentication;
use super::limits::{check_allowed, limits};
use super::outgoing::view;
use super::replies::Replies;
use super::{
    Awaits, Cause, Completion, Entry, Failure, Outcome, Policy, Record, Session, Sink, Token,
};
use crate::protocol::packet::{AckKind, ConnAck, clear_dup, encode_ack, has_dup, set_dup};
use crate::protocol::property::{PropertiesRef, PropertyId};
use crate::protocol::{Version, reason};
use crate::trace;

/// What the client's CONNECT said that the connection depends on.
#[derive(Debug, Clone, Copy)]
pub struct Begin<'a> {
    /// Version of the connection.
    pub version: Version,
    /// Clean start (5) or clean session (3.x).
    pub clean: bool,
    /// Keep-alive interval asked for.
    pub keep_alive: Duration,
    /// Publishes in flight that the program allows.
    pub max_inflight: u32,
    /// CONNECT properties.
    pub properties: PropertiesRef<'a>,
    /// Descriptor of the socket, for the trace.
    pub socket: i32,
}

impl<M, O> Session<M, O> {
    /// Begins a connection that the server accepted: takes its limits over and sends again what is in flight
    /// (`[MQTT-4.4.0-1]`).
    pub fn begin<S: Sink<Message = M, Op = O>>(
        &mut self,
        begin: &Begin<'_>,
        connack: &ConnAck<'_>,
        now: Instant,
        sink: &mut S,
    ) {
        self.change_version(begin.version, sink);
        self.socket = begin.socket;
        self.limits = limits(begin, connack);
        // [MQTT-3.1.2-21]: the server's Server Keep Alive replaces ours.
        let keep_alive = connack
            .properties
            .number(PropertyId::ServerKeepAlive)
            .map_or(begin.keep_alive, |seconds| {
                Duration::from_secs(seconds.into())
            });
        self.keep_alive = self.keep_alive.renewed(keep_alive, now);
        self.known_aliases = Aliases::default();
        self.own_aliases = Aliases::default();
        self.acks.begin();
        self.received.begin();
        self.replies = Replies::default();
        self.written = 0;
        let method = begin.properties.bytes(PropertyId::AuthenticationMethod);
        self.authentication = Authentication::begin(method);
        self.online = true;
        // MQTT 3.1 does not tell whether there is a session; after a clean CONNECT there is none.
        let lost = !connack.session_present && (self.version > Version::V31 || begin.clean);
        let policy = self.options.policy.unwrap_or(if begin.clean {
            Policy::Clear
        } else {
            Policy::KeepAndResend
        });
        match policy {
            Policy::Clear => self.clear(sink),
            Policy::FollowServer if lost => self.clear(sink),
            // [MQTT-3.2.2-5]: the server has no state, so what it had begun to send us is void. Messages of ours that
            // are in flight are not dropped but sent as new ones: nothing accepted from the program is lost.
            Policy::KeepAndResend if lost => {
                self.forget_received(sink);
                if self.version == Version::V5 {
                    // In 3.1.1 a PUBREL is sent again whatever the server says of the session ([MQTT-4.4.0-1] there).
                    self.end_released(sink);
                }
            }
            Policy::Keep if lost => self.forget_received(sink),
            Policy::KeepAndResend | Policy::Keep | Policy::FollowServer => {}
        }
        self.begin_resubscribing(!connack.session_present);
        // Below MQTT 5 whatever is sent again has DUP set, whether the server knows of it or not ([MQTT-3.3.1-1] there).
        self.resumed = connack.session_present
            || self.version < Version::V5
            || self.options.policy == Some(Policy::Keep);
        self.resend(sink);
        self.release(now, sink);
    }

    /// Sends PUBRELs again and schedules the `PUBLISHes`, in the order in which they were first sent
    /// ([MQTT-4.6.0-1] to [MQTT-4.6.0-4]).
    fn resend<S: Sink<Message = M, Op = O>>(&mut self, sink: &mut S) {
        let resumed = self.resumed;
        self.publishing = 0;
        self.resuming = 0;
        self.resumes = true;
        let mut ids: Vec<(u64, u16)> = self
            .inflight
            .iter()
            .map(|(id, entry)| (entry.order, id))
            .collect();
        ids.sort_unstable();
        self.replay.clear();
        for (_, id) in ids {
            let Some(entry) = self.inflight.get_mut(id) else {
                continue;
            };
            entry.sent = false;
            entry.resumes = !entry.awaits.is_request();
            if entry.awaits.is_request() {
                self.resend_request(id, sink);
            } else if entry.awaits == Awaits::PubComp {
                self.resend_pubrel(id, sink);
            } else {
                // [MQTT-3.3.1-1]; to a server without the session it is a first delivery, whatever others it was sent to. The
                // program's own DUP stays.
                let marks = resumed && !has_dup(&entry.packet);
                if !entry.packet.is_empty() && (marks || !resumed && entry.marked) {
                    let mut packet = Vec::from(std::mem::take(&mut entry.packet));
                    if marks {
                        set_dup(&mut packet);
                    } else {
                        clear_dup(&mut packet);
                    }
                    entry.marked = marks;
                    entry.packet = Bytes::from(packet);
                }
                self.replay.push_back(id);
            }
        }
    }

    /// Sends the PUBREL of that identifier again.
    pub(super) fn resend_pubrel<S: Sink<Message = M, Op = O>>(&mut self, id: u16, sink: &mut S) {
        if let Some(entry) = self.inflight.get_mut(id) {
            entry.sent = true;
            self.publishing += 1;
            self.resuming += 1;
        }
        trace!(
            Minimum,
            "Trying PUBREL again for client {}, socket {}, message identifier {id}",
            self.client_id,
            self.socket
        );
        encode_ack(
            AckKind::PubRel,
            self.version,
            id,
            reason::SUCCESS,
            sink.out().tail(),
        );
        trace!(
            Protocol,
            "{} {} -> PUBREL msgid: {id} (0)", self.socket, self.client_id
        );
    }

    /// Sends the PUBLISH of that identifier again, unless the server has answered it while it waited for its turn: behind its PUBREL it
    /// would be another message ([MQTT-4.3.3-6]), and its identifier may be that of a request by now.
    pub(super) fn resend_publish<S: Sink<Message = M, Op = O>>(&mut self, id: u16, sink: &mut S) {
        let waits = |entry: &&mut Entry<O>| matches!(entry.awaits, Awaits::PubAck | Awaits::PubRec);
        let Some(entry) = self.inflight.get_mut(id).filter(waits) else {
            return;
        };
        if entry.sent {
            return;
        }
        entry.sent = true;
        self.publishing += 1;
        self.resuming += 1;
        let packet = entry.packet.clone();
        let refused = view(self.version, &packet)
            .and_then(|publish| check_allowed(self.version, &self.limits, &publish).err());
        if let Some(refused) = refused {
            // It was sent to a server that took more than this one does ([MQTT-3.2.2-15]).
            self.give_up(id, refused.reason, sink);
            return;
        }
        sink.out().push(&packet);
        trace!(
            Minimum,
            "Trying PUBLISH again for client {}, socket {}, message identifier {id}",
            self.client_id,
            self.socket
        );
        if trace::enabled(trace::Level::Protocol) {
            if let Some(publish) = view(self.version, &packet) {
                self.trace_publish(&publish, id);
            }
        }
    }

    /// Sends the SUBSCRIBE or UNSUBSCRIBE of that identifier again.
    fn resend_request<S: Sink<Message = M, Op = O>>(&mut self, id: u16, sink: &mut S) {
        let Some(entry) = self.inflight.get(id) else {
            return;
        };
        if entry.packet.len() <= self.limits.server_maximum_packet_size as usize {
            sink.out().push(&entry.packet);
            let name = if matches!(entry.awaits, Awaits::SubAck { .. }) {
                "SUBSCRIBE"
            } else {
                "UNSUBSCRIBE"
            };
            trace!(
                Protocol,
                "{} {} -> {name} msgid: {id} (0)", self.socket, self.client_id
            );
        } else {
            let failure = Failure {
                reason: reason::PACKET_TOO_LARGE,
                ..Failure::of(Cause::NotAllowed)
            };
            self.end_with(id, Outcome::Failed(failure), sink);
        }
    }

    /// Tells the sink, once a connection, that what was in flight when it began is acknowledged.
    pub(super) fn check_resumed<S: Sink<Message = M, Op = O>>(&mut self, sink: &mut S) {
        if self.resumes && self.resuming == 0 && self.replay.is_empty() {
            self.resumes = false;
            sink.resumed();
        }
    }

    /// Ends a publish that cannot be sent again.
    fn give_up<S: Sink<Message = M, Op = O>>(&mut self, id: u16, reason: u8, sink: &mut S) {
        sink.discard(Record::Sent(id));
        let failure = Failure {
            reason,
            ..Failure::of(Cause::NotAllowed)
        };
        self.end_with(id, Outcome::Failed(failure), sink);
    }

    /// Ends the publishes whose PUBREC has come: the server has them, and has forgotten the rest of the handshake.
    fn end_released<S: Sink<Message = M, Op = O>>(&mut self, sink: &mut S) {
        let mut released: Vec<(u64, u16)> = self
            .inflight
            .iter()
            .filter(|(_, entry)| entry.awaits == Awaits::PubComp)
            .map(|(id, entry)| (entry.order, id))
            .collect();
        released.sort_unstable();
        for (_, id) in released {
            let Some(entry) = self.remove(id) else {
                continue;
            };
            sink.discard(Record::Sent(id));
            sink.discard(Record::Released(id));
            let wanted = sink.wants_packet(&entry.op) && !entry.packet.is_empty();
            let packet = wanted.then_some(entry.packet);
            sink.complete(Completion {
                token: entry.token,
                op: entry.op,
                packet,
                outcome: Outcome::written(),
            });
        }
    }

    /// Ends the connection. Messages stay for the next one; a SUBSCRIBE or UNSUBSCRIBE without answer has failed, since no
    /// server would answer it on another connection, unless the program wants it sent again.
    pub fn connection_lost<S: Sink<Message = M, Op = O>>(&mut self, sink: &mut S) {
        self.online = false;
        self.socket = -1;
        self.replay.clear();
        drop(self.put_off.take_sent());
        self.queue_put_off();
        self.acks.forget();
        self.received.connection_lost();
        self.stop_resubscribing();
        if self.options.keep_requests {
            return;
        }
        let unanswered: Vec<u16> = self
            .inflight
            .iter()
            .filter(|(_, entry)| entry.awaits.is_request())
            .map(|(id, _)| id)
            .collect();
        for id in unanswered {
            self.fail(id, sink);
        }
    }

    fn fail<S: Sink<Message = M, Op = O>>(&mut self, id: u16, sink: &mut S) {
        if let Some(entry) = self.remove(id) {
            fail(entry.token, entry.op, sink);
        }
    }

    /// Ends the session: all that is in flight fails, both ways, and the store forgets it. What is queued stays.
    pub fn clear<S: Sink<Message = M, Op = O>>(&mut self, sink: &mut S) {
        let mut entries: Vec<(u16, Entry<O>)> = self.inflight.drain().collect();
        entries.sort_unstable_by_key(|(_, entry)| entry.order);
        self.publishing = 0;
        self.resuming = 0;
        self.replay.clear();
        drop(self.put_off.take_sent());
        for (id, entry) in entries {
            if !entry.awaits.is_request() {
                sink.discard(Record::Sent(id));
            }
            if matches!(
                entry.awaits,
                Awaits::PubComp | Awaits::Record { released: true }
            ) {
                sink.discard(Record::Released(id));
            }
            fail(entry.token, entry.op, sink);
        }
        self.forget_received(sink);
    }

    fn forget_received<S: Sink<Message = M, Op = O>>(&mut self, sink: &mut S) {
        for id in self.received.drain() {
            sink.discard(Record::Received(id));
        }
    }

    /// Fails all operations: the client is destroyed. The store keeps what it has.
    pub fn abandon<S: Sink<Message = M, Op = O>>(&mut self, sink: &mut S) {
        self.online = false;
        self.replay.clear();
        let mut entries: Vec<(u16, Entry<O>)> = self.inflight.drain().collect();
        entries.sort_unstable_by_key(|(_, entry)| entry.order);
        self.publishing = 0;
        self.resuming = 0;
        for (_, entry) in entries {
            fail(entry.token, entry.op, sink);
        }
        self.clear_queue(true, sink);
    }
}

pub(super) fn fail<S: Sink>(token: Token, op: S::Op, sink: &mut S) {
    sink.complete(Completion {
        token,
        op,
        packet: None,
        outcome: Outcome::Failed(Failure::of(Cause::Incomplete)),
    });
}
