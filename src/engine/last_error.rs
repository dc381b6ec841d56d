//! What has gone wrong last, for a program that asks: Paho's callbacks and return codes have room for little of it.

use crate::protocol::reason;
use crate::transport::{ConnectError, Stage};

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

/// What can be said of an error in numbers, beside its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// As in [`LastError`], here and below.
    pub stage: Option<Stage>,
    pub os_error: Option<i32>,
    pub tls_error: Option<u64>,
    pub reason: u8,
}

impl Numbers {
    /// Nothing can be said.
    pub const NONE: Self = Self {
        stage: None,
        os_error: None,
        tls_error: None,
        reason: 0,
    };

    /// Those of a mistake that a call finds, which an attempt to connect would have met: they are the attempt's.
    pub fn of_unusable(error: &ConnectError) -> Self {
        Self {
            stage: Some(error.stage),
            os_error: error.os_error,
            tls_error: openssl_number(&error.details),
            reason: 0,
        }
    }
}

impl LastError {
    /// Returns its numbers.
    pub fn numbers(&self) -> Numbers {
        Numbers {
            stage: self.stage,
            os_error: self.os_error,
            tls_error: self.tls_error,
            reason: self.reason,
        }
    }

    /// Returns the same error with these numbers.
    #[must_use]
    pub fn with(self, numbers: Numbers) -> Self {
        Self {
            stage: numbers.stage,
            os_error: numbers.os_error,
            tls_error: numbers.tls_error,
            reason: numbers.reason,
            ..self
        }
    }

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
    kept: Option<Box<Kept>>,
}

#[derive(Debug)]
struct Kept {
    number: u64,
    last: LastError,
    /// Why there is no connection; none while there is one, and after the program's own disconnect.
    apart: Option<LastError>,
}

impl Errors {
    /// Something has gone wrong.
    pub fn note(&mut self, error: LastError) {
        let parts = matches!(
            error.trouble,
            Trouble::Connect | Trouble::Lost(_) | Trouble::Disconnected
        );
        let before = self.kept.take().map(|kept| *kept);
        let (number, apart) = before.map_or((0, None), |kept| (kept.number, kept.apart));
        self.kept = Some(Box::new(Kept {
            number: number + 1,
            apart: if parts { Some(error.clone()) } else { apart },
            last: error,
        }));
    }

    /// A call was refused with that code. Where it was because there is no connection, the error goes on with why there is
    /// none: the refusal itself says little, and hides what was the last error before.
    pub fn note_call(&mut self, code: i32, unconnected: bool, text: String, numbers: Numbers) {
        let apart = self.kept.as_ref().and_then(|kept| kept.apart.as_ref());
        let error = match apart {
            Some(apart) if unconnected => LastError {
                trouble: Trouble::Call(code),
                text: format!("{text}: {}", apart.text),
                ..apart.clone()
            },
            _ => LastError::new(Trouble::Call(code), text).with(numbers),
        };
        self.note(error);
    }

    /// There is a connection: what parted an earlier one is of the past.
    pub fn connected(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.apart = None;
        }
    }

    /// Returns the last error with its number, which counts from 1.
    pub fn last(&self) -> Option<(u64, LastError)> {
        let kept = self.kept.as_deref()?;
        Some((kept.number, kept.last.clone()))
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

    #[test]
    fn a_call_without_a_connection_says_why_there_is_none() {
        let last = |errors: &Errors| errors.last().expect("an error").1;
        let mut errors = Errors::default();
        errors.note_call(-3, true, "not connected".into(), Numbers::NONE);
        assert_eq!(last(&errors).text, "not connected");
        errors.note(LastError {
            os_error: Some(111),
            ..LastError::new(Trouble::Connect, "refused")
        });
        // Others come between, and it comes more than once.
        errors.note_call(-9, false, "qos".into(), Numbers::NONE);
        for _ in 0..2 {
            errors.note_call(-3, true, "not connected".into(), Numbers::NONE);
            let error = last(&errors);
            assert_eq!(
                (error.trouble, error.os_error),
                (Trouble::Call(-3), Some(111))
            );
            assert_eq!(error.text, "not connected: refused");
        }
        errors.connected();
        errors.note_call(-3, true, "not connected".into(), Numbers::NONE);
        assert_eq!(
            last(&errors),
            LastError::new(Trouble::Call(-3), "not connected")
        );
    }
}
