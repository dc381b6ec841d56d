//! What a program holds as `MQTTClient` or `MQTTAsync`: a key in disguise, never a pointer to anything of ours.
//!
//! A look-up clones the `Arc`, so that the client outlives the call even when another thread destroys it meanwhile.
//!
//! A handle is an address all the same, for some programs look into what they take for the original's structure: they read
//! zeros. All handles lie in one reserved range of addresses, 4 GiB, read-only and without any memory behind it: whatever is
//! read there is the kernel's one page of zeros.

use std::sync::Arc;

use libc::c_void;

use crate::engine::{Client, Host};
use crate::os::{self, PerProcess};
use crate::registry::{COMPACT_BITS, COMPACT_GENERATIONS, Key, Registry};
use crate::trace;

/// The bit that is set in the number of every `MQTTClient` and of no `MQTTAsync`: a program that mixes the two up gets an
/// error, and not some other client.
const MARK: usize = 1 << COMPACT_BITS;
/// Numbers that stand for a handle are below this.
const NUMBERS: usize = MARK << 1;
/// Binary digits by which handles are apart: aligned as a pointer is, where there is room for that.
const SHIFT: u32 = if cfg!(target_pointer_width = "64") {
    3
} else {
    0
};
/// How far behind the last handle a program may read: further than any structure of the original's.
const BEHIND: usize = 64 * 1024;

/// The addresses that a process's handles take.
const SPAN: usize = NUMBERS << SHIFT;

/// The addresses of a process's handles. A forked child has a range of its own beside its parent's, which it inherits: so no
/// handle of the parent's is one of the child's, and it may still be looked into.
struct Range {
    start: usize,
    /// Reserved. Otherwise a number alone, where addresses are too few or the process may not have so many (`RLIMIT_AS`):
    /// handles are as good then, but may not be looked into.
    reserved: bool,
    parents: Option<&'static Range>,
}

static RANGE: PerProcess<Range> = PerProcess::new(Range::new);

impl Range {
    fn new(parents: Option<&'static Self>) -> Self {
        let reserved = reserve();
        // On 32 bits there is room for two.
        let beside = os::forks() as usize % (usize::MAX / SPAN).min(1 << 16);
        Self {
            start: reserved.unwrap_or(beside * SPAN),
            reserved: reserved.is_some(),
            parents,
        }
    }

    /// Returns the number behind a handle of this process; none for another address.
    fn number(&self, handle: *mut c_void) -> Option<usize> {
        let offset = handle.addr().checked_sub(self.start)?;
        let number = offset >> SHIFT;
        (offset < SPAN && number << SHIFT == offset).then_some(number)
    }

    /// Returns true if the handle may have been given by a process from which this one was forked.
    fn is_parents(&self, handle: *mut c_void) -> bool {
        std::iter::successors(self.parents, |range| range.parents)
            .any(|range| range.number(handle).is_some_and(|number| number != 0))
    }
}

impl Drop for Range {
    fn drop(&mut self) {
        if self.reserved {
            // SAFETY: reserved below, and no handle was made of it: another thread was faster.
            unsafe { libc::munmap(std::ptr::without_provenance_mut(self.start), SPAN + BEHIND) };
        }
    }
}

/// Reserves the addresses of all handles of a process; none if there are not so many.
fn reserve() -> Option<usize> {
    if cfg!(not(target_pointer_width = "64")) {
        return None;
    }
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping at an address of the kernel's choice: nothing else lies there.
    let start = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            SPAN + BEHIND,
            libc::PROT_READ,
            flags,
            -1,
            0,
        )
    };
    (start != libc::MAP_FAILED).then(|| start.addr())
}

/// The clients of one API.
pub struct Handles<H: Host> {
    clients: PerProcess<Registry<Client<H>>>,
    mark: usize,
}

impl<H: Host> Handles<H> {
    /// Makes the handles of `MQTTClient`.
    pub const fn of_sync_api() -> Self {
        Self::marked(MARK)
    }

    /// Makes the handles of `MQTTAsync`.
    pub const fn of_async_api() -> Self {
        Self::marked(0)
    }

    const fn marked(mark: usize) -> Self {
        Self {
            clients: PerProcess::new(|_| Registry::with_generations(COMPACT_GENERATIONS)),
            mark,
        }
    }

    /// Returns the key behind a handle; none for an address that is no handle of this process and API.
    fn key(&self, handle: *mut c_void) -> Option<Key> {
        let number = RANGE.get().number(handle)?;
        (number & MARK == self.mark).then(|| Key::from_compact(number & !MARK))
    }

    /// Makes a client's handle; none when there are a million already.
    pub fn insert(&self, client: Arc<Client<H>>) -> Option<*mut c_void> {
        let (key, _) = self.clients.get().insert_with(|_| client)?;
        let number = key.to_compact() | self.mark;
        Some(std::ptr::without_provenance_mut(
            RANGE.get().start + (number << SHIFT),
        ))
    }

    /// Returns the client of a handle; none for NULL, a stale handle, or anything else that is none, a handle of the process
    /// that this one was forked from included.
    pub fn get(&self, handle: *mut c_void) -> Option<Arc<Client<H>>> {
        let client = self.key(handle).and_then(|key| self.clients.get().get(key));
        if client.is_none() && RANGE.get().is_parents(handle) {
            trace!(
                Error,
                "Handle {handle:p} belongs to the process that this one was forked from: create a client here"
            );
        }
        client
    }

    /// Takes the client out; only one caller gets it.
    pub fn remove(&self, handle: *mut c_void) -> Option<Arc<Client<H>>> {
        self.clients.get().remove(self.key(handle)?)
    }

    /// Returns all clients of this process at this moment.
    pub fn all(&self) -> Vec<Arc<Client<H>>> {
        self.clients.get().all()
    }
}
