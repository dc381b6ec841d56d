//! No fork of the process catches a thread of the library's inside OpenSSL. The child would inherit the locks that the thread has
//! taken there, and in the C library below it, without the thread that gives them back: its own connects would wait for ever.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a fork waits for the threads inside. Their work takes milliseconds, but a token's driver may wait for its token, or a
/// function before forks of another library's may hold what they wait for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long somebody sleeps who waits. A lock with a queue has a state that the fork may catch in the middle of a change.
const NAP: Duration = Duration::from_micros(100);

/// Threads inside.
static INSIDE: AtomicU32 = AtomicU32::new(0);
/// Forks that are waiting or under way.
static FORKING: AtomicU32 = AtomicU32::new(0);
/// Those of the threads inside that fork themselves.
static INSIDE_FORKING: AtomicU32 = AtomicU32::new(0);
/// How often all threads inside were found to be forking. Each would wait for the others, which do not leave before they have forked.
static STALEMATES: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// This thread is one of those inside.
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Gives the place inside back when it ends, by a panic too.
struct Place;

impl Place {
    fn take() -> Self {
        watch();
        // A fork that has waited its time for others is under way for some milliseconds more.
        Self::take_within(2 * PATIENCE)
    }

    /// Waits so long at most for forks that are under way. One that takes longer hangs, in a function that somebody has run before
    /// forks: connects must not hang with it.
    fn take_within(patience: Duration) -> Self {
        let mut deadline = None;
        loop {
            INSIDE.fetch_add(1, Ordering::SeqCst);
            // Either this thread sees the fork, or the fork sees this thread.
            if FORKING.load(Ordering::SeqCst) == 0
                || Instant::now() > *deadline.get_or_insert_with(|| Instant::now() + patience)
            {
                break;
            }
            INSIDE.fetch_sub(1, Ordering::SeqCst);
            std::thread::sleep(NAP);
        }
        IS_INSIDE.set(true);
        Self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        IS_INSIDE.set(false);
        INSIDE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Runs work that no fork may catch in the middle. It is short: a fork waits for it.
pub fn between_forks<R>(work: impl FnOnce() -> R) -> R {
    let _place = (!IS_INSIDE.get()).then(Place::take);
    work()
}

/// Runs a function of the program's, perhaps from the middle of such work: it may take long, and may fork.
pub fn outside<R>(function: impl FnOnce() -> R) -> R {
    /// Takes the place again, after a panic too: whoever is below it gives it back.
    struct Again;
    impl Drop for Again {
        fn drop(&mut self) {
            std::mem::forget(Place::take());
        }
    }
    if !IS_INSIDE.get() {
        return function();
    }
    drop(Place);
    let _again = Again;
    function()
}

/// Has forks wait, from the first work on.
fn watch() {
    extern "C" fn before() {
        FORKING.fetch_add(1, Ordering::SeqCst);
        let is_inside = IS_INSIDE.get();
        let stalemates = STALEMATES.load(Ordering::SeqCst);
        INSIDE_FORKING.fetch_add(is_inside.into(), Ordering::SeqCst);
        let mut deadline = None;
        loop {
            let inside = INSIDE.load(Ordering::SeqCst);
            if inside == 0 {
                return;
            }
            if is_inside && STALEMATES.load(Ordering::SeqCst) != stalemates {
                return;
            }
            if is_inside && inside <= INSIDE_FORKING.load(Ordering::SeqCst) {
                STALEMATES.fetch_add(1, Ordering::SeqCst);
                return;
            }
            if Instant::now() > *deadline.get_or_insert_with(|| Instant::now() + PATIENCE) {
                return;
            }
            std::thread::sleep(NAP);
        }
    }
    extern "C" fn in_parent() {
        INSIDE_FORKING.fetch_sub(IS_INSIDE.get().into(), Ordering::SeqCst);
        FORKING.fetch_sub(1, Ordering::SeqCst);
    }
    extern "C" fn in_child() {
        // Its only thread is a copy of the one that forked.
        FORKING.store(0, Ordering::SeqCst);
        INSIDE_FORKING.store(0, Ordering::SeqCst);
        INSIDE.store(u32::from(IS_INSIDE.get()), Ordering::SeqCst);
    }
    // Nobody waits for whoever comes first: a fork meanwhile would leave the child waiting.
    static IS_SEEN_TO: AtomicBool = AtomicBool::new(false);
    if !IS_SEEN_TO.swap(true, Ordering::Relaxed) {
        // SAFETY: functions without arguments that count, and sleep; nothing of the program's is called. Should there be no memory to
        // register them, a child is not protected.
        unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Instant;

    use super::{FORKING, INSIDE, NAP, PATIENCE, Place, between_forks, outside};

    /// Forks. Returns what the child's work returned.
    fn in_child(work: impl FnOnce() -> bool) -> bool {
        let mut status = 0;
        // SAFETY: the child calls what may be called in one, and ends; a hang ends it by a signal.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::alarm(60);
                libc::_exit(i32::from(!work()));
            }
            libc::waitpid(child, &raw mut status, 0);
        }
        status == 0
    }

    fn wait_until(condition: impl Fn() -> bool) {
        while !condition() {
            thread::sleep(NAP);
        }
    }

    #[test]
    fn a_fork_waits_for_who_is_inside_and_who_comes_waits_for_the_fork() {
        let (entered, is_inside) = channel();
        let left = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                between_forks(|| {
                    entered.send(()).expect("somebody waits");
                    wait_until(|| FORKING.load(Ordering::SeqCst) > 0);
                    // Time for a fork that does not wait.
                    thread::sleep(500 * NAP);
                    left.store(true, Ordering::SeqCst);
                });
            });
            is_inside.recv().expect("it gets there");
            let child_works = || left.load(Ordering::SeqCst) && between_forks(|| true);
            assert!(in_child(child_works), "the fork did not wait");
        });
    }

    #[test]
    fn a_function_of_the_programs_is_outside() {
        between_forks(|| {
            let inside = INSIDE.load(Ordering::SeqCst);
            assert!(inside >= 1);
            assert!(outside(|| in_child(|| between_forks(|| true))));
            // Work within work is one place.
            between_forks(|| assert!(super::IS_INSIDE.get()));
            assert!(super::IS_INSIDE.get(), "again");
        });
        assert!(!super::IS_INSIDE.get());
        outside(|| ());
        assert!(!super::IS_INSIDE.get(), "it was nowhere inside before");
    }

    #[test]
    fn a_fork_that_hangs_is_not_waited_for_for_ever() {
        FORKING.fetch_add(1, Ordering::SeqCst);
        drop(Place::take_within(10 * NAP));
        FORKING.fetch_sub(1, Ordering::SeqCst);
        assert!(!super::IS_INSIDE.get());
    }

    #[test]
    fn who_is_inside_may_fork() {
        assert!(between_forks(|| in_child(
            || INSIDE.load(Ordering::SeqCst) == 1
        )));
    }

    #[test]
    fn two_who_fork_inside_do_not_wait_for_each_other() {
        let both = Barrier::new(2);
        let fork = || {
            between_forks(|| {
                both.wait();
                let began = Instant::now();
                let went_well = in_child(|| between_forks(|| true));
                let took = began.elapsed();
                // Until the other has forked, too. Only then may one fail, for whom the other would wait.
                both.wait();
                assert!(went_well);
                took
            })
        };
        let took = thread::scope(|scope| {
            let other = scope.spawn(fork);
            fork().max(other.join().expect("it forks"))
        });
        assert!(took < PATIENCE, "{took:?}");
    }

    #[test]
    fn a_panic_gives_the_place_back() {
        let panicked = std::panic::catch_unwind(|| {
            between_forks(|| outside(|| panic!("on purpose")));
        });
        assert!(panicked.is_err() && !super::IS_INSIDE.get());
        between_forks(|| assert!(super::IS_INSIDE.get()));
    }
}
