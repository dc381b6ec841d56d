//! A received message in C's memory, from the packet to the program without a copy in between.

use std::ptr;

use libc::{c_char, c_int};

use crate::ffi::exports::properties;
use crate::ffi::eyecatcher;
use crate::ffi::memory;
use crate::ffi::read;
use crate::ffi::types::property_types::{
    MQTTLenString, MQTTProperties, MQTTProperty, MQTTPropertyStrings, MQTTPropertyValue,
};
use crate::ffi::types::shared_types::Message;
use crate::protocol::QoS;
use crate::protocol::packet::Publish;
use crate::protocol::property::{Context, PropertiesRef, Value};

/// The newest version of the message struct.
const VERSION: c_int = 1;

/// A message that the library still owns.
pub struct Received {
    message: *mut Message,
    topic: *mut c_char,
    topic_len: usize,
    size: usize,
}

// SAFETY: the two blocks are owned by this value alone until they are handed over.
unsafe impl Send for Received {}

impl Received {
    /// Copies a packet's message; none when there is no memory.
    pub fn new(publish: &Publish<'_>) -> Option<Self> {
        let message: *mut Message = memory::allocate(size_of::<Message>()).cast();
        let topic = memory::copy_bytes(publish.topic);
        let payload = memory::copy_bytes(publish.payload);
        let properties = try_to_c(publish.properties);
        let (false, Some(properties)) = (
            message.is_null() || topic.is_null() || payload.is_null(),
            properties,
        ) else {
            // SAFETY: NULL or just allocated, and unknown to anybody else.
            unsafe {
                memory::free(message.cast());
                memory::free(topic.cast());
                memory::free(payload.cast());
                if let Some(mut properties) = properties {
                    properties::free(&raw mut properties);
                }
            }
            return None;
        };
        let contents = Message {
            struct_id: eyecatcher(*b"MQTM"),
            struct_version: VERSION,
            payloadlen: c_int::try_from(publish.payload.len()).unwrap_or(c_int::MAX),
            payload: payload.cast(),
            qos: publish.qos as c_int,
            retained: c_int::from(publish.retain),
            // A QoS 2 message comes once: the packet's flag says something of the packet only. As the original.
            dup: c_int::from(publish.dup && publish.qos != QoS::ExactlyOnce),
            msgid: c_int::from(publish.packet_id),
            properties,
        };
        // SAFETY: freshly allocated with the size of a message.
        unsafe { message.write(contents) };
        Some(Self {
            message,
            topic,
            topic_len: publish.topic.len(),
            size: block(size_of::<Message>())
                + block(publish.topic.len())
                + block(publish.payload.len())
                + size_in_c(publish.properties),
        })
    }

    /// Returns about how many bytes are held.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Sets what the program acknowledges the message with.
    pub fn set_message_id(&mut self, message_id: c_int) {
        // SAFETY: the block is ours, and a message.
        unsafe { (*self.message).msgid = message_id };
    }

