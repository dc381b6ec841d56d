//! The engine for other languages: clients whose events go into queues, from which a program takes them in batches.
//!
//! The same as the C API in `paho_oxide.h`, without C; `docs/oxide-api.md` describes both. Nothing here knows of a language.

mod client;
mod host;
mod options;
mod queue;
mod record;
#[cfg(test)]
mod tests;

pub use crate::protocol::session::{Kind as Pending, Policy};
pub use client::{EventClient, Manner, Operation};
pub use host::{EventHost, cause, stage};
pub use options::{
    Acks, Connect, Create, MAX_BUFFERED, MAX_UNREAD_BYTES, MAX_UNREAD_MESSAGES, StoreOptions,
    WebSocket,
};
pub use queue::{Batch, NotTaken, Queue, Wait};
pub use record::{DUPLICATE, HEAD, Head, Kind, RETAINED, Record};

pub use crate::engine::{Counters, Error, Published, Work};
pub use crate::trace::Level;
