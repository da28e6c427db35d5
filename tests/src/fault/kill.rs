//! SIGKILL to store and mta at random moments under load.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::check::{Census, Leniency};
use super::ledger::Ledger;
use super::load::{Crowd, Strength};
use super::model::Model;
use super::summary::Summary;
use super::town::{DIRECTORY, MTA, STORE, Town};
use crate::Run;
use crate::wait::pass;

/// Checkpoints come often, so that cuts hit them too.
pub const SETTINGS: &str =
    "[store.checkpoint]\ninterval = \"1s\"\n[mta]\ncheckpoint = \"256KiB\"\n";
/// Mailboxes, each with a reader.
pub const PEOPLE: usize = 5;
/// How long the queue may take to become empty once all is well.
pub(super) const DRAIN_MAX: Duration = Duration::from_secs(120);

/// What happens in a round.
#[derive(Debug, Clone)]
struct Plan {
    victims: Vec<&'static str>,
    /// From the beginning of the load to the kill.
    after: Duration,
    /// A second kill, so long after the restart.
    again: Option<Duration>,
    strength: Strength,
}

impl Plan {
    fn new(seed: u64, round: u32) -> Self {
        let mut random = StdRng::seed_from_u64(seed ^ (u64::from(round) << 32));
        let victims = match random.random_range(0..10) {
            0..5 => vec![STORE],
            5..8 => vec![MTA],
            _ => vec![STORE, MTA],
        };
        Self {
            victims,
            after: Duration::from_micros(random.random_range(150_000..1_200_000)),
            again: random
                .random_bool(0.25)
                .then(|| Duration::from_micros(random.random_range(5_000..200_000))),
            strength: Strength {
                smtp: random.random_range(1..=3),
                lmtp: random.random_range(1..=3),
            },
        }
    }
}

/// Runs `rounds` rounds; ends at the first that finds a violation.
pub fn kill(rounds: u32, seed: u64) -> Summary {
    let mut summary = Summary::new("kill", seed);
    let mut town = Town::start(SETTINGS, PEOPLE);
    let ledger = Arc::new(Ledger::default());
    let mut models = vec![Model::default(); PEOPLE];
    let mut census = Census::default();
    for round in 1..=rounds {
        let plan = Plan::new(seed, round);
        models = strike(&mut town, &ledger, models, &plan, seed, round);
        summary.rounds += 1;
        let all = round == rounds;
        if !settle(
            &town,
            &ledger,
            &mut models,
            &mut census,
            &mut summary,
            all,
            round,
        ) {
            println!("{plan:?}");
            break;
        }
        if round % 20 == 0 {
            summary.count(&ledger, &models);
            println!("{summary}");
        }
    }
    summary.count(&ledger, &models);
    summary
}

/// One round: load, kill, restart.
fn strike(
    town: &mut Town,
    ledger: &Arc<Ledger>,
    models: Vec<Model>,
    plan: &Plan,
    seed: u64,
    round: u32,
) -> Vec<Model> {
    let crowd = Crowd::start(town, ledger, models, plan.strength, seed, round);
    pass(plan.after);
    for victim in &plan.victims {
        assert!(town.runs(victim), "{victim} ended by itself");
        town.kill(victim);
    }
    let models = crowd.stop();
    if let Some(after) = plan.again {
        for victim in &plan.victims {
            town.run(victim);
        }
        pass(after);
        for victim in &plan.victims {
            town.kill(victim);
        }
    }
    for victim in &plan.victims {
        town.run(victim);
    }
    for victim in &plan.victims {
        town.ready(victim);
    }
    models
}

/// Waits for quiet, and compares.
fn settle(
    town: &Town,
    ledger: &Ledger,
    models: &mut [Model],
    census: &mut Census,
    summary: &mut Summary,
    all: bool,
    round: u32,
) -> bool {
    let when = format!("round {round}");
    if let Err(why) = town.drain_queue(DRAIN_MAX) {
        summary.wrong.push(format!("{when}: {why}"));
        return false;
    }
    for said in models.iter_mut().flat_map(|model| model.refused.drain(..)) {
        summary
            .wrong
            .push(format!("{when}: refused for no reason: {said}"));
    }
    let leniency = Leniency {
        refused_may_stay: false,
    };
    match census.check(town, ledger, models, leniency, all) {
        Ok(report) => summary.add(report, &when),
        Err(lost) => {
            summary
                .wrong
                .push(format!("{when}: a mailbox cannot be read: {}", lost.0));
            false
        }
    }
}

/// The proof that the check finds losses: the disk forgets what was written in the last round, as
/// if no sync had done anything. SIGKILL alone loses nothing that was written.
pub fn prove_kill(seed: u64) -> Summary {
    let mut summary = Summary::new("kill with a disk that forgets (must find losses)", seed);
    let mut town = Town::start(SETTINGS, PEOPLE);
    let ledger = Arc::new(Ledger::default());
    let mut census = Census::default();
    let mut plan = Plan::new(seed, 1);
    plan.again = None;
    plan.victims = vec![STORE, MTA];
    let models = vec![Model::default(); PEOPLE];
    let mut models = strike(&mut town, &ledger, models, &plan, seed, 1);
    assert!(
        settle(
            &town,
            &ledger,
            &mut models,
            &mut census,
            &mut summary,
            false,
            1
        ),
        "{summary}"
    );
    let state = town.suite().state();
    let kept = town.suite().scratch().join("kept");
    for daemon in [MTA, STORE] {
        town.stop(daemon);
    }
    fs::create_dir(&kept).unwrap();
    for folder in ["store", "queue"] {
        copy(&state.join(folder), &kept);
    }
    for daemon in [STORE, MTA] {
        town.run(daemon);
        town.ready(daemon);
    }
    let crowd = Crowd::start(&town, &ledger, models, plan.strength, seed, 2);
    pass(plan.after);
    for victim in [STORE, MTA] {
        town.kill(victim);
    }
    let mut models = crowd.stop();
    for folder in ["store", "queue"] {
        fs::remove_dir_all(state.join(folder)).unwrap();
        copy(&kept.join(folder), &state);
    }
    for daemon in [STORE, MTA] {
        town.run(daemon);
        town.ready(daemon);
    }
    summary.rounds = 1;
    settle(
        &town,
        &ledger,
        &mut models,
        &mut census,
        &mut summary,
        false,
        2,
    );
    summary.count(&ledger, &models);
    town.stop(DIRECTORY);
    summary
}

fn copy(from: &Path, to: &Path) {
    Run::new("cp").arg("-a").arg(from).arg(to).ok();
}
