//! The state folder.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use roost_kit::disk::{Disk as _, RealDisk};

use crate::failure::Failure;

/// Marks a folder as ours, so that `--fresh` deletes no other.
const MARK: &str = "roost-dev-state";
const MARK_TEXT: &str =
    "This folder belongs to `roostctl dev`; `roostctl dev --fresh` empties it.\n";

/// A state folder that this process alone uses.
#[derive(Debug)]
pub(super) struct State {
    root: PathBuf,
    /// Held until the end.
    _lock: File,
}

impl State {
    /// Opens or makes a state folder; empties it first if asked to.
    pub(super) fn open(path: &Path, fresh: bool) -> Result<Self, Failure> {
        let what = format!("cannot use {} as state folder", path.display());
        let root = std::path::absolute(path).map_err(|error| Failure::io(&what, &error))?;
        let failed = |error: io::Error| Failure::io(&what, &error);
        make_folder(&root).map_err(failed)?;
        if !root.join(MARK).is_file() {
            refuse_foreign(&root, &what)?;
            fs::write(root.join(MARK), MARK_TEXT).map_err(failed)?;
        }
        let lock = File::options()
            .read(true)
            .append(true)
            .open(root.join(MARK))
            .map_err(failed)?;
        if lock.try_lock().is_err() {
            return Err(Failure::failed(
                "state_in_use",
                format!("{what}: another `roostctl dev` uses it"),
            )
            .next("stop that one, or choose another folder and other ports: roostctl dev --state DIR --offset N"));
        }
        if fresh {
            empty(&root).map_err(failed)?;
        }
        let state = Self { root, _lock: lock };
        for folder in [
            "etc/conf.d",
            "secrets",
            "tls",
            "run",
            "directory",
            "store",
            "queue",
            "logger",
        ] {
            make_folder(&state.path(folder)).map_err(failed)?;
        }
        Ok(state)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Something in the folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The configuration of all daemons.
    pub(super) fn config(&self) -> PathBuf {
        self.path("etc/roost.toml")
    }

    /// The certificate of the suite's own authority.
    pub(super) fn ca(&self) -> PathBuf {
        self.path("tls/ca.crt")
    }

    /// The mta's control socket. A Unix socket's path has room for some 100 octets; a deeper state
    /// folder gets its socket in the system's folder for temporary files.
    pub(super) fn control(&self) -> PathBuf {
        self.socket("mta")
    }

    /// The store's control socket.
    pub(super) fn store_control(&self) -> PathBuf {
        self.socket("store")
    }

    /// The proxy's control socket.
    pub(super) fn proxy_control(&self) -> PathBuf {
        self.socket("proxy")
    }

    /// The logger's control socket.
    pub(super) fn logger_control(&self) -> PathBuf {
        self.socket("logger")
    }

    /// Where the logger takes the daemons' lines.
    pub(super) fn log(&self) -> PathBuf {
        self.socket("log")
    }

    fn socket(&self, daemon: &str) -> PathBuf {
        const PATH_MAX: usize = 100;
        let path = self.path(&format!("run/{daemon}.sock"));
        if path.as_os_str().len() <= PATH_MAX {
            return path;
        }
        let digest = blake3::hash(self.root.as_os_str().as_encoded_bytes()).to_hex();
        let digest = digest.get(..16).unwrap_or("");
        std::env::temp_dir().join(format!("roost-dev-{digest}-{daemon}.sock"))
    }

    /// Writes a file for its owner alone, whole or not at all.
    pub(super) fn write(&self, name: &str, octets: &[u8]) -> Result<(), Failure> {
        let path = self.path(name);
        RealDisk
            .write_atomically(&path, octets)
            .map_err(|error| Failure::io(format!("cannot write {}", path.display()), &error))
    }

    /// A text file, if there is one.
    pub(super) fn read(&self, name: &str) -> Result<Option<String>, Failure> {
        let path = self.path(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::io(
                format!("cannot read {}", path.display()),
                &error,
            )),
        }
    }

    /// Removes a file, if there is one.
    pub(super) fn remove(&self, name: &str) -> Result<(), Failure> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::io(
                format!("cannot remove {}", path.display()),
                &error,
            )),
            _ => Ok(()),
        }
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)?;
    let mut permissions = fs::metadata(path)?.permissions();
    if permissions.mode() & 0o077 != 0 && fs::read_dir(path)?.next().is_none() {
        permissions.set_mode(0o700);
        fs::set_permissions(path, permissions)?;
    }
    Ok(())
}

/// A folder without our mark is taken only if it holds nothing but settings put there beforehand.
fn refuse_foreign(root: &Path, what: &str) -> Result<(), Failure> {
    let entries = fs::read_dir(root).map_err(|error| Failure::io(what, &error))?;
    for entry in entries {
        let name = entry
            .map_err(|error| Failure::io(what, &error))?
            .file_name();
        if name != "etc" {
            return Err(Failure::failed(
                "not_a_state_folder",
                format!(
                    "{what}: it holds other files, such as {}",
                    name.to_string_lossy()
                ),
            )
            .next("choose a new folder: roostctl dev --state DIR"));
        }
    }
    Ok(())
}

/// Removes everything but the mark, which is locked.
fn empty(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_name() == MARK {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// A password that people can type, some 37 bits of chance.
pub(super) fn password() -> String {
    const WORDS: [&str; 64] = [
        "acorn", "amber", "anchor", "apple", "autumn", "badger", "bamboo", "barley", "beacon",
        "birch", "bramble", "breeze", "candle", "canoe", "cedar", "cherry", "clover", "cobalt",
        "copper", "coral", "cotton", "cricket", "daisy", "dune", "ember", "falcon", "fern",
        "flint", "garnet", "ginger", "hazel", "heron", "indigo", "island", "ivory", "jasmine",
        "juniper", "kettle", "lagoon", "lantern", "lemon", "lilac", "linen", "maple", "marble",
        "meadow", "mint", "nutmeg", "olive", "orchid", "otter", "pebble", "pepper", "plum",
        "quartz", "raven", "river", "saffron", "sparrow", "thistle", "tulip", "violet", "walnut",
        "willow",
    ];
    let random: [u8; 6] = rand::random();
    let words: Vec<&str> = random
        .iter()
        .take(4)
        .filter_map(|byte| WORDS.get(usize::from(byte % 64)).copied())
        .collect();
    let [.., high, low] = random;
    let number = u16::from_be_bytes([high, low]) % 10_000;
    format!("{}-{number:04}", words.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_empties_only_a_folder_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("state");
        drop(State::open(&root, false).unwrap());
        fs::write(root.join("store/mail"), "x").unwrap();
        drop(State::open(&root, false).unwrap());
        assert!(root.join("store/mail").exists());
        drop(State::open(&root, true).unwrap());
        assert!(!root.join("store/mail").exists());

        let home = folder.path().join("home");
        fs::create_dir(&home).unwrap();
        fs::write(home.join("thesis.txt"), "x").unwrap();
        let failure = State::open(&home, true).unwrap_err();
        assert!(failure.text().contains("thesis.txt"), "{}", failure.text());
        assert!(home.join("thesis.txt").exists());
    }

    #[test]
    fn settings_may_be_there_beforehand_and_two_suites_may_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("etc/conf.d")).unwrap();
        let state = State::open(folder.path(), false).unwrap();
        let failure = State::open(folder.path(), false).unwrap_err();
        assert!(failure.text().contains("another"), "{}", failure.text());
        drop(state);
        State::open(folder.path(), false).unwrap();
    }

    #[test]
    fn passwords_differ() {
        assert_ne!(password(), password());
    }
}
