//! Sessions that go on from a store which cannot always be read.

use std::collections::{HashMap, HashSet};
use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;

mod turns;

use super::*;
use crate::protocol::outbound::{Batch, Outbound};
use crate::protocol::packet::{ConnAck, Publish, encode_ack};
use crate::protocol::property::PropertiesRef;
use crate::protocol::session::tests::message;
use crate::protocol::session::{AckToken, Begin, Completion, NotStored, Stored, Token};

/// A store whose records can be made unreadable, and a program that notes what it is told.
#[derive(Default)]
struct World {
    out: Outbound,
    sent: HashMap<u16, Vec<u8>>,
    /// None: the program has had it.
    received: HashMap<u16, Option<&'static str>>,
    queued: HashMap<u64, Stored>,
    unreadable: bool,
    unwritable: bool,
    damaged: HashSet<u16>,
    discarded: Vec<Record>,
    /// How often a record was asked for.
    loads: usize,
    delivered: Vec<&'static str>,
    ended: Vec<(u32, bool)>,
}

impl World {
    /// Types and packet identifiers of the packets that were sent since the last call; DUP is the lowest bit of 16.
    fn packets(&mut self) -> Vec<(u8, u16)> {
        let mut batch = Batch::default();
        let mut bytes = Vec::new();
        self.out.take(&mut batch);
        while !batch.is_empty() {
            let mut room = [IoSlice::new(&[]); 64];
            let count = batch.slices(&mut room);
            let before = bytes.len();
            for slice in &room[..count] {
                bytes.extend_from_slice(slice);
            }
            batch.advance(bytes.len() - before);
        }
        let mut packets = Vec::new();
        let mut rest = bytes.as_slice();
        while let Some(&first) = rest.first() {
            let (body, after) = rest[2..].split_at(rest[1].into());
            let id = match first >> 4 {
                3 if first & 6 != 0 => body[2 + usize::from(body[1])..].first_chunk(),
                3 => Some(&[0, 0]),
                _ => body.first_chunk(),
            };
            let id = u16::from_be_bytes(*id.expect("a packet identifier"));
            let dup = if first >> 4 == 3 { first >> 3 & 1 } else { 0 };
            packets.push(((first >> 4) | dup << 4, id));
            rest = after;
        }
        packets
    }

    fn load<T: Clone>(&self, id: u16, record: Option<&T>) -> Loaded<T> {
        if self.unreadable {
            return Loaded::Later;
        }
        match record {
            Some(_) if self.damaged.contains(&id) => Loaded::Damaged { in_place: true },
            Some(record) => Loaded::Ready(record.clone()),
            None => Loaded::Damaged { in_place: false },
        }
    }
}

impl Sink for World {
    type Message = &'static str;
    type Op = u32;

    fn out(&mut self) -> &mut Outbound {
        &mut self.out
    }
    fn message(&mut self, _: &Publish<'_>) -> Result<&'static str, NotStored> {
        Ok("new")
    }
    fn message_size(&self, message: &&'static str) -> usize {
        message.len()
    }
    fn deliver(
        &mut self,
        message: &'static str,
        _: QoS,
        _: Receipt<'_>,
        _: Option<AckToken>,
    ) -> Result<(), &'static str> {
        self.delivered.push(message);
        Ok(())
    }
    fn complete(&mut self, done: Completion<u32>) {
        let failed = matches!(done.outcome, Outcome::Failed(_));
        self.ended.push((done.op, !failed));
    }
    fn complete_when_written(&mut self, done: Completion<u32>) {
        self.ended.push((done.op, true));
    }
    fn wants_packet(&self, _: &u32) -> bool {
        false
    }
    fn acknowledged(&mut self, _: AckKind, _: u16, _: u8, _: PropertiesRef<'_>) {}
    fn store(&mut self, _: Record, _: &[u8]) -> Result<(), NotStored> {
        Ok(())
    }
    fn discard(&mut self, record: Record) {
        self.discarded.push(record);
    }
    fn store_queued(
        &mut self,
        _: &Publish<'_>,
        _: Token,
    ) -> Result<Option<RecordHandle>, NotStored> {
        Ok(None)
    }
    fn promote(&mut self, _: Option<RecordHandle>, _: u16, _: &[u8]) -> Result<(), NotStored> {
        if self.unwritable {
            return Err(NotStored);
        }
        Ok(())
    }
    fn load_queued(&mut self, record: RecordHandle) -> Loaded<Stored> {
        self.loads += 1;
        self.load(0, self.queued.get(&record.0))
    }
    fn load_sent(&mut self, id: u16) -> Loaded<Vec<u8>> {
        self.loads += 1;
        self.load(id, self.sent.get(&id))
    }
    fn load_received(&mut self, id: u16) -> Loaded<Option<&'static str>> {
        self.load(id, self.received.get(&id))
    }
}

struct Run {
    session: Session<&'static str, u32>,
    world: World,
    now: Instant,
    version: Version,
}

impl Run {
    fn new(version: Version) -> Self {
        let now = Instant::now();
        Self {
            session: Session::new(version, Arc::from("stored"), now),
            world: World::default(),
            now,
            version,
        }
    }

