//! The functions of `MQTTProperties.h`, on lists that belong to the C program.
//!
//! The library keeps properties in another form ([`crate::protocol::property`]); these lists exist at the boundary only.
#![allow(non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown, clippy::missing_safety_doc)] // the comments are the headers' Doxygen manual

use std::{ptr, slice};

use libc::{c_char, c_int};

use crate::ffi::entry::entry;
use crate::ffi::memory;
use crate::ffi::types::client_types::{MQTTCLIENT_FAILURE, MQTTCLIENT_NULL_PARAMETER};
#[allow(clippy::wildcard_imports)] // this file uses every name there
use crate::ffi::types::property_types::*;
use crate::protocol::property::{PropertyId, PropertyType};
use crate::protocol::wire;

/// A list's room grows by this many entries at a time.
const GROWTH: c_int = 10;
/// No memory: the value that the original has for it; no header names it.
const OUT_OF_MEMORY: c_int = -99;
/// The longest list that its length in a packet can tell.
const MAX_LENGTH: c_int = 268_435_455;
const _: () = assert!(MAX_LENGTH as u32 == wire::MAX_VARINT);
/// No such property in the list.
const NOT_THERE: i64 = -9_999_999;
/// There is such a property, but its value is not a number.
const NOT_A_NUMBER: i64 = -999_999;

/// The name of a property identifier, as its constant has it after `MQTTPROPERTY_CODE_`.
///
/// @param value the identifier.
/// @return the name, which belongs to the library, or NULL for an identifier that MQTT 5 does not define.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTPropertyName(value: MQTTPropertyCodes) -> *const c_char {
    entry!(untraced: ptr::null(), name(value))
}

/// The type of a property's value.
///
/// @param value the identifier.
/// @return a value of enum MQTTPropertyTypes, or -1 for an identifier that MQTT 5 does not define.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTProperty_getType(value: MQTTPropertyCodes) -> c_int {
    entry!(untraced: -1, value_type(value).unwrap_or(-1))
}

/// Adds a copy of a property to the end of a list. Strings and binary data are copied as well.
///
/// @param props the list.
/// @param prop the property: it stays the program's.
/// @return 0; #MQTT_INVALID_PROPERTY_ID if MQTT 5 does not define its identifier; #MQTTCLIENT_NULL_PARAMETER if a
///         pointer is NULL (that to a string may be if the length is 0); #MQTTCLIENT_FAILURE for a string whose length
///         is negative or more than 65,535, for a list that these functions cannot have made (a negative count, more
///         entries than there is room for, no array), and for a list that no packet could hold; -99 if there is no
///         memory. The list is unchanged unless 0 is returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTProperties_add(
    props: *mut MQTTProperties,
    prop: *const MQTTProperty,
) -> c_int {
    entry!(untraced: MQTTCLIENT_FAILURE, add(props, prop))
}

/// Frees what a list holds and makes it an empty one. The structure itself stays the program's.
///
/// @param properties the list; nothing is done if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTProperties_free(properties: *mut MQTTProperties) {
    entry!((), free(properties));
}

/// Copies a list, with all that it holds.
///
/// @param props the list.
/// @return the copy, to be freed with MQTTProperties_free(). Empty if \p props is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTProperties_copy(props: *const MQTTProperties) -> MQTTProperties {
    entry!(EMPTY, copy(props))
}

/// Says whether a list has a property.
///
/// @param props the list.
/// @param propid the property's identifier.
/// @return 1 if it has, 0 if it has not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTProperties_hasProperty(
    props: *const MQTTProperties,
    propid: MQTTPropertyCodes,
) -> c_int {
    entry!(untraced: 0, c_int::from(count(props, propid) > 0))
}

/// Counts how often a list has a property.
///
/// @param props the list.
/// @param propid the property's identifier.
/// @return the number of entries with that identifier.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTProperties_propertyCount(
    props: *const MQTTProperties,
    propid: MQTTPropertyCodes,
) -> c_int {
    entry!(untraced: 0, count(props, propid))
}

/// The value of a property of any of the integer types.
///
/// @param props the list.
/// @param propid the property's identifier.
/// @return the value; -9999999 if the list does not have the property, -999999 if its value is not an integer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTProperties_getNumericValue(
    props: *const MQTTProperties,
    propid: MQTTPropertyCodes,
) -> i64 {
    entry!(untraced: NOT_THERE, number(props, propid, 0))
}

