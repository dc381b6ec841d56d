//! Connecting: candidates tried in order, each under one deadline from the look-up to CONNACK.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use tokio::time::timeout_at;

use crate::protocol::Version;
use crate::protocol::packet::{Connect, Will, mark_bridge};
use crate::protocol::property::PropertyId;
use crate::trace;
use crate::transport::apart::with_presence;
use crate::transport::uri::{ServerUri, shown};
use crate::transport::{ConnectError, Plan, Stage};

use crate::engine::connection::closing::wait_for_closing;
use crate::engine::core::{Client, Error, Thread};
use crate::engine::delivery::queue::Driver;
use crate::engine::host::{ConnectFailure, Host};
use crate::engine::last_error::LastError;
use crate::engine::runtime::runtime;
use crate::options::{ConnectOptions, VersionChoice};
use crate::reactor::{Reactor, reactor};

use super::clear::clear_where_asked;
use super::connack::{Established, tell_connect_ended};
use super::exchange::{Wiped, exchange};
use super::state::Refusal;

/// A CONNACK larger than this, with whatever follows it, is no CONNACK: a server cannot make us buffer without end.
const MAX_CONNACK: u32 = 1 << 20;

impl<H: Host> Client<H> {
    /// Begins to connect. `op` is told how it ended.
    pub fn connect(self: &Arc<Self>, mut options: ConnectOptions, op: H::Op) -> Result<(), Error> {
        self.ask_while_alive(&mut options);
        self.begin_connect(Arc::new(options), op)
    }

