//! Clients on a socket pair, whose other end is a server by hand.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::protocol::QoS;
use crate::protocol::packet::Publish;
use crate::protocol::property::{Properties, PropertiesRef};

const PATIENCE: Wait = Wait::For(Duration::from_secs(120));
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
        .set_read_timeout(Some(Duration::from_secs(120)))
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
        .disconnect(Duration::ZERO, 0, Properties::new())
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
    client.set_driver(Work::NONE);
    server.send(&[0x30, 4, 0, 1, b'a', b'y']);
    assert_eq!(next(&queue).1.payload(), b"y");
}

#[test]
fn writing_makes_no_events_of_what_is_there_to_read() {
    let queue = Queue::new();
    let client = EventClient::new(&queue, Create::default()).expect("a client");
    client.set_driver(Work::ALL);
    let _server = attach(&client, Connect::default());
    let write = Work {
        write: true,
        ..Work::NONE
    };
    let mut buffer = [0; 1024];
    let mut taken = || {
        client
            .drive_events(write, &mut buffer)
            .expect("open")
            .records
    };
    taken();
    assert_eq!(
        (taken(), taken()),
        (0, 0),
        "one that takes all events would never end"
    );
    assert!(client.wants().more, "nobody has read yet");
}

#[test]
fn one_call_finds_the_peers_end_behind_its_last_bytes() {
    let (queue, client, mut server) = connected(Create {
        driver: Work::ALL,
        ..Create::default()
    });
    server.send(&[0x30, 4, 0, 1, b'a', b'x', 0x30, 4, 0]);
    drop(server);
    client.drive(Work::ALL);
    assert_eq!(next(&queue).1.payload(), b"x");
    assert_eq!(next(&queue).1.head.kind, Kind::Lost);
}

#[test]
fn a_level_triggered_poller_needs_one_read_and_finds_the_end_by_the_next() {
    let (queue, client, mut server) = connected(Create {
        driver: Work::ALL,
        ..Create::default()
    });
    let level = Work {
        level: true,
        ..Work::ALL
    };
    let reads = || client.counters().bytes_in;
    for payload in [b'x', b'y'] {
        let before = reads();
        server.send(&[0x30, 4, 0, 1, b'a', payload]);
        client.drive(level);
        assert_eq!(reads() - before, 6);
        assert_eq!(next(&queue).1.payload(), [payload]);
    }
    drop(server);
    assert!(client.drive(level).is_none(), "the end was found");
    assert_eq!(next(&queue).1.head.kind, Kind::Lost);
}

fn stream(create: Create, connect: Connect) -> (Arc<Queue>, EventClient) {
    let queue = Queue::new();
    let client = EventClient::new(&queue, create).expect("a client");
    client.attach_stream(connect).expect("attached");
    let mut connect = [0; 256];
    assert!(client.take(&mut connect).expect("a stream") > 10);
    assert_eq!(connect[0], 0x10);
    (queue, client)
}

/// Takes what there is, but for the notes about the stream itself.
fn kinds(queue: &Queue) -> Vec<(Kind, Vec<u8>)> {
    let mut seen = Vec::new();
    queue
        .take_batch(Wait::No, |_, record| {
            if !matches!(record.head.kind, Kind::Wants | Kind::Output) {
                seen.push((record.head.kind, record.payload().to_vec()));
            }
            true
        })
        .expect("open");
    seen
}

#[test]
fn a_stream_may_be_cut_at_every_byte() {
    let mut script = CONNACK.to_vec();
    script.extend([0x30, 4, 0, 1, b'a', b'x']);
    script.extend([0x32, 6, 0, 1, b'a', 0, 7, b'y']);
    script.extend([0xd0, 0]);
    let expected = [
        (Kind::Connected, vec![]),
        (Kind::Message, b"x".to_vec()),
        (Kind::Message, b"y".to_vec()),
    ];
    for cut in 0..=script.len() {
        let (queue, client) = stream(Create::default(), Connect::default());
        let (first, second) = script.split_at(cut);
        assert_eq!(client.feed(first).expect("a stream"), first.len());
        assert_eq!(client.feed(second).expect("a stream"), second.len());
        assert_eq!(kinds(&queue), expected, "cut at {cut}");
        let mut answer = [0; 16];
        let taken = client.take(&mut answer).expect("a stream");
        assert_eq!(answer[..taken], [0x40, 2, 0, 7], "cut at {cut}");
    }
}

