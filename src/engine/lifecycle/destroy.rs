//! The end of a client.

use super::disconnect::has_said_disconnect;
use crate::engine::core::Client;
use crate::engine::host::{Event, Host};
use crate::protocol::property::PropertiesRef;
use crate::protocol::reason;
use crate::reactor::{Reactor, reactor};

impl<H: Host> Client<H> {
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
        let this = std::thread::current().id();
        while core.roles.others_inside(&this) {
            core.waiters += 1;
            self.changed.wait(&mut core.core);
            core.waiters -= 1;
        }
        let events = core.outputs.queue.set_aside();
        core.outputs.records = None;
        drop(core);
        let mut left = std::mem::take(&mut *self.batch.lock());
        left.extend(events);
        for event in left {
            match event {
                Event::Completed(_) | Event::DisconnectEnded { .. } => {
                    self.host.handle(event);
                }
                _ => {}
            }
        }
        self.host.handled_all();
    }
}
