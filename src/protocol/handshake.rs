//! From CONNECT to CONNACK: what the client says first, and what the server may answer.
//!
//! A state machine without I/O, as the session is: the server's bytes go in, answers come out, and what follows CONNACK is
//! left for the session. Enhanced authentication (section 4.12 of MQTT 5) takes any number of AUTH packets in between.

use bytes::BytesMut;

use super::error::Malformed;
use super::packet::{Connect, encode_auth};
use super::property::{Properties, PropertiesRef, PropertyId};
use super::{Version, decode, reason};

/// A packet before CONNACK that is larger than this is refused, and the server's bytes are not collected beyond one: a server
/// that never ends its first packet cannot fill the memory.
pub const MAX_ANSWER: u32 = 1 << 20;

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// AUTH: the server asks for more, by [`Handshake::authenticate`].
    Continue(Properties),
    /// CONNACK: the connection stands. The bytes behind it are the session's.
    Accepted {
        /// The server resumes the session.
        session_present: bool,
        /// Properties of CONNACK.
        properties: Properties,
    },
    /// CONNACK: the server refuses.
    Refused {
        /// 3.x return code or MQTT 5 reason code, never 0.
        code: u8,
        /// Properties of CONNACK.
        properties: Properties,
    },
}

/// What the client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The server's answer.
    Server,
    /// The program's next authentication data.
    Program,
    /// Nothing any more.
    Done,
}

/// A connection whose CONNECT has been said and whose CONNACK has not come.
#[derive(Debug)]
pub struct Handshake {
    version: Version,
    clean_start: bool,
    /// Authentication Method of CONNECT.
    method: Option<Vec<u8>>,
    /// CONNECT asked for no Reason String and User Property but where they must be ([MQTT-3.1.2-29]).
    no_problem_information: bool,
    limit: u32,
    state: State,
    /// Bytes of the server's that were not used.
    bytes: Vec<u8>,
}

impl Handshake {
    /// Appends CONNECT to `out` and waits for its answer; or fails, with `out` as it was, if CONNECT says something that it
    /// may not.
    pub fn new(connect: &Connect<'_>, out: &mut BytesMut) -> Result<Self, Malformed> {
        connect.encode(out)?;
        let v5 = connect.version == Version::V5;
        let properties = if v5 {
            connect.properties
        } else {
            PropertiesRef::EMPTY
        };
        Ok(Self {
            version: connect.version,
            clean_start: connect.clean_start,
            method: properties
                .bytes(PropertyId::AuthenticationMethod)
                .map(<[u8]>::to_vec),
            no_problem_information: properties.number(PropertyId::RequestProblemInformation)
                == Some(0),
            limit: properties
                .number(PropertyId::MaximumPacketSize)
                .unwrap_or(MAX_ANSWER)
                .min(MAX_ANSWER),
            state: State::Server,
            bytes: Vec::new(),
        })
    }

    /// Takes bytes of the server's. [`answer`](Self::answer) says what they are.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the server's next answer, once all of it is there. An error means that the server broke the protocol, and that
    /// the connection has to end; MQTT 5 lets the client say so with DISCONNECT only after CONNACK ([MQTT-4.13.1-1]).
    pub fn answer(&mut self) -> Result<Option<Answer>, Malformed> {
        if self.state == State::Done {
            return Ok(None);
        }
        let Some(frame) = decode::frame(&self.bytes, self.limit)? else {
            return Ok(None);
        };
        let body = &self.bytes[frame.header_len..frame.total_len];
        let (answer, state) = match decode::decode(self.version, frame.first, body)? {
            decode::Packet::ConnAck(connack) if connack.code == reason::SUCCESS => {
                if self.version == Version::V5 && self.clean_start && connack.session_present {
                    // [MQTT-3.2.2-4]: we have no session to go on with.
                    return Err(protocol_error(
                        "the server resumes a session that was to be discarded",
                    ));
                }
                self.check_connack_method(connack.properties)?;
                let accepted = Answer::Accepted {
                    session_present: connack.session_present,
                    properties: connack.properties.into(),
                };
                (accepted, State::Done)
            }
            decode::Packet::ConnAck(connack) => {
                let refused = Answer::Refused {
                    code: connack.code,
                    properties: connack.properties.into(),
                };
                (refused, State::Done)
            }
            decode::Packet::Auth(auth) => {
                self.check_auth(auth)?;
                (Answer::Continue(auth.properties.into()), State::Program)
            }
            _ => {
                return Err(protocol_error("the server's first packet is no CONNACK"));
            }
        };
        self.bytes.drain(..frame.total_len);
        self.state = state;
        Ok(Some(answer))
    }

