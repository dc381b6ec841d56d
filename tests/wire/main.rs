//! What the library does on the wire: one test for each normative statement about clients, of MQTT 3.1.1 and of 5.0.
//!
//! `CLAUSES.md` says which test shows which statement. The tests call the APIs as a program does ([`driver`]) and play the
//! server's part themselves ([`broker`]); what the client sends is read by a decoder that shares nothing with the
//! library's ([`decode`]).

mod arrival;
mod broker;
mod clauses;
mod common;
mod decode;
mod driver;
mod for_paho;
mod limits;
mod malformed;
mod mistakes;
mod packet;
mod server;
mod v31;
mod v311;
mod v5;
