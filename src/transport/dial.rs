//! From a host and a port, or a path, to a connected socket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::{TcpSocket, UnixStream};
use tokio::time::sleep;

use super::race::race;
use super::resolve::{Resolver, interleave, literal};
use super::socket::Socket;
use super::{ConnectError, Link, Progress, Stage};
use crate::options::NetworkOptions;

/// Resolves `host`, unless it is a literal, and connects to whichever of its addresses answers first.
pub(super) async fn tcp(
    host: &str,
    port: u16,
    resolver: &dyn Resolver,
    network: &NetworkOptions,
    progress: &Progress,
) -> Result<Socket, ConnectError> {
    let mut addresses = if let Some(address) = literal(host, port) {
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
    if let Some(local) = network.bind_address {
        addresses.retain(|address| address.is_ipv6() == local.is_ipv6());
        if addresses.is_empty() {
            let message = format!("{host} has no address of the family of {local}");
            return Err(ConnectError::new(Stage::Tcp, message));
        }
    }
    progress.enter(Stage::Tcp);
    race(addresses, |address| async move {
        connect(address, network)
            .await
            .map_err(|(why, number)| (format!("{address}: {why}"), number))
    })
    .await
    .map_err(|errors| {
        let number = errors.iter().rev().find_map(|(_, number)| *number);
        let texts: Vec<_> = errors.into_iter().map(|(text, _)| text).collect();
        ConnectError::new(Stage::Tcp, texts.join("; ")).with_os_error(number)
    })
}

/// Connects to one address. The socket is close-on-exec and non-blocking from its creation.
async fn connect(address: SocketAddr, network: &NetworkOptions) -> Result<Socket, Failed> {
    let socket = prepare(address, network).map_err(|e| because(&e))?;
    if let Some(local) = network.bind_address {
        socket.bind(SocketAddr::new(local, 0)).map_err(|e| {
            let (why, number) = because(&e);
            (format!("bind to {local}: {why}"), number)
        })?;
    }
    let stream = socket.connect(address).await.map_err(|e| because(&e))?;
    stream.into_std().map(Socket::new).map_err(|e| because(&e))
}

/// Why an address cannot be reached, in words and as the system's error number.
type Failed = (String, Option<i32>);

fn because(error: &io::Error) -> Failed {
    (error.to_string(), error.raw_os_error())
}

/// Makes a socket for an address.
fn prepare(address: SocketAddr, network: &NetworkOptions) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv6() {
        TcpSocket::new_v6()?
    } else {
        TcpSocket::new_v4()?
    };
    // MQTT packets are small and answered: Nagle's algorithm would hold each back for a round trip.
    socket.set_nodelay(true)?;
    set_up(&socket, network)?;
    Ok(socket)
}

/// Sets what the program wants of TCP.
fn set_up(socket: &TcpSocket, network: &NetworkOptions) -> io::Result<()> {
    // Finds out about a peer that vanished even where the program turned MQTT's own keep-alive off.
    socket.set_keepalive(network.keep_alive.is_none_or(|idle| !idle.is_zero()))?;
    if let Some(idle) = network.keep_alive.filter(|idle| !idle.is_zero()) {
        let idle = idle.max(Duration::from_secs(1));
        sockopt::set_tcp_keepidle(socket, idle)?;
        sockopt::set_tcp_keepintvl(socket, idle)?;
    }
    if let Some(timeout) = network.user_timeout {
        let milliseconds = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        sockopt::set_tcp_user_timeout(socket, milliseconds)?;
    }
    Ok(())
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
        .map(|stream| Link::of_socket(Socket::new(stream)))
        .map_err(|e| {
            let failed = ConnectError::new(Stage::Tcp, format_args!("{path}: {e}"));
            failed.with_os_error(e.raw_os_error())
        })
}
