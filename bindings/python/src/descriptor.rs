//! The program's socket, adopted: duplicated, read, written and waited for.

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use paho_oxide::protocol::outbound::{Batch, SLICES};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};
use rustix::io::Errno;

/// Duplicates a socket of the program's, so that the number stays ours whatever the program closes.
#[allow(unsafe_code)] // a descriptor comes from Python as a number
pub fn adopt(fd: i32) -> rustix::io::Result<OwnedFd> {
    if fd < 0 {
        return Err(Errno::BADF);
    }
    // SAFETY: the number is not negative, and it is used for one system call only, which fails if it names no open
    // descriptor; the borrow does not outlive this statement.
    let copy = rustix::io::fcntl_dupfd_cloexec(unsafe { BorrowedFd::borrow_raw(fd) }, 0)?;
    rustix::io::ioctl_fionbio(&copy, true)?;
    Ok(copy)
}

/// How a read or a write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Io {
    /// So many bytes went through.
    Some(usize),
    /// The socket has nothing, or no room, now.
    Nothing,
    /// The peer closed the connection.
    Closed,
    /// The socket failed.
    Failed(i32),
}

/// Reads into `buffer`.
pub fn read(fd: &OwnedFd, buffer: &mut [u8]) -> Io {
    loop {
        return match rustix::io::read(fd, &mut *buffer) {
            Ok(0) => Io::Closed,
            Ok(n) => Io::Some(n),
            Err(Errno::INTR) => continue,
            Err(Errno::AGAIN) => Io::Nothing,
            Err(error) => Io::Failed(error.raw_os_error()),
        };
    }
}

/// Has TCP acknowledge what has come without waiting for bytes that could carry the acknowledgement. Other sockets have no such thing.
pub fn acknowledge_at_once(fd: &OwnedFd) {
    let _ = rustix::net::sockopt::set_tcp_quickack(fd, true);
}

/// Writes as much of `batch` as the socket takes.
pub fn write(fd: &OwnedFd, batch: &mut Batch) -> Io {
    let mut total = 0;
    while !batch.is_empty() {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let used = batch.slices(&mut slices);
        // A socket that the peer has closed must not end the process: the interpreter ignores SIGPIPE.
        match rustix::io::writev(fd, &slices[..used]) {
            Ok(n) => {
                total += n;
                batch.advance(n);
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                return if total > 0 {
                    Io::Some(total)
                } else {
                    Io::Nothing
                };
            }
            Err(error) => return Io::Failed(error.raw_os_error()),
        }
    }
    Io::Some(total)
}

/// Ends the connection both ways, for every duplicate of the socket.
pub fn shut(fd: &OwnedFd) {
    // It may be closed already; nothing is to be done about that.
    let _ = rustix::net::shutdown(fd, rustix::net::Shutdown::Both);
}

/// Wakes one thread that waits in [`wait`].
#[derive(Debug)]
pub struct Alarm(OwnedFd);

impl Alarm {
    /// Returns an alarm that nobody has rung.
    pub fn new() -> rustix::io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Self(rustix::event::eventfd(0, flags)?))
    }

    /// Wakes the thread that waits, or the next one that would.
    pub fn ring(&self) {
        // The one failure is a counter that is full: then it is ringing.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Stops the ringing.
    pub fn reset(&self) {
        let mut count = [0; 8];
        // Not ringing is fine.
        let _ = rustix::io::read(&self.0, &mut count);
    }

    /// Returns the descriptor, readable while the alarm rings.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What [`wait`] saw.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ready {
    /// The socket has bytes, or an end.
    pub read: bool,
    /// The alarm rang.
    pub alarm: bool,
    /// A signal came.
    pub interrupted: bool,
}

/// Waits for the socket or the alarm, at most so long.
pub fn wait(fd: Option<(&OwnedFd, bool, bool)>, alarm: &Alarm, timeout: Duration) -> Ready {
    let mut fds = vec![PollFd::from_borrowed_fd(alarm.as_fd(), PollFlags::IN)];
    if let Some((fd, read, write)) = fd {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, read);
        flags.set(PollFlags::OUT, write);
        fds.push(PollFd::new(fd, flags));
    }
    let timeout = Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    match rustix::event::poll(&mut fds, Some(&timeout)) {
        Ok(_) => {}
        Err(Errno::INTR) => {
            return Ready {
                interrupted: true,
                ..Ready::default()
            };
        }
        Err(_) => return Ready::default(),
    }
    let socket = fds.get(1).map_or(PollFlags::empty(), PollFd::revents);
    let ended = socket.intersects(PollFlags::HUP | PollFlags::ERR);
    Ready {
        read: socket.contains(PollFlags::IN) || ended,
        alarm: fds[0].revents().contains(PollFlags::IN),
        interrupted: false,
    }
}
