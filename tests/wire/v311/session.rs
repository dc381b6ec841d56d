//! Sections 3.1.2.4, 4.1 and 4.4: a session across connections.

use crate::broker::{Broker, Peer, alongside};
use crate::common::{connect, lose};
use crate::driver::{AsyncClient, ConnectOptions, Event, SyncClient};
use crate::packet::{AckKind, Packet, Version};
use crate::server::message;

const V: Version = Version::V311;

/// A client in a session that lives on.
fn begin() -> (Broker, Peer, AsyncClient) {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    let (peer, asked) = connect(&broker, &client, &ConnectOptions::resuming(), false, &[]);
    assert!(!asked.clean);
    (broker, peer, client)
}

/// The session goes on over a new connection.
fn resume(broker: &Broker, client: &AsyncClient) -> Peer {
    connect(broker, client, &ConnectOptions::resuming(), true, &[]).0
}

/// [MQTT-2.3.1-3] What is sent again has the identifier it had, PUBLISH and PUBREL.
#[test]
fn mqtt_2_3_1_3_resends_keep_their_identifier() {
    let (broker, mut peer, client) = begin();
    client.publish("a", b"1", 1).unwrap();
    client.publish("a", b"2", 2).unwrap();
    let ids = [peer.expect_publish().id, peer.expect_publish().id];
    lose(peer, &client);
    let mut peer = resume(&broker, &client);
    assert_eq!([peer.expect_publish().id, peer.expect_publish().id], ids);
    peer.ack(AckKind::PubRec, ids[1]);
    peer.expect_ack(AckKind::PubRel, ids[1]);
    lose(peer, &client);
    let mut peer = resume(&broker, &client);
    // PUBREL and PUBLISH have no order among each other.
    let again = [peer.expect(), peer.expect()];
    assert!(
        again
            .iter()
            .any(|packet| matches!(packet, Packet::Publish(publish) if publish.id == ids[0]))
    );
    assert!(
        again
            .iter()
            .any(|packet| matches!(packet, Packet::Ack(ack) if ack.id == ids[1]))
    );
    peer.expect_silence();
}

/// [MQTT-3.1.2-4] With Clean Session 0 the client keeps its session after the connection, however that ends: what was
/// unacknowledged is sent again, what had been received is known.
#[test]
fn mqtt_3_1_2_4_session_is_kept() {
    let (broker, mut peer, client) = begin();
    let token = client.publish("a", b"mine", 1).unwrap();
    let id = peer.expect_publish().id;
    peer.publish(&message("a", b"theirs").qos(2, 7));
    peer.expect_ack(AckKind::PubRec, 7);
    peer.publish(&message("a", b"released").qos(2, 8));
    peer.expect_ack(AckKind::PubRec, 8);
    assert_eq!(client.disconnect(), 0);
    peer.expect_disconnect();
    assert_eq!(client.next(), Event::Ended);
    let mut peer = resume(&broker, &client);
    assert_eq!(peer.expect_publish().id, id);
    peer.publish(&message("a", b"theirs").qos(2, 7).again());
    peer.expect_ack(AckKind::PubRec, 7);
    peer.ack(AckKind::PubRel, 7);
    peer.expect_ack(AckKind::PubComp, 7);
    assert_eq!(client.message().payload, b"theirs");
    peer.ack(AckKind::PubRel, 8);
    peer.expect_ack(AckKind::PubComp, 8);
    assert_eq!(client.message().payload, b"released");
    peer.ack(AckKind::PubAck, id);
    client.done(token);
}