#[test]
fn a_program_that_does_not_keep_up_holds_its_stream_back() {
    let create = Create {
        max_unread_messages: 10,
        ..Create::default()
    };
    let (queue, client) = stream(create, Connect::default());
    client.feed(CONNACK).expect("a stream");
    let one = [0x30, 4, 0, 1, b'a', b'x'];
    let flood: Vec<u8> = one.iter().copied().cycle().take(6 * 400_000).collect();
    let mut fed = 0;
    let mut messages = 0;
    while messages < 400_000 {
        let taken = client.feed(&flood[fed..]).expect("a stream");
        fed += taken;
        let unread = client.counters().unread_messages;
        assert!(unread < 10 + 64 * 1024 / 6 + 1, "a read at most: {unread}");
        let came = kinds(&queue);
        let some = came.iter().filter(|(kind, _)| *kind == Kind::Message);
        messages += some.count();
    }
    assert_eq!((fed, messages), (flood.len(), 400_000));
}

#[test]
fn messages_are_acknowledged_when_the_program_says_so() {
    let (queue, client, mut server) = connected(Create {
        acks: Acks {
            by_program: true,
            ordered: true,
            qos2_at_publish: true,
        },
        ..Create::default()
    });
    server.send(&[
        0x32, 6, 0, 1, b'a', 0, 7, b'x', 0x34, 6, 0, 1, b'a', 0, 8, b'y',
    ]);
    let tokens: Vec<_> = (0..2)
        .map(|_| std::num::NonZeroU64::new(next(&queue).1.head.token).expect("a token"))
        .collect();
    assert_eq!(client.counters().unacknowledged, 2);
    // In order, whatever the order of the program.
    assert_eq!(client.ack([tokens[1]].into_iter(), 0).expect("online"), 1);
    assert_eq!(client.ack([tokens[0]].into_iter(), 0).expect("online"), 1);
    assert_eq!(server.packet(), [0x40, 2, 0, 7]);
    assert_eq!(server.packet(), [0x50, 2, 0, 8]);
    // One that is not acknowledged belongs to its connection.
    server.send(&[0x32, 6, 0, 1, b'a', 0, 9, b'z']);
    let old = std::num::NonZeroU64::new(next(&queue).1.head.token).expect("a token");
    drop(server);
    assert_eq!(next(&queue).1.head.kind, Kind::Lost);
    let mut server = attach(&client, Connect::default());
    server.packet();
    server.send(CONNACK);
    assert_eq!(next(&queue).1.head.value, 2, "the second connection");
    assert_eq!(client.ack([old].into_iter(), 0).expect("online"), 0);
    server.send(&[0x3a, 6, 0, 1, b'a', 0, 9, b'z']);
    let again = next(&queue).1.head;
    assert_eq!((again.kind, again.flags), (Kind::Message, DUPLICATE));
    let again = std::num::NonZeroU64::new(again.token).expect("a token");
    assert_ne!(again, old);
    assert_eq!(client.ack([again].into_iter(), 0).expect("online"), 1);
    assert_eq!(server.packet(), [0x40, 2, 0, 9]);
}

