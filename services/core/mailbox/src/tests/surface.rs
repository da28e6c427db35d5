use super::*;
use crate::{
    Error, FlagAction, FlagChange, ItemKind, Metadata, ModSeq, Removal, Replacement, Uid,
    mailbox::{Change, Claim},
};

#[tokio::test]
async fn a_delivered_message_is_there_before_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let outcomes = store
        .deliver(
            blob("Hello"),
            vec![recipient(account(1)), recipient(account(2))],
        )
        .await;
    let delivered = outcomes[0].as_ref().unwrap();
    assert_eq!(
        (delivered.placed.uid, delivered.placed.item.get()),
        (Uid::new(1), 256)
    );
    assert!(outcomes[1].is_ok());
    let mailbox = store.mailbox(account(1)).await.unwrap();
    let before = picture(&mailbox).await;
    let digest = BlobDigest::of(b"Hello");
    assert_eq!(mailbox.load(digest).await.unwrap(), "Hello");
    assert_eq!(mailbox.load_range(digest, 1..3).await.unwrap(), "el");
    assert_eq!(mailbox.load_range(digest, 3..99).await.unwrap(), "lo");
    check_contents(&store).await;
    assert_eq!(files(folder.path()), 1);
    store.close().await.unwrap();
    assert!(
        mailbox
            .append(folder::INBOX, vec![message("x")], None)
            .await
            .is_err()
    );
    drop((store, mailbox));

    let store = open(folder.path()).await;
    let mailbox = store.find_mailbox(account(1)).await.unwrap().unwrap();
    assert_eq!(picture(&mailbox).await, before);
    assert_eq!(mailbox.load(digest).await.unwrap(), "Hello");
    assert!(store.find_mailbox(account(3)).await.unwrap().is_none());
    check_contents(&store).await;
}

#[tokio::test]
async fn a_second_process_cannot_open_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let _store = open(folder.path()).await;
    let second = Store::open(config(folder.path()), Arc::new(RealDisk), Clock::system()).await;
    assert!(matches!(second, Err(Error::Open { .. })));
}

#[tokio::test]
async fn flags_change_only_what_is_old_enough() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mailbox = store.mailbox(account(1)).await.unwrap();
    let items = vec![message("one"), message("two"), message("three")];
    let appended = mailbox.append(folder::INBOX, items, None).await.unwrap();
    let all: Vec<Uid> = appended.items.iter().map(|placed| placed.uid).collect();
    let since = mailbox.snapshot().unwrap().modseq();
    let seen = FlagChange::add(Flags::SEEN);
    let first = mailbox
        .alter(folder::INBOX, &all[1..2], &seen, None)
        .await
        .unwrap();
    assert_eq!(
        (first.changed.as_slice(), first.modseq),
        (&all[1..2], since.next())
    );
    let labelled = FlagChange {
        action: FlagAction::Replace,
        flags: Flags::FLAGGED,
        keywords: vec!["Work".into()],
    };
    let second = mailbox
        .alter(folder::INBOX, &all, &labelled, Some(since))
        .await
        .unwrap();
    assert_eq!(second.newer, all[1..2]);
    assert_eq!(second.changed, [all[0], all[2]]);
    // The same again changes nothing, and keeps the mod-sequence.
    let third = mailbox
        .alter(folder::INBOX, &all[..1], &labelled, None)
        .await
        .unwrap();
    assert_eq!((third.changed.len(), third.modseq), (0, second.modseq));
    let snapshot = mailbox.folder(folder::INBOX).await.unwrap();
    let work = snapshot.mailbox().find_keyword("WORK").unwrap();
    assert_eq!(snapshot.find(all[2]).unwrap().keywords(), [work.id]);
    assert_eq!(snapshot.counts().unread, 2);
    picture(&mailbox).await;
}

#[tokio::test]
async fn what_is_expunged_leaves_tombstones_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mailbox = store.mailbox(account(1)).await.unwrap();
    let items = (0..5)
        .map(|number| message(&format!("message {number}")))
        .collect();
    mailbox.append(folder::INBOX, items, None).await.unwrap();
    store.checkpoint().await.unwrap();
    assert_eq!(files(folder.path()), 5);
    let since = mailbox.snapshot().unwrap().modseq();
    let some = [Uid::new(2), Uid::new(4), Uid::new(9)];
    mailbox
        .alter(folder::INBOX, &some, &FlagChange::add(Flags::DELETED), None)
        .await
        .unwrap();
    let of = [Uid::new(4), Uid::new(5)];
    let removed = mailbox
        .remove(folder::INBOX, Removal::DeletedOf(&of))
        .await
        .unwrap();
    assert_eq!(removed, [Uid::new(4)]);
    let removed = mailbox
        .remove(folder::INBOX, Removal::Deleted)
        .await
        .unwrap();
    assert_eq!(removed, [Uid::new(2)]);
    assert_eq!(uids(&mailbox, folder::INBOX).await, [1, 3, 5]);
    let gone = mailbox.vanished(Some(folder::INBOX), since).await.unwrap();
    let gone: Vec<_> = gone
        .iter()
        .map(|one| (one.uid.get(), one.removed))
        .collect();
    assert_eq!(gone, [(4, true), (2, true)]);
    let none = mailbox
        .vanished(Some(folder::SENT), ModSeq::default())
        .await
        .unwrap();
    assert_eq!(none, []);
    check_contents(&store).await;
    assert_eq!(files(folder.path()), 3);
    let next = mailbox
        .append(folder::INBOX, vec![message("new")], None)
        .await
        .unwrap();
    assert_eq!(next.items[0].uid, Uid::new(6));
}

