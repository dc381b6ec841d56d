//! A program's transformations of what goes into a store and comes out of it (`beforePersistenceWrite`, `afterPersistenceRead`).

use std::time::{Duration, SystemTime};

use super::{Notice, RecordKey, Store, StoreError};
use crate::os::Uncancellable;

/// Called with the buffers of a record about to be written; gives the buffers to write instead, or why there is none.
pub trait BeforeWrite: Send {
    /// Transforms the buffers. The count stays what it was.
    fn transform(&mut self, parts: &[&[u8]]) -> Result<Vec<Vec<u8>>, StoreError>;
}

/// Called with a record just read; gives the record to use instead, or why there is none.
pub trait AfterRead: Send {
    /// Transforms the record.
    fn transform(&mut self, record: Vec<u8>) -> Result<Vec<u8>, StoreError>;
}

/// A store with a program's transformations before it.
///
/// They can be set at any time, as in the C API: records are expected to have been written with the transformations that read
/// them.
pub struct Hooked {
    store: Box<dyn Store>,
    before: Option<Box<dyn BeforeWrite>>,
    after: Option<Box<dyn AfterRead>>,
}

impl Hooked {
    /// Makes hooks without a transformation.
    pub fn new(store: Box<dyn Store>) -> Self {
        Self {
            store,
            before: None,
            after: None,
        }
    }

    /// Sets or clears what happens before a write.
    pub fn set_before_write(&mut self, hook: Option<Box<dyn BeforeWrite>>) {
        self.before = hook;
    }

    /// Sets or clears what happens after a read.
    pub fn set_after_read(&mut self, hook: Option<Box<dyn AfterRead>>) {
        self.after = hook;
    }
}

/// Runs `write` with the buffers that `hook` makes of `parts`.
fn transformed<R>(
    hook: Option<&mut Box<dyn BeforeWrite>>,
    parts: &[&[u8]],
    write: impl FnOnce(&[&[u8]]) -> Result<R, StoreError>,
) -> Result<R, StoreError> {
    match hook {
        None => write(parts),
        Some(hook) => {
            let own = hook.transform(parts)?;
            let slices: Vec<&[u8]> = own.iter().map(Vec::as_slice).collect();
            write(&slices)
        }
    }
}

/// Files are written and the program's functions run here, on threads that the program may cancel.
impl Store for Hooked {
    fn put(&mut self, key: RecordKey, parts: &[&[u8]]) -> Result<(), StoreError> {
        let _call = Uncancellable::new();
        transformed(self.before.as_mut(), parts, |parts| {
            self.store.put(key, parts)
        })
    }

    fn get(&mut self, key: RecordKey) -> Result<Vec<u8>, StoreError> {
        let _call = Uncancellable::new();
        let record = self.store.get(key)?;
        match &mut self.after {
            None => Ok(record),
            Some(hook) => hook.transform(record),
        }
    }

    fn remove(&mut self, key: RecordKey) -> Result<(), StoreError> {
        let _call = Uncancellable::new();
        self.store.remove(key)
    }

    fn keys(&mut self) -> Result<Vec<RecordKey>, StoreError> {
        let _call = Uncancellable::new();
        self.store.keys()
    }

    fn contains(&mut self, key: RecordKey) -> bool {
        let _call = Uncancellable::new();
        self.store.contains(key)
    }

    fn replace(
        &mut self,
        old: RecordKey,
        new: RecordKey,
        parts: &[&[u8]],
    ) -> Result<(), StoreError> {
        let _call = Uncancellable::new();
        transformed(self.before.as_mut(), parts, |parts| {
            self.store.replace(old, new, parts)
        })
    }

    fn put_both(
        &mut self,
        first: RecordKey,
        first_parts: &[&[u8]],
        second: RecordKey,
        second_parts: &[&[u8]],
    ) -> Result<(), StoreError> {
        let _call = Uncancellable::new();
        let Some(hook) = &mut self.before else {
            return self
                .store
                .put_both(first, first_parts, second, second_parts);
        };
        let (one, two) = (hook.transform(first_parts)?, hook.transform(second_parts)?);
        let one: Vec<&[u8]> = one.iter().map(Vec::as_slice).collect();
        let two: Vec<&[u8]> = two.iter().map(Vec::as_slice).collect();
        self.store.put_both(first, &one, second, &two)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        let _call = Uncancellable::new();
        self.store.sync()
    }

    fn forget_all(&mut self, keys: &[RecordKey]) {
        let _call = Uncancellable::new();
        self.store.forget_all(keys);
    }

    fn has_file(&mut self, key: RecordKey) -> bool {
        let _call = Uncancellable::new();
        self.store.has_file(key)
    }

    fn sent(&mut self, key: RecordKey) -> Option<SystemTime> {
        self.store.sent(key)
    }

    fn age(&mut self, key: RecordKey) -> Option<Duration> {
        let _call = Uncancellable::new();
        self.store.age(key)
    }

    fn pubrel_stands_alone(&mut self) -> bool {
        self.store.pubrel_stands_alone()
    }

    fn set_aside(&mut self, key: RecordKey) -> Result<bool, StoreError> {
        let _call = Uncancellable::new();
        self.store.set_aside(key)
    }

    fn is_tidy(&self) -> bool {
        self.store.is_tidy()
    }

    fn tidy(&mut self) {
        let _call = Uncancellable::new();
        self.store.tidy();
    }

    fn notices(&mut self) -> Vec<Notice> {
        let _call = Uncancellable::new();
        self.store.notices()
    }
}
