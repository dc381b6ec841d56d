//! Happy Eyeballs: the first address that answers wins (RFC 8305, section 5).

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// RFC 8305's recommended "Connection Attempt Delay".
const STAGGER: Duration = Duration::from_millis(250);

/// Starts an attempt at the next candidate every [`STAGGER`], or at once when the last one running has failed, and
/// returns the first that succeeds, dropping the rest; with none left, every error in the order in which they came.
pub(super) async fn race<A, T, E, F>(
    candidates: Vec<A>,
    mut attempt: impl FnMut(A) -> F,
) -> Result<T, Vec<E>>
where
    F: Future<Output = Result<T, E>>,
{
    let mut waiting = candidates.into_iter().peekable();
    let mut running: Vec<Pin<Box<F>>> = Vec::new();
    let mut errors = Vec::new();
    let mut start_at = Instant::now();
    loop {
        if waiting.peek().is_some() && (running.is_empty() || Instant::now() >= start_at) {
            running.extend(waiting.next().map(|candidate| Box::pin(attempt(candidate))));
            start_at = Instant::now() + STAGGER;
        }
        if running.is_empty() {
            return Err(errors);
        }
        let next_done = poll_fn(|cx| {
            for i in 0..running.len() {
                if let Poll::Ready(result) = running[i].as_mut().poll(cx) {
                    drop(running.swap_remove(i));
                    return Poll::Ready(result);
                }
            }
            Poll::Pending
        });
        tokio::select! {
            biased;
            result = next_done => match result {
                Ok(winner) => return Ok(winner),
                Err(error) => {
                    errors.push(error);
                    // A failure is an answer: no reason to let the next one wait.
                    start_at = Instant::now();
                }
            },
            () = sleep_until(start_at), if waiting.peek().is_some() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::time::sleep;

    /// Clock under control: a test of delays that takes no time.
    fn paused<T>(test: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(test)
    }

    #[test]
    fn a_dead_candidate_costs_one_stagger() {
        paused(async {
            let start = Instant::now();
            let won = race(vec![0, 1], |n| async move {
                if n == 0 {
                    pending::<()>().await;
                }
                Ok::<_, ()>(n)
            });
            assert_eq!(won.await, Ok(1));
            assert_eq!(start.elapsed(), STAGGER);
        });
    }

    #[test]
    fn a_failed_candidate_costs_nothing() {
        paused(async {
            let start = Instant::now();
            let won = race(vec![0, 1, 2], |n| async move {
                if n < 2 { Err(n) } else { Ok(n) }
            });
            assert_eq!(won.await, Ok(2));
            assert_eq!(start.elapsed(), Duration::ZERO);
        });
    }

    /// Also while another one is still running.
    #[test]
    fn a_failure_starts_the_next_at_once() {
        paused(async {
            let start = Instant::now();
            let won = race(vec![0, 1, 2], |n| async move {
                match n {
                    0 => pending().await,
                    1 => {
                        sleep(Duration::from_millis(100)).await;
                        Err(())
                    }
                    n => Ok(n),
                }
            });
            assert_eq!(won.await, Ok(2));
            assert_eq!(start.elapsed(), STAGGER + Duration::from_millis(100));
        });
    }

    #[test]
    fn the_first_to_answer_wins_even_if_started_first() {
        paused(async {
            let won = race(vec![300, 200, 1], |ms| async move {
                sleep(Duration::from_millis(ms)).await;
                Ok::<_, ()>(ms)
            });
            // 300 started at 0, 200 at 250 ms, 1 never.
            assert_eq!(won.await, Ok(300));
        });
    }

    #[test]
    fn all_errors_are_reported() {
        paused(async {
            let lost = race(vec![3, 1], |n| async move {
                sleep(Duration::from_secs(n)).await;
                Err::<(), _>(n)
            });
            assert_eq!(lost.await, Err(vec![1, 3]));
            let none: Result<(), Vec<()>> = race(Vec::<()>::new(), |()| pending()).await;
            assert_eq!(none, Err(vec![]));
        });
    }
}
