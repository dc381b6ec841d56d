//! `paho_c_pub`, `paho_c_sub`, `paho_cs_pub` and `paho_cs_sub`: every pairing of the two libraries but original with original.

use std::fmt::Write as _;

use rustix::process::Signal;

use crate::common::mosquitto::Mosquitto;
use crate::common::output::Flavour;
use crate::common::root;
use crate::programs::{Library, Running, await_subscription, finish, on, program};

const BROKER: [&str; 3] = ["log_type all", "log_dest stderr", "set_tcp_nodelay true"];

const PUBLISHERS: [&str; 2] = ["paho_c_pub", "paho_cs_pub"];
const SUBSCRIBERS: [(&str, Flavour); 2] =
    [("paho_c_sub", Flavour::As), ("paho_cs_sub", Flavour::Cs)];

/// The options that lead to the broker.
fn address(broker: &Mosquitto, version: &str) -> Vec<String> {
    [
        "-h",
        "127.0.0.1",
        "-p",
        &broker.port().to_string(),
        "-V",
        version,
    ]
    .map(str::to_owned)
    .to_vec()
}

fn subscriber(
    broker: &Mosquitto,
    (name, flavour): (&str, Flavour),
    library: Library,
    version: &str,
    topic: &str,
    more: &[&str],
) -> Running {
    let id = format!("{name}-{library:?}-{version}");
    let mut command = on(library, &program(name));
    command
        .args(address(broker, version))
        .args(["-i", &id, "-q", "2", "-v", "-t", topic])
        .args(more);
    let running = Running::start(command);
    await_subscription(broker, &id, topic);
    running.assert_mapped(library, flavour);
    running
}

fn publish(broker: &Mosquitto, name: &str, library: Library, version: &str, more: &[&str]) {
    let mut command = on(library, &program(name));
    command.args(address(broker, version)).args(more);
    finish(command);
}

/// What a subscriber with `-v` prints for a message. `paho_c_sub` puts the length before it; on MQTT 5 the properties follow.
fn line(topic: &str, payload: &str) -> String {
    format!("{topic}\t{payload}")
}

/// Without what comes before the topic.
fn from_topic(line: &str) -> &str {
    let length = line.split(' ').next().unwrap_or_default();
    if !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()) {
        &line[length.len() + 1..]
    } else {
        line
    }
}

/// Returns the QoS, as the text of the message says it; the last one's is the highest.
fn qos_of(line: &str) -> char {
    const SAYS: &str = "hello at ";
    line.find(SAYS)
        .and_then(|at| line[at + SAYS.len()..].chars().next())
        .unwrap_or(char::MAX)
}

fn every_pairing(version: &str) {
    let broker = Mosquitto::start(&BROKER);
    for subscriber_kind in SUBSCRIBERS {
        for subscribing in Library::BOTH {
            let mut running = subscriber(
                &broker,
                subscriber_kind,
                subscribing,
                version,
                "interop/#",
                &[],
            );
            let mut expected = Vec::new();
            for publisher in PUBLISHERS {
                for publishing in Library::BOTH {
                    if (subscribing, publishing) == (Library::Original, Library::Original) {
                        continue;
                    }
                    for qos in ["0", "1", "2"] {
                        let topic = format!("interop/{publisher}/{publishing:?}");
                        let payload = format!("hello at {qos}");
                        let mut more = vec!["-t", &topic, "-q", qos, "-m", &payload];
                        if version == "5" {
                            more.extend(["--user-property", "colour", "blue"]);
                            more.extend(["--message-expiry", "60"]);
                        }
                        publish(&broker, publisher, publishing, version, &more);
                        expected.push(line(&topic, &payload));
                    }
                }
            }
            let end = "the last one";
            publish(
                &broker,
                PUBLISHERS[0],
                Library::Ours,
                version,
                &["-t", "interop/end", "-m", end, "-q", "2"],
            );
            running.await_line(end);
            running.signal(Signal::TERM);
            let printed = running.end();
            let mut messages: Vec<&String> =
                printed.iter().filter(|line| line.contains('\t')).collect();
            // A message may overtake one of a higher QoS, which has more packets to wait for. The last one is behind all.
            messages.sort_by_key(|line| qos_of(line));
            expected.sort_by_key(|line| qos_of(line));
            let mut text = String::new();
            for (got, wanted) in messages.iter().zip(&expected) {
                let same = match from_topic(got).strip_prefix(wanted.as_str()) {
                    Some(rest) => (version == "5") || rest.is_empty(),
                    None => false,
                };
                if !same {
                    let _ = writeln!(text, "- {wanted}\n+ {got}");
                }
            }
            let coloured = printed.iter().filter(|line| line.contains("blue")).count();
            assert_eq!(
                coloured,
                if version == "5" { expected.len() } else { 0 },
                "{}",
                printed.join("\n")
            );
            assert!(
                text.is_empty() && messages.len() == expected.len() + 1,
                "{subscriber_kind:?} on {subscribing:?}:\n{text}{}",
                printed.join("\n")
            );
        }
    }
}

