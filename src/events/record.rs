//! What happened, in a form that any language can read: a flat record of fixed members and three runs of bytes.
//!
//! The layout is part of the C ABI (`docs/oxide-api.md`). Here it is written and read without `unsafe`.

use bytes::{BufMut, Bytes, BytesMut};
use std::cell::RefCell;

use crate::protocol::QoS;
use crate::protocol::packet::Publish;
use crate::protocol::property::{Context, PropertiesRef};

/// Bytes of the members before the texts.
pub const HEAD: usize = 48;
/// Records are multiples of this.
const ALIGN: usize = 8;
/// Messages share blocks of this size, so that a message costs no allocation of its own.
const BLOCK: usize = 64 * 1024;
/// A message larger than this has an allocation of its own: a program that keeps a few must not keep whole blocks.
const LARGE: usize = 8 * 1024;

/// What a record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    /// A message came.
    Message = 1,
    /// Publishes have ended well.
    Done = 2,
    /// An operation has ended without success.
    Failed = 3,
    /// SUBACK came.
    SubAck = 4,
    /// UNSUBACK came.
    UnsubAck = 5,
    /// The server accepted the connection.
    Connected = 6,
    /// An attempt to connect has failed.
    ConnectFailed = 7,
    /// The connection is gone, and nobody said DISCONNECT.
    Lost = 8,
    /// The server said DISCONNECT.
    ServerDisconnect = 9,
    /// A disconnect of the program's is done.
    Closed = 10,
    /// The server sent AUTH.
    Auth = 11,
    /// There is room again for publishes.
    Room = 12,
    /// A stream has bytes to take.
    Output = 13,
    /// A line of the engine's log.
    Log = 14,
    /// What the driving thread should wait for may have changed.
    Wants = 15,
}

/// A message that is a duplicate, as its PUBLISH said.
pub const DUPLICATE: u8 = 1;
/// A message that the server had retained.
pub const RETAINED: u8 = 2;

/// The members of a record, but for its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What it tells.
    pub kind: Kind,
    /// Of a message; of a connection its version.
    pub qos: u8,
    /// By kind.
    pub flags: u8,
    /// Packet identifier.
    pub packet_id: u16,
    /// Reason or return code.
    pub reason: u16,
    /// Bytes of the topic, or of the text.
    pub topic_len: u32,
    /// Bytes of properties.
    pub props_len: u32,
    /// Bytes of the payload.
    pub payload_len: u32,
    /// Which operation, or what to acknowledge a message with.
    pub token: u64,
    /// By kind.
    pub value: u64,
}

/// A record, not yet written out: its members, and topic, properties and payload in one run of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The members.
    pub head: Head,
    /// Topic, properties and payload, without gaps.
    body: Bytes,
}

impl Record {
    /// Makes a record without any bytes behind its members.
    pub fn new(kind: Kind) -> Self {
        Self {
            head: Head {
                kind,
                qos: 0,
                flags: 0,
                packet_id: 0,
                reason: 0,
                topic_len: 0,
                props_len: 0,
                payload_len: 0,
                token: 0,
                value: 0,
            },
            body: Bytes::new(),
        }
    }

    /// Returns the record with these bytes. What is longer than a record can say is cut off; no packet is.
    #[must_use]
    pub fn with(self, text: &[u8], properties: PropertiesRef<'_>, payload: &[u8]) -> Self {
        let properties = properties.as_bytes();
        let mut body = BytesMut::with_capacity(text.len() + properties.len() + payload.len());
        body.extend_from_slice(text);
        body.extend_from_slice(properties);
        body.extend_from_slice(payload);
        Self {
            head: Head {
                topic_len: length(text),
                props_len: length(properties),
                payload_len: length(payload),
                ..self.head
            },
            body: body.freeze(),
        }
    }

