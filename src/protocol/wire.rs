//! Integers, strings and topics as they stand on the wire.

use bytes::{BufMut, BytesMut};

use super::error::Malformed;
use super::reason;

/// The largest Variable Byte Integer, and so the largest Remaining Length ([MQTT-1.5.5-1], 3.1.1 section 2.2.3).
pub const MAX_VARINT: u32 = 268_435_455;

/// The longest string or binary field: its length is a two-byte integer.
pub const MAX_STRING: usize = u16::MAX as usize;

const fn malformed(what: &'static str) -> Malformed {
    Malformed::new(reason::MALFORMED_PACKET, what)
}

/// Reads a packet's fields front to back; every read past the end is an error, never a panic.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns what has not been read.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Returns true if everything has been read.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads the next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .rest
            .split_at_checked(n)
            .ok_or(malformed("packet ends inside a field"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// Reads one byte.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        let (&first, rest) = self
            .rest
            .split_first()
            .ok_or(malformed("packet ends before a field"))?;
        self.rest = rest;
        Ok(first)
    }

    /// Reads a Two Byte Integer.
    pub fn two(&mut self) -> Result<u16, Malformed> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// Reads a Four Byte Integer.
    pub fn four(&mut self) -> Result<u32, Malformed> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// Reads a Variable Byte Integer, in the fewest bytes that hold it ([MQTT-1.5.5-1]).
    pub fn varint(&mut self) -> Result<u32, Malformed> {
        match varint(self.rest)? {
            Some((value, len)) => {
                self.rest = &self.rest[len..];
                Ok(value)
            }
            None => Err(malformed("packet ends inside a variable byte integer")),
        }
    }

    /// Reads Binary Data: two bytes of length, then the bytes.
    pub fn binary(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.two()?;
        self.take(usize::from(len))
    }

    /// Reads a UTF-8 Encoded String, checked with [`valid_utf8`].
    pub fn utf8(&mut self) -> Result<&'a [u8], Malformed> {
        let bytes = self.binary()?;
        check_utf8(bytes)?;
        Ok(bytes)
    }

    /// Reads a Packet Identifier, which is never zero ([MQTT-2.3.1-1] in 3.1.1, [MQTT-2.2.1-3] in 5.0).
    pub fn packet_id(&mut self) -> Result<u16, Malformed> {
        match self.two()? {
            0 => Err(Malformed::new(
                reason::PROTOCOL_ERROR,
                "packet identifier is zero",
            )),
            id => Ok(id),
        }
    }

    /// Checks that nothing is left.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(malformed("bytes left over at the end of the packet"))
        }
    }
}

/// Reads a Variable Byte Integer from the front of `bytes`: its value and how many bytes it took, or `None` when
/// `bytes` ends inside it.
pub fn varint(bytes: &[u8]) -> Result<Option<(u32, usize)>, Malformed> {
    let mut value = 0;
    for (i, &byte) in bytes.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            // A last byte of zero adds nothing: a shorter encoding exists [MQTT-1.5.5-1].
            if byte == 0 && i > 0 {
                return Err(malformed("variable byte integer is longer than needed"));
            }
            return Ok(Some((value, i + 1)));
        }
    }
    if bytes.len() >= 4 {
        return Err(malformed(
            "variable byte integer takes more than four bytes",
        ));
    }
    Ok(None)
}

/// Returns how many bytes [`put_varint`] writes.
pub const fn varint_len(value: u32) -> usize {
    match value {
        0..=0x7F => 1,
        0x80..=0x3FFF => 2,
        0x4000..=0x1F_FFFF => 3,
        _ => 4,
    }
}

/// Writes a Variable Byte Integer; `value` is at most [`MAX_VARINT`].
pub fn put_varint(out: &mut impl BufMut, mut value: u32) {
    debug_assert!(value <= MAX_VARINT);
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.put_u8(low);
            return;
        }
        out.put_u8(low | 0x80);
    }
}

/// Returns how many bytes [`put_binary`] writes, or an error when `bytes` cannot be that long.
pub fn binary_len(bytes: &[u8]) -> Result<usize, Malformed> {
    if bytes.len() > MAX_STRING {
        return Err(malformed(
            "a string or binary field is longer than 65535 bytes",
        ));
    }
    Ok(2 + bytes.len())
}

/// Writes two bytes of length and then `bytes`.
pub fn put_binary(out: &mut impl BufMut, bytes: &[u8]) -> Result<(), Malformed> {
    let len = u16::try_from(bytes.len())
        .map_err(|_| malformed("a string or binary field is longer than 65535 bytes"))?;
    out.put_u16(len);
    out.put_slice(bytes);
    Ok(())
}

/// Returns `len` as a Remaining Length, if a packet can be that long.
pub(super) fn remaining_length(len: usize) -> Result<u32, Malformed> {
    u32::try_from(len)
        .ok()
        .filter(|&length| length <= MAX_VARINT)
        // Not 0x95, with which a server names its own maximum: the program would take it for the server's answer.
        .ok_or(malformed("packet is larger than 268435455 bytes"))
}

