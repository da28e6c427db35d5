//! The operations of the mta's queue.

use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use roost_journal::AppendError;
use roost_journal::sim_disk::{Loss, SimDisk};
use roost_kit::clock::Clock;
use roost_mta::dsn::Kind;
use roost_mta::envelope::{Envelope, Recipient};
use roost_mta::outcome::{Fate, Outcome, status};
use roost_mta::queue::message::{Attempt, Content, Message, NoticeOf};
use roost_mta::queue::recovery::Settings;
use roost_mta::queue::{Place, Queue, QueueError, QueueId};
use roost_proto_smtp::ReversePath;
use roost_proto_smtp::grammar::mail::MailParameters;

use super::point::{Acknowledged, Seen, Step, Trial};

/// The recipient of what no step touches.
const APART: &str = "apart@example.test";

type Operation = for<'a> fn(&'a Queue) -> Pin<Box<dyn Future<Output = Step> + Send + 'a>>;

/// An operation: its name, and its steps.
pub(super) struct QueueTrial {
    name: &'static str,
    steps: &'static [Operation],
    template: SimDisk,
}

impl Trial for QueueTrial {
    type Live = Queue;
    type World = SimDisk;

    fn name(&self) -> &str {
        self.name
    }

    fn steps(&self) -> usize {
        self.steps.len()
    }

    fn world(&self) -> SimDisk {
        self.template.restarted()
    }

    fn disk<'a>(&self, world: &'a SimDisk) -> &'a SimDisk {
        world
    }

    async fn open(&self, world: &SimDisk) -> Result<Queue, String> {
        open(world)
    }

    async fn prepare(&self, queue: &Queue) -> Step {
        accept(queue, &["prepared@example.test"], 700).await?;
        accept(queue, &["prepared@example.test"], 9000).await
    }

    async fn step(&self, queue: &Queue, step: usize) -> Step {
        // The store of results waits for space: a full disk that stays full is not waited for.
        let patience = Duration::from_millis(300);
        match tokio::time::timeout(patience, (self.steps[step])(queue)).await {
            Ok(outcome) => outcome,
            Err(_) => Ok(Acknowledged::No),
        }
    }

    async fn follow(&self, queue: &Queue) -> Step {
        accept(queue, &[APART], 300).await
    }

    fn has_failed(&self, queue: &Queue) -> bool {
        queue.has_failed()
    }

    async fn settle(&self, _queue: &Queue) {}

    /// A result is in the list as soon as it is known; only its record is acknowledged to anybody.
    fn shows_only_durable(&self) -> bool {
        false
    }

    async fn shown(&self, queue: &Queue) -> Result<String, String> {
        picture(queue).await
    }

    async fn seen(&self, queue: &Queue) -> Result<Seen, String> {
        for id in queue.spool().list().map_err(|error| error.to_string())? {
            if queue.get(id).is_none() {
                return Err(format!("a file of {id}, which is not queued"));
            }
        }
        let followed = queue.list().iter().filter(|(_, m)| is_apart(m)).count();
        let picture = picture(queue).await?;
        Ok(Seen { picture, followed })
    }

    fn cut(&self, world: &SimDisk, seeds: &[u64]) -> Vec<SimDisk> {
        let random = seeds.iter().map(|seed| Loss::Random(*seed));
        std::iter::once(Loss::Everything)
            .chain(random)
            .map(|loss| world.after_crash(loss))
            .collect()
    }

    fn killed(&self, world: &SimDisk) -> SimDisk {
        world.restarted()
    }
}

fn open(disk: &SimDisk) -> Result<Queue, String> {
    let settings = Settings {
        patience: Duration::from_millis(2),
        ..Settings::new("/queue", 16 << 10)
    };
    let clock = Clock::manual(Timestamp::UNIX_EPOCH);
    Queue::open(&settings, Arc::new(disk.clone()), clock).map_err(|error| format!("{error:?}"))
}

