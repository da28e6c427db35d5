//! Postfix as the outside world's mail server.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::server::{Server, free_port};

/// A Postfix that is the MX of `outside.test`: it takes mail for `friend@outside.test` and refuses
/// everybody else there.
#[derive(Debug)]
pub struct Postfix {
    folder: PathBuf,
    port: u16,
    _server: Server,
}

impl Postfix {
    /// Starts it.
    #[track_caller]
    pub fn start(scratch: &Path) -> Self {
        // Its daemons run as user postfix and must be able to walk to their queue.
        let folder = scratch.join("postfix");
        for name in ["etc", "queue", "data", "mail"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        for path in folder
            .ancestors()
            .take_while(|path| path.starts_with(std::env::temp_dir()))
        {
            if path != std::env::temp_dir() {
                fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        let (uid, gid) = postfix_ids();
        chown(folder.join("data"), Some(uid), Some(gid)).unwrap();
        chown(folder.join("mail"), Some(uid), Some(gid)).unwrap();
        let port = free_port();
        let at = folder.display();
        fs::write(
            folder.join("etc/main.cf"),
            format!(
                "compatibility_level = 3.6\nqueue_directory = {at}/queue\ndata_directory = {at}/data\n\
                 myhostname = mx.outside.test\nmydestination =\ninet_interfaces = 127.0.0.1\n\
                 inet_protocols = ipv4\nvirtual_mailbox_domains = outside.test\n\
                 virtual_mailbox_maps = inline:{{ friend@outside.test=friend/ }}\n\
                 virtual_mailbox_base = {at}/mail\nvirtual_uid_maps = static:{uid}\n\
                 virtual_gid_maps = static:{gid}\nvirtual_minimum_uid = 1\n\
                 maillog_file = {at}/mail.log\nmaillog_file_prefixes = {at}\n\
                 smtpd_tls_security_level = none\nmynetworks =\n\
                 smtpd_relay_restrictions = reject_unauth_destination\nalias_maps =\n\
                 smtputf8_enable = yes\nlocal_recipient_maps =\n"
            ),
        )
        .unwrap();
        fs::write(
            folder.join("etc/master.cf"),
            format!(
                "127.0.0.1:{port} inet n - n - - smtpd\n\
                 pickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\n\
                 qmgr unix n - n 300 1 qmgr\nrewrite unix - - n - - trivial-rewrite\n\
                 bounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
                 trace unix - - n - 0 bounce\nproxymap unix - - n - - proxymap\n\
                 virtual unix - n n - - virtual\nlocal unix - n n - - local\n\
                 error unix - - n - - error\nretry unix - - n - - error\n\
                 discard unix - - n - - discard\nsmtp unix - - n - - smtp\n\
                 anvil unix - - n - 1 anvil\nscache unix - - n - 1 scache\n\
                 tlsmgr unix - - n 1000? 1 tlsmgr\nshowq unix n - n - - showq\n\
                 flush unix n - n 1000? 0 flush\npostlog unix-dgram n - n - 1 postlogd\n"
            ),
        )
        .unwrap();
        let etc = folder.join("etc");
        let finished = crate::Run::new("/usr/sbin/postfix")
            .arg("-c")
            .arg(&etc)
            .arg("check")
            .finish();
        assert!(finished.success(), "{finished}");
        // `master -d` stays in the foreground.
        let mut command = Command::new("/usr/lib/postfix/sbin/master");
        command
            .arg("-c")
            .arg(&etc)
            .arg("-d")
            .env("MAIL_CONFIG", &etc);
        Self {
            _server: Server::start(command, port),
            folder,
            port,
        }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What `friend@outside.test` received so far.
    pub fn received(&self) -> Vec<String> {
        let new = self.folder.join("mail/friend/new");
        let Ok(entries) = fs::read_dir(new) else {
            return Vec::new();
        };
        entries
            .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect()
    }

    /// Its log, for a failing test to print.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("mail.log")).unwrap_or_default()
    }
}

fn postfix_ids() -> (u32, u32) {
    let user = nix::unistd::User::from_name("postfix")
        .unwrap()
        .expect("user postfix exists");
    (user.uid.as_raw(), user.gid.as_raw())
}
