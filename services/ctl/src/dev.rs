//! `roostctl dev`: the whole suite on this machine, for trying and testing.
//!
//! Each daemon is a process of its own, started from this program's folder with a configuration, a
//! certificate authority and secrets that are made here, all below one state folder. A daemon that
//! dies is started again. When this process ends, however it ends, the daemons end too: they watch
//! a pipe that only it holds open.

mod daemon;
mod demo;
mod description;
mod letters;
mod lines;
mod ports;
mod settings;
mod state;
mod summary;
mod welcome;

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::authority::Authority;
use crate::failure::{Exit, Failure};
use crate::output::{Colour, say};
use daemon::{Change, Daemon, Family};
use description::Description;
use lines::Lines;
use ports::Ports;
use state::State;

/// What is added to well-known ports, so that no root is needed.
pub(crate) const DEFAULT_OFFSET: u16 = 20_000;

/// The daemons in the order in which they start. They stop in the opposite one.
const DAEMONS: [&str; 6] = [
    "roost-logger",
    "roost-directory",
    "roost-store",
    "roost-mta",
    "roost-proxy",
    "roost-snmp",
];

/// What the servers are called.
const NAMES: [&str; 5] = [
    settings::NODE,
    demo::DOMAIN,
    "localhost",
    "127.0.0.1",
    "::1",
];

/// What the command line said.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) state: PathBuf,
    pub(crate) offset: u16,
    pub(crate) fresh: bool,
    pub(crate) colour: Colour,
}

/// Runs the suite until a signal.
pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let ports = Ports::new(options.offset)?;
    let state = State::open(&options.state, options.fresh)?;
    ports.check_free()?;
    let lines = Lines::new(options.colour);
    let (changes, news) = mpsc::channel(DAEMONS.len() * 4);
    let mut suite = Suite {
        family: Family::new(&state, changes, lines.clone())?,
        description: Description::new(&state, &ports),
        state,
        ports,
        lines,
        news,
    };
    // Cancel-safe: a start that is not waited for is stopped below.
    let started = tokio::select! {
        started = suite.start() => started.map(|()| true),
        () = signals.stop() => Ok(false),
    };
    let lived = match started {
        Ok(true) => suite.live(&mut signals).await,
        Ok(false) => Ok(()),
        Err(failure) => Err(failure),
    };
    suite.lines.open();
    suite.stop().await?;
    lived
}

/// Everything that runs.
struct Suite {
    state: State,
    ports: Ports,
    family: Family,
    description: Description,
    lines: Lines,
    news: mpsc::Receiver<Change>,
}

impl Suite {
    /// Starts all daemons, fills the directory and the mailboxes, and says what there is.
    async fn start(&mut self) -> Result<(), Failure> {
        say(&format!("starting in {}", self.state.root().display()));
        // One that was killed could not remove it.
        self.description.remove(&self.state)?;
        authority(&self.state).ensure()?;
        settings::write(&self.state, &self.ports)?;
        let accounts = demo::accounts(&self.state)?;
        for name in DAEMONS {
            self.family.start(Daemon::new(name, &self.ports));
            self.wait_ready(name).await?;
            if name == "roost-directory" {
                demo::fill_directory(&self.state, &accounts).await?;
            }
        }
        demo::fill_mailboxes(&self.state, &self.ports, &accounts).await?;
        self.description.accounts = accounts;
        self.description.write(&self.state)?;
        welcome::print_all(&self.description, &self.state)?;
        self.lines.open();
        Ok(())
    }

    /// Waits until a daemon says that it serves; fails when it ends before.
    async fn wait_ready(&mut self, name: &'static str) -> Result<(), Failure> {
        loop {
            match self.news.recv().await {
                Some(Change::Started { daemon, pid }) => self.description.started(daemon, pid),
                Some(Change::Ready { daemon }) if daemon == name => return Ok(()),
                Some(Change::Ready { .. }) => {}
                Some(Change::Died {
                    configuration: true,
                    daemon,
                    ..
                }) => {
                    self.lines.open();
                    return Err(bad_configuration(daemon));
                }
                Some(Change::Died { daemon, how, .. }) => {
                    self.lines.open();
                    return Err(Failure::failed(
                        "daemon_ended",
                        format!("{daemon} ended while the suite started: {how}"),
                    )
                    .next("read its lines above"));
                }
                None => return Err(Failure::failed("internal", "the daemons are gone")),
            }
        }
    }

