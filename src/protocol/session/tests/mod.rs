//! Tests of the session's transitions: packets in, packets and events out, no I/O and no clock.

mod acknowledge;
mod aliases;
mod authenticate;
mod connections;
mod exactly_once;
mod operations;
mod resume;
mod takes;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;

use super::{
    Accepted, AckToken, Acknowledge, Begin, Completion, Fault, HAD, Loaded, NotStored, Outcome,
    Receipt, Record, RecordHandle, Refused, Session, Sink, Stored, Token,
};
use crate::protocol::outbound::{Batch, Outbound};
use crate::protocol::packet::{AckKind, ConnAck, Publish, encode_ack};
use crate::protocol::property::{Properties, PropertiesRef, Property, PropertyId, Value};
use crate::protocol::{QoS, Version};

/// Returns a message on topic `t`.
pub(in crate::protocol::session) fn message(qos: QoS, payload: &[u8]) -> Publish<'_> {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic: b"t",
        packet_id: 0,
        properties: PropertiesRef::EMPTY,
        payload,
    }
}

/// A message that the program got: its payload, its QoS, the token to acknowledge it by.
pub type Got = (Vec<u8>, QoS, Option<AckToken>);

/// What the session's outputs are collected in.
#[derive(Default)]
pub struct World {
    out: Outbound,
    pub got: Vec<Got>,
    pub ended: Vec<(Token, Outcome)>,
    pub records: HashMap<Record, Vec<u8>>,
    pub store_fails: bool,
    /// Only what is handed over finds the store failing.
    pub deliveries_fail: bool,
    /// Messages cannot be made: there is no memory.
    pub messages_fail: bool,
    /// Operations want the packets of their messages, and these are the first bytes of those that they got.
    pub wants_packets: bool,
    pub packets: Vec<u8>,
    /// Packet identifiers of messages that were handed over while their records stand.
    pub stood: Vec<u16>,
    next_queued: u64,
    pub authentications: Vec<u8>,
    pub resumed: usize,
    pub subscriptions_lost: Vec<(Vec<u8>, u8)>,
    /// Acknowledgements of publishes: kind, packet identifier, reason code.
    pub acknowledged: Vec<(AckKind, u16, u8)>,
}

impl Sink for World {
    type Message = Vec<u8>;
    type Op = ();

    fn out(&mut self) -> &mut Outbound {
        &mut self.out
    }

    fn message(&mut self, publish: &Publish<'_>) -> Result<Vec<u8>, NotStored> {
        if self.messages_fail {
            return Err(NotStored);
        }
        Ok([publish.topic, b"=", publish.payload].concat())
    }

    fn message_size(&self, message: &Vec<u8>) -> usize {
        message.len()
    }

    fn deliver(
        &mut self,
        message: Vec<u8>,
        qos: QoS,
        receipt: Receipt<'_>,
        ack: Option<AckToken>,
    ) -> Result<(), Vec<u8>> {
        if (self.store_fails || self.deliveries_fail) && ack.is_none() && qos != QoS::AtMostOnce {
            return Err(message);
        }
        match receipt {
            Receipt::None => {}
            Receipt::Kept(id, packet) => {
                self.records.insert(Record::Received(id), packet.to_vec());
            }
            Receipt::Released(id) => {
                self.records.remove(&Record::Received(id));
            }
            Receipt::Stands(id) => {
                assert!(self.records.contains_key(&Record::Received(id)));
                self.stood.push(id);
            }
        }
        self.got.push((message, qos, ack));
        Ok(())
    }

    fn complete(&mut self, done: Completion<()>) {
        self.packets.extend(
            done.packet
                .map(|packet| packet.first().copied().unwrap_or(0)),
        );
        self.ended.push((done.token, done.outcome));
    }

    fn complete_when_written(&mut self, done: Completion<()>) {
        self.complete(done);
    }

    fn wants_packet(&self, (): &()) -> bool {
        self.wants_packets
    }

