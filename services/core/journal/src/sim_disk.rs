//! A disk in memory that forgets what was not synced, tears what was being written, fills up and
//! fails, all from a seed.
//!
//! Writes are kept per sector until the file is synced; names until their directory is. At a
//! crash each unsynced sector survives or not, by the seed; of the names in a directory, the
//! changes up to some point survive (as a journalling file system orders them). After a failed
//! sync the pages are taken for clean: they are seen until the crash and gone after it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use roost_kit::disk::{Disk, DiskFile, Space};

const SECTOR: usize = 512;

/// The simulated disk; clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimDisk(Arc<Mutex<State>>);

/// What survives of unsynced writes at a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// All of it is lost.
    Everything,
    /// Nothing is lost: a process died, not the machine.
    Nothing,
    /// Each sector for itself, by this seed.
    Random(u64),
}

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    name_changes: Vec<NameChange>,
    directories: BTreeSet<PathBuf>,
    files: Vec<File>,
    /// Operations that change something, so far.
    operations: u64,
    syncs: u64,
    crash_at: Option<u64>,
    fail_sync: Option<u64>,
    capacity: Option<u64>,
}

#[derive(Debug, Clone, Default)]
struct File {
    seen: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Write>,
}

#[derive(Debug, Clone)]
enum Write {
    Bytes(u64, Vec<u8>),
    Length(u64),
}

#[derive(Debug, Clone)]
enum NameChange {
    Create(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl SimDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From the operation with this number on, counted from 0, nothing works any more.
    pub fn crash_at(&self, operation: u64) {
        self.0.lock().crash_at = Some(operation);
    }

    /// How many operations that change something there were.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    /// The sync of file data with this number, counted from 0, fails.
    pub fn fail_sync(&self, number: u64) {
        self.0.lock().fail_sync = Some(number);
    }

    /// How many syncs of file data there were.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.0.lock().syncs
    }

    /// Limits the sum of all files' lengths.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.0.lock().capacity = bytes;
    }

    /// The disk as a machine finds it after a crash now.
    #[must_use]
    pub fn after_crash(&self, loss: Loss) -> Self {
        let state = self.0.lock();
        let mut dice = Dice::new(loss);
        let mut names = state.durable_names.clone();
        for change in &state.name_changes {
            if !dice.survives() {
                break;
            }
            change.apply(&mut names);
        }
        let files = state
            .files
            .iter()
            .map(|file| {
                let mut content = match loss {
                    Loss::Nothing => file.seen.clone(),
                    Loss::Everything | Loss::Random(_) => file.durable.clone(),
                };
                for write in &file.unsynced {
                    write.survive(&mut dice, &mut content);
                }
                File {
                    seen: content.clone(),
                    durable: content,
                    unsynced: Vec::new(),
                }
            })
            .collect();
        Self(Arc::new(Mutex::new(State {
            durable_names: names.clone(),
            names,
            files,
            directories: state.directories.clone(),
            ..State::default()
        })))
    }

    /// Changes bytes behind everybody's back, as a failing medium does.
    pub fn corrupt(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock();
        let id = state.find(path)?;
        let file = state.file(id)?;
        overwrite(&mut file.seen, offset, bytes);
        overwrite(&mut file.durable, offset, bytes);
        Ok(())
    }

    fn open_file(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let id = self.0.lock().find(path)?;
        Ok(Box::new(SimFile {
            disk: self.clone(),
            id,
        }))
    }
}

impl State {
    /// Counts an operation; fails from the crash on.
    fn change(&mut self) -> io::Result<()> {
        let number = self.operations;
        if self.crash_at.is_some_and(|at| number >= at) {
            return Err(io::Error::other("simulated crash"));
        }
        self.operations += 1;
        Ok(())
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.names
            .get(path)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn file(&mut self, id: usize) -> io::Result<&mut File> {
        self.files
            .get_mut(id)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn used(&self) -> u64 {
        let live: BTreeSet<usize> = self.names.values().copied().collect();
        live.iter()
            .filter_map(|id| self.files.get(*id))
            .map(|file| file.seen.len() as u64)
            .sum()
    }

    fn rename_now(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Create(path, id) => {
                names.insert(path.clone(), *id);
            }
            Self::Rename(from, to) => {
                if let Some(id) = names.remove(from) {
                    names.insert(to.clone(), id);
                }
            }
            Self::Remove(path) => {
                names.remove(path);
            }
        }
    }

    fn directory(&self) -> Option<&Path> {
        match self {
            Self::Create(path, _) | Self::Rename(_, path) | Self::Remove(path) => path.parent(),
        }
    }
}

impl Write {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Bytes(offset, bytes) => overwrite(content, *offset, bytes),
            Self::Length(length) => content.resize(*length as usize, 0),
        }
    }

    fn survive(&self, dice: &mut Dice, content: &mut Vec<u8>) {
        let Self::Bytes(offset, bytes) = self else {
            if dice.survives() {
                self.apply(content);
            }
            return;
        };
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let position = *offset + at as u64;
            let count = (SECTOR - position as usize % SECTOR).min(rest.len());
            if dice.survives() {
                overwrite(content, position, rest.get(..count).unwrap_or_default());
            }
            at += count;
        }
    }
}

