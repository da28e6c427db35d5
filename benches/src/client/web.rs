//! HTTPS, as h2load (of nghttp2) speaks it: closed loops on connections that are kept.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::process::Command;

use super::Done;

/// Connections at the same time.
const CONNECTIONS: usize = 32;

/// What a load of requests gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Requests {
    pub(crate) done: Done,
    /// How long the slowest hundredth took at least.
    pub(crate) slowest: Duration,
}

/// Asks for one path again and again for some time; every answer must be a good one.
pub(crate) async fn request(
    to: SocketAddr,
    path: &str,
    is_http2: bool,
    scratch: &Path,
    window: Duration,
) -> anyhow::Result<Requests> {
    let log = scratch.join("h2load.log");
    if log.exists() {
        std::fs::remove_file(&log)?;
    }
    let mut command = Command::new("h2load");
    command
        .arg(format!("--duration={}", window.as_secs_f64().ceil()))
        .arg(format!("--clients={CONNECTIONS}"))
        .args(["--threads=1", "--max-concurrent-streams=1"])
        .arg(format!("--log-file={}", log.display()));
    if !is_http2 {
        command.arg("--h1");
    }
    let output = command
        .arg(format!("https://localhost:{}{path}", to.port()))
        .output()
        .await
        .context("cannot start h2load (scripts/setup bench)")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "h2load failed: {said}");
    // One line a request: when it began (µs since 1970), its status, how long it took (µs).
    let text = std::fs::read_to_string(&log).context("h2load wrote no log")?;
    let mut times = Vec::new();
    let (mut first, mut last) = (u64::MAX, 0_u64);
    for line in text.lines() {
        let mut fields = line.split('\t').map(str::parse::<u64>);
        let (Some(Ok(began)), Some(Ok(status)), Some(Ok(took))) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        ensure!(status == 200, "an answer had the status {status}");
        times.push(took);
        first = first.min(began);
        last = last.max(began + took);
    }
    ensure!(!times.is_empty(), "h2load made no request: {said}");
    times.sort_unstable();
    let slowest = times
        .get(times.len() * 99 / 100)
        .copied()
        .unwrap_or_default();
    Ok(Requests {
        done: Done {
            count: times.len() as u64,
            took: Duration::from_micros(last.saturating_sub(first)),
        },
        slowest: Duration::from_micros(slowest),
    })
}
