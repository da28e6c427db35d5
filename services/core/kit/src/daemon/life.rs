//! From start to exit, once everything is read.

use std::future::Future;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::arguments::Arguments;
use super::{Kit, successor};
use crate::config::{ConfigError, Configuration, Settings};
use crate::fields::Chain;
use crate::log::{self, Log};
use crate::metrics::Gauge;

/// How long threads that block get at the end.
pub(super) const THREADS_PATIENCE: Duration = Duration::from_secs(5);
/// How often certificate files are looked at: a glance at their metadata.
const CERTIFICATES_PERIOD: Duration = Duration::from_secs(5);
/// A certificate that ends sooner is worth a warning.
const CERTIFICATE_WARNING: Duration = Duration::from_secs(7 * 24 * 3600);
/// The part of the daemon that is ill until it serves, and again when it drains.
const LIFE: &str = "life";

/// A daemon that is about to live.
pub(super) struct Life {
    pub(super) kit: Kit,
    pub(super) log: Log,
    pub(super) reloads: watch::Sender<Arc<Configuration>>,
    pub(super) arguments: Arguments,
    /// Whether SIGUSR2 asks for a new process in the place of this one.
    pub(super) has_successors: bool,
    /// When the first certificate ends, in seconds since 1970.
    pub(super) certificate_end: Gauge,
}

/// What a living daemon waits for.
struct Calls {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    /// Nothing where there is no successor to be had.
    successor: Option<Signal>,
    parent_gone: Arc<Notify>,
    certificates: Interval,
    watchdog: Option<Interval>,
}

enum Call {
    Stop(&'static str),
    Failed(anyhow::Error),
    Reload,
    Successor,
    LookAtCertificates,
    Watchdog,
}

impl Life {
    pub(super) async fn live<S, F, Fut>(self, settings: S, start: F) -> anyhow::Result<()>
    where
        S: Settings,
        F: FnOnce(S, Kit) -> Fut,
        Fut: Future<Output = anyhow::Result<()>>,
    {
        let kit = &self.kit;
        tracing::info!(version = kit.version, "{} starts", kit.daemon);
        crate::tls::install_default_provider();
        let mut calls = Calls::new(&self, kit)?;
        kit.health.phase(LIFE, "starting");
        self.note_certificates();
        kit.serve_health(&settings)?;
        let lived = match self.start(&mut calls, start(settings, kit.clone())).await {
            Ok(true) => self.serve::<S>(&mut calls).await,
            Ok(false) => Ok(()),
            Err(error) => Err(error.context("cannot start")),
        };
        self.drain(&mut calls).await;
        lived
    }

