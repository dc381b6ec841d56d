//! What becomes of a session's state when a connection begins, and of what waits meanwhile.

use super::super::{Accepted, Cause, Failure, Kind, Options, Policy, Refused};
use super::*;
use crate::protocol::packet::{Filter, encode_subscribe};

const ONE: QoS = QoS::AtLeastOnce;
const TWO: QoS = QoS::ExactlyOnce;
const BOTH: [Version; 2] = [Version::V311, Version::V5];

fn policy(policy: Policy) -> Options {
    Options {
        policy: Some(policy),
        ..Options::default()
    }
}

impl Ours {
    fn with(version: Version, options: Options) -> Self {
        let mut ours = Self::new(version);
        ours.session.set_options(options);
        ours
    }

    /// The program publishes, without a token of its own.
    fn publish(&mut self, qos: QoS) -> Result<Accepted, Refused> {
        let message = message(qos, b"");
        let now = self.now;
        self.session
            .publish(&message, None, (), true, now, &mut self.world)
    }

    fn subscribe(&mut self, token: Token) -> Result<u16, Refused> {
        let filter = Filter::of(b"a/+", 1);
        self.session
            .subscribe(&[filter], PropertiesRef::EMPTY, token, (), &mut self.world)
    }

    /// Returns the first bytes of the packets that were sent.
    fn kinds(&mut self) -> Vec<u8> {
        self.sent().iter().map(|packet| packet[0]).collect()
    }

