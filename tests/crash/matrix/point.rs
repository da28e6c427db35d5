//! One operation, a fault at each of its points, and the laws afterwards.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use roost_journal::sim_disk::{FaultKind, SimDisk};
use tokio::task::JoinSet;

use super::{Depth, Row, Settings};

/// How many runs are under way at a time.
const AT_A_TIME: usize = 4;
/// Background work may make its calls in another order: points past the last are tried too.
const SLACK: u64 = 2;
/// How long a disk that is well again may go unnoticed.
const HEALING: Duration = Duration::from_secs(30);
/// Laws checked with each picture: all there is exactly once; figures equal to a recount; UIDs and
/// mod-sequences in order; every content there and whole; the state one that was between the last
/// acknowledged and the last tried; rows, references, files and journal in agreement.
const LAWS_A_PICTURE: u64 = 6;

/// What a step came to.
pub(super) type Step = Result<Acknowledged, String>;

/// Whether it was acknowledged; refused otherwise, for the time being. Everything else is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acknowledged {
    Yes,
    No,
}

/// What is seen of the world, and how often the follow-up has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) picture: String,
    pub(super) followed: usize,
}

/// An operation in steps.
pub(super) trait Trial: Send + Sync + 'static {
    /// A program that runs.
    type Live: Send + Sync;
    /// What is on the disks.
    type World: Send + Sync;

    fn name(&self) -> &str;
    fn steps(&self) -> usize;
    /// The world before, fresh.
    fn world(&self) -> Self::World;
    fn disk<'a>(&self, world: &'a Self::World) -> &'a SimDisk;
    fn open(&self, world: &Self::World) -> impl Future<Output = Result<Self::Live, String>> + Send;
    /// Leaves something behind that is acknowledged and in the journal only.
    fn prepare(&self, live: &Self::Live) -> impl Future<Output = Step> + Send;
    fn step(&self, live: &Self::Live, step: usize) -> impl Future<Output = Step> + Send;
    /// Another change, of something that no step touches.
    fn follow(&self, live: &Self::Live) -> impl Future<Output = Step> + Send;
    /// Whether it says that only a restart helps.
    fn has_failed(&self, live: &Self::Live) -> bool;
    /// Waits until nothing goes on in the background any more, or fails again and again.
    fn settle(&self, live: &Self::Live) -> impl Future<Output = ()> + Send;
    /// Whether what readers see is promised to stay.
    fn shows_only_durable(&self) -> bool;
    /// What a reader sees. Errors are broken laws.
    fn shown(&self, live: &Self::Live) -> impl Future<Output = Result<String, String>> + Send;
    /// What is seen after a start, all of it.
    fn seen(&self, live: &Self::Live) -> impl Future<Output = Result<Seen, String>> + Send;
    /// The worlds that a power cut now may leave; the first one without anything that was not
    /// synced.
    fn cut(&self, world: &Self::World, seeds: &[u64]) -> Vec<Self::World>;
    /// The world that the next process finds.
    fn killed(&self, world: &Self::World) -> Self::World;
}

struct Expected {
    shown: Vec<String>,
    seen: Vec<String>,
    followed: usize,
    calls: u64,
}

/// Tries every point with every kind of fault.
pub(super) async fn every_point<T: Trial>(trial: T, settings: Settings) -> Row {
    let trial = Arc::new(trial);
    let expected = Arc::new(learn(&*trial).await);
    let row = Arc::new(Mutex::new(Row {
        name: trial.name().to_owned(),
        ..Row::default()
    }));
    let mut runs = JoinSet::new();
    for at in 0..expected.calls + SLACK {
        if runs.len() >= AT_A_TIME {
            runs.join_next().await.unwrap().unwrap();
        }
        let (trial, expected, row) = (trial.clone(), expected.clone(), row.clone());
        runs.spawn(async move {
            let mut point = Row::default();
            for kind in FaultKind::ALL {
                let fault = Fault { at, kind, settings };
                let mut run = Run::new(&*trial, &expected, fault);
                run.play().await;
                let found = run.row;
                point.points = point.points.max(found.points);
                point.faults += found.faults;
                point.recoveries += found.recoveries;
                point.laws += found.laws;
                point.lost += u64::from(!found.violations.is_empty());
                point.violations.extend(found.violations);
            }
            let mut row = row.lock();
            row.points += point.points;
            row.faults += point.faults;
            row.recoveries += point.recoveries;
            row.laws += point.laws;
            row.lost += point.lost;
            row.violations.extend(point.violations);
        });
    }
    while let Some(done) = runs.join_next().await {
        done.unwrap();
    }
    Arc::try_unwrap(row).unwrap().into_inner()
}