fn overwrite(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let start = offset as usize;
    if content.len() < start + bytes.len() {
        content.resize(start + bytes.len(), 0);
    }
    if let Some(place) = content.get_mut(start..start + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.lock();
        state.change()?;
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = state.files.len();
        state.files.push(File::default());
        state.rename_now(NameChange::Create(path.to_owned(), id));
        drop(state);
        self.open_file(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.open_file(path)
    }

    fn open_read_only(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.open_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.change()?;
        state.find(from)?;
        state.rename_now(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.change()?;
        state.find(path)?;
        state.rename_now(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn create_directories(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        for directory in path.ancestors() {
            state.directories.insert(directory.to_owned());
        }
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let state = self.0.lock();
        if !state.directories.contains(directory) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut names: Vec<PathBuf> = state
            .names
            .keys()
            .chain(&state.directories)
            .filter(|path| path.parent() == Some(directory))
            .filter_map(|path| path.file_name())
            .map(PathBuf::from)
            .collect();
        names.sort();
        Ok(names)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let state = self.0.lock();
        Ok(state.names.contains_key(path) || state.directories.contains(path))
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.change()?;
        let changes = std::mem::take(&mut state.name_changes);
        for change in changes {
            if change.directory() == Some(directory) {
                change.apply(&mut state.durable_names);
            } else {
                state.name_changes.push(change);
            }
        }
        Ok(())
    }

    fn sync_file_system(&self, _path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.change()?;
        for file in &mut state.files {
            file.sync();
        }
        state.name_changes.clear();
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn space(&self, _path: &Path) -> io::Result<Space> {
        let state = self.0.lock();
        let total = state.capacity.unwrap_or(1 << 40);
        Ok(Space {
            available: total.saturating_sub(state.used()),
            total,
        })
    }
}

impl File {
    fn sync(&mut self) {
        for write in std::mem::take(&mut self.unsynced) {
            write.apply(&mut self.durable);
        }
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    id: usize,
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.0.lock();
        let file = state.file(self.id)?;
        let rest = file.seen.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        Ok(count)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let crashed = state.change();
        let used = state.used();
        let capacity = state.capacity;
        let file = state.file(self.id)?;
        let grown = (offset + bytes.len() as u64).saturating_sub(file.seen.len() as u64);
        if grown > 0 && capacity.is_some_and(|capacity| used + grown > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        // The write that a crash interrupts may have reached the disk in part.
        let write = Write::Bytes(offset, bytes.to_vec());
        write.apply(&mut file.seen);
        file.unsynced.push(write);
        crashed
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        state.change()?;
        let number = state.syncs;
        state.syncs += 1;
        let fails = state.fail_sync == Some(number);
        let file = state.file(self.id)?;
        if fails {
            file.unsynced.clear();
            return Err(io::Error::other("simulated medium error"));
        }
        file.sync();
        Ok(())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        state.change()?;
        let file = state.file(self.id)?;
        let write = Write::Length(length);
        write.apply(&mut file.seen);
        file.unsynced.push(write);
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        let mut state = self.disk.0.lock();
        Ok(state.file(self.id)?.seen.len() as u64)
    }
}

/// Decides what survives.
struct Dice {
    loss: Loss,
    state: u64,
}

impl Dice {
    fn new(loss: Loss) -> Self {
        let state = match loss {
            Loss::Random(seed) => seed,
            Loss::Everything | Loss::Nothing => 0,
        };
        Self { loss, state }
    }

    fn survives(&mut self) -> bool {
        match self.loss {
            Loss::Everything => false,
            Loss::Nothing => true,
            // SplitMix64.
            Loss::Random(_) => {
                self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = self.state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                (mixed ^ (mixed >> 31)) & 1 == 0
            }
        }
    }
}
