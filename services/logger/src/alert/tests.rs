//! The round as a whole, with a clock that stands until it is moved.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use roost_kit::clock::Clock;
use roost_kit::health::Health;
use roost_kit::metrics::Metrics;
use roost_node::{Figures, Node, Service, State as ServiceState, Volume};
use tempfile::TempDir;
use tokio::sync::watch;

use super::engine::{Engine, Shared, State};
use super::event::{Event, What};
use super::history::History;
use super::judge::{ClockState, Judged};
use super::ledger::{Ledger, Silence, Way};
use super::metrics::Counts;
use super::phase::Phase;
use super::rule::{Rule, Severity};
use super::*;
use crate::stats::Look;
use crate::stats::database::Database;
use crate::stats::host::HostFigures;

struct World {
    _folder: TempDir,
    clock: Clock,
    engine: Engine,
}

impl World {
    async fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_second(1_790_000_000).unwrap());
        let engine = engine(&folder, &clock, settings).await;
        Self {
            _folder: folder,
            clock,
            engine,
        }
    }

    /// As after a restart of the logger.
    async fn restart(&mut self, settings: &str) {
        self.engine = engine(&self._folder, &self.clock, settings).await;
    }

    /// A look every ten seconds, for so long.
    async fn pass(&mut self, seconds: u64, node: impl Fn(Timestamp) -> Node) {
        for _ in 0..seconds / 10 {
            let now = self.clock.now();
            let look = Look {
                at: now,
                nodes: vec![node(now)],
                host: HostFigures::default(),
            };
            self.engine.round(&look).await;
            self.clock.advance(Duration::from_secs(10));
        }
    }

    async fn waiting(&self, way: Way) -> Vec<Event> {
        let now = self.clock.now().as_second();
        let due = self.engine.shared.ledger.due(way, now).await.unwrap();
        due.into_iter().map(|waiting| waiting.event).collect()
    }

    async fn told(&self) -> Vec<(What, String)> {
        let events = self.waiting(Way::Mail).await;
        events
            .into_iter()
            .map(|event| (event.event, event.rule))
            .collect()
    }
}

async fn engine(folder: &TempDir, clock: &Clock, settings: &str) -> Engine {
    let database = Database::open(folder.path()).await.unwrap();
    let ledger = Ledger(database);
    let alerts = ledger.alerts().await.unwrap();
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            alerts: alerts
                .into_iter()
                .map(|alert| ((alert.rule, alert.subject.clone()), alert))
                .collect(),
            silences: ledger.silences().await.unwrap(),
            ..State::default()
        }),
        ledger,
        clock: clock.clone(),
        node: "mail.example.test".to_owned(),
        news: Notify::new(),
    });
    let file = folder.path().join("roost.toml");
    std::fs::write(&file, settings).unwrap();
    let configuration = Arc::new(Configuration::load(&file).unwrap());
    let settings = Settings::load(&configuration).unwrap();
    Engine {
        shared,
        looks: watch::channel(None).1,
        configuration: watch::channel(configuration).1,
        settings,
        history: History::default(),
        health: Health::new(),
        counts: Counts::new(&Metrics::new("roost-logger", "1")),
        clock_state: watch::channel(ClockState::Unasked).1,
        unwritten: None,
    }
}

fn service(name: &'static str, state: ServiceState, reason: &str, figures: &str) -> Service {
    Service {
        index: 1,
        name,
        state,
        since: Timestamp::UNIX_EPOCH,
        reason: reason.to_owned(),
        figures: Figures::read(figures),
    }
}

fn node(at: Timestamp, services: Vec<Service>, free: u64) -> Node {
    Node {
        at,
        name: "mail.example.test".to_owned(),
        services,
        queue: None,
        alerts: None,
        volumes: vec![Volume {
            index: 1,
            folder: "/var/lib/roost/store".into(),
            purpose: "store",
            size: 100_000_000_000,
            free,
            files: 0,
            files_free: 0,
        }],
    }
}

