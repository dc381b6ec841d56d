//! `MQTTAsync`.

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender};

#[allow(clippy::wildcard_imports, reason = "it uses most of what is there")]
use paho_oxide::ffi::exports::mqtt_async::*;
#[allow(clippy::wildcard_imports, reason = "it uses most of what is there")]
use paho_oxide::ffi::types::async_types::*;
use paho_oxide::ffi::types::subscribe_types::MQTTSubscribe_options;

use super::properties::{CProperties, from_c};
use super::{
    CConnect, ConnectOptions, Context, Event, c_message, c_string, codes, id, next_event, zeroed,
};
use crate::packet::{Value, Version};

/// A client, destroyed when it is dropped.
pub struct AsyncClient {
    handle: MQTTAsync,
    version: Version,
    context: Box<Context>,
    events: Receiver<Event>,
    /// Contexts of the requests, which live as long as a callback may come, and where they are.
    #[allow(clippy::vec_box, reason = "the library has their addresses")]
    requests: RefCell<Vec<Box<Request>>>,
}

/// What the callbacks of a request are given.
struct Request {
    events: Sender<Event>,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Connect,
    Publish,
    Subscribe { filters: usize },
    Unsubscribe,
    Disconnect,
}

impl AsyncClient {
    /// What the library says of a code, here and now.
    pub fn text(code: c_int) -> String {
        // SAFETY: a text that ends in NUL and stays until this thread's next call.
        unsafe { std::ffi::CStr::from_ptr(MQTTAsync_strerror(code)) }
            .to_str()
            .unwrap()
            .to_owned()
    }

    /// A client without a store.
    pub fn new(version: Version, uri: &str, client_id: &str) -> Self {
        Self::create(version, uri, client_id.as_bytes()).unwrap()
    }

    /// The same, where it may fail.
    pub fn create(version: Version, uri: &str, client_id: &[u8]) -> Result<Self, c_int> {
        Self::make(version, uri, client_id, None)
    }

    /// A client with a store in that directory.
    pub fn with_store(version: Version, uri: &str, client_id: &str, store: &CStr) -> Self {
        Self::make(version, uri, client_id.as_bytes(), Some(store)).unwrap()
    }

    fn make(
        version: Version,
        uri: &str,
        client_id: &[u8],
        store: Option<&CStr>,
    ) -> Result<Self, c_int> {
        let (context, events) = Context::new();
        let mut client = Self {
            handle: ptr::null_mut(),
            version,
            context,
            events,
            requests: RefCell::default(),
        };
        let (uri, client_id) = (c_string(uri.as_bytes()), c_string(client_id));
        let mut options = MQTTAsync_createOptions {
            struct_id: id(*b"MQCO"),
            struct_version: 2,
            sendWhileDisconnected: 0,
            maxBufferedMessages: 100,
            MQTTVersion: if version == Version::V5 { 5 } else { 0 },
            allowDisconnectedSendAtAnyTime: 0,
            deleteOldestMessages: 0,
            restoreMessages: 1,
            persistQoS0: 1,
        };
        // SAFETY: strings and structure outlive the call; 0 is the default store with its directory, and 1 is "no store",
        // which needs no context.
        let rc = unsafe {
            MQTTAsync_createWithOptions(
                &raw mut client.handle,
                uri.as_ptr(),
                client_id.as_ptr(),
                store.is_none().into(),
                store.map_or(ptr::null_mut(), |store| store.as_ptr().cast_mut().cast()),
                &raw mut options,
            )
        };
        if rc != 0 {
            return Err(rc);
        }
        let context = (&raw const *client.context).cast_mut().cast();
        // SAFETY: the callbacks have the types and the context that the API asks for.
        unsafe {
            let rc = MQTTAsync_setCallbacks(
                client.handle,
                context,
                Some(super::connection_lost),
                Some(super::message_arrived),
                None,
            );
            assert_eq!(rc, 0, "setCallbacks");
            let rc = MQTTAsync_setDisconnected(client.handle, context, Some(super::disconnected));
            assert_eq!(rc, 0, "setDisconnected");
        }
        Ok(client)
    }

    fn request(&self, what: What) -> *mut c_void {
        let request = Box::new(Request {
            events: self.context.events.clone(),
            what,
        });
        let context = (&raw const *request).cast_mut().cast();
        self.requests.borrow_mut().push(request);
        context
    }

    pub(super) fn handle(&self) -> MQTTAsync {
        self.handle
    }

