//! The queue's laws, on a disk that loses, tears and fails.

mod crash;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use roost_journal::sim_disk::{Loss, SimDisk};
use roost_kit::clock::Clock;
use roost_kit::disk::DiskHandle;
use roost_proto_smtp::ReversePath;
use roost_proto_smtp::grammar::mail::MailParameters;

use super::message::{Attempt, Content, Message, NoticeOf};
use super::recovery::Settings;
use super::state::Change;
use super::*;
use crate::dsn::Kind;
use crate::envelope::{Envelope, Recipient};
use crate::outcome::{Fate, Outcome, status};

fn settings() -> Settings {
    Settings::new("/queue", 64 * 1024)
}

fn open(disk: &SimDisk) -> Queue {
    let disk: DiskHandle = Arc::new(disk.clone());
    Queue::open(&settings(), disk, Clock::manual(Timestamp::UNIX_EPOCH)).unwrap()
}

fn envelope(recipients: &[&str]) -> Envelope {
    let sender = ReversePath::Address("alice@example.test".parse().unwrap());
    let mut envelope = Envelope::new(sender, MailParameters::default());
    let recipients = recipients
        .iter()
        .map(|to| Recipient::plain(to.parse().unwrap()));
    envelope.recipients.extend(recipients);
    envelope
}

fn message(recipients: &[&str], content: &[u8]) -> Message {
    Message::new(
        envelope(recipients),
        Content::of(content),
        Timestamp::UNIX_EPOCH,
    )
}

fn from_nobody(recipients: &[&str], content: &[u8]) -> Message {
    let mut envelope = envelope(recipients);
    envelope.sender = ReversePath::Null;
    Message::new(envelope, Content::of(content), Timestamp::UNIX_EPOCH)
}

fn attempt(recipient: u32, fate: Fate) -> Attempt {
    Attempt {
        recipient,
        number: 1,
        outcome: Outcome::ours(fate, status::NO_MAILBOX, "said so", Timestamp::UNIX_EPOCH),
        retry_at: None,
    }
}

async fn accept(queue: &Queue, recipients: &[&str], content: &'static [u8]) -> QueueId {
    let id = queue.new_id();
    let place = Place::Memory(Bytes::from_static(content));
    queue
        .accept(id, message(recipients, content), place)
        .await
        .unwrap()
        .id()
}

