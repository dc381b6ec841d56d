//! A client's connection: the session behind one mutex, and who reads and writes for it.
//!
//! Nobody has a thread here. Whoever publishes writes, a loop reads; each of the two roles is held by one thread at a
//! time, and its work is done without the mutex. A thread that finds a role taken leaves its work to the holder.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use paho_oxide::os::lock::{Condvar, Mutex, MutexGuard};
use paho_oxide::protocol::decode::{self, ConnAck, Packet};
use paho_oxide::protocol::error::Malformed;
use paho_oxide::protocol::outbound::Batch;
use paho_oxide::protocol::packet::{Connect, Filter, Publish, Will, encode_disconnect};
use paho_oxide::protocol::property::{Context, Properties, PropertiesRef};
use paho_oxide::protocol::session::{AckToken, Acknowledge, Begin, Fault, HandOver, Refused};
use paho_oxide::protocol::{QoS, Version};

use crate::descriptor::{self, Alarm, Io};
use crate::done::Done;
use crate::session::{Dropped, EngineSession, Event, Kept, Op, Outputs, bytes_of};
use crate::websocket;

/// Return codes of the API, as `MQTTErrorCode` has them.
pub mod rc {
    pub const SUCCESS: i32 = 0;
    pub const NOMEM: i32 = 1;
    pub const PROTOCOL: i32 = 2;
    pub const NO_CONN: i32 = 4;
    pub const CONN_REFUSED: i32 = 5;
    pub const CONN_LOST: i32 = 7;
    pub const QUEUE_SIZE: i32 = 15;
    pub const KEEPALIVE: i32 = 16;
}

/// Largest CONNACK that is taken: a server must not fill the memory before it has accepted anything.
const MAX_CONNACK: u32 = 1 << 20;
/// How much one read asks for.
const CHUNK: usize = 64 * 1024;
/// Bytes that publishes may leave unwritten before they wait for the loop's thread to write them.
const MAX_UNWRITTEN: u64 = 1 << 20;
/// Writes that follow each other more closely are left to the loop's thread, which joins them.
const BURST: Duration = Duration::from_micros(50);
/// At most so many bytes go into one piece of an attached stream.
const PIECE: usize = 64 * 1024;

/// What a CONNECT says.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    pub version: Version,
    pub bridge: bool,
    pub clean: bool,
    pub keep_alive: u16,
    pub max_inflight: u32,
    pub client_id: Vec<u8>,
    pub username: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
    pub properties: Properties,
    pub will: Option<WillOptions>,
    pub websocket: bool,
}

/// The will in a CONNECT.
#[derive(Debug, Clone)]
pub struct WillOptions {
    pub topic: Vec<u8>,
    pub payload: Vec<u8>,
    pub qos: QoS,
    pub retain: bool,
    pub properties: Properties,
}

/// A subscribe or unsubscribe; it waits while CONNACK has not come.
#[derive(Debug)]
pub enum Request {
    Subscribe(Vec<(Vec<u8>, u8)>, Properties),
    Unsubscribe(Vec<Vec<u8>>, Properties),
}

#[derive(Debug, Default)]
enum Link {
    #[default]
    None,
    /// A socket that is read and written here.
    Socket(Arc<OwnedFd>),
    /// Python carries the bytes.
    Stream(Stream),
}

#[derive(Debug, Default)]
struct Stream {
    websocket: Option<websocket::Reader>,
    /// Answers of the WebSocket layer.
    replies: Vec<u8>,
    /// Bytes that Python has not sent yet, from `sent` on.
    piece: Vec<u8>,
    sent: usize,
    /// Where the piece ends in the session's stream.
    end: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Connecting {
        since: Instant,
    },
    Connected,
    /// A DISCONNECT of ours is the last packet in the stream.
    Closing,
    /// Nothing more is read.
    Ended,
}

