//! The program behind an `MQTTAsync`: its callbacks, and the structs that they are called with.

use std::ffi::CString;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use libc::{c_char, c_int};
use parking_lot::Mutex;

#[allow(clippy::wildcard_imports)] // this module is about them
use super::super::async_types::*;
use super::super::eyecatcher;
use super::super::memory;
use super::super::properties;
use super::super::property_types::MQTTProperties;
use super::super::read::{self, Context};
use super::super::received::{Received, to_c};
use crate::client::options::{ConnectOptions, Secret};
use crate::client::{ConnectFailure, ConnectResult, Connected, Event, Handled, Host};
use crate::protocol::packet::Publish;
use crate::protocol::property::{Properties, PropertiesRef};
use crate::protocol::session::{Cause, Completion, Failure, Outcome, Token, view};
use crate::protocol::{QoS, Version};

/// A callback with its context.
type With<F> = (Context, F);

/// The callbacks of a client.
#[derive(Clone, Copy, Default)]
pub struct Callbacks {
    pub connection_lost: With<MQTTAsync_connectionLost>,
    pub message_arrived: With<MQTTAsync_messageArrived>,
    pub delivery_complete: With<MQTTAsync_deliveryComplete>,
    pub connected: With<MQTTAsync_connected>,
    pub disconnected: With<MQTTAsync_disconnected>,
    pub update_connect_options: With<MQTTAsync_updateConnectOptions>,
}

/// What an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Connect,
    Disconnect,
    Publish(QoS),
    Subscribe { filters: usize },
    Unsubscribe,
}

/// What the program wants to be told of an operation.
#[derive(Clone, Copy)]
pub struct Op {
    pub kind: Kind,
    pub context: Context,
    pub on_success: MQTTAsync_onSuccess,
    pub on_failure: MQTTAsync_onFailure,
    pub on_success5: MQTTAsync_onSuccess5,
    pub on_failure5: MQTTAsync_onFailure5,
    /// The program has been given a token.
    pub has_token: bool,
    /// deliveryComplete is to be called.
    pub delivery: bool,
}

impl Op {
    /// An operation that nobody asks about.
    pub fn silent(kind: Kind) -> Self {
        Self {
            kind,
            context: Context::default(),
            on_success: None,
            on_failure: None,
            on_success5: None,
            on_failure5: None,
            has_token: false,
            delivery: false,
        }
    }

    fn has_callbacks(&self) -> bool {
        self.on_success.is_some()
            || self.on_failure.is_some()
            || self.on_success5.is_some()
            || self.on_failure5.is_some()
    }
}

/// The host.
#[derive(Default)]
pub struct AsyncHost {
    callbacks: Mutex<Callbacks>,
    /// `MQTTAsync_destroy` has returned: the program expects no callback any more.
    gone: AtomicBool,
}

impl AsyncHost {
    pub fn change(&self, change: impl FnOnce(&mut Callbacks)) {
        change(&mut self.callbacks.lock());
    }

    pub fn callbacks(&self) -> Callbacks {
        *self.callbacks.lock()
    }

    /// `MQTTAsync_destroy` is about to return.
    pub fn set_gone(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// The client was destroyed inside the callback that this thread has just come back from: on any other thread
    /// destroying waits for the callback.
    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// The end of a publish, subscribe or unsubscribe.
    fn completed(
        &self,
        (context, callback): With<MQTTAsync_deliveryComplete>,
        done: Completion<Op>,
    ) {
        let Completion {
            token,
            op,
            packet,
            outcome,
        } = done;
        let packet = packet.as_deref();
        match outcome {
            Outcome::Published { reason, properties } => {
                if let (Some(callback), true, false) = (
                    callback,
                    op.delivery,
                    op.kind == Kind::Publish(QoS::AtMostOnce),
                ) {
                    // SAFETY: the program's callback.
                    unsafe { callback(context.0, token) };
                    if self.is_gone() {
                        return;
                    }
                }
                published(&op, token, packet, reason, properties.as_ref());
            }
            Outcome::Subscribed { codes, properties } => {
                subscribed(&op, token, &codes, &properties);
            }
            Outcome::Unsubscribed { codes, properties } => {
                succeeded_with_codes(&op, token, &codes, &properties);
            }
            Outcome::Failed(failure) => failed(&op, token, &failure),
        }
    }
}

impl Host for AsyncHost {
    type Message = Received;
    type Op = Op;

    fn message(publish: &Publish<'_>) -> Received {
        Received::new(publish)
    }

