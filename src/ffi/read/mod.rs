//! Reading what a program passes: each string and struct once, into owned and validated values.
//!
//! A struct is read through its pointer member by member, and only the members that the version it states has: a program
//! compiled against an older header passes a shorter object.

pub mod connect;
pub mod create;

use std::ffi::CStr;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use libc::{c_char, c_int, c_uint, c_void};

use crate::ffi::exports::properties::{entries, value_type};
use crate::ffi::memory;
use crate::ffi::types::async_types::{
    MQTTASYNC_0_LEN_WILL_TOPIC, MQTTASYNC_BAD_QOS, MQTTASYNC_BAD_STRUCTURE,
    MQTTASYNC_BAD_UTF8_STRING, MQTTASYNC_FAILURE, MQTTASYNC_NULL_PARAMETER,
};
#[allow(clippy::wildcard_imports)]
// the types of values, which have no prefix of their own in Rust
use crate::ffi::types::property_types::*;
use crate::ffi::types::shared_types::{
    Binary, MQTT_SSL_VERSION_TLS_1_0, MQTT_SSL_VERSION_TLS_1_1, MQTT_SSL_VERSION_TLS_1_2,
    MQTT_SSL_VERSION_TLS_1_3, NameValue, SslOptions, WillOptions,
};
use crate::options::{
    ErrorReporter, PskSource, Secret, SecretText, TlsOptions, TlsVersion, WillOptions as Will,
};
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

/// The bytes of a C string, without NUL; none for NULL.
///
/// # Safety
/// NULL, or a NUL-terminated string that stays as it is for `'a`.
pub unsafe fn bytes<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: not NULL, and the caller's promise.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// A C string as text; none for NULL.
///
/// # Safety
/// NULL, or a NUL-terminated string.
pub unsafe fn text(text: *const c_char) -> Result<Option<String>, Code> {
    // SAFETY: the caller's promise.
    match unsafe { bytes(text) } {
        None => Ok(None),
        Some(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(MQTTASYNC_BAD_UTF8_STRING),
        },
    }
}

/// As [`text`], for one that is checked and not kept: a password is not copied where it cannot be wiped.
///
/// # Safety
/// NULL, or a NUL-terminated string.
pub unsafe fn check_text(text: *const c_char) -> Result<(), Code> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(text) }.unwrap_or_default();
    std::str::from_utf8(bytes)
        .map(drop)
        .map_err(|_| MQTTASYNC_BAD_UTF8_STRING)
}

/// A topic name or filter. The original reports a missing one as a bad string too.
///
/// # Safety
/// NULL, or a NUL-terminated string that stays as it is for `'a`.
pub unsafe fn topic<'a>(topic: *const c_char) -> Result<&'a [u8], Code> {
    // SAFETY: the caller's promise.
    match unsafe { bytes(topic) } {
        Some(bytes) if wire::well_formed_utf8(bytes) => Ok(bytes),
        _ => Err(MQTTASYNC_BAD_UTF8_STRING),
    }
}

/// A quality of service.
pub fn qos(qos: c_int) -> Result<QoS, Code> {
    match qos {
        0 => Ok(QoS::AtMostOnce),
        1 => Ok(QoS::AtLeastOnce),
        2 => Ok(QoS::ExactlyOnce),
        _ => Err(MQTTASYNC_BAD_QOS),
    }
}

/// Whether a struct has the eyecatcher and a version from 0 to `newest`.
///
/// # Safety
/// Points at an object that starts with an eyecatcher and a version.
pub unsafe fn check_struct(
    object: *const c_void,
    eyecatcher: &[u8; 4],
    newest: c_int,
) -> Result<c_int, Code> {
    // SAFETY: the caller's promise; every struct of the API starts like this.
    let (id, version) = unsafe {
        (
            object.cast::<[u8; 4]>().read(),
            object.cast::<c_int>().add(1).read(),
        )
    };
    if id == *eyecatcher && (0..=newest).contains(&version) {
        Ok(version)
    } else {
        Err(MQTTASYNC_BAD_STRUCTURE)
    }
}

