//! PUBLISH, and the places in an encoded one that a resend changes.

use bytes::BytesMut;

use crate::protocol::error::Malformed;
use crate::protocol::property::PropertiesRef;
use crate::protocol::{QoS, Version};

/// A PUBLISH, received or to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// A resend; never at `QoS` 0.
    pub dup: bool,
    /// Quality of service.
    pub qos: QoS,
    /// To be retained, or was retained.
    pub retain: bool,
    /// Topic name; empty only on MQTT 5, with a Topic Alias.
    pub topic: &'a [u8],
    /// 0 at `QoS` 0. To be sent it may be 0 otherwise too: [`set_packet_id`] sets it later.
    pub packet_id: u16,
    /// None on 3.x.
    pub properties: PropertiesRef<'a>,
    /// The application message.
    pub payload: &'a [u8],
}

impl Publish<'_> {
    /// How many bytes [`encode`](Self::encode) writes.
    pub fn encoded_len(&self, version: Version) -> Result<usize, Malformed> {
        let _ = version;
        todo!()
    }

    /// Appends the packet, or fails and leaves `out` as it was.
    pub fn encode(&self, version: Version, out: &mut BytesMut) -> Result<(), Malformed> {
        let _ = (version, out);
        todo!()
    }

    /// Appends all but the payload, which the caller sends right after it from where it lies.
    pub fn encode_header(&self, version: Version, out: &mut BytesMut) -> Result<(), Malformed> {
        let _ = (version, out);
        todo!()
    }
}

/// Where the packet identifier is in an encoded PUBLISH (or its header); `None` at `QoS` 0.
pub fn packet_id_offset(packet: &[u8]) -> Option<usize> {
    let _ = packet;
    todo!()
}

/// Sets the packet identifier of an encoded PUBLISH; does nothing at `QoS` 0.
pub fn set_packet_id(packet: &mut [u8], id: u16) {
    let _ = (packet, id);
    todo!()
}

/// Sets the DUP flag of an encoded PUBLISH ([MQTT-3.3.1-1]); does nothing at `QoS` 0 ([MQTT-3.3.1-2]).
pub fn set_dup(packet: &mut [u8]) {
    let _ = packet;
    todo!()
}

/// Where the four bytes of the Message Expiry Interval are in an encoded MQTT 5 PUBLISH, if it has one.
pub fn message_expiry_offset(packet: &[u8]) -> Option<usize> {
    let _ = packet;
    todo!()
}
