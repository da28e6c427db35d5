//! The files of a node below `/etc/roost`, and whose they are.
//!
//! Daemons have users of their own. They share the group `roost`, which may read the certificate's
//! key; a secret belongs to its daemon, and the directory, which lets the daemons in, may read it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nix::unistd::{Gid, Group, Uid, User, chown};
use roost_kit::disk::{Disk as _, RealDisk};

use super::answers::Answers;
use super::{Outcome, Report, beside, settings};
use crate::authority::Authority;
use crate::failure::Failure;

/// Who signs in at the directory: its administrator and the daemons.
const SECRETS: [&str; 6] = [
    "zimbra",
    "roost-store",
    "roost-mta",
    "roost-proxy",
    "roost-logger",
    "roost-snmp",
];
/// The group of all daemons.
const GROUP: &str = "roost";
/// The embedded directory's user and group.
const DIRECTORY: &str = "roost-directory";

/// An installed node.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    config: PathBuf,
}

/// To whom a file belongs, and who may do what. A user that does not exist is root: its daemon is not
/// installed.
struct Rights {
    user: &'static str,
    group: &'static str,
    mode: u32,
}

impl Node {
    pub(super) fn new(config: &Path) -> Self {
        Self {
            config: config.to_owned(),
        }
    }

    /// The main configuration file.
    pub(super) fn config(&self) -> &Path {
        &self.config
    }

    /// Where the answers are kept.
    pub(super) fn answers(&self) -> PathBuf {
        beside(&self.config, "setup.toml")
    }

    fn secrets(&self) -> PathBuf {
        beside(&self.config, "secrets")
    }

    /// The node's own authority.
    pub(super) fn authority(&self, answers: &Answers) -> Authority {
        let mut names = vec![answers.host.clone()];
        let further =
            answers
                .names
                .iter()
                .map(String::as_str)
                .chain(["localhost", "127.0.0.1", "::1"]);
        for name in further {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        Authority {
            folder: beside(&self.config, "tls"),
            name: format!("Roost authority of {}", answers.host),
            names,
        }
    }

    /// Refuses early, before anything is half done.
    pub(super) fn check_permitted(&self) -> Result<(), Failure> {
        let folder = self.config.parent().unwrap_or(Path::new("/"));
        make_folder(folder, &rights("root", "root", 0o755))?;
        match nix::unistd::access(folder, nix::unistd::AccessFlags::W_OK) {
            Ok(()) => Ok(()),
            Err(error) => Err(Failure::io(
                format!("cannot set up {}", folder.display()),
                &error.into(),
            )
            .next("run it as root")),
        }
    }

    /// Writes what differs; true if running daemons must start anew to see it.
    pub(super) fn write(
        &self,
        answers: &Answers,
        report: &mut Report<'_>,
    ) -> Result<bool, Failure> {
        let mut restart = false;
        let secrets = self.secrets();
        if !report.dry_run {
            make_folder(&secrets, &rights("root", DIRECTORY, 0o751))?;
            make_folder(
                &beside(&self.config, "conf.d"),
                &rights("root", "root", 0o755),
            )?;
        }
        for name in SECRETS {
            let path = secrets.join(name);
            let outcome = match path.exists() {
                true => Outcome::Unchanged,
                false => Outcome::Created,
            };
            if !report.dry_run {
                if outcome == Outcome::Created {
                    let random: [u8; 24] = rand::random();
                    write_file(&path, URL_SAFE_NO_PAD.encode(random).as_bytes())?;
                }
                grant(&path, &rights(name, DIRECTORY, 0o640))?;
            }
            restart |= outcome != Outcome::Unchanged;
            report.note(outcome, &path.display().to_string());
        }
        restart |= self.write_certificate(answers, report)?;
        restart |= self.write_settings(answers, report)?;
        Ok(restart)
    }

    fn write_certificate(
        &self,
        answers: &Answers,
        report: &mut Report<'_>,
    ) -> Result<bool, Failure> {
        let authority = self.authority(answers);
        let existed = authority.server().certificate.exists();
        let current = authority.is_current();
        if !report.dry_run {
            make_folder(&authority.folder, &rights("root", GROUP, 0o755))?;
            authority.ensure()?;
            let server = authority.server();
            grant(&authority.ca(), &rights("root", "root", 0o644))?;
            grant(&server.certificate, &rights("root", "root", 0o644))?;
            grant(&server.key, &rights("root", GROUP, 0o640))?;
        }
        let outcome = match (current, existed) {
            (true, _) => Outcome::Unchanged,
            (false, true) => Outcome::Changed,
            (false, false) => Outcome::Created,
        };
        let what = authority.server().certificate.display().to_string();
        report.note(outcome, &format!("{what} ({})", authority.names.join(", ")));
        Ok(outcome != Outcome::Unchanged)
    }

    fn write_settings(&self, answers: &Answers, report: &mut Report<'_>) -> Result<bool, Failure> {
        let text = settings::text(self, answers, &settings::optional());
        let outcome = match fs::read_to_string(&self.config) {
            Ok(found) if found == text => Outcome::Unchanged,
            Ok(_) => Outcome::Changed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Outcome::Created,
            Err(error) => {
                let what = format!("cannot read {}", self.config.display());
                return Err(Failure::io(what, &error));
            }
        };
        if !report.dry_run {
            if outcome != Outcome::Unchanged {
                write_file(&self.config, text.as_bytes())?;
            }
            grant(&self.config, &rights("root", "root", 0o644))?;
        }
        report.note(outcome, &self.config.display().to_string());
        Ok(outcome != Outcome::Unchanged)
    }
}

fn rights(user: &'static str, group: &'static str, mode: u32) -> Rights {
    Rights { user, group, mode }
}

fn make_folder(path: &Path, rights: &Rights) -> Result<(), Failure> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| Failure::io(format!("cannot make {}", path.display()), &error))?;
    grant(path, rights)
}

