//! Bytes that change on a medium: in the middle of the journal they are damage, which is named, set
//! aside and skipped; at its end they are what a crash may leave, and cut.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::format::{HEADER_BYTES, RECORD_BYTES};

/// A journal on a real disk, with its records in several segments.
struct Shelf {
    folder: tempfile::TempDir,
    records: u64,
}

impl Shelf {
    async fn filled() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Self {
            folder,
            records: 30,
        };
        let journal = shelf.read().start(Clock::system()).unwrap();
        for number in 1..=shelf.records {
            journal.append(vec![draft(&long(number))]).await.unwrap();
        }
        assert!(journal.stats().segments > 2);
        shelf
    }

    fn config(&self) -> Config {
        Config {
            segment_bytes: 4096,
            gather: Duration::ZERO,
            ..Config::new(self.folder.path(), KINDS)
        }
    }

    fn read(&self) -> Recovery {
        Recovery::read(self.config(), Arc::new(RealDisk)).unwrap()
    }

    fn segment(&self, number: u64) -> PathBuf {
        self.folder.path().join(format!("segment-{number:012}"))
    }

    /// Where each record of a segment is: its number, offset and size.
    fn records_of(&self, number: u64) -> Vec<(u64, usize, usize)> {
        let recovery = self.read();
        let mut found = Vec::new();
        for record in recovery.replay(Sequence::ZERO).unwrap() {
            let record = record.unwrap();
            if record.locator.segment == number {
                let size = crate::format::stored_bytes(record.payload.len());
                found.push((
                    record.sequence.get(),
                    record.locator.offset as usize,
                    size as usize,
                ));
            }
        }
        found
    }

    fn flip(&self, number: u64, at: usize) {
        let path = self.segment(number);
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= 0x10;
        fs::write(&path, bytes).unwrap();
    }

    fn numbers(&self) -> Vec<u64> {
        contents(&self.read())
            .into_iter()
            .map(|(number, _)| number)
            .collect()
    }
}

#[tokio::test]
async fn a_flipped_byte_anywhere_in_the_middle_costs_that_record_alone() {
    let shelf = Shelf::filled().await;
    let all: Vec<u64> = (1..=shelf.records).collect();
    let pristine = fs::read(shelf.segment(2)).unwrap();
    // Magic, checksum, length, place, sequence, time, stream, kind, version, flags, payload.
    let places = [0, 4, 8, 10, 12, 16, 24, 32, 40, 42, 43, RECORD_BYTES];
    let mut tried = 0;
    for (sequence, offset, size) in shelf.records_of(2) {
        for place in places.into_iter().chain([size - 1]) {
            shelf.flip(2, offset + place.min(size - 1));
            let recovery = shelf.read();
            let [damage] = recovery.damage() else {
                panic!("record {sequence}, byte {place}: {:?}", recovery.damage());
            };
            assert_eq!((damage.segment, damage.offset), (2, offset as u64));
            assert_eq!(
                (damage.first.get(), damage.last.get()),
                (sequence, sequence)
            );
            assert_eq!(damage.stream, Some(if place == 32 { 7 ^ 0x10 } else { 7 }));
            let rest: Vec<u64> = all.iter().copied().filter(|one| *one != sequence).collect();
            assert_eq!(shelf.numbers(), rest);
            fs::write(shelf.segment(2), &pristine).unwrap();
            tried += 1;
        }
    }
    assert!(tried > 50);
    assert_eq!(shelf.numbers(), all);
}

#[tokio::test]
async fn a_damaged_header_of_a_segment_costs_no_record() {
    let shelf = Shelf::filled().await;
    for at in [0, 8, 12, 16, 24, 40, 48] {
        let pristine = fs::read(shelf.segment(2)).unwrap();
        shelf.flip(2, at);
        let recovery = shelf.read();
        assert_eq!(recovery.damage().len(), 1, "byte {at}");
        assert_eq!(recovery.damage()[0].segment, 2);
        assert_eq!(contents(&recovery).len() as u64, shelf.records, "byte {at}");
        fs::write(shelf.segment(2), pristine).unwrap();
    }
}

