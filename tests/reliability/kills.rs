//! Killed at every single step that the store takes: `strace` ends the process as it enters the n-th call of a kind that changes
//! a file, for n from 1 until it gets to the end. Whatever was written by then, nothing is lost and nothing of `QoS` 2 comes
//! twice.
//!
//! One moment cannot be had by any library: killed after the callback has taken effect and before the store knows, the message of
//! that callback is offered again. A call that gives a message tells the store first: killed before it returns, the message is gone.
//!
//! Calls are counted in each thread for itself, so these are the steps of the threads that serve the program; those of the
//! store's background thread are left to the kills at random in `crash`.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::broker::{Broker, Peer};
use crate::packet::{AckKind, Packet, Version};
use crate::puppet::{Api, PATIENCE, Puppet, StoreDir, Whose, may_trace};
use crate::server::message;

/// What changes the store. (Opening a temporary file and writing to it changes nothing that counts before it is renamed.)
const STEPS: [&str; 3] = ["pwrite64", "renameat,renameat2", "unlinkat"];
/// More steps of a kind than any scenario has.
const MANY: u32 = 200;
/// Records up to 256 KiB are journaled, larger ones have files at once. With 20 bytes less than that the packet is journaled
/// and the message, whose record has a longer head, is not.
const SIZES: [usize; 3] = [100, (256 << 10) - 20, 300_000];

/// A process that is killed at the step of that kind and number, counted in each of its threads.
fn killed_at(api: Api, kind: &str, step: u32) -> Puppet {
    let inject = format!("inject={kind}:signal=SIGKILL:when={step}");
    let trace = format!("trace={kind}");
    let strace = [
        "strace",
        "-D",
        "-f",
        "-q",
        "-o",
        "/dev/null",
        "-e",
        &trace,
        "-e",
        &inject,
    ];
    Puppet::start_under(&strace, api)
}

/// The command that creates the client. An MQTTClient has callbacks.
fn create(broker: &Broker, dir: &StoreDir, version: Version) -> String {
    format!(
        "create {} kills {} v5={} offline=1 any=1 callbacks=1",
        broker.uri(),
        dir.path(),
        u8::from(version == Version::V5)
    )
}

/// None where the process does not get there.
fn connect(broker: &Broker, puppet: &mut Puppet, present: bool) -> Option<Peer> {
    let connect = "connect clean=0 keep=0";
    puppet.begin(connect)?;
    while !broker.has_caller() {
        puppet.is_alive().then_some(())?;
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut peer = broker.accept();
    peer.expect_a_kill();
    // A thread that tidies the store may be at the step before CONNECT is written.
    let first = peer.next()?;
    assert!(matches!(first, Packet::Connect(_)), "{first:?}");
    peer.connack(present, &[]);
    // MQTTAsync's comes before the connection.
    puppet.answer(connect)?;
    Some(peer)
}

/// Runs `first` with a process that is killed at each step in turn, then `second` with one that goes on from there.
/// `first` says whether the process was killed.
fn at_every_step<S>(
    name: &str,
    api: Api,
    version: Version,
    first: impl Fn(&Broker, &StoreDir, &mut Puppet) -> (S, bool),
    second: impl Fn(&Broker, &mut Puppet, S),
) {
    let mut kills = 0;
    for kind in STEPS {
        for step in 1.. {
            assert!(step < MANY, "no end of {kind}");
            let broker = Broker::start();
            let dir = StoreDir::new(&format!("kills-{name}-{version:?}"));
            let mut puppet = killed_at(api, kind, step);
            let (state, killed) = first(&broker, &dir, &mut puppet);
            puppet.kill();
            let mut puppet = Puppet::start(api, Whose::Ours);
            puppet.ok(&create(&broker, &dir, version));
            second(&broker, &mut puppet, state);
            if !killed {
                break;
            }
            kills += 1;
        }
    }
    println!("{name}, {version:?}: killed at {kills} steps");
    assert!(kills >= 3, "there is more to it than {kills} steps");
}

/// What a server knows of its `QoS` 2 message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Theirs {
    Published,
    Released,
    Done,
}

