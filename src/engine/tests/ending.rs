//! How a connection ends, and a client: who is told what, what is still said, and what becomes of what was in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::carried::{Carried, FAR, PUBLISH, connected, options_of, sent, setup};
use super::publish;
use super::shelf::Kept;
use crate::engine::core::{Error, Thread};
use crate::engine::host::{Event, Loss, LossCause};
use crate::engine::lifecycle::state::Reconnect;
use crate::options::{ConnectOptions, ReconnectOptions};
use crate::persistence::{RecordKey, RecordKind};
use crate::protocol::property::Properties;
use crate::protocol::{QoS, Version};
use crate::transport::Link;
use crate::transport::stream::{ByteStream, Wake};

/// A client with a message in flight, which has been sent.
fn in_flight(options: ConnectOptions) -> (Carried, ByteStream) {
    let (client, stream) = connected(setup(), options);
    let message = publish(QoS::AtLeastOnce, b"x");
    client.send(&message, "publish").expect("accepted");
    assert!(!sent(&stream).is_empty());
    (client, stream)
}

fn disconnect(client: &Carried, timeout: Duration) {
    let begun = client.disconnect(timeout, 0, Properties::new(), Some("disconnect"));
    assert!(begun.is_ok());
}

#[test]
fn a_disconnect_waits_for_what_is_in_flight_and_is_told_of() {
    let (client, stream) = in_flight(options_of(Version::V311));
    disconnect(&client, FAR);
    assert!(sent(&stream).is_empty() && client.heard().is_empty() && client.is_connected());
    // A second one joins it.
    let second = client.disconnect(FAR, 0, Properties::new(), Some("second"));
    assert!(second.is_ok() && sent(&stream).is_empty());
    client.feed(&stream, &[0x40, 2, 0, 1]);
    assert_eq!(sent(&stream), [0xe0, 0]);
    let heard = [
        "publish ended",
        "disconnect done, said: true",
        "second done, said: true",
    ];
    assert_eq!(client.heard(), heard);
    assert!(stream.is_ended() && !client.is_connected());
    let again = client.disconnect(FAR, 0, Properties::new(), None);
    assert!(matches!(again, Err(Error::Disconnected)));
}

#[test]
fn a_disconnect_does_not_wait_longer_than_it_was_told() {
    let (client, stream) = in_flight(options_of(Version::V311));
    disconnect(&client, Duration::ZERO);
    assert_eq!(sent(&stream), [0xe0, 0]);
    // The session was a clean one: what was in flight has ended with it.
    assert_eq!(
        client.heard(),
        ["publish failed", "disconnect done, said: true"]
    );
    assert!(!client.is_pending(1));
}

#[test]
fn a_call_that_disconnects_and_waits_returns_at_the_end() {
    let (client, stream) = connected(setup(), options_of(Version::V5));
    let left = client.disconnect_and_wait(FAR, 4, Properties::new());
    assert!(left.is_ok() && !client.is_connected());
    assert_eq!(sent(&stream), [0xe0, 1, 4]);
    assert!(stream.is_ended());
    let again = client.disconnect_and_wait(FAR, 0, Properties::new());
    assert!(matches!(again, Err(Error::Disconnected)));
}

#[test]
fn a_connection_that_ends_while_it_is_left_says_whether_disconnect_was_said() {
    let (client, stream) = in_flight(options_of(Version::V311));
    disconnect(&client, FAR);
    stream.feed_end();
    client.work();
    assert_eq!(
        client.heard(),
        ["publish failed", "disconnect done, said: false"]
    );

    // DISCONNECT waits behind a message that the stream does not take: the server will not see it.
    let client = Carried::new(setup(), None);
    let stream = client.attach(64, options_of(Version::V311), "connect");
    sent(&stream);
    client.feed(&stream, super::CONNACK);
    let large = [b'x'; 200];
    let message = publish(QoS::AtMostOnce, &large);
    client.send(&message, "large").expect("accepted");
    disconnect(&client, Duration::ZERO);
    assert!(client.is_connected(), "the stream has time to take it");
    client.heard();
    stream.feed_end();
    client.work();
    assert_eq!(
        client.heard(),
        ["large failed", "disconnect done, said: false"]
    );
    assert_eq!(sent(&stream).len(), 64, "what it had taken, and no more");
    assert!(stream.is_ended());
}

