//! What either end says that it takes, and what comes of more: aliases, sizes, subscriptions that are made again.

use super::super::{Accepted, HandOver, Options, Refused};
use super::*;
use crate::protocol::packet::Filter;
use crate::protocol::reason;

const ONE: QoS = QoS::AtLeastOnce;

fn fault_of(result: Result<(), Fault>) -> u8 {
    match result {
        Err(Fault::Protocol(malformed)) => malformed.reason,
        other => panic!("no protocol error: {other:?}"),
    }
}

fn message<'a>(properties: PropertiesRef<'a>, topic: &'a [u8]) -> Publish<'a> {
    Publish {
        dup: false,
        qos: ONE,
        retain: false,
        topic,
        packet_id: 0,
        properties,
        payload: b"x",
    }
}

impl Ours {
    fn v5(asked: &[(PropertyId, Value<'_>)], granted: &[(PropertyId, Value<'_>)]) -> Self {
        let mut ours = Self::new(Version::V5);
        ours.asked = properties(asked);
        ours.granted = properties(granted);
        ours
    }

    /// A session whose subscriptions are made again, with those filters granted.
    fn subscribed(version: Version, filters: &[&[u8]]) -> Self {
        let mut ours = Self::new(version);
        ours.session.set_options(Options {
            resubscribe: true,
            ..Options::default()
        });
        ours.begin(false);
        ours.grant(filters);
        ours
    }

    /// Asks for those filters, and the server grants them.
    fn grant(&mut self, filters: &[&[u8]]) {
        for filter in filters {
            let filter = [Filter::of(filter, 1)];
            let none = PropertiesRef::EMPTY;
            let world = &mut self.world;
            let id = self.session.subscribe(&filter, none, 1, (), world);
            let id = id.expect("sent").to_be_bytes();
            let answer: &[u8] = if self.version == Version::V5 {
                &[0x90, 4, id[0], id[1], 0, 1]
            } else {
                &[0x90, 3, id[0], id[1], 1]
            };
            self.receive(answer).expect("an answer");
        }
        self.sent();
    }

    /// The connection is made anew with a server that has lost the session. Returns what is asked for.
    fn asks_again(&mut self) -> Vec<Vec<u8>> {
        self.lose();
        self.begin(false);
        self.sent()
    }
}

#[test]
fn a_retained_message_is_refused_by_a_server_that_takes_none_only() {
    for (available, taken) in [(1, true), (0, false)] {
        let mut ours = Ours::v5(
            &[],
            &[(PropertyId::RetainAvailable, Value::Byte(available))],
        );
        ours.begin(false);
        let mut retained = message(PropertiesRef::EMPTY, b"t");
        retained.retain = true;
        assert_eq!(ours.publishes_as(&retained).is_ok(), taken);
        retained.retain = false;
        assert!(ours.publishes_as(&retained).is_ok());
    }
}

#[test]
fn the_servers_aliases_end_where_we_said() {
    for (alias, taken) in [(10, true), (11, false)] {
        let mut ours = Ours::v5(&[(PropertyId::TopicAliasMaximum, Value::Two(10))], &[]);
        ours.begin(false);
        let list = properties(&[(PropertyId::TopicAlias, Value::Two(alias))]);
        let mut packet = BytesMut::new();
        let mut sent = message(list.as_ref(), b"t");
        sent.packet_id = 1;
        sent.encode(Version::V5, &mut packet).expect("encoded");
        let received = ours.receive(&packet);
        if taken {
            assert_eq!(received, Ok(()));
        } else {
            assert_eq!(fault_of(received), reason::TOPIC_ALIAS_INVALID);
        }
    }
}

/// An alias is of its connection. What is sent again has its topic and all else that it had.
#[test]
fn an_alias_ends_with_its_connection_and_the_rest_of_the_message_does_not() {
    let mut ours = Ours::v5(&[], &[(PropertyId::TopicAliasMaximum, Value::Two(2))]);
    ours.begin(false);
    let list = properties(&[
        (PropertyId::ContentType, Value::Utf8(b"text")),
        (PropertyId::TopicAlias, Value::Two(1)),
    ]);
    for topic in [&b"topic"[..], b""] {
        ours.publishes_as(&message(list.as_ref(), topic))
            .expect("accepted");
    }
    let has = |packet: &Vec<u8>, what: &[u8]| packet.windows(what.len()).any(|part| part == what);
    let sent = ours.sent();
    assert!(sent.iter().all(|packet| has(packet, b"text")));
    assert!(has(&sent[0], b"topic") && !has(&sent[1], b"topic"));
    ours.lose();
    ours.begin(true);
    for packet in ours.sent() {
        assert!(has(&packet, b"topic") && has(&packet, b"text"));
        assert!(!has(&packet, &[0x23, 0, 1]), "no alias");
    }
    let again = ours.publishes_as(&message(list.as_ref(), b""));
    assert!(matches!(again, Err(Refused::Invalid(_))), "{again:?}");
}

