//! The functions of `paho_oxide.h` for clients of the Paho APIs, and both kinds of client behind one face.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::sync::mpsc::{Receiver, Sender, channel};

use paho_oxide::ffi::exports::for_paho::{
    MQTTOxide_acknowledge, MQTTOxide_addRoute, MQTTOxide_getOption, MQTTOxide_lastError,
    MQTTOxide_removeRoute, MQTTOxide_setOption, MQTTOxide_statistics,
};
use paho_oxide::ffi::exports::mqtt_async::MQTTAsync_destroy;
use paho_oxide::ffi::exports::mqtt_client::MQTTClient_destroy;
use paho_oxide::ffi::types::for_paho_types::MQTTOxide_error;
use paho_oxide::ffi::types::oxide_types::MQTTOxide_counters;

use super::{AsyncClient, ConnectOptions, Event, Message, SyncClient};
use crate::broker::{Broker, PATIENCE, Peer, alongside};
use crate::packet::{Connect, Value, Version};

/// A client of one of the two APIs, with callbacks.
pub enum Client {
    Async(AsyncClient),
    Sync(SyncClient),
}

/// Which API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Async,
    Sync,
}

/// Both APIs with both versions.
pub const ALL: [(Api, Version); 4] = [
    (Api::Async, Version::V311),
    (Api::Async, Version::V5),
    (Api::Sync, Version::V311),
    (Api::Sync, Version::V5),
];

/// An error as the library tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_field_names, reason = "the C API's names")]
pub struct Error {
    pub kind: u32,
    pub number: u64,
    pub code: i32,
    pub stage: u32,
    pub os_error: i32,
    pub reason: u32,
    pub tls_error: u64,
    pub text: String,
}

impl Client {
    pub fn new(api: Api, version: Version, uri: &str) -> Self {
        match api {
            Api::Async => Self::Async(AsyncClient::new(version, uri, "wire")),
            Api::Sync => Self::Sync(SyncClient::with_callbacks(version, uri, "wire")),
        }
    }

    /// With a store in that directory.
    pub fn with_store(api: Api, version: Version, uri: &str, store: &CStr) -> Self {
        match api {
            Api::Async => Self::Async(AsyncClient::with_store(version, uri, "wire", store)),
            Api::Sync => Self::Sync(SyncClient::with_store(version, uri, "wire", store)),
        }
    }

    pub fn handle(&self) -> *mut c_void {
        match self {
            Self::Async(client) => client.handle(),
            Self::Sync(client) => client.handle(),
        }
    }

    /// Connects to the broker, which plays its part.
    pub fn connect(
        &self,
        broker: &Broker,
        options: &ConnectOptions,
        session_present: bool,
        connack: &[(u8, Value)],
    ) -> (Peer, Connect) {
        let steps = || {
            let mut peer = broker.accept();
            let asked = peer.expect_connect();
            peer.connack(session_present, connack);
            (peer, asked)
        };
        let (accepted, code) = alongside(steps, || match self {
            Self::Async(client) => {
                assert_eq!(client.connect(options), 0);
                match client.next() {
                    Event::Connected { .. } => 0,
                    other => panic!("expected to be connected, got {other:?}"),
                }
            }
            Self::Sync(client) => client.connect(options),
        });
        assert_eq!(code, 0, "connect");
        accepted
    }

    /// Connects to a server that another process plays.
    pub fn connect_well(&self, options: &ConnectOptions) {
        match self {
            Self::Async(client) => {
                assert_eq!(client.connect(options), 0);
                assert!(matches!(client.next(), Event::Connected { .. }));
            }
            Self::Sync(client) => assert_eq!(client.connect(options), 0),
        }
    }

    /// Connects where nothing good can come of it.
    pub fn connect_in_vain(&self, options: &ConnectOptions) -> c_int {
        match self {
            Self::Async(client) => {
                assert_eq!(client.connect(options), 0);
                match client.next() {
                    Event::ConnectFailed { code, .. } => code,
                    other => panic!("expected a failure, got {other:?}"),
                }
            }
            Self::Sync(client) => client.connect(options),
        }
    }