/// Writes fixed header and body of one packet, or nothing: when `body` fails, `out` is as it was.
///
/// `remaining` is the Remaining Length; `present` how much of it `body` is about to write (less for a header
/// whose payload the caller sends from elsewhere).
pub(super) fn put_packet(
    out: &mut BytesMut,
    first: u8,
    remaining: usize,
    present: usize,
    body: impl FnOnce(&mut BytesMut) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let length = remaining_length(remaining)?;
    let start = out.len();
    out.reserve(1 + varint_len(length) + present);
    out.put_u8(first);
    put_varint(out, length);
    let body_start = out.len();
    let result = body(out);
    if result.is_err() {
        out.truncate(start);
    } else {
        debug_assert_eq!(out.len() - body_start, present);
    }
    result
}

/// Returns true if `bytes` is UTF-8 without surrogates and over-long forms; U+0000 may occur.
///
/// What the C API asks of strings: there U+0000 ends a string, or is counted in one with a length.
pub fn well_formed_utf8(bytes: &[u8]) -> bool {
    is_plain(bytes) || std::str::from_utf8(bytes).is_ok()
}

/// Returns true if `bytes` are ASCII without U+0000, `+` and `#`, as nearly all topics are: nothing more has to be looked for
/// in such a topic name. False says nothing.
///
/// Eight bytes are looked at together: topics are short, and searches made for long texts take longer to begin.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    /// Has the highest bit of a byte set if and only if there is a byte that is zero.
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word
    }
    let special = |word: &[u8; 8]| {
        let word = u64::from_ne_bytes(*word);
        let plus = zeros(word ^ u64::from_ne_bytes([b'+'; 8]));
        let hash = zeros(word ^ u64::from_ne_bytes([b'#'; 8]));
        (word | zeros(word) | plus | hash) & HIGH
    };
    let Some(last) = bytes.last_chunk() else {
        return bytes
            .iter()
            .all(|byte| byte.is_ascii() && !matches!(byte, 0 | b'+' | b'#'));
    };
    let words = bytes.chunks_exact(8).filter_map(<[u8]>::first_chunk);
    words.fold(special(last), |found, word| found | special(word)) == 0
}

/// Returns true if `bytes` may be a MQTT string: [MQTT-1.5.3-1] and [MQTT-1.5.3-2] of 3.1.1, [MQTT-1.5.4-1] and
/// [MQTT-1.5.4-2] of 5.0. A byte order mark is a character like others ([MQTT-1.5.4-3]).
pub fn valid_utf8(bytes: &[u8]) -> bool {
    well_formed_utf8(bytes) && memchr::memchr(0, bytes).is_none()
}

/// Returns true if `topic` may be published to: not empty ([MQTT-4.7.3-1]), a MQTT string of at most 65535 bytes
/// ([MQTT-4.7.3-2], [MQTT-4.7.3-3]), no wildcard ([MQTT-3.3.2-2]).
pub fn valid_topic_name(topic: &[u8]) -> bool {
    !topic.is_empty()
        && topic.len() <= MAX_STRING
        && (is_plain(topic) || !has_wildcard(topic) && valid_utf8(topic))
}

/// Returns true if `filter` may be subscribed to.
///
/// `#` stands alone in the last level ([MQTT-4.7.1-1]) and `+` alone in its level ([MQTT-4.7.1-2]). A shared
/// subscription is `$share/{name}/{filter}` with a name and a filter that are not empty, the name without
/// wildcards ([MQTT-4.8.2-1], [MQTT-4.8.2-2]); servers know that form from 3.1.1 clients too.
pub fn valid_topic_filter(filter: &[u8]) -> bool {
    if filter.is_empty() || filter.len() > MAX_STRING || !valid_utf8(filter) {
        return false;
    }
    let levels = match share(filter) {
        None => filter,
        Some((name, rest)) => {
            if name.is_empty() || has_wildcard(name) || rest.is_empty() {
                return false;
            }
            rest
        }
    };
    let mut levels = levels.split(|&b| b == b'/').peekable();
    while let Some(level) = levels.next() {
        let fits = match level {
            b"#" => levels.peek().is_none(),
            b"+" => true,
            _ => !has_wildcard(level),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// Returns the share name and filter of a shared subscription; both may be empty, which is then invalid.
pub(super) fn share(filter: &[u8]) -> Option<(&[u8], &[u8])> {
    if filter == b"$share" {
        return Some((b"", b""));
    }
    let rest = filter.strip_prefix(b"$share/")?;
    Some(match memchr::memchr(b'/', rest) {
        Some(i) => (&rest[..i], &rest[i + 1..]),
        None => (rest, b""),
    })
}

/// Returns true if `bytes` holds `+` or `#`, which topic names must not.
pub(super) fn has_wildcard(bytes: &[u8]) -> bool {
    memchr::memchr2(b'+', b'#', bytes).is_some()
}

/// Returns an error if [`valid_utf8`] or [`binary_len`] objects.
pub(super) fn check_utf8(bytes: &[u8]) -> Result<(), Malformed> {
    binary_len(bytes)?;
    if valid_utf8(bytes) {
        Ok(())
    } else {
        Err(malformed(
            "a string is not well-formed UTF-8 or holds U+0000",
        ))
    }
}

#[cfg(test)]
mod tests;
