//! MQTT 5 properties, held as their validated wire bytes: order is kept and copying is one memcpy.

mod id;

pub use id::{Context, PropertyId, PropertyType};

use bytes::{BufMut, BytesMut};

use super::error::Malformed;
use super::reason;
use super::wire::{self, MAX_VARINT, Reader};

/// Properties of one packet. Five bytes of a packet make a user property, which takes twenty times as much in the form in
/// which programs get it: without a limit a server could fill the memory with what it need not send.
pub const MAX_PROPERTIES: u32 = 65_536;

/// One property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property<'a> {
    /// Which one.
    pub id: PropertyId,
    /// Its value, of the type [`PropertyId::ty`] says.
    pub value: Value<'a>,
}

/// A property's value, one variant for each of the types of section 1.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Byte.
    Byte(u8),
    /// Two Byte Integer.
    Two(u16),
    /// Four Byte Integer.
    Four(u32),
    /// Variable Byte Integer.
    Var(u32),
    /// Binary Data.
    Binary(&'a [u8]),
    /// UTF-8 Encoded String.
    Utf8(&'a [u8]),
    /// UTF-8 String Pair: name and value.
    Pair(&'a [u8], &'a [u8]),
}

/// Owned properties: wire bytes without the length prefix, already validated.
///
/// Every property is well-formed and its value in range; whether it belongs in a given packet is what
/// [`PropertiesRef::validate_for`] tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    bytes: Vec<u8>,
}

impl Properties {
    /// Makes an empty list.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Appends a property, if its value has its type and is one the specification allows.
    pub fn push(&mut self, property: Property<'_>) -> Result<(), Malformed> {
        check_value(property)?;
        let added = 1 + value_len(property.value);
        wire::remaining_length(self.bytes.len() + added)?;
        self.bytes.reserve(added);
        self.bytes.push(property.id as u8);
        match property.value {
            Value::Byte(n) => self.bytes.push(n),
            Value::Two(n) => self.bytes.extend_from_slice(&n.to_be_bytes()),
            Value::Four(n) => self.bytes.extend_from_slice(&n.to_be_bytes()),
            Value::Var(n) => wire::put_varint(&mut self.bytes, n),
            Value::Binary(bytes) | Value::Utf8(bytes) => wire::put_binary(&mut self.bytes, bytes)?,
            Value::Pair(name, value) => {
                wire::put_binary(&mut self.bytes, name)?;
                wire::put_binary(&mut self.bytes, value)?;
            }
        }
        Ok(())
    }

    /// Borrows them.
    pub fn as_ref(&self) -> PropertiesRef<'_> {
        PropertiesRef { bytes: &self.bytes }
    }
}

impl From<PropertiesRef<'_>> for Properties {
    fn from(properties: PropertiesRef<'_>) -> Self {
        Self {
            bytes: properties.bytes.to_vec(),
        }
    }
}

/// Borrowed properties: what `&str` is to `String`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PropertiesRef<'a> {
    bytes: &'a [u8],
}

impl<'a> Property<'a> {
    /// Reads the first of wire bytes that begin with a property. Returns it and its length.
    pub fn first(bytes: &'a [u8]) -> Result<(Self, usize), Malformed> {
        let mut reader = Reader::new(bytes);
        let property = read_property(&mut reader)?;
        Ok((property, bytes.len() - reader.rest().len()))
    }
}

fn read_property<'a>(reader: &mut Reader<'a>) -> Result<Property<'a>, Malformed> {
    // Identifiers are Variable Byte Integers, but none is above 127 so far: one byte each.
    let id = PropertyId::from_u8(reader.byte()?).ok_or(malformed("unknown property identifier"))?;
    Ok(Property {
        id,
        value: read_value(reader, id)?,
    })
}

impl<'a> PropertiesRef<'a> {
    /// None.
    pub const EMPTY: PropertiesRef<'static> = PropertiesRef { bytes: &[] };

    /// Checks wire bytes (without the length prefix) of a packet that the client received.
    pub fn parse(bytes: &'a [u8], context: Context) -> Result<Self, Malformed> {
        Self::read(bytes, context, Direction::Received)
    }

    /// Checks wire bytes (without the length prefix) of a packet that the client is to send.
    pub fn parse_to_send(bytes: &'a [u8], context: Context) -> Result<Self, Malformed> {
        Self::read(bytes, context, Direction::Sent)
    }

