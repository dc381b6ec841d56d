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

#[path = "exports_buffers.rs"]
mod buffers;
#[path = "exports_checks.rs"]
mod checks;
#[path = "exports_steps.rs"]
mod steps;

use std::ptr;

use checks::{Room, checked, events, well};
#[allow(clippy::wildcard_imports)] // all of them, that is what this is for
use paho_oxide::ffi::exports::paho_oxide::*;
#[allow(clippy::wildcard_imports)]
use paho_oxide::ffi::exports::paho_oxide_messages::*;
#[allow(clippy::wildcard_imports)]
use paho_oxide::ffi::types::oxide_types::*;
pub use steps::Step;
use steps::{Handle, SAID, Size, URIS, connect_options};

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
                step => buffers::call(step),
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

/// Runs the calls.
pub fn run(steps: &[Step]) {
    let mut world = World::new();
    for step in steps {
        world.step(step);
    }
}
