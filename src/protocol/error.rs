//! The one error of the codec.

/// A packet that breaks the specification, received or asked to be sent.
///
/// Carries what a MQTT 5 DISCONNECT would say about it, so that the session can tell the server why it leaves
/// ([MQTT-4.13.1-1]); on 3.x the connection is just closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} (reason code 0x{reason:02X})")]
pub struct Malformed {
    /// One of [`crate::protocol::reason`].
    pub reason: u8,
    /// What is wrong, for the trace.
    pub what: &'static str,
}

impl Malformed {
    pub(crate) const fn new(reason: u8, what: &'static str) -> Self {
        Self { reason, what }
    }
}
