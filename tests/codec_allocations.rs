//! The codec's hot paths allocate nothing: PUBLISH and acknowledgements, both ways.

use allocation_counter::measure;
use bytes::BytesMut;
use paho_oxide::protocol::decode::{Packet, decode, frame};
use paho_oxide::protocol::packet::{
    AckKind, Publish, encode_ack, message_expiry_offset, set_dup, set_packet_id,
};
use paho_oxide::protocol::property::{Properties, PropertiesRef, Property, PropertyId, Value};
use paho_oxide::protocol::{QoS, Version};

const VERSIONS: [Version; 3] = [Version::V31, Version::V311, Version::V5];

fn properties() -> Properties {
    let mut properties = Properties::new();
    for (id, value) in [
        (PropertyId::UserProperty, Value::Pair(b"name", b"value")),
        (PropertyId::MessageExpiryInterval, Value::Four(60)),
        (PropertyId::ContentType, Value::Utf8(b"text/plain")),
    ] {
        properties.push(Property { id, value }).unwrap();
    }
    properties
}

#[test]
fn publish_both_ways() {
    let properties = properties();
    for version in VERSIONS {
        let publish = Publish {
            dup: false,
            qos: QoS::AtLeastOnce,
            retain: false,
            topic: "some/tøpic".as_bytes(),
            packet_id: 7,
            properties: match version {
                Version::V5 => properties.as_ref(),
                _ => PropertiesRef::EMPTY,
            },
            payload: &[1; 1000],
        };
        let mut out = BytesMut::with_capacity(2048);
        let counted = measure(|| {
            publish.encode(version, &mut out).unwrap();
            set_packet_id(&mut out, 8);
            set_dup(&mut out);
            assert_eq!(
                message_expiry_offset(&out).is_some(),
                version == Version::V5
            );
            let frame = frame(&out, u32::MAX).unwrap().unwrap();
            let packet = decode(version, frame.first, &out[frame.header_len..]).unwrap();
            let Packet::Publish(read) = packet else {
                panic!("{packet:?}")
            };
            assert_eq!(
                read,
                Publish {
                    dup: true,
                    packet_id: 8,
                    ..publish
                }
            );
        });
        assert_eq!(counted.count_total, 0, "{version:?}");
    }
}

#[test]
fn acknowledgements_both_ways() {
    for version in VERSIONS {
        for kind in [
            AckKind::PubAck,
            AckKind::PubRec,
            AckKind::PubRel,
            AckKind::PubComp,
        ] {
            let mut out = BytesMut::with_capacity(16);
            let counted = measure(|| {
                encode_ack(kind, version, 7, 0, &mut out);
                let frame = frame(&out, u32::MAX).unwrap().unwrap();
                decode(version, frame.first, &out[frame.header_len..]).unwrap();
                out.clear();
                encode_ack(kind, version, 7, 0x92, &mut out);
            });
            assert_eq!(counted.count_total, 0, "{kind:?} in {version:?}");
        }
    }
}

/// The counter does count.
#[test]
fn an_allocation_is_seen() {
    let counted = measure(|| drop(std::hint::black_box(vec![0u8; 100])));
    assert_eq!(counted.count_total, 1);
}
