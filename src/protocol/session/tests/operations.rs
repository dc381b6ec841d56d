//! How operations end: by the server's answers, by what a server does not take, by time, and with the session; and what is left
//! of them in the store.

use super::super::{Accepted, Cause, Options, Refused};
use super::*;
use crate::protocol::packet::Filter;
use crate::protocol::reason;

const ONE: QoS = QoS::AtLeastOnce;
const TWO: QoS = QoS::ExactlyOnce;
const V3: Version = Version::V311;
const V5: Version = Version::V5;

/// Returns the packet of a message of ours.
fn packet(version: Version, message: &Publish<'_>, id: u16) -> Vec<u8> {
    let mut packet = BytesMut::new();
    let message = Publish {
        packet_id: id,
        ..*message
    };
    message.encode(version, &mut packet).expect("a message");
    packet.to_vec()
}

/// A server that takes packets of so many bytes.
fn up_to(bytes: usize) -> Properties {
    let bytes = u32::try_from(bytes).expect("a size");
    properties(&[(PropertyId::MaximumPacketSize, Value::Four(bytes))])
}

impl Ours {
    fn online(version: Version) -> Self {
        let mut ours = Self::new(version);
        ours.begin(false);
        ours
    }

    fn accept(&mut self, message: &Publish<'_>, token: Token) -> Result<Accepted, Refused> {
        let now = self.now;
        self.session
            .publish(message, Some(token), (), true, now, &mut self.world)
    }

    /// Puts messages of that QoS in flight, with the tokens from 1 on.
    fn fly(&mut self, qos: QoS, count: u16) {
        for id in 1..=count {
            let accepted = self.accept(&message(qos, b"x"), id.into());
            assert!(matches!(accepted, Ok(Accepted::Sent(sent)) if sent == id));
        }
        self.sent();
    }

    /// The server answers, with a reason code of MQTT 5.
    fn answers(&mut self, kind: AckKind, id: u16, reason: u8) -> Result<(), Fault> {
        let mut packet = BytesMut::new();
        encode_ack(kind, self.version, id, reason, &mut packet);
        self.receive(&packet)
    }

    /// Returns the tokens of what has ended since the last time, and why it failed, if it did.
    fn ends(&mut self) -> Vec<(Token, Option<(Cause, u8)>)> {
        std::mem::take(&mut self.world.ended)
            .into_iter()
            .map(|(token, outcome)| match outcome {
                Outcome::Failed(failure) => (token, Some((failure.cause, failure.reason))),
                _ => (token, None),
            })
            .collect()
    }

    fn told(&mut self) -> Vec<(AckKind, u16, u8)> {
        std::mem::take(&mut self.world.acknowledged)
    }

    /// Returns how many messages could be in flight beside those that are.
    fn room(&mut self) -> usize {
        (0..1000)
            .take_while(|_| {
                let accepted = self.accept(&message(ONE, b""), 1000);
                matches!(accepted, Ok(Accepted::Sent(_)))
            })
            .count()
    }
}

#[test]
fn the_last_answer_ends_a_publish_and_its_records() {
    use AckKind::{PubAck, PubComp, PubRec};
    let refused = |code| Some((Cause::Refused, code));
    // QoS, the answers, what came of it.
    let rows: [(QoS, &[(AckKind, u8)], _); 7] = [
        (ONE, &[(PubAck, 0)], None),
        (ONE, &[(PubAck, 0x10)], None),
        (ONE, &[(PubAck, 0x80)], refused(0x80)),
        (TWO, &[(PubRec, 0x80)], refused(0x80)),
        (TWO, &[(PubRec, 0x10), (PubComp, 0)], None),
        (TWO, &[(PubRec, 0), (PubRec, 0), (PubComp, 0)], None),
        (TWO, &[(PubRec, 0), (PubComp, 0x92)], refused(0x92)),
    ];
    for (qos, answers, end) in rows {
        let mut ours = Ours::online(V5);
        ours.fly(qos, 1);
        for (at, (kind, code)) in answers.iter().enumerate() {
            assert!(ours.ends().is_empty() && !ours.world.records.is_empty());
            let again = at > 0 && *kind == PubRec;
            // What the encoder does not make of a reason code is written by hand.
            let first = match kind {
                PubAck => 0x40,
                PubRec => 0x50,
                _ => 0x70,
            };
            ours.receive(&[first, 3, 0, 1, *code]).expect("an answer");
            let told = if again {
                vec![]
            } else {
                vec![(*kind, 1, *code)]
            };
            assert_eq!(ours.told(), told, "{answers:?}");
            let pubrel = *kind == PubRec && *code < 0x80;
            let sent = ours.sent();
            assert_eq!(sent, vec![ack(0x62, 1); usize::from(pubrel)], "{answers:?}");
        }
        assert_eq!(ours.ends(), [(1, end)], "{answers:?}");
        assert!(ours.world.records.is_empty(), "{answers:?}");
        assert_eq!(ours.room(), 100, "its share of the quota is free");
    }
}

