//! What is tried.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use roost_journal::sim_disk::SimDisk;
use roost_mailbox::{
    Contents, FlagChange, Flags, FolderChange, FolderId, Mailbox, Nested, NewFolder, Removal,
    Replacement, Store, Uid, folder,
};

use super::files::Files;
use super::{APART, StoreTrial, World, account, blob, deliver, message, step, text};
use crate::matrix::point::{Acknowledged, Step};

/// One step.
pub(super) type Operation = fn(Store) -> Pin<Box<dyn Future<Output = Step> + Send>>;

macro_rules! operation {
    (|$store:ident| $body:expr) => {{
        fn operation($store: Store) -> Pin<Box<dyn Future<Output = Step> + Send>> {
            Box::pin(async move { $body })
        }
        operation as Operation
    }};
}

/// Folders that the template makes.
const ARCHIVE: FolderId = FolderId::new(256);
const OLD: FolderId = FolderId::new(257);

async fn first(store: &Store) -> Result<Mailbox, roost_mailbox::Error> {
    store.mailbox(account(1)).await
}

/// Changes the first account's mailbox.
macro_rules! change {
    (|$mailbox:ident| $change:expr) => {
        operation!(|store| match first(&store).await {
            Ok($mailbox) => step($change.await),
            Err(error) => step::<()>(Err(error)),
        })
    };
}

fn uids(numbers: &[u32]) -> Vec<Uid> {
    numbers.iter().map(|number| Uid::new(*number)).collect()
}

const SMALL_TO_ONE: Operation = operation!(|store| deliver(&store, &text(300, 'a'), &[1]).await);
const LARGE_TO_ONE: Operation = operation!(|store| deliver(&store, &text(9000, 'a'), &[1]).await);
const SMALL_TO_THREE: Operation =
    operation!(|store| deliver(&store, &text(300, 'b'), &[1, 2, 3]).await);
const LARGE_TO_THREE: Operation =
    operation!(|store| deliver(&store, &text(9000, 'b'), &[1, 2, 3]).await);
const TO_NOBODY_YET: Operation = operation!(|store| deliver(&store, &text(300, 'c'), &[4]).await);
const MAKE_MAILBOX: Operation = operation!(|store| step(store.mailbox(account(4)).await));
/// About a third of a segment.
const BULK: Operation = change!(|mailbox| mailbox.append(
    folder::INBOX,
    ('a'..'i')
        .map(|letter| message(&text(560, letter)))
        .collect(),
    None
));
const SEVERAL: Operation = change!(|mailbox| mailbox.append(
    folder::INBOX,
    vec![
        message(&text(200, 'd')),
        message(&text(5000, 'd')),
        message(&text(40, '1'))
    ],
    None
));
const FLAGS: Operation = change!(|mailbox| mailbox.alter(
    folder::INBOX,
    &uids(&[1, 2, 4]),
    &FlagChange {
        keywords: vec!["$urgent".into()],
        ..FlagChange::add(Flags::SEEN | Flags::FLAGGED)
    },
    None
));
const MOVE: Operation =
    change!(|mailbox| mailbox.relocate(folder::INBOX, &uids(&[1, 5]), folder::SENT));
const COPY: Operation =
    change!(|mailbox| mailbox.copy(folder::INBOX, &uids(&[2, 5]), ARCHIVE, None));
const MARK: Operation = change!(|mailbox| mailbox.alter(
    folder::INBOX,
    &uids(&[3, 5, 6]),
    &FlagChange::add(Flags::DELETED),
    None
));
const EXPUNGE: Operation = change!(|mailbox| mailbox.remove(folder::INBOX, Removal::Deleted));
const REPLACE: Operation = change!(|mailbox| mailbox.replace(
    folder::INBOX,
    Uid::new(5),
    Replacement {
        blob: Some(blob(&text(4000, 'r'))),
        metadata: None,
        internal_date: None
    },
    None
));
const MAKE_FOLDER: Operation =
    change!(|mailbox| mailbox.create_folder(NewFolder::messages(OLD, "Made")));
const RENAME_FOLDER: Operation = change!(|mailbox| mailbox.change_folder(
    OLD,
    FolderChange {
        name: Some("Renamed".into()),
        parent: Some(ARCHIVE),
        ..FolderChange::default()
    }
));
const DELETE_FOLDER: Operation =
    change!(|mailbox| mailbox.delete_folder(OLD, Contents::Remove, Nested::Delete));
