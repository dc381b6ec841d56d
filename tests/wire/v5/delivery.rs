//! Sections 2.2.1, 3.4 to 3.7, 4.3, 4.5 and 4.6 within one connection: who answers what, with which code and in which order.

use crate::broker::{Broker, Peer, alongside};
use crate::common::{connected, connected_with};
use crate::driver::{AsyncClient, ConnectOptions, Event, SyncClient};
use crate::packet::{AckKind, Value, Version, prop, text, user};
use crate::server::{ack, ack_with, message};

const V: Version = Version::V5;

/// [MQTT-2.2.1-5] Each acknowledgement has the identifier of the PUBLISH it is about, in both directions; one for another
/// identifier acknowledges nothing.
#[test]
fn mqtt_2_2_1_5_acknowledgements_have_the_identifier_of_the_publish() {
    let (_broker, mut peer, client) = connected(V);
    for id in [1, 0x1234, 0xFFFE] {
        peer.publish(&message("a", b"").qos(1, id));
        peer.expect_ack(AckKind::PubAck, id);
        client.message();
        peer.publish(&message("a", b"").qos(2, id));
        peer.expect_ack(AckKind::PubRec, id);
        peer.ack(AckKind::PubRel, id);
        peer.expect_ack(AckKind::PubComp, id);
        client.message();
    }
    let first = client.publish("a", b"1", 1).unwrap();
    let second = client.publish("a", b"2", 1).unwrap();
    let ids = [peer.expect_publish().id, peer.expect_publish().id];
    peer.ack(AckKind::PubAck, 0x4321);
    peer.ack(AckKind::PubAck, ids[1]);
    client.done(second);
    assert!(!client.is_complete(first));
    peer.ack(AckKind::PubAck, ids[0]);
    client.done(first);
}

/// [MQTT-2.2.1-6] A SUBACK or UNSUBACK for another identifier answers nothing; the one that belongs to the request does.
#[test]
fn mqtt_2_2_1_6_suback_and_unsuback_have_the_identifier_of_the_request() {
    let (_broker, mut peer, client) = connected(V);
    let one = client.subscribe("a", 1).unwrap();
    let two = client.unsubscribe(&[b"b"], &[]).unwrap();
    let ids = (peer.expect_subscribe().id, peer.expect_unsubscribe().id);
    peer.suback(0x4321, &[2]);
    peer.unsuback(0x4321, &[0x11]);
    peer.unsuback(ids.1, &[0]);
    assert_eq!(client.done(two), [0]);
    peer.suback(ids.0, &[1]);
    assert_eq!(client.done(one), [1]);
}

/// Sends this answer to a publish of this `QoS`.
fn answer(qos: i32, kind: AckKind, code: u8) -> (Peer, AsyncClient) {
    let (_broker, mut peer, client) = connected(V);
    client.publish("a", b"", qos).unwrap();
    let id = peer.expect_publish().id;
    if kind == AckKind::PubComp {
        peer.ack(AckKind::PubRec, id);
        peer.expect_ack(AckKind::PubRel, id);
    }
    peer.ack_with(kind, id, code);
    (peer, client)
}

/// What the program learns of it.
fn answered(qos: i32, kind: AckKind, code: u8) -> Event {
    let (_peer, client) = answer(qos, kind, code);
    client.next()
}

/// Such an answer ends the connection with an error.
fn check_refused(qos: i32, kind: AckKind, code: u8) {
    let (mut peer, _client) = answer(qos, kind, code);
    let reason = peer.expect_disconnect().reason;
    assert!([0x81, 0x82].contains(&reason), "{reason:#x}");
}

const PUBACK_ERRORS: [u8; 7] = [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];

