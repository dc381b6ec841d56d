//! Files that a Go client left become records, and records files that it reads.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use rustix::fs::{self as sys, AtFlags, Dir};

use super::super::directory::MAX_RECORD;
use super::super::files;
use super::{NamedStore, TEMPORARY};
use crate::persistence::record::command::QueuedCommand;
use crate::persistence::{Notice, RecordKey, RecordKind, Store, StoreError};
use crate::protocol::inflight::{IDS, oldest};
use crate::protocol::packet::Publish;
use crate::protocol::property::{Context, PropertiesRef};
use crate::protocol::session::HAD;
use crate::protocol::{QoS, Version, decode};

/// First bytes of packets; of a PUBLISH without its flags.
const PUBLISH: u8 = 0x30;
const PUBREC: u8 = 0x50;
const PUBREL: u8 = 0x62;

/// A file whose name is that of a packet.
struct Named {
    /// When it was last written.
    written: SystemTime,
    id: u16,
    /// Of a packet that the client has received.
    incoming: bool,
    name: String,
}

/// What becomes of such a file.
enum Means {
    /// It becomes this record.
    Record(RecordKind, Vec<u8>),
    /// It says nothing, and goes.
    Nothing,
    /// It is none of ours.
    Foreign,
}

impl Means {
    fn of(incoming: bool, packet: Vec<u8>) -> Self {
        let first = packet.first().copied().unwrap_or(0);
        let is_publish = first & 0xf0 == PUBLISH;
        let is_whole = || {
            decode::frame(&packet, u32::MAX)
                .is_ok_and(|frame| frame.is_some_and(|frame| frame.total_len == packet.len()))
        };
        match (incoming, first) {
            // Of one that is damaged the program is told.
            (false, _) if is_publish => Self::Record(RecordKind::PublishSent, packet),
            _ if !is_whole() => Self::Foreign,
            (false, PUBREL) => Self::Record(RecordKind::PubrelSent, packet),
            (true, PUBREC) => Self::Record(RecordKind::PublishReceived, HAD.to_vec()),
            (true, PUBREL) => Self::Nothing,
            (true, _) if is_publish => Self::Nothing,
            _ => Self::Foreign,
        }
    }
}

/// Returns true if a record is of a packet that was sent and is in flight.
fn is_in_flight(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::PublishSent | RecordKind::PubrelSent)
}

fn id_of(key: RecordKey) -> u16 {
    u16::try_from(key.number).unwrap_or(0)
}

impl NamedStore {
    /// Takes the files over that a Go client left. Where that fails, each packet is in its file or in its record, and not in both:
    /// a Go client would send it, and this client once more.
    pub(super) fn take_over(&mut self) -> io::Result<Result<(), StoreError>> {
        match self.inside.keys() {
            Ok(keys) => {
                for key in keys.into_iter().filter(|key| is_in_flight(key.kind)) {
                    // Of what a kill left only the identifiers tell the order; whatever was sent since then came later.
                    self.found.insert(key, SystemTime::UNIX_EPOCH);
                }
            }
            Err(error) => return Ok(Err(error)),
        }
        let (mut taken, mut put) = (Vec::new(), Vec::new());
        for file in self.named_files()? {
            let packet = match self.read(&file) {
                Ok(Some(packet)) => packet,
                Ok(None) => continue,
                Err(error) => {
                    self.undo(&put);
                    return Ok(Err(self.refused("reading", &file.name, error)));
                }
            };
            let (kind, record) = match Means::of(file.incoming, packet) {
                Means::Record(kind, record) => (kind, record),
                Means::Nothing => {
                    taken.push((file.name, None));
                    continue;
                }
                Means::Foreign => {
                    self.leave(file);
                    continue;
                }
            };
            let key = RecordKey::new(kind, self.v5, file.id.into());
            if self.inside.contains(key) && self.inside.get(key).is_ok_and(|now| now == record) {
                // An earlier opening came this far.
            } else if self.is_in_use(key) {
                self.leave(file);
                continue;
            } else if let Err(error) = self.inside.put(key, &[&record]) {
                self.undo(&put);
                return Ok(Err(error));
            } else {
                put.push(key);
            }
            self.found.insert(key, file.written);
            taken.push((file.name, Some(key)));
        }
        if taken.is_empty() {
            return Ok(Ok(()));
        }
        // Not before the disk has them where they are now.
        if let Err(error) = self.inside.sync() {
            self.undo(&put);
            return Ok(Err(error));
        }
        while let Some((name, _)) = taken.last() {
            match sys::unlinkat(&self.dir, name, AtFlags::empty()) {
                Ok(()) | Err(rustix::io::Errno::NOENT) => taken.pop(),
                Err(error) => {
                    let refused = self.refused("removing", name, error.into());
                    let left: Vec<RecordKey> = taken.iter().filter_map(|(_, key)| *key).collect();
                    self.undo(&left);
                    return Ok(Err(refused));
                }
            };
        }
        Ok(Ok(()))
    }

