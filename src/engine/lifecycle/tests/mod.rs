//! How a connection begins: what a link carries until the server has accepted it, what an attempt comes to, and what a program
//! is told of that.

mod attempts;
mod says;
mod tasks;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::connack::{Established, ends_with_connection};
use super::connect::PanicGuard;
use crate::engine::core::{Error, Thread};
use crate::engine::delivery::queue::Driver;
use crate::engine::host::{ConnectFailure, Connected, Loss, LossCause};
use crate::engine::tests::carried::{Carried, FAR, connack, connected, options_of, sent, setup};
use crate::engine::tests::{options, publish};
use crate::options::{ConnectOptions, Extras, ReconnectOptions, VersionChoice};
use crate::protocol::property::{Properties, Property, PropertyId, Value};
use crate::protocol::session::Policy;
use crate::protocol::{QoS, Version};
use crate::transport::stream::ByteStream;
use crate::transport::{Link, Stage};

const V3: Version = Version::V311;
const V5: Version = Version::V5;

/// A client whose CONNECT has been sent over the stream.
fn attaching(options: ConnectOptions) -> (Carried, ByteStream) {
    let client = Carried::new(setup(), None);
    let stream = client.attach(1 << 16, options, "connect");
    assert_eq!(sent(&stream)[0], 0x10, "CONNECT");
    assert!(!client.is_connected() && client.heard().is_empty());
    (client, stream)
}

