//! Connecting and disconnecting.

use std::ptr;
use std::time::Duration;

use libc::c_int;

use super::op::{Kind, Op};
use crate::ffi::in_call::code;
use crate::ffi::last_error;
use crate::ffi::read::connect::{self, Members, Particulars};
use crate::ffi::read::versioned::{Versioned, field};
use crate::ffi::read::{self, Code, Context};
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::async_types::*;
use crate::ffi::types::shared_types::{MQTTVERSION_5, MQTTVERSION_DEFAULT};
use crate::options::{ConnectOptions, ReconnectOptions};
use crate::protocol::property::{Context as PropertyContext, Properties};

pub unsafe fn connect(handle: MQTTAsync, options: *const MQTTAsync_connectOptions) -> c_int {
    code(super::in_call(handle, |client| {
        // SAFETY: as documented.
        let (options, op) = unsafe { read(client, options) }?;
        client
            .connect(options, op)
            .map_err(|error| super::error(&error))
    }))
}

unsafe fn read(
    client: &super::AsyncClient,
    options: *const MQTTAsync_connectOptions,
) -> Result<(ConnectOptions, Op), Code> {
    let setup = client.setup();
    // SAFETY: as documented.
    let options =
        unsafe { Versioned::check(options, "options", b"MQTC", connect::OPTIONS_VERSION)? };
    let members = Members::from(options);
    let security = members.security(&setup.server_uri)?;
    let version = members.version().unwrap_or(MQTTVERSION_DEFAULT);
    let v5 = version == MQTTVERSION_5;
    // So does the original with every number from 5 on.
    if version >= MQTTVERSION_5 && !setup.create.v5 {
        let why =
            format!("MQTTVersion is {version}, for which createWithOptions has to make the client");
        return Err(last_error::fail(MQTTASYNC_WRONG_MQTT_VERSION, why));
    }
    if v5 && options.version() < 6 {
        let why = format!(
            "options.struct_version is {}, and MQTT 5 needs at least 6",
            options.version()
        );
        return Err(last_error::fail(MQTTASYNC_BAD_STRUCTURE, why));
    }
    // A client created for MQTT 5 may well connect with an older version.
    let choice = connect::version(version, MQTTASYNC_BAD_MQTT_OPTION)?;
    let clean = members.clean(v5)?;
    let op = Op {
        context: Context(field!(options.context)),
        on_success: field!(options.onSuccess),
        on_failure: field!(options.onFailure),
        on_success5: field!(options.onSuccess5 since 6 else None),
        on_failure5: field!(options.onFailure5 since 6 else None),
        ..Op::silent(Kind::Connect)
    };
    let list = field!(options.connectProperties since 6 else ptr::null_mut());
    let will_list = field!(options.willProperties since 6 else ptr::null_mut());
    let given = !list.is_null() || !will_list.is_null();
    if given && !v5 {
        let why = "connectProperties and willProperties are of MQTT 5 only";
        return Err(last_error::fail(MQTTASYNC_BAD_MQTT_OPTION, why));
    }
    // SAFETY: as documented.
    let (properties, will_properties) = unsafe {
        (
            read::properties(list, PropertyContext::Connect)?,
            read::properties(will_list, PropertyContext::Will)?,
        )
    };
    // Unlike other calls this one takes the plain callbacks with MQTT 5 too.
    if op.has_callbacks5() && !v5 {
        let why = "onSuccess5 and onFailure5 are of MQTT 5 only";
        return Err(last_error::fail(MQTTASYNC_BAD_MQTT_OPTION, why));
    }
    let interval = |seconds| read::seconds(seconds).max(Duration::from_secs(1));
    let reconnect = field!(options.automaticReconnect since 4 else 0) != 0;
    let own = Particulars {
        version: choice,
        clean,
        max_inflight: connect::max_inflight(field!(options.maxInflight)),
        reconnect: reconnect.then(|| ReconnectOptions {
            min: interval(field!(options.minRetryInterval)),
            max: interval(field!(options.maxRetryInterval)),
        }),
        properties,
        will_properties,
    };
    Ok((members.options(security, own)?, op))
}

pub unsafe fn reconnect(handle: MQTTAsync) -> c_int {
    code(super::in_call(handle, |client| {
        client
            .reconnect(Op::silent(Kind::Connect))
            .map_err(|error| super::error(&error))
    }))
}

pub unsafe fn disconnect(handle: MQTTAsync, options: *const MQTTAsync_disconnectOptions) -> c_int {
    code(super::in_call(handle, |client| {
        let mut op = Op::silent(Kind::Disconnect);
        let (mut timeout, mut reason, mut properties) = (Duration::ZERO, 0, Properties::new());
        if !options.is_null() {
            // SAFETY: as documented.
            let options = unsafe { Versioned::check(options, "options", b"MQTD", 1)? };
            timeout = Duration::from_millis(u64::try_from(field!(options.timeout)).unwrap_or(0));
            op.context = Context(field!(options.context));
            op.on_success = field!(options.onSuccess);
            op.on_failure = field!(options.onFailure);
            if client.is_v5() {
                // Whatever version the struct states, as in the original: its C++ library states 0. A program that made a
                // MQTT 5 client was compiled against a header that has these members.
                op.on_success5 = field!(options.onSuccess5);
                op.on_failure5 = field!(options.onFailure5);
                reason = connect::reason(field!(options.reasonCode since 1 else 0))?;
                let list = field!(&options.properties since 1);
                // SAFETY: as documented.
                properties = unsafe { read::properties(list, PropertyContext::Disconnect)? };
            }
        }
        client
            .disconnect(timeout, reason, properties, Some(op))
            .map_err(|error| super::error(&error))
    }))
}

pub unsafe fn is_connected(handle: MQTTAsync) -> c_int {
    super::find(handle).map_or(0, |client| c_int::from(client.is_connected()))
}
