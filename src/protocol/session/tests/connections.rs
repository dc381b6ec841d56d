//! What one connection leaves to the next, and what must not outlive it.

use super::super::{Accepted, MAX_AHEAD, MAX_UNSENT_REPLIES, Options, Refused};
use super::*;

const ONE: QoS = QoS::AtLeastOnce;
const TWO: QoS = QoS::ExactlyOnce;
const BOTH: [Version; 2] = [Version::V311, Version::V5];

/// Returns first bytes and packet identifiers, where they stand at the beginning.
fn acks(sent: &[Vec<u8>]) -> Vec<(u8, u8)> {
    sent.iter().map(|packet| (packet[0], packet[3])).collect()
}

impl Ours {
    /// Has messages of that QoS in flight, of which so many are sent again at once.
    fn flown(version: Version, qos: QoS, count: usize, at_a_time: u32) -> Self {
        let mut ours = Self::new(version);
        ours.session.set_options(Options {
            max_resume_inflight: Some(at_a_time),
            ..Options::default()
        });
        ours.begin(false);
        for _ in 0..count {
            ours.publishes(qos, b"x").expect("accepted");
        }
        ours.sent();
        ours
    }

    /// Returns how many messages could be in flight beside those that are.
    fn left_of_the_quota(&self) -> u32 {
        self.session.quota()
    }
}

/// A server may answer a message again whose turn to be sent again has not come. Behind its PUBREL it is not sent ([MQTT-4.3.3-6]):
/// it would come to the subscribers twice.
#[test]
fn what_the_server_has_answered_is_not_sent_again() {
    for version in BOTH {
        let mut ours = Ours::flown(version, TWO, 3, 1);
        ours.lose();
        ours.begin(true);
        assert_eq!(ours.sent().len(), 1, "one at a time");
        ours.server_acks(AckKind::PubRec, 2).unwrap();
        assert_eq!(acks(&ours.sent()), [(0x62, 2)]);
        ours.server_acks(AckKind::PubRec, 1).unwrap();
        ours.server_acks(AckKind::PubComp, 1).unwrap();
        assert_eq!(
            acks(&ours.sent()),
            [(0x62, 1)],
            "nor is the third while it is open"
        );
        ours.server_acks(AckKind::PubComp, 2).unwrap();
        let third = ours.sent();
        assert_eq!((third.len(), third[0][0]), (1, 0x3c));
        assert_eq!(ours.world.resumed, 1);
        ours.server_acks(AckKind::PubRec, 3).unwrap();
        ours.server_acks(AckKind::PubComp, 3).unwrap();
        assert_eq!((ours.world.ended.len(), ours.world.resumed), (3, 2));
        assert_eq!(ours.left_of_the_quota(), 100, "each gave its share back");
        assert!(ours.world.records.is_empty() && !ours.session.has_unfinished_publishes());
        // That all is resumed is told once.
        ours.server_acks(AckKind::PubAck, 77).unwrap();
        assert_eq!(ours.world.resumed, 2);
    }
}

#[test]
fn a_resume_that_is_cut_off_begins_anew() {
    let mut ours = Ours::flown(Version::V311, ONE, 3, 2);
    for _ in 0..3 {
        ours.lose();
        ours.begin(true);
        assert_eq!(ours.sent().len(), 2);
    }
    for id in 1..=3 {
        ours.server_acks(AckKind::PubAck, id).unwrap();
    }
    assert_eq!(ours.left_of_the_quota(), 100);
}

#[test]
fn a_pubrel_that_was_sent_again_gives_its_share_back() {
    let mut ours = Ours::flown(Version::V5, TWO, 2, 2);
    ours.server_acks(AckKind::PubRec, 1).unwrap();
    ours.sent();
    ours.lose();
    ours.begin(true);
    assert_eq!(ours.left_of_the_quota(), 98);
    ours.server_acks(AckKind::PubComp, 1).unwrap();
    assert_eq!(ours.left_of_the_quota(), 99);
}

/// The stream begins anew, and the messages that wait for the socket are counted from there.
#[test]
fn how_far_the_stream_is_ahead_is_counted_anew() {
    let mut ours = Ours::new(Version::V311);
    ours.begin(false);
    let large = vec![0; 1 << 20];
    let many = 2 * usize::try_from(MAX_AHEAD >> 20).expect("a few");
    for _ in 0..2 {
        for _ in 0..many {
            ours.publishes(QoS::AtMostOnce, &large).expect("accepted");
        }
        assert!(ours.session.queued() >= many / 2 - 1, "the rest waits");
        assert!(!ours.session.has_unreleased());
        let now = ours.now;
        ours.sent();
        while ours.session.has_unreleased() {
            ours.session.release(now, &mut ours.world);
            ours.sent();
        }
        assert_eq!(ours.session.queued(), 0);
        ours.lose();
        ours.begin(false);
    }
}

