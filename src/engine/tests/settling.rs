//! Who continues with what is left to do, what a client begins with, and what outlives a connection.

use std::time::Instant;

use super::carried::{Carried, connected, options_of, sent, setup};
use super::{CONNACK, Driver, Tested, options, publish};
use crate::engine::connection::Connection;
use crate::engine::connection::pace::Pace;
use crate::engine::connection::writer::Wrote;
use crate::engine::core::{Core, Thread};
use crate::engine::delivery::queue::Limits;
use crate::engine::driving::Driving;
use crate::engine::host::Event;
use crate::engine::last_error::{Numbers, Trouble};
use crate::engine::tests::program::Program;
use crate::engine::{Loss, LossCause, Subscription, Terms};
use crate::options::{ConnectOptions, ManualAcks};
use crate::os::ThreadId;
use crate::persistence::{RecordKey, RecordKind};
use crate::protocol::packet::Filter;
use crate::protocol::property::PropertiesRef;
use crate::protocol::session::{Acknowledge, Completion, HandOver, Outcome, Sink, Token};
use crate::protocol::{QoS, Version};

type TestedCore = Core<Program<false>>;

fn connection(core: &mut TestedCore) -> &mut Connection {
    core.lifecycle.connection_mut().expect("a connection")
}

/// A QoS 0 message that a callback is run for.
const MESSAGE: &[u8] = b"\x30\x04\x00\x01ta";

#[test]
fn what_is_left_to_do_puts_the_client_into_the_reactors_queue() {
    let (client, _stream) = connected(setup(), options());
    let mut guard = client.lock();
    // As on a socket. Threads of the reactor that come find the mutex taken.
    guard.driving = Driving::default();
    let core = &mut *guard;
    let due = |core: &mut TestedCore, dispatching| {
        client.hand_over(core, dispatching);
        std::mem::take(&mut core.alarm.scheduled)
    };
    assert!(!due(core, false), "nothing to do");

    // A burst that no thread carries, where the program does not write.
    connection(core).pace.ask();
    assert!(due(core, false) && due(core, true));
    core.alarm.scheduled = true;
    client.hand_over(core, false);
    assert!(core.alarm.scheduled, "it stays there");
    core.alarm.scheduled = false;
    core.driving.carried = true;
    assert!(!due(core, false));
    core.driving.carried = false;
    assert!(connection(core).pace.carry());
    assert!(!due(core, false), "a thread has come");

    // Bytes that the socket may take, unless that thread writes them.
    let batch = connection(core).writer.begin(true).expect("the role");
    connection(core).writer.end(Wrote::Some, batch);
    assert!(!due(core, false), "the thread of the burst writes");
    connection(core).pace.end();
    assert!(due(core, false) && due(core, true));
    let batch = connection(core).writer.begin(true).expect("the role");
    connection(core).writer.end(Wrote::All, batch);
    assert!(!due(core, false));

    // Bytes that may be there, where the reactor reads and may.
    connection(core).reader.may_have_data();
    assert!(!due(core, false), "it does not read this one");
    connection(core).watched();
    assert!(due(core, false));
    assert!(!due(core, true), "read behind the callbacks");
    core.waiters = 1;
    assert!(due(core, true), "somebody waits for what is there");
    core.waiters = 0;
    let limits = |messages| Limits {
        messages,
        bytes: 100,
    };
    core.outputs.queue.set_limits(limits(0));
    assert!(!due(core, false), "the program does not keep up");
    core.outputs.queue.set_limits(limits(1));
    let partial = connection(core).reader.begin().expect("the role");
    assert!(!due(core, false), "a thread reads");
    let found = crate::engine::connection::reader::Found::Nothing;
    assert!(!connection(core).reader.end(found, partial));

    // Callbacks, unless this thread runs them.
    core.outputs.tell(Event::Room);
    assert!(due(core, false) && !due(core, true));
    let this = ThreadId::current();
    assert!(core.roles.begin_dispatch(this));
    assert!(!due(core, false), "a thread runs callbacks");
    core.roles.end_dispatch();
    let batch = core.outputs.queue.set_aside();
    core.outputs.queue.set_limits(limits(0));
    let key = RecordKey::new(RecordKind::Message, false, 1);
    core.outputs.queue.push(Event::StoredMessage(key));
    assert!(!due(core, false), "it stays in the store for now");
    drop((core.outputs.queue.set_aside(), batch));
    core.driving.carried = true;
}

