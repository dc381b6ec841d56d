use super::*;
use crate::protocol::decode::{Packet, decode, frame};
use crate::protocol::property::{Properties, Property, Value};

const PLAIN: Publish<'static> = Publish {
    dup: false,
    qos: QoS::AtMostOnce,
    retain: false,
    topic: b"a/b",
    packet_id: 0,
    properties: PropertiesRef::EMPTY,
    payload: b"hi",
};

const VERSIONS: [Version; 3] = [Version::V31, Version::V311, Version::V5];
const LEVELS: [QoS; 3] = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];

fn encoded(publish: &Publish<'_>, version: Version) -> Vec<u8> {
    let mut out = BytesMut::new();
    publish.encode(version, &mut out).unwrap();
    assert_eq!(publish.encoded_len(version), Ok(out.len()));
    out.to_vec()
}

fn refuse(publish: &Publish<'_>, version: Version) -> u8 {
    let mut out = BytesMut::from(&b"before"[..]);
    let reason = publish.encode(version, &mut out).unwrap_err().reason;
    assert_eq!(
        publish.encode_header(version, &mut out).unwrap_err().reason,
        reason
    );
    assert_eq!(&out[..], b"before");
    reason
}

fn read(bytes: &[u8], version: Version) -> Publish<'_> {
    let frame = frame(bytes, u32::MAX).unwrap().unwrap();
    match decode(
        version,
        frame.first,
        &bytes[frame.header_len..frame.total_len],
    ) {
        Ok(Packet::Publish(publish)) => publish,
        other => panic!("{other:?}"),
    }
}

