//! A client's records in its store: which there are, when they are written, and what is read back.
//!
//! A record is named by the key that it was written under or found under, version included, for as long as it exists: the
//! same number may belong to a record of an MQTT 5 client and to one of an older client, which are two messages.
//!
//! What the store refuses for now is put off, and [`Records::retry_at`] says until when: the client's timer obeys it.

mod convert;
mod lent;
mod numbers;
mod restore;
mod retry;

pub(super) use restore::restore;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::persistence::hooks::{AfterRead, BeforeWrite, Hooked};
use crate::persistence::record::command::QueuedCommand;
use crate::persistence::record::message::QueuedMessage;
use crate::persistence::{RecordKey, RecordKind, Store, StoreError};
use crate::protocol::QoS;
use crate::protocol::packet::Publish;
use crate::protocol::property::{Context, PropertiesRef};
use crate::protocol::session::{
    HAD, Loaded, NotStored, Receipt, Record, RecordHandle, Stored, Token, view,
};
use crate::trace;

use super::host::Host;
use crate::options::CreateOptions;
use lent::Lent;
use numbers::Numbers;
use retry::Retry;

/// The records of one client, where it has a store.
pub(super) struct Records {
    store: Hooked,
    v5: bool,
    persist_qos0: bool,
    commands: Numbers,
    messages: Numbers,
    /// When the client was made.
    since: Instant,
    /// By packet identifier: `c-` records that stand for messages in flight, see [`promote`](Self::promote).
    standing_in: BTreeMap<u16, RecordKey>,
    /// Records of a client of the other version that belong to messages in flight of this one.
    taken_over: BTreeSet<RecordKey>,
    lent: Lent,
    retry: Retry,
    /// Messages of the program's queue that could not be read, in the order in which they came.
    put_off: Vec<RecordKey>,
}

/// Returns the key of the same record of a client of the other version.
fn other_version(key: RecordKey) -> RecordKey {
    RecordKey { v5: !key.v5, ..key }
}

/// Returns a key as the session passes it back.
fn handle(key: RecordKey) -> RecordHandle {
    RecordHandle(key.to_code())
}

impl Records {
    pub fn new(store: Box<dyn Store>, create: &CreateOptions) -> Self {
        Self {
            store: Hooked::new(store),
            v5: create.v5,
            persist_qos0: create.persist_qos0,
            commands: Numbers::default(),
            messages: Numbers::default(),
            since: Instant::now(),
            standing_in: BTreeMap::new(),
            taken_over: BTreeSet::new(),
            lent: Lent::default(),
            retry: Retry::default(),
            put_off: Vec::new(),
        }
    }

    /// Sets or clears what the program does to a record before it is written.
    pub fn set_before_write(&mut self, hook: Option<Box<dyn BeforeWrite>>) {
        self.store.set_before_write(hook);
    }

    /// Sets or clears what the program does to a record after it was read. What could not be read is tried again at once:
    /// the caller has the client's timer set.
    pub fn set_after_read(&mut self, hook: Option<Box<dyn AfterRead>>) {
        self.store.set_after_read(hook);
        self.retry.hurry(Instant::now());
    }

    /// Returns when what the store refused has to be tried again; nothing where it refused nothing.
    pub fn retry_at(&self) -> Option<Instant> {
        self.retry.at()
    }

    /// Returns true, once, when that time has come: the session and the queue of messages have to try again.
    pub fn take_retry(&mut self, now: Instant) -> bool {
        let due = self.retry.take_due(now);
        if due {
            self.store.tidy();
            self.tidy_later();
        }
        due
    }

    /// Makes a record that was found in the store one of this client's.
    fn take_over(&mut self, key: RecordKey) {
        if key.v5 != self.v5 {
            self.taken_over.insert(key);
        }
    }

    /// Returns the key of a record as this client writes it.
    fn own_key(&self, kind: RecordKind, number: u32) -> RecordKey {
        RecordKey::new(kind, self.v5, number)
    }

    /// Returns the key that a record has in the store.
    fn key(&self, record: Record) -> Option<RecordKey> {
        let (kind, id) = match record {
            Record::Sent(id) => (RecordKind::PublishSent, id),
            Record::Released(id) => (RecordKind::PubrelSent, id),
            Record::Received(id) => (RecordKind::PublishReceived, id),
            Record::Queued(handle) => return RecordKey::from_code(handle.0),
        };
        let own = self.own_key(kind, id.into());
        if self.taken_over.is_empty() {
            return Some(own);
        }
        let theirs = other_version(own);
        Some(if self.taken_over.contains(&theirs) {
            theirs
        } else {
            own
        })
    }

