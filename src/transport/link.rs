//! An established connection, whatever it is made of.

use std::fmt;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crate::os::lock::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec};

use crate::os::Uncancellable;

use super::error::{ConnectError, Stage};
use super::layer::{Input, Layer, Want, Wants};
use super::readiness::{Carrier, Readiness, at};
use super::socket::Socket;
use super::stream::{self, ByteStream, Stream, Wake, Waker};

/// A non-blocking byte stream that any thread may read, write and poll: an established connection to a server.
///
/// Each call ends after a bounded piece of work. See [`Input`] for what a read can come to and [`Wants`] for the rules
/// that keep both directions going.
pub struct Link(Kind);

enum Kind {
    /// TCP or Unix: reads and writes need no lock.
    Socket(Socket),
    /// Bytes that the program carries; the stream has its own lock.
    Stream(Stream),
    /// One with layers.
    Layered(Layers),
}

/// Layers, which one thread uses at a time.
struct Layers {
    layer: Mutex<Box<dyn Layer>>,
    /// What the layers wanted after the last call: whoever asks does not wait for a thread that is reading.
    wants: AtomicU8,
    /// What carries them, for polling.
    carrier: Carrier,
}

impl Layers {
    /// Calls the layers. What OpenSSL does may be a cancellation point.
    fn with<T>(&self, call: impl FnOnce(&mut dyn Layer) -> T) -> T {
        let _call = Uncancellable::new();
        let mut layer = self.layer.lock();
        let result = call(&mut **layer);
        self.wants.store(layer.wants().to_bits(), Ordering::Release);
        result
    }

    fn wants(&self) -> Wants {
        Wants::from_bits(self.wants.load(Ordering::Acquire))
    }

    /// Ends the layers. Returns them: they have keys, and must not wait for whoever still has the link.
    fn end(&self) -> Box<dyn Layer> {
        let _call = Uncancellable::new();
        let mut layer = self.layer.lock();
        layer.shutdown();
        let ended = Ended {
            details: layer.take_details(),
        };
        self.wants.store(ended.wants().to_bits(), Ordering::Release);
        std::mem::replace(&mut *layer, Box::new(ended))
    }
}

/// What is left of layers that have ended.
struct Ended {
    details: Vec<String>,
}

impl Layer for Ended {
    fn read(&mut self, _: &mut [u8]) -> io::Result<Input> {
        Ok(Input::End)
    }

    fn write(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&mut self) {}

    fn wants(&self) -> Wants {
        Wants::OF_SOCKET
    }

    fn take_details(&mut self) -> Vec<String> {
        std::mem::take(&mut self.details)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Kind::Socket(_) => "Socket",
            Kind::Stream(_) => "Stream",
            Kind::Layered(..) => "Layered",
        };
        f.debug_tuple(kind).field(&self.fd()).finish()
    }
}

impl Link {
    /// Takes over a descriptor that the program has connected: a TCP or Unix stream socket. It is made non-blocking and
    /// close-on-exec, and Nagle's algorithm is turned off. From here on it is the link's; it is closed with the link.
    ///
    /// Nothing has been read or written: what the program has said over it before, a proxy's or TLS's handshake in a
    /// tunnel, is the program's affair.
    ///
    /// # Errors
    /// `InvalidInput` for a socket of another kind; the system's error for a descriptor that is no socket (`ENOTSOCK`)
    /// or not connected (`ENOTCONN`). The descriptor is closed then.
    pub fn adopt(fd: OwnedFd) -> io::Result<Self> {
        Socket::adopt(fd).map(Self::of_socket)
    }

    /// Makes a link without a descriptor: its owner carries the bytes. At most `capacity` bytes wait in each direction
    /// ([`stream::DEFAULT_CAPACITY`] is a good number). `owner` is called when the owner's end has something to take or
    /// room to feed again; see [`Waker`] for what it may do.
    pub fn stream(capacity: usize, owner: Waker) -> (Self, ByteStream) {
        let (stream, bytes) = stream::pair(capacity, owner);
        (Self(Kind::Stream(stream)), bytes)
    }

    pub(super) fn of_socket(socket: Socket) -> Self {
        Self(Kind::Socket(socket))
    }

