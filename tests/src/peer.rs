//! The foreign servers, each in a scratch folder on free ports, ended by its process id.

mod dns;
mod dovecot;
mod memcached;
mod nginx;
mod origin;
mod postfix;
mod prometheus;
mod receiver;
mod server;
mod snmp;
mod syslog;

pub use dns::Dns;
pub use dovecot::Dovecot;
pub use memcached::Memcached;
pub use nginx::Nginx;
pub use origin::Origin;
pub use postfix::Postfix;
pub use prometheus::{Prometheus, monitoring_files};
pub use receiver::{Received, Receiver};
pub use server::free_port;
pub use snmp::Snmp;
pub use syslog::{Sender, Target, loggen};
