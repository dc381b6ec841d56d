//! The dispatching role: running the program's callbacks, in order, one at a time, without any lock.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::engine::core::{Client, Guard, Thread};
use crate::engine::delivery::queue::{Count, Driver, release};
use crate::engine::host::{Event, Handled, Host};
use crate::engine::runtime::relieve_reactor;
use crate::os::ThreadId;
use crate::persistence::RecordKey;
use crate::protocol::session::Outcome;
use crate::reactor::{InCallback, Reactor, reactor};
use crate::trace;

/// When a message that the program did not take is offered again.
const OFFER_AGAIN: Duration = Duration::from_millis(100);

/// What became of a message that was offered.
enum Offered<H: Host> {
    Taken,
    /// The host has it, and tells when the program has.
    Kept,
    NotTaken(H::Message),
}

/// Why the callbacks of a batch have ended.
enum Ran {
    /// All have run.
    All,
    /// The program did not take a message.
    NotTaken,
    /// The next message is in the store, and the program has as many unread ones as it may.
    Full,
    /// Another thread waits for the end of the callback that ran.
    Outwaited,
}

impl<H: Host> Client<H> {
    /// Runs the callbacks on this thread until there are no more, unless another thread does. What there is when the client is
    /// destroyed is for destroy, which may have waited for the callbacks on other threads already.
    pub(in crate::engine) fn dispatch<'a>(&'a self, mut core: Guard<'a, H>) -> Guard<'a, H> {
        let this = ThreadId::current();
        if core.lifecycle.is_destroyed() || !core.roles.begin_dispatch(this) {
            return core;
        }
        let busy = if H::BLOCKS {
            reactor().ok().map(Reactor::enter_callback)
        } else {
            None
        };
        if busy.as_ref().is_some_and(InCallback::is_alone) {
            relieve_reactor();
        }
        while !core.outputs.queue.is_empty()
            && !core.lifecycle.is_destroyed()
            && core.roles.offers_again().is_none()
            && core.outputs.queue.driver() == Driver::Reactor
            && !core.holds_stored_back()
        {
            if core.outputs.queue.begins_with_message() {
                // What the program sends now follows the message.
                core.pause();
            }
            core.outputs.queue.take_all(&mut self.batch.lock());
            drop(core);
            let (ran, count) = self.run();
            self.host.handled_all();
            core = self.lock();
            core.roles.callbacks_ended();
            if matches!(ran, Ran::Outwaited) {
                // Whoever still waits, for another function of the program's, asks again.
                self.outwaited.store(false, Ordering::Relaxed);
            }
            if core.roles.is_outwaited() {
                self.changed.notify_all();
            }
            core.outputs.queue.taken(count);
            if !matches!(ran, Ran::All) && !core.lifecycle.is_destroyed() {
                let rest = std::mem::take(&mut *self.batch.lock());
                core.outputs.queue.put_back(rest);
                if matches!(ran, Ran::NotTaken) {
                    core.roles.offer_again(Instant::now() + OFFER_AGAIN);
                }
            }
        }
        core.roles.end_dispatch();
        core.outputs.settle_down();
        drop(busy);
        if core.waiters > 0 || core.roles.is_outwaited() {
            self.changed.notify_all();
        }
        core
    }

