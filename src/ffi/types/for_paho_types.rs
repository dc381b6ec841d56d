//! What `paho_oxide.h` has for programs on the Paho APIs.
#![allow(non_camel_case_types, non_upper_case_globals)] // the names are the C API's
#![allow(clippy::doc_markdown)] // the comments are the header's Doxygen manual

use libc::{c_char, c_void};

/// Kind of error: none has happened.
pub const MQTTOxide_ERROR_NONE: u32 = 0;
/// Kind of error: an attempt to connect has failed. Automatic attempts count too.
pub const MQTTOxide_ERROR_CONNECT: u32 = 1;
/// Kind of error: the connection was lost. The code says by what: 1 the server closed it, 2 the socket or TLS failed, 3 no
/// answer to PINGREQ, 4 the server broke the protocol, 5 a message could not be stored.
pub const MQTTOxide_ERROR_LOST: u32 = 2;
/// Kind of error: the server said DISCONNECT.
pub const MQTTOxide_ERROR_DISCONNECTED: u32 = 3;
/// Kind of error: the server has not granted a subscription that was made again.
pub const MQTTOxide_ERROR_SUBSCRIPTION: u32 = 4;
/// Kind of error: a call was refused, of this header or of MQTTAsync.h or MQTTClient.h. The code is what it returned.
pub const MQTTOxide_ERROR_CALL: u32 = 5;

/// What MQTTOxide_lastError() tells.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MQTTOxide_error {
    /// sizeof(struct MQTTOxide_error)
    pub size: u32,
    /// #MQTTOxide_ERROR_NONE and so on.
    pub kind: u32,
    /// Which error of this client it is; they count from 1. Of a thread: a number that grows with each. 0: none has happened.
    pub number: u64,
    /// Of #MQTTOxide_ERROR_LOST and #MQTTOxide_ERROR_CALL; else 0.
    pub code: i32,
    /// The step of connecting that failed: 0 talking MQTT, 1 options, 2 name look-up, 3 TCP or Unix socket, 4 proxy,
    /// 5 WebSocket, 6 deadline, 7 given up, 8 TLS. Of a call that is refused for options which would fail at that step, too.
    pub stage: u32,
    /// The operating system's error number (errno), or 0.
    pub os_error: i32,
    /// Return code (3.1, 3.1.1) or reason code (5) of the server's, or the one that we told it; or 0.
    pub reason: u32,
    /// OpenSSL's error number, as of ERR_get_error(), or 0. ERR_error_string_n() has a text for it.
    pub tls_error: u64,
    /// The caller's buffer for the text, or NULL. The library writes as much as fits, without a NUL, and does not keep it.
    pub text: *mut c_char,
    /// Size of the buffer.
    pub text_capacity: u32,
    /// Receives the length of the whole text, in UTF-8.
    pub text_len: u32,
}

/// Called for a message whose topic matches the filter of a route, one call at a time for each client, on a thread of the
/// library's, in the order of arrival. It may take its time, and call any function of the library, for this client too.
///
/// @param context what was given to MQTTOxide_addRoute().
/// @param topic the topic, valid during the call; a NUL follows it.
/// @param topic_len its length in bytes.
/// @param message a MQTTAsync_message or a MQTTClient_message, after the API of the client; lent for the call: copy what has
/// to last, and neither free nor change it. Several routes see the same message.
pub type MQTTOxide_route = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        topic: *const c_char,
        topic_len: u32,
        message: *mut c_void,
    ),
>;