    /// Runs a write; what goes wrong is traced, and the caller told only that it did.
    fn write(
        &mut self,
        write: impl FnOnce(&mut Hooked) -> Result<(), StoreError>,
    ) -> Result<(), NotStored> {
        let result = write(&mut self.store);
        self.trace_notices();
        let result = match result {
            Ok(()) => {
                self.retry.succeeded();
                Ok(())
            }
            Err(error) => {
                trace!(Error, "Message not stored: {error}");
                Err(NotStored)
            }
        };
        self.tidy_later();
        result
    }

    /// Sets the alarm if the store did not remove what it was to remove.
    fn tidy_later(&mut self) {
        if !self.store.is_tidy() && self.retry.refused(Instant::now()) {
            trace!(
                Error,
                "Message store: a record that is over could not be removed and is tried again later"
            );
        }
    }

    fn trace_notices(&mut self) {
        for notice in self.store.notices() {
            trace!(Error, "Message store: {notice}");
        }
    }

    pub fn put(&mut self, record: Record, packet: &[u8]) -> Result<(), NotStored> {
        if let (Record::Sent(id), false, true) = (
            record,
            self.standing_in.is_empty(),
            convert::is_qos1(packet),
        ) {
            // After a crash `s-` records are sent before `c-` records: this message would overtake those sent before it.
            if let Some(publish) = view(convert::version(self.v5), packet) {
                if let Some(record) = self.store_command(&publish, id.into())? {
                    self.stand_in(id, record);
                    return Ok(());
                }
            }
        }
        let Some(old) = self.key(record) else {
            return Err(NotStored);
        };
        let key = self.own_key(old.kind, old.number);
        if key == old {
            return self.write(|store| store.put(key, &[packet]));
        }
        self.write(|store| store.replace(old, key, &[packet]))?;
        self.taken_over.remove(&old);
        Ok(())
    }

    /// Removes a record, which is then no longer this client's, whether the store could remove it or not. A message of the
    /// program's queue that it stood for gets one of its own, if the store can write it.
    pub fn discard(&mut self, record: Record) {
        if let Record::Received(id) = record {
            if self.give_back(id).is_ok_and(|given| given) {
                return;
            }
            self.lent.end(id);
        }
        if let Some(key) = self.key(record) {
            self.taken_over.remove(&key);
            self.remove(key);
        }
        if let Record::Sent(id) = record {
            if let Some(key) = self.standing_in.remove(&id) {
                self.remove(key);
            }
        }
    }

    fn remove(&mut self, key: RecordKey) {
        // One that could not be removed is no reason to stop: it is tried again, at the store's end for the last time.
        let _ = self.store.remove(key);
        self.tidy_later();
    }

    /// Writes the `q-` record of a message that goes into the program's queue, in one step with what becomes of the record of
    /// its receipt.
    pub fn store_message<H: Host>(
        &mut self,
        message: &H::Message,
        receipt: Receipt<'_>,
    ) -> Result<RecordKey, NotStored> {
        let number = self.next_number(RecordKind::Message)?;
        let (key, v5) = (self.own_key(RecordKind::Message, number), self.v5);
        H::with_contents(message, |publish| {
            let queued = QueuedMessage {
                topic: publish.topic,
                payload: publish.payload,
                qos: publish.qos as u8,
                retained: publish.retain,
                dup: publish.dup,
                packet_id: publish.packet_id,
                properties: publish.properties.as_bytes(),
            };
            queued
                .write(v5, |parts| match receipt {
                    Receipt::None | Receipt::Stands(_) => self.write(|store| store.put(key, parts)),
                    Receipt::Kept(id, packet) => {
                        let kept = self.own_key(RecordKind::PublishReceived, id.into());
                        self.write(|store| store.put_both(key, parts, kept, &[packet]))
                    }
                    Receipt::Released(id) => {
                        let Some(old) = self.key(Record::Received(id)) else {
                            return Err(NotStored);
                        };
                        self.write(|store| store.replace(old, key, parts))?;
                        self.taken_over.remove(&old);
                        Ok(())
                    }
                })
                .unwrap_or(Err(NotStored))
        })?;
        self.messages.took(number);
        Ok(key)
    }

    /// Returns a number for a new record of that kind.
    fn next_number(&mut self, kind: RecordKind) -> Result<u32, NotStored> {
        let (v5, store) = (self.v5, &mut self.store);
        let numbers = match kind {
            RecordKind::Message => &mut self.messages,
            _ => &mut self.commands,
        };
        let number = numbers.next(|number| store.contains(RecordKey::new(kind, v5, number)));
        number.ok_or(NotStored)
    }

