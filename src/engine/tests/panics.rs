//! A panic on a reactor's thread ends the connection of the client for which the thread worked, and nothing else.

use super::{Driver, Tested};

const DEFECT: &str = "lost: a defect in this library";

/// `what` is the message that the client panics over, which comes between two others, in one piece with them.
fn panics_over(what: &[u8], heard: &[&str]) {
    let (victim, other) = (
        Tested::new(Driver::Reactor, None),
        Tested::new(Driver::Reactor, None),
    );
    let (mut server, mut others) = (victim.connect(), other.connect());
    victim.host().wait_for(1);
    let messages: Vec<u8> = [b"before", what, b"behind"]
        .into_iter()
        .flat_map(|payload| {
            let length = u8::try_from(3 + payload.len()).expect("a short message");
            [&[0x30, length, 0, 1, b't'], payload].concat()
        })
        .collect();
    server.send(&messages);
    assert_eq!(victim.host().wait_for(heard.len()), heard);

    // The thread lives, the other client has noticed nothing, and the victim can be used again.
    others.publish(b"still here");
    assert_eq!(other.host().wait_for(2), ["connect up", "still here"]);
    let mut server = victim.connect();
    server.publish(b"again");
    let again = victim.host().wait_for(heard.len() + 2);
    assert_eq!(again[heard.len()..], ["connect up", "again"]);
}

#[test]
fn a_callback_that_panics_ends_its_clients_connection() {
    // What was behind it in the queue is told all the same.
    panics_over(
        b"panic in callback",
        &["connect up", "before", "behind", DEFECT],
    );
}

#[test]
fn a_panic_under_the_clients_mutex_ends_its_connection() {
    // The reactor's own work: the message behind it was never looked at.
    panics_over(b"panic in message", &["connect up", "before", DEFECT]);
}
