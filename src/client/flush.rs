//! Writing the outbound stream to the socket.
//!
//! Whoever adds to the stream flushes it, on its own thread, when no other thread is doing so: the lowest latency there
//! is. A thread that finds another one flushing leaves its bytes to it.

use std::io::{self, IoSlice};
use std::time::Instant;

use crate::protocol::outbound::Batch;
use crate::transport::Link;

use super::host::Host;
use super::reactor::reactor;
use super::state::{Client, Guard, Writer};

/// A caller does not write others' bytes for ever: after so many rounds the reactor goes on.
const ROUNDS: usize = 3;

impl<H: Host> Client<H> {
    /// Writes what is there, as far as the socket takes it. The mutex is released while writing.
    pub(super) fn flush<'a>(&'a self, mut core: Guard<'a, H>) -> Guard<'a, H> {
        for _ in 0..ROUNDS {
            let state = &mut *core.core;
            let Some(connection) = &mut state.connection else {
                return core;
            };
            let mut batch = match std::mem::replace(&mut connection.writer, Writer::Busy) {
                Writer::Busy => return core,
                Writer::Blocked(batch) if !connection.writable => {
                    connection.writer = Writer::Blocked(batch);
                    return core;
                }
                Writer::Idle(batch) if state.io.out.is_empty() => {
                    connection.writer = Writer::Idle(batch);
                    return core;
                }
                Writer::Blocked(batch) | Writer::Idle(batch) => batch,
            };
            connection.writable = false;
            if batch.is_empty() {
                state.io.out.take(&mut batch);
            }
            let link = std::sync::Arc::clone(&connection.link);
            let epoch = state.epoch;
            drop(core);
            let result = write(&link, &mut batch);
            core = self.lock();
            if core.epoch != epoch {
                // That connection is gone, and its writer with it.
                return core;
            }
            let state = &mut *core.core;
            let Some(connection) = &mut state.connection else {
                return core;
            };
            let position = batch.written();
            state.written = position;
            state.session.written(Instant::now(), position);
            state.io.written(position);
            match result {
                Ok(()) => connection.writer = Writer::Idle(batch),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    connection.writer = Writer::Blocked(batch);
                }
                Err(error) => {
                    self.lose(&mut core, &error.to_string());
                    return core;
                }
            }
        }
        if !core.io.out.is_empty() {
            if let Ok(reactor) = reactor() {
                reactor.schedule(self.key);
            }
        }
        core
    }
}

/// Writes until all is written or the socket takes no more.
pub(super) fn write(link: &Link, batch: &mut Batch) -> io::Result<()> {
    while !batch.is_empty() {
        let result = {
            let mut slices: Vec<IoSlice<'_>> = Vec::new();
            batch.slices(&mut slices);
            link.write(&slices)
        };
        match result {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => batch.advance(n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    link.flush()
}
