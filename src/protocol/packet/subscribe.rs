//! SUBSCRIBE, UNSUBSCRIBE and their acknowledgements.

use bytes::BytesMut;

use crate::protocol::error::Malformed;
use crate::protocol::property::PropertiesRef;
use crate::protocol::{QoS, Version};

/// One subscription of a SUBSCRIBE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter<'a> {
    /// Topic filter.
    pub filter: &'a [u8],
    /// Highest quality of service wanted.
    pub qos: QoS,
    /// MQTT 5: do not send back what this client published.
    pub no_local: bool,
    /// MQTT 5: keep the retain flag as published.
    pub retain_as_published: bool,
    /// MQTT 5: 0 send retained messages, 1 only for a new subscription, 2 never.
    pub retain_handling: u8,
}

/// A SUBACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubAck<'a> {
    /// Of the SUBSCRIBE.
    pub packet_id: u16,
    /// None on 3.x.
    pub properties: PropertiesRef<'a>,
    /// One a filter, in the order of the SUBSCRIBE.
    pub codes: &'a [u8],
}

/// An UNSUBACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsubAck<'a> {
    /// Of the UNSUBSCRIBE.
    pub packet_id: u16,
    /// None on 3.x.
    pub properties: PropertiesRef<'a>,
    /// One a filter, in the order of the UNSUBSCRIBE; none on 3.x.
    pub codes: &'a [u8],
}

/// Appends a SUBSCRIBE, or fails and leaves `out` as it was.
pub fn encode_subscribe(
    version: Version,
    packet_id: u16,
    filters: &[Filter<'_>],
    properties: PropertiesRef<'_>,
    out: &mut BytesMut,
) -> Result<(), Malformed> {
    let _ = (version, packet_id, filters, properties, out);
    todo!()
}

/// Appends an UNSUBSCRIBE, or fails and leaves `out` as it was.
pub fn encode_unsubscribe(
    version: Version,
    packet_id: u16,
    filters: &[&[u8]],
    properties: PropertiesRef<'_>,
    out: &mut BytesMut,
) -> Result<(), Malformed> {
    let _ = (version, packet_id, filters, properties, out);
    todo!()
}