/// The value of one of several properties with the same identifier, of any of the integer types.
///
/// @param props the list.
/// @param propid the property's identifier.
/// @param index which of them: 0 is the first.
/// @return the value; -9999999 if the list does not have that many, -999999 if its value is not an integer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTProperties_getNumericValueAt(
    props: *const MQTTProperties,
    propid: MQTTPropertyCodes,
    index: c_int,
) -> i64 {
    entry!(untraced: NOT_THERE, number(props, propid, index))
}

/// Finds a property.
///
/// @param props the list.
/// @param propid the property's identifier.
/// @return the first entry with that identifier, in the list itself: valid until the list is changed or freed. NULL if
///         there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTProperties_getProperty(
    props: *const MQTTProperties,
    propid: MQTTPropertyCodes,
) -> *mut MQTTProperty {
    entry!(untraced: ptr::null_mut(), find(props, propid, 0))
}

/// Finds one of several properties with the same identifier.
///
/// @param props the list.
/// @param propid the property's identifier.
/// @param index which of them: 0 is the first.
/// @return the entry, in the list itself: valid until the list is changed or freed. NULL if there are not that many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTProperties_getPropertyAt(
    props: *const MQTTProperties,
    propid: MQTTPropertyCodes,
    index: c_int,
) -> *mut MQTTProperty {
    entry!(untraced: ptr::null_mut(), find(props, propid, index))
}

/// What `MQTTProperties_initializer` gives.
pub const EMPTY: MQTTProperties = MQTTProperties {
    count: 0,
    max_count: 0,
    length: 0,
    array: ptr::null_mut(),
};

/// Returns the type of an identifier's value; `None` for an unknown identifier.
pub fn value_type(id: MQTTPropertyCodes) -> Option<MQTTPropertyTypes> {
    let id = PropertyId::from_u8(u8::try_from(id).ok()?)?;
    Some(match id.ty() {
        PropertyType::Byte => MQTTPROPERTY_TYPE_BYTE,
        PropertyType::Two => MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER,
        PropertyType::Four => MQTTPROPERTY_TYPE_FOUR_BYTE_INTEGER,
        PropertyType::Var => MQTTPROPERTY_TYPE_VARIABLE_BYTE_INTEGER,
        PropertyType::Binary => MQTTPROPERTY_TYPE_BINARY_DATA,
        PropertyType::Utf8 => MQTTPROPERTY_TYPE_UTF_8_ENCODED_STRING,
        PropertyType::Pair => MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR,
    })
}

