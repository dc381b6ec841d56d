//! A URI becomes a stack of non-blocking layers: tcp, unix, proxy, tls, websocket.
//!
//! Establishing a connection is asynchronous and runs on the connect runtime, under one deadline. What comes out is a
//! [`Link`]: a non-blocking byte stream that any thread may read, write and poll.

mod dial;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod http;
mod proxy;
mod race;
mod readiness;
pub mod resolve;
mod socket;
#[cfg(feature = "tls")]
mod tls;
mod upgrade;
pub mod uri;
mod websocket;

use std::fmt;
use std::io::{self, IoSlice, Read};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::options::ConnectOptions;
pub use error::{ConnectError, Stage};
use proxy::Proxy;
use readiness::{Readiness, at};
use resolve::{Resolver, SystemResolver};
use socket::Socket;
use upgrade::upgrade;
use uri::{Scheme, ServerUri};

/// This build has TLS; without it create refuses the TLS schemes.
pub const TLS_SUPPORTED: bool = cfg!(feature = "tls");

/// Makes the connections of one client, and remembers what helps the next one.
#[derive(Clone)]
pub struct Connector {
    resolver: Arc<dyn Resolver>,
    #[cfg(feature = "tls")]
    tls: tls::Tls,
}

impl Default for Connector {
    fn default() -> Self {
        Self::with_resolver(Arc::new(SystemResolver))
    }
}

impl Connector {
    /// Looks names up with `resolver`.
    pub fn with_resolver(resolver: Arc<dyn Resolver>) -> Self {
        Self {
            resolver,
            #[cfg(feature = "tls")]
            tls: tls::Tls::default(),
        }
    }

    /// Connects to `uri` before `deadline`, up to where MQTT starts.
    ///
    /// Runs inside a tokio runtime. Dropping the future closes whatever was open.
    pub async fn connect(
        &self,
        uri: &ServerUri,
        options: &ConnectOptions,
        deadline: Instant,
    ) -> Result<Link, ConnectError> {
        let progress = Progress(Mutex::new(Stage::Tcp));
        match timeout_at(deadline, self.establish(uri, options, &progress)).await {
            Ok(result) => result,
            Err(_) => Err(ConnectError::new(
                Stage::Deadline,
                format_args!("timed out during {}", *progress.0.lock()),
            )),
        }
    }

    async fn establish(
        &self,
        uri: &ServerUri,
        options: &ConnectOptions,
        progress: &Progress,
    ) -> Result<Link, ConnectError> {
        if uri.is_tls() {
            if !TLS_SUPPORTED {
                return Err(ConnectError::new(
                    Stage::NotSupported,
                    "this library is built without TLS",
                ));
            }
            if options.tls.is_none() {
                return Err(ConnectError::new(
                    Stage::NoTlsOptions,
                    "the server URI needs them",
                ));
            }
        }
        if uri.scheme == Scheme::Unix {
            return dial::unix(&uri.path, progress).await;
        }
        let socket = self.reach(uri, options, progress).await?;
        match (&options.tls, uri.is_tls(), uri.is_websocket()) {
            (_, false, false) => Ok(Link::Tcp(socket.0)),
            (_, false, true) => {
                let readiness = Readiness::of(&socket).map_err(at(Stage::WebSocket))?;
                progress.enter(Stage::WebSocket);
                let websocket = upgrade(socket, &readiness, uri, &options.http_headers).await?;
                Link::layered(websocket, readiness)
            }
            #[cfg(feature = "tls")]
            (Some(tls), true, websocket) => {
                let readiness = Readiness::of(&socket).map_err(at(Stage::Tls))?;
                progress.enter(Stage::Tls);
                let secured = self.tls.handshake(socket, &readiness, uri, tls).await?;
                if !websocket {
                    return Link::layered(secured, readiness);
                }
                progress.enter(Stage::WebSocket);
                let websocket = upgrade(secured, &readiness, uri, &options.http_headers).await?;
                Link::layered(websocket, readiness)
            }
            // Both were checked first.
            (_, true, _) => unreachable!("TLS without support or options"),
        }
    }

    /// Connects a socket to the server, or to a tunnel that leads there.
    async fn reach(
        &self,
        uri: &ServerUri,
        options: &ConnectOptions,
        progress: &Progress,
    ) -> Result<Socket, ConnectError> {
        let Some(proxy) = Proxy::choose(uri, options, |name| std::env::var(name).ok())? else {
            return dial::tcp(&uri.host, uri.port, &*self.resolver, progress).await;
        };
        let socket = dial::tcp(&proxy.host, proxy.port, &*self.resolver, progress).await?;
        progress.enter(Stage::Proxy);
        // Boxed, as it makes every attempt's future large and most need none.
        Box::pin(proxy.open_tunnel(&socket, uri)).await?;
        Ok(socket)
    }
}

/// Connects once, with the system's resolver.
pub async fn connect(
    uri: &ServerUri,
    options: &ConnectOptions,
    deadline: Instant,
) -> Result<Link, ConnectError> {
    Connector::default().connect(uri, options, deadline).await
}

