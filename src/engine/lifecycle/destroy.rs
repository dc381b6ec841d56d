//! The end of a client.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::disconnect::has_said_disconnect;
use crate::engine::core::{Client, Core};
use crate::engine::host::{Event, Host};
use crate::engine::runtime::is_connecting_thread;
use crate::os::ThreadId;
use crate::protocol::property::PropertiesRef;
use crate::protocol::reason;
use crate::reactor::{Reactor, reactor};

/// How long destroy waits for the options of an attempt that is under way. The threads that connect wait for no network: only
/// the driver of a token, a file system or a trace function of the program's could hold them up for so long.
const ATTEMPT_GRACE: Duration = Duration::from_secs(2);

/// A task that connects, or a handshake of its that waits for the program: while it is there, so are passwords and keys.
struct Attempt<H: Host>(Arc<Client<H>>);

impl<H: Host> Drop for Attempt<H> {
    fn drop(&mut self) {
        let mut core = self.0.lock();
        core.attempts -= 1;
        if core.waiters > 0 {
            self.0.changed.notify_all();
        }
    }
}

impl<H: Host> Client<H> {
    /// Notes that a task begins which connects. The task has what is returned until its end.
    pub(in crate::engine) fn present(
        self: &Arc<Self>,
        core: &mut Core<H>,
    ) -> Arc<dyn Any + Send + Sync> {
        core.attempts += 1;
        Arc::new(Attempt(Arc::clone(self)))
    }

    /// Ends the client. What is pending fails, and its callbacks run here, before this returns; none runs after. A connect
    /// that is under way is abandoned without a word, as in the original: what its callback uses may be gone.
    /// What a store holds stays there.
    pub fn destroy(&self) {
        let mut core = self.lock();
        if core.lifecycle.is_destroyed() {
            return;
        }
        if core.lifecycle.connection().is_some() {
            // A server that hears DISCONNECT does not send the will.
            if core.session.online() {
                self.say_disconnect(
                    &mut core,
                    reason::NORMAL_DISCONNECTION,
                    PropertiesRef::EMPTY,
                );
            }
            let said = has_said_disconnect(&core);
            let ended = self.drop_connection(&mut core);
            for op in ended
                .into_iter()
                .filter_map(|ended| ended.leaving)
                .flatten()
            {
                core.outputs.tell(Event::DisconnectEnded { op, said });
            }
        }
        let _first = core.lifecycle.destroy();
        let (session, outputs) = core.parts();
        session.abandon(outputs);
        outputs.fail_unwritten();
        if let Some(timer) = core.alarm.timer.take() {
            if let Ok(reactor) = reactor() {
                reactor.set_timer(self.key, Some(timer), None);
            }
        }
        Reactor::unregister(self.key);
        self.changed.notify_all();
        core.close_retired();
        self.connector.forget();
        let this = ThreadId::current();
        if H::BLOCKS {
            // A thread that runs callbacks has taken over all that there were, perhaps thousands, which may take long.
            self.outwaited.store(true, Ordering::Relaxed);
        }
        while core.roles.others_inside(&this) {
            core.waiters += 1;
            self.changed.wait(&mut core.core);
            core.waiters -= 1;
        }
        // Inside the program's function that the attempt asked, or on the thread that is to end it, the attempt ends later. A
        // thread that writes has what may be CONNECT; it waits for no socket.
        if !core.roles.is_outside(&this) && !is_connecting_thread() {
            let until = Instant::now() + ATTEMPT_GRACE;
            let mut late = false;
            while (core.attempts > 0 || core.retired.is_in_use()) && !late {
                core.waiters += 1;
                late = self.changed.wait_until(&mut core.core, until).timed_out();
                core.waiters -= 1;
            }
        }
        core.close_retired();
        // An attempt that was at it may have made another context meanwhile.
        self.connector.forget();
        let events = core.outputs.queue.set_aside();
        core.outputs.records = None;
        drop(core);
        let mut left = std::mem::take(&mut *self.batch.lock());
        left.extend(events);
        for event in left {
            match event {
                // What the server has acknowledged is told, late or not.
                Event::Completed(_)
                | Event::Acknowledged { .. }
                | Event::DisconnectEnded { .. } => {
                    self.host.handle(event);
                }
                // Its acknowledgement may be on its way, or with the server: the program that takes its events later has it.
                // Those of a store are there for the next client.
                Event::Message(_, None) if !H::BLOCKS => {
                    self.host.handle(event);
                }
                _ => {}
            }
        }
        self.host.handled_all();
    }
}
