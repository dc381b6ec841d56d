//! Making and destroying clients, and their counters.

use std::sync::Arc;

use super::{Answer, CLIENTS, ClientOf, QueueOf, code, failure, queue, read, with_client};
use crate::events::{Acks, Counters, Create, EventClient, StoreOptions};
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::oxide_types::*;
use crate::persistence::file::Naming;
use crate::protocol::Version;
use crate::registry::Key;
use crate::transport::uri::{ServerUri, UriError};

const KNOWN_FLAGS: u32 = MQTTOxide_ACK_BY_PROGRAM
    | MQTTOxide_ACK_ORDERED
    | MQTTOxide_QOS2_AT_PUBLISH
    | MQTTOxide_BUFFER_OFFLINE
    | MQTTOxide_BUFFER_QOS0
    | MQTTOxide_IDS_AT_ACCEPT
    | MQTTOxide_NO_RESTORE;

pub unsafe fn create(
    handle: *mut u64,
    queue_handle: u64,
    options: *const MQTTOxide_createOptions,
) -> i32 {
    let make = || {
        if handle.is_null() {
            return Err(MQTTOxide_E_NULL);
        }
        // SAFETY: the caller's promise.
        let create = unsafe { read_options(options) }?;
        let entry = queue(queue_handle)?;
        // Counted first, and without a lock from here on: a store may take its time to open.
        let place = Place::take(&entry)?;
        let made = EventClient::new(&entry.queue, create).map_err(|error| failure(&error))?;
        let (key, _) = CLIENTS
            .get()
            .insert_with(|_| {
                Arc::new(ClientOf {
                    client: made,
                    queue: queue_handle,
                })
            })
            .ok_or(MQTTOxide_E_SYSTEM)?;
        place.keep();
        // SAFETY: not NULL, so a u64 that is to be written to.
        unsafe { handle.write(key.to_u64()) };
        Ok(0)
    };
    code(make())
}

/// A client's place at its queue, which is given back unless the client has come to be.
struct Place<'a>(Option<&'a QueueOf>);

impl<'a> Place<'a> {
    fn take(queue: &'a QueueOf) -> Answer<Self> {
        let mut clients = queue.clients.lock();
        if clients.are_over {
            return Err(MQTTOxide_E_HANDLE);
        }
        clients.count += 1;
        Ok(Self(Some(queue)))
    }

    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(queue) = self.0 {
            queue.clients.lock().count -= 1;
        }
    }
}

pub fn destroy(handle: u64) -> i32 {
    let Some(entry) = CLIENTS.get().remove(Key::from_u64(handle)) else {
        return MQTTOxide_E_HANDLE;
    };
    entry.client.destroy();
    if let Ok(entry) = queue(entry.queue) {
        entry.clients.lock().count -= 1;
    }
    0
}

/// Reads a limit, of which 0 stands for the usual one.
fn limit(value: u32, usual: usize) -> usize {
    match value {
        0 => usual,
        value => value as usize,
    }
}

unsafe fn read_options(options: *const MQTTOxide_createOptions) -> Answer<Create> {
    // SAFETY: the caller's promise, here and below: strings of the lengths that the struct says.
    let options = unsafe { read::structure(options) }?;
    if options.flags & !KNOWN_FLAGS != 0 {
        return Err(MQTTOxide_E_ARGUMENT);
    }
    let is_set = |flag: u32| options.flags & flag != 0;
    let needs = |flag: u32, other: u32| !is_set(flag) || is_set(other);
    if !needs(MQTTOxide_ACK_ORDERED, MQTTOxide_ACK_BY_PROGRAM)
        || !needs(MQTTOxide_BUFFER_QOS0, MQTTOxide_BUFFER_OFFLINE)
    {
        return Err(MQTTOxide_E_ARGUMENT);
    }
    let usual = Create::default();
    Ok(Create {
        context: options.context,
        // SAFETY: as above.
        client_id: unsafe { read::text(options.client_id.cast(), options.client_id_len) }?,
        version: match options.version {
            0 | 4 => Version::V311,
            3 => Version::V31,
            5 => Version::V5,
            _ => return Err(MQTTOxide_E_ARGUMENT),
        },
        acks: Acks {
            by_program: is_set(MQTTOxide_ACK_BY_PROGRAM),
            ordered: is_set(MQTTOxide_ACK_ORDERED),
            qos2_at_publish: is_set(MQTTOxide_QOS2_AT_PUBLISH),
        },
        buffer_offline: is_set(MQTTOxide_BUFFER_OFFLINE),
        buffer_qos0: is_set(MQTTOxide_BUFFER_QOS0),
        ids_at_accept: is_set(MQTTOxide_IDS_AT_ACCEPT),
        no_restore: is_set(MQTTOxide_NO_RESTORE),
        max_buffered: limit(options.max_buffered, usual.max_buffered),
        max_unread_messages: limit(options.max_unread_messages, usual.max_unread_messages),
        max_unread_bytes: match options.max_unread_bytes {
            0 => usual.max_unread_bytes,
            bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
        },
        // SAFETY: as above.
        store: unsafe { read_store(&options) }?,
        driver: read::work(options.driver)?,
    })
}