    fn authentication(&mut self, reason: u8, _: PropertiesRef<'_>) {
        self.authentications.push(reason);
    }

    fn resumed(&mut self) {
        self.resumed += 1;
    }

    fn subscription_lost(&mut self, filter: &[u8], code: u8) {
        self.subscriptions_lost.push((filter.to_vec(), code));
    }

    fn acknowledged(&mut self, kind: AckKind, id: u16, reason: u8, _: PropertiesRef<'_>) {
        self.acknowledged.push((kind, id, reason));
    }

    fn store(&mut self, record: Record, packet: &[u8]) -> Result<(), NotStored> {
        if self.store_fails {
            return Err(NotStored);
        }
        self.records.insert(record, packet.to_vec());
        Ok(())
    }

    fn discard(&mut self, record: Record) {
        self.records.remove(&record);
    }

    fn release(&mut self, id: u16) -> Result<(), NotStored> {
        if self.store_fails {
            return Err(NotStored);
        }
        self.discard(Record::Received(id));
        Ok(())
    }

    fn store_queued(
        &mut self,
        publish: &Publish<'_>,
        _: Token,
    ) -> Result<Option<RecordHandle>, NotStored> {
        self.next_queued += 1;
        let handle = RecordHandle(self.next_queued);
        self.store(Record::Queued(handle), publish.payload)?;
        Ok(Some(handle))
    }

    fn promote(
        &mut self,
        queued: Option<RecordHandle>,
        id: u16,
        packet: &[u8],
    ) -> Result<(), NotStored> {
        self.store(Record::Sent(id), packet)?;
        if let Some(handle) = queued {
            self.discard(Record::Queued(handle));
        }
        Ok(())
    }

    fn load_queued(&mut self, _: RecordHandle) -> Loaded<Stored> {
        Loaded::Later
    }

    fn load_sent(&mut self, id: u16) -> Loaded<Vec<u8>> {
        match self.records.get(&Record::Sent(id)) {
            Some(packet) => Loaded::Ready(packet.clone()),
            None => Loaded::Later,
        }
    }

    fn load_received(&mut self, id: u16) -> Loaded<Option<Vec<u8>>> {
        match self.records.get(&Record::Received(id)) {
            Some(record) if record == HAD => Loaded::Ready(None),
            Some(packet) => Loaded::Ready(Some(packet.clone())),
            None => Loaded::Later,
        }
    }
}

/// A session, its surroundings, and what a test says about its connections.
pub struct Ours {
    pub session: Session<Vec<u8>, ()>,
    pub world: World,
    pub version: Version,
    pub now: Instant,
    /// Properties of CONNECT and of CONNACK.
    pub asked: Properties,
    pub granted: Properties,
}

impl Ours {
    pub fn new(version: Version) -> Self {
        let now = Instant::now();
        Self {
            session: Session::new(version, Arc::from("test"), now),
            world: World::default(),
            version,
            now,
            asked: Properties::new(),
            granted: Properties::new(),
        }
    }

    pub fn connected(version: Version, acknowledge: Acknowledge) -> Self {
        let mut ours = Self::new(version);
        ours.session.set_acknowledge(acknowledge);
        ours.begin(false);
        ours
    }

    /// A connection is made.
    pub fn begin(&mut self, session_present: bool) {
        self.begin_as(false, session_present);
    }

    /// The same, with what CONNECT asked for.
    pub fn begin_as(&mut self, clean: bool, session_present: bool) {
        let begin = Begin {
            version: self.version,
            clean,
            keep_alive: Duration::from_secs(60),
            max_inflight: 100,
            properties: self.asked.as_ref(),
            socket: -1,
        };
        let connack = ConnAck {
            session_present,
            code: 0,
            properties: self.granted.as_ref(),
        };
        self.session
            .begin(&begin, &connack, self.now, &mut self.world);
    }

