//! Properties and filters written and read for programs in C, and the names of errors.

use std::ffi::{c_char, c_void};

use super::{Answer, code, read};
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::oxide_types::*;
use crate::protocol::property::{Properties, Property, PropertyId, PropertyType, Value};
use crate::protocol::wire;

/// Appends bytes to what the caller has written so far.
///
/// # Safety
/// `buffer` is of that capacity, and `at` NULL or the number of bytes used.
unsafe fn append(buffer: *mut c_void, capacity: u32, at: *mut u32, bytes: &[u8]) -> Answer {
    if at.is_null() {
        return Err(MQTTOxide_E_NULL);
    }
    // SAFETY: not NULL, and the caller's promise.
    let (used, buffer) = unsafe { (at.read(), read::buffer(buffer, capacity.into())?) };
    let start = used as usize;
    let end = start + bytes.len();
    let room = buffer.get_mut(start..end).ok_or(MQTTOxide_E_TOO_SMALL)?;
    room.copy_from_slice(bytes);
    // SAFETY: not NULL; no more than the capacity.
    unsafe { at.write(u32::try_from(end).unwrap_or(used)) };
    Ok(0)
}

fn encoded(id: u32, value: impl FnOnce(PropertyType) -> Answer<Value<'static>>) -> Answer<Vec<u8>> {
    let id = identifier(id)?;
    let property = Property {
        id,
        value: value(id.ty())?,
    };
    let mut properties = Properties::new();
    properties
        .push(property)
        .map_err(|_| MQTTOxide_E_ARGUMENT)?;
    Ok(properties.as_ref().as_bytes().to_vec())
}

fn identifier(id: u32) -> Answer<PropertyId> {
    u8::try_from(id)
        .ok()
        .and_then(PropertyId::from_u8)
        .ok_or(MQTTOxide_E_ARGUMENT)
}

pub unsafe fn put_number(
    buffer: *mut c_void,
    capacity: u32,
    at: *mut u32,
    id: u32,
    number: u32,
) -> i32 {
    let put = || {
        let bytes = encoded(id, |ty| match ty {
            PropertyType::Byte => u8::try_from(number)
                .map(Value::Byte)
                .map_err(|_| MQTTOxide_E_ARGUMENT),
            PropertyType::Two => u16::try_from(number)
                .map(Value::Two)
                .map_err(|_| MQTTOxide_E_ARGUMENT),
            PropertyType::Four => Ok(Value::Four(number)),
            PropertyType::Var => Ok(Value::Var(number)),
            _ => Err(MQTTOxide_E_ARGUMENT),
        })?;
        // SAFETY: the caller's promise.
        unsafe { append(buffer, capacity, at, &bytes) }
    };
    code(put())
}

/// Appends a property whose value has been made.
unsafe fn put(buffer: *mut c_void, capacity: u32, at: *mut u32, property: Property<'_>) -> Answer {
    let mut properties = Properties::new();
    properties
        .push(property)
        .map_err(|_| MQTTOxide_E_ARGUMENT)?;
    // SAFETY: the caller's promise.
    unsafe { append(buffer, capacity, at, properties.as_ref().as_bytes()) }
}

pub unsafe fn put_bytes(
    buffer: *mut c_void,
    capacity: u32,
    at: *mut u32,
    id: u32,
    value: *const c_void,
    len: u32,
) -> i32 {
    let write = || {
        let id = identifier(id)?;
        // SAFETY: the caller's promise.
        let bytes = unsafe { read::bytes(value, len) }?;
        let value = match id.ty() {
            PropertyType::Binary => Value::Binary(bytes),
            PropertyType::Utf8 => Value::Utf8(bytes),
            _ => return Err(MQTTOxide_E_ARGUMENT),
        };
        // SAFETY: the caller's promise.
        unsafe { put(buffer, capacity, at, Property { id, value }) }
    };
    code(write())
}

#[allow(clippy::too_many_arguments)] // they are the C function's
pub unsafe fn put_pair(
    buffer: *mut c_void,
    capacity: u32,
    at: *mut u32,
    id: u32,
    name: *const c_void,
    name_len: u32,
    value: *const c_void,
    value_len: u32,
) -> i32 {
    let write = || {
        let id = identifier(id)?;
        if id.ty() != PropertyType::Pair {
            return Err(MQTTOxide_E_ARGUMENT);
        }
        // SAFETY: the caller's promise.
        let (name, value) =
            unsafe { (read::bytes(name, name_len)?, read::bytes(value, value_len)?) };
        let value = Value::Pair(name, value);
        // SAFETY: the caller's promise.
        unsafe { put(buffer, capacity, at, Property { id, value }) }
    };
    code(write())
}

