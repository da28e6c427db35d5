//! memcached: what several proxies share. Its text protocol, as far as it is needed.
//!
//! Nothing depends on it: what cannot be asked within a moment is as if nothing were there.

mod reply;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use roost_kit::clock::Clock;
use roost_kit::config::ListenSpec;
use roost_kit::net::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Mutex;

use reply::{Reply, Value};

/// How long one question may take, connecting included.
const TIME_MAX: Duration = Duration::from_millis(500);
/// After a failure nobody asks for so long, so that a dead memcached costs little.
const PAUSE: Duration = Duration::from_secs(2);
/// Longest key that memcached takes.
const KEY_MAX: usize = 250;
/// Longest answer that is read: memcached's own limit for a value is 1 MiB.
const REPLY_MAX: usize = (1 << 20) + 1024;

/// The servers; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Memcached {
    servers: Arc<[Server]>,
    clock: Clock,
}

#[derive(Debug)]
struct Server {
    place: ListenSpec,
    line: Mutex<Line>,
}

/// One connection: questions take turns.
#[derive(Debug, Default)]
struct Line {
    /// Taken out while a question is on its way: one that is not answered leaves no connection.
    stream: Option<Stream>,
    not_before: Option<Instant>,
    is_away: bool,
}

/// A value and the number by which it can be replaced if nobody else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) text: String,
    pub(crate) unique: u64,
}

impl Memcached {
    pub(crate) fn new(places: impl Iterator<Item = ListenSpec>, clock: Clock) -> Self {
        let servers = places.map(|place| Server {
            place,
            line: Mutex::default(),
        });
        Self {
            servers: servers.collect(),
            clock,
        }
    }

    /// Whether there is any.
    pub(crate) fn is_used(&self) -> bool {
        !self.servers.is_empty()
    }

    /// What is kept under a key.
    pub(crate) async fn get(&self, key: &str) -> Option<Found> {
        match self.ask(key, format!("gets {key}\r\n")).await? {
            Reply::Value(Value { text, unique }) => Some(Found { text, unique }),
            Reply::Word(_) | Reply::Number(_) => None,
        }
    }

    /// Keeps a value unless there is one. Answers whether it is kept.
    pub(crate) async fn add(&self, key: &str, value: &str, lasts: Duration) -> bool {
        let question = stored("add", key, value, lasts, "");
        self.ask(key, question).await == Some(Reply::Word("STORED".to_owned()))
    }

    /// Replaces a value that nobody has replaced meanwhile. Answers whether it was.
    pub(crate) async fn replace(
        &self,
        key: &str,
        value: &str,
        lasts: Duration,
        unique: u64,
    ) -> bool {
        let question = stored("cas", key, value, lasts, &format!(" {unique}"));
        self.ask(key, question).await == Some(Reply::Word("STORED".to_owned()))
    }

    /// Forgets a key.
    pub(crate) async fn delete(&self, key: &str) {
        self.ask(key, format!("delete {key}\r\n")).await;
    }

    /// Counts: one more under this key, which is forgotten some time after it began.
    pub(crate) async fn count(&self, key: &str, lasts: Duration) -> Option<u64> {
        for _ in 0..2 {
            match self.ask(key, format!("incr {key} 1\r\n")).await? {
                Reply::Number(count) => return Some(count),
                // Nobody has begun, or somebody was faster in beginning.
                Reply::Word(_) | Reply::Value(_) if self.add(key, "1", lasts).await => {
                    return Some(1);
                }
                Reply::Word(_) | Reply::Value(_) => {}
            }
        }
        None
    }

    /// Asks the server that has a key; nothing where it cannot be asked.
    async fn ask(&self, key: &str, question: String) -> Option<Reply> {
        let plain = key.len() <= KEY_MAX && key.bytes().all(|octet| octet.is_ascii_graphic());
        let server = self.server(key).filter(|_| plain)?;
        let mut line = server.line.lock().await;
        let now = self.clock.instant();
        if line.not_before.is_some_and(|not_before| now < not_before) {
            return None;
        }
        let stream = line.stream.take();
        let asking = exchange(&server.place, stream, question.as_bytes());
        let answered = tokio::time::timeout(TIME_MAX, asking).await;
        match answered.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())) {
            Ok((stream, reply)) => {
                if std::mem::take(&mut line.is_away) {
                    tracing::info!(memcached = %server.place, "memcached answers again");
                }
                line.stream = Some(stream);
                line.not_before = None;
                Some(reply)
            }
            Err(error) => {
                if !std::mem::replace(&mut line.is_away, true) {
                    tracing::warn!(memcached = %server.place, %error, "memcached does not answer");
                }
                line.not_before = Some(self.clock.instant() + PAUSE);
                None
            }
        }
    }

    fn server(&self, key: &str) -> Option<&Server> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let index = hasher.finish().checked_rem(self.servers.len() as u64)?;
        self.servers.get(usize::try_from(index).ok()?)
    }
}

/// A command that carries a value; flags are 0, as Zimbra's.
fn stored(command: &str, key: &str, value: &str, lasts: Duration, unique: &str) -> String {
    let (seconds, length) = (lasts.as_secs().max(1), value.len());
    format!("{command} {key} 0 {seconds} {length}{unique}\r\n{value}\r\n")
}

/// One question and its answer, on a connection that was kept, or a new one where that was closed.
async fn exchange(
    place: &ListenSpec,
    kept: Option<Stream>,
    question: &[u8],
) -> std::io::Result<(Stream, Reply)> {
    if let Some(stream) = kept
        && let Ok(answered) = say(stream, question).await
    {
        return Ok(answered);
    }
    let connecting = Stream::connect(place, TIME_MAX).await;
    say(connecting.map_err(std::io::Error::other)?, question).await
}

async fn say(mut stream: Stream, question: &[u8]) -> std::io::Result<(Stream, Reply)> {
    stream.write_all(question).await?;
    stream.flush().await?;
    let mut heard = BytesMut::new();
    loop {
        if stream.read_buf(&mut heard).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(reply) = Reply::read(&heard)? {
            return Ok((stream, reply));
        }
        if heard.len() > REPLY_MAX {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
    }
}
