//! From a record to a packet: of this client's version, whoever wrote the record.

use std::time::Duration;

use bytes::BytesMut;

use crate::persistence::record::command::QueuedCommand;
use crate::protocol::Version;
use crate::protocol::packet::{Filter, Publish, encode_subscribe, encode_unsubscribe};
use crate::protocol::property::{Context, PropertiesRef, PropertyId};
use crate::protocol::session::{Stored, for_version, is_sendable};

/// Returns the version whose format a client's packets have.
pub(super) fn version(v5: bool) -> Version {
    if v5 { Version::V5 } else { Version::V311 }
}

/// Returns true if an encoded PUBLISH is of `QoS` 1.
pub(super) fn is_qos1(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first >> 1 & 3 == 1)
}

/// Returns true if it matters how long the command has waited.
pub(super) fn expires(command: &QueuedCommand<'_>) -> bool {
    let QueuedCommand::Publish { properties, .. } = command else {
        return false;
    };
    PropertiesRef::parse(properties, Context::Publish)
        .is_ok_and(|list| list.number(PropertyId::MessageExpiryInterval).is_some())
}

/// Returns a command as it goes over the wire; a property list that a MQTT 5 client left is dropped below MQTT 5.
pub(super) fn stored(v5: bool, command: &QueuedCommand<'_>, waited: Duration) -> Option<Stored> {
    let version = version(v5);
    let list = |properties| {
        let list = PropertiesRef::parse(properties, Context::Subscribe).ok()?;
        Some(if v5 { list } else { PropertiesRef::EMPTY })
    };
    let mut packet = BytesMut::new();
    let filters = match command {
        QueuedCommand::Publish {
            topic,
            payload,
            qos,
            retained,
            properties,
            ..
        } => {
            let properties = if v5 { *properties } else { &[] };
            let packet = encode(v5, topic, payload, *qos, *retained, properties)?;
            return Some(Stored::Publish { packet, waited });
        }
        QueuedCommand::Subscribe {
            topics, properties, ..
        } => {
            let filters: Option<Vec<Filter<'_>>> = topics
                .iter()
                .map(|topic| {
                    Some(Filter {
                        filter: topic.filter,
                        qos: mqttbytes::qos(topic.qos).ok()?,
                        no_local: topic.options.no_local,
                        retain_as_published: topic.options.retain_as_published,
                        retain_handling: topic.options.retain_handling,
                    })
                })
                .collect();
            encode_subscribe(version, ANY_ID, &filters?, list(properties)?, &mut packet).ok()?;
            topics.len()
        }
        QueuedCommand::Unsubscribe {
            topics, properties, ..
        } => {
            encode_unsubscribe(version, ANY_ID, topics, list(properties)?, &mut packet).ok()?;
            topics.len()
        }
    };
    Some(Stored::Request {
        packet: packet.into(),
        filters,
    })
}

/// In the place of the packet identifier that a request is given when it is sent.
const ANY_ID: u16 = 1;

fn encode(
    v5: bool,
    topic: &[u8],
    payload: &[u8],
    qos: u8,
    retain: bool,
    properties: &[u8],
) -> Option<Vec<u8>> {
    let mut packet = BytesMut::new();
    Publish {
        dup: false,
        qos: mqttbytes::qos(qos).ok()?,
        retain,
        topic,
        packet_id: 0,
        properties: PropertiesRef::parse(properties, Context::Publish).ok()?,
        payload,
    }
    .encode(version(v5), &mut packet)
    .ok()?;
    Some(packet.into())
}

/// Makes a PUBLISH that can be sent again of one stored under that packet identifier. A property list is dropped below MQTT 5, and an
/// empty one added to an older client's.
pub(super) fn sent(v5: bool, stored_by_v5: bool, id: u16, record: Vec<u8>) -> Option<Vec<u8>> {
    let written = version(stored_by_v5);
    if !is_sendable(written, id, &record) {
        return None;
    }
    if v5 == stored_by_v5 {
        return Some(record);
    }
    for_version(&record, written, version(v5)).map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persistence::record::command::{SubscribeOptions, Subscription};
    use crate::protocol::packet::{requested, unsubscribed};

    /// A request that either version left is one of this client's version, with the filters that it had.
    #[test]
    fn a_request_becomes_a_packet_of_this_version() {
        let subscribe = QueuedCommand::Subscribe {
            token: 1,
            topics: [&b"a"[..], b"b"]
                .map(|filter| Subscription {
                    filter,
                    qos: 1,
                    options: SubscribeOptions::default(),
                })
                .into(),
            properties: &[],
        };
        let unsubscribe = QueuedCommand::Unsubscribe {
            token: 1,
            topics: vec![b"a", b"b"],
            properties: &[],
        };
        for v5 in [false, true] {
            let version = version(v5);
            let Some(Stored::Request { packet, filters }) = stored(v5, &subscribe, Duration::ZERO)
            else {
                panic!("a request");
            };
            assert_eq!((packet[0], filters), (0x82, 2));
            let asked: Vec<_> = requested(version, &packet).into_iter().flatten().collect();
            assert_eq!(asked, [(&b"a"[..], 1), (b"b", 1)]);
            let Some(Stored::Request { packet, filters }) =
                stored(v5, &unsubscribe, Duration::ZERO)
            else {
                panic!("a request");
            };
            assert_eq!((packet[0], filters), (0xa2, 2));
            let ended: Vec<_> = unsubscribed(version, &packet)
                .into_iter()
                .flatten()
                .collect();
            assert_eq!(ended, [b"a", b"b"]);
        }
    }

    /// Only a message that may expire has waited for a time that matters.
    #[test]
    fn only_what_may_expire_has_its_time_counted() {
        let publish = |properties| QueuedCommand::Publish {
            token: 1,
            topic: b"t",
            payload: b"",
            qos: 1,
            retained: false,
            properties,
        };
        assert!(expires(&publish(&[2, 0, 0, 0, 9])));
        assert!(!expires(&publish(&[])) && !expires(&publish(&[1, 1])));
        let request = QueuedCommand::Unsubscribe {
            token: 1,
            topics: vec![b"a"],
            properties: &[],
        };
        assert!(!expires(&request));
    }
}
