//! The event API, driven by arbitrary calls and by arbitrary bytes of the server's over a stream that the program carries.
//!
//! What always holds, whatever the server says:
//!
//! - records are well-formed, fit into the buffer that they were asked into, and none is lost by asking with a small one;
//! - every accepted operation ends exactly once, and no other does; when the client is destroyed, all have ended;
//! - CONNECTED comes before the messages of its connection, which carry its number, and none comes after its end;
//! - attempts end once each, in `CONNECTED` or `CONNECT_FAILED`;
//! - nothing panics.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use paho_oxide::events::{
    Acks, Connect, Create, EventClient, HEAD, Kind, Manner, NotTaken, Policy, Queue, Wait, Work,
};
use paho_oxide::protocol::packet::{Filter, Publish};
use paho_oxide::protocol::property::{Properties, PropertiesRef, Property, PropertyId, Value};
use paho_oxide::protocol::{QoS, Version};

/// What the program has chosen.
#[derive(Arbitrary, Clone, Copy, Debug, Default)]
pub struct Setup {
    v5: bool,
    by_program: bool,
    ordered: bool,
    qos2_at_publish: bool,
    buffer_offline: bool,
    buffer_qos0: bool,
    ids_at_accept: bool,
    few_unread: bool,
    driver: u8,
}

/// A call of the program's, or what the server sends.
#[derive(Arbitrary, Clone, Debug)]
pub enum Step {
    Attach {
        clean: bool,
        session: u8,
        authenticates: bool,
        resumes_few: bool,
    },
    /// Any bytes.
    Feed(Vec<u8>),
    Connack {
        present: bool,
        code: u8,
    },
    /// An acknowledgement: of which kind, for which packet identifier.
    Answer {
        kind: u8,
        id: u8,
    },
    Message {
        qos: u8,
        id: u8,
        dup: bool,
        len: u8,
    },
    Challenge {
        reason: u8,
    },
    Goodbye,
    Take {
        len: u8,
    },
    Publish {
        qos: u8,
        len: u16,
        no_wait: bool,
        later: bool,
        retain: bool,
    },
    Subscribe {
        qos: u8,
    },
    Unsubscribe,
    Cancel {
        token: u8,
    },
    Ack {
        which: u8,
        reason: u8,
    },
    Auth {
        reason: u8,
    },
    Disconnect {
        timeout: bool,
    },
    Abort,
    Eof {
        words: bool,
    },
    SetDriver {
        work: u8,
    },
    Drive {
        work: u8,
    },
    Next {
        capacity: u16,
    },
    Look,
}

fn work(bits: u8) -> Work {
    Work {
        read: bits & 1 != 0,
        write: bits & 2 != 0,
        tick: bits & 4 != 0,
        level: bits & 16 != 0,
        ..Work::NONE
    }
}

