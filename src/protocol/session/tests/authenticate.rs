//! Re-authentication.

use super::super::Refused;
use super::*;
use crate::protocol::packet::encode_auth;
use crate::protocol::reason;

const METHOD: (PropertyId, Value<'static>) = (PropertyId::AuthenticationMethod, Value::Utf8(b"m"));
const DATA: (PropertyId, Value<'static>) = (PropertyId::AuthenticationData, Value::Binary(b"x"));

fn auth(reason: u8, list: &[(PropertyId, Value<'_>)]) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode_auth(reason, properties(list).as_ref(), &mut out).expect("a valid AUTH");
    out.to_vec()
}

fn with_method() -> Ours {
    let mut ours = Ours::new(Version::V5);
    ours.asked = properties(&[METHOD]);
    ours.begin(false);
    ours
}

impl Ours {
    fn reauthenticate(&mut self) -> Result<(), Refused> {
        let said = properties(&[DATA]);
        self.session.reauthenticate(said.as_ref(), &mut self.world)
    }

    fn authenticate(&mut self) -> Result<(), Refused> {
        let said = properties(&[DATA]);
        self.session.authenticate(said.as_ref(), &mut self.world)
    }
}

#[test]
fn the_client_begins_and_the_session_goes_on() {
    let mut ours = with_method();
    ours.reauthenticate().unwrap();
    assert_eq!(ours.sent(), [auth(0x19, &[METHOD, DATA])]);
    assert!(ours.reauthenticate().is_err(), "one at a time");
    ours.server_publishes(1, QoS::AtLeastOnce, false, b"a")
        .unwrap();
    assert_eq!(ours.sent(), [ack(PUBACK, 1)]);
    ours.receive(&auth(0x18, &[METHOD, DATA])).unwrap();
    ours.authenticate().unwrap();
    assert_eq!(ours.sent(), [auth(0x18, &[METHOD, DATA])]);
    ours.receive(&auth(0, &[METHOD])).unwrap();
    assert_eq!(ours.world.authentications, [0x18, 0]);
    // The short form of success.
    ours.reauthenticate().unwrap();
    ours.receive(b"\xF0\x00").unwrap();
    ours.reauthenticate().unwrap();
}

#[test]
fn an_auth_that_answers_nothing_is_a_fault() {
    for begun in [false, true] {
        for (reason, method) in [(0x18, METHOD), (0, METHOD)] {
            let mut ours = if begun {
                with_method()
            } else {
                Ours::new(Version::V5)
            };
            if !begun {
                ours.begin(false);
            }
            let fault = ours.receive(&auth(reason, &[method]));
            let Err(Fault::Protocol(malformed)) = fault else {
                panic!("{fault:?}");
            };
            assert_eq!(malformed.reason, reason::PROTOCOL_ERROR);
        }
    }
    let mut ours = with_method();
    ours.reauthenticate().unwrap();
    let other = (PropertyId::AuthenticationMethod, Value::Utf8(b"n"));
    assert!(ours.receive(&auth(0x18, &[other])).is_err());
}

#[test]
fn nothing_is_sent_out_of_turn() {
    let mut ours = Ours::new(Version::V5);
    ours.begin(false);
    assert!(matches!(ours.reauthenticate(), Err(Refused::Invalid(_))));
    let mut ours = with_method();
    assert!(matches!(ours.authenticate(), Err(Refused::Invalid(_))));
    ours.lose();
    assert_eq!(ours.reauthenticate(), Err(Refused::Offline));
    assert!(ours.sent().is_empty());
}
