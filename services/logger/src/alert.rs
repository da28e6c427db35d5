//! Alerts: rules with sensible defaults over what the statistics see, with hysteresis, told by mail, by
//! HTTP, and through the SNMP subagent.
//!
//! | module | what it decides |
//! |---|---|
//! | [`config`] | `[alert]` |
//! | [`rule`] | the rules by name, and what to do about each |
//! | [`history`], [`mod@forecast`], `clock` | what rules know beside the newest look |
//! | [`mod@judge`] | what each rule finds; pure |
//! | [`phase`] | pending, firing, resolved; pure |
//! | `engine` | the round after each look |
//! | `ledger` | what is kept over a restart |
//! | [`event`], `teller`, `letter`, [`webhook`] | who is told how |
//! | `control` | what `roostctl alerts` asks |
//!
//! A rule that has nothing to judge says "not configured", and one that cannot see says "unknown":
//! neither is ever "ok".

mod clock;
pub mod config;
mod control;
mod engine;
pub mod event;
pub mod forecast;
pub mod history;
pub mod judge;
mod ledger;
mod letter;
mod metrics;
pub mod phase;
pub mod rule;
mod teller;
#[cfg(test)]
mod tests;
pub mod webhook;

use std::sync::Arc;

use axum::Router;
use parking_lot::Mutex;
use roost_kit::Kit;
use roost_kit::config::Configuration;
use tokio::sync::{Notify, watch};

use config::Settings;
use engine::{Engine, Shared, State, seconds};
use history::History;
use judge::ClockState;
use ledger::Ledger;
use metrics::Counts;
use teller::Teller;

use crate::stats::Begun;

/// What fires now, for who tells of it elsewhere; cheap to clone.
#[derive(Debug, Clone)]
pub struct Troubles(Arc<Shared>);

impl Troubles {
    /// A line each.
    #[must_use]
    pub fn firing(&self) -> Vec<String> {
        let state = self.0.state.lock();
        let firing = state.alerts.values();
        let firing = firing.filter(|alert| alert.phase == phase::Phase::Firing);
        let lines = firing.map(|alert| {
            let (severity, code) = (alert.severity.name(), alert.rule.code());
            format!("{severity}: {code} {}: {}", alert.subject, alert.text)
        });
        lines.collect()
    }
}

/// Begins to judge what the statistics see; says what is answered at the control socket, and gives a view
/// of what fires.
pub async fn begin(kit: &Kit, statistics: &Begun) -> anyhow::Result<(Router, Troubles)> {
    let configuration = Arc::clone(&kit.configuration.borrow());
    let settings = Settings::load(&configuration)?;
    let now = kit.clock.now().as_second();
    let window = seconds(settings.disk.window.duration());
    let node = kit.shared.node.name.clone();
    let history = History::read(&statistics.store, &node, now, window).await?;
    let ledger = Ledger(statistics.database.clone());
    let alerts = ledger.alerts().await?;
    let state = State {
        alerts: alerts
            .into_iter()
            .map(|alert| ((alert.rule, alert.subject.clone()), alert))
            .collect(),
        silences: ledger.silences().await?,
        ..State::default()
    };
    let shared = Arc::new(Shared {
        state: Mutex::new(state),
        ledger,
        clock: kit.clock.clone(),
        node,
        news: Notify::new(),
    });
    let counts = Counts::new(&kit.metrics);
    let (told, clock_state) = watch::channel(ClockState::Unasked);
    let engine = Engine {
        shared: Arc::clone(&shared),
        looks: statistics.looks.clone(),
        configuration: kit.configuration.clone(),
        settings,
        history,
        health: kit.health.clone(),
        counts: counts.clone(),
        clock_state,
        unwritten: None,
    };
    let teller = Teller {
        shared: Arc::clone(&shared),
        configuration: kit.configuration.clone(),
        counts,
    };
    kit.tasks.spawn_worker("alerts", engine.run(kit.clone()));
    kit.tasks.spawn_worker("teller", teller.run(kit.clone()));
    kit.tasks.spawn_worker(
        "clock",
        watch_clock(kit.clone(), kit.configuration.clone(), told),
    );
    Ok((control::router(Arc::clone(&shared)), Troubles(shared)))
}

/// Asks the NTP servers, if there are any, now and then.
async fn watch_clock(
    kit: Kit,
    configuration: watch::Receiver<Arc<Configuration>>,
    told: watch::Sender<ClockState>,
) -> anyhow::Result<()> {
    let stopping = kit.tasks.stopping();
    loop {
        let settings = Settings::load(&configuration.borrow())
            .unwrap_or_default()
            .clock;
        // Cancel-safe: a question that is cut short is asked again.
        tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            state = clock::ask(&settings.servers, &kit.clock), if !settings.servers.is_empty() => {
                told.send_replace(state);
            }
            else => {}
        }
        tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            () = tokio::time::sleep(settings.every.duration()) => {}
        }
    }
}
