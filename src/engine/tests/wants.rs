//! A layer in which one direction waits for the other, as TLS does in a renegotiation or a key update.

use std::io::{self, IoSlice, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Sender, channel};

use super::{Driver, Server, Tested, pair, publish};
use crate::engine::Event;
use crate::engine::delivery::queue::MAX_QUEUED_EVENTS;
use crate::protocol::QoS;
use crate::transport::{Input, Layer, Link, Want, Wants};

/// Asks for a new key. Bytes above 0x7f are the layer's; the rest of what these tests send is not.
const NEW_KEY: u8 = 0xf0;
/// The answer to that.
const KEY: u8 = 0xf1;

/// A layer with two halves of a key exchange. From the start it wants a key of the server's before it writes anything but
/// the first packet; asked for a key of its own, it reads nothing more before it has written that.
struct Exchanging {
    socket: UnixStream,
    /// Packets that may be written before the server's key is wanted.
    allowance: usize,
    has_key: bool,
    /// A write waits for the server's key.
    waiting: bool,
    owes_key: bool,
    /// What came behind the server's question.
    behind: Vec<u8>,
    /// Is told when that question finds no room for its answer.
    tells: Option<Sender<()>>,
}

impl Exchanging {
    fn new(socket: UnixStream, allowance: usize) -> Self {
        socket.set_nonblocking(true).expect("non-blocking");
        Self {
            socket,
            allowance,
            has_key: false,
            waiting: false,
            owes_key: false,
            behind: Vec::new(),
            tells: None,
        }
    }

    fn pay(&mut self) -> io::Result<()> {
        if self.owes_key {
            if let Err(error) = self.socket.write_all(&[KEY]) {
                if let Some(tells) = self.tells.take() {
                    let _ = tells.send(());
                }
                return Err(error);
            }
            self.owes_key = false;
        }
        Ok(())
    }
}

impl Layer for Exchanging {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<Input> {
        self.pay()?;
        if self.behind.is_empty() {
            let mut found = [0; 256];
            let count = self.socket.read(&mut found)?;
            self.behind.extend_from_slice(&found[..count]);
            if count == 0 {
                return Ok(Input::End);
            }
        }
        match self.behind[0] {
            KEY => {
                self.behind.remove(0);
                self.has_key = true;
                Ok(Input::Again)
            }
            NEW_KEY => {
                self.behind.remove(0);
                self.owes_key = true;
                self.pay()?;
                Ok(Input::Again)
            }
            _ => {
                let special = |byte: &u8| matches!(*byte, KEY | NEW_KEY);
                let end = self.behind.iter().position(special);
                let count = end.unwrap_or(self.behind.len()).min(buf.len());
                buf[..count].copy_from_slice(&self.behind[..count]);
                self.behind.drain(..count);
                Ok(Input::Bytes(count))
            }
        }
    }

    fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.allowance == 0 && !self.has_key {
            self.waiting = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.waiting = false;
        self.allowance = self.allowance.saturating_sub(1);
        self.socket.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&mut self) {}

    fn wants(&self) -> Wants {
        Wants {
            read: match (self.owes_key, self.behind.is_empty()) {
                (true, _) => Want::Writable,
                (false, true) => Want::Readable,
                (false, false) => Want::Call,
            },
            write: match (self.waiting, self.has_key) {
                (true, true) => Want::Call,
                (true, false) => Want::Readable,
                (false, _) => Want::Nothing,
            },
        }
    }
}

/// A connected client over such a layer.
fn connected(driver: Driver, allowance: usize) -> (Tested, Server) {
    let client = Tested::new(driver, None);
    let (ours, mut server) = pair();
    let carrier = ours.as_fd().try_clone_to_owned().expect("a duplicate");
    let layer = Exchanging::new(ours, allowance);
    client.attach_to(Link::layered(Box::new(layer), carrier));
    server.accept();
    (client, server)
}

#[test]
fn a_write_that_waits_for_input_goes_on_when_that_has_come() {
    let (client, mut server) = connected(Driver::Reactor, 1);
    client.host().wait_for(1);
    client
        .send(&publish(QoS::AtMostOnce, b"hello"), "publish")
        .expect("accepted");
    assert_eq!(client.host().wait_for(1), ["connect up"], "not written");
    // Nothing but this comes, and the program makes no further call.
    server.send(&[KEY]);
    assert_eq!(server.packet(), b"\x30\x08\x00\x01thello");
    assert_eq!(client.host().wait_for(2)[1], "publish ended");
}

