//! A connected (or connecting, or reconnecting) MQTT client: the engine under both C APIs.
pub mod options;
