//! Which object carries which figure.

mod applications;
mod mta;
pub mod roost;

use jiff::Timestamp;

use crate::oid::Oid;
use crate::tree::{Tree, Value};
use roost_node::Node;

/// What a management station sees of the node. `master_start` is when the master agent began, from
/// which it counts `sysUpTime`.
#[must_use]
pub fn tree(node: &Node, thresholds: &crate::config::Thresholds, master_start: Timestamp) -> Tree {
    let mut tree = Tree::default();
    roost::fill(&mut tree, node, thresholds);
    applications::fill(&mut tree, node, master_start);
    mta::fill(&mut tree, node);
    tree
}

/// The subtrees that we answer for. The tables of MTA-MIB are registered by column, since net-snmp's
/// own are, and the longer registration would win.
#[must_use]
pub fn subtrees() -> Vec<Oid> {
    let mut subtrees = vec![Oid::new(applications::APPLICATIONS), Oid::new(roost::MIB)];
    subtrees.extend(mta::columns());
    subtrees
}

/// A `TimeStamp` (RFC 2579): `sysUpTime` at a moment, 0 for what was before it began.
fn time_stamp(at: Timestamp, master_start: Timestamp) -> Value {
    let seconds = at.as_second().saturating_sub(master_start.as_second());
    Value::ticks(u64::try_from(seconds).unwrap_or_default())
}

/// Seconds between two moments, 0 if they are the other way round.
fn seconds_between(earlier: Timestamp, later: Timestamp) -> u64 {
    let seconds = later.as_second().saturating_sub(earlier.as_second());
    u64::try_from(seconds).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests;
