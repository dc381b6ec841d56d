//! Types and constants of `MQTTAsync.h`.
#![allow(non_camel_case_types, non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown)] // the comments are the headers' Doxygen manual, with its markup

use libc::{c_char, c_int, c_void};

use crate::ffi::types::property_types::MQTTProperties;
use crate::ffi::types::reason_codes::MQTTReasonCodes;
use crate::ffi::types::shared_types::{
    Binary, InitOptions, Message, NameValue, SslOptions, WillOptions,
};
use crate::ffi::types::subscribe_types::MQTTSubscribe_options;

/// Return code: accepted. For a request with callbacks: one of them will tell how it went.
pub const MQTTASYNC_SUCCESS: c_int = 0;
/// Return code: failed for a reason that no other code names, such as an unreachable server or a timeout.
pub const MQTTASYNC_FAILURE: c_int = -1;
/// Return code: the message store could not do its work.
pub const MQTTASYNC_PERSISTENCE_ERROR: c_int = -2;
/// Return code: the client is not connected.
pub const MQTTASYNC_DISCONNECTED: c_int = -3;
/// Not returned: messages beyond `maxInflight` wait their turn.
pub const MQTTASYNC_MAX_MESSAGES_INFLIGHT: c_int = -4;
/// Return code: a string is not valid UTF-8, or has a character that MQTT does not allow.
pub const MQTTASYNC_BAD_UTF8_STRING: c_int = -5;
/// Return code: a parameter is NULL that must not be.
pub const MQTTASYNC_NULL_PARAMETER: c_int = -6;
/// Code for a topic that contains a NUL. Not returned: MQTT forbids such topics, and a server that sends one is
/// disconnected.
pub const MQTTASYNC_TOPICNAME_TRUNCATED: c_int = -7;
/// Return code: a structure does not have the eye catcher and version that it should. Use its initializer.
pub const MQTTASYNC_BAD_STRUCTURE: c_int = -8;
/// Return code: a quality of service is not 0, 1 or 2.
pub const MQTTASYNC_BAD_QOS: c_int = -9;
/// Return code: all 65,535 packet identifiers are in use.
pub const MQTTASYNC_NO_MORE_MSGIDS: c_int = -10;
/// Code given to onFailure: the connection or the session ended, or the client was destroyed, before the request was
/// complete; or the message expired while it waited.
pub const MQTTASYNC_OPERATION_INCOMPLETE: c_int = -11;
/// Return code: the buffer for messages which wait for a connection is full.
pub const MQTTASYNC_MAX_BUFFERED_MESSAGES: c_int = -12;
/// Return code of connecting: an entry of `serverURIs` asks for TLS, and this is a library without TLS. For a client's own
/// URI creating it fails with #MQTTASYNC_BAD_PROTOCOL.
pub const MQTTASYNC_SSL_NOT_SUPPORTED: c_int = -13;
/// Return code: the server URI begins with a protocol that the library does not know; one without TLS does not know those
/// with.
pub const MQTTASYNC_BAD_PROTOCOL: c_int = -14;
/// Return code: an option was used that belongs to another MQTT version.
pub const MQTTASYNC_BAD_MQTT_OPTION: c_int = -15;
/// Return code: a function was called that belongs to another MQTT version than the client was created for.
pub const MQTTASYNC_WRONG_MQTT_VERSION: c_int = -16;
/// Return code: the will's topic is empty.
pub const MQTTASYNC_0_LEN_WILL_TOPIC: c_int = -17;
/// Return code: the client is connected already, or a connect or disconnect is under way, so this one is ignored.
pub const MQTTASYNC_COMMAND_IGNORED: c_int = -18;
/// Return code: `maxBufferedMessages` is not a number that can be used.
pub const MQTTASYNC_MAX_BUFFERED: c_int = -19;
/// What MQTTAsync_isConnected() and MQTTAsync_isComplete() return for yes.
pub const MQTTASYNC_TRUE: c_int = 1;

/// A client, as made by MQTTAsync_create(). An opaque handle: after MQTTAsync_destroy() every function refuses it.
pub type MQTTAsync = *mut c_void;

/// Identifies a request: see MQTTAsync_waitForCompletion(), MQTTAsync_isComplete() and MQTTAsync_getPendingTokens().
/// Unique among the requests which the client has under way.
pub type MQTTAsync_token = c_int;

