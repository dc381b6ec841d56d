//! From a host and a port, or a path, to a connected socket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, UnixStream};
use tokio::time::sleep;

use super::race::race;
use super::resolve::{Resolver, interleave, literal};
use super::socket::{Socket, no_sigpipe};
use super::{ConnectError, Link, Progress, Stage};

/// Resolves `host`, unless it is a literal, and connects to whichever of its addresses answers first.
pub(super) async fn tcp(
    host: &str,
    port: u16,
    resolver: &dyn Resolver,
    progress: &Progress,
) -> Result<Socket, ConnectError> {
    let addresses = if let Some(address) = literal(host, port) {
        vec![address]
    } else {
        progress.enter(Stage::Resolve);
        let resolved = resolver.resolve(host, port).await;
        interleave(
            resolved.map_err(|e| ConnectError::new(Stage::Resolve, format_args!("{host}: {e}")))?,
        )
    };
    if addresses.is_empty() {
        return Err(ConnectError::new(
            Stage::Resolve,
            format_args!("{host} has no address"),
        ));
    }
    progress.enter(Stage::Tcp);
    race(addresses, |address| async move {
        connect(address)
            .await
            .map_err(|e| format!("{address}: {e}"))
    })
    .await
    .map_err(|errors| ConnectError::new(Stage::Tcp, errors.join("; ")))
}

/// Connects to one address. The socket is close-on-exec and non-blocking from its creation.
async fn connect(address: SocketAddr) -> io::Result<Socket> {
    let socket = if address.is_ipv6() {
        TcpSocket::new_v6()?
    } else {
        TcpSocket::new_v4()?
    };
    // MQTT packets are small and answered: Nagle's algorithm would hold each back for a round trip.
    socket.set_nodelay(true)?;
    // Finds out about a peer that vanished even where the program turned MQTT's own keep-alive off.
    socket.set_keepalive(true)?;
    no_sigpipe(&socket)?;
    Ok(Socket::new(socket.connect(address).await?.into_std()?))
}

/// How long to wait for a place in a Unix socket's queue.
const UNIX_RETRY: Duration = Duration::from_millis(10);

/// Connects to a Unix domain socket.
pub(super) async fn unix(path: &str, progress: &Progress) -> Result<Link, ConnectError> {
    progress.enter(Stage::Tcp);
    let stream = loop {
        match UnixStream::connect(path).await {
            // The server's queue is full. Unlike TCP the system does not wait, and nothing can be polled for a place;
            // the deadline ends this.
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => sleep(UNIX_RETRY).await,
            result => break result,
        }
    };
    stream
        .and_then(UnixStream::into_std)
        .and_then(|stream| no_sigpipe(&stream).map(|()| Link::of_socket(Socket::new(stream))))
        .map_err(|e| ConnectError::new(Stage::Tcp, format_args!("{path}: {e}")))
}