    /// Checks an AUTH before CONNACK: it continues what CONNECT began, with the same method.
    fn check_auth(&self, auth: decode::Auth<'_>) -> Result<(), Malformed> {
        // [MQTT-4.12.0-6]
        let Some(method) = &self.method else {
            return Err(protocol_error(
                "AUTH without an Authentication Method in CONNECT",
            ));
        };
        if self.state == State::Program {
            return Err(protocol_error(
                "a second AUTH before the first was answered",
            ));
        }
        // [MQTT-4.12.0-2]: success is what CONNACK says.
        if auth.reason != reason::CONTINUE_AUTHENTICATION {
            return Err(protocol_error("AUTH before CONNACK that does not continue"));
        }
        check_method(method, auth.properties)?;
        if self.no_problem_information {
            check_no_problem_information(auth.properties)?;
        }
        Ok(())
    }

    /// Checks that the method of CONNACK is CONNECT's ([MQTT-4.12.0-5]). Servers that leave it out are let through: what
    /// matters is that they do not say another one.
    fn check_connack_method(&self, properties: PropertiesRef<'_>) -> Result<(), Malformed> {
        let theirs = properties.bytes(PropertyId::AuthenticationMethod);
        match (&self.method, theirs) {
            (_, None) => Ok(()),
            (Some(method), Some(_)) => check_method(method, properties),
            (None, Some(_)) => Err(protocol_error(
                "CONNACK with an Authentication Method that CONNECT did not name",
            )),
        }
    }

    /// Returns true if the server has asked, and waits for [`authenticate`](Self::authenticate).
    pub fn is_asked(&self) -> bool {
        self.state == State::Program
    }

    /// Answers the server's AUTH: appends an AUTH with these properties, to which the method is added, to `out`
    /// ([MQTT-4.12.0-3], [MQTT-4.12.0-5]). Fails, with `out` as it was, if the server has not asked.
    pub fn authenticate(
        &mut self,
        properties: PropertiesRef<'_>,
        out: &mut BytesMut,
    ) -> Result<(), Malformed> {
        let (State::Program, Some(method)) = (self.state, &self.method) else {
            return Err(protocol_error("AUTH: the server has not asked for it"));
        };
        encode_auth_with(reason::CONTINUE_AUTHENTICATION, method, properties, out)?;
        self.state = State::Server;
        Ok(())
    }

    /// Returns the bytes behind CONNACK.
    pub fn into_rest(self) -> Vec<u8> {
        self.bytes
    }
}

/// Appends an AUTH of that method. The program may name the method itself, if it is the same.
pub(super) fn encode_auth_with(
    reason: u8,
    method: &[u8],
    properties: PropertiesRef<'_>,
    out: &mut BytesMut,
) -> Result<(), Malformed> {
    use super::property::{Property, Value};
    if properties.bytes(PropertyId::AuthenticationMethod).is_some() {
        check_method(method, properties)?;
        return encode_auth(reason, properties, out);
    }
    let mut all = Properties::new();
    all.push(Property {
        id: PropertyId::AuthenticationMethod,
        value: Value::Utf8(method),
    })?;
    for property in properties.iter() {
        all.push(property)?;
    }
    encode_auth(reason, all.as_ref(), out)
}

/// Checks that an AUTH packet has the method of its connection's CONNECT ([MQTT-4.12.0-5], [MQTT-4.12.1-1]).
pub(super) fn check_method(method: &[u8], properties: PropertiesRef<'_>) -> Result<(), Malformed> {
    if properties.bytes(PropertyId::AuthenticationMethod) == Some(method) {
        Ok(())
    } else {
        Err(protocol_error(
            "Authentication Method: not the one of CONNECT",
        ))
    }
}

/// Refuses Reason String and User Properties for a client that has not asked for them ([MQTT-3.1.2-29]).
pub(super) fn check_no_problem_information(properties: PropertiesRef<'_>) -> Result<(), Malformed> {
    let said = |property: super::property::Property<'_>| {
        matches!(
            property.id,
            PropertyId::ReasonString | PropertyId::UserProperty
        )
    };
    if properties.iter().any(said) {
        return Err(protocol_error("problem information that was not requested"));
    }
    Ok(())
}

const fn protocol_error(what: &'static str) -> Malformed {
    Malformed::new(reason::PROTOCOL_ERROR, what)
}

#[cfg(test)]
mod tests;
