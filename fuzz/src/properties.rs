//! The C functions for MQTT 5 properties, called in any order with what a C program could pass by mistake: identifiers that are none,
//! lengths that are negative, strings that are NULL, counts that are wrong, bytes that are no properties.
#![allow(unsafe_code)] // a C program's calls

use std::ffi::{c_char, c_int};
use std::ptr;

use arbitrary::Arbitrary;
use paho_oxide::ffi::exports::properties::{
    MQTTProperties_add, MQTTProperties_copy, MQTTProperties_free, MQTTProperties_getNumericValueAt,
    MQTTProperties_getPropertyAt, MQTTProperties_hasProperty, MQTTProperties_propertyCount,
    MQTTProperty_getType,
};
use paho_oxide::ffi::types::property_types::{
    MQTTLenString, MQTTProperties, MQTTProperty, MQTTPropertyStrings, MQTTPropertyValue,
};

unsafe extern "C" {
    fn MQTTProperties_len(list: *const MQTTProperties) -> c_int;
    fn MQTTProperties_write(pptr: *mut *mut c_char, list: *const MQTTProperties) -> c_int;
    fn MQTTProperties_read(
        list: *mut MQTTProperties,
        pptr: *mut *mut c_char,
        end: *mut c_char,
    ) -> c_int;
}

/// A string as a program may have it.
#[derive(Arbitrary, Clone, Debug)]
pub struct Text {
    bytes: Vec<u8>,
    /// What it says of its length, if not the truth. Never more than there is: that is beyond any library.
    told: Option<i8>,
    null: bool,
}

impl Text {
    fn as_c(&self) -> MQTTLenString {
        let length = c_int::try_from(self.bytes.len()).unwrap_or(0);
        let told = self.told.map_or(length, c_int::from).min(length);
        MQTTLenString {
            len: told,
            data: if self.null {
                ptr::null_mut()
            } else {
                self.bytes.as_ptr().cast_mut().cast()
            },
        }
    }
}

/// What the program does next.
#[derive(Arbitrary, Clone, Debug)]
pub enum Step {
    /// Adds a property.
    Add {
        /// Mostly one that there is.
        identifier: i8,
        /// The value of one that is a number.
        number: u32,
        /// The value of one that is a string; of a pair the first.
        first: Text,
        /// The second of a pair.
        second: Text,
    },
    /// Looks for a property.
    Look(i8, i8),
    /// Goes on with a copy.
    Copy,
    /// Writes the list and reads it again.
    Travel,
    /// Reads these bytes as a list.
    Read(Vec<u8>),
    /// Calls with a list whose members say this.
    Spoilt(i8, i8, i32),
}

/// What an entry has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Number(u32),
    Strings(Vec<u8>, Vec<u8>),
}

const EMPTY: MQTTProperties = MQTTProperties {
    count: 0,
    max_count: 0,
    length: 0,
    array: ptr::null_mut(),
};

/// # Safety
/// The string has as many bytes as it says.
unsafe fn bytes(text: MQTTLenString) -> Vec<u8> {
    let length = usize::try_from(text.len).expect("a length in a list is one");
    if length == 0 {
        return Vec::new();
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), length) }.to_vec()
}

/// # Safety
/// A property that the library made.
unsafe fn content(property: &MQTTProperty) -> Content {
    // SAFETY: the caller's promise.
    unsafe {
        let value = &property.value;
        match MQTTProperty_getType(property.identifier) {
            0 => Content::Number(value.byte.into()),
            1 => Content::Number(value.integer2.into()),
            2 | 3 => Content::Number(value.integer4),
            6 => Content::Strings(bytes(value.strings.data), bytes(value.strings.value)),
            4 | 5 => Content::Strings(bytes(value.strings.data), Vec::new()),
            other => panic!("a property of type {other} in a list"),
        }
    }
}

/// # Safety
/// A list that the library made.
unsafe fn contents(list: &MQTTProperties) -> Vec<(c_int, Content)> {
    let count = usize::try_from(list.count).expect("a count");
    assert!(list.count <= list.max_count);
    // SAFETY: the caller's promise.
    (0..count)
        .map(|at| unsafe {
            let property = &*list.array.add(at);
            (property.identifier, content(property))
        })
        .collect()
}

/// Adds, and returns what the list has to have more.
///
/// # Safety
/// A list that the library made.
unsafe fn add(
    list: &mut MQTTProperties,
    identifier: i8,
    number: u32,
    first: &Text,
    second: &Text,
) -> Option<(c_int, Content)> {
    let identifier = c_int::from(identifier);
    // SAFETY: a number that may be none.
    let kind = unsafe { MQTTProperty_getType(identifier) };
    let (value, expected) = match kind {
        0 => {
            let [byte, ..] = number.to_le_bytes();
            (MQTTPropertyValue { byte }, Content::Number(byte.into()))
        }
        1 => {
            let [low, high, ..] = number.to_le_bytes();
            let integer2 = u16::from_le_bytes([low, high]);
            let content = Content::Number(integer2.into());
            (MQTTPropertyValue { integer2 }, content)
        }
        2 | 3 => (
            MQTTPropertyValue { integer4: number },
            Content::Number(number),
        ),
        _ => {
            let (data, value) = (first.as_c(), second.as_c());
            let text = |told: c_int, text: &Text| {
                text.bytes[..usize::try_from(told).unwrap_or(0)].to_vec()
            };
            let other = if kind == 6 {
                text(value.len, second)
            } else {
                Vec::new()
            };
            let strings = MQTTPropertyStrings { data, value };
            (
                MQTTPropertyValue { strings },
                Content::Strings(text(data.len, first), other),
            )
        }
    };
    let property = MQTTProperty { identifier, value };
    // SAFETY: a list, and a property whose strings have at least the bytes that they tell of.
    let code = unsafe { MQTTProperties_add(list, &raw const property) };
    let text_is_wrong = |text: &Text| text.as_c().len < 0 || (text.null && text.as_c().len > 0);
    let wrong =
        kind < 0 || (kind >= 4 && text_is_wrong(first)) || (kind == 6 && text_is_wrong(second));
    assert_eq!(code != 0, wrong, "{code} for {identifier}");
    (code == 0).then_some((identifier, expected))
}

