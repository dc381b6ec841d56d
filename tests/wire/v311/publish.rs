//! Section 3.3: what a PUBLISH looks like; and packet identifiers, section 2.3.1.

use std::collections::HashSet;

use crate::common::{connected, connected_with};
use crate::driver::{ConnectOptions, Event};
use crate::packet::{AckKind, Packet, Version};
use crate::server::{ack, message};

const V: Version = Version::V311;

/// [MQTT-2.3.1-1] SUBSCRIBE, UNSUBSCRIBE and PUBLISH at `QoS` 1 and 2 have a packet identifier, which is not 0 (the decoder
/// refuses 0).
#[test]
fn mqtt_2_3_1_1_packet_identifiers_are_not_zero() {
    let (_broker, mut peer, client) = connected(V);
    client.subscribe("a", 0).unwrap();
    client.unsubscribe(&[b"a"], &[]).unwrap();
    client.publish("a", b"", 1).unwrap();
    client.publish("a", b"", 2).unwrap();
    let ids = [
        peer.expect_subscribe().id,
        peer.expect_unsubscribe().id,
        peer.expect_publish().id,
        peer.expect_publish().id,
    ];
    assert!(!ids.contains(&0), "{ids:?}");
}

/// [MQTT-2.3.1-2] A new packet gets an identifier that no packet in flight has, whatever kind that one is; also after all
/// 65,535 have been used once.
#[test]
fn mqtt_2_3_1_2_packet_identifiers_are_unused() {
    let (_broker, mut peer, client) = connected(V);
    client.subscribe("a", 0).unwrap();
    client.unsubscribe(&[b"a"], &[]).unwrap();
    client.publish("kept", b"", 1).unwrap();
    client.publish("kept", b"", 2).unwrap();
    let mut kept = HashSet::from([peer.expect_subscribe().id, peer.expect_unsubscribe().id]);
    kept.insert(peer.expect_publish().id);
    let released = peer.expect_publish().id;
    kept.insert(released);
    peer.ack(AckKind::PubRec, released);
    peer.expect_ack(AckKind::PubRel, released);
    assert_eq!(kept.len(), 4);
    let mut sent = 0;
    while sent < 66_000 {
        for _ in 0..1000 {
            client.publish("a", b"", 1).unwrap();
        }
        let mut used = HashSet::new();
        let mut acks = Vec::new();
        for _ in 0..1000 {
            let id = peer.expect_publish().id;
            assert!(!kept.contains(&id) && used.insert(id), "{id} is in flight");
            acks.extend(ack(AckKind::PubAck, id));
        }
        peer.send(&acks);
        for _ in 0..1000 {
            assert!(matches!(client.next(), Event::Done { .. }));
        }
        sent += 1000;
    }
}

/// [MQTT-2.3.1-2] When all 65,535 identifiers are in flight no packet is sent under one of them.
#[test]
fn mqtt_2_3_1_2_no_identifier_left() {
    let options = ConnectOptions {
        max_inflight: Some(70_000),
        ..ConnectOptions::default()
    };
    let (_broker, mut peer, client) = connected_with(V, &options, &[]);
    let mut used = HashSet::new();
    for _ in 0..65_535 {
        client.publish("a", b"", 1).unwrap();
        assert!(used.insert(peer.expect_publish().id));
    }
    let one_more = client.subscribe("a", 0);
    assert!(one_more.is_err(), "{one_more:?}");
    // Whether one more message is refused or waits is the library's to choose; it must not be sent.
    let _ = client.publish("a", b"", 1);
    peer.expect_silence();
}

/// [MQTT-2.3.1-5] At `QoS` 0 there is no packet identifier: topic and payload are all there is.
#[test]
fn mqtt_2_3_1_5_no_identifier_at_qos_0() {
    let (_broker, mut peer, client) = connected(V);
    client.publish("ab", b"xy", 0).unwrap();
    peer.expect_publish();
    assert!(peer.raw().ends_with(b"\x30\x06\x00\x02abxy"));
}

/// [MQTT-3.3.1-2] At `QoS` 0 DUP is 0.
#[test]
fn mqtt_3_3_1_2_no_dup_at_qos_0() {
    let (_broker, mut peer, client) = connected(V);
    for _ in 0..3 {
        client.publish("a", b"same", 0).unwrap();
        assert!(!peer.expect_publish().dup);
    }
}