/// The shared [`InitOptions`] under this API's name.
pub type MQTTAsync_init_options = InitOptions;
/// The shared [`Message`] under this API's name.
pub type MQTTAsync_message = Message;
/// The shared [`WillOptions`] under this API's name.
pub type MQTTAsync_willOptions = WillOptions;
/// The shared [`SslOptions`] under this API's name.
pub type MQTTAsync_SSLOptions = SslOptions;
/// The shared [`NameValue`] under this API's name.
pub type MQTTAsync_nameValue = NameValue;

/// Called for each message that arrives.
///
/// Runs on a thread of the library's, one call at a time for each client, in the order of arrival. It may take its
/// time, and it may call any function of the library, for this client too.
///
/// @param context what was given to MQTTAsync_setCallbacks().
/// @param topicName the topic. Yours when 1 is returned: give it to MQTTAsync_free().
/// @param topicLen length of the topic in bytes. A NUL follows the topic as well.
/// @param message the message. Yours when 1 is returned: give it to MQTTAsync_freeMessage().
/// @return 1: taken. 0: not taken; then free nothing, and the same message is offered again a little later.
pub type MQTTAsync_messageArrived = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        topicName: *mut c_char,
        topicLen: c_int,
        message: *mut MQTTAsync_message,
    ) -> c_int,
>;

/// Called when a message of QoS 1 or 2 has been delivered, or refused by a MQTT 5 server: the last acknowledgement is there.
/// Before the callbacks of the request itself, and independent of them.
///
/// Runs on a thread of the library's, as ::MQTTAsync_messageArrived does.
///
/// @param context what was given to MQTTAsync_setCallbacks().
/// @param token the token of the request.
pub type MQTTAsync_deliveryComplete =
    Option<unsafe extern "C" fn(context: *mut c_void, token: MQTTAsync_token)>;

/// Called once when the connection is lost without MQTTAsync_disconnect() having been called. Not called when a MQTT 5
/// server has ended it with a DISCONNECT packet: for that there is MQTTAsync_setDisconnected(). The client stays usable: it
/// can connect again, from within this function too, and does so by itself where `automaticReconnect` is set.
///
/// Runs on a thread of the library's, as ::MQTTAsync_messageArrived does.
///
/// @param context what was given to MQTTAsync_setCallbacks().
/// @param cause why the connection was lost; belongs to the library.
pub type MQTTAsync_connectionLost =
    Option<unsafe extern "C" fn(context: *mut c_void, cause: *mut c_char)>;

/// Called each time a connection is complete: the first one, and every automatic one. After the onSuccess of the connect.
///
/// Runs on a thread of the library's, as ::MQTTAsync_messageArrived does.
///
/// @param context what was given to MQTTAsync_setConnected().
/// @param cause "connect onSuccess called" or "automatic reconnect"; belongs to the library.
pub type MQTTAsync_connected =
    Option<unsafe extern "C" fn(context: *mut c_void, cause: *mut c_char)>;

/// Called when a MQTT 5 server ends the connection with a DISCONNECT packet, which says why.
///
/// Runs on a thread of the library's, as ::MQTTAsync_messageArrived does.
///
/// @param context what was given to MQTTAsync_setDisconnected().
/// @param properties the packet's properties; they belong to the library.
/// @param reasonCode the packet's reason code.
pub type MQTTAsync_disconnected = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        properties: *mut MQTTProperties,
        reasonCode: MQTTReasonCodes,
    ),
>;

/// What a program may change before an automatic reconnect: see ::MQTTAsync_updateConnectOptions.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTAsync_connectData {
    /// Eye catcher: the characters `MQCD`.
    pub struct_id: [c_char; 4],
    /// Version of this structure: 0.
    pub struct_version: c_int,
    /// User name, or NULL for none.
    pub username: *const c_char,
    /// Password, as text or not.
    pub binarypwd: Binary,
}

/// Called before each automatic reconnect, so that a program can replace credentials which have expired.
///
/// User name and password belong to the library. To replace one, first give the old one to MQTTAsync_free() if it is
/// not NULL, then set the member to memory from MQTTAsync_malloc(), which the library will free.
///
/// Runs on a thread of the library's.
///
/// @param context what was given to MQTTAsync_setUpdateConnectOptions().
/// @param data the credentials.
/// @return other than 0: the credentials have changed. 0: they have not.
pub type MQTTAsync_updateConnectOptions =
    Option<unsafe extern "C" fn(context: *mut c_void, data: *mut MQTTAsync_connectData) -> c_int>;

