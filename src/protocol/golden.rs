//! Packets that servers send, byte for byte, and what each says: shared by the tests.

use super::QoS;
use super::Version::{self, V5, V31, V311};
use super::decode::{Ack, Auth, ConnAck, Disconnect, Packet, Publish, SubAck, UnsubAck};
use super::property::{Context, PropertiesRef};

const NONE: PropertiesRef<'static> = PropertiesRef::EMPTY;
const V3: &[Version] = &[V31, V311];
const ALL: &[Version] = &[V31, V311, V5];

fn properties(bytes: &'static [u8], context: Context) -> PropertiesRef<'static> {
    PropertiesRef::parse(bytes, context).unwrap()
}

const fn ack(packet_id: u16, reason: u8, properties: PropertiesRef<'static>) -> Ack<'static> {
    Ack {
        packet_id,
        reason,
        properties,
    }
}

const PUBLISH: Publish<'static> = Publish {
    dup: false,
    qos: QoS::AtMostOnce,
    retain: false,
    topic: b"a/b",
    packet_id: 0,
    properties: NONE,
    payload: b"",
};

/// The versions in which these bytes are this packet.
pub(super) type Golden = (&'static [Version], &'static [u8], Packet<'static>);

pub(super) fn received() -> Vec<Golden> {
    let mut all = connection();
    all.extend(publishes());
    all.extend(acks());
    all
}

fn connection() -> Vec<Golden> {
    let connack = |session_present, code, properties| {
        Packet::ConnAck(ConnAck {
            session_present,
            code,
            properties,
        })
    };
    let max = properties(b"\x21\x00\x0A\x12\x00\x02id", Context::ConnAck);
    let moved = properties(b"\x1C\x00\x01s\x1F\x00\x02no", Context::Disconnect);
    let method = properties(b"\x15\x00\x01m\x16\x00\x02\x00\x01", Context::Auth);
    let disconnect = |reason, properties| Packet::Disconnect(Disconnect { reason, properties });
    let auth = |reason, properties| Packet::Auth(Auth { reason, properties });
    vec![
        (V3, b"\x20\x02\x00\x00", connack(false, 0, NONE)),
        (&[V311], b"\x20\x02\x01\x00", connack(true, 0, NONE)),
        // 3.1 has no session present flag: the byte is reserved.
        (&[V31], b"\x20\x02\x01\x00", connack(false, 0, NONE)),
        // A 3.x server's refusal of a MQTT 5 CONNECT is the same bytes.
        (ALL, b"\x20\x02\x00\x01", connack(false, 1, NONE)),
        (ALL, b"\x20\x02\x00\x05", connack(false, 5, NONE)),
        (V3, b"\x20\x02\x00\x06", connack(false, 6, NONE)),
        (&[V5], b"\x20\x03\x00\x00\x00", connack(false, 0, NONE)),
        (&[V5], b"\x20\x03\x00\x87\x00", connack(false, 0x87, NONE)),
        (
            &[V5],
            b"\x20\x0B\x01\x00\x08\x21\x00\x0A\x12\x00\x02id",
            connack(true, 0, max),
        ),
        (ALL, b"\xD0\x00", Packet::PingResp),
        (&[V5], b"\xE0\x00", disconnect(0, NONE)),
        (&[V5], b"\xE0\x01\x8E", disconnect(0x8E, NONE)),
        (&[V5], b"\xE0\x02\x8B\x00", disconnect(0x8B, NONE)),
        (
            &[V5],
            b"\xE0\x0B\x9D\x09\x1C\x00\x01s\x1F\x00\x02no",
            disconnect(0x9D, moved),
        ),
        (&[V5], b"\xF0\x00", auth(0, NONE)),
        (
            &[V5],
            b"\xF0\x0B\x18\x09\x15\x00\x01m\x16\x00\x02\x00\x01",
            auth(0x18, method),
        ),
    ]
}

fn publishes() -> Vec<Golden> {
    vec![
        (V3, b"\x30\x05\x00\x03a/b", Packet::Publish(PUBLISH)),
        (&[V5], b"\x30\x06\x00\x03a/b\x00", Packet::Publish(PUBLISH)),
        (
            V3,
            b"\x3B\x09\x00\x03a/b\x00\x0Ahi",
            Packet::Publish(Publish {
                dup: true,
                qos: QoS::AtLeastOnce,
                retain: true,
                packet_id: 10,
                payload: b"hi",
                ..PUBLISH
            }),
        ),
        (
            &[V5],
            b"\x34\x12\x00\x03a/b\x01\x00\x07\x02\x00\x00\x00\x3C\x01\x01hi!",
            Packet::Publish(Publish {
                qos: QoS::ExactlyOnce,
                packet_id: 256,
                properties: properties(b"\x02\x00\x00\x00\x3C\x01\x01", Context::Publish),
                payload: b"hi!",
                ..PUBLISH
            }),
        ),
        // Several Subscription Identifiers: mqttbytes 0.6 takes some of them for payload.
        (
            &[V5],
            b"\x30\x0B\x00\x01a\x06\x0B\x01\x0B\x02\x0B\x03p",
            Packet::Publish(Publish {
                topic: b"a",
                properties: properties(b"\x0B\x01\x0B\x02\x0B\x03", Context::Publish),
                payload: b"p",
                ..PUBLISH
            }),
        ),
        // [MQTT-3.3.2-8]: an alias instead of the topic.
        (
            &[V5],
            b"\x30\x07\x00\x00\x03\x23\x00\x05p",
            Packet::Publish(Publish {
                topic: b"",
                properties: properties(b"\x23\x00\x05", Context::Publish),
                payload: b"p",
                ..PUBLISH
            }),
        ),
    ]
}

fn acks() -> Vec<Golden> {
    let full = ack(
        0x1234,
        0x92,
        properties(b"\x1F\x00\x01r\x26\x00\x01n\x00\x01v", Context::PubRel),
    );
    let suback = |codes, properties| {
        Packet::SubAck(SubAck {
            packet_id: 10,
            properties,
            codes,
        })
    };
    let unsuback = |codes, properties| {
        Packet::UnsubAck(UnsubAck {
            packet_id: 10,
            properties,
            codes,
        })
    };
    let user = properties(b"\x26\x00\x01n\x00\x01v", Context::SubAck);
    vec![
        (ALL, b"\x40\x02\x00\x0A", Packet::PubAck(ack(10, 0, NONE))),
        (ALL, b"\x50\x02\x00\x0A", Packet::PubRec(ack(10, 0, NONE))),
        (ALL, b"\x62\x02\x00\x0A", Packet::PubRel(ack(10, 0, NONE))),
        (ALL, b"\x70\x02\x00\x0A", Packet::PubComp(ack(10, 0, NONE))),
        // 3.1 marks a PUBREL that is sent again.
        (
            &[V31],
            b"\x6A\x02\x00\x0A",
            Packet::PubRel(ack(10, 0, NONE)),
        ),
        (
            &[V5],
            b"\x40\x03\x00\x0A\x10",
            Packet::PubAck(ack(10, 0x10, NONE)),
        ),
        (
            &[V5],
            b"\x50\x03\x00\x0A\x97",
            Packet::PubRec(ack(10, 0x97, NONE)),
        ),
        (
            &[V5],
            b"\x70\x04\x00\x0A\x92\x00",
            Packet::PubComp(ack(10, 0x92, NONE)),
        ),
        (
            &[V5],
            b"\x62\x0F\x12\x34\x92\x0B\x1F\x00\x01r\x26\x00\x01n\x00\x01v",
            Packet::PubRel(full),
        ),
        (
            V3,
            b"\x90\x06\x00\x0A\x00\x01\x02\x80",
            suback(b"\x00\x01\x02\x80", NONE),
        ),
        (&[V5], b"\x90\x04\x00\x0A\x00\x8F", suback(b"\x8F", NONE)),
        (
            &[V5],
            b"\x90\x0C\x00\x0A\x07\x26\x00\x01n\x00\x01v\x02\xA2",
            suback(b"\x02\xA2", user),
        ),
        (V3, b"\xB0\x02\x00\x0A", unsuback(b"", NONE)),
        (
            &[V5],
            b"\xB0\x05\x00\x0A\x00\x00\x11",
            unsuback(b"\x00\x11", NONE),
        ),
    ]
}