fn name(value: MQTTPropertyCodes) -> *const c_char {
    let name = match value {
        MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR => c"PAYLOAD_FORMAT_INDICATOR",
        MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL => c"MESSAGE_EXPIRY_INTERVAL",
        MQTTPROPERTY_CODE_CONTENT_TYPE => c"CONTENT_TYPE",
        MQTTPROPERTY_CODE_RESPONSE_TOPIC => c"RESPONSE_TOPIC",
        MQTTPROPERTY_CODE_CORRELATION_DATA => c"CORRELATION_DATA",
        MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER => c"SUBSCRIPTION_IDENTIFIER",
        MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL => c"SESSION_EXPIRY_INTERVAL",
        // The original's spelling, which programs that log the name have shown for years.
        MQTTPROPERTY_CODE_ASSIGNED_CLIENT_IDENTIFER => c"ASSIGNED_CLIENT_IDENTIFER",
        MQTTPROPERTY_CODE_SERVER_KEEP_ALIVE => c"SERVER_KEEP_ALIVE",
        MQTTPROPERTY_CODE_AUTHENTICATION_METHOD => c"AUTHENTICATION_METHOD",
        MQTTPROPERTY_CODE_AUTHENTICATION_DATA => c"AUTHENTICATION_DATA",
        MQTTPROPERTY_CODE_REQUEST_PROBLEM_INFORMATION => c"REQUEST_PROBLEM_INFORMATION",
        MQTTPROPERTY_CODE_WILL_DELAY_INTERVAL => c"WILL_DELAY_INTERVAL",
        MQTTPROPERTY_CODE_REQUEST_RESPONSE_INFORMATION => c"REQUEST_RESPONSE_INFORMATION",
        MQTTPROPERTY_CODE_RESPONSE_INFORMATION => c"RESPONSE_INFORMATION",
        MQTTPROPERTY_CODE_SERVER_REFERENCE => c"SERVER_REFERENCE",
        MQTTPROPERTY_CODE_REASON_STRING => c"REASON_STRING",
        MQTTPROPERTY_CODE_RECEIVE_MAXIMUM => c"RECEIVE_MAXIMUM",
        MQTTPROPERTY_CODE_TOPIC_ALIAS_MAXIMUM => c"TOPIC_ALIAS_MAXIMUM",
        MQTTPROPERTY_CODE_TOPIC_ALIAS => c"TOPIC_ALIAS",
        MQTTPROPERTY_CODE_MAXIMUM_QOS => c"MAXIMUM_QOS",
        MQTTPROPERTY_CODE_RETAIN_AVAILABLE => c"RETAIN_AVAILABLE",
        MQTTPROPERTY_CODE_USER_PROPERTY => c"USER_PROPERTY",
        MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE => c"MAXIMUM_PACKET_SIZE",
        MQTTPROPERTY_CODE_WILDCARD_SUBSCRIPTION_AVAILABLE => c"WILDCARD_SUBSCRIPTION_AVAILABLE",
        MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIERS_AVAILABLE => {
            c"SUBSCRIPTION_IDENTIFIERS_AVAILABLE"
        }
        MQTTPROPERTY_CODE_SHARED_SUBSCRIPTION_AVAILABLE => c"SHARED_SUBSCRIPTION_AVAILABLE",
        _ => return ptr::null(),
    };
    name.as_ptr()
}

/// Returns how many bytes a Variable Byte Integer takes. Signed, like the original's: what does not fit one is accounted for
/// the same way, and refused when a packet is built.
pub(in crate::ffi) fn varint_len(value: c_int) -> c_int {
    match value {
        ..128 => 1,
        128..16_384 => 2,
        16_384..2_097_152 => 3,
        _ => 4,
    }
}

/// Returns how many bytes a value of this type takes in a packet.
///
/// # Safety
/// The value holds the member that its type says.
unsafe fn wire_len(ty: MQTTPropertyTypes, value: &MQTTPropertyValue) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        match ty {
            MQTTPROPERTY_TYPE_BYTE => 1,
            MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER => 2,
            MQTTPROPERTY_TYPE_FOUR_BYTE_INTEGER => 4,
            MQTTPROPERTY_TYPE_VARIABLE_BYTE_INTEGER => {
                varint_len(c_int::try_from(value.integer4).unwrap_or(-1))
            }
            MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR => {
                4 + value.strings.data.len + value.strings.value.len
            }
            _ => 2 + value.strings.data.len,
        }
    }
}

/// Returns the entries of a list; none for NULL.
///
/// # Safety
/// `list` is NULL or a list that only the functions of this file have changed, and nobody changes it for `'a`.
pub unsafe fn entries<'a>(list: *const MQTTProperties) -> &'a [MQTTProperty] {
    // SAFETY: NULL or valid, as promised.
    let Some(list) = (unsafe { list.as_ref() }) else {
        return &[];
    };
    match usize::try_from(list.count) {
        // SAFETY: a list's array has at least `count` entries.
        Ok(count) if !list.array.is_null() => unsafe { slice::from_raw_parts(list.array, count) },
        _ => &[],
    }
}

/// Copies a string of the program's; `Err` has the return code.
///
/// # Safety
/// The string's pointer is NULL or points at its bytes.
unsafe fn copy_string(string: MQTTLenString) -> Result<MQTTLenString, c_int> {
    // A string is preceded by its length in two bytes.
    if u16::try_from(string.len).is_err() {
        return Err(MQTTCLIENT_FAILURE);
    }
    if string.data.is_null() && string.len > 0 {
        return Err(MQTTCLIENT_NULL_PARAMETER);
    }
    // SAFETY: the caller's promise.
    let data = memory::copy_bytes(unsafe { memory::bytes(string.data.cast(), string.len) });
    if data.is_null() {
        return Err(OUT_OF_MEMORY);
    }
    Ok(MQTTLenString {
        len: string.len,
        data,
    })
}

