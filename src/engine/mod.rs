//! A connected (or connecting, or reconnecting) MQTT client: the engine under both C APIs.
//!
//! [`Client`] joins a sans-IO [`Session`](crate::protocol::session::Session), a [`Link`](crate::transport::Link) to the server and a queue of events for the program, under one mutex
//! a client. The mutex is held for state changes only: never across a callback, a read, a write, a look-up or an await.
//! Three roles are each taken by one thread at a time, and none of them needs the mutex while it works:
//!
//! - *flushing* ([`flush`]): writing the outbound stream to the socket;
//! - *reading* ([`receive`]): reading the socket and feeding the session;
//! - *dispatching* ([`dispatch`]): running the program's callbacks, in order.
//!
//! In a synchronous client (`MQTTClient` without callbacks) the thread that waits inside an API call takes the reading
//! role itself ([`wait`]); everywhere else the [`reactor`]'s threads do.

mod callout;
mod commands;
mod connect;
mod dispatch;
mod end;
mod flush;
mod host;
mod linger;
mod receive;
mod reconnect;
mod records;
mod runtime;
mod sink;
mod state;
mod wait;

pub use commands::Subscription;
pub use connect::{ConnectFailure, Connected};
pub use host::{ConnectResult, Event, Handled, Host};
pub(crate) use linger::watch_for_exit;
pub use state::{Client, Error, Setup};
pub use wait::Slot;
