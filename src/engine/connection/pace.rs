//! How closely the callers' writes follow each other, and who writes.
//!
//! A caller that finds the socket idle writes its bytes itself, on its own thread: the lowest latency there is. When calls
//! follow each other so closely that each would write a few bytes, that is a burst: a reactor thread writes for as long as
//! it lasts, callers only append, and the bytes go out in large writes, which is the highest throughput there is.

use std::time::{Duration, Instant};

/// A call that comes no later than this after the last write follows it closely. An answer over a network, even a local
/// one, takes longer: a conversation is no burst.
const CLOSE: Duration = Duration::from_micros(6);
/// After so many of them it is a burst.
const STREAK: u32 = 16;
/// So many writes in a row that carried a few bytes of one call each: the calls could as well have written them.
const THIN: u32 = 8;
/// What a few bytes are: with more, one thread may well copy what another one writes.
const FEW: u64 = 4096;

/// Who writes, and how the calls have followed each other.
#[derive(Debug)]
enum State {
    /// Callers write, and `streak` calls in a row have followed closely.
    Calls { streak: u32 },
    /// The reactor has been asked to write, and no thread of it has come yet; `appended` calls wait for it.
    Asked { appended: u32 },
    /// A reactor thread writes. `thin`: its writes in a row that carried no more than one call's bytes.
    Carried { appended: u32, thin: u32 },
}

/// The pace of a connection's calls.
#[derive(Debug)]
pub struct Pace {
    state: State,
    last_write: Instant,
}

impl Pace {
    /// Makes the pace of a connection that begins at `now`.
    pub fn new(now: Instant) -> Self {
        Self {
            state: State::Calls { streak: 0 },
            last_write: now,
        }
    }

    /// Notes that bytes were written at `now`.
    pub fn written(&mut self, now: Instant) {
        self.last_write = now;
    }

    /// Returns true if the reactor writes, or is about to: callers only append.
    pub fn is_burst(&self) -> bool {
        !matches!(self.state, State::Calls { .. })
    }

    /// Returns true if a reactor thread has to come and carry the burst.
    pub fn is_asked(&self) -> bool {
        matches!(self.state, State::Asked { .. })
    }

    /// Notes that a call has bytes to write in a burst: they wait for the reactor.
    pub fn append(&mut self) {
        match &mut self.state {
            State::Asked { appended } | State::Carried { appended, .. } => *appended += 1,
            State::Calls { .. } => {}
        }
    }

    /// Notes that a call is about to write. Returns true if it must leave that to the reactor.
    #[must_use]
    pub fn call(&mut self, now: Instant) -> bool {
        if let State::Calls { streak } = &mut self.state {
            let close = now < self.last_write + CLOSE;
            *streak = if close { *streak + 1 } else { 0 };
            *streak >= STREAK
        } else {
            false
        }
    }

    /// Notes that the program waits for something: whatever it calls next, it follows that and not the call before.
    pub fn pause(&mut self) {
        if let State::Calls { streak } = &mut self.state {
            *streak = 0;
        }
    }

    /// Notes that the reactor is asked to write.
    pub fn ask(&mut self) {
        if !self.is_burst() {
            self.state = State::Asked { appended: 0 };
        }
    }

    /// Notes that a reactor thread has come. Returns true if it has to carry a burst.
    #[must_use]
    pub fn carry(&mut self) -> bool {
        let State::Asked { appended } = self.state else {
            return false;
        };
        self.state = State::Carried { appended, thin: 0 };
        true
    }

    /// Notes that the reactor thread is about to write. Returns how many calls' bytes it takes along.
    pub fn take(&mut self) -> u32 {
        match &mut self.state {
            State::Carried { appended, .. } => std::mem::take(appended),
            _ => 0,
        }
    }

    /// Notes that it has written so many bytes of so many calls, and `left`: more wait. Returns true if it may as well leave
    /// the writing to the calls.
    #[must_use]
    pub fn wrote(&mut self, calls: u32, bytes: u64, left: bool) -> bool {
        let State::Carried { thin, .. } = &mut self.state else {
            return true;
        };
        *thin = if calls <= 1 && bytes < FEW {
            *thin + 1
        } else {
            0
        };
        *thin >= THIN && !left
    }

    /// Notes that the thread's turn is over: another one goes on.
    pub fn pass_on(&mut self) {
        if let State::Carried { appended, .. } = self.state {
            self.state = State::Asked { appended };
        }
    }

    /// Notes that the burst is over.
    pub fn end(&mut self) {
        self.state = State::Calls { streak: 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pace, and a call that comes so many microseconds after its last write.
    fn begin() -> (Pace, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        let after = move |micros| start + Duration::from_micros(micros);
        (Pace::new(start), after)
    }

    #[test]
    fn calls_that_follow_closely_make_a_burst() {
        let (mut pace, after) = begin();
        for _ in 1..STREAK {
            assert!(!pace.call(after(1)));
        }
        assert!(pace.call(after(1)));
        assert!(!pace.is_burst(), "nobody has asked the reactor yet");
        pace.ask();
        assert!(pace.is_burst() && pace.is_asked());
    }

    #[test]
    fn a_pause_or_a_slow_call_begins_the_count_anew() {
        for slow in [true, false] {
            let (mut pace, after) = begin();
            for _ in 1..STREAK {
                assert!(!pace.call(after(1)));
            }
            if slow {
                assert!(!pace.call(after(50)));
            } else {
                pace.pause();
            }
            assert!(!pace.call(after(1)));
        }
    }

    #[test]
    fn one_reactor_thread_carries_a_burst() {
        let (mut pace, _) = begin();
        assert!(!pace.carry());
        pace.ask();
        pace.append();
        assert!(pace.carry());
        assert!(!pace.carry(), "it is carried");
        pace.append();
        assert_eq!(pace.take(), 2);
        assert_eq!(pace.take(), 0);
        pace.end();
        assert!(!pace.is_burst());
    }

    #[test]
    fn thin_writes_end_a_burst_unless_more_waits() {
        let (mut pace, _) = begin();
        pace.ask();
        assert!(pace.carry());
        for _ in 1..THIN {
            assert!(!pace.wrote(1, 10, false));
        }
        assert!(!pace.wrote(1, 10, true));
        assert!(pace.wrote(1, 10, false));
        assert!(!pace.wrote(5, 10, false), "that was no thin one");
        assert!(!pace.wrote(1, FEW, false));
    }

    #[test]
    fn a_call_is_measured_from_the_last_write() {
        let (mut pace, after) = begin();
        for n in 1..STREAK {
            // Close to the write before it, far from the first one.
            pace.written(after(100 * u64::from(n)));
            assert!(!pace.call(after(100 * u64::from(n) + 1)));
        }
        assert!(pace.call(after(100 * u64::from(STREAK - 1) + 1)));
        // As long after the write as closeness lasts is not close.
        let (mut pace, after) = begin();
        for _ in 0..2 * STREAK {
            assert!(!pace.call(after(0) + CLOSE));
        }
    }

    #[test]
    fn in_a_burst_no_call_is_counted_and_one_that_nobody_carries_is_over() {
        let (mut pace, after) = begin();
        assert!(pace.wrote(1, 10, false), "nobody carries it");
        pace.ask();
        for _ in 0..2 * STREAK {
            assert!(!pace.call(after(1)), "it appends");
        }
        assert!(pace.carry());
        pace.pass_on();
        assert!(pace.is_asked() && pace.carry(), "another thread goes on");
    }
}
