//! Every road to a real broker: mosquitto, also through a tunnel.
#![cfg(feature = "tls")]

#[path = "transport_common/certs.rs"]
mod certs;
mod transport_common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use certs::Identity;
use paho_oxide::client::options::{ConnectOptions, TlsOptions, TlsVersion};
use paho_oxide::transport::Connector;
use transport_common::{TempDir, connect_with, mqtt_connect, options, temp_dir};

struct Mosquitto {
    child: Child,
    ports: Vec<u16>,
    dir: TempDir,
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Mosquitto {
    /// Listeners, in this order: plain, TLS, client certificate, PSK, WebSocket, secure WebSocket; and a Unix socket.
    fn start() -> Self {
        let dir = temp_dir();
        let ca = Identity::authority();
        let server = Identity::localhost(Some(&ca));
        let client = Identity::named("client", None, Some(&ca), 10);
        let write =
            |name: &str, content: &[u8]| std::fs::write(dir.path().join(name), content).unwrap();
        write("ca.pem", &ca.certificate_pem());
        write("server.pem", &server.certificate_pem());
        write("server.key", &server.key_pem());
        write(
            "client.pem",
            &[client.certificate_pem(), client.key_pem()].concat(),
        );
        write("psk", b"me:01020304\n");
        let at = dir.path().display();
        let tls =
            format!("cafile {at}/ca.pem\ncertfile {at}/server.pem\nkeyfile {at}/server.key\n");
        for _ in 0..10 {
            // All are held until each is known, so that they differ. Should one be taken before mosquitto has it, it
            // says so and ends.
            let held: Vec<_> = (0..6)
                .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
                .collect();
            let ports: Vec<_> = held
                .iter()
                .map(|listener| listener.local_addr().unwrap().port())
                .collect();
            drop(held);
            let config = format!(
                "user root\nallow_anonymous true\nlog_dest stderr\n\
                 listener {} 127.0.0.1\n\
                 listener {} 127.0.0.1\n{tls}\
                 listener {} 127.0.0.1\n{tls}require_certificate true\n\
                 listener {} 127.0.0.1\npsk_hint hint\npsk_file {at}/psk\n\
                 listener {} 127.0.0.1\nprotocol websockets\n\
                 listener {} 127.0.0.1\nprotocol websockets\n{tls}\
                 listener 0 {at}/mosquitto.sock\n",
                ports[0], ports[1], ports[2], ports[3], ports[4], ports[5]
            );
            write("mosquitto.conf", config.as_bytes());
            let mut child = Command::new("mosquitto")
                .arg("-c")
                .arg(dir.path().join("mosquitto.conf"))
                .stderr(Stdio::piped())
                .spawn()
                .expect("mosquitto is installed");
            let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
            let mut log = Vec::new();
            let running = lines.by_ref().map(Result::unwrap).any(|line| {
                log.push(line);
                log.last().is_some_and(|line| line.ends_with(" running"))
            });
            if running {
                std::thread::spawn(move || lines.for_each(drop));
                return Self { child, ports, dir };
            }
            let _ = child.wait();
            eprintln!("{}", log.join("\n"));
        }
        panic!("mosquitto does not start");
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn tls(&self) -> TlsOptions {
        TlsOptions {
            trust_store: Some(self.path("ca.pem")),
            key_store: None,
            private_key: None,
            private_key_password: None,
            enabled_cipher_suites: None,
            enable_server_cert_auth: true,
            version: TlsVersion::Default,
            verify: true,
            ca_path: None,
            error_reporter: None,
            psk_source: None,
            disable_default_trust_store: false,
            protos: Vec::new(),
        }
    }
}

fn with(tls: TlsOptions) -> ConnectOptions {
    ConnectOptions {
        tls: Some(Box::new(tls)),
        ..options()
    }
}

/// A proxy that opens every tunnel to 127.0.0.1, whatever the name.
fn tunnel_to(port: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            assert_eq!(client.read(&mut byte).unwrap(), 1);
            request.push(byte[0]);
        }
        assert!(request.starts_with(b"CONNECT localhost:1 "));
        let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        let _ = std::io::copy(&mut server, &mut client);
    });
    address
}

#[test]
fn every_road_leads_to_the_broker() {
    let broker = Mosquitto::start();
    let [plain, tls, certificate, psk, ws, wss] = broker.ports[..] else {
        unreachable!("six listeners");
    };
    let connector = Connector::default();
    let reach = |uri: String, options: &ConnectOptions| {
        let link = connect_with(&connector, &uri, options).unwrap_or_else(|e| panic!("{uri}: {e}"));
        mqtt_connect(&link);
        link.shutdown();
    };
    reach(format!("tcp://localhost:{plain}"), &options());
    reach(
        format!("unix://{}", broker.path("mosquitto.sock")),
        &options(),
    );
    reach(format!("ws://localhost:{ws}"), &options());
    for version in [TlsVersion::Default, TlsVersion::V1_2] {
        let checked = TlsOptions {
            version,
            ..broker.tls()
        };
        let own = TlsOptions {
            key_store: Some(broker.path("client.pem")),
            ..checked.clone()
        };
        let shared = TlsOptions {
            disable_default_trust_store: true,
            trust_store: None,
            verify: false,
            psk_source: Some(Arc::new(|_, identity: &mut [u8], key: &mut [u8]| {
                identity[..3].copy_from_slice(b"me\0");
                key[..4].copy_from_slice(&[1, 2, 3, 4]);
                4
            })),
            ..checked.clone()
        };
        // Twice, so that the second resumes the first's session.
        for _ in 0..2 {
            reach(format!("ssl://localhost:{tls}"), &with(checked.clone()));
            reach(
                format!("mqtts://127.0.0.1:{certificate}"),
                &with(own.clone()),
            );
            reach(format!("tls://localhost:{psk}"), &with(shared.clone()));
            reach(
                format!("wss://localhost:{wss}/mqtt"),
                &with(checked.clone()),
            );
        }
        for (scheme, port) in [("tcp", plain), ("ws", ws), ("ssl", tls), ("wss", wss)] {
            let proxy = Some(tunnel_to(port));
            let mut options = with(checked.clone());
            // The other one must not be used.
            let nowhere = Some("127.0.0.1:1".to_owned());
            (options.http_proxy, options.https_proxy) = if port == tls || port == wss {
                (nowhere, proxy)
            } else {
                (proxy, nowhere)
            };
            reach(format!("{scheme}://localhost:1"), &options);
        }
    }
}
