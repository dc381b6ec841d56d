//! The packets of a server, made by hand: also those that no server should send.

use crate::packet::{AckKind, Properties, Value, Version, prop};

fn push_var(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let byte = u8::try_from(value & 0x7F).unwrap();
        value >>= 7;
        if value == 0 {
            return out.push(byte);
        }
        out.push(byte | 0x80);
    }
}

fn push_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend(bytes);
}

/// A packet with this first byte and body.
pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    push_var(&mut out, body.len());
    out.extend(body);
    out
}

/// Properties as they stand in a packet, without their length.
pub fn property_bytes(properties: &[(u8, Value)]) -> Vec<u8> {
    let mut list = Vec::new();
    for (id, value) in properties {
        list.push(*id);
        match value {
            Value::Byte(n) => list.push(*n),
            Value::Two(n) => list.extend(n.to_be_bytes()),
            Value::Four(n) => list.extend(n.to_be_bytes()),
            Value::Var(n) => push_var(&mut list, *n as usize),
            Value::Binary(bytes) => push_binary(&mut list, bytes),
            Value::Text(text) => push_binary(&mut list, text.as_bytes()),
            Value::Pair(name, value) => {
                push_binary(&mut list, name.as_bytes());
                push_binary(&mut list, value.as_bytes());
            }
        }
    }
    list
}

fn push_properties(out: &mut Vec<u8>, properties: &[(u8, Value)]) {
    let list = property_bytes(properties);
    push_var(out, list.len());
    out.extend(list);
}

/// CONNACK.
pub fn connack(
    version: Version,
    session_present: bool,
    code: u8,
    properties: &[(u8, Value)],
) -> Vec<u8> {
    let mut body = vec![u8::from(session_present), code];
    if version == Version::V5 {
        push_properties(&mut body, properties);
    }
    packet(0x20, &body)
}

/// PUBLISH.
#[derive(Clone, Debug, Default)]
pub struct Message {
    topic: Vec<u8>,
    payload: Vec<u8>,
    qos: u8,
    id: u16,
    retain: bool,
    dup: bool,
    properties: Properties,
}

/// A message at `QoS` 0.
pub fn message(topic: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> Message {
    Message {
        topic: topic.as_ref().into(),
        payload: payload.as_ref().into(),
        ..Message::default()
    }
}

impl Message {
    /// At `QoS` 1 or 2.
    pub fn qos(mut self, qos: u8, id: u16) -> Self {
        (self.qos, self.id) = (qos, id);
        self
    }

    /// With the RETAIN flag.
    pub fn retained(mut self) -> Self {
        self.retain = true;
        self
    }

    /// With the DUP flag.
    pub fn again(mut self) -> Self {
        self.dup = true;
        self
    }

    /// With one property more.
    pub fn with(mut self, property: (u8, Value)) -> Self {
        self.properties.push(property);
        self
    }

    /// With a topic alias.
    pub fn alias(self, alias: u16) -> Self {
        self.with((prop::TOPIC_ALIAS, Value::Two(alias)))
    }

    /// As it stands on the wire.
    pub fn encode(&self, version: Version) -> Vec<u8> {
        let mut body = Vec::new();
        push_binary(&mut body, &self.topic);
        if self.qos > 0 {
            body.extend(self.id.to_be_bytes());
        }
        if version == Version::V5 {
            push_properties(&mut body, &self.properties);
        }
        body.extend(&self.payload);
        packet(
            0x30 | (u8::from(self.dup) << 3) | (self.qos << 1) | u8::from(self.retain),
            &body,
        )
    }
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP in its shortest form.
pub fn ack(kind: AckKind, id: u16) -> Vec<u8> {
    let flags = if kind == AckKind::PubRel { 2 } else { 0 };
    packet(((kind as u8) << 4) | flags, &id.to_be_bytes())
}

/// The same with a reason code and properties, MQTT 5.
pub fn ack_with(kind: AckKind, id: u16, reason: u8, properties: &[(u8, Value)]) -> Vec<u8> {
    let mut bytes = ack(kind, id).split_off(2);
    bytes.push(reason);
    push_properties(&mut bytes, properties);
    let flags = if kind == AckKind::PubRel { 2 } else { 0 };
    packet(((kind as u8) << 4) | flags, &bytes)
}

fn coded(
    first: u8,
    version: Version,
    id: u16,
    properties: &[(u8, Value)],
    codes: &[u8],
) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    if version == Version::V5 {
        push_properties(&mut body, properties);
    }
    body.extend(codes);
    packet(first, &body)
}

/// SUBACK.
pub fn suback(version: Version, id: u16, properties: &[(u8, Value)], codes: &[u8]) -> Vec<u8> {
    coded(0x90, version, id, properties, codes)
}

/// UNSUBACK; 3.x has no codes.
pub fn unsuback(version: Version, id: u16, properties: &[(u8, Value)], codes: &[u8]) -> Vec<u8> {
    coded(0xB0, version, id, properties, codes)
}

/// DISCONNECT with a reason code and properties, MQTT 5.
pub fn disconnect(reason: u8, properties: &[(u8, Value)]) -> Vec<u8> {
    let mut body = vec![reason];
    push_properties(&mut body, properties);
    packet(0xE0, &body)
}

/// AUTH.
pub fn auth(reason: u8, properties: &[(u8, Value)]) -> Vec<u8> {
    let mut body = vec![reason];
    push_properties(&mut body, properties);
    packet(0xF0, &body)
}

/// PINGRESP.
pub fn pingresp() -> Vec<u8> {
    vec![0xD0, 0]
}

/// For the record of an exchange: the types of the packets in these bytes.
pub fn names(bytes: &[u8]) -> String {
    const NAMES: [&str; 16] = [
        "type 0",
        "CONNECT",
        "CONNACK",
        "PUBLISH",
        "PUBACK",
        "PUBREC",
        "PUBREL",
        "PUBCOMP",
        "SUBSCRIBE",
        "SUBACK",
        "UNSUBSCRIBE",
        "UNSUBACK",
        "PINGREQ",
        "PINGRESP",
        "DISCONNECT",
        "AUTH",
    ];
    let mut names = Vec::new();
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        names.push(NAMES[usize::from(first >> 4)]);
        match crate::decode::packet_len(rest) {
            Ok(Some(len)) => rest = &rest[len..],
            _ => break,
        }
    }
    names.join(", ")
}
