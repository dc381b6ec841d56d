//! From the journal to files, and to the disk.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use super::super::super::RecordKey;
use super::super::directory::sync_files;
use super::super::journal::{Operation, Spot, Unsynced};
use super::{Place, State};

/// What is to be synced while others use the store.
pub(in crate::persistence::file) struct ToSync {
    journal: Vec<Unsynced>,
    own: Option<Arc<OwnedFd>>,
    dir: Arc<OwnedFd>,
    records: Vec<RecordKey>,
    moves: u64,
}

impl ToSync {
    /// Waits for the disk to have the journal.
    pub(in crate::persistence::file) fn sync_journal(&self) -> io::Result<()> {
        for part in &self.journal {
            part.file.sync_data()?;
        }
        if self.journal.iter().any(|part| part.is_new) {
            if let Some(own) = &self.own {
                rustix::fs::fsync(own)?;
            }
            rustix::fs::fsync(&*self.dir)?;
        }
        Ok(())
    }

    /// Waits for the disk to have the records' files.
    pub(in crate::persistence::file) fn sync_files(&self) -> io::Result<()> {
        sync_files(&self.dir, &self.records)
    }
}

impl State {
    /// Returns the record that has waited longest for a file.
    pub(in crate::persistence::file) fn longest_waiting(&mut self) -> Option<(RecordKey, Instant)> {
        while let Some(first) = self.waiting.front() {
            if matches!(self.places.get(&first.key), Some(Place::Journal(spot)) if *spot == first.spot)
            {
                return Some((first.key, first.since));
            }
            self.waiting.pop_front();
        }
        self.waiting.shrink_to(1024);
        None
    }

    /// Gives a record of the journal its own file.
    pub(in crate::persistence::file) fn give_file(&mut self, key: RecordKey) -> io::Result<()> {
        let Some(&Place::Journal(spot)) = self.places.get(&key) else {
            return Ok(());
        };
        let entry = self.journal.read(key, spot)?;
        let time = self.journal.put_time(key, spot);
        self.directory.write(key, &[&entry], time)?;
        self.moved(key, spot);
        self.unsynced.push(key);
        Ok(())
    }

    /// Notes that a record that is in the journal has a file of its own now.
    pub(super) fn moved(&mut self, key: RecordKey, spot: Spot) {
        // From now on the original may use and remove the file: without this the record would come back from here. Where there
        // is no room for it, that is the lesser evil.
        let _ = self.append(Operation::Moved, key, None, &[]);
        self.moves += 1;
        self.journal.moved(spot, self.moves);
        self.places.insert(
            key,
            Place::File {
                from: Some(spot.file),
            },
        );
    }

    /// Returns what to sync, for `Shared::sync`.
    pub(in crate::persistence::file) fn take_unsynced(&mut self, files_too: bool) -> ToSync {
        self.unsynced_alone &= !files_too;
        ToSync {
            journal: self.journal.unsynced(self.synced_moves),
            own: self.directory.own_if_any().map(Arc::clone),
            dir: self.directory.handle(),
            records: if files_too {
                // What is gone needs no disk.
                let mut records = std::mem::take(&mut self.unsynced);
                records.retain(|key| matches!(self.places.get(key), Some(Place::File { .. })));
                records
            } else {
                Vec::new()
            },
            moves: if files_too {
                self.moves
            } else {
                self.synced_moves
            },
        }
    }

    /// Notes what became of it; the journal shrinks accordingly.
    pub(in crate::persistence::file) fn was_synced(
        &mut self,
        sync: ToSync,
        journal: bool,
        files: bool,
    ) {
        if journal {
            for part in &sync.journal {
                self.journal.synced(part);
            }
        }
        if files {
            self.synced_moves = self.synced_moves.max(sync.moves);
            // The journal may forget them for good.
            for key in sync.records {
                if let Some(Place::File { from }) = self.places.get_mut(&key) {
                    if from.take().is_some_and(|file| self.journal.keeps(file)) {
                        self.journal.remove_later(key);
                    }
                }
            }
        } else {
            self.unsynced.extend(sync.records);
            self.unsynced_alone = true;
        }
        if let Some(own) = self.directory.own_if_any() {
            let _ = self.journal.let_go(own, self.synced_moves, false);
        }
    }

    /// Returns true if there is no journal to turn into files.
    pub(in crate::persistence::file) fn is_settled(&self) -> bool {
        self.journal.files() == 0
    }

    pub(in crate::persistence::file) fn files_wait_for_sync(&self, quiet: bool) -> bool {
        // Under load, rarely: a sync costs as much for many as for few. But the journal must not fill up.
        !self.unsynced.is_empty()
            && (quiet
                || self.unsynced_alone
                || self.unsynced.len() >= 256
                || self.journal.files() >= 8)
    }

    /// Returns true if the store can be left alone until the next put: then the journal is gone.
    pub(in crate::persistence::file) fn rest(&mut self) -> bool {
        if !self.deferred_removals.is_empty()
            || !self.journal.is_idle()
            || !self.unsynced.is_empty()
            || self.synced_moves < self.moves
        {
            return false;
        }
        if let Some(own) = self.directory.own_if_any() {
            if self.journal.let_go(own, self.synced_moves, true).is_err() {
                return false;
            }
        }
        self.check_invariants();
        self.journal.rest();
        self.waiting = VecDeque::new();
        true
    }

    /// Gives every record a file of its own, on the disk, and ends the journal: so the original leaves a store.
    pub(in crate::persistence::file) fn settle_all(&mut self) -> io::Result<()> {
        while self.remove_forgotten() {}
        self.write_removals();
        while let Some((key, _)) = self.longest_waiting() {
            self.give_file(key)?;
        }
        sync_files(&self.directory.handle(), &self.unsynced)?;
        let sync = ToSync {
            journal: Vec::new(),
            own: None,
            dir: self.directory.handle(),
            records: std::mem::take(&mut self.unsynced),
            moves: self.moves,
        };
        self.was_synced(sync, false, true);
        self.write_removals();
        self.rest();
        Ok(())
    }
}
