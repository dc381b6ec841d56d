//! A client's records in its store: which there are, when they are written, and what is read back.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use bytes::BytesMut;

use crate::persistence::hooks::{AfterRead, BeforeWrite, Hooked};
use crate::persistence::record::command::QueuedCommand;
use crate::persistence::record::message::QueuedMessage;
use crate::persistence::{RecordKey, RecordKind, Store, StoreError};
use crate::protocol::packet::{Filter, Publish, encode_subscribe, encode_unsubscribe};
use crate::protocol::property::{Context, Properties, PropertiesRef, PropertyId};
use crate::protocol::session::{NotStored, Receipt, Record, Session, Stored, Token};
use crate::protocol::{QoS, Version};
use crate::trace;

use super::host::{Event, Host};
use super::sink::Io;
use crate::options::CreateOptions;

/// The records of one client. Without a store nothing is written and everything succeeds.
pub(super) struct Records {
    store: Option<Hooked>,
    v5: bool,
    persist_qos0: bool,
    /// Numbers of the last `c-` and `q-` records.
    last_command: u32,
    last_message: u32,
    /// When the client was made.
    since: Instant,
    /// By packet identifier: `c-` records that stand for messages in flight, see [`promote`](Self::promote).
    standing_in: HashMap<u16, u32>,
}

impl Records {
    pub fn new(store: Option<Box<dyn Store>>, create: &CreateOptions) -> Self {
        Self {
            store: store.map(Hooked::new),
            v5: create.v5,
            persist_qos0: create.persist_qos0,
            last_command: 0,
            last_message: 0,
            since: Instant::now(),
            standing_in: HashMap::new(),
        }
    }

    /// Sets or clears what the program does to a record before it is written.
    pub fn set_before_write(&mut self, hook: Option<Box<dyn BeforeWrite>>) {
        if let Some(store) = &mut self.store {
            store.set_before_write(hook);
        }
    }

    /// Sets or clears what the program does to a record after it was read.
    pub fn set_after_read(&mut self, hook: Option<Box<dyn AfterRead>>) {
        if let Some(store) = &mut self.store {
            store.set_after_read(hook);
        }
    }

    /// Closes the store; what it holds stays there.
    pub fn close(&mut self) {
        self.store = None;
    }

    fn key(&self, record: Record) -> RecordKey {
        let (kind, number) = match record {
            Record::Sent(id) => (RecordKind::PublishSent, id.into()),
            Record::Released(id) => (RecordKind::PubrelSent, id.into()),
            Record::Received(id) => (RecordKind::PublishReceived, id.into()),
            Record::Queued(number) => (RecordKind::Command, number),
        };
        RecordKey::new(kind, self.v5, number)
    }

    fn message_key(&self, number: u32) -> RecordKey {
        RecordKey::new(RecordKind::Message, self.v5, number)
    }

    /// Runs a write; what goes wrong is traced, and the caller told only that it did.
    fn write(
        &mut self,
        write: impl FnOnce(&mut Hooked) -> Result<(), StoreError>,
    ) -> Result<(), NotStored> {
        let Some(store) = &mut self.store else {
            return Ok(());
        };
        let result = write(store);
        self.trace_notices();
        result.map_err(|error| {
            trace!(Error, "Message not stored: {error}");
            NotStored
        })
    }

    fn trace_notices(&mut self) {
        if let Some(store) = &mut self.store {
            for notice in store.notices() {
                trace!(Error, "Message store: {notice}");
            }
        }
    }

    pub fn put(&mut self, record: Record, packet: &[u8]) -> Result<(), NotStored> {
        if let (Record::Sent(id), false, true) =
            (record, self.standing_in.is_empty(), is_qos1(packet))
        {
            // After a crash `s-` records are sent before `c-` records: this message would overtake those sent before it.
            let version = if self.v5 { Version::V5 } else { Version::V311 };
            if let Some(publish) = crate::protocol::session::view(version, packet) {
                if let Some(number) = self.store_command(&publish, id.into())? {
                    self.standing_in.insert(id, number);
                    return Ok(());
                }
            }
        }
        let key = self.key(record);
        self.write(|store| store.put(key, &[packet]))
    }

    /// Writes a record in place of an older one, of either version: a MQTT 5 client may have taken over another's.
    fn replace(&mut self, old: Record, new: RecordKey, parts: &[&[u8]]) -> Result<(), NotStored> {
        let mut old = self.key(old);
        if let Some(store) = &mut self.store {
            old.v5 = store.contains(old) == old.v5;
        }
        self.write(|store| store.replace(old, new, parts))
    }

