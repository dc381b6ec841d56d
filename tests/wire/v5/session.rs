//! Sections 4.1 and 4.4: a session across connections.

use crate::broker::{Broker, Peer, alongside};
use crate::common::{connect, connected, connected_with, lose};
use crate::driver::{AsyncClient, ConnectOptions, SyncClient};
use crate::packet::{AckKind, Packet, Value, Version, prop, user};
use crate::server::message;

const V: Version = Version::V5;

fn lasting() -> ConnectOptions {
    ConnectOptions {
        clean: false,
        ..ConnectOptions::with(&[(prop::SESSION_EXPIRY, Value::Four(1000))])
    }
}

/// A client in a session that lives on.
fn begin() -> (Broker, Peer, AsyncClient) {
    connected_with(V, &lasting(), &[])
}

/// The session goes on over a new connection.
fn resume(broker: &Broker, client: &AsyncClient) -> Peer {
    connect(broker, client, &lasting(), true, &[]).0
}

/// [MQTT-3.3.1-1] A message sent again has DUP 1, at `QoS` 1 and 2, each time, and is otherwise the same; both APIs.
#[test]
fn mqtt_3_3_1_1_resends_have_dup() {
    let (broker, mut peer, client) = begin();
    for qos in 1..3 {
        client
            .send(
                "a",
                format!("payload {qos}"),
                qos,
                qos == 1,
                &[user("k", "v")],
            )
            .unwrap();
    }
    let mut first = [peer.expect_publish(), peer.expect_publish()];
    assert!(!first[0].dup && !first[1].dup);
    for publish in &mut first {
        publish.dup = true;
    }
    for _ in 0..2 {
        lose(peer, &client);
        peer = resume(&broker, &client);
        assert_eq!([peer.expect_publish(), peer.expect_publish()], first);
    }

    let broker = Broker::start();
    let client = SyncClient::new(V, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        let first = peer.expect_publish();
        peer.close();
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(true, &[]);
        let again = peer.expect_publish();
        assert!(!first.dup && again.dup && again.id == first.id);
        peer.ack(AckKind::PubAck, again.id);
        peer
    };
    let (_peer, ()) = alongside(steps, || {
        assert_eq!(client.connect(&lasting()), 0);
        let token = client.publish("a", b"x", 1, &[]).unwrap();
        assert_ne!(client.wait(token), 0, "the connection is lost first");
        assert_eq!(client.connect(&lasting()), 0);
        assert_eq!(client.wait(token), 0);
    });
}

/// [MQTT-4.1.0-1] The session lasts as long as its connection, one that ends with it too: a message that waits long for the
/// second half of its handshake, with others passing, still gets it.
#[test]
fn mqtt_4_1_0_1_session_lasts_as_long_as_the_connection() {
    let (_broker, mut peer, client) = connected(V);
    let token = client.publish("slow", b"", 2).unwrap();
    let id = peer.expect_publish().id;
    peer.publish(&message("slow", b"").qos(2, 1));
    peer.expect_ack(AckKind::PubRec, 1);
    assert_eq!(client.message().topic, "slow");
    for n in 0..200_u16 {
        client.publish("a", b"", 1).unwrap();
        let id = peer.expect_publish().id;
        peer.ack(AckKind::PubAck, id);
        peer.publish(&message("a", b"").qos(1, n + 2));
        peer.expect_ack(AckKind::PubAck, n + 2);
    }
    for _ in 0..400 {
        client.next();
    }
    // It is still known: a resend is not handed over, and its PUBREL has something to release.
    peer.publish(&message("slow", b"").qos(2, 1).again());
    peer.expect_ack(AckKind::PubRec, 1);
    peer.ack(AckKind::PubRel, 1);
    assert_eq!(peer.expect_ack(AckKind::PubComp, 1).reason, 0);
    peer.ack(AckKind::PubRec, id);
    peer.expect_ack(AckKind::PubRel, id);
    peer.ack(AckKind::PubComp, id);
    client.done(token);
}

