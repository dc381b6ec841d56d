//! The session, driven by arbitrary sequences of calls, packets and time.
//!
//! A model of the program and of the server runs beside it and checks what must always hold:
//!
//! - every accepted operation ends exactly once, and no other does;
//! - packet identifiers in flight are unique and not zero (`[MQTT-2.2.1-4]`), and at most as many as were allowed;
//! - a QoS 2 message is delivered once at most, and once exactly when its handshake is finished;
//! - records in the store are those of messages in flight or waiting;
//! - nothing panics, and memory stays within what was put in.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use bytes::BytesMut;
use paho_oxide::protocol::outbound::{Batch, Outbound};
use paho_oxide::protocol::packet::{AckKind, ConnAck, Filter, Publish, encode_ack};
use paho_oxide::protocol::property::{Properties, PropertiesRef, Property, PropertyId, Value};
use paho_oxide::protocol::session::{
    AckToken, Begin, Completion, Loaded, MAX_HELD, NotStored, Outcome, Receipt, Record,
    RecordHandle, Session, Sink, Stored, Token, view,
};
use paho_oxide::protocol::{QoS, Version, decode};

/// One step.
#[derive(Arbitrary, Clone, Debug)]
pub enum Step {
    /// The program publishes.
    Publish {
        qos: u8,
        size: u8,
        queue: bool,
        expiry: Option<u8>,
    },
    /// The program subscribes.
    Subscribe { filters: u8 },
    /// The program unsubscribes.
    Unsubscribe { filters: u8 },
    /// The server publishes, or publishes again what it has not had an answer for.
    ServerPublish { qos: u8, id: u8 },
    /// The server releases a QoS 2 message.
    ServerRelease { id: u8 },
    /// The server acknowledges what it got, of this kind and identifier, whether that fits or not.
    ServerAck { kind: u8, id: u8, error: bool },
    /// The server answers a subscription.
    ServerSubAck { id: u8, codes: u8, unsub: bool },
    /// The server sends anything.
    ServerBytes(Vec<u8>),
    /// Time passes.
    Tick(u8),
    /// The network is gone.
    Lose,
    /// A connection is made.
    Begin {
        clean: bool,
        present: bool,
        receive_maximum: u8,
        max_inflight: u8,
    },
    /// The buffer was full.
    DropOldest,
    /// The store refuses from now on, or works again.
    StoreFails(bool),
}

/// A hash for small numbers: most of a run would go into the standard one, which expects keys chosen by an attacker.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64((*byte).into());
        }
    }

    fn write_u16(&mut self, n: u16) {
        self.write_u64(n.into());
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(n.into());
    }

    fn write_isize(&mut self, n: isize) {
        self.write_u64(n.unsigned_abs() as u64);
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0 ^ n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

type Map<K, V> = HashMap<K, V, BuildHasherDefault<Spread>>;
type Set<K> = HashSet<K, BuildHasherDefault<Spread>>;

/// What has become of an operation.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Open,
    Ended,
    Refused,
}

/// What the session tells, and what the model remembers.
#[derive(Default)]
struct World {
    out: Outbound,
    /// The operations, which are numbered from 0.
    ops: Vec<Fate>,
    /// How many of them are open.
    open: usize,
    unwritten: Vec<u32>,
    delivered: Map<u32, u32>,
    /// What was delivered in this step.
    arrived: Vec<u32>,
    records: Set<Record>,
    /// How many of them are of messages sent.
    sent: usize,
    queued: Map<u64, Vec<u8>>,
    next_queued: u64,
    store_fails: bool,
    store_failed: bool,
    version: Option<Version>,
}

impl World {
    fn end(&mut self, op: u32) {
        let fate = self.ops.get_mut(op as usize);
        let fate = fate.expect("an operation ended that was never begun");
        assert!(*fate != Fate::Refused, "a refused operation ended");
        assert!(*fate != Fate::Ended, "an operation ended twice");
        *fate = Fate::Ended;
        self.open -= 1;
    }