#[test]
fn acknowledgements_that_were_not_written_are_forgotten_with_their_connection() {
    let mut ours = Ours::new(Version::V311);
    ours.begin(false);
    let mut releases = BytesMut::new();
    for _ in 0..=MAX_UNSENT_REPLIES / 4 {
        encode_ack(AckKind::PubRel, Version::V311, 1, 0, &mut releases);
    }
    ours.receive(&releases).unwrap();
    assert!(!ours.session.may_read());
    ours.lose();
    ours.begin(true);
    assert!(ours.session.may_read(), "of the next one none is unwritten");
}

/// A message that waited for the program's word comes again, and is another message then.
#[test]
fn a_message_that_waited_for_its_acknowledgement_comes_again() {
    let by_program = Acknowledge::ByProgram {
        ordered: true,
        exactly_once: super::super::HandOver::Publish,
    };
    for qos in [ONE, TWO] {
        let mut ours = Ours::connected(Version::V311, by_program);
        ours.server_publishes(7, qos, false, b"x").unwrap();
        let old = ours.only().expect("a token");
        ours.lose();
        let late = ours.session.acknowledge(old, 0, &mut ours.world);
        assert_eq!(late, Ok(false), "of a connection that is gone");
        ours.begin(true);
        ours.server_publishes(7, qos, true, b"x").unwrap();
        let new = ours.only().expect("it comes again");
        assert_eq!(ours.session.acknowledge(old, 0, &mut ours.world), Ok(false));
        assert!(ours.sent().is_empty());
        assert_eq!(ours.session.acknowledge(new, 0, &mut ours.world), Ok(true));
        assert_eq!(ours.sent().len(), 1);
    }
}

#[test]
fn a_session_that_has_ended_has_nothing_unfinished() {
    for abandoned in [false, true] {
        let mut ours = Ours::flown(Version::V311, TWO, 3, 1);
        ours.server_acks(AckKind::PubRec, 1).unwrap();
        if abandoned {
            ours.session.abandon(&mut ours.world);
            assert!(!ours.session.online() && !ours.session.can_send(QoS::AtMostOnce));
        } else {
            ours.lose();
            ours.session.clear(&mut ours.world);
        }
        assert!(!ours.session.has_unfinished_publishes());
        assert_eq!(ours.left_of_the_quota(), 100);
        assert_eq!(ours.world.ended.len(), 3);
        assert!(ours.session.pending_tokens(true).is_empty());
    }
}

/// Whatever the order of the identifiers: what is pending is told in the order in which it was sent.
#[test]
fn what_is_pending_is_in_the_order_of_its_last_packets() {
    let mut ours = Ours::flown(Version::V311, TWO, 4, 4);
    for id in [2, 1] {
        ours.server_acks(AckKind::PubRec, id).unwrap();
    }
    assert_eq!(ours.session.pending_tokens(false), [3, 4, 2, 1]);
    let pending = ours.session.pending();
    let ids: Vec<u16> = pending.iter().map(|one| one.packet_id).collect();
    assert_eq!(ids, [3, 4, 2, 1]);
}

/// The order of all messages stays, whatever their QoS: one that could be sent at once waits behind those that cannot.
#[test]
fn no_message_overtakes_another() {
    let mut ours = Ours::new(Version::V5);
    ours.granted = properties(&[(PropertyId::ReceiveMaximum, Value::Two(1))]);
    ours.begin(false);
    assert_eq!(ours.publishes(ONE, b"1"), Ok(Accepted::Sent(1)));
    assert_eq!(ours.publishes(ONE, b"2"), Ok(Accepted::Queued(0)));
    assert!(!ours.session.can_send(QoS::AtMostOnce));
    let third = ours.publishes(QoS::AtMostOnce, b"3");
    assert_eq!(third, Ok(Accepted::Queued(0)));
    ours.sent();
    ours.server_acks(AckKind::PubAck, 1).unwrap();
    let last: Vec<u8> = ours
        .sent()
        .iter()
        .map(|packet| packet[packet.len() - 1])
        .collect();
    assert_eq!(last, *b"23");
}

