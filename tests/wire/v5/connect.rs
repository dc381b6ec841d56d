//! Section 3.1: CONNECT; and keep-alive.

use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::common::{
    BAD_QOS, BAD_UTF8, DISCONNECTED, connack_refused, connect, connect_packet, connect_refused,
    connected, connected_with, lose,
};
use crate::driver::{AsyncClient, ConnectOptions, Event, Will};
use crate::packet::{AckKind, Value, Version, prop, text, user};
use crate::server::{auth, connack, message};

const V: Version = Version::V5;

/// [MQTT-3.1.0-1] The first packet is CONNECT, and the program cannot send anything before.
#[test]
fn mqtt_3_1_0_1_connect_comes_first() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    assert_eq!(client.publish("a", b"", 1), Err(DISCONNECTED));
    assert_eq!(client.connect(&ConnectOptions::default()), 0);
    assert_eq!(client.publish("a", b"", 1), Err(DISCONNECTED));
    let mut peer = broker.accept();
    peer.expect_connect();
    assert_eq!(client.subscribe("a", 1), Err(DISCONNECTED));
    peer.connack(false, &[]);
    assert!(matches!(client.next(), Event::Connected { version: 5, .. }));
    peer.expect_silence();
}

/// [MQTT-3.1.0-2] CONNECT is sent once over a connection, however often the program asks.
#[test]
fn mqtt_3_1_0_2_connect_is_sent_once() {
    let (broker, mut peer, client) = connected(V);
    assert_ne!(client.connect(&ConnectOptions::default()), 0);
    peer.expect_silence();
    assert!(!broker.has_caller());
}

/// [MQTT-3.1.2-1] The protocol name is "MQTT".
#[test]
fn mqtt_3_1_2_1_protocol_name() {
    assert_eq!(
        connect_packet(V, &ConnectOptions::default()).protocol,
        "MQTT"
    );
}

/// [MQTT-3.1.2-2] The version is 5; a server that refuses it is reported, also one that answers with a CONNACK of 3.1.1.
#[test]
fn mqtt_3_1_2_2_protocol_version_and_its_refusal() {
    assert_eq!(connect_packet(V, &ConnectOptions::default()).level, 5);
    let options = ConnectOptions::default();
    assert_eq!(
        connack_refused(V, &options, &connack(V, false, 0x84, &[])),
        0x84
    );
    assert_eq!(connack_refused(V, &options, b"\x20\x02\x00\x01"), 1);
}

/// [MQTT-3.1.2-3] The reserved connect flag is 0.
#[test]
fn mqtt_3_1_2_3_reserved_connect_flag() {
    let mut options = with_will(2, true);
    options.user_name = Some(b"u".into());
    options.password = Some(b"p".into());
    assert_eq!(connect_packet(V, &options).flags & 1, 0);
    assert_eq!(connect_packet(V, &ConnectOptions::default()).flags & 1, 0);
}

/// [MQTT-3.1.2-4] With Clean Start 1 the client discards what it has of a session: nothing is sent again, and what was in
/// flight has failed.
#[test]
fn mqtt_3_1_2_4_clean_start_discards() {
    let expiry = [(prop::SESSION_EXPIRY, Value::Four(1000))];
    let (broker, mut peer, client) = connected_with(V, &ConnectOptions::with(&expiry), &[]);
    let token = client.publish("a", b"x", 1).unwrap();
    peer.expect_publish();
    peer.publish(&message("a", b"old").qos(2, 7));
    peer.expect_ack(AckKind::PubRec, 7);
    assert_eq!(client.message().payload, b"old");
    lose(peer, &client);
    assert_eq!(client.connect(&ConnectOptions::with(&expiry)), 0);
    let mut peer = broker.accept();
    assert!(peer.expect_connect().clean);
    peer.connack(false, &[]);
    peer.expect_silence();
    let events = [client.next(), client.next()];
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Failed { token: t, .. } if *t == token))
    );
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Connected { .. }))
    );
    peer.publish(&message("a", b"new").qos(2, 7));
    peer.expect_ack(AckKind::PubRec, 7);
    peer.ack(AckKind::PubRel, 7);
    peer.expect_ack(AckKind::PubComp, 7);
    assert_eq!(client.message().payload, b"new");
}

