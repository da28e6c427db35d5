//! `roostctl mailbox import`: mail from files into a mailbox, through IMAP APPEND.
//!
//! A run can be repeated: before a folder is filled, the store is asked for the EMAILID of every
//! message in it, which is "M" and the first 30 hex digits of the BLAKE3 digest of its octets. What
//! is there already, as often as the source has it, is not sent again. Compared per folder and as a
//! multiset, so that true duplicates of the source stay duplicates.
//!
//! One thread reads and hashes, several connections send; a bounded queue lies between them.

mod folder;
mod imap;
mod maildir;
mod mbox;
mod message;
mod progress;
mod source;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::failure::{Exit, Failure};
use imap::{Append, Connection, ImapError};
pub(crate) use imap::{Login, Place};
pub(crate) use mbox::Quoting;
use message::Message;
use progress::Progress;
use source::{Entry, Source};

/// Messages that are read ahead of the connections.
const QUEUED_MAX: usize = 64;
/// Memory for messages between disk and answer, in KiB; a larger message goes alone.
const MEMORY_MAX: u32 = 64 << 10;
/// Octets after which a connection's batch is full.
const BATCH_OCTETS: usize = 1 << 20;
/// Appends that one connection has under way.
const WINDOW: usize = 16;
/// Messages that could not be imported and are named; the rest is counted.
const FAILURES_NAMED_MAX: usize = 20;

/// What is to be imported, where to.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Where the store listens.
    pub(crate) place: Place,
    /// Who signs in, and for which account.
    pub(crate) login: Login,
    /// A Maildir, an mbox file, a message, or a folder with any of them.
    pub(crate) source: PathBuf,
    /// The folder for messages that lie at the top of the source; sub-folders go below it.
    pub(crate) folder: Option<String>,
    /// How mbox files quote lines that begin with `From `.
    pub(crate) quoting: Quoting,
    /// How many connections send.
    pub(crate) connections: u16,
    /// Only count.
    pub(crate) dry_run: bool,
    /// Whether to show progress.
    pub(crate) quiet: bool,
}

/// How an import went.
#[derive(Debug, Default, Clone)]
pub(crate) struct Report {
    pub(crate) folders: usize,
    pub(crate) imported: u64,
    pub(crate) octets: u64,
    /// Were there already.
    pub(crate) present: u64,
    pub(crate) failed: u64,
    /// The first of the failures: file and reason.
    pub(crate) failures: Vec<String>,
}

impl Report {
    fn fail(&mut self, what: String) {
        self.failed += 1;
        if self.failures.len() < FAILURES_NAMED_MAX {
            self.failures.push(what);
        }
    }
}

/// A message on its way to a connection.
struct Parcel {
    folder: Arc<str>,
    from: String,
    message: Message,
    _memory: OwnedSemaphorePermit,
}

/// Runs an import. When `stop` is ready it ends early, and says how far it came.
pub(crate) async fn run(plan: Plan, stop: impl Future<Output = ()>) -> Result<Report, Failure> {
    let source = scan(&plan).await?;
    let mut first = Connection::open(&plan.place, &plan.login)
        .await
        .map_err(failed)?;
    let names = folder_names(&plan, &source, &mut first).await?;
    let present = present(&plan, &names, &mut first).await?;
    first.close().await;

    let total = source.entries.len();
    let progress = Progress::new(total, plan.quiet);
    let report = Arc::new(Mutex::new(Report {
        folders: names.len(),
        ..Report::default()
    }));
    let (parcels, queue) = mpsc::channel(QUEUED_MAX);
    let queue = Arc::new(Mutex::new(queue));
    let mut senders = JoinSet::new();
    if !plan.dry_run {
        let useful = source.entries.len().clamp(1, usize::from(plan.connections));
        for _ in 0..useful {
            senders.spawn(send(
                plan.clone(),
                Arc::clone(&queue),
                Arc::clone(&report),
                progress.clone(),
            ));
        }
    }
    let memory = Arc::new(Semaphore::new(MEMORY_MAX as usize));
    let reader = Reader {
        memory: Arc::clone(&memory),
        plan: plan.clone(),
        source,
        names,
        present,
        progress: progress.clone(),
    };
    let mut reading = tokio::task::spawn_blocking(move || reader.run(&parcels));
    let mut broken = None;
    let mut read = None;
    tokio::pin!(stop);
    while read.is_none() || !senders.is_empty() {
        tokio::select! {
            Some(ended) = senders.join_next() => {
                match ended {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => broken = broken.or(Some(Broken::Store(error))),
                    Err(error) => broken = broken.or(Some(Broken::Task(error))),
                }
                if senders.is_empty() {
                    // With all senders gone the reader must not wait for room or memory.
                    queue.lock().await.close();
                    memory.close();
                }
            }
            ended = &mut reading, if read.is_none() => {
                read = Some(ended.map_err(|error| internal(&error))?);
            }
            () = &mut stop, if !matches!(broken, Some(Broken::Stopped)) => {
                broken = Some(Broken::Stopped);
                senders.shutdown().await;
                queue.lock().await.close();
                memory.close();
            }
        }
    }
    let read = read.unwrap_or_default();
    progress.finish();
    if let Some(broken) = broken {
        let report = report.lock().await;
        return Err(broken.failure(report.imported, read.present, total));
    }
    let mut report = report.lock().await.clone();
    report.present = read.present;
    if plan.dry_run {
        report.imported = read.imported;
        report.octets = read.octets;
    }
    for what in read.failures {
        report.fail(what);
    }
    report.failed += read.failed.saturating_sub(FAILURES_NAMED_MAX as u64);
    Ok(report)
}

