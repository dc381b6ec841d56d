//! The functions of `paho_oxide.h` for Paho handles, called in any order with names, values, filters, sizes and identifiers that
//! a C program could pass: what they keep is held against a model.
#![allow(unsafe_code)] // a C program's calls

use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::OnceLock;

use arbitrary::Arbitrary;
use paho_oxide::ffi::exports::for_paho::{
    MQTTOxide_acknowledge, MQTTOxide_addRoute, MQTTOxide_getOption, MQTTOxide_lastError,
    MQTTOxide_removeRoute, MQTTOxide_setOption, MQTTOxide_statistics,
};
use paho_oxide::ffi::exports::mqtt_async::{MQTTAsync_create, MQTTAsync_send};
use paho_oxide::ffi::exports::mqtt_client::MQTTClient_create;
use paho_oxide::ffi::types::for_paho_types::MQTTOxide_error;
use paho_oxide::ffi::types::oxide_types::MQTTOxide_counters;

/// The options there are.
const NAMES: [&str; 13] = [
    "manual-acks",
    "resubscribe",
    "automatic-reconnect",
    "automatic-reconnect-min",
    "automatic-reconnect-max",
    "outbound-topic-aliases",
    "resolve-topic-aliases",
    "max-buffered-bytes",
    "tls-min-version",
    "tls-max-version",
    "tcp-keepalive",
    "tcp-user-timeout",
    "bind-address",
];
/// Values, of which each option has some.
const VALUES: [&str; 14] = [
    "",
    "on",
    "off",
    "true",
    "0",
    "1",
    "10",
    "32767",
    "65535",
    "1.2",
    "1.3",
    "unordered",
    "127.0.0.1",
    "::1",
];
const HANDLE: i32 = -1;
const NULL: i32 = -2;
const SIZE: i32 = -3;
const ARGUMENT: i32 = -4;
const STATE: i32 = -5;
const TOO_SMALL: i32 = -11;
const NOT_FOUND: i32 = -13;
const NOT_SUPPORTED: i32 = -14;

/// Bytes of the program's: one of those that are known, or any.
#[derive(Arbitrary, Clone, Debug)]
pub enum Word {
    /// One of a list.
    Known(u8),
    /// Any.
    Any(Vec<u8>),
    /// No pointer, and this length.
    Null(u8),
}

impl Word {
    /// Pointer and length.
    fn parts<'a>(&'a self, known: &[&'a str]) -> (*const c_char, u32, Option<&'a [u8]>) {
        let bytes = match self {
            Word::Known(at) => known[usize::from(*at) % known.len()].as_bytes(),
            Word::Any(bytes) => bytes,
            Word::Null(length) => return (ptr::null(), (*length).into(), None),
        };
        let length = u32::try_from(bytes.len()).expect("short");
        (bytes.as_ptr().cast(), length, Some(bytes))
    }
}

/// What the program does next.
#[derive(Arbitrary, Clone, Debug)]
pub enum Step {
    /// Sets an option.
    Set(Word, Word),
    /// Gets one into a buffer of that size.
    Get(Word, u8),
    /// Acknowledges a message: none waits.
    Acknowledge(i32),
    /// Asks for the last error: a difference to the right size, of the text's buffer, and whether of the thread.
    Error(i8, u8, bool),
    /// Asks for the counters, with a difference to the right size.
    Counters(i8),
    /// Adds a route, perhaps without a callback.
    Add(Word, bool),
    /// Removes one.
    Remove(Word),
    /// A call that is refused.
    Refused(Word),
}

/// Filters that are known.
const FILTERS: [&str; 8] = [
    "a",
    "a/#",
    "+/b",
    "#",
    "$share/group/a",
    "$share/a",
    "a#",
    "",
];

unsafe extern "C" fn route(_: *mut c_void, _: *const c_char, _: u32, _: *mut c_void) {}

/// A client of each API, made once: they are never connected.
fn clients() -> &'static [usize; 2] {
    static CLIENTS: OnceLock<[usize; 2]> = OnceLock::new();
    CLIENTS.get_or_init(|| {
        let (mut first, mut second) = (ptr::null_mut(), ptr::null_mut());
        let (uri, id) = (c"tcp://127.0.0.1:1".as_ptr(), c"fuzz".as_ptr());
        // SAFETY: strings, and variables for the handles; 1 is no store.
        unsafe {
            assert_eq!(
                MQTTAsync_create(&raw mut first, uri, id, 1, ptr::null_mut()),
                0
            );
            assert_eq!(
                MQTTClient_create(&raw mut second, uri, id, 1, ptr::null_mut()),
                0
            );
        }
        [first.addr(), second.addr()]
    })
}

/// What a client has.
#[derive(Default)]
struct Model {
    options: BTreeMap<Vec<u8>, Vec<u8>>,
    routes: Vec<Vec<u8>>,
    errors: u64,
    code: i32,
}