#[test]
fn callbacks_run_where_they_may_take_long_only() {
    // Of a program that may take long on a thread of the reactor, of another one at once.
    let blocking = Tested::new(Driver::Reactor, None);
    let other = Carried::new(setup(), None);
    let mut core = blocking.lock();
    core.outputs.tell(Event::Room);
    drop(blocking.settle(core, Thread::Caller));
    blocking.host().wait_for(1);
    let mut core = other.lock();
    core.outputs.tell(Event::Room);
    drop(other.settle(core, Thread::Caller));
    assert_eq!(other.heard(), ["room"]);
    let this = Some(ThreadId::current());
    assert_ne!(*blocking.host().thread.lock(), this);
    assert_eq!(*other.host().thread.lock(), this);
}

#[test]
fn only_a_connection_that_the_reactor_drives_is_watched() {
    for driver in [Driver::Calls, Driver::Reactor] {
        let client = Tested::new(driver, None);
        let _server = client.connect();
        let core = client.lock();
        let connection = core.lifecycle.connection().expect("a connection");
        assert_eq!(connection.is_watched(), driver == Driver::Reactor);
    }
}

/// Counts so many calls that one more is a burst.
pub fn bring_to_the_edge_of_a_burst(pace: &mut Pace, now: Instant) {
    let calls = (1..100).take_while(|_| !pace.call(now)).count();
    assert!(calls < 99, "so many calls are no burst, and one more is");
    pace.pause();
    assert!((0..calls).all(|_| !pace.call(now)));
}

#[test]
fn a_call_that_follows_a_message_is_no_burst() {
    for (bytes, is_message) in [(MESSAGE, true), (&b"\xd0\x00"[..], false)] {
        let (client, stream) = connected(setup(), options());
        let mut core = client.lock();
        let pace = &mut connection(&mut core).pace;
        let now = Instant::now();
        pace.written(now);
        bring_to_the_edge_of_a_burst(pace, now);
        drop(core);
        client.feed(&stream, bytes);
        let mut core = client.lock();
        core.outputs.tell(Event::Room);
        let mut core = client.settle(core, Thread::Caller);
        assert_eq!(connection(&mut core).pace.call(now), !is_message);
    }
}

#[test]
fn each_batch_of_events_has_an_end() {
    use std::sync::atomic::Ordering::Relaxed;
    let (client, stream) = connected(setup(), options());
    let ends = || client.host().handled_all.load(Relaxed);
    let before = ends();
    client.feed(&stream, MESSAGE);
    assert_eq!(ends(), before + 1);
    client.destroy();
    assert_eq!(ends(), before + 2, "what is told at the end, too");
}

#[test]
fn a_client_has_its_settings_from_the_beginning() {
    let mut setup = setup();
    setup.acknowledge = Acknowledge::ByProgram {
        ordered: true,
        exactly_once: HandOver::Publish,
    };
    setup.session.ids_at_acceptance = true;
    let client = Carried::new(setup, None);
    let message = publish(QoS::AtLeastOnce, b"x");
    let offline = Terms {
        offline: true,
        waiting: true,
        later: false,
        max_waiting: 9,
    };
    let accepted = client.try_publish(&message, offline, |_| "publish");
    let accepted = accepted.expect("accepted");
    assert!(accepted.waits && accepted.packet_id == 1, "{accepted:?}");
    assert_eq!(client.counters().messages_out, 0);
    let stream = client.attach(1 << 16, options(), "connect");
    client.feed(&stream, CONNACK);
    client.heard();
    assert_eq!(client.counters().messages_out, 1);
    sent(&stream);
    client.feed(&stream, super::carried::PUBLISH);
    assert_eq!(client.heard(), ["x#"]);
    assert!(sent(&stream).is_empty(), "not acknowledged");
    assert!(matches!(client.acknowledge_message(1), Ok(true)));
    assert_eq!(sent(&stream), [0x40, 2, 0, 1]);
}

