//! Records that a program's store was to remove and did not.
//!
//! Found by the next process, such a record would be taken for a message that is still on its way: a PUBLISH would reach the
//! server's subscribers twice, and the PUBREL of an earlier message would end a later one of the same packet identifier that the
//! server never had.

use std::collections::BTreeSet;

use crate::persistence::{RecordKey, RecordKind};

/// More than these are not remembered: a store that removes nothing must not fill the memory.
const MAX_LEFTOVERS: usize = 1 << 16;

/// The records, each PUBLISH before the PUBRELs.
#[derive(Default)]
pub(super) struct Leftovers(BTreeSet<RecordKey>);

impl Leftovers {
    pub fn add(&mut self, key: RecordKey) {
        if self.0.len() < MAX_LEFTOVERS {
            self.0.insert(key);
        }
    }

    /// Notes that the record is gone, or is that of another message now.
    pub fn end(&mut self, key: RecordKey) {
        self.0.remove(&key);
    }

    pub fn contains(&self, key: RecordKey) -> bool {
        self.0.contains(&key)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the one that has to go first.
    pub fn first(&self) -> Option<RecordKey> {
        self.0.first().copied()
    }
}

/// Returns the keys that the record of a PUBREL may have, if `key` is one of a PUBLISH that was sent.
pub(super) fn pubrels(key: RecordKey) -> impl Iterator<Item = RecordKey> {
    others(key, RecordKind::PublishSent, RecordKind::PubrelSent)
}

/// Returns the keys that the record of a PUBLISH may have, if `key` is one of a PUBREL.
pub(super) fn publishes(key: RecordKey) -> impl Iterator<Item = RecordKey> {
    others(key, RecordKind::PubrelSent, RecordKind::PublishSent)
}

/// Returns the same number's keys of another kind, in both versions, if `key` is of the kind `from`.
fn others(key: RecordKey, from: RecordKind, kind: RecordKind) -> impl Iterator<Item = RecordKey> {
    let versions: &[bool] = if key.kind == from {
        &[false, true]
    } else {
        &[]
    };
    versions
        .iter()
        .map(move |&v5| RecordKey { kind, v5, ..key })
}
