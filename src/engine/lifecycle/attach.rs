//! Connections over links that the program has made: the handshake is carried by whoever carries the link, the reactor's
//! threads or the program's, and no task of the connect runtime takes part.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::engine::connection::Connection;
use crate::engine::connection::closing::wait_for_closing;
use crate::engine::core::{Client, Error, Guard, Thread};
use crate::engine::host::{ConnectFailure, Connected, Event, Host, Loss, LossCause};
use crate::engine::runtime::runtime;
use crate::options::{ConnectOptions, VersionChoice};
use crate::protocol::handshake::{Answer, Handshake};
use crate::protocol::packet::mark_bridge;
use crate::protocol::property::Properties;
use crate::protocol::{Version, reason};
use crate::reactor::{Reactor, reactor};
use crate::trace;
use crate::transport::apart::with_presence;
use crate::transport::uri::ServerUri;
use crate::transport::{ConnectError, Link, Plan, Stage};

use super::clear::clear_where_asked;
use super::connack::{ends_with_connection, refusal, tell_connect_ended};
use super::connect::{PanicGuard, is_bridge, target_of};
use super::exchange::Wiped;

/// What a link is made of.
enum Base {
    /// The program's link, with what the URI says on top.
    Programs(Link, ServerUri),
    /// A link of the engine's own to one of the options' servers.
    Engines,
}

impl<H: Host> Client<H> {
    /// Begins a connection over a link to a server: CONNECT is written. `op` is told how it ended, within the options'
    /// `connect_timeout`, which does not count if it is zero.
    pub fn attach(&self, link: Link, options: ConnectOptions, op: H::Op) -> Result<(), Error> {
        // Once there is a connection nobody is left to tell of the want of threads.
        reactor()
            .and_then(Reactor::prepare)
            .map_err(|error| Error::Failed(error.to_string()))?;
        let version = version(&options);
        let (handshake, packet) = self.handshake(version, &options)?;
        let now = Instant::now();
        let deadline = deadline(&options, now);
        let mut core = self.enter();
        let connection = Connection::new(Arc::new(link), now);
        let options = Arc::new(options);
        core.lifecycle.attach(
            Arc::clone(&options),
            op,
            connection,
            handshake,
            now,
            deadline,
        )?;
        clear_where_asked(&options, &mut core);
        self.begin_handshake(core, packet);
        Ok(())
    }

    /// Works as [`attach`](Self::attach), with what the URI says between link and MQTT: a WebSocket. A task of the connect
    /// runtime sees to that first.
    pub fn attach_over(
        self: &Arc<Self>,
        link: Link,
        uri: ServerUri,
        options: ConnectOptions,
        op: H::Op,
    ) -> Result<(), Error> {
        Plan::over(&uri, &options).map_err(|error| Error::Unusable(Box::new(error)))?;
        self.attach_when_made(Base::Programs(link, uri), options, op)
    }

    /// Works as [`connect`](Self::connect), for a CONNECT with an Authentication Method: the engine makes the link, to the
    /// first server that can be reached, and the handshake is carried as on an attached one, for it takes as many answers of
    /// the program's as the server wants.
    pub fn connect_to_authenticate(
        self: &Arc<Self>,
        mut options: ConnectOptions,
        op: H::Op,
    ) -> Result<(), Error> {
        self.ask_while_alive(&mut options);
        self.check_connect(&options)?;
        self.attach_when_made(Base::Engines, options, op)
    }

