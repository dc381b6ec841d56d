//! The automatic reconnect.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::core::{Client, Error, Guard};
use crate::engine::host::Host;
use crate::engine::runtime::runtime;
use crate::options::ConnectOptions;
use crate::trace;
use crate::transport::apart::{self, with_presence};

use super::connect::{PanicGuard, versions};
use super::state::{Plan, Reconnect, Signal};

impl<H: Host> Client<H> {
    /// Starts the automatic reconnect, where the program wants it; `lost` where there was a connection before whose session
    /// goes on. `unheard` is told of the first failure.
    ///
    /// A connection that is lost is followed by one that goes on with its session, if that outlives connections, however
    /// clean the first start was: what is in flight belongs to it.
    pub(super) fn reconnect_later(
        &self,
        core: &mut Guard<'_, H>,
        lost: bool,
        unheard: Option<Box<H::Op>>,
    ) {
        let (Ok(runtime), Some(client)) = (runtime(), self.this.upgrade()) else {
            return;
        };
        let retry = core.reconnect();
        let Some(plan) = core.lifecycle.retry(retry, unheard) else {
            return;
        };
        let present = client.present(core);
        let trying = async move { client.keep_trying(plan, lost).await };
        let task = runtime.spawn(with_presence(present, trying));
        core.lifecycle.set_task(task.abort_handle());
    }

    /// Begins another task in place of a reconnect's, of that epoch, that has panicked.
    pub(super) fn reconnect_again(&self, epoch: u64) {
        let mut core = self.lock();
        if core.lifecycle.abandoned(epoch) {
            self.reconnect_later(&mut core, true, None);
        }
    }

    async fn keep_trying(self: Arc<Self>, plan: Plan, lost: bool) {
        let Plan {
            epoch,
            mut options,
            retry,
            signal,
        } = plan;
        let _guard = PanicGuard {
            client: &self,
            epoch,
        };
        let mut delay = retry.min;
        loop {
            pause(jittered(delay), &signal).await;
            options = self.refreshed(options, epoch).await;
            match self.try_candidates(&options, epoch, lost).await {
                Ok(established) => return self.established(*established, options, epoch, lost),
                Err(failure) => self.attempt_failed(failure, epoch),
            }
            delay = if signal.take_anew() {
                retry.min
            } else {
                (delay * 2).min(retry.max).max(retry.min)
            };
        }
    }

    /// Returns the options for the next attempt, which the program may change. It may take its time for that.
    async fn refreshed(
        self: &Arc<Self>,
        options: Arc<ConnectOptions>,
        epoch: u64,
    ) -> Arc<ConnectOptions> {
        let client = Arc::clone(self);
        let ask = move |old: Arc<ConnectOptions>| client.refresh(&old, epoch);
        let new = apart::run(Arc::clone(&options), ask).await;
        new.ok().flatten().unwrap_or(options)
    }

    /// Asks the program, unless this reconnect has been given up meanwhile. Destroying waits for the answer.
    pub(super) fn refresh(&self, old: &ConnectOptions, epoch: u64) -> Option<Arc<ConnectOptions>> {
        let core = self.lock();
        if core.lifecycle.epoch() != epoch {
            return None;
        }
        let (mut core, new) = self.call_out(core, || self.host.refresh(old));
        let new = new.flatten()?;
        if let Err(malformed) = self.with_connect(versions(&new)[0], &new, new.clean, |connect| {
            connect.check()
        }) {
            // Each attempt with them would fail, for ever: those that the program had before are still in order.
            trace!(
                Error,
                "Options of updateConnectOptions not used: {}", malformed.what
            );
            return None;
        }
        let new = Arc::new(new);
        core.lifecycle.refresh(epoch, &new);
        Some(new)
    }

    /// Has the next attempt made now, and the pauses begin anew; without an automatic reconnect under way, connects again
    /// with the last options.
    pub fn reconnect(self: &Arc<Self>, op: H::Op) -> Result<(), Error> {
        let answer = self.enter().lifecycle.reconnect()?;
        match answer {
            Reconnect::Signalled => Ok(()),
            Reconnect::Connect(options) => self.begin_connect(options, op),
        }
    }
}

/// Waits before the next attempt, or until the program asks for it now.
async fn pause(delay: Duration, signal: &Signal) {
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        () = signal.now.notified() => {}
    }
}

/// How much a delay is changed by chance, in ten thousandths either way: a fifth.
const JITTER: u32 = 2_000;

/// Makes a delay a fifth more or less, so that clients that a server lost together do not come back together.
fn jittered(delay: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(delay);
    let random = u32::try_from(random % (2 * u64::from(JITTER) + 1)).unwrap_or(JITTER);
    let tenthousandths = 10_000 - JITTER + random;
    delay.mul_f64(f64::from(tenthousandths) / 10_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_spread_over_a_fifth_either_way() {
        let delay = Duration::from_secs(10);
        let delays: Vec<_> = (0..1000).map(|_| jittered(delay)).collect();
        let (least, most) = (delays.iter().min(), delays.iter().max());
        // A thousand that all miss a tenth of the range at one end: one chance in 10^45.
        let (low, high) = (Duration::from_millis(8_400), Duration::from_millis(11_600));
        assert!((Some(&Duration::from_secs(8))..Some(&low)).contains(&least));
        assert!(most > Some(&high) && most <= Some(&Duration::from_secs(12)));
    }
}