#[test]
fn an_answer_to_nothing_ends_nothing() {
    for version in [V3, V5] {
        let mut ours = Ours::online(version);
        ours.fly(ONE, 1);
        ours.fly_one(TWO, 2);
        let records = ours.world.records.clone();
        // Of another kind, and of another identifier.
        for (kind, id) in [
            (AckKind::PubAck, 2),
            (AckKind::PubAck, 9),
            (AckKind::PubComp, 1),
            (AckKind::PubComp, 2),
            (AckKind::PubComp, 9),
        ] {
            ours.answers(kind, id, 0).expect("ignored");
        }
        assert!(ours.sent().is_empty());
        // A PUBREC that nobody waits for is answered, so that the server can forget it.
        for id in [1, 9] {
            ours.answers(AckKind::PubRec, id, 0).expect("answered");
            let pubrel = match version {
                V5 => vec![0x62, 3, 0, u8::try_from(id).expect("small"), 0x92],
                _ => ack(0x62, id),
            };
            assert_eq!(ours.sent(), [pubrel]);
        }
        if version == V5 {
            ours.answers(AckKind::PubRec, 9, 0x80).expect("ignored");
            assert!(ours.sent().is_empty(), "an error ends it on both sides");
        }
        assert!(ours.ends().is_empty() && ours.told().is_empty());
        assert_eq!(ours.world.records, records);
    }
}

#[test]
fn no_pubrel_is_said_that_is_not_stored() {
    let mut ours = Ours::online(V3);
    ours.fly(TWO, 1);
    ours.world.store_fails = true;
    let fault = ours.answers(AckKind::PubRec, 1, 0);
    assert!(matches!(fault, Err(Fault::NotStored)));
    assert!(ours.sent().is_empty() && ours.told().is_empty());
    ours.world.store_fails = false;
    // After a reconnect the message is sent again, and the server says PUBREC again.
    ours.lose();
    ours.begin(true);
    assert_eq!(
        ours.sent(),
        [packet(V3, &message(TWO, b"x"), 1)].map(with_dup)
    );
    ours.answers(AckKind::PubRec, 1, 0).expect("stored now");
    assert_eq!(ours.sent(), [ack(0x62, 1)]);
}

fn with_dup(mut packet: Vec<u8>) -> Vec<u8> {
    packet[0] |= 8;
    packet
}

impl Ours {
    fn fly_one(&mut self, qos: QoS, id: u16) {
        let accepted = self.accept(&message(qos, b"x"), id.into());
        assert!(matches!(accepted, Ok(Accepted::Sent(sent)) if sent == id));
        self.sent();
    }
}

#[test]
fn a_suback_has_one_code_a_filter() {
    let filters = [Filter::of(b"a", 1), Filter::of(b"b", 1)];
    for (answer, good) in [
        (&b"\x90\x05\x00\x01\x00\x00\x01"[..], true),
        (b"\x90\x04\x00\x01\x00\x00", false),
        (b"\x90\x06\x00\x01\x00\x00\x01\x01", false),
    ] {
        let mut ours = Ours::online(V5);
        let none = PropertiesRef::EMPTY;
        let sent = ours
            .session
            .subscribe(&filters, none, 7, (), &mut ours.world);
        assert!(matches!(sent, Ok(1)));
        // One for another identifier ends nothing.
        ours.receive(b"\x90\x04\x00\x09\x00\x00").expect("ignored");
        assert_eq!(ours.receive(answer).is_ok(), good);
        let ended = if good { vec![(7, None)] } else { vec![] };
        assert_eq!(ours.ends(), ended);
    }
    for (answer, good) in [
        (&b"\xb0\x05\x00\x01\x00\x00\x11"[..], true),
        (b"\xb0\x04\x00\x01\x00\x00", false),
    ] {
        let mut ours = Ours::online(V5);
        let none = PropertiesRef::EMPTY;
        let filters: [&[u8]; 2] = [b"a", b"b"];
        let sent = ours
            .session
            .unsubscribe(&filters, none, 7, (), &mut ours.world);
        assert!(matches!(sent, Ok(1)));
        ours.receive(b"\xb0\x04\x00\x09\x00\x00").expect("ignored");
        assert_eq!(ours.receive(answer).is_ok(), good);
        let ended = if good { vec![(7, None)] } else { vec![] };
        assert_eq!(ours.ends(), ended);
    }
}

