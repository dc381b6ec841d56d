//! Clients with a store: what is written and read through the program's functions, under which numbers, and when it goes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::carried::{Carried, PUBLISH, connack, options_of, sent, setup};
use super::shelf::{Kept, Shelf};
use super::{CONNACK, Driver, options, publish};
use crate::engine::Terms;
use crate::options::ConnectOptions;
use crate::os::lock::Mutex;
use crate::persistence::StoreError;
use crate::persistence::hooks::{AfterRead, BeforeWrite};
use crate::protocol::{QoS, Version};

/// Writes records backwards, and reads them so.
struct Backwards;

impl BeforeWrite for Backwards {
    fn transform(&mut self, parts: &[&[u8]]) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut record = parts.concat();
        record.reverse();
        let mut parts = vec![Vec::new(); parts.len()];
        parts[0] = record;
        Ok(parts)
    }
}

impl AfterRead for Backwards {
    fn transform(&mut self, mut record: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        record.reverse();
        Ok(record)
    }
}

fn names(shelf: &Mutex<Shelf>) -> Vec<String> {
    let mut names: Vec<_> = shelf
        .lock()
        .records
        .keys()
        .map(ToString::to_string)
        .collect();
    names.sort();
    names
}

fn keeping() -> ConnectOptions {
    ConnectOptions {
        clean: false,
        ..options_of(Version::V311)
    }
}

/// Accepts a message although there is no connection.
fn accept_offline(client: &Carried, payload: &[u8]) {
    let message = publish(QoS::AtLeastOnce, payload);
    let offline = Terms {
        offline: true,
        waiting: true,
        later: false,
        max_waiting: 9,
    };
    let accepted = client.try_publish(&message, offline, |_| "publish");
    assert!(accepted.is_ok_and(|accepted| accepted.waits));
}

/// A client on that store. Its program keeps its messages, and never says that it has taken them.
fn on(shelf: &Kept) -> Carried {
    let mut setup = setup();
    setup.create.restore_messages = true;
    Carried::prepared(setup, Some(Box::new(shelf.clone())), |client| {
        client.host().keeps.store(true, Ordering::Relaxed);
    })
}

#[test]
fn records_pass_through_the_programs_functions() {
    let shelf = Kept::default();
    let first = on(&shelf);
    first.set_before_write(Some(Box::new(Backwards)));
    accept_offline(&first, b"payload");
    first.set_before_write(None);
    accept_offline(&first, b"payload");
    drop(first);
    let contains = |name: &str, what: &[u8]| {
        let shelf = shelf.0.lock();
        let mut records = shelf.records.iter();
        let (_, record) = records
            .find(|(key, _)| key.to_string() == name)
            .expect(name);
        record.windows(what.len()).any(|bytes| bytes == what)
    };
    assert!(contains("c-1", b"daolyap") && contains("c-2", b"payload"));

    // What was written so is read so, by a program that says how when the client is there.
    shelf.0.lock().records.retain(|key, _| key.number == 1);
    let client = on(&shelf);
    client.set_after_read(Some(Box::new(Backwards)));
    let stream = client.attach(1 << 16, keeping(), "connect");
    sent(&stream);
    client.feed(&stream, CONNACK);
    assert_eq!(sent(&stream), b"\x32\x0c\x00\x01t\x00\x01payload");
    assert_eq!(client.counters().messages_out, 1);
}

#[test]
fn what_could_not_be_read_is_tried_again_when_the_program_says_how() {
    let shelf = Kept::default();
    accept_offline(&on(&shelf), b"x");
    let client = on(&shelf);
    let stream = client.attach(1 << 16, keeping(), "connect");
    sent(&stream);
    shelf.0.lock().refuses = true;
    client.feed(&stream, CONNACK);
    assert!(sent(&stream).is_empty());
    let retry_at = || client.lock().outputs.retry_at();
    assert!(retry_at().is_some(), "an alarm");
    shelf.0.lock().refuses = false;
    client.set_after_read(None);
    // The alarm goes off at once, and not when it was set to.
    client.work();
    assert_eq!(sent(&stream), PUBLISH);
    assert_eq!(retry_at(), None);
}

#[test]
fn what_the_store_did_not_remove_is_removed_later() {
    let shelf = Kept::default();
    let client = on(&shelf);
    accept_offline(&client, b"x");
    shelf.0.lock().keeps = true;
    let stream = client.attach(1 << 16, keeping(), "connect");
    client.feed(&stream, CONNACK);
    client.feed(&stream, b"\x40\x02\x00\x01");
    assert!(!names(&shelf.0).is_empty());
    let retry_at = || client.lock().outputs.retry_at();
    assert!(retry_at().is_some(), "an alarm");
    // The store keeps it still: the alarm is set again.
    client.set_after_read(None);
    client.work();
    assert!(retry_at().is_some(), "another one");
    shelf.0.lock().keeps = false;
    client.set_after_read(None);
    client.work();
    assert!(names(&shelf.0).is_empty());
    assert_eq!(retry_at(), None);
}

#[test]
fn numbers_go_on_behind_what_an_earlier_process_left() {
    let shelf = Kept::default();
    let client = on(&shelf);
    accept_offline(&client, b"1");
    accept_offline(&client, b"2");
    drop(client);
    let client = on(&shelf);
    accept_offline(&client, b"3");
    assert_eq!(names(&shelf.0), ["c-1", "c-2", "c-3"]);
    drop(client);

    // So with the messages that the program has not taken.
    let shelf = Kept::default();
    for kept in [1, 2] {
        let client = on(&shelf);
        let stream = client.attach(1 << 16, keeping(), "connect");
        client.feed(&stream, CONNACK);
        client.feed(&stream, PUBLISH);
        assert_eq!(names(&shelf.0).len(), kept);
    }
}

#[test]
fn a_message_that_a_call_returns_is_not_kept() {
    let shelf = Kept::default();
    let mut setup = setup();
    setup.driver = Driver::Calls;
    let client = Carried::new(setup, Some(Box::new(shelf.clone())));
    let stream = client.attach(1 << 16, options(), "connect");
    client.feed(&stream, CONNACK);
    client.feed(&stream, PUBLISH);
    assert_eq!(names(&shelf.0), ["q-1"]);
    let received = client.receive(std::time::Duration::ZERO).expect("no error");
    assert_eq!(received.as_deref(), Some(&b"x"[..]));
    assert!(names(&shelf.0).is_empty());
}

/// A message that cannot be stored must not be acknowledged: the server sends it again on the next connection.
#[test]
fn what_cannot_be_stored_is_not_acknowledged() {
    for (version, message, says) in [
        (Version::V311, PUBLISH, &b""[..]),
        (Version::V5, b"\x32\x07\0\x01t\0\x01\0x", b"\xe0\x01\x83"),
    ] {
        let shelf = Kept::default();
        let client = on(&shelf);
        let stream = client.attach(1 << 16, options_of(version), "connect");
        sent(&stream);
        client.feed(&stream, connack(version));
        client.heard();
        shelf.0.lock().refuses = true;
        client.feed(&stream, message);
        assert_eq!(sent(&stream), says, "{version:?}");
        assert!(stream.is_ended() && !client.is_connected());
        let lost = "lost: a received message could not be stored";
        assert_eq!(client.heard(), [lost]);
        assert!(names(&shelf.0).is_empty());
    }
}

#[test]
fn stores_of_clients_are_free_once_they_are_destroyed() {
    let shelf = Kept::default();
    let client = on(&shelf);
    assert_eq!(Arc::strong_count(&shelf.0), 2);
    client.destroy();
    assert_eq!(Arc::strong_count(&shelf.0), 1);
}
