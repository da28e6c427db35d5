//! What a run of faults came to.

use std::fmt;

use super::check::Report;
use super::ledger::Ledger;
use super::mail::Way;
use super::model::Model;

/// The figures of a run.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// What was run.
    pub name: String,
    /// The seed of its plan.
    pub seed: u64,
    /// Rounds in which the fault was shown to have fired.
    pub rounds: u32,
    /// Rounds that do not count, since it was not.
    pub missed: u32,
    /// Hand-overs acknowledged by the store.
    pub lmtp: usize,
    /// Hand-overs acknowledged by the mta.
    pub smtp: usize,
    /// Changes acknowledged by IMAP.
    pub imap: usize,
    /// Copies too many that SMTP allows.
    pub duplicates: usize,
    /// Messages compared to the octet.
    pub messages: usize,
    /// Violations, in words.
    pub wrong: Vec<String>,
}

impl Summary {
    /// An empty one.
    pub fn new(name: &str, seed: u64) -> Self {
        Self {
            name: name.to_owned(),
            seed,
            ..Self::default()
        }
    }

    /// Adds what a check found; `true` if that is nothing wrong.
    pub fn add(&mut self, report: Report, when: &str) -> bool {
        let well = report.wrong.is_empty();
        self.messages = report.messages;
        self.duplicates = report.duplicates;
        let wrong = report
            .wrong
            .into_iter()
            .map(|what| format!("{when}: {what}"));
        self.wrong.extend(wrong);
        well
    }

    /// Takes over what was acknowledged in all.
    pub fn count(&mut self, ledger: &Ledger, models: &[Model]) {
        self.lmtp = ledger.accepted(Way::Lmtp);
        self.smtp = ledger.accepted(Way::Smtp);
        self.imap = models.iter().map(|model| model.acknowledged).sum();
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            seed,
            rounds,
            missed,
            lmtp,
            smtp,
            imap,
            ..
        } = self;
        write!(
            f,
            "{name} seed={seed} rounds={rounds} missed={missed} acknowledged: lmtp={lmtp} \
             smtp={smtp} imap={imap}; messages={} duplicates={} violations={}",
            self.messages,
            self.duplicates,
            self.wrong.len()
        )?;
        for wrong in self.wrong.iter().take(20) {
            let text: String = wrong.chars().take(600).collect();
            write!(f, "\n  {text}")?;
        }
        if self.wrong.len() > 20 {
            write!(f, "\n  and {} more", self.wrong.len() - 20)?;
        }
        Ok(())
    }
}
