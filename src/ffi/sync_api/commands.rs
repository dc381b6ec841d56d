//! Publish, subscribe, unsubscribe, receive, and what is pending.

use std::sync::Arc;

use libc::{c_char, c_int, c_ulong, c_void};

use super::connect::check_version;
use super::host::Op;
use super::{InCall, SyncClient, in_call, in_call_after, milliseconds, response, response_codes};
use crate::engine::{Answer, Error, Subscription};
use crate::ffi::in_call::code;
use crate::ffi::last_error;
use crate::ffi::read::message::Contents;
use crate::ffi::read::subscription::{self, FilterOptions};
use crate::ffi::read::{self, Code};
use crate::ffi::tokens;
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::client_types::*;
use crate::ffi::types::property_types::MQTTProperties;
use crate::ffi::types::subscribe_types::MQTTSubscribe_options;
use crate::protocol::property::{Context as PropertyContext, Properties, PropertiesRef};
use crate::protocol::session::Outcome;

/// Runs what a call does that is not for a MQTT 5 client, which has functions of its own. The original checks it in these
/// only.
fn in_call_of_v3<T>(
    handle: MQTTClient,
    call: impl FnOnce(&InCall) -> Result<T, Code>,
) -> Result<T, Code> {
    in_call(handle, |client| {
        check_version(client, false)?;
        call(client)
    })
}

/// Returns an error if there is no connection.
fn check_connected(client: &SyncClient) -> Result<(), Code> {
    if client.is_connected() {
        Ok(())
    } else {
        Err(super::error(&Error::Disconnected))
    }
}

unsafe fn publish_contents(
    client: &SyncClient,
    topic: *const c_char,
    contents: &Contents,
    token: *mut MQTTClient_deliveryToken,
) -> Result<(), Code> {
    check_connected(client)?;
    // SAFETY: as documented.
    let (message, properties) = unsafe {
        (
            contents.check(topic, MQTTCLIENT_FAILURE)?,
            contents.properties(client.setup().create.v5)?,
        )
    };
    let id = client
        .publish(&message.publish(properties.as_ref()), Op::Publish)
        .map_err(|error| super::error(&error))?;
    // A QoS 0 message has no token: the original leaves the program's variable alone.
    if id != 0 && !token.is_null() {
        // SAFETY: not NULL; the program's variable.
        unsafe { *token = id.into() };
    }
    Ok(())
}

pub unsafe fn publish(
    handle: MQTTClient,
    topic_name: *const c_char,
    payloadlen: c_int,
    payload: *const c_void,
    qos: c_int,
    retained: c_int,
    dt: *mut MQTTClient_deliveryToken,
) -> c_int {
    let contents = Contents {
        payload,
        payloadlen,
        qos,
        retained,
        properties: std::ptr::null(),
    };
    code(in_call_of_v3(handle, |client| {
        // SAFETY: as documented.
        unsafe { publish_contents(client, topic_name, &contents, dt) }
    }))
}

#[allow(clippy::too_many_arguments)] // the C function's
pub unsafe fn publish5(
    handle: MQTTClient,
    topic_name: *const c_char,
    payloadlen: c_int,
    payload: *const c_void,
    qos: c_int,
    retained: c_int,
    properties: *mut MQTTProperties,
    dt: *mut MQTTClient_deliveryToken,
) -> MQTTResponse {
    let contents = Contents {
        payload,
        payloadlen,
        qos,
        retained,
        properties,
    };
    response(code(in_call(handle, |client| {
        // SAFETY: as documented.
        unsafe { publish_contents(client, topic_name, &contents, dt) }
    })))
}

pub unsafe fn publish_message(
    handle: MQTTClient,
    topic_name: *const c_char,
    msg: *mut MQTTClient_message,
    dt: *mut MQTTClient_deliveryToken,
) -> c_int {
    code(in_call_of_v3(handle, |client| {
        // SAFETY: as documented.
        unsafe { publish_contents(client, topic_name, &Contents::of(msg)?, dt) }
    }))
}

pub unsafe fn publish_message5(
    handle: MQTTClient,
    topic_name: *const c_char,
    msg: *mut MQTTClient_message,
    dt: *mut MQTTClient_deliveryToken,
) -> MQTTResponse {
    response(code(in_call(handle, |client| {
        // SAFETY: as documented.
        unsafe { publish_contents(client, topic_name, &Contents::of(msg)?, dt) }
    })))
}

