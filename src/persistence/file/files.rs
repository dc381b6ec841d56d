//! Opening files in a client's folder, each so that nothing that lies under its name can do harm: a FIFO or a device does not
//! make the call wait, a link leads nowhere else, what another user owns is neither read nor written to, and no file is
//! believed to be as large as it says.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use rustix::fs::{self as sys, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::geteuid;

/// What root has made may be trusted: root could do anything else as well.
pub(super) const ROOT: u32 = 0;

/// Makes the error that says that `name` is not a file of ours.
fn foreign(name: &str, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{name} {why}"))
}

/// Opens a regular file of this user's for reading; anything else is `InvalidData`.
pub(super) fn open(dir: &OwnedFd, name: &str) -> io::Result<File> {
    // Without NONBLOCK a FIFO that nobody writes to would be waited for.
    let flags =
        OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    open_with(dir, name, flags)
}

/// Opens a regular file of this user's for reading and writing, which is made if there is none. It is not written to.
pub(super) fn open_to_lock(dir: &OwnedFd, name: &str) -> io::Result<File> {
    let flags = OFlags::RDWR
        | OFlags::CREATE
        | OFlags::CLOEXEC
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::NOCTTY;
    open_with(dir, name, flags)
}

fn open_with(dir: &OwnedFd, name: &str, flags: OFlags) -> io::Result<File> {
    let file = match sys::openat(dir, name, flags, Mode::RUSR | Mode::WUSR) {
        Err(Errno::LOOP) => return Err(foreign(name, "is a link")),
        Err(Errno::NXIO | Errno::NODEV | Errno::ISDIR) => {
            return Err(foreign(name, "is a device, a socket or a directory"));
        }
        other => File::from(other?),
    };
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(foreign(name, "is no regular file"));
    }
    let owner = about.uid();
    if owner != geteuid().as_raw() && owner != ROOT {
        // The folder's own owner has been checked: on a file system that knows only one owner it is everybody's.
        let folder = sys::fstat(dir)?.st_uid;
        if owner != folder {
            return Err(foreign(name, "belongs to another user"));
        }
    }
    Ok(file)
}

/// Returns true if what has that name belongs to another user, who could have put it there.
pub(super) fn is_others(dir: &OwnedFd, name: &str) -> bool {
    let (Ok(about), Ok(folder)) = (
        sys::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW),
        sys::fstat(dir),
    ) else {
        return false;
    };
    ![geteuid().as_raw(), ROOT, folder.st_uid].contains(&about.st_uid)
}

/// Makes a file that was not there and opens it for writing, and for reading with `readable`.
pub(super) fn create(dir: &OwnedFd, name: &str, readable: bool) -> io::Result<File> {
    let access = if readable {
        OFlags::RDWR
    } else {
        OFlags::WRONLY
    };
    let flags = access
        | OFlags::CREATE
        | OFlags::EXCL
        | OFlags::CLOEXEC
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK;
    let file = sys::openat(dir, name, flags, Mode::RUSR | Mode::WUSR)?;
    Ok(File::from(file))
}

/// Does the same under a name that nobody else has any business with: what is there is left over, and goes.
pub(super) fn create_anew(dir: &OwnedFd, name: &str) -> io::Result<File> {
    match create(dir, name, false) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            sys::unlinkat(dir, name, AtFlags::empty())?;
            create(dir, name, false)
        }
        other => other,
    }
}

/// Reads a file of at most `limit` bytes; a longer one is `InvalidData`. Memory is asked for, not taken for granted.
pub(super) fn read_whole(dir: &OwnedFd, name: &str, limit: u64) -> io::Result<Vec<u8>> {
    let file = open(dir, name)?;
    let said = file.metadata()?.len();
    if said > limit {
        return Err(foreign(name, "is larger than any record"));
    }
    let mut bytes = Vec::new();
    let room = usize::try_from(said).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes
        .try_reserve_exact(room)
        .map_err(|_| io::ErrorKind::OutOfMemory)?;
    // It may grow while it is read, but not beyond what was reserved.
    file.take(said).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns who owns what this process creates in a directory, which it tries out: some network file systems turn every user
/// into one.
pub(super) fn owner_of_new_file(dir: &OwnedFd) -> Option<u32> {
    // A directory that was opened for its path only is opened again to be written to.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = sys::openat(dir, ".", flags, Mode::empty()).ok()?;
    let name = format!(".paho-oxide-owner-{}", std::process::id());
    let file = create(&dir, &name, false).ok()?;
    let owner = sys::fstat(file.as_fd()).ok().map(|about| about.st_uid);
    let _ = sys::unlinkat(&dir, &name, AtFlags::empty());
    owner
}
