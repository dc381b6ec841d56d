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
//!   for messages that the program has had ([`Naming::handed_over`], [`HAD`]), so that no message comes twice whose PUBREC
//!   got lost. paho.mqtt.golang deletes such files.
//! - `i.` with a PUBLISH goes: paho.mqtt.golang writes it before it hands the message over and before it sends PUBREC, so it
//!   says neither. The server sends a message again that has no PUBREC, and PUBREL for the others.
//! - What waits to be sent for the first time gets a packet identifier that is free.
//! - What the names cannot express stays in the sub-directory: waiting messages of QoS 0, requests, messages that the program
//!   has not taken or that wait for their PUBREL, and packets whose identifier belongs to a file that was left where it is.

use std::collections::HashSet;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use rustix::fs::{self as sys, AtFlags, Dir, Mode, OFlags};

use super::super::record::command::QueuedCommand;
use super::super::{Notice, RecordKey, RecordKind, Store, StoreError};
use super::directory::MAX_RECORD;
use super::{FileStore, files, folder};
use crate::protocol::packet::Publish;
use crate::protocol::property::{Context, PropertiesRef};
use crate::protocol::session::HAD;
use crate::protocol::{QoS, Version};

/// The sub-directory of the store that is open.
const INSIDE: &str = ".paho-oxide";
/// What a file's name ends in until it is complete.
const TEMPORARY: &str = ".tmp";
/// First bytes of packets, type only.
const PUBLISH: u8 = 3;
const PUBREC: u8 = 5;
const PUBREL: u8 = 6;

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
    /// says which ([`HAD`]).
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
    fn is_usable(&self) -> bool {
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
            notices: Vec::new(),
        };
        let taken = store.take_over();
        taken.map_err(StoreError::io(format!("reading {}", store.path.display())))??;
        Ok(store)
    }

    /// Takes the files over that a Go client left.
    fn take_over(&mut self) -> io::Result<Result<(), StoreError>> {
        let mut taken = Vec::new();
        for entry in Dir::read_from(&self.dir)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            let incoming = self.naming.id(&self.naming.incoming, name);
            let Some(id) = incoming.or_else(|| self.naming.id(&self.naming.outgoing, name)) else {
                continue;
            };
            let packet = match files::read_whole(&self.dir, name, MAX_RECORD) {
                Ok(packet) => packet,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => Vec::new(),
                Err(error) => return Err(error),
            };
            let kind = match packet.first().map(|first| first >> 4) {
                Some(PUBREC) if incoming.is_some() => RecordKind::PublishReceived,
                _ if incoming.is_some() => {
                    taken.push(name.to_owned());
                    continue;
                }
                Some(PUBLISH) => RecordKind::PublishSent,
                Some(PUBREL) => RecordKind::PubrelSent,
                _ => {
                    self.left.insert(id);
                    self.notices.push(Notice::Foreign(name.to_owned()));
                    continue;
                }
            };
            let key = RecordKey::new(kind, self.v5, id.into());
            let record = match kind {
                RecordKind::PublishReceived => HAD,
                _ => &packet,
            };
            if let Err(error) = self.inside.put(key, &[record]) {
                return Ok(Err(error));
            }
            taken.push(name.to_owned());
        }
        if taken.is_empty() {
            return Ok(Ok(()));
        }
        // Not before the disk has them where they are now.
        if let Err(error) = self.inside.sync() {
            return Ok(Err(error));
        }
        for name in taken {
            sys::unlinkat(&self.dir, name, AtFlags::empty())?;
        }
        Ok(Ok(()))
    }

    /// Gives each record its file.
    fn give_back(&mut self) -> Result<(), StoreError> {
        let mut keys = self.inside.keys()?;
        keys.sort_unstable();
        let released: HashSet<u32> = keys
            .iter()
            .filter(|key| key.kind == RecordKind::PubrelSent)
            .map(|key| key.number)
            .collect();
        let mut used: HashSet<u16> = self.left.clone();
        let in_flight = |kind| matches!(kind, RecordKind::PublishSent | RecordKind::PubrelSent);
        used.extend(
            keys.iter()
                .filter(|key| in_flight(key.kind))
                .filter_map(|key| u16::try_from(key.number).ok()),
        );
        let mut given: Vec<RecordKey> = Vec::new();
        let mut next = used.iter().copied().max().unwrap_or(0);
        let v5 = self.v5;
        for key in keys.into_iter().filter(|key| key.v5 == v5) {
            let id = u16::try_from(key.number).unwrap_or(0);
            let done = match key.kind {
                RecordKind::PublishSent if released.contains(&key.number) => true,
                RecordKind::PublishSent | RecordKind::PubrelSent => {
                    let name = self.naming.file(&self.naming.outgoing, id);
                    let given = !self.left.contains(&id);
                    if given {
                        let packet = self.inside.get(key)?;
                        self.give(key, &name, &packet)?;
                    }
                    given
                }
                RecordKind::PublishReceived => {
                    let had = (v5 && self.naming.handed_over) || self.inside.get(key)? == HAD;
                    if had {
                        let name = self.naming.file(&self.naming.incoming, id);
                        let [high, low] = id.to_be_bytes();
                        self.give(key, &name, &[PUBREC << 4, 2, high, low])?;
                    }
                    had
                }
                RecordKind::Command => {
                    let record = self.inside.get(key)?;
                    let waiting = free_after(next, &used)
                        .and_then(|id| Some((id, publish(&record, v5, id)?)));
                    if let Some((id, packet)) = &waiting {
                        let name = self.naming.file(&self.naming.outgoing, *id);
                        self.give(key, &name, packet)?;
                        next = *id;
                        used.insert(*id);
                    }
                    waiting.is_some()
                }
                RecordKind::Message => false,
            };
            if done {
                given.push(key);
            }
        }
        if !given.is_empty() {
            sys::fsync(&self.dir)
                .map_err(|error| StoreError::io("syncing the store")(io::Error::from(error)))?;
        }
        for key in given {
            self.inside.remove(key)?;
        }
        Ok(())
    }

    /// Writes the file that a record becomes.
    fn give(&mut self, key: RecordKey, name: &str, packet: &[u8]) -> Result<(), StoreError> {
        let temporary = format!("{name}{TEMPORARY}");
        let written = files::create_anew(&self.dir, &temporary).and_then(|mut file| {
            file.write_all(packet)?;
            if let Some(age) = self.inside.age(key) {
                // The Go client sends in the order of the files' times.
                let put = SystemTime::now().checked_sub(age);
                put.map_or(Ok(()), |put| file.set_modified(put))?;
            }
            file.sync_data()?;
            Ok(sys::renameat(&self.dir, &temporary, &self.dir, name)?)
        });
        written.map_err(|error| {
            let _ = sys::unlinkat(&self.dir, &temporary, AtFlags::empty());
            StoreError::io(format!("writing {name} in {}", self.path.display()))(error)
        })
    }
}

