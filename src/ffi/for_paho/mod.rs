//! What the functions of `paho_oxide.h` do that take a handle of a Paho API.
//!
//! They are the same in all four libraries, and each library has the code of one API only. So an API
//! [introduces](clients::introduce) itself when its first client is made, and nothing here names either of them.
#![allow(clippy::missing_safety_doc)] // what each function requires stands at the export that calls it

mod clients;
mod elsewhere;
mod options;
mod routes;

use libc::{c_char, c_void};

pub use clients::{Api, PahoClient, PahoHost, introduce};
pub use routes::Routes;

use crate::engine::{LastError, Trouble};
use crate::events::{cause, stage};
use crate::ffi::last_error;
use crate::ffi::oxide_api::{self, Answer, failure, read};
use crate::ffi::types::for_paho_types::{
    MQTTOxide_ERROR_CALL, MQTTOxide_ERROR_CONNECT, MQTTOxide_ERROR_DISCONNECTED,
    MQTTOxide_ERROR_LOST, MQTTOxide_ERROR_NONE, MQTTOxide_ERROR_SUBSCRIPTION, MQTTOxide_error,
    MQTTOxide_route,
};
use crate::ffi::types::oxide_types::{
    MQTTOxide_E_ARGUMENT, MQTTOxide_E_NOT_FOUND, MQTTOxide_E_NULL, MQTTOxide_E_STATE,
    MQTTOxide_E_TOO_SMALL, MQTTOxide_counters,
};
use crate::protocol::{topic, wire};
use clients::find;
use elsewhere::elsewhere;

/// Why a call is refused: its code, and why in words.
pub struct Refused {
    pub code: i32,
    pub why: String,
}

impl Refused {
    pub fn new(code: i32, why: impl Into<String>) -> Self {
        let why = why.into();
        Self { code, why }
    }
}

/// Returns a call's code. What it refuses the client's last error says.
fn code(client: &dyn PahoClient, result: Result<(), Refused>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(Refused { code, why }) => {
            // The thread may ask without the client, too.
            let code = last_error::note(code, why);
            let (why, _) = last_error::refused(code, c"");
            client.note_error(LastError::new(Trouble::Call(code), why));
            code
        }
    }
}

/// Reads bytes of the caller's that `what` names.
///
/// # Safety
/// As [`read::bytes`].
unsafe fn bytes<'a>(data: *const c_char, len: u32, what: &str) -> Result<&'a [u8], Refused> {
    // SAFETY: the caller's promise.
    unsafe { read::bytes(data.cast(), len) }
        .map_err(|code| Refused::new(code, format!("{what} is NULL and its length is {len}")))
}

/// Reads the name of an option.
///
/// # Safety
/// As [`read::bytes`].
unsafe fn option_of(name: *const c_char, len: u32) -> Result<&'static options::Named, Refused> {
    if name.is_null() {
        return Err(Refused::new(MQTTOxide_E_NULL, "the option has no name"));
    }
    // SAFETY: the caller's promise.
    options::find(unsafe { bytes(name, len, "the name") }?)
}

pub unsafe fn set_option(
    handle: *mut c_void,
    name: *const c_char,
    name_len: u32,
    value: *const c_char,
    value_len: u32,
) -> i32 {
    let Some(client) = find(handle) else {
        return elsewhere!(
            c"MQTTOxide_setOption",
            handle: *mut c_void, name: *const c_char, name_len: u32, value: *const c_char, value_len: u32
        );
    };
    let set = || {
        // SAFETY: the caller's promise.
        let option = unsafe { option_of(name, name_len) }?;
        // SAFETY: as above.
        let value = unsafe { bytes(value, value_len, "the value") }?;
        option.set(&*client, value)
    };
    code(&*client, set())
}

