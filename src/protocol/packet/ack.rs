//! PUBACK, PUBREC, PUBREL and PUBCOMP: one shape, four packet types.

use bytes::{BufMut, BytesMut};

use crate::protocol::error::Malformed;
use crate::protocol::property::{Context, PropertiesRef};
use crate::protocol::wire::Reader;
use crate::protocol::{Version, reason};

/// Which of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckKind {
    /// Answers a QoS 1 PUBLISH.
    PubAck,
    /// Answers a QoS 2 PUBLISH.
    PubRec,
    /// Answers a PUBREC.
    PubRel,
    /// Answers a PUBREL.
    PubComp,
}

/// A PUBACK, PUBREC, PUBREL or PUBCOMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// Of the PUBLISH it is about; never zero.
    pub packet_id: u16,
    /// Success on 3.x.
    pub reason: u8,
    /// None on 3.x.
    pub properties: PropertiesRef<'a>,
}

/// Appends an acknowledgement. `reason` is not sent on 3.x, which has none.
pub fn encode_ack(kind: AckKind, version: Version, packet_id: u16, reason: u8, out: &mut BytesMut) {
    if version != Version::V5 || reason == reason::SUCCESS {
        // Without a reason the packet is the same in all versions (section 3.4.2.1).
        let written = match kind {
            AckKind::PubAck => mqttbytes::v4::PubAck::new(packet_id).write(out),
            AckKind::PubRec => mqttbytes::v4::PubRec::new(packet_id).write(out),
            AckKind::PubRel => mqttbytes::v4::PubRel::new(packet_id).write(out),
            AckKind::PubComp => mqttbytes::v4::PubComp::new(packet_id).write(out),
        };
        debug_assert_eq!(written, Ok(4));
        return;
    }
    // mqttbytes has an enum of reasons for each packet and none can be made from a byte: that would be four
    // tables here to write one byte.
    let [high, low] = packet_id.to_be_bytes();
    out.put_slice(&[kind.first_byte(), 3, high, low, reason]);
}

impl AckKind {
    /// Returns the packet type and flags: a PUBREL has the flags 0010 ([MQTT-3.6.1-1]).
    const fn first_byte(self) -> u8 {
        match self {
            Self::PubAck => 0x40,
            Self::PubRec => 0x50,
            Self::PubRel => 0x62,
            Self::PubComp => 0x70,
        }
    }

    const fn context(self) -> Context {
        match self {
            Self::PubAck => Context::PubAck,
            Self::PubRec => Context::PubRec,
            Self::PubRel => Context::PubRel,
            Self::PubComp => Context::PubComp,
        }
    }

    /// Returns true if `code` is one of the packet's table of reason codes ([MQTT-3.4.2-1], [MQTT-3.5.2-1], [MQTT-3.6.2-1],
    /// [MQTT-3.7.2-1]).
    pub(in crate::protocol) const fn has_reason(self, code: u8) -> bool {
        match self {
            Self::PubAck | Self::PubRec => matches!(
                code,
                reason::SUCCESS
                    | reason::NO_MATCHING_SUBSCRIBERS
                    | reason::UNSPECIFIED_ERROR
                    | reason::IMPLEMENTATION_SPECIFIC_ERROR
                    | reason::NOT_AUTHORIZED
                    | reason::TOPIC_NAME_INVALID
                    | reason::PACKET_IDENTIFIER_IN_USE
                    | reason::QUOTA_EXCEEDED
                    | reason::PAYLOAD_FORMAT_INVALID
            ),
            Self::PubRel | Self::PubComp => {
                matches!(code, reason::SUCCESS | reason::PACKET_IDENTIFIER_NOT_FOUND)
            }
        }
    }

    /// Returns true if a server's `code` is taken: one of the packet's table, or, as the answer to a PUBLISH, any code that
    /// means success (below 0x80, section 2.4).
    ///
    /// mochi-mqtt answers a PUBLISH with user properties by 0x01 or 0x02, which are SUBACK's codes. The original takes any.
    /// Ending the connection would end each later one as well, because the message is sent again on it.
    const fn takes(self, code: u8) -> bool {
        let answers_publish = matches!(self, Self::PubAck | Self::PubRec);
        self.has_reason(code) || (answers_publish && code < reason::UNSPECIFIED_ERROR)
    }
}

impl<'a> Ack<'a> {
    pub(in crate::protocol) fn decode(
        kind: AckKind,
        version: Version,
        body: &'a [u8],
    ) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let mut ack = Ack {
            packet_id: reader.packet_id()?,
            reason: reason::SUCCESS,
            properties: PropertiesRef::EMPTY,
        };
        if version == Version::V5 && !reader.is_empty() {
            ack.reason = reader.byte()?;
            if !kind.takes(ack.reason) {
                return Err(Malformed::new(
                    reason::PROTOCOL_ERROR,
                    "acknowledgement has a reason code that its packet type has not",
                ));
            }
            // The Property Length too may be missing (section 3.4.2.2.1).
            if !reader.is_empty() {
                ack.properties = PropertiesRef::decode(&mut reader, kind.context())?;
            }
        }
        reader.end()?;
        Ok(ack)
    }
}

#[cfg(test)]
mod tests;
