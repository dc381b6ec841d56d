//! The queue that a program takes its events from: one for a client, or one for thousands.
//!
//! Threads of the engine put records in; the program takes them out in batches. Taking has a lock of its own, under which
//! records are copied, so that the engine never waits for a program's copying.

mod lines;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;
use rustix::event::{EventfdFlags, eventfd};

use self::lines::Lines;
use super::record::{Kind, Record};
use crate::engine::Count;
use crate::os::lock::{Condvar, Mutex, MutexGuard};
use crate::persistence::RecordKey;
use crate::trace;

/// So many interrupts wait for their calls at most: more than a program has threads at one queue.
const MAX_INTERRUPTS: u32 = 1024;

/// So many events are few.
const FEW: usize = 4;

/// Whose events they are. The queue tells it what the program has taken.
pub trait Producer: Send + Sync {
    /// Returns the program's own number, which comes with every event.
    fn context(&self) -> u64;
    /// Tells that the program has taken so many messages, of those with a record in the store the numbers of their records, and
    /// whether it has taken an event that the client [waited](Self::told) for.
    fn taken(&self, count: Count, records: &[RecordKey], waited: bool);
    /// Asked before an event goes into the queue that is no message and counts so many bytes. Returns false if it would tell
    /// nothing new: one of its kind waits already, and says that the program has to look.
    fn is_news(&self, kind: Kind, bytes: usize) -> bool;
    /// Tells that the program has taken such an event: the next one is news. Returns true if the client has waited for that, and
    /// has to be told by [`taken`](Self::taken).
    #[must_use = "the client waits"]
    fn told(&self, kind: Kind, bytes: usize) -> bool;
    /// Notes that nothing more of it goes into the queue, whose lock the caller holds.
    fn end(&self);
    /// Returns true if that was noted.
    fn is_over(&self) -> bool;
}

struct Entry {
    record: Record,
    /// None: a line of the log.
    from: Option<Arc<dyn Producer>>,
    /// The message's record in the store.
    stored: Option<RecordKey>,
}

impl Entry {
    fn is_from(&self, producer: &Arc<dyn Producer>) -> bool {
        self.from
            .as_ref()
            .is_some_and(|from| Arc::ptr_eq(from, producer))
    }
}

/// Events that are on their way into the queue: those of a batch go in together, so that a thread which waits for events is
/// woken once, and finds them all.
#[derive(Default)]
pub(super) struct Pending(VecDeque<Entry>);

impl Pending {
    /// Gives back the memory of a few events: most clients are idle, and there may be thousands. What took many is kept for
    /// the next batch.
    fn settle_down(&mut self) {
        if self.0.capacity() <= FEW {
            self.0 = VecDeque::new();
        }
    }

    /// Adds an event.
    pub fn push(&mut self, from: &Arc<dyn Producer>, record: Record, stored: Option<RecordKey>) {
        if record.head.kind == Kind::Done && joins(&mut self.0, from, &record) {
            return;
        }
        let kind = record.head.kind;
        let is_counted = matches!(kind, Kind::Message | Kind::Done);
        if !is_counted && !from.is_news(kind, entry_size(&record)) {
            return;
        }
        self.0.push_back(Entry {
            record,
            from: Some(Arc::clone(from)),
            stored,
        });
    }
}

#[derive(Default)]
struct State {
    entries: VecDeque<Entry>,
    /// Some that a thread had moved out of `entries` wait for the next one, which must not sleep.
    left: bool,
    /// The event descriptor says that there is something.
    signalled: bool,
    /// Threads inside calls that will take what they cause to be queued: nobody else has to be told.
    collecting: u32,
    waiting: u32,
    /// Of those, so many have been woken and have not come yet: they will see all that is queued meanwhile.
    woken: u32,
    /// So many calls are to come back with nothing.
    interrupts: u32,
    closed: bool,
    lines: Lines,
}

impl State {
    /// Returns true if a thread that takes would get something.
    fn has_events(&self) -> bool {
        self.left || !self.entries.is_empty()
    }

    fn push_line(&mut self, record: Record) {
        self.entries.push_back(Entry {
            record,
            from: None,
            stored: None,
        });
    }
}

/// A queue of events.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    /// What [`has_untold`](Self::has_untold) returns.
    untold: AtomicBool,
    arrived: Condvar,
    descriptor: OnceCell<OwnedFd>,
    /// Those that the program takes next, before those in the state. Lock this first.
    taking: Mutex<VecDeque<Entry>>,
    log: Mutex<Option<trace::Subscription>>,
}