    /// Takes over layers from the runtime that established them.
    pub(super) fn of_layers(
        layer: impl Layer + 'static,
        readiness: Readiness,
    ) -> Result<Self, ConnectError> {
        let carrier = readiness.into_carrier().map_err(at(Stage::Tcp))?;
        Ok(Self(Kind::Layered(Layers {
            wants: AtomicU8::new(layer.wants().to_bits()),
            layer: Mutex::new(Box::new(layer)),
            carrier,
        })))
    }

    /// Takes a link without layers apart, to put some on it.
    pub(super) fn into_bottom(self) -> Result<Bottom, Self> {
        match self.0 {
            Kind::Socket(socket) => Ok(Bottom::Socket(socket)),
            Kind::Stream(stream) => Ok(Bottom::Stream(stream)),
            layered @ Kind::Layered(..) => Err(Self(layered)),
        }
    }

    /// Reads what is there, without blocking.
    pub fn read(&self, buf: &mut [u8]) -> io::Result<Input> {
        match &self.0 {
            Kind::Socket(socket) => socket.recv(buf).map(Input::of),
            Kind::Stream(stream) => stream.0.read(buf),
            Kind::Layered(layers) => layers.with(|layer| layer.read(buf)),
        }
    }

    /// Writes what fits, without blocking and without ever raising SIGPIPE.
    pub fn write(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        match &self.0 {
            Kind::Socket(socket) => socket.send(bufs),
            Kind::Stream(stream) => stream.0.write(bufs),
            Kind::Layered(layers) => layers.with(|layer| layer.write(bufs)),
        }
    }

    /// Pushes what a layer has kept back, and goes on with a read that waited for room.
    pub fn flush(&self) -> io::Result<()> {
        match &self.0 {
            Kind::Socket(_) | Kind::Stream(_) => Ok(()),
            Kind::Layered(layers) => layers.with(|layer| layer.flush()),
        }
    }

    /// Returns what reading and writing wait for.
    pub fn wants(&self) -> Wants {
        match &self.0 {
            Kind::Socket(_) | Kind::Stream(_) => Wants::OF_SOCKET,
            Kind::Layered(layers) => layers.wants(),
        }
    }

    /// Returns true if bytes are waiting inside: polling the carrier would not tell of them.
    pub fn has_buffered(&self) -> bool {
        self.wants().read == Want::Call
    }

    /// Returns true if a layer has bytes to send: when there is room, [`flush`](Self::flush) is due. Also a read can
    /// cause this.
    pub fn has_unsent(&self) -> bool {
        self.wants().write != Want::Nothing
    }

    /// Returns true if bytes have come that nobody has read, with the carrier or in a layer.
    pub fn has_unread(&self) -> bool {
        let waiting =
            |fd: BorrowedFd<'_>| rustix::io::ioctl_fionread(fd).is_ok_and(|bytes| bytes > 0);
        match &self.0 {
            Kind::Socket(socket) => waiting(socket.as_fd()),
            Kind::Stream(stream) => stream.0.has_input(),
            Kind::Layered(layers) => {
                let carried = match &layers.carrier {
                    Carrier::Descriptor(fd) => waiting(fd.as_fd()),
                    Carrier::Stream(stream) => stream.0.has_input(),
                };
                carried || layers.wants().read == Want::Call
            }
        }
    }

    /// Returns how many bytes the peer's TCP has not acknowledged; 0 where nobody tells, as with a byte stream.
    pub fn unacknowledged(&self) -> usize {
        self.fd().map_or(0, crate::os::unacknowledged)
    }

    /// Returns OpenSSL's account of the last error, line by line, once.
    pub fn take_details(&self) -> Vec<String> {
        match &self.0 {
            Kind::Socket(_) | Kind::Stream(_) => Vec::new(),
            Kind::Layered(layers) => layers.layer.lock().take_details(),
        }
    }

    /// Ends the connection: later reads give the end of the stream, also in a thread that is polling.
    pub fn shutdown(&self) {
        self.end(rustix::net::Shutdown::Both);
    }

