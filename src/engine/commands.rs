//! Publish, subscribe, unsubscribe, and what is pending.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::protocol::QoS;
use crate::protocol::packet::{Filter, Publish};
use crate::protocol::property::PropertiesRef;
use crate::protocol::session::{Accepted, Refused, Token};
use crate::trace;

use super::host::Host;
use super::state::{Client, Error, Guard, Phase};
use super::wait::{Slot, deadline_in};

/// A publish is held up while the socket has not taken more bytes than this, rather than let them fill the memory.
const MAX_UNWRITTEN: u64 = 1 << 20;
/// How long a publish that does not block is held up at most.
const MOMENT: Duration = Duration::from_millis(1);

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
    fn alive(&self) -> Result<Guard<'_, H>, Error> {
        let core = self.lock();
        if core.destroyed {
            return Err(Error::Failed("the client is destroyed".into()));
        }
        Ok(core)
    }

    /// Accepts a message without waiting: it is sent now, or when the connection and the limits allow it. `op` is told
    /// of its end.
    pub fn send(&self, publish: &Publish<'_>, op: H::Op) -> Result<Token, Error> {
        let mut core = self.alive()?;
        let create = &self.setup.create;
        if !core.session.online() || core.closing.as_ref().is_some_and(|closing| closing.said) {
            let may_wait = create.send_while_disconnected
                && (core.should_be_connected || create.allow_disconnected_send_at_any_time);
            if !may_wait {
                return Err(Error::Disconnected);
            }
            if core.session.queued() >= create.max_buffered_messages {
                if !create.delete_oldest_messages {
                    return Err(Error::BufferFull);
                }
                let (session, io) = core.parts();
                session.drop_oldest(io);
            }
        }
        if core.unwritten() > MAX_UNWRITTEN {
            // Far ahead of the socket: give it a moment, but never more. A stalled server must not block this call.
            core.waiters += 1;
            self.changed.wait_for(&mut core.core, MOMENT);
            core.waiters -= 1;
        }
        let (session, io) = core.parts();
        // Tokens follow the packet identifiers, as programs see them in the original; a QoS 0 message has neither.
        let token = match publish.qos {
            QoS::AtMostOnce => 0,
            _ => session.token(),
        };
        let accepted = session.publish(publish, Some(token), op, true, Instant::now(), io);
        self.finish(core);
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
            core.session.can_send(publish.qos) && core.unwritten() < MAX_UNWRITTEN
        };
        if !ready(&core) {
            trace!(
                Minimum,
                "Blocking publish on queue full for client {}", self.setup.client_id
            );
            let epoch = core.epoch;
            core = self.wait_for_room(core, ready);
            if core.epoch != epoch || core.destroyed || !core.session.online() {
                self.finish(core);
                return Err(Error::Disconnected);
            }
            trace!(
                Minimum,
                "Resuming publish now queue not full for client {}", self.setup.client_id
            );
        }
        let (session, io) = core.parts();
        let accepted = session.publish(publish, None, op, false, Instant::now(), io);
        let core = self.finish_holding(core);
        let accepted = accepted?;
        if core.blocked() && !self.wait_until_written(core) && publish.qos == QoS::AtMostOnce {
            return Err(Error::Failed(
                "the connection was lost before the message was written".into(),
            ));
        }
        match accepted {
            Accepted::Sent(id) => Ok(id),
            Accepted::Queued(id) => Ok(id),
        }
    }

    /// The socket takes no more: waits until all that is there now has been written, as the original's publish does, so
    /// that a program may leave right after it. False: the connection ended first.
    fn wait_until_written(&self, core: Guard<'_, H>) -> bool {
        let (epoch, end) = (core.epoch, core.io.out.position());
        let core = self.wait_for_room(core, |core| core.written >= end);
        let written = core.epoch == epoch;
        self.finish(core);
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
        if core.phase != Phase::Connected {
            return Err(Error::Disconnected);
        }
        let (session, io) = core.parts();
        let token = session.token();
        let sent = match change {
            Subscription::Subscribe(filters) => {
                session.subscribe(filters, properties, token, op, io)
            }
            Subscription::Unsubscribe(filters) => {
                session.unsubscribe(filters, properties, token, op, io)
            }
        };
        self.finish(core);
        sent?;
        Ok(token)
    }

    /// Waits for what an operation's end puts into the slot.
    pub fn wait_for_slot<T>(&self, slot: &Arc<Slot<T>>, timeout: Duration) -> Result<T, Error> {
        let (core, result) = self.wait_for(self.lock(), deadline_in(timeout), |_| slot.take());
        self.finish(core);
        result.ok_or(Error::TimedOut)
    }

    /// Waits until the operation has ended, whether well or not.
    pub fn wait_for_token(&self, token: Token, timeout: Duration) -> Result<(), Error> {
        let core = self.alive()?;
        if !core.session.online() {
            return Err(Error::Disconnected);
        }
        let epoch = core.epoch;
        let (core, result) = self.wait_for(core, deadline_in(timeout), |core| {
            let lost = core.epoch != epoch;
            if lost && (is_pending(core, token) || core.given_up.contains(&token)) {
                Some(Err(Error::Disconnected))
            } else if is_pending(core, token) {
                None
            } else {
                Some(Ok(()))
            }
        });
        self.finish(core);
        result.unwrap_or(Err(Error::TimedOut))
    }

    /// Whether the operation has not ended.
    pub fn is_pending(&self, token: Token) -> bool {
        is_pending(&self.lock(), token)
    }

    /// Tokens of the publishes that have not ended, in order; of subscribes too where `all`.
    pub fn pending_tokens(&self, all: bool) -> Vec<Token> {
        let core = self.lock();
        let unwritten = core.io.unwritten.iter().map(|(_, done)| done.token);
        core.session
            .pending_tokens(all)
            .into_iter()
            .chain(unwritten)
            .collect()
    }

    /// Synchronous client: waits for a message, at most `timeout`. No message in time is no error.
    pub fn receive(&self, timeout: Duration) -> Result<Option<H::Message>, Error> {
        let core = self.alive()?;
        if !core.synchronous {
            // Its messages are the callbacks'.
            return Err(Error::Failed("the client has callbacks".into()));
        }
        if !core.session.online() && core.io.messages == 0 {
            return Err(Error::Disconnected);
        }
        let epoch = core.epoch;
        let (core, result) = self.wait_for(core, deadline_in(timeout), |core| {
            if let Some(message) = core.io.take_message() {
                Some(Ok(message))
            } else if core.epoch != epoch {
                Some(Err(Error::Failed("the connection was lost".into())))
            } else {
                None
            }
        });
        self.finish(core);
        result.transpose()
    }

    /// Synchronous client: processes what comes until the deadline.
    pub fn process_until(&self, deadline: Instant) {
        let core = self.lock();
        if !core.synchronous || !core.session.online() {
            return;
        }
        let (core, _) = self.wait_for(core, Some(deadline), |core| {
            (!core.session.online()).then_some(())
        });
        self.finish(core);
    }
}

fn is_pending<H: Host>(core: &Guard<'_, H>, token: Token) -> bool {
    core.session.is_pending(token) || core.io.is_unwritten(token)
}