/// What the program got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Bytes of the buffer that were filled.
    pub bytes: usize,
    /// Records in them.
    pub records: usize,
}

/// Why the program got nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// The next record needs a buffer of so many bytes. It stays where it is.
    TooSmall(usize),
    /// The queue was closed.
    Closed,
}

/// How long a caller waits for an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    No,
    /// At most so long.
    For(Duration),
    /// Until something happens.
    Forever,
}

/// Messages in a row that a program has taken of one client.
struct Row {
    of: Arc<dyn Producer>,
    count: Count,
    records: Vec<RecordKey>,
    /// Among what came with them was something that the client waited for.
    waited: bool,
}

/// Counts what the program has taken, for the clients to be told of it when the queue is unlocked.
#[derive(Default)]
struct Tally {
    row: Option<Row>,
    /// Those before it: there are none where one client has the queue.
    before: Vec<Row>,
}

impl Tally {
    fn add(&mut self, entry: Entry) {
        let Some(from) = entry.from else {
            return;
        };
        let size = entry_size(&entry.record);
        let is_message = entry.record.head.kind == Kind::Message;
        let waited = !is_message && from.told(entry.record.head.kind, size);
        if !is_message && !waited {
            return;
        }
        self.before
            .extend(self.row.take_if(|row| !Arc::ptr_eq(&row.of, &from)));
        let row = self.row.get_or_insert_with(|| Row {
            of: from,
            count: Count::default(),
            records: Vec::new(),
            waited: false,
        });
        row.waited |= waited;
        if is_message {
            row.count.messages += 1;
            row.count.bytes += size;
            row.records.extend(entry.stored);
        }
    }

    /// Tells the clients, which may write and read on, and queue events.
    fn tell(self) {
        for row in self.before.into_iter().chain(self.row) {
            row.of.taken(row.count, &row.records, row.waited);
        }
    }
}

/// Returns what an event counts for the limits of its client.
pub(super) fn entry_size(record: &Record) -> usize {
    record.size() + std::mem::size_of::<Entry>()
}

