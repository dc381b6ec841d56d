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
    use std::future::Future;
    use std::pin::pin;

    use super::*;
    use crate::engine::tests::carried::{Carried, setup};
    use crate::engine::tests::options;
    use crate::options::ReconnectOptions;

    const S: Duration = Duration::from_secs(1);
    /// URIs that lead nowhere, at once.
    const NOWHERE: [&str; 2] = ["nonsense://1", "nonsense://2"];

    /// A client whose automatic reconnect begins: its connect, of which it has not heard, has failed.
    fn reconnecting(min: Duration, max: Duration) -> (Carried, Plan) {
        let client = Carried::new(setup(), None);
        let options = ConnectOptions {
            server_uris: vec![NOWHERE[0].to_owned()],
            ..options()
        };
        let mut core = client.lock();
        let begun = core.lifecycle.connect(Arc::new(options), "connect");
        let op = core.lifecycle.failed(begun.expect("idle"));
        let retry = Some(ReconnectOptions { min, max });
        let plan = core.lifecycle.retry(retry, op.map(Box::new));
        drop(core);
        (client, plan.expect("it is wanted"))
    }

    /// Runs on a clock that goes on only while nothing else does.
    fn run<T>(task: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build();
        runtime.expect("a runtime").block_on(task)
    }

    /// Lets the task run for so long.
    async fn pass(time: Duration, task: &mut (impl Future<Output = ()> + Unpin)) {
        let ended = tokio::time::timeout(time, task).await.is_ok();
        assert!(!ended, "nobody ends it");
    }

    /// Returns how many attempts have failed.
    fn attempts(client: &Carried) -> u64 {
        client.last_error().map_or(0, |(count, _)| count)
    }

    #[test]
    fn pauses_double_from_the_shortest_to_the_longest() {
        // The shortest, the longest, and how many attempts fit into 100 seconds, whatever chance makes of the pauses.
        for (min, max, expected) in [(1, 1000, 6..=6), (1, 2, 42..=63), (10, 1, 8..=12)] {
            let (client, plan) = reconnecting(min * S, max * S);
            let mut task = pin!(Arc::clone(&client.0).keep_trying(plan, true));
            run(pass(100 * S, &mut task));
            let attempts = attempts(&client);
            assert!(expected.contains(&attempts), "{min} {max}: {attempts}");
        }
    }

    #[test]
    fn pauses_are_not_alike() {
        let early = |_: &u32| {
            let (client, plan) = reconnecting(10 * S, 10 * S);
            let mut task = pin!(Arc::clone(&client.0).keep_trying(plan, true));
            run(pass(9 * S, &mut task));
            attempts(&client) > 0
        };
        // A quarter of them comes a tenth earlier or more: that none of 60 does is one chance in 10^7, and so is all of them.
        let early = (0..60).filter(early).count();
        assert!((1..60).contains(&early), "{early}");
    }

    #[test]
    fn the_program_has_the_next_attempt_made_now_and_the_pauses_begin_anew() {
        let (client, plan) = reconnecting(S, 1000 * S);
        let mut task = pin!(Arc::clone(&client.0).keep_trying(plan, true));
        run(async {
            pass(100 * S, &mut task).await;
            assert_eq!(attempts(&client), 6);
            assert!(client.reconnect("now").is_ok());
            pass(S / 2, &mut task).await;
            assert_eq!(attempts(&client), 7);
            pass(100 * S, &mut task).await;
            assert_eq!(attempts(&client), 13);
        });
    }

    #[test]
    fn new_options_are_for_all_attempts_that_follow() {
        let (client, plan) = reconnecting(S, 1000 * S);
        *client.host().fresh.lock() = Some(ConnectOptions {
            server_uris: NOWHERE.map(str::to_owned).into(),
            ..options()
        });
        let mut task = pin!(Arc::clone(&client.0).keep_trying(plan, true));
        // Three attempts, at two servers each.
        run(pass(9 * S, &mut task));
        assert_eq!(attempts(&client), 6);
        assert!(client.host().fresh.lock().is_none());
    }

    #[test]
    fn a_connect_that_was_not_told_is_told_of_the_first_failure() {
        let (client, plan) = reconnecting(S, S);
        let mut task = pin!(Arc::clone(&client.0).keep_trying(plan, true));
        run(pass(10 * S, &mut task));
        let heard = client.heard();
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(heard[0].starts_with("connect failed: "), "{heard:?}");
    }

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
