//! `MQTTOxide_publishMany`, called as a C program calls it: what is accepted, in which order, with which tokens, and how it ends.
#![allow(unsafe_code, reason = "the API under test is a C API")]

use std::collections::{BTreeMap, VecDeque};
use std::ffi::c_void;
use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

#[allow(clippy::wildcard_imports, reason = "it uses most of what is there")]
use paho_oxide::ffi::exports::paho_oxide::*;
#[allow(clippy::wildcard_imports, reason = "it uses most of what is there")]
use paho_oxide::ffi::exports::paho_oxide_messages::*;
#[allow(clippy::wildcard_imports, reason = "it uses most of what is there")]
use paho_oxide::ffi::types::oxide_types::*;

use crate::server::{PATIENCE, Server};

/// A message of a list.
#[derive(Clone, Copy)]
struct Message<'a> {
    topic: &'a [u8],
    payload: &'a [u8],
    props: &'a [u8],
    flags: u32,
}

const fn message(payload: &[u8], flags: u32) -> Message<'_> {
    Message {
        topic: b"t",
        payload,
        props: b"",
        flags,
    }
}

/// An event, as far as publishing has to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Event {
    kind: u16,
    flags: u8,
    token: u64,
    value: u64,
}

/// What a call answered: code, how many, token of the first.
type Answer = (i32, u32, u64);

fn len<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).expect("few")
}

/// A client on a queue of its own, both destroyed when it is dropped.
struct Program {
    queue: u64,
    client: u64,
    version: u8,
    events: std::cell::RefCell<VecDeque<Event>>,
}

impl Program {
    fn new(version: u8, flags: u32, max_buffered: u32) -> Self {
        let (mut queue, mut client) = (0, 0);
        // SAFETY: a structure of numbers and pointers, which may all be 0; and variables that the library fills.
        unsafe {
            let mut create: MQTTOxide_createOptions = std::mem::zeroed();
            create.size = u32::try_from(size_of_val(&create)).expect("small");
            create.version = version.into();
            create.flags = flags;
            create.max_buffered = max_buffered;
            assert_eq!(MQTTOxide_createQueue(&raw mut queue), 0);
            assert_eq!(
                MQTTOxide_create(&raw mut client, queue, &raw const create),
                0
            );
        }
        Self {
            queue,
            client,
            version,
            events: std::cell::RefCell::default(),
        }
    }

    /// Attaches a connection, which the server accepts with that CONNACK.
    fn connect(&self, clean: bool, connack: &[u8]) -> Server {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        theirs.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        // SAFETY: as above; the descriptor is the library's from now on.
        unsafe {
            let mut connect: MQTTOxide_connectOptions = std::mem::zeroed();
            connect.size = u32::try_from(size_of_val(&connect)).expect("small");
            connect.version = self.version;
            connect.clean = clean.into();
            let fd = ours.into_raw_fd();
            assert_eq!(MQTTOxide_attachFd(self.client, fd, &raw const connect), 0);
        }
        let mut server = Server(theirs);
        assert_eq!(server.packet()[0], 0x10, "CONNECT");
        server.send(connack);
        self.expect(MQTTOxide_CONNECTED);
        server
    }

    /// A client of MQTT 3.1.1 that is connected.
    fn connected(flags: u32) -> (Self, Server) {
        let program = Self::new(4, flags, 0);
        let server = program.connect(true, &[0x20, 2, 0, 0]);
        (program, server)
    }

