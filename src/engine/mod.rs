//! A connected (or connecting, or reconnecting) MQTT client: the engine under both C APIs.
//!
//! [`Client`] joins a sans-IO [`Session`](crate::protocol::session::Session), a connection to the server and a queue of
//! events for the program, under one mutex a client. The mutex is held for changes of state only: never across a callback,
//! a read, a write, a look-up or an await.
//!
//! | room | job |
//! |---|---|
//! | `api` | what the C boundary may call; `wait` waits inside such a call |
//! | `core` | the client, its mutex, and `settle`, which joins the parts before the mutex is given back |
//! | `connection` | reader, writer, pace: who reads and writes, as state machines; closing of connections |
//! | `lifecycle` | connecting, reconnecting, disconnecting, destroying: one state, and what makes it change |
//! | `delivery` | the queue of events, and who runs the program's functions |
//! | `transfer` | the threads' side of reading and writing: the only file that does I/O on a connection in use |
//! | `preferences`, `last_error` | what a program of the Paho APIs sets and asks beside what these know |
//! | `outputs`, `records` | where a session's outputs go; its records in the store |

mod api;
mod connection;
mod core;
mod delivery;
mod drive;
mod driving;
mod host;
mod last_error;
mod lifecycle;
mod nonblocking;
mod outputs;
mod preferences;
mod records;
mod runtime;
mod tally;
mod transfer;
mod unwritten;
mod wait;

pub use api::Subscription;
pub(crate) use connection::closing::watch_for_exit;
pub use core::{Client, Error, Setup};
pub use delivery::queue::{Count, Driver, Untaken};
pub use driving::Work;
pub use host::{
    ConnectEnd, ConnectFailure, ConnectResult, Connected, Event, Handled, Host, Loss, LossCause,
};
pub use last_error::{LastError, Numbers, Trouble};
#[cfg(fuzzing)]
pub use lifecycle::exchange::fuzz as fuzz_connack;
pub use nonblocking::{Many, Published, Terms};
pub use tally::Counters;
pub use wait::Answer;

#[cfg(test)]
mod tests;
