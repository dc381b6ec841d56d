//! Topic aliases in both directions.

use super::super::{HandOver, Options};
use super::*;
use crate::protocol::reason;
use crate::protocol::session::view;

const ALIAS: PropertyId = PropertyId::TopicAlias;

fn aliased(topic: &[u8], id: u16, qos: QoS, alias: u16) -> BytesMut {
    let list = properties(&[(ALIAS, Value::Two(alias))]);
    let mut packet = BytesMut::new();
    Publish {
        dup: false,
        qos,
        retain: false,
        topic,
        packet_id: id,
        properties: list.as_ref(),
        payload: b"p",
    }
    .encode(Version::V5, &mut packet)
    .expect("a valid message");
    packet
}

/// Returns topics and aliases of the `PUBLISHes` that were sent.
fn topics(sent: &[Vec<u8>]) -> Vec<(String, Option<u32>)> {
    sent.iter()
        .map(|packet| {
            let publish = view(Version::V5, packet).expect("a PUBLISH");
            let topic = String::from_utf8_lossy(publish.topic).into_owned();
            (topic, publish.properties.number(ALIAS))
        })
        .collect()
}

impl Ours {
    fn with_aliases(options: Options) -> Self {
        let mut ours = Self::new(Version::V5);
        ours.asked = properties(&[(PropertyId::TopicAliasMaximum, Value::Two(10))]);
        ours.granted = properties(&[(PropertyId::TopicAliasMaximum, Value::Two(2))]);
        ours.session.set_options(options);
        ours.begin(false);
        ours
    }

    fn say(&mut self, topic: &[u8], qos: QoS, alias: Option<u16>) {
        let mut list = Properties::new();
        if let Some(alias) = alias {
            list = properties(&[(ALIAS, Value::Two(alias))]);
        }
        let message = Publish {
            dup: false,
            qos,
            retain: false,
            topic,
            packet_id: 0,
            properties: list.as_ref(),
            payload: b"",
        };
        let now = self.now;
        self.session
            .publish(&message, None, (), true, now, &mut self.world)
            .expect("accepted");
    }
}

const RESOLVE: Options = Options {
    policy: None,
    max_resume_inflight: None,
    ids_at_acceptance: false,
    keep_requests: false,
    resolve_topic_aliases: true,
    outbound_topic_aliases: 0,
    resubscribe: false,
};
const GIVE: Options = Options {
    resolve_topic_aliases: false,
    outbound_topic_aliases: 10,
    ..RESOLVE
};

#[test]
fn the_program_sees_the_topic() {
    let mut ours = Ours::with_aliases(RESOLVE);
    for (topic, alias) in [(&b"x"[..], 1), (b"y", 2), (b"", 1), (b"z", 1), (b"", 1)] {
        ours.receive(&aliased(topic, 0, QoS::AtMostOnce, alias))
            .unwrap();
    }
    let got: Vec<String> = ours.got().into_iter().map(|(text, _)| text).collect();
    assert_eq!(got, ["x=p", "y=p", "x=p", "z=p", "z=p"]);
    // On another connection the alias means nothing.
    ours.lose();
    ours.begin(true);
    let unknown = ours.receive(&aliased(b"", 0, QoS::AtMostOnce, 1));
    assert!(matches!(unknown, Err(Fault::Protocol(_))), "{unknown:?}");
}

#[test]
fn a_message_kept_for_its_pubrel_is_kept_with_its_topic() {
    let mut ours = Ours::new(Version::V5);
    ours.asked = properties(&[(PropertyId::TopicAliasMaximum, Value::Two(10))]);
    ours.session.set_options(RESOLVE);
    ours.session.set_acknowledge(Acknowledge::ByProgram {
        ordered: true,
        exactly_once: HandOver::Release,
    });
    ours.begin(false);
    ours.receive(&aliased(b"x", 0, QoS::AtMostOnce, 1)).unwrap();
    ours.receive(&aliased(b"", 7, QoS::ExactlyOnce, 1)).unwrap();
    ours.got();
    ours.lose();
    ours.begin(true);
    ours.server_acks(AckKind::PubRel, 7).unwrap();
    assert_eq!(ours.got()[0].0, "x=p");
}

#[test]
fn the_topics_of_a_servers_aliases_are_bounded() {
    let mut ours = Ours::new(Version::V5);
    ours.asked = properties(&[(PropertyId::TopicAliasMaximum, Value::Two(u16::MAX))]);
    ours.session.set_options(RESOLVE);
    ours.begin(false);
    let topic = vec![b'x'; 65_000];
    let fault = (1..=100).find_map(|alias| {
        ours.receive(&aliased(&topic, 0, QoS::AtMostOnce, alias))
            .err()
    });
    let Some(Fault::Protocol(malformed)) = fault else {
        panic!("{fault:?}");
    };
    assert_eq!(malformed.reason, reason::QUOTA_EXCEEDED);
}

