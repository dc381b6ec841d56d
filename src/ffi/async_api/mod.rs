//! What the functions of `MQTTAsync.h` do: arguments checked and copied, then the engine; errors turned into codes.
//!
//! The order of the checks is the original's, so that a call with two faults reports the same one.
#![allow(clippy::missing_safety_doc)] // what each function requires stands at the export that calls it

mod answers;
mod commands;
mod connect;
mod create;
mod host;
mod op;

use std::ffi::CStr;
use std::sync::Arc;

use libc::{c_int, c_ulong, c_void};

pub use commands::{
    get_pending_tokens, is_complete, send, send_message, subscribe, subscribe_many, unsubscribe,
    unsubscribe_many, wait_for_completion,
};
pub use connect::{connect, disconnect, is_connected, reconnect};
pub use create::{create, create_with_options, destroy};

use crate::engine::{Client, Error};
use crate::ffi::handles::Handles;
use crate::ffi::in_call::{self, Answers, Codes, code};
use crate::ffi::last_error;
use crate::ffi::read::{Code, Context};
use crate::ffi::store;
use crate::ffi::strerror;
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::async_types::*;
use crate::ffi::types::persistence_types::{
    MQTTPersistence_afterRead, MQTTPersistence_beforeWrite,
};
use host::{AsyncHost, Callbacks};

static HANDLES: Handles<AsyncHost> = Handles::of_async_api();

type AsyncClient = Client<AsyncHost>;

/// Returns the client of a handle.
fn find(handle: MQTTAsync) -> Option<Arc<AsyncClient>> {
    HANDLES.get(handle)
}

impl Answers for AsyncHost {
    const CODES: Codes = Codes {
        failure: MQTTASYNC_FAILURE,
        disconnected: MQTTASYNC_DISCONNECTED,
        buffer_full: MQTTASYNC_MAX_BUFFERED_MESSAGES,
        no_packet_id: MQTTASYNC_NO_MORE_MSGIDS,
        ignored: MQTTASYNC_COMMAND_IGNORED,
        not_stored: MQTTASYNC_PERSISTENCE_ERROR,
        bad_qos: MQTTASYNC_BAD_QOS,
        no_tls: MQTTASYNC_SSL_NOT_SUPPORTED,
        null_parameter: MQTTASYNC_NULL_PARAMETER,
    };

    fn text(code: Code) -> Option<&'static CStr> {
        strerror::asynchronous_text(code)
    }
}

/// Runs what a call does for its client; `before` is what it checks before the handle: see [`in_call::in_call_after`].
fn in_call_after<B, T>(
    before: impl FnOnce() -> Result<B, Code>,
    handle: MQTTAsync,
    call: impl FnOnce(&Arc<AsyncClient>, B) -> Result<T, Code>,
) -> Result<T, Code> {
    in_call::in_call_after(before, || find(handle), call)
}

/// Runs what a call does for its client: see [`in_call::in_call`].
fn in_call<T>(
    handle: MQTTAsync,
    call: impl FnOnce(&Arc<AsyncClient>) -> Result<T, Code>,
) -> Result<T, Code> {
    in_call::in_call(|| find(handle), call)
}

/// Returns the return code of an engine error.
fn error(error: &Error) -> Code {
    in_call::error::<AsyncHost>(error)
}

pub unsafe fn global_init(inits: *mut MQTTAsync_init_options) {
    // SAFETY: NULL or valid, as documented.
    unsafe { crate::ffi::global_init(inits) };
}

fn change_callbacks(client: &AsyncClient, change: impl FnOnce(&mut Callbacks)) {
    client.host().change(change);
    let hears = client.host().callbacks().delivery_complete.1.is_some();
    client.set_hears_of_deliveries(hears);
}

/// Changes the callbacks of a client. Those of before do not run any more when this returns: programs free what they used.
fn set(handle: MQTTAsync, change: impl FnOnce(&mut Callbacks)) -> c_int {
    code(in_call(handle, |client| {
        change_callbacks(client, change);
        client.outwait_callback();
        Ok(())
    }))
}

