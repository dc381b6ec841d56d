//! The journal: where records are before they get files of their own.
//!
//! It is a row of files `journal-N` in the store's own sub-directory, each written front to back ([`mod@format`]). Bytes that
//! were never completely written do not pass for an entry, nor does a payload that a stranger made to look like one.
//!
//! # Invariants
//!
//! | | what always holds | why |
//! |---|---|---|
//! | J1 | Numbers of files ascend, and none is above the number of the file made last. | A file's number is its age. |
//! | J2 | Only the newest file is written to, and none that was read back. | What follows a torn entry would never be read. |
//! | J3 | A file's entries fill it from the header to `end`; what is known to be on the disk is no more. | Replay stops at the first byte that is no entry. |
//! | J4 | An entry whose `append` returned stays, unchanged, until its file goes. | A `Spot` may be read at any time. |
//! | J5 | A file's `live` is at least the number of records whose only copy is in it (the store checks it). | Its file must not go. |
//! | J6 | Files go oldest first, when `live` is 0 and the files of all records that were moved from them are on the disk. | A removal is later than what it removes, and is not forgotten before it. |
//! | J7 | A removal that was put off is written before any entry that follows it. | The key may be put again. |
//! | J8 | At most `MAX_FILES` files of our own are written. | Bounds the disk and the time of the replay. |
//!
//! [`Journal::check_invariants`] checks J1, J2, J3 and J8 wherever debug assertions are on; the fuzz target `journal` checks
//! what a store makes of a journal that was cut anywhere.

mod format;
mod replay;

use std::collections::VecDeque;
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::{self as sys, AtFlags};

use super::super::{RecordKey, RecordKind};
use super::files;
use format::{ENTRY_HEADER, Entry, EntryHeader, FILE_HEADER, Format, Header};
pub(super) use format::{MAX_ENTRY, Operation};

