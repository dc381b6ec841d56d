//! A server by hand at the other end of a socket pair, and a program that takes its events.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use paho_oxide::events::{Connect, Create, EventClient, Kind, Manner, Queue, Record, Wait};
use paho_oxide::protocol::packet::Publish;
use paho_oxide::protocol::property::PropertiesRef;
use paho_oxide::protocol::{QoS, Version};

/// Long enough that only a failure reaches it.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The server's end.
pub struct Server(pub UnixStream);

impl Server {
    /// Reads one packet, whose remaining length has at most two bytes.
    pub fn packet(&mut self) -> Vec<u8> {
        let mut packet = vec![0; 2];
        self.0.read_exact(&mut packet).expect("a packet");
        let mut len = usize::from(packet[1] & 0x7f);
        if packet[1] & 0x80 != 0 {
            let mut more = [0];
            self.0.read_exact(&mut more).expect("its length");
            len |= usize::from(more[0]) << 7;
            packet.push(more[0]);
        }
        let start = packet.len();
        packet.resize(start + len, 0);
        self.0.read_exact(&mut packet[start..]).expect("its rest");
        packet
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("the client reads");
    }

    /// Shows that the client has nothing to say: what it says next answers a question asked now, a PUBREL of which it knows
    /// nothing.
    pub fn expect_silence(&mut self) {
        self.send(&[0x62, 2, 0xff, 0xff]);
        assert_eq!(self.packet()[..1], [0x70], "PUBCOMP");
    }

    /// Reads to the end of the connection.
    pub fn expect_end(&mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).expect("the end");
        assert_eq!(rest, b"", "nothing before it");
    }
}

/// A client with a queue of its own.
pub struct Program {
    pub queue: Arc<Queue>,
    pub client: EventClient,
}

impl Program {
    pub fn new(create: Create) -> Self {
        let queue = Queue::new();
        let client = EventClient::new(&queue, create).expect("a client");
        Self { queue, client }
    }

    /// A program whose connection the server has accepted.
    pub fn connected(create: Create, connect: Connect) -> (Self, Server) {
        let program = Self::new(create);
        let server = program.reconnect(connect, false);
        (program, server)
    }

    pub fn attach(&self, connect: Connect) -> Server {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        theirs.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        self.client
            .attach_fd(OwnedFd::from(ours), connect)
            .expect("attached");
        Server(theirs)
    }

    /// Attaches a connection that the server accepts.
    pub fn reconnect(&self, connect: Connect, session_present: bool) -> Server {
        let v5 = connect.version == Version::V5;
        let mut server = self.attach(connect);
        assert_eq!(server.packet()[0], 0x10, "CONNECT");
        let present = u8::from(session_present);
        if v5 {
            server.send(&[0x20, 3, present, 0, 0]);
        } else {
            server.send(&[0x20, 2, present, 0]);
        }
        if self.client.wants().read {
            self.client.drive(paho_oxide::events::Work::ALL);
        }
        self.expect(Kind::Connected);
        server
    }

    /// The next record, but for notes to who drives or carries.
    pub fn next(&self) -> Record {
        let mut found = None;
        while found.is_none() {
            let taken = self.queue.take_batch(Wait::For(PATIENCE), |_, record| {
                if matches!(record.head.kind, Kind::Wants | Kind::Output) {
                    return true;
                }
                let first = found.is_none();
                if first {
                    found = Some(record.clone());
                }
                first
            });
            assert!(
                taken.is_ok_and(|taken| taken > 0),
                "the library told nothing"
            );
        }
        found.expect("a record")
    }

    pub fn expect(&self, kind: Kind) -> Record {
        let record = self.next();
        assert_eq!(record.head.kind, kind, "{record:?}");
        record
    }

    /// What is in the queue now, but for those notes.
    pub fn take(&self) -> Vec<Record> {
        let mut records = Vec::new();
        self.queue
            .take_batch(Wait::No, |_, record| {
                if !matches!(record.head.kind, Kind::Wants | Kind::Output) {
                    records.push(record.clone());
                }
                true
            })
            .expect("open");
        records
    }

    /// Publishes, at `QoS` 1. Returns the token.
    pub fn publish(&self, payload: &[u8]) -> u64 {
        self.client
            .publish(&message(QoS::AtLeastOnce, payload), Manner::default())
            .expect("accepted")
            .number
    }

    /// Breaks the connection off.
    pub fn lose(&self, server: Server) {
        drop(server);
        self.expect(Kind::Lost);
    }
}

pub fn message(qos: QoS, payload: &[u8]) -> Publish<'_> {
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

/// A PUBLISH of the server's with topic "a", of 3.x or (without properties) of 5.
pub fn publish(v5: bool, qos: u8, id: u16, payload: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 1, b'a'];
    if qos > 0 {
        body.extend(id.to_be_bytes());
    }
    if v5 {
        body.push(0);
    }
    body.extend(payload);
    let mut packet = vec![0x30 | qos << 1];
    let mut len = body.len();
    loop {
        let more = if len > 127 { 0x80 } else { 0 };
        packet.push(u8::try_from(len & 0x7f).expect("seven bits") | more);
        len >>= 7;
        if len == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

pub fn v5() -> Connect {
    Connect {
        version: Version::V5,
        ..Connect::default()
    }
}
