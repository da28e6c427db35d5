use roost_journal::sim_disk::{Loss, SimDisk};
use roost_kit::disk::Disk;

use super::*;
use crate::{Error, FlagChange, NewFolder, Removal, Uid};

/// Opens with the journal and the blobs on a simulated disk, the metadata on a real one.
async fn open_on(disk: &SimDisk, directory: &Path) -> Result<Store, Error> {
    let clock = Clock::manual("2026-01-02T03:04:05Z".parse().unwrap());
    let config = Config {
        segment_bytes: 64 << 10,
        inline_bytes_max: 600,
        ..config(directory)
    };
    Store::open(config, Arc::new(disk.clone()), clock).await
}

/// Puts a copy of one store's metadata in the place of another's.
async fn copy_metadata(from: &Path, to: &Path) {
    let_go(from).await;
    let_go(to).await;
    let old = to.join("meta");
    if old.exists() {
        std::fs::remove_dir_all(&old).unwrap();
    }
    std::fs::create_dir_all(&old).unwrap();
    for entry in std::fs::read_dir(from.join("meta")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join("meta").join(entry.file_name())).unwrap();
    }
}

/// Waits until SQLite's threads have closed the metadata of a dropped store: until then they write
/// and remove files.
async fn let_go(directory: &Path) {
    let meta = directory.join("meta");
    let is_open = || {
        let files = std::fs::read_dir("/proc/self/fd").unwrap();
        files
            .filter_map(|file| std::fs::read_link(file.unwrap().path()).ok())
            .any(|path| path.starts_with(&meta))
    };
    let closed = async {
        while is_open() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, closed)
        .await
        .expect("the metadata is closed");
}

async fn work(store: &Store, round: u32) -> Result<(), Error> {
    let text = format!("round {round}");
    let both = vec![recipient(account(1)), recipient(account(2))];
    for outcome in store.deliver(blob(&text), both).await {
        outcome?;
    }
    let mailbox = store.mailbox(account(1)).await?;
    let large = format!("{round} {}", "large ".repeat(200));
    let items = vec![message("always the same"), message(&large)];
    let appended = mailbox.append(folder::INBOX, items, None).await?;
    let uids: Vec<Uid> = appended.items.iter().map(|placed| placed.uid).collect();
    mailbox
        .alter(folder::INBOX, &uids, &FlagChange::add(Flags::SEEN), None)
        .await?;
    mailbox
        .relocate(folder::INBOX, &uids[..1], folder::SENT)
        .await?;
    if round.is_multiple_of(2) {
        mailbox
            .remove(folder::INBOX, Removal::These(&uids[1..]))
            .await?;
        let made = NewFolder::messages(folder::ROOT, &text);
        let made = mailbox.create_folder(made).await?;
        mailbox
            .copy(folder::SENT, &[Uid::new(1)], made, None)
            .await?;
    }
    Ok(())
}

async fn pictures(store: &Store) -> String {
    let mut all = String::new();
    for number in [1, 2] {
        all += &picture(&store.mailbox(account(number)).await.unwrap()).await;
    }
    all
}

#[tokio::test]
async fn replay_from_an_older_copy_of_the_metadata_leads_to_the_same_state() {
    let (first, older) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let disk = SimDisk::new();
    let base = first.path();
    let store = open_on(&disk, base).await.unwrap();
    work(&store, 1).await.unwrap();
    store.checkpoint().await.unwrap();
    drop(store);
    copy_metadata(base, older.path()).await;
    let store = open_on(&disk, base).await.unwrap();
    for round in 2..6 {
        work(&store, round).await.unwrap();
    }
    let before = pictures(&store).await;
    drop(store);
    // The machine loses everything that was not synced; SQL falls back to the checkpoint.
    for round in 0..3 {
        let crashed = disk.after_crash(Loss::Everything);
        copy_metadata(older.path(), base).await;
        let store = open_on(&crashed, base).await.unwrap();
        assert_eq!(pictures(&store).await, before, "replay {round}");
        check_contents(&store).await;
        assert_eq!(pictures(&store).await, before);
    }
}

#[tokio::test]
async fn a_crash_at_any_moment_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SimDisk::new();
    let store = open_on(&disk, directory.path()).await.unwrap();
    work(&store, 1).await.unwrap();
    let begun = disk.operations();
    work(&store, 2).await.unwrap();
    store.checkpoint().await.unwrap();
    let ended = disk.operations();
    drop(store);
    assert!(ended - begun > 20);
    for point in (begun..ended).step_by(2) {
        let directory = tempfile::tempdir().unwrap();
        let disk = SimDisk::new();
        let store = open_on(&disk, directory.path()).await.unwrap();
        work(&store, 1).await.unwrap();
        let before = pictures(&store).await;
        disk.crash_at(point);
        let done = work(&store, 2).await;
        let after = pictures(&store).await;
        drop(store);
        // SQL, on the real disk, is as far as it got; files and journal are on the crashed one.
        let crashed = disk.after_crash(Loss::Random(point));
        let store = open_on(&crashed, directory.path()).await.unwrap();
        assert_eq!(store.damage(), []);
        let found = pictures(&store).await;
        match done {
            Ok(()) => assert_eq!(found, after, "crash at {point}"),
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
        assert!(found.len() >= before.len());
        check_contents(&store).await;
        work(&store, 3).await.unwrap();
        check_contents(&store).await;
    }
}

