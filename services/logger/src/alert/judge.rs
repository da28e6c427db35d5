//! A look and the past → what each rule finds. Pure.

use std::time::Duration;

use roost_kit::figure::{Unit, written};
use roost_node::{Node, Service, State, Volume};

use super::config::Settings;
use super::forecast::forecast;
use super::history::History;
use super::phase::{Finding, Verdict};
use super::rule::{Rule, Severity};
use crate::stats::Look;
use crate::stats::host::float;

/// What a rule says.
#[derive(Debug, Clone, PartialEq)]
pub enum Judged {
    /// About each subject.
    Findings(Vec<Finding>),
    /// It cannot judge, because there is nothing to judge, or it is off.
    NotConfigured(&'static str),
    /// It could not see what it judges; everything is as it was.
    Unknown(String),
}

/// What is known of the clock.
#[derive(Debug, Clone, PartialEq)]
pub enum ClockState {
    /// Nobody was asked yet.
    Unasked,
    /// By how many seconds it is off.
    Off(f64),
    /// Nobody answered.
    Unanswered(String),
}

/// Everything that rules see.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The look at all nodes.
    pub look: &'a Look,
    /// What was before.
    pub history: &'a History,
    /// The clock.
    pub clock: &'a ClockState,
    /// When it is told.
    pub settings: &'a Settings,
}

/// Asks a rule.
#[must_use]
pub fn judge(rule: Rule, evidence: Evidence<'_>) -> Judged {
    if !evidence.settings.is_on(rule) {
        return Judged::NotConfigured("off in [alert]");
    }
    match rule {
        Rule::Service => Judged::Findings(evidence.services(service)),
        Rule::Directory => Judged::Findings(evidence.services(directory)),
        Rule::Certificate => Judged::Findings(
            evidence.services(|service, place, evidence| certificate(service, place, evidence)),
        ),
        Rule::Restart => Judged::Findings(evidence.services(restart)),
        Rule::Queue => Judged::Findings(evidence.services(queue)),
        Rule::Disk => disk(evidence),
        Rule::Memory => memory(evidence),
        Rule::Login => Judged::Findings(vec![login(evidence)]),
        Rule::Clock => clock(evidence),
        Rule::Scanner => Judged::NotConfigured("no scanner is part of this node"),
        Rule::Replication => Judged::NotConfigured("nothing is replicated on this node"),
        Rule::Backup => Judged::NotConfigured("no backup is set up on this node"),
    }
}

/// A daemon by name, and by node where it is not on this one.
struct Place<'a> {
    node: &'a Node,
    is_own: bool,
}

impl Place<'_> {
    fn subject(&self, service: &Service) -> String {
        match self.is_own {
            true => service.name.to_owned(),
            false => format!("{} at {}", service.name, self.node.name),
        }
    }
}

impl<'a> Evidence<'a> {
    fn now(self) -> i64 {
        self.look.at.as_second()
    }

    fn services(self, ask: impl Fn(&Service, &Place<'_>, Self) -> Option<Finding>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (number, node) in self.look.nodes.iter().enumerate() {
            let place = Place {
                node,
                is_own: number == 0,
            };
            let found = node.services.iter();
            findings.extend(found.filter_map(|service| ask(service, &place, self)));
        }
        findings
    }
}

fn service(service: &Service, place: &Place<'_>, _: Evidence<'_>) -> Option<Finding> {
    // That the directory cannot be reached is another rule's.
    let only_directory =
        service.reason.starts_with("directory: ") && !service.reason.contains("; ");
    let (verdict, text) = match service.state {
        State::Up => (Verdict::Good, "serves".to_owned()),
        State::NotReady if only_directory => (Verdict::Good, "runs".to_owned()),
        // A start and a drain are no trouble, and pass.
        State::NotReady => (
            Verdict::Bad(Severity::Warning),
            format!("runs but cannot serve: {}", service.reason),
        ),
        State::Down => (
            Verdict::Bad(Severity::Critical),
            format!("does not answer: {}", service.reason),
        ),
    };
    Some(Finding {
        rule: Rule::Service,
        subject: place.subject(service),
        verdict,
        text,
    })
}

