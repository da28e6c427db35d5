//! `bench-memory`: private memory, idle and with sessions in IDLE.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::Memory;
use crate::client::{Dialect, Idle, Job, Load, Login, Mailing, Recipients, Sessions};
use crate::measure::Tree;
use crate::message::Corpus;
use crate::report::{Aim, Line};
use crate::scratch::Scratch;
use crate::server::{DOMAIN, Daemon, Dovecot, Format, PASSWORD, Roost, USERS};

const MIB: f64 = 1024.0 * 1024.0;
const KIB: f64 = 1024.0;
/// After this a session in IDLE leaves its process, where Dovecot hibernates.
const HIBERNATE: Duration = Duration::from_secs(2);
/// How long processes get to end, or to hibernate.
const CALM_MAX: Duration = Duration::from_secs(60);

/// What a system uses.
struct Usage {
    /// Octets when nobody is there.
    idle: u64,
    /// Octets for each session, at each number of sessions.
    sessions: Vec<f64>,
}

/// Measures.
pub(crate) async fn run(options: Memory) -> anyhow::Result<()> {
    let scratch = Scratch::new(&options.common, "memory")?;
    let mut roost = Roost::set_up(scratch.path(), options.common.offset).await?;
    roost.start(Daemon::Store).await?;
    let nowhere = roost.address("lmtp")?;
    roost.start_mta(nowhere).await?;
    let all = roost.tree(&[Daemon::Directory, Daemon::Store, Daemon::Mta]);
    let certificate = roost.certificate()?;

    warm_up(roost.address("lmtp")?, Dialect::Lmtp).await?;
    warm_up(roost.address("smtp")?, Dialect::Smtp).await?;
    let own = Subject {
        tree: all.clone(),
        login: login(roost.address("store_imaps")?),
        hibernates: false,
    };
    own.rest().await?;
    let mut store = 0;
    for (daemon, name) in [
        (Daemon::Directory, "roost-directory"),
        (Daemon::Store, "roost-store"),
        (Daemon::Mta, "roost-mta"),
    ] {
        let used = roost.tree(&[daemon]).private_memory()?;
        println!("memory {name} private={:.1}MiB", used as f64 / MIB);
        if daemon == Daemon::Store {
            store = used;
        }
    }
    let ours = own.usage(&options.sessions).await?;
    drop(roost);

    let mut peers = Vec::new();
    if !options.alone {
        let _watches = Watches::allow()?;
        for hibernate in [None, Some(HIBERNATE)] {
            let format = Format::Mdbox;
            let dovecot = Dovecot::start(scratch.path(), format, &certificate, hibernate).await?;
            warm_up(dovecot.lmtp(), Dialect::Lmtp).await?;
            let subject = Subject {
                tree: dovecot.tree(),
                login: login(dovecot.imaps()),
                hibernates: hibernate.is_some(),
            };
            subject.rest().await?;
            peers.push(subject.usage(&options.sessions).await?);
        }
    }
    report(&options, &ours, store, &peers);
    Ok(())
}

fn report(options: &Memory, ours: &Usage, store: u64, peers: &[Usage]) {
    let none = f64::NAN;
    let idle = peers.first().map_or(none, |peer| peer.idle as f64 / MIB);
    let cost = |name: String, roost, peer, unit, bar, goal, beside| Line {
        name,
        roost,
        peer,
        unit,
        more_is_better: false,
        bar: Aim::AtMost(bar),
        goal: Aim::AtMost(goal),
        beside,
    };
    let suite = ours.idle as f64 / MIB;
    let what = "all-daemons peer-is=dovecot".to_owned();
    cost(
        "memory-idle-suite".to_owned(),
        suite,
        idle,
        "MiB",
        150.0,
        150.0,
        what,
    )
    .print();
    let store = store as f64 / MIB;
    cost(
        "memory-idle-store".to_owned(),
        store,
        idle,
        "MiB",
        40.0,
        40.0,
        String::new(),
    )
    .print();
    for (place, count) in options.sessions.iter().enumerate() {
        let of = |usage: &Usage| {
            usage
                .sessions
                .get(place)
                .map_or(none, |octets| octets / KIB)
        };
        for (kind, peer) in [("", peers.first()), ("-hibernating", peers.get(1))] {
            let name = format!("memory-idle-session-{count}{kind}");
            let beside = format!("peer-is=dovecot{kind}");
            cost(
                name,
                of(ours),
                peer.map_or(none, of),
                "KiB",
                100.0,
                24.0,
                beside,
            )
            .print();
        }
    }
}

