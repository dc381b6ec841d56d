//! A program's own store that answers anything: codes, keys, buffers and lengths that a C program could return by mistake.
#![allow(unsafe_code)] // a C program's functions

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use arbitrary::Arbitrary;
use paho_oxide::ffi::memory;
use paho_oxide::ffi::store::{UserStore, after_read, before_write};
use paho_oxide::ffi::types::persistence_types::MQTTClient_persistence;
use paho_oxide::persistence::hooks::Hooked;
use paho_oxide::persistence::{RecordKey, RecordKind, Store};

/// What the program's next function does.
#[derive(Arbitrary, Clone, Debug)]
pub enum Answer {
    /// It returns this code and gives nothing.
    Code(i8),
    /// It gives a buffer and says that it has `shorter` bytes less than it has.
    Buffer {
        /// What is in it.
        bytes: Vec<u8>,
        /// At most so many bytes are not told of.
        shorter: u8,
    },
    /// It gives no buffer and says that there is one of that length.
    NoBuffer(i16),
    /// It gives a buffer and says that its length is negative.
    Negative(i16),
    /// It gives these keys and says that there are fewer by so many.
    Keys(Vec<Option<Vec<u8>>>, u8),
}

/// A program, which its functions know as their context.
struct Program(Vec<Answer>);

impl Program {
    /// # Safety
    /// `context` is a program that nobody else uses.
    unsafe fn next(context: *mut c_void) -> Answer {
        // SAFETY: the caller's promise.
        let program = unsafe { &mut *context.cast::<Program>() };
        program.0.pop().unwrap_or(Answer::Code(0))
    }
}

/// Gives a buffer as `answer` says.
///
/// # Safety
/// Both are places for results.
unsafe fn give(answer: Answer, buffer: *mut *mut c_char, length: *mut c_int) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        match answer {
            Answer::Code(code) => code.into(),
            Answer::Buffer { bytes, shorter } => {
                *buffer = memory::copy_bytes(&bytes);
                let told = bytes.len().saturating_sub(shorter.into());
                *length = c_int::try_from(told).unwrap_or(0);
                0
            }
            Answer::NoBuffer(told) => {
                *buffer = ptr::null_mut();
                *length = told.into();
                0
            }
            Answer::Negative(told) => {
                *buffer = memory::copy_bytes(b"content");
                *length = -c_int::from(told).abs();
                0
            }
            Answer::Keys(..) => -2,
        }
    }
}

unsafe extern "C" fn open(
    handle: *mut *mut c_void,
    _: *const c_char,
    _: *const c_char,
    context: *mut c_void,
) -> c_int {
    // SAFETY: a place for the handle.
    unsafe { *handle = context };
    0
}

unsafe extern "C" fn put(
    handle: *mut c_void,
    _: *mut c_char,
    count: c_int,
    buffers: *mut *mut c_char,
    lengths: *mut c_int,
) -> c_int {
    for at in 0..usize::try_from(count).expect("a count") {
        // SAFETY: as many buffers as there are, each of its length; they may be written to.
        unsafe {
            let length = usize::try_from(*lengths.add(at)).expect("a length");
            ptr::write_bytes(*buffers.add(at), 0x55, length);
        }
    }
    // SAFETY: the handle is the program.
    unsafe { on_handle(handle) }
}

unsafe extern "C" fn get(
    handle: *mut c_void,
    _: *mut c_char,
    buffer: *mut *mut c_char,
    length: *mut c_int,
) -> c_int {
    // SAFETY: the handle is the program; places for results.
    unsafe { give(Program::next(handle), buffer, length) }
}