    /// Begins to connect.
    pub fn connect(&self, options: &ConnectOptions) -> c_int {
        let mut with = CConnect::new(options);
        let v5 = self.version == Version::V5;
        // SAFETY: a structure of numbers, pointers and optional functions.
        let mut connect: MQTTAsync_connectOptions = unsafe { zeroed() };
        connect.struct_id = id(*b"MQTC");
        connect.struct_version = 8;
        connect.keepAliveInterval = options.keep_alive;
        connect.maxInflight = options.max_inflight.unwrap_or(65535);
        connect.connectTimeout = options.timeout;
        connect.MQTTVersion = options.version.unwrap_or(self.version as c_int);
        connect.minRetryInterval = 1;
        connect.maxRetryInterval = 60;
        connect.will = with.will();
        connect.username = with.user_name();
        connect.binarypwd = with.password();
        connect.context = self.request(What::Connect);
        if v5 {
            connect.cleanstart = options.clean.into();
            connect.connectProperties = with.properties.as_mut_ptr();
            if let Some(properties) = &mut with.will_properties {
                connect.willProperties = properties.as_mut_ptr();
            }
            connect.onSuccess5 = Some(success5);
            connect.onFailure5 = Some(failure5);
        } else {
            connect.cleansession = options.clean.into();
            connect.onSuccess = Some(success);
            connect.onFailure = Some(failure);
        }
        // SAFETY: all that the structure points at outlives the call, which copies it.
        unsafe { MQTTAsync_connect(self.handle, &raw const connect) }
    }

    /// Options of a request, pointing at `properties`.
    fn response(&self, what: What, properties: &CProperties) -> MQTTAsync_responseOptions {
        // SAFETY: a structure of numbers, pointers and optional functions.
        let mut response: MQTTAsync_responseOptions = unsafe { zeroed() };
        response.struct_id = id(*b"MQTR");
        response.struct_version = 1;
        response.context = self.request(what);
        response.subscribeOptions = subscribe_options(0);
        response.properties = properties.get();
        if self.version == Version::V5 {
            response.onSuccess5 = Some(success5);
            response.onFailure5 = Some(failure5);
        } else {
            response.onSuccess = Some(success);
            response.onFailure = Some(failure);
        }
        response
    }

    /// Publishes; the token, or why not.
    pub fn publish(
        &self,
        topic: &str,
        payload: impl AsRef<[u8]>,
        qos: c_int,
    ) -> Result<c_int, c_int> {
        self.send(topic, payload, qos, false, &[])
    }

    /// Publishes with everything there is to say.
    pub fn send(
        &self,
        topic: impl AsRef<[u8]>,
        payload: impl AsRef<[u8]>,
        qos: c_int,
        retained: bool,
        properties: &[(u8, Value)],
    ) -> Result<c_int, c_int> {
        let topic = c_string(topic.as_ref());
        let none = CProperties::new(&[]);
        let properties = CProperties::new(properties);
        let message = c_message(payload.as_ref(), qos, retained, &properties);
        let mut response = self.response(What::Publish, &none);
        // SAFETY: all that is pointed at outlives the call, which copies it.
        let rc = unsafe {
            MQTTAsync_sendMessage(
                self.handle,
                topic.as_ptr(),
                &raw const message,
                &raw mut response,
            )
        };
        if rc == 0 { Ok(response.token) } else { Err(rc) }
    }

    /// Subscribes to one filter.
    pub fn subscribe(&self, filter: &str, qos: c_int) -> Result<c_int, c_int> {
        self.subscribe_with(&[(filter.as_bytes(), qos)], &[], &[])
    }

