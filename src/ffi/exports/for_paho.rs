//! The functions of `paho_oxide.h` that take a handle of a Paho API: one line each, what they do is in
//! `ffi::for_paho`.
#![allow(non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown, clippy::missing_safety_doc)] // the comments are the header's Doxygen manual

use libc::{c_char, c_void};

use crate::ffi::entry::entry;
use crate::ffi::for_paho;
use crate::ffi::types::for_paho_types::{MQTTOxide_error, MQTTOxide_route};
use crate::ffi::types::oxide_types::{MQTTOxide_E_PANIC, MQTTOxide_counters};

/// Sets an option of a Paho client by its name. docs/oxide-api.md lists the options, with their values, units, and from when
/// on they count.
///
/// @param handle a MQTTClient or MQTTAsync.
/// @param name the option's name.
/// @param name_len its length in bytes.
/// @param value the value, as text. Empty: as if it had never been set.
/// @param value_len its length in bytes.
/// @return 0, or a negative code; nothing has changed then, and MQTTOxide_lastError() says why in words.
/// #MQTTOxide_E_HANDLE: not a client. #MQTTOxide_E_NULL: a pointer is NULL whose length is not 0, or there is no name.
/// #MQTTOxide_E_NOT_FOUND: no option has this name. #MQTTOxide_E_ARGUMENT: the option cannot have this value.
/// #MQTTOxide_E_NOT_SUPPORTED: this client or library cannot do it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_setOption(
    handle: *mut c_void,
    name: *const c_char,
    name_len: u32,
    value: *const c_char,
    value_len: u32,
) -> i32 {
    entry!(
        MQTTOxide_E_PANIC,
        for_paho::set_option(handle, name, name_len, value, value_len)
    )
}

/// Tells an option of a Paho client, as MQTTOxide_setOption() would take it; empty if it has not been set.
///
/// @param handle a MQTTClient or MQTTAsync.
/// @param name the option's name.
/// @param name_len its length in bytes.
/// @param value the caller's buffer, which receives the value, without a NUL.
/// @param capacity its size; 64 is enough for any option.
/// @param value_len receives the length of the value, or NULL.
/// @return 0, or a negative code. #MQTTOxide_E_HANDLE: not a client. #MQTTOxide_E_NULL: the buffer is NULL and its size not 0,
/// or there is no name. #MQTTOxide_E_NOT_FOUND: no option has this name. #MQTTOxide_E_TOO_SMALL: the value does not fit;
/// value_len is its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_getOption(
    handle: *mut c_void,
    name: *const c_char,
    name_len: u32,
    value: *mut c_char,
    capacity: u32,
    value_len: *mut u32,
) -> i32 {
    entry!(
        MQTTOxide_E_PANIC,
        for_paho::get_option(handle, name, name_len, value, capacity, value_len)
    )
}

/// Acknowledges a message of QoS 1 or 2, in a client with the option `manual-acks`. The acknowledgement is written by this
/// call, or follows those of earlier messages. A message that is not acknowledged comes again on the next connection.
///
/// @param handle a MQTTClient or MQTTAsync.
/// @param message_id the `msgid` of the message. With `manual-acks` it has more than the packet identifier's 16 bits, so that
/// an acknowledgement that comes too late is not taken for that of another message. A packet identifier alone stands for the
/// message that has it now.
/// @return 0, or a negative code. #MQTTOxide_E_HANDLE: not a client. #MQTTOxide_E_ARGUMENT: no message can have this
/// identifier. #MQTTOxide_E_NOT_FOUND: no such message waits: it is acknowledged already, or came over an older connection, and
/// comes again. #MQTTOxide_E_NOT_STORED: the store refused, and the message stays unacknowledged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_acknowledge(handle: *mut c_void, message_id: i32) -> i32 {
    entry!(MQTTOxide_E_PANIC, for_paho::acknowledge(handle, message_id))
}

