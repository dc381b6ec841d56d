//! `Heap_get_info` counts what is in the program's hands. In a test program of its own, since the figures are those of the
//! whole process.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use paho_oxide::ffi::exports::mqtt_client_messages::{
    MQTTClient_free, MQTTClient_freeMessage, MQTTClient_malloc,
};
use paho_oxide::ffi::exports::properties::{EMPTY, MQTTProperties_add, MQTTProperties_copy};
use paho_oxide::ffi::memory::{Heap_get_info, copy_bytes};
use paho_oxide::ffi::store::UserStore;
use paho_oxide::ffi::types::persistence_types::MQTTClient_persistence;
use paho_oxide::ffi::types::{
    MQTTClient_message, MQTTLenString, MQTTProperty, MQTTPropertyStrings, MQTTPropertyValue,
};
use paho_oxide::persistence::{RecordKey, RecordKind, Store, StoreError};

/// Current and highest number of bytes.
#[allow(unsafe_code)] // reads a structure as a C program does
fn heap() -> (usize, usize) {
    // SAFETY: two sizes, in a structure that is always there.
    unsafe { Heap_get_info().cast::<[usize; 2]>().read().into() }
}

/// Reads a record from a store of the program's, which hands over buffers and says of each that its length is negative.
#[allow(unsafe_code)] // is what C programs are
fn read_from_a_wrong_store() {
    unsafe extern "C" fn open(
        handle: *mut *mut c_void,
        _: *const c_char,
        _: *const c_char,
        _: *mut c_void,
    ) -> c_int {
        // SAFETY: a place for the handle, which nobody looks at.
        unsafe { *handle = ptr::dangling_mut() };
        0
    }
    unsafe extern "C" fn get(
        _: *mut c_void,
        _: *mut c_char,
        buffer: *mut *mut c_char,
        length: *mut c_int,
    ) -> c_int {
        // SAFETY: places for the results.
        unsafe { (*buffer, *length) = (copy_bytes(b"content"), -7) };
        0
    }
    unsafe extern "C" fn put(
        _: *mut c_void,
        _: *mut c_char,
        _: c_int,
        _: *mut *mut c_char,
        _: *mut c_int,
    ) -> c_int {
        0
    }
    unsafe extern "C" fn keys(_: *mut c_void, _: *mut *mut *mut c_char, _: *mut c_int) -> c_int {
        0
    }
    unsafe extern "C" fn on_handle(_: *mut c_void) -> c_int {
        0
    }
    unsafe extern "C" fn on_key(_: *mut c_void, _: *mut c_char) -> c_int {
        0
    }
    let given = MQTTClient_persistence {
        context: ptr::dangling_mut(),
        popen: Some(open),
        pclose: Some(on_handle),
        pput: Some(put),
        pget: Some(get),
        premove: Some(on_key),
        pkeys: Some(keys),
        pclear: Some(on_handle),
        pcontainskey: Some(on_key),
    };
    // SAFETY: the functions do what their types document, but for the length.
    let mut store = unsafe { UserStore::open(&raw const given, "id", "tcp://h:1") }.expect("open");
    let key = RecordKey::new(RecordKind::PublishSent, false, 1);
    assert!(matches!(store.get(key), Err(StoreError::BadProgram(_))));
}

#[test]
#[allow(unsafe_code)] // calls what C programs call
fn the_heap_is_empty_when_everything_was_freed() {
    assert_eq!(heap(), (0, 0));
    // SAFETY: everything is valid, and freed once.
    unsafe {
        let block = MQTTClient_malloc(100);
        let (with_block, _) = heap();
        assert!((100..200).contains(&with_block), "{with_block}");

        let mut properties = EMPTY;
        let string = MQTTLenString {
            len: 4,
            data: c"name".as_ptr().cast_mut(),
        };
        let property = MQTTProperty {
            identifier: 38,
            value: MQTTPropertyValue {
                strings: MQTTPropertyStrings {
                    data: string,
                    value: string,
                },
            },
        };
        for _ in 0..25 {
            assert_eq!(
                MQTTProperties_add(&raw mut properties, &raw const property),
                0
            );
        }
        let mut message =
            MQTTClient_malloc(size_of::<MQTTClient_message>()).cast::<MQTTClient_message>();
        message.write(MQTTClient_message {
            struct_id: [0; 4],
            struct_version: 1,
            payloadlen: 5,
            payload: copy_bytes(b"hello").cast(),
            qos: 0,
            retained: 0,
            dup: 0,
            msgid: 0,
            properties: MQTTProperties_copy(&raw const properties),
        });
        paho_oxide::ffi::exports::properties::MQTTProperties_free(&raw mut properties);
        assert!(heap().0 > with_block + 25 * size_of::<MQTTProperty>());
        MQTTClient_freeMessage(&raw mut message);
        assert!(message.is_null());
        assert_eq!(heap().0, with_block);
        MQTTClient_free(block);
        MQTTClient_free(ptr::null_mut());
    }
    read_from_a_wrong_store();
    let (now, highest) = heap();
    assert_eq!(now, 0);
    assert!(highest > 2 * 25 * size_of::<MQTTProperty>());
}
