//! What TLS says that reading and writing wait for, each on its own. A word too little, and a connection stands still: the event
//! that would tell has come and gone, or comes for the other direction.
#![cfg(feature = "tls")]

#[path = "transport_common/certs.rs"]
mod certs;
#[path = "transport_common/tls.rs"]
mod tls;
#[path = "transport_common/tls_messages.rs"]
mod tls_messages;
mod transport_common;

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use openssl::ssl::SslStream;
use paho_oxide::transport::{Input, Link, Want};
use rustix::event::{PollFd, PollFlags, epoll};
use rustix::net::{SendFlags, send};
use tls::{Site, connect, serve, server_context};
use tls_messages::Message;
use transport_common::{PATIENCE, poll_in};

/// A record that no key of the connection's has made.
const GARBAGE: [u8; 37] = {
    let mut record = [0x55; 37];
    (record[0], record[1], record[2]) = (23, 3, 3);
    (record[3], record[4]) = (0, 32);
    record
};

type Served = SslStream<std::net::TcpStream>;

/// A server that does `serving` with its one client, and a link to it. The server goes step by step: it takes what the test sends.
fn connected<T: Send + 'static>(
    site: &Site,
    message: Option<Message>,
    mut serving: impl FnMut(Served, &Receiver<usize>) -> T + Send + 'static,
) -> (Link, Sender<usize>, JoinHandle<Vec<T>>) {
    let context = match message {
        Some(message) => message.context(site),
        None => server_context(&site.server),
    };
    let (step, steps) = channel();
    let (port, server) = serve(context.build(), 1, move |accepted| {
        let stream = accepted.unwrap();
        stream.get_ref().set_nodelay(true).unwrap();
        serving(stream, &steps)
    });
    let link = connect(&format!("ssl://localhost:{port}"), site.tls()).unwrap();
    (link, step, server)
}

/// Waits until the server has ended its side: all that it sent before has come.
fn wait_for_end(link: &Link) {
    let fd = link.fd().unwrap();
    let mut fds = [PollFd::new(&fd, PollFlags::RDHUP)];
    let timeout = PATIENCE.try_into().unwrap();
    let ready = rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, Some(&timeout)));
    assert!(ready.unwrap() > 0, "no end in {PATIENCE:?}");
}

/// Tells of room as the reactor hears of it: once, when there was none before.
struct Edges(OwnedFd);

impl Edges {
    fn new(link: &Link) -> Self {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let flags = epoll::EventFlags::OUT | epoll::EventFlags::ET;
        let data = epoll::EventData::new_u64(0);
        epoll::add(&epoll, link.fd().unwrap(), data, flags).unwrap();
        Self(epoll)
    }

    fn wait(&self) {
        let mut events = Vec::with_capacity(1);
        let timeout = PATIENCE.try_into().unwrap();
        let spare = rustix::buffer::spare_capacity(&mut events);
        epoll::wait(&self.0, spare, Some(&timeout)).unwrap();
        assert_eq!(events.len(), 1, "no room in {PATIENCE:?}");
    }
}

/// Reads past messages of TLS's own.
fn read(link: &Link, buf: &mut [u8]) -> std::io::Result<Input> {
    loop {
        match link.read(buf) {
            Ok(Input::Again) => assert_eq!(link.wants().read, Want::Call, "nobody would go on"),
            other => return other,
        }
    }
}

