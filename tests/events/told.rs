//! What a program is told: every kind of event with its members, and the counters, against what was on the wire.

use std::time::Duration;

use paho_oxide::events::{Acks, Connect, Create, Kind, Manner, Wait, Work};
use paho_oxide::options::{Secret, WillOptions};
use paho_oxide::protocol::packet::Filter;
use paho_oxide::protocol::property::{Properties, PropertiesRef, Property, PropertyId, Value};
use paho_oxide::protocol::{QoS, Version};

use crate::server::{PATIENCE, Program, message, publish, v5};

/// User Property "k" = "v" in a packet.
const USER_PROPERTY: [u8; 7] = [38, 0, 1, b'k', 0, 1, b'v'];

fn filter(filter: &[u8], qos: QoS) -> Filter<'_> {
    Filter {
        filter,
        qos,
        no_local: false,
        retain_as_published: false,
        retain_handling: 0,
    }
}

fn user_property() -> Properties {
    let mut properties = Properties::new();
    let pair = Property {
        id: PropertyId::UserProperty,
        value: Value::Pair(b"k", b"v"),
    };
    properties.push(pair).expect("a property");
    properties
}

fn of_v5() -> Create {
    Create {
        version: Version::V5,
        ..Create::default()
    }
}

#[test]
fn a_connection_is_told_with_its_session_and_properties() {
    let program = Program::new(Create {
        context: 99,
        ..of_v5()
    });
    for (number, present) in [(1, 0), (2, 1)] {
        let mut server = program.attach(Connect {
            clean: false,
            ..v5()
        });
        server.packet();
        let mut connack = vec![0x20, 10, present, 0, 7];
        connack.extend(USER_PROPERTY);
        server.send(&connack);
        let record = program.expect(Kind::Connected);
        assert_eq!(record.head.flags, present, "session present");
        assert_eq!((record.head.reason, record.head.qos), (0, 5));
        assert_eq!(record.head.value, number, "the connection's number");
        assert_eq!(record.properties(), USER_PROPERTY);
        program.lose(server);
    }
}

#[test]
fn a_refused_connection_is_told_with_the_servers_reason_and_properties() {
    let program = Program::new(of_v5());
    let mut server = program.attach(v5());
    server.packet();
    let mut connack = vec![0x20, 10, 0, 0x87, 7];
    connack.extend(USER_PROPERTY);
    server.send(&connack);
    let record = program.expect(Kind::ConnectFailed);
    assert_eq!((record.head.flags, record.head.reason), (0, 0x87));
    assert_eq!(record.properties(), USER_PROPERTY);
    assert!(!record.topic().is_empty(), "in words");
}

#[test]
fn a_servers_disconnect_is_told_with_its_reason_and_properties() {
    let (program, mut server) = Program::connected(of_v5(), v5());
    let mut disconnect = vec![0xe0, 9, 0x8b, 7];
    disconnect.extend(USER_PROPERTY);
    server.send(&disconnect);
    let record = program.expect(Kind::ServerDisconnect);
    assert_eq!(record.head.reason, 0x8b);
    assert_eq!(record.properties(), USER_PROPERTY);
    assert!(program.take().is_empty(), "it is told once, and as no loss");
    assert!(
        program
            .client
            .disconnect(Duration::ZERO, 0, Properties::new())
            .is_err()
    );
}

/// A loss says by what: the server's close, an answer to PINGREQ that does not come (within milliseconds, where the program says
/// so), bytes that are no MQTT, and the program's own abort, which says nothing to the server.
#[test]
fn a_loss_says_by_what() {
    let lost = |program: &Program| {
        let record = program.expect(Kind::Lost);
        assert!(!record.topic().is_empty(), "in words");
        (record.head.flags, record.head.reason)
    };
    let (program, server) = Program::connected(Create::default(), Connect::default());
    drop(server);
    assert_eq!(lost(&program), (1, 0));

    let impatient = Connect {
        keep_alive: Duration::from_secs(1),
        ping_timeout: Some(Duration::from_millis(50)),
        ..Connect::default()
    };
    let began = std::time::Instant::now();
    let mut server = program.reconnect(impatient, false);
    assert_eq!(server.packet(), [0xc0, 0], "PINGREQ");
    assert_eq!(lost(&program).0, 3);
    // Half of the keep-alive would be a second and a half in all, at least.
    assert!(began.elapsed() >= Duration::from_millis(50));
    drop(server);

    let mut server = program.reconnect(Connect::default(), false);
    server.send(&[0xff, 0]);
    let (flags, _) = lost(&program);
    assert_eq!(flags, 4);
    drop(server);

    let mut server = program.reconnect(Connect::default(), false);
    program.client.abort().expect("connected");
    assert_eq!(lost(&program).0, 6);
    server.expect_end();
    assert!(program.client.abort().is_err(), "there is nothing to abort");
}