/// A filter as a route keeps it; none for what is no filter.
fn unshared(filter: &[u8]) -> Option<&[u8]> {
    if !paho_oxide::protocol::wire::valid_topic_filter(filter) {
        return None;
    }
    let Some(rest) = filter.strip_prefix(b"$share/") else {
        return Some(filter);
    };
    let at = rest.iter().position(|byte| *byte == b'/')?;
    Some(&rest[at + 1..])
}

/// Gets an option: code and value.
fn get(handle: *mut c_void, name: &[u8], size: usize) -> (i32, u32, Vec<u8>) {
    let mut buffer = vec![b'-'; size];
    let mut length = u32::MAX;
    // SAFETY: a name and a buffer with their lengths.
    let code = unsafe {
        MQTTOxide_getOption(
            handle,
            name.as_ptr().cast(),
            u32::try_from(name.len()).expect("short"),
            buffer.as_mut_ptr().cast(),
            u32::try_from(size).expect("small"),
            &raw mut length,
        )
    };
    (code, length, buffer)
}

fn last_error(handle: *mut c_void, difference: i8, text: &mut [u8]) -> (i32, MQTTOxide_error) {
    // SAFETY: a structure of numbers and a pointer.
    let mut error: MQTTOxide_error = unsafe { std::mem::zeroed() };
    let size = i64::try_from(size_of::<MQTTOxide_error>()).expect("small") + i64::from(difference);
    error.size = u32::try_from(size).unwrap_or(0);
    error.text = text.as_mut_ptr().cast();
    error.text_capacity = u32::try_from(text.len()).expect("small");
    // SAFETY: a whole structure, and a buffer of the size that it says.
    (
        unsafe { MQTTOxide_lastError(handle, &raw mut error) },
        error,
    )
}

impl Model {
    /// The code of a call, which tells of itself if it is a refusal.
    fn noted(&mut self, code: i32) -> i32 {
        if code != 0 {
            self.errors += 1;
            self.code = code;
        }
        code
    }

    fn set(&mut self, handle: *mut c_void, name: &Word, value: &Word) {
        let (name_at, name_len, name) = name.parts(&NAMES);
        let (value_at, value_len, value) = value.parts(&VALUES);
        // SAFETY: both with their lengths, or NULL.
        let code = unsafe { MQTTOxide_setOption(handle, name_at, name_len, value_at, value_len) };
        self.noted(code);
        let known = name.is_some_and(|name| NAMES.iter().any(|known| known.as_bytes() == name));
        if name.is_none() || known && value.is_none() && value_len > 0 {
            assert_eq!(code, NULL);
            return;
        }
        let name = name.expect("checked");
        if !known {
            assert_eq!(code, NOT_FOUND);
            return;
        }
        assert!([0, ARGUMENT, NOT_SUPPORTED].contains(&code), "{code}");
        if code != 0 {
            return;
        }
        let value = value.unwrap_or_default();
        let (code, length, told) = get(handle, name, 64);
        assert_eq!(code, 0);
        let told = &told[..length as usize];
        // What it tells it takes, and tells the same.
        assert!(value.is_empty() <= told.is_empty());
        self.options.insert(name.to_vec(), told.to_vec());
        let (at, len) = (told.as_ptr().cast(), length);
        // SAFETY: as above.
        let again = unsafe { MQTTOxide_setOption(handle, name_at, name_len, at, len) };
        assert_eq!(again, 0);
        assert_eq!(&get(handle, name, 64).2[..length as usize], told);
    }

    fn get(&mut self, handle: *mut c_void, name: &Word, size: u8) {
        let (_, _, Some(name)) = name.parts(&NAMES) else {
            return;
        };
        let (code, length, buffer) = get(handle, name, size.into());
        self.noted(code);
        if !NAMES.iter().any(|known| known.as_bytes() == name) {
            assert_eq!((code, length), (NOT_FOUND, u32::MAX));
            return;
        }
        let kept = self.options.get(name).map_or(&b""[..], |value| value);
        let fits = kept.len().min(size.into());
        assert_eq!(code, if fits == kept.len() { 0 } else { TOO_SMALL });
        assert_eq!(length as usize, kept.len());
        assert_eq!(buffer[..fits], kept[..fits]);
        assert!(buffer[fits..].iter().all(|byte| *byte == b'-'));
    }

    fn ask(&mut self, handle: *mut c_void, difference: i8, size: u8, of_thread: bool) {
        let mut text = vec![b'-'; size.into()];
        let asked = if of_thread { ptr::null_mut() } else { handle };
        let (code, error) = last_error(asked, difference, &mut text);
        if difference != 0 {
            assert_eq!(code, SIZE);
            return;
        }
        let length = error.text_len as usize;
        assert_eq!(code, if length > text.len() { TOO_SMALL } else { 0 });
        assert!(
            text[length.min(text.len())..]
                .iter()
                .all(|byte| *byte == b'-')
        );
        if length <= text.len() {
            assert!(std::str::from_utf8(&text[..length]).is_ok());
        }
        if !of_thread {
            assert_eq!((error.number, error.code), (self.errors, self.code));
        }
    }

