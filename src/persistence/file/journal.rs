//! The journal: where records are before they get files of their own.
//!
//! It is a row of files `journal-N` in the store's own sub-directory, each written front to back. A file starts with a magic
//! number and a random salt. Entries follow, each with a checksum over itself, its place and the salt: bytes that were never
//! completely written do not pass for an entry, nor does a payload that a stranger made to look like one.
//!
//! Entries of one file stay until none of its records is needed, and files go oldest first: a removal, always later than what
//! it removes, can then not be forgotten before it.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::{self as sys, AtFlags, Mode, OFlags};

use super::super::{Notice, RecordKey, RecordKind};
use super::directory::{file_names, read_whole};

const MAGIC: [u8; 8] = *b"PahoOxJ1";
const PREFIX: &str = "journal-";
/// Magic number, salt, and which start of the machine the file is from.
const FILE_HEADER: usize = 32;
/// Checksum, length, operation, key, and the other key or, of a put, the time.
const ENTRY_HEADER: usize = 32;
/// A file that has reached this size is followed by a new one: large enough to make that rare, small enough to be let go soon.
const FILE_SIZE: u64 = 2 << 20;
/// When as many files are needed at once, further records get their own files right away. Bounds the disk space of a queue
/// that only grows to 128 MiB and the time that reading it back takes.
const MAX_FILES: usize = 64;
/// A larger record gets its own file right away: writing its bytes twice would cost more than creating a file.
pub(super) const MAX_ENTRY: usize = 256 << 10;

/// A file that claims to be more than this is not one of ours: the last entries may go beyond `FILE_SIZE`, but not so far.
const MAX_READ: u64 = 64 << 20;
/// So many removals are written without waiting for more.
const MAX_REMOVALS: usize = 1024;

/// What an entry does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// `key` has this content.
    Put = 1,
    /// `key` is gone.
    Remove = 2,
    /// `key` has this content and `other` is gone.
    Replace = 3,
    /// `key` is about to get a file and `other`'s file is to go then.
    Intent = 4,
    /// `key` has a file of its own now, which may not be on the disk yet.
    Moved = 5,
    /// `key` and then `other` are about to get files, and `key` is nothing without `other`.
    Pair = 6,
    /// Like `Intent`, and the content of `key` as well.
    ReplaceFile = 7,
}

