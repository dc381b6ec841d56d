//! The packets of a client, in a form of the tests' own.

use std::fmt;

/// MQTT version, by its protocol level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Version {
    V31 = 3,
    V311 = 4,
    V5 = 5,
}

/// Property identifiers.
pub mod prop {
    pub const PAYLOAD_FORMAT: u8 = 1;
    pub const MESSAGE_EXPIRY: u8 = 2;
    pub const CONTENT_TYPE: u8 = 3;
    pub const RESPONSE_TOPIC: u8 = 8;
    pub const CORRELATION_DATA: u8 = 9;
    pub const SUBSCRIPTION_ID: u8 = 11;
    pub const SESSION_EXPIRY: u8 = 17;
    pub const ASSIGNED_CLIENT_ID: u8 = 18;
    pub const SERVER_KEEP_ALIVE: u8 = 19;
    pub const AUTH_METHOD: u8 = 21;
    pub const AUTH_DATA: u8 = 22;
    pub const REQUEST_PROBLEM_INFO: u8 = 23;
    pub const WILL_DELAY: u8 = 24;
    pub const REQUEST_RESPONSE_INFO: u8 = 25;
    pub const RESPONSE_INFO: u8 = 26;
    pub const SERVER_REFERENCE: u8 = 28;
    pub const REASON_STRING: u8 = 31;
    pub const RECEIVE_MAXIMUM: u8 = 33;
    pub const TOPIC_ALIAS_MAXIMUM: u8 = 34;
    pub const TOPIC_ALIAS: u8 = 35;
    pub const MAXIMUM_QOS: u8 = 36;
    pub const RETAIN_AVAILABLE: u8 = 37;
    pub const USER: u8 = 38;
    pub const MAXIMUM_PACKET_SIZE: u8 = 39;
    pub const WILDCARD_AVAILABLE: u8 = 40;
    pub const SUBSCRIPTION_IDS_AVAILABLE: u8 = 41;
    pub const SHARED_AVAILABLE: u8 = 42;
}

/// Value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Byte(u8),
    Two(u16),
    Four(u32),
    Var(u32),
    Binary(Vec<u8>),
    Text(String),
    Pair(String, String),
}

/// Properties in the order they have on the wire.
pub type Properties = Vec<(u8, Value)>;

/// A user property.
pub fn user(name: &str, value: &str) -> (u8, Value) {
    (prop::USER, Value::Pair(name.into(), value.into()))
}

/// A string property.
pub fn text(id: u8, value: &str) -> (u8, Value) {
    (id, Value::Text(value.into()))
}

/// What kind of value a property has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Byte,
    Two,
    Four,
    Var,
    Binary,
    Text,
    Pair,
}

/// The kind of value of a property, `None` if there is no such property.
pub fn kind(id: u8) -> Option<Kind> {
    Some(match id {
        1 | 23 | 25 | 36 | 37 | 40 | 41 | 42 => Kind::Byte,
        19 | 33 | 34 | 35 => Kind::Two,
        2 | 17 | 24 | 39 => Kind::Four,
        11 => Kind::Var,
        9 | 22 => Kind::Binary,
        3 | 8 | 18 | 21 | 26 | 28 | 31 => Kind::Text,
        38 => Kind::Pair,
        _ => return None,
    })
}

/// CONNECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    pub protocol: String,
    pub level: u8,
    pub flags: u8,
    pub clean: bool,
    pub keep_alive: u16,
    pub properties: Properties,
    pub client_id: String,
    pub will: Option<Will>,
    pub user_name: Option<String>,
    pub password: Option<Vec<u8>>,
}

/// The will in CONNECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Will {
    pub qos: u8,
    pub retain: bool,
    pub properties: Properties,
    pub topic: String,
    pub payload: Vec<u8>,
}

/// PUBLISH.
#[derive(Clone, PartialEq, Eq)]
pub struct Publish {
    pub dup: bool,
    pub qos: u8,
    pub retain: bool,
    pub topic: String,
    /// 0 at `QoS` 0, where there is none on the wire.
    pub id: u16,
    pub properties: Properties,
    pub payload: Vec<u8>,
}

impl fmt::Debug for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.payload[..self.payload.len().min(40)];
        write!(
            f,
            "PUBLISH id {} qos {} dup {} retain {} {:?} {:?} payload({}) {:?}",
            self.id,
            self.qos,
            self.dup,
            self.retain,
            self.topic,
            self.properties,
            self.payload.len(),
            String::from_utf8_lossy(shown)
        )
    }
}

/// Which of the four acknowledgements of PUBLISH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::enum_variant_names, reason = "the specification's names")]
pub enum AckKind {
    PubAck = 4,
    PubRec = 5,
    PubRel = 6,
    PubComp = 7,
}

/// PUBACK, PUBREC, PUBREL, PUBCOMP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    pub kind: AckKind,
    pub id: u16,
    pub reason: u8,
    pub properties: Properties,
}

/// SUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    pub id: u16,
    pub properties: Properties,
    /// Filters with their options byte: the `QoS` and, in MQTT 5, what stands above it.
    pub filters: Vec<(String, u8)>,
}

/// UNSUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    pub id: u16,
    pub properties: Properties,
    pub filters: Vec<String>,
}

/// DISCONNECT, AUTH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub reason: u8,
    pub properties: Properties,
}

/// A packet that a client may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    Connect(Connect),
    Publish(Publish),
    Ack(Ack),
    Subscribe(Subscribe),
    Unsubscribe(Unsubscribe),
    PingReq,
    Disconnect(Reason),
    Auth(Reason),
}

/// Bytes as hexadecimal numbers, the middle of many left out.
pub fn hex(bytes: &[u8]) -> String {
    let text = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    if bytes.len() <= 96 {
        text(bytes)
    } else {
        let (start, end) = (&bytes[..64], &bytes[bytes.len() - 16..]);
        format!("{} ... {} ({} bytes)", text(start), text(end), bytes.len())
    }
}