const SUBSCRIBE: Operation = change!(|mailbox| mailbox.change_folder(
    OLD,
    FolderChange {
        subscribed: Some(true),
        ..FolderChange::default()
    }
));
const DELETE_MAILBOX: Operation = operation!(|store| {
    match store.find_mailbox(account(2)).await {
        // An earlier try may have done it.
        Ok(None) => Ok(Acknowledged::No),
        Ok(Some(_)) => step(store.delete_mailbox(account(2)).await),
        Err(error) => step::<()>(Err(error)),
    }
});
const CHECKPOINT: Operation = operation!(|store| {
    // Whether it is made makes no difference to what is there.
    drop(store.checkpoint().await);
    Ok(Acknowledged::Yes)
});
const SMALL_MEANWHILE: Operation = operation!(|store| {
    let text = text(350, 'm');
    let (made, delivered) = tokio::join!(store.checkpoint(), deliver(&store, &text, &[1, 2]));
    drop(made);
    delivered
});
const LARGE_MEANWHILE: Operation = operation!(|store| {
    let text = text(2500, 'n');
    let (made, delivered) = tokio::join!(store.checkpoint(), deliver(&store, &text, &[1, 3]));
    drop(made);
    delivered
});
/// The content that the template's fifth message has.
const THE_SAME_AGAIN: Operation = operation!(|store| deliver(&store, &text(2000, '5'), &[3]).await);

const OPERATIONS: &[(&str, &[Operation])] = &[
    ("deliver to one, small", &[SMALL_TO_ONE]),
    ("deliver to one, large", &[LARGE_TO_ONE]),
    ("deliver to three, small", &[SMALL_TO_THREE]),
    ("deliver to three, large", &[LARGE_TO_THREE]),
    (
        "the first mail of an account",
        &[MAKE_MAILBOX, TO_NOBODY_YET],
    ),
    ("append several", &[SEVERAL]),
    ("flags and a keyword", &[FLAGS]),
    ("move", &[MOVE]),
    ("copy", &[COPY]),
    ("expunge", &[MARK, EXPUNGE]),
    ("replace a draft", &[REPLACE]),
    ("create a folder", &[MAKE_FOLDER]),
    ("rename a folder", &[RENAME_FOLDER]),
    ("delete a folder", &[DELETE_FOLDER]),
    ("subscribe", &[SUBSCRIBE]),
    ("delete a mailbox", &[DELETE_MAILBOX]),
    (
        "over the end of a segment",
        &[SMALL_TO_THREE, BULK, BULK, BULK, SMALL_TO_ONE],
    ),
    (
        "a checkpoint meanwhile",
        &[SMALL_MEANWHILE, FLAGS, LARGE_MEANWHILE, MOVE, CHECKPOINT],
    ),
    (
        "expunge, collect, deliver again",
        &[
            MARK,
            EXPUNGE,
            CHECKPOINT,
            CHECKPOINT,
            THE_SAME_AGAIN,
            CHECKPOINT,
        ],
    ),
];

/// All operations of the store, on a store that holds a little of everything.
pub(in crate::matrix) async fn trials() -> Vec<StoreTrial> {
    let template = Arc::new(template().await);
    OPERATIONS
        .iter()
        .map(|(name, steps)| StoreTrial {
            name,
            steps,
            template: template.clone(),
        })
        .collect()
}

async fn template() -> World {
    let world = World::new(SimDisk::new(), Files::default(), Files::default());
    let store = world.open().await.unwrap();
    fill(&store).await.unwrap();
    store.checkpoint().await.unwrap();
    let (begin, durable) = (world.now(), world.durable.lock().clone());
    let template = World::new(world.disk.restarted(), begin, durable);
    drop(store);
    template
}

async fn fill(store: &Store) -> Result<(), roost_mailbox::Error> {
    for number in [1, 2, 3, APART] {
        store.mailbox(account(number)).await?;
    }
    let mailbox = first(store).await?;
    let archive = NewFolder::messages(folder::ROOT, "Archive");
    assert_eq!(mailbox.create_folder(archive).await?, ARCHIVE);
    let old = NewFolder::messages(folder::ROOT, "Old");
    assert_eq!(mailbox.create_folder(old).await?, OLD);
    for letter in ['1', '2', '3', '4'] {
        let items = vec![message(&text(40, letter))];
        mailbox.append(folder::INBOX, items, None).await?;
    }
    let items = vec![message(&text(2000, '5'))];
    mailbox.append(folder::INBOX, items, None).await?;
    assert_eq!(
        deliver(store, &text(50, '6'), &[1, 2]).await,
        Ok(Acknowledged::Yes)
    );
    let items = vec![message(&text(60, '7')), message(&text(1500, '8'))];
    mailbox.append(OLD, items, None).await?;
    Ok(())
}
