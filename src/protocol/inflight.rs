//! The table of operations that wait for an acknowledgement, by packet identifier.
//!
//! Packet identifiers are handed out in sequence, so those in flight lie close together: a ring whose size is a power of
//! two, indexed by the identifier's low bits, finds an entry without hashing and without an allocation a message. It
//! starts empty, so that an idle client costs nothing, and doubles when two identifiers in flight meet in one slot.

use std::collections::BTreeSet;

/// So many packet identifiers there are.
pub const IDS: u64 = 65_535;

/// Returns where the oldest of some numbers is that were given out one after the other: behind the widest gap, for after
/// `numbers` of them they begin anew. They are in order; 0 if there are none.
pub fn oldest<N: Copy + Into<u64>>(sorted: &[N], numbers: u64) -> usize {
    let number = |at: usize| -> u64 { sorted[at].into() };
    let gap = |&at: &usize| number(at) - number(at - 1);
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0;
    };
    let around = number(0) + numbers - number(last);
    let widest = (1..sorted.len()).max_by_key(gap);
    widest.filter(|at| gap(at) > around).unwrap_or(0)
}

/// Identifiers; boxed, since there hardly ever are some.
#[derive(Debug, Default)]
struct Blocked(Option<Box<Ids>>);

#[derive(Debug, Default)]
struct Ids {
    ids: BTreeSet<u16>,
}

impl Blocked {
    fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |blocked| blocked.ids.len())
    }

    fn contains(&self, id: u16) -> bool {
        let blocked = self.0.as_ref();
        blocked.is_some_and(|blocked| blocked.ids.contains(&id))
    }

    fn insert(&mut self, id: u16) {
        self.0.get_or_insert_default().ids.insert(id);
    }

    fn remove(&mut self, id: u16) {
        if let Some(blocked) = &mut self.0 {
            blocked.ids.remove(&id);
            if blocked.ids.is_empty() {
                self.0 = None;
            }
        }
    }
}

/// Entries by packet identifier, 1 to 65,535.
#[derive(Debug)]
pub struct Inflight<E> {
    slots: Vec<Option<(u16, E)>>,
    len: u32,
    last_id: u16,
    /// Identifiers that are not given out although no entry has them.
    blocked: Blocked,
}

impl<E> Default for Inflight<E> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            len: 0,
            last_id: 0,
            blocked: Blocked::default(),
        }
    }
}

impl<E> Inflight<E> {
    /// Smallest ring worth having.
    const MIN_SLOTS: usize = 8;
    /// With one slot for each identifier there are no two that meet.
    const MAX_SLOTS: usize = 1 << 16;

