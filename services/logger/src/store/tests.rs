//! Lines through the whole of the store.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use roost_journal::sim_disk::{Loss, SimDisk};
use roost_kit::clock::Clock;
use roost_kit::disk::{DiskHandle, RealDisk};
use roost_kit::health::Health;
use roost_kit::metrics::Metrics;
use roost_kit::tasks::Tasks;

use super::intake::{Ground, Intake};
use super::term::Kind;
use super::{Batch, Direction, Line, Search, Source, Store, Term, Transport};
use crate::metrics::Counts;
use crate::syslog::Severity;

fn batch(lines: impl IntoIterator<Item = (i64, String)>) -> Batch {
    let mut batch = Batch::default();
    for (received, octets) in lines {
        batch.push(Line {
            source: Source::own(Transport::Tcp),
            received,
            is_cut: false,
            octets: octets.as_bytes(),
        });
    }
    batch
}

/// A line as the mta writes it.
fn mail(number: u64) -> String {
    format!(
        "<22>1 2026-11-24T16:11:19.{:06}Z mx{} roost-mta 7 - [roost@32473 queue_id=\"Q{number}\" \
         from=\"u{}@example.test\"] delivery",
        number % 1_000_000,
        number % 3,
        number % 50,
    )
}

fn found(store: &Store, search: &Search) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    store
        .search(search, |number, entry| {
            found.push((number, String::from_utf8(entry.octets).unwrap()));
            ControlFlow::Continue(())
        })
        .unwrap();
    found
}

fn ground(disk: &DiskHandle) -> Ground {
    Ground {
        disk: Arc::clone(disk),
        clock: Clock::system(),
        tasks: Tasks::new(),
        health: Health::new(),
        counts: Counts::new(&Metrics::new("roost-test", "1")),
    }
}

#[test]
fn lines_are_found_before_and_after_they_are_sealed() {
    const LINES: u64 = 12_000;
    let folder = tempfile::tempdir().unwrap();
    let disk: DiskHandle = Arc::new(RealDisk);
    let store = Store::open(Arc::clone(&disk), folder.path()).unwrap();
    let check = |store: &Store| {
        assert_eq!(*store.last_line().borrow(), LINES);
        for number in [0, 1, 4_999, 5_000, 8_000, LINES - 1] {
            let name = format!("Q{number}");
            let search = Search {
                terms: vec![vec![Term::new(Kind::QueueId, name.as_bytes())]],
                needle: Some(format!("queue_id=\"q{number}\"").into_bytes()),
                ..Search::default()
            };
            assert_eq!(found(store, &search), [(number + 1, mail(number))]);
        }
        let search = Search {
            begin: 100,
            end: 103,
            ..Search::default()
        };
        let newest: Vec<u64> = found(store, &search).iter().map(|one| one.0).collect();
        assert_eq!(newest, [103, 102, 101]);
        let search = Search {
            after: LINES - 2,
            direction: Direction::Oldest,
            ..Search::default()
        };
        let oldest: Vec<u64> = found(store, &search).iter().map(|one| one.0).collect();
        assert_eq!(oldest, [LINES - 1, LINES]);
        let both = Search {
            terms: vec![
                vec![Term::new(Kind::Host, b"mx1")],
                vec![Term::new(Kind::App, b"no such program")],
            ],
            ..Search::default()
        };
        assert!(found(store, &both).is_empty());
    };
    for number in 0..LINES {
        let lines = [(i64::try_from(number).unwrap(), mail(number))];
        store.add(number + 1, &batch(lines).into_bytes()).unwrap();
        if number == 5_000 {
            store.seal().unwrap();
        }
    }
    check(&store);
    store.seal().unwrap();
    check(&store);
    let usage = store.usage();
    assert_eq!((usage.lines, usage.segments), (LINES, 2));
    assert!(usage.bytes * 8 < usage.plain_bytes, "{usage:?}");
    drop(store);
    let store = Store::open(Arc::clone(&disk), folder.path()).unwrap();
    assert_eq!(store.sequence(), LINES);
    check(&store);
    store.remove_oldest().unwrap();
    assert_eq!(store.usage().lines, LINES - 5_001);
}

