//! The disk's calls, and the faults that they meet.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use roost_kit::disk::{Disk, DiskFile, FileSystem, Space};

use super::content::{Dice, File, Write};
use super::names::{NameChange, Tree};
use super::{Call, FaultKind, Hit, Loss, SimDisk, Watcher};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) tree: Tree,
    pub(super) files: Vec<File>,
    /// Calls that change something, so far.
    pub(super) calls: u64,
    pub(super) plan: Option<(u64, FaultKind)>,
    pub(super) hit: Option<Hit>,
    pub(super) fail_sync: Option<&'static str>,
    pub(super) capacity: Option<u64>,
    pub(super) lying: bool,
    pub(super) watcher: Option<Watched>,
}

#[derive(Clone)]
pub(super) struct Watched(pub(super) Watcher);

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

/// How a call that fails has failed.
struct Failed {
    error: io::Error,
    /// Whether the machine has stopped during it, so that it may have happened.
    interrupted: bool,
    /// Where a write that reached the page cache in part was cut, as a fraction of 1000; `None`
    /// where nothing of it did.
    part: Option<u64>,
}

impl Failed {
    fn wholly(error: io::Error) -> Self {
        Self {
            error,
            interrupted: false,
            part: None,
        }
    }
}

fn eio() -> io::Error {
    io::Error::from_raw_os_error(5)
}

