//! `automatic-reconnect` and its pauses.

use std::time::{Duration, Instant};

use super::kind;
use crate::broker::Broker;
use crate::driver::ConnectOptions;
use crate::driver::for_paho::{ALL, Api, Client};
use crate::packet::AckKind;
use crate::server::message;

fn reconnecting(api: Api, version: crate::packet::Version, broker: &Broker) -> Client {
    let client = Client::new(api, version, &broker.uri());
    assert_eq!(client.set("automatic-reconnect", "on"), 0);
    assert_eq!(client.set("automatic-reconnect-min", "10"), 0);
    assert_eq!(client.set("automatic-reconnect-max", "20"), 0);
    client
}

/// The connection comes back by itself, again and again, sooner than the whole second that Paho's options know, with the
/// subscriptions where they are asked for.
#[test]
fn a_lost_connection_comes_back() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = reconnecting(api, version, &broker);
        assert_eq!(client.set("resubscribe", "on"), 0);
        let options = ConnectOptions::default();
        let (mut peer, _) = client.connect(&broker, &options, false, &[]);
        client.subscribe(&mut peer, "a", 1);
        for _ in 0..3 {
            client.lose(peer);
            peer = broker.accept();
            peer.expect_connect();
            peer.connack(false, &[]);
            let again = peer.expect_subscribe();
            peer.suback(again.id, &[1]);
            peer.publish(&message("a", b"x").qos(1, 5));
            peer.expect_ack(AckKind::PubAck, 5);
            client.message();
        }
        assert_eq!(client.statistics().connections, 4);
    }
}

/// A server that refuses is asked again, and each attempt that fails is told of.
#[test]
fn attempts_go_on_until_one_succeeds() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = reconnecting(api, version, &broker);
        let (peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        client.lose(peer);
        for _ in 0..3 {
            let mut peer = broker.accept();
            peer.expect_connect();
            peer.close();
        }
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        peer.expect_silence();
        let error = client.last_error();
        assert_eq!(error.kind, kind::CONNECT);
        assert!(error.number >= 4, "{error:?}");
    }
}

/// Lets a time pass in which a client that reconnects would have: another one does so again and again.
fn lost_and_back_five_times(api: Api, version: crate::packet::Version) {
    let broker = Broker::start();
    let client = reconnecting(api, version, &broker);
    let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
    for _ in 0..5 {
        client.lose(peer);
        peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        peer.expect_silence();
    }
}

/// A program that has disconnected, or has not asked for it, is left alone.
#[test]
fn nothing_comes_back_unasked() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let options = ConnectOptions::default();
        let (peer, _) = client.connect(&broker, &options, false, &[]);
        client.lose(peer);
        lost_and_back_five_times(api, version);
        assert_eq!(client.statistics().connections, 1);
    }
}

/// A connect of `MQTTClient` that fails has told so: nothing goes on behind the program's back.
#[test]
fn a_connect_that_failed_is_over() {
    let broker = Broker::start();
    let client = reconnecting(Api::Sync, crate::packet::Version::V311, &broker);
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.close();
        drop(peer);
        // Without a refusal the older version is tried.
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.close();
    };
    let options = ConnectOptions {
        version: Some(0),
        ..ConnectOptions::default()
    };
    let begun = Instant::now();
    let ((), code) = crate::broker::alongside(steps, || client.connect_in_vain(&options));
    assert_ne!(code, 0);
    // Its time-out is 30 seconds.
    assert!(begun.elapsed() < Duration::from_secs(25));
    assert_eq!(client.last_error().number, 2);
    lost_and_back_five_times(Api::Sync, crate::packet::Version::V311);
    assert!(
        !broker.has_caller(),
        "tried again behind the program's back"
    );
    // The next connection is the one that the program asks for: it has the program's keep-alive.
    let options = ConnectOptions {
        keep_alive: 77,
        ..ConnectOptions::default()
    };
    let (_peer, asked) = client.connect(&broker, &options, false, &[]);
    assert_eq!(asked.keep_alive, 77);
}
