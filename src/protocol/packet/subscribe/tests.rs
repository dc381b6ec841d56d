use super::*;
use crate::protocol::property::{Properties, Property};

const A: Filter<'static> = Filter {
    filter: b"a/+",
    qos: QoS::AtLeastOnce,
    no_local: false,
    retain_as_published: false,
    retain_handling: 0,
};

const NONE: PropertiesRef<'static> = PropertiesRef::EMPTY;

fn subscribe(
    version: Version,
    filters: &[Filter<'_>],
    properties: PropertiesRef<'_>,
) -> Result<Vec<u8>, Malformed> {
    let mut out = BytesMut::from(&b"before"[..]);
    let result = encode_subscribe(version, 10, filters, properties, &mut out);
    assert_eq!(&out[..6], b"before");
    assert!(result.is_ok() || out.len() == 6);
    result.map(|()| out[6..].to_vec())
}

fn unsubscribe(
    version: Version,
    filters: &[&[u8]],
    properties: PropertiesRef<'_>,
) -> Result<Vec<u8>, Malformed> {
    let mut out = BytesMut::from(&b"before"[..]);
    let result = encode_unsubscribe(version, 10, filters, properties, &mut out);
    assert_eq!(&out[..6], b"before");
    assert!(result.is_ok() || out.len() == 6);
    result.map(|()| out[6..].to_vec())
}

fn user(names: &[&'static str]) -> Properties {
    let mut list = Properties::new();
    for name in names {
        list.push(Property {
            id: PropertyId::UserProperty,
            value: Value::Pair(name.as_bytes(), b"v"),
        })
        .unwrap();
    }
    list
}

/// [MQTT-3.8.1-1], [MQTT-3.10.1-1]: flags 0010 in every version.
#[test]
fn requests_of_3_x() {
    let b = Filter {
        filter: b"b",
        qos: QoS::ExactlyOnce,
        // 3.x has no such options to send.
        no_local: true,
        retain_as_published: true,
        retain_handling: 2,
    };
    for version in [Version::V31, Version::V311] {
        assert_eq!(
            subscribe(version, &[A, b], user(&["n"]).as_ref()).unwrap(),
            b"\x82\x0C\x00\x0A\x00\x03a/+\x01\x00\x01b\x02"
        );
        assert_eq!(
            unsubscribe(version, &[b"a/+", b"b"], user(&["n"]).as_ref()).unwrap(),
            b"\xA2\x0A\x00\x0A\x00\x03a/+\x00\x01b"
        );
    }
}

/// Section 3.8.3.1: where each option's bits are.
#[test]
fn requests_of_5() {
    let options = |filter| subscribe(Version::V5, &[filter], NONE).unwrap()[10];
    assert_eq!(options(A), 0x01);
    assert_eq!(
        options(Filter {
            qos: QoS::ExactlyOnce,
            ..A
        }),
        0x02
    );
    assert_eq!(
        options(Filter {
            no_local: true,
            ..A
        }),
        0x05
    );
    assert_eq!(
        options(Filter {
            retain_as_published: true,
            ..A
        }),
        0x09
    );
    assert_eq!(
        options(Filter {
            retain_handling: 1,
            ..A
        }),
        0x11
    );
    assert_eq!(
        options(Filter {
            retain_handling: 2,
            ..A
        }),
        0x21
    );
    assert_eq!(
        subscribe(Version::V5, &[A, A], NONE).unwrap(),
        b"\x82\x0F\x00\x0A\x00\x00\x03a/+\x01\x00\x03a/+\x01"
    );
    assert_eq!(
        unsubscribe(Version::V5, &[b"a", b"b"], NONE).unwrap(),
        b"\xA2\x09\x00\x0A\x00\x00\x01a\x00\x01b"
    );
}

/// [MQTT-3.1.3-10] for the order of user properties, kept here too.
#[test]
fn properties_of_requests() {
    let mut list = user(&["b", "a", "b"]);
    let users = b"\x26\x00\x01b\x00\x01v\x26\x00\x01a\x00\x01v\x26\x00\x01b\x00\x01v";
    assert_eq!(
        unsubscribe(Version::V5, &[b"a"], list.as_ref()).unwrap(),
        [&b"\xA2\x1B\x00\x0A\x15"[..], users, b"\x00\x01a"].concat()
    );
    list.push(Property {
        id: PropertyId::SubscriptionIdentifier,
        value: Value::Var(268_435_455),
    })
    .unwrap();
    assert_eq!(
        subscribe(Version::V5, &[Filter { filter: b"a", ..A }], list.as_ref()).unwrap(),
        [
            &b"\x82\x21\x00\x0A\x1A\x0B\xFF\xFF\xFF\x7F"[..],
            users,
            b"\x00\x01a\x01"
        ]
        .concat()
    );
    // UNSUBSCRIBE has no Subscription Identifier.
    let error = unsubscribe(Version::V5, &[b"a"], list.as_ref()).unwrap_err();
    assert_eq!(error.reason, reason::MALFORMED_PACKET);
}

/// [MQTT-3.8.3-2], [MQTT-3.10.3-2], [MQTT-4.7.1-1], [MQTT-4.7.3-1], [MQTT-3.8.3-1]
#[test]
fn requests_without_a_valid_filter() {
    let long = vec![b'a'; 65_536];
    for version in [Version::V31, Version::V311, Version::V5] {
        let error = subscribe(version, &[], NONE).unwrap_err();
        assert_eq!(error.reason, reason::PROTOCOL_ERROR);
        let error = unsubscribe(version, &[], NONE).unwrap_err();
        assert_eq!(error.reason, reason::PROTOCOL_ERROR);
        for filter in [&b""[..], b"a#", b"\xFF", &long] {
            let error = subscribe(version, &[A, Filter { filter, ..A }], NONE).unwrap_err();
            assert_eq!(error.reason, reason::TOPIC_FILTER_INVALID);
            let error = unsubscribe(version, &[b"a", filter], NONE).unwrap_err();
            assert_eq!(error.reason, reason::TOPIC_FILTER_INVALID);
        }
    }
}

/// [MQTT-3.8.3-4]; section 3.8.3.1: Retain Handling 3 is a Protocol Error.
#[test]
fn options_that_are_protocol_errors() {
    let shared = Filter {
        filter: b"$share/g/a",
        ..A
    };
    assert!(subscribe(Version::V5, &[shared], NONE).is_ok());
    for filter in [
        Filter {
            no_local: true,
            ..shared
        },
        Filter {
            retain_handling: 3,
            ..A
        },
    ] {
        let error = subscribe(Version::V5, &[filter], NONE).unwrap_err();
        assert_eq!(error.reason, reason::PROTOCOL_ERROR);
    }
}

/// [MQTT-2.2.1-3]
#[test]
fn packet_identifier_zero() {
    let mut out = BytesMut::new();
    assert!(encode_subscribe(Version::V5, 0, &[A], NONE, &mut out).is_err());
    assert!(encode_unsubscribe(Version::V5, 0, &[b"a"], NONE, &mut out).is_err());
    assert!(out.is_empty());
    for version in [Version::V31, Version::V311, Version::V5] {
        let error = SubAck::decode(version, &[0, 0, 0, 0]).unwrap_err();
        assert_eq!(error.reason, reason::PROTOCOL_ERROR);
        let error = UnsubAck::decode(version, &[0, 0, 0, 0]).unwrap_err();
        assert_eq!(error.reason, reason::PROTOCOL_ERROR);
    }
}

/// 268435455 bytes, section 2.2.3 of 3.1.1: many filters together are too much, and nothing is left behind.
#[test]
fn a_request_that_is_too_large() {
    let long = vec![b'a'; 65_535];
    let filters = vec![&long[..]; 4096];
    let error = unsubscribe(Version::V311, &filters, NONE).unwrap_err();
    assert_eq!(error.reason, reason::MALFORMED_PACKET);
}

/// [MQTT-3.9.3-2] of both, [MQTT-3.11.3-2]
#[test]
fn only_the_codes_of_the_packet() {
    let suback = [
        0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2,
    ];
    let unsuback = [0, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91];
    for code in 0..=u8::MAX {
        let known = SubAck::decode(Version::V5, &[0, 1, 0, 0, code]).is_ok();
        assert_eq!(known, suback.contains(&code), "{code:x}");
        let known = UnsubAck::decode(Version::V5, &[0, 1, 0, 0, code]).is_ok();
        assert_eq!(known, unsuback.contains(&code), "{code:x}");
        let known = SubAck::decode(Version::V311, &[0, 1, 0, code]).is_ok();
        assert_eq!(known, matches!(code, 0..=2 | 0x80), "{code:x}");
    }
}

#[test]
fn acknowledgements_of_the_wrong_length() {
    for body in [&[][..], &[0], &[0, 1]] {
        let error = SubAck::decode(Version::V311, body).unwrap_err();
        assert_eq!(error.reason, reason::MALFORMED_PACKET);
    }
    for body in [&[][..], &[0], &[0, 1, 0]] {
        let error = UnsubAck::decode(Version::V311, body).unwrap_err();
        assert_eq!(error.reason, reason::MALFORMED_PACKET);
    }
    for body in [&[][..], &[0], &[0, 1], &[0, 1, 0], &[0, 1, 1]] {
        let error = SubAck::decode(Version::V5, body).unwrap_err();
        assert_eq!(error.reason, reason::MALFORMED_PACKET);
        let error = UnsubAck::decode(Version::V5, body).unwrap_err();
        assert_eq!(error.reason, reason::MALFORMED_PACKET);
    }
}
