//! What went wrong while connecting, and at which step.

use std::fmt;

/// The step of a connect that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The host name gave no address.
    Resolve,
    /// No address, or not the Unix socket, could be reached.
    Tcp,
    /// The HTTP proxy did not open the tunnel.
    Proxy,
    /// The SOCKS proxy did not open the tunnel.
    Socks,
    /// TLS settings, handshake or verification.
    Tls,
    /// The WebSocket upgrade.
    WebSocket,
    /// Time ran out; the message says during what.
    Deadline,
    /// The scheme needs TLS, which this build does not have.
    NotSupported,
    /// The scheme needs TLS options, which the program did not give.
    NoTlsOptions,
    /// The program gave the attempt up.
    Abandoned,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Resolve => "name resolution",
            Stage::Tcp => "TCP connect",
            Stage::Proxy => "HTTP proxy",
            Stage::Socks => "SOCKS proxy",
            Stage::Tls => "TLS",
            Stage::WebSocket => "WebSocket upgrade",
            Stage::Deadline => "connect timeout",
            Stage::NotSupported => "not supported",
            Stage::NoTlsOptions => "missing TLS options",
            Stage::Abandoned => "abandoned",
        })
    }
}

/// A connect that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct ConnectError {
    /// Where.
    pub stage: Stage,
    /// Why, in words for the user: the system's, OpenSSL's or the HTTP peer's reason.
    pub message: String,
    /// The system's error number.
    pub os_error: Option<i32>,
    /// OpenSSL's account of it, line by line, where TLS is what failed.
    pub details: Vec<String>,
}

impl ConnectError {
    /// Returns stage and message. One that says itself what it is about is not said twice.
    fn text(&self) -> String {
        if self.stage == Stage::Deadline {
            self.message.clone()
        } else {
            format!("{}: {}", self.stage, self.message)
        }
    }

    pub(crate) fn new(stage: Stage, message: impl fmt::Display) -> Self {
        Self {
            stage,
            message: message.to_string(),
            os_error: None,
            details: Vec::new(),
        }
    }

    pub(super) fn with_os_error(self, os_error: Option<i32>) -> Self {
        Self { os_error, ..self }
    }

    pub(super) fn with_details(self, details: Vec<String>) -> Self {
        Self { details, ..self }
    }
}
