//! The options by their names.

use std::time::Duration;

use super::{PahoClient, Refused};
use crate::ffi::types::oxide_types::{
    MQTTOxide_E_ARGUMENT, MQTTOxide_E_NOT_FOUND, MQTTOxide_E_NOT_SUPPORTED,
};
use crate::options::{ManualAcks, Preferences, TlsVersion};
use crate::transport::TLS_SUPPORTED;

/// What a client or library must be able to do for an option.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// TLS.
    Tls,
    /// Publishes that wait.
    Buffer,
}

/// An option. A value that it cannot have is refused with what it can have.
pub struct Named {
    name: &'static str,
    needs: Needs,
    get: fn(&Preferences) -> String,
    /// An empty value is that of an option that was never set.
    set: fn(&mut Preferences, &str) -> Result<(), String>,
}

/// Highest idle time of TCP's keep-alive that Linux takes (`MAX_TCP_KEEPIDLE`), in seconds.
const MAX_KEEP_ALIVE: u64 = 32_767;
/// Pauses of the automatic reconnect, in milliseconds: long enough to do no harm, and not longer than a day.
const PAUSES: (u64, u64) = (10, 24 * 3600 * 1000);

const OPTIONS: &[Named] = &[
    Named {
        name: "manual-acks",
        needs: Needs::Nothing,
        get: |all| {
            match all.manual_acks {
                ManualAcks::Off => "",
                ManualAcks::Ordered => "on",
                ManualAcks::Unordered => "unordered",
            }
            .to_owned()
        },
        set: |all, value| {
            all.manual_acks = match (switch(value), value) {
                (_, "unordered") => ManualAcks::Unordered,
                (Ok(Some(true)), _) => ManualAcks::Ordered,
                (Ok(_), _) => ManualAcks::Off,
                (Err(_), _) => return Err("neither on, off nor unordered".into()),
            };
            Ok(())
        },
    },
    Named {
        name: "resubscribe",
        needs: Needs::Nothing,
        get: |all| on(all.resubscribe),
        set: |all, value| {
            all.resubscribe = switch(value)?.unwrap_or(false);
            Ok(())
        },
    },
    Named {
        name: "automatic-reconnect",
        needs: Needs::Nothing,
        get: |all| {
            match all.reconnect {
                None => "",
                Some(false) => "off",
                Some(true) => "on",
            }
            .to_owned()
        },
        set: |all, value| {
            all.reconnect = switch(value)?;
            Ok(())
        },
    },
    Named {
        name: "automatic-reconnect-min",
        needs: Needs::Nothing,
        get: |all| milliseconds(all.reconnect_min),
        set: |all, value| {
            all.reconnect_min = number(value, PAUSES)?.map(Duration::from_millis);
            Ok(())
        },
    },
    Named {
        name: "automatic-reconnect-max",
        needs: Needs::Nothing,
        get: |all| milliseconds(all.reconnect_max),
        set: |all, value| {
            all.reconnect_max = number(value, PAUSES)?.map(Duration::from_millis);
            Ok(())
        },
    },
    Named {
        name: "outbound-topic-aliases",
        needs: Needs::Nothing,
        get: |all| match all.outbound_topic_aliases {
            0 => String::new(),
            max => max.to_string(),
        },
        set: |all, value| {
            let max = number(value, (0, u16::MAX.into()))?.unwrap_or(0);
            all.outbound_topic_aliases = u16::try_from(max).unwrap_or(u16::MAX);
            Ok(())
        },
    },
    Named {
        name: "resolve-topic-aliases",
        needs: Needs::Nothing,
        get: |all| on(all.resolve_topic_aliases),
        set: |all, value| {
            all.resolve_topic_aliases = switch(value)?.unwrap_or(false);
            Ok(())
        },
    },
    Named {
        name: "max-buffered-bytes",
        needs: Needs::Buffer,
        get: |all| {
            all.max_buffered_bytes
                .map_or(String::new(), |max| max.to_string())
        },
        set: |all, value| {
            let max = number(value, (1, u64::MAX))?;
            all.max_buffered_bytes = max.map(|max| usize::try_from(max).unwrap_or(usize::MAX));
            Ok(())
        },
    },
    Named {
        name: "tls-min-version",
        needs: Needs::Tls,
        get: |all| version_name(all.tls_min_version),
        set: |all, value| {
            all.tls_min_version = version(value)?;
            check_versions(all)
        },
    },
    Named {
        name: "tls-max-version",
        needs: Needs::Tls,
        get: |all| version_name(all.tls_max_version),
        set: |all, value| {
            all.tls_max_version = version(value)?;
            check_versions(all)
        },
    },
    Named {
        name: "tcp-keepalive",
        needs: Needs::Nothing,
        get: |all| {
            all.network
                .keep_alive
                .map_or(String::new(), |idle| idle.as_secs().to_string())
        },
        set: |all, value| {
            all.network.keep_alive = number(value, (0, MAX_KEEP_ALIVE))?.map(Duration::from_secs);
            Ok(())
        },
    },
    Named {
        name: "tcp-user-timeout",
        needs: Needs::Nothing,
        get: |all| milliseconds(all.network.user_timeout),
        set: |all, value| {
            let max = i32::MAX as u64;
            all.network.user_timeout = number(value, (0, max))?.map(Duration::from_millis);
            Ok(())
        },
    },
    Named {
        name: "bind-address",
        needs: Needs::Nothing,
        get: |all| {
            all.network
                .bind_address
                .map_or(String::new(), |address| address.to_string())
        },
        set: |all, value| {
            all.network.bind_address = if value.is_empty() {
                None
            } else {
                let address = value.parse();
                Some(address.map_err(|_| "neither an IPv4 nor an IPv6 address")?)
            };
            Ok(())
        },
    },
];

