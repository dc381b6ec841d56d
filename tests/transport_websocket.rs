//! WebSocket layer against a scripted server.

mod transport_common;

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use paho_oxide::options::ConnectOptions;
use paho_oxide::transport::{ConnectError, Connector, Link, Stage};
use transport_common::{
    connect_with, in_child, options, pattern, poll_in, pump, read, receive, receive_bytewise,
    receive_end,
};
use tungstenite::Message;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Role, WebSocketConfig};

/// One connection, up to the end of the client's request.
struct Peer {
    socket: TcpStream,
    request: String,
}

impl Peer {
    fn accept(listener: &TcpListener) -> Self {
        let (mut socket, _) = listener.accept().unwrap();
        socket.set_nodelay(true).unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            assert_eq!(socket.read(&mut byte).unwrap(), 1);
            request.push(byte[0]);
        }
        Self {
            socket,
            request: String::from_utf8(request).unwrap(),
        }
    }

    /// The answer that the request calls for, with `extra` headers.
    fn answer(&self, extra: &str) -> String {
        let key = self
            .request
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
            .unwrap();
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nconnection: keep-alive, Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n{extra}\r\n",
            derive_accept_key(key.as_bytes())
        )
    }

    fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    /// Reads one frame: first byte and unmasked payload.
    fn frame(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        self.socket.read_exact(&mut head).unwrap();
        assert_eq!(head[1] & 0x80, 0x80, "a client's frames are masked");
        let length = match head[1] & 0x7F {
            126 => {
                let mut length = [0; 2];
                self.socket.read_exact(&mut length).unwrap();
                u64::from(u16::from_be_bytes(length))
            }
            127 => {
                let mut length = [0; 8];
                self.socket.read_exact(&mut length).unwrap();
                u64::from_be_bytes(length)
            }
            length => u64::from(length),
        };
        let mut mask = [0; 4];
        self.socket.read_exact(&mut mask).unwrap();
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.socket.read_exact(&mut payload).unwrap();
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
        (head[0], payload)
    }
}

/// Runs `script` on the next connection to a new port.
fn serve<T: Send + 'static>(
    script: impl FnOnce(Peer) -> T + Send + 'static,
) -> (String, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("ws://{}", listener.local_addr().unwrap());
    (
        uri,
        std::thread::spawn(move || script(Peer::accept(&listener))),
    )
}

fn connect(uri: &str) -> Result<Link, ConnectError> {
    connect_with(&Connector::default(), uri, &options())
}

/// Upgrades, then runs `script`.
fn upgraded<T: Send + 'static>(
    script: impl FnOnce(&mut Peer) -> T + Send + 'static,
) -> (Link, JoinHandle<T>) {
    let (uri, server) = serve(|mut peer| {
        let answer = peer.answer("Sec-WebSocket-Protocol: mqtt\r\n");
        peer.send(answer.as_bytes());
        script(&mut peer)
    });
    (connect(&uri).unwrap(), server)
}

#[test]
fn the_request_says_what_the_original_says() {
    let (uri, server) = serve(|mut peer| {
        let answer = peer.answer("");
        peer.send(answer.as_bytes());
        peer.request
    });
    let headers = vec![
        ("X-A".to_owned(), "b c".into()),
        ("X-D".to_owned(), "".into()),
    ];
    let options = ConnectOptions {
        http_headers: headers,
        ..options()
    };
    connect_with(&Connector::default(), &format!("{uri}/a/b?c=d"), &options).unwrap();
    let request = server.join().unwrap();
    let authority = uri.strip_prefix("ws://").unwrap();
    let expected = format!(
        "GET /a/b?c=d HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Origin: http://{authority}\r\nSec-WebSocket-Key: KEY\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: mqtt\r\nX-A: b c\r\nX-D: \r\n\r\n"
    );
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap();
    assert_eq!(key.len(), 24);
    assert_eq!(request.replace(key, "KEY"), expected);
}

#[test]
fn line_breaks_cannot_be_smuggled_in() {
    let (uri, _server) = serve(|_| ());
    for (name, value) in [("A", "b\r\nC: d"), ("A\n", "b"), ("A", "\0")] {
        let options = ConnectOptions {
            http_headers: vec![(name.to_owned(), value.into())],
            ..options()
        };
        let error = connect_with(&Connector::default(), &uri, &options).unwrap_err();
        assert_eq!(error.stage, Stage::WebSocket);
    }
}

