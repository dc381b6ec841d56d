//! Who writes, for how long, and what becomes of it.

use super::*;
use crate::engine::Event;
use crate::engine::tests::carried::FAR;
use crate::engine::tests::publish;
use crate::protocol::QoS;
use crate::protocol::reason::IMPLEMENTATION_SPECIFIC_ERROR;
use crate::protocol::session::MAX_AHEAD;

/// Publishes a small message at `QoS` 0.
fn say(client: &Client<Program<false>>) {
    let message = publish(QoS::AtMostOnce, b"x");
    client.send(&message, "x").expect("accepted");
}

/// Appends a packet that no operation waits for.
pub fn append(core: &mut Guard<'_, Program<false>>) {
    core.outputs.out.tail().extend_from_slice(&[0xc0, 0]);
}

/// Has each callback but the last publish a message: the program's answer to the end of the one before.
fn say_more(client: &Arc<Client<Program<false>>>, times: usize) {
    if times == 0 {
        return;
    }
    let again = Arc::clone(client);
    let inside = move || {
        say(&again);
        say_more(&again, times - 1);
    };
    *client.host().inside.lock() = Some(Box::new(inside));
}

#[test]
fn in_a_burst_calls_leave_their_bytes_to_the_reactor() {
    let (client, layer) = connected(Version::V311);
    let mut core = client.lock();
    connection(&mut core).pace.ask();
    drop(core);
    say(&client);
    say(&client);
    let mut core = client.lock();
    // A thread of the reactor that finds them is no call.
    core = client.write_some(core, Thread::Reactor);
    assert_eq!(layer.writes(), (0, 0));
    assert!(connection(&mut core).pace.carry());
    assert_eq!(connection(&mut core).pace.take(), 2);
    drop(core);
    say(&client);
    let mut core = client.lock();
    assert_eq!(connection(&mut core).pace.take(), 1);
    core = client.carry_burst(core);
    assert_eq!(layer.writes(), (1, 3 * 6));
    assert!(!connection(&mut core).pace.is_burst(), "nothing more came");
    drop(core);
    assert_eq!(client.heard(), ["x ended"; 3]);
    say(&client);
    assert_eq!(layer.writes(), (1, 6), "a call writes again");
}

#[test]
fn only_calls_that_follow_closely_ask_the_reactor() {
    // Who writes, whether it follows the write before closely, and whether the program writes for itself.
    for (thread, close, by_program, asks) in [
        (Thread::Caller, true, false, true),
        (Thread::Caller, false, false, false),
        (Thread::Reactor, true, false, false),
        (Thread::Caller, true, true, false),
    ] {
        let (client, layer) = connected(Version::V311);
        let mut core = client.lock();
        core.driving.by_program.write = by_program;
        let last_write = Instant::now() + FAR;
        let mut calls = 0;
        while calls < 100 && !connection(&mut core).pace.is_burst() {
            if close {
                connection(&mut core).pace.written(last_write);
            }
            append(&mut core);
            core = client.write_some(core, thread);
            calls += 1;
            if !close {
                connection(&mut core).pace.pause();
            }
        }
        assert_eq!(connection(&mut core).pace.is_asked(), asks);
        assert_eq!(calls < 100, asks);
        let written = calls - usize::from(asks);
        assert_eq!(layer.writes(), (written, 2 * written), "who asks leaves it");
        assert_eq!(core.outputs.out.is_empty(), !asks);
    }
}

/// A caller does not write for ever: it has so many turns, and the reactor goes on.
#[test]
fn what_a_caller_does_not_write_in_its_turns_the_reactor_does() {
    let large = vec![0; 2 * CALLERS_TURNS * WRITE_STEP];
    for by_program in [false, true] {
        let (client, layer) = connected(Version::V311);
        client.lock().driving.by_program.write = by_program;
        let message = publish(QoS::AtMostOnce, &large);
        client.send(&message, "large").expect("accepted");
        assert_eq!(layer.writes().1, CALLERS_TURNS * WRITE_STEP);
        let mut core = client.lock();
        assert_eq!(connection(&mut core).pace.is_asked(), !by_program);
        assert!(connection(&mut core).writer.is_due());
        if by_program {
            continue;
        }
        drop(core);
        client.lock().alarm.scheduled = true;
        Arc::clone(&client.0).scheduled();
        let left = large.len() + 7 - CALLERS_TURNS * WRITE_STEP;
        assert_eq!(layer.writes().1, left);
        assert_eq!(client.heard(), ["large ended"]);
    }
}

#[test]
fn a_burst_is_carried_for_so_many_turns_and_then_by_another_thread() {
    let (client, layer) = connected(Version::V311);
    let mut core = client.lock();
    connection(&mut core).pace.ask();
    append(&mut core);
    for _ in 0..2 * BURST_TURNS {
        let more = Arc::clone(&client.0);
        layer.inside_write(move || {
            // Two calls: no thin write.
            say(&more);
            say(&more);
            Ok(())
        });
    }
    assert!(connection(&mut core).pace.carry());
    core = client.carry_burst(core);
    assert_eq!(layer.writes().0, BURST_TURNS);
    assert!(connection(&mut core).pace.is_asked(), "another one comes");
    // That one goes on where this one stopped.
    assert!(connection(&mut core).pace.carry());
    core = client.carry_burst(core);
    assert_eq!(layer.writes().0, BURST_TURNS);
    drop(core);
}