#[test]
fn disconnect_follows_what_is_still_to_be_written() {
    let client = Carried::new(setup(), None);
    let stream = client.attach(64, options_of(Version::V311), "connect");
    sent(&stream);
    client.feed(&stream, super::CONNACK);
    let large = [b'x'; 100];
    let message = publish(QoS::AtMostOnce, &large);
    client.send(&message, "large").expect("accepted");
    disconnect(&client, Duration::ZERO);
    client.heard();
    let mut all = sent(&stream);
    client.work();
    assert_eq!(
        client.heard(),
        ["large ended", "disconnect done, said: true"]
    );
    all.extend(sent(&stream));
    assert_eq!((all.len(), &all[105..]), (107, &[0xe0, 0][..]));
}

/// DISCONNECT is out when the last byte of it is.
#[test]
fn a_disconnect_ends_when_the_socket_has_taken_all_of_it() {
    let client = Carried::new(setup(), None);
    let stream = client.attach(64, options_of(Version::V311), "connect");
    sent(&stream);
    client.feed(&stream, super::CONNACK);
    client.heard();
    // All but one byte of the room.
    let message = publish(QoS::AtMostOnce, &[b'x'; 58]);
    client.send(&message, "large").expect("accepted");
    assert_eq!((client.heard().len(), stream.pending()), (1, 63));
    disconnect(&client, FAR);
    assert_eq!(stream.pending(), 64);
    assert!(client.heard().is_empty() && !stream.is_ended());
    let mut all = sent(&stream);
    client.work();
    assert_eq!(client.heard(), ["disconnect done, said: true"]);
    all.extend(sent(&stream));
    assert_eq!(all[63..], [0xe0, 0]);
}

/// The time that a disconnect waits is no handshake's.
#[test]
fn a_disconnect_whose_time_is_over_is_said() {
    let (client, stream) = in_flight(options_of(Version::V311));
    let minute = Duration::from_secs(60);
    disconnect(&client, minute);
    client.tick(2 * minute);
    assert!(client.is_connected() && !stream.is_ended());
    client.feed(&stream, &[0x40, 2, 0, 1]);
    assert_eq!(sent(&stream), [0xe0, 0]);
}

#[test]
fn a_call_that_disconnects_gives_a_socket_up_that_takes_nothing() {
    let client = Carried::new(setup(), None);
    let stream = client.attach(64, options_of(Version::V311), "connect");
    sent(&stream);
    client.feed(&stream, super::CONNACK);
    let message = publish(QoS::AtMostOnce, &[b'x'; 100]);
    client.send(&message, "large").expect("accepted");
    client.heard();
    let left = client.disconnect_and_wait(Duration::ZERO, 0, Properties::new());
    assert!(left.is_ok() && !client.is_connected());
    assert_eq!(client.heard(), ["large failed"]);
    assert_eq!(sent(&stream).len(), 64);
    assert!(stream.is_ended());
    let (_, last) = client.last_error().expect("noted");
    assert!(last.text.contains("took no DISCONNECT"), "{}", last.text);
}

/// One way in which a connection ends that the program has not asked for.
struct End {
    name: &'static str,
    version: Version,
    /// The program wants [`Event::ConnectionLost`](crate::engine::Event) after the server's DISCONNECT too.
    lost_after_disconnect: bool,
    happens: fn(&Carried, &ByteStream),
    says: &'static [u8],
    heard: &'static [&'static str],
}