#[test]
fn authentication_takes_as_many_steps_as_the_server_wants() {
    use crate::protocol::Version;
    use crate::protocol::property::{Property, PropertyId, Value};
    let with = |id, value| {
        let mut properties = Properties::new();
        properties.push(Property { id, value }).expect("a property");
        properties
    };
    let connect = Connect {
        version: Version::V5,
        properties: with(PropertyId::AuthenticationMethod, Value::Utf8(b"M")),
        ..Connect::default()
    };
    let data = with(PropertyId::AuthenticationData, Value::Binary(b"d"));
    let queue = Queue::new();
    let client = EventClient::new(&queue, Create::default()).expect("a client");
    let mut server = attach(&client, connect);
    server.packet();
    let challenge = [0xf0, 10, 0x18, 8, 0x15, 0, 1, b'M', 0x16, 0, 1, b'c'];
    server.send(&challenge);
    let (_, asked) = next(&queue);
    assert_eq!((asked.head.kind, asked.head.reason), (Kind::Auth, 0x18));
    assert!(client.auth(0x19, data.as_ref()).is_err(), "not now");
    client.auth(0x18, data.as_ref()).expect("asked");
    assert_eq!(server.packet()[..3], [0xf0, 10, 0x18]);
    assert!(client.auth(0x18, data.as_ref()).is_err(), "once");
    server.send(&[0x20, 3, 0, 0, 0]);
    assert_eq!(next(&queue).1.head.kind, Kind::Connected);
    // Anew, on the connection that stands.
    client.auth(0x19, data.as_ref()).expect("connected");
    assert_eq!(server.packet()[..3], [0xf0, 10, 0x19]);
    server.send(&[0xf0, 0]);
    let (_, done) = next(&queue);
    assert_eq!((done.head.kind, done.head.reason), (Kind::Auth, 0));
}

#[test]
fn drivers_change_under_load_without_losing_a_byte() {
    const COUNT: u32 = 20_000;
    let (queue, client, mut server) = connected(Create::default());
    let sender = std::thread::spawn(move || {
        for number in 0..COUNT {
            let mut packet = vec![0x30, 7, 0, 1, b'a'];
            packet.extend(number.to_be_bytes());
            server.send(&packet);
        }
        server
    });
    let mut expected = 0;
    let mut by_program = false;
    while expected < COUNT {
        by_program = !by_program;
        let work = if by_program { Work::ALL } else { Work::NONE };
        client.set_driver(work);
        for _ in 0..3 {
            if by_program {
                client.drive(Work::ALL);
            }
            queue
                .take_batch(Wait::For(Duration::from_millis(1)), |_, record| {
                    if record.head.kind == Kind::Message {
                        assert_eq!(record.payload(), expected.to_be_bytes());
                        expected += 1;
                    }
                    true
                })
                .expect("open");
        }
    }
    drop(sender.join().expect("the sender"));
}

#[test]
fn a_queue_says_how_much_it_needs_and_can_be_interrupted() {
    let (queue, client, mut server) = connected(Create::default());
    let fd = queue.event_fd().expect("a descriptor");
    let readable = |wait: i64| {
        let mut fds = [rustix::event::PollFd::new(
            &fd,
            rustix::event::PollFlags::IN,
        )];
        let time = rustix::event::Timespec {
            tv_sec: wait,
            tv_nsec: 0,
        };
        rustix::event::poll(&mut fds, Some(&time)).expect("polled") > 0
    };
    assert!(!readable(0));
    server.send(&[0x30, 4, 0, 1, b'a', b'x']);
    assert!(readable(20));
    let mut small = [0; 48];
    assert_eq!(
        queue.next_events(&mut small, PATIENCE),
        Err(NotTaken::TooSmall(56))
    );
    let mut large = [0; 64];
    let batch = queue.next_events(&mut large, Wait::No).expect("it stayed");
    assert_eq!((batch.bytes, batch.records), (56, 1));
    assert!(!readable(0));
    queue.interrupt();
    assert!(readable(0));
    assert_eq!(queue.take_batch(Wait::Forever, |_, _| true), Ok(0));
    assert!(!readable(0));
    drop(client);
}

