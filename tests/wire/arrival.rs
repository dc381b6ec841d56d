//! What a program is given with a message: not the specification's matter, but the original's.

use crate::broker::{Broker, Peer, alongside};
use crate::common::connected;
use crate::driver::{ConnectOptions, Event, Message, SyncClient};
use crate::packet::{AckKind, Version};
use crate::server::message;

const VERSIONS: [Version; 2] = [Version::V311, Version::V5];

/// Sends a `QoS` 2 message with the DUP flag, and its PUBREL. The answer to that comes in a later call of a client without
/// callbacks.
fn send_again(peer: &mut Peer) {
    peer.publish(&message("a/b", b"x").qos(2, 7).again());
    peer.expect_ack(AckKind::PubRec, 7);
    peer.ack(AckKind::PubRel, 7);
}

/// What a synchronous client without callbacks, or with them, gets of it.
fn synchronously(version: Version, callbacks: bool) -> Message {
    let broker = Broker::start();
    let make = if callbacks {
        SyncClient::with_callbacks
    } else {
        SyncClient::new
    };
    let client = make(version, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        send_again(&mut peer);
        peer
    };
    let (_peer, arrived) = alongside(steps, || {
        assert_eq!(client.connect(&ConnectOptions::default()), 0);
        if callbacks {
            match client.next() {
                Event::Message(arrived) => arrived,
                other => panic!("expected a message, got {other:?}"),
            }
        } else {
            client.receive()
        }
    });
    arrived
}

/// A `QoS` 2 message comes once: the program sees DUP 0 whatever the packet said.
#[test]
fn a_qos_2_message_has_no_dup() {
    for version in VERSIONS {
        let (_broker, mut peer, client) = connected(version);
        send_again(&mut peer);
        assert!(!client.message().dup);
        assert!(!synchronously(version, true).dup);
        assert!(!synchronously(version, false).dup);
    }
}

/// `MQTTAsync` and `MQTTClient_receive` give the topic's length, `MQTTClient`'s callback 0: programs use either.
#[test]
fn the_topics_length_is_the_originals() {
    for version in VERSIONS {
        let (_broker, mut peer, client) = connected(version);
        send_again(&mut peer);
        assert_eq!(client.message().topic_len, 3);
        assert_eq!(synchronously(version, true).topic_len, 0);
        assert_eq!(synchronously(version, false).topic_len, 3);
    }
}
