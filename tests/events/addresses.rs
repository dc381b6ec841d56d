//! The addresses of a connection, of every kind that a socket can have.

use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

use paho_oxide::events::{Connect, Create, Kind};

use crate::server::{PATIENCE, Program, Server};
use crate::stores::Scratch;

/// Attaches a socket. Returns the server's address and our own, as the client tells them.
fn of(socket: OwnedFd) -> (String, String) {
    let program = Program::new(Create::default());
    program
        .client
        .attach_fd(socket, Connect::default())
        .expect("attached");
    let of = |address: Result<String, _>| address.expect("an address");
    (
        of(program.client.peer_address()),
        of(program.client.local_address()),
    )
}

#[test]
fn of_tcp() {
    for any in ["127.0.0.1:0", "[::1]:0"] {
        // Not every machine has IPv6.
        let Ok(listener) = TcpListener::bind(any) else {
            continue;
        };
        let server = listener.local_addr().expect("its address");
        let socket = TcpStream::connect(server).expect("a connection");
        let ours = socket.local_addr().expect("our address");
        assert_eq!(of(socket.into()), (server.to_string(), ours.to_string()));
    }
}

#[test]
fn of_a_unix_socket() {
    let scratch = Scratch::new();
    let path = scratch.0.join("broker.socket");
    let listener = UnixListener::bind(&path).expect("a path");
    let text = path.to_str().expect("UTF-8").to_owned();
    let socket = UnixStream::connect(&path).expect("a connection");
    assert_eq!(of(socket.into()), (text.clone(), String::new()));

    // Made by the engine.
    let program = Program::new(Create::default());
    program
        .client
        .connect(vec![format!("unix://{text}")], Connect::default(), None)
        .expect("begun");
    drop(listener.accept().expect("the first"));
    let mut server = Server(listener.accept().expect("the second").0);
    server
        .0
        .set_read_timeout(Some(PATIENCE))
        .expect("a time-out");
    server.packet();
    server.send(&[0x20, 2, 0, 0]);
    program.expect(Kind::Connected);
    assert_eq!(program.client.peer_address().expect("connected"), text);

    let (ours, _theirs) = UnixStream::pair().expect("a socket pair");
    assert_eq!(of(ours.into()), (String::new(), String::new()));
}

#[test]
fn of_an_abstract_unix_socket() {
    let name = format!("paho-oxide-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let _listener = UnixListener::bind_addr(&address).expect("a socket");
    let socket = UnixStream::connect_addr(&address).expect("a connection");
    assert_eq!(of(socket.into()), (format!("@{name}"), String::new()));
}
