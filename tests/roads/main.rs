//! Every road to a broker through the C API: real servers, bad ones, names that take their time, large messages.
//!
//! The C programs are in `tests/c/roads`: one for each API, which connects as each line of its input says and prints how that went.
#![cfg(feature = "tls")]

#[path = "../transport_common/broker.rs"]
mod broker;
#[path = "../transport_common/certs.rs"]
mod certs;
#[path = "../common/mod.rs"]
mod common;
#[path = "../transport_common/tinyproxy.rs"]
mod tinyproxy;
#[path = "../transport_common/mod.rs"]
mod transport_common;

mod bad;
mod large;
mod matrix;
mod peers;
mod travel;
