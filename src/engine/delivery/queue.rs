//! What the program is to be told, in order, and how much of it there is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::engine::host::{Event, Host};
use crate::persistence::RecordKey;
use crate::protocol::session::{Completion, Token};

/// Messages in the queue from which on the socket is not read: a program that does not keep up slows its server down (TCP
/// back-pressure) rather than fill the memory.
pub const MAX_QUEUED_MESSAGES: usize = 1024;
/// The same in bytes.
pub const MAX_QUEUED_BYTES: usize = 1 << 20;

/// Events of any kind in the queue from which on the socket is not read. Each message that the server acknowledges makes one where
/// the program has a callback for it: one that does not return while another thread publishes must not fill the memory.
pub const MAX_QUEUED_EVENTS: usize = 65_536;

/// Bytes of events other than messages that a host keeps for a program which does not take them.
pub const MAX_UNTAKEN_BYTES: usize = 8 << 20;

/// Counts what a host keeps for its program beside messages: the ends of operations with what the server has to say of them.
#[derive(Debug, Default)]
pub struct Untaken(AtomicUsize);

impl Untaken {
    /// Notes an event of so many bytes that the program has to take.
    pub fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Notes that the program has taken it. Returns true if that was what the client had been held back for: it has to be told.
    #[must_use = "nobody else tells the client"]
    pub fn remove(&self, bytes: usize) -> bool {
        let before = self.0.fetch_sub(bytes, Ordering::AcqRel);
        before >= MAX_UNTAKEN_BYTES && before - bytes < MAX_UNTAKEN_BYTES
    }

    fn is_full(&self) -> bool {
        self.0.load(Ordering::Acquire) >= MAX_UNTAKEN_BYTES
    }
}

/// Who drives a connection: reads, keeps it alive, and runs or fetches what the program is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// The reactor's threads, which also run the callbacks.
    Reactor,
    /// The thread that waits inside an API call (`MQTTClient` without callbacks). Only messages are queued: for
    /// everything else there is no callback, or the caller runs it at the end of its call.
    Calls,
}

/// From how many messages on that the program has not taken the socket is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Messages.
    pub messages: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// The queue of one client.
pub struct Queue<H: Host> {
    driver: Driver,
    limits: Limits,
    events: VecDeque<Event<H>>,
    /// Messages in memory, and their bytes, until the program has taken them.
    messages: usize,
    bytes: usize,
    /// Messages that are in the store only, until the program has taken them.
    stored: usize,
    /// What the caller of the next API function hears at the end of its call.
    for_caller: VecDeque<Event<H>>,
    /// Messages that ever came.
    received: u64,
    /// What the host keeps beside messages, where it keeps any.
    untaken: Option<Arc<Untaken>>,
}

/// A message that is taken out of the queue.
pub enum Taken<H: Host> {
    /// With a store, the key of its record.
    Message(H::Message, Option<RecordKey>),
    /// It has to be read from the store.
    Stored(RecordKey),
}

/// How much the program has taken.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Messages that were in memory.
    pub messages: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Messages that were in the store.
    pub stored: usize,
}

impl<H: Host> Queue<H> {
    /// Makes an empty queue.
    pub fn new(driver: Driver) -> Self {
        Self {
            driver,
            limits: Limits {
                messages: MAX_QUEUED_MESSAGES,
                bytes: MAX_QUEUED_BYTES,
            },
            events: VecDeque::new(),
            messages: 0,
            bytes: 0,
            stored: 0,
            for_caller: VecDeque::new(),
            received: 0,
            untaken: None,
        }
    }

    /// Counts what the host keeps among the events that wait.
    pub fn hold_back_for(&mut self, untaken: Arc<Untaken>) {
        self.untaken = Some(untaken);
    }

    /// Returns who drives the connection.
    pub fn driver(&self) -> Driver {
        self.driver
    }

