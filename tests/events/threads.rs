//! Programs with several threads on one queue, one client, one stream.

use std::collections::VecDeque;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use paho_oxide::events::{
    Connect, Create, Error, EventClient, Kind, Manner, Queue, Record, StoreOptions, Wait, Work,
};
use paho_oxide::protocol::QoS;
use paho_oxide::protocol::property::Properties;

use crate::server::{PATIENCE, Program, Server, message, publish};
use crate::stores::Scratch;

/// Takes one event, and leaves the others. Returns its payload.
fn take_one(queue: &Queue) -> Vec<u8> {
    let mut payload = None;
    let taken = queue.take_batch(Wait::For(PATIENCE), |_, record| {
        let first = payload.is_none();
        if first {
            payload = Some(record.payload().to_vec());
        }
        first
    });
    assert_eq!(taken, Ok(1), "an event was there");
    payload.expect("a record")
}

/// A thread that takes one event of two leaves the other one for a thread that comes to wait just then, and may take nothing
/// itself for a long time.
#[test]
fn what_a_thread_leaves_another_one_gets() {
    const ROUNDS: u32 = 5_000;
    let (program, mut server) = Program::connected(Create::default(), Connect::default());
    let mut two = publish(false, 0, 0, b"1");
    two.extend(publish(false, 0, 0, b"2"));
    std::thread::scope(|scope| {
        let (taken, took) = mpsc::channel();
        let takers: Vec<_> = (0..2)
            .map(|_| {
                let (begin, begun) = mpsc::channel();
                let taken = taken.clone();
                let queue = &program.queue;
                scope.spawn(move || {
                    while begun.recv().is_ok() {
                        taken.send(take_one(queue)).expect("the test goes on");
                    }
                });
                begin
            })
            .collect();
        drop(taken);
        for _ in 0..ROUNDS {
            for begin in &takers {
                begin.send(()).expect("the thread lives");
            }
            server.send(&two);
            let mut payloads = [(); 2].map(|()| took.recv().expect("both get one"));
            payloads.sort();
            assert_eq!(payloads, [b"1", b"2"]);
        }
    });
}

/// What does not fit into the program's buffer is told by whatever tells of events: a program that drives looks nowhere else.
#[test]
fn what_a_buffer_has_no_room_for_is_told() {
    let create = Create {
        driver: Work::ALL,
        ..Create::default()
    };
    let (program, mut server) = Program::connected(create, Connect::default());
    for payload in [b"1", b"2", b"3"] {
        server.send(&publish(false, 0, 0, payload));
    }
    let mut buffer = [0; 64];
    for left in [true, true, false] {
        let batch = program.client.drive_events(Work::ALL, &mut buffer);
        assert_eq!(batch.expect("room for one").records, 1);
        assert_eq!(program.queue.has_untold(), left);
    }
}

/// Messages that the library has acknowledged are the program's, whatever becomes of the client, and other clients' events on
/// the queue stay as they are.
#[test]
fn events_of_a_client_that_is_destroyed_wait_for_the_program() {
    const EACH: u16 = 50;
    let queue = Queue::new();
    let [one, two] = [1, 2].map(|context| {
        let create = Create {
            context,
            ..Create::default()
        };
        let client = EventClient::new(&queue, create).expect("a client");
        let queue = Arc::clone(&queue);
        Program { queue, client }
    });
    let mut servers = [&one, &two].map(|program| program.reconnect(Connect::default(), false));
    for server in &mut servers {
        for id in 1..=EACH {
            server.send(&publish(false, 1, id, &id.to_be_bytes()));
        }
        for id in 1..=EACH {
            let [high, low] = id.to_be_bytes();
            assert_eq!(server.packet(), [0x40, 2, high, low], "acknowledged");
        }
    }
    let pending = one.publish(b"never acknowledged");
    assert_eq!(servers[0].packet()[0], 0x32);
    one.client.destroy();
    assert_eq!(servers[0].packet(), [0xe0, 0], "DISCONNECT");
    servers[0].expect_end();
    let three = EventClient::new(
        &queue,
        Create {
            context: 3,
            ..Create::default()
        },
    );
    let three = Program {
        queue: Arc::clone(&queue),
        client: three.expect("a client"),
    };
    drop(one);
    let _server = three.attach(Connect::default());
    servers[1].expect_silence();
    two.client.destroy();
    let mut seen: [Vec<(Kind, u64, Vec<u8>)>; 4] = Default::default();
    let visit = |context: u64, record: &Record| {
        let of = usize::try_from(context).expect("small");
        let payload = record.payload().to_vec();
        seen[of].push((record.head.kind, record.head.token, payload));
        true
    };
    queue.take_batch(Wait::No, visit).expect("open");
    let messages: Vec<_> = (1..=EACH)
        .map(|id| (Kind::Message, 0, id.to_be_bytes().to_vec()))
        .collect();
    assert_eq!(seen[2], messages);
    let (failed, before) = seen[1].split_last().expect("events");
    assert_eq!(before, messages);
    assert_eq!(*failed, (Kind::Failed, pending, Vec::new()));
    assert_eq!(seen[3], []);
    three.client.destroy();
}

