//! The answers to a program's calls: the structs that onSuccess, onFailure and their MQTT 5 forms are called with.

use std::ffi::CString;
use std::ptr;

use libc::{c_char, c_int};

use super::op::{Kind, Op};
use crate::engine::{ConnectFailure, Connected};
use crate::ffi::exports::properties;
use crate::ffi::eyecatcher;
use crate::ffi::read::connect;
use crate::ffi::received::to_c;
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::async_types::*;
use crate::ffi::types::property_types::MQTTProperties;
use crate::ffi::types::reason_codes;
use crate::protocol::Version;
use crate::protocol::property::{Properties, PropertiesRef};
use crate::protocol::session::{Cause, Completion, Failure, Outcome, Token, view};
use crate::transport::Stage;

/// Tells of the end of a publish, subscribe or unsubscribe.
pub fn ended(done: Completion<Op>) {
    let Completion {
        token,
        op,
        packet,
        outcome,
    } = done;
    let packet = packet.as_deref();
    match outcome {
        Outcome::Published { properties, .. } => {
            published(&op, token, packet, properties.as_ref());
        }
        Outcome::Subscribed { codes, properties } => subscribed(&op, token, &codes, &properties),
        Outcome::Unsubscribed { codes, properties } => {
            succeeded_with_codes(&op, token, &codes, &properties);
        }
        Outcome::Failed(failure) => failed(&op, token, &failure),
    }
}

/// Returns true if deliveryComplete is called for it. A refusal is an acknowledgement too; an operation given up is none.
pub fn is_delivery(done: &Completion<Op>) -> bool {
    let acknowledged = match &done.outcome {
        Outcome::Published { .. } => true,
        Outcome::Failed(failure) => failure.cause == Cause::Refused,
        _ => false,
    };
    acknowledged && done.op.is_delivered()
}

/// Tells of a publish that succeeded. Its reason code is always 0, as in the original: a program (Paho's C++ library, for
/// one) takes any other for a failure, and "no matching subscribers" is none.
fn published(op: &Op, token: Token, packet: Option<&[u8]>, acknowledged: PropertiesRef<'_>) {
    let version = if op.on_success5.is_some() {
        Version::V5
    } else {
        Version::V311
    };
    let Some(publish) = packet.and_then(|packet| view(version, packet)) else {
        return;
    };
    let topic = CString::new(publish.topic).unwrap_or_default();
    let message = MQTTAsync_message {
        struct_id: eyecatcher(*b"MQTM"),
        struct_version: 1,
        payloadlen: len(publish.payload.len()),
        payload: publish.payload.as_ptr().cast_mut().cast(),
        qos: publish.qos as c_int,
        retained: c_int::from(publish.retain),
        dup: 0,
        msgid: c_int::from(publish.packet_id),
        properties: properties::EMPTY,
    };
    if let Some(callback) = op.on_success {
        let mut data = MQTTAsync_successData {
            token,
            alt: MQTTAsync_successDetails {
                r#pub: MQTTAsync_published {
                    message,
                    destinationName: topic.as_ptr().cast_mut(),
                },
            },
        };
        // SAFETY: the program's callback; the data outlive the call.
        unsafe { callback(op.context.0, &raw mut data) };
    }
    if let Some(callback) = op.on_success5 {
        // The original gives those of the message, and programs find them there; the server's are worth more, if there are.
        let told = if acknowledged.is_empty() {
            publish.properties
        } else {
            acknowledged
        };
        with_properties(publish.properties, |message_properties| {
            with_properties(told, |list| {
                let mut data = success5(token, 0, list);
                data.alt.r#pub = MQTTAsync_published {
                    message: MQTTAsync_message {
                        // SAFETY: a valid list.
                        properties: unsafe { *message_properties },
                        ..message
                    },
                    destinationName: topic.as_ptr().cast_mut(),
                };
                // SAFETY: the program's callback; the data outlive the call.
                unsafe { callback(op.context.0, &raw mut data) };
            });
        });
    }
}

