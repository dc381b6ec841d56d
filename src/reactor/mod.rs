//! The threads that wait for sockets and timers, and run the programs' callbacks.
//!
//! All of them wait on one epoll instance, edge-triggered, so that the kernel wakes one thread an event and the thread
//! that was woken reads the socket, feeds the session and runs the callback itself: no hand-over between the packet's
//! arrival and the program. Before a thread enters a callback, which may take as long as it likes, it makes sure that
//! another one is left to wait. A slow callback therefore delays its own client's next callback and nothing else.

mod crew;
mod sync;

use std::cell::Cell;
#[cfg(test)]
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(test)]
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::os::lock::Mutex;
use once_cell::sync::{Lazy, OnceCell};
use rustix::event::epoll;
use rustix::event::{EventfdFlags, Timespec};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};

use self::crew::{Agenda, BASE_THREADS, Crew};
use crate::os::{self, PerProcess};
use crate::registry::{Key, Registry};

/// A thread above the base that found nothing to do for so long ends.
const SPARE_LIFETIME: Duration = Duration::from_secs(10);
/// Programs' callbacks run here, and expect the stack that the C library gives a thread by default.
pub const STACK: usize = 8 << 20;

/// Timers that need not be exact are set to multiples of this, so that those of many clients expire together: one
/// wake-up of a thread instead of one a client.
pub const TIMER_SLOT: Duration = Duration::from_millis(50);

/// Slots begin with each second.
const SLOT_NANOS: u32 = TIMER_SLOT.subsec_nanos();
const _: () = assert!(TIMER_SLOT.as_secs() == 0 && 1_000_000_000 % SLOT_NANOS == 0);

/// Returns the last slot that is not after `at`.
pub fn slot(at: Instant) -> Instant {
    static START: Lazy<Instant> = Lazy::new(Instant::now);
    let since = at.saturating_duration_since(*START);
    let early = Duration::from_nanos((since.subsec_nanos() % SLOT_NANOS).into());
    at.checked_sub(early).unwrap_or(at)
}

/// What happened to a socket.
#[derive(Clone, Copy, Debug)]
pub struct Readiness {
    /// There is something to read, the end of the stream included.
    pub readable: bool,
    /// There is room to write again.
    pub writable: bool,
    /// The peer has ended its side: read on to the end, no further event will tell.
    pub hangup: bool,
}

/// Something that waits for events.
pub trait Source: Send + Sync {
    /// Called when the socket's state has changed.
    fn ready(self: Arc<Self>, readiness: Readiness);
    /// Called when the timer has expired. Must not run callbacks: other expired timers wait behind it.
    fn expired(self: Arc<Self>);
    /// Called after it was [scheduled](Reactor::schedule).
    fn scheduled(self: Arc<Self>);
    /// Called when one of the functions above has panicked: a defect, which ends what this source does and nothing else.
    fn panicked(self: Arc<Self>);
}

/// The sources whose sockets the system does not watch for now: how often, and who is told each time.
#[cfg(test)]
static REFUSED: Mutex<BTreeMap<u64, (usize, mpsc::Sender<()>)>> = Mutex::new(BTreeMap::new());

/// Has the system refuse so many times to watch the source's socket, as it does where its user watches too many. Each refusal is
/// told.
#[cfg(test)]
pub fn refuse_watching(key: Key, times: usize) -> mpsc::Receiver<()> {
    let (tell, told) = mpsc::channel();
    REFUSED.lock().insert(key.to_u64(), (times, tell));
    told
}

#[cfg(test)]
fn refuses_watching(key: Key) -> bool {
    match REFUSED.lock().get_mut(&key.to_u64()) {
        Some((times @ 1.., tell)) => {
            *times -= 1;
            let _ = tell.send(());
            true
        }
        _ => false,
    }
}

/// The process's reactor.
pub struct Reactor {
    epoll: OwnedFd,
    /// Wakes one thread for each scheduled source.
    wake: OwnedFd,
    timer: OwnedFd,
    scheduled: Agenda<Key>,
    timers: Mutex<Timers>,
    crew: Crew,
    /// The epoll instance is none any more, or another one's: a thread that waited for its events has found that, or a connect.
    is_lost: AtomicBool,
}

#[derive(Default)]
struct Timers {
    queue: BTreeSet<(Instant, Key)>,
    armed: Option<Instant>,
}

