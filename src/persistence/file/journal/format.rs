//! What a file of the journal looks like: a header, then entries.
//!
//! | bytes | header |
//! |---|---|
//! | 0–7 | `PahoOxJ2`; `PahoOxJ1` in files of versions before 0.2, which differ in the checksum only |
//! | 8–15 | salt |
//! | 16–31 | which start of the machine the file is from |
//!
//! | bytes | entry |
//! |---|---|
//! | 0–7 | checksum of all that follows, seeded with the salt and the entry's place |
//! | 8–11 | length of the content |
//! | 12–15 | operation |
//! | 16–23 | key |
//! | 24–31 | the other key or, of a queued command's put, the time |
//! | 32– | content |
//!
//! Integers are little-endian. The checksum tells a complete entry from anything else; it need not withstand somebody who
//! knows the salt, which is never sent anywhere. Published algorithms were compared: CRC-32C is made for flipped bits, but its
//! 32 bits pass one torn entry in four billion and take no seed; XXH3 has 64 bits, a seed, and is the fastest on entries of
//! some hundred bytes.

use twox_hash::XxHash3_64;

use super::super::super::{RecordKey, RecordKind};

/// Magic number, salt, and which start of the machine the file is from.
pub(super) const FILE_HEADER: usize = 32;
/// Checksum, length, operation, key, and the other key or, of a put, the time.
pub(super) const ENTRY_HEADER: usize = 32;
/// A larger record gets its own file right away: writing its bytes twice would cost more than creating a file. A length
/// field that says more is not one of ours, and no memory is asked for on its word.
pub(in crate::persistence::file) const MAX_ENTRY: usize = 256 << 10;

/// Which checksum the entries of a file have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Read only.
    V1,
    V2,
}

impl Format {
    const V1_MAGIC: [u8; 8] = *b"PahoOxJ1";
    const V2_MAGIC: [u8; 8] = *b"PahoOxJ2";

    fn of(magic: &[u8]) -> Option<Self> {
        [(Self::V1_MAGIC, Self::V1), (Self::V2_MAGIC, Self::V2)]
            .into_iter()
            .find_map(|(known, format)| (magic == known).then_some(format))
    }

    /// Returns the checksum of an entry's bytes, itself left out.
    pub(super) fn checksum(self, salt: u64, place: u64, bytes: &[u8]) -> u64 {
        match self {
            Self::V1 => checksum_v1(salt, place, bytes),
            // Each place has a seed of its own, so that an entry which is read elsewhere is none.
            Self::V2 => XxHash3_64::oneshot_with_seed(salt ^ place.rotate_left(32), bytes),
        }
    }
}

/// A file's header.
pub(super) struct Header {
    pub(super) format: Format,
    pub(super) salt: u64,
    pub(super) boot: [u8; 16],
}

impl Header {
    pub(super) fn read(bytes: &[u8; FILE_HEADER]) -> Option<Self> {
        Some(Self {
            format: Format::of(&bytes[..8])?,
            salt: u64_at(bytes, 8),
            boot: bytes[16..].try_into().ok()?,
        })
    }

    pub(super) fn write(&self) -> [u8; FILE_HEADER] {
        let mut bytes = [0; FILE_HEADER];
        bytes[..8].copy_from_slice(match self.format {
            Format::V1 => &Format::V1_MAGIC,
            Format::V2 => &Format::V2_MAGIC,
        });
        bytes[8..16].copy_from_slice(&self.salt.to_le_bytes());
        bytes[16..].copy_from_slice(&self.boot);
        bytes
    }
}

/// What an entry does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::persistence::file) enum Operation {
    /// `key` has this content. With `other`, that one's put follows, and `key` is nothing without it. Earlier versions, which
    /// did not say so, take no notice.
    Put = 1,
    /// `key` is gone.
    Remove = 2,
    /// `key` has this content and `other` is gone.
    Replace = 3,
    /// `key` is about to get a file and `other`'s file is to go then.
    Intent = 4,
    /// `key` has a file of its own now, which may not be on the disk yet.
    Moved = 5,
    /// `key` and then `other` are about to get files, and `key` is nothing without `other`. With `key` itself: the steps that
    /// were begun with it are over.
    Pair = 6,
    /// Like `Intent`, and the content of `key` as well.
    ReplaceFile = 7,
}

