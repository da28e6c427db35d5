//! What is wrong is found each time, by name, and repaired as far as it can be; the store serves
//! meanwhile.

use std::path::PathBuf;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use super::*;
use crate::verify::{Asked, Finding, Kind, Progress, Repair, Report};
use crate::{FlagChange, Uid};

async fn filled(directory: &Path) -> Store {
    let store = open(directory).await;
    let both = || vec![recipient(account(1)), recipient(account(2))];
    for text in ["first", "second", "third"] {
        for outcome in store.deliver(blob(text), both()).await {
            outcome.unwrap();
        }
    }
    let outcomes = store
        .deliver(blob("alone"), vec![recipient(account(1))])
        .await;
    outcomes[0].as_ref().unwrap();
    store.checkpoint().await.unwrap();
    assert_eq!(run(&store, false).await.findings, []);
    store
}

async fn run(store: &Store, repair: bool) -> Report {
    let asked = Asked {
        repair,
        ..Asked::default()
    };
    verify(store, &asked).await
}

async fn verify(store: &Store, asked: &Asked) -> Report {
    let derive = |bytes: &[u8]| Bytes::from(format!("structure of {}", bytes.len()));
    let progress = Progress::default();
    let report = store.verify(asked, &derive, &progress).await.unwrap();
    assert_eq!(progress.seen().findings, report.findings.len() as u64);
    report
}

/// Finds exactly these kinds, and nothing any more after a repair where that is possible. The store
/// takes mail between.
#[track_caller]
fn check(found: &[Finding], kinds: &[Kind]) {
    let mut seen: Vec<Kind> = found.iter().map(|finding| finding.kind).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, kinds, "{found:#?}");
}

async fn repaired(store: &Store, kinds: &[Kind]) -> Vec<Finding> {
    check(&run(store, false).await.findings, kinds);
    let outcomes = store
        .deliver(blob("meanwhile"), vec![recipient(account(3))])
        .await;
    outcomes[0].as_ref().unwrap();
    let report = run(store, true).await;
    check(&report.findings, kinds);
    for finding in &report.findings {
        assert!(matches!(finding.repair, Repair::Done(_)), "{finding:?}");
    }
    assert_eq!(run(store, false).await.findings, []);
    for number in [1, 2, 3] {
        picture(&store.mailbox(account(number)).await.unwrap()).await;
    }
    report.findings
}

fn file_of(directory: &Path, text: &str) -> PathBuf {
    let digest = BlobDigest::of(text.as_bytes()).to_string();
    directory
        .join("blobs")
        .join(digest.get(..2).unwrap())
        .join(digest)
}

async fn sql(directory: &Path, text: &'static str) {
    let mut connection: SqliteConnection = SqliteConnectOptions::new()
        .filename(directory.join("meta/meta.sqlite"))
        .connect()
        .await
        .unwrap();
    let done = sqlx::query(text).execute(&mut connection).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
}

#[tokio::test]
async fn a_deleted_blob_is_found_and_comes_back_from_the_journal() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    std::fs::remove_file(file_of(directory.path(), "second")).unwrap();
    let found = repaired(&store, &[Kind::BlobMissing]).await;
    assert_eq!(found.len(), 2, "two mailboxes have it");
    assert_eq!(found[0].folder.as_deref(), Some("Inbox"));
    assert_eq!(found[0].uid, Some(2));
    let mailbox = store.mailbox(account(1)).await.unwrap();
    let digest = BlobDigest::of(b"second");
    assert_eq!(mailbox.load(digest).await.unwrap(), "second");
}

#[tokio::test]
async fn a_flipped_byte_is_found_and_the_damaged_file_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    std::fs::write(file_of(directory.path(), "alone"), "alonf").unwrap();
    repaired(&store, &[Kind::BlobDamaged]).await;
    let digest = BlobDigest::of(b"alone").to_string();
    let aside = directory.path().join("lost+found").join(digest);
    assert_eq!(std::fs::read(aside).unwrap(), b"alonf");
}

#[tokio::test]
async fn a_blob_that_nobody_has_a_copy_of_is_said_to_be_lost() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let large = "large ".repeat(100_000);
    let outcomes = store
        .deliver(blob(&large), vec![recipient(account(1))])
        .await;
    outcomes[0].as_ref().unwrap();
    std::fs::remove_file(file_of(directory.path(), &large)).unwrap();
    let report = run(&store, true).await;
    check(&report.findings, &[Kind::BlobMissing]);
    assert!(matches!(report.findings[0].repair, Repair::NotPossible(_)));
}

