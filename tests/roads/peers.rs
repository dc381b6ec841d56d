//! Servers that do not behave, each on a port of its own for as long as the test runs.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use openssl::base64;
use openssl::sha::sha1;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslStream, SslVersion};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::certs::Identity;

/// Does the same with everyone who comes to a new port.
pub fn serve(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let handle = &handle;
        thread::scope(|scope| {
            for socket in listener.incoming() {
                let socket = socket.unwrap();
                socket.set_nodelay(true).unwrap();
                scope.spawn(move || handle(socket));
            }
        });
    });
    port
}

/// Waits until the client is gone.
fn drain(mut from: impl Read) {
    let mut buffer = [0; 4096];
    while from.read(&mut buffer).is_ok_and(|n| n > 0) {}
}

/// Accepts, reads, and never says a word.
pub fn silent() -> u16 {
    serve(drain)
}

/// Answers whatever comes first with these bytes and goes on reading.
pub fn answering(answer: impl Into<Vec<u8>>) -> u16 {
    let answer = answer.into();
    serve(move |mut socket| {
        let mut first = [0; 4096];
        if socket.read(&mut first).is_ok_and(|n| n > 0) {
            let _ = socket.write_all(&answer);
            drain(socket);
        }
    })
}

fn tls_context(identity: &Identity, version: SslVersion) -> SslContext {
    let mut builder = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
    builder.set_certificate(&identity.certificate).unwrap();
    builder.set_private_key(&identity.key).unwrap();
    builder.set_min_proto_version(Some(version)).unwrap();
    builder.set_max_proto_version(Some(version)).unwrap();
    builder.build()
}

/// TLS with this certificate, and nothing behind it.
pub fn tls(identity: &Identity, version: SslVersion) -> u16 {
    let context = tls_context(identity, version);
    serve(move |socket| {
        let mut stream = SslStream::new(Ssl::new(&context).unwrap(), socket).unwrap();
        if stream.accept().is_ok() {
            drain(stream);
        }
    })
}

/// What a server does when it has said what it was to say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Closes,
    Stalls,
}

/// Passes on the first bytes of what the server at `port` says.
pub fn cut(port: u16, count: usize, then: Then) -> u16 {
    serve(move |mut client| {
        let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Both);
        });
        let mut bytes = vec![0; count];
        if server.read_exact(&mut bytes).is_err() || client.write_all(&bytes).is_err() {
            return;
        }
        match then {
            Then::Closes => drop(client.shutdown(std::net::Shutdown::Write)),
            Then::Stalls => drain(server),
        }
    })
}

/// A listener at 127.0.0.2 with that port whose queue is full: it neither answers nor refuses.
pub struct Dead {
    _sockets: Vec<OwnedFd>,
}

impl Dead {
    pub fn at(port: u16) -> Self {
        let stream = |flags| {
            rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap()
        };
        let listener = stream(SocketFlags::CLOEXEC);
        let address = SocketAddr::from(([127, 0, 0, 2], port));
        rustix::net::bind(&listener, &address).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let mut sockets = vec![listener];
        for _ in 0..8 {
            let filler = stream(SocketFlags::CLOEXEC | SocketFlags::NONBLOCK);
            let _ = rustix::net::connect(&filler, &address);
            sockets.push(filler);
        }
        Self { _sockets: sockets }
    }
}

/// How the answer to an upgrade comes.
#[derive(Clone, Copy)]
pub enum Answer {
    /// In two pieces: after that many bytes, counted anew with each connection, is a pause.
    SplitAnywhere,
    Bytewise,
    /// With that many bytes of headers more.
    Padded(usize),
}

/// A WebSocket server that knows CONNECT and DISCONNECT.
pub fn websocket(answer: Answer) -> u16 {
    let connections = std::sync::atomic::AtomicUsize::new(0);
    serve(move |mut socket| {
        let number = connections.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // The client goes away whenever it likes.
        let _ = upgrade_and_connack(&mut socket, answer, number);
    })
}

/// Time for the client to read what is there before more comes. Should it be late, one read brings both pieces.
const PAUSE: Duration = Duration::from_millis(1);

fn upgrade_and_connack(
    socket: &mut TcpStream,
    answer: Answer,
    number: usize,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let request = String::from_utf8(request).unwrap();
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap();
    let accept = base64::encode_block(&sha1(
        format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes(),
    ));
    let mut padding = String::new();
    if let Answer::Padded(bytes) = answer {
        while padding.len() < bytes {
            let number = padding.len();
            let _ = write!(padding, "X-{number}: {}\r\n", "y".repeat(200));
        }
    }
    let text = format!(
        "HTTP/1.1 101 Switching Protocols\r\n{padding}Upgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    );
    let mut pieces: Vec<&[u8]> = match answer {
        Answer::Padded(_) => vec![text.as_bytes()],
        Answer::Bytewise => text.as_bytes().chunks(1).collect(),
        Answer::SplitAnywhere => {
            let (a, b) = text.as_bytes().split_at(number % text.len());
            vec![a, b]
        }
    };
    pieces.retain(|piece| !piece.is_empty());
    for piece in pieces {
        socket.write_all(piece)?;
        thread::sleep(PAUSE);
    }
    let connect = frame(socket)?;
    assert_eq!(connect[0], 0x10, "the first packet is CONNECT");
    let connack: &[u8] = match connect[8] {
        5 => b"\x82\x05\x20\x03\x00\x00\x00",
        _ => b"\x82\x04\x20\x02\x00\x00",
    };
    socket.write_all(connack)?;
    drain(socket);
    Ok(())
}

/// The payload of one masked frame of less than 126 bytes.
fn frame(socket: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut head = [0; 6];
    socket.read_exact(&mut head)?;
    let mut payload = vec![0; usize::from(head[1] & 0x7f)];
    socket.read_exact(&mut payload)?;
    for (i, byte) in payload.iter_mut().enumerate() {
        *byte ^= head[2 + i % 4];
    }
    Ok(payload)
}
