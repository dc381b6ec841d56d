//! Every function of `paho_oxide.h` for queues and clients, called as a C program calls it: in any order, with handles, pointers,
//! lengths, sizes, flags and numbers of any kind, while a server says anything.
//!
//! What always holds:
//!
//! - a call returns a count or one of the header's codes, and never that of a defect;
//! - a handle that is none (any more) is `E_HANDLE` for each function, and for no other handle;
//! - nothing is written behind a buffer, nor anything at all by a call that fails where the header says so;
//! - events are well-formed and fill the bytes that are returned;
//! - a property that was put is read again as it was.
#![allow(unsafe_code)] // a C program's calls

use std::ffi::{CStr, c_void};
use std::ptr;

use arbitrary::{Arbitrary, Unstructured};
#[allow(clippy::wildcard_imports)] // all of them, that is what this is for
use paho_oxide::ffi::exports::paho_oxide::*;
#[allow(clippy::wildcard_imports)]
use paho_oxide::ffi::exports::paho_oxide_messages::*;
#[allow(clippy::wildcard_imports)]
use paho_oxide::ffi::types::oxide_types::*;

/// Bytes that a program passes: in a block of exactly that size, or a length without bytes.
#[derive(Arbitrary, Clone, Debug)]
pub struct Bytes {
    content: Vec<u8>,
    missing: u8,
}

impl Bytes {
    fn pointer(&self) -> *const c_void {
        if self.missing > 250 {
            ptr::null()
        } else {
            self.content.as_ptr().cast()
        }
    }

    fn len(&self) -> u32 {
        u32::try_from(self.content.len()).expect("short")
    }
}

/// Which handle a call is given.
#[derive(Clone, Copy, Debug)]
pub enum Handle {
    /// The client where a client is wanted, the queue where a queue is.
    Right,
    /// The other one.
    Other,
    /// One that was destroyed.
    Old,
    Number(u64),
}

impl Arbitrary<'_> for Handle {
    fn arbitrary(input: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        Ok(match u8::arbitrary(input)? {
            0..220 => Self::Right,
            220..230 => Self::Other,
            230..245 => Self::Old,
            _ => Self::Number(u64::arbitrary(input)?),
        })
    }
}

/// A member of a struct that says how large it is.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Size(u8);

impl Size {
    fn of<T>(self) -> u32 {
        let right = u32::try_from(size_of::<T>()).expect("small");
        match self.0 {
            250.. => right - 1,
            245..250 => 0,
            _ => right,
        }
    }
}

/// A buffer that a call fills: what lies behind it stays as it is.
struct Room(Vec<u64>, usize);

const UNTOUCHED: u8 = 0xa5;

impl Room {
    fn new(capacity: u16) -> Self {
        let words = usize::from(capacity).div_ceil(8) + 2;
        Self(
            vec![u64::from_ne_bytes([UNTOUCHED; 8]); words],
            capacity.into(),
        )
    }

    fn pointer(&mut self) -> *mut c_void {
        self.0.as_mut_ptr().cast()
    }

