//! Bytes that the program carries, and the WebSocket layer on what it has attached.

use std::io::{Read, Write};
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use paho_oxide::events::{Acks, Connect, Create, Error, Kind, Manner, Wait, WebSocket};
use paho_oxide::protocol::QoS;
use tungstenite::handshake::derive_accept_key;

use crate::server::{PATIENCE, Program, message, publish};

fn websocket() -> Connect {
    Connect {
        websocket: Some(WebSocket {
            path: "/some/path?a=b".into(),
            host: "broker.example".into(),
        }),
        headers: vec![("X-Token".into(), "secret".into())],
        ..Connect::default()
    }
}

/// Checks an upgrade request. Returns the server's answer.
fn answer_to(request: &str) -> String {
    let mut lines = request.split("\r\n");
    assert_eq!(lines.next(), Some("GET /some/path?a=b HTTP/1.1"));
    let header = |name: &str| {
        request.split("\r\n").find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    assert_eq!(header("Host"), Some("broker.example"));
    assert_eq!(header("X-Token"), Some("secret"));
    assert_eq!(header("Sec-WebSocket-Protocol"), Some("mqtt"));
    let key = derive_accept_key(header("Sec-WebSocket-Key").expect("a key").as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {key}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    )
}

/// A binary frame of the server's.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x82, u8::try_from(payload.len()).expect("short")];
    frame.extend(payload);
    frame
}

/// Takes the mask off a client's frame. Returns its payload.
fn unmask(frame: &[u8]) -> Vec<u8> {
    assert_eq!(frame[0], 0x82);
    let length = usize::from(frame[1] & 0x7f);
    assert!(frame[1] & 0x80 != 0 && length < 126, "masked and short");
    let (mask, payload) = frame[2..].split_at(4);
    assert_eq!(payload.len(), length);
    payload
        .iter()
        .zip(mask.iter().cycle())
        .map(|(byte, mask)| byte ^ mask)
        .collect()
}

#[test]
fn a_websocket_on_an_adopted_socket_has_the_programs_path_and_headers() {
    let (ours, mut theirs) = UnixStream::pair().expect("a socket pair");
    theirs.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let program = Program::new(Create::default());
    program
        .client
        .attach_fd(OwnedFd::from(ours), websocket())
        .expect("attached");
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        theirs.read_exact(&mut byte).expect("a request");
        request.push(byte[0]);
    }
    let answer = answer_to(&String::from_utf8(request).expect("text"));
    theirs.write_all(answer.as_bytes()).expect("reads");
    let mut bytes = [0; 256];
    let length = theirs.read(&mut bytes).expect("CONNECT");
    assert_eq!(unmask(&bytes[..length])[0], 0x10);
    theirs.write_all(&frame(&[0x20, 2, 0, 0])).expect("reads");
    program.expect(Kind::Connected);
    theirs
        .write_all(&frame(&publish(false, 0, 0, b"over ws")))
        .expect("reads");
    assert_eq!(program.expect(Kind::Message).payload(), b"over ws");
}

/// Takes what there is for the server, and waits for it where a thread of the library's has yet to write it.
fn take(program: &Program) -> Vec<u8> {
    let mut bytes = [0; 1024];
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let length = program.client.take(&mut bytes).expect("a stream");
        if length > 0 {
            return bytes[..length].to_vec();
        }
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        // OUTPUT tells.
        let told = program
            .queue
            .take_batch(paho_oxide::events::Wait::For(left), |_, record| {
                assert!(
                    matches!(record.head.kind, Kind::Output | Kind::Wants),
                    "{record:?}"
                );
                true
            });
        assert!(told.is_ok_and(|told| told > 0), "nothing to take");
    }
}

