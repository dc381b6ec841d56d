//! What a program asked for, read once from its C structs into owned, validated values.
//!
//! Nothing here borrows from the caller: every string and property was copied, so that an automatic reconnect
//! hours later uses what the program passed, whatever it did with its own memory since.

mod preferences;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroize;

use crate::protocol::property::Properties;
use crate::protocol::session::Policy;
use crate::protocol::{QoS, Version};

pub use preferences::{ManualAcks, Preferences};

/// Bytes that must not appear in a log: a password, a private key's pass phrase. Each copy is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Vec<u8>);

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Text that must not appear in a log: a proxy's URL with a password in it, a private key. Each copy is wiped when it is
/// dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

/// A header of a WebSocket upgrade, by its name. Its value may be a password: `Authorization`, `Cookie`.
pub type Header = (String, SecretText);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::ops::Deref for SecretText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Which MQTT version a connect may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionChoice {
    /// 3.1.1 first and, where the server refuses, 3.1 (`MQTTVERSION_DEFAULT`).
    Default,
    /// Exactly this one.
    Only(Version),
}

/// The will message, sent by the server when the connection is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WillOptions {
    /// Topic name, not empty.
    pub topic: String,
    /// Text or binary payload.
    pub payload: Vec<u8>,
    /// Delivered at this quality of service.
    pub qos: QoS,
    /// Kept by the server as the topic's retained message.
    pub retained: bool,
    /// MQTT 5 will properties.
    pub properties: Properties,
}

/// Called by the client, and never by a connection, with each line of OpenSSL's error queue when a TLS step fails.
/// False: the program wants no more lines of that account.
pub type ErrorReporter = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Asks for a pre-shared key: identity hint in, identity and key out; the result is the key's length, 0 for none.
pub type PskSource = Arc<dyn Fn(Option<&str>, &mut [u8], &mut [u8]) -> usize + Send + Sync>;

/// Looks at the server's certificates, the leaf first, each in DER, with the name or address that the URI has, after
/// OpenSSL's own checks have passed (those that the options ask for). Returns the reason why they are not good enough,
/// if they are not: it becomes the connect's error. Runs on a thread that may wait, never under a lock.
pub type Verifier = Arc<dyn Fn(&str, &[Vec<u8>]) -> Result<(), String> + Send + Sync>;

/// The lowest and highest TLS version that may be negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// Whatever the library offers.
    Default,
    /// Exactly TLS 1.0.
    V1_0,
    /// Exactly TLS 1.1.
    V1_1,
    /// Exactly TLS 1.2.
    V1_2,
    /// Exactly TLS 1.3.
    V1_3,
}

/// TLS settings: one field for each of `MQTTClient_SSLOptions` and `MQTTAsync_SSLOptions`, and what those cannot say.
///
/// Each of the first three is the name of a PEM file, or the PEM itself (a text with `-----BEGIN ` in it), or a `pkcs11:` URI
/// (RFC 7512) that OpenSSL's store opens.
#[derive(Clone)]
pub struct TlsOptions {
    /// Trusted certificates.
    pub trust_store: Option<String>,
    /// The client's certificate chain.
    pub key_store: Option<SecretText>,
    /// The client's private key, where it is not in `key_store`.
    pub private_key: Option<SecretText>,
    /// Pass phrase of an encrypted private key.
    pub private_key_password: Option<Secret>,
    /// OpenSSL cipher string.
    pub enabled_cipher_suites: Option<String>,
    /// Verify the server's certificate chain.
    pub enable_server_cert_auth: bool,
    /// Which TLS versions to offer.
    pub version: TlsVersion,
    /// The oldest version to accept, in place of what `version` says of it.
    pub min_version: Option<TlsVersion>,
    /// The newest version to offer, in place of what `version` says of it.
    pub max_version: Option<TlsVersion>,
    /// Verify that the certificate is for the host name or address of the URI.
    pub verify: bool,
    /// Directory of trusted certificates, hashed as OpenSSL wants it.
    pub ca_path: Option<String>,
    /// Receives OpenSSL's errors, before the program hears of what follows from them.
    pub error_reporter: Option<ErrorReporter>,
    /// Supplies a pre-shared key.
    pub psk_source: Option<PskSource>,
    /// Has the last word on the server's certificates.
    pub verifier: Option<Verifier>,
    /// Do not load the system's trusted certificates.
    pub disable_default_trust_store: bool,
    /// ALPN protocol list in wire format.
    pub protos: Vec<u8>,
}

