//! The directory of a store: the original's files in it, and a sub-directory for everything of our own.
//!
//! The original takes every regular file there for a record: one without `.msg` in its name makes it refuse the store, one
//! with `.msg` somewhere inside is restored twice. Sub-directories it does not see. So temporary files, the journal and what
//! was set aside all live below sub-directories, and the lock is one on the directory itself, which needs no file.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustix::fs::{self as sys, AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::super::{Notice, RecordKey, StoreError};
use super::files;
use super::folder::{self, Folder};
use super::lock;

/// What ends a record's file name.
const EXTENSION: &str = ".msg";
/// The sub-directory for temporary files and the journal.
const OWN: &str = ".paho-oxide";
/// The sub-directory for records that nobody could read.
const ASIDE: &str = "corrupt";
/// The file that becomes a record when it is complete.
const TEMPORARY: &str = "new";
/// No record is longer: the largest MQTT packet, and half as much again for what a program's before-write function adds.
/// Stops a huge foreign file from being read into memory; sparse ones cost nothing to make.
pub(super) const MAX_RECORD: u64 = 3 * (1 << 27);
/// More files than this are synced by one call for the whole file system.
const SYNC_SINGLY: usize = 32;
/// Names tried for a record that is set aside. Somebody who sets thousands aside has to tidy up.
const MAX_ASIDE: u32 = 10_000;

/// An open, locked directory.
pub(super) struct Directory {
    path: PathBuf,
    folder: Folder,
    own: Option<Arc<OwnedFd>>,
}

/// What a new store's directory held.
pub(super) struct Found {
    pub(super) directory: Directory,
    pub(super) records: Vec<RecordKey>,
    pub(super) notices: Vec<Notice>,
}

impl Directory {
    /// Creates the folder `name` in the directory `base` where needed, opens it and takes its lock.
    pub(super) fn open(base: &Path, name: &str) -> Result<Found, StoreError> {
        let mut notices = Vec::new();
        let folder = Folder::open(base, name, &mut notices)?;
        Self::look_into(folder, notices)
    }

    /// Opens the directory anew, in a forked child.
    pub(super) fn reopen(&mut self) -> Result<Found, StoreError> {
        let mut notices = Vec::new();
        let folder = self.folder.reopen(&mut notices)?;
        Self::look_into(folder, notices)
    }

    fn look_into(folder: Folder, mut notices: Vec<Notice>) -> Result<Found, StoreError> {
        let path = folder.path();
        let own = match make_directory(folder.handle(), OWN) {
            Ok(own) => Some(Arc::new(own)),
            // What is there can be read and, since it makes room, sent.
            Err(error) if lock::cannot_make(&error) && !exists(folder.handle(), OWN) => None,
            // There may be messages in it: to go on without it would lose them.
            Err(error) => {
                let shown = format!("{}/{OWN}", path.display());
                return Err(if error.kind() == io::ErrorKind::InvalidData {
                    StoreError::Untrusted {
                        path: shown,
                        why: error.to_string(),
                    }
                } else {
                    StoreError::io(format!("opening {shown}"))(error)
                });
            }
        };
        let folder = folder.lock_file(own.as_deref(), &mut notices)?;
        let directory = Self { path, folder, own };
        let records = directory.scan(&mut notices)?;
        Ok(Found {
            directory,
            records,
            notices,
        })
    }

    /// Returns the folder's path, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the folder's descriptor, for syncing without holding the store's lock.
    pub(super) fn handle(&self) -> Arc<OwnedFd> {
        Arc::clone(self.dir())
    }

    fn dir(&self) -> &Arc<OwnedFd> {
        self.folder.handle()
    }