/// Whatever comes is a sign of life, and so is what goes for our end of the interval.
#[test]
fn each_direction_keeps_its_own_time() {
    let mut ours = Ours::new(Version::V311);
    ours.begin(false);
    let (interval, begun) = (Duration::from_secs(60), ours.now);
    ours.now += interval / 2;
    ours.publishes(QoS::AtMostOnce, b"x").expect("accepted");
    ours.server_publishes(0, QoS::AtMostOnce, false, b"x")
        .unwrap();
    ours.sent();
    let deadline = ours.session.deadline().expect("an interval");
    assert!(
        deadline > begun + interval,
        "it was heard of, and has heard"
    );

    // A PINGREQ without an answer, behind which other packets come: the server is alive, and it is not without any.
    for comes in [true, false] {
        let mut ours = Ours::new(Version::V311);
        ours.begin(false);
        let mut alive = true;
        for _ in 0..10 {
            ours.now += interval / 2;
            if comes {
                ours.server_publishes(0, QoS::AtMostOnce, false, b"x")
                    .unwrap();
            }
            alive &= ours.session.tick(ours.now, &mut ours.world);
            ours.sent();
        }
        assert_eq!(alive, comes);
    }
}

/// Operations that want the packets of their messages get them, and the server does too.
#[test]
fn a_packet_that_is_wanted_is_sent_and_told() {
    let mut ours = Ours::new(Version::V5);
    ours.world.wants_packets = true;
    ours.begin(false);
    for (qos, first) in [(QoS::AtMostOnce, 0x30), (ONE, 0x32), (TWO, 0x34)] {
        ours.publishes(qos, b"x").expect("accepted");
        let sent = ours.sent();
        assert_eq!((sent.len(), sent[0][0]), (1, first));
    }
    ours.server_acks(AckKind::PubAck, 1).unwrap();
    ours.server_acks(AckKind::PubRec, 2).unwrap();
    ours.sent();
    ours.lose();
    // A server without the session has this one.
    ours.begin(false);
    assert_eq!(ours.world.packets, [0x30, 0x32, 0x34]);
    // Of a PUBREL that stands alone in a store nobody has the packet.
    let mut ours = Ours::new(Version::V5);
    ours.world.wants_packets = true;
    assert!(ours.session.restore_released(3, ()) && ours.session.restore_released(4, ()));
    ours.begin(true);
    ours.server_acks(AckKind::PubComp, 3).unwrap();
    ours.lose();
    ours.begin(false);
    assert_eq!((ours.world.ended.len(), ours.world.packets.len()), (2, 0));
}

/// What may not wait is sent at once, however far the stream is ahead, or refused: with no room in the quota, and offline.
#[test]
fn what_may_not_wait_is_sent_or_refused() {
    for version in BOTH {
        let mut ours = Ours::new(version);
        let says = |ours: &mut Ours, qos, token, payload: &[u8]| {
            let (now, world) = (ours.now, &mut ours.world);
            let message = message(qos, payload);
            ours.session.publish(&message, token, (), false, now, world)
        };
        let offline = says(&mut ours, QoS::AtMostOnce, None, b"x");
        assert_eq!(offline, Err(Refused::Full));
        ours.begin(false);
        let large = vec![0; usize::try_from(MAX_AHEAD).expect("a size") + 1];
        for (token, payload) in [(Some(7), &large[..]), (None, b"x"), (Some(8), b"x")] {
            let sent = says(&mut ours, QoS::AtMostOnce, token, payload);
            assert_eq!(sent, Ok(Accepted::Sent(0)));
        }
        let tokens: Vec<_> = ours.world.ended.iter().map(|(token, _)| *token).collect();
        assert_eq!(tokens, [7, 0, 8], "without a token it has none");
        for _ in 0..100 {
            let sent = says(&mut ours, ONE, Some(9), b"x");
            assert!(matches!(sent, Ok(Accepted::Sent(1..))));
        }
        assert_eq!(says(&mut ours, ONE, Some(9), b"x"), Err(Refused::Full));
        assert_eq!((ours.sent().len(), ours.session.queued()), (103, 0));
    }
}

/// What the last server did not take, the next one may: what waits meanwhile is not measured by it.
#[test]
fn what_waits_for_a_connection_is_not_refused_by_the_last_ones_limits() {
    let mut ours = Ours::new(Version::V5);
    ours.granted = properties(&[
        (PropertyId::MaximumQoS, Value::Byte(0)),
        (PropertyId::MaximumPacketSize, Value::Four(20)),
    ]);
    ours.begin(false);
    assert!(ours.publishes(ONE, b"x").is_err());
    ours.lose();
    for qos in [QoS::AtMostOnce, ONE] {
        let queued = ours.publishes(qos, &[0; 20]);
        assert_eq!(queued, Ok(Accepted::Queued(0)));
    }
    ours.granted = Properties::new();
    ours.begin(false);
    assert_eq!(ours.sent().len(), 2);
}
