//! Nothing lost: stores, offline buffering, reconnects, cuts, kills.
//!
//! The library runs in a process of its own, a [`puppet`] that does what a test tells it, so that it can be killed, replaced by
//! the original library, or started again on the store it left. The server's part is played by the tests themselves
//! ([`broker`], shared with the wire-level tests) or by a mosquitto.

#[path = "../wire/broker.rs"]
#[allow(
    dead_code,
    reason = "shared with the wire-level tests, which use more of it"
)]
mod broker;
#[path = "../common/mod.rs"]
mod common;
#[path = "../wire/decode.rs"]
mod decode;
#[path = "../wire/packet.rs"]
#[allow(
    dead_code,
    reason = "shared with the wire-level tests, which use more of it"
)]
mod packet;
#[path = "../wire/server.rs"]
#[allow(
    dead_code,
    reason = "shared with the wire-level tests, which use more of it"
)]
mod server;

mod crash;
mod cut;
mod exchange;
mod faults;
mod kills;
mod offline;
mod order;
mod proxy;
mod puppet;
mod reconnect;
