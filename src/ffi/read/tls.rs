//! The TLS options of both APIs, and their callbacks as the transport calls them.

use std::ptr;
use std::sync::Arc;

use libc::{c_char, c_int, c_uint, c_void};

use super::versioned::{Versioned, field};
use super::{Code, Context};
use crate::ffi::last_error;
use crate::ffi::memory;
use crate::ffi::types::shared_types::{
    MQTT_SSL_VERSION_DEFAULT, MQTT_SSL_VERSION_TLS_1_0, MQTT_SSL_VERSION_TLS_1_1,
    MQTT_SSL_VERSION_TLS_1_2, MQTT_SSL_VERSION_TLS_1_3, SslOptions,
};
use crate::options::{ErrorReporter, PskSource, Secret, SecretText, TlsOptions, TlsVersion};

/// Reads TLS settings.
///
/// # Safety
/// NULL, or settings as the API documents them.
pub unsafe fn tls(ssl: *const SslOptions) -> Result<Option<TlsOptions>, Code> {
    if ssl.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let ssl = unsafe { Versioned::check(ssl, "ssl", b"MQTS", 5)? };
    // SAFETY: as above.
    let options = unsafe { members(ssl) };
    options
        .map(Some)
        .map_err(|code| last_error::inside(code, "ssl"))
}

/// Reads the members of TLS settings.
///
/// # Safety
/// As [`Versioned::check`].
unsafe fn members(ssl: Versioned<SslOptions>) -> Result<TlsOptions, Code> {
    let reporter = field!(ssl.ssl_error_cb since 3 else None)
        .map(|callback| error_reporter(callback, Context(field!(ssl.ssl_error_context))));
    let psk = field!(ssl.ssl_psk_cb since 4 else None)
        .map(|callback| psk_source(callback, Context(field!(ssl.ssl_psk_context))));
    let protos = field!(ssl.protos since 5 else ptr::null());
    let protos_len = field!(ssl.protos_len since 5 else 0);
    Ok(TlsOptions {
        trust_store: field!(text(ssl.trustStore))?,
        key_store: field!(text(ssl.keyStore))?.map(SecretText::from),
        private_key: field!(text(ssl.privateKey))?.map(SecretText::from),
        private_key_password: field!(bytes(ssl.privateKeyPassword))
            .map(|password| Secret(password.to_vec())),
        enabled_cipher_suites: field!(text(ssl.enabledCipherSuites))?,
        enable_server_cert_auth: field!(ssl.enableServerCertAuth) != 0,
        version: tls_version(field!(ssl.sslVersion since 1 else MQTT_SSL_VERSION_DEFAULT)),
        min_version: None,
        max_version: None,
        verifier: None,
        verify: field!(ssl.verify since 2 else 0) != 0,
        ca_path: field!(text(ssl.CApath) since 2)?,
        error_reporter: reporter,
        psk_source: psk,
        disable_default_trust_store: field!(ssl.disableDefaultTrustStore since 4 else 0) != 0,
        // SAFETY: a valid pair of pointer and length, as documented.
        protos: unsafe { memory::bytes(protos.cast(), c_int::try_from(protos_len).unwrap_or(0)) }
            .to_vec(),
    })
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
        // The line feed is in the original's lines: programs print them one behind the other.
        let Ok(text) = std::ffi::CString::new(format!("{line}\n")) else {
            return true;
        };
        // SAFETY: the program's callback, its own context, and a string that outlives the call.
        unsafe { callback(text.as_ptr(), text.as_bytes().len(), context.0) > 0 }
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