    fn record(&mut self, record: Record) {
        if self.records.insert(record) {
            self.sent += usize::from(matches!(record, Record::Sent(_)));
        }
    }

    fn forget(&mut self, record: Record) {
        if self.records.remove(&record) {
            self.sent -= usize::from(matches!(record, Record::Sent(_)));
        }
    }

    fn check_store(&self) -> Result<(), NotStored> {
        if self.store_fails {
            Err(NotStored)
        } else {
            Ok(())
        }
    }
}

impl Sink for World {
    type Message = u32;
    type Op = u32;

    fn out(&mut self) -> &mut Outbound {
        &mut self.out
    }

    fn message(&mut self, publish: &Publish<'_>) -> Result<u32, NotStored> {
        let number = publish.payload.try_into();
        Ok(number.map_or(u32::MAX, u32::from_be_bytes))
    }

    fn message_size(&self, _: &u32) -> usize {
        // A few of these are more than may wait for their PUBREL.
        MAX_HELD / 3
    }

    fn deliver(
        &mut self,
        message: u32,
        _: QoS,
        receipt: Receipt<'_>,
        ack: Option<AckToken>,
    ) -> Result<(), u32> {
        if ack.is_none() {
            self.check_store().map_err(|NotStored| message)?;
        }
        match receipt {
            Receipt::None => {}
            Receipt::Kept(id, _) => {
                self.record(Record::Received(id));
            }
            Receipt::Released(id) => {
                self.forget(Record::Received(id));
            }
        }
        self.arrived.push(message);
        *self.delivered.entry(message).or_default() += 1;
        Ok(())
    }

    fn complete(&mut self, done: Completion<u32>) {
        if let (Some(packet), Outcome::Published { .. }) = (&done.packet, &done.outcome) {
            assert!(view(self.version.unwrap_or(Version::V311), packet).is_some());
        }
        self.end(done.op);
    }

    fn complete_when_written(&mut self, done: Completion<u32>) {
        self.unwritten.push(done.op);
    }

    fn wants_packet(&self, op: &u32) -> bool {
        op % 2 == 0
    }

    fn acknowledged(&mut self, _: AckKind, packet_id: u16, _: u8, _: PropertiesRef<'_>) {
        assert_ne!(packet_id, 0);
    }

    fn store(&mut self, record: Record, packet: &[u8]) -> Result<(), NotStored> {
        self.check_store()?;
        assert!(!packet.is_empty());
        self.record(record);
        Ok(())
    }

    fn discard(&mut self, record: Record) {
        self.forget(record);
        if let Record::Queued(RecordHandle(number)) = record {
            self.queued.remove(&number);
        }
    }

    fn store_queued(
        &mut self,
        publish: &Publish<'_>,
        _: Token,
    ) -> Result<Option<RecordHandle>, NotStored> {
        self.check_store()?;
        if publish.qos == QoS::AtMostOnce {
            return Ok(None);
        }
        self.next_queued += 1;
        let handle = RecordHandle(self.next_queued);
        self.record(Record::Queued(handle));
        Ok(Some(handle))
    }

    fn promote(
        &mut self,
        queued: Option<RecordHandle>,
        id: u16,
        packet: &[u8],
    ) -> Result<(), NotStored> {
        self.store(Record::Sent(id), packet)?;
        if let Some(number) = queued {
            self.discard(Record::Queued(number));
        }
        Ok(())
    }

    fn load_queued(&mut self, record: RecordHandle) -> Loaded<Stored> {
        match self.queued.get(&record.0).cloned() {
            Some(packet) => Loaded::Ready(Stored::Publish {
                packet,
                waited: Duration::ZERO,
            }),
            None => Loaded::Damaged { in_place: false },
        }
    }

