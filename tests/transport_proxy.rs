//! HTTP proxies: tinyproxy, and scripted ones for what it does not do.

#[path = "transport_common/tinyproxy.rs"]
mod tinyproxy;
mod transport_common;

use std::io::{IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread::JoinHandle;

use paho_oxide::options::ConnectOptions;
use paho_oxide::transport::{ConnectError, Connector, Link, Stage};
use tinyproxy::Tinyproxy;
use transport_common::{connect_with, options, pump, receive};

/// Takes one request and gives one answer; what came is the result.
fn scripted(answer: &'static [u8]) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            assert_eq!(socket.read(&mut byte).unwrap(), 1);
            request.push(byte[0]);
        }
        socket.write_all(answer).unwrap();
        String::from_utf8(request).unwrap()
    });
    (address, thread)
}

fn connect(uri: &str, http_proxy: &str) -> Result<Link, ConnectError> {
    let options = ConnectOptions {
        http_proxy: Some(http_proxy.into()),
        ..options()
    };
    connect_with(&Connector::default(), uri, &options)
}

#[test]
fn the_request_names_the_server_and_carries_credentials() {
    for (uri, credentials, expected) in [
        (
            "tcp://b.example:1",
            "",
            "CONNECT b.example:1 HTTP/1.1\r\nHost: b.example:1\r\n\r\n",
        ),
        (
            "tcp://[::1%lo]:1",
            "",
            "CONNECT [::1]:1 HTTP/1.1\r\nHost: [::1]:1\r\n\r\n",
        ),
        (
            "tcp://b.example",
            "us%40er:p%3Ass@",
            "CONNECT b.example:1883 HTTP/1.1\r\nHost: b.example:1883\r\nProxy-Authorization: Basic dXNAZXI6cDpzcw==\r\n\r\n",
        ),
    ] {
        let (address, proxy) =
            scripted(b"HTTP/1.0 200 Connection established\r\nA: b\r\n\r\nfirst");
        let link = connect(uri, &format!("http://{credentials}{address}")).unwrap();
        assert_eq!(proxy.join().unwrap(), expected);
        // Nothing of what followed the answer was lost.
        assert_eq!(receive(&link, 5), b"first");
    }
}

#[test]
fn refusals_tell_the_status() {
    for (answer, message) in [
        (
            &b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n"[..],
            "HTTP status 407 Proxy Authentication Required",
        ),
        (
            b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>",
            "HTTP status 502 Bad Gateway",
        ),
        (b"HTTP/1.1 200", "connection closed by the proxy"),
        (b"SSH-2.0-x", "not an HTTP answer"),
    ] {
        let (address, proxy) = scripted(answer);
        let error = connect("tcp://b.example:1", &address).unwrap_err();
        proxy.join().unwrap();
        assert_eq!((error.stage, &*error.message), (Stage::Proxy, message));
    }
    let error = connect("tcp://b.example:1", "http://:x").unwrap_err();
    assert_eq!(error.stage, Stage::Proxy, "{error}");
}

/// Issue 11, item 20: interim answers are passed over, and lines may end without a carriage return.
#[test]
fn interim_answers_and_bare_line_feeds_are_understood() {
    for answer in [
        &b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nfirst"[..],
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102\r\n\r\nHTTP/1.0 200 OK\r\n\r\nfirst",
        b"HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\nA: b\n\nfirst",
    ] {
        let (address, proxy) = scripted(answer);
        let link = connect("tcp://b.example:1", &address).unwrap();
        assert_eq!(receive(&link, 5), b"first");
        proxy.join().unwrap();
    }
}

/// Issue 11, item 20: no answer but 200 opens a tunnel, not another one of success either.
#[test]
fn only_200_opens_a_tunnel() {
    for status in [
        "201", "202", "204", "206", "299", "301", "407", "2000", "20",
    ] {
        let answer = format!("HTTP/1.1 {status} X\r\n\r\nfirst");
        let (address, proxy) = scripted(Box::leak(answer.into_bytes().into_boxed_slice()));
        let error = connect("tcp://b.example:1", &address).unwrap_err();
        assert_eq!(error.stage, Stage::Proxy, "{status}");
        proxy.join().unwrap();
    }
}

#[test]
fn answers_longer_than_a_read() {
    let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(100_000));
    let (address, proxy) = scripted(Box::leak(
        format!("{head}first").into_bytes().into_boxed_slice(),
    ));
    let link = connect("tcp://b.example:1", &address).unwrap();
    assert_eq!(receive(&link, 5), b"first");
    proxy.join().unwrap();
}

/// The environment counts where it was asked for; set in a child, since it is the whole process's.
#[test]
fn the_environment_is_used_on_request() {
    const USE: &str = "PAHO_C_CLIENT_USE_HTTP_PROXY";
    const ADDRESS: &str = "PAHO_OXIDE_TEST_SERVER";
    if let Ok(address) = std::env::var(ADDRESS) {
        // Every variable points at a proxy that refuses, so a connect that works was direct.
        let direct = connect_with(
            &Connector::default(),
            &format!("tcp://{address}"),
            &options(),
        )
        .is_ok();
        println!("direct={direct}");
        let options = ConnectOptions {
            http_proxy: Some("".into()),
            ..options()
        };
        assert!(connect_with(&Connector::default(), &format!("tcp://{address}"), &options).is_ok());
        return;
    }
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    let child = |vars: &[(&str, &str)]| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "the_environment_is_used_on_request",
                "--nocapture",
            ])
            .env(ADDRESS, &address)
            .env("http_proxy", "http://127.0.0.1:1")
            .envs(vars.iter().copied())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("direct=true")
    };
    assert!(child(&[]));
    assert!(child(&[(USE, "FALSE")]));
    assert!(!child(&[(USE, "TRUE")]));
    assert!(child(&[(USE, "TRUE"), ("no_proxy", "localhost,127.0.0.1")]));
    assert!(!child(&[(USE, "TRUE"), ("no_proxy", "localhost")]));
}

fn echo_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let socket: TcpStream = socket.unwrap();
            let mut reader = socket.try_clone().unwrap();
            let mut writer = socket;
            std::thread::spawn(move || std::io::copy(&mut reader, &mut writer));
        }
    });
    port
}

#[test]
fn tinyproxy_without_and_with_credentials() {
    let server = echo_server();
    let uri = format!("tcp://localhost:{server}");
    let open = Tinyproxy::start("");
    let closed = Tinyproxy::start("BasicAuth user pass");
    let ping = |proxy: &str| {
        let link = connect(&uri, proxy)?;
        let sent = vec![b'x'; 100_000];
        pump(&link, &sent, sent.len(), |bytes| {
            assert!(bytes.iter().all(|b| *b == b'x'));
        });
        assert!(link.write(&[IoSlice::new(b"x")]).is_ok());
        Ok::<_, ConnectError>(())
    };
    ping(&format!("http://localhost:{}", open.port)).unwrap();
    ping(&format!("us%65r:pass@localhost:{}", closed.port)).unwrap();
    for credentials in ["", "user:wrong@", "user@"] {
        let error = ping(&format!("http://{credentials}localhost:{}", closed.port)).unwrap_err();
        assert_eq!(error.stage, Stage::Proxy);
        assert!(error.message.starts_with("HTTP status 40"), "{error}");
    }
    let error = connect("tcp://127.0.0.1:1", &format!("localhost:{}", open.port)).unwrap_err();
    assert!(error.message.starts_with("HTTP status 5"), "{error}");
}
