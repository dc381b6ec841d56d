//! Who acknowledges messages, when, and in which order; and what is bounded about those that wait.

use super::super::{HAD, HandOver, MAX_HELD, MAX_UNACKNOWLEDGED, MAX_UNSENT_REPLIES, Refused};
use super::*;
use crate::protocol::reason;

const fn by_program(ordered: bool, exactly_once: HandOver) -> Acknowledge {
    Acknowledge::ByProgram {
        ordered,
        exactly_once,
    }
}

const ORDERED: Acknowledge = by_program(true, HandOver::Publish);
const UNORDERED: Acknowledge = by_program(false, HandOver::Publish);
const AT_RELEASE: Acknowledge = by_program(true, HandOver::Release);
const ONE: QoS = QoS::AtLeastOnce;
const TWO: QoS = QoS::ExactlyOnce;

impl Ours {
    /// The program acknowledges; returns true if it was taken.
    fn acknowledge(&mut self, token: Option<AckToken>) -> bool {
        let token = token.expect("a message to acknowledge");
        self.session
            .acknowledge(token, 0, &mut self.world)
            .expect("acknowledged")
    }

    /// Returns the token of the only message that the program got.
    pub(super) fn only(&mut self) -> Option<AckToken> {
        let got = self.got();
        assert_eq!(got.len(), 1, "{got:?}");
        got[0].1
    }
}

fn protocol_fault(result: Result<(), Fault>) -> u8 {
    match result {
        Err(Fault::Protocol(malformed)) => malformed.reason,
        other => panic!("no protocol error: {other:?}"),
    }
}

const BOTH: [Version; 2] = [Version::V311, Version::V5];

#[test]
fn on_arrival_nothing_waits() {
    for version in BOTH {
        let mut ours = Ours::connected(version, Acknowledge::OnArrival);
        ours.server_publishes(7, ONE, false, b"a").unwrap();
        assert_eq!(ours.sent(), [ack(PUBACK, 7)]);
        assert_eq!(ours.only(), None);
        assert_eq!(ours.session.unacknowledged(), 0);
    }
}

#[test]
fn ordered_acknowledgements_leave_in_the_order_of_arrival() {
    for version in BOTH {
        let mut ours = Ours::connected(version, ORDERED);
        for id in [3, 1, 2] {
            ours.server_publishes(id, ONE, false, b"a").unwrap();
        }
        ours.server_publishes(9, TWO, false, b"a").unwrap();
        assert!(ours.sent().is_empty());
        let got = ours.got();
        for at in [3, 2, 1] {
            assert!(ours.acknowledge(got[at].1));
            assert!(ours.sent().is_empty(), "those before it are not given");
        }
        assert!(ours.acknowledge(got[0].1));
        let sent = ours.sent();
        assert_eq!(
            sent,
            [
                ack(PUBACK, 3),
                ack(PUBACK, 1),
                ack(PUBACK, 2),
                ack(PUBREC, 9)
            ]
        );
    }
}

#[test]
fn unordered_acknowledgements_leave_at_once() {
    let mut ours = Ours::connected(Version::V5, UNORDERED);
    for id in [3, 1, 2] {
        ours.server_publishes(id, ONE, false, b"a").unwrap();
    }
    let got = ours.got();
    assert!(ours.acknowledge(got[2].1));
    assert_eq!(ours.sent(), [ack(PUBACK, 2)]);
    assert!(ours.acknowledge(got[0].1));
    assert_eq!(ours.sent(), [ack(PUBACK, 3)]);
    assert_eq!(ours.session.unacknowledged(), 1);
}

#[test]
fn a_token_is_good_once_and_for_its_message_and_connection() {
    let mut ours = Ours::connected(Version::V311, ORDERED);
    ours.server_publishes(7, ONE, false, b"a").unwrap();
    let first = ours.only();
    assert_eq!(ours.session.ack_token(7), first);
    assert!(ours.acknowledge(first));
    assert!(!ours.acknowledge(first), "used");
    ours.server_publishes(7, ONE, false, b"b").unwrap();
    let second = ours.only();
    assert!(
        !ours.acknowledge(first),
        "of an earlier message of that identifier"
    );
    ours.lose();
    assert!(!ours.acknowledge(second), "no connection");
    ours.begin(true);
    ours.sent();
    ours.server_publishes(7, ONE, true, b"b").unwrap();
    let again = ours.only();
    assert!(!ours.acknowledge(second), "of an older connection");
    assert!(ours.acknowledge(again));
    assert_eq!(ours.sent(), [ack(PUBACK, 7)]);
}

