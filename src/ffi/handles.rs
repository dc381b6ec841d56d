//! What a program holds as `MQTTClient` or `MQTTAsync`: a key in disguise, never a pointer.
//!
//! A look-up clones the `Arc`, so that the client outlives the call even when another thread destroys it meanwhile.

use std::sync::Arc;

use libc::c_void;

use super::process;
use crate::client::{Client, Host};
use crate::registry::{Key, Registry};

/// The clients of one API.
pub type Handles<H> = Registry<Client<H>>;

/// The handle of a key.
pub fn to_handle(key: Key) -> *mut c_void {
    std::ptr::without_provenance_mut(key.to_usize())
}

/// The client of a handle; none for NULL, a stale handle, or anything else that is none, and in a forked child.
pub fn client<H: Host>(handles: &Handles<H>, handle: *mut c_void) -> Option<Arc<Client<H>>> {
    if !process::is_usable() {
        return None;
    }
    handles.get(Key::from_usize(handle.addr()))
}
