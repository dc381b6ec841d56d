//! Driving a non-blocking carrier, and what lies upon it, from asynchronous code: while connecting, and while a closed
//! connection lingers.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use tokio::io::Interest;
use tokio::net::UnixStream;

use super::error::{ConnectError, Stage};
use super::layer::Input;
use super::stream::{Shared, Stream};

/// What is under the layers.
pub(super) enum Carrier {
    /// A duplicate of the layers' descriptor.
    Descriptor(OwnedFd),
    Stream(Stream),
}

/// Waits for a carrier to become readable or writable.
pub struct Readiness(Source);

enum Source {
    /// A duplicate of the connection's descriptor, registered with the runtime. Its type only serves to wait: tokio
    /// offers that for sockets of its own types, and a Unix stream can be made of any descriptor.
    Descriptor(UnixStream),
    /// A byte stream's own notification.
    Stream(Arc<Shared>),
}

impl Readiness {
    /// Registers a duplicate of the socket's descriptor with the runtime.
    pub(super) fn of(socket: impl AsFd) -> io::Result<Self> {
        let duplicate = socket.as_fd().try_clone_to_owned()?;
        let duplicate = std::os::unix::net::UnixStream::from(duplicate);
        Ok(Self(Source::Descriptor(UnixStream::from_std(duplicate)?)))
    }

    /// Waits for a byte stream.
    pub(super) fn of_stream(stream: &Stream) -> Self {
        Self(Source::Stream(Arc::clone(&stream.0)))
    }

    /// Waits until trying again makes sense. Call it only after a `WouldBlock`: an event that comes between that and
    /// this call is still seen, and one from before it costs no more than one idle turn.
    pub(super) async fn wait(&self, interest: Interest) -> io::Result<()> {
        match &self.0 {
            Source::Descriptor(socket) => {
                socket.ready(interest).await?;
                // Tells the runtime that this event is used up.
                let _ = socket.try_io(interest, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
            }
            Source::Stream(shared) => shared.wait(interest).await,
        }
        Ok(())
    }

    /// Repeats `step` until it is something other than `WouldBlock`.
    pub async fn retry<T>(
        &self,
        interest: Interest,
        mut step: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            match step() {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.wait(interest).await?,
                result => return result,
            }
        }
    }

    /// Repeats `read` until it brings bytes or the end of the stream, which is 0. Lets other tasks have their turn, and
    /// deadlines expire, while the peer sends input without payload.
    pub async fn read(&self, mut read: impl FnMut() -> io::Result<Input>) -> io::Result<usize> {
        loop {
            match self.retry(Interest::READABLE, &mut read).await? {
                Input::Bytes(read) => return Ok(read),
                Input::End => return Ok(0),
                Input::Again => yield_turn().await,
            }
        }
    }

    /// Takes the descriptor back from the runtime, or the stream.
    pub(super) fn into_carrier(self) -> io::Result<Carrier> {
        Ok(match self.0 {
            Source::Descriptor(socket) => Carrier::Descriptor(socket.into_std()?.into()),
            Source::Stream(shared) => Carrier::Stream(Stream(shared)),
        })
    }
}

/// Goes to the back of the runtime's queue. The runtime looks at timers between tasks, so that a deadline around a loop
/// that calls this holds, whatever the peer sends.
pub(super) async fn yield_turn() {
    tokio::task::yield_now().await;
}

/// Turns an I/O error into that of a stage.
pub(super) fn at(stage: Stage) -> impl Fn(io::Error) -> ConnectError {
    move |e| {
        let number = e.raw_os_error();
        ConnectError::new(stage, e).with_os_error(number)
    }
}
