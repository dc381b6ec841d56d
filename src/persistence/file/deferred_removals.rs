//! Records that are forgotten all at once: forty thousand files take many seconds to remove, for which nobody should wait.
//!
//! They are no records any more from the moment that their removal is deferred; the background thread removes their files, or
//! whoever closes the store. Should the process be killed first, the rest is there when the store is opened again, as it would be
//! with a library that was killed while it removed them one by one.

use std::collections::{HashSet, VecDeque};

use super::super::RecordKey;
use super::directory::Directory;

#[derive(Default)]
pub(super) struct DeferredRemovals {
    keys: HashSet<RecordKey>,
    /// In the order of their removal. Those that are not among `keys` any more are skipped.
    order: VecDeque<RecordKey>,
}

impl DeferredRemovals {
    pub(super) fn add(&mut self, key: RecordKey) {
        if self.keys.insert(key) {
            self.order.push_back(key);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Removes one file; false when there is none left.
    pub(super) fn remove_one(&mut self, directory: &Directory) -> bool {
        while let Some(key) = self.order.pop_front() {
            if self.keys.remove(&key) {
                // What cannot be removed is a record again when the store is opened the next time.
                let _ = directory.remove(key);
                return true;
            }
        }
        self.order = VecDeque::new();
        false
    }

    /// Removes the old file of a record of that name that is about to be put.
    pub(super) fn make_way(&mut self, key: RecordKey, directory: &Directory) {
        if !self.keys.is_empty() && self.keys.remove(&key) {
            let _ = directory.remove(key);
        }
    }
}
