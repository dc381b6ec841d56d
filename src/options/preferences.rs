//! What a program sets for a client by name, once, beside what it says with each connect.

use std::borrow::Cow;
use std::time::Duration;

use super::{ConnectOptions, NetworkOptions, ReconnectOptions, TlsVersion};

/// Pauses of the automatic reconnect where only the preference asks for it: those of `MQTTAsync_connectOptions`.
const RECONNECT: ReconnectOptions = ReconnectOptions {
    min: Duration::from_secs(1),
    max: Duration::from_secs(60),
};

/// Who acknowledges messages of `QoS` 1 and 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ManualAcks {
    /// The engine, when the program's queue has them.
    #[default]
    Off,
    /// The program; acknowledgements leave in the order of the messages.
    Ordered,
    /// The program; they leave as it gives them.
    Unordered,
}

/// The preferences. The default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Who acknowledges, on connections that begin from now on.
    pub manual_acks: ManualAcks,
    /// Subscriptions are made again on a connection without their session.
    pub resubscribe: bool,
    /// So many topics are given aliases, within the server's limit.
    pub outbound_topic_aliases: u16,
    /// Messages come with their topics whatever aliases the server uses, on connections that begin from now on.
    pub resolve_topic_aliases: bool,
    /// Publishes that wait hold no more bytes.
    pub max_buffered_bytes: Option<usize>,
    /// Whether there is an automatic reconnect; otherwise the connect says so.
    pub reconnect: Option<bool>,
    /// Its shortest pause; otherwise the connect's.
    pub reconnect_min: Option<Duration>,
    /// Its longest pause; otherwise the connect's.
    pub reconnect_max: Option<Duration>,
    /// The oldest TLS version to accept; otherwise the connect's.
    pub tls_min_version: Option<TlsVersion>,
    /// The newest TLS version to offer; otherwise the connect's.
    pub tls_max_version: Option<TlsVersion>,
    /// What the socket is set to.
    pub network: NetworkOptions,
}

impl Preferences {
    /// Returns how the automatic reconnect works after a connect that has asked for this one.
    #[must_use]
    pub fn reconnect(&self, asked: Option<ReconnectOptions>) -> Option<ReconnectOptions> {
        if !self.reconnect.unwrap_or(asked.is_some()) {
            return None;
        }
        let usual = asked.unwrap_or(RECONNECT);
        let min = self.reconnect_min.unwrap_or(usual.min);
        let max = self.reconnect_max.unwrap_or(usual.max).max(min);
        Some(ReconnectOptions { min, max })
    }

    /// Returns a connect's options with what these say of the network and of TLS.
    #[must_use]
    pub fn applied<'a>(&self, options: &'a ConnectOptions) -> Cow<'a, ConnectOptions> {
        let tls = self.tls_min_version.is_some() || self.tls_max_version.is_some();
        let network = self.network != NetworkOptions::default();
        if !tls && !network {
            return Cow::Borrowed(options);
        }
        let mut options = options.clone();
        if network {
            options.network = Some(Box::new(self.network.clone()));
        }
        if let Some(tls) = &mut options.tls {
            tls.min_version = self.tls_min_version.or(tls.min_version);
            tls.max_version = self.tls_max_version.or(tls.max_version);
        }
        Cow::Owned(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn the_reconnect_is_as_the_connect_has_it_but_for_what_is_set() {
        let asked = ReconnectOptions { min: S, max: 4 * S };
        let unset = Preferences::default();
        assert_eq!(unset.reconnect(None), None);
        assert_eq!(unset.reconnect(Some(asked)), Some(asked));
        let off = Preferences {
            reconnect: Some(false),
            ..unset.clone()
        };
        assert_eq!(off.reconnect(Some(asked)), None);
        let on = Preferences {
            reconnect: Some(true),
            ..unset.clone()
        };
        assert_eq!(on.reconnect(None), Some(RECONNECT));
        let slower = Preferences {
            reconnect_min: Some(9 * S),
            ..unset
        };
        let expected = ReconnectOptions {
            min: 9 * S,
            max: 9 * S,
        };
        assert_eq!(slower.reconnect(None), None);
        assert_eq!(slower.reconnect(Some(asked)), Some(expected));
    }
}
