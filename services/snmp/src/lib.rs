//! The node's state for network management: an AgentX subagent (RFC 2741) of net-snmp's `snmpd`.
//!
//! Every few seconds [`roost_node`] asks each daemon of this node for `/readyz` and `/metrics`, the mta for
//! its queue, and the operating system for the volumes. From that, [`mib`] builds a [`Tree`]: every
//! instance of ROOST-MIB, NETWORK-SERVICES-MIB (RFC 2788) and MTA-MIB (RFC 2789) with its value, in
//! order. The [`agent`] answers Get, GetNext and GetBulk from the newest tree, so that a walk of a
//! table agrees with a Get of each of its cells, and sends a notification when [`notices`] sees a state change.
//!
//! | module | what it decides |
//! |---|---|
//! | [`oid`], [`wire`] | object identifiers, and AgentX's octets |
//! | [`tree`], [`answer`] | instances in order, and what a request gets of them |
//! | [`agent`] | the session with the master agent, and its return |
//! | [`mib`] | which object carries which figure |
//! | [`notices`] | what is worth a notification |

pub mod agent;
pub mod answer;
mod config;
pub mod mib;
pub mod notices;
pub mod oid;
mod start;
pub mod tree;
pub mod wire;

pub use config::Config;
pub use oid::Oid;
pub use start::start;
pub use tree::{Tree, Value};
