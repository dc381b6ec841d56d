//! One user of a store at a time: no two clients of this process, and no two processes.
//!
//! The lock has to end with the process, however it ends and whatever children it leaves: a helper that was forked and lives on
//! must not keep the restarted program out. A lock of `flock` belongs to the open file, which all children share; handing it
//! back in the child (by `pthread_atfork`) comes too late if the parent ends before the child has run. A lock of `fcntl`
//! belongs to the process alone. It needs a file that is open for writing, so there is one, `lock`, in our sub-directory. It
//! goes when any descriptor of that file is closed, so nobody else here opens it: [`Taken`] sees to that.
//!
//! Where no such file can be made (a full or read-only disk), and there only, the directory itself stays locked by `flock`.
//! The first version's library locks that way; whoever opens a store looks for both.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use crate::os::lock::Mutex;
use rustix::fs::{self as sys, AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::super::{Notice, StoreError};
use super::files;
use crate::os::{self, PerProcess};

/// The file in our sub-directory that carries the lock.
const NAME: &str = "lock";
/// Whoever closes a store removes its lock file; somebody who makes and removes it all the time must not keep us here.
const ATTEMPTS: usize = 100;

/// A directory, and the process that uses it: what a forked child finds in its copy of the table is its parent's.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Used {
    device: u64,
    number: u64,
    process: u32,
}

/// The directories that clients of this process use.
static USED: PerProcess<Mutex<Vec<Used>>> = PerProcess::new(|_| Mutex::default());

/// A directory's entry in the table.
pub(super) struct Taken(Used);

impl Taken {
    /// Enters a directory. Returns nothing if a client of this process uses it.
    pub(super) fn enter(dir: &OwnedFd) -> io::Result<Option<Self>> {
        let about = sys::fstat(dir)?;
        let used = Used {
            device: about.st_dev,
            number: about.st_ino,
            process: os::process_number(),
        };
        let mut all = USED.get().lock();
        all.retain(|other| other.process == used.process);
        if all.contains(&used) {
            return Ok(None);
        }
        all.push(used);
        Ok(Some(Self(used)))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        USED.get().lock().retain(|used| *used != self.0);
    }
}

/// What keeps others out.
pub(super) enum Lock {
    /// The locked file, which is closed to end the lock.
    File { _file: File },
    /// The locked directory.
    Directory(OwnedFd),
    /// The file system has no locks.
    None,
}

impl Lock {
    /// Locks a directory, for as long as it takes to lock a file in it.
    pub(super) fn directory(
        dir: &OwnedFd,
        shown: &str,
        notices: &mut Vec<Notice>,
    ) -> Result<Self, StoreError> {
        // An open file of its own: the other one may be used by a sync that takes long.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let lock = sys::openat(dir, ".", flags, Mode::empty())
            .map_err(StoreError::io(format!("locking {shown}")))?;
        loop {
            return match sys::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => Ok(Self::Directory(lock)),
                Err(Errno::INTR) => continue,
                Err(Errno::WOULDBLOCK) => Err(StoreError::InUse(shown.to_owned())),
                // Some network file systems cannot lock directories. No lock is better than no store.
                Err(error) => {
                    notices.push(Notice::Unlocked(error.to_string()));
                    Ok(Self::None)
                }
            };
        }
    }

    /// Locks the file in our sub-directory, for this process alone, and lets the directory go. Without a sub-directory, or
    /// where no file can be made, all stays as it is.
    pub(super) fn file(
        self,
        own: Option<&OwnedFd>,
        shown: &str,
        notices: &mut Vec<Notice>,
    ) -> Result<Self, StoreError> {
        let Some(own) = own else { return Ok(self) };
        for _ in 0..ATTEMPTS {
            let file = match open_or_make(own) {
                Ok(file) => file,
                Err(error) if cannot_make(&error) => return Ok(self),
                Err(error) => return Err(StoreError::io(format!("locking {shown}"))(error)),
            };
            match sys::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN | Errno::ACCESS) => {
                    return Err(StoreError::InUse(shown.to_owned()));
                }
                Err(_) => return Ok(self),
            }
            let there = sys::statat(own, NAME, AtFlags::SYMLINK_NOFOLLOW);
            let ours = file.metadata();
            // Its last owner may have removed it meanwhile.
            let same = matches!((there, ours), (Ok(there), Ok(ours))
                if (there.st_dev, there.st_ino) == (ours.dev(), ours.ino()));
            if same {
                self.release();
                notices.retain(|notice| !matches!(notice, Notice::Unlocked(_)));
                return Ok(Self::File { _file: file });
            }
        }
        Err(StoreError::InUse(shown.to_owned()))
    }

    /// Removes the lock's file, which stays locked until the lock is dropped.
    pub(super) fn remove_file(&self, own: &OwnedFd) {
        if matches!(self, Self::File { .. }) {
            let _ = sys::unlinkat(own, NAME, AtFlags::empty());
        }
    }

    /// Ends the lock.
    pub(super) fn release(self) {
        if let Self::Directory(lock) = &self {
            // A child that was forked just now may have a copy of the descriptor.
            let _ = sys::flock(lock.as_fd(), FlockOperation::Unlock);
        }
    }
}

/// Opens the lock's file. What is no file of ours under its name goes.
fn open_or_make(own: &OwnedFd) -> io::Result<File> {
    match files::open_to_lock(own, NAME) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            sys::unlinkat(own, NAME, AtFlags::empty())?;
            files::open_to_lock(own, NAME)
        }
        other => other,
    }
}

/// Returns true if the disk takes no more files, or none at all from this user.
pub(super) fn cannot_make(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::PermissionDenied
    )
}
