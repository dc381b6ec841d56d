//! SUBSCRIBE, UNSUBSCRIBE and their acknowledgements.
//!
//! The requests are written by mqttbytes: its encoders are right once the values are checked, and the copies it
//! wants do not matter here. Its one liberty is to put the Subscription Identifier before the user properties,
//! whose order among themselves is kept and carries meaning.

use bytes::BytesMut;
use mqttbytes::{v4, v5};

use crate::protocol::error::Malformed;
use crate::protocol::property::{Context, PropertiesRef, PropertyId, Value};
use crate::protocol::wire::{self, Reader};
use crate::protocol::{QoS, Version, reason};

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

impl<'a> SubAck<'a> {
    pub(in crate::protocol) fn decode(version: Version, body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let packet_id = reader.packet_id()?;
        let (properties, known): (_, fn(u8) -> bool) = match version {
            Version::V5 => (
                PropertiesRef::decode(&mut reader, Context::SubAck)?,
                is_suback_reason,
            ),
            // [MQTT-3.9.3-2] of 3.1.1. 3.1 has no failure, but servers send it there too.
            Version::V31 | Version::V311 => (PropertiesRef::EMPTY, |code| {
                matches!(code, 0..=2 | reason::SUBACK_FAILURE)
            }),
        };
        let codes = check_codes(reader.rest(), known)?;
        Ok(SubAck {
            packet_id,
            properties,
            codes,
        })
    }
}

impl<'a> UnsubAck<'a> {
    pub(in crate::protocol) fn decode(version: Version, body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let packet_id = reader.packet_id()?;
        let (properties, codes): (_, &[u8]) = match version {
            Version::V5 => {
                let properties = PropertiesRef::decode(&mut reader, Context::UnsubAck)?;
                (properties, check_codes(reader.rest(), is_unsuback_reason)?)
            }
            Version::V31 | Version::V311 => {
                reader.end()?;
                (PropertiesRef::EMPTY, &[])
            }
        };
        Ok(UnsubAck {
            packet_id,
            properties,
            codes,
        })
    }
}

/// Checks that there is a code for each filter, so at least one.
fn check_codes(codes: &[u8], known: fn(u8) -> bool) -> Result<&[u8], Malformed> {
    if codes.is_empty() {
        return Err(Malformed::new(
            reason::MALFORMED_PACKET,
            "SUBACK or UNSUBACK without a code",
        ));
    }
    if codes.iter().all(|&code| known(code)) {
        Ok(codes)
    } else {
        Err(Malformed::new(
            reason::PROTOCOL_ERROR,
            "SUBACK or UNSUBACK with an unknown code",
        ))
    }
}

/// Returns true for a reason code of SUBACK ([MQTT-3.9.3-2]).
const fn is_suback_reason(code: u8) -> bool {
    matches!(
        code,
        reason::GRANTED_QOS_0
            | reason::GRANTED_QOS_1
            | reason::GRANTED_QOS_2
            | reason::UNSPECIFIED_ERROR
            | reason::IMPLEMENTATION_SPECIFIC_ERROR
            | reason::NOT_AUTHORIZED
            | reason::TOPIC_FILTER_INVALID
            | reason::PACKET_IDENTIFIER_IN_USE
            | reason::QUOTA_EXCEEDED
            | reason::SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
            | reason::SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED
            | reason::WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED
    )
}

/// Returns true for a reason code of UNSUBACK ([MQTT-3.11.3-2]).
const fn is_unsuback_reason(code: u8) -> bool {
    matches!(
        code,
        reason::SUCCESS
            | reason::NO_SUBSCRIPTION_EXISTED
            | reason::UNSPECIFIED_ERROR
            | reason::IMPLEMENTATION_SPECIFIC_ERROR
            | reason::NOT_AUTHORIZED
            | reason::TOPIC_FILTER_INVALID
            | reason::PACKET_IDENTIFIER_IN_USE
    )
}

