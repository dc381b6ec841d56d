//! The hand-over between the reactor's threads (`src/reactor/crew.rs`, as it is) in the orders in which threads can run.
//!
//! `cargo test --manifest-path models/Cargo.toml`. Shuttle runs one thread at a time and chooses which before each
//! operation on a lock or an atomic; all of them are taken for sequentially consistent, as those are that matter here.
#![cfg(test)]

#[path = "../../src/reactor/crew.rs"]
#[allow(dead_code, reason = "the library uses all of it")]
mod crew;

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

use crew::{Agenda, BASE_THREADS, Crew};

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
                    while agenda.take().is_some() {
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

/// Schedules of each model: where all of them are tried there are fewer, but for the largest.
const LIMIT: usize = 300_000;
const RANDOM: usize = 20_000;
