//! Sections 1 to 3.2: representations, fixed header, CONNECT, CONNACK; and DISCONNECT, PINGREQ.

use std::time::{Duration, Instant};

use crate::broker::{Broker, alongside};
use crate::common::{
    BAD_QOS, BAD_UTF8, DISCONNECTED, connack_refused, connect, connect_packet, connect_refused,
    connected, connected_with, lose,
};
use crate::driver::{AsyncClient, ConnectOptions, Event, SyncClient, Will};
use crate::packet::{AckKind, Packet, Version};
use crate::server::{connack, message};

const V: Version = Version::V311;

/// [MQTT-1.5.3-1] A string that is not well-formed UTF-8 ends the connection, and none is sent.
#[test]
fn mqtt_1_5_3_1_ill_formed_utf8_closes_and_is_not_sent() {
    // A lone continuation byte, an encoded surrogate, an overlong form, a code point above U+10FFFF.
    for bad in [
        &b"a\x80"[..],
        b"\xED\xA0\x80",
        b"\xC0\xAF",
        b"\xF4\x90\x80\x80",
    ] {
        let (_broker, mut peer, client) = connected(V);
        assert_eq!(client.send(bad, b"", 0, false, &[]), Err(BAD_UTF8));
        assert_eq!(client.subscribe_with(&[(bad, 0)], &[], &[]), Err(BAD_UTF8));
        assert_eq!(client.unsubscribe(&[bad], &[]), Err(BAD_UTF8));
        peer.expect_silence();
        peer.publish(&message(bad, b"x"));
        peer.expect_close();
        assert_eq!(client.next(), Event::ConnectionLost);
    }
}

/// [MQTT-1.5.3-2] U+0000 in a string of the server's ends the connection.
#[test]
fn mqtt_1_5_3_2_null_character_closes() {
    let (_broker, mut peer, client) = connected(V);
    peer.publish(&message(b"a\0b", b"x"));
    peer.expect_close();
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// [MQTT-1.5.3-3] U+FEFF in a topic is a character like others, in both directions.
#[test]
fn mqtt_1_5_3_3_byte_order_mark_is_kept() {
    let (_broker, mut peer, client) = connected(V);
    let topic = "\u{FEFF}a\u{FEFF}";
    client.publish(topic, b"", 0).unwrap();
    assert_eq!(peer.expect_publish().topic, topic);
    peer.publish(&message(topic, b""));
    let mut events = [client.next(), client.next()];
    events.sort_by_key(|event| matches!(event, Event::Message(_)));
    let Event::Message(arrived) = &events[1] else {
        panic!("no message in {events:?}")
    };
    assert_eq!(arrived.topic, topic);
}

/// [MQTT-2.2.2-1] The reserved bits of each first byte are as the table lists them.
#[test]
fn mqtt_2_2_2_1_reserved_flags_are_as_listed() {
    let (_broker, mut peer, client) = connected(V);
    client.subscribe("a", 2).unwrap();
    let id = peer.expect_subscribe().id;
    peer.suback(id, &[2]);
    client.unsubscribe(&[b"a"], &[]).unwrap();
    let id = peer.expect_unsubscribe().id;
    peer.unsuback(id, &[]);
    client.publish("a", b"", 2).unwrap();
    let id = peer.expect_publish().id;
    peer.ack(AckKind::PubRec, id);
    peer.expect_ack(AckKind::PubRel, id);
    peer.ack(AckKind::PubComp, id);
    peer.publish(&message("a", b"").qos(1, 1));
    peer.expect_ack(AckKind::PubAck, 1);
    peer.publish(&message("a", b"").qos(2, 2));
    peer.expect_ack(AckKind::PubRec, 2);
    peer.ack(AckKind::PubRel, 2);
    peer.expect_ack(AckKind::PubComp, 2);
    client.disconnect();
    peer.expect_disconnect();
    let mut firsts = Vec::new();
    let mut rest = peer.raw();
    while let Some(len) = crate::decode::packet_len(rest).unwrap_or(None) {
        firsts.push(rest[0]);
        rest = &rest[len..];
        if rest.is_empty() {
            break;
        }
    }
    assert_eq!(
        firsts,
        [0x10, 0x82, 0xA2, 0x34, 0x62, 0x40, 0x50, 0x70, 0xE0]
    );
}

/// [MQTT-2.2.2-2] Invalid flags in a first byte end the connection.
#[test]
fn mqtt_2_2_2_2_invalid_flags_close() {
    for bytes in [
        &b"\x41\x02\x00\x01"[..],
        b"\x60\x02\x00\x01",
        b"\x91\x03\x00\x01\x00",
        b"\xD8\x00",
    ] {
        let (_broker, mut peer, client) = connected(V);
        peer.send(bytes);
        peer.expect_close();
        assert_eq!(client.next(), Event::ConnectionLost);
    }
}

/// [MQTT-3.1.0-1] The first packet is CONNECT, and the program cannot send anything before.
#[test]
fn mqtt_3_1_0_1_connect_comes_first() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    assert_eq!(client.publish("a", b"", 1), Err(DISCONNECTED));
    assert_eq!(client.subscribe("a", 1), Err(DISCONNECTED));
    assert_eq!(client.connect(&ConnectOptions::default()), 0);
    assert_eq!(client.publish("a", b"", 1), Err(DISCONNECTED));
    let mut peer = broker.accept();
    peer.expect_connect();
    assert_eq!(client.publish("a", b"", 1), Err(DISCONNECTED));
    peer.connack(false, &[]);
    assert!(matches!(client.next(), Event::Connected { .. }));
    peer.expect_silence();
}

