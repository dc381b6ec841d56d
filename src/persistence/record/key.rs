//! Names of records.

use std::fmt;
use std::hash::{Hash, Hasher};

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKind {
    /// `s-`: a PUBLISH sent and not completed; the number is its packet id.
    PublishSent,
    /// `sc-`: the PUBREL that follows it at QoS 2; same number.
    PubrelSent,
    /// `r-`: a QoS 2 PUBLISH received and not released; the number is its packet id.
    PublishReceived,
    /// `c-`: a command of an MQTTAsync client waiting to be sent; numbered in order.
    Command,
    /// `q-`: a received message waiting for the program; numbered in order.
    Message,
}

/// The name of a record, such as `s-1` or `c5-12`.
///
/// Numbers of commands and messages count up from 1 and wrap round at 2^32 to 0, as the original's do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey {
    /// What it holds.
    pub kind: RecordKind,
    /// Whether it belongs to an MQTT 5 client.
    pub v5: bool,
    /// Packet id or number in the queue.
    pub number: u32,
}

/// All prefixes, without the dash.
const PREFIXES: [(&str, RecordKind, bool); 10] = [
    ("s", RecordKind::PublishSent, false),
    ("sc", RecordKind::PubrelSent, false),
    ("r", RecordKind::PublishReceived, false),
    ("c", RecordKind::Command, false),
    ("q", RecordKind::Message, false),
    ("s5", RecordKind::PublishSent, true),
    ("sc5", RecordKind::PubrelSent, true),
    ("r5", RecordKind::PublishReceived, true),
    ("c5", RecordKind::Command, true),
    ("q5", RecordKind::Message, true),
];

impl RecordKey {
    /// Makes a key of an MQTT 3 client (`v5` false) or of an MQTT 5 one.
    pub const fn new(kind: RecordKind, v5: bool, number: u32) -> Self {
        Self { kind, v5, number }
    }

    /// Reads a name. Only names that this library or the original would write are accepted: `s-01` is somebody else's.
    pub fn parse(name: &str) -> Option<Self> {
        let (prefix, digits) = name.split_once('-')?;
        let (_, kind, v5) = *PREFIXES.iter().find(|(text, ..)| *text == prefix)?;
        let canonical = digits == "0"
            || (!digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()));
        let number = digits.parse().ok().filter(|_| canonical)?;
        let key = Self { kind, v5, number };
        let fits = match kind {
            RecordKind::PublishSent | RecordKind::PubrelSent | RecordKind::PublishReceived => {
                (1..=0xffff).contains(&number)
            }
            RecordKind::Command | RecordKind::Message => true,
        };
        fits.then_some(key)
    }

    /// Returns eight bytes that name the key, for the journal.
    pub(crate) const fn to_code(self) -> u64 {
        let kind = match self.kind {
            RecordKind::PublishSent => 1,
            RecordKind::PubrelSent => 2,
            RecordKind::PublishReceived => 3,
            RecordKind::Command => 4,
            RecordKind::Message => 5,
        };
        kind << 40 | (self.v5 as u64) << 32 | self.number as u64
    }

    /// Undoes `to_code`.
    pub(crate) fn from_code(code: u64) -> Option<Self> {
        let kind = match code >> 40 {
            1 => RecordKind::PublishSent,
            2 => RecordKind::PubrelSent,
            3 => RecordKind::PublishReceived,
            4 => RecordKind::Command,
            5 => RecordKind::Message,
            _ => return None,
        };
        let v5 = match code >> 32 & 0xff {
            0 => false,
            1 => true,
            _ => return None,
        };
        let number = u32::try_from(code & 0xffff_ffff).ok()?;
        Some(Self { kind, v5, number })
    }
}

/// One word instead of three fields: stores look up a key or two for every message.
impl Hash for RecordKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.to_code());
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (prefix, ..) = PREFIXES
            .iter()
            .find(|(_, kind, v5)| *kind == self.kind && *v5 == self.v5)
            .expect("every kind has a prefix for both versions");
        write!(out, "{prefix}-{}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_what_it_writes() {
        for (prefix, kind, v5) in PREFIXES {
            for number in [1, 9, 10, 65_535] {
                let key = RecordKey::new(kind, v5, number);
                assert_eq!(key.to_string(), format!("{prefix}-{number}"));
                assert_eq!(RecordKey::parse(&key.to_string()), Some(key));
                assert_eq!(RecordKey::from_code(key.to_code()), Some(key));
            }
        }
        let wrapped = RecordKey::new(RecordKind::Command, true, u32::MAX);
        assert_eq!(RecordKey::parse("c5-4294967295"), Some(wrapped));
        assert_eq!(RecordKey::from_code(wrapped.to_code()), Some(wrapped));
        assert_eq!(
            RecordKey::parse("q-0"),
            Some(RecordKey::new(RecordKind::Message, false, 0))
        );
    }

    #[test]
    fn other_names_are_not_keys() {
        for name in [
            "",
            "-",
            "s",
            "s-",
            "-1",
            "x-1",
            "s-x",
            "s-+1",
            "s--1",
            "s-01",
            "c-00",
            "s-0",
            "s-65536",
            "sc-70000",
            "c-4294967296",
            "s6-1",
            "S-1",
            "s-1 ",
            " s-1",
            "s-1.msg",
            "c-１",
        ] {
            assert_eq!(RecordKey::parse(name), None, "{name:?}");
        }
        for code in [0, 6 << 40 | 1, 1 << 40 | 2 << 32 | 1, u64::MAX] {
            assert_eq!(RecordKey::from_code(code), None, "{code:x}");
        }
    }
}
