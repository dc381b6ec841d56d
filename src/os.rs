//! What the library asks of the operating system that has no safe wrapper: fork, exit, threads, environment, local time.
#![allow(unsafe_code)] // besides `ffi`, the only room that may

pub mod fork_guard;
pub mod local_time;
pub mod lock;

use std::cell::Cell;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use self::lock::Mutex;
use rustix::event::epoll::EventFlags;

/// How many forks lie between this process and the one that started the library's first thread.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Sees to it that a forked child counts its fork. The library calls this before it starts its first thread.
///
/// A child has none of its parent's threads, and its parent's locks may be held by threads that do not exist in it. So
/// nothing of the parent's is touched there: each [`PerProcess`] begins anew. Threads come with the first connect: a
/// program that creates its clients, then becomes a daemon, then connects, keeps them.
pub fn watch_for_fork() {
    extern "C" fn in_child() {
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: a function without arguments that only adds to an atomic, which is allowed after fork. Should there
        // be no memory to register it, a forked child is not protected, as with the original.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

/// Returns how many forks lie between this process and the one that started the library's first thread.
pub fn forks() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Returns a number that is another one in a forked child than in its parent, from the first call on. Unlike [`forks`] it also
/// tells those apart that were forked before the library had a thread, and that go on with their parent's clients.
pub fn process_number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    extern "C" fn in_child() {
        NUMBER.fetch_add(1, Ordering::Relaxed);
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: a function without arguments that only adds to an atomic, which is allowed after fork. Should there be no
        // memory to register it, a forked child is not told from its parent.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
    NUMBER.load(Ordering::Relaxed)
}

/// A static value of which each process has its own: after a fork the child makes a new one and leaves its parent's alone.
///
/// Instances are never freed, so the references live as long as the process.
pub struct PerProcess<T: 'static> {
    current: AtomicPtr<Instance<T>>,
    make: fn(previous: Option<&'static T>) -> T,
}

struct Instance<T> {
    forks: u32,
    value: T,
}

impl<T: Send + Sync> PerProcess<T> {
    /// Makes a value that `make` makes when it is first needed. In a child `make` is given the parent's value, whose locks
    /// may be held by threads that do not exist: it may only try to take them.
    pub const fn new(make: fn(previous: Option<&'static T>) -> T) -> Self {
        Self {
            current: AtomicPtr::new(std::ptr::null_mut()),
            make,
        }
    }

    /// Returns this process's value.
    #[inline]
    pub fn get(&self) -> &'static T {
        let current = self.current.load(Ordering::Acquire);
        // SAFETY: NULL, or a box that was leaked below and is never freed.
        match unsafe { current.as_ref() } {
            Some(instance) if instance.forks == forks() => &instance.value,
            previous => self.renew(current, previous),
        }
    }

    #[cold]
    fn renew(
        &self,
        current: *mut Instance<T>,
        previous: Option<&'static Instance<T>>,
    ) -> &'static T {
        let made = Box::into_raw(Box::new(Instance {
            forks: forks(),
            value: (self.make)(previous.map(|instance| &instance.value)),
        }));
        let winner =
            match self
                .current
                .compare_exchange(current, made, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => made,
                Err(other) => {
                    // SAFETY: made above, and nobody else has seen it.
                    drop(unsafe { Box::from_raw(made) });
                    other
                }
            };
        // SAFETY: a leaked box: this call's, or that of the thread that was faster.
        unsafe { &(*winner).value }
    }
}

/// What [`at_exit`] was given, in that order.
static EXIT_HOOKS: PerProcess<Mutex<Hooks>> = PerProcess::new(|_| Mutex::default());

type Hooks = Vec<fn()>;

/// Runs `hook` when the process exits, after the hooks given before it. A hook given twice runs once. A forked child runs
/// only the hooks that were given in it: what the others look after is its parent's.
pub fn at_exit(hook: fn()) {
    extern "C" fn run() {
        let hooks = std::mem::take(&mut *EXIT_HOOKS.get().lock());
        for hook in hooks {
            // There is nobody left to be told of a panic.
            let _ = std::panic::catch_unwind(hook);
        }
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: a function without arguments that does not unwind. Should there be no room for it, the journal still
        // has everything.
        unsafe { libc::atexit(run) };
    });
    let mut hooks = EXIT_HOOKS.get().lock();
    if !hooks.iter().any(|known| std::ptr::fn_addr_eq(*known, hook)) {
        hooks.push(hook);
    }
}

