use super::*;

const CONTEXTS: [Context; 14] = [
    Context::Connect,
    Context::Will,
    Context::ConnAck,
    Context::Publish,
    Context::PubAck,
    Context::PubRec,
    Context::PubRel,
    Context::PubComp,
    Context::Subscribe,
    Context::SubAck,
    Context::Unsubscribe,
    Context::UnsubAck,
    Context::Disconnect,
    Context::Auth,
];

fn number(id: PropertyId, n: u32) -> Property<'static> {
    let value = match id.ty() {
        PropertyType::Byte => Value::Byte(n.try_into().unwrap()),
        PropertyType::Two => Value::Two(n.try_into().unwrap()),
        PropertyType::Four => Value::Four(n),
        PropertyType::Var => Value::Var(n),
        _ => panic!("{id:?} is no number"),
    };
    Property { id, value }
}

/// Some valid value of each identifier.
fn sample(id: PropertyId) -> Property<'static> {
    match id.ty() {
        PropertyType::Binary => Property {
            id,
            value: Value::Binary(b"\0\xFF"),
        },
        PropertyType::Utf8 => Property {
            id,
            value: Value::Utf8("ä".as_bytes()),
        },
        PropertyType::Pair => Property {
            id,
            value: Value::Pair(b"name", b"value"),
        },
        _ => number(id, 1),
    }
}

