//! Where a session's outputs go: outbound stream, event queue, store.

use std::time::Instant;

use crate::persistence::RecordKey;
use crate::protocol::QoS;
use crate::protocol::outbound::Outbound;
use crate::protocol::packet::{AckKind, Publish};
use crate::protocol::property::PropertiesRef;
use crate::protocol::session::{
    AckToken, Cause, Completion, Failure, Loaded, NotStored, Outcome, Receipt, Record,
    RecordHandle, Sink, Stored, Token,
};

use super::delivery::queue::{Driver, Queue, Taken};
use super::host::{Event, Host};
use super::last_error::{Errors, LastError};
use super::records::Records;
use super::unwritten::Unwritten;

/// Surroundings of a session.
pub(super) struct Outputs<H: Host> {
    /// Packets on their way to the socket.
    pub out: Outbound,
    /// What the program is to be told.
    pub queue: Queue<H>,
    /// None without a store, and once the client is destroyed.
    pub records: Option<Box<Records>>,
    /// Stream position up to which the socket has taken the bytes.
    written: u64,
    /// Operations that end when the stream has been written up to them.
    unwritten: Unwritten<H::Op>,
    wants_acknowledgements: bool,
    /// It has a callback for the end of each publish.
    hears_of_deliveries: bool,
    /// What has gone wrong.
    pub errors: Errors,
    /// Something happened that a waiting thread may wait for.
    progressed: bool,
}

impl<H: Host> Outputs<H> {
    pub fn new(records: Option<Box<Records>>, driver: Driver) -> Self {
        Self {
            out: Outbound::default(),
            queue: Queue::new(driver),
            records,
            written: 0,
            unwritten: Unwritten::default(),
            wants_acknowledgements: false,
            hears_of_deliveries: false,
            errors: Errors::default(),
            progressed: false,
        }
    }

    /// Notes whether the program wants to hear of acknowledgements.
    pub fn set_wants_acknowledgements(&mut self, wants: bool) {
        self.wants_acknowledgements = wants;
    }

    /// Notes if the program has a callback for the end of each publish.
    pub fn set_hears_of_deliveries(&mut self, hears: bool) {
        self.hears_of_deliveries = hears;
    }

    /// Notes that something happened that a waiting thread may wait for.
    pub fn progress(&mut self) {
        self.progressed = true;
    }

