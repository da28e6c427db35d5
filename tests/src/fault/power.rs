//! Power cuts, and writes and flushes that fail, on a real file system under load.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::check::{Census, Leniency};
use super::disk::{Disk, Failing};
use super::kill::{DRAIN_MAX, PEOPLE};
use super::ledger::Ledger;
use super::letter::Letter;
use super::load::{Crowd, Strength};
use super::mail::{Said, Sender, Way};
use super::model::Model;
use super::summary::Summary;
use super::town::{MTA, STORE, Town};
use crate::wait::{pass, until};

/// Makes `fsync` and its like do nothing.
pub(super) const EATMYDATA: &str = "/usr/lib/x86_64-linux-gnu/libeatmydata.so";
const DISK_MIB: u64 = 3072;
/// How long a daemon may take to notice a disk that fails, under load.
const NOTICE_MAX: Duration = Duration::from_secs(20);
/// A message that a failed disk must not take is offered so often.
const OFFERS: u32 = 3;

/// A suite whose mail lies on a disk that fails.
struct Bench {
    town: Town,
    disk: Disk,
    ledger: Arc<Ledger>,
    models: Vec<Model>,
    census: Census,
    summary: Summary,
    seed: u64,
    // Removed last, when nothing is mounted below any more.
    _scratch: tempfile::TempDir,
}

impl Bench {
    fn new(name: &str, seed: u64, checkpoint: &str, failing: Failing) -> Self {
        let scratch = tempfile::Builder::new()
            .prefix("roost-disk-")
            .tempdir()
            .unwrap();
        let mut disk = Disk::new(scratch.path(), DISK_MIB);
        disk.plug(failing);
        let at = disk.mount_point();
        let at = at.display();
        let settings = format!(
            "[store]\nstate = \"{at}/store\"\n[store.checkpoint]\ninterval = \"{checkpoint}\"\n\
             [mta]\nstate = \"{at}/queue\"\ncheckpoint = \"256KiB\"\n"
        );
        Self {
            town: Town::start(&settings, PEOPLE),
            disk,
            ledger: Arc::default(),
            models: vec![Model::default(); PEOPLE],
            census: Census::default(),
            summary: Summary::new(name, seed),
            seed,
            _scratch: scratch,
        }
    }

    fn load(&mut self, round: u32, strength: Strength) -> Crowd {
        let models = std::mem::take(&mut self.models);
        Crowd::start(&self.town, &self.ledger, models, strength, self.seed, round)
    }

    /// Kills what still runs, and waits for the clients.
    fn fall(&mut self, crowd: Crowd) {
        for daemon in [MTA, STORE] {
            self.town.kill(daemon);
        }
        self.models = crowd.stop();
    }

    /// Plugs the disk in again, starts the daemons, waits for quiet, and compares. `false` where
    /// something is wrong.
    fn rise(&mut self, round: u32, failing: Failing, all: bool) -> bool {
        let when = format!("round {round}");
        match self.disk.replug(failing) {
            true => self.summary.rounds += 1,
            false => self.summary.missed += 1,
        }
        for daemon in [STORE, MTA] {
            self.town.run(daemon);
        }
        for daemon in [STORE, MTA] {
            if let Err(why) = self.town.try_ready(daemon) {
                let log = self.town.log(daemon);
                let last = log.lines().last().unwrap_or_default();
                let text = format!("{when}: {daemon} does not start: {why}: {last}");
                self.summary.wrong.push(text);
                return false;
            }
        }
        if let Err(why) = self.town.drain_queue(DRAIN_MAX) {
            self.summary.wrong.push(format!("{when}: {why}"));
            return false;
        }
        for model in &mut self.models {
            model.refused.clear();
        }
        let leniency = Leniency {
            refused_may_stay: true,
        };
        let checked = self
            .census
            .check(&self.town, &self.ledger, &mut self.models, leniency, all);
        match checked {
            Ok(report) => self.summary.add(report, &when),
            Err(lost) => {
                let text = format!("{when}: a mailbox cannot be read: {}", lost.0);
                self.summary.wrong.push(text);
                false
            }
        }
    }

    fn end(mut self) -> Summary {
        self.summary.count(&self.ledger, &self.models);
        for daemon in [MTA, STORE] {
            self.town.kill(daemon);
        }
        self.disk.unplug();
        self.summary.clone()
    }
}

fn random(seed: u64, round: u32) -> StdRng {
    StdRng::seed_from_u64(seed ^ (u64::from(round) << 32))
}

/// Cuts the power `rounds` times under load; ends at the first violation.
pub fn power_cuts(rounds: u32, seed: u64) -> Summary {
    let mut bench = Bench::new("power-cut", seed, "1s", Failing::Nothing);
    let mut round = 0;
    // A round that missed is repeated, but not for ever.
    while bench.summary.rounds < rounds && bench.summary.missed < rounds {
        round += 1;
        let last = bench.summary.rounds + 1 == rounds;
        if !cut(&mut bench, round, last) {
            break;
        }
        if round % 10 == 0 {
            bench.summary.count(&bench.ledger, &bench.models);
            println!("{}", bench.summary);
        }
    }
    bench.end()
}

