//! What the engine's session puts out, and where it goes here: events for the program, bytes for the socket.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use paho_oxide::protocol::QoS;
use paho_oxide::protocol::outbound::Outbound;
use paho_oxide::protocol::packet::{AckKind, Publish};
use paho_oxide::protocol::property::{Properties, PropertiesRef};
use paho_oxide::protocol::session::{
    AckToken, Completion, Loaded, NotStored, Outcome, Receipt, Record, RecordHandle, Session, Sink,
    Stored, Token,
};

use crate::done::Done;
use crate::numbers::Numbers;

/// Messages that may wait for the program before the socket is not read any more.
pub const MAX_UNREAD: usize = 1024;
/// The same in bytes.
pub const MAX_UNREAD_BYTES: usize = 1 << 20;

/// Events of all kinds that may wait before the socket is not read any more: a server can answer requests that nobody made, of
/// which a log is told (PINGRESP), while the program is in a callback.
pub const MAX_EVENTS: usize = 65_536;

/// A message as it came.
#[derive(Debug)]
pub struct Received {
    pub topic: Box<[u8]>,
    pub payload: Bytes,
    pub properties: Box<[u8]>,
    pub packet_id: u16,
    pub qos: u8,
    pub retain: bool,
    pub dup: bool,
}

impl Received {
    /// Returns about how many bytes it holds.
    fn size(&self) -> usize {
        size_of::<Self>() + self.topic.len() + self.payload.len() + self.properties.len()
    }
}

/// A publish as the program made it.
#[derive(Debug)]
pub struct Kept {
    pub topic: Box<[u8]>,
    pub payload: Box<[u8]>,
    pub properties: Box<[u8]>,
    pub retain: bool,
}

/// A publish that the program dropped.
#[derive(Debug)]
pub struct Dropped {
    pub mid: u32,
    pub qos: u8,
    pub message: Arc<Kept>,
}

/// What the program did.
#[derive(Debug, Clone)]
pub enum Op {
    /// A publish, with the number that the program knows it by.
    Publish {
        mid: u32,
        qos: u8,
        done: Arc<Done>,
        /// At `QoS` 1 and 2, for the program that drops what is in flight and wants it back.
        message: Option<Arc<Kept>>,
    },
    /// A subscribe or an unsubscribe.
    Request { mid: u32 },
}

/// What the program is to be told.
#[derive(Debug)]
pub enum Event {
    Message(Received, Option<AckToken>),
    Published {
        mid: u32,
        done: Arc<Done>,
        qos: u8,
        reason: u8,
        properties: Box<[u8]>,
        well: bool,
    },
    Subscribed {
        mid: u32,
        codes: Vec<u8>,
        properties: Box<[u8]>,
    },
    Unsubscribed {
        mid: u32,
        codes: Vec<u8>,
        properties: Box<[u8]>,
    },
    /// A PINGREQ was sent, or answered.
    Ping {
        answered: bool,
    },
    Connected {
        session_present: bool,
        code: u8,
        properties: Box<[u8]>,
    },
}

/// Where the session's outputs go.
#[derive(Debug, Default)]
pub struct Outputs {
    pub out: Outbound,
    pub events: VecDeque<Event>,
    /// Messages among `events`, and their bytes.
    pub unread: usize,
    pub unread_bytes: usize,
    /// `QoS` 0 publishes, and where their last bytes are in the stream.
    pub unwritten: VecDeque<(u64, Op)>,
    pub numbers: Numbers,
    /// The program wants an event for each publish that is written, at `QoS` 0, or acknowledged.
    pub tell_written: bool,
    pub tell_acknowledged: bool,
    /// The program keeps a log, in which PINGREQ and PINGRESP have their lines.
    pub tell_pings: bool,
    /// Where failed publishes go while the program drops them.
    pub dropped: Option<Vec<Dropped>>,
}

pub type EngineSession = Session<Received, Op>;

fn raw(properties: &Properties) -> Box<[u8]> {
    bytes_of(properties.as_ref())
}

/// Returns the properties as they stand in a packet, their length in front; nothing if there are none.
pub fn bytes_of(properties: PropertiesRef<'_>) -> Box<[u8]> {
    if properties.iter().next().is_none() {
        return Box::default();
    }
    let mut out = bytes::BytesMut::new();
    // What was decoded can be encoded.
    let _ = properties.encode(&mut out);
    Vec::from(out).into_boxed_slice()
}

impl Outputs {
    /// Returns true if the program has to take messages before more are read.
    pub fn is_full(&self) -> bool {
        self.unread >= MAX_UNREAD
            || self.unread_bytes >= MAX_UNREAD_BYTES
            || self.events.len() >= MAX_EVENTS
    }