/// [MQTT-3.1.0-2] CONNECT is sent once over a connection, however often the program asks.
#[test]
fn mqtt_3_1_0_2_connect_is_sent_once() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    assert_eq!(client.connect(&ConnectOptions::default()), 0);
    assert_ne!(client.connect(&ConnectOptions::default()), 0);
    let mut peer = broker.accept();
    peer.expect_connect();
    assert_ne!(client.connect(&ConnectOptions::default()), 0);
    peer.connack(false, &[]);
    assert!(matches!(client.next(), Event::Connected { .. }));
    assert_ne!(client.connect(&ConnectOptions::default()), 0);
    peer.expect_silence();
    assert!(!broker.has_caller());
}

/// [MQTT-3.1.2-1] The protocol name is "MQTT".
#[test]
fn mqtt_3_1_2_1_protocol_name() {
    assert_eq!(
        connect_packet(V, &ConnectOptions::default()).protocol,
        "MQTT"
    );
}

/// [MQTT-3.1.2-2] The level is 4. A server that refuses it is asked again with 3.1 where the program left the version
/// open, and the refusal reported where it did not.
#[test]
fn mqtt_3_1_2_2_protocol_level_and_its_refusal() {
    assert_eq!(connect_packet(V, &ConnectOptions::default()).level, 4);
    assert_eq!(
        connack_refused(V, &ConnectOptions::default(), &connack(V, false, 1, &[])),
        1
    );

    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    let open = ConnectOptions {
        version: Some(0),
        ..ConnectOptions::default()
    };
    assert_eq!(client.connect(&open), 0);
    let mut peer = broker.accept();
    assert_eq!(peer.expect_connect().level, 4);
    peer.send(&connack(V, false, 1, &[]));
    peer.expect_close();
    let mut peer = broker.accept();
    let connect = peer.expect_connect();
    assert_eq!((connect.protocol.as_str(), connect.level), ("MQIsdp", 3));
    peer.connack(false, &[]);
    assert!(matches!(client.next(), Event::Connected { version: 3, .. }));
}

/// [MQTT-3.1.2-3] The reserved connect flag is 0.
#[test]
fn mqtt_3_1_2_3_reserved_connect_flag() {
    let everything = ConnectOptions {
        will: Some(will(2, true)),
        user_name: Some(b"u".into()),
        password: Some(b"p".into()),
        ..ConnectOptions::default()
    };
    assert_eq!(connect_packet(V, &everything).flags & 1, 0);
    assert_eq!(connect_packet(V, &ConnectOptions::default()).flags & 1, 0);
}

fn will(qos: i32, retained: bool) -> Will {
    Will {
        topic: b"will/topic".into(),
        payload: b"gone\0\xFF".into(),
        qos,
        retained,
        properties: Vec::new(),
    }
}

fn with_will(qos: i32, retained: bool) -> ConnectOptions {
    ConnectOptions {
        will: Some(will(qos, retained)),
        ..ConnectOptions::default()
    }
}