fn qos(value: u8) -> QoS {
    match value % 3 {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

/// The program.
struct World {
    queue: Arc<Queue>,
    client: EventClient,
    v5: bool,
    /// Operations that were accepted and whose end has not been told.
    open: BTreeSet<u64>,
    /// Ends that were told before the call that began the operation had returned, on another thread.
    early: BTreeSet<u64>,
    last_token: u64,
    attempts: u64,
    connection: Option<u64>,
    /// Messages to acknowledge.
    messages: Vec<u64>,
    buffer: Vec<u8>,
}

impl World {
    fn new(setup: Setup) -> Self {
        let queue = Queue::new();
        let create = Create {
            context: 0x1234_5678_9abc_def0,
            version: if setup.v5 { Version::V5 } else { Version::V311 },
            acks: Acks {
                by_program: setup.by_program,
                ordered: setup.ordered,
                qos2_at_publish: setup.qos2_at_publish,
            },
            buffer_offline: setup.buffer_offline,
            buffer_qos0: setup.buffer_qos0,
            ids_at_accept: setup.ids_at_accept,
            max_buffered: 20,
            max_unread_messages: if setup.few_unread { 2 } else { 1000 },
            driver: work(setup.driver & 7),
            ..Create::default()
        };
        let client = EventClient::new(&queue, create).expect("a client without a store");
        Self {
            queue,
            client,
            v5: setup.v5,
            open: BTreeSet::new(),
            early: BTreeSet::new(),
            last_token: 0,
            attempts: 0,
            connection: None,
            messages: Vec::new(),
            buffer: vec![0; 1 << 17],
        }
    }

    fn accepted(&mut self, token: u64) {
        assert_eq!(token, self.last_token + 1, "tokens count");
        self.last_token = token;
        if !self.early.remove(&token) {
            self.open.insert(token);
        }
    }

    fn ended(&mut self, token: u64) {
        if !self.open.remove(&token) {
            assert!(token > self.last_token, "{token} ended twice");
            assert!(self.early.insert(token), "{token} ended twice");
        }
    }

    /// Takes what is there through a buffer of that size, and one that suffices where it does not.
    fn take(&mut self, capacity: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut size = capacity.min(buffer.len());
        loop {
            match self.queue.next_events(&mut buffer[..size], Wait::No) {
                Ok(batch) => {
                    assert!(batch.bytes <= size);
                    let mut at = 0;
                    for _ in 0..batch.records {
                        at += self.read(&buffer[at..batch.bytes]);
                    }
                    assert_eq!(at, batch.bytes);
                    break;
                }
                Err(NotTaken::TooSmall(needed)) => {
                    assert!(needed > size && needed % 8 == 0 && size == capacity);
                    if needed > buffer.len() {
                        buffer.resize(needed, 0);
                    }
                    size = needed;
                }
                Err(NotTaken::Closed) => panic!("the queue is open"),
            }
        }
        self.buffer = buffer;
    }

    /// Reads a record as the manual describes it. Returns its size.
    fn read(&mut self, bytes: &[u8]) -> usize {
        let two = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
        let four = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four"));
        let eight = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("eight"));
        let size = four(0) as usize;
        let used = HEAD
            + [12, 16, 20]
                .map(|at| four(at) as usize)
                .iter()
                .sum::<usize>();
        assert!(size <= bytes.len() && used.next_multiple_of(8) == size);
        assert!(bytes[used..size].iter().all(|byte| *byte == 0), "padding");
        assert_eq!(eight(32), 0x1234_5678_9abc_def0, "context");
        let (flags, token, value) = (bytes[7], eight(24), eight(40));
        match two(4) {
            kind if kind == Kind::Message as u16 => {
                assert_eq!(Some(value), self.connection, "a message of this connection");
                assert!(bytes[6] <= 2 && flags & !3 == 0);
                self.messages.extend((token != 0).then_some(token));
            }
            kind if kind == Kind::Done as u16 => {
                assert!(value > 0 && (value == 1 || two(10) == 0));
                (token..token + value).for_each(|token| self.ended(token));
            }
            kind if kind == Kind::Failed as u16 => {
                assert!((1..=7).contains(&flags));
                self.ended(token);
            }
            kind if kind == Kind::SubAck as u16 || kind == Kind::UnsubAck as u16 => {
                self.ended(token);
            }
            kind if kind == Kind::Connected as u16 => {
                assert!(self.attempts > 0 && self.connection.is_none());
                self.attempts -= 1;
                self.connection = Some(value);
            }
            kind if kind == Kind::ConnectFailed as u16 => {
                assert!(self.attempts > 0 && self.connection.is_none());
                self.attempts -= 1;
            }
            kind if kind == Kind::Lost as u16 || kind == Kind::ServerDisconnect as u16 => {
                assert!(self.connection.take().is_some(), "there was a connection");
            }
            kind if kind == Kind::Closed as u16 => self.connection = None,
            kind => assert!((1..=15).contains(&kind), "kind {kind}"),
        }
        size
    }

    fn feed(&mut self, bytes: &[u8]) {
        // Under back-pressure some are left: they are the next ones then, as if the server had sent nothing.
        if let Ok(taken) = self.client.feed(bytes) {
            assert!(taken <= bytes.len());
        }
    }

    fn attach(&mut self, clean: bool, session: u8, authenticates: bool, resumes_few: bool) {
        let mut properties = Properties::new();
        if self.v5 && authenticates {
            let method = Property {
                id: PropertyId::AuthenticationMethod,
                value: Value::Utf8(b"M"),
            };
            properties.push(method).expect("a property");
        }
        let connect = Connect {
            version: if self.v5 { Version::V5 } else { Version::V311 },
            clean,
            session: match session % 4 {
                0 => Policy::KeepAndResend,
                1 => Policy::Keep,
                2 => Policy::FollowServer,
                _ => Policy::Clear,
            },
            properties,
            client_id: Some("fuzzed".into()),
            max_inflight: 5,
            max_resume_inflight: resumes_few.then_some(1),
            ..Connect::default()
        };
        if self.client.attach_stream(connect).is_ok() {
            self.attempts += 1;
        }
    }

    fn step(&mut self, step: &Step) {
        let empty = PropertiesRef::EMPTY;
        let v5 = self.v5;
        match step {
            Step::Attach {
                clean,
                session,
                authenticates,
                resumes_few,
            } => {
                self.attach(*clean, *session, *authenticates, *resumes_few);
            }
            Step::Feed(bytes) => self.feed(bytes),
            Step::Connack { present, code } => {
                let code = if *code < 200 { 0 } else { *code };
                let body = [u8::from(*present), code, 0];
                let len = if v5 { 3 } else { 2 };
                let mut packet = vec![0x20, len];
                packet.extend(&body[..len.into()]);
                self.feed(&packet);
            }
            Step::Answer { kind, id } => {
                let first = [0x40, 0x50, 0x62, 0x70, 0x90, 0xb0, 0xd0][usize::from(kind % 7)];
                let id = id % 8;
                let packet = match (first, v5) {
                    (0x90 | 0xb0, true) => vec![first, 4, 0, id, 0, 0],
                    (0x90, false) => vec![first, 3, 0, id, 0],
                    (0xd0, _) => vec![first, 0],
                    _ => vec![first, 2, 0, id],
                };
                self.feed(&packet);
            }
            Step::Message { qos, id, dup, len } => {
                let qos = qos % 3;
                let mut body = vec![0, 1, b't'];
                if qos > 0 {
                    body.extend([0, id % 4]);
                }
                if v5 {
                    body.push(0);
                }
                body.resize(body.len() + usize::from(len % 100), b'x');
                let first = 0x30 | qos << 1 | u8::from(*dup && qos > 0) << 3;
                let mut packet = vec![first, u8::try_from(body.len()).expect("short")];
                packet.extend(body);
                self.feed(&packet);
            }
            Step::Challenge { reason } => {
                let reason = [0x18, 0, 0x19][usize::from(reason % 3)];
                self.feed(&[0xf0, 6, reason, 4, 0x15, 0, 1, b'M']);
            }
            Step::Goodbye => self.feed(&[0xe0, 0]),
            Step::Take { len } => {
                let mut bytes = [0; 255];
                if let Ok(taken) = self.client.take(&mut bytes[..usize::from(*len)]) {
                    assert!(taken <= usize::from(*len));
                }
            }
            Step::Publish {
                qos: level,
                len,
                no_wait,
                later,
                retain,
            } => {
                let payload = vec![b'p'; usize::from(*len)];
                let publish = Publish {
                    dup: false,
                    qos: qos(*level),
                    retain: *retain,
                    topic: b"t",
                    packet_id: 0,
                    properties: empty,
                    payload: &payload,
                };
                let manner = Manner {
                    no_wait: *no_wait,
                    later: *later,
                };
                if let Ok(published) = self.client.publish(&publish, manner) {
                    assert!(!(*no_wait && published.waits));
                    self.accepted(published.number);
                    if published.written && publish.qos == QoS::AtMostOnce {
                        self.ended(published.number);
                    }
                }
            }
            Step::Subscribe { qos: level } => {
                let filter = Filter {
                    filter: b"t/#",
                    qos: qos(*level),
                    no_local: false,
                    retain_as_published: false,
                    retain_handling: 0,
                };
                if let Ok(token) = self.client.subscribe(&[filter], empty) {
                    self.accepted(token);
                }
            }
            Step::Unsubscribe => {
                if let Ok(token) = self.client.unsubscribe(&[b"t/#"], empty) {
                    self.accepted(token);
                }
            }
            Step::Cancel { token } => {
                let token = u64::from(*token);
                assert!(!self.client.cancel(token) || token <= self.last_token);
            }
            Step::Ack { which, reason } => {
                let known = self.messages.get(usize::from(*which)).copied();
                let token = NonZeroU64::new(known.unwrap_or(u64::from(*which) << 17));
                let reason = if *reason < 200 { 0 } else { *reason };
                let _wrong_reason = self.client.ack(token.into_iter(), reason);
            }
            Step::Auth { reason } => {
                let reason = [0x18, 0x19, 0][usize::from(reason % 3)];
                let _not_now = self.client.auth(reason, empty);
            }
            Step::Disconnect { timeout } => {
                let time = Duration::from_millis(u64::from(*timeout) * 1000);
                let _no_connection = self.client.disconnect(time, 0, Properties::new());
            }
            Step::Abort => drop(self.client.abort()),
            Step::Eof { words } => drop(self.client.eof(if *words { "the end" } else { "" })),
            Step::SetDriver { work: bits } => {
                self.client.set_driver(work(*bits & 7));
            }
            Step::Drive { work: bits } => drop(self.client.drive(work(*bits))),
            Step::Next { capacity } => self.take(usize::from(*capacity)),
            Step::Look => {
                let listed = self.client.in_flight().len() as u64;
                let counters = self.client.counters();
                assert!(listed <= self.last_token && counters.queued <= listed + 1);
                let _ = (self.client.wants(), self.client.deadline());
            }
        }
    }
}

/// Runs the calls.
///
/// # Panics
/// When something does not hold that always must.
pub fn run(setup: Setup, steps: &[Step]) {
    let mut world = World::new(setup);
    for step in steps {
        world.step(step);
    }
    world.client.destroy();
    world.take(usize::MAX);
    // What is left of a batch that was full.
    world.take(usize::MAX);
    assert!(world.open.is_empty(), "{:?} never ended", world.open);
    assert!(
        world.early.is_empty(),
        "{:?} ended and was never accepted",
        world.early
    );
}