/// Sends the change and waits for its acknowledgement: codes and properties.
fn change(
    client: &SyncClient,
    change: &Subscription<'_>,
    properties: PropertiesRef<'_>,
) -> Result<(Vec<u8>, Properties), Code> {
    let answer = Answer::new();
    client
        .change_subscription(change, properties, Op::Command(Arc::clone(&answer)))
        .map_err(|error| super::error(&error))?;
    match client.wait_for_answer(&answer, client.host().command_timeout()) {
        Ok(
            Outcome::Subscribed { codes, properties } | Outcome::Unsubscribed { codes, properties },
        ) => Ok((codes, properties)),
        Ok(_) => Err(last_error::fail(
            MQTTCLIENT_FAILURE,
            "the connection ended before the server answered",
        )),
        Err(error) => Err(last_error::fail(MQTTCLIENT_FAILURE, error)),
    }
}

unsafe fn subscribe_to(
    client: &SyncClient,
    count: c_int,
    topics: *const *mut c_char,
    qos: *const c_int,
    options: FilterOptions,
    properties: *const MQTTProperties,
) -> Result<(Vec<u8>, Properties), Code> {
    check_connected(client)?;
    // SAFETY: as documented; arrays of `count` entries.
    unsafe {
        let topics = subscription::topics(count, topics)?;
        if qos.is_null() {
            return Err(read::null("qos"));
        }
        let filters = subscription::filters(&topics, qos, options)?;
        let properties = if client.setup().create.v5 {
            read::properties(properties, PropertyContext::Subscribe)?
        } else {
            Properties::new()
        };
        change(
            client,
            &Subscription::Subscribe(&filters),
            properties.as_ref(),
        )
    }
}

pub unsafe fn subscribe(handle: MQTTClient, topic: *const c_char, qos: c_int) -> c_int {
    let topics = [topic.cast_mut()];
    let result = in_call_of_v3(handle, |client| {
        // SAFETY: as documented.
        unsafe {
            subscribe_to(
                client,
                1,
                topics.as_ptr(),
                &raw const qos,
                FilterOptions::None,
                std::ptr::null(),
            )
        }
    });
    match result {
        // The one failure code of 3.1.1.
        Ok((codes, _)) if codes == [0x80] => 0x80,
        Ok(_) => MQTTCLIENT_SUCCESS,
        Err(code) => code,
    }
}

/// Writes what the server granted in place of what was asked for, for clients below MQTT 5.
///
/// # Safety
/// `qos` has room for all codes.
unsafe fn granted(qos: *mut c_int, codes: &[u8]) {
    for (i, code) in codes.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { *qos.add(i) = (*code).into() };
    }
}

pub unsafe fn subscribe_many(
    handle: MQTTClient,
    count: c_int,
    topic: *const *mut c_char,
    qos: *mut c_int,
) -> c_int {
    code(in_call_of_v3(handle, |client| {
        // SAFETY: as documented; the array has room for the codes, in place of what was asked for.
        unsafe {
            let (codes, _) = subscribe_to(
                client,
                count,
                topic,
                qos,
                FilterOptions::None,
                std::ptr::null(),
            )?;
            granted(qos, &codes);
        }
        Ok(())
    }))
}

pub unsafe fn subscribe5(
    handle: MQTTClient,
    topic: *const c_char,
    qos: c_int,
    opts: *mut MQTTSubscribe_options,
    props: *mut MQTTProperties,
) -> MQTTResponse {
    let topics = [topic.cast_mut()];
    let mut qos = qos;
    // SAFETY: as documented.
    let mut response =
        unsafe { subscribe_many5(handle, 1, topics.as_ptr(), &raw mut qos, opts, props) };
    // Only a client below MQTT 5 has its code here, and only this function tells a refusal, as in the original.
    if response.reasonCode == MQTTCLIENT_SUCCESS && qos == 0x80 {
        response.reasonCode = 0x80;
    }
    response
}

pub unsafe fn subscribe_many5(
    handle: MQTTClient,
    count: c_int,
    topic: *const *mut c_char,
    qos: *mut c_int,
    opts: *mut MQTTSubscribe_options,
    props: *mut MQTTProperties,
) -> MQTTResponse {
    let result = in_call(handle, |client| {
        let options = if opts.is_null() {
            FilterOptions::None
        } else {
            FilterOptions::Each(opts)
        };
        // SAFETY: as documented.
        let (codes, properties) =
            unsafe { subscribe_to(client, count, topic, qos, options, props)? };
        if client.setup().create.v5 {
            return Ok(response_codes(&codes, &properties));
        }
        // SAFETY: as documented; the array has room for the codes, in place of what was asked for.
        unsafe { granted(qos, &codes) };
        Ok(response(MQTTCLIENT_SUCCESS))
    });
    result.unwrap_or_else(response)
}

