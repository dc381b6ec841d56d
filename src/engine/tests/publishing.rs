//! Which messages are accepted, when a call that publishes returns, and what it returns.

use std::time::Duration;

use super::carried::{Carried, FAR, connected, options_of, sent, setup};
use super::publish;
use crate::engine::connection::Connection;
use crate::engine::delivery::queue::Driver;
use crate::engine::driving::Driving;
use crate::engine::{Error, Setup};
use crate::options::ConnectOptions;
use crate::protocol::property::Properties;
use crate::protocol::{QoS, Version};
use crate::transport::stream::ByteStream;

/// What the stream of a connection takes that takes little.
const LITTLE: usize = 64;
const PUBACK: [u8; 4] = [0x40, 2, 0, 1];

/// A client whose calls drive and nobody else does, connected over a stream of that capacity, with one message in flight at most.
pub fn by_calls(capacity: usize) -> (Carried, ByteStream) {
    let setup = Setup {
        driver: Driver::Calls,
        ..setup()
    };
    let client = Carried::new(setup, None);
    let options = ConnectOptions {
        max_inflight: 1,
        ..options_of(Version::V311)
    };
    let stream = client.attach(capacity, options, "connect");
    sent(&stream);
    client.feed(&stream, super::CONNACK);
    assert!(client.is_connected());
    client.lock().driving = Driving::default();
    (client, stream)
}

fn is_at_risk(client: &Carried) -> bool {
    let core = client.lock();
    core.lifecycle.connection().is_some_and(Connection::at_risk)
}

#[test]
fn a_message_waits_for_a_connection_where_the_program_wants_both() {
    for bits in 0..8 {
        let (may_wait, at_any_time, wanted) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0);
        let mut setup = setup();
        setup.create.send_while_disconnected = may_wait;
        setup.create.allow_disconnected_send_at_any_time = at_any_time;
        let client = Carried::new(setup, None);
        let _stream = wanted.then(|| client.attach(1 << 16, options_of(Version::V311), "connect"));
        let accepted = client.send(&publish(QoS::AtLeastOnce, b"x"), "publish");
        let expected = may_wait && (wanted || at_any_time);
        assert_eq!(accepted.is_ok(), expected, "{bits:b} {accepted:?}");
        assert_eq!(client.counters().queued, u64::from(expected));
        if !expected {
            assert!(matches!(accepted, Err(Error::Disconnected)));
        }
    }
}

#[test]
fn nothing_is_accepted_behind_a_disconnect() {
    let client = Carried::new(setup(), None);
    let stream = client.attach(LITTLE, options_of(Version::V311), "connect");
    sent(&stream);
    client.feed(&stream, super::CONNACK);
    client.heard();
    let large = [b'x'; 2 * LITTLE];
    let message = publish(QoS::AtMostOnce, &large);
    client.send(&message, "large").expect("accepted");
    let begun = client.disconnect(FAR, 0, Properties::new(), None);
    assert!(begun.is_ok() && client.is_connected());
    let late = client.send(&message, "late");
    assert!(matches!(late, Err(Error::Disconnected)), "{late:?}");
    let late = client.change_subscription(
        &crate::engine::Subscription::Unsubscribe(&[b"t"]),
        crate::protocol::property::PropertiesRef::EMPTY,
        "late",
    );
    assert!(matches!(late, Err(Error::Disconnected)), "{late:?}");
}

#[test]
fn a_full_buffer_refuses_or_drops_as_the_program_wants() {
    for dropping in [false, true] {
        let mut setup = setup();
        setup.create.send_while_disconnected = true;
        setup.create.allow_disconnected_send_at_any_time = true;
        setup.create.max_buffered_messages = 1;
        setup.create.delete_oldest_messages = dropping;
        let client = Carried::new(setup, None);
        let message = publish(QoS::AtLeastOnce, b"x");
        client.send(&message, "first").expect("room");
        let second = client.send(&message, "second");
        if dropping {
            second.expect("the first one goes");
            assert_eq!(client.heard(), ["first failed"]);
        } else {
            assert!(matches!(second, Err(Error::BufferFull)), "{second:?}");
            assert!(client.heard().is_empty());
        }
        assert_eq!(client.counters().queued, 1);
    }
}

#[test]
fn bytes_are_counted_exactly_and_only_of_messages_that_wait() {
    for (dropping, size, taken) in [(false, 99, true), (false, 100, false), (true, 100, true)] {
        let mut setup = setup();
        setup.create.send_while_disconnected = true;
        setup.create.max_buffered_messages = 10;
        setup.create.delete_oldest_messages = dropping;
        let client = Carried::new(setup, None);
        let options = ConnectOptions {
            max_inflight: 1,
            ..options_of(Version::V311)
        };
        let stream = client.attach(1 << 16, options, "connect");
        client.feed(&stream, super::CONNACK);
        client.heard();
        let send = |size| client.send(&publish(QoS::AtLeastOnce, &vec![b'x'; size]), "publish");
        // Without a limit more than that may wait; what waits keeps as much as the first of those that follow.
        send(1).expect("in flight");
        send(99).expect("room");
        let waits = client.lock().session.queued_bytes();
        let set = client.prefer(|all| {
            all.max_buffered_bytes = Some(waits + 100);
            Ok::<(), ()>(())
        });
        set.expect("set");
        let accepted = send(size);
        assert_eq!(accepted.is_ok(), taken, "{dropping} {size} {accepted:?}");
        let waiting = if taken && !dropping { 2 } else { 1 };
        assert_eq!(client.counters().queued, waiting, "{dropping} {size}");
        // As large as the limit is not too large, where the oldest go.
        assert_eq!(send(waits + 99).is_ok(), dropping);
        assert!(matches!(send(waits + 100), Err(Error::BufferFull)));
        // What can be sent at once waits for nothing.
        for id in 1..=9 {
            client.feed(&stream, &[0x40, 2, 0, id]);
        }
        assert_eq!(client.counters().in_flight, 0);
        let large = vec![b'x'; waits + 1000];
        let at_once = client.send(&publish(QoS::AtLeastOnce, &large), "at once");
        at_once.expect("it does not wait");
    }
}

