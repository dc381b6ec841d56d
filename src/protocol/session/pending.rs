//! Operations that have not ended: what there is of them, and taking one back.

use super::{Awaits, Cause, Failure, Queued, Session, Sink, Token};
use crate::protocol::QoS;
use crate::protocol::session::outgoing::packet_qos;

/// What an operation is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A publish that has not been sent.
    Queued,
    /// A PUBLISH that is not acknowledged.
    Publish,
    /// A PUBREL that is not acknowledged.
    Release,
    /// A SUBSCRIBE that is not answered.
    Subscribe,
    /// An UNSUBSCRIBE that is not answered.
    Unsubscribe,
}

/// An operation that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its packet identifier, 0 for none.
    pub packet_id: u16,
    /// Its token.
    pub token: Token,
    /// What it is at.
    pub kind: Kind,
    /// Of a publish; none while only the store has it.
    pub qos: Option<QoS>,
}

impl<M, O> Session<M, O> {
    /// Returns messages that wait to be sent.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Returns how many bytes those hold in memory.
    pub fn queued_bytes(&self) -> usize {
        self.queue.bytes()
    }

    /// Returns how many messages wait, with those that wait until the store can be read.
    pub fn waiting(&self) -> usize {
        self.queue.len() + self.put_off.queued().count()
    }

    /// Returns how many operations in flight there are.
    pub fn in_flight(&self) -> usize {
        self.inflight.len()
    }

    /// Returns how many publishes went into the outbound stream. One that is sent again counts once, one that ended while it
    /// waited does not count.
    pub fn sent_publishes(&self) -> u64 {
        self.sent_publishes
    }

    /// Returns true if a publish is in flight or waits, replays included.
    pub fn has_unfinished_publishes(&self) -> bool {
        self.publishing > 0 || !self.replay.is_empty() || !self.queue.is_empty()
    }

    /// Tokens of the publishes not completed, in order, and of subscribes where `all`.
    pub fn pending_tokens(&self, all: bool) -> Vec<Token> {
        let mut sent: Vec<_> = self
            .inflight
            .iter()
            .filter(|(_, entry)| all || !entry.awaits.is_request())
            .map(|(_, entry)| (entry.order, entry.token))
            .collect();
        sent.sort_unstable();
        let sent = sent.into_iter().map(|(_, token)| token);
        let waiting = self.put_off.queued().chain(self.queue.iter());
        sent.chain(waiting.map(|queued| queued.token)).collect()
    }

    /// Returns true if the operation has not completed.
    pub fn is_pending(&self, token: Token) -> bool {
        // A token that is the packet identifier is found at once; this is asked again and again by those who wait.
        let direct = u16::try_from(token)
            .ok()
            .and_then(|id| self.inflight.get(id));
        direct.is_some_and(|entry| entry.token == token)
            || self.inflight.iter().any(|(_, entry)| entry.token == token)
            || self
                .queue
                .iter()
                .chain(self.put_off.queued())
                .any(|queued| queued.token == token)
    }

    /// Returns the operations that have not ended: those in flight in the order in which they were sent, then those that wait.
    pub fn pending(&self) -> Vec<Pending> {
        self.pending_with(|pending, _| pending)
    }

    /// Works as [`pending`](Self::pending), each as `describe` has it, which is lent what the program attached.
    pub fn pending_with<T>(&self, describe: impl Fn(Pending, &O) -> T) -> Vec<T> {
        let qos = |packet: &[u8]| (!packet.is_empty()).then(|| packet_qos(packet));
        let mut sent: Vec<(u64, T)> = self
            .inflight
            .iter()
            .map(|(packet_id, entry)| {
                let (kind, qos) = match entry.awaits {
                    Awaits::SubAck { .. } => (Kind::Subscribe, None),
                    Awaits::UnsubAck { .. } => (Kind::Unsubscribe, None),
                    Awaits::PubComp | Awaits::Record { released: true } => {
                        (Kind::Release, Some(QoS::ExactlyOnce))
                    }
                    Awaits::PubAck | Awaits::PubRec | Awaits::Record { released: false } => {
                        (Kind::Publish, qos(&entry.packet))
                    }
                };
                let pending = Pending {
                    packet_id,
                    token: entry.token,
                    kind,
                    qos,
                };
                (entry.order, describe(pending, &entry.op))
            })
            .collect();
        sent.sort_unstable_by_key(|(order, _)| *order);
        let sent = sent.into_iter().map(|(_, pending)| pending);
        let waiting = self
            .put_off
            .queued()
            .chain(self.queue.iter())
            .map(|queued| {
                let pending = Pending {
                    packet_id: queued.id,
                    token: queued.token,
                    kind: Kind::Queued,
                    qos: qos(&queued.packet),
                };
                describe(pending, &queued.op)
            });
        sent.chain(waiting).collect()
    }

    /// Takes a message back that has not been sent; it ends as [`Cause::Cancelled`]. Returns false if there is no such message
    /// that waits: it has been sent, or has ended.
    pub fn cancel<S: Sink<Message = M, Op = O>>(&mut self, token: Token, sink: &mut S) -> bool {
        self.cancel_where(|queued, _| queued == token, sink)
    }

    /// Works as [`cancel`](Self::cancel), for the message of whose token and attachment `is_it` is true.
    pub fn cancel_where<S: Sink<Message = M, Op = O>>(
        &mut self,
        is_it: impl Fn(Token, &O) -> bool,
        sink: &mut S,
    ) -> bool {
        let is_it = |queued: &Queued<O>| is_it(queued.token, &queued.op);
        let waiting = self.queue.iter().position(&is_it);
        let queued = if let Some(at) = waiting {
            self.queue.remove(at)
        } else {
            self.put_off.remove_queued(is_it)
        };
        if let Some(queued) = queued {
            self.fail_queued(queued, Failure::of(Cause::Cancelled), sink);
            return true;
        }
        false
    }
}
