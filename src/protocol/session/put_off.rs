//! What could not be read from the store on this connection. Boxed, since it is hardly ever there.

use std::collections::VecDeque;

use super::Queued;

/// Publishes whose records could not be read. Others are sent before them.
#[derive(Debug)]
pub(super) struct PutOff<O>(Option<Box<Those<O>>>);

#[derive(Debug)]
struct Those<O> {
    /// Packet identifiers of publishes in flight.
    sent: Vec<u16>,
    /// Entries of the queue.
    queued: VecDeque<Queued<O>>,
}

impl<O> Default for PutOff<O> {
    fn default() -> Self {
        Self(None)
    }
}

impl<O> PutOff<O> {
    fn those(&mut self) -> &mut Those<O> {
        self.0.get_or_insert_with(|| {
            Box::new(Those {
                sent: Vec::new(),
                queued: VecDeque::new(),
            })
        })
    }

    fn forget_if_empty(&mut self) {
        if let Some(those) = &self.0 {
            if those.sent.is_empty() && those.queued.is_empty() {
                self.0 = None;
            }
        }
    }

    /// Adds a publish that was in flight.
    pub fn add_sent(&mut self, id: u16) {
        self.those().sent.push(id);
    }

    /// Adds a publish that waited, behind the others.
    pub fn add_queued(&mut self, queued: Queued<O>) {
        self.those().queued.push_back(queued);
    }

    /// Takes the publishes that were in flight out.
    pub fn take_sent(&mut self) -> Vec<u16> {
        let sent = self.0.as_mut().map(|those| std::mem::take(&mut those.sent));
        self.forget_if_empty();
        sent.unwrap_or_default()
    }

    /// Takes the last of those that waited out.
    pub fn pop_queued(&mut self) -> Option<Queued<O>> {
        let queued = self.0.as_mut()?.queued.pop_back();
        self.forget_if_empty();
        queued
    }

    /// Takes the first of those that waited out that is the one.
    pub fn remove_queued(&mut self, is_it: impl Fn(&Queued<O>) -> bool) -> Option<Queued<O>> {
        let those = self.0.as_mut()?;
        let at = those.queued.iter().position(is_it)?;
        let queued = those.queued.remove(at);
        self.forget_if_empty();
        queued
    }

    /// Returns those that waited.
    pub fn queued(&self) -> impl Iterator<Item = &Queued<O>> {
        self.0.iter().flat_map(|those| &those.queued)
    }
}
