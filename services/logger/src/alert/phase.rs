//! The life of an alert: pending until its cause has held for a while, firing, over when the cause has
//! been gone for a while. Pure: time comes from outside.

use serde::{Deserialize, Serialize};

use super::rule::{Rule, Severity};

/// What is seen of a subject now.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// By which rule.
    pub rule: Rule,
    /// Of what: a daemon, a volume, `-` where there is only one.
    pub subject: String,
    /// Whether it is well.
    pub verdict: Verdict,
    /// The evidence, for people.
    pub text: String,
}

/// Whether something is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is not.
    Bad(Severity),
    /// It is.
    Good,
    /// Between the two thresholds, or not to be seen now: as it was.
    Same,
}

/// Where an alert is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It may pass by itself; nobody is told.
    Pending,
    /// Somebody is told.
    Firing,
    /// It is over; kept for a week, to be looked at.
    Resolved,
}

impl Phase {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }

    /// By name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Firing, Self::Resolved];
        all.into_iter().find(|phase| phase.name() == name)
    }
}

/// An alert. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// By which rule.
    pub rule: Rule,
    /// Of what.
    pub subject: String,
    /// Where it is in its life.
    pub phase: Phase,
    /// How bad it is, at its worst.
    pub severity: Severity,
    /// When its cause was first seen; names it for its whole life.
    pub began: i64,
    /// Since when it is pending, firing or resolved.
    pub since: i64,
    /// The last evidence.
    pub text: String,
    /// When somebody was last told that it fires; nothing if nobody was.
    pub told: Option<i64>,
    /// Who acknowledged it with what words.
    pub acknowledged: Option<String>,
    /// Since when the cause is gone while it fires. Not kept over a restart.
    pub good_since: Option<i64>,
}

/// What a finding changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Nothing that anybody must hear.
    None,
    /// It fires.
    Fired,
    /// It fires, and is worse than it was.
    Worse,
    /// It is over.
    Resolved,
}

/// How long causes must hold and be gone, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Before it fires.
    pub hold: i64,
    /// Before it is over.
    pub clear: i64,
}

/// Leads an alert on by what is seen now. Nothing afterwards means: there is none.
#[must_use]
pub fn lead(
    alert: Option<Alert>,
    finding: &Finding,
    now: i64,
    patience: Patience,
) -> (Option<Alert>, News) {
    let alert = alert.filter(|alert| {
        // What is over begins anew when it comes back.
        alert.phase != Phase::Resolved || !matches!(finding.verdict, Verdict::Bad(_))
    });
    match (finding.verdict, alert) {
        (Verdict::Bad(severity), None) => {
            let fires = patience.hold <= 0;
            let alert = Alert {
                rule: finding.rule,
                subject: finding.subject.clone(),
                phase: if fires { Phase::Firing } else { Phase::Pending },
                severity,
                began: now,
                since: now,
                text: finding.text.clone(),
                told: None,
                acknowledged: None,
                good_since: None,
            };
            let news = if fires { News::Fired } else { News::None };
            (Some(alert), news)
        }
        (Verdict::Bad(severity), Some(alert)) => bad(alert, severity, finding, now, patience),
        (Verdict::Good, Some(alert)) => good(alert, now, patience),
        (Verdict::Good | Verdict::Same, None) => (None, News::None),
        (Verdict::Same, Some(mut alert)) => {
            alert.good_since = None;
            (Some(alert), News::None)
        }
    }
}

fn bad(
    mut alert: Alert,
    severity: Severity,
    finding: &Finding,
    now: i64,
    patience: Patience,
) -> (Option<Alert>, News) {
    let is_worse = severity > alert.severity;
    alert.severity = alert.severity.max(severity);
    alert.text.clone_from(&finding.text);
    alert.good_since = None;
    let news = match alert.phase {
        Phase::Pending if now.saturating_sub(alert.since) >= patience.hold => {
            alert.phase = Phase::Firing;
            alert.since = now;
            News::Fired
        }
        Phase::Firing if is_worse => {
            // Who acknowledged it knew of less.
            alert.acknowledged = None;
            News::Worse
        }
        Phase::Pending | Phase::Firing | Phase::Resolved => News::None,
    };
    (Some(alert), news)
}

