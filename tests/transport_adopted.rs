//! Links that the program brings: connected descriptors, and byte streams that it carries itself.

mod transport_common;

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use paho_oxide::transport::stream::{ByteStream, DEFAULT_CAPACITY, Wake};
use paho_oxide::transport::{ConnectError, Connector, Input, Link, Stage};
use tokio::time::Instant;
use transport_common::{PATIENCE, options, parse, pattern, pump, read, receive, runtime};
use tungstenite::handshake::derive_accept_key;

fn upgrade_over(link: Link, uri: &str) -> Result<Link, ConnectError> {
    let mut options = options();
    options.http_headers = vec![("X-Program".into(), "its own".into())];
    runtime().block_on(Connector::default().connect_over(
        link,
        &parse(uri),
        &options,
        Instant::now() + PATIENCE,
    ))
}

/// The answer to an upgrade request.
fn answer(request: &str) -> String {
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    )
}

/// A stream whose owner hears of changes through a channel.
fn stream(capacity: usize) -> (Link, ByteStream, Receiver<Wake>) {
    let (sender, wakes) = channel();
    let waker = Arc::new(move |wake| sender.send(wake).unwrap_or_default());
    let (link, owner) = Link::stream(capacity, waker);
    (link, owner, wakes)
}

#[test]
fn descriptors_are_made_what_the_engine_needs() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let blocking = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    let link = Link::adopt(blocking.into()).unwrap();
    let fd = link.fd().unwrap();
    assert!(rustix::net::sockopt::tcp_nodelay(fd).unwrap());
    assert!(
        rustix::fs::fcntl_getfl(fd)
            .unwrap()
            .contains(rustix::fs::OFlags::NONBLOCK)
    );
    assert!(
        rustix::io::fcntl_getfd(fd)
            .unwrap()
            .contains(rustix::io::FdFlags::CLOEXEC)
    );
    assert_eq!(
        read(&link, &mut [0]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    peer.write_all(b"hello").unwrap();
    assert_eq!(receive(&link, 5), b"hello");
    pump(&link, b"there", 0, |_| ());
    let mut got = [0; 5];
    peer.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"there");

    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let link = Link::adopt(ours.into()).unwrap();
    theirs.write_all(b"x").unwrap();
    assert_eq!(receive(&link, 1), b"x");
    drop(link);
    assert_eq!(theirs.read(&mut [0]).unwrap(), 0);
}

#[test]
fn what_cannot_be_adopted() {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.connect(udp.local_addr().unwrap()).unwrap();
    let (datagram, _other) = UnixDatagram::pair().unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let cases: [(OwnedFd, &str); 4] = [
        (udp.into(), "no stream socket"),
        (datagram.into(), "no stream socket"),
        (file.into(), "not a socket"),
        (listener.into(), "not connected"),
    ];
    for (fd, reason) in cases {
        let error = Link::adopt(fd).unwrap_err().to_string().to_lowercase();
        let known = error.contains(reason)
            // The system's words.
            || (reason == "not a socket" && error.contains("non-socket"));
        assert!(known, "{reason}: {error}");
    }
}