fn mta(state: ServiceState) -> impl Fn(Timestamp) -> Node {
    move |at| {
        node(
            at,
            vec![service("roost-mta", state, "gone", "")],
            50_000_000_000,
        )
    }
}

#[tokio::test]
async fn a_daemon_that_is_down_is_told_once_and_over_once() {
    let mut world = World::new("").await;
    world.pass(60, mta(ServiceState::Up)).await;
    world.pass(50, mta(ServiceState::Down)).await;
    assert_eq!(world.told().await, [], "it may come back by itself");
    world.pass(600, mta(ServiceState::Down)).await;
    world.pass(600, mta(ServiceState::Up)).await;
    let service = Rule::Service.code().to_owned();
    let expected = [(What::Fired, service.clone()), (What::Resolved, service)];
    assert_eq!(world.told().await, expected);
    let events = world.waiting(Way::Mail).await;
    assert_eq!(events[0].id, events[1].id);
    assert_eq!(events[0].subject, "roost-mta");
    assert_eq!(events[0].severity, Severity::Critical);
    assert!(events[0].text.contains("gone"), "{events:?}");
    assert!(events[0].action.contains("roost-mta"), "{events:?}");
    assert_eq!(world.waiting(Way::Webhook).await, [], "no webhook is set");
}

#[tokio::test]
async fn a_restart_of_the_logger_tells_nothing_twice_and_forgets_nothing() {
    let mut world = World::new("").await;
    world.pass(120, mta(ServiceState::Down)).await;
    assert_eq!(world.told().await.len(), 1);
    world.restart("").await;
    world.pass(600, mta(ServiceState::Down)).await;
    assert_eq!(world.told().await.len(), 1);
    world.pass(600, mta(ServiceState::Up)).await;
    assert_eq!(world.told().await.len(), 2);
}

#[tokio::test]
async fn what_nobody_acknowledges_is_told_again() {
    let settings = "[alert]\nrepeat = \"1h\"\n";
    let mut world = World::new(settings).await;
    world.pass(2 * 3_600, mta(ServiceState::Down)).await;
    let events: Vec<What> = world
        .told()
        .await
        .into_iter()
        .map(|(what, _)| what)
        .collect();
    assert_eq!(events, [What::Fired, What::Still]);
    for alert in world.engine.shared.state.lock().alerts.values_mut() {
        alert.acknowledged = Some("seen".to_owned());
    }
    world.pass(3 * 3_600, mta(ServiceState::Down)).await;
    assert_eq!(world.told().await.len(), 2);
}

#[tokio::test]
async fn a_silence_ends_by_itself_or_when_it_gets_worse() {
    let mut world = World::new("").await;
    let until = world.clock.now().as_second() + 3_600;
    let mut silence = Silence {
        id: 0,
        rule: Rule::Service,
        subject: "roost-mta".to_owned(),
        severity: Severity::Critical,
        until,
        note: String::new(),
    };
    silence.id = world.engine.shared.ledger.silence(&silence).await.unwrap();
    world.engine.shared.state.lock().silences.push(silence);
    world.pass(3_000, mta(ServiceState::Down)).await;
    assert_eq!(world.told().await, []);
    world.restart("").await;
    world.pass(500, mta(ServiceState::Down)).await;
    assert_eq!(world.told().await, [], "a silence lives over a restart");
    world.pass(600, mta(ServiceState::Down)).await;
    assert_eq!(world.told().await.len(), 1);
    assert!(
        world
            .engine
            .shared
            .ledger
            .silences()
            .await
            .unwrap()
            .is_empty()
    );

    let mut world = World::new("").await;
    let mut silence = Silence {
        id: 0,
        rule: Rule::Service,
        subject: "roost-mta".to_owned(),
        severity: Severity::Warning,
        until,
        note: String::new(),
    };
    silence.id = world.engine.shared.ledger.silence(&silence).await.unwrap();
    world.engine.shared.state.lock().silences.push(silence);
    world.pass(300, mta(ServiceState::NotReady)).await;
    assert_eq!(world.told().await, []);
    world.pass(60, mta(ServiceState::Down)).await;
    let events: Vec<What> = world
        .told()
        .await
        .into_iter()
        .map(|(what, _)| what)
        .collect();
    assert_eq!(events, [What::Worse]);
}

