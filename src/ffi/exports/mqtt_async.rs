//! The functions of `MQTTAsync.h`: one line each, what they do is in [`crate::ffi::async_api`].
#![allow(non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown, clippy::missing_safety_doc)] // the comments are the header's Doxygen manual

use std::ptr;

use libc::{c_char, c_int, c_ulong, c_void, size_t};

use super::version;
use crate::ffi::entry::entry;
#[allow(clippy::wildcard_imports)] // this file uses nearly every name there
use crate::ffi::types::async_types::*;
use crate::ffi::types::persistence_types::{
    MQTTPersistence_afterRead, MQTTPersistence_beforeWrite,
};
use crate::ffi::{async_api, memory, strerror};

/// Does nothing: the library and OpenSSL initialise themselves when they are first used. For programs that call it.
///
/// @param inits the options: start from #MQTTAsync_init_options_initializer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_global_init(inits: *mut MQTTAsync_init_options) {
    entry!(untraced: (), async_api::global_init(inits));
}

/// Sets the callback for a DISCONNECT packet from a MQTT 5 server.
///
/// @param handle the client.
/// @param context passed to the callback; the library does not look at it.
/// @param co the callback, or NULL for none.
/// @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_setDisconnected(
    handle: MQTTAsync,
    context: *mut c_void,
    co: MQTTAsync_disconnected,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::set_disconnected(handle, context, co)
    )
}

/// Sets the callback that may renew user name and password before an automatic reconnect.
///
/// @param handle the client.
/// @param context passed to the callback; the library does not look at it.
/// @param co the callback, or NULL for none.
/// @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_setUpdateConnectOptions(
    handle: MQTTAsync,
    context: *mut c_void,
    co: MQTTAsync_updateConnectOptions,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::set_update_connect_options(handle, context, co)
    )
}

/// Sets the callback that sees each record before it goes to the message store.
///
/// @param handle the client.
/// @param context passed to the callback; the library does not look at it.
/// @param co the callback, or NULL for none.
/// @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_setBeforePersistenceWrite(
    handle: MQTTAsync,
    context: *mut c_void,
    co: MQTTPersistence_beforeWrite,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::set_before_persistence_write(handle, context, co)
    )
}

/// Sets the callback that sees each record read from the message store.
///
/// @param handle the client.
/// @param context passed to the callback; the library does not look at it.
/// @param co the callback, or NULL for none.
/// @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_setAfterPersistenceRead(
    handle: MQTTAsync,
    context: *mut c_void,
    co: MQTTPersistence_afterRead,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::set_after_persistence_read(handle, context, co)
    )
}

/// Sets the callbacks of a client. May be called at any time; messages that arrive before there is a callback for them are
/// lost.
///
/// This and the other functions that set a callback wait until the callback that another thread runs at that moment has
/// returned, for 10 seconds at most: what the old ones used may be freed then. Inside a callback they return at once.
///
/// @param handle the client.
/// @param context passed to the callbacks; the library does not look at it.
/// @param cl called when the connection is lost, or NULL.
/// @param ma called for each message that arrives. Must not be NULL.
/// @param dc called for each message delivered, or NULL.
/// @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client, or \p ma is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_setCallbacks(
    handle: MQTTAsync,
    context: *mut c_void,
    cl: MQTTAsync_connectionLost,
    ma: MQTTAsync_messageArrived,
    dc: MQTTAsync_deliveryComplete,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::set_callbacks(handle, context, cl, ma, dc)
    )
}

/// Sets the callback for a lost connection.
///
/// @param handle the client.
/// @param context passed to the callback; the library does not look at it.
/// @param cl the callback, or NULL for none.
/// @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_setConnectionLostCallback(
    handle: MQTTAsync,
    context: *mut c_void,
    cl: MQTTAsync_connectionLost,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::set_connection_lost_callback(handle, context, cl)
    )
}

/// Sets the callback for messages that arrive.
///
/// @param handle the client.
/// @param context passed to the callback; the library does not look at it.
/// @param ma the callback. Must not be NULL.
/// @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client, or \p ma is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_setMessageArrivedCallback(
    handle: MQTTAsync,
    context: *mut c_void,
    ma: MQTTAsync_messageArrived,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::set_message_arrived_callback(handle, context, ma)
    )
}

