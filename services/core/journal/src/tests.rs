//! The journal's laws on a disk that loses, tears, fills up and fails.

mod damage;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use roost_kit::clock::Clock;
use roost_kit::disk::{Disk, DiskHandle, RealDisk};

use crate::sim_disk::{Loss, SimDisk};
use crate::{AppendError, Config, Draft, Journal, Kind, OpenError, Recovery, Sequence};

const KINDS: &[Kind] = &[Kind {
    number: 1,
    version_max: 0,
}];

fn config() -> Config {
    Config {
        segment_bytes: 4096,
        gather: Duration::ZERO,
        ..Config::new("/journal", KINDS)
    }
}

fn draft(text: &str) -> Draft {
    Draft {
        kind: 1,
        version: 0,
        stream: 7,
        payload: Bytes::copy_from_slice(text.as_bytes()),
    }
}

fn long(number: u64) -> String {
    format!("{number}:{}", "x".repeat(number as usize * 37 % 700))
}

fn read(disk: &SimDisk) -> Recovery {
    Recovery::read(config(), Arc::new(disk.clone())).unwrap()
}

fn open(disk: &SimDisk) -> Journal {
    read(disk).start(Clock::system()).unwrap()
}

fn contents(recovery: &Recovery) -> Vec<(u64, String)> {
    recovery
        .replay(recovery.first().previous())
        .unwrap()
        .map(|record| record.unwrap())
        .map(|record| {
            let text = String::from_utf8(record.payload.to_vec()).unwrap();
            (record.sequence.get(), text)
        })
        .collect()
}

fn segment(number: u64) -> PathBuf {
    PathBuf::from(format!("/journal/segment-{number:012}"))
}

#[tokio::test]
async fn what_was_appended_is_replayed_in_order_over_several_segments() {
    let disk = SimDisk::new();
    let journal = open(&disk);
    for number in 1..=40 {
        let durable = journal.append(vec![draft(&long(number))]).await.unwrap();
        assert_eq!(durable.sequence().get(), number);
    }
    assert!(journal.stats().segments > 2);
    drop(journal);
    let recovery = read(&disk.after_crash(Loss::Everything));
    let expected: Vec<_> = (1..=40).map(|number| (number, long(number))).collect();
    assert_eq!(contents(&recovery), expected);
    assert_eq!(recovery.damage(), []);
    assert_eq!(recovery.replay(Sequence::new(30)).unwrap().count(), 10);
}

#[tokio::test]
async fn a_live_journal_can_be_followed() {
    let disk = SimDisk::new();
    let journal = open(&disk);
    for number in 1..=30 {
        journal.append(vec![draft(&long(number))]).await.unwrap();
    }
    let read: Vec<u64> = journal
        .read(Sequence::new(3))
        .unwrap()
        .map(|record| record.unwrap().sequence.get())
        .collect();
    assert_eq!(read, (4..=30).collect::<Vec<_>>());
}

#[tokio::test]
async fn released_segments_are_recycled_and_their_old_records_stay_dead() {
    let disk = SimDisk::new();
    let journal = open(&disk);
    for number in 1..=200 {
        let durable = journal.append(vec![draft(&long(number))]).await.unwrap();
        journal.release(durable.sequence());
    }
    assert!(journal.stats().segments <= 2);
    let first = journal.first();
    assert!(matches!(
        journal.read(Sequence::ZERO),
        Err(OpenError::Released { .. })
    ));
    drop(journal);
    let files = disk.list(Path::new("/journal")).unwrap();
    assert!(files.len() <= 4, "{files:?}");
    let recovery = read(&disk.after_crash(Loss::Everything));
    assert_eq!(recovery.first(), first);
    assert_eq!(recovery.last().get(), 200);
    assert_eq!(recovery.damage(), []);
}