/// Plays the server of one `QoS` 2 message from where it stands until it is done. True: the client has gone before.
fn play(peer: &mut Peer, state: &mut Theirs) -> bool {
    loop {
        match (*state, peer.next()) {
            (_, None) => return true,
            (Theirs::Published, Some(Packet::Ack(ack))) if ack.kind == AckKind::PubRec => {
                *state = Theirs::Released;
                peer.ack(AckKind::PubRel, 7);
            }
            (Theirs::Released, Some(Packet::Ack(ack))) if ack.kind == AckKind::PubComp => {
                *state = Theirs::Done;
                return false;
            }
            (_, other) => panic!("{state:?}: {other:?}"),
        }
    }
}

#[test]
fn while_a_message_is_received() {
    if !may_trace() {
        return;
    }
    for version in [Version::V311, Version::V5] {
        for size in SIZES {
            received(version, size);
        }
    }
}

fn received(version: Version, size: usize) {
    let text = "x".repeat(size);
    at_every_step(
        &format!("received-{size}"),
        Api::Async,
        version,
        |broker, dir, puppet| {
            let mut state = Theirs::Published;
            let line = create(broker, dir, version);
            if puppet.try_call(&line).is_none() || puppet.try_call("take 0").is_none() {
                return (state, true);
            }
            let Some(mut peer) = connect(broker, puppet, false) else {
                return (state, true);
            };
            peer.publish(&message("a/b", &text).qos(2, 7));
            let mut killed = play(&mut peer, &mut state);
            // The record gets its file a moment later.
            let deadline = Instant::now() + PATIENCE;
            while !killed && !dir.records().iter().any(|name| name.starts_with('q')) {
                assert!(Instant::now() < deadline, "{:?}", dir.records());
                std::thread::sleep(Duration::from_millis(2));
                killed = !puppet.is_alive();
            }
            (state, killed)
        },
        |broker, puppet, mut state| {
            let mut peer = connect(broker, puppet, true).expect("this one lives");
            match state {
                Theirs::Published => peer.publish(&message("a/b", &text).qos(2, 7).again()),
                Theirs::Released => peer.ack(AckKind::PubRel, 7),
                Theirs::Done => {}
            }
            if state != Theirs::Done {
                assert!(!play(&mut peer, &mut state));
            }
            // The identifier is free for another message.
            let mut state = Theirs::Published;
            peer.publish(&message("a/b", "another").qos(2, 7));
            assert!(!play(&mut peer, &mut state));
            peer.publish(&message("a/b", "end").qos(1, 8));
            peer.expect_ack(AckKind::PubAck, 8);
            let arrived = until_the_end(puppet);
            assert_eq!(
                arrived,
                [text[..text.len().min(200)].to_owned(), "another".into()]
            );
        },
    );
}

/// Payloads of the messages that arrive before the one that says "end".
fn until_the_end(puppet: &mut Puppet) -> Vec<String> {
    let mut arrived = Vec::new();
    loop {
        let line = puppet.expect("message");
        match line.split(' ').nth(1).unwrap_or_default() {
            "end" => return arrived,
            payload => arrived.push(payload.to_owned()),
        }
    }
}

/// More than waits for PUBREL in MQTT 3.1.1: these are handed over before it. The first has a file, the second goes to the journal;
/// the third, for which there is room again, waits for its PUBREL.
const TOO_MUCH: [(u16, usize); 3] = [(7, 900_000), (8, 200_000), (9, 100)];

fn payload((id, size): (u16, usize)) -> String {
    id.to_string() + &"x".repeat(size)
}

#[test]
fn while_messages_are_handed_over_before_their_pubrel() {
    if !may_trace() {
        return;
    }
    for taken in [1, 2] {
        handed_over(Taking::Callback(Api::Async), taken);
        handed_over(Taking::Callback(Api::Client), taken);
    }
    handed_over(Taking::Receive, 2);
}

/// How a program takes messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taking {
    Callback(Api),
    /// `MQTTClient_receive`, within which all packets are processed.
    Receive,
}

