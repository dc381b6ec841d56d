//! Opening a client's folder: found without following links, checked, and locked.
//!
//! The program chooses the store's directory, and may choose one that everybody may write to, as `/tmp` is. What is below it
//! may then have been put there by anybody. So each level below it is opened by itself, is never a link, and has to belong to
//! this user with nobody else allowed to write; what is opened inside is opened by [`super::files`], which checks it again.
//! The group's right to write is left to whoever granted it: systems that share volumes among containers set it.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{self as sys, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::super::{Notice, StoreError};
use super::files::{self, ROOT};
use super::lock::{Lock, Taken};

/// Whoever closes a store removes its empty folder, so one that was just made may be gone. Somebody who removes it again
/// and again must not keep us here.
const ATTEMPTS: usize = 100;

/// An open, locked folder.
pub(super) struct Folder {
    /// The store's directory, absolute: the program may change its working directory.
    base: PathBuf,
    /// The client's folder below it, several levels where it has slashes.
    name: String,
    /// The directory that the last level is in, and that level's name.
    parent: OwnedFd,
    last: String,
    dir: Arc<OwnedFd>,
    lock: Lock,
    taken: Taken,
}

impl Folder {
    /// Creates the folder where needed, opens it and takes its lock.
    pub(super) fn open(
        base: &Path,
        name: &str,
        notices: &mut Vec<Notice>,
    ) -> Result<Self, StoreError> {
        let shown = base
            .join(name.trim_start_matches('/'))
            .display()
            .to_string();
        let creating = || StoreError::io(format!("creating {shown}"));
        let opening = || StoreError::io(format!("opening {shown}"));
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(base)
            // Which of the names is no directory, the system does not say of the last one.
            .map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Errno::NOTDIR.into(),
                _ => error,
            })
            .map_err(creating())?;
        let base = base.canonicalize().map_err(opening())?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut levels = name.split('/').filter(|level| !level.is_empty());
        let last = levels.next_back().unwrap_or_default().to_owned();
        for _ in 0..ATTEMPTS {
            let opened = sys::open(&base, flags, Mode::empty());
            let mut parent = opened.map_err(|error| opening()(error.into()))?;
            for level in levels.clone() {
                make(&parent, level).map_err(creating())?;
                parent = enter(&parent, level, flags, &shown)?;
            }
            make(&parent, &last).map_err(creating())?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let dir = match enter(&parent, &last, flags, &shown) {
                Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    continue;
                }
                other => other?,
            };
            let taken = Taken::enter(&dir).map_err(opening())?;
            let Some(taken) = taken else {
                return Err(StoreError::InUse(shown));
            };
            let lock = Lock::directory(&dir, &shown, notices)?;
            if !same(&dir, &parent, &last) {
                notices.clear();
                continue;
            }
            return Ok(Self {
                base,
                name: name.to_owned(),
                parent,
                last,
                dir: Arc::new(dir),
                lock,
                taken,
            });
        }
        Err(StoreError::Untrusted {
            path: shown,
            why: "somebody removes it again and again".to_owned(),
        })
    }

    /// Has a file in our sub-directory locked instead of the folder: see [`Lock`].
    pub(super) fn lock_file(
        mut self,
        own: Option<&OwnedFd>,
        notices: &mut Vec<Notice>,
    ) -> Result<Self, StoreError> {
        let shown = self.path().display().to_string();
        self.lock = self.lock.file(own, &shown, notices)?;
        Ok(self)
    }

    /// Removes the lock's file from our sub-directory, so that this can be removed.
    pub(super) fn remove_lock_file(&self, own: &OwnedFd) {
        self.lock.remove_file(own);
    }

    /// Opens the same folder again: in a forked child, where this one's lock is a copy of its parent's.
    pub(super) fn reopen(&mut self, notices: &mut Vec<Notice>) -> Result<Self, StoreError> {
        // First, because closing a copy of the lock's file ends every lock that this process has on it.
        self.lock = Lock::None;
        Self::open(&self.base, &self.name, notices)
    }

    /// Returns the folder's path, for messages.
    pub(super) fn path(&self) -> PathBuf {
        self.base.join(self.name.trim_start_matches('/'))
    }

    pub(super) fn handle(&self) -> &Arc<OwnedFd> {
        &self.dir
    }

    /// Lets go of the folder, which is removed if nothing is left in it, as the original's is.
    pub(super) fn close(self) {
        if same(&self.dir, &self.parent, &self.last) {
            let _ = sys::unlinkat(&self.parent, &self.last, AtFlags::REMOVEDIR);
        }
        self.lock.release();
        // Only now: a lock of this process's would end with the other's descriptor of its file.
        drop(self.taken);
    }
}

/// Makes a directory unless there is something of that name.
fn make(parent: &OwnedFd, name: &str) -> io::Result<()> {
    match sys::mkdirat(parent, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Opens a directory that is no link, and checks whose it is.
fn enter(parent: &OwnedFd, name: &str, flags: OFlags, shown: &str) -> Result<OwnedFd, StoreError> {
    let opened = sys::openat(parent, name, flags | OFlags::NOFOLLOW, Mode::empty());
    let dir = match opened {
        Err(Errno::LOOP | Errno::NOTDIR) => {
            return Err(StoreError::Untrusted {
                path: shown.to_owned(),
                why: format!("{name} is no directory, or a link to one"),
            });
        }
        other => other.map_err(StoreError::io(format!("opening {shown}")))?,
    };
    if name != ".." {
        trust(&dir).map_err(|why| StoreError::Untrusted {
            path: shown.to_owned(),
            why: format!("{name} {why}"),
        })?;
    }
    Ok(dir)
}

/// Returns what is wrong with a directory that others than this user and root could have put something into.
pub(super) fn trust(dir: &OwnedFd) -> Result<(), String> {
    let about = sys::fstat(dir).map_err(|error| format!("cannot be looked at: {error}"))?;
    if about.st_mode & 0o002 != 0 {
        return Err(format!(
            "may be written to by everybody (mode {:o}): chmod o-w",
            about.st_mode & 0o7777
        ));
    }
    let (owner, us) = (about.st_uid, geteuid().as_raw());
    if owner != us && owner != ROOT && files::owner_of_new_file(dir) != Some(owner) {
        return Err(format!(
            "belongs to user {owner}, and this process is user {us}"
        ));
    }
    Ok(())
}

/// Returns true if that name still is this directory.
fn same(dir: &OwnedFd, parent: &OwnedFd, name: &str) -> bool {
    match (
        sys::fstat(dir),
        sys::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW),
    ) {
        (Ok(ours), Ok(there)) => (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino),
        _ => false,
    }
}
