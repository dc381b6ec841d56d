//! From the program's wish for a connection to the connection, and from its loss to the next one.

use std::sync::Arc;
use std::time::Instant;

use super::{
    Attaching, Connecting, Lifecycle, Plan, Reconnect, Reconnecting, Refusal, Signal, State, Task,
    Unwanted, Up,
};
use crate::engine::connection::Connection;
use crate::options::{ConnectOptions, ReconnectOptions};
use crate::protocol::handshake::Handshake;

impl<O> Lifecycle<O> {
    /// Notes that the program asks for a connection. Returns the attempt's epoch; its task is set with
    /// [`set_task`](Self::set_task).
    pub fn connect(&mut self, options: Arc<ConnectOptions>, op: O) -> Result<u64, Refusal> {
        match self.state {
            State::Idle { .. } | State::Reconnecting(_) => {}
            State::Connecting(_) | State::Attaching(_) | State::Up(_) => return Err(Refusal::Busy),
            State::Destroyed => return Err(Refusal::Destroyed),
        }
        self.options = Some(options);
        self.epoch += 1;
        self.state = State::Connecting(Box::new(Connecting {
            op,
            task: None,
            wanted: true,
        }));
        Ok(self.epoch)
    }

    /// Sets the task that carries out what has begun.
    pub fn set_task(&mut self, task: tokio::task::AbortHandle) {
        match &mut self.state {
            State::Connecting(connecting) => connecting.task = Some(Task(task)),
            State::Reconnecting(reconnecting) => reconnecting.task = Some(Task(task)),
            State::Idle { .. } | State::Attaching(_) | State::Up(_) | State::Destroyed => {}
        }
    }

    /// Notes that the program has made a link: the handshake begins on it.
    pub fn attach(
        &mut self,
        options: Arc<ConnectOptions>,
        op: O,
        connection: Connection,
        handshake: Handshake,
        since: Instant,
        deadline: Option<Instant>,
    ) -> Result<(), Refusal> {
        match self.state {
            State::Idle { .. } => {}
            State::Destroyed => return Err(Refusal::Destroyed),
            _ => return Err(Refusal::Busy),
        }
        self.options = Some(options);
        self.epoch += 1;
        self.state = State::Attaching(Box::new(Attaching {
            connection,
            op,
            handshake,
            since,
            deadline,
        }));
        Ok(())
    }

    /// Begins the handshake when what has to be under MQTT on a link of the program's is there. Gives the connection back if
    /// nobody wants it any more.
    #[allow(clippy::result_large_err)] // once a connection, and it is moved anyway
    pub fn attach_prepared(
        &mut self,
        epoch: u64,
        connection: Connection,
        handshake: Handshake,
        since: Instant,
        deadline: Option<Instant>,
    ) -> Result<(), Connection> {
        if self.epoch != epoch {
            return Err(connection);
        }
        match std::mem::replace(&mut self.state, State::Idle { wanted: false }) {
            State::Connecting(connecting) => {
                self.state = State::Attaching(Box::new(Attaching {
                    connection,
                    op: connecting.op,
                    handshake,
                    since,
                    deadline,
                }));
                Ok(())
            }
            other => {
                self.state = other;
                Err(connection)
            }
        }
    }

