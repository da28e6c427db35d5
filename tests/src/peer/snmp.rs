//! net-snmp's master agent and its receiver of notifications.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::server::{Server, free_port};
use crate::Run;

/// An `snmpd` that takes subagents at a socket, with a `snmptrapd` behind it. Both listen on TCP.
#[derive(Debug)]
pub struct Snmp {
    folder: PathBuf,
    port: u16,
    trap_port: u16,
    agent: Option<Server>,
    _receiver: Server,
}

impl Snmp {
    /// Starts both; subagents find the master at `agentx`.
    #[track_caller]
    pub fn start(scratch: &Path, agentx: &Path) -> Self {
        let folder = scratch.join("snmp");
        fs::create_dir_all(folder.join("state")).unwrap();
        let (port, trap_port) = (free_port(), free_port());
        fs::write(
            folder.join("snmpd.conf"),
            format!(
                "master agentx\nagentXSocket {}\nrocommunity public 127.0.0.1\n\
                 trap2sink tcp:127.0.0.1:{trap_port} public\n",
                agentx.display()
            ),
        )
        .unwrap();
        fs::write(folder.join("snmptrapd.conf"), "disableAuthorization yes\n").unwrap();
        let mut receiver = command(&folder, "snmptrapd");
        receiver
            .arg("-On")
            .arg(format!("tcp:127.0.0.1:{trap_port}"));
        let receiver = Server::start(receiver, trap_port);
        let mut this = Self {
            folder,
            port,
            trap_port,
            agent: None,
            _receiver: receiver,
        };
        this.restart();
        this
    }

    /// Ends the master agent, if it runs, and starts it again.
    #[track_caller]
    pub fn restart(&mut self) {
        self.agent = None;
        let mut command = command(&self.folder, "snmpd");
        command.arg(format!("tcp:127.0.0.1:{}", self.port));
        self.agent = Some(Server::start(command, self.port));
    }

    /// A query program with the agent's address; the program's own options may come between.
    pub fn query(&self, program: &str) -> Run {
        Run::new(program)
            .args(["-v2c", "-c", "public", "-t", "10", "-r", "0", "-m", ""])
            .args(["-OnQ", &format!("tcp:127.0.0.1:{}", self.port)])
    }

    /// The notifications received so far, as `snmptrapd` prints them.
    pub fn notifications(&self) -> String {
        fs::read_to_string(self.folder.join("snmptrapd.log")).unwrap_or_default()
    }

    /// Where notifications are received.
    pub fn trap_port(&self) -> u16 {
        self.trap_port
    }
}

fn command(folder: &Path, name: &str) -> Command {
    let mut command = Command::new(format!("/usr/sbin/{name}"));
    command
        .args(["-f", "-C", "-c"])
        .arg(folder.join(format!("{name}.conf")))
        .arg("-Lf")
        .arg(folder.join(format!("{name}.log")))
        // Names as numbers, whatever modules the machine has.
        .env("MIBS", "")
        .env("SNMP_PERSISTENT_DIR", folder.join("state"));
    command
}
