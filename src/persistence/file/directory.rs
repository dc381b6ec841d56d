//! The directory of a store: the original's files in it, and a sub-directory for everything of our own.
//!
//! The original takes every regular file there for a record: one without `.msg` in its name makes it refuse the store, one
//! with `.msg` somewhere inside is restored twice. Sub-directories it does not see. So temporary files, the journal and what
//! was set aside all live below sub-directories, and the lock is one on the directory itself, which needs no file.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustix::fs::{self as sys, AtFlags, Dir, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::super::{Notice, RecordKey, StoreError};

/// What ends a record's file name.
const EXTENSION: &str = ".msg";
/// The sub-directory for temporary files and the journal.
const OWN: &str = ".paho-oxide";
/// The sub-directory for records that nobody could read.
const ASIDE: &str = "corrupt";
/// The file that becomes a record when it is complete.
const TEMPORARY: &str = "new";
/// No record is longer: the largest MQTT packet, or a queued message with that payload, topic and properties. Stops a huge
/// foreign file from being read into memory.
const MAX_RECORD: u64 = 3 * (1 << 28);
/// More files than this are synced by one call for the whole file system.
const SYNC_SINGLY: usize = 32;

/// An open, locked directory.
pub(super) struct Directory {
    /// Absolute: the program may change its working directory.
    path: PathBuf,
    dir: Arc<OwnedFd>,
    own: Option<Arc<OwnedFd>>,
}

/// What a new store's directory held.
pub(super) struct Found {
    pub(super) directory: Directory,
    pub(super) records: Vec<RecordKey>,
    pub(super) notices: Vec<Notice>,
}

impl Directory {
    /// Creates the directory where needed, opens it and takes its lock.
    pub(super) fn open(path: &Path) -> Result<Found, StoreError> {
        let shown = path.display().to_string();
        let mut notices = Vec::new();
        let dir = loop {
            // The original gives the group the right to read as well; messages are nobody else's business.
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(StoreError::io(format!("creating {shown}")))?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let dir = match sys::open(path, flags, Mode::empty()) {
                Err(Errno::NOENT) => continue,
                other => other.map_err(StoreError::io(format!("opening {shown}")))?,
            };
            match sys::flock(&dir, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Err(StoreError::InUse(shown)),
                Err(Errno::INTR) => continue,
                // Some network file systems cannot lock directories. No lock is better than no store.
                Err(error) => notices.push(Notice::Unlocked(error.to_string())),
            }
            // Who closes a store removes its empty directory: between our opening and locking it may have gone.
            let same = match (sys::fstat(&dir), sys::stat(path)) {
                (Ok(ours), Ok(there)) => (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino),
                _ => false,
            };
            if same {
                break dir;
            }
            notices.clear();
        };
        let path = path
            .canonicalize()
            .map_err(StoreError::io(format!("resolving {shown}")))?;
        let mut directory = Self {
            path,
            dir: Arc::new(dir),
            own: None,
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        directory.own = match sys::openat(&*directory.dir, OWN, flags, Mode::empty()) {
            Ok(own) => Some(Arc::new(own)),
            Err(Errno::NOENT) => None,
            // There may be messages in it: to go on without it would lose them.
            Err(error) => return Err(StoreError::io(format!("opening {shown}/{OWN}"))(error)),
        };
        let records = directory.scan(&mut notices)?;
        Ok(Found {
            directory,
            records,
            notices,
        })
    }

    /// For messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// For syncing without holding the store's lock.
    pub(super) fn handle(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.dir)
    }