/// Copies a value with what it points at; `Err` has the return code.
///
/// # Safety
/// The value holds the member that its type says.
unsafe fn copy_value(
    ty: MQTTPropertyTypes,
    value: &MQTTPropertyValue,
) -> Result<MQTTPropertyValue, c_int> {
    const NO_STRING: MQTTLenString = MQTTLenString {
        len: 0,
        data: ptr::null_mut(),
    };
    if ty < MQTTPROPERTY_TYPE_BINARY_DATA {
        return Ok(*value);
    }
    // SAFETY: the caller's promise; what is freed has just been allocated.
    unsafe {
        let data = copy_string(value.strings.data)?;
        let value = if ty == MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR {
            copy_string(value.strings.value).inspect_err(|_| memory::free(data.data.cast()))?
        } else {
            NO_STRING
        };
        Ok(MQTTPropertyValue {
            strings: MQTTPropertyStrings { data, value },
        })
    }
}

/// Returns true if the functions of this file can have made the list: then its array has room for `max_count` entries, of
/// which `count` are filled. A program may have written anything into a list of its own.
fn is_consistent(list: &MQTTProperties) -> bool {
    let counts = 0 <= list.count && list.count <= list.max_count;
    let has_array = list.max_count == 0 || !list.array.is_null();
    counts && has_array && list.length >= 0
}

/// Copies a property with what it points at; `Err` has the return code.
///
/// # Safety
/// It holds the member that its identifier's type says.
pub(in crate::ffi) unsafe fn copy_property(property: &MQTTProperty) -> Result<MQTTProperty, c_int> {
    let ty = value_type(property.identifier).ok_or(MQTT_INVALID_PROPERTY_ID)?;
    // SAFETY: the caller's promise.
    let value = unsafe { copy_value(ty, &property.value)? };
    Ok(MQTTProperty {
        identifier: property.identifier,
        value,
    })
}

/// Makes room for one more entry.
fn grow(list: &mut MQTTProperties) -> Result<(), c_int> {
    if list.count < list.max_count {
        return Ok(());
    }
    let room = list.max_count.checked_add(GROWTH).ok_or(OUT_OF_MEMORY)?;
    let array =
        memory::allocate_array::<MQTTProperty>(usize::try_from(room).map_err(|_| OUT_OF_MEMORY)?);
    if array.is_null() {
        return Err(OUT_OF_MEMORY);
    }
    // SAFETY: the new array has room for more than the entries of the old one, which is then freed.
    unsafe {
        let old = entries(list);
        ptr::copy_nonoverlapping(old.as_ptr(), array, old.len());
        memory::free(list.array.cast());
    }
    list.array = array;
    list.max_count = room;
    Ok(())
}

/// Does what [`MQTTProperties_add`] documents.
///
/// # Safety
/// Both are NULL or valid, `prop` with the member that its identifier's type says.
pub unsafe fn add(props: *mut MQTTProperties, prop: *const MQTTProperty) -> c_int {
    // SAFETY: NULL or valid, as promised; a list and a property are never the same object.
    let (Some(list), Some(prop)) = (unsafe { (props.as_mut(), prop.as_ref()) }) else {
        return MQTTCLIENT_NULL_PARAMETER;
    };
    let Some(ty) = value_type(prop.identifier) else {
        return MQTT_INVALID_PROPERTY_ID;
    };
    if !is_consistent(list) {
        return MQTTCLIENT_FAILURE;
    }
    // The value first: the property may be an entry of this very list, which growing moves.
    // SAFETY: the caller's promise.
    let (identifier, value) = match unsafe { copy_value(ty, &prop.value) } {
        Ok(value) => (prop.identifier, value),
        Err(code) => return code,
    };
    // SAFETY: the value is of type `ty`. Its strings are short: this cannot overflow.
    let added = 1 + unsafe { wire_len(ty, &value) };
    let length = list
        .length
        .checked_add(added)
        .filter(|&length| length <= MAX_LENGTH)
        .ok_or(MQTTCLIENT_FAILURE);
    let length = match length.and_then(|length| grow(list).map(|()| length)) {
        Ok(length) => length,
        Err(code) => {
            // SAFETY: the copy was made above, and is not used after this.
            unsafe { free_value(ty, &value) };
            return code;
        }
    };
    // SAFETY: `grow` made room for an entry at `count`.
    unsafe {
        let entry = list.array.offset(list.count as isize);
        entry.write(MQTTProperty { identifier, value });
    }
    list.length = length;
    list.count += 1;
    0
}

