//! `MQTTClient`, with callbacks and without.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::mpsc::Receiver;

#[allow(clippy::wildcard_imports, reason = "it uses most of what is there")]
use paho_oxide::ffi::exports::mqtt_client::*;
use paho_oxide::ffi::exports::mqtt_client_messages::*;
#[allow(clippy::wildcard_imports, reason = "it uses most of what is there")]
use paho_oxide::ffi::types::client_types::*;
use paho_oxide::ffi::types::property_types::MQTTProperties;

use super::asynchronous::subscribe_options;
use super::properties::{CProperties, from_c};
use super::{
    CConnect, ConnectOptions, Context, Event, Message, c_message, c_string, codes, id, next_event,
    zeroed,
};
use crate::packet::{Value, Version};

/// A client, destroyed when it is dropped.
pub struct SyncClient {
    handle: MQTTClient,
    version: Version,
    context: Box<Context>,
    events: Receiver<Event>,
}

// SAFETY: the API is thread-safe, and the context is only read by the callbacks.
unsafe impl Send for SyncClient {}

impl SyncClient {
    /// What the library says of a code, here and now.
    pub fn text(code: c_int) -> String {
        // SAFETY: a text that ends in NUL and stays until this thread's next call.
        unsafe { std::ffi::CStr::from_ptr(MQTTClient_strerror(code)) }
            .to_str()
            .unwrap()
            .to_owned()
    }

    /// A client without a store and without callbacks: what arrives is processed during its calls.
    pub fn new(version: Version, uri: &str, client_id: &str) -> Self {
        Self::make(version, uri, client_id, None)
    }

    fn make(version: Version, uri: &str, client_id: &str, store: Option<&CStr>) -> Self {
        let (context, events) = Context::new();
        let mut client = Self {
            handle: ptr::null_mut(),
            version,
            context,
            events,
        };
        let (uri, client_id) = (c_string(uri.as_bytes()), c_string(client_id.as_bytes()));
        let mut options = MQTTClient_createOptions {
            struct_id: id(*b"MQCO"),
            struct_version: 0,
            MQTTVersion: if version == Version::V5 { 5 } else { 0 },
        };
        // SAFETY: strings and structure outlive the call; 0 is the default store with its directory, and 1 is "no store",
        // which needs no context.
        let rc = unsafe {
            MQTTClient_createWithOptions(
                &raw mut client.handle,
                uri.as_ptr(),
                client_id.as_ptr(),
                store.is_none().into(),
                store.map_or(ptr::null_mut(), |store| store.as_ptr().cast_mut().cast()),
                &raw mut options,
            )
        };
        assert_eq!(rc, 0, "createWithOptions");
        client
    }

    /// The same with callbacks.
    pub fn with_callbacks(version: Version, uri: &str, client_id: &str) -> Self {
        Self::new(version, uri, client_id).call_back()
    }

    /// The same with a store in that directory.
    pub fn with_store(version: Version, uri: &str, client_id: &str, store: &CStr) -> Self {
        Self::make(version, uri, client_id, Some(store)).call_back()
    }

    fn call_back(self) -> Self {
        let client = self;
        let context = (&raw const *client.context).cast_mut().cast();
        // SAFETY: the callbacks have the types and the context that the API asks for.
        unsafe {
            let rc = MQTTClient_setCallbacks(
                client.handle,
                context,
                Some(super::connection_lost),
                Some(super::message_arrived),
                Some(delivered),
            );
            assert_eq!(rc, 0, "setCallbacks");
            let rc = MQTTClient_setDisconnected(client.handle, context, Some(super::disconnected));
            assert_eq!(rc, 0, "setDisconnected");
            let rc = MQTTClient_setPublished(client.handle, context, Some(published));
            assert_eq!(rc, 0, "setPublished");
        }
        client
    }

    pub(super) fn handle(&self) -> MQTTClient {
        self.handle
    }

