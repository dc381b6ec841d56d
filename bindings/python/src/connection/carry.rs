//! Carrying a connection on a socket: who writes, who reads, who waits.

use std::sync::Arc;
use std::time::Instant;

use paho_oxide::os::lock::MutexGuard;
use paho_oxide::protocol::outbound::Batch;

use super::state::{Inbound, Link, State};
use super::{Shared, rc};
use crate::descriptor::{self, Io};

/// How much one read asks for.
const CHUNK: usize = 64 * 1024;

impl Shared {
    /// Writes what waits, unless another thread is at it.
    pub fn write(&self) {
        let mut guard = self.lock();
        loop {
            let state = &mut *guard;
            let Link::Socket(socket) = &state.link else {
                return;
            };
            let Some(mut batch) = state.batch.take() else {
                return;
            };
            if batch.is_empty() {
                if state.io.out.is_empty() {
                    state.batch = Some(batch);
                    return;
                }
                state.io.out.take(&mut batch);
            }
            let socket = Arc::clone(socket);
            let epoch = state.epoch;
            drop(guard);
            let io = descriptor::write(&socket, &mut batch);
            let now = Instant::now();
            guard = self.lock();
            let state = &mut *guard;
            if state.epoch != epoch {
                // The bytes were another connection's.
                state.batch = Some(Batch::default());
                continue;
            }
            let position = batch.written();
            state.last_write = now;
            state.written(position, now);
            state.blocked = !batch.is_empty();
            state.batch = Some(batch);
            self.room.notify_all();
            match io {
                Io::Some(_) if !state.blocked => continue,
                Io::Closed | Io::Failed(_) => state.fail(rc::CONN_LOST),
                _ => {}
            }
            self.tell_waiting(guard);
            return;
        }
    }

    /// Has the thread that waits in [`turn`](Self::turn) look again: it waits for what there was to wait for when it began, and another
    /// thread has read or written since. That may read again, tell what came, or wait for room.
    pub(super) fn tell_waiting(&self, mut state: MutexGuard<'_, State>) {
        let ring = state.waiting && !state.rung;
        state.rung |= ring;
        drop(state);
        if ring {
            self.alarm.ring();
        }
    }

    /// Reads once and processes it, unless another thread is at it; returns true if something came.
    pub fn read(&self) -> bool {
        let mut guard = self.lock();
        let state = &mut *guard;
        if !state.may_read() {
            return false;
        }
        let Link::Socket(socket) = &state.link else {
            return false;
        };
        let Some(mut inbound) = state.inbound.take() else {
            return false;
        };
        let socket = Arc::clone(socket);
        let epoch = state.epoch;
        drop(guard);
        if inbound.bytes.len() - inbound.filled < CHUNK / 4 {
            inbound.bytes.resize(inbound.filled + CHUNK, 0);
        }
        let io = descriptor::read(&socket, &mut inbound.bytes[inbound.filled..]);
        let now = Instant::now();
        let mut guard = self.lock();
        let state = &mut *guard;
        if state.epoch != epoch {
            state.inbound = Some(Inbound::default());
            self.tell_waiting(guard);
            return false;
        }
        let came = match io {
            Io::Some(n) => {
                inbound.filled += n;
                let unread = state.io.unread;
                let used = state.process(&inbound.bytes[..inbound.filled], now);
                // A server that has Nagle's algorithm on, as mosquitto has, holds the answer to a publish back until the message
                // before it is acknowledged; this side's TCP takes 40 ms for that if it has nothing to send.
                if state.io.unread > unread
                    && state.io.out.is_empty()
                    && state.session.has_unfinished_publishes()
                {
                    descriptor::acknowledge_at_once(&socket);
                }
                inbound.bytes.copy_within(used..inbound.filled, 0);
                inbound.filled -= used;
                if inbound.filled == 0 && inbound.bytes.len() > 4 * CHUNK {
                    inbound.bytes = Vec::new();
                }
                true
            }
            Io::Nothing => false,
            Io::Closed | Io::Failed(_) => {
                state.fail(rc::CONN_LOST);
                true
            }
        };
        state.inbound = Some(inbound);
        self.tell_waiting(guard);
        came
    }

    /// Carries the connection until there is something to tell or the time has come; one round only if `once`.
    pub fn turn(&self, deadline: Instant, once: bool) {
        loop {
            self.write();
            let now = Instant::now();
            let mut guard = self.lock();
            let state = &mut *guard;
            state.tick(now);
            if state.fault.is_some() || state.is_closed_out() {
                return;
            }
            if !state.io.events.is_empty() {
                return;
            }
            if !state.has_link()
                || (state.stop && state.io.numbers.outstanding() == 0 && !state.wants_write())
            {
                return;
            }
            if state.batch.as_ref().is_some_and(Batch::is_empty) && !state.io.out.is_empty() {
                continue; // the tick had something to say
            }
            if (now >= deadline && !once) || state.hurry {
                return;
            }
            let until = state.deadline().map_or(deadline, |due| due.min(deadline));
            let socket = match &state.link {
                Link::Socket(socket) => Some(Arc::clone(socket)),
                _ => None,
            };
            let (read, write) = (state.may_read(), state.blocked);
            state.waiting = true;
            drop(guard);
            let ready = descriptor::wait(
                socket.as_deref().map(|socket| (socket, read, write)),
                &self.alarm,
                until.saturating_duration_since(now),
            );
            let mut guard = self.lock();
            guard.waiting = false;
            if ready.alarm {
                guard.rung = false;
                self.alarm.reset();
            }
            drop(guard);
            if ready.interrupted {
                return;
            }
            if ready.read {
                self.read();
            }
            if once {
                self.write();
                self.lock().tick(Instant::now());
                return;
            }
        }
    }
}
