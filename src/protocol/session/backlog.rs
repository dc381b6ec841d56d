//! The publishes that wait, and how much memory they take.

use std::collections::VecDeque;

use super::Queued;

/// Publishes in the order in which they go out.
#[derive(Debug)]
pub(super) struct Backlog<O> {
    entries: VecDeque<(Queued<O>, usize)>,
    bytes: usize,
}

impl<O> Default for Backlog<O> {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
        }
    }
}

/// Returns what an entry holds, as it is when it joins. One that only the store has holds no packet.
fn size<O>(queued: &Queued<O>) -> usize {
    size_of::<(Queued<O>, usize)>() + queued.packet.len()
}

impl<O> Backlog<O> {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns how many bytes all entries hold.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn iter(&self) -> impl Iterator<Item = &Queued<O>> {
        self.entries.iter().map(|(queued, _)| queued)
    }

    /// Returns the first entry, to change it. It goes on counting as it did when it joined.
    pub fn front_mut(&mut self) -> Option<&mut Queued<O>> {
        self.entries.front_mut().map(|(queued, _)| queued)
    }

    pub fn push_back(&mut self, queued: Queued<O>) {
        let size = size(&queued);
        self.bytes += size;
        self.entries.push_back((queued, size));
    }

    pub fn push_front(&mut self, queued: Queued<O>) {
        let size = size(&queued);
        self.bytes += size;
        self.entries.push_front((queued, size));
    }

    pub fn pop_front(&mut self) -> Option<Queued<O>> {
        let (queued, size) = self.entries.pop_front()?;
        self.bytes -= size;
        Some(queued)
    }

    pub fn remove(&mut self, at: usize) -> Option<Queued<O>> {
        let (queued, size) = self.entries.remove(at)?;
        self.bytes -= size;
        Some(queued)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(len: usize) -> Queued<()> {
        Queued {
            token: 1,
            id: 0,
            packet: vec![0; len],
            expires: None,
            record: None,
            op: (),
        }
    }

    #[test]
    fn bytes_are_those_of_the_entries() {
        let mut backlog = Backlog::default();
        backlog.push_back(entry(100));
        backlog.push_back(entry(10));
        let each = size(&entry(0));
        assert_eq!(backlog.bytes(), 2 * each + 110);
        // What is read from the store meanwhile is taken out as it was put in.
        if let Some(first) = backlog.front_mut() {
            first.packet = vec![0; 5000];
        }
        assert!(backlog.pop_front().is_some());
        assert_eq!(backlog.bytes(), each + 10);
        backlog.push_front(entry(7));
        assert!(backlog.remove(1).is_some() && backlog.remove(1).is_none());
        assert_eq!(backlog.bytes(), each + 7);
        assert!(backlog.pop_front().is_some());
        assert_eq!((backlog.bytes(), backlog.len()), (0, 0));
    }
}
