//! The writing role of a connection: who writes, and who continues when the socket has room again.

/// Where the writing of a connection stands. `B` are the bytes on their way.
#[derive(Debug)]
enum State<B> {
    /// Nobody writes. The batch is empty and lends its memory to the next one.
    Idle(B),
    /// A thread writes; `room`: the socket may have got room meanwhile.
    Writing { room: bool },
    /// The socket took no more. The next event tells when it does.
    Blocked(B),
    /// Bytes are left, the socket may take them, and nobody writes.
    Due(B),
}

/// What a thread came to when it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrote {
    /// All was written.
    All,
    /// The socket took no more.
    Full,
    /// The thread's turn was over before that.
    Some,
}

/// The writing side of a connection.
#[derive(Debug)]
pub struct Writer<B> {
    state: State<B>,
}

impl<B> Writer<B> {
    /// Makes the writer of a connection to which nothing has been written; `empty` lends its memory.
    pub fn new(empty: B) -> Self {
        Self {
            state: State::Idle(empty),
        }
    }

    /// Notes that the socket may have room.
    pub fn may_have_room(&mut self) {
        self.change(|state| match state {
            State::Blocked(batch) => State::Due(batch),
            State::Writing { .. } => State::Writing { room: true },
            state => state,
        });
    }

    /// Takes the role. Returns the batch that is to be written next; none where there is nothing to do for this thread.
    /// `waiting`: new bytes wait to be written, which belong into the batch if it is empty.
    #[must_use = "whoever takes the role writes, and ends it"]
    pub fn begin(&mut self, waiting: bool) -> Option<B> {
        match std::mem::replace(&mut self.state, State::Writing { room: false }) {
            State::Due(batch) => Some(batch),
            State::Idle(batch) if waiting => Some(batch),
            state => {
                self.state = state;
                None
            }
        }
    }

    /// Gives the role back, with what is left.
    pub fn end(&mut self, wrote: Wrote, batch: B) {
        let room = matches!(self.state, State::Writing { room: true });
        self.state = match wrote {
            Wrote::All => State::Idle(batch),
            Wrote::Full if !room => State::Blocked(batch),
            Wrote::Full | Wrote::Some => State::Due(batch),
        };
    }

    /// Returns true if bytes are left and the socket may take them: somebody has to write.
    pub fn is_due(&self) -> bool {
        matches!(self.state, State::Due(_))
    }

    /// Returns true if a thread writes.
    pub fn is_writing(&self) -> bool {
        matches!(self.state, State::Writing { .. })
    }

    /// Returns true if all that was handed over has been written.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle(_))
    }

    /// Returns true if the socket has not taken all that was handed over.
    pub fn is_blocked(&self) -> bool {
        matches!(self.state, State::Blocked(_) | State::Due(_))
    }

    /// Ends the writing. Returns the batch, empty or half written; none where a thread has it.
    #[must_use]
    pub fn into_batch(self) -> Option<B> {
        match self.state {
            State::Idle(batch) | State::Blocked(batch) | State::Due(batch) => Some(batch),
            State::Writing { .. } => None,
        }
    }

    fn change(&mut self, change: impl FnOnce(State<B>) -> State<B>) {
        let state = std::mem::replace(&mut self.state, State::Writing { room: false });
        self.state = change(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writing() -> Writer<u8> {
        let mut writer = Writer::new(0);
        assert_eq!(writer.begin(true), Some(0));
        writer
    }

    #[test]
    fn there_is_nothing_to_do_without_bytes() {
        let mut writer = Writer::new(0);
        assert_eq!(writer.begin(false), None);
        assert!(writer.is_idle());
        assert_eq!(writer.begin(true), Some(0));
        assert!(writer.is_writing());
    }

    #[test]
    fn one_thread_has_the_role() {
        let mut writer = writing();
        assert_eq!(writer.begin(true), None);
        writer.end(Wrote::All, 1);
        assert!(writer.is_idle() && !writer.is_blocked());
        assert_eq!(writer.begin(true), Some(1));
    }

    #[test]
    fn a_full_socket_blocks_until_it_has_room() {
        let mut writer = writing();
        writer.end(Wrote::Full, 7);
        assert!(writer.is_blocked() && !writer.is_due());
        assert_eq!(writer.begin(true), None);
        writer.may_have_room();
        assert!(writer.is_due());
        assert_eq!(writer.begin(false), Some(7));
    }

    #[test]
    fn room_that_comes_while_a_thread_writes_is_not_lost() {
        let mut writer = writing();
        writer.may_have_room();
        writer.end(Wrote::Full, 7);
        assert!(writer.is_due(), "no other event will tell");
        assert_eq!(writer.begin(false), Some(7));
        writer.end(Wrote::Full, 7);
        assert!(!writer.is_due(), "that room has been used");
    }

    #[test]
    fn a_turn_that_is_over_leaves_the_rest_due() {
        let mut writer = writing();
        writer.end(Wrote::Some, 7);
        assert!(writer.is_due() && writer.is_blocked());
    }

    #[test]
    fn room_changes_nothing_for_one_that_is_idle() {
        let mut writer = Writer::new(0);
        writer.may_have_room();
        assert!(writer.is_idle());
        assert_eq!(writer.into_batch(), Some(0));
    }

    #[test]
    fn a_batch_that_a_thread_has_stays_with_it() {
        assert_eq!(writing().into_batch(), None);
        let mut writer = writing();
        writer.end(Wrote::Full, 3);
        assert_eq!(writer.into_batch(), Some(3));
    }
}