fn good(mut alert: Alert, now: i64, patience: Patience) -> (Option<Alert>, News) {
    match alert.phase {
        Phase::Pending => (None, News::None),
        Phase::Resolved => (Some(alert), News::None),
        Phase::Firing => {
            let since = *alert.good_since.get_or_insert(now);
            if now.saturating_sub(since) < patience.clear {
                return (Some(alert), News::None);
            }
            alert.phase = Phase::Resolved;
            alert.since = now;
            (Some(alert), News::Resolved)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use roost_kit::clock::Clock;

    use super::*;

    const PATIENCE: Patience = Patience {
        hold: 60,
        clear: 120,
    };

    fn finding(verdict: Verdict) -> Finding {
        Finding {
            rule: Rule::Queue,
            subject: "-".to_owned(),
            verdict,
            text: format!("{verdict:?}"),
        }
    }

    /// Leads an alert through verdicts that come every 30 s, and says what was told when.
    fn told(verdicts: &[Verdict]) -> Vec<(i64, News)> {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let mut alert = None;
        let mut told = Vec::new();
        for verdict in verdicts {
            let now = clock.now().as_second();
            let (next, news) = lead(alert, &finding(*verdict), now, PATIENCE);
            alert = next;
            if news != News::None {
                told.push((now, news));
            }
            clock.advance(Duration::from_secs(30));
        }
        told
    }

    const BAD: Verdict = Verdict::Bad(Severity::Warning);

    #[test]
    fn what_passes_by_itself_is_not_told() {
        assert_eq!(
            told(&[BAD, BAD, Verdict::Good, BAD, BAD, Verdict::Good]),
            []
        );
    }

    #[test]
    fn a_cause_that_holds_is_told_once_and_once_when_it_is_gone() {
        let mut verdicts = vec![BAD; 6];
        verdicts.extend([Verdict::Good; 6]);
        assert_eq!(told(&verdicts), [(60, News::Fired), (300, News::Resolved)]);
    }

    #[test]
    fn a_figure_at_the_threshold_does_not_ring_again_and_again() {
        let mut verdicts = vec![BAD; 3];
        for _ in 0..10 {
            verdicts.extend([Verdict::Good, Verdict::Good, BAD, Verdict::Same]);
        }
        assert_eq!(told(&verdicts), [(60, News::Fired)]);
    }

    #[test]
    fn worse_is_told_and_ends_the_acknowledgement() {
        let (alert, _) = lead(None, &finding(BAD), 0, Patience { hold: 0, clear: 0 });
        let mut alert = alert.unwrap();
        alert.acknowledged = Some("I know".to_owned());
        let worse = finding(Verdict::Bad(Severity::Critical));
        let (alert, news) = lead(Some(alert), &worse, 1, PATIENCE);
        assert_eq!(news, News::Worse);
        let alert = alert.unwrap();
        assert_eq!(
            (alert.severity, alert.acknowledged.as_ref()),
            (Severity::Critical, None)
        );
        let (alert, news) = lead(Some(alert), &finding(BAD), 2, PATIENCE);
        assert_eq!(
            (news, alert.unwrap().severity),
            (News::None, Severity::Critical)
        );
    }

    #[test]
    fn what_is_over_begins_anew_when_it_comes_back() {
        let mut verdicts = vec![BAD; 3];
        verdicts.extend([Verdict::Good; 6]);
        verdicts.extend([BAD; 3]);
        let times: Vec<News> = told(&verdicts).into_iter().map(|(_, news)| news).collect();
        assert_eq!(times, [News::Fired, News::Resolved, News::Fired]);
    }
}
