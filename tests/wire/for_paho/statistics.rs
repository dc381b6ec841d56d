//! `MQTTOxide_statistics`, against what the server saw.

use std::time::Instant;

use crate::broker::{Broker, PATIENCE, Peer, alongside};
use crate::driver::for_paho::{ALL, Client};
use crate::driver::{ConnectOptions, Event};
use crate::packet::{AckKind, Version};
use crate::server::{self, message};

#[test]
fn statistics_count_what_happens() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        assert_eq!(client.statistics().connections, 0);
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        client.publish("a", b"x", 0).unwrap();
        client.publish("a", b"x", 1).unwrap();
        peer.expect_publish();
        let id = peer.expect_publish().id;
        assert_eq!(client.statistics().in_flight, 1);
        peer.publish(&message("b", b"x").qos(1, 7));
        peer.expect_ack(AckKind::PubAck, 7);
        client.message();
        peer.ack(AckKind::PubAck, id);
        peer.expect_silence();
        let now = client.statistics();
        assert_eq!(
            (now.connections, now.messages_in, now.messages_out),
            (1, 1, 2)
        );
        assert_eq!((now.in_flight, now.queued), (0, 0));
    }
}

/// Accepts a client and refuses it. Returns how many bytes the server has read and sent.
fn refuse(broker: &Broker, version: Version) -> (u64, u64) {
    let mut peer = broker.accept();
    peer.expect_connect();
    let code = if version == Version::V5 { 0x87 } else { 5 };
    let connack = server::connack(version, false, code, &[]);
    peer.send(&connack);
    peer.expect_close();
    (peer.raw().len() as u64, connack.len() as u64)
}

/// Accepts a client and sends a message in the same breath. Returns how many bytes the server has sent, too.
fn accept(broker: &Broker, version: Version) -> (Peer, u64) {
    let mut peer = broker.accept();
    peer.expect_connect();
    let mut sent = server::connack(version, false, 0, &[]);
    sent.extend(message("b", b"behind CONNACK").encode(version));
    peer.send(&sent);
    (peer, sent.len() as u64)
}

/// Waits until so many bytes count as written.
fn written(client: &Client, bytes: u64) {
    let deadline = Instant::now() + PATIENCE;
    while client.statistics().bytes_out != bytes {
        assert!(
            Instant::now() < deadline,
            "{} of {bytes}",
            client.statistics().bytes_out
        );
        std::thread::yield_now();
    }
}

/// From CONNECT to DISCONNECT, over all connections and attempts.
#[test]
fn every_byte_counts() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let options = ConnectOptions::default();
        let ((mut read, mut sent), code) = alongside(
            || refuse(&broker, version),
            || client.connect_in_vain(&options),
        );
        assert_ne!(code, 0);
        let now = client.statistics();
        assert_eq!((now.bytes_out, now.bytes_in), (read, sent), "refused");
        for connection in 1..=2 {
            let ((mut peer, bytes), ()) = alongside(
                || accept(&broker, version),
                || client.connect_well(&options),
            );
            sent += bytes;
            assert_eq!(client.message().payload, b"behind CONNACK");
            assert_eq!(client.statistics().bytes_in, sent);
            client.publish("a", b"x", 1).unwrap();
            let id = peer.expect_publish().id;
            peer.publish(&message("b", b"x").qos(1, 7));
            peer.expect_ack(AckKind::PubAck, 7);
            client.message();
            peer.ack(AckKind::PubAck, id);
            peer.expect_silence();
            // PUBREL; PUBCOMP has a reason code in MQTT 5.
            sent += message("b", b"x").qos(1, 7).encode(version).len() as u64 + 4 + 4;
            read += peer.raw().len() as u64;
            client.lose(peer);
            // The thread that has written PUBACK counts it last, and another one may have read what followed.
            written(&client, read);
            let now = client.statistics();
            assert_eq!((now.bytes_out, now.bytes_in), (read, sent));
            assert_eq!(
                (now.connections, now.messages_in),
                (connection, 2 * u64::from(connection))
            );
        }
    }
}

/// What the server is told when it breaks the protocol. The thread that tells it counts it last.
#[test]
fn last_words_count() {
    for (api, version) in ALL
        .into_iter()
        .filter(|(_, version)| *version == Version::V5)
    {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        // PINGREQ is the client's.
        peer.send(&[0xc0, 0]);
        peer.expect_refusal(0x82);
        assert_eq!(client.next(), Event::ConnectionLost);
        let read = peer.raw().len() as u64;
        written(&client, read);
    }
}
