//! Sections 2.1.3, 3.12, 3.14, 3.15, 4.12 and 4.13: fixed headers, DISCONNECT, AUTH, errors.

use crate::broker::{Broker, alongside};
use crate::common::{DISCONNECTED, connack_refused, connect, connected, connected_with};
use crate::decode::packet_len;
use crate::driver::{ConnectOptions, Event, SyncClient};
use crate::packet::{AckKind, Packet, Value, Version, prop, text, user};
use crate::server::{ack, auth, connack, disconnect, message};

const V: Version = Version::V5;

/// [MQTT-2.1.3-1] The reserved bits of each first byte are as the table lists them, and others end the connection with 0x81.
#[test]
fn mqtt_2_1_3_1_reserved_flags_are_as_listed() {
    let (_broker, mut peer, client) = connected(V);
    client.subscribe("a", 2).unwrap();
    let id = peer.expect_subscribe().id;
    peer.suback(id, &[2]);
    client.unsubscribe(&[b"a"], &[]).unwrap();
    let id = peer.expect_unsubscribe().id;
    peer.unsuback(id, &[0]);
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
    while let Ok(Some(len)) = packet_len(rest) {
        firsts.push(rest[0]);
        rest = &rest[len..];
    }
    assert_eq!(
        firsts,
        [0x10, 0x82, 0xA2, 0x34, 0x62, 0x40, 0x50, 0x70, 0xE0]
    );
    for bytes in [
        &b"\x41\x02\x00\x01"[..],
        b"\x91\x04\x00\x01\x00\x00",
        b"\xD8\x00",
        b"\xE4\x00",
    ] {
        let (_broker, mut peer, client) = connected(V);
        peer.send(bytes);
        peer.expect_refusal(0x81);
        assert_eq!(client.next(), Event::ConnectionLost);
    }
}

/// [MQTT-3.6.1-1] The first byte of PUBREL is 62, and another that comes ends the connection with 0x81.
#[test]
fn mqtt_3_6_1_1_flags_of_pubrel() {
    let (_broker, mut peer, client) = connected(V);
    client.publish("a", b"", 2).unwrap();
    let id = peer.expect_publish().id;
    peer.ack(AckKind::PubRec, id);
    peer.expect_ack(AckKind::PubRel, id);
    assert!(peer.raw().ends_with(&ack(AckKind::PubRel, id)));
    for flags in (0..16).filter(|flags| *flags != 2) {
        let (_broker, mut peer, _client) = connected(V);
        peer.send(&[0x60 | flags, 2, 0, 1]);
        peer.expect_refusal(0x81);
    }
}

/// [MQTT-3.12.4-1] PINGRESP keeps the connection alive, one that was not asked for does no harm.
#[test]
fn mqtt_3_12_4_1_pingresp_is_accepted() {
    let options = ConnectOptions {
        keep_alive: 1,
        ..ConnectOptions::default()
    };
    let (_broker, mut peer, client) = connected_with(V, &options, &[]);
    peer.send(&crate::server::pingresp());
    for _ in 0..2 {
        peer.expect_pingreq();
        peer.send(&crate::server::pingresp());
    }
    assert!(client.is_connected());
}

/// [MQTT-3.14.0-1] A DISCONNECT in place of CONNACK makes no connection.
#[test]
fn mqtt_3_14_0_1_disconnect_before_connack() {
    assert_ne!(
        connack_refused(V, &ConnectOptions::default(), &disconnect(0x8B, &[])),
        0
    );
}

/// [MQTT-3.14.1-1] A DISCONNECT with reserved bits is answered with 0x81, and is not taken for one.
#[test]
fn mqtt_3_14_1_1_reserved_bits_of_disconnect() {
    for flags in [1, 2, 8, 15] {
        let (_broker, mut peer, client) = connected(V);
        peer.send(&[0xE0 | flags, 1, 0x8B]);
        peer.expect_refusal(0x81);
        assert_eq!(client.next(), Event::ConnectionLost);
    }
}