    /// Notes that the reactor drives from now on. Returns false if it did already.
    #[must_use = "the reactor has to watch the connection"]
    pub fn hand_to_reactor(&mut self) -> bool {
        std::mem::replace(&mut self.driver, Driver::Reactor) != Driver::Reactor
    }

    /// Sets the limits.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Returns how many messages ever came.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Returns the messages that the program has not taken, and their bytes.
    pub fn unread(&self) -> (usize, usize) {
        (self.messages + self.stored, self.bytes)
    }

    /// Adds an event.
    pub fn push(&mut self, event: Event<H>) {
        match &event {
            Event::Message(message, _) => {
                self.messages += 1;
                self.bytes += H::message_size(message);
                self.received += 1;
            }
            Event::StoredMessage(_) => self.stored += 1,
            Event::Completed(_) | Event::Acknowledged { .. } | Event::TlsError(..) => {
                if self.driver == Driver::Calls {
                    self.for_caller.push_back(event);
                    return;
                }
            }
            // There is no callback for these without `setCallbacks`.
            Event::ConnectEnded { .. }
            | Event::Connected { .. }
            | Event::ConnectionLost(_)
            | Event::Auth { .. }
            | Event::Room
            | Event::Wants
            | Event::Disconnected { .. }
            | Event::DisconnectEnded { .. } => {
                if self.driver == Driver::Calls {
                    return;
                }
            }
        }
        self.events.push_back(event);
    }

    /// Joins the end of an operation to that of the one before, if that is the last event and the host can tell of both at
    /// once. Returns false if it does not.
    pub fn joins(&mut self, done: &Completion<H::Op>) -> bool {
        match self.events.back_mut() {
            Some(Event::Completed(last)) => H::joins(last, done),
            _ => false,
        }
    }

    /// Adds a message that is in the store before all others.
    pub fn push_stored_front(&mut self, key: RecordKey) {
        self.stored += 1;
        self.events.push_front(Event::StoredMessage(key));
    }

    /// Adds an event that the caller of an API function hears at the end of its call, whoever drives.
    pub fn push_for_caller(&mut self, event: Event<H>) {
        self.for_caller.push_back(event);
    }

    /// Takes the first event for a caller.
    pub fn pop_for_caller(&mut self) -> Option<Event<H>> {
        let event = self.for_caller.pop_front();
        if event.is_none() {
            self.for_caller = VecDeque::new();
        }
        event
    }

    /// Returns true if callers are to hear something.
    pub fn has_for_caller(&self) -> bool {
        !self.for_caller.is_empty()
    }

    /// Returns true if an event tells of the end of the operation with that token, or of any.
    pub fn ends(&self, token: Option<Token>) -> bool {
        self.events.iter().rev().any(|event| event.ends(token))
    }

    /// Returns true if there is no event for the dispatcher.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Returns true if the first event is a message.
    pub fn begins_with_message(&self) -> bool {
        matches!(self.events.front(), Some(Event::Message(..)))
    }

    /// Returns true if the first event is a message that is in the store.
    pub fn begins_with_stored(&self) -> bool {
        matches!(self.events.front(), Some(Event::StoredMessage(_)))
    }

    /// Returns true if a message waits for the program, read from the store or not.
    pub fn has_messages(&self) -> bool {
        self.messages + self.stored > 0
    }

    /// Returns true if the queue is at its limit, which bounds what is in memory.
    pub fn is_full(&self) -> bool {
        self.messages >= self.limits.messages || self.bytes >= self.limits.bytes
    }

    /// Returns true if so many events wait that no further ones are to be read, whatever they are of.
    pub fn is_crowded(&self) -> bool {
        let kept = self.untaken.as_deref().is_some_and(Untaken::is_full);
        kept || self.events.len() >= MAX_QUEUED_EVENTS
    }

