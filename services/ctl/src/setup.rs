//! `roostctl setup`: makes a machine with installed packages a node that serves.
//!
//! Host name, first domain, first administrator: asked on a terminal, or read from a file. It writes
//! the node's configuration, secrets and certificate, starts the daemons, and fills the directory.
//! Every step looks first and changes only what differs, so that running it again is how an answer
//! is changed, and how an interrupted set-up is finished.

mod answers;
mod ask;
mod directory;
mod node;
mod services;
mod settings;

use std::path::{Path, PathBuf};

use crate::failure::{Exit, Failure};
use crate::output::{Output, Record};
use answers::Answers;
use node::Node;

/// What the command line said.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The node's main configuration file; everything lies beside it.
    pub(crate) config: PathBuf,
    /// The answers; without a file they are asked.
    pub(crate) answers: Option<PathBuf>,
    /// Only write files: for images, whose daemons run later and elsewhere.
    pub(crate) no_start: bool,
    pub(crate) dry_run: bool,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Created,
    Changed,
    Unchanged,
}

impl Outcome {
    fn word(self, dry_run: bool) -> &'static str {
        match (self, dry_run) {
            (Self::Unchanged, _) => "unchanged",
            (Self::Created, false) => "created",
            (Self::Created, true) => "would create",
            (Self::Changed, false) => "changed",
            (Self::Changed, true) => "would change",
        }
    }
}

/// What was done so far, said line by line as it happens.
struct Report<'a> {
    output: &'a Output,
    dry_run: bool,
    changes: Vec<String>,
    /// A password that was made, shown only now.
    password: Option<String>,
}

impl Report<'_> {
    fn note(&mut self, outcome: Outcome, what: &str) {
        if outcome != Outcome::Unchanged {
            self.changes.push(what.to_owned());
        }
        let word = outcome.word(self.dry_run);
        self.output.remark(&format!("{word:12} {what}"));
    }
}

/// Sets the node up.
pub(crate) async fn run(options: Options, output: &Output) -> Result<(), Failure> {
    let node = Node::new(&options.config);
    let answers = match &options.answers {
        Some(file) => Answers::load(file)?,
        None => ask::ask(&Answers::suggested(&node))?,
    };
    answers.check()?;
    if !options.dry_run {
        node.check_permitted()?;
    }
    let mut report = Report {
        output,
        dry_run: options.dry_run,
        changes: Vec::new(),
        password: None,
    };
    let restart = node.write(&answers, &mut report)?;
    if !options.no_start && !options.dry_run {
        services::start(restart, &mut report).await?;
        directory::fill(&node, &answers, &mut report).await?;
    }
    if !options.dry_run {
        answers.keep(&node)?;
    }
    finish(&answers, &report)
}

/// Says where to go.
fn finish(answers: &Answers, report: &Report<'_>) -> Result<(), Failure> {
    let mut record = Record::new(&answers.host)
        .with("host", answers.host.as_str())
        .with("domain", answers.domain.as_str())
        .with("administrator", answers.administrator())
        .with("changes", report.changes.clone());
    let mut sentence = match (report.changes.len(), report.dry_run) {
        (0, _) => format!("{} is set up as the answers say", answers.host),
        (_, true) => format!("{} would be set up", answers.host),
        (_, false) => format!("{} is set up", answers.host),
    };
    if let Some(password) = &report.password {
        let administrator = answers.administrator();
        sentence.push_str(&format!(
            "\npassword of {administrator}: {password} (shown only now)"
        ));
        record = record.with("password", password.as_str());
        report.output.shown_once("password", password);
    }
    if !report.dry_run {
        sentence.push_str(&format!(
            "\n\nIMAP {host}:993, submission {host}:465 (TLS) or 587 (STARTTLS), as {admin}\n\
             next: roostctl account create someone@{domain}\n\
             next: roostctl status",
            host = answers.host,
            admin = answers.administrator(),
            domain = answers.domain,
        ));
    }
    report.output.done(&sentence, &record)
}

/// A file that is beside the main configuration file.
fn beside(config: &Path, name: &str) -> PathBuf {
    config.parent().unwrap_or(Path::new("/")).join(name)
}

/// A wrong answer: it names its field, and the others stay as they were.
fn wrong(field: &str, why: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, "wrong_answer", format!("{field}: {why}"))
}
