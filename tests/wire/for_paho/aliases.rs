//! `outbound-topic-aliases` and `resolve-topic-aliases`.

use crate::broker::Broker;
use crate::driver::ConnectOptions;
use crate::driver::for_paho::{Api, Client};
use crate::packet::{Value, Version, prop};
use crate::server::message;

const APIS: [Api; 2] = [Api::Async, Api::Sync];

fn alias(n: u16) -> Vec<(u8, Value)> {
    vec![(prop::TOPIC_ALIAS, Value::Two(n))]
}

/// A topic goes over the wire once, and then its alias alone, within the server's limit and the program's.
#[test]
fn topics_that_are_published_again_become_aliases() {
    for api in APIS {
        for (ours, theirs) in [(1, 9), (9, 1)] {
            let broker = Broker::start();
            let client = Client::new(api, Version::V5, &broker.uri());
            assert_eq!(client.set("outbound-topic-aliases", &ours.to_string()), 0);
            let max = [(prop::TOPIC_ALIAS_MAXIMUM, Value::Two(theirs))];
            let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &max);
            for _ in 0..2 {
                client.publish("a/long/topic", b"x", 0).unwrap();
                client.publish("another", b"x", 0).unwrap();
            }
            let sent = [(); 4].map(|()| peer.expect_publish());
            assert_eq!(sent[0].topic, "a/long/topic");
            assert_eq!(sent[0].properties, alias(1));
            assert_eq!((&*sent[1].topic, &sent[1].properties), ("another", &vec![]));
            assert_eq!((&*sent[2].topic, &sent[2].properties), ("", &alias(1)));
            assert_eq!((&*sent[3].topic, &sent[3].properties), ("another", &vec![]));
        }
    }
}

#[test]
fn no_alias_is_given_unless_the_program_asks_for_it() {
    for api in APIS {
        let broker = Broker::start();
        let client = Client::new(api, Version::V5, &broker.uri());
        let max = [(prop::TOPIC_ALIAS_MAXIMUM, Value::Two(9))];
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &max);
        for _ in 0..2 {
            client.publish("a", b"x", 0).unwrap();
            assert_eq!(peer.expect_publish().properties, []);
        }
        // It may also come later.
        assert_eq!(client.set("outbound-topic-aliases", "5"), 0);
        client.publish("a", b"x", 0).unwrap();
        assert_eq!(peer.expect_publish().properties, alias(1));
    }
}

/// The program sees the topic, where it would otherwise see the alias alone.
#[test]
fn the_servers_aliases_are_resolved() {
    for api in APIS {
        for resolve in [false, true] {
            let broker = Broker::start();
            let client = Client::new(api, Version::V5, &broker.uri());
            if resolve {
                assert_eq!(client.set("resolve-topic-aliases", "on"), 0);
            }
            let options = ConnectOptions::with(&[(prop::TOPIC_ALIAS_MAXIMUM, Value::Two(9))]);
            let (mut peer, _) = client.connect(&broker, &options, false, &[]);
            peer.publish(&message("a/b", b"1").alias(3));
            peer.publish(&message("", b"2").alias(3));
            assert_eq!(client.message().topic, "a/b");
            assert_eq!(client.message().topic, if resolve { "a/b" } else { "" });
        }
    }
}