/// The step a connect has come to, for the message when time runs out.
struct Progress(Mutex<Stage>);

impl Progress {
    fn enter(&self, stage: Stage) {
        *self.0.lock() = stage;
    }
}

/// A layer that keeps state of its own between the socket and MQTT: TLS, WebSocket.
///
/// Non-blocking: `WouldBlock` means "try again when the descriptor is readable or writable".
pub trait Layer: Send {
    /// Reads decoded bytes; `Ok(0)` is the end of the stream.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize>;
    /// Takes bytes to send, possibly keeping some of them in a buffer of its own; says how many it took.
    fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Pushes what `write` kept to the socket; `WouldBlock` while some is left.
    fn flush(&mut self) -> io::Result<()>;
    /// Says goodbye as the layer's protocol wants it (`close_notify`, close frame), without waiting.
    fn shutdown(&mut self);
    /// Decoded bytes, or bytes already read from the socket, are waiting: polling the descriptor would not tell.
    fn has_buffered(&self) -> bool;
    /// Bytes that `write` took, or that the layer's protocol wants sent (a pong), have not gone to the socket yet: call
    /// `flush` when the descriptor is writable.
    fn has_unsent(&self) -> bool;
    /// What the layer has to say of its last error, besides that error's message: line by line, once.
    ///
    /// The layers call nothing of the program's. They are used under locks and on threads that others depend on.
    fn take_details(&mut self) -> Vec<String> {
        Vec::new()
    }
    /// The socket to poll.
    fn as_fd(&self) -> BorrowedFd<'_>;
}

/// An established connection to a server.
pub enum Link {
    /// Plain TCP: reads and writes need no lock.
    Tcp(TcpStream),
    /// Unix domain socket.
    Unix(UnixStream),
    /// One with layers, which one thread uses at a time, and a duplicate of its descriptor for polling.
    Layered(Mutex<Box<dyn Layer>>, std::os::fd::OwnedFd),
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Link::Tcp(_) => "Tcp",
            Link::Unix(_) => "Unix",
            Link::Layered(..) => "Layered",
        };
        f.debug_tuple(kind).field(&self.as_fd()).finish()
    }
}

impl Link {
    /// Takes over layers from the runtime that established them.
    fn layered(layer: impl Layer + 'static, readiness: Readiness) -> Result<Self, ConnectError> {
        let fd = readiness.into_fd().map_err(at(Stage::Tcp))?;
        Ok(Link::Layered(Mutex::new(Box::new(layer)), fd))
    }

    /// Reads what is there, without blocking; `Ok(0)` is the end of the stream.
    pub fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Link::Tcp(s) => (&mut &*s).read(buf),
            Link::Unix(s) => (&mut &*s).read(buf),
            Link::Layered(layer, _) => layer.lock().read(buf),
        }
    }

    /// Writes what fits, without blocking and without ever raising SIGPIPE.
    pub fn write(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Link::Tcp(s) => socket::send(s, bufs),
            Link::Unix(s) => socket::send(s, bufs),
            Link::Layered(layer, _) => layer.lock().write(bufs),
        }
    }

    /// Pushes what a layer has kept back.
    pub fn flush(&self) -> io::Result<()> {
        match self {
            Link::Tcp(_) | Link::Unix(_) => Ok(()),
            Link::Layered(layer, _) => layer.lock().flush(),
        }
    }

    /// Bytes are waiting inside a layer.
    pub fn has_buffered(&self) -> bool {
        match self {
            Link::Tcp(_) | Link::Unix(_) => false,
            Link::Layered(layer, _) => layer.lock().has_buffered(),
        }
    }

    /// A layer has bytes to send: poll for room and [`flush`](Self::flush). Also a read can cause this.
    pub fn has_unsent(&self) -> bool {
        match self {
            Link::Tcp(_) | Link::Unix(_) => false,
            Link::Layered(layer, _) => layer.lock().has_unsent(),
        }
    }

    /// OpenSSL's account of the last error, line by line, once.
    pub fn take_details(&self) -> Vec<String> {
        match self {
            Link::Tcp(_) | Link::Unix(_) => Vec::new(),
            Link::Layered(layer, _) => layer.lock().take_details(),
        }
    }

    /// Ends the connection: later reads give the end of the stream, also in a thread that is polling.
    pub fn shutdown(&self) {
        self.end(rustix::net::Shutdown::Both);
    }

    /// Ends this side of the connection: nothing more will be written, but the peer may go on.
    pub fn end_writing(&self) {
        self.end(rustix::net::Shutdown::Write);
    }

    fn end(&self, how: rustix::net::Shutdown) {
        let fd = match self {
            Link::Tcp(s) => s.as_fd(),
            Link::Unix(s) => s.as_fd(),
            Link::Layered(layer, fd) => {
                layer.lock().shutdown();
                fd.as_fd()
            }
        };
        // The peer may be gone already; there is nothing left to do about that here.
        let _ = rustix::net::shutdown(fd, how);
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Link::Tcp(s) => s.as_fd(),
            Link::Unix(s) => s.as_fd(),
            Link::Layered(_, fd) => fd.as_fd(),
        }
    }
}
