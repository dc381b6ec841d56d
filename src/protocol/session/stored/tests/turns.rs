//! What goes out of a store when a connection begins: how much in one turn, under which identifiers, and what does not go out.

use super::*;
use crate::protocol::packet::{Filter, encode_subscribe, encode_unsubscribe};
use crate::protocol::property::{Properties, Property, PropertyId, Value};
use crate::protocol::session::{Options, Refused};

const SUBSCRIBE: u8 = 8;
const UNSUBSCRIBE: u8 = 10;

/// Returns a SUBSCRIBE, or an UNSUBSCRIBE, of two filters as another process stored it.
fn request(version: Version, subscribe: bool) -> Stored {
    let mut packet = BytesMut::new();
    let encoded = if subscribe {
        let filters = [Filter::of(b"a", 1), Filter::of(b"b", 1)];
        encode_subscribe(version, 1, &filters, PropertiesRef::EMPTY, &mut packet)
    } else {
        encode_unsubscribe(version, 1, &[b"a", b"b"], PropertiesRef::EMPTY, &mut packet)
    };
    encoded.expect("can be encoded");
    Stored::Request {
        packet: packet.into(),
        filters: 2,
    }
}

fn properties(id: PropertyId, value: Value<'_>) -> Properties {
    let mut properties = Properties::new();
    let pushed = properties.push(Property { id, value });
    pushed.expect("a valid property");
    properties
}

/// Returns true if that identifier is one of those that are free.
fn is_free(run: &mut Run, id: u16) -> bool {
    let mut given = HashSet::new();
    while let Some(next) = run.session.inflight.next_id() {
        if !given.insert(next) {
            break;
        }
    }
    given.contains(&id)
}

/// A store may be slow, and others wait for the session: a turn reads so many records, and says that there are more.
#[test]
fn so_many_records_are_read_in_a_turn() {
    let count = u16::try_from(LOADS).expect("few") + 3;
    for in_flight in [true, false] {
        let mut run = Run::new(Version::V311);
        for id in 1..=count {
            let packet = run.publish(QoS::AtLeastOnce, if in_flight { id } else { 0 });
            if in_flight {
                run.world.sent.insert(id, packet);
                assert!(run.session.restore_sent(id, false, id.into()));
            } else {
                run.queue(id.into(), packet);
            }
        }
        run.connect(true);
        assert_eq!(run.world.packets().len(), LOADS);
        assert_eq!(run.world.loads, LOADS);
        assert!(run.session.has_unreleased());
        run.session.release(run.now, &mut run.world);
        assert_eq!(run.world.packets().len(), 3);
        assert!(!run.session.has_unreleased());
        // What is not connected has nothing to release.
        run.session.connection_lost(&mut run.world);
        assert!(!run.session.has_unreleased());
    }
}

#[test]
fn a_request_of_another_process_goes_out_under_an_identifier_of_this_one() {
    for version in [Version::V311, Version::V5] {
        for (subscribe, kind) in [(true, SUBSCRIBE), (false, UNSUBSCRIBE)] {
            let mut run = Run::with_records(version);
            run.queue_stored(3, request(version, subscribe));
            let packet = run.publish(QoS::AtMostOnce, 0);
            run.queue(4, packet);
            run.connect(true);
            let packets = run.world.packets();
            // Those in flight have 1 to 3, the messages before it 4 and 5.
            assert_eq!(packets[5..], [(kind, 6), (PUBLISH, 0)]);
            let gone = [3, 4].map(|record| Record::Queued(RecordHandle(record)));
            assert_eq!(run.world.discarded, gone);
            assert_eq!(run.world.ended, [(14, true)]);
            let answer: &[u8] = match (subscribe, version) {
                (true, Version::V5) => b"\x90\x05\0\x06\0\x01\x01",
                (true, _) => b"\x90\x04\0\x06\x01\x01",
                (false, Version::V5) => b"\xB0\x05\0\x06\0\0\0",
                (false, _) => b"\xB0\x02\0\x06",
            };
            let used = run.session.receive(answer, run.now, &mut run.world);
            assert_eq!(used, Ok(answer.len()));
            assert_eq!(run.world.ended, [(14, true), (13, true)]);
        }
    }
}