fn list(properties: &[(PropertyId, Value<'_>)]) -> Properties {
    let mut list = Properties::new();
    for &(id, value) in properties {
        list.push(Property { id, value }).unwrap();
    }
    list
}

fn properties() -> Properties {
    list(&[
        (PropertyId::UserProperty, Value::Pair(b"b", b"1")),
        (PropertyId::MessageExpiryInterval, Value::Four(0x0102_0304)),
        (PropertyId::UserProperty, Value::Pair(b"a", b"2")),
        (PropertyId::TopicAlias, Value::Two(7)),
    ])
}

/// Figure 3-8 of 3.1.1; [MQTT-2.2.1-2]: no packet identifier at QoS 0, whatever the field says.
#[test]
fn golden_publishes() {
    let qos0 = Publish {
        packet_id: 9,
        ..PLAIN
    };
    let qos1 = Publish {
        dup: true,
        qos: QoS::AtLeastOnce,
        retain: true,
        packet_id: 10,
        ..PLAIN
    };
    for version in [Version::V31, Version::V311] {
        assert_eq!(encoded(&qos0, version), b"\x30\x07\x00\x03a/bhi");
        assert_eq!(encoded(&qos1, version), b"\x3B\x09\x00\x03a/b\x00\x0Ahi");
    }
    assert_eq!(encoded(&qos0, Version::V5), b"\x30\x08\x00\x03a/b\x00hi");
    let list = properties();
    let full = Publish {
        qos: QoS::ExactlyOnce,
        packet_id: 0xFFFF,
        properties: list.as_ref(),
        ..PLAIN
    };
    assert_eq!(
        encoded(&full, Version::V5),
        b"\x34\x20\x00\x03a/b\xFF\xFF\x16\x26\x00\x01b\x00\x011\x02\x01\x02\x03\x04\x26\x00\x01a\x00\x012\x23\x00\x07hi"
    );
    assert_eq!(
        encoded(&full, Version::V311),
        b"\x34\x09\x00\x03a/b\xFF\xFFhi"
    );
}

#[test]
fn what_we_send_we_can_read() {
    let list = properties();
    for version in VERSIONS {
        for qos in LEVELS {
            let at_0 = qos == QoS::AtMostOnce;
            let publish = Publish {
                dup: !at_0,
                qos,
                retain: true,
                packet_id: if at_0 { 0 } else { 513 },
                properties: match version {
                    Version::V5 => list.as_ref(),
                    _ => PropertiesRef::EMPTY,
                },
                ..PLAIN
            };
            assert_eq!(read(&encoded(&publish, version), version), publish);
        }
    }
}

/// A header and its payload are the packet.
#[test]
fn a_header_alone() {
    let payload = vec![b'x'; 20_000];
    for version in VERSIONS {
        for qos in LEVELS {
            let publish = Publish {
                qos,
                packet_id: 1,
                payload: &payload,
                ..PLAIN
            };
            let mut out = BytesMut::new();
            publish.encode_header(version, &mut out).unwrap();
            out.extend_from_slice(&payload);
            assert_eq!(&out[..], encoded(&publish, version));
        }
    }
}

/// What a resend changes, in a packet and in its header alone.
#[test]
fn places_in_an_encoded_packet() {
    let list = properties();
    for version in VERSIONS {
        for qos in LEVELS {
            let v5 = version == Version::V5;
            let publish = Publish {
                qos,
                properties: if v5 {
                    list.as_ref()
                } else {
                    PropertiesRef::EMPTY
                },
                ..PLAIN
            };
            let mut packet = encoded(&publish, version);
            let mut header = BytesMut::new();
            publish.encode_header(version, &mut header).unwrap();
            assert_eq!(packet_id_offset(&packet), packet_id_offset(&header));

            set_packet_id(&mut packet, 0x0304);
            set_dup(&mut packet);
            let again = read(&packet, version);
            let at_0 = qos == QoS::AtMostOnce;
            assert_eq!(again.packet_id, if at_0 { 0 } else { 0x0304 });
            assert_eq!(again.dup, !at_0);
            assert_eq!(
                (again.topic, again.payload),
                (publish.topic, publish.payload)
            );
            assert_eq!(again.properties, publish.properties);

            if v5 {
                let at = message_expiry_offset(&packet).unwrap();
                assert_eq!(message_expiry_offset(&header), Some(at));
                assert_eq!(packet[at..at + 4], [1, 2, 3, 4]);
            }
        }
    }
    let plain = encoded(&PLAIN, Version::V5);
    assert_eq!(message_expiry_offset(&plain), None);
}

#[test]
fn places_in_bytes_that_are_no_publish() {
    let list = properties();
    let publish = Publish {
        qos: QoS::AtLeastOnce,
        properties: list.as_ref(),
        ..PLAIN
    };
    let packet = encoded(&publish, Version::V5);
    for cut in 0..packet.len() {
        let short = &packet[..cut];
        assert!(packet_id_offset(short).is_none_or(|at| at + 2 <= cut));
        assert!(message_expiry_offset(short).is_none_or(|at| at + 4 <= cut));
    }
    let mut pubrel = *b"\x62\x02\x00\x01";
    set_dup(&mut pubrel);
    set_packet_id(&mut pubrel, 7);
    assert_eq!(&pubrel, b"\x62\x02\x00\x01");
    assert_eq!(message_expiry_offset(&pubrel), None);
}

/// [MQTT-3.3.2-1], [MQTT-3.3.2-2], [MQTT-4.7.3-1], [MQTT-1.5.3-2]
#[test]
fn topics_that_are_not_sent() {
    let long = vec![b'a'; 65_536];
    for version in VERSIONS {
        for topic in [&b"a/+"[..], b"#", b"a\0", b"\xFF", &long] {
            let publish = Publish { topic, ..PLAIN };
            assert_eq!(refuse(&publish, version), reason::TOPIC_NAME_INVALID);
        }
        let publish = Publish {
            topic: b"",
            ..PLAIN
        };
        assert_eq!(refuse(&publish, version), reason::PROTOCOL_ERROR);
    }
}

/// Section 3.3.2.1 of 5.0: an alias stands for the topic; 3.x has none.
#[test]
fn an_empty_topic_with_an_alias() {
    let alias = list(&[(PropertyId::TopicAlias, Value::Two(7))]);
    let publish = Publish {
        topic: b"",
        properties: alias.as_ref(),
        ..PLAIN
    };
    assert_eq!(
        encoded(&publish, Version::V5),
        b"\x30\x08\x00\x00\x03\x23\x00\x07hi"
    );
    assert_eq!(refuse(&publish, Version::V311), reason::PROTOCOL_ERROR);
}

/// [MQTT-3.3.1-2], [MQTT-3.3.4-6]
#[test]
fn publishes_that_are_not_sent() {
    for version in VERSIONS {
        let publish = Publish { dup: true, ..PLAIN };
        assert_eq!(refuse(&publish, version), reason::MALFORMED_PACKET);
    }
    let id = list(&[(PropertyId::SubscriptionIdentifier, Value::Var(1))]);
    let publish = Publish {
        properties: id.as_ref(),
        ..PLAIN
    };
    assert_eq!(refuse(&publish, Version::V5), reason::PROTOCOL_ERROR);
}

/// 268435455 bytes, section 2.2.3 of 3.1.1: the header of the largest packet there is, and of one byte more.
#[test]
fn the_largest_packet() {
    let payload = vec![0; 268_435_455 - 5];
    let mut publish = Publish {
        payload: &payload,
        ..PLAIN
    };
    assert_eq!(publish.encoded_len(Version::V311), Ok(268_435_460));
    let mut out = BytesMut::new();
    publish.encode_header(Version::V311, &mut out).unwrap();
    assert_eq!(&out[..], b"\x30\xFF\xFF\xFF\x7F\x00\x03a/b");
    publish.topic = b"a/bc";
    assert_eq!(refuse(&publish, Version::V311), reason::MALFORMED_PACKET);
    assert!(publish.encoded_len(Version::V311).is_err());
}

fn refuse_received(version: Version, first: u8, body: &[u8]) -> u8 {
    Publish::decode(version, first, body).unwrap_err().reason
}

/// [MQTT-3.3.1-2], [MQTT-3.3.1-4]
#[test]
fn received_with_flags_that_cannot_be() {
    for version in VERSIONS {
        for first in [0x36, 0x37, 0x3E, 0x3F, 0x38, 0x39] {
            assert_eq!(
                refuse_received(version, first, b"\x00\x01a\x00\x01\x00"),
                reason::MALFORMED_PACKET
            );
        }
    }
}

/// [MQTT-3.3.2-1], [MQTT-3.3.2-2], [MQTT-1.5.3-1], [MQTT-1.5.3-2], [MQTT-4.7.3-1], [MQTT-2.3.1-1]
#[test]
fn received_with_fields_that_cannot_be() {
    for version in VERSIONS {
        for body in [
            &b"\x00\x01+\x00"[..],
            b"\x00\x03a/#\x00",
            b"\x00\x01\0\x00",
            b"\x00\x03\xED\xA0\x80\x00",
            b"\x00\x05a",
            b"\x00",
            b"",
        ] {
            assert_eq!(
                refuse_received(version, 0x30, body),
                reason::MALFORMED_PACKET
            );
        }
        assert_eq!(
            refuse_received(version, 0x30, b"\x00\x00\x00"),
            reason::PROTOCOL_ERROR
        );
        assert_eq!(
            refuse_received(version, 0x32, b"\x00\x01a\x00\x00\x00"),
            reason::PROTOCOL_ERROR
        );
        assert_eq!(
            refuse_received(version, 0x32, b"\x00\x01a\x01"),
            reason::MALFORMED_PACKET
        );
    }
}

/// [MQTT-3.3.2-8], sections 3.3.2.3.2 and 3.3.2.3.4
#[test]
fn received_with_properties_that_cannot_be() {
    for (properties, expected) in [
        (&b"\x03\x23\x00\x00"[..], reason::TOPIC_ALIAS_INVALID),
        (b"\x06\x23\x00\x01\x23\x00\x01", reason::PROTOCOL_ERROR),
        (b"\x02\x01\x02", reason::PROTOCOL_ERROR),
        (b"\x02\x0B\x00", reason::PROTOCOL_ERROR),
        (b"\x03\x0B\x80\x00", reason::MALFORMED_PACKET),
        (b"\x05\x11\x00\x00\x00\x01", reason::MALFORMED_PACKET),
        (b"\x09\x01\x01", reason::MALFORMED_PACKET),
        (b"\x01\x01\x01", reason::MALFORMED_PACKET),
        (b"\x80\x00", reason::MALFORMED_PACKET),
        (b"", reason::MALFORMED_PACKET),
    ] {
        let body = [b"\x00\x01a", properties].concat();
        assert_eq!(
            refuse_received(Version::V5, 0x30, &body),
            expected,
            "{properties:x?}"
        );
    }
}