/// What is asked for on a connection whose server takes so many bytes: whether it is accepted, and what is sent.
type Asks = fn(&mut Ours) -> bool;

#[test]
fn what_is_larger_than_the_server_takes_is_refused_and_leaves_nothing_in_the_stream() {
    let asks: [(&str, Asks); 5] = [
        ("QoS 0", |ours| {
            ours.accept(&message(QoS::AtMostOnce, b"x"), 1).is_ok()
        }),
        ("QoS 1", |ours| ours.accept(&message(ONE, b"x"), 1).is_ok()),
        ("QoS 2", |ours| ours.accept(&message(TWO, b"x"), 1).is_ok()),
        ("SUBSCRIBE", |ours| {
            let filter = Filter::of(b"a/b/c", 1);
            let none = PropertiesRef::EMPTY;
            ours.session
                .subscribe(&[filter], none, 1, (), &mut ours.world)
                .is_ok()
        }),
        ("UNSUBSCRIBE", |ours| {
            let none = PropertiesRef::EMPTY;
            ours.session
                .unsubscribe(&[b"a/b/c"], none, 1, (), &mut ours.world)
                .is_ok()
        }),
    ];
    for (name, ask) in asks {
        let mut ours = Ours::online(V5);
        assert!(ask(&mut ours), "{name}");
        let sent = ours.sent();
        let size = sent[0].len();
        for (limit, taken) in [(size, true), (size - 1, false)] {
            let mut ours = Ours::new(V5);
            ours.granted = up_to(limit);
            ours.begin(false);
            assert_eq!(ask(&mut ours), taken, "{name} up to {limit}");
            let expected = if taken { &sent[..] } else { &[] };
            assert_eq!(ours.sent(), expected, "{name} up to {limit}");
            assert!(taken || ours.world.records.is_empty(), "{name}");
        }
    }
}

#[test]
fn disconnect_says_as_much_as_the_server_takes() {
    let expiry = (PropertyId::SessionExpiryInterval, Value::Four(9));
    let why = (PropertyId::ReasonString, Value::Utf8(b"because of this"));
    let said = properties(&[why, expiry]);
    let full = {
        let mut ours = Ours::online(V5);
        let left = ours.session.disconnect(4, said.as_ref(), &mut ours.world);
        assert!(left.is_ok());
        ours.sent()
    };
    assert_eq!(full[0][2], 4, "the reason");
    let short = vec![0xe0, 7, 4, 5, 17, 0, 0, 0, 9];
    for (limit, expected) in [
        (full[0].len(), Some(&full[0])),
        (full[0].len() - 1, Some(&short)),
        (short.len(), Some(&short)),
        (short.len() - 1, None),
    ] {
        let mut ours = Ours::new(V5);
        ours.granted = up_to(limit);
        ours.begin(false);
        let left = ours.session.disconnect(4, said.as_ref(), &mut ours.world);
        assert_eq!(left.is_ok(), expected.is_some(), "{limit}");
        assert_eq!(ours.sent().first(), expected, "{limit}");
        // Nothing follows it, said or not.
        assert!(!ours.session.online());
        let again = ours.session.disconnect(4, said.as_ref(), &mut ours.world);
        assert!(again.is_ok() && ours.sent().is_empty());
    }
}

#[test]
fn what_the_next_server_does_not_take_ends_instead_of_being_sent_again() {
    let size = packet(V5, &message(ONE, b"xxxxxxxxxx"), 1).len();
    for (limit, taken) in [(size, true), (size - 1, false)] {
        let mut ours = Ours::new(V5);
        ours.session.set_options(Options {
            keep_requests: true,
            ..Options::default()
        });
        ours.begin(false);
        ours.accept(&message(ONE, b"xxxxxxxxxx"), 1).expect("sent");
        // As long as the message.
        let filter = b"f".repeat(size - 8);
        let filter = Filter::of(&filter, 1);
        let none = PropertiesRef::EMPTY;
        let sent = ours
            .session
            .subscribe(&[filter], none, 2, (), &mut ours.world);
        assert!(sent.is_ok());
        let before = ours.sent();
        assert_eq!(before[1].len(), size);
        ours.lose();
        ours.granted = up_to(limit);
        ours.begin(true);
        let too_large = Some((Cause::NotAllowed, reason::PACKET_TOO_LARGE));
        if taken {
            let again = [before[1].clone(), with_dup(before[0].clone())];
            assert_eq!(ours.sent(), again);
            assert!(ours.ends().is_empty());
            assert_eq!(ours.room(), 99);
        } else {
            assert!(ours.sent().is_empty() && ours.world.records.is_empty());
            assert_eq!(ours.ends(), [(2, too_large), (1, too_large)]);
            assert_eq!(ours.room(), 100);
        }
    }
}