    pub(super) fn begin_connect(
        self: &Arc<Self>,
        options: Arc<ConnectOptions>,
        op: H::Op,
    ) -> Result<(), Error> {
        self.check_connect(&options)?;
        // What will be needed once there is a connection has to be had now: later there is nobody left to run the
        // callback that would tell of its want.
        let runtime = reactor()
            .and_then(Reactor::prepare)
            .and_then(|()| runtime())
            .map_err(|error| Error::Failed(error.to_string()))?;
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
            match client.try_candidates(&options, epoch, false).await {
                Ok(established) => client.established(*established, options, epoch, false),
                Err(failure) => {
                    // With the passwords in them: a program that destroys the client now finds them wiped.
                    drop(options);
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

    /// Checks what a connect with these options needs of the program. A mistake is told by the call, and not met by one attempt
    /// after the other. A server of a list that cannot be used is passed over, as long as there is another.
    pub fn check_connect(&self, options: &ConnectOptions) -> Result<(), Error> {
        let version = versions(options)[0];
        self.with_connect(version, options, options.clean, |connect| {
            connect.check_identifier()?;
            connect.check()
        })?;
        let changed = self.with_preferences(options);
        let options = changed.as_deref().unwrap_or(options);
        let mut first = None;
        for uri in self.servers(options) {
            let checked = target_of(uri).and_then(|target| Plan::check(&target, options));
            match checked {
                Ok(()) => return Ok(()),
                Err(error) => first = first.or(Some(error)),
            }
        }
        first.map_or(Ok(()), |error| Err(Error::Unusable(Box::new(error))))
    }

    /// Returns the URIs of the servers to try, in order.
    pub(super) fn servers<'a>(&'a self, options: &'a ConnectOptions) -> &'a [String] {
        if options.server_uris.is_empty() {
            std::slice::from_ref(&self.setup.server_uri)
        } else {
            &options.server_uris
        }
    }

    /// Tries the servers in order, and with each the versions in order. With `keep_session` no clean start is asked for: the
    /// session goes on that the program began.
    pub(super) async fn try_candidates(
        &self,
        options: &ConnectOptions,
        epoch: u64,
        keep_session: bool,
    ) -> Result<Box<Established>, ConnectFailure> {
        let changed = self.with_preferences(options);
        let options = changed.as_deref().unwrap_or(options);
        let versions = versions(options);
        let mut last = ConnectFailure::new(None, "no server to connect to".into());
        for uri in self.servers(options) {
            for version in versions {
                if *version == Version::V31 && versions.len() > 1 && self.is_nameless(options) {
                    // 3.1 has no empty identifier: what the server has said to 3.1.1 stands.
                    break;
                }
                self.trace_attempt(uri, *version);
                let deadline = tokio::time::Instant::now() + options.connect_timeout;
                match Box::pin(self.attempt(uri, *version, options, keep_session, deadline)).await {
                    Ok(established) => return Ok(Box::new(established)),
                    Err(failure) => last = failure,
                }
                let error = LastError::of_connect(&last);
                self.tell_attempt_failed(options, epoch, std::mem::take(&mut last.details));
                trace!(Error, "Connect to {} failed: {}", shown(uri), last.message);
                let mut core = self.lock();
                core.outputs.errors.note(error);
                if !core.lifecycle.may_attempt(epoch) {
                    // The program has asked for a disconnect meanwhile.
                    return Err(last);
                }
                // Another version is worth a try only where there was a server to refuse this one.
                if last.refused.is_none() && last.stage.is_some() {
                    break;
                }
            }
        }
        Err(last)
    }

    /// Traces an attempt. The original's two APIs write this line at different levels.
    fn trace_attempt(&self, uri: &str, version: Version) {
        let level = if self.setup.driver == Driver::Calls {
            trace::Level::Minimum
        } else {
            trace::Level::Protocol
        };
        if trace::enabled(level) {
            let address = ["tcp://", "mqtt://"]
                .iter()
                .find_map(|scheme| uri.strip_prefix(scheme))
                .unwrap_or(uri);
            let (address, version) = (shown(address), version as u8);
            trace::write(
                level,
                format_args!("Connecting to serverURI {address} with MQTT version {version}"),
            );
        }
    }

    async fn attempt(
        &self,
        uri: &str,
        version: Version,
        options: &ConnectOptions,
        keep_session: bool,
        deadline: tokio::time::Instant,
    ) -> Result<Established, ConnectFailure> {
        let clean = options.clean && !keep_session;
        let fail = |stage, message: String| ConnectFailure::new(stage, message);
        let of_link = |error: ConnectError| ConnectFailure {
            details: error.details.clone(),
            os_error: error.os_error,
            ..fail(Some(error.stage), error.to_string())
        };
        let target = target_of(uri).map_err(of_link)?;
        let link = self
            .connector
            .connect(&target, options, deadline)
            .await
            .map_err(of_link)?;
        let link = Arc::new(link);
        let packet = self
            .connect_packet(version, options, clean)
            .map_err(|message| fail(None, message))?;
        let number = link.number();
        trace!(
            Minimum,
            "New socket {number} for {}, port {}", target.host, target.port
        );
        trace!(
            Protocol,
            "{} {} -> CONNECT version {} clean: {} (0)",
            number,
            self.setup.client_id,
            version as u8,
            u8::from(options.clean && version != Version::V5)
        );
        let limit = options
            .properties
            .as_ref()
            .number(PropertyId::MaximumPacketSize)
            .unwrap_or(MAX_CONNACK)
            .min(MAX_CONNACK);
        let answer = async {
            wait_for_closing(&self.setup.client_id, &link).await;
            let asked = Instant::now();
            let answer = exchange(&link, &packet.0, limit, &self.exchanged).await?;
            Ok::<_, io::Error>((answer, asked.elapsed()))
        };
        let answered = timeout_at(deadline, answer).await;
        let (answer, round_trip) = match answered {
            Ok(answer) => answer.map_err(|error| {
                // OpenSSL's servers leave a client that speaks no TLS without a word.
                let reset = error.kind() == io::ErrorKind::ConnectionReset && !target.is_tls();
                let hint = if reset {
                    "; a port for TLS does that"
                } else {
                    ""
                };
                ConnectFailure {
                    details: link.take_details(),
                    os_error: error.raw_os_error(),
                    ..fail(None, format!("waiting for CONNACK: {error}{hint}"))
                }
            })?,
            Err(_) => {
                return Err(fail(
                    Some(Stage::Deadline),
                    "timed out waiting for CONNACK".into(),
                ));
            }
        };
        let (mut connected, used) = self.read_connack(&answer, uri, version, number)?;
        connected.listed = !options.server_uris.is_empty();
        if version == Version::V5 && clean && connected.session_present {
            // [MQTT-3.2.2-4]: we have no session to go on with.
            return Err(fail(
                None,
                "the server resumes a session that was to be discarded".into(),
            ));
        }
        Ok(Established {
            link,
            connected,
            rest: answer[used..].to_vec(),
            round_trip,
        })
    }

    fn connect_packet(
        &self,
        version: Version,
        options: &ConnectOptions,
        clean: bool,
    ) -> Result<Wiped, String> {
        let mut packet = Wiped(BytesMut::new());
        self.with_connect(version, options, clean, |connect| {
            connect.encode(&mut packet.0)
        })
        // The program's own mistake: a reason code would look like the server's.
        .map_err(|error| error.what.to_owned())?;
        if is_bridge(options) {
            mark_bridge(&mut packet.0);
        }
        Ok(packet)
    }

    /// Lends the CONNECT that the options describe.
    pub(super) fn with_connect<R>(
        &self,
        version: Version,
        options: &ConnectOptions,
        clean: bool,
        lend: impl FnOnce(&Connect<'_>) -> R,
    ) -> R {
        let extras = options.extras.as_deref();
        lend(&Connect {
            version,
            clean_start: clean,
            keep_alive: u16::try_from(options.keep_alive.as_secs()).unwrap_or(u16::MAX),
            client_id: extras
                .and_then(|extras| extras.client_id.as_deref())
                .unwrap_or(&self.setup.client_id)
                .as_bytes(),
            will: options.will.as_ref().map(|will| Will {
                topic: will.topic.as_bytes(),
                payload: &will.payload,
                qos: will.qos,
                retain: will.retained,
                properties: will.properties.as_ref(),
            }),
            username: options.username.as_ref().map(String::as_bytes),
            password: options.password.as_ref().map(|password| &password.0[..]),
            properties: options.properties.as_ref(),
        })
    }

    /// Returns true if CONNECT has an empty client identifier.
    fn is_nameless(&self, options: &ConnectOptions) -> bool {
        let extras = options.extras.as_deref();
        extras
            .and_then(|extras| extras.client_id.as_deref())
            .unwrap_or(&self.setup.client_id)
            .is_empty()
    }

    /// Ends a connect of the program's that no server has accepted.
    pub(super) fn not_established(&self, failure: ConnectFailure, epoch: u64) {
        let mut core = self.lock();
        let Some(op) = core.lifecycle.failed(epoch) else {
            return;
        };
        tell_connect_ended(&mut core, op, Err(Box::new(failure)));
        // A call that waits has told of the failure: nothing goes on behind it.
        if self.setup.driver != Driver::Calls {
            self.reconnect_later(&mut core, false, None);
        }
        drop(self.settle(core, Thread::Caller));
    }

    /// Notes that an attempt of the automatic reconnect has failed: the program may still have to hear of that, once.
    pub(super) fn attempt_failed(&self, failure: ConnectFailure, epoch: u64) {
        let mut core = self.lock();
        if let Some(op) = core.lifecycle.attempt_failed(epoch) {
            tell_connect_ended(&mut core, op, Err(Box::new(failure)));
            drop(self.settle(core, Thread::Caller));
        }
    }
}

/// Ends an attempt that panicked, as tokio does when the system gives no thread to look a name up on: nobody else would
/// tell the program.
pub(super) struct PanicGuard<'a, H: Host> {
    pub client: &'a Client<H>,
    pub epoch: u64,
}

impl<H: Host> Drop for PanicGuard<'_, H> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let message = "not enough threads, or a defect".to_owned();
            let failure = ConnectFailure::new(None, message);
            self.client.not_established(failure, self.epoch);
            self.client.reconnect_again(self.epoch);
        }
    }
}

/// Returns where a URI leads.
pub(super) fn target_of(uri: &str) -> Result<ServerUri, ConnectError> {
    ServerUri::parse(uri).map_err(|error| ConnectError::new(Stage::Resolve, error))
}

/// Returns true if CONNECT has the bit that marks a bridge.
pub(super) fn is_bridge(options: &ConnectOptions) -> bool {
    let extras = options.extras.as_ref();
    extras.is_some_and(|extras| extras.bridge)
}

/// Returns the versions to try with each server, in order.
pub(super) fn versions(options: &ConnectOptions) -> &'static [Version] {
    match options.version {
        VersionChoice::Default => &[Version::V311, Version::V31],
        VersionChoice::Only(Version::V31) => &[Version::V31],
        VersionChoice::Only(Version::V311) => &[Version::V311],
        VersionChoice::Only(Version::V5) => &[Version::V5],
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Busy => Error::Ignored,
            Refusal::Destroyed => Error::destroyed(),
            Refusal::NoOptions => Error::Disconnected,
        }
    }
}
