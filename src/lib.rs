//! One Rust engine behind the Eclipse Paho C API.
//!
//! ```text
//! C call ─► ffi: validate, read struct by its version, copy ─► engine: one mutex per client around a sans-IO Session
//!                                                                 │ Session: bytes, commands and the time in ─►
//!                                                                 ▼   packets to send, deliveries, completions, deadlines out
//!           caller's thread or reactor thread flushes ◄── outbound buffer
//! socket ─► reactor thread: read big, decode in place ─► Session ─► acks appended to outbound, one write a read
//!                                                          └─► event queue: ordered per client, never under a lock ─► C callback
//! ```
//!
//! Dependencies point one way: [`ffi`] → `engine` → {[`protocol`], [`transport`], [`persistence`]}; `trace` serves all.
//! [`protocol`] knows no clock, no socket, no thread and no `unsafe`.

mod engine;
pub mod events;
pub mod ffi;
pub mod options;
pub mod os;
pub mod persistence;
pub mod protocol;
mod reactor;
mod registry;
mod trace;
pub mod transport;

/// What the tests of other packages reach into; nothing here is for programs.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod testing {
    pub use crate::engine::fuzz_connack;
}
