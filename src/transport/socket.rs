//! The socket under every layer.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::net::{SendAncillaryBuffer, SendFlags};

use super::Layer;

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

/// A connected non-blocking TCP socket, below the layers.
#[derive(Debug)]
pub(super) struct Socket(pub(super) TcpStream);

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
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

/// The bottom of a stack of layers: nothing is kept here.
impl Layer for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Read::read(self, buf)
    }

    fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        send(&*self, bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&mut self) {}

    fn has_buffered(&self) -> bool {
        false
    }

    fn has_unsent(&self) -> bool {
        false
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        AsFd::as_fd(self)
    }
}