#[tokio::test]
async fn copies_are_new_items_and_moved_items_stay_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mailbox = store.mailbox(account(1)).await.unwrap();
    let mut flagged = message("a");
    flagged.flags = Flags::FLAGGED;
    flagged.keywords = vec!["k".into()];
    let items = vec![flagged, message("b")];
    mailbox.append(folder::INBOX, items, None).await.unwrap();
    let pair = [Uid::new(1), Uid::new(2), Uid::new(7)];
    let copied = mailbox
        .copy(folder::INBOX, &pair, folder::SENT, None)
        .await
        .unwrap();
    let expected = [(Uid::new(1), Uid::new(1)), (Uid::new(2), Uid::new(2))];
    assert_eq!(copied.pairs, expected);
    let since = mailbox.snapshot().unwrap().modseq();
    let moved = mailbox
        .relocate(folder::INBOX, &pair[..1], folder::SENT)
        .await
        .unwrap();
    assert_eq!(moved.pairs, [(Uid::new(1), Uid::new(3))]);
    let sent = mailbox.folder(folder::SENT).await.unwrap();
    let items: Vec<_> = sent
        .iter()
        .map(|entry| (entry.item.get(), entry.flags))
        .collect();
    let expected = [
        (258, Flags::FLAGGED),
        (259, Flags::NONE),
        (256, Flags::FLAGGED),
    ];
    assert_eq!(items, expected);
    assert_eq!(sent.find(Uid::new(3)).unwrap().keywords().len(), 1);
    let gone = mailbox.vanished(None, since).await.unwrap();
    assert_eq!(
        (gone.len(), gone[0].uid, gone[0].removed),
        (1, Uid::new(1), false)
    );
    let located = mailbox
        .locate(crate::ItemId::new(256))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((located.folder, located.uid), (folder::SENT, Uid::new(3)));
    // Within one folder, too.
    let again = mailbox
        .relocate(folder::SENT, &pair[..1], folder::SENT)
        .await
        .unwrap();
    assert_eq!(again.pairs, [(Uid::new(1), Uid::new(4))]);
    picture(&mailbox).await;
    check_contents(&store).await;
}

#[tokio::test]
async fn quota_refuses_each_recipient_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let full = crate::Recipient {
        quota: Some(4),
        ..recipient(account(1))
    };
    let nowhere = crate::Recipient {
        folder: FolderId::new(999),
        ..recipient(account(3))
    };
    let outcomes = store
        .deliver(blob("12345"), vec![full, recipient(account(2)), nowhere])
        .await;
    assert!(matches!(
        outcomes[0],
        Err(Error::OverQuota { used: 0, limit: 4 })
    ));
    assert!(outcomes[1].is_ok());
    assert!(matches!(outcomes[2], Err(Error::NoSuchFolder(_))));
    let mailbox = store.mailbox(account(2)).await.unwrap();
    let two = vec![message("abcd"), message("efgh")];
    let refused = mailbox.append(folder::INBOX, two, Some(10)).await;
    assert!(matches!(refused, Err(Error::OverQuota { .. })));
    assert_eq!(uids(&mailbox, folder::INBOX).await, [1]);
    assert!(mailbox.admit(folder::INBOX, 5, Some(10)).is_ok());
    assert!(mailbox.admit(folder::INBOX, 6, Some(10)).is_err());
    assert!(mailbox.admit(folder::ROOT, 1, None).is_err());
}

