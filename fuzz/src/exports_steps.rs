//! The calls of the functions for queues and clients, and what they are given.

use std::ffi::c_void;
use std::ptr;

use arbitrary::{Arbitrary, Unstructured};
use paho_oxide::ffi::types::oxide_types::MQTTOxide_connectOptions;

/// Bytes that a program passes: in a block of exactly that size, or a length without bytes.
#[derive(Arbitrary, Clone, Debug)]
pub struct Bytes {
    content: Vec<u8>,
    missing: u8,
}

impl Bytes {
    pub fn pointer(&self) -> *const c_void {
        if self.missing > 250 {
            ptr::null()
        } else {
            self.content.as_ptr().cast()
        }
    }

    pub fn len(&self) -> u32 {
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
pub struct Size(pub u8);

impl Size {
    pub fn of<T>(self) -> u32 {
        let right = u32::try_from(size_of::<T>()).expect("small");
        match self.0 {
            250.. => right - 1,
            245..250 => 0,
            _ => right,
        }
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
pub const URIS: [&[u8]; 6] = [
    b"",
    b"tcp://",
    b"nonsense",
    b"\xff",
    b"unix:///nonexistent/paho-oxide",
    b"tcp://[::1",
];

/// What a server of MQTT 3.1.1 says.
pub const SAID: [&[u8]; 8] = [
    b"\x20\x02\0\0",
    b"\x20\x02\0\x05",
    b"\x40\x02\0\x01",
    b"\x90\x03\0\x01\0",
    b"\x30\x05\0\x01tm!",
    b"\x32\x07\0\x01t\0\x01m!",
    b"\xd0\0",
    b"\x30\x00",
];

/// What most programs connect with.
pub fn connect_options() -> MQTTOxide_connectOptions {
    MQTTOxide_connectOptions {
        size: u32::try_from(size_of::<MQTTOxide_connectOptions>()).expect("small"),
        version: 4,
        clean: 1,
        // SAFETY: numbers and pointers, which may all be 0.
        ..unsafe { std::mem::zeroed() }
    }
}