async fn read(queue: &Queue, id: QueueId) -> Vec<u8> {
    queue
        .content(id)
        .await
        .unwrap()
        .beginning(u64::MAX)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_was_accepted_is_there_after_a_crash() {
    let disk = SimDisk::new();
    let queue = open(&disk);
    let small = accept(&queue, &["bob@example.test"], b"small").await;
    let large = queue.new_id();
    let content = vec![b'x'; 300_000];
    queue
        .spool_content(large, Bytes::from(content.clone()))
        .await
        .unwrap();
    let place = Place::File;
    queue
        .accept(large, message(&["bob@example.test"], &content), place)
        .await
        .unwrap();
    let disk = disk.after_crash(Loss::Everything);
    let queue = open(&disk);
    assert_eq!(queue.len(), 2);
    assert_eq!(read(&queue, small).await, b"small");
    assert_eq!(read(&queue, large).await, content);
    assert!(queue.new_id() > large, "ids are never given twice");
}

#[tokio::test]
async fn a_message_leaves_when_its_last_recipient_has_it() {
    let disk = SimDisk::new();
    let queue = open(&disk);
    let id = accept(&queue, &["bob@example.test", "eve@example.test"], b"x").await;
    let first = queue
        .attempted(id, vec![attempt(0, Fate::Delivered)])
        .await
        .unwrap();
    assert_eq!(first, Change::Changed);
    queue
        .attempted(id, vec![attempt(1, Fate::Deferred)])
        .await
        .unwrap();
    let disk = disk.after_crash(Loss::Everything);
    let queue = open(&disk);
    let waiting: Vec<_> = queue
        .get(id)
        .unwrap()
        .pending()
        .map(|(index, ..)| index)
        .collect();
    assert_eq!(waiting, [1]);
    let last = queue
        .attempted(id, vec![attempt(1, Fate::Delivered)])
        .await
        .unwrap();
    assert_eq!(last, Change::Left);
    assert!(open(&disk.after_crash(Loss::Everything)).is_empty());
}

#[tokio::test]
async fn a_failure_stays_until_its_notice_is_queued_and_is_told_once() {
    let disk = SimDisk::new();
    let queue = open(&disk);
    let id = accept(&queue, &["bob@example.test"], b"x").await;
    queue
        .attempted(id, vec![attempt(0, Fate::Failed)])
        .await
        .unwrap();
    let queue = open(&disk.after_crash(Loss::Everything));
    let owed = queue.get(id).unwrap().owed();
    assert_eq!(owed.len(), 1, "the crash came before the notice");
    let notice = queue.new_id();
    let mut about = from_nobody(&["alice@example.test"], b"notice");
    about.notice_of = Some(NoticeOf {
        id,
        kind: Kind::Failure,
        recipients: vec![0],
    });
    let place = Place::Memory(Bytes::from_static(b"notice"));
    queue.accept(notice, about, place).await.unwrap();
    assert!(queue.get(id).is_none());
    assert!(queue.get(notice).is_some());
}

#[tokio::test]
async fn nobody_is_told_about_a_notice() {
    let queue = open(&SimDisk::new());
    let id = queue.new_id();
    let notice = from_nobody(&["alice@example.test"], b"x");
    queue
        .accept(id, notice, Place::Memory(Bytes::from_static(b"x")))
        .await
        .unwrap();
    let change = queue
        .attempted(id, vec![attempt(0, Fate::Failed)])
        .await
        .unwrap();
    assert_eq!(change, Change::Left);
}

#[tokio::test]
async fn checkpoints_give_up_segments_and_keep_what_waits() {
    let disk = SimDisk::new();
    let queue = open(&disk);
    let waits = accept(&queue, &["bob@example.test"], b"waits").await;
    queue.hold(waits, true).await.unwrap();
    for _ in 0..3 {
        for _ in 0..200 {
            let id = accept(&queue, &["bob@example.test"], &[b'y'; 500]).await;
            queue
                .attempted(id, vec![attempt(0, Fate::Delivered)])
                .await
                .unwrap();
        }
        queue.checkpoint().await.unwrap();
    }
    assert!(queue.stats().segments < 6, "{:?}", queue.stats());
    let queue = open(&disk.after_crash(Loss::Everything));
    assert_eq!(queue.len(), 1);
    assert!(queue.get(waits).unwrap().held);
    assert_eq!(read(&queue, waits).await, b"waits");
}

#[tokio::test]
async fn a_content_that_changed_is_never_completed() {
    let disk = SimDisk::new();
    let queue = open(&disk);
    let id = accept(&queue, &["bob@example.test"], b"precious").await;
    queue.move_to_file(id).await.unwrap();
    disk.corrupt(&queue.spool().path(id), 0, b"X").unwrap();
    let mut reader = queue.content(id).await.unwrap();
    assert_eq!(reader.piece().await.unwrap().unwrap(), &b"Xrecious"[..]);
    assert!(reader.piece().await.is_err());
}

#[tokio::test]
async fn an_unfinished_message_leaves_no_file() {
    let disk = SimDisk::new();
    let queue = open(&disk);
    let id = queue.new_id();
    drop(queue.spool().create(id).unwrap());
    assert_eq!(queue.spool().list().unwrap(), []);
    // Nor does one that the machine lost on its way in.
    queue
        .spool_content(id, Bytes::from_static(b"never acknowledged"))
        .await
        .unwrap();
    assert_eq!(
        open(&disk.after_crash(Loss::Nothing))
            .spool()
            .list()
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn a_full_disk_refuses_mail_and_loses_none() {
    let disk = SimDisk::new();
    let queue = open(&disk);
    let first = accept(&queue, &["bob@example.test"], b"first").await;
    disk.set_capacity(Some(1));
    let mut refused = 0;
    for _ in 0..400 {
        let id = queue.new_id();
        let content: &'static [u8] = &[b'z'; 1000];
        let place = Place::Memory(Bytes::from_static(content));
        match queue
            .accept(id, message(&["bob@example.test"], content), place)
            .await
        {
            Ok(queued) => assert!(queue.get(queued.id()).is_some()),
            Err(_) => {
                refused += 1;
                assert!(queue.get(id).is_none());
            }
        }
    }
    assert!(refused > 0);
    let kept = queue.len();
    let queue = open(&disk.after_crash(Loss::Everything));
    assert_eq!(queue.len(), kept);
    assert!(queue.get(first).is_some());
}