impl Default for TlsOptions {
    /// TLS as OpenSSL offers it, to a server whose certificate chain ends in one that the system trusts.
    fn default() -> Self {
        Self {
            trust_store: None,
            key_store: None,
            private_key: None,
            private_key_password: None,
            enabled_cipher_suites: None,
            enable_server_cert_auth: true,
            version: TlsVersion::Default,
            min_version: None,
            max_version: None,
            verify: false,
            ca_path: None,
            error_reporter: None,
            psk_source: None,
            verifier: None,
            disable_default_trust_store: false,
            protos: Vec::new(),
        }
    }
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("trust_store", &self.trust_store)
            .field("key_store", &self.key_store)
            .field("verify", &self.verify)
            .finish_non_exhaustive()
    }
}

/// Automatic reconnect: the first retry comes after `min`, each next one after twice as long, up to `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReconnectOptions {
    /// Shortest wait before a retry.
    pub min: Duration,
    /// Longest wait before a retry.
    pub max: Duration,
}

/// Settings of a TCP socket. What is not set is as the system has it, except that TCP's keep-alive is always on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkOptions {
    /// TCP's keep-alive: idle for so long before the first probe, and so long between two of them, in whole seconds.
    /// Zero turns it off.
    pub keep_alive: Option<Duration>,
    /// How long what was sent may remain unacknowledged before the connection is lost (`TCP_USER_TIMEOUT`), in
    /// milliseconds.
    pub user_timeout: Option<Duration>,
    /// The local address to connect from. Only server addresses of its family are tried.
    pub bind_address: Option<std::net::IpAddr>,
}

/// What a program of the Paho APIs cannot say of a connection.
#[derive(Clone, Debug)]
pub struct Extras {
    /// In place of the identifier that the client was created with.
    pub client_id: Option<Box<str>>,
    /// The bit of the protocol level that marks a bridge.
    pub bridge: bool,
    /// How long the answer to a PINGREQ may take.
    pub ping_timeout: Option<Duration>,
    /// What becomes of the publishes in flight; not what CONNECT says, which is [`ConnectOptions::clean`].
    pub session: Policy,
    /// Of the publishes that are sent again, so many may be unacknowledged at a time.
    pub max_resume_inflight: Option<u32>,
}

/// Everything a connect needs, common to both APIs. A client keeps it for its reconnects: what is rarely there is boxed.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// Zero turns keep-alive off.
    pub keep_alive: Duration,
    /// Clean session (3.x) or clean start (5).
    pub clean: bool,
    /// How many QoS 1 and 2 messages may be unacknowledged at a time.
    pub max_inflight: u32,
    /// The will.
    pub will: Option<Box<WillOptions>>,
    /// User name.
    pub username: Option<String>,
    /// Password, binary.
    pub password: Option<Secret>,
    /// Bounds the whole attempt at one server: name, TCP, proxy, TLS, upgrade and CONNACK.
    pub connect_timeout: Duration,
    /// TLS settings; needed for the TLS schemes.
    pub tls: Option<Box<TlsOptions>>,
    /// Servers tried in order; empty means the URI given at create.
    pub server_uris: Vec<String>,
    /// Which MQTT version to use.
    pub version: VersionChoice,
    /// Automatic reconnect, MQTTAsync only.
    pub reconnect: Option<ReconnectOptions>,
    /// MQTT 5 CONNECT properties.
    pub properties: Properties,
    /// Additional headers of a WebSocket upgrade.
    pub http_headers: Vec<Header>,
    /// Proxy for `tcp` and `ws`.
    pub http_proxy: Option<SecretText>,
    /// Proxy for `ssl` and `wss`.
    pub https_proxy: Option<SecretText>,
    /// What the socket is set to.
    pub network: Option<Box<NetworkOptions>>,
    /// What only the programs of `events` can say.
    pub extras: Option<Box<Extras>>,
}

/// What `MQTTAsync_createOptions` says; `MQTTClient` uses the defaults and its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateOptions {
    /// Version the client is made for: MQTT 5 or one of the 3.x family.
    pub v5: bool,
    /// Accept messages while the connection is lost.
    pub send_while_disconnected: bool,
    /// How many messages may wait for a connection, or for room in flight; the original has a limit only in clients that were
    /// created with options.
    pub max_buffered_messages: usize,
    /// Accept messages before the first connect too.
    pub allow_disconnected_send_at_any_time: bool,
    /// When the buffer is full drop the oldest message rather than refuse the new one.
    pub delete_oldest_messages: bool,
    /// Load the messages that the store holds.
    pub restore_messages: bool,
    /// Store buffered QoS 0 messages too.
    pub persist_qos0: bool,
    /// A client below MQTT 5 refuses a store with an MQTT 5 client's messages in flight rather than take them over.
    pub refuse_v5_store: bool,
}

impl Default for CreateOptions {
    fn default() -> Self {
        Self {
            v5: false,
            send_while_disconnected: false,
            max_buffered_messages: usize::MAX,
            allow_disconnected_send_at_any_time: false,
            delete_oldest_messages: false,
            restore_messages: true,
            persist_qos0: true,
            refuse_v5_store: false,
        }
    }
}
