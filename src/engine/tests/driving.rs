//! The program's own thread in the reactor's place: what each takes over from the other, and what the program is told.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::carried::{Carried, FAR, connected, options_of, sent, setup};
use super::{CONNACK, Server, options, pair, publish};
use crate::engine::Count;
use crate::engine::connection::Connection;
use crate::engine::delivery::queue::{MAX_UNTAKEN_BYTES, Untaken};
use crate::engine::driving::Work;
use crate::options::ConnectOptions;
use crate::protocol::packet::ConnAck;
use crate::protocol::property::PropertiesRef;
use crate::protocol::session::Begin;
use crate::protocol::{QoS, Version};
use crate::transport::Link;

const READS: Work = Work {
    read: true,
    ..Work::NONE
};
const WRITES: Work = Work {
    write: true,
    ..Work::NONE
};
const KEEPS_TIME: Work = Work {
    tick: true,
    ..Work::NONE
};

/// A client that is connected over a socket, for which the program does this.
fn driven(by_program: Work) -> (Carried, Server) {
    let client = Carried::new(setup(), None);
    let (ours, mut server) = pair();
    let link = Link::adopt(ours.into()).expect("a socket");
    let begun = client.0.attach(link, options(), "connect");
    begun.expect("attached");
    server.accept();
    client.work();
    assert_eq!(client.heard(), ["connect up", "connected"]);
    client.set_driver(by_program);
    (client, server)
}

fn is_watched(client: &Carried) -> bool {
    let core = client.lock();
    let connection = core.lifecycle.connection();
    connection.is_some_and(Connection::is_watched)
}

/// Returns true while a thread reads, or tells the program something.
fn is_at_work(client: &Carried) -> bool {
    let core = client.lock();
    let connection = core.lifecycle.connection();
    !core.roles.may_dispatch()
        || connection.is_some_and(|connection| connection.reader.is_reading())
}

/// Has the parts joined, where nothing has changed.
fn settle(client: &Carried) {
    client.set_after_read(None);
}

/// Has the connection's session begin anew with that keep-alive interval.
fn begin_again(client: &Carried, keep_alive: Duration) {
    let begin = Begin {
        version: Version::V311,
        clean: true,
        keep_alive,
        max_inflight: 10,
        properties: PropertiesRef::EMPTY,
        socket: -1,
    };
    let connack = ConnAck {
        session_present: false,
        code: 0,
        properties: PropertiesRef::EMPTY,
    };
    let mut core = client.lock();
    let (session, outputs) = core.parts();
    session.begin(&begin, &connack, Instant::now(), outputs);
}

#[test]
fn what_the_program_would_have_read_the_reactor_reads() {
    let (client, mut server) = driven(Work::ALL);
    server.publish(b"a");
    assert!(!is_watched(&client) && client.heard().is_empty());
    client.set_driver(WRITES);
    assert_eq!(client.host().wait_for(1), ["a"]);
    server.publish(b"b");
    assert_eq!(client.host().wait_for(2), ["a", "b"]);
}

#[test]
fn what_the_reactor_would_have_read_the_program_reads() {
    let (client, mut server) = driven(Work::NONE);
    server.publish(b"a");
    client.host().wait_for(1);
    assert!(is_watched(&client));
    client.set_driver(READS);
    assert!(!is_watched(&client));
    // The thread of the reactor that has read comes back, and none begins.
    while is_at_work(&client) {
        std::thread::yield_now();
    }
    server.publish(b"b");
    assert_eq!(client.heard(), ["a"], "nobody else reads");
    client.work();
    assert_eq!(client.heard(), ["b"]);
}

/// A large message is half written when another thread than before has to write the rest. No further call is made.
#[test]
fn whoever_has_to_write_writes_the_rest() {
    let large = vec![b'x'; 4 << 20];
    for (before, after) in [
        (Work::ALL, Work::NONE),
        (Work::ALL, READS),
        (Work::NONE, READS),
        (WRITES, Work::NONE),
    ] {
        let (client, mut server) = driven(before);
        let message = publish(QoS::AtMostOnce, &large);
        client.send(&message, "large").expect("accepted");
        client.set_driver(after);
        let mut packet = vec![0; 5 + 3 + large.len()];
        server.0.read_exact(&mut packet).expect("all of it");
        assert_eq!(packet[8..], large);
        assert_eq!(client.host().wait_for(1), ["large ended"]);
    }
}

#[test]
fn a_program_that_writes_ends_the_reactors_burst() {
    for (by_program, burst) in [(WRITES, false), (READS, true)] {
        let (client, _stream) = connected(setup(), options());
        let mut core = client.lock();
        core.driving.carried = false;
        // No thread of the reactor comes and carries it: it is on its way, as far as the client knows.
        core.alarm.scheduled = true;
        core.lifecycle.connection_mut().expect("one").pace.ask();
        drop(core);
        client.set_driver(by_program);
        let core = client.lock();
        let connection = core.lifecycle.connection().expect("one");
        assert_eq!(connection.pace.is_burst(), burst);
    }
}