/// [MQTT-3.1.2-9] With the Will Flag there are Will Topic and Will Message.
#[test]
fn mqtt_3_1_2_9_will_fields_are_there() {
    let connect = connect_packet(V, &with_will(0, false));
    assert_eq!(connect.flags & 4, 4);
    let will = connect.will.unwrap();
    assert_eq!(
        (will.topic.as_str(), &will.payload[..]),
        ("will/topic", &b"gone\0\xFF"[..])
    );
}

/// [MQTT-3.1.2-11] Without a will, Will `QoS` and Will Retain are 0 and nothing of it is in the payload.
#[test]
fn mqtt_3_1_2_11_no_will_no_fields() {
    let connect = connect_packet(V, &ConnectOptions::default());
    assert_eq!(connect.flags & 0x3C, 0);
    assert_eq!(connect.will, None);
}

/// [MQTT-3.1.2-13] Without a will, Will `QoS` is 0.
#[test]
fn mqtt_3_1_2_13_no_will_qos() {
    assert_eq!(
        connect_packet(V, &ConnectOptions::default()).flags & 0x18,
        0
    );
}

/// [MQTT-3.1.2-14] Will `QoS` is 0, 1 or 2, and never 3.
#[test]
fn mqtt_3_1_2_14_will_qos() {
    for qos in 0..3 {
        let connect = connect_packet(V, &with_will(qos, false));
        assert_eq!(i32::from(connect.will.unwrap().qos), qos);
    }
    assert_eq!(connect_refused(V, &with_will(3, false)), BAD_QOS);
    assert_eq!(connect_refused(V, &with_will(-1, false)), BAD_QOS);
}

/// [MQTT-3.1.2-15] Without a will, Will Retain is 0; with one it is what the program says.
#[test]
fn mqtt_3_1_2_15_will_retain() {
    assert_eq!(
        connect_packet(V, &ConnectOptions::default()).flags & 0x20,
        0
    );
    assert!(connect_packet(V, &with_will(1, true)).will.unwrap().retain);
    assert!(!connect_packet(V, &with_will(1, false)).will.unwrap().retain);
}

fn with_login(user_name: Option<&[u8]>, password: Option<&[u8]>) -> ConnectOptions {
    ConnectOptions {
        user_name: user_name.map(Into::into),
        password: password.map(Into::into),
        ..ConnectOptions::default()
    }
}

/// [MQTT-3.1.2-18] Without User Name Flag there is no user name.
#[test]
fn mqtt_3_1_2_18_no_user_name() {
    let connect = connect_packet(V, &with_login(None, None));
    assert_eq!((connect.flags & 0x80, connect.user_name), (0, None));
}

/// [MQTT-3.1.2-19] With User Name Flag there is one, an empty one too.
#[test]
fn mqtt_3_1_2_19_user_name() {
    for name in ["jo", ""] {
        let connect = connect_packet(V, &with_login(Some(name.as_bytes()), None));
        assert_eq!(
            (connect.flags & 0x80, connect.user_name.as_deref()),
            (0x80, Some(name))
        );
    }
}

/// [MQTT-3.1.2-20] Without Password Flag there is no password.
#[test]
fn mqtt_3_1_2_20_no_password() {
    let connect = connect_packet(V, &with_login(Some(b"jo"), None));
    assert_eq!((connect.flags & 0x40, connect.password), (0, None));
}

/// [MQTT-3.1.2-21] With Password Flag there is one, with any bytes.
#[test]
fn mqtt_3_1_2_21_password() {
    let connect = connect_packet(V, &with_login(Some(b"jo"), Some(b"\0\xFFpw")));
    assert_eq!(connect.flags & 0x40, 0x40);
    assert_eq!(connect.password.as_deref(), Some(&b"\0\xFFpw"[..]));
}

/// [MQTT-3.1.2-22] Without a user name no Password Flag is sent.
#[test]
fn mqtt_3_1_2_22_no_password_without_user_name() {
    assert_ne!(connect_refused(V, &with_login(None, Some(b"pw"))), 0);
}

