//! All mailboxes of a node.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use roost_journal::{Config as JournalConfig, Damage, Journal, Recovery, Stats as JournalStats};
use roost_kit::clock::Clock;
use roost_kit::disk::DiskHandle;
use tokio::sync::Semaphore;

use crate::applier::{Applier, Pace, Queue, read_mark};
use crate::blob::Blobs;
use crate::config::Config;
use crate::core::Core;
use crate::error::Error;
use crate::id::{AccountId, MailboxId};
use crate::mailbox::Mailbox;
use crate::meta::{Loaded, Meta};
use crate::op::{KINDS, Op};
use crate::overlay::Overlay;
use crate::recover::{self, Backlog};
use crate::registry::Registry;
use crate::state::{Life, State};

/// A store; clones are handles on the same one. It ends when the last handle on it and on its
/// mailboxes is dropped; [`Store::close`] before that leaves nothing to replay.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) meta: Meta,
    pub(crate) blobs: Blobs,
    pub(crate) overlay: Overlay,
    pub(crate) queue: Arc<Queue>,
    /// Bytes that may still be durable without being applied.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) added: AtomicU64,
    pub(crate) registry: Arc<Registry>,
    next_mailbox: AtomicU64,
    closed: AtomicBool,
    damage: Vec<Damage>,
    disk: DiskHandle,
    // Dropped in this order: the journal writes what is queued, then the applier applies it, and
    // only then may another process have the directory.
    journal: Arc<Journal>,
    _applier: ApplierThread,
    _lock: File,
}

/// Ends the applier's thread when it is dropped, once everything is applied.
struct ApplierThread {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for ApplierThread {
    fn drop(&mut self) {
        self.queue.close();
        let thread = self.thread.take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that applies changes has panicked");
        }
    }
}

/// How far the opening of a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// The journal is read through.
    Reading {
        /// Segments that have been read.
        segments: u64,
        /// And how many there are.
        all: u64,
    },
    /// The records since the last checkpoint are gone through.
    Replaying {
        /// Records that have been.
        records: u64,
        /// And how many there are.
        all: u64,
    },
}

/// A mailbox in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailboxInfo {
    /// Whose it is.
    pub account: AccountId,
    /// Its number in this store.
    pub id: MailboxId,
    /// What it holds, in bytes.
    pub used: u64,
}

/// What a store has done, and what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// The journal's: flushes, queue, records.
    pub journal: JournalStats,
    /// The newest record that is in SQL and files.
    pub applied: u64,
    /// Bytes that are durable but only in the journal and in memory.
    pub unapplied_bytes: u64,
    /// Checkpoints made.
    pub checkpoints: u64,
    /// Mailboxes in memory.
    pub mailboxes: u64,
    /// Items added.
    pub added: u64,
    /// Whether SQL or blob files cannot be written at the moment. It is tried again; meanwhile
    /// changes are taken until `unapplied_bytes` are at their bound.
    pub failing: bool,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("directory", &self.inner.config.directory)
            .field("stats", &self.stats())
            .finish()
    }
}

impl Store {
    /// Opens the store, or makes a new one. What the journal has and SQL and files have not is
    /// served from the journal, and written meanwhile. Only one process can have it open.
    pub async fn open(config: Config, disk: DiskHandle, clock: Clock) -> Result<Self, Error> {
        Self::open_watched(config, disk, clock, &|_| ()).await
    }