#[test]
fn a_programs_disconnect_has_reason_and_properties_and_is_told() {
    let (program, mut server) = Program::connected(of_v5(), v5());
    program
        .client
        .disconnect(Duration::ZERO, 4, user_property())
        .expect("connected");
    let packet = server.packet();
    assert_eq!(packet[..4], [0xe0, 9, 4, 7]);
    assert_eq!(packet[4..], USER_PROPERTY);
    drop(server);
    assert_eq!(program.expect(Kind::Closed).head.flags, 1, "it was written");
    assert!(program.take().is_empty());
}

/// What is in flight is waited for, as many milliseconds as the program says: DISCONNECT follows the last acknowledgement, or the
/// end of the time.
#[test]
fn a_disconnect_waits_for_what_is_in_flight() {
    let (program, mut server) = Program::connected(Create::default(), Connect::default());
    program.publish(b"m");
    let packet = server.packet();
    program
        .client
        .disconnect(Duration::from_secs(600), 0, Properties::new())
        .expect("connected");
    server.expect_silence();
    server.send(&[0x40, 2, packet[5], packet[6]]);
    assert_eq!(server.packet(), [0xe0, 0]);
    drop(server);
    program.expect(Kind::Done);
    assert_eq!(program.expect(Kind::Closed).head.flags, 1);

    let mut server = program.reconnect(Connect::default(), false);
    program.publish(b"m");
    server.packet();
    let began = std::time::Instant::now();
    program
        .client
        .disconnect(Duration::from_millis(30), 0, Properties::new())
        .expect("connected");
    assert_eq!(server.packet(), [0xe0, 0]);
    assert!(began.elapsed() >= Duration::from_millis(30));
    drop(server);
    assert_eq!(program.expect(Kind::Closed).head.flags, 1);

    // The server ends the connection meanwhile: DISCONNECT was not written.
    let mut server = program.reconnect(
        Connect {
            clean: false,
            ..Connect::default()
        },
        true,
    );
    assert_eq!(server.packet()[0], 0x3a, "again");
    program
        .client
        .disconnect(Duration::from_secs(600), 0, Properties::new())
        .expect("connected");
    drop(server);
    assert_eq!(program.expect(Kind::Closed).head.flags, 0);
}

#[test]
fn subscriptions_end_with_codes_and_properties_or_with_their_connection() {
    let (program, mut server) = Program::connected(of_v5(), v5());
    let filters = [
        filter(b"a", QoS::AtLeastOnce),
        filter(b"b", QoS::ExactlyOnce),
    ];
    let token = program
        .client
        .subscribe(&filters, user_property().as_ref())
        .expect("connected");
    let packet = server.packet();
    assert_eq!(packet[0], 0x82);
    assert_eq!(packet[4], 7);
    assert_eq!(packet[5..12], USER_PROPERTY);
    assert_eq!(packet[12..], *b"\0\x01a\x01\0\x01b\x02");
    let mut suback = vec![0x90, 12, packet[2], packet[3], 7];
    suback.extend(USER_PROPERTY);
    suback.extend([1, 0x87]);
    server.send(&suback);
    let record = program.expect(Kind::SubAck);
    assert_eq!(record.head.token, token);
    assert_eq!(record.payload(), [1, 0x87]);
    assert_eq!(record.properties(), USER_PROPERTY);

    let token = program
        .client
        .unsubscribe(&[b"a"], PropertiesRef::EMPTY)
        .expect("connected");
    let packet = server.packet();
    assert_eq!(packet[0], 0xa2);
    assert_eq!(packet[4..], *b"\0\0\x01a");
    server.send(&[0xb0, 4, packet[2], packet[3], 0, 0x11]);
    let record = program.expect(Kind::UnsubAck);
    assert_eq!((record.head.token, record.payload()), (token, &[0x11][..]));

    // The connection ends before the answer.
    let tokens = [
        program.client.subscribe(&filters, PropertiesRef::EMPTY),
        program.client.unsubscribe(&[b"b"], PropertiesRef::EMPTY),
    ];
    server.packet();
    server.packet();
    drop(server);
    let mut failed = Vec::new();
    loop {
        let record = program.next();
        match record.head.kind {
            Kind::Failed => {
                assert_eq!(record.head.flags, 2);
                failed.push(record.head.token);
            }
            Kind::Lost => break,
            other => panic!("{other:?}"),
        }
    }
    while failed.len() < 2 {
        failed.push(program.expect(Kind::Failed).head.token);
    }
    failed.sort_unstable();
    let tokens = tokens.map(|token| token.expect("connected"));
    assert_eq!(failed, tokens);
    // Without a connection there is none to ask.
    assert!(
        program
            .client
            .subscribe(&filters, PropertiesRef::EMPTY)
            .is_err()
    );
}

