//! Work that may take long, on a thread of the runtime's blocking pool, for a task that may be abandoned meanwhile.
//!
//! Such work has secrets: options with passwords, a handshake with keys. Whoever abandons the task has to know when they
//! are gone. A task that holds a [`Presence`] passes it on to its work, and drops both in that order: what was abandoned
//! before a thread had begun with it is gone at once, however long all threads stay busy.

use std::any::Any;
use std::future::Future;
use std::io;
use std::sync::Arc;

use crate::os::lock::Mutex;

/// What is there for as long as a task, or work of it that has begun, has its secrets.
pub type Presence = Arc<dyn Any + Send + Sync>;

tokio::task_local! {
    static PRESENCE: Presence;
}

/// Makes a task hold `presence`, which is dropped after all that the task has.
pub fn with_presence<F: Future>(presence: Presence, task: F) -> impl Future<Output = F::Output> {
    PRESENCE.scope(presence, task)
}

/// What the work needs, until a thread begins with it. Dropped with the task that waits for the work.
struct Waiting<T>(Arc<Mutex<Option<T>>>);

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        let abandoned = self.0.lock().take();
        drop(abandoned);
    }
}

/// Runs `work` on a thread that may wait. Work that was abandoned before it has begun is not done.
///
/// # Errors
/// When the work has panicked.
pub async fn run<T, R>(secrets: T, work: impl FnOnce(T) -> R + Send + 'static) -> io::Result<R>
where
    T: Send + 'static,
    R: Send + 'static,
{
    let presence = PRESENCE.try_with(Arc::clone).ok();
    // In this order in all pairs: the presence is dropped last.
    let waiting = Waiting(Arc::new(Mutex::new(Some((secrets, presence)))));
    let begun = Arc::clone(&waiting.0);
    let done = tokio::task::spawn_blocking(move || {
        let taken = begun.lock().take();
        taken.map(|(secrets, presence)| (work(secrets), presence))
    });
    let result = done.await?;
    result
        .map(|(result, _presence)| result)
        .ok_or_else(|| io::ErrorKind::Interrupted.into())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Tells when it is dropped.
    struct Told(&'static str, mpsc::Sender<&'static str>);

    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.1.send(self.0);
        }
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .build()
            .expect("a runtime")
    }

    #[test]
    fn what_has_not_begun_is_gone_with_the_task_though_no_thread_is_free() {
        let runtime = runtime();
        let (busy, release) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let blocker = runtime.spawn_blocking(move || {
            begun.send(()).expect("somebody waits");
            release.recv()
        });
        has_begun.recv().expect("it begins");
        let (tell, told) = mpsc::channel();
        let presence = Told("presence", tell.clone());
        let secret = Told("secret", tell);
        let (asked, was_asked) = mpsc::channel();
        let task = runtime.spawn(with_presence(Arc::new(presence), async move {
            let work = run(secret, drop);
            asked.send(()).expect("somebody waits");
            work.await
        }));
        was_asked.recv().expect("it runs");
        task.abort();
        assert_eq!(told.recv(), Ok("secret"));
        assert_eq!(told.recv(), Ok("presence"));
        drop(busy);
        let _ended = runtime.block_on(blocker);
    }

    #[test]
    fn what_has_begun_keeps_the_presence_until_its_end() {
        let runtime = runtime();
        let (tell, told) = mpsc::channel();
        let presence = Told("presence", tell.clone());
        let secret = Told("secret", tell);
        let (begun, has_begun) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let task = runtime.spawn(with_presence(Arc::new(presence), async move {
            let work = move |secret| {
                begun.send(()).expect("somebody waits");
                let _ = may_go_on.recv();
                secret
            };
            run(secret, work).await.map(drop)
        }));
        has_begun.recv().expect("it begins");
        task.abort();
        assert!(runtime.block_on(task).is_err(), "the task is gone");
        assert!(told.try_recv().is_err(), "the work is not");
        drop(go_on);
        assert_eq!(told.recv(), Ok("secret"));
        assert_eq!(told.recv(), Ok("presence"));
    }

    #[test]
    fn the_result_comes_without_a_presence_too() {
        let result = runtime().block_on(run(1, |one| one + 1));
        assert_eq!(result.ok(), Some(2));
    }
}
