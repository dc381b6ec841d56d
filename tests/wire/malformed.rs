//! Runs `vectors.txt` through both APIs: each vector must have the reaction that it says, be reported to the program once,
//! and leave a client that can connect again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::broker::{Broker, Peer, alongside};
use crate::driver::{AsyncClient, ConnectOptions, Event, SyncClient};
use crate::packet::{AckKind, Packet, Value, Version, prop};
use crate::server;

struct Vector {
    version: Version,
    given: &'static str,
    bytes: Vec<Byte>,
    clause: &'static str,
    reaction: Reaction,
    text: &'static str,
}

#[derive(Clone, Copy)]
enum Byte {
    Is(u8),
    /// Half of the packet identifier in flight.
    Id,
}

enum Reaction {
    Refuse,
    Close,
    Disconnect(Vec<u8>),
    Ignore,
}

fn hex(text: &str) -> u8 {
    u8::from_str_radix(text, 16).unwrap_or_else(|_| panic!("{text} in vectors.txt"))
}

fn vectors() -> Vec<Vector> {
    include_str!("vectors.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split(';').map(str::trim).collect();
            let [version, given, bytes, clause, reaction, _what] = fields[..] else {
                panic!("{line}")
            };
            Vector {
                version: if version == "5" {
                    Version::V5
                } else {
                    Version::V311
                },
                given,
                bytes: bytes
                    .split(' ')
                    .map(|byte| {
                        if byte == "ID" {
                            Byte::Id
                        } else {
                            Byte::Is(hex(byte))
                        }
                    })
                    .collect(),
                clause,
                reaction: match reaction {
                    "refuse" => Reaction::Refuse,
                    "close" => Reaction::Close,
                    "ignore" => Reaction::Ignore,
                    codes => Reaction::Disconnect(codes.split('/').map(hex).collect()),
                },
                text: line,
            }
        })
        .collect()
}

impl Vector {
    fn options(&self) -> ConnectOptions {
        let property = match self.given {
            "alias5" => (prop::TOPIC_ALIAS_MAXIMUM, Value::Two(5)),
            "size40" => (prop::MAXIMUM_PACKET_SIZE, Value::Four(40)),
            "receive1" => (prop::RECEIVE_MAXIMUM, Value::Two(1)),
            "noproblem" => (prop::REQUEST_PROBLEM_INFO, Value::Byte(0)),
            _ => return ConnectOptions::default(),
        };
        ConnectOptions::with(&[property])
    }

    fn bytes(&self, id: u16) -> Vec<u8> {
        let mut id = id.to_be_bytes().into_iter();
        self.bytes
            .iter()
            .map(|byte| match byte {
                Byte::Is(byte) => *byte,
                Byte::Id => id.next().unwrap(),
            })
            .collect()
    }

    /// Takes what the client had to send first; its packet identifier.
    fn in_flight(&self, peer: &mut Peer) -> u16 {
        match self.given {
            "publish1" | "publish2" => peer.expect_publish().id,
            "released" => {
                let id = peer.expect_publish().id;
                peer.ack(AckKind::PubRec, id);
                peer.expect_ack(AckKind::PubRel, id);
                id
            }
            "subscribe1" | "subscribe2" => peer.expect_subscribe().id,
            "unsubscribe1" | "unsubscribe2" => peer.expect_unsubscribe().id,
            _ => 0,
        }
    }

