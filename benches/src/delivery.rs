//! `bench-delivery`: the points, and how one is run.

mod points;
mod sample;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;

use crate::Delivery;
use crate::client::{Appending, Dialect, Job, Load, Login, Mailing, Recipients};
use crate::measure::{Disk, Tree};
use crate::message::Corpus;
use crate::report::{Aim, Line, median, spread};
use crate::scratch::Scratch;
use crate::server::{
    DOMAIN, Daemon, Destination, Dovecot, FOLDER_USERS, Format, PASSWORD, Postfix, Roost, Sink,
    USERS, free_port,
};
use points::{POINTS, Point, To, Work};
use sample::{Sample, Target};

/// Before the window: caches fill, processes start.
const WARM_UP: Duration = Duration::from_millis(700);

/// A system that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    Roost,
    Dovecot(Format),
    Postfix,
}

impl System {
    fn name(self) -> &'static str {
        match self {
            Self::Roost => "roost",
            Self::Dovecot(format) => format.name(),
            Self::Postfix => "postfix",
        }
    }
}

/// Everything that is set up.
struct Bench {
    options: Delivery,
    scratch: Scratch,
    disk: Disk,
    roost: Roost,
    dovecots: Vec<(Format, Dovecot)>,
    sink: Sink,
    /// The number of the next message: none is sent twice.
    next: u64,
    /// The number of the next run into one folder: each has a user of its own.
    folder: usize,
    small: Arc<Corpus>,
    large: Arc<Corpus>,
}

/// Runs all points that were asked for.
pub(crate) async fn run(options: Delivery) -> anyhow::Result<()> {
    let chosen: Vec<&Point> = POINTS
        .iter()
        .filter(|point| {
            let only = options.only.as_deref();
            only.is_none_or(|only| point.name.contains(only))
        })
        .collect();
    ensure!(!chosen.is_empty(), "no point has such a name");
    ensure!(options.runs > 0, "--runs must be at least 1");
    let mut bench = Bench::set_up(options).await?;
    let mut lines = Vec::new();
    for point in chosen {
        let new = bench.point(point).await?;
        new.iter().for_each(Line::print);
        lines.extend(new);
    }
    let reached = lines.iter().filter(|line| line.reaches_bar()).count();
    println!("{reached} of {} bars reached", lines.len());
    Ok(())
}

impl Bench {
    async fn set_up(options: Delivery) -> anyhow::Result<Self> {
        let scratch = Scratch::new(&options.common, "delivery")?;
        let mut roost = Roost::set_up(scratch.path(), options.common.offset).await?;
        roost.start(Daemon::Store).await?;
        let mut dovecots = Vec::new();
        if !options.alone {
            let certificate = roost.certificate()?;
            for format in [Format::Maildir, Format::Mdbox] {
                let dovecot = Dovecot::start(scratch.path(), format, &certificate, None).await?;
                dovecots.push((format, dovecot));
            }
        }
        Ok(Self {
            disk: Disk::under(scratch.path())?,
            sink: Sink::start().await?,
            options,
            scratch,
            roost,
            dovecots,
            next: 1,
            folder: 0,
            small: Arc::new(Corpus::new(4096)),
            large: Arc::new(Corpus::new(65_536)),
        })
    }

    /// Runs a point: the systems take turns.
    async fn point(&mut self, point: &Point) -> anyhow::Result<Vec<Line>> {
        let mut systems = vec![System::Roost];
        if !self.options.alone {
            match point.work {
                Work::Lmtp { .. } | Work::Append => {
                    systems.push(System::Dovecot(Format::Maildir));
                    systems.push(System::Dovecot(Format::Mdbox));
                }
                Work::Accept | Work::Relay => systems.push(System::Postfix),
            }
        }
        let mut samples: Vec<(System, Vec<Sample>)> =
            systems.iter().map(|system| (*system, Vec::new())).collect();
        for turn in 0..self.options.runs {
            if matches!(point.work, Work::Lmtp { to: To::Folder, .. }) {
                self.folder = self.folder % FOLDER_USERS + 1;
            }
            let count = samples.len();
            for place in 0..count {
                // Who comes first changes.
                let Some((system, taken)) = samples.get_mut((place + turn) % count) else {
                    continue;
                };
                taken.push(self.sample(point, *system).await?);
            }
        }
        Ok(lines(point, &samples))
    }

    async fn sample(&mut self, point: &Point, system: System) -> anyhow::Result<Sample> {
        match point.work {
            Work::Lmtp { to, .. } => {
                let (address, tree) = self.store(system, "lmtp")?;
                let recipients = match to {
                    To::Users => Recipients::InTurn(USERS),
                    To::Folder => Recipients::One(format!("f{}", self.folder)),
                    To::Fifty => Recipients::Many(50),
                };
                let job = self.mailing(point, address, Dialect::Lmtp, recipients);
                self.run(point, Job::Mail(job), Target::new(tree)).await
            }
            Work::Append => {
                let (to, tree) = self.store(system, "store_imap")?;
                let job = Job::Append(Appending {
                    login: Login {
                        to,
                        domain: DOMAIN,
                        password: PASSWORD,
                    },
                    corpus: self.small.clone(),
                });
                self.run(point, job, Target::new(tree)).await
            }
            Work::Accept | Work::Relay => self.through_a_queue(point, system).await,
        }
    }

