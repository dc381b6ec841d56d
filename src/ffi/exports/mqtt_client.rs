//! The functions of `MQTTClient.h`, but for those about messages (`mqtt_client_messages`): one line each, what they do is in [`crate::ffi::sync_api`].
#![allow(non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown, clippy::missing_safety_doc)] // the comments are the header's Doxygen manual

use std::ptr;

use libc::{c_char, c_int, c_ulong, c_void};

use super::version;
use crate::ffi::entry::entry;
#[allow(clippy::wildcard_imports)] // this file uses nearly every name there
use crate::ffi::types::client_types::*;
use crate::ffi::types::property_types::MQTTProperties;
use crate::ffi::types::reason_codes::MQTTReasonCodes;
use crate::ffi::{memory, strerror, sync_api};

/// The response that stands for a failure inside the library.
pub(super) const FAILED: MQTTResponse = MQTTResponse {
    version: 1,
    reasonCode: MQTTCLIENT_FAILURE,
    reasonCodeCount: 0,
    reasonCodes: ptr::null_mut(),
    properties: ptr::null_mut(),
};

/// Does nothing: the library and OpenSSL initialise themselves when they are first used. For programs that call it.
///
/// @param inits the options: start from #MQTTClient_init_options_initializer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_global_init(inits: *mut MQTTClient_init_options) {
    entry!(untraced: (), sync_api::global_init(inits));
}

/// Sets the callbacks of a client, and so makes it an asynchronous one: messages are then received by a thread of the
/// library's and handed to the callbacks, MQTTClient_receive() fails, and MQTTClient_yield() does nothing for it. There is no
/// way back. May be called at any time.
///
/// @param handle the client.
/// @param context passed to the callbacks; the library does not look at it.
/// @param cl called when the connection is lost, or NULL.
/// @param ma called for each message that arrives. Must not be NULL.
/// @param dc called for each message delivered, or NULL.
/// @return #MQTTCLIENT_SUCCESS, or #MQTTCLIENT_FAILURE: not a client, or \p ma is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_setCallbacks(
    handle: MQTTClient,
    context: *mut c_void,
    cl: MQTTClient_connectionLost,
    ma: MQTTClient_messageArrived,
    dc: MQTTClient_deliveryComplete,
) -> c_int {
    entry!(
        MQTTCLIENT_FAILURE,
        sync_api::set_callbacks(handle, context, cl, ma, dc)
    )
}

/// Sets the callback for a DISCONNECT packet from a MQTT 5 server, for a client that has callbacks (MQTTClient_setCallbacks()).
///
/// @param handle the client.
/// @param context passed to the callback; the library does not look at it.
/// @param co the callback, or NULL for none.
/// @return #MQTTCLIENT_SUCCESS, or #MQTTCLIENT_FAILURE: not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_setDisconnected(
    handle: MQTTClient,
    context: *mut c_void,
    co: MQTTClient_disconnected,
) -> c_int {
    entry!(
        MQTTCLIENT_FAILURE,
        sync_api::set_disconnected(handle, context, co)
    )
}

/// Sets the callback for acknowledgements of messages published with MQTT 5, for a client that has callbacks
/// (MQTTClient_setCallbacks()).
///
/// @param handle the client.
/// @param context passed to the callback; the library does not look at it.
/// @param co the callback, or NULL for none.
/// @return #MQTTCLIENT_SUCCESS, or #MQTTCLIENT_FAILURE: not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_setPublished(
    handle: MQTTClient,
    context: *mut c_void,
    co: MQTTClient_published,
) -> c_int {
    entry!(
        MQTTCLIENT_FAILURE,
        sync_api::set_published(handle, context, co)
    )
}

