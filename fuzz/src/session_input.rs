//! What the session's fuzzer makes of its bytes: what the program has chosen, and what happens, step by step.

use arbitrary::Arbitrary;
use paho_oxide::protocol::session::{Acknowledge, HandOver, Options, Policy};

/// What the program has chosen.
#[derive(Arbitrary, Clone, Copy, Debug, Default)]
pub struct Setup {
    /// MQTT 5 rather than 3.1.1.
    pub v5: bool,
    acknowledge: u8,
    policy: u8,
    /// What is sent again is sent a few at a time.
    pub(super) paced: bool,
    ids_at_acceptance: bool,
    keep_requests: bool,
    resolve: bool,
    aliases: bool,
    resubscribe: bool,
}

impl Setup {
    /// Returns who acknowledges, and when.
    pub(super) fn acknowledge(self) -> Acknowledge {
        let by_program = |ordered, exactly_once| Acknowledge::ByProgram {
            ordered,
            exactly_once,
        };
        match self.acknowledge % 8 {
            0 => by_program(true, HandOver::Publish),
            1 => by_program(true, HandOver::Release),
            2 => by_program(false, HandOver::Publish),
            3 => by_program(false, HandOver::Release),
            _ => Acknowledge::OnArrival,
        }
    }

    /// Returns the session's options.
    pub(super) fn options(self) -> Options {
        Options {
            policy: match self.policy % 8 {
                0 => Some(Policy::KeepAndResend),
                1 => Some(Policy::Keep),
                2 => Some(Policy::FollowServer),
                3 => Some(Policy::Clear),
                _ => None,
            },
            max_resume_inflight: self.paced.then_some(2),
            ids_at_acceptance: self.ids_at_acceptance,
            keep_requests: self.keep_requests,
            resolve_topic_aliases: self.resolve,
            outbound_topic_aliases: if self.aliases { 3 } else { 0 },
            resubscribe: self.resubscribe,
        }
    }
}

/// One step.
#[derive(Arbitrary, Clone, Debug)]
pub enum Step {
    /// The program publishes.
    Publish {
        qos: u8,
        size: u8,
        queue: bool,
        expiry: Option<u8>,
    },
    /// The program subscribes.
    Subscribe { filters: u8 },
    /// The program unsubscribes.
    Unsubscribe { filters: u8 },
    /// The server publishes, or publishes again what it has not had an answer for.
    ServerPublish { qos: u8, id: u8, alias: u8 },
    /// The program acknowledges one of the messages that it has, or one that it had.
    ProgramAck { which: u8, reason: u8 },
    /// The program takes one of its messages back.
    Cancel { which: u8 },
    /// The program authenticates anew, or answers.
    Authenticate { begin: bool },
    /// The server authenticates.
    ServerAuth { success: bool },
    /// The server releases a QoS 2 message.
    ServerRelease { id: u8 },
    /// The server acknowledges what it got, of this kind and identifier, whether that fits or not.
    ServerAck { kind: u8, id: u8, error: bool },
    /// The server answers a subscription.
    ServerSubAck { id: u8, codes: u8, unsub: bool },
    /// The server sends anything.
    ServerBytes(Vec<u8>),
    /// Time passes.
    Tick(u8),
    /// The network is gone.
    Lose,
    /// A connection is made.
    Begin {
        clean: bool,
        present: bool,
        receive_maximum: u8,
        max_inflight: u8,
    },
    /// The buffer was full.
    DropOldest,
    /// The store refuses from now on, or works again.
    StoreFails(bool),
}