fn with_will(qos: i32, retained: bool) -> ConnectOptions {
    ConnectOptions {
        will: Some(Will {
            topic: b"will/topic".into(),
            payload: b"gone\0\xFF".into(),
            qos,
            retained,
            properties: vec![
                (prop::WILL_DELAY, Value::Four(5)),
                (prop::PAYLOAD_FORMAT, Value::Byte(0)),
                text(prop::CONTENT_TYPE, "x/y"),
                user("k", "1"),
                user("k", "2"),
            ],
        }),
        ..ConnectOptions::default()
    }
}

/// [MQTT-3.1.2-9] With the Will Flag there are Will Properties, Will Topic and Will Payload, as the program gave them.
#[test]
fn mqtt_3_1_2_9_will_fields_are_there() {
    let options = with_will(0, false);
    let connect = connect_packet(V, &options);
    assert_eq!(connect.flags & 4, 4);
    let will = connect.will.unwrap();
    assert_eq!(
        (will.topic.as_str(), &will.payload[..]),
        ("will/topic", &b"gone\0\xFF"[..])
    );
    assert_eq!(will.properties, options.will.unwrap().properties);
}

/// [MQTT-3.1.2-11] Without a will, Will `QoS` is 0.
#[test]
fn mqtt_3_1_2_11_no_will_qos() {
    let connect = connect_packet(V, &ConnectOptions::default());
    assert_eq!((connect.flags & 0x1C, connect.will), (0, None));
}

/// [MQTT-3.1.2-12] Will `QoS` is 0, 1 or 2, and never 3.
#[test]
fn mqtt_3_1_2_12_will_qos() {
    for qos in 0..3 {
        let connect = connect_packet(V, &with_will(qos, false));
        assert_eq!(i32::from(connect.will.unwrap().qos), qos);
    }
    assert_eq!(connect_refused(V, &with_will(3, false)), BAD_QOS);
}

/// [MQTT-3.1.2-13] Without a will, Will Retain is 0; with one it is what the program says.
#[test]
fn mqtt_3_1_2_13_will_retain() {
    assert_eq!(
        connect_packet(V, &ConnectOptions::default()).flags & 0x20,
        0
    );
    assert!(connect_packet(V, &with_will(1, true)).will.unwrap().retain);
    assert!(!connect_packet(V, &with_will(1, false)).will.unwrap().retain);
}

fn login(user_name: Option<&[u8]>, password: Option<&[u8]>) -> crate::packet::Connect {
    let options = ConnectOptions {
        user_name: user_name.map(Into::into),
        password: password.map(Into::into),
        ..ConnectOptions::default()
    };
    connect_packet(V, &options)
}

/// [MQTT-3.1.2-16] Without User Name Flag there is no user name, also where there is a password.
#[test]
fn mqtt_3_1_2_16_no_user_name() {
    for password in [None, Some(&b"pw"[..])] {
        let connect = login(None, password);
        assert_eq!((connect.flags & 0x80, connect.user_name), (0, None));
    }
}

/// [MQTT-3.1.2-17] With User Name Flag there is one.
#[test]
fn mqtt_3_1_2_17_user_name() {
    let connect = login(Some(b"jo"), None);
    assert_eq!(
        (connect.flags & 0x80, connect.user_name.as_deref()),
        (0x80, Some("jo"))
    );
}

/// [MQTT-3.1.2-18] Without Password Flag there is no password.
#[test]
fn mqtt_3_1_2_18_no_password() {
    let connect = login(Some(b"jo"), None);
    assert_eq!((connect.flags & 0x40, connect.password), (0, None));
}

/// [MQTT-3.1.2-19] With Password Flag there is one; a user name is not needed for it.
#[test]
fn mqtt_3_1_2_19_password() {
    for user_name in [None, Some(&b"jo"[..])] {
        let connect = login(user_name, Some(b"\0\xFFpw"));
        assert_eq!(connect.flags & 0x40, 0x40);
        assert_eq!(connect.password.as_deref(), Some(&b"\0\xFFpw"[..]));
    }
}

