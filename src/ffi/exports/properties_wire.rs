//! Property lists to and from the bytes of a packet: functions that `MQTTProperties.h` declares and the original's static
//! archives define. Its shared libraries do not export them; ours do, so that a program links with either kind.
#![allow(non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown, clippy::missing_safety_doc)] // the comments are the headers' Doxygen manual

use std::ptr;

use bytes::{BufMut, BytesMut};
use libc::{c_char, c_int, c_void};

use crate::ffi::entry::entry;
use crate::ffi::exports::properties::{self, entries, value_type, varint_len};
use crate::ffi::memory;
use crate::ffi::types::client_types::MQTTCLIENT_FAILURE;
#[allow(clippy::wildcard_imports)]
// the types of values, which have no prefix of their own in Rust
use crate::ffi::types::property_types::*;
use crate::protocol::error::Malformed;
use crate::protocol::wire::{self, Reader};

/// Bytes that a list takes in a packet, with the length that precedes it.
///
/// @param props the list.
/// @return the number of bytes; 1, that of an empty list, if \p props is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTProperties_len(props: *const MQTTProperties) -> c_int {
    entry!(untraced: 0, len(props))
}

/// Writes a list as it stands in a packet: its length, then the properties. NULL is written as an empty list.
///
/// @param pptr points at where to write, where there must be room for MQTTProperties_len() bytes; moved to the byte
///        after what was written.
/// @param properties the list.
/// @return the number of bytes written, or #MQTTCLIENT_FAILURE if \p pptr is NULL or a value cannot stand in a packet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTProperties_write(
    pptr: *mut *mut c_char,
    properties: *const MQTTProperties,
) -> c_int {
    entry!(untraced: MQTTCLIENT_FAILURE, write(pptr, properties))
}

/// Reads a list as it stands in a packet: its length, then the properties.
///
/// @param properties receives the list, to be freed with MQTTProperties_free(). What it held before is not freed.
/// @param pptr points at where to read; moved to the byte after the list.
/// @param enddata the end of the packet: the byte after its last one.
/// @return 1, or 0 if there is no well formed list; it is empty then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTProperties_read(
    properties: *mut MQTTProperties,
    pptr: *mut *mut c_char,
    enddata: *mut c_char,
) -> c_int {
    entry!(untraced: 0, read(properties, pptr, enddata))
}

unsafe fn len(props: *const MQTTProperties) -> c_int {
    // SAFETY: NULL or valid, as documented.
    unsafe { props.as_ref() }.map_or(1, |list| {
        list.length.saturating_add(varint_len(list.length))
    })
}

/// Appends bytes at a place of the program's, and moves it.
///
/// # Safety
/// `pptr` points at a place with that much room.
unsafe fn append(pptr: *mut *mut c_char, bytes: &[u8]) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        ptr::copy_nonoverlapping(bytes.as_ptr(), (*pptr).cast(), bytes.len());
        *pptr = (*pptr).add(bytes.len());
    }
    c_int::try_from(bytes.len()).unwrap_or(MQTTCLIENT_FAILURE)
}

pub(in crate::ffi) unsafe fn write_one(
    pptr: *mut *mut c_char,
    property: *const MQTTProperty,
) -> c_int {
    let mut bytes = BytesMut::new();
    // SAFETY: NULL or valid, as documented; there is room for what the property takes.
    unsafe {
        let Some(property) = property.as_ref().filter(|_| !pptr.is_null()) else {
            return MQTTCLIENT_FAILURE;
        };
        match encode(&mut bytes, property) {
            Some(()) => append(pptr, &bytes),
            // As the original: the identifier's byte is counted, on top of a failure's -1.
            None => 0,
        }
    }
}

unsafe fn write(pptr: *mut *mut c_char, list: *const MQTTProperties) -> c_int {
    if pptr.is_null() {
        return MQTTCLIENT_FAILURE;
    }
    let mut body = BytesMut::new();
    // SAFETY: the list is NULL or valid as documented, and so is each entry.
    unsafe {
        for entry in entries(list) {
            if encode(&mut body, entry).is_none() {
                return MQTTCLIENT_FAILURE;
            }
        }
    }
    let Some(length) = u32::try_from(body.len())
        .ok()
        .filter(|&n| n <= wire::MAX_VARINT)
    else {
        return MQTTCLIENT_FAILURE;
    };
    let mut whole = BytesMut::with_capacity(body.len() + 4);
    wire::put_varint(&mut whole, length);
    whole.extend_from_slice(&body);
    // SAFETY: there is room for the list, as documented: what was encoded is what the list's length accounts for.
    unsafe { append(pptr, &whole) }
}

