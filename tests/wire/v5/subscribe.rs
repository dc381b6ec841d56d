//! Sections 3.8 to 3.11: SUBSCRIBE, UNSUBSCRIBE and their answers.

use crate::broker::{Broker, alongside};
use crate::common::{BAD_QOS, BAD_UTF8, connected};
use crate::driver::{ConnectOptions, Event, SyncClient};
use crate::packet::{AckKind, Value, Version, prop, text, user};
use crate::server::{message, suback, unsuback};

const V: Version = Version::V5;

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

/// [MQTT-3.8.3-2] There is at least one filter: a SUBSCRIBE for none is not sent.
#[test]
fn mqtt_3_8_3_2_at_least_one_filter() {
    let (_broker, mut peer, client) = connected(V);
    assert!(client.subscribe_with(&[], &[], &[]).is_err());
    peer.expect_silence();
}

/// [MQTT-3.8.3-3] No Local is bit 2 of the options, for each filter as the program says.
#[test]
fn mqtt_3_8_3_3_no_local() {
    let (_broker, mut peer, client) = connected(V);
    client.subscribe_with(&[(b"a", 1)], &[4], &[]).unwrap();
    assert_eq!(peer.expect_subscribe().filters, [("a".to_owned(), 5)]);
    client
        .subscribe_with(&[(b"a", 1), (b"b", 2)], &[0, 4], &[])
        .unwrap();
    assert_eq!(
        peer.expect_subscribe().filters,
        [("a".to_owned(), 1), ("b".to_owned(), 6)]
    );
}

/// [MQTT-3.8.3-4] No Local is not sent with a shared subscription.
#[test]
fn mqtt_3_8_3_4_no_local_with_a_shared_subscription() {
    let (_broker, mut peer, client) = connected(V);
    assert!(
        client
            .subscribe_with(&[(b"$share/g/a", 1)], &[4], &[])
            .is_err()
    );
    assert!(
        client
            .subscribe_with(&[(b"a", 1), (b"$share/g/a", 1)], &[4, 4], &[])
            .is_err()
    );
    peer.expect_silence();
    client
        .subscribe_with(&[(b"$share/g/a", 1)], &[0x18], &[])
        .unwrap();
    assert_eq!(
        peer.expect_subscribe().filters,
        [("$share/g/a".to_owned(), 0x19)]
    );
}