    fn with_contents<R>(message: &Received, read: impl FnOnce(&Publish<'_>) -> R) -> R {
        message.with_contents(read)
    }

    fn message_size(message: &Received) -> usize {
        message.size()
    }

    fn wants_packet(op: &Op) -> bool {
        matches!(op.kind, Kind::Publish(_)) && (op.on_success.is_some() || op.on_success5.is_some())
    }

    fn tracks(op: &Op) -> bool {
        op.has_token || op.has_callbacks()
    }

    fn settle(done: Completion<Op>) -> Option<Completion<Op>> {
        let delivered = done.op.delivery && done.op.kind != Kind::Publish(QoS::AtMostOnce);
        (done.op.has_callbacks() || delivered).then_some(done)
    }

    fn settle_connect(op: Op, result: ConnectResult) -> Option<(Op, ConnectResult)> {
        op.has_callbacks().then_some((op, result))
    }

    fn refresh(&self, options: &ConnectOptions) -> Option<ConnectOptions> {
        let (context, Some(callback)) = self.callbacks().update_connect_options else {
            return None;
        };
        let c_string = |text: &str| CString::new(text).unwrap_or_default();
        let username = options.username.as_deref().map(c_string);
        let password = options.password.as_ref().map(|password| password.0.clone());
        // SAFETY: the program frees what it replaces with MQTTAsync_free, as it does with the original, so the blocks it
        // finds here are C's; what it leaves is a string and a block of the length it states, which become ours.
        unsafe {
            let mut data = MQTTAsync_connectData {
                struct_id: eyecatcher(*b"MQCD"),
                struct_version: 0,
                username: username.as_ref().map_or(ptr::null(), |name| {
                    memory::copy_bytes(name.as_bytes()).cast_const()
                }),
                binarypwd: super::super::shared_types::Binary {
                    len: password.as_ref().map_or(0, |password| len(password.len())),
                    data: password.as_ref().map_or(ptr::null(), |password| {
                        memory::copy_bytes(password).cast_const().cast()
                    }),
                },
            };
            let changed = callback(context.0, &raw mut data) != 0;
            let new = changed.then(|| ConnectOptions {
                username: read::text(data.username).ok().flatten(),
                password: (!data.binarypwd.data.is_null()).then(|| {
                    Secret(memory::bytes(data.binarypwd.data, data.binarypwd.len).to_vec())
                }),
                ..options.clone()
            });
            memory::free(data.username.cast_mut().cast());
            memory::free(data.binarypwd.data.cast_mut());
            new
        }
    }

    fn handle(&self, event: Event<Self>) -> Handled<Self> {
        let callbacks = self.callbacks();
        match event {
            Event::Message(message, _) => {
                return message_arrived(callbacks.message_arrived, message);
            }
            Event::Completed(done) => self.completed(callbacks.delivery_complete, done),
            // Neither reaches a host: the client reads stored messages, and nobody asked for acknowledgements.
            Event::Stored(_) | Event::Acknowledged { .. } => {}
            Event::ConnectEnded { op, result } => match result {
                Ok(connected) => connect_succeeded(&op, &connected),
                Err(failure) => connect_failed(&op, &failure),
            },
            Event::Connected { automatic } => {
                if let (context, Some(callback)) = callbacks.connected {
                    let cause = if automatic {
                        c"automatic reconnect"
                    } else {
                        c"connect onSuccess called"
                    };
                    // SAFETY: the program's callback, and a static text that it does not change.
                    unsafe { callback(context.0, cause.as_ptr().cast_mut()) };
                }
            }
            Event::ConnectionLost => {
                if let (context, Some(callback)) = callbacks.connection_lost {
                    // SAFETY: the program's callback; the original passes no cause either.
                    unsafe { callback(context.0, ptr::null_mut()) };
                }
            }
            Event::Disconnected { reason, properties } => {
                if let (context, Some(callback)) = callbacks.disconnected {
                    with_properties(properties.as_ref(), |list| {
                        // SAFETY: the program's callback, and a list that outlives the call.
                        unsafe { callback(context.0, list, reason.into()) };
                    });
                }
            }
            Event::DisconnectEnded { op } => disconnected(&op),
        }
        Handled::Done
    }
}

fn message_arrived(
    (context, callback): With<MQTTAsync_messageArrived>,
    message: Received,
) -> Handled<AsyncHost> {
    let Some(callback) = callback else {
        // Nobody takes messages: the original drops them too.
        return Handled::Done;
    };
    let (topic, topic_len, contents) = message.parts();
    // SAFETY: the program's callback. Returning non-zero it has taken both blocks, otherwise they are still ours.
    if unsafe { callback(context.0, topic, topic_len, contents) } != 0 {
        message.taken();
        Handled::Done
    } else {
        Handled::NotTaken(message)
    }
}

fn published(
    op: &Op,
    token: Token,
    packet: Option<&[u8]>,
    reason: u8,
    properties: PropertiesRef<'_>,
) {
    let version = if op.on_success5.is_some() {
        Version::V5
    } else {
        Version::V311
    };
    let Some(publish) = packet.and_then(|packet| view(version, packet)) else {
        return;
    };
    let topic = CString::new(publish.topic).unwrap_or_default();
    let message = MQTTAsync_message {
        struct_id: eyecatcher(*b"MQTM"),
        struct_version: 1,
        payloadlen: len(publish.payload.len()),
        payload: publish.payload.as_ptr().cast_mut().cast(),
        qos: publish.qos as c_int,
        retained: c_int::from(publish.retain),
        dup: 0,
        msgid: c_int::from(publish.packet_id),
        properties: properties::EMPTY,
    };
    if let Some(callback) = op.on_success {
        let mut data = MQTTAsync_successData {
            token,
            alt: MQTTAsync_successDetails {
                r#pub: MQTTAsync_published {
                    message,
                    destinationName: topic.as_ptr().cast_mut(),
                },
            },
        };
        // SAFETY: the program's callback; the data outlive the call.
        unsafe { callback(op.context.0, &raw mut data) };
    }
    if let Some(callback) = op.on_success5 {
        with_properties(publish.properties, |message_properties| {
            with_properties(properties, |list| {
                let mut data = success5(token, reason, list);
                data.alt.r#pub = MQTTAsync_published {
                    message: MQTTAsync_message {
                        // SAFETY: a valid list.
                        properties: unsafe { *message_properties },
                        ..message
                    },
                    destinationName: topic.as_ptr().cast_mut(),
                };
                // SAFETY: the program's callback; the data outlive the call.
                unsafe { callback(op.context.0, &raw mut data) };
            });
        });
    }
}

