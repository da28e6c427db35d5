//! mbsync keeps a large mailbox and its Maildir copy alike, whichever side changes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use roost_tests::client::{Curl, Mbsync};
use roost_tests::{Suite, message};

const BOB: &str = "bob@example.test";
const MESSAGES: u32 = 10_000;

#[test]
fn ten_thousand_messages_sync_clean_after_changes_on_both_sides() {
    let suite = Suite::start();
    let source = suite.scratch().join("source");
    write_maildir(&source);
    let import = || {
        suite
            .roostctl()
            .args(["mailbox", "import", BOB, "--folder", "Archive"])
            .arg(&source)
            .limit(Duration::from_secs(240))
            .ok()
    };
    import();
    let curl = Curl::new(&suite, BOB);
    assert_eq!(count(&curl, "Archive"), MESSAGES);
    // Repeated, it doubles nothing.
    import();
    assert_eq!(count(&curl, "Archive"), MESSAGES);

    let mbsync = Mbsync::new(&suite, BOB);
    mbsync.sync();
    assert_eq!(mbsync.files("Archive").len(), MESSAGES as usize);

    // Far: flags, a deletion, a move into another mailbox.
    curl.imap_command("Archive", "STORE 1:100 +FLAGS (\\Seen \\Flagged)");
    curl.imap_command("Archive", "STORE 101:110 +FLAGS (\\Deleted)");
    curl.imap_command("Archive", "EXPUNGE");
    curl.imap_command("Archive", "MOVE 101:150 Trash");
    // Near: flags, and deletions.
    let files = mbsync.files("Archive");
    for file in files.iter().rev().take(40) {
        change_flags(file, "FS");
    }
    for file in files.iter().rev().skip(40).take(20) {
        fs::remove_file(file).unwrap();
    }
    for round in 1..=2 {
        mbsync.sync();
        let far = count(&curl, "Archive");
        assert_eq!(far, MESSAGES - 10 - 50 - 20, "round {round}");
        assert_eq!(mbsync.files("Archive").len(), far as usize, "round {round}");
        let flagged = curl.imap_search("Archive", "FLAGGED").len();
        assert_eq!(flagged, 140, "round {round}");
        let near = mbsync
            .files("Archive")
            .iter()
            .filter(|file| has_flag(file, 'F'))
            .count();
        assert_eq!(near, flagged, "round {round}");
        assert_eq!(mbsync.files("Trash").len(), count(&curl, "Trash") as usize);
    }
}

fn write_maildir(folder: &Path) {
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(folder.join(part)).unwrap();
    }
    for number in 0..MESSAGES {
        let text = message::plain(&format!("number-{number}"));
        let (part, flags) = if number % 3 == 0 {
            ("new", "")
        } else {
            ("cur", ":2,S")
        };
        fs::write(
            folder.join(part).join(format!("{number}.test{flags}")),
            text,
        )
        .unwrap();
    }
}

#[track_caller]
fn count(curl: &Curl<'_>, mailbox: &str) -> u32 {
    let answer = curl.imap_command("", &format!("STATUS {mailbox} (MESSAGES)"));
    let number = answer
        .split("MESSAGES ")
        .nth(1)
        .and_then(|rest| rest.split(')').next());
    number
        .unwrap_or_else(|| panic!("no count in {answer:?}"))
        .trim()
        .parse()
        .unwrap()
}

fn change_flags(file: &Path, flags: &str) {
    let name = file.file_name().unwrap().to_str().unwrap();
    let base = name.split(":2,").next().unwrap();
    let to = file
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("cur")
        .join(format!("{base}:2,{flags}"));
    let moved = std::process::Command::new("mv")
        .arg(file)
        .arg(to)
        .status()
        .unwrap();
    assert!(moved.success());
}

fn has_flag(file: &Path, flag: char) -> bool {
    let name = file.file_name().unwrap().to_str().unwrap();
    name.split(":2,")
        .nth(1)
        .is_some_and(|flags| flags.contains(flag))
}
