//! Sections 2.3.1, 4.3, 4.5 and 4.6 within one connection: who answers what, and in which order.

use crate::broker::{Broker, alongside};
use crate::common::{connected, connected_with};
use crate::driver::{ConnectOptions, Event, SyncClient};
use crate::packet::{AckKind, Version};
use crate::server::{ack, message};

const V: Version = Version::V311;

/// [MQTT-2.3.1-6] Each acknowledgement has the identifier of the PUBLISH it is about, in both directions; one for another
/// identifier acknowledges nothing.
#[test]
fn mqtt_2_3_1_6_acknowledgements_have_the_identifier_of_the_publish() {
    let (_broker, mut peer, client) = connected(V);
    for id in [1, 0x1234, 0xFFFE] {
        peer.publish(&message("a", b"").qos(1, id));
        peer.expect_ack(AckKind::PubAck, id);
        client.message();
        peer.publish(&message("a", b"").qos(2, id));
        peer.expect_ack(AckKind::PubRec, id);
        peer.ack(AckKind::PubRel, id);
        peer.expect_ack(AckKind::PubComp, id);
        client.message();
    }
    let first = client.publish("a", b"1", 1).unwrap();
    let second = client.publish("a", b"2", 1).unwrap();
    let ids = [peer.expect_publish().id, peer.expect_publish().id];
    peer.ack(AckKind::PubAck, 0x4321);
    peer.ack(AckKind::PubAck, ids[1]);
    assert_eq!(client.done(second), []);
    assert!(!client.is_complete(first));
    peer.ack(AckKind::PubAck, ids[0]);
    assert_eq!(client.done(first), []);
}

/// [MQTT-2.3.1-7] A SUBACK or UNSUBACK for another identifier answers nothing; the one that belongs to the request does.
#[test]
fn mqtt_2_3_1_7_suback_and_unsuback_have_the_identifier_of_the_request() {
    let (_broker, mut peer, client) = connected(V);
    let one = client.subscribe("a", 1).unwrap();
    let two = client.unsubscribe(&[b"b"], &[]).unwrap();
    let ids = (peer.expect_subscribe().id, peer.expect_unsubscribe().id);
    peer.suback(0x4321, &[2]);
    peer.unsuback(0x4321, &[]);
    peer.unsuback(ids.1, &[]);
    assert_eq!(client.done(two), []);
    peer.suback(ids.0, &[1]);
    assert_eq!(client.done(one), [1]);
}

/// [MQTT-4.3.1-1] At `QoS` 0 a message is sent once, as a PUBLISH with `QoS` 0 and DUP 0.
#[test]
fn mqtt_4_3_1_1_qos_0_sender() {
    let (_broker, mut peer, client) = connected(V);
    let token = client.publish("a", b"x", 0).unwrap();
    let publish = peer.expect_publish();
    assert_eq!(
        (publish.qos, publish.dup, &publish.payload[..]),
        (0, false, &b"x"[..])
    );
    client.done(token);
    peer.expect_silence();
}

/// [MQTT-4.3.2-1] At `QoS` 1 a message gets an identifier of its own, is sent with `QoS` 1 and DUP 0, and is unacknowledged
/// until its PUBACK; both APIs.
#[test]
fn mqtt_4_3_2_1_qos_1_sender() {
    let (_broker, mut peer, client) = connected(V);
    let token = client.publish("a", b"x", 1).unwrap();
    let publish = peer.expect_publish();
    assert_eq!((publish.qos, publish.dup), (1, false));
    for kind in [AckKind::PubRec, AckKind::PubComp] {
        peer.ack(kind, publish.id);
    }
    // A PUBREC for it is a violation or a stray packet; no acknowledgement of this message in any case.
    assert!(!client.is_complete(token));
    peer.ack(AckKind::PubAck, publish.id);
    client.done(token);

    let broker = Broker::start();
    let client = SyncClient::new(V, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        let publish = peer.expect_publish();
        assert_eq!((publish.qos, publish.dup), (1, false));
        peer.ack(AckKind::PubAck, publish.id);
        peer
    };
    let (_peer, ()) = alongside(steps, || {
        assert_eq!(client.connect(&ConnectOptions::default()), 0);
        let token = client.publish("a", b"x", 1, &[]).unwrap();
        assert_eq!(client.wait(token), 0);
    });
}

