//! What the program is told, in which order, and what it may do meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::carried::{Carried, FAR, connected, options_of, sent, setup};
use super::program::Program;
use super::{options, publish};
use crate::engine::core::{Error, Thread};
use crate::engine::delivery::queue::Driver;
use crate::engine::driving::Work;
use crate::engine::host::Event;
use crate::engine::{Client, Count};
use crate::options::{ConnectOptions, TlsOptions};
use crate::os::ThreadId;
use crate::os::lock::Mutex;
use crate::protocol::{QoS, Version};

/// Messages of QoS 0, one byte each, in one piece.
fn messages(payloads: &[u8]) -> Vec<u8> {
    let message = |payload: &u8| [0x30, 4, 0, 1, b't', *payload];
    payloads.iter().flat_map(message).collect()
}

#[test]
fn a_message_that_is_not_taken_is_offered_again_before_what_is_behind_it() {
    let (client, stream) = connected(setup(), options_of(Version::V311));
    client.host().refuses.store(true, Ordering::Relaxed);
    let before = Instant::now();
    client.feed(&stream, &messages(b"ab"));
    assert_eq!(client.heard()[0], "a?");
    let offers_again = client.lock().roles.offers_again();
    let pause = Duration::from_millis(100);
    assert!(offers_again.is_some_and(|at| at >= before + pause));
    assert_eq!(client.lock().next_alarm(), offers_again, "has an alarm");
    client.put_off_offers();
    client.heard();
    // Nothing else is told before.
    client.feed(&stream, &messages(b"c"));
    client.host().refuses.store(false, Ordering::Relaxed);
    client.work();
    assert!(client.heard().is_empty());
    assert_eq!(client.counters().unread_messages, 3);
    client.tick(FAR * 2);
    assert_eq!(client.heard(), ["a", "b", "c"]);
    let counters = client.counters();
    assert_eq!((counters.unread_messages, counters.unread_bytes), (0, 0));
    assert_eq!(counters.messages_in, 3);
}

#[test]
fn a_message_counts_until_it_is_taken_whatever_becomes_of_others() {
    let (client, stream) = connected(setup(), options_of(Version::V311));
    let this = Arc::clone(&client.0);
    // The first is taken, the others are not.
    *client.host().inside.lock() = Some(Box::new(move || {
        this.host().refuses.store(true, Ordering::Relaxed);
    }));
    client.feed(&stream, &messages(b"abc"));
    client.put_off_offers();
    assert_eq!(client.heard()[..2], ["a", "b?"]);
    let counters = client.counters();
    assert_eq!((counters.unread_messages, counters.unread_bytes), (2, 2));
}

#[test]
fn messages_that_the_program_keeps_count_until_it_has_taken_them() {
    let (client, stream) = connected(setup(), options_of(Version::V311));
    client.set_unread_limits(2, 100);
    client.host().keeps.store(true, Ordering::Relaxed);
    client.feed(&stream, &messages(b"ab"));
    assert_eq!(client.heard(), ["a", "b"]);
    assert_eq!(client.counters().unread_messages, 2);
    // As many as may be: the stream is not read.
    assert_eq!(stream.feed(&messages(b"c")), 6);
    client.work();
    assert!(client.heard().is_empty());
    // Once there is room it is read on by the thread that has made it.
    let count = Count {
        messages: 1,
        bytes: 1,
        stored: 0,
    };
    client.taken(count, &[], false);
    assert_eq!(client.heard(), ["c"]);
    client.taken(count, &[], false);
    client.taken(count, &[], false);
    assert_eq!(client.counters().unread_messages, 0);
}

#[test]
fn calls_of_other_threads_wait_between_on_success_and_connected_only() {
    let client = Carried::new(setup(), None);
    let stream = client.attach(1024, options_of(Version::V311), "connect");
    sent(&stream);
    let this = Arc::clone(&client);
    *client.host().inside.lock() = Some(Box::new(move || {
        let core = this.lock();
        assert!(core.roles.is_announcing(), "others wait from onSuccess on");
        drop(core);
        // The dispatcher itself does not.
        assert!(this.is_connected());
        let again = Arc::clone(&this);
        *this.host().inside.lock() = Some(Box::new(move || {
            assert!(
                again.lock().roles.is_announcing(),
                "until `connected` has run"
            );
        }));
    }));
    client.feed(&stream, super::CONNACK);
    assert_eq!(client.heard(), ["connect up", "connected"]);
    assert!(client.host().inside.lock().is_none(), "both have run");
    assert!(!client.lock().roles.is_announcing());
}

#[test]
fn calls_wait_no_longer_than_connected_takes() {
    let client = Carried::new(setup(), None);
    let stream = client.attach(1024, options_of(Version::V311), "connect");
    let this = Arc::clone(&client);
    // In onSuccess, in `connected`, and in the message that follows both in one batch.
    *client.host().inside.lock() = Some(Box::new(move || {
        let second = Arc::clone(&this);
        *this.host().inside.lock() = Some(Box::new(move || {
            let third = Arc::clone(&second);
            *second.host().inside.lock() = Some(Box::new(move || {
                assert!(!third.lock().roles.is_announcing());
            }));
        }));
    }));
    client.feed(&stream, &[super::CONNACK, &messages(b"a")].concat());
    assert_eq!(client.heard(), ["connect up", "connected", "a"]);
    assert!(client.host().inside.lock().is_none(), "all three have run");
}

