//! `bench-proxy`: roost-proxy beside Debian's nginx with its mail module, in front of the same store;
//! and small static files over HTTPS. Both find the store by the same directory: nginx through route lookup, the store checking the password;
//! roost-proxy checks it and logs in by ticket.
//!
//! A login costs the directory a check by Argon2, whatever hash an account has and whoever is in front,
//! so that the rate of logins is the backend's. What the proxies differ in is their own CPU for one.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::Proxying;
use crate::client::{
    Done, Handshake, Idle, Login, Requests, Sessions, fetch_large, log_in_and_out, put_large,
    request,
};
use crate::measure::{Tree, client_cpu};
use crate::report::{Aim, Line, median};
use crate::scratch::Scratch;
use crate::server::{DOMAIN, Daemon, Nginx, PASSWORD, Roost, USERS};

const KIB: f64 = 1024.0;
const MIB: f64 = 1024.0 * 1024.0;
/// Closed loops that log in at the same time.
const LOOPS: usize = 8;
/// A large message.
const LARGE: usize = 24 << 20;

/// A proxy under load.
struct Subject {
    name: &'static str,
    tree: Tree,
    login: Login,
    https: SocketAddr,
}

/// A small file: a page's icon, a short script.
const SMALL: usize = 1024;

/// What one run of a point gave.
struct Run {
    rate: f64,
    /// The proxy's CPU time for one.
    cost: Duration,
    /// The client's share of the CPU it has: one core.
    client: f64,
}

/// Measures.
pub(crate) async fn run(options: Proxying) -> anyhow::Result<()> {
    let scratch = Scratch::new(&options.common, "proxy")?;
    let files = scratch.path().join("files");
    fs::create_dir_all(&files)?;
    fs::write(files.join("small.txt"), "x".repeat(SMALL))?;
    let mut roost = Roost::set_up(scratch.path(), options.common.offset).await?;
    roost.start(Daemon::Store).await?;
    roost.start(Daemon::Proxy).await?;
    let certificate = roost.certificate()?;
    let lookup = roost.address("lookup")?;
    let nginx = Nginx::start(scratch.path(), &certificate, lookup, &files).await?;
    let login = |to| Login {
        to,
        domain: DOMAIN,
        password: PASSWORD,
    };
    let ours = Subject {
        name: "roost-proxy",
        tree: roost.tree(&[Daemon::Proxy]),
        login: login(roost.address("imaps")?),
        https: roost.address("https")?,
    };
    let peer = Subject {
        name: "nginx",
        tree: nginx.tree(),
        login: login(nginx.imaps()),
        https: nginx.https(),
    };
    put_large(&login(roost.address("store_imap")?), 0, LARGE)
        .await
        .context("the large message")?;
    let window = Duration::from_secs_f64(options.seconds);
    let wanted = |name: &str| options.only.as_ref().is_none_or(|only| name.contains(only));
    for (name, is_http2) in [("proxy-https-small", false), ("proxy-http2-small", true)] {
        if !wanted(name) {
            continue;
        }
        let mut runs: [Vec<Run>; 2] = Default::default();
        let mut slowest: [Vec<f64>; 2] = Default::default();
        for _ in 0..options.runs {
            for (index, subject) in [&ours, &peer].into_iter().enumerate() {
                let (run, requests) = subject.ask(scratch.path(), is_http2, window).await?;
                if let (Some(runs), Some(slowest)) = (runs.get_mut(index), slowest.get_mut(index)) {
                    runs.push(run);
                    slowest.push(requests.slowest.as_secs_f64() * 1e3);
                }
            }
        }
        report_speed(name, "/s", 1.0, &runs, 0.9, 1.2);
        let [ours, peers] = slowest;
        Line {
            name: format!("{name}-p99"),
            roost: median(ours),
            peer: median(peers),
            unit: "ms",
            more_is_better: false,
            bar: Aim::Ratio(0.9),
            goal: Aim::Ratio(1.2),
            beside: "peer-is=nginx".to_owned(),
        }
        .print();
    }
    for (name, handshake) in [
        ("proxy-login-full", Handshake::Full),
        ("proxy-login-resumed", Handshake::Resumed),
    ] {
        if !wanted(name) {
            continue;
        }
        let mut runs: [Vec<Run>; 2] = Default::default();
        for _ in 0..options.runs {
            for (subject, runs) in [&ours, &peer].into_iter().zip(&mut runs) {
                let login = &subject.login;
                let work = log_in_and_out(login, USERS, handshake, LOOPS, window);
                runs.push(subject.measure(work).await?);
            }
        }
        report_speed(name, "/s", 1.0, &runs, 1.0, 1.3);
        let cpu = |runs: &[Run]| median(runs.iter().map(|run| run.cost.as_secs_f64() * 1e3));
        let [ours, peers] = &runs;
        Line {
            name: format!("{name}-cpu"),
            roost: cpu(ours),
            peer: cpu(peers),
            unit: "ms",
            more_is_better: false,
            bar: Aim::Ratio(1.0),
            goal: Aim::Ratio(1.3),
            beside: "peer-is=nginx".to_owned(),
        }
        .print();
    }
    if wanted("proxy-fetch-large") {
        let mut runs: [Vec<Run>; 2] = Default::default();
        for _ in 0..options.runs {
            for (subject, runs) in [&ours, &peer].into_iter().zip(&mut runs) {
                let work = fetch_large(&subject.login, 0, window);
                runs.push(subject.measure(work).await?);
            }
        }
        report_speed("proxy-fetch-large", "MiB/s", MIB, &runs, 1.0, 1.2);
    }
    if !wanted("proxy-idle-session") {
        return Ok(());
    }
    let ours = ours.idle(options.sessions).await?;
    let peer = peer.idle(options.sessions).await?;
    Line {
        name: format!("proxy-idle-session-{}", options.sessions),
        roost: ours / KIB,
        peer: peer / KIB,
        unit: "KiB",
        more_is_better: false,
        bar: Aim::Ratio(0.8),
        goal: Aim::Ratio(1.5),
        beside: "peer-is=nginx".to_owned(),
    }
    .print();
    Ok(())
}

