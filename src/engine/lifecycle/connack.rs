//! The server's answer to CONNECT, and what follows from it.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::protocol::packet::ConnAck;
use crate::protocol::property::{Properties, PropertyId};
use crate::protocol::session::{self, Begin, Policy};
use crate::protocol::{Version, decode, reason};
use crate::trace;
use crate::transport::Link;

use crate::engine::connection::Connection;
use crate::engine::core::{Client, Guard, Thread};
use crate::engine::host::{ConnectEnd, ConnectFailure, ConnectResult, Connected, Event, Host};
use crate::options::ConnectOptions;

/// What an attempt that succeeded leaves.
pub(super) struct Established {
    pub link: Arc<Link>,
    pub connected: Connected,
    /// Bytes that came behind CONNACK.
    pub rest: Vec<u8>,
    /// From CONNECT to CONNACK.
    pub round_trip: Duration,
}

impl<H: Host> Client<H> {
    /// Reads the server's answer. Returns how many bytes it took, too.
    pub(super) fn read_connack(
        &self,
        answer: &[u8],
        uri: &str,
        version: Version,
        socket: RawFd,
    ) -> Result<(Connected, usize), ConnectFailure> {
        let fail = |message: String| ConnectFailure::new(None, message);
        let frame = decode::frame(answer, u32::MAX)
            .ok()
            .flatten()
            .ok_or_else(|| fail("incomplete answer to CONNECT".into()))?;
        let body = &answer[frame.header_len..frame.total_len];
        let connack: ConnAck<'_> = match decode::decode(version, frame.first, body) {
            Ok(decode::Packet::ConnAck(connack)) => connack,
            Ok(_) => return Err(fail("the server's first packet is no CONNACK".into())),
            Err(error) => return Err(fail(error.to_string())),
        };
        trace!(
            Protocol,
            "{socket} {} <- CONNACK rc: {}", self.setup.client_id, connack.code
        );
        if connack.code != 0 {
            return Err(ConnectFailure {
                refused: Some(connack.code),
                properties: connack.properties.into(),
                ..fail(refusal(version, connack.code))
            });
        }
        Ok((
            Connected {
                server_uri: uri.to_owned(),
                listed: false,
                version,
                session_present: connack.session_present,
                reason: connack.code,
                properties: connack.properties.into(),
            },
            frame.total_len,
        ))
    }

    /// Puts a connection to work. `resumes`: it follows one that was lost. Takes the options, so that their passwords do not
    /// outlive a client that is destroyed as soon as it is connected.
    pub(super) fn established(
        &self,
        established: Established,
        options: Arc<ConnectOptions>,
        epoch: u64,
        resumes: bool,
    ) {
        let Established {
            link,
            connected,
            rest,
            round_trip,
        } = established;
        let session_ends = ends_with_connection(&connected, &options);
        let now = Instant::now();
        let mut core = self.lock();
        let connection = Connection::new(Arc::clone(&link), now);
        let Ok(op) = core.lifecycle.established(epoch, connection, session_ends) else {
            drop(core);
            link.shutdown();
            return;
        };
        self.welcome(&mut core, connected, &options, op, resumes);
        drop(options);
        core.session.measured(round_trip);
        if let Err(error) = self.watch(&mut core) {
            self.lose(&mut core, error.into());
        } else if !rest.is_empty() {
            let used = self.process(&mut core, &rest);
            if let Some(connection) = core.lifecycle.connection_mut() {
                connection
                    .reader
                    .unread(rest[used.min(rest.len())..].to_vec());
            }
        }
        drop(self.settle(core, Thread::Caller));
    }

    /// Begins the session on a connection that the server has accepted, and tells the program, before it hears of anything
    /// that came over the connection.
    pub(super) fn welcome(
        &self,
        core: &mut Guard<'_, H>,
        connected: Connected,
        options: &ConnectOptions,
        op: Option<H::Op>,
        resumes: bool,
    ) {
        let socket = core
            .lifecycle
            .connection()
            .map_or(-1, |connection| connection.link().number());
        let clean = match &options.extras {
            Some(extras) => extras.session == Policy::Clear,
            None => options.clean && !resumes,
        };
        let begin = Begin {
            version: connected.version,
            clean,
            keep_alive: options.keep_alive,
            max_inflight: options.max_inflight,
            properties: options.properties.as_ref(),
            socket,
        };
        let connack = ConnAck {
            session_present: connected.session_present,
            code: connected.reason,
            properties: connected.properties.as_ref(),
        };
        core.tally.connected();
        core.outputs.errors.connected();
        let extras = options.extras.as_ref();
        let chosen = session::Options {
            policy: extras.map(|extras| extras.session),
            max_resume_inflight: extras.and_then(|extras| extras.max_resume_inflight),
            ..self.setup.session
        };
        core.begin_with_preferences(begin.version, chosen);
        if clean && extras.is_none() {
            // With the original's APIs the program hears of what a clean start drops before it hears of the connection.
            let (session, outputs) = core.parts();
            session.clear(outputs);
        }
        let queued = core.outputs.queue.set_aside();
        let (session, outputs) = core.parts();
        session.set_ping_timeout(extras.and_then(|extras| extras.ping_timeout));
        session.begin(&begin, &connack, Instant::now(), outputs);
        self.v5
            .store(begin.version == Version::V5, Ordering::Relaxed);
        let begun = core.outputs.queue.set_aside();
        core.outputs.queue.resume(queued);
        let told = op.is_some_and(|op| tell_connect_ended(core, op, Ok(Box::new(connected))));
        core.outputs.tell(Event::Connected { told });
        core.outputs.queue.resume(begun);
    }
}

/// Returns true if the session ends with the connection.
pub(super) fn ends_with_connection(connected: &Connected, options: &ConnectOptions) -> bool {
    if let Some(extras) = &options.extras {
        return extras.session == Policy::Clear;
    }
    if connected.version != Version::V5 {
        return options.clean;
    }
    let expiry = |properties: &Properties| {
        properties
            .as_ref()
            .number(PropertyId::SessionExpiryInterval)
    };
    expiry(&connected.properties)
        .or_else(|| expiry(&options.properties))
        .unwrap_or(0)
        == 0
}

/// Returns what a refusal means.
pub(super) fn refusal(version: Version, code: u8) -> String {
    let name = if version == Version::V5 {
        reason::name(code)
    } else {
        match code {
            reason::V3_UNACCEPTABLE_PROTOCOL_VERSION => Some("unacceptable protocol version"),
            reason::V3_IDENTIFIER_REJECTED => Some("client identifier rejected"),
            reason::V3_SERVER_UNAVAILABLE => Some("server unavailable"),
            reason::V3_BAD_USER_NAME_OR_PASSWORD => Some("bad user name or password"),
            reason::V3_NOT_AUTHORIZED => Some("not authorized"),
            _ => None,
        }
    };
    format!(
        "the server refused the connection: {} ({code})",
        name.unwrap_or("unknown reason")
    )
}

/// Tells the program, or the caller that waits, how its connect ended. Returns true if a callback is going to be run for it.
pub(super) fn tell_connect_ended<H: Host>(
    core: &mut Guard<'_, H>,
    op: H::Op,
    result: ConnectResult,
) -> bool {
    core.outputs.progress();
    match H::settle_connect(op, result) {
        ConnectEnd::Tell(op, result) => {
            core.outputs.tell(Event::ConnectEnded { op, result });
            true
        }
        ConnectEnd::Keep(op) => {
            core.lifecycle.keep_unheard(op);
            false
        }
        ConnectEnd::Done => false,
    }
}