#[test]
fn a_connection_that_is_lost_tells_the_server_why_and_the_program_once() {
    let closes = |_: &Carried, stream: &ByteStream| stream.feed_end();
    let leaves = |client: &Carried, stream: &ByteStream| client.feed(stream, &[0xe0, 1, 0x8b]);
    let breaks = |client: &Carried, stream: &ByteStream| client.feed(stream, &[0x20, 3, 0, 0, 0]);
    let aborts = |client: &Carried, _: &ByteStream| {
        let why = Loss::new(LossCause::Aborted, "given up");
        assert!(client.abort(why).is_ok());
    };
    // PINGREQ, and then nothing.
    let falls_silent = |client: &Carried, stream: &ByteStream| {
        client.tick(Duration::from_secs(11));
        assert_eq!(sent(stream), [0xc0, 0], "PINGREQ");
        client.tick(Duration::from_secs(40));
    };
    let end = |name, version, happens, says, heard| End {
        name,
        version,
        lost_after_disconnect: false,
        happens,
        says,
        heard,
    };
    let (v3, v5) = (Version::V311, Version::V5);
    let closed = &["lost: the server closed the connection"];
    let silent = &["lost: no answer to PINGREQ"];
    let rows = [
        end(
            "closed",
            v3,
            closes as fn(&Carried, &ByteStream),
            &[],
            closed,
        ),
        end("closed", v5, closes, &[], closed),
        end(
            "server's DISCONNECT",
            v5,
            leaves,
            &[],
            &["server left: 139"],
        ),
        End {
            lost_after_disconnect: true,
            ..end(
                "server's DISCONNECT",
                v5,
                leaves,
                &[],
                &["server left: 139", "lost: the server said DISCONNECT"],
            )
        },
        end("protocol error", v3, breaks, &[], &["lost: "]),
        end("protocol error", v5, breaks, &[0xe0, 1, 0x82], &["lost: "]),
        end("aborted", v3, aborts, &[], &["lost: given up"]),
        end("aborted", v5, aborts, &[], &["lost: given up"]),
        end("silent", v3, falls_silent, &[], silent),
        end("silent", v5, falls_silent, &[0xe0, 1, 0x8d], silent),
    ];
    for row in rows {
        for reconnects in [false, true] {
            let name = format!("{}, {:?}, reconnects: {reconnects}", row.name, row.version);
            let mut setup = setup();
            setup.lost_after_disconnect = row.lost_after_disconnect;
            let options = ConnectOptions {
                keep_alive: Duration::from_secs(10),
                // The program never gets as far as a second attempt.
                reconnect: reconnects.then_some(ReconnectOptions { min: FAR, max: FAR }),
                ..options_of(row.version)
            };
            let (client, stream) = connected(setup, options);
            let epoch = client.lock().lifecycle.epoch();
            (row.happens)(&client, &stream);
            client.work();
            let heard = client.heard();
            assert_eq!(heard.len(), row.heard.len(), "{name}: {heard:?}");
            for (is, expected) in heard.iter().zip(row.heard) {
                assert!(is.starts_with(expected), "{name}: {heard:?}");
            }
            assert_eq!(sent(&stream), row.says, "{name}");
            assert!(stream.is_ended() && !client.is_connected(), "{name}");
            let core = client.lock();
            assert!(core.lifecycle.epoch() > epoch && core.lifecycle.is_wanted());
            let answer = core.lifecycle.reconnect();
            let signalled = matches!(answer, Ok(Reconnect::Signalled));
            assert_eq!(signalled, reconnects, "{name}");
            assert!(core.retired.is_empty(), "{name}: it has been closed");
        }
    }
}

#[test]
fn bytes_that_nobody_has_read_are_a_sign_of_life() {
    let options = ConnectOptions {
        keep_alive: Duration::from_secs(10),
        ..options_of(Version::V311)
    };
    let (client, stream) = connected(setup(), options);
    client.tick(Duration::from_secs(11));
    assert_eq!(stream.feed(&[0xd0, 0]), 2, "PINGRESP, not read");
    client.tick(Duration::from_secs(40));
    assert!(client.is_connected() && client.heard().is_empty());
    client.tick(Duration::from_secs(41));
    client.work();
    assert!(client.is_connected());
}

