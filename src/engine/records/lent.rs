//! Messages of the program's queue that have no record of their own: below MQTT 5, those handed over before their PUBREL.
//!
//! The record of a message's receipt stands for it until the program has taken it. So there is nothing to be kept in step: for
//! as long as that record is the PUBLISH, the program has not had the message, and the next process hands it over at its
//! PUBREL. The original, going on with the store, does the same.

use std::collections::BTreeMap;

/// Which record stands for which message, by packet identifier and by the number of the `q-` record that the message is to get
/// if its PUBREL comes before the program takes it.
#[derive(Debug, Default)]
pub struct Lent {
    numbers: BTreeMap<u16, u32>,
    ids: BTreeMap<u32, u16>,
}

impl Lent {
    /// Has the record of that packet identifier stand for the message of that number.
    pub fn lend(&mut self, id: u16, number: u32) {
        self.end(id);
        self.numbers.insert(id, number);
        self.ids.insert(number, id);
    }

    /// Returns the number of the message that the record of that packet identifier stands for.
    pub fn number(&self, id: u16) -> Option<u32> {
        self.numbers.get(&id).copied()
    }

    /// Notes that the record of that packet identifier stands for nothing any more.
    pub fn end(&mut self, id: u16) {
        if let Some(number) = self.numbers.remove(&id) {
            self.ids.remove(&number);
        }
    }

    /// Notes that the program has taken the message of that number. Returns the packet identifier whose record stood for it.
    pub fn taken(&mut self, number: u32) -> Option<u16> {
        let id = self.ids.remove(&number)?;
        self.numbers.remove(&id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_has_one_record_and_each_record_one_message() {
        let mut lent = Lent::default();
        lent.lend(7, 1);
        lent.lend(8, 2);
        assert_eq!((lent.number(7), lent.number(8)), (Some(1), Some(2)));
        // The program takes one, and the identifier is used again.
        assert_eq!(lent.taken(1), Some(7));
        assert_eq!((lent.taken(1), lent.number(7)), (None, None));
        lent.lend(7, 3);
        // The other's PUBREL comes first.
        lent.end(8);
        assert_eq!((lent.taken(2), lent.number(8)), (None, None));
        lent.lend(7, 4);
        assert_eq!((lent.taken(3), lent.taken(4)), (None, Some(7)));
        assert!(lent.numbers.is_empty() && lent.ids.is_empty());
    }
}
