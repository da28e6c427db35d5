use super::*;
use crate::{
    Contents, Error, FlagChange, FolderChange, FolderKind, Nested, NewFolder, Removal, SpecialUse,
    Uid, View,
};

async fn mailbox(directory: &Path) -> (Store, Mailbox) {
    let store = open(directory).await;
    let mailbox = store.mailbox(account(1)).await.unwrap();
    (store, mailbox)
}

fn renamed(name: &str) -> FolderChange {
    FolderChange {
        name: Some(name.into()),
        ..FolderChange::default()
    }
}

#[tokio::test]
async fn folders_are_found_by_path_and_by_use() {
    let directory = tempfile::tempdir().unwrap();
    let (_store, mailbox) = mailbox(directory.path()).await;
    let work = mailbox
        .create_folder(NewFolder::messages(folder::ROOT, "Work"))
        .await
        .unwrap();
    let new = NewFolder {
        special_use: Some(SpecialUse::Archive),
        ..NewFolder::messages(work, "Old")
    };
    let old = mailbox.create_folder(new).await.unwrap();
    assert_eq!((work.get(), old.get()), (256, 257));
    let snapshot = mailbox.snapshot().unwrap();
    assert_eq!(snapshot.find("Work/Old").unwrap().id, old);
    assert_eq!(snapshot.path(old).unwrap(), "Work/Old");
    assert_eq!(snapshot.find("inbox").unwrap().id, folder::INBOX);
    assert_eq!(snapshot.find("").unwrap().id, folder::ROOT);
    assert!(snapshot.find("work").is_none());
    assert_eq!(snapshot.special(SpecialUse::Archive).unwrap().id, old);
    assert_eq!(
        snapshot.folder(folder::CALENDAR).unwrap().view,
        View::Appointment
    );
    assert_eq!(snapshot.children(work).count(), 1);
}

#[tokio::test]
async fn names_and_places_are_checked() {
    let directory = tempfile::tempdir().unwrap();
    let (_store, mailbox) = mailbox(directory.path()).await;
    let a = mailbox
        .create_folder(NewFolder::messages(folder::ROOT, "a"))
        .await
        .unwrap();
    let b = mailbox
        .create_folder(NewFolder::messages(a, "b"))
        .await
        .unwrap();
    for bad in ["", "x/y", "..", "bell\u{7}", &"n".repeat(256)] {
        let refused = mailbox.create_folder(NewFolder::messages(a, bad)).await;
        assert!(matches!(refused, Err(Error::InvalidName(_))), "{bad:?}");
    }
    let twice = mailbox.create_folder(NewFolder::messages(a, "b")).await;
    assert!(matches!(twice, Err(Error::AlreadyExists)));
    let inbox = mailbox
        .create_folder(NewFolder::messages(folder::ROOT, "INBOX"))
        .await;
    assert!(matches!(inbox, Err(Error::AlreadyExists)));
    let into_itself = FolderChange {
        parent: Some(b),
        ..FolderChange::default()
    };
    let refused = mailbox.change_folder(a, into_itself).await;
    assert!(matches!(refused, Err(Error::CannotContain(_))));
    let refused = mailbox.change_folder(folder::INBOX, renamed("Other")).await;
    assert!(matches!(refused, Err(Error::Immutable(_))));
    let colored = FolderChange {
        color: Some(0xff_00_00),
        subscribed: Some(false),
        ..FolderChange::default()
    };
    mailbox.change_folder(folder::INBOX, colored).await.unwrap();
    let snapshot = mailbox.snapshot().unwrap();
    assert_eq!(snapshot.folder(folder::INBOX).unwrap().color, 0xff_00_00);
    mailbox.change_folder(b, renamed("c")).await.unwrap();
    assert_eq!(mailbox.snapshot().unwrap().find("a/c").unwrap().id, b);
    let search = NewFolder {
        kind: FolderKind::SearchFolder,
        ..NewFolder::messages(folder::ROOT, "found")
    };
    let search = mailbox.create_folder(search).await.unwrap();
    let refused = mailbox.append(search, vec![message("x")], None).await;
    assert!(matches!(refused, Err(Error::CannotContain(_))));
    let mut deep = a;
    let refused = loop {
        match mailbox.create_folder(NewFolder::messages(deep, "d")).await {
            Ok(made) => deep = made,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::Limit(_)));
}

