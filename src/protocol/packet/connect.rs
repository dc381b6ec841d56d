//! CONNECT and CONNACK.

use bytes::BytesMut;

use crate::protocol::error::Malformed;
use crate::protocol::property::PropertiesRef;
use crate::protocol::{QoS, Version};

/// The will in a CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Will<'a> {
    /// Topic name.
    pub topic: &'a [u8],
    /// At most 65535 bytes.
    pub payload: &'a [u8],
    /// The server publishes it at this quality of service.
    pub qos: QoS,
    /// The server retains it.
    pub retain: bool,
    /// Not sent on 3.x.
    pub properties: PropertiesRef<'a>,
}

/// A CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// Protocol name and level.
    pub version: Version,
    /// Clean Start, on 3.x Clean Session.
    pub clean_start: bool,
    /// Seconds; zero turns keep-alive off.
    pub keep_alive: u16,
    /// May be empty.
    pub client_id: &'a [u8],
    /// The will.
    pub will: Option<Will<'a>>,
    /// User name.
    pub username: Option<&'a [u8]>,
    /// Password; needs a user name on 3.x.
    pub password: Option<&'a [u8]>,
    /// Not sent on 3.x.
    pub properties: PropertiesRef<'a>,
}

impl Connect<'_> {
    /// Appends the packet, or fails and leaves `out` as it was.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), Malformed> {
        let _ = out;
        todo!()
    }
}

/// A CONNACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnAck<'a> {
    /// The server resumes the session; always false on 3.1, which does not tell.
    pub session_present: bool,
    /// 3.x return code or MQTT 5 reason code; zero accepts.
    pub code: u8,
    /// None on 3.x.
    pub properties: PropertiesRef<'a>,
}
