//! The runtimes on which connections are established.
//!
//! Separate from the reactor, which carries established connections: handshakes are long conversations with many ends,
//! which read best as asynchronous code, and a look-up that takes its time has the runtimes' blocking threads for that.
//!
//! Two of one thread each, and not one of two: where the system gives no thread, tokio's own panics, or never comes back.

use std::cell::Cell;
use std::io;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use once_cell::sync::OnceCell;
use tokio::runtime::{Builder, Handle};

use crate::os::lock::{Condvar, Mutex};
use crate::os::{self, PerProcess};
use crate::reactor::{STACK, reactor};
use crate::transport::MAX_LOOK_UPS;

const COUNT: usize = 2;

/// Threads of each for what may block: look-ups, and what the program is asked while it connects.
const MAX_BLOCKING: usize = 512;

/// How often a thread is asked for while none of the reactor's is left to wait for events.
const RELIEF: Duration = Duration::from_millis(100);

// All look-ups may hang on one runtime.
const _: () = assert!(MAX_LOOK_UPS < MAX_BLOCKING);

static RUNTIMES: PerProcess<[OnceCell<Handle>; COUNT]> =
    PerProcess::new(|_| [const { OnceCell::new() }; COUNT]);

thread_local! {
    /// This thread is a runtime's.
    static CONNECTS: Cell<bool> = const { Cell::new(false) };
}

/// Returns true on a thread that carries the tasks which connect: it must not wait for one of them.
pub(super) fn is_connecting_thread() -> bool {
    CONNECTS.get()
}

/// Returns the runtime; an error when the system gives no descriptors or threads. It may do so the next time.
pub(super) fn runtime() -> io::Result<&'static Handle> {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    let turn = TURN.fetch_add(1, Ordering::Relaxed) % COUNT;
    let runtimes = RUNTIMES.get();
    let runtime = runtimes[turn].get_or_try_init(start);
    // One will do.
    runtime.or_else(|error| runtimes.iter().find_map(OnceCell::get).ok_or(error))
}

/// Asks for a thread of the reactor's again and again, until one waits for events. All of them are inside callbacks, which may
/// take as long as they like: none of them would ask.
pub(super) fn relieve_reactor() {
    static IS_ASKING: PerProcess<AtomicBool> = PerProcess::new(|_| AtomicBool::new(false));
    let (Ok(runtime), Ok(reactor)) = (runtime(), reactor()) else {
        return;
    };
    let is_asking = IS_ASKING.get();
    if is_asking.swap(true, Ordering::SeqCst) {
        return;
    }
    runtime.spawn(async {
        loop {
            while !reactor.relieve() {
                tokio::time::sleep(RELIEF).await;
            }
            is_asking.store(false, Ordering::SeqCst);
            // A thread that has entered a callback meanwhile may have left this task to ask.
            if reactor.relieve() || is_asking.swap(true, Ordering::SeqCst) {
                return;
            }
        }
    });
}

fn start() -> io::Result<Handle> {
    os::watch_for_fork();
    crate::engine::watch_for_exit();
    let made = Arc::new((Mutex::new(None), Condvar::new()));
    let tell = Arc::clone(&made);
    // The threads that it starts for what may block inherit the signals blocked here.
    os::spawn("paho-connect", None, move || {
        CONNECTS.set(true);
        // Made here: what tokio allocates for the thread that makes a runtime would be the program's thread's to free.
        let build = || {
            Builder::new_current_thread()
                .thread_name("paho-resolve")
                // The program is asked for keys and for new connect options on those that may block.
                .thread_stack_size(STACK)
                .max_blocking_threads(MAX_BLOCKING)
                .enable_all()
                .build()
        };
        // Somebody waits for the end of it, whatever that is.
        let built = catch_unwind(build).unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        let (runtime, handle) = match built {
            Ok(runtime) => {
                let handle = runtime.handle().clone();
                (Some(runtime), Ok(handle))
            }
            Err(error) => (None, Err(error)),
        };
        *tell.0.lock() = Some(handle);
        tell.1.notify_all();
        drop(tell);
        if let Some(runtime) = runtime {
            runtime.block_on(std::future::pending::<()>());
        }
    })?;
    let mut handle = made.0.lock();
    loop {
        if let Some(handle) = handle.take() {
            return handle;
        }
        made.1.wait(&mut handle);
    }
}
