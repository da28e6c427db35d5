//! Names of files, as they are seen and as they are on the medium.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::content::Dice;

/// The names and directories.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    pub(super) names: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    /// Made, renamed and removed, but not synced; in order.
    changes: Vec<NameChange>,
    pub(super) directories: BTreeSet<PathBuf>,
}

#[derive(Debug, Clone)]
pub(super) enum NameChange {
    Create(PathBuf, usize),
    /// With what the old name named.
    Rename(PathBuf, PathBuf, usize),
    Remove(PathBuf),
}

impl Tree {
    pub(super) fn find(&self, path: &Path) -> io::Result<usize> {
        self.names
            .get(path)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn change(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.changes.push(change);
    }

    /// A change that the machine's end interrupts: it may have happened, but nobody sees it.
    pub(super) fn interrupted(&mut self, change: NameChange) {
        self.changes.push(change);
    }

    pub(super) fn sync(&mut self, directory: &Path) {
        for change in std::mem::take(&mut self.changes) {
            if change.directory() == Some(directory) {
                change.apply(&mut self.durable);
            } else {
                self.changes.push(change);
            }
        }
    }

    /// A failed sync: the changes are seen until the crash, and never reach the medium.
    pub(super) fn lose(&mut self, directory: &Path) {
        self.changes
            .retain(|change| change.directory() != Some(directory));
    }

    pub(super) fn sync_all(&mut self) {
        self.changes.clear();
        self.durable = self.names.clone();
    }

    pub(super) fn lose_all(&mut self) {
        self.changes.clear();
    }

    /// Of each directory, the changes up to some point survive, as journalling file systems order
    /// them; nothing orders those of different directories.
    pub(super) fn after_crash(&self, dice: &mut Dice) -> Self {
        let mut names = self.durable.clone();
        let mut ended: BTreeSet<&Path> = BTreeSet::new();
        if dice.loss == super::Loss::Nothing {
            names = self.names.clone();
        } else {
            for change in &self.changes {
                let Some(directory) = change.directory() else {
                    continue;
                };
                if ended.contains(directory) {
                    continue;
                }
                if dice.survives() {
                    change.apply(&mut names);
                } else {
                    ended.insert(directory);
                }
            }
        }
        Self {
            durable: names.clone(),
            names,
            changes: Vec::new(),
            directories: self.directories.clone(),
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Create(path, id) => {
                names.insert(path.clone(), *id);
            }
            Self::Rename(from, to, id) => {
                names.remove(from);
                names.insert(to.clone(), *id);
            }
            Self::Remove(path) => {
                names.remove(path);
            }
        }
    }

    fn directory(&self) -> Option<&Path> {
        match self {
            Self::Create(path, _) | Self::Rename(_, path, _) | Self::Remove(path) => path.parent(),
        }
    }
}