    /// As [`Store::open`]; `watch` is told how far it is. It blocks its thread while the journal is
    /// read.
    pub async fn open_watched(
        config: Config,
        disk: DiskHandle,
        clock: Clock,
        watch: &(dyn Fn(Opening) + Sync),
    ) -> Result<Self, Error> {
        let directory = config.directory.clone();
        let metadata = directory.join("meta");
        let opening = |what: &str| {
            let what = format!("{what} in {}", directory.display());
            move |error| Error::open(what, error)
        };
        std::fs::create_dir_all(&metadata).map_err(opening("cannot make directories"))?;
        disk.create_directories(&directory)
            .map_err(opening("cannot make directories"))?;
        let lock = lock(&metadata)?;
        let blobs = Blobs::open(directory.join("blobs"), disk.clone())
            .map_err(opening("cannot make the blob directories"))?;
        let suspect = directory.join("suspect");
        let suspected = disk
            .exists(&suspect)
            .map_err(opening("cannot look for files"))?;
        if suspected {
            tracing::warn!("a sync failed before: the metadata are written anew");
            Meta::rewrite(&metadata, &disk).await?;
        }
        let file_system = disk
            .file_system(&metadata)
            .map_err(opening("cannot use the file system"))?;
        let (meta, mut writer) = Meta::open(&metadata, config.readers).await?;
        let mut recovery =
            Recovery::read_watched(journal_config(&config), disk.clone(), |segments, all| {
                watch(Opening::Reading { segments, all });
            })?;
        let damage = recovery.damage().to_vec();
        for one in &damage {
            tracing::error!("{one}");
        }
        recovery.secure()?;
        let mark = directory.join("checkpoint");
        let checkpointed = read_mark(&disk, &mark)?;
        let overlay = Overlay::new(disk.clone());
        let mut backlog =
            recover::read(&mut writer, &overlay, &recovery, checkpointed, watch).await?;
        let mut applier = Applier {
            queue: Arc::new(Queue::new(backlog.applied)),
            writer,
            blobs: blobs.clone(),
            overlay: overlay.clone(),
            disk: disk.clone(),
            mark,
            suspect: suspect.clone(),
            file_system,
            clock: clock.clone(),
            pace: Pace {
                interval: config.checkpoint_interval,
                bytes: config.checkpoint_bytes,
                grace: config.blob_grace,
                retry: config.retry,
            },
        };
        if backlog.records > 0 {
            let Backlog { records, .. } = backlog;
            tracing::info!(records, through = %recovery.last(), "the journal was replayed");
        }
        if suspected || !damage.is_empty() {
            applier.catch_up(&mut backlog, &damage).await?;
        }
        if suspected {
            disk.remove(&suspect)
                .and_then(|()| disk.sync_directory(&directory))
                .map_err(opening("cannot remove files"))?;
        }
        let journal = Arc::new(recovery.start(clock.clone())?);
        journal.release(backlog.durable);
        let registry = Arc::new(Registry::new(
            config.idle_mailboxes_max,
            config.idle_entries_max,
        ));
        for core in backlog.cores {
            registry.adopt(core);
        }
        let queue = applier.queue.clone();
        if !backlog.groups.is_empty() {
            // So that the next start has less to read.
            queue.want_checkpoint();
        }
        for group in backlog.groups {
            queue.push(group);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(opening("cannot start a thread for the store"))?;
        let weak = Arc::downgrade(&journal);
        let (durable, trimmed) = (backlog.durable, registry.clone());
        let thread = std::thread::Builder::new()
            .name("mailbox-applier".to_owned())
            .spawn(move || runtime.block_on(applier.run(durable, weak, trimmed)))
            .map_err(opening("cannot start a thread for the store"))?;
        Ok(Self {
            inner: Arc::new(Inner {
                room: Arc::new(Semaphore::new(config.unapplied_bytes_max as usize)),
                config,
                clock,
                meta,
                blobs,
                overlay,
                _applier: ApplierThread {
                    queue: queue.clone(),
                    thread: Some(thread),
                },
                queue,
                added: AtomicU64::new(0),
                registry,
                next_mailbox: AtomicU64::new(backlog.next_mailbox),
                closed: AtomicBool::new(false),
                damage,
                disk,
                journal,
                _lock: lock,
            }),
        })
    }

    /// The mailbox of an account; made on its first use.
    pub async fn mailbox(&self, account: AccountId) -> Result<Mailbox, Error> {
        let core = self.inner.core(account, Missing::Create).await?;
        core.map(|core| Mailbox::new(self.inner.clone(), core))
            .ok_or(Error::NoSuchMailbox)
    }

    /// The mailbox of an account, if it has one here.
    pub async fn find_mailbox(&self, account: AccountId) -> Result<Option<Mailbox>, Error> {
        let core = self.inner.core(account, Missing::Leave).await?;
        Ok(core.map(|core| Mailbox::new(self.inner.clone(), core)))
    }

    /// All mailboxes, by number.
    pub async fn mailboxes(&self) -> Result<Vec<MailboxInfo>, Error> {
        let journal = self.inner.journal();
        self.inner.queue.applied(journal.durable()).await?;
        self.inner.meta.mailboxes().await
    }

    /// Deletes an account's mailbox with all that is in it.
    pub async fn delete_mailbox(&self, account: AccountId) -> Result<(), Error> {
        let core = self.inner.core(account, Missing::Leave).await?;
        let core = core.ok_or(Error::NoSuchMailbox)?;
        let deleted = self.inner.change(&core, Vec::new(), |plan, _| {
            plan.push(Op::DeleteMailbox);
            Ok(())
        });
        deleted.await?;
        self.inner.queue.applied(core.published().sequence).await
    }

    /// Makes what is in SQL and files durable there, and lets the journal forget it.
    pub async fn checkpoint(&self) -> Result<(), Error> {
        let durable = self.inner.journal().durable();
        self.inner.queue.applied(durable).await?;
        self.inner.queue.checkpoint().await
    }

    /// Parts of the journal that could not be read when the store was opened. Tell a person.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.inner.damage
    }