/// Why a publish fails: refused by the server, taken back, expired while it waited, or ended with the session.
#[test]
fn a_failed_publish_says_why() {
    let create = Create {
        buffer_offline: true,
        ..of_v5()
    };
    let (program, mut server) = Program::connected(create, v5());
    let token = program.publish(b"m");
    let packet = server.packet();
    let mut puback = vec![0x40, 11, packet[5], packet[6], 0x97, 7];
    puback.extend(USER_PROPERTY);
    server.send(&puback);
    let record = program.expect(Kind::Failed);
    assert_eq!((record.head.token, record.head.flags), (token, 1));
    assert_eq!(record.head.reason, 0x97);
    assert_eq!(record.properties(), USER_PROPERTY);
    // PUBREC ends a message of QoS 2 as well.
    let refused = program
        .client
        .publish(&message(QoS::ExactlyOnce, b"m"), Manner::default())
        .expect("accepted");
    let packet = server.packet();
    server.send(&[0x50, 3, packet[5], packet[6], 0x83]);
    let record = program.expect(Kind::Failed);
    assert_eq!((record.head.token, record.head.flags), (refused.number, 1));
    assert_eq!(record.head.reason, 0x83);
    program.lose(server);

    let token = program.publish(b"taken back");
    assert!(program.client.cancel(token));
    let record = program.expect(Kind::Failed);
    assert_eq!((record.head.token, record.head.flags), (token, 7));

    let mut expiry = Properties::new();
    expiry
        .push(Property {
            id: PropertyId::MessageExpiryInterval,
            value: Value::Four(0),
        })
        .expect("a property");
    let mut expiring = message(QoS::AtLeastOnce, b"late");
    expiring.properties = expiry.as_ref();
    let expired = program
        .client
        .publish(&expiring, Manner::default())
        .expect("accepted");
    let mut server = program.reconnect(
        Connect {
            clean: false,
            ..v5()
        },
        false,
    );
    let record = program.expect(Kind::Failed);
    assert_eq!((record.head.token, record.head.flags), (expired.number, 3));
    server.expect_silence();
    let counters = program.client.counters();
    assert_eq!(counters.messages_out, 2, "neither of those that waited");

    let token = program.publish(b"left");
    server.packet();
    program.client.destroy();
    let ended = program.take();
    let left = ended
        .iter()
        .find(|record| record.head.token == token)
        .expect("it ends");
    assert_eq!((left.head.kind, left.head.flags), (Kind::Failed, 2));
}

