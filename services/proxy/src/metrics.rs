//! What the proxy counts.

pub(crate) use roost_kit::metrics::Gauge;
use roost_kit::metrics::{Counter, EncodeLabelSet, Family, Histogram, Metrics, begin};

use crate::sessions::Cut;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

impl Login {
    const ALL: [Self; 4] = [
        Self::Accepted,
        Self::Refused,
        Self::Forbidden,
        Self::Unavailable,
    ];
}

roost_kit::label_values!(Service, Login);

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
    pub(crate) reason: Cut,
}

impl Counts {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let logins = metrics.register("logins", "Attempts to sign in", Family::default());
        let sessions = metrics.register(
            "sessions",
            "Sessions joined with a store",
            Family::default(),
        );
        for service in [Service::Imap, Service::Pop3] {
            let outcomes = Login::ALL.into_iter();
            begin(
                &logins,
                outcomes.map(|outcome| LoginLabel { service, outcome }),
            );
            begin(&sessions, [ServiceLabel { service }]);
        }
        let cuts = metrics.register("cuts", "Sessions that were cut", Family::default());
        begin(&cuts, Cut::ALL.map(|reason| CutLabel { reason }));
        Self {
            logins,
            sessions,
            forth: metrics.counter("client_bytes", "Octets handed from clients to stores"),
            back: metrics.counter("store_bytes", "Octets handed from stores to clients"),
            cuts,
            joining: metrics.seconds(
                "joining_seconds",
                "Time to connect to a store and log in there",
            ),
            banned: metrics.gauge("banned_addresses", "Addresses that are not served now"),
        }
    }
}
