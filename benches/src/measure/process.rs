//! Process trees.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::Duration;

use anyhow::Context;

/// Some processes with all that descend from them.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    roots: Vec<u32>,
}

/// One line of `/proc/PID/stat`, as far as it is needed.
struct Stat {
    parent: u32,
    ticks: u64,
}

/// The unit of the times in `/proc/PID/stat` (`getconf CLK_TCK`; Linux has no other value there).
const TICK: Duration = Duration::from_millis(10);

impl Tree {
    /// The trees below these processes.
    pub(crate) fn new(roots: impl IntoIterator<Item = u32>) -> Self {
        Self {
            roots: roots.into_iter().collect(),
        }
    }

    /// The CPU time that all of them have used, those that have ended included.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let all = processes()?;
        let ticks: u64 = self
            .members(&all)
            .iter()
            .filter_map(|pid| all.get(pid))
            .map(|stat| stat.ticks)
            .sum();
        Ok(TICK * u32::try_from(ticks).unwrap_or(u32::MAX))
    }

    /// The processes now alive.
    pub(crate) fn pids(&self) -> anyhow::Result<Vec<u32>> {
        Ok(self.members(&processes()?))
    }

    /// Octets of memory that belong to these processes alone.
    pub(crate) fn private_memory(&self) -> anyhow::Result<u64> {
        let pids = self.pids()?;
        Ok(pids.iter().filter_map(|pid| private_memory(*pid)).sum())
    }

    fn members(&self, all: &HashMap<u32, Stat>) -> Vec<u32> {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for (pid, stat) in all {
            children.entry(stat.parent).or_default().push(*pid);
        }
        let mut found = HashSet::new();
        let mut next = self.roots.clone();
        while let Some(pid) = next.pop() {
            if all.contains_key(&pid) && found.insert(pid) {
                next.extend(children.get(&pid).into_iter().flatten());
            }
        }
        found.into_iter().collect()
    }
}

fn processes() -> anyhow::Result<HashMap<u32, Stat>> {
    let mut all = HashMap::new();
    for entry in fs::read_dir("/proc").context("cannot read /proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // It may have ended meanwhile.
        if let Some(stat) = stat(pid) {
            all.insert(pid, stat);
        }
    }
    Ok(all)
}

/// proc_pid_stat(5). The name in parentheses may hold anything, so fields are counted from its end.
fn stat(pid: u32) -> Option<Stat> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = line.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field)?.parse::<u64>().ok();
    // utime, stime, and those of children that were waited for.
    let ticks = number(11)? + number(12)? + number(13)? + number(14)?;
    Some(Stat {
        parent: u32::try_from(number(1)?).ok()?,
        ticks,
    })
}

/// Octets that a process shares with no other.
fn private_memory(pid: u32) -> Option<u64> {
    let table = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let kib: u64 = table
        .lines()
        .filter(|line| line.starts_with("Private_"))
        .filter_map(|line| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok())
        .sum();
    Some(kib * 1024)
}

/// The CPU time of this process.
pub(crate) fn client_cpu() -> Duration {
    let ticks = stat(std::process::id()).map_or(0, |stat| stat.ticks);
    TICK * u32::try_from(ticks).unwrap_or(u32::MAX)
}
