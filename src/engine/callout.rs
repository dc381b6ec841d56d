//! The program's functions that are no events: asked for a key, for new connect options, or told on the caller's thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::host::{Event, Host};
use super::state::{Client, Guard};
use crate::options::{ConnectOptions, ErrorReporter, PskSource};

/// Hands a line of one account over, unless the program has heard enough of that.
pub type Teller = Arc<dyn Fn(&str) + Send + Sync>;

/// A teller of one account, which ends where the program's function says so, as `ERR_print_errors_cb` has it.
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
    pub(super) fn call_out<'a, R>(
        &'a self,
        mut core: Guard<'a, H>,
        function: impl FnOnce() -> R,
    ) -> (Guard<'a, H>, Option<R>) {
        if core.destroyed {
            return (core, None);
        }
        let this = std::thread::current().id();
        core.calling_out.push(this);
        drop(core);
        let result = function();
        let mut core = self.lock();
        if let Some(at) = core.calling_out.iter().rposition(|thread| *thread == this) {
            core.calling_out.swap_remove(at);
        }
        if core.calling_out.is_empty() {
            core.calling_out = Vec::new();
        }
        if core.waiters > 0 {
            self.changed.notify_all();
        }
        (core, Some(result))
    }

    /// The program's pre-shared key, for as long as the client is there to ask for it.
    pub(super) fn while_alive(&self, source: PskSource) -> PskSource {
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

    /// Lets the program know, before what follows from it, what OpenSSL has to say of an error.
    pub(super) fn tell_tls_errors(
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
        let by_caller = core.synchronous || self.setup.synchronous && core.connect_op.is_some();
        let teller = teller(Arc::clone(reporter));
        for line in lines {
            let teller = Arc::clone(&teller);
            if by_caller {
                core.io.tls_errors.push_back((teller, line));
                self.has_tls_errors.store(true, Ordering::Relaxed);
            } else {
                core.io.tell(Event::TlsError(teller, line));
            }
        }
    }

    /// As [`tell_tls_errors`](Self::tell_tls_errors), of an attempt to connect.
    pub(super) fn attempt_failed(&self, options: &ConnectOptions, epoch: u64, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        let mut core = self.lock();
        if core.epoch == epoch && !core.destroyed {
            self.tell_tls_errors(&mut core, options, lines);
            self.finish(core);
        }
    }

    /// At the end of an API call: hands over the lines that wait for one, unless another thread is at it.
    pub fn report_tls_errors(&self) {
        // Whoever has waited for what the lines belong to has had the mutex since they were added.
        if !self.has_tls_errors.load(Ordering::Relaxed) {
            return;
        }
        let mut core = self.lock();
        if core.reporting {
            return;
        }
        while let Some((teller, line)) = core.io.tls_errors.pop_front() {
            core.reporting = true;
            (core, _) = self.call_out(core, || teller(&line));
            core.reporting = false;
        }
        core.io.tls_errors = std::collections::VecDeque::new();
        self.has_tls_errors.store(false, Ordering::Relaxed);
    }
}
