//! What has gone wrong last, for a program that asks: Paho's callbacks and return codes have room for little of it.

use crate::protocol::reason;
use crate::transport::Stage;

use super::host::{ConnectFailure, Loss, LossCause};

/// What was going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// An attempt to connect failed.
    Connect,
    /// The connection was lost.
    Lost(LossCause),
    /// The server said DISCONNECT.
    Disconnected,
    /// The server did not grant a subscription again.
    Subscription,
    /// A call was refused, with that code.
    Call(i32),
}

/// What has gone wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastError {
    /// What was going on.
    pub trouble: Trouble,
    /// The step of a connect that failed; none once the server was there to talk MQTT with.
    pub stage: Option<Stage>,
    /// The system's error number.
    pub os_error: Option<i32>,
    /// OpenSSL's error number.
    pub tls_error: Option<u64>,
    /// The server's return or reason code, or the one that fits.
    pub reason: u8,
    /// In words.
    pub text: String,
}

impl LastError {
    /// An error of which there is no more to say.
    pub fn new(trouble: Trouble, text: impl Into<String>) -> Self {
        Self {
            trouble,
            stage: None,
            os_error: None,
            tls_error: None,
            reason: 0,
            text: text.into(),
        }
    }

    /// An attempt to connect has failed.
    pub(super) fn of_connect(failure: &ConnectFailure) -> Self {
        Self {
            stage: failure.stage,
            os_error: failure.os_error,
            tls_error: openssl_number(&failure.details),
            reason: failure.refused.unwrap_or(0),
            ..Self::new(Trouble::Connect, &*failure.message)
        }
    }

    /// A connection was lost. `details` is OpenSSL's account of it.
    pub(super) fn of_loss(loss: &Loss, details: &[String]) -> Self {
        Self {
            os_error: loss.os_error,
            tls_error: openssl_number(details),
            reason: loss.reason,
            ..Self::new(Trouble::Lost(loss.cause), &*loss.text)
        }
    }

    /// The server has said DISCONNECT.
    pub(super) fn of_disconnect(code: u8) -> Self {
        let name = reason::name(code).unwrap_or("unknown reason");
        Self {
            reason: code,
            ..Self::new(
                Trouble::Disconnected,
                format!("the server said DISCONNECT: {name} ({code})"),
            )
        }
    }

    /// The server has not granted a subscription that was made again.
    pub(super) fn of_subscription(filter: &[u8], code: u8) -> Self {
        let filter = String::from_utf8_lossy(filter);
        Self {
            reason: code,
            ..Self::new(
                Trouble::Subscription,
                format!("the subscription to {filter} was not granted again ({code})"),
            )
        }
    }
}

/// Returns the first error's number in OpenSSL's account, of lines that begin with `error:`, the number in hexadecimal digits,
/// and a colon. It is the one nearest to the cause: OpenSSL's functions pass an error on by adding another one.
fn openssl_number(lines: &[String]) -> Option<u64> {
    lines.iter().find_map(|line| {
        let (number, _) = line.strip_prefix("error:")?.split_once(':')?;
        u64::from_str_radix(number, 16).ok()
    })
}

/// A client's last error, and how many it has had.
#[derive(Debug, Default)]
pub(super) struct Errors {
    /// Boxed: most clients have none.
    last: Option<Box<(u64, LastError)>>,
}

impl Errors {
    /// Something has gone wrong.
    pub fn note(&mut self, error: LastError) {
        let number = self.last.as_ref().map_or(0, |last| last.0);
        self.last = Some(Box::new((number + 1, error)));
    }

    /// Returns the last error with its number, which counts from 1.
    pub fn last(&self) -> Option<(u64, LastError)> {
        self.last.as_deref().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_the_first_that_openssl_gives() {
        let lines = [
            "handshake".to_owned(),
            "error:0A000086:SSL routines:tls_post_process_server_certificate".to_owned(),
            "error:0A000001:x:y".to_owned(),
        ];
        assert_eq!(openssl_number(&lines), Some(0x0A00_0086));
        assert_eq!(openssl_number(&lines[..1]), None);
    }

    #[test]
    fn errors_are_counted() {
        let mut errors = Errors::default();
        assert_eq!(errors.last(), None);
        errors.note(LastError::new(Trouble::Connect, "a"));
        errors.note(LastError::new(Trouble::Call(-4), "b"));
        let (number, last) = errors.last().expect("an error");
        assert_eq!((number, &*last.text), (2, "b"));
    }
}
