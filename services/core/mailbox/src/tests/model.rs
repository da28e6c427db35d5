use proptest::prelude::*;

use super::*;
use crate::{FlagAction, FlagChange, Removal, Uid};

/// What a mailbox is, in the simplest words.
#[derive(Debug, Default, Clone)]
struct Model {
    folders: BTreeMap<u32, Vec<ModelItem>>,
    next_uid: BTreeMap<u32, u32>,
    next_item: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ModelItem {
    uid: u32,
    item: u32,
    flags: u32,
    text: String,
}

#[derive(Debug, Clone)]
enum Step {
    Append(u32, Vec<u8>),
    Flag(u32, Vec<u32>, FlagAction, u32),
    Copy(u32, Vec<u32>, u32),
    Move(u32, Vec<u32>, u32),
    Expunge(u32),
    Remove(u32, Vec<u32>),
    Checkpoint,
    Reopen,
}

const FOLDERS: [u32; 3] = [2, 3, 5];

fn place() -> impl Strategy<Value = u32> {
    proptest::sample::select(FOLDERS.to_vec())
}

fn some() -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::vec(1..12_u32, 0..6)
}

fn step() -> impl Strategy<Value = Step> {
    let action = proptest::sample::select(vec![
        FlagAction::Add,
        FlagAction::Remove,
        FlagAction::Replace,
    ]);
    prop_oneof![
        4 => (place(), proptest::collection::vec(0..8_u8, 1..4)).prop_map(|(f, t)| Step::Append(f, t)),
        3 => (place(), some(), action, 0..32_u32).prop_map(|(f, u, a, b)| Step::Flag(f, u, a, b)),
        2 => (place(), some(), place()).prop_map(|(f, u, t)| Step::Copy(f, u, t)),
        2 => (place(), some(), place()).prop_map(|(f, u, t)| Step::Move(f, u, t)),
        1 => place().prop_map(Step::Expunge),
        1 => (place(), some()).prop_map(|(f, u)| Step::Remove(f, u)),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Reopen),
    ]
}

fn uids_of(numbers: &[u32]) -> Vec<Uid> {
    numbers.iter().map(|number| Uid::new(*number)).collect()
}

impl Model {
    fn new() -> Self {
        Self {
            folders: FOLDERS.iter().map(|folder| (*folder, Vec::new())).collect(),
            next_uid: FOLDERS.iter().map(|folder| (*folder, 1)).collect(),
            next_item: 256,
        }
    }

    fn add(&mut self, folder: u32, mut item: ModelItem) -> u32 {
        let next = self.next_uid.get_mut(&folder).unwrap();
        item.uid = *next;
        *next += 1;
        self.folders.get_mut(&folder).unwrap().push(item);
        *next - 1
    }

    fn chosen(&self, folder: u32, uids: &[u32]) -> Vec<ModelItem> {
        let items = self.folders[&folder].iter();
        items
            .filter(|item| uids.contains(&item.uid))
            .cloned()
            .collect()
    }

    fn take(&mut self, folder: u32, gone: impl Fn(&ModelItem) -> bool) -> Vec<Uid> {
        let items = self.folders.get_mut(&folder).unwrap();
        let taken = items
            .iter()
            .filter(|item| gone(item))
            .map(|item| Uid::new(item.uid));
        let taken = taken.collect();
        items.retain(|item| !gone(item));
        taken
    }
}

async fn compare(mailbox: &Mailbox, model: &Model) {
    for (folder, items) in &model.folders {
        let view = mailbox.folder(FolderId::new(*folder)).await.unwrap();
        let mut seen = Vec::new();
        for entry in view.iter() {
            let body = mailbox.load(entry.blob().unwrap()).await.unwrap();
            seen.push(ModelItem {
                uid: entry.uid.get(),
                item: entry.item.get(),
                flags: entry.flags.bits(),
                text: String::from_utf8(body.to_vec()).unwrap(),
            });
        }
        assert_eq!(&seen, items);
        assert_eq!(view.uid_next().get(), model.next_uid[folder]);
    }
    picture(mailbox).await;
}

