//! Calls that wait where calls drive: what they read, what they return, and for how long they wait.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::carried::{Carried, FAR, connected, options_of, sent, setup};
use super::publish;
use super::publishing::by_calls;
use crate::engine::delivery::queue::Driver;
use crate::engine::driving::Driving;
use crate::engine::{Error, Setup};
use crate::options::ConnectOptions;
use crate::os::ThreadId;
use crate::protocol::session::{Completion, Outcome, Token};
use crate::protocol::{QoS, Version};
use crate::reactor::reactor;
use crate::transport::{Input, Layer, Link, Want, Wants};

/// A `QoS` 0 message with payload "a", and PUBACK of the first publish.
const MESSAGE: &[u8] = b"\x30\x04\x00\x01ta";
const PUBACK: [u8; 4] = [0x40, 2, 0, 1];
/// What nobody waits for who does not have to.
const LONG: Duration = Duration::from_secs(5);

fn is_failed<T: std::fmt::Debug>(result: &Result<T, Error>, why: &str) -> bool {
    matches!(result, Err(Error::Failed(text)) if text.contains(why))
}

#[test]
fn a_call_that_receives_returns_the_next_message_or_says_why_there_is_none() {
    let (client, stream) = by_calls(1 << 16);
    // A program that never waits reads all the same.
    assert!(matches!(client.receive(Duration::ZERO), Ok(None)));
    assert_eq!(stream.feed(MESSAGE), MESSAGE.len());
    let message = client.receive(Duration::ZERO);
    assert_eq!(message.expect("connected").as_deref(), Some(&b"a"[..]));
    let message = client.receive(Duration::from_millis(1));
    assert_eq!(message.expect("connected"), None);
    // What came before the end is received first.
    stream.feed(MESSAGE);
    stream.feed_end();
    let message = client.receive(FAR);
    assert_eq!(message.expect("connected").as_deref(), Some(&b"a"[..]));
    let lost = client.receive(FAR);
    assert!(is_failed(&lost, "connection was lost"), "{lost:?}");
    let gone = client.receive(FAR);
    assert!(matches!(gone, Err(Error::Disconnected)), "{gone:?}");
}

#[test]
fn messages_are_the_callbacks_where_there_are_callbacks() {
    let (client, _stream) = by_calls(1 << 16);
    client.set_asynchronous();
    let refused = client.receive(FAR);
    assert!(is_failed(&refused, "callbacks"), "{refused:?}");
    // Also for a call that waits when they are set.
    let (client, stream) = by_calls(1 << 16);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| client.receive(FAR));
        while !client
            .lock()
            .lifecycle
            .connection()
            .is_some_and(|connection| connection.reader.is_reading())
        {
            std::thread::yield_now();
        }
        client.set_asynchronous();
        stream.feed(MESSAGE);
        let refused = waits.join().expect("no panic");
        assert!(is_failed(&refused, "callbacks"), "{refused:?}");
    });
}

#[test]
fn a_call_that_processes_does_so_until_its_time_is_over_or_the_connection_is() {
    let far = Instant::now() + FAR;
    let (client, stream) = by_calls(1 << 16);
    let message = publish(QoS::AtLeastOnce, b"x");
    client.publish(&message, "publish").expect("quota");
    stream.feed(&PUBACK);
    client.process_until(Instant::now() + Duration::from_millis(1));
    assert_eq!(client.counters().in_flight, 0);
    stream.feed_end();
    client.process_until(far);
    assert!(!client.is_connected());
    client.process_until(far);
    // Where the reactor reads there is nothing to wait for.
    let (client, _stream) = connected(setup(), options_of(Version::V311));
    client.process_until(far);
}

#[test]
fn who_waits_for_a_publish_learns_that_its_connection_has_ended() {
    for (clean, acknowledged) in [(true, true), (true, false), (false, false)] {
        let setup = Setup {
            driver: Driver::Calls,
            ..setup()
        };
        let client = Carried::new(setup, None);
        let never = client.wait_for_token(1, FAR);
        assert!(matches!(never, Err(Error::Disconnected)), "{never:?}");
        let options = ConnectOptions {
            clean,
            ..options_of(Version::V311)
        };
        let stream = client.attach(1 << 16, options, "connect");
        sent(&stream);
        client.feed(&stream, super::CONNACK);
        client.lock().driving = Driving::default();
        let message = publish(QoS::AtLeastOnce, b"x");
        let token = client.send(&message, "publish").expect("accepted");
        client.send(&message, "behind").expect("accepted");
        if acknowledged {
            stream.feed(&PUBACK);
        }
        stream.feed_end();
        let waited = client.wait_for_token(token, FAR);
        assert_eq!(waited.is_ok(), acknowledged, "{waited:?}");
        assert!(waited.is_ok() || matches!(waited, Err(Error::Disconnected)));
    }
}

/// A layer that has read what its test gives it, and counts how often it is asked.
struct Counted {
    held: VecDeque<u8>,
    reads: Arc<AtomicUsize>,
}

impl Layer for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<Input> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.held.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        // One packet of those below at a time.
        let count = buf.len().min(usize::from(self.held[1]) + 2);
        for (to, byte) in buf.iter_mut().zip(self.held.drain(..count)) {
            *to = byte;
        }
        Ok(Input::Bytes(count))
    }

    fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(bufs.iter().map(|buf| buf.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&mut self) {}

    fn wants(&self) -> Wants {
        Wants {
            read: if self.held.is_empty() {
                Want::Readable
            } else {
                Want::Call
            },
            write: Want::Nothing,
        }
    }
}

