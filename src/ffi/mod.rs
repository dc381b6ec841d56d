//! The C boundary: every `unsafe` of the crate, every C quirk, and nothing else.
#![allow(unsafe_code)] // the one place that dereferences what C hands us

mod async_api;
mod entry;
pub mod exports;
mod for_paho;
mod handles;
mod in_call;
mod last_error;
mod layout;
pub mod memory;
mod oxide_api;
mod read;
mod received;
pub mod store;
mod strerror;
mod sync_api;
mod tokens;
pub mod types;

/// Does what `MQTTClient_global_init` and `MQTTAsync_global_init` do.
///
/// # Safety
/// NULL or an options struct as documented.
pub(crate) unsafe fn global_init(inits: *const types::InitOptions) {
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

/// Returns the four characters by which a struct of the API is known.
pub(crate) fn eyecatcher(text: [u8; 4]) -> [libc::c_char; 4] {
    text.map(|byte| libc::c_char::from_ne_bytes([byte]))
}
