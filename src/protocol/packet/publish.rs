//! PUBLISH, and the places in an encoded one that a resend changes.

use bytes::{BufMut, BytesMut};

use crate::protocol::error::Malformed;
use crate::protocol::property::{self, Context, PropertiesRef, PropertyId};
use crate::protocol::wire::{self, Reader, varint_len};
use crate::protocol::{QoS, Version, reason};

/// Packet type in the first byte.
const TYPE: u8 = 0xF0;
const PUBLISH: u8 = 0x30;
/// The flags of a PUBLISH.
const DUP: u8 = 0x08;
const QOS: u8 = 0x06;
const RETAIN: u8 = 0x01;

/// [MQTT-3.3.1-2]
const DUP_AT_QOS_0: Malformed =
    Malformed::new(reason::MALFORMED_PACKET, "PUBLISH with DUP at QoS 0");

/// A PUBLISH, received or to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// A resend; never at QoS 0.
    pub dup: bool,
    /// Quality of service.
    pub qos: QoS,
    /// To be retained, or was retained.
    pub retain: bool,
    /// Topic name; empty only on MQTT 5, with a Topic Alias.
    pub topic: &'a [u8],
    /// 0 at QoS 0. To be sent it may be 0 otherwise too: [`set_packet_id`] sets it later.
    pub packet_id: u16,
    /// None on 3.x.
    pub properties: PropertiesRef<'a>,
    /// The application message.
    pub payload: &'a [u8],
}

impl<'a> Publish<'a> {
    /// Returns how many bytes [`encode`](Self::encode) writes.
    pub fn encoded_len(&self, version: Version) -> Result<usize, Malformed> {
        let remaining = self.variable_header_len(version) + self.payload.len();
        Ok(1 + varint_len(wire::remaining_length(remaining)?) + remaining)
    }

    /// Appends the packet, or fails and leaves `out` as it was.
    pub fn encode(&self, version: Version, out: &mut BytesMut) -> Result<(), Malformed> {
        self.write(version, self.payload, out)
    }

    /// Appends all but the payload, which the caller sends right after it from where it lies.
    pub fn encode_header(&self, version: Version, out: &mut BytesMut) -> Result<(), Malformed> {
        self.write(version, &[], out)
    }

    fn write(&self, version: Version, payload: &[u8], out: &mut BytesMut) -> Result<(), Malformed> {
        self.check(version)?;
        let header = self.variable_header_len(version);
        let first =
            PUBLISH | (u8::from(self.dup) << 3) | ((self.qos as u8) << 1) | u8::from(self.retain);
        let remaining = header + self.payload.len();
        wire::put_packet(out, first, remaining, header + payload.len(), |out| {
            wire::put_binary(out, self.topic)?;
            // [MQTT-2.2.1-2]: a QoS 0 PUBLISH has no packet identifier.
            if self.qos != QoS::AtMostOnce {
                out.put_u16(self.packet_id);
            }
            if version == Version::V5 {
                self.properties.encode(out)?;
            }
            out.put_slice(payload);
            Ok(())
        })
    }

    fn variable_header_len(&self, version: Version) -> usize {
        let packet_id = if self.qos == QoS::AtMostOnce { 0 } else { 2 };
        let properties = match version {
            Version::V5 => self.properties.encoded_len(),
            Version::V31 | Version::V311 => 0,
        };
        2 + self.topic.len() + packet_id + properties
    }

    fn check(&self, version: Version) -> Result<(), Malformed> {
        if self.dup && self.qos == QoS::AtMostOnce {
            return Err(DUP_AT_QOS_0);
        }
        if version == Version::V5 {
            self.properties.validate_for(Context::Publish)?;
        }
        if self.topic.is_empty() {
            return self.check_alias(version);
        }
        if !wire::valid_topic_name(self.topic) {
            return Err(Malformed::new(
                reason::TOPIC_NAME_INVALID,
                if self.topic.len() > wire::MAX_STRING {
                    "topic: longer than 65,535 bytes"
                } else if wire::has_wildcard(self.topic) {
                    "topic: has a wildcard"
                } else {
                    "topic: not well-formed UTF-8, or with U+0000"
                },
            ));
        }
        Ok(())
    }

    /// Checks that a topic is empty only where an alias stands for it: [MQTT-4.7.3-1], section 3.3.2.1 of 5.0.
    fn check_alias(&self, version: Version) -> Result<(), Malformed> {
        if version == Version::V5 && self.properties.number(PropertyId::TopicAlias).is_some() {
            return Ok(());
        }
        Err(Malformed::new(
            reason::PROTOCOL_ERROR,
            "topic: empty, and without an alias",
        ))
    }