pub unsafe fn get_option(
    handle: *mut c_void,
    name: *const c_char,
    name_len: u32,
    value: *mut c_char,
    capacity: u32,
    value_len: *mut u32,
) -> i32 {
    let Some(client) = find(handle) else {
        return elsewhere!(
            c"MQTTOxide_getOption",
            handle: *mut c_void, name: *const c_char, name_len: u32, value: *mut c_char, capacity: u32,
            value_len: *mut u32
        );
    };
    let get = || {
        // SAFETY: the caller's promise.
        let option = unsafe { option_of(name, name_len) }?;
        // SAFETY: as above.
        let buffer = unsafe { read::buffer(value.cast(), capacity.into()) }
            .map_err(|code| Refused::new(code, "the buffer is NULL and its size is not 0"))?;
        let text = option.get(&client.preferences());
        // SAFETY: as above; NULL or a number that is to be written to.
        if let Some(len) = unsafe { value_len.as_mut() } {
            *len = length(&text);
        }
        if fill(buffer, &text) {
            return Ok(());
        }
        let why = format!("the value has {} bytes, the buffer {capacity}", text.len());
        Err(Refused::new(MQTTOxide_E_TOO_SMALL, why))
    };
    code(&*client, get())
}

fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

/// Copies as much of a text as fits. Returns true if that is all.
fn fill(buffer: &mut [u8], text: &str) -> bool {
    let fitting = text.len().min(buffer.len());
    buffer[..fitting].copy_from_slice(&text.as_bytes()[..fitting]);
    fitting == text.len()
}

pub unsafe fn acknowledge(handle: *mut c_void, message_id: i32) -> i32 {
    let Some(client) = find(handle) else {
        return elsewhere!(c"MQTTOxide_acknowledge", handle: *mut c_void, message_id: i32);
    };
    let acknowledge = || {
        if message_id <= 0 {
            let why = format!("no message that waits has the identifier {message_id}");
            return Err(Refused::new(MQTTOxide_E_ARGUMENT, why));
        }
        match client.acknowledge(message_id) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refused::new(
                MQTTOxide_E_NOT_FOUND,
                format!(
                    "no message waits that has the identifier {message_id}: it is acknowledged, or came over an older connection"
                ),
            )),
            Err(error) => Err(Refused::new(failure(&error), error.to_string())),
        }
    };
    code(&*client, acknowledge())
}

pub unsafe fn last_error(handle: *mut c_void, error: *mut MQTTOxide_error) -> i32 {
    let ask_next = || -> i32 {
        elsewhere!(c"MQTTOxide_lastError", handle: *mut c_void, error: *mut MQTTOxide_error)
    };
    let last = if handle.is_null() {
        match newest_of_thread() {
            Newest::Here(last) => last,
            Newest::Elsewhere => return ask_next(),
        }
    } else {
        match find(handle) {
            Some(client) => client.last_error(),
            None => return ask_next(),
        }
    };
    let (number, last) = last.unzip();
    let tell = || -> Answer {
        // SAFETY: the caller's promise, here and below.
        let asked = unsafe { read::structure(error.cast_const()) }?;
        // SAFETY: as above.
        let buffer = unsafe { read::buffer(asked.text.cast(), asked.text_capacity.into()) }?;
        let text = last.as_ref().map_or("", |last| &*last.text);
        let whole = fill(buffer, text) || asked.text.is_null();
        let filled = MQTTOxide_error {
            text: asked.text,
            text_capacity: asked.text_capacity,
            text_len: length(text),
            number: number.unwrap_or(0),
            ..numbers(last.as_ref())
        };
        // SAFETY: not NULL and of that size, as it says.
        unsafe { error.write_unaligned(filled) };
        if whole {
            Ok(0)
        } else {
            Err(MQTTOxide_E_TOO_SMALL)
        }
    };
    tell().unwrap_or_else(|code| code)
}

/// Which library of the process has refused a call of this thread's last.
enum Newest {
    Here(Option<(u64, LastError)>),
    Elsewhere,
}

/// Finds the newest refusal of this thread, which the next library may have: their numbers are times of the same clock.
fn newest_of_thread() -> Newest {
    let here = last_error::refusal().map(|refusal| {
        let error = LastError::new(Trouble::Call(refusal.code), refusal.text).with(refusal.numbers);
        (refusal.number, error)
    });
    let ask_next = || -> Option<u64> {
        let (handle, mut theirs) = (std::ptr::null_mut(), numbers(None));
        let error = &raw mut theirs;
        let code =
            elsewhere!(c"MQTTOxide_lastError", handle: *mut c_void, error: *mut MQTTOxide_error);
        (code == 0).then_some(theirs.number)
    };
    let number = here.as_ref().map_or(0, |here| here.0);
    if ask_next().is_some_and(|theirs| theirs > number) {
        Newest::Elsewhere
    } else {
        Newest::Here(here)
    }
}

