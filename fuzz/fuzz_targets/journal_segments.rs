//! A journal as a disk gives it back: octets changed, cut off, moved, in the wrong file. Reading never
//! panics; what is replayed was written, in its order, and what is missing is named as damage.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use roost_journal::sim_disk::SimDisk;
use roost_journal::{Config, Draft, Kind, Recovery};
use roost_kit::clock::Clock;
use roost_kit::disk::{Disk, DiskHandle};

const KINDS: &[Kind] = &[Kind {
    number: 1,
    version_max: 0,
}];

fn config() -> Config {
    Config {
        segment_bytes: 4096,
        spare_segments: 1,
        gather: Duration::ZERO,
        ..Config::new("/journal", KINDS)
    }
}

/// A sound journal of several segments: its files, and the payloads in their order.
struct Sound {
    files: Vec<(PathBuf, Vec<u8>)>,
    payloads: Vec<Bytes>,
}

static SOUND: LazyLock<Sound> = LazyLock::new(|| {
    let disk = SimDisk::new();
    let handle: DiskHandle = Arc::new(disk.clone());
    let recovery = Recovery::read(config(), handle).unwrap();
    let journal = recovery.start(Clock::system()).unwrap();
    let mut payloads = Vec::new();
    for number in 0..40_u8 {
        let payload = Bytes::from(vec![number; usize::from(number) * 9]);
        payloads.push(payload.clone());
        let draft = Draft {
            kind: 1,
            version: 0,
            stream: u64::from(number % 3),
            payload,
        };
        wait(journal.append(vec![draft])).unwrap();
    }
    drop(journal);
    let directory = Path::new("/journal");
    let names = disk.list(directory).unwrap().into_iter();
    let files = names
        .map(|name| directory.join(name))
        .map(|path| (path.clone(), disk.read(&path).unwrap()))
        .collect();
    Sound { files, payloads }
});

fuzz_target!(|octets: &[u8]| {
    let mut files = SOUND.files.clone();
    let mut rest = octets;
    while let Some((edit, after)) = rest.split_first_chunk::<6>() {
        rest = after;
        damage(&mut files, *edit, &mut rest);
    }
    let disk = SimDisk::new();
    disk.create_directories(Path::new("/journal")).unwrap();
    for (name, content) in &files {
        let file = disk.create(name).unwrap();
        file.write_all_at(content, 0).unwrap();
        file.sync_data().unwrap();
    }
    let handle: DiskHandle = Arc::new(disk);
    let Ok(recovery) = Recovery::read(config(), Arc::clone(&handle)) else {
        return;
    };
    let replayed = replay(&recovery);
    // Reading again, after what recovery itself repairs, gives the same.
    let (first, last) = (recovery.first(), recovery.last());
    if recovery.start(Clock::system()).is_err() {
        return;
    }
    let again = Recovery::read(config(), handle).unwrap();
    assert!(again.last() >= last && again.first() >= first);
    let after = replay(&again);
    let numbers = |records: &[(u64, Bytes)]| {
        records
            .iter()
            .map(|(number, _)| *number)
            .collect::<Vec<_>>()
    };
    assert!(
        replayed.ends_with(&after),
        "{:?}, and then {:?}",
        numbers(&replayed),
        numbers(&after)
    );
});

fn replay(recovery: &Recovery) -> Vec<(u64, Bytes)> {
    let Ok(records) = recovery.replay(recovery.first().previous()) else {
        return Vec::new();
    };
    let mut seen = Vec::new();
    for record in records {
        let Ok(record) = record else {
            break;
        };
        let number = record.sequence.get();
        let written = usize::try_from(number)
            .ok()
            .and_then(|number| SOUND.payloads.get(number.checked_sub(1)?));
        assert!(
            written == Some(&record.payload),
            "record {number} was never written"
        );
        assert!(seen.last().is_none_or(|(last, _)| *last < number));
        seen.push((number, record.payload));
    }
    seen
}

/// One fault: which file, what kind, where, and with what.
fn damage(files: &mut [(PathBuf, Vec<u8>)], edit: [u8; 6], rest: &mut &[u8]) {
    let [file, kind, high, low, value, other] = edit;
    let count = files.len();
    let (file, other) = (usize::from(file) % count, usize::from(other) % count);
    let at = usize::from(u16::from_be_bytes([high, low]));
    let foreign = files[other].1.clone();
    let content = &mut files[file].1;
    if content.is_empty() {
        return;
    }
    let at = at % content.len();
    let length = (usize::from(value) * 8).min(content.len() - at);
    match kind % 6 {
        0 => content[at] ^= value,
        1 => content.truncate(at),
        2 => content[at..at + length].fill(0),
        // A write that went to the wrong place, or was left from an older use of the file.
        3 => {
            let from = foreign.get(at..at + length).unwrap_or_default();
            content[at..at + from.len()].copy_from_slice(from);
        }
        4 => *content = foreign,
        _ => {
            let length = length.min(rest.len());
            content[at..at + length].copy_from_slice(&rest[..length]);
            *rest = &rest[length..];
        }
    }
}

/// Waits for what the journal's own thread does.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        std::thread::park();
    }
}
