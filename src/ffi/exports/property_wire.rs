//! Single properties to and from the bytes of a packet: functions that no header declares, but the original's static
//! archives define, so that a program may declare and link them.
#![allow(non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown, clippy::missing_safety_doc)] // comments as in the headers, which say what is required

use libc::{c_char, c_int};

use crate::ffi::entry::entry;
use crate::ffi::exports::properties_wire::{read_one, write_one};
use crate::ffi::types::client_types::MQTTCLIENT_FAILURE;
use crate::ffi::types::property_types::MQTTProperty;

/// Reads one property as it stands in a packet: its identifier, then the value.
///
/// @param prop receives the property. Its strings, to be freed with MQTTClient_free() or MQTTAsync_free(), end in a NUL that
///        their length does not count.
/// @param pptr points at where to read; moved to the byte after the property.
/// @param enddata the end of the packet: the byte after its last one.
/// @return the number of bytes read, or -1 if there is no well formed property; nothing is moved or kept then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTProperty_read(
    prop: *mut MQTTProperty,
    pptr: *mut *mut c_char,
    enddata: *mut c_char,
) -> c_int {
    entry!(untraced: MQTTCLIENT_FAILURE, read_one(prop, pptr, enddata))
}

/// Writes one property as it stands in a packet: its identifier, then the value.
///
/// @param pptr points at where to write, where there must be room; moved to the byte after what was written.
/// @param prop the property.
/// @return the number of bytes written, or 0 if it cannot stand in a packet; -1 if a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTProperty_write(
    pptr: *mut *mut c_char,
    prop: *const MQTTProperty,
) -> c_int {
    entry!(untraced: MQTTCLIENT_FAILURE, write_one(pptr, prop))
}
