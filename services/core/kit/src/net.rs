//! Sockets: where they come from, who is let in, and streams that become TLS.
//!
//! A daemon describes a [`Service`] and calls [`Kit::serve`](crate::Kit::serve) with a function that
//! handles one connection: usually [`converse`], which moves octets between the stream and a protocol's
//! session. Framing is the protocols' own.

mod accept;
mod admission;
mod conversation;
mod http;
mod network;
mod peer;
mod proxied;
mod relay;
mod sockets;
mod stream;
#[cfg(test)]
mod tests;

pub use accept::{Security, Service};
pub use admission::{Admission, ConnectionLimits, Permit, Refused};
pub use conversation::{
    Conversation, Ended, How, Surroundings, Turn, converse, negotiate, release_buffer,
};
pub use network::{Network, Networks, NotANetwork};
pub use peer::Peer;
pub use proxied::{HEADER_MAX, Header, NoHeader};
pub use relay::{Relay, Severed};
pub use sockets::{Datagrams, Listener, Sockets};
pub use stream::{Stream, TlsDetails};

pub(crate) use accept::{Ground, serve};
pub(crate) use http::{Over, serve_http};
pub(crate) use sockets::Held;

use std::io;
use std::time::Duration;

use crate::config::ListenSpec;

/// How long a server of others may take for a TLS handshake; for our own clients it is
/// `tls.handshake_timeout`.
pub const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(30);

/// How long a balancer may take to say whom it connects.
const HEADER_TIME_MAX: Duration = Duration::from_secs(5);

/// Why a service cannot listen, or a stream cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// A place cannot be listened at.
    #[error("cannot listen on {place} for {service}{}", bind_advice(source))]
    Bind {
        /// The service.
        service: &'static str,
        /// The place.
        place: ListenSpec,
        /// Why.
        source: io::Error,
    },
    /// A socket that systemd handed over cannot be used.
    #[error("cannot use the socket that systemd handed over for {service}")]
    Inherited {
        /// The service.
        service: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A service speaks TLS from the first octet, but there is no certificate.
    #[error(
        "{service} needs a certificate (add one to tls.certificates, or empty its list of listeners)"
    )]
    NoCertificate {
        /// The service.
        service: &'static str,
    },
    /// TLS is not available on this node.
    #[error("no certificate is configured")]
    TlsUnavailable,
    /// A handshake failed.
    #[error("TLS handshake failed")]
    Handshake(#[source] io::Error),
    /// A handshake took too long.
    #[error("TLS handshake took too long")]
    HandshakeTimeout,
    /// A trusted balancer did not say whom it connects.
    #[error("the balancer sent no PROXY header")]
    NoHeader(#[source] io::Error),
    /// The stream speaks TLS already.
    #[error("the connection speaks TLS already")]
    TlsAlready,
    /// The name is no host name.
    #[error("\"{0}\" is no name that a certificate can carry")]
    ServerName(String),
    /// Nobody answers.
    #[error("cannot connect to {place}")]
    Connect {
        /// The place.
        place: ListenSpec,
        /// Why.
        source: io::Error,
    },
}

fn bind_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => " (another program holds it: see `ss -ltnp`)",
        io::ErrorKind::PermissionDenied => " (ports below 1024 come from systemd's sockets)",
        io::ErrorKind::AddrNotAvailable => " (this machine does not have that address)",
        _ => "",
    }
}
