//! Which parts of a connection's work the program's own thread does, and what it was told to wait for. No I/O, clock or lock.

use std::time::Instant;

/// Parts of the work for a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Reading the socket.
    pub read: bool,
    /// Writing what waits.
    pub write: bool,
    /// Doing what has become due.
    pub tick: bool,
    /// As an answer: there is more to read now, whatever the socket says.
    pub more: bool,
    /// As an order: whoever polls for the program tells again of what is left, so a read that empties the socket is enough.
    pub level: bool,
}

impl Work {
    /// Nothing.
    pub const NONE: Self = Self {
        read: false,
        write: false,
        tick: false,
        more: false,
        level: false,
    };
    /// All of it.
    pub const ALL: Self = Self {
        read: true,
        write: true,
        tick: true,
        more: false,
        level: false,
    };

    /// Returns true if it is none of it.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// Returns what both name.
    pub(super) fn both(self, other: Self) -> Self {
        Self {
            read: self.read && other.read,
            write: self.write && other.write,
            tick: self.tick && other.tick,
            more: self.more && other.more,
            level: false,
        }
    }

    pub(super) fn has_what_was_not_in(self, other: Self) -> bool {
        self.read && !other.read
            || self.write && !other.write
            || self.tick && !other.tick
            || self.more && !other.more
    }
}

/// Who does what.
#[derive(Debug, Default)]
pub(super) struct Driving {
    /// What the program's thread does.
    pub(super) by_program: Work,
    /// The program carries the bytes of the connection itself: nobody else can read and write them.
    pub carried: bool,
    /// What it was told to wait for, and the deadline it was told of.
    pub(super) told: Work,
    pub(super) told_deadline: Option<Instant>,
}

impl Driving {
    /// Returns true if the program's thread reads.
    pub fn reads(&self) -> bool {
        self.by_program.read || self.carried
    }

    /// Returns true if the program's thread writes.
    pub fn writes(&self) -> bool {
        self.by_program.write || self.carried
    }

    /// Returns true if the program's thread keeps the time.
    pub fn ticks(&self) -> bool {
        self.by_program.tick
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(bits: u8) -> Work {
        Work {
            read: bits & 1 != 0,
            write: bits & 2 != 0,
            tick: bits & 4 != 0,
            more: bits & 8 != 0,
            level: false,
        }
    }

    #[test]
    fn each_part_of_the_work_counts_by_itself() {
        for (a, b) in (0..16).flat_map(|a| (0..16).map(move |b| (a, b))) {
            assert_eq!(work(a).both(work(b)), work(a & b));
            let new = work(a).has_what_was_not_in(work(b));
            assert_eq!(new, a & !b != 0, "{a:b} {b:b}");
        }
        // An order is no part of what is told.
        let level = Work {
            level: true,
            ..Work::ALL
        };
        assert_eq!(level.both(level), Work::ALL);
        assert!(!level.has_what_was_not_in(Work::ALL));
    }
}
