//! The program of these tests.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use super::{PATIENCE, publish};
use crate::engine::{ConnectEnd, ConnectResult, Event, Handled, Host};
use crate::options::ConnectOptions;
use crate::os::ThreadId;
use crate::os::lock::{Condvar, Mutex};
use crate::protocol::QoS;
use crate::protocol::packet::Publish;
use crate::protocol::session::{AckToken, Completion, Outcome, Token};

/// A function that the program runs inside its next callback.
type Inside = Box<dyn FnOnce() + Send>;

/// A program that notes what it hears. Its functions may take long where it `BLOCKS`, and reactor threads run them; else any
/// thread does. Payloads that begin with "panic" make it panic: "panic in message" while the message is made, under the client's
/// mutex, others in the callback.
#[derive(Default)]
pub struct Program<const BLOCKS: bool> {
    heard: Mutex<Vec<String>>,
    changed: Condvar,
    pub inside: Mutex<Option<Inside>>,
    /// It takes no messages for now.
    pub refuses: AtomicBool,
    /// It keeps messages, and says later that it has taken them.
    pub keeps: AtomicBool,
    /// It notes what the thread that drives for it has to wait for: that there is something new.
    pub hears_wants: AtomicBool,
    /// How often it was told that all events have been handled.
    pub handled_all: AtomicUsize,
    /// The thread that was the last to run a callback.
    pub thread: Mutex<Option<ThreadId>>,
    /// How the connects ended of which it was told.
    pub connects: Mutex<Vec<ConnectResult>>,
    /// What it answers when it is asked for new options.
    pub fresh: Mutex<Option<ConnectOptions>>,
}

impl<const BLOCKS: bool> Program<BLOCKS> {
    /// Returns what the program has heard since it was last asked.
    pub fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock())
    }

    /// Notes what a function says that the program runs inside a callback.
    pub fn note(&self, what: &str) {
        self.heard.lock().push(what.to_owned());
        self.changed.notify_all();
    }

    /// Waits until the program has heard so many things that it was not asked for, and returns them.
    pub fn wait_for(&self, count: usize) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut heard = self.heard.lock();
        while heard.len() < count {
            let late = self.changed.wait_until(&mut heard, deadline).timed_out();
            assert!(!late, "{count} events in time, there are: {heard:?}");
        }
        heard.clone()
    }
}

impl<const BLOCKS: bool> Host for Program<BLOCKS> {
    const BLOCKS: bool = BLOCKS;
    type Message = Vec<u8>;
    type Op = &'static str;

    fn message(publish: &Publish<'_>) -> Option<Vec<u8>> {
        assert_ne!(publish.payload, b"panic in message");
        Some(publish.payload.to_vec())
    }

    fn with_contents<R>(message: &Vec<u8>, read: impl FnOnce(&Publish<'_>) -> R) -> R {
        read(&publish(QoS::AtLeastOnce, message))
    }

    fn message_size(message: &Vec<u8>) -> usize {
        message.len()
    }

    /// Notes the token as a character behind the message.
    fn needs_acknowledgement(message: &mut Vec<u8>, _: AckToken) {
        message.push(b'#');
    }

    fn handled_all(&self) {
        self.handled_all.fetch_add(1, Ordering::Relaxed);
    }

    fn wants_packet(_: &&'static str) -> bool {
        false
    }

    fn tracks(_: &&'static str) -> bool {
        true
    }

    fn settle(done: Completion<&'static str>, _: bool) -> Option<Completion<&'static str>> {
        Some(done)
    }

    fn completion_name(_: &&'static str, _: Token, _: bool, _: &str) -> String {
        String::new()
    }

    /// An operation "quiet" is a connect of whose success the program does not hear.
    fn settle_connect(op: &'static str, result: ConnectResult) -> ConnectEnd<&'static str> {
        match (op, &result) {
            ("quiet", Ok(_)) => ConnectEnd::Keep(op),
            _ => ConnectEnd::Tell(op, result),
        }
    }

    /// A program whose functions may take long has no function for this event.
    fn hears_of_connections(&self) -> bool {
        !BLOCKS
    }

    fn refresh(&self, _: &ConnectOptions) -> Option<ConnectOptions> {
        self.fresh.lock().take()
    }

    fn handle(&self, event: Event<Self>) -> Handled<Self> {
        let mut handled = Handled::Done;
        let what = match event {
            Event::Message(message, _) => {
                assert!(!message.starts_with(b"panic"));
                let text = String::from_utf8_lossy(&message).into_owned();
                if self.refuses.load(Ordering::Relaxed) {
                    handled = Handled::NotTaken(message);
                    format!("{text}?")
                } else {
                    if self.keeps.load(Ordering::Relaxed) {
                        handled = Handled::Kept;
                    }
                    text
                }
            }
            Event::StoredMessage(_) | Event::TlsError(..) => unreachable!("the dispatcher's own"),
            Event::Completed(done) => {
                let failed = matches!(done.outcome, Outcome::Failed(_));
                format!("{} {}", done.op, if failed { "failed" } else { "ended" })
            }
            Event::Acknowledged {
                kind, packet_id, ..
            } => format!("{kind:?} {packet_id}"),
            Event::ConnectEnded { op, result } => {
                let what = match &result {
                    Ok(_) => format!("{op} up"),
                    Err(failure) => format!("{op} failed: {}", failure.message),
                };
                self.connects.lock().push(result);
                what
            }
            Event::Connected { .. } if BLOCKS => return handled,
            Event::Connected { told } => if told { "connected" } else { "connected again" }.into(),
            Event::ConnectionLost(loss) => format!("lost: {}", loss.text),
            Event::Auth { reason, .. } => format!("auth {reason}"),
            Event::Room => "room".into(),
            Event::Wants if !self.hears_wants.load(Ordering::Relaxed) => return handled,
            Event::Wants => "wants".into(),
            Event::Disconnected { reason, .. } => format!("server left: {reason}"),
            Event::DisconnectEnded { op, said } => format!("{op} done, said: {said}"),
        };
        *self.thread.lock() = Some(ThreadId::current());
        self.heard.lock().push(what);
        self.changed.notify_all();
        let inside = self.inside.lock().take();
        if let Some(function) = inside {
            function();
        }
        handled
    }
}
