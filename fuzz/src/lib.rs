//! What the fuzz targets do with their input. `tests/fuzzed.rs` of the library runs the same with random input, so that a
//! stable compiler tests it too.
pub mod decode;
pub mod events;
pub mod exports;
pub mod for_paho;
pub mod properties;
pub mod record;
pub mod session;
pub mod uri;
pub mod user_store;
