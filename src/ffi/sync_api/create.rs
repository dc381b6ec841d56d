//! Making and destroying clients.

use std::ptr;
use std::sync::Arc;

use libc::{c_char, c_int, c_void};

use super::host::ClientHost;
use super::{HANDLES, SyncClient};
use crate::engine::{Driver, Setup};
use crate::ffi::exports::version;
use crate::ffi::for_paho::{self, Api, PahoClient, PahoHost};
use crate::ffi::in_call::{code, refused_without_client};
use crate::ffi::last_error;
use crate::ffi::read::create::{Created, check, store};
use crate::ffi::read::versioned::{Versioned, field};
use crate::ffi::read::{self, Code};
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::client_types::*;
use crate::options::CreateOptions;
use crate::protocol::session::{self, Acknowledge};

pub unsafe fn create(
    handle: *mut MQTTClient,
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
    handle: *mut MQTTClient,
    server_uri: *const c_char,
    client_id: *const c_char,
    persistence_type: c_int,
    persistence_context: *mut c_void,
    options: *mut MQTTClient_createOptions,
) -> c_int {
    version::start_trace(version::client());
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
    code(made.map_err(refused_without_client::<ClientHost>))
}

unsafe fn make(
    handle: *mut MQTTClient,
    server_uri: *const c_char,
    client_id: *const c_char,
    persistence_type: c_int,
    persistence_context: *mut c_void,
    options: *const MQTTClient_createOptions,
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
        let store = store(
            persistence_type,
            persistence_context,
            &client_id,
            &server_uri,
        )?;
        let setup = Setup {
            client_id: client_id.into(),
            server_uri,
            create,
            driver: Driver::Calls,
            acknowledge: Acknowledge::OnArrival,
            session: session::Options::default(),
            lost_after_disconnect: false,
        };
        let client = SyncClient::new(setup, ClientHost::default(), store, || {
            super::host::Op::Publish
        })
        .map_err(|error| super::error(&error))?;
        for_paho::introduce(Api::Client, |handle| {
            HANDLES
                .get(handle)
                .map(|client| client as Arc<dyn PahoClient>)
        });
        *handle = HANDLES.insert(client).ok_or_else(|| {
            last_error::fail(MQTTCLIENT_FAILURE, "there are a million clients already")
        })?;
    }
    Ok(())
}

unsafe fn read_options(options: *const MQTTClient_createOptions) -> Result<CreateOptions, Code> {
    let mut create = CreateOptions {
        // As the original, in this API only.
        refuse_v5_store: true,
        ..CreateOptions::default()
    };
    if !options.is_null() {
        // SAFETY: as documented.
        let options = unsafe { Versioned::check(options, "options", b"MQCO", 0)? };
        create.v5 = field!(options.MQTTVersion) >= 5;
    }
    Ok(create)
}

pub unsafe fn destroy(handle: *mut MQTTClient) {
    if handle.is_null() {
        return;
    }
    // SAFETY: not NULL; the program's own variable.
    let was = unsafe { std::mem::replace(&mut *handle, ptr::null_mut()) };
    if let Some(client) = HANDLES.remove(was) {
        client.destroy();
        client.host().routes().close();
    }
}
