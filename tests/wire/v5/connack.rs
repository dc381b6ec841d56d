//! Section 3.2: CONNACK, and the limits that it sets.

use crate::broker::{Broker, alongside};
use crate::common::{connack_refused, connect, connected, connected_with, lose};
use crate::driver::{AsyncClient, ConnectOptions, Event, SyncClient};
use crate::packet::{AckKind, Value, Version, prop, text, user};
use crate::server::{ack_with, connack, disconnect, message};

use super::not_sent;

const V: Version = Version::V5;

/// [MQTT-3.2.0-1] Where the first packet is neither CONNACK nor AUTH there is no connection.
#[test]
fn mqtt_3_2_0_1_first_answer_is_connack() {
    for answer in [&b"\xD0\x00"[..], b"\x30\x04\x00\x01a\x00", b"\xE0\x01\x8B"] {
        assert_ne!(connack_refused(V, &ConnectOptions::default(), answer), 0);
    }
}

/// [MQTT-3.2.0-2] A second CONNACK ends the connection with 0x82.
#[test]
fn mqtt_3_2_0_2_second_connack() {
    let (_broker, mut peer, client) = connected(V);
    peer.connack(false, &[]);
    peer.expect_refusal(0x82);
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// [MQTT-3.2.2-1] A CONNACK with reserved flags is none.
#[test]
fn mqtt_3_2_2_1_reserved_flags() {
    for flags in [2, 0x80, 0xFE] {
        assert_ne!(
            connack_refused(V, &ConnectOptions::default(), &[0x20, 3, flags, 0, 0]),
            0
        );
    }
}

/// [MQTT-3.2.2-3] Session Present is handed to the program as the server says it; [`connect`] compares.
#[test]
fn mqtt_3_2_2_3_session_present_is_reported() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    for session_present in [true, false] {
        let (peer, asked) = connect(
            &broker,
            &client,
            &ConnectOptions::resuming(),
            session_present,
            &[],
        );
        assert!(!asked.clean);
        lose(peer, &client);
    }
}

/// [MQTT-3.2.2-4] A client that has just discarded its session (Clean Start) cannot go on with one: Session Present ends
/// the connection.
#[test]
fn mqtt_3_2_2_4_session_that_the_client_does_not_have() {
    assert_ne!(
        connack_refused(V, &ConnectOptions::default(), &connack(V, true, 0, &[])),
        0
    );
}

/// [MQTT-3.2.2-5] When the server has no session, the client's is void: no PUBREL of it is sent, no identifier received in
/// it is known, and a message of it that still has to be delivered goes out as a new one, without DUP.
#[test]
fn mqtt_3_2_2_5_session_that_the_server_does_not_have() {
    let options = ConnectOptions {
        clean: false,
        ..ConnectOptions::with(&[(prop::SESSION_EXPIRY, Value::Four(1000))])
    };
    let (broker, mut peer, client) = connected_with(V, &options, &[]);
    client.publish("open", b"", 1).unwrap();
    client.publish("released", b"", 2).unwrap();
    peer.expect_publish();
    let released = peer.expect_publish().id;
    peer.ack(AckKind::PubRec, released);
    peer.expect_ack(AckKind::PubRel, released);
    peer.publish(&message("a", b"old").qos(2, 7));
    peer.expect_ack(AckKind::PubRec, 7);
    assert_eq!(client.message().payload, b"old");
    lose(peer, &client);
    assert_eq!(client.connect(&options), 0);
    let mut peer = broker.accept();
    peer.expect_connect();
    peer.connack(false, &[]);
    peer.publish(&message("a", b"new").qos(2, 7));
    peer.publish(&message("end", b"").qos(1, 8));
    loop {
        use crate::packet::Packet;
        match peer.expect() {
            Packet::Publish(publish) => assert!(!publish.dup, "{publish:?}"),
            Packet::Ack(ack) if ack.kind == AckKind::PubRec => assert_eq!(ack.id, 7),
            Packet::Ack(ack) if ack.kind == AckKind::PubAck => break,
            other => panic!("{other:?}"),
        }
    }
    peer.ack(AckKind::PubRel, 7);
    while !matches!(peer.expect(), crate::packet::Packet::Ack(ack) if ack.kind == AckKind::PubComp)
    {
    }
    peer.publish(&message("last", b""));
    let arrived: Vec<_> = std::iter::repeat_with(|| client.next())
        .filter_map(|event| match event {
            Event::Message(message) => Some(message),
            _ => None,
        })
        .take_while(|message| message.topic != "last")
        .map(|message| (message.topic, message.payload))
        .collect();
    let expected = [("a", "new"), ("end", "")];
    assert_eq!(arrived, expected.map(|(t, p)| (t.into(), p.into())));
}

/// [MQTT-3.2.2-6] A CONNACK that refuses and has a session is none.
#[test]
fn mqtt_3_2_2_6_refusal_with_a_session_is_malformed() {
    assert_ne!(
        connack_refused(V, &ConnectOptions::resuming(), &connack(V, true, 0x87, &[])),
        0
    );
}

