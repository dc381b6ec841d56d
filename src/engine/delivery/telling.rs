//! Of which operation's end the program is being told, and who waits for that.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::protocol::session::Token;

/// Nothing, or nobody.
const NONE: u64 = 0;
/// More than one thread waits, for different operations.
const SEVERAL: u64 = u64::MAX;

/// The dispatcher changes and asks this with the batch locked; a thread that waits says so before it locks the batch in order to
/// look whether its event is still there. So either that thread sees that the program has been told, or the dispatcher sees that
/// somebody waits.
#[derive(Debug, Default)]
pub struct Telling {
    now: AtomicU64,
    awaited: AtomicU64,
}

fn code(token: Token) -> u64 {
    1 << 32 | u64::from(u32::from_ne_bytes(token.to_ne_bytes()))
}

impl Telling {
    /// Notes of which operation's end the next callback tells, if of any.
    pub fn begin(&self, token: Option<Token>) {
        self.now.store(token.map_or(NONE, code), Ordering::Relaxed);
    }

    /// Notes that the callback has returned. Returns true if a thread waits for that.
    #[must_use = "that thread has to be woken"]
    pub fn end(&self) -> bool {
        let now = self.now.load(Ordering::Relaxed);
        if now == NONE {
            return false;
        }
        self.now.store(NONE, Ordering::Relaxed);
        let awaited = self.awaited.load(Ordering::Relaxed);
        awaited == now || awaited == SEVERAL
    }

    /// Returns true if the callback of now tells of that operation's end, or of any.
    pub fn is_of(&self, token: Option<Token>) -> bool {
        let now = self.now.load(Ordering::Relaxed);
        token.map_or(now != NONE, |token| now == code(token))
    }

    /// Notes that a thread waits until the program has been told of that operation's end. The client's mutex is held.
    pub fn wait_for(&self, token: Token) {
        let before = self.awaited.load(Ordering::Relaxed);
        let awaited = if before == NONE || before == code(token) {
            code(token)
        } else {
            SEVERAL
        };
        self.awaited.store(awaited, Ordering::Relaxed);
    }

    /// Notes that no thread waits any longer. The client's mutex is held.
    pub fn nobody_waits(&self) {
        self.awaited.store(NONE, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_woken_after_the_right_callback() {
        let telling = Telling::default();
        telling.begin(Some(1));
        assert!(telling.is_of(Some(1)) && telling.is_of(None) && !telling.is_of(Some(2)));
        assert!(!telling.end(), "nobody waits");
        assert!(!telling.is_of(Some(1)) && !telling.is_of(None));
        telling.wait_for(2);
        telling.wait_for(2);
        telling.begin(Some(1));
        assert!(!telling.end());
        telling.begin(None);
        assert!(!telling.is_of(None) && !telling.end());
        telling.begin(Some(2));
        assert!(telling.end());
        assert!(!telling.end(), "once");
    }

    #[test]
    fn several_are_woken_after_each() {
        let telling = Telling::default();
        telling.wait_for(0);
        telling.begin(Some(0));
        assert!(telling.is_of(Some(0)), "a token of zero is one");
        telling.wait_for(3);
        assert!(telling.end());
        telling.begin(Some(7));
        assert!(telling.end());
        telling.nobody_waits();
        telling.begin(Some(3));
        assert!(!telling.end());
    }
}
