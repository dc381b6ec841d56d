use super::*;

/// Tells what becomes of it.
struct Told {
    panics: bool,
    tell: mpsc::Sender<&'static str>,
}

impl Source for Told {
    fn ready(self: Arc<Self>, _: Readiness) {}

    fn expired(self: Arc<Self>) {
        let _ = self.tell.send("expired");
    }

    fn scheduled(self: Arc<Self>) {
        assert!(!self.panics, "on purpose");
        let _ = self.tell.send("scheduled");
    }

    fn panicked(self: Arc<Self>) {
        let _ = self.tell.send("panicked");
    }
}

fn source(panics: bool) -> (Key, mpsc::Receiver<&'static str>) {
    let (tell, told) = mpsc::channel();
    let key = Reactor::register(|_| Arc::new(Told { panics, tell })).expect("room");
    (key, told)
}

#[test]
fn a_panic_is_its_sources_affair_and_no_thread_is_lost() {
    let reactor = reactor().expect("descriptors");
    let ((bad, bad_told), (good, good_told)) = (source(true), source(false));
    // More often than there are threads.
    for _ in 0..=BASE_THREADS {
        assert!(reactor.schedule(bad) && reactor.schedule(good));
        assert_eq!(bad_told.recv(), Ok("panicked"));
        assert_eq!(good_told.recv(), Ok("scheduled"));
    }
    Reactor::unregister(bad);
    Reactor::unregister(good);
}

#[test]
fn without_an_epoll_instance_nothing_is_taken_on() {
    let none = std::fs::File::open("/dev/null").expect("the null device");
    let reactor: &'static Reactor = Box::leak(Box::new(Reactor {
        epoll: none.into(),
        ..Reactor::new().expect("descriptors")
    }));
    let (key, _told) = source(false);
    // The first may be taken on: the threads have not found it out yet.
    let _ = reactor.need_threads();
    let deadline = Instant::now() + Duration::from_secs(60);
    while reactor.crew.threads() > 0 || !reactor.is_lost() {
        assert!(Instant::now() < deadline, "they are counted on for ever");
        std::thread::yield_now();
    }
    assert!(reactor.need_threads().is_err());
    assert!(!reactor.schedule(key), "nobody would come");
    assert!(!reactor.set_timer(key, None, Some(Instant::now())));
    assert!(reactor.watch(key, &reactor.wake).is_err());
    Reactor::unregister(key);
}

#[test]
fn what_has_the_number_of_its_epoll_instance_is_left_alone() {
    let another = epoll::create(epoll::CreateFlags::CLOEXEC).expect("a descriptor");
    let reactor: &'static Reactor = Box::leak(Box::new(Reactor {
        epoll: another,
        ..Reactor::new().expect("descriptors")
    }));
    let (key, _told) = source(false);
    assert!(reactor.prepare().is_err());
    assert!(reactor.watch(key, &reactor.wake).is_err());
    assert!(reactor.watch_once(key, &reactor.wake, true).is_err());
    assert!(!reactor.schedule(key), "nobody would come");
    assert_eq!(reactor.crew.threads(), 0);
    Reactor::unregister(key);
}

#[test]
fn who_enters_a_callback_and_leaves_nobody_knows_it() {
    let reactor: &'static Reactor = Box::leak(Box::new(Reactor::new().expect("descriptors")));
    reactor.prepare().expect("threads");
    os::refuse_threads(true);
    let first = reactor.enter_callback();
    assert!(!first.is_alone() && reactor.relieve(), "one is left");
    let second = reactor.enter_callback();
    assert!(second.is_alone() && !reactor.relieve());
    drop(first);
    assert!(reactor.relieve(), "one has come back");
    let third = reactor.enter_callback();
    assert!(third.is_alone());
    os::refuse_threads(false);
    assert!(reactor.relieve());
    assert_eq!(reactor.crew.threads(), BASE_THREADS + 1);
    assert!(reactor.relieve(), "it is there");
    assert_eq!(reactor.crew.threads(), BASE_THREADS + 1);
}

#[test]
fn a_timer_is_set_only_where_a_thread_sees_it_expire() {
    // Without a thread yet.
    let reactor: &'static Reactor = Box::leak(Box::new(Reactor::new().expect("descriptors")));
    let (key, told) = source(false);
    os::refuse_threads(true);
    let at = Some(Instant::now());
    assert!(!reactor.set_timer(key, None, at), "nobody would come");
    os::refuse_threads(false);
    assert!(reactor.set_timer(key, None, at));
    assert_eq!(told.recv(), Ok("expired"));
    // One thread of two is enough.
    os::refuse_threads(true);
    assert!(reactor.set_timer(key, None, at));
    os::refuse_threads(false);
    assert_eq!(told.recv(), Ok("expired"));
    Reactor::unregister(key);
}
