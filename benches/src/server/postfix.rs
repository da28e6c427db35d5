//! Debian's Postfix: it accepts mail into its queue, and delivers it on where it is told to.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use nix::unistd::User;

use super::child::{Child, free_port, local};
use super::{DOMAIN, USERS};
use crate::measure::Tree;

const DAEMONS: &str = "/usr/lib/postfix/sbin";

/// What becomes of mail in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destination {
    /// It stays there: on hold, which costs Postfix the least.
    Hold,
    /// It goes to a host by LMTP.
    Lmtp(SocketAddr),
}

/// A running Postfix.
#[derive(Debug)]
pub(crate) struct Postfix {
    child: Child,
    port: u16,
}

impl Postfix {
    /// Starts one with an empty queue.
    pub(crate) async fn start(scratch: &Path, destination: Destination) -> anyhow::Result<Self> {
        // A new folder each time: where many files were removed a moment ago, ext4 takes long to make
        // new ones.
        let folder = (1..)
            .map(|number| scratch.join(format!("postfix-{number}")))
            .find(|folder| !folder.exists())
            .context("no folder is left")?;
        let etc = folder.join("etc");
        for name in ["etc", "queue", "data"] {
            fs::create_dir_all(folder.join(name))?;
        }
        let owner = User::from_name("postfix")?.context("there is no user postfix")?;
        chown(
            folder.join("data"),
            Some(owner.uid.as_raw()),
            Some(owner.gid.as_raw()),
        )?;
        let port = free_port()?;
        fs::write(etc.join("main.cf"), main_cf(&folder, destination))?;
        fs::write(etc.join("master.cf"), master_cf(port))?;
        let users: String = (1..=USERS)
            .map(|number| format!("u{number}@{DOMAIN} u{number}/\n"))
            .collect();
        fs::write(etc.join("users"), users)?;
        run(Command::new("/usr/sbin/postmap")
            .arg("-c")
            .arg(&etc)
            .arg(format!("hash:{}", etc.join("users").display())))?;
        run(Command::new("/usr/sbin/postfix")
            .arg("-c")
            .arg(&etc)
            .arg("check"))?;
        let mut command = Command::new(format!("{DAEMONS}/master"));
        // It stays in the foreground.
        command
            .arg("-c")
            .arg(&etc)
            .arg("-d")
            .env("MAIL_CONFIG", &etc);
        let log = folder.join("output.log");
        let child = Child::start(command, "postfix", &log, port).await?;
        Ok(Self { child, port })
    }

    /// Where SMTP is spoken.
    pub(crate) fn smtp(&self) -> SocketAddr {
        local(self.port)
    }

    /// Its processes.
    pub(crate) fn tree(&self) -> Tree {
        Tree::new([self.child.pid()])
    }
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command
        .output()
        .context("cannot run Postfix's tools (scripts/setup bench installs them)")?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// What is looked up is a local hash; no DNS, no limits that a trusted client does not need, as many
/// deliveries at a time as Roost has.
fn main_cf(folder: &Path, destination: Destination) -> String {
    let at = folder.display();
    let what = match destination {
        Destination::Hold => "smtpd_recipient_restrictions = check_recipient_access static:HOLD\n\
                              virtual_transport = lmtp:inet:127.0.0.1:9\n"
            .to_owned(),
        Destination::Lmtp(to) => {
            format!("virtual_transport = lmtp:inet:{}:{}\n", to.ip(), to.port())
        }
    };
    format!(
        "compatibility_level = 3.6\nqueue_directory = {at}/queue\ndata_directory = {at}/data\n\
         myhostname = mx.{DOMAIN}\nmydestination =\nmynetworks = 127.0.0.0/8\n\
         inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nalias_maps =\n\
         local_recipient_maps =\nvirtual_mailbox_domains = {DOMAIN}\n\
         virtual_mailbox_maps = hash:{at}/etc/users\nvirtual_alias_maps =\n\
         virtual_alias_domains =\ncanonical_maps =\n\
         maillog_file = {at}/mail.log\nmaillog_file_prefixes = {at}\n\
         smtpd_tls_security_level = none\nlmtp_tls_security_level = none\n\
         smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n\
         smtpd_peername_lookup = no\ndisable_dns_lookups = yes\nin_flow_delay = 0\n\
         default_process_limit = 100\nsmtpd_client_connection_count_limit = 0\n\
         smtpd_client_connection_rate_limit = 0\nqmgr_message_active_limit = 50000\n\
         qmgr_message_recipient_limit = 50000\ninitial_destination_concurrency = 20\n\
         default_destination_concurrency_limit = 20\n\
         lmtp_connection_cache_destinations = inet:127.0.0.1\n{what}"
    )
}

fn master_cf(port: u16) -> String {
    format!(
        "127.0.0.1:{port} inet n - n - - smtpd\n\
         cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
         rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\n\
         defer unix - - n - 0 bounce\ntrace unix - - n - 0 bounce\n\
         proxymap unix - - n - - proxymap\nerror unix - - n - - error\n\
         retry unix - - n - - error\nlmtp unix - - n - - lmtp\n\
         anvil unix - - n - 1 anvil\nscache unix - - n - 1 scache\n\
         tlsmgr unix - - n 1000? 1 tlsmgr\nshowq unix n - n - - showq\n\
         flush unix n - n 1000? 0 flush\npostlog unix-dgram n - n - 1 postlogd\n"
    )
}
