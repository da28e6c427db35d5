//! Following the lines that are kept, and counting what they say of mail.
//!
//! Lines are numbered as they become durable, and it is kept up to which number they were counted,
//! together with the counts: a kill neither loses one nor counts it twice.

use std::ops::ControlFlow;
use std::time::Duration;

use roost_kit::Kit;
use roost_kit::clock::Clock;
use roost_kit::fields::Chain;
use roost_kit::health::Health;

use super::volume::{Fact, Volumes};
use crate::store::{Direction, Search, Store};
use crate::syslog::OWN_DATA;
use crate::trace::Event;

/// How long lines may wait to be counted: many are counted at once.
const PERIOD: Duration = Duration::from_secs(1);
/// Lines of one round; what they say is written before the next.
const ROUND: usize = 50_000;
/// The part of the daemon that is ill while mail cannot be counted.
const PART: &str = "mail volumes";

/// Counts until the daemon stops.
pub(super) async fn follow(volumes: Volumes, lines: Store, kit: Kit) -> anyhow::Result<()> {
    let stopping = kit.tasks.stopping();
    let mut last = lines.last_line();
    volumes.begin_anew_after(*last.borrow());
    loop {
        // Cancel-safe: a change that is not taken stays.
        tokio::select! {
            () = stopping.cancelled() => break,
            changed = last.changed() => if changed.is_err() {
                break;
            },
        }
        round(&volumes, &lines, &kit.clock, &kit.health).await?;
        tokio::select! {
            () = stopping.cancelled() => break,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
    // What came last.
    round(&volumes, &lines, &kit.clock, &kit.health).await
}

/// Counts everything that is there.
async fn round(
    volumes: &Volumes,
    lines: &Store,
    clock: &Clock,
    health: &Health,
) -> anyhow::Result<()> {
    loop {
        let (reader, counting) = (lines.clone(), volumes.clone());
        let read = tokio::task::spawn_blocking(move || count(&counting, &reader)).await?;
        let counted = match read {
            Ok(counted) => counted,
            Err(error) => {
                health.ill(PART, Chain(&error).to_string());
                return Ok(());
            }
        };
        match volumes.flush(clock.now()).await {
            Ok(()) => health.well(PART),
            Err(error) => {
                health.ill(PART, Chain(&error).to_string());
                return Ok(());
            }
        }
        if counted < ROUND {
            return Ok(());
        }
    }
}

/// Counts some lines, the oldest first; says how many were looked at.
fn count(volumes: &Volumes, lines: &Store) -> Result<usize, crate::store::SegmentError> {
    let until = *lines.last_line().borrow();
    let search = Search {
        after: volumes.reached(),
        before: until.saturating_add(1),
        needle: Some(OWN_DATA.as_bytes().to_vec()),
        direction: Direction::Oldest,
        ..Search::default()
    };
    let mut looked = 0_usize;
    lines.search(&search, |number, entry| {
        looked += 1;
        let fact = Event::read(number, &entry).and_then(|event| {
            let at = event.time.parse().ok()?;
            let field = |name: &str| Some(event.get(name)).filter(|value| !value.is_empty());
            let fact = Fact::read(&event.daemon, &event.event, field)?;
            Some((at, fact))
        });
        volumes.take(number, fact);
        match looked < ROUND {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    })?;
    if looked < ROUND {
        // What is none of ours needs not be looked at again.
        volumes.take(until, None);
    }
    Ok(looked)
}
