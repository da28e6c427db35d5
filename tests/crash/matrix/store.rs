//! The operations of the store.

mod files;
mod operations;
mod picture;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;
use roost_journal::sim_disk::{Loss, SimDisk};
use roost_kit::clock::Clock;
use roost_mailbox::verify::{Asked, Kind, Progress};
use roost_mailbox::{AccountId, Config, Error, Flags, NewBlob, NewItem, Recipient, Store, folder};

use super::point::{Acknowledged, Seen, Step, Trial};
use super::rooted::Rooted;
use files::Files;
pub(super) use operations::trials;

/// The account that no step touches.
const APART: u128 = 9;
/// Bodies up to this travel in the journal.
const INLINE: usize = 600;

/// An operation: its name, and the steps by number.
pub(super) struct StoreTrial {
    name: &'static str,
    steps: &'static [operations::Operation],
    template: Arc<World>,
}

/// The store's disks: what SQLite has on a real one, everything else on the simulated one.
pub(super) struct World {
    disk: SimDisk,
    /// SQLite's files before the start.
    begin: Files,
    /// SQLite's files as they were when a file system was synced the last time.
    durable: Arc<Mutex<Files>>,
    folder: tempfile::TempDir,
}

impl World {
    fn new(disk: SimDisk, begin: Files, durable: Files) -> Self {
        // SQLite's files are moved by us, so they need no disk: memory is faster.
        let memory = Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => tempfile::tempdir_in(memory).unwrap(),
            false => tempfile::tempdir().unwrap(),
        };
        Self {
            disk,
            begin,
            durable: Arc::new(Mutex::new(durable)),
            folder,
        }
    }

    fn now(&self) -> Files {
        Files::read(&self.folder.path().join("meta"))
    }

    async fn open(&self) -> Result<Store, Error> {
        self.begin.write(&self.folder.path().join("meta"));
        let (real, durable) = (self.folder.path().join("meta"), self.durable.clone());
        // SQLite's only writer is the thread that syncs, so the files are quiet now.
        self.disk.watch(Arc::new(move |synced: &Path| {
            if synced.ends_with("meta") {
                *durable.lock() = Files::read(&real);
            }
        }));
        let config = Config {
            segment_bytes: 16 << 10,
            gather: Duration::ZERO,
            checkpoint_interval: Duration::from_secs(86_400),
            inline_bytes_max: INLINE,
            space_reserve: 0,
            readers: 1,
            blob_grace: Duration::ZERO,
            retry: Duration::from_millis(2),
            ..Config::new(self.folder.path())
        };
        let disk = Rooted {
            disk: self.disk.clone(),
            folder: self.folder.path().to_owned(),
        };
        let clock = Clock::manual("2026-01-02T03:04:05Z".parse().unwrap());
        Store::open(config, Arc::new(disk), clock).await
    }
}

impl Trial for StoreTrial {
    type Live = Store;
    type World = World;

    fn name(&self) -> &str {
        self.name
    }

    fn steps(&self) -> usize {
        self.steps.len()
    }

    fn world(&self) -> World {
        let template = &self.template;
        let durable = template.durable.lock().clone();
        World::new(template.disk.restarted(), template.begin.clone(), durable)
    }

