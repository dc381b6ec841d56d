//! Every C type of the public headers, under the name C knows it by.
//!
//! One file a header (what two headers share is in [`shared_types`](super::shared_types)), because the header
//! generator reads these very files: their doc comments are the C programmer's manual.

pub use super::async_types::*;
pub use super::client_types::*;
pub use super::persistence_types::*;
pub use super::property_types::*;
pub use super::reason_codes::*;
pub use super::shared_types::*;
pub use super::subscribe_types::*;
