//! What `paho_oxide.h` has for programs on the Paho APIs: each option by its effect on the wire or on the socket, in both APIs.

mod acks;
mod aliases;
mod buffer;
mod errors;
mod kills;
mod misuse;
mod network;
mod reconnect;
mod routes;
mod statistics;
mod subscriptions;

/// `MQTTOxide_E_...`.
mod code {
    pub const HANDLE: i32 = -1;
    pub const NULL: i32 = -2;
    pub const SIZE: i32 = -3;
    pub const ARGUMENT: i32 = -4;
    pub const STATE: i32 = -5;
    pub const TOO_SMALL: i32 = -11;
    pub const NOT_FOUND: i32 = -13;
    pub const NOT_SUPPORTED: i32 = -14;
}

/// `MQTTOxide_ERROR_...`.
mod kind {
    pub const NONE: u32 = 0;
    pub const CONNECT: u32 = 1;
    pub const LOST: u32 = 2;
    pub const DISCONNECTED: u32 = 3;
    pub const SUBSCRIPTION: u32 = 4;
    pub const CALL: u32 = 5;
}
