//! A program that is killed between a message and its acknowledgement gets the message again.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use paho_oxide::events::{Acks, Connect, Create, DUPLICATE, Kind, StoreOptions};
use paho_oxide::protocol::QoS;
use paho_oxide::protocol::packet::Filter;
use paho_oxide::protocol::property::PropertiesRef;

use crate::common::mosquitto::Mosquitto;
use crate::server::{Program, message};
use crate::stores::Scratch;

/// In the environment of a subscriber: where the broker is, how it subscribes, and whether it acknowledges.
const SUBSCRIBER: &str = "PAHO_OXIDE_SUBSCRIBER";

fn connect() -> Connect {
    Connect {
        clean: false,
        ..Connect::default()
    }
}

fn attach(program: &Program, port: u16) {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("the broker listens");
    program
        .client
        .attach_fd(stream.into(), connect())
        .expect("attached");
    program.expect(Kind::Connected);
}

/// The subscriber, in a process of its own: it says what comes, and acknowledges if it is told to.
#[test]
fn subscriber() {
    let Ok(order) = std::env::var(SUBSCRIBER) else {
        // Only the test below starts it as a program.
        return;
    };
    let words: Vec<&str> = order.split(' ').collect();
    let [port, qos, at_publish, acknowledges, store] = words[..] else {
        panic!("{order}")
    };
    let program = Program::new(Create {
        client_id: "subscriber".into(),
        acks: Acks {
            by_program: true,
            ordered: false,
            qos2_at_publish: at_publish == "publish",
        },
        store: StoreOptions::File {
            directory: store.into(),
            server: "tcp://broker".into(),
        },
        ..Create::default()
    });
    attach(&program, port.parse().expect("a port"));
    let qos = if qos == "1" {
        QoS::AtLeastOnce
    } else {
        QoS::ExactlyOnce
    };
    let filter = Filter {
        filter: b"t",
        qos,
        no_local: false,
        retain_as_published: false,
        retain_handling: 0,
    };
    let asked = program.client.subscribe(&[filter], PropertiesRef::EMPTY);
    asked.expect("connected");
    loop {
        let record = program.next();
        match record.head.kind {
            Kind::SubAck => println!("\nready"),
            Kind::Message => {
                let text = String::from_utf8_lossy(record.payload()).into_owned();
                println!("\nmessage {text} {}", record.head.flags & DUPLICATE);
                if acknowledges == "yes" {
                    let token = std::num::NonZeroU64::new(record.head.token);
                    let given = program.client.ack(token.into_iter(), 0);
                    assert_eq!(given.expect("connected"), 1);
                }
            }
            Kind::Lost => return,
            other => panic!("{other:?}"),
        }
    }
}

struct Subscriber {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Subscriber {
    fn start(port: u16, how: &str, acknowledges: bool, store: &Scratch) -> Self {
        let acknowledges = if acknowledges { "yes" } else { "no" };
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "kills::subscriber", "--nocapture"])
            .env(
                SUBSCRIBER,
                format!("{port} {how} {acknowledges} {}", store.text()),
            )
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, output }
    }

    /// The next thing that it says, but for "ready" where that is not asked for.
    fn says(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            let length = self.output.read_line(&mut line).expect("its output");
            assert!(length > 0, "it ended");
            if let Some(rest) = line.trim_end().strip_prefix(word) {
                return rest.trim().to_owned();
            }
        }
    }

    fn kill(mut self) {
        self.child.kill().expect("alive");
        self.child.wait().expect("ended");
    }
}

#[test]
fn a_message_comes_again_that_was_not_acknowledged_before_a_kill() {
    for how in ["1 publish", "2 publish", "2 pubrel"] {
        let broker = Mosquitto::start(&[]);
        let store = Scratch::new();
        let mut first = Subscriber::start(broker.port(), how, false, &store);
        first.says("ready");
        let publisher = Program::new(Create {
            client_id: "publisher".into(),
            ..Create::default()
        });
        attach(&publisher, broker.port());
        let qos = QoS::ExactlyOnce;
        publisher
            .client
            .publish(&message(qos, b"one"), paho_oxide::events::Manner::default())
            .expect("connected");
        publisher.expect(Kind::Done);
        assert_eq!(first.says("message"), "one 0", "{how}");
        first.kill();

        let mut second = Subscriber::start(broker.port(), how, true, &store);
        let again = second.says("message");
        assert!(again.starts_with("one "), "{how}: {again}");
        // What follows shows that the first was acknowledged only after it had come again, and comes no third time.
        publisher
            .client
            .publish(&message(qos, b"two"), paho_oxide::events::Manner::default())
            .expect("connected");
        publisher.expect(Kind::Done);
        assert!(second.says("message").starts_with("two "), "{how}");
        second.kill();
    }
}