#[test]
fn a_stream_carries_both_ways_within_its_bounds() {
    let (link, owner, wakes) = stream(8);
    assert!(link.fd().is_none());
    // From the owner to the engine.
    assert_eq!(
        read(&link, &mut [0]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    assert_eq!(owner.feed(b"0123456789"), 8);
    assert_eq!(owner.room(), 0);
    assert_eq!(owner.feed(b"89"), 0);
    let mut buf = [0; 20];
    assert_eq!(read(&link, &mut buf[..3]).unwrap(), 3);
    // Not woken for every byte: half of it has to be free.
    wakes.try_recv().unwrap_err();
    assert_eq!(read(&link, &mut buf[3..]).unwrap(), 5);
    assert_eq!(&buf[..8], b"01234567");
    let writable = Wake {
        readable: false,
        writable: true,
    };
    assert_eq!(wakes.try_recv().unwrap(), writable);
    // From the engine to the owner.
    let bufs = [&b"abc"[..], b"", b"defghijk"].map(IoSlice::new);
    assert_eq!(link.write(&bufs).unwrap(), 8);
    let readable = Wake {
        readable: true,
        writable: false,
    };
    assert_eq!(wakes.try_recv().unwrap(), readable);
    assert_eq!(
        link.write(&[IoSlice::new(b"i")]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    assert_eq!(owner.pending(), 8);
    assert_eq!(
        owner.take_with(|bytes| usize::from(bytes == b"abcdefgh")),
        1
    );
    assert_eq!(owner.take(&mut buf), 7);
    assert_eq!(&buf[..7], b"bcdefgh");
    assert_eq!(owner.take(&mut buf), 0);
    assert!(!owner.is_ended());
}

#[test]
fn the_engine_sees_what_is_possible() {
    let (link, owner, _wakes) = stream(4);
    let is_now = |readable, writable| {
        let now = link.poll(true, Some(Duration::ZERO));
        assert_eq!((now.readable, now.writable), (readable, writable));
    };
    is_now(false, true);
    assert_eq!(owner.feed(b"ab"), 2);
    is_now(true, true);
    assert_eq!(receive(&link, 2), b"ab");
    is_now(false, true);
    // A full stream has room again as soon as some of it has been taken.
    assert_eq!(link.write(&[IoSlice::new(b"01234")]).unwrap(), 4);
    is_now(false, false);
    assert_eq!(owner.take(&mut [0; 1]), 1);
    is_now(false, true);
    // Its end can be read, and nothing behind it.
    assert_eq!(owner.feed(b"c"), 1);
    owner.feed_end();
    is_now(true, true);
    assert_eq!(receive(&link, 1), b"c");
    is_now(true, true);
    assert_eq!(link.read(&mut [0]).unwrap(), Input::End);
    assert_eq!(owner.feed(b"late"), 0);
}

#[test]
fn a_thread_that_waits_inside_a_call_is_woken() {
    let (link, owner, _wakes) = stream(4);
    for bytes in [&b"a"[..], b"b", b"c"] {
        let waiting = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| link.poll(false, None));
            assert_eq!(owner.feed(bytes), 1);
            waiting.join().unwrap()
        });
        assert!(waiting.readable);
        assert_eq!(receive(&link, 1), bytes);
    }
    let ended = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| link.poll(false, None));
        owner.feed_end();
        waiting.join().unwrap()
    });
    assert!(ended.readable);
}

#[test]
fn each_end_hears_of_the_other_ones_end() {
    // The engine closes: what it wrote can still be taken.
    let (link, owner, wakes) = stream(64);
    link.write(&[IoSlice::new(b"last")]).unwrap();
    link.end_writing();
    assert!(!owner.is_ended());
    owner.feed(b"answer");
    assert_eq!(receive(&link, 6), b"answer");
    link.shutdown();
    assert_eq!(link.read(&mut [0]).unwrap(), Input::End);
    assert_eq!(
        link.write(&[IoSlice::new(b"x")]).unwrap_err().kind(),
        ErrorKind::BrokenPipe
    );
    let mut buf = [0; 9];
    assert_eq!(owner.take(&mut buf), 4);
    assert!(owner.is_ended());
    assert_eq!(owner.feed(b"x"), 0);
    assert!(wakes.try_iter().any(|wake| wake.readable));

    // The owner goes.
    let (link, owner, _wakes) = stream(64);
    owner.feed(b"rest");
    drop(owner);
    assert_eq!(receive(&link, 4), b"rest");
    assert_eq!(link.read(&mut [0]).unwrap(), Input::End);
    assert_eq!(
        link.write(&[IoSlice::new(b"x")]).unwrap_err().kind(),
        ErrorKind::BrokenPipe
    );
}

/// A thread that waits inside a call is woken by what the owner does.
#[test]
fn a_stream_can_be_waited_for() {
    let (link, owner, _wakes) = stream(1);
    let link = &link;
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| link.poll(false, Some(PATIENCE)));
        owner.feed(b"x");
        assert!(waiting.join().unwrap().readable);
        assert_eq!(receive(link, 1), b"x");
        link.write(&[IoSlice::new(b"12")]).unwrap();
        let waiting = scope.spawn(|| link.poll(true, Some(PATIENCE)));
        assert_eq!(owner.take(&mut [0; 1]), 1);
        assert!(waiting.join().unwrap().writable);
        let waiting = scope.spawn(|| link.poll(false, None));
        link.shutdown();
        assert!(waiting.join().unwrap().readable);
    });
    let (link, _owner, _wakes) = stream(1);
    let nothing = link.poll(false, Some(std::time::Duration::from_millis(1)));
    assert!(!nothing.readable);
}