    /// Lists the records. No file is opened: names and types come from the directory, so 100,000 take some 50 ms.
    fn scan(&self, notices: &mut Vec<Notice>) -> Result<Vec<RecordKey>, StoreError> {
        let context = || format!("listing {}", self.path.display());
        let mut records = Vec::new();
        for entry in Dir::read_from(&**self.dir()).map_err(StoreError::io(context()))? {
            let entry = entry.map_err(StoreError::io(context()))?;
            let name = entry.file_name();
            let kind = match entry.file_type() {
                FileType::Unknown => sys::statat(&**self.dir(), name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_or(FileType::Unknown, |stat| {
                        FileType::from_raw_mode(stat.st_mode)
                    }),
                kind => kind,
            };
            if kind == FileType::Directory {
                continue;
            }
            let key = name
                .to_str()
                .ok()
                .and_then(|name| name.strip_suffix(EXTENSION))
                .and_then(RecordKey::parse);
            match key {
                Some(key) if kind == FileType::RegularFile => records.push(key),
                _ => notices.push(Notice::Foreign(name.to_string_lossy().into_owned())),
            }
        }
        Ok(records)
    }

    /// Returns the sub-directory for our own files, made when first needed.
    pub(super) fn own(&mut self) -> io::Result<&OwnedFd> {
        if self.own.is_none() {
            self.own = Some(Arc::new(make_directory(self.dir(), OWN)?));
        }
        Ok(self.own.as_ref().expect("just set"))
    }

    /// Returns the sub-directory for our own files, if there is one.
    pub(super) fn own_if_any(&self) -> Option<&Arc<OwnedFd>> {
        self.own.as_ref()
    }

    /// Writes a record's file: all of it or nothing of it, since it gets its name when it is complete. `time` is when the
    /// record was put, if not now.
    pub(super) fn write(
        &mut self,
        key: RecordKey,
        parts: &[&[u8]],
        time: Option<SystemTime>,
    ) -> io::Result<()> {
        self.own()?;
        let own = self.own.as_deref().expect("just made");
        let length: u64 = parts.iter().map(|part| part.len() as u64).sum();
        if length > MAX_RECORD {
            // It could not be read back.
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut file = files::create_anew(own, TEMPORARY)?;
        let written = if let [part] = parts {
            file.write_all(part)
        } else {
            file.write_all(&parts.concat())
        }
        .and_then(|()| time.map_or(Ok(()), |time| file.set_modified(time)));
        let done = written.and_then(|()| {
            Ok(sys::renameat(
                own,
                TEMPORARY,
                &**self.dir(),
                file_name(key),
            )?)
        });
        if done.is_err() {
            // On a full disk the half-written file would keep the room that smaller records could have.
            let _ = sys::unlinkat(own, TEMPORARY, AtFlags::empty());
        }
        done
    }

    /// Reads a record's file.
    pub(super) fn read(&self, key: RecordKey) -> io::Result<Vec<u8>> {
        files::read_whole(self.dir(), &file_name(key), MAX_RECORD)
    }

    /// Returns when a record's file was last written.
    pub(super) fn modified(&self, key: RecordKey) -> io::Result<SystemTime> {
        files::open(self.dir(), &file_name(key))?
            .metadata()?
            .modified()
    }

    /// Removes a record's file.
    pub(super) fn remove(&self, key: RecordKey) -> io::Result<()> {
        Ok(sys::unlinkat(
            &**self.dir(),
            file_name(key),
            AtFlags::empty(),
        )?)
    }

    /// Moves a record's file to where neither library looks for records, and says where that is.
    pub(super) fn set_aside(&mut self, key: RecordKey) -> io::Result<String> {
        let aside = make_directory(self.dir(), ASIDE)?;
        let name = free_name(&aside, &file_name(key))?;
        sys::renameat(&**self.dir(), file_name(key), &aside, &name)?;
        Ok(format!("{ASIDE}/{name}"))
    }

    /// Does the same for a record that has no file.
    pub(super) fn write_aside(&mut self, key: RecordKey, record: &[u8]) -> io::Result<String> {
        let aside = make_directory(self.dir(), ASIDE)?;
        let name = free_name(&aside, &file_name(key))?;
        files::create(&aside, &name, false)?.write_all(record)?;
        Ok(format!("{ASIDE}/{name}"))
    }

    /// Lets go of the directory, which is removed if nothing is left in it, as the original's is.
    pub(super) fn close(self) {
        if let Some(own) = &self.own {
            self.folder.remove_lock_file(own);
        }
        let _ = sys::unlinkat(&**self.dir(), OWN, AtFlags::REMOVEDIR);
        self.folder.close();
    }
}

/// Waits until the files of these records, as far as they still exist, and their names are on the disk.
pub(super) fn sync_files(dir: &OwnedFd, keys: &[RecordKey]) -> io::Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    if keys.len() > SYNC_SINGLY {
        return Ok(sys::syncfs(dir)?);
    }
    for &key in keys {
        match files::open(dir, &file_name(key)) {
            Ok(file) => file.sync_data()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sys::fsync(dir)?)
}

fn file_name(key: RecordKey) -> String {
    format!("{key}{EXTENSION}")
}

/// Opens a sub-directory that nobody else could have put something into.
fn open_directory(parent: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let untrusted =
        |why: String| io::Error::new(io::ErrorKind::InvalidData, format!("{name} {why}"));
    let dir = match sys::openat(parent, name, flags, Mode::empty()) {
        Err(Errno::LOOP | Errno::NOTDIR) => {
            return Err(untrusted("is no directory, or a link to one".to_owned()));
        }
        other => other?,
    };
    folder::trust(&dir).map_err(untrusted)?;
    Ok(dir)
}

fn exists(parent: &OwnedFd, name: &str) -> bool {
    !matches!(
        sys::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW),
        Err(Errno::NOENT)
    )
}

fn make_directory(parent: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    match sys::mkdirat(parent, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    open_directory(parent, name)
}

/// Returns `name`, or with a number after it if that is taken: what was set aside before is not overwritten.
fn free_name(dir: &OwnedFd, name: &str) -> io::Result<String> {
    let candidates = std::iter::once(name.to_owned())
        .chain((1..MAX_ASIDE).map(|number| format!("{name}.{number}")));
    for candidate in candidates {
        match sys::statat(dir, &candidate, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(candidate),
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
