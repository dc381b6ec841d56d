//! The program behind an `MQTTAsync`: its callbacks, and what they are told of the client and its messages.

use std::ffi::CString;
use std::ptr;

use crate::os::lock::Mutex;

use super::answers::{
    connect_failed, connect_succeeded, disconnected, ended, is_delivery, len, with_properties,
};
use super::op::{Kind, Op};
use crate::engine::{ConnectEnd, ConnectResult, Event, Handled, Host};
use crate::ffi::eyecatcher;
use crate::ffi::for_paho::{PahoHost, Routes};
use crate::ffi::last_error;
use crate::ffi::memory;
use crate::ffi::read::{self, Context};
use crate::ffi::received::Received;
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::async_types::*;
use crate::options::{ConnectOptions, Secret};
use crate::protocol::packet::Publish;
use crate::protocol::session::{AckToken, Completion, Token, message_id};
use crate::trace;

/// A callback with its context.
pub type With<F> = (Context, F);

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

/// The host.
#[derive(Default)]
pub struct AsyncHost {
    callbacks: Mutex<Callbacks>,
    routes: Routes,
    /// A publish whose deliveryComplete is running, and which has yet to be told of its end. Should the program destroy the
    /// client inside that callback, it is told before `MQTTAsync_destroy` returns, and not after.
    half: Mutex<Option<Box<Completion<Op>>>>,
}

impl AsyncHost {
    pub fn change(&self, change: impl FnOnce(&mut Callbacks)) {
        change(&mut self.callbacks.lock());
    }

    pub fn callbacks(&self) -> Callbacks {
        *self.callbacks.lock()
    }

    /// Ends the host of a destroyed client, perhaps inside deliveryComplete: on any other thread destroying has waited for
    /// it.
    pub fn finish(&self) {
        // Not held in the callback, which may call this again.
        let half = self.half.lock().take();
        if let Some(done) = half {
            ended(*done);
        }
    }
}

impl PahoHost for AsyncHost {
    const BUFFERS: bool = true;

    fn routes(&self) -> &Routes {
        &self.routes
    }
}

impl Host for AsyncHost {
    type Message = Received;
    type Op = Op;

    fn message(publish: &Publish<'_>) -> Option<Received> {
        Received::new(publish)
    }

