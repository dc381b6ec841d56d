//! Clients on a socket pair, whose other end is a server by hand.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::protocol::QoS;
use crate::protocol::packet::Publish;
use crate::protocol::property::PropertiesRef;

const PATIENCE: Wait = Wait::For(Duration::from_secs(20));
const CONNACK: &[u8] = &[0x20, 2, 0, 0];

struct Server(UnixStream);

impl Server {
    /// Reads one packet.
    fn packet(&mut self) -> Vec<u8> {
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

    fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("the client reads");
    }
}

/// The next record.
fn next(queue: &Queue) -> (u64, Record) {
    let mut found = None;
    let taken = queue.take_batch(PATIENCE, |context, record| {
        if record.head.kind == Kind::Wants {
            return true;
        }
        let first = found.is_none();
        if first {
            found = Some((context, record.clone()));
        }
        first
    });
    assert!(taken.is_ok_and(|taken| taken > 0), "an event in time");
    found.expect("an event")
}

fn attach(client: &EventClient, connect: Connect) -> Server {
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    theirs
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a time-out");
    client
        .attach_fd(OwnedFd::from(ours), connect)
        .expect("attached");
    Server(theirs)
}

fn connected(create: Create) -> (Arc<Queue>, EventClient, Server) {
    let queue = Queue::new();
    let client = EventClient::new(&queue, create).expect("a client");
    let mut server = attach(&client, Connect::default());
    assert_eq!(server.packet()[0], 0x10, "CONNECT");
    server.send(CONNACK);
    if client.wants().read {
        client.drive(Work::ALL);
    }
    let (_, record) = next(&queue);
    assert_eq!((record.head.kind, record.head.value), (Kind::Connected, 1));
    (queue, client, server)
}

fn publish(qos: QoS) -> Publish<'static> {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic: b"t",
        packet_id: 0,
        properties: PropertiesRef::EMPTY,
        payload: b"hello",
    }
}

#[test]
fn messages_come_and_publishes_end() {
    let (queue, client, mut server) = connected(Create {
        context: 77,
        ..Create::default()
    });
    server.send(&[0x30, 4, 0, 1, b'a', b'x']);
    let (context, message) = next(&queue);
    assert_eq!((context, message.head.kind), (77, Kind::Message));
    assert_eq!((message.topic(), message.payload()), (&b"a"[..], &b"x"[..]));

    let published = client
        .publish(&publish(QoS::AtMostOnce), Manner::default())
        .expect("accepted");
    assert!(published.written && published.number == 1);
    assert_eq!(server.packet()[0], 0x30);

    for number in 2..5 {
        let published = client
            .publish(&publish(QoS::AtLeastOnce), Manner::default())
            .expect("accepted");
        assert_eq!(published.number, number);
        server.packet();
    }
    server.send(&[0x40, 2, 0, 1, 0x40, 2, 0, 2, 0x40, 2, 0, 3]);
    let mut next_token = 2;
    while next_token < 5 {
        let (_, done) = next(&queue);
        assert_eq!((done.head.kind, done.head.token), (Kind::Done, next_token));
        next_token += done.head.value;
    }
    let counters = client.counters();
    assert_eq!((counters.messages_in, counters.messages_out), (1, 4));
    client
        .disconnect(Duration::ZERO, 0, Default::default())
        .expect("connected");
    assert_eq!(server.packet(), [0xe0, 0]);
    drop(server);
    assert_eq!(next(&queue).1.head.kind, Kind::Closed);
}

#[test]
fn a_handshake_ends_well_or_says_why_not() {
    let queue = Queue::new();
    let client = EventClient::new(&queue, Create::default()).expect("a client");
    let mut server = attach(&client, Connect::default());
    server.packet();
    server.send(&[0x20, 2, 0, 5]);
    let (_, failed) = next(&queue);
    assert_eq!(
        (failed.head.kind, failed.head.reason),
        (Kind::ConnectFailed, 5)
    );

    drop(attach(&client, Connect::default()));
    assert_eq!(next(&queue).1.head.kind, Kind::ConnectFailed);

    let hasty = Connect {
        deadline: Some(Duration::from_millis(50)),
        ..Connect::default()
    };
    let _server = attach(&client, hasty);
    let (_, late) = next(&queue);
    assert_eq!((late.head.kind, late.head.flags), (Kind::ConnectFailed, 6));

    let _server = attach(&client, Connect::default());
    client.abort().expect("under way");
    let (_, given_up) = next(&queue);
    assert_eq!(
        (given_up.head.kind, given_up.head.flags),
        (Kind::ConnectFailed, 7)
    );
    assert!(client.abort().is_err());
}

#[test]
fn a_caller_drives_alone() {
    let (queue, client, mut server) = connected(Create {
        driver: Work::ALL,
        ..Create::default()
    });
    server.send(&[0x30, 4, 0, 1, b'a', b'x']);
    let idle = queue.take_batch(Wait::For(Duration::from_millis(50)), |_, _| true);
    assert_eq!(idle, Ok(0), "nobody else reads");
    let mut buffer = [0; 4096];
    let batch = client
        .drive_events(Work::ALL, &mut buffer)
        .expect("an event");
    assert_eq!((batch.records, batch.bytes), (1, 56));
    assert_eq!(buffer[..8], [56, 0, 0, 0, 1, 0, 0, 0]);
    client.set_driver(Work::NONE).expect("watched");
    server.send(&[0x30, 4, 0, 1, b'a', b'y']);
    assert_eq!(next(&queue).1.payload(), b"y");
}