/// The workload of the crash tests: returns what was acknowledged.
async fn workload(disk: &SimDisk) -> (Vec<(u64, String)>, u64) {
    let mut acknowledged = Vec::new();
    let mut tried = 0;
    let Ok(recovery) = Recovery::read(config(), Arc::new(disk.clone())) else {
        return (acknowledged, tried);
    };
    let Ok(journal) = recovery.start(Clock::system()) else {
        return (acknowledged, tried);
    };
    for step in 0..14_u64 {
        // Several appends at once, one of them of several records.
        let mut pending = Vec::new();
        for append in 0..=step % 3 {
            let texts: Vec<String> = (0..=append)
                .map(|_| {
                    tried += 1;
                    long(tried)
                })
                .collect();
            let drafts: Vec<Draft> = texts.iter().map(|text| draft(text)).collect();
            let bytes = drafts.iter().map(Draft::stored_bytes).sum();
            let Ok(permit) = journal.reserve(bytes).await else {
                continue;
            };
            let Ok(append) = journal.enqueue(permit, drafts) else {
                continue;
            };
            pending.push((append.first().get(), texts, append));
        }
        for (first, texts, append) in pending {
            if append.await.is_ok() {
                acknowledged.extend((first..).zip(texts));
            }
        }
        if step == 9 {
            journal.release(Sequence::new(4));
        }
    }
    (acknowledged, tried)
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_wherever_the_machine_crashes() {
    let whole = SimDisk::new();
    let (acknowledged, _) = workload(&whole).await;
    assert_eq!(acknowledged.len(), 44);
    let points = whole.operations();
    assert!(points > 40);
    for point in 0..points {
        let disk = SimDisk::new();
        disk.crash_at(point);
        let (acknowledged, tried) = workload(&disk).await;
        let losses = [Loss::Everything, Loss::Nothing]
            .into_iter()
            .chain((0..6).map(|seed| Loss::Random(seed * 1000 + point)));
        for loss in losses {
            check_after_crash(&disk.after_crash(loss), &acknowledged, tried, point, loss).await;
        }
    }
}

async fn check_after_crash(
    disk: &SimDisk,
    acknowledged: &[(u64, String)],
    tried: u64,
    point: u64,
    loss: Loss,
) {
    let recovery = read(disk);
    assert_eq!(recovery.damage(), [], "crash at {point}, {loss:?}");
    let found = contents(&recovery);
    let first = recovery.first().get();
    for entry in acknowledged
        .iter()
        .filter(|(sequence, _)| *sequence >= first)
    {
        assert!(found.contains(entry), "{entry:?} lost: {point}, {loss:?}");
    }
    let last = recovery.last().get();
    assert!(last <= tried);
    let expected: Vec<_> = (first..=last)
        .map(|number| (number, long(number)))
        .collect();
    assert_eq!(found, expected, "crash at {point}, {loss:?}");
    // Reading twice is the same, and the journal goes on where it stands.
    assert_eq!(contents(&read(disk)), found);
    let journal = recovery.start(Clock::system()).unwrap();
    let durable = journal.append(vec![draft("after")]).await.unwrap();
    assert_eq!(durable.sequence().get(), last + 1);
    drop(journal);
    let again = read(&disk.after_crash(Loss::Everything));
    assert_eq!(again.last(), durable.sequence());
    assert_eq!(again.damage(), [], "second start after {point}, {loss:?}");
    let mut expected = found;
    expected.push((last + 1, "after".to_owned()));
    assert_eq!(contents(&again), expected);
}

#[tokio::test]
async fn an_append_of_several_records_happens_whole_or_not_at_all() {
    let disk = SimDisk::new();
    let journal = open(&disk);
    let texts = ["a", "b", "c"].map(|text| draft(&text.repeat(600)));
    journal.append(vec![draft("one")]).await.unwrap();
    journal.append(texts.to_vec()).await.unwrap();
    drop(journal);
    // The last record of the group is torn.
    disk.corrupt(&segment(1), 128 + 56 + 2 * 648 + 100, b"!!")
        .unwrap();
    let recovery = read(&disk);
    assert_eq!(contents(&recovery), [(1, "one".to_owned())]);
    assert_eq!(recovery.damage(), []);
    let journal = recovery.start(Clock::system()).unwrap();
    journal.append(vec![draft("two")]).await.unwrap();
    drop(journal);
    assert_eq!(
        contents(&read(&disk)),
        [(1, "one".to_owned()), (2, "two".to_owned())]
    );
}

#[tokio::test]
async fn damage_in_the_middle_is_reported_set_aside_and_skipped() {
    let disk = SimDisk::new();
    let journal = open(&disk);
    for text in ["one", "two", "three"] {
        journal.append(vec![draft(text)]).await.unwrap();
    }
    drop(journal);
    disk.corrupt(&segment(1), 128 + 56 + 50, b"?").unwrap();
    let recovery = read(&disk);
    let damage = recovery.damage().to_vec();
    assert_eq!(damage.len(), 1);
    assert_eq!((damage[0].offset, damage[0].bytes), (184, 56));
    assert_eq!((damage[0].first.get(), damage[0].last.get()), (2, 2));
    assert_eq!(
        contents(&recovery),
        [(1, "one".to_owned()), (3, "three".to_owned())]
    );
    let journal = recovery.start(Clock::system()).unwrap();
    assert!(
        disk.exists(Path::new("/journal/damaged/000000000001-184"))
            .unwrap()
    );
    let next = journal.append(vec![draft("four")]).await.unwrap();
    assert_eq!(next.sequence().get(), 4);
}

#[tokio::test]
async fn a_changed_record_breaks_the_chain_even_with_a_right_checksum() {
    let disk = SimDisk::new();
    let journal = open(&disk);
    for number in 1..=30 {
        journal.append(vec![draft(&long(number))]).await.unwrap();
    }
    drop(journal);
    // A header that names another digest for what came before.
    let mut header = disk.read(&segment(2)).unwrap();
    header.truncate(128);
    let mut changed = crate::format::SegmentHeader::decode(&header).unwrap();
    changed.previous_digest = [1; 32];
    disk.corrupt(&segment(2), 0, &changed.encode()).unwrap();
    let recovery = read(&disk);
    assert_eq!(recovery.damage().len(), 1);
    assert_eq!(recovery.damage()[0].segment, 2);
    assert_eq!(contents(&recovery).len(), 30);
}

#[tokio::test]
async fn unknown_kinds_are_refused_before_anything_is_written() {
    let disk = SimDisk::new();
    let journal = open(&disk);
    let newer = Draft {
        version: 1,
        ..draft("newer")
    };
    journal.append(vec![newer]).await.unwrap();
    drop(journal);
    let before = disk.operations();
    let refused = Recovery::read(config(), Arc::new(disk.clone()));
    assert!(matches!(
        refused,
        Err(OpenError::UnknownKind {
            kind: 1,
            version: 1,
            ..
        })
    ));
    assert_eq!(disk.operations(), before);
}

#[tokio::test]
async fn a_failed_sync_stops_the_journal_for_good() {
    let disk = SimDisk::new();
    let journal = open(&disk);
    journal.append(vec![draft("one")]).await.unwrap();
    disk.fail_sync("segment-");
    let failed = journal.append(vec![draft("two")]).await;
    assert!(matches!(failed, Err(AppendError::Failed { .. })));
    assert!(journal.has_failed());
    let later = journal.append(vec![draft("three")]).await;
    assert!(matches!(later, Err(AppendError::Failed { .. })));
    drop(journal);
    // A process that starts again sees "two" in the page cache. If it takes it for written, it
    // must make it so.
    let restarted = disk.after_crash(Loss::Nothing);
    let recovery = read(&disk);
    let seen = contents(&recovery);
    drop(recovery.start(Clock::system()).unwrap());
    let journal = contents(&read(&disk.after_crash(Loss::Everything)));
    assert_eq!(journal, seen);
    drop(restarted);
}

#[tokio::test]
async fn a_full_disk_refuses_and_passes() {
    let disk = SimDisk::new();
    disk.set_capacity(Some(3 * 4096));
    let journal = open(&disk);
    let mut accepted = 0;
    let refused = loop {
        match journal.append(vec![draft(&"y".repeat(500))]).await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::NoSpace { .. }) && refused.is_transient());
    assert_eq!(journal.read(Sequence::ZERO).unwrap().count(), accepted);
    disk.set_capacity(None);
    // Releasing wakes the thread that makes segments ready.
    let durable = loop {
        journal.release(Sequence::new(accepted as u64));
        match journal.append(vec![draft("again")]).await {
            Ok(durable) => break durable,
            Err(error) => assert!(error.is_transient()),
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(durable.sequence().get(), accepted as u64 + 1);
}

#[tokio::test]
async fn what_was_built_on_a_refused_append_is_refused_too() {
    let disk = SimDisk::new();
    disk.set_capacity(Some(2 * 4096));
    let journal = open(&disk);
    let epoch = journal.epoch();
    while journal.append(vec![draft(&"y".repeat(500))]).await.is_ok() {}
    disk.set_capacity(None);
    while journal.append(vec![draft("again")]).await.is_err() {
        journal.release(journal.durable());
        tokio::task::yield_now().await;
    }
    let permit = journal.reserve(100).await.unwrap();
    let stale = journal.enqueue_then(permit, Some(epoch), vec![draft("stale")], |_| ());
    assert!(matches!(stale, Err(AppendError::Superseded)));
}

#[tokio::test]
async fn too_much_for_a_segment_is_the_callers_fault() {
    let journal = open(&SimDisk::new());
    let refused = journal.append(vec![draft(&"z".repeat(4000))]).await;
    assert!(matches!(
        refused,
        Err(AppendError::TooLarge { max: 3968, .. })
    ));
    assert!(journal.append(vec![draft(&"z".repeat(3920))]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn busy_clients_share_syncs() {
    let folder = tempfile::tempdir().unwrap();
    let disk: DiskHandle = Arc::new(RealDisk);
    let config = Config {
        segment_bytes: 1 << 20,
        gather: Duration::from_millis(50),
        ..Config::new(folder.path(), KINDS)
    };
    let journal = Recovery::read(config, disk).unwrap();
    let journal = Arc::new(journal.start(Clock::system()).unwrap());
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let journal = journal.clone();
        clients.spawn(async move {
            for number in 0..50 {
                journal.append(vec![draft(&long(number))]).await.unwrap();
            }
        });
    }
    clients.join_all().await;
    let stats = journal.stats();
    assert_eq!(stats.appends, 500);
    assert!(stats.flushes <= 150, "{stats:?}");
}
