//! A mosquitto that listens on every kind of road at once.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fmt::Write as _;
use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use openssl::symm::Cipher;

use super::certs::Identity;
use super::tinyproxy::{Server, free_ports, server_program};
use super::transport_common::{PATIENCE, TempDir, temp_dir};

/// Identity and key that the listener for pre-shared keys knows.
pub const PSK: (&str, &str) = ("device", "00ff1a2b3c4d5e6f");
/// Pass phrase of `client.enc.key`.
pub const PASS_PHRASE: &str = "opensesame";

/// The listeners, in the order of [`LISTENERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    Plain,
    /// Any version of TLS.
    Tls,
    Tls12,
    Tls13,
    /// Wants a certificate of the client.
    Certificate12,
    Certificate13,
    /// The server's certificate is another host's.
    OtherHost,
    /// Pre-shared key.
    Psk12,
    Psk13,
    Ws,
    Wss12,
    Wss13,
}

const SERVER: &str = "cafile @/ca.pem\ncertfile @/server.pem\nkeyfile @/server.key\n";
const OTHER: &str = "certfile @/other.pem\nkeyfile @/other.key\n";
const V12: &str = "tls_version tlsv1.2\n";
const V13: &str = "tls_version tlsv1.3\n";
const DEMANDING: &str = "require_certificate true\nuse_identity_as_username true\n";
const HINT: &str = "psk_hint hint\nuse_identity_as_username true\n";
const WEBSOCKETS: &str = "protocol websockets\n";

/// What each says beyond `listener`; `@` stands for the directory.
const LISTENERS: [(Road, &[&str]); 12] = [
    (Road::Plain, &[]),
    (Road::Tls, &[SERVER]),
    (Road::Tls12, &[SERVER, V12]),
    (Road::Tls13, &[SERVER, V13]),
    (Road::Certificate12, &[SERVER, V12, DEMANDING]),
    (Road::Certificate13, &[SERVER, V13, DEMANDING]),
    (Road::OtherHost, &[OTHER]),
    (Road::Psk12, &[HINT, V12]),
    (Road::Psk13, &[HINT, V13]),
    (Road::Ws, &[WEBSOCKETS]),
    (Road::Wss12, &[WEBSOCKETS, SERVER, V12]),
    (Road::Wss13, &[WEBSOCKETS, SERVER, V13]),
];

/// The broker, and the certificates that were made for it.
pub struct Broker {
    _server: Server,
    ports: Vec<u16>,
    dir: TempDir,
}

impl Broker {
    pub fn start() -> Self {
        let dir = temp_dir();
        make_certificates(&dir);
        for _ in 0..10 {
            let ports = free_ports(LISTENERS.len());
            let mut config = "user root\nlog_type all\nlog_dest stderr\nallow_anonymous true\n\
                              set_tcp_nodelay true\npsk_file @/psk\n"
                .to_owned();
            for ((_, lines), port) in LISTENERS.iter().zip(&ports) {
                let _ = write!(config, "listener {port} 127.0.0.1\n{}", lines.concat());
            }
            config += "listener 0 @/mosquitto.sock\n";
            let config = config.replace('@', dir.path().to_str().unwrap());
            let (file, log) = (
                dir.path().join("mosquitto.conf"),
                dir.path().join("mosquitto.log"),
            );
            fs::write(&file, config).unwrap();
            let child = server_program("mosquitto")
                .arg("-c")
                .arg(file)
                .stdin(Stdio::null())
                .stderr(fs::File::create(&log).unwrap())
                .spawn()
                .expect("mosquitto is installed (apt-get install mosquitto)");
            let mut server = Server::new(child);
            let start = Instant::now();
            while start.elapsed() < PATIENCE && !server.has_ended() {
                if fs::read_to_string(&log).unwrap().contains(" running\n") {
                    return Self {
                        _server: server,
                        ports,
                        dir,
                    };
                }
                thread::sleep(Duration::from_millis(5));
            }
            eprintln!("{}", fs::read_to_string(&log).unwrap());
        }
        panic!("mosquitto does not start");
    }

    pub fn port(&self, road: Road) -> u16 {
        let index = LISTENERS.iter().position(|(listener, _)| *listener == road);
        self.ports[index.unwrap()]
    }

    /// A file of its directory: `ca.pem`, `client.pem`, `mosquitto.sock` and so on.
    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// Waits until its log has such a line.
    pub fn await_log(&self, wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = fs::read(self.path("mosquitto.log")).unwrap();
            let log = String::from_utf8_lossy(&log);
            if log.lines().any(&wanted) {
                return;
            }
            assert!(Instant::now() < deadline, "not in the broker's log:\n{log}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Files of a CA, of servers and of clients, good and bad: `<name>.pem` and `<name>.key` each.
fn make_certificates(dir: &TempDir) {
    let write = |name: &str, content: &[u8]| fs::write(dir.path().join(name), content).unwrap();
    let ca = Identity::authority();
    write("ca.pem", &ca.certificate_pem());
    let other_ca = Identity::authority();
    write("other-ca.pem", &other_ca.certificate_pem());
    let client = Identity::named("client", None, Some(&ca), 10);
    for (name, identity) in [
        ("server", &Identity::localhost(Some(&ca))),
        (
            "other",
            &Identity::named("other.example", None, Some(&ca), 10),
        ),
        ("client", &client),
        (
            "wrong",
            &Identity::named("client", None, Some(&other_ca), 10),
        ),
        ("expired", &Identity::named("client", None, Some(&ca), -1)),
    ] {
        write(&format!("{name}.pem"), &identity.certificate_pem());
        write(&format!("{name}.key"), &identity.key_pem());
    }
    let encrypted = client
        .key
        .private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), PASS_PHRASE.as_bytes());
    write("client.enc.key", &encrypted.unwrap());
    write("psk", format!("{}:{}\n", PSK.0, PSK.1).as_bytes());
}
