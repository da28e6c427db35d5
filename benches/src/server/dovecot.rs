//! Debian's Dovecot: LMTP and IMAP in a scratch folder, on ports of its own.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use nix::unistd::User;
use roost_kit::config::CertificateFiles;

use super::child::{Child, free_port, local};
use super::roost::hashed_password;
use crate::measure::Tree;

/// The user that owns the mail.
const OWNER: &str = "mail";

/// How mail is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A file a message.
    Maildir,
    /// Messages in files of 10 MB, as by default.
    Mdbox,
}

impl Format {
    /// Its name, as Dovecot has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Maildir => "maildir",
            Self::Mdbox => "mdbox",
        }
    }
}

/// A running Dovecot.
#[derive(Debug)]
pub(crate) struct Dovecot {
    child: Child,
    lmtp: u16,
    imap: u16,
    imaps: u16,
}

impl Dovecot {
    /// Starts it. With `hibernate`, sessions in IDLE leave their process after that time.
    pub(crate) async fn start(
        scratch: &Path,
        format: Format,
        certificate: &CertificateFiles,
        hibernate: Option<Duration>,
    ) -> anyhow::Result<Self> {
        let folder = scratch.join(format!("dovecot-{}", format.name()));
        let mail = folder.join("mail");
        for name in ["run", "state", "mail"] {
            fs::create_dir_all(folder.join(name))?;
        }
        let owner = User::from_name(OWNER)?.context("there is no user mail")?;
        chown(&mail, Some(owner.uid.as_raw()), Some(owner.gid.as_raw()))?;
        let settings = Settings {
            folder: &folder,
            format,
            certificate,
            hibernate,
            ports: [free_port()?, free_port()?, free_port()?],
        };
        let [lmtp, imap, imaps] = settings.ports;
        let file = folder.join("dovecot.conf");
        fs::write(&file, settings.text())?;
        let mut command = Command::new("/usr/sbin/dovecot");
        command.arg("-F").arg("-c").arg(&file);
        let child = Child::start(command, "dovecot", &folder.join("output.log"), lmtp).await?;
        Ok(Self {
            child,
            lmtp,
            imap,
            imaps,
        })
    }

    /// Where LMTP is spoken.
    pub(crate) fn lmtp(&self) -> SocketAddr {
        local(self.lmtp)
    }

    /// Where IMAP is spoken.
    pub(crate) fn imap(&self) -> SocketAddr {
        local(self.imap)
    }

    /// Where IMAP over TLS is spoken.
    pub(crate) fn imaps(&self) -> SocketAddr {
        local(self.imaps)
    }

    /// Its processes.
    pub(crate) fn tree(&self) -> Tree {
        Tree::new([self.child.pid()])
    }
}

struct Settings<'a> {
    folder: &'a Path,
    format: Format,
    certificate: &'a CertificateFiles,
    hibernate: Option<Duration>,
    ports: [u16; 3],
}

impl Settings<'_> {
    /// `mail_fsync` is left as it is by default. Everything else is what makes Dovecot fast where
    /// thousands of users are: processes ready before they are needed, logins in few processes,
    /// logins and look-ups cached.
    fn text(&self) -> String {
        let at = self.folder.display();
        let format = self.format.name();
        let [lmtp, imap, imaps] = self.ports;
        let certificate = self.certificate.certificate.display();
        let key = self.certificate.key.display();
        let hash = hashed_password();
        let hibernate = match self.hibernate {
            Some(time) => format!("imap_hibernate_timeout = {}s\n", time.as_secs()),
            None => String::new(),
        };
        format!(
            "protocols = imap lmtp\nlisten = 127.0.0.1\nbase_dir = {at}/run\nstate_dir = {at}/state\n\
             log_path = {at}/dovecot.log\nssl = yes\nssl_cert = <{certificate}\nssl_key = <{key}\n\
             disable_plaintext_auth = no\nauth_mechanisms = plain\nauth_cache_size = 10M\n\
             auth_cache_ttl = 1h\nmail_location = {format}:~/{format}\nfirst_valid_uid = 1\n\
             mail_max_userip_connections = 2000\n{hibernate}\
             namespace inbox {{\n inbox = yes\n}}\n\
             passdb {{\n driver = static\n args = password={hash}\n}}\n\
             userdb {{\n driver = static\n \
             args = uid={OWNER} gid={OWNER} home={at}/mail/%u allow_all_users=yes\n}}\n\
             service lmtp {{\n process_min_avail = 50\n process_limit = 200\n \
             inet_listener lmtp {{\n  port = {lmtp}\n }}\n}}\n\
             service imap-login {{\n inet_listener imap {{\n  port = {imap}\n }}\n \
             inet_listener imaps {{\n  port = {imaps}\n  ssl = yes\n }}\n service_count = 0\n \
             process_min_avail = 2\n process_limit = 2\n client_limit = 12000\n \
             vsz_limit = 4G\n}}\n\
             service imap {{\n process_limit = 12000\n \
             extra_groups = $default_internal_group\n unix_listener imap-master {{\n  \
             user = $default_internal_user\n }}\n}}\n\
             service imap-hibernate {{\n client_limit = 12000\n vsz_limit = 2G\n \
             unix_listener imap-hibernate {{\n  mode = 0660\n  \
             group = $default_internal_group\n }}\n}}\n\
             service anvil {{\n client_limit = 30000\n}}\n\
             service auth {{\n client_limit = 30000\n}}\n\
             service stats {{\n client_limit = 30000\n}}\n\
             service log {{\n client_limit = 30000\n}}\n"
        )
    }
}