/// Cuts the power at every point, with syncs that do nothing: something has to be lost.
pub(super) async fn with_lying_syncs<T: Trial>(trial: T, settings: Settings) -> Row {
    let expected = learn(&trial).await;
    let mut row = Row {
        name: trial.name().to_owned(),
        ..Row::default()
    };
    for at in 0..expected.calls + SLACK {
        let kind = FaultKind::PowerCut;
        let fault = Fault { at, kind, settings };
        let mut run = Run::new(&trial, &expected, fault);
        run.lying = true;
        run.play().await;
        row.points += run.row.points;
        row.faults += run.row.faults;
        row.recoveries += run.row.recoveries;
        row.laws += run.row.laws;
        row.lost += u64::from(!run.row.violations.is_empty());
    }
    row
}

/// What the world looks like after each step, and how many calls all of it makes.
async fn learn<T: Trial>(trial: &T) -> Expected {
    let world = trial.world();
    let live = trial.open(&world).await.unwrap();
    assert_eq!(trial.prepare(&live).await, Ok(Acknowledged::Yes));
    trial.settle(&live).await;
    let before = trial.disk(&world).operations();
    let first = trial.seen(&live).await.unwrap();
    let mut expected = Expected {
        shown: vec![trial.shown(&live).await.unwrap()],
        seen: vec![first.picture],
        followed: first.followed,
        calls: 0,
    };
    for step in 0..trial.steps() {
        assert_eq!(
            trial.step(&live, step).await,
            Ok(Acknowledged::Yes),
            "{} step {step}",
            trial.name()
        );
        trial.settle(&live).await;
        expected.shown.push(trial.shown(&live).await.unwrap());
        expected.seen.push(trial.seen(&live).await.unwrap().picture);
    }
    expected.calls = trial.disk(&world).operations() - before;
    expected
}

#[derive(Debug, Clone, Copy)]
struct Fault {
    at: u64,
    kind: FaultKind,
    settings: Settings,
}

/// What the clients know when the machine stops.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// The earliest step that the world must show.
    at_least: usize,
    /// The latest that it may show.
    at_most: usize,
    followed_at_least: usize,
    followed_at_most: usize,
}

struct Run<'a, T> {
    trial: &'a T,
    expected: &'a Expected,
    fault: Fault,
    lying: bool,
    row: Row,
    what: String,
}

impl<'a, T: Trial> Run<'a, T> {
    fn new(trial: &'a T, expected: &'a Expected, fault: Fault) -> Self {
        Self {
            trial,
            expected,
            fault,
            lying: false,
            row: Row::default(),
            what: String::new(),
        }
    }

    fn broken(&mut self, law: impl std::fmt::Display) {
        self.row.violations.push(format!("{}: {law}", self.what));
    }

