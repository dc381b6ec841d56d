//! mosquitto listening on every kind of road at once.
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

/// The listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    Plain,
    /// Any version of TLS.
    Tls,
    /// The server's certificate is another host's.
    OtherHost,
    Ws,
    /// Plain TCP to the brokers that have the following.
    Plain12,
    Plain13,
    Tls12,
    Tls13,
    /// Wants a certificate of the client.
    Certificate12,
    Certificate13,
    /// Pre-shared key.
    Psk12,
    Psk13,
    Wss12,
    Wss13,
}

const SERVER: &str = "cafile @/ca.pem\ncertfile @/server.pem\nkeyfile @/server.key\n";
const OTHER: &str = "certfile @/other.pem\nkeyfile @/other.key\n";
const DEMANDING: &str = "require_certificate true\nuse_identity_as_username true\n";
const HINT: &str = "psk_hint hint\nuse_identity_as_username true\n";
const WEBSOCKETS: &str = "protocol websockets\n";

/// One process: its name, how its TLS is limited, and what each listener says beyond `listener`; `@` stands for the directory.
type Process = (
    &'static str,
    &'static str,
    &'static [(Road, &'static [&'static str])],
);

/// mosquitto has no option for one version of TLS and no other, but OpenSSL's configuration has, for a whole process.
const PROCESSES: [Process; 3] = [
    (
        "mosquitto",
        "",
        &[
            (Road::Plain, &[]),
            (Road::Tls, &[SERVER]),
            (Road::OtherHost, &[OTHER]),
            (Road::Ws, &[WEBSOCKETS]),
        ],
    ),
    (
        "mosquitto-1.2",
        "MaxProtocol = TLSv1.2\n",
        &[
            (Road::Plain12, &[]),
            (Road::Tls12, &[SERVER]),
            (Road::Certificate12, &[SERVER, DEMANDING]),
            (Road::Psk12, &[HINT]),
            (Road::Wss12, &[WEBSOCKETS, SERVER]),
        ],
    ),
    (
        "mosquitto-1.3",
        "MinProtocol = TLSv1.3\n",
        &[
            (Road::Plain13, &[]),
            (Road::Tls13, &[SERVER]),
            (Road::Certificate13, &[SERVER, DEMANDING]),
            (Road::Psk13, &[HINT]),
            (Road::Wss13, &[WEBSOCKETS, SERVER]),
        ],
    ),
];

/// The brokers, and the certificates that were made for them.
pub struct Broker {
    servers: Vec<Server>,
    ports: Vec<(Road, u16)>,
    dir: TempDir,
}

impl Broker {
    pub fn start() -> Self {
        let dir = temp_dir();
        make_certificates(&dir);
        let mut broker = Self {
            servers: Vec::new(),
            ports: Vec::new(),
            dir,
        };
        for process in PROCESSES {
            broker.add(process);
        }
        broker
    }

    fn add(&mut self, (name, tls, listeners): Process) {
        for _ in 0..10 {
            let ports = free_ports(listeners.len());
            let mut config = "user root\nlog_type all\nlog_dest stderr\nallow_anonymous true\n\
                              set_tcp_nodelay true\npsk_file @/psk\n"
                .to_owned();
            for ((_, lines), port) in listeners.iter().zip(&ports) {
                let _ = write!(config, "listener {port} 127.0.0.1\n{}", lines.concat());
            }
            let _ = writeln!(config, "listener 0 @/{name}.sock");
            let config = config.replace("@/", &self.path(""));
            let (file, log) = (
                self.path(&format!("{name}.conf")),
                self.path(&format!("{name}.log")),
            );
            let openssl = self.path(&format!("{name}.cnf"));
            fs::write(&file, config).unwrap();
            let limits = "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = limits\n[limits]\n";
            fs::write(&openssl, format!("{limits}{tls}")).unwrap();
            let child = server_program("mosquitto")
                .arg("-c")
                .arg(file)
                .env("OPENSSL_CONF", openssl)
                .stdin(Stdio::null())
                .stderr(fs::File::create(&log).unwrap())
                .spawn()
                .expect("mosquitto is installed (apt-get install mosquitto)");
            let mut server = Server::new(child);
            let start = Instant::now();
            while start.elapsed() < PATIENCE && !server.has_ended() {
                if fs::read_to_string(&log).unwrap().contains(" running\n") {
                    self.servers.push(server);
                    self.ports
                        .extend(listeners.iter().map(|(road, _)| *road).zip(ports));
                    return;
                }
                thread::sleep(Duration::from_millis(5));
            }
            eprintln!("{}", fs::read_to_string(&log).unwrap());
        }
        panic!("{name} does not start");
    }

    pub fn port(&self, road: Road) -> u16 {
        let found = self.ports.iter().find(|(listener, _)| *listener == road);
        found.unwrap().1
    }

    /// A file of its directory: `ca.pem`, `client.pem`, `mosquitto.sock` and so on.
    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// What all of them have logged so far.
    pub fn log(&self) -> String {
        let read = |(name, _, _): Process| {
            let bytes = fs::read(self.path(&format!("{name}.log"))).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        PROCESSES.map(read).concat()
    }

    /// Waits until their log has such a line.
    pub fn await_log(&self, wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = self.log();
            if log.lines().any(&wanted) {
                return;
            }
            assert!(Instant::now() < deadline, "not in the brokers' log:\n{log}");
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