/// Sets the callback for messages delivered.
///
/// @param handle the client.
/// @param context passed to the callback; the library does not look at it.
/// @param dc the callback, or NULL for none.
/// @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_setDeliveryCompleteCallback(
    handle: MQTTAsync,
    context: *mut c_void,
    dc: MQTTAsync_deliveryComplete,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::set_delivery_complete_callback(handle, context, dc)
    )
}

/// Sets the callback for each completed connection, automatic ones included.
///
/// @param handle the client.
/// @param context passed to the callback; the library does not look at it.
/// @param co the callback, or NULL for none.
/// @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_setConnected(
    handle: MQTTAsync,
    context: *mut c_void,
    co: MQTTAsync_connected,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::set_connected(handle, context, co)
    )
}

/// Connects anew, with the options of the last MQTTAsync_connect(), without waiting for the next automatic attempt. Of the
/// callbacks only that of MQTTAsync_setConnected() is called.
///
/// @param handle the client.
/// @return #MQTTASYNC_SUCCESS: under way; #MQTTASYNC_COMMAND_IGNORED: connected, or a connect or disconnect is under way;
///         #MQTTASYNC_DISCONNECTED: MQTTAsync_connect() was never called; #MQTTASYNC_FAILURE: not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_reconnect(handle: MQTTAsync) -> c_int {
    entry!(MQTTASYNC_FAILURE, async_api::reconnect(handle))
}

/// Makes a client. Nothing is sent yet.
///
/// @param handle receives the client: destroy it with MQTTAsync_destroy().
/// @param serverURI the server, as `protocol://host:port`. The protocols are `tcp` and `mqtt`; with TLS `ssl`, `tls`
///        and `mqtts`; `ws` and `wss` for WebSockets; `unix` with the path of a socket instead of host and port. An
///        IPv6 address stands in brackets. Copied.
/// @param clientId the client identifier: UTF-8, unique on the server. Copied. If empty, the server makes one up; then there
///        can be no #MQTTCLIENT_PERSISTENCE_DEFAULT, with MQTT 3.1.1 the session must be clean, and 3.1 cannot be used:
///        the connect says so.
/// @param persistence_type where messages in flight are stored: #MQTTCLIENT_PERSISTENCE_DEFAULT,
///        #MQTTCLIENT_PERSISTENCE_NONE or #MQTTCLIENT_PERSISTENCE_USER.
/// @param persistence_context what goes with that type: a directory's name or NULL, NULL, or a pointer to
///        ::MQTTClient_persistence.
/// @return #MQTTASYNC_SUCCESS; #MQTTASYNC_NULL_PARAMETER; #MQTTASYNC_BAD_UTF8_STRING; #MQTTASYNC_BAD_PROTOCOL;
///         #MQTTASYNC_PERSISTENCE_ERROR, or the code of a store of the program's, if the store cannot be opened or used, or is
///         open already; #MQTTASYNC_FAILURE. What is wrong with host or port shows when connecting.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_create(
    handle: *mut MQTTAsync,
    serverURI: *const c_char,
    clientId: *const c_char,
    persistence_type: c_int,
    persistence_context: *mut c_void,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::create(
            handle,
            serverURI,
            clientId,
            persistence_type,
            persistence_context
        )
    )
}

/// Makes a client with options: the MQTT version, and sending while there is no connection. Otherwise like
/// MQTTAsync_create().
///
/// @param handle receives the client: destroy it with MQTTAsync_destroy().
/// @param serverURI the server: see MQTTAsync_create().
/// @param clientId the client identifier: see MQTTAsync_create().
/// @param persistence_type see MQTTAsync_create().
/// @param persistence_context see MQTTAsync_create().
/// @param options the options: start from #MQTTAsync_createOptions_initializer or
///        #MQTTAsync_createOptions_initializer5. NULL for the default.
/// @return as MQTTAsync_create(); #MQTTASYNC_BAD_STRUCTURE for the options; #MQTTASYNC_MAX_BUFFERED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_createWithOptions(
    handle: *mut MQTTAsync,
    serverURI: *const c_char,
    clientId: *const c_char,
    persistence_type: c_int,
    persistence_context: *mut c_void,
    options: *mut MQTTAsync_createOptions,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::create_with_options(
            handle,
            serverURI,
            clientId,
            persistence_type,
            persistence_context,
            options
        )
    )
}

