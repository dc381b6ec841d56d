//! Stores of messages in flight, so that a session outlives its process.

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("{context}: {source}")]
    Io {
        /// What was being done.
        context: String,
        /// The refusal.
        source: std::io::Error,
    },
    /// Another process, or another client of this one, has the store open.
    #[error("store {0} is in use")]
    InUse(String),
    /// A program's own persistence function returned an error.
    #[error("the program's persistence function returned {0}")]
    Program(i32),
    /// No record of that key, or one that cannot be read.
    #[error("no usable record {0}")]
    NoRecord(String),
}

/// A store of one client's records, by key. Keys are the original's: `s-1`, `sc-1`, `r-1`, `c-1`, `q-1`, `s5-1`, …
///
/// Opening and closing are the constructor's and `Drop`'s business.
pub trait Store: Send {
    /// Writes a record, replacing the one of that key: all of it or nothing of it.
    fn put(&mut self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError>;
    /// Reads a record.
    fn get(&mut self, key: &str) -> Result<Vec<u8>, StoreError>;
    /// Removes a record; one that is not there is an error as in the original, which callers may ignore.
    fn remove(&mut self, key: &str) -> Result<(), StoreError>;
    /// All keys, in no particular order.
    fn keys(&mut self) -> Result<Vec<String>, StoreError>;
    /// Removes all records.
    fn clear(&mut self) -> Result<(), StoreError>;
    /// Whether there is a record of that key.
    fn contains(&mut self, key: &str) -> bool;
}