#[test]
fn topics_are_given_aliases_within_the_servers_limit() {
    let mut ours = Ours::with_aliases(GIVE);
    for topic in [&b"x"[..], b"x", b"y", b"z", b"y", b"z"] {
        ours.say(topic, QoS::AtLeastOnce, None);
    }
    let sent = ours.sent();
    let expected = [
        ("x", Some(1)),
        ("", Some(1)),
        ("y", Some(2)),
        ("z", None),
        ("", Some(2)),
        ("z", None),
    ];
    assert_eq!(
        topics(&sent),
        expected.map(|(topic, alias)| (topic.to_owned(), alias))
    );
    // What is sent again has its topic: the alias was the other connection's.
    ours.lose();
    ours.begin(true);
    let again = topics(&ours.sent());
    assert_eq!(again[1], ("x".to_owned(), None));
    assert_eq!(again[4], ("y".to_owned(), None));
    let records = ours.world.records.values();
    assert!(records.map(Vec::as_slice).all(|packet| {
        view(Version::V5, packet).is_some_and(|publish| !publish.topic.is_empty())
    }));
}

#[test]
fn a_message_that_could_not_be_stored_sets_no_alias() {
    for (options, alias) in [(GIVE, None), (RESOLVE, Some(1))] {
        let mut ours = Ours::with_aliases(options);
        ours.world.store_fails = true;
        let list = alias.map_or_else(Properties::new, |alias| {
            properties(&[(ALIAS, Value::Two(alias))])
        });
        let message = Publish {
            dup: false,
            qos: QoS::AtLeastOnce,
            retain: false,
            topic: b"x",
            packet_id: 0,
            properties: list.as_ref(),
            payload: b"",
        };
        let now = ours.now;
        let refused = ours
            .session
            .publish(&message, None, (), true, now, &mut ours.world);
        assert!(refused.is_err());
        ours.world.store_fails = false;
        ours.say(b"x", QoS::AtLeastOnce, alias);
        assert_eq!(topics(&ours.sent()), [("x".to_owned(), Some(1))]);
    }
}

/// A message that sets an alias and has to wait is sent without it: the next one that relies on it brings the topic.
#[test]
fn an_alias_that_the_server_has_not_seen_is_sent_with_its_topic() {
    let mut ours = Ours::new(Version::V5);
    ours.granted = properties(&[
        (PropertyId::TopicAliasMaximum, Value::Two(2)),
        (PropertyId::ReceiveMaximum, Value::Two(1)),
    ]);
    ours.begin(false);
    ours.say(b"first", QoS::AtLeastOnce, None);
    ours.say(b"x", QoS::AtLeastOnce, Some(1));
    ours.server_acks(AckKind::PubAck, 1).unwrap();
    ours.server_acks(AckKind::PubAck, 2).unwrap();
    ours.say(b"", QoS::AtLeastOnce, Some(1));
    ours.say(b"", QoS::AtMostOnce, Some(1));
    let expected = [("first", None), ("x", None), ("x", Some(1)), ("", Some(1))];
    assert_eq!(
        topics(&ours.sent()),
        expected.map(|(topic, alias)| (topic.to_owned(), alias))
    );
}

/// With the topic that it brings it may be more than the server takes ([MQTT-3.2.2-15]).
#[test]
fn a_message_that_brings_its_topic_is_measured_with_it() {
    for (limit, accepted) in [(40, true), (39, false)] {
        let mut ours = Ours::new(Version::V5);
        ours.granted = properties(&[
            (PropertyId::TopicAliasMaximum, Value::Two(2)),
            (PropertyId::ReceiveMaximum, Value::Two(1)),
            (PropertyId::MaximumPacketSize, Value::Four(limit)),
        ]);
        ours.begin(false);
        ours.say(b"first", QoS::AtLeastOnce, None);
        ours.say(&[b'x'; 20], QoS::AtLeastOnce, Some(1));
        ours.server_acks(AckKind::PubAck, 1).unwrap();
        ours.server_acks(AckKind::PubAck, 2).unwrap();
        ours.sent();
        let alias = properties(&[(PropertyId::TopicAlias, Value::Two(1))]);
        let message = Publish {
            topic: b"",
            properties: alias.as_ref(),
            ..message(QoS::AtMostOnce, &[0; 12])
        };
        // Two bytes of header, two and twenty of topic, four of properties.
        let answer = ours.publishes_as(&message);
        assert_eq!(answer.is_ok(), accepted, "{answer:?}");
        let sizes: Vec<_> = ours.sent().iter().map(Vec::len).collect();
        assert_eq!(sizes, vec![40; usize::from(accepted)]);
    }
}

#[test]
fn the_programs_own_aliases_end_the_automatic_ones() {
    let mut ours = Ours::with_aliases(GIVE);
    ours.say(b"x", QoS::AtMostOnce, None);
    ours.say(b"y", QoS::AtMostOnce, Some(1));
    ours.say(b"x", QoS::AtMostOnce, None);
    ours.say(b"", QoS::AtMostOnce, Some(1));
    let expected = [("x", Some(1)), ("y", Some(1)), ("x", None), ("", Some(1))];
    assert_eq!(
        topics(&ours.sent()),
        expected.map(|(topic, alias)| (topic.to_owned(), alias))
    );
}
