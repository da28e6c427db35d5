//! Many connections for a time.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio::task::LocalSet;

use super::imap::{Appender, Appending};
use super::mail::{Mailer, Mailing};

/// What the connections do.
#[derive(Debug, Clone)]
pub(crate) enum Job {
    Mail(Mailing),
    Append(Appending),
}

/// How much load.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) job: Job,
    pub(crate) connections: usize,
    /// Not counted: caches fill, processes start.
    pub(crate) warm_up: Duration,
    pub(crate) window: Duration,
    /// The number of the first message: no two of a run are alike.
    pub(crate) first: u64,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tally {
    /// Deliveries acknowledged, those of the warm-up included.
    pub(crate) all: u64,
    /// Deliveries acknowledged in the window.
    pub(crate) counted: u64,
    /// How long the window was.
    pub(crate) window: Duration,
    /// When the first message was sent.
    pub(crate) began: Instant,
    /// The number after the last one that was sent.
    pub(crate) next: u64,
}

enum Connection {
    Mail(Mailer),
    Append(Appender),
}

impl Connection {
    async fn open(job: Job, index: usize) -> anyhow::Result<Self> {
        Ok(match job {
            Job::Mail(what) => Self::Mail(Mailer::open(what, index).await?),
            Job::Append(what) => Self::Append(Appender::open(what, index).await?),
        })
    }

    async fn once(&mut self, number: u64) -> anyhow::Result<u64> {
        match self {
            Self::Mail(mailer) => mailer.once(number).await,
            Self::Append(appender) => appender.once(number).await,
        }
    }
}

struct Counters {
    next: Cell<u64>,
    all: Cell<u64>,
    counted: Cell<u64>,
}

impl Load {
    /// Runs the load. Anything but success ends it: a figure of refused messages is none.
    pub(crate) async fn run(&self) -> anyhow::Result<Tally> {
        let counters = Rc::new(Counters {
            next: Cell::new(self.first),
            all: Cell::new(0),
            counted: Cell::new(0),
        });
        let ready = Rc::new(Barrier::new(self.connections));
        let local = LocalSet::new();
        let mut workers = Vec::with_capacity(self.connections);
        let began = Rc::new(Cell::new(Instant::now()));
        for index in 0..self.connections {
            let (counters, ready, began) = (counters.clone(), ready.clone(), began.clone());
            let (job, warm_up, window) = (self.job.clone(), self.warm_up, self.window);
            workers.push(local.spawn_local(async move {
                let mut connection = Connection::open(job, index).await?;
                if ready.wait().await.is_leader() {
                    began.set(Instant::now());
                }
                ready.wait().await;
                let counts_from = began.get() + warm_up;
                let end = counts_from + window;
                while Instant::now() < end {
                    let number = counters.next.replace(counters.next.get() + 1);
                    let done = connection.once(number).await?;
                    counters.all.set(counters.all.get() + done);
                    let now = Instant::now();
                    if now >= counts_from && now < end {
                        counters.counted.set(counters.counted.get() + done);
                    }
                }
                anyhow::Ok(())
            }));
        }
        local
            .run_until(async {
                for worker in workers {
                    worker.await??;
                }
                anyhow::Ok(())
            })
            .await?;
        Ok(Tally {
            all: counters.all.get(),
            counted: counters.counted.get(),
            window: self.window,
            began: began.get(),
            next: counters.next.get(),
        })
    }
}
