//! Publishing without ever waiting: what is accepted, what the answer says, and when the program is told to try again.

use std::sync::Arc;

use super::carried::{Carried, FAR, connected, options_of, sent, setup};
use super::publish;
use crate::engine::delivery::queue::{MAX_UNTAKEN_BYTES, Untaken};
use crate::engine::driving::Driving;
use crate::engine::{Error, Published, Subscription, Terms};
use crate::options::ConnectOptions;
use crate::protocol::packet::Publish;
use crate::protocol::property::{Properties, PropertiesRef, Property, PropertyId, Value};
use crate::protocol::{QoS, Version};
use crate::transport::stream::ByteStream;

const AT_ONCE: Terms = Terms {
    offline: false,
    waiting: false,
    later: false,
    max_waiting: 0,
};
const PATIENT: Terms = Terms {
    offline: true,
    waiting: true,
    later: false,
    max_waiting: 2,
};
const MIB: usize = 1 << 20;

/// A client that is connected over a stream which takes so many bytes, with one message in flight at most.
fn narrow(capacity: usize) -> (Carried, ByteStream) {
    let client = Carried::new(setup(), None);
    let options = ConnectOptions {
        max_inflight: 1,
        ..options_of(Version::V311)
    };
    let stream = client.attach(capacity, options, "connect");
    sent(&stream);
    client.feed(&stream, super::CONNACK);
    client.heard();
    (client, stream)
}

fn try_publish(client: &Carried, message: &Publish<'_>, terms: Terms) -> Result<Published, Error> {
    client.try_publish(message, terms, |_| "publish")
}

/// Has the client write to the stream until it has no more to write, or holds no more than `left` back.
fn take(client: &Carried, stream: &ByteStream, left: usize) {
    while client.counters().unwritten_bytes > left as u64 {
        sent(stream);
        client.work();
    }
}

#[test]
fn the_answer_says_what_became_of_the_message() {
    let (client, stream) = narrow(64);
    let small = publish(QoS::AtLeastOnce, b"x");
    let published = try_publish(&client, &small, PATIENT).expect("accepted");
    let expected = Published {
        number: 1,
        packet_id: 1,
        written: true,
        waits: false,
        unwritten: false,
    };
    assert_eq!(published, expected);
    // What waits is not written, although nothing else is to be.
    let waiting = try_publish(&client, &small, PATIENT).expect("accepted");
    let expected = Published {
        number: 2,
        packet_id: waiting.packet_id,
        written: false,
        waits: true,
        unwritten: false,
    };
    assert_eq!(waiting, expected);
    client.feed(&stream, &[0x40, 2, 0, 1]);
    client.feed(&stream, &[0x40, 2, 0, 2]);
    sent(&stream);
    let large = publish(QoS::AtMostOnce, &[b'x'; 200]);
    let published = try_publish(&client, &large, PATIENT).expect("accepted");
    let expected = Published {
        number: 3,
        packet_id: 0,
        written: false,
        waits: false,
        unwritten: true,
    };
    assert_eq!(published, expected);
}

#[test]
fn a_message_is_written_later_where_the_program_writes_and_wants_that() {
    for (later, written) in [(false, true), (true, false)] {
        let (client, stream) = connected(setup(), options_of(Version::V311));
        let message = publish(QoS::AtMostOnce, b"x");
        let terms = Terms { later, ..AT_ONCE };
        let published = try_publish(&client, &message, terms).expect("accepted");
        assert_eq!(
            (published.written, published.unwritten),
            (written, !written)
        );
        assert_eq!(stream.pending() > 0, written);
        assert_eq!(client.wants().write, !written);
        assert_eq!(client.write_carried(), !written);
        assert_eq!(sent(&stream).len(), 6);
        assert!(!client.write_carried() && !client.wants().write);
        // Where the program does not write, its wish does not count.
        client.lock().driving = Driving::default();
        let published = try_publish(&client, &message, terms).expect("accepted");
        assert!(published.written && !published.unwritten);
    }
}

#[test]
fn without_a_connection_a_message_is_accepted_that_may_wait() {
    for bits in 0..4 {
        let (offline, waiting) = (bits & 1 != 0, bits & 2 != 0);
        let client = Carried::new(setup(), None);
        let terms = Terms {
            offline,
            waiting,
            later: false,
            max_waiting: 1,
        };
        let message = publish(QoS::AtLeastOnce, b"x");
        let first = try_publish(&client, &message, terms);
        assert_eq!(first.is_ok(), offline && waiting, "{first:?}");
        let second = try_publish(&client, &message, terms);
        if offline && waiting {
            assert!(matches!(second, Err(Error::WouldBlock)), "{second:?}");
            assert!(client.heard().is_empty(), "there is no room yet");
            assert!(client.cancel(|op| *op == "publish"));
            assert!(!client.cancel(|op| *op == "publish"));
            assert_eq!(client.heard(), ["publish failed", "room"]);
        } else {
            assert!(matches!(second, Err(Error::Disconnected)), "{second:?}");
        }
        client.destroy();
        let late = try_publish(&client, &message, terms);
        assert!(matches!(late, Err(Error::Failed(_))), "{late:?}");
    }
}

