//! Topic aliases (section 3.3.2.3.4 of MQTT 5): those that the server uses, and those that we use.

use std::collections::HashMap;

use bytes::Bytes;

use super::Session;
use crate::protocol::error::Malformed;
use crate::protocol::packet::Publish;
use crate::protocol::property::{Properties, Property, PropertyId, Value};
use crate::protocol::{Version, reason};

/// Topics of aliases hold no more bytes than this in each direction: 65,535 of 64 KiB each would be 4 GiB.
pub const MAX_ALIAS_BYTES: usize = 4 << 20;

/// Aliases of one direction and one connection; nothing while there are none, as in most sessions.
#[derive(Debug, Default)]
pub(super) struct Aliases(Option<Box<Table>>);

/// Aliases with their topics.
#[derive(Debug, Default)]
struct Table {
    topics: HashMap<u16, Alias>,
    /// The reverse, of those that were given automatically.
    given: HashMap<Bytes, u16>,
    bytes: usize,
    /// The program uses aliases of its own: none is given automatically any more.
    programs_own: bool,
}

#[derive(Debug)]
struct Alias {
    topic: Bytes,
    /// The other end knows it. One of the program's that it set with a message which had to wait is not known.
    known: bool,
}

impl Aliases {
    fn table(&mut self) -> &mut Table {
        self.0.get_or_insert_default()
    }

    fn fits(&self, alias: u16, topic: &[u8]) -> bool {
        match &self.0 {
            Some(table) => table.fits(alias, topic),
            None => topic.len() <= MAX_ALIAS_BYTES,
        }
    }

    /// Returns the topic of an alias, and whether the other end knows it.
    fn get(&self, alias: u16) -> Option<(&Bytes, bool)> {
        self.0.as_ref()?.get(alias)
    }

    /// Returns the alias to send a topic by, and whether the server knows it already.
    fn choose(&self, topic: &[u8], max: u16) -> Option<(u16, bool)> {
        match &self.0 {
            Some(table) => table.choose(topic, max),
            None => Table::default().choose(topic, max),
        }
    }
}

impl Table {
    /// Sets an alias. Returns false, and leaves the old one, if it would take too much memory.
    fn set(&mut self, alias: u16, topic: Bytes, known: bool) -> bool {
        if !self.fits(alias, &topic) {
            return false;
        }
        self.bytes += topic.len();
        if let Some(old) = self.topics.insert(alias, Alias { topic, known }) {
            self.bytes -= old.topic.len();
        }
        true
    }

    fn fits(&self, alias: u16, topic: &[u8]) -> bool {
        let old = self.topics.get(&alias).map_or(0, |old| old.topic.len());
        self.bytes - old + topic.len() <= MAX_ALIAS_BYTES
    }

    fn get(&self, alias: u16) -> Option<(&Bytes, bool)> {
        let alias = self.topics.get(&alias)?;
        Some((&alias.topic, alias.known))
    }

    fn choose(&self, topic: &[u8], max: u16) -> Option<(u16, bool)> {
        if self.programs_own || topic.is_empty() {
            return None;
        }
        if let Some(alias) = self.given.get(topic) {
            return Some((*alias, true));
        }
        let next = u16::try_from(self.topics.len() + 1).unwrap_or(u16::MAX);
        (next <= max && self.fits(next, topic)).then_some((next, false))
    }
}

/// How a message is sent by an alias.
pub(super) struct Aliased {
    alias: u16,
    automatic: bool,
    /// The message's topic.
    topic: Bytes,
    /// The topic goes over the wire too, for the server does not know the alias.
    with_topic: bool,
    /// Properties with the alias, for the wire, and without, for what is kept: an alias means something on this connection
    /// only.
    with: Properties,
    without: Properties,
}

impl Aliased {
    /// Returns the message as it goes over the wire.
    pub fn on_the_wire<'a>(&'a self, publish: &Publish<'a>) -> Publish<'a> {
        Publish {
            topic: if self.with_topic { &self.topic } else { b"" },
            properties: self.with.as_ref(),
            ..*publish
        }
    }

    /// Returns the message as it is kept.
    pub fn kept<'a>(&'a self, publish: &Publish<'a>) -> Publish<'a> {
        Publish {
            topic: &self.topic,
            properties: self.without.as_ref(),
            ..*publish
        }
    }
}

impl<M, O> Session<M, O> {
    /// Sets how many topics are given aliases, from now on. Those that have one keep it, unless it is none at all.
    pub fn set_outbound_topic_aliases(&mut self, max: u16) {
        self.options.outbound_topic_aliases = max;
    }

