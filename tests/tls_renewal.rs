//! Servers that renew the keys in the middle of large messages in both directions: TLS 1.2 with a renegotiation, TLS 1.3 with a
//! key update. A write then waits for input and a read for room, and nobody makes a further call to help.
#![cfg(feature = "tls")]
#![allow(unsafe_code, reason = "one of the APIs under test is a C API")]

#[path = "transport_common/certs.rs"]
mod certs;
#[path = "transport_common/tls.rs"]
mod tls;
#[path = "transport_common/tls_messages.rs"]
mod tls_messages;
#[path = "transport_common/mod.rs"]
mod transport_common;

use std::ffi::{CString, c_char, c_int, c_void};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::ptr;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use openssl::ssl::{ErrorCode, SslMode, SslStream};
use paho_oxide::events::{Connect, Create, EventClient, Kind, Manner, Queue, Record, Wait};
use paho_oxide::ffi::exports::mqtt_client::*;
use paho_oxide::ffi::exports::mqtt_client_messages::*;
use paho_oxide::ffi::types::client_types::*;
use paho_oxide::ffi::types::shared_types::SslOptions;
use paho_oxide::protocol::QoS;
use paho_oxide::protocol::packet::Publish;
use paho_oxide::protocol::property::PropertiesRef;
use rustix::event::{PollFd, PollFlags};

use tls::{Site, serve};
use tls_messages::{Message, renews};
use transport_common::{PATIENCE, pattern};

/// More than the sockets of both ends hold together, so that writes have to wait.
const LARGE: usize = 6 << 20;
/// What the server's end holds of that in either direction; the client's may become some MiB.
const SERVER_ROOM: usize = 64 << 10;
/// How long the server waits for room before it reads on. A client reads little for each turn in which it may write much: from a
/// server that read all at once, the second message would come when the first was over.
const PACE: Duration = Duration::from_millis(1);
/// Renewals that the server asks for, spread over both messages.
const RENEWALS: usize = 6;
/// For a whole exchange on a busy machine; the server finds out sooner that nothing goes on.
const ALL_OF_IT: Duration = PATIENCE.saturating_mul(8);
const RENEWING: [Message; 2] = [Message::HelloRequest, Message::KeyUpdate];

/// The packet of a message to `t` at `QoS` 1.
fn packet(id: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x32];
    let mut length = 5 + payload.len();
    while length > 0 {
        let more = if length > 127 { 0x80 } else { 0 };
        packet.push(u8::try_from(length & 0x7f).unwrap() | more);
        length >>= 7;
    }
    packet.extend([0, 1, b't', 0, id]);
    packet.extend(payload);
    packet
}

/// The server's end of one connection, without waiting in a read or a write: either may be what the client waits for.
struct Server {
    stream: SslStream<TcpStream>,
    message: Message,
    to_send: Vec<u8>,
    sent: usize,
    received: Vec<u8>,
    expected: usize,
    renewals: usize,
    /// How much had been received when a renegotiation ended. The server sends no more until the client has: that its write may
    /// go on, nothing but the end of the handshake tells it.
    silent_at: usize,
    /// The socket did not take the last write: it has to be made again, and before anything else is sent.
    write_pending: bool,
}

impl Server {
    fn accept(mut stream: SslStream<TcpStream>, message: Message) -> Self {
        let mut head = [0; 2];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(head[0], 0x10, "CONNECT");
        stream.read_exact(&mut vec![0; head[1].into()]).unwrap();
        stream.write_all(&[0x20, 2, 0, 0]).unwrap();
        let to_send = packet(7, &pattern(LARGE));
        Self {
            stream,
            message,
            sent: 0,
            received: Vec::new(),
            // And the acknowledgement of the server's message.
            expected: to_send.len() + 4,
            to_send,
            renewals: 0,
            silent_at: 0,
            write_pending: false,
        }
    }

    /// Returns true if as much of both messages has gone as the next renewal waits for.
    fn is_due(&self) -> bool {
        let due = (self.renewals + 1) * (LARGE / (RENEWALS + 1));
        self.renewals < RENEWALS && self.sent.min(self.received.len()) >= due
    }

    /// Asks for new keys when that is due and the last question has been answered. It has to fit into the socket: the rest could
    /// only be sent by not reading.
    fn renew(&mut self) {
        let idle = !self.write_pending && !renews(self.stream.ssl());
        if self.is_due() && idle && self.poll(PollFlags::OUT, Duration::ZERO) {
            self.message.send(&mut self.stream).unwrap();
            self.renewals += 1;
        }
    }