/// The properties of a list, for a packet of that kind; none for NULL.
///
/// # Safety
/// NULL, or a list as the API's functions make it.
pub unsafe fn properties(
    list: *const MQTTProperties,
    context: PropertyContext,
) -> Result<Properties, Code> {
    let mut properties = Properties::new();
    if list.is_null() {
        return Ok(properties);
    }
    // SAFETY: the caller's promise.
    for entry in unsafe { entries(list) } {
        let id = u8::try_from(entry.identifier)
            .ok()
            .and_then(PropertyId::from_u8)
            .ok_or(MQTTASYNC_FAILURE)?;
        // SAFETY: the caller's promise.
        let value = unsafe { value(entry) }.ok_or(MQTTASYNC_FAILURE)?;
        let property = Property { id, value };
        properties.push(property).map_err(|_| MQTTASYNC_FAILURE)?;
    }
    properties
        .as_ref()
        .validate_for(context)
        .map_err(|_| MQTTASYNC_FAILURE)?;
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

/// A password: the binary one where there is one.
///
/// # Safety
/// A NUL-terminated string or NULL, and a valid pair of pointer and length.
pub unsafe fn password(text: *const c_char, binary: Binary) -> Option<Secret> {
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(password) = bytes(text) {
            return Some(Secret(password.to_vec()));
        }
        (!binary.data.is_null()).then(|| Secret(memory::bytes(binary.data, binary.len).to_vec()))
    }
}

/// A will.
///
/// # Safety
/// NULL, or a will as the API documents it.
pub unsafe fn will(will: *const WillOptions, properties: Properties) -> Result<Option<Will>, Code> {
    if will.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL; read member by member, those of version 1 only when it is one.
    unsafe {
        let version = check_struct(will.cast(), b"MQTW", 1)?;
        let qos = qos((*will).qos)?;
        let topic = text((*will).topicName)?.ok_or(MQTTASYNC_NULL_PARAMETER)?;
        if topic.is_empty() {
            return Err(MQTTASYNC_0_LEN_WILL_TOPIC);
        }
        let message = bytes((*will).message);
        let payload = match message {
            Some(message) => message.to_vec(),
            None if version >= 1 => {
                let payload = (*will).payload;
                memory::bytes(payload.data, payload.len).to_vec()
            }
            None => Vec::new(),
        };
        Ok(Some(Will {
            topic,
            payload,
            qos,
            retained: (*will).retained != 0,
            properties,
        }))
    }
}

/// TLS settings.
///
/// # Safety
/// NULL, or settings as the API documents them.
pub unsafe fn tls(ssl: *const SslOptions) -> Result<Option<TlsOptions>, Code> {
    if ssl.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL; read member by member, each only in a version that has it.
    unsafe {
        let version = check_struct(ssl.cast(), b"MQTS", 5)?;
        let reporter = (version >= 3)
            .then(|| {
                (*ssl)
                    .ssl_error_cb
                    .map(|callback| error_reporter(callback, Context((*ssl).ssl_error_context)))
            })
            .flatten();
        let psk = (version >= 4)
            .then(|| {
                (*ssl)
                    .ssl_psk_cb
                    .map(|callback| psk_source(callback, Context((*ssl).ssl_psk_context)))
            })
            .flatten();
        Ok(Some(TlsOptions {
            trust_store: text((*ssl).trustStore)?,
            key_store: text((*ssl).keyStore)?.map(SecretText::from),
            private_key: text((*ssl).privateKey)?.map(SecretText::from),
            private_key_password: bytes((*ssl).privateKeyPassword)
                .map(|password| Secret(password.to_vec())),
            enabled_cipher_suites: text((*ssl).enabledCipherSuites)?,
            enable_server_cert_auth: (*ssl).enableServerCertAuth != 0,
            version: if version >= 1 {
                tls_version((*ssl).sslVersion)
            } else {
                TlsVersion::Default
            },
            min_version: None,
            max_version: None,
            verifier: None,
            verify: version >= 2 && (*ssl).verify != 0,
            ca_path: if version >= 2 {
                text((*ssl).CApath)?
            } else {
                None
            },
            error_reporter: reporter,
            psk_source: psk,
            disable_default_trust_store: version >= 4 && (*ssl).disableDefaultTrustStore != 0,
            protos: if version >= 5 && !(*ssl).protos.is_null() {
                let len = c_int::try_from((*ssl).protos_len).unwrap_or(0);
                memory::bytes((*ssl).protos.cast(), len).to_vec()
            } else {
                Vec::new()
            },
        }))
    }
}

