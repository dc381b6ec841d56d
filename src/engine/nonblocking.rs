//! Publishing without ever waiting, and what a program can ask of a client: numbers for its own queues and metrics.

use std::sync::Arc;

use crate::protocol::error::Malformed;
use crate::protocol::packet::Publish;
use crate::protocol::property::PropertiesRef;
use crate::protocol::reason::{CONTINUE_AUTHENTICATION, RE_AUTHENTICATE};
use crate::protocol::session::{Accepted, AckToken, Pending};
use crate::transport::Link;

use super::api::{CLOCK, Subscription};
use super::core::{Client, Core, Error, Guard, Thread};
use super::delivery::queue::Untaken;
use super::host::{Event, Host};
use super::tally::{Counters, Room};

/// A publish is refused while the socket has not taken more bytes than this.
const MAX_UNWRITTEN: u64 = 1 << 20;

/// So many publishes of one call are accepted before the mutex is given back and they are written.
const AT_ONCE: u32 = 64;

/// So many acknowledgements of one call are given before the mutex is given back and they are written: as many messages as a
/// program usually has unread at most.
const ACKNOWLEDGED_AT_ONCE: usize = 1024;

/// How a publish may be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Without a connection.
    pub offline: bool,
    /// Although it has to wait, for quota or for a connection.
    pub waiting: bool,
    /// Where the program drives the writing, not written by the call.
    pub later: bool,
    /// How many may wait.
    pub max_waiting: usize,
}

/// How a publish was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its number: operations count from 1.
    pub number: u64,
    /// Its packet identifier, 0 if it has none (yet).
    pub packet_id: u16,
    /// The kernel, or whoever carries the bytes, has all of it.
    pub written: bool,
    /// It waits for a connection or for quota.
    pub waits: bool,
    /// Bytes are left to be written.
    pub unwritten: bool,
}

/// How several publishes were accepted.
#[derive(Debug)]
pub struct Many<E> {
    /// So many were.
    pub accepted: u32,
    /// The number of the first; 0 where none was.
    pub first: u64,
    /// Why the next one was not.
    pub outcome: Result<(), E>,
}

impl<H: Host> Client<H> {
    /// Accepts a publish, without waiting. `op` makes what is attached to it, of its number.
    pub fn try_publish(
        &self,
        publish: &Publish<'_>,
        terms: Terms,
        op: impl FnOnce(u64) -> H::Op,
    ) -> Result<Published, Error> {
        let mut core = self.enter();
        let number = core.tally.operations + 1;
        let accepted = Self::accept(&mut core, publish, terms, || op(number))?;
        core.tally.operations = number;
        let (epoch, end) = (core.lifecycle.epoch(), core.outputs.out.position());
        let core = self.settle_published(core, terms.later);
        let sent = matches!(accepted, Accepted::Sent(_));
        let same = core.lifecycle.epoch() == epoch;
        Ok(Published {
            number,
            packet_id: match accepted {
                Accepted::Sent(id) | Accepted::Queued(id) => id,
            },
            written: sent && same && core.outputs.written() >= end,
            waits: !sent,
            unwritten: same && core.outputs.unwritten() > 0,
        })
    }

