//! What the C boundary may call, but for connecting and ending (`lifecycle`): publish, subscribe, receive, and what is pending.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::persistence::hooks::{AfterRead, BeforeWrite};
use crate::protocol::QoS;
use crate::protocol::packet::{Filter, Publish};
use crate::protocol::property::PropertiesRef;
use crate::protocol::session::{Accepted, Refused, Token};
use crate::trace;

use super::core::{Client, Core, Error, Guard, Setup, Thread};
use super::delivery::queue::Driver;
use super::host::Host;
use super::wait::{ANNOUNCEMENT, Answer, deadline_in};

/// A publish is held up while the socket has not taken more bytes than this, rather than let them fill the memory.
const MAX_UNWRITTEN: u64 = 1 << 20;
/// How long a publish that does not block is held up at most.
const MOMENT: Duration = Duration::from_millis(1);

/// The clock, for the session to look at where it has to.
pub(super) const CLOCK: fn() -> Instant = Instant::now;

/// A SUBSCRIBE or an UNSUBSCRIBE.
pub enum Subscription<'a> {
    /// To these filters.
    Subscribe(&'a [Filter<'a>]),
    /// From these filters.
    Unsubscribe(&'a [&'a [u8]]),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Full => Error::BufferFull,
            Refused::NoPacketId => Error::NoPacketId,
            Refused::Invalid(malformed) => Error::Invalid(malformed),
            Refused::NotStored => Error::NotStored,
            Refused::Offline => Error::Disconnected,
        }
    }
}

impl<H: Host> Client<H> {
    /// Returns the program behind the client.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// Returns what the client was created with.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Returns true if a connection is established.
    pub fn is_connected(&self) -> bool {
        self.enter().lifecycle.is_up()
    }

    /// Returns true if the version of the connection, or the one that the client was created for, is 5.
    pub fn is_v5(&self) -> bool {
        self.v5.load(Ordering::Relaxed)
    }

    /// Notes that the program has set callbacks: from now on the reactor's threads process packets and run them.
    pub fn set_asynchronous(&self) {
        let mut core = self.lock();
        if !core.outputs.queue.hand_to_reactor() {
            return;
        }
        core.outputs.progress();
        self.watch_in_time(&mut core);
        drop(self.settle(core, Thread::Caller));
    }

    /// Sets or clears what the program does to a record before it is written.
    pub fn set_before_write(&self, hook: Option<Box<dyn BeforeWrite>>) {
        if let Some(records) = &mut self.lock().outputs.records {
            records.set_before_write(hook);
        }
    }

    /// Sets or clears what the program does to a record after it was read.
    pub fn set_after_read(&self, hook: Option<Box<dyn AfterRead>>) {
        let mut core = self.lock();
        if let Some(records) = &mut core.outputs.records {
            records.set_after_read(hook);
        }
        // What could not be read is tried again.
        drop(self.settle(core, Thread::Caller));
    }

    /// Sets whether acknowledgements of publishes are of interest to the program.
    pub fn set_wants_acknowledgements(&self, wants: bool) {
        self.lock().outputs.set_wants_acknowledgements(wants);
    }

    /// Notes if the program has a callback for the end of each publish, of those under way too.
    pub fn set_hears_of_deliveries(&self, hears: bool) {
        self.lock().outputs.set_hears_of_deliveries(hears);
    }

