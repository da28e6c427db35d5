//! Lines for a logger: as RFC 5424 with their fields as structured data, by datagrams to a local
//! socket.
//!
//! Whoever logs never waits: lines go into a queue that a thread empties. While the logger is away
//! they wait there; when the queue is full, newer ones are dropped, and how many is said as soon as
//! there is room again.

use std::fmt::{self, Write as _};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::clock::Clock;

/// The name of the structured data (RFC 5424 §6.3.2). 32473 is the enterprise number of
/// documentation (RFC 5612), as nobody has registered another.
const DATA: &str = "roost@32473";
/// Lines that wait for the logger: half a minute of a busy node, some 4 MB.
const QUEUE: usize = 16_384;
/// A longer line is cut: it must fit into a datagram.
const LINE_MAX: usize = 32 << 10;
/// How often a logger that is away is tried again.
const RETRY: Duration = Duration::from_millis(200);
/// Facility `mail`.
const FACILITY: u8 = 2;

static SENT: LazyLock<Forwarded> = LazyLock::new(Forwarded::default);

/// What this process has passed on.
#[derive(Debug, Clone, Default)]
pub struct Forwarded(Arc<AtomicU64>);

impl Forwarded {
    /// Of this process.
    #[must_use]
    pub fn here() -> Self {
        SENT.clone()
    }

    /// Lines that were dropped, because too many waited.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The layer.
#[derive(Debug)]
pub(super) struct Forward {
    head: String,
    clock: Clock,
    queue: SyncSender<Vec<u8>>,
    dropped: Forwarded,
}

impl Forward {
    pub(super) fn start(
        identifier: &'static str,
        host: &str,
        socket: &Path,
        clock: Clock,
    ) -> io::Result<Self> {
        let (queue, lines) = sync_channel(QUEUE);
        let sender = Sender {
            to: socket.to_owned(),
            socket: UnixDatagram::unbound()?,
        };
        std::thread::Builder::new()
            .name("log-forward".to_owned())
            .spawn(move || sender.run(&lines))?;
        let host: String = host.chars().filter(char::is_ascii_graphic).collect();
        let host = if host.is_empty() { "-" } else { &host };
        Ok(Self {
            head: format!("{host} {identifier} {}", std::process::id()),
            clock,
            queue,
            dropped: Forwarded::here(),
        })
    }

    fn send(&self, line: String) {
        let mut line = line.into_bytes();
        line.truncate(LINE_MAX);
        if let Err(TrySendError::Full(_)) = self.queue.try_send(line) {
            self.dropped.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<S: Subscriber> Layer<S> for Forward {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let severity = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            Level::DEBUG | Level::TRACE => 7,
        };
        let now = self.clock.now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ");
        let priority = FACILITY * 8 + severity;
        let target = event.metadata().target();
        self.send(format!(
            "<{priority}>1 {now} {} - [{DATA} target=\"{target}\"{}] {}",
            self.head, fields.data, fields.message
        ));
    }
}

/// An event's fields as structured data, and its message.
#[derive(Debug, Default)]
struct Fields {
    data: String,
    message: String,
}

impl Fields {
    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // A value that cannot be shown is left out where it fails.
        self.write(field, value).unwrap_or_default();
    }

    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) -> fmt::Result {
        if field.name() == "message" {
            return self.message.write_fmt(value);
        }
        // RFC 5424 §6.3.3: names are short and of letters; ours are.
        write!(self.data, " {}=\"", field.name())?;
        let written = Protected(&mut self.data).write_fmt(value);
        self.data.push('"');
        written
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, format_args!("{}", crate::fields::Chain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }
}

/// RFC 5424 §6.3.3: a backslash protects `"`, `\` and `]`. Control characters could end a line
/// elsewhere, and are escaped.
struct Protected<'a>(&'a mut String);

impl fmt::Write for Protected<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '"' | '\\' | ']' => {
                    self.0.push('\\');
                    self.0.push(letter);
                }
                letter if letter.is_control() => {
                    write!(self.0, "\\\\u{{{:x}}}", u32::from(letter))?
                }
                letter => self.0.push(letter),
            }
        }
        Ok(())
    }
}

/// The thread that sends.
struct Sender {
    to: PathBuf,
    socket: UnixDatagram,
}

impl Sender {
    /// Until the queue is closed; nothing is waited for then.
    fn run(&self, lines: &Receiver<Vec<u8>>) {
        while let Ok(line) = lines.recv() {
            while let Err(error) = self.socket.send_to(&line, &self.to) {
                if error.raw_os_error() == Some(nix::errno::Errno::EMSGSIZE as i32) {
                    break;
                }
                pause();
            }
        }
    }
}

/// Waits on a channel to which nobody sends.
fn pause() {
    let (_quiet, never) = sync_channel::<()>(0);
    if let Err(RecvTimeoutError::Disconnected) = never.recv_timeout(RETRY) {
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn a_line_reaches_the_logger_even_when_that_comes_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let forward = Forward::start("roost-test", "mx.test", &path, Clock::system()).unwrap();
        let subscriber = tracing_subscriber::registry().with(forward);
        tracing::subscriber::with_default(subscriber, || {
            let name = "a\"b]c\\d\n";
            tracing::warn!(queue_id = %"Q1", name, size = 7, "a text");
        });
        let logger = UnixDatagram::bind(&path).unwrap();
        logger
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut buffer = [0; 1000];
        let length = logger.recv(&mut buffer).unwrap();
        let line = String::from_utf8(buffer[..length].to_vec()).unwrap();
        assert!(line.starts_with("<20>1 20"), "{line}");
        let process = std::process::id();
        let target = module_path!();
        let expected = format!(
            "Z mx.test roost-test {process} - [roost@32473 target=\"{target}\" queue_id=\"Q1\" \
             name=\"a\\\"b\\]c\\\\d\\\\u{{a}}\" size=\"7\"] a text"
        );
        assert!(line.ends_with(&expected), "{line}");
    }
}
