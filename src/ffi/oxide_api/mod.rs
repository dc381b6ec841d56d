//! What the functions of `paho_oxide.h` do: handles, pointers and structs turned into `events`, errors into codes.
#![allow(clippy::missing_safety_doc)] // what each function requires stands at the export that calls it
#![allow(non_upper_case_globals)] // the constants have the C API's names

mod clients;
mod connecting;
mod helpers;
mod publishing;
mod queues;
pub mod read;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use clients::{counters, create, destroy, filled};
pub use connecting::{
    abort, address, attach_fd, attach_stream, auth, connect, deadline_ms, disconnect, drive,
    drive_events, eof, feed, feed_events, set_driver, take, wants,
};
pub use helpers::{error_name, next_property, put_bytes, put_filter, put_number, put_pair};
pub use publishing::{
    Request, ack, cancel, in_flight, message, publish, publish_many, subscribe, unsubscribe,
};
pub use queues::{create_queue, destroy_queue, event_fd, interrupt, next_events, set_log_level};

use crate::engine::Error;
use crate::events::{EventClient, NotTaken, Queue};
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::oxide_types::*;
use crate::os::{self, PerProcess};
use crate::protocol::reason;
use crate::registry::{Key, Registry};
use crate::trace;
use crate::transport::Stage;

/// The bit that is set in every queue's handle and in no client's.
const QUEUE: u64 = 1 << 31;

/// A client, and its queue's handle.
struct ClientOf {
    client: EventClient,
    queue: u64,
}

impl std::ops::Deref for ClientOf {
    type Target = EventClient;

    fn deref(&self) -> &EventClient {
        &self.client
    }
}

static CLIENTS: PerProcess<Registry<ClientOf>> =
    PerProcess::new(|_| Registry::after_forks(os::forks()));
static QUEUES: PerProcess<Registry<QueueOf>> =
    PerProcess::new(|_| Registry::after_forks(os::forks()));

/// A queue, and how many clients it has.
struct QueueOf {
    queue: Arc<Queue>,
    clients: os::lock::Mutex<Clients>,
}

/// The clients of a queue.
#[derive(Default)]
struct Clients {
    count: usize,
    /// The queue is being destroyed: no further one.
    are_over: bool,
}

/// What a function returns: a count, or the code of an error.
pub type Answer<T = i32> = Result<T, i32>;

/// Calls a client, which another thread may destroy meanwhile: what fails because of that fails with `E_HANDLE`, and not with
/// "no connection" or "no stream". A thread that calls until the client has gone relies on it.
///
/// There is no other way from a handle to its client, so that no function can forget it.
fn with_client<T>(handle: u64, call: impl FnOnce(&ClientOf) -> Answer<T>) -> Answer<T> {
    let key = Key::from_u64(handle);
    let client = CLIENTS.get().get(key).ok_or(MQTTOxide_E_HANDLE)?;
    call(&client).map_err(|code| {
        // `destroy` takes the handle away before it ends anything.
        if CLIENTS.get().get(key).is_some() {
            code
        } else {
            MQTTOxide_E_HANDLE
        }
    })
}

/// Returns the queue of a handle.
fn queue(handle: u64) -> Answer<Arc<QueueOf>> {
    QUEUES
        .get()
        .get(Key::from_u64(handle ^ QUEUE))
        .ok_or(MQTTOxide_E_HANDLE)
}

/// A result as a C function returns it.
fn code(answer: Answer) -> i32 {
    answer.unwrap_or_else(|code| code)
}

/// The same of a longer count.
fn long_code(answer: Answer<usize>) -> i64 {
    match answer {
        Ok(count) => i64::try_from(count).unwrap_or(i64::MAX),
        Err(code) => code.into(),
    }
}

/// The code of an error.
pub fn failure(error: &Error) -> i32 {
    match error {
        Error::Disconnected => MQTTOxide_E_DISCONNECTED,
        Error::Ignored => MQTTOxide_E_STATE,
        Error::WouldBlock | Error::BufferFull => MQTTOxide_E_WOULD_BLOCK,
        Error::NoPacketId => MQTTOxide_E_NO_ID,
        Error::NotStored | Error::Store(_) => {
            trace!(Error, "libpaho-oxide: {error}");
            MQTTOxide_E_NOT_STORED
        }
        Error::Invalid(malformed) => {
            trace!(Error, "libpaho-oxide: {}", malformed.what);
            match malformed.reason {
                reason::QOS_NOT_SUPPORTED
                | reason::RETAIN_NOT_SUPPORTED
                | reason::PACKET_TOO_LARGE
                | reason::TOPIC_ALIAS_INVALID => MQTTOxide_E_NOT_ALLOWED,
                _ => MQTTOxide_E_ARGUMENT,
            }
        }
        Error::Unusable(error) => {
            trace!(Error, "libpaho-oxide: {error}");
            match error.stage {
                Stage::NotSupported => MQTTOxide_E_NOT_SUPPORTED,
                _ => MQTTOxide_E_ARGUMENT,
            }
        }
        Error::Failed(_) | Error::TimedOut => {
            trace!(Error, "libpaho-oxide: {error}");
            MQTTOxide_E_SYSTEM
        }
    }
}

/// The code of an empty hand, and the size that the next record needs.
fn not_taken(error: NotTaken) -> (i32, usize) {
    match error {
        NotTaken::TooSmall(size) => (MQTTOxide_E_TOO_SMALL, size),
        NotTaken::Closed => (MQTTOxide_E_HANDLE, 0),
    }
}
