//! The program's own thread in place of the reactor's: it reads, writes, or keeps the time, when it likes.
//!
//! What the reactor's threads do for a connection can be divided: reading, writing what the socket did not take at once,
//! and doing what becomes due. Each can be the program's, and be given back, at any time. Nothing is lost by that, because
//! whatever is left to do is a state of the connection (`reader`, `writer`) and not an event.

use std::time::{Duration, Instant};

use crate::reactor::reactor;

use super::core::{Client, Core, Guard, Thread};
use super::driving::Work;
use super::host::{Event, Host};

/// Reads of one call: a caller that drives one connection has others to see to.
const READS: usize = 16;

impl<H: Host> Client<H> {
    /// Sets what the program's own thread does. The reactor does the rest.
    pub fn set_driver(&self, by_program: Work) {
        let mut core = self.lock();
        let before = std::mem::replace(&mut core.driving.by_program, by_program);
        core.driving.told = Work::NONE;
        core.driving.told_deadline = None;
        if by_program.read {
            let writes = !by_program.write;
            if let Some(connection) = core.lifecycle.connection_mut() {
                if connection.is_watched() {
                    if let Ok(reactor) = reactor() {
                        connection.unwatch(reactor);
                        if writes && connection.writer.is_blocked() {
                            self.watch_for_writer(&mut core);
                        }
                    }
                }
            }
        } else {
            self.watch_in_time(&mut core);
        }
        if before.write && !by_program.write {
            // The socket may have got room without an event.
            if let Some(connection) = core.lifecycle.connection_mut() {
                connection.writer.may_have_room();
            }
        }
        if let (true, Some(connection)) = (by_program.write, core.lifecycle.connection_mut()) {
            connection.pace.end();
        }
        drop(self.settle(core, Thread::Caller));
    }

    /// Does the work of that kind that there is, on this thread. Returns what to wait for.
    pub fn perform(&self, work: Work) -> Work {
        let mut core = self.work(work);
        // The answer tells all of it. An event for what is more to read would come again with each call that does not read.
        core.driving.told = Work {
            more: true,
            ..Work::ALL
        };
        let mut core = self.settle(core, Thread::Caller);
        core.tell()
    }

    /// Works as [`perform`](Self::perform), inside a call that does not tell its caller what to wait for: an event tells what has
    /// become possible. Returns what there is to wait for.
    pub fn perform_untold(&self, work: Work) -> Work {
        let core = self.work(work);
        let mut core = self.settle(core, Thread::Caller);
        let wants = core.wants();
        // What is over has to be told again when it comes back.
        core.driving.told = core.driving.told.both(wants);
        wants
    }

    fn work(&self, work: Work) -> Guard<'_, H> {
        let mut core = self.lock();
        if work.tick {
            self.pass_time(&mut core);
        }
        if work.write {
            if let Some(connection) = core.lifecycle.connection_mut() {
                connection.writer.may_have_room();
            }
        }
        if work.read {
            match core.lifecycle.connection_mut() {
                Some(connection) if work.level => connection.reader.may_have_data(),
                // An edge-triggered poller, as Go's, tells of data and of the peer's end behind them once, together, and the
                // program does not say which it was: reading has to go on until nothing is left.
                Some(connection) => connection.reader.peer_ended(),
                None => {}
            }
            for _ in 0..READS {
                let due = core
                    .lifecycle
                    .connection()
                    .is_some_and(|connection| connection.reader.is_due());
                if !due || !core.may_read() {
                    break;
                }
                core = self.read_some(core);
            }
        }
        core
    }

    /// Writes what waits where the program carries the bytes. Returns false if there was nothing.
    pub fn write_carried(&self) -> bool {
        let waits = self.lock().wants().write;
        if waits {
            self.perform_untold(Work {
                write: true,
                ..Work::NONE
            });
        }
        waits
    }

    /// Reads on where the program carries the bytes and what held the reading up is over: messages were taken or acknowledged, or
    /// the acknowledgements were written. The program may have nothing more to feed.
    pub fn read_carried(&self) {
        let core = self.lock();
        let due = core.driving.carried && core.wants().more;
        drop(core);
        if due {
            self.perform_untold(Work {
                read: true,
                ..Work::NONE
            });
        }
    }

    /// Returns what the program's thread should wait for.
    pub fn wants(&self) -> Work {
        self.lock().tell()
    }

    /// Returns how long until [`perform`](Self::perform) has something due; none: never.
    pub fn due_in(&self) -> Option<Duration> {
        let mut core = self.lock();
        core.tell();
        let at = core.driving.told_deadline?;
        Some(at.saturating_duration_since(Instant::now()))
    }

    /// Tells the program if its thread has something new to wait for.
    pub(super) fn tell_wants(core: &mut Guard<'_, H>) {
        if core.driving.by_program.is_none() && !core.driving.carried {
            return;
        }
        let next = core.alarm_of_program();
        let wants = core.wants_with(next);
        let earlier = core.driving.by_program.tick
            && match (next, core.driving.told_deadline) {
                (Some(next), Some(told)) => next < told,
                (next, told) => next.is_some() && told.is_none(),
            };
        if wants.has_what_was_not_in(core.driving.told) || earlier {
            core.driving.told = wants;
            core.driving.told_deadline = next;
            core.outputs.tell(Event::Wants);
        }
    }
}

impl<H: Host> Core<H> {
    fn wants(&self) -> Work {
        self.wants_with(self.alarm_of_program())
    }

    /// Returns the next alarm, if the program keeps the time.
    fn alarm_of_program(&self) -> Option<Instant> {
        self.driving.ticks().then(|| self.next_alarm()).flatten()
    }

    /// Works as [`wants`](Self::wants), where the next alarm is known.
    fn wants_with(&self, next: Option<Instant>) -> Work {
        let by = &self.driving;
        let Some(connection) = self.lifecycle.connection() else {
            return Work::NONE;
        };
        let may_read = self.may_read();
        Work {
            read: by.reads() && may_read,
            write: by.writes()
                && (connection.writer.is_blocked()
                    || connection.link().has_unsent()
                    // Left by a publish that shall be written later, or when a call's turns were over.
                    || (connection.writer.is_idle() && !self.outputs.out.is_empty())),
            tick: by.ticks() && next.is_some(),
            more: by.reads() && may_read && connection.reader.is_due(),
            level: false,
        }
    }

    /// Returns what `wants` does, and notes that the program knows it.
    fn tell(&mut self) -> Work {
        let next = self.next_alarm();
        let wants = self.wants_with(next);
        self.driving.told = wants;
        self.driving.told_deadline = next;
        wants
    }
}
