//! Who is inside the program's functions: one thread at a time runs the callbacks of a client.

use std::time::Instant;

/// The threads inside the program's functions. `T` names a thread.
#[derive(Debug)]
pub struct Roles<T> {
    /// The thread that runs callbacks now.
    dispatcher: Option<T>,
    /// Threads inside functions of the program that are no events.
    outside: Outside<T>,
    /// A thread hands over what waits for the end of an API call.
    reporting: bool,
    /// When a message that the program did not take is offered again.
    offer_again: Option<Instant>,
    /// The dispatcher is between a connect's onSuccess and the end of `connected`.
    announcing: bool,
    /// How often the dispatcher was between two callbacks with the mutex held.
    turn: u32,
    /// Threads that wait for the end of the callback of now.
    outwaiting: u32,
}

/// Threads inside functions that are no events: hardly ever there, and boxed.
#[derive(Debug)]
struct Outside<T>(Option<Box<Threads<T>>>);

#[derive(Debug)]
struct Threads<T> {
    threads: Vec<T>,
}

impl<T> Default for Threads<T> {
    fn default() -> Self {
        Self {
            threads: Vec::new(),
        }
    }
}

impl<T> Outside<T> {
    fn threads(&self) -> &[T] {
        self.0.as_ref().map_or(&[], |outside| &outside.threads)
    }
}

impl<T> Default for Roles<T> {
    fn default() -> Self {
        Self {
            dispatcher: None,
            outside: Outside(None),
            reporting: false,
            offer_again: None,
            announcing: false,
            turn: 0,
            outwaiting: 0,
        }
    }
}

impl<T: PartialEq> Roles<T> {
    /// Returns true if a thread that came now could run callbacks.
    pub fn may_dispatch(&self) -> bool {
        self.dispatcher.is_none() && self.offer_again.is_none()
    }

    /// Takes the dispatching role. Returns false if it cannot be had.
    #[must_use = "whoever takes the role dispatches, and ends it"]
    pub fn begin_dispatch(&mut self, this: T) -> bool {
        let may = self.may_dispatch();
        if may {
            self.dispatcher = Some(this);
        }
        may
    }

    /// Notes that the dispatcher is between two callbacks.
    pub fn callbacks_ended(&mut self) {
        self.turn = self.turn.wrapping_add(1);
    }

    /// Gives the dispatching role back.
    pub fn end_dispatch(&mut self) {
        self.callbacks_ended();
        self.dispatcher = None;
        self.announcing = false;
    }

    /// Notes that the program did not take a message: it is offered again then, and no callback runs before.
    pub fn offer_again(&mut self, at: Instant) {
        self.offer_again = Some(at);
    }

    /// Returns when a message is offered again.
    pub fn offers_again(&self) -> Option<Instant> {
        self.offer_again
    }

    /// Notes that it is `now`: the time to offer a message again may have come.
    pub fn expire(&mut self, now: Instant) {
        self.offer_again.take_if(|at| now >= *at);
    }

    /// Notes that a thread enters a function of the program that is no event.
    pub fn enter(&mut self, this: T) {
        let outside = self.outside.0.get_or_insert_default();
        outside.threads.push(this);
    }

    /// Notes that the thread has left the function.
    pub fn leave(&mut self, this: &T) {
        let Some(outside) = &mut self.outside.0 else {
            return;
        };
        if let Some(at) = outside.threads.iter().rposition(|thread| thread == this) {
            outside.threads.swap_remove(at);
        }
        if outside.threads.is_empty() {
            self.outside.0 = None;
        }
    }

    /// Returns true if another thread is inside a function of the program's.
    pub fn others_inside(&self, this: &T) -> bool {
        let mut inside = self.dispatcher.iter().chain(self.outside.threads());
        inside.any(|thread| thread != this)
    }

    /// Returns what names the callback that another thread runs now, for [`is_over`](Self::is_over). None: no other thread
    /// does, or this one is inside the program's functions itself, where others may wait for it.
    pub fn running(&self, this: &T) -> Option<u32> {
        let inside = self.dispatcher.as_ref() == Some(this) || self.is_outside(this);
        (!inside && self.others_inside(this)).then_some(self.turn)
    }

    /// Returns true if another thread runs callbacks.
    pub fn is_dispatched(&self, this: &T) -> bool {
        let dispatcher = self.dispatcher.as_ref();
        dispatcher.is_some_and(|thread| thread != this)
    }

    /// Returns true if the callback that ran then has returned.
    pub fn is_over(&self, running: u32, this: &T) -> bool {
        let dispatcher = self.dispatcher.as_ref().filter(|_| self.turn == running);
        let mut inside = dispatcher.into_iter().chain(self.outside.threads());
        inside.all(|thread| thread == this)
    }

    /// Notes that a thread begins, or no longer has, to wait for the end of the callback of now.
    pub fn outwait(&mut self, begins: bool) {
        self.outwaiting = if begins {
            self.outwaiting + 1
        } else {
            self.outwaiting.saturating_sub(1)
        };
    }

    /// Returns true if a thread waits for that.
    pub fn is_outwaited(&self) -> bool {
        self.outwaiting > 0
    }

