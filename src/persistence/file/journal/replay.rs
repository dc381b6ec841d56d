//! Reading the journal that a killed process left.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{self as sys, AtFlags, Dir, FileType};

use super::super::super::{Notice, RecordKey, RecordKind};
use super::super::files;
use super::format::{ENTRY_HEADER, EntryHeader, FILE_HEADER, Header, MAX_ENTRY, Operation};
use super::{Journal, PREFIX, Segment, Spot, boot_id};

/// More files than this are not a journal: it never has more than `MAX_FILES`, and somebody who made thousands must not keep
/// us here.
const MAX_FILES_READ: usize = 1024;
/// More entries than this, in bytes, are not one either. Only what holds entries counts: sparse files are read up to their
/// first hole.
const MAX_BYTES_READ: u64 = 1 << 30;
/// Greater numbers are not ours, and could not be counted on from.
const MAX_NUMBER: u64 = 1 << 48;

/// What the journal of a store that was not closed says.
#[derive(Default)]
pub(in crate::persistence::file) struct Replayed {
    /// Records that were put and not removed.
    pub(in crate::persistence::file) live: HashMap<RecordKey, Spot>,
    /// Records that got files of their own, and whether the machine has been running since: if so the files were there.
    pub(in crate::persistence::file) moved: HashMap<RecordKey, (Spot, bool)>,
    /// Record whose file was to go when the other's was there.
    pub(in crate::persistence::file) intents: HashMap<RecordKey, RecordKey>,
    /// Record that was to be written first, and the one without which it is to go.
    pub(in crate::persistence::file) pairs: HashMap<RecordKey, RecordKey>,
    pub(in crate::persistence::file) notices: Vec<Notice>,
    /// The first of two records that were put together, and the second, whose entry has to follow.
    joined: Option<(RecordKey, RecordKey)>,
    /// Bytes of entries.
    read: u64,
}

impl Journal {
    /// Reads the journal that a killed process left.
    pub(in crate::persistence::file) fn replay(own: &OwnedFd) -> io::Result<(Self, Replayed)> {
        let boot = boot_id();
        let mut journal = Self::default();
        let mut replayed = Replayed::default();
        let numbers = numbers(own)?;
        // Above those that are somebody else's, too.
        journal.number = numbers.last().copied().unwrap_or(0);
        for number in numbers {
            let name = format!("{PREFIX}{number}");
            let file = match files::open(own, &name) {
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    replayed.notices.push(Notice::Foreign(name));
                    continue;
                }
                other => other?,
            };
            let length = file.metadata()?.len();
            if length < FILE_HEADER as u64 {
                // The process ended before the file's first entry.
                sys::unlinkat(own, &name, AtFlags::empty())?;
                continue;
            }
            let mut reader = BufReader::with_capacity(64 << 10, &file);
            let mut header = [0; FILE_HEADER];
            reader.read_exact(&mut header)?;
            let Some(header) = Header::read(&header) else {
                replayed.notices.push(Notice::Foreign(name));
                continue;
            };
            let since = boot.is_some_and(|boot| header.boot == boot);
            let end = replayed.read(&mut reader, number, &header, since)?;
            if end < length {
                replayed.notices.push(Notice::TornJournal(name));
            }
            journal.segments.push_back(Segment {
                number,
                file: Arc::new(file),
                format: header.format,
                salt: header.salt,
                writable: false,
                end,
                synced: 0,
                live: 0,
                moved: 0,
            });
        }
        let moved = replayed.moved.values().map(|(spot, _)| *spot);
        for spot in replayed.live.values().copied().chain(moved) {
            journal.add_live(spot);
        }
        journal.check_invariants();
        Ok((journal, replayed))
    }
}

