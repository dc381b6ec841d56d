//! Connecting and disconnecting, waiting for the result.

use std::ffi::CString;
use std::time::Duration;

use libc::c_int;

use super::host::Op;
use super::{SyncClient, of, response, response_properties};
use crate::engine::{Answer, Connected};
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
    super::code(result.map(|_| ()))
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
    // The original reports a handle that is none as a missing parameter here.
    let client = of(handle).map_err(|_| MQTTCLIENT_NULL_PARAMETER)?;
    if client.setup().create.v5 != v5 {
        return Err(MQTTCLIENT_WRONG_MQTT_VERSION);
    }
    // SAFETY: as documented.
    let own = unsafe { read_options(&client, options, connect_properties, will_properties)? };
    let attempts = own.server_uris.len().max(1) * 2;
    let patience = own
        .connect_timeout
        .saturating_mul(u32::try_from(attempts).unwrap_or(u32::MAX))
        .saturating_add(SLACK);
    if client.is_connected() {
        // The original connects anew, with the new options. So do we, but take leave of the server first, lest it publish
        // the will of a client that is well.
        let _ = client.disconnect_and_wait(Duration::ZERO, 0, Properties::new());
    }
    let answer = Answer::new();
    client
        .connect(own, Op::Connect(std::sync::Arc::clone(&answer)))
        .map_err(|error| super::error(&error))?;
    match client.wait_for_answer(&answer, patience) {
        Ok(Ok(connected)) => {
            // SAFETY: as documented.
            unsafe { tell_returned(&client, options, &connected) };
            Ok(*connected)
        }
        Ok(Err(failure)) => {
            let code = match (failure.refused, failure.stage) {
                (Some(code), _) => code.into(),
                (None, Some(Stage::NotSupported)) => MQTTCLIENT_SSL_NOT_SUPPORTED,
                (None, _) => MQTTCLIENT_FAILURE,
            };
            Err(last_error::note(code, &failure.message))
        }
        Err(_) => Err(MQTTCLIENT_FAILURE),
    }
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
    let options = unsafe { Versioned::check(options, b"MQTC", connect::OPTIONS_VERSION)? };
    let members = Members::from(options);
    let security = members.security(&setup.server_uri)?;
    let version = members.version().unwrap_or(if setup.create.v5 {
        MQTTVERSION_5
    } else {
        MQTTVERSION_DEFAULT
    });
    let choice = connect::version(version).ok_or(MQTTCLIENT_BAD_MQTT_VERSION)?;
    let v5 = version == MQTTVERSION_5;
    let clean = members.clean(v5)?;
    if v5 != setup.create.v5 {
        return Err(MQTTCLIENT_WRONG_MQTT_VERSION);
    }
    // SAFETY: as documented.
    let will_properties = unsafe { read::properties(will_properties, PropertyContext::Will)? };
    if members.server_uri_count() < 0 {
        return Err(MQTTCLIENT_FAILURE);
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
    super::code(of(handle).and_then(|client| {
        let timeout = Duration::from_millis(u64::try_from(timeout).unwrap_or(0));
        let reason = u8::try_from(reason).map_err(|_| MQTTCLIENT_BAD_MQTT_OPTION)?;
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
    of(handle).map_or(0, |client| c_int::from(client.is_connected()))
}