fn subscribed(op: &Op, token: Token, codes: &[u8], properties: &Properties) {
    let refused = codes.iter().all(|code| *code >= 0x80);
    if refused && codes.len() == 1 {
        let failure = Failure {
            cause: Cause::Refused,
            reason: codes[0],
            properties: properties.clone(),
            packet_type: 9,
        };
        failed(op, token, &failure);
        return;
    }
    if let Some(callback) = op.on_success {
        let mut list: Vec<c_int> = codes.iter().map(|code| c_int::from(*code)).collect();
        let many = matches!(op.kind, Kind::Subscribe { filters } if filters > 1);
        let mut data = MQTTAsync_successData {
            token,
            alt: if many {
                MQTTAsync_successDetails {
                    qosList: list.as_mut_ptr(),
                }
            } else {
                MQTTAsync_successDetails {
                    qos: list.first().copied().unwrap_or(0),
                }
            },
        };
        // SAFETY: the program's callback; the data outlive the call.
        unsafe { callback(op.context.0, &raw mut data) };
    }
    succeeded_with_codes5(op, token, codes, properties);
}

fn succeeded_with_codes(op: &Op, token: Token, codes: &[u8], properties: &Properties) {
    if let Some(callback) = op.on_success {
        let mut data = empty_success(token);
        // SAFETY: the program's callback; the data outlive the call.
        unsafe { callback(op.context.0, &raw mut data) };
    }
    succeeded_with_codes5(op, token, codes, properties);
}

fn succeeded_with_codes5(op: &Op, token: Token, codes: &[u8], properties: &Properties) {
    let Some(callback) = op.on_success5 else {
        return;
    };
    let mut list: Vec<c_int> = codes.iter().map(|code| c_int::from(*code)).collect();
    with_properties(properties.as_ref(), |properties| {
        let mut data = success5(token, codes.first().copied().unwrap_or(0), properties);
        data.alt.sub = MQTTAsync_reasonCodeList {
            reasonCodeCount: len(list.len()),
            reasonCodes: list.as_mut_ptr(),
        };
        // SAFETY: the program's callback; the data outlive the call.
        unsafe { callback(op.context.0, &raw mut data) };
    });
}

/// Returns a failure's return code and its text.
fn describe(failure: &Failure, op: &Op) -> (c_int, Option<&'static std::ffi::CStr>) {
    match failure.cause {
        // MQTT 5 has a member of its own for the server's reason code, and names for them.
        Cause::Refused if op.has_callbacks5() => {
            (MQTTASYNC_SUCCESS, reason_codes::name(failure.reason.into()))
        }
        Cause::Refused => (failure.reason.into(), None),
        Cause::NotAllowed => (
            MQTTASYNC_FAILURE,
            Some(c"the server does not take such a message"),
        ),
        Cause::Incomplete | Cause::Cancelled => (MQTTASYNC_OPERATION_INCOMPLETE, None),
        Cause::Expired => (
            MQTTASYNC_OPERATION_INCOMPLETE,
            Some(c"message expired before it could be sent"),
        ),
        Cause::Dropped => (
            MQTTASYNC_MAX_BUFFERED_MESSAGES,
            Some(c"dropped to make room for a newer message"),
        ),
        Cause::NotStored => (MQTTASYNC_PERSISTENCE_ERROR, None),
    }
}

fn failed(op: &Op, token: Token, failure: &Failure) {
    let (code, text) = describe(failure, op);
    fail(
        op,
        token,
        code,
        text,
        failure.reason,
        failure.packet_type,
        failure.properties.as_ref(),
    );
}

fn fail(
    op: &Op,
    token: Token,
    code: c_int,
    text: Option<&std::ffi::CStr>,
    reason: u8,
    packet_type: u8,
    properties: PropertiesRef<'_>,
) {
    let message: *const c_char = text.map_or(ptr::null(), std::ffi::CStr::as_ptr);
    if let Some(callback) = op.on_failure {
        let mut data = MQTTAsync_failureData {
            token,
            code,
            message,
        };
        // SAFETY: the program's callback; the data outlive the call.
        unsafe { callback(op.context.0, &raw mut data) };
    }
    if let (Some(callback), None) = (op.on_failure5, op.on_failure) {
        with_properties(properties, |list| {
            let mut data = MQTTAsync_failureData5 {
                struct_id: eyecatcher(*b"MQFD"),
                struct_version: 0,
                token,
                reasonCode: reason.into(),
                // SAFETY: a valid list.
                properties: unsafe { *list },
                code,
                message,
                packet_type: packet_type.into(),
            };
            // SAFETY: the program's callback; the data outlive the call.
            unsafe { callback(op.context.0, &raw mut data) };
        });
    }
}