#[test]
fn what_is_in_flight_outlives_the_connection_where_the_session_does() {
    for clean in [false, true] {
        let options = ConnectOptions {
            clean,
            ..options_of(Version::V311)
        };
        let (client, stream) = in_flight(options);
        stream.feed_end();
        client.work();
        let lost = "lost: the server closed the connection";
        let core = client.lock();
        let given_up = core.given_up.to_vec();
        drop(core);
        if clean {
            assert_eq!(client.heard(), ["publish failed", lost]);
            assert_eq!(given_up, [1], "whoever waits for it learns why");
        } else {
            assert_eq!(client.heard(), [lost]);
            assert!(given_up.is_empty());
        }
        assert_eq!(client.is_pending(1), !clean);
        let written = client.counters().bytes_out;
        assert!(written > PUBLISH.len() as u64, "counted for good");
        assert!(!client.lock().driving.carried, "the next may have a socket");
    }
}

/// What destroying a client in some state comes to.
fn destroyed(client: &Carried, stream: &ByteStream) -> (Vec<u8>, Vec<String>) {
    client.destroy();
    client.destroy();
    client.work();
    let core = client.lock();
    assert!(core.lifecycle.is_destroyed() && core.alarm.timer.is_none());
    assert!(core.outputs.records.is_none() && core.outputs.queue.is_empty());
    drop(core);
    let refused = client.send(&publish(QoS::AtMostOnce, b"x"), "late");
    assert!(matches!(refused, Err(Error::Failed(_))));
    let says = sent(stream);
    assert!(stream.is_ended());
    (says, client.heard())
}

#[test]
fn destroy_says_goodbye_and_fails_what_is_pending() {
    let (client, stream) = in_flight(options_of(Version::V311));
    let (says, heard) = destroyed(&client, &stream);
    assert_eq!(says, [0xe0, 0]);
    assert_eq!(heard, ["publish failed"]);
}

/// What the session and the store keep for another process ends for this one.
#[test]
fn destroy_fails_what_the_store_keeps_and_leaves_it_there() {
    let shelf = Kept::default();
    let client = Carried::new(setup(), Some(Box::new(shelf.clone())));
    let options = ConnectOptions {
        clean: false,
        ..options_of(Version::V311)
    };
    let stream = client.attach(64, options, "connect");
    sent(&stream);
    client.feed(&stream, super::CONNACK);
    let message = publish(QoS::AtLeastOnce, b"x");
    client.send(&message, "publish").expect("accepted");
    assert_eq!(sent(&stream), PUBLISH);
    let large = [b'x'; 200];
    let message = publish(QoS::AtMostOnce, &large);
    client.send(&message, "large").expect("accepted");
    client.heard();
    client.destroy();
    assert_eq!(client.heard(), ["large failed", "publish failed"]);
    assert!(client.lock().outputs.records.is_none(), "the store is free");
    let kept = RecordKey::new(RecordKind::PublishSent, false, 1);
    let records = &shelf.0.lock().records;
    assert_eq!(records.keys().copied().collect::<Vec<_>>(), [kept]);
}

#[test]
fn nothing_is_left_of_a_client_that_was_destroyed() {
    for destroyed in [false, true] {
        let (client, stream) = in_flight(options_of(Version::V311));
        let left = Arc::downgrade(&client);
        if destroyed {
            client.destroy();
        }
        // Else as the program's last handle goes.
        drop(client);
        assert!(left.upgrade().is_none());
        assert!(stream.is_ended() || !sent(&stream).is_empty());
    }
}

#[test]
fn destroy_waits_for_a_callback_on_another_thread() {
    let (client, stream) = connected(setup(), options_of(Version::V311));
    let (begun, when_begun) = channel();
    let (go_on, may_go_on) = channel::<()>();
    let this = Arc::clone(&client);
    *client.host().inside.lock() = Some(Box::new(move || {
        begun.send(()).expect("the test waits");
        may_go_on.recv().expect("the test goes on");
        let destroyed = this.lock().lifecycle.is_destroyed();
        this.host().note(if destroyed {
            "returns last"
        } else {
            "too early"
        });
    }));
    std::thread::scope(|scope| {
        scope.spawn(|| client.feed(&stream, b"\x30\x04\x00\x01ta"));
        when_begun.recv().expect("a callback");
        let destroys = scope.spawn(|| {
            client.destroy();
            client.host().heard()
        });
        // Until destroy waits for the callback.
        let deadline = Instant::now() + super::PATIENCE;
        while client.lock().waiters == 0 {
            assert!(Instant::now() < deadline, "destroy waits");
            std::thread::yield_now();
        }
        go_on.send(()).expect("the callback waits");
        let heard = destroys.join().expect("destroyed");
        assert_eq!(heard, ["a", "returns last"]);
    });
    assert_eq!(client.lock().waiters, 0);
}

