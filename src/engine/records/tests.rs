//! Records of both versions in a program's own store, which keeps what it is given and nothing else.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::engine::Count;
use crate::engine::tests::carried::{self, Carried};
use crate::engine::tests::program::Program;
use crate::engine::tests::shelf::{Kept, Shelf};
use crate::options::ConnectOptions;
use crate::os::lock::Mutex;

use super::*;

/// A client's records on a shelf that others use before and after it.
fn client(v5: bool, shelf: &Arc<Mutex<Shelf>>) -> Records {
    let create = CreateOptions {
        v5,
        ..CreateOptions::default()
    };
    Records::new(Box::new(Kept(Arc::clone(shelf))), &create)
}

fn message(payload: &[u8], packet_id: u16, qos: QoS) -> Publish<'_> {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic: b"t",
        packet_id,
        properties: PropertiesRef::EMPTY,
        payload,
    }
}

fn packet(v5: bool, payload: &[u8], id: u16) -> Vec<u8> {
    let mut packet = bytes::BytesMut::new();
    message(payload, id, QoS::ExactlyOnce)
        .encode(convert::version(v5), &mut packet)
        .expect("can be encoded");
    packet.into()
}

fn names(shelf: &Mutex<Shelf>) -> Vec<String> {
    let shelf = shelf.lock();
    let mut names: Vec<_> = shelf.records.keys().map(ToString::to_string).collect();
    names.sort();
    names
}

/// Issue 11, item 8: a record of the other version is read, and goes, under the name that it has.
#[test]
fn records_of_the_other_version_are_used_once() {
    for theirs in [false, true] {
        let shelf = Arc::<Mutex<Shelf>>::default();
        let mut writer = client(theirs, &shelf);
        for id in [5, 6] {
            let packet = packet(theirs, b"x", id);
            assert_eq!(writer.put(Record::Sent(id), &packet), Ok(()));
        }
        assert_eq!(writer.put(Record::Released(6), b"pubrel"), Ok(()));
        assert_eq!(
            writer.put(Record::Received(7), &packet(theirs, b"y", 7)),
            Ok(())
        );
        let mut reader = client(!theirs, &shelf);
        let keys: Vec<_> = shelf.lock().records.keys().copied().collect();
        for key in keys {
            reader.take_over(key);
        }
        let Loaded::Ready(loaded) = reader.load_sent(5) else {
            panic!("readable");
        };
        assert_eq!(loaded, packet(!theirs, b"x", 5), "in the reader's format");
        // The handshake goes on: its PUBREL is the reader's own record.
        assert_eq!(reader.put(Record::Released(5), b"pubrel"), Ok(()));
        assert_eq!(names(&shelf).len(), 5);
        for id in [5, 6] {
            reader.discard(Record::Sent(id));
            reader.discard(Record::Released(id));
        }
        reader.discard(Record::Received(7));
        assert_eq!(names(&shelf), [""; 0]);
        // The identifier is the reader's own now.
        assert_eq!(
            reader.put(Record::Sent(5), &packet(!theirs, b"z", 5)),
            Ok(())
        );
        assert_eq!(reader.load_sent(5), Loaded::Ready(packet(!theirs, b"z", 5)));
    }
}

#[test]
fn one_number_of_both_versions_is_two_records() {
    for v5 in [false, true] {
        let shelf = Arc::<Mutex<Shelf>>::default();
        let store = |v5, payload| {
            let stored =
                client(v5, &shelf).store_command(&message(payload, 0, QoS::ExactlyOnce), 1);
            stored.expect("stored").expect("a record")
        };
        let (ours, theirs) = (store(v5, b"ours"), store(!v5, b"theirs"));
        assert_eq!(names(&shelf), ["c-1", "c5-1"]);
        let mut records = client(v5, &shelf);
        for (record, payload) in [(ours, &b"ours"[..]), (theirs, b"theirs")] {
            let loaded = records.load_command(record);
            let Loaded::Ready(Stored::Publish { packet, .. }) = loaded else {
                panic!("{loaded:?}");
            };
            assert!(packet.ends_with(payload));
        }
        records.discard(Record::Queued(theirs));
        let left = RecordKey::new(RecordKind::Command, v5, 1).to_string();
        assert_eq!(names(&shelf), [left.as_str()]);
        // A waiting record of the other version is sent, and then gone.
        let theirs = store(!v5, b"theirs");
        let sent = packet(v5, b"theirs", 9);
        assert_eq!(records.promote(Some(theirs), 9, &sent), Ok(()));
        let sent = RecordKey::new(RecordKind::PublishSent, v5, 9).to_string();
        assert_eq!(names(&shelf), [left, sent]);
    }
}