    fn with_contents<R>(message: &Received, read: impl FnOnce(&Publish<'_>) -> R) -> R {
        message.with_contents(read)
    }

    fn message_size(message: &Received) -> usize {
        message.size()
    }

    fn needs_acknowledgement(message: &mut Received, token: AckToken) {
        message.set_message_id(message_id(token));
    }

    fn wants_packet(op: &Op) -> bool {
        matches!(op.kind, Kind::Publish(_)) && (op.on_success.is_some() || op.on_success5.is_some())
    }

    fn tracks(op: &Op) -> bool {
        op.has_token || op.has_callbacks()
    }

    fn settle(done: Completion<Op>, hears_of_deliveries: bool) -> Option<Completion<Op>> {
        let delivered = hears_of_deliveries && done.op.is_delivered();
        (done.op.has_callbacks() || delivered).then_some(done)
    }

    fn completion_name(op: &Op, token: Token, succeeded: bool, client: &str) -> String {
        let call = match op.kind {
            Kind::Connect => "connect",
            Kind::Disconnect => "disconnect",
            Kind::Publish(_) => "publish",
            Kind::Subscribe { .. } => "subscribe",
            Kind::Unsubscribe => "unsubscribe",
        };
        if !op.has_callbacks() {
            return format!("deliveryComplete for client {client}, msgid {token}");
        }
        let end = if succeeded { "success" } else { "failure" };
        format!("{call} {end} for client {client}")
    }

    fn settle_connect(op: Op, result: ConnectResult) -> ConnectEnd<Op> {
        let hears_success = op.on_success.is_some() || op.on_success5.is_some();
        let hears_failure = op.on_failure.is_some() || op.on_failure5.is_some();
        match result {
            Ok(_) if hears_success => ConnectEnd::Tell(op, result),
            Err(_) if hears_failure => ConnectEnd::Tell(op, result),
            Ok(_) if hears_failure => ConnectEnd::Keep(op),
            _ => ConnectEnd::Done,
        }
    }

    fn hears_of_connections(&self) -> bool {
        self.callbacks().connected.1.is_some()
    }

    fn refresh(&self, options: &ConnectOptions) -> Option<ConnectOptions> {
        let (context, Some(callback)) = self.callbacks().update_connect_options else {
            return None;
        };
        let c_string = |text: &str| CString::new(text).unwrap_or_default();
        let username = options.username.as_deref().map(c_string);
        let password = options.password.as_ref().map(|password| &password.0[..]);
        // SAFETY: the program frees what it replaces with MQTTAsync_free, as it does with the original, so the blocks it
        // finds here are C's; what it leaves is a string and a block of the length it states, which become ours.
        unsafe {
            let mut data = MQTTAsync_connectData {
                struct_id: eyecatcher(*b"MQCD"),
                struct_version: 0,
                username: username.as_ref().map_or(ptr::null(), |name| {
                    memory::copy_bytes(name.as_bytes()).cast_const()
                }),
                binarypwd: crate::ffi::types::shared_types::Binary {
                    len: password.map_or(0, |password| len(password.len())),
                    data: password.map_or(ptr::null(), |password| {
                        memory::copy_bytes(password).cast_const().cast()
                    }),
                },
            };
            let changed = callback(context.0, &raw mut data) != 0;
            let new = changed.then(|| updated(&data, options));
            memory::free(data.username.cast_mut().cast());
            memory::free_secret(data.binarypwd.data.cast_mut());
            new?.map_err(|why| trace!(Error, "Options of updateConnectOptions not used: {why}"))
                .ok()
        }
    }

    fn handle(&self, event: Event<Self>) -> Handled<Self> {
        let callbacks = self.callbacks();
        match event {
            Event::Message(message, _) => {
                if self.routes.deliver(&message) {
                    return Handled::Done;
                }
                return message_arrived(callbacks.message_arrived, message);
            }
            Event::Completed(done) => {
                self.finish();
                if let ((context, Some(callback)), true) =
                    (callbacks.delivery_complete, is_delivery(&done))
                {
                    let token = done.token;
                    *self.half.lock() = Some(Box::new(done));
                    // SAFETY: the program's callback.
                    unsafe { callback(context.0, token) };
                    self.finish();
                } else {
                    ended(done);
                }
            }
            // None reaches a host: the client reads stored messages and tells of TLS errors, and nobody asked for
            // acknowledgements.
            Event::StoredMessage(_)
            | Event::TlsError(..)
            | Event::Acknowledged { .. }
            | Event::Auth { .. }
            | Event::Room
            | Event::Wants => {}
            Event::ConnectEnded { op, result } => match result {
                Ok(connected) => connect_succeeded(&op, &connected),
                Err(failure) => connect_failed(&op, &failure),
            },
            Event::Connected { told } => {
                if let (context, Some(callback)) = callbacks.connected {
                    let cause = if told {
                        c"connect onSuccess called"
                    } else {
                        c"automatic reconnect"
                    };
                    // SAFETY: the program's callback, and a static text that it does not change.
                    unsafe { callback(context.0, cause.as_ptr().cast_mut()) };
                }
            }
            Event::ConnectionLost(loss) => {
                if let (context, Some(callback)) = callbacks.connection_lost {
                    let why = CString::new(loss.text.replace('\0', " ")).unwrap_or_default();
                    // SAFETY: the program's callback, and a text that outlives the call.
                    unsafe { callback(context.0, why.as_ptr().cast_mut()) };
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
            Event::DisconnectEnded { op, .. } => disconnected(&op),
        }
        Handled::Done
    }
}

/// Returns the options with what updateConnectOptions has left, or says what is wrong with that.
///
/// # Safety
/// Its strings and blocks are as the program's callback has to leave them.
unsafe fn updated(
    data: &MQTTAsync_connectData,
    options: &ConnectOptions,
) -> Result<ConnectOptions, &'static str> {
    // SAFETY: the caller's promise.
    let (username, password) = unsafe {
        (
            read::text(data.username),
            read::binary("binarypwd", data.binarypwd),
        )
    };
    // The reasons that the readers note are those of a call, and this is none.
    last_error::clear();
    Ok(ConnectOptions {
        username: username.map_err(|_| "username is not UTF-8")?,
        password: password
            .map_err(|_| "binarypwd.len is negative")?
            .map(|password| Secret(password.to_vec())),
        ..options.clone()
    })
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