/// What the program of a `MQTTClient` learns of each of these answers to publishes at `QoS` 1.
fn published(answers: &[(u8, Vec<(u8, Value)>)]) -> Vec<Event> {
    let broker = Broker::start();
    let client = SyncClient::with_callbacks(V, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        for (code, properties) in answers {
            let id = peer.expect_publish().id;
            peer.send(&ack_with(AckKind::PubAck, id, *code, properties));
        }
        peer
    };
    let calls = || {
        assert_eq!(client.connect(&ConnectOptions::default()), 0);
        let next = |_| {
            let token = client.publish("a", b"", 1, &[]).unwrap();
            std::iter::repeat_with(|| client.next())
                .find(|event| !matches!(event, Event::Delivered { .. }))
                .inspect(|event| {
                    assert!(matches!(event, Event::Published { token: t, .. } if *t == token));
                })
                .unwrap()
        };
        answers.iter().map(next).collect()
    };
    alongside(steps, calls).1
}

/// [MQTT-3.4.2-1] Codes of PUBACK: the client's own is one of them, the server's reach the program, and an error that PUBACK
/// does not have ends the connection. Of the codes below 0x80 all are a success: mochi-mqtt sends 0x01.
///
/// `MQTTAsync` has 0 for each success, as the original: programs take another code there for a failure. `MQTTClient` tells
/// them apart.
#[test]
fn mqtt_3_4_2_1_codes_of_puback() {
    for code in [0, 0x10, 0x01, 0x7F] {
        let event = answered(1, AckKind::PubAck, code);
        assert!(
            matches!(&event, Event::Done { codes, .. } if codes == &[0]),
            "{event:?}"
        );
    }
    let codes = [0, 0x10, 0x01, 0x7F].into_iter().chain(PUBACK_ERRORS);
    let answers: Vec<_> = codes.map(|code| (code, Vec::new())).collect();
    for (event, (code, _)) in published(&answers).into_iter().zip(&answers) {
        assert!(
            matches!(event, Event::Published { code: c, packet_type: 4, .. } if c == (*code).into()),
            "{event:?}"
        );
    }
    for code in PUBACK_ERRORS {
        let event = answered(1, AckKind::PubAck, code);
        assert!(
            matches!(event, Event::Failed { code: c, packet_type: 4, .. } if c == code.into()),
            "{event:?}"
        );
    }
    for code in [0x92, 0x93, 0xFF] {
        check_refused(1, AckKind::PubAck, code);
    }
}

/// [MQTT-3.5.2-1] The same for PUBREC, whose errors end the handshake.
#[test]
fn mqtt_3_5_2_1_codes_of_pubrec() {
    for code in PUBACK_ERRORS {
        let event = answered(2, AckKind::PubRec, code);
        assert!(
            matches!(event, Event::Failed { code: c, packet_type: 5, .. } if c == code.into()),
            "{event:?}"
        );
    }
    for code in [0x92, 0x93, 0xFF] {
        check_refused(2, AckKind::PubRec, code);
    }
    // 0x10, No matching subscribers, is no error: PUBREL follows. Nor is another below 0x80: mochi-mqtt sends 0x02.
    for code in [0x10, 0x02, 0x7F] {
        let (_broker, mut peer, client) = connected(V);
        client.publish("a", b"", 2).unwrap();
        let id = peer.expect_publish().id;
        peer.ack_with(AckKind::PubRec, id, code);
        peer.expect_ack(AckKind::PubRel, id);
    }
}

/// [MQTT-3.6.2-1] PUBREL for an identifier that the server knows has the code 0, and 0x92 for a PUBREC out of nowhere.
#[test]
fn mqtt_3_6_2_1_codes_of_pubrel() {
    let (_broker, mut peer, client) = connected(V);
    client.publish("a", b"", 2).unwrap();
    let id = peer.expect_publish().id;
    peer.ack(AckKind::PubRec, id);
    assert_eq!(peer.expect_ack(AckKind::PubRel, id).reason, 0);
    peer.ack(AckKind::PubRec, 0x4321);
    assert_eq!(peer.expect_ack(AckKind::PubRel, 0x4321).reason, 0x92);
    peer.send(&ack_with(AckKind::PubRel, 1, 0x80, &[]));
    let reason = peer.expect_disconnect().reason;
    assert!([0x81, 0x82].contains(&reason), "{reason:#x}");
}