#[test]
fn at_its_publish_a_qos_2_message_gets_pubrec_from_the_program() {
    for version in BOTH {
        let mut ours = Ours::connected(version, ORDERED);
        ours.server_publishes(7, TWO, false, b"a").unwrap();
        let token = ours.only();
        assert!(ours.world.records.is_empty(), "nothing is promised yet");
        ours.server_publishes(7, TWO, true, b"a").unwrap();
        assert!(ours.got().is_empty(), "a resend");
        assert!(ours.sent().is_empty());
        assert!(ours.acknowledge(token));
        assert!(ours.world.records.contains_key(&Record::Received(7)));
        assert_eq!(ours.sent(), [ack(PUBREC, 7)]);
        ours.server_acks(AckKind::PubRel, 7).unwrap();
        assert_eq!(ours.sent(), [ack(PUBCOMP, 7)]);
        assert!(ours.world.records.is_empty());
    }
}

#[test]
fn what_is_not_acknowledged_comes_again_and_what_is_does_not() {
    for version in BOTH {
        let mut ours = Ours::connected(version, UNORDERED);
        for id in [1, 2] {
            ours.server_publishes(id, TWO, false, b"a").unwrap();
        }
        let got = ours.got();
        assert!(ours.acknowledge(got[0].1));
        ours.lose();
        ours.begin(true);
        ours.sent();
        for id in [1, 2] {
            ours.server_publishes(id, TWO, true, b"a").unwrap();
        }
        assert_eq!(ours.sent(), [ack(PUBREC, 1)]);
        let token = ours.only();
        assert!(ours.acknowledge(token));
        assert_eq!(ours.sent(), [ack(PUBREC, 2)]);
    }
}

#[test]
fn an_acknowledgement_held_back_by_the_order_counts_as_given() {
    let mut ours = Ours::connected(Version::V5, ORDERED);
    for id in [1, 2] {
        ours.server_publishes(id, TWO, false, b"a").unwrap();
    }
    let got = ours.got();
    assert!(ours.acknowledge(got[1].1));
    ours.server_publishes(2, TWO, true, b"a").unwrap();
    assert!(
        ours.sent().is_empty(),
        "its PUBREC waits for the first one's"
    );
    ours.lose();
    ours.begin(true);
    ours.server_publishes(2, TWO, true, b"a").unwrap();
    assert!(ours.got().is_empty(), "the program has finished with it");
    assert_eq!(ours.sent(), [ack(PUBREC, 2)]);
}

#[test]
fn at_its_pubrel_a_qos_2_message_gets_pubcomp_from_the_program() {
    for version in BOTH {
        let mut ours = Ours::connected(version, AT_RELEASE);
        ours.server_publishes(7, TWO, false, b"a").unwrap();
        assert_eq!(ours.sent(), [ack(PUBREC, 7)]);
        assert!(ours.got().is_empty());
        ours.server_acks(AckKind::PubRel, 7).unwrap();
        let token = ours.only();
        ours.server_acks(AckKind::PubRel, 7).unwrap();
        assert!(ours.got().is_empty(), "a resend");
        assert!(ours.sent().is_empty());
        // The connection ends before the program has finished: it comes again, by its PUBREL.
        ours.lose();
        ours.begin(true);
        assert!(ours.world.records.contains_key(&Record::Received(7)));
        assert!(!ours.acknowledge(token));
        ours.server_acks(AckKind::PubRel, 7).unwrap();
        let token = ours.only();
        assert!(ours.acknowledge(token));
        assert_eq!(ours.sent(), [ack(PUBCOMP, 7)]);
        assert!(ours.world.records.is_empty());
    }
}