#[test]
fn what_the_program_prefers_counts_from_the_next_connection_on() {
    let (client, stream) = connected(setup(), options());
    let preferred: Result<(), ()> = client.prefer(|preferences| {
        preferences.manual_acks = ManualAcks::Ordered;
        Ok(())
    });
    assert!(preferred.is_ok());
    client.feed(&stream, super::carried::PUBLISH);
    assert_eq!(client.heard(), ["x"]);
    assert_eq!(sent(&stream), [0x40, 2, 0, 1]);
    stream.feed_end();
    client.work();
    let stream = client.attach(1 << 16, options(), "again");
    sent(&stream);
    client.feed(&stream, CONNACK);
    client.heard();
    client.feed(&stream, super::carried::PUBLISH);
    assert_eq!(client.heard(), ["x#"]);
    assert!(sent(&stream).is_empty());
}

#[test]
fn acknowledgements_are_told_where_the_program_wants_that() {
    for wants in [false, true] {
        let (client, stream) = connected(setup(), options());
        client.set_wants_acknowledgements(wants);
        let message = publish(QoS::AtLeastOnce, b"x");
        client.send(&message, "publish").expect("accepted");
        client.feed(&stream, &[0x40, 2, 0, 1]);
        let heard = client.heard();
        assert_eq!(heard.contains(&"PubAck 1".to_owned()), wants, "{heard:?}");
        assert!(heard.contains(&"publish ended".to_owned()));
    }
}

/// Has an operation wait until the stream is written up to where it is now.
fn when_written(core: &mut TestedCore, token: Token, op: &'static str) {
    core.outputs.out().tail().extend_from_slice(&[0; 10]);
    core.outputs.complete_when_written(Completion {
        token,
        op,
        packet: None,
        outcome: Outcome::written(),
    });
}

#[test]
fn a_thread_that_still_writes_to_a_lost_connection_tells_how_far_it_came() {
    for destroyed in [false, true] {
        let client = Carried::new(setup(), None);
        let mut core = client.lock();
        when_written(&mut core, 1, "first");
        when_written(&mut core, 2, "second");
        core.outputs.end_stream(7, true);
        assert_eq!(
            (core.outputs.out.position(), core.outputs.written()),
            (0, 0)
        );
        let core = client.settle(core, Thread::Caller);
        assert!(client.heard().is_empty(), "that thread knows");
        if destroyed {
            drop(core);
            client.destroy();
            assert_eq!(client.heard(), ["first failed", "second failed"]);
            continue;
        }
        let mut core = core;
        core.outputs.writer_left(6, 20);
        let mut core = client.settle(core, Thread::Caller);
        assert!(client.heard().is_empty(), "another connection's");
        core.outputs.writer_left(7, 10);
        drop(client.settle(core, Thread::Caller));
        assert_eq!(client.heard(), ["first ended", "second failed"]);
    }
}

#[test]
fn nothing_of_a_lost_connection_is_written_to_the_next_one() {
    let client = Carried::new(setup(), None);
    let lost = client.attach(64, options(), "connect");
    sent(&lost);
    client.feed(&lost, CONNACK);
    let large = [b'x'; 200];
    let message = publish(QoS::AtMostOnce, &large);
    client.send(&message, "large").expect("accepted");
    let more = publish(QoS::AtMostOnce, b"more");
    client.send(&more, "more").expect("accepted");
    lost.feed_end();
    client.work();
    let stream = client.attach(1 << 16, options(), "again");
    let first = sent(&stream);
    assert_eq!((first[0], first.len()), (0x10, 2 + usize::from(first[1])));
    client.feed(&stream, CONNACK);
    let heard = client.heard();
    assert!(heard.contains(&"large failed".into()) && heard.contains(&"more failed".into()));
    assert!(sent(&stream).is_empty());
}

