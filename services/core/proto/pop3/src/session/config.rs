//! What an administrator decides about a listener, and what is known of a connection.

use std::time::Duration;

use roost_proto_sasl::{Mechanism, Mechanisms};

/// How well a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Security {
    /// Anybody on the way can read and write.
    None,
    /// The peer is on this machine.
    Loopback,
    /// TLS.
    Tls,
}

impl Security {
    /// Whether passwords may be sent.
    #[must_use]
    pub fn is_secure(self) -> bool {
        match self {
            Self::None => false,
            Self::Loopback | Self::Tls => true,
        }
    }
}

/// Whether STLS is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stls {
    /// The server has a certificate.
    Offered,
    /// It has none.
    Off,
}

/// The settings of a session. Shared by all sessions of a listener.
#[derive(Clone, Debug)]
pub struct Config {
    /// Mechanisms of AUTH. They are offered only on secure connections, as are USER and PASS.
    pub mechanisms: Mechanisms,
    /// STLS.
    pub stls: Stls,
    /// The autologout timer. RFC 1939 §3: at least ten minutes.
    pub timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mechanisms: [Mechanism::Plain, Mechanism::ScramSha256]
                .into_iter()
                .collect(),
            stls: Stls::Off,
            timeout: Duration::from_secs(10 * 60),
        }
    }
}