fn is_apart(message: &Message) -> bool {
    let recipients = &message.envelope.recipients;
    recipients
        .iter()
        .any(|one| one.address.to_string() == APART)
}

/// All that waits, but the follow-up; every content is read and must be what was accepted. Ids are
/// given by the time, so a message is named by its place.
async fn picture(queue: &Queue) -> Result<String, String> {
    let mut text = String::new();
    for (id, message) in queue.list() {
        let content = queue.content(id).await;
        let content = content.map_err(|error| format!("{id}: {error:?}"))?;
        let bytes = content.beginning(u64::MAX).await;
        let bytes = bytes.map_err(|error| format!("{id}: {error}"))?;
        if Content::of(&bytes) != message.content {
            return Err(format!("{id}: another content"));
        }
        if !is_apart(&message) {
            writeln!(
                text,
                "{} held {} {:?} about {:?}",
                message.content.length,
                message.held,
                message.progress,
                message.notice_of.as_ref().map(|notice| &notice.recipients)
            )
            .unwrap();
        }
    }
    Ok(text)
}

fn step<T>(outcome: Result<T, QueueError>) -> Step {
    match outcome {
        Ok(_) => Ok(Acknowledged::Yes),
        Err(QueueError::Journal(AppendError::TooLarge { .. }) | QueueError::Encoding(_)) => {
            Err("refused for good".to_owned())
        }
        Err(_) => Ok(Acknowledged::No),
    }
}

fn message(sender: ReversePath, to: &[&str], content: &[u8]) -> Message {
    let mut envelope = Envelope::new(sender, MailParameters::default());
    let recipients = to.iter().map(|to| Recipient::plain(to.parse().unwrap()));
    envelope.recipients.extend(recipients);
    Message::new(envelope, Content::of(content), Timestamp::UNIX_EPOCH)
}

fn alice() -> ReversePath {
    ReversePath::Address("alice@example.test".parse().unwrap())
}

/// As the mta does: what is large becomes a durable file first.
async fn accept(queue: &Queue, to: &[&str], length: usize) -> Step {
    let id = queue.new_id();
    let content = Bytes::from(vec![b'a' + (length % 26) as u8; length]);
    let message = message(alice(), to, &content);
    let place = match length > 4000 {
        true => {
            if let Err(error) = queue.spool_content(id, content).await {
                return step::<()>(Err(error));
            }
            Place::File
        }
        false => Place::Memory(content),
    };
    step(queue.accept(id, message, place).await)
}

/// The template's message with this many recipients.
fn found(queue: &Queue, recipients: usize) -> Option<QueueId> {
    let all = queue.list();
    let mut with = all
        .iter()
        .filter(|(_, message)| message.progress.len() == recipients);
    with.next().map(|(id, _)| *id)
}

async fn attempted(queue: &Queue, recipients: usize, results: &[(u32, Fate)]) -> Step {
    let Some(id) = found(queue, recipients) else {
        return Ok(Acknowledged::No);
    };
    let attempts = results.iter().map(|(recipient, fate)| Attempt {
        recipient: *recipient,
        number: 1,
        outcome: Outcome::ours(*fate, status::NO_MAILBOX, "said so", Timestamp::UNIX_EPOCH),
        retry_at: None,
    });
    step(queue.attempted(id, attempts.collect()).await)
}

async fn bounce(queue: &Queue) -> Step {
    let Some(about) = found(queue, 2) else {
        return Ok(Acknowledged::No);
    };
    let content = Bytes::from_static(b"it could not be delivered");
    let mut notice = message(ReversePath::Null, &["alice@example.test"], &content);
    notice.notice_of = Some(NoticeOf {
        id: about,
        kind: Kind::Failure,
        recipients: vec![1],
    });
    let id = queue.new_id();
    step(queue.accept(id, notice, Place::Memory(content)).await)
}

