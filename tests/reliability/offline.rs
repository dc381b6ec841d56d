//! MQTTAsync without a connection: what is accepted, kept, dropped and delivered.

use std::fs;
use std::time::{Duration, Instant};

use crate::broker::{Broker, Peer};
use crate::common::mosquitto::Mosquitto;
use crate::packet::{AckKind, Value, prop};
use crate::puppet::{Api, PATIENCE, Puppet, StoreDir, Whose};

const DISCONNECTED: &str = "-3 0";
const BUFFER_FULL: &str = "-12 0";

fn create(uri: &str, dir: &str, options: &str) -> Puppet {
    let mut puppet = Puppet::start(Api::Async, Whose::Ours);
    puppet.ok(&format!("create {uri} offline {dir} {options}"));
    puppet
}

fn accept(broker: &Broker, present: bool) -> Peer {
    let mut peer = broker.accept();
    peer.expect_connect();
    peer.connack(present, &[]);
    peer
}

/// Payloads of the next `QoS` 1 messages, each acknowledged.
fn take(peer: &mut Peer, count: usize) -> Vec<String> {
    (0..count)
        .map(|_| {
            let publish = peer.expect_publish();
            if publish.qos > 0 {
                peer.ack(AckKind::PubAck, publish.id);
            }
            String::from_utf8(publish.payload).unwrap()
        })
        .collect()
}

/// Without sendWhileDisconnected nothing is accepted offline; with it from the first connect call to the disconnect; with
/// allowDisconnectedSendAtAnyTime always.
#[test]
fn when_messages_are_accepted() {
    let broker = Broker::start();
    for (options, accepted) in [
        ("", [false, false, false, false]),
        ("offline=1", [false, true, true, false]),
        ("any=1", [false, false, false, false]),
        ("offline=1 any=1", [true, true, true, true]),
    ] {
        let mut puppet = create(&broker.uri(), "-", options);
        let check = |puppet: &mut Puppet, at: usize| {
            let answer = puppet.call("send a/b x 1");
            assert_eq!(answer != DISCONNECTED, accepted[at], "{options:?} at {at}");
        };
        check(&mut puppet, 0);
        puppet.ok("connect clean=0");
        check(&mut puppet, 1);
        let peer = accept(&broker, false);
        puppet.expect("onconnect");
        drop(peer);
        puppet.expect("lost");
        check(&mut puppet, 2);
        puppet.ok("connect clean=0");
        let mut peer = accept(&broker, false);
        puppet.expect("onconnect");
        for _ in 0..accepted[..3].iter().filter(|accepted| **accepted).count() {
            let publish = peer.expect_publish();
            peer.ack(AckKind::PubAck, publish.id);
        }
        puppet.ok("disconnect 0");
        puppet.expect("success disconnect");
        check(&mut puppet, 3);
    }
}

/// A full buffer refuses, and what it holds is delivered in order.
#[test]
fn full_buffer() {
    let broker = Broker::start();
    let mut puppet = create(&broker.uri(), "-", "offline=1 any=1 max=3");
    let tokens: Vec<i32> = (0..3)
        .map(|i| puppet.token(&format!("send a/b m{i} {i}")))
        .collect();
    assert_eq!(puppet.call("send a/b m3 1"), BUFFER_FULL);
    assert_eq!(puppet.pending(), tokens, "QoS 0 counts as well");
    puppet.ok("connect clean=0");
    let mut peer = accept(&broker, false);
    let publishes = [
        peer.expect_publish(),
        peer.expect_publish(),
        peer.expect_publish(),
    ];
    for (i, publish) in publishes.iter().enumerate() {
        assert_eq!(publish.payload, format!("m{i}").into_bytes());
    }
    // In flight, they do not count against the buffer.
    drop(peer);
    puppet.expect("lost");
    for i in 3..6 {
        puppet.token(&format!("send a/b m{i} 1"));
    }
    assert_eq!(puppet.call("send a/b m6 1"), BUFFER_FULL);
    puppet.ok("connect clean=0");
    let mut peer = accept(&broker, true);
    assert!(peer.expect_publish().dup);
    assert!(peer.expect_publish().dup);
    assert_eq!(take(&mut peer, 3), ["m3", "m4", "m5"]);
}

/// deleteOldestMessages: the oldest gives way, its onFailure is called, its record goes, the rest keeps its order.
#[test]
fn oldest_messages_give_way() {
    let broker = Broker::start();
    let dir = StoreDir::new("oldest");
    let mut puppet = create(&broker.uri(), dir.path(), "offline=1 any=1 max=3 oldest=1");
    let tokens: Vec<i32> = (0..5)
        .map(|i| puppet.token(&format!("send a/b m{i} 1")))
        .collect();
    for token in &tokens[..2] {
        let failure = puppet.expect("failure send");
        assert_eq!(failure.split(' ').next(), Some(&*token.to_string()));
    }
    assert_eq!(puppet.pending(), tokens[2..]);
    puppet.call("destroy");
    drop(puppet);
    assert_eq!(dir.records().len(), 3, "{:?}", dir.records());

    let mut puppet = create(&broker.uri(), dir.path(), "offline=1 any=1 max=3 oldest=1");
    puppet.ok("connect clean=0");
    let mut peer = accept(&broker, true);
    assert_eq!(take(&mut peer, 3), ["m2", "m3", "m4"]);
}