#[test]
fn a_caller_that_reads_for_itself_writes_what_waited_for_input() {
    let (client, mut server) = connected(Driver::Calls, 1);
    client.read_handshake();
    client
        .send(&publish(QoS::AtLeastOnce, b"hello"), "publish")
        .expect("accepted");
    server.send(&[KEY]);
    let reader = std::thread::spawn(move || {
        let packet = server.packet();
        server.send(&[0x40, 2, 0, 1]);
        packet
    });
    client
        .wait_for_token(1, super::PATIENCE)
        .expect("acknowledged");
    let packet = reader.join().expect("a packet");
    assert_eq!(packet[..2], [0x32, 10]);
}

#[test]
fn a_read_that_waits_for_room_goes_on_when_there_is_some() {
    let (client, mut server) = connected(Driver::Reactor, usize::MAX);
    client.host().wait_for(1);
    // More than the socket takes: the rest waits for room.
    let large = vec![b'x'; 4 << 20];
    client
        .send(&publish(QoS::AtMostOnce, &large), "large")
        .expect("accepted");
    // The question cannot be answered, and the message behind it is not read, while the server takes nothing.
    server.send(&[NEW_KEY]);
    server.publish(b"behind");
    let mut seen = Vec::new();
    let mut left = large.len();
    while left > 0 || !seen.contains(&KEY) {
        let mut some = vec![0; 64 * 1024];
        let count = server.0.read(&mut some).expect("bytes");
        assert!(count > 0, "the client goes on");
        let (of_large, others): (Vec<u8>, Vec<u8>) =
            some[..count].iter().partition(|byte| **byte == b'x');
        left -= of_large.len();
        seen.extend(others);
    }
    let heard = client.host().wait_for(3);
    assert!(heard.contains(&"behind".to_owned()), "{heard:?}");
    assert!(heard.contains(&"large ended".to_owned()), "{heard:?}");
}

/// Nothing waits to be written, and the socket is full all the same: reading alone waits for room. Here calls drive.
#[test]
fn a_caller_that_reads_for_itself_waits_for_room() {
    let client = Tested::new(Driver::Calls, None);
    let (ours, mut server) = pair();
    let carrier = ours.as_fd().try_clone_to_owned().expect("a duplicate");
    let mut beside = ours.try_clone().expect("a duplicate");
    let layer = Exchanging::new(ours, usize::MAX);
    let (owes, when_it_owes) = channel();
    client.attach_to(Link::layered(
        Box::new(Exchanging {
            tells: Some(owes),
            ..layer
        }),
        carrier,
    ));
    server.accept();
    client.read_handshake();
    let mut filled = 0;
    while let Ok(count) = beside.write(&[b'x'; 4096]) {
        filled += count;
    }
    server.send(&[NEW_KEY]);
    server.publish(b"behind");
    let reader = std::thread::spawn(move || {
        when_it_owes
            .recv_timeout(super::PATIENCE)
            .expect("the question is read");
        let mut all = vec![0; filled + 1];
        server.0.read_exact(&mut all).expect("and answered");
        (all.pop(), server)
    });
    let message = client.receive(super::PATIENCE).expect("connected");
    assert_eq!(message.as_deref(), Some(&b"behind"[..]));
    assert_eq!(reader.join().expect("an answer").0, Some(KEY));
}

/// A callback does not return, and another thread goes on publishing: acknowledgements stay with the socket. They are read when
/// the callbacks have gone on.
#[test]
fn a_program_that_hears_nothing_more_is_not_told_without_end() {
    let client = Tested::new(Driver::Reactor, None);
    let mut server = client.connect();
    client.host().wait_for(1);
    let mut core = client.lock();
    for _ in 0..MAX_QUEUED_EVENTS {
        assert!(core.may_read());
        core.outputs.tell(Event::Room);
    }
    assert!(!core.may_read());
    core.waiters += 1;
    assert!(core.may_read(), "a call waits for what is to come");
    core.waiters -= 1;
    // Nobody is in a callback here: the reactor's thread that hears of the message finds that it may not read, runs what waits, and
    // comes back.
    server.publish(b"later");
    drop(core);
    let heard = client.host().wait_for(2 + MAX_QUEUED_EVENTS);
    assert_eq!(heard.last().map(String::as_str), Some("later"));
}