#[test]
fn a_publish_is_taken_back_only_before_it_is_sent() {
    let queue = Queue::new();
    let create = Create {
        buffer_offline: true,
        ..Create::default()
    };
    let client = EventClient::new(&queue, create).expect("a client");
    let refused = client.publish(&publish(QoS::AtMostOnce), Manner::default());
    assert!(matches!(refused, Err(Error::Disconnected)));
    let first = client
        .publish(&publish(QoS::AtLeastOnce), Manner::default())
        .expect("buffered");
    assert!(first.waits && first.number == 1 && !first.written);
    assert_eq!(client.in_flight().len(), 1);
    assert!(client.cancel(1) && !client.cancel(1));
    let (_, failed) = next(&queue);
    assert_eq!((failed.head.kind, failed.head.flags), (Kind::Failed, 7));
    let hasty = client.publish(
        &publish(QoS::AtLeastOnce),
        Manner {
            no_wait: true,
            ..Manner::default()
        },
    );
    assert!(matches!(hasty, Err(Error::Disconnected)));
}

/// Collects the tokens of operations that have ended, well or not, until as many have.
fn ends(queue: &Queue, count: u64) -> (Vec<u64>, Vec<u64>) {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    while ((done.len() + failed.len()) as u64) < count {
        let (_, record) = next(queue);
        match record.head.kind {
            Kind::Done => {
                let count = usize::try_from(record.head.value).unwrap();
                done.extend((record.head.token..).take(count));
            }
            Kind::Failed => failed.push(record.head.token),
            _ => {}
        }
    }
    (done, failed)
}

#[test]
fn many_publishes_have_tokens_that_run_on_and_an_end_each() {
    let (queue, client, mut server) = connected(Create::default());
    let kinds = [
        QoS::AtMostOnce,
        QoS::AtMostOnce,
        QoS::AtLeastOnce,
        QoS::AtMostOnce,
    ];
    let many = client.publish_many(200, |at| {
        Ok::<_, Error>((publish(kinds[at as usize % kinds.len()]), Manner::default()))
    });
    assert!(many.outcome.is_ok());
    assert_eq!((many.accepted, many.first), (200, 1));
    for at in 0..200 {
        let first = if at % 4 == 2 { 0x32 } else { 0x30 };
        assert_eq!(server.packet()[0], first, "packet {at}, in order");
    }
    for id in 1..=50 {
        server.send(&[0x40, 2, 0, id]);
    }
    let (mut done, failed) = ends(&queue, 200);
    done.sort_unstable();
    assert_eq!(done, (1..=200).collect::<Vec<_>>());
    assert_eq!(failed, []);

    // Up to the first that is not accepted: the next one has the next token.
    let many = client.publish_many(5, |at| match at {
        2 => Err(Error::TimedOut),
        _ => Ok((publish(QoS::AtMostOnce), Manner::default())),
    });
    assert!(matches!(many.outcome, Err(Error::TimedOut)));
    assert_eq!((many.accepted, many.first), (2, 201));
    assert_eq!(ends(&queue, 2), (vec![201, 202], vec![]));
    let published = client.publish(&publish(QoS::AtMostOnce), Manner::default());
    assert_eq!(published.expect("accepted").number, 203);
}

#[test]
fn what_a_socket_did_not_take_fails_under_its_own_token() {
    let (queue, client, server) = connected(Create::default());
    let payload = vec![7; 10_000];
    let large = Publish {
        payload: &payload,
        ..publish(QoS::AtMostOnce)
    };
    // The server does not read: at last the socket takes no more, and 1 MiB waits.
    let (mut told, mut accepted) = (Vec::new(), 0);
    while let Ok(published) = client.publish(&large, Manner::default()) {
        accepted += 1;
        assert_eq!(published.number, accepted);
        if published.written {
            told.push(published.number);
        }
    }
    drop(server);
    let (done, failed) = ends(&queue, accepted - told.len() as u64);
    assert!(!failed.is_empty());
    let mut all = [told, done, failed].concat();
    all.sort_unstable();
    assert_eq!(all, (1..=accepted).collect::<Vec<_>>(), "one end each");
}
