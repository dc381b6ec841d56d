//! How operations end.

use bytes::Bytes;

use super::Token;
use crate::protocol::property::Properties;

/// The end of an operation.
#[derive(Debug)]
pub struct Completion<O> {
    /// Which one.
    pub token: Token,
    /// What the program attached.
    pub op: O,
    /// The encoded PUBLISH, where [`Sink::wants_packet`](super::Sink::wants_packet) asked for it.
    pub packet: Option<Bytes>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A publish was written (`QoS` 0) or acknowledged.
    Published {
        /// MQTT 5 reason code, below 0x80.
        reason: u8,
        /// Properties of the last acknowledgement.
        properties: Properties,
    },
    /// SUBACK, whatever its codes say.
    Subscribed {
        /// One a filter.
        codes: Vec<u8>,
        /// Properties of the SUBACK.
        properties: Properties,
    },
    /// UNSUBACK.
    Unsubscribed {
        /// One a filter; none on 3.x.
        codes: Vec<u8>,
        /// Properties of the UNSUBACK.
        properties: Properties,
    },
    /// It failed.
    Failed(Failure),
}

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What ended it.
    pub cause: Cause,
    /// MQTT 5 reason code of an acknowledgement, else 0.
    pub reason: u8,
    /// Properties of that acknowledgement.
    pub properties: Properties,
    /// Type of the packet that ended it, 0 for none.
    pub packet_type: u8,
}

/// Why an operation was ended without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The server said no: see the reason code.
    Refused,
    /// The connection ended, or the session was cleared, before it completed.
    Incomplete,
    /// Its message expiry interval passed while it waited.
    Expired,
    /// It was dropped from a full buffer to make room.
    Dropped,
    /// The program took it back before it was sent.
    Cancelled,
    /// It could not be stored.
    NotStored,
    /// The server does not allow such a message: see the reason code.
    NotAllowed,
}

impl Outcome {
    /// Makes the outcome of a publish without acknowledgement that was written.
    pub fn written() -> Self {
        Outcome::Published {
            reason: 0,
            properties: Properties::new(),
        }
    }
}

impl Failure {
    /// Makes a failure without an acknowledgement behind it.
    pub fn of(cause: Cause) -> Self {
        Self {
            cause,
            reason: 0,
            properties: Properties::new(),
            packet_type: 0,
        }
    }
}