#[test]
fn what_waited_is_refused_by_what_the_server_does_not_take() {
    let mut ours = Ours::new(V5);
    for (qos, token) in [(TWO, 1), (ONE, 2), (QoS::AtMostOnce, 3)] {
        let accepted = ours.accept(&message(qos, b"x"), token);
        assert!(matches!(accepted, Ok(Accepted::Queued(0))));
    }
    assert_eq!(ours.world.records.len(), 3);
    ours.granted = properties(&[(PropertyId::MaximumQoS, Value::Byte(1))]);
    ours.begin(false);
    let expected = [
        packet(V5, &message(ONE, b"x"), 2),
        packet(V5, &message(QoS::AtMostOnce, b"x"), 0),
    ];
    assert_eq!(ours.sent(), expected);
    let refused = Some((Cause::NotAllowed, reason::QOS_NOT_SUPPORTED));
    assert_eq!(ours.ends(), [(1, refused), (3, None)]);
    let records: Vec<_> = ours.world.records.keys().collect();
    assert_eq!(records, [&Record::Sent(2)]);
    // While there is a connection it is refused at once.
    let refused = ours.accept(&message(TWO, b"x"), 4);
    assert!(matches!(refused, Err(Refused::Invalid(_))));
    ours.room();
    let refused = ours.accept(&message(TWO, b"x"), 4);
    assert!(
        matches!(refused, Err(Refused::Invalid(_))),
        "nor does it wait"
    );
}

#[test]
fn a_message_that_waits_goes_out_with_what_is_left_of_its_life_or_ends() {
    let life = properties(&[(PropertyId::MessageExpiryInterval, Value::Four(10))]);
    let mortal = Publish {
        properties: life.as_ref(),
        ..message(ONE, b"x")
    };
    for (waited, left) in [
        (0, Some(10)),
        (4, Some(6)),
        (9, Some(1)),
        (10, None),
        (11, None),
    ] {
        let mut ours = Ours::new(V5);
        ours.accept(&mortal, 1).expect("queued");
        ours.now += Duration::from_secs(waited);
        ours.begin(false);
        let sent = ours.sent();
        if let Some(left) = left {
            let life = properties(&[(PropertyId::MessageExpiryInterval, Value::Four(left))]);
            let expected = Publish {
                properties: life.as_ref(),
                ..mortal
            };
            assert_eq!(sent, [packet(V5, &expected, 1)], "{waited}");
        } else {
            assert!(sent.is_empty() && ours.world.records.is_empty(), "{waited}");
            assert_eq!(ours.ends(), [(1, Some((Cause::Expired, 0)))]);
        }
    }
}

#[test]
fn as_many_are_in_flight_as_both_ends_allow_and_the_rest_wait_in_order() {
    let mut ours = Ours::new(V5);
    ours.granted = properties(&[(PropertyId::ReceiveMaximum, Value::Two(2))]);
    for token in 1..=5 {
        ours.accept(&message(ONE, b"x"), token).expect("queued");
    }
    ours.accept(&message(QoS::AtMostOnce, b"last"), 6)
        .expect("queued");
    ours.begin(false);
    assert_eq!((ours.sent().len(), ours.session.queued()), (2, 4));
    let next = |id| packet(V5, &message(ONE, b"x"), id);
    for id in 1..=2 {
        ours.answers(AckKind::PubAck, id, 0).expect("an answer");
        assert_eq!(ours.sent(), [next(id + 2)]);
    }
    ours.answers(AckKind::PubAck, 3, 0).expect("an answer");
    // The last one does not overtake, and needs no quota.
    let last = packet(V5, &message(QoS::AtMostOnce, b"last"), 0);
    assert_eq!(ours.sent(), [next(5), last]);
    let ended: Vec<_> = ours.ends().iter().map(|(token, _)| *token).collect();
    assert_eq!(ended, [1, 2, 3, 6]);
}

#[test]
fn a_message_that_the_store_refuses_waits_until_it_can_be_stored() {
    let mut ours = Ours::new(V3);
    ours.accept(&message(ONE, b"x"), 1).expect("queued");
    ours.world.store_fails = true;
    ours.begin(false);
    assert!(ours.sent().is_empty() && ours.ends().is_empty());
    assert_eq!(ours.session.queued(), 1);
    ours.world.store_fails = false;
    let now = ours.now;
    assert!(ours.session.retry(now, &mut ours.world).is_ok());
    assert_eq!((ours.sent().len(), ours.session.queued()), (1, 0));
}