#[test]
fn tokens_are_packet_identifiers_and_without_acknowledgement_there_is_none() {
    let (client, _stream) = connected(setup(), options_of(Version::V311));
    assert!(!is_at_risk(&client));
    let first = client.send(&publish(QoS::AtLeastOnce, b"x"), "first");
    assert!(matches!(first, Ok(1)) && !is_at_risk(&client));
    let second = client.send(&publish(QoS::AtMostOnce, b"x"), "second");
    assert!(matches!(second, Ok(0)));
    assert!(is_at_risk(&client), "nothing shows whether it arrives");
    assert!(client.is_pending(1) && !client.is_pending(0));
    assert_eq!(client.pending_tokens(false), [1]);
}

#[test]
fn a_call_far_ahead_of_the_socket_waits_for_a_moment_and_no_longer() {
    let client = Carried::new(setup(), None);
    let stream = client.attach(LITTLE, options_of(Version::V311), "connect");
    sent(&stream);
    client.feed(&stream, super::CONNACK);
    let large = vec![b'x'; 2 << 20];
    let message = publish(QoS::AtLeastOnce, &large);
    client.send(&message, "large").expect("accepted");
    let begun = std::time::Instant::now();
    let small = publish(QoS::AtLeastOnce, b"x");
    client.send(&small, "small").expect("accepted");
    assert!(begun.elapsed() >= Duration::from_millis(1));
    assert_eq!(client.lock().waiters, 0);
    // What waits to be written has not ended.
    client
        .send(&publish(QoS::AtMostOnce, b"x"), "told when written")
        .expect("accepted");
    assert_eq!(client.pending_tokens(false), [1, 2, 0]);
    assert!(client.is_pending(0));
}

#[test]
fn a_publish_that_waits_for_its_turn_reads_until_that_has_come() {
    let (client, stream) = by_calls(1 << 16);
    let message = publish(QoS::AtLeastOnce, b"x");
    assert!(matches!(client.publish(&message, "first"), Ok(1)));
    sent(&stream);
    assert_eq!(stream.feed(&PUBACK), PUBACK.len());
    assert!(matches!(client.publish(&message, "second"), Ok(2)));
    assert_eq!(sent(&stream)[0], 0x32, "sent, and not only accepted");
    let core = client.lock();
    assert_eq!((core.session.queued(), core.waiters), (0, 0));
}

#[test]
fn a_publish_that_waits_ends_with_the_connection() {
    let (client, stream) = by_calls(1 << 16);
    let message = publish(QoS::AtLeastOnce, b"x");
    client.publish(&message, "first").expect("quota");
    stream.feed_end();
    let second = client.publish(&message, "second");
    assert!(matches!(second, Err(Error::Disconnected)), "{second:?}");
    assert!(client.lock().outputs.out.is_empty());
    let third = client.publish(&message, "third");
    assert!(matches!(third, Err(Error::Disconnected)), "{third:?}");
}

#[test]
fn a_publish_that_the_socket_does_not_take_ends_with_the_connection() {
    for (qos, lost) in [(QoS::AtMostOnce, true), (QoS::AtLeastOnce, false)] {
        let (client, stream) = by_calls(LITTLE);
        stream.feed_end();
        let large = client.publish(&publish(qos, &[b'x'; 2 * LITTLE]), "large");
        let text = format!("{large:?}");
        assert_eq!(large.is_err(), lost, "{text}");
        assert_eq!(text.contains("before the message was written"), lost);
        assert!(!client.is_connected() && sent(&stream).len() == LITTLE);
    }
}

#[test]
fn a_publish_returns_when_the_socket_has_taken_all_of_it() {
    let (client, stream) = by_calls(LITTLE);
    let large = [b'x'; 4 * LITTLE];
    std::thread::scope(|scope| {
        let publish = scope.spawn(|| client.publish(&publish(QoS::AtMostOnce, &large), "large"));
        let (mut taken, whole) = (0, 2 + 1 + 2 + 1 + large.len());
        while taken < whole {
            assert!(whole - taken <= LITTLE || !publish.is_finished());
            let mut bytes = [0; LITTLE];
            taken += stream.take(&mut bytes);
            std::thread::yield_now();
        }
        assert!(publish.join().expect("no panic").is_ok());
        assert_eq!(taken, whole);
    });
    assert_eq!(client.lock().waiters, 0);
    // With room it does not wait.
    let small = client.publish(&publish(QoS::AtMostOnce, b"x"), "small");
    assert!(small.is_ok() && stream.pending() == 6);
}
