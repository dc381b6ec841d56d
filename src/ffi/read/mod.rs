//! Reading what a program passes: each string and struct once, into owned and validated values.
//!
//! A struct is read through its pointer member by member, and only the members that the version it states has: a program
//! compiled against an older header passes a shorter object.

pub mod connect;
pub mod create;
pub mod message;
pub mod subscription;
mod tls;
pub mod versioned;

pub use tls::tls;
use versioned::{Versioned, field};

use std::ffi::CStr;
use std::ptr;
use std::time::Duration;

use libc::{c_char, c_int, c_void};

use crate::ffi::exports::properties::{entries, value_type};
use crate::ffi::last_error;
use crate::ffi::memory;
use crate::ffi::types::async_types::{
    MQTTASYNC_0_LEN_WILL_TOPIC, MQTTASYNC_BAD_QOS, MQTTASYNC_BAD_UTF8_STRING, MQTTASYNC_FAILURE,
    MQTTASYNC_NULL_PARAMETER,
};
#[allow(clippy::wildcard_imports)]
// the types of values, which have no prefix of their own in Rust
use crate::ffi::types::property_types::*;
use crate::ffi::types::shared_types::{Binary, NameValue, WillOptions};
use crate::options::{Header, Secret, WillOptions as Will};
use crate::protocol::QoS;
use crate::protocol::property::{
    Context as PropertyContext, Properties, Property, PropertyId, Value,
};
use crate::protocol::wire;

/// A return code. The two APIs give the same number to the same fault wherever these readers find one.
pub type Code = c_int;

/// A program's context pointer: only handed back to its callbacks, never looked at.
#[derive(Clone, Copy, Debug)]
pub struct Context(pub *mut c_void);

// SAFETY: the pointer is never dereferenced here; that its callbacks run on the library's threads is the API's contract.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Default for Context {
    fn default() -> Self {
        Self(ptr::null_mut())
    }
}

/// Notes that a parameter or member is NULL that must not be. Returns the code.
pub fn null(name: &str) -> Code {
    last_error::fail(MQTTASYNC_NULL_PARAMETER, format_args!("{name} is NULL"))
}

/// Notes that a string, which the caller names, is not UTF-8.
fn not_utf8() -> Code {
    last_error::fail(MQTTASYNC_BAD_UTF8_STRING, "is not UTF-8")
}

/// Reads the bytes of a C string, without NUL; none for NULL.
///
/// # Safety
/// NULL, or a NUL-terminated string that stays as it is for `'a`.
pub unsafe fn bytes<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: not NULL, and the caller's promise.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// Reads a C string as text; none for NULL.
///
/// # Safety
/// NULL, or a NUL-terminated string.
pub unsafe fn text(text: *const c_char) -> Result<Option<String>, Code> {
    // SAFETY: the caller's promise.
    match unsafe { bytes(text) } {
        None => Ok(None),
        Some(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(not_utf8()),
        },
    }
}

/// Works as [`text`], for one that is checked and not kept: a password is not copied where it cannot be wiped.
///
/// # Safety
/// NULL, or a NUL-terminated string.
pub unsafe fn check_text(text: *const c_char) -> Result<(), Code> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(text) }.unwrap_or_default();
    std::str::from_utf8(bytes).map(drop).map_err(|_| not_utf8())
}

/// Reads a topic name or filter. The original reports a missing one as a bad string too.
///
/// # Safety
/// NULL, or a NUL-terminated string that stays as it is for `'a`.
pub unsafe fn topic<'a>(topic: *const c_char) -> Result<&'a [u8], Code> {
    // SAFETY: the caller's promise.
    match unsafe { bytes(topic) } {
        Some(bytes) if wire::well_formed_utf8(bytes) => Ok(bytes),
        Some(_) => Err(last_error::named(not_utf8(), "the topic")),
        None => Err(last_error::fail(
            MQTTASYNC_BAD_UTF8_STRING,
            "the topic is NULL",
        )),
    }
}

/// Reads a quality of service.
pub fn qos(qos: c_int) -> Result<QoS, Code> {
    match qos {
        0 => Ok(QoS::AtMostOnce),
        1 => Ok(QoS::AtLeastOnce),
        2 => Ok(QoS::ExactlyOnce),
        _ => Err(last_error::fail(
            MQTTASYNC_BAD_QOS,
            format_args!("qos is {qos}"),
        )),
    }
}

/// Reads the properties of a list, for a packet of that kind; none for NULL.
///
/// # Safety
/// NULL, or a list as the API's functions make it.
pub unsafe fn properties(
    list: *const MQTTProperties,
    context: PropertyContext,
) -> Result<Properties, Code> {
    let wrong = |why: std::fmt::Arguments<'_>| last_error::fail(MQTTASYNC_FAILURE, why);
    let mut properties = Properties::new();
    if list.is_null() {
        return Ok(properties);
    }
    // SAFETY: the caller's promise.
    for entry in unsafe { entries(list) } {
        let id = u8::try_from(entry.identifier)
            .ok()
            .and_then(PropertyId::from_u8)
            .ok_or_else(|| {
                let number = entry.identifier;
                wrong(format_args!("property {number}: MQTT 5 has no such one"))
            })?;
        let name = id.name();
        // SAFETY: the caller's promise.
        let value = unsafe { value(entry) }
            .ok_or_else(|| wrong(format_args!("property {name}: has no value")))?;
        properties.push(Property { id, value }).map_err(|error| {
            // Most of these texts begin with the name.
            let what = error.what.strip_prefix(name).unwrap_or(error.what);
            let what = what.trim_start_matches(": ");
            wrong(format_args!("property {name}: {what}"))
        })?;
    }
    properties
        .as_ref()
        .validate_for(context)
        .map_err(|error| wrong(format_args!("properties: {}", error.what)))?;
    Ok(properties)
}

