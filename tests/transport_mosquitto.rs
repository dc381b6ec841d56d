//! Every road to a real broker: mosquitto, also through a tunnel.
#![cfg(feature = "tls")]

#[path = "transport_common/broker.rs"]
mod broker;
#[path = "transport_common/certs.rs"]
mod certs;
#[path = "transport_common/tinyproxy.rs"]
mod tinyproxy;
mod transport_common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use broker::{Broker, Road};
use paho_oxide::options::{ConnectOptions, TlsOptions, TlsVersion};
use paho_oxide::transport::Connector;
use transport_common::{connect_with, mqtt_connect, options};

/// Trusts the broker's authority and verifies its name.
fn trusting(broker: &Broker) -> TlsOptions {
    TlsOptions {
        trust_store: Some(broker.path("ca.pem")),
        verify: true,
        ..TlsOptions::default()
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
    let broker = Broker::start();
    let [plain, tls, certificate, psk, ws, wss] = [
        Road::Plain,
        Road::Tls,
        Road::Certificate12,
        Road::Psk12,
        Road::Ws,
        Road::Wss12,
    ]
    .map(|road| broker.port(road));
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
            ..trusting(&broker)
        };
        let own = TlsOptions {
            key_store: Some(broker.path("client.pem").into()),
            private_key: Some(broker.path("client.key").into()),
            ..checked.clone()
        };
        let shared = TlsOptions {
            disable_default_trust_store: true,
            trust_store: None,
            verify: false,
            psk_source: Some(Arc::new(|_, identity: &mut [u8], key: &mut [u8]| {
                identity[..7].copy_from_slice(b"device\0");
                key[..8].copy_from_slice(b"\x00\xff\x1a\x2b\x3c\x4d\x5e\x6f");
                8
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
            let proxy = Some(tunnel_to(port).into());
            let mut options = with(checked.clone());
            // The other one must not be used.
            let nowhere = Some("127.0.0.1:1".into());
            (options.http_proxy, options.https_proxy) = if port == tls || port == wss {
                (nowhere, proxy)
            } else {
                (proxy, nowhere)
            };
            reach(format!("{scheme}://localhost:1"), &options);
        }
    }
}
