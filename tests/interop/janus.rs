//! Debian's Janus, a WebRTC server with a transport over MQTT, as the distribution built it: it takes `topicLen` for the topic's
//! length, and so answered nothing on a library that passed 0.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::common::cc::scratch;
use crate::common::mosquitto::Mosquitto;
use crate::common::output::Flavour;
use crate::programs::{Library, PATIENCE, Running, on};

/// How long one question waits for its answer before it is asked again: what is sent before Janus has subscribed is lost.
const TRY: Duration = Duration::from_millis(500);

/// The folder with Janus's transports.
fn transports() -> PathBuf {
    ["x86_64-linux-gnu", "aarch64-linux-gnu"]
        .iter()
        .map(|target| Path::new("/usr/lib").join(target).join("janus/transports"))
        .find(|folder| folder.join("libjanus_mqtt.so").exists())
        .expect("Janus's MQTT transport is there (apt-get install janus)")
}

/// Writes a configuration with the MQTT transport alone, and nothing that leaves the loopback interface.
fn configure(name: &str, broker: &Mosquitto) -> PathBuf {
    let folder = scratch(name);
    for part in ["conf", "plugins", "transports", "events", "loggers"] {
        fs::create_dir_all(folder.join(part)).expect("a folder for Janus");
    }
    let link = folder.join("transports/libjanus_mqtt.so");
    let _ = fs::remove_file(&link);
    symlink(transports().join("libjanus_mqtt.so"), link).expect("a link to the transport");
    let root = folder.display();
    fs::write(
        folder.join("conf/janus.jcfg"),
        format!(
            "general: {{\n\
             configs_folder = \"{root}/conf\"\nplugins_folder = \"{root}/plugins\"\n\
             transports_folder = \"{root}/transports\"\nevents_folder = \"{root}/events\"\n\
             loggers_folder = \"{root}/loggers\"\ninterface = \"127.0.0.1\"\nprotected_folders = []\n}}\n\
             nat: {{\nice_enforce_list = \"127.0.0.1\"\n}}\n"
        ),
    )
    .expect("Janus's configuration");
    fs::write(
        folder.join("conf/janus.transport.mqtt.jcfg"),
        format!(
            "general: {{\nenabled = true\nurl = \"{}\"\nclient_id = \"janus\"\n\
             subscribe_topic = \"to-janus\"\npublish_topic = \"from-janus\"\n}}\n",
            broker.uri()
        ),
    )
    .expect("the transport's configuration");
    folder
}

/// Somebody who talks to Janus: a connection to the broker with packets made by hand, so that nothing of ours is on both sides.
struct Caller(TcpStream);

impl Caller {
    fn new(broker: &Mosquitto) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", broker.port())).expect("the broker");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        stream
            .write_all(b"\x10\x12\x00\x04MQTT\x04\x02\x00\x00\x00\x06caller")
            .expect("CONNECT is sent");
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).expect("CONNACK");
        assert_eq!(answer, [0x20, 2, 0, 0]);
        stream
            .write_all(b"\x82\x0f\x00\x01\x00\x0afrom-janus\x00")
            .expect("SUBSCRIBE is sent");
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).expect("SUBACK");
        assert_eq!(answer[0], 0x90);
        stream.set_read_timeout(Some(TRY)).expect("a limit");
        Self(stream)
    }

    /// Asks Janus for its description until it gives it.
    fn ask(&mut self) {
        let question = br#"{"janus":"info","transaction":"t"}"#;
        let mut packet = vec![0x30, u8::try_from(question.len() + 10).expect("short")];
        packet.extend_from_slice(b"\x00\x08to-janus");
        packet.extend_from_slice(question);
        let deadline = Instant::now() + PATIENCE;
        let mut answer = Vec::new();
        while Instant::now() < deadline {
            self.0.write_all(&packet).expect("the question is sent");
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = self.0.read(&mut buffer) {
                answer.extend_from_slice(&buffer[..count]);
                if String::from_utf8_lossy(&answer).contains("server_info") {
                    return;
                }
            }
        }
        panic!("Janus does not answer");
    }
}

fn answers(library: Library) {
    let mut broker = Mosquitto::start(&[]);
    let folder = configure(&format!("janus-{library:?}"), &broker);
    let mut command = on(library, Path::new("/usr/bin/janus"));
    command.arg("-F").arg(folder.join("conf"));
    let running = Running::start(command);
    Caller::new(&broker).ask();
    running.assert_mapped(library, Flavour::As);
    broker.restart();
    Caller::new(&broker).ask();
    running.signal(Signal::INT);
    running.end();
}

#[test]
fn janus_answers_and_answers_again_after_the_brokers_restart() {
    answers(Library::Ours);
}

#[test]
fn so_it_does_on_the_original() {
    answers(Library::Original);
}
