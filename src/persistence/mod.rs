//! Stores of messages in flight, so that a session outlives its process.
//!
//! The engine speaks to a [`Store`]: [`file::FileStore`] is the default one, in the original's layout; the C boundary wraps a
//! program's own functions in another; `MQTTCLIENT_PERSISTENCE_NONE` is no store at all. [`hooks::Hooked`] puts a program's
//! transformations (encryption, say) between the engine and any of them. [`record`] knows the keys and the two record formats
//! that are not simply MQTT packets.

pub mod file;
pub mod hooks;
pub mod record;

use std::time::{Duration, SystemTime};

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
    /// The store would share one folder with those of all clients without an identifier.
    #[error("a client without an identifier has no store")]
    NoClientId,
    /// Others than this user could have written, or could write, to what the store would use.
    #[error("store {path} is not used: {why}")]
    Untrusted {
        /// The client's folder.
        path: String,
        /// What is wrong, and with which part of it.
        why: String,
    },
    /// Messages of an MQTT 5 client are in flight, which a client below MQTT 5 was not to take over.
    #[error("the store is one of an MQTT 5 client")]
    OtherVersion,
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

/// What kind of refusal a [`StoreError`] is: for those who have room for one sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The client has no identifier.
    NoClientId,
    /// The client identifier and the server's address make too long a name.
    NameTooLong,
    /// Another process or client has the store open.
    InUse,
    /// Not permitted.
    NotPermitted,
    /// The file system is read-only.
    ReadOnly,
    /// The disk, or this user's share of it, is full.
    NoSpace,
    /// The process, or the system, has too many files open.
    NoDescriptors,
    /// There is no memory.
    NoMemory,
    /// What should be a directory is none.
    NoDirectory,
    /// Others could have written to the store.
    Untrusted,
    /// It is an MQTT 5 client's.
    OtherVersion,
    /// A program's own store refused.
    Program,
    /// A record is damaged, or not there.
    Record,
    /// Something else: the trace has it.
    Other,
}

impl Refusal {
    /// Returns one sentence for a person.
    pub fn text(self) -> &'static std::ffi::CStr {
        match self {
            Self::NoClientId => c"A client without a client identifier cannot have a message store",
            Self::NameTooLong => {
                c"The client identifier is too long for the name of the message store's folder (255 bytes, server address included)"
            }
            Self::InUse => {
                c"Another process, or another client of this one, has this client's message store open"
            }
            Self::NotPermitted => c"No permission for the folder of the message store",
            Self::ReadOnly => c"The message store is on a read-only file system",
            Self::NoSpace => c"No space is left on the disk of the message store",
            Self::NoDescriptors => c"Too many files are open to open the message store",
            Self::NoMemory => c"There is no memory for the message store",
            Self::NoDirectory => c"The path of the message store is not one of a directory",
            Self::Untrusted => {
                c"The folder of the message store belongs to another user, can be written to by others, or is a link"
            }
            Self::OtherVersion => c"The message store is that of an MQTT 5 client, whose messages are in flight",
            Self::Program => c"The program's own message store refused",
            Self::Record => c"A record of the message store is damaged or missing",
            Self::Other => c"The message store failed",
        }
    }
}

impl StoreError {
    /// Returns what kind of refusal this is.
    pub fn refusal(&self) -> Refusal {
        use std::io::ErrorKind;
        match self {
            Self::NoClientId => Refusal::NoClientId,
            Self::InUse(_) => Refusal::InUse,
            Self::OtherVersion => Refusal::OtherVersion,
            Self::Untrusted { .. } => Refusal::Untrusted,
            Self::Program(_) | Self::BadProgram(_) => Refusal::Program,
            Self::NoRecord(_) | Self::Damaged(..) => Refusal::Record,
            Self::Io { source, .. } => match source.kind() {
                ErrorKind::PermissionDenied => Refusal::NotPermitted,
                ErrorKind::ReadOnlyFilesystem => Refusal::ReadOnly,
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Refusal::NoSpace,
                ErrorKind::OutOfMemory => Refusal::NoMemory,
                ErrorKind::NotADirectory | ErrorKind::AlreadyExists => Refusal::NoDirectory,
                _ => match source.raw_os_error() {
                    Some(libc::ENAMETOOLONG) => Refusal::NameTooLong,
                    Some(libc::EMFILE | libc::ENFILE) => Refusal::NoDescriptors,
                    _ => Refusal::Other,
                },
            },
        }
    }

    /// Wraps, for `map_err`, the operating system's refusal of what `context` says.
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
    /// Removes a record; one that is not there is an error as in the original, which callers may ignore: what could not be
    /// removed the store remembers until [`tidy`](Self::tidy).
    fn remove(&mut self, key: RecordKey) -> Result<(), StoreError>;
    /// Returns all keys, in no particular order.
    fn keys(&mut self) -> Result<Vec<RecordKey>, StoreError>;
    /// Returns true if there is a record of that key.
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
    /// Returns true if the record has a file of its own, so that replacing it takes longer than writing another.
    fn has_file(&mut self, _key: RecordKey) -> bool {
        false
    }
    /// Returns for how long a queued command has been in the store, where the store can tell.
    fn age(&mut self, _key: RecordKey) -> Option<Duration> {
        None
    }
    /// Returns when a packet was sent that was in flight when the store was opened, where the store can tell better than by its
    /// packet identifier.
    fn sent(&mut self, _key: RecordKey) -> Option<SystemTime> {
        None
    }
    /// Returns true if a PUBREL's record may be there without that of its PUBLISH, whose place it has taken.
    fn pubrel_stands_alone(&mut self) -> bool {
        false
    }
    /// Takes a damaged record out of the way without destroying it. Returns false if the record is still under its key: a
    /// program's own store has no other place for it.
    fn set_aside(&mut self, _key: RecordKey) -> Result<bool, StoreError> {
        Ok(false)
    }
    /// Returns true if nothing is left of what was to be removed. Otherwise the caller has [`tidy`](Self::tidy) called later.
    fn is_tidy(&self) -> bool {
        true
    }
    /// Removes some of what could not be removed before.
    fn tidy(&mut self) {}
    /// Returns what was noticed since the last call.
    fn notices(&mut self) -> Vec<Notice> {
        Vec::new()
    }
}
