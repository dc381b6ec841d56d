use super::*;
use crate::protocol::property::PropertyId;
use crate::protocol::property::{Properties, Property, Value};

const PLAIN: Connect<'static> = Connect {
    version: Version::V311,
    clean_start: true,
    keep_alive: 60,
    client_id: b"id",
    will: None,
    username: None,
    password: None,
    properties: PropertiesRef::EMPTY,
};

const WILL: Will<'static> = Will {
    topic: b"w/t",
    payload: b"\0bye",
    qos: QoS::AtMostOnce,
    retain: false,
    properties: PropertiesRef::EMPTY,
};

fn encoded(connect: &Connect<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    connect.encode(&mut out).unwrap();
    out.to_vec()
}

fn refuse(connect: &Connect<'_>) -> u8 {
    let mut out = BytesMut::from(&b"before"[..]);
    let reason = connect.encode(&mut out).unwrap_err().reason;
    assert_eq!(&out[..], b"before");
    reason
}

fn list(properties: &[Property<'_>]) -> Properties {
    let mut list = Properties::new();
    for &property in properties {
        list.push(property).unwrap();
    }
    list
}

/// [MQTT-3.1.2-1], [MQTT-3.1.2-2]: protocol name and level; 3.1 had another name.
#[test]
fn protocol_name_and_level_of_each_version() {
    for (version, bytes) in [
        (
            Version::V31,
            &b"\x10\x10\x00\x06MQIsdp\x03\x02\x00\x3C\x00\x02id"[..],
        ),
        (
            Version::V311,
            b"\x10\x0E\x00\x04MQTT\x04\x02\x00\x3C\x00\x02id",
        ),
        (
            Version::V5,
            b"\x10\x0F\x00\x04MQTT\x05\x02\x00\x3C\x00\x00\x02id",
        ),
    ] {
        assert_eq!(encoded(&Connect { version, ..PLAIN }), bytes);
    }
}

/// [MQTT-3.1.3-1]: will topic, will message, user name, password; section 3.1.2.3 for the flags.
#[test]
fn every_field_of_3_1_1() {
    let connect = Connect {
        clean_start: false,
        keep_alive: 0x0102,
        client_id: b"",
        will: Some(Will {
            qos: QoS::ExactlyOnce,
            retain: true,
            ..WILL
        }),
        username: Some(b"u"),
        password: Some(b"\0\xFF"),
        ..PLAIN
    };
    assert_eq!(
        encoded(&connect),
        b"\x10\x1E\x00\x04MQTT\x04\xF4\x01\x02\x00\x00\x00\x03w/t\x00\x04\0bye\x00\x01u\x00\x02\0\xFF"
    );
}

/// Each flag by itself.
#[test]
fn connect_flags() {
    let flags = |connect: Connect<'_>| encoded(&connect)[9];
    let will = |qos, retain| {
        Some(Will {
            qos,
            retain,
            ..WILL
        })
    };
    assert_eq!(flags(PLAIN), 0x02);
    assert_eq!(
        flags(Connect {
            clean_start: false,
            ..PLAIN
        }),
        0x00
    );
    let at = |qos, retain| {
        flags(Connect {
            will: will(qos, retain),
            ..PLAIN
        })
    };
    assert_eq!(at(QoS::AtMostOnce, false), 0x06);
    assert_eq!(at(QoS::AtLeastOnce, false), 0x0E);
    assert_eq!(at(QoS::ExactlyOnce, false), 0x16);
    assert_eq!(at(QoS::AtMostOnce, true), 0x26);
    let username = Some(&b"u"[..]);
    assert_eq!(flags(Connect { username, ..PLAIN }), 0x82);
    let password = Some(&b""[..]);
    assert_eq!(
        flags(Connect {
            username,
            password,
            ..PLAIN
        }),
        0xC2
    );
}

/// Section 3.1.2.11 and 3.1.3.2: CONNECT and will properties, each before what they belong to.
#[test]
fn every_field_of_5() {
    let session = list(&[Property {
        id: PropertyId::SessionExpiryInterval,
        value: Value::Four(10),
    }]);
    let delay = list(&[Property {
        id: PropertyId::WillDelayInterval,
        value: Value::Four(5),
    }]);
    let connect = Connect {
        version: Version::V5,
        will: Some(Will {
            qos: QoS::AtLeastOnce,
            properties: delay.as_ref(),
            ..WILL
        }),
        // Without a user name: 5.0 allows it.
        password: Some(b"p"),
        properties: session.as_ref(),
        ..PLAIN
    };
    assert_eq!(
        encoded(&connect),
        b"\x10\x28\x00\x04MQTT\x05\x4E\x00\x3C\x05\x11\0\0\0\x0A\x00\x02id\x05\x18\0\0\0\x05\x00\x03w/t\x00\x04\0bye\x00\x01p"
    );
    // 3.x has no properties to send.
    let old = Connect {
        version: Version::V311,
        will: None,
        password: None,
        ..connect
    };
    assert_eq!(encoded(&old), encoded(&PLAIN));
}

/// [MQTT-3.1.2-22] of 3.1.1
#[test]
fn a_password_needs_a_user_name_before_5() {
    for version in [Version::V31, Version::V311] {
        let connect = Connect {
            version,
            password: Some(b"p"),
            ..PLAIN
        };
        assert_eq!(refuse(&connect), reason::PROTOCOL_ERROR);
    }
}

/// [MQTT-3.1.3-4], [MQTT-3.1.3-10], [MQTT-3.1.3-11], [MQTT-3.3.2-2]
#[test]
fn fields_that_are_no_mqtt_strings() {
    let bad = Connect {
        client_id: b"\xFF",
        ..PLAIN
    };
    assert_eq!(refuse(&bad), reason::MALFORMED_PACKET);
    let bad = Connect {
        username: Some(b"a\0"),
        ..PLAIN
    };
    assert_eq!(refuse(&bad), reason::MALFORMED_PACKET);
    for topic in [&b""[..], b"a/#", b"\xFF"] {
        let bad = Connect {
            will: Some(Will { topic, ..WILL }),
            ..PLAIN
        };
        assert_eq!(refuse(&bad), reason::TOPIC_NAME_INVALID);
    }
}

#[test]
fn fields_longer_than_their_length_field() {
    let long = vec![b'a'; 65_536];
    for bad in [
        Connect {
            client_id: &long,
            ..PLAIN
        },
        Connect {
            username: Some(&long),
            ..PLAIN
        },
        Connect {
            username: Some(b"u"),
            password: Some(&long),
            ..PLAIN
        },
        Connect {
            will: Some(Will {
                payload: &long,
                ..WILL
            }),
            ..PLAIN
        },
    ] {
        assert_eq!(refuse(&bad), reason::MALFORMED_PACKET);
    }
}

#[test]
fn properties_of_other_packets() {
    let delay = list(&[Property {
        id: PropertyId::WillDelayInterval,
        value: Value::Four(5),
    }]);
    let bad = Connect {
        version: Version::V5,
        properties: delay.as_ref(),
        ..PLAIN
    };
    assert_eq!(refuse(&bad), reason::MALFORMED_PACKET);
    let session = list(&[Property {
        id: PropertyId::SessionExpiryInterval,
        value: Value::Four(5),
    }]);
    let bad = Connect {
        version: Version::V5,
        will: Some(Will {
            properties: session.as_ref(),
            ..WILL
        }),
        ..PLAIN
    };
    assert_eq!(refuse(&bad), reason::MALFORMED_PACKET);
}

fn refuse_connack(version: Version, body: &[u8]) -> u8 {
    ConnAck::decode(version, body).unwrap_err().reason
}

/// [MQTT-3.2.2-1] of 5.0, section 3.2.2.1 of 3.1.1; the byte is reserved in 3.1.
#[test]
fn connack_flags() {
    for flags in 2..=u8::MAX {
        assert_eq!(
            refuse_connack(Version::V311, &[flags, 0]),
            reason::MALFORMED_PACKET
        );
        assert_eq!(
            refuse_connack(Version::V5, &[flags, 0, 0]),
            reason::MALFORMED_PACKET
        );
        let body = [flags, 0];
        let old = ConnAck::decode(Version::V31, &body).unwrap();
        assert!(!old.session_present);
    }
}

/// [MQTT-3.2.2-4] of 3.1.1, [MQTT-3.2.2-6] of 5.0
#[test]
fn a_refusal_has_no_session() {
    assert_eq!(
        refuse_connack(Version::V311, &[1, 5]),
        reason::PROTOCOL_ERROR
    );
    assert_eq!(
        refuse_connack(Version::V5, &[1, 0x87, 0]),
        reason::PROTOCOL_ERROR
    );
    assert_eq!(refuse_connack(Version::V5, &[1, 1]), reason::PROTOCOL_ERROR);
    assert_eq!(ConnAck::decode(Version::V31, &[1, 5]).unwrap().code, 5);
}

/// [MQTT-3.2.2-8]: what is below 0x80 and not success is neither a refusal nor an acceptance.
#[test]
fn connack_codes() {
    for code in 1..0x80 {
        assert_eq!(
            refuse_connack(Version::V5, &[0, code, 0]),
            reason::PROTOCOL_ERROR
        );
    }
    for code in 0x80..=u8::MAX {
        let body = [0, code, 0];
        let connack = ConnAck::decode(Version::V5, &body).unwrap();
        assert_eq!(connack.code, code);
    }
    for code in 0..=u8::MAX {
        let body = [0, code];
        let connack = ConnAck::decode(Version::V311, &body).unwrap();
        assert_eq!(connack.code, code);
    }
}

#[test]
fn connacks_of_the_wrong_length() {
    for body in [&[][..], &[0], &[0, 0, 0]] {
        assert_eq!(
            refuse_connack(Version::V311, body),
            reason::MALFORMED_PACKET
        );
    }
    for body in [
        &[][..],
        &[0],
        &[0, 0],
        &[0, 0x87],
        &[0, 0, 1],
        &[0, 0, 0, 0],
    ] {
        assert_eq!(refuse_connack(Version::V5, body), reason::MALFORMED_PACKET);
    }
}

/// What the program asks for wrongly is named: the field, and what is wrong with it.
#[test]
fn a_bad_field_is_named() {
    let long = vec![b'x'; 65_536];
    let plain = Connect {
        version: Version::V311,
        clean_start: true,
        keep_alive: 0,
        client_id: b"c",
        will: None,
        username: None,
        password: None,
        properties: PropertiesRef::EMPTY,
    };
    let will = Will {
        topic: b"w",
        payload: b"",
        qos: QoS::AtMostOnce,
        retain: false,
        properties: PropertiesRef::EMPTY,
    };
    let with_will = |topic, payload| Connect {
        will: Some(Will {
            topic,
            payload,
            ..will
        }),
        ..plain
    };
    for (connect, what) in [
        (
            Connect {
                client_id: &long,
                ..plain
            },
            "client identifier: longer than 65,535 bytes",
        ),
        (
            Connect {
                client_id: b"\xFF",
                ..plain
            },
            "client identifier: not well-formed UTF-8, or with U+0000",
        ),
        (
            Connect {
                username: Some(&long),
                ..plain
            },
            "user name: longer than 65,535 bytes",
        ),
        (
            Connect {
                username: Some(b"u"),
                password: Some(&long),
                ..plain
            },
            "password: longer than 65,535 bytes",
        ),
        (
            Connect {
                password: Some(b"p"),
                ..plain
            },
            "password without a user name",
        ),
        (with_will(b"", b""), "will topic: empty"),
        (with_will(b"a/#", b""), "will topic: has a wildcard"),
        (
            with_will(b"w", &long),
            "will message: longer than 65,535 bytes",
        ),
    ] {
        let mut out = BytesMut::new();
        let error = connect.encode(&mut out).expect_err(what);
        assert_eq!(error.what, what);
        assert!(out.is_empty());
    }
}