    pub(in crate::protocol) fn decode(
        version: Version,
        first: u8,
        body: &'a [u8],
    ) -> Result<Self, Malformed> {
        let dup = first & DUP != 0;
        // [MQTT-3.3.1-4]
        let qos = mqttbytes::qos((first >> 1) & 3)
            .map_err(|_| Malformed::new(reason::MALFORMED_PACKET, "PUBLISH with QoS 3"))?;
        if dup && qos == QoS::AtMostOnce {
            return Err(DUP_AT_QOS_0);
        }
        let mut reader = Reader::new(body);
        let topic = reader.binary()?;
        // What no topic name holds: U+0000 and the wildcards ([MQTT-3.3.2-2]).
        if !wire::is_plain(topic)
            && (memchr::memchr3(0, b'+', b'#', topic).is_some() || !wire::well_formed_utf8(topic))
        {
            return Err(Malformed::new(
                reason::MALFORMED_PACKET,
                "topic of a PUBLISH has a wildcard or U+0000 or is not well-formed UTF-8",
            ));
        }
        let packet_id = match qos {
            QoS::AtMostOnce => 0,
            QoS::AtLeastOnce | QoS::ExactlyOnce => reader.packet_id()?,
        };
        let properties = match version {
            Version::V5 => PropertiesRef::decode(&mut reader, Context::Publish)?,
            Version::V31 | Version::V311 => PropertiesRef::EMPTY,
        };
        let publish = Publish {
            dup,
            qos,
            retain: first & RETAIN != 0,
            topic,
            packet_id,
            properties,
            payload: reader.rest(),
        };
        if topic.is_empty() {
            publish.check_alias(version)?;
        }
        Ok(publish)
    }
}

/// Returns where the packet identifier is in an encoded PUBLISH (or its header); `None` at QoS 0.
pub fn packet_id_offset(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    if first & TYPE != PUBLISH || first & QOS == 0 {
        return None;
    }
    let offset = topic_end(packet)?;
    (offset + 2 <= packet.len()).then_some(offset)
}

/// Sets the packet identifier of an encoded PUBLISH; does nothing at QoS 0.
pub fn set_packet_id(packet: &mut [u8], id: u16) {
    if let Some(offset) = packet_id_offset(packet) {
        packet[offset..offset + 2].copy_from_slice(&id.to_be_bytes());
    }
}

/// Sets the DUP flag of an encoded PUBLISH ([MQTT-3.3.1-1]); does nothing at QoS 0 ([MQTT-3.3.1-2]).
pub fn set_dup(packet: &mut [u8]) {
    if let Some(first) = packet.first_mut() {
        if *first & TYPE == PUBLISH && *first & QOS != 0 {
            *first |= DUP;
        }
    }
}

/// Returns true if an encoded PUBLISH has the DUP flag.
pub fn has_dup(packet: &[u8]) -> bool {
    packet
        .first()
        .is_some_and(|first| *first & TYPE == PUBLISH && *first & DUP != 0)
}

/// Clears the DUP flag of an encoded PUBLISH.
pub fn clear_dup(packet: &mut [u8]) {
    if has_dup(packet) {
        packet[0] &= !DUP;
    }
}

/// Returns where the four bytes of the Message Expiry Interval are in an encoded MQTT 5 PUBLISH, if it has one.
pub fn message_expiry_offset(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    if first & TYPE != PUBLISH {
        return None;
    }
    let packet_id = if first & QOS == 0 { 0 } else { 2 };
    let mut reader = Reader::new(packet.get(topic_end(packet)? + packet_id..)?);
    let len = reader.varint().ok()?;
    let start = packet.len() - reader.rest().len();
    let bytes = reader.take(len as usize).ok()?;
    // The four bytes are the last of the property, so they end where the rest of the list begins.
    let mut list = property::Iter::new(bytes);
    while let Some(property) = list.next() {
        if property.id == PropertyId::MessageExpiryInterval {
            return Some(start + bytes.len() - list.remaining() - 4);
        }
    }
    None
}

/// Returns where the topic of an encoded PUBLISH ends.
fn topic_end(packet: &[u8]) -> Option<usize> {
    let (_, length_len) = wire::varint(packet.get(1..)?).ok()??;
    let mut reader = Reader::new(packet.get(1 + length_len..)?);
    reader.binary().ok()?;
    Some(packet.len() - reader.rest().len())
}

#[cfg(test)]
mod tests;