    pub fn publish(&self, topic: &str, payload: &[u8], qos: c_int) -> Result<c_int, c_int> {
        match self {
            Self::Async(client) => client.publish(topic, payload, qos),
            Self::Sync(client) => client.publish(topic, payload, qos, &[]),
        }
    }

    /// Subscribes; the peer grants.
    pub fn subscribe(&self, peer: &mut Peer, filter: &str, qos: u8) {
        let granted = match self {
            Self::Async(client) => {
                let token = client.subscribe(filter, qos.into()).unwrap();
                let id = peer.expect_subscribe().id;
                peer.suback(id, &[qos]);
                client.done(token)
            }
            Self::Sync(client) => {
                let steps = || {
                    let id = peer.expect_subscribe().id;
                    peer.suback(id, &[qos]);
                };
                let subscribe = || client.subscribe(&[(filter, qos.into())], &[]);
                alongside(steps, subscribe).1.unwrap()
            }
        };
        assert_eq!(granted, [c_int::from(qos)]);
    }

    /// The next event, but for those that tell of the end of a publish.
    pub fn next(&self) -> Event {
        loop {
            let event = match self {
                Self::Async(client) => client.next(),
                Self::Sync(client) => client.next(),
            };
            if !matches!(
                event,
                Event::Delivered { .. } | Event::Published { .. } | Event::Done { .. }
            ) {
                return event;
            }
        }
    }

    /// The next event, which must be a message.
    pub fn message(&self) -> Message {
        match self.next() {
            Event::Message(message) => message,
            other => panic!("expected a message, got {other:?}"),
        }
    }

    /// Breaks the connection off and waits until the program knows.
    pub fn lose(&self, mut peer: Peer) {
        peer.close();
        assert_eq!(self.next(), Event::ConnectionLost);
    }

    pub fn set(&self, name: &str, value: &str) -> i32 {
        set(self.handle(), name.as_bytes(), value.as_bytes())
    }

    pub fn get(&self, name: &str) -> Result<String, i32> {
        get(self.handle(), name)
    }

    pub fn acknowledge(&self, id: c_int) -> i32 {
        acknowledge(self.handle(), id)
    }

    pub fn last_error(&self) -> Error {
        last_error(self.handle()).unwrap()
    }

    pub fn statistics(&self) -> MQTTOxide_counters {
        statistics(self.handle()).unwrap()
    }

    /// Adds a route; what comes by it is there to receive as long as the route is kept.
    pub fn route(&self, filter: &str) -> Route {
        let (messages, receiver) = channel();
        let context = Box::new(RouteContext {
            messages,
            then: None,
        });
        self.add_route(filter, context, receiver).unwrap()
    }

    /// Adds a route whose callback also does this.
    pub fn route_that(&self, filter: &str, then: impl Fn() + Send + 'static) -> Result<Route, i32> {
        let (messages, receiver) = channel();
        let then: Option<Box<dyn Fn() + Send>> = Some(Box::new(then));
        self.add_route(filter, Box::new(RouteContext { messages, then }), receiver)
    }

    fn add_route(
        &self,
        filter: &str,
        context: Box<RouteContext>,
        receiver: Receiver<(String, c_int)>,
    ) -> Result<Route, i32> {
        let pointer = (&raw const *context).cast_mut().cast();
        // SAFETY: the context lives until the route is dropped, which is after the client or the route's end.
        let code = unsafe {
            MQTTOxide_addRoute(
                self.handle(),
                filter.as_ptr().cast(),
                u32::try_from(filter.len()).unwrap(),
                Some(routed),
                pointer,
            )
        };
        if code != 0 {
            return Err(code);
        }
        Ok(Route {
            _context: context,
            receiver,
        })
    }

