//! The functions of `paho_oxide.h` for queues, clients, connections and who carries them: one line each, what they do is in
//! [`crate::ffi::oxide_api`]. Messages are in [`super::paho_oxide_messages`].
#![allow(non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown, clippy::missing_safety_doc)] // the comments are the header's Doxygen manual

use libc::{c_char, c_void};

use crate::ffi::entry::entry;
use crate::ffi::oxide_api;
#[allow(clippy::wildcard_imports)] // this file uses nearly every name there
use crate::ffi::types::oxide_types::*;

/// Makes a queue of events. Clients are created on it, one or many thousand.
///
/// @param queue receives the handle.
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_SYSTEM: too many queues.
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
/// @return the descriptor, or a negative MQTTOxide_E_... code. #MQTTOxide_E_SYSTEM: none is free.
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
/// #MQTTOxide_E_ARGUMENT: the buffer is not aligned. #MQTTOxide_E_HANDLE: also where the queue is destroyed meanwhile.
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

/// Has a call of MQTTOxide_nextEvents() come back with 0: one that waits, or the next that finds no event. Each time it is another
/// one (1,024 at most); a call that does not wait takes all for which none waits.
///
/// @param queue the queue.
/// @return 0, or a negative MQTTOxide_E_... code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_interrupt(queue: u64) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::interrupt(queue))
}

/// Has lines of the engine's log queued as #MQTTOxide_LOG events. At most 1,024 lines or 1 MiB wait; value says how many
/// were dropped before a line, or, in an event without text, before the last of those that waited was taken.
///
/// @param queue the queue.
/// @param level 1 (everything) to 7 (what ends the program); 0: no lines.
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_ARGUMENT: no such level.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_setLogLevel(queue: u64, level: i32) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::set_log_level(queue, level))
}

/// Makes a client, which is not connected.
///
/// @param client receives the handle.
/// @param queue where its events go.
/// @param options the options.
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_ARGUMENT: a flag, version, store or driver that there is not,
/// an option that would be without effect beside the others (#MQTTOxide_ACK_ORDERED without #MQTTOxide_ACK_BY_PROGRAM,
/// #MQTTOxide_BUFFER_QOS0 without #MQTTOxide_BUFFER_OFFLINE, a name that the store does not use), a prefix or extension that
/// cannot be part of a file's name, a server's URI with a user name, or text that is not UTF-8. #MQTTOxide_E_NOT_STORED: the
/// store cannot be opened, as another process has it, or a file of it cannot be read; the log says which
/// (MQTTOxide_setLogLevel()). #MQTTOxide_E_SYSTEM: too many clients, or no threads.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_create(
    client: *mut u64,
    queue: u64,
    options: *const MQTTOxide_createOptions,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::create(client, queue, options))
}

/// Destroys a client, whose handle is none from now on: DISCONNECT is written if the socket takes it, and what is pending
/// fails. These events are in the queue when this returns, and none of the client's follow. Waits for other threads that are
/// inside a call for this client.
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
/// #MQTTOxide_E_ARGUMENT: no connected stream socket, options that there are not or that would be without effect (`ws_host` and
/// `headers` without `ws_path`), a password without a user name below MQTT 5, or MQTT 5 where the client's store is of an older
/// version, or the reverse. #MQTTOxide_E_SYSTEM: no threads. The descriptor is as it was, then.
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
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_STATE: connected, or connecting. #MQTTOxide_E_ARGUMENT: as
/// MQTTOxide_attachFd() says of options. #MQTTOxide_E_SYSTEM: no threads.
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
/// @param uri the server's URI, or several with spaces between, tried in order; CONNECT_FAILED tells of the last one.
/// @param uri_len its length.
/// @param options the CONNECT.
/// @param tls for the TLS schemes; NULL where no URI has one.
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_NOT_SUPPORTED: TLS, in libpaho-oxide.
/// #MQTTOxide_E_STATE: connected, or connecting. #MQTTOxide_E_SYSTEM: no threads. #MQTTOxide_E_ARGUMENT: no URI at all, or options
/// that there are not, that would be without effect (`ws_path`, `ws_host`; `headers` where no URI is a WebSocket's, `tls` where
/// none has a TLS scheme, in it a key or a password without a certificate), or with which no server can be connected to: a URI
/// with a user name in it, a password without a user name below MQTT 5, no client identifier without `clean` with MQTT 3.1.1.
/// The latter is sent as it is over a program's own connection. A version as MQTTOxide_attachFd() says.
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
/// @param timeout_ms milliseconds; 0: DISCONNECT follows what is on its way to the socket now.
/// @param reason reason code, MQTT 5.
/// @param props properties, MQTT 5.
/// @param props_len their length.
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_DISCONNECTED: there is no connection and no attempt.
/// #MQTTOxide_E_ARGUMENT: reason or properties that no DISCONNECT has, or any below MQTT 5.
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
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_STATE: the server has not asked, or
/// CONNECT named no method, or an authentication is under way. #MQTTOxide_E_DISCONNECTED: there is no connection and no attempt.
/// #MQTTOxide_E_ARGUMENT: another reason, another method, or properties that no AUTH has. #MQTTOxide_E_NOT_ALLOWED: larger than
/// the server takes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_auth(
    client: u64,
    reason: u8,
    props: *const c_void,
    props_len: u32,
) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::auth(client, reason, props, props_len))
}