#[tokio::test]
async fn what_is_damaged_is_kept_aside_and_the_journal_goes_on() {
    let shelf = Shelf::filled().await;
    let (sequence, offset, _) = shelf.records_of(2)[1];
    shelf.flip(2, offset + RECORD_BYTES);
    let damaged = fs::read(shelf.segment(2)).unwrap();
    let journal = shelf.read().start(Clock::system()).unwrap();
    let aside = shelf
        .folder
        .path()
        .join(format!("damaged/{:012}-{offset}", 2));
    assert_eq!(fs::read(aside).unwrap(), damaged);
    let found = journal.inspect().unwrap();
    assert_eq!(found.damage.len(), 1);
    assert_eq!(found.damage[0].first.get(), sequence);
    let next = journal.append(vec![draft("on")]).await.unwrap();
    assert_eq!(next.sequence().get(), shelf.records + 1);
    // Once it is released there is nothing to complain of.
    journal.release(Sequence::new(shelf.records));
    assert_eq!(journal.inspect().unwrap().damage, []);
}

#[tokio::test]
async fn records_behind_a_lost_beginning_are_there_at_every_start() {
    let shelf = Shelf::filled().await;
    let last = {
        let segments = (1..).take_while(|number| shelf.segment(*number).exists());
        segments.last().unwrap()
    };
    let records = shelf.records_of(last);
    assert!(records.len() > 2);
    let mut bytes = fs::read(shelf.segment(last)).unwrap();
    bytes[..records[1].1].fill(0);
    fs::write(shelf.segment(last), bytes).unwrap();
    let lost = records[0].0;
    let rest: Vec<u64> = (1..=shelf.records).filter(|one| *one != lost).collect();
    assert_eq!(shelf.numbers(), rest);
    drop(shelf.read().start(Clock::system()).unwrap());
    assert_eq!(shelf.numbers(), rest);
    // Nor is anything before it left.
    for number in 1..last {
        fs::remove_file(shelf.segment(number)).unwrap();
    }
    let rest: Vec<u64> = records.iter().skip(1).map(|(number, ..)| *number).collect();
    for _ in 0..3 {
        let mut bytes = fs::read(shelf.segment(last)).unwrap();
        bytes[..HEADER_BYTES as usize].fill(0);
        fs::write(shelf.segment(last), bytes).unwrap();
        assert_eq!(numbers_behind(&shelf, rest[0]), rest);
        drop(shelf.read().start(Clock::system()).unwrap());
        assert_eq!(numbers_behind(&shelf, rest[0]), rest);
    }
}

fn numbers_behind(shelf: &Shelf, first: u64) -> Vec<u64> {
    let recovery = shelf.read();
    let records = recovery.replay(Sequence::new(first - 1)).unwrap();
    let numbers = records.map(|record| record.unwrap().sequence.get());
    numbers.collect()
}

#[tokio::test]
async fn a_damaged_tail_is_what_a_crash_leaves_and_is_cut() {
    let shelf = Shelf::filled().await;
    let last = {
        let segments = (1..).take_while(|number| shelf.segment(*number).exists());
        segments.last().unwrap()
    };
    let (sequence, offset, size) = *shelf.records_of(last).last().unwrap();
    assert_eq!(sequence, shelf.records);
    let pristine = fs::read(shelf.segment(last)).unwrap();
    for at in offset..offset + size {
        shelf.flip(last, at);
        let recovery = shelf.read();
        assert_eq!(recovery.damage(), [], "byte {at}");
        assert_eq!(recovery.last().get(), sequence - 1);
        fs::write(shelf.segment(last), &pristine).unwrap();
    }
}

#[tokio::test]
async fn what_looks_like_a_record_inside_a_payload_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf { folder, records: 1 };
    let journal = shelf.read().start(Clock::system()).unwrap();
    journal.append(vec![draft("one")]).await.unwrap();
    // A client sends, as a message, a record of a number far ahead, with the right checksum.
    let forged = draft("forged");
    let mut bytes = Vec::new();
    let place = crate::format::Place {
        segment: 1,
        batch_place: 0,
        sequence: Sequence::new(1_000_000),
        time: 0,
        more: false,
    };
    crate::format::encode_record(&forged, place, &mut bytes);
    let message = Draft {
        payload: bytes.into(),
        ..draft("")
    };
    journal.append(vec![message]).await.unwrap();
    drop(journal);
    // The machine stops while that is written: its own header is torn.
    let at = (HEADER_BYTES + crate::format::stored_bytes(3)) as usize;
    shelf.flip(1, at + 4);
    let recovery = shelf.read();
    assert_eq!(recovery.damage(), []);
    assert_eq!(contents(&recovery), [(1, "one".to_owned())]);
}
