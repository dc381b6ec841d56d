//! What the program wants to be told of a call that it made.

use crate::ffi::read::Context;
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::async_types::*;
use crate::protocol::QoS;

/// What an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Connect,
    Disconnect,
    Publish(QoS),
    Subscribe { filters: usize },
    Unsubscribe,
}

/// What the program wants to be told of an operation.
#[derive(Clone, Copy)]
pub struct Op {
    pub kind: Kind,
    pub context: Context,
    pub on_success: MQTTAsync_onSuccess,
    pub on_failure: MQTTAsync_onFailure,
    pub on_success5: MQTTAsync_onSuccess5,
    pub on_failure5: MQTTAsync_onFailure5,
    /// The program has been given a token.
    pub has_token: bool,
}

impl Op {
    /// Makes an operation that nobody asks about.
    pub fn silent(kind: Kind) -> Self {
        Self {
            kind,
            context: Context::default(),
            on_success: None,
            on_failure: None,
            on_success5: None,
            on_failure5: None,
            has_token: false,
        }
    }

    /// Makes the operation of what an earlier client left in the store: deliveryComplete is all that can be asked for. What has
    /// no acknowledgement ends without a word, as it has no token and no callbacks.
    pub fn stored() -> Self {
        Self::silent(Kind::Publish(QoS::AtLeastOnce))
    }

    /// Returns true if deliveryComplete is called for its end: a publish that is acknowledged.
    pub fn is_delivered(&self) -> bool {
        matches!(
            self.kind,
            Kind::Publish(QoS::AtLeastOnce | QoS::ExactlyOnce)
        )
    }

    /// Returns true if there are callbacks of either kind.
    pub fn has_callbacks(&self) -> bool {
        self.on_success.is_some() || self.on_failure.is_some() || self.has_callbacks5()
    }

    /// Returns true if there are callbacks of the MQTT 5 kind.
    pub fn has_callbacks5(&self) -> bool {
        self.on_success5.is_some() || self.on_failure5.is_some()
    }
}