/// epoll data of the two descriptors that are no source; generation 0 is no source's.
const WAKE: u64 = 0;
const TIMER: u64 = 1;
/// What those two are watched for.
const OWN_EVENTS: epoll::EventFlags = epoll::EventFlags::IN.union(epoll::EventFlags::ET);

static SOURCES: PerProcess<Registry<dyn Source>> =
    PerProcess::new(|_| Registry::after_forks(os::forks()));
static REACTOR: PerProcess<OnceCell<Reactor>> = PerProcess::new(|_| OnceCell::new());

/// Returns the reactor; an error when the system gives no descriptors. It may do so the next time.
pub fn reactor() -> io::Result<&'static Reactor> {
    REACTOR.get().get_or_try_init(Reactor::new)
}

impl Reactor {
    fn new() -> io::Result<Self> {
        os::watch_for_fork();
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let wake = rustix::event::eventfd(
            0,
            EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK | EventfdFlags::SEMAPHORE,
        )?;
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )?;
        epoll::add(&epoll, &wake, epoll::EventData::new_u64(WAKE), OWN_EVENTS)?;
        epoll::add(&epoll, &timer, epoll::EventData::new_u64(TIMER), OWN_EVENTS)?;
        Ok(Self {
            epoll,
            wake,
            timer,
            scheduled: Agenda::default(),
            timers: Mutex::default(),
            crew: Crew::default(),
            is_lost: AtomicBool::new(false),
        })
    }

    /// Makes a source known and gives it its key.
    pub fn register(make: impl FnOnce(Key) -> Arc<dyn Source>) -> Option<Key> {
        SOURCES.get().insert_with(make).map(|(key, _)| key)
    }

    /// Forgets a source. Events that are under way still reach it.
    pub fn unregister(key: Key) {
        SOURCES.get().remove(key);
    }

    /// Watches a source's socket for everything, edge-triggered; it is forgotten when it is closed.
    pub fn watch(&'static self, key: Key, socket: impl AsFd) -> io::Result<()> {
        let flags = epoll::EventFlags::IN
            | epoll::EventFlags::OUT
            | epoll::EventFlags::RDHUP
            | epoll::EventFlags::ET;
        self.check()?;
        self.watch_for(key, socket, flags)
    }

    /// Watches a source's socket for room to write, or for `input`, once.
    pub fn watch_once(&'static self, key: Key, socket: impl AsFd, input: bool) -> io::Result<()> {
        let what = if input {
            epoll::EventFlags::IN
        } else {
            epoll::EventFlags::OUT
        };
        self.watch_for(key, socket, what | epoll::EventFlags::ONESHOT)
    }

    fn watch_for(
        &'static self,
        key: Key,
        socket: impl AsFd,
        flags: epoll::EventFlags,
    ) -> io::Result<()> {
        #[cfg(test)]
        if refuses_watching(key) {
            return Err(Errno::NOSPC.into());
        }
        if let Err(error) = self.need_threads() {
            if self.is_lost() || self.crew.threads() == 0 {
                return Err(error);
            }
        }
        let data = epoll::EventData::new_u64(key.to_u64());
        match epoll::add(&self.epoll, socket.as_fd(), data, flags) {
            // Known from an earlier time that it was watched once.
            Err(Errno::EXIST) => {
                epoll::modify(&self.epoll, socket.as_fd(), data, flags)?;
            }
            result => result?,
        }
        Ok(())
    }

    /// Stops watching a socket.
    pub fn unwatch(&self, socket: impl AsFd) {
        // Not being watched (any more) is what was wanted.
        let _ = epoll::delete(&self.epoll, socket);
    }

    /// Has [`Source::scheduled`] called on a reactor thread. Returns false if there is none, and none can be had.
    pub fn schedule(&'static self, key: Key) -> bool {
        if !self.has_thread() {
            // Without a single thread nothing could have been connected that needs one.
            return false;
        }
        if self.scheduled.add(key) {
            self.wake_one();
        }
        true
    }

    /// Wakes a thread for what is scheduled.
    fn wake_one(&self) {
        // Fails only when 2^64 - 2 wake-ups are pending: then nobody needs another one.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    /// Sets a source's timer to `at`, in place of `old`, which it was set to before. Returns false if there is no thread that
    /// could see it expire, and none can be had: the timer is what it was then.
    pub fn set_timer(&'static self, key: Key, old: Option<Instant>, at: Option<Instant>) -> bool {
        if old == at {
            return true;
        }
        if !self.has_thread() {
            return false;
        }
        let mut timers = self.timers.lock();
        if let Some(old) = old {
            timers.queue.remove(&(old, key));
        }
        if let Some(at) = at {
            timers.queue.insert((at, key));
        }
        let first = timers.queue.first().map(|(at, _)| *at);
        if let Some(first) = first {
            // Later than armed: the early expiry finds nothing due and arms again, cheaper than a call each time.
            if timers.armed.is_none_or(|armed| first < armed) {
                timers.armed = Some(first);
                self.arm(first);
            }
        }
        true
    }

    fn arm(&self, at: Instant) {
        let left = at
            .saturating_duration_since(Instant::now())
            .max(Duration::from_nanos(1));
        let value = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            },
        };
        // A valid time and descriptor: there is no failure left.
        let _ = timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &value);
    }

    fn expire(&self) {
        let mut buf = [0; 8];
        let _ = rustix::io::read(&self.timer, &mut buf);
        let mut due = Vec::new();
        {
            let mut timers = self.timers.lock();
            let now = Instant::now();
            while let Some(&(at, key)) = timers.queue.first() {
                if at > now {
                    break;
                }
                timers.queue.pop_first();
                due.push(key);
            }
            timers.armed = timers.queue.first().map(|(at, _)| *at);
            if let Some(first) = timers.armed {
                self.arm(first);
            }
        }
        for key in due {
            call(key, <dyn Source>::expired);
        }
    }

    /// Sees to it that there are threads; an error when the system gives none, or when they would have nothing to wait for.
    pub fn need_threads(&'static self) -> io::Result<()> {
        if self.is_lost() {
            return Err(Errno::BADF.into());
        }
        while self.crew.threads() < BASE_THREADS {
            self.spawn()?;
        }
        Ok(())
    }

    /// Returns true if there is a thread that hears of events, which is one at least of those that
    /// [`need_threads`](Self::need_threads) sees to.
    fn has_thread(&'static self) -> bool {
        self.need_threads().is_ok() || !self.is_lost() && self.crew.threads() > 0
    }

    fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::SeqCst)
    }

    /// Sees to it that all is there which a connection needs; an error when the system does not give it.
    pub fn prepare(&'static self) -> io::Result<()> {
        self.check()?;
        self.need_threads()
    }

    /// Checks that the epoll instance is this reactor's. A program may have closed descriptors that are not its own while all
    /// threads wait, which do not hear of it; by now their numbers may be those of others, in whose sockets and memory nothing of
    /// this reactor's belongs.
    fn check(&self) -> io::Result<()> {
        if self.is_lost() {
            return Err(Errno::BADF.into());
        }
        // Changes nothing. Should the timer have expired just now, a thread looks once more.
        let data = epoll::EventData::new_u64(TIMER);
        let same = epoll::modify(&self.epoll, &self.timer, data, OWN_EVENTS);
        if let Err(Errno::BADF | Errno::NOENT | Errno::INVAL | Errno::PERM) = same {
            self.is_lost.store(true, Ordering::SeqCst);
            return Err(Errno::BADF.into());
        }
        Ok(same?)
    }

    fn spawn(&'static self) -> io::Result<()> {
        let spare = self.crew.join();
        let spawned = os::spawn("paho-reactor", Some(STACK), move || self.run(spare));
        if let Err(error) = spawned {
            self.crew.part();
            return Err(error);
        }
        Ok(())
    }

    /// Enters a callback on this thread. Until the guard is dropped another one is there to wait for events.
    pub fn enter_callback(&'static self) -> InCallback {
        if self.scheduled.leave() {
            // They were this thread's to see to next.
            self.wake_one();
        }
        // Without another thread this client's callbacks still run.
        let is_alone = self.crew.enter() && self.spawn().is_err();
        CALLBACKS.set(CALLBACKS.get() + 1);
        InCallback {
            reactor: self,
            is_alone,
        }
    }

    /// Asks for a thread if none is left to wait for events. Returns false if none could be had.
    pub fn relieve(&'static self) -> bool {
        !self.crew.is_short() || self.is_lost() || self.spawn().is_ok()
    }

    fn run(&'static self, spare: bool) {
        // One event a call: what this thread is busy with must not hold up an event it has already taken.
        let mut attention = Attention::new();
        let patience = spare.then_some(SPARE_LIFETIME);
        loop {
            match os::epoll_wait(self.epoll.as_fd(), patience) {
                Ok(Some((data, flags))) => self.handle(data, flags, &mut attention),
                // A spare that idled for its lifetime.
                Ok(None) if self.crew.retire() => return,
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A program has closed descriptors that are not its own. Whoever asks for a thread is told that there is none.
                Err(_) => {
                    self.is_lost.store(true, Ordering::SeqCst);
                    self.crew.part();
                    return;
                }
            }
        }
    }

    fn handle(&'static self, data: u64, flags: epoll::EventFlags, attention: &mut Attention) {
        match data {
            WAKE => self.run_scheduled(attention),
            TIMER => self.expire(),
            number => {
                let hangup = flags.intersects(
                    epoll::EventFlags::RDHUP | epoll::EventFlags::HUP | epoll::EventFlags::ERR,
                );
                let readiness = Readiness {
                    readable: hangup || flags.contains(epoll::EventFlags::IN),
                    writable: flags.contains(epoll::EventFlags::OUT),
                    hangup,
                };
                call(Key::from_u64(number), |source| source.ready(readiness));
            }
        }
    }

    fn run_scheduled(&self, attention: &mut Attention) {
        let mut buf = [0; 8];
        let _ = rustix::io::read(&self.wake, &mut buf);
        attention.woken();
        loop {
            self.scheduled.begin();
            // Those that are scheduled meanwhile come after the sockets that have become ready.
            for _ in 0..self.scheduled.len() {
                match self.scheduled.take() {
                    Some(key) => call(key, <dyn Source>::scheduled),
                    None => break,
                }
            }
            if self.scheduled.leave() {
                self.wake_one();
                return;
            }
            // What is scheduled meanwhile is found by `leave`, or has woken another thread.
            if !attention.pays() || !self.scheduled.stay() {
                return;
            }
            attention.look_out(|| self.scheduled.has_some());
        }
    }
}

