//! The end of a publish, as threads wait for it.

use std::time::{Duration, Instant};

use paho_oxide::os::lock::{Condvar, Mutex};

/// Set once, when the publish has ended.
#[derive(Debug, Default)]
pub struct Done {
    ended: Mutex<Option<bool>>,
    changed: Condvar,
}

impl Done {
    /// Says that the publish has ended: well, or never to be delivered.
    pub fn set(&self, well: bool) {
        let mut ended = self.ended.lock();
        if ended.is_none() {
            *ended = Some(well);
            self.changed.notify_all();
        }
    }

    /// Returns how the publish ended; nothing before that.
    pub fn get(&self) -> Option<bool> {
        *self.ended.lock()
    }

    /// Waits for the end, at most so long.
    pub fn wait(&self, timeout: Duration) -> Option<bool> {
        let deadline = Instant::now() + timeout;
        let mut ended = self.ended.lock();
        while ended.is_none() {
            if self.changed.wait_until(&mut ended, deadline).timed_out() {
                break;
            }
        }
        *ended
    }
}
