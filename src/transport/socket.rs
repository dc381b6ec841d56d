//! The socket under every layer.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{SendAncillaryBuffer, SendFlags};

use super::Link;

/// Most buffers that one system call takes (`IOV_MAX` on Linux); with more it takes none at all.
const MAX_BUFFERS: usize = 1024;

/// A peer that is gone must give `EPIPE`, not a signal: the default action of SIGPIPE ends the process, the process is
/// the C program's, and so is its signal disposition. `write` and `writev`, which std uses here, would raise it.
#[cfg(not(target_vendor = "apple"))]
const SEND_FLAGS: SendFlags = SendFlags::NOSIGNAL;
/// There the same is a socket option (see [`no_sigpipe`]).
#[cfg(target_vendor = "apple")]
const SEND_FLAGS: SendFlags = SendFlags::empty();

/// Turns SIGPIPE off where that is a matter of the socket.
#[cfg_attr(not(target_vendor = "apple"), expect(clippy::unnecessary_wraps))]
pub(super) fn no_sigpipe(fd: impl AsFd) -> io::Result<()> {
    #[cfg(target_vendor = "apple")]
    rustix::net::sockopt::set_socket_nosigpipe(fd, true)?;
    #[cfg(not(target_vendor = "apple"))]
    let _ = fd;
    Ok(())
}

/// Sends what fits, without a signal.
pub(super) fn send(fd: impl AsFd, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let sent = rustix::io::retry_on_intr(|| {
        if let [only] = bufs {
            rustix::net::send(&fd, only, SEND_FLAGS)
        } else {
            let bufs = &bufs[..bufs.len().min(MAX_BUFFERS)];
            rustix::net::sendmsg(&fd, bufs, &mut SendAncillaryBuffer::default(), SEND_FLAGS)
        }
    })?;
    Ok(sent)
}

/// A connected non-blocking socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl From<Socket> for Link {
    fn from(socket: Socket) -> Self {
        match socket {
            Socket::Tcp(stream) => Link::Tcp(stream),
            Socket::Unix(stream) => Link::Unix(stream),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Tcp(stream) => stream.as_fd(),
            Socket::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.read(buf),
            Socket::Unix(stream) => stream.read(buf),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        send(&*self, &[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        send(&*self, bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