/// Connects to the server. Returns at once: the outcome comes to one of the callbacks in the options.
///
/// @param handle the client.
/// @param options the options: start from #MQTTAsync_connectOptions_initializer or
///        #MQTTAsync_connectOptions_initializer5.
/// @return #MQTTASYNC_SUCCESS: under way; #MQTTASYNC_COMMAND_IGNORED: connected, or a connect or disconnect is under way;
///         #MQTTASYNC_NULL_PARAMETER, also where `ssl` is missing; #MQTTASYNC_BAD_STRUCTURE; #MQTTASYNC_BAD_UTF8_STRING;
///         #MQTTASYNC_BAD_QOS and #MQTTASYNC_0_LEN_WILL_TOPIC for the will; #MQTTASYNC_BAD_MQTT_OPTION, also for an unknown
///         MQTT version; #MQTTASYNC_WRONG_MQTT_VERSION; #MQTTASYNC_SSL_NOT_SUPPORTED; #MQTTASYNC_FAILURE, also for options that
///         no server can be connected to with: MQTTAsync_strerror() says which. Unless it is #MQTTASYNC_SUCCESS no callback
///         is called. What files of the TLS options hold is found in each attempt, as they may come later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_connect(
    handle: MQTTAsync,
    options: *const MQTTAsync_connectOptions,
) -> c_int {
    entry!(MQTTASYNC_FAILURE, async_api::connect(handle, options))
}

/// Disconnects from the server, after having waited for messages in flight to be delivered. Returns at once: the
/// outcome comes to one of the callbacks in the options. Ends the automatic reconnect.
///
/// @param handle the client.
/// @param options the options: start from #MQTTAsync_disconnectOptions_initializer or
///        #MQTTAsync_disconnectOptions_initializer5. NULL: without waiting, and nobody is told.
/// @return #MQTTASYNC_SUCCESS: under way; #MQTTASYNC_DISCONNECTED if it is not connected; #MQTTASYNC_COMMAND_IGNORED: a
///         connect or disconnect is under way; #MQTTASYNC_BAD_STRUCTURE; #MQTTASYNC_BAD_MQTT_OPTION for the reason code or the
///         properties; #MQTTASYNC_FAILURE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_disconnect(
    handle: MQTTAsync,
    options: *const MQTTAsync_disconnectOptions,
) -> c_int {
    entry!(MQTTASYNC_FAILURE, async_api::disconnect(handle, options))
}

/// Says whether a client is connected.
///
/// @param handle the client.
/// @return #MQTTASYNC_TRUE if it is, also while a disconnect waits for messages in flight; 0 if it is not, or if \p handle is
///         not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_isConnected(handle: MQTTAsync) -> c_int {
    entry!(0, async_api::is_connected(handle))
}

/// Subscribes to a topic. Returns at once: the outcome comes to one of the callbacks in the options.
///
/// @param handle the client.
/// @param topic the topic filter, which may have wildcards.
/// @param qos the highest quality of service to receive messages at.
/// @param response options of the request, whose `token` is filled in; or NULL.
/// @return #MQTTASYNC_SUCCESS: under way; #MQTTASYNC_DISCONNECTED; #MQTTASYNC_BAD_UTF8_STRING, also for NULL;
///         #MQTTASYNC_BAD_QOS; #MQTTASYNC_BAD_MQTT_OPTION for the options; #MQTTASYNC_NO_MORE_MSGIDS; #MQTTASYNC_FAILURE: not
///         a client, or not a topic filter as MQTT has them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_subscribe(
    handle: MQTTAsync,
    topic: *const c_char,
    qos: c_int,
    response: *mut MQTTAsync_responseOptions,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::subscribe(handle, topic, qos, response)
    )
}

/// Subscribes to several topics with one packet. Returns at once: the outcome comes to one of the callbacks in the
/// options.
///
/// @param handle the client.
/// @param count the number of topics.
/// @param topic the topic filters.
/// @param qos for each topic, the highest quality of service to receive messages at.
/// @param response options of the request, whose `token` is filled in; or NULL.
/// @return as MQTTAsync_subscribe(); #MQTTASYNC_NULL_PARAMETER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_subscribeMany(
    handle: MQTTAsync,
    count: c_int,
    topic: *const *mut c_char,
    qos: *const c_int,
    response: *mut MQTTAsync_responseOptions,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::subscribe_many(handle, count, topic, qos, response)
    )
}

