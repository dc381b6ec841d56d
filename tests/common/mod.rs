//! What several integration tests need: a private broker, the C compiler, and the place where `make` puts the libraries.
//!
//! Nothing here skips: a missing tool fails the test and names the package that has it.

// Each test file includes this module and uses a part of it.
#![allow(dead_code)]

pub mod cc;
pub mod mosquitto;
pub mod output;
pub mod process;

use std::path::PathBuf;

/// The repository's root, where `include/`, `tests/` and `build/` are.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
