//! File stores: what an earlier process left, and the names of the Go clients.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use paho_oxide::events::{Connect, Create, Error, Kind, StoreOptions, Wait};
use paho_oxide::persistence::file::Naming;
use paho_oxide::protocol::Version;

use crate::server::{PATIENCE, Program, publish};

/// A directory of a test's own, gone afterwards.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("paho-oxide-events-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a fresh directory");
        Self(path)
    }

    pub fn text(&self) -> String {
        self.0.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn create(scratch: &Scratch, max_unread_messages: usize) -> Create {
    Create {
        client_id: "stored".into(),
        max_unread_messages,
        store: StoreOptions::File {
            directory: scratch.text(),
            server: "tcp://server:1883".into(),
        },
        ..Create::default()
    }
}

fn resuming() -> Connect {
    Connect {
        clean: false,
        ..Connect::default()
    }
}

/// Messages that an earlier process had received and its program had not taken come under the limit of unread messages: the
/// others stay in the store until the program has taken some, and those of the connection follow them.
#[test]
fn restored_messages_are_read_as_the_program_takes_them() {
    const COUNT: u16 = 2_000;
    const LIMIT: usize = 10;
    let scratch = Scratch::new();
    let (program, mut server) = Program::connected(create(&scratch, 100_000), resuming());
    for number in 1..=COUNT {
        server.send(&publish(false, 1, number, &number.to_be_bytes()));
        assert_eq!(server.packet()[..2], [0x40, 2]);
    }
    drop(program);

    let program = Program::new(create(&scratch, LIMIT));
    assert_eq!(program.client.counters().unread_messages, COUNT.into());
    let mut server = program.attach(resuming());
    server.packet();
    server.send(&[0x20, 2, 1, 0]);
    let (mut next, mut connected, mut largest) = (1, false, 0);
    while !connected {
        let mut of_this_call = 0;
        let taken = program.queue.take_batch(Wait::For(PATIENCE), |_, record| {
            match record.head.kind {
                Kind::Message => {
                    assert_eq!(record.payload(), u16::to_be_bytes(next), "in their order");
                    next += 1;
                    of_this_call += 1;
                }
                Kind::Connected => connected = true,
                Kind::Wants => {}
                other => panic!("{other:?}"),
            }
            true
        });
        assert!(taken.is_ok_and(|taken| taken > 0), "{next} of {COUNT}");
        largest = largest.max(of_this_call);
    }
    assert_eq!(next, COUNT + 1);
    // A call goes through the queue twice, so that it may find what its first round has made room for.
    assert!(largest <= 2 * LIMIT, "{largest} at once");
    assert_eq!(program.client.counters().unread_messages, 0);
    server.send(&publish(false, 1, 1, b"new"));
    assert_eq!(program.expect(Kind::Message).payload(), b"new");
    drop(program);

    let program = Program::new(create(&scratch, LIMIT));
    assert_eq!(
        program.client.counters().unread_messages,
        0,
        "none comes twice"
    );
}

/// A client that is destroyed with messages left in the store leaves them there, and tells how everything else ended.
#[test]
fn restored_messages_that_nobody_takes_stay() {
    const COUNT: u16 = 100;
    let scratch = Scratch::new();
    let (program, mut server) = Program::connected(create(&scratch, 1_000), resuming());
    for number in 1..=COUNT {
        server.send(&publish(false, 1, number, &number.to_be_bytes()));
        server.packet();
    }
    drop(program);
    for _ in 0..2 {
        let create = Create {
            buffer_offline: true,
            ..create(&scratch, 1)
        };
        let program = Program::new(create);
        let token = program.publish(b"waits");
        program.client.destroy();
        let mut ended = Vec::new();
        for record in program.take() {
            match record.head.kind {
                Kind::Message => {}
                Kind::Failed => ended.push(record.head.token),
                other => panic!("{other:?}"),
            }
        }
        assert!(ended.contains(&token), "{ended:?} without {token}");
    }
    let program = Program::new(create(&scratch, 1));
    // Those that were taken from the queues above are gone, and no others.
    let left = program.client.counters().unread_messages;
    assert!(
        (u64::from(COUNT) - 2..=u64::from(COUNT)).contains(&left),
        "{left}"
    );
}

/// paho.golang's `store/file` calls its files `<prefix><id><extension>`; what it wrote is taken over, sent with DUP, and what is
/// left is given back under the same names.
#[test]
fn the_layout_of_paho_golang_is_taken_over_and_given_back() {
    let scratch = Scratch::new();
    let packet = publish(true, 1, 5, b"from Go");
    let file = |id: u16| scratch.0.join(format!("cli_{id}.pkt"));
    fs::write(file(5), &packet).expect("written");
    fs::write(file(9), [0x62, 2, 0, 9]).expect("written");
    // The session's other store lies beside it, and so may anything else.
    fs::write(scratch.0.join("srv_5.pkt"), [0x50, 2, 0, 5]).expect("written");
    let create = || Create {
        version: Version::V5,
        store: StoreOptions::Go {
            directory: scratch.text(),
            naming: Naming {
                outgoing: "cli_".into(),
                incoming: "cli_i.".into(),
                extension: ".pkt".into(),
                ..Naming::default()
            },
        },
        ..Create::default()
    };
    let connect = || Connect {
        version: Version::V5,
        ..resuming()
    };
    let program = Program::new(create());
    let mut listed: Vec<_> = program
        .client
        .in_flight()
        .iter()
        .map(|found| found.packet_id)
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, [5, 9]);
    assert!(
        !file(5).exists(),
        "taken over: a Go client would send it too"
    );
    drop(program);
    assert_eq!(fs::read(file(5)).expect("given back"), packet);
    assert_eq!(fs::read(file(9)).expect("given back")[..4], [0x62, 2, 0, 9]);

    let program = Program::new(create());
    let mut server = program.reconnect(connect(), true);
    let mut seen = [server.packet(), server.packet()];
    seen.sort();
    assert_eq!(seen[0][0], 0x3a, "with DUP");
    assert!(seen[0].ends_with(b"from Go"));
    assert_eq!(seen[1][..4], [0x62, 2, 0, 9]);
    server.send(&[0x40, 2, 0, 5]);
    program.expect(Kind::Done);
    drop(program);
    assert!(!file(5).exists(), "it has ended");
    assert!(file(9).exists());
    assert_eq!(
        fs::read(scratch.0.join("srv_5.pkt")).expect("left alone"),
        [0x50, 2, 0, 5]
    );
}