    /// Returns true if something was written.
    fn write(&mut self) -> bool {
        let rest = &self.to_send[self.sent..];
        // Between the question and the end of the handshake nothing is sent: OpenSSL's clients begin it only when they have no
        // more input, and a write would go on with it, and fail at the data that the client has sent before.
        let renewing = renews(self.stream.ssl());
        let silent = self.renewals > 0
            && self.message == Message::HelloRequest
            && self.received.len() == self.silent_at
            && self.received.len() < self.to_send.len();
        if rest.is_empty() || renewing || silent || (self.is_due() && !self.write_pending) {
            return false;
        }
        match self.stream.ssl_write(&rest[..rest.len().min(16_000)]) {
            Ok(n) => {
                self.sent += n;
                self.write_pending = false;
                true
            }
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::WANT_WRITE, "{error}");
                self.write_pending = true;
                false
            }
        }
    }

    /// Returns true if something was read.
    fn read(&mut self) -> bool {
        let mut buf = [0; 16 * 1024];
        match self.stream.ssl_read(&mut buf) {
            Ok(n) => {
                self.received.extend_from_slice(&buf[..n]);
                true
            }
            Err(error) => {
                assert!(
                    matches!(error.code(), ErrorCode::WANT_READ | ErrorCode::WANT_WRITE),
                    "after {} renewals, {} bytes sent and {} received: {error}",
                    self.renewals,
                    self.sent,
                    self.received.len()
                );
                false
            }
        }
    }

    fn poll(&self, flags: PollFlags, time: Duration) -> bool {
        let mut fds = [PollFd::new(self.stream.get_ref(), flags)];
        let time = time.try_into().unwrap();
        rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, Some(&time))).unwrap() > 0
    }

    /// Exchanges both messages. Returns what the client sent.
    fn exchange(mut self) -> Vec<u8> {
        let socket = self.stream.get_ref();
        rustix::net::sockopt::set_socket_recv_buffer_size(socket, SERVER_ROOM).unwrap();
        rustix::net::sockopt::set_socket_send_buffer_size(socket, SERVER_ROOM).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut progress = Instant::now();
        while self.sent < self.to_send.len() || self.received.len() < self.expected {
            self.renew();
            let wrote = self.write();
            let (renewing, had) = (renews(self.stream.ssl()), self.received.len());
            let read = self.read();
            if renewing && !renews(self.stream.ssl()) {
                self.silent_at = had;
            }
            if wrote || read {
                progress = Instant::now();
            }
            if !wrote {
                let sends = self.sent < self.to_send.len();
                let renewing = renews(self.stream.ssl());
                let what = match (sends, renewing) {
                    (true, false) => PollFlags::OUT,
                    (true, true) => PollFlags::empty(),
                    (false, _) => PollFlags::IN,
                };
                self.poll(what, PACE);
            }
            assert!(
                progress.elapsed() < PATIENCE,
                "the client stands still after {} renewals, {} bytes sent and {} received",
                self.renewals,
                self.sent,
                self.received.len()
            );
        }
        assert_eq!(self.renewals, RENEWALS);
        self.stream.get_ref().set_nonblocking(false).unwrap();
        self.stream.write_all(&[0x40, 2, 0, 1]).unwrap();
        while self.stream.read(&mut [0; 64]).is_ok_and(|n| n > 0) {}
        self.received
    }
}

/// A server that begins to exchange when it is told to.
fn server(site: &Site, message: Message) -> (String, Sender<()>, JoinHandle<Vec<Vec<u8>>>) {
    let mut context = message.context(site);
    context.set_mode(SslMode::ENABLE_PARTIAL_WRITE | SslMode::ACCEPT_MOVING_WRITE_BUFFER);
    let (go, gone) = channel();
    let (port, server) = serve(context.build(), 1, move |accepted| {
        let server = Server::accept(accepted.unwrap(), message);
        gone.recv_timeout(PATIENCE).unwrap();
        server.exchange()
    });
    (format!("ssl://localhost:{port}"), go, server)
}

/// Returns true if these are the client's message and the acknowledgement of the server's, in either order.
fn is_complete(received: &[u8]) -> bool {
    let (ack, message) = (&[0x40, 2, 0, 7][..], packet(1, &pattern(LARGE)));
    let message_first = [&*message, ack].concat();
    received == message_first || received == [ack, &*message].concat()
}

fn next(queue: &Queue) -> Record {
    let mut found = None;
    while found.is_none() {
        let taken = queue.take_batch(Wait::For(ALL_OF_IT), |_, record| {
            found.is_none() && {
                found = Some(record.clone());
                true
            }
        });
        assert!(
            taken.is_ok_and(|taken| taken > 0),
            "the client stands still"
        );
    }
    found.unwrap()
}

