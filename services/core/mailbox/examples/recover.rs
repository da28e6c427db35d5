//! How fast a store that was killed answers again:
//! `cargo run --release -p roost-mailbox --example recover -- [MESSAGES] [BYTES] [DIRECTORY]`
//!
//! Another process delivers the messages to 100 mailboxes, without a checkpoint, and kills itself.
//! Then the store is opened, and a mailbox is looked at and delivered to: first as the killed process
//! left it, then with SQL and files as they were at the last checkpoint, as after a power cut that
//! cost everything that was not synced.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it prints its figures, and moves folders that nobody uses"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use roost_kit::clock::Clock;
use roost_kit::disk::RealDisk;
use roost_mailbox::{AccountId, Config, Flags, NewBlob, Recipient, Store, folder};
use tokio::task::JoinSet;

/// How the process that delivers is told from the one that measures.
const DELIVER: &str = "ROOST_RECOVER_DELIVER";
const MAILBOXES: usize = 100;
const CONNECTIONS: usize = 20;

/// What is asked on the command line.
#[derive(Clone)]
struct Load {
    messages: usize,
    bytes: usize,
    directory: PathBuf,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let load = arguments()?;
    let clock = Clock::system();
    if std::env::var_os(DELIVER).is_some() {
        return deliver_and_die(&load, &clock).await;
    }
    ensure!(
        !load.directory.exists(),
        "{} exists already",
        load.directory.display()
    );
    let store = open(&load, &clock).await?;
    for number in 0..MAILBOXES {
        store.mailbox(account(number)).await?;
    }
    store.close().await?;
    drop(store);
    let meta = load.directory.join("meta");
    let kept = load.directory.join("meta-at-checkpoint");
    copy(&meta, &kept)?;
    let begun = clock.instant();
    let status = Command::new(std::env::current_exe()?)
        .args([load.messages.to_string(), load.bytes.to_string()])
        .env(DELIVER, &load.directory)
        .status()?;
    println!(
        "{} messages of {} bytes delivered in {:.1?}, then {status}",
        load.messages,
        load.bytes,
        clock.instant() - begun
    );
    // The second start must find what the first found.
    let journal = load.directory.join("journal");
    let journal_kept = load.directory.join("journal-killed");
    copy(&journal, &journal_kept)?;
    measure("killed", &load, &clock).await?;
    std::fs::remove_dir_all(&journal)?;
    std::fs::rename(&journal_kept, &journal)?;
    std::fs::remove_dir_all(&meta)?;
    std::fs::rename(&kept, &meta)?;
    std::fs::remove_dir_all(load.directory.join("blobs"))?;
    let mark = load.directory.join("checkpoint");
    std::fs::write(&mark, MAILBOXES.to_string())?;
    measure("power cut", &load, &clock).await?;
    std::fs::remove_dir_all(&load.directory)?;
    Ok(())
}

fn arguments() -> anyhow::Result<Load> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |or: usize| -> anyhow::Result<usize> {
        match arguments.next() {
            Some(text) => text
                .parse()
                .with_context(|| format!("{text:?} is no number")),
            None => Ok(or),
        }
    };
    let (messages, bytes) = (number(100_000)?, number(4096)?);
    let directory = match (std::env::var_os(DELIVER), arguments.next()) {
        (Some(directory), _) => directory.into(),
        (None, Some(directory)) => directory.into(),
        (None, None) => std::env::temp_dir().join(format!("roost-recover-{}", std::process::id())),
    };
    Ok(Load {
        messages,
        bytes,
        directory,
    })
}

fn account(number: usize) -> AccountId {
    uuid::Uuid::from_u128(number as u128 + 1).into()
}

async fn open(load: &Load, clock: &Clock) -> anyhow::Result<Store> {
    let config = Config {
        checkpoint_bytes: u64::MAX,
        checkpoint_interval: Duration::from_secs(86_400),
        ..Config::new(&load.directory)
    };
    Ok(Store::open(config, Arc::new(RealDisk), clock.clone()).await?)
}

async fn deliver_and_die(load: &Load, clock: &Clock) -> anyhow::Result<()> {
    let store = open(load, clock).await?;
    let mut connections = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let (store, clock, load) = (store.clone(), clock.clone(), load.clone());
        connections.spawn(async move {
            for number in (connection..load.messages).step_by(CONNECTIONS) {
                deliver(&store, &clock, number, load.bytes).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = connections.join_next().await {
        done??;
    }
    // SIGKILL: nothing is closed, written or said.
    let own = std::process::id().to_string();
    Command::new("kill").args(["-9", &own]).status()?;
    Ok(())
}

async fn deliver(store: &Store, clock: &Clock, number: usize, bytes: usize) -> anyhow::Result<()> {
    let mut text = format!("Subject: {number}\r\n\r\n");
    text.extend(std::iter::repeat_n('x', bytes.saturating_sub(text.len())));
    let message = NewBlob {
        bytes: text.into(),
        structure: Bytes::from_static(&[7; 400]),
    };
    let recipient = Recipient {
        account: account(number % MAILBOXES),
        folder: folder::INBOX,
        flags: Flags::NONE,
        keywords: Vec::new(),
        internal_date: clock.now(),
        quota: None,
    };
    for outcome in store.deliver(message, vec![recipient]).await {
        outcome?;
    }
    Ok(())
}

async fn measure(how: &str, load: &Load, clock: &Clock) -> anyhow::Result<()> {
    let begun = clock.instant();
    let store = open(load, clock).await?;
    let opened = clock.instant() - begun;
    let mut found = 0;
    for number in 0..MAILBOXES {
        let mailbox = store.mailbox(account(number)).await?;
        let view = mailbox.folder(folder::INBOX).await?;
        if number == 0 {
            let newest = view.entry(view.len().saturating_sub(1));
            let digest = newest.and_then(|entry| entry.blob());
            mailbox.load(digest.context("no message is there")?).await?;
        }
        found += view.len();
    }
    deliver(&store, clock, load.messages, load.bytes).await?;
    let answered = clock.instant() - begun;
    ensure!(found >= load.messages, "only {found} messages are there");
    store.checkpoint().await?;
    let applied = clock.instant() - begun;
    println!(
        "recovery after {how}: open {:.2} s, all {MAILBOXES} mailboxes read and one delivered to {:.2} s \
         ({:.0} messages/s), all written and checkpointed {:.1} s",
        opened.as_secs_f64(),
        answered.as_secs_f64(),
        load.messages as f64 / opened.as_secs_f64(),
        applied.as_secs_f64()
    );
    store.close().await?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
