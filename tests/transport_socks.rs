//! SOCKS proxies, and what HTTP proxies and sockets are asked and say.

mod transport_common;

use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use paho_oxide::options::{ConnectOptions, NetworkOptions};
use paho_oxide::transport::{ConnectError, Connector, Link, Stage};
use rustix::net::sockopt;
use transport_common::{Fixed, connect_with, options, receive};

/// Plays a proxy: each step reads what is expected, byte for byte, and answers.
fn scripted(steps: &'static [(&'static [u8], &'static [u8])]) -> (String, JoinHandle<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        for (expected, answer) in steps {
            let mut got = vec![0; expected.len()];
            socket.read_exact(&mut got).unwrap();
            assert_eq!(got, *expected);
            // Byte by byte: the answer may come in any pieces.
            for byte in *answer {
                // A client that has heard enough may be gone, and the rest of the answer comes to nothing.
                if socket.write_all(&[*byte]).is_err() {
                    break;
                }
            }
        }
        socket
    });
    (address, thread)
}

fn through(proxy: &str, uri: &str) -> Result<Link, ConnectError> {
    let options = ConnectOptions {
        http_proxy: Some(proxy.into()),
        ..options()
    };
    let resolver = Arc::new(Fixed(vec![([192, 0, 2, 7], 1883).into()]));
    let connector = if uri.contains("example") {
        Connector::with_resolver(resolver)
    } else {
        Connector::default()
    };
    connect_with(&connector, uri, &options)
}

/// What a scripted proxy expects, piece by piece, and what it answers.
type Script = &'static [(&'static [u8], &'static [u8])];

#[test]
fn the_proxy_looks_the_name_up_or_gets_an_address() {
    let opened: &[u8] = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50first";
    let cases: [(&str, &str, Script); 4] = [
        (
            "socks5h://",
            "tcp://broker.example",
            Box::leak(Box::new([
                (&b"\x05\x01\x00"[..], &b"\x05\x00"[..]),
                (b"\x05\x01\x00\x03\x0ebroker.example\x07\x5b", opened),
            ])),
        ),
        (
            "socks5://",
            "tcp://broker.example:1",
            Box::leak(Box::new([
                (&b"\x05\x01\x00"[..], &b"\x05\x00"[..]),
                (b"\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x01", opened),
            ])),
        ),
        (
            "socks5h://user:p%40ss@",
            "tcp://192.0.2.9:1",
            Box::leak(Box::new([
                (&b"\x05\x02\x00\x02"[..], &b"\x05\x02"[..]),
                (b"\x01\x04user\x04p@ss", b"\x01\x00"),
                (b"\x05\x01\x00\x01\xc0\x00\x02\x09\x00\x01", opened),
            ])),
        ),
        (
            "socks5://u@",
            "tcp://[2001:db8::1]:1",
            Box::leak(Box::new([
                (&b"\x05\x02\x00\x02"[..], &b"\x05\x00"[..]),
                (
                    b"\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x01",
                    b"\x05\x00\x00\x03\x04name\x00\x50first",
                ),
            ])),
        ),
    ];
    for (scheme, uri, steps) in cases {
        let (address, proxy) = scripted(steps);
        let link = through(&format!("{scheme}{address}"), uri).unwrap();
        // Nothing of what followed the answer was lost.
        assert_eq!(receive(&link, 5), b"first", "{scheme} {uri}");
        proxy.join().unwrap();
    }
}

#[test]
fn refusals_say_why() {
    let cases: [(Script, &str); 4] = [
        (
            &[(b"\x05\x01\x00", b"\x05\xff")],
            "the proxy asks for authentication",
        ),
        (
            &[
                (b"\x05\x01\x00", b"\x05\x00"),
                (
                    b"\x05\x01\x00\x01\x7f\0\0\x01\0\x01",
                    b"\x05\x05\x00\x01\0\0\0\0\0\0",
                ),
            ],
            "the proxy cannot reach the server: connection refused (5)",
        ),
        (
            &[(b"\x05\x01\x00", b"HTTP/1.1 400")],
            "not an answer of SOCKS version 5",
        ),
        (
            &[(b"\x05\x01\x00", b"\x05")],
            "connection closed by the proxy",
        ),
    ];
    for (steps, message) in cases {
        let (address, proxy) = scripted(steps);
        let closing = std::thread::spawn(move || {
            let socket = proxy.join().unwrap();
            let _ = socket.shutdown(std::net::Shutdown::Write);
            socket
        });
        let error = through(&format!("socks5://{address}"), "tcp://127.0.0.1:1").unwrap_err();
        assert_eq!((error.stage, &*error.message), (Stage::Socks, message));
        closing.join().unwrap();
    }
}

