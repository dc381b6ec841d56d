//! The system watches no further socket for a while: no event tells of the connection, and nothing stays where it is for that.

use std::io::Read;
use std::sync::mpsc::Receiver;

use super::{Driver, PATIENCE, Server, Tested, publish};
use crate::engine::driving::Work;
use crate::protocol::QoS;
use crate::reactor::refuse_watching;

/// More than a socket takes.
const LARGE: usize = 4 << 20;
/// Refusals: that of the call, and that of the first attempt which follows by itself.
const TIMES: usize = 2;
const READ: Work = Work {
    read: true,
    ..Work::NONE
};

/// Waits until the system has refused so often.
fn wait_until_refused(refused: &Receiver<()>) {
    for _ in 0..TIMES {
        refused.recv_timeout(PATIENCE).expect("another attempt");
    }
}

/// Begins a message of which the socket takes a part.
fn send_large(client: &Tested) {
    client
        .send(&publish(QoS::AtMostOnce, &vec![b'x'; LARGE]), "large")
        .expect("accepted");
}

/// Reads all of that message.
fn take_large(server: &mut Server) {
    let mut all = vec![0; 5 + 3 + LARGE];
    server.0.read_exact(&mut all).expect("the whole message");
    assert_eq!((all[0], all[all.len() - 1]), (0x30, b'x'));
}

#[test]
fn a_half_written_packet_of_a_client_that_calls_drive_goes_on() {
    let client = Tested::new(Driver::Calls, None);
    let mut server = client.connect();
    let refused = refuse_watching(client.key, TIMES);
    send_large(&client);
    // The program makes no further call.
    wait_until_refused(&refused);
    take_large(&mut server);
}

#[test]
fn a_half_written_packet_goes_on_when_the_program_has_taken_the_reading() {
    let client = Tested::new(Driver::Reactor, None);
    let mut server = client.connect();
    client.host().wait_for(1);
    client.set_driver(READ);
    let refused = refuse_watching(client.key, TIMES);
    send_large(&client);
    wait_until_refused(&refused);
    take_large(&mut server);
}

#[test]
fn a_client_whose_program_sets_callbacks_hears_of_messages() {
    let client = Tested::new(Driver::Calls, None);
    let mut server = client.connect();
    let refused = refuse_watching(client.key, TIMES);
    client.set_asynchronous();
    wait_until_refused(&refused);
    server.publish(b"hello");
    let heard = client.host().wait_for(1);
    assert!(heard.contains(&"hello".to_owned()), "{heard:?}");
}

#[test]
fn reading_that_the_program_gives_back_is_done() {
    let client = Tested::new(Driver::Reactor, None);
    let mut server = client.connect();
    client.host().wait_for(1);
    client.set_driver(READ);
    let refused = refuse_watching(client.key, TIMES);
    client.set_driver(Work::NONE);
    wait_until_refused(&refused);
    server.publish(b"hello");
    assert_eq!(client.host().wait_for(2)[1], "hello");
}
