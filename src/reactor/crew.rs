//! The reactor's threads among themselves: who waits for events, who is inside a callback, who is woken for what.
//!
//! Without I/O, and with the locks and atomics that `super::sync` gives it: `models/` puts others there, and tries the
//! schedules one by one.

use std::collections::VecDeque;

use super::sync::{AtomicBool, AtomicUsize, Mutex, Ordering};

/// Threads that always exist once the reactor was used.
pub const BASE_THREADS: usize = 2;
/// Against a program whose callbacks all wait for something that never comes: no more threads than this.
pub const MAX_THREADS: usize = 512;

/// Existing threads, and those of them that are inside callbacks.
///
/// A thread that ends and one that enters a callback must see each other, or nobody would be left to wait: hence
/// sequentially consistent there.
#[derive(Default)]
pub struct Crew {
    threads: AtomicUsize,
    busy: AtomicUsize,
}

impl Crew {
    /// Returns how many threads there are.
    pub fn threads(&self) -> usize {
        self.threads.load(Ordering::Relaxed)
    }

    /// Called when there is going to be one more thread. Returns true if it is a spare, which may end again.
    pub fn join(&self) -> bool {
        self.threads.fetch_add(1, Ordering::Relaxed) >= BASE_THREADS
    }

    /// Called when the thread that [joined](Self::join) could not be had, or has nothing to wait for any more.
    pub fn part(&self) {
        self.threads.fetch_sub(1, Ordering::Relaxed);
    }

    /// Called when a thread enters a callback. Returns true if it must see to another thread, which waits meanwhile.
    pub fn enter(&self) -> bool {
        self.busy.fetch_add(1, Ordering::SeqCst);
        self.is_short()
    }

    /// Returns true if no thread is left to wait for events, and another one may be had.
    pub fn is_short(&self) -> bool {
        let busy = self.busy.load(Ordering::SeqCst);
        let threads = self.threads.load(Ordering::SeqCst);
        busy >= threads && threads < MAX_THREADS
    }

    /// Called when a thread has left a callback.
    pub fn leave(&self) {
        self.busy.fetch_sub(1, Ordering::Relaxed);
    }

    /// Called when a spare thread has been idle. Returns true if it must exit, false if it must stay because no other thread
    /// would be waiting for events.
    pub fn retire(&self) -> bool {
        let threads = self.threads.fetch_sub(1, Ordering::SeqCst);
        if threads - 1 > self.busy.load(Ordering::SeqCst).max(BASE_THREADS - 1) {
            return true;
        }
        self.threads.fetch_add(1, Ordering::Relaxed);
        false
    }
}

/// What is scheduled. Whoever is told `true` wakes a thread, which [begins](Agenda::begin) and [takes](Agenda::take).
pub struct Agenda<K> {
    keys: Mutex<VecDeque<K>>,
    /// How many there are, to be asked without the lock.
    waiting: AtomicUsize,
    /// A thread has been woken for them and has not come yet.
    woken: AtomicBool,
}

impl<K> Default for Agenda<K> {
    fn default() -> Self {
        Self {
            keys: Mutex::new(VecDeque::new()),
            waiting: AtomicUsize::new(0),
            woken: AtomicBool::new(false),
        }
    }
}

impl<K> Agenda<K> {
    /// Adds a key.
    pub fn add(&self, key: K) -> bool {
        {
            let mut keys = self.keys.lock();
            keys.push_back(key);
            self.waiting.store(keys.len(), Ordering::Relaxed);
        }
        self.wake()
    }

    /// Called when the thread that takes them is going to be held up. Returns true if another one is needed for what there
    /// still is.
    pub fn leave(&self) -> bool {
        self.has_some() && self.wake()
    }

    /// Unless one is on its way.
    fn wake(&self) -> bool {
        !self.woken.swap(true, Ordering::AcqRel)
    }

    /// Called when the woken thread has come. What is added from here on wakes another one, as this one may be held up by
    /// what it takes first.
    pub fn begin(&self) {
        self.woken.store(false, Ordering::Release);
    }

    /// Called when a thread that has taken all stays on the lookout for more, until it [begins](Self::begin) again: meanwhile
    /// nobody needs to be woken. Returns false if another one has been woken, and will see to it.
    pub fn stay(&self) -> bool {
        !self.woken.swap(true, Ordering::AcqRel)
    }

    /// Returns how many there are to take. With the lock, which orders this after [`begin`](Self::begin).
    pub fn len(&self) -> usize {
        self.keys.lock().len()
    }

    /// Returns true if there is something to take, without the lock.
    pub fn has_some(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Takes the first.
    pub fn take(&self) -> Option<K> {
        let mut keys = self.keys.lock();
        let key = keys.pop_front();
        self.waiting.store(keys.len(), Ordering::Relaxed);
        key
    }
}
