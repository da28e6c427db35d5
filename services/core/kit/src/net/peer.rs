//! The other side of a connection.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// A host, by address and port.
    Remote(SocketAddr),
    /// A process of this machine, through a Unix socket.
    Local,
}

impl Peer {
    /// A host; an IPv4 address mapped into IPv6 becomes the IPv4 address.
    #[must_use]
    pub fn remote(address: SocketAddr) -> Self {
        Self::Remote(SocketAddr::new(address.ip().to_canonical(), address.port()))
    }

    /// The host's address, unless the peer is local.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Remote(address) => Some(address.ip()),
            Self::Local => None,
        }
    }

    /// The host without the port, as logs show whom to shut out; `local` where there is none.
    #[must_use]
    pub fn host(&self) -> String {
        self.ip()
            .map_or_else(|| "local".to_owned(), |address| address.to_string())
    }

    /// Whether the peer is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.ip().is_none_or(|address| address.is_loopback())
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(address) => write!(f, "{address}"),
            Self::Local => f.write_str("local"),
        }
    }
}
