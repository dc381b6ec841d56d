//! The C boundary: every `unsafe` of the crate, every C quirk, and nothing else.
#![allow(unsafe_code)] // the one place that dereferences what C hands us

mod entry;
mod layout;
pub mod memory;
pub mod mqtt_async;
pub mod mqtt_client;
mod placeholder;
pub mod properties;
mod properties_wire;
mod strerror;
mod threads;
mod version;

use placeholder::{async_api, client_api};

pub mod async_types;
pub mod client_types;
pub mod persistence_types;
pub mod property_types;
pub mod reason_codes;
pub mod shared_types;
pub mod subscribe_types;
pub mod types;

/// Calendar fields of a local time.
pub(crate) struct LocalTime {
    pub year: i32,
    pub month: i32,
    pub day: i32,
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
}

/// Splits seconds since the epoch as the C library's time zone says.
pub(crate) fn local_time(seconds: i64) -> LocalTime {
    // SAFETY: `tm` is plain data for which all zeroes is a value; localtime_r fills it and keeps no reference.
    let tm = unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        let seconds: libc::time_t = seconds;
        libc::localtime_r(&raw const seconds, &raw mut tm);
        tm
    };
    LocalTime {
        year: tm.tm_year + 1900,
        month: tm.tm_mon + 1,
        day: tm.tm_mday,
        hour: tm.tm_hour,
        minute: tm.tm_min,
        second: tm.tm_sec,
    }
}

/// This thread as the trace names it: its `pthread_t`, as the original prints it.
pub(crate) fn thread_number() -> u64 {
    // SAFETY: pthread_self has no precondition.
    unsafe { libc::pthread_self() }
}
