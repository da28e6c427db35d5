//! A full disk: what is new is put off, everything else goes on, and it heals without a restart.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::time::Duration;

use roost_tests::fault::imap::Imap;
use roost_tests::fault::line::Lines;
use roost_tests::fault::town::{MTA, STORE, Town};
use roost_tests::{Run, now, wait_for};

const MINUTE: Duration = Duration::from_secs(60);
/// Two segments of a store's journal take 128 of them.
const SIZE_MIB: u64 = 320;

/// An ext4 file system of limited size in a file; goes with the value.
struct Small(tempfile::TempDir);

impl Small {
    /// `None`, and a loud line, where nothing can be mounted.
    fn mount() -> Option<Self> {
        let folder = tempfile::Builder::new()
            .prefix("roost-full-")
            .tempdir()
            .unwrap();
        let (image, small) = (folder.path().join("image"), Self(folder));
        let disk = File::create(&image).unwrap();
        disk.set_len(SIZE_MIB << 20).unwrap();
        fs::create_dir(small.path()).unwrap();
        // Nothing set aside for root, who the daemons are in a test.
        let make = Run::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(&image);
        make.ok();
        let mounted = Run::new("mount")
            .args(["-o", "loop"])
            .arg(&image)
            .arg(small.path())
            .finish();
        if !mounted.success() {
            println!("SKIPPED: nothing can be mounted here: {mounted}");
            return None;
        }
        Some(small)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("small")
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    /// Fills it until only so many bytes are left.
    fn leave(&self, bytes: u64) {
        let space = nix::sys::statvfs::statvfs(&self.path()).unwrap();
        let free = space.blocks_available() * space.fragment_size();
        let size = free.checked_sub(bytes).unwrap();
        let filler = File::create(self.filler()).unwrap();
        // The file system needs some blocks itself, for what says where the others are.
        let taken = (0..64).find(|less| {
            let size = i64::try_from(size.saturating_sub(less << 16)).unwrap();
            nix::fcntl::fallocate(&filler, nix::fcntl::FallocateFlags::empty(), 0, size).is_ok()
        });
        assert!(taken.is_some(), "{size} of {free} bytes cannot be filled");
        if bytes == 0 {
            let full = (0..1 << 12).any(|block| {
                let wrote = filler.write_all_at(&[0; 4096], size + (block << 12));
                wrote.and_then(|()| filler.sync_data()).is_err()
            });
            assert!(full, "there is still room");
        }
    }

    fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let unmounted = Run::new("umount").arg("--lazy").arg(self.path()).finish();
        if !unmounted.success() {
            println!("{unmounted}");
        }
    }
}

/// Waits until a daemon's readiness page begins so and contains the text.
fn readiness(town: &Town, daemon: &str, status: &str, text: &str) {
    wait_for(
        &format!("{daemon} to say {status} and {text:?}"),
        MINUTE,
        || {
            let page = town.readiness(daemon)?;
            (page.starts_with(status) && page.contains(text)).then_some(())
        },
    );
}

/// One message by LMTP or SMTP; the answers from the greeting on.
fn send(town: &Town, service: &str, to: &str) -> Vec<String> {
    let mut lines = Lines::connect(town.port(service), MINUTE).unwrap();
    let hello = if service == "lmtp" { "LHLO" } else { "EHLO" };
    let mut answers = vec![lines.reply().unwrap().1];
    let commands = [
        format!("{hello} client.example"),
        "MAIL FROM:<friend@outside.test>".to_owned(),
        format!("RCPT TO:<{to}>"),
        "DATA".to_owned(),
    ];
    for command in commands {
        let (code, text) = lines.command(&command).unwrap();
        answers.push(text);
        if code >= 400 {
            return answers;
        }
    }
    lines
        .send(b"Subject: full\r\n\r\nIs there room?\r\n.\r\n")
        .unwrap();
    answers.push(lines.reply().unwrap().1);
    answers
}