    fn publish(&self, messages: &[Message<'_>]) -> Answer {
        let list: Vec<_> = messages
            .iter()
            .map(|message| MQTTOxide_message {
                topic: message.topic.as_ptr().cast(),
                payload: message.payload.as_ptr().cast(),
                props: message.props.as_ptr().cast(),
                topic_len: len(message.topic),
                payload_len: len(message.payload),
                props_len: len(message.props),
                flags: message.flags,
            })
            .collect();
        let (mut accepted, mut first) = (77, 77);
        // SAFETY: a list of that many, and variables for the answers.
        let code = unsafe {
            MQTTOxide_publishMany(
                self.client,
                list.as_ptr(),
                len(&list),
                &raw mut accepted,
                &raw mut first,
            )
        };
        (code, accepted, first)
    }

    /// The next event, but for notes to who drives.
    fn next(&self) -> Event {
        loop {
            if let Some(event) = self.events.borrow_mut().pop_front() {
                return event;
            }
            let mut buffer = [0_u64; 512];
            let timeout = i32::try_from(PATIENCE.as_millis()).expect("short");
            let buffer_size = u32::try_from(size_of_val(&buffer)).expect("small");
            let start: *mut c_void = buffer.as_mut_ptr().cast();
            // SAFETY: an aligned buffer of that size; whole records are in it then, which begin with an event.
            let taken = unsafe {
                MQTTOxide_nextEvents(self.queue, start, buffer_size, timeout, ptr::null_mut())
            };
            let taken = usize::try_from(taken).expect("events");
            assert!(taken > 0, "the library told nothing");
            let mut at = 0;
            while at < taken {
                // SAFETY: as above.
                let record = unsafe { &*start.byte_add(at).cast::<MQTTOxide_event>() };
                at += record.size as usize;
                if u32::from(record.kind) != MQTTOxide_WANTS {
                    self.events.borrow_mut().push_back(Event {
                        kind: record.kind,
                        flags: record.flags,
                        token: record.token,
                        value: record.value,
                    });
                }
            }
        }
    }

    fn expect(&self, kind: u32) -> Event {
        let event = self.next();
        assert_eq!(u32::from(event.kind), kind, "{event:?}");
        event
    }

    /// Tokens of publishes that end well, up to so many.
    fn done(&self, count: u64) -> Vec<u64> {
        let mut tokens = Vec::new();
        while (tokens.len() as u64) < count {
            let event = self.expect(MQTTOxide_DONE);
            tokens.extend(event.token..event.token + event.value);
        }
        tokens
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: handles, which the library checks.
        unsafe {
            assert_eq!(MQTTOxide_destroy(self.client), 0);
            assert_eq!(MQTTOxide_destroyQueue(self.queue), 0);
        }
    }
}

const CODE_ARGUMENT: i32 = MQTTOxide_E_ARGUMENT;

#[test]
fn messages_of_every_qos_leave_in_their_order_and_all_of_them_end() {
    let (program, mut server) = Program::connected(0);
    let list = [
        message(b"0", 0),
        message(b"1", 1),
        message(b"2", 2 | MQTTOxide_RETAIN),
        message(b"3", 0),
        message(b"", 1),
    ];
    assert_eq!(program.publish(&list), (0, 5, 1));
    let mut ids = Vec::new();
    for (at, first) in [0x30, 0x32, 0x35, 0x30, 0x32].into_iter().enumerate() {
        let packet = server.packet();
        assert_eq!(packet[0], first);
        assert_eq!(packet[2..5], *b"\0\x01t");
        let start = if first & 6 == 0 { 5 } else { 7 };
        assert_eq!(&packet[start..], list[at].payload);
        if start == 7 {
            ids.push([packet[5], packet[6]]);
        }
    }
    for id in [ids[0], ids[2]] {
        server.send(&[0x40, 2, id[0], id[1]]);
    }
    server.send(&[0x50, 2, ids[1][0], ids[1][1]]);
    assert_eq!(server.packet()[..4], [0x62, 2, ids[1][0], ids[1][1]]);
    server.send(&[0x70, 2, ids[1][0], ids[1][1]]);
    // Those of QoS 0 too: the call says nothing of each message.
    let mut ended = program.done(5);
    ended.sort_unstable();
    assert_eq!(ended, [1, 2, 3, 4, 5]);
    // The next call's tokens follow.
    assert_eq!(program.publish(&list[..1]), (0, 1, 6));
    assert_eq!(program.publish(&[]), (0, 0, 0));
}

/// Nothing behind a message that is not accepted is, and its number goes to the next that is.
#[test]
fn the_first_that_is_refused_ends_the_call() {
    let (program, mut server) = Program::connected(0);
    let bad = [
        Message {
            topic: b"t/#",
            ..message(b"bad", 0)
        },
        Message {
            topic: b"\xff",
            ..message(b"bad", 1)
        },
        Message {
            topic: b"",
            ..message(b"bad", 1)
        },
        // Properties need MQTT 5, QoS 3 and unknown flags there are not.
        Message {
            props: &[1, 0],
            ..message(b"bad", 1)
        },
        message(b"bad", 3),
        message(b"bad", 1 << 30),
    ];
    let mut first = 1;
    for bad in bad {
        let list = [message(b"a", 1), message(b"b", 1), bad, message(b"c", 1)];
        assert_eq!(program.publish(&list), (CODE_ARGUMENT, 2, first));
        first += 2;
        for payload in [b"a", b"b"] {
            let packet = server.packet();
            assert_eq!(&packet[7..], payload);
            server.send(&[0x40, 2, packet[5], packet[6]]);
        }
        assert_eq!(program.done(2), [first - 2, first - 1]);
        // Where the first one is refused there is no token.
        assert_eq!(program.publish(&[bad]), (CODE_ARGUMENT, 0, 0));
        server.expect_silence();
    }
}

#[test]
fn what_the_server_does_not_allow_ends_the_call_and_properties_leave_as_they_are() {
    let program = Program::new(5, 0, 0);
    // Maximum QoS 1, Retain Available 0.
    let mut server = program.connect(true, &[0x20, 7, 0, 0, 4, 36, 1, 37, 0]);
    let with_properties = Message {
        // Message Expiry Interval, User Property.
        props: &[2, 0, 0, 0, 9, 38, 0, 1, b'k', 0, 1, b'v'],
        ..message(b"p", 1)
    };
    for refused in [message(b"x", 2), message(b"x", MQTTOxide_RETAIN)] {
        let (code, accepted, _) = program.publish(&[with_properties, refused, with_properties]);
        assert_eq!((code, accepted), (MQTTOxide_E_NOT_ALLOWED, 1));
        let packet = server.packet();
        assert_eq!(packet[0], 0x32);
        let props = with_properties.props;
        assert_eq!(usize::from(packet[7]), props.len());
        assert_eq!(&packet[8..8 + props.len()], props);
        server.send(&[0x40, 2, packet[5], packet[6]]);
        program.done(1);
    }
    // Properties that PUBLISH does not have.
    let bad = Message {
        props: &[17, 0, 0, 0, 1],
        ..message(b"x", 0)
    };
    assert_eq!(program.publish(&[bad]).0, CODE_ARGUMENT);
    server.expect_silence();
}

/// A server's Receive Maximum of 2, and 3 that may wait: the sixth is refused, a ROOM follows, and what was refused is taken
/// then.
#[test]
fn the_limit_of_what_may_wait_ends_the_call_and_room_follows() {
    let program = Program::new(5, 0, 3);
    let mut server = program.connect(true, &[0x20, 6, 0, 0, 3, 33, 0, 2]);
    let payloads: Vec<_> = (0..8_u8).map(|number| [number]).collect();
    let list: Vec<_> = payloads.iter().map(|payload| message(payload, 1)).collect();
    assert_eq!(program.publish(&list), (MQTTOxide_E_WOULD_BLOCK, 5, 1));
    let mut seen = Vec::new();
    let acknowledge = |server: &mut Server, seen: &mut Vec<u8>| {
        let packet = server.packet();
        seen.push(packet[packet.len() - 1]);
        server.send(&[0x40, 2, packet[5], packet[6]]);
    };
    acknowledge(&mut server, &mut seen);
    let mut kinds = BTreeMap::new();
    while !kinds.contains_key(&MQTTOxide_ROOM) {
        let event = program.next();
        *kinds.entry(u32::from(event.kind)).or_insert(0) += 1;
    }
    assert_eq!(program.publish(&list[5..6]).1, 1, "there is room");
    for _ in 1..6 {
        acknowledge(&mut server, &mut seen);
    }
    assert_eq!(seen, [0, 1, 2, 3, 4, 5]);
    // With NO_WAIT nothing waits for quota.
    let list = [0, 1, 2].map(|at| Message {
        flags: 1 | MQTTOxide_NO_WAIT,
        ..list[at]
    });
    loop {
        let event = program.expect(MQTTOxide_DONE);
        if event.token + event.value > 6 {
            break;
        }
    }
    let (code, accepted, first) = program.publish(&list);
    assert_eq!((code, accepted, first), (MQTTOxide_E_WOULD_BLOCK, 2, 7));
}

#[test]
fn without_a_connection_it_depends_on_the_client() {
    let list = [message(b"1", 1), message(b"2", 2), message(b"0", 0)];
    let program = Program::new(4, 0, 0);
    assert_eq!(program.publish(&list), (MQTTOxide_E_DISCONNECTED, 0, 0));
    // QoS 0 is not buffered unless the program asks for it.
    let program = Program::new(4, MQTTOxide_BUFFER_OFFLINE, 0);
    assert_eq!(program.publish(&list), (MQTTOxide_E_DISCONNECTED, 2, 1));
    let flags = MQTTOxide_BUFFER_OFFLINE | MQTTOxide_BUFFER_QOS0;
    let program = Program::new(4, flags, 0);
    assert_eq!(program.publish(&list), (0, 3, 1));
    let mut server = program.connect(true, &[0x20, 2, 0, 0]);
    for first in [0x32, 0x34, 0x30] {
        assert_eq!(server.packet()[0], first);
    }
    assert_eq!(program.done(1), [3], "QoS 0 is written");
}

/// A connection that is lost in the middle of the messages' exchange: what was in flight is sent again in its order, with DUP,
/// and ends once.
#[test]
fn messages_go_on_after_a_reconnect() {
    let program = Program::new(4, MQTTOxide_BUFFER_OFFLINE, 0);
    let mut server = program.connect(false, &[0x20, 2, 0, 0]);
    let list = [message(b"a", 1), message(b"b", 1), message(b"c", 1)];
    assert_eq!(program.publish(&list), (0, 3, 1));
    let packet = server.packet();
    server.send(&[0x40, 2, packet[5], packet[6]]);
    assert_eq!(program.done(1), [1]);
    drop(server);
    program.expect(MQTTOxide_LOST);
    assert_eq!(program.publish(&list[..1]), (0, 1, 4));
    let mut server = program.connect(false, &[0x20, 2, 1, 0]);
    for (first, payload) in [(0x3a, b"b"), (0x3a, b"c"), (0x32, b"a")] {
        let packet = server.packet();
        assert_eq!((packet[0], &packet[7..]), (first, &payload[..]));
        server.send(&[0x40, 2, packet[5], packet[6]]);
    }
    assert_eq!(program.done(3), [2, 3, 4]);
}

/// The tokens of a call run on from the first, whatever other threads publish meanwhile, and each is of one message.
#[test]
fn tokens_run_on_while_other_threads_publish() {
    const CALLS: usize = 200;
    const MANY: u32 = 16;
    let flags = MQTTOxide_BUFFER_OFFLINE | MQTTOxide_BUFFER_QOS0;
    let program = Program::new(4, flags, 0);
    let client = program.client;
    let stop = AtomicBool::new(false);
    let (begun, single) = std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut tokens = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                // SAFETY: a structure of numbers, and bytes with their lengths.
                let published = unsafe {
                    let mut published: MQTTOxide_published = std::mem::zeroed();
                    published.size = u32::try_from(size_of_val(&published)).expect("small");
                    let (topic, none) = (b"one".as_ptr().cast(), ptr::null());
                    let code = MQTTOxide_publish(
                        client,
                        topic,
                        3,
                        none,
                        0,
                        none,
                        0,
                        1,
                        &raw mut published,
                    );
                    assert!(code == 0 || code == MQTTOxide_E_WOULD_BLOCK, "{code}");
                    published
                };
                if published.token != 0 {
                    tokens.push(published.token);
                }
            }
            tokens
        });
        let mut begun = Vec::new();
        for call in 0..CALLS {
            let payload = u32::try_from(call).expect("few").to_be_bytes();
            let list = [message(&payload, 1); MANY as usize];
            let (code, accepted, first) = program.publish(&list);
            assert_eq!((code, accepted), (0, MANY));
            begun.push(first);
        }
        stop.store(true, Ordering::Relaxed);
        (begun, other.join().expect("the other thread"))
    });
    // What is in flight has exactly these tokens.
    let mut expected: Vec<u64> = begun
        .iter()
        .flat_map(|first| *first..first + u64::from(MANY))
        .chain(single)
        .collect();
    expected.sort_unstable();
    // SAFETY: a structure of numbers.
    let mut listed = vec![unsafe { std::mem::zeroed::<MQTTOxide_operation>() }; expected.len()];
    // SAFETY: room for that many.
    let count = unsafe { MQTTOxide_inFlight(client, listed.as_mut_ptr(), len(&listed)) };
    assert_eq!(usize::try_from(count), Ok(expected.len()));
    let mut listed: Vec<_> = listed.iter().map(|operation| operation.token).collect();
    listed.sort_unstable();
    assert_eq!(listed, expected);
}