#[test]
fn a_websocket_on_a_carried_stream_may_be_cut_at_every_byte() {
    let mut after = frame(&[0x20, 2, 0, 0]);
    after.extend(frame(&publish(false, 0, 0, b"x")));
    // A ping, a message in two frames, and another message in the same piece.
    after.extend([0x89, 2, 1, 2]);
    let split = publish(false, 1, 7, b"y");
    after.extend([0x02, 4]);
    after.extend(&split[..4]);
    after.extend([0x80, u8::try_from(split.len() - 4).expect("short")]);
    after.extend(&split[4..]);
    after.extend(frame(&publish(false, 0, 0, b"z")));
    for cut in 0..=after.len() {
        let program = Program::new(Create::default());
        program.client.attach_stream(websocket()).expect("attached");
        let answer = answer_to(&String::from_utf8(take(&program)).expect("text"));
        let feed = |mut bytes: &[u8]| {
            while !bytes.is_empty() {
                let taken = program.client.feed(bytes).expect("a stream");
                bytes = &bytes[taken..];
            }
        };
        feed(answer.as_bytes());
        assert_eq!(unmask(&take(&program))[0], 0x10, "CONNECT");
        let (first, second) = after.split_at(cut);
        feed(first);
        feed(second);
        program.expect(Kind::Connected);
        for payload in [b"x", b"y", b"z"] {
            assert_eq!(
                program.expect(Kind::Message).payload(),
                payload,
                "cut at {cut}"
            );
        }
    }
}

#[test]
fn the_end_of_a_stream_has_the_programs_words() {
    let program = Program::new(Create::default());
    program
        .client
        .attach_stream(Connect::default())
        .expect("attached");
    take(&program);
    program.client.eof("the tunnel broke").expect("a stream");
    let failed = program.expect(Kind::ConnectFailed);
    assert!(String::from_utf8_lossy(failed.topic()).contains("the tunnel broke"));

    program
        .client
        .attach_stream(Connect::default())
        .expect("attached anew");
    assert_eq!(program.client.feed(&[0x20, 2, 0, 0]).expect("a stream"), 4);
    program.expect(Kind::Connected);
    assert_eq!(
        program
            .client
            .feed(&publish(false, 0, 0, b"last"))
            .expect("a stream"),
        9
    );
    program.client.eof("the tunnel broke").expect("a stream");
    assert_eq!(program.expect(Kind::Message).payload(), b"last");
    let lost = program.expect(Kind::Lost);
    assert!(String::from_utf8_lossy(lost.topic()).contains("the tunnel broke"));
}

/// The end of the stream may be found late, by the thread that reads it: it is not the end of a connection that has followed.
#[test]
fn the_end_of_a_stream_is_none_of_the_connection_without_one() {
    let program = Program::new(Create::default());
    let client = &program.client;
    client.attach_stream(Connect::default()).expect("attached");
    client.eof("").expect("a stream");
    program.expect(Kind::ConnectFailed);
    let (ours, _theirs) = UnixStream::pair().expect("a socket pair");
    client
        .attach_fd(OwnedFd::from(ours), Connect::default())
        .expect("adopted");
    assert!(matches!(client.eof("found late"), Err(Error::Disconnected)));
    assert!(matches!(client.feed(b"late"), Err(Error::Disconnected)));
    let mut bytes = [0; 8];
    assert!(matches!(client.take(&mut bytes), Err(Error::Disconnected)));
    client.abort().expect("an attempt");
    let failed = program.expect(Kind::ConnectFailed);
    assert!(!String::from_utf8_lossy(failed.topic()).contains("found late"));
}

/// A program that takes bytes and no events: what only says that there is something to take waits once, and is told again when the
/// program has had it.
#[test]
fn output_is_told_once_until_it_is_taken() {
    let program = Program::new(Create::default());
    program
        .client
        .attach_stream(Connect::default())
        .expect("attached");
    let mut bytes = [0; 1024];
    let mut take = || program.client.take(&mut bytes).expect("a stream");
    assert!(take() > 0, "CONNECT");
    program
        .client
        .feed(&[0x20, 2, 0, 0])
        .expect("it takes CONNACK");
    let round = |take: &mut dyn FnMut() -> usize| {
        let published = program
            .client
            .publish(&message(QoS::AtMostOnce, b"m"), Manner::default())
            .expect("accepted");
        assert!(published.written);
        assert!(take() > 0);
    };
    let outputs = || {
        let mut outputs = 0;
        program
            .queue
            .take_batch(Wait::No, |_, record| {
                outputs += usize::from(record.head.kind == Kind::Output);
                true
            })
            .expect("open");
        outputs
    };
    for _ in 0..100 {
        round(&mut take);
    }
    assert_eq!(outputs(), 1);
    round(&mut take);
    assert_eq!(outputs(), 1, "told again");

    // Another stream's bytes are told of though nobody took the last event.
    round(&mut take);
    program.client.abort().expect("connected");
    program
        .client
        .attach_stream(Connect::default())
        .expect("attached");
    assert_eq!(outputs(), 2);
}

