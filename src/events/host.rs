//! The program behind a client whose events go into a queue: the engine's third host.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use once_cell::sync::OnceCell;

use crate::engine::{
    Client, ConnectEnd, ConnectResult, Count, Event, Handled, Host, Loss, LossCause, Untaken,
};
use crate::options::ConnectOptions;
use crate::os::lock::Mutex;
use crate::persistence::RecordKey;
use crate::protocol::packet::Publish;
use crate::protocol::property::PropertiesRef;
use crate::protocol::session::{AckToken, Cause, Completion, Outcome, Token};
use crate::transport::Stage;

use super::queue::{Pending, Producer, Queue, entry_size};
use super::record::{Kind, Record};

/// Why an operation failed, as its record says.
mod failed {
    pub const REFUSED: u8 = 1;
    pub const INCOMPLETE: u8 = 2;
    pub const EXPIRED: u8 = 3;
    pub const DROPPED: u8 = 4;
    pub const NOT_STORED: u8 = 5;
    pub const NOT_ALLOWED: u8 = 6;
    pub const CANCELLED: u8 = 7;
}

/// What an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    /// Its number, which is its token.
    pub number: u64,
    /// Of which client.
    pub client: u64,
    /// A publish that ends when it is written.
    pub is_unacknowledged: bool,
    /// How many operations it stands for: it, and those that follow it by number. More than one where publishes without
    /// acknowledgement have ended together.
    pub count: u64,
}

impl Op {
    /// Returns true if this single operation is the last of those.
    fn is_last_of(&self, those: &Self) -> bool {
        self.client == those.client && self.number + 1 == those.number + those.count
    }
}

thread_local! {
    /// The publish whose call this thread is inside, and whether it has ended there.
    static CALLING: Cell<Option<(Op, bool)>> = const { Cell::new(None) };
}

/// Begins a publish on this thread: if the thread itself ends it, nothing is queued.
pub(super) fn begin_call(op: Op) {
    CALLING.set(Some((op, false)));
}

/// Ends the call. Returns true if the publish has ended inside it.
pub(super) fn end_call() -> bool {
    CALLING.take().is_some_and(|(_, ended)| ended)
}

/// A client as its queue sees it.
pub(super) struct Source {
    pub context: u64,
    pub client: OnceCell<Weak<Client<EventHost>>>,
    /// What the program has not taken, messages aside.
    pub untaken: Arc<Untaken>,
    waiting: Waiting,
    over: AtomicBool,
}

impl Source {
    pub fn new(context: u64) -> Self {
        Self {
            context,
            client: OnceCell::new(),
            untaken: Arc::default(),
            waiting: Waiting::default(),
            over: AtomicBool::new(false),
        }
    }
}

/// Events that wait in the queue and say no more than that the program has to look: one of each kind is enough. A program that
/// does not take its events, and goes on publishing and taking bytes, must not fill the memory with them.
#[derive(Default)]
struct Waiting {
    room: AtomicBool,
    output: AtomicBool,
    wants: AtomicBool,
}

impl Waiting {
    fn of(&self, kind: Kind) -> Option<&AtomicBool> {
        match kind {
            Kind::Room => Some(&self.room),
            Kind::Output => Some(&self.output),
            Kind::Wants => Some(&self.wants),
            _ => None,
        }
    }
}

impl Producer for Source {
    fn context(&self) -> u64 {
        self.context
    }

    fn taken(&self, count: Count, records: &[RecordKey], waited: bool) {
        if let Some(client) = self.client.get().and_then(Weak::upgrade) {
            client.taken(count, records, waited);
        }
    }

    fn is_news(&self, kind: Kind, bytes: usize) -> bool {
        if let Some(waits) = self.waiting.of(kind) {
            return !waits.swap(true, Ordering::AcqRel);
        }
        self.untaken.add(bytes);
        true
    }

    fn told(&self, kind: Kind, bytes: usize) -> bool {
        if let Some(waits) = self.waiting.of(kind) {
            waits.store(false, Ordering::Release);
            return false;
        }
        self.untaken.remove(bytes)
    }

    fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// The host.
pub struct EventHost {
    pub(super) queue: Arc<Queue>,
    pub(super) source: Arc<dyn Producer>,
    told: Mutex<Told>,
}

/// What the program has been told, and is about to be.
#[derive(Default)]
struct Told {
    /// Connections of which it was told.
    connections: u64,
    /// Events of the batch that is being handled.
    pending: Pending,
}

impl EventHost {
    pub(super) fn new(queue: Arc<Queue>, source: Arc<dyn Producer>) -> Self {
        Self {
            queue,
            source,
            told: Mutex::default(),
        }
    }