/// Plays the server of messages that are all published before the first is released. True: the client has gone before.
fn play_all(peer: &mut Peer, states: &mut [Theirs; 3], released: impl FnOnce() -> bool) -> bool {
    let index = |id: u16| {
        TOO_MUCH
            .iter()
            .position(|(of, _)| *of == id)
            .expect("one of ours")
    };
    while states.contains(&Theirs::Published) {
        match peer.next() {
            None => return true,
            Some(Packet::Ack(ack)) if ack.kind == AckKind::PubRec => {
                states[index(ack.id)] = Theirs::Released;
            }
            Some(Packet::Ack(ack)) if ack.kind == AckKind::PubComp => {
                states[index(ack.id)] = Theirs::Done;
            }
            other => panic!("{states:?}: {other:?}"),
        }
    }
    if !released() {
        return true;
    }
    for (at, (id, _)) in TOO_MUCH.into_iter().enumerate() {
        if states[at] != Theirs::Done {
            peer.ack(AckKind::PubRel, id);
        }
    }
    while states.iter().any(|state| *state != Theirs::Done) {
        match peer.next() {
            None => return true,
            Some(Packet::Ack(ack)) if ack.kind == AckKind::PubComp => {
                states[index(ack.id)] = Theirs::Done;
            }
            other => panic!("{states:?}: {other:?}"),
        }
    }
    false
}

/// The program takes both of the messages that arrive before their PUBREL, or the first only.
fn handed_over(taking: Taking, taken: usize) {
    let (name, api) = match taking {
        Taking::Callback(api) => (format!("handed-over-{api:?}-{taken}"), api),
        Taking::Receive => ("handed-over-receive".to_owned(), Api::Client),
    };
    let version = Version::V311;
    let shown: Vec<String> = TOO_MUCH
        .map(|message| payload(message)[..101].to_owned())
        .into();
    at_every_step(
        &name,
        api,
        version,
        |broker, dir, puppet| {
            let mut states = [Theirs::Published; 3];
            let mut had = Vec::new();
            let mut line = create(broker, dir, version);
            if taking == Taking::Receive {
                line = line.replace("callbacks=1", "callbacks=0");
            }
            let refuse = if taken == 1 { "refuse 8" } else { "refuse -" };
            if puppet.try_call(&line).is_none() || puppet.try_call(refuse).is_none() {
                return ((states, had), true);
            }
            let Some(mut peer) = connect(broker, puppet, false) else {
                return ((states, had), true);
            };
            for of in TOO_MUCH {
                let (id, _) = of;
                peer.publish(&message("a/b", payload(of)).qos(2, id));
            }
            if taking == Taking::Receive {
                let receive = format!("receive {}", PATIENCE.as_millis());
                for _ in TOO_MUCH {
                    let _ = puppet.begin(&receive);
                }
            }
            let mut takes = |puppet: &mut Puppet| {
                let text = next_message(puppet)?;
                if taken == 2 || !text.starts_with('8') {
                    had.push(text);
                }
                Some(())
            };
            // Reading goes on when the first is taken. The second is offered at least.
            let killed = play_all(&mut peer, &mut states, || {
                takes(puppet).is_some() && takes(puppet).is_some()
            });
            // What the dead process said last, or the third message.
            let killed = (killed || !puppet.is_alive()) && {
                while takes(puppet).is_some() {}
                true
            };
            if !killed && taken == 2 {
                takes(puppet);
            }
            ((states, had), killed)
        },
        |broker, puppet, (mut states, had)| {
            let mut peer = connect(broker, puppet, true).expect("this one lives");
            for (at, of) in TOO_MUCH.into_iter().enumerate() {
                if states[at] == Theirs::Published {
                    peer.publish(&message("a/b", payload(of)).qos(2, of.0).again());
                }
            }
            assert!(!play_all(&mut peer, &mut states, || true));
            // The identifiers are free for other messages.
            let mut state = Theirs::Published;
            peer.publish(&message("a/b", "another").qos(2, 7));
            assert!(!play(&mut peer, &mut state));
            peer.publish(&message("a/b", "end").qos(1, 10));
            peer.expect_ack(AckKind::PubAck, 10);
            let mut arrived = until_the_end(puppet);
            assert_eq!(arrived.pop().as_deref(), Some("another"));
            let mut expected = shown.clone();
            if taking == Taking::Receive {
                // That of the call which was killed before it returned.
                let given = had.len()..(had.len() + 1).min(expected.len());
                let is_lost = |text: &String| !arrived.iter().any(|here| here.starts_with(text));
                if expected[given.clone()].iter().any(is_lost) {
                    expected.drain(given);
                }
            } else {
                // That of the callback which was killed.
                let last = had.last().cloned();
                let again = arrived.iter().position(|text| Some(text) == last.as_ref());
                if let Some(at) = again {
                    arrived.remove(at);
                }
            }
            let mut all = [had, arrived].concat();
            for text in &mut all {
                text.truncate(101);
            }
            all.sort();
            assert_eq!(all, expected);
        },
    );
}

