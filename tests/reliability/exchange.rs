//! A store that one library leaves is resumed by the other: nothing is lost, and nothing of `QoS` 2 comes twice.

use std::time::{Duration, Instant};

use crate::broker::{Broker, Peer};
use crate::packet::{AckKind, Packet, Value, Version, prop};
use crate::puppet::{Api, PATIENCE, Puppet, StoreDir, Whose};
use crate::server::message;

const WAYS: [(Whose, Whose); 3] = [
    (Whose::Original, Whose::Ours),
    (Whose::Ours, Whose::Original),
    (Whose::Ours, Whose::Ours),
];
const VERSIONS: [Version; 2] = [Version::V311, Version::V5];

/// How the process that leaves the store ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    Kill,
    Destroy,
    Exit,
}

const LEAVINGS: [Leaving; 3] = [Leaving::Kill, Leaving::Destroy, Leaving::Exit];

/// Everything that a case differs in.
#[derive(Clone, Copy, Debug)]
struct Case {
    api: Api,
    version: Version,
    leaves: Whose,
    resumes: Whose,
    leaving: Leaving,
}

impl Case {
    fn create(self, broker: &Broker, dir: &StoreDir, more: &str) -> String {
        format!(
            "create {} xchg {} v5={} callbacks=1 {more}",
            broker.uri(),
            dir.path(),
            u8::from(self.version == Version::V5)
        )
    }

    /// Connects in a session that lives on.
    fn connect(self, broker: &Broker, puppet: &mut Puppet, present: bool) -> Peer {
        std::thread::scope(|scope| {
            let served = scope.spawn(|| {
                let mut peer = broker.accept();
                assert!(!peer.expect_connect().clean);
                peer.connack(present, &[]);
                peer
            });
            puppet.ok("connect clean=0 keep=0");
            if self.api == Api::Async {
                puppet.expect("onconnect");
            }
            served.join().expect("the broker's side")
        })
    }

    /// The record's name in this version.
    fn key(self, kind: &str, number: u16) -> String {
        let five = if self.version == Version::V5 { "5" } else { "" };
        format!("{kind}{five}-{number}.msg")
    }

