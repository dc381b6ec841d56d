//! `manual-acks`.

use std::ffi::CString;

use super::code;
use crate::broker::Broker;
use crate::driver::ConnectOptions;
use crate::driver::for_paho::{ALL, Api, Client};
use crate::packet::{AckKind, Version};
use crate::server::message;

fn with_manual_acks(api: Api, version: Version, value: &str) -> (Broker, Client) {
    let broker = Broker::start();
    let client = Client::new(api, version, &broker.uri());
    assert_eq!(client.set("manual-acks", value), 0);
    (broker, client)
}

/// Nothing is acknowledged before the program says so, and what it has not acknowledged comes again.
#[test]
fn a_message_is_acknowledged_when_the_program_says_so() {
    for (api, version) in ALL {
        let (broker, client) = with_manual_acks(api, version, "on");
        let options = ConnectOptions::resuming();
        let (mut peer, _) = client.connect(&broker, &options, false, &[]);
        peer.publish(&message("a", b"1").qos(1, 7));
        peer.publish(&message("a", b"2").qos(2, 8));
        let (first, second) = (client.message(), client.message());
        assert_eq!((first.id & 0xFFFF, second.id & 0xFFFF), (7, 8));
        assert_eq!(client.statistics().unacknowledged, 2);
        peer.expect_silence();
        // In the order of the messages: the second waits for the first.
        assert_eq!(client.acknowledge(second.id), 0);
        peer.expect_silence();
        assert_eq!(client.acknowledge(first.id), 0);
        peer.expect_ack(AckKind::PubAck, 7);
        peer.expect_ack(AckKind::PubRec, 8);
        peer.ack(AckKind::PubRel, 8);
        peer.expect_ack(AckKind::PubComp, 8);
        assert_eq!(client.acknowledge(first.id), code::NOT_FOUND);

        // The connection ends before the program has acknowledged: the message comes again, and what the program says of the
        // first copy does not count for the second.
        peer.publish(&message("a", b"3").qos(1, 9));
        let lost = client.message();
        client.lose(peer);
        assert_eq!(client.acknowledge(lost.id), code::NOT_FOUND);
        let (mut peer, _) = client.connect(&broker, &options, true, &[]);
        peer.publish(&message("a", b"3").qos(1, 9).again());
        let again = client.message();
        assert_eq!(again.payload, b"3");
        assert_ne!(again.id, lost.id);
        assert_eq!(client.acknowledge(lost.id), code::NOT_FOUND);
        peer.expect_silence();
        // The packet identifier alone is the message that has it now.
        assert_eq!(client.acknowledge(9), 0);
        peer.expect_ack(AckKind::PubAck, 9);
    }
}

#[test]
fn unordered_acknowledgements_leave_as_the_program_gives_them() {
    for (api, version) in ALL {
        let (broker, client) = with_manual_acks(api, version, "unordered");
        assert_eq!(client.get("manual-acks").as_deref(), Ok("unordered"));
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        peer.publish(&message("a", b"1").qos(1, 7));
        peer.publish(&message("a", b"2").qos(1, 8));
        let (first, second) = (client.message(), client.message());
        assert_eq!(client.acknowledge(second.id), 0);
        peer.expect_ack(AckKind::PubAck, 8);
        assert_eq!(client.acknowledge(first.id), 0);
        peer.expect_ack(AckKind::PubAck, 7);
    }
}

/// Also where no callbacks are set, and the program takes its messages itself.
#[test]
fn a_client_without_callbacks_acknowledges_too() {
    use crate::broker::alongside;
    use crate::driver::SyncClient;
    for version in [Version::V311, Version::V5] {
        let broker = Broker::start();
        let client = Client::Sync(SyncClient::new(version, &broker.uri(), "wire"));
        assert_eq!(client.set("manual-acks", "on"), 0);
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        let Client::Sync(inner) = &client else {
            unreachable!("made above")
        };
        let send = || peer.publish(&message("a", b"1").qos(1, 7));
        let ((), arrived) = alongside(send, || inner.receive());
        assert!(!peer.has_sent());
        assert_eq!(client.acknowledge(arrived.id), 0);
        peer.expect_ack(AckKind::PubAck, 7);
    }
}

