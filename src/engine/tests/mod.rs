//! Clients whose program is a list of what it heard. Those of [`carried`] have neither threads nor sockets; the others are on
//! socket pairs whose other end is a server by hand.

mod buffering;
pub(super) mod carried;
mod driving;
mod ending;
mod panics;
pub(super) mod program;
mod publishing;
mod receiving;
mod restored;
mod settling;
pub(super) mod shelf;
mod storing;
mod telling;
mod trying;
mod unwatched;
mod waiting;
mod wants;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use super::core::Thread;
use super::delivery::queue::Driver;
use super::{Client, Setup};
use crate::options::{ConnectOptions, VersionChoice};
use crate::persistence::Store;
use crate::protocol::QoS;
use crate::protocol::packet::Publish;
use crate::protocol::property::{Properties, PropertiesRef};
use crate::transport::Link;
use crate::transport::stream::ByteStream;
use program::Program;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
pub(super) const CONNACK: &[u8] = &[0x20, 2, 0, 0];

pub(super) fn publish(qos: QoS, payload: &[u8]) -> Publish<'_> {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic: b"t",
        packet_id: 0,
        properties: PropertiesRef::EMPTY,
        payload,
    }
}

/// A client that is destroyed at the end of its test.
struct Tested(Arc<Client<Program<true>>>);

impl std::ops::Deref for Tested {
    type Target = Client<Program<true>>;

    fn deref(&self) -> &Client<Program<true>> {
        &self.0
    }
}

impl Drop for Tested {
    fn drop(&mut self) {
        self.0.destroy();
    }
}

impl Tested {
    fn new(driver: Driver, store: Option<Box<dyn Store>>) -> Self {
        let setup = Setup {
            driver,
            ..carried::setup()
        };
        let client = Client::new(setup, Program::default(), store, || "restored");
        Self(client.expect("a client"))
    }

    /// Begins a connection over the link.
    fn attach_to(&self, link: Link) {
        self.attach(link, options(), "connect").expect("attached");
    }

    /// Where calls drive, no call does while there is no connection: reads the CONNACK that has been sent.
    fn read_handshake(&self) {
        while self.lock().outputs.queue.driver() == Driver::Calls && !self.is_connected() {
            let core = self.read_some(self.lock());
            drop(self.settle(core, Thread::Caller));
        }
    }

    /// Connects to a server, which has read CONNECT and sent CONNACK.
    fn connect(&self) -> Server {
        let (ours, mut server) = pair();
        self.attach_to(Link::adopt(ours.into()).expect("a socket"));
        server.accept();
        self.read_handshake();
        server
    }
}

/// Options of a connect with a clean session.
pub(super) fn options() -> ConnectOptions {
    ConnectOptions {
        keep_alive: Duration::ZERO,
        clean: true,
        max_inflight: 10,
        will: None,
        username: None,
        password: None,
        connect_timeout: Duration::ZERO,
        tls: None,
        server_uris: Vec::new(),
        version: VersionChoice::Default,
        reconnect: None,
        properties: Properties::new(),
        http_headers: Vec::new(),
        http_proxy: None,
        https_proxy: None,
        network: None,
        extras: None,
    }
}

/// A socket pair: the client's end, and the server.
fn pair() -> (UnixStream, Server) {
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    theirs.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    (ours, Server(theirs))
}

/// The server's end.
struct Server(UnixStream);

impl Server {
    /// Reads one short packet.
    fn packet(&mut self) -> Vec<u8> {
        let mut packet = vec![0; 2];
        self.0.read_exact(&mut packet).expect("a packet");
        assert!(packet[1] < 0x80, "a short packet");
        packet.resize(2 + usize::from(packet[1]), 0);
        self.0.read_exact(&mut packet[2..]).expect("its rest");
        packet
    }

    fn accept(&mut self) {
        assert_eq!(self.packet()[0], 0x10, "CONNECT");
        self.send(CONNACK);
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("the client reads");
    }

    /// Sends a message of `QoS` 0.
    fn publish(&mut self, payload: &[u8]) {
        let length = u8::try_from(3 + payload.len()).expect("a short message");
        self.send(&[&[0x30, length, 0, 1, b't'], payload].concat());
    }
}