/// Why a request failed, MQTT 3.1 and 3.1.1. Belongs to the library and is valid during the callback only.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTAsync_failureData {
    /// The request.
    pub token: MQTTAsync_token,
    /// A negative `MQTTASYNC_` code, or the positive code of the server's refusal.
    pub code: c_int,
    /// A text about the failure, or NULL.
    pub message: *const c_char,
}

/// Why a request failed, MQTT 5. Belongs to the library and is valid during the callback only.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTAsync_failureData5 {
    /// Eye catcher: the characters `MQFD`.
    pub struct_id: [c_char; 4],
    /// Version of this structure: 0.
    pub struct_version: c_int,
    /// The request.
    pub token: MQTTAsync_token,
    /// The reason code in the server's answer, if that is what failed the request.
    pub reasonCode: MQTTReasonCodes,
    /// Properties of the server's answer.
    pub properties: MQTTProperties,
    /// A negative `MQTTASYNC_` code; 0 where `reasonCode` says it all; of a refused connect the reason code again.
    pub code: c_int,
    /// A text about the failure, or NULL.
    pub message: *const c_char,
    /// Type of the packet that failed the request, as in the MQTT specification (5 for PUBREC); 0 for none.
    pub packet_type: c_int,
}

/// What was published.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTAsync_published {
    /// The message.
    pub message: MQTTAsync_message,
    /// The topic it was published to.
    pub destinationName: *mut c_char,
}

/// What was connected to.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTAsync_connection {
    /// The server.
    pub serverURI: *mut c_char,
    /// The MQTT version in use.
    pub MQTTVersion: c_int,
    /// 1: the server has resumed an earlier session.
    pub sessionPresent: c_int,
}

/// The server's answers to a subscribe or unsubscribe.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTAsync_reasonCodeList {
    /// Number of entries in `reasonCodes`.
    pub reasonCodeCount: c_int,
    /// One reason code for each topic. The first one is in `reasonCode` of the structure too; the original has it there only
    /// if there is one topic.
    pub reasonCodes: *mut MQTTReasonCodes,
}

/// Details of a success, by the kind of request.
#[repr(C)]
#[derive(Clone, Copy)]
pub union MQTTAsync_successDetails {
    /// MQTTAsync_subscribe(): the quality of service granted.
    pub qos: c_int,
    /// MQTTAsync_subscribeMany(): the quality of service granted for each topic, #MQTT_BAD_SUBSCRIBE for one refused.
    pub qosList: *mut c_int,
    /// MQTTAsync_send() and MQTTAsync_sendMessage(): what was published.
    pub r#pub: MQTTAsync_published,
    /// MQTTAsync_connect(): the connection.
    pub connect: MQTTAsync_connection,
}

/// About a request that succeeded, MQTT 3.1 and 3.1.1. Belongs to the library and is valid during the callback only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MQTTAsync_successData {
    /// The request.
    pub token: MQTTAsync_token,
    /// Details, in the member for the kind of request. There are none for MQTTAsync_unsubscribe() and
    /// MQTTAsync_disconnect().
    pub alt: MQTTAsync_successDetails,
}

/// Details of a MQTT 5 success, by the kind of request.
#[repr(C)]
#[derive(Clone, Copy)]
pub union MQTTAsync_successDetails5 {
    /// MQTTAsync_subscribe() and MQTTAsync_subscribeMany(): the server's answers.
    pub sub: MQTTAsync_reasonCodeList,
    /// MQTTAsync_send() and MQTTAsync_sendMessage(): what was published.
    pub r#pub: MQTTAsync_published,
    /// MQTTAsync_connect(): the connection.
    pub connect: MQTTAsync_connection,
    /// MQTTAsync_unsubscribe() and MQTTAsync_unsubscribeMany(): the server's answers.
    pub unsub: MQTTAsync_reasonCodeList,
}

/// About a request that succeeded, MQTT 5. Belongs to the library and is valid during the callback only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MQTTAsync_successData5 {
    /// Eye catcher: the characters `MQSD`.
    pub struct_id: [c_char; 4],
    /// Version of this structure: 0.
    pub struct_version: c_int,
    /// The request.
    pub token: MQTTAsync_token,
    /// The reason code in the server's answer; 0 for a message published.
    pub reasonCode: MQTTReasonCodes,
    /// Properties of the server's answer; of a message published its own, if the answer has none.
    pub properties: MQTTProperties,
    /// Details, in the member for the kind of request. There are none for MQTTAsync_disconnect().
    pub alt: MQTTAsync_successDetails5,
}

