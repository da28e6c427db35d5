//! All segments as one: adding lines at the end, and reading those of a time or with a term.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memmem::Finder;
use parking_lot::Mutex;
use roost_kit::disk::DiskHandle;
use roost_kit::fields::Chain;
use tokio::sync::watch;

use super::block::{Block, Entry, Shapes};
use super::builder::{Builder, Snapshot};
use super::line::Lines;
use super::segment::{About, Foot, Loaded, Sealed, SegmentError};
use super::term::Term;
use crate::syslog::{Style, time};

/// How many segments keep what is needed to read their blocks.
const LOADED_MAX: usize = 16;

/// Which lines are asked for; all of what is given must hold.
#[derive(Debug, Clone)]
pub struct Search {
    /// That came at this time or later, in milliseconds since 1970.
    pub begin: i64,
    /// That came before this time.
    pub end: i64,
    /// With a greater number.
    pub after: u64,
    /// With a smaller number.
    pub before: u64,
    /// With one term of each group, as far as terms can tell: a line that is found need not have it.
    pub terms: Vec<Vec<Term>>,
    /// A bit for each severity, as far as blocks can tell.
    pub severities: u8,
    /// With this in their bodies, letters of either case being the same.
    pub needle: Option<Vec<u8>>,
    /// In which order.
    pub direction: Direction,
}

/// In which order lines are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The last one first.
    Newest,
    /// The first one first.
    Oldest,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            begin: i64::MIN,
            end: i64::MAX,
            after: 0,
            before: u64::MAX,
            terms: Vec::new(),
            severities: u8::MAX,
            needle: None,
            direction: Direction::Newest,
        }
    }
}

impl Search {
    fn wants_block(&self, about: &About) -> bool {
        about.severities & self.severities != 0 && about.end >= self.begin && about.begin < self.end
    }

    fn wants_segment(&self, foot: &Foot) -> bool {
        foot.lines > 0
            && foot.end >= self.begin
            && foot.begin < self.end
            && foot.first_line + foot.lines - 1 > self.after
            && foot.first_line < self.before
    }
}

/// What is kept, in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// How many segment files there are.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The lines in them and in the segment that grows.
    pub lines: u64,
    /// The bytes that those lines had.
    pub plain_bytes: u64,
    /// When the first of them came, in milliseconds since 1970; None if there is none.
    pub begin: Option<i64>,
}

/// All lines that are kept; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    disk: DiskHandle,
    directory: PathBuf,
    state: Mutex<State>,
    /// The number of the last line.
    last: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    /// Ascending.
    sealed: Vec<Arc<Sealed>>,
    growing: Arc<Mutex<Builder>>,
}

