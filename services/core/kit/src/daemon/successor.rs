//! Another process of the same program, which takes over the listening sockets.
//!
//! They are handed over as systemd hands over sockets. The new process says that it serves by
//! connecting to a Unix socket of the old one.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use tokio::net::UnixListener;

use super::Kit;
use crate::net::Held;

/// How long a successor may take until it serves.
const START_TIME_MAX: Duration = Duration::from_secs(60);
/// How often it is looked whether it has ended instead.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Names the socket at which the old process waits.
const PREDECESSOR: &str = "ROOST_PREDECESSOR";
/// The first descriptor that is handed over (sd_listen_fds(3)).
const FIRST: i32 = 3;

/// Why there is no successor.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoSuccessor {
    #[error("cannot start the program once more")]
    Start(#[source] io::Error),
    #[error("the sockets cannot be handed over")]
    Sockets(#[from] command_fds::FdMappingCollision),
    #[error("the new process ended ({0}); its log says why")]
    Ended(std::process::ExitStatus),
    #[error("the new process did not serve within {} s", START_TIME_MAX.as_secs())]
    Late,
}

/// Starts a successor and waits until it serves; answers its process id.
pub(super) async fn start(kit: &Kit) -> Result<u32, NoSuccessor> {
    let waiting = Waiting::new(kit.daemon).map_err(NoSuccessor::Start)?;
    let mut held = Handed {
        kit,
        sockets: kit.sockets.hand_over(),
    };
    let mut child = Starting(Some(spawn(&waiting.path, &held.sockets)?));
    let serves = async {
        loop {
            // Cancel-safe: accept and sleep keep nothing.
            tokio::select! {
                accepted = waiting.listener.accept() => {
                    return accepted.map(drop).map_err(NoSuccessor::Start);
                }
                () = tokio::time::sleep(LOOK_EVERY) => {
                    if let Some(status) = child.ended().map_err(NoSuccessor::Start)? {
                        return Err(NoSuccessor::Ended(status));
                    }
                }
            }
        }
    };
    let serves = tokio::time::timeout(START_TIME_MAX, serves).await;
    serves.unwrap_or(Err(NoSuccessor::Late))?;
    // They are the successor's.
    held.sockets.clear();
    child.release().ok_or(NoSuccessor::Late)
}

/// Says to the process before, if there was one, that this one serves.
pub(super) fn tell_predecessor() {
    let Some(path) = std::env::var_os(PREDECESSOR) else {
        return;
    };
    if let Err(error) = UnixStream::connect(&path) {
        tracing::debug!(%error, "the process before is gone already");
    }
}

fn spawn(waiting: &Path, sockets: &[Held]) -> Result<Child, NoSuccessor> {
    let program = program().map_err(NoSuccessor::Start)?;
    let names: Vec<&str> = sockets.iter().map(|held| held.service).collect();
    let mut mappings = Vec::with_capacity(sockets.len());
    for (child_fd, held) in (FIRST..).zip(sockets) {
        mappings.push(FdMapping {
            parent_fd: held.socket.try_clone().map_err(NoSuccessor::Start)?,
            child_fd,
        });
    }
    let mut command = Command::new(program);
    command
        .args(std::env::args_os().skip(1))
        .env("LISTEN_FDS", sockets.len().to_string())
        .env("LISTEN_FDNAMES", names.join(":"))
        .env_remove("LISTEN_PID")
        // The watchdog is for whoever is the daemon.
        .env_remove("WATCHDOG_PID")
        .env(PREDECESSOR, waiting)
        .fd_mappings(mappings)?;
    command.spawn().map_err(NoSuccessor::Start)
}

/// This program, as it is on the disk now: an upgrade has put a new file in the old one's place.
fn program() -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let text = own.to_string_lossy();
    Ok(text
        .strip_suffix(" (deleted)")
        .map_or_else(|| own.clone(), PathBuf::from))
}

/// Where a successor reports.
struct Waiting {
    path: PathBuf,
    listener: UnixListener,
}

impl Waiting {
    fn new(daemon: &str) -> io::Result<Self> {
        let name = format!("{daemon}-{}.sock", std::process::id());
        let path = std::env::temp_dir().join(name);
        let listener = UnixListener::bind(&path)?;
        Ok(Self { path, listener })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "a socket stays behind");
        }
    }
}

/// Sockets on their way; they come back if nobody takes them.
struct Handed<'a> {
    kit: &'a Kit,
    sockets: Vec<Held>,
}

impl Drop for Handed<'_> {
    fn drop(&mut self) {
        self.kit
            .sockets
            .take_back(std::mem::take(&mut self.sockets));
    }
}

/// A process that does not serve yet; ended if it is not released.
struct Starting(Option<Child>);

impl Starting {
    fn ended(&mut self) -> io::Result<Option<std::process::ExitStatus>> {
        self.0.as_mut().map_or(Ok(None), Child::try_wait)
    }

    fn release(&mut self) -> Option<u32> {
        self.0.take().map(|child| child.id())
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take()
            && let Err(error) = child.kill().and_then(|()| child.wait())
        {
            tracing::warn!(%error, "a new process that did not serve cannot be ended");
        }
    }
}