/// Without the option nothing waits for the program, and it cannot acknowledge.
#[test]
fn acknowledgements_are_the_engines_unless_the_program_asks_for_them() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        peer.publish(&message("a", b"1").qos(1, 7));
        peer.expect_ack(AckKind::PubAck, 7);
        assert_eq!(client.message().id, 7);
        assert_eq!(client.acknowledge(7), code::NOT_FOUND);
        // From the next connection on.
        assert_eq!(client.set("manual-acks", "on"), 0);
        peer.publish(&message("a", b"1").qos(1, 8));
        peer.expect_ack(AckKind::PubAck, 8);
        client.message();
        client.lose(peer);
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        peer.publish(&message("a", b"1").qos(1, 9));
        client.message();
        peer.expect_silence();
    }
}

/// A program that ends in the middle of its work gets the message again, with a store and without, and once it has
/// acknowledged not any more.
#[test]
fn a_message_comes_again_after_a_crash_before_its_acknowledgement() {
    for (api, version) in ALL {
        for stored in [false, true] {
            let (qos_1, qos_2) = (7, 8);
            let broker = Broker::start();
            // The directory of the build's tests; a run may find what an earlier one left there.
            let dir = format!("{}/acks-{api:?}-{version:?}", env!("CARGO_TARGET_TMPDIR"));
            let _ = std::fs::remove_dir_all(&dir);
            std::fs::create_dir_all(&dir).unwrap();
            let store = CString::new(dir.as_str()).unwrap();
            // A new program each time, with the same session.
            let start = || {
                let client = if stored {
                    Client::with_store(api, version, &broker.uri(), &store)
                } else {
                    Client::new(api, version, &broker.uri())
                };
                assert_eq!(client.set("manual-acks", "unordered"), 0);
                client
            };
            let options = ConnectOptions::resuming();
            let first = start();
            let (mut peer, _) = first.connect(&broker, &options, false, &[]);
            peer.publish(&message("a", b"1").qos(1, qos_1));
            first.message();
            peer.publish(&message("a", b"2").qos(2, qos_2));
            // With a store below MQTT 5 the client answers for the message once it is stored.
            let kept = stored && version == Version::V311;
            if kept {
                peer.expect_ack(AckKind::PubRec, qos_2);
                peer.ack(AckKind::PubRel, qos_2);
            }
            assert_eq!(first.message().payload, b"2");
            assert!(!peer.has_sent(), "nothing is acknowledged");
            drop(first);

            let second = start();
            let (mut peer, _) = second.connect(&broker, &options, true, &[]);
            peer.publish(&message("a", b"1").qos(1, qos_1).again());
            if kept {
                peer.ack(AckKind::PubRel, qos_2);
            } else {
                peer.publish(&message("a", b"2").qos(2, qos_2).again());
            }
            let again = [second.message(), second.message()];
            assert_eq!(
                (&*again[0].payload, &*again[1].payload),
                (&b"1"[..], &b"2"[..])
            );
            peer.expect_silence();
            assert_eq!(second.acknowledge(again[1].id), 0);
            if kept {
                peer.expect_ack(AckKind::PubComp, qos_2);
            } else {
                peer.expect_ack(AckKind::PubRec, qos_2);
            }
            assert_eq!(second.acknowledge(again[0].id), 0);
            peer.expect_ack(AckKind::PubAck, qos_1);
            drop(second);

            // What is acknowledged is not handed over again: the server may still have to hear PUBCOMP.
            let third = start();
            let (mut peer, _) = third.connect(&broker, &options, true, &[]);
            peer.ack(AckKind::PubRel, qos_2);
            peer.expect_ack(AckKind::PubComp, qos_2);
            peer.publish(&message("a", b"3").qos(1, 9));
            assert_eq!(third.message().payload, b"3");
        }
    }
}