fn subscribed(op: &Op, token: Token, codes: &[u8], properties: &Properties) {
    let refused = codes.iter().all(|code| *code >= 0x80);
    if refused && codes.len() == 1 {
        let failure = Failure {
            cause: Cause::Refused,
            reason: codes[0],
            properties: properties.clone(),
            packet_type: 9,
        };
        failed(op, token, &failure);
        return;
    }
    if let Some(callback) = op.on_success {
        let mut list: Vec<c_int> = codes.iter().map(|code| c_int::from(*code)).collect();
        let many = matches!(op.kind, Kind::Subscribe { filters } if filters > 1);
        let mut data = MQTTAsync_successData {
            token,
            alt: if many {
                MQTTAsync_successDetails {
                    qosList: list.as_mut_ptr(),
                }
            } else {
                MQTTAsync_successDetails {
                    qos: list.first().copied().unwrap_or(0),
                }
            },
        };
        // SAFETY: the program's callback; the data outlive the call.
        unsafe { callback(op.context.0, &raw mut data) };
    }
    succeeded_with_codes5(op, token, codes, properties);
}

fn succeeded_with_codes(op: &Op, token: Token, codes: &[u8], properties: &Properties) {
    if let Some(callback) = op.on_success {
        let mut data = empty_success(token);
        // SAFETY: the program's callback; the data outlive the call.
        unsafe { callback(op.context.0, &raw mut data) };
    }
    succeeded_with_codes5(op, token, codes, properties);
}

fn succeeded_with_codes5(op: &Op, token: Token, codes: &[u8], properties: &Properties) {
    let Some(callback) = op.on_success5 else {
        return;
    };
    let mut list: Vec<c_int> = codes.iter().map(|code| c_int::from(*code)).collect();
    with_properties(properties.as_ref(), |properties| {
        let mut data = success5(token, codes.first().copied().unwrap_or(0), properties);
        data.alt.sub = MQTTAsync_reasonCodeList {
            reasonCodeCount: len(list.len()),
            reasonCodes: list.as_mut_ptr(),
        };
        // SAFETY: the program's callback; the data outlive the call.
        unsafe { callback(op.context.0, &raw mut data) };
    });
}

/// A failure's return code and its text.
fn describe(failure: &Failure) -> (c_int, Option<&'static std::ffi::CStr>) {
    match failure.cause {
        Cause::Refused | Cause::NotAllowed => (failure.reason.into(), None),
        Cause::Incomplete => (MQTTASYNC_OPERATION_INCOMPLETE, None),
        Cause::Expired => (
            MQTTASYNC_OPERATION_INCOMPLETE,
            Some(c"message expired before it could be sent"),
        ),
        Cause::Dropped => (
            MQTTASYNC_MAX_BUFFERED_MESSAGES,
            Some(c"dropped to make room for a newer message"),
        ),
        Cause::NotStored => (MQTTASYNC_PERSISTENCE_ERROR, None),
    }
}