    /// Runs the callbacks of the batch. Stops at a message that the program did not take or may not have yet, which is then the
    /// first of the batch again. Returns where it stopped, and how much is off the queue.
    ///
    /// The batch is shared, because a callback may destroy the client, which then sees to the rest of it.
    fn run(&self) -> (Ran, Count) {
        let mut count = Count::default();
        loop {
            let (event, left) = {
                let mut batch = self.batch.lock();
                if self.telling.end() {
                    return (Ran::Outwaited, count);
                }
                if !H::BLOCKS && !trace::enabled(trace::Level::Minimum) {
                    // None of them takes long, and there may be hundreds.
                    self.host.keep_messages(&mut batch);
                }
                let event = batch.pop_front();
                if event.is_none() {
                    release(&mut batch);
                }
                self.telling.begin(event.as_ref().and_then(Event::ended));
                (event, batch.len())
            };
            let Some(event) = event else {
                return (Ran::All, count);
            };
            self.trace_callback(&event, left);
            match event {
                Event::Message(message, record) => {
                    let size = H::message_size(&message);
                    match self.offer(message, record) {
                        Offered::Taken => {
                            count.messages += 1;
                            count.bytes += size;
                        }
                        Offered::Kept => {}
                        Offered::NotTaken(message) => {
                            self.batch
                                .lock()
                                .push_front(Event::Message(message, record));
                            return (Ran::NotTaken, count);
                        }
                    }
                }
                Event::StoredMessage(key) => {
                    let message = {
                        let mut core = self.lock();
                        if !H::BLOCKS && core.outputs.queue.is_full() {
                            drop(core);
                            self.batch.lock().push_front(Event::StoredMessage(key));
                            return (Ran::Full, count);
                        }
                        let message = core.outputs.load_message(key);
                        if let Some(message) = &message {
                            // Before it is offered: the program may take it, and say so, at once.
                            core.outputs.queue.keep(H::message_size(message));
                        }
                        message
                    };
                    if let Some(message) = message {
                        let bytes = H::message_size(&message);
                        let offered = self.offer(message, Some(key));
                        if !matches!(offered, Offered::Kept) {
                            self.lock().outputs.queue.taken(Count {
                                messages: 1,
                                bytes,
                                stored: 0,
                            });
                        }
                        if matches!(offered, Offered::NotTaken(_)) {
                            self.batch.lock().push_front(Event::StoredMessage(key));
                            return (Ran::NotTaken, count);
                        }
                    }
                    count.stored += 1;
                }
                Event::TlsError(teller, line) => teller(&line),
                event @ Event::ConnectEnded { result: Ok(_), .. } => {
                    if self.host.hears_of_connections() {
                        self.lock().roles.announce();
                    }
                    self.host.handle(event);
                }
                event @ Event::Connected { .. } => {
                    self.host.handle(event);
                    let mut core = self.lock();
                    core.roles.announced();
                    if core.waiters > 0 {
                        self.changed.notify_all();
                    }
                }
                event => {
                    self.host.handle(event);
                }
            }
            if self.outwaited.load(Ordering::Relaxed) {
                return (Ran::Outwaited, count);
            }
        }
    }

    /// Traces that a callback is about to be run.
    fn trace_callback(&self, event: &Event<H>, queued: usize) {
        if !trace::enabled(trace::Level::Minimum) {
            return;
        }
        let client = &self.setup.client_id;
        let called = match event {
            Event::Message(..) | Event::StoredMessage(_) => {
                format!("messageArrived for client {client}, queue depth {queued}")
            }
            Event::Completed(done) => {
                let succeeded = !matches!(done.outcome, Outcome::Failed(_));
                H::completion_name(&done.op, done.token, succeeded, client)
            }
            Event::ConnectEnded { result: Ok(_), .. } => {
                format!("connect success for client {client}")
            }
            Event::ConnectEnded { result: Err(_), .. } => {
                format!("connect failure for client {client}")
            }
            Event::Connected { .. } => format!("connected for client {client}"),
            Event::Acknowledged { .. } => format!("published for client {client}"),
            Event::TlsError(..) => format!("TLS error callback for client {client}"),
            Event::ConnectionLost(_) => format!("connectionLost for client {client}"),
            Event::Disconnected { .. } => format!("disconnected for client {client}"),
            Event::DisconnectEnded { .. } => format!("disconnect complete for client {client}"),
            Event::Auth { .. } | Event::Room | Event::Wants => return,
        };
        trace!(Minimum, "Calling {called}");
    }

    /// Offers a message to the program. Its record goes as soon as the program has taken it.
    fn offer(&self, message: H::Message, record: Option<RecordKey>) -> Offered<H> {
        match self.host.handle(Event::Message(message, record)) {
            Handled::Done => {
                if record.is_some() {
                    self.lock().outputs.message_taken(record);
                }
                Offered::Taken
            }
            Handled::Kept => Offered::Kept,
            Handled::NotTaken(message) => Offered::NotTaken(message),
        }
    }

    /// Notes that the program has taken messages that the host [kept](Handled::Kept), of which those had records in the
    /// store, and whether it has taken what held the client up otherwise.
    pub fn taken(&self, count: Count, records: &[RecordKey], waited: bool) {
        let mut core = self.lock();
        let held_up = waited || core.outputs.queue.is_full();
        core.outputs.queue.taken(count);
        if !held_up && records.is_empty() && !core.driving.carried {
            // It is mostly so: nothing waited for room in the queue.
            return;
        }
        for record in records {
            core.outputs.message_taken(Some(*record));
        }
        // The socket may be read again.
        drop(self.settle(core, Thread::Caller));
        self.read_carried();
    }
}