    /// Whether changes are accepted; if not, why. For readiness and status.
    pub fn check(&self) -> Result<(), Error> {
        self.inner.check()
    }

    /// Whether a write to the journal or a sync of anything has failed: nothing is taken until the process has been
    /// restarted, and has read what is really on the disk.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.inner.journal().has_failed() || self.inner.queue.check().is_err()
    }

    /// Figures for metrics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let inner = &self.inner;
        let most = inner.config.unapplied_bytes_max as usize;
        Stats {
            journal: inner.journal().stats(),
            applied: inner.queue.newest_applied(),
            unapplied_bytes: most.saturating_sub(inner.room.available_permits()) as u64,
            checkpoints: inner.queue.checkpoints.load(Ordering::Relaxed),
            mailboxes: inner.registry.len() as u64,
            added: inner.added.load(Ordering::Relaxed),
            failing: inner.queue.is_failing(),
        }
    }

    /// Refuses further changes, applies what was accepted, and makes a checkpoint. Reading goes on
    /// until the handles are dropped.
    pub async fn close(&self) -> Result<(), Error> {
        self.inner.closed.store(true, Ordering::Relaxed);
        self.checkpoint().await
    }
}

fn journal_config(config: &Config) -> JournalConfig {
    JournalConfig {
        segment_bytes: config.segment_bytes,
        gather: config.gather,
        retry: config.retry,
        ..JournalConfig::new(config.directory.join("journal"), KINDS)
    }
}

fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| Error::open(format!("cannot open {}", path.display()), error))?;
    file.try_lock().map_err(|error| {
        Error::open(
            format!("another process has it open ({})", path.display()),
            std::io::Error::from(error),
        )
    })?;
    Ok(file)
}

/// What to do about an account without a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Create,
    Leave,
}

impl Inner {
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Whether changes that take no room of their own are accepted: flags, moves, removals.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Error::Unavailable {
                what: "it is closed",
                source: None,
            });
        }
        self.journal().check()?;
        self.queue.check()
    }

    /// Whether everything is accepted.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.check_open()?;
        let space = self.disk.space(&self.config.directory);
        let space = space.map_err(|error| Error::unavailable("its disk does not answer", error))?;
        if space.available < self.config.space_reserve {
            return Err(Error::NoSpace);
        }
        Ok(())
    }

    /// An account's mailbox, in memory.
    pub(crate) async fn core(
        &self,
        account: AccountId,
        missing: Missing,
    ) -> Result<Option<Arc<Core>>, Error> {
        loop {
            let cell = self.registry.cell(account);
            let found = cell
                .get_or_try_init(|| self.find_core(account, missing))
                .await;
            let core = match found {
                Ok(core) => core.clone(),
                Err(Absent::Mailbox) => return Ok(None),
                Err(Absent::Because(error)) => return Err(error),
            };
            match core.published().state.life {
                Life::Alive => return Ok(Some(core)),
                Life::Unborn => {
                    core.settled().await;
                    if core.published().state.life == Life::Unborn {
                        self.registry.forget(account, &cell);
                        self.check()?;
                        return Err(Error::NoSpace);
                    }
                }
                Life::Deleted => {
                    // Gone from SQL first, so that a new one is not taken for the old.
                    self.queue.applied(core.published().sequence).await?;
                    self.registry.forget(account, &cell);
                }
            }
        }
    }

    async fn find_core(&self, account: AccountId, missing: Missing) -> Result<Arc<Core>, Absent> {
        let epoch = self.journal().epoch();
        if let Some(loaded) = self.meta.mailbox(account).await? {
            return Ok(Arc::new(Core::new(loaded, epoch)));
        }
        if missing == Missing::Leave {
            return Err(Absent::Mailbox);
        }
        let (intake, _) = self.intake(Vec::new(), 0).await?;
        // From here on nothing waits: who is cancelled leaves a core whose birth goes on.
        let id = MailboxId::new(self.next_mailbox.fetch_add(1, Ordering::Relaxed));
        let core = Arc::new(Core::new(
            Loaded {
                applied: roost_journal::Sequence::ZERO,
                what: State::unborn(id, account),
            },
            epoch,
        ));
        self.give_birth(&core, intake)?;
        Ok(core)
    }
}

/// Why there is no core.
enum Absent {
    Mailbox,
    Because(Error),
}

impl From<Error> for Absent {
    fn from(error: Error) -> Self {
        Self::Because(error)
    }
}
