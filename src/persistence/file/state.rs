//! Where each record of a store is, and how it gets from one place to the other.

mod moving;
mod replay;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::time::{Duration, Instant, SystemTime};

use super::super::{Notice, RecordKey, RecordKind, StoreError};
use super::deferred_removals::DeferredRemovals;
use super::directory::{Directory, Found};
use super::journal::{Journal, MAX_ENTRY, Operation, Spot};

/// Where a record is.
#[derive(Clone, Copy)]
enum Place {
    /// Only in the journal.
    Journal(Spot),
    /// In a file of its own; its entry in the journal's file of that number may still exist.
    File { from: Option<u64> },
}

/// A record that was put into the journal, and when.
struct Waiting {
    key: RecordKey,
    spot: Spot,
    since: Instant,
}

/// Everything about an open store.
pub(super) struct State {
    directory: Directory,
    journal: Journal,
    places: HashMap<RecordKey, Place>,
    /// In the order they were put. Those that are gone meanwhile are skipped.
    waiting: VecDeque<Waiting>,
    /// Records whose files may not be on the disk yet.
    unsynced: Vec<RecordKey>,
    /// There are some among them that the journal does not have either.
    unsynced_alone: bool,
    /// Files of records that are none any more.
    deferred_removals: DeferredRemovals,
    /// Counts records that got files of their own.
    moves: u64,
    /// How many of these are on the disk.
    synced_moves: u64,
    /// When a record was last put or removed.
    pub(super) last_change: Instant,
    pub(super) notices: Vec<Notice>,
}

/// Returns true for a record of which a second sending does no harm: the server knows it.
fn is_sent(key: RecordKey) -> bool {
    matches!(key.kind, RecordKind::PublishSent | RecordKind::PubrelSent)
}

impl State {
    /// Takes over what is in an opened directory, the journal of a killed process included.
    pub(super) fn new(found: Found) -> Result<Self, StoreError> {
        let Found {
            directory,
            records,
            notices,
        } = found;
        let now = Instant::now();
        let mut state = Self {
            directory,
            journal: Journal::default(),
            places: records
                .into_iter()
                .map(|key| (key, Place::File { from: None }))
                .collect(),
            waiting: VecDeque::new(),
            unsynced: Vec::new(),
            unsynced_alone: false,
            deferred_removals: DeferredRemovals::default(),
            moves: 0,
            synced_moves: 0,
            last_change: now,
            notices,
        };
        state.replay(now)?;
        state.check_invariants();
        Ok(state)
    }

    pub(super) fn put(&mut self, key: RecordKey, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.last_change = Instant::now();
        if self.may_be_journaled(key, parts) {
            if let Ok(spot) = self.append(Operation::Put, key, None, parts) {
                self.settle(key, spot);
                return Ok(());
            }
        } else if is_small(parts) {
            let copy = self.append(Operation::Put, key, None, parts).ok();
            return self.put_file_beside(copy, key, parts);
        }
        self.put_file(key, parts)
    }

    /// Writes a file for what may be in the journal as well.
    ///
    /// Against power failure: that costs one sync for all of them every few milliseconds, where a sync of each file is dear, and
    /// many of them are gone again before it is due.
    fn put_file_beside(
        &mut self,
        copy: Option<Spot>,
        key: RecordKey,
        parts: &[&[u8]],
    ) -> Result<(), StoreError> {
        let alone = self.unsynced_alone;
        let written = self.put_file(key, parts);
        if let Some(spot) = copy {
            self.journal.add_live(spot);
            if written.is_ok() {
                self.unsynced_alone = alone;
                self.moved(key, spot);
            } else {
                self.journal.end_live(spot);
                self.forget(key, spot.file);
                self.write_removals();
            }
        }
        written
    }

    /// Writes both at once where both may be journaled. A large record has a file of its own: then the first is there before
    /// the second, and the journal says that it does not count alone.
    pub(super) fn put_both(
        &mut self,
        first: (RecordKey, &[&[u8]]),
        second: (RecordKey, &[&[u8]]),
    ) -> Result<(), StoreError> {
        if self.may_be_journaled(first.0, first.1) && self.may_be_journaled(second.0, second.1) {
            self.last_change = Instant::now();
            let own = self.directory.own();
            if let Ok([one, two]) = own.and_then(|own| self.journal.append_both(own, first, second))
            {
                self.settle(first.0, one);
                self.settle(second.0, two);
                return Ok(());
            }
        }
        let pair = self.append(Operation::Pair, first.0, Some(second.0), &[]);
        self.put_file(first.0, first.1)?;
        let result = self.put_file(second.0, second.1);
        if result.is_err() {
            let _ = self.remove(first.0);
        }
        if pair.is_ok() {
            self.journal.remove_later(first.0);
            self.write_removals();
        }
        result
    }

