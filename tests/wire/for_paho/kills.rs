//! `manual-acks` and SIGKILL: what a program had not acknowledged comes again to the next process, and what it had does not.

use std::ffi::CString;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::broker::{Broker, Peer};
use crate::driver::for_paho::{ALL, Api, Client};
use crate::driver::{ConnectOptions, Event};
use crate::packet::{AckKind, Version};
use crate::server::message;

/// In the environment of a program: API, version, server, store ("-" is none).
const PROGRAM: &str = "PAHO_OXIDE_MANUAL_ACKS";

/// The program, in a process of its own: it says what comes, and acknowledges what it is told to.
#[test]
fn program() {
    let Ok(order) = std::env::var(PROGRAM) else {
        // Only the tests below start it as a program.
        return;
    };
    let words: Vec<&str> = order.split(' ').collect();
    let [api, version, uri, store] = words[..] else {
        panic!("{order}")
    };
    let api = if api == "Async" {
        Api::Async
    } else {
        Api::Sync
    };
    let version = if version == "V5" {
        Version::V5
    } else {
        Version::V311
    };
    let client = if store == "-" {
        Client::new(api, version, uri)
    } else {
        Client::with_store(api, version, uri, &CString::new(store).unwrap())
    };
    assert_eq!(client.set("manual-acks", "unordered"), 0);
    client.connect_well(&ConnectOptions::resuming());
    let mut orders = std::io::stdin().lines();
    loop {
        // One thing at a time: either a message is due, or an order.
        let order = orders.next().expect("an order").unwrap();
        match order.split_once(' ') {
            None => match client.next() {
                Event::Message(message) => {
                    let text = String::from_utf8(message.payload).unwrap();
                    println!("\nmessage {} {} {text}", message.id, message.qos);
                }
                other => panic!("{other:?}"),
            },
            Some((_, id)) => {
                let code = client.acknowledge(id.parse().unwrap());
                println!("\nacknowledged {code}");
            }
        }
    }
}

struct Program {
    child: Child,
    orders: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Program {
    /// Starts a program, and accepts its connection.
    fn start(
        case: (Api, Version),
        broker: &Broker,
        store: Option<&PathBuf>,
        present: bool,
    ) -> (Self, Peer) {
        let store = store.map_or("-".into(), |store| store.display().to_string());
        let order = format!("{:?} {:?} {} {store}", case.0, case.1, broker.uri());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "for_paho::kills::program", "--nocapture"])
            .env(PROGRAM, order)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(present, &[]);
        let program = Self {
            child,
            orders,
            output,
        };
        (program, peer)
    }

    fn says(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            let length = self.output.read_line(&mut line).unwrap();
            assert!(length > 0, "the program ended");
            if let Some(rest) = line.trim_end().strip_prefix(word) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Identifier, `QoS` and payload of the next message.
    fn message(&mut self) -> (String, String) {
        self.orders.write_all(b"message\n").unwrap();
        let said = self.says("message ");
        let (id, rest) = said.split_once(' ').unwrap();
        (id.to_owned(), rest.to_owned())
    }

    fn acknowledge(&mut self, id: &str) {
        self.orders
            .write_all(format!("ack {id}\n").as_bytes())
            .unwrap();
        assert_eq!(self.says("acknowledged"), "0");
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// All cases: both APIs, both versions, with a store and without. A folder that an earlier run may have left is emptied.
fn every_case(name: &str, mut run: impl FnMut((Api, Version), Option<&PathBuf>)) {
    for case in ALL {
        run(case, None);
        let dir = format!("{name}-{:?}-{:?}", case.0, case.1);
        let store = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(dir);
        let _ = std::fs::remove_dir_all(&store);
        std::fs::create_dir_all(&store).unwrap();
        run(case, Some(&store));
        std::fs::remove_dir_all(&store).unwrap();
    }
}

#[test]
fn a_message_of_qos_1_comes_again_until_it_is_acknowledged() {
    every_case("kill-1", |case, store| {
        let broker = Broker::start();
        let (mut first, mut peer) = Program::start(case, &broker, store, false);
        peer.publish(&message("a", b"one").qos(1, 7));
        assert_eq!(first.message().1, "1 one");
        assert!(!peer.has_sent(), "nothing is acknowledged");
        first.kill();

        let (mut second, mut peer) = Program::start(case, &broker, store, true);
        peer.publish(&message("a", b"one").qos(1, 7).again());
        let (id, text) = second.message();
        assert_eq!(text, "1 one", "{case:?}");
        second.acknowledge(&id);
        peer.expect_ack(AckKind::PubAck, 7);
        second.kill();

        // It is not in the store either.
        let (mut third, mut peer) = Program::start(case, &broker, store, true);
        peer.publish(&message("a", b"two").qos(1, 7));
        assert_eq!(third.message().1, "1 two", "{case:?}");
        third.kill();
    });
}

/// Handed over at PUBLISH: the acknowledgement is PUBREC. Below MQTT 5 with a store at PUBREL: it is PUBCOMP.
#[test]
fn a_message_of_qos_2_comes_again_until_it_is_acknowledged_and_then_never() {
    every_case("kill-2", |case, store| {
        let at_release = store.is_some() && case.1 == Version::V311;
        let broker = Broker::start();
        let (mut first, mut peer) = Program::start(case, &broker, store, false);
        peer.publish(&message("a", b"one").qos(2, 7));
        if at_release {
            peer.expect_ack(AckKind::PubRec, 7);
            // Killed with the message held: it is in the store.
            first.kill();
            (first, peer) = Program::start(case, &broker, store, true);
            peer.ack(AckKind::PubRel, 7);
        }
        assert_eq!(first.message().1, "2 one", "{case:?}");
        assert!(!peer.has_sent(), "nothing is acknowledged");
        first.kill();

        let (mut second, mut peer) = Program::start(case, &broker, store, true);
        if at_release {
            peer.ack(AckKind::PubRel, 7);
        } else {
            peer.publish(&message("a", b"one").qos(2, 7).again());
        }
        let (id, text) = second.message();
        assert_eq!(text, "2 one", "{case:?}");
        assert!(!peer.has_sent(), "nothing is acknowledged");
        second.acknowledge(&id);
        if at_release {
            peer.expect_ack(AckKind::PubComp, 7);
        } else {
            peer.expect_ack(AckKind::PubRec, 7);
        }
        second.kill();

        // The server has not heard the end of it, or has: the program is not told of the message again.
        let (mut third, mut peer) = Program::start(case, &broker, store, true);
        peer.ack(AckKind::PubRel, 7);
        peer.expect_ack(AckKind::PubComp, 7);
        peer.publish(&message("a", b"two").qos(1, 8));
        assert_eq!(third.message().1, "1 two", "{case:?}");
        third.kill();
    });
}