    /// Checks the alias of a received message: one out of bounds or never set is an error ([MQTT-3.3.2-8] to
    /// [MQTT-3.3.2-12], [MQTT-3.1.2-26]). Returns the topic that the message has by its alias alone, where the session keeps
    /// them; otherwise the program gets the alias as it came.
    pub(super) fn check_alias(
        &mut self,
        publish: &Publish<'_>,
    ) -> Result<Option<Bytes>, Malformed> {
        let Some(alias) = publish.properties.number(PropertyId::TopicAlias) else {
            return Ok(None);
        };
        let alias = u16::try_from(alias).unwrap_or(u16::MAX);
        if alias > self.limits.topic_alias_maximum {
            return Err(Malformed::new(
                reason::TOPIC_ALIAS_INVALID,
                "topic alias above our maximum",
            ));
        }
        let resolve = self.options.resolve_topic_aliases;
        if publish.topic.is_empty() {
            let (known, _) = self.known_aliases.get(alias).ok_or(Malformed::new(
                reason::PROTOCOL_ERROR,
                "topic alias that was never set",
            ))?;
            return Ok(resolve.then(|| known.clone()));
        }
        let kept = if resolve {
            Bytes::copy_from_slice(publish.topic)
        } else {
            Bytes::new()
        };
        if !self.known_aliases.table().set(alias, kept, true) {
            return Err(Malformed::new(
                reason::QUOTA_EXCEEDED,
                "the topics of the server's aliases are too long together",
            ));
        }
        Ok(None)
    }

    /// Returns how a message is sent by an alias, the program's or one that the session gives; nothing where it has none.
    pub(super) fn alias_of(&self, publish: &Publish<'_>) -> Result<Option<Aliased>, Malformed> {
        if self.version < Version::V5 {
            return Ok(None);
        }
        let Some(alias) = publish.properties.number(PropertyId::TopicAlias) else {
            return Ok(self.automatic_alias(publish));
        };
        let alias = u16::try_from(alias).unwrap_or(u16::MAX);
        let (topic, with_topic) = if publish.topic.is_empty() {
            let (topic, known) = self.own_aliases.get(alias).ok_or(Malformed::new(
                reason::TOPIC_ALIAS_INVALID,
                "topic alias: without a topic, and not set on this connection",
            ))?;
            (topic.clone(), !known)
        } else {
            (Bytes::copy_from_slice(publish.topic), true)
        };
        if !self.own_aliases.fits(alias, &topic) {
            return Err(Malformed::new(
                reason::QUOTA_EXCEEDED,
                "topic alias: the topics of all aliases are too long together",
            ));
        }
        let mut without = Properties::new();
        for property in publish.properties.iter() {
            if property.id != PropertyId::TopicAlias {
                without.push(property)?;
            }
        }
        Ok(Some(Aliased {
            alias,
            automatic: false,
            topic,
            with_topic,
            with: publish.properties.into(),
            without,
        }))
    }

    fn automatic_alias(&self, publish: &Publish<'_>) -> Option<Aliased> {
        let ours = self.options.outbound_topic_aliases;
        let max = ours.min(self.limits.server_topic_alias_maximum);
        if max == 0 {
            return None;
        }
        let (alias, known) = self.own_aliases.choose(publish.topic, max)?;
        let mut with = Properties::from(publish.properties);
        let property = Property {
            id: PropertyId::TopicAlias,
            value: Value::Two(alias),
        };
        with.push(property).ok()?;
        let aliased = Aliased {
            alias,
            automatic: true,
            topic: Bytes::copy_from_slice(publish.topic),
            with_topic: !known,
            with,
            without: publish.properties.into(),
        };
        let len = aliased
            .on_the_wire(publish)
            .encoded_len(self.version)
            .ok()?;
        (len <= self.limits.server_maximum_packet_size as usize).then_some(aliased)
    }

    /// Notes an alias: `sent` tells whether the message that sets it is on its way to the server. One that had to wait is
    /// sent without it.
    pub(super) fn note_alias(&mut self, aliased: Aliased, sent: bool) {
        let Aliased { alias, topic, .. } = aliased;
        if aliased.automatic && !sent {
            return;
        }
        let table = self.own_aliases.table();
        if aliased.automatic {
            table.given.insert(topic.clone(), alias);
        } else {
            table.programs_own = true;
            table.given = HashMap::new();
        }
        let known = sent
            || table
                .get(alias)
                .is_some_and(|(old, known)| known && *old == topic);
        let fits = table.set(alias, topic, known);
        debug_assert!(fits, "checked when the message was looked at");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_that_is_set_anew_counts_once() {
        let mut table = Table::default();
        let topic = |size| Bytes::from(vec![b'x'; size]);
        assert!(
            table.set(1, topic(MAX_ALIAS_BYTES), true),
            "as much as fits"
        );
        assert!(!table.set(2, topic(1), true));
        let half = MAX_ALIAS_BYTES / 2;
        assert!(table.set(1, topic(half), true));
        assert!(table.set(2, topic(MAX_ALIAS_BYTES - half), true));
        assert!(!table.set(3, topic(1), true));
        // One that does not fit leaves the old one.
        assert!(!table.set(1, topic(half + 1), true));
        assert_eq!(table.get(1).map(|(topic, _)| topic.len()), Some(half));
    }
}