unsafe fn read_store(options: &MQTTOxide_createOptions) -> Answer<StoreOptions> {
    let names = [
        (options.store_name, options.store_name_len),
        (options.server, options.server_len),
        (options.store_prefix, options.store_prefix_len),
        (options.store_extension, options.store_extension_len),
    ];
    let mut texts = [const { None }; 4];
    for (text, (pointer, len)) in texts.iter_mut().zip(names) {
        // SAFETY: the caller's promise.
        *text = unsafe { read::optional_text(pointer.cast(), len) }?;
    }
    match (options.store, texts) {
        (MQTTOxide_STORE_NONE, [None, None, None, None]) => Ok(StoreOptions::None),
        (MQTTOxide_STORE_FILE, [directory, server, None, None]) => {
            let server = server.unwrap_or_default();
            // No password in a directory's name.
            if ServerUri::parse(&server) == Err(UriError::UserInfo) {
                return Err(MQTTOxide_E_ARGUMENT);
            }
            let directory = directory.unwrap_or_default();
            Ok(StoreOptions::File { directory, server })
        }
        (MQTTOxide_STORE_GO, [directory, None, prefix, extension]) => {
            let mut naming = Naming::default();
            if let Some(prefix) = prefix {
                naming.incoming = format!("{prefix}{}", naming.incoming);
                naming.outgoing = prefix;
            }
            if let Some(extension) = extension {
                naming.extension = extension;
            }
            if !naming.is_usable() {
                return Err(MQTTOxide_E_ARGUMENT);
            }
            let directory = directory.unwrap_or_default();
            Ok(StoreOptions::Go { directory, naming })
        }
        _ => Err(MQTTOxide_E_ARGUMENT),
    }
}

pub unsafe fn counters(handle: u64, counters: *mut MQTTOxide_counters) -> i32 {
    let fill = |client: &ClientOf| {
        // SAFETY: the caller's promise.
        unsafe { read::to_fill(counters) }?;
        let filled = filled(&client.counters());
        // SAFETY: not NULL and of that size, as it says.
        unsafe { counters.write_unaligned(filled) };
        Ok(0)
    };
    code(with_client(handle, fill))
}

/// Returns counters as C has them.
pub fn filled(now: &Counters) -> MQTTOxide_counters {
    // 0 says that there was none; an answer may be read before the thread that wrote PINGREQ has looked at the clock.
    let microseconds =
        |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
    MQTTOxide_counters {
        size: read::size::<MQTTOxide_counters>(),
        connections: now.connections,
        bytes_in: now.bytes_in,
        bytes_out: now.bytes_out,
        messages_in: now.messages_in,
        messages_out: now.messages_out,
        queued: now.queued,
        in_flight: now.in_flight,
        unwritten_bytes: now.unwritten_bytes,
        unread_messages: now.unread_messages,
        unread_bytes: now.unread_bytes,
        unacknowledged: now.unacknowledged,
        ping_round_trip_us: now.ping_round_trip.map_or(0, microseconds),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_answer_without_a_time_is_none_to_take_for_no_answer() {
        let rows = [(None, 0), (Some(0), 1), (Some(999), 1), (Some(2_000), 2)];
        for (nanoseconds, told) in rows {
            let filled = filled(&Counters {
                ping_round_trip: nanoseconds.map(Duration::from_nanos),
                ..Counters::default()
            });
            assert_eq!(filled.ping_round_trip_us, told);
        }
    }
}