#[test]
fn only_who_keeps_the_time_does_what_is_due() {
    let now = Instant::now();
    let (client, stream) = connected(setup(), options());
    client.lock().roles.offer_again(now);
    client.perform(Work {
        tick: false,
        ..Work::ALL
    });
    assert_eq!(client.lock().roles.offers_again(), Some(now));
    client.perform(KEEPS_TIME);
    assert_eq!(client.lock().roles.offers_again(), None);
    assert!(sent(&stream).is_empty());

    // Keep-alive is due as soon as timers of its slot are.
    let keep_alive = Duration::from_millis(1);
    let (client, stream) = connected(
        setup(),
        ConnectOptions {
            keep_alive,
            ..options()
        },
    );
    client.perform(KEEPS_TIME);
    assert_eq!(sent(&stream), [0xc0, 0], "PINGREQ");

    // So is the answer to CONNECT.
    let client = Carried::new(setup(), None);
    let connect_timeout = Duration::from_nanos(1);
    let options = ConnectOptions {
        connect_timeout,
        ..options()
    };
    let stream = client.attach(1024, options, "connect");
    client.perform(READS);
    assert!(client.heard().is_empty());
    client.perform(KEEPS_TIME);
    let late = "connect failed: waiting for CONNACK: timed out";
    assert_eq!(client.heard(), [late]);
    assert!(!sent(&stream).is_empty() && stream.is_ended());
}

#[test]
fn the_driver_is_told_once_of_each_thing_to_wait_for() {
    let told = |client: &Carried, expected: usize, why| {
        settle(client);
        let count = client
            .heard()
            .iter()
            .filter(|what| *what == "wants")
            .count();
        assert_eq!(count, expected, "{why}");
        settle(client);
        assert!(client.heard().is_empty(), "{why}: once");
    };
    let client = Carried::prepared(setup(), None, |client| {
        client.host().hears_wants.store(true, Ordering::Relaxed);
    });
    told(&client, 0, "no connection");
    let stream = client.attach(1 << 16, options_of(Version::V311), "connect");
    told(&client, 1, "there is a connection to read");
    sent(&stream);
    client.feed(&stream, CONNACK);
    client.heard();
    client.set_driver(Work::ALL);
    told(&client, 1, "a driver that may know nothing");
    client.wants();
    told(&client, 0, "it has asked");

    // A deadline, an earlier one, and a later one.
    for (keep_alive, count) in [(FAR, 1), (FAR / 2, 1), (FAR, 0)] {
        begin_again(&client, keep_alive);
        told(&client, count, "a deadline");
    }
    begin_again(&client, FAR * 2);
    let due = client.due_in().expect("something due");
    assert!(due > FAR && due <= FAR * 2, "as it is now");
    begin_again(&client, FAR);
    told(&client, 1, "earlier than it was told");

    // More to read, which a call that does not read answers.
    let mut core = client.lock();
    let connection = core.lifecycle.connection_mut().expect("one");
    connection.reader.may_have_data();
    drop(core);
    assert!(client.perform(WRITES).more);
    told(&client, 0, "the call's answer has told of it");
    client.work();

    // The program carries the stream whatever it wants to do.
    client.set_driver(Work::NONE);
    told(&client, 1, "it carries the stream");
}

#[test]
fn a_program_that_drives_nothing_hears_nothing_of_that() {
    let (client, mut server) = driven(Work::NONE);
    client.host().hears_wants.store(true, Ordering::Relaxed);
    server.publish(b"a");
    settle(&client);
    client.host().wait_for(1);
    server.publish(b"b");
    assert_eq!(client.host().wait_for(2), ["a", "b"]);
    client.set_driver(READS);
    settle(&client);
    assert_eq!(client.host().wait_for(3)[2], "wants");
}

#[test]
fn a_socket_is_not_read_because_messages_were_taken() {
    let (client, mut server) = driven(Work::ALL);
    server.publish(b"a");
    let mut core = client.lock();
    let connection = core.lifecycle.connection_mut().expect("one");
    connection.reader.may_have_data();
    drop(core);
    client.taken(Count::default(), &[], false);
    assert!(
        client.heard().is_empty(),
        "its driver has other calls for that"
    );
    client.work();
    assert_eq!(client.heard(), ["a"]);
}

#[test]
fn a_watched_socket_is_read_on_once_the_program_has_taken_what_held_that_up() {
    let (client, mut server) = driven(Work::NONE);
    let untaken = Arc::new(Untaken::default());
    client.hold_back_for(Arc::clone(&untaken));
    untaken.add(MAX_UNTAKEN_BYTES);
    server.publish(b"a");
    let is_due = || {
        let core = client.lock();
        core.lifecycle
            .connection()
            .is_some_and(|connection| connection.reader.is_due())
    };
    while !is_due() {
        std::thread::yield_now();
    }
    assert!(untaken.remove(1));
    client.taken(Count::default(), &[], true);
    assert_eq!(client.host().wait_for(1), ["a"]);
}