#[tokio::test]
async fn contacts_keep_their_number_when_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mailbox = store.mailbox(account(1)).await.unwrap();
    let metadata = |text: &'static str| Metadata {
        version: 3,
        bytes: Bytes::from_static(text.as_bytes()),
    };
    let contact = NewItem {
        kind: ItemKind::Contact,
        blob: None,
        metadata: Some(metadata("Ada")),
        ..message("")
    };
    let placed = mailbox
        .append(folder::CONTACTS, vec![contact], None)
        .await
        .unwrap()
        .items[0];
    let replacement = Replacement {
        blob: None,
        metadata: Some(metadata("Ada Lovelace")),
        internal_date: None,
    };
    let replaced = mailbox
        .replace(folder::CONTACTS, placed.uid, replacement, None)
        .await
        .unwrap();
    assert_eq!((replaced.item, replaced.uid), (placed.item, Uid::new(2)));
    let copied = mailbox
        .copy(
            folder::CONTACTS,
            &[replaced.uid],
            folder::EMAILED_CONTACTS,
            None,
        )
        .await
        .unwrap();
    let copies = mailbox.folder(folder::EMAILED_CONTACTS).await.unwrap();
    let copy = copies.find(copied.pairs[0].1).unwrap();
    assert_eq!(
        (copy.kind, copy.size, copy.blob()),
        (ItemKind::Contact, 12, None)
    );
    let found = mailbox.metadata(&[placed.item, copy.item]).await.unwrap();
    assert_eq!(
        found,
        [
            Some(metadata("Ada Lovelace")),
            Some(metadata("Ada Lovelace"))
        ]
    );
    let removed = mailbox
        .remove(folder::CONTACTS, Removal::Everything)
        .await
        .unwrap();
    assert_eq!(removed, [Uid::new(2)]);
    assert_eq!(mailbox.metadata(&[placed.item]).await.unwrap(), [None]);
}

#[tokio::test]
async fn subscribers_hear_of_changes_and_are_told_to_resync_when_slow() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mailbox = store.mailbox(account(1)).await.unwrap();
    let mut changes = mailbox.subscribe();
    mailbox
        .append(folder::SENT, vec![message("x")], None)
        .await
        .unwrap();
    let expected = Change::Changed {
        modseq: ModSeq::new(2),
        folders: vec![folder::SENT],
    };
    assert_eq!(changes.next().await, Some(expected));
    for number in 0..100 {
        mailbox
            .append(folder::INBOX, vec![message(&number.to_string())], None)
            .await
            .unwrap();
    }
    assert_eq!(changes.next().await, Some(Change::Resync));
}

#[tokio::test]
async fn recent_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mailbox = store.mailbox(account(1)).await.unwrap();
    mailbox
        .append(folder::INBOX, vec![message("x"), message("y")], None)
        .await
        .unwrap();
    let claim = |below, how| {
        mailbox
            .claim_recent(folder::INBOX, Uid::new(below), how)
            .get()
    };
    assert_eq!(claim(3, Claim::Look), 1);
    assert_eq!(claim(2, Claim::Take), 1);
    assert_eq!(claim(3, Claim::Take), 2);
    assert_eq!(claim(3, Claim::Take), 3);
}

#[tokio::test]
async fn a_deleted_mailbox_is_gone_and_a_new_one_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mailbox = store.mailbox(account(1)).await.unwrap();
    mailbox
        .append(folder::INBOX, vec![message("x")], None)
        .await
        .unwrap();
    let old = mailbox.snapshot().unwrap().id();
    store.delete_mailbox(account(1)).await.unwrap();
    assert!(matches!(mailbox.snapshot(), Err(Error::NoSuchMailbox)));
    assert!(matches!(
        store.delete_mailbox(account(1)).await,
        Err(Error::NoSuchMailbox)
    ));
    let again = store.mailbox(account(1)).await.unwrap();
    assert!(again.snapshot().unwrap().id() > old);
    assert_eq!(uids(&again, folder::INBOX).await, [0_u32; 0]);
    check_contents(&store).await;
    assert_eq!(files(folder.path()), 0);
}

#[tokio::test]
async fn large_messages_travel_as_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mailbox = store.mailbox(account(1)).await.unwrap();
    let large = "0123456789".repeat(30_000);
    mailbox
        .append(folder::INBOX, vec![message(&large), message(&large)], None)
        .await
        .unwrap();
    assert_eq!(files(folder.path()), 1);
    assert!(store.stats().journal.bytes < 10_000);
    check_contents(&store).await;
    // More than fits into one append: some of it goes as files.
    let many = (0..20)
        .map(|number| message(&format!("{number}{}", "0123456789".repeat(10_000))))
        .collect();
    mailbox.append(folder::INBOX, many, None).await.unwrap();
    check_contents(&store).await;
}

#[tokio::test]
async fn a_damaged_file_is_said_to_be_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mailbox = store.mailbox(account(1)).await.unwrap();
    mailbox
        .append(folder::INBOX, vec![message("precious")], None)
        .await
        .unwrap();
    store.checkpoint().await.unwrap();
    let digest = BlobDigest::of(b"precious");
    std::fs::write(store.inner.blobs.path(digest), "precioux").unwrap();
    assert!(matches!(
        mailbox.load(digest).await,
        Err(Error::Corrupt { .. })
    ));
}