/// [MQTT-3.1.2-20] A client that has nothing else to send pings within the keep-alive interval; when no answer comes it
/// says so (0x8D) and leaves.
#[test]
fn mqtt_3_1_2_20_pings_in_the_keep_alive_interval() {
    let options = ConnectOptions {
        keep_alive: KEEP_ALIVE.into(),
        ..ConnectOptions::default()
    };
    let (_broker, mut peer, client) = connected_with(V, &options, &[]);
    expect_ping_in_time(&mut peer);
    peer.send(&crate::server::pingresp());
    expect_ping_in_time(&mut peer);
    peer.expect_refusal(0x8D);
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// In seconds.
const KEEP_ALIVE: u16 = 6;

fn expect_ping_in_time(peer: &mut crate::broker::Peer) {
    let idle = Instant::now();
    peer.expect_pingreq();
    // What a busy machine adds is no fault; the exact times are tested with a clock by hand, in `protocol/keepalive.rs`.
    let limit = Duration::from_secs(KEEP_ALIVE.into()) + Duration::from_secs(30);
    assert!(idle.elapsed() < limit, "{:?}", idle.elapsed());
}

/// [MQTT-3.1.2-21] The server's Server Keep Alive replaces the client's keep-alive, here in a connection that it makes.
#[test]
fn mqtt_3_1_2_21_server_keep_alive_is_used() {
    let options = ConnectOptions {
        keep_alive: 600,
        ..ConnectOptions::default()
    };
    let (_broker, mut peer, _client) = connected_with(
        V,
        &options,
        &[(prop::SERVER_KEEP_ALIVE, Value::Two(KEEP_ALIVE))],
    );
    expect_ping_in_time(&mut peer);
}

/// [MQTT-3.1.2-23] With a Session Expiry Interval the client keeps its session after the connection.
#[test]
fn mqtt_3_1_2_23_session_is_kept() {
    let options = ConnectOptions {
        clean: false,
        ..ConnectOptions::with(&[(prop::SESSION_EXPIRY, Value::Four(1000))])
    };
    let (broker, mut peer, client) = connected_with(V, &options, &[]);
    let token = client.publish("a", b"mine", 1).unwrap();
    let id = peer.expect_publish().id;
    peer.publish(&message("a", b"theirs").qos(2, 7));
    peer.expect_ack(AckKind::PubRec, 7);
    peer.publish(&message("a", b"released").qos(2, 8));
    peer.expect_ack(AckKind::PubRec, 8);
    assert_eq!(client.message().payload, b"theirs");
    assert_eq!(client.message().payload, b"released");
    lose(peer, &client);
    let (mut peer, asked) = connect(&broker, &client, &options, true, &[]);
    assert!(!asked.clean);
    assert_eq!(peer.expect_publish().id, id);
    peer.publish(&message("a", b"theirs").qos(2, 7).again());
    peer.expect_ack(AckKind::PubRec, 7);
    peer.ack(AckKind::PubRel, 7);
    peer.expect_ack(AckKind::PubComp, 7);
    peer.ack(AckKind::PubRel, 8);
    assert_eq!(peer.expect_ack(AckKind::PubComp, 8).reason, 0);
    peer.publish(&message("a", b"new"));
    assert_eq!(client.message().payload, b"new");
    peer.ack(AckKind::PubAck, id);
    client.done(token);
}

/// [MQTT-3.1.2-24] A packet larger than the client's Maximum Packet Size ends the connection with 0x95, as soon as its
/// header is there; one of just that size is taken.
#[test]
fn mqtt_3_1_2_24_maximum_packet_size() {
    let options = ConnectOptions::with(&[(prop::MAXIMUM_PACKET_SIZE, Value::Four(100))]);
    let (_broker, mut peer, client) = connected_with(V, &options, &[]);
    let fits = message("a", [b'x'; 94]);
    assert_eq!(fits.encode(V).len(), 100);
    peer.publish(&fits);
    assert_eq!(client.message().payload.len(), 94);
    peer.send(&message("a", [b'x'; 95]).encode(V)[..2]);
    peer.expect_refusal(0x95);
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// [MQTT-3.1.2-26] A topic alias above the client's Topic Alias Maximum ends the connection with 0x94.
#[test]
fn mqtt_3_1_2_26_topic_alias_above_the_maximum() {
    let options = ConnectOptions::with(&[(prop::TOPIC_ALIAS_MAXIMUM, Value::Two(5))]);
    let (_broker, mut peer, client) = connected_with(V, &options, &[]);
    peer.publish(&message("a", b"").alias(6));
    peer.expect_refusal(0x94);
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// [MQTT-3.1.2-27] Without a Topic Alias Maximum, or with 0, each topic alias is one too many.
#[test]
fn mqtt_3_1_2_27_no_topic_alias_maximum() {
    let zero = [(prop::TOPIC_ALIAS_MAXIMUM, Value::Two(0))];
    for properties in [&[][..], &zero] {
        let (_broker, mut peer, _client) =
            connected_with(V, &ConnectOptions::with(properties), &[]);
        peer.publish(&message("a", b"").alias(1));
        peer.expect_refusal(0x94);
    }
}

/// [MQTT-3.1.2-28] Request Response Information is sent as the program says, and the answer reaches it.
#[test]
fn mqtt_3_1_2_28_response_information() {
    for value in [0, 1] {
        let options = ConnectOptions::with(&[(prop::REQUEST_RESPONSE_INFO, Value::Byte(value))]);
        let asked = connect_packet(V, &options);
        assert_eq!(asked.properties, options.properties);
    }
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    assert_eq!(client.connect(&ConnectOptions::default()), 0);
    let mut peer = broker.accept();
    peer.expect_connect();
    let answer = [text(prop::RESPONSE_INFO, "replies/")];
    peer.connack(false, &answer);
    assert!(matches!(client.next(), Event::Connected { properties, .. } if properties == answer));
}

/// [MQTT-3.1.2-29] With Request Problem Information 0, a Reason String or User Property in any packet other than CONNACK,
/// PUBLISH and DISCONNECT ends the connection with 0x82; in those it is taken.
#[test]
fn mqtt_3_1_2_29_problem_information_that_was_not_asked_for() {
    let options = ConnectOptions::with(&[(prop::REQUEST_PROBLEM_INFO, Value::Byte(0))]);
    for property in [text(prop::REASON_STRING, "why"), user("a", "b")] {
        let properties = [property];
        for kind in [
            AckKind::PubAck,
            AckKind::PubRec,
            AckKind::PubRel,
            AckKind::PubComp,
        ] {
            let (_broker, mut peer, client) = connected_with(V, &options, &[user("fine", "here")]);
            client
                .publish("a", b"", if kind == AckKind::PubAck { 1 } else { 2 })
                .unwrap();
            let id = peer.expect_publish().id;
            if kind == AckKind::PubComp {
                peer.ack(AckKind::PubRec, id);
                peer.expect_ack(AckKind::PubRel, id);
            }
            peer.send(&crate::server::ack_with(kind, id, 0, &properties));
            peer.expect_refusal(0x82);
        }
        let (_broker, mut peer, client) = connected_with(V, &options, &[]);
        client.subscribe("a", 1).unwrap();
        let id = peer.expect_subscribe().id;
        peer.send(&crate::server::suback(V, id, &properties, &[1]));
        peer.expect_refusal(0x82);
        let (_broker, mut peer, client) = connected_with(V, &options, &[]);
        client.unsubscribe(&[b"a"], &[]).unwrap();
        let id = peer.expect_unsubscribe().id;
        peer.send(&crate::server::unsuback(V, id, &properties, &[0]));
        peer.expect_refusal(0x82);
    }
    let (_broker, mut peer, client) = connected_with(V, &options, &[]);
    peer.publish(&message("a", b"").with(user("fine", "too")));
    assert_eq!(client.message().properties, [user("fine", "too")]);
    peer.send(&crate::server::disconnect(0x8B, &[user("fine", "too")]));
    peer.expect_close();
    assert!(matches!(
        client.next(),
        Event::Disconnected { reason: 0x8B, .. }
    ));
}

/// [MQTT-3.1.2-30] With an Authentication Method in CONNECT nothing but AUTH or DISCONNECT is sent before CONNACK.
#[test]
fn mqtt_3_1_2_30_nothing_before_connack_with_authentication() {
    let method = text(prop::AUTH_METHOD, "none such");
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    let options = ConnectOptions {
        keep_alive: 1,
        ..ConnectOptions::with(std::slice::from_ref(&method))
    };
    assert_eq!(client.connect(&options), 0);
    let mut peer = broker.accept();
    assert_eq!(
        peer.expect_connect().properties,
        std::slice::from_ref(&method)
    );
    assert_eq!(client.publish("a", b"", 0), Err(DISCONNECTED));
    peer.send(&auth(0x18, &[method]));
    while let Some(packet) = peer.next() {
        use crate::packet::Packet;
        assert!(
            matches!(packet, Packet::Auth(_) | Packet::Disconnect(_)),
            "{packet:?}"
        );
    }
    assert!(matches!(client.next(), Event::ConnectFailed { .. }));
}

/// [MQTT-3.1.3-1] Client identifier, will properties, will topic, will payload, user name and password stand in this order.
#[test]
fn mqtt_3_1_3_1_order_of_the_payload() {
    let mut options = with_will(0, false);
    options.will.as_mut().unwrap().properties = vec![(prop::WILL_DELAY, Value::Four(5))];
    options.user_name = Some(b"user".into());
    options.password = Some(b"pass".into());
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    let (peer, _) = connect(&broker, &client, &options, false, &[]);
    let payload =
        b"\0\x04wire\x05\x18\0\0\0\x05\0\x0Awill/topic\0\x06gone\0\xFF\0\x04user\0\x04pass";
    assert!(peer.raw().ends_with(payload));
}

/// [MQTT-3.1.3-2] Each connection of a client goes by the client identifier it was created with.
#[test]
fn mqtt_3_1_3_2_client_identifier_identifies_the_session() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "it's me");
    for session_present in [false, true] {
        let (peer, asked) = connect(
            &broker,
            &client,
            &ConnectOptions::resuming(),
            session_present,
            &[],
        );
        assert_eq!(asked.client_id, "it's me");
        lose(peer, &client);
    }
}

/// [MQTT-3.1.3-3] The client identifier is there, and first, also where it is empty.
#[test]
fn mqtt_3_1_3_3_client_identifier_is_first() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "");
    let (peer, asked) = connect(&broker, &client, &ConnectOptions::default(), false, &[]);
    assert_eq!(asked.client_id, "");
    assert!(peer.raw().ends_with(b"\0\0"));
}