#[test]
fn nothing_is_accepted_behind_a_disconnect_unless_it_may_wait() {
    let (client, _stream) = narrow(64);
    let large = publish(QoS::AtMostOnce, &[b'x'; 200]);
    try_publish(&client, &large, AT_ONCE).expect("accepted");
    let begun = client.disconnect(FAR, 0, Properties::new(), None);
    assert!(begun.is_ok() && client.is_connected());
    let late = try_publish(&client, &large, AT_ONCE);
    assert!(matches!(late, Err(Error::Disconnected)), "{late:?}");
    let request = Subscription::Unsubscribe(&[b"t"]);
    let late = client.request(&request, PropertiesRef::EMPTY, |_| "request");
    assert!(matches!(late, Err(Error::Disconnected)), "{late:?}");
}

/// A MiB may be unwritten; what waits for room is told when half of that is left.
#[test]
fn bytes_that_the_socket_does_not_take_hold_publishes_up() {
    let (client, stream) = narrow(64 * 1024);
    // What the stream does not take is a MiB and no more.
    let payload = vec![b'x'; MIB + 64 * 1024 - 7];
    let message = publish(QoS::AtMostOnce, &payload);
    try_publish(&client, &message, AT_ONCE).expect("accepted");
    assert_eq!(client.counters().unwritten_bytes, MIB as u64);
    let small = publish(QoS::AtMostOnce, b"x");
    try_publish(&client, &small, AT_ONCE).expect("that is not too much");
    let refused = try_publish(&client, &small, AT_ONCE);
    assert!(matches!(refused, Err(Error::WouldBlock)), "{refused:?}");
    assert!(client.heard().is_empty());
    take(&client, &stream, MIB / 2 + 64 * 1024);
    let heard = client.heard();
    assert!(!heard.contains(&"room".to_owned()), "{heard:?}");
    take(&client, &stream, MIB / 2);
    assert_eq!(client.heard(), ["room"]);
    try_publish(&client, &small, AT_ONCE).expect("room");
    take(&client, &stream, 0);
    assert!(!client.heard().contains(&"room".to_owned()), "once");
}

#[test]
fn room_among_those_that_wait_is_told_when_there_is_some() {
    let (client, stream) = narrow(1 << 16);
    let message = publish(QoS::AtLeastOnce, b"x");
    for _ in 0..3 {
        try_publish(&client, &message, PATIENT).expect("accepted");
    }
    let refused = try_publish(&client, &message, PATIENT);
    assert!(matches!(refused, Err(Error::WouldBlock)), "{refused:?}");
    // As many wait without the connection.
    stream.feed_end();
    client.work();
    assert!(!client.heard().contains(&"room".to_owned()));
}

/// One that waits for bytes must not have to wait for a server that acknowledges nothing.
#[test]
fn each_that_was_refused_hears_of_room_whatever_another_waits_for() {
    let (client, stream) = narrow(64 * 1024);
    let payload = vec![b'x'; MIB + 64 * 1024];
    let large = publish(QoS::AtMostOnce, &payload);
    let small = publish(QoS::AtMostOnce, b"x");
    let acknowledged = publish(QoS::AtLeastOnce, b"x");
    let untaken = Arc::new(Untaken::default());
    client.hold_back_for(Arc::clone(&untaken));
    let blocks = |message: &Publish<'_>| {
        let refused = try_publish(&client, message, AT_ONCE);
        assert!(matches!(refused, Err(Error::WouldBlock)), "{refused:?}");
    };
    let rooms = || client.heard().iter().filter(|what| *what == "room").count();
    try_publish(&client, &acknowledged, AT_ONCE).expect("accepted");
    try_publish(&client, &large, AT_ONCE).expect("accepted");
    blocks(&small);
    take(&client, &stream, MIB / 4 * 3);
    blocks(&acknowledged);
    untaken.add(MAX_UNTAKEN_BYTES);
    blocks(&small);
    assert_eq!(rooms(), 0);
    take(&client, &stream, 0);
    assert_eq!(rooms(), 1, "for bytes");
    assert!(untaken.remove(1));
    client.work();
    assert_eq!(rooms(), 1, "for events");
    client.feed(&stream, b"\x40\x02\x00\x01");
    assert_eq!(rooms(), 1, "for an acknowledgement");
    client.work();
    assert_eq!(rooms(), 0);
}

#[test]
fn events_that_the_program_does_not_take_hold_publishes_up() {
    let (client, _stream) = connected(setup(), options_of(Version::V311));
    let untaken = Arc::new(Untaken::default());
    client.hold_back_for(Arc::clone(&untaken));
    let message = publish(QoS::AtMostOnce, b"x");
    untaken.add(MAX_UNTAKEN_BYTES - 1);
    try_publish(&client, &message, AT_ONCE).expect("accepted");
    untaken.add(1);
    let refused = try_publish(&client, &message, AT_ONCE);
    assert!(matches!(refused, Err(Error::WouldBlock)), "{refused:?}");
    client.work();
    assert_eq!(client.heard(), ["publish ended"]);
    assert!(untaken.remove(1));
    client.work();
    assert_eq!(client.heard(), ["room"]);
}

