//! The functions of `paho_oxide.h` for messages, subscriptions and properties: as [`super::paho_oxide`].
#![allow(non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown, clippy::missing_safety_doc)] // the comments are the header's Doxygen manual
#![allow(clippy::too_many_arguments)] // strings have their length beside them, and a struct would have to be made first

use libc::{c_char, c_void};

use crate::ffi::entry::entry;
use crate::ffi::oxide_api::{self, Request};
#[allow(clippy::wildcard_imports)] // this file uses nearly every name there
use crate::ffi::types::oxide_types::*;

/// Publishes a message. Never blocks.
///
/// @param client the client.
/// @param topic topic.
/// @param topic_len its length.
/// @param payload payload.
/// @param payload_len its length.
/// @param props MQTT 5 properties.
/// @param props_len their length.
/// @param flags the QoS, and #MQTTOxide_RETAIN, #MQTTOxide_DUPLICATE, #MQTTOxide_NO_WAIT, #MQTTOxide_LATER. At QoS 0 no packet
/// is a duplicate ([MQTT-3.3.1-2]).
/// @param result receives token, packet identifier and status; or NULL.
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_WOULD_BLOCK: nothing was accepted, and an event ROOM follows.
/// #MQTTOxide_E_DISCONNECTED: there is no connection, and the client or the flags do not let it wait. #MQTTOxide_E_ARGUMENT: a
/// topic, flag or property that no PUBLISH has; properties below MQTT 5. #MQTTOxide_E_NOT_ALLOWED: the server does not take it.
/// #MQTTOxide_E_NO_ID, #MQTTOxide_E_NOT_STORED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_publish(
    client: u64,
    topic: *const c_char,
    topic_len: u32,
    payload: *const c_void,
    payload_len: u32,
    props: *const c_void,
    props_len: u32,
    flags: u32,
    result: *mut MQTTOxide_published,
) -> i32 {
    entry!(untraced hot: MQTTOxide_E_PANIC, oxide_api::publish(
        client,
        oxide_api::message(topic, topic_len, payload, payload_len, props, props_len, flags),
        result,
    ))
}

/// Publishes messages in order, up to the first that is not accepted. An event tells of the end of each, also of those at QoS 0
/// that the call itself writes.
///
/// @param client the client.
/// @param messages the messages.
/// @param n how many.
/// @param accepted receives how many were accepted; or NULL.
/// @param first_token receives the token of the first, 0 where none was accepted; or NULL. Those of the others run on from it,
/// whatever other threads publish meanwhile.
/// @return 0, or a negative MQTTOxide_E_... code. That of the first that was not accepted, as of
/// MQTTOxide_publish(); those before it are accepted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_publishMany(
    client: u64,
    messages: *const MQTTOxide_message,
    n: u32,
    accepted: *mut u32,
    first_token: *mut u64,
) -> i32 {
    entry!(untraced hot: MQTTOxide_E_PANIC, oxide_api::publish_many(client, messages, n, accepted, first_token))
}

/// Takes a publish back that has not been sent. An event FAILED follows.
///
/// @param client the client.
/// @param token its token.
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_NOT_FOUND: it has been sent, or has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_cancel(client: u64, token: u64) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::cancel(client, token))
}

/// Subscribes. An event SUBACK or FAILED follows.
///
/// @param client the client.
/// @param filters the topic filters, as in a packet: see MQTTOxide_putFilter().
/// @param filters_len their length.
/// @param props MQTT 5 properties.
/// @param props_len their length.
/// @param token receives the token; or NULL.
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_DISCONNECTED: there is no connection. #MQTTOxide_E_ARGUMENT: no
/// filter, one that no packet has, options that there are not; properties below MQTT 5. #MQTTOxide_E_NOT_ALLOWED: larger than
/// the server takes. #MQTTOxide_E_NO_ID.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_subscribe(
    client: u64,
    filters: *const c_void,
    filters_len: u32,
    props: *const c_void,
    props_len: u32,
    token: *mut u64,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::subscribe(
        client,
        &Request {
            filters,
            filters_len,
            props,
            props_len,
            token,
        },
    ))
}

/// Unsubscribes. An event UNSUBACK or FAILED follows.
///
/// @param client the client.
/// @param filters the topic filters, as in a packet: see MQTTOxide_putFilter().
/// @param filters_len their length.
/// @param props MQTT 5 properties.
/// @param props_len their length.
/// @param token receives the token; or NULL.
/// @return 0, or a negative MQTTOxide_E_... code, as MQTTOxide_subscribe().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_unsubscribe(
    client: u64,
    filters: *const c_void,
    filters_len: u32,
    props: *const c_void,
    props_len: u32,
    token: *mut u64,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::unsubscribe(
        client,
        &Request {
            filters,
            filters_len,
            props,
            props_len,
            token,
        },
    ))
}

