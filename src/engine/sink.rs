//! Where a session's outputs go: outbound stream, event queue, store.

use std::collections::VecDeque;

use crate::persistence::RecordKey;
use crate::protocol::QoS;
use crate::protocol::outbound::Outbound;
use crate::protocol::packet::{AckKind, Publish};
use crate::protocol::property::PropertiesRef;
use crate::protocol::session::{
    AckToken, Cause, Completion, Failure, Loaded, NotStored, Outcome, Receipt, Record,
    RecordHandle, Sink, Stored, Token,
};

use super::callout::Teller;
use super::host::{Event, Host};
use super::records::Records;

/// Messages in the inbound queue from which on the socket is not read: a program that does not keep up slows its
/// server down (TCP back-pressure) rather than fill the memory.
const MAX_QUEUED_MESSAGES: usize = 1024;
/// The same in bytes.
const MAX_QUEUED_BYTES: usize = 1 << 20;

/// Surroundings of a session.
pub(super) struct Io<H: Host> {
    pub out: Outbound,
    /// What the program is to be told, in order.
    pub events: VecDeque<Event<H>>,
    /// Messages in `events`, and their bytes.
    pub messages: usize,
    pub message_bytes: usize,
    /// Operations that end when the stream has been written up to the position.
    pub unwritten: VecDeque<(u64, Completion<H::Op>)>,
    /// Those of a connection that is gone while a thread still writes to it: its epoch, the position.
    left: Vec<(u64, u64, Completion<H::Op>)>,
    /// Lines of OpenSSL's for the next API call to hand over, where no thread runs callbacks or a call waits for the end of
    /// what they belong to.
    pub tls_errors: VecDeque<(Teller, String)>,
    pub records: Records,
    /// Stored messages that could not be read: see [`Records::retry_at`].
    put_off: VecDeque<RecordKey>,
    pub wants_acknowledgements: bool,
    /// Something happened that a waiting thread may wait for.
    pub progressed: bool,
}

impl<H: Host> Io<H> {
    pub fn new(records: Records) -> Self {
        Self {
            out: Outbound::default(),
            events: VecDeque::new(),
            messages: 0,
            message_bytes: 0,
            unwritten: VecDeque::new(),
            left: Vec::new(),
            tls_errors: VecDeque::new(),
            records,
            put_off: VecDeque::new(),
            wants_acknowledgements: false,
            progressed: false,
        }
    }

    /// Whether the inbound queue is at its limit.
    pub fn full(&self) -> bool {
        self.messages >= MAX_QUEUED_MESSAGES || self.message_bytes >= MAX_QUEUED_BYTES
    }

    /// Queues an event.
    pub fn tell(&mut self, event: Event<H>) {
        self.progressed = true;
        self.events.push_back(event);
    }

    /// Takes the first message out of the queue; in a synchronous client there is nothing else in it.
    pub fn take_message(&mut self) -> Option<H::Message> {
        loop {
            match self.events.pop_front()? {
                Event::Message(message, record) => {
                    self.taken(H::message_size(&message));
                    self.records.message_taken(record);
                    return Some(message);
                }
                Event::Stored(key) => {
                    if let Some(message) = self.load_message(key) {
                        self.records.message_taken(Some(key));
                        return Some(message);
                    }
                }
                other => {
                    self.events.push_front(other);
                    return None;
                }
            }
        }
    }

    /// Reads a message of the queue back. One that cannot be read now is put off, and the messages behind it go first.
    pub fn load_message(&mut self, key: RecordKey) -> Option<H::Message> {
        match self.records.load_message::<H>(key) {
            Loaded::Ready(message) => Some(message),
            Loaded::Later => {
                self.put_off.push_back(key);
                None
            }
            Loaded::Damaged { .. } => None,
        }
    }

    /// Puts the messages that could not be read back where they were: before all others.
    pub fn queue_put_off(&mut self) {
        while let Some(key) = self.put_off.pop_back() {
            self.progressed = true;
            self.events.push_front(Event::Stored(key));
        }
    }

    /// A message of that size is off the queue.
    pub fn taken(&mut self, size: usize) {
        self.messages -= 1;
        self.message_bytes = self.message_bytes.saturating_sub(size);
    }

    /// Gives back the memory of queues that are empty, unless they are likely to be filled again at once: what an idle
    /// client keeps, thousands of them keep.
    pub fn settle_down(&mut self) {
        release(&mut self.events);
        release(&mut self.unwritten);
    }

    /// Ends the operations whose bytes have been written.
    pub fn written(&mut self, position: u64) {
        while self
            .unwritten
            .front()
            .is_some_and(|(end, _)| *end <= position)
        {
            if let Some((_, done)) = self.unwritten.pop_front() {
                self.complete(done);
            }
        }
    }

