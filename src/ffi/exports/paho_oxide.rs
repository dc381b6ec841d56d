//! The functions of `paho_oxide.h`: one line each, what they do is in [`crate::ffi::oxide_api`].
#![allow(non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown, clippy::missing_safety_doc)] // the comments are the header's Doxygen manual
#![allow(clippy::too_many_arguments)] // strings have their length beside them, and a struct would have to be made first

use libc::{c_char, c_void};

use crate::ffi::entry::entry;
use crate::ffi::oxide_api::{self, Request};
#[allow(clippy::wildcard_imports)] // this file uses nearly every name there
use crate::ffi::types::oxide_types::*;

/// Makes a queue of events. Clients are created on it, one or many thousand.
///
/// @param queue receives the handle.
/// @return 0, or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_createQueue(queue: *mut u64) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::create_queue(queue))
}

/// Destroys a queue that has no clients any more. Calls of MQTTOxide_nextEvents() that wait come back.
///
/// @param queue the queue.
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_STATE: it has clients.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_destroyQueue(queue: u64) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::destroy_queue(queue))
}

/// Returns a descriptor that is readable while the queue is not empty, for poll(), epoll or an event loop. It stays the
/// library's: do not read or close it. A queue whose descriptor nobody asks for does not pay for it.
///
/// @param queue the queue.
/// @return the descriptor, or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_eventFd(queue: u64) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::event_fd(queue))
}

/// Fills a buffer with as many events as fit, each a struct MQTTOxide_event with its bytes behind it.
///
/// @param queue the queue.
/// @param buffer receives the events; aligned to 8 bytes.
/// @param capacity its size.
/// @param timeout_ms how long to wait for the first event: 0 not at all, -1 for ever.
/// @param count receives the number of events, or NULL.
/// @return the bytes that were filled; 0 when there was nothing in time, or after MQTTOxide_interrupt(); or a negative
/// MQTTOxide_E_... code. #MQTTOxide_E_TOO_SMALL: the next event does not fit, and stays; count is the size it needs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_nextEvents(
    queue: u64,
    buffer: *mut c_void,
    capacity: u32,
    timeout_ms: i32,
    count: *mut u32,
) -> i64 {
    entry!(untraced: MQTTOxide_E_PANIC.into(), oxide_api::next_events(queue, buffer, capacity, timeout_ms, count))
}

/// Has one call of MQTTOxide_nextEvents() that waits, or the next that would, come back with 0.
///
/// @param queue the queue.
/// @return 0, or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_interrupt(queue: u64) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::interrupt(queue))
}

/// Has lines of the engine's log queued as #MQTTOxide_LOG events. At most 1,024 lines wait; value says how many were dropped
/// before a line.
///
/// @param queue the queue.
/// @param level 1 (everything) to 7 (what ends the program); 0: no lines.
/// @return 0, or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_setLogLevel(queue: u64, level: i32) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::set_log_level(queue, level))
}

/// Makes a client, which is not connected.
///
/// @param client receives the handle.
/// @param queue where its events go.
/// @param options the options.
/// @return 0, or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_create(
    client: *mut u64,
    queue: u64,
    options: *const MQTTOxide_createOptions,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::create(client, queue, options))
}

/// Ends a client: DISCONNECT is written if the socket takes it, and what is pending fails. These events are in the queue when
/// this returns, and none of the client's follow. Waits for other threads that are inside a call for this client.
///
/// @param client the client.
/// @return 0, or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_destroy(client: u64) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::destroy(client))
}

/// Adopts a connected socket (TCP, Unix, one of a socketpair) and begins to talk MQTT over it. The descriptor is duplicated and
/// made non-blocking, which both share; the caller keeps and closes its own. An event CONNECTED or CONNECT_FAILED follows.
///
/// @param client the client.
/// @param fd the socket.
/// @param options the CONNECT.
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_STATE: connected, or connecting.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_attachFd(
    client: u64,
    fd: i32,
    options: *const MQTTOxide_connectOptions,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::attach_fd(client, fd, options))
}

/// Begins to talk MQTT over a byte stream that the program carries, by MQTTOxide_feed(), MQTTOxide_take() and MQTTOxide_eof().
/// An event CONNECTED or CONNECT_FAILED follows.
///
/// @param client the client.
/// @param options the CONNECT.
/// @return 0, or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_attachStream(
    client: u64,
    options: *const MQTTOxide_connectOptions,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::attach_stream(client, options))
}