/// Reads until nothing is there.
fn read_to_rest(link: &Link) {
    let error = read(link, &mut [0; 100]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

/// Writes until the socket takes no more. Returns how many bytes the link has taken.
fn fill(link: &Link) -> usize {
    let bytes = vec![b'x'; 40_000];
    let mut written = 0;
    loop {
        match link.write(&[IoSlice::new(&bytes)]) {
            Ok(n) => written += n,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return written;
            }
        }
    }
}

/// Fills the socket beside TLS, to the last byte. Returns how many bytes that were.
fn fill_beside(link: &Link) -> usize {
    let fd = link.fd().unwrap();
    let mut beside = 0;
    let mut refused = 0;
    // What is on its way to the server's end makes room here when it gets there: the last of it when TCP asks for the window that is
    // nearly closed, after 200 ms. No event tells that nothing more gets there.
    while refused < 100 {
        if let Ok(count) = send(fd, &[0; 512], SendFlags::DONTWAIT) {
            (beside, refused) = (beside + count, 0);
        } else {
            refused += 1;
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    beside
}

/// The first bytes may have come with the end of the handshake, of which no event tells. After a read that found nothing one will.
#[test]
fn a_fresh_connection_is_read_at_once() {
    let site = Site::new();
    let (link, step, server) = connected(&site, None, |_stream, steps| steps.recv().unwrap());
    assert_eq!(link.wants().read, Want::Call);
    assert_eq!(link.wants().write, Want::Nothing);
    read_to_rest(&link);
    assert_eq!(link.wants().read, Want::Readable);
    step.send(0).unwrap();
    server.join().unwrap();
}

#[test]
fn what_a_read_had_no_room_for_is_read_at_once() {
    let site = Site::new();
    let (link, step, server) = connected(&site, None, |mut stream, steps| {
        stream.write_all(b"0123456789").unwrap();
        stream.write_all(b"abc").unwrap();
        steps.recv().unwrap()
    });
    let mut got = Vec::new();
    while got.len() < 13 {
        let mut buf = [0; 2];
        match read(&link, &mut buf) {
            Ok(Input::Bytes(n)) => {
                got.extend_from_slice(&buf[..n]);
                assert_eq!(link.wants().read == Want::Call, n == 2, "{got:?}");
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                assert_eq!(link.wants().read, Want::Readable, "{got:?}");
                poll_in(&link);
            }
        }
    }
    assert_eq!(got, b"0123456789abc");
    step.send(0).unwrap();
    server.join().unwrap();
}

/// Data, and behind it, read with the same call, what ends the connection.
#[test]
fn an_end_or_an_error_behind_data_is_told_at_once() {
    let site = Site::new();
    for garbage in [false, true] {
        let (link, _step, server) = connected(&site, None, move |mut stream, _| {
            stream.write_all(b"data").unwrap();
            if garbage {
                stream.get_ref().write_all(&GARBAGE).unwrap();
                stream.get_ref().shutdown(Shutdown::Write).unwrap();
            } else {
                stream.shutdown().unwrap();
                stream.get_ref().shutdown(Shutdown::Write).unwrap();
            }
            // Until the client has seen it.
            let _ = stream.get_ref().read(&mut [0; 100]);
        });
        wait_for_end(&link);
        let mut buf = [0; 100];
        assert_eq!(read(&link, &mut buf).unwrap(), Input::Bytes(4));
        assert_eq!(link.wants().read, Want::Call, "garbage: {garbage}");
        match link.read(&mut buf) {
            Ok(end) => assert!(!garbage && end == Input::End, "{end:?}"),
            Err(error) => assert!(garbage && error.kind() != ErrorKind::WouldBlock, "{error}"),
        }
        drop(link);
        server.join().unwrap();
    }
}

/// What the server sends behind its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    Nothing,
    Data,
    /// A record that nobody has made.
    Garbage,
}

/// The server asks for new keys while the socket is full: reading waits for room. The flush that is due then goes on with it, and
/// what it finds, data, another question or an error, is with TLS and no longer with the socket.
#[test]
fn a_read_waits_for_room_and_what_a_flush_reads_is_told() {
    let site = Site::new();
    for (questions, behind) in [
        (2, Behind::Nothing),
        (1, Behind::Data),
        (3, Behind::Data),
        (1, Behind::Garbage),
    ] {
        let (link, step, server) =
            connected(&site, Some(Message::KeyUpdate), move |mut stream, steps| {
                steps.recv().unwrap();
                for _ in 0..questions {
                    Message::KeyUpdate.send(&mut stream).unwrap();
                }
                match behind {
                    Behind::Nothing => {}
                    Behind::Data => stream.write_all(b"asked").unwrap(),
                    Behind::Garbage => stream.get_ref().write_all(&GARBAGE).unwrap(),
                }
                let mut all = vec![0; steps.recv().unwrap()];
                stream.read_exact(&mut all).unwrap();
                steps.recv().unwrap()
            });
        read_to_rest(&link);
        let edges = Edges::new(&link);
        edges.wait();
        let written = fill(&link);
        assert_eq!(link.wants().write, Want::Writable);
        step.send(0).unwrap();
        while link.wants().read != Want::Writable {
            poll_in(&link);
            read_to_rest(&link);
        }
        assert_eq!(link.wants().write, Want::Writable);
        step.send(written).unwrap();
        while link.wants().read == Want::Writable {
            edges.wait();
            let flushed = link.flush();
            assert!(
                flushed.is_ok() || link.wants().write == Want::Writable,
                "{questions}, {behind:?}"
            );
        }
        assert_eq!(link.wants().read, Want::Call, "{questions}, {behind:?}");
        let mut got = Vec::new();
        let mut buf = [0; 3];
        while behind == Behind::Data && got.len() < 5 {
            match link.read(&mut buf) {
                Ok(Input::Bytes(n)) => {
                    got.extend_from_slice(&buf[..n]);
                    // All of it is with TLS, and there may be more behind it.
                    assert!(questions > 1 || link.wants().read == Want::Call, "{got:?}");
                }
                Ok(other) => assert_eq!(other, Input::Again),
                Err(error) => {
                    // The rest has not come yet, so it comes with an event.
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    poll_in(&link);
                }
            }
        }
        if behind == Behind::Garbage {
            assert_ne!(
                link.read(&mut buf).unwrap_err().kind(),
                ErrorKind::WouldBlock
            );
        } else {
            assert!(got.is_empty() || got == b"asked");
            assert_eq!(link.wants().write, Want::Nothing);
            read_to_rest(&link);
            assert_eq!(link.wants().read, Want::Readable);
        }
        step.send(0).unwrap();
        server.join().unwrap();
    }
}

/// A handshake that the server asks for begins with a message that finds no room, and nothing else waits to be written.
#[test]
fn a_read_alone_waits_for_room() {
    let site = Site::new();
    let message = Message::HelloRequest;
    let (link, step, server) = connected(&site, Some(message), move |mut stream, steps| {
        steps.recv().unwrap();
        message.send(&mut stream).unwrap();
        // What the test has put into the socket beside TLS.
        let mut beside = vec![0; steps.recv().unwrap()];
        stream.get_mut().read_exact(&mut beside).unwrap();
        let mut all = [0; 5];
        stream.read_exact(&mut all).unwrap();
        all
    });
    read_to_rest(&link);
    let edges = Edges::new(&link);
    edges.wait();
    let beside = fill_beside(&link);
    step.send(0).unwrap();
    poll_in(&link);
    read_to_rest(&link);
    assert_eq!(link.wants().read, Want::Writable);
    assert_eq!(
        link.wants().write,
        Want::Writable,
        "a flush goes on with it"
    );
    let left = link.flush().unwrap_err();
    assert_eq!(left.kind(), ErrorKind::WouldBlock, "the answer is left");
    // Nor can anything else be written before.
    assert_eq!(link.write(&[IoSlice::new(b"hello")]).unwrap(), 5);
    assert_eq!(link.wants().read, Want::Writable);
    assert_eq!(link.wants().write, Want::Writable);
    step.send(beside).unwrap();
    edges.wait();
    while link.flush().is_err() {
        match link.wants().write {
            Want::Writable => edges.wait(),
            Want::Readable => poll_in(&link),
            Want::Call => continue,
            Want::Nothing => panic!("the flush would have succeeded"),
        }
        read_to_rest(&link);
    }
    assert_eq!(&server.join().unwrap()[0], b"hello");
}

/// A handshake that the server has asked for is under way: a write waits for input, though the socket has room. The read that ends
/// the handshake says that the write may go on, which no event will.
#[test]
fn a_write_waits_for_input_and_says_when_it_may_go_on() {
    let site = Site::new();
    let message = Message::HelloRequest;
    let (link, step, server) = connected(&site, Some(message), move |mut stream, steps| {
        steps.recv().unwrap();
        message.send(&mut stream).unwrap();
        steps.recv().unwrap();
        let mut all = [0; 5];
        stream.read_exact(&mut all).unwrap();
        all
    });
    // Before that, a fresh connection is read without waiting.
    read_to_rest(&link);
    step.send(0).unwrap();
    // The client begins the handshake when it finds no more input.
    poll_in(&link);
    read_to_rest(&link);
    assert_eq!(link.write(&[IoSlice::new(b"hello")]).unwrap(), 5);
    assert_eq!(link.wants().write, Want::Readable);
    assert_eq!(
        link.flush().unwrap_err().kind(),
        ErrorKind::WouldBlock,
        "the server has not answered"
    );
    assert_eq!(link.wants().write, Want::Readable);
    step.send(0).unwrap();
    while link.wants().write != Want::Call {
        assert_eq!(link.wants().write, Want::Readable);
        poll_in(&link);
        read_to_rest(&link);
    }
    link.flush().unwrap();
    assert_eq!(link.wants().write, Want::Nothing);
    assert_eq!(&server.join().unwrap()[0], b"hello");
}