#[test]
fn a_pubcomp_held_back_by_the_order_is_not_handed_over_again() {
    let mut ours = Ours::connected(Version::V311, AT_RELEASE);
    ours.server_publishes(1, ONE, false, b"a").unwrap();
    ours.server_publishes(2, TWO, false, b"b").unwrap();
    ours.server_acks(AckKind::PubRel, 2).unwrap();
    let got = ours.got();
    ours.sent();
    assert!(ours.acknowledge(got[1].1));
    assert!(ours.sent().is_empty());
    ours.lose();
    ours.begin(true);
    ours.server_acks(AckKind::PubRel, 2).unwrap();
    assert!(ours.got().is_empty());
    assert_eq!(ours.sent(), [ack(PUBCOMP, 2)]);
}

#[test]
fn restored_receipts_follow_the_mode() {
    let packet = publish(Version::V311, 7, TWO, false, b"a");
    // What the record says, and whether a client of MQTT 5 wrote it.
    let (pending, had) = (packet.to_vec(), HAD.to_vec());
    for (mode, record, v5, comes) in [
        (Acknowledge::OnArrival, &pending, false, true),
        (Acknowledge::OnArrival, &pending, true, false),
        (Acknowledge::OnArrival, &had, false, false),
        (ORDERED, &pending, false, true),
        (ORDERED, &pending, true, false),
        (ORDERED, &had, false, false),
        (AT_RELEASE, &pending, false, true),
        (AT_RELEASE, &pending, true, true),
        (AT_RELEASE, &had, false, false),
        (AT_RELEASE, &had, true, false),
    ] {
        let mut ours = Ours::new(Version::V311);
        ours.session.set_acknowledge(mode);
        ours.world
            .records
            .insert(Record::Received(7), record.clone());
        assert!(ours.session.restore_received(7, v5));
        ours.begin(true);
        // Whatever the record says, a resend is known.
        ours.server_publishes(7, TWO, true, b"a").unwrap();
        assert_eq!(ours.sent(), [ack(PUBREC, 7)]);
        ours.server_acks(AckKind::PubRel, 7).unwrap();
        let got = ours.got();
        assert_eq!(got.len(), usize::from(comes), "{mode:?} {v5}");
        if comes && mode != Acknowledge::OnArrival {
            assert!(ours.sent().is_empty());
            // Nothing is lost with the connection: the record stays until the program has finished.
            ours.lose();
            ours.begin(true);
            ours.server_acks(AckKind::PubRel, 7).unwrap();
            let token = ours.only();
            assert!(ours.acknowledge(token));
        }
        assert_eq!(ours.sent(), [ack(PUBCOMP, 7)]);
        assert!(ours.world.records.is_empty());
    }
}

#[test]
fn what_the_program_has_acknowledged_does_not_come_again_after_a_kill() {
    for (version, mode) in [
        (Version::V311, ORDERED),
        (Version::V311, AT_RELEASE),
        (Version::V5, ORDERED),
        (Version::V5, AT_RELEASE),
    ] {
        let mut ours = Ours::connected(version, mode);
        let large = vec![b'x'; MAX_HELD];
        // Where messages come at their PUBREL, the second one comes now, for want of room.
        ours.server_publishes(1, TWO, false, b"a").unwrap();
        ours.server_publishes(2, TWO, false, &large).unwrap();
        let last = ours.got().pop().expect("the second").1;
        assert!(ours.acknowledge(last));
        let records = std::mem::take(&mut ours.world.records);
        let mut ours = Ours::new(version);
        ours.session.set_acknowledge(mode);
        ours.world.records = records;
        assert!(ours.session.restore_received(2, version == Version::V5));
        ours.begin(true);
        ours.server_publishes(2, TWO, true, &large).unwrap();
        ours.server_acks(AckKind::PubRel, 2).unwrap();
        assert!(ours.got().is_empty(), "{version:?} {mode:?}");
        assert_eq!(ours.sent(), [ack(PUBREC, 2), ack(PUBCOMP, 2)]);
        assert!(!ours.world.records.contains_key(&Record::Received(2)));
    }
}