/// Bytes through a stream much smaller than they are, in pieces of all sizes.
#[test]
fn large_amounts_pass_both_ways_at_once() {
    const SIZE: usize = 8 << 20;
    let (link, owner, wakes) = stream(DEFAULT_CAPACITY);
    let sent = pattern(SIZE);
    let echo = std::thread::spawn(move || {
        let mut held = Vec::new();
        let mut buf = vec![0; 100_000];
        let mut size = 1;
        for wake in wakes {
            assert!(wake.readable || wake.writable);
            loop {
                size = size * 7 % buf.len() + 1;
                let taken = owner.take(&mut buf[..size]);
                held.extend_from_slice(&buf[..taken]);
                let fed = owner.feed(&held);
                held.drain(..fed);
                if taken == 0 && fed == 0 {
                    break;
                }
            }
            if owner.is_ended() && held.is_empty() {
                break;
            }
        }
    });
    let (mut written, mut got) = (0, 0);
    let mut buf = vec![0; 64 * 1024];
    while got < SIZE {
        let mut idle = true;
        if written < SIZE {
            match link.write(&[IoSlice::new(&sent[written..SIZE.min(written + 50_000)])]) {
                Ok(n) => {
                    written += n;
                    idle = false;
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        match read(&link, &mut buf) {
            Ok(n) => {
                assert!(buf[..n] == sent[got..got + n], "differs from {got} on");
                got += n;
                idle = false;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        if idle {
            let ready = link.poll(written < SIZE, Some(PATIENCE));
            assert!(ready.readable || ready.writable);
        }
    }
    link.shutdown();
    echo.join().unwrap();
}

#[test]
fn websocket_over_a_stream_fed_in_any_pieces() {
    for piece in [1, 2, 3, 7, 50, 1000] {
        let (link, owner, wakes) = stream(DEFAULT_CAPACITY);
        let server = std::thread::spawn(move || {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut buf = [0; 1000];
                let n = owner.take(&mut buf);
                request.extend_from_slice(&buf[..n]);
                if n == 0 {
                    wakes.recv_timeout(PATIENCE).unwrap();
                }
            }
            let request = String::from_utf8(request).unwrap();
            let mut bytes = answer(&request).into_bytes();
            bytes.extend_from_slice(b"\x82\x03abc\x89\x01p\x02\x01d\x80\x02ef");
            for bytes in bytes.chunks(piece) {
                assert_eq!(owner.feed(bytes), bytes.len());
            }
            (owner, request)
        });
        let link = upgrade_over(link, "wss://broker.example/over?a=b").unwrap();
        let (owner, request) = server.join().unwrap();
        assert!(
            request.starts_with("GET /over?a=b HTTP/1.1\r\nHost: broker.example:443\r\n"),
            "{request}"
        );
        assert!(request.contains("\r\nX-Program: its own\r\n"), "{request}");
        assert_eq!(receive(&link, 6), b"abcdef");
        // The pong goes by itself; then a frame of ours.
        let mut frames = [0; 100];
        assert_eq!(owner.take(&mut frames), 7, "{piece}");
        assert_eq!(frames[0], 0x8a);
        assert_eq!(link.write(&[IoSlice::new(b"xy")]).unwrap(), 2);
        assert_eq!(owner.take(&mut frames), 8);
        assert_eq!((frames[0], frames[1]), (0x82, 0x82));
        // Between two feeds nothing is there, and the next one can be seen.
        assert_eq!(
            link.read(&mut [0; 9]).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        owner.feed(b"\x82\x01z");
        assert!(link.poll(false, Some(Duration::ZERO)).readable);
        assert_eq!(receive(&link, 1), b"z");
        link.shutdown();
        assert_eq!(owner.take(&mut frames), 8);
        assert_eq!(frames[0], 0x88);
        assert!(owner.is_ended());
    }
}

#[test]
fn websocket_over_an_adopted_descriptor() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let server = std::thread::spawn(move || {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            theirs.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        let answer = answer(&String::from_utf8(request).unwrap());
        theirs.write_all(answer.as_bytes()).unwrap();
        theirs.write_all(b"\x82\x02ok").unwrap();
        theirs
    });
    let link = Link::adopt(ours.into()).unwrap();
    let link = upgrade_over(link, "ws://h").unwrap();
    assert_eq!(receive(&link, 2), b"ok");
    assert!(link.fd().is_some());
    let theirs = server.join().unwrap();
    assert!(theirs.as_fd().try_clone_to_owned().is_ok());
    // It has its layer now.
    let error = upgrade_over(link, "ws://h").unwrap_err();
    assert_eq!(error.stage, Stage::WebSocket, "{error}");

    // Other schemes put nothing on it.
    let (link, owner, _wakes) = stream(10);
    let link = upgrade_over(link, "ssl://h").unwrap();
    owner.feed(b"x");
    assert_eq!(receive(&link, 1), b"x");

    // An owner that goes ends the upgrade.
    let (link, owner, _wakes) = stream(1000);
    drop(owner);
    let error = upgrade_over(link, "ws://h").unwrap_err();
    assert_eq!(error.stage, Stage::WebSocket, "{error}");
}