/// [MQTT-3.7.2-1] PUBCOMP has the code 0, and 0x92 for a PUBREL out of nowhere. Of the server's, 0x92 means that it has
/// forgotten the message, which fails the publish; others end the connection.
#[test]
fn mqtt_3_7_2_1_codes_of_pubcomp() {
    let (_broker, mut peer, _client) = connected(V);
    peer.publish(&message("a", b"").qos(2, 3));
    peer.expect_ack(AckKind::PubRec, 3);
    peer.ack(AckKind::PubRel, 3);
    assert_eq!(peer.expect_ack(AckKind::PubComp, 3).reason, 0);
    peer.ack(AckKind::PubRel, 0x4321);
    assert_eq!(peer.expect_ack(AckKind::PubComp, 0x4321).reason, 0x92);
    assert!(matches!(
        answered(2, AckKind::PubComp, 0x92),
        Event::Failed {
            code: 0x92,
            packet_type: 7,
            ..
        }
    ));
    check_refused(2, AckKind::PubComp, 0x80);
}

/// [MQTT-3.4.2-2] The client adds no Reason String or User Property to its acknowledgements, so that they fit whatever the
/// server takes: PUBACK, PUBREC, PUBREL and PUBCOMP within 5 bytes.
#[test]
fn mqtt_3_4_2_2_acknowledgements_fit_any_maximum() {
    let limit = [(prop::MAXIMUM_PACKET_SIZE, Value::Four(20))];
    let (_broker, mut peer, client) = connected_with(V, &ConnectOptions::default(), &limit);
    client.publish("a", b"", 2).unwrap();
    let id = peer.expect_publish().id;
    let before = peer.raw().len();
    peer.ack(AckKind::PubRec, id);
    peer.expect_ack(AckKind::PubRel, id);
    peer.ack(AckKind::PubRec, 0x4321);
    peer.expect_ack(AckKind::PubRel, 0x4321);
    peer.publish(&message("a", b"").qos(1, 1));
    peer.expect_ack(AckKind::PubAck, 1);
    peer.publish(&message("a", b"").qos(2, 2));
    peer.expect_ack(AckKind::PubRec, 2);
    peer.ack(AckKind::PubRel, 2);
    peer.expect_ack(AckKind::PubComp, 2);
    peer.ack(AckKind::PubRel, 2);
    peer.expect_ack(AckKind::PubComp, 2);
    assert!(peer.raw()[before..].len() <= 6 * 5);
    for packet in &peer.packets()[2..] {
        assert!(
            matches!(packet, crate::packet::Packet::Ack(ack) if ack.properties.is_empty()),
            "{packet:?}"
        );
    }
}

/// What the server says with an acknowledgement reaches the program; both APIs.
#[test]
fn properties_of_acknowledgements_are_reported() {
    let (_broker, mut peer, client) = connected(V);
    let said = vec![
        text(prop::REASON_STRING, "fine"),
        user("a", "1"),
        user("a", "0"),
    ];
    let token = client.publish("a", b"", 1).unwrap();
    let id = peer.expect_publish().id;
    peer.send(&ack_with(AckKind::PubAck, id, 0x10, &said));
    assert_eq!(
        client.next(),
        Event::Done {
            token,
            codes: vec![0],
            properties: said.clone()
        }
    );
    let [Event::Published { properties, .. }] = &published(&[(0x10, said.clone())])[..] else {
        panic!()
    };
    assert_eq!(*properties, said);
}

/// [MQTT-4.3.2-1] Each message at `QoS` 1 gets an identifier of its own.
#[test]
fn mqtt_4_3_2_1_qos_1_identifier() {
    let (_broker, mut peer, client) = connected(V);
    let mut ids = Vec::new();
    for _ in 0..100 {
        client.publish("a", b"same", 1).unwrap();
        ids.push(peer.expect_publish().id);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100);
}

/// [MQTT-4.3.2-2] It is sent with that identifier, `QoS` 1 and DUP 0.
#[test]
fn mqtt_4_3_2_2_qos_1_publish() {
    let (_broker, mut peer, client) = connected(V);
    client.publish("a", b"x", 1).unwrap();
    let publish = peer.expect_publish();
    assert_eq!((publish.qos, publish.dup), (1, false));
    assert_ne!(publish.id, 0);
}