/// Returns the option of that name.
pub fn find(name: &[u8]) -> Result<&'static Named, Refused> {
    let found = OPTIONS.iter().find(|option| option.name.as_bytes() == name);
    found.ok_or_else(|| {
        let why = format!("no option has the name {}", shown(name));
        Refused::new(MQTTOxide_E_NOT_FOUND, why)
    })
}

impl Named {
    /// Returns the value.
    pub fn get(&self, preferences: &Preferences) -> String {
        (self.get)(preferences)
    }

    /// Sets the value.
    pub fn set(&self, client: &dyn PahoClient, value: &[u8]) -> Result<(), Refused> {
        let lacking = match self.needs {
            Needs::Tls if !TLS_SUPPORTED => Some("this library has no TLS"),
            Needs::Buffer if !client.buffers() => Some("MQTTClient buffers no messages"),
            Needs::Nothing | Needs::Tls | Needs::Buffer => None,
        };
        if let Some(lacking) = lacking {
            let why = format!("{}: {lacking}", self.name);
            return Err(Refused::new(MQTTOxide_E_NOT_SUPPORTED, why));
        }
        let refused = |why: &str| {
            let why = format!("{} cannot be {}: {why}", self.name, shown(value));
            Refused::new(MQTTOxide_E_ARGUMENT, why)
        };
        let text = std::str::from_utf8(value).map_err(|_| refused("not UTF-8"))?;
        client.prefer(&mut |all| (self.set)(all, text).map_err(|why| refused(&why)))
    }
}

/// Returns what the program has passed, as an error shows it: its beginning.
fn shown(bytes: &[u8]) -> String {
    const MAX: usize = 64;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX)]);
    let more = if bytes.len() > MAX { "..." } else { "" };
    format!("{text:?}{more}")
}

fn on(is_on: bool) -> String {
    if is_on { "on" } else { "" }.to_owned()
}

fn milliseconds(time: Option<Duration>) -> String {
    time.map_or(String::new(), |time| time.as_millis().to_string())
}

/// Reads a switch; none for an empty value.
fn switch(value: &str) -> Result<Option<bool>, String> {
    match value {
        "" => Ok(None),
        "on" | "true" | "yes" | "1" => Ok(Some(true)),
        "off" | "false" | "no" | "0" => Ok(Some(false)),
        _ => Err("neither on nor off".into()),
    }
}

/// Reads a number in decimal digits; none for an empty value.
fn number(value: &str, (min, max): (u64, u64)) -> Result<Option<u64>, String> {
    if value.is_empty() {
        return Ok(None);
    }
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|_| digits);
    match number {
        Some(number) if (min..=max).contains(&number) => Ok(Some(number)),
        _ => Err(format!("not a number from {min} to {max}")),
    }
}

/// The versions of TLS and their names.
const VERSIONS: &[(&str, TlsVersion)] = &[
    ("1.0", TlsVersion::V1_0),
    ("1.1", TlsVersion::V1_1),
    ("1.2", TlsVersion::V1_2),
    ("1.3", TlsVersion::V1_3),
];

fn version(value: &str) -> Result<Option<TlsVersion>, String> {
    if value.is_empty() {
        return Ok(None);
    }
    let found = VERSIONS.iter().find(|(name, _)| *name == value);
    let (_, version) = found.ok_or("not one of 1.0, 1.1, 1.2 and 1.3")?;
    Ok(Some(*version))
}

fn version_name(version: Option<TlsVersion>) -> String {
    let name = VERSIONS.iter().find(|(_, known)| Some(*known) == version);
    name.map_or("", |(name, _)| name).to_owned()
}

/// With the oldest version above the newest no connect could succeed.
fn check_versions(all: &Preferences) -> Result<(), String> {
    match (all.tls_min_version, all.tls_max_version) {
        (Some(min), Some(max)) if min > max => {
            Err("tls-min-version would be above tls-max-version".into())
        }
        _ => Ok(()),
    }
}