/// Writes the list into exactly the room that it says it needs, and reads it into another.
///
/// # Safety
/// A list that the library made.
unsafe fn travel(list: &MQTTProperties, model: &[(c_int, Content)]) {
    // SAFETY: a list, room for as much as it says, and a place in that room.
    unsafe {
        let room = usize::try_from(MQTTProperties_len(list)).expect("a length");
        let mut written = vec![0_u8; room].into_boxed_slice();
        let begin = written.as_mut_ptr().cast::<c_char>();
        let mut place = begin;
        let length = MQTTProperties_write(&raw mut place, list);
        if length < 0 {
            // A number too large for its kind is found when a packet is made.
            assert!(
                model
                    .iter()
                    .any(|(_, content)| matches!(content, Content::Number(n) if *n > 268_435_455))
            );
            return;
        }
        assert_eq!(usize::try_from(length).expect("positive"), room);
        assert_eq!(place, begin.add(room));
        let mut again = EMPTY;
        let mut place = begin;
        if MQTTProperties_read(&raw mut again, &raw mut place, begin.add(room)) == 1 {
            assert_eq!(place, begin.add(room));
            assert_eq!(contents(&again), model);
        }
        MQTTProperties_free(&raw mut again);
    }
}

/// Any bytes, in a block of exactly their size.
fn read(input: &[u8]) {
    let mut block = input.to_vec().into_boxed_slice();
    let begin = block.as_mut_ptr().cast::<c_char>();
    let mut place = begin;
    let mut list = EMPTY;
    // SAFETY: the bytes from `begin` on.
    unsafe {
        let end = begin.add(block.len());
        if MQTTProperties_read(&raw mut list, &raw mut place, end) == 1 {
            assert!(place <= end);
            let model = contents(&list);
            travel(&list, &model);
        }
        MQTTProperties_free(&raw mut list);
    }
}

/// A list that no function can have made is refused, and left as it is.
fn spoilt(count: i8, max_count: i8, length: i32) {
    let mut list = MQTTProperties {
        count: count.into(),
        max_count: max_count.into(),
        length,
        array: ptr::null_mut(),
    };
    if count == 0 && max_count == 0 && length >= 0 {
        return;
    }
    let property = MQTTProperty {
        identifier: 1,
        value: MQTTPropertyValue { byte: 1 },
    };
    // SAFETY: a list without an array.
    unsafe {
        let code = MQTTProperties_add(&raw mut list, &raw const property);
        assert!(code != 0, "{count} {max_count} {length}");
        assert_eq!(
            (list.count, list.max_count, list.length),
            (count.into(), max_count.into(), length)
        );
        let _ = MQTTProperties_hasProperty(&raw const list, 1);
        let _ = MQTTProperties_propertyCount(&raw const list, 1);
        let mut copy = MQTTProperties_copy(&raw const list);
        MQTTProperties_free(&raw mut copy);
        MQTTProperties_free(&raw mut list);
    }
}

/// Does the steps.
///
/// # Panics
/// When a list holds something else than was added to it.
pub fn run(steps: &[Step]) {
    let mut list = EMPTY;
    let mut model: Vec<(c_int, Content)> = Vec::new();
    for step in steps {
        // SAFETY: lists that the library made.
        unsafe {
            match step {
                Step::Add {
                    identifier,
                    number,
                    first,
                    second,
                } => {
                    model.extend(add(&mut list, *identifier, *number, first, second));
                }
                Step::Look(identifier, index) => {
                    let (id, index) = (c_int::from(*identifier), c_int::from(*index));
                    let all = || model.iter().filter(|(known, _)| *known == id);
                    assert_eq!(
                        usize::try_from(MQTTProperties_propertyCount(&raw const list, id)),
                        Ok(all().count())
                    );
                    let at = usize::try_from(index).ok();
                    let expected = at.and_then(|at| all().nth(at));
                    let found = MQTTProperties_getPropertyAt(&raw const list, id, index);
                    assert_eq!(
                        found.as_ref().map(|found| content(found)).as_ref(),
                        expected.map(|(_, content)| content)
                    );
                    let number = MQTTProperties_getNumericValueAt(&raw const list, id, index);
                    // A negative index finds the first number, as in the original.
                    match all().nth(at.unwrap_or(0)) {
                        Some((_, Content::Number(n))) => assert_eq!(number, i64::from(*n)),
                        Some(_) => assert_eq!(number, -999_999),
                        None => assert_eq!(number, -9_999_999),
                    }
                }
                Step::Copy => {
                    let copy = MQTTProperties_copy(&raw const list);
                    MQTTProperties_free(&raw mut list);
                    list = copy;
                }
                Step::Travel => travel(&list, &model),
                Step::Read(input) => read(input),
                Step::Spoilt(count, max_count, length) => spoilt(*count, *max_count, *length),
            }
            assert_eq!(contents(&list), model);
        }
    }
    // SAFETY: as above.
    unsafe { MQTTProperties_free(&raw mut list) };
}