#[test]
fn refused_upgrades_tell_the_status() {
    let refuse = |answer: &'static str| {
        let (uri, server) = serve(move |mut peer| peer.send(answer.as_bytes()));
        let error = connect(&uri).unwrap_err();
        server.join().unwrap();
        assert_eq!(error.stage, Stage::WebSocket);
        error.message
    };
    assert_eq!(
        refuse("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"),
        "HTTP status 403 Forbidden"
    );
    assert_eq!(refuse("HTTP/1.0 500\r\n\r\n"), "HTTP status 500");
    assert_eq!(refuse("HTTP/1.1 200 OK\r\n\r\n"), "HTTP status 200 OK");
    assert!(
        refuse("HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
            .contains("other protocol")
    );
    let wrong_key = "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";
    assert!(refuse(wrong_key).contains("Sec-WebSocket-Accept"));
    // A plain MQTT server.
    assert_eq!(refuse("\x20\x02\x00\x05"), "not an HTTP answer");
    assert!(refuse("").contains("end of file"));
    assert!(refuse("HTTP/1.1 101 Swi").contains("end of file"));
}

/// Issue 11, item 20: interim answers are passed over, and lines may end without a carriage return.
#[test]
fn interim_answers_and_bare_line_feeds_are_understood() {
    for (interim, bare) in [
        ("HTTP/1.1 100 Continue\r\n\r\n", false),
        (
            "HTTP/1.1 102\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
            false,
        ),
        ("HTTP/1.1 100 Continue\r\n\r\n", true),
        ("", true),
    ] {
        let (uri, server) = serve(move |mut peer| {
            let mut answer = format!("{interim}{}", peer.answer("A: b\r\n"));
            if bare {
                answer = answer.replace("\r\n", "\n");
            }
            peer.send(answer.as_bytes());
        });
        connect(&uri).unwrap();
        server.join().unwrap();
    }
}

#[test]
fn answers_that_chose_something_else_are_refused() {
    for extra in [
        "Sec-WebSocket-Protocol: chat\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    ] {
        let (uri, server) = serve(move |mut peer| {
            let answer = peer.answer(extra);
            peer.send(answer.as_bytes());
        });
        assert_eq!(connect(&uri).unwrap_err().stage, Stage::WebSocket);
        server.join().unwrap();
    }
}

/// The first frame comes together with the answer's end.
#[test]
fn the_answer_may_be_split_anywhere() {
    let length = {
        let (uri, server) = serve(|mut peer| {
            let answer = peer.answer("");
            peer.send(answer.as_bytes());
            answer.len()
        });
        connect(&uri).unwrap();
        server.join().unwrap()
    };
    for at in 1..=length {
        let (uri, server) = serve(move |mut peer| {
            let mut bytes = peer.answer("").into_bytes();
            bytes.extend_from_slice(b"\x82\x02hi");
            peer.send(&bytes[..at]);
            peer.send(&bytes[at..]);
            peer
        });
        let link = connect(&uri).unwrap();
        assert_eq!(receive(&link, 2), b"hi", "split at {at}");
        server.join().unwrap();
    }
}

#[test]
fn headers_may_be_long_and_many() {
    let many = (0..5000).fold(String::new(), |headers, i| {
        headers + &format!("X-{i}: {i:020}\r\n")
    });
    let long = format!("X-Long: {}\r\n", "y".repeat(100 * 1024));
    for extra in [many, long] {
        assert!(extra.len() > 100 * 1024);
        let (uri, server) = serve(move |mut peer| {
            let answer = peer.answer(&extra);
            peer.send(answer.as_bytes());
            peer.send(b"\x82\x02hi");
            peer
        });
        assert_eq!(receive(&connect(&uri).unwrap(), 2), b"hi");
        server.join().unwrap();
    }
}

#[test]
fn a_head_without_end_is_given_up() {
    let (uri, server) = serve(|mut peer| {
        peer.send(b"HTTP/1.1 101 X\r\n");
        let line = format!("X: {}\r\n", "y".repeat(1000));
        while peer.socket.write_all(line.as_bytes()).is_ok() {}
    });
    assert_eq!(
        connect(&uri).unwrap_err().message,
        "HTTP answer without end"
    );
    server.join().unwrap();
}

#[test]
fn frames_of_every_shape() {
    let (link, server) = upgraded(|peer| {
        // Whole, empty, fragmented with a ping inside, byte by byte, extended lengths in both sizes.
        peer.send(b"\x82\x01a\x82\x00\x02\x02bc\x89\x03pin\x00\x00\x80\x01d");
        for byte in b"\x82\x7e\x00\x03efg\x8a\x00\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x02hi" {
            peer.send(&[*byte]);
        }
        let pong = peer.frame();
        peer.send(b"\x88\x02\x03\xe9");
        let close = peer.frame();
        (pong, close)
    });
    assert_eq!(receive(&link, 9), b"abcdefghi");
    assert_eq!(receive_end(&link).unwrap(), b"");
    assert_eq!(read(&link, &mut [0]).unwrap(), 0);
    let (pong, close) = server.join().unwrap();
    assert_eq!(pong, (0x8A, b"pin".to_vec()));
    assert_eq!(close, (0x88, 1001_u16.to_be_bytes().to_vec()));
}