/// [MQTT-3.3.1-3] DUP of what the client sends has nothing to do with DUP of what it received: a message passed on is new.
#[test]
fn mqtt_3_3_1_3_dup_is_not_passed_on() {
    let (_broker, mut peer, client) = connected(V);
    peer.publish(&message("a", b"x").qos(1, 7).again());
    peer.expect_ack(AckKind::PubAck, 7);
    let arrived = client.message();
    assert!(arrived.dup);
    client
        .send(&arrived.topic, &arrived.payload, arrived.qos, false, &[])
        .unwrap();
    assert!(!peer.expect_publish().dup);
}

/// [MQTT-3.3.1-4] `QoS` 3 is not sent, and ends the connection when it comes.
#[test]
fn mqtt_3_3_1_4_no_qos_3() {
    let (_broker, mut peer, client) = connected(V);
    assert_eq!(client.publish("a", b"", 3), Err(crate::common::BAD_QOS));
    peer.expect_silence();
    peer.send(b"\x36\x05\x00\x01a\x00\x01");
    peer.expect_close();
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// [MQTT-3.3.1-5] RETAIN is sent as the program says, at each `QoS`, and reaches it as the server says.
#[test]
fn mqtt_3_3_1_5_retain_is_the_programs() {
    let (_broker, mut peer, client) = connected(V);
    for qos in 0..3 {
        for retained in [false, true] {
            client.send("a", b"", qos, retained, &[]).unwrap();
            assert_eq!(peer.expect_publish().retain, retained);
        }
    }
    let (_broker, mut peer, client) = connected(V);
    peer.publish(&message("a", b"1").retained());
    peer.publish(&message("a", b"2"));
    assert!(client.message().retained);
    assert!(!client.message().retained);
}

/// [MQTT-3.3.2-1] The topic name is the first field and UTF-8.
#[test]
fn mqtt_3_3_2_1_topic_is_first_and_utf8() {
    let (_broker, mut peer, client) = connected(V);
    client.publish("é/日本", b"p", 1).unwrap();
    let publish = peer.expect_publish();
    assert_eq!(publish.topic, "é/日本");
    let topic = "é/日本".as_bytes();
    let mut packet = vec![0x32, 14, 0, 9];
    packet.extend(topic);
    packet.extend(publish.id.to_be_bytes());
    packet.push(b'p');
    assert!(peer.raw().ends_with(&packet), "{:02x?}", peer.raw());
}

/// [MQTT-3.3.2-2] No topic name with a wildcard is sent, and one that comes ends the connection.
#[test]
fn mqtt_3_3_2_2_no_wildcards_in_a_topic_name() {
    for topic in ["#", "a/#", "+/b", "a+"] {
        let (_broker, mut peer, client) = connected(V);
        for qos in 0..3 {
            assert!(client.publish(topic, b"", qos).is_err(), "{topic} {qos}");
        }
        peer.expect_silence();
        peer.publish(&message(topic, b""));
        peer.expect_close();
        assert_eq!(client.next(), Event::ConnectionLost);
    }
}

/// [MQTT-3.3.4-1] `QoS` 0 is not answered, 1 is with PUBACK and 2 with PUBREC.
#[test]
fn mqtt_3_3_4_1_answer_by_qos() {
    let (_broker, mut peer, client) = connected(V);
    peer.publish(&message("a", b"0"));
    peer.expect_silence();
    peer.publish(&message("a", b"1").qos(1, 11));
    peer.expect_ack(AckKind::PubAck, 11);
    peer.publish(&message("a", b"2").qos(2, 12));
    peer.expect_ack(AckKind::PubRec, 12);
    assert_eq!(client.message().qos, 0);
    assert_eq!(client.message().qos, 1);
}

/// [MQTT-3.6.1-1] The first byte of PUBREL is 62, and another that comes ends the connection.
#[test]
fn mqtt_3_6_1_1_flags_of_pubrel() {
    let (_broker, mut peer, client) = connected(V);
    client.publish("a", b"", 2).unwrap();
    let id = peer.expect_publish().id;
    peer.ack(AckKind::PubRec, id);
    assert!(matches!(peer.expect(), Packet::Ack(ack) if ack.kind == AckKind::PubRel));
    assert!(peer.raw().ends_with(&ack(AckKind::PubRel, id)));
    for flags in (0..16).filter(|flags| *flags != 2) {
        let (_broker, mut peer, client) = connected(V);
        peer.send(&[0x60 | flags, 2, 0, 1]);
        peer.expect_close();
        assert_eq!(client.next(), Event::ConnectionLost);
    }
}
