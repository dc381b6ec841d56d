//! `QoS` 2 messages of the server's whose handshake has not finished.

use bytes::Bytes;

use crate::protocol::inflight::Inflight;

/// Messages that wait for their PUBREL hold no more bytes than this; with more, they are handed over before it comes. Below
/// MQTT 5 there is no Receive Maximum: a server that never sends PUBREL could fill the memory with 65,535 messages of any
/// size. The socket cannot be left unread instead, for the PUBRELs come by it.
pub const MAX_HELD: usize = 1 << 20;

/// While more bytes than this are kept of messages that the program has and has not acknowledged, the socket is not read.
/// Below MQTT 5 there is no Receive Maximum that would hold the server back.
pub const MAX_UNACKNOWLEDGED: usize = 16 << 20;

/// What a message waits for.
#[derive(Debug)]
pub(super) enum State<M> {
    /// Its PUBREL, at which the program gets it.
    Held { order: u64, size: usize, message: M },
    /// Its PUBREL; the program has it.
    HandedOver,
    /// The program's acknowledgement, then PUBREC goes out. The packet, for the record that PUBREC relies on.
    Unacknowledged(Bytes),
    /// Its PUBREL, at which the program gets it, and acknowledges it then. The packet, for it is handed over again where the
    /// connection ends before that.
    Kept(Bytes),
    /// The program's acknowledgement, then PUBCOMP goes out.
    Released(Bytes),
    /// Its PUBREL, at which its record is read from the store, where an earlier process left it: the message, or that the
    /// program has had it.
    Stored,
    /// Its record to become readable, which it was not when PUBREL came. PUBCOMP waits.
    Unread,
    /// As [`Released`](Self::Released), and the store has the message.
    Lent,
}

/// A message, and on which connection its PUBLISH came.
#[derive(Debug)]
struct Entry<M> {
    connection: u64,
    state: State<M>,
}

/// The messages by packet identifier.
#[derive(Debug)]
pub(super) struct Received<M> {
    /// None before the first.
    table: Option<Box<Inflight<Entry<M>>>>,
    connection: u64,
    /// Entries of this connection: those that count against our Receive Maximum. The server's count begins anew with each
    /// connection, and a PUBREL alone does not count (section 4.9 of MQTT 5).
    of_this_connection: usize,
    /// Bytes of the messages that wait for their PUBREL.
    held: usize,
    /// Bytes of those that wait for the program's acknowledgement.
    unacknowledged: usize,
}

impl<M> Default for Received<M> {
    fn default() -> Self {
        Self {
            table: None,
            connection: 0,
            of_this_connection: 0,
            held: 0,
            unacknowledged: 0,
        }
    }
}

impl<M> State<M> {
    /// Returns how many bytes wait for PUBREL.
    fn held(&self) -> usize {
        match self {
            State::Held { size, .. } => *size,
            State::Kept(packet) => packet.len(),
            _ => 0,
        }
    }

    /// Returns how many bytes wait for the program's acknowledgement.
    fn unacknowledged(&self) -> usize {
        match self {
            State::Released(packet) | State::Unacknowledged(packet) => packet.len(),
            _ => 0,
        }
    }
}

impl<M> Received<M> {
    /// Begins a connection.
    pub fn begin(&mut self) {
        self.connection += 1;
        self.of_this_connection = 0;
    }

    /// Ends the connection. What was not acknowledged comes again: a message whose PUBREC had not been sent by its PUBLISH,
    /// one whose PUBCOMP had not by its PUBREL.
    pub fn connection_lost(&mut self) {
        let waits = |(id, entry): (u16, &Entry<M>)| match entry.state {
            State::Unacknowledged(_) | State::Released(_) | State::Unread | State::Lent => Some(id),
            State::Held { .. } | State::HandedOver | State::Kept(_) | State::Stored => None,
        };
        let waiting: Vec<u16> = self.entries().filter_map(waits).collect();
        for id in waiting {
            match self.remove(id) {
                Some(State::Released(packet)) => self.insert(id, State::Kept(packet)),
                Some(State::Unread | State::Lent) => self.insert(id, State::Stored),
                _ => {}
            }
        }
    }