/// Issue 11, item 9.
#[test]
fn an_unreadable_record_is_kept_and_an_alarm_set() {
    let shelf = Arc::<Mutex<Shelf>>::default();
    let mut records = client(false, &shelf);
    let stored = records.store_command(&message(b"x", 0, QoS::AtLeastOnce), 1);
    let record = stored.expect("stored").expect("a record");
    assert_eq!(
        records.put(Record::Sent(3), &packet(false, b"x", 3)),
        Ok(())
    );
    assert_eq!(records.retry_at(), None);
    shelf.lock().refuses = true;
    assert_eq!(records.load_command(record), Loaded::Later);
    assert_eq!(records.load_sent(3), Loaded::Later);
    let at = records.retry_at().expect("an alarm");
    assert!(!records.take_retry(Instant::now()));
    assert!(records.take_retry(at));
    assert_eq!(names(&shelf), ["c-1", "s-3"]);
    // A write that is put off has its alarm, too.
    let sent = packet(false, b"x", 4);
    assert_eq!(records.promote(Some(record), 4, &sent), Err(NotStored));
    assert!(records.retry_at().is_some());
    shelf.lock().refuses = false;
    assert!(matches!(records.load_command(record), Loaded::Ready(_)));
}

#[test]
fn a_damaged_record_stays_in_a_store_that_has_no_other_place() {
    let shelf = Arc::<Mutex<Shelf>>::default();
    let mut records = client(true, &shelf);
    let damaged = [
        RecordKey::new(RecordKind::Command, false, 1),
        RecordKey::new(RecordKind::PublishSent, true, 2),
    ];
    for key in damaged {
        shelf.lock().records.insert(key, b"garbage".to_vec());
    }
    let in_place = true;
    assert_eq!(
        records.load_command(handle(damaged[0])),
        Loaded::Damaged { in_place }
    );
    assert_eq!(records.load_sent(2), Loaded::Damaged { in_place });
    assert_eq!(records.load_sent(9), Loaded::Damaged { in_place: false });
    assert_eq!(names(&shelf), ["c-1", "s5-2"]);
    assert_eq!(records.retry_at(), None);
}

/// Receives a message that is handed over before its PUBREL, and returns its name in the program's queue.
fn received(records: &mut Records, id: u16, payload: &[u8]) -> RecordKey {
    let packet = packet(false, payload, id);
    assert_eq!(records.put(Record::Received(id), &packet), Ok(()));
    records.lend(id).expect("a name for the message")
}

fn content(shelf: &Mutex<Shelf>, name: &str) -> Vec<u8> {
    let key = RecordKey::parse(name).expect("a name");
    shelf.lock().records.get(&key).cloned().unwrap_or_default()
}

#[test]
fn the_record_of_a_receipt_stands_for_a_message_until_it_is_taken() {
    let shelf = Arc::<Mutex<Shelf>>::default();
    let mut records = client(false, &shelf);
    let first = received(&mut records, 7, b"x");
    let second = received(&mut records, 8, b"y");
    // As for as long as it is held: killed now, the next process hands it over at its PUBREL, as would the original.
    assert_eq!(names(&shelf), ["r-7", "r-8"]);
    assert_eq!(content(&shelf, "r-7"), packet(false, b"x", 7));
    // The program takes the first, then its PUBREL comes.
    records.message_taken(first);
    assert_eq!(content(&shelf, "r-7"), HAD);
    let had = records.load_received::<Program<false>>(7);
    assert!(matches!(had, Loaded::Ready(None)), "not once more");
    assert_eq!(records.release(7), Ok(()));
    // The PUBREL of the second comes first. Without room for its own record it keeps what it has, and PUBREL comes again.
    shelf.lock().refuses = true;
    assert_eq!(records.release(8), Err(NotStored));
    shelf.lock().refuses = false;
    assert_eq!(names(&shelf), ["r-8"]);
    assert_eq!(records.release(8), Ok(()));
    assert_eq!(names(&shelf), ["q-2"]);
    let record = content(&shelf, "q-2");
    let queued = QueuedMessage::read(false, &record).expect("a message");
    assert_eq!((queued.topic, queued.payload), (&b"t"[..], &b"y"[..]));
    assert_eq!((queued.qos, queued.packet_id), (2, 8));
    assert!(!queued.dup);
    // Its identifier is another message's before it is taken.
    let third = received(&mut records, 8, b"z");
    records.message_taken(second);
    assert_eq!(names(&shelf), ["r-8"]);
    assert_eq!(content(&shelf, "r-8"), packet(false, b"z", 8));
    // The session ends: what the program has not had stays in its queue.
    records.discard(Record::Received(8));
    assert_eq!(names(&shelf), ["q-3"]);
    records.message_taken(third);
    assert_eq!(names(&shelf), [""; 0]);
}