impl Operation {
    pub(super) fn from_code(code: u32) -> Option<Self> {
        [
            Self::Put,
            Self::Remove,
            Self::Replace,
            Self::Intent,
            Self::Moved,
            Self::Pair,
            Self::ReplaceFile,
        ]
        .into_iter()
        .find(|operation| *operation as u32 == code)
    }
}

/// An entry's header.
#[derive(Clone, Copy)]
pub(super) struct EntryHeader {
    checksum: u64,
    pub(super) length: u32,
    operation: u32,
    key: u64,
    /// The other key or, of a queued command's put, the time in milliseconds.
    pub(super) last: u64,
}

impl EntryHeader {
    pub(super) fn read(bytes: &[u8]) -> Self {
        Self {
            checksum: u64_at(bytes, 0),
            length: u32_at(bytes, 8),
            operation: u32_at(bytes, 12),
            key: u64_at(bytes, 16),
            last: u64_at(bytes, 24),
        }
    }

    /// Returns true if `entry`, header included, is what was written at that place.
    pub(super) fn is_whole(&self, format: Format, salt: u64, place: u64, entry: &[u8]) -> bool {
        self.checksum == format.checksum(salt, place, &entry[8..])
    }

    pub(super) fn operation(&self) -> Option<Operation> {
        Operation::from_code(self.operation)
    }

    pub(super) fn key(&self) -> Option<RecordKey> {
        RecordKey::from_code(self.key)
    }

    pub(super) fn other(&self) -> Option<RecordKey> {
        RecordKey::from_code(self.last)
    }
}

/// What goes into an entry.
pub(super) struct Entry<'a> {
    pub(super) operation: Operation,
    pub(super) key: RecordKey,
    pub(super) other: Option<RecordKey>,
    /// Milliseconds since 1970, kept with a queued command's put.
    pub(super) time: u64,
    pub(super) parts: &'a [&'a [u8]],
}

impl Entry<'_> {
    /// Appends the entry, which will be at `start` and what `buffer` holds already.
    pub(super) fn write(&self, salt: u64, start: u64, buffer: &mut Vec<u8>) {
        let at = buffer.len();
        let length: usize = self.parts.iter().map(|part| part.len()).sum();
        buffer.reserve(ENTRY_HEADER + length);
        buffer.extend_from_slice(&[0; 8]);
        let length = u32::try_from(length).expect("at most MAX_ENTRY");
        buffer.extend_from_slice(&length.to_le_bytes());
        buffer.extend_from_slice(&(self.operation as u32).to_le_bytes());
        buffer.extend_from_slice(&self.key.to_code().to_le_bytes());
        let last = match (self.operation, self.key.kind) {
            (Operation::Put, RecordKind::Command) => self.time,
            _ => self.other.map_or(0, RecordKey::to_code),
        };
        buffer.extend_from_slice(&last.to_le_bytes());
        for part in self.parts {
            buffer.extend_from_slice(part);
        }
        let check = Format::V2.checksum(salt, start + at as u64, &buffer[at + 8..]);
        buffer[at..at + 8].copy_from_slice(&check.to_le_bytes());
    }
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// Returns the checksum of files that older versions left: they must be read once more.
fn checksum_v1(salt: u64, place: u64, bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = salt ^ place.wrapping_mul(FACTOR) ^ (bytes.len() as u64).rotate_left(32);
    let mut take = |word: u64| sum = (sum ^ word).wrapping_mul(FACTOR).rotate_left(31);
    let words = bytes.chunks_exact(8);
    let rest = words.remainder();
    for word in words {
        take(u64::from_le_bytes(word.try_into().expect("eight bytes")));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    take(u64::from_le_bytes(last));
    take(salt);
    sum ^ sum >> 29
}
