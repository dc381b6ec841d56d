//! Connecting, streams, driving, and ending.

use std::ffi::{c_char, c_void};
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use super::queues::report;
use super::{Answer, ClientOf, code, failure, long_code, read, with_client};
use crate::engine::Work;
use crate::events::{Connect, EventClient, WebSocket};
use crate::ffi::read::Context;
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::oxide_types::*;
use crate::options::{Header, Secret, SecretText, TlsOptions, TlsVersion, Verifier, WillOptions};
use crate::protocol::property::Context as PropertyContext;
use crate::protocol::session::Policy;
use crate::protocol::{QoS, Version};
use crate::transport::TLS_SUPPORTED;
use crate::transport::uri::ServerUri;

pub unsafe fn attach_fd(handle: u64, fd: RawFd, options: *const MQTTOxide_connectOptions) -> i32 {
    let attach = |client: &ClientOf| {
        // SAFETY: the caller's promise.
        let connect = unsafe { read_attach(options) }?;
        if fd < 0 {
            return Err(MQTTOxide_E_ARGUMENT);
        }
        // SAFETY: not negative; whether it is open, and a socket, the system says when it is duplicated and asked.
        let socket = unsafe { BorrowedFd::borrow_raw(fd) }
            .try_clone_to_owned()
            .map_err(|_| MQTTOxide_E_ARGUMENT)?;
        client
            .attach_fd(socket, connect)
            .map_err(|error| failure(&error))?;
        Ok(0)
    };
    code(with_client(handle, attach))
}

pub unsafe fn attach_stream(handle: u64, options: *const MQTTOxide_connectOptions) -> i32 {
    let attach = |client: &ClientOf| {
        // SAFETY: the caller's promise.
        let connect = unsafe { read_attach(options) }?;
        client
            .attach_stream(connect)
            .map_err(|error| failure(&error))?;
        Ok(0)
    };
    code(with_client(handle, attach))
}

pub unsafe fn connect(
    handle: u64,
    uri: *const c_char,
    uri_len: u32,
    options: *const MQTTOxide_connectOptions,
    tls: *const MQTTOxide_tlsOptions,
) -> i32 {
    let connect = |client: &ClientOf| {
        // SAFETY: the caller's promise.
        let (uri, (connect, upgrade)) =
            unsafe { (read::text(uri.cast(), uri_len)?, read_connect(options)?) };
        let servers: Vec<String> = uri.split_ascii_whitespace().map(str::to_owned).collect();
        if servers.is_empty() || upgrade.path.is_some() || upgrade.host.is_some() {
            return Err(MQTTOxide_E_ARGUMENT);
        }
        // SAFETY: the caller's promise.
        let tls = unsafe { read_tls(tls) }?;
        // The engine says what is wrong with a URI that has no such scheme.
        let is_used = |by: fn(&ServerUri) -> bool| {
            let mut uris = servers.iter().map(|uri| ServerUri::parse(uri));
            uris.any(|uri| uri.as_ref().map_or(true, by))
        };
        let headers = connect.headers.is_empty() || is_used(ServerUri::is_websocket);
        if !headers || tls.is_some() && !is_used(ServerUri::is_tls) {
            return Err(MQTTOxide_E_ARGUMENT);
        }
        client
            .connect(servers, connect, tls)
            .map_err(|error| failure(&error))?;
        Ok(0)
    };
    code(with_client(handle, connect))
}

unsafe fn read_tls(options: *const MQTTOxide_tlsOptions) -> Answer<Option<TlsOptions>> {
    if options.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise, here and below: strings of the lengths that the struct says.
    let options = unsafe { read::structure(options) }?;
    if !TLS_SUPPORTED {
        return Err(MQTTOxide_E_NOT_SUPPORTED);
    }
    // A key belongs to a certificate, a password to one of them.
    let is_anonymous = options.certificate.is_null() && options.certificate_len == 0;
    let has_secret = options.key_len > 0 || options.password_len > 0;
    if options.flags > 1 || is_anonymous && has_secret {
        return Err(MQTTOxide_E_ARGUMENT);
    }
    let verify = options.flags == 0;
    // SAFETY: as above.
    unsafe {
        let password = read::bytes(options.password, options.password_len)?;
        Ok(Some(TlsOptions {
            trust_store: read::optional_text(options.trust.cast(), options.trust_len)?,
            key_store: read::optional_text(options.certificate.cast(), options.certificate_len)?
                .map(Into::into),
            private_key: read::optional_text(options.key.cast(), options.key_len)?.map(Into::into),
            min_version: None,
            max_version: None,
            verifier: verifier(options.verify, options.verify_context),
            private_key_password: (!password.is_empty()).then(|| Secret(password.to_vec())),
            enabled_cipher_suites: None,
            enable_server_cert_auth: verify,
            version: TlsVersion::Default,
            verify,
            ca_path: None,
            error_reporter: None,
            psk_source: None,
            disable_default_trust_store: false,
            protos: Vec::new(),
        }))
    }
}