impl Queue {
    /// Makes an empty queue.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Returns a descriptor that is readable while there are events. Who never asks for it does not pay for it.
    pub fn event_fd(&self) -> io::Result<BorrowedFd<'_>> {
        let made = self.descriptor.get_or_try_init(|| {
            eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(io::Error::from)
        })?;
        let taking = self.taking.lock();
        let mut state = self.state.lock();
        if !taking.is_empty() || !state.entries.is_empty() || state.interrupts > 0 {
            self.signal(&mut state);
        }
        Ok(made.as_fd())
    }

    /// Adds events and tells whoever waits. `pending` is empty afterwards.
    pub(super) fn push_all(&self, pending: &mut Pending) {
        if pending.0.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        if let Some(Entry {
            record,
            from: Some(from),
            ..
        }) = pending.0.front()
        {
            if from.is_over() {
                pending.0.clear();
                return;
            }
            if joins(&mut state.entries, from, record) {
                pending.0.pop_front();
            }
        }
        // Only now: one that has joined another takes no room. Each of them is news.
        for Entry { record, from, .. } in &pending.0 {
            if let (Kind::Done, Some(from)) = (record.head.kind, from) {
                let _news = from.is_news(Kind::Done, entry_size(record));
            }
        }
        state.entries.append(&mut pending.0);
        self.announce(&mut state);
        drop(state);
        pending.settle_down();
    }

    /// Ends the events of a client: none goes into the queue once this has returned, whatever thread is about to add one.
    pub(super) fn end(&self, of: &dyn Producer) {
        let _state = self.state.lock();
        of.end();
    }

    /// Adds a line of the log, of the level that was set with that wish.
    fn push_line(&self, wish: u64, level: trace::Level, line: &str) {
        let mut state = self.state.lock();
        if let Some(record) = state.lines.add(wish, level, line) {
            state.push_line(record);
            self.announce(&mut state);
        }
    }

    /// Has the engine's log lines of that level and above queued; none ends that: no line is queued once this has returned.
    pub fn set_log_level(self: &Arc<Self>, level: Option<trace::Level>) {
        let mut log = self.log.lock();
        let wish = self.state.lock().lines.wished(level.is_some());
        let subscription = level.map(|level| {
            let queue = Arc::downgrade(self);
            trace::subscribe(level, move |level, line| {
                if let Some(queue) = queue.upgrade() {
                    queue.push_line(wish, level, line);
                }
            })
        });
        let old = std::mem::replace(&mut *log, subscription);
        drop(log);
        drop(old);
    }

    /// Returns true if there are events, and no call under way that will take them.
    ///
    /// Asked after each publish, without the lock. A thread sees what it has queued itself; what others queue meanwhile may be
    /// seen a call later.
    pub fn has_untold(&self) -> bool {
        self.untold.load(Ordering::Relaxed)
    }

    /// Has [`has_untold`](Self::has_untold) tell of a change.
    fn note(&self, state: &State) {
        let untold = state.collecting == 0 && state.has_events();
        self.untold.store(untold, Ordering::Relaxed);
    }

    /// Tells whoever waits for events that there are some.
    fn announce(&self, state: &mut MutexGuard<'_, State>) {
        self.note(state);
        if state.collecting > 0 {
            return;
        }
        self.wake(state);
        self.signal(state);
    }

    /// Wakes a thread that waits for events, unless all have been.
    fn wake(&self, state: &mut MutexGuard<'_, State>) {
        if state.waiting > state.woken {
            state.woken += 1;
            self.arrived.notify_one();
        }
    }

    fn signal(&self, state: &mut MutexGuard<'_, State>) {
        if !state.signalled {
            if let Some(fd) = self.descriptor.get() {
                state.signalled = true;
                // It cannot be full: it is 0 or 1.
                let _ = rustix::io::write(fd, &1_u64.to_ne_bytes());
            }
        }
    }

    /// Takes the signal back if nothing is left. The caller holds both locks: an entry that another thread has moved from the
    /// state, and whose program did not take it, counts as well.
    fn unsignal(&self, taking: &VecDeque<Entry>, state: &mut MutexGuard<'_, State>) {
        let is_empty = taking.is_empty() && state.entries.is_empty();
        if is_empty && state.signalled && state.interrupts == 0 && !state.closed {
            if let Some(fd) = self.descriptor.get() {
                state.signalled = false;
                let _ = rustix::io::read(fd, &mut [0; 8]);
            }
        }
    }

    /// Has a call come back with nothing: one that waits, or the next that finds no event. Each time it is another one.
    pub fn interrupt(&self) {
        let mut state = self.state.lock();
        state.interrupts = (state.interrupts + 1).min(MAX_INTERRUPTS);
        self.arrived.notify_one();
        self.signal(&mut state);
    }

    /// Ends the queue: whoever waits comes back, and so does whoever comes.
    pub fn close(&self) {
        self.set_closed();
        *self.log.lock() = None;
    }

    fn set_closed(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        self.arrived.notify_all();
        self.signal(&mut state);
    }

    /// Fills a buffer with as many records as fit.
    pub fn next_events(&self, buffer: &mut [u8], wait: Wait) -> Result<Batch, NotTaken> {
        let mut bytes = 0;
        let records = self.take(wait, |context, record| {
            let written = record.write(context, &mut buffer[bytes..]);
            bytes += written.unwrap_or(0);
            written.is_some()
        });
        match records? {
            Taken::Records(records) => Ok(Batch { bytes, records }),
            Taken::NotFitting(size) => Err(NotTaken::TooSmall(size)),
        }
    }

    /// Lends records, without a copy, until `visit` says that it wants no more by returning false: it has not had that one.
    /// Returns how many it had. `visit` is called under a lock of the queue's and must not take from the queue.
    pub fn take_batch(
        &self,
        wait: Wait,
        visit: impl FnMut(u64, &Record) -> bool,
    ) -> Result<usize, NotTaken> {
        match self.take(wait, visit)? {
            Taken::Records(records) => Ok(records),
            Taken::NotFitting(_) => Ok(0),
        }
    }

    fn take(
        &self,
        wait: Wait,
        mut visit: impl FnMut(u64, &Record) -> bool,
    ) -> Result<Taken, NotTaken> {
        let deadline = match wait {
            Wait::For(time) => Instant::now().checked_add(time),
            Wait::No | Wait::Forever => None,
        };
        loop {
            if let Some(taken) = self.take_now(&mut visit) {
                return Ok(taken);
            }
            if !self.await_events(wait, deadline)? {
                return Ok(Taken::Records(0));
            }
        }
    }

    /// Waits until there may be something to take, for a thread that has found nothing. Returns false if its time is over, or if
    /// it was interrupted.
    fn await_events(&self, wait: Wait, deadline: Option<Instant>) -> Result<bool, NotTaken> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return Err(NotTaken::Closed);
            }
            // One that does not wait leaves those to others that wait, and takes the rest: the descriptor tells of all at once.
            let kept = if wait == Wait::No { state.waiting } else { 0 };
            if state.interrupts > kept {
                state.interrupts = if wait == Wait::No {
                    kept
                } else {
                    state.interrupts - 1
                };
                drop(state);
                let taking = self.taking.lock();
                self.unsignal(&taking, &mut self.state.lock());
                return Ok(false);
            }
            // Come, or left by another thread, since this one looked.
            if state.has_events() {
                return Ok(true);
            }
            if wait == Wait::No {
                return Ok(false);
            }
            state.waiting += 1;
            let late = if let Some(at) = deadline {
                self.arrived.wait_until(&mut state, at).timed_out()
            } else {
                self.arrived.wait(&mut state);
                false
            };
            state.waiting -= 1;
            // Also if the time was over: it looks for events once more.
            state.woken = state.woken.saturating_sub(1);
            if late && !state.has_events() && state.interrupts == 0 && !state.closed {
                return Ok(false);
            }
        }
    }

    /// Takes what is there. Returns none if there is nothing.
    fn take_now(&self, visit: &mut impl FnMut(u64, &Record) -> bool) -> Option<Taken> {
        let mut tally = Tally::default();
        let taken = {
            let mut taking = self.taking.lock();
            let mut records = 0;
            let (mut lines, mut line_bytes) = (0, 0);
            let mut full = None;
            let mut state = self.state.lock();
            // One round through what is there now, and one through what has come meanwhile: not for ever, others may wait for the
            // lock.
            for _ in 0..2 {
                if taking.is_empty() {
                    std::mem::swap(&mut state.entries, &mut *taking);
                    self.note(&state);
                }
                drop(state);
                while let Some(entry) = taking.front() {
                    let context = entry.from.as_ref().map_or(0, |from| from.context());
                    if !visit(context, &entry.record) {
                        full = Some(entry.record.size());
                        break;
                    }
                    records += 1;
                    if let Some(entry) = taking.pop_front() {
                        if entry.from.is_none() {
                            lines += 1;
                            line_bytes += entry.record.size();
                        }
                        tally.add(entry);
                    }
                }
                state = self.state.lock();
                if full.is_some() || state.entries.is_empty() {
                    break;
                }
            }
            if let Some(record) = state.lines.taken(lines, line_bytes) {
                state.push_line(record);
            }
            state.left = !taking.is_empty();
            self.note(&state);
            if taking.is_empty() && state.entries.is_empty() {
                self.unsignal(&taking, &mut state);
                settle_down(&mut taking);
                settle_down(&mut state.entries);
            } else {
                // The announcement may have reached this thread alone, and it does not take all. Or there was none: a call under
                // way was to take the events, and has ended while this thread had them.
                self.announce(&mut state);
            }
            match (records, full) {
                (0, Some(size)) => Some(Taken::NotFitting(size)),
                (0, None) => None,
                _ => Some(Taken::Records(records)),
            }
        };
        // Without the locks: a client that may be read again queues events.
        tally.tell();
        taken
    }

    /// Begins a call that takes itself what it causes to be queued.
    pub(super) fn collect(&self) -> Collecting<'_> {
        let mut state = self.state.lock();
        state.collecting += 1;
        self.note(&state);
        drop(state);
        Collecting(self)
    }
}