    pub(super) fn replace(
        &mut self,
        old: RecordKey,
        new: RecordKey,
        parts: &[&[u8]],
    ) -> Result<(), StoreError> {
        if old == new {
            return self.put(new, parts);
        }
        match self.places.get(&old).copied() {
            Some(Place::Journal(spot)) if self.may_be_journaled(new, parts) => {
                self.last_change = Instant::now();
                if let Ok(place) = self.append(Operation::Replace, new, Some(old), parts) {
                    self.places.remove(&old);
                    self.journal.end_live(spot);
                    self.settle(new, place);
                    return Ok(());
                }
                self.replace_by_file(old, new, parts)
            }
            // A record that the original library can see must not go where it cannot: to it, the message would be lost until
            // the new record got its file.
            Some(_) => self.replace_by_file(old, new, parts),
            None => self.put(new, parts),
        }
    }

    fn replace_by_file(
        &mut self,
        old: RecordKey,
        new: RecordKey,
        parts: &[&[u8]],
    ) -> Result<(), StoreError> {
        self.last_change = Instant::now();
        let copied = is_small(parts) && !self.has_file(new);
        let intent = if copied {
            self.append(Operation::ReplaceFile, new, Some(old), parts)
        } else {
            self.append(Operation::Intent, new, Some(old), &[])
        };
        let copy = intent.as_ref().ok().copied().filter(|_| copied);
        self.put_file_beside(copy, new, parts)?;
        let _ = self.remove(old);
        if intent.is_ok() {
            // Ends the intent: `old` may be the name of another message soon.
            self.journal.remove_later(old);
            self.write_removals();
        }
        Ok(())
    }

    /// Returns true if a record may be journaled. A PUBREL is not when its PUBLISH has a file: the original library would
    /// send the PUBLISH again after the exchange was over.
    fn may_be_journaled(&self, key: RecordKey, parts: &[&[u8]]) -> bool {
        let is_file = |key| matches!(self.places.get(&key), Some(Place::File { .. }));
        let publish = RecordKey {
            kind: RecordKind::PublishSent,
            ..key
        };
        is_small(parts)
            && !is_file(key)
            && !(key.kind == RecordKind::PubrelSent && is_file(publish))
    }

    fn append(
        &mut self,
        operation: Operation,
        key: RecordKey,
        other: Option<RecordKey>,
        parts: &[&[u8]],
    ) -> io::Result<Spot> {
        let own = self.directory.own()?;
        self.journal.append(own, operation, key, other, parts)
    }

    /// Notes that a record is in the journal now.
    fn settle(&mut self, key: RecordKey, spot: Spot) {
        self.deferred_removals.make_way(key, &self.directory);
        self.journal.add_live(spot);
        if let Some(Place::Journal(before)) = self.places.insert(key, Place::Journal(spot)) {
            self.journal.end_live(before);
        }
        self.waiting.push_back(Waiting {
            key,
            spot,
            since: self.last_change,
        });
    }

