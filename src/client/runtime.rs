//! The runtime on which connections are established.
//!
//! Separate from the reactor, which carries established connections: handshakes are long conversations with many ends,
//! which read best as asynchronous code, and a look-up that takes its time has the runtime's blocking threads for that.

use std::io;

use once_cell::sync::Lazy;
use tokio::runtime::{Builder, Handle, Runtime};

static RUNTIME: Lazy<io::Result<Runtime>> = Lazy::new(|| {
    crate::ffi::watch_for_fork();
    crate::ffi::watch_for_exit();
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("paho-connect")
        .enable_all()
        .build()
});

/// The runtime; an error when the system gives no threads.
pub(super) fn runtime() -> io::Result<&'static Handle> {
    match &*RUNTIME {
        Ok(runtime) => Ok(runtime.handle()),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    }
}
