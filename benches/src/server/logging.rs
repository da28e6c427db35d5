//! roost-logger, and Debian's rsyslog that writes a file: both take lines over TCP, and both sync what
//! they have taken.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use roost_kit::control::Client;

use super::child::{Child, free_port, local};
use crate::measure::Tree;

/// A running roost-logger.
#[derive(Debug)]
pub(crate) struct Logger {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Logger {
    /// Starts it with an empty store.
    pub(crate) async fn start(scratch: &Path, name: &str) -> anyhow::Result<Self> {
        let folder = scratch.join(name);
        fs::create_dir_all(&folder)?;
        let (port, health) = (free_port()?, free_port()?);
        let config = format!(
            "[logger]\nstate = \"{state}\"\ncontrol = \"{control}\"\nsyslog = \"127.0.0.1:{port}\"\n\
             syslog_tls = []\nsyslog_udp = []\njournal = false\nhealth = \"127.0.0.1:{health}\"\n\
             keep = {{ free = \"1 MB\" }}\n",
            state = folder.join("state").display(),
            control = folder.join("control").display(),
        );
        let file = folder.join("roost.toml");
        fs::write(&file, config)?;
        let mut command = Command::new(std::env::current_exe()?.with_file_name("roost-logger"));
        command.arg("--config").arg(&file);
        let child = Child::start(command, "roost-logger", &folder.join("output"), port).await?;
        Ok(Self {
            child,
            port,
            folder,
        })
    }

    /// Where it takes lines.
    pub(crate) fn address(&self) -> SocketAddr {
        local(self.port)
    }

    /// Where it is asked.
    pub(crate) fn control(&self) -> Client {
        Client::socket(&self.folder.join("control"))
    }

    /// Its processes.
    pub(crate) fn tree(&self) -> Tree {
        Tree::new([self.child.pid()])
    }

    /// Ends it, and says how many bytes its segments have.
    pub(crate) fn end(self) -> anyhow::Result<u64> {
        drop(self.child);
        let mut bytes = 0;
        for entry in fs::read_dir(self.folder.join("state/lines"))? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|kind| kind == "log") {
                bytes += entry.metadata()?.len();
            }
        }
        Ok(bytes)
    }
}

/// A running rsyslog.
#[derive(Debug)]
pub(crate) struct Rsyslog {
    child: Child,
    port: u16,
    file: PathBuf,
}

impl Rsyslog {
    /// Starts it: two workers for its input, a file that is written in blocks and synced.
    pub(crate) async fn start(scratch: &Path, name: &str) -> anyhow::Result<Self> {
        let folder = scratch.join(name);
        fs::create_dir_all(&folder)?;
        let port = free_port()?;
        let file = folder.join("messages");
        let config = format!(
            "global(workDirectory=\"{folder}\" maxMessageSize=\"64k\")\n\
             module(load=\"imptcp\" threads=\"2\")\n\
             main_queue(queue.size=\"200000\" queue.dequeueBatchSize=\"4096\" \
             queue.workerThreads=\"1\")\n\
             template(name=\"plain\" type=\"string\" string=\"%rawmsg%\\n\")\n\
             input(type=\"imptcp\" port=\"{port}\" address=\"127.0.0.1\")\n\
             action(type=\"omfile\" file=\"{file}\" template=\"plain\" sync=\"on\" \
             ioBufferSize=\"256k\" flushOnTXEnd=\"on\")\n",
            folder = folder.display(),
            file = file.display(),
        );
        let settings = folder.join("rsyslog.conf");
        fs::write(&settings, config)?;
        let mut command = Command::new("/usr/sbin/rsyslogd");
        command
            .arg("-n")
            .arg("-f")
            .arg(&settings)
            .arg("-i")
            .arg(folder.join("pid"));
        let child = Child::start(command, "rsyslog", &folder.join("output"), port).await?;
        Ok(Self { child, port, file })
    }

    /// Where it takes lines.
    pub(crate) fn address(&self) -> SocketAddr {
        local(self.port)
    }

    /// The file that it writes.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Its processes.
    pub(crate) fn tree(&self) -> Tree {
        Tree::new([self.child.pid()])
    }
}