pub unsafe fn put_filter(
    buffer: *mut c_void,
    capacity: u32,
    at: *mut u32,
    filter: *const c_char,
    len: u32,
    options: i32,
) -> i32 {
    let write = || {
        // SAFETY: the caller's promise.
        let filter = unsafe { read::bytes(filter.cast(), len) }?;
        let mut bytes = Vec::with_capacity(filter.len() + 3);
        if !wire::valid_topic_filter(filter) {
            return Err(MQTTOxide_E_ARGUMENT);
        }
        wire::put_binary(&mut bytes, filter).map_err(|_| MQTTOxide_E_ARGUMENT)?;
        match options {
            -1 => {}
            options => bytes.push(u8::try_from(options).map_err(|_| MQTTOxide_E_ARGUMENT)?),
        }
        // SAFETY: the caller's promise.
        unsafe { append(buffer, capacity, at, &bytes) }
    };
    code(write())
}

pub unsafe fn next_property(
    props: *const c_void,
    len: u32,
    at: *mut u32,
    property: *mut MQTTOxide_property,
) -> i32 {
    let next = || {
        if at.is_null() {
            return Err(MQTTOxide_E_NULL);
        }
        // SAFETY: the caller's promise.
        let bytes = unsafe {
            read::to_fill(property)?;
            read::bytes(props, len)?
        };
        // SAFETY: not NULL, so a u32.
        let start = unsafe { at.read() } as usize;
        let rest = bytes.get(start..).ok_or(MQTTOxide_E_ARGUMENT)?;
        if rest.is_empty() {
            return Ok(0);
        }
        let (found, used) = Property::first(rest).map_err(|_| MQTTOxide_E_ARGUMENT)?;
        let mut filled = MQTTOxide_property {
            size: read::size::<MQTTOxide_property>(),
            id: u32::from(found.id as u8),
            number: 0,
            value_len: 0,
            value: std::ptr::null(),
            name: std::ptr::null(),
            name_len: 0,
            reserved: 0,
        };
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(0);
        match found.value {
            Value::Byte(number) => filled.number = number.into(),
            Value::Two(number) => filled.number = number.into(),
            Value::Four(number) | Value::Var(number) => filled.number = number,
            Value::Binary(value) | Value::Utf8(value) => {
                filled.value = value.as_ptr().cast();
                filled.value_len = length(value);
            }
            Value::Pair(name, value) => {
                filled.name = name.as_ptr().cast();
                filled.name_len = length(name);
                filled.value = value.as_ptr().cast();
                filled.value_len = length(value);
            }
        }
        // SAFETY: both were checked for NULL, and the struct is of the size that it says.
        unsafe {
            property.write_unaligned(filled);
            at.write(u32::try_from(start + used).unwrap_or(len));
        }
        Ok(1)
    };
    code(next())
}

pub fn error_name(error: i32) -> *const c_char {
    let name = match error {
        0.. => c"no error",
        MQTTOxide_E_HANDLE => c"no such client or queue",
        MQTTOxide_E_NULL => c"a pointer is NULL",
        MQTTOxide_E_SIZE => c"a struct has an unknown size",
        MQTTOxide_E_ARGUMENT => c"a value is not allowed",
        MQTTOxide_E_STATE => c"not in this state",
        MQTTOxide_E_DISCONNECTED => c"not connected",
        MQTTOxide_E_WOULD_BLOCK => c"too much is waiting",
        MQTTOxide_E_NO_ID => c"no packet identifier is free",
        MQTTOxide_E_NOT_ALLOWED => c"the server does not allow it",
        MQTTOxide_E_NOT_STORED => c"it could not be stored",
        MQTTOxide_E_TOO_SMALL => c"the buffer is too small",
        MQTTOxide_E_SYSTEM => c"no memory, threads or descriptors",
        MQTTOxide_E_NOT_FOUND => c"no such operation",
        MQTTOxide_E_NOT_SUPPORTED => c"not supported by this library",
        MQTTOxide_E_PANIC => c"a defect in the library",
        _ => c"unknown error",
    };
    name.as_ptr()
}