/// A whole CONNECT: the bridge's bit, a clean bit that is not the session's, a password that is no text, the will.
#[test]
fn a_connect_says_what_the_program_says() {
    let program = Program::new(Create {
        client_id: "created".into(),
        ..Create::default()
    });
    let will = |properties| WillOptions {
        topic: "w".into(),
        payload: vec![0, 255],
        qos: QoS::ExactlyOnce,
        retained: true,
        properties,
    };
    let connect = Connect {
        bridge: true,
        clean: false,
        keep_alive: Duration::from_secs(258),
        client_id: Some("other".into()),
        username: Some("u".into()),
        password: Some(Secret(vec![0xff, 0])),
        will: Some(will(Properties::new())),
        ..Connect::default()
    };
    let body = b"\x01\x02\0\x05other\0\x01w\0\x02\0\xff\0\x01u\0\x02\xff\0";
    let mut server = program.attach(connect.clone());
    let packet = server.packet();
    assert_eq!(packet[2..10], *b"\0\x04MQTT\x84\xf4");
    assert_eq!(&packet[10..], body);
    drop(server);
    program.expect(Kind::ConnectFailed);

    let mut server = program.attach(Connect {
        version: Version::V31,
        ..connect
    });
    let packet = server.packet();
    assert_eq!(packet[2..12], *b"\0\x06MQIsdp\x83\xf4");
    assert_eq!(&packet[12..], body);
    drop(server);
    program.expect(Kind::ConnectFailed);

    let mut server = program.attach(Connect {
        properties: user_property(),
        will: Some(will(user_property())),
        ..v5()
    });
    let packet = server.packet();
    assert_eq!(packet[2..10], *b"\0\x04MQTT\x05\x36");
    let rest = [
        &[0, 60, 7],
        &USER_PROPERTY[..],
        b"\0\x07created\x07",
        &USER_PROPERTY,
        b"\0\x01w\0\x02\0\xff",
    ];
    assert_eq!(packet[10..], rest.concat());
}

/// Waits until so many bytes are counted: the thread that has written the last of them may have yet to say so.
pub fn bytes_out(program: &Program, bytes: usize) {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let counted = program.client.counters().bytes_out;
        if counted == bytes as u64 {
            return;
        }
        assert!(counted < bytes as u64, "{counted} of {bytes}");
        assert!(std::time::Instant::now() < deadline, "{counted} of {bytes}");
        std::thread::yield_now();
    }
}

/// Every counter, where the other end knows what it has to be.
#[test]
fn counters_are_what_the_server_saw() {
    let create = Create {
        acks: Acks {
            by_program: true,
            ..Acks::default()
        },
        buffer_offline: true,
        ..of_v5()
    };
    let program = Program::new(create);
    program.publish(b"waits");
    let counters = program.client.counters();
    assert_eq!((counters.queued, counters.in_flight), (1, 0));
    assert_eq!((counters.connections, counters.messages_out), (0, 0));
    let mut server = program.attach(v5());
    let mut out = server.packet().len();
    // One message of QoS 1 or 2 at a time.
    let connack = [0x20, 6, 0, 0, 3, 33, 0, 1];
    server.send(&connack);
    let mut sent = connack.len();
    program.expect(Kind::Connected);
    let packet = server.packet();
    out += packet.len();
    program.publish(b"waits too");
    let counters = program.client.counters();
    assert_eq!((counters.queued, counters.in_flight), (1, 1));
    assert_eq!((counters.connections, counters.messages_out), (1, 1));
    bytes_out(&program, out);
    server.send(&[0x40, 2, packet[5], packet[6]]);
    let packet = server.packet();
    out += packet.len();
    server.send(&[0x40, 2, packet[5], packet[6]]);
    sent += 8;
    let mut ended = 0;
    while ended < 2 {
        ended += program.expect(Kind::Done).head.value;
    }
    // Messages that nobody has taken yet: the PUBCOMP behind them says that they have been read.
    for number in 1..=3 {
        let message = publish(true, 1, number, b"m");
        sent += message.len();
        server.send(&message);
    }
    server.expect_silence();
    // PUBREL, and PUBCOMP with a reason code.
    (sent, out) = (sent + 4, out + 5);
    let counters = program.client.counters();
    assert_eq!((counters.unread_messages, counters.unacknowledged), (3, 3));
    assert!(counters.unread_bytes >= 3);
    assert_eq!((counters.messages_in, counters.messages_out), (3, 2));
    assert_eq!(counters.bytes_in, sent as u64);
    bytes_out(&program, out);
    for _ in 0..3 {
        program.expect(Kind::Message);
    }
    let counters = program.client.counters();
    assert_eq!((counters.unread_messages, counters.unread_bytes), (0, 0));
    assert_eq!(counters.unacknowledged, 3, "taken is not acknowledged");
    assert_eq!((counters.queued, counters.in_flight), (0, 0));
    assert_eq!(counters.unwritten_bytes, 0);
    assert_eq!(counters.ping_round_trip, None);
    program.lose(server);

    // They count over all connections.
    let pinging = Connect {
        keep_alive: Duration::from_secs(1),
        ping_timeout: Some(PATIENCE),
        ..v5()
    };
    let mut server = program.reconnect(pinging, false);
    assert_eq!(server.packet(), [0xc0, 0]);
    server.send(&[0xd0, 0]);
    server.send(&publish(true, 0, 0, b"behind PINGRESP"));
    program.expect(Kind::Message);
    let counters = program.client.counters();
    assert_eq!((counters.connections, counters.messages_in), (2, 4));
    assert!(counters.ping_round_trip.is_some());
    assert_eq!(counters.unacknowledged, 0, "of this connection");
    program.lose(server);
    let _server = program.reconnect(v5(), false);
    let now = program.client.counters();
    assert_eq!(now.ping_round_trip, counters.ping_round_trip, "the last");
}

