//! Preallocated and recycled segments.
//!
//! A segment is filled with zeros and synced before it is used, so that the sync of a batch
//! carries no metadata: neither a length nor a block changes. A thread of its own keeps
//! `spare_segments` ready; released segments become spares as they are, the oldest first and each
//! durably before the next, so that no crash leaves a gap between those that are still there. A few
//! more than are needed are kept of those, while the disk has plenty of room: a journal that is
//! written fast would otherwise write every octet twice, once as a zero.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use roost_kit::disk::{Disk, DiskHandle};

use crate::config::Config;
use crate::queue::Queue;
use crate::segment::{Listing, spare_path, unfinished_path};

/// How many released segments are kept as spares: as many as one checkpoint of the usual size
/// releases.
const KEPT: usize = 4;
/// More spares than are needed are kept only while so many segments would fit beside them.
const PLENTY: u64 = 64;
/// How much is zeroed with one write.
const ZEROS: usize = 1 << 18;

pub(crate) struct Space {
    disk: DiskHandle,
    directory: PathBuf,
    segment_bytes: u64,
    spares: usize,
    /// How long after a failure another spare is tried, if nothing is recycled meanwhile.
    retry: Duration,
    state: Mutex<State>,
    /// For the thread: there is something to do.
    work: Condvar,
    /// For the writer: a spare, or the reason why there is none.
    ready: Condvar,
}

struct State {
    ready: Vec<PathBuf>,
    /// Released segments that may be recycled, the oldest first.
    returned: VecDeque<PathBuf>,
    next: u64,
    failed: Option<Arc<io::Error>>,
    /// Names could not be made durable: what is on the disk is unknown, so none is changed any
    /// more.
    broken: Option<Arc<io::Error>>,
    closing: bool,
}

impl Space {
    /// Takes over the spares that a listing names; what was half made is removed.
    pub(crate) fn new(config: &Config, disk: DiskHandle, listing: &Listing) -> io::Result<Self> {
        for path in &listing.unfinished {
            disk.remove(path)?;
        }
        let mut ready = Vec::new();
        for (_, path) in &listing.spares {
            let whole = disk.open_read_only(path)?.length()? == config.segment_bytes;
            if whole && ready.len() < config.spare_segments.max(KEPT) {
                ready.push(path.clone());
            } else {
                disk.remove(path)?;
            }
        }
        Ok(Self {
            disk,
            directory: config.directory.clone(),
            segment_bytes: config.segment_bytes,
            spares: config.spare_segments.max(1),
            retry: config.retry,
            state: Mutex::new(State {
                ready,
                returned: VecDeque::new(),
                next: listing.spares.last().map_or(1, |(number, _)| number + 1),
                failed: None,
                broken: None,
                closing: false,
            }),
            work: Condvar::new(),
            ready: Condvar::new(),
        })
    }

    /// A file of the full size for the next segment. Waits while one is being made; fails when
    /// the last try to make one did.
    pub(crate) fn take(&self) -> Result<PathBuf, Fault> {
        let mut state = self.state.lock();
        loop {
            if let Some(cause) = &state.broken {
                return Err(Fault::Broken(cause.clone()));
            }
            if let Some(path) = state.ready.pop() {
                self.work.notify_one();
                return Ok(path);
            }
            if let Some(cause) = &state.failed {
                return Err(Fault::Space(cause.clone()));
            }
            if state.closing {
                let closing = io::Error::other("the journal is closing");
                return Err(Fault::Space(Arc::new(closing)));
            }
            self.work.notify_one();
            self.ready.wait(&mut state);
        }
    }

    /// Gives back a spare that could not be put to use for want of space; the thread says when
    /// there is some again.
    pub(crate) fn put_back(&self, spare: PathBuf, cause: Arc<io::Error>) {
        let mut state = self.state.lock();
        state.ready.push(spare);
        state.failed = Some(cause);
        self.work.notify_one();
    }

    /// Gives released segments back, the oldest first.
    pub(crate) fn recycle(&self, segments: Vec<PathBuf>) {
        let mut state = self.state.lock();
        if state.broken.is_none() {
            state.returned.extend(segments);
        }
        self.work.notify_one();
    }

    pub(crate) fn close(&self) {
        self.state.lock().closing = true;
        self.work.notify_all();
        self.ready.notify_all();
    }

