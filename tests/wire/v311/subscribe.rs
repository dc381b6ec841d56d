//! Sections 3.8 to 3.12: SUBSCRIBE, UNSUBSCRIBE and their answers.

use crate::broker::{Broker, alongside};
use crate::common::{BAD_QOS, BAD_UTF8, connected};
use crate::driver::{ConnectOptions, Event, SyncClient};
use crate::packet::{AckKind, Version};
use crate::server::message;

const V: Version = Version::V311;

/// [MQTT-3.8.1-1] The first byte of SUBSCRIBE is 82.
#[test]
fn mqtt_3_8_1_1_flags_of_subscribe() {
    let (_broker, mut peer, client) = connected(V);
    let before = peer.raw().len();
    client.subscribe("a/b", 1).unwrap();
    peer.expect_subscribe();
    assert_eq!(peer.raw()[before], 0x82);
}

/// [MQTT-3.8.3-1] Topic filters are UTF-8, each behind its length.
#[test]
fn mqtt_3_8_3_1_filters_are_utf8() {
    let (_broker, mut peer, client) = connected(V);
    for bad in [&b"\xFF"[..], b"a/\xC0\x80/b"] {
        assert_eq!(
            client.subscribe_with(&[(b"a", 0), (bad, 0)], &[], &[]),
            Err(BAD_UTF8)
        );
    }
    client
        .subscribe_with(&[("ż/+".as_bytes(), 0), ("日本/#".as_bytes(), 1)], &[], &[])
        .unwrap();
    let filters = peer.expect_subscribe().filters;
    assert_eq!(filters, [("ż/+".to_owned(), 0), ("日本/#".to_owned(), 1)]);
}

/// [MQTT-3.8.3-3] There is at least one filter: a SUBSCRIBE for none is not sent.
#[test]
fn mqtt_3_8_3_3_at_least_one_filter() {
    let (_broker, mut peer, client) = connected(V);
    assert!(client.subscribe_with(&[], &[], &[]).is_err());
    peer.expect_silence();
}

/// [MQTT-3.8.3-4] The options byte is the `QoS`, 0 to 2, and no more.
#[test]
fn mqtt_3_8_3_4_requested_qos() {
    let (_broker, mut peer, client) = connected(V);
    for qos in [3, -1, 255, 256] {
        assert_eq!(client.subscribe("a", qos), Err(BAD_QOS), "{qos}");
        assert_eq!(
            client.subscribe_with(&[(b"a", 0), (b"b", qos)], &[], &[]),
            Err(BAD_QOS),
            "{qos}"
        );
    }
    for qos in 0..3 {
        client.subscribe("a", qos).unwrap();
        assert_eq!(
            peer.expect_subscribe().filters,
            [("a".to_owned(), u8::try_from(qos).unwrap())]
        );
    }
}

/// [MQTT-3.8.4-2] The SUBACK with the identifier of the SUBSCRIBE is its answer, in whatever order several come.
#[test]
fn mqtt_3_8_4_2_suback_answers_its_subscribe() {
    let (_broker, mut peer, client) = connected(V);
    let one = client.subscribe("a", 0).unwrap();
    let two = client.subscribe("b", 2).unwrap();
    let ids = [peer.expect_subscribe().id, peer.expect_subscribe().id];
    peer.suback(ids[1], &[2]);
    assert_eq!(client.done(two), [2]);
    peer.suback(ids[0], &[0]);
    assert_eq!(client.done(one), [0]);
}

/// [MQTT-3.8.4-1] Messages may come before the SUBACK of the subscription that they match.
#[test]
fn mqtt_3_8_4_1_messages_may_come_before_suback() {
    let (_broker, mut peer, client) = connected(V);
    let token = client.subscribe("a", 1).unwrap();
    let id = peer.expect_subscribe().id;
    peer.publish(&message("a", b"early").qos(1, 1));
    peer.expect_ack(AckKind::PubAck, 1);
    assert_eq!(client.message().payload, b"early");
    peer.suback(id, &[1]);
    assert_eq!(client.done(token), [1]);
}

/// [MQTT-3.8.4-5] SUBACK has one code for each filter; another number is a violation. A refused filter is reported so.
#[test]
fn mqtt_3_8_4_5_one_code_for_each_filter() {
    for codes in [&[0][..], &[0, 1, 2]] {
        let (_broker, mut peer, client) = connected(V);
        let token = client
            .subscribe_with(&[(b"a", 0), (b"b", 1)], &[], &[])
            .unwrap();
        let id = peer.expect_subscribe().id;
        peer.suback(id, codes);
        peer.expect_close();
        let mut events = [client.next(), client.next()];
        events.sort_by_key(|event| matches!(event, Event::ConnectionLost));
        assert!(
            matches!(events[0], Event::Failed { token: failed, .. } if failed == token),
            "{events:?}"
        );
        assert_eq!(events[1], Event::ConnectionLost);
    }
    let (_broker, mut peer, client) = connected(V);
    let token = client.subscribe("a", 0).unwrap();
    let id = peer.expect_subscribe().id;
    peer.suback(id, &[0x80]);
    assert_eq!(client.failed(token), 0x80);
}

