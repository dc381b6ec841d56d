//! What a call that waits leaves behind, and how long it waits.

use std::time::{Duration, Instant};

use super::carried::{Carried, setup};
use super::settling::bring_to_the_edge_of_a_burst;
use super::{Driver, Tested, publish};
use crate::engine::Error;
use crate::os::ThreadId;
use crate::protocol::QoS;

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
