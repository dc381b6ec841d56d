//! What waits in the queue, and for whom.

use super::lines::{MAX_LINE_BYTES, MAX_LINES};
use super::*;
use crate::trace::Level;

/// Takes at most so many records. Returns, of each, the level, how many were dropped before, and the text's length.
fn take(queue: &Queue, mut most: usize) -> Vec<(u8, u64, usize)> {
    let mut seen = Vec::new();
    let visit = |_, record: &Record| {
        let wanted = most > 0;
        if wanted {
            most -= 1;
            assert_eq!(record.head.kind, Kind::Log);
            let head = &record.head;
            seen.push((head.flags, head.value, record.topic().len()));
        }
        wanted
    };
    queue.take_batch(Wait::No, visit).expect("open");
    seen
}

/// Between a thread's look and its sleep two events come, and another thread takes one of them.
#[test]
fn nobody_sleeps_while_an_event_is_left() {
    let queue = Queue::new();
    assert!(queue.take_now(&mut |_, _| true).is_none());
    queue.push_line(0, Level::Error, "1");
    queue.push_line(0, Level::Error, "2");
    assert_eq!(take(&queue, 1).len(), 1);
    assert!(queue.has_untold());
    assert_eq!(queue.await_events(Wait::No, None), Ok(true));
    assert_eq!(take(&queue, 1).len(), 1);
    assert!(!queue.has_untold());
    assert_eq!(queue.await_events(Wait::No, None), Ok(false));
}

/// A thread that is about to add a line when the program wants no more comes too late.
#[test]
fn no_line_comes_once_the_program_wants_none() {
    let queue = Queue::new();
    queue.push_line(0, Level::Error, "wanted");
    queue.set_log_level(None);
    queue.push_line(0, Level::Error, "late");
    assert_eq!(take(&queue, 7).len(), 1);
}

