//! Mutex and condition variable of one word each, which a forked child can rely on.
//!
//! `parking_lot`'s own keep the waiting threads of all locks in one table of the process. In a child of `fork` a part of that
//! table stays locked for ever if a thread of the parent's held it at that moment, and any lock that is waited for hangs:
//! seen once in some two thousand forks beside busy threads. So the interface is `parking_lot`'s, and the lock below it is
//! a futex, where a lock's state is that lock's word and nothing else. The algorithms are those of Rust's standard library.

use std::hint;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::lock_api::{self, GuardNoSend, RawMutexFair};
use rustix::thread::futex::{self, Flags, Timespec};

/// A mutual exclusion of one word. A panic of the thread that holds it does not poison it.
pub type Mutex<T> = lock_api::Mutex<Futex, T>;
/// A [`Mutex`], held.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, Futex, T>;

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held, and some thread may be sleeping until it is free.
const WAITED_FOR: u32 = 2;

/// How often a thread looks again before it sleeps: sections are short.
const SPINS: u32 = 100;

/// The lock of a [`Mutex`].
pub struct Futex(AtomicU32);

// SAFETY: a thread returns from `lock`, or from `try_lock` with true, only when its own exchange has found FREE and left
// another value, which only `unlock` makes FREE again: one thread at a time holds the lock. The acquire of that exchange and
// the release of `unlock` order what two holders do.
unsafe impl lock_api::RawMutex for Futex {
    #[allow(clippy::declare_interior_mutable_const, reason = "the trait's")]
    const INIT: Self = Self(AtomicU32::new(FREE));

    type GuardMarker = GuardNoSend;

    #[inline]
    fn lock(&self) {
        if !self.try_lock() {
            self.lock_slowly();
        }
    }

    #[inline]
    fn try_lock(&self) -> bool {
        self.0
            .compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    #[inline]
    unsafe fn unlock(&self) {
        if self.0.swap(FREE, Ordering::Release) == WAITED_FOR {
            wake(&self.0, 1);
        }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.0.load(Ordering::Relaxed) != FREE
    }
}

// SAFETY: the same lock. It is handed over by giving others the chance to take it.
unsafe impl RawMutexFair for Futex {
    unsafe fn unlock_fair(&self) {
        // SAFETY: the caller's promise: it holds the lock.
        unsafe { lock_api::RawMutex::unlock(self) };
    }

    unsafe fn bump(&self) {
        if self.0.load(Ordering::Relaxed) == WAITED_FOR {
            // SAFETY: the caller's promise: it holds the lock.
            unsafe { lock_api::RawMutex::unlock(self) };
            std::thread::yield_now();
            lock_api::RawMutex::lock(self);
        }
    }
}

impl Futex {
    #[cold]
    fn lock_slowly(&self) {
        let mut state = self.spin();
        if state == FREE {
            match self
                .0
                .compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
        loop {
            // Who has slept cannot know whether others still do: the word stays at WAITED_FOR.
            if state != WAITED_FOR && self.0.swap(WAITED_FOR, Ordering::Acquire) == FREE {
                return;
            }
            wait(&self.0, WAITED_FOR, None);
            state = self.spin();
        }
    }

    /// Waits a little while the lock is held and nobody sleeps; returns the word as it was last seen.
    fn spin(&self) -> u32 {
        for _ in 0..SPINS {
            let state = self.0.load(Ordering::Relaxed);
            if state != HELD {
                return state;
            }
            hint::spin_loop();
        }
        self.0.load(Ordering::Relaxed)
    }
}

/// Sleeps until the word is woken, has not `expected` in it, or the time is over. May return early.
fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    // All of its ends, a signal included, send the caller to look at the word again.
    let _ = futex::wait(word, Flags::PRIVATE, expected, timeout.as_ref());
}

fn wake(word: &AtomicU32, threads: u32) {
    // The word is there: nothing can fail.
    let _ = futex::wake(word, Flags::PRIVATE, threads);
}

/// A condition variable, for [`Mutex`]. What is waited for changes with the mutex held.
#[derive(Debug, Default)]
pub struct Condvar {
    /// Counts the notifications, so that one between unlocking and sleeping is not missed.
    notified: AtomicU32,
    /// Threads that wait, counted with the mutex held: without one a notification costs no system call.
    waiting: AtomicU32,
}

/// How a wait with a limit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Returns true if the time was over.
    pub fn timed_out(self) -> bool {
        self.0
    }
}