    /// Accepts at most `n` publishes, in order, without waiting: what `next` gives, until the first that is not accepted. Their
    /// numbers run on from the first, whatever others publish meanwhile.
    pub fn try_publish_many<'m, E: From<Error>>(
        &self,
        n: u32,
        mut next: impl FnMut(u32) -> Result<(Publish<'m>, Terms), E>,
        op: impl Fn(u64, &Publish<'m>) -> H::Op,
    ) -> Many<E> {
        let mut many = Many {
            accepted: 0,
            first: 0,
            outcome: Ok(()),
        };
        let mut core = self.enter();
        let before = core.tally.operations;
        // Others number theirs behind all of these.
        core.tally.operations += u64::from(n);
        let reserved = core.tally.operations;
        while many.accepted < n && many.outcome.is_ok() {
            // The mutex is not held for longer than this takes, and what was accepted is on its way meanwhile.
            let turn = (many.accepted + AT_ONCE).min(n);
            let mut later = false;
            while many.accepted < turn && many.outcome.is_ok() {
                let number = before + 1 + u64::from(many.accepted);
                many.outcome = next(many.accepted).and_then(|(publish, terms)| {
                    Self::accept(&mut core, &publish, terms, || op(number, &publish))?;
                    later = terms.later;
                    Ok(())
                });
                many.accepted += u32::from(many.outcome.is_ok());
            }
            drop(self.settle_published(core, later));
            core = self.lock();
        }
        if many.accepted > 0 {
            many.first = before + 1;
        }
        if core.tally.operations == reserved {
            core.tally.operations = before + u64::from(many.accepted);
        }
        many
    }

    /// Takes a publish over, if the terms allow that now.
    fn accept(
        core: &mut Guard<'_, H>,
        publish: &Publish<'_>,
        terms: Terms,
        op: impl FnOnce() -> H::Op,
    ) -> Result<Accepted, Error> {
        if core.lifecycle.is_destroyed() {
            return Err(Error::destroyed());
        }
        let online = core.session.online() && !core.lifecycle.has_said_goodbye();
        let may_wait = terms.offline && terms.waiting;
        if !(online || may_wait) {
            return Err(Error::Disconnected);
        }
        let refused = if online && core.outputs.unwritten() > MAX_UNWRITTEN {
            Some(Room::Bytes)
        } else if core.outputs.queue.is_crowded() {
            Some(Room::Events)
        } else if core.session.can_send(publish.qos) {
            None
        } else if !terms.waiting {
            Some(Room::Quota)
        } else if core.session.queued() >= terms.max_waiting {
            Some(Room::Queue(terms.max_waiting))
        } else {
            None
        };
        if let Some(room) = refused {
            core.tally.refused.note(room);
            return Err(Error::WouldBlock);
        }
        let (session, outputs) = core.parts();
        let token = session.token();
        let accepted = session.publish(publish, Some(token), op(), true, CLOCK, outputs)?;
        core.note_risk(publish.qos);
        Ok(accepted)
    }

    /// Settles after publishes, unless the program drives the writing and wants to have them written later.
    fn settle_published<'a>(&'a self, core: Guard<'a, H>, later: bool) -> Guard<'a, H> {
        if later && core.driving.writes() {
            core
        } else {
            self.settle(core, Thread::Caller)
        }
    }

    /// Sends a SUBSCRIBE or an UNSUBSCRIBE. `op` makes what is attached to it, of its number, which is returned.
    pub fn request(
        &self,
        request: &Subscription<'_>,
        properties: PropertiesRef<'_>,
        op: impl FnOnce(u64) -> H::Op,
    ) -> Result<u64, Error> {
        let mut core = self.alive()?;
        if !core.lifecycle.is_open() {
            return Err(Error::Disconnected);
        }
        let number = core.tally.operations + 1;
        let (session, outputs) = core.parts();
        let token = session.token();
        let op = op(number);
        let sent = match request {
            Subscription::Subscribe(filters) => {
                session.subscribe(filters, properties, token, op, outputs)
            }
            Subscription::Unsubscribe(filters) => {
                session.unsubscribe(filters, properties, token, op, outputs)
            }
        };
        sent?;
        core.tally.operations = number;
        drop(self.settle(core, Thread::Caller));
        Ok(number)
    }

    /// Takes the program's acknowledgements of messages. Returns how many were for messages of this connection that waited
    /// for one.
    pub fn acknowledge(
        &self,
        tokens: impl Iterator<Item = AckToken>,
        reason: u8,
    ) -> Result<usize, Error> {
        let mut tokens = tokens.peekable();
        let mut given = 0;
        let mut outcome = Ok(());
        drop(self.alive()?);
        while tokens.peek().is_some() && outcome.is_ok() {
            // Those of one turn leave in one write. Between two turns others get the mutex.
            let mut core = self.lock();
            let (session, outputs) = core.parts();
            for token in tokens.by_ref().take(ACKNOWLEDGED_AT_ONCE) {
                match session.acknowledge(token, reason, outputs) {
                    Ok(found) => given += usize::from(found),
                    Err(refused) => {
                        outcome = Err(refused);
                        break;
                    }
                }
            }
            drop(self.settle(core, Thread::Caller));
        }
        outcome?;
        Ok(given)
    }

    /// Takes a publish back that has not been sent: the one of which `is_it` is true. Returns false if there is none.
    pub fn cancel(&self, is_it: impl Fn(&H::Op) -> bool) -> bool {
        let mut core = self.lock();
        let (session, outputs) = core.parts();
        let found = session.cancel_where(|_, op| is_it(op), outputs);
        drop(self.settle(core, Thread::Caller));
        found
    }

    /// Returns the operations that have not ended, each as `describe` has it.
    pub fn pending<T>(&self, describe: impl Fn(Pending, &H::Op) -> T) -> Vec<T> {
        self.lock().session.pending_with(describe)
    }

    /// Sends AUTH, before CONNACK or to authenticate anew. Fails with `Ignored` where it is not the program's turn.
    pub fn authenticate(&self, reason: u8, properties: PropertiesRef<'_>) -> Result<(), Error> {
        if ![CONTINUE_AUTHENTICATION, RE_AUTHENTICATE].contains(&reason) {
            return Err(Malformed::new(reason, "AUTH: neither an answer nor a beginning").into());
        }
        let mut core = self.alive()?;
        let state = &mut *core.core;
        if let Some(handshake) = state.lifecycle.handshake_mut() {
            if reason != CONTINUE_AUTHENTICATION || !handshake.is_asked() {
                return Err(Error::Ignored);
            }
            handshake.authenticate(properties, state.outputs.out.tail())?;
        } else if !state.session.online() {
            return Err(Error::Disconnected);
        } else if reason == CONTINUE_AUTHENTICATION {
            if !state.session.is_asked() {
                return Err(Error::Ignored);
            }
            state.session.authenticate(properties, &mut state.outputs)?;
        } else {
            if !state.session.may_reauthenticate() {
                return Err(Error::Ignored);
            }
            state
                .session
                .reauthenticate(properties, &mut state.outputs)?;
        }
        drop(self.settle(core, Thread::Caller));
        Ok(())
    }

    /// Returns the link of the connection, for what the system has to say of its socket.
    pub fn link(&self) -> Option<Arc<Link>> {
        let core = self.lock();
        core.lifecycle
            .connection()
            .map(|connection| Arc::clone(connection.link()))
    }

    /// Sets the number of the last operation that was given one before any was accepted.
    pub fn begin_numbers_after(&self, number: u64) {
        self.lock().tally.operations = number;
    }

    /// Has packet identifiers go on behind those that a store gave back: their order is all that it knows of the order in which the
    /// messages were sent.
    pub fn continue_packet_ids(&self) {
        self.lock().session.continue_packet_ids();
    }

    /// Sets from how many unread messages on the socket is not read.
    pub fn set_unread_limits(&self, messages: usize, bytes: usize) {
        let limits = super::delivery::queue::Limits { messages, bytes };
        self.lock().outputs.queue.set_limits(limits);
    }

    /// Has the socket not read, and publishes refused, while the host's program has not taken so many events as this counts.
    pub fn hold_back_for(&self, untaken: Arc<Untaken>) {
        self.lock().outputs.queue.hold_back_for(untaken);
    }

    /// Returns what has happened so far and what is going on.
    pub fn counters(&self) -> Counters {
        let core = self.lock();
        let (unread_messages, unread_bytes) = core.outputs.queue.unread();
        Counters {
            connections: core.tally.connections,
            bytes_in: core.tally.bytes_in + self.exchanged.bytes_in(),
            bytes_out: core.tally.bytes_out + core.outputs.written() + self.exchanged.bytes_out(),
            messages_in: core.outputs.queue.received(),
            messages_out: core.session.sent_publishes(),
            queued: core.session.waiting() as u64,
            in_flight: core.session.in_flight() as u64,
            unwritten_bytes: core.outputs.unwritten(),
            unread_messages: unread_messages as u64,
            unread_bytes: unread_bytes as u64,
            unacknowledged: core.session.unacknowledged() as u64,
            ping_round_trip: core.session.ping_round_trip(),
        }
    }

    /// Tells the program if there is room for what was refused.
    pub(super) fn tell_room(core: &mut Guard<'_, H>) {
        if core.tally.refused.is_none() {
            return;
        }
        let Core {
            session,
            outputs,
            tally,
            ..
        } = &mut *core.core;
        // Without a connection the answer has changed, but where as many wait as may.
        let online = session.online();
        let told = tally.refused.take(|room| match room {
            Room::Bytes => !online || outputs.unwritten() <= MAX_UNWRITTEN / 2,
            Room::Quota => !online || session.can_send(crate::protocol::QoS::AtLeastOnce),
            Room::Queue(max) => session.queued() < max,
            Room::Events => !outputs.queue.is_crowded(),
        });
        if told {
            core.outputs.tell(Event::Room);
        }
    }
}