#[test]
fn a_large_message_is_carried_for_so_many_turns_too() {
    let (client, layer) = connected(Version::V311);
    let mut core = client.lock();
    let large = vec![0; (BURST_TURNS + 1) * WRITE_STEP];
    core.outputs.out.tail().extend_from_slice(&large);
    connection(&mut core).pace.ask();
    assert!(connection(&mut core).pace.carry());
    core = client.carry_burst(core);
    assert_eq!(layer.writes().1, BURST_TURNS * WRITE_STEP);
    assert!(connection(&mut core).pace.is_asked());
    assert!(connection(&mut core).pace.carry());
    core = client.carry_burst(core);
    assert_eq!(layer.writes().1, WRITE_STEP);
    assert!(!connection(&mut core).pace.is_burst());
    drop(core);
}

/// The program hears of what has been written between two writes, and its answers are part of the burst, until these are so
/// thin that it can as well write them itself.
#[test]
fn thin_writes_end_a_burst() {
    let (client, layer) = connected(Version::V311);
    let mut core = client.lock();
    connection(&mut core).pace.ask();
    drop(core);
    say(&client);
    say_more(&client, 100);
    let mut core = client.lock();
    assert!(connection(&mut core).pace.carry());
    core = client.carry_burst(core);
    let (writes, bytes) = layer.writes();
    assert!(writes > 1 && writes < 100, "{writes}");
    assert_eq!(bytes, 6 * writes, "one message each");
    assert!(!connection(&mut core).pace.is_burst());
    assert_eq!(
        client.heard().len(),
        writes - 1,
        "the last end is yet to be told"
    );
    // Nothing of it is left over.
    client.host().inside.lock().take();
    drop(client.settle(core, Thread::Caller));
    assert_eq!(client.heard().len(), 1);
}

/// Threads that wait are woken between two writes, and at the end, which they may have waited for.
#[test]
fn who_waits_learns_of_each_write_and_of_the_end() {
    for waiters in [0, 1] {
        let (client, layer) = connected(Version::V311);
        let mut core = client.lock();
        core.waiters = waiters;
        append(&mut core);
        let _ = core.outputs.take_progress();
        let turn;
        (core, turn) = client.write_turn(core);
        assert!(matches!(turn, Turn::Wrote));
        assert_eq!(core.outputs.take_progress(), waiters > 0);

        let seen = Arc::new(Mutex::new(Vec::new()));
        append(&mut core);
        let more = Arc::clone(&client.0);
        layer.inside_write(move || {
            append(&mut more.lock());
            Ok(())
        });
        let (look, notes) = (Arc::clone(&client.0), Arc::clone(&seen));
        layer.inside_write(move || {
            notes.lock().push(look.lock().outputs.take_progress());
            Ok(())
        });
        connection(&mut core).pace.ask();
        assert!(connection(&mut core).pace.carry());
        core = client.carry_burst(core);
        assert_eq!(*seen.lock(), [false], "they have been told of the first");
        assert_eq!(core.outputs.take_progress(), waiters > 0, "of the end");
        core.waiters = 0;
    }
}

#[test]
fn a_full_socket_ends_a_burst() {
    let (client, layer) = connected(Version::V311);
    let mut core = client.lock();
    append(&mut core);
    layer.inside_write(|| Err(io::ErrorKind::WouldBlock.into()));
    connection(&mut core).pace.ask();
    assert!(connection(&mut core).pace.carry());
    core = client.carry_burst(core);
    let connection = connection(&mut core);
    assert!(connection.writer.is_blocked() && !connection.writer.is_due());
    assert!(!connection.pace.is_burst(), "who finds room writes");
    assert_eq!(layer.writes(), (0, 0));
}

#[test]
fn a_write_that_fails_ends_the_connection() {
    let (client, layer) = connected(Version::V311);
    layer.inside_write(|| Err(io::ErrorKind::BrokenPipe.into()));
    say(&client);
    assert!(!client.is_connected());
    let heard = client.heard();
    assert!(
        heard[0].starts_with("lost: ") || heard[1].starts_with("lost: "),
        "{heard:?}"
    );
    assert!(heard.contains(&"x failed".to_owned()), "{heard:?}");
}