/// persistQoS0 and restoreMessages: what the store holds after a kill, and what of it is delivered.
#[test]
fn stored_while_disconnected() {
    let broker = Broker::start();
    for (qos0, restore) in [(1, 1), (0, 1), (1, 0)] {
        let dir = StoreDir::new(&format!("stored-{qos0}-{restore}"));
        let options = format!("offline=1 any=1 qos0={qos0} restore={restore}");
        let mut puppet = create(&broker.uri(), dir.path(), &options);
        for qos in 0..2 {
            puppet.token(&format!("send a/b m{qos} {qos}"));
        }
        puppet.kill();
        let mut puppet = create(&broker.uri(), dir.path(), &options);
        let expected: &[&str] = match (qos0, restore) {
            (1, 1) => &["m0", "m1"],
            (0, 1) => &["m1"],
            _ => &[],
        };
        assert_eq!(puppet.pending().len(), expected.len(), "{options}");
        puppet.token("send a/b end 1");
        puppet.ok("connect clean=0");
        let mut peer = accept(&broker, true);
        assert_eq!(take(&mut peer, expected.len()), expected, "{options}");
        assert_eq!(take(&mut peer, 1), ["end"], "{options}");
    }
}

/// More messages than there are packet identifiers wait, with a store, and are all delivered in order.
#[test]
fn more_messages_than_packet_identifiers() {
    const COUNT: usize = 70_000;
    let broker = Mosquitto::start(&["max_queued_messages 0", "max_inflight_messages 0"]);
    let dir = StoreDir::new("many");
    let mut subscriber = Puppet::start(Api::Async, Whose::Ours);
    subscriber.ok(&format!("create {} subscriber -", broker.uri()));
    subscriber.ok("connect clean=1");
    subscriber.expect("onconnect");
    subscriber.call("tell 0");
    subscriber.ok("subscribe many 1");
    subscriber.expect("success subscribe");

    let options = format!("offline=1 any=1 max={COUNT}");
    let mut puppet = create(&broker.uri(), dir.path(), &options);
    puppet.call("tell 0");
    let sent = puppet.call(&format!("send-many many 0 {COUNT} 1"));
    assert_eq!(sent, format!("0 {COUNT}"));
    assert_eq!(puppet.call("send many x 1"), BUFFER_FULL);
    puppet.ok("connect clean=0 inflight=1000");
    let start = std::time::Instant::now();
    loop {
        let [succeeded, failed, ..] = puppet.counts();
        assert_eq!(failed, 0);
        if succeeded == i64::try_from(COUNT).unwrap() {
            break;
        }
        assert!(
            start.elapsed() < PATIENCE * 3,
            "{succeeded} in {PATIENCE:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(puppet.pending().is_empty());
    while subscriber.counts()[2] < i64::try_from(COUNT).unwrap() {
        assert!(start.elapsed() < PATIENCE * 3, "{:?}", subscriber.counts());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(subscriber.counts()[2..], [i64::try_from(COUNT).unwrap(), 0]);
    puppet.call("destroy");
    assert!(dir.records().is_empty());
}

/// The process is down while the interval of one message passes and that of another does not: the first is not sent and its
/// end is traced, the second goes out with what is left of its interval. Both where the records have files of their own and
/// where a kill left them in the journal; and on records that the original wrote.
#[test]
fn expiry_is_counted_down_while_the_process_is_down() {
    for (leaves, name) in [
        (Whose::Ours, "destroy"),
        (Whose::Ours, "kill"),
        (Whose::Original, "kill"),
    ] {
        let broker = Broker::start();
        let dir = StoreDir::new(&format!("expiry-{leaves:?}-{name}"));
        let trace = dir.0.with_extension("trace");
        let line = format!(
            "create {} offline {} v5=1 offline=1 any=1",
            broker.uri(),
            dir.path()
        );
        let mut puppet = Puppet::start(Api::Async, leaves);
        puppet.ok(&line);
        let queued = Instant::now();
        puppet.ok("send a/b short 1 expiry=1");
        puppet.ok("send a/b long 2 expiry=1000");
        puppet.ok("send a/b ever 1");
        let all_queued = Instant::now();
        if name == "destroy" {
            puppet.call("destroy");
        } else {
            puppet.kill();
        }
        // A moment that has to pass: it is what the test is about.
        let passed = Duration::from_millis(2100);
        std::thread::sleep(passed.saturating_sub(all_queued.elapsed()));

        let mut puppet = Puppet::start_with(Api::Async, Whose::Ours, |command| {
            command
                .env("MQTT_C_CLIENT_TRACE", &trace)
                .env("MQTT_C_CLIENT_TRACE_LEVEL", "MINIMUM");
        });
        puppet.ok(&line);
        puppet.ok("connect clean=0");
        let mut peer = accept(&broker, false);
        let publish = peer.expect_publish();
        let left = match &publish.properties[..] {
            [(prop::MESSAGE_EXPIRY, Value::Four(left))] => *left,
            other => panic!("{other:?}"),
        };
        let most = 1000 - u32::try_from(passed.as_secs()).unwrap();
        let least = most - u32::try_from(queued.elapsed().as_secs()).unwrap();
        assert_eq!((publish.payload, publish.qos), (b"long".to_vec(), 2));
        assert!((least..=most).contains(&left), "{left} of {least}..={most}");
        let publish = peer.expect_publish();
        assert_eq!(
            (publish.payload, publish.properties),
            (b"ever".to_vec(), Vec::new())
        );
        let traced = fs::read_to_string(&trace).expect("a trace");
        assert_eq!(traced.matches("expired while it waited").count(), 1);
        // It is gone from the store too.
        assert_eq!(puppet.pending().len(), 2);
        puppet.call("destroy");
        let records = dir.records();
        assert_eq!(records.len(), 2, "{records:?}");
        assert!(!records.contains(&"c5-1.msg".to_owned()), "{records:?}");
        let _ = fs::remove_file(trace);
    }
}
