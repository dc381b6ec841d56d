//! MQTT 3.1, whose statements have no numbers: what it does differently from 3.1.1, and that the rest works over it.

use crate::broker::{Broker, alongside};
use crate::common::{connect, connected, lose};
use crate::driver::{AsyncClient, ConnectOptions, Event, SyncClient};
use crate::packet::{AckKind, Version};
use crate::server::message;

const V: Version = Version::V31;

/// The protocol is "`MQIsdp`", level 3.
#[test]
fn protocol_name_and_level() {
    let (_broker, peer, _client) = connected(V);
    assert!(
        peer.raw()
            .starts_with(b"\x10\x12\x00\x06MQIsdp\x03\x02\x00\x3C\x00\x04wire")
    );
}

/// Its CONNACK has no Session Present: the byte is reserved, and its value does not matter.
#[test]
fn connack_has_no_session_present() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    assert_eq!(client.connect(&ConnectOptions::resuming()), 0);
    let mut peer = broker.accept();
    peer.expect_connect();
    peer.send(b"\x20\x02\x01\x00");
    let expected = Event::Connected {
        session_present: false,
        version: 3,
        properties: vec![],
    };
    assert_eq!(client.next(), expected);
}

/// The server's refusals are reported with their codes.
#[test]
fn refusals_are_reported() {
    for code in 1..=5 {
        let answer = [0x20, 2, 0, code];
        let reported = crate::common::connack_refused(V, &ConnectOptions::default(), &answer);
        assert_eq!(reported, code.into());
    }
}

/// Messages at each `QoS` in both directions, a subscription, an unsubscription; both APIs.
#[test]
fn all_packets() {
    let (_broker, mut peer, client) = connected(V);
    let token = client.subscribe("a/#", 2).unwrap();
    let id = peer.expect_subscribe().id;
    peer.suback(id, &[2]);
    assert_eq!(client.done(token), [2]);
    let token = client.publish("a", b"2", 2).unwrap();
    let id = peer.expect_publish().id;
    peer.ack(AckKind::PubRec, id);
    peer.expect_ack(AckKind::PubRel, id);
    peer.ack(AckKind::PubComp, id);
    client.done(token);
    peer.publish(&message("a", b"1").qos(1, 1));
    peer.expect_ack(AckKind::PubAck, 1);
    peer.publish(&message("a", b"2").qos(2, 2));
    peer.expect_ack(AckKind::PubRec, 2);
    // A 3.1 server marks a PUBREL that it sends again with DUP.
    peer.send(b"\x6A\x02\x00\x02");
    peer.expect_ack(AckKind::PubComp, 2);
    assert_eq!(client.message().payload, b"1");
    assert_eq!(client.message().payload, b"2");

    let broker = Broker::start();
    let client = SyncClient::new(V, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        let id = peer.expect_publish().id;
        peer.ack(AckKind::PubAck, id);
        peer.publish(&message("a", b"x").qos(1, 1));
        peer.expect_ack(AckKind::PubAck, 1);
        let id = peer.expect_unsubscribe().id;
        peer.unsuback(id, &[]);
        peer.expect_disconnect();
    };
    alongside(steps, || {
        assert_eq!(client.connect(&ConnectOptions::default()), 0);
        let token = client.publish("a", b"x", 1, &[]).unwrap();
        assert_eq!(client.wait(token), 0);
        assert_eq!(client.receive().payload, b"x");
        assert_eq!(client.unsubscribe(&["a"]), Ok(vec![]));
        assert_eq!(client.disconnect(0), 0);
    });
}

/// A session is resumed although the server cannot say so: what is unacknowledged is sent again, with DUP.
#[test]
fn a_session_is_resumed() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    let options = ConnectOptions::resuming();
    let (mut peer, _) = connect(&broker, &client, &options, false, &[]);
    let token = client.publish("a", b"x", 1).unwrap();
    let first = peer.expect_publish();
    lose(peer, &client);
    let (mut peer, _) = connect(&broker, &client, &options, false, &[]);
    let again = peer.expect_publish();
    assert!(!first.dup && again.dup && again.id == first.id);
    peer.ack(AckKind::PubAck, again.id);
    client.done(token);
}