/// [MQTT-3.14.2-1] The codes of DISCONNECT: the client's is what the program says, where it is a client's; the server's
/// reach the program; one that a server does not send is an error.
#[test]
fn mqtt_3_14_2_1_codes_of_disconnect() {
    for code in [0, 4, 0x80, 0x83] {
        let (_broker, mut peer, client) = connected(V);
        assert_eq!(client.disconnect_with(0, code, &[user("a", "b")]), 0);
        let disconnect = peer.expect_disconnect();
        assert_eq!(
            (i32::from(disconnect.reason), disconnect.properties),
            (code, vec![user("a", "b")])
        );
        assert_eq!(client.next(), Event::Ended);
    }
    for code in [
        0, 0x80, 0x82, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x93, 0x97, 0x98, 0x9C, 0x9D, 0xA0, 0xA2,
    ] {
        let (_broker, mut peer, client) = connected(V);
        peer.send(&disconnect(code, &[]));
        peer.expect_close();
        let expected = Event::Disconnected {
            reason: code.into(),
            properties: vec![],
        };
        assert_eq!(client.next(), expected);
    }
    for code in [1, 4, 0x7F, 0x84, 0xFF] {
        let (_broker, mut peer, client) = connected(V);
        peer.send(&disconnect(code, &[]));
        let reason = peer.expect_disconnect().reason;
        assert!([0x81, 0x82].contains(&reason), "{reason:#x}");
        assert_eq!(client.next(), Event::ConnectionLost);
    }
}