/// The room for the reason of a refusal.
const REASON: usize = 512;

/// Returns the program's function as the engine calls it.
fn verifier(verify: MQTTOxide_verify, context: *mut c_void) -> Option<Verifier> {
    let verify = verify?;
    let context = Context(context);
    Some(Arc::new(move |host: &str, chain: &[Vec<u8>]| {
        // All of it, and not its one member, which may not be sent.
        let context = &context;
        let len = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        let certificates: Vec<_> = chain
            .iter()
            .map(|der| MQTTOxide_certificate {
                der: der.as_ptr().cast(),
                len: len(der.len()),
                reserved: 0,
            })
            .collect();
        let mut reason = vec![0_u8; REASON];
        // SAFETY: the program's function; all that is pointed at outlives the call and has the length that is given.
        let verdict = unsafe {
            verify(
                context.0,
                host.as_ptr().cast(),
                len(host.len()),
                certificates.as_ptr(),
                len(certificates.len()),
                reason.as_mut_ptr().cast(),
                len(REASON),
            )
        };
        match usize::try_from(verdict) {
            Ok(0) => Ok(()),
            Ok(said) => Err(String::from_utf8_lossy(&reason[..said.min(REASON)]).into_owned()),
            Err(_) => Err("no reason given".into()),
        }
    }))
}

/// Reads a time in milliseconds, of which 0 stands for none.
fn milliseconds(value: u32) -> Option<Duration> {
    (value > 0).then(|| Duration::from_millis(value.into()))
}

/// What is said of a WebSocket on a link of the program's.
struct Upgrade {
    path: Option<String>,
    host: Option<String>,
}

/// Reads the options for a link of the program's, which has a WebSocket if there is a path for it.
unsafe fn read_attach(options: *const MQTTOxide_connectOptions) -> Answer<Connect> {
    // SAFETY: the caller's promise.
    let (mut connect, upgrade) = unsafe { read_connect(options) }?;
    let no_websocket = upgrade.path.is_none();
    if no_websocket && (upgrade.host.is_some() || !connect.headers.is_empty()) {
        return Err(MQTTOxide_E_ARGUMENT);
    }
    connect.websocket = upgrade.path.map(|path| WebSocket {
        path,
        host: upgrade.host.unwrap_or_else(|| "localhost".into()),
    });
    Ok(connect)
}

