//! MQTT 3.1, 3.1.1 and 5.0 without I/O: no socket, no clock, no thread, no `unsafe`.
//!
//! | module | job |
//! |---|---|
//! | [`wire`] | integers, strings and topics as they stand on the wire |
//! | [`property`] | MQTT 5 properties, kept as their validated bytes |
//! | [`packet`] | one file a packet family: its type, its encoder, its decoder |
//! | [`decode`] | from a byte stream to frames to packets |
//! | [`handshake`] | CONNECT, AUTH, CONNACK |
//! | [`topic`] | which topics a filter matches |
//! | [`session`] | what follows |
//! | [`reason`], [`error`] | reason codes, and the one error of the codec |
pub mod decode;
pub mod error;
#[cfg(test)]
mod golden;
pub mod handshake;
pub mod inflight;
pub mod keepalive;
pub mod outbound;
pub mod packet;
pub mod property;
pub mod reason;
pub mod session;
pub mod topic;
pub mod wire;

pub use mqttbytes::QoS;

/// Protocol version, by its protocol level on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Version {
    /// MQTT 3.1 (`MQIsdp`).
    V31 = 3,
    /// MQTT 3.1.1.
    V311 = 4,
    /// MQTT 5.0.
    V5 = 5,
}
