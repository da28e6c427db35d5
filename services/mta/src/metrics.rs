//! What the mta counts.

use roost_kit::metrics::{Counter, EncodeLabelSet, Family, Gauge, Histogram, Metrics, begin};

use crate::outcome::Fate;

/// The mta's figures; cheap to clone.
#[derive(Debug, Clone)]
pub struct Counts {
    /// Messages taken into the queue from clients.
    pub accepted: Counter,
    /// Their octets.
    pub accepted_octets: Counter,
    /// Messages and recipients refused, by what the reply said.
    pub refused: Family<RefusedLabel, Counter>,
    /// Attempts on recipients, by what came of them.
    attempts: Family<AttemptLabel, Counter>,
    /// From arrival to the end, of each recipient.
    pub delay: Histogram,
    /// Destinations found unreachable.
    pub unreachable: Counter,
    /// Notices queued.
    pub notices: Counter,
    /// Sign-ins.
    pub logins: Family<LoginLabel, Counter>,
    /// Messages in the queue.
    pub queued: Gauge,
    /// The age of the oldest, in seconds.
    pub oldest: Gauge,
    /// Connections to other hosts.
    pub connections: Gauge,
    /// Syncs of the journal.
    pub flushes: Gauge,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Result {
    Delivered,
    Relayed,
    Expanded,
    Deferred,
    Failed,
}

impl Result {
    const ALL: [Self; 5] = [
        Self::Delivered,
        Self::Relayed,
        Self::Expanded,
        Self::Deferred,
        Self::Failed,
    ];
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

roost_kit::label_values!(Result, Refusal, Login);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabel {
    outcome: Result,
}

/// How something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// 4yz
    Temporary,
    /// 5yz
    Permanent,
}

/// The label of refusals.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusedLabel {
    /// How.
    pub kind: Refusal,
}

/// How a sign-in went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Login {
    /// Signed in.
    Accepted,
    /// Name or password wrong.
    Refused,
    /// The account may not.
    Forbidden,
    /// The directory could not be asked.
    Unavailable,
    /// Not looked at: too many had failed before it.
    Throttled,
}

/// The label of sign-ins.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LoginLabel {
    /// How it went.
    pub outcome: Login,
}

impl Counts {
    /// Figures in this registry.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let refused = metrics.register(
            "refusals",
            "Senders, recipients and messages refused",
            Family::default(),
        );
        let kinds = [Refusal::Temporary, Refusal::Permanent];
        begin(&refused, kinds.map(|kind| RefusedLabel { kind }));
        let attempts = metrics.register(
            "attempts",
            "Attempts on recipients by what came of them",
            Family::default(),
        );
        begin(
            &attempts,
            Result::ALL.map(|outcome| AttemptLabel { outcome }),
        );
        let logins = metrics.register("logins", "Attempts to sign in", Family::default());
        begin(&logins, Login::ALL.map(|outcome| LoginLabel { outcome }));
        Self {
            accepted: metrics.counter("messages_accepted", "Messages taken into the queue"),
            accepted_octets: metrics.counter("accepted_bytes", "Octets of accepted messages"),
            refused,
            attempts,
            delay: metrics.seconds(
                "delay_seconds",
                "From arrival to a recipient's final result",
            ),
            unreachable: metrics.counter(
                "destinations_unreachable",
                "Times that a destination could not be reached",
            ),
            notices: metrics.counter("notices", "Delivery status notifications queued"),
            logins,
            queued: metrics.gauge("queue_messages", "Messages in the queue"),
            oldest: metrics.gauge(
                "queue_oldest_seconds",
                "Age of the oldest message in the queue",
            ),
            connections: metrics.gauge("deliveries_open", "Connections to other hosts"),
            flushes: metrics.gauge(
                "journal_flushes",
                "Syncs of the queue's journal since the start",
            ),
        }
    }

    /// Counts an attempt.
    pub fn attempted(&self, fate: Fate) {
        let outcome = match fate {
            Fate::Delivered => Result::Delivered,
            Fate::Handed | Fate::Relayed => Result::Relayed,
            Fate::Expanded => Result::Expanded,
            Fate::Deferred => Result::Deferred,
            Fate::Failed => Result::Failed,
        };
        self.attempts.get_or_create(&AttemptLabel { outcome }).inc();
    }

    /// Counts a refusal.
    pub fn refused(&self, refusal: &roost_proto_smtp::Refusal) {
        let kind = match refusal.is_temporary() {
            true => Refusal::Temporary,
            false => Refusal::Permanent,
        };
        self.refused.get_or_create(&RefusedLabel { kind }).inc();
    }

    /// Counts a sign-in.
    pub fn login(&self, outcome: Login) {
        self.logins.get_or_create(&LoginLabel { outcome }).inc();
    }
}