async fn scan(plan: &Plan) -> Result<Source, Failure> {
    let path = plan.source.clone();
    let scanned = tokio::task::spawn_blocking(move || Source::scan(&path))
        .await
        .map_err(|error| internal(&error))?;
    let what = format!("cannot read {}", plan.source.display());
    scanned.map_err(|error| Failure::io(what, &error))
}

/// The name at the server of every folder of the source, in its order.
async fn folder_names(
    plan: &Plan,
    source: &Source,
    connection: &mut Connection,
) -> Result<Vec<Arc<str>>, Failure> {
    let delimiter = connection.delimiter().await.map_err(failed)?;
    let names = source
        .folders
        .iter()
        .map(|path| folder::wire_name(plan.folder.as_deref(), path, delimiter).into());
    Ok(names.collect())
}

/// How often each message is in each folder already; makes the folders that are missing.
async fn present(
    plan: &Plan,
    names: &[Arc<str>],
    connection: &mut Connection,
) -> Result<Vec<HashMap<String, u32>>, Failure> {
    let mut all = Vec::with_capacity(names.len());
    for name in names {
        let mut counts = HashMap::new();
        let exists = match plan.dry_run {
            true => connection.exists(name).await.map_err(failed)?,
            false => {
                connection.ensure(name).await.map_err(failed)?;
                true
            }
        };
        if exists {
            for id in connection.email_ids(name).await.map_err(failed)? {
                *counts.entry(id).or_insert(0) += 1;
            }
        }
        all.push(counts);
    }
    Ok(all)
}

/// The thread that reads.
struct Reader {
    memory: Arc<Semaphore>,
    plan: Plan,
    source: Source,
    names: Vec<Arc<str>>,
    present: Vec<HashMap<String, u32>>,
    progress: Progress,
}

impl Reader {
    /// Reads every message and queues those that are not there yet.
    fn run(mut self, parcels: &mpsc::Sender<Parcel>) -> Report {
        let mut report = Report::default();
        let entries = std::mem::take(&mut self.source.entries);
        for what in std::mem::take(&mut self.source.unreadable) {
            report.fail(what);
        }
        for entry in entries {
            if parcels.is_closed() {
                return report;
            }
            match self.read(&entry) {
                Ok(None) => {
                    report.present += 1;
                    self.progress.advance();
                }
                Ok(Some(message)) if self.plan.dry_run => {
                    report.imported += 1;
                    report.octets += message.octets.len() as u64;
                    self.progress.advance();
                }
                Ok(Some(message)) => {
                    let sent = self
                        .parcel(&entry, message)
                        .is_some_and(|parcel| parcels.blocking_send(parcel).is_ok());
                    if !sent {
                        // All connections are gone; they say why.
                        return report;
                    }
                }
                Err(error) => {
                    report.fail(format!("{}: {error}", entry.shown(&self.source)));
                    self.progress.advance();
                }
            }
        }
        report
    }

