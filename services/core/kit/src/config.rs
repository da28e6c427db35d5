//! Configuration: one TOML file for all daemons of a node, and a folder of overrides beside it.
//!
//! `/etc/roost/roost.toml`, then `/etc/roost/conf.d/*.toml` in the order of their names; per key the
//! last one wins. A daemon reads the shared tables ([`Shared`]) and its own ([`Settings`]); tables of
//! other daemons are skipped, an unknown table or key is an error that names the nearest known one.
//! Every error says file, line, key and what was expected.

mod error;
mod listen;
mod load;
mod shared;
mod units;

pub use error::{ConfigError, Wrong};
pub use listen::{Listen, ListenSpec};
pub use load::Configuration;
pub use shared::{
    CertificateFiles, DirectoryAccess, LogSettings, NodeSettings, Shared, TlsSettings, TlsVersion,
};
pub use units::{ByteSize, Period};

use serde::de::DeserializeOwned;

/// Where the configuration lies on an installed node.
pub const DEFAULT_FILE: &str = "/etc/roost/roost.toml";

/// Every top-level table that some daemon knows.
const TABLES: &[&str] = &[
    "node",
    "log",
    "directory",
    "tls",
    "store",
    "mta",
    "directory-server",
    "proxy",
    "logger",
    "statistics",
    "alert",
    "snmp",
    "convert",
    "chat",
    "docs",
];

/// A daemon's own table.
///
/// Implement it on a struct with `#[serde(deny_unknown_fields, default)]`, so that a missing table
/// means the defaults.
pub trait Settings: DeserializeOwned + Send + Sync + 'static {
    /// The table's name, such as `store`.
    const TABLE: &'static str;

    /// Where health and metrics are served.
    fn health(&self) -> &Listen;

    /// What types cannot say: ranges, and fields that must agree.
    fn check(&self) -> Result<(), Wrong> {
        Ok(())
    }

    /// What must hold of further tables that the daemon reads.
    fn check_beside(_configuration: &Configuration) -> Result<(), ConfigError> {
        Ok(())
    }
}