#[tokio::test]
async fn a_full_disk_refuses_new_mail_and_shows_what_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SimDisk::new();
    let store = open_on(&disk, directory.path()).await.unwrap();
    work(&store, 1).await.unwrap();
    let used = 1 << 40;
    let available = disk.space(Path::new("/")).unwrap().available;
    disk.set_capacity(Some(used - available + 1000));
    let mailbox = store.mailbox(account(1)).await.unwrap();
    let before = pictures(&store).await;
    let mut accepted = 0;
    let refused = loop {
        match mailbox
            .append(folder::INBOX, vec![message("another")], None)
            .await
        {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(refused.is_transient() && accepted > 10);
    assert!(matches!(refused, Error::NoSpace));
    let full = pictures(&store).await;
    assert!(full.len() > before.len());
    disk.set_capacity(None);
    // Space is looked for again whenever something is released.
    while let Err(error) = mailbox
        .append(folder::INBOX, vec![message("at last")], None)
        .await
    {
        assert!(error.is_transient());
        store.checkpoint().await.unwrap();
    }
    let outcomes = store
        .deliver(blob("new"), vec![recipient(account(2))])
        .await;
    assert!(outcomes[0].is_ok());
    let last = pictures(&store).await;
    check_contents(&store).await;
    drop((store, mailbox));
    let store = open_on(&disk, directory.path()).await.unwrap();
    assert_eq!(pictures(&store).await, last);
}

#[tokio::test]
async fn a_journal_that_is_not_the_metadatas_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SimDisk::new();
    let store = open_on(&disk, directory.path()).await.unwrap();
    work(&store, 1).await.unwrap();
    drop(store);
    let refused = open_on(&SimDisk::new(), directory.path()).await;
    assert!(matches!(refused, Err(Error::Open { .. })));
}

#[tokio::test]
async fn a_damaged_record_costs_what_it_held_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let older = tempfile::tempdir().unwrap();
    let disk = SimDisk::new();
    let base = directory.path();
    let store = open_on(&disk, base).await.unwrap();
    let mailbox = store.mailbox(account(1)).await.unwrap();
    store.checkpoint().await.unwrap();
    drop((mailbox, store));
    copy_metadata(base, older.path()).await;
    let store = open_on(&disk, base).await.unwrap();
    for text in ["first", "second", "third"] {
        let outcomes = store.deliver(blob(text), vec![recipient(account(1))]).await;
        assert!(outcomes[0].is_ok());
    }
    drop(store);
    let segment = base.join("journal/segment-000000000001");
    let bytes = disk.read(&segment).unwrap();
    let at = bytes
        .windows(6)
        .position(|window| window == b"second")
        .unwrap();
    disk.corrupt(&segment, at as u64, b"?").unwrap();
    copy_metadata(older.path(), base).await;
    let disk = disk.after_crash(Loss::Everything);
    let store = open_on(&disk, base).await.unwrap();
    assert_eq!(store.damage().len(), 1);
    // The content is lost; the change that names it is whole.
    let mailbox = store.mailbox(account(1)).await.unwrap();
    picture(&mailbox).await;
    let view = mailbox.folder(folder::INBOX).await.unwrap();
    assert_eq!(view.len(), 3);
    let bodies: Vec<_> = view.iter().filter_map(|entry| entry.blob()).collect();
    assert_eq!(mailbox.load(bodies[0]).await.unwrap(), "first");
    assert!(matches!(
        mailbox.load(bodies[1]).await,
        Err(Error::Corrupt { .. })
    ));
    assert_eq!(mailbox.load(bodies[2]).await.unwrap(), "third");
    work(&store, 7).await.unwrap();
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_taken_but_everything_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SimDisk::new();
    let store = open_on(&disk, directory.path()).await.unwrap();
    work(&store, 1).await.unwrap();
    let before = pictures(&store).await;
    disk.fail_sync("segment-");
    let outcomes = store
        .deliver(blob("lost"), vec![recipient(account(1))])
        .await;
    assert!(matches!(&outcomes[0], Err(error) if error.is_transient()));
    assert!(store.has_failed() && store.check().is_err());
    let later = work(&store, 2).await.unwrap_err();
    assert!(later.is_transient());
    assert_eq!(pictures(&store).await, before);
    drop(store);
    let store = open_on(&disk.after_crash(Loss::Everything), directory.path())
        .await
        .unwrap();
    assert_eq!(pictures(&store).await, before);
    work(&store, 2).await.unwrap();
    check_contents(&store).await;
}