/// [MQTT-3.1.3-4] The client identifier is UTF-8.
#[test]
fn mqtt_3_1_3_4_client_identifier_is_utf8() {
    let broker = Broker::start();
    assert_eq!(
        AsyncClient::create(V, &broker.uri(), b"\xED\xB0\x80").err(),
        Some(BAD_UTF8)
    );
    let client = AsyncClient::new(V, &broker.uri(), "żółw 🐢");
    let (_peer, asked) = connect(&broker, &client, &ConnectOptions::default(), false, &[]);
    assert_eq!(asked.client_id, "żółw 🐢");
}

/// [MQTT-3.1.3-7] The Assigned Client Identifier reaches the program.
#[test]
fn mqtt_3_1_3_7_assigned_client_identifier_is_reported() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "");
    assert_eq!(client.connect(&ConnectOptions::default()), 0);
    let mut peer = broker.accept();
    peer.expect_connect();
    let assigned = [text(prop::ASSIGNED_CLIENT_ID, "auto-1")];
    peer.connack(false, &assigned);
    assert!(matches!(client.next(), Event::Connected { properties, .. } if properties == assigned));
}

/// [MQTT-3.1.3-8] The refusal of a client identifier reaches the program, with what the server says about it.
#[test]
fn mqtt_3_1_3_8_refused_client_identifier() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    assert_eq!(client.connect(&ConnectOptions::default()), 0);
    let mut peer = broker.accept();
    peer.expect_connect();
    let why = vec![text(prop::REASON_STRING, "not you"), user("a", "b")];
    peer.send(&connack(V, false, 0x85, &why));
    let refused = Event::ConnectFailed {
        code: 0x85,
        properties: why,
    };
    assert_eq!(client.next(), refused);
    peer.expect_close();
}

/// [MQTT-3.1.3-11] The will topic is UTF-8.
#[test]
fn mqtt_3_1_3_11_will_topic_is_utf8() {
    let mut options = with_will(0, false);
    options.will.as_mut().unwrap().topic = b"\xC0\x80".into();
    assert_eq!(connect_refused(V, &options), BAD_UTF8);
}

/// [MQTT-3.1.3-12] The user name is UTF-8.
#[test]
fn mqtt_3_1_3_12_user_name_is_utf8() {
    let options = ConnectOptions {
        user_name: Some(b"\xF8".into()),
        ..ConnectOptions::default()
    };
    assert_eq!(connect_refused(V, &options), BAD_UTF8);
}
