//! What the functions of `MQTTClient.h` do: arguments checked and copied, then the engine; errors turned into codes.
//!
//! The order of the checks is the original's, so that a call with two faults reports the same one.
#![allow(clippy::missing_safety_doc)] // what each function requires stands at the export that calls it

mod commands;
mod connect;
mod create;
mod host;

use std::ffi::CStr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libc::{c_int, c_ulong, c_void};

pub use commands::{
    get_pending_delivery_tokens, publish, publish_message, publish_message5, publish5, receive,
    subscribe, subscribe_many, subscribe_many5, subscribe5, unsubscribe, unsubscribe_many,
    unsubscribe_many5, unsubscribe5, wait_for_completion,
};
pub use connect::{connect, connect5, disconnect, disconnect5, is_connected};
pub use create::{create, create_with_options, destroy};

use crate::engine::{Client, Error};
use crate::ffi::handles::Handles;
use crate::ffi::in_call::{self, Answers, Codes, code};
use crate::ffi::last_error;
use crate::ffi::memory;
use crate::ffi::read::{Code, Context};
use crate::ffi::received::to_c;
use crate::ffi::strerror;
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::client_types::*;
use crate::ffi::types::property_types::MQTTProperties;
use crate::protocol::property::{Properties, PropertiesRef};
use host::ClientHost;

static HANDLES: Handles<ClientHost> = Handles::of_sync_api();

type SyncClient = Client<ClientHost>;

/// Not in `MQTTClient.h` itself but in `MQTTClientPersistence.h`.
const MQTTCLIENT_PERSISTENCE_ERROR: Code = -2;
/// `MQTTClient_yield` returns after this time.
const YIELD: Duration = Duration::from_millis(100);

/// A client, for as long as a call works with it. At the end of the call the program hears of the TLS errors that wait for
/// that: where it has set no callbacks there is no other thread to tell it.
struct InCall(Arc<SyncClient>);

impl Deref for InCall {
    type Target = Arc<SyncClient>;

    fn deref(&self) -> &Arc<SyncClient> {
        &self.0
    }
}

impl AsRef<SyncClient> for InCall {
    fn as_ref(&self) -> &SyncClient {
        &self.0
    }
}

impl Drop for InCall {
    fn drop(&mut self) {
        self.0.report_to_caller();
    }
}

/// Returns the client of a handle.
fn find(handle: MQTTClient) -> Option<InCall> {
    HANDLES.get(handle).map(InCall)
}

impl Answers for ClientHost {
    const CODES: Codes = Codes {
        failure: MQTTCLIENT_FAILURE,
        disconnected: MQTTCLIENT_DISCONNECTED,
        buffer_full: MQTTCLIENT_MAX_MESSAGES_INFLIGHT,
        no_packet_id: MQTTCLIENT_MAX_MESSAGES_INFLIGHT,
        ignored: MQTTCLIENT_FAILURE,
        not_stored: MQTTCLIENT_PERSISTENCE_ERROR,
        bad_qos: MQTTCLIENT_BAD_QOS,
        no_tls: MQTTCLIENT_SSL_NOT_SUPPORTED,
        null_parameter: MQTTCLIENT_NULL_PARAMETER,
    };

    fn text(code: Code) -> Option<&'static CStr> {
        strerror::client_text(code)
    }
}

/// Runs what a call does for its client; `before` is what it checks before the handle: see [`in_call::in_call_after`].
fn in_call_after<B, T>(
    before: impl FnOnce() -> Result<B, Code>,
    handle: MQTTClient,
    call: impl FnOnce(&InCall, B) -> Result<T, Code>,
) -> Result<T, Code> {
    in_call::in_call_after(before, || find(handle), call)
}

/// Runs what a call does for its client: see [`in_call::in_call`].
fn in_call<T>(
    handle: MQTTClient,
    call: impl FnOnce(&InCall) -> Result<T, Code>,
) -> Result<T, Code> {
    in_call::in_call(|| find(handle), call)
}

/// Returns the return code of an engine error.
fn error(error: &Error) -> Code {
    in_call::error::<ClientHost>(error)
}

/// Returns a response that carries a code only.
fn response(reason: c_int) -> MQTTResponse {
    MQTTResponse {
        version: 1,
        reasonCode: reason,
        reasonCodeCount: 0,
        reasonCodes: std::ptr::null_mut(),
        properties: std::ptr::null_mut(),
    }
}

