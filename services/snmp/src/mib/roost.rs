//! ROOST-MIB (`mib/ROOST-MIB.txt`): what no standard MIB has a place for.

use jiff::Timestamp;

use super::seconds_between;
use crate::config::Thresholds;
use crate::oid::Oid;
use crate::tree::{Tree, Value};
use roost_node::Figures;
use roost_node::{Alert, Destination, Node, Service, Volume};

/// `roostMIB`
pub(super) const MIB: &[u32] = &[1, 3, 6, 1, 4, 1, 32473, 1, 3];

/// `roostNotifications`
const NOTIFICATIONS: u32 = 0;
/// `roostObjects`
const OBJECTS: u32 = 1;

/// The longest domain that can index a row: an object identifier has 128 parts at most.
const INDEX_TEXT_MAX: usize = 100;

/// Groups and tables under `roostObjects`.
mod group {
    pub(super) const NODE: u32 = 1;
    pub(super) const SERVICES: u32 = 2;
    pub(super) const QUEUE: u32 = 3;
    pub(super) const DESTINATIONS: u32 = 4;
    pub(super) const STORES: u32 = 5;
    pub(super) const LOGINS: u32 = 6;
    pub(super) const VOLUMES: u32 = 7;
    pub(super) const ALERT: u32 = 8;
}

/// A notification of ROOST-MIB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notification {
    /// `roostServiceDown`
    ServiceDown = 1,
    /// `roostServiceUp`
    ServiceUp = 2,
    /// `roostVolumeFilling`
    VolumeFilling = 3,
    /// `roostVolumeWell`
    VolumeWell = 4,
    /// `roostQueueLong`
    QueueLong = 5,
    /// `roostQueueWell`
    QueueWell = 6,
    /// `roostCertificateEnding`
    CertificateEnding = 7,
    /// `roostCertificateRenewed`
    CertificateRenewed = 8,
    /// `roostAlertRaised`
    AlertRaised = 9,
    /// `roostAlertCleared`
    AlertCleared = 10,
}

impl Notification {
    /// Its identifier.
    #[must_use]
    pub fn oid(self) -> Oid {
        Oid::new(MIB).with(&[NOTIFICATIONS, self as u32])
    }
}

fn object(path: &[u32]) -> Oid {
    Oid::new(MIB).with(&[OBJECTS]).with(path)
}

fn entry(table: u32) -> Oid {
    object(&[table, 1])
}

/// The cells that a notification about a daemon carries: name, state, reason.
#[must_use]
pub fn service_cells(service: &Service) -> Vec<(Oid, Value)> {
    cells(
        &entry(group::SERVICES),
        service.index,
        [
            (2, Value::text(service.name)),
            (3, Value::Integer(service.state as i32)),
            (5, Value::text(&service.reason)),
        ],
    )
}

/// Those about a daemon's certificate: name, and when it ends.
#[must_use]
pub fn certificate_cells(service: &Service) -> Vec<(Oid, Value)> {
    let mut columns = vec![(2, Value::text(service.name))];
    columns.extend(certificate_end(service).map(|end| (13, Value::date(end))));
    cells(&entry(group::SERVICES), service.index, columns)
}

/// Those about a volume: folder, percentage that is free.
#[must_use]
pub fn volume_cells(volume: &Volume) -> Vec<(Oid, Value)> {
    let folder = volume.folder.to_string_lossy();
    cells(
        &entry(group::VOLUMES),
        volume.index,
        [
            (2, Value::text(&folder)),
            (6, Value::gauge(volume.free_percent().into())),
        ],
    )
}

/// Those about the queue: messages, age of the oldest.
#[must_use]
pub fn queue_cells(messages: u64, oldest: u64) -> Vec<(Oid, Value)> {
    vec![
        (object(&[group::QUEUE, 1, 0]), Value::gauge(messages)),
        (object(&[group::QUEUE, 2, 0]), Value::gauge(oldest)),
    ]
}