    /// Lends the message in the form in which it came. Its properties are read back from C's.
    pub fn with_contents<R>(&self, read: impl FnOnce(&Publish<'_>) -> R) -> R {
        // SAFETY: both blocks are ours, and as `new` made them.
        unsafe {
            let message = &*self.message;
            let list = &raw const message.properties;
            let properties = read::properties(list, Context::Publish).unwrap_or_default();
            // Of a message that the program acknowledges the rest is its serial number.
            let packet_id = message.msgid & 0xFFFF;
            read(&Publish {
                dup: message.dup != 0,
                qos: read::qos(message.qos).unwrap_or(QoS::AtMostOnce),
                retain: message.retained != 0,
                topic: std::slice::from_raw_parts(self.topic.cast(), self.topic_len),
                packet_id: u16::try_from(packet_id).unwrap_or(0),
                properties: properties.as_ref(),
                payload: memory::bytes(message.payload, message.payloadlen),
            })
        }
    }

    /// Hands the two blocks over to the program: topic, its length, message.
    pub fn into_parts(self) -> (*mut c_char, c_int, *mut Message) {
        let parts = self.parts();
        std::mem::forget(self);
        parts
    }

    /// Lets go of the blocks that [`parts`](Self::parts) showed the program, which has taken them and very likely freed them:
    /// neither may be looked at any more.
    pub fn taken(self) {
        std::mem::forget(self);
    }

    /// Shows the topic, its length and the message, still owned here.
    pub fn parts(&self) -> (*mut c_char, c_int, *mut Message) {
        let len = c_int::try_from(self.topic_len).unwrap_or(0);
        (self.topic, len, self.message)
    }

    /// Returns true if the topic holds a NUL, so that it is longer than the C string it begins with.
    pub fn topic_holds_nul(&self) -> bool {
        let (topic, len, _) = self.parts();
        // SAFETY: the topic's block has that many bytes.
        unsafe { memory::bytes(topic.cast(), len) }.contains(&0)
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        // SAFETY: both blocks are still ours.
        unsafe {
            memory::free(self.topic.cast());
            memory::free_message(&raw mut self.message);
        }
    }
}

/// Returns how much memory a block of so many bytes takes: C's allocator adds a header, rounds up, and gives 32 bytes at least.
const fn block(len: usize) -> usize {
    let with_header = (len + 8).next_multiple_of(16);
    if with_header < 32 { 32 } else { with_header }
}

/// Returns how much memory the list takes in the form in which programs get it: twenty times what a server sends, if it
/// sends the shortest properties.
fn size_in_c(list: PropertiesRef<'_>) -> usize {
    let strings = |value| match value {
        Value::Binary(bytes) | Value::Utf8(bytes) => block(bytes.len() + 1),
        Value::Pair(name, value) => block(name.len() + 1) + block(value.len() + 1),
        Value::Byte(_) | Value::Two(_) | Value::Four(_) | Value::Var(_) => 0,
    };
    list.iter()
        .map(|property| size_of::<MQTTProperty>() + strings(property.value))
        .sum()
}

/// Returns a list of a packet's properties in C's memory, to be freed with `MQTTProperties_free`; empty when there is no
/// memory.
pub fn to_c(list: PropertiesRef<'_>) -> MQTTProperties {
    try_to_c(list).unwrap_or(properties::EMPTY)
}

/// Does the same, with all of it or none.
fn try_to_c(list: PropertiesRef<'_>) -> Option<MQTTProperties> {
    if list.is_empty() {
        return Some(properties::EMPTY);
    }
    let count = list.iter().count();
    let array: *mut MQTTProperty = memory::allocate_array(count);
    if array.is_null() {
        return None;
    }
    let mut whole = true;
    for (i, property) in list.iter().enumerate() {
        // SAFETY: the array has `count` entries.
        unsafe {
            array.add(i).write(MQTTProperty {
                identifier: property.id as c_int,
                value: to_c_value(property.value, &mut whole),
            });
        }
    }
    let number = |n: usize| c_int::try_from(n).unwrap_or(c_int::MAX);
    let mut list = MQTTProperties {
        count: number(count),
        max_count: number(count),
        length: number(list.len()),
        array,
    };
    if !whole {
        // SAFETY: made here, with NULL where a string is missing.
        unsafe { properties::free(&raw mut list) };
        return None;
    }
    Some(list)
}

/// Copies a value. `whole` becomes false when there is no memory for all of it.
fn to_c_value(value: Value<'_>, whole: &mut bool) -> MQTTPropertyValue {
    let mut string = |bytes: &[u8]| {
        let data = memory::copy_bytes(bytes);
        *whole &= !data.is_null();
        MQTTLenString {
            len: c_int::try_from(bytes.len()).unwrap_or(0),
            data,
        }
    };
    let none = MQTTLenString {
        len: 0,
        data: ptr::null_mut(),
    };
    let strings = |data, value| MQTTPropertyValue {
        strings: MQTTPropertyStrings { data, value },
    };
    match value {
        Value::Byte(byte) => MQTTPropertyValue { byte },
        Value::Two(integer2) => MQTTPropertyValue { integer2 },
        Value::Four(integer4) | Value::Var(integer4) => MQTTPropertyValue { integer4 },
        Value::Binary(bytes) | Value::Utf8(bytes) => strings(string(bytes), none),
        Value::Pair(name, value) => strings(string(name), string(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::property::{Properties, Property, PropertyId};

    /// A server's bytes become many more in C's form: the limit of the inbound queue has to see those.
    #[test]
    fn the_size_counts_properties_as_the_program_gets_them() {
        let mut list = Properties::new();
        for _ in 0..1000 {
            let id = PropertyId::UserProperty;
            let value = Value::Pair(b"", b"");
            list.push(Property { id, value }).expect("valid");
        }
        let publish = Publish {
            dup: false,
            qos: QoS::AtMostOnce,
            retain: false,
            topic: b"t",
            packet_id: 0,
            properties: list.as_ref(),
            payload: b"",
        };
        let received = Received::new(&publish).expect("memory");
        assert!(received.size() >= 1000 * (size_of::<MQTTProperty>() + 64));
    }
}
