//! What is counted.

use std::time::Duration;

use roost_kit::metrics::{Counter, EncodeLabelSet, Family, Histogram, Metrics, begin};

/// Counters of the directory; cheap to clone.
#[derive(Debug, Clone)]
pub struct Counts {
    operations: Family<Label, Counter>,
    failed_binds: Counter,
    throttled_binds: Counter,
    search_seconds: Histogram,
}

/// An operation, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the operations'")]
pub enum Counted {
    Bind,
    Search,
    Compare,
    Add,
    Modify,
    Delete,
    ModifyDn,
    Extended,
}

impl Counted {
    const ALL: [Self; 8] = [
        Self::Bind,
        Self::Search,
        Self::Compare,
        Self::Add,
        Self::Modify,
        Self::Delete,
        Self::ModifyDn,
        Self::Extended,
    ];

    /// The operation's name in a log line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Search => "search",
            Self::Compare => "compare",
            Self::Add => "add",
            Self::Modify => "modify",
            Self::Delete => "delete",
            Self::ModifyDn => "rename",
            Self::Extended => "extended",
        }
    }
}

roost_kit::label_values!(Counted);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Label {
    operation: Counted,
}

impl Counts {
    /// Registers the counters.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let operations = metrics.register("operations", "Operations answered", Family::default());
        begin(
            &operations,
            Counted::ALL.map(|operation| Label { operation }),
        );
        Self {
            operations,
            failed_binds: metrics.counter("binds_failed", "Binds with a wrong name or password"),
            throttled_binds: metrics.counter(
                "binds_throttled",
                "Binds that were not looked at, since too many had failed before",
            ),
            search_seconds: metrics
                .seconds("search_seconds", "Time of a search, from request to answer"),
        }
    }

    pub(crate) fn operation(&self, operation: Counted) {
        self.operations.get_or_create(&Label { operation }).inc();
    }

    pub(crate) fn failed_bind(&self) {
        self.failed_binds.inc();
    }

    pub(crate) fn throttled_bind(&self) {
        self.throttled_binds.inc();
    }

    pub(crate) fn searched(&self, took: Duration) {
        self.search_seconds.observe(took.as_secs_f64());
    }
}
