//! Waits without the interpreter's lock, and what becomes of them when the interpreter ends.

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;
use std::thread::{self, ThreadId};

use pyo3::prelude::*;

/// The thread that ends the interpreter, once it does.
static ENDING: OnceLock<ThreadId> = OnceLock::new();

/// Called by the thread that ends the interpreter: no other thread comes back from a wait from now on.
#[pyfunction]
pub fn interpreter_ends() {
    let _ = ENDING.set(thread::current().id());
}

/// Runs what may wait, without the interpreter's lock.
///
/// A thread that asks an ending interpreter for that lock is ended by it (before Python 3.14), by an unwinding that Rust frames do
/// not survive. So it does not ask; it sleeps until the process is gone. One that has asked already does the same once it is to
/// be ended.
pub fn released<R: Send>(py: Python<'_>, wait: impl FnOnce() -> R + Send) -> R {
    let stays = Stays::new();
    let result = py.detach(|| {
        let result = wait();
        let this = thread::current().id();
        while ENDING.get().is_some_and(|ending| *ending != this) {
            thread::park();
        }
        result
    });
    drop(stays);
    result
}

/// `struct _pthread_cleanup_buffer` of the C library.
#[repr(C)]
struct Buffer {
    routine: extern "C" fn(*mut c_void),
    argument: *mut c_void,
    cancel_type: c_int,
    previous: *mut Buffer,
}

#[allow(unsafe_code)] // two functions of the C library that the libc crate does not have
unsafe extern "C" {
    fn _pthread_cleanup_push(
        buffer: *mut Buffer,
        routine: extern "C" fn(*mut c_void),
        argument: *mut c_void,
    );
    fn _pthread_cleanup_pop(buffer: *mut Buffer, execute: c_int);
}

/// While it is there, its thread sleeps where it would be ended by `pthread_exit`, before any frame is unwound.
struct Stays {
    // Not on the stack: the C library calls what is registered there once the frames below it are gone. Those are Rust's.
    buffer: *mut Buffer,
}

impl Stays {
    #[allow(unsafe_code)] // a registration with the C library
    fn new() -> Self {
        let buffer = Box::into_raw(Box::new(Buffer {
            routine: sleep,
            argument: std::ptr::null_mut(),
            cancel_type: 0,
            previous: std::ptr::null_mut(),
        }));
        // SAFETY: the buffer has the C library's layout, and lives until `drop` has taken it from this thread's list.
        unsafe { _pthread_cleanup_push(buffer, sleep, std::ptr::null_mut()) };
        Self { buffer }
    }
}

impl Drop for Stays {
    #[allow(unsafe_code)] // as above
    fn drop(&mut self) {
        // SAFETY: what was registered last by this thread: it is not `Send`, and those of waits inside this one are gone. Made by
        // `Box`, and in no list any more.
        unsafe {
            _pthread_cleanup_pop(self.buffer, 0);
            drop(Box::from_raw(self.buffer));
        }
    }
}

/// Sleeps until the process is gone.
extern "C" fn sleep(_: *mut c_void) {
    loop {
        thread::park();
    }
}