/// Aliases that the session gives: to messages that waited as well, on each connection anew, and as many as the program says now.
#[test]
fn a_message_that_waited_is_given_an_alias_too() {
    let mut ours = Ours::v5(&[], &[(PropertyId::TopicAliasMaximum, Value::Two(2))]);
    ours.session.set_outbound_topic_aliases(2);
    for _ in 0..2 {
        // The first has the topic and the alias, the second the alias alone.
        for _ in 0..2 {
            ours.publishes_as(&message(PropertiesRef::EMPTY, b"topic"))
                .expect("accepted");
        }
        ours.begin(false);
        let sent = ours.sent();
        let lengths: Vec<usize> = sent.iter().map(Vec::len).collect();
        // Fixed header, topic, packet identifier, properties with the alias, payload.
        assert_eq!(
            lengths[lengths.len() - 2..],
            [2 + 7 + 2 + 4 + 1, 2 + 2 + 2 + 4 + 1]
        );
        ours.lose();
        ours.session.clear(&mut ours.world);
    }
    ours.session.set_outbound_topic_aliases(0);
    ours.begin(false);
    ours.publishes_as(&message(PropertiesRef::EMPTY, b"topic"))
        .expect("accepted");
    assert_eq!(ours.sent()[0].len(), 2 + 7 + 2 + 1 + 1);
}

/// With its alias a message may be larger than the server takes: it goes out without, as small as it is.
#[test]
fn an_alias_that_makes_a_message_too_large_is_not_given() {
    for (max, len) in [(16, 16), (15, 13)] {
        let granted = [
            (PropertyId::TopicAliasMaximum, Value::Two(2)),
            (PropertyId::MaximumPacketSize, Value::Four(max)),
        ];
        let mut ours = Ours::v5(&[], &granted);
        ours.session.set_outbound_topic_aliases(2);
        ours.begin(false);
        ours.publishes_as(&message(PropertiesRef::EMPTY, b"topic"))
            .expect("accepted");
        assert_eq!(ours.sent()[0].len(), len);
    }
}

#[test]
fn what_waits_for_the_program_counts_until_it_is_acknowledged() {
    let mut ours = Ours::v5(&[(PropertyId::ReceiveMaximum, Value::Two(1))], &[]);
    ours.session.set_acknowledge(Acknowledge::ByProgram {
        ordered: true,
        exactly_once: HandOver::Release,
    });
    ours.begin(false);
    for id in 1..=3 {
        ours.server_publishes(id, ONE, false, b"x").unwrap();
        let token = ours.only().expect("a token");
        let taken = ours.session.acknowledge(token, 0, &mut ours.world);
        assert_eq!(taken, Ok(true));
    }
    // Nor does a QoS 2 message count when all has been said of it, and its identifier is another message's then.
    for _ in 0..2 {
        ours.server_publishes(9, QoS::ExactlyOnce, false, b"x")
            .unwrap();
        ours.server_acks(AckKind::PubRel, 9).unwrap();
        let token = ours.only().expect("a token");
        let taken = ours.session.acknowledge(token, 0, &mut ours.world);
        assert_eq!(taken, Ok(true));
    }
}

#[test]
fn a_server_that_was_asked_for_no_reasons_gives_none() {
    for (asked, taken) in [(1, true), (0, false)] {
        let wants = (PropertyId::RequestProblemInformation, Value::Byte(asked));
        let mut ours = Ours::v5(&[wants], &[]);
        ours.begin(false);
        ours.publishes(ONE, b"x").expect("accepted");
        let received = ours.receive(b"\x40\x08\0\x01\x00\x04\x1f\0\x01x");
        if taken {
            assert_eq!(received, Ok(()));
        } else {
            assert_eq!(fault_of(received), reason::PROTOCOL_ERROR);
        }
    }
}

