//! The ways in which a connection, and a client, ends.

use std::time::{Duration, Instant};

use crate::protocol::outbound::Batch;
use crate::protocol::property::{Properties, PropertiesRef, PropertyId};
use crate::protocol::reason;
use crate::trace;

use super::host::{Event, Host};
use super::state::{CLOSE_GRACE, Client, Closing, Error, Guard, LastWords, Phase, Writer};
use crate::reactor::{Reactor, reactor};

impl<H: Host> Client<H> {
    /// The connection is lost: nobody on this side wanted it.
    pub(super) fn lose(&self, core: &mut Guard<'_, H>, why: &str) {
        trace!(
            Error,
            "Connection of client {} lost: {why}", self.setup.client_id
        );
        let phase = core.phase;
        let details = core
            .connection
            .as_ref()
            .map_or_else(Vec::new, |connection| connection.link.take_details());
        self.drop_connection(core);
        if let (false, Some(options)) = (details.is_empty(), core.options.clone()) {
            self.tell_tls_errors(core, &options, details);
        }
        match phase {
            Phase::Disconnecting => disconnected(core),
            Phase::Connected => {
                if !core.synchronous {
                    core.io.tell(Event::ConnectionLost);
                }
                self.reconnect_later(core, true);
            }
            Phase::Idle | Phase::Connecting | Phase::Reconnecting => {}
        }
    }

    /// The server has said DISCONNECT.
    pub(super) fn end_by_server(&self, core: &mut Guard<'_, H>) {
        if self.setup.lost_after_disconnect {
            self.lose(core, "the server said DISCONNECT");
            return;
        }
        let phase = core.phase;
        self.drop_connection(core);
        if phase == Phase::Disconnecting {
            disconnected(core);
        } else {
            self.reconnect_later(core, true);
        }
    }

    /// Forgets the connection and ends what cannot go on without it.
    fn drop_connection(&self, core: &mut Guard<'_, H>) {
        let epoch = core.epoch;
        core.epoch += 1;
        core.phase = Phase::Idle;
        // A thread that is at it this moment knows how far it got, and sees to the rest.
        let writing = core
            .connection
            .as_ref()
            .is_some_and(|connection| matches!(connection.writer, Writer::Busy));
        if writing {
            core.io.leave_to_writer(epoch);
        }
        if let Some(connection) = core.connection.take() {
            if let (Ok(reactor), Some(fd)) = (reactor(), connection.link.fd()) {
                reactor.unwatch(fd);
            }
            if core
                .last_words
                .as_ref()
                .is_none_or(|words| words.epoch != epoch)
            {
                // It is offline before its time only where the server was told.
                let told = !core.session.online();
                let client = told.then_some(&self.setup.client_id);
                super::linger::close(&connection.link, client);
            }
            let socket = connection.link.number();
            trace!(Minimum, "Removed socket {socket}");
        }
        core.io.out.reset();
        core.written = 0;
        if !writing {
            core.io.fail_unwritten();
        }
        core.io.progressed = true;
        let ends = core.session_ends;
        let (session, io) = core.parts();
        session.connection_lost(io);
        if ends {
            core.given_up = session.pending_tokens(true);
            let (session, io) = core.parts();
            session.clear(io);
        }
        if core.waiters > 0 {
            self.changed.notify_all();
        }
    }

    /// Keep-alive.
    pub(super) fn tick(&self, core: &mut Guard<'_, H>, now: Instant) {
        if core.session.deadline().is_none_or(|at| now < at) {
            return;
        }
        if unread(core) {
            // The answer may well be among what nobody has read yet.
            core.session.heard(now);
        }
        let (session, io) = core.parts();
        if !session.tick(now, io) {
            super::receive::say_goodbye(core, reason::KEEP_ALIVE_TIMEOUT);
            self.lose(core, "no answer to PINGREQ");
        }
    }

    /// Begins a disconnect: DISCONNECT is sent once nothing is in flight, or after `timeout`. `op` is told when the
    /// connection is closed.
    pub fn disconnect(
        &self,
        timeout: Duration,
        reason: u8,
        properties: Properties,
        op: Option<H::Op>,
    ) -> Result<(), Error> {
        let mut core = self.lock();
        match core.phase {
            Phase::Connected => {}
            Phase::Idle => return Err(Error::Disconnected),
            Phase::Reconnecting => {
                // An explicit disconnect ends the automatic reconnect.
                super::connect::stop_connecting(&mut core);
                return Err(Error::Disconnected);
            }
            Phase::Connecting | Phase::Disconnecting => return Err(Error::Ignored),
        }
        core.phase = Phase::Disconnecting;
        core.should_be_connected = false;
        let now = Instant::now();
        core.closing = Some(Box::new(Closing {
            deadline: now.checked_add(timeout).unwrap_or(now + FAR),
            reason,
            properties,
            op,
            said: false,
        }));
        self.finish(core);
        Ok(())
    }