    /// Subscribes to several filters; `options` are, for each, the bits above the `QoS` in the options byte.
    pub fn subscribe_with(
        &self,
        filters: &[(&[u8], c_int)],
        options: &[u8],
        properties: &[(u8, Value)],
    ) -> Result<c_int, c_int> {
        let properties = CProperties::new(properties);
        let names: Vec<_> = filters.iter().map(|(filter, _)| c_string(filter)).collect();
        let topics: Vec<*mut c_char> = names.iter().map(|name| name.as_ptr().cast_mut()).collect();
        let qos: Vec<c_int> = filters.iter().map(|(_, qos)| *qos).collect();
        let mut list: Vec<_> = options
            .iter()
            .map(|bits| subscribe_options(*bits))
            .collect();
        let what = What::Subscribe {
            filters: filters.len(),
        };
        let mut response = self.response(what, &properties);
        // SAFETY: all that is pointed at outlives the call, which copies it.
        let rc = unsafe {
            if let ([topic], [qos]) = (&topics[..], &qos[..]) {
                if let Some(options) = list.first() {
                    response.subscribeOptions = *options;
                }
                MQTTAsync_subscribe(self.handle, *topic, *qos, &raw mut response)
            } else {
                if !list.is_empty() {
                    response.subscribeOptionsCount = c_int::try_from(list.len()).unwrap();
                    response.subscribeOptionsList = list.as_mut_ptr();
                }
                let count = c_int::try_from(topics.len()).unwrap();
                MQTTAsync_subscribeMany(
                    self.handle,
                    count,
                    topics.as_ptr(),
                    qos.as_ptr(),
                    &raw mut response,
                )
            }
        };
        if rc == 0 { Ok(response.token) } else { Err(rc) }
    }

    /// Ends subscriptions.
    pub fn unsubscribe(
        &self,
        filters: &[&[u8]],
        properties: &[(u8, Value)],
    ) -> Result<c_int, c_int> {
        let properties = CProperties::new(properties);
        let names: Vec<_> = filters.iter().map(|filter| c_string(filter)).collect();
        let topics: Vec<*mut c_char> = names.iter().map(|name| name.as_ptr().cast_mut()).collect();
        let mut response = self.response(What::Unsubscribe, &properties);
        // SAFETY: all that is pointed at outlives the call, which copies it.
        let rc = unsafe {
            if let [topic] = topics[..] {
                MQTTAsync_unsubscribe(self.handle, topic, &raw mut response)
            } else {
                let count = c_int::try_from(topics.len()).unwrap();
                MQTTAsync_unsubscribeMany(self.handle, count, topics.as_ptr(), &raw mut response)
            }
        };
        if rc == 0 { Ok(response.token) } else { Err(rc) }
    }

    /// Begins to disconnect, without waiting for what is in flight.
    pub fn disconnect(&self) -> c_int {
        self.disconnect_with(0, 0, &[])
    }

    /// Begins to disconnect; waits `timeout` milliseconds for what is in flight.
    pub fn disconnect_with(
        &self,
        timeout: c_int,
        reason: c_int,
        properties: &[(u8, Value)],
    ) -> c_int {
        let properties = CProperties::new(properties);
        // SAFETY: a structure of numbers, pointers and optional functions.
        let mut options: MQTTAsync_disconnectOptions = unsafe { zeroed() };
        options.struct_id = id(*b"MQTD");
        options.struct_version = 1;
        options.timeout = timeout;
        options.context = self.request(What::Disconnect);
        options.reasonCode = reason;
        options.properties = properties.get();
        if self.version == Version::V5 {
            options.onSuccess5 = Some(success5);
            options.onFailure5 = Some(failure5);
        } else {
            options.onSuccess = Some(success);
            options.onFailure = Some(failure);
        }
        // SAFETY: all that is pointed at outlives the call, which copies it.
        unsafe { MQTTAsync_disconnect(self.handle, &raw const options) }
    }

    /// Refuses the next messages.
    pub fn refuse(&self, messages: usize) {
        self.context.refuse.store(messages, Ordering::SeqCst);
    }

    /// Whether the library says that it is connected.
    pub fn is_connected(&self) -> bool {
        // SAFETY: the handle is this client's.
        unsafe { MQTTAsync_isConnected(self.handle) != 0 }
    }

    /// Whether the library says that the request has ended.
    pub fn is_complete(&self, token: c_int) -> bool {
        // SAFETY: the handle is this client's.
        unsafe { MQTTAsync_isComplete(self.handle, token) != 0 }
    }

    /// The next event, which must come.
    pub fn next(&self) -> Event {
        next_event(&self.events)
    }

    /// The next event must be a message.
    pub fn message(&self) -> super::Message {
        match self.next() {
            Event::Message(message) => message,
            other => panic!("expected a message, got {other:?}"),
        }
    }

    /// The next event must be the success of this request; its codes.
    pub fn done(&self, request: c_int) -> Vec<c_int> {
        match self.next() {
            Event::Done { token, codes, .. } if token == request => codes,
            other => panic!("expected the success of {request}, got {other:?}"),
        }
    }

    /// The next event must be the failure of this request; its code.
    pub fn failed(&self, request: c_int) -> c_int {
        match self.next() {
            Event::Failed { token, code, .. } if token == request => code,
            other => panic!("expected the failure of {request}, got {other:?}"),
        }
    }
}

