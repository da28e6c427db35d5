//! How a connection to a next hop is opened.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use roost_kit::config::ListenSpec;
use roost_kit::fields::Chain;
use roost_kit::net::Stream;
use roost_proto_smtp::client::{Protocol, Settings};
use roost_proto_smtp::{Domain, Enhanced};

use super::connection::{Connection, Opened};
use super::dns::Dns;
use super::hosts::{self, Host, NoHost};
use super::tls::{Level, Ways};
use crate::limits::HOSTS_TRIED;
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
    /// Where stores are and how much TLS is needed, as it is set now.
    pub ways: RwLock<Arc<Ways>>,
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

/// The hosts that one attempt has tried already.
#[derive(Debug, Default)]
pub struct Tried(Vec<ListenSpec>);

/// Why one host is of no use.
enum Useless {
    /// It does not want us, or cannot be spoken with.
    Trouble(Enhanced, String),
    /// It is this host.
    Ourselves,
}

impl<D: Dns> Courier<D> {
    /// A connection that is ready for a message: the first host that says so and was not tried
    /// before in this attempt.
    ///
    /// # Errors
    /// If no host does.
    pub async fn connect(&self, hop: &Hop, tried: &mut Tried) -> Result<Connection, Unreachable> {
        let ways = Arc::clone(&self.ways.read());
        let mut problem = None;
        for candidate in self.candidates(hop, &ways).await? {
            if tried.0.len() >= HOSTS_TRIED {
                break;
            }
            if tried.0.contains(&candidate.place) {
                continue;
            }
            tried.0.push(candidate.place.clone());
            match self.try_host(hop, &candidate, &ways).await {
                Ok(connection) => return Ok(connection),
                Err(Useless::Trouble(status, text)) => {
                    tracing::debug!(%hop, host = candidate.name, text, "a host cannot be used");
                    problem = Some(Unreachable::Later(status, text));
                }
                // RFC 5321 §5.1: hosts that are not better than we are must not be used.
                Err(Useless::Ourselves) => {
                    let text = format!(
                        "mail for {hop} loops back to this host ({}), which does not take it",
                        candidate.name
                    );
                    let looped = Unreachable::Never(status::LOOP, text);
                    return Err(problem.unwrap_or(looped));
                }
            }
        }
        let nobody = || Unreachable::Later(status::NO_ANSWER, format!("{hop}: nobody to ask"));
        Err(problem.unwrap_or_else(nobody))
    }

    async fn candidates(&self, hop: &Hop, ways: &Ways) -> Result<Vec<Candidate>, Unreachable> {
        let found = match hop {
            Hop::Lmtp { host, port } => {
                if let Some(place) = ways.lmtp.get(host) {
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
        ways: &Ways,
    ) -> Result<Connection, Useless> {
        let level = level(hop, &candidate.place, ways);
        let opened = match self.open(hop, candidate, level, ways).await {
            Opened::NoTls(error) if level.is_required() => {
                let text = format!(
                    "{}: TLS is required (level {}) and cannot be had: {error}",
                    candidate.name,
                    level.word()
                );
                return Err(Useless::Trouble(status::NO_TLS, text));
            }
            // RFC 7435 §4: encryption that does not work is no reason to keep mail back where
            // clear text would have been good enough.
            Opened::NoTls(error) => {
                tracing::info!(host = candidate.name, error, "TLS failed; going on without");
                self.open(hop, candidate, Level::None, ways).await
            }
            opened => opened,
        };
        match opened {
            Opened::Ready(connection) => Ok(*connection),
            Opened::NoTls(text) => Err(Useless::Trouble(status::NO_ANSWER, text)),
            Opened::Refused(status, text) => Err(Useless::Trouble(temporary(status), text)),
            Opened::Ourselves => Err(Useless::Ourselves),
        }
    }

    async fn open(&self, hop: &Hop, candidate: &Candidate, level: Level, ways: &Ways) -> Opened {
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
            tls: level.policy(),
            login: None,
        };
        let relay = match place {
            ListenSpec::Address(address) => format!("{name}[{}]:{}", address.ip(), address.port()),
            ListenSpec::Path(path) => format!("{name}[{}]", path.display()),
        };
        Connection::greet(stream, settings, name.clone(), relay, ways.trust(level)).await
    }
}

/// What the policy says; stores on this machine need no encryption.
fn level(hop: &Hop, place: &ListenSpec, ways: &Ways) -> Level {
    let on_this_machine = match place {
        ListenSpec::Address(address) => is_loopback(*address),
        ListenSpec::Path(_) => true,
    };
    match hop.is_local() && on_this_machine {
        true => Level::None,
        false => ways.policies.level(hop),
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