#[test]
fn an_auth_is_of_the_method_that_was_begun_and_of_a_size_that_the_server_takes() {
    let method = [(PropertyId::AuthenticationMethod, Value::Utf8(b"m"))];
    let other = properties(&[(PropertyId::AuthenticationMethod, Value::Utf8(b"o"))]);
    for (reason, list) in [(0, Some(&other)), (0x18, None), (0x18, Some(&other))] {
        let mut ours = Ours::v5(&method, &[]);
        ours.begin(false);
        let none = PropertiesRef::EMPTY;
        ours.session
            .reauthenticate(none, &mut ours.world)
            .expect("sent");
        let list = list.map_or(&[][..], |list| list.as_ref().as_bytes());
        let length = u8::try_from(list.len()).expect("short");
        let packet = [&[0xf0, 2 + length, reason, length], list].concat();
        assert_eq!(fault_of(ours.receive(&packet)), reason::PROTOCOL_ERROR);
        assert!(ours.world.authentications.is_empty());
    }
    let mut ours = Ours::v5(&method, &[(PropertyId::MaximumPacketSize, Value::Four(20))]);
    ours.begin(false);
    let data = properties(&[(PropertyId::AuthenticationData, Value::Binary(&[0; 20]))]);
    let refused = ours.session.reauthenticate(data.as_ref(), &mut ours.world);
    assert!(refused.is_err() && ours.sent().is_empty());
}

/// A filter that this server does not take in any packet is given up, and the others are asked for.
#[test]
fn a_subscription_that_does_not_fit_is_told_and_not_in_the_way() {
    let large = vec![b'x'; 300];
    for (max, count) in [(320, 3), (200, 2)] {
        let mut ours = Ours::subscribed(Version::V5, &[b"a", &large, b"z"]);
        ours.granted = properties(&[(PropertyId::MaximumPacketSize, Value::Four(max))]);
        let sent = ours.asks_again();
        assert!(sent.iter().all(|packet| packet.len() <= max as usize));
        let asked: usize = sent
            .iter()
            .map(|packet| {
                [&b"\0\x01a\x01"[..], b"\0\x01z\x01", b"xxx\x01"]
                    .iter()
                    .filter(|filter| packet.windows(filter.len()).any(|part| part == **filter))
                    .count()
            })
            .sum();
        assert_eq!(asked, count);
        let lost: &[(Vec<u8>, u8)] = if count == 3 {
            &[]
        } else {
            &[(large.clone(), 0x80)]
        };
        assert_eq!(ours.world.subscriptions_lost, lost);
    }
}

/// The identifier of a SUBSCRIBE of the session's own is in use until its answer, or until the connection ends.
#[test]
fn a_request_of_the_sessions_own_has_its_identifier_while_it_waits() {
    for answered in [true, false] {
        let mut ours = Ours::subscribed(Version::V311, &[b"a"]);
        let sent = ours.asks_again();
        let id = u16::from_be_bytes([sent[0][2], sent[0][3]]);
        assert!(!ours.is_free(id));
        if answered {
            ours.receive(&[0x90, 3, sent[0][2], sent[0][3], 1]).unwrap();
            assert_eq!(ours.world.ended.len(), 1, "the program's own alone");
        } else {
            ours.lose();
        }
        assert!(ours.is_free(id));
        assert!(ours.world.subscriptions_lost.is_empty());
    }
}

/// Whether subscriptions are made again is what the program says last, and being told the same twice changes nothing.
#[test]
fn subscriptions_are_made_again_from_when_the_program_says_so() {
    let mut ours = Ours::new(Version::V311);
    ours.begin(false);
    ours.grant(&[b"before"]);
    ours.session.set_resubscribe(true);
    ours.grant(&[b"a"]);
    ours.session.set_resubscribe(true);
    let asked = ours.asks_again();
    assert_eq!((asked.len(), asked[0][6]), (1, b'a'), "{asked:?}");
    // Said by the options of a connect, they are forgotten when it begins.
    for resubscribe in [false, true] {
        ours.session.set_options(Options {
            resubscribe,
            ..Options::default()
        });
        assert!(ours.asks_again().is_empty());
    }
    assert_eq!(
        ours.publishes(ONE, b"x")
            .map(|sent| matches!(sent, Accepted::Sent(_))),
        Ok(true)
    );
}