/// What the notifications about an alert carry.
pub fn alert_cells(alert: &Alert) -> Vec<(Oid, Value)> {
    let severity = match alert.severity.as_str() {
        "critical" => 3,
        "warning" => 2,
        _ => 1,
    };
    let values = [
        Value::text(&alert.rule),
        Value::text(&alert.subject),
        Value::Integer(severity),
        Value::text(&alert.text),
    ];
    let places = (1..).map(|number| object(&[group::ALERT, number, 0]));
    places.zip(values).collect()
}

fn cells(
    entry: &Oid,
    index: u32,
    columns: impl IntoIterator<Item = (u32, Value)>,
) -> Vec<(Oid, Value)> {
    let columns = columns.into_iter();
    columns
        .map(|(column, value)| (entry.with(&[column, index]), value))
        .collect()
}

pub(super) fn fill(tree: &mut Tree, node: &Node, thresholds: &Thresholds) {
    let scalar = |number| object(&[group::NODE, number]);
    tree.scalar(&scalar(1), Value::text(&node.name));
    tree.scalar(&scalar(2), Value::Integer(node.state() as i32));
    tree.scalar(&scalar(3), Value::date(node.at));
    for service in &node.services {
        let row = service_row(service, node.at);
        tree.row(&entry(group::SERVICES), &[service.index], row);
        logins(tree, service);
    }
    if let Some(mta) = answering(node, "roost-mta") {
        queue(tree, mta);
    }
    for destination in node.queue.iter().flatten() {
        if let Some(index) = text_index(&destination.domain) {
            let row = destination_row(destination);
            tree.row(&entry(group::DESTINATIONS), &index, row);
        }
    }
    if let Some(store) = answering(node, "roost-store") {
        tree.row(&entry(group::STORES), &[1], store_row(store, &node.name));
    }
    for volume in &node.volumes {
        let row = volume_row(volume, thresholds);
        tree.row(&entry(group::VOLUMES), &[volume.index], row);
    }
}

fn answering<'a>(node: &'a Node, name: &str) -> Option<&'a Service> {
    let service = node.service(name)?;
    (service.figures != Figures::default()).then_some(service)
}

/// When the first of a daemon's certificates ends.
pub(crate) fn certificate_end(service: &Service) -> Option<Timestamp> {
    match service.total("tls_certificate_end_timestamp_seconds") {
        0 => None,
        end => Timestamp::from_second(i64::try_from(end).ok()?).ok(),
    }
}

fn service_row(service: &Service, now: Timestamp) -> Vec<(u32, Value)> {
    let figures = &service.figures;
    let mut row = vec![
        (2, Value::text(service.name)),
        (3, Value::Integer(service.state as i32)),
        (4, Value::date(service.since)),
        (5, Value::text(&service.reason)),
    ];
    if *figures == Figures::default() {
        return row;
    }
    let cpu = figures.one("process_cpu_seconds_total").unwrap_or_default();
    row.extend([
        (6, Value::text(service.version())),
        (8, Value::Counter64(milliseconds(cpu))),
        (
            9,
            Value::gauge(figures.total("process_resident_memory_bytes") / 1_024),
        ),
        (10, Value::gauge(figures.total("process_open_fds"))),
        (11, Value::gauge(figures.total("process_max_fds"))),
        (12, Value::counter32(service.total("panics_total"))),
    ]);
    let started = service.started();
    row.extend(started.map(|started| (7, Value::ticks(seconds_between(started, now)))));
    if let Some(end) = certificate_end(service) {
        let days = end.as_second().saturating_sub(now.as_second()) / 86_400;
        let days = i32::try_from(days).unwrap_or(i32::MAX);
        row.extend([(13, Value::date(end)), (14, Value::Integer(days))]);
    }
    row
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion from a float saturates"
)]
const fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1_000.0) as u64
}

fn queue(tree: &mut Tree, mta: &Service) {
    let refused = |kind| Value::Counter64(mta.total_where("refusals_total", "kind", kind));
    let attempts =
        |outcome| Value::Counter64(mta.total_where("attempts_total", "outcome", outcome));
    let counter = |name| Value::Counter64(mta.total(name));
    let objects = [
        Value::gauge(mta.total("queue_messages")),
        Value::gauge(mta.total("queue_oldest_seconds")),
        counter("messages_accepted_total"),
        counter("accepted_bytes_total"),
        refused("temporary"),
        refused("permanent"),
        attempts("delivered"),
        attempts("relayed"),
        attempts("deferred"),
        attempts("failed"),
        counter("notices_total"),
        Value::gauge(mta.total("deliveries_open")),
        counter("journal_flushes"),
    ];
    for (number, value) in (1..).zip(objects) {
        tree.scalar(&object(&[group::QUEUE, number]), value);
    }
}

