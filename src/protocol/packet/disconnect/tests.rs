use super::*;
use crate::protocol::property::{Properties, Property, Value};

fn list(properties: &[(PropertyId, Value<'_>)]) -> Properties {
    let mut list = Properties::new();
    for &(id, value) in properties {
        list.push(Property { id, value }).unwrap();
    }
    list
}

fn disconnect(version: Version, reason: u8, properties: PropertiesRef<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode_disconnect(version, reason, properties, &mut out).unwrap();
    out.to_vec()
}

fn auth(reason: u8, properties: PropertiesRef<'_>) -> Result<Vec<u8>, Malformed> {
    let mut out = BytesMut::new();
    encode_auth(reason, properties, &mut out)?;
    Ok(out.to_vec())
}

/// Section 3.14.2.1: the reason and the properties may be left out; mqttbytes 0.6 drops the reason.
#[test]
fn disconnects() {
    let expiry = list(&[(PropertyId::SessionExpiryInterval, Value::Four(0))]);
    for version in [Version::V31, Version::V311] {
        assert_eq!(disconnect(version, 4, expiry.as_ref()), b"\xE0\x00");
    }
    let none = PropertiesRef::EMPTY;
    assert_eq!(disconnect(Version::V5, 0, none), b"\xE0\x00");
    assert_eq!(disconnect(Version::V5, 4, none), b"\xE0\x01\x04");
    assert_eq!(
        disconnect(Version::V5, 0, expiry.as_ref()),
        b"\xE0\x07\x00\x05\x11\0\0\0\0"
    );
    assert_eq!(
        disconnect(Version::V5, 0x81, expiry.as_ref()),
        b"\xE0\x07\x81\x05\x11\0\0\0\0"
    );
}

#[test]
fn a_disconnect_with_a_property_of_another_packet() {
    let alias = list(&[(PropertyId::TopicAlias, Value::Two(1))]);
    let mut out = BytesMut::from(&b"before"[..]);
    let error = encode_disconnect(Version::V5, 0, alias.as_ref(), &mut out).unwrap_err();
    assert_eq!(error.reason, reason::MALFORMED_PACKET);
    assert_eq!(&out[..], b"before");
}

/// Section 3.15.2.2.2: the method may be left out only with everything else.
#[test]
fn auths() {
    let method = list(&[
        (PropertyId::AuthenticationMethod, Value::Utf8(b"m")),
        (PropertyId::AuthenticationData, Value::Binary(b"\0")),
    ]);
    assert_eq!(
        auth(0x18, method.as_ref()).unwrap(),
        b"\xF0\x0A\x18\x08\x15\x00\x01m\x16\x00\x01\0"
    );
    assert_eq!(auth(0, PropertiesRef::EMPTY).unwrap(), b"\xF0\x00");
    let user = list(&[(PropertyId::UserProperty, Value::Pair(b"n", b"v"))]);
    for (code, properties) in [(0x19, PropertiesRef::EMPTY), (0, user.as_ref())] {
        let error = auth(code, properties).unwrap_err();
        assert_eq!(error.reason, reason::PROTOCOL_ERROR);
    }
    for body in [&b"\x18"[..], b"\x18\x00", b"\x18\x07\x26\x00\x01n\x00\x01v"] {
        let error = Auth::decode(Version::V5, body).unwrap_err();
        assert_eq!(error.reason, reason::PROTOCOL_ERROR);
    }
}

/// [MQTT-3.14.2-1], [MQTT-3.15.2-1]
#[test]
fn only_the_reason_codes_of_a_server() {
    let valid = [
        0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94,
        0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
    ];
    let method = b"\x04\x15\x00\x01m";
    for code in 0..=u8::MAX {
        let body = [code];
        match Disconnect::decode(Version::V5, &body) {
            Ok(packet) => assert_eq!(packet.reason, code),
            Err(error) => assert_eq!(error.reason, reason::PROTOCOL_ERROR),
        }
        let known = Disconnect::decode(Version::V5, &body).is_ok();
        assert_eq!(known, valid.contains(&code), "{code:x}");

        let body = [&body[..], method].concat();
        let known = Auth::decode(Version::V5, &body).is_ok();
        assert_eq!(known, matches!(code, 0x00 | 0x18), "{code:x}");
    }
}

#[test]
fn bodies_of_the_wrong_length() {
    for body in [&b"\x00\x01"[..], b"\x00\x00\x00", b"\x00\x02\x1F\x00"] {
        let error = Disconnect::decode(Version::V5, body).unwrap_err();
        assert_eq!(error.reason, reason::MALFORMED_PACKET);
    }
}
