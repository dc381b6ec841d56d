//! The default store: files as the original library writes them, so that either resumes what the other left.
//!
//! # On the disk
//! `<directory>/<client id>-<server>/<key>.msg` (see [`naming`]), one record a file. A record's file appears under its name
//! when it is complete. What we add is in sub-directories, which the original does not look into: `.paho-oxide` (journal,
//! temporary file; gone when the store is closed) and `corrupt` (records that nobody could read).
//!
//! # Why there is a journal
//! A file a message is what the format asks for and more than a file system can do at our speed. Measured for one put and one
//! remove of a 120-byte record with 100 in flight, on ext4 and tmpfs of a two-core virtual machine:
//!
//! | way | ext4 | tmpfs |
//! |---|---|---|
//! | open, write, close; unlink (the original's) | 80–150 µs | 12.5 µs |
//! | temporary name, rename; unlink | 110–140 µs | 17 µs |
//! | `O_TMPFILE`, linkat; unlink | 150–160 µs | 17.5 µs |
//! | renaming files back and forth instead of creating them | 30 µs | 11 µs |
//! | write at the end of one open file | 0.65 µs | 0.57 µs |
//!
//! So a put is one write to a journal. That is in the page cache, which a killed process cannot take back. Most messages are
//! acknowledged and gone before anything more happens to them; a background thread gives the others their files: all of them
//! once nothing was put or removed for 10 ms, the ones older than 100 ms even during a burst. Closing the store gives every
//! record its file.
//! Only after a kill, then, may the last few records be in the journal alone, where this library finds them and the original
//! does not; nothing that has a file goes back to the journal, so what the original sees is never inconsistent.
//!
//! # When it is safe
//! - When `put` returns, against the end of the process in any way.
//! - Against power failure, one round of the background thread later (5 ms, or five times what the disk takes): the background thread syncs the journal all the time that
//!   it holds records without files, and lets go of it only when their files are synced. [`Store::sync`] waits for it.
//!   A sync per put would allow some 300 messages a second here.
//!
//! # Threads and locks
//! One mutex a store; one background thread for all of them, which holds it for a file at a time and never
//! during a sync. The lock on the directory ends with the process, however it ends and whatever children it leaves
//! ([`lock`]).

mod deferred_removals;
mod directory;
mod files;
mod folder;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod journal;
mod keeper;
mod lock;
mod named;
mod naming;
mod state;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::os::lock::Mutex;

use super::{Notice, RecordKey, Store, StoreError};
use crate::os::{self, PerProcess};
use directory::Directory;
pub use named::{NamedStore, Naming};
pub use naming::without_scheme;
use state::State;

/// What the background thread shares with a store.
struct Shared {
    /// `None` once the store is closed.
    state: Mutex<Option<State>>,
    /// What [`os::process_number`] said when this process took the store.
    owner: AtomicU32,
    /// Held during a sync.
    syncing: Mutex<()>,
    /// Whether the background thread knows that there is something to do. Changed under the state's lock only.
    watched: AtomicBool,
    /// When giving a record its file last failed.
    failed: Mutex<Option<Instant>>,
}

impl Shared {
    /// Returns when the disk has everything put so far: the journal always, records' files if `files`.
    fn sync(&self, files: bool) -> io::Result<()> {
        // One after the other: who comes second must not return before what the first took with it is on the disk.
        let _turn = self.syncing.lock();
        let Some(sync) = self
            .state
            .lock()
            .as_mut()
            .map(|state| state.take_unsynced(files))
        else {
            return Ok(());
        };
        let (journal, files) = (sync.sync_journal(), sync.sync_files());
        if let Some(state) = self.state.lock().as_mut() {
            state.was_synced(sync, journal.is_ok(), files.is_ok());
        }
        journal.and(files)
    }

    /// Acts on the state while no sync is under way. Who ends the journal has to: the files that a sync has taken with it are
    /// neither in the state's list any more nor on the disk yet.
    fn between_syncs<R>(&self, act: impl FnOnce(&mut Option<State>) -> R) -> R {
        let _turn = self.syncing.lock();
        act(&mut self.state.lock())
    }

    /// Returns true if this process opened it: a forked child must not touch what is still its parent's.
    fn is_ours(&self) -> bool {
        self.owner.load(Ordering::Relaxed) == os::process_number()
    }

    /// Takes the store over in a forked child, if its parent has ended: a program that creates its clients and then becomes a
    /// daemon goes on with them.
    fn take_over(&self, state: &mut State) -> Result<(), StoreError> {
        if !self.is_ours() {
            state.take_over()?;
            self.watched.store(false, Ordering::Relaxed);
            self.owner.store(os::process_number(), Ordering::Relaxed);
        }
        Ok(())
    }

    fn failed_since(&self, now: Instant, patience: Duration) -> bool {
        self.failed
            .lock()
            .is_some_and(|failed| now.saturating_duration_since(failed) < patience)
    }
}

/// The default store of one client.
pub struct FileStore {
    shared: Arc<Shared>,
}

/// All open stores, for `settle_all`.
static OPEN: PerProcess<Mutex<Vec<Weak<Shared>>>> = PerProcess::new(|_| Mutex::default());