/// Options with these properties.
fn with(properties: &[(PropertyId, Value<'_>)]) -> ConnectOptions {
    let mut options = options_of(V5);
    for (id, value) in properties.iter().copied() {
        let pushed = options.properties.push(Property { id, value });
        pushed.expect("a property of CONNECT");
    }
    options
}

#[test]
fn the_answer_to_connect_is_told_once_and_ends_the_handshake() {
    let refused = "connect failed: the server refused the connection: ";
    let waiting = "connect failed: waiting for CONNACK: ";
    let rows: [(Version, &[u8], String); 8] = [
        (V3, &[0x20, 2, 0, 5], format!("{refused}not authorized (5)")),
        (
            V3,
            &[0x20, 2, 0, 4],
            format!("{refused}bad user name or password (4)"),
        ),
        (V3, &[0x20, 2, 0, 9], format!("{refused}unknown reason (9)")),
        (V5, &[0x20, 3, 0, 0x87, 0], refused.to_owned()),
        // No CONNACK, and none that may be.
        (V3, &[0xd0, 0], waiting.to_owned()),
        (V3, &[0x20, 3, 0, 0, 0], waiting.to_owned()),
        (V5, &[0xf0, 0], waiting.to_owned()),
        // AUTH where CONNECT named no method.
        (V5, &[0xf0, 2, 0x18, 0], waiting.to_owned()),
    ];
    for (version, answer, expected) in rows {
        let (client, stream) = attaching(options_of(version));
        client.feed(&stream, answer);
        let heard = client.heard();
        assert_eq!(heard.len(), 1, "{answer:?}: {heard:?}");
        assert!(heard[0].starts_with(&expected), "{answer:?}: {heard:?}");
        assert!(stream.is_ended() && !client.lock().lifecycle.is_wanted());
        // The link was the program's: it makes the next one.
        client.tick(FAR);
        assert!(client.heard().is_empty());
    }
}

#[test]
fn a_server_that_does_not_answer_has_as_long_as_the_program_says() {
    let timeout = FAR;
    let late = "connect failed: waiting for CONNACK: timed out";
    for connect_timeout in [Duration::ZERO, timeout] {
        let (client, stream) = attaching(ConnectOptions {
            connect_timeout,
            ..options()
        });
        client.tick(FAR / 2);
        assert!(client.heard().is_empty() && !stream.is_ended());
        client.tick(FAR * 2);
        if connect_timeout.is_zero() {
            assert!(client.heard().is_empty() && !stream.is_ended());
            stream.feed_end();
            client.work();
            let closed = "connect failed: waiting for CONNACK: the server closed the connection";
            assert_eq!(client.heard(), [closed]);
        } else {
            assert_eq!(client.heard(), [late]);
            assert!(stream.is_ended());
        }
    }
    // Accepted in time, it is not measured any longer.
    let (client, stream) = attaching(ConnectOptions {
        connect_timeout: timeout,
        ..options()
    });
    client.feed(&stream, connack(V3));
    client.tick(timeout * 2);
    assert_eq!(client.heard(), ["connect up", "connected"]);
}

#[test]
fn what_comes_behind_connack_is_read_however_it_is_cut() {
    // CONNACK, a message, and the beginning of one.
    let bytes = b"\x20\x02\x00\x00\x30\x04\x00\x01ta\x30\x04\x00\x01tb";
    for piece in [1, 3, 5, 11, bytes.len()] {
        let (client, stream) = attaching(options());
        for piece in bytes[..bytes.len() - 1].chunks(piece) {
            client.feed(&stream, piece);
        }
        assert_eq!(client.heard(), ["connect up", "connected", "a"], "{piece}");
        client.feed(&stream, b"b");
        assert_eq!(client.heard(), ["b"], "{piece}");
        assert_eq!(client.counters().bytes_in, bytes.len() as u64, "{piece}");
        assert_eq!(client.counters().connections, 1, "{piece}");
    }
}

#[test]
fn a_conversation_before_connack_is_carried_between_program_and_server() {
    let method = (PropertyId::AuthenticationMethod, Value::Utf8(b"m"));
    let (client, stream) = attaching(with(&[method]));
    let authenticate = |reason| client.authenticate(reason, Properties::new().as_ref());
    assert!(
        matches!(authenticate(0x18), Err(Error::Ignored)),
        "not asked"
    );
    for _ in 0..2 {
        client.feed(&stream, b"\xf0\x06\x18\x04\x15\x00\x01m");
        assert_eq!(client.heard(), ["auth 24"]);
        assert!(
            matches!(authenticate(0x19), Err(Error::Ignored)),
            "not anew"
        );
        assert!(authenticate(0x18).is_ok());
        assert_eq!(sent(&stream), b"\xf0\x06\x18\x04\x15\x00\x01m");
    }
    client.feed(&stream, b"\x20\x07\x00\x00\x04\x15\x00\x01m");
    assert_eq!(client.heard(), ["connect up", "connected"]);
    assert!(client.is_v5() && client.is_connected());
}

#[test]
fn an_abort_ends_whatever_there_is_and_says_that_there_was_nothing() {
    let why = || Loss::new(LossCause::Aborted, "given up");
    let client = Carried::new(setup(), None);
    assert!(matches!(client.abort(why()), Err(Error::Disconnected)));
    // An attempt that no link carries yet.
    let begun = client
        .lock()
        .lifecycle
        .connect(Arc::new(options()), "attempt");
    let epoch = begun.expect("idle");
    assert!(client.abort(why()).is_ok());
    assert_eq!(client.heard(), ["attempt failed: given up"]);
    assert!(!client.lock().lifecycle.may_attempt(epoch));
    let (client, stream) = attaching(options());
    assert!(client.abort(why()).is_ok() && stream.is_ended());
    assert_eq!(
        client.heard(),
        ["connect failed: waiting for CONNACK: given up"]
    );
    assert!(matches!(client.abort(why()), Err(Error::Disconnected)));
}

/// A program that gives an attempt up the moment CONNACK comes has a connection, to which it owes a DISCONNECT.
#[test]
fn who_gives_an_attempt_up_leaves_the_connection_that_it_led_to() {
    let why = Loss::new(LossCause::Aborted, "given up");
    let (client, stream) = attaching(options());
    assert!(client.abandon(&why).is_ok() && stream.is_ended());
    assert_eq!(
        client.heard(),
        ["connect failed: waiting for CONNACK: given up"]
    );
    assert!(matches!(client.abandon(&why), Err(Error::Disconnected)));
    let (client, stream) = connected(setup(), options());
    assert!(matches!(client.abandon(&why), Err(Error::Disconnected)));
    assert!(client.is_connected() && !stream.is_ended());
    assert_eq!(client.heard(), [""; 0]);
}

/// Has a client lose a connection with a publish in flight and a message that waits until it is offered again, and connect
/// with a clean start. Returns what the program hears.
fn heard_of_a_clean_start(extras: Option<Extras>) -> Vec<String> {
    let (client, stream) = connected(setup(), {
        ConnectOptions {
            clean: false,
            ..options_of(V3)
        }
    });
    client
        .send(&publish(QoS::AtLeastOnce, b"x"), "publish")
        .expect("accepted");
    client.host().refuses.store(true, Ordering::Relaxed);
    client.feed(&stream, b"\x30\x04\x00\x01ta");
    client.put_off_offers();
    assert_eq!(client.heard()[0], "a?");
    stream.feed_end();
    client.work();
    assert!(client.heard().is_empty());
    let in_the_call = extras.is_some();
    let clean = ConnectOptions {
        extras: extras.map(Box::new),
        ..options_of(V3)
    };
    let stream = client.attach(1 << 16, clean, "again");
    sent(&stream);
    assert_eq!(
        client.is_pending(1),
        !in_the_call,
        "until there is another session"
    );
    client.feed(&stream, connack(V3));
    client.host().refuses.store(false, Ordering::Relaxed);
    client.tick(FAR * 2);
    client.heard()
}

#[test]
fn what_was_told_before_a_connection_comes_before_it() {
    let lost = "lost: the server closed the connection";
    // All that comes behind onSuccess is of the new session: with the original's APIs as with the original, and with the event API,
    // which ends the old one in the call.
    for extras in [None, Some(extras_with(Policy::Clear))] {
        assert_eq!(
            heard_of_a_clean_start(extras),
            ["a", lost, "publish failed", "again up", "connected"]
        );
    }
}

fn extras_with(session: Policy) -> Extras {
    Extras {
        client_id: None,
        bridge: false,
        ping_timeout: None,
        session,
        max_resume_inflight: None,
    }
}

/// What an attempt brings that a server has accepted, over a stream.
fn accepted(version: Version, rest: &[u8]) -> (Established, ByteStream) {
    let (link, stream) = Link::stream(1 << 16, Arc::new(|_| {}));
    let connected = Connected {
        server_uri: "tcp://server".into(),
        listed: false,
        version,
        session_present: false,
        reason: 0,
        properties: Properties::new(),
    };
    let established = Established {
        link: Arc::new(link),
        connected,
        rest: rest.to_vec(),
        round_trip: Duration::from_millis(1),
    };
    (established, stream)
}

/// A client with a connect under way, and the attempt's epoch.
fn attempting(op: &'static str, options: &Arc<ConnectOptions>) -> (Carried, u64) {
    let client = Carried::new(setup(), None);
    let begun = client.lock().lifecycle.connect(Arc::clone(options), op);
    (client, begun.expect("idle"))
}

#[test]
fn an_attempt_that_succeeds_is_the_connection_with_what_came_behind_connack() {
    let options = Arc::new(options_of(V5));
    let (client, epoch) = attempting("connect", &options);
    let (established, stream) = accepted(V5, b"\x30\x05\x00\x01t\x00a\x30\x05\x00\x01t\x00");
    client.established(established, Arc::clone(&options), epoch, false);
    assert_eq!(client.heard(), ["connect up", "connected", "a"]);
    assert!(client.is_v5() && client.is_connected());
    client.feed(&stream, b"b");
    assert_eq!(client.heard(), ["b"], "its beginning was there already");
    // Another attempt's link is of no use.
    let (late, other) = accepted(V5, &[]);
    client.established(late, options, epoch - 1, false);
    assert!(other.is_ended() && client.is_connected() && client.heard().is_empty());
}

#[test]
fn a_success_that_the_program_does_not_hear_of_leaves_it_the_next_failure() {
    let options = Arc::new(ConnectOptions {
        reconnect: Some(ReconnectOptions { min: FAR, max: FAR }),
        ..options_of(V3)
    });
    let (client, epoch) = attempting("quiet", &options);
    let (established, stream) = accepted(V3, &[]);
    client.established(established, options, epoch, false);
    assert_eq!(client.heard(), ["connected again"]);
    stream.feed_end();
    client.work();
    client.heard();
    let epoch = client.lock().lifecycle.epoch();
    let failure = || ConnectFailure::new(Some(Stage::Tcp), "no".into());
    client.attempt_failed(failure(), epoch - 1);
    assert!(client.heard().is_empty());
    client.attempt_failed(failure(), epoch);
    assert_eq!(client.heard(), ["quiet failed: no"]);
    client.attempt_failed(failure(), epoch);
    assert!(client.heard().is_empty(), "once");
}

#[test]
fn a_connect_that_fails_goes_on_by_itself_where_nobody_waits_for_it() {
    let options = Arc::new(ConnectOptions {
        reconnect: Some(ReconnectOptions { min: FAR, max: FAR }),
        ..options()
    });
    let failure = || ConnectFailure::new(None, "no".into());
    for (driver, goes_on) in [(Driver::Reactor, true), (Driver::Calls, false)] {
        let mut setup = setup();
        setup.driver = driver;
        let client = Carried::new(setup, None);
        let begun = client
            .lock()
            .lifecycle
            .connect(Arc::clone(&options), "connect");
        let epoch = begun.expect("idle");
        client.not_established(failure(), epoch + 1);
        assert!(client.lock().lifecycle.is_connecting(), "another attempt's");
        client.not_established(failure(), epoch);
        let core = client.lock();
        assert!(!core.lifecycle.is_connecting() && core.lifecycle.is_wanted());
        assert_eq!(core.lifecycle.epoch() > epoch, goes_on, "{driver:?}");
        drop(core);
        if goes_on {
            assert_eq!(client.heard(), ["connect failed: no"]);
        }
    }
}

#[test]
fn an_attempt_that_panics_ends_as_one_that_fails() {
    let options = Arc::new(ConnectOptions {
        reconnect: Some(ReconnectOptions { min: FAR, max: FAR }),
        ..options()
    });
    let (client, epoch) = attempting("connect", &options);
    let panics = |epoch, does: bool| {
        let client = &**client;
        let attempt = std::thread::scope(|scope| {
            let attempt = scope.spawn(|| {
                let _guard = PanicGuard { client, epoch };
                assert!(!does, "a defect");
            });
            attempt.join()
        });
        assert_eq!(attempt.is_err(), does);
    };
    panics(epoch, false);
    assert!(client.lock().lifecycle.is_connecting() && client.heard().is_empty());
    panics(epoch, true);
    let expected = "connect failed: not enough threads, or a defect";
    assert_eq!(client.heard(), [expected]);
    // The automatic reconnect has begun; where its own task panics, another one takes its place.
    let epoch = client.lock().lifecycle.epoch();
    panics(epoch, true);
    assert!(client.heard().is_empty());
    let core = client.lock();
    assert!(core.lifecycle.epoch() > epoch && core.lifecycle.is_wanted());
    drop(core);
    panics(epoch, true);
    assert_eq!(client.lock().lifecycle.epoch(), epoch + 1, "an older one's");
}

#[test]
fn new_options_are_taken_over_where_each_attempt_would_not_fail_with_them() {
    let reconnect = Some(ReconnectOptions { min: FAR, max: FAR });
    let old = ConnectOptions {
        reconnect,
        ..options()
    };
    let fresh = |username: &str| ConnectOptions {
        username: Some(username.into()),
        ..old.clone()
    };
    let (client, stream) = connected(setup(), old.clone());
    stream.feed_end();
    client.work();
    let refresh = |options: Option<ConnectOptions>, epoch| {
        *client.host().fresh.lock() = options;
        let new = client.refresh(&old, epoch);
        let core = client.lock();
        let kept = core
            .lifecycle
            .options()
            .and_then(|kept| kept.username.clone());
        let asked = client.host().fresh.lock().is_none();
        (new.and_then(|new| new.username.clone()), kept, asked)
    };
    let name = |name: &str| Some(name.to_owned());
    let epoch = client.lock().lifecycle.epoch();
    assert_eq!(refresh(None, epoch), (None, None, true));
    assert_eq!(
        refresh(Some(fresh("a")), epoch),
        (name("a"), name("a"), true)
    );
    // A user name with U+0000 in it: no CONNECT can be made of that.
    assert_eq!(refresh(Some(fresh("\0")), epoch), (None, name("a"), true));
    assert_eq!(
        refresh(Some(fresh("b")), epoch - 1),
        (None, name("a"), false)
    );
    client.destroy();
    let epoch = client.lock().lifecycle.epoch();
    assert_eq!(refresh(Some(fresh("b")), epoch), (None, None, false));
}

#[test]
fn a_link_that_is_lost_in_its_handshake_ends_it() {
    let (client, stream) = attaching(options());
    let mut core = client.lock();
    client.lose(&mut core, Loss::new(LossCause::Transport, "torn"));
    drop(client.settle(core, Thread::Caller));
    assert_eq!(
        client.heard(),
        ["connect failed: waiting for CONNACK: torn"]
    );
    assert!(stream.is_ended());
    let (_, last) = client.last_error().expect("noted");
    assert!(format!("{last:?}").contains("torn"));
}

#[test]
fn a_second_connection_is_refused_while_there_is_one() {
    let (client, stream) = connected(setup(), options());
    let (link, other) = Link::stream(64, Arc::new(|_| {}));
    let refused = client.0.attach(link, options(), "second");
    assert!(matches!(refused, Err(Error::Ignored)));
    assert!(!stream.is_ended() && other.pending() == 0);
    client.destroy();
    let (link, _other) = Link::stream(64, Arc::new(|_| {}));
    let refused = client.0.attach(link, options(), "third");
    assert!(matches!(refused, Err(Error::Failed(_))));
    assert_eq!(client.heard(), [""; 0]);
}

#[test]
fn the_session_ends_with_the_connection_where_neither_side_keeps_it() {
    let expiry = |seconds| (PropertyId::SessionExpiryInterval, Value::Four(seconds));
    let connected = |version, properties: &[(PropertyId, Value<'_>)]| Connected {
        server_uri: String::new(),
        listed: false,
        version,
        session_present: false,
        reason: 0,
        properties: with(properties).properties,
    };
    // 3.x: clean session.
    for clean in [false, true] {
        let options = ConnectOptions { clean, ..options() };
        assert_eq!(ends_with_connection(&connected(V3, &[]), &options), clean);
    }
    // MQTT 5: what the server says, else what CONNECT asked for, else 0.
    for (server, asked, ends) in [
        (None, None, true),
        (None, Some(0), true),
        (None, Some(9), false),
        (Some(0), Some(9), true),
        (Some(9), None, false),
    ] {
        let says = |seconds: Option<u32>| seconds.map(expiry).into_iter().collect::<Vec<_>>();
        let (connected, options) = (connected(V5, &says(server)), with(&says(asked)));
        let found = ends_with_connection(&connected, &options);
        assert_eq!(found, ends, "{server:?} {asked:?}");
    }
    // The programs of `events` say it themselves.
    for policy in [Policy::Clear, Policy::Keep] {
        let options = ConnectOptions {
            extras: Some(Box::new(extras_with(policy))),
            version: VersionChoice::Only(V5),
            ..options()
        };
        let ends = ends_with_connection(&connected(V5, &[expiry(9)]), &options);
        assert_eq!(ends, policy == Policy::Clear);
    }
}