    /// Starts; false if the daemon was stopped meanwhile.
    async fn start(
        &self,
        calls: &mut Calls,
        start: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<bool> {
        tokio::pin!(start);
        loop {
            // Cancel-safe: `start` is polled on, and a call that is not taken stays.
            tokio::select! {
                started = &mut start => {
                    started?;
                    return Ok(true);
                }
                call = calls.next(&self.kit) => match call {
                    Call::Stop(_) => return Ok(false),
                    Call::Failed(error) => return Err(error),
                    Call::Watchdog => self.kit.notify.watchdog(),
                    Call::Reload | Call::Successor | Call::LookAtCertificates => {}
                },
            }
        }
    }

    async fn serve<S: Settings>(&self, calls: &mut Calls) -> anyhow::Result<()> {
        let kit = &self.kit;
        kit.health.phase_over(LIFE);
        kit.notify.ready();
        tracing::info!("{} serves", kit.daemon);
        successor::tell_predecessor();
        loop {
            match calls.next(kit).await {
                Call::Stop(why) => {
                    tracing::info!(why, "{} drains", kit.daemon);
                    return Ok(());
                }
                Call::Failed(error) => return Err(error),
                Call::Reload => self.reload::<S>(),
                Call::Successor => {
                    if self.hand_over(calls).await? {
                        return Ok(());
                    }
                }
                Call::LookAtCertificates => self.reload_changed_certificates(),
                Call::Watchdog => kit.notify.watchdog(),
            }
        }
    }

    /// Starts a successor. Answers whether this process is done; if it cannot be replaced, it serves
    /// on.
    async fn hand_over(&self, calls: &mut Calls) -> anyhow::Result<bool> {
        let kit = &self.kit;
        let starting = successor::start(kit);
        tokio::pin!(starting);
        let pid = loop {
            // Cancel-safe: `starting` is polled on, and ends its process when it is dropped.
            tokio::select! {
                started = &mut starting => match started {
                    Ok(pid) => break pid,
                    Err(error) => {
                        tracing::error!(error = %Chain(&error), "no successor: this process serves on");
                        return Ok(false);
                    }
                },
                call = calls.next(kit) => match call {
                    Call::Stop(_) => return Ok(true),
                    Call::Failed(error) => return Err(error),
                    Call::Watchdog => kit.notify.watchdog(),
                    Call::Reload | Call::Successor | Call::LookAtCertificates => {}
                },
            }
        };
        kit.notify.main_process(pid);
        tracing::info!(successor = pid, "another process has taken over");
        let seen_out = kit.tasks.see_sessions_out();
        tokio::pin!(seen_out);
        loop {
            // Cancel-safe: `seen_out` is polled on.
            tokio::select! {
                () = &mut seen_out => return Ok(true),
                call = calls.next(kit) => match call {
                    Call::Stop(_) => return Ok(true),
                    Call::Failed(error) => return Err(error),
                    Call::Reload | Call::Successor | Call::LookAtCertificates | Call::Watchdog => {}
                },
            }
        }
    }

    /// Reads configuration and certificates again. After a mistake everything is as before.
    fn reload<S: Settings>(&self) {
        self.kit.notify.reloading();
        match self.read_again::<S>() {
            Ok(configuration) => {
                // Nobody may be interested, which is fine.
                drop(self.reloads.send(configuration));
                self.note_certificates();
                tracing::info!("configuration and certificates read again");
            }
            Err(error) => tracing::error!(%error, "the configuration stays as it was"),
        }
        self.kit.notify.ready();
    }

    fn read_again<S: Settings>(&self) -> Result<Arc<Configuration>, ConfigError> {
        let configuration = Configuration::load(&self.arguments.config)?;
        let shared = configuration.shared()?;
        configuration.settings::<S>()?;
        log::check_level(&shared.log.level)
            .map_err(|error| configuration.error("log.level", error.to_string()))?;
        self.kit
            .tls
            .reconfigure(&shared.tls)
            .map_err(|error| configuration.error("tls.certificates", Chain(&error).to_string()))?;
        self.log
            .set_level(&shared.log.level)
            .map_err(|error| configuration.error("log.level", error.to_string()))?;
        Ok(Arc::new(configuration))
    }

    fn reload_changed_certificates(&self) {
        if !self.kit.tls.changed() {
            return;
        }
        match self.kit.tls.reload() {
            Ok(()) => {
                tracing::info!("certificates read again");
                self.note_certificates();
            }
            Err(error) => {
                let error = Chain(&error);
                tracing::error!(%error, "the certificates stay as they were");
            }
        }
    }

    /// Counts when the first certificate ends, and warns of an end that is near.
    fn note_certificates(&self) {
        let Some(end) = self.kit.tls.expires() else {
            return;
        };
        self.certificate_end.set(end.as_second());
        let now = self.kit.clock.now();
        let left = Duration::try_from(end.duration_since(now)).unwrap_or_default();
        if left < CERTIFICATE_WARNING {
            tracing::warn!(%end, "a certificate ends soon, or has ended (renew it)");
        }
    }

    async fn drain(&self, calls: &mut Calls) {
        let kit = &self.kit;
        kit.health.phase(LIFE, "draining");
        kit.notify.stopping();
        let shut_down = kit.tasks.shut_down(kit.shared.node.drain.duration());
        tokio::pin!(shut_down);
        let drained = loop {
            // Cancel-safe: `shut_down` is polled on.
            tokio::select! {
                drained = &mut shut_down => break drained,
                call = calls.next(kit) => match call {
                    Call::Stop(why) => {
                        tracing::warn!(why, "asked again: not waiting for sessions");
                        return;
                    }
                    Call::Failed(error) => {
                        tracing::error!(error = format!("{error:#}"), "failed during the drain");
                    }
                    Call::Watchdog => kit.notify.watchdog(),
                    Call::Reload | Call::Successor | Call::LookAtCertificates => {}
                },
            }
        };
        tracing::info!(
            sessions_cut = drained.sessions_cut,
            workers_left = drained.workers_left,
            "{} is done",
            kit.daemon
        );
    }
}

impl Calls {
    fn new(life: &Life, kit: &Kit) -> anyhow::Result<Self> {
        let on = |kind| signal(kind).context("cannot watch signals");
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            hang_up: on(SignalKind::hangup())?,
            successor: match life.has_successors {
                true => Some(on(SignalKind::user_defined2())?),
                false => None,
            },
            parent_gone: match life.arguments.while_stdin_open {
                true => stdin_end()?,
                false => Arc::default(),
            },
            certificates: every(CERTIFICATES_PERIOD),
            watchdog: kit.notify.watchdog_period().map(every),
        })
    }

    async fn next(&mut self, kit: &Kit) -> Call {
        // Cancel-safe: signals, ticks and the failure stay until they are taken.
        tokio::select! {
            _ = self.terminate.recv() => Call::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Call::Stop("SIGINT"),
            () = self.parent_gone.notified() => Call::Stop("standard input ended"),
            error = kit.tasks.failure() => Call::Failed(error),
            _ = self.hang_up.recv() => Call::Reload,
            () = heard(&mut self.successor) => Call::Successor,
            _ = self.certificates.tick() => Call::LookAtCertificates,
            () = tick(&mut self.watchdog) => Call::Watchdog,
        }
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period.max(Duration::from_millis(1)));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

async fn tick(interval: &mut Option<Interval>) {
    match interval {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}

/// Tells when standard input ends. A thread, since reading it may block for ever.
fn stdin_end() -> anyhow::Result<Arc<Notify>> {
    let ended = Arc::new(Notify::new());
    let told = Arc::clone(&ended);
    std::thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || {
            let mut ignored = [0; 64];
            while matches!(std::io::stdin().read(&mut ignored), Ok(count) if count > 0) {}
            told.notify_one();
        })
        .context("cannot start a thread")?;
    Ok(ended)
}