const PREFIX: &str = "journal-";
/// A file that has reached this size is followed by a new one: large enough to make that rare, small enough to be let go soon.
const FILE_SIZE: u64 = 2 << 20;
/// When as many files are needed at once, further records get their own files right away. Bounds the disk space of a queue
/// that only grows to 128 MiB and the time that reading it back takes.
const MAX_FILES: usize = 64;
/// So many removals are written without waiting for more.
const MAX_REMOVALS: usize = 1024;
/// Numbers tried for a new file: what has a name above our last is somebody else's.
const ATTEMPTS: u64 = 64;

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
    format: Format,
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

    /// Writes two records, of which a kill leaves both or none. One write is not enough for that: the kernel ends it early, between
    /// two pages, for a process that is killed. So the first says that it does not count without the second.
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
        self.encode(
            salt,
            start,
            Operation::Put,
            first.0,
            Some(second.0),
            first.1,
        );
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
        let header = EntryHeader::read(&entry);
        let place = u64::from(spot.offset);
        if header.key() != Some(key)
            || !header.is_whole(segment.format, segment.salt, place, &entry)
        {
            return Err(io::ErrorKind::InvalidData.into());
        }
        entry.drain(..ENTRY_HEADER);
        Ok(entry)
    }

    /// Returns when a queued command was put; the time of other records is of no interest, and not kept.
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
        let millis = EntryHeader::read(&header).last;
        (millis > 0).then(|| SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
    }

    /// Counts a record whose only copy is in that file.
    pub(super) fn add_live(&mut self, spot: Spot) {
        if let Some(segment) = self.segment_mut(spot.file) {
            segment.live += 1;
        }
    }

    /// Notes that a record is no longer only there.
    pub(super) fn end_live(&mut self, spot: Spot) {
        if let Some(segment) = self.segment_mut(spot.file) {
            segment.live = segment.live.saturating_sub(1);
        }
    }

    /// Notes the same, since the record has a file of its own now, which is the store's move number `moved` and may not be on
    /// the disk yet.
    pub(super) fn moved(&mut self, spot: Spot, moved: u64) {
        self.end_live(spot);
        if let Some(segment) = self.segment_mut(spot.file) {
            segment.moved = moved;
        }
    }

    /// Returns true if the file of that number still exists.
    pub(super) fn keeps(&self, number: u64) -> bool {
        self.segments
            .front()
            .is_some_and(|oldest| oldest.number <= number)
    }

    /// Returns true if no record needs it and nothing is to be written.
    pub(super) fn is_idle(&self) -> bool {
        self.removals.is_empty() && self.segments.iter().all(|segment| segment.live == 0)
    }

    /// Returns the number of files.
    pub(super) fn files(&self) -> usize {
        self.segments.len()
    }

    /// Returns what a power failure could still take of records that are only here, or whose files are not on the disk (those
    /// up to move number `synced_moves` are). Entries of records that are gone again by now need no disk.
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

    /// Notes that a sync succeeded.
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

    /// Returns the file being written: its number, salt and end.
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
        let (number, file) = self.create(own)?;
        // Two hashers differ in their random keys, which is all that is asked of a salt.
        let salt = RandomState::new().build_hasher().finish() | 1;
        let header = Header {
            format: Format::V2,
            salt,
            boot: boot_id().unwrap_or_default(),
        };
        file.write_all_at(&header.write(), 0)?;
        self.number = number;
        self.segments.push_back(Segment {
            number,
            file: Arc::new(file),
            format: Format::V2,
            salt,
            writable: true,
            end: FILE_HEADER as u64,
            synced: 0,
            live: 0,
            moved: 0,
        });
        Ok(())
    }

    /// Makes the next file.
    fn create(&mut self, own: &OwnedFd) -> io::Result<(u64, File)> {
        for number in self.number + 1..=self.number + ATTEMPTS {
            match files::create(own, &format!("{PREFIX}{number}"), true) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => return other.map(|file| (number, file)),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Panics if an invariant does not hold that the journal can see by itself; nothing without debug assertions.
    pub(super) fn check_invariants(&self) {
        if !cfg!(debug_assertions) {
            return;
        }
        let numbers = self.segments.iter().map(|segment| segment.number);
        assert!(numbers.is_sorted_by(|older, newer| older < newer), "J1");
        if let Some(newest) = self.segments.back() {
            assert!(newest.number <= self.number, "J1");
        }
        let older = self.segments.iter().rev().skip(1);
        let ours = self.segments.iter().filter(|segment| segment.writable);
        // One that is full stays writable; it is not written to, since it is not the newest.
        for segment in older.clone().filter(|segment| segment.writable) {
            assert!(
                segment.end >= FILE_SIZE,
                "J2: {} ends early",
                segment.number
            );
        }
        for segment in &self.segments {
            assert!(segment.end >= FILE_HEADER as u64, "J3");
            assert!(segment.synced <= segment.end, "J3");
        }
        assert!(ours.count() <= MAX_FILES, "J8");
    }

    /// Returns how many records are said to be in each file only.
    pub(super) fn live(&self) -> impl Iterator<Item = (u64, usize)> {
        self.segments
            .iter()
            .map(|segment| (segment.number, segment.live))
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
        let entry = Entry {
            operation,
            key,
            other,
            time: if key.kind == RecordKind::Command {
                milliseconds()
            } else {
                0
            },
            parts,
        };
        entry.write(salt, start, &mut self.buffer);
    }

    /// Writes the buffer at the end of the newest file. After a failure the end stays where it was: the next entry goes over
    /// what may have been written.
    fn flush(&mut self, start: u64) -> io::Result<()> {
        let segment = self.segments.back_mut().expect("room was made");
        segment.file.write_all_at(&self.buffer, start)?;
        segment.end = start + self.buffer.len() as u64;
        self.removals.clear();
        self.check_invariants();
        Ok(())
    }
}

/// Tells one start of the machine from another; `None` where there is no such thing.
fn boot_id() -> Option<[u8; 16]> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    Some(u128::from_str_radix(&digits, 16).ok()?.to_le_bytes())
}

/// Returns the time of day: it has to mean something to another process.
fn milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests;