fn directory(service: &Service, place: &Place<'_>, _: Evidence<'_>) -> Option<Finding> {
    let asks = ["roost-store", "roost-mta", "roost-proxy"].contains(&service.name);
    let reason = service
        .reason
        .split("; ")
        .find_map(|part| part.strip_prefix("directory: "));
    let (verdict, text) = match (service.state, reason) {
        _ if !asks => return None,
        (State::Down, _) => (Verdict::Same, "does not answer".to_owned()),
        (_, Some(reason)) => (
            Verdict::Bad(Severity::Critical),
            format!("cannot ask the directory, so nobody can sign in and mail waits: {reason}"),
        ),
        (_, None) => (Verdict::Good, "asks the directory".to_owned()),
    };
    Some(Finding {
        rule: Rule::Directory,
        subject: place.subject(service),
        verdict,
        text,
    })
}

fn certificate(service: &Service, place: &Place<'_>, evidence: Evidence<'_>) -> Option<Finding> {
    let end = service.total("tls_certificate_end_timestamp_seconds");
    let end = i64::try_from(end).ok().filter(|end| *end > 0)?;
    let limits = evidence.settings.certificate;
    let rest = end.saturating_sub(evidence.now());
    let verdict = match rest {
        rest if rest < seconds(limits.critical.duration()) => Verdict::Bad(Severity::Critical),
        rest if rest < seconds(limits.rest.duration()) => Verdict::Bad(Severity::Warning),
        _ => Verdict::Good,
    };
    let text = match rest {
        ..=0 => "its certificate has ended".to_owned(),
        rest => format!("its certificate ends in {}", time(rest)),
    };
    Some(Finding {
        rule: Rule::Certificate,
        subject: place.subject(service),
        verdict,
        text,
    })
}

fn restart(service: &Service, place: &Place<'_>, evidence: Evidence<'_>) -> Option<Finding> {
    if !place.is_own {
        return None;
    }
    let limits = evidence.settings.restart;
    let within = limits.within.duration();
    let count = evidence
        .history
        .starts_within(service.name, evidence.now(), seconds(within));
    let verdict = match count {
        count if count >= limits.times.saturating_mul(3) => Verdict::Bad(Severity::Warning),
        count if count >= limits.times.max(1) => Verdict::Bad(Severity::Notice),
        _ => Verdict::Good,
    };
    let times = if count == 1 {
        "once".to_owned()
    } else {
        format!("{count} times")
    };
    Some(Finding {
        rule: Rule::Restart,
        subject: place.subject(service),
        verdict,
        text: format!("started again {times} within {}", time(seconds(within))),
    })
}

fn queue(service: &Service, place: &Place<'_>, evidence: Evidence<'_>) -> Option<Finding> {
    if service.name != "roost-mta" {
        return None;
    }
    let limits = evidence.settings.queue;
    let messages = service.total("queue_messages");
    let oldest = service.total("queue_oldest_seconds");
    let hour_ago = match (place.is_own, evidence.history.queue.front()) {
        (true, Some((at, messages))) if evidence.now() - at > 1_800 => Some(*messages),
        _ => None,
    };
    let grows = hour_ago.is_some_and(|before| {
        messages >= (limits.messages / 10).max(1)
            && float(messages) >= before.max(1.0) * f64::from(limits.growth)
    });
    let is_late = oldest >= limits.age.duration().as_secs();
    let verdict = match () {
        () if service.state == State::Down => Verdict::Same,
        () if messages >= limits.messages || is_late || grows => Verdict::Bad(Severity::Warning),
        () if messages < limits.messages.saturating_mul(3) / 4 => Verdict::Good,
        () => Verdict::Same,
    };
    let oldest = time(i64::try_from(oldest).unwrap_or(i64::MAX));
    let before = hour_ago.filter(|_| grows);
    let before = before.map_or(String::new(), |before| {
        format!(" (an hour ago: {before:.0})")
    });
    Some(Finding {
        rule: Rule::Queue,
        subject: place.subject(service),
        verdict,
        text: format!("{messages} messages wait{before}, the oldest for {oldest}"),
    })
}

/// Volumes of one file system are one subject.
fn disk(evidence: Evidence<'_>) -> Judged {
    let volumes = evidence
        .look
        .own()
        .map_or(&[][..], |node| node.volumes.as_slice());
    if volumes.is_empty() {
        return Judged::Unknown("no volume can be seen".to_owned());
    }
    let mut seen: Vec<&Volume> = Vec::new();
    for volume in volumes {
        let is_same = |other: &&Volume| (other.size, other.free) == (volume.size, volume.free);
        if !seen.iter().any(is_same) {
            seen.push(volume);
        }
    }
    let findings = seen.into_iter().map(|volume| filling(volume, evidence));
    Judged::Findings(findings.collect())
}

