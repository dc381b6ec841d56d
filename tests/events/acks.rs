//! Acknowledgements by the program: when they leave, in which order, and which messages count as unacknowledged.

use std::num::NonZeroU64;

use paho_oxide::events::{Acks, Connect, Create, Kind};
use paho_oxide::protocol::Version;
use paho_oxide::protocol::property::{Properties, Property, PropertyId, Value};

use crate::server::{Program, Server, publish, v5};

fn create(ordered: bool, qos2_at_publish: bool) -> Create {
    Create {
        version: Version::V5,
        acks: Acks {
            by_program: true,
            ordered,
            qos2_at_publish,
        },
        ..Create::default()
    }
}

fn token(program: &Program) -> NonZeroU64 {
    let token = program.expect(Kind::Message).head.token;
    NonZeroU64::new(token).expect("something to acknowledge")
}

fn ack(program: &Program, tokens: &[NonZeroU64]) -> usize {
    program
        .client
        .ack(tokens.iter().copied(), 0)
        .expect("connected")
}

/// Four messages, and their tokens.
fn four(program: &Program, server: &mut Server) -> Vec<NonZeroU64> {
    for id in 1..=4 {
        server.send(&publish(true, 1, id, b"m"));
    }
    (0..4).map(|_| token(program)).collect()
}

#[test]
fn acknowledgements_leave_in_the_programs_order() {
    let (program, mut server) = Program::connected(create(false, false), v5());
    let tokens = four(&program, &mut server);
    for at in [2, 0, 3, 1] {
        assert_eq!(ack(&program, &tokens[at..=at]), 1);
        let id = u8::try_from(at + 1).expect("small");
        assert_eq!(server.packet()[..4], [0x40, 2, 0, id]);
    }
    assert_eq!(ack(&program, &tokens), 0, "once");
    server.expect_silence();
}

#[test]
fn or_in_that_of_the_messages_whatever_the_programs_is() {
    let (program, mut server) = Program::connected(create(true, false), v5());
    let tokens = four(&program, &mut server);
    assert_eq!(ack(&program, &[tokens[3], tokens[1]]), 2);
    server.expect_silence();
    assert_eq!(
        program.client.counters().unacknowledged,
        4,
        "they have not left"
    );
    assert_eq!(ack(&program, &[tokens[0]]), 1);
    assert_eq!(server.packet()[..4], [0x40, 2, 0, 1]);
    assert_eq!(server.packet()[..4], [0x40, 2, 0, 2]);
    server.expect_silence();
    assert_eq!(ack(&program, &[tokens[2]]), 1);
    assert_eq!(server.packet()[..4], [0x40, 2, 0, 3]);
    assert_eq!(server.packet()[..4], [0x40, 2, 0, 4]);
    assert_eq!(program.client.counters().unacknowledged, 0);
}

#[test]
fn those_of_an_older_connection_are_dropped() {
    let (program, mut server) = Program::connected(create(false, true), v5());
    server.send(&publish(true, 1, 1, b"m"));
    server.send(&publish(true, 2, 2, b"m"));
    let old = [token(&program), token(&program)];
    program.lose(server);
    assert!(
        program
            .client
            .ack(old.into_iter(), 0)
            .is_ok_and(|given| given == 0)
    );
    let resuming = Connect {
        clean: false,
        ..v5()
    };
    let mut server = program.reconnect(resuming, true);
    // The same packet identifiers, for messages that the server sends again or for others.
    server.send(&publish(true, 1, 1, b"m"));
    server.send(&publish(true, 2, 2, b"m"));
    let new = [token(&program), token(&program)];
    assert_eq!(ack(&program, &old), 0);
    server.expect_silence();
    assert_eq!(ack(&program, &new), 2);
    assert_eq!(server.packet()[..4], [0x40, 2, 0, 1]);
    assert_eq!(server.packet()[..4], [0x50, 2, 0, 2]);
}

#[test]
fn a_message_of_qos_2_comes_at_its_publish() {
    let (program, mut server) = Program::connected(create(false, true), v5());
    server.send(&publish(true, 2, 7, b"m"));
    let message = token(&program);
    server.expect_silence();
    assert_eq!(ack(&program, &[message]), 1);
    assert_eq!(server.packet()[..4], [0x50, 2, 0, 7], "PUBREC");
    // One more PUBLISH is the same message.
    server.send(&publish(true, 2, 7, b"m"));
    assert_eq!(server.packet()[..4], [0x50, 2, 0, 7], "PUBREC");
    server.send(&[0x62, 2, 0, 7]);
    assert_eq!(server.packet()[..4], [0x70, 2, 0, 7], "PUBCOMP");
    assert!(program.take().is_empty());
}

#[test]
fn or_at_its_pubrel() {
    let (program, mut server) = Program::connected(create(false, false), v5());
    server.send(&publish(true, 2, 7, b"m"));
    assert_eq!(server.packet()[..4], [0x50, 2, 0, 7], "PUBREC");
    assert!(program.take().is_empty());
    server.send(&[0x62, 2, 0, 7]);
    let message = token(&program);
    server.expect_silence();
    assert_eq!(ack(&program, &[message]), 1);
    assert_eq!(server.packet()[..4], [0x70, 2, 0, 7], "PUBCOMP");
}

/// [MQTT-3.3.4-9] The program's Receive Maximum bounds what the server may have unacknowledged, and what the program has not
/// acknowledged counts.
#[test]
fn unacknowledged_messages_count_against_receive_maximum() {
    let mut properties = Properties::new();
    properties
        .push(Property {
            id: PropertyId::ReceiveMaximum,
            value: Value::Two(2),
        })
        .expect("a property");
    let connect = Connect { properties, ..v5() };
    let (program, mut server) = Program::connected(create(false, false), connect);
    for id in 1..=2 {
        server.send(&publish(true, 1, id, b"m"));
    }
    let tokens = [token(&program), token(&program)];
    assert_eq!(program.client.counters().unacknowledged, 2);
    assert_eq!(ack(&program, &tokens[..1]), 1);
    assert_eq!(server.packet()[..4], [0x40, 2, 0, 1]);
    server.send(&publish(true, 1, 3, b"m"));
    token(&program);
    // That is one too many.
    server.send(&publish(true, 1, 4, b"m"));
    assert_eq!(
        server.packet()[..3],
        [0xe0, 1, 0x93],
        "DISCONNECT: Receive Maximum exceeded"
    );
    server.expect_end();
    let lost = program.expect(Kind::Lost);
    assert_eq!((lost.head.flags, lost.head.reason), (4, 0x93));
}

#[test]
fn a_refusal_by_the_program_is_told_to_the_server() {
    let (program, mut server) = Program::connected(create(false, true), v5());
    for qos in [1, 2] {
        server.send(&publish(true, qos, 9, b"m"));
        let message = token(&program);
        let given = program.client.ack([message].into_iter(), 0x83);
        assert_eq!(given.expect("connected"), 1);
        let first = if qos == 1 { 0x40 } else { 0x50 };
        assert_eq!(server.packet()[..5], [first, 3, 0, 9, 0x83]);
    }
    // A refused message of QoS 2 is done with: its packet identifier is free.
    server.send(&publish(true, 2, 9, b"another"));
    assert_eq!(program.expect(Kind::Message).payload(), b"another");
}
