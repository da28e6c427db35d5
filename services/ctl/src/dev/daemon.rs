//! One daemon: a child process that is started again when it dies.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use roost_kit::clock::Clock;
use roost_kit::control::Client;
use roost_kit::health::Readiness;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::lines::Lines;
use super::ports::Ports;
use super::state::State;
use crate::failure::Failure;

/// Where packages put daemons; beside `roostctl` comes first.
const LIBEXEC: &str = "/usr/libexec/roost";
/// The first pause before a restart; each further one doubles it.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A daemon that lived so long has recovered: the next pause is the first one again.
const STEADY_AFTER: Duration = Duration::from_secs(60);
/// How often a starting daemon is asked whether it serves.
const ASK_PERIOD: Duration = Duration::from_millis(50);
/// How long a daemon may take to end: its own drain, and some time on top.
const END_TIME_MAX: Duration = Duration::from_secs(30);
/// What a daemon answers to a mistake in its configuration.
const EXIT_CONFIG: i32 = 78;
/// A longer line is cut in two.
const LINE_MAX: usize = 16 << 10;

/// Which daemon, and where it tells its health.
#[derive(Debug, Clone)]
pub(super) struct Daemon {
    name: &'static str,
    health: SocketAddr,
}

impl Daemon {
    pub(super) fn new(name: &'static str, ports: &Ports) -> Self {
        let short = name.trim_start_matches("roost-");
        Self {
            name,
            health: ports.address(&format!("{short}_health")),
        }
    }
}