impl Operation {
    fn from_code(code: u32) -> Option<Self> {
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

/// Where a record's entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// Number of the file.
    pub(super) file: u64,
    /// Of the entry, from the start of the file.
    offset: u32,
    /// Of the content.
    length: u32,
}

/// One file.
struct Segment {
    number: u64,
    file: Arc<File>,
    salt: u64,
    /// Made by this process: one read back is never written to again.
    writable: bool,
    /// Where the next entry goes.
    end: u64,
    /// How far it is known to be on the disk.
    synced: u64,
    /// Records whose only copy is here.
    live: usize,
    /// The store's count of moves when a record was last moved from here to its own file.
    moved: u64,
}

/// What the journal of a store that was not closed says.
#[derive(Default)]
pub(super) struct Replayed {
    /// Records that were put and not removed.
    pub(super) live: HashMap<RecordKey, Spot>,
    /// Records that got files of their own, and whether the machine has been running since: if so the files were there.
    pub(super) moved: HashMap<RecordKey, (Spot, bool)>,
    /// Record whose file was to go when the other's was there.
    pub(super) intents: HashMap<RecordKey, RecordKey>,
    /// Record that was to be written first, and the one without which it is to go.
    pub(super) pairs: HashMap<RecordKey, RecordKey>,
    pub(super) notices: Vec<Notice>,
}

/// A file of the journal that has something to sync.
pub(super) struct Unsynced {
    number: u64,
    pub(super) file: Arc<File>,
    end: u64,
    /// Its name may not be on the disk either.
    pub(super) is_new: bool,
}

#[derive(Default)]
pub(super) struct Journal {
    segments: VecDeque<Segment>,
    /// Of the file made last.
    number: u64,
    /// Removals that go out with the next entry.
    removals: Vec<RecordKey>,
    buffer: Vec<u8>,
}

impl Journal {
    /// Reads the journal that a killed process left.
    pub(super) fn replay(own: &OwnedFd) -> io::Result<(Self, Replayed)> {
        let mut numbers: Vec<u64> = file_names(own)?
            .iter()
            .filter_map(|name| name.strip_prefix(PREFIX)?.parse().ok())
            .collect();
        numbers.sort_unstable();
        let boot = boot_id();
        let mut journal = Self::default();
        let mut replayed = Replayed::default();
        for number in numbers {
            journal.number = number;
            let name = format!("{PREFIX}{number}");
            let bytes = match read_whole(own, &name, MAX_READ) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    replayed.notices.push(Notice::Foreign(name));
                    continue;
                }
                Err(error) => return Err(error),
            };
            if bytes.len() < FILE_HEADER {
                // The process ended before the file's first entry.
                sys::unlinkat(own, &name, AtFlags::empty())?;
                continue;
            }
            if bytes[..8] != MAGIC {
                replayed.notices.push(Notice::Foreign(name));
                continue;
            }
            let file = sys::openat(own, &name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
            let mut segment = Segment {
                number,
                file: Arc::new(File::from(file)),
                salt: u64_at(&bytes, 8),
                writable: false,
                end: FILE_HEADER as u64,
                synced: 0,
                live: 0,
                moved: 0,
            };
            let since = boot.is_some_and(|boot| bytes[16..FILE_HEADER] == boot);
            segment.end = replayed.read(&bytes, number, segment.salt, since) as u64;
            if segment.end < bytes.len() as u64 {
                replayed.notices.push(Notice::TornJournal(name));
            }
            journal.segments.push_back(segment);
        }
        let moved = replayed.moved.values().map(|(spot, _)| *spot);
        for spot in replayed.live.values().copied().chain(moved) {
            journal.add_live(spot);
        }
        Ok((journal, replayed))
    }

    /// Writes an entry, after the removals that were put off: both are in the page cache when this returns, where a killed
    /// process cannot take them back.
    pub(super) fn append(
        &mut self,
        own: &OwnedFd,
        operation: Operation,
        key: RecordKey,
        other: Option<RecordKey>,
        parts: &[&[u8]],
    ) -> io::Result<Spot> {
        self.make_room(own)?;
        let (number, salt, start) = self.active();
        self.encode_removals(salt, start);
        let at = self.buffer.len();
        self.encode(salt, start, operation, key, other, parts);
        self.flush(start)?;
        let within = |value: u64| u32::try_from(value).expect("files stay far below 4 GiB");
        Ok(Spot {
            file: number,
            offset: within(start + at as u64),
            length: within((self.buffer.len() - at - ENTRY_HEADER) as u64),
        })
    }

    /// Writes two records with one write, so that a kill leaves both or none.
    pub(super) fn append_both(
        &mut self,
        own: &OwnedFd,
        first: (RecordKey, &[&[u8]]),
        second: (RecordKey, &[&[u8]]),
    ) -> io::Result<[Spot; 2]> {
        self.make_room(own)?;
        let (number, salt, start) = self.active();
        self.encode_removals(salt, start);
        let at = self.buffer.len();
        self.encode(salt, start, Operation::Put, first.0, None, first.1);
        let middle = self.buffer.len();
        self.encode(salt, start, Operation::Put, second.0, None, second.1);
        self.flush(start)?;
        let within = |value: u64| u32::try_from(value).expect("files stay far below 4 GiB");
        let spot = |from: usize, to: usize| Spot {
            file: number,
            offset: within(start + from as u64),
            length: within((to - from - ENTRY_HEADER) as u64),
        };
        Ok([spot(at, middle), spot(middle, self.buffer.len())])
    }

