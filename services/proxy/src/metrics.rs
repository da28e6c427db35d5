//! What the proxy counts.

pub(crate) use roost_kit::metrics::Gauge;
use roost_kit::metrics::{Counter, EncodeLabelSet, EncodeLabelValue, Family, Histogram, Metrics};

/// The proxy's own figures; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Counts {
    /// Sign-ins by service and outcome.
    pub(crate) logins: Family<LoginLabel, Counter>,
    /// Sessions that are joined with a store.
    pub(crate) sessions: Family<ServiceLabel, Gauge>,
    /// Octets from clients to stores.
    pub(crate) forth: Counter,
    /// Octets from stores to clients.
    pub(crate) back: Counter,
    /// Sessions that were cut, by reason.
    pub(crate) cuts: Family<CutLabel, Counter>,
    /// How long it took to connect to a store and log in there.
    pub(crate) joining: Histogram,
    /// Addresses shut out now.
    pub(crate) banned: Gauge,
}

/// A service of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Service {
    /// IMAP
    Imap,
    /// POP3
    Pop3,
}

impl Service {
    /// Its name in logs and in tickets.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
        }
    }
}

/// How a sign-in went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Login {
    /// Signed in.
    Accepted,
    /// Wrong name or password.
    Refused,
    /// Right, but the account may not.
    Forbidden,
    /// Nobody could be asked, or the store did not answer.
    Unavailable,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct LoginLabel {
    pub(crate) service: Service,
    pub(crate) outcome: Login,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ServiceLabel {
    pub(crate) service: Service,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct CutLabel {
    pub(crate) reason: crate::sessions::Cut,
}

impl Counts {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            logins: metrics.register("logins", "Attempts to sign in", Family::default()),
            sessions: metrics.register(
                "sessions",
                "Sessions joined with a store",
                Family::default(),
            ),
            forth: metrics.counter("client_bytes", "Octets handed from clients to stores"),
            back: metrics.counter("store_bytes", "Octets handed from stores to clients"),
            cuts: metrics.register("cuts", "Sessions that were cut", Family::default()),
            joining: metrics.seconds(
                "joining_seconds",
                "Time to connect to a store and log in there",
            ),
            banned: metrics.gauge("banned_addresses", "Addresses that are not served now"),
        }
    }
}