/// Called when a request has succeeded, MQTT 3.1 and 3.1.1. Of a request's callbacks exactly one is called, once.
///
/// Runs on a thread of the library's, one call at a time for each client. It may take its time, and it may call any
/// function of the library, for this client too.
///
/// @param context the context given with the request.
/// @param response about the request; may be NULL. Belongs to the library.
pub type MQTTAsync_onSuccess =
    Option<unsafe extern "C" fn(context: *mut c_void, response: *mut MQTTAsync_successData)>;

/// Called when a MQTT 5 request has succeeded. Of a request's callbacks exactly one is called, once.
///
/// Runs on a thread of the library's, as ::MQTTAsync_onSuccess does.
///
/// @param context the context given with the request.
/// @param response about the request. Belongs to the library.
pub type MQTTAsync_onSuccess5 =
    Option<unsafe extern "C" fn(context: *mut c_void, response: *mut MQTTAsync_successData5)>;

/// Called when a request has failed, MQTT 3.1 and 3.1.1. Of a request's callbacks exactly one is called, once.
///
/// Runs on a thread of the library's, as ::MQTTAsync_onSuccess does.
///
/// @param context the context given with the request.
/// @param response about the failure; may be NULL. Belongs to the library.
pub type MQTTAsync_onFailure =
    Option<unsafe extern "C" fn(context: *mut c_void, response: *mut MQTTAsync_failureData)>;

/// Called when a MQTT 5 request has failed. Of a request's callbacks exactly one is called, once.
///
/// Runs on a thread of the library's, as ::MQTTAsync_onSuccess does.
///
/// @param context the context given with the request.
/// @param response about the failure. Belongs to the library.
pub type MQTTAsync_onFailure5 =
    Option<unsafe extern "C" fn(context: *mut c_void, response: *mut MQTTAsync_failureData5)>;

/// Options of a request: whom to tell about its outcome, and the MQTT 5 details.
///
/// Start from #MQTTAsync_responseOptions_initializer. Everything is copied before the call returns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTAsync_responseOptions {
    /// Eye catcher: the characters `MQTR`.
    pub struct_id: [c_char; 4],
    /// Version of this structure. 0: up to `token`, not with MQTT 5; 1: the whole.
    pub struct_version: c_int,
    /// Called on success, or NULL. MQTT 3.1 and 3.1.1: must be NULL with MQTT 5.
    pub onSuccess: MQTTAsync_onSuccess,
    /// Called on failure, or NULL. MQTT 3.1 and 3.1.1: must be NULL with MQTT 5.
    pub onFailure: MQTTAsync_onFailure,
    /// Passed to the callbacks; the library does not look at it.
    pub context: *mut c_void,
    /// Filled in by the call: identifies the request.
    pub token: MQTTAsync_token,
    /// Called on success, or NULL. MQTT 5.
    pub onSuccess5: MQTTAsync_onSuccess5,
    /// Called on failure, or NULL. MQTT 5.
    pub onFailure5: MQTTAsync_onFailure5,
    /// Properties to send with the request. MQTT 5. Not for MQTTAsync_sendMessage(): the message has its own.
    pub properties: MQTTProperties,
    /// Options of the subscription, for MQTTAsync_subscribe(). MQTT 5.
    pub subscribeOptions: MQTTSubscribe_options,
    /// Number of entries in `subscribeOptionsList`: 0, or as many as there are topics.
    pub subscribeOptionsCount: c_int,
    /// Options of each subscription, for MQTTAsync_subscribeMany(). MQTT 5. NULL for the default.
    pub subscribeOptionsList: *mut MQTTSubscribe_options,
}

/// Another name of ::MQTTAsync_responseOptions.
pub type MQTTAsync_callOptions = MQTTAsync_responseOptions;