    /// The program has taken the message.
    pub fn message_taken(&mut self, key: RecordKey) {
        let lent = (key.v5 == self.v5).then(|| self.lent.taken(key.number));
        let Some(id) = lent.flatten() else {
            self.remove(key);
            return;
        };
        let receipt = self.own_key(RecordKind::PublishReceived, id.into());
        if self.write(|store| store.put(receipt, &[HAD])).is_err() {
            // The program would get the message once more at its PUBREL; without a record only if its PUBREC is lost.
            self.remove(receipt);
        }
    }

    /// Has the record of a message's receipt stand for the message in the program's queue, and returns the key that names the
    /// message there.
    pub fn lend(&mut self, id: u16) -> Result<RecordKey, NotStored> {
        let number = self.next_number(RecordKind::Message)?;
        self.messages.took(number);
        self.lent.lend(id, number);
        Ok(self.own_key(RecordKind::Message, number))
    }

    /// Removes the record of a receipt whose PUBREL has come. A message of the program's queue that it stands for gets one of
    /// its own in the same step.
    pub fn release(&mut self, id: u16) -> Result<(), NotStored> {
        if !self.give_back(id)? {
            self.discard(Record::Received(id));
        }
        Ok(())
    }

    /// Writes the `q-` record of a message that the record of its receipt stands for, in its place. Returns false if it stands
    /// for none. The message itself is the program's: what is written is what the store has of it.
    fn give_back(&mut self, id: u16) -> Result<bool, NotStored> {
        let Some(number) = self.lent.number(id) else {
            return Ok(false);
        };
        let receipt = self.own_key(RecordKind::PublishReceived, id.into());
        let key = self.own_key(RecordKind::Message, number);
        let v5 = self.v5;
        let packet = self.store.get(receipt).map_err(|error| {
            trace!(Error, "Message store: {error}");
            NotStored
        })?;
        let publish = view(convert::version(v5), &packet).ok_or(NotStored)?;
        let queued = QueuedMessage {
            topic: publish.topic,
            payload: publish.payload,
            qos: publish.qos as u8,
            retained: publish.retain,
            dup: false,
            packet_id: publish.packet_id,
            properties: publish.properties.as_bytes(),
        };
        queued
            .write(v5, |parts| {
                self.write(|store| store.replace(receipt, key, parts))
            })
            .unwrap_or(Err(NotStored))?;
        self.lent.end(id);
        Ok(true)
    }

    /// Reads a message of the program's queue back.
    pub fn load_message<H: Host>(&mut self, key: RecordKey) -> Loaded<H::Message> {
        self.load(key, |records, bytes| {
            let queued = QueuedMessage::read(key.v5, &bytes).ok()?;
            let properties = PropertiesRef::parse(queued.properties, Context::Publish).ok()?;
            H::message(&Publish {
                dup: queued.dup,
                qos: mqttbytes::qos(queued.qos).ok()?,
                retain: queued.retained,
                topic: queued.topic,
                packet_id: queued.packet_id,
                properties: records.known_properties(properties),
                payload: queued.payload,
            })
        })
    }

    /// A message of the program's queue could not be read: it comes before all others once it can.
    pub fn put_off(&mut self, key: RecordKey) {
        self.put_off.push(key);
    }

    /// Returns true if there are such messages.
    pub fn has_put_off(&self) -> bool {
        !self.put_off.is_empty()
    }

    /// Takes them out, in the order in which they came.
    pub fn take_put_off(&mut self) -> Vec<RecordKey> {
        std::mem::take(&mut self.put_off)
    }