/// Tells what went wrong last in a Paho client: for a connect, the step, and the numbers and words of the system, of OpenSSL
/// or of the server; for a call that was refused, its code, and in words which parameter or member was wrong. It is the
/// client's last error, whichever thread met it; number tells whether it is a new one. A call that is well leaves it as it is.
///
/// Without a client, for a create that was refused above all: NULL as the handle asks for the last call of the calling thread
/// that was refused, for whichever client.
///
/// @param handle a MQTTClient or MQTTAsync, or NULL.
/// @param error the caller sets size, text and text_capacity; the call fills in the rest.
/// @return 0, or a negative code. #MQTTOxide_E_HANDLE: not a client. #MQTTOxide_E_NULL: error is NULL, or the text is and its
/// capacity is not 0. #MQTTOxide_E_SIZE: a size that this library does not know. #MQTTOxide_E_TOO_SMALL: the text does not fit;
/// its beginning is there, and everything else; not returned for a text that is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_lastError(
    handle: *mut c_void,
    error: *mut MQTTOxide_error,
) -> i32 {
    entry!(MQTTOxide_E_PANIC, for_paho::last_error(handle, error))
}

/// Tells what a Paho client has done since it was created, and what is going on.
///
/// @param handle a MQTTClient or MQTTAsync.
/// @param counters the caller sets size; the call fills in the rest.
/// @return 0, or a negative code. #MQTTOxide_E_HANDLE: not a client. #MQTTOxide_E_NULL: counters is NULL.
/// #MQTTOxide_E_SIZE: a size that this library does not know.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_statistics(
    handle: *mut c_void,
    counters: *mut MQTTOxide_counters,
) -> i32 {
    entry!(MQTTOxide_E_PANIC, for_paho::statistics(handle, counters))
}

/// Adds a route: messages whose topic matches the filter go to this callback. A message goes to all routes that match, in the
/// order in which they were added; only one that none matches goes to messageArrived. A route subscribes to nothing.
///
/// There is one route a filter: another one with the same filter takes its place, at the end. Then, as
/// MQTTOxide_removeRoute() does, this call waits until no thread is inside the old callback.
///
/// @param handle a MQTTAsync, or a MQTTClient with callbacks: MQTTClient_setCallbacks() comes first.
/// @param filter the topic filter; `$share/group/` at its beginning is cut off.
/// @param filter_len its length in bytes.
/// @param callback called for each message that matches.
/// @param context passed to the callback; the library does not look at it.
/// @return 0, or a negative code. #MQTTOxide_E_HANDLE: not a client. #MQTTOxide_E_NULL: the filter or the callback is NULL.
/// #MQTTOxide_E_ARGUMENT: not a topic filter. #MQTTOxide_E_STATE: a MQTTClient without callbacks, whose messages
/// MQTTClient_receive() gets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_addRoute(
    handle: *mut c_void,
    filter: *const c_char,
    filter_len: u32,
    callback: MQTTOxide_route,
    context: *mut c_void,
) -> i32 {
    entry!(
        MQTTOxide_E_PANIC,
        for_paho::add_route(handle, filter, filter_len, callback, context)
    )
}

/// Removes a route. When it returns no thread is inside the callback, nor will be: what the context points to may be freed. For
/// that it waits where another thread is inside; called from the callback itself it does not wait.
///
/// @param handle a MQTTClient or MQTTAsync.
/// @param filter the filter, as it was added.
/// @param filter_len its length in bytes.
/// @return 0, or a negative code. #MQTTOxide_E_HANDLE: not a client. #MQTTOxide_E_NULL: the filter is NULL.
/// #MQTTOxide_E_NOT_FOUND: there is no route with this filter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTOxide_removeRoute(
    handle: *mut c_void,
    filter: *const c_char,
    filter_len: u32,
) -> i32 {
    entry!(
        MQTTOxide_E_PANIC,
        for_paho::remove_route(handle, filter, filter_len)
    )
}