    pub(super) fn alive(&self) -> Result<Guard<'_, H>, Error> {
        let core = self.enter();
        if core.lifecycle.is_destroyed() {
            return Err(Error::destroyed());
        }
        Ok(core)
    }

    /// Accepts a message without waiting: it is sent now, or when the connection and the limits allow it. `op` is told
    /// of its end.
    pub fn send(&self, publish: &Publish<'_>, op: H::Op) -> Result<Token, Error> {
        let mut core = self.alive()?;
        let create = &self.setup.create;
        if !core.session.online() || core.lifecycle.has_said_goodbye() {
            let may_wait = create.send_while_disconnected
                && (core.lifecycle.is_wanted() || create.allow_disconnected_send_at_any_time);
            if !may_wait {
                return Err(Error::Disconnected);
            }
        }
        // Also while connected: what waits for quota is buffered too.
        let is_full = |core: &Core<H>| core.session.queued() >= create.max_buffered_messages;
        if is_full(&core) {
            if !create.delete_oldest_messages {
                return Err(Error::BufferFull);
            }
            // No message goes for one that the server does not take.
            core.session.check_allowed(publish)?;
        }
        if core.preferences.is_some() {
            core.make_room(publish, create.delete_oldest_messages)?;
        }
        if is_full(&core) {
            core.drop_oldest();
        }
        if core.outputs.unwritten() > MAX_UNWRITTEN {
            // Far ahead of the socket: give it a moment, but never more. A stalled server must not block this call.
            core.waiters += 1;
            self.changed.wait_for(&mut core.core, MOMENT);
            core.waiters -= 1;
        }
        let (session, outputs) = core.parts();
        // Tokens follow the packet identifiers, as programs see them in the original; a QoS 0 message has neither.
        let token = match publish.qos {
            QoS::AtMostOnce => 0,
            _ => session.token(),
        };
        let accepted = session.publish(publish, Some(token), op, true, CLOCK, outputs);
        core.note_risk(publish.qos);
        drop(self.settle(core, Thread::Caller));
        accepted?;
        Ok(token)
    }

    /// Sends a message, and waits while as many are in flight as are allowed. Returns its packet identifier.
    pub fn publish(&self, publish: &Publish<'_>, op: H::Op) -> Result<u16, Error> {
        let mut core = self.alive()?;
        if !core.session.online() {
            return Err(Error::Disconnected);
        }
        let ready = |core: &Guard<'_, H>| {
            core.session.can_send(publish.qos) && core.outputs.unwritten() < MAX_UNWRITTEN
        };
        if !ready(&core) {
            trace!(
                Minimum,
                "Blocking publish on queue full for client {}", self.setup.client_id
            );
            let epoch = core.lifecycle.epoch();
            core = self.wait_for_room(core, ready);
            if core.lifecycle.epoch() != epoch
                || core.lifecycle.is_destroyed()
                || !core.session.online()
            {
                drop(self.settle(core, Thread::Caller));
                return Err(Error::Disconnected);
            }
            trace!(
                Minimum,
                "Resuming publish now queue not full for client {}", self.setup.client_id
            );
        }
        let (session, outputs) = core.parts();
        let accepted = session.publish(publish, None, op, false, CLOCK, outputs);
        core.note_risk(publish.qos);
        let core = self.settle(core, Thread::Caller);
        let accepted = accepted?;
        if core.is_blocked() && !self.wait_until_written(core) && publish.qos == QoS::AtMostOnce {
            return Err(Error::Failed(
                "the connection was lost before the message was written".into(),
            ));
        }
        match accepted {
            Accepted::Sent(id) | Accepted::Queued(id) => Ok(id),
        }
    }

    /// Waits until all that is there now has been written, when the socket takes no more: the original's publish does so, and
    /// a program may leave right after it. Returns false if the connection ended first.
    fn wait_until_written(&self, core: Guard<'_, H>) -> bool {
        let (epoch, end) = (core.lifecycle.epoch(), core.outputs.out.position());
        let core = self.wait_for_room(core, |core| core.outputs.written() >= end);
        let written = core.lifecycle.epoch() == epoch;
        drop(self.settle(core, Thread::Caller));
        written
    }

    /// Sends a SUBSCRIBE or an UNSUBSCRIBE. `op` is told of its end.
    pub fn change_subscription(
        &self,
        change: &Subscription<'_>,
        properties: PropertiesRef<'_>,
        op: H::Op,
    ) -> Result<Token, Error> {
        let mut core = self.alive()?;
        if !core.lifecycle.is_open() {
            return Err(Error::Disconnected);
        }
        let (session, outputs) = core.parts();
        let token = session.token();
        let sent = match change {
            Subscription::Subscribe(filters) => {
                session.subscribe(filters, properties, token, op, outputs)
            }
            Subscription::Unsubscribe(filters) => {
                session.unsubscribe(filters, properties, token, op, outputs)
            }
        };
        drop(self.settle(core, Thread::Caller));
        sent?;
        Ok(token)
    }

    /// Waits for what an operation's end puts into the answer.
    pub fn wait_for_answer<T>(
        &self,
        answer: &Arc<Answer<T>>,
        timeout: Duration,
    ) -> Result<T, Error> {
        let (core, result) = self.wait_for(self.enter(), deadline_in(timeout), |_| answer.take());
        drop(self.settle(core, Thread::Caller));
        result.ok_or(Error::TimedOut)
    }

    /// Waits until the operation has ended, whether well or not.
    pub fn wait_for_token(&self, token: Token, timeout: Duration) -> Result<(), Error> {
        let core = self.alive()?;
        if !core.session.online() {
            return Err(Error::Disconnected);
        }
        let epoch = core.lifecycle.epoch();
        let deadline = deadline_in(timeout);
        let (core, result) = self.wait_for(core, deadline, |core| {
            let lost = core.lifecycle.epoch() != epoch;
            if lost && (is_pending(core, token) || core.given_up.contains(&token)) {
                Some(Err(Error::Disconnected))
            } else if is_pending(core, token) {
                None
            } else {
                Some(Ok(()))
            }
        });
        let result = result.unwrap_or(Err(Error::TimedOut));
        let core = if result.is_ok() {
            self.wait_until_told(core, Some(token), deadline)
        } else {
            core
        };
        drop(self.settle(core, Thread::Caller));
        result
    }

    /// Returns true if the operation has not ended. If it has, the program has heard of that.
    pub fn is_pending(&self, token: Token) -> bool {
        let core = self.enter();
        let pending = is_pending(&core, token);
        if !pending {
            drop(self.wait_until_told(core, Some(token), deadline_in(ANNOUNCEMENT)));
        }
        pending
    }

    /// Tokens of the publishes that have not ended, in order; of subscribes too where `all`.
    pub fn pending_tokens(&self, all: bool) -> Vec<Token> {
        let core = self.enter();
        let unwritten = core.outputs.unwritten_tokens();
        core.session
            .pending_tokens(all)
            .into_iter()
            .chain(unwritten)
            .collect()
    }

    /// Waits for a message, at most `timeout`, where calls drive. No message in time is no error.
    pub fn receive(&self, timeout: Duration) -> Result<Option<H::Message>, Error> {
        let core = self.alive()?;
        // With callbacks too, as in the original.
        if !core.session.online() && !core.outputs.has_messages() {
            return Err(Error::Disconnected);
        }
        if core.outputs.queue.driver() != Driver::Calls {
            // Its messages are the callbacks'.
            return Err(Error::Failed("the client has callbacks".into()));
        }
        let epoch = core.lifecycle.epoch();
        let core = if timeout.is_zero() && !core.outputs.has_messages() {
            // A program that never waits has no other call that reads the socket.
            self.look(core)
        } else {
            core
        };
        let (core, result) = self.wait_for(core, deadline_in(timeout), |core| {
            if core.outputs.queue.driver() != Driver::Calls {
                // Its messages are the callbacks' from now on.
                Some(Err(Error::Failed("the client has callbacks".into())))
            } else if let Some(message) = core.outputs.take_message() {
                Some(Ok(message))
            } else if core.lifecycle.epoch() != epoch {
                Some(Err(Error::Failed("the connection was lost".into())))
            } else {
                None
            }
        });
        drop(self.settle(core, Thread::Caller));
        result.transpose()
    }

    /// Processes what comes until the deadline, where calls drive.
    pub fn process_until(&self, deadline: Instant) {
        let core = self.lock();
        if core.outputs.queue.driver() != Driver::Calls || !core.session.online() {
            return;
        }
        let (core, _) = self.wait_for(core, Some(deadline), |core| {
            (!core.session.online()).then_some(())
        });
        drop(self.settle(core, Thread::Caller));
    }
}