#[tokio::test]
async fn a_name_that_is_used_again_has_a_new_generation() {
    let directory = tempfile::tempdir().unwrap();
    let (store, mailbox) = mailbox(directory.path()).await;
    let new = || NewFolder::messages(folder::ROOT, "again");
    let first = mailbox.create_folder(new()).await.unwrap();
    let validity = mailbox.folder(first).await.unwrap().uid_validity();
    mailbox
        .append(first, vec![message("x")], None)
        .await
        .unwrap();
    let refused = mailbox
        .delete_folder(first, Contents::Keep, Nested::Keep)
        .await;
    assert!(matches!(refused, Err(Error::NotEmpty(_))));
    mailbox
        .delete_folder(first, Contents::Remove, Nested::Keep)
        .await
        .unwrap();
    let second = mailbox.create_folder(new()).await.unwrap();
    assert!(mailbox.folder(second).await.unwrap().uid_validity() > validity);
    assert!(second > first);
    check_contents(&store).await;
    assert_eq!(files(directory.path()), 0);
}

#[tokio::test]
async fn deleting_moves_or_removes_what_is_inside() {
    let directory = tempfile::tempdir().unwrap();
    let (store, mailbox) = mailbox(directory.path()).await;
    let a = mailbox
        .create_folder(NewFolder::messages(folder::ROOT, "a"))
        .await
        .unwrap();
    let b = mailbox
        .create_folder(NewFolder::messages(a, "b"))
        .await
        .unwrap();
    mailbox
        .append(a, vec![message("in a")], None)
        .await
        .unwrap();
    mailbox
        .append(b, vec![message("in b"), message("in a")], None)
        .await
        .unwrap();
    let refused = mailbox
        .delete_folder(a, Contents::Remove, Nested::Keep)
        .await;
    assert!(matches!(refused, Err(Error::HasChildren(_))));
    let refused = mailbox
        .delete_folder(a, Contents::MoveTo(b), Nested::Delete)
        .await;
    assert!(matches!(refused, Err(Error::CannotContain(_))));
    mailbox
        .delete_folder(b, Contents::MoveTo(folder::TRASH), Nested::Keep)
        .await
        .unwrap();
    mailbox
        .delete_folder(a, Contents::Remove, Nested::Delete)
        .await
        .unwrap();
    assert_eq!(uids(&mailbox, folder::TRASH).await, [1, 2]);
    assert!(mailbox.snapshot().unwrap().folder(a).is_none());
    check_contents(&store).await;
    assert_eq!(files(directory.path()), 2);
    let before = picture(&mailbox).await;
    drop((mailbox, store));
    let store = open(directory.path()).await;
    assert_eq!(
        picture(&store.mailbox(account(1)).await.unwrap()).await,
        before
    );
}

#[tokio::test]
async fn a_deleted_tag_leaves_all_items() {
    let directory = tempfile::tempdir().unwrap();
    let (store, mailbox) = mailbox(directory.path()).await;
    let mut item = message("x");
    item.keywords = vec!["later".into(), "other".into()];
    mailbox
        .append(folder::INBOX, vec![item], None)
        .await
        .unwrap();
    let tag = mailbox.create_tag("Later", 7).await.unwrap();
    assert!(matches!(
        mailbox.create_tag("LATER", 7).await,
        Err(Error::AlreadyExists)
    ));
    mailbox
        .change_tag(tag, Some("soon"), Some(8))
        .await
        .unwrap();
    let snapshot = mailbox.snapshot().unwrap();
    let keyword = snapshot.find_keyword("soon").unwrap();
    assert_eq!(keyword.tag.unwrap().color, 8);
    mailbox.delete_tag(tag).await.unwrap();
    let inbox = mailbox.folder(folder::INBOX).await.unwrap();
    assert_eq!(inbox.entry(0).unwrap().keywords().len(), 1);
    assert!(inbox.mailbox().find_keyword("soon").is_none());
    let before = picture(&mailbox).await;
    drop((mailbox, store, inbox));
    let store = open(directory.path()).await;
    let mailbox = store.mailbox(account(1)).await.unwrap();
    assert_eq!(picture(&mailbox).await, before);
}