    /// The thread's life. Released segments are dealt with even while closing.
    pub(crate) fn run(&self, queue: &Queue) {
        while let Some(task) = self.next_task() {
            match self.perform(&task) {
                Ok(made) => {
                    let mut state = self.state.lock();
                    state.ready.extend(made);
                    let before = state.failed.take();
                    drop(state);
                    if before.is_some() {
                        let directory = self.directory.display();
                        tracing::info!(%directory, "journal segments can be made again");
                    }
                    queue.reopen();
                }
                Err(error) => {
                    let error = Arc::new(error);
                    let mut state = self.state.lock();
                    if matches!(task, Task::Recycle(..) | Task::Remove(_)) {
                        state.broken = Some(error.clone());
                        state.returned.clear();
                    }
                    let before = state.failed.replace(error);
                    drop(state);
                    self.say(before.as_deref());
                }
            }
            self.ready.notify_all();
        }
    }

    /// Says once that no segment can be made, not at every try.
    fn say(&self, before: Option<&io::Error>) {
        let state = self.state.lock();
        let Some(error) = &state.failed else { return };
        let directory = self.directory.display();
        let same = before.is_some_and(|before| before.kind() == error.kind());
        match same {
            true => tracing::debug!(%directory, %error, "still no journal segment"),
            false => tracing::warn!(
                %directory, %error,
                "no journal segment can be made; what does not fit is refused (make room)"
            ),
        }
    }

    fn next_task(&self) -> Option<Task> {
        let mut state = self.state.lock();
        loop {
            let short = state.ready.len() < self.spares;
            if state.broken.is_some() {
                if state.closing {
                    return None;
                }
                self.work.wait(&mut state);
                continue;
            }
            if let Some(path) = state.returned.pop_front() {
                if state.ready.len() >= self.spares.max(KEPT) {
                    return Some(Task::Remove(path));
                }
                let need = match short {
                    true => Need::Now,
                    false => Need::Later,
                };
                return Some(Task::Recycle(path, state.number(), need));
            }
            if state.closing {
                return None;
            }
            if short && state.failed.is_none() {
                return Some(Task::Make(state.number()));
            }
            if state.failed.is_some() {
                if self.work.wait_for(&mut state, self.retry).timed_out() {
                    return Some(Task::Make(state.number()));
                }
            } else {
                self.work.wait(&mut state);
            }
        }
    }

    fn perform(&self, task: &Task) -> io::Result<Option<PathBuf>> {
        match task {
            Task::Remove(path) => {
                self.disk.remove(path)?;
                self.disk.sync_directory(&self.directory)?;
                Ok(None)
            }
            Task::Recycle(path, number, need) => {
                let whole = self.disk.open_read_only(path)?.length()? == self.segment_bytes;
                if !whole || (*need == Need::Later && !self.has_plenty()) {
                    return self.perform(&Task::Remove(path.clone()));
                }
                let spare = spare_path(&self.directory, *number);
                self.disk.rename(path, &spare)?;
                self.disk.sync_directory(&self.directory)?;
                Ok(Some(spare))
            }
            Task::Make(number) => {
                let unfinished = unfinished_path(&self.directory, *number);
                let spare = spare_path(&self.directory, *number);
                let made = self.make(&unfinished, &spare);
                if made.is_err() && self.disk.exists(&unfinished)? {
                    // What was filled so far would keep others from the little room there is.
                    self.disk.remove(&unfinished)?;
                }
                made.map(|()| Some(spare))
            }
        }
    }

    /// Whether the disk has room for more than what is needed.
    fn has_plenty(&self) -> bool {
        let space = self.disk.space(&self.directory);
        space.is_ok_and(|space| space.available / PLENTY >= self.segment_bytes)
    }

    fn make(&self, unfinished: &Path, spare: &Path) -> io::Result<()> {
        let disk: &dyn Disk = self.disk.as_ref();
        // Others need the little that is left more than a file that cannot be finished.
        if disk.space(&self.directory)?.available < self.segment_bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = disk.create(unfinished)?;
        let zeros = vec![0; ZEROS];
        let mut at = 0;
        while at < self.segment_bytes {
            let count = (self.segment_bytes - at).min(ZEROS as u64);
            let count = usize::try_from(count).map_err(io::Error::other)?;
            file.write_all_at(zeros.get(..count).unwrap_or_default(), at)?;
            at += count as u64;
        }
        file.sync_data()?;
        disk.rename(unfinished, spare)?;
        disk.sync_directory(&self.directory)
    }
}

impl State {
    fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }
}

/// Why there is no segment, or a batch did not become durable.
pub(crate) enum Fault {
    /// No room for another segment: passes.
    Space(Arc<io::Error>),
    /// A write or sync failed: final.
    Broken(Arc<io::Error>),
}

enum Task {
    Make(u64),
    Recycle(PathBuf, u64, Need),
    Remove(PathBuf),
}

/// When a spare will be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Now,
    Later,
}
