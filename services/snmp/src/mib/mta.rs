//! MTA-MIB (RFC 2789). Objects for which the mta has no figure are left out rather than invented.

use super::seconds_between;
use crate::oid::Oid;
use crate::tree::{Tree, Value};
use roost_node::{Node, Service};

/// `mtaTable`
pub(super) const AGENTS: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 1];
/// `mtaGroupTable`
pub(super) const GROUPS: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 2];
/// `applTCPProtoID`: a protocol by its TCP port.
const TCP_PROTOCOL: &[u32] = &[1, 3, 6, 1, 2, 1, 27, 4];
const ENTRY: u32 = 1;
/// The last column of `mtaEntry`.
const AGENT_COLUMNS: u32 = 12;
/// The last column of `mtaGroupEntry`.
const GROUP_COLUMNS: u32 = 34;

/// Columns of `mtaEntry`.
mod agent {
    pub(super) const RECEIVED_MESSAGES: u32 = 1;
    pub(super) const STORED_MESSAGES: u32 = 2;
    pub(super) const RECEIVED_VOLUME: u32 = 4;
    pub(super) const STORED_VOLUME: u32 = 5;
    pub(super) const TRANSMITTED_RECIPIENTS: u32 = 9;
    pub(super) const CONVERTED: u32 = 10;
    pub(super) const CONVERSION_FAILED: u32 = 11;
}

/// Columns of `mtaGroupEntry`.
mod group {
    pub(super) const REJECTED_MESSAGES: u32 = 3;
    pub(super) const STORED_MESSAGES: u32 = 4;
    pub(super) const STORED_VOLUME: u32 = 7;
    pub(super) const TRANSMITTED_RECIPIENTS: u32 = 11;
    pub(super) const OLDEST_STORED: u32 = 12;
    pub(super) const INBOUND: u32 = 13;
    pub(super) const OUTBOUND: u32 = 14;
    pub(super) const ACCUMULATED_INBOUND: u32 = 15;
    pub(super) const REJECTED_INBOUND: u32 = 19;
    pub(super) const FAILED_OUTBOUND: u32 = 20;
    pub(super) const PROTOCOL: u32 = 24;
    pub(super) const NAME: u32 = 25;
    pub(super) const DESCRIPTION: u32 = 28;
    pub(super) const HIERARCHY: u32 = 31;
}

/// Every column of both tables.
pub(super) fn columns() -> impl Iterator<Item = Oid> {
    let agents = (1..=AGENT_COLUMNS).map(|column| Oid::new(AGENTS).with(&[ENTRY, column]));
    let groups = (1..=GROUP_COLUMNS).map(|column| Oid::new(GROUPS).with(&[ENTRY, column]));
    agents.chain(groups)
}

pub(super) fn fill(tree: &mut Tree, node: &Node) {
    let Some(mta) = node.service("roost-mta") else {
        return;
    };
    if mta.figures == Default::default() {
        return;
    }
    let agents = Oid::new(AGENTS).with(&[ENTRY]);
    tree.row(&agents, &[mta.index], agent_row(mta, node));
    let groups = Oid::new(GROUPS).with(&[ENTRY]);
    let inbound = [
        (1, "smtp", 25, "Mail from other hosts"),
        (2, "submission", 587, "Mail of our own users"),
    ];
    for (index, name, port, description) in inbound {
        let row = inbound_row(mta, name, port, description);
        tree.row(&groups, &[mta.index, index], row);
    }
    tree.row(&groups, &[mta.index, 3], delivery_row(mta, node));
}

fn kilo_octets(octets: u64) -> u64 {
    octets / 1_000
}

fn agent_row(mta: &Service, node: &Node) -> Vec<(u32, Value)> {
    let received = mta.total("messages_accepted_total");
    let volume = kilo_octets(mta.total("accepted_bytes_total"));
    let mut row = vec![
        (agent::RECEIVED_MESSAGES, Value::counter32(received)),
        (
            agent::STORED_MESSAGES,
            Value::gauge(mta.total("queue_messages")),
        ),
        (agent::RECEIVED_VOLUME, Value::counter32(volume)),
        (
            agent::TRANSMITTED_RECIPIENTS,
            Value::counter32(handed_on(mta)),
        ),
        (agent::CONVERTED, Value::Counter32(0)),
        (agent::CONVERSION_FAILED, Value::Counter32(0)),
    ];
    row.extend(stored_volume(node).map(|volume| (agent::STORED_VOLUME, volume)));
    row
}

/// Recipients that left the queue because somebody took the message for them.
fn handed_on(mta: &Service) -> u64 {
    let of = |outcome| mta.total_where("attempts_total", "outcome", outcome);
    of("delivered").saturating_add(of("relayed"))
}

fn stored_volume(node: &Node) -> Option<Value> {
    let queue = node.queue.as_ref()?;
    let octets: u64 = queue.iter().map(|destination| destination.octets).sum();
    Some(Value::gauge(kilo_octets(octets)))
}

fn inbound_row(mta: &Service, name: &str, port: u32, description: &str) -> Vec<(u32, Value)> {
    let count = |what: &str| mta.total(&format!("{name}_connections{what}"));
    vec![
        (group::INBOUND, Value::gauge(count("_open"))),
        (
            group::ACCUMULATED_INBOUND,
            Value::counter32(count("_total")),
        ),
        (
            group::REJECTED_INBOUND,
            Value::counter32(count("_refused_total")),
        ),
        (
            group::PROTOCOL,
            Value::Oid(Oid::new(TCP_PROTOCOL).with(&[port])),
        ),
        (group::NAME, Value::text(name)),
        (group::DESCRIPTION, Value::text(description)),
        // No group contains this one (RFC 2789: its own index).
        (group::HIERARCHY, Value::Integer(0)),
    ]
}

fn delivery_row(mta: &Service, node: &Node) -> Vec<(u32, Value)> {
    let failed = mta.total_where("attempts_total", "outcome", "failed");
    let unreachable = mta.total("destinations_unreachable_total");
    let mut row = vec![
        (group::REJECTED_MESSAGES, Value::counter32(failed)),
        (
            group::STORED_MESSAGES,
            Value::gauge(mta.total("queue_messages")),
        ),
        (
            group::TRANSMITTED_RECIPIENTS,
            Value::counter32(handed_on(mta)),
        ),
        (group::OUTBOUND, Value::gauge(mta.total("deliveries_open"))),
        (group::FAILED_OUTBOUND, Value::counter32(unreachable)),
        (
            group::PROTOCOL,
            Value::Oid(Oid::new(TCP_PROTOCOL).with(&[25])),
        ),
        (group::NAME, Value::text("delivery")),
        (
            group::DESCRIPTION,
            Value::text("The queue: deliveries to stores and to other hosts"),
        ),
        (group::HIERARCHY, Value::Integer(0)),
    ];
    row.extend(stored_volume(node).map(|volume| (group::STORED_VOLUME, volume)));
    let oldest = node.queue.as_ref().and_then(|queue| {
        let oldest = queue.iter().map(|destination| destination.oldest).min()?;
        // A TimeInterval: hundredths of a second, as an INTEGER.
        let hundredths = seconds_between(oldest, node.at).saturating_mul(100);
        Some(Value::Integer(
            i32::try_from(hundredths).unwrap_or(i32::MAX),
        ))
    });
    row.extend(oldest.map(|oldest| (group::OLDEST_STORED, oldest)));
    row
}
