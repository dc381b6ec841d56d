//! Which thread writes and reads, what it sees to beside the program's bytes, and who learns that it has come back.

use super::bursts::append;
use super::*;
use crate::engine::tests::publish;
use crate::protocol::QoS;
use crate::transport::Want;

/// What nobody waits for who does not have to.
const LONG: Duration = Duration::from_secs(5);

/// An answer to a WebSocket ping, say: no packet goes along.
#[test]
fn what_a_layer_has_kept_back_is_sent_by_itself() {
    for (wants, flushes) in [(Want::Writable, 1), (Want::Nothing, 0)] {
        let (client, layer) = connected(Version::V311);
        let mut script = layer.0.lock();
        script.wants.write = wants;
        // It says so with a read.
        script.reads.push_back(In::Again);
        script.flushes = 0;
        drop(script);
        drop(client.read_some(client.lock()));
        assert_eq!(layer.0.lock().flushes, 0);
        drop(client.settle(client.lock(), Thread::Caller));
        assert_eq!(layer.0.lock().flushes, flushes, "{wants:?}");
        layer.0.lock().wants.write = Want::Nothing;
    }
}

#[test]
fn what_the_program_writes_no_thread_of_the_reactor_does() {
    for by_program in [true, false] {
        let (client, layer) = connected(Version::V311);
        let mut core = client.lock();
        core.driving.by_program.write = by_program;
        append(&mut core);
        layer.writes();
        core = client.settle(core, Thread::Reactor);
        assert_eq!(layer.writes().0, usize::from(!by_program));
        drop(client.settle(core, Thread::Caller));
        assert_eq!(layer.writes().0, usize::from(by_program));
    }
}

/// The socket is watched for what a blocked writer waits for, once, where others read: the reactor does not.
#[test]
fn an_event_for_the_writer_does_not_have_the_reactor_read() {
    for watched in [true, false] {
        let (client, layer) = connected(Version::V311);
        let mut core = client.lock();
        if !watched {
            let reactor = reactor::reactor().expect("descriptors");
            connection(&mut core).unwatch(reactor);
        }
        connection(&mut core).reader.may_have_data();
        drop(core);
        let text = b"\x30\x04\x00\x01ta".to_vec();
        layer.0.lock().reads.push_back(In::Bytes(text));
        let readiness = Readiness {
            readable: true,
            writable: true,
            hangup: false,
        };
        Arc::clone(&client.0).ready(readiness);
        assert_eq!(client.heard().len(), usize::from(watched));
        // It is read by whoever reads this one.
        drop(client.read_some(client.lock()));
        assert_eq!(layer.0.lock().reads.len(), 0);
    }
}

#[test]
fn destroy_waits_for_a_thread_that_writes() {
    let (client, layer) = connected(Version::V311);
    let this = Arc::clone(&client.0);
    let (destroying, begun) = std::sync::mpsc::channel();
    layer.inside_write(move || {
        let client = Arc::clone(&this);
        let thread = std::thread::spawn(move || client.destroy());
        let is_waited_for = || {
            let core = this.lock();
            core.retired.is_in_use() && core.waiters > 0
        };
        while !is_waited_for() {
            assert!(!thread.is_finished(), "this one still writes");
            std::thread::yield_now();
        }
        destroying.send(thread).expect("heard");
        Ok(())
    });
    let message = publish(QoS::AtMostOnce, b"x");
    client.send(&message, "publish").expect("accepted");
    let thread = begun.recv().expect("it has written");
    thread.join().expect("no panic");
    assert!(!client.lock().retired.is_in_use());
}

/// A thread that had a callback's end to tell will not: whoever waits for that looks again.
#[test]
fn who_waits_for_a_callback_learns_that_its_thread_has_panicked() {
    // Nothing is told of the end of a connection: there is none.
    let client = Carried::new(setup(), None);
    let may = client.lock().roles.begin_dispatch(ThreadId::current());
    assert!(may);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| client.outwait_callback());
        while !client.lock().roles.is_outwaited() {
            assert!(!waits.is_finished(), "the callback has not returned");
            std::thread::yield_now();
        }
        let panicked = Instant::now();
        Arc::clone(&client.0).panicked();
        waits.join().expect("no panic");
        assert!(panicked.elapsed() < LONG);
    });
}
