//! The C API, called as a C program calls it, with its callbacks turned into events.
#![allow(unsafe_code, reason = "the API under test is a C API")]

mod asynchronous;
pub mod for_paho;
mod properties;
mod queued;
mod synchronous;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use paho_oxide::ffi::exports::mqtt_async::{MQTTAsync_free, MQTTAsync_freeMessage};
use paho_oxide::ffi::types::shared_types::{Binary, Message as CMessage, WillOptions};

pub use asynchronous::AsyncClient;
pub use queued::{QueuedClient, connect, encoded};
pub use synchronous::SyncClient;

use crate::broker::PATIENCE;
use crate::packet::{Properties, Value};
use properties::{CProperties, from_c};

/// A message that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub topic: String,
    /// The length that the library gave with the topic.
    pub topic_len: c_int,
    pub payload: Vec<u8>,
    pub qos: c_int,
    pub retained: bool,
    pub dup: bool,
    /// `msgid`.
    pub id: c_int,
    pub properties: Properties,
}

/// What the library told the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connect has succeeded.
    Connected {
        session_present: bool,
        version: c_int,
        properties: Properties,
    },
    /// A connect has failed.
    ConnectFailed {
        /// The server's code where it refused, else one of the library's.
        code: c_int,
        properties: Properties,
    },
    /// A publish, subscribe or unsubscribe has succeeded.
    Done {
        token: c_int,
        /// What the server granted, or its reason codes.
        codes: Vec<c_int>,
        properties: Properties,
    },
    /// A publish, subscribe or unsubscribe has failed.
    Failed {
        token: c_int,
        /// The server's code where it refused, else one of the library's.
        code: c_int,
        packet_type: c_int,
        properties: Properties,
    },
    /// A message has arrived and was taken.
    Message(Message),
    /// A message has arrived and was not taken.
    Refused(Message),
    /// The connection is lost.
    ConnectionLost,
    /// The server has said DISCONNECT.
    Disconnected {
        reason: c_int,
        properties: Properties,
    },
    /// A publish was delivered (`MQTTClient` only).
    Delivered { token: c_int },
    /// What the server said to a publish (`MQTTClient` only).
    Published {
        token: c_int,
        packet_type: c_int,
        code: c_int,
        properties: Properties,
    },
    /// A disconnect that the program asked for is done.
    Ended,
}

/// What the callbacks of a client are given.
struct Context {
    events: Sender<Event>,
    /// How many messages to refuse.
    refuse: AtomicUsize,
}

impl Context {
    fn new() -> (Box<Self>, Receiver<Event>) {
        let (events, receiver) = channel();
        let context = Self {
            events,
            refuse: AtomicUsize::new(0),
        };
        (Box::new(context), receiver)
    }

    /// # Safety
    /// `context` is what a client of this module registered, and that client has not been destroyed.
    unsafe fn tell(context: *mut c_void, event: Event) {
        // SAFETY: as the caller promises; the client keeps its context until it has been destroyed.
        let context = unsafe { &*context.cast::<Self>() };
        // A test that has seen enough does not listen any more.
        let _ = context.events.send(event);
    }
}

/// The next event, which must come.
fn next_event(events: &Receiver<Event>) -> Event {
    match events.recv_timeout(PATIENCE) {
        Ok(event) => event,
        Err(error) => panic!("the library told nothing: {error}"),
    }
}

/// What a connect asks for. The default is a clean session without a will, over the client's MQTT version.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    pub keep_alive: c_int,
    pub clean: bool,
    pub max_inflight: Option<c_int>,
    pub timeout: c_int,
    pub will: Option<Will>,
    pub user_name: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
    pub properties: Properties,
    pub version: Option<c_int>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            keep_alive: 60,
            clean: true,
            max_inflight: None,
            timeout: 10,
            will: None,
            user_name: None,
            password: None,
            properties: Vec::new(),
            version: None,
        }
    }
}

impl ConnectOptions {
    /// Goes on with an earlier session.
    pub fn resuming() -> Self {
        Self {
            clean: false,
            ..Self::default()
        }
    }

    /// With these CONNECT properties.
    pub fn with(properties: &[(u8, Value)]) -> Self {
        Self {
            properties: properties.to_vec(),
            ..Self::default()
        }
    }
}

/// A will.
#[derive(Clone, Debug, Default)]
pub struct Will {
    pub topic: Vec<u8>,
    pub payload: Vec<u8>,
    pub qos: c_int,
    pub retained: bool,
    pub properties: Properties,
}

/// The C form of connect options, alive as long as the call needs it.
struct CConnect {
    user_name: Option<CString>,
    password: Option<Vec<u8>>,
    /// The will's topic and payload, to which its structure points.
    _will_data: Option<(CString, Vec<u8>)>,
    will: Option<Box<WillOptions>>,
    properties: CProperties,
    will_properties: Option<CProperties>,
}