#[cfg(test)]
thread_local! {
    static THREADS_REFUSED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Has the system give the calling thread no further threads, as one does that has too many; or ends that.
#[cfg(test)]
pub fn refuse_threads(refused: bool) {
    THREADS_REFUSED.set(refused);
}

/// Starts a thread of the library's own, with all signals blocked that another thread could handle: they are the program's
/// affair, whose handlers may expect to run on its own threads.
pub fn spawn(
    name: &str,
    stack: Option<usize>,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    #[cfg(test)]
    if THREADS_REFUSED.get() {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    let mut builder = std::thread::Builder::new().name(name.to_owned());
    if let Some(stack) = stack {
        builder = builder.stack_size(stack);
    }
    let _blocked = SignalsBlocked::new();
    builder.spawn(body).map(drop)
}

/// Signals that the kernel sends to the thread that caused them: blocked, they end the process without asking its handlers.
const OWN_SIGNALS: [libc::c_int; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGSYS,
];

/// All other signals are blocked on this thread while it exists; a thread that is started meanwhile inherits that.
struct SignalsBlocked(libc::sigset_t);

impl SignalsBlocked {
    fn new() -> Self {
        // SAFETY: a signal set is plain data for which all zeroes is a value, and each pointer is to a local one.
        // pthread_sigmask fails only for an unknown `how`.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            let mut before: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            for own in OWN_SIGNALS {
                libc::sigdelset(&raw mut all, own);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self(before)
        }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: the set that pthread_sigmask gave; no old one is asked for.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut());
        }
    }
}

/// Waits for one event of an epoll instance, at most `timeout`. Returns the event's data and flags, none when the time has
/// passed.
///
/// The C library's `epoll_wait`: rustix calls `epoll_pwait` without a signal mask and leaves that mask's size undefined, which
/// the kernel does not mind and memcheck reports in every program.
pub fn epoll_wait(
    epoll: BorrowedFd<'_>,
    timeout: Option<Duration>,
) -> io::Result<Option<(u64, EventFlags)>> {
    let timeout = timeout.map_or(-1, |timeout| {
        libc::c_int::try_from(timeout.as_millis()).unwrap_or(libc::c_int::MAX)
    });
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    // SAFETY: a descriptor that is open for the call's time, and room for the one event that is asked for.
    let count = unsafe { libc::epoll_wait(epoll.as_raw_fd(), &raw mut event, 1, timeout) };
    match count {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(None),
        _ => Ok(Some((
            event.u64,
            EventFlags::from_bits_retain(event.events),
        ))),
    }
}

// glibc and musl have both; the libc crate has neither.
unsafe extern "C" {
    fn pthread_setcancelstate(state: libc::c_int, old: *mut libc::c_int) -> libc::c_int;
    fn secure_getenv(name: *const libc::c_char) -> *mut libc::c_char;
}

/// glibc's and musl's `PTHREAD_CANCEL_DISABLE`.
const CANCEL_DISABLE: libc::c_int = 1;

/// The calling thread cannot be cancelled (`pthread_cancel`) while this exists: a cancellation in the middle of a call would
/// unwind through Rust frames, which ends the process, and would leave locks taken.
pub struct Uncancellable {
    before: libc::c_int,
    /// The state is the thread's: the guard must not go to another one.
    _not_send: std::marker::PhantomData<*const ()>,
}

impl Uncancellable {
    /// Postpones cancellations of the calling thread.
    #[allow(clippy::new_without_default, reason = "a guard is made on purpose")]
    pub fn new() -> Self {
        let mut before = 0;
        // SAFETY: a valid state, and a local to write the old one to.
        unsafe { pthread_setcancelstate(CANCEL_DISABLE, &raw mut before) };
        Self {
            before,
            _not_send: std::marker::PhantomData,
        }
    }
}

impl Drop for Uncancellable {
    fn drop(&mut self) {
        if self.before != CANCEL_DISABLE {
            let mut ignored = 0;
            // SAFETY: a state that the function itself gave, and a local to write to.
            unsafe { pthread_setcancelstate(self.before, &raw mut ignored) };
        }
    }
}