unsafe extern "C" fn keys(
    handle: *mut c_void,
    keys: *mut *mut *mut c_char,
    count: *mut c_int,
) -> c_int {
    // SAFETY: the handle is the program; places for results.
    unsafe {
        match Program::next(handle) {
            Answer::Keys(names, fewer) => {
                let array: *mut *mut c_char = memory::allocate_array(names.len());
                for (at, name) in names.iter().enumerate() {
                    *array.add(at) = match name {
                        Some(name) => memory::copy_bytes(name),
                        None => ptr::null_mut(),
                    };
                }
                *keys = array;
                let told = names.len().saturating_sub(fewer.into());
                // Those that are not told of are nobody's.
                for at in told..names.len() {
                    memory::free((*array.add(at)).cast());
                }
                *count = c_int::try_from(told).unwrap_or(0);
                0
            }
            Answer::NoBuffer(told) => {
                *keys = ptr::null_mut();
                *count = told.into();
                0
            }
            Answer::Negative(told) => {
                *keys = memory::allocate_array(1);
                *count = -c_int::from(told).abs();
                0
            }
            Answer::Code(code) => code.into(),
            Answer::Buffer { .. } => -2,
        }
    }
}

unsafe extern "C" fn on_handle(handle: *mut c_void) -> c_int {
    // SAFETY: the handle is the program.
    match unsafe { Program::next(handle) } {
        Answer::Code(code) => code.into(),
        _ => 0,
    }
}

unsafe extern "C" fn on_key(handle: *mut c_void, _: *mut c_char) -> c_int {
    // SAFETY: the handle is the program.
    unsafe { on_handle(handle) }
}

unsafe extern "C" fn before(
    context: *mut c_void,
    _: c_int,
    buffers: *mut *mut c_char,
    lengths: *mut c_int,
) -> c_int {
    // SAFETY: the context is the program; there is at least one buffer.
    unsafe {
        match Program::next(context) {
            Answer::Buffer { shorter, .. } => {
                *lengths = (*lengths - c_int::from(shorter)).max(0);
                0
            }
            Answer::NoBuffer(told) => {
                *buffers = ptr::null_mut();
                *lengths = told.into();
                0
            }
            Answer::Negative(told) => {
                *lengths = -c_int::from(told).abs();
                0
            }
            Answer::Code(code) => code.into(),
            Answer::Keys(..) => 0,
        }
    }
}

unsafe extern "C" fn after(
    context: *mut c_void,
    buffer: *mut *mut c_char,
    length: *mut c_int,
) -> c_int {
    // SAFETY: the context is the program; the buffer is C's and may be exchanged.
    unsafe {
        let answer = Program::next(context);
        if !matches!(answer, Answer::Code(_) | Answer::Keys(..)) {
            memory::free((*buffer).cast());
        }
        give(answer, buffer, length)
    }
}

/// Uses the store as a client does, with these answers.
pub fn run(answers: Vec<Answer>) {
    let mut program = Program(answers);
    let context = (&raw mut program).cast::<c_void>();
    let given = MQTTClient_persistence {
        context,
        popen: Some(open),
        pclose: Some(on_handle),
        pput: Some(put),
        pget: Some(get),
        premove: Some(on_key),
        pkeys: Some(keys),
        pclear: Some(on_handle),
        pcontainskey: Some(on_key),
    };
    // SAFETY: the functions do what their types document, whatever they answer; the program outlives the store.
    let opened = unsafe { UserStore::open(&raw const given, "id", "tcp://h:1") };
    let Ok(store) = opened else { return };
    let mut store = Hooked::new(Box::new(store));
    // SAFETY: the same.
    unsafe {
        store.set_before_write(before_write(Some(before), context));
        store.set_after_read(after_read(Some(after), context));
    }
    let own = RecordKey::new(RecordKind::PublishSent, true, 1);
    let other = RecordKey::new(RecordKind::Command, false, 2);
    for key in store.keys().unwrap_or_default() {
        assert_eq!(RecordKey::parse(&key.to_string()), Some(key));
        let _ = store.get(key);
    }
    let part = *b"content";
    let _ = store.put(own, &[&part, b"", b"more"]);
    assert_eq!(part, *b"content", "what is sent is not what is stored");
    let _ = store.get(own);
    let _ = store.replace(own, other, &[&part]);
    let _ = store.put_both(own, &[&part], other, &[&part]);
    let _ = store.contains(own);
    let _ = store.set_aside(own);
    let _ = store.remove(own);
    store.forget_all(&[own, other]);
    let _ = store.notices();
    let _ = store.is_tidy();
    store.tidy();
}
