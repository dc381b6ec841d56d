//! `QoS` 2 messages of the server's: what each is to the session until its PUBREL has been answered, whatever fails meanwhile.

use super::super::{HandOver, MAX_HELD};
use super::*;
use crate::protocol::reason;

const TWO: QoS = QoS::ExactlyOnce;
const AT_RELEASE: Acknowledge = Acknowledge::ByProgram {
    ordered: true,
    exactly_once: HandOver::Release,
};

impl Ours {
    /// The connection is made anew, and the server has kept the session.
    fn resume(&mut self) {
        self.lose();
        self.begin(true);
        self.sent();
    }

    /// The server releases a message, and the session cannot do what that asks for.
    fn release_fails(&mut self, id: u16) {
        let failed = self.server_acks(AckKind::PubRel, id);
        assert_eq!(failed, Err(Fault::NotStored));
        assert!(
            self.got().is_empty() && self.sent().is_empty(),
            "no PUBCOMP"
        );
    }
}

/// The server's quota begins anew with a connection, and the PUBREL of an older message does not use it up (section 4.9 of MQTT 5):
/// not even while the program has yet to acknowledge that message.
#[test]
fn a_message_released_on_the_next_connection_does_not_count_there() {
    let mut ours = Ours::new(Version::V5);
    ours.asked = properties(&[(PropertyId::ReceiveMaximum, Value::Two(1))]);
    ours.session.set_acknowledge(AT_RELEASE);
    ours.begin(false);
    ours.server_publishes(1, TWO, false, b"a").unwrap();
    ours.resume();
    ours.server_acks(AckKind::PubRel, 1).unwrap();
    let token = ours.only();
    ours.server_publishes(2, TWO, false, b"b").unwrap();
    let third = ours.server_publishes(3, TWO, false, b"c");
    let Err(Fault::Protocol(malformed)) = third else {
        panic!("{third:?}");
    };
    assert_eq!(malformed.reason, reason::RECEIVE_MAXIMUM_EXCEEDED);
    assert!(token.is_some());
}

/// What cannot be handed over at its PUBREL is handed over at the next one, whoever acknowledges.
#[test]
fn what_cannot_be_made_at_its_pubrel_comes_at_the_next_one() {
    for later in [AT_RELEASE, Acknowledge::OnArrival] {
        let mut ours = Ours::connected(Version::V5, AT_RELEASE);
        ours.server_publishes(1, TWO, false, b"a").unwrap();
        assert!(ours.got().is_empty());
        ours.sent();
        ours.session.set_acknowledge(later);
        ours.world.messages_fail = true;
        ours.release_fails(1);
        ours.world.messages_fail = false;
        ours.resume();
        if later == Acknowledge::OnArrival {
            ours.world.store_fails = true;
            ours.release_fails(1);
            ours.world.store_fails = false;
            ours.resume();
        }
        ours.server_acks(AckKind::PubRel, 1).unwrap();
        if let Some(token) = ours.only() {
            assert!(ours.sent().is_empty(), "the program has not acknowledged");
            ours.session.acknowledge(token, 0, &mut ours.world).unwrap();
        }
        assert_eq!(ours.sent(), [ack(PUBCOMP, 1)]);
        assert!(ours.world.records.is_empty());
        // The identifier is free: this is a message of its own.
        ours.server_publishes(1, TWO, false, b"b").unwrap();
        assert_eq!(ours.sent(), [ack(PUBREC, 1)]);
    }
}

/// The server uses an identifier again whose message the program has not acknowledged: the message stays for its PUBREL.
#[test]
fn a_pubrel_for_an_identifier_of_two_messages_is_a_fault_and_loses_neither() {
    let mut ours = Ours::connected(Version::V5, AT_RELEASE);
    ours.server_publishes(1, TWO, false, b"kept").unwrap();
    ours.server_publishes(1, QoS::AtLeastOnce, false, b"other")
        .unwrap();
    assert!(ours.only().is_some());
    ours.sent();
    let fault = ours.server_acks(AckKind::PubRel, 1);
    assert!(matches!(fault, Err(Fault::Protocol(_))), "{fault:?}");
    ours.resume();
    ours.server_acks(AckKind::PubRel, 1).unwrap();
    assert_eq!(ours.got()[0].0, "s=kept");
}

/// Where the messages that wait are too many, they are handed over before their PUBRELs. A record tells the next process of each.
#[test]
fn a_message_handed_over_early_is_released_once_the_store_has_it() {
    let mut ours = Ours::connected(Version::V311, Acknowledge::OnArrival);
    let large = vec![b'x'; MAX_HELD / 2 + 1];
    for (id, stood) in [(1, 0), (2, 2)] {
        ours.server_publishes(id, TWO, false, &large).unwrap();
        assert_eq!(
            ours.world.stood.len(),
            stood,
            "the records stay as they are"
        );
    }
    assert_eq!(ours.got().len(), 2);
    ours.sent();
    ours.world.store_fails = true;
    ours.release_fails(2);
    ours.world.store_fails = false;
    ours.resume();
    ours.server_acks(AckKind::PubRel, 2).unwrap();
    assert_eq!(ours.sent(), [ack(PUBCOMP, 2)]);
    assert!(ours.got().is_empty(), "the program has had it");
    assert!(ours.world.records.contains_key(&Record::Received(1)));
    assert_eq!(ours.world.records.len(), 1);
}

/// The store refuses while those that wait are handed over to make room: nothing is lost, and nothing comes twice.
#[test]
fn what_cannot_be_handed_over_early_goes_on_waiting() {
    let mut ours = Ours::connected(Version::V311, Acknowledge::OnArrival);
    let large = vec![b'x'; MAX_HELD];
    ours.server_publishes(1, TWO, false, &large).unwrap();
    ours.sent();
    ours.world.deliveries_fail = true;
    let refused = ours.server_publishes(2, TWO, false, b"second");
    assert_eq!(refused, Err(Fault::NotStored));
    ours.world.deliveries_fail = false;
    assert!(ours.got().is_empty() && ours.sent().is_empty());
    ours.resume();
    ours.server_publishes(2, TWO, true, b"second").unwrap();
    for id in [1, 2] {
        ours.server_acks(AckKind::PubRel, id).unwrap();
    }
    let lengths: Vec<_> = ours.got().iter().map(|(text, _)| text.len()).collect();
    assert_eq!(lengths, [2 + MAX_HELD, 8], "each once, in order");
}

/// MQTT 5 holds nothing for a PUBREL where the session acknowledges: a program hears of a message as soon as it is there.
#[test]
fn a_message_of_mqtt_5_is_handed_over_at_its_publish() {
    for (version, at_publish) in [(Version::V311, 0), (Version::V5, 1)] {
        let mut ours = Ours::connected(version, Acknowledge::OnArrival);
        ours.server_publishes(1, TWO, false, b"a").unwrap();
        assert_eq!(ours.got().len(), at_publish);
        ours.server_acks(AckKind::PubRel, 1).unwrap();
        assert_eq!(ours.got().len(), 1 - at_publish);
    }
}