    fn read(bytes: &'a [u8], context: Context, direction: Direction) -> Result<Self, Malformed> {
        let mut list = List::new(context);
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let property = read_property(&mut reader)?;
            list.add(property.id, direction)?;
            check_value(property)?;
        }
        list.end()?;
        Ok(Self { bytes })
    }

    /// Checks that a client may send these properties in that packet.
    pub fn validate_for(self, context: Context) -> Result<(), Malformed> {
        let mut list = List::new(context);
        for property in self.iter() {
            list.add(property.id, Direction::Sent)?;
        }
        list.end()
    }

    /// Reads the length prefix and the properties of a packet that the client received.
    pub(super) fn decode(reader: &mut Reader<'a>, context: Context) -> Result<Self, Malformed> {
        let len = reader.varint()?;
        let bytes = reader.take(len as usize)?;
        Self::parse(bytes, context)
    }

    /// Returns the length on the wire, with the length prefix.
    pub fn encoded_len(self) -> usize {
        // Too long for its prefix is too long for a packet: that error is the packet's.
        wire::varint_len(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)) + self.bytes.len()
    }

    /// Writes the length prefix and the properties.
    pub fn encode(self, out: &mut BytesMut) -> Result<(), Malformed> {
        wire::put_varint(out, wire::remaining_length(self.bytes.len())?);
        out.put_slice(self.bytes);
        Ok(())
    }

    /// Returns the length on the wire, without the length prefix.
    pub const fn len(self) -> usize {
        self.bytes.len()
    }

    /// Returns true if there are none.
    pub const fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns the wire bytes, without the length prefix.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Returns each property, in order.
    pub fn iter(self) -> Iter<'a> {
        Iter::new(self.bytes)
    }

    /// Returns the first property `id`, of any of the integer types.
    pub fn number(self, id: PropertyId) -> Option<u32> {
        self.numbers(id).next()
    }

    /// Returns every property `id`, of any of the integer types.
    pub fn numbers(self, id: PropertyId) -> impl Iterator<Item = u32> + 'a {
        self.iter()
            .filter(move |p| p.id == id)
            .filter_map(|p| match p.value {
                Value::Byte(n) => Some(u32::from(n)),
                Value::Two(n) => Some(u32::from(n)),
                Value::Four(n) | Value::Var(n) => Some(n),
                _ => None,
            })
    }

    /// Returns the first property `id`, of type string or binary data.
    pub fn bytes(self, id: PropertyId) -> Option<&'a [u8]> {
        self.iter()
            .filter(|p| p.id == id)
            .find_map(|p| match p.value {
                Value::Binary(bytes) | Value::Utf8(bytes) => Some(bytes),
                _ => None,
            })
    }
}

/// See [`PropertiesRef::iter`].
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    bytes: &'a [u8],
}

impl<'a> Iter<'a> {
    /// Walks bytes that were validated; ends at the first that is no property.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Returns how many bytes are still to come.
    pub(super) const fn remaining(&self) -> usize {
        self.bytes.len()
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Property<'a>;

    fn next(&mut self) -> Option<Property<'a>> {
        let mut reader = Reader::new(self.bytes);
        let id = PropertyId::from_u8(reader.byte().ok()?)?;
        let value = read_value(&mut reader, id).ok()?;
        self.bytes = reader.rest();
        Some(Property { id, value })
    }
}

const fn malformed(what: &'static str) -> Malformed {
    Malformed::new(reason::MALFORMED_PACKET, what)
}

const fn protocol_error(what: &'static str) -> Malformed {
    Malformed::new(reason::PROTOCOL_ERROR, what)
}

/// Who sent a packet: two rules depend on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Received,
    Sent,
}

/// The rules about a packet's properties together: which, and how often.
struct List {
    context: Context,
    /// Bit `n`: identifier `n` has occurred.
    seen: u64,
    count: u32,
}

impl List {
    const fn new(context: Context) -> Self {
        Self {
            context,
            seen: 0,
            count: 0,
        }
    }

