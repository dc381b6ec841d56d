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
use std::sync::Arc;
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use bytes::BytesMut;
use paho_oxide::protocol::outbound::{Batch, Outbound};
use paho_oxide::protocol::packet::{AckKind, ConnAck, Filter, Publish, encode_ack};
use paho_oxide::protocol::property::{Properties, PropertiesRef, Property, PropertyId, Value};
use paho_oxide::protocol::session::{
    Begin, Completion, NotStored, Outcome, Receipt, Record, Session, Sink, Stored, Token, view,
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

/// What the session tells, and what the model remembers.
#[derive(Default)]
struct World {
    out: Outbound,
    accepted: HashSet<u32>,
    ended: HashSet<u32>,
    unwritten: Vec<u32>,
    delivered: HashMap<u32, u32>,
    records: HashSet<Record>,
    queued: HashMap<u32, Vec<u8>>,
    next_queued: u32,
    store_fails: bool,
    store_failed: bool,
    version: Option<Version>,
}

impl World {
    fn end(&mut self, op: u32) {
        assert!(
            self.accepted.contains(&op),
            "an operation ended that was never accepted"
        );
        assert!(self.ended.insert(op), "an operation ended twice");
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

    fn message(&mut self, publish: &Publish<'_>) -> u32 {
        publish
            .payload
            .try_into()
            .map_or(u32::MAX, u32::from_be_bytes)
    }

    fn deliver(&mut self, message: u32, _: QoS, receipt: Receipt<'_>) -> Result<(), u32> {
        self.check_store().map_err(|NotStored| message)?;
        match receipt {
            Receipt::None => {}
            Receipt::Kept(id, _) => {
                self.records.insert(Record::Received(id));
            }
            Receipt::Released(id) => {
                self.records.remove(&Record::Received(id));
            }
        }
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
        self.records.insert(record);
        Ok(())
    }

    fn discard(&mut self, record: Record) {
        self.records.remove(&record);
        if let Record::Queued(number) = record {
            self.queued.remove(&number);
        }
    }

    fn store_queued(&mut self, publish: &Publish<'_>, _: Token) -> Result<Option<u32>, NotStored> {
        self.check_store()?;
        if publish.qos == QoS::AtMostOnce {
            return Ok(None);
        }
        self.next_queued += 1;
        self.records.insert(Record::Queued(self.next_queued));
        Ok(Some(self.next_queued))
    }

    fn promote(&mut self, queued: Option<u32>, id: u16, packet: &[u8]) -> Result<(), NotStored> {
        self.store(Record::Sent(id), packet)?;
        if let Some(number) = queued {
            self.discard(Record::Queued(number));
        }
        Ok(())
    }

    fn load_queued(&mut self, number: u32) -> Option<Stored> {
        let packet = self.queued.get(&number).cloned()?;
        Some(Stored::Publish {
            packet,
            waited: Duration::ZERO,
        })
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
    next_op: u32,
    next_message: u32,
    /// QoS 2 messages that the server has published and not released: identifier to number.
    server: HashMap<u16, u32>,
    /// Numbers of QoS 2 messages whose handshake is finished.
    finished: HashSet<u32>,
    limit: u32,
    written: Vec<u8>,
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
            next_op: 0,
            next_message: 0,
            server: HashMap::new(),
            finished: HashSet::new(),
            limit: 0,
            written: Vec::new(),
        }
    }

    fn op(&mut self) -> u32 {
        self.next_op += 1;
        self.world.accepted.insert(self.next_op);
        self.next_op
    }

    /// The command was not accepted, so it must not end either.
    fn refused(&mut self, op: u32) {
        assert!(!self.world.ended.contains(&op), "a refused operation ended");
        self.world.accepted.remove(&op);
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

    fn check(&self) {
        for (number, times) in &self.world.delivered {
            let exactly_once =
                self.finished.contains(number) || self.server.values().any(|n| n == number);
            assert!(
                !exactly_once || *times <= 1,
                "a QoS 2 message was delivered twice"
            );
        }
        let open = self.world.accepted.len() - self.world.ended.len();
        let pending = self.session.pending_tokens(true);
        assert_eq!(pending.len(), open, "what is pending is what has not ended");
        let distinct: HashSet<_> = pending.iter().collect();
        assert_eq!(distinct.len(), pending.len(), "tokens are unique");
        let sent = |record: &&Record| matches!(record, Record::Sent(_));
        let sent = self.world.records.iter().filter(sent).count();
        assert!(sent <= open, "a record without its message");
        if self.session.online() && !self.world.store_failed {
            assert!(
                self.session.queued() == 0 || sent >= self.limit as usize,
                "a message waits although there is room"
            );
        }
    }

    fn finish(mut self) {
        self.session.abandon(&mut self.world);
        self.write();
        assert_eq!(
            self.world.accepted.len(),
            self.world.ended.len(),
            "every operation ends"
        );
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