/// [MQTT-3.2.2-7] After a refusal the connection is over, and the program has the code; both APIs.
#[test]
fn mqtt_3_2_2_7_refusal_ends_the_connection() {
    let codes = [
        0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97,
        0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F,
    ];
    for code in codes {
        let answer = connack(V, false, code, &[]);
        assert_eq!(
            connack_refused(V, &ConnectOptions::default(), &answer),
            code.into()
        );
    }
    let broker = Broker::start();
    let client = SyncClient::new(V, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.send(&connack(
            V,
            false,
            0x89,
            &[text(prop::REASON_STRING, "busy")],
        ));
        peer.expect_close();
    };
    let ((), code) = alongside(steps, || client.connect(&ConnectOptions::default()));
    assert_eq!(code, 0x89);
    assert!(!client.is_connected());
}

/// [MQTT-3.2.2-8] A code below 0x80 that CONNACK does not have does not make a connection.
#[test]
fn mqtt_3_2_2_8_unknown_reason_code() {
    for code in [0x10, 0x18, 0x7F] {
        assert_ne!(
            connack_refused(V, &ConnectOptions::default(), &connack(V, false, code, &[])),
            0
        );
    }
}

/// [MQTT-3.2.2-9] The server's limits reach the program, in their order.
#[test]
fn mqtt_3_2_2_9_limits_are_reported() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    assert_eq!(client.connect(&ConnectOptions::default()), 0);
    let mut peer = broker.accept();
    peer.expect_connect();
    let limits = vec![
        (prop::MAXIMUM_QOS, Value::Byte(1)),
        (prop::RETAIN_AVAILABLE, Value::Byte(0)),
        (prop::MAXIMUM_PACKET_SIZE, Value::Four(1000)),
        (prop::RECEIVE_MAXIMUM, Value::Two(3)),
        (prop::TOPIC_ALIAS_MAXIMUM, Value::Two(4)),
        (prop::SESSION_EXPIRY, Value::Four(5)),
        (prop::WILDCARD_AVAILABLE, Value::Byte(0)),
        (prop::SUBSCRIPTION_IDS_AVAILABLE, Value::Byte(0)),
        (prop::SHARED_AVAILABLE, Value::Byte(0)),
        text(prop::SERVER_REFERENCE, "elsewhere"),
        text(prop::REASON_STRING, "welcome"),
        user("a", "1"),
        user("a", "0"),
    ];
    peer.connack(false, &limits);
    assert!(matches!(client.next(), Event::Connected { properties, .. } if properties == limits));
}

/// [MQTT-3.2.2-10] Maximum `QoS` is for messages: a subscription may ask for more.
#[test]
fn mqtt_3_2_2_10_subscriptions_above_the_maximum_qos() {
    let (_broker, mut peer, client) = connected_with(
        V,
        &ConnectOptions::default(),
        &[(prop::MAXIMUM_QOS, Value::Byte(0))],
    );
    let token = client.subscribe("a", 2).unwrap();
    let subscribe = peer.expect_subscribe();
    assert_eq!(subscribe.filters, [("a".to_owned(), 2)]);
    peer.suback(subscribe.id, &[0]);
    assert_eq!(client.done(token), [0]);
}

/// [MQTT-3.2.2-11] No message above the server's Maximum `QoS` is sent.
#[test]
fn mqtt_3_2_2_11_maximum_qos() {
    for maximum in 0..2 {
        let limit = [(prop::MAXIMUM_QOS, Value::Byte(maximum))];
        let (_broker, mut peer, client) = connected_with(V, &ConnectOptions::default(), &limit);
        for qos in i32::from(maximum) + 1..3 {
            not_sent(&client, client.publish("a", b"", qos));
        }
        peer.expect_silence();
        client.publish("a", b"", maximum.into()).unwrap();
        assert_eq!(peer.expect_publish().qos, maximum);
    }
}

/// [MQTT-3.2.2-12] The server's refusal of the will's `QoS` or RETAIN reaches the program.
#[test]
fn mqtt_3_2_2_12_refused_will() {
    let will = crate::driver::Will {
        topic: b"w".into(),
        qos: 2,
        retained: true,
        ..Default::default()
    };
    let options = ConnectOptions {
        will: Some(will),
        ..ConnectOptions::default()
    };
    for code in [0x9A, 0x9B] {
        assert_eq!(
            connack_refused(V, &options, &connack(V, false, code, &[])),
            code.into()
        );
    }
}

/// [MQTT-3.2.2-14] No message with RETAIN is sent to a server without Retain Available.
#[test]
fn mqtt_3_2_2_14_retain_not_available() {
    let limit = [(prop::RETAIN_AVAILABLE, Value::Byte(0))];
    let (_broker, mut peer, client) = connected_with(V, &ConnectOptions::default(), &limit);
    for qos in 0..3 {
        not_sent(&client, client.send("a", b"", qos, true, &[]));
    }
    peer.expect_silence();
    client.publish("a", b"", 1).unwrap();
    assert!(!peer.expect_publish().retain);
}

