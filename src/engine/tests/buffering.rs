//! Messages that wait and have to give way to newer ones.

use super::carried::{Carried, options_of, setup};
use super::publish;
use crate::engine::{Error, Setup};
use crate::protocol::{QoS, Version};

/// A client with room for two messages, of which the oldest goes.
fn dropping() -> Setup {
    let mut setup = setup();
    setup.create.send_while_disconnected = true;
    setup.create.allow_disconnected_send_at_any_time = true;
    setup.create.max_buffered_messages = 2;
    setup.create.delete_oldest_messages = true;
    setup
}

fn limit_bytes(client: &Carried) {
    let set = client.prefer(|all| {
        all.max_buffered_bytes = Some(25_000);
        Ok::<(), ()>(())
    });
    set.expect("set");
}

fn send(client: &Carried, size: usize, op: &'static str) -> Result<(), Error> {
    let payload = vec![b'x'; size];
    client
        .send(&publish(QoS::AtLeastOnce, &payload), op)
        .map(drop)
}

#[test]
fn no_message_goes_for_one_that_is_too_large_for_the_buffer() {
    let client = Carried::new(dropping(), None);
    limit_bytes(&client);
    send(&client, 10, "first").expect("room");
    send(&client, 10, "second").expect("room");
    let large = send(&client, 30_000, "large");
    assert!(matches!(large, Err(Error::BufferFull)), "{large:?}");
    assert_eq!(client.counters().queued, 2);
    assert_eq!(client.heard(), [""; 0]);
    // One that has its room, by number and by size.
    send(&client, 10, "third").expect("room");
    assert_eq!(client.counters().queued, 2);
    assert_eq!(client.heard().len(), 1);
    send(&client, 24_900, "fourth").expect("room");
    assert_eq!(client.counters().queued, 1);
    assert_eq!(client.heard().len(), 2);
}

#[test]
fn no_message_goes_for_one_that_the_server_does_not_take() {
    for by_size in [false, true] {
        let client = Carried::new(dropping(), None);
        if by_size {
            limit_bytes(&client);
        }
        let stream = client.attach(1 << 20, options_of(Version::V5), "connect");
        // Receive Maximum 1, Maximum Packet Size 20,000.
        let connack = b"\x20\x0b\x00\x00\x08\x21\x00\x01\x27\x00\x00\x4e\x20";
        client.feed(&stream, connack);
        client.heard();
        send(&client, 10, "in flight").expect("quota");
        let size = if by_size { 12_000 } else { 10 };
        send(&client, size, "waits").expect("room");
        if !by_size {
            send(&client, size, "waits").expect("room");
        }
        let queued = client.counters().queued;
        let refused = send(&client, 20_000, "too large");
        assert!(
            !matches!(refused, Ok(()) | Err(Error::BufferFull)),
            "{refused:?}"
        );
        assert_eq!(client.counters().queued, queued);
        assert_eq!(client.heard(), [""; 0]);
    }
}
