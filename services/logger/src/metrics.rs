//! What the logger counts.

use std::fmt;

use roost_kit::label_values;
use roost_kit::metrics::{Counter, EncodeLabelSet, Family, Metrics, begin};

use crate::store::Transport;
use crate::syslog::Severity;

/// The counters of reception and store; cheap to clone.
#[derive(Clone)]
pub struct Counts {
    /// Lines made durable.
    pub lines: Counter,
    /// Lines that came, by transport.
    received: Family<TransportLabel, Counter>,
    /// Lines that were turned away for want of room, by severity.
    shed: Family<SeverityLabel, Counter>,
    /// Lines of which only the beginning was kept.
    pub cut: Counter,
    /// Lines that a full or broken disk refused when they could not wait.
    pub refused: Counter,
    /// Lines and connections of senders that may not send.
    pub strangers: Counter,
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts").finish_non_exhaustive()
    }
}

label_values!(Transport, Severity);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TransportLabel {
    transport: Transport,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SeverityLabel {
    severity: Severity,
}

impl Counts {
    /// Registers them.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let received = metrics.register(
            "lines_received",
            "Lines that came, by transport",
            Family::default(),
        );
        let transports = Transport::ALL.map(|transport| TransportLabel { transport });
        begin(&received, transports);
        let shed = metrics.register(
            "lines_shed",
            "Lines turned away because too many waited, by severity",
            Family::default(),
        );
        begin(
            &shed,
            Severity::ALL.map(|severity| SeverityLabel { severity }),
        );
        Self {
            lines: metrics.counter("lines_stored", "Lines made durable"),
            received,
            shed,
            cut: metrics.counter("lines_cut", "Lines of which only the beginning was kept"),
            refused: metrics.counter(
                "lines_refused",
                "Lines that a full or broken disk did not take",
            ),
            strangers: metrics.counter(
                "strangers",
                "Datagrams and connections of hosts that may not send",
            ),
        }
    }

    /// Lines came.
    pub fn received(&self, transport: Transport, lines: u64) {
        let label = TransportLabel { transport };
        self.received.get_or_create_owned(&label).inc_by(lines);
    }

    /// A line was turned away.
    pub fn shed(&self, severity: Severity) {
        let label = SeverityLabel { severity };
        self.shed.get_or_create_owned(&label).inc();
    }

    /// How many lines were turned away.
    #[must_use]
    pub fn shed_in_all(&self) -> u64 {
        Severity::ALL
            .into_iter()
            .map(|severity| {
                let label = SeverityLabel { severity };
                self.shed.get_or_create_owned(&label).get()
            })
            .sum()
    }
}
