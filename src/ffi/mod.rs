//! The C boundary: every `unsafe` of the crate, every C quirk, and nothing else.
#![allow(unsafe_code)] // the one place that dereferences what C hands us
pub mod types;
