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
use crate::ffi::last_error;
use crate::ffi::read::{Code, Context};
use crate::ffi::store;
use crate::ffi::strerror;
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::async_types::*;
use crate::ffi::types::persistence_types::{
    MQTTPersistence_afterRead, MQTTPersistence_beforeWrite,
};
use crate::protocol::reason;
use host::{AsyncHost, Callbacks};

static HANDLES: Handles<AsyncHost> = Handles::of_async_api();

type AsyncClient = Client<AsyncHost>;

/// Returns the client of a handle.
fn find(handle: MQTTAsync) -> Option<Arc<AsyncClient>> {
    HANDLES.get(handle)
}

/// Runs what a call does for its client. Why it is refused the program can ask: of the client, or of its thread where there
/// is none. `before` is what the call checks before the handle, as the original does.
fn in_call_after<B, T>(
    before: impl FnOnce() -> Result<B, Code>,
    handle: MQTTAsync,
    call: impl FnOnce(&Arc<AsyncClient>, B) -> Result<T, Code>,
) -> Result<T, Code> {
    last_error::clear();
    let before = before();
    let Some(client) = find(handle) else {
        return Err(no_client(before.err()));
    };
    let result = before.and_then(|before| call(&client, before));
    result.inspect_err(|code| refused(&client, *code))
}

/// Works as [`in_call_after`], for a call that checks nothing before.
fn in_call<T>(
    handle: MQTTAsync,
    call: impl FnOnce(&Arc<AsyncClient>) -> Result<T, Code>,
) -> Result<T, Code> {
    in_call_after(|| Ok(()), handle, |client, ()| call(client))
}

/// Notes that a handle is none, or what is `wrong` before that. Returns the code.
#[cold]
fn no_client(wrong: Option<Code>) -> Code {
    refused_without_client(wrong.unwrap_or_else(|| {
        last_error::note(MQTTASYNC_FAILURE, "the handle is not one of a client")
    }))
}

/// Notes that a call is refused where there is no client. Returns the code.
#[cold]
fn refused_without_client(code: Code) -> Code {
    last_error::refused(code, text(code));
    code
}

/// Notes that a call for this client is refused.
#[cold]
fn refused(client: &AsyncClient, code: Code) {
    let why = last_error::refused(code, text(code));
    client.note_refused_call(code, code == MQTTASYNC_DISCONNECTED, why);
}

/// Returns a code's text.
fn text(code: Code) -> &'static CStr {
    strerror::asynchronous_text(code).unwrap_or(c"unknown code")
}

/// Returns a result as a return code.
fn code(result: Result<(), Code>) -> c_int {
    result.err().unwrap_or(MQTTASYNC_SUCCESS)
}

/// Returns the return code of an engine error. What a MQTT 5 server does not allow is named by its reason code.
fn error(error: &Error) -> Code {
    let note = |code| last_error::note(code, error);
    match error {
        Error::Disconnected => note(MQTTASYNC_DISCONNECTED),
        Error::BufferFull => note(MQTTASYNC_MAX_BUFFERED_MESSAGES),
        Error::NoPacketId => note(MQTTASYNC_NO_MORE_MSGIDS),
        Error::Ignored => note(MQTTASYNC_COMMAND_IGNORED),
        Error::NotStored => note(MQTTASYNC_PERSISTENCE_ERROR),
        Error::Invalid(malformed) => last_error::fail(
            match malformed.reason {
                reason::QOS_NOT_SUPPORTED => MQTTASYNC_BAD_QOS,
                reason::MALFORMED_PACKET
                | reason::PROTOCOL_ERROR
                | reason::TOPIC_NAME_INVALID
                | reason::TOPIC_FILTER_INVALID => MQTTASYNC_FAILURE,
                other => other.into(),
            },
            // Without the reason code: it would look like the server's.
            malformed.what,
        ),
        Error::Store(error) => crate::ffi::read::create::refused(error),
        Error::Failed(why) => last_error::fail(MQTTASYNC_FAILURE, why),
        Error::WouldBlock | Error::TimedOut => note(MQTTASYNC_FAILURE),
    }
}

pub unsafe fn global_init(inits: *mut MQTTAsync_init_options) {
    // SAFETY: NULL or valid, as documented.
    unsafe { crate::ffi::global_init(inits) };
}

/// Changes the callbacks of a client.
fn set(handle: MQTTAsync, change: impl FnOnce(&mut Callbacks)) -> c_int {
    code(in_call(handle, |client| {
        client.host().change(change);
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
        client.host().change(change);
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