    /// The stream ended before these were written.
    pub fn fail_unwritten(&mut self) {
        while let Some((_, done)) = self.unwritten.pop_front() {
            self.give_up(done);
        }
        for (_, _, done) in std::mem::take(&mut self.left) {
            self.give_up(done);
        }
    }

    /// The connection of that epoch ended while a thread was writing to it: the thread will tell how far it got.
    pub fn leave_to_writer(&mut self, epoch: u64) {
        let left = self.unwritten.drain(..);
        self.left.extend(left.map(|(end, done)| (epoch, end, done)));
    }

    /// That thread tells.
    pub fn writer_left(&mut self, epoch: u64, position: u64) {
        let (mine, others) = std::mem::take(&mut self.left)
            .into_iter()
            .partition(|(of, ..)| *of == epoch);
        self.left = others;
        for (_, end, done) in mine {
            if end <= position {
                self.complete(done);
            } else {
                self.give_up(done);
            }
        }
    }

    fn give_up(&mut self, mut done: Completion<H::Op>) {
        done.outcome = Outcome::Failed(Failure::of(Cause::Incomplete));
        self.complete(done);
    }

    /// Whether a message without acknowledgement has not been written.
    pub fn is_unwritten(&self, token: Token) -> bool {
        let left = self.left.iter().map(|(_, _, done)| done);
        let unwritten = self.unwritten.iter().map(|(_, done)| done);
        left.chain(unwritten).any(|done| done.token == token)
    }
}

/// A queue that has held so many entries is a busy client's.
const BUSY: usize = 16;
/// One that has held more than this has seen an exceptional load.
const EXCEPTIONAL: usize = 4096;

/// Gives back the memory of an empty queue, unless it is a busy one of ordinary size.
pub(super) fn release<T>(queue: &mut VecDeque<T>) {
    if queue.is_empty() && !(BUSY..EXCEPTIONAL).contains(&queue.capacity()) {
        *queue = VecDeque::new();
    }
}

impl<H: Host> Sink for Io<H> {
    type Message = H::Message;
    type Op = H::Op;

    fn out(&mut self) -> &mut Outbound {
        &mut self.out
    }

    fn message(&mut self, publish: &Publish<'_>) -> Result<H::Message, NotStored> {
        H::message(publish).ok_or(NotStored)
    }

    fn message_size(&self, message: &H::Message) -> usize {
        H::message_size(message)
    }

    fn deliver(
        &mut self,
        message: H::Message,
        qos: QoS,
        receipt: Receipt<'_>,
        ack: Option<AckToken>,
    ) -> Result<(), H::Message> {
        let mut message = message;
        let stored = if let Some(token) = ack {
            H::needs_acknowledgement(&mut message, token);
            Ok(None)
        } else if qos == QoS::AtMostOnce {
            Ok(None)
        } else {
            self.records.store_message::<H>(&message, receipt)
        };
        let Ok(record) = stored else {
            return Err(message);
        };
        self.messages += 1;
        self.message_bytes += H::message_size(&message);
        self.tell(Event::Message(message, record));
        Ok(())
    }

    fn complete(&mut self, done: Completion<H::Op>) {
        self.progressed = true;
        if let Some(done) = H::settle(done) {
            self.events.push_back(Event::Completed(done));
        }
    }

    fn complete_when_written(&mut self, done: Completion<H::Op>) {
        if H::tracks(&done.op) {
            self.unwritten.push_back((self.out.position(), done));
        }
    }

    fn wants_packet(&self, op: &H::Op) -> bool {
        H::wants_packet(op)
    }

    fn acknowledged(
        &mut self,
        kind: AckKind,
        packet_id: u16,
        reason: u8,
        properties: PropertiesRef<'_>,
    ) {
        if self.wants_acknowledgements {
            self.tell(Event::Acknowledged {
                kind,
                packet_id,
                reason,
                properties: properties.into(),
            });
        }
    }

    fn store(&mut self, record: Record, packet: &[u8]) -> Result<(), NotStored> {
        self.records.put(record, packet)
    }

    fn discard(&mut self, record: Record) {
        self.records.discard(record);
    }

    fn store_queued(
        &mut self,
        publish: &Publish<'_>,
        token: Token,
    ) -> Result<Option<RecordHandle>, NotStored> {
        self.records.store_command(publish, token)
    }

    fn promote(
        &mut self,
        queued: Option<RecordHandle>,
        id: u16,
        packet: &[u8],
    ) -> Result<(), NotStored> {
        self.records.promote(queued, id, packet)
    }

    fn load_queued(&mut self, record: RecordHandle) -> Loaded<Stored> {
        self.records.load_command(record)
    }

    fn load_sent(&mut self, id: u16) -> Loaded<Vec<u8>> {
        self.records.load_sent(id)
    }

    fn load_received(&mut self, id: u16) -> Loaded<H::Message> {
        self.records.load_received::<H>(id)
    }
}
