//! Dovecot with Pigeonhole, as a store that has ManageSieve. It takes any password.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::server::{Server, free_port};

/// A running Dovecot.
#[derive(Debug)]
pub struct Dovecot {
    /// Where it speaks ManageSieve.
    pub sieve: u16,
    folder: PathBuf,
    _server: Server,
}

impl Dovecot {
    /// Starts it with its files below `scratch`.
    #[track_caller]
    pub fn start(scratch: &Path) -> Self {
        let folder = scratch.join("dovecot");
        let sieve = free_port();
        for name in ["run", "state", "home"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let owner = nix::unistd::User::from_name("mail").unwrap().unwrap();
        let (uid, gid) = (owner.uid, owner.gid);
        nix::unistd::chown(&folder.join("home"), Some(uid), Some(gid)).unwrap();
        // Its users must reach their homes.
        for path in [scratch, &folder] {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(path, mode).unwrap();
        }
        let at = folder.display();
        let config = format!(
            "base_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/log\nprotocols = sieve\n\
             listen = 127.0.0.1\nssl = no\ndisable_plaintext_auth = no\n\
             login_trusted_networks = 127.0.0.0/8\nauth_mechanisms = plain\n\
             first_valid_uid = {uid}\nfirst_valid_gid = {gid}\n\
             mail_location = maildir:~/Maildir\nverbose_proctitle = no\nmail_debug = yes\n\
             passdb {{\n  driver = static\n  args = nopassword=y\n}}\n\
             userdb {{\n  driver = static\n  args = uid={uid} gid={gid} home={at}/home/%u\n}}\n\
             service managesieve-login {{\n  chroot =\n  inet_listener sieve {{\n    port = {sieve}\n  }}\n}}\n\
             plugin {{\n  sieve = file:~/sieve;active=~/.dovecot.sieve\n}}\n"
        );
        let file = folder.join("dovecot.conf");
        fs::write(&file, config).unwrap();
        let mut command = Command::new("/usr/sbin/dovecot");
        command.arg("-F").arg("-c").arg(&file);
        Self {
            sieve,
            _server: Server::start(command, sieve),
            folder,
        }
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}
