//! What we write, read by the others.

use mqtt_protocol_core::mqtt::packet::{v3_1_1, v5_0};
use paho_oxide::protocol::packet::{
    AckKind, Connect, Filter, Publish, Will, encode_ack, encode_auth, encode_disconnect,
    encode_pingreq, encode_subscribe, encode_unsubscribe,
};
use paho_oxide::protocol::{decode, reason};
use rmqtt_codec::{v3, v5};

use super::*;

/// mqtt-protocol-core reads the body and writes the same packet.
macro_rules! same_again {
    ($packet:ty, $bytes:expr) => {{
        let bytes: &[u8] = $bytes;
        let (packet, consumed) = <$packet>::parse(body(bytes)).unwrap();
        assert_eq!(consumed, body(bytes).len());
        assert_eq!(packet.to_continuous_buffer(), bytes);
    }};
}

macro_rules! same_publish_again {
    ($packet:ty, $bytes:expr) => {{
        let bytes: &[u8] = $bytes;
        let (packet, _) = <$packet>::parse(bytes[0] & 0x0F, body(bytes).into()).unwrap();
        assert_eq!(packet.to_continuous_buffer(), bytes);
    }};
}

fn nonzero(n: Option<impl Into<u32>>) -> Option<u32> {
    n.map(Into::into)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn publish(
        version in version(),
        qos in qos(),
        (dup, retain) in any::<(bool, bool)>(),
        topic in topic(),
        id in packet_id(),
        properties in properties(Context::Publish),
        payload in payload(),
    ) {
        let at_0 = qos == QoS::AtMostOnce;
        let v5 = version == Version::V5;
        let publish = Publish {
            dup: dup && !at_0,
            qos,
            retain,
            topic: topic.as_bytes(),
            packet_id: if at_0 { 0 } else { id.get() },
            properties: if v5 { properties.as_ref() } else { PropertiesRef::EMPTY },
            payload: &payload,
        };
        let mut out = BytesMut::new();
        publish.encode(version, &mut out).unwrap();
        prop_assert_eq!(publish.encoded_len(version), Ok(out.len()));
        prop_assert_eq!(ours(version, &out), decode::Packet::Publish(publish));

        let theirs = if v5 {
            same_publish_again!(v5_0::Publish, &out);
            match theirs(v5::Codec::default(), &out).0 {
                v5::Packet::Publish(theirs) => theirs,
                other => panic!("{other:?}"),
            }
        } else {
            same_publish_again!(v3_1_1::Publish, &out);
            match theirs(v3::Codec::default(), &out).0 {
                v3::Packet::Publish(theirs) => theirs,
                other => panic!("{other:?}"),
            }
        };
        prop_assert_eq!(theirs.dup, publish.dup);
        prop_assert_eq!(theirs.retain, publish.retain);
        prop_assert_eq!(u8::from(theirs.qos), publish.qos as u8);
        prop_assert_eq!(theirs.topic.as_bytes(), publish.topic);
        prop_assert_eq!(theirs.packet_id.map_or(0, NonZeroU16::get), publish.packet_id);
        prop_assert_eq!(&theirs.payload[..], publish.payload);
        if v5 {
            let ours = publish.properties;
            let theirs = theirs.properties.unwrap_or_default();
            prop_assert_eq!(
                nonzero(theirs.message_expiry_interval),
                ours.number(PropertyId::MessageExpiryInterval)
            );
            let alias = theirs.topic_alias.map(|n| u32::from(n.get()));
            prop_assert_eq!(alias, ours.number(PropertyId::TopicAlias));
            let format = ours.number(PropertyId::PayloadFormatIndicator) == Some(1);
            prop_assert_eq!(theirs.is_utf8_payload, format);
            for (theirs, id) in [
                (theirs.correlation_data.as_deref(), PropertyId::CorrelationData),
                (theirs.content_type.as_ref().map(|t| &t.as_bytes()[..]), PropertyId::ContentType),
                (theirs.response_topic.as_ref().map(|t| &t.as_bytes()[..]), PropertyId::ResponseTopic),
            ] {
                prop_assert_eq!(theirs, ours.bytes(id));
            }
            prop_assert_eq!(users(&theirs.user_properties), our_users(ours));
        }
    }

    #[test]
    fn connect(
        version in version(),
        clean_start in any::<bool>(),
        keep_alive in any::<u16>(),
        client_id in topic(),
        will in prop::option::of((topic(), binary(), qos(), any::<bool>(), properties(Context::Will))),
        username in prop::option::of(text()),
        password in prop::option::of(binary()),
        properties in properties(Context::Connect),
    ) {
        let v5 = version == Version::V5;
        let list = |properties| if v5 { properties } else { PropertiesRef::EMPTY };
        let will = will.as_ref().map(|(topic, payload, qos, retain, properties)| Will {
            topic: topic.as_bytes(),
            payload,
            qos: *qos,
            retain: *retain,
            properties: list(properties.as_ref()),
        });
        let connect = Connect {
            version,
            clean_start,
            keep_alive,
            client_id: client_id.as_bytes(),
            will,
            username: username.as_ref().map(String::as_bytes),
            password: password.as_deref().filter(|_| v5 || username.is_some()),
            properties: list(properties.as_ref()),
        };
        let mut out = BytesMut::new();
        connect.encode(&mut out).unwrap();
        match version {
            Version::V31 => {}
            Version::V311 => same_again!(v3_1_1::Connect, &out),
            // It still asks for 3.1.1's user name with each password; 5.0 does not (section 3.1.2.9).
            Version::V5 if username.is_none() && password.is_some() => {}
            Version::V5 => same_again!(v5_0::Connect, &out),
        }
        if v5 {
            let theirs = match theirs(v5::Codec::default(), &out).0 {
                v5::Packet::Connect(theirs) => theirs,
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(theirs.clean_start, clean_start);
            prop_assert_eq!(theirs.keep_alive, keep_alive);
            prop_assert_eq!(theirs.client_id.as_bytes(), connect.client_id);
            prop_assert_eq!(theirs.username.as_ref().map(|t| &t.as_bytes()[..]), connect.username);
            prop_assert_eq!(theirs.password.as_deref(), connect.password);
            prop_assert_eq!(users(&theirs.user_properties), our_users(connect.properties));
            prop_assert_eq!(theirs.last_will.is_some(), will.is_some());
            if let (Some(theirs), Some(will)) = (theirs.last_will, will) {
                prop_assert_eq!(theirs.topic.as_bytes(), will.topic);
                prop_assert_eq!(&theirs.message[..], will.payload);
                prop_assert_eq!(u8::from(theirs.qos), will.qos as u8);
                prop_assert_eq!(theirs.retain, will.retain);
                let delay = will.properties.number(PropertyId::WillDelayInterval);
                prop_assert_eq!(theirs.will_delay_interval_sec, delay);
                prop_assert_eq!(users(&theirs.user_properties), our_users(will.properties));
            }
        } else {
            let theirs = match theirs(v3::Codec::default(), &out).0 {
                v3::Packet::Connect(theirs) => theirs,
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(theirs.protocol.level(), version as u8);
            prop_assert_eq!(theirs.clean_session, clean_start);
            prop_assert_eq!(theirs.keep_alive, keep_alive);
            prop_assert_eq!(theirs.client_id.as_bytes(), connect.client_id);
            prop_assert_eq!(theirs.username.as_ref().map(|t| &t.as_bytes()[..]), connect.username);
            prop_assert_eq!(theirs.password.as_deref(), connect.password);
            prop_assert_eq!(theirs.last_will.is_some(), will.is_some());
            if let (Some(theirs), Some(will)) = (theirs.last_will, will) {
                prop_assert_eq!(theirs.topic.as_bytes(), will.topic);
                prop_assert_eq!(&theirs.message[..], will.payload);
                prop_assert_eq!(u8::from(theirs.qos), will.qos as u8);
                prop_assert_eq!(theirs.retain, will.retain);
            }
        }
    }

    #[test]
    fn subscribe(
        version in version(),
        id in packet_id(),
        filters in prop::collection::vec((topic(), qos(), any::<bool>(), any::<bool>(), 0..3u8), 1..5),
        properties in properties(Context::Subscribe),
    ) {
        let v5 = version == Version::V5;
        let filters: Vec<_> = filters
            .iter()
            .map(|(filter, qos, no_local, retain_as_published, retain_handling)| Filter {
                filter: filter.as_bytes(),
                qos: *qos,
                no_local: *no_local,
                retain_as_published: *retain_as_published,
                retain_handling: *retain_handling,
            })
            .collect();
        let mut out = BytesMut::new();
        let properties = properties.as_ref();
        encode_subscribe(version, id.get(), &filters, properties, &mut out).unwrap();
        if v5 {
            same_again!(v5_0::Subscribe, &out);
            let theirs = match theirs(v5::Codec::default(), &out).0 {
                v5::Packet::Subscribe(theirs) => theirs,
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(theirs.packet_id, id);
            let number = properties.number(PropertyId::SubscriptionIdentifier);
            prop_assert_eq!(nonzero(theirs.id), number);
            prop_assert_eq!(users(&theirs.user_properties), our_users(properties));
            prop_assert_eq!(theirs.topic_filters.len(), filters.len());
            for ((filter, options), ours) in theirs.topic_filters.iter().zip(&filters) {
                prop_assert_eq!(filter.as_bytes(), ours.filter);
                prop_assert_eq!(u8::from(options.qos), ours.qos as u8);
                prop_assert_eq!(options.no_local, ours.no_local);
                prop_assert_eq!(options.retain_as_published, ours.retain_as_published);
                prop_assert_eq!(options.retain_handling as u8, ours.retain_handling);
            }
        } else {
            same_again!(v3_1_1::Subscribe, &out);
            match theirs(v3::Codec::default(), &out).0 {
                v3::Packet::Subscribe { packet_id, topic_filters } => {
                    prop_assert_eq!(packet_id, id);
                    prop_assert_eq!(topic_filters.len(), filters.len());
                    for ((filter, qos), ours) in topic_filters.iter().zip(&filters) {
                        prop_assert_eq!(filter.as_bytes(), ours.filter);
                        prop_assert_eq!(u8::from(*qos), ours.qos as u8);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn unsubscribe(
        version in version(),
        id in packet_id(),
        filters in prop::collection::vec(topic(), 1..5),
        properties in properties(Context::Unsubscribe),
    ) {
        let filters: Vec<_> = filters.iter().map(String::as_bytes).collect();
        let mut out = BytesMut::new();
        let properties = properties.as_ref();
        encode_unsubscribe(version, id.get(), &filters, properties, &mut out).unwrap();
        let (packet_id, topic_filters) = if version == Version::V5 {
            same_again!(v5_0::Unsubscribe, &out);
            match theirs(v5::Codec::default(), &out).0 {
                v5::Packet::Unsubscribe(theirs) => {
                    prop_assert_eq!(users(&theirs.user_properties), our_users(properties));
                    (theirs.packet_id, theirs.topic_filters)
                }
                other => panic!("{other:?}"),
            }
        } else {
            same_again!(v3_1_1::Unsubscribe, &out);
            match theirs(v3::Codec::default(), &out).0 {
                v3::Packet::Unsubscribe { packet_id, topic_filters } => (packet_id, topic_filters),
                other => panic!("{other:?}"),
            }
        };
        prop_assert_eq!(packet_id, id);
        let topic_filters: Vec<_> = topic_filters.iter().map(|f| &f.as_bytes()[..]).collect();
        prop_assert_eq!(topic_filters, filters);
    }

    #[test]
    fn acknowledgements(id in packet_id(), failed in any::<bool>()) {
        for version in [Version::V311, Version::V5] {
            let v5 = version == Version::V5;
            let encoded = |kind, reason| {
                let mut out = BytesMut::new();
                let reason = if failed { reason } else { reason::SUCCESS };
                encode_ack(kind, version, id.get(), reason, &mut out);
                out
            };
            let puback = encoded(AckKind::PubAck, reason::QUOTA_EXCEEDED);
            let pubrec = encoded(AckKind::PubRec, reason::NOT_AUTHORIZED);
            let pubrel = encoded(AckKind::PubRel, reason::PACKET_IDENTIFIER_NOT_FOUND);
            let pubcomp = encoded(AckKind::PubComp, reason::PACKET_IDENTIFIER_NOT_FOUND);
            if v5 {
                same_again!(v5_0::Puback, &puback);
                same_again!(v5_0::Pubrec, &pubrec);
                same_again!(v5_0::Pubrel, &pubrel);
                same_again!(v5_0::Pubcomp, &pubcomp);
            } else {
                same_again!(v3_1_1::Puback, &puback);
                same_again!(v3_1_1::Pubrec, &pubrec);
                same_again!(v3_1_1::Pubrel, &pubrel);
                same_again!(v3_1_1::Pubcomp, &pubcomp);
            }
        }
    }

    #[test]
    fn disconnect(properties in properties(Context::Disconnect), code in prop_oneof![Just(0), Just(4), Just(0x82)]) {
        let properties = properties.as_ref();
        let mut out = BytesMut::new();
        encode_disconnect(Version::V5, code, properties, &mut out).unwrap();
        same_again!(v5_0::Disconnect, &out);
        let theirs = match theirs(v5::Codec::default(), &out).0 {
            v5::Packet::Disconnect(theirs) => theirs,
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(theirs.reason_code as u8, code);
        let expiry = properties.number(PropertyId::SessionExpiryInterval);
        prop_assert_eq!(theirs.session_expiry_interval_secs, expiry);
        prop_assert_eq!(users(&theirs.user_properties), our_users(properties));
    }

    #[test]
    fn auth(mut properties in properties(Context::Auth), data in binary(), method in text()) {
        if properties.as_ref().bytes(PropertyId::AuthenticationMethod).is_none() {
            push(&mut properties, PropertyId::AuthenticationMethod, &Owned::Bytes(method.into_bytes()));
        }
        push(&mut properties, PropertyId::AuthenticationData, &Owned::Bytes(data.clone()));
        let mut out = BytesMut::new();
        encode_auth(reason::CONTINUE_AUTHENTICATION, properties.as_ref(), &mut out).unwrap();
        same_again!(v5_0::Auth, &out);
        let theirs = match theirs(v5::Codec::default(), &out).0 {
            v5::Packet::Auth(theirs) => theirs,
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(theirs.reason_code as u8, reason::CONTINUE_AUTHENTICATION);
        prop_assert_eq!(theirs.auth_data.as_deref(), Some(&data[..]));
        let method = properties.as_ref().bytes(PropertyId::AuthenticationMethod);
        prop_assert_eq!(theirs.auth_method.as_ref().map(|t| &t.as_bytes()[..]), method);
        prop_assert_eq!(users(&theirs.user_properties), our_users(properties.as_ref()));
    }
}

#[test]
fn packets_without_fields() {
    let mut ping = BytesMut::new();
    encode_pingreq(&mut ping);
    same_again!(v3_1_1::Pingreq, &ping);
    same_again!(v5_0::Pingreq, &ping);
    let mut disconnect = BytesMut::new();
    encode_disconnect(Version::V311, 0, PropertiesRef::EMPTY, &mut disconnect).unwrap();
    same_again!(v3_1_1::Disconnect, &disconnect);
}