    async fn play(&mut self) {
        let trial = self.trial;
        let world = trial.world();
        let disk = trial.disk(&world).clone();
        let live = trial.open(&world).await.unwrap();
        assert_eq!(trial.prepare(&live).await, Ok(Acknowledged::Yes));
        trial.settle(&live).await;
        if self.lying {
            disk.lie_about_syncs();
        }
        disk.plan(disk.operations() + self.fault.at, self.fault.kind);
        let known = self.work(&live, &disk).await;
        let Fault { at, kind, .. } = self.fault;
        let end = at >= self.expected.calls && kind == FaultKind::PowerCut;
        let place = match disk.hit() {
            Some(hit) => format!("{:?} {}", hit.call, hit.path.display()),
            // The power may also go when all is done.
            None if end => "none is left".to_owned(),
            None => return,
        };
        self.what = format!("{}, {kind:?} at call {at} ({place})", trial.name());
        self.row.points = 1;
        self.row.faults = 1;
        let settled = tokio::time::timeout(HEALING, trial.settle(&live)).await;
        if settled.is_err() {
            self.broken("what is durable is never applied, and nothing is said to fail");
        }
        let known = self.look(&live, known).await;
        let seeds = self.seeds();
        let mut images = Vec::new();
        if self.fault.kind != FaultKind::Kill {
            images.extend(trial.cut(&world, &seeds));
        }
        if !matches!(self.fault.kind, FaultKind::PowerCut) {
            images.push(trial.killed(&world));
        }
        if self.lying {
            images.truncate(1);
        }
        drop(live);
        for (number, image) in images.iter().enumerate() {
            self.recover(image, known, number).await;
        }
    }

    fn seeds(&self) -> Vec<u64> {
        let Fault { at, kind, settings } = self.fault;
        let base = settings.seed.wrapping_mul(1_000_003) ^ (at << 8) ^ kind as u64;
        (0..settings.rounds)
            .map(|round| base ^ (round << 40))
            .collect()
    }

