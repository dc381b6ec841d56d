//! The socket under every layer.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, SocketType, sockopt};

use super::layer::{Input, Layer, Wants};

/// Most buffers that one system call takes (`IOV_MAX` on Linux); with more it takes none at all.
const MAX_BUFFERS: usize = 1024;

/// A peer that is gone must give `EPIPE`, not a signal: the default action of SIGPIPE ends the process, the process is
/// the C program's, and so is its signal disposition. `write` and `writev`, which std uses here, would raise it.
const SEND_FLAGS: SendFlags = SendFlags::NOSIGNAL;

/// Sends what fits, without a signal.
fn send(fd: impl AsFd, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
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

/// A connected non-blocking stream socket: TCP or Unix.
#[derive(Debug)]
pub struct Socket(OwnedFd);

impl Socket {
    /// Wraps a socket that is connected and non-blocking.
    pub(super) fn new(fd: impl Into<OwnedFd>) -> Self {
        Self(fd.into())
    }

    /// Takes over a socket that somebody else has connected, and makes it what the engine needs: non-blocking,
    /// close-on-exec, without Nagle's algorithm.
    pub(super) fn adopt(fd: OwnedFd) -> io::Result<Self> {
        let bad = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
        // Fails for what is no socket at all, with the system's reason.
        let family = sockopt::socket_domain(&fd)?;
        if sockopt::socket_type(&fd)? != SocketType::STREAM {
            return Err(bad("the descriptor is no stream socket"));
        }
        // Fails for one that is not connected.
        rustix::net::getpeername(&fd)?;
        match family {
            AddressFamily::INET | AddressFamily::INET6 => {
                // MQTT packets are small and answered: Nagle's algorithm would hold each back for a round trip.
                sockopt::set_tcp_nodelay(&fd, true)?;
            }
            AddressFamily::UNIX => {}
            _ => return Err(bad("the descriptor is neither a TCP nor a Unix socket")),
        }
        rustix::io::ioctl_fionbio(&fd, true)?;
        rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC)?;
        Ok(Self(fd))
    }

    /// Reads what is there, into `buf`; 0 is the end of the stream.
    pub(super) fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        let read = rustix::io::retry_on_intr(|| {
            rustix::net::recv(&self.0, &mut *buf, RecvFlags::empty()).map(|(read, _)| read)
        })?;
        Ok(read)
    }

    /// Reads what is there, behind what `buf` holds and within its capacity; 0 is the end of the stream.
    #[cfg(feature = "tls")]
    pub(super) fn recv_into(&self, buf: &mut Vec<u8>) -> io::Result<usize> {
        let read = rustix::io::retry_on_intr(|| {
            let room = rustix::buffer::spare_capacity(buf);
            rustix::net::recv(&self.0, room, RecvFlags::empty()).map(|(read, _)| read)
        })?;
        Ok(read)
    }

    /// Looks at what is there without taking it; 0 is the end of the stream.
    pub(super) fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        let seen = rustix::io::retry_on_intr(|| {
            rustix::net::recv(&self.0, &mut *buf, RecvFlags::PEEK).map(|(seen, _)| seen)
        })?;
        Ok(seen)
    }

    /// Sends what fits, without a signal.
    pub(super) fn send(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        send(&self.0, bufs)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The bottom of a stack of layers: nothing is kept here.
impl Layer for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<Input> {
        self.recv(buf).map(Input::of)
    }

    fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.send(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&mut self) {}

    fn wants(&self) -> Wants {
        Wants::OF_SOCKET
    }
}