impl Subject {
    async fn measure(
        &self,
        work: impl Future<Output = anyhow::Result<Done>>,
    ) -> anyhow::Result<Run> {
        let before = (self.tree.cpu()?, client_cpu());
        let done = work.await.context(self.name)?;
        let used = self.tree.cpu()?.saturating_sub(before.0);
        let client = client_cpu().saturating_sub(before.1);
        let count = u32::try_from(done.count).unwrap_or(u32::MAX).max(1);
        Ok(Run {
            rate: done.rate(),
            cost: used / count,
            client: client.as_secs_f64() / done.took.as_secs_f64(),
        })
    }

    /// Asks for the small file.
    async fn ask(
        &self,
        scratch: &Path,
        is_http2: bool,
        window: Duration,
    ) -> anyhow::Result<(Run, Requests)> {
        let mut asked = None;
        let work = async {
            let requests = request(self.https, "/small.txt", is_http2, scratch, window).await?;
            asked = Some(requests);
            Ok(requests.done)
        };
        let run = self.measure(work).await?;
        Ok((run, asked.context("no requests")?))
    }

    /// Private memory of one session in IDLE, in octets.
    async fn idle(&self, sessions: usize) -> anyhow::Result<f64> {
        let how = Idle {
            login: self.login.clone(),
            users: USERS,
        };
        let mut first = Sessions::default();
        first.grow(&how, USERS).await.context(self.name)?;
        drop(first);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let before = self.tree.private_memory()?;
        let mut open = Sessions::default();
        open.grow(&how, sessions).await.context(self.name)?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let used = self.tree.private_memory()?.saturating_sub(before);
        Ok(used as f64 / sessions as f64)
    }
}

/// Prints a line of medians; `scale` is what one unit has of what was counted.
fn report_speed(
    name: &str,
    unit: &'static str,
    scale: f64,
    runs: &[Vec<Run>; 2],
    bar: f64,
    goal: f64,
) {
    let [ours, peers] = runs;
    let middle = |runs: &[Run], of: fn(&Run) -> f64| median(runs.iter().map(of));
    let cost = |runs: &[Run]| middle(runs, |run| run.cost.as_secs_f64() * 1e3) * scale;
    let client = |runs: &[Run]| middle(runs, |run| run.client * 100.0);
    Line {
        name: name.to_owned(),
        roost: middle(ours, |run| run.rate) / scale,
        peer: middle(peers, |run| run.rate) / scale,
        unit,
        more_is_better: true,
        bar: Aim::Ratio(bar),
        goal: Aim::Ratio(goal),
        beside: format!(
            "peer-is=nginx cpu-ms-roost={:.2} cpu-ms-peer={:.2} client-cpu={:.0}%/{:.0}%",
            cost(ours),
            cost(peers),
            client(ours),
            client(peers)
        ),
    }
    .print();
}