impl<H: Host> Core<H> {
    /// Takes the oldest message that waits out.
    fn drop_oldest(&mut self) {
        let (session, outputs) = self.parts();
        session.drop_oldest(outputs);
    }

    /// Sees to it that a message which has to wait does not take more memory than the program wants. `dropping`: the oldest
    /// ones go, rather than the new one.
    #[cold]
    fn make_room(&mut self, publish: &Publish<'_>, dropping: bool) -> Result<(), Error> {
        let max = self.max_buffered_bytes();
        let size = publish.topic.len() + publish.payload.len() + publish.properties.len();
        if self.session.can_send(publish.qos) || max == usize::MAX {
            return Ok(());
        }
        // One that is larger than the limit alone has none dropped for it, nor has one that the server does not take.
        if size > max {
            return Err(Error::BufferFull);
        }
        if dropping {
            self.session.check_allowed(publish)?;
        }
        while self.session.queued_bytes() + size > max {
            if !dropping || self.session.queued() == 0 {
                return Err(Error::BufferFull);
            }
            self.drop_oldest();
        }
        Ok(())
    }

    /// Notes that a message was handed over. Of one without acknowledgement nobody learns whether it reached the server.
    pub(super) fn note_risk(&mut self, qos: QoS) {
        if qos == QoS::AtMostOnce {
            if let Some(connection) = self.lifecycle.connection_mut() {
                connection.risk();
            }
        }
    }
}

fn is_pending<H: Host>(core: &Guard<'_, H>, token: Token) -> bool {
    core.session.is_pending(token) || core.outputs.is_unwritten(token)
}