/// [MQTT-3.2.2-15] No packet above the server's Maximum Packet Size is sent, of whatever kind; one of just that size is.
#[test]
fn mqtt_3_2_2_15_maximum_packet_size() {
    let limit = [(prop::MAXIMUM_PACKET_SIZE, Value::Four(30))];
    let (_broker, mut peer, client) = connected_with(V, &ConnectOptions::default(), &limit);
    for qos in 0..3 {
        let payload = vec![b'x'; if qos == 0 { 24 } else { 22 }];
        client.publish("a", &payload, qos).unwrap();
        assert_eq!(peer.expect_publish().payload, payload);
        not_sent(
            &client,
            client.publish("a", [&payload[..], b"x"].concat(), qos),
        );
        if qos == 0 {
            client.next();
        }
    }
    peer.expect_silence();
    let filter = vec![b'f'; 25];
    assert!(client.subscribe_with(&[(&filter, 0)], &[], &[]).is_err());
    assert!(client.unsubscribe(&[&filter, b"b"], &[]).is_err());
    peer.expect_silence();
    client
        .subscribe_with(&[(&filter[..22], 0)], &[], &[])
        .unwrap();
    peer.expect_subscribe();
    client.unsubscribe(&[&filter[..23]], &[]).unwrap();
    peer.expect_unsubscribe();
}

/// [MQTT-3.2.2-15] A message that waited for a connection is held against that connection's limits as well.
#[test]
fn mqtt_3_2_2_15_maximum_packet_size_of_a_resend() {
    let options = ConnectOptions {
        clean: false,
        ..ConnectOptions::with(&[(prop::SESSION_EXPIRY, Value::Four(1000))])
    };
    let (broker, mut peer, client) = connected_with(V, &options, &[]);
    client.publish("a", vec![b'x'; 100], 1).unwrap();
    peer.expect_publish();
    lose(peer, &client);
    assert_eq!(client.connect(&options), 0);
    let mut peer = broker.accept();
    peer.expect_connect();
    peer.connack(true, &[(prop::MAXIMUM_PACKET_SIZE, Value::Four(30))]);
    peer.expect_silence();
}

/// [MQTT-3.2.2-17] No topic alias above the server's Topic Alias Maximum is sent; one of just that value is.
#[test]
fn mqtt_3_2_2_17_topic_alias_maximum() {
    let limit = [(prop::TOPIC_ALIAS_MAXIMUM, Value::Two(3))];
    let (_broker, mut peer, client) = connected_with(V, &ConnectOptions::default(), &limit);
    let alias = |n| [(prop::TOPIC_ALIAS, Value::Two(n))];
    not_sent(&client, client.send("a", b"", 1, false, &alias(4)));
    peer.expect_silence();
    client.send("a", b"", 1, false, &alias(3)).unwrap();
    assert_eq!(peer.expect_publish().properties, alias(3));
}

/// [MQTT-3.2.2-18] To a server without Topic Alias Maximum no alias is sent.
#[test]
fn mqtt_3_2_2_18_no_topic_alias_maximum() {
    let zero = [(prop::TOPIC_ALIAS_MAXIMUM, Value::Two(0))];
    for connack in [&[][..], &zero] {
        let (_broker, mut peer, client) = connected_with(V, &ConnectOptions::default(), connack);
        for qos in 0..3 {
            let alias = [(prop::TOPIC_ALIAS, Value::Two(1))];
            not_sent(&client, client.send("a", b"", qos, false, &alias));
        }
        peer.expect_silence();
    }
}

/// [MQTT-3.2.2-21] Server Keep Alive replaces the keep-alive of the program, here one that was off.
#[test]
fn mqtt_3_2_2_21_server_keep_alive_is_used() {
    let options = ConnectOptions {
        keep_alive: 0,
        ..ConnectOptions::default()
    };
    let (_broker, mut peer, _client) =
        connected_with(V, &options, &[(prop::SERVER_KEEP_ALIVE, Value::Two(1))]);
    peer.expect_pingreq();
}

/// [MQTT-3.1.4-3] When another client takes the session over, the program learns it.
#[test]
fn mqtt_3_1_4_3_session_taken_over() {
    let (_broker, mut peer, client) = connected(V);
    peer.send(&disconnect(0x8E, &[text(prop::REASON_STRING, "newer")]));
    peer.expect_close();
    let expected = Event::Disconnected {
        reason: 0x8E,
        properties: vec![text(prop::REASON_STRING, "newer")],
    };
    assert_eq!(client.next(), expected);
    assert!(!client.is_connected());
}

/// What is acknowledged with an error is reported as one, with what the server says about it.
#[test]
fn an_error_in_puback_is_reported() {
    let (_broker, mut peer, client) = connected(V);
    let token = client.publish("a", b"", 1).unwrap();
    let id = peer.expect_publish().id;
    let why = vec![text(prop::REASON_STRING, "no"), user("a", "b")];
    peer.send(&ack_with(AckKind::PubAck, id, 0x87, &why));
    let failed = Event::Failed {
        token,
        code: 0x87,
        packet_type: 4,
        properties: why,
    };
    assert_eq!(client.next(), failed);
}
