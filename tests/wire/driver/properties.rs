//! Property lists of the C API.

use std::ffi::{c_char, c_int};
use std::ptr;

use paho_oxide::ffi::exports::properties::{MQTTProperties_add, MQTTProperties_free};
use paho_oxide::ffi::types::property_types::{
    MQTTLenString, MQTTProperties, MQTTProperty, MQTTPropertyStrings, MQTTPropertyValue,
};

use crate::packet::{Kind, Properties, Value, kind};

/// A list made with the API's own functions.
pub struct CProperties {
    list: Box<MQTTProperties>,
}

const EMPTY: MQTTLenString = MQTTLenString {
    len: 0,
    data: ptr::null_mut(),
};

fn len_string(bytes: &[u8]) -> MQTTLenString {
    MQTTLenString {
        len: c_int::try_from(bytes.len()).unwrap(),
        data: bytes.as_ptr().cast_mut().cast::<c_char>(),
    }
}

fn strings(data: &[u8], value: Option<&[u8]>) -> MQTTPropertyValue {
    MQTTPropertyValue {
        strings: MQTTPropertyStrings {
            data: len_string(data),
            value: value.map_or(EMPTY, len_string),
        },
    }
}

impl CProperties {
    pub fn new(properties: &[(u8, Value)]) -> Self {
        let mut list = Box::new(MQTTProperties {
            count: 0,
            max_count: 0,
            length: 0,
            array: ptr::null_mut(),
        });
        for (id, value) in properties {
            let value = match value {
                Value::Byte(byte) => MQTTPropertyValue { byte: *byte },
                Value::Two(n) => MQTTPropertyValue { integer2: *n },
                Value::Four(n) | Value::Var(n) => MQTTPropertyValue { integer4: *n },
                Value::Binary(data) => strings(data, None),
                Value::Text(text) => strings(text.as_bytes(), None),
                Value::Pair(name, value) => strings(name.as_bytes(), Some(value.as_bytes())),
            };
            let property = MQTTProperty {
                identifier: (*id).into(),
                value,
            };
            // SAFETY: both point at whole objects, and the list is an initialised one; the call copies the strings.
            let rc = unsafe { MQTTProperties_add(&raw mut *list, &raw const property) };
            assert_eq!(rc, 0, "MQTTProperties_add of {id}");
        }
        Self { list }
    }

    /// The structure, whose array stays this list's.
    pub fn get(&self) -> MQTTProperties {
        *self.list
    }

    pub fn as_mut_ptr(&mut self) -> *mut MQTTProperties {
        &raw mut *self.list
    }
}

impl Drop for CProperties {
    fn drop(&mut self) {
        // SAFETY: the list was filled by the API's own function and is not used afterwards.
        unsafe { MQTTProperties_free(&raw mut *self.list) };
    }
}

/// Copies a list that the library gave.
///
/// # Safety
/// `list` is NULL or points at a list of the library's.
pub unsafe fn from_c(list: *const MQTTProperties) -> Properties {
    let mut properties = Properties::new();
    if list.is_null() {
        return properties;
    }
    // SAFETY: not NULL, so a list as the caller promises.
    let list = unsafe { &*list };
    for n in 0..usize::try_from(list.count).unwrap() {
        // SAFETY: the array has `count` entries, each with the member of the union that its identifier says.
        let property = unsafe { *list.array.add(n) };
        let id = u8::try_from(property.identifier).unwrap();
        // SAFETY: as above.
        let value = unsafe {
            let value = property.value;
            match kind(id).unwrap() {
                Kind::Byte => Value::Byte(value.byte),
                Kind::Two => Value::Two(value.integer2),
                Kind::Four => Value::Four(value.integer4),
                Kind::Var => Value::Var(value.integer4),
                Kind::Binary => Value::Binary(copy(value.strings.data)),
                Kind::Text => Value::Text(text(value.strings.data)),
                Kind::Pair => Value::Pair(text(value.strings.data), text(value.strings.value)),
            }
        };
        properties.push((id, value));
    }
    properties
}

/// # Safety
/// `string` is one of the library's.
unsafe fn copy(string: MQTTLenString) -> Vec<u8> {
    // SAFETY: its data has the length it says.
    unsafe { super::bytes(string.data.cast(), string.len) }.to_vec()
}

/// # Safety
/// `string` is one of the library's.
unsafe fn text(string: MQTTLenString) -> String {
    // SAFETY: passed on.
    String::from_utf8(unsafe { copy(string) }).unwrap()
}
