//! Types and constants of `MQTTClient.h`.
#![allow(non_camel_case_types, non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown)] // the comments are the headers' Doxygen manual, with its markup

use libc::{c_char, c_int, c_void};

use crate::ffi::entry::Answer;
use crate::ffi::types::property_types::MQTTProperties;
use crate::ffi::types::reason_codes::MQTTReasonCodes;
use crate::ffi::types::shared_types::{
    Binary, InitOptions, Message, NameValue, SslOptions, WillOptions,
};

/// Return code: done. From MQTTClient_receive() it can also mean that the time was up and no message had come.
pub const MQTTCLIENT_SUCCESS: c_int = 0;
/// Return code: failed for a reason that no other code names, such as an unreachable server or a timeout.
pub const MQTTCLIENT_FAILURE: c_int = -1;
/// Return code: the client is not connected.
pub const MQTTCLIENT_DISCONNECTED: c_int = -3;
/// Return code: all 65,535 packet identifiers are in use. While fewer messages are in flight publishing waits instead.
pub const MQTTCLIENT_MAX_MESSAGES_INFLIGHT: c_int = -4;
/// Return code: a string is not valid UTF-8, or has a character that MQTT does not allow.
pub const MQTTCLIENT_BAD_UTF8_STRING: c_int = -5;
/// Return code: a parameter is NULL that must not be.
pub const MQTTCLIENT_NULL_PARAMETER: c_int = -6;
/// Code for a topic that contains a NUL. Not returned: MQTT forbids such topics, and a server that sends one is
/// disconnected.
pub const MQTTCLIENT_TOPICNAME_TRUNCATED: c_int = -7;
/// Return code: a structure does not have the eye catcher and version that it should. Use its initializer.
pub const MQTTCLIENT_BAD_STRUCTURE: c_int = -8;
/// Return code: a quality of service is not 0, 1 or 2.
pub const MQTTCLIENT_BAD_QOS: c_int = -9;
/// Return code of connecting: an entry of `serverURIs` asks for TLS, and this is a library without TLS. For a client's own
/// URI creating it fails with #MQTTCLIENT_BAD_PROTOCOL.
pub const MQTTCLIENT_SSL_NOT_SUPPORTED: c_int = -10;
/// Return code: not an MQTT version that the library knows.
pub const MQTTCLIENT_BAD_MQTT_VERSION: c_int = -11;
/// Return code: the server URI begins with a protocol that the library does not know; one without TLS does not know those
/// with.
pub const MQTTCLIENT_BAD_PROTOCOL: c_int = -14;
/// Return code: an option was used that belongs to another MQTT version.
pub const MQTTCLIENT_BAD_MQTT_OPTION: c_int = -15;
/// Return code: a function was called that belongs to another MQTT version than the client was created for.
pub const MQTTCLIENT_WRONG_MQTT_VERSION: c_int = -16;
/// Return code: the will's topic is empty.
pub const MQTTCLIENT_0_LEN_WILL_TOPIC: c_int = -17;

/// A client, as made by MQTTClient_create(). An opaque handle: after MQTTClient_destroy() every function refuses it.
pub type MQTTClient = *mut c_void;

/// Identifies a message on its way to the server: see MQTTClient_waitForCompletion(),
/// MQTTClient_getPendingDeliveryTokens() and ::MQTTClient_deliveryComplete. Unique among the messages which the client
/// has in flight.
pub type MQTTClient_deliveryToken = c_int;
/// Another name of ::MQTTClient_deliveryToken.
pub type MQTTClient_token = c_int;

/// The shared [`InitOptions`] under this API's name.
pub type MQTTClient_init_options = InitOptions;
/// The shared [`Message`] under this API's name.
pub type MQTTClient_message = Message;
/// The shared [`WillOptions`] under this API's name.
pub type MQTTClient_willOptions = WillOptions;
/// The shared [`SslOptions`] under this API's name.
pub type MQTTClient_SSLOptions = SslOptions;
/// The shared [`NameValue`] under this API's name.
pub type MQTTClient_nameValue = NameValue;

/// Called for each message that arrives.
///
/// Runs on a thread of the library's, one call at a time for each client, in the order of arrival. It may take its
/// time, and it may call any function of the library, for this client too.
///
/// @param context what was given to MQTTClient_setCallbacks().
/// @param topicName the topic. Yours when 1 is returned: give it to MQTTClient_free().
/// @param topicLen 0, as the topic is a C string; the length in bytes of a topic that holds NUL characters.
/// @param message the message. Yours when 1 is returned: give it to MQTTClient_freeMessage().
/// @return 1: taken. 0: not taken; then free nothing, and the same message is offered again a little later.
pub type MQTTClient_messageArrived = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        topicName: *mut c_char,
        topicLen: c_int,
        message: *mut MQTTClient_message,
    ) -> c_int,
>;