/// The same of ROOM, for a program that tries again and again and looks at no event.
#[test]
fn room_is_told_once_until_it_is_taken() {
    let create = Create {
        buffer_offline: true,
        max_buffered: 1,
        ..Create::default()
    };
    let program = Program::new(create);
    for _ in 0..100 {
        let token = program.publish(b"m");
        let refused = program
            .client
            .publish(&message(QoS::AtLeastOnce, b"m"), Manner::default());
        assert!(refused.is_err());
        assert!(program.client.cancel(token));
    }
    let rooms = program
        .take()
        .iter()
        .filter(|record| record.head.kind == Kind::Room)
        .count();
    assert_eq!(rooms, 1);
}

/// A server that says much and is answered late: what it is not read for is the program's own delay, and the program is told when
/// that is over.
#[test]
fn feeding_goes_on_when_acknowledgements_have_been_taken() {
    let program = Program::new(Create::default());
    program
        .client
        .attach_stream(Connect::default())
        .expect("attached");
    let mut bytes = vec![0; 64 * 1024];
    assert!(program.client.take(&mut bytes).expect("a stream") > 0);
    program.client.feed(&[0x20, 2, 0, 0]).expect("a stream");
    program.expect(Kind::Connected);
    let many: Vec<u8> = (1..=1000)
        .flat_map(|id| publish(false, 1, id, b""))
        .collect();
    let mut messages = 0;
    let mut left = 0;
    while left == 0 {
        let mut fed = 0;
        while fed < many.len() {
            let taken = program.client.feed(&many[fed..]).expect("a stream");
            let read = program.take().len();
            fed += taken;
            messages += read;
            if taken == 0 && read == 0 {
                left = many.len() - fed;
                break;
            }
        }
        assert!(messages < 1_000_000, "acknowledgements without a bound");
    }
    let mut acknowledgements = 0;
    loop {
        let taken = program.client.take(&mut bytes).expect("a stream");
        if taken == 0 {
            break;
        }
        acknowledgements += taken;
    }
    let mut is_told = false;
    let all = program.queue.take_batch(Wait::No, |_, record| {
        is_told |= record.head.kind == Kind::Wants;
        messages += usize::from(record.head.kind == Kind::Message);
        true
    });
    assert!(all.is_ok() && is_told, "nobody was told of the room");
    let rest = &many[many.len() - left..];
    assert_eq!(program.client.feed(rest).expect("a stream"), left);
    let mut read = 1;
    while read > 0 {
        read = program.take().len();
        messages += read;
    }
    loop {
        let taken = program.client.take(&mut bytes).expect("a stream");
        if taken == 0 {
            break;
        }
        acknowledgements += taken;
    }
    assert_eq!((messages % 1000, acknowledgements), (0, messages * 4));
}

/// The program has fed all that there was, and the end, while it had not acknowledged what came before.
#[test]
fn an_end_behind_messages_is_told_when_these_are_acknowledged() {
    let create = Create {
        acks: Acks {
            by_program: true,
            ..Acks::default()
        },
        ..Create::default()
    };
    let program = Program::new(create);
    program
        .client
        .attach_stream(Connect::default())
        .expect("attached");
    take(&program);
    let feed = |bytes: &[u8]| program.client.feed(bytes).expect("a stream");
    assert_eq!(feed(&[0x20, 2, 0, 0]), 4);
    program.expect(Kind::Connected);
    // Of messages of QoS 2 that are not acknowledged 16 MiB are read.
    let payload = vec![b'x'; 1 << 20];
    let mut released = Vec::new();
    for id in 1.. {
        let packet = publish(false, 2, id, &payload);
        let mut fed = 0;
        while fed < packet.len() {
            let n = feed(&packet[fed..]);
            fed += n;
            if n == 0 {
                break;
            }
        }
        if fed < packet.len() {
            break;
        }
        feed(&[0x62, 2, 0, u8::try_from(id).expect("few")]);
        released.extend(program.take());
        assert!(id < 200, "without a bound");
    }
    program.client.eof("").expect("a stream");
    assert!(program.take().is_empty());
    let tokens = released
        .iter()
        .filter_map(|record| NonZeroU64::new(record.head.token));
    assert_eq!(program.client.ack(tokens, 0).expect("open"), released.len());
    let ends = program.take();
    assert!(
        ends.iter().any(|record| record.head.kind == Kind::Lost),
        "nobody was told of the end"
    );
}
