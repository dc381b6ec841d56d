//! Keys of records and the formats of those that are not MQTT packets.
//!
//! `s-`, `r-` and `sc-` records are packets as they go over the wire (PUBLISH without DUP; PUBREL, four bytes also for MQTT 5).
//! Queued commands ([`command`]) and received messages waiting for the program ([`message`]) have formats of the original's own:
//! its C structs field by field, integers as the machine stores them, strings with their NUL.

pub mod command;
pub mod key;
pub mod message;
mod reader;

pub use key::{RecordKey, RecordKind};

/// Why a record cannot be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It ends before its last field.
    #[error("it is cut short")]
    Truncated,
    /// A field's value is impossible.
    #[error("its {0} is impossible")]
    Field(&'static str),
    /// Bytes follow the last field.
    #[error("it has bytes beyond its end")]
    Trailing,
    /// Its type is not one that the original stores.
    #[error("its command type {0} is unknown")]
    UnknownType(i32),
    /// A topic with an embedded NUL cannot be told from a shorter one in these formats (MQTT forbids U+0000 anyway,
    /// `[MQTT-1.5.4-2]`).
    #[error("its topic holds a NUL")]
    EmbeddedNul,
    /// A length does not fit the format's 32-bit integers.
    #[error("it is too long")]
    TooLong,
}

/// Returns a length as the formats hold it.
fn length_field(bytes: &[u8]) -> Result<[u8; 4], RecordError> {
    Ok(i32::try_from(bytes.len())
        .map_err(|_| RecordError::TooLong)?
        .to_ne_bytes())
}

/// Returns a topic with the NUL that ends it.
fn terminated(topic: &[u8]) -> Result<Vec<u8>, RecordError> {
    if topic.contains(&0) {
        return Err(RecordError::EmbeddedNul);
    }
    let mut field = Vec::with_capacity(topic.len() + 1);
    field.extend_from_slice(topic);
    field.push(0);
    Ok(field)
}

/// Returns a property list with its length before it, as on the wire.
fn property_field(properties: &[u8]) -> Result<Vec<u8>, RecordError> {
    let mut rest = u32::try_from(properties.len()).map_err(|_| RecordError::TooLong)?;
    if rest > 268_435_455 {
        return Err(RecordError::TooLong);
    }
    let mut field = Vec::with_capacity(properties.len() + 4);
    loop {
        let low = (rest & 0x7f) as u8;
        rest >>= 7;
        field.push(if rest == 0 { low } else { low | 0x80 });
        if rest == 0 {
            break;
        }
    }
    field.extend_from_slice(properties);
    Ok(field)
}
