//! What one read brings, and what becomes of the bytes that it did not use.

use super::*;
use crate::engine::connection::writer::Wrote;
use crate::engine::delivery::queue::Limits;

/// Returns the beginning of a PUBLISH at `QoS` 0 whose payload has so many bytes.
fn header(size: usize) -> Vec<u8> {
    let mut length = 3 + size;
    let mut packet = vec![0x30];
    while length > 0x7f {
        packet.push(u8::try_from(length & 0x7f).expect("7 bits") | 0x80);
        length >>= 7;
    }
    packet.push(u8::try_from(length).expect("7 bits"));
    packet.extend_from_slice(b"\0\x01t");
    packet
}

/// Returns that message, and its payload, in which no byte is like its neighbours.
fn message(size: usize) -> (Vec<u8>, String) {
    let payload: String = (b'a'..=b'w').cycle().map(char::from).take(size).collect();
    ([&header(size)[..], payload.as_bytes()].concat(), payload)
}

/// Has the client read all that the layer has, whatever a single read brings.
fn read_all(client: &Carried, layer: &Scripted) {
    while !layer.0.lock().reads.is_empty() {
        client.work();
    }
    client.work();
}

/// A large packet, in whatever pieces it comes, is what it was; what comes behind it is not lost, and counted once.
#[test]
fn a_large_packet_comes_in_pieces() {
    let (large, payload) = message(LARGE + 3 * READ_TURN);
    let (small, text) = message(3);
    let all = [&large[..], &small, &large, &small].concat();
    for piece in [
        1000,
        LARGE,
        READ_TURN,
        large.len() - 1,
        large.len() + 1,
        all.len(),
    ] {
        let (client, layer) = connected(Version::V311);
        let before = client.counters().bytes_in;
        let mut count = 0;
        for (at, bytes) in all.chunks(piece).enumerate() {
            let mut script = layer.0.lock();
            script.reads.push_back(In::Bytes(bytes.to_vec()));
            if at % 2 == 0 {
                script.reads.push_back(In::Again);
            }
            count += bytes.len();
            drop(script);
            if at % 3 == 0 {
                // Until there is nothing, with the packet half read.
                read_all(&client, &layer);
            }
        }
        read_all(&client, &layer);
        let heard = client.heard();
        assert_eq!(heard.len(), 4, "{piece}");
        assert!(
            heard == [&payload, &text, &payload, &text].map(String::as_str),
            "{piece}"
        );
        assert_eq!(client.counters().bytes_in - before, count as u64);
        let core = client.lock();
        assert!(core.lifecycle.connection().is_some());
    }
}

/// The length alone reserves nothing: a buffer grows with what has come.
#[test]
fn a_length_field_alone_takes_no_memory() {
    let (client, layer) = connected(Version::V311);
    let mut beginning = header(200 << 20);
    beginning.resize(LARGE, b'x');
    layer.0.lock().reads.push_back(In::Bytes(beginning));
    for size in [LARGE, LARGE + 9] {
        client.work();
        let mut core = client.lock();
        let partial = connection(&mut core).reader.begin().expect("the role");
        assert_eq!(partial.len(), size);
        assert!(partial.capacity() <= 2 * GROWTH);
        assert!(!connection(&mut core).reader.end(Found::Nothing, partial));
        // That much more in a buffer of its own.
        let more = In::Bytes(vec![b'x'; 9]);
        layer.0.lock().reads.push_back(more);
    }
}

#[test]
fn the_end_in_the_middle_of_a_large_packet_is_the_end() {
    for cut in [false, true] {
        let (client, layer) = connected(Version::V311);
        let (mut large, _) = message(4 * LARGE);
        large.truncate(if cut { 2 * LARGE } else { 10 });
        let mut script = layer.0.lock();
        script.reads.extend([In::Bytes(large), In::End]);
        drop(script);
        read_all(&client, &layer);
        assert_eq!(client.heard(), ["lost: the server closed the connection"]);
    }
}

/// A write may wait for what a layer reads: it is tried again then.
#[test]
fn a_read_wakes_a_write_that_waits_for_it() {
    for (wants, due) in [(Want::Call, true), (Want::Writable, false)] {
        let (client, layer) = connected(Version::V311);
        let mut core = client.lock();
        let batch = connection(&mut core).writer.begin(true).expect("the role");
        connection(&mut core).writer.end(Wrote::Full, batch);
        let mut script = layer.0.lock();
        script.wants.write = wants;
        script.reads.push_back(In::Again);
        drop(script);
        core = client.read_some(core);
        assert_eq!(connection(&mut core).writer.is_due(), due);
        layer.0.lock().wants.write = Want::Nothing;
    }
}

