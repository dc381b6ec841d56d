//! Making and destroying clients.

use std::ptr;
use std::sync::Arc;

use libc::{c_char, c_int, c_void};

use super::host::AsyncHost;
use super::{AsyncClient, HANDLES};
use crate::engine::{Driver, Setup};
use crate::ffi::exports::version;
use crate::ffi::for_paho::{self, Api, PahoClient, PahoHost};
use crate::ffi::in_call::{code, refused_without_client};
use crate::ffi::last_error;
use crate::ffi::read::create::{Created, check};
use crate::ffi::read::versioned::{Versioned, field};
use crate::ffi::read::{self, Code};
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::async_types::*;
use crate::options::CreateOptions;
use crate::protocol::session::{self, Acknowledge};

/// Newest version of the create options.
const OPTIONS_VERSION: c_int = 3;

pub unsafe fn create(
    handle: *mut MQTTAsync,
    server_uri: *const c_char,
    client_id: *const c_char,
    persistence_type: c_int,
    persistence_context: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        create_with_options(
            handle,
            server_uri,
            client_id,
            persistence_type,
            persistence_context,
            ptr::null_mut(),
        )
    }
}

pub unsafe fn create_with_options(
    handle: *mut MQTTAsync,
    server_uri: *const c_char,
    client_id: *const c_char,
    persistence_type: c_int,
    persistence_context: *mut c_void,
    options: *mut MQTTAsync_createOptions,
) -> c_int {
    version::start_trace(version::asynchronous());
    // SAFETY: the caller's promise.
    let made = unsafe {
        make(
            handle,
            server_uri,
            client_id,
            persistence_type,
            persistence_context,
            options,
        )
    };
    code(made.map_err(refused_without_client::<AsyncHost>))
}

unsafe fn make(
    handle: *mut MQTTAsync,
    server_uri: *const c_char,
    client_id: *const c_char,
    persistence_type: c_int,
    persistence_context: *mut c_void,
    options: *const MQTTAsync_createOptions,
) -> Result<(), Code> {
    // SAFETY: strings and struct as documented; the handle is checked for NULL before it is written to.
    unsafe {
        let Created {
            server_uri,
            client_id,
        } = check(server_uri, client_id, persistence_type)?;
        let create = read_options(options)?;
        if handle.is_null() {
            return Err(read::null("handle"));
        }
        let store = crate::ffi::read::create::store(
            persistence_type,
            persistence_context,
            &client_id,
            &server_uri,
        )?;
        let setup = Setup {
            client_id: client_id.into(),
            server_uri,
            create,
            driver: Driver::Reactor,
            acknowledge: Acknowledge::OnArrival,
            session: session::Options::default(),
            lost_after_disconnect: false,
        };
        let host = AsyncHost::default();
        let client = AsyncClient::new(setup, host, store, super::op::Op::stored)
            .map_err(|error| super::error(&error))?;
        for_paho::introduce(Api::Async, |handle| {
            HANDLES
                .get(handle)
                .map(|client| client as Arc<dyn PahoClient>)
        });
        *handle = HANDLES.insert(client).ok_or_else(|| {
            last_error::fail(MQTTASYNC_FAILURE, "there are a million clients already")
        })?;
    }
    Ok(())
}

unsafe fn read_options(options: *const MQTTAsync_createOptions) -> Result<CreateOptions, Code> {
    let default = CreateOptions::default();
    if options.is_null() {
        return Ok(default);
    }
    // SAFETY: as documented.
    let options = unsafe { Versioned::check(options, "options", b"MQCO", OPTIONS_VERSION)? };
    // Messages are buffered while connected, too: a limit of 0 would refuse all of them.
    let max_buffered_messages = usize::try_from(field!(options.maxBufferedMessages))
        .ok()
        .filter(|max| *max > 0)
        .ok_or_else(|| {
            let max = field!(options.maxBufferedMessages);
            let why = format!("maxBufferedMessages is {max}");
            last_error::fail(MQTTASYNC_MAX_BUFFERED, why)
        })?;
    let mut create = CreateOptions {
        send_while_disconnected: field!(options.sendWhileDisconnected) != 0,
        max_buffered_messages,
        v5: field!(options.MQTTVersion since 1 else 0) >= 5,
        ..default
    };
    // The program's object may end with MQTTVersion in version 1.
    if options.version() >= 2 {
        create.allow_disconnected_send_at_any_time =
            field!(options.allowDisconnectedSendAtAnyTime) != 0;
        create.delete_oldest_messages = field!(options.deleteOldestMessages) != 0;
        create.restore_messages = field!(options.restoreMessages) != 0;
        create.persist_qos0 = field!(options.persistQoS0) != 0;
    }
    Ok(create)
}

pub unsafe fn destroy(handle: *mut MQTTAsync) {
    if handle.is_null() {
        return;
    }
    // SAFETY: not NULL; the program's own variable.
    let was = unsafe { std::mem::replace(&mut *handle, ptr::null_mut()) };
    if let Some(client) = HANDLES.remove(was) {
        client.destroy();
        client.host().routes().close();
        client.host().finish();
    }
}