/// Bytes of the server's that are not processed yet.
#[derive(Debug, Default)]
struct Inbound {
    bytes: Vec<u8>,
    filled: usize,
}

/// A DISCONNECT of the server's.
#[derive(Debug)]
pub struct ServerDisconnect {
    pub reason: u8,
    pub properties: Box<[u8]>,
}

pub struct State {
    pub session: EngineSession,
    pub io: Outputs,
    link: Link,
    phase: Phase,
    options: Option<ConnectOptions>,
    /// None while a thread is writing, and while one is reading.
    batch: Option<Batch>,
    inbound: Option<Inbound>,
    /// Counts connections: a thread that comes back to another one has nothing more to do.
    epoch: u64,
    /// Why the connection has to end.
    fault: Option<i32>,
    pub server_disconnect: Option<ServerDisconnect>,
    requests: Vec<(u16, Request)>,
    last_mid: u16,
    pub max_queued: usize,
    written: u64,
    last_write: Instant,
    blocked: bool,
    /// A thread runs the loop in the background.
    pub threaded: bool,
    /// A thread waits for the socket, and the alarm has been rung for it.
    waiting: bool,
    rung: bool,
    stop: bool,
    hurry: bool,
}

pub struct Shared {
    state: Mutex<State>,
    alarm: Alarm,
    /// Unwritten bytes became fewer, or the connection ended.
    room: Condvar,
}

/// How a publish was taken.
pub struct Published {
    pub mid: u16,
    pub rc: i32,
    pub done: Arc<Done>,
    pub too_much: bool,
}

/// Why a turn of the loop came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Events,
    Ended,
    TimedOut,
    Interrupted,
}