/// Why lines cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be used.
    #[error("cannot use the folder of log segments {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A segment cannot be read.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// A segment cannot be written.
    #[error("cannot write a log segment in {}", path.display())]
    Write {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Store {
    /// Opens the segments of a folder, which is made if it is missing. A file that is damaged is moved
    /// into `damaged/`, and said to be.
    ///
    /// # Errors
    /// When the folder or a file cannot be read.
    pub fn open(disk: DiskHandle, directory: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Folder {
            path: directory.to_owned(),
            source,
        };
        disk.create_directories(directory).map_err(failed)?;
        let mut sealed: Vec<Arc<Sealed>> = Vec::new();
        for name in disk.list(directory).map_err(failed)? {
            let path = directory.join(name);
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("log") => {}
                // What a dead process had not finished.
                Some("tmp") => {
                    disk.remove(&path).map_err(failed)?;
                    continue;
                }
                _ => continue,
            }
            match Sealed::open(disk.as_ref(), &path) {
                Ok(one) => sealed.push(Arc::new(one)),
                Err(error @ SegmentError::Damaged { .. }) => {
                    tracing::error!(error = %Chain(&error), "moved into damaged/");
                    set_aside(&disk, directory, &path).map_err(failed)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        sealed.sort_by_key(|one| one.foot.first_line);
        let last = sealed
            .last()
            .map_or(0, |last| last.foot.first_line + last.foot.lines - 1);
        let builder = Builder::new(last + 1).map_err(failed)?;
        Ok(Self(Arc::new(Inner {
            disk,
            directory: directory.to_owned(),
            state: Mutex::new(State {
                sealed,
                growing: Arc::new(Mutex::new(builder)),
            }),
            last: watch::Sender::new(last),
        })))
    }

    /// The last of the journal's records that is in a segment file.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        let state = self.0.state.lock();
        let sequences = state.sealed.iter().map(|one| one.foot.sequence);
        sequences.max().unwrap_or(0)
    }

    /// The number of the last line, as it changes.
    #[must_use]
    pub fn last_line(&self) -> watch::Receiver<u64> {
        self.0.last.subscribe()
    }

    /// Adds the lines of one record of the journal. Blocks: may write a segment file. Returns true if
    /// it did, and [`Store::sequence`] has changed.
    ///
    /// # Errors
    /// When a segment file cannot be written; the lines are not added then.
    pub fn add(&self, sequence: u64, batch: &[u8]) -> Result<bool, StoreError> {
        let mut lines = Lines::read(batch).peekable();
        let Some(first) = lines.peek() else {
            return Ok(false);
        };
        let active = self.active();
        let is_complete = active.lock().is_complete(first.received);
        if is_complete {
            self.seal()?;
        }
        let active = self.active();
        let mut builder = active.lock();
        for line in lines {
            builder
                .push(&line)
                .map_err(|source| self.unwritten(source))?;
        }
        builder.reached(sequence);
        let foot = *builder.foot();
        drop(builder);
        self.0
            .last
            .send_replace(foot.first_line + foot.lines.max(1) - 1);
        Ok(is_complete)
    }

    fn active(&self) -> Arc<Mutex<Builder>> {
        Arc::clone(&self.0.state.lock().growing)
    }

    /// Writes the segment that grows, if it has lines, and begins another.
    ///
    /// # Errors
    /// When the file cannot be written; it grows on then.
    pub fn seal(&self) -> Result<(), StoreError> {
        let active = self.active();
        let foot = *active.lock().foot();
        if foot.lines == 0 {
            return Ok(());
        }
        let next =
            Builder::new(foot.first_line + foot.lines).map_err(|source| self.unwritten(source))?;
        let (disk, directory) = (&self.0.disk, &self.0.directory);
        let bytes = active.lock().seal();
        let bytes = bytes.map_err(|source| self.unwritten(source))?;
        let path = directory.join(file_name(&foot));
        // Queries find its lines as before, until the file is there.
        let written = disk.write_atomically(&path, &bytes);
        written.map_err(|source| self.unwritten(source))?;
        let sealed = Sealed::open(disk.as_ref(), &path)?;
        let mut state = self.0.state.lock();
        state.sealed.push(Arc::new(sealed));
        state.growing = Arc::new(Mutex::new(next));
        Ok(())
    }

    fn unwritten(&self, source: io::Error) -> StoreError {
        StoreError::Write {
            path: self.0.directory.clone(),
            source,
        }
    }

    /// How many bytes of lines are in no segment file yet.
    #[must_use]
    pub fn growing_bytes(&self) -> u64 {
        self.active().lock().foot().plain_bytes
    }

    /// What is kept.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let (sealed, growing) = self.parts();
        let mut usage = Usage {
            segments: sealed.len() as u64,
            ..Usage::default()
        };
        usage.bytes = sealed.iter().map(|one| one.bytes).sum();
        let growing = *growing.lock().foot();
        let feet = sealed.iter().map(|one| one.foot).chain([growing]);
        for foot in feet.filter(|foot| foot.lines > 0) {
            usage.lines += foot.lines;
            usage.plain_bytes += foot.plain_bytes;
            usage.begin = Some(
                usage
                    .begin
                    .map_or(foot.begin, |begin| begin.min(foot.begin)),
            );
        }
        usage
    }

    /// The segment files, the oldest first.
    #[must_use]
    pub fn segments(&self) -> Vec<Arc<Sealed>> {
        self.parts().0
    }

    /// Removes the oldest segment file.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove_oldest(&self) -> io::Result<()> {
        let mut state = self.0.state.lock();
        if state.sealed.is_empty() {
            return Ok(());
        }
        let oldest = state.sealed.remove(0);
        drop(state);
        self.0.disk.remove(oldest.path())?;
        self.0.disk.sync_directory(&self.0.directory)
    }

    fn parts(&self) -> (Vec<Arc<Sealed>>, Arc<Mutex<Builder>>) {
        let state = self.0.state.lock();
        (state.sealed.clone(), Arc::clone(&state.growing))
    }

    /// Gives the lines that may be meant to `visit`, with their numbers, until it breaks. Blocks.
    ///
    /// A damaged block is passed over, and said to be.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn search(
        &self,
        search: &Search,
        mut visit: impl FnMut(u64, Entry) -> ControlFlow<()>,
    ) -> Result<(), SegmentError> {
        let (sealed, growing) = self.parts();
        let finder = search.needle.as_deref().map(Finder::new);
        let mut walk = Walk {
            search,
            finder: finder.as_ref(),
            visit: &mut visit,
        };
        let terms: Vec<Term> = search.terms.iter().flatten().copied().collect();
        let snapshot = growing.lock().snapshot(&terms);
        let snapshot = Some(snapshot).filter(|one| search.wants_segment(&one.foot));
        let mut newer = sealed.len();
        match search.direction {
            Direction::Newest => {
                if let Some(snapshot) = &snapshot
                    && walk.snapshot(snapshot).is_break()
                {
                    return Ok(());
                }
                for (age, segment) in sealed.iter().rev().enumerate() {
                    if walk.sealed(segment, age)?.is_break() {
                        return Ok(());
                    }
                }
            }
            Direction::Oldest => {
                for segment in &sealed {
                    newer -= 1;
                    if walk.sealed(segment, newer)?.is_break() {
                        return Ok(());
                    }
                }
                if let Some(snapshot) = &snapshot
                    && walk.snapshot(snapshot).is_break()
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// One search under way.
struct Walk<'a, V> {
    search: &'a Search,
    finder: Option<&'a Finder<'a>>,
    visit: &'a mut V,
}

impl<V: FnMut(u64, Entry) -> ControlFlow<()>> Walk<'_, V> {
    /// `age` is how many segments are newer.
    fn sealed(&mut self, segment: &Sealed, age: usize) -> Result<ControlFlow<()>, SegmentError> {
        if !self.search.wants_segment(&segment.foot) {
            return Ok(ControlFlow::Continue(()));
        }
        let walked = self.sealed_blocks(segment);
        if age >= LOADED_MAX {
            segment.forget();
        }
        match walked {
            Err(error @ SegmentError::Damaged { .. }) => {
                tracing::error!(error = %Chain(&error), "passed over");
                Ok(ControlFlow::Continue(()))
            }
            other => other,
        }
    }

    fn sealed_blocks(&mut self, segment: &Sealed) -> Result<ControlFlow<()>, SegmentError> {
        let mut found = Vec::new();
        for group in &self.search.terms {
            let mut blocks = Vec::new();
            for term in group {
                blocks.extend(segment.find(*term)?);
            }
            if blocks.is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
            found.push(blocks);
        }
        let loaded = segment.load()?;
        let blocks = common(&found, loaded.directory.len());
        for number in ordered(blocks, self.search.direction) {
            let about = loaded.directory.get(usize::from(number));
            if !about.is_some_and(|about| self.search.wants_block(about)) {
                continue;
            }
            let block = match segment.block(&loaded, number) {
                Ok(block) => block,
                Err(error @ SegmentError::Damaged { .. }) => {
                    tracing::error!(error = %Chain(&error), "passed over");
                    continue;
                }
                Err(error) => return Err(error),
            };
            let first = first_line(segment, &loaded, number);
            let walked = self.lines(&block, &loaded.shapes, first);
            if walked.is_break() {
                return Ok(walked);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn snapshot(&mut self, snapshot: &Snapshot) -> ControlFlow<()> {
        let mut lists = snapshot.found.iter();
        let mut found = Vec::new();
        for group in &self.search.terms {
            let of_group = lists.by_ref().take(group.len()).flatten();
            found.push(of_group.copied().collect());
        }
        let blocks = common(&found, snapshot.blocks());
        for number in ordered(blocks, self.search.direction) {
            let about = snapshot.about(number);
            if !about.is_some_and(|about| self.search.wants_block(&about)) {
                continue;
            }
            let Some(block) = snapshot.block(number) else {
                continue;
            };
            let before = (0..number).filter_map(|number| snapshot.about(number));
            let before: u64 = before.map(|about| u64::from(about.lines)).sum();
            let first = snapshot.foot.first_line + before;
            self.lines(&block, &snapshot.shapes, first)?;
        }
        ControlFlow::Continue(())
    }

    fn lines(&mut self, block: &Block, shapes: &Shapes, first: u64) -> ControlFlow<()> {
        let mut lines: Vec<usize> = match self.finder {
            None => (0..block.len()).collect(),
            Some(finder) => {
                let bodies = block.bodies().to_ascii_lowercase();
                let mut lines: Vec<usize> = finder
                    .find_iter(&bodies)
                    .map(|place| block.line_at(place))
                    .collect();
                lines.dedup();
                lines
            }
        };
        if self.search.direction == Direction::Newest {
            lines.reverse();
        }
        for line in lines {
            let number = first + line as u64;
            let received = block.received(line).unwrap_or(i64::MIN);
            let is_meant = number > self.search.after
                && number < self.search.before
                && received >= self.search.begin
                && received < self.search.end;
            if is_meant && let Some(entry) = block.entry(line, shapes) {
                (self.visit)(number, entry)?;
            }
        }
        ControlFlow::Continue(())
    }
}

fn first_line(segment: &Sealed, loaded: &Loaded, number: u16) -> u64 {
    let before = loaded.directory.iter().take(usize::from(number));
    let before: u64 = before.map(|about| u64::from(about.lines)).sum();
    segment.foot.first_line + before
}

/// The blocks that are in every list; all `count` blocks where there is no list.
fn common(lists: &[Vec<u16>], count: usize) -> Vec<u16> {
    let Some((first, others)) = lists.split_first() else {
        return (0..u16::try_from(count).unwrap_or(u16::MAX)).collect();
    };
    let mut blocks: Vec<u16> = first
        .iter()
        .copied()
        .filter(|block| others.iter().all(|list| list.contains(block)))
        .collect();
    blocks.sort_unstable();
    blocks.dedup();
    blocks
}

fn ordered(mut blocks: Vec<u16>, direction: Direction) -> Vec<u16> {
    if direction == Direction::Newest {
        blocks.reverse();
    }
    blocks
}

/// `20261124-000000000042.log`: the day of its first line, and that line's number.
fn file_name(foot: &Foot) -> String {
    let mut day = Vec::new();
    let style = Style::Rfc3339 {
        digits: 0,
        offset: None,
    };
    time::write(style, foot.begin.saturating_mul(1000), &mut day);
    let day = String::from_utf8_lossy(&day).replace('-', "");
    let day = day.get(..8).unwrap_or("00000000");
    format!("{day}-{:012}.log", foot.first_line)
}

fn set_aside(disk: &DiskHandle, directory: &Path, path: &Path) -> io::Result<()> {
    let aside = directory.join("damaged");
    disk.create_directories(&aside)?;
    if let Some(name) = path.file_name() {
        disk.rename(path, &aside.join(name))?;
        disk.sync_directory(&aside)?;
        disk.sync_directory(directory)?;
    }
    Ok(())
}
