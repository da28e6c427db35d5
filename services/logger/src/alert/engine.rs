//! The round after each look: every rule is asked, alerts are led on, and who must hear is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use roost_kit::Kit;
use roost_kit::clock::Clock;
use roost_kit::config::Configuration;
use roost_kit::fields::Chain;
use roost_kit::health::Health;
use tokio::sync::{Notify, watch};

use super::config::Settings;
use super::event::{Event, What};
use super::history::History;
use super::judge::{ClockState, Evidence, Judged, judge};
use super::ledger::{Changes, Ledger, Silence, Way};
use super::metrics::Counts;
use super::phase::{Alert, Finding, News, Patience, Phase, Verdict, lead};
use super::rule::Rule;
use crate::stats::Look;

/// How long what is over is kept, in seconds.
const RESOLVED_KEPT: i64 = 7 * 86_400;
/// The part of the daemon that is ill while alerts cannot be kept.
const PART: &str = "alerts";

/// What rules said last, and what is known of alerts.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) alerts: BTreeMap<(Rule, String), Alert>,
    pub(super) silences: Vec<Silence>,
    pub(super) judged: BTreeMap<Rule, Judged>,
    /// When the last round was.
    pub(super) looked: Option<i64>,
}

/// What the engine shares with those who ask.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) ledger: Ledger,
    pub(super) clock: Clock,
    pub(super) node: String,
    /// Something waits to be told.
    pub(super) news: Notify,
}

/// Who asks the rules.
pub(super) struct Engine {
    pub(super) shared: Arc<Shared>,
    pub(super) looks: watch::Receiver<Option<Arc<Look>>>,
    pub(super) configuration: watch::Receiver<Arc<Configuration>>,
    pub(super) settings: Settings,
    pub(super) history: History,
    pub(super) health: Health,
    pub(super) counts: Counts,
    pub(super) clock_state: watch::Receiver<ClockState>,
    /// A round could not be written: everything is written with the next.
    pub(super) unwritten: Option<Changes>,
}

impl Engine {
    pub(super) async fn run(mut self, kit: Kit) -> anyhow::Result<()> {
        let stopping = kit.tasks.stopping();
        loop {
            // Cancel-safe: a change that is not taken stays.
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                changed = self.looks.changed() => if changed.is_err() {
                    // The sampler ended before us.
                    return Ok(());
                },
            }
            let look = self.looks.borrow_and_update().clone();
            if let Some(look) = look {
                self.reload();
                self.round(&look).await;
            }
        }
    }

    fn reload(&mut self) {
        if !self.configuration.has_changed().unwrap_or(false) {
            return;
        }
        let configuration = Arc::clone(&self.configuration.borrow_and_update());
        match Settings::load(&configuration) {
            Ok(settings) => self.settings = settings,
            Err(error) => tracing::warn!(%error, "[alert] stays as it was"),
        }
    }

    /// One look.
    pub(super) async fn round(&mut self, look: &Look) {
        let now = look.at.as_second();
        self.history
            .take(look, seconds(self.settings.disk.window.duration()));
        let clock_state = self.clock_state.borrow().clone();
        let evidence = Evidence {
            look,
            history: &self.history,
            clock: &clock_state,
            settings: &self.settings,
        };
        let judged: BTreeMap<Rule, Judged> = Rule::ALL
            .into_iter()
            .map(|rule| (rule, judge(rule, evidence)))
            .collect();
        let mut changes = self.unwritten.take().unwrap_or_default();
        {
            let mut state = self.shared.state.lock();
            let mut round = Round {
                settings: &self.settings,
                node: &self.shared.node,
                now,
                changes: &mut changes,
            };
            round.lead_all(&mut state, &judged);
            round.tell_all(&mut state);
            round.tidy(&mut state);
            state.judged = judged;
            state.looked = Some(now);
            self.counts.show(&state);
        }
        if changes.is_empty() {
            return;
        }
        match self.shared.ledger.write(&changes, now).await {
            Ok(()) => {
                self.health.well(PART);
                self.shared.news.notify_one();
            }
            Err(error) => {
                self.health.ill(PART, Chain(&error).to_string());
                self.unwritten = Some(changes);
            }
        }
    }
}

/// What a round works on.
struct Round<'a> {
    settings: &'a Settings,
    node: &'a str,
    now: i64,
    changes: &'a mut Changes,
}