/// [MQTT-3.1.2-23] A client that has nothing else to send pings within the keep-alive interval, again and again; and
/// gives up a server that does not answer.
#[test]
fn mqtt_3_1_2_23_pings_in_the_keep_alive_interval() {
    let options = ConnectOptions {
        keep_alive: 6,
        ..ConnectOptions::default()
    };
    let (_broker, mut peer, client) = connected_with(V, &options, &[]);
    for _ in 0..2 {
        let idle = Instant::now();
        peer.expect_pingreq();
        // What a busy machine adds is no fault; the exact times are tested with a clock by hand, in `protocol/keepalive.rs`.
        assert!(
            idle.elapsed() < Duration::from_secs(6 + 30),
            "{:?}",
            idle.elapsed()
        );
        peer.send(&crate::server::pingresp());
    }
    peer.expect_pingreq();
    peer.expect_close();
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// [MQTT-3.1.3-1] Client identifier, will topic, will message, user name and password stand in this order.
#[test]
fn mqtt_3_1_3_1_order_of_the_payload() {
    let options = ConnectOptions {
        will: Some(will(0, false)),
        ..with_login(Some(b"user"), Some(b"pass"))
    };
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    let (peer, _) = connect(&broker, &client, &options, false, &[]);
    let payload = b"\0\x04wire\0\x0Awill/topic\0\x06gone\0\xFF\0\x04user\0\x04pass";
    assert_eq!(&peer.raw()[12..], payload);
}

/// [MQTT-3.1.3-2] Each connection of a client, and each of its sessions, goes by the client identifier it was created with.
#[test]
fn mqtt_3_1_3_2_client_identifier_identifies_the_session() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "it's me");
    for session_present in [false, true] {
        let (peer, asked) = connect(
            &broker,
            &client,
            &ConnectOptions::resuming(),
            session_present,
            &[],
        );
        assert_eq!(asked.client_id, "it's me");
        lose(peer, &client);
    }
}

/// [MQTT-3.1.3-3] The client identifier is there, and first, also where it is empty.
#[test]
fn mqtt_3_1_3_3_client_identifier_is_first() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "");
    let (peer, _) = connect(&broker, &client, &with_will(0, false), false, &[]);
    assert_eq!(&peer.raw()[12..16], b"\0\0\0\x0A");
}

/// [MQTT-3.1.3-4] The client identifier is UTF-8.
#[test]
fn mqtt_3_1_3_4_client_identifier_is_utf8() {
    let broker = Broker::start();
    let code = AsyncClient::create(V, &broker.uri(), b"\xFFid").err();
    assert_eq!(code, Some(BAD_UTF8));
    let client = AsyncClient::new(V, &broker.uri(), "żółw 🐢");
    let (_peer, asked) = connect(&broker, &client, &ConnectOptions::default(), false, &[]);
    assert_eq!(asked.client_id, "żółw 🐢");
}

/// [MQTT-3.1.3-7] An empty client identifier never goes out without Clean Session.
#[test]
fn mqtt_3_1_3_7_empty_client_identifier_needs_clean_session() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "");
    assert_eq!(client.connect(&ConnectOptions::resuming()), -1);
    assert!(!broker.has_caller());
}

/// [MQTT-3.1.3-10] The will topic is UTF-8.
#[test]
fn mqtt_3_1_3_10_will_topic_is_utf8() {
    let mut options = with_will(0, false);
    options.will.as_mut().unwrap().topic = b"\xC0\x80".into();
    assert_eq!(connect_refused(V, &options), BAD_UTF8);
}

/// [MQTT-3.1.3-11] The user name is UTF-8.
#[test]
fn mqtt_3_1_3_11_user_name_is_utf8() {
    assert_eq!(
        connect_refused(V, &with_login(Some(b"\xED\xA0\x80"), None)),
        BAD_UTF8
    );
}

/// [MQTT-3.2.0-1] Where the first packet is no CONNACK there is no connection.
#[test]
fn mqtt_3_2_0_1_first_answer_is_connack() {
    for answer in [&b"\xD0\x00"[..], b"\x30\x03\x00\x01a", b"\x40\x02\x00\x01"] {
        assert_ne!(connack_refused(V, &ConnectOptions::default(), answer), 0);
    }
}

/// [MQTT-3.2.2-2] Session Present is handed to the program as the server says it; [`connect`] compares.
#[test]
fn mqtt_3_2_2_2_session_present_is_reported() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    for session_present in [true, false] {
        let (peer, asked) = connect(
            &broker,
            &client,
            &ConnectOptions::resuming(),
            session_present,
            &[],
        );
        assert!(!asked.clean);
        lose(peer, &client);
    }
}

