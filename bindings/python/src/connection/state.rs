//! What the mutex protects: the session, the link, and how far the connection has come.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use paho_oxide::protocol::decode::{self, ConnAck, Packet};
use paho_oxide::protocol::error::Malformed;
use paho_oxide::protocol::outbound::Batch;
use paho_oxide::protocol::packet::Filter;
use paho_oxide::protocol::property::{Properties, PropertiesRef};
use paho_oxide::protocol::session::{Begin, Fault, Refused};
use paho_oxide::protocol::{QoS, Version};

use super::connect::ConnectOptions;
use super::stream::Stream;
use super::{MAX_UNWRITTEN, rc};
use crate::session::{EngineSession, Event, Op, Outputs, bytes_of};

/// Largest CONNACK that is taken: a server must not fill the memory before it has accepted anything.
const MAX_CONNACK: u32 = 1 << 20;
/// The first byte of a DISCONNECT.
const DISCONNECT: u8 = 0xE0;
/// The first byte of a PINGRESP.
const PINGRESP: u8 = 0xD0;

/// A subscribe or unsubscribe; it waits while CONNACK has not come.
#[derive(Debug)]
pub enum Request {
    Subscribe(Vec<(Vec<u8>, u8)>, Properties),
    Unsubscribe(Vec<Vec<u8>>, Properties),
}

/// What carries the bytes.
#[derive(Debug, Default)]
pub(super) enum Link {
    #[default]
    None,
    /// A socket that is read and written here.
    Socket(Arc<OwnedFd>),
    /// Python carries the bytes.
    Stream(Stream),
}

/// How far the connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
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
pub(super) struct Inbound {
    pub(super) bytes: Vec<u8>,
    pub(super) filled: usize,
}

/// A DISCONNECT of the server's; a short one leaves out the properties, or the reason too.
#[derive(Debug)]
pub struct ServerDisconnect {
    pub reason: Option<u8>,
    pub properties: Option<Box<[u8]>>,
}

/// Returns the first byte of each whole packet, and how long its body is.
fn frames(mut bytes: &[u8]) -> impl Iterator<Item = (u8, usize)> {
    std::iter::from_fn(move || {
        let frame = decode::frame(bytes, u32::MAX).ok()??;
        bytes = &bytes[frame.total_len..];
        Some((frame.first, frame.total_len - frame.header_len))
    })
}

/// Who writes what publishes, subscribes and acknowledgements leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// The thread that made them.
    Caller,
    /// The same, or the loop's thread where they follow each other closely.
    Loop,
    /// The program's loop, which calls `write` when its turn comes.
    Gathered,
}

pub struct State {
    pub session: EngineSession,
    pub io: Outputs,
    pub(super) link: Link,
    pub(super) phase: Phase,
    pub(super) options: Option<ConnectOptions>,
    /// None while a thread is writing, and while one is reading.
    pub(super) batch: Option<Batch>,
    pub(super) inbound: Option<Inbound>,
    /// Counts connections: a thread that comes back to another one has nothing more to do.
    pub(super) epoch: u64,
    /// Why the connection has to end.
    pub(super) fault: Option<i32>,
    pub server_disconnect: Option<ServerDisconnect>,
    pub(super) requests: Vec<(u32, Request)>,
    pub max_queued: usize,
    pub(super) written: u64,
    pub(super) last_write: Instant,
    pub(super) blocked: bool,
    pub writer: Writer,
    /// A thread waits for the socket, and the alarm has been rung for it.
    pub(super) waiting: bool,
    pub(super) rung: bool,
    pub(super) stop: bool,
    pub(super) hurry: bool,
}