/// [MQTT-4.3.3-6] After its PUBREL a PUBLISH is not sent again, also on the next connection.
#[test]
fn mqtt_4_3_3_6_no_publish_after_pubrel() {
    let (broker, mut peer, client) = begin();
    let token = client.publish("a", b"x", 2).unwrap();
    let id = peer.expect_publish().id;
    peer.ack(AckKind::PubRec, id);
    peer.expect_ack(AckKind::PubRel, id);
    for _ in 0..2 {
        lose(peer, &client);
        peer = resume(&broker, &client);
        peer.expect_ack(AckKind::PubRel, id);
        peer.expect_silence();
    }
    peer.ack(AckKind::PubComp, id);
    client.done(token);
}

/// [MQTT-4.3.3-7] A message that was sent once is sent again though its Message Expiry Interval has passed.
#[test]
fn mqtt_4_3_3_7_no_expiry_after_sending() {
    let (broker, mut peer, client) = begin();
    for qos in 1..3 {
        client
            .send(
                "a",
                b"",
                qos,
                false,
                &[(prop::MESSAGE_EXPIRY, Value::Four(0))],
            )
            .unwrap();
    }
    let ids = [peer.expect_publish().id, peer.expect_publish().id];
    lose(peer, &client);
    let mut peer = resume(&broker, &client);
    assert_eq!([peer.expect_publish().id, peer.expect_publish().id], ids);
}

/// [MQTT-4.4.0-1] Resumed, a session sends again each unacknowledged PUBLISH and PUBREL under its identifier, and nothing
/// else; and within one connection nothing is ever sent again.
#[test]
fn mqtt_4_4_0_1_resends_what_is_unacknowledged() {
    let (broker, mut peer, client) = begin();
    client.publish("0", b"", 0).unwrap();
    peer.expect_publish();
    let mut ids = Vec::new();
    for (topic, qos) in [
        ("acked", 1),
        ("open 1", 1),
        ("complete", 2),
        ("released", 2),
        ("open 2", 2),
    ] {
        client.publish(topic, b"", qos).unwrap();
        ids.push(peer.expect_publish().id);
    }
    peer.ack(AckKind::PubAck, ids[0]);
    for id in [ids[2], ids[3]] {
        peer.ack(AckKind::PubRec, id);
        peer.expect_ack(AckKind::PubRel, id);
    }
    peer.ack(AckKind::PubComp, ids[2]);
    peer.expect_silence();
    for _ in 0..3 {
        client.next();
    }
    lose(peer, &client);
    let mut peer = resume(&broker, &client);
    let mut again = Vec::new();
    for _ in 0..3 {
        again.push(match peer.expect() {
            Packet::Publish(publish) => (publish.topic, publish.id),
            Packet::Ack(ack) => (format!("{:?}", ack.kind), ack.id),
            other => panic!("{other:?}"),
        });
    }
    again.sort();
    let expected = [("PubRel", ids[3]), ("open 1", ids[1]), ("open 2", ids[4])];
    assert_eq!(again, expected.map(|(what, id)| (what.to_owned(), id)));
    peer.expect_silence();
}

/// [MQTT-4.4.0-2] What was acknowledged with an error is not sent again.
#[test]
fn mqtt_4_4_0_2_errors_acknowledge() {
    let (broker, mut peer, client) = begin();
    for (qos, kind) in [(1, AckKind::PubAck), (2, AckKind::PubRec)] {
        let token = client.publish("a", b"", qos).unwrap();
        let id = peer.expect_publish().id;
        peer.ack_with(kind, id, 0x80);
        assert_eq!(client.failed(token), 0x80);
    }
    lose(peer, &client);
    resume(&broker, &client).expect_silence();
}

/// [MQTT-4.6.0-1] Messages are sent again in the order in which they were first sent, `QoS` 1 and 2 together, and before
/// new ones.
#[test]
fn mqtt_4_6_0_1_order_of_resends() {
    let (broker, mut peer, client) = begin();
    let mut topics = Vec::new();
    for n in 0..50 {
        let topic = format!("t{n}");
        client.publish(&topic, b"", 1 + n % 2).unwrap();
        let id = peer.expect_publish().id;
        if n % 5 == 0 {
            peer.ack_with(
                if n % 2 == 0 {
                    AckKind::PubAck
                } else {
                    AckKind::PubRec
                },
                id,
                0x80,
            );
            client.next();
        } else {
            topics.push(topic);
        }
    }
    lose(peer, &client);
    let mut peer = resume(&broker, &client);
    client.publish("new", b"", 1).unwrap();
    topics.push("new".into());
    for topic in topics {
        assert_eq!(peer.expect_publish().topic, topic);
    }
}