/// Numbers of the journal's files, in the order of their writing. Only names that this library would write count.
fn numbers(own: &OwnedFd) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in Dir::read_from(own)? {
        let entry = entry?;
        let number = entry
            .file_name()
            .to_str()
            .ok()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|digits| Some((digits, digits.parse().ok()?)))
            .filter(|(digits, number): &(&str, u64)| number.to_string() == *digits)
            .map(|(_, number)| number);
        if let Some(number @ 1..=MAX_NUMBER) = number {
            if entry.file_type() != FileType::Directory {
                numbers.push(number);
            }
        }
        if numbers.len() > MAX_FILES_READ {
            return Err(too_large());
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn too_large() -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        "it has more files or entries than any journal",
    )
}

/// Fills the buffer. Returns false if the file ends before.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

impl Replayed {
    /// Notes a record that is put anew: it has nothing to do with steps that were begun with an older one of its name.
    fn put(&mut self, key: RecordKey, spot: Spot) {
        self.moved.remove(&key);
        self.intents.remove(&key);
        self.intents.retain(|_, new| *new != key);
        self.pairs.remove(&key);
        self.live.insert(key, spot);
    }

    /// Follows the entries of one file and returns where they end.
    fn read(
        &mut self,
        reader: &mut BufReader<&File>,
        file: u64,
        header: &Header,
        since: bool,
    ) -> io::Result<u64> {
        let mut at = FILE_HEADER as u64;
        let mut bytes = Vec::new();
        loop {
            bytes.resize(ENTRY_HEADER, 0);
            if !fill(reader, &mut bytes)? {
                break;
            }
            let entry = EntryHeader::read(&bytes);
            if entry.length as usize > MAX_ENTRY {
                break;
            }
            bytes.resize(ENTRY_HEADER + entry.length as usize, 0);
            if !fill(reader, &mut bytes[ENTRY_HEADER..])? {
                break;
            }
            let whole = entry.is_whole(header.format, header.salt, at, &bytes);
            let Ok(offset) = u32::try_from(at) else { break };
            let spot = Spot {
                file,
                offset,
                length: entry.length,
            };
            if !whole || !self.apply(&entry, spot, since) {
                break;
            }
            at += bytes.len() as u64;
            self.read += bytes.len() as u64;
            if self.read > MAX_BYTES_READ {
                return Err(too_large());
            }
        }
        if let Some((first, _)) = self.joined.take() {
            // A kill can end a write between two pages. Whoever put these two was not told that they were there.
            self.live.remove(&first);
        }
        Ok(at)
    }

    /// Does what an entry says. Returns false if it says nothing that an entry could.
    fn apply(&mut self, entry: &EntryHeader, spot: Spot, since: bool) -> bool {
        let (Some(operation), Some(key)) = (entry.operation(), entry.key()) else {
            return false;
        };
        match (operation, entry.other()) {
            (Operation::Put, other) => {
                self.put(key, spot);
                if self.joined.is_some_and(|(_, second)| second == key) {
                    self.joined = None;
                } else if let Some(second) = other.filter(|_| key.kind != RecordKind::Command) {
                    self.joined = Some((key, second));
                }
            }
            (Operation::Remove, None) => {
                self.live.remove(&key);
                self.moved.remove(&key);
                self.intents.remove(&key);
                self.pairs.remove(&key);
            }
            (Operation::Replace, Some(other)) => {
                self.live.remove(&other);
                self.moved.remove(&other);
                self.put(key, spot);
            }
            (Operation::Moved, None) => {
                if let Some(spot) = self.live.remove(&key) {
                    self.moved.insert(key, (spot, since));
                }
            }
            (Operation::Intent, Some(other)) => {
                self.intents.insert(other, key);
            }
            (Operation::ReplaceFile, Some(other)) => {
                self.put(key, spot);
                self.intents.insert(other, key);
            }
            (Operation::Pair, Some(other)) if other == key => {
                self.pairs.remove(&key);
                self.intents.remove(&key);
            }
            (Operation::Pair, Some(other)) => {
                self.pairs.insert(key, other);
            }
            _ => return false,
        }
        true
    }
}
