//! What a call that waits leaves behind, and how long it waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::carried::{Carried, connected, options_of, setup};
use super::settling::bring_to_the_edge_of_a_burst;
use super::{Driver, PATIENCE, Tested, publish};
use crate::engine::Error;
use crate::os::ThreadId;
use crate::protocol::{QoS, Version};

/// A program that waits is in a conversation: whatever it calls next does not follow the call before closely. And nobody is waited
/// for when the wait is over.
#[test]
fn a_wait_that_is_over_leaves_nothing_behind() {
    for driver in [Driver::Reactor, Driver::Calls] {
        let client = Tested::new(driver, None);
        let _server = client.connect();
        if driver == Driver::Reactor {
            client.host().wait_for(1);
        }
        let message = publish(QoS::AtLeastOnce, b"x");
        let token = client.send(&message, "publish").expect("accepted");
        let now = Instant::now();
        let mut core = client.lock();
        let pace = &mut core.lifecycle.connection_mut().expect("one").pace;
        pace.pause();
        pace.written(now);
        bring_to_the_edge_of_a_burst(pace, now);
        drop(core);
        let waited = client.wait_for_token(token, Duration::from_millis(1));
        assert!(matches!(waited, Err(Error::TimedOut)), "{waited:?}");
        let mut core = client.lock();
        assert_eq!(core.waiters, 0);
        let pace = &mut core.lifecycle.connection_mut().expect("one").pace;
        assert!(!pace.call(now), "the first of a new count");
    }
}

/// `connected` of another thread waits for this very call, perhaps: a second, and no further call waits.
#[test]
fn a_call_waits_so_long_for_connected_and_the_next_one_not_at_all() {
    let client = Carried::new(setup(), None);
    let other = std::thread::spawn(ThreadId::current).join();
    let mut core = client.lock();
    assert!(core.roles.begin_dispatch(other.expect("a thread")));
    core.roles.announce();
    drop(core);
    let begun = Instant::now();
    let core = client.enter();
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert!(!core.roles.is_announcing());
    assert_eq!(core.waiters, 0);
    drop(core);
    let mut core = client.enter();
    core.roles.end_dispatch();
}

/// Calls of the thread that runs `connected`, or that is inside the program already, do not wait for it.
#[test]
fn who_runs_connected_does_not_wait_for_it() {
    let client = Carried::new(setup(), None);
    let mut core = client.lock();
    assert!(core.roles.begin_dispatch(ThreadId::current()));
    core.roles.announce();
    drop(core);
    let mut core = client.enter();
    assert!(
        core.roles.is_announcing(),
        "it has not waited until that was over"
    );
    core.roles.end_dispatch();
}

/// PUBACK of the first publish.
const PUBACK: [u8; 4] = [0x40, 2, 0, 1];

/// A program frees what the callback uses once it has waited for the operation.
#[test]
fn who_waits_for_an_operation_returns_after_its_callback() {
    let client = Tested::new(Driver::Reactor, None);
    let mut server = client.connect();
    client.host().wait_for(1);
    // The callback of the connect has returned, too.
    while !client.lock().roles.may_dispatch() {
        std::thread::yield_now();
    }
    let message = publish(QoS::AtLeastOnce, b"x");
    let token = client.send(&message, "publish").expect("accepted");
    let behind = client.send(&message, "behind").expect("accepted");
    let (returned, ran) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let (this, has_returned, has_run) = (
        Arc::clone(&client.0),
        Arc::clone(&returned),
        Arc::clone(&ran),
    );
    *client.host().inside.lock() = Some(Box::new(move || {
        while !this.lock().roles.is_outwaited() && !has_returned.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        // Inside a callback nobody waits for callbacks, which come behind it.
        let begun = Instant::now();
        assert!(this.wait_for_token(behind, PATIENCE).is_ok() && !this.is_pending(token));
        assert!(begun.elapsed() < Duration::from_secs(5));
        has_run.store(true, Ordering::Release);
    }));
    server.send(&[PUBACK, [0x40, 2, 0, 2]].concat());
    let waited = client.wait_for_token(token, PATIENCE);
    assert!(waited.is_ok(), "{waited:?}");
    let ran = ran.load(Ordering::Acquire);
    returned.store(true, Ordering::Release);
    assert!(ran, "the callback has run");
    let core = client.lock();
    assert!(!core.roles.is_outwaited() && core.waiters == 0);
}

/// What is behind such a message is told when the program has taken it: that may depend on this very call.
#[test]
fn nobody_waits_for_callbacks_behind_a_message_that_the_program_did_not_take() {
    let (client, stream) = connected(setup(), options_of(Version::V311));
    let message = publish(QoS::AtLeastOnce, b"x");
    let token = client.send(&message, "publish").expect("accepted");
    client.host().refuses.store(true, Ordering::Relaxed);
    client.feed(&stream, &[&b"\x30\x04\x00\x01ta"[..], &PUBACK].concat());
    client.put_off_offers();
    assert_eq!(client.heard(), ["a?"]);
    let begun = Instant::now();
    assert!(client.wait_for_token(token, PATIENCE).is_ok() && !client.is_pending(token));
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(client.heard().is_empty(), "nothing was told meanwhile");
}

/// A message's callback that has not returned holds up the callbacks behind it, and no wait for an operation that has none there or
/// whose own has returned.
#[test]
fn nobody_waits_for_the_callback_of_a_message() {
    let client = Tested::new(Driver::Reactor, None);
    let mut server = client.connect();
    client.host().wait_for(1);
    let message = publish(QoS::AtLeastOnce, b"x");
    let token = client.send(&message, "publish").expect("accepted");
    let (entered, inside) = channel();
    let (leave, left) = channel::<()>();
    server.send(&PUBACK);
    assert!(client.wait_for_token(token, PATIENCE).is_ok());
    *client.host().inside.lock() = Some(Box::new(move || {
        entered.send(()).expect("heard");
        // Until the test has ended.
        let _ = left.recv_timeout(PATIENCE);
    }));
    server.publish(b"m");
    inside.recv_timeout(PATIENCE).expect("inside the callback");
    let begun = Instant::now();
    assert!(client.wait_for_token(token, PATIENCE).is_ok() && !client.is_pending(token));
    assert!(begun.elapsed() < Duration::from_secs(5));
    drop(leave);
}

/// A server may have thousands of messages in one read, and the program may take its time for each of them.
#[test]
fn destroy_waits_for_one_callback_and_not_for_those_behind_it() {
    let client = Tested::new(Driver::Reactor, None);
    let mut server = client.connect();
    client.host().wait_for(1);
    let (begun, when_begun) = channel();
    let (go_on, may_go_on) = channel::<()>();
    *client.host().inside.lock() = Some(Box::new(move || {
        begun.send(()).expect("the test waits");
        may_go_on.recv().expect("the test goes on");
    }));
    let messages = b"\x30\x04\x00\x01ta\x30\x04\x00\x01tb";
    server.send(messages);
    when_begun.recv().expect("a callback");
    client.host().heard();
    std::thread::scope(|scope| {
        let destroys = scope.spawn(|| client.destroy());
        let deadline = Instant::now() + PATIENCE;
        while client.lock().waiters == 0 {
            assert!(Instant::now() < deadline, "destroy waits");
            std::thread::yield_now();
        }
        go_on.send(()).expect("the callback waits");
        destroys.join().expect("destroyed");
    });
    let heard = client.host().heard();
    assert!(!heard.iter().any(|what| what == "b"), "{heard:?}");
}