    /// Queues a record that belongs to no batch.
    pub(super) fn tell(&self, record: Record) {
        let mut pending = Pending::default();
        pending.push(&self.source, record, None);
        self.queue.push_all(&mut pending);
    }

    fn add(&self, record: Record, stored: Option<RecordKey>) {
        let mut told = self.told.lock();
        told.pending.push(&self.source, record, stored);
    }

    /// Adds a message, which came over the connection that the program was told of last.
    fn add_message(&self, told: &mut Told, mut message: Record, stored: Option<RecordKey>) {
        message.head.value = told.connections;
        told.pending.push(&self.source, message, stored);
    }
}

impl Host for EventHost {
    type Message = Record;
    type Op = Op;

    const BLOCKS: bool = false;

    fn message(publish: &Publish<'_>) -> Option<Record> {
        Record::of_message(publish)
    }

    fn with_contents<R>(message: &Record, read: impl FnOnce(&Publish<'_>) -> R) -> R {
        read(&message.as_publish())
    }

    fn message_size(message: &Record) -> usize {
        entry_size(message)
    }

    fn needs_acknowledgement(message: &mut Record, token: AckToken) {
        message.head.token = token.get();
    }

    fn wants_packet(_: &Op) -> bool {
        false
    }

    fn tracks(_: &Op) -> bool {
        true
    }

    fn settle(mut done: Completion<Op>, _: bool) -> Option<Completion<Op>> {
        if let (Outcome::Published { reason: 0, .. }, Some((op, false))) =
            (&done.outcome, CALLING.get())
        {
            if op.is_unacknowledged && op.is_last_of(&done.op) {
                CALLING.set(Some((op, true)));
                // Those that are told of with it have waited for the socket since earlier calls.
                done.op.count -= 1;
                if done.op.count == 0 {
                    return None;
                }
            }
        }
        Some(done)
    }

    fn completion_name(op: &Op, _: Token, succeeded: bool, client: &str) -> String {
        let end = if succeeded { "success" } else { "failure" };
        format!("{end} of operation {} for client {client}", op.number)
    }

    fn settle_connect(op: Op, result: ConnectResult) -> ConnectEnd<Op> {
        ConnectEnd::Tell(op, result)
    }

    fn hears_of_connections(&self) -> bool {
        false
    }

    fn refresh(&self, _: &ConnectOptions) -> Option<ConnectOptions> {
        None
    }

    fn handle(&self, event: Event<Self>) -> Handled<Self> {
        let record = match event {
            Event::Message(message, stored) => {
                self.add_message(&mut self.told.lock(), message, stored);
                return Handled::Kept;
            }
            Event::Completed(done) => ended(done),
            Event::ConnectEnded { result, .. } => self.connect_ended(result),
            Event::ConnectionLost(loss) => lost(&loss),
            Event::Disconnected { reason, properties } => {
                let mut record = Record::new(Kind::ServerDisconnect);
                record.head.reason = reason.into();
                record.with(&[], properties.as_ref(), &[])
            }
            Event::DisconnectEnded { said, .. } => {
                let mut record = Record::new(Kind::Closed);
                record.head.flags = said.into();
                record
            }
            Event::Auth { reason, properties } => {
                let mut record = Record::new(Kind::Auth);
                record.head.reason = reason.into();
                record.with(&[], properties.as_ref(), &[])
            }
            Event::Room => Record::new(Kind::Room),
            Event::Wants => Record::new(Kind::Wants),
            // The client reads stored messages, and nobody asked for the others.
            Event::StoredMessage(_)
            | Event::TlsError(..)
            | Event::Acknowledged { .. }
            | Event::Connected { .. } => return Handled::Done,
        };
        self.add(record, None);
        Handled::Done
    }

    fn handled_all(&self) {
        self.queue.push_all(&mut self.told.lock().pending);
    }

    fn keep_messages(&self, batch: &mut VecDeque<Event<Self>>) {
        let mut told = self.told.lock();
        while let Some(Event::Message(..)) = batch.front() {
            if let Some(Event::Message(message, stored)) = batch.pop_front() {
                self.add_message(&mut told, message, stored);
            }
        }
    }

    fn joins(last: &mut Completion<Op>, next: &Completion<Op>) -> bool {
        let plain = |done: &Completion<Op>| {
            done.op.is_unacknowledged
                && matches!(done.outcome, Outcome::Published { reason: 0, .. })
        };
        let follows = last.op.number + last.op.count == next.op.number;
        if follows && plain(last) && plain(next) {
            last.op.count += next.op.count;
            return true;
        }
        false
    }

    fn split(done: &mut Completion<Op>, count: u64) -> Option<Completion<Op>> {
        let first = Op { count, ..done.op };
        done.op.number += count;
        done.op.count = done.op.count.checked_sub(count)?;
        Some(Completion {
            token: done.token,
            op: first,
            packet: None,
            outcome: Outcome::written(),
        })
    }
}

impl EventHost {
    fn connect_ended(&self, result: ConnectResult) -> Record {
        match result {
            Ok(connected) => {
                let mut told = self.told.lock();
                told.connections += 1;
                let mut record = Record::new(Kind::Connected);
                record.head.qos = connected.version as u8;
                record.head.flags = connected.session_present.into();
                record.head.value = told.connections;
                record.with(
                    connected.server_uri.as_bytes(),
                    connected.properties.as_ref(),
                    &[],
                )
            }
            Err(failure) => {
                let mut record = Record::new(Kind::ConnectFailed);
                record.head.flags = failure.stage.map_or(0, stage);
                record.head.reason = failure.refused.unwrap_or(0).into();
                record.head.value = os_error(failure.os_error);
                record.with(failure.message.as_bytes(), failure.properties.as_ref(), &[])
            }
        }
    }
}

fn os_error(number: Option<i32>) -> u64 {
    number
        .and_then(|number| u64::try_from(number).ok())
        .unwrap_or(0)
}

/// Returns the number of a step of connecting.
#[must_use]
pub fn stage(stage: Stage) -> u8 {
    match stage {
        Stage::NotSupported | Stage::NoTlsOptions => 1,
        Stage::Resolve => 2,
        Stage::Tcp => 3,
        Stage::Proxy | Stage::Socks => 4,
        Stage::WebSocket => 5,
        Stage::Deadline => 6,
        Stage::Abandoned => 7,
        Stage::Tls => 8,
    }
}

/// Returns the number of what ended a connection.
#[must_use]
pub fn cause(cause: LossCause) -> u8 {
    match cause {
        LossCause::Closed => 1,
        LossCause::Transport => 2,
        LossCause::KeepAlive => 3,
        LossCause::Protocol => 4,
        LossCause::NotStored => 5,
        LossCause::Aborted => 6,
    }
}

fn lost(loss: &Loss) -> Record {
    let mut record = Record::new(Kind::Lost);
    record.head.flags = cause(loss.cause);
    record.head.reason = loss.reason.into();
    record.head.value = os_error(loss.os_error);
    record.with(loss.text.as_bytes(), PropertiesRef::EMPTY, &[])
}

fn ended(done: Completion<Op>) -> Record {
    let (kind, reason, properties, payload, flags) = match done.outcome {
        Outcome::Published { reason, properties } => {
            (Kind::Done, reason, properties, Vec::new(), 0)
        }
        Outcome::Subscribed { codes, properties } => (Kind::SubAck, 0, properties, codes, 0),
        Outcome::Unsubscribed { codes, properties } => (Kind::UnsubAck, 0, properties, codes, 0),
        Outcome::Failed(failure) => {
            let why = match failure.cause {
                Cause::Refused => failed::REFUSED,
                Cause::Incomplete => failed::INCOMPLETE,
                Cause::Expired => failed::EXPIRED,
                Cause::Dropped => failed::DROPPED,
                Cause::NotStored => failed::NOT_STORED,
                Cause::NotAllowed => failed::NOT_ALLOWED,
                Cause::Cancelled => failed::CANCELLED,
            };
            (
                Kind::Failed,
                failure.reason,
                failure.properties,
                Vec::new(),
                why,
            )
        }
    };
    let mut record = Record::new(kind);
    record.head.token = done.op.number;
    record.head.reason = reason.into();
    record.head.flags = flags;
    if kind == Kind::Done {
        record.head.value = done.op.count;
    }
    if properties.as_ref().as_bytes().is_empty() && payload.is_empty() {
        return record;
    }
    record.with(&[], properties.as_ref(), &payload)
}