unsafe fn read_connect(options: *const MQTTOxide_connectOptions) -> Answer<(Connect, Upgrade)> {
    // SAFETY: the caller's promise, here and below: strings and bytes of the lengths that the struct says.
    let options = unsafe { read::structure(options) }?;
    let version = match options.version & 0x7f {
        3 => Version::V31,
        4 => Version::V311,
        5 if options.version == 5 => Version::V5,
        _ => return Err(MQTTOxide_E_ARGUMENT),
    };
    let session = match u32::from(options.session) {
        MQTTOxide_SESSION_RESEND => Policy::KeepAndResend,
        MQTTOxide_SESSION_KEEP => Policy::Keep,
        MQTTOxide_SESSION_FOLLOW_SERVER => Policy::FollowServer,
        MQTTOxide_SESSION_CLEAR => Policy::Clear,
        _ => return Err(MQTTOxide_E_ARGUMENT),
    };
    let is_clean = options.clean <= 1 && options.will_retain <= 1;
    if !is_clean || options.flags != 0 || options.reserved != 0 || options.keep_alive_s > 65_535 {
        return Err(MQTTOxide_E_ARGUMENT);
    }
    if version != Version::V5 && (options.props_len > 0 || options.will_props_len > 0) {
        return Err(MQTTOxide_E_ARGUMENT);
    }
    // SAFETY: as above.
    unsafe {
        let will = if options.will_topic.is_null() {
            // One without its topic would never be sent.
            let lengths =
                options.will_topic_len | options.will_payload_len | options.will_props_len;
            if lengths > 0 || options.will_qos > 0 || options.will_retain > 0 {
                return Err(MQTTOxide_E_NULL);
            }
            None
        } else {
            Some(WillOptions {
                topic: read::text(options.will_topic.cast(), options.will_topic_len)?,
                payload: read::bytes(options.will_payload, options.will_payload_len)?.to_vec(),
                qos: qos(options.will_qos.into())?,
                retained: options.will_retain != 0,
                properties: read::owned_properties(
                    options.will_props,
                    options.will_props_len,
                    PropertyContext::Will,
                )?,
            })
        };
        let password = if options.password.is_null() && options.password_len == 0 {
            None
        } else {
            let bytes = read::bytes(options.password, options.password_len)?;
            Some(Secret(bytes.to_vec()))
        };
        let username = read::optional_text(options.username.cast(), options.username_len)?;
        // [MQTT-3.1.2-22] of 3.1.1: there is no room for it.
        if version != Version::V5 && password.is_some() && username.is_none() {
            return Err(MQTTOxide_E_ARGUMENT);
        }
        let upgrade = Upgrade {
            path: read::optional_text(options.ws_path.cast(), options.ws_path_len)?,
            host: read::optional_text(options.ws_host.cast(), options.ws_host_len)?,
        };
        let connect = Connect {
            version,
            bridge: options.version & 0x80 != 0,
            clean: options.clean != 0,
            session,
            keep_alive: Duration::from_secs(options.keep_alive_s.into()),
            ping_timeout: milliseconds(options.ping_timeout_ms),
            deadline: milliseconds(options.deadline_ms),
            max_inflight: match options.max_inflight {
                0 => u16::MAX.into(),
                max => max,
            },
            max_resume_inflight: (options.max_resume_inflight > 0)
                .then_some(options.max_resume_inflight),
            client_id: read::optional_text(options.client_id.cast(), options.client_id_len)?,
            username,
            password,
            properties: read::owned_properties(
                options.props,
                options.props_len,
                PropertyContext::Connect,
            )?,
            will,
            websocket: None,
            headers: headers(&SecretText::from(read::text(
                options.headers.cast(),
                options.headers_len,
            )?))?,
        };
        Ok((connect, upgrade))
    }
}

/// Reads "Name: value" lines.
fn headers(lines: &str) -> Answer<Vec<Header>> {
    lines
        .split("\r\n")
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (name, value) = line.split_once(':').ok_or(MQTTOxide_E_ARGUMENT)?;
            // A server takes such a line for something else, or refuses the request (RFC 9112, 5.1).
            if name.is_empty() || name.contains(char::is_whitespace) {
                return Err(MQTTOxide_E_ARGUMENT);
            }
            Ok((name.trim().to_owned(), value.trim().into()))
        })
        .collect()
}

/// Reads a quality of service.
pub fn qos(value: u32) -> Answer<QoS> {
    match value {
        0 => Ok(QoS::AtMostOnce),
        1 => Ok(QoS::AtLeastOnce),
        2 => Ok(QoS::ExactlyOnce),
        _ => Err(MQTTOxide_E_ARGUMENT),
    }
}

pub fn abort(handle: u64) -> i32 {
    code(with_client(handle, |client| {
        client.abort().map_err(|_| MQTTOxide_E_STATE)?;
        Ok(0)
    }))
}

pub unsafe fn disconnect(
    handle: u64,
    timeout_ms: u32,
    reason: u8,
    props: *const c_void,
    props_len: u32,
) -> i32 {
    let disconnect = |client: &ClientOf| {
        if !client.is_v5() && (props_len > 0 || reason != 0) {
            return Err(MQTTOxide_E_ARGUMENT);
        }
        // SAFETY: the caller's promise.
        let properties =
            unsafe { read::owned_properties(props, props_len, PropertyContext::Disconnect) }?;
        let timeout = Duration::from_millis(timeout_ms.into());
        client
            .disconnect(timeout, reason, properties)
            .map_err(|error| failure(&error))?;
        Ok(0)
    };
    code(with_client(handle, disconnect))
}

pub unsafe fn auth(handle: u64, reason: u8, props: *const c_void, props_len: u32) -> i32 {
    let auth = |client: &ClientOf| {
        // SAFETY: the caller's promise.
        let properties = unsafe { read::properties(props, props_len, PropertyContext::Auth) }?;
        client
            .auth(reason, properties)
            .map_err(|error| failure(&error))?;
        Ok(0)
    };
    code(with_client(handle, auth))
}