    fn add(&mut self, handle: *mut c_void, filter: &Word, callback: bool, may: bool) {
        let (at, len, bytes) = filter.parts(&FILTERS);
        let callback = callback.then_some(route as unsafe extern "C" fn(_, _, _, _));
        // SAFETY: a filter with its length, or NULL.
        let code = unsafe { MQTTOxide_addRoute(handle, at, len, callback, ptr::null_mut()) };
        self.noted(code);
        let expected = match (bytes, bytes.and_then(unshared)) {
            (None, _) => NULL,
            (Some(_), None) => ARGUMENT,
            (Some(_), Some(_)) if callback.is_none() => NULL,
            (Some(_), Some(_)) if !may => STATE,
            (Some(_), Some(filter)) => {
                self.routes.retain(|kept| kept != filter);
                self.routes.push(filter.to_vec());
                0
            }
        };
        assert_eq!(code, expected);
    }

    fn remove(&mut self, handle: *mut c_void, filter: &Word) {
        let (at, len, bytes) = filter.parts(&FILTERS);
        // SAFETY: a filter with its length, or NULL.
        let code = unsafe { MQTTOxide_removeRoute(handle, at, len) };
        self.noted(code);
        let expected = match (bytes, bytes.and_then(unshared)) {
            (None, _) => NULL,
            (Some(_), None) => ARGUMENT,
            (Some(_), Some(filter)) => {
                let before = self.routes.len();
                self.routes.retain(|kept| kept != filter);
                if self.routes.len() < before {
                    0
                } else {
                    NOT_FOUND
                }
            }
        };
        assert_eq!(code, expected);
    }
}

/// Does the steps with a client of either API.
///
/// # Panics
/// When a client has something else than was set, or says something else than happened.
pub fn run(client: bool, steps: &[Step]) {
    let handle = ptr::without_provenance_mut::<c_void>(clients()[usize::from(client)]);
    let mut model = Model::default();
    // As new, but for what it has counted.
    for name in NAMES {
        // SAFETY: a name with its length.
        unsafe {
            let len = u32::try_from(name.len()).expect("short");
            MQTTOxide_setOption(handle, name.as_ptr().cast(), len, ptr::null(), 0);
        }
    }
    let (code, error) = last_error(handle, 0, &mut [0; 512]);
    assert_eq!(code, 0);
    (model.errors, model.code) = (error.number, error.code);
    for step in steps {
        match step {
            Step::Set(name, value) => model.set(handle, name, value),
            Step::Get(name, size) => model.get(handle, name, *size),
            Step::Acknowledge(id) => {
                // SAFETY: a handle and a number.
                let code = unsafe { MQTTOxide_acknowledge(handle, *id) };
                assert_eq!(code, if *id > 0 { NOT_FOUND } else { ARGUMENT });
                model.noted(code);
            }
            Step::Error(difference, size, of_thread) => {
                model.ask(handle, *difference, *size, *of_thread);
            }
            Step::Counters(difference) => {
                // SAFETY: a structure of numbers, whole whatever its size says.
                let code = unsafe {
                    let mut counters: MQTTOxide_counters = std::mem::zeroed();
                    let size = i64::try_from(size_of_val(&counters)).expect("small");
                    counters.size = u32::try_from(size + i64::from(*difference)).unwrap_or(0);
                    MQTTOxide_statistics(handle, &raw mut counters)
                };
                assert_eq!(code, if *difference == 0 { 0 } else { SIZE });
            }
            Step::Add(filter, callback) => model.add(handle, filter, *callback, !client),
            Step::Remove(filter) => model.remove(handle, filter),
            Step::Refused(topic) => {
                let (_, _, Some(topic)) = topic.parts(&FILTERS) else {
                    continue;
                };
                let topic: Vec<u8> = topic
                    .iter()
                    .copied()
                    .take_while(|byte| *byte != 0)
                    .collect();
                let topic = std::ffi::CString::new(topic).expect("no NUL");
                // SAFETY: a string; there is no payload. The other API's handle is none of this one's.
                let code = unsafe {
                    MQTTAsync_send(
                        handle,
                        topic.as_ptr(),
                        0,
                        ptr::null(),
                        0,
                        0,
                        ptr::null_mut(),
                    )
                };
                assert!(code < 0, "{code}");
                if !client {
                    model.noted(code);
                }
            }
        }
    }
    for route in std::mem::take(&mut model.routes) {
        let len = u32::try_from(route.len()).expect("short");
        // SAFETY: a filter with its length.
        let code = unsafe { MQTTOxide_removeRoute(handle, route.as_ptr().cast(), len) };
        assert_eq!(code, 0);
    }
    let other = ptr::from_ref(&model).cast_mut().cast();
    // SAFETY: an address that is no handle.
    assert_eq!(unsafe { MQTTOxide_acknowledge(other, 1) }, HANDLE);
}
