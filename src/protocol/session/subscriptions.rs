//! Subscriptions that the server has granted, for servers that lose a session: they are made again.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::{Refused, Session, Sink};
use crate::protocol::packet::{
    Filter, encode_subscribe, requested, requested_identifier, unsubscribed,
};
use crate::protocol::property::{Properties, Property, PropertyId, Value};
use crate::trace;

/// Filters that are remembered hold no more bytes than this.
pub const MAX_SUBSCRIPTION_BYTES: usize = 4 << 20;
/// How many filters one SUBSCRIBE of ours has at most.
const BATCH: usize = 64;
/// What a filter takes beside its bytes, about.
const OVERHEAD: usize = 64;

/// A subscription as it was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Granted {
    /// The options byte of its SUBSCRIBE.
    options: u8,
    identifier: Option<u32>,
}

/// The subscriptions, and those of them that are being made again.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    granted: BTreeMap<Box<[u8]>, Granted>,
    bytes: usize,
    /// Not asked for on this connection.
    waiting: VecDeque<Box<[u8]>>,
    /// By the packet identifier of the SUBSCRIBE that asks for them.
    asked: HashMap<u16, Vec<Box<[u8]>>>,
}

impl Subscriptions {
    fn insert(&mut self, filter: &[u8], granted: Granted) {
        if self.granted.insert(filter.into(), granted).is_none() {
            self.bytes += filter.len() + OVERHEAD;
        }
    }

    fn remove(&mut self, filter: &[u8]) {
        if self.granted.remove(filter).is_some() {
            self.bytes -= filter.len() + OVERHEAD;
        }
    }

    /// Takes out filters that go into one SUBSCRIBE of at most so many bytes: they have the same identifier.
    fn next_batch(&mut self, first: Granted, max: usize) -> Vec<Box<[u8]>> {
        let mut batch: Vec<Box<[u8]>> = Vec::new();
        let mut bytes = 64;
        while let Some(next) = self.waiting.front() {
            let fits = self
                .granted
                .get(next)
                .is_some_and(|granted| granted.identifier == first.identifier);
            bytes += next.len() + 3;
            let full = batch.len() == BATCH || bytes > max && !batch.is_empty();
            if !fits || full {
                break;
            }
            batch.extend(self.waiting.pop_front());
        }
        batch
    }

    /// Returns the filters of a batch as a SUBSCRIBE has them.
    fn filters<'a>(&self, batch: &'a [Box<[u8]>], first: Granted) -> Vec<Filter<'a>> {
        let options = |filter: &[u8]| {
            self.granted
                .get(filter)
                .map_or(first.options, |granted| granted.options)
        };
        batch
            .iter()
            .map(|filter| Filter::of(filter, options(filter)))
            .collect()
    }
}

impl<M, O> Session<M, O> {
    /// Says whether subscriptions are made again, from now on. Those that were made while they were not are not remembered.
    pub fn set_resubscribe(&mut self, resubscribe: bool) {
        self.options.resubscribe = resubscribe;
        if !resubscribe {
            if let Some(subscriptions) = &mut self.subscriptions {
                subscriptions.granted = BTreeMap::new();
                subscriptions.bytes = 0;
            }
        }
    }

