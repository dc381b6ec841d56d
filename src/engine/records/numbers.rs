//! Numbers of a client's `c-` or `q-` records.

use crate::persistence::RecordKey;

/// Counts as the original does: up from the last number that the store knows, after 2^32 - 1 comes 0.
#[derive(Debug, Default)]
pub struct Numbers {
    last: u32,
    /// Numbers above the last may be in use: whoever takes one has to look.
    wrapped: bool,
}

/// Before this number nothing has wrapped round, nor will it in the life of a process.
const FAR: u32 = 1 << 31;

impl Numbers {
    /// Goes on from records that are in the store, in the order of their writing.
    pub fn found(&mut self, keys: &[RecordKey]) {
        self.last = keys.last().map_or(0, |key| key.number);
        self.wrapped = keys.iter().any(|key| key.number >= FAR);
    }

    /// Returns the next number that is not in use, which `used` tells; none if the next 2^16 all are.
    pub fn next(&mut self, mut used: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut number = self.last;
        for _ in 0..=u32::from(u16::MAX) {
            number = number.wrapping_add(1);
            self.wrapped |= number >= FAR;
            if !self.wrapped || !used(number) {
                return Some(number);
            }
        }
        None
    }

    /// Notes that the record of that number has been written.
    pub fn took(&mut self, number: u32) {
        self.last = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persistence::RecordKind;

    #[test]
    fn no_number_in_use_is_given_out_after_a_wrap() {
        let key = |number| RecordKey::new(RecordKind::Command, true, number);
        let mut numbers = Numbers::default();
        assert_eq!(numbers.next(|_| panic!("need not look")), Some(1));
        numbers.found(&[key(3), key(9)]);
        assert_eq!(numbers.next(|_| panic!("need not look")), Some(10));
        numbers.found(&[key(FAR)]);
        assert_eq!(numbers.next(|number| number == FAR + 1), Some(FAR + 2));
        numbers.found(&[key(u32::MAX - 1), key(u32::MAX)]);
        assert_eq!(numbers.next(|_| false), Some(0));
        numbers.took(0);
        assert_eq!(numbers.next(|number| number < 5), Some(5));
        assert_eq!(numbers.next(|_| true), None);
    }
}