    /// Ends this side of the connection: nothing more will be written, but the peer may go on. What it sends through layers
    /// cannot be read any more: their keys are gone.
    pub fn end_writing(&self) {
        self.end(rustix::net::Shutdown::Write);
    }

    fn end(&self, how: rustix::net::Shutdown) {
        if let Kind::Layered(layers) = &self.0 {
            let ended = layers.end();
            drop(ended);
        }
        match (self.fd(), self.as_stream()) {
            (Some(fd), _) => {
                // The peer may be gone already; there is nothing left to do about that here.
                let _ = rustix::net::shutdown(fd, how);
            }
            (None, Some(stream)) => stream.0.end(matches!(how, rustix::net::Shutdown::Both)),
            (None, None) => {}
        }
    }

    /// Returns the descriptor to poll. A byte stream has none: its owner's calls move its bytes.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.0 {
            Kind::Socket(socket) => Some(socket.as_fd()),
            Kind::Stream(_) => None,
            Kind::Layered(layers) => match &layers.carrier {
                Carrier::Descriptor(fd) => Some(fd.as_fd()),
                Carrier::Stream(_) => None,
            },
        }
    }

    /// Returns the descriptor's number for a log; -1 for a byte stream.
    pub fn number(&self) -> RawFd {
        self.fd().map_or(-1, |fd| fd.as_raw_fd())
    }

    fn as_stream(&self) -> Option<&Stream> {
        match &self.0 {
            Kind::Stream(stream) => Some(stream),
            Kind::Socket(_) => None,
            Kind::Layered(layers) => match &layers.carrier {
                Carrier::Stream(stream) => Some(stream),
                Carrier::Descriptor(_) => None,
            },
        }
    }

    /// Waits inside a call, `timeout` at most, until the carrier is readable or, where `room` is asked for, writable.
    /// Returns early, with neither, when a signal interrupts the wait. An error or hang-up counts as readable.
    pub fn poll(&self, room: bool, timeout: Option<Duration>) -> Wake {
        let Some(fd) = self.fd() else {
            return self
                .as_stream()
                .map_or_else(Wake::default, |stream| stream.0.poll(room, timeout));
        };
        let mut flags = PollFlags::IN | PollFlags::RDHUP;
        flags.set(PollFlags::OUT, room);
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let mut fds = [PollFd::new(&fd, flags)];
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {
                let seen = fds[0].revents();
                Wake {
                    readable: seen.intersects(
                        PollFlags::IN | PollFlags::HUP | PollFlags::ERR | PollFlags::RDHUP,
                    ),
                    writable: seen.contains(PollFlags::OUT),
                }
            }
            Err(_) => Wake::default(),
        }
    }

    /// Returns something to wait with in asynchronous code, for as long as the connection is not watched otherwise.
    pub fn readiness(&self) -> io::Result<Readiness> {
        match (self.fd(), self.as_stream()) {
            (Some(fd), _) => Readiness::of(fd),
            (None, Some(stream)) => Ok(Readiness::of_stream(stream)),
            (None, None) => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// What a link without layers consists of.
pub(super) enum Bottom {
    Socket(Socket),
    Stream(Stream),
}

impl Bottom {
    pub(super) fn readiness(&self) -> io::Result<Readiness> {
        match self {
            Bottom::Socket(socket) => Readiness::of(socket),
            Bottom::Stream(stream) => Ok(Readiness::of_stream(stream)),
        }
    }
}

impl Layer for Bottom {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<Input> {
        match self {
            Bottom::Socket(socket) => socket.read(buf),
            Bottom::Stream(stream) => stream.read(buf),
        }
    }

    fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Bottom::Socket(socket) => socket.send(bufs),
            Bottom::Stream(stream) => stream.write(bufs),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&mut self) {}

    fn wants(&self) -> Wants {
        Wants::OF_SOCKET
    }
}

#[cfg(test)]
impl Link {
    /// Puts a test's layer on a descriptor that the layer reads and writes.
    pub fn layered(layer: Box<dyn Layer>, carrier: OwnedFd) -> Self {
        Self(Kind::Layered(Layers {
            wants: AtomicU8::new(layer.wants().to_bits()),
            layer: Mutex::new(layer),
            carrier: Carrier::Descriptor(carrier),
        }))
    }
}