pub fn connect_succeeded(op: &Op, connected: &Connected) {
    // One of the list is given back as it is, so that the program finds it there.
    let uri = if connected.listed {
        connected.server_uri.as_str()
    } else {
        connect::reported_uri(&connected.server_uri)
    };
    let uri = CString::new(uri).unwrap_or_default();
    let connect = MQTTAsync_connection {
        serverURI: uri.as_ptr().cast_mut(),
        MQTTVersion: connected.version as c_int,
        sessionPresent: c_int::from(connected.session_present),
    };
    if let Some(callback) = op.on_success {
        let mut data = MQTTAsync_successData {
            token: 0,
            alt: MQTTAsync_successDetails { connect },
        };
        // SAFETY: the program's callback; the data outlive the call.
        unsafe { callback(op.context.0, &raw mut data) };
    }
    // Both kinds may be given to a MQTT 5 connect; only one is called.
    if let (Some(callback), None) = (op.on_success5, op.on_success) {
        with_properties(connected.properties.as_ref(), |list| {
            let mut data = success5(0, connected.reason, list);
            data.alt.connect = connect;
            // SAFETY: the program's callback; the data outlive the call.
            unsafe { callback(op.context.0, &raw mut data) };
        });
    }
}

pub fn connect_failed(op: &Op, failure: &ConnectFailure) {
    // Programs may know the original's text, which is the part before the first colon.
    let stage = match (failure.refused, failure.stage) {
        (Some(_), _) => "CONNACK return code",
        (None, Some(Stage::Deadline)) => "TCP connect timeout",
        (None, Some(_)) => "TCP/TLS connect failure",
        (None, None) => "socket error",
    };
    let text = format!("{stage}: {}", failure.message).replace('\0', " ");
    let text = CString::new(text).unwrap_or_default();
    let code = failure.refused.map_or(MQTTASYNC_FAILURE, c_int::from);
    let packet_type = if failure.refused.is_some() { 2 } else { 0 };
    let reason = failure.refused.unwrap_or(0);
    fail(
        op,
        0,
        code,
        Some(&text),
        reason,
        packet_type,
        failure.properties.as_ref(),
    );
}

pub fn disconnected(op: &Op) {
    if let Some(callback) = op.on_success {
        let mut data = empty_success(0);
        // SAFETY: the program's callback; the data outlive the call.
        unsafe { callback(op.context.0, &raw mut data) };
    }
    if let Some(callback) = op.on_success5 {
        with_properties(PropertiesRef::EMPTY, |list| {
            let mut data = success5(0, 0, list);
            // SAFETY: the program's callback; the data outlive the call.
            unsafe { callback(op.context.0, &raw mut data) };
        });
    }
}

fn empty_success(token: Token) -> MQTTAsync_successData {
    MQTTAsync_successData {
        token,
        alt: MQTTAsync_successDetails {
            connect: MQTTAsync_connection {
                serverURI: ptr::null_mut(),
                MQTTVersion: 0,
                sessionPresent: 0,
            },
        },
    }
}

fn success5(token: Token, reason: u8, list: *mut MQTTProperties) -> MQTTAsync_successData5 {
    MQTTAsync_successData5 {
        struct_id: eyecatcher(*b"MQSD"),
        struct_version: 0,
        token,
        reasonCode: reason.into(),
        // SAFETY: a valid list.
        properties: unsafe { *list },
        alt: MQTTAsync_successDetails5 {
            connect: MQTTAsync_connection {
                serverURI: ptr::null_mut(),
                MQTTVersion: 0,
                sessionPresent: 0,
            },
        },
    }
}

/// Lends a list in C's memory to a callback; it is freed afterwards.
pub fn with_properties(list: PropertiesRef<'_>, call: impl FnOnce(*mut MQTTProperties)) {
    let mut list = to_c(list);
    call(&raw mut list);
    // SAFETY: made here.
    unsafe { properties::free(&raw mut list) };
}

pub fn len(n: usize) -> c_int {
    c_int::try_from(n).unwrap_or(c_int::MAX)
}
