//! What a call of either Paho API does around its work: the client of its handle, and the code and the words of a refusal.
//!
//! A refused call is noted where the program can ask for it: with the client, or with the thread where there is no client.

use std::ffi::CStr;

use libc::c_int;

use super::last_error;
use super::read::{self, Code};
use crate::engine::{Client, Error, Host, Numbers};
use crate::protocol::reason;
use crate::transport::Stage;

/// The numbers that one API has for what either may answer.
pub struct Codes {
    pub failure: Code,
    pub disconnected: Code,
    /// Too many messages wait already.
    pub buffer_full: Code,
    /// Each packet identifier is in use.
    pub no_packet_id: Code,
    /// There is nothing to do in this state.
    pub ignored: Code,
    pub not_stored: Code,
    pub bad_qos: Code,
    /// This library has no TLS.
    pub no_tls: Code,
    pub null_parameter: Code,
}

/// What one of the two Paho APIs answers with: that of the clients with this host.
pub trait Answers: Host {
    const CODES: Codes;
    /// Returns the text of a code; none for one that has no text of its own.
    fn text(code: Code) -> Option<&'static CStr>;
}

/// Runs what a call does for its client, which `find` finds. `before` is what the call checks before the handle, as the
/// original does.
pub fn in_call_after<A: Answers, C: AsRef<Client<A>>, B, T>(
    before: impl FnOnce() -> Result<B, Code>,
    find: impl FnOnce() -> Option<C>,
    call: impl FnOnce(&C, B) -> Result<T, Code>,
) -> Result<T, Code> {
    last_error::clear();
    let before = before();
    let Some(client) = find() else {
        return Err(no_client::<A>(before.err()));
    };
    let result = before.and_then(|before| call(&client, before));
    result.inspect_err(|code| refused(client.as_ref(), *code))
}

/// Works as [`in_call_after`], for a call that checks nothing before.
pub fn in_call<A: Answers, C: AsRef<Client<A>>, T>(
    find: impl FnOnce() -> Option<C>,
    call: impl FnOnce(&C) -> Result<T, Code>,
) -> Result<T, Code> {
    in_call_after(|| Ok(()), find, |client, ()| call(client))
}

/// Notes that a handle is none, or what is `wrong` before that. Returns the code.
#[cold]
fn no_client<A: Answers>(wrong: Option<Code>) -> Code {
    refused_without_client::<A>(
        wrong.unwrap_or_else(|| {
            last_error::note(A::CODES.failure, "the handle is not one of a client")
        }),
    )
}

/// Notes that a call is refused where there is no client. Returns the code.
#[cold]
pub fn refused_without_client<A: Answers>(code: Code) -> Code {
    last_error::refused(code, text::<A>(code));
    code
}

/// Notes that a call for this client is refused.
#[cold]
pub fn refused<A: Answers>(client: &Client<A>, code: Code) {
    let (why, numbers) = last_error::refused(code, text::<A>(code));
    client.note_refused_call(code, code == A::CODES.disconnected, why, numbers);
}

fn text<A: Answers>(code: Code) -> &'static CStr {
    A::text(code).unwrap_or(c"unknown code")
}

/// Returns a result as a return code: that of success is 0 in both APIs.
pub fn code(result: Result<(), Code>) -> c_int {
    result.err().unwrap_or(0)
}

/// Returns the return code of an engine error. What a MQTT 5 server does not allow is named by its reason code.
pub fn error<A: Answers>(error: &Error) -> Code {
    let codes = &A::CODES;
    let note = |code| last_error::note(code, error);
    match error {
        Error::Disconnected => note(codes.disconnected),
        Error::BufferFull => note(codes.buffer_full),
        Error::NoPacketId => note(codes.no_packet_id),
        Error::Ignored => note(codes.ignored),
        Error::NotStored => note(codes.not_stored),
        Error::Invalid(malformed) => last_error::fail(
            match malformed.reason {
                reason::QOS_NOT_SUPPORTED => codes.bad_qos,
                reason::MALFORMED_PACKET
                | reason::PROTOCOL_ERROR
                | reason::TOPIC_NAME_INVALID
                | reason::TOPIC_FILTER_INVALID => codes.failure,
                other => other.into(),
            },
            // Without the reason code: it would look like the server's.
            malformed.what,
        ),
        Error::Store(error) => read::create::refused(error),
        Error::Unusable(error) => {
            let code = match error.stage {
                Stage::NotSupported => codes.no_tls,
                Stage::NoTlsOptions => codes.null_parameter,
                _ => codes.failure,
            };
            last_error::with_numbers(last_error::fail(code, error), Numbers::of_unusable(error))
        }
        Error::Failed(why) => last_error::fail(codes.failure, why),
        Error::WouldBlock | Error::TimedOut => note(codes.failure),
    }
}