    /// Begins a connection over a link that a task of the connect runtime makes ready first.
    fn attach_when_made(
        self: &Arc<Self>,
        base: Base,
        options: ConnectOptions,
        op: H::Op,
    ) -> Result<(), Error> {
        let runtime = reactor()
            .and_then(Reactor::prepare)
            .and_then(|()| runtime())
            .map_err(|error| Error::Failed(error.to_string()))?;
        let version = version(&options);
        let (handshake, packet) = self.handshake(version, &options)?;
        let deadline = deadline(&options, Instant::now());
        let options = Arc::new(options);
        let mut core = self.enter();
        let epoch = core.lifecycle.connect(Arc::clone(&options), op)?;
        let cleared = clear_where_asked(&options, &mut core);
        let client = Arc::clone(self);
        let present = self.present(&mut core);
        let task = runtime.spawn(with_presence(present, async move {
            let _guard = PanicGuard {
                client: &client,
                epoch,
            };
            let far = || Instant::now() + FAR;
            let until = tokio::time::Instant::from_std(deadline.unwrap_or_else(far));
            match client.make(base, &options, until).await {
                Ok(link) => {
                    let mut core = client.lock();
                    let connection = Connection::new(Arc::new(link), Instant::now());
                    let attached = core.lifecycle.attach_prepared(
                        epoch,
                        connection,
                        handshake,
                        Instant::now(),
                        deadline,
                    );
                    match attached {
                        Ok(()) => client.begin_handshake(core, packet),
                        Err(connection) => {
                            drop(core);
                            connection.link().shutdown();
                        }
                    }
                }
                Err(error) => {
                    let failure = ConnectFailure::new(Some(error.stage), error.message);
                    // As in `begin_connect`.
                    drop((options, packet));
                    client.not_established(failure, epoch);
                }
            }
        }));
        core.lifecycle.set_task(task.abort_handle());
        if cleared {
            drop(self.settle(core, Thread::Caller));
        }
        Ok(())
    }