#[test]
fn a_message_that_was_taken_does_not_come_again_on_a_full_disk() {
    let shelf = Arc::<Mutex<Shelf>>::default();
    let mut records = client(false, &shelf);
    let key = received(&mut records, 7, b"x");
    shelf.lock().refuses = true;
    records.message_taken(key);
    assert_eq!(names(&shelf), [""; 0]);
}

/// A store as an earlier client of that version has left it: a message of QoS 2 whose PUBREL was sent, one that was sent, one
/// of QoS 1, a receipt whose PUBREL has not come, two messages that wait and one of the program's queue.
fn left_by(v5: bool) -> Arc<Mutex<Shelf>> {
    let shelf = Arc::<Mutex<Shelf>>::default();
    let mut writer = client(v5, &shelf);
    for id in [1, 2] {
        let packet = packet(v5, b"x", id);
        assert_eq!(writer.put(Record::Sent(id), &packet), Ok(()));
    }
    assert_eq!(writer.put(Record::Released(1), b"\x62\x02\x00\x01"), Ok(()));
    let received = packet(v5, b"r", 7);
    assert_eq!(writer.put(Record::Received(7), &received), Ok(()));
    for payload in [b"a", b"b"] {
        let stored = writer.store_command(&message(payload, 0, QoS::ExactlyOnce), 1);
        assert!(stored.is_ok());
    }
    let stored = writer.store_message::<Program<false>>(&b"q".to_vec(), Receipt::None);
    assert!(stored.is_ok());
    shelf
}

#[test]
fn what_an_earlier_process_left_goes_on_where_it_was() {
    for (theirs, ours) in [(false, false), (true, true), (false, true), (true, false)] {
        let name = format!("v5: {theirs}, then {ours}");
        let shelf = left_by(theirs);
        let mut setup = carried::setup();
        setup.create.v5 = ours;
        setup.create.restore_messages = true;
        let client = Carried::new(setup, Some(Box::new(Kept(Arc::clone(&shelf)))));
        let version = convert::version(ours);
        let options = ConnectOptions {
            clean: false,
            ..carried::options_of(version)
        };
        let stream = client.attach(1 << 16, options, "connect");
        carried::sent(&stream);
        let connack: &[u8] = if ours {
            &[0x20, 3, 1, 0, 0]
        } else {
            &[0x20, 2, 1, 0]
        };
        client.feed(&stream, connack);
        let again = |payload: &[u8], id| {
            let mut packet = packet(ours, payload, id);
            packet[0] |= 8;
            packet
        };
        let expected = [
            b"\x62\x02\x00\x01".to_vec(),
            again(b"x", 2),
            packet(ours, b"a", 3),
            packet(ours, b"b", 4),
        ];
        assert_eq!(carried::sent(&stream), expected.concat(), "{name}");
        assert_eq!(client.heard(), ["q", "connect up", "connected"], "{name}");
        // The receipt stands. At PUBREL its message comes, once, unless it was handed over when it came, as in MQTT 5.
        client.feed(&stream, b"\x62\x02\x00\x07");
        let expected: &[&str] = if theirs { &[] } else { &["r"] };
        assert_eq!(client.heard(), expected, "{name}");
        for id in 1..=4 {
            if id > 1 {
                client.feed(&stream, &[0x50, 2, 0, id]);
            }
            client.feed(&stream, &[0x70, 2, 0, id]);
        }
        assert_eq!(client.heard(), ["restored ended"; 4], "{name}");
        assert_eq!(names(&shelf), [""; 0], "{name}");
    }
}