impl FileStore {
    /// Opens, or creates, a client's store below `directory` (the working directory if `None`).
    ///
    /// # Errors
    /// `InUse` if any process, this one included, has it open; `Io` if it cannot be created, listed or read.
    pub fn open(
        directory: Option<&str>,
        client_id: &str,
        server_uri: &str,
    ) -> Result<Self, StoreError> {
        if client_id.is_empty() {
            // As the original: every nameless client would share one store.
            return Err(StoreError::NoClientId);
        }
        let base = directory.filter(|path| !path.is_empty()).unwrap_or(".");
        let name = naming::directory_name(client_id, server_uri);
        Self::open_folder(Path::new(base), &name)
    }

    /// Opens, or creates, a store whose files a Go client reads and writes, in a directory of its own. `v5` is the version of
    /// the client, and of the packets in the files.
    ///
    /// # Errors
    /// As [`open`](Self::open), and `Io` (`InvalidInput`) for a naming that cannot tell its files apart.
    pub fn open_named(directory: &str, naming: Naming, v5: bool) -> Result<NamedStore, StoreError> {
        NamedStore::open(directory, naming, v5)
    }

    fn open_folder(base: &Path, name: &str) -> Result<Self, StoreError> {
        let state = State::new(Directory::open(base, name)?)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(Some(state)),
            owner: AtomicU32::new(os::process_number()),
            syncing: Mutex::new(()),
            watched: AtomicBool::new(false),
            failed: Mutex::new(None),
        });
        let mut open = OPEN.get().lock();
        open.retain(|store| store.strong_count() > 0);
        open.push(Arc::downgrade(&shared));
        drop(open);
        let store = Self { shared };
        if !store.with(|state| state.is_settled()) {
            // Records that a killed process left in the journal get their files.
            store.with_watched(|_| Ok(()))?;
        }
        Ok(store)
    }

    /// Returns true if this process opened the store.
    fn is_ours(&self) -> bool {
        self.shared.is_ours()
    }

    fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        act(self
            .shared
            .state
            .lock()
            .as_mut()
            .expect("open until it is dropped"))
    }

    /// The same for what gives the background thread something to do.
    fn with_watched<R>(
        &self,
        act: impl FnOnce(&mut State) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let mut guard = self.shared.state.lock();
        let state = guard.as_mut().expect("open until it is dropped");
        self.shared.take_over(state)?;
        let result = act(state);
        if !self.shared.watched.swap(true, Ordering::Relaxed) {
            let watched = keeper::watch(Arc::clone(&self.shared));
            self.shared.watched.store(watched, Ordering::Relaxed);
        }
        result
    }
}

impl Store for FileStore {
    fn put(&mut self, key: RecordKey, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.with_watched(|state| state.put(key, parts))
    }

    fn get(&mut self, key: RecordKey) -> Result<Vec<u8>, StoreError> {
        self.with(|state| state.get(key))
    }

    fn remove(&mut self, key: RecordKey) -> Result<(), StoreError> {
        self.with_watched(|state| state.remove(key))
    }

    fn keys(&mut self) -> Result<Vec<RecordKey>, StoreError> {
        Ok(self.with(|state| state.keys()))
    }

    fn contains(&mut self, key: RecordKey) -> bool {
        self.with(|state| state.contains(key))
    }

    fn replace(
        &mut self,
        old: RecordKey,
        new: RecordKey,
        parts: &[&[u8]],
    ) -> Result<(), StoreError> {
        self.with_watched(|state| state.replace(old, new, parts))
    }

    fn put_both(
        &mut self,
        first: RecordKey,
        first_parts: &[&[u8]],
        second: RecordKey,
        second_parts: &[&[u8]],
    ) -> Result<(), StoreError> {
        self.with_watched(|state| state.put_both((first, first_parts), (second, second_parts)))
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.with(State::write_removals);
        self.shared
            .sync(true)
            .map_err(StoreError::io("syncing the store"))
    }

    fn forget_all(&mut self, keys: &[RecordKey]) {
        let _ = self.with_watched(|state| {
            state.forget_all(keys);
            Ok(())
        });
    }

    fn has_file(&mut self, key: RecordKey) -> bool {
        self.with(|state| state.has_file(key))
    }

    fn age(&mut self, key: RecordKey) -> Option<Duration> {
        self.with(|state| state.age(key))
    }

    fn set_aside(&mut self, key: RecordKey) -> Result<bool, StoreError> {
        self.with_watched(|state| state.set_aside(key).map(|()| true))
    }

    fn notices(&mut self) -> Vec<Notice> {
        self.with(|state| std::mem::take(&mut state.notices))
    }
}

impl Drop for FileStore {
    fn drop(&mut self) {
        if !self.shared.is_ours() {
            return;
        }
        self.shared.between_syncs(|state| {
            if let Some(state) = state.take() {
                state.close();
            }
        });
    }
}

/// Gives every record of every open store its own file, for a process that ends without closing them.
///
/// Meant for `atexit`: a program that calls `exit` without destroying its clients then leaves stores that the original library
/// sees whole.
pub fn settle_all() {
    let open: Vec<_> = OPEN.get().lock().iter().filter_map(Weak::upgrade).collect();
    for shared in open.into_iter().filter(|shared| shared.is_ours()) {
        shared.between_syncs(|state| {
            if let Some(state) = state {
                // What fails stays in the journal.
                let _ = state.settle_all();
            }
        });
    }
}