    fn capacity(&self) -> u32 {
        u32::try_from(self.1).expect("short")
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    fn check(&self, filled: i64) -> Vec<u8> {
        let bytes = self.bytes();
        let filled = usize::try_from(filled).unwrap_or(0);
        assert!(filled <= self.1);
        assert!(bytes[self.1..].iter().all(|byte| *byte == UNTOUCHED));
        bytes[..filled].to_vec()
    }
}

/// A call.
#[derive(Arbitrary, Clone, Debug)]
pub enum Step {
    /// A client, and a connection over a stream, as most programs make them.
    Usual,
    Create {
        size: Size,
        flags: u8,
        version: u8,
        max_unread: u8,
        max_buffered: u8,
        store: u8,
        driver: u8,
        id: Bytes,
    },
    Destroy(Handle),
    DestroyQueue(Handle),
    EventFd(Handle),
    Next {
        handle: Handle,
        capacity: u16,
        odd: bool,
    },
    Interrupt(Handle),
    LogLevel(Handle, i8),
    AttachFd {
        handle: Handle,
        fd: bool,
    },
    AttachStream {
        handle: Handle,
        size: Size,
        version: u8,
        bits: u8,
        keep_alive: u16,
        id: Bytes,
        password: Bytes,
        props: Bytes,
        will: Bytes,
        path: Bytes,
        headers: Bytes,
    },
    Connect {
        handle: Handle,
        uri: u8,
    },
    Abort(Handle),
    Disconnect {
        handle: Handle,
        timeout: u8,
        reason: u8,
        props: Bytes,
    },
    Auth {
        handle: Handle,
        reason: u8,
        props: Bytes,
    },
    Address {
        handle: Handle,
        which: u8,
        capacity: u8,
    },
    Feed {
        handle: Handle,
        bytes: Bytes,
    },
    /// What a server says that accepts, acknowledges and publishes.
    Server(u8),
    FeedEvents {
        handle: Handle,
        bytes: Bytes,
        capacity: u16,
    },
    Eof {
        handle: Handle,
        why: Bytes,
    },
    Take {
        handle: Handle,
        capacity: u16,
    },
    SetDriver(Handle, u8),
    Drive(Handle, u8),
    DriveEvents {
        handle: Handle,
        what: u8,
        capacity: u16,
    },
    Wants(Handle),
    Deadline(Handle),
    Publish {
        handle: Handle,
        topic: Bytes,
        payload: Bytes,
        props: Bytes,
        flags: u8,
        size: Size,
    },
    PublishMany {
        handle: Handle,
        topics: Vec<Bytes>,
        flags: u8,
    },
    Cancel(Handle, u64),
    Subscribe {
        handle: Handle,
        filters: Bytes,
        props: Bytes,
    },
    Unsubscribe {
        handle: Handle,
        filters: Bytes,
        props: Bytes,
    },
    Ack {
        handle: Handle,
        tokens: Vec<u64>,
        reason: u8,
    },
    InFlight {
        handle: Handle,
        capacity: u8,
    },
    Counters {
        handle: Handle,
        size: Size,
    },
    PutNumber {
        capacity: u8,
        at: u8,
        id: u8,
        number: u32,
    },
    PutBytes {
        capacity: u8,
        at: u8,
        id: u8,
        value: Bytes,
    },
    PutPair {
        capacity: u8,
        at: u8,
        id: u8,
        name: Bytes,
        value: Bytes,
    },
    PutFilter {
        capacity: u8,
        at: u8,
        filter: Bytes,
        options: i32,
    },
    NextProperty {
        props: Bytes,
        at: u8,
        size: Size,
    },
    ErrorName(i32),
}

/// URIs that lead nowhere, without a name to look up.
const URIS: [&[u8]; 6] = [
    b"",
    b"tcp://",
    b"nonsense",
    b"\xff",
    b"unix:///nonexistent/paho-oxide",
    b"tcp://[::1",
];

/// What a server of MQTT 3.1.1 says.
const SAID: [&[u8]; 8] = [
    b"\x20\x02\0\0",
    b"\x20\x02\0\x05",
    b"\x40\x02\0\x01",
    b"\x90\x03\0\x01\0",
    b"\x30\x05\0\x01tm!",
    b"\x32\x07\0\x01t\0\x01m!",
    b"\xd0\0",
    b"\x30\x00",
];

/// The program.
struct World {
    queue: u64,
    client: u64,
    old: u64,
}

impl World {
    fn new() -> Self {
        let mut queue = 0;
        // SAFETY: a variable that the library fills.
        assert_eq!(unsafe { MQTTOxide_createQueue(&raw mut queue) }, 0);
        Self {
            queue,
            client: 0,
            old: 0,
        }
    }

    fn client(&self, handle: Handle) -> u64 {
        match handle {
            Handle::Right => self.client,
            Handle::Other => self.queue,
            Handle::Old => self.old,
            Handle::Number(number) => number,
        }
    }

    fn queue(&self, handle: Handle) -> u64 {
        match handle {
            Handle::Right => self.queue,
            Handle::Other => self.client,
            Handle::Old => self.old,
            Handle::Number(number) => number,
        }
    }