fn tls_version(version: c_int) -> TlsVersion {
    match version {
        MQTT_SSL_VERSION_TLS_1_0 => TlsVersion::V1_0,
        MQTT_SSL_VERSION_TLS_1_1 => TlsVersion::V1_1,
        MQTT_SSL_VERSION_TLS_1_2 => TlsVersion::V1_2,
        MQTT_SSL_VERSION_TLS_1_3 => TlsVersion::V1_3,
        _ => TlsVersion::Default,
    }
}

type ErrorCallback = unsafe extern "C" fn(*const c_char, libc::size_t, *mut c_void) -> c_int;
type PskCallback = unsafe extern "C" fn(
    *const c_char,
    *mut c_char,
    c_uint,
    *mut u8,
    c_uint,
    *mut c_void,
) -> c_uint;

fn error_reporter(callback: ErrorCallback, context: Context) -> ErrorReporter {
    Arc::new(move |line| {
        let context = context;
        let Ok(text) = std::ffi::CString::new(line) else {
            return true;
        };
        // SAFETY: the program's callback, its own context, and a string that outlives the call.
        unsafe { callback(text.as_ptr(), line.len(), context.0) > 0 }
    })
}

fn psk_source(callback: PskCallback, context: Context) -> PskSource {
    Arc::new(move |hint, identity, key| {
        let context = context;
        let hint = hint.and_then(|hint| std::ffi::CString::new(hint).ok());
        let size = |buffer: &[u8]| c_uint::try_from(buffer.len()).unwrap_or(c_uint::MAX);
        // SAFETY: the program's callback, its own context, and buffers of the lengths given that outlive the call.
        let used = unsafe {
            callback(
                hint.as_ref().map_or(ptr::null(), |hint| hint.as_ptr()),
                identity.as_mut_ptr().cast(),
                size(identity),
                key.as_mut_ptr(),
                size(key),
                context.0,
            )
        };
        // A length beyond the buffer is the program's mistake; there is no key then.
        if used as usize <= key.len() {
            used as usize
        } else {
            0
        }
    })
}

/// Names and values up to a NULL name.
///
/// # Safety
/// NULL, or such a list.
pub unsafe fn headers(mut list: *const NameValue) -> Result<Vec<(String, String)>, Code> {
    let mut headers = Vec::new();
    if list.is_null() {
        return Ok(headers);
    }
    // SAFETY: the list goes on until a NULL name, as documented.
    unsafe {
        while let Some(name) = text((*list).name)? {
            headers.push((name, text((*list).value)?.unwrap_or_default()));
            list = list.add(1);
        }
    }
    Ok(headers)
}

/// An array of strings.
///
/// # Safety
/// `count` valid strings, or NULL.
pub unsafe fn texts(strings: *const *mut c_char, count: c_int) -> Result<Vec<String>, Code> {
    let Ok(count) = usize::try_from(count) else {
        return Ok(Vec::new());
    };
    if count > 0 && strings.is_null() {
        return Err(MQTTASYNC_NULL_PARAMETER);
    }
    (0..count)
        // SAFETY: within the array, as documented.
        .map(|i| unsafe { text(*strings.add(i))? }.ok_or(MQTTASYNC_NULL_PARAMETER))
        .collect()
}

/// Seconds; negative ones count as none.
pub fn seconds(seconds: c_int) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
