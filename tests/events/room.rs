//! A publish that is refused because it would block is followed by ROOM, once, when there is room: for each reason there is.

use std::io::Read;

use paho_oxide::events::{Connect, Create, Error, Kind, Manner, Wait};
use paho_oxide::protocol::{QoS, Version};

use crate::server::{PATIENCE, Program, message, v5};

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

/// PUBACK of MQTT 5 with a long text.
fn long_puback(id: u16) -> Vec<u8> {
    let text = vec![b'x'; 60_000];
    let length = u16::try_from(text.len()).expect("a string's");
    let properties = [&[0x1f][..], &length.to_be_bytes(), &text].concat();
    let varint = |n: usize| {
        let byte = |n: usize| u8::try_from(n & 0x7f).expect("seven bits");
        [byte(n) | 0x80, byte(n >> 7) | 0x80, byte(n >> 14)]
    };
    let body = [
        &id.to_be_bytes()[..],
        &[0],
        &varint(properties.len()),
        &properties,
    ]
    .concat();
    [&[0x40][..], &varint(body.len()), &body].concat()
}

/// A server that answers with as much as it may, to a program that publishes and takes no events.
#[test]
fn what_a_server_says_of_publishes_has_a_bound() {
    const PUBLISHES: u16 = 300;
    let create = Create {
        version: Version::V5,
        ..Create::default()
    };
    let program = Program::new(create);
    program.client.attach_stream(v5()).expect("attached");
    let mut bytes = vec![0; 1 << 16];
    let mut take = || program.client.take(&mut bytes).expect("a stream");
    assert!(take() > 0, "CONNECT");
    let feed = |bytes: &[u8]| program.client.feed(bytes).expect("a stream");
    assert_eq!(feed(&[0x20, 3, 0, 0, 0]), 5);
    program.expect(Kind::Connected);
    for _ in 0..PUBLISHES {
        program.publish(b"m");
    }
    while take() > 0 {}
    let answers: Vec<u8> = (1..=PUBLISHES).flat_map(long_puback).collect();
    let mut fed = feed(&answers);
    assert!(fed < 10 << 20, "{fed} bytes, and nobody has taken anything");
    assert!(would_block(&publish(
        &program,
        QoS::AtMostOnce,
        b"m",
        false
    )));

    let (mut ended, mut rooms) = (0, 0);
    while ended < PUBLISHES {
        let mut told = false;
        let taken = program.queue.take_batch(Wait::For(PATIENCE), |_, record| {
            match record.head.kind {
                Kind::Done => ended += 1,
                Kind::Room => rooms += 1,
                Kind::Wants => told = true,
                kind => assert_eq!(kind, Kind::Output),
            }
            true
        });
        assert!(taken.is_ok_and(|taken| taken > 0), "nothing more is told");
        if told {
            fed += feed(&answers[fed..]);
        }
    }
    assert_eq!((fed, rooms), (answers.len(), 1));
    publish(&program, QoS::AtMostOnce, b"m", false).expect("there is room");
}
