//! What a client has done so far, counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a publish that was refused has to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// The socket has to take bytes.
    Bytes,
    /// Fewer publishes than this have to wait.
    Queue(usize),
    /// The program has to take events.
    Events,
    /// It must not have to wait at all.
    Quota,
}

/// What publishes that were refused wait for. Threads may have been refused for different reasons, and each is to hear.
#[derive(Debug, Default)]
pub(super) struct Refused {
    bytes: bool,
    /// The highest of the limits that they came up against.
    queue: Option<usize>,
    events: bool,
    quota: bool,
}

impl Refused {
    /// Notes that a publish was refused.
    pub fn note(&mut self, room: Room) {
        match room {
            Room::Bytes => self.bytes = true,
            Room::Queue(max) => self.queue = self.queue.max(Some(max)),
            Room::Events => self.events = true,
            Room::Quota => self.quota = true,
        }
    }

    /// Returns true if none was.
    pub fn is_none(&self) -> bool {
        !(self.bytes || self.queue.is_some() || self.events || self.quota)
    }

    /// Takes out what there is room for. Returns true if there is something.
    pub fn take(&mut self, is_there: impl Fn(Room) -> bool) -> bool {
        let take = |flag: &mut bool, room| *flag && is_there(room) && std::mem::take(flag);
        let bytes = take(&mut self.bytes, Room::Bytes);
        let events = take(&mut self.events, Room::Events);
        let quota = take(&mut self.quota, Room::Quota);
        let queue = self.queue.take_if(|max| is_there(Room::Queue(*max)));
        bytes || events || quota || queue.is_some()
    }
}

/// Numbers for a program that asks for them.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Operations accepted: the number of the last.
    pub(super) operations: u64,
    /// Publishes were refused until there is such room.
    pub(super) refused: Refused,
    pub(super) connections: u32,
    pub(super) bytes_in: u64,
    /// Those of earlier connections.
    pub(super) bytes_out: u64,
}

impl Tally {
    /// Notes that bytes were read.
    pub fn read(&mut self, bytes: usize) {
        self.bytes_in += bytes as u64;
    }

    /// Notes so many bytes that were written to a connection that has ended.
    pub fn wrote(&mut self, bytes: u64) {
        self.bytes_out += bytes;
    }

    /// Notes that a connection was established.
    pub fn connected(&mut self) {
        self.connections = self.connections.wrapping_add(1);
    }
}

/// What attempts to connect have written and read by themselves: CONNECT, and its answer. Counted as it happens, and without the
/// client's mutex: an attempt that is given up has no end of its own at which it could count.
#[derive(Debug, Default)]
pub(super) struct Exchanged {
    written: AtomicU64,
    read: AtomicU64,
}

impl Exchanged {
    /// Notes that bytes were written.
    pub fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Notes that bytes were read.
    pub fn has_read(&self, bytes: usize) {
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Returns how many were written.
    pub fn bytes_out(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Returns how many were read.
    pub fn bytes_in(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

/// What has happened so far, and what is going on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections established.
    pub connections: u32,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Messages received.
    pub messages_in: u64,
    /// Messages handed to the outbound stream.
    pub messages_out: u64,
    /// Publishes that wait for a connection or for quota.
    pub queued: u64,
    /// Operations in flight.
    pub in_flight: u64,
    /// Bytes that wait to be written.
    pub unwritten_bytes: u64,
    /// Messages that the program has not taken.
    pub unread_messages: u64,
    /// Their bytes.
    pub unread_bytes: u64,
    /// Messages that the program has not acknowledged.
    pub unacknowledged: u64,
    /// How long the answer to the last PINGREQ took.
    pub ping_round_trip: Option<Duration>,
}