    /// Removes a record, of either version: a MQTT 5 client may have taken over an older one's.
    pub fn discard(&mut self, record: Record) {
        let key = self.key(record);
        self.remove(key);
        if let Record::Sent(id) = record {
            if let Some(number) = self.standing_in.remove(&id) {
                let key = self.key(Record::Queued(number));
                self.remove(key);
            }
        }
    }

    fn remove(&mut self, key: RecordKey) {
        let Some(store) = &mut self.store else {
            return;
        };
        // A record that cannot be removed is at worst sent once more, which QoS 1 allows and the server sees at QoS 2.
        if store.remove(key).is_err() && self.v5 {
            let _ = store.remove(RecordKey { v5: false, ..key });
        }
    }

    /// Writes the `q-` record of a message that goes into the program's queue, in one step with what becomes of the record of
    /// its receipt.
    pub fn store_message<H: Host>(
        &mut self,
        message: &H::Message,
        receipt: Receipt<'_>,
    ) -> Result<Option<u32>, NotStored> {
        if self.store.is_none() {
            return Ok(None);
        }
        let number = self.last_message.wrapping_add(1);
        let (key, v5) = (self.message_key(number), self.v5);
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
                    Receipt::None => self.write(|store| store.put(key, parts)),
                    Receipt::Kept(id, packet) => {
                        let kept = self.key(Record::Received(id));
                        self.write(|store| store.put_both(key, parts, kept, &[packet]))
                    }
                    Receipt::Released(id) => self.replace(Record::Received(id), key, parts),
                })
                .unwrap_or(Err(NotStored))
        })?;
        self.last_message = number;
        Ok(Some(number))
    }

    /// The program has taken the message.
    pub fn message_taken(&mut self, record: Option<u32>) {
        if let Some(number) = record {
            let key = self.message_key(number);
            self.remove(key);
        }
    }

    /// Reads a message of the program's queue back; one that is unusable is set aside.
    pub fn load_message<H: Host>(&mut self, number: u32) -> Option<H::Message> {
        let (key, bytes) = self.load(RecordKind::Message, number)?;
        let message = QueuedMessage::read(key.v5, &bytes).ok().and_then(|queued| {
            H::message(&Publish {
                dup: queued.dup,
                qos: mqttbytes::qos(queued.qos).ok()?,
                retain: queued.retained,
                topic: queued.topic,
                packet_id: queued.packet_id,
                properties: PropertiesRef::parse(queued.properties, Context::Publish).ok()?,
                payload: queued.payload,
            })
        });
        if message.is_none() {
            self.set_aside(key);
        }
        message
    }

    /// The record of that number, of this client's version or, for a MQTT 5 client, of an older one.
    fn load(&mut self, kind: RecordKind, number: u32) -> Option<(RecordKey, Vec<u8>)> {
        let v5 = self.v5;
        let store = self.store.as_mut()?;
        let found = [v5, !v5].into_iter().find_map(|v5| {
            let key = RecordKey::new(kind, v5, number);
            store.contains(key).then(|| (key, store.get(key)))
        });
        match found? {
            (key, Ok(bytes)) => Some((key, bytes)),
            (key, Err(error)) => {
                trace!(Error, "Message store: {error}");
                self.set_aside(key);
                None
            }
        }
    }

    fn set_aside(&mut self, key: RecordKey) {
        if let Some(store) = &mut self.store {
            if let Err(error) = store.set_aside(key) {
                trace!(Error, "Message store: {error}");
            }
        }
        self.trace_notices();
    }

    /// Writes the `c-` record of a publish that has to wait.
    pub fn store_command(
        &mut self,
        publish: &Publish<'_>,
        token: Token,
    ) -> Result<Option<u32>, NotStored> {
        if self.store.is_none() || (publish.qos == QoS::AtMostOnce && !self.persist_qos0) {
            return Ok(None);
        }
        let number = self.last_command.wrapping_add(1);
        let (key, v5) = (self.key(Record::Queued(number)), self.v5);
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
        self.last_command = number;
        Ok(Some(number))
    }

    /// Writes the `s-` record of a publish that waited, in place of its `c-` record if it has one.
    ///
    /// At `QoS` 1 the `c-` record will do until the acknowledgement: after a crash the message is sent once more, and it does
    /// not matter that it is sent as a new one. So it is left alone where it has a file, because to make and remove files
    /// is what takes longest when many have waited; after another one that was, to keep their order; and on a disk that waiting
    /// messages have filled, where there is no room for both at a time and they must be sent to make room. At `QoS` 2 that
    /// would be one delivery too many: such a message waits for room.
    pub fn promote(
        &mut self,
        queued: Option<u32>,
        id: u16,
        packet: &[u8],
    ) -> Result<(), NotStored> {
        let new = self.key(Record::Sent(id));
        let Some(number) = queued else {
            return self.write(|store| store.put(new, &[packet]));
        };
        let may_stand = is_qos1(packet);
        let stands = may_stand && (!self.standing_in.is_empty() || self.has_file(number));
        let result = if stands {
            Err(NotStored)
        } else {
            self.replace(Record::Queued(number), new, &[packet])
        };
        if result.is_err() && may_stand {
            self.standing_in.insert(id, number);
            return Ok(());
        }
        result
    }

    fn has_file(&mut self, number: u32) -> bool {
        let key = self.key(Record::Queued(number));
        self.store.as_mut().is_some_and(|store| {
            [key.v5, !key.v5]
                .iter()
                .any(|&v5| store.has_file(RecordKey { v5, ..key }))
        })
    }

    /// Reads a command that waited back; one that is unusable is set aside.
    pub fn load_command(&mut self, number: u32) -> Option<Stored> {
        let (key, bytes) = self.load(RecordKind::Command, number)?;
        let command = QueuedCommand::read(key.v5, &bytes).ok();
        let stored = command.and_then(|command| {
            let waited = if expires(&command) {
                // A program's own store cannot tell: then it has waited for as long as this client has been there.
                let age = self.store.as_mut().and_then(|store| store.age(key));
                age.unwrap_or(self.since.elapsed())
            } else {
                Duration::ZERO
            };
            stored(self.v5, &command, waited)
        });
        if stored.is_none() {
            self.set_aside(key);
        }
        stored
    }
}

