//! Values that are never printed, and where daemons find them.

use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::config::DirectoryAccess;

/// A password, key or token: it can be compared and used, but not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read the secret {} (create it with mode 0600, owned by this daemon's user)", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others can read the file.
    #[error("others can read the secret {} (run: chmod 600 {})", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file holds nothing, or no text.
    #[error("the secret {} is empty or not text", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// The password with which `daemon` signs in at the directory: systemd's credential
/// `directory-password`, else the file named like the daemon in the folder of secrets.
pub fn directory_password(
    access: &DirectoryAccess,
    daemon: &str,
) -> Result<Secret<String>, SecretError> {
    match credential("directory-password") {
        // Systemd itself keeps a credential from others' eyes.
        Some(path) => text_of(&path),
        None => load(&access.secrets.join(daemon)),
    }
}

/// The text of a secret file, without the line end after it; refused when others can read it.
pub fn load(path: &Path) -> Result<Secret<String>, SecretError> {
    let metadata = std::fs::metadata(path).map_err(|source| SecretError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    if metadata.permissions().mode() & 0o007 != 0 {
        return Err(SecretError::Exposed {
            path: path.to_owned(),
        });
    }
    text_of(path)
}

/// The file of a systemd credential, if one of this name was handed to us.
#[must_use]
pub fn credential(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join(name);
    path.is_file().then_some(path)
}

fn text_of(path: &Path) -> Result<Secret<String>, SecretError> {
    let bytes = std::fs::read(path).map_err(|source| SecretError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let text = String::from_utf8(bytes).unwrap_or_default();
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(SecretError::Empty {
            path: path.to_owned(),
        }),
        text => Ok(Secret::new(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::new("tulip")), "Secret");
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        fs::write(&path, "tulip\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(load(&path), Err(SecretError::Exposed { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(load(&path).unwrap().expose(), "tulip");
        fs::write(&path, "\n").unwrap();
        assert!(matches!(load(&path), Err(SecretError::Empty { .. })));
        assert!(matches!(
            load(&folder.path().join("other")),
            Err(SecretError::Unreadable { .. })
        ));
    }
}