impl CConnect {
    fn new(options: &ConnectOptions) -> Self {
        let data = options
            .will
            .as_ref()
            .map(|will| (c_string(&will.topic), will.payload.clone()));
        let will = options
            .will
            .as_ref()
            .zip(data.as_ref())
            .map(|(will, (topic, payload))| {
                Box::new(WillOptions {
                    struct_id: id(*b"MQTW"),
                    struct_version: 1,
                    topicName: topic.as_ptr(),
                    message: ptr::null(),
                    retained: will.retained.into(),
                    qos: will.qos,
                    payload: Binary {
                        len: length(payload),
                        data: payload.as_ptr().cast(),
                    },
                })
            });
        Self {
            user_name: options.user_name.as_deref().map(c_string),
            password: options.password.clone(),
            _will_data: data,
            will,
            properties: CProperties::new(&options.properties),
            will_properties: options
                .will
                .as_ref()
                .map(|will| CProperties::new(&will.properties)),
        }
    }

    fn will(&mut self) -> *mut WillOptions {
        self.will
            .as_deref_mut()
            .map_or(ptr::null_mut(), ptr::from_mut)
    }

    fn user_name(&self) -> *const c_char {
        self.user_name
            .as_ref()
            .map_or(ptr::null(), |name| name.as_ptr())
    }

    fn password(&self) -> Binary {
        self.password.as_ref().map_or(
            Binary {
                len: 0,
                data: ptr::null(),
            },
            |password| Binary {
                len: length(password),
                data: password.as_ptr().cast(),
            },
        )
    }
}

/// An eye catcher.
fn id(letters: [u8; 4]) -> [c_char; 4] {
    letters.map(|letter| c_char::try_from(letter).unwrap())
}

fn length(bytes: &[u8]) -> c_int {
    c_int::try_from(bytes.len()).unwrap()
}

fn c_string(bytes: &[u8]) -> CString {
    CString::new(bytes).unwrap()
}

/// A structure all of whose members are zero or NULL.
///
/// # Safety
/// All zeroes is a value of `T`.
unsafe fn zeroed<T>() -> T {
    // SAFETY: as the caller promises.
    unsafe { std::mem::zeroed() }
}

/// A message to publish, pointing at `payload` and `properties`.
fn c_message(payload: &[u8], qos: c_int, retained: bool, properties: &CProperties) -> CMessage {
    CMessage {
        struct_id: id(*b"MQTM"),
        struct_version: 1,
        payloadlen: length(payload),
        payload: payload.as_ptr().cast_mut().cast(),
        qos,
        retained: retained.into(),
        dup: 0,
        msgid: 0,
        properties: properties.get(),
    }
}

/// Copies a message that the library handed over.
///
/// # Safety
/// The three are as the library gives them.
unsafe fn read_message(
    topic: *const c_char,
    topic_len: c_int,
    message: *const CMessage,
) -> Message {
    // SAFETY: the library hands over a whole message, with a payload of the length it says; a topic without a length
    // ends in NUL.
    unsafe {
        let message = &*message;
        let topic = if topic_len == 0 {
            CStr::from_ptr(topic).to_bytes()
        } else {
            bytes(topic.cast(), topic_len)
        };
        Message {
            topic: String::from_utf8(topic.to_vec()).unwrap(),
            topic_len,
            payload: bytes(message.payload, message.payloadlen).to_vec(),
            qos: message.qos,
            retained: message.retained != 0,
            dup: message.dup != 0,
            id: message.msgid,
            properties: from_c(&raw const message.properties),
        }
    }
}

/// # Safety
/// `start` points at `len` bytes that outlive `'a`, unless `len` is 0.
unsafe fn bytes<'a>(start: *const c_void, len: c_int) -> &'a [u8] {
    if len == 0 {
        return &[];
    }
    // SAFETY: as the caller promises.
    unsafe { std::slice::from_raw_parts(start.cast(), usize::try_from(len).unwrap()) }
}

/// # Safety
/// `list` points at `count` codes.
unsafe fn codes(list: *const c_int, count: usize) -> Vec<c_int> {
    // SAFETY: as the caller promises.
    (0..count).map(|n| unsafe { *list.add(n) }).collect()
}

/// The `messageArrived` callback.
unsafe extern "C" fn message_arrived(
    context: *mut c_void,
    topic: *mut c_char,
    topic_len: c_int,
    mut message: *mut CMessage,
) -> c_int {
    // SAFETY: called by the library, so the context is alive and the message is ours unless we return 0.
    unsafe {
        let arrived = read_message(topic, topic_len, message);
        let refuse = &(*context.cast::<Context>()).refuse;
        let refused = refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if refused.is_ok() {
            Context::tell(context, Event::Refused(arrived));
            return 0;
        }
        MQTTAsync_freeMessage(&raw mut message);
        MQTTAsync_free(topic.cast());
        Context::tell(context, Event::Message(arrived));
    }
    1
}

/// The `connectionLost` callback.
unsafe extern "C" fn connection_lost(context: *mut c_void, cause: *mut c_char) {
    // SAFETY: called by the library, so the context is alive, and so is the cause, which is a text.
    unsafe {
        assert!(
            !cause.is_null() && !CStr::from_ptr(cause).is_empty(),
            "connectionLost without a cause"
        );
        Context::tell(context, Event::ConnectionLost);
    }
}

/// The `disconnected` callback.
unsafe extern "C" fn disconnected(
    context: *mut c_void,
    properties: *mut paho_oxide::ffi::types::property_types::MQTTProperties,
    reason: c_int,
) {
    // SAFETY: called by the library, so the context is alive and the list whole.
    unsafe {
        let properties = from_c(properties);
        Context::tell(context, Event::Disconnected { reason, properties });
    }
}
