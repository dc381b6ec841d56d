//! The ways in which a connection ends: lost, ended by the server, given up, or by a disconnect.

use std::time::{Duration, Instant};

use crate::engine::connection::closing::Retired;
use crate::engine::core::{Client, Error, Guard, Thread};
use crate::engine::host::{Event, Host, Loss, LossCause};
use crate::engine::last_error::LastError;
use crate::engine::wait::{ANNOUNCEMENT, deadline_in};
use crate::protocol::Version;
use crate::protocol::outbound::Batch;
use crate::protocol::property::{Properties, PropertiesRef};
use crate::protocol::reason;
use crate::reactor::reactor;
use crate::trace;

use super::state::{Disconnect, Ended, Leave};

/// How long the socket may take to accept DISCONNECT.
const CLOSE_GRACE: Duration = Duration::from_secs(1);
/// Longer than any program waits.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

impl<H: Host> Client<H> {
    /// Ends a connection that nobody on this side wanted to end.
    pub(in crate::engine) fn lose(&self, core: &mut Guard<'_, H>, why: Loss) {
        let Some(connection) = core.lifecycle.connection() else {
            return;
        };
        trace!(
            Error,
            "Connection of client {} lost: {}", self.setup.client_id, why.text
        );
        let details = connection.link().take_details();
        core.outputs.errors.note(LastError::of_loss(&why, &details));
        if let (false, Some(options)) = (details.is_empty(), core.lifecycle.options().cloned()) {
            self.tell_tls_errors(core, &options, details);
        }
        if core.lifecycle.is_attaching() {
            self.fail_handshake(core, None, &why);
            return;
        }
        self.end_connection(core, Some(why));
    }

    /// Ends the connection after the server's DISCONNECT.
    pub(in crate::engine) fn end_by_server(&self, core: &mut Guard<'_, H>) {
        if self.setup.lost_after_disconnect {
            self.lose(
                core,
                Loss::new(LossCause::Closed, "the server said DISCONNECT"),
            );
        } else {
            self.end_connection(core, None);
        }
    }

    /// Tells a MQTT 5 server why we leave ([MQTT-4.13.1-1]), if the socket takes it at once; a 3.x client just closes.
    pub(in crate::engine) fn say_why(&self, core: &mut Guard<'_, H>, reason: u8) {
        if core.session.version() == Version::V5 {
            self.say_disconnect(core, reason, PropertiesRef::EMPTY);
        }
    }

    /// Puts DISCONNECT into the outbound stream.
    pub(super) fn say_disconnect(
        &self,
        core: &mut Guard<'_, H>,
        reason: u8,
        properties: PropertiesRef<'_>,
    ) {
        let (session, outputs) = core.parts();
        if let Err(error) = session.disconnect(reason, properties, outputs) {
            // Validated when it was asked for; leaving without a word is all that is left.
            trace!(
                Error,
                "DISCONNECT of client {}: {error}", self.setup.client_id
            );
        }
    }

    /// Tells the program that the connection has ended, and reconnects where it wants that. `lost` is the reason if neither
    /// side has said so before.
    pub(super) fn end_connection(&self, core: &mut Guard<'_, H>, lost: Option<Loss>) {
        let said = has_said_disconnect(core);
        let Some(ended) = self.drop_connection(core) else {
            return;
        };
        if let Some(ops) = ended.leaving {
            for op in ops {
                core.outputs.tell(Event::DisconnectEnded { op, said });
            }
            return;
        }
        if let Some(loss) = lost {
            core.outputs.tell(Event::ConnectionLost(loss));
        }
        self.reconnect_later(core, !ended.session_ends, ended.unheard);
    }

    /// Forgets the connection, which is closed once the mutex is released, and ends what cannot go on without it. What is in
    /// the outbound stream behind a DISCONNECT's beginning is still said.
    #[must_use = "the program is told"]
    pub(in crate::engine) fn drop_connection(
        &self,
        core: &mut Guard<'_, H>,
    ) -> Option<Ended<H::Op, ()>> {
        let told = has_left(core);
        let unfinished = core.session.has_unfinished_publishes();
        let has_will = core
            .lifecycle
            .options()
            .is_some_and(|options| options.will.is_some());
        let Ended {
            connection,
            epoch,
            session_ends,
            leaving,
            unheard,
            attaching,
        } = core.lifecycle.end()?;
        let link = std::sync::Arc::clone(connection.link());
        if let (Ok(reactor), Some(fd)) = (reactor(), link.fd()) {
            reactor.unwatch(fd);
        }
        trace!(Minimum, "Removed socket {}", link.number());
        let mut retired = Retired::new(
            epoch,
            link,
            told.then(|| std::sync::Arc::clone(&self.setup.client_id)),
            connection.at_risk() || unfinished || has_will,
        );
        let writing = connection.writer.is_writing();
        let blocked = connection.writer.is_blocked();
        let mut words = connection.writer.into_batch().unwrap_or_default();
        if blocked {
            retired.silence();
        } else {
            *words = Batch::default();
            core.outputs.out.take(&mut words);
        }
        retired.say(*words);
        if writing {
            // That thread knows how far it got, and sees to the rest.
            core.retired.add_in_use(retired);
        } else {
            core.retired.add(retired);
        }
        let written = core.outputs.written();
        core.tally.wrote(written);
        core.driving.carried = false;
        core.outputs.end_stream(epoch, writing);
        let (session, outputs) = core.parts();
        session.connection_lost(outputs);
        if session_ends {
            core.given_up = session.pending_tokens(true).into();
            let (session, outputs) = core.parts();
            session.clear(outputs);
        }
        if core.waiters > 0 {
            self.changed.notify_all();
        }
        Some(Ended {
            connection: (),
            epoch,
            session_ends,
            leaving,
            unheard,
            attaching,
        })
    }

