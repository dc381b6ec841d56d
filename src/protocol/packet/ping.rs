//! PINGREQ.

use bytes::BytesMut;

/// Appends a PINGREQ.
pub fn encode_pingreq(out: &mut BytesMut) {
    let written = mqttbytes::v4::PingReq.write(out);
    debug_assert_eq!(written, Ok(2));
}