#[test]
fn why_there_is_no_connection_is_forgotten_with_the_next_one() {
    let (client, stream) = connected(setup(), options());
    stream.feed_end();
    client.work();
    let last = || client.last_error().expect("an error").1;
    client.note_refused_call(-3, true, "refused".into(), Numbers::NONE);
    assert_eq!(last().text, "refused: the server closed the connection");
    let stream = client.attach(1 << 16, options(), "again");
    client.feed(&stream, CONNACK);
    client.note_refused_call(-3, true, "refused".into(), Numbers::NONE);
    assert_eq!(last().text, "refused");
    client.feed(&stream, &[0xd0]);
    assert!(
        client
            .abort(Loss::new(LossCause::Aborted, "given up"))
            .is_ok()
    );
    assert_eq!(last().text, "given up");
}

/// Subscribes to `s` in a session that is made again where a server loses it.
fn subscribed(keep_requests: bool, answer: bool) -> (Carried, super::ByteStream) {
    let mut setup = setup();
    setup.session.resubscribe = true;
    setup.session.keep_requests = keep_requests;
    let (client, stream) = connected(setup, options_of(Version::V311));
    let filter = Filter::of(b"s", 1);
    let token = client.change_subscription(
        &Subscription::Subscribe(&[filter]),
        PropertiesRef::EMPTY,
        "subscribe",
    );
    assert_eq!(token.expect("sent"), 1);
    assert_eq!(sent(&stream)[0], 0x82);
    if answer {
        client.feed(&stream, &[0x90, 3, 0, 1, 1]);
        assert_eq!(client.heard(), ["subscribe ended"]);
    }
    (client, stream)
}

#[test]
fn a_subscription_that_is_not_granted_again_is_an_error_that_can_be_asked_for() {
    let (client, stream) = subscribed(false, true);
    stream.feed_end();
    client.work();
    let stream = client.attach(1 << 16, options(), "again");
    sent(&stream);
    client.feed(&stream, CONNACK);
    let again = sent(&stream);
    assert_eq!(again[0], 0x82, "made again");
    client.feed(&stream, &[0x90, 3, again[2], again[3], 0x80]);
    let (_, error) = client.last_error().expect("an error");
    assert_eq!(error.trouble, Trouble::Subscription);
}

#[test]
fn who_waits_for_a_request_learns_that_the_session_has_ended() {
    let (client, stream) = subscribed(true, false);
    stream.feed_end();
    client.work();
    let heard = client.heard();
    assert!(heard.contains(&"subscribe failed".to_owned()), "{heard:?}");
    assert_eq!(client.lock().given_up.to_vec(), [1]);
}

#[test]
fn a_wait_for_the_answer_to_a_ping_is_as_long_as_the_program_says() {
    use std::time::Duration;
    for (ping_timeout, lost) in [(None, false), (Some(Duration::from_secs(1)), true)] {
        let mut extras = crate::options::Extras {
            client_id: None,
            bridge: false,
            ping_timeout: None,
            session: crate::protocol::session::Policy::Clear,
            max_resume_inflight: None,
        };
        extras.ping_timeout = ping_timeout;
        let (client, stream) = connected(
            setup(),
            ConnectOptions {
                keep_alive: Duration::from_secs(100),
                extras: Some(Box::new(extras)),
                ..options_of(Version::V311)
            },
        );
        client.tick(Duration::from_secs(101));
        assert_eq!(sent(&stream), [0xc0, 0], "PINGREQ");
        client.tick(Duration::from_secs(130));
        assert_eq!(client.is_connected(), !lost);
    }
}

/// A program may have any number of tokens: between some of them others get the mutex.
#[test]
fn a_call_that_acknowledges_much_lets_others_in() {
    let (client, _stream) = connected(setup(), options());
    let mut free = 0;
    let tokens = (1..=3000).filter_map(|token| {
        free += u32::from(!client.is_locked());
        std::num::NonZeroU64::new(token)
    });
    assert_eq!(client.acknowledge(tokens, 0).expect("open"), 0);
    assert_eq!(free, 3, "once for each 1,024");
}
