//! What becomes of publishes in flight when a connection follows another.

use paho_oxide::events::{Acks, Connect, Create, Kind, Manner, Policy};
use paho_oxide::protocol::packet::Publish;
use paho_oxide::protocol::property::{Context, PropertiesRef};
use paho_oxide::protocol::{QoS, Version};

use crate::server::{Program, Server, message};

/// What the server sees of a publish that was in flight.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// As a first delivery.
    New,
    /// With DUP.
    Again,
    /// Nothing, and the program hears that it failed.
    Failed,
}

fn connect(version: Version, session: Policy) -> Connect {
    Connect {
        version,
        session,
        clean: false,
        ..Connect::default()
    }
}

fn outcome(version: Version, session: Policy, present: bool) -> Seen {
    let create = Create {
        version,
        ..Create::default()
    };
    let (program, mut server) = Program::connected(create, connect(version, Policy::KeepAndResend));
    let token = program.publish(b"m");
    assert_eq!(server.packet()[0], 0x32);
    program.lose(server);
    assert_eq!(
        program.client.in_flight().len(),
        1,
        "a loss alone fails nothing"
    );
    let mut server = program.attach(connect(version, session));
    if session == Policy::Clear {
        assert_eq!(program.expect(Kind::Failed).head.token, token);
    }
    server.packet();
    let present = u8::from(present);
    if version == Version::V5 {
        server.send(&[0x20, 3, present, 0, 0]);
    } else {
        server.send(&[0x20, 2, present, 0]);
    }
    let mut failed = session == Policy::Clear;
    loop {
        let record = program.next();
        match record.head.kind {
            Kind::Failed => {
                assert_eq!((record.head.token, record.head.flags), (token, 2));
                failed = true;
            }
            Kind::Connected => break,
            other => panic!("{other:?}"),
        }
    }
    if !failed && program.client.in_flight().is_empty() {
        assert_eq!(program.expect(Kind::Failed).head.token, token);
        failed = true;
    }
    if failed {
        server.expect_silence();
        return Seen::Failed;
    }
    let seen = match server.packet()[0] {
        0x32 => Seen::New,
        0x3a => Seen::Again,
        other => panic!("{other:#x}"),
    };
    let id = program.client.in_flight()[0].packet_id.to_be_bytes();
    server.send(&[0x40, 2, id[0], id[1]]);
    assert_eq!(program.expect(Kind::Done).head.token, token);
    seen
}

#[test]
fn resend_sends_again_and_as_new_where_the_server_has_nothing() {
    let outcome = |version, present| outcome(version, Policy::KeepAndResend, present);
    assert_eq!(outcome(Version::V5, true), Seen::Again);
    assert_eq!(outcome(Version::V5, false), Seen::New);
    // Below MQTT 5 DUP is set on whatever is sent again [MQTT-3.3.1-1].
    assert_eq!(outcome(Version::V311, true), Seen::Again);
    assert_eq!(outcome(Version::V311, false), Seen::Again);
}

#[test]
fn keep_sends_again_with_dup_whatever_the_server_has() {
    for version in [Version::V311, Version::V5] {
        for present in [true, false] {
            let seen = outcome(version, Policy::Keep, present);
            assert_eq!(seen, Seen::Again, "{version:?} {present}");
        }
    }
}

#[test]
fn follow_fails_what_the_server_does_not_have() {
    for version in [Version::V311, Version::V5] {
        assert_eq!(outcome(version, Policy::FollowServer, true), Seen::Again);
        assert_eq!(outcome(version, Policy::FollowServer, false), Seen::Failed);
    }
}

#[test]
fn clear_fails_all_of_it() {
    for version in [Version::V311, Version::V5] {
        for present in [true, false] {
            let seen = outcome(version, Policy::Clear, present);
            assert_eq!(seen, Seen::Failed, "{version:?} {present}");
        }
    }
}

#[test]
fn what_is_sent_again_has_a_window_of_its_own() {
    let keep = || connect(Version::V311, Policy::KeepAndResend);
    let (program, mut server) = Program::connected(Create::default(), keep());
    for number in 0..6_u8 {
        program.publish(&[number]);
        server.packet();
    }
    program.lose(server);
    let mut server = program.reconnect(
        Connect {
            max_resume_inflight: Some(2),
            ..keep()
        },
        true,
    );
    let again = |server: &mut Server| {
        let packet = server.packet();
        assert_eq!(packet[0], 0x3a);
        (u16::from_be_bytes([packet[5], packet[6]]), packet[7])
    };
    let mut sent = std::collections::VecDeque::from([again(&mut server), again(&mut server)]);
    assert_eq!((sent[0].1, sent[1].1), (0, 1), "in their order");
    server.expect_silence();
    for number in 2..6 {
        let [high, low] = sent.pop_front().expect("two are out").0.to_be_bytes();
        server.send(&[0x40, 2, high, low]);
        let next = again(&mut server);
        assert_eq!(next.1, number);
        sent.push_back(next);
        server.expect_silence();
    }
}