#[test]
fn receive_maximum_counts_what_is_not_acknowledged() {
    for (mode, qos) in [(ORDERED, ONE), (ORDERED, TWO), (AT_RELEASE, TWO)] {
        let mut ours = Ours::new(Version::V5);
        ours.asked = properties(&[(PropertyId::ReceiveMaximum, Value::Two(2))]);
        ours.session.set_acknowledge(mode);
        ours.begin(false);
        for id in [1, 2] {
            ours.server_publishes(id, qos, false, b"a").unwrap();
        }
        // At QoS 0 there is no limit.
        ours.server_publishes(0, QoS::AtMostOnce, false, b"a")
            .unwrap();
        let third = ours.server_publishes(3, qos, false, b"a");
        assert_eq!(protocol_fault(third), reason::RECEIVE_MAXIMUM_EXCEEDED);
    }
}

#[test]
fn receive_maximum_counts_anew_on_each_connection() {
    let mut ours = Ours::new(Version::V5);
    ours.asked = properties(&[(PropertyId::ReceiveMaximum, Value::Two(1))]);
    ours.begin(false);
    ours.server_publishes(1, TWO, false, b"a").unwrap();
    ours.lose();
    ours.begin(true);
    // The first message's PUBREL is still to come, and does not count.
    ours.server_publishes(2, TWO, false, b"b").unwrap();
    let third = ours.server_publishes(3, TWO, false, b"c");
    assert_eq!(protocol_fault(third), reason::RECEIVE_MAXIMUM_EXCEEDED);
}

#[test]
fn an_identifier_that_waits_is_not_taken_twice() {
    let mut ours = Ours::connected(Version::V311, ORDERED);
    ours.server_publishes(7, ONE, false, b"a").unwrap();
    ours.got();
    ours.server_publishes(7, ONE, true, b"a").unwrap();
    assert!(ours.got().is_empty(), "a resend");
    let other = ours.server_publishes(7, ONE, false, b"b");
    assert_eq!(protocol_fault(other), reason::PROTOCOL_ERROR);
}

#[test]
fn a_pubrel_before_its_pubrec_is_a_fault() {
    let mut ours = Ours::connected(Version::V5, ORDERED);
    ours.server_publishes(7, TWO, false, b"a").unwrap();
    let early = ours.server_acks(AckKind::PubRel, 7);
    assert_eq!(protocol_fault(early), reason::PROTOCOL_ERROR);
}

#[test]
fn a_message_can_be_refused_with_a_reason_of_its_packet() {
    let mut ours = Ours::connected(Version::V5, ORDERED);
    ours.server_publishes(7, TWO, false, b"a").unwrap();
    let token = ours.only().expect("a token");
    let wrong = ours.session.acknowledge(token, 0x01, &mut ours.world);
    assert!(matches!(wrong, Err(Refused::Invalid(_))), "{wrong:?}");
    let refused = ours
        .session
        .acknowledge(token, reason::QUOTA_EXCEEDED, &mut ours.world);
    assert_eq!(refused, Ok(true));
    assert_eq!(ours.sent(), [[0x50, 3, 0, 7, 0x97]]);
    // [MQTT-4.3.3-9]: the identifier is free for another message.
    ours.server_publishes(7, TWO, false, b"b").unwrap();
    assert_eq!(ours.got().len(), 1);
}

#[test]
fn a_receipt_that_cannot_be_stored_can_be_acknowledged_later() {
    let mut ours = Ours::connected(Version::V311, ORDERED);
    ours.server_publishes(7, TWO, false, b"a").unwrap();
    let token = ours.only().expect("a token");
    ours.world.store_fails = true;
    let failed = ours.session.acknowledge(token, 0, &mut ours.world);
    assert_eq!(failed, Err(Refused::NotStored));
    assert!(ours.sent().is_empty());
    ours.world.store_fails = false;
    assert!(ours.acknowledge(Some(token)));
    assert_eq!(ours.sent(), [ack(PUBREC, 7)]);
}

#[test]
fn messages_that_are_never_released_hold_no_more_than_their_limit() {
    let mut ours = Ours::connected(Version::V311, Acknowledge::OnArrival);
    let payload = vec![b'x'; MAX_HELD / 4];
    let mut got = Vec::new();
    for id in 1..=20 {
        ours.server_publishes(id, TWO, false, &payload).unwrap();
        got.extend(ours.got());
        assert!(usize::from(id) - got.len() <= 4, "bounded");
    }
    let released = got.len();
    assert!(released > 10);
    let sent = ours.sent();
    assert_eq!(sent, (1..=20).map(|id| ack(PUBREC, id)).collect::<Vec<_>>());
    // Each comes once.
    for id in 1..=20 {
        ours.server_publishes(id, TWO, true, &payload).unwrap();
        ours.server_acks(AckKind::PubRel, id).unwrap();
        got.extend(ours.got());
    }
    assert_eq!(got.len(), 20);
    assert!(ours.world.records.is_empty());
}