    /// Sends the bytes and checks the reaction on the wire.
    fn play(&self, peer: &mut Peer, id: u16) {
        peer.send(&self.bytes(id));
        match &self.reaction {
            Reaction::Refuse | Reaction::Close => expect_end(peer),
            Reaction::Disconnect(codes) => {
                // A message that came before the one too many was acknowledged.
                let mut last = peer.next();
                while matches!(last, Some(Packet::Ack(_))) {
                    last = peer.next();
                }
                match last {
                    Some(Packet::Disconnect(said)) => {
                        assert!(
                            codes.contains(&said.reason),
                            "reason code {:#04x}",
                            said.reason
                        );
                    }
                    other => panic!("no DISCONNECT but {other:?}"),
                }
                expect_end(peer);
            }
            Reaction::Ignore => {
                peer.send(&server::ack(AckKind::PubRel, 0xFFFF));
                loop {
                    match peer.expect() {
                        Packet::Ack(ack) if ack.kind == AckKind::PubComp && ack.id == 0xFFFF => {
                            break;
                        }
                        Packet::Ack(_) => {}
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
    }

    fn loses_the_connection(&self) -> bool {
        matches!(self.reaction, Reaction::Close | Reaction::Disconnect(_))
    }
}

/// The connection is closed, and nothing is sent before.
fn expect_end(peer: &mut Peer) {
    if let Some(packet) = peer.next() {
        panic!("more was sent: {packet:?}");
    }
}

/// Runs the vectors of a version; all that fail are named at the end.
fn run(version: Version, check: impl Fn(&Vector)) {
    let mut failed = Vec::new();
    for vector in vectors().iter().filter(|vector| vector.version == version) {
        if catch_unwind(AssertUnwindSafe(|| check(vector))).is_err() {
            failed.push(vector.text);
        }
    }
    assert!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

fn accept(broker: &Broker) -> Peer {
    let mut peer = broker.accept();
    peer.expect_connect();
    peer.connack(false, &[]);
    peer
}

/// Events up to the one wanted, which is not among them.
fn until(mut next: impl FnMut() -> Event, wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut seen = Vec::new();
    loop {
        let event = next();
        if wanted(&event) {
            return seen;
        }
        seen.push(event);
    }
}

fn is_end(event: &Event) -> bool {
    matches!(event, Event::ConnectionLost | Event::Disconnected { .. })
}

/// `MQTTAsync`.
fn asynchronous(vector: &Vector) {
    let broker = Broker::start();
    let client = AsyncClient::new(vector.version, &broker.uri(), "wire");
    let connected = |event: &Event| matches!(event, Event::Connected { .. });
    assert_eq!(client.connect(&vector.options()), 0);
    if matches!(vector.reaction, Reaction::Refuse) {
        let mut peer = broker.accept();
        peer.expect_connect();
        vector.play(&mut peer, 0);
        assert!(matches!(client.next(), Event::ConnectFailed { .. }));
    } else {
        let mut peer = accept(&broker);
        until(|| client.next(), connected);
        let filters: &[(&[u8], i32)] = &[(b"a", 1), (b"b", 1)];
        match vector.given {
            "publish1" => client.publish("a", b"", 1).map(drop).unwrap(),
            "publish2" | "released" => client.publish("a", b"", 2).map(drop).unwrap(),
            "subscribe1" => client
                .subscribe_with(&filters[..1], &[], &[])
                .map(drop)
                .unwrap(),
            "subscribe2" => client.subscribe_with(filters, &[], &[]).map(drop).unwrap(),
            "unsubscribe1" => client.unsubscribe(&[b"a"], &[]).map(drop).unwrap(),
            "unsubscribe2" => client.unsubscribe(&[b"a", b"b"], &[]).map(drop).unwrap(),
            _ => {}
        }
        let id = vector.in_flight(&mut peer);
        vector.play(&mut peer, id);
        if vector.loses_the_connection() {
            until(|| client.next(), is_end);
        } else {
            assert!(client.is_connected());
            assert_eq!(client.disconnect(), 0);
            let seen = until(|| client.next(), |event| *event == Event::Ended);
            assert!(!seen.iter().any(is_end), "{seen:?}");
        }
    }
    assert!(!client.is_connected());
    assert_eq!(client.connect(&vector.options()), 0);
    let mut peer = accept(&broker);
    let seen = until(|| client.next(), connected);
    assert!(!seen.iter().any(is_end), "reported twice: {seen:?}");
    peer.expect_silence();
    assert_eq!(client.disconnect(), 0);
    peer.expect_disconnect();
    let seen = until(|| client.next(), |event| *event == Event::Ended);
    assert!(!seen.iter().any(is_end), "reported twice: {seen:?}");
}

/// `MQTTClient` with callbacks. Its subscribe waits for the answer, here in vain, while the steps are played.
fn synchronous(vector: &Vector) {
    let broker = Broker::start();
    let client = SyncClient::with_callbacks(vector.version, &broker.uri(), "wire");
    let refused = matches!(vector.reaction, Reaction::Refuse);
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        if refused {
            vector.play(&mut peer, 0);
        } else {
            peer.connack(false, &[]);
            let id = vector.in_flight(&mut peer);
            vector.play(&mut peer, id);
        }
        peer
    };
    let (peer, ()) = alongside(steps, || {
        let code = client.connect(&vector.options());
        assert_eq!(code != 0, refused, "MQTTClient_connect: {code}");
        let filters = [("a", 1), ("b", 1)];
        match vector.given {
            "publish1" => drop(client.publish("a", b"", 1, &[]).unwrap()),
            "publish2" | "released" => drop(client.publish("a", b"", 2, &[]).unwrap()),
            "subscribe1" => drop(client.subscribe(&filters[..1], &[]).unwrap_err()),
            "subscribe2" => drop(client.subscribe(&filters, &[]).unwrap_err()),
            "unsubscribe1" => drop(client.unsubscribe(&["a"]).unwrap_err()),
            "unsubscribe2" => drop(client.unsubscribe(&["a", "b"]).unwrap_err()),
            _ => {}
        }
    });
    if vector.loses_the_connection() {
        until(|| client.next(), is_end);
    } else if !refused {
        assert!(client.is_connected());
        assert_eq!(client.disconnect(0), 0);
    }
    drop(peer);
    assert!(!client.is_connected());
    let steps = || {
        let mut peer = accept(&broker);
        peer.expect_silence();
        peer.publish(&server::message("end", b""));
        peer.expect_disconnect();
    };
    alongside(steps, || {
        assert_eq!(client.connect(&vector.options()), 0);
        let seen = until(|| client.next(), |event| matches!(event, Event::Message(_)));
        assert!(!seen.iter().any(is_end), "reported twice: {seen:?}");
        assert_eq!(client.disconnect(0), 0);
    });
}

#[test]
fn malformed_packets_mqttasync_v311() {
    run(Version::V311, asynchronous);
}

#[test]
fn malformed_packets_mqttasync_v5() {
    run(Version::V5, asynchronous);
}

#[test]
fn malformed_packets_mqttclient_v311() {
    run(Version::V311, synchronous);
}

#[test]
fn malformed_packets_mqttclient_v5() {
    run(Version::V5, synchronous);
}

/// There are at least 150 vectors, no two the same, and each says which clause it is about.
#[test]
fn the_vectors_are_complete() {
    let vectors = vectors();
    assert!(vectors.len() >= 150, "{}", vectors.len());
    let mut texts: Vec<String> = vectors
        .iter()
        .map(|vector| vector.text.split(';').take(3).collect())
        .collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), vectors.len(), "the same vector twice");
    for vector in &vectors {
        let numbers = vector.clause.trim_start_matches("MQTT-");
        let good = numbers
            .split(['.', '-'])
            .all(|number| number.parse::<u8>().is_ok());
        assert!(good, "{}", vector.text);
        assert_eq!(
            vector.given == "connect",
            matches!(vector.reaction, Reaction::Refuse),
            "{}",
            vector.text
        );
    }
}
