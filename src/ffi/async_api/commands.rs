//! Publish, subscribe, unsubscribe, and what is pending.

use libc::{c_char, c_int, c_ulong, c_void};

use super::op::{Kind, Op};
use crate::engine::{Error, Subscription};
use crate::ffi::in_call::code;
use crate::ffi::last_error;
use crate::ffi::read::message::Contents;
use crate::ffi::read::subscription::{self, FilterOptions};
use crate::ffi::read::{self, Code, Context};
use crate::ffi::tokens;
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::async_types::*;
use crate::protocol::property::{Context as PropertyContext, Properties, PropertiesRef};

/// Reads what a response structure asks for.
///
/// # Safety
/// NULL or a response as documented.
unsafe fn op(
    client: &super::AsyncClient,
    kind: Kind,
    response: *const MQTTAsync_responseOptions,
) -> Result<Op, Code> {
    let mut op = Op::silent(kind);
    if response.is_null() {
        return Ok(op);
    }
    // SAFETY: not NULL; only a version 1 has the members of MQTT 5.
    unsafe {
        if client.is_v5() && (*response).struct_version < 1 {
            return Err(last_error::fail(
                MQTTASYNC_BAD_MQTT_OPTION,
                "the response options' struct_version is 0, which has nothing of MQTT 5",
            ));
        }
        op.has_token = true;
        op.context = Context((*response).context);
        op.on_success = (*response).onSuccess;
        op.on_failure = (*response).onFailure;
        if (*response).struct_version >= 1 {
            op.on_success5 = (*response).onSuccess5;
            op.on_failure5 = (*response).onFailure5;
        }
    }
    check_callbacks(&op, client.is_v5())?;
    Ok(op)
}

/// Refuses the callbacks of one MQTT version for the other.
fn check_callbacks(op: &Op, v5: bool) -> Result<(), Code> {
    let of_v3 = op.on_success.is_some() || op.on_failure.is_some();
    let why = if v5 && of_v3 {
        "onSuccess and onFailure are not of MQTT 5, which has onSuccess5 and onFailure5"
    } else if !v5 && op.has_callbacks5() {
        "onSuccess5 and onFailure5 are of MQTT 5 only"
    } else {
        return Ok(());
    };
    Err(last_error::fail(MQTTASYNC_BAD_MQTT_OPTION, why))
}

/// Reads the properties of a response structure.
///
/// # Safety
/// NULL or a response as documented.
unsafe fn response_properties(
    response: *const MQTTAsync_responseOptions,
    v5: bool,
    context: PropertyContext,
) -> Result<Properties, Code> {
    // SAFETY: not NULL; read only in a version that has it.
    unsafe {
        if !v5 || response.is_null() || (*response).struct_version < 1 {
            return Ok(Properties::new());
        }
        read::properties(&raw const (*response).properties, context)
    }
}

/// Tells the program the operation's token.
///
/// # Safety
/// NULL or a response as documented.
unsafe fn set_token(response: *mut MQTTAsync_responseOptions, token: MQTTAsync_token) {
    if !response.is_null() {
        // SAFETY: not NULL.
        unsafe { (*response).token = token };
    }
}

pub unsafe fn send(
    handle: MQTTAsync,
    destination_name: *const c_char,
    payloadlen: c_int,
    payload: *const c_void,
    qos: c_int,
    retained: c_int,
    response: *mut MQTTAsync_responseOptions,
) -> c_int {
    let contents = Contents {
        payload,
        payloadlen,
        qos,
        retained,
        properties: std::ptr::null(),
    };
    code(super::in_call(handle, |client| {
        // SAFETY: as documented.
        unsafe { publish(client, destination_name, &contents, response) }
    }))
}

pub unsafe fn send_message(
    handle: MQTTAsync,
    destination_name: *const c_char,
    msg: *const MQTTAsync_message,
    response: *mut MQTTAsync_responseOptions,
) -> c_int {
    // SAFETY: as documented.
    let contents = || unsafe { Contents::of(msg) };
    code(super::in_call_after(
        contents,
        handle,
        |client, contents| {
            // SAFETY: as documented.
            unsafe { publish(client, destination_name, &contents, response) }
        },
    ))
}

unsafe fn publish(
    client: &super::AsyncClient,
    destination_name: *const c_char,
    contents: &Contents,
    response: *mut MQTTAsync_responseOptions,
) -> Result<(), Code> {
    let v5 = client.is_v5();
    // SAFETY: as documented.
    unsafe {
        let message = contents.check(destination_name, MQTTASYNC_NULL_PARAMETER)?;
        let op = op(client, Kind::Publish(message.qos), response)?;
        // A message given as a structure has its own, and as in the original those of the options are not for it.
        let properties = if contents.has_properties() {
            contents.properties(v5)?
        } else {
            response_properties(response, v5, PropertyContext::Publish)?
        };
        let token = client
            .send(&message.publish(properties.as_ref()), op)
            .map_err(|error| super::error(&error))?;
        set_token(response, token);
    }
    Ok(())
}

