//! Queues.

use std::ffi::c_void;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use super::{Answer, QUEUE, QUEUES, QueueOf, code, long_code, not_taken, queue, read};
use crate::events::{Batch, NotTaken, Queue, Wait};
use crate::ffi::types::oxide_types::{
    MQTTOxide_E_ARGUMENT, MQTTOxide_E_HANDLE, MQTTOxide_E_NULL, MQTTOxide_E_STATE,
    MQTTOxide_E_SYSTEM,
};
use crate::os::lock::Mutex;
use crate::registry::Key;
use crate::trace::Level;

pub unsafe fn create_queue(handle: *mut u64) -> i32 {
    if handle.is_null() {
        return MQTTOxide_E_NULL;
    }
    let made = QUEUES.get().insert_with(|_| {
        Arc::new(QueueOf {
            queue: Queue::new(),
            clients: Mutex::default(),
        })
    });
    let Some((key, _)) = made else {
        return MQTTOxide_E_SYSTEM;
    };
    // SAFETY: not NULL, so a u64 that is to be written to.
    unsafe { handle.write(key.to_u64() ^ QUEUE) };
    0
}

pub fn destroy_queue(handle: u64) -> i32 {
    let destroy = || {
        let entry = queue(handle)?;
        {
            let mut clients = entry.clients.lock();
            if clients.count > 0 {
                return Err(MQTTOxide_E_STATE);
            }
            clients.are_over = true;
            QUEUES
                .get()
                .remove(Key::from_u64(handle ^ QUEUE))
                .ok_or(MQTTOxide_E_HANDLE)?;
        }
        entry.queue.close();
        Ok(0)
    };
    code(destroy())
}

pub fn event_fd(handle: u64) -> i32 {
    code(queue(handle).and_then(|entry| {
        let fd = entry.queue.event_fd().map_err(|_| MQTTOxide_E_SYSTEM)?;
        Ok(fd.as_raw_fd())
    }))
}

pub fn interrupt(handle: u64) -> i32 {
    code(queue(handle).map(|entry| {
        entry.queue.interrupt();
        0
    }))
}

pub fn set_log_level(handle: u64, level: i32) -> i32 {
    let level = match level {
        0 => None,
        1 => Some(Level::Maximum),
        2 => Some(Level::Medium),
        3 => Some(Level::Minimum),
        4 => Some(Level::Protocol),
        5 => Some(Level::Error),
        6 => Some(Level::Severe),
        7 => Some(Level::Fatal),
        _ => return MQTTOxide_E_ARGUMENT,
    };
    code(queue(handle).map(|entry| {
        entry.queue.set_log_level(level);
        0
    }))
}

pub unsafe fn next_events(
    handle: u64,
    buffer: *mut c_void,
    capacity: u32,
    timeout_ms: i32,
    count: *mut u32,
) -> i64 {
    let wait = match timeout_ms {
        0 => Wait::No,
        ..0 => Wait::Forever,
        milliseconds => Wait::For(Duration::from_millis(milliseconds.unsigned_abs().into())),
    };
    let next = || {
        let entry = queue(handle)?;
        // SAFETY: the caller's promise.
        let buffer = unsafe { read::buffer_of_events(buffer, capacity) }?;
        // SAFETY: the caller's promise.
        unsafe { report(entry.queue.next_events(buffer, wait), count) }
    };
    long_code(next())
}

/// Returns what a batch means for the caller, whose count it fills in.
///
/// # Safety
/// `count` is NULL or a u32 that may be written to.
pub unsafe fn report(taken: Result<Batch, NotTaken>, count: *mut u32) -> Answer<usize> {
    let (answer, number) = match taken {
        Ok(batch) => (Ok(batch.bytes), batch.records),
        Err(error) => {
            let (code, size) = not_taken(error);
            (Err(code), size)
        }
    };
    if !count.is_null() {
        // SAFETY: the caller's promise.
        unsafe { count.write(u32::try_from(number).unwrap_or(u32::MAX)) };
    }
    answer
}
