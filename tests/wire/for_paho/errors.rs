//! `MQTTOxide_lastError`.

use std::net::TcpListener;

use super::{code, kind};
use crate::broker::{Broker, alongside};
use crate::driver::for_paho::{ALL, Api, Client, ask_error, error_for, last_error};
use crate::driver::{ConnectOptions, Event, SyncClient};
use crate::packet::{Value, Version, prop};
use crate::server;

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
        if api == Api::Sync {
            // The call has failed, so its thread is told as well, in the same numbers.
            let of_thread = last_error(std::ptr::null_mut()).expect("an error");
            assert_eq!(
                (of_thread.kind, of_thread.stage, of_thread.os_error),
                (kind::CALL, TCP, error.os_error)
            );
        }
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

/// What a call of a Paho API is refused for in itself is in `tests/cases/last_error.h`; here is what the server has to do with
/// it. A call for which there is no connection says why there is none, though that was an error before.
#[test]
fn a_call_without_a_connection_says_why_there_is_none() {
    const DISCONNECTED: i32 = -3;
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let refused = |number: u64| {
            assert_eq!(client.publish("a", b"x", 1), Err(DISCONNECTED));
            let error = client.last_error();
            assert_eq!((error.kind, error.code), (kind::CALL, DISCONNECTED));
            assert_eq!(error.number, number);
            error
        };
        assert_eq!(refused(1).text, "not connected");
        let (peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        client.lose(peer);
        let lost = client.last_error();
        assert_eq!((lost.kind, lost.number), (kind::LOST, 2));
        for number in 3..5 {
            assert_eq!(
                refused(number).text,
                format!("not connected: {}", lost.text)
            );
        }
        // The server is gone.
        drop(broker);
        assert_ne!(client.connect_in_vain(&ConnectOptions::default()), 0);
        let failed = client.last_error();
        assert_eq!((failed.kind, failed.number), (kind::CONNECT, 5));
        let error = refused(6);
        assert_eq!((error.stage, error.os_error), (TCP, failed.os_error));
        assert!(error.text.ends_with(&failed.text), "{}", error.text);
    }
}

/// With a new connection the old one's end is of the past.
#[test]
fn a_programs_own_disconnect_is_no_reason() {
    let broker = Broker::start();
    let client = SyncClient::with_callbacks(Version::V311, &broker.uri(), "wire");
    let client = Client::Sync(client);
    let (peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
    client.lose(peer);
    let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
    let Client::Sync(inner) = &client else {
        unreachable!("made above")
    };
    assert_eq!(inner.disconnect(0), 0);
    peer.expect_disconnect();
    assert_eq!(client.publish("a", b"x", 1), Err(-3));
    let error = client.last_error();
    assert_eq!(
        (error.kind, error.code, error.os_error),
        (kind::CALL, -3, 0)
    );
    assert_eq!(error.text, "not connected");
}

/// What an MQTT 5 server has said it does not take is refused by the call, with its reason code or the API's code for it.
#[test]
fn a_call_beyond_the_servers_limits_names_the_limit() {
    for (api, version) in ALL {
        if version != Version::V5 {
            continue;
        }
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let limits = [
            (prop::MAXIMUM_QOS, Value::Byte(1)),
            (prop::MAXIMUM_PACKET_SIZE, Value::Four(100)),
        ];
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &limits);
        for (payload, qos, code, words) in
            [(1, 2, -9, "QoS"), (200, 0, 0x95, "Maximum Packet Size")]
        {
            assert_eq!(client.publish("a", &vec![0; payload], qos), Err(code));
            let error = client.last_error();
            assert_eq!((error.kind, error.code), (kind::CALL, code));
            assert_eq!(
                error.reason, 0,
                "the server has said nothing of this message"
            );
            assert!(error.text.contains(words), "{}", error.text);
        }
        peer.expect_silence();
    }
}

/// Waiting in vain is a refusal, too; so is a request to which the connection ends without an answer.
#[test]
fn a_call_that_waits_in_vain_says_so() {
    for version in [Version::V311, Version::V5] {
        let broker = Broker::start();
        let client = Client::new(Api::Sync, version, &broker.uri());
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        let Client::Sync(inner) = &client else {
            unreachable!("made above")
        };
        let lose = || {
            peer.expect_subscribe();
            peer.close();
        };
        let subscribe = || inner.subscribe(&[("a", 1)], &[]);
        assert_eq!(alongside(lose, subscribe).1, Err(-1));
        let error = client.last_error();
        assert_eq!((error.kind, error.code), (kind::CALL, -1));
        assert!(
            error.text.contains("the connection ended"),
            "{}",
            error.text
        );
    }
}