/// Appends a SUBSCRIBE, or fails and leaves `out` as it was.
pub fn encode_subscribe(
    version: Version,
    packet_id: u16,
    filters: &[Filter<'_>],
    properties: PropertiesRef<'_>,
    out: &mut BytesMut,
) -> Result<(), Malformed> {
    check_request(packet_id, filters.iter().map(|f| f.filter))?;
    if version != Version::V5 {
        let filters = filters.iter().map(|f| {
            Ok(v4::SubscribeFilter {
                path: topic_filter(f.filter)?,
                qos: f.qos,
            })
        });
        let packet = v4::Subscribe {
            pkid: packet_id,
            filters: filters.collect::<Result<_, Malformed>>()?,
        };
        return whole(out, |out| packet.write(out));
    }

    properties.validate_for(Context::Subscribe)?;
    let filters = filters.iter().map(|f| {
        // [MQTT-3.8.3-4]
        if f.no_local && wire::share(f.filter).is_some() {
            return Err(Malformed::new(
                reason::PROTOCOL_ERROR,
                "No Local on a shared subscription",
            ));
        }
        Ok(v5::SubscribeFilter {
            path: topic_filter(f.filter)?,
            qos: f.qos,
            nolocal: f.no_local,
            preserve_retain: f.retain_as_published,
            retain_forward_rule: match f.retain_handling {
                0 => v5::RetainForwardRule::OnEverySubscribe,
                1 => v5::RetainForwardRule::OnNewSubscribe,
                2 => v5::RetainForwardRule::Never,
                _ => {
                    return Err(Malformed::new(
                        reason::PROTOCOL_ERROR,
                        "Retain Handling: above 2",
                    ));
                }
            },
        })
    });
    let packet = v5::Subscribe {
        pkid: packet_id,
        filters: filters.collect::<Result<_, Malformed>>()?,
        properties: Some(v5::SubscribeProperties {
            id: properties
                .number(PropertyId::SubscriptionIdentifier)
                .map(|id| id as usize),
            user_properties: user_properties(properties)?,
        }),
    };
    whole(out, |out| packet.write(out))
}

/// Appends an UNSUBSCRIBE, or fails and leaves `out` as it was.
pub fn encode_unsubscribe(
    version: Version,
    packet_id: u16,
    filters: &[&[u8]],
    properties: PropertiesRef<'_>,
    out: &mut BytesMut,
) -> Result<(), Malformed> {
    check_request(packet_id, filters.iter().copied())?;
    let topics = filters
        .iter()
        .map(|f| topic_filter(f))
        .collect::<Result<_, _>>()?;
    if version != Version::V5 {
        let packet = v4::Unsubscribe {
            pkid: packet_id,
            topics,
        };
        return whole(out, |out| packet.write(out));
    }
    properties.validate_for(Context::Unsubscribe)?;
    let packet = v5::Unsubscribe {
        pkid: packet_id,
        filters: topics,
        properties: Some(v5::UnsubscribeProperties {
            user_properties: user_properties(properties)?,
        }),
    };
    whole(out, |out| packet.write(out))
}

impl<'a> Filter<'a> {
    /// Returns a filter with the options byte of a SUBSCRIBE of ours.
    pub fn of(filter: &'a [u8], options: u8) -> Self {
        Self {
            filter,
            qos: match options & 3 {
                0 => QoS::AtMostOnce,
                1 => QoS::AtLeastOnce,
                _ => QoS::ExactlyOnce,
            },
            no_local: options & 4 != 0,
            retain_as_published: options & 8 != 0,
            retain_handling: options >> 4 & 3,
        }
    }
}

/// Reads a SUBSCRIBE of ours back: its filters and their options bytes.
pub fn requested(version: Version, packet: &[u8]) -> Option<impl Iterator<Item = (&[u8], u8)>> {
    let (_, mut reader) = request_payload(version, packet)?;
    Some(std::iter::from_fn(move || {
        let filter = reader.binary().ok()?;
        Some((filter, reader.byte().ok()?))
    }))
}

/// Reads the Subscription Identifier of a SUBSCRIBE of ours back.
pub fn requested_identifier(version: Version, packet: &[u8]) -> Option<u32> {
    request_payload(version, packet)?.0
}

/// Reads the filters of an UNSUBSCRIBE of ours back.
pub fn unsubscribed(version: Version, packet: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let (_, mut reader) = request_payload(version, packet)?;
    Some(std::iter::from_fn(move || reader.binary().ok()))
}

/// Finds the payload of a SUBSCRIBE or UNSUBSCRIBE of ours, and its Subscription Identifier.
fn request_payload(version: Version, packet: &[u8]) -> Option<(Option<u32>, Reader<'_>)> {
    let (_, length_len) = wire::varint(packet.get(1..)?).ok()??;
    let mut reader = Reader::new(packet.get(1 + length_len + 2..)?);
    let mut identifier = None;
    if version == Version::V5 {
        let len = reader.varint().ok()?;
        let list = reader.take(len as usize).ok()?;
        identifier =
            crate::protocol::property::Iter::new(list).find_map(|property| match property.value {
                Value::Var(identifier) => Some(identifier),
                _ => None,
            });
    }
    Some((identifier, reader))
}

/// Sets the packet identifier of an encoded SUBSCRIBE or UNSUBSCRIBE.
pub fn set_request_id(packet: &mut [u8], id: u16) {
    let length = packet.get(1..).and_then(|rest| wire::varint(rest).ok()?);
    if let Some((_, length_len)) = length {
        if let Some(place) = packet.get_mut(1 + length_len..3 + length_len) {
            place.copy_from_slice(&id.to_be_bytes());
        }
    }
}

/// Checks what mqttbytes takes on trust: at least one filter ([MQTT-3.8.3-2], [MQTT-3.10.3-2]) and a packet identifier.
fn check_request<'a>(
    packet_id: u16,
    mut filters: impl Iterator<Item = &'a [u8]>,
) -> Result<(), Malformed> {
    if packet_id == 0 {
        return Err(Malformed::new(
            reason::PROTOCOL_ERROR,
            "packet identifier is zero",
        ));
    }
    if filters.next().is_none() {
        return Err(Malformed::new(reason::PROTOCOL_ERROR, "topic filter: none"));
    }
    Ok(())
}

