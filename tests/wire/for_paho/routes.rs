//! `MQTTOxide_addRoute` and `MQTTOxide_removeRoute`.

use std::sync::mpsc::channel;
use std::time::Duration;

use super::code;
use crate::broker::{Broker, PATIENCE};
use crate::driver::ConnectOptions;
use crate::driver::for_paho::{
    ALL, Client, Shared, acknowledge, destroy, get, last_error, remove_route, set, statistics,
};
use crate::packet::AckKind;
use crate::server::message;

/// A message goes to all routes that match it, and only one without a route to messageArrived.
#[test]
fn messages_go_to_all_routes_that_match_else_to_the_callback() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let all = client.route("a/#");
        let one = client.route("a/+");
        let exact = client.route("a/b");
        let shared = client.route("$share/group/c/+");
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        for (n, topic) in ["a/b", "a/x", "a/x/y", "c/d", "b", "$SYS/a"]
            .iter()
            .enumerate()
        {
            peer.publish(&message(topic, b"x").qos(1, u16::try_from(n).unwrap() + 1));
        }
        let got = |route: &crate::driver::for_paho::Route, n: usize| {
            (0..n).map(|_| route.next().0).collect::<Vec<_>>()
        };
        assert_eq!(got(&all, 3), ["a/b", "a/x", "a/x/y"]);
        assert_eq!(got(&one, 2), ["a/b", "a/x"]);
        assert_eq!(got(&exact, 1), ["a/b"]);
        assert_eq!(got(&shared, 1), ["c/d"]);
        assert_eq!(client.message().topic, "b");
        assert_eq!(client.message().topic, "$SYS/a");
        for n in 1..=6 {
            peer.expect_ack(AckKind::PubAck, n);
        }
        assert!(
            [&all, &one, &exact, &shared]
                .iter()
                .all(|route| route.is_empty())
        );
        // What has no route any more goes to the callback again.
        for filter in ["a/#", "a/+", "a/b", "$share/group/c/+"] {
            assert_eq!(client.remove_route(filter), 0);
            assert_eq!(client.remove_route(filter), code::NOT_FOUND);
        }
        peer.publish(&message("a/b", b"x"));
        assert_eq!(client.message().topic, "a/b");
    }
}

/// Another route with the same filter takes the place of the first.
#[test]
fn there_is_one_route_a_filter() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let first = client.route("a/+");
        let second = client.route("a/+");
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        peer.publish(&message("a/b", b"x"));
        assert_eq!(second.next().0, "a/b");
        assert!(first.is_empty());
    }
}

/// With manual acknowledgements a message of a route is acknowledged like any other.
#[test]
fn routed_messages_are_acknowledged_by_the_program() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        assert_eq!(client.set("manual-acks", "on"), 0);
        let route = client.route("a");
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        peer.publish(&message("a", b"x").qos(1, 7));
        let (_, id) = route.next();
        peer.expect_silence();
        assert_eq!(client.acknowledge(id), 0);
        peer.expect_ack(AckKind::PubAck, 7);
    }
}

/// A route that is removed from another thread while its callback runs has ended when that returns.
#[test]
fn removing_waits_for_the_callback_on_another_thread() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let (removed, is_removed) = channel::<()>();
        let (ended, has_ended) = channel();
        let route = client
            .route_that("a", move || {
                // In vain, for removing waits for this callback.
                let early = is_removed.recv_timeout(Duration::from_millis(200)).is_ok();
                ended.send(early).unwrap();
            })
            .unwrap();
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        peer.publish(&message("a", b"x"));
        route.next();
        assert_eq!(client.remove_route("a"), 0);
        let _ = removed.send(());
        assert_eq!(has_ended.try_recv(), Ok(false), "the callback has ended");
    }
}

/// A callback may remove its own route, and those behind it: they do not get this message any more.
#[test]
fn a_callback_may_remove_routes() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let handle = Shared(client.handle());
        let first = client
            .route_that("a/+", move || {
                let handle = handle;
                assert_eq!(remove_route(handle.0, "a/+"), 0);
                assert_eq!(remove_route(handle.0, "a/#"), 0);
            })
            .unwrap();
        let second = client.route("a/#");
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        peer.publish(&message("a/b", b"1"));
        peer.publish(&message("a/b", b"2"));
        first.next();
        assert_eq!(client.message().payload, b"2");
        assert!(first.is_empty() && second.is_empty());
    }
}

/// Every function may be called from inside a callback.
#[test]
fn a_callback_may_call_everything() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        assert_eq!(client.set("manual-acks", "on"), 0);
        let handle = Shared(client.handle());
        let route = client
            .route_that("a", move || {
                let handle = handle;
                assert_eq!(set(handle.0, b"resubscribe", b"on"), 0);
                assert_eq!(get(handle.0, "resubscribe").as_deref(), Ok("on"));
                assert_eq!(set(handle.0, b"nothing", b""), code::NOT_FOUND);
                assert_eq!(last_error(handle.0).unwrap().code, code::NOT_FOUND);
                assert_eq!(statistics(handle.0).unwrap().unacknowledged, 1);
                // The packet identifier alone: the message is the only one that waits.
                assert_eq!(acknowledge(handle.0, 7), 0);
            })
            .unwrap();
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        peer.publish(&message("a", b"x").qos(1, 7));
        peer.expect_ack(AckKind::PubAck, 7);
        route.next();
    }
}

/// A callback may destroy its client. It is the last that runs, though another route matches too.
#[test]
fn a_callback_may_destroy_its_client() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let handle = Shared(client.handle());
        let (done, is_done) = channel();
        let first = client
            .route_that("a/+", move || {
                let handle = handle;
                destroy(api, handle.0);
                done.send(()).unwrap();
            })
            .unwrap();
        let second = client.route("a/#");
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        peer.publish(&message("a/b", b"1"));
        first.next();
        is_done.recv_timeout(PATIENCE).unwrap();
        // The connection is closed when the client is gone.
        while peer.next().is_some() {}
        assert!(second.is_empty());
        assert_eq!(client.set("resubscribe", "on"), code::HANDLE);
    }
}
