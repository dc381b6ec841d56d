//! Taking over what an earlier process left in the store.

use std::collections::HashSet;

use crate::engine::host::{Event, Host};
use crate::engine::outputs::Outputs;
use crate::options::CreateOptions;
use crate::persistence::{RecordKey, RecordKind, Store, StoreError};
use crate::protocol::inflight::{IDS, oldest};
use crate::protocol::session::Session;
use crate::trace;

use super::{handle, other_version};

/// A store's records as they were found.
struct Found {
    sent: Vec<RecordKey>,
    received: Vec<RecordKey>,
    commands: Vec<RecordKey>,
    messages: Vec<RecordKey>,
}

/// Takes over what the store holds, by name: records are read when their turn comes, since the program sets the function
/// that decrypts them only after it has made the client.
///
/// Records of a client of the other MQTT version are taken over too, and are then this client's. The original takes them over
/// in each of its lives; its `MQTTClient` refuses an MQTT 5 client's messages in flight, which loses none.
pub(in crate::engine) fn restore<H: Host>(
    session: &mut Session<H::Message, H::Op>,
    outputs: &mut Outputs<H>,
    create: &CreateOptions,
    op: impl Fn() -> H::Op,
) -> Result<(), StoreError> {
    let Some(records) = &mut outputs.records else {
        return Ok(());
    };
    records.trace_notices();
    let mut keys = records.store.keys()?;
    if is_refused(create, &keys) {
        return Err(StoreError::OtherVersion);
    }
    // Of two records of one packet identifier this version's counts; the other waits in the store for another process.
    keys.sort_unstable_by_key(|key| key.v5 != create.v5);
    let mut found = sort(&keys);
    found.sent.sort_by_key(|key| records.store.sent(*key));
    let all: HashSet<RecordKey> = keys.iter().copied().collect();
    let (mut sent, mut received) = (0, 0);
    for &key in &found.sent {
        let released = RecordKey {
            kind: RecordKind::PubrelSent,
            ..key
        };
        let released = [released, other_version(released)]
            .into_iter()
            .find(|key| all.contains(key));
        let restored = id(key).is_some_and(|id| session.restore_sent(id, released.is_some(), op()));
        if restored {
            sent += 1;
            records.take_over(key);
            if let Some(key) = released {
                records.take_over(key);
            }
        } else {
            trace!(
                Error,
                "Message store: {key} waits, its packet identifier is in use"
            );
        }
    }
    for &key in keys.iter().filter(|key| key.kind == RecordKind::PubrelSent) {
        let publish = RecordKey {
            kind: RecordKind::PublishSent,
            ..key
        };
        if all.contains(&publish) || all.contains(&other_version(publish)) {
            continue;
        }
        let stands = records.store.pubrel_stands_alone();
        if stands && id(key).is_some_and(|id| session.restore_released(id, op())) {
            sent += 1;
            records.take_over(key);
        } else {
            // Killed between the end of a message's two records. Left there, a later message of the same packet identifier
            // would be taken for one that the server has.
            records.remove(key);
        }
    }
    for &key in &found.received {
        if id(key).is_some_and(|id| session.restore_received(id, key.v5)) {
            received += 1;
            records.take_over(key);
        } else {
            trace!(
                Error,
                "Message store: {key} waits, its packet identifier is in use"
            );
        }
    }
    records.commands.found(&found.commands);
    records.messages.found(&found.messages);
    trace!(
        Minimum,
        "{sent} sent messages and {received} received messages restored, {} commands and {} messages waiting",
        found.commands.len(),
        found.messages.len()
    );
    if create.restore_messages {
        for key in found.commands {
            session.restore_queued(handle(key), op());
        }
        for key in found.messages {
            outputs.queue.push(Event::StoredMessage(key));
        }
    } else {
        let forgotten = [found.commands, found.messages].concat();
        records.store.forget_all(&forgotten);
        records.tidy_later();
    }
    Ok(())
}

/// Returns true if the client was not to take over what is in flight of an MQTT 5 client.
fn is_refused(create: &CreateOptions, keys: &[RecordKey]) -> bool {
    let waits = |kind| matches!(kind, RecordKind::Command | RecordKind::Message);
    create.refuse_v5_store && !create.v5 && keys.iter().any(|key| key.v5 && !waits(key.kind))
}

/// Returns the packet identifier that a record's number is.
fn id(key: RecordKey) -> Option<u16> {
    u16::try_from(key.number).ok()
}

