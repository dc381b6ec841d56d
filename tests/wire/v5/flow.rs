//! Sections 3.3.4 and 4.9: flow control, both ways.

use crate::broker::Peer;
use crate::common::{connected, connected_with, lose};
use crate::driver::{AsyncClient, ConnectOptions, Event};
use crate::packet::{AckKind, Packet, Publish, Value, Version, prop};
use crate::server::message;

const V: Version = Version::V5;

/// A client of a server with this Receive Maximum.
fn limited(receive_maximum: u16) -> (crate::broker::Broker, Peer, AsyncClient) {
    let limit = [(prop::RECEIVE_MAXIMUM, Value::Two(receive_maximum))];
    connected_with(V, &ConnectOptions::default(), &limit)
}

fn publishes(peer: &mut Peer, count: usize) -> Vec<Publish> {
    let sent = (0..count).map(|_| peer.expect_publish()).collect();
    peer.expect_silence();
    sent
}

/// [MQTT-3.3.4-7] No more `QoS` 1 and 2 messages are unacknowledged than the server's Receive Maximum: a PUBACK, a PUBCOMP
/// and a PUBREC with an error make room for one each, a PUBREC without does not. They keep their order.
#[test]
fn mqtt_3_3_4_7_receive_maximum_of_the_server() {
    let (_broker, mut peer, client) = limited(3);
    for n in 0..7_u8 {
        let qos = if n == 0 { 1 } else { 2 };
        client.publish("a", [n], qos).unwrap();
    }
    let sent = publishes(&mut peer, 3);
    assert_eq!(
        sent.iter()
            .map(|publish| publish.payload[0])
            .collect::<Vec<_>>(),
        [0, 1, 2]
    );
    peer.ack(AckKind::PubRec, sent[1].id);
    peer.expect_ack(AckKind::PubRel, sent[1].id);
    peer.expect_silence();
    peer.ack(AckKind::PubAck, sent[0].id);
    assert_eq!(publishes(&mut peer, 1)[0].payload, [3]);
    peer.ack(AckKind::PubComp, sent[1].id);
    assert_eq!(publishes(&mut peer, 1)[0].payload, [4]);
    peer.ack_with(AckKind::PubRec, sent[2].id, 0x97);
    assert_eq!(publishes(&mut peer, 1)[0].payload, [5]);
}

/// [MQTT-3.3.4-8] Other packets are not held back: subscribe, unsubscribe, acknowledgements, DISCONNECT.
#[test]
fn mqtt_3_3_4_8_other_packets_are_not_delayed() {
    let (_broker, mut peer, client) = limited(1);
    client.publish("a", b"1", 2).unwrap();
    client.publish("a", b"2", 2).unwrap();
    peer.expect_publish();
    client.subscribe("a", 1).unwrap();
    peer.expect_subscribe();
    client.unsubscribe(&[b"a"], &[]).unwrap();
    peer.expect_unsubscribe();
    peer.publish(&message("a", b"").qos(2, 5));
    peer.expect_ack(AckKind::PubRec, 5);
    client.disconnect();
    peer.expect_disconnect();
}

/// [MQTT-3.3.4-9] More messages than the client's Receive Maximum end the connection with 0x93; that many do not, and each
/// PUBCOMP makes room.
#[test]
fn mqtt_3_3_4_9_receive_maximum_of_the_client() {
    let options = ConnectOptions::with(&[(prop::RECEIVE_MAXIMUM, Value::Two(2))]);
    let (_broker, mut peer, client) = connected_with(V, &options, &[]);
    for id in 1..3 {
        peer.publish(&message("a", b"").qos(2, id));
        peer.expect_ack(AckKind::PubRec, id);
    }
    peer.ack(AckKind::PubRel, 1);
    peer.expect_ack(AckKind::PubComp, 1);
    peer.publish(&message("a", b"").qos(2, 3));
    peer.expect_ack(AckKind::PubRec, 3);
    // A resend is no message more.
    peer.publish(&message("a", b"").qos(2, 3).again());
    peer.expect_ack(AckKind::PubRec, 3);
    peer.publish(&message("a", b"").qos(2, 4));
    peer.expect_refusal(0x93);
    // The three that were taken, and not the one too many.
    for _ in 0..3 {
        client.message();
    }
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// [MQTT-4.9.0-1] The quota begins at the Receive Maximum, on each connection anew: also what is sent again counts.
#[test]
fn mqtt_4_9_0_1_initial_quota() {
    let options = ConnectOptions {
        clean: false,
        ..ConnectOptions::with(&[(prop::SESSION_EXPIRY, Value::Four(1000))])
    };
    let (broker, mut peer, client) =
        connected_with(V, &options, &[(prop::RECEIVE_MAXIMUM, Value::Two(5))]);
    for n in 0..8_u8 {
        client.publish("a", [n], 1).unwrap();
    }
    publishes(&mut peer, 5);
    lose(peer, &client);
    let smaller = [(prop::RECEIVE_MAXIMUM, Value::Two(2))];
    let (mut peer, _) = crate::common::connect(&broker, &client, &options, true, &smaller);
    for n in 0..4_u8 {
        let publish = peer.expect_publish();
        assert_eq!((publish.payload[0], publish.dup), (n, n < 5));
        if n == 1 {
            peer.expect_silence();
        }
        if n > 0 {
            let first = peer.packets().iter().find_map(|packet| match packet {
                Packet::Publish(publish) if publish.payload[0] == n - 1 => Some(publish.id),
                _ => None,
            });
            peer.ack(AckKind::PubAck, first.unwrap());
        }
    }
    // Without one in CONNACK it is 65,535.
    let (_broker, mut peer, client) = connected(V);
    for _ in 0..1000 {
        client.publish("a", b"", 1).unwrap();
    }
    publishes(&mut peer, 1000);
}

/// [MQTT-4.9.0-2] At quota 0 no message at `QoS` 1 or 2 is sent.
#[test]
fn mqtt_4_9_0_2_no_quota_no_publish() {
    for (first, second) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
        let (_broker, mut peer, client) = limited(1);
        client.publish("a", b"1", first).unwrap();
        client.publish("a", b"2", second).unwrap();
        assert_eq!(publishes(&mut peer, 1)[0].payload, b"1");
        if first == 2 {
            let Some(Packet::Publish(publish)) = peer.packets().get(1).cloned() else {
                panic!()
            };
            peer.ack(AckKind::PubRec, publish.id);
            peer.expect_ack(AckKind::PubRel, publish.id);
            peer.expect_silence();
        }
    }
}

/// [MQTT-4.9.0-3] At quota 0 the client goes on to answer what comes.
#[test]
fn mqtt_4_9_0_3_answers_without_quota() {
    let (_broker, mut peer, client) = limited(1);
    client.publish("a", b"", 2).unwrap();
    let id = peer.expect_publish().id;
    peer.publish(&message("a", b"").qos(1, 1));
    peer.expect_ack(AckKind::PubAck, 1);
    peer.publish(&message("a", b"").qos(2, 2));
    peer.expect_ack(AckKind::PubRec, 2);
    peer.ack(AckKind::PubRel, 2);
    peer.expect_ack(AckKind::PubComp, 2);
    peer.ack(AckKind::PubRec, id);
    peer.expect_ack(AckKind::PubRel, id);
}