/// What happened to a daemon.
#[derive(Debug)]
pub(super) enum Change {
    /// It runs.
    Started { daemon: &'static str, pid: u32 },
    /// It serves.
    Ready { daemon: &'static str },
    /// It ended although nobody asked it to.
    Died {
        daemon: &'static str,
        how: String,
        /// It did not accept its configuration; a restart would not help.
        configuration: bool,
        again_in: Duration,
    },
}

/// All daemons of a suite.
pub(super) struct Family {
    folder: PathBuf,
    config: PathBuf,
    changes: mpsc::Sender<Change>,
    lines: Lines,
    members: HashMap<&'static str, Member>,
}

struct Member {
    stop: CancellationToken,
    reload: Arc<Notify>,
    keeper: JoinSet<()>,
}

impl Family {
    pub(super) fn new(
        state: &State,
        changes: mpsc::Sender<Change>,
        lines: Lines,
    ) -> Result<Self, Failure> {
        let own = std::env::current_exe()
            .map_err(|error| Failure::io("cannot find this program's folder", &error))?;
        Ok(Self {
            folder: own.parent().unwrap_or(Path::new("/")).to_owned(),
            config: state.config(),
            changes,
            lines,
            members: HashMap::new(),
        })
    }

    /// Starts a daemon and keeps it running.
    pub(super) fn start(&mut self, daemon: Daemon) {
        let name = daemon.name;
        let stop = CancellationToken::new();
        let reload = Arc::default();
        let keeper = Keeper {
            program: self.program(name),
            config: self.config.clone(),
            changes: self.changes.clone(),
            lines: self.lines.clone(),
            stop: stop.clone(),
            reload: Arc::clone(&reload),
            daemon,
        };
        let mut keepers = JoinSet::new();
        keepers.spawn(keeper.keep());
        let member = Member {
            stop,
            reload,
            keeper: keepers,
        };
        self.members.insert(name, member);
    }

    /// Stops a daemon and waits for its end.
    pub(super) async fn stop(&mut self, name: &str) {
        if let Some(mut member) = self.members.remove(name) {
            member.stop.cancel();
            while member.keeper.join_next().await.is_some() {}
        }
    }

    /// Tells every daemon to read its configuration and certificates again.
    pub(super) fn reload(&self) {
        for member in self.members.values() {
            member.reload.notify_one();
        }
    }

    fn program(&self, name: &str) -> PathBuf {
        let beside = self.folder.join(name);
        match beside.exists() {
            true => beside,
            false => Path::new(LIBEXEC).join(name),
        }
    }
}

/// Keeps one daemon running until it is told to stop.
struct Keeper {
    daemon: Daemon,
    program: PathBuf,
    config: PathBuf,
    changes: mpsc::Sender<Change>,
    lines: Lines,
    stop: CancellationToken,
    reload: Arc<Notify>,
}

impl Keeper {
    async fn keep(self) {
        let clock = Clock::system();
        let mut pause = PAUSE_FIRST;
        while !self.stop.is_cancelled() {
            let started = clock.instant();
            let (how, configuration) = match self.spawn() {
                Ok(child) => match self.live(child).await {
                    Some(status) => (told(status), status.code() == Some(EXIT_CONFIG)),
                    None => return,
                },
                Err(error) => (
                    format!("{} cannot be started: {error}", self.program.display()),
                    false,
                ),
            };
            if clock.instant().duration_since(started) > STEADY_AFTER {
                pause = PAUSE_FIRST;
            }
            self.tell(Change::Died {
                daemon: self.daemon.name,
                how,
                configuration,
                again_in: pause,
            })
            .await;
            // Cancel-safe: neither future keeps anything.
            tokio::select! {
                () = sleep(pause) => {}
                () = self.stop.cancelled() => return,
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn spawn(&self) -> std::io::Result<Child> {
        Command::new(&self.program)
            .arg("--config")
            .arg(&self.config)
            // The daemon ends when the other end of this pipe closes, which no death of ours prevents.
            .arg("--while-stdin-open")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is for us alone: we stop the daemons in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }

    /// Waits for the daemon's end; None if it was asked to end.
    async fn live(&self, mut child: Child) -> Option<ExitStatus> {
        let name = self.daemon.name;
        let pid = child.id().unwrap_or_default();
        // Waiting for a child closes its standard input, unless it is somebody else's.
        let _leash = child.stdin.take();
        let mut readers = JoinSet::new();
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(pass_on(stderr, name, self.lines.clone()));
        }
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(pass_on(stdout, name, self.lines.clone()));
        }
        self.tell(Change::Started { daemon: name, pid }).await;
        let ended = self.watch(&mut child, pid).await;
        // A daemon's own children could hold its pipes open: what they say does not matter.
        drop(timeout(Duration::from_secs(1), readers.join_all()).await);
        ended
    }

    async fn watch(&self, child: &mut Child, pid: u32) -> Option<ExitStatus> {
        let ready = self.ready();
        tokio::pin!(ready);
        let mut is_ready = false;
        loop {
            // Cancel-safe: `wait` may be called again, `ready` is polled on.
            tokio::select! {
                status = child.wait() => return Some(status.unwrap_or_default()),
                () = &mut ready, if !is_ready => {
                    is_ready = true;
                    self.tell(Change::Ready { daemon: self.daemon.name }).await;
                }
                () = self.reload.notified() => self.signal(pid, Signal::SIGHUP),
                () = self.stop.cancelled() => {
                    self.end(child, pid).await;
                    return None;
                }
            }
        }
    }

    /// Asks the daemon to end; not for ever.
    async fn end(&self, child: &mut Child, pid: u32) {
        self.signal(pid, Signal::SIGTERM);
        if timeout(END_TIME_MAX, child.wait()).await.is_err() {
            self.lines.notice(self.daemon.name, "does not end: killed");
            if let Err(error) = child.kill().await {
                self.lines
                    .notice(self.daemon.name, &format!("cannot be killed: {error}"));
            }
        }
    }

    fn signal(&self, pid: u32, signal: Signal) {
        let sent = i32::try_from(pid).map(|pid| kill(Pid::from_raw(pid), signal));
        if !matches!(sent, Ok(Ok(()))) {
            self.lines
                .notice(self.daemon.name, &format!("cannot be sent {signal}"));
        }
    }

    /// Waits until the daemon says that it would serve.
    async fn ready(&self) {
        let client = Client::address(self.daemon.health);
        loop {
            if let Ok(Readiness { ready: true, .. }) = client.get("/readyz").await {
                return;
            }
            sleep(ASK_PERIOD).await;
        }
    }

    async fn tell(&self, change: Change) {
        // Nobody listens any more when the suite stops.
        drop(self.changes.send(change).await);
    }
}

fn told(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "for no reason that is known".to_owned(),
    }
}

async fn pass_on(stream: impl AsyncRead + Unpin, daemon: &'static str, lines: Lines) {
    let mut reader = BufReader::with_capacity(LINE_MAX, stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = tokio::io::AsyncReadExt::take(&mut reader, LINE_MAX as u64);
        match limited.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => lines.line(daemon, String::from_utf8_lossy(&line).trim_end()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::output::Colour;

    #[tokio::test]
    async fn a_daemon_that_dies_is_started_again_and_stops_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path(), false).unwrap();
        // Ends when its standard input does, as a daemon; dies at once the first time.
        let program = folder.path().join("roost-store");
        let once = folder.path().join("once");
        let script = format!(
            "#!/bin/sh\nif mkdir {} 2>/dev/null; then exit 3; fi\ncat >/dev/null\n",
            once.display()
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let (changes, mut news) = mpsc::channel(8);
        let mut family = Family::new(&state, changes, Lines::new(Colour::Never)).unwrap();
        family.folder = folder.path().to_owned();
        let health = "127.0.0.1:9".parse().unwrap();
        family.start(Daemon {
            name: "roost-store",
            health,
        });
        assert!(matches!(news.recv().await, Some(Change::Started { .. })));
        match news.recv().await {
            Some(Change::Died {
                how,
                configuration: false,
                ..
            }) => assert_eq!(how, "exit status 3"),
            other => panic!("{other:?}"),
        }
        assert!(matches!(news.recv().await, Some(Change::Started { .. })));
        family.stop("roost-store").await;
        assert!(family.members.is_empty());
    }
}
