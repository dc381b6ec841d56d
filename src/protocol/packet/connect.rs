//! CONNECT and CONNACK.

use bytes::{BufMut, BytesMut};

use crate::protocol::error::Malformed;
use crate::protocol::property::{Context, PropertiesRef};
use crate::protocol::wire::{self, Reader};
use crate::protocol::{QoS, Version, reason};

/// Connect flags, section 3.1.2.3.
const USER_NAME: u8 = 0x80;
const PASSWORD: u8 = 0x40;
const WILL_RETAIN: u8 = 0x20;
const WILL: u8 = 0x04;

/// The will in a CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Will<'a> {
    /// Topic name.
    pub topic: &'a [u8],
    /// At most 65535 bytes.
    pub payload: &'a [u8],
    /// The server publishes it at this quality of service.
    pub qos: QoS,
    /// The server retains it.
    pub retain: bool,
    /// Not sent on 3.x.
    pub properties: PropertiesRef<'a>,
}

/// A CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// Protocol name and level.
    pub version: Version,
    /// Clean Start, on 3.x Clean Session.
    pub clean_start: bool,
    /// Seconds; zero turns keep-alive off.
    pub keep_alive: u16,
    /// May be empty.
    pub client_id: &'a [u8],
    /// The will.
    pub will: Option<Will<'a>>,
    /// User name.
    pub username: Option<&'a [u8]>,
    /// Password; needs a user name on 3.x.
    pub password: Option<&'a [u8]>,
    /// Not sent on 3.x.
    pub properties: PropertiesRef<'a>,
}

/// Sets the bit of the protocol level by which servers know a bridge, outside the specification, in an encoded CONNECT.
pub fn mark_bridge(packet: &mut [u8]) {
    // The first byte, the remaining length, whose last byte has no bit for more, then the name with its length.
    let more = packet.iter().skip(1).take_while(|byte| **byte >= 0x80);
    let name = 2 + more.count();
    if let Some(&[high, low]) = packet.get(name..name + 2) {
        let level = name + 2 + usize::from(u16::from_be_bytes([high, low]));
        if let Some(level) = packet.get_mut(level) {
            *level |= 0x80;
        }
    }
}

impl Connect<'_> {
    /// Appends the packet, or fails and leaves `out` as it was.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), Malformed> {
        let v5 = self.version == Version::V5;
        self.check()?;
        // MQTT 3.1 has another name; the level tells 3.1.1 and 5.0 apart ([MQTT-3.1.2-1], [MQTT-3.1.2-2]).
        let name: &[u8] = match self.version {
            Version::V31 => b"MQIsdp",
            Version::V311 | Version::V5 => b"MQTT",
        };
        let mut remaining = wire::binary_len(name)? + 4 + wire::binary_len(self.client_id)?;
        let mut flags = u8::from(self.clean_start) << 1;
        if v5 {
            remaining += self.properties.encoded_len();
        }
        if let Some(will) = &self.will {
            flags |= WILL | ((will.qos as u8) << 3);
            if will.retain {
                flags |= WILL_RETAIN;
            }
            if v5 {
                remaining += will.properties.encoded_len();
            }
            remaining += wire::binary_len(will.topic)? + wire::binary_len(will.payload)?;
        }
        if let Some(username) = self.username {
            flags |= USER_NAME;
            remaining += wire::binary_len(username)?;
        }
        if let Some(password) = self.password {
            flags |= PASSWORD;
            remaining += wire::binary_len(password)?;
        }
        wire::put_packet(out, 0x10, remaining, remaining, |out| {
            wire::put_binary(out, name)?;
            out.put_u8(self.version as u8);
            out.put_u8(flags);
            out.put_u16(self.keep_alive);
            if v5 {
                self.properties.encode(out)?;
            }
            // The payload's fields are in this order ([MQTT-3.1.3-1]).
            wire::put_binary(out, self.client_id)?;
            if let Some(will) = &self.will {
                if v5 {
                    will.properties.encode(out)?;
                }
                wire::put_binary(out, will.topic)?;
                wire::put_binary(out, will.payload)?;
            }
            if let Some(username) = self.username {
                wire::put_binary(out, username)?;
            }
            if let Some(password) = self.password {
                wire::put_binary(out, password)?;
            }
            Ok(())
        })
    }

    /// Checks what the program has asked for. The error's words name the field.
    pub fn check(&self) -> Result<(), Malformed> {
        let v5 = self.version == Version::V5;
        // Whether an empty one is good is for `check_identifier`.
        check_length(
            self.client_id,
            "client identifier: longer than 65,535 bytes",
        )?;
        check_string(
            self.client_id,
            "client identifier: not well-formed UTF-8, or with U+0000",
        )?;
        if let Some(will) = &self.will {
            self.check_will(will)?;
        }
        if let Some(username) = self.username {
            check_length(username, "user name: longer than 65,535 bytes")?;
            check_string(username, "user name: not well-formed UTF-8, or with U+0000")?;
        }
        if let Some(password) = self.password {
            check_length(password, "password: longer than 65,535 bytes")?;
        }
        if v5 {
            self.properties.validate_for(Context::Connect)?;
        } else if self.password.is_some() && self.username.is_none() {
            // [MQTT-3.1.2-22] of 3.1.1; 5.0 allows it.
            return Err(Malformed::new(
                reason::PROTOCOL_ERROR,
                "password without a user name",
            ));
        }
        Ok(())
    }

    /// Checks that a server can accept the client identifier, for whoever makes connections: one that carries a program's own
    /// CONNECT sends it as it is. The error's words name the field.
    pub fn check_identifier(&self) -> Result<(), Malformed> {
        let what = match self.version {
            _ if !self.client_id.is_empty() => return Ok(()),
            // The server chooses one ([MQTT-3.1.3-6] of 5.0).
            Version::V5 => return Ok(()),
            // [MQTT-3.1.3-7] of 3.1.1
            Version::V311 if self.clean_start => return Ok(()),
            Version::V311 => {
                "client identifier: empty, which MQTT 3.1.1 allows only with a clean session"
            }
            // 3.1, section 3.1: at least one character.
            Version::V31 => "client identifier: empty, which MQTT 3.1 does not allow",
        };
        Err(Malformed::new(reason::MALFORMED_PACKET, what))
    }

    fn check_will(&self, will: &Will<'_>) -> Result<(), Malformed> {
        let what = if will.topic.is_empty() {
            Some("will topic: empty")
        } else if will.topic.len() > wire::MAX_STRING {
            Some("will topic: longer than 65,535 bytes")
        } else if wire::has_wildcard(will.topic) {
            Some("will topic: has a wildcard")
        } else if wire::valid_utf8(will.topic) {
            None
        } else {
            Some("will topic: not well-formed UTF-8, or with U+0000")
        };
        if let Some(what) = what {
            return Err(Malformed::new(reason::TOPIC_NAME_INVALID, what));
        }
        check_length(will.payload, "will message: longer than 65,535 bytes")?;
        if self.version == Version::V5 {
            will.properties.validate_for(Context::Will)?;
        }
        Ok(())
    }
}