    /// The connection is gone.
    pub fn lose(&mut self) {
        self.session.connection_lost(&mut self.world);
        self.world.out.reset();
    }

    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let used = self.session.receive(bytes, self.now, &mut self.world)?;
        assert_eq!(used, bytes.len(), "whole packets");
        Ok(())
    }

    /// The server publishes.
    pub fn server_publishes(
        &mut self,
        id: u16,
        qos: QoS,
        dup: bool,
        payload: &[u8],
    ) -> Result<(), Fault> {
        let packet = publish(self.version, id, qos, dup, payload);
        self.receive(&packet)
    }

    /// The server sends an acknowledgement.
    pub fn server_acks(&mut self, kind: AckKind, id: u16) -> Result<(), Fault> {
        let mut packet = BytesMut::new();
        encode_ack(kind, self.version, id, 0, &mut packet);
        self.receive(&packet)
    }

    /// Returns what was sent since the last time, packet by packet.
    pub fn sent(&mut self) -> Vec<Vec<u8>> {
        let mut batch = Batch::default();
        self.world.out.take(&mut batch);
        let mut bytes = Vec::new();
        while !batch.is_empty() {
            let mut room = [std::io::IoSlice::new(&[]); crate::protocol::outbound::SLICES];
            let used = batch.slices(&mut room);
            let taken: usize = room[..used].iter().map(|slice| slice.len()).sum();
            for slice in &room[..used] {
                bytes.extend_from_slice(slice);
            }
            batch.advance(taken);
        }
        self.session.written(self.now, batch.written());
        let mut packets = Vec::new();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (length, used) = crate::protocol::wire::varint(&rest[1..])
                .expect("a length")
                .expect("all of it");
            let (packet, behind) = rest.split_at(1 + used + length as usize);
            packets.push(packet.to_vec());
            rest = behind;
        }
        packets
    }

    /// The program publishes on topic `t`; the message may wait.
    pub fn publishes(&mut self, qos: QoS, payload: &[u8]) -> Result<Accepted, Refused> {
        self.publishes_as(&message(qos, payload))
    }

    pub fn publishes_as(&mut self, message: &Publish<'_>) -> Result<Accepted, Refused> {
        let (now, world) = (self.now, &mut self.world);
        self.session.publish(message, None, (), true, now, world)
    }

    /// Returns true if that packet identifier is free.
    pub fn is_free(&mut self, id: u16) -> bool {
        (0..=u16::MAX).any(|_| self.session.inflight.next_id() == Some(id))
    }

    /// Returns the payloads of the messages that the program got since the last time, and their tokens.
    pub fn got(&mut self) -> Vec<(String, Option<AckToken>)> {
        std::mem::take(&mut self.world.got)
            .into_iter()
            .map(|(message, _, token)| (String::from_utf8_lossy(&message).into_owned(), token))
            .collect()
    }
}

/// Returns an encoded PUBLISH of topic `s`.
pub fn publish(version: Version, id: u16, qos: QoS, dup: bool, payload: &[u8]) -> BytesMut {
    let mut packet = BytesMut::new();
    Publish {
        dup,
        qos,
        retain: false,
        topic: b"s",
        packet_id: if qos == QoS::AtMostOnce { 0 } else { id },
        properties: PropertiesRef::EMPTY,
        payload,
    }
    .encode(version, &mut packet)
    .expect("a valid message");
    packet
}

/// Returns a list of properties.
pub fn properties(list: &[(PropertyId, Value<'_>)]) -> Properties {
    let mut properties = Properties::new();
    for (id, value) in list {
        properties
            .push(Property {
                id: *id,
                value: *value,
            })
            .expect("a valid property");
    }
    properties
}

pub const PUBACK: u8 = 0x40;
pub const PUBREC: u8 = 0x50;
pub const PUBCOMP: u8 = 0x70;

/// Returns an acknowledgement as the session sends it.
pub fn ack(first: u8, id: u16) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    vec![first, 2, high, low]
}