/// Publishes `n` messages at once, of which the one of that index has no topic.
fn many(client: &Carried, n: u32, bad: u32, terms: Terms) -> (u32, u64, bool, Vec<u64>) {
    let numbers = std::cell::RefCell::new(Vec::new());
    let many = client.try_publish_many(
        n,
        |index| {
            if index == bad {
                return Err(Error::NotStored);
            }
            Ok((publish(QoS::AtMostOnce, b"x"), terms))
        },
        |number, _| {
            numbers.borrow_mut().push(number);
            "publish"
        },
    );
    let outcome = many.outcome.is_ok();
    (many.accepted, many.first, outcome, numbers.into_inner())
}

#[test]
fn many_messages_are_accepted_in_order_and_numbered_without_a_gap() {
    let (client, stream) = connected(setup(), options_of(Version::V311));
    let all = |first: u64, count: u64| (first..first + count).collect::<Vec<_>>();
    assert_eq!(many(&client, 0, 9, AT_ONCE), (0, 0, true, vec![]));
    assert_eq!(
        many(&client, 150, 999, AT_ONCE),
        (150, 1, true, all(1, 150))
    );
    assert_eq!(sent(&stream).len(), 150 * 6);
    // Up to the first that is not accepted, in whichever turn.
    assert_eq!(many(&client, 3, 0, AT_ONCE), (0, 0, false, vec![]));
    assert_eq!(
        many(&client, 150, 100, AT_ONCE),
        (100, 151, false, all(151, 100))
    );
    assert_eq!(
        many(&client, 64, 999, AT_ONCE),
        (64, 251, true, all(251, 64))
    );
    let request = Subscription::Unsubscribe(&[b"t"]);
    let number = client.request(&request, PropertiesRef::EMPTY, |number| {
        assert_eq!(number, 315);
        "request"
    });
    assert!(matches!(number, Ok(315)), "{number:?}");
    client.begin_numbers_after(500);
    assert_eq!(many(&client, 1, 999, AT_ONCE).1, 501);
}

#[test]
fn many_messages_are_written_later_where_the_last_of_them_says_so() {
    let (client, stream) = connected(setup(), options_of(Version::V311));
    let later = Terms {
        later: true,
        ..AT_ONCE
    };
    assert_eq!(many(&client, 100, 999, later).0, 100);
    assert_eq!(stream.pending(), 0);
    assert!(client.write_carried());
    assert_eq!(stream.pending(), 600);
}

/// Others publish while the mutex is free between two turns: theirs are numbered behind all of these.
#[test]
fn numbers_of_many_messages_run_on_whatever_others_publish() {
    let (client, _stream) = connected(setup(), options_of(Version::V311));
    let other = Arc::clone(&client.0);
    *client.host().inside.lock() = Some(Box::new(move || {
        let message = publish(QoS::AtMostOnce, b"other");
        let published = other.try_publish(&message, AT_ONCE, |_| "other");
        assert_eq!(published.map(|published| published.number).ok(), Some(101));
    }));
    let (accepted, first, _, numbers) = many(&client, 100, 80, AT_ONCE);
    assert_eq!((accepted, first, numbers.last()), (80, 1, Some(&80)));
    // Numbers that the others have do not come again.
    assert_eq!(many(&client, 1, 9, AT_ONCE).1, 102);
}

#[test]
fn a_program_authenticates_when_it_is_its_turn() {
    let with_method = |method: bool| {
        let mut options = options_of(Version::V5);
        if method {
            let pushed = options.properties.push(Property {
                id: PropertyId::AuthenticationMethod,
                value: Value::Utf8(b"m"),
            });
            pushed.expect("a property of CONNECT");
        }
        options
    };
    let empty = Properties::new();
    for method in [false, true] {
        let (client, stream) = connected(setup(), with_method(method));
        let say = |reason| client.authenticate(reason, empty.as_ref());
        assert!(matches!(say(0), Err(Error::Invalid(_))));
        assert!(matches!(say(0x18), Err(Error::Ignored)), "nobody has asked");
        assert_eq!(say(0x19).is_ok(), method);
        assert!(matches!(say(0x19), Err(Error::Ignored)), "it is under way");
        assert_eq!(sent(&stream).first(), method.then_some(&0xf0));
        if method {
            client.feed(&stream, b"\xf0\x06\x18\x04\x15\x00\x01m");
            assert_eq!(client.heard(), ["auth 24"]);
            assert!(matches!(say(0x19), Err(Error::Ignored)));
            assert!(say(0x18).is_ok());
            assert_eq!(sent(&stream)[..3], [0xf0, 6, 0x18]);
        }
        stream.feed_end();
        client.work();
        assert!(matches!(say(0x18), Err(Error::Disconnected)));
    }
}