/// [MQTT-3.2.2-4] A CONNACK that refuses and has a session is none.
#[test]
fn mqtt_3_2_2_4_refusal_with_a_session_is_malformed() {
    let code = connack_refused(V, &ConnectOptions::resuming(), &connack(V, true, 2, &[]));
    assert_ne!(code, 0);
}

/// [MQTT-3.2.2-5] After a refusal the connection is over, and the program has the code; both APIs.
#[test]
fn mqtt_3_2_2_5_refusal_ends_the_connection() {
    for code in 1..=5 {
        let answer = connack(V, false, code, &[]);
        assert_eq!(
            connack_refused(V, &ConnectOptions::default(), &answer),
            code.into()
        );
    }
    let broker = Broker::start();
    let client = SyncClient::new(V, &broker.uri(), "wire");
    let ((), code) = alongside(
        || {
            let mut peer = broker.accept();
            peer.expect_connect();
            peer.send(&connack(V, false, 5, &[]));
            peer.expect_close();
        },
        || client.connect(&ConnectOptions::default()),
    );
    assert_eq!(code, 5);
    assert!(!client.is_connected());
}

/// [MQTT-3.2.2-6] A server that closes the connection without a CONNACK, or in the middle of one, has not accepted it; both
/// APIs.
#[test]
fn mqtt_3_2_2_6_closed_without_connack() {
    for bytes in [&b""[..], b"\x20", b"\x20\x02\x00"] {
        let broker = Broker::start();
        let client = AsyncClient::new(V, &broker.uri(), "wire");
        assert_eq!(client.connect(&ConnectOptions::default()), 0);
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.send_cut(bytes, bytes.len());
        assert!(matches!(
            client.next(),
            Event::ConnectFailed { code: -1, .. }
        ));
    }
    let broker = Broker::start();
    let client = SyncClient::new(V, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.close();
    };
    let ((), code) = alongside(steps, || client.connect(&ConnectOptions::default()));
    assert_eq!(code, -1);
}

/// [MQTT-3.14.1-1] DISCONNECT is the two bytes E0 00.
#[test]
fn mqtt_3_14_1_1_disconnect_has_no_flags() {
    let (_broker, mut peer, client) = connected(V);
    assert_eq!(client.disconnect(), 0);
    peer.expect_disconnect();
    assert!(peer.raw().ends_with(b"\xE0\x00"));
    assert_eq!(client.next(), Event::Ended);
}

/// [MQTT-3.14.4-1] After DISCONNECT the client closes the connection; both APIs.
#[test]
fn mqtt_3_14_4_1_closes_after_disconnect() {
    let (_broker, mut peer, client) = connected(V);
    assert_eq!(client.disconnect(), 0);
    peer.expect_disconnect();
    assert_eq!(client.next(), Event::Ended);
    assert!(!client.is_connected());

    let broker = Broker::start();
    let client = SyncClient::new(V, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        peer.expect_disconnect();
    };
    let ((), code) = alongside(steps, || {
        assert_eq!(client.connect(&ConnectOptions::default()), 0);
        client.disconnect(0)
    });
    assert_eq!(code, 0);
}

/// [MQTT-3.14.4-2] After DISCONNECT nothing more is sent, though the server asks for an answer and the program has more.
#[test]
fn mqtt_3_14_4_2_nothing_after_disconnect() {
    let (_broker, mut peer, client) = connected(V);
    // More than the two sockets hold, so that the DISCONNECT has to wait while messages come.
    for _ in 0..16 {
        client.publish("a", vec![0; 1 << 20], 0).unwrap();
    }
    assert_eq!(client.disconnect(), 0);
    assert_eq!(client.publish("a", b"", 1), Err(DISCONNECTED));
    // What is not written a second later is given up: on a slow machine that may be a part of a message.
    peer.expect_a_kill();
    for n in 0..20 {
        peer.publish(&message("a", b"").qos(1, n + 1));
    }
    while let Some(packet) = peer.next() {
        if matches!(packet, Packet::Disconnect(_)) {
            break;
        }
    }
    peer.expect_close();
}
