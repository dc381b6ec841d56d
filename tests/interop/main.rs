//! Programs compiled against the original library, by the distribution and with its headers, run on ours: Paho C's samples, and the C++
//! library `libpaho-mqttpp3`. Each is its own control: it also runs on the original.

#[path = "../common/mod.rs"]
mod common;

mod cpp;
mod programs;
mod pubsub;
mod samples;
