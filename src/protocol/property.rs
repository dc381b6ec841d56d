//! MQTT 5 properties, held as their validated wire bytes: order is kept and copying is one memcpy.

/// Owned properties: wire bytes without the length prefix, already validated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    bytes: Vec<u8>,
}
