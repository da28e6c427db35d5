//! Whole imports, into a table that speaks just enough IMAP.

use std::collections::BTreeMap;
use std::fs;
use std::future::pending;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use roost_kit::config::ListenSpec;
use roost_kit::secret::Secret;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::*;

/// Folders with their messages: flags and octets.
type Mailbox = Arc<Mutex<BTreeMap<String, Vec<(String, Vec<u8>)>>>>;

/// What the server does with a message that contains its poison.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reaction {
    Refuse,
    HangUp,
    /// Says nothing more; a folder of this name tells the test.
    Stall,
}

const STALLED: &str = "stalled";

struct Server {
    place: Place,
    mailbox: Mailbox,
    _tasks: JoinSet<()>,
}

impl Server {
    /// A server that refuses messages which contain `poison`.
    async fn start(poison: &'static str) -> Self {
        Self::start_with(poison, Reaction::Refuse).await
    }

    async fn start_with(poison: &'static str, reaction: Reaction) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = ListenSpec::Address(listener.local_addr().unwrap());
        let mailbox = Mailbox::default();
        mailbox.lock().insert("INBOX".to_owned(), Vec::new());
        let mut tasks = JoinSet::new();
        let served = Arc::clone(&mailbox);
        tasks.spawn(async move {
            let mut sessions = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                sessions.spawn(session(stream, Arc::clone(&served), poison, reaction));
            }
        });
        Self {
            place: Place { at, tls: None },
            mailbox,
            _tasks: tasks,
        }
    }

    fn plan(&self, source: &Path) -> Plan {
        Plan {
            place: self.place.clone(),
            login: Login {
                account: "alice@example.test".to_owned(),
                administrator: "admin@example.test".to_owned(),
                password: Secret::new("oak".to_owned()),
            },
            source: source.to_owned(),
            folder: None,
            quoting: Quoting::Mboxrd,
            connections: 3,
            dry_run: false,
            quiet: true,
        }
    }

    fn count(&self, folder: &str) -> usize {
        self.mailbox.lock().get(folder).map_or(0, Vec::len)
    }
}

async fn session(stream: TcpStream, mailbox: Mailbox, poison: &str, reaction: Reaction) {
    let mut stream = BufReader::new(stream);
    let mut selected = String::new();
    stream.write_all(b"* OK ready\r\n").await.unwrap();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap() == 0 {
            return;
        }
        let line = line.trim_end().to_owned();
        let (tag, command) = line.split_once(' ').unwrap();
        let name = command.split('"').nth(1).unwrap_or_default().to_owned();
        let mut ok = true;
        let mut untagged = String::new();
        if command == "AUTHENTICATE PLAIN" {
            stream.write_all(b"+ \r\n").await.unwrap();
            stream.read_line(&mut String::new()).await.unwrap();
        } else if command == "CAPABILITY" {
            untagged.push_str("* CAPABILITY IMAP4rev1 LITERAL+ OBJECTID\r\n");
        } else if command == "LIST \"\" \"\"" {
            untagged.push_str("* LIST (\\Noselect) \"/\" \"\"\r\n");
        } else if command.starts_with("LIST") {
            let name = command.split('"').nth(3).unwrap_or_default();
            if mailbox.lock().contains_key(name) {
                untagged.push_str(&format!("* LIST () \"/\" \"{name}\"\r\n"));
            }
        } else if command.starts_with("CREATE") {
            mailbox.lock().insert(name, Vec::new());
        } else if command.starts_with("EXAMINE") {
            selected = name;
        } else if command.starts_with("UID FETCH") {
            for (index, (_, octets)) in mailbox.lock()[&selected].iter().enumerate() {
                let digest = blake3::hash(octets).to_hex();
                let number = index + 1;
                let id = digest.get(..30).unwrap();
                untagged.push_str(&format!(
                    "* {number} FETCH (UID {number} EMAILID (M{id}))\r\n"
                ));
            }
        } else if command.starts_with("APPEND") {
            let flags = command
                .split(['(', ')'])
                .nth(1)
                .unwrap_or_default()
                .to_owned();
            let length = command.rsplit('{').next().unwrap().trim_end_matches("+}");
            let mut octets = vec![0; length.parse().unwrap()];
            stream.read_exact(&mut octets).await.unwrap();
            stream.read_line(&mut String::new()).await.unwrap();
            ok = poison.is_empty() || !String::from_utf8_lossy(&octets).contains(poison);
            match (ok, reaction) {
                (true, _) | (false, Reaction::Refuse) => {}
                (false, Reaction::HangUp) => return,
                (false, Reaction::Stall) => {
                    mailbox.lock().insert(STALLED.to_owned(), Vec::new());
                    pending::<()>().await;
                }
            }
            if ok {
                mailbox.lock().get_mut(&name).unwrap().push((flags, octets));
            }
        }
        let status = if ok {
            "OK done"
        } else {
            "NO [CANNOT] poisoned"
        };
        untagged.push_str(&format!("{tag} {status}\r\n"));
        stream.write_all(untagged.as_bytes()).await.unwrap();
    }
}