/// What the store refuses at PUBREL stays what it was, and comes at the next one.
#[test]
fn a_message_that_cannot_be_handed_over_at_its_pubrel_comes_at_the_next_one() {
    let mut ours = Ours::connected(Version::V311, Acknowledge::OnArrival);
    ours.server_publishes(1, TWO, false, b"a").unwrap();
    ours.sent();
    ours.world.store_fails = true;
    let refused = ours.server_acks(AckKind::PubRel, 1);
    assert_eq!(refused, Err(Fault::NotStored));
    assert!(
        ours.got().is_empty() && ours.sent().is_empty(),
        "no PUBCOMP"
    );
    ours.lose();
    ours.begin(true);
    ours.world.store_fails = false;
    ours.server_acks(AckKind::PubRel, 1).unwrap();
    assert_eq!(ours.got().len(), 1);
    assert_eq!(ours.sent(), [ack(PUBCOMP, 1)]);
    ours.server_acks(AckKind::PubRel, 1).unwrap();
    assert!(ours.got().is_empty(), "once");
}

#[test]
fn messages_handed_over_before_their_pubrel_keep_their_order() {
    let mut ours = Ours::connected(Version::V311, Acknowledge::OnArrival);
    for id in 1..=9_u16 {
        let mut payload = vec![b'x'; MAX_HELD / 4];
        payload[0] = b'0' + u8::try_from(id).unwrap();
        ours.server_publishes(10 - id, TWO, false, &payload)
            .unwrap();
    }
    for id in (1..=9).rev() {
        ours.server_acks(AckKind::PubRel, id).unwrap();
    }
    let order: String = ours.got().iter().map(|(text, _)| &text[2..3]).collect();
    assert_eq!(order, "123456789");
}

#[test]
fn a_large_message_alone_waits_for_its_pubrel() {
    let mut ours = Ours::connected(Version::V311, Acknowledge::OnArrival);
    ours.server_publishes(1, TWO, false, &vec![0; 2 * MAX_HELD])
        .unwrap();
    assert!(ours.got().is_empty());
    ours.server_acks(AckKind::PubRel, 1).unwrap();
    assert_eq!(ours.got().len(), 1);
}

#[test]
fn nothing_is_read_while_acknowledgements_pile_up() {
    let mut ours = Ours::connected(Version::V311, Acknowledge::OnArrival);
    let mut releases = BytesMut::new();
    for _ in 0..MAX_UNSENT_REPLIES / 4 {
        encode_ack(AckKind::PubRel, Version::V311, 1, 0, &mut releases);
    }
    ours.receive(&releases).unwrap();
    assert!(ours.session.may_read());
    ours.server_acks(AckKind::PubRel, 1).unwrap();
    assert!(!ours.session.may_read());
    ours.sent();
    assert!(ours.session.may_read());
}

#[test]
fn the_programs_own_messages_are_no_reason_not_to_read() {
    let mut ours = Ours::connected(Version::V311, Acknowledge::OnArrival);
    let payload = vec![0; 4 << 20];
    let message = message(ONE, &payload);
    let now = ours.now;
    ours.session
        .publish(&message, None, (), false, now, &mut ours.world)
        .unwrap();
    assert!(ours.session.may_read());
}

#[test]
fn nothing_is_read_while_the_program_has_too_much_to_acknowledge() {
    let mut ours = Ours::connected(Version::V311, ORDERED);
    let payload = vec![0; MAX_UNACKNOWLEDGED / 2];
    for id in [1, 2] {
        assert!(ours.session.may_read());
        ours.server_publishes(id, TWO, false, &payload).unwrap();
    }
    assert!(!ours.session.may_read());
    let got = ours.got();
    assert!(ours.acknowledge(got[0].1));
    assert!(ours.session.may_read());
}
