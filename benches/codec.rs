//! The codec on its own: what a message costs before it meets a socket.

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{Criterion, Throughput};
use paho_oxide::protocol::decode::{decode, frame};
use paho_oxide::protocol::packet::{AckKind, Publish, encode_ack};
use paho_oxide::protocol::property::{Properties, PropertiesRef, Property, PropertyId, Value};
use paho_oxide::protocol::{QoS, Version};

const SIZES: [usize; 3] = [16, 256, 4096];

fn publish<'a>(qos: QoS, properties: PropertiesRef<'a>, payload: &'a [u8]) -> Publish<'a> {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic: b"bench/topic",
        packet_id: u16::from(qos != QoS::AtMostOnce),
        properties,
        payload,
    }
}

fn some_properties() -> Properties {
    let mut properties = Properties::new();
    for (id, value) in [
        (PropertyId::ContentType, Value::Utf8(b"text")),
        (PropertyId::CorrelationData, Value::Binary(b"12345678")),
        (PropertyId::UserProperty, Value::Pair(b"unit", b"mV")),
        (PropertyId::UserProperty, Value::Pair(b"site", b"lab")),
    ] {
        properties
            .push(Property { id, value })
            .expect("a valid property");
    }
    properties
}

fn cases() -> Vec<(String, Version, QoS, Properties, usize)> {
    let mut cases = Vec::new();
    for size in SIZES {
        cases.push((
            format!("v3 QoS 0 {size} B"),
            Version::V311,
            QoS::AtMostOnce,
            Properties::new(),
            size,
        ));
    }
    cases.push((
        "v5 QoS 1 256 B, 4 properties".to_owned(),
        Version::V5,
        QoS::AtLeastOnce,
        some_properties(),
        256,
    ));
    cases
}

fn encoding(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode PUBLISH");
    for (name, version, qos, properties, size) in cases() {
        let payload = vec![7; size];
        let message = publish(qos, properties.as_ref(), &payload);
        let mut out = BytesMut::with_capacity(64 * 1024);
        group.throughput(Throughput::Elements(1));
        group.bench_function(&name, |b| {
            b.iter(|| {
                out.clear();
                black_box(&message)
                    .encode(version, &mut out)
                    .expect("a valid message");
                black_box(out.len())
            });
        });
    }
    group.finish();
}

fn decoding(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode PUBLISH");
    for (name, version, qos, properties, size) in cases() {
        let payload = vec![7; size];
        let mut packet = BytesMut::new();
        publish(qos, properties.as_ref(), &payload)
            .encode(version, &mut packet)
            .expect("a valid message");
        group.throughput(Throughput::Elements(1));
        group.bench_function(&name, |b| {
            b.iter(|| {
                let bytes = black_box(&packet[..]);
                let frame = frame(bytes, u32::MAX)
                    .expect("a valid header")
                    .expect("all of it");
                black_box(decode(version, frame.first, &bytes[frame.header_len..]).is_ok())
            });
        });
    }
    group.finish();
}

fn acknowledgements(c: &mut Criterion) {
    let mut out = BytesMut::with_capacity(64);
    c.bench_function("encode PUBACK", |b| {
        b.iter(|| {
            out.clear();
            encode_ack(AckKind::PubAck, Version::V311, black_box(17), 0, &mut out);
            black_box(out.len())
        });
    });
    let packet = out.clone();
    c.bench_function("decode PUBACK", |b| {
        b.iter(|| black_box(decode(Version::V311, packet[0], &black_box(&packet)[2..]).is_ok()));
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    encoding(&mut criterion);
    decoding(&mut criterion);
    acknowledgements(&mut criterion);
    criterion.final_summary();
}