#[test]
fn what_waits_is_forgotten_where_the_program_wants_that() {
    let shelf = left_by(false);
    let mut setup = carried::setup();
    setup.create.restore_messages = false;
    let client = Carried::new(setup, Some(Box::new(Kept(Arc::clone(&shelf)))));
    assert_eq!(names(&shelf), ["r-7", "s-1", "s-2", "sc-1"]);
    assert!(client.heard().is_empty());
    assert_eq!(client.counters().queued, 0);
}

#[test]
fn a_pubrel_whose_message_is_gone_takes_no_later_one_along() {
    let shelf = Arc::<Mutex<Shelf>>::default();
    let mut writer = client(false, &shelf);
    assert_eq!(writer.put(Record::Released(3), b"\x62\x02\x00\x03"), Ok(()));
    let client = Carried::new(carried::setup(), Some(Box::new(Kept(Arc::clone(&shelf)))));
    assert_eq!(names(&shelf), [""; 0]);
    assert!(client.pending_tokens(true).is_empty());
}

/// Stores of other clients keep no PUBLISH beside a PUBREL.
#[test]
fn a_pubrel_that_stands_alone_is_sent_where_the_store_has_such() {
    let shelf = Arc::<Mutex<Shelf>>::default();
    let mut writer = client(false, &shelf);
    assert_eq!(writer.put(Record::Released(3), b"\x62\x02\x00\x03"), Ok(()));
    shelf.lock().pubrels_alone = true;
    let client = Carried::new(carried::setup(), Some(Box::new(Kept(Arc::clone(&shelf)))));
    assert_eq!(names(&shelf), ["sc-3"]);
    let keeping = ConnectOptions {
        clean: false,
        ..carried::options_of(crate::protocol::Version::V311)
    };
    let stream = client.attach(1 << 16, keeping, "connect");
    carried::sent(&stream);
    client.feed(&stream, &[0x20, 2, 1, 0]);
    assert_eq!(carried::sent(&stream), b"\x62\x02\x00\x03");
    client.feed(&stream, b"\x70\x02\x00\x03");
    assert_eq!(names(&shelf), [""; 0]);
    assert!(client.heard().contains(&"restored ended".to_owned()));
}

#[test]
fn of_two_records_of_one_identifier_the_clients_own_counts() {
    for ours in [false, true] {
        let shelf = Arc::<Mutex<Shelf>>::default();
        for v5 in [false, true] {
            let payload: &[u8] = if v5 == ours { b"ours" } else { b"theirs" };
            let (sent, received) = (packet(v5, payload, 5), packet(v5, payload, 6));
            let mut writer = client(v5, &shelf);
            assert_eq!(writer.put(Record::Sent(5), &sent), Ok(()));
            assert_eq!(writer.put(Record::Received(6), &received), Ok(()));
        }
        let mut setup = carried::setup();
        setup.create.v5 = ours;
        let client = Carried::new(setup, Some(Box::new(Kept(Arc::clone(&shelf)))));
        let options = ConnectOptions {
            clean: false,
            ..carried::options_of(convert::version(ours))
        };
        let stream = client.attach(1 << 16, options, "connect");
        carried::sent(&stream);
        let connack: &[u8] = if ours {
            &[0x20, 3, 1, 0, 0]
        } else {
            &[0x20, 2, 1, 0]
        };
        client.feed(&stream, connack);
        assert!(carried::sent(&stream).ends_with(b"ours"));
        client.feed(&stream, b"\x62\x02\x00\x06");
        client.feed(&stream, b"\x50\x02\x00\x05");
        client.feed(&stream, b"\x70\x02\x00\x05");
        // In MQTT 5 the message was handed over when it came.
        let heard = client.heard();
        assert_eq!(heard.contains(&"ours".to_owned()), !ours, "{heard:?}");
        // The other one waits for another process.
        let left = [
            RecordKey::new(RecordKind::PublishReceived, !ours, 6).to_string(),
            RecordKey::new(RecordKind::PublishSent, !ours, 5).to_string(),
        ];
        assert_eq!(names(&shelf), left);
    }
}