/// Two threads drive the same client, a third one changes what they do, and half-way the store loses its folder, and refuses: what
/// was accepted leaves, and is answered, once and in order.
#[test]
fn two_threads_drive_one_client_whose_store_refuses() {
    const COUNT: u32 = 2_000;
    let scratch = Scratch::new();
    let create = Create {
        client_id: "driven".into(),
        store: StoreOptions::File {
            directory: scratch.text(),
            server: "tcp://server:1883".into(),
        },
        ..Create::default()
    };
    let (program, server) = Program::connected(create, Connect::default());
    // Too large for the journal: it needs a file.
    let large = vec![0; 300 * 1024];
    let over = Ending(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let answering = scope.spawn(|| answer(server));
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.has_come() {
                    program.client.drive(Work::ALL);
                    std::thread::yield_now();
                }
            });
        }
        scope.spawn(|| {
            let mut mixed = 1_u64;
            while !over.has_come() {
                mixed = mixed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let work = Work {
                    read: mixed >> 40 & 1 == 1,
                    write: mixed >> 41 & 1 == 1,
                    tick: mixed >> 42 & 1 == 1,
                    ..Work::NONE
                };
                program.client.set_driver(work);
                std::thread::yield_now();
            }
        });
        // Also where the test fails: the threads end, and the scope with them.
        let ending = over.when_dropped();
        let publish = |payload: &[u8]| {
            let of_qos_1 = message(QoS::AtLeastOnce, payload);
            program.client.publish(&of_qos_1, Manner::default())
        };
        let (mut tokens, mut accepted) = (VecDeque::new(), 0_u32);
        for number in 0..COUNT {
            if number == COUNT / 2 {
                fs::remove_dir_all(&scratch.0).expect("the store's folder");
            }
            match publish(&accepted.to_be_bytes()) {
                Ok(published) => {
                    tokens.push_back(published.number);
                    accepted += 1;
                }
                Err(Error::NotStored) => assert!(number >= COUNT / 2, "{number}"),
                Err(other) => panic!("{other:?}"),
            }
            if number >= COUNT / 2 && number % 50 == 0 {
                let refused = publish(&large);
                assert!(matches!(refused, Err(Error::NotStored)), "{refused:?}");
            }
        }
        let mut received = 0_u32;
        while !tokens.is_empty() || received < accepted {
            let record = program.next();
            match record.head.kind {
                Kind::Message => {
                    assert_eq!(record.payload(), received.to_be_bytes());
                    received += 1;
                }
                Kind::Done => {
                    assert_eq!(Some(&record.head.token), tokens.front());
                    for _ in 0..record.head.value {
                        tokens.pop_front().expect("one that was accepted");
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        drop(ending);
        program
            .client
            .disconnect(Duration::ZERO, 0, Properties::new())
            .expect("connected");
        assert_eq!(answering.join().expect("the server's side"), accepted);
    });
}

/// Acknowledges messages that are numbered from 0, and answers each with one of the same number. Returns how many came before
/// DISCONNECT.
fn answer(mut server: Server) -> u32 {
    for number in 0.. {
        let packet = server.packet();
        if packet[0] == 0xe0 {
            return number;
        }
        assert_eq!(packet[0], 0x32);
        assert_eq!(packet[7..], number.to_be_bytes());
        let mut answer = vec![0x40, 2, packet[5], packet[6]];
        answer.extend(publish(false, 0, 0, &number.to_be_bytes()));
        server.send(&answer);
    }
    unreachable!("numbers do not end")
}

/// Tells threads that the test is over.
struct Ending(AtomicBool);

impl Ending {
    fn has_come(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn when_dropped(&self) -> impl Drop + '_ {
        struct Now<'a>(&'a AtomicBool);
        impl Drop for Now<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        Now(&self.0)
    }
}
