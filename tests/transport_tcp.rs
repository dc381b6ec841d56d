//! Reaching a server: names, several addresses, deadlines, Unix sockets, and a peer that is gone.

mod transport_common;

use std::io::{ErrorKind, IoSlice, Read};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use paho_oxide::transport::resolve::{Resolution, Resolver};
use paho_oxide::transport::{Connector, Link, Stage};
use tokio::time::Instant;
use transport_common::{
    Fixed, PATIENCE, connect_with, in_child, options, parse, paused_runtime, poll_in, read,
    runtime, temp_dir,
};

/// A name server that answers after 20 s.
struct Slow;

impl Resolver for Slow {
    fn resolve(&self, _host: &str, port: u16) -> Resolution {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
        })
    }
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// The engine moves links between threads and spawns connects on a runtime of many threads.
#[test]
fn a_connect_may_run_on_any_thread() {
    fn assert_send<T: Send>(_: &T) {}
    fn assert_sync<T: Sync>() {}
    assert_sync::<Link>();
    let (uri, options, connector) = (parse("tcp://127.0.0.1:1"), options(), Connector::default());
    assert_send(&connector.connect(&uri, &options, Instant::now()));
}

#[test]
fn bytes_pass_both_ways() {
    let (listener, port) = listener();
    let link = connect_with(
        &Connector::default(),
        &format!("tcp://localhost:{port}"),
        &options(),
    )
    .unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    assert_eq!(
        link.write(&[IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"c")])
            .unwrap(),
        3
    );
    let mut buf = [0; 3];
    peer.read_exact(&mut buf).unwrap();
    assert_eq!(&buf, b"abc");
    assert_eq!(
        read(&link, &mut buf).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    std::io::Write::write_all(&mut peer, b"xyz").unwrap();
    poll_in(&link);
    assert_eq!(read(&link, &mut buf).unwrap(), 3);
    assert_eq!(&buf, b"xyz");
    link.shutdown();
    assert_eq!(read(&link, &mut buf).unwrap(), 0);
    assert_eq!(peer.read(&mut buf).unwrap(), 0);
}

#[test]
fn more_buffers_than_the_system_takes_at_once() {
    let (listener, port) = listener();
    let link = connect_with(
        &Connector::default(),
        &format!("127.0.0.1:{port}"),
        &options(),
    )
    .unwrap();
    let _peer = listener.accept().unwrap();
    let bufs = vec![IoSlice::new(b"x"); 5000];
    assert_eq!(link.write(&bufs).unwrap(), 1024);
}

#[test]
fn socket_options() {
    let (_listener, port) = listener();
    let link = connect_with(
        &Connector::default(),
        &format!("127.0.0.1:{port}"),
        &options(),
    )
    .unwrap();
    assert!(rustix::net::sockopt::tcp_nodelay(link.fd().unwrap()).unwrap());
    assert!(rustix::net::sockopt::socket_keepalive(link.fd().unwrap()).unwrap());
    assert!(
        rustix::io::fcntl_getfd(link.fd().unwrap())
            .unwrap()
            .contains(rustix::io::FdFlags::CLOEXEC)
    );
    assert!(
        rustix::fs::fcntl_getfl(link.fd().unwrap())
            .unwrap()
            .contains(rustix::fs::OFlags::NONBLOCK)
    );
}

/// A listener whose queue is full neither answers nor refuses: as dead as a host that is off.
#[test]
fn the_first_address_is_dead_and_the_second_alive() {
    let (alive, port) = listener();
    let dead = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::STREAM,
        None,
    )
    .unwrap();
    rustix::net::bind(&dead, &SocketAddr::from(([127, 0, 0, 2], 0))).unwrap();
    rustix::net::listen(&dead, 0).unwrap();
    let dead_address = SocketAddr::try_from(rustix::net::getsockname(&dead).unwrap()).unwrap();
    let filler = || {
        let filler = rustix::net::socket_with(
            rustix::net::AddressFamily::INET,
            rustix::net::SocketType::STREAM,
            rustix::net::SocketFlags::NONBLOCK,
            None,
        );
        let filler = filler.unwrap();
        let _ = rustix::net::connect(&filler, &dead_address);
        filler
    };
    let _fill: Vec<_> = (0..8).map(|_| filler()).collect();

    let refused = SocketAddr::from(([127, 0, 0, 1], 1));
    for first in [vec![dead_address], vec![dead_address, refused]] {
        let mut addresses = first;
        addresses.push(SocketAddr::from(([127, 0, 0, 1], port)));
        let start = std::time::Instant::now();
        let connector = Connector::with_resolver(Arc::new(Fixed(addresses)));
        connect_with(&connector, &format!("some.name:{port}"), &options()).unwrap();
        // Waiting for the dead one takes as long as the attempt may.
        let took = start.elapsed();
        assert!(took < PATIENCE / 2, "{took:?}");
        alive.accept().unwrap();
    }
}

#[test]
fn every_address_is_named_when_all_fail() {
    let refused: Vec<_> = [1, 2].map(|n| SocketAddr::from(([127, 0, 0, n], 1))).into();
    let connector = Connector::with_resolver(Arc::new(Fixed(refused)));
    let error = connect_with(&connector, "some.name:1", &options()).unwrap_err();
    assert_eq!(error.stage, Stage::Tcp);
    assert!(
        error.message.contains("127.0.0.1:1: ") && error.message.contains("127.0.0.2:1: "),
        "{error}"
    );
}

#[test]
fn a_name_without_address() {
    let error =
        connect_with(&Connector::default(), "tcp://no..such.host:1", &options()).unwrap_err();
    assert_eq!(error.stage, Stage::Resolve, "{error}");
    let connector = Connector::with_resolver(Arc::new(Fixed(vec![])));
    let error = connect_with(&connector, "tcp://empty:1", &options()).unwrap_err();
    assert_eq!(error.stage, Stage::Resolve, "{error}");
}