/// Appends a property; `None` if its value cannot stand in a packet.
///
/// # Safety
/// The value holds the member that the identifier's type says.
unsafe fn encode(out: &mut BytesMut, property: &MQTTProperty) -> Option<()> {
    let ty = value_type(property.identifier)?;
    out.put_u8(u8::try_from(property.identifier).ok()?);
    // SAFETY: the caller's promise.
    unsafe {
        let value = &property.value;
        match ty {
            MQTTPROPERTY_TYPE_BYTE => out.put_u8(value.byte),
            MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER => out.put_u16(value.integer2),
            MQTTPROPERTY_TYPE_FOUR_BYTE_INTEGER => out.put_u32(value.integer4),
            MQTTPROPERTY_TYPE_VARIABLE_BYTE_INTEGER => {
                if value.integer4 > wire::MAX_VARINT {
                    return None;
                }
                wire::put_varint(out, value.integer4);
            }
            _ => {
                let strings = &value.strings;
                let data = memory::bytes(strings.data.data.cast(), strings.data.len);
                wire::put_binary(out, data).ok()?;
                if ty == MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR {
                    let value = memory::bytes(strings.value.data.cast(), strings.value.len);
                    wire::put_binary(out, value).ok()?;
                }
            }
        }
    }
    Some(())
}

/// Returns the bytes from a place to the end of a packet; none for NULL or an end that lies before.
///
/// # Safety
/// What the two enclose is readable for `'a`.
unsafe fn enclosed<'a>(start: *mut c_char, end: *mut c_char) -> Option<&'a [u8]> {
    let available = end.addr().checked_sub(start.addr())?;
    if start.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { std::slice::from_raw_parts(start.cast(), available) })
}

unsafe fn read(list: *mut MQTTProperties, pptr: *mut *mut c_char, enddata: *mut c_char) -> c_int {
    if list.is_null() || pptr.is_null() {
        return 0;
    }
    // SAFETY: not NULL; what `pptr` and `enddata` enclose is readable, as documented.
    unsafe {
        *list = properties::EMPTY;
        let Some(bytes) = enclosed(*pptr, enddata) else {
            return 0;
        };
        let mut packet = Reader::new(bytes);
        let Ok(body) = packet.varint().and_then(|n| packet.take(n as usize)) else {
            return 0;
        };
        let mut body = Reader::new(body);
        while !body.is_empty() {
            let added =
                decode(&mut body).map(|property| properties::add(list, &raw const property));
            if !matches!(added, Ok(0)) {
                properties::free(list);
                return 0;
            }
        }
        *pptr = enddata.sub(packet.rest().len());
    }
    1
}

pub(in crate::ffi) unsafe fn read_one(
    property: *mut MQTTProperty,
    pptr: *mut *mut c_char,
    enddata: *mut c_char,
) -> c_int {
    if property.is_null() || pptr.is_null() {
        return MQTTCLIENT_FAILURE;
    }
    // SAFETY: not NULL; what `pptr` and `enddata` enclose is readable, as documented.
    unsafe {
        *property = std::mem::zeroed();
        let Some(bytes) = enclosed(*pptr, enddata) else {
            return MQTTCLIENT_FAILURE;
        };
        let mut packet = Reader::new(bytes);
        let Ok(read) = decode(&mut packet) else {
            return MQTTCLIENT_FAILURE;
        };
        let Ok(own) = properties::copy_property(&read) else {
            return MQTTCLIENT_FAILURE;
        };
        *property = own;
        *pptr = enddata.sub(packet.rest().len());
        c_int::try_from(bytes.len() - packet.rest().len()).unwrap_or(MQTTCLIENT_FAILURE)
    }
}

/// Reads one property. Its strings are in what is read.
fn decode(body: &mut Reader<'_>) -> Result<MQTTProperty, Malformed> {
    let malformed = Malformed::new(crate::protocol::reason::MALFORMED_PACKET, "property");
    let identifier = MQTTPropertyCodes::from(body.byte()?);
    let string = |bytes: &[u8]| MQTTLenString {
        // A two-byte length always fits.
        len: c_int::try_from(bytes.len()).unwrap_or_default(),
        data: bytes.as_ptr().cast_mut().cast::<c_void>().cast(),
    };
    let strings = |data, value| MQTTPropertyValue {
        strings: MQTTPropertyStrings { data, value },
    };
    let value = match value_type(identifier).ok_or(malformed)? {
        MQTTPROPERTY_TYPE_BYTE => MQTTPropertyValue { byte: body.byte()? },
        MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER => MQTTPropertyValue {
            integer2: body.two()?,
        },
        MQTTPROPERTY_TYPE_FOUR_BYTE_INTEGER => MQTTPropertyValue {
            integer4: body.four()?,
        },
        MQTTPROPERTY_TYPE_VARIABLE_BYTE_INTEGER => MQTTPropertyValue {
            integer4: body.varint()?,
        },
        MQTTPROPERTY_TYPE_BINARY_DATA => strings(string(body.binary()?), string(&[])),
        MQTTPROPERTY_TYPE_UTF_8_ENCODED_STRING => strings(string(body.utf8()?), string(&[])),
        _ => {
            let name = string(body.utf8()?);
            strings(name, string(body.utf8()?))
        }
    };
    Ok(MQTTProperty { identifier, value })
}