fn enospc() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl State {
    /// Counts a call, and says how it fails if it does.
    fn call(&mut self, call: Call, path: &Path) -> Result<(), Failed> {
        let number = self.calls;
        self.calls += 1;
        let Some((at, kind)) = self.plan.filter(|(at, _)| number >= *at) else {
            return Ok(());
        };
        let first = number == at;
        if first {
            self.hit = Some(Hit {
                call,
                path: path.to_owned(),
            });
        }
        // As far as the write came: anywhere, but the same for the same call.
        let part = Some(Dice::new(Loss::Random(number)).roll(1001));
        match kind {
            FaultKind::PowerCut => Err(Failed {
                error: io::Error::other("simulated crash"),
                interrupted: first,
                part: None,
            }),
            FaultKind::Kill => Err(Failed {
                error: io::Error::other("simulated death"),
                interrupted: false,
                part: part.filter(|_| first),
            }),
            FaultKind::Error | FaultKind::Full if !first => Ok(()),
            FaultKind::Error => Err(Failed {
                part,
                ..Failed::wholly(eio())
            }),
            FaultKind::Full => Err(Failed {
                part,
                ..Failed::wholly(enospc())
            }),
            FaultKind::Dead => Err(Failed::wholly(eio())),
            FaultKind::StaysFull if call == Call::Remove => Ok(()),
            FaultKind::StaysFull => Err(Failed {
                part: part.filter(|_| first),
                ..Failed::wholly(enospc())
            }),
        }
    }

    pub(super) fn file(&mut self, id: usize) -> io::Result<&mut File> {
        self.files
            .get_mut(id)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn used(&self) -> u64 {
        let live: BTreeSet<usize> = self.tree.names.values().copied().collect();
        live.iter()
            .filter_map(|id| self.files.get(*id))
            .map(|file| file.seen.len() as u64)
            .sum()
    }

    /// Whether another `grown` bytes fit.
    fn fits(&self, grown: u64) -> bool {
        self.capacity
            .is_none_or(|capacity| grown == 0 || self.used() + grown <= capacity)
    }

    /// Does a change of names, unless the call fails.
    fn rename_now(&mut self, call: Call, path: &Path, change: NameChange) -> io::Result<()> {
        match self.call(call, path) {
            Ok(()) => {
                self.tree.change(change);
                Ok(())
            }
            Err(failed) => {
                if failed.interrupted {
                    self.tree.interrupted(change);
                }
                Err(failed.error)
            }
        }
    }
}

impl SimDisk {
    fn open_file(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let id = self.0.lock().tree.find(path)?;
        Ok(Box::new(SimFile {
            disk: self.clone(),
            id,
            path: path.to_owned(),
        }))
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.lock();
        if state.tree.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let parent = path.parent().unwrap_or(path);
        if !state.tree.directories.contains(parent) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let id = state.files.len();
        let change = NameChange::Create(path.to_owned(), id);
        state.files.push(File::default());
        state.rename_now(Call::Create, path, change)?;
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
        let id = state.tree.find(from)?;
        let change = NameChange::Rename(from.to_owned(), to.to_owned(), id);
        state.rename_now(Call::Rename, to, change)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.tree.find(path)?;
        state.rename_now(Call::Remove, path, NameChange::Remove(path.to_owned()))
    }

    /// Durable when it returns, as the trait promises.
    fn create_directories(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        if state.tree.directories.contains(path) {
            return Ok(());
        }
        state
            .call(Call::Create, path)
            .map_err(|failed| failed.error)?;
        for directory in path.ancestors() {
            state.tree.directories.insert(directory.to_owned());
        }
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let state = self.0.lock();
        if !state.tree.directories.contains(directory) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut names: Vec<PathBuf> = state
            .tree
            .names
            .keys()
            .chain(&state.tree.directories)
            .filter(|path| path.parent() == Some(directory))
            .filter_map(|path| path.file_name())
            .map(PathBuf::from)
            .collect();
        names.sort();
        Ok(names)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let tree = &self.0.lock().tree;
        Ok(tree.names.contains_key(path) || tree.directories.contains(path))
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        match state.call(Call::SyncDirectory, directory) {
            Ok(()) if state.lying => Ok(()),
            Ok(()) => {
                state.tree.sync(directory);
                Ok(())
            }
            Err(failed) => {
                if failed.part.is_some() {
                    state.tree.lose(directory);
                }
                Err(failed.error)
            }
        }
    }

    fn file_system(&self, path: &Path) -> io::Result<Box<dyn FileSystem>> {
        Ok(Box::new(SimFileSystem {
            disk: self.clone(),
            path: path.to_owned(),
        }))
    }

    fn space(&self, _path: &Path) -> io::Result<Space> {
        let state = self.0.lock();
        let total = state.capacity.unwrap_or(1 << 40);
        let used = state.capacity.map_or(0, |_| state.used());
        Ok(Space {
            available: total.saturating_sub(used),
            total,
        })
    }
}

#[derive(Debug)]
struct SimFileSystem {
    disk: SimDisk,
    path: PathBuf,
}

impl FileSystem for SimFileSystem {
    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        match state.call(Call::SyncFileSystem, &self.path) {
            Ok(()) if state.lying => return Ok(()),
            Ok(()) => {}
            Err(failed) => {
                if failed.part.is_some() {
                    state.files.iter_mut().for_each(File::lose);
                    state.tree.lose_all();
                }
                return Err(failed.error);
            }
        }
        state.files.iter_mut().for_each(File::sync);
        state.tree.sync_all();
        let watcher = state.watcher.clone();
        drop(state);
        if let Some(watcher) = watcher {
            (watcher.0)(&self.path);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    id: usize,
    path: PathBuf,
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.0.lock();
        let file = state.file(self.id)?;
        let rest = file.seen.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let called = state.call(Call::Write, &self.path);
        let seen = state.file(self.id)?.seen.len() as u64;
        let grown = (offset + bytes.len() as u64).saturating_sub(seen);
        if !state.fits(grown) {
            return Err(enospc());
        }
        let file = state.file(self.id)?;
        match called {
            Ok(()) => {
                file.write(Write::Bytes(offset, bytes.to_vec()));
                Ok(())
            }
            Err(failed) => {
                if failed.interrupted {
                    // How much of it has reached the medium is decided at the crash.
                    file.write(Write::Bytes(offset, bytes.to_vec()));
                } else if let Some(part) = failed.part {
                    let some = bytes.len() * part as usize / 1000;
                    let some = bytes.get(..some).unwrap_or_default();
                    file.write(Write::Bytes(offset, some.to_vec()));
                }
                Err(failed.error)
            }
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let called = state.call(Call::Sync, &self.path);
        let name = self.path.file_name().and_then(|name| name.to_str());
        let fails = state
            .fail_sync
            .take_if(|wanted| name.is_some_and(|name| name.starts_with(*wanted)))
            .is_some();
        let lying = state.lying;
        let file = state.file(self.id)?;
        match called {
            Ok(()) if fails => {
                file.lose();
                Err(eio())
            }
            Ok(()) if lying => Ok(()),
            Ok(()) => {
                file.sync();
                Ok(())
            }
            Err(failed) => {
                if failed.part.is_some() {
                    file.lose();
                }
                Err(failed.error)
            }
        }
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        state
            .call(Call::Write, &self.path)
            .map_err(|failed| failed.error)?;
        state.file(self.id)?.write(Write::Length(length));
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        let mut state = self.disk.0.lock();
        Ok(state.file(self.id)?.seen.len() as u64)
    }
}