    /// Runs the keep-alive.
    pub(in crate::engine) fn tick(&self, core: &mut Guard<'_, H>, now: Instant) {
        if core.session.deadline().is_none_or(|at| now < at) {
            return;
        }
        if has_unread(core) {
            // The answer may well be among what nobody has read yet.
            core.session.heard(now);
        }
        let unacknowledged = core
            .lifecycle
            .connection()
            .map_or(0, |connection| connection.link().unacknowledged());
        let (session, outputs) = core.parts();
        session.unacknowledged_by_peer(now, unacknowledged);
        if !session.tick(now, outputs) {
            self.say_why(core, reason::KEEP_ALIVE_TIMEOUT);
            self.lose(
                core,
                Loss::new(LossCause::KeepAlive, "no answer to PINGREQ"),
            );
        }
    }

    /// Begins a disconnect: DISCONNECT is sent once nothing is in flight, or after `timeout`. `op` is told when the
    /// connection is closed. A call during a disconnect joins it.
    pub fn disconnect(
        &self,
        timeout: Duration,
        reason: u8,
        properties: Properties,
        op: Option<H::Op>,
    ) -> Result<(), Error> {
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or(now + FAR);
        let mut core = self.enter();
        match core.lifecycle.disconnect(deadline, reason, properties, op) {
            Disconnect::NotConnected => Err(Error::Disconnected),
            Disconnect::Begun => {
                drop(self.settle(core, Thread::Caller));
                Ok(())
            }
        }
    }

    /// Works as [`disconnect`](Self::disconnect), and waits for its end.
    pub fn disconnect_and_wait(
        &self,
        timeout: Duration,
        reason: u8,
        properties: Properties,
    ) -> Result<(), Error> {
        self.disconnect(timeout, reason, properties, None)?;
        let deadline = deadline_in(timeout.saturating_add(CLOSE_GRACE * 2));
        let (mut core, done) = self.wait_for(self.lock(), deadline, |core| {
            (!core.lifecycle.is_leaving()).then_some(())
        });
        if done.is_none() && core.lifecycle.is_leaving() {
            self.lose(
                &mut core,
                Loss::new(
                    LossCause::Transport,
                    "the socket took no DISCONNECT in time",
                ),
            );
        }
        // What has ended is told before the call returns, unless that takes longer than the program would wait for the server.
        let patience = deadline_in(timeout.max(ANNOUNCEMENT));
        let core = self.wait_until_told(core, None, patience);
        drop(self.settle(core, Thread::Caller));
        Ok(())
    }

    /// Goes on with a disconnect under way. Returns true if there is something new to write.
    pub(in crate::engine) fn go_on_leaving(&self, core: &mut Guard<'_, H>) -> bool {
        if !core.lifecycle.is_leaving() {
            return false;
        }
        let now = Instant::now();
        let idle = !core.session.has_unfinished_publishes();
        let written = core.outputs.out.is_empty()
            && core
                .lifecycle
                .connection()
                .is_some_and(|connection| connection.writer.is_idle());
        match core.lifecycle.leave(now, now + CLOSE_GRACE, idle, written) {
            Leave::Wait => false,
            Leave::Close => {
                self.end_connection(core, None);
                false
            }
            Leave::Say(reason, properties) => {
                self.say_disconnect(core, reason, properties.as_ref());
                true
            }
        }
    }
}

/// Returns true if DISCONNECT is in the outbound stream, or left with it.
fn has_left<H: Host>(core: &Guard<'_, H>) -> bool {
    !core.session.online() && !core.lifecycle.is_attaching()
}

/// Returns true if the server gets DISCONNECT: it was said, and the socket still takes bytes.
pub(super) fn has_said_disconnect<H: Host>(core: &Guard<'_, H>) -> bool {
    let connection = core.lifecycle.connection();
    has_left(core) && connection.is_some_and(|connection| !connection.writer.is_blocked())
}

/// Returns true if bytes have arrived that nobody has read: where calls drive, between them, or where reading is held back.
fn has_unread<H: Host>(core: &Guard<'_, H>) -> bool {
    core.lifecycle
        .connection()
        .is_some_and(|connection| connection.link().has_unread())
}
