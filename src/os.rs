//! What the library asks of the operating system that has no safe wrapper: fork, exit, local time, thread numbers.
#![allow(unsafe_code)] // besides `ffi`, the only room that may

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

/// This process is the child of one that used the library.
static FORKED: AtomicBool = AtomicBool::new(false);

/// Sees to it that a forked child is known for one. To be called before the library starts its first thread.
///
/// A child has none of its parent's threads, and its locks may be held by threads that do not exist: every call would
/// hang. So each fails instead ([`is_usable`]). Threads come with the first connect: a program that creates its clients,
/// then becomes a daemon, then connects, notices nothing.
pub fn watch_for_fork() {
    extern "C" fn in_child() {
        FORKED.store(true, Ordering::Relaxed);
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: a function without arguments that only stores to an atomic, which is allowed after fork. Should there
        // be no memory to register it, a forked child is not protected, as with the original.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

/// Returns true if the library works in this process.
pub fn is_usable() -> bool {
    !FORKED.load(Ordering::Relaxed)
}

/// What [`at_exit`] was given, in that order.
static EXIT_HOOKS: Mutex<Vec<fn()>> = Mutex::new(Vec::new());

/// Runs `hook` when the process exits, after the hooks given before it. A hook given twice runs once. None runs in a
/// forked child: what the hooks look after is its parent's, and locks may be held by threads that are not there.
pub fn at_exit(hook: fn()) {
    extern "C" fn run() {
        if !is_usable() {
            return;
        }
        let hooks = std::mem::take(&mut *EXIT_HOOKS.lock());
        for hook in hooks {
            // There is nobody left to be told of a panic.
            let _ = std::panic::catch_unwind(hook);
        }
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: a function without arguments that does not unwind. Should there be no room for it, the journal still
        // has everything.
        unsafe { libc::atexit(run) };
    });
    let mut hooks = EXIT_HOOKS.lock();
    if !hooks.iter().any(|known| std::ptr::fn_addr_eq(*known, hook)) {
        hooks.push(hook);
    }
}

/// Calendar fields of a local time.
pub struct LocalTime {
    /// Gregorian year.
    pub year: i32,
    /// 1 to 12.
    pub month: i32,
    /// Day of the month, from 1.
    pub day: i32,
    /// 0 to 23.
    pub hour: i32,
    /// 0 to 59.
    pub minute: i32,
    /// 0 to 60.
    pub second: i32,
}

/// Splits seconds since the epoch as the C library's time zone says.
pub fn local_time(seconds: i64) -> LocalTime {
    // SAFETY: `tm` is plain data for which all zeroes is a value; localtime_r fills it and keeps no reference.
    let tm = unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        let seconds: libc::time_t = seconds;
        libc::localtime_r(&raw const seconds, &raw mut tm);
        tm
    };
    LocalTime {
        year: tm.tm_year + 1900,
        month: tm.tm_mon + 1,
        day: tm.tm_mday,
        hour: tm.tm_hour,
        minute: tm.tm_min,
        second: tm.tm_sec,
    }
}

/// Returns the calling thread's `pthread_t`: how the trace, like the original's, names a thread.
pub fn thread_number() -> u64 {
    // SAFETY: pthread_self has no precondition.
    unsafe { libc::pthread_self() }
}