/// More than the kernel takes at once: a message beyond the limit of what may be unwritten is refused, and there is room once
/// the server has read. Nothing that was accepted is lost or out of order.
#[test]
fn a_server_that_does_not_read_ends_the_call() {
    let (program, mut server) = Program::connected(0);
    let mut payloads: Vec<Vec<u8>> = (0..64_u32)
        .map(|number| number.to_be_bytes().repeat(16 * 1024))
        .collect();
    let mut sent = 0;
    let mut refused = false;
    let mut read = 0_u32;
    while !payloads.is_empty() {
        let list: Vec<_> = payloads.iter().map(|payload| message(payload, 0)).collect();
        let (code, accepted, _) = program.publish(&list);
        sent += accepted;
        payloads.drain(..accepted as usize);
        if code == 0 {
            break;
        }
        assert_eq!(code, MQTTOxide_E_WOULD_BLOCK);
        refused = true;
        let mut room = false;
        while !room {
            read_large(&mut server, &mut read);
            // Each ROOM tells of one refusal: wait for it where all that was accepted has been read.
            if read == sent {
                while !room {
                    room = u32::from(program.next().kind) == MQTTOxide_ROOM;
                }
            }
        }
    }
    assert!(refused, "4 MiB are more than may be unwritten");
    while read < sent {
        read_large(&mut server, &mut read);
    }
    assert_eq!(read, 64);
}

/// Reads one large message, which has to be the next.
fn read_large(server: &mut Server, read: &mut u32) {
    use std::io::Read;
    let mut head = [0; 4 + 3];
    server.0.read_exact(&mut head).expect("a packet");
    assert_eq!((head[0], &head[4..]), (0x30, &b"\0\x01t"[..]));
    let mut payload = vec![0; 64 * 1024];
    server.0.read_exact(&mut payload).expect("its payload");
    let expected = read.to_be_bytes();
    assert!(payload.chunks_exact(4).all(|chunk| chunk == expected));
    *read += 1;
}
