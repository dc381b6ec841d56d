//! Sections 1.5, 2.2.2 and 3.3.2.3: strings, properties, topic aliases.

use crate::broker::Broker;
use crate::common::{BAD_UTF8, connect, connected, connected_with, lose};
use crate::driver::{AsyncClient, ConnectOptions, Event};
use crate::packet::{Properties, Value, Version, prop, text, user};
use crate::server::{connack, message};

use super::not_sent;

const V: Version = Version::V5;

fn alias(n: u16) -> Properties {
    vec![(prop::TOPIC_ALIAS, Value::Two(n))]
}

/// [MQTT-1.5.4-1] A string that is not well-formed UTF-8 ends the connection with 0x81, and none is sent.
#[test]
fn mqtt_1_5_4_1_ill_formed_utf8() {
    for bad in [
        &b"a\x80"[..],
        b"\xED\xA0\x80",
        b"\xC0\xAF",
        b"\xF4\x90\x80\x80",
    ] {
        let (_broker, mut peer, client) = connected(V);
        assert_eq!(client.send(bad, b"", 0, false, &[]), Err(BAD_UTF8));
        assert_eq!(client.subscribe_with(&[(bad, 0)], &[], &[]), Err(BAD_UTF8));
        assert_eq!(client.unsubscribe(&[bad], &[]), Err(BAD_UTF8));
        peer.expect_silence();
        peer.publish(&message(bad, b"x"));
        peer.expect_refusal(0x81);
        assert_eq!(client.next(), Event::ConnectionLost);
    }
}

/// [MQTT-1.5.4-2] U+0000 in a string ends the connection with 0x81; a property with it, which the C API can ask for, is
/// not sent.
#[test]
fn mqtt_1_5_4_2_null_character() {
    let (_broker, mut peer, client) = connected(V);
    assert!(
        client
            .send("a", b"", 0, false, &[text(prop::CONTENT_TYPE, "a\0b")])
            .is_err()
    );
    peer.expect_silence();
    peer.publish(&message(b"a\0b", b"x"));
    peer.expect_refusal(0x81);
    let (_broker, mut peer, _client) = connected(V);
    peer.publish(&message("a", b"x").with(text(prop::CONTENT_TYPE, "a\0b")));
    peer.expect_refusal(0x81);
}

/// [MQTT-1.5.4-3] U+FEFF is a character like others, in both directions.
#[test]
fn mqtt_1_5_4_3_byte_order_mark_is_kept() {
    let (_broker, mut peer, client) = connected(V);
    let (topic, kind) = ("\u{FEFF}a\u{FEFF}", text(prop::CONTENT_TYPE, "\u{FEFF}"));
    let token = client
        .send(topic, b"", 0, false, std::slice::from_ref(&kind))
        .unwrap();
    let sent = peer.expect_publish();
    assert_eq!(
        (sent.topic.as_str(), &sent.properties[..]),
        (topic, std::slice::from_ref(&kind))
    );
    client.done(token);
    peer.publish(&message(topic, b"").with(kind.clone()));
    let arrived = client.message();
    assert_eq!(
        (arrived.topic.as_str(), &arrived.properties[..]),
        (topic, &[kind][..])
    );
}