/// Whether an encoded PUBLISH is of `QoS` 1.
fn is_qos1(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first >> 1 & 3 == 1)
}

/// Whether it matters how long it has waited.
fn expires(command: &QueuedCommand<'_>) -> bool {
    let QueuedCommand::Publish { properties, .. } = command else {
        return false;
    };
    PropertiesRef::parse(properties, Context::Publish)
        .is_ok_and(|list| list.number(PropertyId::MessageExpiryInterval).is_some())
}

/// A command as it goes over the wire; a property list that a MQTT 5 client left is dropped below MQTT 5.
fn stored(v5: bool, command: &QueuedCommand<'_>, waited: Duration) -> Option<Stored> {
    let version = if v5 { Version::V5 } else { Version::V311 };
    let list = |properties| {
        let list = PropertiesRef::parse(properties, Context::Subscribe).ok()?;
        Some(if v5 { list } else { PropertiesRef::EMPTY })
    };
    let mut packet = BytesMut::new();
    let filters = match command {
        QueuedCommand::Publish {
            topic,
            payload,
            qos,
            retained,
            properties,
            ..
        } => {
            let properties = if v5 { *properties } else { &[] };
            let packet = encode(v5, topic, payload, *qos, *retained, properties)?;
            return Some(Stored::Publish { packet, waited });
        }
        QueuedCommand::Subscribe {
            topics, properties, ..
        } => {
            let filters: Option<Vec<Filter<'_>>> = topics
                .iter()
                .map(|topic| {
                    Some(Filter {
                        filter: topic.filter,
                        qos: mqttbytes::qos(topic.qos).ok()?,
                        no_local: topic.options.no_local,
                        retain_as_published: topic.options.retain_as_published,
                        retain_handling: topic.options.retain_handling,
                    })
                })
                .collect();
            encode_subscribe(version, ANY_ID, &filters?, list(properties)?, &mut packet).ok()?;
            topics.len()
        }
        QueuedCommand::Unsubscribe {
            topics, properties, ..
        } => {
            encode_unsubscribe(version, ANY_ID, topics, list(properties)?, &mut packet).ok()?;
            topics.len()
        }
    };
    Some(Stored::Request {
        packet: packet.into(),
        filters,
    })
}

/// In the place of the packet identifier that a request is given when it is sent.
const ANY_ID: u16 = 1;

fn encode(
    v5: bool,
    topic: &[u8],
    payload: &[u8],
    qos: u8,
    retain: bool,
    properties: &[u8],
) -> Option<Vec<u8>> {
    let mut packet = BytesMut::new();
    Publish {
        dup: false,
        qos: mqttbytes::qos(qos).ok()?,
        retain,
        topic,
        packet_id: 0,
        properties: PropertiesRef::parse(properties, Context::Publish).ok()?,
        payload,
    }
    .encode(if v5 { Version::V5 } else { Version::V311 }, &mut packet)
    .ok()?;
    Some(packet.into())
}

/// A store's records as they were found.
struct Found {
    sent: Vec<RecordKey>,
    received: Vec<RecordKey>,
    commands: Vec<u32>,
    messages: Vec<u32>,
}

