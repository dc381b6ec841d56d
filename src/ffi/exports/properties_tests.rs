//! Property lists: what the original was seen to do, and what ours does where the original crashes.

use std::ffi::CStr;
use std::ptr;

use libc::{c_char, c_int};

use crate::ffi::exports::properties::*;
use crate::ffi::exports::properties_wire::*;
use crate::ffi::exports::property_wire::*;
#[allow(clippy::wildcard_imports)] // every type of property is tried
use crate::ffi::types::property_types::*;

/// A list that frees itself.
struct List(MQTTProperties);

impl List {
    fn new() -> Self {
        Self(EMPTY)
    }

    fn add(&mut self, property: MQTTProperty) -> c_int {
        // SAFETY: both are valid; the properties made below hold what their identifier says.
        unsafe { MQTTProperties_add(&raw mut self.0, &raw const property) }
    }

    fn sizes(&self) -> (c_int, c_int, c_int) {
        (self.0.count, self.0.max_count, self.0.length)
    }

    /// The two strings of the property at an index, with their NULs.
    fn strings(&self, id: c_int, index: c_int) -> (String, String) {
        // SAFETY: the list is valid, the property one with strings; they end in NUL.
        unsafe {
            let found = MQTTProperties_getPropertyAt(&raw const self.0, id, index);
            let strings = (*found).value.strings;
            let read = |s: MQTTLenString| {
                if s.data.is_null() {
                    return String::new();
                }
                let text = CStr::from_ptr(s.data).to_str().unwrap();
                assert_eq!(text.len(), usize::try_from(s.len).unwrap());
                text.to_owned()
            };
            (read(strings.data), read(strings.value))
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: valid, and not used again.
        unsafe { MQTTProperties_free(&raw mut self.0) };
        assert_eq!(self.sizes(), (0, 0, 0));
        assert!(self.0.array.is_null());
    }
}

fn string(text: &CStr) -> MQTTLenString {
    MQTTLenString {
        len: c_int::try_from(text.count_bytes()).unwrap(),
        data: text.as_ptr().cast_mut(),
    }
}

const NULL_STRING: MQTTLenString = MQTTLenString {
    len: 0,
    data: ptr::null_mut(),
};

fn text(identifier: c_int, data: MQTTLenString, value: MQTTLenString) -> MQTTProperty {
    let strings = MQTTPropertyStrings { data, value };
    MQTTProperty {
        identifier,
        value: MQTTPropertyValue { strings },
    }
}

fn user(name: &CStr, value: &CStr) -> MQTTProperty {
    text(MQTTPROPERTY_CODE_USER_PROPERTY, string(name), string(value))
}

fn number(identifier: c_int, integer4: u32) -> MQTTProperty {
    MQTTProperty {
        identifier,
        value: MQTTPropertyValue { integer4 },
    }
}

#[test]
fn room_grows_by_ten_and_the_length_adds_up() {
    let mut list = List::new();
    for n in 1..=25 {
        assert_eq!(list.add(user(c"name", c"val")), 0);
        assert_eq!(list.sizes(), (n, (n + 9) / 10 * 10, n * 12));
    }
    assert_eq!(list.strings(38, 24), ("name".to_owned(), "val".to_owned()));
}

#[test]
fn each_type_takes_its_own_length() {
    let byte = MQTTProperty {
        identifier: MQTTPROPERTY_CODE_MAXIMUM_QOS,
        value: MQTTPropertyValue { byte: 1 },
    };
    let two = MQTTProperty {
        identifier: MQTTPROPERTY_CODE_TOPIC_ALIAS,
        value: MQTTPropertyValue { integer2: 9 },
    };
    let id = MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER;
    for (property, length) in [
        (byte, 2),
        (two, 3),
        (number(MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL, 1), 5),
        (number(id, 127), 2),
        (number(id, 128), 3),
        (number(id, 16_384), 4),
        (number(id, 268_435_455), 5),
        (
            text(
                MQTTPROPERTY_CODE_CORRELATION_DATA,
                string(c"abcd"),
                NULL_STRING,
            ),
            7,
        ),
        (
            text(
                MQTTPROPERTY_CODE_REASON_STRING,
                string(c"abcd"),
                NULL_STRING,
            ),
            7,
        ),
        (user(c"abcd", c"xy"), 11),
    ] {
        let mut list = List::new();
        assert_eq!(list.add(property), 0);
        assert_eq!(list.sizes(), (1, 10, length), "{}", property.identifier);
    }
}

#[test]
fn strings_are_copied_and_null_without_length_is_an_empty_one() {
    let mut list = List::new();
    let own = c"k".to_owned();
    assert_eq!(list.add(text(38, string(&own), NULL_STRING)), 0);
    drop(own);
    assert_eq!(list.strings(38, 0), ("k".to_owned(), String::new()));
    assert_eq!(list.sizes(), (1, 10, 6));

    // SAFETY: valid.
    let copy = List(unsafe { MQTTProperties_copy(&raw const list.0) });
    drop(list);
    assert_eq!(copy.strings(38, 0), ("k".to_owned(), String::new()));
}

#[test]
fn a_refused_property_leaves_the_list_as_it_was() {
    let mut list = List::new();
    let missing = MQTTLenString {
        len: 3,
        data: ptr::null_mut(),
    };
    let negative = MQTTLenString {
        len: -1,
        ..string(c"abc")
    };
    let bytes = vec![b'x'; 65_536];
    let too_long = MQTTLenString {
        len: 65_536,
        data: bytes.as_ptr().cast_mut().cast(),
    };
    let longest = MQTTLenString {
        len: c_int::MAX,
        ..too_long
    };
    for (property, code) in [
        (number(0, 1), MQTT_INVALID_PROPERTY_ID),
        (number(255, 1), MQTT_INVALID_PROPERTY_ID),
        (number(-1, 1), MQTT_INVALID_PROPERTY_ID),
        (number(267, 1), MQTT_INVALID_PROPERTY_ID), // 11 in its lowest byte
        (text(31, missing, NULL_STRING), -6),
        (text(38, string(c"k"), missing), -6),
        (text(31, negative, NULL_STRING), -1),
        (text(38, string(c"k"), negative), -1),
        (text(31, too_long, NULL_STRING), -1),
        (text(38, string(c"k"), longest), -1),
    ] {
        assert_eq!(list.add(property), code);
        assert_eq!(list.sizes(), (0, 0, 0));
    }
}

#[test]
fn numbers_are_found_by_index() {
    let mut list = List::new();
    let id = MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER;
    list.add(number(id, 10));
    list.add(text(
        MQTTPROPERTY_CODE_REASON_STRING,
        string(c"r"),
        NULL_STRING,
    ));
    list.add(number(id, 20));
    list.add(number(MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE, u32::MAX));
    let list = &raw const list.0;
    // SAFETY: valid.
    unsafe {
        assert_eq!(MQTTProperties_getNumericValue(list, id), 10);
        assert_eq!(MQTTProperties_getNumericValueAt(list, id, 1), 20);
        assert_eq!(MQTTProperties_getNumericValueAt(list, id, 2), -9_999_999);
        // As in the original: the number is that of the first one, but there is no such entry.
        assert_eq!(MQTTProperties_getNumericValueAt(list, id, -1), 10);
        assert!(MQTTProperties_getPropertyAt(list, id, -1).is_null());
        assert_eq!(MQTTProperties_getNumericValue(list, 1), -9_999_999);
        assert_eq!(MQTTProperties_getNumericValue(list, 31), -999_999);
        assert_eq!(MQTTProperties_getNumericValue(list, 39), 4_294_967_295);
        assert_eq!(MQTTProperties_propertyCount(list, id), 2);
        assert_eq!(MQTTProperties_hasProperty(list, id), 1);
        assert_eq!(MQTTProperties_hasProperty(list, 38), 0);
    }
}

#[test]
fn null_is_refused_where_the_original_crashes() {
    let null: *const MQTTProperties = ptr::null();
    // SAFETY: NULL is among what these functions take.
    unsafe {
        assert_eq!(MQTTProperties_add(ptr::null_mut(), null.cast()), -6);
        assert_eq!(MQTTProperties_copy(null).count, 0);
        assert_eq!(MQTTProperties_hasProperty(null, 1), 0);
        assert_eq!(MQTTProperties_propertyCount(null, 1), 0);
        assert_eq!(MQTTProperties_getNumericValue(null, 1), -9_999_999);
        assert!(MQTTProperties_getProperty(null, 1).is_null());
        assert_eq!(MQTTProperties_len(null), 1);
        assert_eq!(MQTTProperties_write(ptr::null_mut(), null), -1);
        assert_eq!(MQTTProperty_write(ptr::null_mut(), ptr::null()), -1);
        assert_eq!(
            MQTTProperties_read(ptr::null_mut(), ptr::null_mut(), ptr::null_mut()),
            0
        );
        MQTTProperties_free(ptr::null_mut());
    }
}

#[test]
fn names_and_types_are_those_of_the_27_properties() {
    let known = (-1..300)
        // SAFETY: no requirements.
        .filter(|&id| unsafe { !MQTTPropertyName(id).is_null() })
        .collect::<Vec<_>>();
    assert_eq!(known.len(), 27);
    for id in -1..300 {
        // SAFETY: no requirements.
        let ty = unsafe { MQTTProperty_getType(id) };
        assert_eq!(ty >= 0, known.contains(&id), "{id}");
    }
}

/// Writes a list into a buffer.
fn write(list: &List) -> Vec<u8> {
    // SAFETY: valid, and there is room for what it says it takes.
    unsafe {
        let room = usize::try_from(MQTTProperties_len(&raw const list.0)).unwrap();
        let mut buffer = vec![0_u8; room];
        let mut at: *mut c_char = buffer.as_mut_ptr().cast();
        let written = MQTTProperties_write(&raw mut at, &raw const list.0);
        assert_eq!(usize::try_from(written).unwrap(), room);
        assert_eq!(at, buffer.as_mut_ptr().add(room).cast());
        buffer
    }
}

/// Reads a list: the result, and how many bytes it was.
fn read(packet: &mut [u8]) -> (c_int, usize, List) {
    let mut list = List::new();
    let range = packet.as_mut_ptr_range();
    let mut at: *mut c_char = range.start.cast();
    // SAFETY: the two pointers enclose the packet.
    let result = unsafe { MQTTProperties_read(&raw mut list.0, &raw mut at, range.end.cast()) };
    (result, at as usize - range.start as usize, list)
}

#[test]
fn a_list_survives_the_wire() {
    let mut list = List::new();
    list.add(number(MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER, 300));
    list.add(text(
        MQTTPROPERTY_CODE_REASON_STRING,
        string(c"why"),
        NULL_STRING,
    ));
    list.add(user(c"a", c"b"));
    let mut packet = write(&list);
    assert_eq!(packet, b"\x10\x0b\xac\x02\x1f\0\x03why\x26\0\x01a\0\x01b");

    packet.push(0xFF); // what follows the list is not looked at
    let (result, length, copy) = read(&mut packet);
    assert_eq!((result, length), (1, 17));
    assert_eq!(copy.sizes(), list.sizes());
    assert_eq!(write(&copy), packet[..17]);
}

#[test]
fn a_list_cut_short_is_not_read() {
    let mut list = List::new();
    list.add(user(c"name", c"value"));
    list.add(number(MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, 7));
    let whole = write(&list);
    for end in 0..whole.len() {
        let (result, read, list) = read(&mut whole[..end].to_vec());
        assert_eq!((result, read, list.sizes()), (0, 0, (0, 0, 0)), "{end}");
    }
}

#[test]
fn null_is_written_as_an_empty_list() {
    let mut byte = 7_u8;
    let mut at: *mut c_char = (&raw mut byte).cast();
    // SAFETY: there is room for one byte, and no list.
    assert_eq!(unsafe { MQTTProperties_write(&raw mut at, ptr::null()) }, 1);
    assert_eq!((byte, at.addr()), (0, (&raw mut byte).addr() + 1));
}

#[test]
fn a_property_survives_the_wire() {
    for property in [
        number(MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER, 300),
        number(MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, 7),
        text(31, string(c"why"), NULL_STRING),
        user(c"a", c"b"),
    ] {
        let mut list = List::new();
        assert_eq!(list.add(property), 0);
        let whole = write(&list);
        let mut packet = vec![0_u8; whole.len() - 1];
        let range = packet.as_mut_ptr_range();
        // SAFETY: there is room for the property; the two pointers enclose it afterwards.
        unsafe {
            let mut at: *mut c_char = range.start.cast();
            let written = MQTTProperty_write(&raw mut at, &raw const property);
            assert_eq!(usize::try_from(written).unwrap(), packet.len());
            assert_eq!(at, range.end.cast());
            assert_eq!(packet, whole[1..]);

            // One that is cut short is not read, and no byte of it is consumed.
            let mut own: MQTTProperty = std::mem::zeroed();
            for end in 0..packet.len() {
                let mut at: *mut c_char = range.start.cast();
                let end = range.start.add(end).cast();
                assert_eq!(MQTTProperty_read(&raw mut own, &raw mut at, end), -1);
                assert_eq!(at, range.start.cast());
            }
            let mut at: *mut c_char = range.start.cast();
            let read = MQTTProperty_read(&raw mut own, &raw mut at, range.end.cast());
            assert_eq!((read, at), (written, range.end.cast()));
            let mut copy = List::new();
            assert_eq!(copy.add(own), 0);
            assert_eq!(write(&copy), whole);
            free_value(value_type(own.identifier).unwrap(), &own.value);
        }
    }
}

#[test]
fn a_list_that_no_function_can_have_made_is_refused() {
    let mut entry = number(MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, 7);
    for (count, max_count, length, has_array) in [
        (-5, 0, 0, false),
        (0, 10, 0, false),
        (3, 10, 0, false),
        (-5, -5, 0, false),
        (-5, -5, 0, true),
        (c_int::MAX, c_int::MAX, 0, false),
        (c_int::MAX - 7, c_int::MAX - 7, 0, false),
        (1, 0, 0, true),
        (0, 1, -1, true),
        // No packet holds more.
        (0, 1, 268_435_455, true),
        (0, 1, c_int::MAX, true),
    ] {
        let array = if has_array {
            &raw mut entry
        } else {
            ptr::null_mut()
        };
        let mut list = MQTTProperties {
            count,
            max_count,
            length,
            array,
        };
        let property = number(MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, 7);
        // SAFETY: where there is an array, it has one entry; no member of the list claims more of it that is looked at.
        let code = unsafe { MQTTProperties_add(&raw mut list, &raw const property) };
        assert_eq!(code, -1, "{count} {max_count} {length} {has_array}");
        assert_eq!(
            (list.count, list.max_count, list.length, list.array),
            (count, max_count, length, array)
        );
    }
}

#[test]
fn what_cannot_stand_in_a_packet_is_not_written() {
    let too_long = vec![b'x'; 70_000];
    let string = MQTTLenString {
        len: 70_000,
        data: too_long.as_ptr().cast_mut().cast(),
    };
    for mut property in [
        number(MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER, 268_435_456),
        text(MQTTPROPERTY_CODE_REASON_STRING, string, NULL_STRING),
    ] {
        let list = MQTTProperties {
            count: 1,
            max_count: 1,
            length: 70_003,
            array: &raw mut property,
        };
        let mut buffer = vec![0_u8; 70_100];
        let mut at: *mut c_char = buffer.as_mut_ptr().cast();
        // SAFETY: valid, and there is room.
        unsafe {
            assert_eq!(MQTTProperties_write(&raw mut at, &raw const list), -1);
            assert_eq!(MQTTProperty_write(&raw mut at, &raw const property), 0);
        }
    }
}