    /// The process ends once the records are what they have to be: ours gives them their files a moment after they were
    /// written, and only what has its file is for the original to see.
    fn leave(self, mut puppet: Puppet, dir: &StoreDir, expected: &[String]) {
        let mut expected = expected.to_vec();
        expected.sort();
        let deadline = Instant::now() + PATIENCE;
        while dir.records() != expected {
            assert!(
                Instant::now() < deadline,
                "the store holds {:?}, not {expected:?}",
                dir.records()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        match self.leaving {
            Leaving::Kill => puppet.kill(),
            // The original's destroy, while a message is not taken, now and then never returns.
            Leaving::Destroy if self.leaves == Whose::Original => {
                if puppet.try_call("destroy").is_none() {
                    puppet.kill();
                }
            }
            Leaving::Destroy => {
                puppet.call("destroy");
                drop(puppet);
            }
            Leaving::Exit => puppet.quit(),
        }
        assert_eq!(dir.records(), expected, "after the end of the process");
    }
}

fn cases(apis: &[Api]) -> Vec<Case> {
    let mut cases = Vec::new();
    for &api in apis {
        for version in VERSIONS {
            for (leaves, resumes) in WAYS {
                for leaving in LEAVINGS {
                    cases.push(Case {
                        api,
                        version,
                        leaves,
                        resumes,
                        leaving,
                    });
                }
            }
        }
    }
    cases
}

/// Runs all cases, several at a time, and says which failed.
fn run(name: &str, apis: &[Api], case: impl Fn(Case, &StoreDir) + Sync) {
    let cases = cases(apis);
    let failed: Vec<String> = std::thread::scope(|scope| {
        let mut failed = Vec::new();
        for some in cases.chunks(6) {
            let running: Vec<_> = some
                .iter()
                .map(|&one| {
                    let case = &case;
                    let dir = format!(
                        "{name}-{:?}-{:?}-{:?}-{:?}-{:?}",
                        one.api, one.version, one.leaves, one.resumes, one.leaving
                    );
                    let run = move || {
                        let dir = StoreDir::new(&dir);
                        case(one, &dir);
                    };
                    (one, scope.spawn(run))
                })
                .collect();
            for (one, thread) in running {
                if thread.join().is_err() {
                    failed.push(format!("{one:?}"));
                }
            }
        }
        failed
    });
    assert!(failed.is_empty(), "failed:\n{}", failed.join("\n"));
}

/// `s-` and `sc-`: a `QoS` 1 PUBLISH, a `QoS` 2 PUBLISH without and one with its PUBREC.
#[test]
fn messages_in_flight() {
    run("flight", &[Api::Async, Api::Client], |case, dir| {
        let broker = Broker::start();
        let mut left = Puppet::start(case.api, case.leaves);
        left.ok(&case.create(&broker, dir, ""));
        let mut peer = case.connect(&broker, &mut left, false);
        let mut ids = Vec::new();
        for (payload, qos) in [("one", 1), ("two", 2), ("three", 2)] {
            left.ok(&format!("send a/b {payload} {qos}"));
            ids.push(peer.expect_publish().id);
        }
        peer.ack(AckKind::PubRec, ids[2]);
        peer.expect_ack(AckKind::PubRel, ids[2]);
        let records = [
            case.key("s", ids[0]),
            case.key("s", ids[1]),
            case.key("s", ids[2]),
            case.key("sc", ids[2]),
        ];
        case.leave(left, dir, &records);
        drop(peer);

        let mut resumed = Puppet::start(case.api, case.resumes);
        resumed.ok(&case.create(&broker, dir, ""));
        let mut peer = case.connect(&broker, &mut resumed, true);
        let (mut publishes, mut releases) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            match peer.expect() {
                Packet::Publish(publish) => {
                    assert!(publish.dup, "{publish:?}");
                    assert_eq!(publish.topic, "a/b");
                    publishes.push((publish.id, publish.qos, publish.payload));
                }
                Packet::Ack(ack) if ack.kind == AckKind::PubRel => releases.push(ack.id),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(
            publishes,
            [(ids[0], 1, b"one".to_vec()), (ids[1], 2, b"two".to_vec())]
        );
        assert_eq!(releases, [ids[2]]);
        peer.ack(AckKind::PubAck, ids[0]);
        peer.ack(AckKind::PubComp, ids[2]);
        peer.ack(AckKind::PubRec, ids[1]);
        peer.expect_ack(AckKind::PubRel, ids[1]);
        peer.ack(AckKind::PubComp, ids[1]);
        finish(case, resumed, dir);
    });
}

/// `r-`: a `QoS` 2 message whose PUBREC has gone out.
#[test]
fn messages_received() {
    run("received", &[Api::Async, Api::Client], |case, dir| {
        if (case.leaves, case.version, case.leaving)
            == (Whose::Original, Version::V5, Leaving::Destroy)
        {
            // 1.3.12 now and then crashes when it is destroyed with a received message of MQTT 5.
            return;
        }
        let broker = Broker::start();
        let mut left = Puppet::start(case.api, case.leaves);
        left.ok(&case.create(&broker, dir, ""));
        let mut peer = case.connect(&broker, &mut left, false);
        peer.publish(&message("a/b", "theirs").qos(2, 7));
        peer.expect_ack(AckKind::PubRec, 7);
        let mut arrived = 0;
        if case.version == Version::V5 {
            // MQTT 5 clients hand the message over when it arrives, and keep the record to know it again.
            left.expect("message a/b theirs 2");
            arrived += 1;
        }
        case.leave(left, dir, &[case.key("r", 7)]);
        drop(peer);

        let mut resumed = Puppet::start(case.api, case.resumes);
        resumed.ok(&case.create(&broker, dir, ""));
        let mut peer = case.connect(&broker, &mut resumed, true);
        // The PUBREC may or may not have reached the server: here it has not.
        peer.publish(&message("a/b", "theirs").qos(2, 7).again());
        peer.expect_ack(AckKind::PubRec, 7);
        peer.ack(AckKind::PubRel, 7);
        peer.expect_ack(AckKind::PubComp, 7);
        // A later one shows that nothing came between.
        peer.publish(&message("a/b", "end").qos(1, 8));
        peer.expect_ack(AckKind::PubAck, 8);
        loop {
            match resumed.expect("message").as_str() {
                "a/b end 1 0 0" => break,
                other if other.starts_with("a/b theirs 2") => arrived += 1,
                other => panic!("{other}"),
            }
        }
        assert_eq!(arrived, 1, "the QoS 2 message arrived {arrived} times");
        finish(case, resumed, dir);
    });
}

/// `r-`: `QoS` 2 messages that were handed over before their PUBREL, for want of room, and taken. Only ours leaves such records.
#[test]
fn messages_handed_over_before_their_pubrel() {
    run("handed-over", &[Api::Async, Api::Client], |case, dir| {
        if case.leaves == Whose::Original || case.version == Version::V5 {
            return;
        }
        let broker = Broker::start();
        let mut left = Puppet::start(case.api, case.leaves);
        left.ok(&case.create(&broker, dir, ""));
        let mut peer = case.connect(&broker, &mut left, false);
        for (id, size) in [(7, 900_000), (8, 200_000)] {
            let text = "x".repeat(size);
            peer.publish(&message("a/b", &text).qos(2, id));
            peer.expect_ack(AckKind::PubRec, id);
        }
        left.expect("message");
        left.expect("message");
        // Both had the message before; they are so short when the program has had it.
        let deadline = Instant::now() + PATIENCE;
        let had =
            |id| std::fs::read(dir.store().join(case.key("r", id))).is_ok_and(|is| is.len() < 100);
        while !(had(7) && had(8)) {
            assert!(Instant::now() < deadline, "{:?}", dir.records());
            std::thread::sleep(Duration::from_millis(2));
        }
        case.leave(left, dir, &[case.key("r", 7), case.key("r", 8)]);
        drop(peer);

        let mut resumed = Puppet::start(case.api, case.resumes);
        resumed.ok(&case.create(&broker, dir, ""));
        let mut peer = case.connect(&broker, &mut resumed, true);
        if case.resumes == Whose::Ours {
            // Its PUBREC may not have reached the server. The original knows nothing of the message then.
            peer.publish(&message("a/b", "again").qos(2, 7).again());
            peer.expect_ack(AckKind::PubRec, 7);
        }
        for id in [7, 8] {
            peer.ack(AckKind::PubRel, id);
            peer.expect_ack(AckKind::PubComp, id);
        }
        // The identifiers are free.
        peer.publish(&message("a/b", "new").qos(2, 7));
        peer.expect_ack(AckKind::PubRec, 7);
        peer.ack(AckKind::PubRel, 7);
        peer.expect_ack(AckKind::PubComp, 7);
        let first = resumed.expect("message");
        assert!(first.starts_with("a/b new 2"), "{first}");
        finish(case, resumed, dir);
    });
}

/// `q-`: messages that the program has not taken. (1.3.12 writes none with MQTT 5, but reads them.)
#[test]
fn messages_not_taken() {
    run("queued", &[Api::Async, Api::Client], |case, dir| {
        if case.leaves == Whose::Original && case.version == Version::V5 {
            return;
        }
        let broker = Broker::start();
        let mut left = Puppet::start(case.api, case.leaves);
        left.ok(&case.create(&broker, dir, ""));
        left.call("take 0");
        let mut peer = case.connect(&broker, &mut left, false);
        peer.publish(&message("a/b", "first").qos(1, 3));
        peer.expect_ack(AckKind::PubAck, 3);
        peer.publish(&message("a/b", "second").qos(2, 4));
        peer.expect_ack(AckKind::PubRec, 4);
        peer.ack(AckKind::PubRel, 4);
        peer.expect_ack(AckKind::PubComp, 4);
        case.leave(left, dir, &[case.key("q", 1), case.key("q", 2)]);
        drop(peer);

        let mut resumed = Puppet::start(case.api, case.resumes);
        resumed.ok(&case.create(&broker, dir, ""));
        let mut peer = case.connect(&broker, &mut resumed, true);
        peer.publish(&message("a/b", "third").qos(1, 5));
        peer.expect_ack(AckKind::PubAck, 5);
        for expected in ["first", "second", "third"] {
            let arrived = resumed.expect("message");
            assert_eq!(arrived.split(' ').nth(1), Some(expected));
        }
        finish(case, resumed, dir);
    });
}

/// `c-`: messages accepted without a connection.
#[test]
fn messages_waiting() {
    run("waiting", &[Api::Async], |case, dir| {
        let broker = Broker::start();
        let mut left = Puppet::start(case.api, case.leaves);
        left.ok(&case.create(&broker, dir, "offline=1 any=1"));
        for qos in 0..3 {
            left.ok(&format!("send a/b number{qos} {qos}"));
        }
        let records = [1, 2, 3].map(|number| case.key("c", number));
        case.leave(left, dir, &records);

        let mut resumed = Puppet::start(case.api, case.resumes);
        resumed.ok(&case.create(&broker, dir, "offline=1 any=1"));
        let mut peer = case.connect(&broker, &mut resumed, true);
        for qos in 0..3_u8 {
            let publish = peer.expect_publish();
            assert_eq!(
                (publish.qos, publish.payload, publish.dup),
                (qos, format!("number{qos}").into_bytes(), false)
            );
            match qos {
                1 => peer.ack(AckKind::PubAck, publish.id),
                2 => {
                    peer.ack(AckKind::PubRec, publish.id);
                    peer.expect_ack(AckKind::PubRel, publish.id);
                    peer.ack(AckKind::PubComp, publish.id);
                }
                _ => {}
            }
        }
        finish(case, resumed, dir);
    });
}

/// `c-`: requests that the original had accepted and not sent when it was killed, among publishes. Ours never leaves one:
/// they are written to the socket's stream at once.
#[test]
fn requests_waiting() {
    for version in VERSIONS {
        for resumes in [Whose::Ours, Whose::Original] {
            if (version, resumes) == (Version::V311, Whose::Original) {
                // 1.3.12 does not survive its own record of an UNSUBSCRIBE.
                continue;
            }
            requests_waiting_in(Case {
                api: Api::Async,
                version,
                leaves: Whose::Original,
                resumes,
                leaving: Leaving::Kill,
            });
        }
    }
}

fn requests_waiting_in(case: Case) {
    let dir = StoreDir::new(&format!("requests-{:?}-{:?}", case.version, case.resumes));
    let broker = Broker::start();
    let mut left = Puppet::start(case.api, case.leaves);
    left.ok(&case.create(&broker, &dir, ""));
    let peer = case.connect(&broker, &mut left, false);
    // The original sends nothing while the socket has not taken the packet before.
    left.ok("send a/b @40000000 0");
    left.ok("subscribe-two a/+ 1 b/# 2");
    left.ok("send a/b between 1");
    left.ok("unsubscribe c/#");
    left.ok("send a/b behind 2");
    let records = [2, 3, 4, 5].map(|number| case.key("c", number));
    case.leave(left, &dir, &records);
    drop(peer);

    let mut resumed = Puppet::start(case.api, case.resumes);
    resumed.ok(&case.create(&broker, &dir, ""));
    let mut peer = case.connect(&broker, &mut resumed, true);
    let subscribe = peer.expect_subscribe();
    let five = case.version == Version::V5;
    let (options, properties) = if five {
        (0b10_0101, vec![(prop::SUBSCRIPTION_ID, Value::Var(300))])
    } else {
        (1, Vec::new())
    };
    assert_eq!(
        (subscribe.filters, subscribe.properties),
        (
            vec![("a/+".to_owned(), options), ("b/#".to_owned(), 2)],
            properties
        )
    );
    peer.suback(subscribe.id, &[1, 2]);
    let between = peer.expect_publish();
    assert_eq!(
        (between.qos, between.payload, between.dup),
        (1, b"between".to_vec(), false)
    );
    peer.ack(AckKind::PubAck, between.id);
    let unsubscribe = peer.expect_unsubscribe();
    assert_eq!(unsubscribe.filters, ["c/#"]);
    peer.unsuback(unsubscribe.id, if five { &[0] } else { &[] });
    let behind = peer.expect_publish();
    assert_eq!((behind.qos, behind.payload), (2, b"behind".to_vec()));
    peer.ack(AckKind::PubRec, behind.id);
    peer.expect_ack(AckKind::PubRel, behind.id);
    peer.ack(AckKind::PubComp, behind.id);
    finish(case, resumed, &dir);
}

/// All is done: nothing is pending, and the store is empty.
fn finish(case: Case, mut puppet: Puppet, dir: &StoreDir) {
    let deadline = Instant::now() + PATIENCE;
    while !(puppet.pending().is_empty() && dir.records().is_empty()) {
        assert!(
            Instant::now() < deadline,
            "pending {:?}, stored {:?}",
            puppet.pending(),
            dir.records()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    // 1.3.12 sometimes crashes here when it has restored a received message of MQTT 5.
    if case.resumes == Whose::Ours {
        puppet.call("destroy");
    }
}
