//! When the store is tried again that refused something.

use std::time::{Duration, Instant};

/// The first pause. Long enough for whoever had the program's store locked, too short to be noticed.
const FIRST: Duration = Duration::from_millis(200);
/// The longest pause: a key that the program never sets must not keep the process busy.
const LONGEST: Duration = Duration::from_secs(20);

/// The alarm of everything that a store refused and that is put off for that reason.
#[derive(Debug)]
pub struct Retry {
    at: Option<Instant>,
    pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            at: None,
            pause: FIRST,
        }
    }
}

impl Retry {
    /// Notes that something was put off. Returns true if it is the first since the store was tried again.
    pub fn refused(&mut self, now: Instant) -> bool {
        if self.at.is_some() {
            return false;
        }
        self.at = Some(now + self.pause);
        self.pause = (self.pause * 2).min(LONGEST);
        true
    }

    /// Notes that the store has done what it was asked for: the next refusal is a new one.
    pub fn succeeded(&mut self) {
        self.pause = FIRST;
    }

    /// Has what was put off tried again at once: the circumstances have changed.
    pub fn hurry(&mut self, now: Instant) {
        self.pause = FIRST;
        if self.at.is_some() {
            self.at = Some(now);
        }
    }

    /// Returns when everything that was put off has to be tried again.
    pub fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Returns true, once, when that time has come.
    pub fn take_due(&mut self, now: Instant) -> bool {
        let due = self.at.is_some_and(|at| now >= at);
        if due {
            self.at = None;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_the_store_works() {
        let start = Instant::now();
        let mut retry = Retry::default();
        assert_eq!(retry.at(), None);
        assert!(!retry.take_due(start + LONGEST));
        let mut now = start;
        let mut pauses = Vec::new();
        for _ in 0..10 {
            assert!(retry.refused(now));
            assert!(!retry.refused(now), "one alarm for all");
            let at = retry.at().expect("an alarm");
            pauses.push(at - now);
            assert!(!retry.take_due(now));
            assert!(retry.take_due(at) && !retry.take_due(at));
            now = at;
        }
        assert_eq!(pauses[0], FIRST);
        assert!(pauses.windows(2).all(|two| two[1] >= two[0]));
        assert_eq!(pauses[9], LONGEST);
        retry.succeeded();
        assert!(retry.refused(now));
        assert_eq!(retry.at(), Some(now + FIRST));
        retry.hurry(now);
        assert!(retry.take_due(now));
        retry.hurry(now);
        assert_eq!(retry.at(), None, "nothing was put off");
        assert!(retry.refused(now));
        assert_eq!(retry.at(), Some(now + FIRST), "the pauses began anew");
    }
}