/// Calls a source. A panic in it ends what that source does, and not this thread, on which others depend.
fn call(key: Key, function: impl FnOnce(Arc<dyn Source>)) {
    let Some(source) = SOURCES.get().get(key) else {
        return;
    };
    let again = Arc::clone(&source);
    // The source sees to its own state; nothing of ours is changed halfway.
    if catch_unwind(AssertUnwindSafe(|| function(source))).is_err() {
        // A second panic must not end the thread either.
        let _ = catch_unwind(AssertUnwindSafe(|| again.panicked()));
    }
}

/// How long a thread is on the lookout for more to be scheduled before it sleeps.
const LOOKOUT: Duration = Duration::from_micros(30);
/// It is only after it was woken so often with no longer pause than that.
const KEPT_AWAKE: u32 = 8;

/// A thread's experience with being woken: thousands of clients that send in turn would put it to sleep and wake it once a
/// message, which takes longer than what it is woken for.
struct Attention {
    idle_since: Instant,
    /// Times in a row that it had hardly slept.
    short: u32,
}

impl Attention {
    fn new() -> Self {
        Self {
            idle_since: Instant::now(),
            short: 0,
        }
    }

    fn woken(&mut self) {
        let short = self.idle_since.elapsed() < LOOKOUT;
        self.short = if short { self.short + 1 } else { 0 };
    }

