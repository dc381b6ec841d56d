//! A publish that is refused because it would block is followed by ROOM, once, when there is room: for each reason there is.

use std::io::Read;

use paho_oxide::events::{Connect, Create, Error, Kind, Manner};
use paho_oxide::protocol::QoS;

use crate::server::{Program, message};

fn publish(program: &Program, qos: QoS, payload: &[u8], no_wait: bool) -> Result<u64, Error> {
    let manner = Manner {
        no_wait,
        ..Manner::default()
    };
    let published = program.client.publish(&message(qos, payload), manner)?;
    Ok(published.number)
}

fn would_block(result: &Result<u64, Error>) -> bool {
    matches!(result, Err(Error::WouldBlock))
}

/// Waits for ROOM, and shows that it comes once.
fn expect_room(program: &Program) {
    while program.next().head.kind != Kind::Room {}
    assert!(
        program
            .take()
            .iter()
            .all(|record| record.head.kind != Kind::Room)
    );
}

/// Fills the connection with what the server does not read. Returns how many bytes of payload were accepted.
fn fill(program: &Program) -> usize {
    let payload = vec![0; 64 * 1024];
    let mut accepted = 0;
    loop {
        match publish(program, QoS::AtMostOnce, &payload, false) {
            Ok(_) => accepted += payload.len(),
            refused => {
                assert!(would_block(&refused), "{refused:?}");
                return accepted;
            }
        }
    }
}

#[test]
fn bytes_that_the_socket_did_not_take() {
    let (program, mut server) = Program::connected(Create::default(), Connect::default());
    let mut left = fill(&program);
    assert!(left > 1 << 20);
    let mut room = vec![0; 64 * 1024];
    while left > 0 {
        let n = server.0.read(&mut room).expect("what was accepted");
        left = left.saturating_sub(n);
    }
    expect_room(&program);
    publish(&program, QoS::AtMostOnce, b"m", false).expect("there is room");
}

/// The connection ends: a program that waits for ROOM must not wait for ever.
#[test]
fn bytes_that_the_connection_took_along() {
    let (program, server) = Program::connected(Create::default(), Connect::default());
    fill(&program);
    drop(server);
    expect_room(&program);
    assert!(matches!(
        publish(&program, QoS::AtMostOnce, b"m", false),
        Err(Error::Disconnected)
    ));
}

#[test]
fn a_quota_that_is_used_up() {
    let connect = Connect {
        max_inflight: 1,
        ..Connect::default()
    };
    let (program, mut server) = Program::connected(Create::default(), connect);
    publish(&program, QoS::AtLeastOnce, b"1", true).expect("accepted");
    let packet = server.packet();
    for _ in 0..3 {
        assert!(would_block(&publish(
            &program,
            QoS::AtLeastOnce,
            b"2",
            true
        )));
    }
    server.send(&[0x40, 2, packet[5], packet[6]]);
    expect_room(&program);
    publish(&program, QoS::AtLeastOnce, b"2", true).expect("there is room");
}

#[test]
fn a_queue_that_is_full() {
    let create = Create {
        buffer_offline: true,
        max_buffered: 1,
        ..Create::default()
    };
    let program = Program::new(create);
    let first = publish(&program, QoS::AtLeastOnce, b"1", false).expect("accepted");
    assert!(would_block(&publish(
        &program,
        QoS::AtLeastOnce,
        b"2",
        false
    )));
    assert!(program.client.cancel(first));
    expect_room(&program);
    publish(&program, QoS::AtLeastOnce, b"2", false).expect("there is room");
}
