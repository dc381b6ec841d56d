//! The numbers by which a program knows its publishes, subscribes and unsubscribes.

/// The largest number where the program compares numbers with those of the original.
const MAX: u32 = 65_535;
/// Words of a set of numbers.
const WORDS: usize = (MAX as usize + 1) / 64;

/// Counts, and knows which publishes of `QoS` 1 and 2 have not ended.
#[derive(Debug, Default)]
pub struct Numbers {
    last: u32,
    /// Numbers go on above 65,535, and none is in use twice.
    wide: bool,
    /// A bit a number, as soon as there is a publish; not where they are wide.
    used: Vec<u64>,
    outstanding: usize,
}

impl Numbers {
    /// Has numbers go on above 65,535: for a client that keeps a record for each of them.
    pub fn widen(&mut self) {
        self.wide = true;
    }

    /// Returns the next number.
    pub fn next(&mut self) -> u32 {
        let most = if self.wide { u32::MAX } else { MAX };
        self.last = if self.last >= most { 1 } else { self.last + 1 };
        self.last
    }

    /// Returns true if a publish of that number has not ended.
    pub fn is_used(&self, number: u32) -> bool {
        let word = self.used.get(number as usize / 64);
        word.is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// A publish of `QoS` 1 or 2 begins.
    pub fn begin(&mut self, number: u32) {
        self.outstanding += 1;
        if self.wide {
            return;
        }
        if self.used.is_empty() {
            self.used = vec![0; WORDS];
        }
        if let Some(word) = self.used.get_mut(number as usize / 64) {
            *word |= 1 << (number % 64);
        }
    }

    /// A publish of `QoS` 1 or 2 has ended.
    pub fn end(&mut self, number: u32) {
        self.outstanding = self.outstanding.saturating_sub(1);
        if let Some(word) = self.used.get_mut(number as usize / 64) {
            *word &= !(1 << (number % 64));
        }
    }

    /// Returns how many publishes of `QoS` 1 and 2 have not ended.
    pub fn outstanding(&self) -> usize {
        self.outstanding
    }
}