/// Options of MQTTAsync_createWithOptions().
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTAsync_createOptions {
    /// Eye catcher: the characters `MQCO`.
    pub struct_id: [c_char; 4],
    /// Version of this structure. 0: up to `maxBufferedMessages`; 1: up to `allowDisconnectedSendAtAnyTime`; 2 or 3: the
    /// whole.
    pub struct_version: c_int,
    /// 1: messages can be sent while the client is not connected; they wait in a buffer.
    pub sendWhileDisconnected: c_int,
    /// How many messages may wait in that buffer.
    pub maxBufferedMessages: c_int,
    /// The MQTT version the client is for: one of the `MQTTVERSION_` constants.
    pub MQTTVersion: c_int,
    /// 1: sending is possible even before the first connection. 0: only once there has been one.
    pub allowDisconnectedSendAtAnyTime: c_int,
    /// When the buffer is full, 1: the oldest message is dropped (its onFailure is called). 0: the new one is refused
    /// with #MQTTASYNC_MAX_BUFFERED_MESSAGES.
    pub deleteOldestMessages: c_int,
    /// 1: messages that the store holds and that were waiting, to be sent or for the program to take them, are taken over.
    /// 0: they are removed. What was in flight is taken over in any case.
    pub restoreMessages: c_int,
    /// 1: messages of QoS 0 that wait for a connection are put into the store as well. 0: they are not.
    pub persistQoS0: c_int,
}

/// Options of MQTTAsync_connect().
///
/// Start from one of the initializers: #MQTTAsync_connectOptions_initializer, #MQTTAsync_connectOptions_initializer5
/// for MQTT 5, and their `_ws` forms for WebSockets. Everything is copied before the call returns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTAsync_connectOptions {
    /// Eye catcher: the characters `MQTC`.
    pub struct_id: [c_char; 4],
    /// Version of this structure. 0: up to `context`, without `ssl`; 1: with `ssl`; 2: up to `serverURIs`; 3: up to
    /// `MQTTVersion`; 4: up to `maxRetryInterval`; 5: up to `binarypwd`; 6: up to `onFailure5`; 7: up to `httpHeaders`;
    /// 8: the whole. MQTT 5 needs at least 6.
    pub struct_version: c_int,
    /// Keep alive interval in seconds: when nothing has been sent or nothing received for this long, a ping is sent; a
    /// ping that stays unanswered ends the connection. 0: no pings.
    pub keepAliveInterval: c_int,
    /// MQTT 3.1 and 3.1.1. 1: the session begins empty, and the server forgets it at the end of the connection.
    /// 0: subscriptions and messages in flight of an earlier connection with this client identifier live on. With
    /// MQTT 5 it must be 0: use `cleanstart`.
    pub cleansession: c_int,
    /// How many messages of QoS 1 and 2 may be in flight; more of them wait their turn.
    pub maxInflight: c_int,
    /// The will, or NULL for none.
    pub will: *mut MQTTAsync_willOptions,
    /// User name, or NULL for none.
    pub username: *const c_char,
    /// Password, or NULL for none; see also `binarypwd`.
    pub password: *const c_char,
    /// How many seconds connecting to one server with one MQTT version may take, all of it; at least 1.
    pub connectTimeout: c_int,
    /// Has no effect: an unacknowledged message is sent again on the next connection only, as MQTT prescribes.
    pub retryInterval: c_int,
    /// TLS options; must not be NULL when the server URI asks for TLS.
    pub ssl: *mut MQTTAsync_SSLOptions,
    /// Called when connected, or NULL. MQTT 3.1 and 3.1.1; with MQTT 5 too, instead of `onSuccess5`.
    pub onSuccess: MQTTAsync_onSuccess,
    /// Called when no server accepted the connection, or NULL. MQTT 3.1 and 3.1.1; with MQTT 5 too, instead of `onFailure5`.
    pub onFailure: MQTTAsync_onFailure,
    /// Passed to the callbacks; the library does not look at it.
    pub context: *mut c_void,
    /// Number of entries in `serverURIs`, 0 for none.
    pub serverURIcount: c_int,
    /// Servers to try one after another until one accepts the connection, instead of the one that the client was
    /// created with.
    pub serverURIs: *const *mut c_char,
    /// MQTT version: one of the `MQTTVERSION_` constants.
    pub MQTTVersion: c_int,
    /// 1: a connection that was lost, or that could not be made, is made anew by the library, again and again until it
    /// succeeds or the program disconnects. onFailure is called for the program's own attempt only.
    pub automaticReconnect: c_int,
    /// Seconds to wait before the first automatic attempt, at least 1. The time doubles with each failure...
    pub minRetryInterval: c_int,
    /// ...up to this many seconds, and stays there. Each wait is up to a fifth longer or shorter, so that clients that lost
    /// their server together do not come back together.
    pub maxRetryInterval: c_int,
    /// A password that is not text; looked at when `password` is NULL.
    pub binarypwd: Binary,
    /// MQTT 5. 1: the session begins empty. 0: an earlier session with this client identifier lives on. When the
    /// session ends is up to #MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL.
    pub cleanstart: c_int,
    /// Properties of the connection, or NULL. MQTT 5.
    pub connectProperties: *mut MQTTProperties,
    /// Properties of the will, or NULL. MQTT 5.
    pub willProperties: *mut MQTTProperties,
    /// Called when connected, or NULL. MQTT 5.
    pub onSuccess5: MQTTAsync_onSuccess5,
    /// Called when no server accepted the connection, or NULL. MQTT 5.
    pub onFailure5: MQTTAsync_onFailure5,
    /// Headers to send with a WebSocket handshake; an entry with a NULL name is the end. NULL for none.
    pub httpHeaders: *const MQTTAsync_nameValue,
    /// The proxy for connections without TLS, as `http://[user:password@]host:port`, `socks5://`... or, where the proxy is to
    /// look names up, `socks5h://`... NULL for the one which the environment variable `http_proxy` or else `all_proxy` names,
    /// where `PAHO_C_CLIENT_USE_HTTP_PROXY` is `TRUE` and `no_proxy` does not have the
    /// server. Empty for none. A connect with a URL that cannot be used fails at once.
    pub httpProxy: *const c_char,
    /// The proxy for connections with TLS, in the same form. NULL for the one which `https_proxy` names, likewise.
    pub httpsProxy: *const c_char,
}

