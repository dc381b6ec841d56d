//! `resubscribe`.

use super::kind;
use crate::broker::Broker;
use crate::driver::ConnectOptions;
use crate::driver::for_paho::{ALL, Client};

/// Subscriptions are made again where the server has no session, because it lost it or was asked for a clean one, and are not
/// where it has it.
#[test]
fn subscriptions_are_made_again_when_the_session_is_gone() {
    for (api, version) in ALL {
        for clean in [false, true] {
            let broker = Broker::start();
            let client = Client::new(api, version, &broker.uri());
            assert_eq!(client.set("resubscribe", "on"), 0);
            let options = ConnectOptions {
                clean,
                ..ConnectOptions::default()
            };
            let (mut peer, _) = client.connect(&broker, &options, false, &[]);
            client.subscribe(&mut peer, "a/+", 1);
            client.subscribe(&mut peer, "b", 2);
            client.lose(peer);
            if !clean {
                let (mut peer, _) = client.connect(&broker, &options, true, &[]);
                peer.expect_silence();
                client.lose(peer);
            }
            let (mut peer, _) = client.connect(&broker, &options, false, &[]);
            let again = peer.expect_subscribe();
            assert_eq!(again.filters, [("a/+".into(), 1), ("b".into(), 2)]);
            // One that is not granted this time is told of.
            peer.suback(again.id, &[1, 0x80]);
            peer.expect_silence();
            let error = client.last_error();
            assert_eq!((error.kind, error.reason), (kind::SUBSCRIPTION, 0x80));
            assert!(error.text.contains("to b "), "{}", error.text);
            client.lose(peer);
            let (mut peer, _) = client.connect(&broker, &options, false, &[]);
            assert_eq!(peer.expect_subscribe().filters, [("a/+".into(), 1)]);
        }
    }
}

#[test]
fn subscriptions_are_not_made_again_unless_the_program_asks_for_it() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let options = ConnectOptions::resuming();
        let (mut peer, _) = client.connect(&broker, &options, false, &[]);
        client.subscribe(&mut peer, "a", 1);
        client.lose(peer);
        let (mut peer, _) = client.connect(&broker, &options, false, &[]);
        peer.expect_silence();
    }
}