/// Ten messages in flight, the first with its PUBREL sent, another received and not released, and two that wait.
fn busy() -> Ours {
    let mut ours = Ours::online(V3);
    ours.fly(TWO, 10);
    ours.answers(AckKind::PubRec, 1, 0).expect("an answer");
    ours.server_publishes(7, TWO, false, b"x").expect("taken");
    ours.lose();
    for token in [11, 12] {
        ours.accept(&message(ONE, b"x"), token).expect("queued");
    }
    ours.got();
    ours.told();
    ours
}

#[test]
fn what_ends_with_a_session_ends_in_order_and_leaves_what_waits() {
    let incomplete = Some((Cause::Incomplete, 0));
    // The PUBREL is younger than the messages.
    let in_flight: Vec<_> = (2..=10)
        .chain([1])
        .map(|token| (token, incomplete))
        .collect();

    let mut ours = busy();
    ours.session.clear(&mut ours.world);
    assert_eq!(ours.ends(), in_flight);
    assert_eq!((ours.world.records.len(), ours.session.queued()), (2, 2));
    ours.begin(false);
    assert_eq!(ours.sent().len(), 2, "what waited, and nothing else");
    assert_eq!(ours.room(), 98);

    let mut ours = busy();
    let records = ours.world.records.clone();
    assert!(records.contains_key(&Record::Received(7)));
    ours.session.abandon(&mut ours.world);
    let waiting = [11, 12].map(|token| (token, incomplete));
    assert_eq!(ours.ends(), [&in_flight[..], &waiting].concat());
    assert_eq!(ours.world.records, records, "for another process");

    let mut ours = busy();
    ours.begin_as(true, false);
    assert_eq!(ours.ends(), in_flight);
    assert_eq!(ours.world.records.len(), 2, "those that were sent now");
}

#[test]
fn pubrels_are_sent_again_in_the_order_of_their_pubrecs() {
    for version in [V3, V5] {
        for present in [true, false] {
            let mut ours = Ours::online(version);
            ours.fly(TWO, 4);
            for id in [3, 1, 4, 2] {
                ours.answers(AckKind::PubRec, id, 0).expect("an answer");
            }
            ours.sent();
            ours.told();
            ours.lose();
            ours.begin(present);
            if version == V5 && !present {
                // A server without the session has them all: there is nothing left to be said.
                assert!(ours.sent().is_empty() && ours.world.records.is_empty());
                let ended = [3, 1, 4, 2].map(|token| (token, None));
                assert_eq!(ours.ends(), ended);
                assert_eq!(ours.room(), 100);
            } else {
                assert_eq!(ours.sent(), [3, 1, 4, 2].map(|id| ack(0x62, id)));
                assert_eq!(ours.room(), 96, "they have their share of the quota");
            }
        }
    }
}

#[test]
fn each_connection_keeps_its_own_time() {
    let (interval, second) = (Duration::from_secs(60), Duration::from_secs(1));
    let almost = Duration::from_secs(59);
    let pings = |ours: &mut Ours, after: Duration| {
        ours.now += after;
        let (now, world) = (ours.now, &mut ours.world);
        let alive = ours.session.tick(now, world);
        (alive, ours.sent() == [[0xc0, 0]])
    };
    let mut ours = Ours::new(V5);
    assert_eq!(ours.session.deadline(), None, "no connection");
    assert_eq!(pings(&mut ours, 10 * interval), (true, false));
    ours.begin(false);
    assert_eq!(ours.session.deadline(), Some(ours.now + interval));
    assert_eq!(pings(&mut ours, almost), (true, false));
    assert_eq!(pings(&mut ours, second), (true, true));
    ours.receive(&[0xd0, 0]).expect("PINGRESP");
    assert_eq!(pings(&mut ours, interval), (true, true));
    // A sign of life that nobody has read counts as one.
    ours.now += interval;
    let now = ours.now;
    ours.session.heard(now);
    assert!(pings(&mut ours, almost).0);
    assert_eq!(pings(&mut ours, 3 * interval), (false, false));
    ours.lose();
    assert_eq!(ours.session.deadline(), None);
    // The next server has an interval of its own.
    ours.granted = properties(&[(PropertyId::ServerKeepAlive, Value::Two(5))]);
    ours.begin(false);
    assert_eq!(ours.session.keep_alive(), 5 * second);
    assert_eq!(ours.session.deadline(), Some(ours.now + 5 * second));
    assert_eq!(pings(&mut ours, 5 * second), (true, true));
}