    /// Takes the first message out. Events before it, which a client has that was handed to the reactor meanwhile, stay.
    pub fn take_message(&mut self) -> Option<Taken<H>> {
        let is_message =
            |event: &Event<H>| matches!(event, Event::Message(..) | Event::StoredMessage(_));
        // In a client that API calls drive it is the first event.
        let event = if is_message(self.events.front()?) {
            self.events.pop_front()?
        } else {
            let at = self.events.iter().position(is_message)?;
            self.events.remove(at)?
        };
        match event {
            Event::Message(message, record) => {
                self.taken(Count {
                    messages: 1,
                    bytes: H::message_size(&message),
                    stored: 0,
                });
                Some(Taken::Message(message, record))
            }
            Event::StoredMessage(key) => {
                self.taken(Count {
                    stored: 1,
                    ..Count::default()
                });
                Some(Taken::Stored(key))
            }
            _ => None,
        }
    }

    /// Moves all events into `batch`, which is empty. Its messages count until they are [taken](Self::taken).
    pub fn take_all(&mut self, batch: &mut VecDeque<Event<H>>) {
        debug_assert!(batch.is_empty());
        std::mem::swap(&mut self.events, batch);
    }

    /// Puts what is left of a batch back, before what has come since.
    pub fn put_back(&mut self, mut rest: VecDeque<Event<H>>) {
        rest.append(&mut self.events);
        self.events = rest;
    }

    /// Takes the events out that come after this moment's, and puts them behind others: see [`resume`](Self::resume).
    pub fn set_aside(&mut self) -> VecDeque<Event<H>> {
        std::mem::take(&mut self.events)
    }

    /// Puts events behind those that are queued. They are counted already.
    pub fn resume(&mut self, events: VecDeque<Event<H>>) {
        self.events.extend(events);
    }

    /// Notes that a message that was in the store only is in memory now, and counts until the program has taken it.
    pub fn keep(&mut self, size: usize) {
        self.messages += 1;
        self.bytes += size;
    }

    /// Notes that the program has taken so much.
    pub fn taken(&mut self, count: Count) {
        self.messages = self.messages.saturating_sub(count.messages);
        self.bytes = self.bytes.saturating_sub(count.bytes);
        self.stored = self.stored.saturating_sub(count.stored);
    }

    /// Counts anew what is in the queue: a thread that had taken messages out has panicked.
    pub fn recount(&mut self) {
        let mut count = Count::default();
        for event in &self.events {
            match event {
                Event::Message(message, _) => {
                    count.messages += 1;
                    count.bytes += H::message_size(message);
                }
                Event::StoredMessage(_) => count.stored += 1,
                _ => {}
            }
        }
        (self.messages, self.bytes, self.stored) = (count.messages, count.bytes, count.stored);
    }

    /// Gives back the memory of an empty queue.
    pub fn settle_down(&mut self) {
        release(&mut self.events);
    }
}

/// A queue that has held so many entries is a busy client's.
const BUSY: usize = 16;
/// One that has held more than this has seen an exceptional load.
const EXCEPTIONAL: usize = 4096;

/// Gives back the memory of an empty queue, unless it is a busy one of ordinary size: what an idle client keeps, thousands
/// of them keep.
pub fn release<T>(queue: &mut VecDeque<T>) {
    if queue.is_empty() && !is_worth_keeping(queue) {
        *queue = VecDeque::new();
    }
}

