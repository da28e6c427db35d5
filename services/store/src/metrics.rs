//! What the store counts.

use parking_lot::Mutex;
pub(crate) use roost_kit::metrics::Gauge;
use roost_kit::metrics::{Counter, EncodeLabelSet, Family, Metrics, begin};
use roost_mailbox::Stats;

/// The store's own figures; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Counts {
    /// Answers to LMTP recipients.
    pub(crate) deliveries: Family<DeliveryLabel, Counter>,
    /// Octets of messages taken by LMTP, once a message.
    pub(crate) delivered_octets: Counter,
    /// Sign-ins by protocol and outcome.
    pub(crate) logins: Family<LoginLabel, Counter>,
    /// Sessions that are signed in.
    pub(crate) sessions: Family<ProtocolLabel, Gauge>,
}

/// A protocol of readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Protocol {
    /// IMAP
    Imap,
    /// POP3
    Pop3,
}

impl Protocol {
    /// Its name in logs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
        }
    }
}

/// What a recipient was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    /// 2xx
    Delivered,
    /// 4xx
    Deferred,
    /// 5xx
    Refused,
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
    /// Nobody could be asked.
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

roost_kit::label_values!(Protocol, Outcome, Login);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct DeliveryLabel {
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct LoginLabel {
    pub(crate) protocol: Protocol,
    pub(crate) outcome: Login,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ProtocolLabel {
    pub(crate) protocol: Protocol,
}

impl Counts {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let deliveries = metrics.register(
            "deliveries",
            "Recipients of messages that came by LMTP",
            Family::default(),
        );
        let outcomes = [Outcome::Delivered, Outcome::Deferred, Outcome::Refused];
        begin(
            &deliveries,
            outcomes.map(|outcome| DeliveryLabel { outcome }),
        );
        let logins = metrics.register("logins", "Attempts to sign in", Family::default());
        let sessions = metrics.register("sessions", "Sessions signed in", Family::default());
        for protocol in [Protocol::Imap, Protocol::Pop3] {
            let outcomes = Login::ALL.into_iter();
            begin(
                &logins,
                outcomes.map(|outcome| LoginLabel { protocol, outcome }),
            );
            begin(&sessions, [ProtocolLabel { protocol }]);
        }
        Self {
            deliveries,
            delivered_octets: metrics.counter(
                "delivered_bytes",
                "Octets of messages taken by LMTP, counted once a message",
            ),
            logins,
            sessions,
        }
    }
}

/// The engine's figures, shown now and then.
#[derive(Debug)]
pub(crate) struct StoreFigures {
    shown: Mutex<Stats>,
    flushes: Counter,
    added: Counter,
    checkpoints: Counter,
    unapplied: Gauge,
    mailboxes: Gauge,
}

impl StoreFigures {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            shown: Mutex::default(),
            flushes: metrics.counter("journal_flushes", "Flushes of the journal to the disk"),
            added: metrics.counter("items_added", "Items added to mailboxes"),
            checkpoints: metrics.counter("checkpoints", "Checkpoints made"),
            unapplied: metrics.gauge(
                "unapplied_bytes",
                "Octets that are durable but only in the journal and in memory",
            ),
            mailboxes: metrics.gauge("mailboxes_open", "Mailboxes in memory"),
        }
    }

    /// Brings what is shown up to date.
    pub(crate) fn show(&self, now: &Stats) {
        let before = std::mem::replace(&mut *self.shown.lock(), *now);
        let since = |now: u64, before: u64| now.saturating_sub(before);
        self.flushes
            .inc_by(since(now.journal.flushes, before.journal.flushes));
        self.added.inc_by(since(now.added, before.added));
        self.checkpoints
            .inc_by(since(now.checkpoints, before.checkpoints));
        let gauge = |figure: u64| i64::try_from(figure).unwrap_or(i64::MAX);
        self.unapplied.set(gauge(now.unapplied_bytes));
        self.mailboxes.set(gauge(now.mailboxes));
    }
}
