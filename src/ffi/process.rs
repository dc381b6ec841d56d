//! What happens to the process around the library: fork and exit.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// This process is the child of one that used the library.
static FORKED: AtomicBool = AtomicBool::new(false);

/// Sees to it that a forked child is known for one. To be called before the library starts its first thread.
///
/// A child has none of its parent's threads, and its locks may be held by threads that do not exist: every call would
/// hang. So each fails instead ([`is_usable`]). Threads come with the first connect: a program that creates its clients,
/// then becomes a daemon, then connects, notices nothing.
pub fn watch() {
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

/// Whether the library works in this process.
pub fn is_usable() -> bool {
    !FORKED.load(Ordering::Relaxed)
}

/// A program may end right after it has disconnected, when the server has not read everything yet, and without destroying its
/// clients, whose stores then get the files that the original looks for. To be called before either can be.
pub fn watch_for_exit() {
    extern "C" fn settle() {
        // In a forked child the stores are its parent's, and their locks may be held by threads that are not there.
        if !is_usable() {
            return;
        }
        // There is nobody left to be told of a panic.
        let _ = std::panic::catch_unwind(crate::client::wait_for_ends);
        let _ = std::panic::catch_unwind(crate::persistence::file::settle_all);
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: a function without arguments that does not unwind. Should there be no room for it, the journal still
        // has everything.
        unsafe { libc::atexit(settle) };
    });
}