async fn play(steps: Vec<Step>) {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path()).await;
    let mut mailbox = store.mailbox(account(1)).await.unwrap();
    let mut model = Model::new();
    let mut modseq = mailbox.snapshot().unwrap().modseq();
    for step in steps {
        match step {
            Step::Append(folder, texts) => {
                let texts: Vec<String> = texts.iter().map(|text| format!("text {text}")).collect();
                let items = texts.iter().map(|text| message(text)).collect();
                let appended = mailbox
                    .append(FolderId::new(folder), items, None)
                    .await
                    .unwrap();
                for (text, placed) in texts.into_iter().zip(appended.items) {
                    let item = model.next_item;
                    model.next_item += 1;
                    let new = ModelItem {
                        uid: 0,
                        item,
                        flags: 0,
                        text,
                    };
                    assert_eq!(model.add(folder, new), placed.uid.get());
                    assert_eq!(item, placed.item.get());
                }
            }
            Step::Flag(folder, uids, action, bits) => {
                let change = FlagChange {
                    action,
                    ..FlagChange::add(Flags::from_bits(bits))
                };
                let place = FolderId::new(folder);
                let altered = mailbox
                    .alter(place, &uids_of(&uids), &change, None)
                    .await
                    .unwrap();
                let mut changed = Vec::new();
                for item in model.folders.get_mut(&folder).unwrap() {
                    let new = match action {
                        FlagAction::Add => item.flags | bits,
                        FlagAction::Remove => item.flags & !bits,
                        FlagAction::Replace => bits,
                    };
                    if uids.contains(&item.uid) && new != item.flags {
                        item.flags = new;
                        changed.push(Uid::new(item.uid));
                    }
                }
                assert_eq!(altered.changed, changed);
            }
            Step::Copy(folder, uids, to) => {
                let (from, target) = (FolderId::new(folder), FolderId::new(to));
                let copied = mailbox
                    .copy(from, &uids_of(&uids), target, None)
                    .await
                    .unwrap();
                let mut pairs = Vec::new();
                for item in model.chosen(folder, &uids) {
                    let copy = ModelItem {
                        item: model.next_item,
                        ..item.clone()
                    };
                    model.next_item += 1;
                    pairs.push((Uid::new(item.uid), Uid::new(model.add(to, copy))));
                }
                assert_eq!(copied.pairs, pairs);
            }
            Step::Move(folder, uids, to) => {
                let (from, target) = (FolderId::new(folder), FolderId::new(to));
                let moved = mailbox
                    .relocate(from, &uids_of(&uids), target)
                    .await
                    .unwrap();
                let items = model.chosen(folder, &uids);
                model.take(folder, |item| uids.contains(&item.uid));
                let pairs: Vec<_> = items
                    .into_iter()
                    .map(|item| (Uid::new(item.uid), Uid::new(model.add(to, item))))
                    .collect();
                assert_eq!(moved.pairs, pairs);
            }
            Step::Expunge(folder) => {
                let removed = mailbox
                    .remove(FolderId::new(folder), Removal::Deleted)
                    .await
                    .unwrap();
                let deleted = Flags::DELETED.bits();
                assert_eq!(
                    removed,
                    model.take(folder, |item| item.flags & deleted != 0)
                );
            }
            Step::Remove(folder, uids) => {
                let these = uids_of(&uids);
                let removed = mailbox.remove(FolderId::new(folder), Removal::These(&these));
                let removed = removed.await.unwrap();
                assert_eq!(removed, model.take(folder, |item| uids.contains(&item.uid)));
            }
            Step::Checkpoint => store.checkpoint().await.unwrap(),
            Step::Reopen => {
                drop((mailbox, store));
                store = open(directory.path()).await;
                mailbox = store.mailbox(account(1)).await.unwrap();
            }
        }
        let now = mailbox.snapshot().unwrap().modseq();
        assert!(now >= modseq);
        modseq = now;
    }
    compare(&mailbox, &model).await;
    check_contents(&store).await;
    drop((mailbox, store));
    let store = open(directory.path()).await;
    compare(&store.mailbox(account(1)).await.unwrap(), &model).await;
    check_contents(&store).await;
    assert_eq!(files(directory.path()), references(&store).await.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn a_mailbox_does_what_the_model_does(steps in proptest::collection::vec(step(), 1..40)) {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
            .block_on(play(steps));
    }
}