unsafe fn unsubscribe_from(
    client: &SyncClient,
    count: c_int,
    topics: *const *mut c_char,
    properties: *const MQTTProperties,
) -> Result<(Vec<u8>, Properties), Code> {
    check_connected(client)?;
    // SAFETY: as documented.
    unsafe {
        let topics = subscription::topics(count, topics)?;
        let properties = if client.setup().create.v5 {
            read::properties(properties, PropertyContext::Unsubscribe)?
        } else {
            Properties::new()
        };
        change(
            client,
            &Subscription::Unsubscribe(&topics),
            properties.as_ref(),
        )
    }
}

pub unsafe fn unsubscribe(handle: MQTTClient, topic: *const c_char) -> c_int {
    // SAFETY: as documented.
    unsafe { unsubscribe5(handle, topic, std::ptr::null_mut()).reasonCode }
}

pub unsafe fn unsubscribe5(
    handle: MQTTClient,
    topic: *const c_char,
    props: *mut MQTTProperties,
) -> MQTTResponse {
    let topics = [topic.cast_mut()];
    // SAFETY: as documented.
    unsafe { unsubscribe_many5(handle, 1, topics.as_ptr(), props) }
}

pub unsafe fn unsubscribe_many(
    handle: MQTTClient,
    count: c_int,
    topic: *const *mut c_char,
) -> c_int {
    code(in_call_of_v3(handle, |client| {
        // SAFETY: as documented.
        unsafe { unsubscribe_from(client, count, topic, std::ptr::null()) }.map(|_| ())
    }))
}

pub unsafe fn unsubscribe_many5(
    handle: MQTTClient,
    count: c_int,
    topic: *const *mut c_char,
    props: *mut MQTTProperties,
) -> MQTTResponse {
    let result = in_call(handle, |client| {
        // SAFETY: as documented.
        let (codes, properties) = unsafe { unsubscribe_from(client, count, topic, props)? };
        Ok(response_codes(&codes, &properties))
    });
    result.unwrap_or_else(response)
}

pub unsafe fn wait_for_completion(
    handle: MQTTClient,
    dt: MQTTClient_deliveryToken,
    timeout: c_ulong,
) -> c_int {
    code(in_call(handle, |client| {
        client
            .wait_for_token(dt, milliseconds(timeout))
            .map_err(|error| super::error(&error))
    }))
}

pub unsafe fn get_pending_delivery_tokens(
    handle: MQTTClient,
    tokens: *mut *mut MQTTClient_deliveryToken,
) -> c_int {
    // SAFETY: NULL, or the program's variable.
    let mut tokens = unsafe { tokens.as_mut() };
    if let Some(tokens) = &mut tokens {
        **tokens = std::ptr::null_mut();
    }
    code(in_call(handle, |client| match tokens {
        Some(tokens) => {
            *tokens = tokens::to_c(&client.pending_tokens(false));
            Ok(())
        }
        None => Err(last_error::fail(MQTTCLIENT_FAILURE, "tokens is NULL")),
    }))
}

pub unsafe fn receive(
    handle: MQTTClient,
    topic_name: *mut *mut c_char,
    topic_len: *mut c_int,
    message: *mut *mut MQTTClient_message,
    timeout: c_ulong,
) -> c_int {
    let checked = || {
        if topic_name.is_null() || message.is_null() {
            return Err(last_error::fail(
                MQTTCLIENT_FAILURE,
                "topicName or message is NULL",
            ));
        }
        // SAFETY: not NULL.
        unsafe {
            *topic_name = std::ptr::null_mut();
            *message = std::ptr::null_mut();
        }
        Ok(())
    };
    code(in_call_after(checked, handle, |client, ()| {
        let received = client
            .receive(milliseconds(timeout))
            .map_err(|error| super::error(&error))?;
        if let Some(received) = received {
            let (topic, len, contents) = received.into_parts();
            // SAFETY: not NULL, but for the length, which a program may do without.
            unsafe {
                *topic_name = topic;
                if !topic_len.is_null() {
                    *topic_len = len;
                }
                *message = contents;
            }
        }
        Ok(())
    }))
}