    /// Checks the answer of a call for a client.
    fn answered(&self, handle: Handle, code: impl Into<i64>) {
        let is_one = self.client != 0 && self.client(handle) == self.client;
        checked(is_one, code.into());
    }

    /// The same of a call for a queue.
    fn answered_by_queue(&self, handle: Handle, code: impl Into<i64>) {
        let is_one = self.queue(handle) == self.queue;
        checked(is_one, code.into());
    }

    #[allow(clippy::too_many_lines)] // a match
    fn step(&mut self, step: &Step) {
        match step {
            Step::Usual => {
                let right = Size(0);
                self.create(MQTTOxide_createOptions {
                    size: right.of::<MQTTOxide_createOptions>(),
                    flags: MQTTOxide_ACK_BY_PROGRAM,
                    // SAFETY: numbers and pointers, which may all be 0.
                    ..unsafe { std::mem::zeroed() }
                });
                let options = connect_options();
                // SAFETY: a number, and a struct.
                let code = unsafe { MQTTOxide_attachStream(self.client, &raw const options) };
                assert_eq!(code, 0);
            }
            Step::Create {
                size,
                flags,
                version,
                max_unread,
                max_buffered,
                store,
                driver,
                id,
            } => self.create(MQTTOxide_createOptions {
                size: size.of::<MQTTOxide_createOptions>(),
                flags: (*flags).into(),
                version: (*version % 7).into(),
                max_unread_messages: (*max_unread).into(),
                max_buffered: (*max_buffered).into(),
                // None, or one that there is not: a fuzzer shall not write files.
                store: if *store < 250 { 0 } else { 3 },
                driver: (*driver % 9).into(),
                client_id: id.pointer().cast(),
                client_id_len: id.len(),
                // SAFETY: numbers and pointers, which may all be 0.
                ..unsafe { std::mem::zeroed() }
            }),
            Step::Destroy(handle) => {
                // SAFETY: a number.
                let code = unsafe { MQTTOxide_destroy(self.client(*handle)) };
                self.answered(*handle, code);
                if code == 0 {
                    self.old = std::mem::take(&mut self.client);
                }
            }
            Step::DestroyQueue(handle) => {
                let of = self.queue(*handle);
                if of == self.queue && self.client == 0 {
                    // It has no client: the next steps have another one.
                    // SAFETY: a number, and a variable that the library fills.
                    unsafe {
                        assert_eq!(MQTTOxide_destroyQueue(of), 0);
                        assert_eq!(MQTTOxide_createQueue(&raw mut self.queue), 0);
                    }
                    self.old = of;
                    return;
                }
                // SAFETY: a number.
                let code = unsafe { MQTTOxide_destroyQueue(of) };
                self.answered_by_queue(*handle, code);
            }
            _ => self.call(step),
        }
    }

    fn create(&mut self, options: MQTTOxide_createOptions) {
        let mut made = 0;
        // SAFETY: a struct whose strings have the lengths that it says, and a variable.
        let code = unsafe { MQTTOxide_create(&raw mut made, self.queue, &raw const options) };
        well(code);
        assert_eq!(code == 0, made != 0);
        if code == 0 {
            if self.client != 0 {
                // SAFETY: a number.
                assert_eq!(unsafe { MQTTOxide_destroy(self.client) }, 0);
                self.old = self.client;
            }
            self.client = made;
        }
    }

