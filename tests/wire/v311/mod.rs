//! MQTT 3.1.1, by its clause numbers.

mod connect;
mod delivery;
mod publish;
mod session;
mod subscribe;
mod topics;
