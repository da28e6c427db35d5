//! What is worth a notification.
//!
//! A state is announced when two looks in a row agree on it, so that a restart of a daemon, or a
//! figure at a threshold, does not ring twice.

use std::collections::BTreeMap;

use crate::config::Thresholds;
use crate::mib::roost::{self, Notification};
use crate::oid::Oid;
use crate::tree::Value;
use roost_node::{Alert, Node, Service, State};

/// `snmpTrapOID.0`
const TRAP_OID: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0];

/// A notification, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Which.
    pub what: Notification,
    /// The objects that it carries.
    pub cells: Vec<(Oid, Value)>,
}

impl Notice {
    /// Its variable bindings (RFC 2741, section 6.2.10).
    #[must_use]
    pub fn bindings(&self) -> Vec<(Oid, Value)> {
        let trap = (Oid::new(TRAP_OID), Value::Oid(self.what.oid()));
        std::iter::once(trap)
            .chain(self.cells.iter().cloned())
            .collect()
    }
}

/// Remembers what was announced.
#[derive(Debug, Default)]
pub struct Notices {
    standings: BTreeMap<Subject, Standing>,
    /// Alerts of the logger, by rule and subject.
    raised: BTreeMap<(String, String), Alert>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Service(u32),
    Certificate(u32),
    Volume(u32),
    Queue,
}

/// What was announced of a subject, and what the last look said.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    announced_bad: bool,
    seen_bad: bool,
}

/// What a look says of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Bad,
    Good,
    /// Between the two thresholds: as it was.
    Same,
}

impl Notices {
    /// What is to be announced after this look.
    pub fn after(&mut self, node: &Node, thresholds: &Thresholds) -> Vec<Notice> {
        let mut notices = Vec::new();
        for service in &node.services {
            let verdict = verdict(service.state != State::Up, service.state == State::Up);
            self.judge(
                Subject::Service(service.index),
                verdict,
                (Notification::ServiceDown, Notification::ServiceUp),
                || roost::service_cells(service),
                &mut notices,
            );
            self.certificate(service, node, thresholds, &mut notices);
        }
        for volume in &node.volumes {
            let (free, least) = (volume.free_percent(), thresholds.volume_free_percent);
            let verdict = verdict(free < least, free >= least.saturating_add(2));
            self.judge(
                Subject::Volume(volume.index),
                verdict,
                (Notification::VolumeFilling, Notification::VolumeWell),
                || roost::volume_cells(volume),
                &mut notices,
            );
        }
        self.queue(node, thresholds, &mut notices);
        if let Some(alerts) = node.alerts.as_ref().filter(|_| thresholds.alerts) {
            self.alerts(alerts, &mut notices);
        }
        notices
    }

    fn certificate(
        &mut self,
        service: &Service,
        node: &Node,
        thresholds: &Thresholds,
        notices: &mut Vec<Notice>,
    ) {
        let Some(end) = roost::certificate_end(service) else {
            return;
        };
        let rest = end.as_second().saturating_sub(node.at.as_second());
        let least =
            i64::try_from(thresholds.certificate_rest.duration().as_secs()).unwrap_or(i64::MAX);
        self.judge(
            Subject::Certificate(service.index),
            verdict(rest < least, rest >= least),
            (
                Notification::CertificateEnding,
                Notification::CertificateRenewed,
            ),
            || roost::certificate_cells(service),
            notices,
        );
    }

    fn queue(&mut self, node: &Node, thresholds: &Thresholds, notices: &mut Vec<Notice>) {
        let mta = node.service("roost-mta");
        let Some(mta) = mta.filter(|mta| mta.state != State::Down) else {
            return;
        };
        let messages = mta.total("queue_messages");
        let oldest = mta.total("queue_oldest_seconds");
        let late = thresholds.queue_age.duration().as_secs();
        let verdict = verdict(
            messages >= thresholds.queue_messages || oldest >= late,
            messages < thresholds.queue_messages.saturating_mul(3) / 4 && oldest < late,
        );
        self.judge(
            Subject::Queue,
            verdict,
            (Notification::QueueLong, Notification::QueueWell),
            || roost::queue_cells(messages, oldest),
            notices,
        );
    }

