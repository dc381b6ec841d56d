//! PINGREQ.

use bytes::BytesMut;

/// Appends a PINGREQ.
pub fn encode_pingreq(out: &mut BytesMut) {
    let written = mqttbytes::v4::PingReq.write(out);
    debug_assert_eq!(written, Ok(2));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [MQTT-3.12.1-1] of 5.0
    #[test]
    fn a_ping_request() {
        let mut out = BytesMut::from(&b"before"[..]);
        encode_pingreq(&mut out);
        assert_eq!(&out[..], b"before\xC0\x00");
    }
}