    /// Returns the packet identifiers of so many messages whose records could not be read when their PUBRELs came.
    pub fn unread(&self, count: usize) -> Vec<u16> {
        self.entries()
            .filter(|(_, entry)| matches!(entry.state, State::Unread))
            .map(|(id, _)| id)
            .take(count)
            .collect()
    }

    fn entries(&self) -> impl Iterator<Item = (u16, &Entry<M>)> {
        self.table.iter().flat_map(|table| table.iter())
    }

    /// Returns true if the message of that packet identifier is known.
    pub fn contains(&self, id: u16) -> bool {
        self.state(id).is_some()
    }

    /// Returns how many messages count against our Receive Maximum.
    pub fn of_this_connection(&self) -> usize {
        self.of_this_connection
    }

    /// Returns true if so many bytes more would exceed [`MAX_HELD`]. A single message is kept whatever its size.
    pub fn is_full(&self, size: usize) -> bool {
        self.held > 0 && self.held.saturating_add(size) > MAX_HELD
    }

    /// Takes out what there is of a message, and leaves its entry as one that is handed over: it stays in the connection on which
    /// its PUBLISH came. The caller puts it back by [`set`](Self::set), or ends it by [`remove`](Self::remove).
    pub fn take(&mut self, id: u16) -> Option<State<M>> {
        let entry = self.table.as_mut()?.get_mut(id)?;
        let state = std::mem::replace(&mut entry.state, State::HandedOver);
        self.discount(&state);
        Some(state)
    }

    /// Returns true if the program has so many unacknowledged bytes that it is given no more.
    pub fn waits_for_program(&self) -> bool {
        self.unacknowledged > MAX_UNACKNOWLEDGED
    }

    fn count(&mut self, state: &State<M>) {
        self.held += state.held();
        self.unacknowledged += state.unacknowledged();
    }

    fn discount(&mut self, state: &State<M>) {
        self.held -= state.held();
        self.unacknowledged -= state.unacknowledged();
    }

    /// Adds a message.
    pub fn insert(&mut self, id: u16, state: State<M>) {
        self.count(&state);
        self.of_this_connection += 1;
        self.table.get_or_insert_default().insert(
            id,
            Entry {
                connection: self.connection,
                state,
            },
        );
    }

    /// Changes what a message waits for.
    pub fn set(&mut self, id: u16, state: State<M>) {
        if let Some(entry) = self.table.as_mut().and_then(|table| table.get_mut(id)) {
            let old = std::mem::replace(&mut entry.state, state);
            let new = (entry.state.held(), entry.state.unacknowledged());
            self.discount(&old);
            self.held += new.0;
            self.unacknowledged += new.1;
        }
    }

    /// Takes a message out.
    pub fn remove(&mut self, id: u16) -> Option<State<M>> {
        let entry = self.table.as_mut()?.remove(id)?;
        self.discount(&entry.state);
        if entry.connection == self.connection {
            self.of_this_connection -= 1;
        }
        Some(entry.state)
    }

    /// Changes the packets of messages that are kept between two connections. One of which nothing can be made stays as it is:
    /// it is refused when its PUBREL comes.
    pub fn change_kept(&mut self, change: impl Fn(&[u8]) -> Option<Bytes>) {
        let ids: Vec<u16> = self.entries().map(|(id, _)| id).collect();
        for id in ids {
            if let Some(State::Kept(packet)) = self.state(id) {
                if let Some(packet) = change(packet) {
                    self.set(id, State::Kept(packet));
                }
            }
        }
    }

    /// Returns what the message waits for.
    pub fn state(&self, id: u16) -> Option<&State<M>> {
        self.table.as_ref()?.get(id).map(|entry| &entry.state)
    }

    /// Returns the packet of a message that the program has and has not acknowledged.
    pub fn unacknowledged(&self, id: u16) -> Option<&Bytes> {
        match self.state(id) {
            Some(State::Unacknowledged(packet)) => Some(packet),
            _ => None,
        }
    }