enum Taken {
    Records(usize),
    /// Not even the first fits.
    NotFitting(usize),
}

/// A call that takes what it causes to be queued. When it ends, others are told of what is left.
pub(super) struct Collecting<'a>(&'a Queue);

impl Drop for Collecting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.collecting -= 1;
        self.0.note(&state);
        // What a thread has moved out of the state, and does not take, that thread announces.
        if state.has_events() {
            self.0.announce(&mut state);
        }
    }
}

/// Joins the end of a publish to the record before it, if that tells of the one before. Returns false if it does not.
fn joins(entries: &mut VecDeque<Entry>, from: &Arc<dyn Producer>, done: &Record) -> bool {
    let plain = |record: &Record| {
        record.head.kind == Kind::Done && record.head.reason == 0 && record.head.props_len == 0
    };
    let Some(last) = entries.back_mut() else {
        return false;
    };
    let head = &last.record.head;
    let follows = head.token.wrapping_add(head.value) == done.head.token;
    if !follows || !plain(&last.record) || !plain(done) || !last.is_from(from) {
        return false;
    }
    last.record.head.value += done.head.value;
    true
}

/// Gives back the memory of an empty queue that has seen an exceptional load.
fn settle_down(entries: &mut VecDeque<Entry>) {
    if entries.is_empty() && entries.capacity() > 4096 {
        *entries = VecDeque::new();
    }
}

#[cfg(test)]
mod tests;
