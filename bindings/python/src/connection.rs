//! A client's connection: the session behind one mutex, and who reads and writes for it.
//!
//! Nobody has a thread here. Whoever publishes writes, a loop reads; each of the two roles is held by one thread at a
//! time, and its work is done without the mutex. A thread that finds a role taken leaves its work to the holder.

mod carry;
mod connect;
mod state;
mod stream;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use paho_oxide::os::lock::{Condvar, Mutex, MutexGuard};
use paho_oxide::protocol::Version;
use paho_oxide::protocol::error::Malformed;
use paho_oxide::protocol::outbound::Batch;
use paho_oxide::protocol::packet::{Publish, encode_disconnect};
use paho_oxide::protocol::property::{Context, PropertiesRef};
use paho_oxide::protocol::session::{AckToken, Acknowledge, HandOver, Options, Policy, Refused};

pub use connect::{ConnectOptions, WillOptions};
pub use state::{Request, State, Writer};

use crate::descriptor::{self, Alarm};
use crate::done::Done;
use crate::session::{Dropped, EngineSession, Kept, Op, Outputs, bytes_of};
use crate::websocket;
use state::{Inbound, Link, Phase, quality};
use stream::Stream;

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

/// Bytes that publishes may leave unwritten before they wait for the loop's thread to write them.
const MAX_UNWRITTEN: u64 = 1 << 20;
/// Writes that follow each other more closely are left to the loop's thread, which joins them.
const BURST: Duration = Duration::from_micros(50);

pub struct Shared {
    state: Mutex<State>,
    alarm: Alarm,
    /// Unwritten bytes became fewer, or the connection ended.
    room: Condvar,
}

/// How a publish was taken.
pub struct Published {
    pub mid: u32,
    pub rc: i32,
    pub done: Arc<Done>,
    pub too_much: bool,
}

impl Shared {
    pub fn new(version: Version, client_id: &str) -> std::io::Result<Self> {
        let now = Instant::now();
        let mut session = EngineSession::new(version, client_id.into(), now);
        session.set_acknowledge(Acknowledge::ByProgram {
            ordered: false,
            exactly_once: HandOver::Release,
        });
        session.set_options(Options {
            // Messages in flight are kept and sent again whatever CONNECT said, as the original does.
            policy: Some(Policy::KeepAndResend),
            ..Options::default()
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
                max_queued: 0,
                written: 0,
                last_write: now,
                blocked: false,
                writer: Writer::Caller,
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
        let packet = options.encode()?;
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
        let mid = state.io.numbers.next();
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
        if qos > 0 {
            let numbers = &state.io.numbers;
            let full = state.max_queued > 0 && numbers.outstanding() >= state.max_queued;
            // As in the original. What is queued has an end with that, whatever the program set.
            if full || numbers.is_used(mid) {
                return Ok(published(rc::QUEUE_SIZE));
            }
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
            state.io.numbers.begin(mid);
        }
        let connected = state.has_link();
        let queued = state.session.queued() > 0;
        // A loop that waits for the interpreter does not read: acknowledgements would not open the window.
        let help = queued && state.writer == Writer::Loop && !state.waiting && state.may_read();
        let too_much = state.writer == Writer::Loop && state.unwritten() > MAX_UNWRITTEN;
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

    /// Writes, or leaves it to the loop, as the writer says.
    fn write_soon(&self, state: MutexGuard<'_, State>, now: Instant) {
        match state.writer {
            Writer::Caller => {
                drop(state);
                self.write();
                return;
            }
            Writer::Gathered => return,
            Writer::Loop => {}
        }
        let burst = now.duration_since(state.last_write) < BURST;
        if !burst && matches!(state.link, Link::Socket(_)) {
            drop(state);
            self.write();
            return;
        }
        self.tell_waiting(state);
    }

    /// Waits until fewer bytes are unwritten, at most so long; returns true if there is room.
    pub fn wait_for_room(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        while !state.has_room() {
            if self.room.wait_until(&mut state, deadline).timed_out() {
                return false;
            }
        }
        true
    }

    /// Returns true if a publish need not wait: few bytes are unwritten, or there is no connection.
    pub fn has_room(&self) -> bool {
        self.lock().has_room()
    }

    /// Sends a subscribe or an unsubscribe; returns its number, or nothing without a connection.
    pub fn request(&self, request: Request) -> Result<Option<u32>, Refused> {
        let mut guard = self.lock();
        let state = &mut *guard;
        match state.phase {
            Phase::Connecting { .. } => {
                let mid = state.io.numbers.next();
                state.requests.push((mid, request));
                Ok(Some(mid))
            }
            Phase::Connected => {
                let mid = state.io.numbers.next();
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

    /// Returns true if the program is to call `write`, or `outgoing`, once the socket has room.
    pub fn wants_write(&self) -> bool {
        self.lock().has_to_write()
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