/// [MQTT-3.1.2-6] With Clean Session 1 nothing of an earlier session is used: nothing is sent again, what was in flight
/// fails, and an identifier received earlier is new.
#[test]
fn mqtt_3_1_2_6_clean_session_discards() {
    let (broker, mut peer, client) = begin();
    let one = client.publish("a", b"1", 1).unwrap();
    let two = client.publish("a", b"2", 2).unwrap();
    peer.expect_publish();
    let id = peer.expect_publish().id;
    peer.ack(AckKind::PubRec, id);
    peer.expect_ack(AckKind::PubRel, id);
    peer.publish(&message("a", b"old").qos(2, 7));
    peer.expect_ack(AckKind::PubRec, 7);
    lose(peer, &client);
    assert_eq!(client.connect(&ConnectOptions::default()), 0);
    let mut peer = broker.accept();
    assert!(peer.expect_connect().clean);
    peer.connack(false, &[]);
    peer.expect_silence();
    let mut failed = Vec::new();
    let mut connected = false;
    while failed.len() < 2 || !connected {
        match client.next() {
            Event::Failed { token, .. } => failed.push(token),
            Event::Connected { .. } => connected = true,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(failed, [one, two]);
    peer.publish(&message("a", b"new").qos(2, 7));
    peer.expect_ack(AckKind::PubRec, 7);
    peer.ack(AckKind::PubRel, 7);
    peer.expect_ack(AckKind::PubComp, 7);
    assert_eq!(client.message().payload, b"new");
}

/// [MQTT-3.3.1-1] A message sent again has DUP 1, at `QoS` 1 and 2, each time, and is otherwise the same; both APIs.
#[test]
fn mqtt_3_3_1_1_resends_have_dup() {
    let (broker, mut peer, client) = begin();
    for qos in 1..3 {
        client
            .send("a", format!("payload {qos}"), qos, qos == 1, &[])
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
        assert_eq!(client.connect(&ConnectOptions::resuming()), 0);
        let token = client.publish("a", b"x", 1, &[]).unwrap();
        assert_ne!(client.wait(token), 0, "the connection is lost first");
        assert_eq!(client.connect(&ConnectOptions::resuming()), 0);
        assert_eq!(client.wait(token), 0);
    });
}

/// [MQTT-4.1.0-1] The session lasts over any number of connections, until what it holds is done.
#[test]
fn mqtt_4_1_0_1_session_lasts() {
    let (broker, mut peer, client) = begin();
    let token = client.publish("a", b"x", 2).unwrap();
    let id = peer.expect_publish().id;
    for _ in 0..4 {
        lose(peer, &client);
        peer = resume(&broker, &client);
        assert_eq!(peer.expect_publish().id, id);
    }
    peer.ack(AckKind::PubRec, id);
    peer.expect_ack(AckKind::PubRel, id);
    for _ in 0..4 {
        lose(peer, &client);
        peer = resume(&broker, &client);
        peer.expect_ack(AckKind::PubRel, id);
    }
    peer.ack(AckKind::PubComp, id);
    client.done(token);
    lose(peer, &client);
    resume(&broker, &client).expect_silence();
}

/// [MQTT-4.1.0-2] A session lasts as long as its connection, a clean one too: a message that waits long for the second
/// half of its handshake, with others passing, still gets it.
#[test]
fn mqtt_4_1_0_2_session_lasts_as_long_as_the_connection() {
    let (_broker, mut peer, client) = crate::common::connected(V);
    let token = client.publish("slow", b"", 2).unwrap();
    let id = peer.expect_publish().id;
    peer.publish(&message("slow", b"").qos(2, 1));
    peer.expect_ack(AckKind::PubRec, 1);
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
    peer.ack(AckKind::PubRel, 1);
    peer.expect_ack(AckKind::PubComp, 1);
    assert_eq!(client.message().topic, "slow");
    peer.ack(AckKind::PubRec, id);
    peer.expect_ack(AckKind::PubRel, id);
    peer.ack(AckKind::PubComp, id);
    client.done(token);
}

/// [MQTT-4.4.0-1] Resumed, a session sends again each unacknowledged PUBLISH and PUBREL, and nothing else: no `QoS` 0
/// message, none that was acknowledged, and not the PUBLISH whose PUBREL was sent.
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
            peer.ack(
                if n % 2 == 0 {
                    AckKind::PubAck
                } else {
                    AckKind::PubRec
                },
                id,
            );
            if n % 2 == 1 {
                peer.expect_ack(AckKind::PubRel, id);
                peer.ack(AckKind::PubComp, id);
            }
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
