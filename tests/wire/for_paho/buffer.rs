//! `max-buffered-bytes`.

use super::code;
use crate::broker::Broker;
use crate::driver::ConnectOptions;
use crate::driver::for_paho::{Api, Client};
use crate::packet::{AckKind, Version};

/// `MQTTASYNC_MAX_BUFFERED_MESSAGES`.
const FULL: i32 = -12;

/// What waits for quota is bounded in bytes, and there is room again when some of it has left.
#[test]
fn messages_that_wait_hold_no_more_bytes_than_the_program_says() {
    for version in [Version::V311, Version::V5] {
        let broker = Broker::start();
        let client = Client::new(Api::Async, version, &broker.uri());
        assert_eq!(client.set("max-buffered-bytes", "25000"), 0);
        let options = ConnectOptions {
            max_inflight: Some(1),
            ..ConnectOptions::default()
        };
        let (mut peer, _) = client.connect(&broker, &options, false, &[]);
        let payload = vec![b'x'; 10_000];
        let large = vec![b'x'; 30_000];
        // The first is in flight; two wait; the fourth has no room.
        assert!(client.publish("a", &payload, 1).is_ok());
        assert!(client.publish("a", &payload, 1).is_ok());
        assert!(client.publish("a", &payload, 1).is_ok());
        assert_eq!(client.publish("a", &payload, 1), Err(FULL));
        assert_eq!(client.statistics().queued, 2);
        let id = peer.expect_publish().id;
        peer.ack(AckKind::PubAck, id);
        peer.expect_publish();
        assert!(client.publish("a", &payload, 1).is_ok());
        // One that is larger than the limit is sent where it need not wait, and never waits.
        assert_eq!(client.publish("a", &large, 1), Err(FULL));
        assert_eq!(client.set("max-buffered-bytes", ""), 0);
        assert!(client.publish("a", &large, 1).is_ok());
    }
}

#[test]
fn a_client_that_buffers_nothing_says_so() {
    let client = Client::new(Api::Sync, Version::V311, "tcp://127.0.0.1:1");
    assert_eq!(
        client.set("max-buffered-bytes", "1000"),
        code::NOT_SUPPORTED
    );
    assert!(client.last_error().text.contains("buffers no messages"));
}
