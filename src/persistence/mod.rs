//! Stores of messages in flight, so that a session outlives its process.
//!
//! The engine speaks to a [`Store`]: [`file::FileStore`] is the default one, in the original's layout; the C boundary wraps a
//! program's own functions in another; `MQTTCLIENT_PERSISTENCE_NONE` is no store at all. [`hooks::Hooked`] puts a program's
//! transformations (encryption, say) between the engine and any of them. [`record`] knows the keys and the two record formats
//! that are not simply MQTT packets.

pub mod file;
pub mod hooks;
pub mod record;

use std::time::Duration;

pub use record::{RecordKey, RecordKind};

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("{context}: {source}")]
    Io {
        /// What was being done.
        context: String,
        /// The refusal.
        source: std::io::Error,
    },
    /// Another process, or another client of this one, has the store open.
    #[error("store {0} is in use")]
    InUse(String),
    /// A program's own persistence function returned an error.
    #[error("the program's persistence function returned {0}")]
    Program(i32),
    /// The program's persistence functions cannot be called or what they gave cannot be used.
    #[error("the program's persistence is unusable: {0}")]
    BadProgram(&'static str),
    /// There is no record of that key.
    #[error("there is no record {0}")]
    NoRecord(RecordKey),
    /// There is a record of that key, and it cannot be what was put: trying again will not help.
    #[error("record {0} is damaged: {1}")]
    Damaged(RecordKey, &'static str),
}

impl StoreError {
    /// For `map_err`: wraps the operating system's refusal of what `context` says.
    pub(crate) fn io<E: Into<std::io::Error>>(
        context: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        let context = context.into();
        move |source| Self::Io {
            context,
            source: source.into(),
        }
    }
}

/// Something found in a store that its user should hear of (the trace, in the end), though it stops nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Notice {
    /// A file whose name is no record's. The original refuses to open such a store, or deletes the file; we pass it by.
    #[error("foreign file {0} left alone")]
    Foreign(String),
    /// A record that could not be used, now under this name.
    #[error("unusable record {key} set aside as {now}")]
    SetAside {
        /// The record.
        key: RecordKey,
        /// Where it is kept, relative to the store's directory.
        now: String,
    },
    /// The journal's last write was cut short: the put it belonged to never returned, so nothing that was promised is lost.
    #[error("journal {0} ends in an incomplete write")]
    TornJournal(String),
    /// The file system cannot lock: nothing keeps a second process out.
    #[error("the store cannot be locked: {0}")]
    Unlocked(String),
    /// Records could not be given their files yet; they are kept in the journal and tried again.
    #[error("records are kept in the journal: {0}")]
    Held(String),
}

/// A store of one client's records, by key.
///
/// Opening and closing are the constructor's and `Drop`'s business. When `put` or `replace` returns, the record outlives the
/// process, whatever ends it; `sync` makes it outlive the machine's power too.
pub trait Store: Send {
    /// Writes a record, replacing the one of that key: all of it or nothing of it.
    fn put(&mut self, key: RecordKey, parts: &[&[u8]]) -> Result<(), StoreError>;
    /// Reads a record. [`StoreError::NoRecord`] and [`StoreError::Damaged`] are final; after any other error the record is
    /// still there, and the caller tries again later.
    fn get(&mut self, key: RecordKey) -> Result<Vec<u8>, StoreError>;
    /// Removes a record; one that is not there is an error as in the original, which callers may ignore.
    fn remove(&mut self, key: RecordKey) -> Result<(), StoreError>;
    /// All keys, in no particular order.
    fn keys(&mut self) -> Result<Vec<RecordKey>, StoreError>;
    /// Removes all records.
    fn clear(&mut self) -> Result<(), StoreError>;
    /// Whether there is a record of that key.
    fn contains(&mut self, key: RecordKey) -> bool;

    /// Writes `new` and removes `old` as one step where the store can: a message that changes its record (a queued command that
    /// is sent, a QoS 2 message released to the program's queue) is then never found twice after a crash, and never lost.
    fn replace(
        &mut self,
        old: RecordKey,
        new: RecordKey,
        parts: &[&[u8]],
    ) -> Result<(), StoreError> {
        self.put(new, parts)?;
        // A record that cannot be removed is no reason to undo the step: at worst the message is sent again.
        let _ = self.remove(old);
        Ok(())
    }
    /// Writes two records as one step where the store can: after a crash either both are there or none.
    fn put_both(
        &mut self,
        first: RecordKey,
        first_parts: &[&[u8]],
        second: RecordKey,
        second_parts: &[&[u8]],
    ) -> Result<(), StoreError> {
        self.put(first, first_parts)?;
        let result = self.put(second, second_parts);
        if result.is_err() {
            let _ = self.remove(first);
        }
        result
    }
    /// Returns when everything written so far would survive a power failure.
    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
    /// Removes these records, in no particular order and without telling which could not be.
    fn forget_all(&mut self, keys: &[RecordKey]) {
        for &key in keys {
            let _ = self.remove(key);
        }
    }
    /// Whether the record has a file of its own, so that replacing it takes longer than writing another.
    fn has_file(&mut self, _key: RecordKey) -> bool {
        false
    }
    /// For how long a queued command has been in the store, where the store can tell.
    fn age(&mut self, _key: RecordKey) -> Option<Duration> {
        None
    }
    /// Takes a damaged record out of the way without destroying it. Returns false if the record is still under its key: a
    /// program's own store has no other place for it.
    fn set_aside(&mut self, _key: RecordKey) -> Result<bool, StoreError> {
        Ok(false)
    }
    /// What was noticed since the last call.
    fn notices(&mut self) -> Vec<Notice> {
        Vec::new()
    }
}
