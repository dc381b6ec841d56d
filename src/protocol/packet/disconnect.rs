//! DISCONNECT and AUTH.

use bytes::{BufMut, BytesMut};

use crate::protocol::error::Malformed;
use crate::protocol::property::{Context, PropertiesRef, PropertyId};
use crate::protocol::wire::{self, Reader};
use crate::protocol::{Version, reason};

const DISCONNECT: u8 = 0xE0;
const AUTH: u8 = 0xF0;

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

impl<'a> Disconnect<'a> {
    pub(in crate::protocol) fn decode(version: Version, body: &'a [u8]) -> Result<Self, Malformed> {
        if version != Version::V5 {
            return Err(Malformed::new(
                reason::PROTOCOL_ERROR,
                "a 3.x server sends no DISCONNECT",
            ));
        }
        let (reason, properties) = decode_reason(body, Context::Disconnect)?;
        if !server_may_disconnect_with(reason) {
            return Err(Malformed::new(
                reason::PROTOCOL_ERROR,
                "DISCONNECT with a reason code that servers do not send",
            ));
        }
        Ok(Disconnect { reason, properties })
    }
}

impl<'a> Auth<'a> {
    pub(in crate::protocol) fn decode(version: Version, body: &'a [u8]) -> Result<Self, Malformed> {
        if version != Version::V5 {
            return Err(Malformed::new(
                reason::MALFORMED_PACKET,
                "packet type 15 is reserved in 3.x",
            ));
        }
        let (reason, properties) = decode_reason(body, Context::Auth)?;
        // Re-authenticate is the client's to ask for ([MQTT-3.15.2-1]).
        if !matches!(reason, reason::SUCCESS | reason::CONTINUE_AUTHENTICATION) {
            return Err(Malformed::new(
                reason::PROTOCOL_ERROR,
                "AUTH with a reason code that servers do not send",
            ));
        }
        check_method(reason, properties)?;
        Ok(Auth { reason, properties })
    }
}

/// Appends a DISCONNECT, or fails and leaves `out` as it was. On 3.x, `reason` and `properties` are not sent.
///
/// Any reason goes: the C API takes a number from the program, and leaving must not fail over it.
pub fn encode_disconnect(
    version: Version,
    reason: u8,
    properties: PropertiesRef<'_>,
    out: &mut BytesMut,
) -> Result<(), Malformed> {
    if version != Version::V5 {
        return wire::put_packet(out, DISCONNECT, 0, 0, |_| Ok(()));
    }
    properties.validate_for(Context::Disconnect)?;
    encode_reason(DISCONNECT, reason, properties, out)
}

/// Appends a MQTT 5 AUTH, or fails and leaves `out` as it was.
pub fn encode_auth(
    reason: u8,
    properties: PropertiesRef<'_>,
    out: &mut BytesMut,
) -> Result<(), Malformed> {
    properties.validate_for(Context::Auth)?;
    check_method(reason, properties)?;
    encode_reason(AUTH, reason, properties, out)
}

/// Refuses an AUTH without Authentication Method, a Protocol Error (section 3.15.2.2.2), except the short form of success,
/// which has no properties at all (section 3.15.2.1).
fn check_method(reason: u8, properties: PropertiesRef<'_>) -> Result<(), Malformed> {
    let short = reason == reason::SUCCESS && properties.is_empty();
    if short || properties.bytes(PropertyId::AuthenticationMethod).is_some() {
        Ok(())
    } else {
        Err(Malformed::new(
            reason::PROTOCOL_ERROR,
            "AUTH without Authentication Method",
        ))
    }
}

/// Decodes reason code and properties: both may be left out, or the properties alone.
fn decode_reason(body: &[u8], context: Context) -> Result<(u8, PropertiesRef<'_>), Malformed> {
    let mut reader = Reader::new(body);
    if reader.is_empty() {
        return Ok((reason::SUCCESS, PropertiesRef::EMPTY));
    }
    let reason = reader.byte()?;
    if reader.is_empty() {
        return Ok((reason, PropertiesRef::EMPTY));
    }
    let properties = PropertiesRef::decode(&mut reader, context)?;
    reader.end()?;
    Ok((reason, properties))
}

/// Encodes the shortest form that says it: mqttbytes would write none of the reasons of a DISCONNECT and knows no AUTH.
fn encode_reason(
    first: u8,
    reason: u8,
    properties: PropertiesRef<'_>,
    out: &mut BytesMut,
) -> Result<(), Malformed> {
    let remaining = match (properties.is_empty(), reason) {
        (true, reason::SUCCESS) => 0,
        (true, _) => 1,
        (false, _) => 1 + properties.encoded_len(),
    };
    wire::put_packet(out, first, remaining, remaining, |out| {
        if remaining > 0 {
            out.put_u8(reason);
        }
        if remaining > 1 {
            properties.encode(out)?;
        }
        Ok(())
    })
}

/// Returns true for the reason codes of table 3-10 that a server may use ([MQTT-3.14.2-1]), for 0x00, which the table gives
/// to clients but a DISCONNECT without a reason means, and for 0x8C, which section 2.4 lists for DISCONNECT.
const fn server_may_disconnect_with(code: u8) -> bool {
    matches!(
        code,
        reason::NORMAL_DISCONNECTION
            | reason::UNSPECIFIED_ERROR
            | reason::MALFORMED_PACKET
            | reason::PROTOCOL_ERROR
            | reason::IMPLEMENTATION_SPECIFIC_ERROR
            | reason::NOT_AUTHORIZED
            | reason::SERVER_BUSY
            | reason::SERVER_SHUTTING_DOWN
            | reason::BAD_AUTHENTICATION_METHOD
            | reason::KEEP_ALIVE_TIMEOUT
            | reason::SESSION_TAKEN_OVER
            | reason::TOPIC_FILTER_INVALID
            | reason::TOPIC_NAME_INVALID
            | reason::RECEIVE_MAXIMUM_EXCEEDED
            ..=reason::WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED
    )
}

#[cfg(test)]
mod tests;
