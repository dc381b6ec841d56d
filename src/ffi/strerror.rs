//! Texts for return codes.
//!
//! Each API has its own list, since some numbers mean different things in the two. Codes without a text of their own,
//! the MQTT reason codes among them, get one that names the number, as in the original. Where the calling thread's last call
//! failed with the code and there is more to say than the code does, that follows: "Failure: password without a user name".

use std::cell::RefCell;
use std::ffi::CStr;
use std::io::Write;

use libc::{c_char, c_int};

use super::last_error;
use crate::ffi::types::async_types as a;
use crate::ffi::types::client_types as c;

/// Returns what `MQTTClient_strerror` gives for a code.
pub fn client(code: c_int) -> *const c_char {
    described(code, client_text(code))
}

/// Returns the text of a `MQTTCLIENT_` code; none for one that has no text of its own.
pub fn client_text(code: c_int) -> Option<&'static CStr> {
    Some(match code {
        c::MQTTCLIENT_SUCCESS => c"Success",
        c::MQTTCLIENT_FAILURE => c"Failure",
        c::MQTTCLIENT_DISCONNECTED => c"Not connected",
        c::MQTTCLIENT_MAX_MESSAGES_INFLIGHT => c"As many messages are in flight as may be",
        c::MQTTCLIENT_BAD_UTF8_STRING => c"A string is not valid UTF-8",
        c::MQTTCLIENT_NULL_PARAMETER => c"A parameter is NULL that must not be",
        c::MQTTCLIENT_TOPICNAME_TRUNCATED => c"The topic contains NUL characters",
        c::MQTTCLIENT_BAD_STRUCTURE => c"A structure has a wrong eye catcher or version",
        c::MQTTCLIENT_BAD_QOS => c"The quality of service is not 0, 1 or 2",
        c::MQTTCLIENT_SSL_NOT_SUPPORTED => c"This library is without TLS: use its TLS variant",
        c::MQTTCLIENT_BAD_MQTT_VERSION => c"Not a known MQTT version",
        c::MQTTCLIENT_BAD_PROTOCOL => c"A server's or proxy's URL cannot be used",
        c::MQTTCLIENT_BAD_MQTT_OPTION => c"An option belongs to another MQTT version",
        c::MQTTCLIENT_WRONG_MQTT_VERSION => c"The client was created for another MQTT version",
        c::MQTTCLIENT_0_LEN_WILL_TOPIC => c"The topic of the will is empty",
        _ => return None,
    })
}

/// Returns what `MQTTAsync_strerror` gives for a code.
pub fn asynchronous(code: c_int) -> *const c_char {
    described(code, asynchronous_text(code))
}

/// Returns the text of a `MQTTASYNC_` code; none for one that has no text of its own.
pub fn asynchronous_text(code: c_int) -> Option<&'static CStr> {
    Some(match code {
        a::MQTTASYNC_SUCCESS => c"Success",
        a::MQTTASYNC_FAILURE => c"Failure",
        a::MQTTASYNC_PERSISTENCE_ERROR => c"The message store failed",
        a::MQTTASYNC_DISCONNECTED => c"Not connected",
        a::MQTTASYNC_MAX_MESSAGES_INFLIGHT => c"As many messages are in flight as may be",
        a::MQTTASYNC_BAD_UTF8_STRING => c"A string is not valid UTF-8",
        a::MQTTASYNC_NULL_PARAMETER => c"A parameter is NULL that must not be",
        a::MQTTASYNC_TOPICNAME_TRUNCATED => c"The topic contains NUL characters",
        a::MQTTASYNC_BAD_STRUCTURE => c"A structure has a wrong eye catcher or version",
        a::MQTTASYNC_BAD_QOS => c"The quality of service is not 0, 1 or 2",
        a::MQTTASYNC_NO_MORE_MSGIDS => c"All message identifiers are in use",
        a::MQTTASYNC_OPERATION_INCOMPLETE => c"Given up before it was complete",
        a::MQTTASYNC_MAX_BUFFERED_MESSAGES => c"The buffer for waiting messages is full",
        a::MQTTASYNC_SSL_NOT_SUPPORTED => c"This library is without TLS: use its TLS variant",
        a::MQTTASYNC_BAD_PROTOCOL => c"A server's or proxy's URL cannot be used",
        a::MQTTASYNC_BAD_MQTT_OPTION => c"An option belongs to another MQTT version",
        a::MQTTASYNC_WRONG_MQTT_VERSION => c"The client was created for another MQTT version",
        a::MQTTASYNC_0_LEN_WILL_TOPIC => c"The topic of the will is empty",
        a::MQTTASYNC_COMMAND_IGNORED => c"A connect or disconnect is already under way",
        a::MQTTASYNC_MAX_BUFFERED => c"maxBufferedMessages is not at least 1",
        _ => return None,
    })
}

