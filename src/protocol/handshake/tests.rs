//! CONNECT and its answers, cut anywhere.

use super::*;
use crate::protocol::property::{Property, Value};

fn properties(list: &[(PropertyId, Value<'_>)]) -> Properties {
    let mut properties = Properties::new();
    for (id, value) in list {
        let property = Property {
            id: *id,
            value: *value,
        };
        properties.push(property).expect("a valid property");
    }
    properties
}

fn method(name: &str) -> (PropertyId, Value<'_>) {
    (
        PropertyId::AuthenticationMethod,
        Value::Utf8(name.as_bytes()),
    )
}

fn data(bytes: &[u8]) -> (PropertyId, Value<'_>) {
    (PropertyId::AuthenticationData, Value::Binary(bytes))
}

fn begin(version: Version, clean_start: bool, list: &[(PropertyId, Value<'_>)]) -> Handshake {
    let properties = properties(list);
    let mut out = BytesMut::new();
    let connect = Connect {
        version,
        clean_start,
        keep_alive: 0,
        client_id: b"c",
        will: None,
        username: None,
        password: None,
        properties: properties.as_ref(),
    };
    let handshake = Handshake::new(&connect, &mut out).expect("a valid CONNECT");
    assert_eq!(out[0], 0x10);
    handshake
}

fn with_method() -> Handshake {
    begin(Version::V5, true, &[method("m")])
}

fn auth(reason: u8, list: &[(PropertyId, Value<'_>)]) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode_auth(reason, properties(list).as_ref(), &mut out).expect("a valid AUTH");
    out.to_vec()
}

fn connack(code: u8, list: &[(PropertyId, Value<'_>)]) -> Vec<u8> {
    let properties = properties(list);
    let len = properties.as_ref().len();
    let byte = |n: usize| u8::try_from(n).expect("short");
    [
        &[0x20, byte(3 + len), 0, code, byte(len)],
        properties.as_ref().as_bytes(),
    ]
    .concat()
}

fn answer(mut handshake: Handshake, bytes: &[u8]) -> Result<Option<Answer>, Malformed> {
    handshake.receive(bytes);
    handshake.answer()
}

fn refused_with(result: Result<Option<Answer>, Malformed>) -> u8 {
    result.expect_err("an error").reason
}

#[test]
fn connack_is_found_wherever_it_is_cut_and_the_rest_is_left() {
    let stream = b"\x20\x02\x00\x00\x30\x03\x00\x01a".to_vec();
    for cut in 0..=stream.len() {
        let mut handshake = begin(Version::V311, true, &[]);
        let mut answers = Vec::new();
        for part in [&stream[..cut], &stream[cut..]] {
            handshake.receive(part);
            answers.extend(handshake.answer().expect("no fault"));
        }
        assert_eq!(
            answers,
            [Answer::Accepted {
                session_present: false,
                properties: Properties::new()
            }]
        );
        assert_eq!(handshake.into_rest(), &stream[4..], "cut at {cut}");
    }
}

#[test]
fn a_refusal_is_passed_on() {
    let refused = |code| {
        Ok(Some(Answer::Refused {
            code,
            properties: Properties::new(),
        }))
    };
    let v311 = answer(begin(Version::V311, true, &[]), b"\x20\x02\x00\x05");
    assert_eq!(v311, refused(5));
    let v5 = answer(with_method(), &connack(0x8C, &[]));
    assert_eq!(v5, refused(0x8C));
}

#[test]
fn authentication_takes_as_many_packets_as_it_needs() {
    let mut handshake = with_method();
    for round in 0..3_u8 {
        let payload = [round; 4];
        handshake.receive(&auth(0x18, &[method("m"), data(&payload)]));
        let asked = handshake.answer().expect("no fault");
        let expected = properties(&[method("m"), data(&payload)]);
        assert_eq!(asked, Some(Answer::Continue(expected)));
        let mut out = BytesMut::new();
        let said = properties(&[data(&payload)]);
        handshake
            .authenticate(said.as_ref(), &mut out)
            .expect("asked");
        assert_eq!(out, auth(0x18, &[method("m"), data(&payload)]));
        assert!(handshake.authenticate(said.as_ref(), &mut out).is_err());
    }
    handshake.receive(&connack(0, &[method("m"), data(b"proof")]));
    let accepted = handshake.answer().expect("no fault");
    assert!(matches!(accepted, Some(Answer::Accepted { .. })));
    assert_eq!(handshake.answer(), Ok(None));
}

#[test]
fn an_auth_that_does_not_fit_is_a_protocol_error() {
    // [MQTT-4.12.0-6]
    let none = begin(Version::V5, true, &[]);
    let unasked = answer(none, &auth(0x18, &[method("m")]));
    assert_eq!(refused_with(unasked), reason::PROTOCOL_ERROR);
    // [MQTT-4.12.0-5]
    let other = answer(with_method(), &auth(0x18, &[method("n")]));
    assert_eq!(refused_with(other), reason::PROTOCOL_ERROR);
    // [MQTT-4.12.0-2]
    let success = answer(with_method(), &auth(0, &[method("m")]));
    assert_eq!(refused_with(success), reason::PROTOCOL_ERROR);
    let twice = auth(0x18, &[method("m")]).repeat(2);
    let mut handshake = with_method();
    handshake.receive(&twice);
    assert!(matches!(handshake.answer(), Ok(Some(Answer::Continue(_)))));
    assert_eq!(refused_with(handshake.answer()), reason::PROTOCOL_ERROR);
    let v311 = begin(Version::V311, true, &[]);
    let reserved = answer(v311, &auth(0x18, &[method("m")]));
    assert_eq!(refused_with(reserved), reason::MALFORMED_PACKET);
    // [MQTT-3.1.2-29]
    let quiet = [
        method("m"),
        (PropertyId::RequestProblemInformation, Value::Byte(0)),
    ];
    let text = (PropertyId::ReasonString, Value::Utf8(b"why"));
    let chatty = answer(
        begin(Version::V5, true, &quiet),
        &auth(0x18, &[method("m"), text]),
    );
    assert_eq!(refused_with(chatty), reason::PROTOCOL_ERROR);
}

#[test]
fn connack_names_no_other_method() {
    let other = answer(with_method(), &connack(0, &[method("n")]));
    assert_eq!(refused_with(other), reason::PROTOCOL_ERROR);
    let unasked = answer(begin(Version::V5, true, &[]), &connack(0, &[method("m")]));
    assert_eq!(refused_with(unasked), reason::PROTOCOL_ERROR);
}

#[test]
fn a_clean_start_has_no_session_to_resume() {
    let resumed = b"\x20\x03\x01\x00\x00";
    let clean = answer(begin(Version::V5, true, &[]), resumed);
    assert_eq!(refused_with(clean), reason::PROTOCOL_ERROR);
    assert!(answer(begin(Version::V5, false, &[]), resumed).is_ok());
    // 3.1.1 servers have been seen to say so, and the original takes it.
    assert!(answer(begin(Version::V311, true, &[]), b"\x20\x02\x01\x00").is_ok());
}

#[test]
fn the_first_packet_is_connack_and_not_without_end() {
    let ping = answer(begin(Version::V311, true, &[]), b"\xD0\x00");
    assert_eq!(refused_with(ping), reason::PROTOCOL_ERROR);
    let disconnect = answer(with_method(), b"\xE0\x00");
    assert_eq!(refused_with(disconnect), reason::PROTOCOL_ERROR);
    let huge = answer(with_method(), b"\x20\xFF\xFF\xFF\x7F");
    assert_eq!(refused_with(huge), reason::PACKET_TOO_LARGE);
    let small = (PropertyId::MaximumPacketSize, Value::Four(10));
    let over = answer(begin(Version::V5, true, &[small]), b"\x20\x0B\x00");
    assert_eq!(refused_with(over), reason::PACKET_TOO_LARGE);
}

#[test]
fn another_method_is_not_said() {
    let mut handshake = with_method();
    handshake.receive(&auth(0x18, &[method("m")]));
    assert!(handshake.answer().is_ok());
    let mut out = BytesMut::new();
    let other = properties(&[method("n")]);
    assert!(handshake.authenticate(other.as_ref(), &mut out).is_err());
    assert!(out.is_empty());
    let same = properties(&[method("m"), data(b"x")]);
    assert!(handshake.authenticate(same.as_ref(), &mut out).is_ok());
}
