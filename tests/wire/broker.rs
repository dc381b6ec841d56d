//! A scripted broker: it does what a test tells it, step by step, and nothing else.
//!
//! Each step is a method of [`Peer`], one connection: expect a packet, send bytes, break off. What was exchanged is kept,
//! and a step that fails shows all of it. Deadlines only bound a failure; no step waits for time to pass.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use crate::decode;
use crate::packet::{
    Ack, AckKind, Connect, Packet, Publish, Reason, Subscribe, Unsubscribe, Value, Version, hex,
};
use crate::server;

/// Long enough that only a failure reaches it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Listens on a free port of the loopback interface.
pub struct Broker {
    listener: TcpListener,
}

impl Broker {
    pub fn start() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
        }
    }

    /// Where it listens, as the library wants it.
    pub fn uri(&self) -> String {
        format!("tcp://{}", self.listener.local_addr().unwrap())
    }

    /// Waits for a connection.
    pub fn accept(&self) -> Peer {
        let mut fds = [PollFd::new(&self.listener, PollFlags::IN)];
        let timeout = PATIENCE.try_into().unwrap();
        let ready =
            rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, Some(&timeout))).unwrap();
        assert!(ready > 0, "no connection in {PATIENCE:?}");
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        Peer {
            stream,
            version: Version::V311,
            pending: Vec::new(),
            received: Vec::new(),
            packets: Vec::new(),
            log: Vec::new(),
            mortal: false,
        }
    }

    /// Whether somebody has connected and was not accepted yet.
    pub fn has_caller(&self) -> bool {
        let mut fds = [PollFd::new(&self.listener, PollFlags::IN)];
        rustix::event::poll(&mut fds, Some(&Duration::ZERO.try_into().unwrap())).unwrap() > 0
    }
}

/// One connection, from the server's end.
pub struct Peer {
    stream: TcpStream,
    version: Version,
    /// Received and not yet taken.
    pending: Vec<u8>,
    /// Everything the client sent.
    received: Vec<u8>,
    packets: Vec<Packet>,
    log: Vec<String>,
    /// The client may be killed at any moment: what is sent to it then is lost, and what it sent may end anywhere.
    mortal: bool,
}

impl Drop for Peer {
    /// A test that fails on the client's side needs the exchange as well.
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the exchange was\n{}", self.log.join("\n"));
        }
    }
}

impl Peer {
    /// Takes it that the client is killed at any moment, or gives up what it has not written. [`next`](Self::next) tells of its end.
    pub fn expect_a_kill(&mut self) {
        self.mortal = true;
    }

    /// All bytes that the client has sent so far.
    pub fn raw(&self) -> &[u8] {
        &self.received
    }

    /// The client's address.
    #[allow(dead_code, reason = "not every test that has this broker asks")]
    pub fn address(&self) -> std::net::SocketAddr {
        self.stream.peer_addr().unwrap()
    }

    /// Whether the client has sent something that was not taken yet.
    #[allow(dead_code, reason = "not every test that has this broker asks")]
    pub fn has_sent(&self) -> bool {
        let mut fds = [PollFd::new(&self.stream, PollFlags::IN)];
        !self.pending.is_empty()
            || rustix::event::poll(&mut fds, Some(&Duration::ZERO.try_into().unwrap())).unwrap() > 0
    }

    /// All packets that the client has sent so far.
    pub fn packets(&self) -> &[Packet] {
        &self.packets
    }