    pub fn remove_route(&self, filter: &str) -> i32 {
        remove_route(self.handle(), filter)
    }
}

/// Sets an option of whatever a handle is.
pub fn set(handle: *mut c_void, name: &[u8], value: &[u8]) -> i32 {
    let len = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
    // SAFETY: both with their lengths; the library checks the handle.
    unsafe {
        MQTTOxide_setOption(
            handle,
            name.as_ptr().cast(),
            len(name),
            value.as_ptr().cast(),
            len(value),
        )
    }
}

/// Acknowledges a message of whatever a handle is.
pub fn acknowledge(handle: *mut c_void, id: c_int) -> i32 {
    // SAFETY: no pointers but the handle, which the library checks.
    unsafe { MQTTOxide_acknowledge(handle, id) }
}

/// Destroys a client; what holds it has a stale handle then.
pub fn destroy(api: Api, mut handle: *mut c_void) {
    // SAFETY: a handle, which the library checks.
    unsafe {
        match api {
            Api::Async => MQTTAsync_destroy(&raw mut handle),
            Api::Sync => MQTTClient_destroy(&raw mut handle),
        }
    }
    assert!(handle.is_null());
}

/// What an option is.
pub fn get(handle: *mut c_void, name: &str) -> Result<String, i32> {
    let mut buffer = [0_u8; 64];
    let mut len = 0;
    // SAFETY: name and buffer with their lengths; the library checks the handle.
    let code = unsafe {
        MQTTOxide_getOption(
            handle,
            name.as_ptr().cast(),
            u32::try_from(name.len()).unwrap(),
            buffer.as_mut_ptr().cast(),
            64,
            &raw mut len,
        )
    };
    let text = String::from_utf8(buffer[..len as usize].to_vec()).unwrap();
    if code == 0 { Ok(text) } else { Err(code) }
}

/// An error structure to fill, with a buffer for the text.
pub fn error_for(text: &mut [u8]) -> MQTTOxide_error {
    MQTTOxide_error {
        size: u32::try_from(size_of::<MQTTOxide_error>()).unwrap(),
        kind: 77,
        number: 77,
        code: 77,
        stage: 77,
        os_error: 77,
        reason: 77,
        tls_error: 77,
        text: text.as_mut_ptr().cast(),
        text_capacity: u32::try_from(text.len()).unwrap(),
        text_len: 77,
    }
}

/// Asks for the last error with this structure.
pub fn ask_error(handle: *mut c_void, error: &mut MQTTOxide_error) -> i32 {
    // SAFETY: the structure points at a buffer of the length it says; the library checks the handle.
    unsafe { MQTTOxide_lastError(handle, error) }
}

/// The last error of whatever a handle is.
pub fn last_error(handle: *mut c_void) -> Result<Error, i32> {
    let mut text = vec![0; 1024];
    let mut error = error_for(&mut text);
    match ask_error(handle, &mut error) {
        0 => {
            text.truncate(error.text_len as usize);
            Ok(Error {
                kind: error.kind,
                number: error.number,
                code: error.code,
                stage: error.stage,
                os_error: error.os_error,
                reason: error.reason,
                tls_error: error.tls_error,
                text: String::from_utf8(text).unwrap(),
            })
        }
        code => Err(code),
    }
}

/// The counters of whatever a handle is.
pub fn statistics(handle: *mut c_void) -> Result<MQTTOxide_counters, i32> {
    // SAFETY: a structure of numbers.
    let mut counters: MQTTOxide_counters = unsafe { super::zeroed() };
    counters.size = u32::try_from(size_of::<MQTTOxide_counters>()).unwrap();
    // SAFETY: a whole structure; the library checks the handle.
    match unsafe { MQTTOxide_statistics(handle, &raw mut counters) } {
        0 => Ok(counters),
        code => Err(code),
    }
}

