//! Every C type of the public headers, under the name C knows it by.
//!
//! One file a header (what two headers share is in [`shared_types`]), because the header generator reads these very files:
//! their doc comments are the C programmer's manual.

pub mod async_types;
pub mod client_types;
pub mod for_paho_types;
pub mod oxide_types;
pub mod persistence_types;
pub mod property_types;
pub mod reason_codes;
pub mod shared_types;
pub mod subscribe_types;

pub use async_types::*;
pub use client_types::*;
pub use persistence_types::*;
pub use property_types::*;
pub use reason_codes::*;
pub use shared_types::*;
pub use subscribe_types::*;