macro_rules! operation {
    (|$queue:ident| $body:expr) => {{
        fn operation($queue: &Queue) -> Pin<Box<dyn Future<Output = Step> + Send + '_>> {
            Box::pin(async move { $body })
        }
        operation as Operation
    }};
}

const SMALL: Operation = operation!(|queue| accept(queue, &["bob@example.test"], 500).await);
/// About a quarter of a segment.
const BULKY: Operation = operation!(|queue| accept(queue, &["bob@example.test"], 3800).await);
const LARGE: Operation = operation!(|queue| accept(queue, &["bob@example.test"], 20_000).await);
const DEFERRED: Operation =
    operation!(|queue| attempted(queue, 3, &[(0, Fate::Delivered), (1, Fate::Deferred)]).await);
const DELIVERED: Operation =
    operation!(|queue| attempted(queue, 3, &[(1, Fate::Delivered), (2, Fate::Delivered)]).await);
const FAILED: Operation =
    operation!(|queue| attempted(queue, 2, &[(0, Fate::Delivered), (1, Fate::Failed)]).await);
const BOUNCE: Operation = operation!(|queue| bounce(queue).await);
const HOLD: Operation = operation!(|queue| match found(queue, 2) {
    Some(id) => step(queue.hold(id, true).await),
    None => Ok(Acknowledged::No),
});
const RELEASE: Operation = operation!(|queue| match found(queue, 2) {
    Some(id) => step(queue.hold(id, false).await),
    None => Ok(Acknowledged::No),
});
const DELETE: Operation = operation!(|queue| match found(queue, 2) {
    Some(id) => step(queue.delete(id).await),
    None => Ok(Acknowledged::No),
});
const CHECKPOINT: Operation = operation!(|queue| {
    // Whether it is made makes no difference to what waits.
    drop(queue.checkpoint().await);
    Ok(Acknowledged::Yes)
});
const SMALL_MEANWHILE: Operation = operation!(|queue| {
    let taken = accept(queue, &["bob@example.test"], 600);
    let (made, taken) = tokio::join!(queue.checkpoint(), taken);
    drop(made);
    taken
});
const DEFERRED_MEANWHILE: Operation = operation!(|queue| {
    let recorded = attempted(queue, 3, &[(0, Fate::Delivered), (1, Fate::Deferred)]);
    let (made, recorded) = tokio::join!(queue.checkpoint(), recorded);
    drop(made);
    recorded
});

const OPERATIONS: &[(&str, &[Operation])] = &[
    ("queue: take in, small", &[SMALL]),
    ("queue: take in, large", &[LARGE]),
    ("queue: hand over", &[DEFERRED, DELIVERED]),
    ("queue: fail and tell the sender", &[FAILED, BOUNCE]),
    ("queue: hold, release, delete", &[HOLD, RELEASE, DELETE]),
    (
        "queue: over the end of a segment",
        &[BULKY, SMALL, BULKY, BULKY, DEFERRED, BULKY, SMALL],
    ),
    (
        "queue: a checkpoint meanwhile",
        &[
            CHECKPOINT,
            SMALL_MEANWHILE,
            DEFERRED_MEANWHILE,
            LARGE,
            CHECKPOINT,
            DELIVERED,
            CHECKPOINT,
            CHECKPOINT,
        ],
    ),
];

/// All operations of the queue, on one in which a few messages wait.
pub(super) async fn trials() -> Vec<QueueTrial> {
    let disk = SimDisk::new();
    let queue = open(&disk).unwrap();
    let three = ["bob@example.test", "carol@example.test", "dan@example.test"];
    for (to, length) in [(&three[..], 800), (&three[..2], 12_000), (&three[..1], 300)] {
        assert_eq!(accept(&queue, to, length).await, Ok(Acknowledged::Yes));
    }
    drop(queue);
    OPERATIONS
        .iter()
        .map(|(name, steps)| QueueTrial {
            name,
            steps,
            template: disk.restarted(),
        })
        .collect()
}