#[test]
fn a_day_is_a_segment_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(Arc::new(RealDisk), folder.path()).unwrap();
    let day = 86_400_000;
    for (sequence, received) in [(1, 5), (2, day - 1), (3, day), (4, day - 5), (5, 2 * day)] {
        let lines = [(received, mail(sequence))];
        store.add(sequence, &batch(lines).into_bytes()).unwrap();
    }
    let names: Vec<String> = store
        .segments()
        .iter()
        .map(|one| {
            one.path()
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(
        names,
        ["19700101-000000000001.log", "19700101-000000000003.log"]
    );
}

#[test]
fn damage_costs_its_block_or_its_segment_and_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let disk: DiskHandle = Arc::new(RealDisk);
    let store = Store::open(Arc::clone(&disk), folder.path()).unwrap();
    for number in 0..2 {
        let lines = (0..4_000).map(|line| (number, mail(line)));
        store
            .add(
                u64::try_from(number).unwrap() + 1,
                &batch(lines).into_bytes(),
            )
            .unwrap();
        store.seal().unwrap();
    }
    let paths: Vec<_> = store
        .segments()
        .iter()
        .map(|one| one.path().to_owned())
        .collect();
    drop(store);
    let spoil = |path: &Path, from_end: bool| {
        let file = disk.open(path).unwrap();
        let at = if from_end {
            file.length().unwrap() - 20
        } else {
            100
        };
        file.write_all_at(b"\xff\xff\xff", at).unwrap();
    };
    spoil(&paths[0], false);
    spoil(&paths[1], true);
    let store = Store::open(Arc::clone(&disk), folder.path()).unwrap();
    assert_eq!(store.segments().len(), 1);
    let left = found(&store, &Search::default()).len();
    assert!(left < 4_000, "{left}");
    assert!(
        folder
            .path()
            .join("damaged")
            .join(paths[1].file_name().unwrap())
            .exists()
    );
}

/// Every acknowledged line once, in the order of its sender, after crashes at many moments.
#[test]
fn what_was_acknowledged_survives_a_crash() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let directory = Path::new("/log");
    for call in (2..60).step_by(3) {
        let sim = SimDisk::new();
        sim.crash_at(call);
        let disk: DiskHandle = Arc::new(sim.clone());
        let mut acknowledged = 0_u64;
        let open = |disk: &DiskHandle| -> anyhow::Result<(Store, Intake, Ground)> {
            let ground = ground(disk);
            let store = Store::open(Arc::clone(disk), directory)?;
            let intake = Intake::open(&store, &directory.join("journal"), ground.clone())?;
            Ok((store, intake, ground))
        };
        let opened = runtime.block_on(async { open(&disk) });
        if let Ok((store, intake, ground)) = opened {
            runtime.block_on(async {
                for number in 0..20 {
                    let lines = [(1, mail(number * 2)), (1, mail(number * 2 + 1))];
                    if intake.put(batch(lines)).await.is_err() {
                        break;
                    }
                    acknowledged += 2;
                    if number % 7 == 6 && store.seal().is_err() {
                        break;
                    }
                }
                drop(intake);
                ground.tasks.shut_down(Duration::from_secs(10)).await;
            });
        }
        for loss in [Loss::Everything, Loss::Nothing, Loss::Random(call)] {
            let disk: DiskHandle = Arc::new(sim.after_crash(loss));
            let (store, lines) = runtime.block_on(async {
                let (store, intake, ground) = open(&disk).unwrap();
                drop(intake);
                ground.tasks.shut_down(Duration::from_secs(10)).await;
                let search = Search {
                    direction: Direction::Oldest,
                    ..Search::default()
                };
                let lines = found(&store, &search);
                (store, lines)
            });
            let expected: Vec<(u64, String)> = (0..lines.len() as u64)
                .map(|number| (number + 1, mail(number)))
                .collect();
            assert_eq!(lines, expected, "crash at call {call}, {loss:?}");
            assert!(
                lines.len() as u64 >= acknowledged,
                "{call}: {} of {acknowledged}",
                lines.len()
            );
            assert_eq!(store.usage().lines, lines.len() as u64);
        }
    }
}

#[tokio::test]
async fn the_least_urgent_go_first_when_room_is_scarce() {
    let folder = tempfile::tempdir().unwrap();
    let disk: DiskHandle = Arc::new(RealDisk);
    let ground = ground(&disk);
    let store = Store::open(Arc::clone(&disk), folder.path()).unwrap();
    let intake = Intake::open(&store, &folder.path().join("journal"), ground.clone()).unwrap();
    let refused = |waiting: usize| {
        let all = Severity::ALL.into_iter();
        let refused = all.filter(|severity| !intake.has_room_for(*severity, waiting));
        refused.map(Severity::name).collect::<Vec<_>>()
    };
    let room = super::intake::ROOM_BYTES as usize;
    assert!(refused(0).is_empty());
    assert_eq!(refused(room / 2), ["debug"]);
    assert_eq!(refused(room / 4 * 3), ["notice", "info", "debug"]);
    assert_eq!(refused(room - 1), ["warning", "notice", "info", "debug"]);
    assert_eq!(refused(room).len(), 8);
    assert!(intake.offer(batch([(1, mail(1))])));
    let mut last = store.last_line();
    last.wait_for(|last| *last == 1).await.unwrap();
    drop(intake);
    ground.tasks.shut_down(Duration::from_secs(10)).await;
    assert_eq!(store.usage().lines, 1);
}
