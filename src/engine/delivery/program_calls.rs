//! The program's functions that are no events: asked for a key, for new connect options, or told on the caller's thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::core::{Client, Guard, Thread};
use crate::engine::delivery::queue::Driver;
use crate::engine::host::{Event, Host, Teller};
use crate::options::{ConnectOptions, ErrorReporter, PskSource, Verifier};
use crate::os::{ThreadId, Uncancellable, fork_guard};

/// Makes a teller of one account, which ends where the program's function says so, as `ERR_print_errors_cb` has it.
fn teller(reporter: ErrorReporter) -> Teller {
    let enough = AtomicBool::new(false);
    Arc::new(move |line| {
        if !enough.load(Ordering::Relaxed) {
            enough.store(!reporter(line), Ordering::Relaxed);
        }
    })
}

impl<H: Host> Client<H> {
    /// Runs a function of the program's, with no lock held. None: the client is destroyed, and nothing was run. Destroying
    /// waits for its end, but for a destroy inside the function itself.
    pub(in crate::engine) fn call_out<'a, R>(
        &'a self,
        mut core: Guard<'a, H>,
        function: impl FnOnce() -> R,
    ) -> (Guard<'a, H>, Option<R>) {
        if core.lifecycle.is_destroyed() {
            return (core, None);
        }
        let this = ThreadId::current();
        core.roles.enter(this);
        drop(core);
        let result = fork_guard::outside(function);
        let mut core = self.lock();
        core.roles.leave(&this);
        if core.waiters > 0 || core.roles.is_outwaited() {
            self.changed.notify_all();
        }
        (core, Some(result))
    }

    /// Has the program's functions in a connect's options called only for as long as the client is there to ask for it.
    pub(in crate::engine) fn ask_while_alive(&self, options: &mut ConnectOptions) {
        if let Some(tls) = &mut options.tls {
            let (source, verifier) = (tls.psk_source.take(), tls.verifier.take());
            tls.psk_source = source.map(|source| self.while_alive(source));
            tls.verifier = verifier.map(|verifier| self.verifying_while_alive(verifier));
        }
    }

    /// The program's pre-shared key, for as long as the client is there to ask for it.
    fn while_alive(&self, source: PskSource) -> PskSource {
        let client = self.this.clone();
        Arc::new(move |hint, identity, key| {
            let Some(client) = client.upgrade() else {
                return 0;
            };
            let (core, length) = client.call_out(client.lock(), || source(hint, identity, key));
            drop(core);
            length.unwrap_or(0)
        })
    }

    /// The program's word on certificates, for as long as the client is there to ask for it.
    fn verifying_while_alive(&self, verifier: Verifier) -> Verifier {
        let client = self.this.clone();
        Arc::new(move |host: &str, chain: &[Vec<u8>]| {
            let destroyed = || Err("the client is destroyed".to_owned());
            let Some(client) = client.upgrade() else {
                return destroyed();
            };
            let (core, verdict) = client.call_out(client.lock(), || verifier(host, chain));
            drop(core);
            verdict.unwrap_or_else(destroyed)
        })
    }

    /// Lets the program know, before what follows from it, what OpenSSL has to say of an error.
    pub(in crate::engine) fn tell_tls_errors(
        &self,
        core: &mut Guard<'_, H>,
        options: &ConnectOptions,
        lines: Vec<String>,
    ) {
        let Some(reporter) = options
            .tls
            .as_ref()
            .and_then(|tls| tls.error_reporter.as_ref())
        else {
            return;
        };
        // A call that connects waits for the end of that, and its caller may count on having been told.
        let by_caller = self.setup.driver == Driver::Calls && core.lifecycle.is_connecting();
        let teller = teller(Arc::clone(reporter));
        for line in lines {
            let event = Event::TlsError(Arc::clone(&teller), line);
            if by_caller {
                core.outputs.queue.push_for_caller(event);
            } else {
                core.outputs.tell(event);
            }
        }
    }

    /// Works as [`tell_tls_errors`](Self::tell_tls_errors), of an attempt to connect.
    pub(in crate::engine) fn tell_attempt_failed(
        &self,
        options: &ConnectOptions,
        epoch: u64,
        lines: Vec<String>,
    ) {
        if lines.is_empty() {
            return;
        }
        let mut core = self.lock();
        if core.lifecycle.epoch() == epoch && !core.lifecycle.is_destroyed() {
            self.tell_tls_errors(&mut core, options, lines);
            drop(self.settle(core, Thread::Caller));
        }
    }

    /// Hands over what waits for the caller, at the end of an API call, unless another thread is at it.
    pub fn report_to_caller(&self) {
        // Whoever has waited for what that belongs to has had the mutex since it was added.
        if !self.has_for_caller.load(Ordering::Relaxed) {
            return;
        }
        // Not every call has seen to that, and the program's functions may do what they like.
        let _call = Uncancellable::new();
        let mut core = self.lock();
        if !core.roles.begin_report() {
            return;
        }
        while let Some(event) = core.outputs.queue.pop_for_caller() {
            let called;
            (core, called) = self.call_out(core, || match event {
                Event::TlsError(teller, line) => teller(&line),
                event => drop(self.host.handle(event)),
            });
            if called.is_none() {
                break;
            }
        }
        core.roles.end_report();
        if !core.outputs.queue.has_for_caller() {
            self.has_for_caller.store(false, Ordering::Relaxed);
        }
    }
}