/// The program does not keep up, and an event says that there is more: it is not read before the program has caught up.
#[test]
fn an_event_does_not_have_a_client_read_that_may_not() {
    for (messages, heard) in [(0, 0), (1, 1)] {
        let (client, layer) = connected(Version::V311);
        let mut core = client.lock();
        let bytes = 100;
        core.outputs.queue.set_limits(Limits { messages, bytes });
        drop(core);
        layer.0.lock().reads.push_back(In::Bytes(message(3).0));
        let readiness = Readiness {
            readable: true,
            writable: false,
            hangup: false,
        };
        Arc::clone(&client.0).ready(readiness);
        assert_eq!(client.heard().len(), heard);
        let core = client.lock();
        let connection = core.lifecycle.connection().expect("a connection");
        assert_eq!(connection.reader.is_due(), heard == 0, "it is not lost");
    }
}

/// A timer that has expired is set no longer: the next one is.
#[test]
fn a_timer_that_has_expired_is_forgotten() {
    let (client, _layer) = connected(Version::V311);
    client.lock().alarm.timer = Some(Instant::now());
    Arc::clone(&client.0).expired();
    assert_eq!(
        client.lock().alarm.timer,
        None,
        "the program keeps the time"
    );
}

#[test]
fn why_the_server_has_left_can_be_asked_for() {
    let (client, layer) = connected(Version::V5);
    let disconnect = In::Bytes(b"\xe0\x02\x8b\0".to_vec());
    layer.0.lock().reads.push_back(disconnect);
    client.work();
    let (_, error) = client.last_error().expect("an error");
    assert!(error.text.contains("shutting down"), "{}", error.text);
}

/// A connection ends while a thread reads from it, and another begins: what the thread brings belongs to neither.
#[test]
fn what_a_read_brings_from_a_connection_that_is_gone_is_nothing() {
    let large = || {
        let (mut large, _) = message(2 * LARGE);
        let rest = large.split_off(LARGE + 1);
        (large, rest)
    };
    let broken = || vec![0, 0];
    for (begun, then) in [
        (None, In::Bytes(message(3).0)),
        (None, In::Bytes(broken())),
        (None, In::Again),
        (None, In::End),
        (Some(large().0), In::Bytes(large().1)),
        (Some(large().0), In::Again),
        (Some(large().0), In::End),
    ] {
        let (client, layer) = connected(Version::V311);
        if let Some(begun) = begun {
            layer.0.lock().reads.push_back(In::Bytes(begun));
            read_all(&client, &layer);
        }
        let (this, next) = (Arc::clone(&client.0), Arc::new(Mutex::new(None)));
        let kept = Arc::clone(&next);
        let inside = move || {
            let mut core = this.lock();
            // Not `lose`, which asks the layer why: that is in use here.
            assert!(this.drop_connection(&mut core).is_some());
            // Nor is it closed here, for that.
            let ended = core.retired.take();
            drop(core);
            let (link, stream) = Link::stream(1 << 16, Arc::new(|_| {}));
            let begun = this.attach(link, options_of(Version::V311), "next");
            assert!(begun.is_ok());
            *kept.lock() = Some((stream, ended));
        };
        let then = In::Then(Box::new(inside), Box::new(then));
        layer.0.lock().reads.push_back(then);
        drop(client.settle(client.read_some(client.lock()), Thread::Caller));
        let (stream, _ended) = next.lock().take().expect("it has begun");
        assert!(client.heard().is_empty() && !stream.is_ended());
        // The next connection's reader has nothing of it.
        client.feed(&stream, connack(Version::V311));
        client.feed(&stream, &message(1).0);
        assert_eq!(client.heard(), ["next up", "connected", "a"]);
    }
}

/// Where a read may have left something, no event tells of it: it is read again.
#[test]
fn what_a_read_may_have_left_is_due() {
    let small = message(3).0;
    let full = small.repeat(READ_TURN / small.len() + 1);
    let (large, _) = message(2 * LARGE + GROWTH);
    let (begun, more) = large.split_at(LARGE + 1);
    // What has come before, what the read brings, what the layer still holds, and whether it is read again.
    for (begun, bytes, wants, due) in [
        (&b""[..], &small[..], Want::Readable, false),
        (b"", &small, Want::Call, true),
        (b"", &full[..READ_TURN], Want::Readable, true),
        (begun, &more[..9], Want::Readable, false),
        (begun, &more[..9], Want::Call, true),
        (begun, &more[..GROWTH], Want::Readable, true),
    ] {
        let (client, layer) = connected(Version::V311);
        if !begun.is_empty() {
            layer.0.lock().reads.push_back(In::Bytes(begun.to_vec()));
            read_all(&client, &layer);
        }
        let mut script = layer.0.lock();
        script.reads.push_back(In::Bytes(bytes.to_vec()));
        script.wants.read = wants;
        drop(script);
        let mut core = client.read_some(client.lock());
        assert!(layer.0.lock().reads.is_empty());
        let found = connection(&mut core).reader.is_due();
        assert_eq!(found, due, "{} {}", begun.len(), bytes.len());
        layer.0.lock().wants.read = Want::Readable;
    }
}