    /// Where a store is, and its processes.
    fn store(&self, system: System, service: &str) -> anyhow::Result<(SocketAddr, Tree)> {
        let dovecot = self
            .dovecots
            .iter()
            .find(|(format, _)| system == System::Dovecot(*format));
        match dovecot {
            Some((_, dovecot)) => {
                let address = match service {
                    "lmtp" => dovecot.lmtp(),
                    _ => dovecot.imap(),
                };
                Ok((address, dovecot.tree()))
            }
            None => {
                let tree = self.roost.tree(&[Daemon::Store, Daemon::Directory]);
                Ok((self.roost.address(service)?, tree))
            }
        }
    }

    /// A mail server is started for each run, with an empty queue.
    async fn through_a_queue(&mut self, point: &Point, system: System) -> anyhow::Result<Sample> {
        let delivers = point.work == Work::Relay;
        let recipients = Recipients::InTurn(USERS);
        let sink = delivers.then(|| self.sink.lmtp());
        if system == System::Postfix {
            let destination = sink.map_or(Destination::Hold, Destination::Lmtp);
            let postfix = Postfix::start(self.scratch.path(), destination).await?;
            let job = self.mailing(point, postfix.smtp(), Dialect::Smtp, recipients);
            let mut target = Target::new(postfix.tree());
            target.sink = delivers.then_some(&self.sink);
            let load = self.load(point, Job::Mail(job));
            return self.finish(target.measure(&load, &self.disk).await?);
        }
        // Nobody listens there: the mail stays in the queue.
        let nowhere = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        self.roost.start_mta(sink.unwrap_or(nowhere)).await?;
        let tree = self.roost.tree(&[Daemon::Mta, Daemon::Directory]);
        let address = self.roost.address("smtp")?;
        let job = self.mailing(point, address, Dialect::Smtp, recipients);
        let mut target = Target::new(tree);
        target.sink = delivers.then_some(&self.sink);
        let load = self.load(point, Job::Mail(job));
        let sample = target.measure(&load, &self.disk).await;
        self.roost.stop(Daemon::Mta);
        self.finish(sample?)
    }

    fn mailing(
        &self,
        point: &Point,
        to: SocketAddr,
        dialect: Dialect,
        recipients: Recipients,
    ) -> Mailing {
        let large = matches!(point.work, Work::Lmtp { large: true, .. });
        Mailing {
            to,
            dialect,
            domain: DOMAIN,
            recipients,
            corpus: match large {
                true => self.large.clone(),
                false => self.small.clone(),
            },
        }
    }

    fn load(&self, point: &Point, job: Job) -> Load {
        Load {
            job,
            connections: point.connections,
            warm_up: WARM_UP,
            window: Duration::from_secs_f64(self.options.seconds),
            first: self.next,
        }
    }

    async fn run(&mut self, point: &Point, job: Job, target: Target<'_>) -> anyhow::Result<Sample> {
        let load = self.load(point, job);
        let sample = target.measure(&load, &self.disk).await?;
        self.finish(sample)
    }

    fn finish(&mut self, sample: Sample) -> anyhow::Result<Sample> {
        self.next = sample.next;
        Ok(sample)
    }
}

/// The lines of a point.
fn lines(point: &Point, samples: &[(System, Vec<Sample>)]) -> Vec<Line> {
    let rate = |samples: &[Sample]| median(samples.iter().map(|sample| sample.rate));
    let Some(((_, roost), peers)) = samples.split_first() else {
        return Vec::new();
    };
    let best = peers
        .iter()
        .max_by(|(_, one), (_, other)| rate(one).total_cmp(&rate(other)));
    let none = (System::Roost, Vec::new());
    let (peer, best) = best.unwrap_or(&none);
    let both = |of: fn(&Sample) -> f64| (median(roost.iter().map(of)), median(best.iter().map(of)));
    let (cpu, peer_cpu) = both(|sample| sample.cpu_ms);
    let (flushes, peer_flushes) = both(|sample| sample.flushes);
    let (client, peer_client) = both(|sample| sample.client * 100.0);
    let spread_of = |samples: &[Sample]| {
        let rates: Vec<f64> = samples.iter().map(|sample| sample.rate).collect();
        spread(&rates) * 100.0
    };
    let others = peers
        .iter()
        .filter(|(system, _)| system != peer)
        .map(|(system, samples)| format!(" {}={:.0}/s", system.name(), rate(samples)))
        .collect::<String>();
    let rates = Line {
        name: point.name.to_owned(),
        roost: rate(roost),
        peer: rate(best),
        unit: "/s",
        more_is_better: true,
        bar: Aim::Ratio(point.bar),
        goal: Aim::Ratio(point.goal),
        beside: format!(
            "peer-is={} cpu-ms={cpu:.2}/{peer_cpu:.2} flushes={flushes:.2}/{peer_flushes:.2} \
             client-cpu={client:.0}%/{peer_client:.0}% spread={:.0}%/{:.0}%{others}",
            peer.name(),
            spread_of(roost),
            spread_of(best),
        ),
    };
    let mut lines = vec![rates];
    if point.name == points::COSTS_OF {
        let system = *peer;
        let cost = |what: &str, roost, peer, unit, bar, goal| Line {
            name: format!("{}-{what}", point.name),
            roost,
            peer,
            unit,
            more_is_better: false,
            bar,
            goal,
            beside: format!("peer-is={}", system.name()),
        };
        lines.push(cost(
            "cpu",
            cpu,
            peer_cpu,
            "ms",
            Aim::Ratio(1.0),
            Aim::Ratio(6.0),
        ));
        lines.push(cost(
            "flushes",
            flushes,
            peer_flushes,
            "",
            Aim::AtMost(0.5),
            Aim::AtMost(0.2),
        ));
    }
    lines
}