fn write_maildir(path: &Path, count: usize) {
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(path.join(part)).unwrap();
        fs::create_dir_all(path.join(".Sent").join(part)).unwrap();
    }
    for number in 0..count {
        // The last two are alike: true duplicates stay duplicates.
        let text = format!("Subject: {}\n\nbody\n", number.min(count - 2));
        fs::write(path.join(format!("cur/{number:04}.x:2,S")), text).unwrap();
    }
    fs::write(path.join(".Sent/new/1.y"), "Subject: sent\n\nbody\n").unwrap();
}

#[tokio::test]
async fn an_import_can_be_repeated_and_doubles_nothing() {
    let source = tempfile::tempdir().unwrap();
    write_maildir(source.path(), 100);
    let server = Server::start("").await;
    let plan = server.plan(source.path());
    let dry = Plan {
        dry_run: true,
        ..plan.clone()
    };
    let dry = run(dry, pending()).await.unwrap();
    assert_eq!((dry.imported, server.count("INBOX")), (101, 0));
    let first = run(plan.clone(), pending()).await.unwrap();
    assert_eq!((first.imported, first.present, first.folders), (101, 0, 2));
    assert_eq!((server.count("INBOX"), server.count("Sent")), (100, 1));
    let (flags, octets) = server.mailbox.lock()["INBOX"][0].clone();
    assert_eq!(flags, "\\Seen");
    assert!(octets.ends_with(b"\r\n\r\nbody\r\n"));
    // As after a stop in the middle, or somebody's deleting: what is missing comes again.
    server.mailbox.lock().get_mut("INBOX").unwrap().truncate(40);
    let second = run(plan.clone(), pending()).await.unwrap();
    assert_eq!((second.imported, second.present), (60, 41));
    let third = run(plan, pending()).await.unwrap();
    assert_eq!((third.imported, third.present), (0, 101));
    assert_eq!(server.count("INBOX"), 100);
}

#[tokio::test]
async fn a_message_that_is_refused_does_not_stop_the_rest() {
    let source = tempfile::tempdir().unwrap();
    for number in 0..30 {
        let path = source.path().join(format!("{number:02}.eml"));
        fs::write(path, format!("Subject: {number:02}\n\nbody\n")).unwrap();
    }
    let server = Server::start("Subject: 07").await;
    let plan = Plan {
        folder: Some("Old/Mail".to_owned()),
        ..server.plan(source.path())
    };
    let report = run(plan, pending()).await.unwrap();
    assert_eq!((report.imported, report.failed), (29, 1));
    assert!(
        report.failures[0].contains("07.eml: [CANNOT] poisoned"),
        "{report:?}"
    );
    assert_eq!(server.count("Old/Mail"), 29);
}

#[tokio::test]
async fn a_store_that_is_not_there_is_unreachable() {
    let source = tempfile::tempdir().unwrap();
    write_maildir(source.path(), 2);
    let mut plan = Server::start("").await.plan(source.path());
    plan.place.at = "127.0.0.1:9".parse().unwrap();
    let failure = run(plan, pending()).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Unreachable, "{failure}");
}

#[tokio::test]
async fn a_store_that_goes_away_leaves_word_of_how_far_it_came() {
    let source = tempfile::tempdir().unwrap();
    write_maildir(source.path(), 100);
    let server = Server::start_with("Subject: 70", Reaction::HangUp).await;
    let plan = Plan {
        connections: 1,
        ..server.plan(source.path())
    };
    let failure = run(plan, pending()).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Failed);
    is_told(&failure, "the connection to the store was lost", &server);
}

#[tokio::test]
async fn an_interrupted_import_says_how_far_it_came() {
    let source = tempfile::tempdir().unwrap();
    write_maildir(source.path(), 100);
    let server = Server::start_with("Subject: 70", Reaction::Stall).await;
    let plan = Plan {
        connections: 1,
        ..server.plan(source.path())
    };
    let stop = async {
        while !server.mailbox.lock().contains_key(STALLED) {
            tokio::task::yield_now().await;
        }
    };
    let failure = run(plan, stop).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Interrupted);
    is_told(&failure, "import stopped", &server);
}

/// Batches that were answered whole are counted, and no message that the server does not have.
fn is_told(failure: &Failure, why: &str, server: &Server) {
    let text = failure.text();
    assert!(text.contains(why), "{text}");
    assert!(text.contains("goes on where it stopped"), "{text}");
    let imported = text
        .split_once("stopped, ")
        .and_then(|(_, rest)| rest.split_once(" of 101 messages imported, 0 were there"))
        .and_then(|(count, _)| count.parse::<usize>().ok());
    let imported = imported.unwrap_or_else(|| panic!("{text}"));
    assert!((1..=server.count("INBOX")).contains(&imported), "{text}");
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_not_imported_and_named() {
    let source = tempfile::tempdir().unwrap();
    write_maildir(source.path(), 3);
    std::os::unix::fs::symlink("gone", source.path().join("cur/9999.z:2,S")).unwrap();
    let server = Server::start("").await;
    let report = run(server.plan(source.path()), pending()).await.unwrap();
    assert_eq!((report.imported, report.failed), (4, 1));
    assert!(report.failures[0].contains("9999.z"), "{report:?}");
}
