//! The native module of the Python package `paho_oxide`: the engine's session, driven by the program's own threads.
//!
//! ```text
//! Client (Python) ─► connection: one mutex a client around the engine's Session, sockets non-blocking
//!                       │ no thread of ours: publish writes on the calling thread, a loop reads on its own
//!                       ▼
//!                    events ─► dispatch: Python objects and callbacks, no lock held, acknowledgement after the callback
//! ```
//!
//! Two rules keep the interpreter's lock and ours apart: no thread waits for the interpreter while it holds the mutex, and
//! nothing under the mutex waits, reads or writes.

mod connection;
mod descriptor;
mod dispatch;
mod done;
mod ending;
mod message;
mod native;
mod numbers;
mod session;
mod websocket;

use pyo3::prelude::*;

/// What is behind `paho_oxide.client`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<native::Connection>()?;
    module.add_class::<dispatch::Messages>()?;
    module.add_class::<dispatch::Begin>()?;
    module.add_class::<message::MQTTMessage>()?;
    module.add_class::<message::MQTTMessageInfo>()?;
    module.add_function(wrap_pyfunction!(native::after_fork, module)?)?;
    module.add_function(wrap_pyfunction!(ending::interpreter_ends, module)?)?;
    Ok(())
}
