//! What becomes of publishes in flight when a connection follows another.

use paho_oxide::events::{Connect, Create, Kind, Manner, Policy};
use paho_oxide::protocol::{QoS, Version};

use crate::server::{Program, message};

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
    server.packet();
    let present = u8::from(present);
    if version == Version::V5 {
        server.send(&[0x20, 3, present, 0, 0]);
    } else {
        server.send(&[0x20, 2, present, 0]);
    }
    let mut failed = false;
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
    let again = |server: &mut crate::server::Server| {
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