    /// Returns a list of properties as this client's program can be given it.
    fn known_properties<'a>(&self, properties: PropertiesRef<'a>) -> PropertiesRef<'a> {
        if self.v5 {
            properties
        } else {
            PropertiesRef::EMPTY
        }
    }

    /// Reads back the PUBLISH that was sent under that packet identifier.
    pub fn load_sent(&mut self, id: u16) -> Loaded<Vec<u8>> {
        let Some(key) = self.key(Record::Sent(id)) else {
            return Loaded::Damaged { in_place: false };
        };
        self.load(key, |records, bytes| {
            convert::sent(records.v5, key.v5, id, bytes)
        })
    }

    /// Reads back the message that was received under that packet identifier; nothing where the program has had it.
    pub fn load_received<H: Host>(&mut self, id: u16) -> Loaded<Option<H::Message>> {
        let Some(key) = self.key(Record::Received(id)) else {
            return Loaded::Damaged { in_place: false };
        };
        self.load(key, |records, bytes| {
            if bytes == HAD {
                return Some(None);
            }
            let publish = view(convert::version(key.v5), &bytes)?;
            let message = H::message(&Publish {
                properties: records.known_properties(publish.properties),
                ..publish
            })?;
            Some(Some(message))
        })
    }

    /// Reads a record and lets `parse` make something of it. A record that was read and makes no sense is set aside; one
    /// that cannot be read is kept, and tried again later.
    fn load<T>(
        &mut self,
        key: RecordKey,
        parse: impl FnOnce(&mut Self, Vec<u8>) -> Option<T>,
    ) -> Loaded<T> {
        match self.store.get(key) {
            Ok(bytes) => {
                self.retry.succeeded();
                match parse(self, bytes) {
                    Some(content) => Loaded::Ready(content),
                    None => self.set_aside(key),
                }
            }
            Err(error @ StoreError::NoRecord(_)) => {
                trace!(Error, "Message store: {error}");
                Loaded::Damaged { in_place: false }
            }
            Err(error @ StoreError::Damaged(..)) => {
                trace!(Error, "Message store: {error}");
                self.set_aside(key)
            }
            Err(error) => {
                if self.retry.refused(Instant::now()) {
                    trace!(Error, "Message store: {key} is tried again later: {error}");
                }
                Loaded::Later
            }
        }
    }

    fn set_aside<T>(&mut self, key: RecordKey) -> Loaded<T> {
        let moved = self.store.set_aside(key).unwrap_or_else(|error| {
            trace!(Error, "Message store: {error}");
            false
        });
        if !moved {
            trace!(
                Error,
                "Message store: {key} is damaged and left where it is"
            );
        }
        self.trace_notices();
        Loaded::Damaged { in_place: !moved }
    }

    /// Writes the `c-` record of a publish that has to wait.
    pub fn store_command(
        &mut self,
        publish: &Publish<'_>,
        token: Token,
    ) -> Result<Option<RecordHandle>, NotStored> {
        if publish.qos == QoS::AtMostOnce && !self.persist_qos0 {
            return Ok(None);
        }
        let number = self.next_number(RecordKind::Command)?;
        let (key, v5) = (self.own_key(RecordKind::Command, number), self.v5);
        let command = QueuedCommand::Publish {
            token,
            topic: publish.topic,
            payload: publish.payload,
            qos: publish.qos as u8,
            retained: publish.retain,
            properties: publish.properties.as_bytes(),
        };
        command
            .write(v5, |parts| self.write(|store| store.put(key, parts)))
            .unwrap_or(Err(NotStored))?;
        self.commands.took(number);
        Ok(Some(handle(key)))
    }

    /// Writes the `s-` record of a publish that waited, in place of its `c-` record if it has one. After a failure it is
    /// tried again later.
    ///
    /// At `QoS` 1 the `c-` record will do until the acknowledgement: after a crash the message is sent once more, and it does
    /// not matter that it is sent as a new one. So it is left alone where it has a file, because to make and remove files
    /// is what takes longest when many have waited; after another one that was, to keep their order; and on a disk that waiting
    /// messages have filled, where there is no room for both at a time and they must be sent to make room. At `QoS` 2 that
    /// would be one delivery too many: such a message waits for room.
    pub fn promote(
        &mut self,
        queued: Option<RecordHandle>,
        id: u16,
        packet: &[u8],
    ) -> Result<(), NotStored> {
        let new = self.own_key(RecordKind::PublishSent, id.into());
        let result = match queued.and_then(|record| RecordKey::from_code(record.0)) {
            None => self.write(|store| store.put(new, &[packet])),
            Some(old) => {
                let may_stand = convert::is_qos1(packet);
                let stands =
                    may_stand && (!self.standing_in.is_empty() || self.store.has_file(old));
                let replaced = if stands {
                    Err(NotStored)
                } else {
                    self.write(|store| store.replace(old, new, &[packet]))
                };
                if replaced.is_err() && may_stand {
                    self.standing_in.insert(id, old);
                    return Ok(());
                }
                replaced
            }
        };
        if result.is_err() {
            self.retry.refused(Instant::now());
        }
        result
    }

    /// Has a `c-` record stand for the message in flight under that packet identifier.
    fn stand_in(&mut self, id: u16, record: RecordHandle) {
        if let Some(key) = RecordKey::from_code(record.0) {
            self.standing_in.insert(id, key);
        }
    }

    /// Reads a command that waited back.
    pub fn load_command(&mut self, record: RecordHandle) -> Loaded<Stored> {
        let Some(key) = RecordKey::from_code(record.0) else {
            return Loaded::Damaged { in_place: false };
        };
        self.load(key, |records, bytes| {
            let command = QueuedCommand::read(key.v5, &bytes).ok()?;
            let waited = if convert::expires(&command) {
                // A program's own store cannot tell: then it has waited for as long as this client has been there.
                let age = records.store.age(key);
                age.unwrap_or(records.since.elapsed())
            } else {
                Duration::ZERO
            };
            convert::stored(records.v5, &command, waited)
        })
    }
}

#[cfg(test)]
mod tests;
