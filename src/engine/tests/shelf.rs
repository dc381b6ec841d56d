//! A program's own store.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::os::lock::Mutex;
use crate::persistence::{RecordKey, Store, StoreError};

/// What the store holds, and whether it answers.
#[derive(Default)]
pub struct Shelf {
    pub records: BTreeMap<RecordKey, Vec<u8>>,
    /// It writes nothing and gives nothing out for now.
    pub refuses: bool,
    /// A PUBREL's record may be there without its message's.
    pub pubrels_alone: bool,
    /// It removes nothing for now, and remembers what.
    pub keeps: bool,
    pub kept: Vec<RecordKey>,
}

/// A store on a shelf, which outlives the clients that use it one after the other.
#[derive(Clone, Default)]
pub struct Kept(pub Arc<Mutex<Shelf>>);

impl Kept {
    fn open(&self) -> Result<(), StoreError> {
        if self.0.lock().refuses {
            return Err(StoreError::Program(-2));
        }
        Ok(())
    }
}

impl Store for Kept {
    fn put(&mut self, key: RecordKey, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.open()?;
        self.0.lock().records.insert(key, parts.concat());
        Ok(())
    }
    fn get(&mut self, key: RecordKey) -> Result<Vec<u8>, StoreError> {
        self.open()?;
        let found = self.0.lock().records.get(&key).cloned();
        found.ok_or(StoreError::NoRecord(key))
    }
    fn remove(&mut self, key: RecordKey) -> Result<(), StoreError> {
        let mut shelf = self.0.lock();
        if shelf.keeps {
            shelf.kept.push(key);
            return Err(StoreError::Program(-2));
        }
        let removed = shelf.records.remove(&key);
        removed.map(|_| ()).ok_or(StoreError::NoRecord(key))
    }
    fn keys(&mut self) -> Result<Vec<RecordKey>, StoreError> {
        Ok(self.0.lock().records.keys().copied().collect())
    }
    fn contains(&mut self, key: RecordKey) -> bool {
        self.0.lock().records.contains_key(&key)
    }
    fn pubrel_stands_alone(&mut self) -> bool {
        self.0.lock().pubrels_alone
    }
    fn is_tidy(&self) -> bool {
        self.0.lock().kept.is_empty()
    }
    fn tidy(&mut self) {
        let mut shelf = self.0.lock();
        if !shelf.keeps {
            for key in std::mem::take(&mut shelf.kept) {
                shelf.records.remove(&key);
            }
        }
    }
}