pub unsafe fn subscribe(
    handle: MQTTAsync,
    topic: *const c_char,
    qos: c_int,
    response: *mut MQTTAsync_responseOptions,
) -> c_int {
    let topics = [topic.cast_mut()];
    // SAFETY: as documented.
    unsafe { subscribe_many(handle, 1, topics.as_ptr(), &raw const qos, response) }
}

pub unsafe fn subscribe_many(
    handle: MQTTAsync,
    count: c_int,
    topic: *const *mut c_char,
    qos: *const c_int,
    response: *mut MQTTAsync_responseOptions,
) -> c_int {
    code(super::in_call(handle, |client| {
        // SAFETY: as documented.
        unsafe { subscribe_to(client, count, topic, qos, response) }
    }))
}

/// Returns an error if there is no connection, which a change of subscriptions needs.
fn check_connected(client: &super::AsyncClient) -> Result<(), Code> {
    if client.is_connected() {
        Ok(())
    } else {
        Err(super::error(&Error::Disconnected))
    }
}

unsafe fn subscribe_to(
    client: &super::AsyncClient,
    count: c_int,
    topics: *const *mut c_char,
    qos: *const c_int,
    response: *mut MQTTAsync_responseOptions,
) -> Result<(), Code> {
    check_connected(client)?;
    let v5 = client.is_v5();
    // SAFETY: as documented; arrays of `count` entries.
    unsafe {
        let topics = subscription::topics(count, topics)?;
        if qos.is_null() {
            return Err(read::null("qos"));
        }
        let op = op(
            client,
            Kind::Subscribe {
                filters: topics.len(),
            },
            response,
        )?;
        let mut options = FilterOptions::None;
        if v5 && !response.is_null() && (*response).struct_version >= 1 {
            let list = (*response).subscribeOptionsList;
            let given = (*response).subscribeOptionsCount;
            if given != 0 && given != count {
                let why = format!("subscribeOptionsCount is {given}, and count {count}");
                return Err(last_error::fail(MQTTASYNC_BAD_MQTT_OPTION, why));
            }
            options = if given > 0 && !list.is_null() {
                FilterOptions::Each(list)
            } else {
                FilterOptions::Shared(&raw const (*response).subscribeOptions)
            };
        }
        let filters = subscription::filters(&topics, qos, options)?;
        let properties = response_properties(response, v5, PropertyContext::Subscribe)?;
        change(
            client,
            &Subscription::Subscribe(&filters),
            properties.as_ref(),
            op,
            response,
        )
    }
}

unsafe fn change(
    client: &super::AsyncClient,
    change: &Subscription<'_>,
    properties: PropertiesRef<'_>,
    op: Op,
    response: *mut MQTTAsync_responseOptions,
) -> Result<(), Code> {
    let token = client
        .change_subscription(change, properties, op)
        .map_err(|error| super::error(&error))?;
    // SAFETY: as documented.
    unsafe { set_token(response, token) };
    Ok(())
}

pub unsafe fn unsubscribe(
    handle: MQTTAsync,
    topic: *const c_char,
    response: *mut MQTTAsync_responseOptions,
) -> c_int {
    let topics = [topic.cast_mut()];
    // SAFETY: as documented.
    unsafe { unsubscribe_many(handle, 1, topics.as_ptr(), response) }
}

pub unsafe fn unsubscribe_many(
    handle: MQTTAsync,
    count: c_int,
    topic: *const *mut c_char,
    response: *mut MQTTAsync_responseOptions,
) -> c_int {
    code(super::in_call(handle, |client| {
        check_connected(client)?;
        let v5 = client.is_v5();
        // SAFETY: as documented.
        unsafe {
            let topics = subscription::topics(count, topic)?;
            let op = op(client, Kind::Unsubscribe, response)?;
            let properties = response_properties(response, v5, PropertyContext::Unsubscribe)?;
            change(
                client,
                &Subscription::Unsubscribe(&topics),
                properties.as_ref(),
                op,
                response,
            )
        }
    }))
}

pub unsafe fn get_pending_tokens(handle: MQTTAsync, tokens: *mut *mut MQTTAsync_token) -> c_int {
    // SAFETY: NULL, or the program's variable.
    let mut tokens = unsafe { tokens.as_mut() };
    if let Some(tokens) = &mut tokens {
        **tokens = std::ptr::null_mut();
    }
    code(super::in_call(handle, |client| match tokens {
        Some(tokens) => {
            *tokens = tokens::to_c(&client.pending_tokens(true));
            Ok(())
        }
        None => Err(last_error::fail(MQTTASYNC_FAILURE, "tokens is NULL")),
    }))
}

pub unsafe fn is_complete(handle: MQTTAsync, token: MQTTAsync_token) -> c_int {
    let is_complete = super::in_call(handle, |client| Ok(!client.is_pending(token)));
    is_complete.map_or_else(|code| code, c_int::from)
}

pub unsafe fn wait_for_completion(
    handle: MQTTAsync,
    token: MQTTAsync_token,
    timeout: c_ulong,
) -> c_int {
    code(super::in_call(handle, |client| {
        client
            .wait_for_token(token, super::milliseconds(timeout))
            .map_err(|error| super::error(&error))
    }))
}