fn go(scratch: &Scratch, version: Version) -> Create {
    Create {
        version,
        store: StoreOptions::Go {
            directory: scratch.text(),
            naming: Naming::default(),
        },
        ..Create::default()
    }
}

/// The records of a store are packets of one version: those of another would be read as what they are not.
#[test]
fn a_client_with_a_store_keeps_its_version() {
    for (with, other) in [(Version::V311, Version::V5), (Version::V5, Version::V31)] {
        let scratch = Scratch::new();
        let program = Program::new(go(&scratch, with));
        let connect = |version| Connect {
            version,
            ..resuming()
        };
        let refused = program.client.attach_stream(connect(other));
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        program.reconnect(connect(with), false);
    }
}

/// A record with another message's identifier would never end, and what stands behind a packet is none of it.
#[test]
fn a_record_that_is_not_its_packet_alone_is_damaged() {
    let scratch = Scratch::new();
    let write = |id: u16, content: &[u8]| {
        fs::write(scratch.0.join(format!("o.{id}.msg")), content).expect("written");
    };
    write(3, &publish(false, 1, 9, b"of nine"));
    write(4, &[publish(false, 1, 4, b"four"), vec![0xc0, 0]].concat());
    write(5, &publish(false, 1, 5, b"five"));
    let program = Program::new(go(&scratch, Version::V311));
    let mut server = program.attach(resuming());
    server.packet();
    server.send(&[0x20, 2, 1, 0]);
    program.expect(Kind::Connected);
    for token in [1, 2] {
        let failed = program.expect(Kind::Failed);
        assert_eq!((failed.head.token, failed.head.flags), (token, 5));
    }
    assert!(server.packet().ends_with(b"five"));
    server.expect_silence();
}

/// Packet identifiers go on behind those that were found, and the files' times say what was sent before what.
#[test]
fn messages_keep_their_order_through_restarts() {
    let scratch = Scratch::new();
    let start = SystemTime::now() - Duration::from_secs(100);
    // The client that wrote them had begun anew with 1. They are made in an order of their own.
    for (id, age) in [(2, 3), (7, 0), (1, 2), (9, 1)] {
        let path = scratch.0.join(format!("o.{id}.msg"));
        fs::write(&path, publish(false, 1, id, &[age])).expect("written");
        let file = fs::File::options().write(true).open(&path).expect("there");
        let time = start + Duration::from_secs(age.into());
        file.set_modified(time).expect("set");
    }
    let program = Program::new(go(&scratch, Version::V311));
    drop(program);
    let mut expected = vec![0, 1, 2, 3];
    for round in 4..6 {
        let program = Program::new(Create {
            buffer_offline: true,
            ..go(&scratch, Version::V311)
        });
        let mut server = program.reconnect(resuming(), true);
        program.publish(&[round]);
        expected.push(round);
        for payload in &expected {
            assert_eq!(server.packet().last(), Some(payload), "{expected:?}");
        }
        program.lose(server);
        if round == 5 {
            // What waits is the last.
            program.publish(&[6]);
            expected.push(6);
        }
    }
    let mut files: Vec<(SystemTime, u8)> = fs::read_dir(&scratch.0)
        .expect("lists")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let written = fs::metadata(&path).and_then(|about| about.modified());
            let packet = fs::read(&path).expect("a file");
            (written.expect("told"), packet[packet.len() - 1])
        })
        .collect();
    files.sort();
    let order: Vec<u8> = files.iter().map(|(_, payload)| *payload).collect();
    assert_eq!(order, expected, "as the Go clients send them");
    assert!(files.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert_eq!(files[0].0, start);
}

/// What waits in the store is dropped where the program says so, in both directions; what is in flight is resumed all the same.
#[test]
fn without_restoring_only_what_is_in_flight_goes_on() {
    let scratch = Scratch::new();
    let create = |no_restore| Create {
        buffer_offline: true,
        no_restore,
        ..create(&scratch, 1_000)
    };
    let connect = Connect {
        max_inflight: 1,
        ..resuming()
    };
    let (program, mut server) = Program::connected(create(false), connect);
    program.publish(b"in flight");
    program.publish(b"waits");
    server.packet();
    server.send(&publish(false, 1, 7, b"not taken"));
    assert_eq!(server.packet()[..2], [0x40, 2]);
    drop(program);
    let found = |program: &Program| {
        let unread = program.client.counters().unread_messages;
        (program.client.in_flight().len(), unread)
    };
    let program = Program::new(create(false));
    assert_eq!(found(&program), (2, 1));
    drop(program);
    for no_restore in [true, false] {
        let program = Program::new(create(no_restore));
        assert_eq!(found(&program), (1, 0));
    }
    let program = Program::new(create(true));
    let mut server = program.reconnect(resuming(), true);
    assert!(server.packet().ends_with(b"in flight"));
    server.expect_silence();
}