    /// Returns true if something happened since the last call.
    #[must_use = "waiting threads have to be woken"]
    pub fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.progressed)
    }

    /// Queues an event.
    pub fn tell(&mut self, event: Event<H>) {
        self.progressed = true;
        self.queue.push(event);
    }

    /// Takes the first message out of the queue.
    pub fn take_message(&mut self) -> Option<H::Message> {
        loop {
            match self.queue.take_message()? {
                Taken::Message(message, record) => {
                    self.message_taken(record);
                    return Some(message);
                }
                Taken::Stored(key) => {
                    if let Some(message) = self.load_message(key) {
                        self.message_taken(Some(key));
                        return Some(message);
                    }
                }
            }
        }
    }

    /// The program has taken a message: its record, where it has one, has served its purpose.
    pub fn message_taken(&mut self, record: Option<RecordKey>) {
        if let (Some(key), Some(records)) = (record, &mut self.records) {
            records.message_taken(key);
        }
    }

    /// Reads a record, which is not there without a store.
    fn load<T>(&mut self, load: impl FnOnce(&mut Records) -> Loaded<T>) -> Loaded<T> {
        match &mut self.records {
            Some(records) => load(records),
            None => Loaded::Damaged { in_place: false },
        }
    }

    /// Returns when what the store refused has to be tried again; nothing where it refused nothing.
    pub fn retry_at(&self) -> Option<Instant> {
        self.records.as_ref()?.retry_at()
    }

    /// Reads a message of the queue back. One that cannot be read now is put off, and the messages behind it go first.
    pub fn load_message(&mut self, key: RecordKey) -> Option<H::Message> {
        match self.load(|records| records.load_message::<H>(key)) {
            Loaded::Ready(message) => Some(message),
            Loaded::Later => {
                if let Some(records) = &mut self.records {
                    records.put_off(key);
                }
                None
            }
            Loaded::Damaged { .. } => None,
        }
    }

    /// Puts the messages that could not be read back where they were: before all others.
    pub fn queue_put_off(&mut self) {
        let put_off = self.records.as_mut().map(|records| records.take_put_off());
        for key in put_off.into_iter().flatten().rev() {
            self.progressed = true;
            self.queue.push_stored_front(key);
        }
    }

    /// Returns true if a message waits for the program, in the store or not.
    pub fn has_messages(&self) -> bool {
        let records = self.records.as_deref();
        self.queue.has_messages() || records.is_some_and(Records::has_put_off)
    }

    /// Gives back the memory of empty queues: what an idle client keeps, thousands of them keep.
    pub fn settle_down(&mut self) {
        self.queue.settle_down();
        self.unwritten.settle_down();
    }

    /// Returns how many bytes the socket has not taken.
    pub fn unwritten(&self) -> u64 {
        self.out.position() - self.written
    }

    /// Returns the stream position up to which the socket has taken the bytes.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Notes that the socket has taken the bytes up to `position`: ends the operations that waited for that.
    pub fn set_written(&mut self, position: u64) {
        self.written = position;
        while let Some(done) = self.unwritten.pop(position, H::split) {
            self.complete(done);
        }
    }

    /// Ends the connection's stream; the next one begins at 0. What was not written fails, unless a thread still writes it,
    /// which tells later ([`writer_left`](Self::writer_left)).
    pub fn end_stream(&mut self, epoch: u64, writing: bool) {
        self.out.reset();
        self.written = 0;
        self.progressed = true;
        if writing {
            self.unwritten.leave(epoch);
        } else {
            while let Some(done) = self.unwritten.pop_one(H::split) {
                self.give_up(done);
            }
        }
    }

    /// Fails whatever was not written: the client is destroyed.
    pub fn fail_unwritten(&mut self) {
        while let Some(done) = self.unwritten.pop_any(H::split) {
            self.give_up(done);
        }
    }

    /// Notes how far a thread got that wrote to the connection of that epoch, which is gone.
    pub fn writer_left(&mut self, epoch: u64, position: u64) {
        while let Some((done, written)) = self.unwritten.pop_left(epoch, position, H::split) {
            if written {
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

    /// Returns true if a message without acknowledgement has not been written.
    pub fn is_unwritten(&self, token: Token) -> bool {
        self.unwritten.has(token)
    }

    /// Returns the tokens of the messages that have not been written.
    pub fn unwritten_tokens(&self) -> impl Iterator<Item = Token> + '_ {
        self.unwritten.tokens()
    }
}

impl<H: Host> Sink for Outputs<H> {
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
        mut message: H::Message,
        qos: QoS,
        receipt: Receipt<'_>,
        ack: Option<AckToken>,
    ) -> Result<(), H::Message> {
        let mut record = None;
        if let Some(token) = ack {
            H::needs_acknowledgement(&mut message, token);
        } else if let (QoS::AtLeastOnce | QoS::ExactlyOnce, Some(records)) =
            (qos, &mut self.records)
        {
            let stored = match receipt {
                Receipt::Stands(id) => records.lend(id),
                _ => records.store_message::<H>(&message, receipt),
            };
            match stored {
                Ok(key) => record = Some(key),
                Err(NotStored) => return Err(message),
            }
        }
        self.tell(Event::Message(message, record));
        Ok(())
    }

    fn complete(&mut self, done: Completion<H::Op>) {
        self.progressed = true;
        if let Some(done) = H::settle(done, self.hears_of_deliveries) {
            if !self.queue.joins(&done) {
                self.queue.push(Event::Completed(done));
            }
        }
    }

    fn complete_when_written(&mut self, done: Completion<H::Op>) {
        if H::tracks(&done.op) {
            self.unwritten.push(self.out.position(), done, H::joins);
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

    fn authentication(&mut self, reason: u8, properties: PropertiesRef<'_>) {
        self.tell(Event::Auth {
            reason,
            properties: properties.into(),
        });
    }

    fn subscription_lost(&mut self, filter: &[u8], code: u8) {
        self.errors.note(LastError::of_subscription(filter, code));
    }

    fn store(&mut self, record: Record, packet: &[u8]) -> Result<(), NotStored> {
        match &mut self.records {
            Some(records) => records.put(record, packet),
            None => Ok(()),
        }
    }

    fn discard(&mut self, record: Record) {
        if let Some(records) = &mut self.records {
            records.discard(record);
        }
    }

    fn release(&mut self, id: u16) -> Result<(), NotStored> {
        match &mut self.records {
            Some(records) => records.release(id),
            None => Ok(()),
        }
    }

    fn store_queued(
        &mut self,
        publish: &Publish<'_>,
        token: Token,
    ) -> Result<Option<RecordHandle>, NotStored> {
        match &mut self.records {
            Some(records) => records.store_command(publish, token),
            None => Ok(None),
        }
    }

    fn promote(
        &mut self,
        queued: Option<RecordHandle>,
        id: u16,
        packet: &[u8],
    ) -> Result<(), NotStored> {
        match &mut self.records {
            Some(records) => records.promote(queued, id, packet),
            None => Ok(()),
        }
    }

    fn load_queued(&mut self, record: RecordHandle) -> Loaded<Stored> {
        self.load(|records| records.load_command(record))
    }

    fn load_sent(&mut self, id: u16) -> Loaded<Vec<u8>> {
        self.load(|records| records.load_sent(id))
    }

    fn load_received(&mut self, id: u16) -> Loaded<Option<H::Message>> {
        self.load(|records| records.load_received::<H>(id))
    }
}
