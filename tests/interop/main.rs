//! Programs compiled against the original library, by the distribution and with its headers, run on ours: Paho C's samples, and the C++
//! library `libpaho-mqttpp3`. Each is its own control: it also runs on the original.

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "tls")]
#[path = "../transport_common/broker.rs"]
mod broker;
#[cfg(feature = "tls")]
#[path = "../transport_common/certs.rs"]
mod certs;
#[cfg(feature = "tls")]
#[path = "../transport_common/tinyproxy.rs"]
mod tinyproxy;
#[cfg(feature = "tls")]
#[path = "../transport_common/mod.rs"]
mod transport_common;

mod cpp;
mod janus;
mod programs;
mod pubsub;
#[cfg(feature = "tls")]
mod roads;
mod samples;