pub(super) fn quality(qos: u8) -> QoS {
    match qos {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

impl State {
    pub(super) fn has_link(&self) -> bool {
        !matches!(self.link, Link::None)
    }

    /// Returns true if bytes wait for the socket.
    pub(super) fn wants_write(&self) -> bool {
        let stream = match &self.link {
            Link::Stream(stream) => stream.sent < stream.piece.len() || !stream.replies.is_empty(),
            _ => false,
        };
        stream
            || !self.io.out.is_empty()
            || self.batch.as_ref().is_none_or(|batch| !batch.is_empty())
    }

    pub(super) fn fail(&mut self, rc: i32) {
        self.fault.get_or_insert(rc);
        if self.phase != Phase::Idle {
            self.phase = Phase::Ended;
        }
    }

    /// Processes the packets at the start of `bytes`; returns how many bytes they took.
    pub(super) fn process(&mut self, bytes: &[u8], now: Instant) -> usize {
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
            Ok(n) => {
                if self.io.tell_pings {
                    let answers = frames(&bytes[used..used + n])
                        .filter(|(first, _)| *first == PINGRESP)
                        .map(|_| Event::Ping { answered: true });
                    self.io.events.extend(answers);
                }
                used + n
            }
            Err(Fault::Protocol(malformed)) => {
                self.protocol_error(malformed);
                bytes.len()
            }
            Err(Fault::Disconnected { reason, properties }) => {
                // The callbacks of VERSION1 tell a reason code that the server left out from one that is 0.
                let len = frames(&bytes[used..])
                    .find_map(|(first, len)| (first == DISCONNECT).then_some(len))
                    .unwrap_or_default();
                self.server_disconnect = Some(ServerDisconnect {
                    reason: (len > 0).then_some(reason),
                    properties: (len > 1).then(|| bytes_of(properties.as_ref())),
                });
                self.fail(rc::SUCCESS);
                bytes.len()
            }
            Err(Fault::NotStored) => {
                self.fail(rc::NOMEM);
                bytes.len()
            }
        }
    }

    pub(super) fn protocol_error(&mut self, malformed: Malformed) {
        if self.session.version() == Version::V5 {
            // The connection ends whether the server can be told why or not.
            let _ =
                self.session
                    .disconnect(malformed.reason, PropertiesRef::default(), &mut self.io);
        }
        self.fail(rc::PROTOCOL);
    }

    pub(super) fn connack(&mut self, bytes: &[u8], now: Instant) -> Result<usize, Malformed> {
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

    pub(super) fn begin(&mut self, options: &ConnectOptions, connack: &ConnAck<'_>, now: Instant) {
        let begin = Begin {
            version: options.version,
            clean: options.clean,
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

    pub(super) fn request(&mut self, mid: u32, request: &Request) -> Result<(), Refused> {
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

    pub(super) fn written(&mut self, position: u64, now: Instant) {
        if position > self.written {
            self.written = position;
            self.session.written(now, position);
            self.io.written(position);
        }
    }

    /// Returns how many bytes of packets have not been written.
    pub fn unwritten(&self) -> u64 {
        self.io.out.position() - self.written
    }

    /// Returns true if a publish need not wait for the loop to write.
    pub(super) fn has_room(&self) -> bool {
        !self.has_link() || self.unwritten() <= MAX_UNWRITTEN
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Instant) {
        match (self.phase, &self.options) {
            (Phase::Connecting { since }, Some(options))
                if options.keep_alive > 0
                    && now >= since + Duration::from_secs(options.keep_alive.into()) =>
            {
                self.fail(rc::KEEPALIVE);
            }
            (Phase::Connected, _) => {
                if self.session.deadline().is_some_and(|due| due <= now) {
                    let before = self.io.out.position();
                    if !self.session.tick(now, &mut self.io) {
                        self.fail(rc::KEEPALIVE);
                    } else if self.io.tell_pings && self.io.out.position() > before {
                        self.io.events.push_back(Event::Ping { answered: false });
                    }
                }
                if self.session.has_unreleased() {
                    self.session.release(now, &mut self.io);
                }
            }
            _ => {}
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match (self.phase, &self.options) {
            (Phase::Connecting { since }, Some(options)) if options.keep_alive > 0 => {
                Some(since + Duration::from_secs(options.keep_alive.into()))
            }
            (Phase::Connected, _) => self.session.deadline(),
            _ => None,
        }
    }

    /// Returns true if the loop has something to do for the socket: bytes to write, or an end that follows the last ones.
    pub(super) fn has_to_write(&self) -> bool {
        self.has_link() && (self.wants_write() || self.phase == Phase::Closing)
    }

    /// Returns true if our DISCONNECT has been written.
    pub(super) fn is_closed_out(&self) -> bool {
        self.phase == Phase::Closing && !self.wants_write()
    }

    pub(super) fn may_read(&self) -> bool {
        self.inbound.is_some()
            && !self.io.is_full()
            && self.session.may_read()
            && matches!(self.phase, Phase::Connecting { .. } | Phase::Connected)
    }
}
