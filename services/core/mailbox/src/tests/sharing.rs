use super::*;
use crate::{FlagChange, Removal, Uid};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_share_one_folder() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8_u32 {
        let store = store.clone();
        tasks.spawn(async move {
            let mailbox = store.mailbox(account(1)).await.unwrap();
            let mut last = Uid::default();
            for number in 0..30 {
                let text = format!("{task} {number}");
                let placed = mailbox
                    .append(folder::INBOX, vec![message(&text)], None)
                    .await
                    .unwrap()
                    .items[0];
                assert!(placed.uid > last);
                last = placed.uid;
                let view = mailbox.folder(folder::INBOX).await.unwrap();
                let entry = view.find(placed.uid).unwrap();
                assert_eq!(mailbox.load(entry.blob().unwrap()).await.unwrap(), text);
                match number % 3 {
                    0 => {
                        let seen = FlagChange::add(Flags::SEEN);
                        let one = [placed.uid];
                        mailbox
                            .alter(folder::INBOX, &one, &seen, None)
                            .await
                            .unwrap();
                    }
                    1 => {
                        let one = [placed.uid];
                        let gone = mailbox.remove(folder::INBOX, Removal::These(&one));
                        assert_eq!(gone.await.unwrap(), one);
                    }
                    _ => {
                        let to = recipient(account(2 + u128::from(task % 2)));
                        let both = vec![recipient(account(1)), to];
                        for outcome in store.deliver(blob(&text), both).await {
                            outcome.unwrap();
                        }
                    }
                }
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    let mailbox = store.mailbox(account(1)).await.unwrap();
    let all = uids(&mailbox, folder::INBOX).await;
    assert_eq!(all.len(), 8 * (10 + 10 + 10));
    let before = picture(&mailbox).await;
    let view = mailbox.folder(folder::INBOX).await.unwrap();
    assert_eq!(view.uid_next().get(), 8 * 40 + 1);
    check_contents(&store).await;
    drop((mailbox, store, view));
    let store = open(directory.path()).await;
    let mailbox = store.mailbox(account(1)).await.unwrap();
    assert_eq!(picture(&mailbox).await, before);
    check_contents(&store).await;
}

/// A folder that is read from SQL while changes of it are under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_loaded_while_it_changes() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..12_u32 {
        let store = open(directory.path()).await;
        let busy = store.clone();
        let writing = tokio::task::JoinSet::from_iter([async move {
            for number in 0..40 {
                let text = format!("{round} {number}");
                let outcomes = busy.deliver(blob(&text), vec![recipient(account(1))]).await;
                outcomes
                    .into_iter()
                    .for_each(|outcome| assert!(outcome.is_ok()));
            }
        }]);
        let mailbox = store.mailbox(account(1)).await.unwrap();
        let mut before = 0;
        loop {
            let view = mailbox.folder(folder::INBOX).await.unwrap();
            assert_eq!(view.len(), view.counts().total as usize);
            assert!(view.len() >= before);
            before = view.len();
            if before == (round as usize + 1) * 40 {
                break;
            }
            tokio::task::yield_now().await;
        }
        writing.join_all().await;
        picture(&mailbox).await;
    }
}

#[tokio::test]
async fn idle_mailboxes_leave_memory_and_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let small = Config {
        idle_mailboxes_max: 2,
        idle_entries_max: 5,
        ..config(directory.path())
    };
    let store = Store::open(small, Arc::new(RealDisk), Clock::system())
        .await
        .unwrap();
    for number in 1..=10 {
        for text in ["a", "b"] {
            let outcomes = store
                .deliver(blob(text), vec![recipient(account(number))])
                .await;
            outcomes
                .into_iter()
                .for_each(|outcome| assert!(outcome.is_ok()));
        }
    }
    let used = store.mailbox(account(3)).await.unwrap();
    store.checkpoint().await.unwrap();
    assert!(store.stats().mailboxes <= 3, "{:?}", store.stats());
    for number in 1..=10 {
        let mailbox = store.mailbox(account(number)).await.unwrap();
        assert_eq!(uids(&mailbox, folder::INBOX).await, [1, 2]);
        picture(&mailbox).await;
    }
    picture(&used).await;
}