/// Sorts the records by kind, each kind in the order in which they were written.
fn sort(keys: &[RecordKey]) -> Found {
    let of = |kind, numbers: u64| {
        let mut keys: Vec<_> = keys
            .iter()
            .filter(|key| key.kind == kind)
            .copied()
            .collect();
        keys.sort_by_key(|key| key.number);
        let sorted: Vec<u32> = keys.iter().map(|key| key.number).collect();
        let oldest = oldest(&sorted, numbers);
        // Counters of 32 bits do not wrap before they have counted that far.
        let wraps = oldest > 0
            && (numbers == IDS || u64::from(sorted[oldest] - sorted[oldest - 1]) > numbers / 2);
        if wraps {
            keys.rotate_left(oldest);
        }
        keys
    };
    Found {
        sent: of(RecordKind::PublishSent, IDS),
        received: of(RecordKind::PublishReceived, IDS),
        commands: of(RecordKind::Command, 1 << 32),
        messages: of(RecordKind::Message, 1 << 32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::carried::{self, Carried};
    use crate::engine::tests::program::Program;
    use crate::engine::tests::shelf::Kept;
    use crate::engine::{Client, Error};

    fn order(kind: RecordKind, numbers: &[u32]) -> Vec<u32> {
        let keys: Vec<_> = numbers
            .iter()
            .map(|&number| RecordKey::new(kind, false, number))
            .collect();
        let found = sort(&keys);
        [found.sent, found.received, found.commands, found.messages]
            .concat()
            .into_iter()
            .map(|key| key.number)
            .collect()
    }

    /// Debian's `MQTTClient_create` returns -2 for a folder with `s5-1.msg` in it, its `MQTTAsync_create` 0.
    #[test]
    fn a_client_of_the_blocking_api_refuses_what_is_in_flight_of_a_newer_one() {
        let keys = |v5, kind| [RecordKey::new(kind, v5, 1)];
        let refused = |v5, refuse_v5_store, keys: &[RecordKey]| {
            let create = CreateOptions {
                v5,
                refuse_v5_store,
                ..CreateOptions::default()
            };
            is_refused(&create, keys)
        };
        for kind in [
            RecordKind::PublishSent,
            RecordKind::PubrelSent,
            RecordKind::PublishReceived,
        ] {
            assert!(refused(false, true, &keys(true, kind)));
            assert!(!refused(false, true, &keys(false, kind)));
            assert!(!refused(true, true, &keys(true, kind)));
            assert!(!refused(false, false, &keys(true, kind)));
        }
        for kind in [RecordKind::Command, RecordKind::Message] {
            assert!(!refused(false, true, &keys(true, kind)));
        }
    }

    #[test]
    fn records_come_in_the_order_of_their_writing() {
        for kind in [RecordKind::PublishSent, RecordKind::Command] {
            assert_eq!(order(kind, &[]), [0; 0]);
            assert_eq!(order(kind, &[7]), [7]);
            assert_eq!(order(kind, &[3, 1, 2]), [1, 2, 3]);
        }
        assert_eq!(
            order(RecordKind::PublishSent, &[1, 2, 65_535, 65_534]),
            [65_534, 65_535, 1, 2]
        );
        assert_eq!(
            order(RecordKind::Message, &[0, 1, u32::MAX, u32::MAX - 1]),
            [u32::MAX - 1, u32::MAX, 0, 1]
        );
        assert_eq!(order(RecordKind::Message, &[1, 900_000]), [1, 900_000]);
    }
    /// A store with these records, each of one byte.
    fn shelf(records: &[RecordKey]) -> Kept {
        let kept = Kept::default();
        for key in records {
            kept.0.lock().records.insert(*key, vec![b'x']);
        }
        kept
    }

    #[test]
    fn a_client_that_refuses_a_store_is_not_made() {
        let mut setup = carried::setup();
        setup.create.refuse_v5_store = true;
        for (v5, refused) in [(true, true), (false, false)] {
            let kept = shelf(&[RecordKey::new(RecordKind::PublishSent, v5, 1)]);
            let store = Some(Box::new(kept) as Box<dyn Store>);
            let made = Client::new(setup.clone(), Program::<false>::default(), store, || "");
            let failed = matches!(made, Err(Error::Store(_)));
            assert_eq!((made.is_err(), failed), (refused, refused));
        }
    }

    /// Else the message would be sent again, although the server has it.
    #[test]
    fn a_pubrel_of_the_other_version_counts_and_stays() {
        let publish = RecordKey::new(RecordKind::PublishSent, true, 1);
        for v5 in [false, true] {
            let pubrel = RecordKey::new(RecordKind::PubrelSent, v5, 1);
            let kept = shelf(&[publish, pubrel]);
            let client = Carried::new(carried::setup(), Some(Box::new(kept.clone())));
            assert_eq!(client.pending_tokens(true).len(), 1);
            drop(client);
            let left: Vec<_> = kept.0.lock().records.keys().copied().collect();
            assert!(left.contains(&pubrel) && left.contains(&publish));
        }
    }

    /// The widest gap is where a number is followed by the first one, unless a counter cannot have come so far.
    #[test]
    fn numbers_that_are_far_apart_are_not_taken_for_a_wrap() {
        let far = [0, (1 << 31) - 10, u32::MAX - 20];
        assert_eq!(order(RecordKind::Command, &far), far);
        let ids = [5, 32_000, 64_000];
        assert_eq!(order(RecordKind::PublishSent, &ids), [64_000, 5, 32_000]);
        assert_eq!(
            order(RecordKind::PublishReceived, &[5, 30_000]),
            [5, 30_000]
        );
    }
}