fn filling(volume: &Volume, evidence: Evidence<'_>) -> Finding {
    let limits = evidence.settings.disk;
    let percent = volume.free_percent();
    let window = seconds(limits.window.duration());
    let points = evidence.history.volumes.get(volume.purpose);
    let forecast = points.and_then(|points| forecast(points, window));
    let horizon = float(limits.horizon.duration().as_secs());
    let left = forecast.map_or(f64::INFINITY, |forecast| forecast.left);
    let verdict = match () {
        () if percent < limits.free_percent => Verdict::Bad(Severity::Critical),
        () if left < horizon => Verdict::Bad(Severity::Warning),
        () if percent >= limits.free_percent.saturating_add(2) && left > horizon * 1.5 => {
            Verdict::Good
        }
        () => Verdict::Same,
    };
    let free = written(float(volume.free), Unit::Bytes);
    let rate = match forecast {
        Some(forecast) => format!(
            ", full in {} at this rate ({} an hour)",
            written(forecast.left, Unit::Seconds),
            written(forecast.rate * 3_600.0, Unit::Bytes)
        ),
        None => String::new(),
    };
    Finding {
        rule: Rule::Disk,
        subject: volume.purpose.to_owned(),
        verdict,
        text: format!(
            "{}: {free} ({percent} %) are free{rate}",
            volume.folder.display()
        ),
    }
}

fn memory(evidence: Evidence<'_>) -> Judged {
    let host = &evidence.look.host;
    let (Some(all), Some(available)) = (host.memory, host.memory_available) else {
        return Judged::Unknown("the host's memory cannot be seen".to_owned());
    };
    let least = u64::from(evidence.settings.memory.available_percent);
    let percent = available.saturating_mul(100) / all.max(1);
    let verdict = match percent {
        percent if percent < least => Verdict::Bad(Severity::Warning),
        percent if percent >= least.saturating_add(3) => Verdict::Good,
        _ => Verdict::Same,
    };
    let available = written(float(available), Unit::Bytes);
    Judged::Findings(vec![Finding {
        rule: Rule::Memory,
        subject: "host".to_owned(),
        verdict,
        text: format!("{available} ({percent} %) of memory are available"),
    }])
}

fn login(evidence: Evidence<'_>) -> Finding {
    let limits = evidence.settings.login;
    let within = seconds(limits.within.duration());
    let count = evidence.history.refused_within(evidence.now(), within);
    let verdict = match count {
        count if count >= limits.failures.max(1) => Verdict::Bad(Severity::Warning),
        count if count < limits.failures.max(1).div_ceil(2) => Verdict::Good,
        _ => Verdict::Same,
    };
    Finding {
        rule: Rule::Login,
        subject: "all services".to_owned(),
        verdict,
        text: format!("{count} wrong passwords within {}", time(within)),
    }
}

fn clock(evidence: Evidence<'_>) -> Judged {
    if evidence.settings.clock.servers.is_empty() {
        return Judged::NotConfigured("no servers to ask in [alert.clock]");
    }
    let off = match evidence.clock {
        ClockState::Off(off) => *off,
        ClockState::Unasked => return Judged::Unknown("no server was asked yet".to_owned()),
        ClockState::Unanswered(why) => return Judged::Unknown(why.clone()),
    };
    let most = evidence.settings.clock.offset.duration().as_secs_f64();
    let verdict = match off.abs() {
        off if off > most => Verdict::Bad(Severity::Warning),
        off if off < most * 0.8 => Verdict::Good,
        _ => Verdict::Same,
    };
    let way = if off < 0.0 { "behind" } else { "ahead" };
    Judged::Findings(vec![Finding {
        rule: Rule::Clock,
        subject: "host".to_owned(),
        verdict,
        text: format!("the clock is {:.3} s {way}", off.abs()),
    }])
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn time(seconds: i64) -> String {
    let seconds = u64::try_from(seconds).unwrap_or_default();
    written(float(seconds), Unit::Seconds)
}