    #[allow(clippy::too_many_lines)] // a match
    fn call(&mut self, step: &Step) {
        // SAFETY: for all arms, handles are numbers; each pointer is NULL, or a block of the length beside it that lives
        // until the call has returned; structs say their sizes, or less.
        unsafe {
            match step {
                Step::Usual | Step::Create { .. } | Step::Destroy(_) | Step::DestroyQueue(_) => {}
                Step::EventFd(handle) => {
                    self.answered_by_queue(*handle, MQTTOxide_eventFd(self.queue(*handle)));
                }
                Step::Next {
                    handle,
                    capacity,
                    odd,
                } => {
                    let mut room = Room::new(*capacity);
                    let mut count = 0;
                    let odd = usize::from(*odd && *capacity > 0);
                    let filled = MQTTOxide_nextEvents(
                        self.queue(*handle),
                        room.pointer().byte_add(odd),
                        room.capacity() - u32::try_from(odd).expect("0 or 1"),
                        0,
                        &raw mut count,
                    );
                    self.answered_by_queue(*handle, filled);
                    assert!(odd == 0 || *capacity == 1 || filled < 0);
                    events(&room.check(filled), filled, count);
                }
                Step::Interrupt(handle) => {
                    self.answered_by_queue(*handle, MQTTOxide_interrupt(self.queue(*handle)));
                }
                Step::LogLevel(handle, level) => {
                    let code = MQTTOxide_setLogLevel(self.queue(*handle), (*level).into());
                    if (0..=7).contains(level) {
                        self.answered_by_queue(*handle, code);
                    } else {
                        assert_eq!(code, MQTTOxide_E_ARGUMENT);
                    }
                }
                Step::AttachFd { handle, fd } => {
                    let options = connect_options();
                    let fd = if *fd { -1 } else { i32::MAX };
                    let code = MQTTOxide_attachFd(self.client(*handle), fd, &raw const options);
                    self.answered(*handle, code);
                    assert!(code < 0);
                }
                Step::AttachStream { .. } => self.attach(step),
                Step::Connect { handle, uri } => {
                    let options = connect_options();
                    let uri = URIS[usize::from(*uri) % URIS.len()];
                    let len = u32::try_from(uri.len()).expect("short");
                    let code = MQTTOxide_connect(
                        self.client(*handle),
                        uri.as_ptr().cast(),
                        len,
                        &raw const options,
                        ptr::null(),
                    );
                    self.answered(*handle, code);
                }
                Step::Abort(handle) => {
                    self.answered(*handle, MQTTOxide_abort(self.client(*handle)));
                }
                Step::Disconnect {
                    handle,
                    timeout,
                    reason,
                    props,
                } => {
                    let code = MQTTOxide_disconnect(
                        self.client(*handle),
                        (*timeout % 2).into(),
                        *reason,
                        props.pointer(),
                        props.len(),
                    );
                    self.answered(*handle, code);
                }
                Step::Auth {
                    handle,
                    reason,
                    props,
                } => {
                    let client = self.client(*handle);
                    let code = MQTTOxide_auth(client, *reason, props.pointer(), props.len());
                    self.answered(*handle, code);
                }
                Step::Address {
                    handle,
                    which,
                    capacity,
                } => {
                    let mut room = Room::new((*capacity).into());
                    let client = self.client(*handle);
                    let which = (*which % 3).into();
                    let len =
                        MQTTOxide_address(client, which, room.pointer().cast(), room.capacity());
                    self.answered(*handle, len);
                    room.check(len);
                }
                Step::Feed { handle, bytes } => {
                    let client = self.client(*handle);
                    let taken = MQTTOxide_feed(client, bytes.pointer(), bytes.len().into());
                    self.answered(*handle, taken);
                    assert!(taken <= bytes.len().into());
                }
                Step::Server(what) => {
                    let said = SAID[usize::from(*what) % SAID.len()];
                    let taken =
                        MQTTOxide_feed(self.client, said.as_ptr().cast(), said.len() as u64);
                    self.answered(Handle::Right, taken);
                }
                Step::FeedEvents {
                    handle,
                    bytes,
                    capacity,
                } => {
                    let mut room = Room::new(*capacity);
                    let (mut taken, mut count) = (u64::MAX, 0);
                    let filled = MQTTOxide_feedEvents(
                        self.client(*handle),
                        bytes.pointer(),
                        bytes.len().into(),
                        &raw mut taken,
                        room.pointer(),
                        room.capacity(),
                        &raw mut count,
                    );
                    self.answered(*handle, filled);
                    assert!(taken == u64::MAX || taken <= bytes.len().into());
                    assert!(filled < 0 || taken != u64::MAX);
                    events(&room.check(filled), filled, count);
                }
                Step::Eof { handle, why } => {
                    let client = self.client(*handle);
                    let code = MQTTOxide_eof(client, why.pointer().cast(), why.len());
                    self.answered(*handle, code);
                }
                Step::Take { handle, capacity } => {
                    let mut room = Room::new(*capacity);
                    let client = self.client(*handle);
                    let taken = MQTTOxide_take(client, room.pointer(), room.capacity());
                    self.answered(*handle, taken);
                    room.check(taken);
                }
                Step::SetDriver(handle, what) => {
                    let code = MQTTOxide_setDriver(self.client(*handle), (*what).into());
                    self.answered(*handle, code);
                    assert!(*what < 8 || code < 0);
                }
                Step::Drive(handle, what) => {
                    let wants = MQTTOxide_drive(self.client(*handle), (*what).into());
                    self.answered(*handle, wants);
                    assert!(what & !0x17 == 0 || wants < 0);
                }
                Step::DriveEvents {
                    handle,
                    what,
                    capacity,
                } => {
                    let mut room = Room::new(*capacity);
                    let mut count = 0;
                    let filled = MQTTOxide_driveEvents(
                        self.client(*handle),
                        (*what).into(),
                        room.pointer(),
                        room.capacity(),
                        &raw mut count,
                    );
                    self.answered(*handle, filled);
                    events(&room.check(filled), filled, count);
                }
                Step::Wants(handle) => {
                    let wants = MQTTOxide_wants(self.client(*handle));
                    self.answered(*handle, wants);
                    assert!(wants < 0x40);
                }
                Step::Deadline(handle) => {
                    assert!(MQTTOxide_deadlineMs(self.client(*handle)) >= -1);
                }
                Step::Publish {
                    handle,
                    topic,
                    payload,
                    props,
                    flags,
                    size,
                } => {
                    let mut published = MQTTOxide_published {
                        size: size.of::<MQTTOxide_published>(),
                        packet_id: 0,
                        status: 0,
                        token: 0,
                    };
                    let code = MQTTOxide_publish(
                        self.client(*handle),
                        topic.pointer().cast(),
                        topic.len(),
                        payload.pointer(),
                        payload.len(),
                        props.pointer(),
                        props.len(),
                        (*flags).into(),
                        &raw mut published,
                    );
                    self.answered(*handle, code);
                    assert_eq!(code == 0, published.token != 0);
                }
                Step::PublishMany {
                    handle,
                    topics,
                    flags,
                } => {
                    let messages: Vec<_> = topics
                        .iter()
                        .map(|topic| MQTTOxide_message {
                            topic: topic.pointer().cast(),
                            payload: topic.pointer(),
                            props: ptr::null(),
                            topic_len: topic.len(),
                            payload_len: topic.len(),
                            props_len: 0,
                            flags: (*flags).into(),
                        })
                        .collect();
                    let n = u32::try_from(messages.len()).expect("few");
                    let (mut accepted, mut first) = (0, 0);
                    let code = MQTTOxide_publishMany(
                        self.client(*handle),
                        messages.as_ptr(),
                        n,
                        &raw mut accepted,
                        &raw mut first,
                    );
                    self.answered(*handle, code);
                    assert!(accepted <= n && (code < 0 || accepted == n));
                    assert_eq!(accepted > 0, first > 0);
                }
                Step::Cancel(handle, token) => {
                    let code = MQTTOxide_cancel(self.client(*handle), *token);
                    self.answered(*handle, code);
                }
                Step::Subscribe {
                    handle,
                    filters,
                    props,
                } => {
                    let mut token = 0;
                    let code = MQTTOxide_subscribe(
                        self.client(*handle),
                        filters.pointer(),
                        filters.len(),
                        props.pointer(),
                        props.len(),
                        &raw mut token,
                    );
                    self.answered(*handle, code);
                    assert_eq!(code == 0, token != 0);
                }
                Step::Unsubscribe {
                    handle,
                    filters,
                    props,
                } => {
                    let mut token = 0;
                    let code = MQTTOxide_unsubscribe(
                        self.client(*handle),
                        filters.pointer(),
                        filters.len(),
                        props.pointer(),
                        props.len(),
                        &raw mut token,
                    );
                    self.answered(*handle, code);
                    assert_eq!(code == 0, token != 0);
                }
                Step::Ack {
                    handle,
                    tokens,
                    reason,
                } => {
                    let n = u32::try_from(tokens.len()).expect("few");
                    let code = MQTTOxide_ack(self.client(*handle), tokens.as_ptr(), n, *reason);
                    self.answered(*handle, code);
                    assert!(i64::from(code) <= i64::from(n));
                }
                Step::InFlight { handle, capacity } => {
                    let size = size_of::<MQTTOxide_operation>();
                    let capacity = u16::from(*capacity);
                    let mut room = Room::new(capacity * u16::try_from(size).expect("small"));
                    let client = self.client(*handle);
                    let there = MQTTOxide_inFlight(client, room.pointer().cast(), capacity.into());
                    self.answered(*handle, there);
                    room.check(0);
                }
                Step::Counters { handle, size } => {
                    let mut counters: MQTTOxide_counters = std::mem::zeroed();
                    counters.size = size.of::<MQTTOxide_counters>();
                    let code = MQTTOxide_counters(self.client(*handle), &raw mut counters);
                    self.answered(*handle, code);
                }
                Step::PutNumber {
                    capacity,
                    at,
                    id,
                    number,
                } => put(*capacity, *at, *id, |room, used| {
                    let capacity = room.capacity();
                    MQTTOxide_putNumber(room.pointer(), capacity, used, (*id).into(), *number)
                }),
                Step::PutBytes {
                    capacity,
                    at,
                    id,
                    value,
                } => put(*capacity, *at, *id, |room, used| {
                    let (id, capacity) = ((*id).into(), room.capacity());
                    let room = room.pointer();
                    MQTTOxide_putBytes(room, capacity, used, id, value.pointer(), value.len())
                }),
                Step::PutPair {
                    capacity,
                    at,
                    id,
                    name,
                    value,
                } => put(*capacity, *at, *id, |room, used| {
                    MQTTOxide_putPair(
                        room.pointer(),
                        room.capacity(),
                        used,
                        (*id).into(),
                        name.pointer(),
                        name.len(),
                        value.pointer(),
                        value.len(),
                    )
                }),
                Step::PutFilter {
                    capacity,
                    at,
                    filter,
                    options,
                } => {
                    let mut room = Room::new((*capacity).into());
                    let mut used = u32::from(*at);
                    let code = MQTTOxide_putFilter(
                        room.pointer(),
                        room.capacity(),
                        &raw mut used,
                        filter.pointer().cast(),
                        filter.len(),
                        *options,
                    );
                    appended(&room, *at, used, code);
                }
                Step::NextProperty { props, at, size } => {
                    let mut property: MQTTOxide_property = std::mem::zeroed();
                    property.size = size.of::<MQTTOxide_property>();
                    let mut next = u32::from(*at);
                    let code = MQTTOxide_nextProperty(
                        props.pointer(),
                        props.len(),
                        &raw mut next,
                        &raw mut property,
                    );
                    well(code);
                    assert_eq!(code == 1, next > (*at).into());
                    assert!(code != 1 || next <= props.len());
                }
                Step::ErrorName(code) => {
                    let name = CStr::from_ptr(MQTTOxide_errorName(*code));
                    assert!(!name.is_empty());
                }
            }
        }
    }