/// [MQTT-4.3.2-3] It is unacknowledged until its PUBACK, whatever else comes; both APIs.
#[test]
fn mqtt_4_3_2_3_qos_1_unacknowledged() {
    let (_broker, mut peer, client) = connected(V);
    let token = client.publish("a", b"x", 1).unwrap();
    let id = peer.expect_publish().id;
    peer.ack(AckKind::PubComp, id);
    peer.publish(&message("a", b"").qos(1, id));
    peer.expect_ack(AckKind::PubAck, id);
    client.message();
    assert!(!client.is_complete(token));
    peer.ack(AckKind::PubAck, id);
    client.done(token);

    let broker = Broker::start();
    let client = SyncClient::new(V, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        for code in [0, 0x87] {
            let id = peer.expect_publish().id;
            peer.ack_with(AckKind::PubAck, id, code);
        }
        let publish = peer.expect_publish();
        peer.ack(AckKind::PubRec, publish.id);
        peer.expect_ack(AckKind::PubRel, publish.id);
        peer.ack(AckKind::PubComp, publish.id);
        peer
    };
    let (_peer, ()) = alongside(steps, || {
        assert_eq!(client.connect(&ConnectOptions::default()), 0);
        for (payload, qos) in [(b"1", 1), (b"2", 1), (b"3", 2)] {
            let token = client
                .publish("a", payload, qos, &[user("a", "b")])
                .unwrap();
            assert_eq!(client.wait(token), 0);
        }
    });
}

/// [MQTT-4.3.2-4] A `QoS` 1 message is answered with PUBACK.
#[test]
fn mqtt_4_3_2_4_qos_1_puback() {
    let (_broker, mut peer, client) = connected(V);
    peer.publish(&message("a", b"1").qos(1, 5));
    peer.expect_ack(AckKind::PubAck, 5);
    assert_eq!(client.message().payload, b"1");
}

/// [MQTT-4.3.2-5] After PUBACK the same identifier is a new message, whatever DUP says.
#[test]
fn mqtt_4_3_2_5_qos_1_same_identifier_is_new() {
    let (_broker, mut peer, client) = connected(V);
    for (payload, again) in [("1", false), ("2", false), ("3", true)] {
        let message = message("a", payload).qos(1, 5);
        peer.publish(&if again { message.again() } else { message });
        peer.expect_ack(AckKind::PubAck, 5);
        assert_eq!(client.message().payload, payload.as_bytes());
    }
}

/// [MQTT-4.3.3-1] Each message at `QoS` 2 gets an identifier of its own, until its PUBCOMP.
#[test]
fn mqtt_4_3_3_1_qos_2_identifier() {
    let (_broker, mut peer, client) = connected(V);
    let mut ids = Vec::new();
    for _ in 0..100 {
        client.publish("a", b"same", 2).unwrap();
        let id = peer.expect_publish().id;
        peer.ack(AckKind::PubRec, id);
        peer.expect_ack(AckKind::PubRel, id);
        ids.push(id);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100);
}

/// [MQTT-4.3.3-2] It is sent with that identifier, `QoS` 2 and DUP 0.
#[test]
fn mqtt_4_3_3_2_qos_2_publish() {
    let (_broker, mut peer, client) = connected(V);
    client.publish("a", b"x", 2).unwrap();
    let publish = peer.expect_publish();
    assert_eq!((publish.qos, publish.dup), (2, false));
}

/// [MQTT-4.3.3-3] The PUBLISH is unacknowledged until its PUBREC: a PUBCOMP before is not the end.
#[test]
fn mqtt_4_3_3_3_qos_2_unacknowledged_publish() {
    let (_broker, mut peer, client) = connected(V);
    let token = client.publish("a", b"x", 2).unwrap();
    let id = peer.expect_publish().id;
    peer.ack(AckKind::PubComp, id);
    peer.expect_silence();
    assert!(!client.is_complete(token));
    peer.ack(AckKind::PubRec, id);
    peer.expect_ack(AckKind::PubRel, id);
}