/// A text as the parts of an `IMPLIED` index.
fn text_index(text: &str) -> Option<Vec<u32>> {
    let is_short = (1..=INDEX_TEXT_MAX).contains(&text.len());
    is_short.then(|| text.bytes().map(u32::from).collect())
}

fn destination_row(destination: &Destination) -> Vec<(u32, Value)> {
    vec![
        (2, Value::gauge(destination.messages)),
        (3, Value::gauge(destination.held)),
        (4, Value::Counter64(destination.octets)),
        (5, Value::date(destination.oldest)),
        (6, Value::text(&destination.reason)),
    ]
}

fn store_row(store: &Service, name: &str) -> Vec<(u32, Value)> {
    let deliveries =
        |outcome| Value::Counter64(store.total_where("deliveries_total", "outcome", outcome));
    let counter = |name| Value::Counter64(store.total(name));
    vec![
        (2, Value::text(name)),
        (3, Value::gauge(store.total("mailboxes_open"))),
        (4, Value::gauge(store.total("sessions"))),
        (5, deliveries("delivered")),
        (6, deliveries("deferred")),
        (7, deliveries("refused")),
        (8, counter("delivered_bytes_total")),
        (9, counter("items_added_total")),
        (10, counter("unapplied_bytes")),
        (11, counter("journal_flushes_total")),
        (12, counter("checkpoints_total")),
    ]
}

/// `roostLoginProtocol`, and the label of the metric; the mta's sign-ins have no such label.
const PROTOCOLS: [(u32, &str); 2] = [(1, "imap"), (2, "pop3")];
const SUBMISSION: u32 = 3;
const OUTCOMES: [&str; 4] = ["accepted", "refused", "forbidden", "unavailable"];

fn logins(tree: &mut Tree, service: &Service) {
    let logins = service.metric("logins_total");
    let sessions = service.metric("sessions");
    let entry = entry(group::LOGINS);
    match service.name {
        "roost-store" if service.figures != Figures::default() => {
            for (number, protocol) in PROTOCOLS {
                let count = |outcome: &str| -> u64 {
                    let samples = service.figures.all(&logins).iter();
                    let matching = samples.filter(|sample| {
                        sample.label("protocol") == Some(protocol)
                            && sample.label("outcome") == Some(outcome)
                    });
                    Figures::sum(matching)
                };
                let open = service.figures.total_where(&sessions, "protocol", protocol);
                let mut row = login_row(count);
                row.push((6, Value::gauge(open)));
                tree.row(&entry, &[service.index, number], row);
            }
        }
        "roost-mta" if service.figures != Figures::default() => {
            let count = |outcome: &str| service.figures.total_where(&logins, "outcome", outcome);
            let mut row = login_row(count);
            let open = service.total("submission_connections_open");
            row.push((6, Value::gauge(open)));
            tree.row(&entry, &[service.index, SUBMISSION], row);
        }
        _ => {}
    }
}

fn login_row(count: impl Fn(&str) -> u64) -> Vec<(u32, Value)> {
    (2..)
        .zip(OUTCOMES)
        .map(|(column, outcome)| (column, Value::Counter64(count(outcome))))
        .collect()
}

fn volume_row(volume: &Volume, thresholds: &Thresholds) -> Vec<(u32, Value)> {
    let is_filling = volume.free_percent() < thresholds.volume_free_percent;
    vec![
        (2, Value::text(&volume.folder.to_string_lossy())),
        (3, Value::text(volume.purpose)),
        (4, Value::Counter64(volume.size)),
        (5, Value::Counter64(volume.free)),
        (6, Value::gauge(volume.free_percent().into())),
        (7, Value::Counter64(volume.files)),
        (8, Value::Counter64(volume.files_free)),
        (9, Value::Integer(if is_filling { 2 } else { 1 })),
    ]
}
