//! The decoder: never panics, never looks beyond the frame, and what it accepts means the same encoded again.

use bytes::BytesMut;
use paho_oxide::protocol::decode::{Packet, decode, frame, header};
use paho_oxide::protocol::packet::{AckKind, Publish, encode_ack};
use paho_oxide::protocol::{QoS, Version};

/// Every packet at the start of the bytes, as one of each version.
pub fn run(bytes: &[u8]) {
    for version in [Version::V31, Version::V311, Version::V5] {
        stream(version, bytes);
    }
}

/// Largest packet that is asked for: a length field alone must not cost more than this.
const LIMIT: u32 = 1 << 16;

fn stream(version: Version, mut bytes: &[u8]) {
    let _ = header(bytes, LIMIT);
    while let Ok(Some(found)) = frame(bytes, LIMIT) {
        assert!(found.total_len <= bytes.len() && found.header_len <= found.total_len);
        assert!(found.total_len <= LIMIT as usize);
        let body = &bytes[found.header_len..found.total_len];
        if let Ok(packet) = decode(version, found.first, body) {
            again(version, found.first, &packet);
        }
        bytes = &bytes[found.total_len..];
    }
}

/// Encodes what a client can encode and decodes that.
fn again(version: Version, first: u8, packet: &Packet<'_>) {
    let mut encoded = BytesMut::new();
    match packet {
        Packet::Publish(publish) => {
            assert!(publish.qos == QoS::AtMostOnce || publish.packet_id != 0);
            assert!(std::str::from_utf8(publish.topic).is_ok());
            // Some properties only a server may send.
            if publish.encode(version, &mut encoded).is_err() {
                return;
            }
        }
        Packet::PubAck(ack) => encode_ack(
            AckKind::PubAck,
            version,
            ack.packet_id,
            ack.reason,
            &mut encoded,
        ),
        Packet::PubRec(ack) => encode_ack(
            AckKind::PubRec,
            version,
            ack.packet_id,
            ack.reason,
            &mut encoded,
        ),
        Packet::PubRel(ack) => encode_ack(
            AckKind::PubRel,
            version,
            ack.packet_id,
            ack.reason,
            &mut encoded,
        ),
        Packet::PubComp(ack) => encode_ack(
            AckKind::PubComp,
            version,
            ack.packet_id,
            ack.reason,
            &mut encoded,
        ),
        _ => return,
    }
    let found = frame(&encoded, u32::MAX)
        .expect("well formed")
        .expect("whole");
    let second = decode(version, found.first, &encoded[found.header_len..]).expect("ours");
    match (packet, &second) {
        (Packet::Publish(one), Packet::Publish(two)) => {
            assert_eq!(first, found.first);
            let parts = |p: &Publish<'_>| {
                (
                    p.packet_id,
                    p.topic.to_vec(),
                    p.payload.to_vec(),
                    p.properties.as_bytes().to_vec(),
                )
            };
            assert_eq!(parts(one), parts(two));
        }
        (Packet::PubAck(one), Packet::PubAck(two))
        | (Packet::PubRec(one), Packet::PubRec(two))
        | (Packet::PubRel(one), Packet::PubRel(two))
        | (Packet::PubComp(one), Packet::PubComp(two)) => {
            assert_eq!((one.packet_id, one.reason), (two.packet_id, two.reason));
        }
        _ => panic!("{packet:?} became {second:?}"),
    }
}
