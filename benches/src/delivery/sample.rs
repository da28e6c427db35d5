//! One run of one system.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

use crate::client::{Load, Tally};
use crate::measure::{Disk, Tree, client_cpu};
use crate::server::Sink;

/// A server that uses less of the CPU than this in a while is idle.
const IDLE: Duration = Duration::from_millis(10);
const WHILE: Duration = Duration::from_millis(150);
/// How long work may be put off.
const SETTLE_MAX: Duration = Duration::from_secs(15);
/// How long mail may take through a queue once nothing more comes.
const QUEUE_PATIENCE: Duration = Duration::from_secs(60);

/// What one run gave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Deliveries a second.
    pub(super) rate: f64,
    /// CPU time of the server for each delivery, in milliseconds.
    pub(super) cpu_ms: f64,
    /// Flush requests of the disk for each delivery; not a number where they are not counted.
    pub(super) flushes: f64,
    /// The share of one processor that the client had.
    pub(super) client: f64,
    /// The number after the last message.
    pub(super) next: u64,
}

/// What is measured.
#[derive(Debug)]
pub(super) struct Target<'a> {
    tree: Tree,
    /// Where the mail has to arrive before it counts.
    pub(super) sink: Option<&'a Sink>,
}

impl<'a> Target<'a> {
    /// These processes.
    pub(super) fn new(tree: Tree) -> Self {
        Self { tree, sink: None }
    }

    /// Runs a load. CPU and flushes are counted until the server is idle again: what it puts off is
    /// part of what a message costs.
    pub(super) async fn measure(&self, load: &Load, disk: &Disk) -> anyhow::Result<Sample> {
        let arrived = self.sink.map(Sink::messages);
        let (cpu, flushes) = (self.tree.cpu()?, disk.flushes());
        let (client, began) = (client_cpu(), Instant::now());
        let tally = load.run().await?;
        let (client, took) = (client_cpu() - client, began.elapsed());
        ensure!(tally.counted > 0, "nothing was acknowledged");
        let rate = match (self.sink, arrived) {
            (Some(sink), Some(before)) => through(sink, before, &tally).await?,
            _ => tally.counted as f64 / tally.window.as_secs_f64(),
        };
        self.settle().await?;
        let all = tally.all as f64;
        let flushes = flushes
            .zip(disk.flushes())
            .map_or(f64::NAN, |(before, after)| (after - before) as f64 / all);
        Ok(Sample {
            rate,
            cpu_ms: (self.tree.cpu()? - cpu).as_secs_f64() * 1000.0 / all,
            flushes,
            client: client.as_secs_f64() / took.as_secs_f64(),
            next: tally.next,
        })
    }

    /// Waits until the server is idle.
    async fn settle(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut before = self.tree.cpu()?;
        while began.elapsed() < SETTLE_MAX {
            tokio::time::sleep(WHILE).await;
            let now = self.tree.cpu()?;
            if now.saturating_sub(before) <= IDLE {
                break;
            }
            before = now;
        }
        Ok(())
    }
}

/// Waits until all that was accepted has arrived; the rate is that of the whole way.
async fn through(sink: &Sink, before: u64, tally: &Tally) -> anyhow::Result<f64> {
    let wanted = before + tally.all;
    let mut newest = (sink.messages(), Instant::now());
    while newest.0 < wanted {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let now = sink.messages();
        if now > newest.0 {
            newest = (now, Instant::now());
        } else if newest.1.elapsed() > QUEUE_PATIENCE {
            bail!(
                "only {} of {} messages came through",
                now - before,
                tally.all
            );
        }
    }
    Ok(tally.all as f64 / newest.1.duration_since(tally.began).as_secs_f64())
}