#[test]
fn every_pairing_with_mqtt_31() {
    every_pairing("31");
}

#[test]
fn every_pairing_with_mqtt_311() {
    every_pairing("311");
}

#[test]
fn every_pairing_with_mqtt_5() {
    every_pairing("5");
}

#[test]
fn retained_messages() {
    let broker = Mosquitto::start(&BROKER);
    for version in ["31", "311", "5"] {
        for (publisher, kind) in PUBLISHERS.into_iter().zip(SUBSCRIBERS) {
            for (publishing, subscribing) in [
                (Library::Ours, Library::Original),
                (Library::Original, Library::Ours),
                (Library::Ours, Library::Ours),
            ] {
                let topic = format!("kept/{version}/{publisher}/{publishing:?}/{subscribing:?}");
                publish(
                    &broker,
                    publisher,
                    publishing,
                    version,
                    &["-t", &topic, "-q", "1", "-r", "-m", "kept"],
                );
                let mut running = subscriber(&broker, kind, subscribing, version, &topic, &[]);
                running.await_line(&line(&topic, "kept"));
                // An empty one clears it.
                publish(
                    &broker,
                    publisher,
                    publishing,
                    version,
                    &["-t", &topic, "-q", "1", "-r", "-n"],
                );
                running.await_that(|printed| {
                    printed
                        .strip_suffix('\t')
                        .is_some_and(|line| line.ends_with(&topic))
                });
                running.signal(Signal::INT);
                running.end();
            }
        }
    }
}

#[test]
fn wills() {
    let broker = Mosquitto::start(&BROKER);
    for version in ["311", "5"] {
        for kind in SUBSCRIBERS {
            for (dying, watching) in [
                (Library::Ours, Library::Original),
                (Library::Original, Library::Ours),
            ] {
                let topic = format!("will/{version}/{}/{dying:?}", kind.0);
                let watched = if kind.0 == "paho_c_sub" {
                    SUBSCRIBERS[1]
                } else {
                    SUBSCRIBERS[0]
                };
                let mut watcher = subscriber(&broker, watched, watching, version, &topic, &[]);
                let will = [
                    "--will-topic",
                    &topic,
                    "--will-payload",
                    "was here",
                    "--will-qos",
                    "2",
                ];
                // Said goodbye: no will.
                let leaves = subscriber(&broker, kind, dying, version, "none/leaves", &will);
                leaves.signal(Signal::TERM);
                leaves.end();
                let dies = subscriber(&broker, kind, dying, version, "none/dies", &will);
                dies.signal(Signal::KILL);
                watcher.await_line(&line(&topic, "was here"));
                watcher.signal(Signal::TERM);
                let printed = watcher.end();
                let count = printed
                    .iter()
                    .filter(|line| line.contains("was here"))
                    .count();
                assert_eq!(count, 1, "{printed:?}");
            }
        }
    }
}

#[test]
fn user_and_password() {
    let dir = root().join("tests/c/diff");
    let password_file = format!("password_file {}", dir.join("passwords.txt").display());
    let broker = Mosquitto::start(&[
        "allow_anonymous false",
        &password_file,
        BROKER[0],
        BROKER[1],
    ]);
    for version in ["311", "5"] {
        for kind in SUBSCRIBERS {
            let topic = format!("secret/{version}/{}", kind.0);
            let user = ["-u", "alice", "-P", "secret"];
            let mut running = subscriber(&broker, kind, Library::Ours, version, &topic, &user);
            for publisher in PUBLISHERS {
                let more = [
                    "-t", &topic, "-q", "1", "-m", publisher, "-u", "alice", "-P", "secret",
                ];
                publish(&broker, publisher, Library::Ours, version, &more);
                running.await_line(&line(&topic, publisher));
            }
            // A wrong one. (`paho_c_pub` never ends then, on either library.)
            let mut command = on(Library::Ours, &program("paho_cs_pub"));
            command.args(address(&broker, version)).args(["-t", &topic]);
            command.args(["-m", "x", "-u", "alice", "-P", "wrong"]);
            let refused = finish(command);
            assert!(
                refused.stderr.contains("Connect failed"),
                "{}",
                refused.stderr
            );
            running.signal(Signal::TERM);
            running.end();
        }
    }
}