/// [MQTT-1.5.5-1] Variable byte integers are sent in their shortest form, at each length (the decoder refuses others); one
/// in a longer form ends the connection with 0x81.
#[test]
fn mqtt_1_5_5_1_shortest_form() {
    let (_broker, mut peer, client) = connected(V);
    for id in [
        1,
        127,
        128,
        16_383,
        16_384,
        2_097_151,
        2_097_152,
        268_435_455,
    ] {
        let properties = [(prop::SUBSCRIPTION_ID, Value::Var(id))];
        client
            .subscribe_with(&[(b"a", 0)], &[], &properties)
            .unwrap();
        let subscribe = peer.expect_subscribe();
        assert_eq!(subscribe.properties, properties);
        peer.suback(subscribe.id, &[0]);
        client.next();
    }
    for len in [100, 122, 123, 16_378, 16_379, 2_097_146, 2_097_147] {
        client.publish("a", vec![0; len], 0).unwrap();
        assert_eq!(peer.expect_publish().payload.len(), len);
        client.next();
    }
    // The property length 0 as two bytes.
    peer.send(b"\x30\x05\x00\x01a\x80\x00");
    peer.expect_refusal(0x81);
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// [MQTT-1.5.7-1] Both strings of a user property are UTF-8 strings, in both directions.
#[test]
fn mqtt_1_5_7_1_string_pairs() {
    let (_broker, mut peer, client) = connected(V);
    for pair in [user("a\0", "b"), user("a", "b\0")] {
        assert!(client.send("a", b"", 0, false, &[pair]).is_err());
    }
    peer.expect_silence();
    for body in [
        &b"\x26\0\x01\xFF\0\x01b"[..],
        b"\x26\0\x01a\0\x01\xFF",
        b"\x26\0\x01\0\0\x01b",
    ] {
        let (_broker, mut peer, _client) = connected(V);
        let mut packet = b"\x30\x0B\x00\x01a\x07".to_vec();
        packet.extend(body);
        peer.send(&packet);
        peer.expect_refusal(0x81);
    }
}

/// [MQTT-2.2.2-1] Where there are no properties there is a Property Length of 0, in each packet that has one.
#[test]
fn mqtt_2_2_2_1_property_length_0() {
    let (_broker, mut peer, client) = connected(V);
    assert!(
        peer.raw()
            .ends_with(b"\x00\x04MQTT\x05\x02\x00\x3C\x00\x00\x04wire")
    );
    client.publish("a", b"x", 0).unwrap();
    peer.expect_publish();
    assert!(peer.raw().ends_with(b"\x30\x05\x00\x01a\x00x"));
    client.subscribe("a", 0).unwrap();
    peer.expect_subscribe();
    assert!(peer.raw().ends_with(b"\x00\x00\x01a\x00"));
    client.unsubscribe(&[b"a"], &[]).unwrap();
    peer.expect_unsubscribe();
    assert!(peer.raw().ends_with(b"\x00\x00\x01a"));
}

fn everything() -> Properties {
    vec![
        user("z", "1"),
        (prop::PAYLOAD_FORMAT, Value::Byte(1)),
        (prop::MESSAGE_EXPIRY, Value::Four(3600)),
        user("a", "2"),
        text(prop::CONTENT_TYPE, "text/plain"),
        text(prop::RESPONSE_TOPIC, "reply/to"),
        (prop::CORRELATION_DATA, Value::Binary(b"\0\x01\xFF".into())),
        user("z", ""),
    ]
}

/// [MQTT-3.3.2-4] The properties of a message are sent as the program gave them, in their order.
#[test]
fn mqtt_3_3_2_4_properties_are_sent_unaltered() {
    let (_broker, mut peer, client) = connected(V);
    for qos in 0..3 {
        client.send("a", b"x", qos, false, &everything()).unwrap();
        assert_eq!(peer.expect_publish().properties, everything());
    }
}

/// [MQTT-3.3.2-15] The properties of a message that arrives reach the program unaltered: Payload Format Indicator, Message
/// Expiry, Content Type, Response Topic, Correlation Data.
#[test]
fn mqtt_3_3_2_15_properties_are_reported_unaltered() {
    let (_broker, mut peer, client) = connected(V);
    let message = everything()
        .into_iter()
        .fold(message("a", b"x"), crate::server::Message::with);
    peer.publish(&message);
    assert_eq!(client.message().properties, everything());
}

/// [MQTT-3.3.2-18] User properties keep their order, names that repeat included, in both directions.
#[test]
fn mqtt_3_3_2_18_order_of_user_properties() {
    let (_broker, mut peer, client) = connected(V);
    let pairs: Properties = (0..50)
        .map(|n| user(["a", "b", ""][n % 3], &n.to_string()))
        .collect();
    client.send("a", b"", 0, false, &pairs).unwrap();
    assert_eq!(peer.expect_publish().properties, pairs);
    client.next();
    peer.publish(
        &pairs
            .iter()
            .cloned()
            .fold(message("a", b""), crate::server::Message::with),
    );
    assert_eq!(client.message().properties, pairs);
}

/// [MQTT-3.3.2-7] Topic aliases are of one connection: on the next one the server's must be set anew, and a message sent
/// again carries its topic and no alias.
#[test]
fn mqtt_3_3_2_7_aliases_are_of_one_connection() {
    let options = ConnectOptions {
        clean: false,
        ..ConnectOptions::with(&[
            (prop::SESSION_EXPIRY, Value::Four(1000)),
            (prop::TOPIC_ALIAS_MAXIMUM, Value::Two(10)),
        ])
    };
    let ours = [(prop::TOPIC_ALIAS_MAXIMUM, Value::Two(10))];
    let (broker, mut peer, client) = connected_with(V, &options, &ours);
    peer.publish(&message("a", b"1").alias(1));
    peer.publish(&message("", b"2").alias(1));
    client.message();
    client.message();
    client.send("topic", b"1", 1, false, &alias(2)).unwrap();
    client.send("", b"2", 1, false, &alias(2)).unwrap();
    assert_eq!(peer.expect_publish().topic, "topic");
    assert_eq!(peer.expect_publish().topic, "");
    lose(peer, &client);
    let (mut peer, _) = connect(&broker, &client, &options, true, &ours);
    for payload in [b"1", b"2"] {
        let again = peer.expect_publish();
        assert_eq!(
            (again.topic.as_str(), &again.payload[..], again.properties),
            ("topic", &payload[..], vec![])
        );
    }
    // A new alias without a topic would mean nothing to this server.
    not_sent(&client, client.send("", b"3", 0, false, &alias(2)));
    peer.expect_silence();
    peer.publish(&message("", b"3").alias(1));
    peer.expect_refusal(0x82);
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// [MQTT-3.3.2-8] The topic alias 0 is not sent, and ends the connection with 0x94 when it comes.
#[test]
fn mqtt_3_3_2_8_no_topic_alias_0() {
    let options = ConnectOptions::with(&[(prop::TOPIC_ALIAS_MAXIMUM, Value::Two(10))]);
    let (_broker, mut peer, client) =
        connected_with(V, &options, &[(prop::TOPIC_ALIAS_MAXIMUM, Value::Two(10))]);
    not_sent(&client, client.send("a", b"", 0, false, &alias(0)));
    peer.expect_silence();
    peer.publish(&message("a", b"").alias(0));
    peer.expect_refusal(0x94);
}

/// [MQTT-3.3.2-9] No topic alias above the server's maximum is sent, also where the message has to wait first.
#[test]
fn mqtt_3_3_2_9_topic_alias_maximum_of_a_message_that_waits() {
    let limits = [
        (prop::TOPIC_ALIAS_MAXIMUM, Value::Two(1)),
        (prop::RECEIVE_MAXIMUM, Value::Two(1)),
    ];
    let (_broker, mut peer, client) = connected_with(V, &ConnectOptions::default(), &limits);
    client.publish("first", b"", 1).unwrap();
    let id = peer.expect_publish().id;
    not_sent(&client, client.send("second", b"", 1, false, &alias(2)));
    peer.ack(crate::packet::AckKind::PubAck, id);
    peer.expect_silence();
}

/// [MQTT-3.3.2-10] Each alias from 1 to the client's maximum is accepted, and may change its topic; the program sees it as
/// it came.
#[test]
fn mqtt_3_3_2_10_all_aliases_up_to_the_maximum() {
    let options = ConnectOptions::with(&[(prop::TOPIC_ALIAS_MAXIMUM, Value::Two(0xFFFF))]);
    let (_broker, mut peer, client) = connected_with(V, &options, &[]);
    for n in [1, 2, 255, 256, 0xFFFF] {
        peer.publish(&message(format!("t{n}"), b"").alias(n));
        peer.publish(&message("", b"again").alias(n));
        peer.publish(&message("other", b"").alias(n));
        for topic in [format!("t{n}"), String::new(), "other".into()] {
            let arrived = client.message();
            assert_eq!((arrived.topic, arrived.properties), (topic, alias(n)));
        }
    }
}

/// [MQTT-3.3.2-11] A topic alias above the client's maximum ends the connection with 0x94, at each `QoS` and before anything
/// reaches the program.
#[test]
fn mqtt_3_3_2_11_alias_above_the_maximum() {
    let options = ConnectOptions::with(&[(prop::TOPIC_ALIAS_MAXIMUM, Value::Two(2))]);
    for qos in 0..3 {
        let (_broker, mut peer, client) = connected_with(V, &options, &[]);
        peer.publish(&message("a", b"").qos(qos, 1).alias(3));
        peer.expect_refusal(0x94);
        assert_eq!(client.next(), Event::ConnectionLost);
    }
}

/// [MQTT-3.3.2-13] The Response Topic is UTF-8.
#[test]
fn mqtt_3_3_2_13_response_topic_is_utf8() {
    let (_broker, mut peer, client) = connected(V);
    client
        .send("a", b"", 0, false, &[text(prop::RESPONSE_TOPIC, "ż/日")])
        .unwrap();
    assert_eq!(
        peer.expect_publish().properties,
        [text(prop::RESPONSE_TOPIC, "ż/日")]
    );
    peer.send(b"\x30\x08\x00\x01a\x04\x08\x00\x01\xFF");
    peer.expect_refusal(0x81);
}

/// [MQTT-3.3.2-14] A Response Topic with a wildcard is not sent, and ends the connection when it comes.
#[test]
fn mqtt_3_3_2_14_response_topic_without_wildcards() {
    for topic in ["a/#", "+"] {
        let (_broker, mut peer, client) = connected(V);
        not_sent(
            &client,
            client.send("a", b"", 0, false, &[text(prop::RESPONSE_TOPIC, topic)]),
        );
        peer.expect_silence();
        peer.publish(&message("a", b"").with(text(prop::RESPONSE_TOPIC, topic)));
        let reason = peer.expect_disconnect().reason;
        assert!([0x81, 0x82].contains(&reason), "{reason:#x}");
    }
}

/// [MQTT-3.3.2-19] The Content Type is UTF-8.
#[test]
fn mqtt_3_3_2_19_content_type_is_utf8() {
    let (_broker, mut peer, client) = connected(V);
    client
        .send("a", b"", 0, false, &[text(prop::CONTENT_TYPE, "żółw")])
        .unwrap();
    assert_eq!(
        peer.expect_publish().properties,
        [text(prop::CONTENT_TYPE, "żółw")]
    );
    peer.send(b"\x30\x08\x00\x01a\x04\x03\x00\x01\xFF");
    peer.expect_refusal(0x81);
}

/// [MQTT-3.3.4-3] All Subscription Identifiers of a message reach the program.
#[test]
fn mqtt_3_3_4_3_subscription_identifiers_are_reported() {
    let (_broker, mut peer, client) = connected(V);
    let ids: Properties = [1, 268_435_455, 128]
        .map(|id| (prop::SUBSCRIPTION_ID, Value::Var(id)))
        .into();
    peer.publish(
        &ids.iter()
            .cloned()
            .fold(message("a", b"p"), crate::server::Message::with),
    );
    let arrived = client.message();
    assert_eq!((arrived.properties, &arrived.payload[..]), (ids, &b"p"[..]));
}

/// [MQTT-3.3.4-6] The client's PUBLISH has no Subscription Identifier, though the program asks for one.
#[test]
fn mqtt_3_3_4_6_no_subscription_identifier_in_a_publish() {
    let (_broker, mut peer, client) = connected(V);
    for qos in 0..3 {
        let id = [(prop::SUBSCRIPTION_ID, Value::Var(1))];
        not_sent(&client, client.send("a", b"", qos, false, &id));
    }
    peer.expect_silence();
}

/// [MQTT-4.2-1] The transport is an ordered stream of bytes, with no regard to where it is cut: packets that come byte by
/// byte, or many at a time, are the same packets.
#[test]
fn mqtt_4_2_1_a_stream_of_bytes() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    assert_eq!(client.connect(&ConnectOptions::default()), 0);
    let mut peer = broker.accept();
    peer.expect_connect();
    let mut stream = connack(V, false, 0, &[user("a", "b")]);
    for n in 1..4 {
        let sized = message(format!("t{n}"), vec![b'x'; usize::from(n) * 90]).qos(1, n);
        stream.extend(sized.with(user("a", "b")).encode(V));
    }
    for byte in &stream {
        peer.send(&[*byte]);
    }
    for n in 1..4 {
        peer.expect_ack(crate::packet::AckKind::PubAck, n);
    }
    assert!(matches!(client.next(), Event::Connected { .. }));
    for n in 1..4 {
        assert_eq!(client.message().payload.len(), n * 90);
    }
}