/// Called when a message of QoS 1 or 2 has been delivered, or refused by a MQTT 5 server: the last acknowledgement is there.
/// There is no call for QoS 0.
///
/// Runs on a thread of the library's, as ::MQTTClient_messageArrived does.
///
/// @param context what was given to MQTTClient_setCallbacks().
/// @param dt the token that publishing gave.
pub type MQTTClient_deliveryComplete =
    Option<unsafe extern "C" fn(context: *mut c_void, dt: MQTTClient_deliveryToken)>;

/// Called once when the connection is lost without MQTTClient_disconnect() having been called. Not called when a MQTT 5
/// server has ended it with a DISCONNECT packet: for that there is MQTTClient_setDisconnected(). The client stays usable: it
/// can connect again, from within this function too.
///
/// Runs on a thread of the library's, as ::MQTTClient_messageArrived does.
///
/// @param context what was given to MQTTClient_setCallbacks().
/// @param cause why the connection was lost; belongs to the library.
pub type MQTTClient_connectionLost =
    Option<unsafe extern "C" fn(context: *mut c_void, cause: *mut c_char)>;

/// Called when a MQTT 5 server ends the connection with a DISCONNECT packet, which says why.
///
/// Runs on a thread of the library's, as ::MQTTClient_messageArrived does.
///
/// @param context what was given to MQTTClient_setDisconnected().
/// @param properties the packet's properties; they belong to the library.
/// @param reasonCode the packet's reason code.
pub type MQTTClient_disconnected = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        properties: *mut MQTTProperties,
        reasonCode: MQTTReasonCodes,
    ),
>;

/// Called for the acknowledgement that ends the delivery of a message published with MQTT 5, error or not, with what it
/// says.
///
/// Runs on a thread of the library's, as ::MQTTClient_messageArrived does.
///
/// @param context what was given to MQTTClient_setPublished().
/// @param dt the token that publishing gave.
/// @param packet_type type of the packet: 4 PUBACK, 7 PUBCOMP, or 5 PUBREC where that refuses the message.
/// @param properties the packet's properties; they belong to the library.
/// @param reasonCode the packet's reason code.
pub type MQTTClient_published = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        dt: c_int,
        packet_type: c_int,
        properties: *mut MQTTProperties,
        reasonCode: MQTTReasonCodes,
    ),
>;

/// Options of MQTTClient_createWithOptions().
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTClient_createOptions {
    /// Eye catcher: the characters `MQCO`.
    pub struct_id: [c_char; 4],
    /// Version of this structure: 0.
    pub struct_version: c_int,
    /// The MQTT version the client is for: one of the `MQTTVERSION_` constants. With #MQTTVERSION_5 it can be used with
    /// MQTTClient_connect5() and the other functions whose names end in 5, else with those whose names do not.
    pub MQTTVersion: c_int,
}

/// What MQTTClient_connect() found out, in the options that were passed to it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTClient_returned {
    /// The server that the client is connected to, without `tcp://` or `mqtt://`. Belongs to the library; valid until the
    /// client connects again or is destroyed.
    pub serverURI: *const c_char,
    /// The MQTT version in use.
    pub MQTTVersion: c_int,
    /// 1: the server has resumed an earlier session.
    pub sessionPresent: c_int,
}

