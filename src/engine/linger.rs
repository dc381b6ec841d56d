//! Connections that this side has ended, until the server ends its own.
//!
//! A socket that is closed with bytes unread, or that gets some afterwards, answers with a reset; upon which servers fail to
//! send their acknowledgement, and read no further: the last messages would be lost with it. So only this side is ended, and
//! what comes is thrown away until the server ends the other.
//!
//! The same messages would be lost if the process ended in that time, or if the client connected again: a server lets the new
//! connection take over before it has read the rest of the old one. So the end of the process and the client's next connect
//! both wait for it, for a moment. They wait only where the server was told: one that has gone silent will say nothing more.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use crate::transport::{Input, Link};

use super::runtime::runtime;

/// A server that does not care to close is none to wait for.
const GRACE: Duration = Duration::from_secs(1);

/// Connections whose end was announced, by the client's identifier, each with a number of its own.
static ENDING: Mutex<Vec<(u64, Arc<str>)>> = Mutex::new(Vec::new());
/// For the end of the process.
static ENDED: Condvar = Condvar::new();
/// For connects.
static ENDED_TASKS: Notify = Notify::const_new();

/// An entry of the list, which goes when this is dropped.
struct Ending(u64);

impl Ending {
    fn new(client: &Arc<str>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        ENDING.lock().push((number, Arc::clone(client)));
        Self(number)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let mut ending = ENDING.lock();
        ending.retain(|(number, _)| *number != self.0);
        if ending.is_empty() {
            *ending = Vec::new();
        }
        ENDED.notify_all();
        ENDED_TASKS.notify_waiters();
    }
}

/// Closes a connection so that what was written still arrives; `client` whose it is where the server has been told.
pub(super) fn close(link: &Arc<Link>, client: Option<&Arc<str>>) {
    let mut scratch = [0; 4096];
    for _ in 0..256 {
        match link.read(&mut scratch) {
            Ok(Input::Bytes(_) | Input::Again) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Ok(Input::End) | Err(_) => return link.shutdown(),
        }
    }
    link.end_writing();
    let ending = client.map(Ending::new);
    match runtime() {
        Ok(runtime) => drop(runtime.spawn(linger(Arc::clone(link), ending))),
        Err(_) => link.shutdown(),
    }
}

/// Waits for the server's end of a connection, for a while.
async fn linger(link: Arc<Link>, ending: Option<Ending>) {
    if let Ok(readiness) = link.readiness() {
        let rest = async {
            // The buffer is not kept while it waits: many connections may be ending at once.
            let mut read = || link.read(&mut [0; 4096]);
            while readiness.read(&mut read).await.is_ok_and(|n| n > 0) {
                // A server that sends without end must not hold up the clock, nor other tasks.
                tokio::task::yield_now().await;
            }
        };
        let _ = tokio::time::timeout(GRACE, rest).await;
    }
    link.shutdown();
    drop(ending);
}

/// Before a connect: waits for the ends of the client's earlier connections. None is later than [`GRACE`] after its beginning.
pub(super) async fn earlier_ones(client: &str) {
    loop {
        let ended = ENDED_TASKS.notified();
        // The server gives each nameless client a name of its own.
        if client.is_empty() || !ENDING.lock().iter().any(|(_, of)| **of == *client) {
            return;
        }
        ended.await;
    }
}

/// Sees to it that the process ends in order: a program may end right after it has disconnected, when the server has not
/// read everything yet, and without destroying its clients, whose stores then get the files that the original looks for.
/// To be called before there are connections or stores.
pub fn watch_for_exit() {
    crate::os::at_exit(wait_for_ends);
    crate::os::at_exit(crate::persistence::file::settle_all);
}

/// Before the end of the process: waits for the ends of all connections.
fn wait_for_ends() {
    let deadline = Instant::now() + GRACE;
    let mut ending = ENDING.lock();
    while !ending.is_empty() && !ENDED.wait_until(&mut ending, deadline).timed_out() {}
}
