//! The session, driven by arbitrary sequences of calls, packets and time.
//!
//! A model of the program and of the server runs beside it and checks what must always hold:
//!
//! - every accepted operation ends exactly once, and no other does;
//! - packet identifiers in flight are unique and not zero (`[MQTT-2.2.1-4]`), and at most as many as were allowed;
//! - a QoS 2 message is delivered once at most, and once exactly when its handshake is finished;
//! - records in the store are those of messages in flight or waiting;
//! - nothing panics, and memory stays within what was put in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use paho_oxide::protocol::outbound::Batch;
use paho_oxide::protocol::packet::{AckKind, ConnAck, Filter, Publish, encode_ack};
use paho_oxide::protocol::property::{Properties, PropertiesRef, Property, PropertyId, Value};
use paho_oxide::protocol::session::{AckToken, Acknowledge, Begin, Policy, Session};
use paho_oxide::protocol::{QoS, Version, decode};

pub use input::{Setup, Step};
use world::{Fate, Map, Set, World};

#[path = "session_input.rs"]
mod input;
#[path = "session_world.rs"]
mod world;

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
    setup: Setup,
    /// Tokens of messages of older connections.
    old_tokens: Set<u64>,
}

impl Run {
    fn new(setup: Setup) -> Self {
        let version = if setup.v5 { Version::V5 } else { Version::V311 };
        let now = Instant::now();
        let mut session = Session::new(version, Arc::from("model"), now);
        session.set_acknowledge(setup.acknowledge());
        session.set_options(setup.options());
        Self {
            session,
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
            setup,
            old_tokens: Set::default(),
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
            Step::ServerPublish { qos: q, id, alias } => {
                self.server_publish(qos(*q), u16::from(*id % 16) + 1, *alias);
            }
            Step::ProgramAck { which, reason } => self.program_ack(*which, *reason),
            Step::Cancel { which } => self.cancel(*which),
            Step::Authenticate { begin } => self.authenticate(*begin),
            Step::ServerAuth { success } => {
                let packet: &[u8] = if *success {
                    b"\xF0\0"
                } else {
                    b"\xF0\x06\x18\x04\x15\0\x01m"
                };
                self.receive(packet);
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

    fn server_publish(&mut self, qos: QoS, id: u16, alias: u8) {
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
        let mut properties = Properties::new();
        let alias = if self.version == Version::V5 {
            alias
        } else {
            0
        };
        if alias % 4 != 0 {
            let value = Value::Two(u16::from(alias / 4 % 5) + 1);
            let id = PropertyId::TopicAlias;
            assert!(properties.push(Property { id, value }).is_ok());
        }
        let publish = Publish {
            dup: again,
            qos,
            retain: false,
            topic: if alias % 4 == 1 { b"" } else { b"s" },
            packet_id: if qos == QoS::AtMostOnce { 0 } else { id },
            properties: properties.as_ref(),
            payload: &number.to_be_bytes(),
        };
        assert!(publish.encode(self.version, &mut packet).is_ok());
        if qos == QoS::ExactlyOnce {
            self.server.insert(id, number);
        }
        self.receive(&packet);
    }

    /// A message that was acknowledged must not come again; a token that was used or is an older connection's does nothing.
    fn program_ack(&mut self, which: u8, reason: u8) {
        let count = self.world.lent.len();
        if count == 0 {
            return;
        }
        let at = usize::from(which) % count;
        let (number, qos, token) = self.world.lent[at];
        let old = self.is_old(token) || !self.session.online();
        let reason = if reason % 8 == 0 && qos == QoS::AtLeastOnce {
            0x97
        } else {
            0
        };
        match self.session.acknowledge(token, reason, &mut self.world) {
            Ok(true) => {
                assert!(!old, "an acknowledgement of an older connection was taken");
                self.world.lent.swap_remove(at);
                if qos == QoS::ExactlyOnce {
                    self.world.finished_with.insert(number);
                }
                let again = self.session.acknowledge(token, 0, &mut self.world);
                assert_eq!(again, Ok(false), "an acknowledgement was taken twice");
            }
            Ok(false) => assert!(old, "an acknowledgement was not taken"),
            Err(_) => {}
        }
    }

    fn is_old(&self, token: AckToken) -> bool {
        self.old_tokens.contains(&token.get())
    }

    fn cancel(&mut self, which: u8) {
        let pending = self.session.pending();
        if !pending.is_empty() {
            let one = pending[usize::from(which) % pending.len()];
            let cancelled = self.session.cancel(one.token, &mut self.world);
            let waits = one.kind == paho_oxide::protocol::session::Kind::Queued;
            assert_eq!(cancelled, waits, "what waits and only that is taken back");
        }
    }

    fn authenticate(&mut self, begin: bool) {
        let none = PropertiesRef::EMPTY;
        // In turn or not; what goes out is checked at the end.
        let _ = if begin {
            self.session.reauthenticate(none, &mut self.world)
        } else {
            self.session.authenticate(none, &mut self.world)
        };
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
        let lent = self.world.lent.iter();
        self.old_tokens
            .extend(lent.map(|(_, _, token)| token.get()));
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
        // A program that clears its session asks the server for a clean one too; if not, the server sends again what the
        // program has had.
        let clean = clean || self.setup.options().policy == Some(Policy::Clear);
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
        let mut asked = Properties::new();
        if self.version == Version::V5 {
            for (id, value) in [
                (PropertyId::AuthenticationMethod, Value::Utf8(b"m")),
                (PropertyId::TopicAliasMaximum, Value::Two(4)),
            ] {
                assert!(asked.push(Property { id, value }).is_ok());
            }
            let (id, value) = (PropertyId::TopicAliasMaximum, Value::Two(2));
            assert!(properties.push(Property { id, value }).is_ok());
        }
        self.world.resumed = false;
        let begin = Begin {
            version: self.version,
            clean,
            keep_alive: Duration::from_secs(60),
            max_inflight: u32::from(max_inflight % 4) + 1,
            properties: asked.as_ref(),
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
            if self.setup.acknowledge() != Acknowledge::OnArrival {
                // What was not acknowledged comes again; `World::deliver` sees to what was.
                continue;
            }
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
        if self.session.online() && !self.world.store_failed && !self.setup.paced {
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
pub fn run(setup: Setup, steps: &[Step]) {
    let mut run = Run::new(setup);
    for step in steps {
        run.step(step);
    }
    run.finish();
}
