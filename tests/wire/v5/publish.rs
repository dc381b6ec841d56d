//! Section 3.3.1 and 3.3.2 without properties, and packet identifiers: what a PUBLISH looks like.

use std::collections::HashSet;

use crate::common::{BAD_QOS, connected, connected_with};
use crate::driver::{ConnectOptions, Event};
use crate::packet::{AckKind, Version};
use crate::server::{ack, message};

const V: Version = Version::V5;

/// [MQTT-2.2.1-2] At `QoS` 0 there is no packet identifier: topic, properties and payload are all there is.
#[test]
fn mqtt_2_2_1_2_no_identifier_at_qos_0() {
    let (_broker, mut peer, client) = connected(V);
    client.publish("ab", b"xy", 0).unwrap();
    peer.expect_publish();
    assert!(peer.raw().ends_with(b"\x30\x07\x00\x02ab\x00xy"));
}

/// [MQTT-2.2.1-3] SUBSCRIBE, UNSUBSCRIBE and PUBLISH get identifiers which are not 0 (the decoder refuses that) and which no
/// packet in flight has, whatever kind that one is.
#[test]
fn mqtt_2_2_1_3_packet_identifiers_are_unused() {
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
    for _ in 0..66 {
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
    }
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

/// [MQTT-3.3.1-3] DUP of what the client sends has nothing to do with DUP of what it received.
#[test]
fn mqtt_3_3_1_3_dup_is_not_passed_on() {
    let (_broker, mut peer, client) = connected(V);
    peer.publish(&message("a", b"x").qos(1, 7).again());
    peer.expect_ack(AckKind::PubAck, 7);
    let arrived = client.message();
    assert!(arrived.dup);
    client
        .send(
            &arrived.topic,
            &arrived.payload,
            arrived.qos,
            false,
            &arrived.properties,
        )
        .unwrap();
    assert!(!peer.expect_publish().dup);
}

/// [MQTT-3.3.1-4] `QoS` 3 is not sent, and ends the connection with 0x81 when it comes.
#[test]
fn mqtt_3_3_1_4_no_qos_3() {
    let (_broker, mut peer, client) = connected(V);
    assert_eq!(client.publish("a", b"", 3), Err(BAD_QOS));
    peer.expect_silence();
    peer.send(b"\x36\x06\x00\x01a\x00\x01\x00");
    peer.expect_refusal(0x81);
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// [MQTT-3.3.1-5] RETAIN is sent as the program says, at each `QoS`.
#[test]
fn mqtt_3_3_1_5_retain_is_the_programs() {
    let (_broker, mut peer, client) = connected(V);
    for qos in 0..3 {
        for retained in [false, true] {
            client.send("a", b"", qos, retained, &[]).unwrap();
            assert_eq!(peer.expect_publish().retain, retained);
        }
    }
}

/// [MQTT-3.3.1-13] RETAIN of a message that arrives reaches the program.
#[test]
fn mqtt_3_3_1_13_retain_is_reported() {
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
    let mut packet = vec![0x32, 15, 0, 9];
    packet.extend("é/日本".as_bytes());
    packet.extend(publish.id.to_be_bytes());
    packet.extend(b"\0p");
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
        let reason = peer.expect_disconnect().reason;
        assert!([0x81, 0x82, 0x90].contains(&reason), "{reason:#x}");
        assert_eq!(client.next(), Event::ConnectionLost);
    }
}

/// [MQTT-3.3.4-1] `QoS` 0 is not answered, 1 is with PUBACK and 2 with PUBREC.
#[test]
fn mqtt_3_3_4_1_answer_by_qos() {
    let (_broker, mut peer, _client) = connected(V);
    peer.publish(&message("a", b"0"));
    peer.expect_silence();
    peer.publish(&message("a", b"1").qos(1, 11));
    assert_eq!(peer.expect_ack(AckKind::PubAck, 11).reason, 0);
    peer.publish(&message("a", b"2").qos(2, 12));
    assert_eq!(peer.expect_ack(AckKind::PubRec, 12).reason, 0);
}

/// [MQTT-4.3.1-1] At `QoS` 0 a message is sent once, as a PUBLISH with `QoS` 0 and DUP 0.
#[test]
fn mqtt_4_3_1_1_qos_0_sender() {
    let (_broker, mut peer, client) = connected_with(V, &ConnectOptions::default(), &[]);
    let token = client.publish("a", b"x", 0).unwrap();
    let publish = peer.expect_publish();
    assert_eq!(
        (publish.qos, publish.dup, &publish.payload[..]),
        (0, false, &b"x"[..])
    );
    client.done(token);
    peer.expect_silence();
}
