//! Publishing, subscribing, acknowledging, and what is in flight.

use std::ffi::{c_char, c_void};
use std::num::NonZeroU64;

use super::connecting::qos;
use super::{Answer, ClientOf, code, failure, long_code, read, with_client};
use crate::engine::Error;
use crate::events::{EventClient, Manner, Pending, Published};
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::oxide_types::*;
use crate::protocol::packet::{Filter, Publish};
use crate::protocol::property::Context;
use crate::protocol::wire::Reader;

/// The code of an error.
struct Code(i32);

impl From<Error> for Code {
    fn from(error: Error) -> Self {
        Self(failure(&error))
    }
}

const KNOWN_FLAGS: u32 =
    3 | MQTTOxide_RETAIN | MQTTOxide_DUPLICATE | MQTTOxide_NO_WAIT | MQTTOxide_LATER;

/// Reads a message.
///
/// # Safety
/// The pointers are of the lengths beside them, for as long as what is returned lives.
unsafe fn read_message<'m>(
    client: &EventClient,
    message: &MQTTOxide_message,
) -> Answer<(Publish<'m>, Manner)> {
    if message.flags & !KNOWN_FLAGS != 0 || !client.is_v5() && message.props_len > 0 {
        return Err(MQTTOxide_E_ARGUMENT);
    }
    // SAFETY: the caller's promise.
    let (topic, payload, properties) = unsafe {
        (
            read::bytes(message.topic.cast(), message.topic_len)?,
            read::bytes(message.payload, message.payload_len)?,
            read::properties(message.props, message.props_len, Context::Publish)?,
        )
    };
    let publish = Publish {
        dup: message.flags & MQTTOxide_DUPLICATE != 0,
        qos: qos(message.flags & 3)?,
        retain: message.flags & MQTTOxide_RETAIN != 0,
        topic,
        packet_id: 0,
        properties,
        payload,
    };
    let manner = Manner {
        no_wait: message.flags & MQTTOxide_NO_WAIT != 0,
        later: message.flags & MQTTOxide_LATER != 0,
    };
    Ok((publish, manner))
}

fn status(client: &EventClient, published: Published) -> u16 {
    let bit = |set: bool, bit: u32| if set { bit } else { 0 };
    let status = bit(published.written, MQTTOxide_WRITTEN)
        | bit(!published.waits, MQTTOxide_SENT)
        | bit(published.waits, MQTTOxide_WAITS)
        | bit(published.unwritten, MQTTOxide_UNWRITTEN)
        | bit(client.queue().has_untold(), MQTTOxide_EVENTS_WAIT);
    u16::try_from(status).unwrap_or(0)
}

pub unsafe fn publish(
    handle: u64,
    message: MQTTOxide_message,
    result: *mut MQTTOxide_published,
) -> i32 {
    let publish = |client: &ClientOf| {
        if !result.is_null() {
            // SAFETY: the caller's promise.
            unsafe { read::to_fill(result) }?;
        }
        // SAFETY: the caller's promise: they live until the call ends.
        let (publish, manner) = unsafe { read_message(client, &message) }?;
        let published = client
            .publish(&publish, manner)
            .map_err(|error| failure(&error))?;
        if !result.is_null() {
            let filled = MQTTOxide_published {
                size: read::size::<MQTTOxide_published>(),
                packet_id: published.packet_id,
                status: status(client, published),
                token: published.number,
            };
            // SAFETY: not NULL and of that size, as it says.
            unsafe { result.write_unaligned(filled) };
        }
        Ok(0)
    };
    code(with_client(handle, publish))
}

pub unsafe fn publish_many(
    handle: u64,
    messages: *const MQTTOxide_message,
    n: u32,
    accepted: *mut u32,
    first_token: *mut u64,
) -> i32 {
    let publish = |client: &ClientOf| {
        if n > 0 && messages.is_null() {
            return Err(MQTTOxide_E_NULL);
        }
        let many = client.publish_many(n, |at| {
            // SAFETY: one of the n that the caller promises, whose pointers live until the call ends.
            unsafe {
                let message = messages.add(at as usize).read_unaligned();
                read_message(client, &message).map_err(Code)
            }
        });
        // SAFETY: NULL or to be written to, as the caller promises.
        unsafe {
            if !accepted.is_null() {
                accepted.write(many.accepted);
            }
            if !first_token.is_null() {
                first_token.write(many.first);
            }
        }
        many.outcome.map(|()| 0).map_err(|Code(code)| code)
    };
    code(with_client(handle, publish))
}

pub fn cancel(handle: u64, token: u64) -> i32 {
    code(with_client(handle, |client| {
        if client.cancel(token) {
            Ok(0)
        } else {
            Err(MQTTOxide_E_NOT_FOUND)
        }
    }))
}