/// [MQTT-4.3.2-2] A `QoS` 1 message is answered with PUBACK; the same identifier after that is a new message, whatever DUP
/// says; both APIs.
#[test]
fn mqtt_4_3_2_2_qos_1_receiver() {
    let (_broker, mut peer, client) = connected(V);
    for (payload, again) in [("1", false), ("2", false), ("3", true)] {
        let message = message("a", payload).qos(1, 5);
        peer.publish(&if again { message.again() } else { message });
        peer.expect_ack(AckKind::PubAck, 5);
        assert_eq!(client.message().payload, payload.as_bytes());
    }

    let broker = Broker::start();
    let client = SyncClient::new(V, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        for payload in ["1", "2"] {
            peer.publish(&message("a", payload).qos(1, 5));
            peer.expect_ack(AckKind::PubAck, 5);
        }
        peer
    };
    let (_peer, ()) = alongside(steps, || {
        assert_eq!(client.connect(&ConnectOptions::default()), 0);
        assert_eq!(client.receive().payload, b"1");
        assert_eq!(client.receive().payload, b"2");
    });
}

/// [MQTT-4.3.3-1] At `QoS` 2 a message is sent with `QoS` 2 and DUP 0, PUBREC is answered with a PUBREL of the same
/// identifier, a second PUBREC too and not with a second PUBLISH, and only PUBCOMP ends it; both APIs.
#[test]
fn mqtt_4_3_3_1_qos_2_sender() {
    let (_broker, mut peer, client) = connected(V);
    let token = client.publish("a", b"x", 2).unwrap();
    let publish = peer.expect_publish();
    assert_eq!((publish.qos, publish.dup), (2, false));
    peer.ack(AckKind::PubComp, publish.id);
    peer.expect_silence();
    assert!(
        !client.is_complete(token),
        "PUBCOMP before PUBREC ends nothing"
    );
    for _ in 0..2 {
        peer.ack(AckKind::PubRec, publish.id);
        peer.expect_ack(AckKind::PubRel, publish.id);
        assert!(!client.is_complete(token), "PUBREC ends nothing");
    }
    peer.ack(AckKind::PubComp, publish.id);
    client.done(token);
    peer.expect_silence();

    let broker = Broker::start();
    let client = SyncClient::new(V, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        let id = peer.expect_publish().id;
        peer.ack(AckKind::PubRec, id);
        peer.expect_ack(AckKind::PubRel, id);
        peer.ack(AckKind::PubComp, id);
        peer
    };
    let (_peer, ()) = alongside(steps, || {
        assert_eq!(client.connect(&ConnectOptions::default()), 0);
        let token = client.publish("a", b"x", 2, &[]).unwrap();
        assert_eq!(client.wait(token), 0);
    });
}

/// [MQTT-4.3.3-2] A `QoS` 2 message is answered with PUBREC, again so when it comes again, and PUBREL with PUBCOMP; the
/// program gets it once; after PUBCOMP the identifier is free for a new message; both APIs.
#[test]
fn mqtt_4_3_3_2_qos_2_receiver() {
    let (_broker, mut peer, client) = connected(V);
    for payload in ["1", "2"] {
        peer.publish(&message("a", payload).qos(2, 9));
        peer.expect_ack(AckKind::PubRec, 9);
        for resend in [
            message("a", payload).qos(2, 9).again(),
            message("a", payload).qos(2, 9),
        ] {
            peer.publish(&resend);
            peer.expect_ack(AckKind::PubRec, 9);
        }
        peer.ack(AckKind::PubRel, 9);
        peer.expect_ack(AckKind::PubComp, 9);
        peer.ack(AckKind::PubRel, 9);
        peer.expect_ack(AckKind::PubComp, 9);
    }
    peer.publish(&message("end", b""));
    assert_eq!(client.message().payload, b"1");
    assert_eq!(client.message().payload, b"2");
    assert_eq!(client.message().topic, "end");

    let broker = Broker::start();
    let client = SyncClient::new(V, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        for _ in 0..2 {
            peer.publish(&message("a", b"1").qos(2, 9));
            peer.expect_ack(AckKind::PubRec, 9);
        }
        peer.ack(AckKind::PubRel, 9);
        peer.expect_ack(AckKind::PubComp, 9);
        peer.publish(&message("end", b""));
        peer
    };
    let (_peer, ()) = alongside(steps, || {
        assert_eq!(client.connect(&ConnectOptions::default()), 0);
        assert_eq!(client.receive().payload, b"1");
        assert_eq!(client.receive().topic, "end");
    });
}