    fn published(&mut self, op: Op, reason: u8, properties: Box<[u8]>, well: bool) {
        let Op::Publish {
            mid,
            qos,
            done,
            message,
        } = op
        else {
            return;
        };
        if qos > 0 {
            self.numbers.end(mid);
        }
        if let (Some(dropped), Some(message)) = (&mut self.dropped, message) {
            done.set(false);
            dropped.push(Dropped { mid, qos, message });
            return;
        }
        let tell = if qos == 0 {
            self.tell_written
        } else {
            self.tell_acknowledged
        };
        if tell {
            let event = Event::Published {
                mid,
                done,
                qos,
                reason,
                properties,
                well,
            };
            self.events.push_back(event);
        } else {
            done.set(well);
        }
    }

    /// The stream was written up to `position`.
    pub fn written(&mut self, position: u64) {
        while self
            .unwritten
            .front()
            .is_some_and(|(end, _)| *end <= position)
        {
            if let Some((_, op)) = self.unwritten.pop_front() {
                self.published(op, 0, Box::default(), true);
            }
        }
    }

    /// The connection is gone: what was not written is not sent again at `QoS` 0.
    pub fn connection_lost(&mut self) {
        self.out.reset();
        while let Some((_, op)) = self.unwritten.pop_front() {
            if let Op::Publish { done, .. } = op {
                done.set(false);
            }
        }
    }

    /// Takes the next event.
    pub fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        if let Event::Message(message, _) = &event {
            self.unread -= 1;
            self.unread_bytes -= message.size();
        }
        Some(event)
    }
}

impl Sink for Outputs {
    type Message = Received;
    type Op = Op;

    fn out(&mut self) -> &mut Outbound {
        &mut self.out
    }

    fn message(&mut self, publish: &Publish<'_>) -> Result<Received, NotStored> {
        Ok(Received {
            topic: publish.topic.into(),
            payload: Bytes::copy_from_slice(publish.payload),
            properties: bytes_of(publish.properties),
            packet_id: publish.packet_id,
            qos: publish.qos as u8,
            retain: publish.retain,
            dup: publish.dup,
        })
    }

    fn message_size(&self, message: &Received) -> usize {
        message.size()
    }

    fn deliver(
        &mut self,
        message: Received,
        _qos: QoS,
        _receipt: Receipt<'_>,
        ack: Option<AckToken>,
    ) -> Result<(), Received> {
        self.unread += 1;
        self.unread_bytes += message.size();
        self.events.push_back(Event::Message(message, ack));
        Ok(())
    }

    fn complete(&mut self, done: Completion<Op>) {
        match (done.op, done.outcome) {
            (op @ Op::Publish { .. }, Outcome::Published { reason, properties }) => {
                self.published(op, reason, raw(&properties), true);
            }
            (op @ Op::Publish { .. }, Outcome::Failed(failure)) => {
                // A refusal is an end too: on_publish has its reason.
                self.published(
                    op,
                    failure.reason,
                    raw(&failure.properties),
                    failure.reason >= 0x80,
                );
            }
            (Op::Request { mid }, Outcome::Subscribed { codes, properties }) => {
                let properties = raw(&properties);
                self.events.push_back(Event::Subscribed {
                    mid,
                    codes,
                    properties,
                });
            }
            (Op::Request { mid }, Outcome::Unsubscribed { codes, properties }) => {
                let properties = raw(&properties);
                self.events.push_back(Event::Unsubscribed {
                    mid,
                    codes,
                    properties,
                });
            }
            // A request whose connection is gone: nobody is told, as with the original.
            _ => {}
        }
    }

    fn complete_when_written(&mut self, done: Completion<Op>) {
        self.unwritten.push_back((self.out.position(), done.op));
    }

    fn wants_packet(&self, _op: &Op) -> bool {
        false
    }

    fn acknowledged(&mut self, _: AckKind, _: u16, _: u8, _: PropertiesRef<'_>) {}

    // Messages are kept in memory only, as in the original: what is loaded was never stored.
    fn store(&mut self, _record: Record, _packet: &[u8]) -> Result<(), NotStored> {
        Ok(())
    }

    fn discard(&mut self, _record: Record) {}

    fn store_queued(
        &mut self,
        _: &Publish<'_>,
        _: Token,
    ) -> Result<Option<RecordHandle>, NotStored> {
        Ok(None)
    }

    fn promote(&mut self, _: Option<RecordHandle>, _: u16, _: &[u8]) -> Result<(), NotStored> {
        Ok(())
    }

    fn load_queued(&mut self, _: RecordHandle) -> Loaded<Stored> {
        Loaded::Damaged { in_place: false }
    }

    fn load_sent(&mut self, _: u16) -> Loaded<Vec<u8>> {
        Loaded::Damaged { in_place: false }
    }

    fn load_received(&mut self, _: u16) -> Loaded<Option<Received>> {
        Loaded::Damaged { in_place: false }
    }
}