#[test]
fn a_message_without_acknowledgement_is_stored_where_the_program_wants_that() {
    for persist_qos0 in [false, true] {
        let shelf = Arc::<Mutex<Shelf>>::default();
        let create = CreateOptions {
            persist_qos0,
            ..CreateOptions::default()
        };
        let mut records = Records::new(Box::new(Kept(Arc::clone(&shelf))), &create);
        for qos in [QoS::AtMostOnce, QoS::AtLeastOnce] {
            let stored = records.store_command(&message(b"x", 0, qos), 1);
            let expected = persist_qos0 || qos != QoS::AtMostOnce;
            assert_eq!(stored.expect("stored").is_some(), expected);
        }
    }
}

/// A store with three messages of the program's queue, and their keys.
fn three_messages() -> (Arc<Mutex<Shelf>>, Vec<RecordKey>) {
    let shelf = Arc::<Mutex<Shelf>>::default();
    let mut writer = client(false, &shelf);
    let stored = [b"1", b"2", b"3"].map(|payload| {
        let stored = writer.store_message::<Program<false>>(&payload.to_vec(), Receipt::None);
        stored.expect("stored")
    });
    (shelf, stored.into())
}

/// A client on that store, of a program that may have so many unread messages.
fn reader(shelf: &Arc<Mutex<Shelf>>, unread: usize, set: impl FnOnce(&Program<false>)) -> Carried {
    let mut setup = carried::setup();
    setup.create.restore_messages = true;
    let store = Box::new(Kept(Arc::clone(shelf)));
    Carried::prepared(setup, Some(store), |client| {
        client.set_unread_limits(unread, 1000);
        set(client.host());
    })
}

#[test]
fn messages_in_the_store_are_read_as_the_program_has_room_for_them() {
    let (shelf, keys) = three_messages();
    let client = reader(&shelf, 2, |program| {
        program.keeps.store(true, Ordering::Relaxed);
    });
    assert_eq!(client.heard(), ["1", "2"]);
    let counters = client.counters();
    assert_eq!((counters.unread_messages, counters.unread_bytes), (3, 2));
    client.work();
    assert!(client.heard().is_empty());
    let taken = Count {
        messages: 1,
        bytes: 1,
        stored: 0,
    };
    client.taken(taken, &keys[..1], false);
    assert_eq!(client.heard(), ["3"]);
    assert_eq!(names(&shelf), ["q-2", "q-3"], "until it was taken");
    for key in &keys[1..] {
        client.taken(taken, &[*key], false);
    }
    let counters = client.counters();
    assert_eq!((counters.unread_messages, counters.unread_bytes), (0, 0));
    assert_eq!(names(&shelf), [""; 0]);
}

#[test]
fn a_message_in_the_store_that_is_not_taken_stays_the_first() {
    let (shelf, _) = three_messages();
    let client = reader(&shelf, 10, |program| {
        program.refuses.store(true, Ordering::Relaxed);
    });
    assert_eq!(client.heard()[0], "1?");
    client.put_off_offers();
    client.heard();
    let counters = client.counters();
    assert_eq!((counters.unread_messages, counters.unread_bytes), (3, 0));
    assert_eq!(names(&shelf).len(), 3);
    client.host().refuses.store(false, Ordering::Relaxed);
    client.tick(carried::FAR * 2);
    assert_eq!(client.heard(), ["1", "2", "3"]);
    assert_eq!(client.counters().unread_messages, 0);
    assert_eq!(names(&shelf), [""; 0]);
}

/// A packet of QoS 1.
fn at_least_once(payload: &[u8], id: u16) -> Vec<u8> {
    let mut packet = bytes::BytesMut::new();
    message(payload, id, QoS::AtLeastOnce)
        .encode(convert::version(false), &mut packet)
        .expect("can be encoded");
    packet.into()
}

