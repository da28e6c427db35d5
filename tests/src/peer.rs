//! The foreign servers, each in a scratch folder on free ports, ended by its process id.

mod dns;
mod nginx;
mod postfix;
mod prometheus;
mod server;
mod snmp;

pub use dns::Dns;
pub use nginx::Nginx;
pub use postfix::Postfix;
pub use prometheus::{Prometheus, monitoring_files};
pub use server::free_port;
pub use snmp::Snmp;
