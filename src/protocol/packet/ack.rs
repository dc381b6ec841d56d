//! PUBACK, PUBREC, PUBREL and PUBCOMP: one shape, four packet types.

use bytes::BytesMut;

use crate::protocol::Version;
use crate::protocol::property::PropertiesRef;

/// Which of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckKind {
    /// Answers a `QoS` 1 PUBLISH.
    PubAck,
    /// Answers a `QoS` 2 PUBLISH.
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
    let _ = (kind, version, packet_id, reason, out);
    todo!()
}