    fn connect(&mut self, session_present: bool) {
        self.connect_to(session_present, PropertiesRef::EMPTY);
    }

    /// The same, to a server whose CONNACK has these properties.
    fn connect_to(&mut self, session_present: bool, properties: PropertiesRef<'_>) {
        let begin = Begin {
            version: self.version,
            clean: false,
            keep_alive: Duration::ZERO,
            max_inflight: 100,
            properties: PropertiesRef::EMPTY,
            socket: 0,
        };
        let accepted = ConnAck {
            session_present,
            code: 0,
            properties,
        };
        let world = &mut self.world;
        self.session.begin(&begin, &accepted, self.now, world);
    }

    fn retry(&mut self) {
        let tried = self.session.retry(self.now, &mut self.world);
        assert_eq!(tried, Ok(()));
    }

    fn receive(&mut self, kind: AckKind, id: u16) {
        let mut bytes = BytesMut::new();
        encode_ack(kind, self.version, id, 0, &mut bytes);
        let used = self
            .session
            .receive(&bytes, self.now, &mut self.world)
            .expect("no fault");
        assert_eq!(used, bytes.len());
    }

    fn publish(&self, qos: QoS, packet_id: u16) -> Vec<u8> {
        let mut packet = BytesMut::new();
        Publish {
            dup: false,
            qos,
            retain: false,
            topic: b"t",
            packet_id,
            properties: PropertiesRef::EMPTY,
            payload: b"x",
        }
        .encode(self.version, &mut packet)
        .expect("can be encoded");
        packet.into()
    }

    /// A PUBLISH that waits in the store; its operation is ten more than its number.
    fn queue(&mut self, record: u64, packet: Vec<u8>) {
        let waited = Duration::ZERO;
        self.queue_stored(record, Stored::Publish { packet, waited });
    }

    fn queue_stored(&mut self, record: u64, stored: Stored) {
        self.world.queued.insert(record, stored);
        let op = 10 + u32::try_from(record).expect("few");
        self.session.restore_queued(RecordHandle(record), op);
    }

    /// `s-1` at QoS 1, `s-2` at QoS 2, and `s-3` whose PUBREL was sent; `c-1` and `c-2`.
    fn with_records(version: Version) -> Self {
        let mut run = Self::new(version);
        for (id, qos, released) in [
            (1, QoS::AtLeastOnce, false),
            (2, QoS::ExactlyOnce, false),
            (3, QoS::ExactlyOnce, true),
        ] {
            let packet = run.publish(qos, id);
            run.world.sent.insert(id, packet);
            assert!(run.session.restore_sent(id, released, id.into()));
            assert!(!run.session.restore_sent(id, released, id.into()));
        }
        for record in 1..=2 {
            let packet = run.publish(QoS::ExactlyOnce, 0);
            run.queue(record, packet);
        }
        run
    }
}

const DUP: u8 = 16;
const PUBLISH: u8 = 3;
const PUBREL: u8 = 6;
const PUBCOMP: u8 = 7;

#[test]
fn records_are_read_at_the_connect() {
    let mut run = Run::with_records(Version::V311);
    assert_eq!(run.session.pending_tokens(false), [1, 2, 3, 1, 2]);
    run.connect(true);
    let expected = [
        (PUBLISH | DUP, 1),
        (PUBLISH | DUP, 2),
        (PUBREL, 3),
        (PUBLISH, 4),
        (PUBLISH, 5),
    ];
    assert_eq!(run.world.packets(), expected);
}

/// Issue 11, item 9: what cannot be read is neither lost nor in the way of others, and is sent when it can be read.
#[test]
fn what_cannot_be_read_is_sent_when_it_can_be() {
    for version in [Version::V311, Version::V5] {
        let mut run = Run::with_records(version);
        run.world.unreadable = true;
        run.connect(true);
        assert_eq!(run.world.packets(), []);
        run.retry();
        assert_eq!(run.world.packets(), []);
        assert_eq!(run.session.pending_tokens(false).len(), 5);
        assert!(
            !run.session.has_unfinished_publishes(),
            "a disconnect need not wait"
        );
        // A new message is not held up, and does not take the identifier of one that waits.
        let publish = message(QoS::AtLeastOnce, b"");
        let (session, world) = (&mut run.session, &mut run.world);
        let sent = session.publish(&publish, None, 99, false, run.now, world);
        assert!(sent.is_ok(), "{sent:?}");
        assert_eq!(run.world.packets(), [(PUBLISH, 4)]);
        run.world.unreadable = false;
        run.retry();
        let expected = [
            (PUBLISH | DUP, 1),
            (PUBLISH | DUP, 2),
            (PUBREL, 3),
            (PUBLISH, 5),
            (PUBLISH, 6),
        ];
        assert_eq!(run.world.packets(), expected);
        assert_eq!((run.world.discarded.len(), run.world.ended.len()), (0, 0));
        run.receive(AckKind::PubAck, 1);
        run.receive(AckKind::PubComp, 3);
        assert_eq!(run.world.ended, [(1, true), (3, true)]);
    }
}

