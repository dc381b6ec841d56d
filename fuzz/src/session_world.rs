//! What the session tells, and what the model of the program remembers of it.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use paho_oxide::protocol::outbound::Outbound;
use paho_oxide::protocol::packet::{AckKind, Publish};
use paho_oxide::protocol::property::PropertiesRef;
use paho_oxide::protocol::session::{
    AckToken, Completion, Loaded, MAX_HELD, NotStored, Outcome, Receipt, Record, RecordHandle,
    Sink, Stored, Token, view,
};
use paho_oxide::protocol::{QoS, Version};

/// A hash for small numbers: most of a run would go into the standard one, which expects keys chosen by an attacker.
#[derive(Default)]
pub struct Spread(u64);

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

pub type Map<K, V> = HashMap<K, V, BuildHasherDefault<Spread>>;
pub type Set<K> = HashSet<K, BuildHasherDefault<Spread>>;

/// What has become of an operation.
#[derive(Clone, Copy, PartialEq)]
pub enum Fate {
    Open,
    Ended,
    Refused,
}

/// What the session tells, and what the model remembers.
#[derive(Default)]
pub struct World {
    pub out: Outbound,
    /// The operations, which are numbered from 0.
    pub ops: Vec<Fate>,
    /// How many of them are open.
    pub open: usize,
    pub unwritten: Vec<u32>,
    pub delivered: Map<u32, u32>,
    /// Messages that the program has to acknowledge: their numbers and tokens.
    pub lent: Vec<(u32, QoS, AckToken)>,
    /// `QoS` 2 messages that the program has acknowledged: it must not get them again.
    pub finished_with: Set<u32>,
    pub resumed: bool,
    /// What was delivered in this step.
    pub arrived: Vec<u32>,
    pub records: Set<Record>,
    /// How many of them are of messages sent.
    pub sent: usize,
    pub queued: Map<u64, Vec<u8>>,
    pub next_queued: u64,
    pub store_fails: bool,
    pub store_failed: bool,
    pub version: Option<Version>,
}

impl World {
    pub fn end(&mut self, op: u32) {
        let fate = self.ops.get_mut(op as usize);
        let fate = fate.expect("an operation ended that was never begun");
        assert!(*fate != Fate::Refused, "a refused operation ended");
        assert!(*fate != Fate::Ended, "an operation ended twice");
        *fate = Fate::Ended;
        self.open -= 1;
    }

    pub fn record(&mut self, record: Record) {
        if self.records.insert(record) {
            self.sent += usize::from(matches!(record, Record::Sent(_)));
        }
    }

    pub fn forget(&mut self, record: Record) {
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
        qos: QoS,
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
            Receipt::Stands(id) => {
                assert!(self.records.contains(&Record::Received(id)));
            }
        }
        if let Some(token) = ack {
            assert_ne!(qos, QoS::AtMostOnce);
            assert!(
                !self.finished_with.contains(&message),
                "a message was handed over after the program had acknowledged it"
            );
            self.lent.push((message, qos, token));
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

    fn resumed(&mut self) {
        assert!(!self.resumed, "a resume ended twice");
        self.resumed = true;
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

    fn load_received(&mut self, _: u16) -> Loaded<Option<u32>> {
        Loaded::Damaged { in_place: false }
    }
}