fn quality(qos: u8) -> QoS {
    match qos {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

impl State {
    fn mid(&mut self) -> u16 {
        self.last_mid = self.last_mid.checked_add(1).unwrap_or(1);
        self.last_mid
    }

    fn has_link(&self) -> bool {
        !matches!(self.link, Link::None)
    }

    /// Returns true if bytes wait for the socket.
    fn wants_write(&self) -> bool {
        let stream = match &self.link {
            Link::Stream(stream) => stream.sent < stream.piece.len() || !stream.replies.is_empty(),
            _ => false,
        };
        stream
            || !self.io.out.is_empty()
            || self.batch.as_ref().is_none_or(|batch| !batch.is_empty())
    }

    fn fail(&mut self, rc: i32) {
        self.fault.get_or_insert(rc);
        if self.phase != Phase::Idle {
            self.phase = Phase::Ended;
        }
    }

    /// Processes the packets at the start of `bytes`; returns how many bytes they took.
    fn process(&mut self, bytes: &[u8], now: Instant) -> usize {
        let mut used = 0;
        if let Phase::Connecting { .. } = self.phase {
            match self.connack(bytes, now) {
                Ok(n) => used = n,
                Err(malformed) => {
                    self.protocol_error(malformed);
                    return bytes.len();
                }
            }
        }
        if self.phase != Phase::Connected {
            return if self.phase == Phase::Ended {
                bytes.len()
            } else {
                used
            };
        }
        match self.session.receive(&bytes[used..], now, &mut self.io) {
            Ok(n) => used + n,
            Err(Fault::Protocol(malformed)) => {
                self.protocol_error(malformed);
                bytes.len()
            }
            Err(Fault::Disconnected { reason, properties }) => {
                let properties = bytes_of(properties.as_ref());
                self.server_disconnect = Some(ServerDisconnect { reason, properties });
                self.fail(rc::SUCCESS);
                bytes.len()
            }
            Err(Fault::NotStored) => {
                self.fail(rc::NOMEM);
                bytes.len()
            }
        }
    }

    fn protocol_error(&mut self, malformed: Malformed) {
        if self.session.version() == Version::V5 {
            // The connection ends whether the server can be told why or not.
            let _ =
                self.session
                    .disconnect(malformed.reason, PropertiesRef::default(), &mut self.io);
        }
        self.fail(rc::PROTOCOL);
    }

    fn connack(&mut self, bytes: &[u8], now: Instant) -> Result<usize, Malformed> {
        let Some(frame) = decode::frame(bytes, MAX_CONNACK)? else {
            return Ok(0);
        };
        let Some(options) = self.options.clone() else {
            return Ok(0);
        };
        let body = &bytes[frame.header_len..frame.total_len];
        let Packet::ConnAck(connack) = decode::decode(options.version, frame.first, body)? else {
            return Err(Malformed {
                reason: 0x82,
                what: "the first packet is no CONNACK",
            });
        };
        self.io.events.push_back(Event::Connected {
            session_present: connack.session_present,
            code: connack.code,
            properties: bytes_of(connack.properties),
        });
        if connack.code != 0 {
            self.fail(rc::CONN_REFUSED);
            return Ok(frame.total_len);
        }
        self.begin(&options, &connack, now);
        Ok(frame.total_len)
    }

    fn begin(&mut self, options: &ConnectOptions, connack: &ConnAck<'_>, now: Instant) {
        let begin = Begin {
            version: options.version,
            // Messages in flight are kept and sent again whatever CONNECT said, as the original does.
            clean: false,
            keep_alive: Duration::from_secs(options.keep_alive.into()),
            max_inflight: options.max_inflight,
            properties: options.properties.as_ref(),
            socket: -1,
        };
        self.phase = Phase::Connected;
        self.session.begin(&begin, connack, now, &mut self.io);
        for (mid, request) in std::mem::take(&mut self.requests) {
            // It was checked when it was made; what this server does not allow nobody is told, as with the original.
            let _ = self.request(mid, &request);
        }
    }

    fn request(&mut self, mid: u16, request: &Request) -> Result<(), Refused> {
        let token = self.session.token();
        let op = Op::Request { mid };
        match request {
            Request::Subscribe(filters, properties) => {
                let filters: Vec<Filter<'_>> = filters
                    .iter()
                    .map(|(filter, options)| Filter {
                        filter,
                        qos: quality(options & 3),
                        no_local: options & 4 != 0,
                        retain_as_published: options & 8 != 0,
                        retain_handling: options >> 4 & 3,
                    })
                    .collect();
                self.session
                    .subscribe(&filters, properties.as_ref(), token, op, &mut self.io)?;
            }
            Request::Unsubscribe(filters, properties) => {
                let filters: Vec<&[u8]> = filters.iter().map(Vec::as_slice).collect();
                self.session
                    .unsubscribe(&filters, properties.as_ref(), token, op, &mut self.io)?;
            }
        }
        Ok(())
    }

    fn written(&mut self, position: u64, now: Instant) {
        if position > self.written {
            self.written = position;
            self.session.written(now, position);
            self.io.written(position);
        }
    }

    /// Does what is due.
    fn tick(&mut self, now: Instant) {
        match (self.phase, &self.options) {
            (Phase::Connecting { since }, Some(options))
                if options.keep_alive > 0
                    && now >= since + Duration::from_secs(options.keep_alive.into()) =>
            {
                self.fail(rc::KEEPALIVE);
            }
            (Phase::Connected, _) => {
                if self.session.deadline().is_some_and(|due| due <= now)
                    && !self.session.tick(now, &mut self.io)
                {
                    self.fail(rc::KEEPALIVE);
                }
                if self.session.has_unreleased() {
                    self.session.release(now, &mut self.io);
                }
            }
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match (self.phase, &self.options) {
            (Phase::Connecting { since }, Some(options)) if options.keep_alive > 0 => {
                Some(since + Duration::from_secs(options.keep_alive.into()))
            }
            (Phase::Connected, _) => self.session.deadline(),
            _ => None,
        }
    }

    /// Returns true if the loop has something to tell, or to end.
    fn has_news(&self) -> bool {
        !self.io.events.is_empty() || self.fault.is_some() || self.is_closed_out()
    }

    /// Returns true if our DISCONNECT has been written.
    fn is_closed_out(&self) -> bool {
        self.phase == Phase::Closing && !self.wants_write()
    }

    fn may_read(&self) -> bool {
        self.inbound.is_some()
            && !self.io.is_full()
            && self.session.may_read()
            && matches!(self.phase, Phase::Connecting { .. } | Phase::Connected)
    }
}

impl Shared {
    pub fn new(version: Version, client_id: &str) -> std::io::Result<Self> {
        let now = Instant::now();
        let mut session = EngineSession::new(version, client_id.into(), now);
        session.set_acknowledge(Acknowledge::ByProgram {
            ordered: false,
            exactly_once: HandOver::Release,
        });
        Ok(Self {
            state: Mutex::new(State {
                session,
                io: Outputs::default(),
                link: Link::None,
                phase: Phase::Idle,
                options: None,
                batch: Some(Batch::default()),
                inbound: Some(Inbound::default()),
                epoch: 0,
                fault: None,
                server_disconnect: None,
                requests: Vec::new(),
                last_mid: 0,
                max_queued: 0,
                written: 0,
                last_write: now,
                blocked: false,
                threaded: false,
                waiting: false,
                rung: false,
                stop: false,
                hurry: false,
            }),
            alarm: Alarm::new()?,
            room: Condvar::new(),
        })
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Begins a connection on a socket of the program's, or on a stream that Python carries, with a CONNECT.
    pub fn open(&self, socket: Option<OwnedFd>, options: ConnectOptions) -> Result<(), Malformed> {
        let connect = Connect {
            version: options.version,
            clean_start: options.clean,
            keep_alive: options.keep_alive,
            client_id: &options.client_id,
            will: options.will.as_ref().map(|will| Will {
                topic: &will.topic,
                payload: &will.payload,
                qos: will.qos,
                retain: will.retain,
                properties: will.properties.as_ref(),
            }),
            username: options.username.as_deref(),
            password: options.password.as_deref(),
            properties: options.properties.as_ref(),
        };
        let mut packet = BytesMut::new();
        connect.encode(&mut packet)?;
        if options.bridge {
            // The level's highest bit says that the client is a bridge. It follows the protocol's name.
            let header = packet
                .iter()
                .skip(1)
                .position(|byte| byte & 0x80 == 0)
                .unwrap_or(0)
                + 2;
            let name = usize::from(u16::from_be_bytes([packet[header], packet[header + 1]]));
            packet[header + 2 + name] |= 0x80;
        }
        self.close();
        let mut state = self.lock();
        state.io.out.tail().extend_from_slice(&packet);
        state.phase = Phase::Connecting {
            since: Instant::now(),
        };
        state.link = match socket {
            Some(socket) => Link::Socket(Arc::new(socket)),
            None => Link::Stream(Stream {
                websocket: options.websocket.then(websocket::Reader::default),
                ..Stream::default()
            }),
        };
        state.options = Some(options);
        Ok(())
    }

    /// Ends the connection. What it has delivered stays to be told.
    pub fn close(&self) {
        let mut state = self.lock();
        let state = &mut *state;
        if let Link::Socket(socket) = &state.link {
            descriptor::shut(socket);
        }
        state.link = Link::None;
        state.phase = Phase::Idle;
        state.epoch += 1;
        state.fault = None;
        state.server_disconnect = None;
        state.blocked = false;
        state.written = 0;
        state.requests.clear();
        state.session.connection_lost(&mut state.io);
        state.io.connection_lost();
        if let Some(batch) = &mut state.batch {
            *batch = Batch::default();
        }
        if let Some(inbound) = &mut state.inbound {
            *inbound = Inbound::default();
        }
        self.room.notify_all();
        if state.waiting {
            self.alarm.ring();
        }
    }

    /// Accepts a publish. `too_much` in the answer: the caller should wait for room, if it can.
    pub fn publish(
        &self,
        topic: &[u8],
        payload: &[u8],
        qos: u8,
        retain: bool,
        properties: &[u8],
    ) -> Result<Published, Malformed> {
        let properties = PropertiesRef::parse(properties, Context::Publish)?;
        let now = Instant::now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let mid = state.mid();
        let done = Arc::new(Done::default());
        let published = |rc| Published {
            mid,
            rc,
            done: Arc::clone(&done),
            too_much: false,
        };
        if qos == 0 && !state.has_link() {
            return Ok(published(rc::NO_CONN));
        }
        if qos > 0 && state.max_queued > 0 && state.io.outstanding >= state.max_queued {
            return Ok(published(rc::QUEUE_SIZE));
        }
        let packet = Publish {
            dup: false,
            qos: quality(qos),
            retain,
            topic,
            packet_id: 0,
            properties,
            payload,
        };
        let token = state.session.token();
        let message = (qos > 0).then(|| {
            Arc::new(Kept {
                topic: topic.into(),
                payload: payload.into(),
                properties: bytes_of(properties),
                retain,
            })
        });
        let op = Op::Publish {
            mid,
            qos,
            done: Arc::clone(&done),
            message,
        };
        match state
            .session
            .publish(&packet, Some(token), op, true, now, &mut state.io)
        {
            Ok(_) => {}
            Err(Refused::Invalid(malformed)) => return Err(malformed),
            Err(Refused::NotStored) => return Ok(published(rc::NOMEM)),
            Err(Refused::Offline) => return Ok(published(rc::NO_CONN)),
            Err(Refused::Full | Refused::NoPacketId) => return Ok(published(rc::QUEUE_SIZE)),
        }
        if qos > 0 {
            state.io.outstanding += 1;
        }
        let connected = state.has_link();
        let queued = state.session.queued() > 0;
        // A loop that waits for the interpreter does not read: acknowledgements would not open the window.
        let help = queued && state.threaded && !state.waiting && state.may_read();
        let too_much = state.threaded && state.io.out.position() - state.written > MAX_UNWRITTEN;
        self.write_soon(guard, now);
        if help && self.read() {
            self.write();
        }
        Ok(Published {
            mid,
            rc: if connected { rc::SUCCESS } else { rc::NO_CONN },
            done,
            too_much,
        })
    }

    /// Writes on this thread, or leaves it to the loop's where publishes follow each other closely.
    fn write_soon(&self, mut state: MutexGuard<'_, State>, now: Instant) {
        if !state.threaded {
            drop(state);
            self.write();
            return;
        }
        let burst = now.duration_since(state.last_write) < BURST;
        if !burst && matches!(state.link, Link::Socket(_)) {
            drop(state);
            self.write();
            return;
        }
        let ring = state.waiting && !state.rung;
        state.rung |= ring;
        drop(state);
        if ring {
            self.alarm.ring();
        }
    }

    /// Waits until fewer bytes are unwritten, at most so long; returns true if there is room.
    pub fn wait_for_room(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        while state.has_link() && state.io.out.position() - state.written > MAX_UNWRITTEN {
            if self.room.wait_until(&mut state, deadline).timed_out() {
                return false;
            }
        }
        true
    }

    /// Sends a subscribe or an unsubscribe; returns its number, or nothing without a connection.
    pub fn request(&self, request: Request) -> Result<Option<u16>, Refused> {
        let mut guard = self.lock();
        let state = &mut *guard;
        match state.phase {
            Phase::Connecting { .. } => {
                let mid = state.mid();
                state.requests.push((mid, request));
                Ok(Some(mid))
            }
            Phase::Connected => {
                let mid = state.mid();
                state.request(mid, &request)?;
                self.write_soon(guard, Instant::now());
                Ok(Some(mid))
            }
            _ => Ok(None),
        }
    }

    /// Says DISCONNECT; returns false without a connection. The connection is closed once that is written.
    pub fn disconnect(&self, reason: u8, properties: &[u8]) -> Result<bool, Malformed> {
        let properties = PropertiesRef::parse(properties, Context::Disconnect)?;
        let mut guard = self.lock();
        let state = &mut *guard;
        match state.phase {
            Phase::Connecting { .. } => {
                let version = state
                    .options
                    .as_ref()
                    .map_or(Version::V311, |options| options.version);
                encode_disconnect(version, reason, properties, state.io.out.tail())?;
            }
            Phase::Connected => state
                .session
                .disconnect(reason, properties, &mut state.io)?,
            _ => return Ok(state.has_link()),
        }
        state.phase = Phase::Closing;
        let ring = state.waiting && !state.rung;
        state.rung |= ring;
        drop(guard);
        if ring {
            self.alarm.ring();
        } else {
            self.write();
        }
        Ok(true)
    }

    /// Acknowledges messages; what is to be sent for them waits for the next write.
    pub fn acknowledge(&self, tokens: &[AckToken]) {
        let mut state = self.lock();
        let state = &mut *state;
        for token in tokens {
            // An older connection's are passed over: the server sends those messages again.
            let _ = state.session.acknowledge(*token, 0, &mut state.io);
        }
    }

    /// Acknowledges the message of that packet identifier.
    pub fn acknowledge_packet(&self, packet_id: u16) {
        let mut guard = self.lock();
        let state = &mut *guard;
        if let Some(token) = state.session.ack_token(packet_id) {
            let _ = state.session.acknowledge(token, 0, &mut state.io);
            self.write_soon(guard, Instant::now());
        }
    }

    /// Writes what waits, unless another thread is at it.
    pub fn write(&self) {
        let mut guard = self.lock();
        loop {
            let state = &mut *guard;
            let Link::Socket(socket) = &state.link else {
                return;
            };
            let Some(mut batch) = state.batch.take() else {
                return;
            };
            if batch.is_empty() {
                if state.io.out.is_empty() {
                    state.batch = Some(batch);
                    return;
                }
                state.io.out.take(&mut batch);
            }
            let socket = Arc::clone(socket);
            let epoch = state.epoch;
            drop(guard);
            let io = descriptor::write(&socket, &mut batch);
            let now = Instant::now();
            guard = self.lock();
            let state = &mut *guard;
            if state.epoch != epoch {
                // The bytes were another connection's.
                state.batch = Some(Batch::default());
                continue;
            }
            let position = batch.written();
            state.last_write = now;
            state.written(position, now);
            state.blocked = !batch.is_empty();
            state.batch = Some(batch);
            self.room.notify_all();
            match io {
                Io::Some(_) if !state.blocked => {}
                Io::Closed | Io::Failed(_) => {
                    state.fail(rc::CONN_LOST);
                    return;
                }
                _ => return,
            }
        }
    }

    /// Reads once and processes it, unless another thread is at it; returns true if something came.
    pub fn read(&self) -> bool {
        let mut guard = self.lock();
        let state = &mut *guard;
        if !state.may_read() {
            return false;
        }
        let Link::Socket(socket) = &state.link else {
            return false;
        };
        let Some(mut inbound) = state.inbound.take() else {
            return false;
        };
        let socket = Arc::clone(socket);
        let epoch = state.epoch;
        drop(guard);
        if inbound.bytes.len() - inbound.filled < CHUNK / 4 {
            inbound.bytes.resize(inbound.filled + CHUNK, 0);
        }
        let io = descriptor::read(&socket, &mut inbound.bytes[inbound.filled..]);
        let now = Instant::now();
        let mut guard = self.lock();
        let state = &mut *guard;
        if state.epoch != epoch {
            state.inbound = Some(Inbound::default());
            return false;
        }
        let came = match io {
            Io::Some(n) => {
                inbound.filled += n;
                let used = state.process(&inbound.bytes[..inbound.filled], now);
                inbound.bytes.copy_within(used..inbound.filled, 0);
                inbound.filled -= used;
                if inbound.filled == 0 && inbound.bytes.len() > 4 * CHUNK {
                    inbound.bytes = Vec::new();
                }
                true
            }
            Io::Nothing => false,
            Io::Closed | Io::Failed(_) => {
                state.fail(rc::CONN_LOST);
                true
            }
        };
        state.inbound = Some(inbound);
        came
    }

    /// Takes bytes of an attached stream; returns false if the program has to take messages first.
    pub fn feed(&self, bytes: &[u8]) -> bool {
        let now = Instant::now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let Link::Stream(stream) = &mut state.link else {
            return true;
        };
        let Some(mut inbound) = state.inbound.take() else {
            return true;
        };
        inbound.bytes.truncate(inbound.filled);
        match &mut stream.websocket {
            None => inbound.bytes.extend_from_slice(bytes),
            Some(reader) => match reader.feed(bytes, &mut inbound.bytes, &mut stream.replies) {
                Ok(websocket::Went::On) => {}
                Ok(websocket::Went::Closed) => state.fail(rc::CONN_LOST),
                Err(websocket::Broken) => state.fail(rc::PROTOCOL),
            },
        }
        inbound.filled = inbound.bytes.len();
        if inbound.filled > 0 && matches!(state.phase, Phase::Connecting { .. } | Phase::Connected)
        {
            let used = state.process(&inbound.bytes, now);
            inbound.bytes.drain(..used);
            inbound.filled = inbound.bytes.len();
        }
        state.inbound = Some(inbound);
        !state.io.is_full()
    }

    /// Says that an attached stream has ended.
    pub fn eof(&self, rc: i32) {
        self.lock().fail(rc);
    }

    /// Returns bytes for an attached stream: the same ones until [`sent`](Self::sent) says that they went.
    pub fn outgoing(&self) -> Bytes {
        let mut guard = self.lock();
        let state = &mut *guard;
        let Link::Stream(stream) = &mut state.link else {
            return Bytes::new();
        };
        if stream.sent == stream.piece.len() {
            stream.piece.clear();
            stream.sent = 0;
            stream.piece.append(&mut stream.replies);
            let Some(batch) = &mut state.batch else {
                return Bytes::new();
            };
            if batch.is_empty() && !state.io.out.is_empty() {
                state.io.out.take(batch);
            }
            let mut data = Vec::new();
            let mut slices = [std::io::IoSlice::new(&[]); paho_oxide::protocol::outbound::SLICES];
            let used = batch.slices(&mut slices);
            for slice in &slices[..used] {
                let room = PIECE - data.len();
                data.extend_from_slice(&slice[..slice.len().min(room)]);
                if data.len() == PIECE {
                    break;
                }
            }
            batch.advance(data.len());
            stream.end = batch.written();
            if !data.is_empty() {
                if stream.websocket.is_none() {
                    stream.piece.append(&mut data);
                } else if websocket::data(&data, &mut stream.piece).is_err() {
                    state.fail(rc::NOMEM);
                    return Bytes::new();
                }
            }
        }
        Bytes::copy_from_slice(&stream.piece[stream.sent..])
    }

    /// So many bytes of [`outgoing`](Self::outgoing) went.
    pub fn sent(&self, n: usize) {
        let now = Instant::now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let Link::Stream(stream) = &mut state.link else {
            return;
        };
        stream.sent = (stream.sent + n).min(stream.piece.len());
        if stream.sent == stream.piece.len() {
            let end = stream.end;
            state.written(end, now);
            state.last_write = now;
            self.room.notify_all();
        }
    }

    /// Carries the connection until there is something to tell or the time has come; one round only if `once`.
    pub fn turn(&self, deadline: Instant, once: bool) -> Turn {
        loop {
            self.write();
            let now = Instant::now();
            let mut guard = self.lock();
            let state = &mut *guard;
            state.tick(now);
            if state.fault.is_some() || state.is_closed_out() {
                return if state.io.events.is_empty() {
                    Turn::Ended
                } else {
                    Turn::Events
                };
            }
            if !state.io.events.is_empty() {
                return Turn::Events;
            }
            if !state.has_link()
                || (state.stop && state.io.outstanding == 0 && !state.wants_write())
            {
                return Turn::Ended;
            }
            if state.batch.as_ref().is_some_and(Batch::is_empty) && !state.io.out.is_empty() {
                continue; // the tick had something to say
            }
            if (now >= deadline && !once) || state.hurry {
                return Turn::TimedOut;
            }
            let until = state.deadline().map_or(deadline, |due| due.min(deadline));
            let socket = match &state.link {
                Link::Socket(socket) => Some(Arc::clone(socket)),
                _ => None,
            };
            let (read, write) = (state.may_read(), state.blocked);
            state.waiting = true;
            drop(guard);
            let ready = descriptor::wait(
                socket.as_deref().map(|socket| (socket, read, write)),
                &self.alarm,
                until.saturating_duration_since(now),
            );
            let mut guard = self.lock();
            guard.waiting = false;
            if ready.alarm {
                guard.rung = false;
                self.alarm.reset();
            }
            drop(guard);
            if ready.interrupted {
                return Turn::Interrupted;
            }
            if ready.read {
                self.read();
            }
            if once {
                self.write();
                let mut state = self.lock();
                state.tick(Instant::now());
                return if state.has_news() {
                    Turn::Events
                } else {
                    Turn::TimedOut
                };
            }
        }
    }

    /// Does what is due in a client whose loop is the program's.
    pub fn tick(&self) {
        self.lock().tick(Instant::now());
        self.write();
    }

    /// Returns why the connection has to end, once all that it delivered was told.
    pub fn ending(&self) -> Option<i32> {
        let state = self.lock();
        if !state.io.events.is_empty() {
            return None;
        }
        if state.is_closed_out() {
            return Some(rc::SUCCESS);
        }
        state.fault
    }

    /// Returns true if bytes wait for the socket.
    pub fn wants_write(&self) -> bool {
        let state = self.lock();
        state.has_link() && state.wants_write()
    }

    /// Rings the alarm: a thread in [`turn`](Self::turn) comes back to look.
    pub fn wake(&self) {
        self.alarm.ring();
    }

    /// The alarm's descriptor, for a loop that waits in Python.
    pub fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// A loop in Python is about to wait, or has waited.
    pub fn set_waiting(&self, waiting: bool) {
        let mut state = self.lock();
        state.waiting = waiting;
        if !waiting && state.rung {
            state.rung = false;
            self.alarm.reset();
        }
    }

    /// Has [`turn`](Self::turn) come back once all is sent and acknowledged, or wait again.
    pub fn set_stop(&self, stop: bool) {
        self.lock().stop = stop;
        self.alarm.ring();
    }

    /// Has [`turn`](Self::turn) come back at once from now on.
    pub fn hurry(&self) {
        self.lock().hurry = true;
        self.alarm.ring();
    }

    /// Returns in which time a [`tick`](Self::tick) is due.
    pub fn deadline(&self) -> Option<Duration> {
        let due = self.lock().deadline();
        due.map(|due| due.saturating_duration_since(Instant::now()))
    }

    /// Drops the publishes of `QoS` 1 and 2 that have not ended, and returns them.
    pub fn drop_out(&self) -> Vec<Dropped> {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.io.dropped = Some(Vec::new());
        state.session.clear(&mut state.io);
        state.session.clear_queue(false, &mut state.io);
        state.io.dropped.take().unwrap_or_default()
    }
}