    /// The logger has its own patience: what it tells is told at once.
    fn alerts(&mut self, now: &[Alert], notices: &mut Vec<Notice>) {
        let key = |alert: &Alert| (alert.rule.clone(), alert.subject.clone());
        for alert in now {
            let before = self.raised.insert(key(alert), alert.clone());
            if before.is_none_or(|before| before.severity != alert.severity) {
                notices.push(Notice {
                    what: Notification::AlertRaised,
                    cells: roost::alert_cells(alert),
                });
            }
        }
        self.raised.retain(|raised, alert| {
            let stays = now.iter().any(|alert| key(alert) == *raised);
            if !stays {
                notices.push(Notice {
                    what: Notification::AlertCleared,
                    cells: roost::alert_cells(alert),
                });
            }
            stays
        });
    }

    fn judge(
        &mut self,
        subject: Subject,
        verdict: Verdict,
        (bad, good): (Notification, Notification),
        cells: impl FnOnce() -> Vec<(Oid, Value)>,
        notices: &mut Vec<Notice>,
    ) {
        let standing = self.standings.entry(subject).or_default();
        let is_bad = match verdict {
            Verdict::Bad => true,
            Verdict::Good => false,
            Verdict::Same => standing.announced_bad,
        };
        let is_confirmed = standing.seen_bad == is_bad;
        standing.seen_bad = is_bad;
        if is_confirmed && standing.announced_bad != is_bad {
            standing.announced_bad = is_bad;
            let what = if is_bad { bad } else { good };
            notices.push(Notice {
                what,
                cells: cells(),
            });
        }
    }
}

const fn verdict(is_bad: bool, is_good: bool) -> Verdict {
    match (is_bad, is_good) {
        (true, _) => Verdict::Bad,
        (false, true) => Verdict::Good,
        (false, false) => Verdict::Same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mib::tests::node;

    fn told(notices: &mut Notices, node: &Node) -> Vec<Notification> {
        let after = notices.after(node, &Thresholds::default());
        after.iter().map(|notice| notice.what).collect()
    }

    #[test]
    fn a_state_is_announced_once_when_two_looks_agree() {
        let mut notices = Notices::default();
        let well = node();
        let mut ill = node();
        ill.services[1].state = State::Down;
        assert_eq!(told(&mut notices, &well), []);
        assert_eq!(told(&mut notices, &ill), []);
        assert_eq!(told(&mut notices, &ill), [Notification::ServiceDown]);
        assert_eq!(told(&mut notices, &ill), []);
        assert_eq!(told(&mut notices, &well), []);
        assert_eq!(told(&mut notices, &ill), []);
        assert_eq!(told(&mut notices, &well), []);
        assert_eq!(told(&mut notices, &well), [Notification::ServiceUp]);
    }

    #[test]
    fn an_alert_is_told_when_it_comes_when_it_gets_worse_and_when_it_goes() {
        let mut notices = Notices::default();
        let with = |severity: Option<&str>| {
            let alert = |severity: &str| Alert {
                rule: "DISK_FILLING".to_owned(),
                subject: "store".to_owned(),
                severity: severity.to_owned(),
                text: "full in 3 h".to_owned(),
            };
            let mut node = node();
            node.alerts = Some(severity.into_iter().map(alert).collect());
            node
        };
        let raised = [Notification::AlertRaised];
        assert_eq!(told(&mut notices, &with(None)), []);
        assert_eq!(told(&mut notices, &with(Some("warning"))), raised);
        assert_eq!(told(&mut notices, &with(Some("warning"))), []);
        assert_eq!(told(&mut notices, &with(Some("critical"))), raised);
        // A logger that does not answer says nothing.
        assert_eq!(told(&mut notices, &node()), []);
        assert_eq!(
            told(&mut notices, &with(None)),
            [Notification::AlertCleared]
        );
    }

    #[test]
    fn a_volume_between_the_thresholds_stays_what_it_was() {
        let mut notices = Notices::default();
        let with = |free| {
            let mut node = node();
            node.volumes[0].free = node.volumes[0].size / 100 * free;
            node
        };
        for free in [50, 11, 11] {
            assert_eq!(told(&mut notices, &with(free)), []);
        }
        assert_eq!(told(&mut notices, &with(9)), []);
        assert_eq!(told(&mut notices, &with(9)), [Notification::VolumeFilling]);
        for free in [11, 11, 9] {
            assert_eq!(told(&mut notices, &with(free)), []);
        }
        assert_eq!(told(&mut notices, &with(12)), []);
        assert_eq!(told(&mut notices, &with(12)), [Notification::VolumeWell]);
    }
}