/// Takes over what the store holds: messages in flight at once, those that wait when their turn comes.
///
/// A MQTT 3 client refuses a store with MQTT 5 messages in flight, as the original does; the reverse is taken over.
pub(super) fn restore<H: Host>(
    session: &mut Session<H::Message, H::Op>,
    io: &mut Io<H>,
    create: &CreateOptions,
    op: impl Fn() -> H::Op,
) -> Result<(), StoreError> {
    let Some(store) = &mut io.records.store else {
        return Ok(());
    };
    let keys = store.keys()?;
    if !create.v5 && keys.iter().any(|key| key.v5 && in_flight(key.kind)) {
        return Err(StoreError::BadProgram("the store is of an MQTT 5 client"));
    }
    let found = sort(&keys);
    let all: HashSet<RecordKey> = keys.iter().copied().collect();
    let either = |kind, number| [true, false].map(|v5| RecordKey::new(kind, v5, number));
    let (mut sent, mut received) = (0, 0);
    for key in &found.sent {
        let released = either(RecordKind::PubrelSent, key.number)
            .iter()
            .any(|key| all.contains(key));
        if let Some(packet) = io.records.packet(*key) {
            let id = u16::try_from(key.number).unwrap_or(0);
            if session.restore_sent(id, packet, released, op()) {
                sent += 1;
                continue;
            }
        }
        io.records.set_aside(*key);
    }
    for key in keys.iter().filter(|key| key.kind == RecordKind::PubrelSent) {
        let messages = either(RecordKind::PublishSent, key.number);
        if !messages.iter().any(|key| all.contains(key)) {
            // Killed between the end of a message's two records. Left there, a later message of the same packet identifier
            // would be taken for one that the server has.
            io.records.remove(*key);
        }
    }
    for key in &found.received {
        let packet = io.records.packet(*key);
        let id = u16::try_from(key.number).unwrap_or(0);
        if packet.is_some_and(|packet| session.restore_received(id, &packet, key.v5, io)) {
            received += 1;
        } else {
            io.records.set_aside(*key);
        }
    }
    io.records.last_command = found.commands.last().copied().unwrap_or(0);
    io.records.last_message = found.messages.last().copied().unwrap_or(0);
    trace!(
        Minimum,
        "{sent} sent messages and {received} received messages restored, {} commands and {} messages waiting",
        found.commands.len(),
        found.messages.len()
    );
    if create.restore_messages {
        for number in found.commands {
            session.restore_queued(number, op());
        }
        io.events
            .extend(found.messages.into_iter().map(Event::Stored));
    } else if let Some(store) = &mut io.records.store {
        let waiting = |key: &&RecordKey| !in_flight(key.kind);
        let forgotten: Vec<RecordKey> = keys.iter().filter(waiting).copied().collect();
        store.forget_all(&forgotten);
    }
    Ok(())
}

fn in_flight(kind: RecordKind) -> bool {
    matches!(
        kind,
        RecordKind::PublishSent | RecordKind::PubrelSent | RecordKind::PublishReceived
    )
}

fn sort(keys: &[RecordKey]) -> Found {
    let of = |kind| {
        let mut keys: Vec<_> = keys
            .iter()
            .filter(|key| key.kind == kind)
            .copied()
            .collect();
        keys.sort_unstable_by_key(|key| key.number);
        keys
    };
    let numbers = |kind| {
        let mut numbers: Vec<u32> = of(kind).into_iter().map(|key| key.number).collect();
        numbers.dedup();
        numbers
    };
    let mut sent = of(RecordKind::PublishSent);
    // Packet identifiers wrap round: the oldest follows the widest gap.
    let widest = (1..sent.len()).max_by_key(|&i| sent[i].number - sent[i - 1].number);
    if let Some(at) = widest {
        let wrapped = sent[0].number + 65_535 - sent[sent.len() - 1].number;
        if sent[at].number - sent[at - 1].number > wrapped {
            sent.rotate_left(at);
        }
    }
    Found {
        sent,
        received: of(RecordKind::PublishReceived),
        commands: numbers(RecordKind::Command),
        messages: numbers(RecordKind::Message),
    }
}

impl Records {
    /// A stored packet. A MQTT 5 client that takes over one of an older client gives it an empty property list.
    fn packet(&mut self, key: RecordKey) -> Option<Vec<u8>> {
        let bytes = self.store.as_mut()?.get(key).ok()?;
        if key.v5 == self.v5 {
            return Some(bytes);
        }
        let publish = crate::protocol::session::view(Version::V311, &bytes)?;
        let mut packet = BytesMut::new();
        let properties = Properties::new();
        Publish {
            properties: properties.as_ref(),
            ..publish
        }
        .encode(Version::V5, &mut packet)
        .ok()?;
        Some(packet.into())
    }
}