/// The reactor's threads drive the connection, and the program only waits for events.
#[test]
fn the_reactor_gets_large_messages_through() {
    let site = Site::new();
    for message in RENEWING {
        let (uri, go, server) = server(&site, message);
        let queue = Queue::new();
        let client = EventClient::new(&queue, Create::default()).unwrap();
        client
            .connect(vec![uri], Connect::default(), Some(site.tls()))
            .unwrap();
        assert_eq!(next(&queue).head.kind, Kind::Connected);
        let payload = pattern(LARGE);
        let publish = Publish {
            dup: false,
            qos: QoS::AtLeastOnce,
            retain: false,
            topic: b"t",
            packet_id: 0,
            properties: PropertiesRef::EMPTY,
            payload: &payload,
        };
        client.publish(&publish, Manner::default()).unwrap();
        // The socket is full: what the server asks for has to be answered when there is room.
        go.send(()).unwrap();
        let mut kinds = Vec::new();
        while kinds.len() < 2 {
            let record = next(&queue);
            if record.head.kind == Kind::Message {
                assert!(record.payload() == payload, "{message:?}");
            }
            kinds.push(record.head.kind);
        }
        assert_eq!(kinds, [Kind::Message, Kind::Done], "{message:?}");
        client.destroy();
        assert!(is_complete(&server.join().unwrap()[0]), "{message:?}");
    }
}

fn id(text: [u8; 4]) -> [c_char; 4] {
    text.map(|byte| c_char::from_ne_bytes([byte]))
}

/// Connects an `MQTTClient` without callbacks: its calls drive the connection.
fn connected(uri: &str, site: &Site) -> MQTTClient {
    let uri = CString::new(uri).unwrap();
    let trust = CString::new(site.path("ca.pem")).unwrap();
    let mut handle = ptr::null_mut();
    // SAFETY: strings as documented, 1 is "no store"; structures of numbers, pointers and optional functions, which the
    // calls copy.
    unsafe {
        let created = MQTTClient_create(
            &raw mut handle,
            uri.as_ptr(),
            c"renews".as_ptr(),
            1,
            ptr::null_mut(),
        );
        assert_eq!(created, 0);
        let mut ssl: SslOptions = std::mem::zeroed();
        ssl.struct_id = id(*b"MQTS");
        ssl.struct_version = 5;
        ssl.trustStore = trust.as_ptr();
        ssl.enableServerCertAuth = 1;
        let mut options: MQTTClient_connectOptions = std::mem::zeroed();
        options.struct_id = id(*b"MQTC");
        options.struct_version = 8;
        options.keepAliveInterval = 60;
        options.cleansession = 1;
        options.reliable = 0;
        options.connectTimeout = 30;
        options.maxInflightMessages = 10;
        options.MQTTVersion = 4;
        options.ssl = &raw mut ssl;
        assert_eq!(MQTTClient_connect(handle, &raw mut options), 0);
    }
    handle
}

/// Calls drive the connection: those that wait for the message and for the acknowledgement.
#[test]
fn calls_get_large_messages_through() {
    let site = Site::new();
    for message in RENEWING {
        let (uri, go, server) = server(&site, message);
        let mut handle = connected(&uri, &site);
        go.send(()).unwrap();
        let payload = pattern(LARGE);
        let patience = ALL_OF_IT.as_millis();
        let mut token = 0;
        let (mut topic, mut len, mut received) = (
            ptr::null_mut::<c_char>(),
            0,
            ptr::null_mut::<MQTTClient_message>(),
        );
        // SAFETY: arguments as documented; what the client gives is read and freed once.
        unsafe {
            let sent = MQTTClient_publish(
                handle,
                c"t".as_ptr(),
                c_int::try_from(LARGE).unwrap(),
                payload.as_ptr().cast::<c_void>(),
                1,
                0,
                &raw mut token,
            );
            assert_eq!(sent, 0, "{message:?}");
            let timeout = patience.try_into().unwrap();
            let came = MQTTClient_receive(
                handle,
                &raw mut topic,
                &raw mut len,
                &raw mut received,
                timeout,
            );
            assert_eq!((came, received.is_null()), (0, false), "{message:?}");
            let length = usize::try_from((*received).payloadlen).unwrap();
            let bytes = std::slice::from_raw_parts((*received).payload.cast::<u8>(), length);
            assert!(bytes == payload, "{message:?}");
            MQTTClient_freeMessage(&raw mut received);
            MQTTClient_free(topic.cast());
            let timeout = patience.try_into().unwrap();
            let ended = MQTTClient_waitForCompletion(handle, token, timeout);
            assert_eq!(ended, 0, "{message:?}");
            MQTTClient_disconnect(handle, 0);
            MQTTClient_destroy(&raw mut handle);
        }
        assert!(is_complete(&server.join().unwrap()[0]), "{message:?}");
    }
}
