//! How a client's connections begin and end. [`state`] is the one state; the other files change it.

mod attach;
mod clear;
pub mod connack;
pub mod connect;
mod destroy;
mod disconnect;
#[cfg(not(any(test, fuzzing)))]
mod exchange;
#[cfg(any(test, fuzzing))]
pub mod exchange;
mod reconnect;
pub mod state;

#[cfg(test)]
mod tests;