    /// Lists the records. No file is opened: names and types come from the directory, so 100,000 take some 50 ms.
    fn scan(&self, notices: &mut Vec<Notice>) -> Result<Vec<RecordKey>, StoreError> {
        let context = || format!("listing {}", self.path.display());
        let mut records = Vec::new();
        for entry in Dir::read_from(&*self.dir).map_err(StoreError::io(context()))? {
            let entry = entry.map_err(StoreError::io(context()))?;
            let name = entry.file_name();
            let kind = match entry.file_type() {
                FileType::Unknown => sys::statat(&*self.dir, name, AtFlags::SYMLINK_NOFOLLOW)
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

    /// The sub-directory for our own files, made when first needed.
    pub(super) fn own(&mut self) -> io::Result<&OwnedFd> {
        if self.own.is_none() {
            self.own = Some(Arc::new(make_directory(&self.dir, OWN)?));
        }
        Ok(self.own.as_ref().expect("just set"))
    }

    /// The sub-directory for our own files, if there is one.
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
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mut file = File::from(sys::openat(own, TEMPORARY, flags, Mode::RUSR | Mode::WUSR)?);
        let written = if let [part] = parts {
            file.write_all(part)
        } else {
            file.write_all(&parts.concat())
        }
        .and_then(|()| time.map_or(Ok(()), |time| file.set_modified(time)));
        let done =
            written.and_then(|()| Ok(sys::renameat(own, TEMPORARY, &*self.dir, file_name(key))?));
        if done.is_err() {
            // On a full disk the half-written file would keep the room that smaller records could have.
            let _ = sys::unlinkat(own, TEMPORARY, AtFlags::empty());
        }
        done
    }

    /// Reads a record's file.
    pub(super) fn read(&self, key: RecordKey) -> io::Result<Vec<u8>> {
        read_whole(&self.dir, &file_name(key), MAX_RECORD)
    }

    /// When a record's file was last written.
    pub(super) fn modified(&self, key: RecordKey) -> io::Result<SystemTime> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = sys::openat(&*self.dir, file_name(key), flags, Mode::empty())?;
        File::from(file).metadata()?.modified()
    }

    /// Removes a record's file.
    pub(super) fn remove(&self, key: RecordKey) -> io::Result<()> {
        Ok(sys::unlinkat(&*self.dir, file_name(key), AtFlags::empty())?)
    }

    /// Moves a record's file to where neither library looks for records, and says where that is.
    pub(super) fn set_aside(&mut self, key: RecordKey) -> io::Result<String> {
        let aside = make_directory(&self.dir, ASIDE)?;
        let name = free_name(&aside, &file_name(key))?;
        sys::renameat(&*self.dir, file_name(key), &aside, &name)?;
        Ok(format!("{ASIDE}/{name}"))
    }

    /// The same for a record that has no file.
    pub(super) fn write_aside(&mut self, key: RecordKey, record: &[u8]) -> io::Result<String> {
        let aside = make_directory(&self.dir, ASIDE)?;
        let name = free_name(&aside, &file_name(key))?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        File::from(sys::openat(&aside, &name, flags, Mode::RUSR | Mode::WUSR)?)
            .write_all(record)?;
        Ok(format!("{ASIDE}/{name}"))
    }

    /// Lets go of the directory, which goes too if nothing is left in it, as the original's does.
    pub(super) fn close(self) {
        let _ = sys::unlinkat(&*self.dir, OWN, AtFlags::REMOVEDIR);
        let _ = std::fs::remove_dir(&self.path);
        // A background sync may hold the directory open a little longer: the lock must not wait for it.
        let _ = sys::flock(&*self.dir, FlockOperation::Unlock);
    }
}

/// Waits until the files of these records, as far as they still exist, and their names are on the disk.
pub(super) fn sync_files(dir: &OwnedFd, keys: &[RecordKey]) -> io::Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    if keys.len() > SYNC_SINGLY {
        return Ok(sys::syncfs(dir)?);
    }
    for &key in keys {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        match sys::openat(dir, file_name(key), flags, Mode::empty()) {
            Ok(file) => sys::fdatasync(&file)?,
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sys::fsync(dir)?)
}

/// Reads a regular file of at most `limit` bytes.
pub(super) fn read_whole(dir: &OwnedFd, name: &str, limit: u64) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::from(sys::openat(dir, name, flags, Mode::empty())?);
    let about = file.metadata()?;
    if !about.is_file() || about.len() > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{name} is no record"),
        ));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0));
    // It may grow while it is read.
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Names of the regular files in a directory.
pub(super) fn file_names(dir: &OwnedFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        if entry.file_type() != FileType::Directory {
            names.push(
                OsStr::from_bytes(entry.file_name().to_bytes())
                    .to_string_lossy()
                    .into_owned(),
            );
        }
    }
    Ok(names)
}

fn file_name(key: RecordKey) -> String {
    format!("{key}{EXTENSION}")
}

fn make_directory(parent: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    match sys::mkdirat(parent, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(sys::openat(parent, name, flags, Mode::empty())?)
}

/// `name`, or with a number after it if that is taken: what was set aside before is not overwritten.
fn free_name(dir: &OwnedFd, name: &str) -> io::Result<String> {
    let candidates = std::iter::once(name.to_owned())
        .chain((1..u32::MAX).map(|number| format!("{name}.{number}")));
    for candidate in candidates {
        match sys::statat(dir, &candidate, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(candidate),
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