/// Makes a client for MQTT 3.1 and 3.1.1. Nothing is sent yet.
///
/// @param handle receives the client: destroy it with MQTTClient_destroy().
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
/// @return #MQTTCLIENT_SUCCESS; #MQTTCLIENT_NULL_PARAMETER; #MQTTCLIENT_BAD_UTF8_STRING; #MQTTCLIENT_BAD_PROTOCOL;
///         #MQTTCLIENT_PERSISTENCE_ERROR, or the code of a store of the program's, if the store cannot be opened or used, or is
///         open already; #MQTTCLIENT_FAILURE. What is wrong with host or port shows when connecting.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_create(
    handle: *mut MQTTClient,
    serverURI: *const c_char,
    clientId: *const c_char,
    persistence_type: c_int,
    persistence_context: *mut c_void,
) -> c_int {
    entry!(
        MQTTCLIENT_FAILURE,
        sync_api::create(
            handle,
            serverURI,
            clientId,
            persistence_type,
            persistence_context
        )
    )
}

/// Makes a client, for the MQTT version that the options say. Otherwise like MQTTClient_create().
///
/// @param handle receives the client: destroy it with MQTTClient_destroy().
/// @param serverURI the server: see MQTTClient_create().
/// @param clientId the client identifier: see MQTTClient_create().
/// @param persistence_type see MQTTClient_create().
/// @param persistence_context see MQTTClient_create().
/// @param options the options: start from #MQTTClient_createOptions_initializer. NULL for the default.
/// @return as MQTTClient_create(); #MQTTCLIENT_BAD_STRUCTURE for the options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_createWithOptions(
    handle: *mut MQTTClient,
    serverURI: *const c_char,
    clientId: *const c_char,
    persistence_type: c_int,
    persistence_context: *mut c_void,
    options: *mut MQTTClient_createOptions,
) -> c_int {
    entry!(
        MQTTCLIENT_FAILURE,
        sync_api::create_with_options(
            handle,
            serverURI,
            clientId,
            persistence_type,
            persistence_context,
            options
        )
    )
}

/// A list of facts about the library.
///
/// @return an array of names and values, among them `Product name`, `Version` and `Build level`. The last entry has the
///         name NULL. It belongs to the library and never changes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_getVersionInfo() -> *mut MQTTClient_nameValue {
    entry!(untraced: ptr::null_mut(), version::client())
}

/// Connects to the server, with MQTT 3.1 or 3.1.1. Waits for the outcome, up to `connectTimeout` seconds for each server and
/// version tried. A client that is connected is disconnected first.
///
/// @param handle the client.
/// @param options the options: start from #MQTTClient_connectOptions_initializer. On success `returned` is filled in.
/// @return #MQTTCLIENT_SUCCESS, or the server's refusal. 1: it does not speak this MQTT version; 2: it does not accept
///         the client identifier; 3: it is unavailable; 4: user name or password are wrong; 5: not authorised. Or
///         #MQTTCLIENT_FAILURE if no server could be reached, or its certificate was not accepted, or another thread is
///         connecting this client, or for options that no server can be connected to with (MQTTClient_strerror() says which;
///         a client that is connected stays so); #MQTTCLIENT_NULL_PARAMETER, also where \p handle is not a client or `ssl` is missing;
///         #MQTTCLIENT_BAD_STRUCTURE; #MQTTCLIENT_BAD_UTF8_STRING; #MQTTCLIENT_BAD_QOS and #MQTTCLIENT_0_LEN_WILL_TOPIC for
///         the will; #MQTTCLIENT_BAD_MQTT_VERSION; #MQTTCLIENT_BAD_MQTT_OPTION; #MQTTCLIENT_SSL_NOT_SUPPORTED;
///         #MQTTCLIENT_WRONG_MQTT_VERSION for a MQTT 5 client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_connect(
    handle: MQTTClient,
    options: *mut MQTTClient_connectOptions,
) -> c_int {
    entry!(MQTTCLIENT_FAILURE, sync_api::connect(handle, options))
}

/// Frees what a response holds.
///
/// @param response what a MQTT 5 function returned. Its members must not be used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTResponse_free(response: MQTTResponse) {
    entry!((), memory::free_response(response));
}

