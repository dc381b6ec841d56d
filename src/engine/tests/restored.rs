//! Messages that an earlier client left in the store, and that nobody has read back yet.

use std::time::Duration;

use super::shelf::Kept;
use super::{Driver, PATIENCE, Tested};
use crate::engine::Error;

/// A store with a message that a client received, acknowledged, and did not hand over.
fn left_behind(payload: &[u8]) -> Kept {
    let shelf = Kept::default();
    let client = Tested::new(Driver::Calls, Some(Box::new(shelf.clone())));
    let mut server = client.connect();
    // The message comes before the answer that the call waits for, and a client of calls reads inside calls only.
    let length = u8::try_from(5 + payload.len()).expect("a short message");
    server.send(&[&[0x32, length, 0, 1, b't', 0, 7], payload].concat());
    let deadline = std::time::Instant::now() + PATIENCE;
    while shelf.0.lock().records.is_empty() {
        assert!(std::time::Instant::now() < deadline, "the message in time");
        client.process_until(std::time::Instant::now() + Duration::from_millis(5));
    }
    assert_eq!(server.packet(), [0x40, 2, 0, 7]);
    shelf
}

#[test]
fn a_restored_message_is_received_without_a_connection() {
    let shelf = left_behind(b"kept");
    let client = Tested::new(Driver::Calls, Some(Box::new(shelf.clone())));
    let received = client.receive(Duration::ZERO).expect("no error");
    assert_eq!(received.as_deref(), Some(&b"kept"[..]));
    assert!(shelf.0.lock().records.is_empty(), "it has been taken");
    assert!(matches!(
        client.receive(Duration::ZERO),
        Err(Error::Disconnected)
    ));
}

#[test]
fn one_that_cannot_be_read_now_still_counts_and_comes_later() {
    let shelf = left_behind(b"kept");
    let client = Tested::new(Driver::Calls, Some(Box::new(shelf.clone())));
    shelf.0.lock().refuses = true;
    for _ in 0..2 {
        let received = client.receive(Duration::ZERO);
        assert!(matches!(received, Ok(None)), "nothing now, and no error");
    }
    shelf.0.lock().refuses = false;
    let received = client.receive(PATIENCE).expect("no error");
    assert_eq!(received.as_deref(), Some(&b"kept"[..]));
}