/// Returns the next identifier after `last` that is not in use.
fn free_after(last: u16, used: &HashSet<u16>) -> Option<u16> {
    (1..=u16::MAX)
        .map(|step| last.wrapping_add(step))
        .find(|id| *id != 0 && !used.contains(id))
}

/// Makes the packet of a waiting message; nothing where it is none that is acknowledged.
fn publish(record: &[u8], v5: bool, packet_id: u16) -> Option<Vec<u8>> {
    let QueuedCommand::Publish {
        topic,
        payload,
        qos,
        retained,
        properties,
        ..
    } = QueuedCommand::read(v5, record).ok()?
    else {
        return None;
    };
    let qos = mqttbytes::qos(qos)
        .ok()
        .filter(|qos| *qos != QoS::AtMostOnce)?;
    let mut packet = BytesMut::new();
    Publish {
        dup: false,
        qos,
        retain: retained,
        topic,
        packet_id,
        properties: PropertiesRef::parse(properties, Context::Publish).ok()?,
        payload,
    }
    .encode(if v5 { Version::V5 } else { Version::V311 }, &mut packet)
    .ok()?;
    Some(packet.into())
}

impl Store for NamedStore {
    fn put(&mut self, key: RecordKey, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.inside.put(key, parts)
    }

    fn get(&mut self, key: RecordKey) -> Result<Vec<u8>, StoreError> {
        self.inside.get(key)
    }

    fn remove(&mut self, key: RecordKey) -> Result<(), StoreError> {
        self.inside.remove(key)
    }

    fn keys(&mut self) -> Result<Vec<RecordKey>, StoreError> {
        self.inside.keys()
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.inside.clear()
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
        self.inside.replace(old, new, parts)
    }

    fn put_both(
        &mut self,
        first: RecordKey,
        first_parts: &[&[u8]],
        second: RecordKey,
        second_parts: &[&[u8]],
    ) -> Result<(), StoreError> {
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

    #[test]
    fn a_free_identifier_follows_those_in_use() {
        assert_eq!(free_after(0, &HashSet::new()), Some(1));
        assert_eq!(free_after(65_535, &HashSet::from([1])), Some(2));
        let all: HashSet<u16> = (1..=u16::MAX).collect();
        assert_eq!(free_after(5, &all), None);
    }
}
