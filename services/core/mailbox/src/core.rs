//! One mailbox in memory: its newest state, its durable state, and the changes in between.
//!
//! Two locks, always taken in this order. `write` is held while a change is planned, which may
//! take a moment for a large one; it makes the changes of a mailbox one after the other. `line` is
//! held for moments only: the journal's writer takes it to publish, and must not wait for plans.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};
use roost_journal::{Epoch, Sequence};
use tokio::sync::{Notify, broadcast};

use crate::config::limits;
use crate::entries::Entries;
use crate::error::Error;
use crate::id::{AccountId, FolderId, MailboxId, Uid};
use crate::mailbox::{Change, Claim};
use crate::meta::{Loaded, Meta};
use crate::op::ChangeRecord;
use crate::state::{Life, Outline, State};

pub(crate) struct Core {
    pub(crate) id: MailboxId,
    pub(crate) account: AccountId,
    write: Mutex<Writing>,
    line: Mutex<Line>,
    published: ArcSwap<Published>,
    /// Told whenever a change has become durable or has been refused.
    settled: Notify,
    feed: OnceLock<broadcast::Sender<Change>>,
    /// The first UID of each folder that nobody was told as recent; where there is none, all.
    recent: Mutex<HashMap<FolderId, Uid>>,
    /// When it was last asked for, on the registry's counter.
    pub(crate) used: AtomicU64,
}

/// The newest state, of which the last changes may not be durable yet.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) next: State,
    /// The journal's epoch that `next` was built in.
    pub(crate) epoch: Epoch,
}

/// What is on its way.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// Enqueued, not durable.
    in_flight: VecDeque<InFlight>,
    /// Durable, not in SQL.
    unapplied: VecDeque<(Sequence, Arc<ChangeRecord>)>,
    /// What SQL has; `unapplied` keeps it while folders are being loaded.
    applied: Sequence,
    loading: usize,
}

#[derive(Debug)]
struct InFlight {
    sequence: Sequence,
    record: Arc<ChangeRecord>,
    state: Arc<State>,
}

/// The newest durable state.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) sequence: Sequence,
    pub(crate) state: Arc<State>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("id", &self.id)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

impl Core {
    pub(crate) fn new(loaded: Loaded<State>, epoch: Epoch) -> Self {
        let Loaded {
            applied,
            what: state,
        } = loaded;
        let recent = state
            .folders
            .iter()
            .map(|folder| (folder.info.id, folder.info.uid_next))
            .filter(|(_, next)| next.get() > 1)
            .collect();
        Self {
            id: state.id,
            account: state.account,
            published: ArcSwap::from_pointee(Published {
                sequence: applied,
                state: Arc::new(state.clone()),
            }),
            write: Mutex::new(Writing { next: state, epoch }),
            line: Mutex::new(Line {
                applied,
                ..Line::default()
            }),
            settled: Notify::new(),
            feed: OnceLock::new(),
            recent: Mutex::new(recent),
            used: AtomicU64::new(0),
        }
    }

    /// A mailbox whose last changes are durable and not in SQL: `unapplied`, ascending, lead from
    /// what SQL has to `state`.
    pub(crate) fn recovered(
        state: State,
        applied: Sequence,
        unapplied: VecDeque<(Sequence, Arc<ChangeRecord>)>,
        epoch: Epoch,
    ) -> Self {
        let core = Self::new(
            Loaded {
                applied,
                what: state,
            },
            epoch,
        );
        if let Some((sequence, _)) = unapplied.back() {
            let state = core.published().state.clone();
            core.published.store(Arc::new(Published {
                sequence: *sequence,
                state,
            }));
        }
        core.line.lock().unapplied = unapplied;
        core
    }

    pub(crate) fn published(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// The durable state; an error unless the mailbox is there.
    pub(crate) fn alive(&self) -> Result<Arc<State>, Error> {
        let state = self.published().state.clone();
        match state.life {
            Life::Alive => Ok(state),
            Life::Unborn | Life::Deleted => Err(Error::NoSuchMailbox),
        }
    }

    /// Begins a change: nobody else can until the guard is dropped. What was refused since the
    /// last one is forgotten.
    pub(crate) fn write(&self, epoch: Epoch) -> Result<MutexGuard<'_, Writing>, Error> {
        let mut writing = self.write.lock();
        if writing.epoch != epoch {
            let line = self.line.lock();
            // Those in flight were refused; in a moment they will be told so.
            if !line.in_flight.is_empty() {
                return Err(Error::NoSpace);
            }
            writing.next = State::clone(&self.published().state);
            writing.epoch = epoch;
        }
        Ok(writing)
    }

