//! `c-` records: commands of an MQTTAsync client that wait to be sent.
//!
//! The original stores publishes, subscriptions and their ends; it restores all three. Connects and disconnects are not stored.

use super::reader::Reader;
use super::{RecordError, length_field, property_field, terminated};

const PUBLISH: i32 = 3;
const SUBSCRIBE: i32 = 8;
const UNSUBSCRIBE: i32 = 10;

/// `MQTTSubscribe_options` as a C compiler lays it out, less its identifier: version, three flags and a byte of padding.
const OPTIONS_ID: &[u8; 4] = b"MQSO";

/// MQTT 5 options of one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SubscribeOptions {
    /// Do not send back what this client published.
    pub no_local: bool,
    /// Keep the retain flag as the publisher set it.
    pub retain_as_published: bool,
    /// 0, 1 or 2: when to send retained messages.
    pub retain_handling: u8,
}

/// One topic filter of a subscribe command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription<'a> {
    /// Topic filter.
    pub filter: &'a [u8],
    /// Requested maximum QoS.
    pub qos: u8,
    /// Meaningful for MQTT 5 only.
    pub options: SubscribeOptions,
}

/// A waiting command, borrowed from the record or from whoever writes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueuedCommand<'a> {
    /// Publish a message.
    Publish {
        /// The token that was handed out; the original's is the packet id, 0 at QoS 0.
        token: i32,
        /// Topic name.
        topic: &'a [u8],
        /// Payload.
        payload: &'a [u8],
        /// 0, 1 or 2.
        qos: u8,
        /// The retain flag.
        retained: bool,
        /// The property list's wire bytes, without the length before them; empty below MQTT 5.
        properties: &'a [u8],
    },
    /// Subscribe to topic filters.
    Subscribe {
        /// The token that was handed out.
        token: i32,
        /// What to subscribe to.
        topics: Vec<Subscription<'a>>,
        /// As for a publish.
        properties: &'a [u8],
    },
    /// End subscriptions.
    Unsubscribe {
        /// The token that was handed out.
        token: i32,
        /// What to end.
        topics: Vec<&'a [u8]>,
        /// As for a publish.
        properties: &'a [u8],
    },
}

impl<'a> QueuedCommand<'a> {
    /// Hands the fields of a record to `put`, one slice each as the original does (a program's store sees them apart).
    /// MQTT 5 records end in the property list.
    pub fn write<R>(&self, v5: bool, put: impl FnOnce(&[&[u8]]) -> R) -> Result<R, RecordError> {
        match self {
            // The common one gets by without a list of fields on the heap.
            Self::Publish {
                token,
                topic,
                payload,
                qos,
                retained,
                properties,
            } => {
                let properties = if v5 {
                    property_field(properties)?
                } else {
                    Vec::new()
                };
                let fields: [&[u8]; 8] = [
                    &PUBLISH.to_ne_bytes(),
                    &token.to_ne_bytes(),
                    &terminated(topic)?,
                    &length_field(payload)?,
                    payload,
                    &i32::from(*qos).to_ne_bytes(),
                    &i32::from(*retained).to_ne_bytes(),
                    &properties,
                ];
                Ok(put(&fields[..7 + usize::from(v5)]))
            }
            Self::Subscribe {
                token,
                topics,
                properties,
            } => {
                let mut fields = head(SUBSCRIBE, *token, topics.len())?;
                for topic in topics {
                    fields.push(terminated(topic.filter)?);
                    fields.push(i32::from(topic.qos).to_ne_bytes().to_vec());
                    if v5 {
                        fields.push(options_field(topic.options));
                    }
                }
                put_fields(fields, v5, properties, put)
            }
            Self::Unsubscribe {
                token,
                topics,
                properties,
            } => {
                let mut fields = head(UNSUBSCRIBE, *token, topics.len())?;
                for topic in topics {
                    fields.push(terminated(topic)?);
                }
                put_fields(fields, v5, properties, put)
            }
        }
    }

    /// Reads a record.
    pub fn read(v5: bool, record: &'a [u8]) -> Result<Self, RecordError> {
        let mut reader = Reader(record);
        let kind = reader.int()?;
        let token = reader.int()?;
        let mut command = match kind {
            PUBLISH => Self::Publish {
                token,
                topic: reader.terminated()?,
                payload: reader.counted()?,
                qos: reader.qos()?,
                retained: reader.flag()?,
                properties: &[],
            },
            // Lists grow as their entries are read, never to the size that a corrupt count promises.
            SUBSCRIBE => {
                let mut topics = Vec::new();
                for _ in 0..count(&mut reader)? {
                    topics.push(Subscription {
                        filter: reader.terminated()?,
                        qos: reader.qos()?,
                        options: if v5 {
                            read_options(&mut reader)?
                        } else {
                            SubscribeOptions::default()
                        },
                    });
                }
                Self::Subscribe {
                    token,
                    topics,
                    properties: &[],
                }
            }
            UNSUBSCRIBE => {
                let mut topics = Vec::new();
                for _ in 0..count(&mut reader)? {
                    topics.push(reader.terminated()?);
                }
                Self::Unsubscribe {
                    token,
                    topics,
                    properties: &[],
                }
            }
            other => return Err(RecordError::UnknownType(other)),
        };
        if v5 {
            let list = reader.properties()?;
            match &mut command {
                Self::Publish { properties, .. }
                | Self::Subscribe { properties, .. }
                | Self::Unsubscribe { properties, .. } => *properties = list,
            }
        }
        reader.end()?;
        Ok(command)
    }
}

fn head(kind: i32, token: i32, topics: usize) -> Result<Vec<Vec<u8>>, RecordError> {
    let count = i32::try_from(topics).map_err(|_| RecordError::TooLong)?;
    Ok([kind, token, count]
        .map(|field| field.to_ne_bytes().to_vec())
        .into())
}

fn put_fields<R>(
    mut fields: Vec<Vec<u8>>,
    v5: bool,
    properties: &[u8],
    put: impl FnOnce(&[&[u8]]) -> R,
) -> Result<R, RecordError> {
    if v5 {
        fields.push(property_field(properties)?);
    }
    let slices: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
    Ok(put(&slices))
}

fn options_field(options: SubscribeOptions) -> Vec<u8> {
    let mut field = OPTIONS_ID.to_vec();
    field.extend_from_slice(&0i32.to_ne_bytes());
    field.extend_from_slice(&[
        u8::from(options.no_local),
        u8::from(options.retain_as_published),
        options.retain_handling,
        0,
    ]);
    field
}

fn read_options(reader: &mut Reader<'_>) -> Result<SubscribeOptions, RecordError> {
    let field = reader.bytes(12)?;
    if &field[..4] != OPTIONS_ID || field[10] > 2 {
        return Err(RecordError::Field("subscribe options"));
    }
    Ok(SubscribeOptions {
        no_local: field[8] != 0,
        retain_as_published: field[9] != 0,
        retain_handling: field[10],
    })
}

/// Reads how many topic filters there are: SUBSCRIBE and UNSUBSCRIBE need at least one, `[MQTT-3.8.3-2]`, `[MQTT-3.10.3-2]`.
fn count(reader: &mut Reader<'_>) -> Result<i32, RecordError> {
    match reader.int()? {
        ..=0 => Err(RecordError::Field("topic count")),
        count => Ok(count),
    }
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests;
