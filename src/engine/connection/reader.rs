//! The reading role of a connection: who reads, and who continues when there is more.
//!
//! One thread at a time reads. The reactor watches sockets edge-triggered, so an event that nobody heeds is lost; whatever
//! may be there and was not read is therefore kept as a state, [`Due`](State::Due), which the engine's `settle` finds.
//! A connection begins in it, and so does one that is newly watched.

/// Where the reading of a connection stands.
#[derive(Debug, PartialEq, Eq)]
enum State {
    /// There is nothing to read. The next event tells.
    Resting,
    /// There may be something to read, and nobody reads.
    Due,
    /// A thread reads; `again`: something may have come meanwhile.
    Reading { again: bool },
}

/// What a thread found when it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It read some, and all there was.
    All,
    /// It read some, and there may be more.
    Some,
    /// There was nothing.
    Nothing,
}

/// The reading side of a connection.
#[derive(Debug)]
pub struct Reader {
    state: State,
    /// The peer has ended its side. No further event will come, so it is read until the end is found.
    ended: bool,
    /// Bytes that were read and not used: the beginning of a packet.
    partial: Vec<u8>,
}

impl Reader {
    /// Makes the reader of a fresh connection. There may be data: nobody has looked.
    pub fn new() -> Self {
        Self {
            state: State::Due,
            ended: false,
            partial: Vec::new(),
        }
    }

    /// Notes that there may be data: an event says so, or the reactor begins to watch the socket.
    pub fn may_have_data(&mut self) {
        match &mut self.state {
            State::Reading { again } => *again = true,
            state => *state = State::Due,
        }
    }

    /// Notes that the peer has ended its side.
    pub fn peer_ended(&mut self) {
        self.ended = true;
        self.may_have_data();
    }

    /// Returns true if there may be data and nobody reads: somebody has to.
    pub fn is_due(&self) -> bool {
        self.state == State::Due
    }

    /// Returns true if a thread reads.
    pub fn is_reading(&self) -> bool {
        matches!(self.state, State::Reading { .. })
    }

    /// Takes over bytes that were read before and not used, of a connection that nobody has read.
    pub fn unread(&mut self, partial: Vec<u8>) {
        debug_assert!(!self.is_reading());
        self.partial = partial;
    }

    /// Takes the role. Returns the beginning of the packet that is read; none if another thread has the role.
    #[must_use = "whoever takes the role reads, and ends it"]
    pub fn begin(&mut self) -> Option<Vec<u8>> {
        if self.is_reading() {
            return None;
        }
        self.state = State::Reading { again: false };
        Some(std::mem::take(&mut self.partial))
    }

    /// Gives the role back, with the bytes that were not used. Returns true if there may be more to read.
    #[must_use = "somebody has to read what there may be"]
    pub fn end(&mut self, found: Found, partial: Vec<u8>) -> bool {
        let again = matches!(self.state, State::Reading { again: true });
        self.partial = partial;
        let due = match found {
            Found::Some => true,
            Found::All => again || self.ended,
            Found::Nothing => again,
        };
        self.state = if due { State::Due } else { State::Resting };
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> Reader {
        let mut reader = Reader::new();
        assert!(reader.begin().is_some());
        reader
    }

    #[test]
    fn a_fresh_connection_may_have_data() {
        let mut reader = Reader::new();
        reader.unread(b"ab".to_vec());
        assert!(reader.is_due() && !reader.is_reading());
        assert_eq!(reader.begin().as_deref(), Some(&b"ab"[..]));
        assert!(!reader.is_due() && reader.is_reading());
    }

    #[test]
    fn one_thread_has_the_role() {
        let mut reader = reading();
        assert!(reader.begin().is_none());
        assert!(!reader.end(Found::All, Vec::new()));
        assert!(reader.begin().is_some());
    }

    #[test]
    fn what_comes_while_a_thread_reads_is_due_afterwards_whatever_it_found() {
        for found in [Found::All, Found::Some, Found::Nothing] {
            let mut reader = reading();
            reader.may_have_data();
            assert!(!reader.is_due(), "that thread has the role");
            assert!(reader.end(found, Vec::new()), "{found:?}");
            assert!(reader.is_due());
        }
    }

    #[test]
    fn more_is_due_and_nothing_is_not() {
        for (found, due) in [
            (Found::All, false),
            (Found::Some, true),
            (Found::Nothing, false),
        ] {
            let mut reader = reading();
            assert_eq!(reader.end(found, b"x".to_vec()), due, "{found:?}");
            assert_eq!(reader.is_due(), due);
            assert_eq!(reader.begin().as_deref(), Some(&b"x"[..]));
        }
    }

    #[test]
    fn after_the_peers_end_it_is_read_until_nothing_is_left() {
        let mut reader = reading();
        reader.peer_ended();
        assert!(reader.end(Found::All, Vec::new()));
        assert!(reader.begin().is_some());
        assert!(reader.end(Found::All, Vec::new()), "no event will tell");
        assert!(reader.begin().is_some());
        assert!(!reader.end(Found::Nothing, Vec::new()));
    }

    #[test]
    fn an_event_makes_a_resting_reader_due() {
        let mut reader = reading();
        assert!(!reader.end(Found::All, Vec::new()));
        reader.may_have_data();
        assert!(reader.is_due());
        reader.may_have_data();
        assert!(reader.is_due());
    }

    #[test]
    fn the_end_of_the_peers_side_makes_it_due() {
        let mut resting = reading();
        assert!(!resting.end(Found::Nothing, Vec::new()));
        resting.peer_ended();
        assert!(resting.is_due());
    }
}
