//! Clients whose program is a list of what it heard. Those of [`carried`] have neither threads nor sockets; the others are on
//! socket pairs whose other end is a server by hand.

pub(super) mod carried;
mod ending;
mod panics;
mod restored;
mod telling;
mod unwatched;
mod wants;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::core::Thread;
use super::delivery::queue::Driver;
use super::{Client, ConnectEnd, ConnectResult, Event, Handled, Host, Setup};
use crate::options::{ConnectOptions, CreateOptions, VersionChoice};
use crate::os::lock::{Condvar, Mutex};
use crate::persistence::Store;
use crate::protocol::QoS;
use crate::protocol::packet::Publish;
use crate::protocol::property::{Properties, PropertiesRef};
use crate::protocol::session::{self, Acknowledge, Completion, Token};
use crate::transport::Link;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
pub(super) const CONNACK: &[u8] = &[0x20, 2, 0, 0];

/// A program that notes what it hears. Payloads that begin with "panic" make it panic: "panic in message" while the message is
/// made, under the client's mutex, others in the callback.
#[derive(Default)]
pub(super) struct Program {
    heard: Mutex<Vec<String>>,
    changed: Condvar,
}

impl Program {
    fn note(&self, what: impl Into<String>) {
        self.heard.lock().push(what.into());
        self.changed.notify_all();
    }

    /// Waits until the program has heard so many things, and returns them.
    fn wait_for(&self, count: usize) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut heard = self.heard.lock();
        while heard.len() < count {
            let late = self.changed.wait_until(&mut heard, deadline).timed_out();
            assert!(!late, "{count} events in time, there are: {heard:?}");
        }
        heard.clone()
    }
}

impl Host for Program {
    type Message = Vec<u8>;
    type Op = &'static str;

    fn message(publish: &Publish<'_>) -> Option<Vec<u8>> {
        assert_ne!(publish.payload, b"panic in message");
        Some(publish.payload.to_vec())
    }

    fn with_contents<R>(message: &Vec<u8>, read: impl FnOnce(&Publish<'_>) -> R) -> R {
        read(&publish(QoS::AtLeastOnce, message))
    }

    fn message_size(message: &Vec<u8>) -> usize {
        message.len()
    }

    fn wants_packet(_: &&'static str) -> bool {
        false
    }

    fn tracks(_: &&'static str) -> bool {
        true
    }

    fn settle(done: Completion<&'static str>) -> Option<Completion<&'static str>> {
        Some(done)
    }

    fn completion_name(_: &&'static str, _: Token, _: bool, _: &str) -> String {
        String::new()
    }

    fn settle_connect(op: &'static str, result: ConnectResult) -> ConnectEnd<&'static str> {
        ConnectEnd::Tell(op, result)
    }

    fn hears_of_connections(&self) -> bool {
        false
    }

    fn refresh(&self, _: &ConnectOptions) -> Option<ConnectOptions> {
        None
    }

    fn handle(&self, event: Event<Self>) -> Handled<Self> {
        match event {
            Event::Message(message, _) => {
                assert!(!message.starts_with(b"panic"));
                self.note(String::from_utf8_lossy(&message));
            }
            Event::Completed(done) => self.note(format!("{} ended", done.op)),
            Event::ConnectEnded { op, result } => {
                self.note(format!(
                    "{op} {}",
                    if result.is_ok() { "up" } else { "failed" }
                ));
            }
            Event::ConnectionLost(loss) => self.note(format!("lost: {}", loss.text)),
            _ => {}
        }
        Handled::Done
    }
}

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
struct Tested(Arc<Client<Program>>);

impl std::ops::Deref for Tested {
    type Target = Client<Program>;

    fn deref(&self) -> &Client<Program> {
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
            client_id: "tested".into(),
            server_uri: String::new(),
            create: CreateOptions::default(),
            driver,
            acknowledge: Acknowledge::OnArrival,
            session: session::Options::default(),
            lost_after_disconnect: false,
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
