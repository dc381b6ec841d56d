//! C types shared by several headers. Layouts are checked against the original's in the tests.
#![allow(non_camel_case_types, non_snake_case)] // the names are the C API's

use libc::{c_char, c_int, c_uchar, c_uint};

/// A string with a length: not necessarily NUL-terminated.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTLenString {
    /// Number of bytes.
    pub len: c_int,
    /// The bytes.
    pub data: *mut c_char,
}

/// The two strings of a string or a user property.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MQTTPropertyStrings {
    /// The value, or the name of a user property.
    pub data: MQTTLenString,
    /// The value of a user property.
    pub value: MQTTLenString,
}

/// A property's value: which member holds it depends on the identifier's type.
#[repr(C)]
#[derive(Clone, Copy)]
pub union MQTTPropertyValue {
    /// One-byte integer.
    pub byte: c_uchar,
    /// Two-byte integer.
    pub integer2: u16,
    /// Four-byte or variable-byte integer.
    pub integer4: c_uint,
    /// Strings and binary data.
    pub strings: MQTTPropertyStrings,
}

/// One MQTT 5 property.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MQTTProperty {
    /// A value of `enum MQTTPropertyCodes`.
    pub identifier: c_int,
    /// The value.
    pub value: MQTTPropertyValue,
}

/// A list of MQTT 5 properties, in order.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTProperties {
    /// Number of entries.
    pub count: c_int,
    /// Number of entries there is room for.
    pub max_count: c_int,
    /// Bytes the properties take on the wire, without their own length prefix.
    pub length: c_int,
    /// The entries.
    pub array: *mut MQTTProperty,
}

/// MQTT 5 options of one subscription.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTSubscribe_options {
    /// `MQSO`.
    pub struct_id: [c_char; 4],
    /// 0.
    pub struct_version: c_int,
    /// Do not send back what this client published.
    pub noLocal: c_uchar,
    /// Keep the retain flag as the publisher set it.
    pub retainAsPublished: c_uchar,
    /// 0: send retained messages; 1: only for a new subscription; 2: never.
    pub retainHandling: c_uchar,
}
