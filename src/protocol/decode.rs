//! From a byte stream to frames, from a frame to a packet: borrowed views, nothing is copied or allocated.

use super::Version;
use super::error::Malformed;
pub use super::packet::{Ack, Auth, ConnAck, Disconnect, Publish, SubAck, UnsubAck};

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

/// The first packet in `buf`, once all of it is there; `None` while more bytes are needed.
///
/// A packet larger than `max_packet_size` (header included), or one that no server may send, is refused as soon
/// as its header is there, before its body is read.
pub fn frame(buf: &[u8], max_packet_size: u32) -> Result<Option<Frame>, Malformed> {
    let frame = header(buf, max_packet_size)?;
    Ok(frame.filter(|frame| frame.total_len <= buf.len()))
}

/// Like [`frame`], but as soon as the fixed header is there: `total_len - buf.len()` bytes may still be missing.
pub fn header(buf: &[u8], max_packet_size: u32) -> Result<Option<Frame>, Malformed> {
    let _ = (buf, max_packet_size);
    todo!()
}

/// Reads the packet with that first byte and body. Also reads a PUBLISH that we encoded ourselves.
pub fn decode(version: Version, first: u8, body: &[u8]) -> Result<Packet<'_>, Malformed> {
    let _ = (version, first, body);
    todo!()
}
