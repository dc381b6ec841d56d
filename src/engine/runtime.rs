//! The runtimes on which connections are established.
//!
//! Separate from the reactor, which carries established connections: handshakes are long conversations with many ends,
//! which read best as asynchronous code, and a look-up that takes its time has the runtimes' blocking threads for that.
//!
//! Two of one thread each, and not one of two: where the system gives no thread, tokio's own panics, or never comes back.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use once_cell::sync::OnceCell;
use tokio::runtime::{Builder, Handle};

use crate::os::{self, PerProcess};
use crate::reactor::STACK;

const COUNT: usize = 2;

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

fn start() -> io::Result<Handle> {
    os::watch_for_fork();
    crate::engine::watch_for_exit();
    let runtime = Builder::new_current_thread()
        .thread_name("paho-resolve")
        // The program is asked for keys and for new connect options on those that may block.
        .thread_stack_size(STACK)
        .enable_all()
        .build()?;
    let handle = runtime.handle().clone();
    // The threads that it starts for what may block inherit the signals blocked here.
    os::spawn("paho-connect", None, move || {
        CONNECTS.set(true);
        runtime.block_on(std::future::pending::<()>());
    })?;
    Ok(handle)
}