    /// Returns true if it pays to look out for more when nothing is left to do.
    fn pays(&mut self) -> bool {
        self.idle_since = Instant::now();
        self.short >= KEPT_AWAKE
    }

    /// Waits for `more`, but not for long; in vain, and it has to prove its worth anew.
    fn look_out(&mut self, more: impl Fn() -> bool) {
        while !more() {
            if self.idle_since.elapsed() >= LOOKOUT {
                self.short = 0;
                return;
            }
            std::thread::yield_now();
        }
    }
}

thread_local! {
    /// Callbacks that this thread is inside.
    static CALLBACKS: Cell<u32> = const { Cell::new(0) };
}

/// Returns true if this thread is inside a callback, whichever client's.
pub fn is_in_callback() -> bool {
    CALLBACKS.get() > 0
}

/// A thread inside a callback.
pub struct InCallback {
    reactor: &'static Reactor,
    is_alone: bool,
}

impl InCallback {
    /// Returns true if no thread was left to wait for events, and none could be had: somebody has to
    /// [ask again](Reactor::relieve), for the callback may take as long as it likes.
    pub fn is_alone(&self) -> bool {
        self.is_alone
    }
}

impl Drop for InCallback {
    fn drop(&mut self) {
        CALLBACKS.set(CALLBACKS.get() - 1);
        self.reactor.crew.leave();
    }
}

#[cfg(test)]
mod tests;