/// Writes an address of the connection's socket: "1.2.3.4:1883", `[::1]:1883`, the path of a Unix socket, or "@name" for an
/// abstract one. 128 bytes are enough for any.
///
/// @param client the client.
/// @param which 0 the server's, 1 our own.
/// @param buffer receives the text, without a NUL.
/// @param capacity its size.
/// @return the length of the text, 0 if there is none; or a negative MQTTOxide_E_... code. #MQTTOxide_E_TOO_SMALL: the text's
/// beginning is in the buffer. #MQTTOxide_E_DISCONNECTED: there is no connection and no attempt over a link of the program's.
/// #MQTTOxide_E_ARGUMENT: neither 0 nor 1.
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
/// @return how many were taken; fewer than n, or none, while the program has too many unread messages, and an event WANTS follows
/// when there is room; none where the connection has ended, which an event tells. So the rest is fed after the events were
/// taken, and not in a loop without them. Or a negative MQTTOxide_E_... code. #MQTTOxide_E_DISCONNECTED: no stream is attached.
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
/// @param taken receives how many bytes were taken, unless a code is returned that is not #MQTTOxide_E_TOO_SMALL.
/// @param buffer receives the events; aligned to 8 bytes.
/// @param capacity its size.
/// @param count receives the number of events, or NULL.
/// @return as MQTTOxide_nextEvents(). #MQTTOxide_E_DISCONNECTED: no stream is attached.
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
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_DISCONNECTED: no stream is attached, or, with a text, the
/// connection has ended already.
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
/// #MQTTOxide_E_DISCONNECTED: no stream is attached.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_take(client: u64, buffer: *mut c_void, capacity: u32) -> i64 {
    entry!(untraced: MQTTOxide_E_PANIC.into(), oxide_api::take(client, buffer, capacity))
}

/// Says what of the work for connections the program's threads do, by MQTTOxide_drive(); the engine's threads do the rest. May
/// change at any time, also while connected.
///
/// @param client the client.
/// @param caller_does bits of #MQTTOxide_READ, #MQTTOxide_WRITE and #MQTTOxide_TICK; 0: nothing.
/// @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_ARGUMENT: another bit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_setDriver(client: u64, caller_does: u32) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::set_driver(client, caller_does))
}

/// Does that work on this thread: reads what the socket has (1 MiB at most), writes what waits, does what is due.
///
/// @param client the client.
/// @param what bits as those of MQTTOxide_setDriver(), and #MQTTOxide_LEVEL.
/// @return as MQTTOxide_wants(). #MQTTOxide_E_ARGUMENT: another bit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_drive(client: u64, what: u32) -> i32 {
    entry!(untraced: MQTTOxide_E_PANIC, oxide_api::drive(client, what))
}

/// As MQTTOxide_drive(), and then MQTTOxide_nextEvents() without waiting, in one call. The queue's descriptor is left alone for
/// events that this call takes.
///
/// @param client the client.
/// @param what bits as those of MQTTOxide_setDriver(), and #MQTTOxide_LEVEL.
/// @param buffer receives the events; aligned to 8 bytes.
/// @param capacity its size.
/// @param count receives the number of events, or NULL.
/// @return as MQTTOxide_nextEvents(). #MQTTOxide_E_ARGUMENT: another bit, or the buffer is not aligned.
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