/// Returns an environment variable, but nothing in a program that runs with more rights than its user (setuid, setgid, file
/// capabilities): there the environment is the attacker's.
pub fn environment(name: &str) -> Option<OsString> {
    let name = std::ffi::CString::new(name).ok()?;
    // SAFETY: a NUL-terminated name. The result is copied at once; a program that changes its environment at that moment,
    // on another thread, breaks the rule that getenv has for it.
    unsafe {
        let value = secure_getenv(name.as_ptr());
        (!value.is_null())
            .then(|| OsString::from_vec(std::ffi::CStr::from_ptr(value).to_bytes().to_vec()))
    }
}

/// Names a thread among all that the process has, those that have ended too. The standard library's identifier allocates for each
/// thread of the program's that asks, and tools that look for leaks find that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadId(u64);

impl ThreadId {
    /// Returns the calling thread's.
    pub fn current() -> Self {
        thread_local! {
            static OWN: Cell<u64> = const { Cell::new(0) };
        }
        static LAST: AtomicU64 = AtomicU64::new(0);
        let own = OWN.get();
        if own > 0 {
            return Self(own);
        }
        let new = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        OWN.set(new);
        Self(new)
    }
}

/// Returns the calling thread's `pthread_t`: how the trace, like the original's, names a thread.
pub fn thread_number() -> u64 {
    // SAFETY: pthread_self has no precondition.
    unsafe { libc::pthread_self() }
}

/// Returns how many bytes that were written to a socket the peer's system has not acknowledged (`SIOCOUTQ`); 0 where the
/// system does not say.
pub fn unacknowledged(socket: std::os::fd::BorrowedFd<'_>) -> usize {
    use std::os::fd::AsRawFd;
    let mut bytes: libc::c_int = 0;
    // SAFETY: the descriptor is open for as long as it is borrowed; SIOCOUTQ, which has TIOCOUTQ's number, writes one int to
    // where the third argument points.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if result == 0 {
        usize::try_from(bytes).unwrap_or(0)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_process_makes_a_value_of_its_own_once() {
        static VALUE: PerProcess<AtomicU32> =
            PerProcess::new(|previous| AtomicU32::new(u32::from(previous.is_some())));
        VALUE.get().fetch_add(10, Ordering::Relaxed);
        assert_eq!(VALUE.get().load(Ordering::Relaxed), 10);
    }

    #[test]
    fn unacknowledged_bytes_are_told_and_become_fewer_when_the_peer_reads() {
        use std::io::{Read as _, Write as _};
        use std::os::fd::AsFd as _;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut ours = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        ours.set_nonblocking(true).unwrap();
        let chunk = vec![0; 1 << 20];
        while ours.write(&chunk).is_ok() {}
        let full = unacknowledged(ours.as_fd());
        assert!(full > 0);
        // What the peer's buffer took is acknowledged; the rest is when there is room for it.
        peer.set_read_timeout(Some(Duration::from_millis(200)))
            .unwrap();
        let mut sink = vec![0; 1 << 20];
        while peer.read(&mut sink).is_ok() {}
        assert!(unacknowledged(ours.as_fd()) < full);
        let file = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(unacknowledged(file.as_fd()), 0);
    }

    #[test]
    fn threads_of_the_library_block_signals_and_the_caller_does_not() {
        fn blocked() -> bool {
            // SAFETY: plain data, and pointers to locals.
            unsafe {
                let mut set: libc::sigset_t = std::mem::zeroed();
                libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut set);
                libc::sigismember(&raw const set, libc::SIGTERM) == 1
            }
        }
        let (tell, told) = std::sync::mpsc::channel();
        spawn("signals", None, move || tell.send(blocked()).unwrap()).unwrap();
        assert!(told.recv().unwrap());
        assert!(!blocked());
    }

    #[test]
    fn a_thread_keeps_its_identifier_and_shares_it_with_none() {
        let own = ThreadId::current();
        assert_eq!(own, ThreadId::current());
        let others = [(); 2].map(|()| std::thread::spawn(ThreadId::current).join().unwrap());
        assert!(others[0] != others[1] && !others.contains(&own));
    }

    #[test]
    fn the_environment_is_read() {
        assert_eq!(environment("PATH"), std::env::var_os("PATH"));
        assert_eq!(environment("no such variable"), None);
        assert_eq!(environment("a\0b"), None);
    }
}