    /// Watches over the daemons until a signal.
    async fn live(&mut self, signals: &mut Signals) -> Result<(), Failure> {
        let control = self.state.logger_control();
        let mut summaries = tokio::time::interval(summary::PERIOD);
        let mut said = None;
        loop {
            // Cancel-safe: signals and changes stay until they are taken, and a summary that is cut
            // short comes a minute later.
            tokio::select! {
                line = async {
                    summaries.tick().await;
                    summary::line(&control).await
                } => {
                    // A suite that nobody uses says nothing new.
                    if let Some(line) = line.filter(|line| said.as_ref() != Some(line)) {
                        self.lines.line("summary", &line);
                        said = Some(line);
                    }
                }
                call = signals.next() => match call {
                    Call::Stop => return Ok(()),
                    Call::Reload => self.family.reload(),
                },
                change = self.news.recv() => match change {
                    Some(change) => self.changed(change)?,
                    None => return Err(Failure::failed("internal", "the daemons are gone")),
                },
            }
        }
    }

    fn changed(&mut self, change: Change) -> Result<(), Failure> {
        match change {
            Change::Started { daemon, pid } => {
                self.description.started(daemon, pid);
                self.description.write(&self.state)
            }
            Change::Ready { daemon } => {
                self.lines.notice(daemon, "serves again");
                Ok(())
            }
            Change::Died {
                configuration: true,
                daemon,
                ..
            } => Err(bad_configuration(daemon)),
            Change::Died {
                daemon,
                how,
                again_in,
                ..
            } => {
                let wait = again_in.as_secs_f32();
                self.lines
                    .notice(daemon, &format!("died ({how}): restart in {wait:.1} s"));
                Ok(())
            }
        }
    }

    async fn stop(mut self) -> Result<(), Failure> {
        let removed = self.description.remove(&self.state);
        // A daemon that waits to tell its change must not wait for us.
        self.news.close();
        for name in DAEMONS.iter().rev() {
            self.family.stop(name).await;
        }
        say("stopped");
        removed
    }
}

/// The authority of this suite alone.
fn authority(state: &State) -> Authority {
    Authority {
        folder: state.path("tls"),
        name: "Roost dev authority (this machine only)".to_owned(),
        names: NAMES.map(str::to_owned).to_vec(),
    }
}

fn bad_configuration(daemon: &str) -> Failure {
    Failure::new(
        Exit::Configuration,
        "configuration",
        format!("{daemon} does not accept its configuration"),
    )
    .next("read its last line above")
}

/// The signals that a person or a script sends.
struct Signals {
    /// Whether a person watched when this began.
    on_terminal: bool,
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let on = |kind| signal(kind).map_err(|error| Failure::io("cannot watch signals", &error));
        Ok(Self {
            on_terminal: io::stderr().is_terminal(),
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            hang_up: on(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Call {
        // Cancel-safe: a signal stays until it is taken.
        tokio::select! {
            _ = self.terminate.recv() => Call::Stop,
            _ = self.interrupt.recv() => Call::Stop,
            _ = self.hang_up.recv() => self.hung_up(),
        }
    }

    /// A terminal that was closed cannot send Ctrl-C any more: the suite ends with it. Everybody else
    /// asks for new settings.
    fn hung_up(&self) -> Call {
        match self.on_terminal && !io::stderr().is_terminal() {
            true => Call::Stop,
            false => Call::Reload,
        }
    }

    /// Waits for the wish to stop.
    async fn stop(&mut self) {
        while matches!(self.next().await, Call::Reload) {}
    }
}

/// What a signal asks for.
enum Call {
    Stop,
    Reload,
}