    /// A message, unless it is there already.
    fn read(&mut self, entry: &Entry) -> std::io::Result<Option<Message>> {
        let message = Message::read(entry, &self.source, self.plan.quoting)?;
        if let Some(counts) = self.present.get_mut(entry.folder)
            && let Some(count) = counts.get_mut(&message.email_id())
            && *count > 0
        {
            *count -= 1;
            return Ok(None);
        }
        Ok(Some(message))
    }

    /// Waits for memory; None when nobody will give any back.
    fn parcel(&self, entry: &Entry, message: Message) -> Option<Parcel> {
        let size = u32::try_from(message.octets.len() >> 10).unwrap_or(u32::MAX);
        let wanted = size.saturating_add(1).min(MEMORY_MAX);
        let memory = Arc::clone(&self.memory).acquire_many_owned(wanted);
        Some(Parcel {
            folder: self.names.get(entry.folder).cloned()?,
            from: entry.shown(&self.source),
            message,
            _memory: Handle::current().block_on(memory).ok()?,
        })
    }
}

/// One connection that sends.
async fn send(
    plan: Plan,
    queue: Arc<Mutex<mpsc::Receiver<Parcel>>>,
    report: Arc<Mutex<Report>>,
    progress: Progress,
) -> Result<(), ImapError> {
    let mut connection = Connection::open(&plan.place, &plan.login).await?;
    loop {
        let batch = next_batch(&queue).await;
        if batch.is_empty() {
            break;
        }
        let appends: Vec<Append<'_>> = batch
            .iter()
            .map(|parcel| Append {
                folder: &parcel.folder,
                flags: &parcel.message.flags,
                date: parcel.message.date,
                octets: &parcel.message.octets,
            })
            .collect();
        let answers = connection.append_all(&appends).await?;
        let mut report = report.lock().await;
        for (parcel, answer) in batch.iter().zip(answers) {
            let size = parcel.message.octets.len();
            match answer {
                Ok(()) => {
                    report.imported += 1;
                    report.octets += size as u64;
                }
                Err(refusal) => report.fail(format!("{}: {refusal}", parcel.from)),
            }
            progress.advance();
        }
    }
    connection.close().await;
    Ok(())
}

/// One message at least, and what else is ready, up to the window. None at the end.
async fn next_batch(queue: &Mutex<mpsc::Receiver<Parcel>>) -> Vec<Parcel> {
    let mut queue = queue.lock().await;
    let mut batch = Vec::new();
    let mut octets = 0;
    let Some(first) = queue.recv().await else {
        return batch;
    };
    octets += first.message.octets.len();
    batch.push(first);
    while batch.len() < WINDOW && octets < BATCH_OCTETS {
        let Ok(parcel) = queue.try_recv() else {
            break;
        };
        octets += parcel.message.octets.len();
        batch.push(parcel);
    }
    batch
}

fn failed(error: ImapError) -> Failure {
    let exit = exit(&error);
    let failure = Failure::because(exit, "imap", "cannot import", &error);
    match exit {
        Exit::NotAllowed => failure
            .next("see whether the account exists and is active: roostctl account show ADDRESS"),
        Exit::Unreachable => failure.next("roostctl status"),
        _ => failure,
    }
}

/// Why an import ended before its end.
enum Broken {
    /// The store could not be used any more.
    Store(ImapError),
    /// One of our tasks ended.
    Task(tokio::task::JoinError),
    /// Whoever started it wished so.
    Stopped,
}

impl Broken {
    /// What is said: how far it came, and how it goes on.
    fn failure(self, imported: u64, present: u64, total: usize) -> Failure {
        let what = format!(
            "import stopped, {imported} of {total} messages imported, {present} were there already"
        );
        let failure = match self {
            Self::Store(error) => Failure::because(exit(&error), "imap", what, &error),
            Self::Task(error) => Failure::because(Exit::Failed, "internal", what, &error),
            Self::Stopped => Failure::new(Exit::Interrupted, "interrupted", what),
        };
        failure.next("run the same command again: it goes on where it stopped")
    }
}

fn exit(error: &ImapError) -> Exit {
    match error {
        ImapError::Connect(_) => Exit::Unreachable,
        ImapError::Login(_) => Exit::NotAllowed,
        ImapError::Lost(_) | ImapError::Refused { .. } | ImapError::Protocol(_) => Exit::Failed,
    }
}

fn internal(error: &tokio::task::JoinError) -> Failure {
    Failure::because(Exit::Failed, "internal", "cannot import", error)
}