    /// Makes the record of a received message. Returns none for want of memory.
    pub fn of_message(publish: &Publish<'_>) -> Option<Self> {
        thread_local! {
            static BLOCKS: RefCell<BytesMut> = RefCell::new(BytesMut::new());
        }
        let properties = publish.properties.as_bytes();
        let parts = [publish.topic, properties, publish.payload];
        let total = parts.iter().map(|part| part.len()).sum();
        let body = if total > LARGE {
            // The server decides how much this is: that there is not so much memory must not be the end of the process.
            let mut body = Vec::new();
            body.try_reserve_exact(total).ok()?;
            for part in parts {
                body.extend_from_slice(part);
            }
            Bytes::from(body)
        } else if total == 0 {
            Bytes::new()
        } else {
            BLOCKS.with_borrow_mut(|block| {
                if block.capacity() < total {
                    *block = BytesMut::with_capacity(BLOCK);
                }
                for part in parts {
                    block.extend_from_slice(part);
                }
                block.split().freeze()
            })
        };
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        Some(Self {
            head: Head {
                qos: publish.qos as u8,
                flags: flag(publish.dup, DUPLICATE) | flag(publish.retain, RETAINED),
                packet_id: publish.packet_id,
                topic_len: length(publish.topic),
                props_len: length(properties),
                payload_len: length(publish.payload),
                ..Self::new(Kind::Message).head
            },
            body,
        })
    }

    /// Returns the message that the record was made of.
    pub fn as_publish(&self) -> Publish<'_> {
        Publish {
            dup: self.head.flags & DUPLICATE != 0,
            qos: match self.head.qos {
                0 => QoS::AtMostOnce,
                1 => QoS::AtLeastOnce,
                _ => QoS::ExactlyOnce,
            },
            retain: self.head.flags & RETAINED != 0,
            topic: self.topic(),
            packet_id: self.head.packet_id,
            // They were checked when the packet was decoded.
            properties: PropertiesRef::parse(self.properties(), Context::Publish)
                .unwrap_or(PropertiesRef::EMPTY),
            payload: self.payload(),
        }
    }

    /// Returns the topic, or the text.
    pub fn topic(&self) -> &[u8] {
        &self.body[..self.head.topic_len as usize]
    }

    /// Returns the properties, as in a packet but without their length.
    pub fn properties(&self) -> &[u8] {
        let start = self.head.topic_len as usize;
        &self.body[start..start + self.head.props_len as usize]
    }

    /// Returns the payload.
    pub fn payload(&self) -> &[u8] {
        let start = self.head.topic_len as usize + self.head.props_len as usize;
        &self.body[start..start + self.head.payload_len as usize]
    }

    /// Returns the bytes that the record takes in a program's buffer.
    pub fn size(&self) -> usize {
        (HEAD + self.body.len()).next_multiple_of(ALIGN)
    }

    /// Writes the record to the beginning of a buffer. Returns its size; none, with nothing written, if it does not fit.
    pub fn write(&self, context: u64, buffer: &mut [u8]) -> Option<usize> {
        let size = self.size();
        let record = buffer.get_mut(..size)?;
        let (head, body) = record.split_at_mut(HEAD);
        self.write_head(context, head);
        let (bytes, padding) = body.split_at_mut(self.body.len());
        bytes.copy_from_slice(&self.body);
        padding.fill(0);
        Some(size)
    }

    fn write_head(&self, context: u64, mut out: &mut [u8]) {
        let head = &self.head;
        // A packet has 256 MiB at most.
        out.put_u32_ne(u32::try_from(self.size()).unwrap_or(u32::MAX));
        out.put_u16_ne(head.kind as u16);
        out.put_u8(head.qos);
        out.put_u8(head.flags);
        out.put_u16_ne(head.packet_id);
        out.put_u16_ne(head.reason);
        out.put_u32_ne(head.topic_len);
        out.put_u32_ne(head.props_len);
        out.put_u32_ne(head.payload_len);
        out.put_u64_ne(head.token);
        out.put_u64_ne(context);
        out.put_u64_ne(head.value);
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