fn write_file(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    RealDisk
        .write_atomically(path, octets)
        .map_err(|error| Failure::io(format!("cannot write {}", path.display()), &error))
}

/// Gives a file to whom it belongs. Who is not root cannot, and keeps it for themselves.
fn grant(path: &Path, rights: &Rights) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        Failure::io(
            format!("cannot change the rights of {}", path.display()),
            &error,
        )
    };
    if Uid::effective().is_root() {
        let user = User::from_name(rights.user).map_err(|error| failed(error.into()))?;
        let group = Group::from_name(rights.group).map_err(|error| failed(error.into()))?;
        let uid = user.map_or(Uid::from_raw(0), |user| user.uid);
        let gid = group.map_or(Gid::from_raw(0), |group| group.gid);
        chown(path, Some(uid), Some(gid)).map_err(|error| failed(error.into()))?;
    }
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.mode() & 0o7777 != rights.mode {
        fs::set_permissions(path, fs::Permissions::from_mode(rights.mode)).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use roost_kit::config::Configuration;
    use roost_kit::secret::Identity;

    use super::*;
    use crate::output::{Format, Output};

    fn output() -> Output {
        Output {
            format: Format::Names,
            header: true,
            parsable: false,
            colour: false,
            width: None,
        }
    }

    fn set_up(config: &Path, host: &str) -> Vec<String> {
        let answers = Answers {
            host: host.to_owned(),
            domain: "example.org".to_owned(),
            ..Answers::default()
        };
        let output = output();
        let mut report = Report {
            output: &output,
            dry_run: false,
            changes: Vec::new(),
            password: None,
        };
        let node = Node::new(config);
        node.check_permitted().unwrap();
        let restart = node.write(&answers, &mut report).unwrap();
        assert_eq!(restart, !report.changes.is_empty());
        report.changes
    }

    #[test]
    fn what_is_there_stays_and_what_differs_changes() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("etc/roost/roost.toml");
        let first = set_up(&config, "mail.example.org");
        assert_eq!(first.len(), SECRETS.len() + 2, "{first:?}");
        let shared = Configuration::load(&config).unwrap().shared().unwrap();
        assert_eq!(shared.node.name, "mail.example.org");
        let administrator = Identity::of_administrator(&shared.directory).unwrap();
        assert_eq!(
            Identity::all(&shared.directory).unwrap().len(),
            SECRETS.len()
        );

        assert_eq!(set_up(&config, "mail.example.org"), [""; 0]);
        let renamed = set_up(&config, "mx.example.org");
        assert_eq!(renamed.len(), 2, "certificate and settings: {renamed:?}");
        let again = Configuration::load(&config).unwrap().shared().unwrap();
        assert_eq!(again.node.name, "mx.example.org");
        assert_eq!(
            Identity::of_administrator(&again.directory).unwrap(),
            administrator
        );
    }

    #[test]
    fn what_an_administrator_set_stays() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("roost.toml");
        set_up(&config, "mail.example.org");
        let own = folder.path().join("conf.d/10-own.toml");
        fs::write(&own, "[log]\nlevel = \"debug\"\n").unwrap();
        set_up(&config, "mx.example.org");
        let shared = Configuration::load(&config).unwrap().shared().unwrap();
        assert_eq!(shared.log.level, "debug");
    }
}
