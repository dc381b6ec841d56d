//! MQTT 5.0, by its clause numbers.

mod auth;
mod connack;
mod connect;
mod control;
mod delivery;
mod flow;
mod properties;
mod publish;
mod session;
mod subscribe;
mod topics;

use crate::driver::AsyncClient;

/// A publish that must not be sent was refused at once, or fails before it is sent.
fn not_sent(client: &AsyncClient, result: Result<i32, i32>) {
    if let Ok(token) = result {
        client.failed(token);
    }
}