#[tokio::test]
async fn a_removed_row_comes_back_where_sessions_see_the_message() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    let mailbox = store.mailbox(account(1)).await.unwrap();
    assert_eq!(mailbox.folder(folder::INBOX).await.unwrap().len(), 4);
    sql(
        directory.path(),
        "DELETE FROM item WHERE mailbox = 1 AND folder = 2 AND uid = 4",
    )
    .await;
    let found = run(&store, false).await.findings;
    check(&found, &[Kind::References, Kind::Figures, Kind::RowMissing]);
    // The row first: then there is nothing to count down.
    run(&store, true).await;
    run(&store, true).await;
    assert_eq!(run(&store, false).await.findings, []);
    let view = mailbox.folder(folder::INBOX).await.unwrap();
    assert_eq!(view.len(), 4);
    let digest = view.find(Uid::new(4)).unwrap().blob().unwrap();
    assert_eq!(mailbox.load(digest).await.unwrap(), "alone");
    drop((mailbox, store, view));
    let store = open(directory.path()).await;
    assert_eq!(run(&store, false).await.findings, []);
    let mailbox = store.mailbox(account(1)).await.unwrap();
    assert_eq!(mailbox.folder(folder::INBOX).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_removed_row_that_nobody_sees_leaves_a_copy_of_the_message() {
    let directory = tempfile::tempdir().unwrap();
    drop(filled(directory.path()).await);
    let store = open(directory.path()).await;
    sql(
        directory.path(),
        "DELETE FROM item WHERE mailbox = 1 AND folder = 2 AND uid = 4",
    )
    .await;
    repaired(&store, &[Kind::References, Kind::Figures]).await;
    let digest = BlobDigest::of(b"alone");
    let copy = directory.path().join(format!("lost+found/{digest}.eml"));
    assert_eq!(std::fs::read(copy).unwrap(), b"alone");
}

#[tokio::test]
async fn a_contents_lost_row_is_derived_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    sql(directory.path(), "DELETE FROM content WHERE refs = 1").await;
    let found = repaired(&store, &[Kind::ContentUnknown]).await;
    assert_eq!(found[0].uid, Some(4));
    check_contents(&store).await;
}

#[tokio::test]
async fn wrong_counters_are_counted_anew() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    for wrong in [
        "UPDATE folder SET unread = unread + 1 WHERE mailbox = 1 AND id = 2",
        "UPDATE folder SET total = 9, size = 0 WHERE mailbox = 2 AND id = 2",
        "UPDATE mailbox SET used = used + 5 WHERE id = 1",
    ] {
        sql(directory.path(), wrong).await;
        let found = repaired(&store, &[Kind::Figures]).await;
        assert!(found[0].account.is_some());
    }
    for wrong in [
        "UPDATE folder SET uid_next = 1 WHERE mailbox = 1 AND id = 2",
        "UPDATE folder SET items_modseq = 1 WHERE mailbox = 1 AND id = 2",
        "UPDATE mailbox SET next_item = 256 WHERE id = 1",
    ] {
        sql(directory.path(), wrong).await;
        repaired(&store, &[Kind::Numbers]).await;
    }
    sql(
        directory.path(),
        "UPDATE content SET refs = refs + 1 WHERE refs = 1 AND size = 5",
    )
    .await;
    repaired(&store, &[Kind::References]).await;
    // What was counted anew stays right when the mailbox changes.
    let mailbox = store.mailbox(account(1)).await.unwrap();
    let seen = FlagChange::add(Flags::SEEN);
    let all = [Uid::new(1), Uid::new(4)];
    mailbox
        .alter(folder::INBOX, &all, &seen, None)
        .await
        .unwrap();
    store.checkpoint().await.unwrap();
    assert_eq!(run(&store, false).await.findings, []);
}

#[tokio::test]
async fn files_that_nobody_refers_to_are_moved_aside() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    let orphan = file_of(directory.path(), "nobody's");
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, "nobody's").unwrap();
    let foreign = orphan.with_file_name("README");
    std::fs::write(&foreign, "not ours").unwrap();
    let unfinished = orphan.with_file_name(format!("{}.7.tmp", BlobDigest::of(b"x")));
    std::fs::write(&unfinished, "nev").unwrap();
    let found = repaired(&store, &[Kind::Orphan]).await;
    assert_eq!(found.len(), 3);
    assert!(!orphan.exists() && !foreign.exists() && !unfinished.exists());
    let names = std::fs::read_dir(directory.path().join("lost+found")).unwrap();
    assert_eq!(names.count(), 3);
}

#[tokio::test]
async fn items_in_a_folder_that_is_gone_are_reported_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    sql(
        directory.path(),
        "UPDATE item SET folder = 999 WHERE mailbox = 2 AND uid = 3",
    )
    .await;
    let report = run(&store, true).await;
    let stray = report
        .findings
        .iter()
        .find(|finding| finding.kind == Kind::Stray);
    assert!(matches!(stray.unwrap().repair, Repair::NotPossible(_)));
}

#[tokio::test]
async fn damage_in_the_journal_is_named_while_it_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    let segment = directory.path().join("journal/segment-000000000001");
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes.windows(6).position(|some| some == b"second").unwrap();
    bytes[at] = b'?';
    std::fs::write(&segment, bytes).unwrap();
    let found = run(&store, false).await.findings;
    check(&found, &[Kind::Journal]);
    assert_eq!(found[0].file.as_deref(), Some(segment.as_path()));
}

#[tokio::test]
async fn one_mailbox_can_be_verified_alone() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    std::fs::remove_file(file_of(directory.path(), "alone")).unwrap();
    let of = |number| Asked {
        account: Some(account(number)),
        ..Asked::default()
    };
    check(&verify(&store, &of(1)).await.findings, &[Kind::BlobMissing]);
    let other = verify(&store, &of(2)).await;
    check(&other.findings, &[]);
    assert_eq!((other.mailboxes, other.contents), (1, 3));
}
