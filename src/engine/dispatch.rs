//! The dispatching role: running the program's callbacks, in order, one at a time, without any lock.

use std::time::{Duration, Instant};

use crate::persistence::RecordKey;
use crate::protocol::session::Outcome;
use crate::trace;

use super::host::{Event, Handled, Host};
use super::sink::release;
use super::state::{Client, Core, Guard};
use crate::reactor::reactor;

/// When a message that the program did not take is offered again.
const OFFER_AGAIN: Duration = Duration::from_millis(100);

impl<H: Host> Client<H> {
    /// Has a reactor thread run the callbacks, if there are any and nobody does.
    pub(super) fn schedule_dispatch(&self, core: &mut Core<H>) {
        if core.io.events.is_empty()
            || core.synchronous
            || core.dispatching.is_some()
            || core.dispatch_scheduled
            || core.offer_again.is_some()
        {
            return;
        }
        if let Ok(reactor) = reactor() {
            core.dispatch_scheduled = true;
            reactor.schedule(self.key);
        }
    }

    /// Runs the callbacks on this thread, if there are any and nobody does, until there are no more.
    pub(super) fn dispatch<'a>(&'a self, mut core: Guard<'a, H>) {
        if core.io.events.is_empty()
            || core.synchronous
            || core.dispatching.is_some()
            || core.offer_again.is_some()
        {
            return;
        }
        core.dispatching = Some(std::thread::current().id());
        let busy = reactor().ok().map(crate::reactor::Reactor::enter_callback);
        while !core.io.events.is_empty() && core.offer_again.is_none() && !core.synchronous {
            if matches!(core.io.events.front(), Some(Event::Message(..))) {
                // What the program sends now follows the message.
                core.pace.pause();
            }
            std::mem::swap(&mut core.io.events, &mut *self.batch.lock());
            drop(core);
            let (not_taken, messages, bytes) = self.run();
            core = self.lock();
            core.io.messages -= messages;
            core.io.message_bytes = core.io.message_bytes.saturating_sub(bytes);
            if not_taken && !core.destroyed {
                let mut rest = std::mem::take(&mut *self.batch.lock());
                rest.append(&mut core.io.events);
                core.io.events = rest;
                core.offer_again = Some(Instant::now() + OFFER_AGAIN);
                self.update_timer(&mut core);
            }
        }
        core.dispatching = None;
        core.io.settle_down();
        release(&mut self.batch.lock());
        drop(busy);
        if core.waiters > 0 {
            self.changed.notify_all();
        }
        self.resume_reading(&mut core);
    }

    /// Runs the callbacks of the batch. Stops at a message that the program did not take, which is then the first of
    /// the batch again. Says whether it did, and how many messages, of how many bytes, are off the queue.
    ///
    /// The batch is shared, because a callback may destroy the client, which then sees to the rest of it.
    fn run(&self) -> (bool, usize, usize) {
        let (mut messages, mut bytes) = (0, 0);
        loop {
            let (event, left) = {
                let mut batch = self.batch.lock();
                (batch.pop_front(), batch.len())
            };
            let Some(event) = event else {
                return (false, messages, bytes);
            };
            self.trace_callback(&event, left);
            match event {
                Event::Message(message, record) => {
                    let size = H::message_size(&message);
                    if let Err(message) = self.offer(message, record) {
                        self.batch
                            .lock()
                            .push_front(Event::Message(message, record));
                        return (true, messages, bytes);
                    }
                    messages += 1;
                    bytes += size;
                }
                Event::Stored(key) => {
                    let message = self.lock().io.load_message(key);
                    if message.is_some_and(|message| self.offer(message, Some(key)).is_err()) {
                        self.batch.lock().push_front(Event::Stored(key));
                        return (true, messages, bytes);
                    }
                }
                Event::TlsError(teller, line) => teller(&line),
                event => {
                    self.host.handle(event);
                }
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
            Event::Message(..) | Event::Stored(_) => {
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
            Event::ConnectionLost => format!("connectionLost for client {client}"),
            Event::Disconnected { .. } => format!("disconnected for client {client}"),
            Event::DisconnectEnded { .. } => format!("disconnect complete for client {client}"),
        };
        trace!(Minimum, "Calling {called}");
    }

    /// Offers a message to the program; given back when it was not taken. Its record goes as soon as it was.
    fn offer(&self, message: H::Message, record: Option<RecordKey>) -> Result<(), H::Message> {
        match self.host.handle(Event::Message(message, record)) {
            Handled::Done => {
                if record.is_some() {
                    self.lock().io.records.message_taken(record);
                }
                Ok(())
            }
            Handled::NotTaken(message) => Err(message),
        }
    }

    /// The inbound queue has room again: has the socket read on.
    pub(super) fn resume_reading(&self, core: &mut Core<H>) {
        let full = core.io.full();
        if let Some(connection) = &mut core.connection {
            if connection.unread && connection.watched && !connection.reading && !full {
                if let Ok(reactor) = reactor() {
                    reactor.schedule(self.key);
                }
            }
        }
    }
}