    /// The next packet, `None` once the client has closed the connection.
    pub fn next(&mut self) -> Option<Packet> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match decode::packet_len(&self.pending) {
                Ok(Some(len)) => return Some(self.take(len)),
                Ok(None) => {}
                Err(error) => malformed(&error),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "nothing came from the client in time");
            self.stream.set_read_timeout(Some(left)).unwrap();
            let mut chunk = [0; 16384];
            match self.stream.read(&mut chunk) {
                Ok(0) => return self.closed("closed"),
                Ok(n) => {
                    self.pending.extend(&chunk[..n]);
                    self.received.extend(&chunk[..n]);
                }
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return self.closed("reset");
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn take(&mut self, len: usize) -> Packet {
        if self.packets.is_empty() && self.pending[0] == 0x10 {
            // Protocol level: it follows the protocol name, whose length tells 3.1 from the others.
            let name = self
                .pending
                .iter()
                .position(|byte| *byte == b'M')
                .unwrap_or(0);
            self.version = match self.pending.get(name + 4) {
                Some(4) => Version::V311,
                Some(5) => Version::V5,
                _ => Version::V31,
            };
        }
        let bytes: Vec<u8> = self.pending.drain(..len).collect();
        match decode::decode(self.version, &bytes) {
            Ok(packet) => {
                self.log
                    .push(format!("client: {}\n        {packet:?}", hex(&bytes)));
                self.packets.push(packet.clone());
                packet
            }
            Err(error) => {
                self.log.push(format!("client: {}", hex(&bytes)));
                malformed(&error)
            }
        }
    }

    fn closed<T>(&mut self, how: &str) -> Option<T> {
        self.log.push(format!("client: {how}"));
        assert!(
            self.mortal || self.pending.is_empty(),
            "the connection ended in the middle of a packet"
        );
        None
    }

    /// The next packet, which must come.
    pub fn expect(&mut self) -> Packet {
        match self.next() {
            Some(packet) => packet,
            None => panic!("a packet was expected, the connection ended"),
        }
    }

    fn wrong(&self, expected: &str) -> ! {
        panic!("expected {expected}, got {:?}", self.packets.last());
    }

    pub fn expect_connect(&mut self) -> Connect {
        match self.expect() {
            Packet::Connect(connect) => connect,
            _ => self.wrong("CONNECT"),
        }
    }

    pub fn expect_publish(&mut self) -> Publish {
        match self.expect() {
            Packet::Publish(publish) => publish,
            _ => self.wrong("PUBLISH"),
        }
    }

    /// An acknowledgement of this kind, for this packet identifier.
    pub fn expect_ack(&mut self, kind: AckKind, id: u16) -> Ack {
        match self.expect() {
            Packet::Ack(ack) if ack.kind == kind && ack.id == id => ack,
            _ => self.wrong(&format!("{kind:?} {id}")),
        }
    }

    pub fn expect_subscribe(&mut self) -> Subscribe {
        match self.expect() {
            Packet::Subscribe(subscribe) => subscribe,
            _ => self.wrong("SUBSCRIBE"),
        }
    }

    pub fn expect_unsubscribe(&mut self) -> Unsubscribe {
        match self.expect() {
            Packet::Unsubscribe(unsubscribe) => unsubscribe,
            _ => self.wrong("UNSUBSCRIBE"),
        }
    }

    pub fn expect_pingreq(&mut self) {
        match self.expect() {
            Packet::PingReq => {}
            _ => self.wrong("PINGREQ"),
        }
    }

    /// DISCONNECT, and that the connection is closed behind it.
    pub fn expect_disconnect(&mut self) -> Reason {
        let Packet::Disconnect(disconnect) = self.expect() else {
            self.wrong("DISCONNECT")
        };
        self.expect_close();
        disconnect
    }

    /// The client closes the connection and sends nothing before.
    pub fn expect_close(&mut self) {
        if let Some(packet) = self.next() {
            panic!("expected the end of the connection, got {packet:?}");
        }
    }

    /// The client leaves because of an error of ours: a MQTT 5 client says why, one of 3.x just closes.
    pub fn expect_refusal(&mut self, reason: u8) {
        if self.version == Version::V5 {
            let disconnect = self.expect_disconnect();
            assert_eq!(disconnect.reason, reason, "reason code of DISCONNECT");
        } else {
            self.expect_close();
        }
    }

    /// The client has nothing to say: what it sends next is the answer to a question asked now.
    ///
    /// The question is a PUBREL of which it can know nothing. Its PUBCOMP shows that what came before it was processed and
    /// left no other trace on the wire.
    pub fn expect_silence(&mut self) {
        self.send(&server::ack(AckKind::PubRel, 0xFFFF));
        self.expect_ack(AckKind::PubComp, 0xFFFF);
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: &[u8]) {
        self.log.push(format!(
            "server: {}\n        {}",
            hex(bytes),
            server::names(bytes)
        ));
        match self.stream.write_all(bytes) {
            Err(error) if !self.mortal => panic!("the client does not take what is sent: {error}"),
            _ => {}
        }
    }

    /// Sends the first bytes and ends the connection.
    pub fn send_cut(&mut self, bytes: &[u8], len: usize) {
        self.send(&bytes[..len]);
        self.close();
    }

    /// Accepts the connection.
    pub fn connack(&mut self, session_present: bool, properties: &[(u8, Value)]) {
        self.send(&server::connack(
            self.version,
            session_present,
            0,
            properties,
        ));
    }

    /// Sends a message.
    pub fn publish(&mut self, message: &server::Message) {
        self.send(&message.encode(self.version));
    }

    /// Sends an acknowledgement.
    pub fn ack(&mut self, kind: AckKind, id: u16) {
        self.send(&server::ack(kind, id));
    }

    /// Sends an acknowledgement with a reason code.
    pub fn ack_with(&mut self, kind: AckKind, id: u16, reason: u8) {
        self.send(&server::ack_with(kind, id, reason, &[]));
    }

    /// Sends SUBACK.
    pub fn suback(&mut self, id: u16, codes: &[u8]) {
        self.send(&server::suback(self.version, id, &[], codes));
    }

    /// Sends UNSUBACK.
    pub fn unsuback(&mut self, id: u16, codes: &[u8]) {
        let codes = if self.version == Version::V5 {
            codes
        } else {
            &[]
        };
        self.send(&server::unsuback(self.version, id, &[], codes));
    }

    /// Ends the connection in order.
    pub fn close(&mut self) {
        self.log.push("server: closes".into());
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Ends the connection by a reset.
    pub fn reset(self) {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO)).unwrap();
    }
}

fn malformed(error: &str) -> ! {
    panic!("the client sent a malformed packet: {error}");
}

/// Runs both ends of a dialogue: the broker's steps on a thread of their own, the client's calls, which wait, here.
pub fn alongside<A: Send, B>(
    steps: impl FnOnce() -> A + Send,
    calls: impl FnOnce() -> B,
) -> (A, B) {
    thread::scope(|scope| {
        let steps = scope.spawn(steps);
        let called = calls();
        match steps.join() {
            Ok(played) => (played, called),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
