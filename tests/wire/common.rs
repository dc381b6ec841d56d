//! Beginnings that many tests share.

use crate::broker::{Broker, Peer};
use crate::driver::{AsyncClient, ConnectOptions, Event};
use crate::packet::{Connect, Value, Version};

/// `MQTTASYNC_BAD_UTF8_STRING`.
pub const BAD_UTF8: i32 = -5;
/// `MQTTASYNC_BAD_QOS`.
pub const BAD_QOS: i32 = -9;
/// `MQTTASYNC_DISCONNECTED`.
pub const DISCONNECTED: i32 = -3;

/// A client connected with the default options.
pub fn connected(version: Version) -> (Broker, Peer, AsyncClient) {
    connected_with(version, &ConnectOptions::default(), &[])
}

/// A client connected with these options to a server which answers with these properties.
pub fn connected_with(
    version: Version,
    options: &ConnectOptions,
    connack: &[(u8, Value)],
) -> (Broker, Peer, AsyncClient) {
    let broker = Broker::start();
    let client = AsyncClient::new(version, &broker.uri(), "wire");
    let (peer, _) = connect(&broker, &client, options, false, connack);
    (broker, peer, client)
}

/// Connects a client, for the first time or again.
pub fn connect(
    broker: &Broker,
    client: &AsyncClient,
    options: &ConnectOptions,
    session_present: bool,
    connack: &[(u8, Value)],
) -> (Peer, Connect) {
    assert_eq!(client.connect(options), 0, "MQTTAsync_connect");
    let mut peer = broker.accept();
    let asked = peer.expect_connect();
    peer.connack(session_present, connack);
    match client.next() {
        Event::Connected {
            session_present: reported,
            ..
        } if reported == session_present => {}
        other => panic!("expected to be connected, got {other:?}"),
    }
    (peer, asked)
}

/// Breaks the connection off and waits until the program knows.
pub fn lose(mut peer: Peer, client: &AsyncClient) {
    peer.close();
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// The CONNECT that these options make.
pub fn connect_packet(version: Version, options: &ConnectOptions) -> Connect {
    let broker = Broker::start();
    let client = AsyncClient::new(version, &broker.uri(), "wire");
    connect(&broker, &client, options, false, &[]).1
}

/// A connect with these options fails, and no CONNECT leaves the client. Its code.
pub fn connect_refused(version: Version, options: &ConnectOptions) -> i32 {
    let broker = Broker::start();
    let client = AsyncClient::new(version, &broker.uri(), "wire");
    let code = match client.connect(options) {
        0 => match client.next() {
            Event::ConnectFailed { code, .. } => code,
            other => panic!("expected the connect to fail, got {other:?}"),
        },
        code => code,
    };
    if broker.has_caller() {
        broker.accept().expect_close();
    }
    code
}

/// Answers CONNECT with these bytes: the connect must fail and the connection be closed. Its code.
pub fn connack_refused(version: Version, options: &ConnectOptions, answer: &[u8]) -> i32 {
    let broker = Broker::start();
    let client = AsyncClient::new(version, &broker.uri(), "wire");
    assert_eq!(client.connect(options), 0, "MQTTAsync_connect");
    let mut peer = broker.accept();
    peer.expect_connect();
    peer.send(answer);
    let code = match client.next() {
        Event::ConnectFailed { code, .. } => code,
        other => panic!("expected the connect to fail, got {other:?}"),
    };
    assert!(!client.is_connected());
    peer.expect_close();
    code
}
