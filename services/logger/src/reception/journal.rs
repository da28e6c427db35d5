//! This machine's journal, through `journalctl --follow`.
//!
//! Entries become lines of RFC 5424: those of Roost's own daemons with their fields as structured data.
//! Up to where the journal was read is written down once a second, and at the end; what was kept since
//! then is recognised after a kill, and not kept twice.

mod export;

use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use roost_kit::disk::DiskHandle;
use roost_kit::fields::Chain;
use serde::{Deserialize, Serialize};
use tokio::io::BufReader;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::Desk;
use crate::store::intake::BATCH_BYTES;
use crate::store::{Batch, Direction, Line, Search, Source, Store, Transport};
use export::Entry;

/// The program that reads the journal.
const PROGRAM: &str = "journalctl";
/// How long a journal that cannot be read is left alone.
const RETRY: Duration = Duration::from_secs(15);
/// An entry waits at most so long for others before it is handed in.
const LINGER: Duration = Duration::from_millis(50);
/// How often the place is written down.
const NOTE_PERIOD: Duration = Duration::from_secs(1);
/// A place without news for so long is looked at again, so that the drain is seen.
const LOOK: Duration = Duration::from_millis(500);
/// Lines that are compared with the journal after a kill: more than a second brings.
const KNOWN_MAX: usize = 200_000;

/// What reading the journal needs.
#[derive(Debug)]
pub(crate) struct Following {
    pub(crate) desk: Desk,
    pub(crate) store: Store,
    pub(crate) disk: DiskHandle,
    /// The folder in which the place is written down.
    pub(crate) state: PathBuf,
    /// What is to be said of it.
    pub(crate) status: Arc<Mutex<String>>,
}