#[test]
fn a_request_that_the_server_does_not_take_ends_and_the_next_goes_out() {
    let stored = request(Version::V5, true);
    let Stored::Request { packet, .. } = &stored else {
        unreachable!("it is one");
    };
    let size = u32::try_from(packet.len()).expect("small");
    for (max, taken) in [(size, true), (size - 1, false)] {
        let mut run = Run::new(Version::V5);
        run.queue_stored(1, stored.clone());
        let message = run.publish(QoS::AtMostOnce, 0);
        run.queue(2, message);
        let max = properties(PropertyId::MaximumPacketSize, Value::Four(max));
        run.connect_to(false, max.as_ref());
        let packets = run.world.packets();
        assert_eq!(packets.len(), 1 + usize::from(taken));
        assert_eq!(packets.last(), Some(&(PUBLISH, 0)));
        let ended: &[(u32, bool)] = if taken {
            &[(12, true)]
        } else {
            &[(11, false), (12, true)]
        };
        assert_eq!(run.world.ended, ended);
        let record = Record::Queued(RecordHandle(1));
        assert!(run.world.discarded.contains(&record));
    }
}

/// All identifiers are in use: the request stays, and its record is not read again and again in one turn.
#[test]
fn without_a_free_identifier_a_request_waits() {
    let mut run = Run::new(Version::V311);
    run.queue_stored(1, request(Version::V311, true));
    while let Some(id) = run.session.inflight.next_id() {
        run.session.inflight.block(id);
    }
    run.connect(true);
    assert_eq!((run.world.packets(), run.world.loads), (vec![], 1));
    assert!(!run.session.has_unreleased(), "an answer brings it back");
    run.session.inflight.unblock(9);
    run.session.release(run.now, &mut run.world);
    assert_eq!(run.world.packets(), [(SUBSCRIBE, 9)]);
}

/// The time in the store counts, that of an earlier process too ([MQTT-3.3.2-6] says it of the server).
#[test]
fn a_stored_message_goes_out_with_what_is_left_of_its_life() {
    let life = properties(PropertyId::MessageExpiryInterval, Value::Four(10));
    for (waited, left) in [(0, Some(10)), (4, Some(6)), (10, None), (11, None)] {
        let mut run = Run::new(Version::V5);
        let mut packet = BytesMut::new();
        let message = Publish {
            properties: life.as_ref(),
            ..message(QoS::AtLeastOnce, b"x")
        };
        message.encode(Version::V5, &mut packet).expect("encoded");
        let stored = Stored::Publish {
            packet: packet.into(),
            waited: Duration::from_secs(waited),
        };
        run.queue_stored(1, stored);
        run.connect(false);
        let mut batch = Batch::default();
        run.world.out.take(&mut batch);
        let sent = batch.single().unwrap_or_default();
        let interval = sent.windows(5).find(|bytes| bytes[0] == 2);
        let interval = interval.map(|bytes| u32::from(bytes[4]));
        assert_eq!(interval, left);
        let ended: &[(u32, bool)] = if left.is_some() { &[] } else { &[(11, false)] };
        assert_eq!(run.world.ended, ended, "{waited}");
        assert_eq!(run.world.discarded.len(), ended.len(), "with its record");
    }
}

/// What another process may resume counts against the server's quota and the program's, and the rest follows the answers.
#[test]
fn what_is_read_back_keeps_within_the_servers_quota() {
    let mut run = Run::with_records(Version::V5);
    let quota = properties(PropertyId::ReceiveMaximum, Value::Two(2));
    run.connect_to(true, quota.as_ref());
    assert_eq!(
        run.world.packets(),
        [(PUBLISH | DUP, 1), (PUBLISH | DUP, 2)]
    );
    run.receive(AckKind::PubAck, 1);
    assert_eq!(run.world.packets(), [(PUBREL, 3)]);
    run.receive(AckKind::PubComp, 3);
    assert_eq!(run.world.packets(), [(PUBLISH, 1)]);
}

/// A record that is gone, or is none of a message: its operation fails, its identifier is free, and the store is told.
#[test]
fn a_record_that_is_gone_leaves_nothing_behind() {
    let mut run = Run::with_records(Version::V311);
    run.world.sent.remove(&1);
    run.world.queued.remove(&1);
    run.connect(true);
    assert_eq!(run.world.ended, [(1, false), (11, false)]);
    let queued = Record::Queued(RecordHandle(1));
    assert_eq!(run.world.discarded, [Record::Sent(1), queued]);
    let packets = run.world.packets();
    assert_eq!(packets.last(), Some(&(PUBLISH, 1)), "another one has it");

    let mut run = Run::new(Version::V5);
    assert!(run.session.restore_received(7, false));
    run.connect(true);
    run.receive(AckKind::PubRel, 7);
    assert_eq!(run.world.discarded, [Record::Received(7)]);
    assert_eq!(run.world.packets(), [(PUBCOMP, 7)]);
    assert!(run.session.restore_received(7, false), "it is forgotten");
}