/// Ends a subscription. Returns at once: the outcome comes to one of the callbacks in the options.
///
/// @param handle the client.
/// @param topic the topic filter, exactly as it was subscribed to.
/// @param response options of the request, whose `token` is filled in; or NULL.
/// @return #MQTTASYNC_SUCCESS: under way; #MQTTASYNC_DISCONNECTED; #MQTTASYNC_BAD_UTF8_STRING, also for NULL;
///         #MQTTASYNC_BAD_MQTT_OPTION for the options; #MQTTASYNC_NO_MORE_MSGIDS; #MQTTASYNC_FAILURE: not a client, or not a
///         topic filter as MQTT has them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_unsubscribe(
    handle: MQTTAsync,
    topic: *const c_char,
    response: *mut MQTTAsync_responseOptions,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::unsubscribe(handle, topic, response)
    )
}

/// Ends several subscriptions with one packet. Returns at once: the outcome comes to one of the callbacks in the
/// options.
///
/// @param handle the client.
/// @param count the number of topics.
/// @param topic the topic filters.
/// @param response options of the request, whose `token` is filled in; or NULL.
/// @return as MQTTAsync_unsubscribe(); #MQTTASYNC_NULL_PARAMETER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_unsubscribeMany(
    handle: MQTTAsync,
    count: c_int,
    topic: *const *mut c_char,
    response: *mut MQTTAsync_responseOptions,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::unsubscribe_many(handle, count, topic, response)
    )
}

/// Publishes a message. Returns at once: the outcome comes to one of the callbacks in the options. It is a success once
/// the message has been written (QoS 0) or acknowledged (QoS 1 and 2).
///
/// @param handle the client.
/// @param destinationName the topic.
/// @param payloadlen length of the payload in bytes.
/// @param payload the payload. Copied.
/// @param qos the quality of service.
/// @param retained 1: the server keeps it as the topic's retained message.
/// @param response options of the request, whose `token` is filled in, with 0 at QoS 0; or NULL. With MQTT 5 their
///        `properties` are the message's.
/// @return #MQTTASYNC_SUCCESS: under way, or buffered until there is a connection; #MQTTASYNC_DISCONNECTED: no
///         connection, and the client does not buffer; #MQTTASYNC_MAX_BUFFERED_MESSAGES; #MQTTASYNC_NULL_PARAMETER for the
///         payload; #MQTTASYNC_BAD_UTF8_STRING, also for a NULL topic; #MQTTASYNC_BAD_QOS; #MQTTASYNC_BAD_MQTT_OPTION for the
///         options; #MQTTASYNC_NO_MORE_MSGIDS; #MQTTASYNC_PERSISTENCE_ERROR; #MQTTASYNC_FAILURE: not a client, or not a topic
///         as MQTT has them. With MQTT 5 also the reason code for what the server said it does not take, such as
///         #MQTTREASONCODE_PACKET_TOO_LARGE: then nothing was sent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_send(
    handle: MQTTAsync,
    destinationName: *const c_char,
    payloadlen: c_int,
    payload: *const c_void,
    qos: c_int,
    retained: c_int,
    response: *mut MQTTAsync_responseOptions,
) -> c_int {
    entry!(
        hot: MQTTASYNC_FAILURE,
        async_api::send(
            handle,
            destinationName,
            payloadlen,
            payload,
            qos,
            retained,
            response
        )
    )
}

/// Publishes a message given as a structure. Otherwise like MQTTAsync_send().
///
/// @param handle the client.
/// @param destinationName the topic.
/// @param msg the message, with MQTT 5 also its properties: start from #MQTTAsync_message_initializer. Copied.
/// @param response options of the request, whose `token` is filled in; or NULL.
/// @return as MQTTAsync_send(); #MQTTASYNC_BAD_STRUCTURE for the message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_sendMessage(
    handle: MQTTAsync,
    destinationName: *const c_char,
    msg: *const MQTTAsync_message,
    response: *mut MQTTAsync_responseOptions,
) -> c_int {
    entry!(
        hot: MQTTASYNC_FAILURE,
        async_api::send_message(handle, destinationName, msg, response)
    )
}

