//! Types and constants that `MQTTClient.h` and `MQTTAsync.h` both have, under two names but with one layout.
//!
//! The two APIs read them with the same code, so there is one Rust type for both; the header generator writes it out
//! under each of its two C names.
#![allow(non_camel_case_types, non_snake_case)] // the member names are the C API's
#![allow(clippy::doc_markdown)] // the comments are the headers' Doxygen manual, with its markup

use libc::{c_char, c_int, c_uchar, c_uint, c_void, size_t};

use crate::ffi::types::property_types::MQTTProperties;

/// MQTT version to connect with: 3.1.1 first and, if the server refuses that, 3.1.
pub const MQTTVERSION_DEFAULT: c_int = 0;
/// MQTT version to connect with: 3.1 only.
pub const MQTTVERSION_3_1: c_int = 3;
/// MQTT version to connect with: 3.1.1 only.
pub const MQTTVERSION_3_1_1: c_int = 4;
/// MQTT version to connect with: 5.0 only.
pub const MQTTVERSION_5: c_int = 5;

/// What a 3.1.1 server answers for a topic filter that it refuses a subscription to.
pub const MQTT_BAD_SUBSCRIBE: c_int = 0x80;

/// TLS version: whatever client and server agree on, within the limits of the system's OpenSSL.
pub const MQTT_SSL_VERSION_DEFAULT: c_int = 0;
/// TLS version: 1.0 or any later one.
pub const MQTT_SSL_VERSION_TLS_1_0: c_int = 1;
/// TLS version: 1.1 or any later one.
pub const MQTT_SSL_VERSION_TLS_1_1: c_int = 2;
/// TLS version: 1.2 only.
pub const MQTT_SSL_VERSION_TLS_1_2: c_int = 3;
/// TLS version: 1.3 only. The original's headers do not have it.
pub const MQTT_SSL_VERSION_TLS_1_3: c_int = 4;

/// Options of the process-wide initialisation.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct InitOptions {
    /// Eye catcher: the characters `MQTG`.
    pub struct_id: [c_char; 4],
    /// Version of this structure: 0.
    pub struct_version: c_int,
    /// Has no effect: OpenSSL initialises itself when it is first used, by whomever.
    pub do_openssl_init: c_int,
}

/// A message: what is published, and what arrives.
///
/// In a message that the program passes in, everything belongs to the program and is copied before the call
/// returns. A message that the library hands over, with payload and properties, belongs to the program from then on:
/// give it back with MQTTClient_freeMessage() or MQTTAsync_freeMessage().
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// Eye catcher: the characters `MQTM`.
    pub struct_id: [c_char; 4],
    /// Version of this structure. 0: there are no properties; 1: the whole.
    pub struct_version: c_int,
    /// Length of the payload in bytes.
    pub payloadlen: c_int,
    /// The payload: any bytes, with no terminating NUL expected or added. May be NULL when `payloadlen` is 0.
    pub payload: *mut c_void,
    /// Quality of service. 0: at most once, the message may get lost; 1: at least once, it may come twice; 2: exactly
    /// once.
    pub qos: c_int,
    /// When publishing, 1: the server keeps the message as the topic's retained message, and gives it to each new
    /// subscriber. On arrival, 1: this is such a retained message; 0: it has just been published.
    pub retained: c_int,
    /// On arrival, 1: the sender has sent this message before, at QoS 1 or 2, and has seen no acknowledgement. Not used
    /// when publishing.
    pub dup: c_int,
    /// On arrival: the packet identifier, at QoS 1 and 2. Not used when publishing.
    pub msgid: c_int,
    /// MQTT 5 properties of the message.
    pub properties: MQTTProperties,
}

/// Binary data with a length: a will's payload, a password.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Binary {
    /// Length in bytes.
    pub len: c_int,
    /// The bytes.
    pub data: *const c_void,
}

/// The will: a message that the server publishes for the client when its connection is lost without having been
/// closed by a disconnect. Copied by the connect call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WillOptions {
    /// Eye catcher: the characters `MQTW`.
    pub struct_id: [c_char; 4],
    /// Version of this structure. 0: the payload is the text in `message`, there is no `payload`; 1: the whole.
    pub struct_version: c_int,
    /// The topic to publish to. Not NULL, not empty.
    pub topicName: *const c_char,
    /// The payload as text. NULL to use `payload` instead.
    pub message: *const c_char,
    /// 1: the server keeps the will as the topic's retained message.
    pub retained: c_int,
    /// Quality of service of the will: 0, 1 or 2.
    pub qos: c_int,
    /// The payload as binary data; looked at when `message` is NULL.
    pub payload: Binary,
}

