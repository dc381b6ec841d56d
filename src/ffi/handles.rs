//! What a program holds as `MQTTClient` or `MQTTAsync`: a key in disguise, never a pointer.
//!
//! A look-up clones the `Arc`, so that the client outlives the call even when another thread destroys it meanwhile.

use std::sync::Arc;

use libc::c_void;

use crate::engine::{Client, Host};
use crate::os::{self, PerProcess};
use crate::registry::{Key, Registry};
use crate::trace;

/// The bit that is set in every `MQTTClient` and in no `MQTTAsync`: a program that mixes the two up gets an error, and not
/// some other client. Indices are smaller; where a pointer has 32 bits, those of the first half million are.
const MARK: usize = if cfg!(target_pointer_width = "64") {
    1 << 31
} else {
    1 << 19
};

/// The clients of one API.
pub struct Handles<H: Host> {
    clients: PerProcess<Registry<Client<H>>>,
    mark: usize,
}

impl<H: Host> Handles<H> {
    /// For `MQTTClient`.
    pub const fn of_client_api() -> Self {
        Self {
            clients: PerProcess::new(|_| Registry::after_forks(os::forks())),
            mark: MARK,
        }
    }

    /// For `MQTTAsync`.
    pub const fn of_async_api() -> Self {
        Self {
            clients: PerProcess::new(|_| Registry::after_forks(os::forks())),
            mark: 0,
        }
    }

    fn key(&self, handle: *mut c_void) -> Key {
        Key::from_usize(handle.addr() ^ self.mark)
    }

    /// Makes a client's handle; none when there are a million already.
    pub fn insert(&self, client: Arc<Client<H>>) -> Option<*mut c_void> {
        let (key, _) = self.clients.get().insert_with(|_| client)?;
        Some(std::ptr::without_provenance_mut(key.to_usize() ^ self.mark))
    }

    /// The client of a handle; none for NULL, a stale handle, or anything else that is none, a handle of the process that this one was forked from included.
    pub fn get(&self, handle: *mut c_void) -> Option<Arc<Client<H>>> {
        let (clients, key) = (self.clients.get(), self.key(handle));
        let client = clients.get(key);
        if client.is_none() && clients.is_parents(key) {
            trace!(
                Error,
                "Handle {handle:p} belongs to the process that this one was forked from: create a client here"
            );
        }
        client
    }

    /// Takes the client out; only one caller gets it.
    pub fn remove(&self, handle: *mut c_void) -> Option<Arc<Client<H>>> {
        self.clients.get().remove(self.key(handle))
    }

    /// All clients of this process at this moment.
    pub fn all(&self) -> Vec<Arc<Client<H>>> {
        self.clients.get().all()
    }
}
