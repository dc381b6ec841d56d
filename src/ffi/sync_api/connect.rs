//! Connecting and disconnecting, waiting for the result.

use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use libc::c_int;

use super::host::{ClientHost, Op};
use super::{InCall, SyncClient, in_call, response, response_properties};
use crate::engine::{Answer, ConnectResult, Connected, Trouble};
use crate::ffi::in_call::{code, refused, refused_without_client};
use crate::ffi::last_error;
use crate::ffi::read::connect::{self, Members, Particulars};
use crate::ffi::read::versioned::{Versioned, field};
use crate::ffi::read::{self, Code};
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::client_types::*;
use crate::ffi::types::property_types::MQTTProperties;
use crate::ffi::types::reason_codes::MQTTReasonCodes;
use crate::ffi::types::shared_types::{MQTTVERSION_5, MQTTVERSION_DEFAULT};
use crate::options::ConnectOptions;
use crate::protocol::property::{Context as PropertyContext, Properties};
use crate::transport::Stage;

/// What a blocking connect waits longer than the engine's own deadline.
const SLACK: Duration = Duration::from_secs(5);

pub unsafe fn connect(handle: MQTTClient, options: *mut MQTTClient_connectOptions) -> c_int {
    // SAFETY: as documented.
    let result = unsafe { connect_all(handle, options, false, std::ptr::null(), std::ptr::null()) };
    code(result.map(|_| ()))
}

pub unsafe fn connect5(
    handle: MQTTClient,
    options: *mut MQTTClient_connectOptions,
    connect_properties: *mut MQTTProperties,
    will_properties: *mut MQTTProperties,
) -> MQTTResponse {
    // SAFETY: as documented.
    match unsafe { connect_all(handle, options, true, connect_properties, will_properties) } {
        Ok(connected) => {
            let mut response = response(connected.reason.into());
            response.properties = response_properties(connected.properties.as_ref());
            response
        }
        Err(code) => response(code),
    }
}

unsafe fn connect_all(
    handle: MQTTClient,
    options: *mut MQTTClient_connectOptions,
    v5: bool,
    connect_properties: *const MQTTProperties,
    will_properties: *const MQTTProperties,
) -> Result<Connected, Code> {
    last_error::clear();
    // The original reports a handle that is none as a missing parameter here.
    let Some(client) = super::find(handle) else {
        let code = last_error::note(
            MQTTCLIENT_NULL_PARAMETER,
            "the handle is not one of a client",
        );
        return Err(refused_without_client::<ClientHost>(code));
    };
    // SAFETY: as documented.
    let begun = unsafe { begin(&client, options, v5, connect_properties, will_properties) };
    let (answer, patience) = begun.inspect_err(|code| refused(client.as_ref(), *code))?;
    match client.wait_for_answer(&answer, patience) {
        Ok(Ok(connected)) => {
            // SAFETY: as documented.
            unsafe { tell_returned(&client, options, &connected) };
            Ok(*connected)
        }
        // The engine has noted why it failed, in more detail than the code has.
        Ok(Err(failure)) => {
            let code = match (failure.refused, failure.stage) {
                (Some(code), _) => code.into(),
                (None, Some(Stage::NotSupported)) => MQTTCLIENT_SSL_NOT_SUPPORTED,
                (None, _) => MQTTCLIENT_FAILURE,
            };
            let code = last_error::note(code, &failure.message);
            match client.last_error() {
                Some((_, error)) if error.trouble == Trouble::Connect => {
                    last_error::with_numbers(code, error.numbers());
                }
                _ => {}
            }
            Err(refused_without_client::<ClientHost>(code))
        }
        Err(error) => {
            let code = last_error::fail(MQTTCLIENT_FAILURE, error);
            refused(client.as_ref(), code);
            Err(code)
        }
    }
}

/// Checks what the program passes and begins to connect. Returns where the outcome comes, and when it must have come.
unsafe fn begin(
    client: &InCall,
    options: *const MQTTClient_connectOptions,
    v5: bool,
    connect_properties: *const MQTTProperties,
    will_properties: *const MQTTProperties,
) -> Result<(Arc<Answer<ConnectResult>>, Duration), Code> {
    check_version(client, v5)?;
    // SAFETY: as documented.
    let own = unsafe { read_options(client, options, connect_properties, will_properties)? };
    let attempts = own.server_uris.len().max(1) * 2;
    let patience = own
        .connect_timeout
        .saturating_mul(u32::try_from(attempts).unwrap_or(u32::MAX))
        .saturating_add(SLACK);
    if client.is_connected() {
        // Before the connection that there is ends for it; to connect checks by itself.
        client
            .check_connect(&own)
            .map_err(|error| super::error(&error))?;
        // The original connects anew, with the new options. So do we, but take leave of the server first, lest it publish
        // the will of a client that is well.
        let _ = client.disconnect_and_wait(Duration::ZERO, 0, Properties::new());
    }
    let answer = Answer::new();
    client
        .connect(own, Op::Connect(Arc::clone(&answer)))
        .map_err(|error| super::error(&error))?;
    Ok((answer, patience))
}

