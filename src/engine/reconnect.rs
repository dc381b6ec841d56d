//! The automatic reconnect.

use std::sync::Arc;
use std::time::Duration;

use super::connect::Unforeseen;
use super::host::Host;
use super::runtime::runtime;
use super::state::{Client, Error, Guard, Phase};
use crate::options::ConnectOptions;

impl<H: Host> Client<H> {
    /// Starts the automatic reconnect, where the program wants it; `lost` where there was a connection before.
    ///
    /// A connection that is lost is followed by one that goes on with its session, if that outlives connections, however
    /// clean the first start was: what is in flight belongs to it.
    pub(super) fn reconnect_later(&self, core: &mut Guard<'_, H>, lost: bool) {
        let Some(mut options) = core.options.clone() else {
            return;
        };
        let (Some(retry), true, false) =
            (options.reconnect, core.should_be_connected, core.destroyed)
        else {
            return;
        };
        let (Ok(runtime), Some(client)) = (runtime(), self.this.upgrade()) else {
            return;
        };
        core.phase = Phase::Reconnecting;
        core.epoch += 1;
        let epoch = core.epoch;
        let keep_session = lost && !core.session_ends;
        let task = runtime.spawn(async move {
            let mut delay = retry.min;
            let _unforeseen = Unforeseen {
                client: &client,
                epoch,
                lost,
            };
            loop {
                client.pause(jittered(delay)).await;
                options = client.refreshed(options, epoch).await;
                match client.try_candidates(&options, epoch, keep_session).await {
                    Ok(established) => {
                        client.established(*established, &options, epoch, lost);
                        return;
                    }
                    Err(_) => delay = (delay * 2).min(retry.max).max(retry.min),
                }
            }
        });
        core.task = Some(task.abort_handle());
    }

    /// Waits before the next attempt, or until the program asks for it now.
    async fn pause(self: &Arc<Self>, delay: Duration) {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = self.reconnect_now.notified() => {}
        }
    }

    /// The options for the next attempt, which the program may change. It may take its time for that.
    async fn refreshed(
        self: &Arc<Self>,
        options: Arc<ConnectOptions>,
        epoch: u64,
    ) -> Arc<ConnectOptions> {
        let client = Arc::clone(self);
        let old = Arc::clone(&options);
        let new = tokio::task::spawn_blocking(move || client.refresh(&old, epoch)).await;
        new.ok().flatten().unwrap_or(options)
    }

    /// Asks the program, unless this reconnect has been given up meanwhile. Destroying waits for the answer.
    fn refresh(&self, old: &ConnectOptions, epoch: u64) -> Option<Arc<ConnectOptions>> {
        let core = self.lock();
        if core.epoch != epoch {
            return None;
        }
        let (mut core, new) = self.call_out(core, || self.host.refresh(old));
        let new = new.flatten().map(Arc::new);
        if let (Some(new), true) = (&new, core.epoch == epoch) {
            core.options = Some(Arc::clone(new));
        }
        new
    }

    /// Has the next attempt made now; without an automatic reconnect under way, connects again with the last options.
    pub fn reconnect(self: &Arc<Self>, op: H::Op) -> Result<(), Error> {
        let options = {
            let core = self.lock();
            match core.phase {
                Phase::Reconnecting => {
                    self.reconnect_now.notify_one();
                    return Ok(());
                }
                Phase::Idle => core.options.clone().ok_or(Error::Disconnected)?,
                Phase::Connecting | Phase::Connected | Phase::Disconnecting => {
                    return Err(Error::Ignored);
                }
            }
        };
        self.begin_connect(options, op)
    }
}

/// How much a delay is changed by chance, in ten thousandths either way: a fifth.
const JITTER: u32 = 2_000;

/// A fifth more or less, so that clients that a server lost together do not come back together.
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
