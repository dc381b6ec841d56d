//! Types, constants and the function of `MQTTReasonCodes.h`.
#![allow(non_camel_case_types, non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown)] // the comments are the headers' Doxygen manual, with its markup

use std::ffi::CStr;
use std::ptr;

use libc::{c_char, c_int};

use crate::ffi::entry::entry;

/// MQTT 5 reason codes: results of what was asked for, and reasons of a disconnection. From 0x80 on they are
/// failures. The packets named are those which the code can come in; where none is, it can come in many.
pub type MQTTReasonCodes = c_int;
/// The operation succeeded. CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK, AUTH.
pub const MQTTREASONCODE_SUCCESS: MQTTReasonCodes = 0;
/// The connection is closed as intended: the will message is not sent. DISCONNECT.
pub const MQTTREASONCODE_NORMAL_DISCONNECTION: MQTTReasonCodes = 0;
/// Subscribed; messages come at QoS 0. SUBACK.
pub const MQTTREASONCODE_GRANTED_QOS_0: MQTTReasonCodes = 0;
/// Subscribed; messages come at QoS 0 or 1. SUBACK.
pub const MQTTREASONCODE_GRANTED_QOS_1: MQTTReasonCodes = 1;
/// Subscribed; messages come at up to QoS 2. SUBACK.
pub const MQTTREASONCODE_GRANTED_QOS_2: MQTTReasonCodes = 2;
/// The client goes, and wants its will message to be published. DISCONNECT.
pub const MQTTREASONCODE_DISCONNECT_WITH_WILL_MESSAGE: MQTTReasonCodes = 4;
/// Accepted, but nobody has subscribed to it. PUBACK, PUBREC.
pub const MQTTREASONCODE_NO_MATCHING_SUBSCRIBERS: MQTTReasonCodes = 16;
/// There was no such subscription. UNSUBACK.
pub const MQTTREASONCODE_NO_SUBSCRIPTION_FOUND: MQTTReasonCodes = 17;
/// The authentication has a further step. AUTH.
pub const MQTTREASONCODE_CONTINUE_AUTHENTICATION: MQTTReasonCodes = 24;
/// A new authentication begins. AUTH.
pub const MQTTREASONCODE_RE_AUTHENTICATE: MQTTReasonCodes = 25;
/// An error for which the sender gives no reason.
pub const MQTTREASONCODE_UNSPECIFIED_ERROR: MQTTReasonCodes = 128;
/// A packet was received that cannot be parsed. CONNACK, DISCONNECT.
pub const MQTTREASONCODE_MALFORMED_PACKET: MQTTReasonCodes = 129;
/// A packet was received that was unexpected or against the rules. CONNACK, DISCONNECT.
pub const MQTTREASONCODE_PROTOCOL_ERROR: MQTTReasonCodes = 130;
/// Valid, but this receiver does not accept it.
pub const MQTTREASONCODE_IMPLEMENTATION_SPECIFIC_ERROR: MQTTReasonCodes = 131;
/// The server does not speak this MQTT version. CONNACK.
pub const MQTTREASONCODE_UNSUPPORTED_PROTOCOL_VERSION: MQTTReasonCodes = 132;
/// The server does not allow this client identifier. CONNACK.
pub const MQTTREASONCODE_CLIENT_IDENTIFIER_NOT_VALID: MQTTReasonCodes = 133;
/// The server does not accept this user name or password. CONNACK.
pub const MQTTREASONCODE_BAD_USER_NAME_OR_PASSWORD: MQTTReasonCodes = 134;
/// The client is not allowed to do this.
pub const MQTTREASONCODE_NOT_AUTHORIZED: MQTTReasonCodes = 135;
/// The MQTT server cannot be used at present. CONNACK.
pub const MQTTREASONCODE_SERVER_UNAVAILABLE: MQTTReasonCodes = 136;
/// The server is busy: try again later. CONNACK, DISCONNECT.
pub const MQTTREASONCODE_SERVER_BUSY: MQTTReasonCodes = 137;
/// This client has been banned by the administrator. CONNACK.
pub const MQTTREASONCODE_BANNED: MQTTReasonCodes = 138;
/// The server is shutting down. DISCONNECT.
pub const MQTTREASONCODE_SERVER_SHUTTING_DOWN: MQTTReasonCodes = 139;
/// The authentication method is not supported, or not the current one. CONNACK, DISCONNECT.
pub const MQTTREASONCODE_BAD_AUTHENTICATION_METHOD: MQTTReasonCodes = 140;
/// Nothing was received for one and a half keep alive intervals. DISCONNECT.
pub const MQTTREASONCODE_KEEP_ALIVE_TIMEOUT: MQTTReasonCodes = 141;
/// Another connection uses the same client identifier. DISCONNECT.
pub const MQTTREASONCODE_SESSION_TAKEN_OVER: MQTTReasonCodes = 142;
/// The topic filter is well formed but not accepted here. SUBACK, UNSUBACK, DISCONNECT.
pub const MQTTREASONCODE_TOPIC_FILTER_INVALID: MQTTReasonCodes = 143;
/// The topic name is well formed but not accepted here. CONNACK, PUBACK, PUBREC, DISCONNECT.
pub const MQTTREASONCODE_TOPIC_NAME_INVALID: MQTTReasonCodes = 144;
/// The packet identifier is already in use: the two sides disagree about the session. PUBACK, PUBREC, SUBACK,
/// UNSUBACK.
pub const MQTTREASONCODE_PACKET_IDENTIFIER_IN_USE: MQTTReasonCodes = 145;
/// The packet identifier is unknown: the two sides disagree about the session. PUBREL, PUBCOMP.
pub const MQTTREASONCODE_PACKET_IDENTIFIER_NOT_FOUND: MQTTReasonCodes = 146;
/// More messages were sent than Receive Maximum allows. DISCONNECT.
pub const MQTTREASONCODE_RECEIVE_MAXIMUM_EXCEEDED: MQTTReasonCodes = 147;
/// A topic alias was 0 or higher than Topic Alias Maximum. DISCONNECT.
pub const MQTTREASONCODE_TOPIC_ALIAS_INVALID: MQTTReasonCodes = 148;
/// A packet was larger than Maximum Packet Size. CONNACK, DISCONNECT.
pub const MQTTREASONCODE_PACKET_TOO_LARGE: MQTTReasonCodes = 149;
/// Messages come too fast. DISCONNECT.
pub const MQTTREASONCODE_MESSAGE_RATE_TOO_HIGH: MQTTReasonCodes = 150;
/// A limit that the server or its administrator has set was reached. CONNACK, PUBACK, PUBREC, SUBACK, DISCONNECT.
pub const MQTTREASONCODE_QUOTA_EXCEEDED: MQTTReasonCodes = 151;
/// The administrator closed the connection. DISCONNECT.
pub const MQTTREASONCODE_ADMINISTRATIVE_ACTION: MQTTReasonCodes = 152;
/// The payload is not what its payload format indicator says. CONNACK, PUBACK, PUBREC, DISCONNECT.
pub const MQTTREASONCODE_PAYLOAD_FORMAT_INVALID: MQTTReasonCodes = 153;
/// The server does not support retained messages. CONNACK, DISCONNECT.
pub const MQTTREASONCODE_RETAIN_NOT_SUPPORTED: MQTTReasonCodes = 154;
/// The quality of service is higher than the server's Maximum QoS. CONNACK, DISCONNECT.
pub const MQTTREASONCODE_QOS_NOT_SUPPORTED: MQTTReasonCodes = 155;
/// Use another server for the time being. CONNACK, DISCONNECT.
pub const MQTTREASONCODE_USE_ANOTHER_SERVER: MQTTReasonCodes = 156;
/// Use another server from now on. CONNACK, DISCONNECT.
pub const MQTTREASONCODE_SERVER_MOVED: MQTTReasonCodes = 157;
/// The server does not support shared subscriptions. SUBACK, DISCONNECT.
pub const MQTTREASONCODE_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED: MQTTReasonCodes = 158;
/// Too many connections in too short a time. CONNACK, DISCONNECT.
pub const MQTTREASONCODE_CONNECTION_RATE_EXCEEDED: MQTTReasonCodes = 159;
/// The connection has lasted as long as it was allowed to. DISCONNECT.
pub const MQTTREASONCODE_MAXIMUM_CONNECT_TIME: MQTTReasonCodes = 160;
/// The server does not support subscription identifiers. SUBACK, DISCONNECT.
pub const MQTTREASONCODE_SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED: MQTTReasonCodes = 161;
/// The server does not support wildcards in subscriptions. SUBACK, DISCONNECT.
pub const MQTTREASONCODE_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED: MQTTReasonCodes = 162;