/// [MQTT-4.3.3-4] PUBREC is answered with a PUBREL of the same identifier, unless it is an error; a second PUBREC too.
#[test]
fn mqtt_4_3_3_4_qos_2_pubrel() {
    let (_broker, mut peer, client) = connected(V);
    client.publish("a", b"x", 2).unwrap();
    let id = peer.expect_publish().id;
    for _ in 0..2 {
        peer.ack(AckKind::PubRec, id);
        assert_eq!(peer.expect_ack(AckKind::PubRel, id).reason, 0);
    }
    let token = client.publish("a", b"x", 2).unwrap();
    let id = peer.expect_publish().id;
    peer.ack_with(AckKind::PubRec, id, 0x80);
    assert_eq!(client.failed(token), 0x80);
    peer.expect_silence();
}

/// [MQTT-4.3.3-5] The PUBREL is unacknowledged until its PUBCOMP.
#[test]
fn mqtt_4_3_3_5_qos_2_unacknowledged_pubrel() {
    let (_broker, mut peer, client) = connected(V);
    let token = client.publish("a", b"x", 2).unwrap();
    let id = peer.expect_publish().id;
    peer.ack(AckKind::PubRec, id);
    peer.expect_ack(AckKind::PubRel, id);
    peer.ack(AckKind::PubAck, id);
    peer.expect_silence();
    assert!(!client.is_complete(token));
    peer.ack(AckKind::PubComp, id);
    client.done(token);
}

/// [MQTT-4.3.3-8] A `QoS` 2 message is answered with PUBREC.
#[test]
fn mqtt_4_3_3_8_qos_2_pubrec() {
    let (_broker, mut peer, _client) = connected(V);
    peer.publish(&message("a", b"").qos(2, 9));
    assert_eq!(peer.expect_ack(AckKind::PubRec, 9).reason, 0);
}

/// [MQTT-4.3.3-10] Until PUBREL the same identifier is answered with PUBREC, and the program gets the message once, at the
/// first; both APIs.
#[test]
fn mqtt_4_3_3_10_qos_2_same_identifier_is_the_same() {
    let (_broker, mut peer, client) = connected(V);
    peer.publish(&message("a", b"1").qos(2, 9));
    peer.expect_ack(AckKind::PubRec, 9);
    assert_eq!(client.message().payload, b"1");
    for resend in [
        message("a", b"1").qos(2, 9).again(),
        message("a", b"1").qos(2, 9),
    ] {
        peer.publish(&resend);
        peer.expect_ack(AckKind::PubRec, 9);
    }
    peer.ack(AckKind::PubRel, 9);
    peer.expect_ack(AckKind::PubComp, 9);
    peer.publish(&message("end", b""));
    assert_eq!(client.message().topic, "end");

    let broker = Broker::start();
    let client = SyncClient::new(V, &broker.uri(), "wire");
    let steps = || {
        let mut peer = broker.accept();
        peer.expect_connect();
        peer.connack(false, &[]);
        for _ in 0..2 {
            peer.publish(&message("a", b"1").qos(2, 9).with(user("a", "b")));
            peer.expect_ack(AckKind::PubRec, 9);
        }
        peer.ack(AckKind::PubRel, 9);
        peer.expect_ack(AckKind::PubComp, 9);
        peer.publish(&message("end", b""));
        peer
    };
    let (_peer, ()) = alongside(steps, || {
        assert_eq!(client.connect(&ConnectOptions::default()), 0);
        let arrived = client.receive();
        assert_eq!(
            (&arrived.payload[..], arrived.properties),
            (&b"1"[..], vec![user("a", "b")])
        );
        assert_eq!(client.receive().topic, "end");
    });
}

