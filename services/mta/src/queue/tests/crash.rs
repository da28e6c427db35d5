//! A crash at any moment, with any part of what was not synced: nothing that was acknowledged is
//! lost, nothing that was recorded as delivered comes back.

use std::collections::HashMap;

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

/// What the clients and hosts outside know at the crash.
#[derive(Default)]
struct World {
    /// Acknowledged, and not recorded as delivered: must be there.
    waiting: HashMap<QueueId, Vec<u8>>,
    /// Recorded as delivered: must not come back.
    gone: Vec<QueueId>,
    /// Under way when the machine stopped: either way is right.
    unsure: Vec<QueueId>,
    /// Delivered, with the record on its way to the disk.
    late: Vec<(QueueId, Begun)>,
}

async fn work(queue: &Queue, world: &mut World, random: &mut StdRng) {
    for _ in 0..60 {
        let waiting: Vec<_> = world.waiting.keys().copied().collect();
        let chosen = waiting
            .get(random.random_range(0..waiting.len().max(1)))
            .copied();
        let done = match (random.random_range(0..10), chosen) {
            (0..=4, _) | (_, None) => take_in(queue, world, random).await,
            (5, Some(id)) => hand_over(queue, world, id).await,
            (6, Some(id)) => hand_over_and_go_on(queue, world, id).await,
            (7, Some(id)) => put_off(queue, id).await,
            (8, Some(id)) => queue.move_to_file(id).await.is_ok(),
            (_, Some(_)) => queue.checkpoint().await.is_ok(),
        };
        if !done {
            return;
        }
    }
}

async fn take_in(queue: &Queue, world: &mut World, random: &mut StdRng) -> bool {
    let id = queue.new_id();
    let large = random.random_bool(0.2);
    let length = random.random_range(1..if large { 9_000 } else { 900 });
    let content: Vec<u8> = (0..length).map(|_| random.random()).collect();
    world.unsure.push(id);
    let place = if large {
        let bytes = Bytes::from(content.clone());
        if queue.spool_content(id, bytes).await.is_err() {
            return false;
        }
        Place::File
    } else {
        Place::Memory(Bytes::from(content.clone()))
    };
    let accepted = queue
        .accept(id, message(&["bob@example.test"], &content), place)
        .await;
    if accepted.is_ok() {
        world.unsure.retain(|unsure| *unsure != id);
        world.waiting.insert(id, content);
    }
    accepted.is_ok()
}

async fn hand_over(queue: &Queue, world: &mut World, id: QueueId) -> bool {
    let content = world.waiting.remove(&id);
    let recorded = queue.attempted(id, vec![attempt(0, Fate::Delivered)]).await;
    match (recorded, content) {
        (Ok(_), _) => world.gone.push(id),
        (Err(_), _) => {
            world.unsure.push(id);
            return false;
        }
    }
    true
}

/// As the dispatcher does with the last result about a message: it may come back if the crash
/// comes before the sync, and not afterwards.
async fn hand_over_and_go_on(queue: &Queue, world: &mut World, id: QueueId) -> bool {
    world.waiting.remove(&id);
    world.unsure.push(id);
    let begun = queue.begin_attempted(id, vec![attempt(0, Fate::Delivered)]);
    let Ok(begun) = begun.await else {
        return false;
    };
    assert_eq!(begun.change(), Change::Left);
    assert!(queue.get(id).is_none(), "it is gone for everybody at once");
    world.late.push((id, begun));
    if world.late.len() < 3 {
        return true;
    }
    for (id, begun) in world.late.drain(..) {
        if queue.finish(begun).await.is_err() {
            return false;
        }
        world.unsure.retain(|unsure| *unsure != id);
        world.gone.push(id);
    }
    true
}

async fn put_off(queue: &Queue, id: QueueId) -> bool {
    queue
        .attempted(id, vec![attempt(0, Fate::Deferred)])
        .await
        .is_ok()
}

async fn check(world: &World, disk: &SimDisk) {
    let queue = open(disk);
    for (id, content) in &world.waiting {
        assert!(
            queue.get(*id).is_some(),
            "{id} was acknowledged and is lost"
        );
        assert_eq!(&read(&queue, *id).await, content, "{id}");
    }
    for id in &world.gone {
        assert!(queue.get(*id).is_none(), "{id} was delivered and is back");
    }
    for (id, _) in queue.list() {
        let known = world.waiting.contains_key(&id) || world.unsure.contains(&id);
        assert!(known, "{id} came from nowhere");
    }
    let files = queue.spool().list().unwrap();
    assert!(
        files.iter().all(|id| queue.get(*id).is_some()),
        "a file without a message"
    );
}

fn run(seed: u64, crash_at: u64, loss: Loss) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let disk = SimDisk::new();
        let mut world = World::default();
        {
            let queue = open(&disk);
            disk.crash_at(disk.operations() + crash_at);
            let mut random = StdRng::seed_from_u64(seed);
            work(&queue, &mut world, &mut random).await;
        }
        let after = disk.after_crash(loss);
        check(&world, &after).await;
        // Recovering changes nothing that a second recovery would see otherwise.
        check(&world, &after.after_crash(loss)).await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn a_crash_at_any_moment_loses_and_doubles_nothing(
        seed in any::<u64>(),
        crash_at in 1u64..400,
        loss in prop_oneof![
            Just(Loss::Everything),
            Just(Loss::Nothing),
            any::<u64>().prop_map(Loss::Random),
        ],
    ) {
        run(seed, crash_at, loss);
    }
}