/// Connects as the Paho libraries do: the engine looks names up, makes the connection, and does TLS and WebSocket. An event
/// CONNECTED or CONNECT_FAILED follows.
///
/// @param client the client.
/// @param uri the server's URI, or several with spaces between, tried in order.
/// @param uri_len its length.
/// @param options the CONNECT.
/// @param tls for the TLS schemes; else NULL.
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_NOT_SUPPORTED: TLS, in libpaho-oxide.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_connect(
    client: u64,
    uri: *const c_char,
    uri_len: u32,
    options: *const MQTTOxide_connectOptions,
    tls: *const MQTTOxide_tlsOptions,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::connect(client, uri, uri_len, options, tls))
}

/// Ends the attempt or the connection now, without DISCONNECT. An event CONNECT_FAILED or LOST follows.
///
/// @param client the client.
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_STATE: there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_abort(client: u64) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::abort(client))
}

/// Waits at most so long for what is in flight, then sends DISCONNECT and closes. An event CLOSED follows. An attempt to connect
/// ends at once, with CONNECT_FAILED.
///
/// @param client the client.
/// @param timeout_ms 0: DISCONNECT follows what is on its way to the socket now.
/// @param reason reason code, MQTT 5.
/// @param props properties, MQTT 5.
/// @param props_len their length.
/// @return 0, or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_disconnect(
    client: u64,
    timeout_ms: u32,
    reason: u8,
    props: *const c_void,
    props_len: u32,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::disconnect(client, timeout_ms, reason, props, props_len))
}

/// Sends AUTH.
///
/// @param client the client.
/// @param reason 0x18 answers an event AUTH, 0x19 begins to authenticate anew.
/// @param props authentication data and so on; the method of CONNECT is added.
/// @param props_len their length.
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_STATE: the server has not asked, or CONNECT named no method.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_auth(
    client: u64,
    reason: u8,
    props: *const c_void,
    props_len: u32,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::auth(client, reason, props, props_len))
}

/// Writes an address of the connection's socket: "1.2.3.4:1883", `[::1]:1883`, or the path of a Unix socket.
///
/// @param client the client.
/// @param which 0 the server's, 1 our own.
/// @param buffer receives the text, without a NUL.
/// @param capacity its size.
/// @return the length of the text, 0 if there is none; or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_address(
    client: u64,
    which: u32,
    buffer: *mut c_char,
    capacity: u32,
) -> i64 {
    entry!(untraced: MQTTOxide_E_PANIC.into(), oxide_api::address(client, which, buffer, capacity))
}

/// Hands over bytes that came from the server on an attached stream. They are processed on this thread; their events are in the
/// queue when this returns.
///
/// @param client the client.
/// @param bytes the bytes.
/// @param n how many.
/// @return how many were taken; fewer than n while the program has too many unread messages, and an event WANTS follows when
/// there is room. Or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_feed(client: u64, bytes: *const c_void, n: u64) -> i64 {
    entry!(untraced: MQTTOxide_E_PANIC.into(), oxide_api::feed(client, bytes, n))
}

/// As MQTTOxide_feed(), and then MQTTOxide_nextEvents() without waiting, in one call. The queue's descriptor is left alone for
/// events that this call takes.
///
/// @param client the client.
/// @param bytes the bytes.
/// @param n how many.
/// @param taken receives how many were taken.
/// @param buffer receives the events.
/// @param capacity its size.
/// @param count receives the number of events, or NULL.
/// @return as MQTTOxide_nextEvents().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_feedEvents(
    client: u64,
    bytes: *const c_void,
    n: u64,
    taken: *mut u64,
    buffer: *mut c_void,
    capacity: u32,
    count: *mut u32,
) -> i64 {
    entry!(untraced: MQTTOxide_E_PANIC.into(), oxide_api::feed_events(client, bytes, n, taken, buffer, capacity, count))
}

/// Ends an attached stream.
///
/// @param client the client.
/// @param why the text of the event LOST or CONNECT_FAILED that follows; may be empty.
/// @param why_len its length.
/// @return 0, or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_eof(client: u64, why: *const c_char, why_len: u32) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::eof(client, why, why_len))
}

