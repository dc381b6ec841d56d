//! Sections 4.2, 4.7 and 4.8: topics, errors.

use crate::broker::Broker;
use crate::common::{connect, connected};
use crate::driver::{AsyncClient, ConnectOptions, Event};
use crate::packet::{AckKind, Version};
use crate::server::message;

const V: Version = Version::V311;

/// [MQTT-4.7.1-1] Wildcards are for filters: a topic name with one is not sent, a filter with one is.
#[test]
fn mqtt_4_7_1_1_wildcards_only_in_filters() {
    let (_broker, mut peer, client) = connected(V);
    for topic in ["a/+/b", "a/#"] {
        assert!(client.publish(topic, b"", 1).is_err());
        client.subscribe(topic, 0).unwrap();
        assert_eq!(peer.expect_subscribe().filters[0].0, topic);
    }
}

/// Filters that must not, and filters that must go out.
fn check_filters(refused: &[&str], accepted: &[&str]) {
    let (_broker, mut peer, client) = connected(V);
    for filter in refused {
        assert!(client.subscribe(filter, 0).is_err(), "{filter}");
        assert!(
            client.unsubscribe(&[filter.as_bytes()], &[]).is_err(),
            "{filter}"
        );
    }
    for filter in accepted {
        client.subscribe(filter, 0).unwrap();
        assert_eq!(peer.expect_subscribe().filters[0].0, *filter);
        client.unsubscribe(&[filter.as_bytes()], &[]).unwrap();
        assert_eq!(peer.expect_unsubscribe().filters[0], *filter);
    }
}

/// [MQTT-4.7.1-2] "#" stands alone or behind a separator, and last.
#[test]
fn mqtt_4_7_1_2_multi_level_wildcard() {
    check_filters(
        &["a#", "a/#/b", "#/a", "a/b#", "##"],
        &["#", "a/#", "/#", "+/#"],
    );
}

/// [MQTT-4.7.1-3] "+" fills a level, at any place.
#[test]
fn mqtt_4_7_1_3_single_level_wildcard() {
    check_filters(
        &["a+", "+a", "a/+b/c", "a/b+", "++"],
        &["+", "+/a", "a/+", "a/+/b", "/+", "+/+/+"],
    );
}

/// [MQTT-4.7.3-1] Topic names and filters have at least one character: none without is sent, one that comes ends the
/// connection.
#[test]
fn mqtt_4_7_3_1_not_empty() {
    let (_broker, mut peer, client) = connected(V);
    assert!(client.publish("", b"", 0).is_err());
    assert!(client.subscribe("", 0).is_err());
    assert!(client.unsubscribe(&[b""], &[]).is_err());
    peer.expect_silence();
    peer.publish(&message("", b"x"));
    peer.expect_close();
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// [MQTT-4.7.3-2] A topic name with U+0000 ends the connection, wherever in it. (The C API cannot ask for one.)
#[test]
fn mqtt_4_7_3_2_no_null_character() {
    for topic in [&b"\0"[..], b"a\0", b"\0a", b"a/\0/b"] {
        let (_broker, mut peer, client) = connected(V);
        peer.publish(&message(topic, b"x").qos(1, 1));
        peer.expect_close();
        assert_eq!(client.next(), Event::ConnectionLost);
    }
}

/// [MQTT-4.7.3-3] A topic of 65,535 bytes is sent and received, a longer one is not sent.
#[test]
fn mqtt_4_7_3_3_longest_topic() {
    let (_broker, mut peer, client) = connected(V);
    let longest = "x".repeat(65_535);
    let too_long = "x".repeat(65_536);
    assert!(client.publish(&too_long, b"", 1).is_err());
    assert!(client.subscribe(&too_long, 1).is_err());
    assert!(client.unsubscribe(&[too_long.as_bytes()], &[]).is_err());
    client.publish(&longest, b"", 1).unwrap();
    assert_eq!(peer.expect_publish().topic, longest);
    client.subscribe(&longest, 1).unwrap();
    assert_eq!(peer.expect_subscribe().filters[0].0, longest);
    peer.publish(&message(&longest, b"x"));
    assert_eq!(client.message().topic, longest);
}

/// [MQTT-4.8.0-1] A violation ends the connection on which it came, and only that: another client's stays, and the client
/// can connect again.
#[test]
fn mqtt_4_8_0_1_violation_ends_its_connection() {
    let (_other_broker, mut other_peer, _other) = connected(V);
    let (broker, mut peer, client) = connected(V);
    // A second CONNACK, a packet that only clients send, a DISCONNECT from a 3.1.1 server.
    for violation in [
        &b"\x20\x02\x00\x00"[..],
        b"\x82\x06\x00\x01\x00\x01a\x00",
        b"\xE0\x00",
    ] {
        peer.send(violation);
        peer.expect_close();
        assert_eq!(client.next(), Event::ConnectionLost);
        assert!(!client.is_connected());
        peer = connect(&broker, &client, &ConnectOptions::default(), false, &[]).0;
    }
    peer.expect_silence();
    other_peer.expect_silence();
}

/// [MQTT-7.1.2-1] The transport is an ordered stream of bytes, with no regard to where it is cut: packets that come byte
/// by byte, or many at a time, are the same packets.
#[test]
fn mqtt_7_1_2_1_a_stream_of_bytes() {
    let broker = Broker::start();
    let client = AsyncClient::new(V, &broker.uri(), "wire");
    assert_eq!(client.connect(&ConnectOptions::default()), 0);
    let mut peer = broker.accept();
    peer.expect_connect();
    let mut stream = crate::server::connack(V, false, 0, &[]);
    for n in 1..4 {
        stream.extend(
            message(format!("t{n}"), vec![b'x'; usize::from(n) * 90])
                .qos(1, n)
                .encode(V),
        );
    }
    for byte in &stream {
        peer.send(&[*byte]);
    }
    for n in 1..4 {
        peer.expect_ack(AckKind::PubAck, n);
    }
    assert!(matches!(client.next(), Event::Connected { .. }));
    for n in 1..4 {
        assert_eq!(client.message().payload.len(), n * 90);
    }
    peer.send_cut(&stream[4..], 30);
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// A connection that the server resets is a lost one.
#[test]
fn a_reset_is_a_lost_connection() {
    let (_broker, peer, client) = connected(V);
    peer.reset();
    assert_eq!(client.next(), Event::ConnectionLost);
}