#[tokio::test]
async fn a_volume_that_fills_is_told_with_the_time_that_is_left() {
    let mut world = World::new("[alert.mail]\nleast = \"notice\"\n").await;
    let began = world.clock.now();
    // A gigabyte in ten minutes, of forty.
    let filling = |at: Timestamp| {
        let seconds = u64::try_from(at.as_second() - began.as_second()).unwrap();
        node(
            at,
            Vec::new(),
            40_000_000_000 - seconds * 1_000_000_000 / 600,
        )
    };
    world.pass(3_600, filling).await;
    let events = world.waiting(Way::Mail).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].rule, "DISK_FILLING");
    assert!(
        events[0]
            .text
            .contains("full in 6 h at this rate (6 GB an hour)"),
        "{events:?}"
    );
    let left = filling(world.clock.now()).volumes[0].free;
    world.pass(3 * 3_600, |at| node(at, Vec::new(), left)).await;
    assert_eq!(world.told().await.last().unwrap().0, What::Resolved);
}

#[tokio::test]
async fn wrong_passwords_restarts_certificates_and_the_queue_are_judged() {
    let mut world = World::new("[alert.mail]\nleast = \"notice\"\n").await;
    let began = world.clock.now();
    let busy = |at: Timestamp| {
        let seconds = at.as_second() - began.as_second();
        let figures = format!(
            "roost_proxy_logins_total{{service=\"imap\",outcome=\"throttled\"}} {}\n\
             process_start_time_seconds {}\n\
             roost_proxy_tls_certificate_end_timestamp_seconds {}\n",
            seconds * 2,
            if seconds < 60 { 1_000 } else { 2_000 },
            at.as_second() + 86_400
        );
        let mail = format!(
            "roost_mta_queue_messages {}\nroost_mta_queue_oldest_seconds 5\n",
            5_000
        );
        let services = vec![
            service("roost-proxy", ServiceState::Up, "", &figures),
            service("roost-mta", ServiceState::Up, "", &mail),
        ];
        node(at, services, 50_000_000_000)
    };
    world.pass(1_800, busy).await;
    let fired: BTreeMap<String, Severity> = world
        .waiting(Way::Mail)
        .await
        .into_iter()
        .filter(|event| event.event == What::Fired)
        .map(|event| (event.rule, event.severity))
        .collect();
    let expected = [
        ("CERTIFICATE_ENDING", Severity::Critical),
        ("LOGIN_ATTACK", Severity::Warning),
        ("QUEUE_GROWING", Severity::Warning),
        ("UNIT_RESTARTED", Severity::Notice),
    ];
    let expected = expected.map(|(rule, severity)| (rule.to_owned(), severity));
    assert_eq!(fired, BTreeMap::from(expected));
}

#[tokio::test]
async fn what_cannot_be_judged_is_never_ok() {
    let mut world = World::new("[alert]\noff = [\"UNIT_RESTARTED\"]\n").await;
    world.pass(10, mta(ServiceState::Up)).await;
    let state = world.engine.shared.state.lock();
    for rule in [
        Rule::Scanner,
        Rule::Replication,
        Rule::Backup,
        Rule::Clock,
        Rule::Restart,
    ] {
        assert!(
            matches!(state.judged[&rule], Judged::NotConfigured(_)),
            "{rule:?}"
        );
    }
    assert!(matches!(state.judged[&Rule::Memory], Judged::Unknown(_)));
    assert!(matches!(state.judged[&Rule::Service], Judged::Findings(_)));
    assert!(
        state
            .alerts
            .values()
            .all(|alert| alert.phase != Phase::Firing)
    );
}