#[test]
fn what_cannot_be_read_outlives_the_connection() {
    let mut run = Run::with_records(Version::V311);
    run.world.unreadable = true;
    run.connect(true);
    run.session.connection_lost(&mut run.world);
    assert_eq!(run.world.ended, []);
    assert_eq!(run.session.pending_tokens(false), [1, 2, 3, 1, 2]);
    run.world.unreadable = false;
    run.connect(true);
    assert_eq!(run.world.packets().len(), 5);
    let mut run = Run::with_records(Version::V311);
    run.world.unreadable = true;
    run.connect(true);
    run.session.abandon(&mut run.world);
    assert_eq!(run.world.ended.len(), 5, "each operation ends");
    assert_eq!(run.world.discarded, [], "and the store keeps its record");
}

#[test]
fn a_message_that_cannot_be_read_keeps_its_pubrel_waiting() {
    for version in [Version::V311, Version::V5] {
        let mut run = Run::new(version);
        run.world.received.insert(7, Some("stored"));
        assert!(run.session.restore_received(7, false));
        assert!(run.session.restore_received(8, true));
        run.connect(true);
        run.world.unreadable = true;
        run.receive(AckKind::PubRel, 7);
        assert_eq!(
            run.world.packets(),
            [],
            "no PUBCOMP: the server would forget it"
        );
        run.retry();
        run.receive(AckKind::PubRel, 7);
        assert_eq!(
            (run.world.packets(), run.world.delivered.len()),
            (vec![], 0)
        );
        run.world.unreadable = false;
        run.retry();
        assert_eq!(run.world.packets(), [(PUBCOMP, 7)]);
        assert_eq!(run.world.delivered, ["stored"]);
        run.retry();
        assert_eq!(run.world.packets(), []);
        // The program has had this one.
        run.receive(AckKind::PubRel, 8);
        assert_eq!(run.world.packets(), [(PUBCOMP, 8)]);
        assert_eq!(run.world.delivered, ["stored"]);
        assert_eq!(run.world.discarded, [Record::Received(8)]);
    }
}

#[test]
fn a_record_of_a_message_that_the_program_has_had_goes_with_its_pubrel() {
    let mut run = Run::new(Version::V311);
    run.world.received.insert(7, None);
    assert!(run.session.restore_received(7, false));
    run.connect(true);
    run.receive(AckKind::PubRel, 7);
    assert_eq!(run.world.packets(), [(PUBCOMP, 7)]);
    assert!(run.world.delivered.is_empty());
    assert_eq!(run.world.discarded, [Record::Received(7)]);
}

#[test]
fn a_damaged_record_that_stays_in_the_store_keeps_its_identifier() {
    let mut run = Run::with_records(Version::V311);
    run.world.damaged = HashSet::from([0, 1]);
    run.connect(true);
    assert_eq!(run.world.packets(), [(PUBLISH | DUP, 2), (PUBREL, 3)]);
    assert_eq!(run.world.ended, [(1, false), (11, false), (12, false)]);
    assert_eq!(run.world.discarded, [], "nothing of it is deleted");
    let mut given = HashSet::new();
    while let Some(id) = run.session.inflight.next_id() {
        if !given.insert(id) {
            break;
        }
    }
    assert!(!given.contains(&1) && given.contains(&4));
}

/// Issue 10, item 6: a store that refuses once does not stop the messages that wait.
#[test]
fn a_write_that_failed_is_tried_again() {
    let mut run = Run::with_records(Version::V5);
    run.world.unwritable = true;
    run.connect(true);
    assert_eq!(run.world.packets().len(), 3);
    run.world.unwritable = false;
    run.retry();
    assert_eq!(run.world.packets(), [(PUBLISH, 5), (PUBLISH, 6)]);
}

/// A server without the session has the message whose PUBREL was sent, and takes the others as new ones.
#[test]
fn a_server_without_the_session_gets_new_messages() {
    let mut run = Run::with_records(Version::V5);
    run.world.unreadable = true;
    run.connect(false);
    run.world.unreadable = false;
    run.retry();
    assert_eq!(
        run.world.packets(),
        [(PUBLISH, 1), (PUBLISH, 2), (PUBLISH, 3), (PUBLISH, 4)]
    );
    assert_eq!(run.world.ended, [(3, true)]);
    assert_eq!(run.world.discarded, [Record::Sent(3), Record::Released(3)]);
}

/// The Go clients' stores have a PUBREL in the place of its PUBLISH.
#[test]
fn a_pubrel_may_stand_alone() {
    let mut run = Run::new(Version::V311);
    assert!(run.session.restore_released(3, 3));
    assert!(!run.session.restore_released(3, 3));
    assert_eq!(run.session.pending_tokens(false), [3]);
    run.connect(true);
    assert_eq!(run.world.packets(), [(PUBREL, 3)]);
    run.receive(AckKind::PubComp, 3);
    assert_eq!(run.world.ended, [(3, true)]);
    let mut run = Run::new(Version::V5);
    assert!(run.session.restore_released(3, 3));
    run.connect(false);
    assert_eq!(run.world.packets(), []);
    assert_eq!(run.world.ended, [(3, true)]);
}