/// Returns a filter, checked, as mqttbytes wants it.
fn topic_filter(filter: &[u8]) -> Result<String, Malformed> {
    if !wire::valid_topic_filter(filter) {
        return Err(Malformed::new(
            reason::TOPIC_FILTER_INVALID,
            if filter.is_empty() {
                "topic filter: empty"
            } else if filter.len() > wire::MAX_STRING {
                "topic filter: longer than 65,535 bytes"
            } else if wire::valid_utf8(filter) {
                "topic filter: has a misplaced wildcard, or is a bad $share"
            } else {
                "topic filter: not well-formed UTF-8, or with U+0000"
            },
        ));
    }
    text(filter)
}

/// Returns the user properties, in order.
fn user_properties(properties: PropertiesRef<'_>) -> Result<Vec<(String, String)>, Malformed> {
    properties
        .iter()
        .filter_map(|p| match p.value {
            Value::Pair(name, value) => Some((name, value)),
            _ => None,
        })
        .map(|(name, value)| Ok((text(name)?, text(value)?)))
        .collect()
}

fn text(bytes: &[u8]) -> Result<String, Malformed> {
    String::from_utf8(bytes.to_vec()).map_err(|_| {
        Malformed::new(
            reason::MALFORMED_PACKET,
            "a string is not well-formed UTF-8",
        )
    })
}

/// Takes the first byte back that mqttbytes has written by the time it finds that the packet is too large.
fn whole(
    out: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<usize, mqttbytes::Error>,
) -> Result<(), Malformed> {
    let start = out.len();
    if let Ok(written) = write(out) {
        debug_assert_eq!(written, out.len() - start);
        return Ok(());
    }
    out.truncate(start);
    Err(Malformed::new(
        reason::MALFORMED_PACKET,
        "packet is larger than 268435455 bytes",
    ))
}

#[cfg(test)]
mod tests;