fn text_of(line: &str) -> Option<String> {
    let text = line.strip_prefix("message ")?.split(' ').nth(1)?;
    Some(text.to_owned())
}

/// The payload of the next message; none where the process has ended.
fn next_message(puppet: &mut Puppet) -> Option<String> {
    loop {
        let line = puppet.next_within(PATIENCE)?;
        if let Some(text) = text_of(&line) {
            return Some(text);
        }
    }
}

/// What a server has of ours.
#[derive(Default, Debug)]
struct Ours {
    /// `QoS` 2 messages that it holds until their PUBREL.
    held: HashSet<u16>,
    /// How often each arrived.
    one: u32,
    two: u32,
    /// Handshakes that it has ended.
    acknowledged: u32,
}

impl Ours {
    /// Takes what the client sends until both messages are through. True: the client has gone before.
    fn play(&mut self, peer: &mut Peer, size: usize) -> bool {
        while self.acknowledged < 2 {
            match peer.next() {
                None => return true,
                Some(Packet::Publish(publish)) => {
                    assert_eq!(publish.payload.len(), size);
                    if publish.qos == 1 {
                        self.one += 1;
                        peer.ack(AckKind::PubAck, publish.id);
                        self.acknowledged += 1;
                    } else {
                        if self.held.insert(publish.id) {
                            self.two += 1;
                        }
                        peer.ack(AckKind::PubRec, publish.id);
                    }
                }
                Some(Packet::Ack(ack)) if ack.kind == AckKind::PubRel => {
                    self.held.remove(&ack.id);
                    peer.ack(AckKind::PubComp, ack.id);
                    self.acknowledged += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        false
    }
}

#[test]
fn while_messages_are_sent() {
    if !may_trace() {
        return;
    }
    for version in [Version::V311, Version::V5] {
        for size in SIZES {
            // Sent from the journal at once, and from the files that they have after a moment.
            for settled in [false, true] {
                sent(version, size, settled);
            }
        }
    }
}

fn sent(version: Version, size: usize, settled: bool) {
    at_every_step(
        &format!("sent-{size}-{settled}"),
        Api::Async,
        version,
        |broker, dir, puppet| {
            let mut server = Ours::default();
            let mut accepted = 0;
            let mut run = || -> Option<()> {
                puppet.try_call(&create(broker, dir, version))?;
                for qos in [1, 2] {
                    let answer = puppet.try_call(&format!("send a/b @{size} {qos}"))?;
                    assert!(answer.starts_with("0 "), "{answer}");
                    accepted += 1;
                }
                let deadline = Instant::now() + PATIENCE;
                while settled && dir.records().len() < 2 {
                    assert!(Instant::now() < deadline, "{:?}", dir.records());
                    std::thread::sleep(Duration::from_millis(2));
                    puppet.is_alive().then_some(())?;
                }
                let mut peer = connect(broker, puppet, false)?;
                if server.play(&mut peer, size) {
                    return None;
                }
                // The last removals follow within milliseconds, of which nothing tells.
                std::thread::sleep(Duration::from_millis(50));
                puppet.is_alive().then_some(())
            };
            let killed = run().is_none();
            ((server, accepted), killed)
        },
        |broker, puppet, (mut server, accepted)| {
            // What was not accepted need not be there.
            let pending = u32::try_from(puppet.pending().len()).unwrap();
            let mut peer = connect(broker, puppet, true).expect("this one lives");
            server.acknowledged = 2 - pending;
            assert!(!server.play(&mut peer, size));
            let deadline = Instant::now() + PATIENCE;
            while !puppet.pending().is_empty() {
                assert!(Instant::now() < deadline);
                std::thread::yield_now();
            }
            assert!(server.one >= u32::from(accepted > 0), "{server:?}");
            assert!(server.two >= u32::from(accepted > 1), "{server:?}");
            assert!(server.two <= 1, "{server:?}");
        },
    );
}