#[test]
fn where_the_reactor_drives_an_attempts_errors_are_events() {
    let told = Arc::<Mutex<Vec<String>>>::default();
    let options = Arc::new(ConnectOptions {
        tls: Some(Box::new(tls(&told, 9))),
        ..options()
    });
    let client = Carried::new(setup(), None);
    let begun = client
        .lock()
        .lifecycle
        .connect(Arc::clone(&options), "connect");
    let epoch = begun.expect("idle");
    tell(&client, &options, Some(epoch));
    assert_eq!(*told.lock(), ["1", "2", "3"], "no call's end is waited for");
}

#[test]
fn what_a_callback_causes_is_told_behind_it_and_not_inside_it() {
    let (client, stream) = connected(setup(), options_of(Version::V311));
    let this = Arc::clone(&client);
    *client.host().inside.lock() = Some(Box::new(move || {
        let message = publish(QoS::AtMostOnce, b"x");
        this.send(&message, "publish").expect("accepted");
        let heard = this.host().heard();
        assert_eq!(heard, ["a"], "one callback at a time");
    }));
    client.feed(&stream, &messages(b"ab"));
    assert_eq!(client.heard(), ["b", "publish ended"]);
    assert_eq!(sent(&stream), b"\x30\x04\x00\x01tx");
    assert!(client.lock().roles.may_dispatch(), "the role is free again");
}

#[test]
fn a_function_of_the_program_runs_unlocked_and_only_while_the_client_lives() {
    let client = Carried::new(setup(), None);
    let (core, answer) = client.call_out(client.lock(), || {
        let core = client.lock();
        let other = std::thread::spawn(ThreadId::current);
        let other = other.join().expect("an id");
        assert!(core.roles.others_inside(&other), "destroy would wait");
        7
    });
    assert_eq!(answer, Some(7));
    let this = std::thread::spawn(ThreadId::current);
    assert!(!core.roles.others_inside(&this.join().expect("an id")));
    drop(core);
    client.destroy();
    let (core, answer) = client.call_out(client.lock(), || unreachable!("destroyed"));
    drop(core);
    assert_eq!(answer, None::<()>);
}

/// TLS options that ask the program.
fn tls(told: &Arc<Mutex<Vec<String>>>, enough_after: usize) -> TlsOptions {
    let (told, count) = (Arc::clone(told), AtomicUsize::new(0));
    TlsOptions {
        error_reporter: Some(Arc::new(move |line| {
            told.lock().push(line.to_owned());
            count.fetch_add(1, Ordering::Relaxed) + 1 < enough_after
        })),
        psk_source: Some(Arc::new(|_, _, _| 5)),
        verifier: Some(Arc::new(|host, _| {
            Err(format!("{host} is not good enough"))
        })),
        ..TlsOptions::default()
    }
}

#[test]
fn keys_and_verdicts_are_asked_for_only_while_the_client_lives() {
    // 0: it lives. 1: it is destroyed. 2: nothing is left of it.
    for state in 0..3 {
        let client = Carried::new(setup(), None);
        let mut options = ConnectOptions {
            tls: Some(Box::new(tls(&Arc::default(), 1))),
            ..options()
        };
        client.ask_while_alive(&mut options);
        let tls = options.tls.expect("TLS options");
        let (source, verifier) = (tls.psk_source.expect("one"), tls.verifier.expect("one"));
        if state > 0 {
            client.destroy();
        }
        let left = (state < 2).then_some(client);
        let key = source(None, &mut [], &mut []);
        let verdict = verifier("host", &[]).expect_err("refused");
        if state == 0 {
            assert_eq!((key, &verdict[..]), (5, "host is not good enough"));
        } else {
            assert_eq!((key, &verdict[..]), (0, "the client is destroyed"));
        }
        drop(left);
    }
}

/// Has the client tell of an error of OpenSSL's in three lines, as of a connection, or of an attempt of that epoch.
fn tell(client: &Client<Program<false>>, options: &ConnectOptions, attempt: Option<u64>) {
    let lines: Vec<String> = ["1", "2", "3"].map(str::to_owned).into();
    if let Some(epoch) = attempt {
        client.tell_attempt_failed(options, epoch, lines);
        return;
    }
    let mut core = client.lock();
    client.tell_tls_errors(&mut core, options, lines);
    drop(client.settle(core, Thread::Caller));
}

#[test]
fn an_account_of_an_error_ends_where_the_program_has_heard_enough() {
    for (enough_after, expected) in [(1, &["1"][..]), (2, &["1", "2"]), (9, &["1", "2", "3"])] {
        let told = Arc::default();
        let options = ConnectOptions {
            tls: Some(Box::new(tls(&told, enough_after))),
            ..options()
        };
        let (client, _stream) = connected(setup(), options_of(Version::V311));
        tell(&client, &options, None);
        assert_eq!(*told.lock(), expected);
    }
}