/// What can never be read, and stays in the store, is answered as if it were not there.
#[test]
fn a_damaged_message_of_the_servers_is_not_deleted_and_not_waited_for() {
    let mut run = Run::new(Version::V5);
    run.world.received.insert(7, Some("damaged"));
    run.world.damaged = HashSet::from([7]);
    assert!(run.session.restore_received(7, false));
    run.connect(true);
    run.receive(AckKind::PubRel, 7);
    assert_eq!(run.world.packets(), [(PUBCOMP, 7)]);
    assert!(run.world.discarded.is_empty() && run.world.delivered.is_empty());
    assert!(run.session.restore_received(7, false), "it is forgotten");
}

#[test]
fn an_identifier_is_restored_once_and_0_is_none() {
    let mut run = Run::new(Version::V311);
    assert!(!run.session.restore_received(0, false) && !run.session.restore_sent(0, false, 0));
    assert!(run.session.restore_received(7, false));
    assert!(!run.session.restore_received(7, false));
    assert_eq!(run.session.pending_tokens(true), []);
}

#[test]
fn only_a_message_that_is_acknowledged_can_be_sent_again() {
    let run = Run::new(Version::V311);
    let sendable = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce].map(|qos| {
        let packet = run.publish(qos, u16::from(qos != QoS::AtMostOnce));
        is_sendable(Version::V311, 1, &packet)
    });
    assert_eq!(sendable, [false, true, true]);
    assert!(!is_sendable(Version::V311, 1, &[0xc0, 0]));
    let packet = run.publish(QoS::AtLeastOnce, 1);
    assert!(!is_sendable(Version::V311, 2, &packet), "another message's");
    let more = [&packet[..], &[0]].concat();
    assert!(!is_sendable(Version::V311, 1, &more), "not alone");
}

/// A message that waits under an identifier gives it back however it ends.
#[test]
fn the_identifier_of_a_message_that_waits_is_given_back() {
    let mut run = Run::new(Version::V311);
    run.session.set_options(Options {
        ids_at_acceptance: true,
        ..Options::default()
    });
    let message = message(QoS::AtLeastOnce, b"x");
    for op in 1..=4 {
        let (session, world) = (&mut run.session, &mut run.world);
        let accepted = session.publish(&message, None, op, true, run.now, world);
        assert!(accepted.is_ok(), "{accepted:?}");
    }
    assert!((1..=4).all(|id| !is_free(&mut run, id)));
    run.session.drop_oldest(&mut run.world);
    assert!(is_free(&mut run, 1) && !is_free(&mut run, 2));
    assert!(run.session.cancel(2, &mut run.world));
    assert!(is_free(&mut run, 2) && !is_free(&mut run, 3));
    run.connect(false);
    assert_eq!(run.world.packets(), [(PUBLISH, 3), (PUBLISH, 4)]);
    assert!(!is_free(&mut run, 3), "it is in flight");
    run.receive(AckKind::PubAck, 3);
    assert!(is_free(&mut run, 3) && !is_free(&mut run, 4));
    run.session.connection_lost(&mut run.world);
    let (session, world) = (&mut run.session, &mut run.world);
    let accepted = session.publish(&message, None, 5, true, run.now, world);
    assert!(!matches!(accepted, Err(Refused::NoPacketId)));
    run.session.clear_queue(false, &mut run.world);
    assert!((5..=6).all(|id| is_free(&mut run, id)));
}

/// What could not be read on one connection is sent on the next, once.
#[test]
fn what_was_put_off_is_not_sent_twice() {
    let mut run = Run::with_records(Version::V311);
    run.world.unreadable = true;
    run.connect(true);
    run.session.connection_lost(&mut run.world);
    run.world.unreadable = false;
    run.connect(true);
    assert_eq!(run.world.packets().len(), 5);
    run.retry();
    assert_eq!(run.world.packets(), []);
    // Nor is what a session held that has ended.
    let mut run = Run::with_records(Version::V311);
    run.world.unreadable = true;
    run.connect(true);
    run.session.clear(&mut run.world);
    run.world.unreadable = false;
    run.retry();
    assert_eq!(
        run.world.packets(),
        [(PUBLISH, 1), (PUBLISH, 2)],
        "what waits"
    );
}