/// Options of MQTTAsync_disconnect().
///
/// Start from #MQTTAsync_disconnectOptions_initializer, or #MQTTAsync_disconnectOptions_initializer5 for MQTT 5.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTAsync_disconnectOptions {
    /// Eye catcher: the characters `MQTD`.
    pub struct_id: [c_char; 4],
    /// Version of this structure. 0: up to `context`; 1: the whole.
    pub struct_version: c_int,
    /// How many milliseconds to wait for messages in flight to be delivered before the connection is closed.
    pub timeout: c_int,
    /// Called when disconnected, or NULL.
    pub onSuccess: MQTTAsync_onSuccess,
    /// Called when disconnecting has failed, or NULL.
    pub onFailure: MQTTAsync_onFailure,
    /// Passed to the callbacks; the library does not look at it.
    pub context: *mut c_void,
    /// Properties to send. MQTT 5.
    pub properties: MQTTProperties,
    /// Reason code to send. MQTT 5.
    pub reasonCode: MQTTReasonCodes,
    /// Called when disconnected, or NULL. MQTT 5.
    pub onSuccess5: MQTTAsync_onSuccess5,
    /// Called when disconnecting has failed, or NULL. MQTT 5.
    pub onFailure5: MQTTAsync_onFailure5,
}

/// Levels of detail of the trace, for MQTTAsync_setTraceLevel(). Each includes those after it.
pub type MQTTASYNC_TRACE_LEVELS = c_int;
/// As #MQTTASYNC_TRACE_MINIMUM.
pub const MQTTASYNC_TRACE_MAXIMUM: MQTTASYNC_TRACE_LEVELS = 1;
/// As #MQTTASYNC_TRACE_MINIMUM.
pub const MQTTASYNC_TRACE_MEDIUM: MQTTASYNC_TRACE_LEVELS = 2;
/// Calls of the API's functions with their return codes, and what matters most of what the library does.
pub const MQTTASYNC_TRACE_MINIMUM: MQTTASYNC_TRACE_LEVELS = 3;
/// Each packet sent and received.
pub const MQTTASYNC_TRACE_PROTOCOL: MQTTASYNC_TRACE_LEVELS = 4;
/// Errors.
pub const MQTTASYNC_TRACE_ERROR: MQTTASYNC_TRACE_LEVELS = 5;
/// Errors inside the library.
pub const MQTTASYNC_TRACE_SEVERE: MQTTASYNC_TRACE_LEVELS = 6;
/// Errors after which the library cannot work.
pub const MQTTASYNC_TRACE_FATAL: MQTTASYNC_TRACE_LEVELS = 7;

/// Called with each line of the trace. Runs on whichever thread has something to trace. It may call the library; what that
/// does on the same thread is not traced.
///
/// @param level the line's level.
/// @param message the line, without an end of line; belongs to the library.
pub type MQTTAsync_traceCallback =
    Option<unsafe extern "C" fn(level: MQTTASYNC_TRACE_LEVELS, message: *mut c_char)>;