/// The name of a reason code, for messages to people.
///
/// @param value the reason code.
/// @return the name, which belongs to the library, or NULL for a code that MQTT 5 does not define.
#[allow(clippy::missing_safety_doc)] // the Doxygen text is the contract; it asks nothing of the caller
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTReasonCode_toString(value: MQTTReasonCodes) -> *const c_char {
    entry!(untraced: ptr::null(), name(value).map_or(ptr::null(), CStr::as_ptr))
}

/// Where a value has several names, that of a success.
/// Returns the name of a reason code; none for a number that is none.
pub(in crate::ffi) fn name(value: MQTTReasonCodes) -> Option<&'static CStr> {
    let name = match value {
        MQTTREASONCODE_SUCCESS => c"SUCCESS",
        MQTTREASONCODE_GRANTED_QOS_1 => c"Granted QoS 1",
        MQTTREASONCODE_GRANTED_QOS_2 => c"Granted QoS 2",
        MQTTREASONCODE_DISCONNECT_WITH_WILL_MESSAGE => c"Disconnect with Will Message",
        MQTTREASONCODE_NO_MATCHING_SUBSCRIBERS => c"No matching subscribers",
        MQTTREASONCODE_NO_SUBSCRIPTION_FOUND => c"No subscription found",
        MQTTREASONCODE_CONTINUE_AUTHENTICATION => c"Continue authentication",
        MQTTREASONCODE_RE_AUTHENTICATE => c"Re-authenticate",
        MQTTREASONCODE_UNSPECIFIED_ERROR => c"Unspecified error",
        MQTTREASONCODE_MALFORMED_PACKET => c"Malformed Packet",
        MQTTREASONCODE_PROTOCOL_ERROR => c"Protocol error",
        MQTTREASONCODE_IMPLEMENTATION_SPECIFIC_ERROR => c"Implementation specific error",
        MQTTREASONCODE_UNSUPPORTED_PROTOCOL_VERSION => c"Unsupported Protocol Version",
        MQTTREASONCODE_CLIENT_IDENTIFIER_NOT_VALID => c"Client Identifier not valid",
        MQTTREASONCODE_BAD_USER_NAME_OR_PASSWORD => c"Bad User Name or Password",
        MQTTREASONCODE_NOT_AUTHORIZED => c"Not authorized",
        MQTTREASONCODE_SERVER_UNAVAILABLE => c"Server unavailable",
        MQTTREASONCODE_SERVER_BUSY => c"Server busy",
        MQTTREASONCODE_BANNED => c"Banned",
        MQTTREASONCODE_SERVER_SHUTTING_DOWN => c"Server shutting down",
        MQTTREASONCODE_BAD_AUTHENTICATION_METHOD => c"Bad authentication method",
        MQTTREASONCODE_KEEP_ALIVE_TIMEOUT => c"Keep Alive timeout",
        MQTTREASONCODE_SESSION_TAKEN_OVER => c"Session taken over",
        MQTTREASONCODE_TOPIC_FILTER_INVALID => c"Topic filter invalid",
        MQTTREASONCODE_TOPIC_NAME_INVALID => c"Topic name invalid",
        MQTTREASONCODE_PACKET_IDENTIFIER_IN_USE => c"Packet Identifier in use",
        MQTTREASONCODE_PACKET_IDENTIFIER_NOT_FOUND => c"Packet Identifier not found",
        MQTTREASONCODE_RECEIVE_MAXIMUM_EXCEEDED => c"Receive Maximum exceeded",
        MQTTREASONCODE_TOPIC_ALIAS_INVALID => c"Topic Alias invalid",
        MQTTREASONCODE_PACKET_TOO_LARGE => c"Packet too large",
        MQTTREASONCODE_MESSAGE_RATE_TOO_HIGH => c"Message rate too high",
        MQTTREASONCODE_QUOTA_EXCEEDED => c"Quota exceeded",
        MQTTREASONCODE_ADMINISTRATIVE_ACTION => c"Administrative action",
        MQTTREASONCODE_PAYLOAD_FORMAT_INVALID => c"Payload format invalid",
        MQTTREASONCODE_RETAIN_NOT_SUPPORTED => c"Retain not supported",
        MQTTREASONCODE_QOS_NOT_SUPPORTED => c"QoS not supported",
        MQTTREASONCODE_USE_ANOTHER_SERVER => c"Use another server",
        MQTTREASONCODE_SERVER_MOVED => c"Server moved",
        MQTTREASONCODE_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED => c"Shared subscriptions not supported",
        MQTTREASONCODE_CONNECTION_RATE_EXCEEDED => c"Connection rate exceeded",
        MQTTREASONCODE_MAXIMUM_CONNECT_TIME => c"Maximum connect time",
        MQTTREASONCODE_SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED => {
            c"Subscription Identifiers not supported"
        }
        MQTTREASONCODE_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED => {
            c"Wildcard Subscriptions not supported"
        }
        _ => return None,
    };
    Some(name)
}