/// A connection ends while a thread writes to it: how far that came is what the program is told, and what was left to be said is
/// said behind it only if all of it was written.
#[test]
fn a_thread_that_writes_to_a_lost_connection_ends_what_it_has_written() {
    for all in [true, false] {
        let (client, layer) = connected(Version::V5);
        let this = Arc::clone(&client.0);
        layer.inside_write(move || {
            let mut core = this.lock();
            this.say_why(&mut core, IMPLEMENTATION_SPECIFIC_ERROR);
            // Not `lose`, which asks the layer why: that is in use here.
            assert!(this.drop_connection(&mut core).is_some());
            Ok(())
        });
        if !all {
            layer.inside_write(|| Err(io::ErrorKind::WouldBlock.into()));
        }
        let large = vec![0; PIECE];
        let message = publish(QoS::AtMostOnce, &large);
        let before = client.counters().bytes_out;
        layer.writes();
        client.send(&message, "large").expect("accepted");
        let heard = client.heard();
        let end = if all { "large ended" } else { "large failed" };
        assert!(heard.contains(&end.to_owned()), "{heard:?}");
        let begun = layer.0.lock().begun.clone();
        assert_eq!(begun[0], 0x30);
        assert_eq!(begun.contains(&0xe0), all, "DISCONNECT: {begun:?}");
        // Each byte is counted once.
        let count = client.counters().bytes_out - before;
        assert_eq!(count, layer.writes().1 as u64);
    }
}

/// Calls are measured from the last write, and the server's time from there too.
#[test]
fn a_write_is_noted_where_it_counts() {
    let (client, layer) = connected(Version::V311);
    let mut core = client.lock();
    let past = Instant::now().checked_sub(Duration::from_secs(60));
    connection(&mut core)
        .pace
        .written(past.expect("a minute ago"));
    let before = Instant::now();
    append(&mut core);
    layer.0.lock().wants.read = Want::Call;
    let partial = connection(&mut core).reader.begin().expect("the role");
    assert!(!connection(&mut core).reader.end(Found::Nothing, partial));
    core = client.write_some(core, Thread::Reactor);
    let calls = (0..100).take_while(|_| !connection(&mut core).pace.call(before));
    assert!(calls.count() < 100, "the write is later");
    assert!(connection(&mut core).reader.is_due(), "the layer has read");
    layer.0.lock().wants.read = Want::Readable;
}

/// What the program hears of in a burst is what it hears of otherwise.
#[test]
fn a_burst_that_the_program_ends_is_over() {
    let (client, layer) = connected(Version::V311);
    let mut core = client.lock();
    core.outputs.tell(Event::Room);
    append(&mut core);
    connection(&mut core).pace.ask();
    let this = Arc::clone(&client.0);
    let inside = move || drop(this.abort(Loss::new(LossCause::Aborted, "given up")));
    *client.host().inside.lock() = Some(Box::new(inside));
    assert!(connection(&mut core).pace.carry());
    core = client.carry_burst(core);
    assert!(core.lifecycle.connection().is_none());
    drop(client.settle(core, Thread::Caller));
    assert_eq!(layer.writes().0, 1);
    assert_eq!(client.heard()[..1], ["room"]);
}

/// A packet of which the socket took a part is not followed by a DISCONNECT: the server would take that for the rest of it.
#[test]
fn nothing_is_said_behind_half_a_packet() {
    for blocked in [true, false] {
        let (client, layer) = connected(Version::V5);
        layer.inside_write(|| Ok(()));
        if blocked {
            layer.inside_write(|| Err(io::ErrorKind::WouldBlock.into()));
        }
        let large = vec![0; PIECE];
        let message = publish(QoS::AtMostOnce, &large);
        client.send(&message, "large").expect("accepted");
        // No packet begins like this.
        layer.0.lock().reads.push_back(In::Bytes(vec![0, 0]));
        client.work();
        assert!(!client.is_connected());
        let begun = layer.0.lock().begun.clone();
        assert_eq!(begun.contains(&0xe0), !blocked, "{begun:?}");
    }
}

/// What a layer has kept back is to be written as much as what the program has published.
#[test]
fn the_programs_thread_is_told_of_what_a_layer_has_kept_back() {
    let (client, layer) = connected(Version::V311);
    client.lock().driving.by_program.write = true;
    for (wants, write) in [
        (Want::Nothing, false),
        (Want::Writable, true),
        (Want::Nothing, false),
    ] {
        let mut script = layer.0.lock();
        script.wants.write = wants;
        script.reads.push_back(In::Again);
        drop(script);
        drop(client.read_some(client.lock()));
        assert_eq!(client.wants().write, write);
    }
}

/// The program is so far ahead of the socket that its messages wait: they go out when the socket has taken what was before them.
#[test]
fn what_waits_for_room_goes_out_when_there_is_some() {
    const PAYLOAD: usize = 1 << 20;
    let count = 2 + usize::try_from(MAX_AHEAD).expect("a size") / PAYLOAD;
    let (client, layer) = connected(Version::V311);
    layer.inside_write(|| Err(io::ErrorKind::WouldBlock.into()));
    let payload = vec![0; PAYLOAD];
    let message = publish(QoS::AtMostOnce, &payload);
    for _ in 0..count {
        client.send(&message, "x").expect("accepted");
    }
    assert!(client.heard().is_empty() && client.lock().session.queued() > 0);
    let mut core = client.lock();
    connection(&mut core).writer.may_have_room();
    drop(client.settle(core, Thread::Caller));
    // A caller has its turns, and the reactor goes on, from here on by itself.
    Arc::clone(&client.0).scheduled();
    assert_eq!(client.host().wait_for(count), vec!["x ended"; count]);
}
