//! What name servers say.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use parking_lot::RwLock;

/// How long one query may take; it is asked again once.
const QUERY_TIME: Duration = Duration::from_secs(5);

/// Answers kept, which bounds the cache at some megabytes.
const CACHED_MAX: u64 = 10_000;

/// A domain's MX record: preference and host.
pub type Mx = (u16, String);

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsTrouble {
    /// The name does not exist.
    #[error("there is no such name")]
    NoName,
    /// No name server could answer.
    #[error("DNS does not answer: {0}")]
    Temporary(String),
}

/// The domain name system.
pub trait Dns: Send + Sync + 'static {
    /// The MX records of a domain; none where it has no such records but exists. The host `.` is
    /// given as an empty name.
    fn mx(&self, domain: &str) -> impl Future<Output = Result<Vec<Mx>, DnsTrouble>> + Send;

    /// The addresses of a host; none where it has no such records but exists.
    fn addresses(&self, host: &str)
    -> impl Future<Output = Result<Vec<IpAddr>, DnsTrouble>> + Send;

    /// The names that an address claims to have (PTR), unconfirmed and of any syntax.
    fn names(
        &self,
        address: IpAddr,
    ) -> impl Future<Output = Result<Vec<String>, DnsTrouble>> + Send;
}

/// The real one; clones share its cache and its name servers.
#[derive(Clone)]
pub struct HickoryDns(Arc<RwLock<TokioResolver>>);

impl std::fmt::Debug for HickoryDns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HickoryDns")
    }
}

impl HickoryDns {
    /// Asks these name servers, or the machine's own where none are given.
    ///
    /// # Errors
    /// If the machine's settings cannot be read.
    pub fn new(servers: &[SocketAddr]) -> Result<Self, NetError> {
        Ok(Self(Arc::new(RwLock::new(resolver(servers)?))))
    }

    /// Asks others from now on; what was remembered is forgotten.
    ///
    /// # Errors
    /// As [`HickoryDns::new`]; everything is as before then.
    pub fn ask(&self, servers: &[SocketAddr]) -> Result<(), NetError> {
        let resolver = resolver(servers)?;
        *self.0.write() = resolver;
        Ok(())
    }

    fn resolver(&self) -> TokioResolver {
        self.0.read().clone()
    }
}

fn resolver(servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    let mut builder = match servers {
        [] => TokioResolver::builder_tokio()?,
        servers => {
            let servers = servers.iter().map(name_server).collect();
            let config = ResolverConfig::from_parts(None, Vec::new(), servers);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    let options = builder.options_mut();
    options.timeout = QUERY_TIME;
    options.attempts = 2;
    options.cache_size = CACHED_MAX;
    builder.build()
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}

impl Dns for HickoryDns {
    async fn mx(&self, domain: &str) -> Result<Vec<Mx>, DnsTrouble> {
        // The final dot: no search list.
        let answer = match self.resolver().mx_lookup(format!("{domain}.")).await {
            Ok(answer) => answer,
            Err(error) => return none_or(&error),
        };
        let records = answer
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::MX(mx) => Some((mx.preference, host_name(&mx.exchange.to_ascii()))),
                _ => None,
            });
        Ok(records.collect())
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, DnsTrouble> {
        if let Ok(address) = host.parse() {
            return Ok(vec![address]);
        }
        // `localhost` and what else the hosts file knows have no dot in it.
        let name = match host {
            "localhost" => host.to_owned(),
            host => format!("{host}."),
        };
        match self.resolver().lookup_ip(name).await {
            Ok(answer) => Ok(answer.iter().collect()),
            Err(error) => none_or(&error),
        }
    }

    async fn names(&self, address: IpAddr) -> Result<Vec<String>, DnsTrouble> {
        let answer = match self.resolver().reverse_lookup(address).await {
            Ok(answer) => answer,
            Err(error) => return none_or(&error),
        };
        // An alias (RFC 2317) may come before the records themselves.
        let names = answer
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::PTR(name) => Some(host_name(&name.to_ascii())),
                _ => None,
            });
        Ok(names.collect())
    }
}

fn host_name(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// An empty answer is none of those errors that mean that nobody knows.
fn none_or<T>(error: &NetError) -> Result<Vec<T>, DnsTrouble> {
    if error.is_nx_domain() {
        Err(DnsTrouble::NoName)
    } else if error.is_no_records_found() {
        Ok(Vec::new())
    } else {
        Err(DnsTrouble::Temporary(error.to_string()))
    }
}