    /// Runs the steps until one is refused, and then something else if the disk lets it.
    async fn work(&mut self, live: &T::Live, disk: &SimDisk) -> Known {
        let trial = self.trial;
        let followed = self.expected.followed;
        let mut known = Known {
            followed_at_least: followed,
            followed_at_most: followed,
            ..Known::default()
        };
        for step in 0..trial.steps() {
            known.at_most = step + 1;
            match trial.step(live, step).await {
                Ok(Acknowledged::Yes) => known.at_least = step + 1,
                Ok(Acknowledged::No) => break,
                Err(law) => {
                    self.broken(law);
                    break;
                }
            }
        }
        match self.fault.kind {
            FaultKind::PowerCut | FaultKind::Kill | FaultKind::Dead => {}
            FaultKind::Error | FaultKind::Full => self.follow(live, &mut known).await,
            FaultKind::StaysFull => {
                self.follow(live, &mut known).await;
                disk.heal();
                let healed = async {
                    loop {
                        let before = known.followed_at_least;
                        self.follow(live, &mut known).await;
                        if known.followed_at_least > before || trial.has_failed(live) {
                            break;
                        }
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                };
                if tokio::time::timeout(HEALING, healed).await.is_err() {
                    self.broken("the disk has room again and nothing is taken");
                }
                self.row.laws += 1;
            }
        }
        known
    }

    async fn follow(&mut self, live: &T::Live, known: &mut Known) {
        known.followed_at_most += 1;
        match self.trial.follow(live).await {
            Ok(Acknowledged::Yes) => known.followed_at_least += 1,
            Ok(Acknowledged::No) => {}
            Err(law) => self.broken(law),
        }
    }

    /// What readers see now must stay.
    async fn look(&mut self, live: &T::Live, mut known: Known) -> Known {
        self.row.laws += 1;
        match self.trial.shown(live).await {
            Ok(shown) => {
                let allowed = known.at_least..=known.at_most;
                let found = allowed
                    .clone()
                    .find(|step| self.expected.shown.get(*step) == Some(&shown));
                match found {
                    Some(step) if self.trial.shows_only_durable() => known.at_least = step,
                    Some(_) => {}
                    None => self.broken(self.difference(&self.expected.shown, &shown, known)),
                }
            }
            Err(law) => self.broken(format!("before the restart: {law}")),
        }
        known
    }

    async fn recover(&mut self, image: &T::World, known: Known, number: usize) {
        let trial = self.trial;
        let deep = self.fault.settings.depth == Depth::Whole
            && !self.lying
            && (self.fault.at + number as u64).is_multiple_of(5);
        let spare = deep.then(|| trial.killed(image));
        let Some(live) = self.start(image, &format!("image {number}")).await else {
            return;
        };
        let Some(first) = self.check(&live, known, &format!("image {number}")).await else {
            return;
        };
        if self.lying {
            return;
        }
        // It goes on, and what it takes from now on stays too.
        let before = known;
        let mut known = Known {
            at_least: first.0,
            at_most: first.0,
            followed_at_least: first.1,
            followed_at_most: first.1,
        };
        self.row.laws += 1;
        match trial.follow(&live).await {
            Ok(Acknowledged::Yes) => {}
            other => self.broken(format!("image {number}: nothing is taken: {other:?}")),
        }
        known.followed_at_least += 1;
        known.followed_at_most += 1;
        let again = trial.cut(image, &[]);
        drop(live);
        for world in again.iter().take(1) {
            let what = format!("image {number}, second power cut");
            if let Some(live) = self.start(world, &what).await {
                self.check(&live, known, &what).await;
            }
        }
        if let Some(spare) = spare {
            self.recover_with_faults(&spare, before, number).await;
        }
    }

    /// Faults at every call of recovery itself.
    async fn recover_with_faults(&mut self, image: &T::World, known: Known, number: usize) {
        let trial = self.trial;
        let kinds = [FaultKind::PowerCut, FaultKind::Kill, FaultKind::Error];
        for at in 0.. {
            let kind = kinds[at as usize % kinds.len()];
            let world = trial.killed(image);
            trial.disk(&world).plan(at, kind);
            let live = trial.open(&world).await;
            if trial.disk(&world).hit().is_none() {
                break;
            }
            self.row.faults += 1;
            let next = match kind {
                FaultKind::Kill => trial.killed(&world),
                _ => trial.cut(&world, &[at]).pop().unwrap(),
            };
            drop(live);
            let what = format!("image {number}, {kind:?} at call {at} of recovery");
            if let Some(live) = self.start(&next, &what).await {
                self.check(&live, known, &what).await;
            }
        }
    }

    async fn start(&mut self, world: &T::World, what: &str) -> Option<T::Live> {
        self.row.recoveries += 1;
        match self.trial.open(world).await {
            Ok(live) => Some(live),
            Err(error) => {
                self.broken(format!("{what}: it does not start: {error}"));
                None
            }
        }
    }

    /// The step that the world shows, and how often the follow-up is in it.
    async fn check(&mut self, live: &T::Live, known: Known, what: &str) -> Option<(usize, usize)> {
        self.row.laws += LAWS_A_PICTURE;
        let seen = match self.trial.seen(live).await {
            Ok(seen) => seen,
            Err(law) => {
                self.broken(format!("{what}: {law}"));
                return None;
            }
        };
        let may = known.followed_at_least..=known.followed_at_most;
        if !may.contains(&seen.followed) {
            self.broken(format!(
                "{what}: the follow-up is there {} times, not {may:?}",
                seen.followed
            ));
        }
        let found = (known.at_least..=known.at_most)
            .find(|step| self.expected.seen.get(*step) == Some(&seen.picture));
        if found.is_none() {
            let difference = self.difference(&self.expected.seen, &seen.picture, known);
            self.broken(format!("{what}: {difference}"));
        }
        found.map(|step| (step, seen.followed))
    }

    fn difference(&self, expected: &[String], found: &str, known: Known) -> String {
        let Known {
            at_least, at_most, ..
        } = known;
        if let Some(step) = expected.iter().position(|picture| picture == found) {
            return format!("it shows step {step}, not {at_least} to {at_most}");
        }
        let wanted = expected.get(at_least).map_or("", String::as_str);
        let other = wanted
            .lines()
            .zip(found.lines())
            .find(|(wanted, found)| wanted != found);
        format!(
            "it shows no state that ever was (wanted step {at_least} to {at_most}); first difference: {other:?}"
        )
    }
}