impl Condvar {
    /// Makes one that nobody waits for.
    pub const fn new() -> Self {
        Self {
            notified: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
        }
    }

    /// Wakes one of the waiting threads.
    pub fn notify_one(&self) {
        self.notify(1);
    }

    /// Wakes all waiting threads.
    pub fn notify_all(&self) {
        self.notify(i32::MAX.unsigned_abs());
    }

    fn notify(&self, threads: u32) {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.notified.fetch_add(1, Ordering::Relaxed);
            wake(&self.notified, threads);
        }
    }

    /// Releases the mutex and waits to be woken; takes the mutex again. May return early.
    pub fn wait<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>) {
        self.wait_at_most(guard, None);
    }

    /// Works as [`wait`](Self::wait), at most so long.
    pub fn wait_for<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        if let Some(until) = Instant::now().checked_add(timeout) {
            self.wait_until(guard, until)
        } else {
            self.wait(guard);
            WaitTimeoutResult(false)
        }
    }

    /// Works as [`wait`](Self::wait), until that moment at most.
    pub fn wait_until<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        until: Instant,
    ) -> WaitTimeoutResult {
        let left = until.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            self.wait_at_most(guard, Some(left));
        }
        WaitTimeoutResult(Instant::now() >= until)
    }

    fn wait_at_most<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>, timeout: Option<Duration>) {
        // With the mutex held: whoever changes what is waited for, and then notifies, sees this thread counted.
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let notified = self.notified.load(Ordering::Relaxed);
        MutexGuard::unlocked(guard, || wait(&self.notified, notified, timeout));
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn threads_take_turns_and_lose_nothing() {
        let count = Arc::new(Mutex::new(0_u64));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let count = Arc::clone(&count);
                std::thread::spawn(move || {
                    for _ in 0..20_000 {
                        *count.lock() += 1;
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(*count.lock(), 160_000);
    }

    #[test]
    fn every_item_of_a_queue_reaches_somebody() {
        let queue = Arc::new((Mutex::new((Vec::new(), false)), Condvar::new()));
        let takers: Vec<_> = (0..4)
            .map(|_| {
                let queue = Arc::clone(&queue);
                std::thread::spawn(move || {
                    let (state, changed) = &*queue;
                    let mut taken = 0;
                    let mut state = state.lock();
                    loop {
                        if state.0.pop().is_some() {
                            taken += 1;
                        } else if state.1 {
                            return taken;
                        } else {
                            changed.wait(&mut state);
                        }
                    }
                })
            })
            .collect();
        for item in 0..20_000 {
            queue.0.lock().0.push(item);
            queue.1.notify_one();
        }
        queue.0.lock().1 = true;
        queue.1.notify_all();
        let taken: u32 = takers.into_iter().map(|t| t.join().unwrap()).sum();
        assert_eq!(taken, 20_000);
    }

    #[test]
    fn a_wait_ends_in_time_and_not_before() {
        let (state, changed) = (Mutex::new(()), Condvar::new());
        let mut guard = state.lock();
        let begin = Instant::now();
        let limit = Duration::from_millis(20);
        while !changed.wait_until(&mut guard, begin + limit).timed_out() {}
        assert!(begin.elapsed() >= limit);
        assert!(changed.wait_for(&mut guard, Duration::ZERO).timed_out());
        drop(guard);
        assert!(state.try_lock().is_some());
    }

    #[test]
    fn a_held_lock_is_not_taken_twice() {
        let lock = Mutex::new(());
        let guard = lock.lock();
        assert!(lock.try_lock().is_none());
        drop(guard);
        assert!(lock.try_lock().is_some());
    }
}
