//! The hand-over between threads in the orders in which they can run: between the reactor's (`src/reactor/crew.rs`), and of a
//! connection's reading and writing (`src/engine/connection/reader.rs`, `writer.rs`), all as they are.
//!
//! `cargo test --manifest-path models/Cargo.toml`. Shuttle runs one thread at a time and chooses which before each
//! operation on a lock or an atomic; all of them are taken for sequentially consistent, as those are that matter here.
#![cfg(test)]

#[path = "../../src/reactor/crew.rs"]
#[allow(dead_code, reason = "the library uses all of it")]
mod crew;

#[path = "../../src/engine/connection/reader.rs"]
#[allow(dead_code, reason = "the library uses all of it")]
mod reader;

#[path = "../../src/engine/connection/writer.rs"]
#[allow(dead_code, reason = "the library uses all of it")]
mod writer;

/// Shuttle's locks and atomics under the names of the library's.
mod sync {
    pub use shuttle::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    pub struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Self {
            Self(shuttle::sync::Mutex::new(value))
        }

        pub fn lock(&self) -> shuttle::sync::MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }
}

use std::sync::Arc;

use shuttle::sync::{Condvar, Mutex};
use shuttle::thread;

use crew::{Agenda, Crew, BASE_THREADS};

/// Wake-ups that were written and not yet read: the eventfd.
#[derive(Default)]
struct Wakes {
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Wakes {
    fn write(&self) {
        self.state.lock().unwrap().0 += 1;
        self.changed.notify_one();
    }

    /// False: there will be no more.
    fn read(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        while state.0 == 0 && !state.1 {
            state = self.changed.wait(state).unwrap();
        }
        let some = state.0 > 0;
        state.0 -= usize::from(some);
        some
    }

    fn end(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

/// Of `all` threads some enter callbacks which do not return, and some, spares that found nothing to do, want to end, at
/// once: one is left, that waits.
fn somebody_waits(all: usize, entering: usize, ending: usize) {
    assert!(entering + ending <= all && ending <= all - BASE_THREADS);
    let crew = Arc::new(Crew::default());
    for _ in 0..all {
        crew.join();
    }
    let mut threads = Vec::new();
    for _ in 0..entering {
        let crew = Arc::clone(&crew);
        threads.push(thread::spawn(move || {
            if crew.enter() {
                crew.join();
            }
        }));
    }
    for _ in 0..ending {
        let crew = Arc::clone(&crew);
        threads.push(thread::spawn(move || {
            let _ended = crew.retire();
        }));
    }
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(crew.threads() > entering, "nobody waits for events");
}

#[test]
fn somebody_is_left_to_wait() {
    for (all, entering, ending) in [(2, 2, 0), (3, 1, 1), (3, 2, 1), (4, 1, 2), (4, 2, 2)] {
        shuttle::check_dfs(move || somebody_waits(all, entering, ending), Some(LIMIT));
    }
    for (all, entering, ending) in [(5, 4, 1), (6, 3, 3), (7, 3, 4), (8, 6, 2)] {
        shuttle::check_random(move || somebody_waits(all, entering, ending), RANDOM);
    }
}

/// Everything that is scheduled is run, although what is run first is held up until the last has been.
fn nothing_scheduled_is_forgotten(schedulers: usize, keys: usize) {
    let agenda = Arc::new(Agenda::default());
    let wakes = Arc::new(Wakes::default());
    let total = schedulers * keys;
    let done = Arc::new((Mutex::new(0), Condvar::new()));
    let mut threads = Vec::new();
    // One for each key: as many as there are callbacks that wait for one another.
    for _ in 0..total {
        let (agenda, wakes, done) = (Arc::clone(&agenda), Arc::clone(&wakes), Arc::clone(&done));
        threads.push(thread::spawn(move || {
            while wakes.read() {
                for lookouts in 0.. {
                    agenda.begin();
                    for _ in 0..agenda.len() {
                        if agenda.take().is_none() {
                            break;
                        }
                        if agenda.leave() {
                            wakes.write();
                        }
                        // The callback.
                        let mut count = done.0.lock().unwrap();
                        *count += 1;
                        done.1.notify_all();
                        while *count < total {
                            count = done.1.wait(count).unwrap();
                        }
                        drop(count);
                        wakes.end();
                    }
                    if agenda.leave() {
                        wakes.write();
                        break;
                    }
                    if lookouts > 1 || !agenda.stay() {
                        break;
                    }
                    thread::yield_now();
                }
            }
        }));
    }
    for _ in 0..schedulers {
        let (agenda, wakes) = (Arc::clone(&agenda), Arc::clone(&wakes));
        threads.push(thread::spawn(move || {
            for key in 0..keys {
                if agenda.add(key) {
                    wakes.write();
                }
            }
        }));
    }
    // A wake-up that is lost leaves all of them waiting: shuttle notices.
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn everything_scheduled_is_run() {
    shuttle::check_dfs(|| nothing_scheduled_is_forgotten(1, 2), Some(LIMIT));
    shuttle::check_random(|| nothing_scheduled_is_forgotten(1, 3), RANDOM);
    shuttle::check_random(|| nothing_scheduled_is_forgotten(2, 2), RANDOM);
    shuttle::check_pct(|| nothing_scheduled_is_forgotten(3, 1), RANDOM, 3);
}

/// A socket that is watched edge-triggered: each arrival is told once, on a thread of its own.
fn whatever_arrives_is_read(arrivals: usize) {
    let socket = Arc::new(Mutex::new(0_usize));
    let reader = Arc::new(Mutex::new(reader::Reader::new()));
    let read = Arc::new(Mutex::new(0_usize));
    let mut threads = Vec::new();
    for _ in 0..arrivals {
        let (socket, reader, read) = (Arc::clone(&socket), Arc::clone(&reader), Arc::clone(&read));
        threads.push(thread::spawn(move || {
            *socket.lock().unwrap() += 1;
            let mut state = reader.lock().unwrap();
            state.may_have_data();
            // A turn at a time, as long as it is due: each could be another thread's.
            while state.is_due() {
                let Some(partial) = state.begin() else { break };
                drop(state);
                let found = {
                    let mut socket = socket.lock().unwrap();
                    let some = std::mem::take(&mut *socket);
                    *read.lock().unwrap() += some;
                    if some == 0 {
                        reader::Found::Nothing
                    } else {
                        reader::Found::All
                    }
                };
                state = reader.lock().unwrap();
                let _due = state.end(found, partial);
            }
        }));
    }
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(*read.lock().unwrap(), arrivals, "an event was lost");
}

#[test]
fn no_event_is_lost_to_a_thread_that_reads() {
    shuttle::check_dfs(|| whatever_arrives_is_read(2), Some(LIMIT / 10));
    shuttle::check_random(|| whatever_arrives_is_read(4), RANDOM);
}

/// A socket with room for one byte; a peer that takes it, which is told once each time.
fn whatever_waits_is_written(bytes: usize) {
    // Room, and what the peer has.
    let socket = Arc::new(Mutex::new((1_usize, 0_usize)));
    let writer = Arc::new(Mutex::new((writer::Writer::new(0_usize), bytes)));
    // A turn at a time, as long as there is something to do for this thread.
    fn write(socket: &Mutex<(usize, usize)>, writer: &Mutex<(writer::Writer<usize>, usize)>) {
        let mut state = writer.lock().unwrap();
        loop {
            let waiting = state.1 > 0;
            let Some(mut batch) = state.0.begin(waiting) else {
                return;
            };
            if batch == 0 {
                batch = std::mem::take(&mut state.1);
            }
            drop(state);
            let wrote = loop {
                if batch == 0 {
                    break writer::Wrote::All;
                }
                let mut socket = socket.lock().unwrap();
                if socket.0 == 0 {
                    break writer::Wrote::Full;
                }
                socket.0 -= 1;
                socket.1 += 1;
                batch -= 1;
            };
            state = writer.lock().unwrap();
            state.0.end(wrote, batch);
        }
    }
    let peer = {
        let (socket, writer) = (Arc::clone(&socket), Arc::clone(&writer));
        thread::spawn(move || {
            for _ in 0..bytes {
                while socket.lock().unwrap().0 > 0 {
                    thread::yield_now();
                }
                socket.lock().unwrap().0 += 1;
                writer.lock().unwrap().0.may_have_room();
                write(&socket, &writer);
            }
        })
    };
    write(&socket, &writer);
    // Had the room been forgotten, the peer would wait for a byte that nobody writes: shuttle notices.
    peer.join().unwrap();
    assert_eq!(socket.lock().unwrap().1, bytes);
}

#[test]
fn no_room_is_lost_to_a_thread_that_writes() {
    shuttle::check_random(|| whatever_waits_is_written(2), RANDOM);
    shuttle::check_pct(|| whatever_waits_is_written(3), RANDOM, 3);
}

/// Schedules of each model: where all of them are tried there are fewer, but for the largest.
const LIMIT: usize = 300_000;
const RANDOM: usize = 20_000;