/// Removes a route of whatever a handle is.
pub fn remove_route(handle: *mut c_void, filter: &str) -> i32 {
    // SAFETY: the filter with its length; the library checks the handle.
    unsafe {
        MQTTOxide_removeRoute(
            handle,
            filter.as_ptr().cast(),
            u32::try_from(filter.len()).unwrap(),
        )
    }
}

/// The functions with NULL in one place after another: the codes.
pub fn with_null(handle: *mut c_void) -> Vec<i32> {
    let name = b"resubscribe".as_ptr().cast();
    let none = ptr::null();
    let mut text = [0 as c_char; 8];
    let mut error = error_for(&mut []);
    error.text = ptr::null_mut();
    error.text_capacity = 1;
    // SAFETY: this is what the library has to see for itself.
    unsafe {
        vec![
            MQTTOxide_setOption(handle, none, 0, none, 0),
            MQTTOxide_setOption(handle, none, 4, name, 2),
            MQTTOxide_setOption(handle, name, 11, none, 2),
            MQTTOxide_getOption(handle, none, 0, text.as_mut_ptr(), 8, ptr::null_mut()),
            MQTTOxide_getOption(handle, name, 11, ptr::null_mut(), 8, ptr::null_mut()),
            MQTTOxide_lastError(handle, ptr::null_mut()),
            MQTTOxide_lastError(handle, &raw mut error),
            MQTTOxide_statistics(handle, ptr::null_mut()),
            MQTTOxide_addRoute(handle, none, 0, Some(routed), ptr::null_mut()),
            MQTTOxide_addRoute(handle, none, 3, Some(routed), ptr::null_mut()),
            MQTTOxide_addRoute(handle, name, 11, None, ptr::null_mut()),
            MQTTOxide_removeRoute(handle, none, 0),
        ]
    }
}

/// A route's context and what came by it.
pub struct Route {
    _context: Box<RouteContext>,
    receiver: Receiver<(String, c_int)>,
}

struct RouteContext {
    messages: Sender<(String, c_int)>,
    then: Option<Box<dyn Fn() + Send>>,
}

impl Route {
    /// Topic and identifier of the next message, which must come.
    pub fn next(&self) -> (String, c_int) {
        self.receiver.recv_timeout(PATIENCE).expect("a message")
    }

    /// Returns true if nothing more has come.
    pub fn is_empty(&self) -> bool {
        self.receiver.try_recv().is_err()
    }
}

/// The callback of a route.
unsafe extern "C" fn routed(
    context: *mut c_void,
    topic: *const c_char,
    topic_len: u32,
    message: *mut c_void,
) {
    // SAFETY: called by the library: the context is alive, topic and message are whole, and a NUL follows the topic.
    unsafe {
        let context = &*context.cast::<RouteContext>();
        let len = c_int::try_from(topic_len).unwrap();
        assert_eq!(*topic.add(topic_len as usize), 0);
        let message = super::read_message(topic, len, message.cast());
        let _ = context.messages.send((message.topic, message.id));
        if let Some(then) = &context.then {
            then();
        }
    }
}

/// A handle that another thread uses.
#[derive(Clone, Copy)]
pub struct Shared(pub *mut c_void);

// SAFETY: the API is thread-safe.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// The socket of this process that has this address of its own.
pub fn socket_at(address: SocketAddr) -> OwnedFd {
    for entry in std::fs::read_dir("/proc/self/fd").unwrap() {
        let name = entry.unwrap().file_name();
        let number = name.to_str().unwrap().parse().unwrap();
        // SAFETY: a descriptor that another test may close meanwhile; then the call fails, or it is another socket.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        let own = rustix::net::getsockname(fd).ok();
        if own.and_then(|own| SocketAddr::try_from(own).ok()) == Some(address) {
            if let Ok(fd) = fd.as_fd().try_clone_to_owned() {
                return fd;
            }
        }
    }
    panic!("no socket has the address {address}");
}