#[test]
fn a_call_that_waits_reads_what_a_layer_has_and_then_sleeps() {
    let reads = Arc::<AtomicUsize>::default();
    let (carrier, _other) = UnixStream::pair().expect("a socket pair");
    let layer = Counted {
        held: [super::CONNACK, MESSAGE, MESSAGE].concat().into(),
        reads: Arc::clone(&reads),
    };
    let setup = Setup {
        driver: Driver::Calls,
        ..setup()
    };
    let client = Carried::new(setup, None);
    let link = Link::layered(Box::new(layer), carrier.into());
    let begun = client.0.attach(link, options_of(Version::V311), "connect");
    begun.expect("attached");
    client.lock().driving = Driving::default();
    while !client.is_connected() {
        drop(client.look(client.lock()));
    }
    // Nothing is in the socket.
    for _ in 0..2 {
        let message = client.receive(FAR).expect("connected");
        assert_eq!(message.as_deref(), Some(&b"a"[..]));
    }
    assert!(matches!(client.receive(Duration::ZERO), Ok(None)));
    let before = reads.load(Ordering::Relaxed);
    assert!(matches!(
        client.receive(Duration::from_millis(20)),
        Ok(None)
    ));
    let count = reads.load(Ordering::Relaxed) - before;
    assert!(count <= 1, "{count} reads where nothing came");
}

/// A client in which another thread runs callbacks, for all that it knows.
fn dispatched() -> Carried {
    let (client, stream) = connected(setup(), options_of(Version::V311));
    drop(stream);
    let other = std::thread::spawn(ThreadId::current).join();
    let may = client.lock().roles.begin_dispatch(other.expect("a thread"));
    assert!(may);
    client
}

#[test]
fn a_wait_for_the_callback_of_now_ends_with_it() {
    let client = dispatched();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| client.outwait_callback());
        while !client.lock().roles.is_outwaited() {
            assert!(!waits.is_finished(), "the callback has not returned");
            std::thread::yield_now();
        }
        let outwaited = client.outwaited.load(Ordering::Relaxed);
        assert!(outwaited, "the dispatcher looks there");
        let begun = Instant::now();
        client.lock().roles.end_dispatch();
        client.changed.notify_all();
        waits.join().expect("no panic");
        assert!(begun.elapsed() < LONG);
    });
    assert!(!client.lock().roles.is_outwaited());
    client.outwait_callback();
}

#[test]
fn nobody_waits_for_a_callback_inside_one() {
    let client = dispatched();
    let begun = Instant::now();
    let inside = reactor().expect("descriptors").enter_callback();
    client.outwait_callback();
    drop(inside);
    client.lock().roles.enter(ThreadId::current());
    client.outwait_callback();
    assert!(begun.elapsed() < LONG);
    let mut core = client.lock();
    core.roles.leave(&ThreadId::current());
    core.roles.end_dispatch();
}

/// Functions of the program that are no events are waited for, too.
#[test]
fn who_waits_learns_that_a_function_of_the_program_has_returned() {
    for destroys in [false, true] {
        let (client, _stream) = connected(setup(), options_of(Version::V311));
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let (core, waits) = client.call_out(client.lock(), || {
                let waits = scope.spawn(|| {
                    if destroys {
                        client.destroy();
                    } else {
                        client.outwait_callback();
                    }
                });
                let is_waiting = || {
                    let core = client.lock();
                    core.waiters > 0 || core.roles.is_outwaited()
                };
                while !is_waiting() {
                    assert!(!waits.is_finished(), "the function has not returned");
                    std::thread::yield_now();
                }
                waits
            });
            drop(core);
            waits.expect("it lived").join().expect("no panic");
        });
        assert!(begun.elapsed() < LONG);
    }
}

/// The end of an operation is told when its callback has returned; until then, and no longer than it is told to, a call waits.
#[test]
fn a_wait_for_an_end_that_is_being_told_lasts_until_its_deadline() {
    const TOKEN: Token = 7;
    const SOON: Duration = Duration::from_millis(5);
    enum Where {
        InCallback,
        Taken,
        Queued,
        Nowhere,
    }
    let end = || {
        crate::engine::Event::Completed(Completion {
            token: TOKEN,
            op: "publish",
            packet: None,
            outcome: Outcome::written(),
        })
    };
    for (place, inside) in [
        (Where::InCallback, false),
        (Where::InCallback, true),
        (Where::Taken, false),
        (Where::Queued, false),
        (Where::Nowhere, false),
    ] {
        let client = dispatched();
        let waits = !inside && !matches!(place, Where::Nowhere);
        match place {
            Where::InCallback => client.telling.begin(Some(TOKEN)),
            Where::Taken => client.batch.lock().push_back(end()),
            Where::Queued => client.lock().outputs.queue.push(end()),
            Where::Nowhere => client.telling.begin(Some(TOKEN + 1)),
        }
        if inside {
            client.lock().roles.enter(ThreadId::current());
        }
        let begun = Instant::now();
        let timeout = if waits { SOON } else { FAR };
        let waited = client.wait_for_token(TOKEN, timeout);
        let took = begun.elapsed();
        assert!(waited.is_ok() && took < LONG, "{waited:?} {took:?}");
        assert!(!waits || took >= SOON, "{took:?}");
        let mut core = client.lock();
        assert!(!core.roles.is_outwaited() && core.waiters == 0);
        client.telling.begin(Some(TOKEN));
        assert!(!client.telling.end(), "nobody waits any longer");
        core.roles.leave(&ThreadId::current());
        client.batch.lock().clear();
        core.roles.end_dispatch();
    }
}
