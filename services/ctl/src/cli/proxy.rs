//! The grammar of what concerns the front door.

use std::net::IpAddr;

use clap::{Args, Subcommand, ValueEnum};
use roost_kit::config::Period;

/// `roostctl proxy`
#[derive(Debug, Subcommand)]
pub(crate) enum ProxyVerb {
    /// List the sessions that are joined with a store
    Sessions(Which),
    /// Tell clients to connect again, and cut their sessions
    Drain {
        #[command(flatten)]
        which: Which,
        /// All sessions
        #[arg(long, conflicts_with_all = ["account", "store", "id"],
              required_unless_present_any = ["account", "store", "id"])]
        all: bool,
    },
    /// List the servers of the web side's upstreams
    Upstreams,
    /// Give one of them no new requests, for maintenance
    Upstream {
        /// The upstream, as proxy.web.upstreams names it
        upstream: String,
        /// Where the server is, such as 192.0.2.7:8080
        server: String,
        /// What shall become of it
        #[arg(value_enum)]
        state: UpstreamState,
    },
    /// List the addresses that are shut out
    Bans,
    /// Shut an address out
    Ban {
        /// The address; of IPv6 its network of 64 bits is meant
        address: IpAddr,
        /// For how long
        #[arg(long = "for", value_name = "TIME", default_value = "1h")]
        lasts: Period,
    },
    /// Serve an address again
    Unban {
        /// The address
        address: IpAddr,
    },
}

/// What becomes of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UpstreamState {
    /// It finishes what it is doing and gets nothing new
    Drain,
    /// It gets requests again
    Resume,
}

/// Which sessions.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Which {
    /// Of this account
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) account: Option<String>,
    /// At this store
    #[arg(long, value_name = "HOST")]
    pub(crate) store: Option<String>,
    /// This one, as `proxy sessions` shows it
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
}