/// Moves bytes for the server on an attached stream into a buffer.
///
/// @param client the client.
/// @param buffer receives the bytes.
/// @param capacity its size.
/// @return how many; 0: none now, an event OUTPUT follows when there are. Or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_take(client: u64, buffer: *mut c_void, capacity: u32) -> i64 {
    entry!(untraced: MQTTOxide_E_PANIC.into(), oxide_api::take(client, buffer, capacity))
}

/// Says what of the work for connections the program's threads do, by MQTTOxide_drive(); the engine's threads do the rest. May
/// change at any time, also while connected.
///
/// @param client the client.
/// @param caller_does bits of #MQTTOxide_READ, #MQTTOxide_WRITE and #MQTTOxide_TICK; 0: nothing.
/// @return 0, or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_setDriver(client: u64, caller_does: u32) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::set_driver(client, caller_does))
}

/// Does that work on this thread: reads what the socket has (1 MiB at most), writes what waits, does what is due.
///
/// @param client the client.
/// @param what bits as those of MQTTOxide_setDriver().
/// @return as MQTTOxide_wants().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_drive(client: u64, what: u32) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::drive(client, what))
}

/// As MQTTOxide_drive(), and then MQTTOxide_nextEvents() without waiting, in one call. The queue's descriptor is left alone for
/// events that this call takes.
///
/// @param client the client.
/// @param what bits as those of MQTTOxide_setDriver().
/// @param buffer receives the events.
/// @param capacity its size.
/// @param count receives the number of events, or NULL.
/// @return as MQTTOxide_nextEvents().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_driveEvents(
    client: u64,
    what: u32,
    buffer: *mut c_void,
    capacity: u32,
    count: *mut u32,
) -> i64 {
    entry!(untraced: MQTTOxide_E_PANIC.into(), oxide_api::drive_events(client, what, buffer, capacity, count))
}

/// Returns what the program's threads should wait for: #MQTTOxide_READ input, #MQTTOxide_WRITE room, #MQTTOxide_TICK a deadline,
/// #MQTTOxide_MORE nothing: there is more to read now; #MQTTOxide_EVENTS nothing: there are events to take.
///
/// @param client the client.
/// @return the bits, or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_wants(client: u64) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::wants(client))
}

/// Returns how long until MQTTOxide_drive() with #MQTTOxide_TICK has something to do.
///
/// @param client the client.
/// @return milliseconds; -1: never, also of a client that there is not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_deadlineMs(client: u64) -> i64 {
    entry!(untraced: MQTTOxide_E_PANIC.into(), oxide_api::deadline_ms(client))
}

/// Publishes a message. Never blocks.
///
/// @param client the client.
/// @param topic topic.
/// @param topic_len its length.
/// @param payload payload.
/// @param payload_len its length.
/// @param props MQTT 5 properties.
/// @param props_len their length.
/// @param flags the QoS, and #MQTTOxide_RETAIN, #MQTTOxide_DUPLICATE, #MQTTOxide_NO_WAIT, #MQTTOxide_LATER.
/// @param result receives token, packet identifier and status; or NULL.
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_WOULD_BLOCK: nothing was accepted, and an event ROOM follows.
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
/// @return 0, or a negative MQTTOxide_E_... code. That of the first that was not accepted.
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
/// @return 0, or a negative MQTTOxide_E_... code.
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
/// @return 0, or a negative MQTTOxide_E_... code.
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
/// negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_ack(client: u64, tokens: *const u64, n: u32, reason: u8) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::ack(client, tokens, n, reason))
}

/// Lists the operations that have not ended, oldest first.
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
/// @return 0, or a negative MQTTOxide_E_... code.
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
/// @return 0, or a negative MQTTOxide_E_... code.
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
/// @return 0, or a negative MQTTOxide_E_... code.
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
/// @return 0, or a negative MQTTOxide_E_... code.
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
/// @return 1; 0: there are no more; or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_nextProperty(
    props: *const c_void,
    props_len: u32,
    at: *mut u32,
    property: *mut MQTTOxide_property,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::next_property(props, props_len, at, property))
}

/// Returns what an error code means, a static text.
///
/// @param error the code.
/// @return the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_errorName(error: i32) -> *const c_char {
    entry!(untraced: std::ptr::null(), oxide_api::error_name(error))
}