    fn index(&self, id: u16) -> usize {
        usize::from(id) & (self.slots.len() - 1)
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Returns true if nothing is in flight.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the next free packet identifier after the last one given out, or none when all 65,535 are in use
    /// (`[MQTT-2.3.1-2]`, `[MQTT-2.2.1-3]`).
    pub fn next_id(&mut self) -> Option<u16> {
        if self.len() + self.blocked.len() >= usize::from(u16::MAX) {
            return None;
        }
        let mut id = self.last_id;
        loop {
            id = id.checked_add(1).unwrap_or(1);
            if !self.contains(id) && !self.blocked.contains(id) {
                self.last_id = id;
                return Some(id);
            }
        }
    }

    /// Has identifiers go on behind the last of those in use: the one before the oldest.
    pub fn continue_ids(&mut self) {
        let mut ids: Vec<u16> = self.iter().map(|(id, _)| id).collect();
        ids.sort_unstable();
        let oldest = oldest(&ids, IDS);
        ids.rotate_left(oldest);
        if let Some(last) = ids.last() {
            self.last_id = *last;
        }
    }

    /// Has an identifier that no entry has never given out: the store holds something under it that must not be overwritten.
    pub fn block(&mut self, id: u16) {
        debug_assert!(id != 0 && !self.contains(id));
        self.blocked.insert(id);
    }

    /// Lets a blocked identifier be given out again.
    pub fn unblock(&mut self, id: u16) {
        self.blocked.remove(id);
    }

    /// Returns true if the identifier is in use.
    pub fn contains(&self, id: u16) -> bool {
        self.get(id).is_some()
    }

    /// Returns the entry of that identifier.
    pub fn get(&self, id: u16) -> Option<&E> {
        if self.slots.is_empty() {
            return None;
        }
        match &self.slots[self.index(id)] {
            Some((at, entry)) if *at == id => Some(entry),
            _ => None,
        }
    }

    /// Returns the entry of that identifier.
    pub fn get_mut(&mut self, id: u16) -> Option<&mut E> {
        if self.slots.is_empty() {
            return None;
        }
        let index = self.index(id);
        match &mut self.slots[index] {
            Some((at, entry)) if *at == id => Some(entry),
            _ => None,
        }
    }

    /// Adds an entry under an identifier that is not in use.
    pub fn insert(&mut self, id: u16, entry: E) {
        debug_assert!(id != 0 && !self.contains(id));
        if self.slots.is_empty() {
            self.slots.resize_with(Self::MIN_SLOTS, || None);
        }
        while self.slots[self.index(id)].is_some() {
            self.grow();
        }
        let index = self.index(id);
        self.slots[index] = Some((id, entry));
        self.len += 1;
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        assert!(size <= Self::MAX_SLOTS, "two entries of one identifier");
        let old = std::mem::take(&mut self.slots);
        self.slots.resize_with(size, || None);
        for slot in old.into_iter().flatten() {
            let index = self.index(slot.0);
            self.slots[index] = Some(slot);
        }
    }

    /// Takes the entry of that identifier out.
    pub fn remove(&mut self, id: u16) -> Option<E> {
        if self.slots.is_empty() {
            return None;
        }
        let index = self.index(id);
        match &self.slots[index] {
            Some((at, _)) if *at == id => {
                self.len -= 1;
                let entry = self.slots[index].take().map(|(_, entry)| entry);
                if self.len == 0 && self.slots.len() > 1024 {
                    self.slots = Vec::new();
                }
                entry
            }
            _ => None,
        }
    }

    /// Returns all entries with their identifiers, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &E)> {
        self.slots.iter().flatten().map(|(id, entry)| (*id, entry))
    }

    /// Takes all entries out, in no particular order; the sequence of identifiers goes on.
    pub fn drain(&mut self) -> impl Iterator<Item = (u16, E)> + use<E> {
        self.len = 0;
        std::mem::take(&mut self.slots).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_number_is_behind_the_widest_gap() {
        for (numbers, at) in [
            (&[][..], 0),
            (&[7], 0),
            (&[3, 5, 6], 0),
            (&[1, 2, 65_534, 65_535], 2),
            (&[1, 65_535], 1),
        ] {
            assert_eq!(oldest::<u16>(numbers, IDS), at, "{numbers:?}");
        }
    }

    #[test]
    fn ids_run_in_sequence_skip_those_in_use_and_never_are_zero() {
        let mut table = Inflight::default();
        assert_eq!(table.next_id(), Some(1));
        table.insert(1, "a");
        table.insert(2, "b");
        assert_eq!(table.next_id(), Some(3));
        table.last_id = u16::MAX;
        assert_eq!(table.next_id(), Some(3), "wraps past 0, 1 and 2");
    }

    #[test]
    fn blocked_identifiers_are_not_given_out() {
        let mut table = Inflight::default();
        for id in 2..=u16::MAX {
            table.block(id);
        }
        assert_eq!(table.next_id(), Some(1));
        assert_eq!(table.next_id(), Some(1));
        table.insert(1, ());
        assert_eq!(table.next_id(), None);
    }

    #[test]
    fn every_identifier_can_be_in_flight_and_then_there_is_none_left() {
        let mut table = Inflight::default();
        for _ in 0..u16::MAX {
            let id = table.next_id().expect("a free id");
            table.insert(id, id);
        }
        assert_eq!(table.next_id(), None);
        assert_eq!(table.remove(4711), Some(4711));
        assert_eq!(table.next_id(), Some(4711));
        assert_eq!(table.len(), usize::from(u16::MAX) - 1);
    }

    #[test]
    fn distant_identifiers_that_share_low_bits_coexist() {
        let mut table = Inflight::default();
        for id in [1_u16, 9, 17, 4097, 32769] {
            table.insert(id, id);
        }
        for id in [1_u16, 9, 17, 4097, 32769] {
            assert_eq!(table.get(id), Some(&id));
        }
        assert_eq!(table.get(5), None);
        assert_eq!(table.drain().count(), 5);
        assert!(table.is_empty());
    }
}
