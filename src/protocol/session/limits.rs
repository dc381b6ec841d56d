//! What the two ends of a connection allow.

use super::Begin;
use crate::protocol::error::Malformed;
use crate::protocol::packet::{ConnAck, Publish};
use crate::protocol::property::PropertyId;
use crate::protocol::{QoS, Version, reason};

/// What the two ends allow on this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Publishes in flight that the program allows.
    pub max_inflight: u32,
    /// Publishes in flight that the server allows ([MQTT-3.3.4-7]).
    pub server_receive_maximum: u32,
    /// Largest packet that the server takes ([MQTT-3.2.2-15]).
    pub server_maximum_packet_size: u32,
    /// Highest `QoS` that the server takes ([MQTT-3.2.2-11]).
    pub maximum_qos: QoS,
    /// The server takes retained messages ([MQTT-3.2.2-14]).
    pub retain_available: bool,
    /// Highest topic alias that the server takes ([MQTT-3.2.2-17]).
    pub server_topic_alias_maximum: u16,
    /// `QoS` 1 and 2 publishes that we take unacknowledged.
    pub receive_maximum: u16,
    /// Largest packet that we take ([MQTT-3.1.2-24]).
    pub maximum_packet_size: u32,
    /// Highest topic alias that we take ([MQTT-3.1.2-26]).
    pub topic_alias_maximum: u16,
    /// We take a Reason String and User Properties with any packet ([MQTT-3.1.2-29]).
    pub problem_information: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_inflight: u16::MAX.into(),
            server_receive_maximum: u16::MAX.into(),
            server_maximum_packet_size: u32::MAX,
            maximum_qos: QoS::ExactlyOnce,
            retain_available: true,
            server_topic_alias_maximum: 0,
            receive_maximum: u16::MAX,
            maximum_packet_size: u32::MAX,
            topic_alias_maximum: 0,
            problem_information: true,
        }
    }
}

impl Limits {
    /// Returns how many publishes may be in flight.
    pub(super) fn quota(&self) -> u32 {
        self.max_inflight.min(self.server_receive_maximum)
    }
}

/// Limits of a connection, from the properties of CONNECT and CONNACK; absent ones have the specification's defaults.
pub(super) fn limits(begin: &Begin<'_>, connack: &ConnAck<'_>) -> Limits {
    let ours = |id| begin.properties.number(id);
    let theirs = |id| connack.properties.number(id);
    let two = |value: Option<u32>, default: u16| {
        value.map_or(default, |value| u16::try_from(value).unwrap_or(u16::MAX))
    };
    Limits {
        max_inflight: begin.max_inflight,
        server_receive_maximum: theirs(PropertyId::ReceiveMaximum).unwrap_or(u16::MAX.into()),
        server_maximum_packet_size: theirs(PropertyId::MaximumPacketSize).unwrap_or(u32::MAX),
        maximum_qos: match theirs(PropertyId::MaximumQoS) {
            Some(0) => QoS::AtMostOnce,
            Some(1) => QoS::AtLeastOnce,
            _ => QoS::ExactlyOnce,
        },
        retain_available: theirs(PropertyId::RetainAvailable) != Some(0),
        server_topic_alias_maximum: two(theirs(PropertyId::TopicAliasMaximum), 0),
        receive_maximum: two(ours(PropertyId::ReceiveMaximum), u16::MAX),
        maximum_packet_size: ours(PropertyId::MaximumPacketSize).unwrap_or(u32::MAX),
        topic_alias_maximum: two(ours(PropertyId::TopicAliasMaximum), 0),
        problem_information: ours(PropertyId::RequestProblemInformation) != Some(0),
    }
}

pub(super) const TOO_LARGE: Malformed = Malformed {
    reason: reason::PACKET_TOO_LARGE,
    what: "packet: larger than the server's Maximum Packet Size",
};

/// Refuses to send what the server said it does not take ([MQTT-3.2.2-11], [MQTT-3.2.2-14], [MQTT-3.2.2-15], [MQTT-3.2.2-17],
/// [MQTT-3.2.2-18]).
pub(super) fn check_allowed(
    version: Version,
    limits: &Limits,
    publish: &Publish<'_>,
) -> Result<(), Malformed> {
    if version < Version::V5 {
        return Ok(());
    }
    if publish.qos as u8 > limits.maximum_qos as u8 {
        return Err(Malformed {
            reason: reason::QOS_NOT_SUPPORTED,
            what: "QoS: higher than the server's Maximum QoS",
        });
    }
    if publish.retain && !limits.retain_available {
        return Err(Malformed {
            reason: reason::RETAIN_NOT_SUPPORTED,
            what: "retain: the server takes no retained messages",
        });
    }
    if let Some(alias) = publish.properties.number(PropertyId::TopicAlias) {
        if alias > limits.server_topic_alias_maximum.into() {
            return Err(Malformed {
                reason: reason::TOPIC_ALIAS_INVALID,
                what: "topic alias: above the server's maximum",
            });
        }
    }
    if publish.encoded_len(version)? > limits.server_maximum_packet_size as usize {
        return Err(TOO_LARGE);
    }
    Ok(())
}
