//! A decoder for the packets of a client that knows nothing of the library's: a mistake which the library made in both of
//! its directions would not show otherwise.
//!
//! It is stricter than any server: what it accepts is well-formed to the last bit, so that every test of this target also
//! shows that.

use crate::packet::{
    Ack, AckKind, Connect, Kind, Packet, Properties, Publish, Reason, Subscribe, Unsubscribe,
    Value, Version, Will, kind, prop,
};

type Result<T> = std::result::Result<T, String>;

/// The length of the packet at the start of `bytes`, `None` while it is not all there.
pub fn packet_len(bytes: &[u8]) -> Result<Option<usize>> {
    let mut value = 0;
    for (at, &byte) in bytes.iter().enumerate().skip(1) {
        if at > 4 {
            return Err("Remaining Length of more than four bytes".into());
        }
        value |= usize::from(byte & 0x7F) << (7 * (at - 1));
        if byte & 0x80 == 0 {
            if byte == 0 && at > 1 {
                return Err("Remaining Length not in its shortest form".into());
            }
            let len = at + 1 + value;
            return Ok((len <= bytes.len()).then_some(len));
        }
    }
    Ok(None)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        if n > self.rest.len() {
            return Err(format!("{n} bytes wanted, {} there", self.rest.len()));
        }
        let (taken, rest) = self.rest.split_at(n);
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn two(&mut self) -> Result<u16> {
        Ok(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    fn four(&mut self) -> Result<u32> {
        Ok((u32::from(self.two()?) << 16) | u32::from(self.two()?))
    }

    fn var(&mut self) -> Result<u32> {
        let mut value = 0;
        for n in 0..4 {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7F) << (7 * n);
            if byte & 0x80 == 0 {
                if byte == 0 && n > 0 {
                    return Err("variable byte integer not in its shortest form".into());
                }
                return Ok(value);
            }
        }
        Err("variable byte integer of more than four bytes".into())
    }

    fn binary(&mut self) -> Result<Vec<u8>> {
        let len = self.two()?;
        Ok(self.take(len.into())?.to_vec())
    }

    fn text(&mut self) -> Result<String> {
        let text = String::from_utf8(self.binary()?).map_err(|error| error.to_string())?;
        if text.contains('\0') {
            return Err("U+0000 in a string".into());
        }
        Ok(text)
    }

    fn id(&mut self) -> Result<u16> {
        match self.two()? {
            0 => Err("packet identifier 0".into()),
            id => Ok(id),
        }
    }

    /// A list of properties of which only `allowed` may occur, and only user properties more than once.
    fn properties(&mut self, version: Version, allowed: &[u8]) -> Result<Properties> {
        let mut list = Properties::new();
        if version != Version::V5 {
            return Ok(list);
        }
        let len = self.var()?;
        let mut reader = Reader {
            rest: self.take(len as usize)?,
        };
        while !reader.rest.is_empty() {
            let id = reader.byte()?;
            if !allowed.contains(&id) {
                return Err(format!("property {id} is not for this packet"));
            }
            if id != prop::USER && list.iter().any(|(other, _)| *other == id) {
                return Err(format!("property {id} twice"));
            }
            list.push((id, reader.value(id)?));
        }
        Ok(list)
    }

    fn value(&mut self, id: u8) -> Result<Value> {
        let value = match kind(id).ok_or("unknown property")? {
            Kind::Byte => Value::Byte(self.byte()?),
            Kind::Two => Value::Two(self.two()?),
            Kind::Four => Value::Four(self.four()?),
            Kind::Var => Value::Var(self.var()?),
            Kind::Binary => Value::Binary(self.binary()?),
            Kind::Text => Value::Text(self.text()?),
            Kind::Pair => Value::Pair(self.text()?, self.text()?),
        };
        match (id, &value) {
            (prop::RECEIVE_MAXIMUM | prop::TOPIC_ALIAS, Value::Two(0))
            | (prop::MAXIMUM_PACKET_SIZE, Value::Four(0))
            | (prop::SUBSCRIPTION_ID, Value::Var(0)) => Err(format!("property {id} is 0")),
            (_, Value::Byte(2..)) => Err(format!("property {id} is neither 0 nor 1")),
            (prop::RESPONSE_TOPIC, Value::Text(topic)) if !is_topic_name(topic) => {
                Err(format!("Response Topic {topic:?}"))
            }
            _ => Ok(value),
        }
    }
}

fn is_topic_name(topic: &str) -> bool {
    !topic.is_empty() && !topic.contains(['+', '#'])
}

fn is_topic_filter(filter: &str) -> bool {
    let levels: Vec<&str> = filter.split('/').collect();
    !filter.is_empty()
        && levels.iter().enumerate().all(|(n, level)| match *level {
            "#" => n + 1 == levels.len(),
            "+" => true,
            level => !level.contains(['+', '#']),
        })
}

/// Reads one whole packet.
pub fn decode(version: Version, bytes: &[u8]) -> Result<Packet> {
    let (kind, flags) = (bytes[0] >> 4, bytes[0] & 0x0F);
    let header = 1
        + bytes[1..]
            .iter()
            .take_while(|byte| **byte & 0x80 != 0)
            .count()
        + 1;
    let expected = match kind {
        3 => flags,
        6 | 8 | 10 => 2,
        _ => 0,
    };
    // A 3.1 client marks a PUBREL, SUBSCRIBE or UNSUBSCRIBE that it sends again with DUP.
    if flags != expected && !(version == Version::V31 && flags == expected | 8) {
        return Err(format!("flags {flags:04b} in the first byte"));
    }
    let mut reader = Reader {
        rest: &bytes[header..],
    };
    let packet = match kind {
        1 => Packet::Connect(connect(&mut reader)?),
        3 => Packet::Publish(publish(&mut reader, version, flags)?),
        4 => Packet::Ack(ack(&mut reader, version, AckKind::PubAck)?),
        5 => Packet::Ack(ack(&mut reader, version, AckKind::PubRec)?),
        6 => Packet::Ack(ack(&mut reader, version, AckKind::PubRel)?),
        7 => Packet::Ack(ack(&mut reader, version, AckKind::PubComp)?),
        8 => Packet::Subscribe(subscribe(&mut reader, version)?),
        10 => Packet::Unsubscribe(unsubscribe(&mut reader, version)?),
        12 => Packet::PingReq,
        14 => Packet::Disconnect(reason(
            &mut reader,
            version,
            &[prop::SESSION_EXPIRY, prop::REASON_STRING, prop::USER],
        )?),
        15 if version == Version::V5 => Packet::Auth(reason(
            &mut reader,
            version,
            &[
                prop::AUTH_METHOD,
                prop::AUTH_DATA,
                prop::REASON_STRING,
                prop::USER,
            ],
        )?),
        _ => return Err(format!("packet type {kind} is not a client's")),
    };
    if reader.rest.is_empty() {
        Ok(packet)
    } else {
        Err(format!(
            "{} bytes too many in {packet:?}",
            reader.rest.len()
        ))
    }
}

fn connect(reader: &mut Reader<'_>) -> Result<Connect> {
    let protocol = reader.text()?;
    let level = reader.byte()?;
    let version = match (protocol.as_str(), level) {
        ("MQIsdp", 3) => Version::V31,
        ("MQTT", 4) => Version::V311,
        ("MQTT", 5) => Version::V5,
        _ => return Err(format!("protocol {protocol:?} level {level}")),
    };
    let flags = reader.byte()?;
    if flags & 1 != 0 {
        return Err("reserved flag in CONNECT".into());
    }
    let keep_alive = reader.two()?;
    let properties = reader.properties(version, &[17, 33, 39, 34, 25, 23, 38, 21, 22])?;
    let client_id = reader.text()?;
    let will = if flags & 4 != 0 {
        let properties = reader.properties(version, &[24, 1, 2, 3, 8, 9, 38])?;
        let topic = reader.text()?;
        if !is_topic_name(&topic) {
            return Err(format!("will topic {topic:?}"));
        }
        let qos = (flags >> 3) & 3;
        if qos == 3 {
            return Err("will QoS 3".into());
        }
        let payload = reader.binary()?;
        let retain = flags & 0x20 != 0;
        Some(Will {
            qos,
            retain,
            properties,
            topic,
            payload,
        })
    } else if flags & 0x38 != 0 {
        return Err("Will QoS or Will Retain without a will".into());
    } else {
        None
    };
    let user_name = if flags & 0x80 != 0 {
        Some(reader.text()?)
    } else {
        None
    };
    let password = if flags & 0x40 != 0 {
        Some(reader.binary()?)
    } else {
        None
    };
    if version != Version::V5 && password.is_some() && user_name.is_none() {
        return Err("password without user name".into());
    }
    Ok(Connect {
        protocol,
        level,
        flags,
        clean: flags & 2 != 0,
        keep_alive,
        properties,
        client_id,
        will,
        user_name,
        password,
    })
}

fn publish(reader: &mut Reader<'_>, version: Version, flags: u8) -> Result<Publish> {
    let (dup, qos, retain) = (flags & 8 != 0, (flags >> 1) & 3, flags & 1 != 0);
    if qos == 3 || (dup && qos == 0) {
        return Err(format!("PUBLISH with flags {flags:04b}"));
    }
    let topic = reader.text()?;
    let id = if qos == 0 { 0 } else { reader.id()? };
    let properties = reader.properties(version, &[1, 2, 35, 8, 9, 38, 3])?;
    let aliased = topic.is_empty() && properties.iter().any(|(id, _)| *id == prop::TOPIC_ALIAS);
    if !is_topic_name(&topic) && !aliased {
        return Err(format!("topic name {topic:?}"));
    }
    let payload = reader.take(reader.rest.len())?.to_vec();
    Ok(Publish {
        dup,
        qos,
        retain,
        topic,
        id,
        properties,
        payload,
    })
}

fn ack(reader: &mut Reader<'_>, version: Version, kind: AckKind) -> Result<Ack> {
    let id = reader.id()?;
    let mut ack = Ack {
        kind,
        id,
        reason: 0,
        properties: Vec::new(),
    };
    if version == Version::V5 && !reader.rest.is_empty() {
        ack.reason = reader.byte()?;
        let known: &[u8] = match kind {
            AckKind::PubAck | AckKind::PubRec => {
                &[0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]
            }
            AckKind::PubRel | AckKind::PubComp => &[0, 0x92],
        };
        if !known.contains(&ack.reason) {
            return Err(format!("{kind:?} with reason code {:#04x}", ack.reason));
        }
        if !reader.rest.is_empty() {
            ack.properties = reader.properties(version, &[31, 38])?;
        }
    }
    Ok(ack)
}

fn subscribe(reader: &mut Reader<'_>, version: Version) -> Result<Subscribe> {
    let id = reader.id()?;
    let properties = reader.properties(version, &[11, 38])?;
    let mut filters = Vec::new();
    while !reader.rest.is_empty() {
        let filter = reader.text()?;
        let options = reader.byte()?;
        let reserved = if version == Version::V5 { 0xC0 } else { 0xFC };
        if options & reserved != 0 || options & 3 == 3 || (options >> 4) & 3 == 3 {
            return Err(format!("subscription options {options:#04x}"));
        }
        let shared = version == Version::V5 && filter.starts_with("$share/");
        let plain = if shared {
            filter.splitn(3, '/').nth(2).unwrap_or("")
        } else {
            &filter
        };
        let group = filter.split('/').nth(1).unwrap_or("");
        if !is_topic_filter(plain) || (shared && (group.is_empty() || group.contains(['+', '#']))) {
            return Err(format!("topic filter {filter:?}"));
        }
        if shared && options & 4 != 0 {
            return Err("No Local on a shared subscription".into());
        }
        filters.push((filter, options));
    }
    if filters.is_empty() {
        return Err("SUBSCRIBE without a filter".into());
    }
    Ok(Subscribe {
        id,
        properties,
        filters,
    })
}

fn unsubscribe(reader: &mut Reader<'_>, version: Version) -> Result<Unsubscribe> {
    let id = reader.id()?;
    let properties = reader.properties(version, &[38])?;
    let mut filters = Vec::new();
    while !reader.rest.is_empty() {
        let filter = reader.text()?;
        if !is_topic_filter(&filter) {
            return Err(format!("topic filter {filter:?}"));
        }
        filters.push(filter);
    }
    if filters.is_empty() {
        return Err("UNSUBSCRIBE without a filter".into());
    }
    Ok(Unsubscribe {
        id,
        properties,
        filters,
    })
}

/// DISCONNECT or AUTH; in 3.x DISCONNECT has no body, which the check for bytes too many sees to.
fn reason(reader: &mut Reader<'_>, version: Version, allowed: &[u8]) -> Result<Reason> {
    let mut result = Reason {
        reason: 0,
        properties: Vec::new(),
    };
    if version == Version::V5 && !reader.rest.is_empty() {
        result.reason = reader.byte()?;
        if !reader.rest.is_empty() {
            result.properties = reader.properties(version, allowed)?;
        }
    }
    Ok(result)
}

#[test]
fn the_decoder_refuses_what_no_client_may_send() {
    let refused: &[(Version, &[u8])] = &[
        (Version::V311, b"\x33\x04\x00\x01aa"),
        (Version::V311, b"\x80\x06\x00\x01\x00\x01a\x00"),
        (Version::V311, b"\x82\x02\x00\x01"),
        (Version::V311, b"\x82\x06\x00\x00\x00\x01a\x00"),
        (Version::V311, b"\x82\x06\x00\x01\x00\x01a\x03"),
        (Version::V311, b"\x60\x02\x00\x01"),
        (Version::V311, b"\x30\x03\x00\x01#"),
        (Version::V311, b"\x36\x05\x00\x01a\x00\x01"),
        (Version::V311, b"\x38\x03\x00\x01a"),
        (
            Version::V311,
            b"\x10\x0d\x00\x04MQTT\x04\x40\x00\x00\x00\x00\x00",
        ),
        (Version::V311, b"\xe0\x01\x00"),
        (Version::V5, b"\x30\x06\x00\x01a\x02\x0b\x01"),
        (Version::V5, b"\x40\x03\x00\x01\x92"),
        (Version::V5, b"\x82\x0e\x00\x01\x00\x08$share/g\x00"),
    ];
    for (version, bytes) in refused {
        assert!(
            decode(*version, bytes).is_err(),
            "{}",
            crate::packet::hex(bytes)
        );
    }
    assert!(packet_len(b"\xc0\x80\x00").is_err());
}
