//! Queues: shared by many clients, read through buffers of any size, with log lines among the events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use paho_oxide::events::{Connect, Create, EventClient, HEAD, Kind, NotTaken, Queue, Wait, Work};
use paho_oxide::protocol::property::Properties;

use crate::server::{PATIENCE, Program, publish};

/// Checks a record as the manual describes it. Returns its size, kind, context and payload.
fn read(bytes: &[u8]) -> (usize, u16, u64, &[u8]) {
    let u32_at = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four"));
    let u64_at = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("eight"));
    let size = u32_at(0) as usize;
    assert!(
        size >= HEAD && size % 8 == 0 && size <= bytes.len(),
        "size {size}"
    );
    let kind = u16::from_ne_bytes([bytes[4], bytes[5]]);
    assert!((1..=15).contains(&kind), "kind {kind}");
    let lengths = [12, 16, 20].map(|at| u32_at(at) as usize);
    let used = HEAD + lengths.iter().sum::<usize>();
    assert_eq!(used.next_multiple_of(8), size, "no room but padding");
    assert!(bytes[used..size].iter().all(|byte| *byte == 0), "padding");
    (size, kind, u64_at(32), &bytes[used - lengths[2]..used])
}

fn low_byte(number: usize) -> u8 {
    number.to_le_bytes()[0]
}

#[test]
fn records_are_well_formed_whatever_the_buffer() {
    let (program, mut server) = Program::connected(Create::default(), Connect::default());
    let count = 400_usize;
    let sender = std::thread::spawn(move || {
        for number in 0..count {
            let payload: Vec<u8> = (0..number).map(|at| low_byte(at * 7 + number)).collect();
            server.send(&publish(false, 0, 0, &payload));
        }
        server
    });
    let mut buffer = vec![0xa5_u8; 1 << 16];
    let mut capacity = 0;
    let mut number = 0;
    while number < count {
        capacity = (capacity * 5 + 13) % 1500;
        match program
            .queue
            .next_events(&mut buffer[..capacity], Wait::For(PATIENCE))
        {
            Ok(batch) => {
                assert!(batch.bytes <= capacity && batch.records > 0);
                let mut at = 0;
                for _ in 0..batch.records {
                    let (size, kind, _, payload) = read(&buffer[at..batch.bytes]);
                    at += size;
                    if kind != Kind::Message as u16 {
                        continue;
                    }
                    assert_eq!(payload.len(), number);
                    let expected = (0..number).map(|at| low_byte(at * 7 + number));
                    assert!(payload.iter().copied().eq(expected), "message {number}");
                    number += 1;
                }
                assert_eq!(at, batch.bytes);
            }
            Err(NotTaken::TooSmall(size)) => {
                assert!(size > capacity && size % 8 == 0);
                // That size suffices: nothing was lost by asking with less.
                let batch = program.queue.next_events(&mut buffer[..size], Wait::No);
                let batch = batch.expect("as much as it asked for");
                assert_eq!((batch.bytes, batch.records), (size, 1));
                let (_, kind, _, payload) = read(&buffer[..size]);
                if kind == Kind::Message as u16 {
                    assert_eq!(payload.len(), number);
                    number += 1;
                }
            }
            Err(NotTaken::Closed) => panic!("closed"),
        }
    }
    drop(sender.join().expect("the sender"));
}

#[test]
fn one_queue_serves_many_clients_and_several_threads() {
    const CLIENTS: usize = 200;
    const EACH: u64 = 20;
    let queue = Queue::new();
    let programs: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let create = Create {
                context: number as u64,
                ..Create::default()
            };
            let client = EventClient::new(&queue, create).expect("a client");
            Program {
                queue: Arc::clone(&queue),
                client,
            }
        })
        .collect();
    let mut servers: Vec<_> = programs
        .iter()
        .map(|program| program.attach(Connect::default()))
        .collect();
    for server in &mut servers {
        server.packet();
        server.send(&[0x20, 2, 0, 0]);
        for number in 0..EACH {
            server.send(&publish(false, 0, 0, &number.to_be_bytes()));
        }
    }
    // Each thread sees a part of each client's messages; together they see all, each client's in order within a thread.
    // A server's answer says that the engine has read the messages, not that they are in the queue already: who takes the
    // last of all records closes it.
    let left = AtomicU64::new(CLIENTS as u64 * EACH + 1);
    let seen: Vec<Vec<(u64, Vec<u8>)>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = Vec::new();
                    loop {
                        let mut counted = 0;
                        let taken = queue.take_batch(Wait::For(PATIENCE), |context, record| {
                            match record.head.kind {
                                Kind::Message => seen.push((context, record.payload().to_vec())),
                                Kind::Lost => {}
                                _ => return true,
                            }
                            counted += 1;
                            true
                        });
                        match taken {
                            Err(NotTaken::Closed) => return seen,
                            Ok(0) | Err(NotTaken::TooSmall(_)) => panic!("nothing came"),
                            Ok(_) if counted == 0 => {}
                            Ok(_) if left.fetch_sub(counted, Ordering::Relaxed) == counted => {
                                queue.close();
                            }
                            Ok(_) => {}
                        }
                    }
                })
            })
            .collect();
        // The last messages have come when each client has answered what followed them.
        for server in &mut servers {
            server.expect_silence();
        }
        drop(servers.pop());
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a thread"))
            .collect()
    });
    let mut counts = vec![0; CLIENTS];
    for thread in &seen {
        let mut last = vec![None; CLIENTS];
        for (context, payload) in thread {
            let client = usize::try_from(*context).expect("small");
            counts[client] += 1;
            assert!(last[client].as_ref() < Some(payload), "client {client}");
            last[client] = Some(payload.clone());
        }
    }
    assert_eq!(counts, vec![EACH; CLIENTS]);
}