#[test]
fn a_store_on_a_full_disk_puts_mail_off_serves_reads_and_heals() {
    let Some(small) = Small::mount() else { return };
    let settings = format!("[store]\nstate = \"{}/store\"\n", small.path().display());
    let mut town = Town::start(&settings, 1);
    let person = town.people()[0].clone();
    let answers = send(&town, "lmtp", &person);
    assert!(answers.last().unwrap().starts_with("250"), "{answers:?}");
    let pid = town.pid(STORE);
    let mut imap = Imap::connect(town.port("store_imap"), &person, town.password()).unwrap();

    small.leave(32 << 20);
    let answers = send(&town, "lmtp", &person);
    assert!(
        answers.last().unwrap().starts_with("452 4.3.1"),
        "{answers:?}"
    );
    let answer = imap
        .append("INBOX", "", b"Subject: no\r\n\r\nroom\r\n")
        .unwrap();
    assert!(answer.tagged.starts_with("NO [LIMIT]"), "{answer:?}");
    assert_eq!(imap.select("INBOX").unwrap().exists, 1);
    let answer = imap.command("UID FETCH 1:* (BODY.PEEK[])").unwrap();
    assert!(
        answer.messages().next().unwrap().octets.is_some(),
        "{answer:?}"
    );
    let answer = imap.command("STORE 1 +FLAGS (\\Flagged)").unwrap();
    assert!(answer.is_ok(), "{answer:?}");
    readiness(&town, STORE, "HTTP/1.1 503", "too little space");
    let status = town.suite().roostctl().arg("status").finish();
    assert!(status.stdout().contains("too little space"), "{status}");

    // Not even what the journal has can be brought into metadata and files now.
    small.free();
    small.leave(0);
    let answer = imap.command("STORE 1 +FLAGS (\\Answered)").unwrap();
    assert!(
        answer.is_ok(),
        "the journal's room was taken before: {answer:?}"
    );
    let answer = imap.command("UID FETCH 1:* (FLAGS)").unwrap();
    assert!(
        answer
            .messages()
            .next()
            .unwrap()
            .flags
            .contains("\\Answered"),
        "{answer:?}"
    );

    small.free();
    readiness(&town, STORE, "HTTP/1.1 200", "");
    let answers = send(&town, "lmtp", &person);
    assert!(answers.last().unwrap().starts_with("250"), "{answers:?}");
    let answer = imap
        .append("INBOX", "", b"Subject: a\r\n\r\nroom\r\n")
        .unwrap();
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(town.pid(STORE), pid, "it healed without a restart");
    let log = town.log(STORE);
    let said = |what: &str| log.lines().filter(|line| line.contains(what)).count();
    assert_eq!(said("too little space"), 1, "{log}");
    assert!(said("ready again") >= 1, "{log}");

    town.kill(STORE);
    town.run(STORE);
    town.ready(STORE);
    let mut imap = Imap::connect(town.port("store_imap"), &person, town.password()).unwrap();
    assert_eq!(imap.select("INBOX").unwrap().exists, 3);
    let answer = imap.command("FETCH 1 (UID FLAGS)").unwrap();
    let flags = answer.messages().next().unwrap().flags;
    assert!(
        flags.contains("\\Flagged") && flags.contains("\\Answered"),
        "{flags:?}"
    );
}

#[test]
fn an_mta_refuses_mail_before_the_disk_is_full_keeps_its_queue_and_heals() {
    let Some(small) = Small::mount() else { return };
    let settings = format!(
        "[mta]\nstate = \"{}/queue\"\nqueue_minfree = \"100MiB\"\n",
        small.path().display()
    );
    let mut town = Town::start(&settings, 1);
    let person = town.people()[0].clone();
    town.kill(STORE);
    let answers = send(&town, "smtp", &person);
    assert!(answers.last().unwrap().starts_with("250"), "{answers:?}");
    let pid = town.pid(MTA);

    // Half of the margin above what must stay free is left: mail is taken, slowly.
    small.leave(150 << 20);
    let begun = now();
    let answers = send(&town, "smtp", &person);
    assert!(answers.last().unwrap().starts_with("250"), "{answers:?}");
    assert!(now() - begun > Duration::from_secs(2), "not slowed");
    wait_for("it to be said", MINUTE, || {
        town.log(MTA)
            .contains("new mail is taken slowly")
            .then_some(())
    });

    small.free();
    small.leave(90 << 20);
    let answers = send(&town, "smtp", &person);
    assert!(
        answers.last().unwrap().starts_with("452 4.3.1"),
        "{answers:?}"
    );
    assert_eq!(answers.len(), 3, "the sender is told at MAIL: {answers:?}");
    readiness(
        &town,
        MTA,
        "HTTP/1.1 503",
        "no mail is taken until there is room",
    );
    let queue = town.suite().roostctl().args(["queue", "list"]).ok_text();
    assert!(queue.contains(&person), "{queue}");

    // What is queued is delivered meanwhile: its results find room.
    town.run(STORE);
    town.ready(STORE);
    town.drain_queue(MINUTE).unwrap();
    let mut imap = Imap::connect(town.port("store_imap"), &person, town.password()).unwrap();
    assert_eq!(imap.select("INBOX").unwrap().exists, 2);

    small.free();
    readiness(&town, MTA, "HTTP/1.1 200", "");
    let answers = send(&town, "smtp", &person);
    assert!(answers.last().unwrap().starts_with("250"), "{answers:?}");
    town.drain_queue(MINUTE).unwrap();
    assert_eq!(imap.select("INBOX").unwrap().exists, 3);
    assert_eq!(town.pid(MTA), pid, "it healed without a restart");
    let log = town.log(MTA);
    let lines = log
        .lines()
        .filter(|line| line.contains("no mail is taken until"));
    assert_eq!(lines.count(), 1, "{log}");
}