    /// Returns true if the thread is inside a function of the program's that is no event.
    pub fn is_outside(&self, this: &T) -> bool {
        self.outside.threads().contains(this)
    }

    /// Takes the role of handing over what waits for the end of a call. Returns false if another thread has it.
    #[must_use = "whoever takes the role hands over, and ends it"]
    pub fn begin_report(&mut self) -> bool {
        !std::mem::replace(&mut self.reporting, true)
    }

    /// Gives that role back.
    pub fn end_report(&mut self) {
        self.reporting = false;
    }

    /// Notes that the dispatcher is about to run a connect's onSuccess, which `connected` follows.
    pub fn announce(&mut self) {
        self.announcing = true;
    }

    /// Notes that `connected` has run, or nobody waits for that any longer.
    pub fn announced(&mut self) {
        self.announcing = false;
    }

    /// Returns true if an API call on that thread has to wait until `connected` has run.
    pub fn is_announcing_to(&self, this: &T) -> bool {
        self.announcing
            && self
                .dispatcher
                .as_ref()
                .is_some_and(|thread| thread != this)
            && !self.outside.threads().contains(this)
    }

    /// Returns true if any thread may have to: asked first, for it costs nothing.
    pub fn is_announcing(&self) -> bool {
        self.announcing
    }

    /// Notes that a thread has panicked: whatever it had is free again.
    pub fn forget(&mut self, this: &T) {
        if self.dispatcher.as_ref() == Some(this) {
            self.end_dispatch();
        }
        self.leave(this);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_thread_dispatches() {
        let mut roles = Roles::default();
        assert!(roles.begin_dispatch(1));
        assert!(!roles.begin_dispatch(2) && !roles.may_dispatch());
        roles.end_dispatch();
        assert!(roles.begin_dispatch(2));
    }

    #[test]
    fn nobody_dispatches_until_a_message_is_offered_again() {
        let (mut roles, now) = (Roles::default(), Instant::now());
        assert!(roles.begin_dispatch(1));
        roles.offer_again(now + Duration::from_secs(1));
        roles.end_dispatch();
        assert!(!roles.begin_dispatch(1));
        roles.expire(now);
        assert!(!roles.may_dispatch());
        roles.expire(now + Duration::from_secs(1));
        assert!(roles.may_dispatch());
    }

    #[test]
    fn a_thread_does_not_wait_for_itself() {
        let mut roles = Roles::default();
        assert!(roles.begin_dispatch(1));
        roles.enter(1);
        roles.enter(1);
        assert!(!roles.others_inside(&1) && roles.others_inside(&2));
        roles.end_dispatch();
        roles.leave(&1);
        assert!(roles.others_inside(&2), "it entered twice");
        roles.leave(&1);
        assert!(!roles.others_inside(&2));
    }

    #[test]
    fn a_callback_is_over_when_it_has_returned_and_not_when_all_have() {
        let mut roles = Roles::default();
        assert!(roles.running(&2).is_none(), "nothing runs");
        assert!(roles.begin_dispatch(1));
        assert!(roles.running(&1).is_none(), "it is inside itself");
        let running = roles.running(&2).expect("a callback runs");
        assert!(!roles.is_over(running, &2));
        roles.callbacks_ended();
        assert!(roles.is_over(running, &2), "another one runs now");
        let next = roles.running(&2).expect("the next one");
        roles.end_dispatch();
        assert!(roles.is_over(next, &2));
        roles.enter(3);
        let outside = roles.running(&2).expect("a function that is no event");
        roles.callbacks_ended();
        assert!(
            !roles.is_over(outside, &2),
            "it is none of the dispatcher's"
        );
        roles.leave(&3);
        assert!(roles.is_over(outside, &2));
    }

    #[test]
    fn a_dispatcher_is_one_for_other_threads() {
        let mut roles = Roles::default();
        roles.enter(1);
        assert!(!roles.is_dispatched(&2), "that is no event");
        assert!(roles.begin_dispatch(1));
        assert!(roles.is_dispatched(&2) && !roles.is_dispatched(&1));
        roles.end_dispatch();
        assert!(!roles.is_dispatched(&2));
    }

    #[test]
    fn other_threads_wait_for_the_announcement_of_a_connection() {
        let mut roles = Roles::default();
        assert!(roles.begin_dispatch(1));
        assert!(!roles.is_announcing_to(&2));
        roles.announce();
        assert!(roles.is_announcing_to(&2) && !roles.is_announcing_to(&1));
        roles.enter(2);
        assert!(!roles.is_announcing_to(&2), "it is inside the program");
        roles.announced();
        assert!(!roles.is_announcing_to(&3));
        roles.announce();
        roles.end_dispatch();
        assert!(
            !roles.is_announcing(),
            "no announcement outlives its dispatcher"
        );
    }

    #[test]
    fn a_panic_frees_what_the_thread_had() {
        let mut roles = Roles::default();
        assert!(roles.begin_dispatch(1));
        roles.enter(1);
        roles.forget(&2);
        assert!(!roles.may_dispatch());
        roles.forget(&1);
        assert!(roles.may_dispatch() && !roles.others_inside(&2));
    }
}
