//! The codec against two other implementations, on random packets.
//!
//! What we send, `mqtt-protocol-core` must read and write again byte for byte, and `rmqtt-codec` must read as what
//! was meant. What `rmqtt-codec` writes as a server, we must read as what was meant.

mod received;
mod sent;

use std::num::NonZeroU16;

use bytes::BytesMut;
use paho_oxide::protocol::decode::{Packet, decode, frame};
use paho_oxide::protocol::property::{
    Context, Properties, PropertiesRef, Property, PropertyId, PropertyType, Value,
};
use paho_oxide::protocol::{QoS, Version};
use proptest::prelude::*;
use proptest::sample::subsequence;
use tokio_util::codec::{Decoder, Encoder};

/// Failures are shrunk and printed with the packet; nothing is written into the source tree.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A short string: the empty one, spaces and characters of every length in UTF-8 among them.
fn text() -> impl Strategy<Value = String> {
    "[a-z0-9 /äß€𝄞]{0,12}"
}

fn topic() -> impl Strategy<Value = String> {
    // Long enough at times for a Remaining Length of two bytes.
    prop_oneof![9 => "[a-z0-9/ä€𝄞$]{1,12}", 1 => "[a-z/]{100,200}"]
}

fn binary() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..12)
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        9 => prop::collection::vec(any::<u8>(), 0..40),
        1 => prop::collection::vec(any::<u8>(), 16_300..16_500),
    ]
}

fn qos() -> impl Strategy<Value = QoS> {
    prop_oneof![
        Just(QoS::AtMostOnce),
        Just(QoS::AtLeastOnce),
        Just(QoS::ExactlyOnce)
    ]
}

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::V31), Just(Version::V311), Just(Version::V5)]
}

fn packet_id() -> impl Strategy<Value = NonZeroU16> {
    (1..=u16::MAX).prop_map(|id| NonZeroU16::new(id).unwrap())
}

/// One property's value, owned.
#[derive(Clone, Debug)]
enum Owned {
    Number(u32),
    Bytes(Vec<u8>),
    Pair(String, String),
}

fn value(id: PropertyId) -> BoxedStrategy<Owned> {
    match (id.ty(), id) {
        (PropertyType::Byte, _) => (0..=1u32).prop_map(Owned::Number).boxed(),
        (PropertyType::Two, _) => (1..=65_535u32).prop_map(Owned::Number).boxed(),
        // A Maximum Packet Size of 0 is an error; rmqtt-codec takes a Message Expiry Interval of 0 for one too.
        (PropertyType::Four, _) => (1..=u32::MAX).prop_map(Owned::Number).boxed(),
        (PropertyType::Var, _) => (1..=268_435_455u32).prop_map(Owned::Number).boxed(),
        (PropertyType::Binary, _) => binary().prop_map(Owned::Bytes).boxed(),
        (PropertyType::Utf8, PropertyId::ResponseTopic) => {
            topic().prop_map(|t| Owned::Bytes(t.into_bytes())).boxed()
        }
        (PropertyType::Utf8, _) => text().prop_map(|t| Owned::Bytes(t.into_bytes())).boxed(),
        (PropertyType::Pair, _) => (text(), text())
            .prop_map(|(name, value)| Owned::Pair(name, value))
            .boxed(),
    }
}

/// Some of what a client may send in that packet, in any order, with user properties in between.
fn properties(context: Context) -> impl Strategy<Value = Properties> {
    let ids: Vec<_> = PropertyId::ALL
        .iter()
        .copied()
        .filter(|&id| id.allowed_in(context) && id != PropertyId::AuthenticationData)
        .filter(|&id| id != PropertyId::SubscriptionIdentifier || context != Context::Publish)
        .chain([PropertyId::UserProperty; 2])
        .collect();
    let count = ids.len();
    subsequence(ids, 0..=count)
        .prop_shuffle()
        .prop_flat_map(|ids| {
            ids.into_iter()
                .map(|id| value(id).prop_map(move |value| (id, value)))
                .collect::<Vec<_>>()
        })
        .prop_map(|list| {
            let mut properties = Properties::new();
            for (id, value) in &list {
                push(&mut properties, *id, value);
            }
            properties
        })
}

fn push(properties: &mut Properties, id: PropertyId, value: &Owned) {
    let value = match (id.ty(), value) {
        (PropertyType::Byte, Owned::Number(n)) => Value::Byte((*n).try_into().unwrap()),
        (PropertyType::Two, Owned::Number(n)) => Value::Two((*n).try_into().unwrap()),
        (PropertyType::Four, Owned::Number(n)) => Value::Four(*n),
        (PropertyType::Var, Owned::Number(n)) => Value::Var(*n),
        (PropertyType::Binary, Owned::Bytes(bytes)) => Value::Binary(bytes),
        (PropertyType::Utf8, Owned::Bytes(bytes)) => Value::Utf8(bytes),
        (_, Owned::Pair(name, value)) => Value::Pair(name.as_bytes(), value.as_bytes()),
        other => unreachable!("{other:?}"),
    };
    properties.push(Property { id, value }).unwrap();
}

/// User properties as rmqtt-codec has them.
fn users<T>(list: &[(T, T)]) -> Vec<(&[u8], &[u8])>
where
    T: AsRef<[u8]>,
{
    list.iter()
        .map(|(name, value)| (name.as_ref(), value.as_ref()))
        .collect()
}

/// User properties as we have them.
fn our_users(properties: PropertiesRef<'_>) -> Vec<(&[u8], &[u8])> {
    properties
        .iter()
        .filter_map(|p| match p.value {
            Value::Pair(name, value) => Some((name, value)),
            _ => None,
        })
        .collect()
}

/// Decodes one packet with another implementation's codec.
fn theirs<C: Decoder>(mut codec: C, bytes: &[u8]) -> C::Item
where
    C::Error: std::fmt::Debug,
{
    let mut bytes = BytesMut::from(bytes);
    let packet = codec.decode(&mut bytes).unwrap().unwrap();
    assert!(bytes.is_empty());
    packet
}

/// Encodes one packet with another implementation's codec.
fn written<C: Encoder<T>, T>(mut codec: C, packet: T) -> BytesMut
where
    C::Error: std::fmt::Debug,
{
    let mut out = BytesMut::new();
    codec.encode(packet, &mut out).unwrap();
    out
}

/// Frames and decodes one packet with our codec.
fn ours(version: Version, bytes: &[u8]) -> Packet<'_> {
    let frame = frame(bytes, u32::MAX).unwrap().unwrap();
    assert_eq!(frame.total_len, bytes.len());
    decode(version, frame.first, &bytes[frame.header_len..]).unwrap()
}

/// Where the body of an encoded packet starts.
fn body(bytes: &[u8]) -> &[u8] {
    let length_len = bytes[1..].iter().take_while(|&&b| b & 0x80 != 0).count() + 1;
    &bytes[1 + length_len..]
}