    fn causes(&mut self) -> Vec<Cause> {
        std::mem::take(&mut self.world.ended)
            .into_iter()
            .map(|(_, outcome)| match outcome {
                Outcome::Failed(failure) => failure.cause,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    /// One message in flight at each QoS, the third with its PUBREL sent.
    fn in_flight(version: Version, options: Options) -> Self {
        let mut ours = Self::with(version, options);
        ours.begin(false);
        for qos in [ONE, TWO, TWO] {
            ours.publish(qos).unwrap();
        }
        ours.server_acks(AckKind::PubRec, 3).unwrap();
        ours.server_publishes(1, TWO, false, b"a").unwrap();
        ours.sent();
        ours.got();
        ours.lose();
        ours
    }
}

#[test]
fn keep_and_resend() {
    for (version, present, kinds) in [
        (Version::V5, true, [0x62, 0x3A, 0x3C].as_slice()),
        // New messages to a server that knows nothing of them; the one whose PUBREC had come is done.
        (Version::V5, false, &[0x32, 0x34]),
        (Version::V311, false, &[0x62, 0x3A, 0x3C]),
    ] {
        let mut ours = Ours::in_flight(version, policy(Policy::KeepAndResend));
        ours.begin(present);
        assert_eq!(ours.kinds(), kinds, "{version:?} {present}");
    }
}

#[test]
fn keep_resends_with_dup_whatever_the_server_has() {
    for version in BOTH {
        for present in [true, false] {
            let mut ours = Ours::in_flight(version, policy(Policy::Keep));
            ours.begin(present);
            assert_eq!(ours.kinds(), [0x62, 0x3A, 0x3C], "{version:?} {present}");
            assert!(ours.world.ended.is_empty());
            // What the server had begun to send is void without its session.
            ours.server_acks(AckKind::PubRel, 1).unwrap();
            let mut answer = ack(PUBCOMP, 1);
            if version == Version::V5 && !present {
                answer = vec![PUBCOMP, 3, 0, 1, 0x92];
            }
            assert_eq!(ours.sent(), [answer]);
        }
    }
}

/// The CONNACK of MQTT 3.1 does not tell whether the server has the session: what CONNECT asked for does.
#[test]
fn a_clean_connect_of_mqtt_3_1_voids_what_the_server_had_begun_to_send() {
    for clean in [true, false] {
        let mut ours = Ours::in_flight(Version::V31, policy(Policy::KeepAndResend));
        ours.begin_as(clean, false);
        assert_eq!(ours.kinds(), [0x62, 0x3A, 0x3C], "{clean}");
        ours.server_publishes(1, TWO, false, b"b").unwrap();
        ours.server_acks(AckKind::PubRel, 1).unwrap();
        let got: Vec<String> = ours.got().into_iter().map(|(payload, _)| payload).collect();
        assert_eq!(got, [if clean { "s=b" } else { "s=a" }]);
    }
}

#[test]
fn follow_server_fails_what_a_lost_session_held() {
    for version in BOTH {
        let mut ours = Ours::in_flight(version, policy(Policy::FollowServer));
        ours.begin(true);
        assert_eq!(ours.kinds(), [0x62, 0x3A, 0x3C]);
        ours.lose();
        ours.begin(false);
        assert!(ours.kinds().is_empty());
        assert_eq!(ours.causes(), [Cause::Incomplete; 3]);
        assert!(ours.world.records.is_empty());
    }
}

#[test]
fn clear_fails_what_was_in_flight_whatever_the_server_has() {
    let mut ours = Ours::in_flight(Version::V311, policy(Policy::Clear));
    ours.begin(true);
    assert!(ours.kinds().is_empty());
    assert_eq!(ours.causes(), [Cause::Incomplete; 3]);
}

#[test]
fn a_resume_is_paced_and_its_end_told() {
    let options = Options {
        max_resume_inflight: Some(2),
        ..Options::default()
    };
    let mut ours = Ours::with(Version::V311, options);
    ours.begin(false);
    assert_eq!(ours.world.resumed, 1, "there was nothing to resume");
    for _ in 0..5 {
        ours.publish(ONE).unwrap();
    }
    ours.sent();
    ours.lose();
    ours.begin(true);
    assert_eq!(ours.kinds(), [0x3A; 2]);
    // A new message waits behind those.
    ours.publish(ONE).unwrap();
    for id in 1..=5 {
        assert_eq!(ours.world.resumed, 1);
        ours.server_acks(AckKind::PubAck, id).unwrap();
    }
    assert_eq!(ours.world.resumed, 2);
    assert_eq!(ours.kinds(), [0x3A, 0x3A, 0x3A, 0x32]);
}

#[test]
fn an_identifier_at_acceptance_is_kept() {
    let options = Options {
        ids_at_acceptance: true,
        ..Options::default()
    };
    let mut ours = Ours::with(Version::V311, options);
    assert_eq!(ours.publish(ONE), Ok(Accepted::Queued(1)));
    assert_eq!(ours.publish(QoS::AtMostOnce), Ok(Accepted::Queued(0)));
    assert_eq!(ours.publish(TWO), Ok(Accepted::Queued(2)));
    assert!(ours.session.cancel(1, &mut ours.world));
    assert_eq!(ours.publish(ONE), Ok(Accepted::Queued(3)));
    let listed: Vec<u16> = ours
        .session
        .pending()
        .iter()
        .map(|pending| pending.packet_id)
        .collect();
    assert_eq!(listed, [0, 2, 3]);
    ours.begin(false);
    assert_eq!(
        ours.sent(),
        [
            b"\x30\x03\0\x01t".to_vec(),
            b"\x34\x05\0\x01t\0\x02".to_vec(),
            b"\x32\x05\0\x01t\0\x03".to_vec()
        ]
    );
    assert_eq!(ours.publish(ONE), Ok(Accepted::Sent(4)));
}

#[test]
fn without_a_free_identifier_a_message_is_refused_at_acceptance() {
    let options = Options {
        ids_at_acceptance: true,
        ..Options::default()
    };
    let mut ours = Ours::with(Version::V311, options);
    for _ in 0..u16::MAX {
        ours.publish(ONE).unwrap();
    }
    assert_eq!(ours.publish(ONE), Err(Refused::NoPacketId));
    assert!(ours.publish(QoS::AtMostOnce).is_ok());
    ours.session.drop_oldest(&mut ours.world);
    assert_eq!(ours.publish(ONE), Ok(Accepted::Queued(1)));
}

#[test]
fn what_has_not_been_sent_can_be_cancelled() {
    let mut ours = Ours::new(Version::V311);
    let now = ours.now;
    let message = message(ONE, b"");
    for token in [5, 6] {
        let queued = ours
            .session
            .publish(&message, Some(token), (), true, now, &mut ours.world);
        assert_eq!(queued, Ok(Accepted::Queued(0)));
    }
    assert_eq!(ours.world.records.len(), 2);
    assert!(ours.session.cancel(5, &mut ours.world));
    assert!(!ours.session.cancel(5, &mut ours.world), "it has ended");
    let failed = Outcome::Failed(Failure::of(Cause::Cancelled));
    assert_eq!(ours.world.ended, [(5, failed)]);
    assert_eq!(ours.world.records.len(), 1);
    ours.begin(false);
    assert!(!ours.session.cancel(6, &mut ours.world), "it is sent");
}

#[test]
fn what_is_in_flight_is_listed() {
    let mut ours = Ours::in_flight(Version::V311, Options::default());
    ours.begin(true);
    ours.subscribe(77).unwrap();
    let list: Vec<(u16, Kind, Option<QoS>)> = ours
        .session
        .pending()
        .iter()
        .map(|one| (one.packet_id, one.kind, one.qos))
        .collect();
    assert_eq!(
        list,
        [
            (1, Kind::Publish, Some(ONE)),
            (2, Kind::Publish, Some(TWO)),
            (3, Kind::Release, Some(TWO)),
            (4, Kind::Subscribe, None)
        ]
    );
}

#[test]
fn requests_fail_with_their_connection_or_are_sent_again() {
    let mut ours = Ours::new(Version::V5);
    ours.begin(false);
    ours.subscribe(7).unwrap();
    ours.lose();
    assert_eq!(ours.causes(), [Cause::Incomplete]);

    let options = Options {
        keep_requests: true,
        ..Options::default()
    };
    let mut ours = Ours::with(Version::V5, options);
    ours.begin(false);
    ours.subscribe(7).unwrap();
    ours.session
        .unsubscribe(&[b"b"], PropertiesRef::EMPTY, 8, (), &mut ours.world)
        .unwrap();
    let first = ours.sent();
    ours.lose();
    assert!(ours.world.ended.is_empty());
    assert!(ours.session.is_pending(7));
    ours.begin(true);
    assert_eq!(ours.sent(), first, "a SUBSCRIBE has no DUP");
    ours.receive(b"\x90\x04\0\x01\0\x01").unwrap();
    ours.receive(b"\xB0\x04\0\x02\0\0").unwrap();
    assert_eq!(ours.world.ended.len(), 2);
}

/// A server that has lost the session is asked for the subscriptions that it had granted, and only for those.
#[test]
fn subscriptions_are_made_again() {
    for version in BOTH {
        let options = Options {
            resubscribe: true,
            ..Options::default()
        };
        let mut ours = Ours::with(version, options);
        ours.begin(false);
        let v5 = version == Version::V5;
        let id = properties(&[(PropertyId::SubscriptionIdentifier, Value::Var(5))]);
        let id = if v5 {
            id.as_ref()
        } else {
            PropertiesRef::EMPTY
        };
        let filters = ["a", "b", "c"].map(|filter| Filter::of(filter.as_bytes(), 1));
        let world = &mut ours.world;
        ours.session.subscribe(&filters, id, 1, (), world).unwrap();
        let answer: &[u8] = if v5 {
            b"\x90\x06\0\x01\0\x01\x80\x01"
        } else {
            b"\x90\x05\0\x01\x01\x80\x01"
        };
        ours.receive(answer).unwrap();
        let world = &mut ours.world;
        ours.session
            .unsubscribe(&[b"c"], PropertiesRef::EMPTY, 2, (), world)
            .unwrap();
        let answer: &[u8] = if v5 {
            b"\xB0\x04\0\x02\0\0"
        } else {
            b"\xB0\x02\0\x02"
        };
        ours.receive(answer).unwrap();
        ours.sent();

        ours.lose();
        ours.begin(true);
        assert!(ours.sent().is_empty(), "the server has them");
        ours.lose();
        ours.begin(false);
        let mut expected = BytesMut::new();
        let filter = [Filter::of(b"a", 1)];
        encode_subscribe(version, 3, &filter, id, &mut expected).unwrap();
        assert_eq!(ours.sent(), [expected.to_vec()]);
        assert!(
            ours.session.pending().is_empty(),
            "no operation of the program's"
        );
        // The identifier is in use until the answer comes.
        assert_eq!(ours.publish(ONE), Ok(Accepted::Sent(4)));
        let refused: &[u8] = if v5 {
            b"\x90\x04\0\x03\0\x87"
        } else {
            b"\x90\x03\0\x03\x80"
        };
        ours.receive(refused).unwrap();
        let code = if v5 { 0x87 } else { 0x80 };
        assert_eq!(ours.world.subscriptions_lost, [(b"a".to_vec(), code)]);
        assert_eq!(ours.world.ended.len(), 2);
        ours.lose();
        ours.begin(false);
        assert_eq!(ours.kinds().len(), 1, "the message alone");
    }
}

#[test]
fn many_subscriptions_go_into_packets_that_the_server_takes() {
    let options = Options {
        resubscribe: true,
        ..Options::default()
    };
    let mut ours = Ours::with(Version::V5, options);
    ours.begin(false);
    let names: Vec<String> = (0..200).map(|n| format!("topic/{n}")).collect();
    let filters: Vec<Filter<'_>> = names
        .iter()
        .map(|name| Filter::of(name.as_bytes(), 0))
        .collect();
    let none = PropertiesRef::EMPTY;
    ours.session
        .subscribe(&filters, none, 1, (), &mut ours.world)
        .unwrap();
    let granted = [&[0x90, 0xCB, 1, 0, 1, 0][..], &[0; 200]].concat();
    ours.receive(&granted).unwrap();
    ours.sent();
    ours.lose();
    ours.granted = properties(&[(PropertyId::MaximumPacketSize, Value::Four(300))]);
    ours.begin(false);
    let sent = ours.sent();
    assert!(sent.len() > 8);
    assert!(sent.iter().all(|packet| packet.len() <= 300));
    // Lost in the middle of it: nothing is left of the identifiers, and all are asked for again.
    ours.lose();
    ours.begin(false);
    assert_eq!(ours.sent().len(), sent.len());
}

#[test]
fn subscriptions_are_made_again_in_a_cleared_session() {
    let options = Options {
        resubscribe: true,
        ..Options::default()
    };
    let mut ours = Ours::with(Version::V311, options);
    ours.begin(false);
    ours.subscribe(1).unwrap();
    ours.receive(b"\x90\x03\0\x01\x01").unwrap();
    ours.lose();
    ours.session.set_options(Options {
        policy: Some(Policy::Clear),
        ..options
    });
    ours.sent();
    ours.begin(false);
    let sent = ours.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0][0], 0x82, "SUBSCRIBE");
}

/// The program has changed its mind: nothing of an earlier time is left when it changes it again.
#[test]
fn subscriptions_are_forgotten_when_they_are_not_to_be_made_again() {
    let options = Options {
        resubscribe: true,
        ..Options::default()
    };
    let mut ours = Ours::with(Version::V311, options);
    ours.begin(false);
    ours.subscribe(1).unwrap();
    ours.receive(b"\x90\x03\0\x01\x01").unwrap();
    ours.session.set_resubscribe(false);
    ours.session.set_resubscribe(true);
    ours.sent();
    ours.lose();
    ours.begin(false);
    assert!(ours.sent().is_empty());
}

/// What is remembered of subscriptions is bounded; one that is taken back makes room.
#[test]
fn subscriptions_beyond_the_bound_are_refused() {
    use super::super::{MAX_SUBSCRIPTION_BYTES, Refused};
    let options = Options {
        resubscribe: true,
        ..Options::default()
    };
    let mut ours = Ours::with(Version::V311, options);
    ours.begin(false);
    let filter = |n: u8| [format!("{n:03}").into_bytes(), vec![b'x'; 0xFFFC]].concat();
    let mut granted = 0;
    let refused = loop {
        let id = granted + 1;
        let filters = [filter(granted)];
        let filters = filters.each_ref().map(|filter| Filter::of(filter, 1));
        let world = &mut ours.world;
        let token = Token::from(id);
        match ours
            .session
            .subscribe(&filters, PropertiesRef::EMPTY, token, (), world)
        {
            Ok(_) => granted = id,
            Err(refused) => break refused,
        }
        ours.receive(&[0x90, 3, 0, id, 1]).unwrap();
        assert!(usize::from(granted) * 0xFFFF <= MAX_SUBSCRIPTION_BYTES);
    };
    assert_eq!(refused, Refused::Full);
    // Each costs a little more than its filter.
    assert_eq!(usize::from(granted), MAX_SUBSCRIPTION_BYTES / 0x10000 - 1);
    let first = filter(0);
    let world = &mut ours.world;
    ours.session
        .unsubscribe(&[&first], PropertiesRef::EMPTY, 200, (), world)
        .unwrap();
    ours.receive(&[0xB0, 2, 0, granted + 1]).unwrap();
    let again = [Filter::of(&first, 1)];
    let world = &mut ours.world;
    ours.session
        .subscribe(&again, PropertiesRef::EMPTY, 201, (), world)
        .unwrap();
    // What is forgotten takes no room.
    ours.session.set_resubscribe(false);
    ours.session.set_resubscribe(true);
    let filters = [1, 2, 3].map(filter);
    let filters = filters.each_ref().map(|filter| Filter::of(filter, 1));
    let world = &mut ours.world;
    ours.session
        .subscribe(&filters, PropertiesRef::EMPTY, 202, (), world)
        .unwrap();
}

/// The program is faster than the socket: its messages wait where its limit counts them, and go out when there is room.
#[test]
fn far_ahead_of_the_socket_messages_wait() {
    use super::super::MAX_AHEAD;
    let mut ours = Ours::new(Version::V311);
    ours.begin(false);
    let payload = vec![0; 1 << 20];
    let message = message(QoS::AtMostOnce, &payload);
    let now = ours.now;
    for _ in 0..40 {
        ours.session
            .publish(&message, None, (), true, now, &mut ours.world)
            .unwrap();
    }
    let waiting = 40 - usize::try_from(MAX_AHEAD >> 20).unwrap() - 1;
    assert!(ours.session.queued().abs_diff(waiting) <= 1);
    assert!(!ours.session.has_unreleased(), "nothing was written");
    let mut sent = ours.sent().len();
    while ours.session.has_unreleased() {
        ours.session.release(now, &mut ours.world);
        sent += ours.sent().len();
    }
    assert_eq!((sent, ours.session.queued()), (40, 0));
}
