//! What a journal that was left behind means for the files beside it.

use std::time::Instant;

use super::super::super::{Notice, RecordKey, StoreError};
use super::super::journal::{Journal, Operation, Spot};
use super::{Place, State, Waiting};

impl State {
    pub(super) fn replay(&mut self, now: Instant) -> Result<(), StoreError> {
        let Some(own) = self.directory.own_if_any() else {
            return Ok(());
        };
        let context = format!("reading the journal of {}", self.directory.path().display());
        let (journal, mut replayed) = Journal::replay(own).map_err(StoreError::io(context))?;
        self.journal = journal;
        self.notices.extend(replayed.notices);
        // Steps that are over while entries of their record are still needed, so that its end cannot be noted.
        let mut over = Vec::new();
        for (old, new) in replayed.intents {
            // The step was interrupted between the new record and the end of the old one.
            if !(self.places.contains_key(&new)
                || replayed.live.contains_key(&new)
                || replayed.moved.contains_key(&new))
            {
                if replayed.live.contains_key(&old) || replayed.moved.contains_key(&old) {
                    over.push(old);
                } else {
                    self.journal.remove_later(old);
                }
                continue;
            }
            if self.places.contains_key(&old) && self.directory.remove(old).is_ok() {
                self.places.remove(&old);
            }
            let moved = replayed.moved.remove(&old).map(|(spot, _)| spot);
            for spot in replayed.live.remove(&old).into_iter().chain(moved) {
                self.journal.end_live(spot);
            }
            // Ends the step: the names may be other records' by the time this journal is read again.
            self.journal.remove_later(old);
        }
        for (first, second) in replayed.pairs {
            // Interrupted between the two. What they are about was not acknowledged, and comes again.
            let alone = self.places.contains_key(&first) && !self.places.contains_key(&second);
            if alone && self.directory.remove(first).is_ok() {
                self.places.remove(&first);
            }
            if replayed.live.contains_key(&first) || replayed.moved.contains_key(&first) {
                over.push(first);
            } else {
                self.journal.remove_later(first);
            }
        }
        for key in over {
            // Otherwise a record that comes or goes later would decide about this one when the journal is read again. On a full
            // disk it may, as before this opening.
            let _ = self.append(Operation::Pair, key, Some(key), &[]);
        }
        let mut live: Vec<_> = replayed
            .live
            .into_iter()
            .map(|(key, spot)| (key, spot, false))
            .collect();
        for (key, (spot, since)) in replayed.moved {
            if self.places.contains_key(&key) {
                self.reconcile(key, spot, true);
            } else if since {
                // Whoever removed its file (the original, perhaps, after it sent the message) was done with it.
                self.journal.end_live(spot);
            } else {
                // The power may have failed before the file was on the disk.
                live.push((key, spot, true));
            }
        }
        // Before a file of one of these names is made or removed, which writes no entry.
        self.write_removals();
        live.sort_unstable_by_key(|(key, spot, _)| (spot.file, *key));
        for (key, spot, moved) in live {
            if !moved && self.places.contains_key(&key) {
                self.reconcile(key, spot, false);
            } else {
                self.places.insert(key, Place::Journal(spot));
                self.waiting.push_back(Waiting {
                    key,
                    spot,
                    since: now,
                });
            }
        }
        Ok(())
    }

    /// Decides about a record that has both a file and an entry that was not removed.
    ///
    /// Usually the one was made from the other. A file shorter than its entry and alike as far as it goes was cut by a power
    /// failure. Anything else is another record under the same name, written since by the original library: it counts. Ours, if
    /// it was not moved and so was never seen by the original, is kept for a person to look at.
    fn reconcile(&mut self, key: RecordKey, spot: Spot, moved: bool) {
        self.places.insert(
            key,
            Place::File {
                from: Some(spot.file),
            },
        );
        let (Ok(file), Ok(entry)) = (self.directory.read(key), self.journal.read(key, spot)) else {
            return;
        };
        let done = if file == entry {
            Ok(())
        } else if entry.starts_with(&file) {
            let time = self.journal.put_time(key, spot);
            self.directory.write(key, &[&entry], time)
        } else if moved {
            Ok(())
        } else {
            self.directory.write_aside(key, &entry).map(|now| {
                self.notices.push(Notice::SetAside { key, now });
                self.forget(key, spot.file);
            })
        };
        match done {
            Ok(()) => {
                self.moves += 1;
                self.journal.moved(spot, self.moves);
                self.unsynced.push(key);
            }
            // The journal's file stays, since the entry still counts as needed.
            Err(error) => self.notices.push(Notice::Held(error.to_string())),
        }
    }
}