/// Returns true if the queue is a busy one's of ordinary size.
pub fn is_worth_keeping<T>(queue: &VecDeque<T>) -> bool {
    (BUSY..EXCEPTIONAL).contains(&queue.capacity())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::program;
    use crate::persistence::RecordKind;
    use crate::protocol::property::Properties;
    use crate::protocol::session::{Completion, Outcome};

    type Program = program::Program<true>;

    fn queue(driver: Driver) -> Queue<Program> {
        Queue::new(driver)
    }

    fn message(payload: &str) -> Event<Program> {
        Event::Message(payload.into(), None)
    }

    fn key(number: u32) -> RecordKey {
        RecordKey::new(RecordKind::Message, false, number)
    }

    fn completed() -> Event<Program> {
        Event::Completed(Completion {
            token: 1,
            op: "publish",
            packet: None,
            outcome: Outcome::written(),
        })
    }

    fn lost() -> Event<Program> {
        Event::Disconnected {
            reason: 0,
            properties: Properties::new(),
        }
    }

    /// What is queued, in order.
    fn names(events: &VecDeque<Event<Program>>) -> Vec<String> {
        let name = |event: &Event<Program>| match event {
            Event::Message(payload, _) => String::from_utf8_lossy(payload).into_owned(),
            Event::StoredMessage(key) => format!("stored {}", key.number),
            Event::Completed(_) => "completed".to_owned(),
            _ => "other".to_owned(),
        };
        events.iter().map(name).collect()
    }

    fn taken(queue: &mut Queue<Program>) -> Option<String> {
        queue.take_message().map(|taken| match taken {
            Taken::Message(payload, _) => String::from_utf8_lossy(&payload).into_owned(),
            Taken::Stored(key) => format!("stored {}", key.number),
        })
    }

    #[test]
    fn where_calls_drive_only_messages_are_queued() {
        let mut queue = queue(Driver::Calls);
        queue.push(completed());
        queue.push(lost());
        queue.push(message("a"));
        queue.push(Event::StoredMessage(key(1)));
        assert_eq!(names(&queue.events), ["a", "stored 1"]);
        // Nothing stands before a message, and the end of an operation is heard at the end of a call.
        assert!(queue.begins_with_message() && queue.has_for_caller());
        assert!(matches!(queue.pop_for_caller(), Some(Event::Completed(_))));
        assert!(queue.pop_for_caller().is_none() && !queue.has_for_caller());
    }

    #[test]
    fn where_the_reactor_drives_everything_is_queued_in_order() {
        let mut queue = queue(Driver::Reactor);
        assert!(queue.is_empty());
        queue.push(completed());
        queue.push(message("a"));
        queue.push(lost());
        assert_eq!(names(&queue.events), ["completed", "a", "other"]);
        assert!(!queue.begins_with_message() && !queue.has_for_caller());
    }

    #[test]
    fn a_client_is_handed_to_the_reactor_once() {
        let mut queue = queue(Driver::Calls);
        queue.push(message("a"));
        assert!(queue.hand_to_reactor() && !queue.hand_to_reactor());
        queue.push(lost());
        queue.push(message("b"));
        // A call that waited for a message still finds one behind what is a callback's now.
        queue.push_stored_front(key(9));
        assert_eq!(taken(&mut queue).as_deref(), Some("stored 9"));
        assert_eq!(taken(&mut queue).as_deref(), Some("a"));
        assert_eq!(taken(&mut queue).as_deref(), Some("b"));
        assert_eq!(taken(&mut queue), None);
        assert_eq!(names(&queue.events), ["other"]);
    }

    #[test]
    fn messages_count_until_they_are_taken_and_bound_what_is_read() {
        let mut queue = queue(Driver::Reactor);
        queue.set_limits(Limits {
            messages: 3,
            bytes: 10,
        });
        queue.push(message("12345"));
        queue.push(message("6789"));
        assert!(!queue.is_full());
        assert_eq!(queue.unread(), (2, 9));
        queue.push(message("0"));
        assert!(queue.is_full(), "as many as may be, and ten bytes");
        let mut batch = VecDeque::new();
        queue.take_all(&mut batch);
        assert!(queue.is_empty() && queue.is_full(), "not taken yet");
        queue.taken(Count {
            messages: 1,
            bytes: 5,
            stored: 0,
        });
        assert!(!queue.is_full());
        assert_eq!((queue.unread(), queue.received()), ((2, 5), 3));
        queue.push(message("12345"));
        queue.taken(Count {
            messages: 2,
            ..Count::default()
        });
        assert!(queue.is_full(), "bytes alone are enough");
    }

    #[test]
    fn a_message_that_a_call_takes_counts_no_longer() {
        let mut queue = queue(Driver::Calls);
        let (messages, bytes) = (2, 10);
        queue.set_limits(Limits { messages, bytes });
        queue.push(message("a"));
        queue.push(message("bc"));
        assert!(queue.is_full());
        assert_eq!(taken(&mut queue).as_deref(), Some("a"));
        assert!(!queue.is_full());
        assert_eq!(queue.unread(), (1, 2));
        assert_eq!(taken(&mut queue).as_deref(), Some("bc"));
        assert_eq!(queue.unread(), (0, 0));
        assert!(!queue.has_messages() && taken(&mut queue).is_none());
    }

    /// The program is told once, when it has taken so much that the client may go on.
    #[test]
    fn what_the_program_does_not_take_holds_the_client_back() {
        let untaken = Arc::new(Untaken::default());
        let mut queue = queue(Driver::Reactor);
        queue.hold_back_for(Arc::clone(&untaken));
        untaken.add(MAX_UNTAKEN_BYTES - 1);
        assert!(!queue.is_crowded());
        assert!(!untaken.remove(1), "nothing was held back");
        untaken.add(3);
        assert!(queue.is_crowded());
        assert!(!untaken.remove(1) && queue.is_crowded(), "still as much");
        assert!(untaken.remove(1) && !queue.is_crowded());
        assert!(!untaken.remove(1), "once");
    }

    #[test]
    fn messages_in_the_store_are_messages_and_take_no_memory() {
        let mut queue = queue(Driver::Calls);
        queue.set_limits(Limits {
            messages: 1,
            bytes: 1,
        });
        assert!(!queue.has_messages());
        queue.push(Event::StoredMessage(key(2)));
        queue.push_stored_front(key(1));
        assert!(queue.has_messages() && !queue.is_full());
        assert_eq!(queue.unread(), (2, 0));
        assert_eq!(taken(&mut queue).as_deref(), Some("stored 1"));
        assert!(queue.has_messages());
        assert_eq!(taken(&mut queue).as_deref(), Some("stored 2"));
        assert!(!queue.has_messages());
        // One that was read back and that the host keeps.
        queue.keep(1);
        assert!(queue.is_full() && queue.has_messages());
    }

    #[test]
    fn the_rest_of_a_batch_comes_before_what_has_come_since() {
        let mut queue = queue(Driver::Reactor);
        for payload in ["a", "b", "c"] {
            queue.push(message(payload));
        }
        let mut batch = VecDeque::new();
        queue.take_all(&mut batch);
        batch.pop_front();
        queue.push(message("d"));
        queue.put_back(batch);
        assert_eq!(names(&queue.events), ["b", "c", "d"]);
        // The thread that had "a" has panicked: nobody will say that it was taken.
        assert_eq!(queue.unread(), (4, 4));
        queue.recount();
        assert_eq!(queue.unread(), (3, 3));
    }

    #[test]
    fn events_that_were_set_aside_come_behind_others_and_count_once() {
        let mut queue = queue(Driver::Reactor);
        queue.push(message("late"));
        let aside = queue.set_aside();
        queue.push(completed());
        queue.resume(aside);
        assert_eq!(names(&queue.events), ["completed", "late"]);
        assert_eq!(queue.unread(), (1, 4));
    }

    #[test]
    fn an_idle_queue_gives_its_memory_back_and_a_busy_one_keeps_it() {
        let mut few: VecDeque<u8> = VecDeque::with_capacity(BUSY - 1);
        let mut many = VecDeque::with_capacity(BUSY);
        let mut exceptional = VecDeque::with_capacity(EXCEPTIONAL);
        let mut used = VecDeque::with_capacity(EXCEPTIONAL);
        used.push_back(1);
        for queue in [&mut few, &mut many, &mut exceptional, &mut used] {
            release(queue);
        }
        assert_eq!((few.capacity(), exceptional.capacity()), (0, 0));
        assert!(many.capacity() >= BUSY && used.capacity() >= EXCEPTIONAL);
    }
}
