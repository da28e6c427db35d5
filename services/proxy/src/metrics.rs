//! What the proxy counts.

pub(crate) use roost_kit::metrics::Gauge;
use roost_kit::metrics::{Counter, EncodeLabelSet, Family, Histogram, Metrics, begin};

use crate::pace::{TooFast, TooFastLabel};
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
    /// Sign-ins that came too fast, by whose limit.
    pub(crate) too_fast: Family<TooFastLabel, Counter>,
    /// HTTP requests by status.
    pub(crate) requests: Family<RequestLabel, Counter>,
    /// How long HTTP requests took, from their heads to the ends of their answers.
    pub(crate) request_time: Histogram,
}

/// The kind of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabel {
    /// The first digit of the status.
    status: u16,
}

impl RequestLabel {
    pub(crate) fn of(status: hyper::StatusCode) -> Self {
        Self {
            status: status.as_u16() / 100,
        }
    }
}

/// A service of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    /// IMAP
    Imap,
    /// POP3
    Pop3,
    /// ManageSieve
    Sieve,
}

impl Service {
    /// Its name in logs and in tickets.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Sieve => "sieve",
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
    /// Not looked at: too many had failed before it.
    Throttled,
}

impl Login {
    const ALL: [Self; 5] = [
        Self::Accepted,
        Self::Refused,
        Self::Forbidden,
        Self::Unavailable,
        Self::Throttled,
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
        for service in [Service::Imap, Service::Pop3, Service::Sieve] {
            let outcomes = Login::ALL.into_iter();
            begin(
                &logins,
                outcomes.map(|outcome| LoginLabel { service, outcome }),
            );
            begin(&sessions, [ServiceLabel { service }]);
        }
        let cuts = metrics.register("cuts", "Sessions that were cut", Family::default());
        begin(&cuts, Cut::ALL.map(|reason| CutLabel { reason }));
        let too_fast = metrics.register(
            "logins_too_fast",
            "Attempts to sign in that were over a limit",
            Family::default(),
        );
        begin(&too_fast, TooFast::ALL.map(|limit| TooFastLabel { limit }));
        let requests = metrics.register("web_requests", "HTTP requests", Family::default());
        begin(&requests, (1..=5).map(|status| RequestLabel { status }));
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
            too_fast,
            requests,
            request_time: metrics.seconds(
                "web_request_seconds",
                "Time from the head of an HTTP request to the end of its answer",
            ),
            banned: metrics.gauge("banned_addresses", "Addresses that are not served now"),
        }
    }
}
