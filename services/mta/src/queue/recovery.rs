//! From a directory to a queue.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use parking_lot::Mutex;
use roost_journal::{OpenError, Recovery, Sequence};
use roost_kit::clock::Clock;
use roost_kit::disk::DiskHandle;
use tokio::sync::Notify;

use super::index::{Home, Index};
use super::record::{KINDS, Record, Unreadable};
use super::spool::Spool;
use super::state::State;
use super::{Place, Queue, QueueId, QueueIds, Reserve, checkpoint};

/// Where the queue lies and how its journal is laid out.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The directory of the queue; `journal/` and `messages/` are in it.
    pub directory: PathBuf,
    /// The size of a segment of the journal.
    pub segment_bytes: u64,
    /// How long a result waits for space, and another segment of the journal, until it is tried
    /// again.
    pub patience: Duration,
    /// New mail is refused where it would leave less than this of the file system.
    pub reserve_bytes: u64,
}

impl Settings {
    /// The usual settings for a queue in `directory`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, segment_bytes: u64) -> Self {
        Self {
            directory: directory.into(),
            segment_bytes,
            patience: Duration::from_secs(1),
            reserve_bytes: 0,
        }
    }
}

/// Why a queue cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// Its journal cannot be read.
    #[error("cannot open the queue's journal")]
    Journal(#[from] OpenError),
    /// A record cannot be read.
    #[error("cannot read the queue's journal")]
    Record(#[from] Unreadable),
    /// The contents' files cannot be listed or written.
    #[error("cannot use the folder of message contents {}", path.display())]
    Spool {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Queue {
    /// Opens the queue, or makes an empty one. Blocks: reads the whole journal.
    ///
    /// # Errors
    /// If the directory cannot be used, or a newer program has written there.
    pub fn open(
        settings: &Settings,
        disk: DiskHandle,
        clock: Clock,
    ) -> Result<Self, RecoveryError> {
        let mut config = roost_journal::Config::new(settings.directory.join("journal"), KINDS);
        config.segment_bytes = settings.segment_bytes;
        config.retry = settings.patience;
        let root = settings.directory.join("messages");
        let spool = Spool::new(disk.clone(), root.clone())
            .map_err(|source| RecoveryError::Spool { path: root, source })?;
        let reserve = Reserve {
            disk: disk.clone(),
            directory: settings.directory.clone(),
            bytes: settings.reserve_bytes,
        };
        let mut recovery = Recovery::read(config, disk)?;
        // Before files are removed: a result that is only seen might be lost with the power.
        recovery.secure()?;
        for damage in recovery.damage() {
            tracing::error!(%damage, "queued messages or results may be lost; compare with the logs");
        }
        let replayed = replay(&recovery)?;
        settle_files(&recovery, &replayed, &spool)?;
        let journal = recovery.start(clock.clone())?;
        let mark = checkpoint::Mark::starting_at(journal.durable());
        let homes = replayed.bases.into_iter().map(|(id, base)| {
            let place = Place::File;
            (
                id,
                Home {
                    base: base.sequence,
                    place,
                },
            )
        });
        let index = Index {
            homes: homes.collect(),
            state: replayed.state,
            memory: 0,
            ids: replayed.ids,
            checkpoint: mark,
        };
        Ok(Self {
            journal,
            spool,
            clock,
            patience: settings.patience,
            index: Mutex::new(index),
            failed: Notify::new(),
            _lock: None,
            broken: OnceLock::new(),
            reserve,
        })
    }
}

struct Replayed {
    state: State,
    bases: HashMap<QueueId, Base>,
    ids: QueueIds,
}

/// The newest whole record of a message.
struct Base {
    sequence: Sequence,
    inline: bool,
}

fn replay(recovery: &Recovery) -> Result<Replayed, RecoveryError> {
    let mut replayed = Replayed {
        state: State::default(),
        bases: HashMap::new(),
        ids: QueueIds::default(),
    };
    for record in recovery.replay(recovery.first().previous())? {
        let record = record?;
        let (id, change) = Record::read(&record)?;
        replayed.ids.seen(id);
        if let Record::Message { content, .. } = &change {
            let base = Base {
                sequence: record.sequence,
                inline: content.is_some(),
            };
            replayed.bases.insert(id, base);
        }
        replayed.state.apply(id, &change);
    }
    let state = &replayed.state;
    replayed.bases.retain(|id, _| state.get(*id).is_some());
    Ok(replayed)
}

/// Writes the contents that only the journal has to their files, so that memory stays free, and
/// removes files of messages that are not queued.
///
/// A file that is there already may be torn, since it was not synced: it is written again.
fn settle_files(
    recovery: &Recovery,
    replayed: &Replayed,
    spool: &Spool,
) -> Result<(), RecoveryError> {
    let trouble = |source| RecoveryError::Spool {
        path: spool.root().to_owned(),
        source,
    };
    let inline = replayed.bases.iter().filter(|(_, base)| base.inline);
    let mut wanted: HashSet<_> = inline.map(|(_, base)| base.sequence).collect();
    let first = wanted
        .iter()
        .min()
        .map_or(recovery.last(), |first| first.previous());
    for record in recovery.replay(first)? {
        let record = record?;
        if !wanted.remove(&record.sequence) {
            continue;
        }
        if let (
            id,
            Record::Message {
                content: Some(content),
                ..
            },
        ) = Record::read(&record)?
        {
            spool.write(id, &content).map_err(trouble)?;
        }
    }
    for id in spool.list().map_err(trouble)? {
        if replayed.state.get(id).is_none() {
            spool.remove(id).map_err(trouble)?;
        }
    }
    Ok(())
}