    fn disk<'a>(&self, world: &'a World) -> &'a SimDisk {
        &world.disk
    }

    async fn open(&self, world: &World) -> Result<Store, String> {
        let store = world.open().await.map_err(|error| format!("{error:?}"))?;
        match store.damage() {
            [] => Ok(store),
            damage => Err(format!("damage is reported: {}", damage[0])),
        }
    }

    async fn prepare(&self, store: &Store) -> Step {
        deliver(store, &text(100, 'p'), &[1, 2]).await?;
        deliver(store, &text(3000, 'q'), &[1]).await
    }

    async fn step(&self, store: &Store, step: usize) -> Step {
        (self.steps[step])(store.clone()).await
    }

    async fn follow(&self, store: &Store) -> Step {
        deliver(store, &text(200, 'f'), &[APART]).await
    }

    fn has_failed(&self, store: &Store) -> bool {
        store.has_failed()
    }

    async fn settle(&self, store: &Store) {
        let mut failures = 0;
        // One that has failed for good applies nothing more.
        while failures < 5 && !store.has_failed() {
            let stats = store.stats();
            if stats.applied == stats.journal.durable {
                break;
            }
            failures += u32::from(stats.failing);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn shows_only_durable(&self) -> bool {
        true
    }

    async fn shown(&self, store: &Store) -> Result<String, String> {
        picture::of_all(store, picture::Detail::Shown).await
    }

    async fn seen(&self, store: &Store) -> Result<Seen, String> {
        let picture = picture::of_all(store, picture::Detail::Everything).await?;
        agrees(store).await?;
        let followed = picture::followed(store).await?;
        Ok(Seen { picture, followed })
    }

    fn cut(&self, world: &World, seeds: &[u64]) -> Vec<World> {
        let (now, durable) = (world.now(), world.durable.lock().clone());
        let image =
            |loss, files: Files| World::new(world.disk.after_crash(loss), files, durable.clone());
        let mut images = vec![
            image(Loss::Everything, durable.clone()),
            image(Loss::Everything, now.clone()),
        ];
        for seed in seeds {
            let files = match seed % 3 {
                0 => durable.clone(),
                1 => now.clone(),
                _ => now.cut(&durable, *seed),
            };
            images.push(image(Loss::Random(*seed), files));
        }
        images
    }

    fn killed(&self, world: &World) -> World {
        let now = match world.folder.path().join("meta").is_dir() {
            true => world.now(),
            false => world.begin.clone(),
        };
        let durable = world.durable.lock().clone();
        World::new(world.disk.restarted(), now, durable)
    }
}

/// Counts, references, rows, files and the journal agree. A file that nobody refers to yet is what a
/// large message leaves whose append was never acknowledged.
async fn agrees(store: &Store) -> Result<(), String> {
    let derive = |bytes: &[u8]| Bytes::from(format!("structure of {}", bytes.len()));
    let report = store
        .verify(&Asked::default(), &derive, &Progress::default())
        .await
        .map_err(|error| format!("cannot be verified: {error}"))?;
    let wrong = report
        .findings
        .iter()
        .find(|finding| finding.kind != Kind::Orphan);
    match wrong {
        None => Ok(()),
        Some(finding) => Err(format!("verify: {finding:?}")),
    }
}

fn account(number: u128) -> AccountId {
    uuid::Uuid::from_u128(number).into()
}

fn text(length: usize, letter: char) -> String {
    format!(
        "Subject: {letter}\r\n\r\n{}",
        letter.to_string().repeat(length)
    )
}

fn blob(text: &str) -> NewBlob {
    NewBlob {
        bytes: Bytes::copy_from_slice(text.as_bytes()),
        structure: Bytes::from(format!("structure of {}", text.len())),
    }
}

fn message(text: &str) -> NewItem {
    NewItem::message(blob(text), Timestamp::UNIX_EPOCH)
}

/// What an error means to whoever asked: that it is to be tried again, or a broken law.
fn step<T>(outcome: Result<T, Error>) -> Step {
    match outcome {
        Ok(_) => Ok(Acknowledged::Yes),
        Err(error) if error.is_transient() => Ok(Acknowledged::No),
        Err(error) => Err(format!("refused for good: {error}")),
    }
}

async fn deliver(store: &Store, text: &str, accounts: &[u128]) -> Step {
    let recipients = accounts.iter().map(|number| Recipient {
        account: account(*number),
        folder: folder::INBOX,
        flags: Flags::NONE,
        keywords: Vec::new(),
        internal_date: Timestamp::UNIX_EPOCH,
        quota: None,
    });
    let outcomes = store.deliver(blob(text), recipients.collect()).await;
    let taken = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    if taken == accounts.len() {
        return Ok(Acknowledged::Yes);
    }
    if taken > 0 {
        return Err("one append was acknowledged in part".to_owned());
    }
    step(outcomes.into_iter().next().unwrap())
}