/// Reads filters as they are in a packet; with options where `T` has them.
fn filters<'a, T>(
    bytes: &'a [u8],
    mut next: impl FnMut(&'a [u8], &mut Reader<'a>) -> Answer<T>,
) -> Answer<Vec<T>> {
    let mut reader = Reader::new(bytes);
    let mut filters = Vec::new();
    while !reader.is_empty() {
        let filter = reader.binary().map_err(|_| MQTTOxide_E_ARGUMENT)?;
        filters.push(next(filter, &mut reader)?);
    }
    if filters.is_empty() {
        return Err(MQTTOxide_E_ARGUMENT);
    }
    Ok(filters)
}

/// What SUBSCRIBE and UNSUBSCRIBE are called with.
pub struct Request {
    pub filters: *const c_void,
    pub filters_len: u32,
    pub props: *const c_void,
    pub props_len: u32,
    pub token: *mut u64,
}

unsafe fn request(handle: u64, request: &Request, subscribe: bool) -> i32 {
    let ask = |client: &ClientOf| {
        if !client.is_v5() && request.props_len > 0 {
            return Err(MQTTOxide_E_ARGUMENT);
        }
        let context = if subscribe {
            Context::Subscribe
        } else {
            Context::Unsubscribe
        };
        // SAFETY: the caller's promise.
        let (bytes, properties) = unsafe {
            (
                read::bytes(request.filters, request.filters_len)?,
                read::properties(request.props, request.props_len, context)?,
            )
        };
        let asked = if subscribe {
            let filters = filters(bytes, |filter, reader| {
                let options = reader.byte().map_err(|_| MQTTOxide_E_ARGUMENT)?;
                let known = if client.is_v5() { 0x3f } else { 3 };
                if options & !known != 0 || options >> 4 == 3 {
                    return Err(MQTTOxide_E_ARGUMENT);
                }
                Ok(Filter {
                    filter,
                    qos: qos((options & 3).into())?,
                    no_local: options & 4 != 0,
                    retain_as_published: options & 8 != 0,
                    retain_handling: options >> 4,
                })
            })?;
            client.subscribe(&filters, properties)
        } else {
            let filters = filters(bytes, |filter, _| Ok(filter))?;
            client.unsubscribe(&filters, properties)
        };
        let number = asked.map_err(|error| failure(&error))?;
        if !request.token.is_null() {
            // SAFETY: not NULL, so a u64 that is to be written to.
            unsafe { request.token.write(number) };
        }
        Ok(0)
    };
    code(with_client(handle, ask))
}

pub unsafe fn subscribe(handle: u64, subscription: &Request) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { request(handle, subscription, true) }
}

pub unsafe fn unsubscribe(handle: u64, subscription: &Request) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { request(handle, subscription, false) }
}

pub unsafe fn ack(handle: u64, tokens: *const u64, n: u32, reason: u8) -> i32 {
    let ack = |client: &ClientOf| {
        if n > 0 && tokens.is_null() {
            return Err(MQTTOxide_E_NULL);
        }
        // SAFETY: one of the n that the caller promises.
        let token = |at: usize| unsafe { tokens.add(at).read_unaligned() };
        let tokens = (0..n as usize).map(token).filter_map(NonZeroU64::new);
        let given = client
            .ack(tokens, reason)
            .map_err(|error| failure(&error))?;
        Ok(i32::try_from(given).unwrap_or(i32::MAX))
    };
    code(with_client(handle, ack))
}

pub unsafe fn in_flight(handle: u64, list: *mut MQTTOxide_operation, capacity: u32) -> i64 {
    let fill = |client: &ClientOf| {
        if capacity > 0 && list.is_null() {
            return Err(MQTTOxide_E_NULL);
        }
        let operations = client.in_flight();
        for (at, operation) in operations.iter().take(capacity as usize).enumerate() {
            let entry = MQTTOxide_operation {
                token: operation.number,
                packet_id: operation.packet_id,
                qos: operation.qos.map_or(0, |qos| qos as u8),
                state: match operation.kind {
                    Pending::Queued => 0,
                    Pending::Publish => 1,
                    Pending::Release => 2,
                    Pending::Subscribe => 3,
                    Pending::Unsubscribe => 4,
                },
                reserved: 0,
            };
            // SAFETY: one of as many as there is room for.
            unsafe { list.add(at).write_unaligned(entry) };
        }
        Ok(operations.len())
    };
    long_code(with_client(handle, fill))
}

/// Makes the message whose members come one by one.
#[allow(clippy::too_many_arguments)] // they are the C function's
pub fn message(
    topic: *const c_char,
    topic_len: u32,
    payload: *const c_void,
    payload_len: u32,
    props: *const c_void,
    props_len: u32,
    flags: u32,
) -> MQTTOxide_message {
    MQTTOxide_message {
        topic,
        payload,
        props,
        topic_len,
        payload_len,
        props_len,
        flags,
    }
}
