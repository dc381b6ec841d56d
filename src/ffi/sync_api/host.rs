//! The program behind an `MQTTClient`: its callbacks, and where its blocking calls find their answers.

use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use crate::os::lock::Mutex;
use libc::c_int;

use crate::engine::{Answer, ConnectEnd, ConnectResult, Event, Handled, Host};
use crate::ffi::exports::properties;
use crate::ffi::for_paho::{PahoHost, Routes};
use crate::ffi::read::Context;
use crate::ffi::received::{Received, to_c};
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::client_types::*;
use crate::options::ConnectOptions;
use crate::protocol::packet::{AckKind, Publish};
use crate::protocol::session::{AckToken, Cause, Completion, Outcome, Token, message_id};

/// The packet type of PUBREC.
const PUBREC: u8 = 5;

/// The callbacks of a client.
#[derive(Clone, Copy, Default)]
pub struct Callbacks {
    pub context: Context,
    pub connection_lost: MQTTClient_connectionLost,
    pub message_arrived: MQTTClient_messageArrived,
    pub delivery_complete: MQTTClient_deliveryComplete,
    pub disconnected: (Context, MQTTClient_disconnected),
    pub published: (Context, MQTTClient_published),
}

/// Who waits for the end of an operation.
pub enum Op {
    /// A publish, for which deliveryComplete is called where there is one.
    Publish,
    /// A call that waits for its acknowledgement.
    Command(Arc<Answer<Outcome>>),
    /// A connect that waits.
    Connect(Arc<Answer<ConnectResult>>),
}

/// The host.
pub struct ClientHost {
    callbacks: Mutex<Callbacks>,
    routes: Routes,
    command_timeout: Mutex<Duration>,
    pub server_uri: Mutex<std::ffi::CString>,
}

/// How long subscribe, unsubscribe and their like wait for an answer unless the program says otherwise.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

impl Default for ClientHost {
    fn default() -> Self {
        Self {
            callbacks: Mutex::default(),
            routes: Routes::default(),
            command_timeout: Mutex::new(COMMAND_TIMEOUT),
            server_uri: Mutex::default(),
        }
    }
}

impl ClientHost {
    pub fn change(&self, change: impl FnOnce(&mut Callbacks)) {
        change(&mut self.callbacks.lock());
    }

    pub fn callbacks(&self) -> Callbacks {
        *self.callbacks.lock()
    }

    pub fn set_command_timeout(&self, timeout: Duration) {
        *self.command_timeout.lock() = timeout;
    }

    pub fn command_timeout(&self) -> Duration {
        *self.command_timeout.lock()
    }
}

impl PahoHost for ClientHost {
    const BUFFERS: bool = false;

    fn routes(&self) -> &Routes {
        &self.routes
    }
}

impl Host for ClientHost {
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

    fn wants_packet(_: &Op) -> bool {
        false
    }

    fn tracks(op: &Op) -> bool {
        !matches!(op, Op::Publish)
    }

    fn settle(done: Completion<Op>, hears_of_deliveries: bool) -> Option<Completion<Op>> {
        match &done.op {
            Op::Publish if hears_of_deliveries => Some(done),
            Op::Command(answer) => {
                answer.fill(done.outcome);
                None
            }
            Op::Publish | Op::Connect(_) => None,
        }
    }

    fn completion_name(_: &Op, token: Token, _: bool, client: &str) -> String {
        format!("deliveryComplete for client {client}, msgid {token}")
    }

    fn settle_connect(op: Op, result: ConnectResult) -> ConnectEnd<Op> {
        if let Op::Connect(answer) = op {
            answer.fill(result);
        }
        ConnectEnd::Done
    }

    fn hears_of_connections(&self) -> bool {
        false
    }

    fn refresh(&self, _: &ConnectOptions) -> Option<ConnectOptions> {
        None
    }

    fn handle(&self, event: Event<Self>) -> Handled<Self> {
        let callbacks = self.callbacks();
        match event {
            Event::Message(message, _) => {
                if self.routes.deliver(&message) {
                    return Handled::Done;
                }
                return message_arrived(&callbacks, message);
            }
            Event::Completed(done) => {
                // A refusal is an acknowledgement too, but for PUBREC's, as in the original; an operation given up is none.
                let acknowledged = match done.outcome {
                    Outcome::Failed(failure) => {
                        failure.cause == Cause::Refused && failure.packet_type != PUBREC
                    }
                    _ => true,
                };
                if let (Some(callback), true) = (callbacks.delivery_complete, acknowledged) {
                    // SAFETY: the program's callback.
                    unsafe { callback(callbacks.context.0, done.token) };
                }
            }
            Event::Acknowledged {
                kind,
                packet_id,
                reason,
                properties,
            } => {
                // Half way through QoS 2 there is nothing to tell, unless the server says no.
                let told = kind != AckKind::PubRec || reason >= 0x80;
                if let (context, Some(callback), true) =
                    (callbacks.published.0, callbacks.published.1, told)
                {
                    let packet_type: c_int = match kind {
                        AckKind::PubAck => 4,
                        AckKind::PubRec => 5,
                        AckKind::PubRel => 6,
                        AckKind::PubComp => 7,
                    };
                    let mut list = to_c(properties.as_ref());
                    // SAFETY: the program's callback, and a list that outlives the call.
                    unsafe {
                        callback(
                            context.0,
                            packet_id.into(),
                            packet_type,
                            &raw mut list,
                            reason.into(),
                        );
                        properties::free(&raw mut list);
                    }
                }
            }
            Event::ConnectionLost(loss) => {
                if let Some(callback) = callbacks.connection_lost {
                    let why = CString::new(loss.text.replace('\0', " ")).unwrap_or_default();
                    // SAFETY: the program's callback, and a text that outlives the call.
                    unsafe { callback(callbacks.context.0, why.as_ptr().cast_mut()) };
                }
            }
            Event::Disconnected { reason, properties } => {
                if let (context, Some(callback)) = callbacks.disconnected {
                    let mut list = to_c(properties.as_ref());
                    // SAFETY: the program's callback, and a list that outlives the call.
                    unsafe {
                        callback(context.0, &raw mut list, reason.into());
                        properties::free(&raw mut list);
                    }
                }
            }
            Event::StoredMessage(_)
            | Event::Auth { .. }
            | Event::Room
            | Event::Wants
            | Event::TlsError(..)
            | Event::ConnectEnded { .. }
            | Event::Connected { .. }
            | Event::DisconnectEnded { .. } => {}
        }
        Handled::Done
    }
}

fn message_arrived(callbacks: &Callbacks, message: Received) -> Handled<ClientHost> {
    let Some(callback) = callbacks.message_arrived else {
        return Handled::Done;
    };
    // The original tells the length only of a topic that is no C string, unlike in MQTTAsync.
    let told = message.topic_holds_nul();
    let (topic, topic_len, contents) = message.parts();
    let topic_len = if told { topic_len } else { 0 };
    // SAFETY: the program's callback. Returning non-zero it has taken both blocks, otherwise they are still ours.
    if unsafe { callback(callbacks.context.0, topic, topic_len, contents) } != 0 {
        message.taken();
        Handled::Done
    } else {
        Handled::NotTaken(message)
    }
}
