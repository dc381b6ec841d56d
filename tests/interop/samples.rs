//! The samples that connect to a server written into them. The distribution's machine code is run as it is; only that text is replaced,
//! in a copy, by the broker's address, which is shorter.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::common::cc::scratch;
use crate::common::mosquitto::Mosquitto;
use crate::common::output::Flavour;
use crate::programs::{Library, Running, await_subscription, finish, on, program};

const BROKER: [&str; 3] = ["log_type all", "log_dest stderr", "set_tcp_nodelay true"];
const SERVERS: [&str; 2] = [
    "tcp://mqtt.eclipseprojects.io:1883",
    "mqtt://localhost:1883",
];

/// A copy of the program that connects to this broker.
fn redirected(broker: &Mosquitto, name: &str) -> PathBuf {
    let mut code = fs::read(program(name)).expect("the program can be read");
    let address = broker.uri();
    let mut found = 0;
    for server in SERVERS {
        let server = server.as_bytes();
        while let Some(at) = code
            .windows(server.len())
            .position(|window| window == server)
        {
            code[at..at + server.len()].fill(0);
            code[at..at + address.len()].copy_from_slice(address.as_bytes());
            found += 1;
        }
    }
    assert!(found > 0, "{name} has another server in it");
    let copy = scratch("samples").join(format!("{name}-{}", broker.port()));
    let text = copy.with_extension("text");
    fs::write(&text, code).expect("the text can be written");
    // The program is written by a process of its own: one that another thread here starts meanwhile would have the file open until
    // its exec, too, and what is open for writing cannot be run (ETXTBSY).
    let mut install = Command::new("install");
    install.arg("--mode=755").arg(&text).arg(&copy);
    assert!(install.status().expect("coreutils").success());
    copy
}

/// A command whose output comes line by line also through a pipe.
fn line_by_line(library: Library, program: &Path) -> Command {
    let mut command = on(library, Path::new("stdbuf"));
    command.arg("-oL").arg(program);
    command
}

fn publishers_with(subscriber: &str, flavour: Flavour) {
    let broker = Mosquitto::start(&BROKER);
    let subscribing = redirected(&broker, subscriber);
    for library in Library::BOTH {
        for (name, publisher_library) in [
            ("MQTTAsync_publish", Library::Ours),
            ("MQTTClient_publish", Library::Ours),
            ("MQTTClient_publish_async", Library::Ours),
            ("MQTTAsync_publish", Library::Original),
        ] {
            let before = subscriptions(&broker);
            let mut running = Running::start(line_by_line(library, &subscribing));
            await_another_subscription(&broker, before);
            running.assert_mapped(library, flavour);
            let said = finish(on(publisher_library, &redirected(&broker, name))).stdout;
            assert!(said.contains("Hello World!"), "{name}: {said}");
            running.await_line("Hello World!");
            running.say("Q\n");
            running.end();
        }
    }
}

fn subscriptions(broker: &Mosquitto) -> usize {
    log(broker)
        .lines()
        .filter(|line| line.contains("ExampleClientSub 1 MQTT Examples"))
        .count()
}

fn log(broker: &Mosquitto) -> String {
    fs::read_to_string(broker.dir().join("mosquitto.log")).unwrap_or_default()
}

fn await_another_subscription(broker: &Mosquitto, before: usize) {
    let deadline = std::time::Instant::now() + crate::programs::PATIENCE;
    while subscriptions(broker) == before {
        assert!(std::time::Instant::now() < deadline, "{}", log(broker));
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn publish_to_mqttasync_subscribe() {
    publishers_with("MQTTAsync_subscribe", Flavour::A);
}

#[test]
fn publish_to_mqttclient_subscribe() {
    publishers_with("MQTTClient_subscribe", Flavour::C);
}

#[test]
fn the_time() {
    let broker = Mosquitto::start(&BROKER);
    let publisher = redirected(&broker, "MQTTAsync_publish_time");
    let mut command = on(Library::Original, &program("paho_c_sub"));
    let port = broker.port().to_string();
    command.args([
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "-i",
        "watch",
        "-v",
        "-t",
        "data/time",
    ]);
    let mut watcher = Running::start(command);
    await_subscription(&broker, "watch", "data/time");
    let running = Running::start(on(Library::Ours, &publisher));
    watcher.await_line("data/time\t");
    running.assert_mapped(Library::Ours, Flavour::A);
    running.signal(Signal::KILL);
    watcher.signal(Signal::TERM);
    watcher.end();
}

/// Every program of the package, short-lived ones included, gets our library and no other.
#[test]
fn the_loader_finds_our_library() {
    let ours = fs::canonicalize(Library::Ours.dir()).expect("it is there");
    for (name, flavour) in [
        ("paho_c_pub", Flavour::As),
        ("paho_c_sub", Flavour::As),
        ("paho_cs_pub", Flavour::Cs),
        ("paho_cs_sub", Flavour::Cs),
        ("MQTTAsync_publish", Flavour::A),
        ("MQTTAsync_publish_time", Flavour::A),
        ("MQTTAsync_subscribe", Flavour::A),
        ("MQTTClient_publish", Flavour::C),
        ("MQTTClient_publish_async", Flavour::C),
        ("MQTTClient_subscribe", Flavour::C),
    ] {
        let mut command = on(Library::Ours, &program(name));
        // What ldd does: the loader lists what it has found, and the program does not run.
        command.env("LD_TRACE_LOADED_OBJECTS", "1");
        let listed = finish(command).stdout;
        let found = listed
            .lines()
            .find_map(|line| {
                line.trim()
                    .strip_prefix(&format!("{} => ", flavour.soname()))
            })
            .unwrap_or_else(|| panic!("{name} does not need {}:\n{listed}", flavour.soname()));
        let path = found.split(' ').next().unwrap_or_default();
        let path = fs::canonicalize(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(path.starts_with(&ours), "{name}: {}", path.display());
    }
}