#[tokio::test]
async fn an_old_snapshot_stays_and_says_what_happened_since() {
    let directory = tempfile::tempdir().unwrap();
    let (_store, mailbox) = mailbox(directory.path()).await;
    let items = (0..600)
        .map(|number| message(&number.to_string()))
        .collect();
    mailbox.append(folder::INBOX, items, None).await.unwrap();
    let view = mailbox.folder(folder::INBOX).await.unwrap();
    let seen = FlagChange::add(Flags::SEEN);
    mailbox
        .alter(folder::INBOX, &[Uid::new(300)], &seen, None)
        .await
        .unwrap();
    mailbox
        .remove(folder::INBOX, Removal::These(&[Uid::new(7), Uid::new(600)]))
        .await
        .unwrap();
    mailbox
        .append(folder::INBOX, vec![message("new")], None)
        .await
        .unwrap();
    let now = mailbox.folder(folder::INBOX).await.unwrap();
    let difference = view.difference(&now);
    assert_eq!(difference.vanished, [Uid::new(7), Uid::new(600)]);
    assert_eq!(difference.changed, [Uid::new(300)]);
    assert_eq!((view.len(), now.len()), (600, 599));
    assert_eq!(now.entry(598).unwrap().uid, view.uid_next());
    assert!(
        !view
            .find(Uid::new(300))
            .unwrap()
            .flags
            .contains(Flags::SEEN)
    );
}

#[tokio::test]
async fn a_deleted_folder_leaves_its_subscription_to_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let (store, mailbox) = mailbox(directory.path()).await;
    let new = |parent, name| NewFolder {
        subscribed: true,
        ..NewFolder::messages(parent, name)
    };
    let a = mailbox.create_folder(new(folder::ROOT, "a")).await.unwrap();
    mailbox.create_folder(new(a, "b")).await.unwrap();
    let quiet = NewFolder::messages(a, "quiet");
    mailbox.create_folder(quiet).await.unwrap();
    let below = mailbox
        .create_folder(new(folder::INBOX, "below"))
        .await
        .unwrap();
    for id in [a, below] {
        mailbox
            .delete_folder(id, Contents::Remove, Nested::Delete)
            .await
            .unwrap();
    }
    let lost = |mailbox: &Mailbox| -> Vec<String> {
        let snapshot = mailbox.snapshot().unwrap();
        snapshot.lost_subscriptions().map(str::to_owned).collect()
    };
    assert_eq!(lost(&mailbox), ["INBOX/below", "a", "a/b"]);
    let before = picture(&mailbox).await;

    // From the metadata, and from the journal.
    store.checkpoint().await.unwrap();
    drop((mailbox, store));
    let store = open(directory.path()).await;
    let mailbox = store.mailbox(account(1)).await.unwrap();
    assert_eq!(picture(&mailbox).await, before);
    assert!(
        mailbox
            .snapshot()
            .unwrap()
            .has_lost_subscription("inbox/below")
    );
    mailbox.forget_subscription("Inbox/below").await.unwrap();
    mailbox.forget_subscription("never").await.unwrap();
    drop((mailbox, store));
    let store = open(directory.path()).await;
    let mailbox = store.mailbox(account(1)).await.unwrap();
    assert_eq!(lost(&mailbox), ["a", "a/b"]);

    // A folder that gets the name gets the subscription: a new one, and what is moved there.
    let c = mailbox
        .create_folder(NewFolder::messages(folder::ROOT, "c"))
        .await
        .unwrap();
    let b = mailbox
        .create_folder(NewFolder::messages(c, "b"))
        .await
        .unwrap();
    mailbox.change_folder(c, renamed("a")).await.unwrap();
    let snapshot = mailbox.snapshot().unwrap();
    assert!(snapshot.folder(c).unwrap().subscribed);
    assert!(snapshot.folder(b).unwrap().subscribed);
    assert_eq!(lost(&mailbox), [""; 0]);
    picture(&mailbox).await;
}
