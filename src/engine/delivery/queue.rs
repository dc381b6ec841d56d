//! What the program is to be told, in order, and how much of it there is.

use std::collections::VecDeque;

use crate::engine::host::{Event, Host};
use crate::persistence::RecordKey;
use crate::protocol::session::Completion;

/// Messages in the queue from which on the socket is not read: a program that does not keep up slows its server down (TCP
/// back-pressure) rather than fill the memory.
pub const MAX_QUEUED_MESSAGES: usize = 1024;
/// The same in bytes.
pub const MAX_QUEUED_BYTES: usize = 1 << 20;

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
    /// An empty queue.
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
        }
    }

    /// Returns who drives the connection.
    pub fn driver(&self) -> Driver {
        self.driver
    }

    /// The reactor drives from now on. Returns false if it did already.
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

    /// Takes the first message out. Events before it, which a client has that was handed to the reactor meanwhile, stay.
    pub fn take_message(&mut self) -> Option<Taken<H>> {
        let is_message =
            |event: &Event<H>| matches!(event, Event::Message(..) | Event::StoredMessage(_));
        // In a client that API calls drive it is the first event.
        let at = self.events.iter().position(is_message)?;
        match self.events.remove(at)? {
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

    /// Takes the events out that come after this moment's, and puts them behind others: see [`begin_after`](Self::resume).
    pub fn set_aside(&mut self) -> VecDeque<Event<H>> {
        std::mem::take(&mut self.events)
    }

    /// Puts events behind those that are queued. They are counted already.
    pub fn resume(&mut self, events: VecDeque<Event<H>>) {
        self.events.extend(events);
    }

    /// A message that was in the store only is in memory now, and counts until the program has taken it.
    pub fn keep(&mut self, size: usize) {
        self.messages += 1;
        self.bytes += size;
    }

    /// The program has taken so much.
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
    if queue.is_empty() && !(BUSY..EXCEPTIONAL).contains(&queue.capacity()) {
        *queue = VecDeque::new();
    }
}
