//! From a byte stream to frames, from a frame to a packet: borrowed views, nothing is copied or allocated.

use super::error::Malformed;
use super::packet::AckKind;
pub use super::packet::{Ack, Auth, ConnAck, Disconnect, Publish, SubAck, UnsubAck};
use super::wire::{self, Reader};
use super::{Version, reason};

/// Where a packet lies in a byte stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// First byte: packet type and flags.
    pub first: u8,
    /// Length of the fixed header: the body starts here.
    pub header_len: usize,
    /// Length of fixed header and body: the next packet starts here.
    pub total_len: usize,
}

/// A packet that a server may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// CONNACK.
    ConnAck(ConnAck<'a>),
    /// PUBLISH.
    Publish(Publish<'a>),
    /// PUBACK.
    PubAck(Ack<'a>),
    /// PUBREC.
    PubRec(Ack<'a>),
    /// PUBREL.
    PubRel(Ack<'a>),
    /// PUBCOMP.
    PubComp(Ack<'a>),
    /// SUBACK.
    SubAck(SubAck<'a>),
    /// UNSUBACK.
    UnsubAck(UnsubAck<'a>),
    /// PINGRESP.
    PingResp,
    /// DISCONNECT, MQTT 5 only.
    Disconnect(Disconnect<'a>),
    /// AUTH, MQTT 5 only.
    Auth(Auth<'a>),
}

/// Returns the first packet in `buf`, once all of it is there; `None` while more bytes are needed.
///
/// A packet larger than `max_packet_size` (header included), or one that no server may send, is refused as soon
/// as its header is there, before its body is read.
pub fn frame(buf: &[u8], max_packet_size: u32) -> Result<Option<Frame>, Malformed> {
    let frame = header(buf, max_packet_size)?;
    Ok(frame.filter(|frame| frame.total_len <= buf.len()))
}

/// Works like [`frame`], but as soon as the fixed header is there: `total_len - buf.len()` bytes may still be missing.
pub fn header(buf: &[u8], max_packet_size: u32) -> Result<Option<Frame>, Malformed> {
    let Some((&first, rest)) = buf.split_first() else {
        return Ok(None);
    };
    Type::of(first)?;
    let Some((remaining, length_len)) = wire::varint(rest)? else {
        return Ok(None);
    };
    let header_len = 1 + length_len;
    let total_len = header_len + remaining as usize;
    if total_len > max_packet_size as usize {
        return Err(Malformed::new(
            reason::PACKET_TOO_LARGE,
            "packet is larger than the client's Maximum Packet Size",
        ));
    }
    Ok(Some(Frame {
        first,
        header_len,
        total_len,
    }))
}

/// Reads the packet with that first byte and body. Also reads a PUBLISH that we encoded ourselves.
pub fn decode(version: Version, first: u8, body: &[u8]) -> Result<Packet<'_>, Malformed> {
    let kind = Type::of(first)?;
    kind.check_flags(version, first & 0x0F)?;
    Ok(match kind {
        Type::ConnAck => Packet::ConnAck(ConnAck::decode(version, body)?),
        Type::Publish => Packet::Publish(Publish::decode(version, first, body)?),
        Type::PubAck => Packet::PubAck(Ack::decode(AckKind::PubAck, version, body)?),
        Type::PubRec => Packet::PubRec(Ack::decode(AckKind::PubRec, version, body)?),
        Type::PubRel => Packet::PubRel(Ack::decode(AckKind::PubRel, version, body)?),
        Type::PubComp => Packet::PubComp(Ack::decode(AckKind::PubComp, version, body)?),
        Type::SubAck => Packet::SubAck(SubAck::decode(version, body)?),
        Type::UnsubAck => Packet::UnsubAck(UnsubAck::decode(version, body)?),
        Type::PingResp => {
            Reader::new(body).end()?;
            Packet::PingResp
        }
        Type::Disconnect => Packet::Disconnect(Disconnect::decode(version, body)?),
        Type::Auth => Packet::Auth(Auth::decode(version, body)?),
    })
}

/// Type of a packet that a server may send.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    ConnAck,
    Publish,
    PubAck,
    PubRec,
    PubRel,
    PubComp,
    SubAck,
    UnsubAck,
    PingResp,
    Disconnect,
    Auth,
}

impl Type {
    /// Reads the upper half of the first byte (table 2-1).
    const fn of(first: u8) -> Result<Self, Malformed> {
        Ok(match first >> 4 {
            2 => Self::ConnAck,
            3 => Self::Publish,
            4 => Self::PubAck,
            5 => Self::PubRec,
            6 => Self::PubRel,
            7 => Self::PubComp,
            9 => Self::SubAck,
            11 => Self::UnsubAck,
            13 => Self::PingResp,
            14 => Self::Disconnect,
            15 => Self::Auth,
            0 => {
                return Err(Malformed::new(
                    reason::MALFORMED_PACKET,
                    "packet type 0 is reserved",
                ));
            }
            _ => {
                return Err(Malformed::new(
                    reason::PROTOCOL_ERROR,
                    "a packet that only clients send",
                ));
            }
        })
    }

    /// Checks the lower half of the first byte: [MQTT-2.2.2-2] of 3.1.1, [MQTT-2.1.3-1] of 5.0.
    fn check_flags(self, version: Version, flags: u8) -> Result<(), Malformed> {
        let valid = match self {
            // DUP, QoS and RETAIN, which its decoder reads.
            Self::Publish => true,
            // In 3.1 a PUBREL is a QoS 1 message, marked DUP when it is sent again.
            Self::PubRel if version == Version::V31 => flags & !0x08 == 0x02,
            Self::PubRel => flags == 0x02,
            _ => flags == 0,
        };
        if valid {
            Ok(())
        } else {
            Err(Malformed::new(
                reason::MALFORMED_PACKET,
                "reserved flags in the first byte",
            ))
        }
    }
}

#[cfg(test)]
mod tests;