    /// Notes a removal, to be written with the next entry, and says whether there are enough to write them now.
    pub(super) fn remove_later(&mut self, key: RecordKey) -> bool {
        self.removals.push(key);
        self.removals.len() >= MAX_REMOVALS
    }

    /// Writes the removals that were put off.
    pub(super) fn write_removals(&mut self, own: &OwnedFd) -> io::Result<()> {
        if self.removals.is_empty() {
            return Ok(());
        }
        if self.segments.is_empty() {
            // What they are about went with its file.
            self.removals.clear();
            return Ok(());
        }
        // Room for these few bytes is always made: without them a record would come back.
        if self.make_room(own).is_err() && !self.is_open() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let (_, salt, start) = self.active();
        self.encode_removals(salt, start);
        self.flush(start)
    }

    /// Reads a record. An entry that is not what was written is `InvalidData`; after any other error it may be there yet.
    pub(super) fn read(&self, key: RecordKey, spot: Spot) -> io::Result<Vec<u8>> {
        let segment = self
            .segments
            .iter()
            .find(|segment| segment.number == spot.file)
            .ok_or(io::ErrorKind::NotFound)?;
        let mut entry = vec![0; ENTRY_HEADER + spot.length as usize];
        match segment
            .file
            .read_exact_at(&mut entry, u64::from(spot.offset))
        {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(io::ErrorKind::InvalidData.into());
            }
            other => other?,
        }
        let whole =
            u64_at(&entry, 0) == checksum(segment.salt, u64::from(spot.offset), &entry[8..]);
        if !whole || u64_at(&entry, 16) != key.to_code() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        entry.drain(..ENTRY_HEADER);
        Ok(entry)
    }

    /// When a queued command was put; the time of other records is of no interest, and not kept.
    pub(super) fn put_time(&self, key: RecordKey, spot: Spot) -> Option<SystemTime> {
        if key.kind != RecordKind::Command {
            return None;
        }
        let segment = self
            .segments
            .iter()
            .find(|segment| segment.number == spot.file)?;
        let mut header = [0; ENTRY_HEADER];
        segment
            .file
            .read_exact_at(&mut header, u64::from(spot.offset))
            .ok()?;
        let millis = u64_at(&header, 24);
        (millis > 0).then(|| SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
    }

    /// Counts a record whose only copy is in that file.
    pub(super) fn add_live(&mut self, spot: Spot) {
        if let Some(segment) = self.segment_mut(spot.file) {
            segment.live += 1;
        }
    }

    /// A record is no longer only there.
    pub(super) fn end_live(&mut self, spot: Spot) {
        if let Some(segment) = self.segment_mut(spot.file) {
            segment.live = segment.live.saturating_sub(1);
        }
    }

    /// The same, since it has a file of its own now, which is the store's move number `moved` and may not be on the disk yet.
    pub(super) fn moved(&mut self, spot: Spot, moved: u64) {
        self.end_live(spot);
        if let Some(segment) = self.segment_mut(spot.file) {
            segment.moved = moved;
        }
    }

    /// Whether the file of that number still exists.
    pub(super) fn keeps(&self, number: u64) -> bool {
        self.segments
            .front()
            .is_some_and(|oldest| oldest.number <= number)
    }

    /// Whether no record needs it and nothing is to be written.
    pub(super) fn is_idle(&self) -> bool {
        self.removals.is_empty() && self.segments.iter().all(|segment| segment.live == 0)
    }

    /// Number of files.
    pub(super) fn files(&self) -> usize {
        self.segments.len()
    }

    /// What a power failure could still take of records that are only here, or whose files are not on the disk (those up to
    /// move number `synced_moves` are). Entries of records that are gone again by now need no disk.
    pub(super) fn unsynced(&self, synced_moves: u64) -> Vec<Unsynced> {
        self.segments
            .iter()
            .filter(|segment| segment.live > 0 || segment.moved > synced_moves)
            .filter(|segment| segment.synced < segment.end)
            .map(|segment| Unsynced {
                number: segment.number,
                file: Arc::clone(&segment.file),
                end: segment.end,
                is_new: segment.synced == 0,
            })
            .collect()
    }

    /// A sync succeeded.
    pub(super) fn synced(&mut self, what: &Unsynced) {
        if let Some(segment) = self.segment_mut(what.number) {
            segment.synced = segment.synced.max(what.end);
        }
    }

    /// Deletes the oldest files as long as no record needs them and every record moved from them (up to the store's move
    /// number `synced_moves`) is on the disk. The newest goes only with `all`.
    pub(super) fn let_go(&mut self, own: &OwnedFd, synced_moves: u64, all: bool) -> io::Result<()> {
        while let Some(oldest) = self.segments.front() {
            let newest = self.segments.len() == 1;
            if oldest.live > 0 || oldest.moved > synced_moves || (newest && !all) {
                break;
            }
            sys::unlinkat(own, format!("{PREFIX}{}", oldest.number), AtFlags::empty())?;
            self.segments.pop_front();
        }
        Ok(())
    }

    /// Frees the buffer: an idle store keeps no memory.
    pub(super) fn rest(&mut self) {
        self.buffer = Vec::new();
        self.removals = Vec::new();
    }

    fn segment_mut(&mut self, number: u64) -> Option<&mut Segment> {
        // Nearly always the newest.
        self.segments
            .iter_mut()
            .rev()
            .find(|segment| segment.number == number)
    }

    /// The file being written: its number, salt and end.
    fn active(&self) -> (u64, u64, u64) {
        let segment = self.segments.back().expect("room was made");
        (segment.number, segment.salt, segment.end)
    }

    fn is_open(&self) -> bool {
        self.segments.back().is_some_and(|newest| newest.writable)
    }

    fn make_room(&mut self, own: &OwnedFd) -> io::Result<()> {
        if self.is_open()
            && self
                .segments
                .back()
                .is_some_and(|newest| newest.end < FILE_SIZE)
        {
            return Ok(());
        }
        if self.segments.len() >= MAX_FILES {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let number = self.number + 1;
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = File::from(sys::openat(
            own,
            format!("{PREFIX}{number}"),
            flags,
            Mode::RUSR | Mode::WUSR,
        )?);
        // Two hashers differ in their random keys, which is all that is asked of a salt.
        let salt = RandomState::new().build_hasher().finish() | 1;
        let mut header = [0; FILE_HEADER];
        header[..8].copy_from_slice(&MAGIC);
        header[8..16].copy_from_slice(&salt.to_le_bytes());
        header[16..].copy_from_slice(&boot_id().unwrap_or_default());
        file.write_all_at(&header, 0)?;
        self.number = number;
        self.segments.push_back(Segment {
            number,
            file: Arc::new(file),
            salt,
            writable: true,
            end: FILE_HEADER as u64,
            synced: 0,
            live: 0,
            moved: 0,
        });
        Ok(())
    }

    fn encode_removals(&mut self, salt: u64, start: u64) {
        self.buffer.clear();
        let removals = std::mem::take(&mut self.removals);
        for &key in &removals {
            self.encode(salt, start, Operation::Remove, key, None, &[]);
        }
        self.removals = removals;
    }

    fn encode(
        &mut self,
        salt: u64,
        start: u64,
        operation: Operation,
        key: RecordKey,
        other: Option<RecordKey>,
        parts: &[&[u8]],
    ) {
        let at = self.buffer.len();
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.buffer.reserve(ENTRY_HEADER + length);
        self.buffer.extend_from_slice(&[0; 8]);
        let length = u32::try_from(length).expect("at most MAX_ENTRY");
        self.buffer.extend_from_slice(&length.to_le_bytes());
        self.buffer
            .extend_from_slice(&(operation as u32).to_le_bytes());
        self.buffer.extend_from_slice(&key.to_code().to_le_bytes());
        let last = match (operation, key.kind) {
            (Operation::Put, RecordKind::Command) => milliseconds(),
            _ => other.map_or(0, RecordKey::to_code),
        };
        self.buffer.extend_from_slice(&last.to_le_bytes());
        for part in parts {
            self.buffer.extend_from_slice(part);
        }
        let check = checksum(salt, start + at as u64, &self.buffer[at + 8..]);
        self.buffer[at..at + 8].copy_from_slice(&check.to_le_bytes());
    }

    /// Writes the buffer at the end of the newest file. After a failure the end stays where it was: the next entry goes over
    /// what may have been written.
    fn flush(&mut self, start: u64) -> io::Result<()> {
        let segment = self.segments.back_mut().expect("room was made");
        segment.file.write_all_at(&self.buffer, start)?;
        segment.end = start + self.buffer.len() as u64;
        self.removals.clear();
        Ok(())
    }
}

impl Replayed {
    fn put(&mut self, key: RecordKey, spot: Spot) {
        self.moved.remove(&key);
        self.live.insert(key, spot);
    }

    /// Follows the entries of one file and says where they end.
    fn read(&mut self, bytes: &[u8], file: u64, salt: u64, since: bool) -> usize {
        let mut at = FILE_HEADER;
        while let Some(entry) = bytes.get(at..at + ENTRY_HEADER) {
            let length = u32::from_le_bytes([entry[8], entry[9], entry[10], entry[11]]);
            let operation = u32::from_le_bytes([entry[12], entry[13], entry[14], entry[15]]);
            let end = at + ENTRY_HEADER + length as usize;
            let Some(checked) = bytes.get(at + 8..end) else {
                break;
            };
            if u64_at(entry, 0) != checksum(salt, at as u64, checked) {
                break;
            }
            let spot = || Spot {
                file,
                offset: u32::try_from(at).unwrap_or(u32::MAX),
                length,
            };
            let other = RecordKey::from_code(u64_at(entry, 24));
            match (
                Operation::from_code(operation),
                RecordKey::from_code(u64_at(entry, 16)),
                other,
            ) {
                (Some(Operation::Put), Some(key), _) => {
                    self.put(key, spot());
                }
                (Some(Operation::Remove), Some(key), None) => {
                    self.live.remove(&key);
                    self.moved.remove(&key);
                    self.intents.remove(&key);
                    self.pairs.remove(&key);
                }
                (Some(Operation::Replace), Some(key), Some(other)) => {
                    self.live.remove(&other);
                    self.moved.remove(&other);
                    self.put(key, spot());
                }
                (Some(Operation::Moved), Some(key), None) => {
                    if let Some(spot) = self.live.remove(&key) {
                        self.moved.insert(key, (spot, since));
                    }
                }
                (Some(Operation::Intent), Some(key), Some(other)) => {
                    self.intents.insert(other, key);
                }
                (Some(Operation::ReplaceFile), Some(key), Some(other)) => {
                    self.put(key, spot());
                    self.intents.insert(other, key);
                }
                (Some(Operation::Pair), Some(key), Some(other)) => {
                    self.pairs.insert(key, other);
                }
                _ => break,
            }
            at = end;
        }
        at
    }
}

/// Tells one start of the machine from another; `None` where there is no such thing.
fn boot_id() -> Option<[u8; 16]> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    Some(u128::from_str_radix(&digits, 16).ok()?.to_le_bytes())
}

/// The time of day: it has to mean something to another process.
fn milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// Tells a complete entry from anything else. Every step can be undone, so a change of any one word changes the result; it
/// needs no strength against somebody who knows the salt, which is never sent anywhere.
fn checksum(salt: u64, place: u64, bytes: &[u8]) -> u64 {
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

#[cfg(test)]
mod tests;
