//! The report of the day before, once a day.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use roost_kit::Kit;
use roost_kit::config::Configuration;
use tokio::sync::watch;

use super::config::Statistics;
use super::report::{letter, report};
use super::store::Store;
use super::volume::Volumes;
use crate::alert::Troubles;
use crate::post;

/// How often it is looked whether it is time.
const PERIOD: Duration = Duration::from_secs(30);
/// The mark of the last day that was reported, in days since 1970.
const MARK: &str = "reported";
/// Names of each list of a report.
const TOP: usize = 10;

/// Everything that a report is made of; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Reporter {
    pub(super) volumes: Volumes,
    pub(super) store: Arc<Store>,
    pub(super) configuration: watch::Receiver<Arc<Configuration>>,
    pub(super) node: String,
    pub(super) troubles: Troubles,
}

impl Reporter {
    /// Sends the report of a day; says to whom.
    pub(crate) async fn send(&self, day: Date) -> anyhow::Result<Vec<String>> {
        let configuration = Arc::clone(&self.configuration.borrow());
        let settings = Statistics::load(&configuration)?;
        let report = report(&self.volumes, &self.store, day, TOP).await?;
        let to = settings.report.to;
        anyhow::ensure!(!to.is_empty(), "nobody is named in [statistics.report] to");
        let mail = letter(&report, &self.node, to.clone(), &self.troubles.firing());
        post::send(&mail, &post::mta(&configuration)?, &self.node).await?;
        Ok(to)
    }

    /// Sends a report a day until the daemon stops.
    pub(super) async fn run(self, kit: Kit) -> anyhow::Result<()> {
        let stopping = kit.tasks.stopping();
        let mut said = None;
        loop {
            // Cancel-safe: neither future keeps anything.
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                () = tokio::time::sleep(PERIOD) => {}
            }
            let sent = tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                sent = self.send_if_due(kit.clock.now()) => sent,
            };
            match sent {
                Ok(()) => said = None,
                Err(error) => {
                    let error = format!("{error:#}");
                    if said.as_ref() != Some(&error) {
                        tracing::warn!(error, "the daily report was not sent; it is tried again");
                        said = Some(error);
                    }
                }
            }
        }
    }

    async fn send_if_due(&self, now: Timestamp) -> anyhow::Result<()> {
        let settings = Statistics::load(&self.configuration.borrow())?;
        let Some(at) = settings.report.at.0 else {
            return Ok(());
        };
        let here = now.to_zoned_datetime(TimeZone::system());
        let yesterday = here.date().saturating_sub(1.days());
        let number = days(yesterday);
        match self.volumes.mark(MARK).await? {
            // A new node has nothing to tell of the day before it was.
            None => self.volumes.set_mark(MARK, number).await?,
            Some(reported) if reported < number && here.time() >= at => {
                let to = self.send(yesterday).await?;
                self.volumes.set_mark(MARK, number).await?;
                tracing::info!(day = %yesterday, to = to.join(" "), "daily report sent");
            }
            Some(_) => {}
        }
        Ok(())
    }
}

/// Days since 1970.
fn days(date: Date) -> i64 {
    let midnight = date.at(0, 0, 0, 0).to_zoned_datetime(TimeZone::UTC);
    midnight.map_or(0, |midnight| midnight.timestamp().as_second() / 86_400)
}