pub unsafe fn address(handle: u64, which: u32, buffer: *mut c_char, capacity: u32) -> i64 {
    let address = |client: &ClientOf| {
        // SAFETY: the caller's promise.
        let buffer = unsafe { read::buffer(buffer.cast(), capacity.into()) }?;
        let address = match which {
            0 => client.peer_address(),
            1 => client.local_address(),
            _ => return Err(MQTTOxide_E_ARGUMENT),
        };
        let address = address.map_err(|error| failure(&error))?;
        let fitting = address.len().min(buffer.len());
        buffer[..fitting].copy_from_slice(&address.as_bytes()[..fitting]);
        if fitting < address.len() {
            return Err(MQTTOxide_E_TOO_SMALL);
        }
        Ok(fitting)
    };
    long_code(with_client(handle, address))
}

pub unsafe fn feed(handle: u64, bytes: *const c_void, len: u64) -> i64 {
    let feed = |client: &ClientOf| {
        // SAFETY: the caller's promise; the bytes are only read.
        let bytes = unsafe { read::buffer(bytes.cast_mut(), len) }?;
        client.feed(bytes).map_err(|error| failure(&error))
    };
    long_code(with_client(handle, feed))
}

pub unsafe fn feed_events(
    handle: u64,
    bytes: *const c_void,
    len: u64,
    taken: *mut u64,
    buffer: *mut c_void,
    capacity: u32,
    count: *mut u32,
) -> i64 {
    let feed = |client: &ClientOf| {
        if taken.is_null() {
            return Err(MQTTOxide_E_NULL);
        }
        // SAFETY: the caller's promise; the bytes are only read.
        let (bytes, buffer) = unsafe {
            (
                read::buffer(bytes.cast_mut(), len)?,
                read::buffer_of_events(buffer, capacity)?,
            )
        };
        let (fed, events) = client
            .feed_events(bytes, buffer)
            .map_err(|error| failure(&error))?;
        // SAFETY: not NULL, so a u64 that is to be written to; `count` as the caller promises.
        unsafe {
            taken.write(fed as u64);
            report(events, count)
        }
    };
    long_code(with_client(handle, feed))
}

pub unsafe fn eof(handle: u64, why: *const c_char, why_len: u32) -> i32 {
    let eof = |client: &ClientOf| {
        // SAFETY: the caller's promise.
        let why = unsafe { read::bytes(why.cast(), why_len) }?;
        client
            .eof(&String::from_utf8_lossy(why))
            .map_err(|error| failure(&error))?;
        Ok(0)
    };
    code(with_client(handle, eof))
}

pub unsafe fn take(handle: u64, buffer: *mut c_void, capacity: u32) -> i64 {
    let take = |client: &ClientOf| {
        // SAFETY: the caller's promise.
        let buffer = unsafe { read::buffer(buffer, capacity.into()) }?;
        client.take(buffer).map_err(|error| failure(&error))
    };
    long_code(with_client(handle, take))
}

fn bits(client: &EventClient, work: Work) -> i32 {
    let bit = |set: bool, bit: u32| if set { bit } else { 0 };
    let bits = bit(work.read, MQTTOxide_READ)
        | bit(work.write, MQTTOxide_WRITE)
        | bit(work.tick, MQTTOxide_TICK)
        | bit(work.more, MQTTOxide_MORE)
        | bit(client.queue().has_untold(), MQTTOxide_EVENTS);
    i32::try_from(bits).unwrap_or(0)
}

pub fn set_driver(handle: u64, caller_does: u32) -> i32 {
    let set = |client: &ClientOf| {
        let work = read::work(caller_does)?;
        client.set_driver(work);
        Ok(0)
    };
    code(with_client(handle, set))
}

pub fn drive(handle: u64, what: u32) -> i32 {
    code(with_client(handle, |client| {
        Ok(bits(client, client.drive(read::order(what)?)))
    }))
}

pub unsafe fn drive_events(
    handle: u64,
    what: u32,
    buffer: *mut c_void,
    capacity: u32,
    count: *mut u32,
) -> i64 {
    let drive = |client: &ClientOf| {
        let work = read::order(what)?;
        // SAFETY: the caller's promise.
        let buffer = unsafe { read::buffer_of_events(buffer, capacity) }?;
        // SAFETY: as above.
        unsafe { report(client.drive_events(work, buffer), count) }
    };
    long_code(with_client(handle, drive))
}

pub fn wants(handle: u64) -> i32 {
    code(with_client(handle, |client| {
        Ok(bits(client, client.wants()))
    }))
}

pub fn deadline_ms(handle: u64) -> i64 {
    match with_client(handle, |client| Ok(client.deadline())) {
        Err(code) => code.into(),
        Ok(deadline) => match deadline {
            // Rounded up: who comes a little early finds nothing to do.
            Some(left) => i64::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i64::MAX),
            None => -1,
        },
    }
}