    fn attach(&mut self, step: &Step) {
        let Step::AttachStream {
            handle,
            size,
            version,
            bits,
            keep_alive,
            id,
            password,
            props,
            will,
            path,
            headers,
        } = step
        else {
            return;
        };
        let has = |bit: u8| bits & bit != 0;
        let mut options = connect_options();
        options.size = size.of::<MQTTOxide_connectOptions>();
        options.version = if has(1) { *version } else { options.version };
        options.clean = bits & 3;
        options.session = bits >> 5;
        options.keep_alive_s = u32::from(*keep_alive) + u32::from(has(32));
        options.client_id = id.pointer().cast();
        options.client_id_len = id.len();
        options.password = password.pointer();
        options.password_len = password.len();
        if has(4) {
            options.props = props.pointer();
            options.props_len = props.len();
        }
        if has(8) {
            options.will_topic = will.pointer().cast();
            options.will_topic_len = will.len();
            options.will_payload = will.pointer();
            options.will_payload_len = will.len();
            options.will_qos = bits >> 6;
        }
        if has(16) {
            options.ws_path = path.pointer().cast();
            options.ws_path_len = path.len();
            options.headers = headers.pointer().cast();
            options.headers_len = headers.len();
        }
        // SAFETY: a struct that says its size or less, whose pointers have the lengths beside them.
        let code = unsafe { MQTTOxide_attachStream(self.client(*handle), &raw const options) };
        self.answered(*handle, code);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // SAFETY: numbers.
        unsafe {
            if self.client != 0 {
                assert_eq!(MQTTOxide_destroy(self.client), 0);
            }
            assert_eq!(MQTTOxide_destroyQueue(self.queue), 0);
        }
    }
}

fn connect_options() -> MQTTOxide_connectOptions {
    MQTTOxide_connectOptions {
        size: u32::try_from(size_of::<MQTTOxide_connectOptions>()).expect("small"),
        version: 4,
        clean: 1,
        // SAFETY: numbers and pointers, which may all be 0.
        ..unsafe { std::mem::zeroed() }
    }
}

/// Checks an answer by whether the handle is one.
fn checked(is_one: bool, code: i64) {
    well(code);
    if is_one {
        assert_ne!(code, MQTTOxide_E_HANDLE.into(), "the handle is one");
    } else {
        assert!(code < 0, "the handle is none");
    }
}

/// Checks that an answer is a count or a code of the header's, but that of a defect.
fn well(code: impl Into<i64>) {
    let code = code.into();
    assert!(code > MQTTOxide_E_PANIC.into(), "{code}");
}

/// Reads events as the manual describes them.
fn events(bytes: &[u8], filled: i64, count: u32) {
    if filled < 0 {
        return;
    }
    let four = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four"));
    let (mut at, mut events) = (0, 0);
    while at < bytes.len() {
        let size = four(at) as usize;
        let used: usize = [12, 16, 20]
            .map(|member| four(at + member) as usize)
            .iter()
            .sum();
        assert_eq!(
            size,
            (size_of::<MQTTOxide_event>() + used).next_multiple_of(8)
        );
        at += size;
        events += 1;
    }
    assert_eq!((at, events), (bytes.len(), count));
}

/// Checks that what was put is behind what there was, or nothing is.
fn appended(room: &Room, at: u8, used: u32, code: i32) {
    well(code);
    room.check(0);
    let untouched = |bytes: &[u8]| bytes.iter().all(|byte| *byte == UNTOUCHED);
    let bytes = room.bytes();
    if code == 0 {
        assert!(used > at.into() && used <= room.capacity());
        assert!(untouched(&bytes[..at.into()]) && untouched(&bytes[used as usize..]));
    } else {
        assert!(used == at.into() && untouched(&bytes));
    }
}

/// Puts a property, and reads it again.
fn put(capacity: u8, at: u8, id: u8, call: impl FnOnce(&mut Room, *mut u32) -> i32) {
    let mut room = Room::new(capacity.into());
    let mut used = u32::from(at);
    let code = call(&mut room, &raw mut used);
    appended(&room, at, used, code);
    if code < 0 {
        return;
    }
    let mut next = u32::from(at);
    // SAFETY: a struct of the size that it says, filled by the call; and as many bytes as were put.
    let property = unsafe {
        let mut property: MQTTOxide_property = std::mem::zeroed();
        property.size = u32::try_from(size_of::<MQTTOxide_property>()).expect("small");
        let pointer = room.pointer();
        let read = MQTTOxide_nextProperty(pointer, used, &raw mut next, &raw mut property);
        assert_eq!(read, 1);
        property
    };
    assert_eq!((property.id, next), (id.into(), used));
}

/// Runs the calls.
pub fn run(steps: &[Step]) {
    let mut world = World::new();
    for step in steps {
        world.step(step);
    }
}