/// Not the server's: the proxy's name, port or URL is what is wrong.
#[test]
fn a_proxy_that_cannot_be_reached_is_called_the_proxy() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap().to_string();
    drop(listener);
    for (proxy, words) in [
        (
            closed.as_str(),
            &["cannot reach the proxy 127.0.0.1", "refused"][..],
        ),
        (
            "socks5://no..such.name",
            &["address of the proxy", "no..such.name"],
        ),
        ("p:99999", &["the proxy's URL", "port"]),
        ("socks4://p", &["the proxy's URL", "scheme"]),
    ] {
        let error = through(proxy, "tcp://127.0.0.1:1").unwrap_err();
        let stage = if proxy.starts_with("socks5://") {
            Stage::Socks
        } else {
            Stage::Proxy
        };
        assert_eq!(error.stage, stage, "{error}");
        for word in words {
            assert_eq!(error.to_string().matches(word).count(), 1, "{error}");
        }
    }
}

#[test]
fn http_answers_as_lenient_as_they_may_be() {
    const REQUEST: &[u8] = b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n";
    for answer in [
        &b"HTTP/1.1 200 OK\n\nfirst"[..],
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200\r\n\r\nfirst",
    ] {
        let (address, proxy) = scripted(Box::leak(Box::new([(REQUEST, answer)])));
        let link = through(&address, "tcp://127.0.0.1:1").unwrap();
        assert_eq!(receive(&link, 5), b"first");
        proxy.join().unwrap();
    }
    // Only 200 opens a tunnel; an endless series of interim answers does not.
    let (address, proxy) = scripted(&[(REQUEST, b"HTTP/1.1 204 No Content\r\n\r\n")]);
    let error = through(&address, "tcp://127.0.0.1:1").unwrap_err();
    assert_eq!(error.message, "HTTP status 204 No Content");
    proxy.join().unwrap();

    let (address, proxy) = scripted(&[(REQUEST, b"")]);
    let flood = std::thread::spawn(move || {
        let mut socket = proxy.join().unwrap();
        let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
        while socket.write_all(&interim).is_ok() {}
    });
    let error = through(&address, "tcp://127.0.0.1:1").unwrap_err();
    assert_eq!(error.message, "HTTP answer without end");
    flood.join().unwrap();
}

#[test]
fn nothing_of_a_bad_name_reaches_the_proxy() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = proxy.local_addr().unwrap().to_string();
    let long_name = format!("tcp://{}:1", "x".repeat(256));
    for (scheme, uri, stage, words) in [
        (
            "",
            "tcp://two words:1",
            Stage::Proxy,
            "the server's name contains a space",
        ),
        (
            "socks5h://",
            &long_name,
            Stage::Socks,
            "the server's name is longer than 255 bytes",
        ),
    ] {
        let error = through(&format!("{scheme}{address}"), uri).unwrap_err();
        assert_eq!(error.stage, stage, "{error}");
        assert_eq!(error.message, words);
        // Not even a connection was made.
        let caller = proxy.accept().map(drop).unwrap_err();
        assert_eq!(caller.kind(), std::io::ErrorKind::WouldBlock);
    }
}

#[test]
fn sockets_are_set_as_the_program_wants() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("tcp://{}", listener.local_addr().unwrap());
    let reach = |network: NetworkOptions| {
        let options = ConnectOptions {
            network: Some(Box::new(network)),
            ..options()
        };
        connect_with(&Connector::default(), &uri, &options)
    };
    let link = reach(NetworkOptions {
        keep_alive: Some(Duration::from_secs(17)),
        user_timeout: Some(Duration::from_millis(4321)),
        bind_address: Some(IpAddr::from([127, 0, 0, 9])),
    })
    .unwrap();
    let fd = link.fd().unwrap();
    assert!(sockopt::socket_keepalive(fd).unwrap());
    assert_eq!(sockopt::tcp_keepidle(fd).unwrap(), Duration::from_secs(17));
    assert_eq!(sockopt::tcp_keepintvl(fd).unwrap(), Duration::from_secs(17));
    assert_eq!(sockopt::tcp_user_timeout(fd).unwrap(), 4321);
    let (_, from) = listener.accept().unwrap();
    assert_eq!(from.ip(), IpAddr::from([127, 0, 0, 9]));

    let link = reach(NetworkOptions {
        keep_alive: Some(Duration::ZERO),
        ..NetworkOptions::default()
    })
    .unwrap();
    assert!(!sockopt::socket_keepalive(link.fd().unwrap()).unwrap());

    for (address, reason) in [
        (IpAddr::from([192, 0, 2, 1]), "bind to 192.0.2.1: "),
        ("::1".parse().unwrap(), "no address of the family"),
    ] {
        let error = reach(NetworkOptions {
            bind_address: Some(address),
            ..NetworkOptions::default()
        })
        .unwrap_err();
        assert_eq!(error.stage, Stage::Tcp, "{error}");
        assert!(error.message.contains(reason), "{error}");
    }
}