#[test]
fn what_a_server_may_not_send() {
    let cases: [(&'static [u8], u16); 9] = [
        (b"\x81\x01a", 1003),
        (b"\x82\x81\x00\x00\x00\x00a", 1002),
        (b"\xc2\x01a", 1002),
        (b"\x83\x01a", 1002),
        (b"\x80\x01a", 1002),
        (b"\x02\x01a\x82\x01b", 1002),
        (b"\x09\x00", 1002),
        (b"\x89\x7e\x00\x7e", 1002),
        (b"\x02\x01a\x81\x01b", 1003),
    ];
    for (bytes, code) in cases {
        let (link, server) = upgraded(move |peer| {
            peer.send(bytes);
            peer.frame()
        });
        let error = receive_end(&link).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{bytes:?}");
        // It stays ended.
        assert_eq!(read(&link, &mut [0]).unwrap(), 0);
        assert_eq!(
            server.join().unwrap(),
            (0x88, code.to_be_bytes().to_vec()),
            "{bytes:?}"
        );
    }
}

#[test]
fn data_before_an_error_is_delivered() {
    let (link, server) = upgraded(|peer| {
        peer.send(b"\x82\x02ab\x81\x01c");
        peer.frame()
    });
    assert_eq!(receive(&link, 2), b"ab");
    assert_eq!(
        receive_end(&link).unwrap_err().kind(),
        ErrorKind::InvalidData
    );
    server.join().unwrap();
}

#[test]
fn writes_become_masked_binary_frames() {
    let (link, server) = upgraded(|peer| {
        let first = peer.frame();
        let mut rest = Vec::new();
        while rest.len() < 200_000 {
            let (head, payload) = peer.frame();
            assert_eq!(head, 0x82);
            rest.extend(payload);
        }
        (first, rest, peer.frame())
    });
    let bufs = [&b"ab"[..], b"", b"cd"].map(IoSlice::new);
    assert_eq!(link.write(&bufs).unwrap(), 4);
    let large = pattern(200_000);
    pump(&link, &large, 0, |_| ());
    link.shutdown();
    let (first, rest, close) = server.join().unwrap();
    assert_eq!(first, (0x82, b"abcd".to_vec()));
    assert!(rest == large);
    assert_eq!(close, (0x88, 1000_u16.to_be_bytes().to_vec()));
}

/// An independent implementation at the other end, which sends each message back in a frame of the size it came in.
#[test]
fn large_messages_pass_both_ways_at_once() {
    const SIZE: usize = 100 << 20;
    let (link, server) = upgraded(|peer| {
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let mut socket = peer.socket.try_clone().unwrap();
        let mut server =
            tungstenite::WebSocket::from_raw_socket(&mut socket, Role::Server, Some(config));
        let mut held = Vec::new();
        // The first half as it comes, the other as one frame of 50 MiB.
        let mut echoed = 0;
        while echoed + held.len() < SIZE {
            let data = server.read().unwrap().into_data();
            if echoed < SIZE / 2 {
                echoed += data.len();
                server.send(Message::Binary(data)).unwrap();
            } else {
                held.extend_from_slice(&data);
            }
        }
        server.send(Message::Binary(held.into())).unwrap();
    });
    let sent = pattern(SIZE);
    let mut at = 0;
    pump(&link, &sent, SIZE, |bytes| {
        assert!(
            bytes == &sent[at..at + bytes.len()],
            "differs within {} bytes from {at}",
            bytes.len()
        );
        at += bytes.len();
    });
    server.join().unwrap();
}

#[test]
fn a_blocked_peer_takes_no_more_than_a_frame() {
    let (link, server) = upgraded(|peer| peer.socket.try_clone().unwrap());
    let socket = server.join().unwrap();
    let block = vec![0; 1 << 20];
    let error = loop {
        if let Err(error) = link.write(&[IoSlice::new(&block)]) {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    assert!(link.has_unsent());
    assert_eq!(link.flush().unwrap_err().kind(), ErrorKind::WouldBlock);
    drop(socket);
}

#[test]
fn held_bytes_are_announced() {
    let (link, server) = upgraded(|peer| {
        peer.send(b"\x82\x03abc\x02\x01d\x80\x02ef");
        peer.socket.try_clone().unwrap()
    });
    assert_eq!(receive_bytewise(&link, 6), b"abcdef");
    drop(server.join().unwrap());
}

#[test]
fn the_peer_just_goes() {
    let (link, server) = upgraded(|peer| peer.send(b"\x82\x05abc"));
    server.join().unwrap();
    assert_eq!(receive_end(&link).unwrap(), b"abc");
}

#[test]
fn no_sigpipe_through_websocket() {
    if !in_child("no_sigpipe_through_websocket") {
        return;
    }
    let (link, server) = upgraded(|_| ());
    server.join().unwrap();
    poll_in(&link);
    while link.write(&[IoSlice::new(b"x")]).is_ok() {}
    link.shutdown();
}