fn list(properties: &[Property<'_>]) -> Properties {
    let mut list = Properties::new();
    for &property in properties {
        list.push(property).unwrap();
    }
    list
}

/// Wire bytes of properties that [`Properties::push`] would refuse.
fn raw(id: PropertyId, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![id as u8];
    bytes.extend_from_slice(value);
    bytes
}

fn reason_of<T: std::fmt::Debug>(result: Result<T, Malformed>) -> u8 {
    result.unwrap_err().reason
}

/// Table 2-4, written out a second time: identifier, type, packets (`C`ONNECT, `W`ill, CONN`A`CK, `P`UBLISH,
/// ac`k`s of PUBLISH, `S`UBSCRIBE, `s`UBACK, `U`NSUBSCRIBE, `u`NSUBACK, `D`ISCONNECT, A`U`TH as `X`).
#[test]
fn the_table_of_the_specification() {
    use PropertyType::{Binary, Byte, Four, Pair, Two, Utf8, Var};
    let table = [
        (0x01, Byte, "PW"),
        (0x02, Four, "PW"),
        (0x03, Utf8, "PW"),
        (0x08, Utf8, "PW"),
        (0x09, Binary, "PW"),
        (0x0B, Var, "PS"),
        (0x11, Four, "CAD"),
        (0x12, Utf8, "A"),
        (0x13, Two, "A"),
        (0x15, Utf8, "CAX"),
        (0x16, Binary, "CAX"),
        (0x17, Byte, "C"),
        (0x18, Four, "W"),
        (0x19, Byte, "C"),
        (0x1A, Utf8, "A"),
        (0x1C, Utf8, "AD"),
        (0x1F, Utf8, "AksuDX"),
        (0x21, Two, "CA"),
        (0x22, Two, "CA"),
        (0x23, Two, "P"),
        (0x24, Byte, "A"),
        (0x25, Byte, "A"),
        (0x26, Pair, "CWAPkSsUuDX"),
        (0x27, Four, "CA"),
        (0x28, Byte, "A"),
        (0x29, Byte, "A"),
        (0x2A, Byte, "A"),
    ];
    assert_eq!(PropertyId::ALL.len(), table.len());
    for (id, ty, packets) in table {
        let property = PropertyId::from_u8(id).unwrap();
        assert_eq!(property as u8, id);
        assert_eq!(property.ty(), ty, "{property:?}");
        for (context, letter) in CONTEXTS.into_iter().zip("CWAPkkkkSsUuDX".chars()) {
            assert_eq!(
                property.allowed_in(context),
                packets.contains(letter),
                "{property:?} in {context:?}"
            );
        }
    }
    let known = (0..=u8::MAX).filter(|&id| PropertyId::from_u8(id).is_some());
    assert_eq!(known.count(), 27);
}

/// Section 2.2.2.2: an identifier that is not for the packet, or unknown, makes it malformed.
#[test]
fn each_property_in_each_packet() {
    for &id in PropertyId::ALL {
        for context in CONTEXTS {
            let one = list(&[sample(id)]);
            let parsed = PropertiesRef::parse(one.as_ref().as_bytes(), context);
            if !id.allowed_in(context) {
                assert_eq!(reason_of(parsed), reason::MALFORMED_PACKET);
                assert_eq!(
                    reason_of(one.as_ref().validate_for(context)),
                    reason::MALFORMED_PACKET
                );
            } else if id == PropertyId::AuthenticationData {
                assert_eq!(reason_of(parsed), reason::PROTOCOL_ERROR);
            } else if id != PropertyId::SessionExpiryInterval || context != Context::Disconnect {
                assert_eq!(parsed, Ok(one.as_ref()), "{id:?} in {context:?}");
            }
        }
    }
    for unknown in [0x00, 0x04, 0x2B, 0x7F, 0x80, 0xFF] {
        let bytes = [unknown, 0];
        let parsed = PropertiesRef::parse(&bytes, Context::Publish);
        assert_eq!(reason_of(parsed), reason::MALFORMED_PACKET);
    }
}

/// [MQTT-3.3.4-6], [MQTT-3.14.2-2]: who may send it.
#[test]
fn properties_of_one_direction() {
    let id = list(&[number(PropertyId::SubscriptionIdentifier, 7)]);
    assert!(PropertiesRef::parse(id.as_ref().as_bytes(), Context::Publish).is_ok());
    assert_eq!(
        reason_of(id.as_ref().validate_for(Context::Publish)),
        reason::PROTOCOL_ERROR
    );
    assert_eq!(id.as_ref().validate_for(Context::Subscribe), Ok(()));

    let expiry = list(&[number(PropertyId::SessionExpiryInterval, 7)]);
    assert_eq!(expiry.as_ref().validate_for(Context::Disconnect), Ok(()));
    assert_eq!(
        reason_of(PropertiesRef::parse(
            expiry.as_ref().as_bytes(),
            Context::Disconnect
        )),
        reason::PROTOCOL_ERROR
    );
}

/// Sections 3.1.2.11 to 3.15.2.2: "It is a Protocol Error to include it more than once".
#[test]
fn only_user_properties_and_subscription_identifiers_repeat() {
    for &id in PropertyId::ALL {
        for context in CONTEXTS.into_iter().filter(|&c| id.allowed_in(c)) {
            let mut both = list(&[sample(id), sample(id)]);
            if id == PropertyId::AuthenticationData {
                both.push(sample(PropertyId::AuthenticationMethod)).unwrap();
            }
            let parsed = PropertiesRef::parse(both.as_ref().as_bytes(), context);
            let sent = both.as_ref().validate_for(context);
            let received = matches!(
                (id, context),
                (PropertyId::UserProperty, _)
                    | (PropertyId::SubscriptionIdentifier, Context::Publish)
            );
            assert_eq!(parsed.is_ok(), received, "{id:?} in {context:?}");
            assert_eq!(sent.is_ok(), id == PropertyId::UserProperty);
            if let Err(error) = parsed {
                assert_eq!(error.reason, reason::PROTOCOL_ERROR);
            }
        }
    }
}

/// Values outside of the range that the property's section gives.
#[test]
fn values_out_of_range() {
    use PropertyId as Id;
    for id in [
        Id::PayloadFormatIndicator,
        Id::RequestProblemInformation,
        Id::RequestResponseInformation,
        Id::MaximumQoS,
        Id::RetainAvailable,
        Id::WildcardSubscriptionAvailable,
        Id::SubscriptionIdentifierAvailable,
        Id::SharedSubscriptionAvailable,
    ] {
        for n in [2, 255] {
            assert_eq!(
                reason_of(Properties::new().push(number(id, n))),
                reason::PROTOCOL_ERROR
            );
        }
        assert_eq!(Properties::new().push(number(id, 0)), Ok(()));
    }
    for (id, context) in [
        (Id::ReceiveMaximum, Context::ConnAck),
        (Id::MaximumPacketSize, Context::ConnAck),
        (Id::SubscriptionIdentifier, Context::Publish),
        (Id::TopicAlias, Context::Publish),
    ] {
        // [MQTT-3.3.2-8] has its own reason.
        let expected = match id {
            Id::TopicAlias => reason::TOPIC_ALIAS_INVALID,
            _ => reason::PROTOCOL_ERROR,
        };
        assert_eq!(reason_of(Properties::new().push(number(id, 0))), expected);
        let zero: &[u8] = match id.ty() {
            PropertyType::Two => &[0, 0],
            PropertyType::Four => &[0, 0, 0, 0],
            _ => &[0],
        };
        let bytes = raw(id, zero);
        assert_eq!(reason_of(PropertiesRef::parse(&bytes, context)), expected);
    }
    for id in [
        Id::TopicAliasMaximum,
        Id::ServerKeepAlive,
        Id::SessionExpiryInterval,
    ] {
        assert_eq!(Properties::new().push(number(id, 0)), Ok(()));
    }
    assert_eq!(
        reason_of(Properties::new().push(number(Id::SubscriptionIdentifier, 268_435_456))),
        reason::MALFORMED_PACKET
    );
    // [MQTT-3.3.2-14]
    for topic in [&b"a/+"[..], b"#"] {
        let property = Property {
            id: Id::ResponseTopic,
            value: Value::Utf8(topic),
        };
        assert_eq!(
            reason_of(Properties::new().push(property)),
            reason::PROTOCOL_ERROR
        );
    }
}

/// [MQTT-1.5.4-1], [MQTT-1.5.4-2], [MQTT-1.5.7-1]: both strings of a pair too.
#[test]
fn strings_must_be_utf8_without_nul() {
    for bad in [&b"\xFF"[..], b"a\0"] {
        for value in [Value::Pair(bad, b"v"), Value::Pair(b"n", bad)] {
            let property = Property {
                id: PropertyId::UserProperty,
                value,
            };
            assert_eq!(
                reason_of(Properties::new().push(property)),
                reason::MALFORMED_PACKET
            );
        }
        let [high, low] = u16::try_from(bad.len()).unwrap().to_be_bytes();
        let bytes = [&[0x1F, high, low], bad].concat();
        assert_eq!(
            reason_of(PropertiesRef::parse(&bytes, Context::PubAck)),
            reason::MALFORMED_PACKET
        );
    }
}

#[test]
fn a_value_must_have_the_type_of_its_property() {
    for value in [Value::Two(1), Value::Utf8(b"1"), Value::Binary(b"1")] {
        let property = Property {
            id: PropertyId::PayloadFormatIndicator,
            value,
        };
        let mut list = Properties::new();
        assert_eq!(reason_of(list.push(property)), reason::MALFORMED_PACKET);
        assert!(list.as_ref().is_empty());
    }
}

#[test]
fn a_string_longer_than_its_length_field_is_refused() {
    let long = vec![b'a'; 65_536];
    for (id, value) in [
        (PropertyId::UserProperty, Value::Pair(&long, b"")),
        (PropertyId::UserProperty, Value::Pair(b"", &long)),
        (PropertyId::ContentType, Value::Utf8(&long)),
        (PropertyId::CorrelationData, Value::Binary(&long)),
    ] {
        let mut list = Properties::new();
        assert!(list.push(Property { id, value }).is_err());
        assert!(list.as_ref().is_empty(), "{id:?}");
    }
}

/// Section 3.1.2.11.10
#[test]
fn authentication_data_needs_a_method() {
    let data = sample(PropertyId::AuthenticationData);
    let method = sample(PropertyId::AuthenticationMethod);
    for context in [Context::Connect, Context::ConnAck, Context::Auth] {
        assert_eq!(
            reason_of(list(&[data]).as_ref().validate_for(context)),
            reason::PROTOCOL_ERROR
        );
        assert_eq!(list(&[data, method]).as_ref().validate_for(context), Ok(()));
    }
}

#[test]
fn every_property_comes_back_as_it_went_in_and_in_order() {
    let all: Vec<_> = PropertyId::ALL.iter().rev().map(|&id| sample(id)).collect();
    let list = list(&all);
    assert_eq!(list.as_ref().iter().collect::<Vec<_>>(), all);
    assert_eq!(Properties::from(list.as_ref()), list);
    for &id in PropertyId::ALL {
        let properties = list.as_ref();
        match id.ty() {
            PropertyType::Utf8 => assert_eq!(properties.bytes(id), Some("ä".as_bytes())),
            PropertyType::Binary => assert_eq!(properties.bytes(id), Some(&b"\0\xFF"[..])),
            PropertyType::Pair => assert_eq!(properties.number(id), None),
            _ => assert_eq!(properties.number(id), Some(1), "{id:?}"),
        }
        assert_eq!(PropertiesRef::EMPTY.number(id), None);
        assert_eq!(PropertiesRef::EMPTY.bytes(id), None);
    }
}

#[test]
fn numbers_gives_every_occurrence() {
    let ids = [1, 128, 268_435_455];
    let list = list(&ids.map(|n| number(PropertyId::SubscriptionIdentifier, n)));
    let numbers = list.as_ref().numbers(PropertyId::SubscriptionIdentifier);
    assert_eq!(numbers.collect::<Vec<_>>(), ids);
}

#[test]
fn a_property_cut_anywhere_is_malformed() {
    for &id in PropertyId::ALL {
        let context = CONTEXTS.into_iter().find(|&c| id.allowed_in(c)).unwrap();
        let list = list(&[sample(id)]);
        let bytes = list.as_ref().as_bytes();
        for cut in 1..bytes.len() {
            assert_eq!(
                reason_of(PropertiesRef::parse(&bytes[..cut], context)),
                reason::MALFORMED_PACKET
            );
        }
    }
}

#[test]
fn a_packet_has_so_many_properties_and_no_more() {
    // User Property with an empty name and an empty value.
    let mut bytes = [38, 0, 0, 0, 0].repeat(MAX_PROPERTIES as usize);
    let list = PropertiesRef::parse(&bytes, Context::Publish);
    assert!(list.is_ok_and(|list| list.validate_for(Context::Publish).is_ok()));
    bytes.extend([38, 0, 0, 0, 0]);
    assert_eq!(
        reason_of(PropertiesRef::parse(&bytes, Context::Publish)),
        reason::QUOTA_EXCEEDED
    );
}