/// The same with syncs that do nothing, until losses are found.
pub fn prove_power_cuts(seed: u64) -> Summary {
    let name = "power-cut with syncs that do nothing (must find losses)";
    // No checkpoint of the file system may help either.
    let mut bench = Bench::new(name, seed, "10m", Failing::Nothing);
    for daemon in [MTA, STORE] {
        bench.town.stop(daemon);
    }
    bench.town.preload(Some(PathBuf::from(EATMYDATA)));
    for daemon in [STORE, MTA] {
        bench.town.run(daemon);
        bench.town.ready(daemon);
    }
    (1..=5).all(|round| cut(&mut bench, round, false));
    bench.end()
}

fn cut(bench: &mut Bench, round: u32, all: bool) -> bool {
    let mut random = random(bench.seed, round);
    let strength = Strength {
        smtp: random.random_range(1..=3),
        lmtp: random.random_range(1..=3),
    };
    let crowd = bench.load(round, strength);
    pass(Duration::from_micros(
        random.random_range(700_000..3_000_000),
    ));
    let gone = bench.disk.cut();
    // For a moment the daemons live on without their disk: what they acknowledge now is lost.
    pass(Duration::from_micros(random.random_range(0..80_000)));
    bench.fall(crowd);
    if !gone {
        println!("round {round}: the disk answered after the cut");
    }
    bench.rise(round, Failing::Nothing, all)
}

/// Makes writes or flushes fail under load `rounds` times. Each time the daemons must say so, take
/// nothing more, and go on when the disk is well and they were started again.
pub fn failing_disk(rounds: u32, seed: u64) -> Summary {
    let kind = |round: u32| match round % 2 {
        0 => Failing::Writes,
        _ => Failing::Flushes,
    };
    let mut bench = Bench::new("failing-disk", seed, "1s", kind(1));
    for round in 1..=rounds {
        let mut random = random(seed, round);
        let strength = Strength { smtp: 2, lmtp: 2 };
        let before = [STORE, MTA].map(|daemon| bench.town.log(daemon).len());
        let injected = bench.disk.failures();
        let crowd = bench.load(round, strength);
        pass(Duration::from_micros(
            random.random_range(200_000..1_500_000),
        ));
        bench.disk.fail();
        let noticed = until(NOTICE_MAX, || {
            let store = bench.town.readiness(STORE);
            store
                .is_none_or(|page| !page.starts_with("HTTP/1.1 200"))
                .then_some(())
        });
        let when = format!("round {round} ({:?})", kind(round));
        if noticed.is_none() {
            bench
                .summary
                .wrong
                .push(format!("{when}: the store does not notice"));
        }
        refuses(&mut bench, round, &when);
        says(&mut bench, &when, before);
        let fired = bench.disk.failures() > injected;
        bench.fall(crowd);
        bench.disk.heal();
        let well = bench.rise(round, kind(round + 1), round == rounds);
        // Whether the cache lost anything is not the point here, but that requests failed.
        bench.summary.rounds = round;
        bench.summary.missed += u32::from(!fired);
        if !well || !bench.summary.wrong.is_empty() {
            break;
        }
    }
    bench.summary.missed = bench.summary.missed.min(bench.summary.rounds);
    bench.end()
}

/// Whether mail is refused for a while, and never for good.
fn refuses(bench: &mut Bench, round: u32, when: &str) {
    let mut random = random(bench.seed, round ^ 0xffff);
    let recipient = bench.town.people().first().cloned().unwrap_or_default();
    for (way, port) in [(Way::Lmtp, "lmtp"), (Way::Smtp, "smtp")] {
        for offer in 0..OFFERS {
            let letter = Letter::sized(format!("{way:?}-{round}-offer-{offer}"), 900, &mut random);
            bench.ledger.wrote(&letter);
            let mut said = vec![Said::Nothing];
            // One that has ended takes nothing either.
            if let Ok(mut sender) = Sender::connect(way, bench.town.port(port)) {
                drop(sender.hand_over(&letter, std::slice::from_ref(&recipient), &mut said));
            }
            let said = said.pop().unwrap_or(Said::Nothing);
            match (&said, way) {
                (Said::Refused(reply), _) if !reply.starts_with('4') => {
                    bench
                        .summary
                        .wrong
                        .push(format!("{when}: refused for good: {reply}"));
                }
                (Said::Accepted(reply), Way::Lmtp) => {
                    let text = format!("{when}: taken by a store whose disk fails: {reply}");
                    bench.summary.wrong.push(text);
                }
                _ => {}
            }
            bench.ledger.note((letter.token, 0), way, round, said);
        }
    }
}

/// Whether the store says which file and which call failed, and what to do.
fn says(bench: &mut Bench, when: &str, before: [usize; 2]) {
    let log = bench.town.log(STORE);
    let new = log.get(before[0]..).unwrap_or_default();
    let names = |line: &&str| line.contains("/store/") && line.contains("restart");
    if !new.lines().any(|line| names(&line)) {
        let tail: String = new
            .chars()
            .rev()
            .take(1500)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        let text = format!("{when}: no line of the store names the file and what to do:\n{tail}");
        bench.summary.wrong.push(text);
    }
}