/// Lists the requests that are not complete: messages in flight, and those that wait.
///
/// @param handle the client.
/// @param tokens receives an array with the token of each, -1 at its end; NULL when there are none. Give it to
///        MQTTAsync_free().
/// @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client, or \p tokens is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_getPendingTokens(
    handle: MQTTAsync,
    tokens: *mut *mut MQTTAsync_token,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::get_pending_tokens(handle, tokens)
    )
}

/// Says whether a request is complete.
///
/// @param handle the client.
/// @param token the token that the request gave.
/// @return #MQTTASYNC_TRUE: complete, or nothing is known of that token; 0: not yet; #MQTTASYNC_FAILURE: not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_isComplete(handle: MQTTAsync, token: MQTTAsync_token) -> c_int {
    entry!(MQTTASYNC_FAILURE, async_api::is_complete(handle, token))
}

/// Waits until a request is complete.
///
/// @param handle the client.
/// @param token the token that the request gave.
/// @param timeout how many milliseconds to wait.
/// @return #MQTTASYNC_SUCCESS: complete, or nothing is known of that token; #MQTTASYNC_FAILURE: not within that time, or not
///         a client; #MQTTASYNC_DISCONNECTED: not connected, or not any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_waitForCompletion(
    handle: MQTTAsync,
    token: MQTTAsync_token,
    timeout: c_ulong,
) -> c_int {
    entry!(
        MQTTASYNC_FAILURE,
        async_api::wait_for_completion(handle, token, timeout)
    )
}

/// Frees a message that the library handed over, with its payload and properties.
///
/// @param msg points at the pointer to the message, which is set to NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_freeMessage(msg: *mut *mut MQTTAsync_message) {
    entry!(hot: (), memory::free_message(msg));
}

/// Frees memory that the library handed over: a topic, an array of tokens.
///
/// @param ptr the memory; nothing is done if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_free(ptr: *mut c_void) {
    entry!(hot: (), memory::free(ptr));
}

/// Allocates memory that the library will free: for renewed credentials, for a message store of the program's.
///
/// @param size how many bytes.
/// @return the memory, or NULL if there is not enough.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_malloc(size: size_t) -> *mut c_void {
    entry!(ptr::null_mut(), memory::allocate(size))
}

/// Destroys a client: disconnects it, without waiting for messages in flight, and closes its store, which keeps them. Requests
/// that are not complete fail with #MQTTASYNC_OPERATION_INCOMPLETE; their onFailure is called by this function, on this
/// thread. A connect under way is broken off, and its onFailure is not called. When this returns, no callback of the client's
/// runs any more, but for the one it was called from.
///
/// @param handle points at the handle, which is set to NULL. Nothing is done if it is not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_destroy(handle: *mut MQTTAsync) {
    entry!((), async_api::destroy(handle));
}

/// Sets the level of detail of the trace, wherever it goes: trace callback, standard output or file. Overrides the environment
/// when called after the first create.
///
/// @param level the level.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_setTraceLevel(level: MQTTASYNC_TRACE_LEVELS) {
    entry!(untraced: (), async_api::set_trace_level(level));
}

/// Sets the function that is called with each line of the trace. There is one for the process, for both APIs.
///
/// @param callback the function, or NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_setTraceCallback(callback: MQTTAsync_traceCallback) {
    entry!(untraced: (), async_api::set_trace_callback(callback));
}

/// A list of facts about the library.
///
/// @return an array of names and values, among them `Product name`, `Version` and `Build level`. The last entry has the
///         name NULL. It belongs to the library and never changes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_getVersionInfo() -> *mut MQTTAsync_nameValue {
    entry!(untraced: ptr::null_mut(), version::asynchronous())
}

/// A text for a return code.
///
/// @param code one of the `MQTTASYNC_` codes; for reason codes there is MQTTReasonCode_toString().
/// @return the text, which belongs to the library. That of an unknown code is valid until the calling thread asks for
///         another one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTAsync_strerror(code: c_int) -> *const c_char {
    entry!(untraced: ptr::null(), strerror::asynchronous(code))
}