/// Returns what can be said of an error in numbers.
fn numbers(error: Option<&LastError>) -> MQTTOxide_error {
    let nothing = MQTTOxide_error {
        size: read::size::<MQTTOxide_error>(),
        kind: MQTTOxide_ERROR_NONE,
        number: 0,
        code: 0,
        stage: 0,
        os_error: 0,
        reason: 0,
        tls_error: 0,
        text: std::ptr::null_mut(),
        text_capacity: 0,
        text_len: 0,
    };
    // Asked once and not of each member: an optimizer may look at members before it knows that there are none, and memcheck tells.
    let Some(error) = error else { return nothing };
    let (kind, code) = match error.trouble {
        Trouble::Connect => (MQTTOxide_ERROR_CONNECT, 0),
        Trouble::Lost(why) => (MQTTOxide_ERROR_LOST, cause(why).into()),
        Trouble::Disconnected => (MQTTOxide_ERROR_DISCONNECTED, 0),
        Trouble::Subscription => (MQTTOxide_ERROR_SUBSCRIPTION, 0),
        Trouble::Call(code) => (MQTTOxide_ERROR_CALL, code),
    };
    MQTTOxide_error {
        kind,
        code,
        stage: error.stage.map_or(0, stage).into(),
        os_error: error.os_error.unwrap_or(0),
        reason: error.reason.into(),
        tls_error: error.tls_error.unwrap_or(0),
        ..nothing
    }
}

pub unsafe fn statistics(handle: *mut c_void, counters: *mut MQTTOxide_counters) -> i32 {
    let Some(client) = find(handle) else {
        return elsewhere!(c"MQTTOxide_statistics", handle: *mut c_void, counters: *mut MQTTOxide_counters);
    };
    // SAFETY: the caller's promise.
    if let Err(code) = unsafe { read::to_fill(counters) } {
        return code;
    }
    let filled = oxide_api::filled(&client.counters());
    // SAFETY: not NULL and of that size, as it says.
    unsafe { counters.write_unaligned(filled) };
    0
}

/// Reads the filter of a route.
///
/// # Safety
/// As [`read::bytes`].
unsafe fn filter_of<'a>(filter: *const c_char, len: u32) -> Result<&'a [u8], Refused> {
    if filter.is_null() {
        return Err(Refused::new(MQTTOxide_E_NULL, "the filter is NULL"));
    }
    // SAFETY: the caller's promise.
    let filter = unsafe { bytes(filter, len, "the filter") }?;
    if !wire::valid_topic_filter(filter) {
        return Err(Refused::new(MQTTOxide_E_ARGUMENT, "not a topic filter"));
    }
    Ok(topic::unshared(filter))
}

pub unsafe fn add_route(
    handle: *mut c_void,
    filter: *const c_char,
    filter_len: u32,
    callback: MQTTOxide_route,
    context: *mut c_void,
) -> i32 {
    let Some(client) = find(handle) else {
        return elsewhere!(
            c"MQTTOxide_addRoute",
            handle: *mut c_void, filter: *const c_char, filter_len: u32, callback: MQTTOxide_route,
            context: *mut c_void
        );
    };
    let add = || {
        // SAFETY: the caller's promise.
        let filter = unsafe { filter_of(filter, filter_len) }?;
        let callback =
            callback.ok_or_else(|| Refused::new(MQTTOxide_E_NULL, "the callback is NULL"))?;
        if !client.is_asynchronous() {
            let why = "the client has no callbacks: MQTTClient_setCallbacks comes before routes";
            return Err(Refused::new(MQTTOxide_E_STATE, why));
        }
        client.routes().add(filter, callback, context);
        Ok(())
    };
    code(&*client, add())
}

pub unsafe fn remove_route(handle: *mut c_void, filter: *const c_char, filter_len: u32) -> i32 {
    let Some(client) = find(handle) else {
        return elsewhere!(
            c"MQTTOxide_removeRoute",
            handle: *mut c_void, filter: *const c_char, filter_len: u32
        );
    };
    let remove = || {
        // SAFETY: the caller's promise.
        let filter = unsafe { filter_of(filter, filter_len) }?;
        if client.routes().remove(filter) {
            return Ok(());
        }
        let why = format!("no route for {}", String::from_utf8_lossy(filter));
        Err(Refused::new(MQTTOxide_E_NOT_FOUND, why))
    };
    code(&*client, remove())
}
