//! Callbacks for messages by their topics.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use libc::{c_char, c_void};

use crate::ffi::memory;
use crate::ffi::read::Context;
use crate::ffi::received::Received;
use crate::os::ThreadId;
use crate::os::lock::{Condvar, Mutex, MutexGuard};
use crate::protocol::topic;

/// The program's function.
pub type Callback = unsafe extern "C" fn(*mut c_void, *const c_char, u32, *mut c_void);

/// A route.
struct Route {
    /// Routes are run in the order of their numbers.
    number: u64,
    filter: Box<[u8]>,
    callback: Callback,
    context: Context,
}

/// The routes of a client.
#[derive(Default)]
pub struct Routes {
    /// There are routes. Asked for each message, which is not to cost one that has none a lock.
    any: AtomicBool,
    /// Made with the first route: most clients have none, and there may be thousands of them.
    inner: OnceLock<Box<Inner>>,
}

#[derive(Default)]
struct Inner {
    table: Mutex<Table>,
    /// A callback has ended for whose end somebody waits.
    ended: Condvar,
}

#[derive(Default)]
struct Table {
    last: u64,
    /// Those without a wildcard, which match one topic.
    exact: HashMap<Box<[u8]>, Arc<Route>>,
    /// The others.
    wild: Vec<Arc<Route>>,
    /// The route whose callback runs, and the thread: messages of a client come one at a time.
    running: Option<(u64, ThreadId)>,
    waiters: u32,
    /// The client is destroyed.
    closed: bool,
}

impl Table {
    fn take(&mut self, filter: &[u8]) -> Option<Arc<Route>> {
        if !topic::has_wildcard(filter) {
            return self.exact.remove(filter);
        }
        let at = self
            .wild
            .iter()
            .position(|route| *route.filter == *filter)?;
        Some(self.wild.remove(at))
    }

    fn put(&mut self, route: Arc<Route>) {
        if topic::has_wildcard(&route.filter) {
            self.wild.push(route);
        } else {
            self.exact.insert(route.filter.clone(), route);
        }
    }

    fn has(&self, route: &Arc<Route>) -> bool {
        let exact = self.exact.get(&route.filter);
        exact.is_some_and(|known| Arc::ptr_eq(known, route))
            || self.wild.iter().any(|known| Arc::ptr_eq(known, route))
    }

    fn matching(&self, topic: &[u8]) -> Vec<Arc<Route>> {
        let wild = self.wild.iter();
        let mut matching: Vec<_> = wild
            .filter(|route| topic::matches(&route.filter, topic))
            .chain(self.exact.get(topic))
            .cloned()
            .collect();
        matching.sort_unstable_by_key(|route| route.number);
        matching
    }

    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.wild.is_empty()
    }
}

impl Routes {
    /// Adds a route, in place of one with the same filter.
    pub fn add(&self, filter: &[u8], callback: Callback, context: *mut c_void) {
        let inner = self.inner.get_or_init(Box::default);
        let mut table = inner.table.lock();
        let old = table.take(filter);
        table.last += 1;
        let route = Route {
            number: table.last,
            filter: filter.into(),
            callback,
            context: Context(context),
        };
        table.put(Arc::new(route));
        self.any.store(true, Ordering::Relaxed);
        inner.wait_for(old.as_deref(), table);
    }

    /// Removes the route with that filter. Returns false if there is none.
    pub fn remove(&self, filter: &[u8]) -> bool {
        let Some(inner) = self.inner.get() else {
            return false;
        };
        let mut table = inner.table.lock();
        let old = table.take(filter);
        self.any.store(!table.is_empty(), Ordering::Relaxed);
        inner.wait_for(old.as_deref(), table);
        old.is_some()
    }

    /// The client is destroyed: no callback runs any more. One that destroys it is the last.
    pub fn close(&self) {
        let Some(inner) = self.inner.get() else {
            return;
        };
        let mut table = inner.table.lock();
        table.closed = true;
        table.exact = HashMap::new();
        table.wild = Vec::new();
        self.any.store(false, Ordering::Relaxed);
    }

    /// Runs the callbacks of the routes that match a message. Returns false if none has run, and the client is not destroyed.
    #[inline]
    pub fn deliver(&self, message: &Received) -> bool {
        self.any.load(Ordering::Relaxed)
            && self.inner.get().is_some_and(|inner| inner.deliver(message))
    }
}

impl Inner {
    /// Waits until no other thread is inside the callback of a route that has been taken out.
    fn wait_for(&self, old: Option<&Route>, mut table: MutexGuard<'_, Table>) {
        let Some(old) = old else {
            return;
        };
        let this = ThreadId::current();
        while table
            .running
            .is_some_and(|(number, thread)| number == old.number && thread != this)
        {
            table.waiters += 1;
            self.ended.wait(&mut table);
            table.waiters -= 1;
        }
    }

    fn deliver(&self, message: &Received) -> bool {
        let (topic, len, contents) = message.parts();
        // SAFETY: the topic's block has that many bytes, and is not changed before the message goes.
        let bytes = unsafe { memory::bytes(topic.cast(), len) };
        let matching = self.table.lock().matching(bytes);
        let this = ThreadId::current();
        let mut delivered = false;
        for route in matching {
            let mut table = self.table.lock();
            if table.closed {
                return true;
            }
            // One that ran before may have removed it.
            if !table.has(&route) {
                continue;
            }
            table.running = Some((route.number, this));
            drop(table);
            // SAFETY: the program's callback; topic and message outlive the call.
            unsafe {
                (route.callback)(
                    route.context.0,
                    topic,
                    u32::try_from(len).unwrap_or(0),
                    contents.cast(),
                );
            }
            delivered = true;
            let mut table = self.table.lock();
            table.running = None;
            if table.waiters > 0 {
                self.ended.notify_all();
            }
        }
        delivered
    }
}
