//! The C boundary: every `unsafe` of the crate, every C quirk, and nothing else.
#![allow(unsafe_code)] // the one place that dereferences what C hands us

mod async_api;
mod client_api;
mod connect;
mod create;
mod entry;
mod handles;
mod layout;
pub mod memory;
pub mod mqtt_async;
pub mod mqtt_client;
pub mod properties;
#[cfg(test)]
mod properties_tests;
mod properties_wire;
mod property_wire;
mod read;
mod received;
mod strerror;
mod threads;
mod tokens;
pub mod user_store;
mod version;

pub mod async_types;
pub mod client_types;
pub mod persistence_types;
pub mod property_types;
pub mod reason_codes;
pub mod shared_types;
pub mod subscribe_types;
pub mod types;

/// What `MQTTClient_global_init` and `MQTTAsync_global_init` do.
///
/// # Safety
/// NULL or an options struct as documented.
pub(crate) unsafe fn global_init(inits: *const shared_types::InitOptions) {
    // OpenSSL 1.1 and later initialises itself, as often as it is asked to and from any thread: there is nothing that
    // do_openssl_init could choose.
    let _ = inits;
}

/// Sets the level of the trace.
pub(crate) fn set_trace_level(level: libc::c_int) {
    crate::trace::set_level(level);
}

/// Sets or removes the program's trace callback.
pub(crate) fn set_trace_callback(
    callback: Option<unsafe extern "C" fn(libc::c_int, *mut libc::c_char)>,
) {
    crate::trace::set_callback(callback.map(|callback| -> crate::trace::Callback {
        std::sync::Arc::new(move |level, line| {
            let line = std::ffi::CString::new(line.replace('\0', " ")).unwrap_or_default();
            // SAFETY: the program's callback, and a text that outlives the call.
            unsafe { callback(level as libc::c_int, line.as_ptr().cast_mut()) };
        })
    }));
}

/// The four characters by which a struct of the API is known.
pub(crate) fn eyecatcher(text: [u8; 4]) -> [libc::c_char; 4] {
    text.map(|byte| libc::c_char::from_ne_bytes([byte]))
}
