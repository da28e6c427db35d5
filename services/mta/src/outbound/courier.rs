//! How a connection to a next hop is opened.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use roost_kit::config::ListenSpec;
use roost_kit::fields::Chain;
use roost_kit::net::Stream;
use roost_proto_smtp::client::{Protocol, Settings, TlsPolicy};
use roost_proto_smtp::{Domain, Enhanced};
use rustls::ClientConfig;

use super::connection::{Connection, Opened};
use super::dns::Dns;
use super::hosts::{self, Host, NoHost};
use crate::outcome::status;
use crate::route::Hop;

/// How long TCP may take to connect.
const CONNECT_TIME: Duration = Duration::from_secs(30);

/// Opens connections.
#[derive(Debug)]
pub struct Courier<D> {
    /// The domain name system.
    pub dns: D,
    /// Our host name, for EHLO.
    pub host: Domain,
    /// Where stores really are, by their host name: where the directory's answer does not hold.
    pub lmtp: BTreeMap<String, ListenSpec>,
    /// TLS that anybody may answer (RFC 7435).
    pub tls: Arc<ClientConfig>,
}

/// Why a next hop cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreachable {
    /// Never: its mail fails.
    Never(Enhanced, String),
    /// Not now: its mail waits.
    Later(Enhanced, String),
}

impl From<NoHost> for Unreachable {
    fn from(none: NoHost) -> Self {
        match none {
            NoHost::Never(status, text) => Self::Never(status, text),
            NoHost::Later(status, text) => Self::Later(status, text),
        }
    }
}

/// A place with the name of its host.
struct Candidate {
    name: String,
    place: ListenSpec,
}

impl<D: Dns> Courier<D> {
    /// A connection that is ready for a message: the first host that says so.
    ///
    /// # Errors
    /// If no host does.
    pub async fn connect(&self, hop: &Hop) -> Result<Connection, Unreachable> {
        let mut problem = Unreachable::Later(status::NO_ANSWER, format!("{hop}: nobody to ask"));
        for candidate in self.candidates(hop).await? {
            match self.try_host(hop, &candidate).await {
                Ok(connection) => return Ok(connection),
                Err((status, text)) => {
                    tracing::debug!(%hop, host = candidate.name, text, "a host cannot be used");
                    problem = Unreachable::Later(status, text);
                }
            }
        }
        Err(problem)
    }

    async fn candidates(&self, hop: &Hop) -> Result<Vec<Candidate>, Unreachable> {
        let found = match hop {
            Hop::Lmtp { host, port } => {
                if let Some(place) = self.lmtp.get(host) {
                    return Ok(vec![Candidate {
                        name: host.clone(),
                        place: place.clone(),
                    }]);
                }
                // A store that DNS does not know is a mistake of ours, not of the sender.
                let hosts = hosts::of_host(&self.dns, host, *port).await;
                hosts.map_err(|error| match error {
                    NoHost::Never(status, text) => NoHost::Later(temporary(status), text),
                    later @ NoHost::Later(..) => later,
                })?
            }
            Hop::Smtp { host, port } => hosts::of_host(&self.dns, host, *port).await?,
            Hop::Mx { domain, port } => {
                hosts::of_domain(&self.dns, domain, &self.host, *port).await?
            }
        };
        let candidate = |Host { name, address }| Candidate {
            name,
            place: ListenSpec::Address(address),
        };
        Ok(found.into_iter().map(candidate).collect())
    }

    async fn try_host(
        &self,
        hop: &Hop,
        candidate: &Candidate,
    ) -> Result<Connection, (Enhanced, String)> {
        match self
            .open(hop, candidate, policy(hop, &candidate.place))
            .await
        {
            Opened::Ready(connection) => Ok(*connection),
            // RFC 7435 §4: encryption that does not work is no reason to keep mail back where
            // clear text would have been good enough.
            Opened::NoTls(error) => {
                tracing::info!(host = candidate.name, error, "TLS failed; going on without");
                match self.open(hop, candidate, TlsPolicy::Skip).await {
                    Opened::Ready(connection) => Ok(*connection),
                    Opened::NoTls(text) => Err((status::NO_ANSWER, text)),
                    Opened::Refused(status, text) => Err((temporary(status), text)),
                }
            }
            Opened::Refused(status, text) => Err((temporary(status), text)),
        }
    }

    async fn open(&self, hop: &Hop, candidate: &Candidate, tls: TlsPolicy) -> Opened {
        let Candidate { name, place } = candidate;
        let stream = match Stream::connect(place, CONNECT_TIME).await {
            Ok(stream) => stream,
            Err(error) => {
                let text = format!("{name}: {}", Chain(&error));
                return Opened::Refused(status::NO_ANSWER, text);
            }
        };
        let settings = Settings {
            protocol: match hop.is_local() {
                true => Protocol::Lmtp,
                false => Protocol::Smtp,
            },
            name: self.host.to_string(),
            tls,
            login: None,
        };
        let relay = match place {
            ListenSpec::Address(address) => format!("{name}[{}]:{}", address.ip(), address.port()),
            ListenSpec::Path(path) => format!("{name}[{}]", path.display()),
        };
        Connection::greet(stream, settings, name.clone(), relay, Arc::clone(&self.tls)).await
    }
}

/// Stores on this machine need no encryption.
fn policy(hop: &Hop, place: &ListenSpec) -> TlsPolicy {
    let on_this_machine = match place {
        ListenSpec::Address(address) => is_loopback(*address),
        ListenSpec::Path(_) => true,
    };
    match hop.is_local() && on_this_machine {
        true => TlsPolicy::Skip,
        false => TlsPolicy::Opportunistic,
    }
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// A host that refuses the connection says nothing about a recipient: whatever it says, the mail
/// is tried again.
fn temporary(status: Enhanced) -> Enhanced {
    Enhanced { class: 4, ..status }
}