    /// Checks that the filters of a SUBSCRIBE can be remembered.
    pub(super) fn check_remembered(&self, filters: &[Filter<'_>]) -> Result<(), Refused> {
        if !self.options.resubscribe {
            return Ok(());
        }
        let more: usize = filters.iter().map(|one| one.filter.len() + OVERHEAD).sum();
        let bytes = self.subscriptions.as_ref().map_or(0, |known| known.bytes);
        if bytes.saturating_add(more) > MAX_SUBSCRIPTION_BYTES {
            return Err(Refused::Full);
        }
        Ok(())
    }

    /// Takes the server's answer to a SUBSCRIBE of the program's.
    pub(super) fn remember(&mut self, packet: &[u8], codes: &[u8]) {
        if !self.options.resubscribe {
            return;
        }
        let identifier = requested_identifier(self.version, packet);
        let filters = requested(self.version, packet).into_iter().flatten();
        for ((filter, options), code) in filters.zip(codes) {
            if *code < 0x80 {
                let granted = Granted {
                    options,
                    identifier,
                };
                let subscriptions = self.subscriptions.get_or_insert_default();
                subscriptions.insert(filter, granted);
            }
        }
    }

    /// Takes the server's answer to an UNSUBSCRIBE of the program's.
    pub(super) fn forget(&mut self, packet: &[u8]) {
        let Some(subscriptions) = &mut self.subscriptions else {
            return;
        };
        for filter in unsubscribed(self.version, packet).into_iter().flatten() {
            subscriptions.remove(filter);
        }
    }

    /// The connection begins; `lost` says that the server knows none of the subscriptions, because it has lost the session or
    /// was asked to begin a new one: the program has not unsubscribed.
    pub(super) fn begin_resubscribing(&mut self, lost: bool) {
        self.stop_resubscribing();
        if !self.options.resubscribe {
            self.subscriptions = None;
        } else if let (Some(subscriptions), true) = (&mut self.subscriptions, lost) {
            subscriptions.waiting = subscriptions.granted.keys().cloned().collect();
        }
    }

    /// Ends the connection.
    pub(super) fn stop_resubscribing(&mut self) {
        let Some(subscriptions) = &mut self.subscriptions else {
            return;
        };
        subscriptions.waiting.clear();
        for (id, _) in subscriptions.asked.drain() {
            self.inflight.unblock(id);
        }
    }

    /// Asks for the subscriptions that wait, as far as packet identifiers go.
    pub(super) fn resubscribe<S: Sink<Message = M, Op = O>>(&mut self, sink: &mut S) {
        while let Some(subscriptions) = &mut self.subscriptions {
            let Some(first) = subscriptions.waiting.front() else {
                return;
            };
            let Some(first) = subscriptions.granted.get(first).copied() else {
                // Unsubscribed meanwhile.
                subscriptions.waiting.pop_front();
                continue;
            };
            let Some(id) = self.inflight.next_id() else {
                return;
            };
            let max = self.limits.server_maximum_packet_size as usize;
            let batch = subscriptions.next_batch(first, max);
            let filters = subscriptions.filters(&batch, first);
            if self.send_subscribe(id, &filters, first, sink) {
                self.inflight.block(id);
                if let Some(subscriptions) = &mut self.subscriptions {
                    subscriptions.asked.insert(id, batch);
                }
            } else {
                self.give_up_subscriptions(&batch, &[], sink);
            }
        }
    }

    /// Returns false if it cannot be sent.
    fn send_subscribe<S: Sink<Message = M, Op = O>>(
        &self,
        id: u16,
        filters: &[Filter<'_>],
        first: Granted,
        sink: &mut S,
    ) -> bool {
        let mut properties = Properties::new();
        let identifier = first.identifier.is_none_or(|identifier| {
            let identifier = Property {
                id: PropertyId::SubscriptionIdentifier,
                value: Value::Var(identifier),
            };
            properties.push(identifier).is_ok()
        });
        let out = sink.out().tail();
        let start = out.len();
        let sent = identifier
            && encode_subscribe(self.version, id, filters, properties.as_ref(), out).is_ok()
            && self.check_size(out, start).is_ok();
        if sent {
            trace!(
                Protocol,
                "{} {} -> SUBSCRIBE msgid: {id} (0)", self.socket, self.client_id
            );
        }
        sent
    }

    /// Takes the server's answer to a SUBSCRIBE of the session's own. Returns false if it is none.
    pub(super) fn resubscribed<S: Sink<Message = M, Op = O>>(
        &mut self,
        id: u16,
        codes: &[u8],
        sink: &mut S,
    ) -> bool {
        let asked = self
            .subscriptions
            .as_mut()
            .and_then(|subscriptions| subscriptions.asked.remove(&id));
        let Some(batch) = asked else {
            return false;
        };
        self.inflight.unblock(id);
        self.give_up_subscriptions(&batch, codes, sink);
        true
    }

    /// Tells of the filters that the server has not granted again, by the codes that it gave.
    fn give_up_subscriptions<S: Sink<Message = M, Op = O>>(
        &mut self,
        batch: &[Box<[u8]>],
        codes: &[u8],
        sink: &mut S,
    ) {
        for (i, filter) in batch.iter().enumerate() {
            let code = codes.get(i).copied().unwrap_or(0x80);
            if code >= 0x80 {
                if let Some(subscriptions) = &mut self.subscriptions {
                    subscriptions.remove(filter);
                }
                sink.subscription_lost(filter, code);
            }
        }
    }
}