    pub(crate) fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock()
    }

    /// The change longest in flight is durable. Publishes it, and answers it for the applier.
    pub(crate) fn settle(&self, sequence: Sequence) -> Option<(Arc<ChangeRecord>, Outline)> {
        let mut line = self.line.lock();
        let InFlight { record, state, .. } = line.in_flight.pop_front()?;
        line.unapplied.push_back((sequence, record.clone()));
        let outline = state.outline(&record);
        self.published
            .store(Arc::new(Published { sequence, state }));
        if let Some(feed) = self.feed.get() {
            // An error says that nobody listens.
            drop(feed.send(Change::Changed {
                modseq: record.modseq,
                folders: record.folders(),
            }));
        }
        drop(line);
        self.settled.notify_waiters();
        Some((record, outline))
    }

    /// The change longest in flight was refused.
    pub(crate) fn refuse(&self) {
        self.line.lock().in_flight.pop_front();
        self.settled.notify_waiters();
    }

    /// SQL has everything up to `sequence`.
    pub(crate) fn applied(&self, sequence: Sequence) {
        let mut line = self.line.lock();
        line.applied = line.applied.max(sequence);
        line.prune();
    }

    /// Waits until everything that is in flight now has been decided.
    pub(crate) async fn settled(&self) {
        let last = match self.line.lock().in_flight.back() {
            Some(in_flight) => in_flight.sequence,
            None => return,
        };
        loop {
            let told = self.settled.notified();
            let decided = match self.line.lock().in_flight.front() {
                Some(first) => first.sequence > last,
                None => true,
            };
            if decided {
                return;
            }
            told.await;
        }
    }

    /// Reads the items of a folder, unless they are in memory.
    pub(crate) async fn load(&self, meta: &Meta, folder: FolderId) -> Result<(), Error> {
        let missing = |state: &State| match state.folder(folder) {
            Some(folder) => Ok(folder.entries.is_none()),
            None => Err(Error::NoSuchFolder(folder)),
        };
        // A folder that is still in flight is new, so its items are known.
        if !missing(&self.published().state).unwrap_or(false) {
            return Ok(());
        }
        let _keep = Loading::begin(self);
        let loaded = meta.entries(self.id, folder).await?;
        let mut writing = self.write.lock();
        let mut line = self.line.lock();
        let published = self.published();
        if !missing(&published.state).unwrap_or(false) {
            return Ok(());
        }
        let mut entries: Entries = loaded.what;
        for (sequence, record) in &line.unapplied {
            if *sequence > loaded.applied {
                entries.apply_record(folder, record);
            }
        }
        let mut state = State::clone(&published.state);
        state.install(folder, &entries);
        self.published.store(Arc::new(Published {
            sequence: published.sequence,
            state: Arc::new(state),
        }));
        for in_flight in &mut line.in_flight {
            entries.apply_record(folder, &in_flight.record);
            Arc::make_mut(&mut in_flight.state).install(folder, &entries);
        }
        writing.next.install(folder, &entries);
        Ok(())
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Change> {
        // Under the lock, so that what was published before is not told after.
        let _line = self.line.lock();
        self.feed
            .get_or_init(|| broadcast::channel(limits::FEED).0)
            .subscribe()
    }

    pub(crate) fn claim_recent(&self, folder: FolderId, below: Uid, claim: Claim) -> Uid {
        let mut recent = self.recent.lock();
        let first = recent.get(&folder).copied().unwrap_or(Uid::new(1));
        if claim == Claim::Take && below > first {
            recent.insert(folder, below);
        }
        first.min(below)
    }

    /// Whether nothing is under way, so that it may leave memory.
    pub(crate) fn is_idle(&self) -> bool {
        let line = self.line.lock();
        line.in_flight.is_empty() && line.unapplied.is_empty() && line.loading == 0
    }

    pub(crate) fn touch(&self, counter: &AtomicU64) {
        self.used
            .store(counter.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }
}

impl Line {
    pub(crate) fn push(
        &mut self,
        sequence: Sequence,
        record: Arc<ChangeRecord>,
        state: Arc<State>,
    ) {
        self.in_flight.push_back(InFlight {
            sequence,
            record,
            state,
        });
    }

    fn prune(&mut self) {
        if self.loading > 0 {
            return;
        }
        let applied = self.applied;
        while self
            .unapplied
            .pop_front_if(|(sequence, _)| *sequence <= applied)
            .is_some()
        {}
    }
}

/// Keeps changes from being forgotten while a folder is read from SQL.
struct Loading<'a>(&'a Core);

impl<'a> Loading<'a> {
    fn begin(core: &'a Core) -> Self {
        core.line.lock().loading += 1;
        Self(core)
    }
}

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        let mut line = self.0.line.lock();
        line.loading -= 1;
        line.prune();
    }
}
