//! What is removed when: segments past their age, the oldest ones where all together are too large,
//! and the oldest ones where the disk gets full.

use std::path::PathBuf;
use std::time::Duration;

use roost_kit::Kit;
use roost_kit::metrics::Gauge;
use serde::Deserialize;
use tokio::time::{MissedTickBehavior, interval};

use super::intake::Intake;
use super::reader::Store;
use roost_kit::config::{ByteSize, Period};

/// How often it is looked.
const PERIOD: Duration = Duration::from_secs(10);

/// `[logger.keep]`: how long and how much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    /// Lines older than this are removed, a segment (at most a day) at a time.
    pub age: Period,
    /// The oldest lines are removed when all take more than this on the disk.
    pub size: ByteSize,
    /// The oldest lines are removed when less than this is free on the disk.
    pub free: ByteSize,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            age: Period::minutes(90 * 24 * 60),
            size: ByteSize::mib(20 << 10),
            free: ByteSize::mib(1 << 10),
        }
    }
}

/// Removes what is due, from time to time, until the daemon stops.
pub(crate) fn begin(kit: &Kit, store: Store, intake: Intake, keep: Keep, directory: PathBuf) {
    let gauge = |name: &str, help: &str| kit.metrics.gauge(name, help);
    let gauges = Gauges {
        bytes: gauge("store_bytes", "Bytes of log segments on the disk"),
        plain: gauge("store_plain_bytes", "Bytes of the lines in the store"),
        lines: gauge("store_lines", "Lines in the store"),
        segments: gauge("store_segments", "Log segments on the disk"),
        begin: gauge(
            "store_begin_timestamp_seconds",
            "When the oldest line in the store came",
        ),
        removed: kit
            .metrics
            .counter("segments_removed", "Log segments removed"),
    };
    let stopping = kit.tasks.stopping();
    let kit = kit.clone();
    kit.tasks.clone().spawn_worker("retention", async move {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Cancel-safe: neither future keeps anything.
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
            }
            intake.check()?;
            let look = Look {
                now: kit.clock.now().as_millisecond(),
                journal_bytes: intake.journal_bytes(),
                free: kit
                    .disk
                    .space(&directory)
                    .map_or(u64::MAX, |space| space.available),
            };
            let (store_, gauges_) = (store.clone(), gauges.clone());
            let looked = tokio::task::spawn_blocking(move || tidy(&store_, keep, look, &gauges_));
            looked.await??;
        }
    });
}

#[derive(Debug, Clone)]
struct Gauges {
    bytes: Gauge,
    plain: Gauge,
    lines: Gauge,
    segments: Gauge,
    begin: Gauge,
    removed: roost_kit::metrics::Counter,
}

/// What matters beside the segments.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// In milliseconds since 1970.
    now: i64,
    journal_bytes: u64,
    free: u64,
}

fn tidy(store: &Store, keep: Keep, look: Look, gauges: &Gauges) -> anyhow::Result<()> {
    for why in due(store, keep, look) {
        if let Err(error) = store.remove_oldest() {
            tracing::error!(%error, "an old log segment cannot be removed");
            break;
        }
        gauges.removed.inc();
        tracing::info!(why, "the oldest log segment removed");
    }
    let usage = store.usage();
    for (gauge, value) in [
        (&gauges.bytes, usage.bytes + look.journal_bytes),
        (&gauges.plain, usage.plain_bytes),
        (&gauges.lines, usage.lines),
        (&gauges.segments, usage.segments),
    ] {
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    }
    gauges.begin.set(usage.begin.unwrap_or(0) / 1000);
    Ok(())
}

/// Why each of the oldest segments is to be removed, one after the other.
fn due(store: &Store, keep: Keep, look: Look) -> Vec<&'static str> {
    let segments = store.segments();
    let mut bytes: u64 = segments.iter().map(|one| one.bytes).sum();
    bytes += look.journal_bytes;
    let mut free = look.free;
    let age = i64::try_from(keep.age.duration().as_millis()).unwrap_or(i64::MAX);
    let oldest = look.now.saturating_sub(age);
    let mut reasons = Vec::new();
    for segment in &segments {
        let why = if segment.foot.end < oldest {
            "age"
        } else if bytes > keep.size.as_u64() {
            "size"
        } else if free < keep.free.as_u64() {
            "free space"
        } else {
            break;
        };
        reasons.push(why);
        bytes -= segment.bytes;
        free = free.saturating_add(segment.bytes);
    }
    reasons
}