/// [MQTT-4.5.0-2] A message is acknowledged by its `QoS` also while the program does not take it.
#[test]
fn mqtt_4_5_0_2_acknowledged_though_not_taken() {
    let (_broker, mut peer, client) = connected(V);
    client.refuse(3);
    peer.publish(&message("a", b"1").qos(1, 1));
    peer.expect_ack(AckKind::PubAck, 1);
    peer.publish(&message("a", b"2").qos(2, 2));
    peer.expect_ack(AckKind::PubRec, 2);
    peer.ack(AckKind::PubRel, 2);
    peer.expect_ack(AckKind::PubComp, 2);
    // What was refused is offered again, in order.
    let mut taken = Vec::new();
    while taken.len() < 2 {
        match client.next() {
            Event::Refused(message) => assert_eq!(message.payload, b"1", "refused"),
            Event::Message(message) => taken.push(message.payload),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(taken, [b"1", b"2"]);
}

/// [MQTT-4.6.0-2] PUBACKs are sent in the order of the messages, also when all come at once.
#[test]
fn mqtt_4_6_0_2_order_of_puback() {
    let (_broker, mut peer, _client) = connected(V);
    let ids: Vec<u16> = (0..100).map(|n| (n * 37) % 101 + 1).collect();
    let packets: Vec<u8> = ids
        .iter()
        .flat_map(|id| message("a", b"").qos(1, *id).encode(V))
        .collect();
    peer.send(&packets);
    for id in ids {
        peer.expect_ack(AckKind::PubAck, id);
    }
}

/// [MQTT-4.6.0-3] PUBRECs are sent in the order of the messages.
#[test]
fn mqtt_4_6_0_3_order_of_pubrec() {
    let (_broker, mut peer, _client) = connected(V);
    let ids: Vec<u16> = (0..100).map(|n| (n * 37) % 101 + 1).collect();
    let packets: Vec<u8> = ids
        .iter()
        .flat_map(|id| message("a", b"").qos(2, *id).encode(V))
        .collect();
    peer.send(&packets);
    for id in ids {
        peer.expect_ack(AckKind::PubRec, id);
    }
}

/// [MQTT-4.6.0-4] PUBRELs are sent in the order of the PUBRECs, not in that of the messages.
#[test]
fn mqtt_4_6_0_4_order_of_pubrel() {
    let options = ConnectOptions {
        max_inflight: Some(50),
        ..ConnectOptions::default()
    };
    let (_broker, mut peer, client) = connected_with(V, &options, &[]);
    let mut ids = Vec::new();
    for _ in 0..40 {
        client.publish("a", b"", 2).unwrap();
        ids.push(peer.expect_publish().id);
    }
    ids.reverse();
    ids.swap(3, 30);
    let packets: Vec<u8> = ids
        .iter()
        .flat_map(|id| ack(AckKind::PubRec, *id))
        .collect();
    peer.send(&packets);
    for id in ids {
        peer.expect_ack(AckKind::PubRel, id);
    }
}

/// A server that acknowledges when the client has left finds the connection still open for it: a reset would make it drop
/// what it has not read, the last messages among it.
#[test]
fn acknowledgements_after_disconnect_meet_no_reset() {
    let (_broker, mut peer, client) = connected(V);
    let ids: Vec<u16> = (0..2)
        .map(|_| {
            client.publish("a", b"", 1).unwrap();
            peer.expect_publish().id
        })
        .collect();
    assert_eq!(client.disconnect(), 0);
    peer.expect_disconnect();
    // The answer to the first is what would be reset; the second shows whether it was.
    for id in ids {
        peer.ack(AckKind::PubAck, id);
    }
}