#[test]
fn log_lines_are_events_of_no_client() {
    let queue = Queue::new();
    queue.set_log_level(Some(paho_oxide::events::Level::Protocol));
    let create = Create {
        client_id: "logged-by-this-test".into(),
        context: 5,
        ..Create::default()
    };
    let client = EventClient::new(&queue, create).expect("a client");
    let program = Program { queue, client };
    let mut server = program.attach(Connect::default());
    server.packet();
    server.send(&[0x20, 2, 0, 0]);
    let mut lines = Vec::new();
    let mut connected = false;
    while !connected {
        program
            .queue
            .take_batch(Wait::For(PATIENCE), |context, record| {
                match record.head.kind {
                    Kind::Log => {
                        assert_eq!(context, 0);
                        assert!((4..=7).contains(&record.head.flags));
                        lines.push(String::from_utf8_lossy(record.topic()).into_owned());
                    }
                    Kind::Connected => connected = true,
                    _ => {}
                }
                true
            })
            .expect("open");
    }
    assert!(
        lines
            .iter()
            .any(|line| line.contains("logged-by-this-test -> CONNECT")),
        "{lines:?}"
    );
    program.queue.set_log_level(None);
    program.take();
    server.send(&publish(false, 0, 0, b"m"));
    assert_eq!(
        program.expect(Kind::Message).payload(),
        b"m",
        "no line any more"
    );
}

#[test]
fn both_ends_have_addresses() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let program = Program::new(Create::default());
    assert!(program.client.peer_address().is_err(), "no connection");
    let stream =
        std::net::TcpStream::connect(listener.local_addr().expect("bound")).expect("connects");
    let (peer, local) = (stream.peer_addr(), stream.local_addr());
    program
        .client
        .attach_fd(stream.into(), Connect::default())
        .expect("attached");
    assert_eq!(
        program.client.peer_address().expect("attached"),
        peer.expect("TCP").to_string()
    );
    assert_eq!(
        program.client.local_address().expect("attached"),
        local.expect("TCP").to_string()
    );

    let program = Program::new(Create::default());
    program
        .client
        .attach_stream(Connect::default())
        .expect("attached");
    assert_eq!(
        program.client.peer_address().expect("attached"),
        "",
        "a stream has none"
    );
}

/// A program switches between its own thread and the library's, while both directions are busy: each byte is read and written
/// once, and in order.
#[test]
fn drivers_change_under_load_in_both_directions() {
    const COUNT: u32 = 5_000;
    let (program, mut server) = Program::connected(Create::default(), Connect::default());
    let server = std::thread::spawn(move || {
        for number in 0..COUNT {
            let packet = server.packet();
            assert_eq!(packet[0], 0x32);
            assert_eq!(packet[7..], number.to_be_bytes());
            let mut answer = vec![0x40, 2, packet[5], packet[6]];
            answer.extend(publish(false, 0, 0, &number.to_be_bytes()));
            server.send(&answer);
        }
        server
    });
    let (mut sent, mut ended, mut received) = (0, 0, 0_u32);
    let mut mixed = 1_u64;
    while ended < u64::from(COUNT) || received < COUNT {
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
        for _ in 0..10 {
            if sent < COUNT {
                program.publish(&sent.to_be_bytes());
                sent += 1;
            }
        }
        program.client.drive(work);
        for record in program.take() {
            match record.head.kind {
                Kind::Message => {
                    assert_eq!(record.payload(), received.to_be_bytes());
                    received += 1;
                }
                Kind::Done => {
                    assert_eq!(record.head.token, ended + 1);
                    ended += record.head.value;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let server = server.join().expect("the server's side");
    program.client.set_driver(Work::NONE);
    program
        .client
        .disconnect(Duration::ZERO, 0, Properties::new())
        .expect("connected");
    drop(server);
    program.expect(Kind::Closed);
}
