//! The functions that C programs call: each with its contract, which the headers show, around the safe code of the other rooms.

pub mod for_paho;
pub mod mqtt_async;
pub mod mqtt_client;
pub mod mqtt_client_messages;
pub mod paho_oxide;
pub mod paho_oxide_messages;
pub mod properties;
#[cfg(test)]
mod properties_tests;
pub(in crate::ffi) mod properties_wire;
mod property_wire;
mod threads;
pub(in crate::ffi) mod version;