/// A name and a value; in a list of them, an entry whose name is NULL is the end.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NameValue {
    /// The name, or NULL at the end of a list.
    pub name: *const c_char,
    /// The value.
    pub value: *const c_char,
}

/// TLS options, for server URIs that begin with `ssl://`, `tls://`, `mqtts://` or `wss://`. Files are in PEM format.
/// Everything is copied by the connect call, except what the two contexts point at.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SslOptions {
    /// Eye catcher: the characters `MQTS`.
    pub struct_id: [c_char; 4],
    /// Version of this structure. 0: up to `enableServerCertAuth`; 1: up to `sslVersion`; 2: up to `CApath`; 3: up to
    /// `ssl_error_context`; 4: up to `disableDefaultTrustStore`; 5: the whole.
    pub struct_version: c_int,
    /// File with the certificates of the authorities that are trusted, or NULL. Here, in `keyStore` and in `privateKey` a text
    /// that has `-----BEGIN ` in it is no file's name but the PEM itself, and a URI that begins with `pkcs11:` is opened
    /// through OpenSSL's store: a provider for such URIs has to be loaded, which `openssl.cnf` names.
    pub trustStore: *const c_char,
    /// File with the client's certificate chain, or NULL. It may hold the private key too.
    pub keyStore: *const c_char,
    /// File with the client's private key, or NULL if it is in `keyStore`.
    pub privateKey: *const c_char,
    /// Pass phrase of an encrypted private key, or NULL.
    pub privateKeyPassword: *const c_char,
    /// Cipher suites to offer, in the form of OpenSSL's `ciphers` command; NULL for OpenSSL's default.
    pub enabledCipherSuites: *const c_char,
    /// 1: the server's certificate must be one that the trusted authorities vouch for. 0: it is not looked at, and the
    /// server could be anybody.
    pub enableServerCertAuth: c_int,
    /// TLS version: one of the `MQTT_SSL_VERSION_` constants.
    pub sslVersion: c_int,
    /// 1: the certificate must also have been issued to the host name in the server URI.
    pub verify: c_int,
    /// Directory of certificates of trusted authorities, prepared by `openssl rehash`, or NULL.
    pub CApath: *const c_char,
    /// Called with each line of OpenSSL's account of an error, its length in bytes and `ssl_error_context`. A line ends with
    /// a line feed. NULL for none. Return 1 to be told of the next line, 0 to hear no more of this error.
    ///
    /// Called before the program is told of what the error led to: the failure of a connect, the loss of a connection.
    /// With `MQTTAsync`, and for a lost connection of an `MQTTClient` that has callbacks, it runs on a thread of the
    /// library's as the other callbacks do. Otherwise it runs on the program's thread, before `MQTTClient_connect` or
    /// the function that found the connection lost returns. It may take its time and call any function of the library.
    /// It is not called any more once the client has been destroyed.
    pub ssl_error_cb:
        Option<unsafe extern "C" fn(str: *const c_char, len: size_t, u: *mut c_void) -> c_int>,
    /// Passed to `ssl_error_cb`.
    pub ssl_error_context: *mut c_void,
    /// Asked for the identity and the key of a pre-shared key connection: writes both into the buffers given and
    /// returns the length of the key in bytes, 0 for an error. NULL for none.
    ///
    /// Runs on a thread of the library's, during each attempt to connect. It may take its time, within the
    /// connect's timeout, and call any function of the library that does not wait for this connect. It is not called
    /// any more once the client has been destroyed.
    pub ssl_psk_cb: Option<
        unsafe extern "C" fn(
            hint: *const c_char,
            identity: *mut c_char,
            max_identity_len: c_uint,
            psk: *mut c_uchar,
            max_psk_len: c_uint,
            u: *mut c_void,
        ) -> c_uint,
    >,
    /// Passed to `ssl_psk_cb`.
    pub ssl_psk_context: *mut c_void,
    /// 1: the system's own list of authorities is not trusted. 0: it is, besides `trustStore` and `CApath`.
    pub disableDefaultTrustStore: c_int,
    /// Protocols to offer by ALPN: each as one byte with its length, then its name. NULL for none.
    pub protos: *const c_uchar,
    /// Length of `protos` in bytes.
    pub protos_len: c_uint,
}