/// [MQTT-3.8.4-6] The server may grant less than was asked for; the program learns what, in both APIs.
#[test]
fn mqtt_3_8_4_6_granted_qos_is_reported() {
    let (_broker, mut peer, client) = connected(V);
    let token = client.subscribe("a", 2).unwrap();
    let id = peer.expect_subscribe().id;
    peer.suback(id, &[1]);
    assert_eq!(client.done(token), [1]);

    let broker = Broker::start();
    let client = SyncClient::new(V, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        let id = peer.expect_subscribe().id;
        peer.suback(id, &[1, 0x80, 0]);
        let id = peer.expect_unsubscribe().id;
        peer.unsuback(id, &[]);
        peer
    };
    let (_peer, ()) = alongside(steps, || {
        assert_eq!(client.connect(&ConnectOptions::default()), 0);
        let granted = client.subscribe(&[("a", 2), ("b", 2), ("c", 2)], &[]);
        assert_eq!(granted, Ok(vec![1, 0x80, 0]));
        assert_eq!(client.unsubscribe(&["a"]), Ok(vec![]));
    });
}

/// [MQTT-3.9.3-1] The codes of SUBACK are in the order of the filters.
#[test]
fn mqtt_3_9_3_1_order_of_the_codes() {
    let (_broker, mut peer, client) = connected(V);
    let filters: [(&[u8], i32); 4] = [(b"a", 2), (b"b", 2), (b"c", 2), (b"d", 2)];
    let token = client.subscribe_with(&filters, &[], &[]).unwrap();
    let subscribe = peer.expect_subscribe();
    assert_eq!(
        subscribe
            .filters
            .iter()
            .map(|(filter, _)| filter.as_str())
            .collect::<String>(),
        "abcd"
    );
    peer.suback(subscribe.id, &[2, 0x80, 0, 1]);
    assert_eq!(client.done(token), [2, 0x80, 0, 1]);
}

/// [MQTT-3.9.3-2] A code that SUBACK does not have ends the connection.
#[test]
fn mqtt_3_9_3_2_reserved_codes() {
    for code in [3, 0x7F, 0x81, 0xFF] {
        let (_broker, mut peer, client) = connected(V);
        client.subscribe("a", 0).unwrap();
        let id = peer.expect_subscribe().id;
        peer.suback(id, &[code]);
        peer.expect_close();
        drop(client);
    }
}

/// [MQTT-3.10.1-1] The first byte of UNSUBSCRIBE is A2.
#[test]
fn mqtt_3_10_1_1_flags_of_unsubscribe() {
    let (_broker, mut peer, client) = connected(V);
    let before = peer.raw().len();
    client.unsubscribe(&[b"a/b"], &[]).unwrap();
    peer.expect_unsubscribe();
    assert_eq!(peer.raw()[before], 0xA2);
}

/// [MQTT-3.10.3-1] Topic filters are UTF-8, each behind its length.
#[test]
fn mqtt_3_10_3_1_filters_are_utf8() {
    let (_broker, mut peer, client) = connected(V);
    assert_eq!(client.unsubscribe(&[b"a", b"\xFE"], &[]), Err(BAD_UTF8));
    client.unsubscribe(&["ż/+".as_bytes(), b"#"], &[]).unwrap();
    assert_eq!(peer.expect_unsubscribe().filters, ["ż/+", "#"]);
}

/// [MQTT-3.10.3-2] There is at least one filter: an UNSUBSCRIBE for none is not sent.
#[test]
fn mqtt_3_10_3_2_at_least_one_filter() {
    let (_broker, mut peer, client) = connected(V);
    assert!(client.unsubscribe(&[], &[]).is_err());
    peer.expect_silence();
}

/// [MQTT-3.10.4-4] The UNSUBACK with the identifier of the UNSUBSCRIBE is its answer.
#[test]
fn mqtt_3_10_4_4_unsuback_answers_its_unsubscribe() {
    let (_broker, mut peer, client) = connected(V);
    let one = client.unsubscribe(&[b"a"], &[]).unwrap();
    let two = client.unsubscribe(&[b"b", b"c"], &[]).unwrap();
    let ids = [peer.expect_unsubscribe().id, peer.expect_unsubscribe().id];
    peer.unsuback(ids[1], &[]);
    assert_eq!(client.done(two), []);
    peer.unsuback(ids[0], &[]);
    assert_eq!(client.done(one), []);
}

/// [MQTT-3.10.4-3] A handshake that had begun when the subscription ended is completed.
#[test]
fn mqtt_3_10_4_3_delivery_is_completed_after_unsubscribe() {
    let (_broker, mut peer, client) = connected(V);
    peer.publish(&message("a", b"late").qos(2, 3));
    peer.expect_ack(AckKind::PubRec, 3);
    let token = client.unsubscribe(&[b"a"], &[]).unwrap();
    let id = peer.expect_unsubscribe().id;
    peer.unsuback(id, &[]);
    client.done(token);
    peer.ack(AckKind::PubRel, 3);
    peer.expect_ack(AckKind::PubComp, 3);
    assert_eq!(client.message().payload, b"late");
}
