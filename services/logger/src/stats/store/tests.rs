use super::*;
use crate::stats::minute::Minute;

const START: i64 = 1_790_000_000 / 7_200 * 7_200;

fn key(name: &str) -> Key {
    Key {
        node: "n".to_owned(),
        name: name.to_owned(),
        labels: String::new(),
    }
}

fn minute(at: i64, name: &str, value: f64) -> Minute {
    Minute {
        at,
        slots: vec![(key(name), Kind::Level, Slot::of(value))],
    }
}

async fn store(folder: &tempfile::TempDir) -> Store {
    let database = Database::open(folder.path()).await.unwrap();
    Store::open(database, 10).await.unwrap()
}

async fn read(store: &Store, level: usize, from: i64, until: i64) -> Vec<(i64, f64)> {
    let known = store.all().await.unwrap();
    let points = store
        .read(&known[0], LEVELS[level], from, until)
        .await
        .unwrap();
    points
        .iter()
        .map(|point| ((point.at - START) / 60, point.slot.mean))
        .collect()
}

#[tokio::test]
async fn minutes_are_summed_up_into_coarser_levels() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    for number in 0..240_i32 {
        let at = START + i64::from(number) * 60;
        store
            .write(&minute(at, "q", f64::from(number)))
            .await
            .unwrap();
    }
    let end = START + 240 * 60;
    let fine = read(&store, 0, START, end).await;
    assert_eq!(fine.len(), 240);
    assert_eq!(fine[7], (7, 7.0));
    let middle = read(&store, 1, START, end).await;
    assert_eq!(middle.len(), 24);
    assert_eq!(middle[1], (10, 14.5));
    assert_eq!(read(&store, 2, START, end).await, [(0, 59.5), (120, 179.5)]);
    let known = store.all().await.unwrap();
    let coarse = store.read(&known[0], LEVELS[2], START, end).await.unwrap();
    assert_eq!((coarse[1].slot.low, coarse[1].slot.high), (120.0, 239.0));
}

#[tokio::test]
async fn a_gap_is_a_gap_and_a_restart_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(&folder).await;
    for number in 0..5_i32 {
        let at = START + i64::from(number) * 60;
        first.write(&minute(at, "q", 1.0)).await.unwrap();
    }
    // Nothing is closed: as after a kill.
    drop(first);
    let second = store(&folder).await;
    let later = START + 200 * 60;
    second.write(&minute(later, "q", 2.0)).await.unwrap();
    let fine = read(&second, 0, START, later + 60).await;
    let times: Vec<i64> = fine.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 1, 2, 3, 4, 200]);
    // The window that was open when it ended is summed up all the same.
    assert_eq!(read(&second, 1, START, later).await, [(0, 1.0)]);
    assert_eq!(read(&second, 2, START, later).await, [(0, 1.0)]);
}

#[tokio::test]
async fn old_slots_give_way_to_new_ones_so_that_the_size_has_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    // One slot an hour for ten days: each hour is a piece of its own.
    for hour in 0..240_i32 {
        let at = START + i64::from(hour) * 3_600;
        store
            .write(&minute(at, "q", f64::from(hour)))
            .await
            .unwrap();
    }
    let end = START + 240 * 3_600;
    let fine = read(&store, 0, 0, end).await;
    // The pieces of the ring, and the one that fills.
    assert_eq!(fine.len(), 50);
    assert_eq!(fine[0].1, 190.0);
    let middle = read(&store, 1, 0, end).await;
    assert_eq!(middle.len(), 239, "the last window is not over yet");
    let (count, octets): (i64, i64) =
        sqlx::query_as("SELECT count(*), sum(length(slots)) FROM piece")
            .fetch_one(store.database.readers())
            .await
            .unwrap();
    assert_eq!(octets, count * 720);
    let most: i64 = LEVELS.iter().map(|level| level.pieces).sum();
    assert!(count <= most, "{count} of {most}");
}

#[tokio::test]
async fn there_is_room_for_so_many_series_and_what_is_gone_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let slots = (0..12).map(|number| (key(&format!("s{number}")), Kind::Rate, Slot::of(1.0)));
    let many = Minute {
        at: START,
        slots: slots.collect(),
    };
    let written = store.write(&many).await.unwrap();
    assert_eq!(
        (written.slots, written.refused, written.series),
        (10, 2, 10)
    );
    let year_later = START + FORGOTTEN + 7_200;
    let written = store.write(&minute(year_later, "new", 1.0)).await.unwrap();
    assert_eq!(
        (written.refused, written.series),
        (1, 0),
        "room comes with the next minute"
    );
    let written = store
        .write(&minute(year_later + 60, "new", 1.0))
        .await
        .unwrap();
    assert_eq!((written.slots, written.series), (1, 1));
}

#[tokio::test]
async fn a_clock_that_is_set_back_replaces_what_it_tells_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    for at in [START, START + 60, START + 7_200, START + 60] {
        store.write(&minute(at, "q", 1.0)).await.unwrap();
    }
    store.write(&minute(START + 60, "q", 5.0)).await.unwrap();
    store.write(&minute(START + 7_260, "q", 1.0)).await.unwrap();
    let fine = read(&store, 0, START, START + 7_320).await;
    assert_eq!(fine, [(0, 1.0), (1, 5.0), (120, 1.0), (121, 1.0)]);
}
