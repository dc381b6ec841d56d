//! What holds of the answers of the functions for queues and clients.

use std::ffi::c_void;

use paho_oxide::ffi::exports::paho_oxide_messages::MQTTOxide_nextProperty;
#[allow(clippy::wildcard_imports)]
use paho_oxide::ffi::types::oxide_types::*;

/// A buffer that a call fills: what lies behind it stays as it is.
pub struct Room(Vec<u64>, usize);

const UNTOUCHED: u8 = 0xa5;

impl Room {
    pub fn new(capacity: u16) -> Self {
        let words = usize::from(capacity).div_ceil(8) + 2;
        Self(
            vec![u64::from_ne_bytes([UNTOUCHED; 8]); words],
            capacity.into(),
        )
    }

    pub fn pointer(&mut self) -> *mut c_void {
        self.0.as_mut_ptr().cast()
    }

    pub fn capacity(&self) -> u32 {
        u32::try_from(self.1).expect("short")
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    pub fn check(&self, filled: i64) -> Vec<u8> {
        let bytes = self.bytes();
        let filled = usize::try_from(filled).unwrap_or(0);
        assert!(filled <= self.1);
        assert!(bytes[self.1..].iter().all(|byte| *byte == UNTOUCHED));
        bytes[..filled].to_vec()
    }
}

/// Checks an answer by whether the handle is one.
pub fn checked(is_one: bool, code: i64) {
    well(code);
    if is_one {
        assert_ne!(code, i64::from(MQTTOxide_E_HANDLE), "the handle is one");
    } else {
        assert!(code < 0, "the handle is none");
    }
}

/// Checks that an answer is a count or a code of the header's, but that of a defect.
pub fn well(code: impl Into<i64>) {
    let code = code.into();
    assert!(code > MQTTOxide_E_PANIC.into(), "{code}");
}

/// Reads events as the manual describes them.
pub fn events(bytes: &[u8], filled: i64, count: u32) {
    if filled < 0 {
        return;
    }
    let four = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four"));
    let (mut at, mut events) = (0, 0);
    while at < bytes.len() {
        let size = four(at) as usize;
        let used: usize = [12, 16, 20]
            .map(|member| four(at + member) as usize)
            .iter()
            .sum();
        assert_eq!(
            size,
            (size_of::<MQTTOxide_event>() + used).next_multiple_of(8)
        );
        at += size;
        events += 1;
    }
    assert_eq!((at, events), (bytes.len(), count));
}

/// Checks that what was put is behind what there was, or nothing is.
pub fn appended(room: &Room, at: u8, used: u32, code: i32) {
    well(code);
    room.check(0);
    let untouched = |bytes: &[u8]| bytes.iter().all(|byte| *byte == UNTOUCHED);
    let bytes = room.bytes();
    if code == 0 {
        assert!(used > at.into() && used <= room.capacity());
        assert!(untouched(&bytes[..at.into()]) && untouched(&bytes[used as usize..]));
    } else {
        assert!(used == u32::from(at) && untouched(&bytes));
    }
}

/// Puts a property, and reads it again.
pub fn put(capacity: u8, at: u8, id: u8, call: impl FnOnce(&mut Room, *mut u32) -> i32) {
    let mut room = Room::new(capacity.into());
    let mut used = u32::from(at);
    let code = call(&mut room, &raw mut used);
    appended(&room, at, used, code);
    if code < 0 {
        return;
    }
    let mut next = u32::from(at);
    // SAFETY: a struct of the size that it says, filled by the call; and as many bytes as were put.
    let property = unsafe {
        let mut property: MQTTOxide_property = std::mem::zeroed();
        property.size = u32::try_from(size_of::<MQTTOxide_property>()).expect("small");
        let pointer = room.pointer();
        let read = MQTTOxide_nextProperty(pointer, used, &raw mut next, &raw mut property);
        assert_eq!(read, 1);
        property
    };
    assert_eq!((property.id, next), (id.into(), used));
}