impl Drop for AsyncClient {
    fn drop(&mut self) {
        // SAFETY: the handle is this client's; no callback runs after the call.
        unsafe { MQTTAsync_destroy(&raw mut self.handle) };
    }
}

/// Options of a subscription, from the bits above the `QoS` of its options byte.
pub(super) fn subscribe_options(bits: u8) -> MQTTSubscribe_options {
    MQTTSubscribe_options {
        struct_id: id(*b"MQSO"),
        struct_version: 0,
        noLocal: u8::from(bits & 0x04 != 0),
        retainAsPublished: u8::from(bits & 0x08 != 0),
        retainHandling: bits >> 4,
    }
}

/// # Safety
/// `context` is that of a request of a client that was not destroyed.
unsafe fn tell(context: *mut c_void, event: impl FnOnce(What) -> Event) {
    // SAFETY: as the caller promises; the client keeps the request.
    let request = unsafe { &*context.cast::<Request>() };
    // A test that has seen enough does not listen any more.
    let _ = request.events.send(event(request.what));
}

unsafe extern "C" fn success(context: *mut c_void, data: *mut MQTTAsync_successData) {
    // SAFETY: called by the library: the context is a request's, and the data has the member for its kind.
    unsafe {
        tell(context, |what| {
            let done = |codes| Event::Done {
                token: (*data).token,
                codes,
                properties: Vec::new(),
            };
            match what {
                What::Connect => Event::Connected {
                    session_present: (*data).alt.connect.sessionPresent != 0,
                    version: (*data).alt.connect.MQTTVersion,
                    properties: Vec::new(),
                },
                What::Subscribe { filters: 1 } => done(vec![(*data).alt.qos]),
                What::Subscribe { filters } => done(codes((*data).alt.qosList, filters)),
                What::Publish | What::Unsubscribe => done(Vec::new()),
                What::Disconnect => Event::Ended,
            }
        });
    }
}

unsafe extern "C" fn failure(context: *mut c_void, data: *mut MQTTAsync_failureData) {
    // SAFETY: called by the library: the context is a request's.
    unsafe {
        tell(context, |what| {
            let (token, code) = if data.is_null() {
                (0, -1)
            } else {
                ((*data).token, (*data).code)
            };
            failed(what, token, code, 0, Vec::new())
        });
    }
}

fn failed(
    what: What,
    token: c_int,
    code: c_int,
    packet_type: c_int,
    properties: Vec<(u8, Value)>,
) -> Event {
    match what {
        What::Connect => Event::ConnectFailed { code, properties },
        _ => Event::Failed {
            token,
            code,
            packet_type,
            properties,
        },
    }
}

unsafe extern "C" fn success5(context: *mut c_void, data: *mut MQTTAsync_successData5) {
    // SAFETY: called by the library: the context is a request's, and the data has the member for its kind.
    unsafe {
        tell(context, |what| {
            if matches!(what, What::Disconnect) {
                return Event::Ended;
            }
            let properties = from_c(&raw const (*data).properties);
            let done = |codes| Event::Done {
                token: (*data).token,
                codes,
                properties: properties.clone(),
            };
            let list = |list: MQTTAsync_reasonCodeList| {
                if list.reasonCodeCount > 1 {
                    codes(
                        list.reasonCodes,
                        usize::try_from(list.reasonCodeCount).unwrap(),
                    )
                } else {
                    vec![(*data).reasonCode]
                }
            };
            match what {
                What::Connect => Event::Connected {
                    session_present: (*data).alt.connect.sessionPresent != 0,
                    version: (*data).alt.connect.MQTTVersion,
                    properties,
                },
                What::Subscribe { .. } => done(list((*data).alt.sub)),
                What::Unsubscribe => done(list((*data).alt.unsub)),
                What::Publish | What::Disconnect => done(vec![(*data).reasonCode]),
            }
        });
    }
}

unsafe extern "C" fn failure5(context: *mut c_void, data: *mut MQTTAsync_failureData5) {
    // SAFETY: called by the library: the context is a request's, the data whole.
    unsafe {
        tell(context, |what| {
            let data = &*data;
            let code = if data.reasonCode == 0 {
                data.code
            } else {
                data.reasonCode
            };
            failed(
                what,
                data.token,
                code,
                data.packet_type,
                from_c(&raw const data.properties),
            )
        });
    }
}