    /// Connects; 0, or why not.
    pub fn connect(&self, options: &ConnectOptions) -> c_int {
        let mut with = CConnect::new(options);
        // SAFETY: a structure of numbers and pointers.
        let mut connect: MQTTClient_connectOptions = unsafe { zeroed() };
        connect.struct_id = id(*b"MQTC");
        connect.struct_version = 8;
        connect.keepAliveInterval = options.keep_alive;
        connect.connectTimeout = 10;
        connect.MQTTVersion = options.version.unwrap_or(self.version as c_int);
        connect.maxInflightMessages = options.max_inflight.unwrap_or(-1);
        connect.will = with.will();
        connect.username = with.user_name();
        connect.binarypwd = with.password();
        if self.version == Version::V5 {
            connect.cleanstart = options.clean.into();
            let will = with
                .will_properties
                .as_mut()
                .map_or(ptr::null_mut(), CProperties::as_mut_ptr);
            // SAFETY: all that is pointed at outlives the call; the response is freed with the function for it.
            unsafe {
                let response = MQTTClient_connect5(
                    self.handle,
                    &raw mut connect,
                    with.properties.as_mut_ptr(),
                    will,
                );
                let code = response.reasonCode;
                MQTTResponse_free(response);
                code
            }
        } else {
            connect.cleansession = options.clean.into();
            // SAFETY: all that is pointed at outlives the call.
            unsafe { MQTTClient_connect(self.handle, &raw mut connect) }
        }
    }

    /// Publishes; the token, or why not.
    pub fn publish(
        &self,
        topic: &str,
        payload: &[u8],
        qos: c_int,
        properties: &[(u8, Value)],
    ) -> Result<c_int, c_int> {
        let topic = c_string(topic.as_bytes());
        let properties = CProperties::new(properties);
        let mut message = c_message(payload, qos, false, &properties);
        let mut token = 0;
        // SAFETY: all that is pointed at outlives the call, which copies it; the response is freed.
        let rc = unsafe {
            if self.version == Version::V5 {
                let response = MQTTClient_publishMessage5(
                    self.handle,
                    topic.as_ptr(),
                    &raw mut message,
                    &raw mut token,
                );
                let code = response.reasonCode;
                MQTTResponse_free(response);
                code
            } else {
                MQTTClient_publishMessage(
                    self.handle,
                    topic.as_ptr(),
                    &raw mut message,
                    &raw mut token,
                )
            }
        };
        if rc == 0 { Ok(token) } else { Err(rc) }
    }

    /// Waits until a publish is acknowledged.
    pub fn wait(&self, token: c_int) -> c_int {
        // SAFETY: the handle is this client's.
        unsafe { MQTTClient_waitForCompletion(self.handle, token, 10_000) }
    }

    /// Subscribes to these filters; what the server granted, or why not.
    pub fn subscribe(
        &self,
        filters: &[(&str, c_int)],
        options: &[u8],
    ) -> Result<Vec<c_int>, c_int> {
        let names: Vec<_> = filters
            .iter()
            .map(|(filter, _)| c_string(filter.as_bytes()))
            .collect();
        let topics: Vec<*mut c_char> = names.iter().map(|name| name.as_ptr().cast_mut()).collect();
        let mut qos: Vec<c_int> = filters.iter().map(|(_, qos)| *qos).collect();
        let count = c_int::try_from(topics.len()).unwrap();
        let mut list: Vec<_> = options
            .iter()
            .map(|bits| subscribe_options(*bits))
            .collect();
        let list = if list.is_empty() {
            ptr::null_mut()
        } else {
            list.as_mut_ptr()
        };
        // SAFETY: all that is pointed at outlives the call; the response is freed.
        unsafe {
            if self.version == Version::V5 {
                let mut none = CProperties::new(&[]);
                let response = MQTTClient_subscribeMany5(
                    self.handle,
                    count,
                    topics.as_ptr(),
                    qos.as_mut_ptr(),
                    list,
                    none.as_mut_ptr(),
                );
                granted(response)
            } else {
                match MQTTClient_subscribeMany(
                    self.handle,
                    count,
                    topics.as_ptr(),
                    qos.as_mut_ptr(),
                ) {
                    0 => Ok(qos),
                    rc => Err(rc),
                }
            }
        }
    }