/// Acknowledges messages, in a client that was created with #MQTTOxide_ACK_BY_PROGRAM.
///
/// @param client the client.
/// @param tokens of their events.
/// @param n how many.
/// @param reason reason code, MQTT 5; 0: success.
/// @return how many were acknowledged: messages of an older connection, and those acknowledged before, are passed over. Or a
/// negative MQTTOxide_E_... code; those before the token at fault are acknowledged, then. #MQTTOxide_E_ARGUMENT: a reason code
/// that the acknowledgement cannot have. #MQTTOxide_E_NOT_STORED: the store refused a message of QoS 2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_ack(client: u64, tokens: *const u64, n: u32, reason: u8) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::ack(client, tokens, n, reason))
}

/// Lists the operations that have not ended: those in flight in the order of the last packet that was sent of each, a PUBREL
/// included, then those that wait, in their order.
///
/// @param client the client.
/// @param list receives as many as fit.
/// @param capacity for how many there is room.
/// @return how many there are, or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_inFlight(
    client: u64,
    list: *mut MQTTOxide_operation,
    capacity: u32,
) -> i64 {
    entry!(untraced: MQTTOxide_E_PANIC.into(), oxide_api::in_flight(client, list, capacity))
}

/// Fills in what has happened in a client's life, and what is going on.
///
/// @param client the client.
/// @param counters receives them; its size is set.
/// @return 0, or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_counters(client: u64, counters: *mut MQTTOxide_counters) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::counters(client, counters))
}

/// Appends a property that is a number.
///
/// @param buffer where properties are written.
/// @param capacity its size.
/// @param at how much of it is used; moved on.
/// @param id the property's identifier, as in MQTTProperties.h.
/// @param number its value.
/// @return 0, or a negative MQTTOxide_E_... code, after which at is as it was. #MQTTOxide_E_ARGUMENT: no such property, none that
/// is a number, or one that cannot have this value. #MQTTOxide_E_TOO_SMALL: it does not fit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_putNumber(
    buffer: *mut c_void,
    capacity: u32,
    at: *mut u32,
    id: u32,
    number: u32,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::put_number(buffer, capacity, at, id, number))
}

/// Appends a property that is bytes or text.
///
/// @param buffer where properties are written.
/// @param capacity its size.
/// @param at how much of it is used; moved on.
/// @param id the property's identifier, as in MQTTProperties.h.
/// @param value its value.
/// @param len the value's length.
/// @return 0, or a negative MQTTOxide_E_... code, as MQTTOxide_putNumber(). #MQTTOxide_E_ARGUMENT: also text that is not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_putBytes(
    buffer: *mut c_void,
    capacity: u32,
    at: *mut u32,
    id: u32,
    value: *const c_void,
    len: u32,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::put_bytes(buffer, capacity, at, id, value, len))
}

/// Appends a user property.
///
/// @param buffer where properties are written.
/// @param capacity its size.
/// @param at how much of it is used; moved on.
/// @param id the property's identifier, as in MQTTProperties.h.
/// @param name its name.
/// @param name_len the name's length.
/// @param value its value.
/// @param value_len the value's length.
/// @return 0, or a negative MQTTOxide_E_... code, as MQTTOxide_putBytes().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_putPair(
    buffer: *mut c_void,
    capacity: u32,
    at: *mut u32,
    id: u32,
    name: *const c_void,
    name_len: u32,
    value: *const c_void,
    value_len: u32,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::put_pair(
        buffer, capacity, at, id, name, name_len, value, value_len,
    ))
}

/// Appends a topic filter for MQTTOxide_subscribe() or, without options, MQTTOxide_unsubscribe().
///
/// @param buffer where filters are written.
/// @param capacity its size.
/// @param at how much of it is used; moved on.
/// @param filter the filter.
/// @param len its length.
/// @param options QoS and, on MQTT 5, No Local 4, Retain As Published 8, Retain Handling 16 or 32; -1: none.
/// @return 0, or a negative MQTTOxide_E_... code, after which at is as it was. #MQTTOxide_E_ARGUMENT: not a topic filter, or
/// options that no byte has. #MQTTOxide_E_TOO_SMALL: it does not fit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_putFilter(
    buffer: *mut c_void,
    capacity: u32,
    at: *mut u32,
    filter: *const c_char,
    len: u32,
    options: i32,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::put_filter(buffer, capacity, at, filter, len, options))
}

/// Reads a property.
///
/// @param props the properties.
/// @param props_len their length.
/// @param at where to read; moved on. Begin with 0.
/// @param property receives the property; its size is set.
/// @return 1; 0: there are no more; or a negative MQTTOxide_E_... code. #MQTTOxide_E_ARGUMENT: what is there is no property.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_nextProperty(
    props: *const c_void,
    props_len: u32,
    at: *mut u32,
    property: *mut MQTTOxide_property,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::next_property(props, props_len, at, property))
}

/// Returns what an error code means, a static text, also for a number that is none: never NULL.
///
/// @param error the code.
/// @return the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_errorName(error: i32) -> *const c_char {
    entry!(untraced: std::ptr::null(), oxide_api::error_name(error))
}