    /// As [`disconnect`](Self::disconnect), and waits for its end.
    pub fn disconnect_and_wait(
        &self,
        timeout: Duration,
        reason: u8,
        properties: Properties,
    ) -> Result<(), Error> {
        self.disconnect(timeout, reason, properties, None)?;
        let deadline = super::wait::deadline_in(timeout.saturating_add(CLOSE_GRACE * 2));
        let (mut core, done) = self.wait_for(self.lock(), deadline, |core| {
            core.closing.is_none().then_some(())
        });
        if done.is_none() && core.phase == Phase::Disconnecting {
            self.lose(&mut core, "the socket took no DISCONNECT in time");
        }
        self.finish(core);
        Ok(())
    }

    /// Goes on with a disconnect under way; true: there is something new to write.
    pub(super) fn check_closing(&self, core: &mut Guard<'_, H>) -> bool {
        if core.closing.is_none() {
            return false;
        }
        let now = Instant::now();
        let idle = !core.session.has_unfinished_publishes();
        let written = core.io.out.is_empty()
            && core
                .connection
                .as_ref()
                .is_some_and(|connection| matches!(connection.writer, Writer::Idle(_)));
        let Some(closing) = &mut core.closing else {
            return false;
        };
        let late = now >= closing.deadline;
        if closing.said {
            if written || late {
                self.drop_connection(core);
                disconnected(core);
            }
            return false;
        }
        if !idle && !late {
            return false;
        }
        closing.said = true;
        closing.deadline = now + CLOSE_GRACE;
        let (reason, properties) = (closing.reason, std::mem::take(&mut closing.properties));
        if let Some(expiry) = properties
            .as_ref()
            .number(PropertyId::SessionExpiryInterval)
        {
            core.session_ends = expiry == 0;
        }
        let (session, io) = core.parts();
        if let Err(error) = session.disconnect(reason, properties.as_ref(), io) {
            // Validated when it was asked for; leaving without a word is all that is left.
            trace!(
                Error,
                "DISCONNECT of client {}: {error}", self.setup.client_id
            );
            self.drop_connection(core);
            disconnected(core);
        }
        true
    }

    /// Ends the client. All that is pending fails, and its callbacks run here, before this returns; none runs after.
    /// What a store holds stays there.
    pub fn destroy(&self) {
        let mut core = self.lock();
        if core.destroyed {
            return;
        }
        core.destroyed = true;
        super::connect::stop_connecting(&mut core);
        if core.connection.is_some() {
            let (session, io) = core.parts();
            // A server that hears DISCONNECT does not send the will.
            let said = session.disconnect(reason::NORMAL_DISCONNECTION, PropertiesRef::EMPTY, io);
            debug_assert!(said.is_ok());
            write_last(&mut core);
            self.drop_connection(&mut core);
        }
        disconnected(&mut core);
        let (session, io) = core.parts();
        session.abandon(io);
        io.fail_unwritten();
        if let Some(timer) = core.timer.take() {
            if let Ok(reactor) = reactor() {
                reactor.set_timer(self.key, Some(timer), None);
            }
        }
        Reactor::unregister(self.key);
        self.changed.notify_all();
        let this = std::thread::current().id();
        while core.others_in_callbacks(this) {
            core.waiters += 1;
            self.changed.wait(&mut core.core);
            core.waiters -= 1;
        }
        let mut events = std::mem::take(&mut core.io.events);
        core.io.records.close();
        drop(core);
        let mut left = std::mem::take(&mut *self.batch.lock());
        left.append(&mut events);
        for event in left {
            match event {
                Event::Completed(_)
                | Event::ConnectEnded { .. }
                | Event::DisconnectEnded { .. } => {
                    self.host.handle(event);
                }
                _ => {}
            }
        }
    }
}

/// Longer than any program waits.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Bytes have arrived that nobody has read: a synchronous client between API calls, or one held back.
fn unread<H: Host>(core: &Guard<'_, H>) -> bool {
    core.connection
        .as_ref()
        .is_some_and(|connection| connection.link.has_unread())
}

/// A disconnect that the program asked for is done.
fn disconnected<H: Host>(core: &mut Guard<'_, H>) {
    core.phase = Phase::Idle;
    let closing = core.closing.take();
    if let Some(op) = closing.and_then(|closing| closing.op) {
        core.io.tell(Event::DisconnectEnded { op });
    }
    core.io.progressed = true;
}

/// Writes what waits, as far as the socket takes it at once: a last word before the connection is dropped. One
/// attempt that does not block, so it is made under the mutex. Where another thread is writing it is left to that one.
pub(super) fn write_last<H: Host>(core: &mut Guard<'_, H>) {
    let state = &mut *core.core;
    if let Some(connection) = &mut state.connection {
        match &mut connection.writer {
            Writer::Idle(batch) => {
                state.io.out.take(batch);
                // Whatever comes of it, the connection ends now.
                let _ = super::flush::write(&connection.link, batch);
            }
            Writer::Busy => {
                let mut batch = Batch::default();
                state.io.out.take(&mut batch);
                state.last_words = Some(Box::new(LastWords {
                    epoch: state.epoch,
                    batch,
                }));
            }
            // The socket takes nothing.
            Writer::Blocked(_) => {}
        }
    }
}