    /// Ends subscriptions; the server's codes, or why not.
    pub fn unsubscribe(&self, filters: &[&str]) -> Result<Vec<c_int>, c_int> {
        let names: Vec<_> = filters
            .iter()
            .map(|filter| c_string(filter.as_bytes()))
            .collect();
        let topics: Vec<*mut c_char> = names.iter().map(|name| name.as_ptr().cast_mut()).collect();
        let count = c_int::try_from(topics.len()).unwrap();
        // SAFETY: all that is pointed at outlives the call; the response is freed.
        unsafe {
            if self.version == Version::V5 {
                let mut none = CProperties::new(&[]);
                granted(MQTTClient_unsubscribeMany5(
                    self.handle,
                    count,
                    topics.as_ptr(),
                    none.as_mut_ptr(),
                ))
            } else {
                match MQTTClient_unsubscribeMany(self.handle, count, topics.as_ptr()) {
                    0 => Ok(Vec::new()),
                    rc => Err(rc),
                }
            }
        }
    }

    /// Waits for a message, for a client without callbacks.
    pub fn receive(&self) -> Message {
        let (mut topic, mut len, mut message) = (ptr::null_mut(), 0, ptr::null_mut());
        // SAFETY: the three are filled in by the call, and given back with the functions for it.
        unsafe {
            let rc = MQTTClient_receive(
                self.handle,
                &raw mut topic,
                &raw mut len,
                &raw mut message,
                10_000,
            );
            assert!(rc == 0 && !message.is_null(), "MQTTClient_receive: {rc}");
            let arrived = super::read_message(topic, len, message);
            MQTTClient_freeMessage(&raw mut message);
            MQTTClient_free(topic.cast());
            arrived
        }
    }

    /// Disconnects; waits `timeout` milliseconds for what is in flight.
    pub fn disconnect(&self, timeout: c_int) -> c_int {
        // SAFETY: the handle is this client's.
        unsafe { MQTTClient_disconnect(self.handle, timeout) }
    }

    /// Whether the library says that it is connected.
    pub fn is_connected(&self) -> bool {
        // SAFETY: the handle is this client's.
        unsafe { MQTTClient_isConnected(self.handle) != 0 }
    }

    /// The next event, which must come.
    pub fn next(&self) -> Event {
        next_event(&self.events)
    }
}

impl Drop for SyncClient {
    fn drop(&mut self) {
        // SAFETY: the handle is this client's; no callback runs after the call.
        unsafe { MQTTClient_destroy(&raw mut self.handle) };
    }
}

/// Codes of a response, which is freed.
///
/// # Safety
/// The response is the library's and was not freed.
unsafe fn granted(response: MQTTResponse) -> Result<Vec<c_int>, c_int> {
    // SAFETY: the array has as many codes as the response says.
    unsafe {
        let result = if response.reasonCode < 0 {
            Err(response.reasonCode)
        } else if response.reasonCodes.is_null() {
            Ok(vec![response.reasonCode])
        } else {
            Ok(codes(
                response.reasonCodes,
                usize::try_from(response.reasonCodeCount).unwrap(),
            ))
        };
        MQTTResponse_free(response);
        result
    }
}

unsafe extern "C" fn delivered(context: *mut c_void, token: c_int) {
    // SAFETY: called by the library, so the context is alive.
    unsafe { Context::tell(context, Event::Delivered { token }) };
}

unsafe extern "C" fn published(
    context: *mut c_void,
    token: c_int,
    packet_type: c_int,
    properties: *mut MQTTProperties,
    code: c_int,
) {
    // SAFETY: called by the library, so the context is alive and the list whole.
    unsafe {
        let published = Event::Published {
            token,
            packet_type,
            code,
            properties: from_c(properties),
        };
        Context::tell(context, published);
    }
}