/// [MQTT-3.8.3-5] Of the options only the defined bits are sent: `QoS`, No Local, Retain As Published, Retain Handling 0 to 2.
#[test]
fn mqtt_3_8_3_5_subscription_options() {
    let (_broker, mut peer, client) = connected(V);
    for options in [0x00, 0x04, 0x08, 0x0C, 0x10, 0x20, 0x2C] {
        for qos in 0..3 {
            client
                .subscribe_with(&[(b"a", qos)], &[options], &[])
                .unwrap();
            let sent = peer.expect_subscribe().filters[0].1;
            assert_eq!(sent, options | u8::try_from(qos).unwrap());
        }
    }
    assert!(
        client.subscribe_with(&[(b"a", 0)], &[0x30], &[]).is_err(),
        "Retain Handling 3"
    );
    assert!(
        client.subscribe_with(&[(b"a", 0)], &[0x40], &[]).is_err(),
        "Retain Handling 4"
    );
    assert_eq!(client.subscribe("a", 3), Err(BAD_QOS));
    peer.expect_silence();
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

/// [MQTT-3.8.4-6] SUBACK has one code for each filter; another number ends the connection with an error code.
#[test]
fn mqtt_3_8_4_6_one_code_for_each_filter() {
    for codes in [&[0][..], &[0, 1, 2]] {
        let (_broker, mut peer, client) = connected(V);
        client
            .subscribe_with(&[(b"a", 0), (b"b", 1)], &[], &[])
            .unwrap();
        let id = peer.expect_subscribe().id;
        peer.suback(id, codes);
        let reason = peer.expect_disconnect().reason;
        assert!([0x81, 0x82].contains(&reason), "{reason:#x}");
    }
}

/// [MQTT-3.8.4-7] What was granted reaches the program, and what was refused, with what the server says about it; both APIs.
#[test]
fn mqtt_3_8_4_7_granted_qos_is_reported() {
    let (_broker, mut peer, client) = connected(V);
    let token = client.subscribe("a", 2).unwrap();
    let id = peer.expect_subscribe().id;
    let said = vec![text(prop::REASON_STRING, "less"), user("a", "b")];
    peer.send(&suback(V, id, &said, &[1]));
    assert_eq!(
        client.next(),
        Event::Done {
            token,
            codes: vec![1],
            properties: said
        }
    );

    let broker = Broker::start();
    let client = SyncClient::new(V, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        let subscribe = peer.expect_subscribe();
        assert_eq!(subscribe.filters[1].1, 0x0E);
        peer.suback(subscribe.id, &[1, 0x87, 0]);
        let id = peer.expect_unsubscribe().id;
        peer.unsuback(id, &[0x11, 0]);
        peer
    };
    let (_peer, ()) = alongside(steps, || {
        assert_eq!(client.connect(&ConnectOptions::default()), 0);
        let granted = client.subscribe(&[("a", 2), ("b", 2), ("c", 2)], &[0, 0x0C, 0]);
        assert_eq!(granted, Ok(vec![1, 0x87, 0]));
        assert_eq!(client.unsubscribe(&["a", "b"]), Ok(vec![0x11, 0]));
    });
}

/// [MQTT-3.9.3-1] The codes of SUBACK are in the order of the filters.
#[test]
fn mqtt_3_9_3_1_order_of_the_codes() {
    let (_broker, mut peer, client) = connected(V);
    let filters: [(&[u8], i32); 4] = [(b"a", 2), (b"b", 2), (b"c", 2), (b"d", 2)];
    let token = client.subscribe_with(&filters, &[], &[]).unwrap();
    let id = peer.expect_subscribe().id;
    peer.suback(id, &[2, 0x87, 0, 1]);
    assert_eq!(client.done(token), [2, 0x87, 0, 1]);
}

/// [MQTT-3.9.3-2] The codes of SUBACK are accepted, others end the connection.
#[test]
fn mqtt_3_9_3_2_codes_of_suback() {
    for code in [
        0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2,
    ] {
        let (_broker, mut peer, client) = connected(V);
        let token = client.subscribe("a", 2).unwrap();
        let id = peer.expect_subscribe().id;
        peer.suback(id, &[code]);
        let reported = if code < 0x80 {
            client.done(token)[0]
        } else {
            client.failed(token)
        };
        assert_eq!(reported, code.into());
    }
    for code in [3, 0x10, 0x7F, 0x81, 0xFF] {
        let (_broker, mut peer, client) = connected(V);
        client.subscribe("a", 0).unwrap();
        let id = peer.expect_subscribe().id;
        peer.suback(id, &[code]);
        let reason = peer.expect_disconnect().reason;
        assert!([0x81, 0x82].contains(&reason), "{reason:#x}");
    }
}

/// [MQTT-3.10.1-1] The first byte of UNSUBSCRIBE is A2.
#[test]
fn mqtt_3_10_1_1_flags_of_unsubscribe() {
    let (_broker, mut peer, client) = connected(V);
    let before = peer.raw().len();
    client.unsubscribe(&[b"a/b"], &[user("a", "b")]).unwrap();
    assert_eq!(peer.expect_unsubscribe().properties, [user("a", "b")]);
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

/// [MQTT-3.10.4-3] A handshake that had begun when the subscription ended is completed.
#[test]
fn mqtt_3_10_4_3_delivery_is_completed_after_unsubscribe() {
    let (_broker, mut peer, client) = connected(V);
    peer.publish(&message("a", b"late").qos(2, 3));
    peer.expect_ack(AckKind::PubRec, 3);
    assert_eq!(client.message().payload, b"late");
    let token = client.unsubscribe(&[b"a"], &[]).unwrap();
    let id = peer.expect_unsubscribe().id;
    peer.unsuback(id, &[0]);
    assert_eq!(client.done(token), [0]);
    peer.ack(AckKind::PubRel, 3);
    assert_eq!(peer.expect_ack(AckKind::PubComp, 3).reason, 0);
}

/// [MQTT-3.10.4-5] The UNSUBACK with the identifier of the UNSUBSCRIBE is its answer.
#[test]
fn mqtt_3_10_4_5_unsuback_answers_its_unsubscribe() {
    let (_broker, mut peer, client) = connected(V);
    let one = client.unsubscribe(&[b"a"], &[]).unwrap();
    let two = client.unsubscribe(&[b"b", b"c"], &[]).unwrap();
    let ids = [peer.expect_unsubscribe().id, peer.expect_unsubscribe().id];
    peer.unsuback(ids[1], &[0, 0x11]);
    assert_eq!(client.done(two), [0, 0x11]);
    peer.unsuback(ids[0], &[0x11]);
    assert_eq!(client.done(one), [0x11]);
}

/// [MQTT-3.11.3-1] The codes of UNSUBACK are one for each filter, in their order; another number ends the connection.
#[test]
fn mqtt_3_11_3_1_order_of_the_codes() {
    let (_broker, mut peer, client) = connected(V);
    let token = client.unsubscribe(&[b"a", b"b", b"c"], &[]).unwrap();
    let id = peer.expect_unsubscribe().id;
    peer.send(&unsuback(V, id, &[user("a", "b")], &[0, 0x11, 0x87]));
    let codes = vec![0, 0x11, 0x87];
    assert_eq!(
        client.next(),
        Event::Done {
            token,
            codes,
            properties: vec![user("a", "b")]
        }
    );
    client.unsubscribe(&[b"a", b"b"], &[]).unwrap();
    let id = peer.expect_unsubscribe().id;
    peer.unsuback(id, &[0]);
    let reason = peer.expect_disconnect().reason;
    assert!([0x81, 0x82].contains(&reason), "{reason:#x}");
}

/// [MQTT-3.11.3-2] The codes of UNSUBACK are accepted, others end the connection.
#[test]
fn mqtt_3_11_3_2_codes_of_unsuback() {
    for code in [0, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91] {
        let (_broker, mut peer, client) = connected(V);
        let token = client.unsubscribe(&[b"a"], &[]).unwrap();
        let id = peer.expect_unsubscribe().id;
        peer.unsuback(id, &[code]);
        let reported = match client.next() {
            Event::Done {
                token: t, codes, ..
            } if t == token => codes[0],
            Event::Failed { token: t, code, .. } if t == token => code,
            other => panic!("{other:?}"),
        };
        assert_eq!(reported, code.into());
    }
    for code in [1, 0x10, 0x97, 0xFF] {
        let (_broker, mut peer, client) = connected(V);
        client.unsubscribe(&[b"a"], &[]).unwrap();
        let id = peer.expect_unsubscribe().id;
        peer.unsuback(id, &[code]);
        let reason = peer.expect_disconnect().reason;
        assert!([0x81, 0x82].contains(&reason), "{reason:#x}");
    }
}

/// A Subscription Identifier and user properties are sent as the program gave them.
#[test]
fn properties_of_subscribe_are_sent() {
    let (_broker, mut peer, client) = connected(V);
    let properties = [
        (prop::SUBSCRIPTION_ID, Value::Var(77)),
        user("b", "1"),
        user("a", "2"),
    ];
    client
        .subscribe_with(&[(b"a", 0)], &[], &properties)
        .unwrap();
    assert_eq!(peer.expect_subscribe().properties, properties);
}
