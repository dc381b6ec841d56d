//! Sections 4.7 and 4.8: topics, shared subscriptions.

use crate::common::connected;
use crate::driver::Event;
use crate::packet::Version;
use crate::server::message;

const V: Version = Version::V5;

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

/// [MQTT-4.7.0-1] Wildcards are for filters: a topic name with one is not sent, a filter with one is.
#[test]
fn mqtt_4_7_0_1_wildcards_only_in_filters() {
    let (_broker, mut peer, client) = connected(V);
    for topic in ["a/+/b", "a/#"] {
        assert!(client.publish(topic, b"", 1).is_err());
        client.subscribe(topic, 0).unwrap();
        assert_eq!(peer.expect_subscribe().filters[0].0, topic);
    }
}

/// [MQTT-4.7.1-1] "#" stands alone or behind a separator, and last.
#[test]
fn mqtt_4_7_1_1_multi_level_wildcard() {
    check_filters(
        &["a#", "a/#/b", "#/a", "a/b#", "##"],
        &["#", "a/#", "/#", "+/#"],
    );
}

/// [MQTT-4.7.1-2] "+" fills a level, at any place.
#[test]
fn mqtt_4_7_1_2_single_level_wildcard() {
    check_filters(
        &["a+", "+a", "a/+b/c", "a/b+", "++"],
        &["+", "+/a", "a/+", "a/+/b", "/+", "+/+/+"],
    );
}

/// [MQTT-4.7.3-1] Topic names and filters have at least one character: none without is sent, and one that comes without an
/// alias ends the connection with 0x82.
#[test]
fn mqtt_4_7_3_1_not_empty() {
    let (_broker, mut peer, client) = connected(V);
    assert!(client.publish("", b"", 0).is_err());
    assert!(client.subscribe("", 0).is_err());
    assert!(client.unsubscribe(&[b""], &[]).is_err());
    peer.expect_silence();
    peer.publish(&message("", b"x"));
    peer.expect_refusal(0x82);
    assert_eq!(client.next(), Event::ConnectionLost);
}

/// [MQTT-4.7.3-2] A topic name with U+0000 ends the connection with 0x81, wherever in it. (The C API cannot ask for one.)
#[test]
fn mqtt_4_7_3_2_no_null_character() {
    for topic in [&b"\0"[..], b"a\0", b"\0a", b"a/\0/b"] {
        let (_broker, mut peer, client) = connected(V);
        peer.publish(&message(topic, b"x").qos(1, 1));
        peer.expect_refusal(0x81);
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

/// [MQTT-4.8.2-1] A shared subscription has a share name of at least one character.
#[test]
fn mqtt_4_8_2_1_share_name() {
    check_filters(
        &["$share//a", "$share//"],
        &["$share/g/a", "$share/a name/#", "$shared", "$shared/a"],
    );
}

/// [MQTT-4.8.2-2] The share name has no wildcard, and a "/" and a topic filter follow it.
#[test]
fn mqtt_4_8_2_2_what_follows_the_share_name() {
    check_filters(
        &[
            "$share/g",
            "$share/g/",
            "$share/g+/a",
            "$share/#/a",
            "$share/+/a",
            "$share/g/a#",
        ],
        &["$share/g/+", "$share/g//", "$share/g/a/#"],
    );
}
