//! Who owns a task, and in which order tasks end.
//!
//! There are two kinds. *Sessions* serve peers: when [`Tasks::draining`] fires they finish the
//! command in hand, say bye and end. *Workers* serve sessions (journal, queue, caches): they are
//! told to end, by [`Tasks::stopping`], only when no session is left, so that nothing a session
//! still needs goes away under it. A worker that fails ends the daemon; a session that panics ends
//! alone.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks of a daemon; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tasks(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    sessions: TaskTracker,
    workers: TaskTracker,
    leaving: CancellationToken,
    taken_over: CancellationToken,
    draining: CancellationToken,
    aborting: CancellationToken,
    stopping: CancellationToken,
    failure: Mutex<Option<anyhow::Error>>,
    failed: Notify,
    panics: Counter,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Sessions that did not end in time and were cut off.
    pub sessions_cut: usize,
    /// Workers that did not end in time.
    pub workers_left: usize,
}

impl Tasks {
    /// No tasks yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a session. It ends when its future does, and at the latest when the drain's time is
    /// over. A panic in it is logged and counted, and ends only it.
    pub fn spawn(&self, what: &'static str, session: impl Future<Output = ()> + Send + 'static) {
        let inner = Arc::clone(&self.0);
        self.0.sessions.spawn(async move {
            let session = AssertUnwindSafe(session).catch_unwind();
            // Cancel-safe: the token's future has no state, and a cut session is dropped for good.
            tokio::select! {
                ended = session => {
                    if let Err(panic) = ended {
                        inner.panics.inc();
                        tracing::error!(task = what, panic = panic_text(&*panic), "a session panicked");
                    }
                }
                () = inner.aborting.cancelled() => {}
            }
        });
    }

    /// Runs a worker, which must end soon after [`Tasks::stopping`] fires. When it fails or panics
    /// the daemon drains and exits 1.
    pub fn spawn_worker(
        &self,
        what: &'static str,
        worker: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        let tasks = self.clone();
        self.0.workers.spawn(async move {
            match AssertUnwindSafe(worker).catch_unwind().await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tasks.fail(error.context(what)),
                Err(panic) => {
                    tasks.0.panics.inc();
                    tasks.fail(anyhow::anyhow!("{what} panicked: {}", panic_text(&*panic)));
                }
            }
        });
    }

    /// Ends the daemon because of an error from which only a restart heals: it drains and exits 1.
    /// For threads that are not tasks. The first failure counts.
    pub fn fail(&self, error: anyhow::Error) {
        let mut failure = self.0.failure.lock();
        if failure.is_none() {
            *failure = Some(error);
            self.0.failed.notify_one();
        } else {
            tracing::error!(error = format!("{error:#}"), "failed too");
        }
    }

    /// Fires when no new connections are taken: in the drain, and before it while another process has
    /// taken over and the sessions that are there go on. Connections that carry one request after the
    /// other should end after the one in hand.
    #[must_use]
    pub fn leaving(&self) -> CancellationToken {
        self.0.leaving.clone()
    }

    /// Fires when another process serves in the place of this one.
    pub(crate) fn taken_over(&self) -> CancellationToken {
        self.0.taken_over.clone()
    }

    /// Another process serves now: takes no new connections, and waits until the sessions that are
    /// there have ended by themselves.
    pub(crate) async fn see_sessions_out(&self) {
        self.0.taken_over.cancel();
        self.0.leaving.cancel();
        self.0.sessions.close();
        self.0.sessions.wait().await;
    }

    /// Fires when sessions should finish what they do, say bye and end.
    #[must_use]
    pub fn draining(&self) -> CancellationToken {
        self.0.draining.clone()
    }

    /// Fires when no session is left and workers should end.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.0.stopping.clone()
    }

    /// How many sessions run.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.0.sessions.len()
    }

    /// The counter of panics, for the metrics.
    pub(crate) fn panics(&self) -> Counter {
        self.0.panics.clone()
    }

    /// Waits for the first failure.
    pub(crate) async fn failure(&self) -> anyhow::Error {
        loop {
            if let Some(error) = self.0.failure.lock().take() {
                return error;
            }
            self.0.failed.notified().await;
        }
    }

    /// Ends everything in order: sessions within `patience`, then workers within as much again.
    pub async fn shut_down(&self, patience: Duration) -> Drained {
        let inner = &self.0;
        inner.leaving.cancel();
        inner.draining.cancel();
        inner.sessions.close();
        let mut sessions_cut = 0;
        if tokio::time::timeout(patience, inner.sessions.wait())
            .await
            .is_err()
        {
            sessions_cut = inner.sessions.len();
            inner.aborting.cancel();
            inner.sessions.wait().await;
        }
        inner.stopping.cancel();
        inner.workers.close();
        let mut workers_left = 0;
        if tokio::time::timeout(patience, inner.workers.wait())
            .await
            .is_err()
        {
            workers_left = inner.workers.len();
        }
        Drained {
            sessions_cut,
            workers_left,
        }
    }
}

/// What a panic said.
fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn workers_end_after_sessions() {
        let tasks = Tasks::new();
        let step = Arc::new(AtomicU32::new(0));
        let (draining, stopping) = (tasks.draining(), tasks.stopping());
        let seen = Arc::clone(&step);
        tasks.spawn("session", async move {
            draining.cancelled().await;
            tokio::task::yield_now().await;
            seen.compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst)
                .unwrap();
        });
        let seen = Arc::clone(&step);
        tasks.spawn_worker("worker", async move {
            stopping.cancelled().await;
            seen.compare_exchange(1, 2, Ordering::SeqCst, Ordering::SeqCst)
                .unwrap();
            Ok(())
        });
        let drained = tasks.shut_down(PATIENCE).await;
        assert_eq!(
            drained,
            Drained {
                sessions_cut: 0,
                workers_left: 0
            }
        );
        assert_eq!(step.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_session_that_does_not_end_is_cut() {
        let tasks = Tasks::new();
        tasks.spawn("session", std::future::pending());
        assert_eq!(tasks.shut_down(Duration::ZERO).await.sessions_cut, 1);
        assert_eq!(tasks.sessions(), 0);
    }

    #[tokio::test]
    async fn a_panic_ends_a_session_alone_but_a_worker_with_the_daemon() {
        let tasks = Tasks::new();
        tasks.spawn("session", async { panic!("in the session") });
        tasks.spawn_worker("queue", async { panic!("in the worker") });
        let failure = tasks.failure().await;
        assert_eq!(failure.to_string(), "queue panicked: in the worker");
        tasks.shut_down(PATIENCE).await;
        assert_eq!(tasks.panics().get(), 2);
    }

    #[tokio::test]
    async fn a_failed_worker_ends_the_daemon() {
        let tasks = Tasks::new();
        tasks.spawn_worker("journal", async { Err(anyhow::anyhow!("disk is gone")) });
        assert_eq!(
            format!("{:#}", tasks.failure().await),
            "journal: disk is gone"
        );
    }
}
