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

/// The directory's own administrator, as whom `roostctl` signs in. Its password is the secret
/// `zimbra`.
pub const ADMINISTRATOR: &str = "uid=zimbra,cn=admins,cn=zimbra";

/// The administrator's file in the folder of secrets.
const ADMINISTRATOR_FILE: &str = "zimbra";

/// Who signs in at the directory, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The distinguished name to bind as.
    pub dn: String,
    /// The password.
    pub password: Secret<String>,
}

impl Identity {
    /// A daemon such as `roost-store`, which signs in as `uid=roost-store,cn=appaccts,cn=zimbra`.
    /// Its password is systemd's credential `directory-password`, else the file `roost-store` in the
    /// folder of secrets.
    pub fn of_daemon(access: &DirectoryAccess, daemon: &str) -> Result<Self, SecretError> {
        let password = match credential("directory-password") {
            // Systemd itself keeps a credential from others' eyes.
            Some(path) => text_of(&path)?,
            None => load(&access.secrets.join(daemon))?,
        };
        Ok(Self {
            dn: service_dn(daemon),
            password,
        })
    }

    /// The directory's own administrator.
    pub fn of_administrator(access: &DirectoryAccess) -> Result<Self, SecretError> {
        Ok(Self {
            dn: ADMINISTRATOR.to_owned(),
            password: load(&access.secrets.join(ADMINISTRATOR_FILE))?,
        })
    }

    /// Everybody whose secret is in the folder: the administrator (if there) and one service for
    /// each file named `roost-…`. The embedded directory lets exactly these in; a folder that does
    /// not exist is an empty one.
    pub fn all(access: &DirectoryAccess) -> Result<Vec<Self>, SecretError> {
        let unreadable = |source| SecretError::Unreadable {
            path: access.secrets.clone(),
            source,
        };
        let entries = match std::fs::read_dir(&access.secrets) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut everybody = Vec::new();
        for entry in entries {
            let path = entry.map_err(unreadable)?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if name == ADMINISTRATOR_FILE {
                everybody.push(Self::of_administrator(access)?);
            } else if name.starts_with("roost-") {
                everybody.push(Self {
                    dn: service_dn(name),
                    password: load(&path)?,
                });
            }
        }
        everybody.sort_by(|one, other| one.dn.cmp(&other.dn));
        Ok(everybody)
    }
}

fn service_dn(daemon: &str) -> String {
    format!("uid={daemon},cn=appaccts,cn=zimbra")
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
    fn everybody_with_a_secret_may_sign_in() {
        let folder = tempfile::tempdir().unwrap();
        let access = DirectoryAccess {
            secrets: folder.path().join("secrets"),
            ..DirectoryAccess::default()
        };
        assert_eq!(Identity::all(&access).unwrap(), []);
        fs::create_dir(&access.secrets).unwrap();
        for (name, password) in [("zimbra", "oak"), ("roost-mta", "elm"), ("dkim", "x")] {
            let path = access.secrets.join(name);
            fs::write(&path, password).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let mta = Identity::of_daemon(&access, "roost-mta").unwrap();
        assert_eq!(mta.dn, "uid=roost-mta,cn=appaccts,cn=zimbra");
        let administrator = Identity::of_administrator(&access).unwrap();
        assert_eq!(Identity::all(&access).unwrap(), [mta, administrator]);
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