fn check_length(field: &[u8], what: &'static str) -> Result<(), Malformed> {
    if field.len() <= wire::MAX_STRING {
        return Ok(());
    }
    Err(Malformed::new(reason::MALFORMED_PACKET, what))
}

fn check_string(field: &[u8], what: &'static str) -> Result<(), Malformed> {
    if wire::valid_utf8(field) {
        return Ok(());
    }
    Err(Malformed::new(reason::MALFORMED_PACKET, what))
}

/// A CONNACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnAck<'a> {
    /// The server resumes the session; always false on 3.1, which does not tell.
    pub session_present: bool,
    /// 3.x return code or MQTT 5 reason code; zero accepts.
    pub code: u8,
    /// None on 3.x.
    pub properties: PropertiesRef<'a>,
}

impl<'a> ConnAck<'a> {
    /// Decodes a CONNACK. The code of a refusal is passed on whatever it is: the connection ends either way, and a code that
    /// the tables do not list tells the program more than a broken packet would.
    pub(in crate::protocol) fn decode(version: Version, body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let flags = reader.byte()?;
        let code = reader.byte()?;
        // [MQTT-3.2.2-1] of 5.0; 3.1 reserves the whole byte and says nothing of its value.
        if version != Version::V31 && flags > 1 {
            return Err(Malformed::new(
                reason::MALFORMED_PACKET,
                "CONNACK with reserved flags",
            ));
        }
        let session_present = version != Version::V31 && flags == 1;
        // [MQTT-3.2.2-4] of 3.1.1, [MQTT-3.2.2-6] of 5.0
        if session_present && code != reason::SUCCESS {
            return Err(Malformed::new(
                reason::PROTOCOL_ERROR,
                "CONNACK refuses the connection and has a session",
            ));
        }
        // A server that knows only 3.x refuses a MQTT 5 CONNECT with a 3.x CONNACK ([MQTT-3.1.2-2] of 3.1.1),
        // which has no properties.
        let refused_by_3x = reader.is_empty() && (1..=reason::V3_NOT_AUTHORIZED).contains(&code);
        let properties = if version == Version::V5 && !refused_by_3x {
            // A code below 0x80 is no refusal, and only one of those is known ([MQTT-3.2.2-8]).
            if code != reason::SUCCESS && code < reason::UNSPECIFIED_ERROR {
                return Err(Malformed::new(
                    reason::PROTOCOL_ERROR,
                    "CONNACK with an unknown reason code",
                ));
            }
            PropertiesRef::decode(&mut reader, Context::ConnAck)?
        } else {
            PropertiesRef::EMPTY
        };
        reader.end()?;
        Ok(ConnAck {
            session_present,
            code,
            properties,
        })
    }
}

#[cfg(test)]
mod tests;
