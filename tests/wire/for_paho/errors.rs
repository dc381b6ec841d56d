//! `MQTTOxide_lastError` and `MQTTOxide_statistics`.

use std::net::TcpListener;

use super::{code, kind};
use crate::broker::Broker;
use crate::driver::for_paho::{ALL, Client, ask_error, error_for};
use crate::driver::{ConnectOptions, Event};
use crate::packet::{AckKind, Version};
use crate::server::{self, message};

const TCP: u32 = 3;

/// A port that nobody listens on.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("tcp://{}", listener.local_addr().unwrap())
}

#[test]
fn a_client_without_errors_has_none() {
    for (api, version) in ALL {
        let client = Client::new(api, version, "tcp://127.0.0.1:1");
        let none = client.last_error();
        assert_eq!((none.kind, none.number, &*none.text), (kind::NONE, 0, ""));
    }
}

#[test]
fn a_failed_connect_is_told_with_stage_and_the_systems_error() {
    for (api, version) in ALL {
        let client = Client::new(api, version, &nobody());
        assert_ne!(client.connect_in_vain(&ConnectOptions::default()), 0);
        let error = client.last_error();
        assert_eq!(
            (error.kind, error.stage, error.number),
            (kind::CONNECT, TCP, 1)
        );
        assert_eq!(
            error.os_error,
            rustix::io::Errno::CONNREFUSED.raw_os_error()
        );
        assert!(error.text.contains("refused"), "{}", error.text);
        client.connect_in_vain(&ConnectOptions::default());
        assert_eq!(client.last_error().number, 2);
    }
}

#[test]
fn a_refused_connect_is_told_with_the_servers_code() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let refusal = if version == Version::V5 { 0x87 } else { 5 };
        let steps = || {
            let mut peer = broker.accept();
            peer.expect_connect();
            peer.send(&server::connack(version, false, refusal, &[]));
        };
        crate::broker::alongside(steps, || {
            assert_eq!(
                client.connect_in_vain(&ConnectOptions::default()),
                refusal.into()
            );
        });
        let error = client.last_error();
        assert_eq!((error.kind, error.stage), (kind::CONNECT, 0));
        assert_eq!(error.reason, refusal.into());
    }
}

#[test]
fn a_lost_connection_is_told_with_its_cause() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let (peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        client.lose(peer);
        let error = client.last_error();
        assert_eq!((error.kind, error.code), (kind::LOST, 1));
        // The server breaks the protocol.
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        peer.send(&[0x20, 2, 0, 0]);
        assert_eq!(client.next(), Event::ConnectionLost);
        let error = client.last_error();
        assert_eq!((error.kind, error.code), (kind::LOST, 4));
        assert_ne!(error.reason, 0);
    }
}

#[test]
fn a_servers_disconnect_is_told_with_its_reason() {
    for (api, version) in ALL {
        if version != Version::V5 {
            continue;
        }
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        peer.send(&server::disconnect(0x8B, &[]));
        assert!(matches!(client.next(), Event::Disconnected { .. }));
        let error = client.last_error();
        assert_eq!((error.kind, error.reason), (kind::DISCONNECTED, 0x8B));
    }
}

#[test]
fn the_text_is_cut_to_the_buffer() {
    let client = Client::new(ALL[0].0, ALL[0].1, "tcp://127.0.0.1:1");
    assert_eq!(client.set("no-such-option", ""), code::NOT_FOUND);
    let whole = client.last_error().text;
    let mut buffer = [b'-'; 5];
    let mut error = error_for(&mut buffer[..4]);
    assert_eq!(ask_error(client.handle(), &mut error), code::TOO_SMALL);
    assert_eq!(error.text_len as usize, whole.len());
    assert_eq!((error.kind, error.code), (kind::CALL, code::NOT_FOUND));
    assert_eq!(&buffer, &[&whole.as_bytes()[..4], b"-"].concat()[..]);
    // Who wants no text gets none.
    let mut error = error_for(&mut []);
    error.text = std::ptr::null_mut();
    assert_eq!(ask_error(client.handle(), &mut error), 0);
    assert_eq!(error.text_len as usize, whole.len());
}

#[test]
fn statistics_count_what_happens() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        assert_eq!(client.statistics().connections, 0);
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        client.publish("a", b"x", 0).unwrap();
        client.publish("a", b"x", 1).unwrap();
        peer.expect_publish();
        let id = peer.expect_publish().id;
        assert_eq!(client.statistics().in_flight, 1);
        peer.publish(&message("b", b"x").qos(1, 7));
        peer.expect_ack(AckKind::PubAck, 7);
        client.message();
        peer.ack(AckKind::PubAck, id);
        peer.expect_silence();
        let now = client.statistics();
        assert_eq!(
            (now.connections, now.messages_in, now.messages_out),
            (1, 1, 2)
        );
        assert_eq!((now.in_flight, now.queued), (0, 0));
        assert!((1..=peer.raw().len() as u64).contains(&now.bytes_out));
        assert!(now.bytes_in > 0);
    }
}