    fn put_file(&mut self, key: RecordKey, parts: &[&[u8]]) -> Result<(), StoreError> {
        let context = format!("writing {key} in {}", self.directory.path().display());
        self.deferred_removals.make_way(key, &self.directory);
        self.directory
            .write(key, parts, None)
            .map_err(StoreError::io(context))?;
        self.unsynced.push(key);
        self.unsynced_alone = true;
        match self.places.insert(key, Place::File { from: None }) {
            Some(Place::Journal(spot)) => {
                self.journal.end_live(spot);
                self.forget(key, spot.file);
                self.write_removals();
            }
            Some(Place::File { from: Some(file) }) => {
                self.forget(key, file);
                self.write_removals();
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn get(&mut self, key: RecordKey) -> Result<Vec<u8>, StoreError> {
        match self.places.get(&key) {
            None => return Err(StoreError::NoRecord(key)),
            Some(Place::Journal(spot)) => self.journal.read(key, *spot),
            Some(Place::File { .. }) => self.directory.read(key),
        }
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StoreError::NoRecord(key),
            io::ErrorKind::InvalidData => StoreError::Damaged(key, "it is not what was written"),
            // No descriptors, no memory, a disk that fails for a moment: the record is still there.
            _ => {
                let place = self.directory.path().display();
                StoreError::io(format!("reading {key} in {place}"))(error)
            }
        })
    }

    /// Returns for how long a queued command has waited. Files have the time of their put, which the journal keeps for them
    /// until they are made. A clock that was set back makes it longer ago, never less than nothing.
    pub(super) fn age(&self, key: RecordKey) -> Option<Duration> {
        let put = match self.places.get(&key)? {
            Place::Journal(spot) => self.journal.put_time(key, *spot)?,
            Place::File { .. } => self.directory.modified(key).ok()?,
        };
        Some(SystemTime::now().duration_since(put).unwrap_or_default())
    }

    pub(super) fn remove(&mut self, key: RecordKey) -> Result<(), StoreError> {
        let Some(&place) = self.places.get(&key) else {
            return Err(StoreError::NoRecord(key));
        };
        // Records that waited are leaving one after the other: no time to give the rest of them files.
        self.last_change = Instant::now();
        match place {
            Place::Journal(spot) => {
                self.journal.end_live(spot);
                self.forget(key, spot.file);
            }
            Place::File { from } => {
                match self.directory.remove(key) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        let context =
                            format!("removing {key} in {}", self.directory.path().display());
                        return Err(StoreError::io(context)(error));
                    }
                    _ => {}
                }
                if let Some(file) = from {
                    self.forget(key, file);
                } else if !is_sent(key) {
                    // What the journal was to forget of it, since its file is on the disk, may not have been written yet.
                    self.write_removals();
                }
            }
        }
        self.places.remove(&key);
        Ok(())
    }

    /// Forgets these records now; files are removed when there is time.
    pub(super) fn forget_all(&mut self, keys: &[RecordKey]) {
        for &key in keys {
            if let Some(Place::File { from: None }) = self.places.get(&key) {
                self.places.remove(&key);
                self.deferred_removals.add(key);
            } else {
                let _ = self.remove(key);
            }
        }
    }

    /// Removes the file of one forgotten record; false when there is none left.
    pub(super) fn remove_forgotten(&mut self) -> bool {
        self.deferred_removals.remove_one(&self.directory)
    }

    /// Notes that a record whose entry is in that file of the journal is gone.
    ///
    /// For what was sent, the removal is written with the next entry or within the next few milliseconds: should the process
    /// be killed first, the packet is sent once more, which the protocol allows (a PUBLISH with DUP, or after its PUBREC a
    /// PUBREL) `[MQTT-4.4.0-1]`. For what was received or waits it is written now: a message would be handed over twice, or
    /// a new one be taken for an old one of the same packet id.
    fn forget(&mut self, key: RecordKey, file: u64) {
        if !self.journal.keeps(file) {
            return;
        }
        if self.journal.remove_later(key) || !is_sent(key) {
            self.write_removals();
        }
    }

    /// Writes the removals that wait. A failure leaves them for the next time.
    pub(super) fn write_removals(&mut self) {
        if let Some(own) = self.directory.own_if_any() {
            if self.journal.write_removals(own).is_err() {
                // On a disk that the journal itself has filled: what nobody needs any more goes, and what was to be removed
                // from it with it.
                let _ = self.journal.let_go(own, self.synced_moves, true);
                let _ = self.journal.write_removals(own);
            }
        }
    }

    pub(super) fn keys(&self) -> Vec<RecordKey> {
        self.places.keys().copied().collect()
    }

    pub(super) fn has_file(&self, key: RecordKey) -> bool {
        matches!(self.places.get(&key), Some(Place::File { .. }))
    }

    pub(super) fn contains(&self, key: RecordKey) -> bool {
        self.places.contains_key(&key)
    }

    pub(super) fn set_aside(&mut self, key: RecordKey) -> Result<(), StoreError> {
        let context = format!("setting {key} aside in {}", self.directory.path().display());
        let now = match self.places.get(&key) {
            None => return Err(StoreError::NoRecord(key)),
            Some(Place::File { .. }) => self.directory.set_aside(key),
            Some(&Place::Journal(spot)) => {
                // Where its checksum is wrong there is nothing that could be kept.
                match self.journal.read(key, spot) {
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Vec::new()),
                    other => other,
                }
                .and_then(|entry| self.directory.write_aside(key, &entry))
            }
        }
        .map_err(StoreError::io(context))?;
        self.notices.push(Notice::SetAside { key, now });
        // A file is not there any more, which `remove` takes for done.
        self.remove(key)
    }

    /// Takes the store over in a forked child: what the parent did since the fork is read anew. The parent keeps it for as
    /// long as it lives.
    pub(super) fn take_over(&mut self) -> Result<(), StoreError> {
        *self = Self::new(self.directory.reopen()?)?;
        Ok(())
    }

    /// Panics if what is said of records and what the journal counts do not go together (J5 of the journal's invariants);
    /// nothing without debug assertions. It looks at every record, so callers that change one at a time do not call it for
    /// each.
    pub(super) fn check_invariants(&self) {
        if !cfg!(debug_assertions) {
            return;
        }
        self.journal.check_invariants();
        let mut needed: HashMap<u64, usize> = HashMap::new();
        for (key, place) in &self.places {
            if let Place::Journal(spot) = place {
                *needed.entry(spot.file).or_default() += 1;
                let waits = |waiting: &Waiting| waiting.key == *key && waiting.spot == *spot;
                assert!(
                    self.places.len() > 100 || self.waiting.iter().any(waits),
                    "{key} would never get a file"
                );
            }
        }
        for (file, live) in self.journal.live() {
            let needed = needed.remove(&file).unwrap_or(0);
            assert!(
                live >= needed,
                "J5: journal-{file} counts {live} of {needed}"
            );
        }
        assert!(
            needed.is_empty(),
            "J5: records in files that are gone: {needed:?}"
        );
        assert!(self.synced_moves <= self.moves);
    }

    pub(super) fn close(mut self) {
        // What cannot be settled (on a full disk, say) stays in the journal, which the next opening reads.
        let _ = self.settle_all();
        self.directory.close();
    }
}

/// Returns true if it is small enough for the journal.
fn is_small(parts: &[&[u8]]) -> bool {
    parts.iter().map(|part| part.len()).sum::<usize>() <= MAX_ENTRY
}
