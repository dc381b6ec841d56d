//! Types and constants of `MQTTProperties.h`.
#![allow(non_camel_case_types, non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown)] // the comments are the headers' Doxygen manual, with its markup

use libc::{c_char, c_int, c_uchar, c_uint, c_ushort};

use crate::ffi::entry::Answer;

/// What MQTTProperties_add() returns for an identifier that MQTT 5 does not know.
pub const MQTT_INVALID_PROPERTY_ID: c_int = -2;

/// Identifiers of the MQTT 5 properties. Each one's value has the type that MQTTProperty_getType() tells.
pub type MQTTPropertyCodes = c_int;
/// Byte. 1: the payload is UTF-8 text. PUBLISH, will.
pub const MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR: MQTTPropertyCodes = 1;
/// Four bytes: seconds until the message expires. PUBLISH, will.
pub const MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL: MQTTPropertyCodes = 2;
/// String: what the payload contains, a MIME type for instance. PUBLISH, will.
pub const MQTTPROPERTY_CODE_CONTENT_TYPE: MQTTPropertyCodes = 3;
/// String: the topic to send a response to. PUBLISH, will.
pub const MQTTPROPERTY_CODE_RESPONSE_TOPIC: MQTTPropertyCodes = 8;
/// Binary: tells the requester which request a response belongs to. PUBLISH, will.
pub const MQTTPROPERTY_CODE_CORRELATION_DATA: MQTTPropertyCodes = 9;
/// Variable byte integer: identifier of the subscription(s) that a message matched. SUBSCRIBE, PUBLISH.
pub const MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER: MQTTPropertyCodes = 11;
/// Four bytes: seconds that the session outlives the connection. CONNECT, CONNACK, DISCONNECT.
pub const MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL: MQTTPropertyCodes = 17;
/// String: the client identifier that the server chose. CONNACK.
pub const MQTTPROPERTY_CODE_ASSIGNED_CLIENT_IDENTIFIER: MQTTPropertyCodes = 18;
/// The same under the name that it had, with its spelling mistake, before it was corrected.
pub const MQTTPROPERTY_CODE_ASSIGNED_CLIENT_IDENTIFER: MQTTPropertyCodes = 18;
/// Two bytes: the keep alive interval in seconds that the server wants used. CONNACK.
pub const MQTTPROPERTY_CODE_SERVER_KEEP_ALIVE: MQTTPropertyCodes = 19;
/// String: name of the extended authentication method. CONNECT, CONNACK, AUTH.
pub const MQTTPROPERTY_CODE_AUTHENTICATION_METHOD: MQTTPropertyCodes = 21;
/// Binary: data of the extended authentication. CONNECT, CONNACK, AUTH.
pub const MQTTPROPERTY_CODE_AUTHENTICATION_DATA: MQTTPropertyCodes = 22;
/// Byte. 0: the server should leave out reason strings and user properties. CONNECT.
pub const MQTTPROPERTY_CODE_REQUEST_PROBLEM_INFORMATION: MQTTPropertyCodes = 23;
/// Four bytes: seconds to wait before the will message is published. Will.
pub const MQTTPROPERTY_CODE_WILL_DELAY_INTERVAL: MQTTPropertyCodes = 24;
/// Byte. 1: the server is asked for response information. CONNECT.
pub const MQTTPROPERTY_CODE_REQUEST_RESPONSE_INFORMATION: MQTTPropertyCodes = 25;
/// String: what to build response topics from. CONNACK.
pub const MQTTPROPERTY_CODE_RESPONSE_INFORMATION: MQTTPropertyCodes = 26;
/// String: another server to use. CONNACK, DISCONNECT.
pub const MQTTPROPERTY_CODE_SERVER_REFERENCE: MQTTPropertyCodes = 28;
/// String: diagnostic text for a reason code. Every acknowledgement, DISCONNECT, AUTH.
pub const MQTTPROPERTY_CODE_REASON_STRING: MQTTPropertyCodes = 31;
/// Two bytes: how many QoS 1 and 2 messages the sender takes without having acknowledged them. CONNECT, CONNACK.
pub const MQTTPROPERTY_CODE_RECEIVE_MAXIMUM: MQTTPropertyCodes = 33;
/// Two bytes: the highest topic alias that the sender accepts. CONNECT, CONNACK.
pub const MQTTPROPERTY_CODE_TOPIC_ALIAS_MAXIMUM: MQTTPropertyCodes = 34;
/// Two bytes: a number that stands for the topic name. PUBLISH.
pub const MQTTPROPERTY_CODE_TOPIC_ALIAS: MQTTPropertyCodes = 35;
/// Byte: the highest quality of service that the server supports. CONNACK.
pub const MQTTPROPERTY_CODE_MAXIMUM_QOS: MQTTPropertyCodes = 36;
/// Byte. 0: the server does not support retained messages. CONNACK.
pub const MQTTPROPERTY_CODE_RETAIN_AVAILABLE: MQTTPropertyCodes = 37;
/// String pair: a name and a value, whose meaning is up to the programs. Every packet but pings; may be repeated.
pub const MQTTPROPERTY_CODE_USER_PROPERTY: MQTTPropertyCodes = 38;
/// Four bytes: size in bytes of the largest packet that the sender accepts. CONNECT, CONNACK.
pub const MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE: MQTTPropertyCodes = 39;
/// Byte. 0: the server does not support wildcards in subscriptions. CONNACK.
pub const MQTTPROPERTY_CODE_WILDCARD_SUBSCRIPTION_AVAILABLE: MQTTPropertyCodes = 40;
/// Byte. 0: the server does not support subscription identifiers. CONNACK.
pub const MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIERS_AVAILABLE: MQTTPropertyCodes = 41;
/// Byte. 0: the server does not support shared subscriptions. CONNACK.
pub const MQTTPROPERTY_CODE_SHARED_SUBSCRIPTION_AVAILABLE: MQTTPropertyCodes = 42;