/// Frees the strings of a value.
///
/// # Safety
/// The value is one of type `ty` from [`copy_value`], and nobody uses its strings any more.
pub(in crate::ffi) unsafe fn free_value(ty: MQTTPropertyTypes, value: &MQTTPropertyValue) {
    // SAFETY: the caller's promise.
    unsafe {
        if ty >= MQTTPROPERTY_TYPE_BINARY_DATA {
            memory::free(value.strings.data.data.cast());
        }
        if ty == MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR {
            memory::free(value.strings.value.data.cast());
        }
    }
}

/// Does what [`MQTTProperties_free`] documents.
///
/// # Safety
/// `properties` is NULL or a list that nobody uses any more.
pub unsafe fn free(properties: *mut MQTTProperties) {
    // SAFETY: the caller's promise; after this the list is empty, so that nothing is freed twice.
    unsafe {
        for entry in entries(properties) {
            if let Some(ty) = value_type(entry.identifier) {
                free_value(ty, &entry.value);
            }
        }
        if let Some(list) = properties.as_mut() {
            memory::free(list.array.cast());
            *list = EMPTY;
        }
    }
}

/// Does what [`MQTTProperties_copy`] documents. Entries that cannot be copied are left out.
///
/// # Safety
/// `props` is NULL or valid.
pub unsafe fn copy(props: *const MQTTProperties) -> MQTTProperties {
    let mut list = EMPTY;
    // SAFETY: the caller's promise.
    unsafe {
        for entry in entries(props) {
            add(&raw mut list, entry);
        }
    }
    list
}

/// Returns the entries with an identifier.
///
/// # Safety
/// As [`entries`].
unsafe fn with_id<'a>(
    props: *const MQTTProperties,
    id: MQTTPropertyCodes,
) -> impl Iterator<Item = &'a MQTTProperty> {
    // SAFETY: the caller's promise.
    unsafe { entries(props) }
        .iter()
        .filter(move |entry| entry.identifier == id)
}

/// # Safety
/// As [`entries`].
unsafe fn count(props: *const MQTTProperties, id: MQTTPropertyCodes) -> c_int {
    // SAFETY: the caller's promise. There are no more than `count` entries, a c_int.
    unsafe { with_id(props, id) }.fold(0, |n, _| n + 1)
}

/// # Safety
/// As [`entries`].
unsafe fn find(
    props: *const MQTTProperties,
    id: MQTTPropertyCodes,
    index: c_int,
) -> *mut MQTTProperty {
    let Ok(index) = usize::try_from(index) else {
        return ptr::null_mut();
    };
    // SAFETY: the caller's promise. The list is the program's, which may change what it finds there.
    unsafe { with_id(props, id) }
        .nth(index)
        .map_or(ptr::null_mut(), |entry| ptr::from_ref(entry).cast_mut())
}

/// Returns a numeric value. A negative index finds the first one, as in the original (unlike [`find`]).
///
/// # Safety
/// As [`entries`].
unsafe fn number(props: *const MQTTProperties, id: MQTTPropertyCodes, index: c_int) -> i64 {
    // SAFETY: the caller's promise; an entry holds the member that its identifier's type says.
    unsafe {
        let entry = find(props, id, index.max(0));
        let Some(entry) = entry.as_ref() else {
            return NOT_THERE;
        };
        match value_type(id) {
            Some(MQTTPROPERTY_TYPE_BYTE) => entry.value.byte.into(),
            Some(MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER) => entry.value.integer2.into(),
            Some(MQTTPROPERTY_TYPE_FOUR_BYTE_INTEGER | MQTTPROPERTY_TYPE_VARIABLE_BYTE_INTEGER) => {
                entry.value.integer4.into()
            }
            _ => NOT_A_NUMBER,
        }
    }
}
