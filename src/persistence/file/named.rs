//! The stores of the Go clients: a directory with a file for each packet in flight, named after its packet identifier.
//!
//! paho.mqtt.golang's `FileStore` calls them `o.<id>.msg` for what the client has sent and `i.<id>.msg` for what it has received;
//! paho.golang's `store/file` takes a prefix and an extension. The content is the packet as it went over the wire. A PUBREL
//! takes the place of its PUBLISH.
//!
//! While a [`NamedStore`] is open, the packets are in a [`FileStore`] in a sub-directory, with its journal, its syncs and its
//! lock, and the Go clients see nothing: they have no lock, and would send everything again. Opening takes their files over,
//! closing gives each record its file. After a kill the records are where the next opening finds them.
//!
//! # What is taken over, and what is given back
//!
//! - `o.` with a PUBLISH or a PUBREL: taken over, as what is in flight. Other packets (SUBSCRIBE, UNSUBSCRIBE) stay where they are.
//! - `i.` with a PUBREC: the program has the message, and its PUBREL is awaited. That is what paho.golang writes, and what is given back
//!   for messages that the program has had ([`Naming::handed_over`], [`HAD`](crate::protocol::session::HAD)), so that no message comes twice whose PUBREC
//!   got lost. paho.mqtt.golang deletes such files.
//! - `i.` with a PUBLISH goes: paho.mqtt.golang writes it before it hands the message over and before it sends PUBREC, so it
//!   says neither. The server sends a message again that has no PUBREC, and PUBREL for the others. So does one with a PUBREL, which
//!   the server sends again. Anything else stays where it is.
//! - After a kill a Go client may have run, and used identifiers that records in the sub-directory have: its files stay where they
//!   are, and are taken over when those records have ended.
//! - The order is that of the files' times, as it is for the Go clients, and so it is when they are given back.
//! - What waits to be sent for the first time gets a packet identifier that is free.
//! - What the names cannot express stays in the sub-directory: waiting messages of QoS 0, requests, messages that the program
//!   has not taken or that wait for their PUBREL, and packets whose identifier belongs to a file that was left where it is. No file
//!   is overwritten.

mod exchange;

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{self as sys, Mode, OFlags};

use super::super::{Notice, RecordKey, Store, StoreError};
use super::{FileStore, folder};

/// The sub-directory of the store that is open.
const INSIDE: &str = ".paho-oxide";
/// What a file's name ends in until it is complete.
const TEMPORARY: &str = ".tmp";

/// How the files of a directory are named: prefix, packet identifier, extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// Of packets that the client has sent.
    pub outgoing: String,
    /// Of packets that it has received.
    pub incoming: String,
    /// Of both.
    pub extension: String,
    /// True if the program of an MQTT 5 client has had a message of which the store has the PUBLISH: it is handed over at its
    /// PUBLISH, and recorded when the program acknowledges it. False if it waits for its PUBREL. Below MQTT 5 the record itself
    /// says which ([`HAD`](crate::protocol::session::HAD)).
    pub handed_over: bool,
}

impl Default for Naming {
    /// Returns the names that paho.mqtt.golang's `FileStore` gives.
    fn default() -> Self {
        Self {
            outgoing: "o.".to_owned(),
            incoming: "i.".to_owned(),
            extension: ".msg".to_owned(),
            handed_over: false,
        }
    }
}

impl Naming {
    /// Returns true if every name says what it is, and none leads out of the directory.
    pub fn is_usable(&self) -> bool {
        let parts = [&self.outgoing, &self.incoming, &self.extension];
        self.outgoing != self.incoming
            && parts
                .iter()
                .all(|part| part.len() <= 64 && !part.contains(['/', '\0']))
            // `5` and `50` would be told apart by luck.
            && !parts.iter().any(|part| part.ends_with(|c: char| c.is_ascii_digit()))
            && !self.extension.starts_with(|c: char| c.is_ascii_digit())
            && !self.extension.is_empty()
            && self.extension != TEMPORARY
    }

    fn file(&self, prefix: &str, id: u16) -> String {
        format!("{prefix}{id}{}", self.extension)
    }

    /// Returns the packet identifier of a file with that prefix. Only names that a Go client would write count.
    fn id(&self, prefix: &str, name: &str) -> Option<u16> {
        let digits = name
            .strip_prefix(prefix)?
            .strip_suffix(self.extension.as_str())?;
        let id: u16 = digits.parse().ok()?;
        (id != 0 && id.to_string() == digits).then_some(id)
    }
}

/// A store that looks like a Go client's before it is opened and after it is closed.
pub struct NamedStore {
    naming: Naming,
    v5: bool,
    path: PathBuf,
    dir: OwnedFd,
    inside: FileStore,
    /// Identifiers whose outgoing files are not ours.
    left: HashSet<u16>,
    /// When what was in flight at the opening was sent, as far as it is still what it was then.
    found: HashMap<RecordKey, SystemTime>,
    notices: Vec<Notice>,
}