/// [MQTT-3.14.2-2] A server's DISCONNECT with a Session Expiry Interval is an error.
#[test]
fn mqtt_3_14_2_2_no_session_expiry_from_the_server() {
    let (_broker, mut peer, client) = connected(V);
    peer.send(&disconnect(0, &[(prop::SESSION_EXPIRY, Value::Four(1))]));
    peer.expect_refusal(0x82);
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// [MQTT-3.14.2-3] Reason String and User Properties of a DISCONNECT are left out rather than make it larger than the server
/// takes.
#[test]
fn mqtt_3_14_2_3_disconnect_fits_the_maximum() {
    let limit = [(prop::MAXIMUM_PACKET_SIZE, Value::Four(20))];
    for property in [
        text(prop::REASON_STRING, &"x".repeat(50)),
        user("name", &"y".repeat(50)),
    ] {
        let (_broker, mut peer, client) = connected_with(V, &ConnectOptions::default(), &limit);
        let before = peer.raw().len();
        let _ = client.disconnect_with(0, 4, &[property]);
        // Whether it leaves with a shorter DISCONNECT or without a word is the library's to choose.
        if let Some(packet) = peer.next() {
            assert!(matches!(packet, Packet::Disconnect(_)), "{packet:?}");
            peer.expect_close();
        }
        assert!(
            peer.raw().len() - before <= 20,
            "{} bytes",
            peer.raw().len() - before
        );
    }
}

/// [MQTT-3.14.4-1] After DISCONNECT nothing more is sent, though the server asks for an answer and the program has more.
#[test]
fn mqtt_3_14_4_1_nothing_after_disconnect() {
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

/// [MQTT-3.14.4-2] After DISCONNECT the client closes the connection; both APIs.
#[test]
fn mqtt_3_14_4_2_closes_after_disconnect() {
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
        assert_eq!(peer.expect_disconnect().reason, 0);
    };
    let ((), code) = alongside(steps, || {
        assert_eq!(client.connect(&ConnectOptions::default()), 0);
        client.disconnect(0)
    });
    assert_eq!(code, 0);
}

/// [MQTT-3.15.1-1] An AUTH with reserved bits ends the connection with 0x81.
#[test]
fn mqtt_3_15_1_1_reserved_bits_of_auth() {
    for flags in [1, 2, 8, 15] {
        let (_broker, mut peer, _client) = connected(V);
        peer.send(&[0xF0 | flags, 0]);
        peer.expect_refusal(0x81);
    }
}

/// [MQTT-3.15.2-1] An AUTH with a code that AUTH does not have ends the connection.
#[test]
fn mqtt_3_15_2_1_codes_of_auth() {
    for code in [1, 0x19, 0x80, 0xFF] {
        let (_broker, mut peer, _client) = connected(V);
        peer.send(&auth(code, &[text(prop::AUTH_METHOD, "m")]));
        let reason = peer.expect_disconnect().reason;
        assert!([0x81, 0x82].contains(&reason), "{reason:#x}");
    }
}

/// [MQTT-4.12.0-1] The server's refusal of an authentication method reaches the program.
#[test]
fn mqtt_4_12_0_1_refused_authentication_method() {
    let options = ConnectOptions::with(&[
        text(prop::AUTH_METHOD, "none such"),
        (prop::AUTH_DATA, Value::Binary(b"\0\x01".into())),
    ]);
    for code in [0x8C, 0x87] {
        assert_eq!(
            connack_refused(V, &options, &connack(V, false, code, &[])),
            code.into()
        );
    }
}

/// [MQTT-4.12.0-6] Without a method in CONNECT an AUTH of the server's is an error, before CONNACK and after it.
#[test]
fn mqtt_4_12_0_6_auth_without_a_method() {
    let packet = auth(0x18, &[text(prop::AUTH_METHOD, "m")]);
    assert_ne!(connack_refused(V, &ConnectOptions::default(), &packet), 0);
    let (_broker, mut peer, client) = connected(V);
    peer.send(&packet);
    peer.expect_refusal(0x82);
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// [MQTT-4.12.0-7] Without a method in CONNECT the client sends no AUTH, whatever comes.
#[test]
fn mqtt_4_12_0_7_no_auth_without_a_method() {
    for packet in [
        auth(0x18, &[text(prop::AUTH_METHOD, "m")]),
        b"\xF0\x00".to_vec(),
    ] {
        let (_broker, mut peer, _client) = connected(V);
        peer.send(&packet);
        while let Some(packet) = peer.next() {
            assert!(!matches!(packet, Packet::Auth(_)), "{packet:?}");
        }
    }
}

/// [MQTT-4.13.1-1] A violation is answered with a DISCONNECT that says why, ends its connection and only that; and the client
/// can connect again.
#[test]
fn mqtt_4_13_1_1_violation_ends_its_connection() {
    let (_other_broker, mut other_peer, _other) = connected(V);
    let (broker, mut peer, client) = connected(V);
    for (violation, reason) in [
        (&b"\x20\x03\x00\x00\x00"[..], 0x82),
        (b"\x82\x07\x00\x01\x00\x00\x01a\x00", 0x82),
        (b"\x30\x01\x00", 0x81),
    ] {
        peer.send(violation);
        peer.expect_refusal(reason);
        assert_eq!(client.next(), Event::ConnectionLost);
        peer = connect(&broker, &client, &ConnectOptions::default(), false, &[]).0;
    }
    peer.expect_silence();
    other_peer.expect_silence();
}

/// [MQTT-4.13.2-1] A code of 0x80 or above in CONNACK or DISCONNECT is the end of the connection, also where the server
/// leaves it open; both APIs.
#[test]
fn mqtt_4_13_2_1_error_codes_end_the_connection() {
    assert_eq!(
        connack_refused(V, &ConnectOptions::default(), &connack(V, false, 0x97, &[])),
        0x97
    );
    let (_broker, mut peer, client) = connected(V);
    peer.send(&disconnect(0x81, &[]));
    peer.expect_close();
    assert!(matches!(
        client.next(),
        Event::Disconnected { reason: 0x81, .. }
    ));

    let broker = Broker::start();
    let client = SyncClient::with_callbacks(V, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        peer.send(&disconnect(0x8B, &[text(prop::REASON_STRING, "later")]));
        peer.expect_close();
    };
    alongside(steps, || {
        assert_eq!(client.connect(&ConnectOptions::default()), 0);
        let properties = vec![text(prop::REASON_STRING, "later")];
        assert_eq!(
            client.next(),
            Event::Disconnected {
                reason: 0x8B,
                properties
            }
        );
        assert!(!client.is_connected());
    });
}