/// A thread that comes with news while destroy waits for an attempt's options: destroy has looked for callbacks before.
#[test]
fn no_callback_begins_on_another_thread_while_destroy_waits() {
    let client = Carried::new(setup(), None);
    let attempt = client.present(&mut client.lock());
    std::thread::scope(|scope| {
        let destroys = scope.spawn(|| client.destroy());
        let deadline = Instant::now() + super::PATIENCE;
        while client.lock().waiters == 0 {
            assert!(Instant::now() < deadline, "destroy waits");
            std::thread::yield_now();
        }
        let mut core = client.lock();
        core.outputs.tell(Event::Room);
        drop(client.settle(core, Thread::Caller));
        assert!(client.heard().is_empty(), "the program may be inside");
        drop(attempt);
        destroys.join().expect("destroyed");
    });
}

/// The server has the acknowledgement when another thread destroys the client, before the message was told of: here while the bytes
/// of the acknowledgement are written.
#[test]
fn destroy_tells_of_messages_that_are_acknowledged() {
    let client = Carried::new(setup(), None);
    let (acknowledges, this) = (AtomicBool::new(false), Arc::downgrade(&client.0));
    let waker = move |wake: Wake| {
        let client = this.upgrade().expect("the test has it");
        if wake.readable && acknowledges.swap(true, Ordering::Relaxed) {
            client.destroy();
        }
    };
    let (link, stream) = Link::stream(1024, Arc::new(waker));
    let attached = client.0.attach(link, options_of(Version::V311), "connect");
    attached.expect("attached");
    assert_eq!(sent(&stream)[0], 0x10, "CONNECT");
    client.feed(&stream, super::CONNACK);
    client.heard();
    client.feed(&stream, PUBLISH);
    assert_eq!(sent(&stream)[..4], [0x40, 2, 0, 1]);
    assert_eq!(client.heard(), ["x"]);
}

#[test]
fn destroy_ends_a_disconnect() {
    let (client, stream) = in_flight(options_of(Version::V5));
    disconnect(&client, FAR);
    let (says, heard) = destroyed(&client, &stream);
    assert_eq!(says, [0xe0, 0]);
    assert_eq!(heard, ["publish failed", "disconnect done, said: true"]);
}

#[test]
fn destroy_abandons_a_handshake_without_a_word() {
    let client = Carried::new(setup(), None);
    let stream = client.attach(1024, options_of(Version::V5), "connect");
    sent(&stream);
    let (says, heard) = destroyed(&client, &stream);
    assert!(says.is_empty() && heard.is_empty());
}

#[test]
fn a_callback_may_destroy_its_client() {
    let (client, stream) = in_flight(options_of(Version::V311));
    let this = Arc::clone(&client);
    *client.host().inside.lock() = Some(Box::new(move || this.destroy()));
    // Behind the message that is being told of: an end and a message, which are told as well.
    client.feed(
        &stream,
        b"\x30\x04\x00\x01ta\x40\x02\x00\x01\x30\x04\x00\x01tb",
    );
    assert_eq!(client.heard(), ["a", "publish ended", "b"]);
    assert_eq!(sent(&stream), [0xe0, 0]);
}

/// A thread that is slow to run callbacks, on a loaded machine, has all of them left when the program destroys the client.
#[test]
fn destroy_tells_of_acknowledgements_that_have_come() {
    let (client, stream) = in_flight(options_of(Version::V311));
    client.set_wants_acknowledgements(true);
    let this = Arc::clone(&client);
    *client.host().inside.lock() = Some(Box::new(move || this.destroy()));
    client.feed(&stream, b"\x30\x04\x00\x01ta\x40\x02\x00\x01");
    let mut heard = client.heard();
    heard.sort();
    assert_eq!(heard, ["PubAck 1", "a", "publish ended"]);
}