    /// Returns the packet identifiers of the messages that are held, in the order in which they came.
    pub fn held_in_order(&self) -> Vec<u16> {
        let mut held: Vec<(u64, u16)> = self
            .entries()
            .filter_map(|(id, entry)| match entry.state {
                State::Held { order, .. } => Some((order, id)),
                _ => None,
            })
            .collect();
        held.sort_unstable();
        held.into_iter().map(|(_, id)| id).collect()
    }

    /// Takes all messages out, and returns their packet identifiers.
    pub fn drain(&mut self) -> impl Iterator<Item = u16> + use<M> {
        self.held = 0;
        self.unacknowledged = 0;
        self.of_this_connection = 0;
        let table = self.table.take().unwrap_or_default();
        let mut table = *table;
        table.drain().map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(size: usize) -> Bytes {
        Bytes::from(vec![0; size])
    }

    fn held(size: usize) -> State<()> {
        State::Held {
            order: 0,
            size,
            message: (),
        }
    }

    /// Each state, with a size of its own.
    fn states() -> [State<()>; 8] {
        [
            held(1),
            State::HandedOver,
            State::Unacknowledged(bytes(2)),
            State::Kept(bytes(4)),
            State::Released(bytes(8)),
            State::Stored,
            State::Unread,
            State::Lent,
        ]
    }

    fn state(of: usize) -> State<()> {
        let mut states = states();
        std::mem::replace(&mut states[of], State::Stored)
    }

    /// Checks that the accounts are the sums of what is there.
    fn check(received: &Received<()>) {
        let sum = |size: fn(&State<()>) -> usize| {
            let sizes = received.entries().map(|(_, entry)| size(&entry.state));
            sizes.sum::<usize>()
        };
        assert_eq!(received.held, sum(State::held));
        assert_eq!(received.unacknowledged, sum(State::unacknowledged));
        let of_this = |(_, entry): &(u16, &Entry<()>)| entry.connection == received.connection;
        let count = received.entries().filter(of_this).count();
        assert_eq!(received.of_this_connection(), count);
    }

    #[test]
    fn the_accounts_are_the_sums_of_what_is_there() {
        for (from, to) in (0..8).flat_map(|from| (0..8).map(move |to| (from, to))) {
            let mut received = Received::default();
            received.insert(1, state(from));
            check(&received);
            received.begin();
            check(&received);
            received.insert(2, state(from));
            received.insert(3, State::Kept(bytes(16)));
            check(&received);
            for id in [1, 2] {
                received.set(id, state(to));
                check(&received);
            }
            assert!(received.take(7).is_none());
            for id in [1, 2] {
                let taken = received.take(id).expect("it is there");
                check(&received);
                assert!(matches!(received.state(id), Some(State::HandedOver)));
                received.set(id, taken);
                check(&received);
            }
            received.connection_lost();
            check(&received);
            received.begin();
            received.remove(1);
            check(&received);
            received.insert(1, state(to));
            received.remove(2);
            check(&received);
            received.remove(1);
            check(&received);
            assert_eq!((received.held, received.unacknowledged), (16, 0));
            assert_eq!(received.drain().collect::<Vec<_>>(), [3]);
            check(&received);
        }
    }

    #[test]
    fn the_limits_are_what_they_say() {
        let mut received = Received::default();
        assert!(
            !received.is_full(2 * MAX_HELD),
            "one is kept whatever its size"
        );
        received.insert(1, held(MAX_HELD - 10));
        assert!(!received.is_full(10) && received.is_full(11));
        assert!(received.is_full(usize::MAX));
        received.insert(2, State::Unacknowledged(bytes(MAX_UNACKNOWLEDGED)));
        assert!(!received.waits_for_program());
        received.insert(3, State::Released(bytes(1)));
        assert!(received.waits_for_program());
        received.remove(3);
        assert!(!received.waits_for_program());
    }
}
