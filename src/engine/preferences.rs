//! What a program of the Paho APIs sets and asks beside what these know: options by name, its last error, acknowledgements.

use std::borrow::Cow;

use crate::options::{ConnectOptions, ManualAcks, Preferences, ReconnectOptions};
use crate::protocol::Version;
use crate::protocol::session::{self, Acknowledge, HandOver};

use super::core::{Client, Core, Error, Thread};
use super::delivery::queue::Driver;
use super::host::Host;
use super::last_error::{LastError, Numbers};

impl<H: Host> Client<H> {
    /// Returns what the program has set.
    pub fn preferences(&self) -> Preferences {
        self.lock().preferences().into_owned()
    }

    /// Has the program set something. What `change` refuses is not changed.
    pub fn prefer<E>(
        &self,
        change: impl FnOnce(&mut Preferences) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut core = self.lock();
        let mut new = core.preferences().into_owned();
        change(&mut new)?;
        // What cannot change in the middle of a connection is told when the next one begins.
        core.session.set_resubscribe(new.resubscribe);
        core.session
            .set_outbound_topic_aliases(new.outbound_topic_aliases);
        core.preferences = (new != Preferences::default()).then(|| Box::new(new));
        Ok(())
    }

    /// Returns the last thing that went wrong, with its number, which counts from 1.
    pub fn last_error(&self) -> Option<(u64, LastError)> {
        self.lock().outputs.errors.last()
    }

    /// Notes that something has gone wrong.
    pub fn note_error(&self, error: LastError) {
        self.lock().outputs.errors.note(error);
    }

    /// Notes that a call was refused, as [`Errors::note_call`](super::last_error::Errors::note_call).
    pub fn note_refused_call(&self, code: i32, unconnected: bool, text: String, numbers: Numbers) {
        let mut core = self.lock();
        let errors = &mut core.outputs.errors;
        errors.note_call(code, unconnected, text, numbers);
    }

    /// Returns true if the reactor's threads run the program's callbacks.
    pub fn is_asynchronous(&self) -> bool {
        self.lock().outputs.queue.driver() == Driver::Reactor
    }

    /// Takes the program's acknowledgement of the message that it knows by this [`message_id`](session::message_id). Returns
    /// false if none such waits for it.
    pub fn acknowledge_message(&self, message_id: i32) -> Result<bool, Error> {
        let mut core = self.alive()?;
        let Some(token) = core.session.ack_token_of(message_id) else {
            return Ok(false);
        };
        let (session, outputs) = core.parts();
        let given = session.acknowledge(token, 0, outputs);
        drop(self.settle(core, Thread::Caller));
        Ok(given?)
    }

    /// Returns the options of an attempt, with what the program has set; none: nothing that changes them. Boxed, as the task of
    /// each client that connects keeps room for this.
    pub(super) fn with_preferences(&self, options: &ConnectOptions) -> Option<Box<ConnectOptions>> {
        match self.lock().preferences.as_ref()?.applied(options) {
            Cow::Owned(changed) => Some(Box::new(changed)),
            Cow::Borrowed(_) => None,
        }
    }
}

impl<H: Host> Core<H> {
    fn preferences(&self) -> Cow<'_, Preferences> {
        match &self.preferences {
            Some(preferences) => Cow::Borrowed(preferences),
            None => Cow::Owned(Preferences::default()),
        }
    }

    /// Returns how the automatic reconnect works, if there is one.
    pub(super) fn reconnect(&self) -> Option<ReconnectOptions> {
        let asked = self.lifecycle.options()?.reconnect;
        match &self.preferences {
            Some(preferences) => preferences.reconnect(asked),
            None => asked,
        }
    }

    /// Returns how many bytes the publishes that wait may hold.
    pub(super) fn max_buffered_bytes(&self) -> usize {
        let preferences = self.preferences.as_ref();
        preferences
            .and_then(|preferences| preferences.max_buffered_bytes)
            .unwrap_or(usize::MAX)
    }

    /// A connection begins: tells the session what the program has set. Without preferences all is as it was created.
    pub(super) fn begin_with_preferences(&mut self, version: Version, options: session::Options) {
        let Some(preferences) = self.preferences.as_deref() else {
            self.session.set_options(options);
            return;
        };
        self.session.set_options(session::Options {
            resubscribe: preferences.resubscribe,
            outbound_topic_aliases: preferences.outbound_topic_aliases,
            resolve_topic_aliases: preferences.resolve_topic_aliases,
            ..options
        });
        let ordered = match preferences.manual_acks {
            ManualAcks::Off => {
                self.session.set_acknowledge(Acknowledge::OnArrival);
                return;
            }
            ManualAcks::Ordered => true,
            ManualAcks::Unordered => false,
        };
        // Below MQTT 5 a record of a received message is one that the program has not seen (see
        // `Session::on_exactly_once`), so with a store the message is handed over at its PUBREL. Without one it would be lost
        // with the process once PUBREC was sent: that waits for the program instead.
        let exactly_once = if version < Version::V5 && self.outputs.records.is_some() {
            HandOver::Release
        } else {
            HandOver::Publish
        };
        self.session.set_acknowledge(Acknowledge::ByProgram {
            ordered,
            exactly_once,
        });
    }
}
