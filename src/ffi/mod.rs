//! The C boundary: every `unsafe` of the crate, every C quirk, and nothing else.
#![allow(unsafe_code)] // the one place that dereferences what C hands us

pub mod async_types;
pub mod client_types;
mod layout;
pub mod persistence_types;
pub mod property_types;
pub mod reason_codes;
pub mod shared_types;
pub mod subscribe_types;
pub mod types;
