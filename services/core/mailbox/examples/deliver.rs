//! How fast the engine takes mail, and how often it flushes:
//! `cargo run --release -p roost-mailbox --example deliver -- [MESSAGES] [CONNECTIONS] [BYTES] [DIRECTORY]`
//!
//! Each connection delivers one message after the other, as LMTP does. Then the folder that has
//! grown is opened anew, and everything in it read.

#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use roost_kit::clock::Clock;
use roost_kit::disk::RealDisk;
use roost_mailbox::{AccountId, Config, Flags, NewBlob, Recipient, Store, folder};
use tokio::task::JoinSet;

/// What is asked on the command line.
struct Load {
    messages: usize,
    connections: usize,
    bytes: usize,
    directory: PathBuf,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let load = arguments()?;
    let clock = Clock::system();
    let store = open(&load, &clock).await?;
    let account: AccountId = uuid::Uuid::from_u128(1).into();
    store.mailbox(account).await?;
    let flushes = store.stats().journal.flushes;
    let begun = clock.instant();
    deliver_all(&store, &load, &clock, account).await?;
    let taken = clock.instant() - begun;
    let flushes = store.stats().journal.flushes - flushes;
    report("delivered", &load, taken);
    println!(
        "flushes {flushes} = {:.3} a message",
        flushes as f64 / load.messages as f64
    );
    store.checkpoint().await?;
    report("applied and checkpointed", &load, clock.instant() - begun);
    store.close().await?;
    drop(store);

    let begun = clock.instant();
    let store = open(&load, &clock).await?;
    println!("opened in {:?}", clock.instant() - begun);
    let begun = clock.instant();
    let mailbox = store.mailbox(account).await?;
    let view = mailbox.folder(folder::INBOX).await?;
    println!(
        "{} items listed in {:?}",
        view.len(),
        clock.instant() - begun
    );
    let begun = clock.instant();
    let digests: Vec<_> = view.iter().filter_map(|entry| entry.blob()).collect();
    for some in digests.chunks(512) {
        mailbox.structures(some).await?;
    }
    println!("structures read in {:?}", clock.instant() - begun);
    let begun = clock.instant();
    let some = digests.len().min(10_000);
    for digest in digests.iter().take(some) {
        mailbox.load(*digest).await?;
    }
    println!("{some} bodies read in {:?}", clock.instant() - begun);
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
    Ok(Load {
        messages: number(20_000)?,
        connections: number(10)?,
        bytes: number(4096)?,
        directory: match arguments.next() {
            Some(directory) => directory.into(),
            None => std::env::temp_dir().join(format!("roost-deliver-{}", std::process::id())),
        },
    })
}

async fn open(load: &Load, clock: &Clock) -> anyhow::Result<Store> {
    let config = Config::new(&load.directory);
    Ok(Store::open(config, Arc::new(RealDisk), clock.clone()).await?)
}

async fn deliver_all(
    store: &Store,
    load: &Load,
    clock: &Clock,
    account: AccountId,
) -> anyhow::Result<()> {
    let mut connections = JoinSet::new();
    for connection in 0..load.connections {
        let (store, clock) = (store.clone(), clock.clone());
        let count = load.messages / load.connections;
        let bytes = load.bytes;
        connections.spawn(async move {
            for number in 0..count {
                let mut text = format!("Subject: {connection} {number}\r\n\r\n");
                text.extend(std::iter::repeat_n('x', bytes.saturating_sub(text.len())));
                let message = NewBlob {
                    bytes: text.into(),
                    structure: Bytes::from_static(&[7; 400]),
                };
                let recipient = Recipient {
                    account,
                    folder: folder::INBOX,
                    flags: Flags::NONE,
                    keywords: Vec::new(),
                    internal_date: clock.now(),
                    quota: None,
                };
                for outcome in store.deliver(message, vec![recipient]).await {
                    outcome?;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = connections.join_next().await {
        done??;
    }
    Ok(())
}

fn report(what: &str, load: &Load, taken: Duration) {
    let rate = load.messages as f64 / taken.as_secs_f64();
    println!(
        "{what} {} in {taken:?} = {rate:.0} messages/s",
        load.messages
    );
}