impl Round<'_> {
    fn lead_all(&mut self, state: &mut State, judged: &BTreeMap<Rule, Judged>) {
        for (rule, said) in judged {
            let mut findings = match said {
                Judged::Findings(findings) => findings.clone(),
                Judged::NotConfigured(_) => Vec::new(),
                Judged::Unknown(_) => continue,
            };
            // What is not there any more is not ill.
            let known = state.alerts.keys().filter(|(of, _)| of == rule);
            let gone: Vec<String> = known
                .map(|(_, subject)| subject.clone())
                .filter(|subject| !findings.iter().any(|finding| finding.subject == *subject))
                .collect();
            findings.extend(gone.into_iter().map(|subject| Finding {
                rule: *rule,
                subject,
                verdict: Verdict::Good,
                text: String::new(),
            }));
            for finding in &findings {
                self.lead_one(state, finding);
            }
        }
    }

    fn lead_one(&mut self, state: &mut State, finding: &Finding) {
        let key = (finding.rule, finding.subject.clone());
        let patience = Patience {
            hold: seconds(self.settings.hold(finding.rule)),
            clear: seconds(self.settings.clear.duration()),
        };
        let before = state.alerts.remove(&key);
        let (after, news) = lead(before.clone(), finding, self.now, patience);
        match (news, &after) {
            (News::Fired | News::Worse, Some(alert)) => {
                tracing::warn!(
                    rule = alert.rule.code(),
                    subject = alert.subject,
                    severity = alert.severity.name(),
                    text = alert.text,
                    "alert"
                );
            }
            (News::Resolved, Some(alert)) => {
                tracing::info!(
                    rule = alert.rule.code(),
                    subject = alert.subject,
                    "alert is over"
                );
                self.resolved(state, alert);
            }
            (News::None, _) | (_, None) => {}
        }
        if news == News::Worse
            && let Some(alert) = &after
        {
            self.tell(What::Worse, alert);
        }
        match after {
            Some(mut alert) => {
                if news == News::Worse {
                    alert.told = Some(self.now);
                }
                if before.is_none_or(|before| kept(&before) != kept(&alert)) {
                    self.changes.put.push(alert.clone());
                }
                state.alerts.insert(key, alert);
            }
            None if before.is_some() => self.changes.drop.push(key),
            None => {}
        }
    }

    /// Who heard that it fires hears that it is over.
    fn resolved(&mut self, state: &State, alert: &Alert) {
        let is_silent = state
            .silences
            .iter()
            .any(|silence| silence.covers(alert, self.now));
        if alert.told.is_some() && !is_silent {
            self.tell(What::Resolved, alert);
        }
    }

    /// What fires and was not told, or not for long.
    fn tell_all(&mut self, state: &mut State) {
        let repeat = seconds(self.settings.repeat.duration());
        let State {
            alerts, silences, ..
        } = state;
        let firing = alerts
            .values_mut()
            .filter(|alert| alert.phase == Phase::Firing);
        for alert in firing {
            let is_silent = silences
                .iter()
                .any(|silence| silence.covers(alert, self.now));
            if is_silent || alert.acknowledged.is_some() {
                continue;
            }
            let what = match alert.told {
                None => What::Fired,
                Some(told) if repeat > 0 && self.now.saturating_sub(told) >= repeat => What::Still,
                Some(_) => continue,
            };
            alert.told = Some(self.now);
            self.tell(what, alert);
            self.changes.put.push(alert.clone());
        }
    }

    fn tell(&mut self, what: What, alert: &Alert) {
        let event = Event::new(what, alert, self.node, self.now);
        let mail = &self.settings.mail;
        if !mail.to.is_empty() && alert.severity >= mail.least {
            self.changes.tell.push((Way::Mail, event.clone()));
        }
        let webhook = &self.settings.webhook;
        if webhook.url.is_some() && alert.severity >= webhook.least {
            self.changes.tell.push((Way::Webhook, event));
        }
    }

    /// Silences that ended, or whose alert got worse; what was over long ago.
    fn tidy(&mut self, state: &mut State) {
        let now = self.now;
        let State {
            alerts, silences, ..
        } = state;
        silences.retain(|silence| {
            let outgrown = alerts.values().any(|alert| {
                alert.phase == Phase::Firing
                    && alert.rule == silence.rule
                    && silence.subject == alert.subject
                    && alert.severity > silence.severity
            });
            let stays = now < silence.until && !outgrown;
            if !stays {
                self.changes.ended.push(silence.id);
            }
            stays
        });
        alerts.retain(|key, alert| {
            let stays =
                alert.phase != Phase::Resolved || now.saturating_sub(alert.since) < RESOLVED_KEPT;
            if !stays {
                self.changes.drop.push(key.clone());
            }
            stays
        });
    }
}

/// What of an alert is worth a write: its evidence changes with every look.
fn kept(alert: &Alert) -> (Phase, super::rule::Severity, i64, Option<i64>, Option<&str>) {
    (
        alert.phase,
        alert.severity,
        alert.since,
        alert.told,
        alert.acknowledged.as_deref(),
    )
}

pub(super) fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