#[test]
fn a_line_has_its_level() {
    let queue = Queue::new();
    let levels = [
        Level::Maximum,
        Level::Medium,
        Level::Minimum,
        Level::Protocol,
        Level::Error,
        Level::Severe,
        Level::Fatal,
    ];
    for level in levels {
        queue.push_line(0, level, "line");
    }
    let seen: Vec<u8> = take(&queue, 7).iter().map(|line| line.0).collect();
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn lines_that_find_no_room_are_counted_by_the_next_that_does() {
    let queue = Queue::new();
    for _ in 0..MAX_LINES + 5 {
        queue.push_line(0, Level::Error, "line");
    }
    assert_eq!(take(&queue, 1), [(5, 0, 4)]);
    queue.push_line(0, Level::Error, "next");
    let seen = take(&queue, usize::MAX);
    assert_eq!(seen.len(), MAX_LINES);
    assert_eq!(seen[MAX_LINES - 1], (5, 5, 4));
    assert!(seen[..MAX_LINES - 1].iter().all(|line| line.1 == 0));
    // All have been taken: there is room for as many again.
    for _ in 0..MAX_LINES {
        queue.push_line(0, Level::Error, "line");
    }
    assert!(take(&queue, usize::MAX).iter().all(|line| line.1 == 0));
}

/// The next line may come in hours.
#[test]
fn dropped_lines_are_told_of_when_those_that_waited_are_taken() {
    let queue = Queue::new();
    let fd = queue.event_fd().expect("a descriptor");
    for _ in 0..MAX_LINES + 5 {
        queue.push_line(0, Level::Error, "line");
    }
    assert_eq!(take(&queue, MAX_LINES - 1).len(), MAX_LINES - 1);
    assert_eq!(take(&queue, 1), [(5, 0, 4)]);
    assert!(queue.has_untold() && rustix::io::read(fd, &mut [0; 8]).is_ok());
    assert_eq!(take(&queue, 7), [(5, 5, 0)]);
    assert_eq!(take(&queue, 7), []);
    // But nothing comes of lines that are no longer wanted.
    for _ in 0..MAX_LINES + 5 {
        queue.push_line(0, Level::Error, "line");
    }
    queue.set_log_level(None);
    assert_eq!(take(&queue, usize::MAX).len(), MAX_LINES);
    assert_eq!(take(&queue, 7), []);
}

#[test]
fn long_lines_are_fewer() {
    let queue = Queue::new();
    let long = "x".repeat(60_000);
    for _ in 0..MAX_LINES {
        queue.push_line(0, Level::Error, &long);
    }
    let waited = take(&queue, usize::MAX);
    let bytes: usize = waited.iter().map(|line| line.2).sum();
    assert!(bytes <= MAX_LINE_BYTES + long.len(), "{bytes}");
    queue.push_line(0, Level::Error, &long);
    let dropped = u64::try_from(MAX_LINES - waited.len()).expect("a few");
    assert_eq!(take(&queue, 2), [(5, dropped, 0), (5, 0, long.len())]);
}

/// A client that looks whether the queue is locked when it is told of what was taken, and waits for each SUBACK to be.
struct Looks {
    queue: Arc<Queue>,
    told: Mutex<Vec<(usize, bool)>>,
    waited: Mutex<Vec<bool>>,
    is_over: AtomicBool,
}

impl Looks {
    fn new(queue: &Arc<Queue>) -> Arc<Self> {
        Arc::new(Self {
            queue: Arc::clone(queue),
            told: Mutex::default(),
            waited: Mutex::default(),
            is_over: AtomicBool::new(false),
        })
    }
}

impl Producer for Looks {
    fn context(&self) -> u64 {
        0
    }

    fn taken(&self, count: Count, _: &[RecordKey], waited: bool) {
        self.waited.lock().push(waited);
        let free = self.queue.taking.try_lock().is_some() && self.queue.state.try_lock().is_some();
        self.told.lock().push((count.messages, free));
    }

    fn is_news(&self, _: Kind, _: usize) -> bool {
        true
    }

    fn told(&self, kind: Kind, _: usize) -> bool {
        kind == Kind::SubAck
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

/// A thread that still has an event of a client, as one that takes a stream's bytes may have, comes too late.
#[test]
fn nothing_comes_of_a_client_that_has_ended() {
    let queue = Queue::new();
    let looks = Looks::new(&queue);
    let from: Arc<dyn Producer> = Arc::<Looks>::clone(&looks);
    let mut pending = Pending::default();
    pending.push(&from, Record::new(Kind::Closed), None);
    queue.push_all(&mut pending);
    pending.push(&from, Record::new(Kind::Output), None);
    queue.end(&*from);
    queue.push_all(&mut pending);
    let mut seen = Vec::new();
    let visit = |_, record: &Record| {
        seen.push(record.head.kind);
        true
    };
    assert_eq!(queue.take_batch(Wait::No, visit), Ok(1));
    assert_eq!(seen, [Kind::Closed]);
    assert!(!queue.has_untold());
}

/// What a client does then may take long: it may write to its socket, and has a lock of its own.
#[test]
fn clients_are_told_of_what_was_taken_without_a_lock_however_their_messages_alternate() {
    let queue = Queue::new();
    let (one, other) = (Looks::new(&queue), Looks::new(&queue));
    let mut pending = Pending::default();
    for from in [&one, &one, &other, &one] {
        let from: Arc<dyn Producer> = Arc::<Looks>::clone(from);
        pending.push(&from, Record::new(Kind::Message), None);
    }
    queue.push_all(&mut pending);
    assert_eq!(queue.take_batch(Wait::No, |_, _| true), Ok(4));
    assert_eq!(*one.told.lock(), [(2, true), (1, true)]);
    assert_eq!(*other.told.lock(), [(1, true)]);
}

#[test]
fn a_client_hears_that_what_it_waited_for_was_among_what_was_taken() {
    let queue = Queue::new();
    let looks = Looks::new(&queue);
    let from: Arc<dyn Producer> = Arc::<Looks>::clone(&looks);
    let take = |kinds: &[Kind]| {
        let mut pending = Pending::default();
        for kind in kinds {
            pending.push(&from, Record::new(*kind), None);
        }
        queue.push_all(&mut pending);
        assert_eq!(queue.take_batch(Wait::No, |_, _| true), Ok(kinds.len()));
        std::mem::take(&mut *looks.waited.lock())
    };
    assert_eq!(take(&[Kind::Message]), [false]);
    assert_eq!(take(&[Kind::Connected]), [false; 0]);
    assert_eq!(take(&[Kind::SubAck]), [true]);
    let among = [Kind::Message, Kind::SubAck, Kind::Message];
    assert_eq!(take(&among), [true]);
}

/// The call that was to take the events ends while another thread takes some of them.
#[test]
fn what_is_left_of_a_call_that_collects_is_signalled() {
    let queue = Queue::new();
    let fd = queue.event_fd().expect("a descriptor");
    let is_readable = || rustix::io::read(fd, &mut [0; 8]).is_ok();
    let mut collecting = Some(queue.collect());
    queue.push_line(0, Level::Error, "1");
    queue.push_line(0, Level::Error, "2");
    assert!(!is_readable(), "the call takes them");
    let visit = |_, record: &Record| {
        collecting = None;
        record.topic() == b"1"
    };
    assert_eq!(queue.take_batch(Wait::No, visit), Ok(1));
    assert!(is_readable(), "nobody is told of the other one");
}

/// Two calls are about to wait, and two interrupts come before either of them does.
#[test]
fn each_interrupt_has_a_call_come_back() {
    let queue = Queue::new();
    let left = || queue.state.lock().interrupts;
    queue.interrupt();
    queue.interrupt();
    for others in [1, 0] {
        assert_eq!(queue.await_events(Wait::Forever, None), Ok(false));
        assert_eq!(left(), others);
    }
    for _ in 0..2 * MAX_INTERRUPTS {
        queue.interrupt();
    }
    assert_eq!(left(), MAX_INTERRUPTS);
    // A program that polls the descriptor is told of all of them at once.
    assert_eq!(queue.await_events(Wait::No, None), Ok(false));
    assert_eq!(left(), 0);
}

/// A call that does not wait, as of a thread that drives, has nothing to come back from.
#[test]
fn an_interrupt_is_for_the_call_that_waits() {
    let queue = Queue::new();
    let fd = queue.event_fd().expect("a descriptor");
    let is_readable = || rustix::io::read(fd, &mut [0; 8]).is_ok();
    let left = || queue.state.lock().interrupts;
    queue.state.lock().waiting = 1;
    queue.interrupt();
    assert_eq!(queue.await_events(Wait::No, None), Ok(false));
    assert_eq!(left(), 1);
    queue.state.lock().waiting = 0;
    assert_eq!(queue.await_events(Wait::Forever, None), Ok(false));
    assert!(left() == 0 && !is_readable());
    // But a program that polls the descriptor calls without waiting.
    queue.interrupt();
    assert_eq!(queue.await_events(Wait::No, None), Ok(false));
    assert!(left() == 0 && !is_readable());
}
