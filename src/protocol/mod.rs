//! MQTT 3.1, 3.1.1 and 5.0 without I/O: no socket, no clock, no thread, no `unsafe`.
pub mod property;

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