    fn load_sent(&mut self, _: u16) -> Loaded<Vec<u8>> {
        Loaded::Damaged { in_place: false }
    }

    fn load_received(&mut self, _: u16) -> Loaded<u32> {
        Loaded::Damaged { in_place: false }
    }
}

fn qos(n: u8) -> QoS {
    match n % 3 {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

/// The whole run.
pub struct Run {
    session: Session<u32, u32>,
    world: World,
    version: Version,
    now: Instant,
    next_message: u32,
    /// QoS 2 messages that the server has published and not released: identifier to number.
    server: Map<u16, u32>,
    /// Numbers of QoS 2 messages whose handshake is finished.
    finished: Set<u32>,
    limit: u32,
    written: Vec<u8>,
    steps: usize,
}

impl Run {
    fn new(version: Version) -> Self {
        let now = Instant::now();
        Self {
            session: Session::new(version, Arc::from("model"), now),
            world: World {
                version: Some(version),
                ..World::default()
            },
            version,
            now,
            next_message: 0,
            server: Map::default(),
            finished: Set::default(),
            limit: 0,
            written: Vec::new(),
            steps: 0,
        }
    }

    fn op(&mut self) -> u32 {
        self.world.ops.push(Fate::Open);
        self.world.open += 1;
        u32::try_from(self.world.ops.len() - 1).unwrap_or(u32::MAX)
    }

    /// The command was not accepted, so it must not end either.
    fn refused(&mut self, op: u32) {
        let fate = &mut self.world.ops[op as usize];
        assert!(*fate == Fate::Open, "a refused operation ended");
        *fate = Fate::Refused;
        self.world.open -= 1;
        self.world.unwritten.retain(|other| *other != op);
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Publish {
                qos: q,
                size,
                queue,
                expiry,
            } => self.publish(qos(*q), *size, *queue, *expiry),
            Step::Subscribe { filters } => self.subscribe(*filters, true),
            Step::Unsubscribe { filters } => self.subscribe(*filters, false),
            Step::ServerPublish { qos: q, id } => {
                self.server_publish(qos(*q), u16::from(*id % 16) + 1);
            }
            Step::ServerRelease { id } => self.server_release(u16::from(*id % 16) + 1),
            Step::ServerAck { kind, id, error } => {
                self.server_ack(*kind, u16::from(*id % 12) + 1, *error);
            }
            Step::ServerSubAck { id, codes, unsub } => {
                self.server_suback(u16::from(*id % 32) + 1, *codes % 4, *unsub);
            }
            Step::ServerBytes(bytes) => self.receive(bytes),
            Step::Tick(seconds) => {
                self.now += Duration::from_secs(u64::from(*seconds));
                if !self.session.tick(self.now, &mut self.world) {
                    self.lose();
                }
            }
            Step::Lose => self.lose(),
            Step::Begin {
                clean,
                present,
                receive_maximum,
                max_inflight,
            } => {
                self.begin(*clean, *present, *receive_maximum, *max_inflight);
            }
            Step::DropOldest => self.session.drop_oldest(&mut self.world),
            Step::StoreFails(fails) => {
                self.world.store_fails = *fails;
                self.world.store_failed |= *fails;
            }
        }
        self.write();
        self.check();
    }

    fn publish(&mut self, qos: QoS, size: u8, queue: bool, expiry: Option<u8>) {
        let op = self.op();
        let mut properties = Properties::new();
        if let (Some(seconds), Version::V5) = (expiry, self.version) {
            let value = Value::Four(seconds.into());
            let id = PropertyId::MessageExpiryInterval;
            assert!(properties.push(Property { id, value }).is_ok());
        }
        let payload = vec![size; usize::from(size)];
        let publish = Publish {
            dup: false,
            qos,
            retain: false,
            topic: b"t",
            packet_id: 0,
            properties: properties.as_ref(),
            payload: &payload,
        };
        let token = self.session.token();
        // Offline, whether a message may wait is for the caller to decide; online the session does.
        let queue = queue || !self.session.online();
        let accepted =
            self.session
                .publish(&publish, Some(token), op, queue, self.now, &mut self.world);
        if accepted.is_err() {
            self.refused(op);
        }
    }

    fn subscribe(&mut self, filters: u8, subscribe: bool) {
        if !self.session.online() {
            return;
        }
        let op = self.op();
        let token = self.session.token();
        let none = PropertiesRef::EMPTY;
        let count = usize::from(filters % 4);
        let sent = if subscribe {
            let filter = Filter {
                filter: b"a/+",
                qos: QoS::AtLeastOnce,
                no_local: false,
                retain_as_published: false,
                retain_handling: 0,
            };
            self.session
                .subscribe(&vec![filter; count], none, token, op, &mut self.world)
        } else {
            let filter: &[u8] = b"a/+";
            self.session
                .unsubscribe(&vec![filter; count], none, token, op, &mut self.world)
        };
        if sent.is_err() {
            self.refused(op);
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        if !self.session.online() {
            return;
        }
        match self.session.receive(bytes, self.now, &mut self.world) {
            Ok(used) => assert!(used <= bytes.len()),
            Err(_) => self.lose(),
        }
    }

    fn server_publish(&mut self, qos: QoS, id: u16) {
        if !self.session.online() {
            return;
        }
        let again = qos == QoS::ExactlyOnce && self.server.contains_key(&id);
        let number = if again {
            self.server[&id]
        } else {
            self.next_message += 1;
            self.next_message
        };
        let mut packet = BytesMut::new();
        let publish = Publish {
            dup: again,
            qos,
            retain: false,
            topic: b"s",
            packet_id: if qos == QoS::AtMostOnce { 0 } else { id },
            properties: PropertiesRef::EMPTY,
            payload: &number.to_be_bytes(),
        };
        assert!(publish.encode(self.version, &mut packet).is_ok());
        if qos == QoS::ExactlyOnce {
            self.server.insert(id, number);
        }
        self.receive(&packet);
    }

    fn server_release(&mut self, id: u16) {
        if !self.session.online() {
            return;
        }
        let mut packet = BytesMut::new();
        encode_ack(AckKind::PubRel, self.version, id, 0, &mut packet);
        self.receive(&packet);
        if self.session.online() {
            // Answered: the server forgets the message.
            if let Some(number) = self.server.remove(&id) {
                self.finished.insert(number);
            }
        }
    }

    fn server_ack(&mut self, kind: u8, id: u16, error: bool) {
        let kind = match kind % 3 {
            0 => AckKind::PubAck,
            1 => AckKind::PubRec,
            _ => AckKind::PubComp,
        };
        let reason = match (error, kind) {
            (false, _) => 0,
            (true, AckKind::PubComp) => 0x92,
            (true, _) => 0x97,
        };
        let mut packet = BytesMut::new();
        encode_ack(kind, self.version, id, reason, &mut packet);
        self.receive(&packet);
    }

    fn server_suback(&mut self, id: u16, codes: u8, unsub: bool) {
        let mut body = id.to_be_bytes().to_vec();
        if self.version == Version::V5 {
            body.push(0);
        }
        if !unsub || self.version == Version::V5 {
            body.extend(std::iter::repeat_n(0, codes.into()));
        }
        let mut packet = vec![
            if unsub { 0xB0 } else { 0x90 },
            u8::try_from(body.len()).unwrap_or(0),
        ];
        packet.extend(body);
        self.receive(&packet);
    }

    fn lose(&mut self) {
        self.session.connection_lost(&mut self.world);
        self.world.out.reset();
        self.written.clear();
        for op in std::mem::take(&mut self.world.unwritten) {
            self.world.end(op);
        }
    }

    fn begin(&mut self, clean: bool, present: bool, receive_maximum: u8, max_inflight: u8) {
        if self.session.online() {
            return;
        }
        let present = present && !clean;
        if !present {
            // A server without the session has forgotten what it was sending.
            self.server.clear();
        }
        let mut properties = Properties::new();
        self.limit = u32::from(max_inflight % 4) + 1;
        if self.version == Version::V5 && receive_maximum > 0 {
            let value = Value::Two(receive_maximum.into());
            let id = PropertyId::ReceiveMaximum;
            assert!(properties.push(Property { id, value }).is_ok());
            self.limit = self.limit.min(receive_maximum.into());
        }
        let begin = Begin {
            version: self.version,
            clean,
            keep_alive: Duration::from_secs(60),
            max_inflight: u32::from(max_inflight % 4) + 1,
            properties: PropertiesRef::EMPTY,
            socket: -1,
        };
        let connack = ConnAck {
            session_present: present,
            code: 0,
            properties: properties.as_ref(),
        };
        self.session
            .begin(&begin, &connack, self.now, &mut self.world);
    }

    /// The socket takes everything.
    fn write(&mut self) {
        let mut batch = Batch::default();
        self.world.out.take(&mut batch);
        while !batch.is_empty() {
            let mut room = [std::io::IoSlice::new(&[]); paho_oxide::protocol::outbound::SLICES];
            let used = batch.slices(&mut room);
            let taken: usize = room[..used].iter().map(|slice| slice.len()).sum();
            for slice in &room[..used] {
                self.written.extend_from_slice(slice);
            }
            batch.advance(taken);
        }
        self.session.written(self.now, batch.written());
        for op in std::mem::take(&mut self.world.unwritten) {
            self.world.end(op);
        }
    }

    /// What must hold after each step.
    fn check(&mut self) {
        // Only what was delivered in this step can have been delivered once too often in it.
        for number in self.world.arrived.drain(..) {
            let exactly_once =
                self.finished.contains(&number) || self.server.values().any(|n| *n == number);
            assert!(
                !exactly_once || self.world.delivered[&number] == 1,
                "a QoS 2 message was delivered twice"
            );
        }
        assert!(
            self.world.sent <= self.world.open,
            "a record without its message"
        );
        if self.session.online() && !self.world.store_failed {
            assert!(
                self.session.queued() == 0 || self.world.sent >= self.limit as usize,
                "a message waits although there is room"
            );
        }
        // The list is the most expensive part when much is pending; what is wrong in it does not go away by itself.
        self.steps += 1;
        if self.world.open <= 8 || self.steps % 16 == 0 {
            self.check_pending();
        }
    }

    fn check_pending(&self) {
        let mut pending = self.session.pending_tokens(true);
        assert_eq!(
            pending.len(),
            self.world.open,
            "what is pending is what has not ended"
        );
        pending.sort_unstable();
        assert!(
            pending.windows(2).all(|two| two[0] != two[1]),
            "tokens are unique"
        );
    }

    fn finish(mut self) {
        self.check_pending();
        self.session.abandon(&mut self.world);
        self.write();
        assert_eq!(self.world.open, 0, "every operation ends");
        // What went out is whole packets.
        let mut rest = &self.written[..];
        while !rest.is_empty() {
            let (length, used) = remaining_length(&rest[1..]);
            rest = &rest[1 + used + length..];
        }
        let _ = decode::frame(&self.written, u32::MAX);
    }
}

fn remaining_length(bytes: &[u8]) -> (usize, usize) {
    let (mut value, mut shift) = (0, 0);
    for (i, byte) in bytes.iter().enumerate() {
        value |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return (value, i + 1);
        }
    }
    panic!("a packet without a length was sent");
}

/// Runs the steps.
pub fn run(v5: bool, steps: &[Step]) {
    let mut run = Run::new(if v5 { Version::V5 } else { Version::V311 });
    for step in steps {
        run.step(step);
    }
    run.finish();
}