/// Connects to the server, with MQTT 5. Waits for the outcome, up to `connectTimeout` seconds.
///
/// @param handle the client.
/// @param options the options: start from #MQTTClient_connectOptions_initializer5.
/// @param connectProperties properties of the connection, or NULL.
/// @param willProperties properties of the will, or NULL.
/// @return a response. Its reasonCode is the server's reason code, #MQTTREASONCODE_SUCCESS if the client is connected
///         now, or a negative code as of MQTTClient_connect(); properties are those of the server's answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_connect5(
    handle: MQTTClient,
    options: *mut MQTTClient_connectOptions,
    connectProperties: *mut MQTTProperties,
    willProperties: *mut MQTTProperties,
) -> MQTTResponse {
    entry!(
        FAILED,
        sync_api::connect5(handle, options, connectProperties, willProperties)
    )
}

/// Disconnects from the server, after having waited for messages in flight to be delivered. The will is not published.
///
/// @param handle the client.
/// @param timeout how many milliseconds to wait for messages in flight; 0 for not at all.
/// @return #MQTTCLIENT_SUCCESS, also if it was not connected; #MQTTCLIENT_FAILURE: not a client, or another thread is
///         connecting or disconnecting it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_disconnect(handle: MQTTClient, timeout: c_int) -> c_int {
    entry!(MQTTCLIENT_FAILURE, sync_api::disconnect(handle, timeout))
}

/// Disconnects from the server, MQTT 5, after having waited for messages in flight to be delivered.
///
/// @param handle the client.
/// @param timeout how many milliseconds to wait for messages in flight; 0 for not at all.
/// @param reason what to tell the server: #MQTTREASONCODE_NORMAL_DISCONNECTION, or
///        #MQTTREASONCODE_DISCONNECT_WITH_WILL_MESSAGE to have the will published.
/// @param props properties to send, or NULL.
/// @return as MQTTClient_disconnect(); #MQTTCLIENT_BAD_MQTT_OPTION for the reason or the properties.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_disconnect5(
    handle: MQTTClient,
    timeout: c_int,
    reason: MQTTReasonCodes,
    props: *mut MQTTProperties,
) -> c_int {
    entry!(
        MQTTCLIENT_FAILURE,
        sync_api::disconnect5(handle, timeout, reason, props)
    )
}

/// Says whether a client is connected.
///
/// @param handle the client.
/// @return 1 if it is, also while a disconnect waits for messages in flight; 0 if it is not, or if \p handle is not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_isConnected(handle: MQTTClient) -> c_int {
    entry!(0, sync_api::is_connected(handle))
}

/// Destroys a client: disconnects it, without waiting for messages in flight, and closes its store, which keeps them. Calls
/// of other threads that wait for something return with an error. When it returns, no callback of the client's runs any
/// more, but for the one it was called from.
///
/// @param handle points at the handle, which is set to NULL. Nothing is done if it is not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_destroy(handle: *mut MQTTClient) {
    entry!((), sync_api::destroy(handle));
}

/// Sets the level of detail of the trace, wherever it goes: trace callback, standard output or file. Overrides the environment
/// when called after the first create.
///
/// @param level the level.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_setTraceLevel(level: MQTTCLIENT_TRACE_LEVELS) {
    entry!(untraced: (), sync_api::set_trace_level(level));
}

/// Sets the function that is called with each line of the trace. There is one for the process, for both APIs.
///
/// @param callback the function, or NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_setTraceCallback(callback: MQTTClient_traceCallback) {
    entry!(untraced: (), sync_api::set_trace_callback(callback));
}

/// Sets how long subscribing and unsubscribing wait for the server's answer. 10 seconds unless set.
///
/// @param handle the client.
/// @param milliSeconds the time in milliseconds, at least 5000.
/// @return #MQTTCLIENT_SUCCESS, or #MQTTCLIENT_FAILURE: not a client, or less than 5000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_setCommandTimeout(
    handle: MQTTClient,
    milliSeconds: c_ulong,
) -> c_int {
    entry!(
        MQTTCLIENT_FAILURE,
        sync_api::set_command_timeout(handle, milliSeconds)
    )
}

/// A text for a return code.
///
/// @param code one of the `MQTTCLIENT_` codes; for reason codes there is MQTTReasonCode_toString().
/// @return the text, which belongs to the library. That of an unknown code is valid until the calling thread asks for
///         another one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_strerror(code: c_int) -> *const c_char {
    entry!(untraced: ptr::null(), strerror::client(code))
}