#[test]
fn while_a_record_stands_in_those_sent_later_do_not_overtake_it() {
    let shelf = Arc::<Mutex<Shelf>>::default();
    let mut records = client(false, &shelf);
    let waits = records.store_command(&message(b"x", 0, QoS::AtLeastOnce), 1);
    let waits = waits.expect("stored");
    // There is no room for the record of the message in flight: the one that waited will do.
    shelf.lock().refuses = true;
    assert_eq!(records.promote(waits, 3, &at_least_once(b"x", 3)), Ok(()));
    shelf.lock().refuses = false;
    assert_eq!(names(&shelf), ["c-1"]);
    assert_eq!(
        records.put(Record::Sent(4), &at_least_once(b"y", 4)),
        Ok(())
    );
    assert_eq!(names(&shelf), ["c-1", "c-2"], "sent again behind it");
    assert_eq!(
        records.put(Record::Sent(5), &packet(false, b"z", 5)),
        Ok(())
    );
    assert_eq!(names(&shelf), ["c-1", "c-2", "s-5"]);
    for (id, left) in [(3, &["c-2", "s-5"][..]), (4, &["s-5"]), (5, &[])] {
        records.discard(Record::Sent(id));
        assert_eq!(names(&shelf), left);
    }
    assert_eq!(
        records.put(Record::Sent(6), &at_least_once(b"y", 6)),
        Ok(())
    );
    assert_eq!(names(&shelf), ["s-6"], "none stands in any longer");
}

#[test]
fn a_record_of_the_other_version_that_is_replaced_or_gone_is_not_looked_for() {
    let shelf = Arc::<Mutex<Shelf>>::default();
    let taken_over = |id| {
        let mut theirs = client(true, &shelf);
        let received = packet(true, b"theirs", id);
        assert_eq!(theirs.put(Record::Received(id), &received), Ok(()));
        let mut records = client(false, &shelf);
        records.take_over(RecordKey::new(RecordKind::PublishReceived, true, id.into()));
        assert_eq!(names(&shelf), [format!("r5-{id}")]);
        records
    };
    let ours = packet(false, b"ours", 7);
    // Written anew, gone, and handed over: each time the next one of that identifier is this client's alone.
    let mut records = taken_over(7);
    assert_eq!(records.put(Record::Received(7), &ours), Ok(()));
    assert_eq!(names(&shelf), ["r-7"]);
    records.discard(Record::Received(7));
    assert_eq!(names(&shelf), [""; 0]);
    let mut records = taken_over(7);
    records.discard(Record::Received(7));
    assert_eq!(records.put(Record::Received(7), &ours), Ok(()));
    assert_eq!(names(&shelf), ["r-7"]);
    records.discard(Record::Received(7));
    let mut records = taken_over(7);
    let receipt = Receipt::Released(7);
    let stored = records.store_message::<Program<false>>(&b"q".to_vec(), receipt);
    assert!(stored.is_ok());
    assert_eq!(names(&shelf), ["q-1"]);
    assert_eq!(records.put(Record::Received(7), &ours), Ok(()));
    assert_eq!(names(&shelf), ["q-1", "r-7"]);
}

#[test]
fn a_receipt_that_is_gone_stands_for_no_message() {
    let shelf = Arc::<Mutex<Shelf>>::default();
    let mut records = client(false, &shelf);
    let key = received(&mut records, 7, b"x");
    // Its message gets no record of its own, for there is no room.
    shelf.lock().refuses = true;
    records.discard(Record::Received(7));
    shelf.lock().refuses = false;
    records.message_taken(key);
    assert_eq!(names(&shelf), [""; 0]);
}

#[test]
fn pauses_begin_anew_when_the_store_works_again() {
    use std::time::Duration;
    let first = Duration::from_millis(200);
    let shelf = Arc::<Mutex<Shelf>>::default();
    let mut records = client(false, &shelf);
    assert_eq!(
        records.put(Record::Sent(3), &packet(false, b"x", 3)),
        Ok(())
    );
    let refused = |records: &mut Records, pauses: u32| {
        let before = Instant::now();
        shelf.lock().refuses = true;
        assert_eq!(records.load_sent(3), Loaded::Later);
        shelf.lock().refuses = false;
        let at = records.retry_at().expect("an alarm");
        let pause = first * pauses;
        assert!(at >= before + pause && at <= Instant::now() + pause);
        assert!(records.take_retry(at));
    };
    refused(&mut records, 1);
    refused(&mut records, 2);
    assert!(matches!(records.load_sent(3), Loaded::Ready(_)));
    // It has been read.
    refused(&mut records, 1);
    refused(&mut records, 2);
    let sent = packet(false, b"x", 4);
    assert_eq!(records.put(Record::Sent(4), &sent), Ok(()));
    // It has been written.
    refused(&mut records, 1);
}
