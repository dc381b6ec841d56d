//! Mutexes and threads for C programs: not in any header, but exported by the original and used by programs that came
//! with it. Each under its old name (up to 1.3.12) and its present one.
#![allow(non_snake_case)] // the names are the C API's

use libc::{c_int, c_void, pthread_attr_t, pthread_mutex_t, pthread_t};

use crate::ffi::entry::entry;
use crate::ffi::memory;

/// What a thread runs.
type ThreadFn = Option<unsafe extern "C" fn(*mut c_void) -> *mut c_void>;

/// The C side's `pthread_create` and friends take this signature; libc's has no `Option`.
type StartRoutine = extern "C" fn(*mut c_void) -> *mut c_void;

/// Makes a mutex. `rc` receives 0 or the error number; NULL is returned on failure.
///
/// # Safety
/// `rc` is NULL or writable.
unsafe fn create_mutex(rc: *mut c_int) -> *mut pthread_mutex_t {
    let mutex = memory::allocate_array::<pthread_mutex_t>(1);
    let result = if mutex.is_null() {
        libc::ENOMEM
    } else {
        // SAFETY: a new block of a mutex's size and alignment; NULL asks for the default kind.
        unsafe { libc::pthread_mutex_init(mutex, std::ptr::null()) }
    };
    // SAFETY: the caller's promise.
    if let Some(rc) = unsafe { rc.as_mut() } {
        *rc = result;
    }
    mutex
}

/// Locks a mutex. Returns 0 or the error number.
///
/// # Safety
/// `mutex` is NULL or an initialised mutex.
unsafe fn lock_mutex(mutex: *mut pthread_mutex_t) -> c_int {
    if mutex.is_null() {
        return libc::EINVAL;
    }
    // SAFETY: not NULL, and the caller's promise.
    unsafe { libc::pthread_mutex_lock(mutex) }
}

/// Unlocks a mutex. Returns 0 or the error number.
///
/// # Safety
/// `mutex` is NULL or an initialised mutex.
unsafe fn unlock_mutex(mutex: *mut pthread_mutex_t) -> c_int {
    if mutex.is_null() {
        return libc::EINVAL;
    }
    // SAFETY: not NULL, and the caller's promise.
    unsafe { libc::pthread_mutex_unlock(mutex) }
}

/// Runs `function` on a new detached thread. Nobody learns whether that worked: the C signature has no result.
///
/// # Safety
/// `function` can be run on another thread with `parameter`.
unsafe fn start(function: ThreadFn, parameter: *mut c_void) {
    let Some(function) = function else { return };
    // SAFETY: both are pointers to a C function that takes and returns a pointer; they differ in Rust's view of who
    // answers for the call, which the caller does.
    let routine = unsafe {
        std::mem::transmute::<unsafe extern "C" fn(*mut c_void) -> *mut c_void, StartRoutine>(
            function,
        )
    };
    let mut attributes = std::mem::MaybeUninit::<pthread_attr_t>::uninit();
    let mut thread = std::mem::MaybeUninit::<pthread_t>::uninit();
    // SAFETY: the attributes are initialised by the first call before the others use them, and destroyed once.
    unsafe {
        if libc::pthread_attr_init(attributes.as_mut_ptr()) != 0 {
            return;
        }
        libc::pthread_attr_setdetachstate(attributes.as_mut_ptr(), libc::PTHREAD_CREATE_DETACHED);
        libc::pthread_create(thread.as_mut_ptr(), attributes.as_ptr(), routine, parameter);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
    }
}

/// Returns the calling thread.
fn getid() -> pthread_t {
    // SAFETY: it has no requirements.
    unsafe { libc::pthread_self() }
}

/// Exports one function under both names.
macro_rules! exports {
    ($($old:ident $new:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? = $failure:expr, $function:ident;)*) => {$(
        /// Does what the function of this file does.
        ///
        /// # Safety
        /// As that function's.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $old($($arg: $type),*) $(-> $result)? {
            entry!(untraced: $failure, $function($($arg),*))
        }

        /// Does what the function of this file does.
        ///
        /// # Safety
        /// As that function's.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $new($($arg: $type),*) $(-> $result)? {
            entry!(untraced: $failure, $function($($arg),*))
        }
    )*};
}

exports! {
    Thread_create_mutex Paho_thread_create_mutex(rc: *mut c_int) -> *mut pthread_mutex_t = std::ptr::null_mut(), create_mutex;
    Thread_lock_mutex Paho_thread_lock_mutex(mutex: *mut pthread_mutex_t) -> c_int = libc::EINVAL, lock_mutex;
    Thread_unlock_mutex Paho_thread_unlock_mutex(mutex: *mut pthread_mutex_t) -> c_int = libc::EINVAL, unlock_mutex;
    Thread_start Paho_thread_start(function: ThreadFn, parameter: *mut c_void) = (), start;
    Thread_getid Paho_thread_getid() -> pthread_t = 0, getid;
}