impl NamedStore {
    /// Opens, or creates, a client's store in `directory` (the working directory if it is empty), which it has for itself.
    /// `v5` is the version of the packets in it.
    ///
    /// # Errors
    /// As [`FileStore::open`]; `Io` (`InvalidInput`) for a naming that cannot tell its files apart.
    pub(super) fn open(directory: &str, naming: Naming, v5: bool) -> Result<Self, StoreError> {
        let path = Path::new(if directory.is_empty() { "." } else { directory });
        let opening = || StoreError::io(format!("opening {}", path.display()));
        if !naming.is_usable() {
            return Err(opening()(io::Error::from(io::ErrorKind::InvalidInput)));
        }
        let inside = FileStore::open_folder(path, INSIDE)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = sys::open(path, flags, Mode::empty())
            .map_err(|error| opening()(io::Error::from(error)))?;
        let sticky = sys::fstat(&dir).is_ok_and(|about| about.st_mode & 0o1000 != 0);
        if !sticky {
            // Where the sticky bit is set nobody can exchange our files, and theirs are not taken for ours.
            folder::trust(&dir).map_err(|why| StoreError::Untrusted {
                path: path.display().to_string(),
                why,
            })?;
        }
        let path = path.canonicalize().map_err(opening())?;
        let mut store = Self {
            naming,
            v5,
            path,
            dir,
            inside,
            left: HashSet::new(),
            found: HashMap::new(),
            notices: Vec::new(),
        };
        let taken = store.take_over();
        taken.map_err(StoreError::io(format!("reading {}", store.path.display())))??;
        Ok(store)
    }
}

impl NamedStore {
    /// Notes that a record is not what was found at the opening any more.
    fn changes(&mut self, key: RecordKey) {
        if !self.found.is_empty() {
            self.found.remove(&key);
        }
    }
}

impl Store for NamedStore {
    fn put(&mut self, key: RecordKey, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.changes(key);
        self.inside.put(key, parts)
    }

    fn get(&mut self, key: RecordKey) -> Result<Vec<u8>, StoreError> {
        self.inside.get(key)
    }

    fn remove(&mut self, key: RecordKey) -> Result<(), StoreError> {
        self.changes(key);
        self.inside.remove(key)
    }

    fn keys(&mut self) -> Result<Vec<RecordKey>, StoreError> {
        self.inside.keys()
    }

    fn contains(&mut self, key: RecordKey) -> bool {
        self.inside.contains(key)
    }

    fn replace(
        &mut self,
        old: RecordKey,
        new: RecordKey,
        parts: &[&[u8]],
    ) -> Result<(), StoreError> {
        self.changes(old);
        self.changes(new);
        self.inside.replace(old, new, parts)
    }

    fn put_both(
        &mut self,
        first: RecordKey,
        first_parts: &[&[u8]],
        second: RecordKey,
        second_parts: &[&[u8]],
    ) -> Result<(), StoreError> {
        self.changes(first);
        self.changes(second);
        self.inside
            .put_both(first, first_parts, second, second_parts)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.inside.sync()
    }

    fn forget_all(&mut self, keys: &[RecordKey]) {
        self.inside.forget_all(keys);
    }

    fn has_file(&mut self, key: RecordKey) -> bool {
        self.inside.has_file(key)
    }

    fn age(&mut self, key: RecordKey) -> Option<Duration> {
        self.inside.age(key)
    }

    fn sent(&mut self, key: RecordKey) -> Option<SystemTime> {
        self.found.get(&key).copied()
    }

    fn set_aside(&mut self, key: RecordKey) -> Result<bool, StoreError> {
        self.inside.set_aside(key)
    }

    fn pubrel_stands_alone(&mut self) -> bool {
        true
    }

    fn notices(&mut self) -> Vec<Notice> {
        let mut notices = std::mem::take(&mut self.notices);
        notices.extend(self.inside.notices());
        notices
    }
}

impl Drop for NamedStore {
    fn drop(&mut self) {
        if self.inside.is_ours() {
            // What could not be given back (the disk is full, say) is where the next opening finds it.
            if let Err(error) = self.give_back() {
                crate::trace!(Error, "Message store: {error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let naming = Naming::default();
        assert_eq!(naming.file("o.", 7), "o.7.msg");
        for (name, id) in [
            ("o.7.msg", Some(7)),
            ("o.65535.msg", Some(65_535)),
            ("o.0.msg", None),
            ("o.07.msg", None),
            ("o.+7.msg", None),
            ("o.65536.msg", None),
            ("o.7.tmp", None),
            ("o.7.msg.tmp", None),
            ("i.7.msg", None),
            ("o..msg", None),
        ] {
            assert_eq!(naming.id("o.", name), id, "{name}");
        }
        assert!(naming.is_usable());
        let with = |outgoing: &str, incoming: &str, extension: &str| Naming {
            outgoing: outgoing.to_owned(),
            incoming: incoming.to_owned(),
            extension: extension.to_owned(),
            handed_over: true,
        };
        assert!(with("client-", "server-", ".pkt").is_usable());
        for bad in [
            with("a", "a", ".msg"),
            with("a/", "b", ".msg"),
            with("a1", "b", ".msg"),
            with("a", "b", ""),
            with("a", "b", ".tmp"),
            with("a", "b", "0.msg"),
        ] {
            assert!(!bad.is_usable(), "{bad:?}");
        }
    }
}