fn failed(op: &Op, token: Token, failure: &Failure) {
    let (code, text) = describe(failure);
    fail(
        op,
        token,
        code,
        text,
        failure.reason,
        failure.packet_type,
        failure.properties.as_ref(),
    );
}

fn fail(
    op: &Op,
    token: Token,
    code: c_int,
    text: Option<&std::ffi::CStr>,
    reason: u8,
    packet_type: u8,
    properties: PropertiesRef<'_>,
) {
    let message: *const c_char = text.map_or(ptr::null(), std::ffi::CStr::as_ptr);
    if let Some(callback) = op.on_failure {
        let mut data = MQTTAsync_failureData {
            token,
            code,
            message,
        };
        // SAFETY: the program's callback; the data outlive the call.
        unsafe { callback(op.context.0, &raw mut data) };
    }
    if let Some(callback) = op.on_failure5 {
        with_properties(properties, |list| {
            let mut data = MQTTAsync_failureData5 {
                struct_id: eyecatcher(*b"MQFD"),
                struct_version: 0,
                token,
                reasonCode: reason.into(),
                // SAFETY: a valid list.
                properties: unsafe { *list },
                code,
                message,
                packet_type: packet_type.into(),
            };
            // SAFETY: the program's callback; the data outlive the call.
            unsafe { callback(op.context.0, &raw mut data) };
        });
    }
}

fn connect_succeeded(op: &Op, connected: &Connected) {
    let uri = CString::new(connected.server_uri.as_str()).unwrap_or_default();
    let connect = MQTTAsync_connection {
        serverURI: uri.as_ptr().cast_mut(),
        MQTTVersion: connected.version as c_int,
        sessionPresent: c_int::from(connected.session_present),
    };
    if let Some(callback) = op.on_success {
        let mut data = MQTTAsync_successData {
            token: 0,
            alt: MQTTAsync_successDetails { connect },
        };
        // SAFETY: the program's callback; the data outlive the call.
        unsafe { callback(op.context.0, &raw mut data) };
    }
    if let Some(callback) = op.on_success5 {
        with_properties(connected.properties.as_ref(), |list| {
            let mut data = success5(0, connected.reason, list);
            data.alt.connect = connect;
            // SAFETY: the program's callback; the data outlive the call.
            unsafe { callback(op.context.0, &raw mut data) };
        });
    }
}

fn connect_failed(op: &Op, failure: &ConnectFailure) {
    let text = CString::new(failure.message.replace('\0', " ")).unwrap_or_default();
    let code = failure.refused.map_or(MQTTASYNC_FAILURE, c_int::from);
    let packet_type = if failure.refused.is_some() { 2 } else { 0 };
    let reason = failure.refused.unwrap_or(0);
    fail(
        op,
        0,
        code,
        Some(&text),
        reason,
        packet_type,
        failure.properties.as_ref(),
    );
}

fn disconnected(op: &Op) {
    if let Some(callback) = op.on_success {
        let mut data = empty_success(0);
        // SAFETY: the program's callback; the data outlive the call.
        unsafe { callback(op.context.0, &raw mut data) };
    }
    if let Some(callback) = op.on_success5 {
        with_properties(PropertiesRef::EMPTY, |list| {
            let mut data = success5(0, 0, list);
            // SAFETY: the program's callback; the data outlive the call.
            unsafe { callback(op.context.0, &raw mut data) };
        });
    }
}

fn empty_success(token: Token) -> MQTTAsync_successData {
    MQTTAsync_successData {
        token,
        alt: MQTTAsync_successDetails {
            connect: MQTTAsync_connection {
                serverURI: ptr::null_mut(),
                MQTTVersion: 0,
                sessionPresent: 0,
            },
        },
    }
}

fn success5(token: Token, reason: u8, list: *mut MQTTProperties) -> MQTTAsync_successData5 {
    MQTTAsync_successData5 {
        struct_id: eyecatcher(*b"MQSD"),
        struct_version: 0,
        token,
        reasonCode: reason.into(),
        // SAFETY: a valid list.
        properties: unsafe { *list },
        alt: MQTTAsync_successDetails5 {
            connect: MQTTAsync_connection {
                serverURI: ptr::null_mut(),
                MQTTVersion: 0,
                sessionPresent: 0,
            },
        },
    }
}

/// Lends a list in C's memory to a callback; it is freed afterwards.
fn with_properties(list: PropertiesRef<'_>, call: impl FnOnce(*mut MQTTProperties)) {
    let mut list = to_c(list);
    call(&raw mut list);
    // SAFETY: made here.
    unsafe { properties::free(&raw mut list) };
}

fn len(n: usize) -> c_int {
    c_int::try_from(n).unwrap_or(c_int::MAX)
}
