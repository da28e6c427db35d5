//! mutt, driven without a screen: it opens a mailbox, runs key commands, and pipes messages out.

use std::fs;
use std::path::PathBuf;

use crate::{Run, Suite};

/// mutt as one account.
#[derive(Debug)]
pub struct Mutt {
    folder: PathBuf,
    url: String,
}

impl Mutt {
    /// Writes a configuration for `address`.
    pub fn new(suite: &Suite, address: &str) -> Self {
        let folder = suite.scratch().join(format!("mutt-{address}"));
        // mutt asks whether to make its folder for mail where there is none.
        fs::create_dir_all(folder.join("Mail")).unwrap();
        let configuration = format!(
            "set imap_user=\"{address}\"\nset imap_pass=\"{password}\"\nset from=\"{address}\"\n\
             set certificate_file=\"{ca}\"\nset ssl_verify_host=yes\n\
             set header_cache=\"\"\nset wait_key=no\nset mail_check=0\nset confirmappend=no\n\
             set pipe_decode=no\nset pipe_sep=\"\"\nset sort=mailbox-order\nset quit=yes\n",
            password = suite.password(address),
            ca = suite.ca().display(),
        );
        fs::write(folder.join("muttrc"), configuration).unwrap();
        Self {
            folder,
            url: format!("imaps://localhost:{}", suite.port("imaps")),
        }
    }

    /// The octets that mutt pipes out for the messages of `mailbox` that `pattern` (mutt's own
    /// grammar) matches, decoded as it shows them if `shown`.
    #[track_caller]
    pub fn pipe(&self, mailbox: &str, pattern: &str, shown: bool) -> Vec<u8> {
        let out = self.folder.join("out");
        if out.exists() {
            fs::remove_file(&out).unwrap();
        }
        let decode = if shown { "yes" } else { "no" };
        let keys = format!(
            "push '<tag-pattern>{pattern}<enter><tag-prefix-cond><pipe-message>cat >>{out}<enter><quit>'",
            out = out.display()
        );
        // mutt wants a terminal: script(1) gives it one.
        let mutt = format!(
            "mutt -n -F {rc} -e 'set pipe_decode={decode}' -e \"{keys}\" -f '{url}/{mailbox}'",
            rc = self.folder.join("muttrc").display(),
            url = self.url,
        );
        Run::new("script")
            .args(["--quiet", "--return", "--command", &mutt, "/dev/null"])
            .env("HOME", &self.folder)
            .env("TERM", "xterm")
            .ok();
        fs::read(&out).unwrap_or_default()
    }
}