#[test]
fn operations_are_listed_with_their_packet_identifiers_from_acceptance_on() {
    let create = Create {
        buffer_offline: true,
        ids_at_accept: true,
        ..Create::default()
    };
    let program = Program::new(create);
    let accepted: Vec<_> = (0..3)
        .map(|_| {
            program
                .client
                .publish(&message(QoS::ExactlyOnce, b"m"), Manner::default())
                .expect("buffered")
        })
        .collect();
    let listed = program.client.in_flight();
    assert_eq!(listed.len(), 3);
    for (operation, accepted) in listed.iter().zip(&accepted) {
        assert_ne!(accepted.packet_id, 0);
        assert_eq!(operation.packet_id, accepted.packet_id);
        assert_eq!(operation.number, accepted.number);
        assert_eq!(operation.qos, Some(QoS::ExactlyOnce));
    }
    // One that is taken back gives its identifier back, and is not sent.
    assert!(program.client.cancel(accepted[1].number));
    assert_eq!(program.expect(Kind::Failed).head.flags, 7);
    let mut server = program.reconnect(connect(Version::V311, Policy::KeepAndResend), true);
    for accepted in [&accepted[0], &accepted[2]] {
        let packet = server.packet();
        assert_eq!(packet[0], 0x34);
        assert_eq!(packet[5..7], accepted.packet_id.to_be_bytes());
    }
    server.expect_silence();
    assert!(
        !program.client.cancel(accepted[0].number),
        "it has been sent"
    );
}

/// Each connection decides anew whether the server has the message, whatever was sent on others. The program's own DUP stays.
#[test]
fn what_was_sent_again_is_new_to_a_server_without_the_session() {
    for first in [Policy::KeepAndResend, Policy::Keep, Policy::FollowServer] {
        let keep = |session| connect(Version::V5, session);
        let create = Create {
            version: Version::V5,
            ..Create::default()
        };
        let (program, mut server) = Program::connected(create, keep(first));
        program.publish(b"m");
        let marked = Publish {
            dup: true,
            ..message(QoS::ExactlyOnce, b"marked")
        };
        let published = program.client.publish(&marked, Manner::default());
        published.expect("accepted");
        let kinds = |server: &mut Server| [server.packet()[0], server.packet()[0]];
        assert_eq!(kinds(&mut server), [0x32, 0x3c]);
        program.lose(server);
        let mut server = program.reconnect(keep(first), true);
        assert_eq!(kinds(&mut server), [0x3a, 0x3c]);
        program.lose(server);
        let mut server = program.reconnect(keep(Policy::KeepAndResend), false);
        assert_eq!(kinds(&mut server), [0x32, 0x3c], "{first:?}");
        program.lose(server);
        let mut server = program.reconnect(keep(Policy::KeepAndResend), true);
        assert_eq!(kinds(&mut server), [0x3a, 0x3c], "{first:?}");
    }
}

/// What is cleared has failed before the server has heard of the connection, and has failed if it never does.
#[test]
fn clear_fails_all_of_it_before_the_connection_begins() {
    let (program, server) = Program::connected(
        Create::default(),
        connect(Version::V311, Policy::KeepAndResend),
    );
    let token = program.publish(b"m");
    program.lose(server);
    drop(program.attach(connect(Version::V311, Policy::Clear)));
    let failed = program.expect(Kind::Failed);
    assert_eq!((failed.head.token, failed.head.flags), (token, 2));
    program.expect(Kind::ConnectFailed);
    let mut server = program.reconnect(connect(Version::V311, Policy::KeepAndResend), true);
    server.expect_silence();

    // The same where the engine makes the connection, or cannot.
    let token = program.publish(b"m");
    program.lose(server);
    let nobody = vec!["unix:///nonexistent/paho-oxide".to_owned()];
    let clear = Connect {
        clean: true,
        ..connect(Version::V311, Policy::Clear)
    };
    program.client.connect(nobody, clear, None).expect("begun");
    assert_eq!(program.expect(Kind::Failed).head.token, token);
    program.expect(Kind::ConnectFailed);
    assert!(program.client.in_flight().is_empty());
}

/// A PUBLISH is made one of the connection's version, whether it was in flight or waited, and so is one that was received.
#[test]
fn what_is_held_goes_on_in_the_words_of_another_version() {
    for (old, new) in [(Version::V311, Version::V5), (Version::V5, Version::V31)] {
        let create = Create {
            version: old,
            buffer_offline: true,
            acks: Acks {
                by_program: true,
                ..Acks::default()
            },
            ..Create::default()
        };
        let keep = |version| connect(version, Policy::KeepAndResend);
        let (program, mut server) = Program::connected(create, keep(old));
        let properties = [1, 1];
        let publish = |qos, payload| {
            let v5 = program.client.is_v5();
            let properties: &[u8] = if v5 { &properties } else { &[] };
            let publish = Publish {
                properties: PropertiesRef::parse(properties, Context::Publish).expect("valid"),
                ..message(qos, payload)
            };
            let accepted = program.client.publish(&publish, Manner::default());
            accepted.expect("accepted");
        };
        publish(QoS::AtLeastOnce, b"one");
        publish(QoS::ExactlyOnce, b"two");
        server.packet();
        server.packet();
        server.send(&crate::server::publish(old == Version::V5, 2, 7, b"in"));
        assert_eq!(server.packet()[..4], [0x50, 2, 0, 7]);
        program.lose(server);
        publish(QoS::AtLeastOnce, b"waits");

        let mut server = program.reconnect(keep(new), true);
        let empty: &[u8] = if new == Version::V5 { &[0] } else { &[] };
        // MQTT 3.1 tells of no session, but everything is sent with DUP.
        for (first, id, payload) in [
            (0x3a, 1, &b"one"[..]),
            (0x3c, 2, b"two"),
            (0x32, 3, b"waits"),
        ] {
            let packet = server.packet();
            assert_eq!(packet[0], first);
            assert_eq!(
                packet[2..],
                [&b"\0\x01t\0"[..], &[id], empty, payload].concat(),
                "{old:?} to {new:?}"
            );
        }
        server.send(&[0x62, 2, 0, 7]);
        let record = program.expect(Kind::Message);
        assert_eq!(record.payload(), b"in");
        server.send(&[0x40, 2, 0, 1]);
        program.expect(Kind::Done);
    }
}