/// Returns a code's text with the reason behind it.
fn described(code: c_int, text: Option<&'static CStr>) -> *const c_char {
    match text {
        Some(text) => last_error::describe(code, text).unwrap_or(text.as_ptr()),
        None => unknown(code),
    }
}

/// `Unknown error code N`, in a buffer of the calling thread's: the original has one for all threads, which two of them
/// can garble. A reason follows here as well: -2 of `MQTTClient_create` has no other text.
fn unknown(code: c_int) -> *const c_char {
    const LONGEST: usize = "Unknown error code -2147483648\0".len();
    thread_local! {
        static BUFFER: RefCell<[u8; LONGEST]> = const { RefCell::new([0; LONGEST]) };
    }
    BUFFER.with_borrow_mut(|buffer| {
        let mut rest = &mut buffer[..];
        // The buffer has room for the longest number, so this cannot fail.
        let _ = write!(rest, "Unknown error code {code}\0");
        let text = CStr::from_bytes_until_nul(buffer).unwrap_or_default();
        last_error::describe(code, text).unwrap_or(text.as_ptr())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: *const c_char) -> String {
        // SAFETY: NUL-terminated, and not overwritten before this thread's next call.
        unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned()
    }

    /// A control character, a library without TLS and a proxy's URL have the code as well: its text has to be right for each.
    #[test]
    fn a_url_that_cannot_be_used_need_not_have_an_unknown_protocol() {
        for (code, text) in [
            (c::MQTTCLIENT_BAD_PROTOCOL, client as fn(c_int) -> _),
            (a::MQTTASYNC_BAD_PROTOCOL, asynchronous as fn(c_int) -> _),
        ] {
            last_error::note(code, crate::transport::uri::UriError::ControlCharacter);
            let text = read(text(code));
            last_error::clear();
            assert_eq!(
                text,
                "A server's or proxy's URL cannot be used: the server URI contains a control character"
            );
        }
    }

    #[test]
    fn the_same_codes_have_a_text_as_in_the_original() {
        let known = |f: fn(c_int) -> *const c_char| {
            (-40..=300)
                .filter(|&code| read(f(code)) != format!("Unknown error code {code}"))
                .collect::<Vec<_>>()
        };
        let expected: Vec<_> = (-17..=0).filter(|c| ![-13, -12, -2].contains(c)).collect();
        assert_eq!(known(client), expected);
        assert_eq!(known(asynchronous), (-19..=0).collect::<Vec<_>>());
    }

    #[test]
    fn the_reason_of_the_last_failure_follows_the_text() {
        let code = last_error::fail(a::MQTTASYNC_FAILURE, "password without a user name");
        assert_eq!(
            read(asynchronous(code)),
            "Failure: password without a user name"
        );
        assert_eq!(read(client(-3)), "Not connected");
        let elsewhere = std::thread::spawn(|| read(asynchronous(-1)));
        assert_eq!(elsewhere.join().unwrap(), "Failure");
        last_error::clear();
        assert_eq!(read(asynchronous(code)), "Failure");
        let code = last_error::fail(-2, "the store is in use");
        assert_eq!(
            read(client(code)),
            "Unknown error code -2: the store is in use"
        );
        last_error::clear();
    }

    #[test]
    fn a_reason_that_repeats_the_text_is_left_out() {
        let code = last_error::fail(a::MQTTASYNC_DISCONNECTED, "not connected");
        assert_eq!(read(asynchronous(code)), "Not connected");
        assert_eq!(read(client(code)), "Not connected");
        let code = last_error::fail(a::MQTTASYNC_DISCONNECTED, "not connected: refused");
        assert_eq!(read(asynchronous(code)), "Not connected: refused");
        let code = last_error::fail(a::MQTTASYNC_DISCONNECTED, "not connected any more");
        assert_eq!(
            read(asynchronous(code)),
            "Not connected: not connected any more"
        );
        last_error::clear();
    }

    #[test]
    fn the_longest_number_fits() {
        assert_eq!(read(client(c_int::MIN)), "Unknown error code -2147483648");
    }
}
