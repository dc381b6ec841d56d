//! What a client needs of the program it works for.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::options::ConnectOptions;
use crate::persistence::RecordKey;
use crate::protocol::Version;
use crate::protocol::packet::{AckKind, Publish};
use crate::protocol::property::Properties;
use crate::protocol::session::{AckToken, Completion, Token};
use crate::transport::Stage;

/// The program behind a client: what its messages look like and what it wants to be told.
pub trait Host: Send + Sync + Sized + 'static {
    /// The program's functions may take long and call this library: only the reactor's threads run them, and see to it that
    /// another one waits for events meanwhile. Where this is false any thread may have them run, at once.
    const BLOCKS: bool = true;

    /// A received message as the program gets it.
    type Message: Send;
    /// What the program attached to an operation.
    type Op: Send;

    /// Makes the owned form of a received message; none for want of memory.
    fn message(publish: &Publish<'_>) -> Option<Self::Message>;
    /// Lends what a message holds.
    fn with_contents<R>(message: &Self::Message, read: impl FnOnce(&Publish<'_>) -> R) -> R;
    /// Returns roughly how many bytes a message holds, for the limit of the inbound queue.
    fn message_size(message: &Self::Message) -> usize;
    /// Attaches the token by which the program has to acknowledge this message, which goes into its queue.
    fn needs_acknowledgement(_message: &mut Self::Message, _token: AckToken) {}
    /// Returns true if the program wants to see the message when this operation ends.
    fn wants_packet(op: &Self::Op) -> bool;
    /// Returns true if somebody wants to know when this operation ends.
    fn tracks(op: &Self::Op) -> bool;
    /// Takes the end of an operation for which no callback is to be run, at once and under the client's lock; gives
    /// back the others. `hears_of_deliveries`: the program has a callback for the end of each publish, now: it may have set that
    /// after the publish.
    fn settle(
        done: Completion<Self::Op>,
        hears_of_deliveries: bool,
    ) -> Option<Completion<Self::Op>>;
    /// Returns which callback is run for the end of an operation, for the trace.
    fn completion_name(op: &Self::Op, token: Token, succeeded: bool, client: &str) -> String;
    /// Works as [`settle`](Self::settle), for the end of a connect.
    fn settle_connect(op: Self::Op, result: ConnectResult) -> ConnectEnd<Self::Op>;
    /// Returns true if the program has a callback for [`Event::Connected`].
    fn hears_of_connections(&self) -> bool;
    /// Returns the options to use from now on, before an automatic reconnect, where the program wants to change them. Runs
    /// the program's callback; no lock is held; the thread may block.
    fn refresh(&self, options: &ConnectOptions) -> Option<ConnectOptions>;
    /// Runs the program's callback. No lock is held; the thread may block.
    fn handle(&self, event: Event<Self>) -> Handled<Self>;
    /// Takes the messages at the beginning of a batch over, as [`handle`](Self::handle) does with each: all of them are
    /// [kept](Handled::Kept). Called under the batch's lock, and only where the host does not [block](Self::BLOCKS).
    fn keep_messages(&self, _batch: &mut VecDeque<Event<Self>>) {}
    /// All events that there were have been handled: a host that collects them passes them on. No lock is held.
    fn handled_all(&self) {}
    /// Has the end of an operation tell of the next one's too, if that is possible. Returns false if it is not.
    fn joins(_last: &mut Completion<Self::Op>, _next: &Completion<Self::Op>) -> bool {
        false
    }
    /// Takes the first `count` operations off those that an end tells of, which are more: the reverse of
    /// [`joins`](Self::joins). None: a host that joins none.
    fn split(_done: &mut Completion<Self::Op>, _count: u64) -> Option<Completion<Self::Op>> {
        None
    }
}

/// What becomes of the end of a connect.
pub enum ConnectEnd<O> {
    /// A callback is to be run.
    Tell(O, ConnectResult),
    /// The program is not told of this success, but of the next failure: the original keeps an onFailure without onSuccess
    /// until an automatic reconnect fails.
    Keep(O),
    /// There is nothing more to do.
    Done,
}

/// Hands a line of one account of OpenSSL's over, unless the program has heard enough of that.
pub type Teller = Arc<dyn Fn(&str) + Send + Sync>;

/// A connection that the server accepted.
#[derive(Debug, Clone)]
pub struct Connected {
    /// The URI that worked, as the program wrote it.
    pub server_uri: String,
    /// It is one of the options' list, not the one the client was created with.
    pub listed: bool,
    /// The version in use.
    pub version: Version,
    /// The server resumes the session.
    pub session_present: bool,
    /// Reason code of CONNACK.
    pub reason: u8,
    /// Properties of CONNACK.
    pub properties: Properties,
}

/// Why no server accepted the connection: what the last attempt met.
#[derive(Debug, Clone)]
pub struct ConnectFailure {
    /// Return code or reason code of a CONNACK that refused.
    pub refused: Option<u8>,
    /// Properties of that CONNACK.
    pub properties: Properties,
    /// In words: the stage and the system's, OpenSSL's or the server's reason.
    pub message: String,
    /// The step that failed; none once the server was there to talk MQTT with.
    pub stage: Option<Stage>,
    /// The system's error number.
    pub os_error: Option<i32>,
    /// OpenSSL's account, line by line, until the program has been told.
    pub(super) details: Vec<String>,
}

impl ConnectFailure {
    pub(super) fn new(stage: Option<Stage>, message: String) -> Self {
        Self {
            refused: None,
            properties: Properties::new(),
            message,
            stage,
            os_error: None,
            details: Vec::new(),
        }
    }
}

/// How a connect ended.
pub type ConnectResult = Result<Box<Connected>, Box<ConnectFailure>>;

/// Something to tell the program.
pub enum Event<H: Host> {
    /// A message has arrived; with a store, its `q-` record.
    Message(H::Message, Option<RecordKey>),
    /// A message that is in the store only, under that key.
    StoredMessage(RecordKey),
    /// An operation has ended.
    Completed(Completion<H::Op>),
    /// A publish was acknowledged by a packet of this kind.
    Acknowledged {
        /// The kind.
        kind: AckKind,
        /// Packet identifier.
        packet_id: u16,
        /// Reason code.
        reason: u8,
        /// Properties of the packet.
        properties: Properties,
    },
    /// A connect that the program asked for has succeeded or failed.
    ConnectEnded {
        /// What the program attached.
        op: H::Op,
        /// How it ended.
        result: ConnectResult,
    },
    /// A connection was established.
    Connected {
        /// The program has been told by [`ConnectEnded`](Self::ConnectEnded) already.
        told: bool,
    },
    /// One line of OpenSSL's account of why a connect fails, or a connection was lost, as the next events tell. The
    /// client itself calls the function. One at a time, so that none follows when a line's callback destroys the client.
    TlsError(Teller, String),
    /// The connection was lost.
    ConnectionLost(Loss),
    /// The server said AUTH.
    Auth {
        /// Its reason code.
        reason: u8,
        /// Its properties.
        properties: Properties,
    },
    /// A publish was refused because too much was waiting, and there is room again.
    Room,
    /// What the program's driving thread should wait for has changed.
    Wants,
    /// The server said DISCONNECT.
    Disconnected {
        /// Its reason code.
        reason: u8,
        /// Its properties.
        properties: Properties,
    },
    /// A disconnect that the program asked for is done.
    DisconnectEnded {
        /// What the program attached.
        op: H::Op,
        /// DISCONNECT was said; else the connection ended before.
        said: bool,
    },
}

impl<H: Host> Event<H> {
    /// Returns the token of the operation of whose end it tells, if of any.
    pub fn ended(&self) -> Option<Token> {
        match self {
            Self::Completed(done) => Some(done.token),
            // The token of a publish is its packet identifier, but for those that waited in a store.
            Self::Acknowledged { packet_id, .. } => Some(Token::from(*packet_id)),
            _ => None,
        }
    }

    /// Returns true if it tells of the end of the operation with that token, or of any.
    pub fn ends(&self, token: Option<Token>) -> bool {
        let ended = self.ended();
        ended.is_some() && (token.is_none() || ended == token)
    }
}

/// Why a connection was lost.
#[derive(Debug, Clone)]
pub struct Loss {
    /// What ended it.
    pub cause: LossCause,
    /// In words.
    pub text: String,
    /// The system's error number.
    pub os_error: Option<i32>,
    /// The reason code that fits.
    pub reason: u8,
}

/// What ends a connection that nobody wanted to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossCause {
    /// The server closed it.
    Closed,
    /// The socket, or something above it, failed.
    Transport,
    /// The server did not answer PINGREQ.
    KeepAlive,
    /// The server broke the protocol.
    Protocol,
    /// A received message could not be stored.
    NotStored,
    /// The program gave it up.
    Aborted,
}

impl Loss {
    /// Makes a loss of that cause.
    pub fn new(cause: LossCause, text: impl Into<String>) -> Self {
        Self {
            cause,
            text: text.into(),
            os_error: None,
            reason: 0,
        }
    }
}

impl From<std::io::Error> for Loss {
    fn from(error: std::io::Error) -> Self {
        Self {
            os_error: error.raw_os_error(),
            ..Self::new(LossCause::Transport, error.to_string())
        }
    }
}

impl From<crate::protocol::error::Malformed> for Loss {
    fn from(error: crate::protocol::error::Malformed) -> Self {
        Self {
            reason: error.reason,
            ..Self::new(LossCause::Protocol, error.what)
        }
    }
}

/// What became of an event.
pub enum Handled<H: Host> {
    /// The host keeps the message. It counts as queued until [`Client::taken`](super::Client::taken) says that the program
    /// has it, which also ends its record.
    Kept,
    /// Done with.
    Done,
    /// The program did not take the message: it is to be offered again.
    NotTaken(H::Message),
}
