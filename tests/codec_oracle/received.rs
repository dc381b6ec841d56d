//! What another implementation's server side writes, read by us.

use std::num::NonZeroU32;

use rmqtt_codec::types::{Publish, QoS as TheirQoS};
use rmqtt_codec::{v3, v5};

use super::*;

fn their_qos(qos: QoS) -> TheirQoS {
    TheirQoS::try_from(qos as u8).unwrap()
}

fn user_properties() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec((text(), text()), 0..3)
}

/// rmqtt-codec's user properties.
fn pairs(list: &[(String, String)]) -> v5::UserProperties {
    let pair = |(name, value): &(String, String)| (name.as_str().into(), value.as_str().into());
    list.iter().map(pair).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn publish(
        v5 in any::<bool>(),
        qos in qos(),
        (dup, retain, utf8) in any::<(bool, bool, bool)>(),
        topic in topic(),
        id in packet_id(),
        ids in prop::collection::vec(1..=268_435_455u32, 0..4),
        alias in prop::option::of(packet_id()),
        user_properties in user_properties(),
        payload in payload(),
    ) {
        let at_0 = qos == QoS::AtMostOnce;
        let theirs = Publish {
            dup: dup && !at_0,
            retain,
            qos: their_qos(qos),
            topic: topic.as_str().into(),
            packet_id: (!at_0).then_some(id),
            payload: payload.clone().into(),
            properties: v5.then(|| v5::PublishProperties {
                topic_alias: alias,
                user_properties: pairs(&user_properties),
                is_utf8_payload: utf8,
                subscription_ids: ids.iter().map(|&n| NonZeroU32::new(n).unwrap()).collect(),
                ..Default::default()
            }),
        };
        let (version, bytes) = if v5 {
            (Version::V5, written(v5::Codec::default(), v5::Packet::Publish(Box::new(theirs))))
        } else {
            (Version::V311, written(v3::Codec::default(), v3::Packet::Publish(Box::new(theirs))))
        };
        let publish = match ours(version, &bytes) {
            Packet::Publish(publish) => publish,
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(publish.dup, dup && !at_0);
        prop_assert_eq!(publish.retain, retain);
        prop_assert_eq!(publish.qos, qos);
        prop_assert_eq!(publish.topic, topic.as_bytes());
        prop_assert_eq!(publish.packet_id, if at_0 { 0 } else { id.get() });
        prop_assert_eq!(publish.payload, payload);
        if v5 {
            let list = publish.properties;
            let numbers = list.numbers(PropertyId::SubscriptionIdentifier);
            prop_assert_eq!(numbers.collect::<Vec<_>>(), ids);
            let alias = alias.map(|n| u32::from(n.get()));
            prop_assert_eq!(list.number(PropertyId::TopicAlias), alias);
            prop_assert_eq!(our_users(list), users(&user_properties));
            let format = list.number(PropertyId::PayloadFormatIndicator).unwrap_or(0);
            prop_assert_eq!(format == 1, utf8);
        } else {
            prop_assert!(publish.properties.is_empty());
        }
    }

    #[test]
    fn connack(
        session_present in any::<bool>(),
        code in prop_oneof![Just(0u8), Just(0x87), Just(0x9C)],
        receive_max in packet_id(),
        max_packet_size in prop::option::of(1..=u32::MAX),
        client_id in prop::option::of(text()),
        keep_alive in prop::option::of(any::<u16>()),
        reason_string in prop::option::of(text()),
        user_properties in user_properties(),
    ) {
        let session_present = session_present && code == 0;
        let theirs = v5::ConnectAck {
            session_present,
            reason_code: code.try_into().unwrap(),
            receive_max,
            max_packet_size,
            assigned_client_id: client_id.as_deref().map(Into::into),
            server_keepalive_sec: keep_alive,
            retain_available: false,
            max_qos: their_qos(QoS::AtLeastOnce),
            reason_string: reason_string.as_deref().map(Into::into),
            user_properties: pairs(&user_properties),
            ..Default::default()
        };
        let bytes = written(v5::Codec::default(), v5::Packet::ConnectAck(Box::new(theirs)));
        let connack = match ours(Version::V5, &bytes) {
            Packet::ConnAck(connack) => connack,
            other => panic!("{other:?}"),
        };
        prop_assert_eq!((connack.session_present, connack.code), (session_present, code));
        let list = connack.properties;
        let max = list.number(PropertyId::ReceiveMaximum).unwrap_or(65_535);
        prop_assert_eq!(max, u32::from(receive_max.get()));
        prop_assert_eq!(list.number(PropertyId::MaximumPacketSize), max_packet_size);
        prop_assert_eq!(list.number(PropertyId::ServerKeepAlive), keep_alive.map(u32::from));
        prop_assert_eq!(list.number(PropertyId::RetainAvailable), Some(0));
        prop_assert_eq!(list.number(PropertyId::MaximumQoS), Some(1));
        let id = list.bytes(PropertyId::AssignedClientIdentifier);
        prop_assert_eq!(id, client_id.as_ref().map(String::as_bytes));
        let text = list.bytes(PropertyId::ReasonString);
        prop_assert_eq!(text, reason_string.as_ref().map(String::as_bytes));
        prop_assert_eq!(our_users(list), users(&user_properties));
    }

    #[test]
    fn acknowledgements(
        id in packet_id(),
        failed in any::<bool>(),
        reason_string in prop::option::of(text()),
        user_properties in user_properties(),
    ) {
        let code = if failed { 0x97 } else { 0 };
        let code2 = if failed { 0x92 } else { 0 };
        let ack = v5::PublishAck {
            packet_id: id,
            reason_code: code.try_into().unwrap(),
            properties: pairs(&user_properties),
            reason_string: reason_string.as_deref().map(Into::into),
        };
        let ack2 = v5::PublishAck2 {
            packet_id: id,
            reason_code: code2.try_into().unwrap(),
            properties: pairs(&user_properties),
            reason_string: reason_string.as_deref().map(Into::into),
        };
        for (theirs, code) in [
            (v5::Packet::PublishAck(ack.clone()), code),
            (v5::Packet::PublishReceived(ack), code),
            (v5::Packet::PublishRelease(ack2.clone()), code2),
            (v5::Packet::PublishComplete(ack2), code2),
        ] {
            let kind = theirs.packet_type();
            let bytes = written(v5::Codec::default(), theirs);
            let (first, ack) = match ours(Version::V5, &bytes) {
                Packet::PubAck(ack) => (0x40, ack),
                Packet::PubRec(ack) => (0x50, ack),
                Packet::PubRel(ack) => (0x62, ack),
                Packet::PubComp(ack) => (0x70, ack),
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(kind, first);
            prop_assert_eq!((ack.packet_id, ack.reason), (id.get(), code));
            let text = ack.properties.bytes(PropertyId::ReasonString);
            prop_assert_eq!(text, reason_string.as_ref().map(String::as_bytes));
            prop_assert_eq!(our_users(ack.properties), users(&user_properties));
        }
    }

    #[test]
    fn subscription_acknowledgements(
        id in packet_id(),
        suback in prop::collection::vec(prop::sample::select(vec![0u8, 1, 2, 0x80, 0x8F]), 1..5),
        unsuback in prop::collection::vec(prop::sample::select(vec![0u8, 0x11, 0x87]), 1..5),
        reason_string in prop::option::of(text()),
        user_properties in user_properties(),
    ) {
        let bytes = written(v5::Codec::default(), v5::Packet::SubscribeAck(v5::SubscribeAck {
            packet_id: id,
            properties: pairs(&user_properties),
            reason_string: reason_string.as_deref().map(Into::into),
            status: suback.iter().map(|&code| code.try_into().unwrap()).collect(),
        }));
        match ours(Version::V5, &bytes) {
            Packet::SubAck(ack) => {
                prop_assert_eq!((ack.packet_id, ack.codes), (id.get(), &suback[..]));
                prop_assert_eq!(our_users(ack.properties), users(&user_properties));
                let text = ack.properties.bytes(PropertyId::ReasonString);
                prop_assert_eq!(text, reason_string.as_ref().map(String::as_bytes));
            }
            other => panic!("{other:?}"),
        }
        let bytes = written(v5::Codec::default(), v5::Packet::UnsubscribeAck(v5::UnsubscribeAck {
            packet_id: id,
            properties: pairs(&user_properties),
            reason_string: reason_string.as_deref().map(Into::into),
            status: unsuback.iter().map(|&code| code.try_into().unwrap()).collect(),
        }));
        match ours(Version::V5, &bytes) {
            Packet::UnsubAck(ack) => {
                prop_assert_eq!((ack.packet_id, ack.codes), (id.get(), &unsuback[..]));
                prop_assert_eq!(our_users(ack.properties), users(&user_properties));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn ends_of_a_connection(
        reference in prop::option::of(text()),
        method in text(),
        data in prop::option::of(binary()),
        user_properties in user_properties(),
    ) {
        let mut theirs = v5::Disconnect::new(0x9Du8.try_into().unwrap());
        theirs.server_reference = reference.as_deref().map(Into::into);
        theirs.user_properties = pairs(&user_properties);
        let bytes = written(v5::Codec::default(), v5::Packet::Disconnect(theirs));
        match ours(Version::V5, &bytes) {
            Packet::Disconnect(packet) => {
                prop_assert_eq!(packet.reason, 0x9D);
                let text = packet.properties.bytes(PropertyId::ServerReference);
                prop_assert_eq!(text, reference.as_ref().map(String::as_bytes));
                prop_assert_eq!(our_users(packet.properties), users(&user_properties));
            }
            other => panic!("{other:?}"),
        }
        let bytes = written(v5::Codec::default(), v5::Packet::Auth(v5::Auth {
            reason_code: 0x18u8.try_into().unwrap(),
            auth_method: Some(method.as_str().into()),
            auth_data: data.clone().map(Into::into),
            reason_string: None,
            user_properties: pairs(&user_properties),
        }));
        match ours(Version::V5, &bytes) {
            Packet::Auth(packet) => {
                prop_assert_eq!(packet.reason, 0x18);
                let list = packet.properties;
                prop_assert_eq!(list.bytes(PropertyId::AuthenticationMethod), Some(method.as_bytes()));
                prop_assert_eq!(list.bytes(PropertyId::AuthenticationData), data.as_deref());
                prop_assert_eq!(our_users(list), users(&user_properties));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn packets_of_3_1_1(id in packet_id(), session_present in any::<bool>(), granted in qos()) {
        let version = Version::V311;
        let theirs = |packet| written(v3::Codec::default(), packet);
        let bytes = theirs(v3::Packet::ConnectAck(v3::ConnectAck {
            return_code: v3::ConnectAckReason::ConnectionAccepted,
            session_present,
        }));
        match ours(version, &bytes) {
            Packet::ConnAck(connack) => {
                prop_assert_eq!((connack.session_present, connack.code), (session_present, 0));
            }
            other => panic!("{other:?}"),
        }
        let bytes = theirs(v3::Packet::SubscribeAck {
            packet_id: id,
            status: vec![v3::SubscribeReturnCode::Success(their_qos(granted)), v3::SubscribeReturnCode::Failure],
        });
        match ours(version, &bytes) {
            Packet::SubAck(ack) => {
                prop_assert_eq!((ack.packet_id, ack.codes), (id.get(), &[granted as u8, 0x80][..]));
            }
            other => panic!("{other:?}"),
        }
        let bytes = theirs(v3::Packet::UnsubscribeAck { packet_id: id });
        prop_assert!(matches!(ours(version, &bytes), Packet::UnsubAck(ack) if ack.packet_id == id.get()));
        let bytes = theirs(v3::Packet::PublishAck { packet_id: id });
        prop_assert!(matches!(ours(version, &bytes), Packet::PubAck(ack) if ack.packet_id == id.get()));
        let bytes = theirs(v3::Packet::PublishReceived { packet_id: id });
        prop_assert!(matches!(ours(version, &bytes), Packet::PubRec(ack) if ack.packet_id == id.get()));
        let bytes = theirs(v3::Packet::PublishRelease { packet_id: id });
        prop_assert!(matches!(ours(version, &bytes), Packet::PubRel(ack) if ack.packet_id == id.get()));
        let bytes = theirs(v3::Packet::PublishComplete { packet_id: id });
        prop_assert!(matches!(ours(version, &bytes), Packet::PubComp(ack) if ack.packet_id == id.get()));
        let bytes = theirs(v3::Packet::PingResponse);
        prop_assert_eq!(ours(version, &bytes), Packet::PingResp);
    }
}
