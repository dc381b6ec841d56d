//! MQTT 5 properties, held as their validated wire bytes: order is kept and copying is one memcpy.

mod id;

pub use id::{Context, PropertyId, PropertyType};

use super::error::Malformed;

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
    /// None.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Appends a property, if its value has its type and is one the specification allows.
    pub fn push(&mut self, property: Property<'_>) -> Result<(), Malformed> {
        let _ = (property, &mut self.bytes);
        todo!()
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

impl<'a> PropertiesRef<'a> {
    /// None.
    pub const EMPTY: PropertiesRef<'static> = PropertiesRef { bytes: &[] };

    /// Checks wire bytes (without the length prefix) of a packet that the client received.
    pub fn parse(bytes: &'a [u8], context: Context) -> Result<Self, Malformed> {
        let _ = (bytes, context);
        todo!()
    }

    /// Checks that a client may send these properties in that packet.
    pub fn validate_for(self, context: Context) -> Result<(), Malformed> {
        let _ = (self, context);
        todo!()
    }

    /// Length on the wire, without the length prefix.
    pub const fn len(self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// The wire bytes, without the length prefix.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Each property, in order.
    pub fn iter(self) -> Iter<'a> {
        Iter { bytes: self.bytes }
    }

    /// The first property `id`, of any of the integer types.
    pub fn number(self, id: PropertyId) -> Option<u32> {
        self.numbers(id).next()
    }

    /// Every property `id`, of any of the integer types.
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

    /// The first property `id`, of type string or binary data.
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

impl<'a> Iterator for Iter<'a> {
    type Item = Property<'a>;

    fn next(&mut self) -> Option<Property<'a>> {
        let _ = self.bytes;
        todo!()
    }
}
