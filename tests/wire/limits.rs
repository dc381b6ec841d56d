//! What a server might do without end, and where that ends: the limits of `docs/reliability.md`.

use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::common::{connack_refused, connected};
use crate::driver::{AsyncClient, ConnectOptions, Event};
use crate::packet::{Version, user};
use crate::server::message;

/// The server accepts and says nothing: `connectTimeout` ends that, whatever is tried.
#[test]
fn connect_deadline() {
    for version in [Version::V311, Version::V5] {
        let broker = Broker::start();
        let client = AsyncClient::new(version, &broker.uri(), "wire");
        let options = ConnectOptions {
            timeout: 1,
            ..ConnectOptions::default()
        };
        let begin = Instant::now();
        assert_eq!(client.connect(&options), 0);
        let mut peer = broker.accept();
        peer.expect_connect();
        assert!(matches!(client.next(), Event::ConnectFailed { .. }));
        assert!(begin.elapsed() >= Duration::from_millis(990));
        peer.expect_close();
    }
}

/// A CONNACK is small. One of more than a mebibyte is refused as soon as its length is there.
#[test]
fn connack_without_end() {
    // Remaining Length 1 MiB.
    connack_refused(
        Version::V5,
        &ConnectOptions::default(),
        &[0x20, 0x80, 0x80, 0x40],
    );
}

/// More properties than a packet has room for: 0x97, Quota exceeded.
#[test]
fn properties_of_a_packet() {
    let (_broker, mut peer, client) = connected(Version::V5);
    let with = |count: u32| (0..count).fold(message("a", b""), |all, _| all.with(user("", "")));
    peer.publish(&with(65_536));
    assert_eq!(client.message().properties.len(), 65_536);
    peer.publish(&with(65_537));
    peer.expect_refusal(0x97);
    assert_eq!(client.next(), Event::ConnectionLost);
}
