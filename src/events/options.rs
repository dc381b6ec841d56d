//! What a program says of a client and of a connection, owned and checked.

use std::time::Duration;

use crate::engine::Work;
use crate::options::{
    ConnectOptions, Extras, Header, Secret, TlsOptions, VersionChoice, WillOptions,
};
use crate::persistence::file::Naming;
use crate::protocol::Version;
use crate::protocol::property::Properties;
use crate::protocol::session::Policy;

/// Unread messages from which on the socket is not read, unless the program says otherwise.
pub const MAX_UNREAD_MESSAGES: usize = 1024;
/// The same in bytes.
pub const MAX_UNREAD_BYTES: usize = 1 << 20;
/// Publishes that may wait, unless the program says otherwise.
pub const MAX_BUFFERED: usize = 65_535;

/// Where messages are kept that outlive the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StoreOptions {
    /// Nowhere.
    #[default]
    None,
    /// A directory in Paho C's format, below `directory`, named after client and server.
    File {
        /// The directory.
        directory: String,
        /// The server's URI, as Paho C would be given it.
        server: String,
    },
    /// A directory in which files are named as the Go clients name theirs.
    Go {
        /// The directory.
        directory: String,
        /// How the files are named.
        naming: Naming,
    },
}

/// Who acknowledges messages, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acks {
    /// The program; otherwise they are acknowledged when they are queued.
    pub by_program: bool,
    /// Acknowledgements leave in the order of the messages.
    pub ordered: bool,
    /// A `QoS` 2 message is handed over at its PUBLISH, otherwise at its PUBREL.
    pub qos2_at_publish: bool,
}

/// What a client is created with.
#[derive(Clone, Debug)]
pub struct Create {
    /// Comes with every event.
    pub context: u64,
    /// May be empty.
    pub client_id: String,
    /// What is assumed until the first connection.
    pub version: Version,
    /// Who acknowledges.
    pub acks: Acks,
    /// Publishes of `QoS` 1 and 2 are accepted without a connection.
    pub buffer_offline: bool,
    /// Those of `QoS` 0 too.
    pub buffer_qos0: bool,
    /// A publish gets its packet identifier when it is accepted.
    pub ids_at_accept: bool,
    /// What the store holds is dropped, but for what is in flight.
    pub no_restore: bool,
    /// Publishes that may wait for a connection or for quota.
    pub max_buffered: usize,
    /// Unread messages from which on the socket is not read.
    pub max_unread_messages: usize,
    /// The same in bytes.
    pub max_unread_bytes: usize,
    /// The store.
    pub store: StoreOptions,
    /// What the program's own threads do.
    pub driver: Work,
}

impl Default for Create {
    fn default() -> Self {
        Self {
            context: 0,
            client_id: String::new(),
            version: Version::V311,
            acks: Acks::default(),
            buffer_offline: false,
            buffer_qos0: false,
            ids_at_accept: false,
            no_restore: false,
            max_buffered: MAX_BUFFERED,
            max_unread_messages: MAX_UNREAD_MESSAGES,
            max_unread_bytes: MAX_UNREAD_BYTES,
            store: StoreOptions::None,
            driver: Work::NONE,
        }
    }
}

/// The WebSocket layer on a link of the program's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocket {
    /// Path of the request.
    pub path: String,
    /// The Host header.
    pub host: String,
}

/// What a CONNECT says, and how the connection is kept.
#[derive(Clone, Debug)]
pub struct Connect {
    /// Its version.
    pub version: Version,
    /// The bit of a bridge is set in the protocol level.
    pub bridge: bool,
    /// Clean session or clean start, on the wire.
    pub clean: bool,
    /// What becomes of publishes in flight.
    pub session: Policy,
    /// Zero turns keep-alive off.
    pub keep_alive: Duration,
    /// For the answer to PINGREQ; none: half the keep-alive, one and a half where the line is not known to be fast.
    pub ping_timeout: Option<Duration>,
    /// Of the whole attempt; none: there is none.
    pub deadline: Option<Duration>,
    /// `QoS` 1 and 2 publishes unacknowledged at a time.
    pub max_inflight: u32,
    /// The same, of those that are sent again.
    pub max_resume_inflight: Option<u32>,
    /// In place of the identifier that the client was created with.
    pub client_id: Option<String>,
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// MQTT 5 properties.
    pub properties: Properties,
    /// The will.
    pub will: Option<WillOptions>,
    /// Puts WebSocket on a link of the program's.
    pub websocket: Option<WebSocket>,
    /// Additional headers of a WebSocket upgrade.
    pub headers: Vec<Header>,
}

impl Default for Connect {
    fn default() -> Self {
        Self {
            version: Version::V311,
            bridge: false,
            clean: true,
            session: Policy::KeepAndResend,
            keep_alive: Duration::from_secs(60),
            ping_timeout: None,
            deadline: Some(Duration::from_secs(30)),
            max_inflight: u16::MAX.into(),
            max_resume_inflight: None,
            client_id: None,
            username: None,
            password: None,
            properties: Properties::new(),
            will: None,
            websocket: None,
            headers: Vec::new(),
        }
    }
}

impl Connect {
    /// Returns the engine's form. `servers` and `tls` are for connections that the engine makes.
    pub(super) fn into_options(
        self,
        servers: Vec<String>,
        tls: Option<TlsOptions>,
    ) -> ConnectOptions {
        // Longer than any connection lasts, where there is none: the engine's connects have to have one.
        const FAR: Duration = Duration::from_secs(365 * 24 * 3600);
        let deadline = if servers.is_empty() {
            self.deadline.unwrap_or(Duration::ZERO)
        } else {
            self.deadline.unwrap_or(FAR)
        };
        ConnectOptions {
            keep_alive: self.keep_alive,
            clean: self.clean,
            max_inflight: self.max_inflight,
            will: self.will.map(Box::new),
            username: self.username,
            password: self.password,
            connect_timeout: deadline,
            tls: tls.map(Box::new),
            server_uris: servers,
            version: VersionChoice::Only(self.version),
            reconnect: None,
            properties: self.properties,
            http_headers: self.headers,
            http_proxy: None,
            https_proxy: None,
            network: None,
            extras: Some(Box::new(Extras {
                client_id: self.client_id.map(Into::into),
                bridge: self.bridge,
                ping_timeout: self.ping_timeout,
                session: self.session,
                max_resume_inflight: self.max_resume_inflight,
            })),
        }
    }
}
