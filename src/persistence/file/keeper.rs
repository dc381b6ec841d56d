//! The thread that looks after all stores of the process: syncs journals, gives records that stay their own files, and deletes
//! what is no longer needed. It runs while some store has something to look after.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::os::lock::{Condvar, Mutex, MutexGuard};

use super::super::Notice;
use super::Shared;
use super::state::State;
use crate::os::{self, PerProcess};

/// How often a busy store is looked after: the most that a power failure can take is what was put in that time and while the
/// sync before was running.
const PERIOD: Duration = Duration::from_millis(5);
/// A round is followed by a pause of so many times its length. Creating or deleting a file in a directory that the file system
/// is just writing to the disk waits for that write: with one sync after the other it would be one file a sync.
const REST: u32 = 4;
/// Nothing was put or removed for so long: the burst is over.
const QUIET: Duration = Duration::from_millis(10);
/// A record that waits so long for its completion gets its file even in the middle of a burst.
const OLD: Duration = Duration::from_millis(100);
/// Time that may go into files at once. In a burst it is time that the publisher waits.
const QUIET_BUDGET: Duration = Duration::from_millis(20);
const BUSY_BUDGET: Duration = Duration::from_micros(250);
/// Nothing was put or removed for so long: the journal is not worth keeping for the next put.
const LINGER: Duration = Duration::from_secs(1);
/// After a failure (a full disk, say) nothing is tried for so long.
const PATIENCE: Duration = Duration::from_secs(1);
/// Without a store to look after, the thread ends after so long.
const IDLE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Keeper {
    work: Mutex<Work>,
    call: Condvar,
}

#[derive(Default)]
struct Work {
    /// Stores that something was put into.
    new: Vec<Arc<Shared>>,
    /// The thread is running.
    running: bool,
}

static KEEPER: PerProcess<Keeper> = PerProcess::new(|_| Keeper::default());

/// Has a store looked after until it is at rest. Returns false if the system gives no thread: then records stay in the journal
/// until the store is closed or used again, which costs nothing but time.
pub(super) fn watch(store: Arc<Shared>) -> bool {
    // A forked child must not go on with a store whose lock this thread may hold.
    os::watch_for_fork();
    let keeper = KEEPER.get();
    let mut work = keeper.work.lock();
    if !work.running {
        work.new.clear();
        work.running = os::spawn("paho-store", None, keep).is_ok();
        if !work.running {
            return false;
        }
    }
    work.new.push(store);
    keeper.call.notify_one();
    true
}

fn keep() {
    let keeper = KEEPER.get();
    let mut active: Vec<Arc<Shared>> = Vec::new();
    loop {
        {
            let mut work = keeper.work.lock();
            if work.new.is_empty() && active.is_empty() {
                keeper.call.wait_for(&mut work, IDLE);
                if work.new.is_empty() {
                    work.running = false;
                    return;
                }
            }
            active.append(&mut work.new);
        }
        let start = Instant::now();
        active.retain(|store| look_after(store));
        if !active.is_empty() {
            std::thread::sleep(PERIOD.max(start.elapsed() * REST));
        }
    }
}

/// Makes one round for one store. Returns false when it needs no more of them.
fn look_after(shared: &Shared) -> bool {
    let now = Instant::now();
    let files = {
        let mut guard = shared.state.lock();
        let Some(state) = guard.as_mut() else {
            return false;
        };
        state.write_removals();
        let quiet = silence(state, now) >= QUIET;
        give_files(shared, &mut guard, now, quiet);
        remove_forgotten(&mut guard);
        let Some(state) = guard.as_mut() else {
            return false;
        };
        state.files_wait_for_sync(quiet)
    };
    let failure = if shared.failed_since(now, PATIENCE) {
        None
    } else {
        shared.sync(files).err()
    };
    let mut guard = shared.state.lock();
    let Some(state) = guard.as_mut() else {
        return false;
    };
    if let Some(error) = failure {
        hold(shared, state, now, &error);
    }
    if silence(state, Instant::now()) >= LINGER && state.rest() {
        shared.watched.store(false, Ordering::Relaxed);
        return false;
    }
    true
}

fn silence(state: &State, now: Instant) -> Duration {
    now.saturating_duration_since(state.last_change)
}

/// Reports that something failed, and waits a little.
fn hold(shared: &Shared, state: &mut State, now: Instant, error: &io::Error) {
    *shared.failed.lock() = Some(now);
    let notice = Notice::Held(error.to_string());
    // Nobody need be listening.
    if !state.notices.contains(&notice) {
        state.notices.push(notice);
    }
}

/// Removes files of forgotten records, letting others use the store between one and the next.
fn remove_forgotten(guard: &mut MutexGuard<'_, Option<State>>) {
    let start = Instant::now();
    while guard.as_mut().is_some_and(State::remove_forgotten) && start.elapsed() < QUIET_BUDGET {
        MutexGuard::bump(guard);
    }
}

/// Gives files to records that stay, letting others use the store between one and the next.
fn give_files(
    shared: &Shared,
    guard: &mut MutexGuard<'_, Option<State>>,
    now: Instant,
    quiet: bool,
) {
    if shared.failed_since(now, PATIENCE) {
        return;
    }
    let (age, budget) = if quiet {
        (QUIET, QUIET_BUDGET)
    } else {
        (OLD, BUSY_BUDGET)
    };
    loop {
        let Some(state) = guard.as_mut() else { return };
        let Some((key, since)) = state.longest_waiting() else {
            return;
        };
        if now.saturating_duration_since(since) < age {
            return;
        }
        if let Err(error) = state.give_file(key) {
            hold(shared, state, now, &error);
            return;
        }
        if now.elapsed() >= budget {
            return;
        }
        MutexGuard::bump(guard);
    }
}
