//! The event API against a server by hand: acknowledgements, session policies, streams, queues, stores, and what a kill leaves.
//!
//! The tests call the Rust names of `paho_oxide.h` (module `events`), which are the same without pointers. What careless C
//! programs may pass is in `tests/c/hostile/oxide.c`.

#[path = "../common/mod.rs"]
mod common;

mod acks;
mod addresses;
mod attempts;
mod kills;
mod many;
mod policies;
mod queues;
mod room;
mod server;
mod stores;
mod streams;
mod threads;
mod told;
mod values;