/// Changes the callbacks of a client, messageArrived among them: there has to be one.
fn set_with(
    handle: MQTTAsync,
    ma: MQTTAsync_messageArrived,
    change: impl FnOnce(&mut Callbacks),
) -> c_int {
    code(in_call(handle, |client| {
        if ma.is_none() {
            return Err(last_error::fail(
                MQTTASYNC_FAILURE,
                "messageArrived is NULL",
            ));
        }
        change_callbacks(client, change);
        client.outwait_callback();
        Ok(())
    }))
}

pub unsafe fn set_callbacks(
    handle: MQTTAsync,
    context: *mut c_void,
    cl: MQTTAsync_connectionLost,
    ma: MQTTAsync_messageArrived,
    dc: MQTTAsync_deliveryComplete,
) -> c_int {
    let context = Context(context);
    set_with(handle, ma, |callbacks| {
        callbacks.connection_lost = (context, cl);
        callbacks.message_arrived = (context, ma);
        callbacks.delivery_complete = (context, dc);
    })
}

pub unsafe fn set_connection_lost_callback(
    handle: MQTTAsync,
    context: *mut c_void,
    cl: MQTTAsync_connectionLost,
) -> c_int {
    set(handle, |callbacks| {
        callbacks.connection_lost = (Context(context), cl);
    })
}

pub unsafe fn set_message_arrived_callback(
    handle: MQTTAsync,
    context: *mut c_void,
    ma: MQTTAsync_messageArrived,
) -> c_int {
    set_with(handle, ma, |callbacks| {
        callbacks.message_arrived = (Context(context), ma);
    })
}

pub unsafe fn set_delivery_complete_callback(
    handle: MQTTAsync,
    context: *mut c_void,
    dc: MQTTAsync_deliveryComplete,
) -> c_int {
    set(handle, |callbacks| {
        callbacks.delivery_complete = (Context(context), dc);
    })
}

pub unsafe fn set_connected(
    handle: MQTTAsync,
    context: *mut c_void,
    co: MQTTAsync_connected,
) -> c_int {
    set(handle, |callbacks| {
        callbacks.connected = (Context(context), co);
    })
}

pub unsafe fn set_disconnected(
    handle: MQTTAsync,
    context: *mut c_void,
    co: MQTTAsync_disconnected,
) -> c_int {
    set(handle, |callbacks| {
        callbacks.disconnected = (Context(context), co);
    })
}

pub unsafe fn set_update_connect_options(
    handle: MQTTAsync,
    context: *mut c_void,
    co: MQTTAsync_updateConnectOptions,
) -> c_int {
    set(handle, |callbacks| {
        callbacks.update_connect_options = (Context(context), co);
    })
}

pub unsafe fn set_before_persistence_write(
    handle: MQTTAsync,
    context: *mut c_void,
    co: MQTTPersistence_beforeWrite,
) -> c_int {
    code(in_call(handle, |client| {
        // SAFETY: the program's function does what its type documents.
        client.set_before_write(unsafe { store::before_write(co, context) });
        client.outwait_callback();
        Ok(())
    }))
}

pub unsafe fn set_after_persistence_read(
    handle: MQTTAsync,
    context: *mut c_void,
    co: MQTTPersistence_afterRead,
) -> c_int {
    code(in_call(handle, |client| {
        // SAFETY: the program's function does what its type documents.
        client.set_after_read(unsafe { store::after_read(co, context) });
        client.outwait_callback();
        Ok(())
    }))
}

pub unsafe fn set_trace_level(level: MQTTASYNC_TRACE_LEVELS) {
    crate::ffi::set_trace_level(level);
}

pub unsafe fn set_trace_callback(callback: MQTTAsync_traceCallback) {
    crate::ffi::set_trace_callback(callback);
}

/// Milliseconds of a C timeout.
fn milliseconds(timeout: c_ulong) -> std::time::Duration {
    std::time::Duration::from_millis(timeout)
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::AsyncClient;

    /// There may be thousands, most of them idle: what is rarely there is boxed. With what a connection adds, a client takes
    /// some 3 KiB.
    #[test]
    fn a_client_is_small() {
        let size = size_of::<AsyncClient>();
        assert!(size <= 1536, "{size} bytes");
    }
}
