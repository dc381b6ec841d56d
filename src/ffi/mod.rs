//! The C boundary: every `unsafe` of the crate, every C quirk, and nothing else.
#![allow(unsafe_code)] // the one place that dereferences what C hands us

mod entry;
mod layout;
pub mod memory;
pub mod mqtt_async;
pub mod mqtt_client;
mod placeholder;
pub mod properties;
mod properties_wire;
mod strerror;
mod threads;
mod version;

use placeholder::{async_api, client_api};

pub mod async_types;
pub mod client_types;
pub mod persistence_types;
pub mod property_types;
pub mod reason_codes;
pub mod shared_types;
pub mod subscribe_types;
pub mod types;
