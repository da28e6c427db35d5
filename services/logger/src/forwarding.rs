//! This node's own lines to another logger, so that one place has them all.
//!
//! The store is the queue: lines are sent in its order from the last one that the other side has, over
//! a connection for each batch, which the other logger closes after the batch is durable there. That
//! answer is written down; a kill between the two sends a batch twice. Only lines of this machine
//! are sent, not those that came over the network: two loggers that forward to each other make no circle.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use roost_kit::config::{ListenSpec, Wrong};
use roost_kit::disk::DiskHandle;
use roost_kit::metrics::{Counter, Gauge, Metrics};
use roost_kit::net::Stream;
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::store::{Direction, Search, Store, Transport};

/// What is sent over one connection.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_LINES: usize = 5_000;
/// How long the other side may take, for each step.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between batches that were not full, so that a trickle is no storm of connections.
const PAUSE: Duration = Duration::from_millis(500);
/// Between attempts: at first, and at most.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// `[logger.forward]`: another logger that gets this machine's lines too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forward {
    /// Its name or address, and its port for TLS: `"logs.example.org:6514"`.
    pub to: String,
    /// The authority of its certificate, a PEM file; without it the system's are trusted.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// Send in the clear, where the network between is trusted; the port is the one for TCP then.
    #[serde(default)]
    pub plain: bool,
}

impl Forward {
    /// The host of [`Forward::to`].
    fn host(&self) -> Option<&str> {
        let (host, port) = self.to.rsplit_once(':')?;
        let host = host.trim_matches(['[', ']']);
        (!host.is_empty() && port.parse::<u16>().is_ok()).then_some(host)
    }

    /// Whether it can be used.
    ///
    /// # Errors
    /// When it names no host and port.
    pub fn check(&self) -> Result<(), Wrong> {
        match self.host() {
            Some(_) => Ok(()),
            None => Err(Wrong::new(
                "forward.to",
                "expected a host and a port, such as \"logs.example.org:6514\"",
            )),
        }
    }
}

/// What forwarding needs.
#[derive(Debug)]
pub(crate) struct Forwarding {
    settings: Forward,
    tls: Option<Arc<ClientConfig>>,
    store: Store,
    disk: DiskHandle,
    file: PathBuf,
    draining: CancellationToken,
    sent: Counter,
    waiting: Gauge,
}

/// Up to which line the other side has them.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Place {
    line: u64,
}

/// Lines to be sent.
#[derive(Debug, Default)]
struct Batch {
    octets: Vec<u8>,
    lines: usize,
    /// The last line that was looked at.
    reached: u64,
}

/// The figures, which are there whether anything is forwarded or not.
pub(crate) fn figures(metrics: &Metrics) -> (Counter, Gauge) {
    (
        metrics.counter("lines_forwarded", "Lines that another logger has taken"),
        metrics.gauge(
            "forward_waiting_lines",
            "Lines that wait for the other logger",
        ),
    )
}

impl Forwarding {
    pub(crate) fn new(
        settings: Forward,
        store: Store,
        disk: DiskHandle,
        state: &std::path::Path,
        draining: CancellationToken,
        (sent, waiting): (Counter, Gauge),
    ) -> anyhow::Result<Self> {
        let tls = match settings.plain {
            true => None,
            false => Some(
                roost_kit::tls::verified(settings.ca.as_deref())
                    .context("logger.forward.ca cannot be used")?,
            ),
        };
        Ok(Self {
            settings,
            tls,
            store,
            disk,
            file: state.join("forward-place.json"),
            draining,
            sent,
            waiting,
        })
    }