    /// Returns the files whose names are those of packets, the oldest first.
    fn named_files(&self) -> io::Result<Vec<Named>> {
        let mut found = Vec::new();
        for entry in Dir::read_from(&self.dir)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            let incoming = self.naming.id(&self.naming.incoming, name);
            let Some(id) = incoming.or_else(|| self.naming.id(&self.naming.outgoing, name)) else {
                continue;
            };
            let written =
                std::fs::symlink_metadata(self.path.join(name)).and_then(|about| about.modified());
            let written = match written {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other?,
            };
            found.push(Named {
                written,
                id,
                incoming: incoming.is_some(),
                name: name.to_owned(),
            });
        }
        found.sort_by_key(|file| (file.written, file.id));
        Ok(found)
    }

    /// Reads a file; nothing where it is gone, and an empty packet where it is none of ours.
    fn read(&self, file: &Named) -> io::Result<Option<Vec<u8>>> {
        match files::read_whole(&self.dir, &file.name, MAX_RECORD) {
            Ok(packet) => Ok(Some(packet)),
            Err(error) => match error.kind() {
                io::ErrorKind::InvalidData => Ok(Some(Vec::new())),
                io::ErrorKind::NotFound => Ok(None),
                // In a directory that everybody may write to, nobody's file keeps the client from being made.
                io::ErrorKind::PermissionDenied if files::is_others(&self.dir, &file.name) => {
                    Ok(Some(Vec::new()))
                }
                _ => Err(error),
            },
        }
    }

    /// Returns the error that says which file made trouble.
    fn refused(&self, doing: &str, name: &str, error: io::Error) -> StoreError {
        StoreError::io(format!("{doing} {name} in {}", self.path.display()))(error)
    }

    /// Leaves a file where it is.
    fn leave(&mut self, file: Named) {
        if !file.incoming {
            self.left.insert(file.id);
        }
        self.notices.push(Notice::Foreign(file.name));
    }

    /// Returns true if another record has that packet identifier.
    fn is_in_use(&mut self, key: RecordKey) -> bool {
        let kinds: &[RecordKind] = if is_in_flight(key.kind) {
            &[RecordKind::PublishSent, RecordKind::PubrelSent]
        } else {
            &[RecordKind::PublishReceived]
        };
        kinds
            .iter()
            .any(|&kind| self.inside.contains(RecordKey { kind, ..key }))
    }

    /// Removes records whose files are still there.
    fn undo(&mut self, keys: &[RecordKey]) {
        for &key in keys {
            self.found.remove(&key);
            let _ = self.inside.remove(key);
        }
    }

    /// Gives each record its file.
    pub(super) fn give_back(&mut self) -> Result<(), StoreError> {
        let mut given = Vec::new();
        // Those before one for which there is no room are given, and no longer records.
        let result = self.give_files(&mut given);
        if !given.is_empty() {
            sys::fsync(&self.dir)
                .map_err(|error| StoreError::io("syncing the store")(io::Error::from(error)))?;
        }
        for key in given {
            self.inside.remove(key)?;
        }
        result
    }

    /// Writes the files, in the order in which the packets were sent or wait, and notes which records have them.
    fn give_files(&mut self, given: &mut Vec<RecordKey>) -> Result<(), StoreError> {
        let keys = self.in_order()?;
        let released: HashSet<u32> = keys
            .iter()
            .filter(|key| key.kind == RecordKind::PubrelSent)
            .map(|key| key.number)
            .collect();
        let mut used: HashSet<u16> = self.left.clone();
        let in_flight = keys.iter().filter(|key| is_in_flight(key.kind));
        used.extend(in_flight.copied().map(id_of));
        let mut next = used.iter().copied().max().unwrap_or(0);
        let mut last = SystemTime::UNIX_EPOCH;
        let v5 = self.v5;
        for key in keys.into_iter().filter(|key| key.v5 == v5) {
            let id = id_of(key);
            let done = match key.kind {
                RecordKind::PublishSent if released.contains(&key.number) => true,
                RecordKind::PublishSent | RecordKind::PubrelSent => {
                    let name = self.naming.file(&self.naming.outgoing, id);
                    let packet = self.inside.get(key)?;
                    self.give(key, &name, &packet, &mut last)?
                }
                RecordKind::PublishReceived => {
                    let had = (v5 && self.naming.handed_over) || self.inside.get(key)? == HAD;
                    let name = self.naming.file(&self.naming.incoming, id);
                    let [high, low] = id.to_be_bytes();
                    had && self.give(key, &name, &[PUBREC, 2, high, low], &mut last)?
                }
                RecordKind::Command => {
                    let record = self.inside.get(key)?;
                    let waiting = free_after(next, &used)
                        .and_then(|id| Some((id, publish(&record, v5, id)?)));
                    if let Some((id, packet)) = waiting {
                        let name = self.naming.file(&self.naming.outgoing, id);
                        next = id;
                        used.insert(id);
                        self.give(key, &name, &packet, &mut last)?
                    } else {
                        false
                    }
                }
                RecordKind::Message => false,
            };
            if done {
                given.push(key);
            }
        }
        Ok(())
    }

    /// Returns the records: those in flight in the order in which they were sent, then the others.
    fn in_order(&mut self) -> Result<Vec<RecordKey>, StoreError> {
        let mut keys = self.inside.keys()?;
        keys.sort_unstable();
        let first = first_in_flight(&keys);
        let behind = |key: &RecordKey| u16::try_from(key.number).map(|id| id.wrapping_sub(first));
        let sent = &self.found;
        // What was found was sent before anything else.
        keys.sort_by_key(|key| {
            let found = sent.get(key);
            let ids = is_in_flight(key.kind).then(|| (found.is_none(), found, behind(key).ok()));
            (Reverse(ids.is_some()), ids)
        });
        Ok(keys)
    }

    /// Writes the file that a record becomes, younger than the `last` one: the Go clients send in the order of the files' times.
    /// Returns false if there is a file of that name.
    fn give(
        &mut self,
        key: RecordKey,
        name: &str,
        packet: &[u8],
        last: &mut SystemTime,
    ) -> Result<bool, StoreError> {
        if sys::statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            return Ok(false);
        }
        let now = SystemTime::now();
        let found = self.found.get(&key).copied();
        let found = found.filter(|sent| *sent > SystemTime::UNIX_EPOCH);
        let put = found.or_else(|| now.checked_sub(self.inside.age(key)?));
        // A time of its own, which a file system that counts in microseconds keeps.
        let put = put.unwrap_or(now).max(*last + Duration::from_micros(1));
        let temporary = format!("{name}{TEMPORARY}");
        let written = files::create_anew(&self.dir, &temporary).and_then(|mut file| {
            file.write_all(packet)?;
            file.set_modified(put)?;
            file.sync_data()?;
            Ok(sys::renameat(&self.dir, &temporary, &self.dir, name)?)
        });
        written.map_err(|error| {
            let _ = sys::unlinkat(&self.dir, &temporary, AtFlags::empty());
            self.refused("writing", name, error)
        })?;
        *last = put;
        Ok(true)
    }
}

/// Returns the identifier of the packet in flight that was sent first.
fn first_in_flight(keys: &[RecordKey]) -> u16 {
    let in_flight = keys.iter().filter(|key| is_in_flight(key.kind));
    let mut ids: Vec<u16> = in_flight.copied().map(id_of).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.get(oldest(&ids, IDS)).copied().unwrap_or(0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_identifier_follows_those_in_use() {
        assert_eq!(free_after(0, &HashSet::new()), Some(1));
        assert_eq!(free_after(65_535, &HashSet::from([1])), Some(2));
        let all: HashSet<u16> = (1..=u16::MAX).collect();
        assert_eq!(free_after(5, &all), None);
    }

    #[test]
    fn the_first_in_flight_follows_the_widest_gap() {
        for (ids, first) in [
            (&[][..], 0),
            (&[7], 7),
            (&[3, 5, 6], 3),
            (&[1, 2, 65_534, 65_535], 65_534),
            (&[1, 65_535], 65_535),
        ] {
            let key = |id: &u32| RecordKey::new(RecordKind::PublishSent, false, *id);
            let keys: Vec<RecordKey> = ids.iter().map(key).collect();
            assert_eq!(first_in_flight(&keys), first, "{ids:?}");
        }
    }
}