/// [MQTT-4.3.3-11] PUBREL is answered with PUBCOMP, a second one too.
#[test]
fn mqtt_4_3_3_11_qos_2_pubcomp() {
    let (_broker, mut peer, _client) = connected(V);
    peer.publish(&message("a", b"").qos(2, 9));
    peer.expect_ack(AckKind::PubRec, 9);
    for _ in 0..2 {
        peer.ack(AckKind::PubRel, 9);
        peer.expect_ack(AckKind::PubComp, 9);
    }
}

/// [MQTT-4.3.3-12] After PUBCOMP the identifier is free for a new message.
#[test]
fn mqtt_4_3_3_12_qos_2_identifier_is_free_again() {
    let (_broker, mut peer, client) = connected(V);
    for payload in ["1", "2"] {
        peer.publish(&message("a", payload).qos(2, 9));
        peer.expect_ack(AckKind::PubRec, 9);
        peer.ack(AckKind::PubRel, 9);
        peer.expect_ack(AckKind::PubComp, 9);
        assert_eq!(client.message().payload, payload.as_bytes());
    }
}

/// [MQTT-4.3.3-13] The handshake goes on for a message whose Message Expiry Interval has passed.
#[test]
fn mqtt_4_3_3_13_expired_messages_are_acknowledged() {
    let (_broker, mut peer, _client) = connected(V);
    peer.publish(
        &message("a", b"")
            .qos(2, 9)
            .with((prop::MESSAGE_EXPIRY, Value::Four(0))),
    );
    peer.expect_ack(AckKind::PubRec, 9);
    peer.ack(AckKind::PubRel, 9);
    assert_eq!(peer.expect_ack(AckKind::PubComp, 9).reason, 0);
}

/// [MQTT-4.5.0-2] A message is acknowledged by its `QoS` also while the program does not take it.
#[test]
fn mqtt_4_5_0_2_acknowledged_though_not_taken() {
    let (_broker, mut peer, client) = connected(V);
    client.refuse(3);
    peer.publish(&message("a", b"1").qos(1, 1));
    peer.expect_ack(AckKind::PubAck, 1);
    peer.publish(&message("a", b"2").qos(2, 2));
    peer.expect_ack(AckKind::PubRec, 2);
    peer.ack(AckKind::PubRel, 2);
    peer.expect_ack(AckKind::PubComp, 2);
}

/// [MQTT-4.6.0-2] PUBACKs are sent in the order of the messages, also when all come at once.
#[test]
fn mqtt_4_6_0_2_order_of_puback() {
    let (_broker, mut peer, _client) = connected(V);
    let ids: Vec<u16> = (0..100).map(|n| (n * 37) % 101 + 1).collect();
    let packets: Vec<u8> = ids
        .iter()
        .flat_map(|id| message("a", b"").qos(1, *id).encode(V))
        .collect();
    peer.send(&packets);
    for id in ids {
        peer.expect_ack(AckKind::PubAck, id);
    }
}

/// [MQTT-4.6.0-3] PUBRECs are sent in the order of the messages.
#[test]
fn mqtt_4_6_0_3_order_of_pubrec() {
    let (_broker, mut peer, _client) = connected(V);
    let ids: Vec<u16> = (0..100).map(|n| (n * 37) % 101 + 1).collect();
    let packets: Vec<u8> = ids
        .iter()
        .flat_map(|id| message("a", b"").qos(2, *id).encode(V))
        .collect();
    peer.send(&packets);
    for id in ids {
        peer.expect_ack(AckKind::PubRec, id);
    }
}

/// [MQTT-4.6.0-4] PUBRELs are sent in the order of the PUBRECs, not in that of the messages.
#[test]
fn mqtt_4_6_0_4_order_of_pubrel() {
    let (_broker, mut peer, client) = connected(V);
    let mut ids = Vec::new();
    for _ in 0..40 {
        client.publish("a", b"", 2).unwrap();
        ids.push(peer.expect_publish().id);
    }
    ids.reverse();
    ids.swap(3, 30);
    let packets: Vec<u8> = ids
        .iter()
        .flat_map(|id| ack(AckKind::PubRec, *id))
        .collect();
    peer.send(&packets);
    for id in ids {
        peer.expect_ack(AckKind::PubRel, id);
    }
}
