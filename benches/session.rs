//! The session on its own: publishing and receiving without socket, thread or lock.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use criterion::{BatchSize, Criterion, Throughput};
use paho_oxide::protocol::outbound::{Batch, Outbound};
use paho_oxide::protocol::packet::{AckKind, ConnAck, Publish, encode_ack};
use paho_oxide::protocol::property::PropertiesRef;
use paho_oxide::protocol::session::{
    AckToken, Begin, Completion, Loaded, NotStored, Receipt, Record, RecordHandle, Session, Sink,
    Stored, Token,
};
use paho_oxide::protocol::{QoS, Version};

/// Messages of one run.
const MESSAGES: u16 = 1000;

/// Surroundings that cost as little as they can.
#[derive(Default)]
struct Nowhere {
    out: Outbound,
    delivered: usize,
    completed: usize,
}

impl Sink for Nowhere {
    type Message = usize;
    type Op = ();

    fn out(&mut self) -> &mut Outbound {
        &mut self.out
    }
    fn message(&mut self, publish: &Publish<'_>) -> Result<usize, NotStored> {
        Ok(publish.payload.len())
    }
    fn message_size(&self, message: &usize) -> usize {
        *message
    }
    fn deliver(
        &mut self,
        _: usize,
        _: QoS,
        _: Receipt<'_>,
        _: Option<AckToken>,
    ) -> Result<(), usize> {
        self.delivered += 1;
        Ok(())
    }
    fn complete(&mut self, _: Completion<()>) {
        self.completed += 1;
    }
    fn complete_when_written(&mut self, _: Completion<()>) {
        self.completed += 1;
    }
    fn wants_packet(&self, (): &()) -> bool {
        false
    }
    fn acknowledged(&mut self, _: AckKind, _: u16, _: u8, _: PropertiesRef<'_>) {}
    fn store(&mut self, _: Record, _: &[u8]) -> Result<(), NotStored> {
        Ok(())
    }
    fn discard(&mut self, _: Record) {}
    fn store_queued(
        &mut self,
        _: &Publish<'_>,
        _: Token,
    ) -> Result<Option<RecordHandle>, NotStored> {
        Ok(None)
    }
    fn promote(&mut self, _: Option<RecordHandle>, _: u16, _: &[u8]) -> Result<(), NotStored> {
        Ok(())
    }
    fn load_queued(&mut self, _: RecordHandle) -> Loaded<Stored> {
        Loaded::Later
    }
    fn load_sent(&mut self, _: u16) -> Loaded<Vec<u8>> {
        Loaded::Later
    }
    fn load_received(&mut self, _: u16) -> Loaded<Option<usize>> {
        Loaded::Later
    }
}

struct Connected {
    session: Session<usize, ()>,
    world: Nowhere,
    now: Instant,
}

fn connected() -> Connected {
    let now = Instant::now();
    let mut session = Session::new(Version::V311, Arc::from("bench"), now);
    let mut world = Nowhere::default();
    let begin = Begin {
        version: Version::V311,
        clean: true,
        keep_alive: Duration::from_secs(60),
        max_inflight: 65535,
        properties: PropertiesRef::default(),
        socket: 0,
    };
    let accepted = ConnAck {
        session_present: false,
        code: 0,
        properties: PropertiesRef::default(),
    };
    session.begin(&begin, &accepted, now, &mut world);
    Connected {
        session,
        world,
        now,
    }
}

fn message(qos: QoS, payload: &[u8]) -> Publish<'_> {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic: b"bench/topic",
        packet_id: 0,
        properties: PropertiesRef::default(),
        payload,
    }
}

fn acknowledgements(kind: AckKind) -> BytesMut {
    let mut bytes = BytesMut::new();
    for id in 1..=MESSAGES {
        encode_ack(kind, Version::V311, id, 0, &mut bytes);
    }
    bytes
}

/// Publishes and has everything acknowledged.
fn publish_all(mut to: Connected, qos: QoS, payload: &[u8], answers: &[BytesMut]) -> usize {
    let mut batch = Batch::default();
    for _ in 0..MESSAGES {
        let token = to.session.token();
        to.session
            .publish(
                &message(qos, payload),
                Some(token),
                (),
                true,
                to.now,
                &mut to.world,
            )
            .expect("accepted");
    }
    to.world.out.take(&mut batch);
    for bytes in answers {
        to.session
            .receive(bytes, to.now, &mut to.world)
            .expect("valid acknowledgements");
    }
    assert_eq!(to.world.completed, usize::from(MESSAGES));
    to.world.completed
}

fn publishing(c: &mut Criterion) {
    let mut group = c.benchmark_group("session: publish 1000 messages of 256 B");
    group.throughput(Throughput::Elements(u64::from(MESSAGES)));
    let payload = [7; 256];
    let answers = [
        vec![],
        vec![acknowledgements(AckKind::PubAck)],
        vec![
            acknowledgements(AckKind::PubRec),
            acknowledgements(AckKind::PubComp),
        ],
    ];
    for (qos, answers) in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce]
        .into_iter()
        .zip(&answers)
    {
        group.bench_function(format!("QoS {}", qos as u8), |b| {
            b.iter_batched(
                connected,
                |to| black_box(publish_all(to, qos, &payload, answers)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn receiving(c: &mut Criterion) {
    let mut group = c.benchmark_group("session: receive 1000 messages of 256 B");
    group.throughput(Throughput::Elements(u64::from(MESSAGES)));
    let payload = [7; 256];
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
        let mut bytes = BytesMut::new();
        for packet_id in 1..=MESSAGES {
            let packet_id = if qos == QoS::AtMostOnce { 0 } else { packet_id };
            Publish {
                packet_id,
                ..message(qos, &payload)
            }
            .encode(Version::V311, &mut bytes)
            .expect("a valid message");
        }
        if qos == QoS::ExactlyOnce {
            bytes.extend_from_slice(&acknowledgements(AckKind::PubRel));
        }
        group.bench_function(format!("QoS {}", qos as u8), |b| {
            b.iter_batched(
                connected,
                |mut to| {
                    to.session
                        .receive(&bytes, to.now, &mut to.world)
                        .expect("valid packets");
                    assert_eq!(to.world.delivered, usize::from(MESSAGES));
                    black_box(to.world.delivered)
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    publishing(&mut criterion);
    receiving(&mut criterion);
    criterion.final_summary();
}
