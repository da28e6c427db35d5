//! Bans that several proxies share through memcached.
//!
//! Wrong passwords are counted under `roost:failures:ADDRESS`. Who is shut out stands in one list,
//! `roost:bans`, a line an address: `ADDRESS UNTIL banned`, or `free` where somebody has ended it. The
//! last line about an address counts. Every proxy reads the list each second.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use crate::memcached::Memcached;

const LIST: &str = "roost:bans";
/// Lines of the list; the oldest end first. About 200 KB, of the 1 MiB that memcached keeps.
const LINES_MAX: usize = 4096;
/// How long the list is kept after its last change.
const LIST_TIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// How often a change is tried while others change the list.
const ATTEMPTS: usize = 5;

/// A line of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) address: IpAddr,
    /// In seconds since 1970.
    pub(super) until: i64,
    pub(super) is_banned: bool,
}

/// The list, as it is.
pub(super) async fn read(memcached: &Memcached) -> Option<Vec<Line>> {
    Some(parse(&memcached.get(LIST).await?.text))
}

/// Puts a line into the list, in the place of an older one about the same address.
pub(super) async fn write(memcached: &Memcached, line: Line, now: i64) {
    for _ in 0..ATTEMPTS {
        let found = memcached.get(LIST).await;
        let mut lines = found
            .as_ref()
            .map(|found| parse(&found.text))
            .unwrap_or_default();
        lines.retain(|own| own.until > now && own.address != line.address);
        lines.push(line);
        lines.sort_by_key(|own| own.until);
        let surplus = lines.len().saturating_sub(LINES_MAX);
        lines.drain(..surplus);
        let text = print(&lines);
        let written = match found {
            Some(found) => {
                memcached
                    .replace(LIST, &text, LIST_TIME, found.unique)
                    .await
            }
            None => memcached.add(LIST, &text, LIST_TIME).await,
        };
        if written {
            return;
        }
    }
    tracing::debug!(address = %line.address, "the shared list of bans could not be changed");
}

/// Counts a wrong password; answers how many there were, at all proxies together.
pub(super) async fn count(memcached: &Memcached, address: IpAddr, within: Duration) -> Option<u64> {
    memcached.count(&failures(address), within).await
}

/// Forgets what was counted.
pub(super) async fn forget(memcached: &Memcached, address: IpAddr) {
    memcached.delete(&failures(address)).await;
}

fn failures(address: IpAddr) -> String {
    format!("roost:failures:{address}")
}

fn parse(text: &str) -> Vec<Line> {
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some(Line {
            address: words.next()?.parse().ok()?,
            until: words.next()?.parse().ok()?,
            is_banned: match words.next()? {
                "banned" => true,
                "free" => false,
                _ => return None,
            },
        })
    });
    lines.take(LINES_MAX).collect()
}

fn print(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        let word = if line.is_banned { "banned" } else { "free" };
        // Writing to a string does not fail.
        if writeln!(text, "{} {} {word}", line.address, line.until).is_err() {
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written_and_nonsense_is_skipped() {
        let line = |address: &str, is_banned| Line {
            address: address.parse().unwrap(),
            until: 1_800_000_000,
            is_banned,
        };
        let lines = [line("192.0.2.1", true), line("2001:db8::", false)];
        assert_eq!(parse(&print(&lines)), lines);
        assert_eq!(
            parse("x 1 banned\n192.0.2.1 y banned\n192.0.2.1 1 maybe\n\n"),
            []
        );
    }
}