/// Options of MQTTClient_connect() and MQTTClient_connect5().
///
/// Start from one of the initializers: #MQTTClient_connectOptions_initializer,
/// #MQTTClient_connectOptions_initializer5 for MQTT 5, and their `_ws` forms for WebSockets. Everything is copied before
/// the call returns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTClient_connectOptions {
    /// Eye catcher: the characters `MQTC`.
    pub struct_id: [c_char; 4],
    /// Version of this structure. 0: up to `retryInterval`; 1: up to `ssl`; 2: up to `serverURIs`; 3: up to
    /// `MQTTVersion`; 4: up to `returned`; 5: up to `binarypwd`; 6: up to `cleanstart`; 7: up to `httpHeaders`; 8: the
    /// whole.
    pub struct_version: c_int,
    /// Keep alive interval in seconds: when nothing has been sent or nothing received for this long, a ping is sent; a
    /// ping that stays unanswered ends the connection. 0: no pings.
    pub keepAliveInterval: c_int,
    /// MQTT 3.1 and 3.1.1. 1: the session begins empty, and the server forgets it at the end of the connection.
    /// 0: subscriptions and messages in flight of an earlier connection with this client identifier live on. With
    /// MQTT 5 it must be 0: use `cleanstart`.
    pub cleansession: c_int,
    /// 1: at most one message is in flight, so publishing waits until the one before it is delivered. 0: up to 10 are.
    /// Without effect where `maxInflightMessages` is above 0.
    pub reliable: c_int,
    /// The will, or NULL for none.
    pub will: *mut MQTTClient_willOptions,
    /// User name, or NULL for none.
    pub username: *const c_char,
    /// Password, or NULL for none; see also `binarypwd`.
    pub password: *const c_char,
    /// How many seconds connecting to one server with one MQTT version may take, all of it; at least 1.
    pub connectTimeout: c_int,
    /// Has no effect: an unacknowledged message is sent again on the next connection only, as MQTT prescribes.
    pub retryInterval: c_int,
    /// TLS options; must not be NULL when the server URI asks for TLS.
    pub ssl: *mut MQTTClient_SSLOptions,
    /// Number of entries in `serverURIs`, 0 for none.
    pub serverURIcount: c_int,
    /// Servers to try one after another until one accepts the connection, instead of the one that the client was
    /// created with.
    pub serverURIs: *const *mut c_char,
    /// MQTT version: one of the `MQTTVERSION_` constants.
    pub MQTTVersion: c_int,
    /// Filled in by MQTTClient_connect() when it succeeds: about the connection.
    pub returned: MQTTClient_returned,
    /// A password that is not text; looked at when `password` is NULL.
    pub binarypwd: Binary,
    /// How many messages of QoS 1 and 2 may be in flight; 0 or less: what `reliable` says.
    pub maxInflightMessages: c_int,
    /// MQTT 5. 1: the session begins empty. 0: an earlier session with this client identifier lives on. When the
    /// session ends is up to #MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL.
    pub cleanstart: c_int,
    /// Headers to send with a WebSocket handshake; an entry with a NULL name is the end. NULL for none.
    pub httpHeaders: *const MQTTClient_nameValue,
    /// The proxy for connections without TLS, as `http://[user:password@]host:port`, `socks5://`... or, where the proxy is to
    /// look names up, `socks5h://`... NULL for the one which the environment variable `http_proxy` or else `all_proxy` names,
    /// where `PAHO_C_CLIENT_USE_HTTP_PROXY` is `TRUE` and `no_proxy` does not have the
    /// server. Empty for none. A connect with a URL that cannot be used fails at once.
    pub httpProxy: *const c_char,
    /// The proxy for connections with TLS, in the same form. NULL for the one which `https_proxy` names, likewise.
    pub httpsProxy: *const c_char,
}

/// Result of the MQTT 5 functions: give it to MQTTResponse_free() when done with it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTResponse {
    /// Version of this structure: 1.
    pub version: c_int,
    /// The result: a reason code from the server, or one of the negative `MQTTCLIENT_` return codes.
    pub reasonCode: MQTTReasonCodes,
    /// Number of reason codes in the server's answer to a subscribe or unsubscribe, else 0.
    pub reasonCodeCount: c_int,
    /// One reason code for each topic of MQTTClient_subscribeMany5() or MQTTClient_unsubscribeMany5(). NULL if there is only
    /// one: it is in `reasonCode`.
    pub reasonCodes: *mut MQTTReasonCodes,
    /// Properties of the server's answer, or NULL.
    pub properties: *mut MQTTProperties,
}

/// Levels of detail of the trace, for MQTTClient_setTraceLevel(). Each includes those after it.
pub type MQTTCLIENT_TRACE_LEVELS = c_int;
/// As #MQTTCLIENT_TRACE_MINIMUM.
pub const MQTTCLIENT_TRACE_MAXIMUM: MQTTCLIENT_TRACE_LEVELS = 1;
/// As #MQTTCLIENT_TRACE_MINIMUM.
pub const MQTTCLIENT_TRACE_MEDIUM: MQTTCLIENT_TRACE_LEVELS = 2;
/// Calls of the API's functions with their return codes, and what matters most of what the library does.
pub const MQTTCLIENT_TRACE_MINIMUM: MQTTCLIENT_TRACE_LEVELS = 3;
/// Each packet sent and received.
pub const MQTTCLIENT_TRACE_PROTOCOL: MQTTCLIENT_TRACE_LEVELS = 4;
/// Errors.
pub const MQTTCLIENT_TRACE_ERROR: MQTTCLIENT_TRACE_LEVELS = 5;
/// Errors inside the library.
pub const MQTTCLIENT_TRACE_SEVERE: MQTTCLIENT_TRACE_LEVELS = 6;
/// Errors after which the library cannot work.
pub const MQTTCLIENT_TRACE_FATAL: MQTTCLIENT_TRACE_LEVELS = 7;

/// Called with each line of the trace. Runs on whichever thread has something to trace. It may call the library; what that
/// does on the same thread is not traced.
///
/// @param level the line's level.
/// @param message the line, without an end of line; belongs to the library.
pub type MQTTClient_traceCallback =
    Option<unsafe extern "C" fn(level: MQTTCLIENT_TRACE_LEVELS, message: *mut c_char)>;

impl Answer for MQTTResponse {
    fn code(&self) -> Option<i64> {
        Some(self.reasonCode.into())
    }
}