    async fn make(
        &self,
        base: Base,
        options: &ConnectOptions,
        until: tokio::time::Instant,
    ) -> Result<Link, ConnectError> {
        if let Base::Programs(link, uri) = base {
            return self
                .connector
                .connect_over(link, &uri, options, until)
                .await;
        }
        let mut last = None;
        for uri in &options.server_uris {
            let made = match target_of(uri) {
                Ok(uri) => self.connector.connect(&uri, options, until).await,
                Err(error) => Err(error),
            };
            match made {
                Ok(link) => {
                    let closing = wait_for_closing(&self.setup.client_id, &link);
                    // Past the deadline the handshake says so.
                    let _late = tokio::time::timeout_at(until, closing).await;
                    return Ok(link);
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last
            .unwrap_or_else(|| ConnectError::new(Stage::NotSupported, "no server to connect to")))
    }

    /// Returns the handshake, and the CONNECT that begins it.
    fn handshake(
        &self,
        version: Version,
        options: &ConnectOptions,
    ) -> Result<(Handshake, Wiped), Error> {
        let mut packet = Wiped(BytesMut::new());
        let handshake = self.with_connect(version, options, options.clean, |connect| {
            Handshake::new(connect, &mut packet.0)
        })?;
        if is_bridge(options) {
            mark_bridge(&mut packet.0);
        }
        Ok((handshake, packet))
    }

    fn begin_handshake(&self, mut core: Guard<'_, H>, packet: Wiped) {
        trace!(Protocol, "{} -> CONNECT", self.setup.client_id);
        core.outputs.out.push_secret(Bytes::from_owner(packet));
        core.driving.carried = core
            .lifecycle
            .connection()
            .is_some_and(|connection| connection.link().fd().is_none());
        if let Err(error) = self.watch(&mut core) {
            self.lose(&mut core, error.into());
        }
        drop(self.settle(core, Thread::Caller));
    }

    /// Feeds the handshake. Returns how many bytes were used.
    pub(in crate::engine) fn shake_hands(&self, core: &mut Guard<'_, H>, bytes: &[u8]) -> usize {
        if let Some(handshake) = core.lifecycle.handshake_mut() {
            handshake.receive(bytes);
        }
        loop {
            let Some(handshake) = core.lifecycle.handshake_mut() else {
                return bytes.len();
            };
            match handshake.answer() {
                Ok(None) => return bytes.len(),
                Ok(Some(Answer::Continue(properties))) => core.outputs.tell(Event::Auth {
                    reason: reason::CONTINUE_AUTHENTICATION,
                    properties,
                }),
                Ok(Some(Answer::Accepted {
                    session_present,
                    properties,
                })) => {
                    let left = self.accepted(core, session_present, properties);
                    return bytes.len().saturating_sub(left);
                }
                Ok(Some(Answer::Refused { code, properties })) => {
                    let version = Self::version_of(core);
                    trace!(Protocol, "{} <- CONNACK rc: {code}", self.setup.client_id);
                    let failure = ConnectFailure {
                        refused: Some(code),
                        properties,
                        ..ConnectFailure::new(None, refusal(version, code))
                    };
                    self.fail(core, failure);
                }
                Err(malformed) => self.fail_handshake(core, None, &malformed.into()),
            }
        }
    }

    /// Ends the handshake: the server has accepted the connection. Returns how many of the bytes behind CONNACK were not
    /// used.
    fn accepted(
        &self,
        core: &mut Guard<'_, H>,
        session_present: bool,
        properties: Properties,
    ) -> usize {
        let Some(options) = core.lifecycle.options().cloned() else {
            return 0;
        };
        trace!(Protocol, "{} <- CONNACK rc: 0", self.setup.client_id);
        let connected = Connected {
            server_uri: String::new(),
            listed: false,
            version: version(&options),
            session_present,
            reason: 0,
            properties,
        };
        let ends = ends_with_connection(&connected, &options);
        let Some((op, rest, since)) = core.lifecycle.accepted(ends) else {
            return 0;
        };
        self.welcome(core, connected, &options, Some(op), false);
        core.session.measured(since.elapsed());
        if rest.is_empty() {
            return 0;
        }
        rest.len() - self.process(core, &rest).min(rest.len())
    }

    fn version_of(core: &Guard<'_, H>) -> Version {
        let options = core.lifecycle.options();
        options.map_or(Version::V311, |options| version(options))
    }

    /// Closes the link after a failed handshake, and tells the program. Without a `stage` it was MQTT that failed.
    pub(in crate::engine) fn fail_handshake(
        &self,
        core: &mut Guard<'_, H>,
        stage: Option<Stage>,
        why: &Loss,
    ) {
        let failure = ConnectFailure {
            os_error: why.os_error,
            ..ConnectFailure::new(stage, format!("waiting for CONNACK: {}", why.text))
        };
        self.fail(core, failure);
    }

    fn fail(&self, core: &mut Guard<'_, H>, failure: ConnectFailure) {
        let ended = self.drop_connection(core);
        if let Some(op) = ended.and_then(|ended| ended.attaching) {
            tell_connect_ended(core, op, Err(Box::new(failure)));
        }
    }

    /// Ends a handshake whose time is over.
    pub(in crate::engine) fn check_handshake(&self, core: &mut Guard<'_, H>, now: Instant) {
        let late =
            core.lifecycle.is_attaching() && core.lifecycle.deadline().is_some_and(|at| now >= at);
        if late {
            let why = Loss::new(LossCause::Closed, "timed out");
            self.fail_handshake(core, Some(Stage::Deadline), &why);
        }
    }

    /// Ends the attempt or the connection at once, without DISCONNECT. Fails if there is none.
    pub fn abort(&self, why: Loss) -> Result<(), Error> {
        let mut core = self.enter();
        if core.lifecycle.is_up() {
            self.lose(&mut core, why);
        } else {
            self.end_attempt(&mut core, &why)?;
        }
        drop(self.settle(core, Thread::Caller));
        Ok(())
    }

    /// Ends the attempt at once. Fails if there is none: one that has led to a connection meanwhile leaves that as it is.
    pub fn abandon(&self, why: &Loss) -> Result<(), Error> {
        let mut core = self.enter();
        self.end_attempt(&mut core, why)?;
        drop(self.settle(core, Thread::Caller));
        Ok(())
    }

    fn end_attempt(&self, core: &mut Guard<'_, H>, why: &Loss) -> Result<(), Error> {
        if core.lifecycle.is_attaching() {
            self.fail_handshake(core, Some(Stage::Abandoned), why);
        } else if let Some(op) = core.lifecycle.abandon() {
            let failure = ConnectFailure::new(Some(Stage::Abandoned), why.text.clone());
            tell_connect_ended(core, op, Err(Box::new(failure)));
        } else {
            return Err(Error::Disconnected);
        }
        Ok(())
    }
}

/// Later than any handshake ends.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Returns when CONNACK has to be there.
fn deadline(options: &ConnectOptions, now: Instant) -> Option<Instant> {
    let timeout = options.connect_timeout;
    (!timeout.is_zero())
        .then(|| now.checked_add(timeout))
        .flatten()
}

/// Returns the one version that an attached link is tried with.
fn version(options: &ConnectOptions) -> Version {
    match options.version {
        VersionChoice::Only(version) => version,
        VersionChoice::Default => Version::V311,
    }
}