    /// Notes that the server has accepted the connection on an attached link. Returns what the program attached, and the
    /// bytes behind CONNACK, and when CONNECT was written.
    #[must_use = "the program is told"]
    pub fn accepted(&mut self, session_ends: bool) -> Option<(O, Vec<u8>, Instant)> {
        match std::mem::replace(&mut self.state, State::Idle { wanted: false }) {
            State::Attaching(attaching) => {
                self.state = State::Up(Up {
                    connection: attaching.connection,
                    session_ends,
                    wanted: true,
                    unheard: None,
                    leaving: None,
                });
                Some((
                    attaching.op,
                    attaching.handshake.into_rest(),
                    attaching.since,
                ))
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Returns the handshake that a link carries.
    pub fn handshake_mut(&mut self) -> Option<&mut Handshake> {
        match &mut self.state {
            State::Attaching(attaching) => Some(&mut attaching.handshake),
            _ => None,
        }
    }

    /// Gives up an attempt that no link carries yet. Returns what the program attached.
    #[must_use = "the program is told"]
    pub fn abandon(&mut self) -> Option<O> {
        match std::mem::replace(&mut self.state, State::Idle { wanted: false }) {
            State::Connecting(connecting) => {
                self.epoch += 1;
                Some(connecting.op)
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Notes that an attempt of that epoch has led to a connection. Returns what the program attached to its connect.
    #[must_use = "the program is told"]
    pub fn established(
        &mut self,
        epoch: u64,
        connection: Connection,
        session_ends: bool,
    ) -> Result<Option<O>, Unwanted> {
        if self.epoch != epoch {
            return Err(Unwanted);
        }
        let (op, unheard, wanted) =
            match std::mem::replace(&mut self.state, State::Idle { wanted: false }) {
                State::Connecting(connecting) => (Some(connecting.op), None, connecting.wanted),
                State::Reconnecting(reconnecting) => (None, reconnecting.unheard, true),
                other => {
                    self.state = other;
                    return Err(Unwanted);
                }
            };
        self.state = State::Up(Up {
            connection,
            session_ends,
            wanted,
            unheard,
            leaving: None,
        });
        Ok(op)
    }

    /// Keeps a connect of whose success the program does not hear, but of the next failure of an automatic reconnect.
    pub fn keep_unheard(&mut self, op: O) {
        if let State::Up(up) = &mut self.state {
            up.unheard = Some(Box::new(op));
        }
    }

    /// Notes that the connect of that epoch has failed for good. Returns what the program attached to it.
    #[must_use = "the program is told"]
    pub fn failed(&mut self, epoch: u64) -> Option<O> {
        if self.epoch != epoch {
            return None;
        }
        match std::mem::replace(&mut self.state, State::Idle { wanted: false }) {
            State::Connecting(connecting) => {
                self.state = State::Idle {
                    wanted: connecting.wanted,
                };
                Some(connecting.op)
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Notes that an automatic attempt of that epoch has failed. Returns the connect of which the program has not heard.
    #[must_use = "the program is told"]
    pub fn attempt_failed(&mut self, epoch: u64) -> Option<O> {
        match &mut self.state {
            State::Reconnecting(reconnecting) if self.epoch == epoch => {
                reconnecting.unheard.take().map(|op| *op)
            }
            _ => None,
        }
    }

    /// Notes that the task of the automatic reconnect of that epoch has ended without a connection. Returns true if another
    /// one has to begin.
    #[must_use = "nobody else begins another one"]
    pub fn abandoned(&mut self, epoch: u64) -> bool {
        if self.epoch != epoch || !matches!(self.state, State::Reconnecting(_)) {
            return false;
        }
        self.state = State::Idle { wanted: true };
        true
    }

    /// Begins the automatic reconnect, where the program wants it (`retry` says how) and nothing else goes on.
    #[must_use = "the task that it needs is set with `set_task`"]
    pub fn retry(
        &mut self,
        retry: Option<ReconnectOptions>,
        unheard: Option<Box<O>>,
    ) -> Option<Plan> {
        let options = self.options.clone()?;
        let retry = retry?;
        if !matches!(self.state, State::Idle { wanted: true }) {
            return None;
        }
        self.epoch += 1;
        let signal = Arc::new(Signal::default());
        self.state = State::Reconnecting(Box::new(Reconnecting {
            unheard,
            task: None,
            signal: Arc::clone(&signal),
        }));
        Some(Plan {
            epoch: self.epoch,
            options,
            retry,
            signal,
        })
    }

    /// Takes over the new options that the program has given the automatic reconnect of that epoch.
    pub fn refresh(&mut self, epoch: u64, options: &Arc<ConnectOptions>) {
        if self.epoch == epoch {
            self.options = Some(Arc::clone(options));
        }
    }

    /// Notes that the program asks for the next attempt now.
    pub fn reconnect(&self) -> Result<Reconnect, Refusal> {
        match &self.state {
            State::Reconnecting(reconnecting) => {
                reconnecting.signal.give();
                Ok(Reconnect::Signalled)
            }
            State::Idle { .. } => {
                let options = self.options.clone().ok_or(Refusal::NoOptions)?;
                Ok(Reconnect::Connect(options))
            }
            State::Connecting(_) | State::Attaching(_) | State::Up(_) => Err(Refusal::Busy),
            State::Destroyed => Err(Refusal::Destroyed),
        }
    }
}
