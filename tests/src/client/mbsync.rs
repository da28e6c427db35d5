//! mbsync (isync): two-way synchronisation of a Maildir.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::{Run, Suite};

/// mbsync of one account with a Maildir of its own.
#[derive(Debug)]
pub struct Mbsync {
    folder: PathBuf,
}

impl Mbsync {
    /// Writes a configuration for `address`; the Maildir is empty at first.
    pub fn new(suite: &Suite, address: &str) -> Self {
        let folder = suite.scratch().join(format!("mbsync-{address}"));
        fs::create_dir_all(folder.join("mail")).unwrap();
        let at = folder.display();
        let configuration = format!(
            "IMAPAccount roost\nHost localhost\nPort {port}\nUser {address}\nPass {password}\n\
             SSLType IMAPS\nCertificateFile {ca}\nSystemCertificates no\nAuthMechs PLAIN\n\n\
             IMAPStore far\nAccount roost\n\n\
             MaildirStore near\nPath {at}/mail/\nInbox {at}/mail/INBOX\nSubFolders Verbatim\n\n\
             Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nRemove Both\n\
             Expunge Both\nCopyArrivalDate yes\nSyncState *\n",
            port = suite.port("imaps"),
            password = suite.password(address),
            ca = suite.ca().display(),
        );
        fs::write(folder.join("mbsyncrc"), configuration).unwrap();
        Self { folder }
    }

    /// One synchronisation of everything; its progress report is the answer.
    #[track_caller]
    pub fn sync(&self) -> String {
        let run = Run::new("mbsync")
            .arg("--config")
            .arg(self.folder.join("mbsyncrc"));
        let finished = run
            .args(["--all", "--verbose"])
            .limit(Duration::from_secs(240))
            .finish();
        assert!(finished.success(), "{finished}");
        finished.stdout() + &finished.stderr()
    }

    /// The Maildir of a mailbox.
    pub fn maildir(&self, mailbox: &str) -> PathBuf {
        self.folder.join("mail").join(mailbox)
    }

    /// The files of a mailbox, in `new` and `cur`, sorted by name.
    pub fn files(&self, mailbox: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for part in ["new", "cur"] {
            for entry in fs::read_dir(self.maildir(mailbox).join(part)).unwrap() {
                files.push(entry.unwrap().path());
            }
        }
        files.sort();
        files
    }
}