    /// Sends until the drain.
    pub(crate) async fn run(self) {
        let mut news = self.store.last_line();
        // What was there before is not sent: forwarding begins when it is switched on.
        let mut place = self.place().unwrap_or(*news.borrow());
        let mut pause = RETRY;
        let mut is_said = false;
        loop {
            let last = *news.borrow_and_update();
            self.waiting
                .set(i64::try_from(last.saturating_sub(place)).unwrap_or(i64::MAX));
            let wait = if last <= place {
                // Cancel-safe: a change that is not taken stays.
                tokio::select! {
                    changed = news.changed() => if changed.is_err() {
                        return;
                    },
                    () = self.draining.cancelled() => return,
                }
                PAUSE
            } else {
                match self.pass_on(place).await {
                    Ok(batch) => {
                        place = batch.reached.max(place);
                        self.note(place).await;
                        self.sent.inc_by(batch.lines as u64);
                        is_said = false;
                        pause = RETRY;
                        match batch.lines < BATCH_LINES && batch.octets.len() < BATCH_BYTES {
                            true => PAUSE,
                            false => Duration::ZERO,
                        }
                    }
                    Err(error) => {
                        if !is_said {
                            is_said = true;
                            let to = &self.settings.to;
                            tracing::warn!(
                                to,
                                error = format!("{error:#}"),
                                "the other logger cannot be reached; lines wait"
                            );
                        }
                        pause = pause.saturating_mul(2).min(RETRY_MAX);
                        pause
                    }
                }
            };
            // Cancel-safe: neither future keeps anything.
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.draining.cancelled() => return,
            }
        }
    }

    async fn pass_on(&self, place: u64) -> anyhow::Result<Batch> {
        let store = self.store.clone();
        let batch = tokio::task::spawn_blocking(move || collect(&store, place)).await??;
        if batch.lines > 0 {
            self.send(&batch.octets).await?;
        }
        Ok(batch)
    }

    /// Sends octets over a connection of their own; they are durable at the other side after that.
    async fn send(&self, octets: &[u8]) -> anyhow::Result<()> {
        let addresses = tokio::time::timeout(PATIENCE, tokio::net::lookup_host(&self.settings.to));
        let mut addresses = addresses.await.context("the name server is silent")??;
        let address = addresses.next().context("it has no address")?;
        let mut stream = Stream::connect(&ListenSpec::Address(address), PATIENCE).await?;
        if let Some(tls) = &self.tls {
            let host = self.settings.host().unwrap_or_default();
            stream = stream.secure(Arc::clone(tls), host).await?;
        }
        let exchange = async {
            stream.write_all(octets).await?;
            stream.shutdown().await?;
            // Its end of the connection is the answer.
            let mut rest = Vec::new();
            stream.take(1).read_to_end(&mut rest).await
        };
        let rest = tokio::time::timeout(PATIENCE, exchange);
        let rest = rest.await.context("it takes too long")??;
        anyhow::ensure!(rest == 0, "it answers: it is no logger of ours");
        Ok(())
    }

    fn place(&self) -> Option<u64> {
        let octets = self.disk.read(&self.file).ok()?;
        let place: Place = serde_json::from_slice(&octets).ok()?;
        Some(place.line)
    }

    async fn note(&self, line: u64) {
        let Ok(octets) = serde_json::to_vec(&Place { line }) else {
            return;
        };
        let (disk, file) = (Arc::clone(&self.disk), self.file.clone());
        let written =
            tokio::task::spawn_blocking(move || disk.write_atomically(&file, &octets)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "how far lines were forwarded cannot be written down");
        }
    }
}

/// The next lines of this machine, octet-counted (RFC 6587 §3.4.1).
fn collect(store: &Store, after: u64) -> anyhow::Result<Batch> {
    let mut batch = Batch {
        reached: after,
        ..Batch::default()
    };
    let search = Search {
        after,
        direction: Direction::Oldest,
        ..Search::default()
    };
    store.search(&search, |number, entry| {
        batch.reached = number;
        if matches!(
            entry.source.transport,
            Transport::Journal | Transport::Local
        ) {
            // What has no priority gets the one that it has without: a count is known by the `<`
            // after it.
            let priority: &[u8] = match entry.octets.starts_with(b"<") {
                true => b"",
                false => b"<13>",
            };
            let length = priority.len() + entry.octets.len();
            batch
                .octets
                .extend_from_slice(format!("{length} ").as_bytes());
            batch.octets.extend_from_slice(priority);
            batch.octets.extend_from_slice(&entry.octets);
            batch.lines += 1;
        }
        match batch.lines < BATCH_LINES && batch.octets.len() < BATCH_BYTES {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    })?;
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use roost_kit::disk::RealDisk;

    use super::*;
    use crate::store::{Batch as Lines, Line, Source};

    #[test]
    fn lines_of_this_machine_are_sent_and_others_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Arc::new(RealDisk), folder.path()).unwrap();
        let mut lines = Lines::default();
        for (transport, octets) in [
            (Transport::Local, "<14>a"),
            (Transport::Tls, "<14>b"),
            (Transport::Journal, "<14>c c"),
            (Transport::Local, "e"),
            (Transport::Udp, "<14>d"),
        ] {
            lines.push(Line {
                source: Source::own(transport),
                received: 0,
                is_cut: false,
                octets: octets.as_bytes(),
            });
        }
        store.add(1, &lines.into_bytes()).unwrap();
        let batch = collect(&store, 0).unwrap();
        assert_eq!(batch.octets, b"5 <14>a7 <14>c c5 <13>e");
        assert_eq!((batch.lines, batch.reached), (3, 5));
        let rest = collect(&store, 4).unwrap();
        assert_eq!((rest.lines, rest.reached), (0, 5));
    }

    #[test]
    fn a_target_is_a_host_and_a_port() {
        let forward = |to: &str| Forward {
            to: to.to_owned(),
            ..Forward::default()
        };
        for (to, host) in [
            ("logs.example.org:6514", Some("logs.example.org")),
            ("[2001:db8::1]:6514", Some("2001:db8::1")),
            ("logs.example.org", None),
            (":6514", None),
            ("logs:port", None),
        ] {
            assert_eq!(forward(to).host(), host, "{to}");
            assert_eq!(forward(to).check().is_ok(), host.is_some());
        }
    }
}