#[test]
fn an_attempt_tells_of_errors_while_it_is_the_clients() {
    let told = Arc::<Mutex<Vec<String>>>::default();
    let options = ConnectOptions {
        tls: Some(Box::new(tls(&told, 9))),
        ..options()
    };
    let client = Carried::new(setup(), None);
    let epoch = client.lock().lifecycle.epoch();
    tell(&client, &options, Some(epoch + 1));
    assert!(told.lock().is_empty(), "another attempt's");
    client.tell_attempt_failed(&options, epoch, Vec::new());
    assert!(told.lock().is_empty());
    tell(&client, &options, Some(epoch));
    assert_eq!(told.lock().len(), 3);
    client.destroy();
    let epoch = client.lock().lifecycle.epoch();
    tell(&client, &options, Some(epoch));
    assert_eq!(told.lock().len(), 3, "nobody is there to be told");
}

#[test]
fn where_calls_drive_the_caller_is_told_at_the_end_of_its_call() {
    let told = Arc::<Mutex<Vec<String>>>::default();
    let options = Arc::new(ConnectOptions {
        tls: Some(Box::new(tls(&told, 9))),
        ..options()
    });
    // Callbacks that were set while a call connects do not change who that call's caller is.
    for becomes_asynchronous in [false, true] {
        told.lock().clear();
        let mut setup = setup();
        setup.driver = Driver::Calls;
        let client = Carried::new(setup, None);
        client.report_to_caller();
        let begun = client
            .lock()
            .lifecycle
            .connect(Arc::clone(&options), "connect");
        let epoch = begun.expect("idle");
        if becomes_asynchronous {
            client.set_asynchronous();
        }
        tell(&client, &options, Some(epoch));
        assert!(told.lock().is_empty(), "not on the thread of the attempt");
        // Another thread is at it.
        assert!(client.lock().roles.begin_report());
        client.report_to_caller();
        assert!(told.lock().is_empty());
        client.lock().roles.end_report();
        client.report_to_caller();
        assert_eq!(*told.lock(), ["1", "2", "3"]);
        assert!(!client.has_for_caller.load(Ordering::Relaxed), "once");
        client.report_to_caller();
        assert_eq!(told.lock().len(), 3);
        assert!(client.lock().roles.begin_report(), "the role is free");
        client.lock().roles.end_report();
    }
}

#[test]
fn a_caller_that_destroys_the_client_is_told_nothing_more() {
    let mut setup = setup();
    setup.driver = Driver::Calls;
    let client = Carried::new(setup, None);
    let this = Arc::clone(&client);
    let mut core = client.lock();
    for _ in 0..2 {
        let again = Arc::clone(&this);
        let teller = Arc::new(move |_: &str| {
            assert!(!again.lock().lifecycle.is_destroyed(), "told too much");
            again.destroy();
        });
        let event = Event::TlsError(teller, "line".to_owned());
        core.outputs.queue.push_for_caller(event);
    }
    drop(client.settle(core, Thread::Caller));
    client.report_to_caller();
    assert!(client.lock().lifecycle.is_destroyed());
}

#[test]
fn the_program_hears_that_there_is_room_for_what_was_refused() {
    use crate::engine::Terms;
    let (client, stream) = connected(
        setup(),
        ConnectOptions {
            max_inflight: 1,
            ..options_of(Version::V311)
        },
    );
    let at_once = Terms {
        offline: false,
        waiting: false,
        later: false,
        max_waiting: 0,
    };
    let message = publish(QoS::AtLeastOnce, b"x");
    let sent_first = client.try_publish(&message, at_once, |_| "first");
    assert!(sent_first.is_ok_and(|published| published.written && !published.waits));
    let refused = client.try_publish(&message, at_once, |_| "second");
    assert!(matches!(refused, Err(Error::WouldBlock)));
    assert!(client.heard().is_empty());
    client.feed(&stream, &[0x40, 2, 0, 1]);
    assert_eq!(client.heard(), ["first ended", "room"]);
    assert_eq!(
        client.perform(Work::NONE),
        Work {
            read: true,
            tick: false,
            ..Work::NONE
        }
    );
    // The answer changes too where the connection is lost.
    client
        .try_publish(&message, at_once, |_| "third")
        .expect("room");
    let refused = client.try_publish(&message, at_once, |_| "fourth");
    assert!(matches!(refused, Err(Error::WouldBlock)));
    stream.feed_end();
    client.work();
    let heard = client.heard();
    assert!(heard.contains(&"room".to_owned()), "{heard:?}");
    let gone = client.try_publish(&message, at_once, |_| "fifth");
    assert!(matches!(gone, Err(Error::Disconnected)));
    assert!(
        client
            .disconnect(FAR, 0, options().properties, None)
            .is_err()
    );
}