/// Reads the journal until the drain.
pub(crate) async fn follow(following: Following) {
    let Following {
        desk,
        store,
        disk,
        state,
        status,
    } = following;
    let say = |text: &str| text.clone_into(&mut status.lock());
    let mut follower = Follower {
        place: Place::read(&disk, &state),
        known: HashSet::new(),
        noted: None,
        desk,
        store,
        disk,
        state,
    };
    let mut is_said = false;
    while !follower.desk.draining.is_cancelled() {
        say("read");
        let ended = match spawn(follower.place.cursor.as_deref()) {
            Ok(child) => follower.read(child).await,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tracing::info!("no {PROGRAM} on this machine: its journal is not read");
                say("not read: there is no journalctl on this machine");
                return;
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            say(&format!("not read: {error}"));
            if is_said {
                tracing::debug!(%error, "the journal cannot be read");
            } else {
                is_said = true;
                tracing::warn!(%error, "the journal cannot be read; it is tried again and again");
            }
        }
        let draining = follower.desk.draining.clone();
        // Cancel-safe: neither future keeps anything.
        tokio::select! {
            () = draining.cancelled() => {}
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

fn spawn(cursor: Option<&str>) -> io::Result<Child> {
    let mut command = Command::new(PROGRAM);
    command.args([
        "--follow",
        "--output=export",
        "--no-pager",
        "--quiet",
        "--all",
    ]);
    match cursor {
        Some(cursor) => command.arg(format!("--after-cursor={cursor}")),
        // The whole of this boot, not only the last lines.
        None => command.args(["--boot", "--lines=all"]),
    };
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}

/// Up to where the journal was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    cursor: Option<String>,
    /// Lines of the journal with a greater number were kept later.
    line: u64,
}

impl Place {
    fn file(state: &std::path::Path) -> PathBuf {
        state.join("journal-place.json")
    }

    /// As it was written down; the beginning if it was not.
    fn read(disk: &DiskHandle, state: &std::path::Path) -> Self {
        let octets = disk.read(&Self::file(state)).unwrap_or_default();
        serde_json::from_slice(&octets).unwrap_or_default()
    }
}

struct Follower {
    desk: Desk,
    store: Store,
    disk: DiskHandle,
    state: PathBuf,
    place: Place,
    /// Digests of the lines that were kept after the place was written down.
    known: HashSet<[u8; 32]>,
    /// When the place was written down.
    noted: Option<std::time::Instant>,
}

impl Follower {
    async fn read(&mut self, mut child: Child) -> io::Result<()> {
        self.known = self.known_lines().await;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut reader = BufReader::with_capacity(64 << 10, output);
        let ended = self.entries(&mut reader).await;
        self.note(true).await;
        child.kill().await?;
        ended
    }

    /// Entries until the drain, or until the program ends.
    async fn entries(&mut self, reader: &mut BufReader<ChildStdout>) -> io::Result<()> {
        let mut parser = export::Parser::default();
        let mut cursor = None;
        let mut batch = Batch::default();
        while !self.desk.draining.is_cancelled() {
            let patience = if batch.is_empty() { LOOK } else { LINGER };
            // Cancel-safe: the parser keeps what it has of an entry.
            match timeout(patience, parser.next(reader)).await {
                Ok(Ok(Some(entry))) => {
                    cursor = entry.cursor().or(cursor);
                    self.push(&mut batch, &entry);
                    if batch.size() < BATCH_BYTES {
                        continue;
                    }
                }
                Ok(Ok(None)) => {
                    let text = format!("{PROGRAM} ended");
                    self.keep(&mut batch, &mut cursor).await?;
                    return Err(io::Error::other(text));
                }
                Ok(Err(error)) => {
                    self.keep(&mut batch, &mut cursor).await?;
                    return Err(error);
                }
                Err(_quiet) => {}
            }
            self.keep(&mut batch, &mut cursor).await?;
        }
        Ok(())
    }

    fn push(&mut self, batch: &mut Batch, entry: &Entry) {
        let mut octets = line(entry);
        // What we say of the journal would come back through it for ever.
        let is_cut = octets.len() > self.desk.line_max;
        octets.truncate(self.desk.line_max);
        if !self.known.is_empty() {
            let kept = self.desk.privacy.veil(&octets);
            let kept = kept.as_deref().unwrap_or(&octets);
            if self.known.remove(blake3::hash(kept).as_bytes()) {
                return;
            }
        }
        let line = Line {
            source: Source::own(Transport::Journal),
            received: self.desk.now(),
            is_cut,
            octets: &octets,
        };
        self.desk.counts.received(Transport::Journal, 1);
        self.desk.push(batch, line);
    }

    /// Makes lines durable, and then their place in the journal.
    async fn keep(&mut self, batch: &mut Batch, cursor: &mut Option<String>) -> io::Result<()> {
        let batch = std::mem::take(batch);
        if !batch.is_empty() {
            let kept = self.desk.intake.put(batch).await;
            kept.map_err(|error| io::Error::other(Chain(&error).to_string()))?;
        }
        if let Some(cursor) = cursor.take() {
            self.place.cursor = Some(cursor);
            self.note(false).await;
        }
        Ok(())
    }

    /// Writes the place down, if that was not done a moment ago.
    async fn note(&mut self, now: bool) {
        let instant = self.desk.clock.instant();
        let is_early = self
            .noted
            .is_some_and(|noted| instant.duration_since(noted) < NOTE_PERIOD);
        if self.place.cursor.is_none() || (is_early && !now) {
            return;
        }
        self.noted = Some(instant);
        self.place.line = *self.store.last_line().borrow();
        let Ok(octets) = serde_json::to_vec(&self.place) else {
            return;
        };
        let (disk, file) = (self.disk.clone(), Place::file(&self.state));
        let written =
            tokio::task::spawn_blocking(move || disk.write_atomically(&file, &octets)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "the place in the journal cannot be written down");
        }
    }

    async fn known_lines(&self) -> HashSet<[u8; 32]> {
        let store = self.store.clone();
        let search = Search {
            after: self.place.line,
            direction: Direction::Newest,
            ..Search::default()
        };
        let is_first = self.place.cursor.is_none();
        let found = tokio::task::spawn_blocking(move || {
            let mut known = HashSet::new();
            if is_first {
                return known;
            }
            let searched = store.search(&search, |_, entry| {
                if entry.source.transport == Transport::Journal {
                    known.insert(*blake3::hash(&entry.octets).as_bytes());
                }
                match known.len() < KNOWN_MAX {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            });
            if let Err(error) = searched {
                tracing::warn!(error = %Chain(&error), "lines of the journal may come twice");
            }
            known
        });
        found.await.unwrap_or_default()
    }
}

/// An entry as a line.
fn line(entry: &Entry) -> Vec<u8> {
    let number = |name: &str| {
        let value = entry.get(name)?;
        std::str::from_utf8(value).ok()?.parse::<u64>().ok()
    };
    let severity = number("PRIORITY").filter(|value| *value < 8).unwrap_or(6);
    let facility = number("SYSLOG_FACILITY").filter(|value| *value < 24);
    let facility = facility.unwrap_or(match entry.get("_TRANSPORT") {
        Some(b"kernel") => 0,
        _ => 3,
    });
    let micros = number("_SOURCE_REALTIME_TIMESTAMP").or_else(|| number("__REALTIME_TIMESTAMP"));
    let mut out = format!("<{}>1 ", facility * 8 + severity).into_bytes();
    match micros.and_then(|micros| i64::try_from(micros).ok()) {
        None => out.push(b'-'),
        Some(micros) => {
            let style = crate::syslog::Style::Rfc3339 {
                digits: 6,
                offset: None,
            };
            crate::syslog::time::write(style, micros, &mut out);
        }
    }
    let first = |names: &[&str]| names.iter().find_map(|name| entry.get(name));
    let app = first(&["SYSLOG_IDENTIFIER", "_COMM"]).unwrap_or_default();
    for (word, most) in [
        (entry.get("_HOSTNAME").unwrap_or_default(), 255),
        (app, 48),
        (first(&["_PID", "SYSLOG_PID"]).unwrap_or_default(), 128),
    ] {
        // RFC 5424 §6: printable, without spaces.
        let word = word.iter().copied().filter(u8::is_ascii_graphic).take(most);
        let before = out.len() + 1;
        out.push(b' ');
        out.extend(word);
        if out.len() == before {
            out.push(b'-');
        }
    }
    out.extend_from_slice(b" - ");
    let is_ours = app.starts_with(b"roost");
    let fields = entry.own().filter(|_| is_ours);
    let before = out.len();
    for (name, value) in fields {
        if out.len() == before {
            out.extend_from_slice(format!("[{}", crate::syslog::OWN_DATA).as_bytes());
        }
        out.push(b' ');
        out.extend(name.bytes().map(|octet| octet.to_ascii_lowercase()));
        out.extend_from_slice(b"=\"");
        for octet in value {
            if matches!(octet, b'"' | b'\\' | b']') {
                out.push(b'\\');
            }
            out.push(*octet);
        }
        out.push(b'"');
    }
    out.push(if out.len() == before { b'-' } else { b']' });
    out.push(b' ');
    out.extend_from_slice(entry.get("MESSAGE").unwrap_or_default());
    out
}

/// Fields that say nothing that the line does not say otherwise.
fn is_own(name: &str) -> bool {
    const OTHERS: [&str; 4] = ["MESSAGE", "PRIORITY", "TID", "INVOCATION_ID"];
    let is_program = ["_", "SYSLOG_", "CODE_"]
        .iter()
        .any(|begin| name.starts_with(begin));
    !is_program && !OTHERS.contains(&name)
}

type Fields = HashMap<String, Vec<u8>>;

#[cfg(test)]
mod tests {
    use super::*;

    async fn entries(octets: &[u8]) -> Vec<Entry> {
        let mut parser = export::Parser::default();
        let mut reader = BufReader::new(octets);
        let mut entries = Vec::new();
        while let Some(entry) = parser.next(&mut reader).await.unwrap() {
            entries.push(entry);
        }
        entries
    }

    #[tokio::test]
    async fn entries_become_lines() {
        let mut export = b"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1764000679123456\nPRIORITY=4\n\
            SYSLOG_IDENTIFIER=roost-mta\n_PID=12\n_HOSTNAME=mx.test\nQUEUE_ID=Q1\nCODE_LINE=7\n\
            _UID=0\nREPLY\n"
            .to_vec();
        export.extend_from_slice(&10_u64.to_le_bytes());
        export.extend_from_slice(b"250 \"a]\"\nb\nMESSAGE=delivery\n\n");
        export.extend_from_slice(b"__CURSOR=s=1;i=3\n_COMM=sshd\nQUEUE_ID=Q2\nMESSAGE=hello\n\n");
        let entries = entries(&export).await;
        let lines: Vec<String> = entries
            .iter()
            .map(|entry| String::from_utf8(line(entry)).unwrap())
            .collect();
        assert_eq!(
            lines,
            [
                "<28>1 2025-11-24T16:11:19.123456Z mx.test roost-mta 12 - [roost@32473 \
                 queue_id=\"Q1\" reply=\"250 \\\"a\\]\\\"\nb\"] delivery",
                "<30>1 - - sshd - - - hello",
            ]
        );
        assert_eq!(entries[1].cursor().as_deref(), Some("s=1;i=3"));
    }
}