/// Bytes that the kernel has not taken, where nobody reads.
#[test]
fn unwritten_bytes_are_counted() {
    let (program, server) = Program::connected(Create::default(), Connect::default());
    let payload = vec![0; 256 * 1024];
    let mut accepted = 0;
    while program
        .client
        .publish(&message(QoS::AtMostOnce, &payload), Manner::default())
        .is_ok()
    {
        accepted += 1;
        assert!(accepted < 1000, "there is an end of it");
    }
    let counters = program.client.counters();
    assert!(counters.unwritten_bytes > 1 << 20, "{counters:?}");
    let unwritten = usize::try_from(counters.unwritten_bytes).expect("small");
    assert!(unwritten <= accepted * (payload.len() + 16));
    drop(server);
}

/// The queue's descriptor is readable while there is something to take, and not after.
#[test]
fn the_descriptor_is_readable_while_there_are_events() {
    let (program, mut server) = Program::connected(Create::default(), Connect::default());
    let descriptor = program.queue.event_fd().expect("a descriptor");
    let readable = |patience: i32| {
        let mut polled = [rustix::event::PollFd::new(
            &descriptor,
            rustix::event::PollFlags::IN,
        )];
        let timeout = rustix::event::Timespec {
            tv_sec: patience.into(),
            tv_nsec: 0,
        };
        rustix::event::poll(&mut polled, Some(&timeout)).expect("poll") == 1
    };
    program.take();
    assert!(!readable(0));
    server.send(&publish(false, 0, 0, b"m"));
    assert!(readable(30));
    // Still, as nobody has taken it.
    assert!(readable(0));
    program.expect(Kind::Message);
    assert!(!readable(0));
    program.queue.interrupt();
    assert!(readable(0));
    assert_eq!(program.queue.take_batch(Wait::No, |_, _| true), Ok(0));
}

/// Who drives keeps the time as well: a ping is due when the deadline says so, and its answer too.
#[test]
fn a_caller_that_drives_sends_the_pings() {
    let create = Create {
        driver: Work::ALL,
        ..Create::default()
    };
    let connect = Connect {
        keep_alive: Duration::from_secs(1),
        // Long enough for the answer to the first one, on a busy machine too.
        ping_timeout: Some(Duration::from_secs(3)),
        ..Connect::default()
    };
    let (program, mut server) = Program::connected(create, connect);
    let wait = || {
        let deadline = program.client.deadline().expect("keep-alive");
        assert!(deadline <= Duration::from_secs(3));
        std::thread::sleep(deadline);
        program.client.drive(Work::ALL);
    };
    wait();
    assert_eq!(server.packet(), [0xc0, 0]);
    server.send(&[0xd0, 0]);
    program.client.drive(Work::ALL);
    assert!(program.client.counters().ping_round_trip.is_some());
    wait();
    assert_eq!(server.packet(), [0xc0, 0]);
    // The deadline may be of something else before it is the ping's.
    while program.client.deadline().is_some() {
        wait();
    }
    assert_eq!(program.expect(Kind::Lost).head.flags, 3);
}