    fn add(&mut self, id: PropertyId, direction: Direction) -> Result<(), Malformed> {
        if !id.allowed_in(self.context) {
            return Err(malformed(id.misplaced()));
        }
        let mut repeats = id == PropertyId::UserProperty;
        match (id, self.context, direction) {
            // One for each subscription that matched ([MQTT-3.3.4-3]); clients send none ([MQTT-3.3.4-6]).
            (PropertyId::SubscriptionIdentifier, Context::Publish, Direction::Received) => {
                repeats = true;
            }
            (PropertyId::SubscriptionIdentifier, Context::Publish, Direction::Sent) => {
                return Err(protocol_error(
                    "a client's PUBLISH has no Subscription Identifier",
                ));
            }
            // [MQTT-3.14.2-2]
            (PropertyId::SessionExpiryInterval, Context::Disconnect, Direction::Received) => {
                return Err(protocol_error(
                    "a server's DISCONNECT has no Session Expiry Interval",
                ));
            }
            _ => {}
        }
        let bit = 1 << id as u8;
        if self.seen & bit != 0 && !repeats {
            return Err(protocol_error(id.repeated()));
        }
        self.seen |= bit;
        self.count += 1;
        if self.count > MAX_PROPERTIES {
            let what = "more properties than a packet is given room for";
            return Err(Malformed::new(reason::QUOTA_EXCEEDED, what));
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Malformed> {
        let has = |id: PropertyId| self.seen & (1 << id as u8) != 0;
        // Section 3.1.2.11.10.
        if has(PropertyId::AuthenticationData) && !has(PropertyId::AuthenticationMethod) {
            return Err(protocol_error(
                "Authentication Data without Authentication Method",
            ));
        }
        Ok(())
    }
}

/// Reads a value without looking into it: so that walking validated bytes costs no second validation.
fn read_value<'a>(reader: &mut Reader<'a>, id: PropertyId) -> Result<Value<'a>, Malformed> {
    Ok(match id.ty() {
        PropertyType::Byte => Value::Byte(reader.byte()?),
        PropertyType::Two => Value::Two(reader.two()?),
        PropertyType::Four => Value::Four(reader.four()?),
        PropertyType::Var => Value::Var(reader.varint()?),
        PropertyType::Binary => Value::Binary(reader.binary()?),
        PropertyType::Utf8 => Value::Utf8(reader.binary()?),
        PropertyType::Pair => Value::Pair(reader.binary()?, reader.binary()?),
    })
}

/// Returns how many bytes a value takes on the wire.
fn value_len(value: Value<'_>) -> usize {
    match value {
        Value::Byte(_) => 1,
        Value::Two(_) => 2,
        Value::Four(_) => 4,
        Value::Var(n) => wire::varint_len(n),
        Value::Binary(bytes) | Value::Utf8(bytes) => 2 + bytes.len(),
        Value::Pair(name, value) => 4 + name.len() + value.len(),
    }
}

fn check_length(id: PropertyId, bytes: &[u8]) -> Result<(), Malformed> {
    if bytes.len() > wire::MAX_STRING {
        return Err(malformed(id.too_long()));
    }
    Ok(())
}

fn check_string(id: PropertyId, text: &[u8]) -> Result<(), Malformed> {
    check_length(id, text)?;
    if wire::valid_utf8(text) {
        Ok(())
    } else {
        Err(malformed(id.no_string()))
    }
}

/// Checks type, encoding and range of a value.
fn check_value(property: Property<'_>) -> Result<(), Malformed> {
    use PropertyId as Id;

    match (property.id.ty(), property.value) {
        (PropertyType::Byte, Value::Byte(_))
        | (PropertyType::Two, Value::Two(_))
        | (PropertyType::Four, Value::Four(_)) => {}
        (PropertyType::Var, Value::Var(n)) => {
            if n > MAX_VARINT {
                return Err(malformed("variable byte integer is too large"));
            }
        }
        (PropertyType::Binary, Value::Binary(bytes)) => check_length(property.id, bytes)?,
        (PropertyType::Utf8, Value::Utf8(text)) => check_string(property.id, text)?,
        (PropertyType::Pair, Value::Pair(name, value)) => {
            check_string(property.id, name)?;
            check_string(property.id, value)?;
        }
        _ => return Err(malformed(property.id.mistyped())),
    }
    match (property.id, property.value) {
        (
            Id::PayloadFormatIndicator
            | Id::RequestProblemInformation
            | Id::RequestResponseInformation
            | Id::MaximumQoS
            | Id::RetainAvailable
            | Id::WildcardSubscriptionAvailable
            | Id::SubscriptionIdentifierAvailable
            | Id::SharedSubscriptionAvailable,
            Value::Byte(2..),
        ) => Err(protocol_error(property.id.no_flag())),
        (Id::ReceiveMaximum, Value::Two(0)) => Err(protocol_error("Receive Maximum: 0")),
        (Id::MaximumPacketSize, Value::Four(0)) => Err(protocol_error("Maximum Packet Size: 0")),
        (Id::SubscriptionIdentifier, Value::Var(0)) => {
            Err(protocol_error("Subscription Identifier: 0"))
        }
        // [MQTT-3.3.2-8]
        (Id::TopicAlias, Value::Two(0)) => Err(Malformed::new(
            reason::TOPIC_ALIAS_INVALID,
            "Topic Alias: 0",
        )),
        // [MQTT-3.3.2-14]
        (Id::ResponseTopic, Value::Utf8(topic)) if wire::has_wildcard(topic) => {
            Err(protocol_error("Response Topic: has a wildcard"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
