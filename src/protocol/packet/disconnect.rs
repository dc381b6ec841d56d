//! DISCONNECT and AUTH.

use bytes::BytesMut;

use crate::protocol::Version;
use crate::protocol::error::Malformed;
use crate::protocol::property::PropertiesRef;

/// A MQTT 5 server's DISCONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect<'a> {
    /// Why.
    pub reason: u8,
    /// Reason String, Server Reference, User Property.
    pub properties: PropertiesRef<'a>,
}

/// A MQTT 5 AUTH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auth<'a> {
    /// Success or Continue authentication.
    pub reason: u8,
    /// Authentication Method and Data, Reason String, User Property.
    pub properties: PropertiesRef<'a>,
}

/// Appends a DISCONNECT, or fails and leaves `out` as it was. On 3.x, `reason` and `properties` are not sent.
pub fn encode_disconnect(
    version: Version,
    reason: u8,
    properties: PropertiesRef<'_>,
    out: &mut BytesMut,
) -> Result<(), Malformed> {
    let _ = (version, reason, properties, out);
    todo!()
}

/// Appends a MQTT 5 AUTH, or fails and leaves `out` as it was.
pub fn encode_auth(
    reason: u8,
    properties: PropertiesRef<'_>,
    out: &mut BytesMut,
) -> Result<(), Malformed> {
    let _ = (reason, properties, out);
    todo!()
}
