//! Next hops.

use std::fmt;

use roost_core_directory::model::Transport;
use roost_proto_smtp::{Domain, Enhanced};

/// Where mail goes next. Also the name of its queue: mail for one hop shares connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hop {
    /// A store of ours.
    Lmtp {
        /// Its host.
        host: String,
        /// Its port.
        port: u16,
    },
    /// A certain host.
    Smtp {
        /// Its name or address.
        host: String,
        /// Its port.
        port: u16,
    },
    /// Whoever takes mail for a domain.
    Mx {
        /// The domain.
        domain: Domain,
        /// The port of its hosts.
        port: u16,
    },
}

impl Hop {
    /// Whether it is a store of ours.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Lmtp { .. } => true,
            Self::Smtp { .. } | Self::Mx { .. } => false,
        }
    }

    /// The hop that the directory's transport means; nothing where its domain is none.
    #[must_use]
    pub fn of(transport: &Transport) -> Option<Self> {
        match transport {
            Transport::Lmtp { host, port } => Some(Self::Lmtp {
                host: host.to_string(),
                port: *port,
            }),
            Transport::Smtp { host, port, mx }
                if *mx && host.parse::<std::net::IpAddr>().is_err() =>
            {
                let domain = Domain::parse(host).ok()?;
                Some(Self::Mx {
                    domain,
                    port: *port,
                })
            }
            Transport::Smtp { host, port, .. } => Some(Self::Smtp {
                host: host.to_string(),
                port: *port,
            }),
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lmtp { host, port } => write!(f, "lmtp:{host}:{port}"),
            Self::Smtp { host, port } => write!(f, "smtp:[{host}]:{port}"),
            Self::Mx { domain, .. } => write!(f, "{domain}"),
        }
    }
}

/// The answer for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextHop {
    /// There.
    Hop(Hop),
    /// Nowhere at the moment.
    Later(Enhanced, String),
    /// Nowhere ever.
    Never(Enhanced, String),
}