/// Types of property values: they say which member of ::MQTTProperty holds the value.
pub type MQTTPropertyTypes = c_int;
/// `value.byte`
pub const MQTTPROPERTY_TYPE_BYTE: MQTTPropertyTypes = 0;
/// `value.integer2`
pub const MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER: MQTTPropertyTypes = 1;
/// `value.integer4`
pub const MQTTPROPERTY_TYPE_FOUR_BYTE_INTEGER: MQTTPropertyTypes = 2;
/// `value.integer4`, at most 268,435,455
pub const MQTTPROPERTY_TYPE_VARIABLE_BYTE_INTEGER: MQTTPropertyTypes = 3;
/// `value.data`
pub const MQTTPROPERTY_TYPE_BINARY_DATA: MQTTPropertyTypes = 4;
/// `value.data`
pub const MQTTPROPERTY_TYPE_UTF_8_ENCODED_STRING: MQTTPropertyTypes = 5;
/// `value.data` (the name) and `value.value` (the value)
pub const MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR: MQTTPropertyTypes = 6;

/// A string or binary data with its length. What the library hands out ends in a NUL that `len` does not count; what
/// the program passes in need not.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTLenString {
    /// Number of bytes, at most 65,535.
    pub len: c_int,
    /// The bytes. May be NULL when `len` is 0.
    pub data: *mut c_char,
}

/// The two strings of a string or a user property.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTPropertyStrings {
    /// Value of a string or binary property; name of a user property.
    pub data: MQTTLenString,
    /// Value of a user property; not used by others.
    pub value: MQTTLenString,
}

/// A property's value: which member holds it depends on the identifier's type.
#[repr(C)]
#[derive(Clone, Copy)]
pub union MQTTPropertyValue {
    /// A one-byte integer.
    pub byte: c_uchar,
    /// A two-byte integer.
    pub integer2: c_ushort,
    /// A four-byte or a variable byte integer.
    pub integer4: c_uint,
    /// Strings and binary data.
    pub strings: MQTTPropertyStrings,
}

/// One MQTT 5 property: an identifier and the value.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MQTTProperty {
    /// Which property this is.
    pub identifier: MQTTPropertyCodes,
    /// The value, in the member that the identifier's type (MQTTProperty_getType()) says.
    pub value: MQTTPropertyValue,
}

/// A list of MQTT 5 properties, in order.
///
/// Start from #MQTTProperties_initializer, fill it with MQTTProperties_add(), give it back with
/// MQTTProperties_free(). Functions of the library that take a list copy what they need: it stays the program's.
/// A list is not protected against use by several threads at a time.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTProperties {
    /// Number of properties in the list.
    pub count: c_int,
    /// Number of properties there is room for at present.
    pub max_count: c_int,
    /// Bytes that the properties take in an MQTT packet, not counting the length that precedes them.
    pub length: c_int,
    /// The properties. Managed by the functions below: do not allocate or free it.
    pub array: *mut MQTTProperty,
}

impl Answer for MQTTProperties {}