/// Refuses a MQTT 5 function for a client of an older version, and the other way round.
pub(super) fn check_version(client: &SyncClient, v5: bool) -> Result<(), Code> {
    let why = match (client.setup().create.v5, v5) {
        (true, false) => "the client was created for MQTT 5, whose functions end in 5",
        (false, true) => "functions that end in 5 are for clients created with MQTT 5",
        _ => return Ok(()),
    };
    Err(last_error::fail(MQTTCLIENT_WRONG_MQTT_VERSION, why))
}

/// Fills the part of the options that tells what was connected to, in a version that has it. The string belongs to the
/// client.
unsafe fn tell_returned(
    client: &SyncClient,
    options: *mut MQTTClient_connectOptions,
    connected: &Connected,
) {
    let uri = CString::new(connect::reported_uri(&connected.server_uri)).unwrap_or_default();
    let mut kept = client.host().server_uri.lock();
    *kept = uri;
    // SAFETY: not NULL, it was read before; written only in a version that has it.
    unsafe {
        if (*options).struct_version >= 4 {
            (*options).returned = MQTTClient_returned {
                serverURI: kept.as_ptr(),
                MQTTVersion: connected.version as c_int,
                sessionPresent: c_int::from(connected.session_present),
            };
        }
    }
}

unsafe fn read_options(
    client: &SyncClient,
    options: *const MQTTClient_connectOptions,
    connect_properties: *const MQTTProperties,
    will_properties: *const MQTTProperties,
) -> Result<ConnectOptions, Code> {
    let setup = client.setup();
    // SAFETY: as documented.
    let options =
        unsafe { Versioned::check(options, "options", b"MQTC", connect::OPTIONS_VERSION)? };
    let members = Members::from(options);
    let security = members.security(&setup.server_uri)?;
    let version = members.version().unwrap_or(if setup.create.v5 {
        MQTTVERSION_5
    } else {
        MQTTVERSION_DEFAULT
    });
    let choice = connect::version(version, MQTTCLIENT_BAD_MQTT_VERSION)?;
    let v5 = version == MQTTVERSION_5;
    let clean = members.clean(v5)?;
    if v5 != setup.create.v5 {
        let why = format!("MQTTVersion is {version}, and the client was created for another");
        return Err(last_error::fail(MQTTCLIENT_WRONG_MQTT_VERSION, why));
    }
    // SAFETY: as documented.
    let will_properties = unsafe { read::properties(will_properties, PropertyContext::Will)? };
    if members.server_uri_count() < 0 {
        let why = format!("serverURIcount is {}", members.server_uri_count());
        return Err(last_error::fail(MQTTCLIENT_FAILURE, why));
    }
    // SAFETY: as documented.
    let properties = unsafe { read::properties(connect_properties, PropertyContext::Connect)? };
    let max = field!(options.maxInflightMessages since 6 else -1);
    members.options(
        security,
        Particulars {
            version: choice,
            clean,
            // The newer option, where it is set, replaces the older one.
            max_inflight: if max > 0 {
                connect::max_inflight(max)
            } else if field!(options.reliable) != 0 {
                1
            } else {
                MAX_INFLIGHT
            },
            reconnect: None,
            properties,
            will_properties,
        },
    )
}

/// Messages in flight without `reliable`, as in the original.
const MAX_INFLIGHT: u32 = 10;

pub unsafe fn disconnect(handle: MQTTClient, timeout: c_int) -> c_int {
    // SAFETY: as documented.
    unsafe { disconnect5(handle, timeout, 0, std::ptr::null_mut()) }
}

pub unsafe fn disconnect5(
    handle: MQTTClient,
    timeout: c_int,
    reason: MQTTReasonCodes,
    props: *mut MQTTProperties,
) -> c_int {
    code(in_call(handle, |client| {
        let timeout = Duration::from_millis(u64::try_from(timeout).unwrap_or(0));
        let reason = connect::reason(reason)?;
        // SAFETY: as documented.
        let properties = unsafe { read::properties(props, PropertyContext::Disconnect)? };
        match client.disconnect_and_wait(timeout, reason, properties) {
            // Not to be connected is what was asked for.
            Ok(()) | Err(crate::engine::Error::Disconnected) => Ok(()),
            Err(error) => Err(super::error(&error)),
        }
    }))
}

pub unsafe fn is_connected(handle: MQTTClient) -> c_int {
    super::find(handle).map_or(0, |client| c_int::from(client.is_connected()))
}
