//! What waits in the queue, and for whom.

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
    queue.push_line(Level::Error, "1");
    queue.push_line(Level::Error, "2");
    assert_eq!(take(&queue, 1).len(), 1);
    assert!(queue.has_untold());
    assert_eq!(queue.await_events(Wait::No, None), Ok(true));
    assert_eq!(take(&queue, 1).len(), 1);
    assert!(!queue.has_untold());
    assert_eq!(queue.await_events(Wait::No, None), Ok(false));
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
        queue.push_line(level, "line");
    }
    let seen: Vec<u8> = take(&queue, 7).iter().map(|line| line.0).collect();
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn lines_that_find_no_room_are_counted_by_the_next_that_does() {
    let queue = Queue::new();
    for _ in 0..MAX_LINES + 5 {
        queue.push_line(Level::Error, "line");
    }
    assert_eq!(take(&queue, 1), [(5, 0, 4)]);
    queue.push_line(Level::Error, "next");
    let seen = take(&queue, usize::MAX);
    assert_eq!(seen.len(), MAX_LINES);
    assert_eq!(seen[MAX_LINES - 1], (5, 5, 4));
    assert!(seen[..MAX_LINES - 1].iter().all(|line| line.1 == 0));
    // All have been taken: there is room for as many again.
    for _ in 0..MAX_LINES {
        queue.push_line(Level::Error, "line");
    }
    assert!(take(&queue, usize::MAX).iter().all(|line| line.1 == 0));
}

#[test]
fn long_lines_are_fewer() {
    let queue = Queue::new();
    let long = "x".repeat(60_000);
    for _ in 0..MAX_LINES {
        queue.push_line(Level::Error, &long);
    }
    let waited = take(&queue, usize::MAX);
    let bytes: usize = waited.iter().map(|line| line.2).sum();
    assert!(bytes <= MAX_LINE_BYTES + long.len(), "{bytes}");
    queue.push_line(Level::Error, &long);
    let dropped = u64::try_from(MAX_LINES - waited.len()).expect("a few");
    assert_eq!(take(&queue, 1), [(5, dropped, long.len())]);
}
