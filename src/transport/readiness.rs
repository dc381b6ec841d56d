//! Driving non-blocking layers from async code, until they are handed over as a [`Link`](super::Link).

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::net::TcpStream;

use super::error::{ConnectError, Stage};
use super::socket::Socket;

/// A duplicate of the connection's descriptor, registered with the runtime.
pub(super) struct Readiness(TcpStream);

impl Readiness {
    /// Registers a duplicate of the socket's descriptor.
    pub(super) fn of(socket: &Socket) -> io::Result<Self> {
        TcpStream::from_std(socket.0.try_clone()?).map(Self)
    }

    /// Waits until trying again makes sense. Call it only after a `WouldBlock`: an event that comes between that and
    /// this call is still seen, and one from before it costs no more than one idle turn.
    pub(super) async fn wait(&self, interest: Interest) -> io::Result<()> {
        self.0.ready(interest).await?;
        // Tells the runtime that this event is used up.
        let _ = self
            .0
            .try_io(interest, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
        Ok(())
    }

    /// Repeats `step` until it is something other than `WouldBlock`.
    pub(super) async fn retry<T>(
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

    /// Takes the descriptor back from the runtime.
    pub(super) fn into_fd(self) -> io::Result<OwnedFd> {
        self.0.into_std().map(OwnedFd::from)
    }
}

/// Turns an I/O error into that of a stage.
pub(super) fn at(stage: Stage) -> impl Fn(io::Error) -> ConnectError {
    move |e| ConnectError::new(stage, e)
}
