//! What a program may choose about its session. The default is what the original does.

/// What becomes of the session's state when a connection begins, whatever CONNECT asked the server for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// What is in flight is sent again: as a resend to a server that has the session, as new messages to one that has not.
    KeepAndResend,
    /// What is in flight is sent again as a resend, DUP set, even if the server has no session: CONNECT may have asked for a
    /// clean one.
    Keep,
    /// What is in flight fails if the server has no session.
    FollowServer,
    /// What is in flight fails.
    Clear,
}

/// A session's options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What becomes of the state when a connection begins; without one [`Begin::clean`](super::Begin::clean) decides between
    /// [`Policy::Clear`] and [`Policy::KeepAndResend`].
    pub policy: Option<Policy>,
    /// While what was in flight is sent again, no more than so many of these publishes are unacknowledged at a time.
    pub max_resume_inflight: Option<u32>,
    /// A publish that has to wait gets its packet identifier when it is accepted, and is refused if none is free.
    pub ids_at_acceptance: bool,
    /// A SUBSCRIBE or UNSUBSCRIBE without answer is sent again on the next connection; otherwise it fails with its own.
    pub keep_requests: bool,
    /// Received messages come with their topics, whatever aliases the server uses.
    pub resolve_topic_aliases: bool,
    /// Topics are given aliases within the server's limit, no more than so many.
    pub outbound_topic_aliases: u16,
    /// Subscriptions that the server has granted are made again when it has no session, lost or cleared.
    pub resubscribe: bool,
}