fn login(to: std::net::SocketAddr) -> Login {
    Login {
        to,
        domain: DOMAIN,
        password: PASSWORD,
    }
}

/// The same load for everybody, so that caches are as full as in use.
async fn warm_up(to: std::net::SocketAddr, dialect: Dialect) -> anyhow::Result<()> {
    let load = Load {
        job: Job::Mail(Mailing {
            to,
            dialect,
            domain: DOMAIN,
            recipients: Recipients::InTurn(USERS),
            corpus: Arc::new(Corpus::new(4096)),
        }),
        connections: 10,
        warm_up: Duration::ZERO,
        window: Duration::from_secs(3),
        first: 1,
    };
    load.run().await.context("the load before")?;
    Ok(())
}

/// Dovecot watches mailboxes by inotify, and hibernates only sessions that it can watch. Linux allows
/// a user 128 watchers; all mail here is one user's.
struct Watches {
    before: String,
}

const WATCHERS: &str = "/proc/sys/fs/inotify/max_user_instances";
const WATCHERS_WANTED: u32 = 20_000;

impl Watches {
    /// Allows more, as long as the value lives.
    fn allow() -> anyhow::Result<Self> {
        let before = fs::read_to_string(WATCHERS).context("cannot ask for inotify's limit")?;
        if before.trim().parse().unwrap_or(0) < WATCHERS_WANTED
            && fs::write(WATCHERS, WATCHERS_WANTED.to_string()).is_err()
        {
            eprintln!("warning: {WATCHERS} cannot be raised: Dovecot will not hibernate");
        }
        Ok(Self { before })
    }
}

impl Drop for Watches {
    fn drop(&mut self) {
        if let Err(error) = fs::write(WATCHERS, self.before.trim()) {
            eprintln!(
                "cannot set {WATCHERS} back to {}: {error}",
                self.before.trim()
            );
        }
    }
}

/// What is measured.
struct Subject {
    tree: Tree,
    login: Login,
    hibernates: bool,
}

impl Subject {
    /// Lets every user come and go once: whoever has been there has been cached.
    async fn rest(&self) -> anyhow::Result<()> {
        let mut first = Sessions::default();
        first.grow(&self.how(), USERS).await?;
        drop(first);
        self.calm().await
    }

    fn how(&self) -> Idle {
        Idle {
            login: self.login.clone(),
            users: USERS,
        }
    }

    /// Opens more and more sessions.
    async fn usage(&self, counts: &[usize]) -> anyhow::Result<Usage> {
        let how = self.how();
        let idle = self.tree.private_memory()?;
        let mut sessions = Sessions::default();
        let mut each = Vec::new();
        for count in counts {
            sessions.grow(&how, *count).await?;
            if self.hibernates {
                tokio::time::sleep(2 * HIBERNATE).await;
            }
            self.calm().await?;
            let used = self.tree.private_memory()?;
            each.push(used.saturating_sub(idle) as f64 / *count as f64);
        }
        Ok(Usage {
            idle,
            sessions: each,
        })
    }

    /// Waits until neither the number of processes nor their CPU time changes.
    async fn calm(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        let look = || anyhow::Ok((self.tree.pids()?.len(), self.tree.cpu()?));
        let mut before = look()?;
        while began.elapsed() < CALM_MAX {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = look()?;
            let busy = now.1.saturating_sub(before.1) > Duration::from_millis(30);
            if now.0 == before.0 && !busy {
                return Ok(());
            }
            before = now;
        }
        Ok(())
    }
}