/// # Safety
/// The entry holds the member that its identifier says.
unsafe fn value(entry: &MQTTProperty) -> Option<Value<'_>> {
    let kind = value_type(entry.identifier)?;
    // SAFETY: the caller's promise.
    unsafe {
        let value = &entry.value;
        let strings = || {
            let of = |string: &MQTTLenString| memory::bytes(string.data.cast(), string.len);
            (of(&value.strings.data), of(&value.strings.value))
        };
        Some(match kind {
            MQTTPROPERTY_TYPE_BYTE => Value::Byte(value.byte),
            MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER => Value::Two(value.integer2),
            MQTTPROPERTY_TYPE_FOUR_BYTE_INTEGER => Value::Four(value.integer4),
            MQTTPROPERTY_TYPE_VARIABLE_BYTE_INTEGER => Value::Var(value.integer4),
            MQTTPROPERTY_TYPE_BINARY_DATA => Value::Binary(strings().0),
            MQTTPROPERTY_TYPE_UTF_8_ENCODED_STRING => Value::Utf8(strings().0),
            MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR => {
                let (name, value) = strings();
                Value::Pair(name, value)
            }
            _ => return None,
        })
    }
}

/// Reads bytes that C describes by a pointer and a length; none for NULL, whatever the length is. A negative length, which the
/// original does not survive, is a mistake of the member `name`.
///
/// # Safety
/// NULL, or as many bytes as the length says that stay as they are for `'a`.
pub unsafe fn binary<'a>(name: &str, binary: Binary) -> Result<Option<&'a [u8]>, Code> {
    if binary.data.is_null() {
        return Ok(None);
    }
    if binary.len < 0 {
        return Err(last_error::fail(
            MQTTASYNC_FAILURE,
            format_args!("{name}.len is {}", binary.len),
        ));
    }
    // SAFETY: not NULL, and the caller's promise.
    Ok(Some(unsafe { memory::bytes(binary.data, binary.len) }))
}

/// Reads a password: the binary one where there is no other.
///
/// # Safety
/// A NUL-terminated string or NULL, and a valid pair of pointer and length.
pub unsafe fn password(text: *const c_char, other: Binary) -> Result<Option<Secret>, Code> {
    // SAFETY: the caller's promise.
    let password = unsafe {
        match bytes(text) {
            Some(password) => Some(password),
            None => binary("binarypwd", other)?,
        }
    };
    Ok(password.map(|password| Secret(password.to_vec())))
}

/// Reads a will, without the properties that MQTT 5 adds.
///
/// # Safety
/// NULL, or a will as the API documents it.
pub unsafe fn will(will: *const WillOptions) -> Result<Option<Will>, Code> {
    if will.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let will = unsafe { Versioned::check(will, "will", b"MQTW", 1)? };
    let inside = |code| last_error::inside(code, "will");
    let qos = qos(field!(will.qos)).map_err(inside)?;
    let topic = field!(text(will.topicName))
        .and_then(|topic| topic.ok_or_else(|| null("topicName")))
        .map_err(inside)?;
    if topic.is_empty() {
        return Err(last_error::fail(
            MQTTASYNC_0_LEN_WILL_TOPIC,
            "will.topicName is empty",
        ));
    }
    let payload = match (will.version() >= 1).then(|| field!(will.payload)) {
        // SAFETY: a valid pair of pointer and length, by the same promise.
        Some(payload) => unsafe { binary("payload", payload) }.map_err(inside)?,
        None => None,
    };
    // The header says that the payload counts without a message only; the original looks at it first.
    let payload = match payload {
        Some(payload) => payload,
        None => field!(bytes(will.message)).unwrap_or_default(),
    };
    Ok(Some(Will {
        topic,
        payload: payload.to_vec(),
        qos,
        retained: field!(will.retained) != 0,
        properties: Properties::new(),
    }))
}

/// Reads names and values up to a NULL name.
///
/// # Safety
/// NULL, or such a list.
pub unsafe fn headers(mut list: *const NameValue) -> Result<Vec<Header>, Code> {
    let mut headers = Vec::new();
    if list.is_null() {
        return Ok(headers);
    }
    // SAFETY: the list goes on until a NULL name, as documented.
    unsafe {
        let inside = |code| last_error::named(code, "a name or value in httpHeaders");
        while let Some(name) = text((*list).name).map_err(inside)? {
            headers.push((
                name,
                text((*list).value)
                    .map_err(inside)?
                    .unwrap_or_default()
                    .into(),
            ));
            list = list.add(1);
        }
    }
    Ok(headers)
}

/// Reads an array of strings, which has that name.
///
/// # Safety
/// `count` valid strings, or NULL.
pub unsafe fn texts(
    name: &str,
    strings: *const *mut c_char,
    count: c_int,
) -> Result<Vec<String>, Code> {
    let Ok(count) = usize::try_from(count) else {
        return Ok(Vec::new());
    };
    if count > 0 && strings.is_null() {
        return Err(null(name));
    }
    (0..count)
        .map(|i| {
            // SAFETY: within the array, as documented.
            unsafe { text(*strings.add(i)) }
                .map_err(|code| last_error::named(code, &format!("{name}[{i}]")))?
                .ok_or_else(|| null(&format!("{name}[{i}]")))
        })
        .collect()
}

/// Reads seconds; negative ones count as none.
pub fn seconds(seconds: c_int) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
