//! The life of a daemon: arguments, configuration, logging, runtime, start, reload, drain, exit.
//!
//! Exit codes: 0 after SIGTERM or SIGINT, 1 when it could not start or go on, 78 (`EX_CONFIG`) for a
//! mistake in the configuration, so that systemd does not restart what a restart cannot heal.

mod arguments;
mod kit;
mod life;
mod successor;
#[cfg(test)]
mod tests;

pub use kit::Kit;

use std::ffi::OsString;
use std::future::Future;
use std::process::ExitCode;

use arguments::{Arguments, Asked};

use crate::clock::Clock;
use crate::config::{ConfigError, Configuration, Settings, Shared};
use crate::log::{self, Log};
use crate::net::Sockets;
use crate::tls::Tls;

/// `EX_CONFIG` of sysexits.h.
const EXIT_CONFIG: u8 = 78;

/// A daemon by its name and version.
#[derive(Debug, Clone, Copy)]
pub struct Daemon {
    name: &'static str,
    version: &'static str,
    has_successors: bool,
}

/// Everything that the files said, read and checked.
struct Loaded<S> {
    configuration: Configuration,
    shared: Shared,
    settings: S,
    tls: Tls,
}

impl Daemon {
    /// The daemon `name`, such as `roost-store`.
    #[must_use]
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            name,
            version,
            has_successors: false,
        }
    }

    /// On SIGUSR2 the program is started once more, with the same arguments, as it is on the disk now.
    /// The new process takes over the listening sockets; when it serves, the old one takes no new
    /// connections and ends with its last session. For daemons that keep nothing.
    #[must_use]
    pub const fn with_successors(mut self) -> Self {
        self.has_successors = true;
        self
    }

    /// Lives. `start` gets the daemon's own settings and the kit, and returns as soon as the daemon
    /// serves; what goes on afterwards are tasks of [`Kit::tasks`].
    pub fn run<S, F, Fut>(self, start: F) -> ExitCode
    where
        S: Settings,
        F: FnOnce(S, Kit) -> Fut,
        Fut: Future<Output = anyhow::Result<()>>,
    {
        self.run_from(std::env::args_os(), start)
    }

    fn run_from<S, F, Fut>(self, words: impl Iterator<Item = OsString>, start: F) -> ExitCode
    where
        S: Settings,
        F: FnOnce(S, Kit) -> Fut,
        Fut: Future<Output = anyhow::Result<()>>,
    {
        let arguments = match arguments::parse(self.name, self.version, words) {
            Asked::Run(arguments) => arguments,
            Asked::Nothing(code) => return code,
        };
        let loaded = match load::<S>(&arguments) {
            Ok(loaded) => loaded,
            Err(error) => {
                log::say(error);
                return ExitCode::from(EXIT_CONFIG);
            }
        };
        if arguments.check {
            return arguments::print("OK");
        }
        self.run_with(arguments, loaded, start)
    }

    fn run_with<S, F, Fut>(self, arguments: Arguments, loaded: Loaded<S>, start: F) -> ExitCode
    where
        S: Settings,
        F: FnOnce(S, Kit) -> Fut,
        Fut: Future<Output = anyhow::Result<()>>,
    {
        let clock = Clock::system();
        let shared = &loaded.shared;
        let log = match Log::start(self.name, &shared.node.name, &shared.log, &clock) {
            Ok(log) => log,
            Err(error) => {
                log::say(error);
                return ExitCode::FAILURE;
            }
        };
        log::log_panics();
        prepare_process();
        // Before any thread runs, since it changes the environment.
        let sockets = Sockets::inherit();
        let runtime = match tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
        {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!(%error, "cannot start threads");
                return ExitCode::FAILURE;
            }
        };
        let (kit, reloads) = Kit::of_daemon(self, clock, sockets, &loaded);
        let certificate_end = kit.metrics.gauge(
            "tls_certificate_end_timestamp_seconds",
            "When the first of the certificates ends",
        );
        let life = life::Life {
            kit,
            certificate_end,
            log,
            reloads,
            arguments,
            has_successors: self.has_successors,
        };
        let ended = runtime.block_on(life.live(loaded.settings, start));
        // Threads that block (a disk, a name server) get a moment, and are then left behind.
        runtime.shutdown_timeout(life::THREADS_PATIENCE);
        match ended {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "{} ends", self.name);
                exit_code(&error)
            }
        }
    }
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    match error.chain().any(|cause| cause.is::<ConfigError>()) {
        true => ExitCode::from(EXIT_CONFIG),
        false => ExitCode::FAILURE,
    }
}

fn load<S: Settings>(arguments: &Arguments) -> Result<Loaded<S>, ConfigError> {
    let configuration = Configuration::load(&arguments.config)?;
    let shared = configuration.shared()?;
    let settings = configuration.settings::<S>()?;
    log::check_level(&shared.log.level)
        .map_err(|error| configuration.error("log.level", error.to_string()))?;
    let tls = Tls::load(&shared.tls).map_err(|error| {
        let problem = crate::fields::Chain(&error).to_string();
        configuration.error("tls.certificates", problem)
    })?;
    Ok(Loaded {
        configuration,
        shared,
        settings,
        tls,
    })
}

/// What every daemon wants of the operating system.
fn prepare_process() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    use nix::sys::stat::{Mode, umask};
    // Files are for the daemon's user; sockets for its group set their mode themselves.
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
    // A connection is a descriptor: use all that the administrator allows.
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::debug!(%error, "the limit on open files cannot be raised");
    }
}
