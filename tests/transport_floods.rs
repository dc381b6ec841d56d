//! Servers that send what TLS keeps for itself: without end, and at moments at which a write waits for a read or a read
//! for a write.
#![cfg(feature = "tls")]

#[path = "transport_common/certs.rs"]
mod certs;
#[path = "transport_common/tls.rs"]
mod tls;
#[path = "transport_common/tls_messages.rs"]
mod tls_messages;
mod transport_common;

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use paho_oxide::options::{TlsOptions, TlsVersion};
use paho_oxide::transport::{Connector, Input, Link, Stage, Want};
use tls::{Site, connect, serve, with};
use tls_messages::Message;
use tokio::time::Instant;
use transport_common::{PATIENCE, parse, pattern, poll_in, pump, runtime};

/// Reads as an engine does, until an error.
fn read_to_error(link: &Link) -> std::io::Error {
    let mut buf = vec![0; 64 * 1024];
    loop {
        match link.read(&mut buf) {
            Ok(Input::Again) => assert!(link.has_buffered(), "nobody would read the rest"),
            Ok(other) => panic!("{other:?}"),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let _ = link.flush();
                poll_in(link);
            }
            Err(error) => return error,
        }
    }
}

/// Messages that fit into a socket.
const FIRST: usize = 300;

#[test]
fn a_flood_leaves_others_their_turn_and_ends_the_connection() {
    let site = Site::new();
    for message in [Message::Ticket, Message::KeyUpdate, Message::HelloRequest] {
        // OpenSSL does not tell that a ticket could not be sent.
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let (sent, when_sent) = channel();
        let (when_read, go) = channel();
        let (port, server) = serve(message.context(&site).build(), 1, move |accepted| {
            let mut stream = accepted.unwrap();
            // What was sent has then arrived.
            stream.get_ref().set_nodelay(true).unwrap();
            for _ in 0..FIRST {
                message.send(&mut stream).unwrap();
            }
            sent.send(()).unwrap();
            go.recv().unwrap();
            while !seen.load(Ordering::Relaxed) && message.send(&mut stream).is_ok() {}
        });
        let link = connect(&format!("ssl://localhost:{port}"), site.tls()).unwrap();
        when_sent.recv().unwrap();
        let mut turns = 0;
        while let Input::Again = link.read(&mut [0; 100]).unwrap_or(Input::End) {
            turns += 1;
        }
        when_read.send(()).unwrap();
        let error = read_to_error(&link);
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{message:?} {error}");
        assert!(
            error.to_string().contains("without data"),
            "{message:?} {error}"
        );
        drop(link);
        ended.store(true, Ordering::Relaxed);
        server.join().unwrap();
        // No more than so many are dealt with before others have their turn. Hello requests after the first OpenSSL
        // passes over in no time.
        if !matches!(message, Message::HelloRequest) {
            assert!(turns >= 4, "{message:?}: {turns} turns");
        }
    }
}

/// Each shows its face once and then goes on with data: nothing of that is a flood.
#[test]
fn honest_messages_do_not_count() {
    let site = Site::new();
    for message in [Message::Ticket, Message::KeyUpdate] {
        let (port, server) = serve(message.context(&site).build(), 1, move |accepted| {
            let mut stream = accepted.unwrap();
            for _ in 0..300 {
                for _ in 0..30 {
                    message.send(&mut stream).unwrap();
                }
                stream.write_all(b"data").unwrap();
            }
            let _ = stream.read(&mut [0]);
        });
        let link = connect(&format!("ssl://localhost:{port}"), site.tls()).unwrap();
        pump(&link, &[], 1200, |_| ());
        drop(link);
        server.join().unwrap();
    }
}

/// The socket is full when the server asks for an answer, and the server reads only later: the answer waits for room, the
/// data for the answer, and both go on by themselves. In the meantime data comes from the server too.
#[test]
fn an_answer_that_finds_no_room_is_sent_later() {
    const BACK: usize = 3 << 20;
    let site = Site::new();
    // A server may ask for new keys again before it has had them.
    for (message, times) in [
        (Message::KeyUpdate, 1),
        (Message::KeyUpdate, 3),
        (Message::HelloRequest, 1),
    ] {
        let (full, when_full) = channel::<usize>();
        let (port, server) = serve(message.context(&site).build(), 1, move |accepted| {
            let mut stream = accepted.unwrap();
            when_full.recv().unwrap();
            for _ in 0..times {
                message.send(&mut stream).unwrap();
            }
            stream.write_all(b"asked").unwrap();
            let expected = when_full.recv().unwrap();
            let mut all = vec![0; expected];
            stream.read_exact(&mut all).unwrap();
            stream.write_all(&pattern(BACK)).unwrap();
            let _ = stream.read(&mut [0]);
            all
        });
        let link = connect(&format!("ssl://localhost:{port}"), site.tls()).unwrap();
        let sent = pattern(64 << 20);
        let mut written = 0;
        loop {
            match link.write(&[IoSlice::new(&sent[written..written + 40_000])]) {
                Ok(n) => written += n,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    break;
                }
            }
        }
        assert_eq!(link.wants().write, Want::Writable);
        full.send(0).unwrap();
        // What the server wants is read, and cannot be answered.
        let mut got = Vec::new();
        let mut buf = [0; 1000];
        while got.len() < 5 {
            match link.read(&mut buf) {
                Ok(Input::Bytes(n)) => got.extend_from_slice(&buf[..n]),
                Ok(other) => assert_eq!(other, Input::Again),
                // Only once there is room.
                Err(error) if link.wants().read == Want::Writable => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    break;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock, "{message:?}");
                    if link.flush().is_err() && !link.has_buffered() {
                        assert!(link.has_unsent(), "{message:?}");
                        poll_in(&link);
                    }
                }
            }
        }
        let rest = 3 << 20;
        full.send(written + rest).unwrap();
        let expected = 5 - got.len() + BACK;
        pump(&link, &sent[written..written + rest], expected, |bytes| {
            got.extend_from_slice(bytes);
        });
        assert!(got[..5] == *b"asked" && got[5..] == pattern(BACK));
        assert!(!link.has_unsent());
        drop(link);
        let all = server.join().unwrap().pop().unwrap();
        assert!(all == sent[..written + rest], "{message:?}");
    }
}

/// A hello request, in a record of TLS 1.2 without encryption.
const PLAIN_HELLO_REQUEST: [u8; 9] = [22, 3, 3, 0, 4, 0, 0, 0, 0];

/// Before the handshake is over, messages that OpenSSL passes over do not keep the runtime's thread.
#[test]
fn a_flood_during_the_handshake_ends_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = parse(&format!("ssl://{}", listener.local_addr().unwrap()));
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let flood = PLAIN_HELLO_REQUEST.repeat(1000);
        while socket.write_all(&flood).is_ok() {}
    });
    let options = with(TlsOptions {
        version: TlsVersion::V1_2,
        ..TlsOptions::default()
    });
    let (result, others) = runtime().block_on(async {
        let others = tokio::spawn(async {
            let mut turns = 0;
            loop {
                tokio::task::yield_now().await;
                turns += 1;
                if turns > 3 {
                    return turns;
                }
            }
        });
        let deadline = Instant::now() + PATIENCE;
        let result = Connector::default().connect(&uri, &options, deadline).await;
        (result, others.is_finished())
    });
    let error = result.unwrap_err();
    assert_eq!(error.stage, Stage::Tls, "{error}");
    assert!(error.message.contains("without end"), "{error}");
    assert!(others);
    server.join().unwrap();
}