/// Returns the properties of a response: a list of its own in C's memory.
fn response_properties(properties: PropertiesRef<'_>) -> *mut MQTTProperties {
    let list: *mut MQTTProperties = memory::allocate(size_of::<MQTTProperties>()).cast();
    if !list.is_null() {
        // SAFETY: freshly allocated with that size.
        unsafe { list.write(to_c(properties)) };
    }
    list
}

/// Returns a response to a SUBSCRIBE or UNSUBSCRIBE: its codes, listed when there are several.
fn response_codes(codes: &[u8], properties: &Properties) -> MQTTResponse {
    let mut response = response(codes.first().copied().unwrap_or(0).into());
    response.reasonCodeCount = c_int::try_from(codes.len()).unwrap_or(c_int::MAX);
    if codes.len() > 1 {
        let list: *mut c_int = memory::allocate_array(codes.len());
        if !list.is_null() {
            for (i, code) in codes.iter().enumerate() {
                // SAFETY: the block has room for all codes.
                unsafe { list.add(i).write((*code).into()) };
            }
        }
        response.reasonCodes = list;
    }
    if !properties.as_ref().is_empty() {
        response.properties = response_properties(properties.as_ref());
    }
    response
}

pub unsafe fn global_init(inits: *mut MQTTClient_init_options) {
    // SAFETY: NULL or valid, as documented.
    unsafe { crate::ffi::global_init(inits) };
}

pub unsafe fn set_callbacks(
    handle: MQTTClient,
    context: *mut c_void,
    cl: MQTTClient_connectionLost,
    ma: MQTTClient_messageArrived,
    dc: MQTTClient_deliveryComplete,
) -> c_int {
    code(in_call(handle, |client| {
        if ma.is_none() {
            return Err(last_error::fail(
                MQTTCLIENT_FAILURE,
                "messageArrived is NULL",
            ));
        }
        client.host().change(|callbacks| {
            callbacks.context = Context(context);
            callbacks.connection_lost = cl;
            callbacks.message_arrived = ma;
            callbacks.delivery_complete = dc;
        });
        client.set_hears_of_deliveries(dc.is_some());
        client.set_asynchronous();
        Ok(())
    }))
}

pub unsafe fn set_disconnected(
    handle: MQTTClient,
    context: *mut c_void,
    co: MQTTClient_disconnected,
) -> c_int {
    code(in_call(handle, |client| {
        client.host().change(|callbacks| {
            callbacks.disconnected = (Context(context), co);
        });
        Ok(())
    }))
}

pub unsafe fn set_published(
    handle: MQTTClient,
    context: *mut c_void,
    co: MQTTClient_published,
) -> c_int {
    code(in_call(handle, |client| {
        client.host().change(|callbacks| {
            callbacks.published = (Context(context), co);
        });
        // Acknowledgements before MQTT 5 tell nothing that deliveryComplete does not, and the original is silent about them.
        client.set_wants_acknowledgements(co.is_some() && client.setup().create.v5);
        Ok(())
    }))
}

pub unsafe fn set_trace_level(level: MQTTCLIENT_TRACE_LEVELS) {
    crate::ffi::set_trace_level(level);
}

pub unsafe fn set_trace_callback(callback: MQTTClient_traceCallback) {
    crate::ffi::set_trace_callback(callback);
}

pub unsafe fn set_command_timeout(handle: MQTTClient, milli_seconds: c_ulong) -> c_int {
    /// The original takes no less, in milliseconds.
    const LEAST: c_ulong = 5000;
    code(in_call(handle, |client| {
        if milli_seconds < LEAST {
            let why = format!("milliSeconds is {milli_seconds}, and not {LEAST} or more");
            return Err(last_error::fail(MQTTCLIENT_FAILURE, why));
        }
        client
            .host()
            .set_command_timeout(milliseconds(milli_seconds));
        Ok(())
    }))
}

/// Processes packets of all clients without callbacks, for a while.
pub unsafe fn r#yield() {
    let deadline = Instant::now() + YIELD;
    let clients: Vec<_> = HANDLES.all().into_iter().map(InCall).collect();
    match clients.as_slice() {
        [] => {}
        [client] => client.process_until(deadline),
        clients => {
            // Each its share; what arrives for one meanwhile waits in its socket.
            let share = YIELD / u32::try_from(clients.len()).unwrap_or(u32::MAX);
            for client in clients {
                client.process_until(Instant::now() + share);
            }
        }
    }
    // A program that yields in a loop counts on some time passing.
    std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
}

/// Milliseconds of a C timeout.
fn milliseconds(timeout: c_ulong) -> Duration {
    Duration::from_millis(timeout)
}