#[test]
fn a_slow_resolver_counts_against_the_deadline() {
    paused_runtime().block_on(async {
        let start = Instant::now();
        let connector = Connector::with_resolver(Arc::new(Slow));
        let deadline = start + Duration::from_secs(5);
        let error = connector
            .connect(&parse("tcp://slow:1"), &options(), deadline)
            .await
            .unwrap_err();
        assert_eq!(error.stage, Stage::Deadline);
        assert_eq!(error.message, "timed out during name resolution");
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    });
}

/// 600 calls that never return fill every thread that a look-up could have; a literal needs none.
#[test]
fn slow_names_do_not_hold_up_a_literal_address() {
    let (listener, port) = listener();
    let gate = Arc::new(RwLock::new(()));
    let closed = gate.write().unwrap();
    let runtime = runtime();
    runtime.block_on(async {
        for _ in 0..600 {
            let gate = Arc::clone(&gate);
            tokio::task::spawn_blocking(move || drop(gate.read()));
        }
        let deadline = Instant::now() + Duration::from_secs(100);
        let uri = parse(&format!("127.0.0.1:{port}"));
        Connector::default()
            .connect(&uri, &options(), deadline)
            .await
            .unwrap();
        listener.accept().unwrap();
        // The same by name is what has to wait.
        let uri = parse(&format!("localhost:{port}"));
        let deadline = Instant::now() + Duration::from_millis(100);
        let error = Connector::default()
            .connect(&uri, &options(), deadline)
            .await
            .unwrap_err();
        assert_eq!(error.message, "timed out during name resolution");
    });
    drop(closed);
}

#[test]
fn literal_addresses_are_not_looked_up() {
    struct Never;
    impl Resolver for Never {
        fn resolve(&self, host: &str, _port: u16) -> Resolution {
            panic!("{host} is no name");
        }
    }
    let (_listener, port) = listener();
    let connector = Connector::with_resolver(Arc::new(Never));
    connect_with(&connector, &format!("127.0.0.1:{port}"), &options()).unwrap();
    let _ = connect_with(&connector, &format!("[::1]:{port}"), &options());
    let _ = connect_with(&connector, &format!("[::1%lo]:{port}"), &options());
}

#[test]
fn unix_sockets() {
    let dir = temp_dir();
    let path = dir.path().join("broker.sock");
    let uri = format!("unix://{}", path.display());
    let error = connect_with(&Connector::default(), &uri, &options()).unwrap_err();
    assert_eq!(error.stage, Stage::Tcp, "{error}");
    let listener = UnixListener::bind(&path).unwrap();
    let link = connect_with(&Connector::default(), &uri, &options()).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    assert_eq!(
        link.write(&[IoSlice::new(b"ab"), IoSlice::new(b"c")])
            .unwrap(),
        3
    );
    let mut buf = [0; 3];
    peer.read_exact(&mut buf).unwrap();
    assert_eq!(&buf, b"abc");
    drop(peer);
    poll_in(&link);
    assert_eq!(read(&link, &mut buf).unwrap(), 0);
}

/// The system does not wait for a place in a Unix socket's queue, so the connect has to.
#[test]
fn a_busy_unix_socket_is_waited_for() {
    let dir = temp_dir();
    let path = dir.path().join("busy.sock");
    let busy = UnixListener::bind(&path).unwrap();
    rustix::net::listen(&busy, 0).unwrap();
    let uri = format!("unix://{}", path.display());
    let _first = connect_with(&Connector::default(), &uri, &options()).unwrap();
    runtime().block_on(async {
        let deadline = Instant::now() + Duration::from_millis(50);
        let error = Connector::default()
            .connect(&parse(&uri), &options(), deadline)
            .await
            .unwrap_err();
        assert_eq!(error.stage, Stage::Deadline, "{error}");
    });
    let server = std::thread::spawn(move || (busy.accept().unwrap(), busy));
    connect_with(&Connector::default(), &uri, &options()).unwrap();
    server.join().unwrap();
}

/// Rust ignores SIGPIPE at start; a C program does not. In a child with the default disposition a write to a peer that
/// is gone has to give an error.
#[test]
fn no_sigpipe_on_tcp_and_unix() {
    if !in_child("no_sigpipe_on_tcp_and_unix") {
        return;
    }
    let dir = temp_dir();
    let path = dir.path().join("broker.sock");
    let (tcp, port) = listener();
    let unix = UnixListener::bind(&path).unwrap();
    for uri in [
        format!("127.0.0.1:{port}"),
        format!("unix://{}", path.display()),
    ] {
        let link = connect_with(&Connector::default(), &uri, &options()).unwrap();
        if uri.starts_with("unix") {
            drop(unix.accept().unwrap());
        } else {
            drop(tcp.accept().unwrap());
        }
        poll_in(&link);
        for bufs in [
            &[IoSlice::new(b"a")][..],
            &[IoSlice::new(b"a"), IoSlice::new(b"b")],
        ] {
            // TCP finds out with the answer to the first write.
            while link.write(bufs).is_ok() {}
            let kind = link.write(bufs).unwrap_err().kind();
            assert!(
                matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset),
                "{uri}: {kind}"
            );
        }
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn a_build_without_tls_says_so() {
    for uri in ["ssl://127.0.0.1:1", "wss://127.0.0.1:1"] {
        let error = connect_with(&Connector::default(), uri, &options()).unwrap_err();
        assert_eq!(error.stage, Stage::NotSupported);
    }
}
