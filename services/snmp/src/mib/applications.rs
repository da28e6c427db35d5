//! NETWORK-SERVICES-MIB (RFC 2788): each daemon as an application.

use jiff::Timestamp;

use super::time_stamp;
use crate::oid::Oid;
use crate::tree::{Tree, Value};
use roost_node::{Node, Service, State};

/// `applTable`
pub(super) const APPLICATIONS: &[u32] = &[1, 3, 6, 1, 2, 1, 27, 1];
const ENTRY: u32 = 1;

/// Columns of `applEntry`.
mod column {
    pub(super) const NAME: u32 = 2;
    pub(super) const DIRECTORY_NAME: u32 = 3;
    pub(super) const VERSION: u32 = 4;
    pub(super) const UPTIME: u32 = 5;
    pub(super) const OPER_STATUS: u32 = 6;
    pub(super) const LAST_CHANGE: u32 = 7;
    pub(super) const INBOUND: u32 = 8;
    pub(super) const OUTBOUND: u32 = 9;
    pub(super) const ACCUMULATED_INBOUND: u32 = 10;
    pub(super) const REJECTED_INBOUND: u32 = 14;
    pub(super) const FAILED_OUTBOUND: u32 = 15;
    pub(super) const DESCRIPTION: u32 = 16;
    pub(super) const URL: u32 = 17;
}

/// `applOperStatus`
const UP: i32 = 1;
const DOWN: i32 = 2;
const CONGESTED: i32 = 4;

/// The services of each daemon whose connections are counted, by the prefix of their metrics.
const INBOUND: [(&str, &[&str]); 3] = [
    ("roost-directory", &["ldap"]),
    ("roost-store", &["readers", "lmtp"]),
    ("roost-mta", &["smtp", "submission"]),
];

pub(super) fn fill(tree: &mut Tree, node: &Node, master_start: Timestamp) {
    let entry = Oid::new(APPLICATIONS).with(&[ENTRY]);
    for service in &node.services {
        tree.row(&entry, &[service.index], row(service, master_start));
    }
}

fn row(service: &Service, master_start: Timestamp) -> Vec<(u32, Value)> {
    let groups = INBOUND
        .iter()
        .find(|(daemon, _)| *daemon == service.name)
        .map_or(&[][..], |(_, groups)| groups);
    let sum = |what: &str| -> u64 {
        let figures = groups.iter();
        figures
            .map(|group| service.total(&format!("{group}_connections{what}")))
            .sum()
    };
    let mut row = vec![
        (column::NAME, Value::text(service.name)),
        (column::DIRECTORY_NAME, Value::text("")),
        (column::VERSION, Value::text(service.version())),
        (column::OPER_STATUS, Value::Integer(status(service.state))),
        (column::LAST_CHANGE, time_stamp(service.since, master_start)),
        (column::INBOUND, Value::gauge(sum("_open"))),
        (column::ACCUMULATED_INBOUND, Value::counter32(sum("_total"))),
        (
            column::REJECTED_INBOUND,
            Value::counter32(sum("_refused_total")),
        ),
        (column::DESCRIPTION, Value::text(description(service.name))),
        (column::URL, Value::text("")),
    ];
    if let Some(started) = service.started() {
        row.push((column::UPTIME, time_stamp(started, master_start)));
    }
    if service.name == "roost-mta" {
        let outbound = service.total("deliveries_open");
        let failed = service.total("destinations_unreachable_total");
        row.push((column::OUTBOUND, Value::gauge(outbound)));
        row.push((column::FAILED_OUTBOUND, Value::counter32(failed)));
    }
    row
}

const fn status(state: State) -> i32 {
    match state {
        State::Up => UP,
        // It runs, but something that it needs keeps it from its work.
        State::NotReady => CONGESTED,
        State::Down => DOWN,
    }
}

fn description(daemon: &str) -> &'static str {
    match daemon {
        "roost-directory" => "Directory: accounts, domains, settings (LDAP)",
        "roost-store" => "Mailboxes (LMTP, IMAP, POP3)",
        "roost-mta" => "Mail transfer agent (SMTP, submission, queue)",
        "roost-proxy" => "Front door of mail and web clients",
        "roost-logger" => "Logs, message trace, statistics",
        _ => "",
    }
}
