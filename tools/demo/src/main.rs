//! `make demo`: starts a broker on a free loopback port, runs the sample programs against it with the protocol trace on,
//! and tells what travelled. Fails when a message that was published did not arrive.
//!
//! Usage: `paho-demo [--broker auto|mosquitto|embedded] <directory of the samples>`.

mod broker;
mod scene;

use std::path::PathBuf;
use std::process::ExitCode;

use broker::{Broker, Kind};
use scene::{End, Scene};

/// What the `MQTTClient_*` and `MQTTAsync_*` samples publish when not told otherwise.
const HELLO: &str = "Hello World!";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let (kind, directory) = arguments()?;
    let broker = Broker::start(kind)?;
    let uri = broker.uri();
    println!("Broker: {}, on {uri}", broker.name());
    println!(
        "  $ a program is started   --> it sends a packet   <-- it receives one   \" it prints\n"
    );

    let v5 = |program, topic, rest: &[&'static str]| -> Vec<String> {
        let options = [program, "-c", &uri, "-V", "5", "-t", topic];
        options.iter().chain(rest).map(|&s| s.to_owned()).collect()
    };
    let plain = |program: &str| vec![program.to_owned(), uri.clone()];
    let scenes = [
        Scene {
            title: "The blocking API, MQTT 3.1.1: MQTTClient",
            subscriber: plain("MQTTClient_subscribe"),
            publishers: vec![
                plain("MQTTClient_publish"),
                plain("MQTTClient_publish_async"),
            ],
            message: HELLO,
            end: End::Quit,
        },
        Scene {
            title: "The asynchronous API, MQTT 3.1.1: MQTTAsync",
            subscriber: plain("MQTTAsync_subscribe"),
            publishers: vec![plain("MQTTAsync_publish")],
            message: HELLO,
            end: End::Quit,
        },
        Scene {
            title: "MQTT 5 with the asynchronous API receiving, at QoS 2",
            subscriber: v5("paho_c_sub", "demo/async", &["-q", "2", "-v"]),
            publishers: vec![v5(
                "paho_cs_pub",
                "demo/async",
                &[
                    "-q",
                    "2",
                    "-m",
                    "exactly once",
                    "--user-property",
                    "from",
                    "demo",
                ],
            )],
            message: "exactly once",
            end: End::Interrupt,
        },
        Scene {
            title: "MQTT 5 with the blocking API receiving, at QoS 1",
            subscriber: v5("paho_cs_sub", "demo/blocking", &["-q", "1", "-v"]),
            publishers: vec![v5(
                "paho_c_pub",
                "demo/blocking",
                &[
                    "-q",
                    "1",
                    "-m",
                    "at least once",
                    "--user-property",
                    "from",
                    "demo",
                ],
            )],
            message: "at least once",
            end: End::Interrupt,
        },
    ];

    let mut messages = 0;
    for (number, scene) in scenes.iter().enumerate() {
        println!("{}. {}", number + 1, scene.title);
        scene
            .play(&directory)
            .map_err(|e| format!("{}: {e}", scene.title))?;
        messages += scene.publishers.len();
        println!();
    }
    println!("All {messages} messages arrived.");
    Ok(())
}

fn arguments() -> Result<(Kind, PathBuf), String> {
    const USAGE: &str =
        "usage: paho-demo [--broker auto|mosquitto|embedded] <directory of the samples>";
    let mut kind = Kind::Auto;
    let mut directory = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--broker" {
            kind = match arguments.next().as_deref() {
                Some("auto") => Kind::Auto,
                Some("mosquitto") => Kind::Mosquitto,
                Some("embedded") => Kind::Embedded,
                _ => return Err(USAGE.into()),
            };
        } else {
            directory = Some(PathBuf::from(argument));
        }
    }
    // Absolute: a program name with a relative directory would be looked up differently per platform.
    let directory = directory.ok_or(USAGE)?;
    let directory = directory
        .canonicalize()
        .map_err(|e| format!("{}: {e}", directory.display()))?;
    Ok((kind, directory))
}
