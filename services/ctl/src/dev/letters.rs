//! The demo mail: real-looking messages of many kinds, written out as Maildirs and imported.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use roost_mime::date::SentDate;
use roost_mime::header::Fields;

/// One message of the demo.
struct Letter {
    /// Whose mailbox, by local part.
    account: &'static str,
    /// The folder, as Maildir++ names it; empty is INBOX.
    folder: &'static str,
    /// Maildir's flags.
    flags: &'static str,
    octets: &'static [u8],
}

macro_rules! letter {
    ($account:literal, $folder:literal, $flags:literal, $file:literal) => {
        Letter {
            account: $account,
            folder: $folder,
            flags: $flags,
            octets: include_bytes!(concat!("letters/", $file)),
        }
    };
}

const LETTERS: &[Letter] = &[
    letter!("alice", "", "S", "01-welcome.eml"),
    letter!("alice", "", "RS", "02-conversation-1.eml"),
    letter!("alice", ".Sent", "S", "03-conversation-2.eml"),
    letter!("alice", "", "S", "04-conversation-3.eml"),
    letter!("alice", "", "S", "05-conversation-4.eml"),
    letter!("alice", "", "S", "06-newsletter.eml"),
    letter!("alice", "", "F", "07-invitation.eml"),
    letter!("alice", "", "", "08-japanese.eml"),
    letter!("alice", "", "", "09-russian.eml"),
    letter!("alice", "", "", "10-chinese.eml"),
    letter!("alice", "", "", "11-hebrew.eml"),
    letter!("alice", "", "", "12-arabic.eml"),
    letter!("alice", "", "FS", "13-forwarded.eml"),
    letter!("alice", ".Sent", "S", "14-attachments.eml"),
    letter!("alice", "", "", "15-bounce.eml"),
    letter!("alice", "", "", "16-signed.eml"),
    letter!("alice", "", "", "17-digest.eml"),
    letter!("alice", ".Junk", "", "18-spam.eml"),
    letter!("alice", ".Drafts", "DS", "19-draft.eml"),
    letter!("bob", ".Sent", "S", "02-conversation-1.eml"),
    letter!("bob", "", "RS", "03-conversation-2.eml"),
    letter!("bob", "", "S", "04-conversation-3.eml"),
    letter!("bob", ".Sent", "S", "05-conversation-4.eml"),
    letter!("bob", ".Sent", "S", "07-invitation.eml"),
    letter!("bob", ".Sent", "PS", "13-forwarded.eml"),
    letter!("bob", "", "", "14-attachments.eml"),
    letter!("bob", "", "", "20-for-bob.eml"),
];

/// Writes the messages of an account as a Maildir; false if there are none.
pub(super) fn write(account: &str, maildir: &Path) -> io::Result<bool> {
    let mut any = false;
    for (number, letter) in LETTERS.iter().enumerate() {
        if letter.account != account {
            continue;
        }
        any = true;
        // A Maildir is one by its folders, even where only its sub-folders hold mail.
        for folder in ["", letter.folder] {
            for part in ["cur", "new", "tmp"] {
                fs::create_dir_all(maildir.join(folder).join(part))?;
            }
        }
        let name = format!("cur/{number:03}.demo:2,{}", letter.flags);
        let path = maildir.join(letter.folder).join(name);
        fs::write(&path, letter.octets)?;
        if let Some(sent) = sent(letter.octets) {
            File::options()
                .write(true)
                .open(&path)?
                .set_modified(sent)?;
        }
    }
    Ok(any)
}

/// When a message says that it was sent: the time of the file, and so the date of arrival.
fn sent(octets: &[u8]) -> Option<SystemTime> {
    let field = Fields::new(octets).named("Date")?;
    let date = SentDate::parse(&field.unfolded())?;
    let seconds = u64::try_from(date.instant.as_second()).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use roost_mime::Structure;

    use super::*;

    #[test]
    fn every_letter_has_a_date_and_a_sender() {
        for letter in LETTERS {
            let structure = Structure::parse(letter.octets);
            let envelope = structure.envelope();
            assert!(sent(letter.octets).is_some());
            assert!(!envelope.from.is_empty());
        }
    }

    #[test]
    fn an_account_without_letters_gets_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write("alice", &folder.path().join("alice")).unwrap());
        assert!(!write("admin", &folder.path().join("admin")).unwrap());
        assert!(folder.path().join("alice/.Sent/cur/002.demo:2,S").exists());
        assert!(!folder.path().join("admin").exists());
    }
}
