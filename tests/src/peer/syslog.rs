//! Foreign senders of syslog: rsyslog, syslog-ng and loggen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::server::Server;
use crate::Run;

/// Where `scripts/setup` has unpacked syslog-ng: Debian lets only one of it and rsyslog be installed.
fn syslog_ng() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| {
        let home = std::env::var_os("HOME").unwrap_or_default();
        Path::new(&home).join(".cache")
    });
    cache.join("roost/tools/syslog-ng/usr")
}

/// Where its libraries are.
fn libraries() -> String {
    let usr = syslog_ng();
    let folders = [
        "lib/syslog-ng",
        "lib/x86_64-linux-gnu",
        "../lib/x86_64-linux-gnu",
    ];
    let folders = folders.map(|folder| usr.join(folder).display().to_string());
    folders.join(":")
}

/// Where a sender is to send.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The logger's address.
    pub host: &'a str,
    /// Its port for TLS or, where `ca` is none, for TCP.
    pub port: u16,
    /// The authority of the logger.
    pub ca: Option<&'a Path>,
}

/// A sender that takes datagrams at a socket, and passes them on.
#[derive(Debug)]
pub struct Sender {
    socket: PathBuf,
    _server: Server,
}

impl Sender {
    /// An rsyslog with a queue on the disk. `prefix` is the beginning of its command line, such as
    /// `ip netns exec NAME`.
    #[track_caller]
    pub fn rsyslog(scratch: &Path, prefix: &[String], target: Target<'_>) -> Self {
        let folder = scratch.join("rsyslog");
        fs::create_dir_all(&folder).unwrap();
        let socket = folder.join("in");
        let tls = match target.ca {
            None => String::new(),
            Some(ca) => format!(
                "global(DefaultNetstreamDriver=\"gtls\" DefaultNetstreamDriverCAFile=\"{}\")\n",
                ca.display()
            ),
        };
        let driver = match target.ca {
            None => String::new(),
            Some(_) => "StreamDriver=\"gtls\" StreamDriverMode=\"1\" \
                 StreamDriverAuthMode=\"x509/certvalid\""
                .to_owned(),
        };
        let text = format!(
            "global(workDirectory=\"{folder}\" maxMessageSize=\"64k\")\n{tls}\
             module(load=\"imuxsock\" SysSock.Use=\"off\")\n\
             input(type=\"imuxsock\" Socket=\"{socket}\" CreatePath=\"off\" \
             RateLimit.Interval=\"0\" UseSysTimeStamp=\"off\")\n\
             action(type=\"omfwd\" target=\"{host}\" port=\"{port}\" protocol=\"tcp\" {driver} \
             TCP_Framing=\"octet-counted\" template=\"RSYSLOG_SyslogProtocol23Format\" \
             queue.type=\"LinkedList\" queue.filename=\"q\" queue.size=\"100000\" \
             queue.saveOnShutdown=\"on\" action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\")\n",
            folder = folder.display(),
            socket = socket.display(),
            host = target.host,
            port = target.port,
        );
        fs::write(folder.join("rsyslog.conf"), text).unwrap();
        let mut command = prefixed(prefix, "/usr/sbin/rsyslogd");
        command
            .args(["-n", "-f"])
            .arg(folder.join("rsyslog.conf"))
            .arg("-i")
            .arg(folder.join("pid"));
        Self::started(command, socket)
    }

    /// A syslog-ng with a queue on the disk.
    #[track_caller]
    pub fn syslog_ng(scratch: &Path, prefix: &[String], target: Target<'_>) -> Self {
        let folder = scratch.join("syslog-ng");
        fs::create_dir_all(&folder).unwrap();
        let socket = folder.join("in");
        let tls = match target.ca {
            None => "transport(\"tcp\")".to_owned(),
            Some(ca) => format!(
                "transport(\"tls\") tls(ca-file(\"{}\") peer-verify(required-untrusted))",
                ca.display()
            ),
        };
        let text = format!(
            "@version: 3.35\n@define allow-config-dups 1\n\
             options {{ time-reopen(1); keep-hostname(yes); flush-lines(10); }};\n\
             source s {{ unix-dgram(\"{socket}\"); }};\n\
             destination d {{ syslog(\"{host}\" port({port}) {tls} log-fifo-size(100000)); }};\n\
             log {{ source(s); destination(d); flags(flow-control); }};\n",
            socket = socket.display(),
            host = target.host,
            port = target.port,
        );
        fs::write(folder.join("syslog-ng.conf"), text).unwrap();
        let program = syslog_ng().join("sbin/syslog-ng");
        let mut command = prefixed(prefix, &program.display().to_string());
        command
            .args(["--foreground", "--no-caps", "--stderr"])
            .arg(format!(
                "--module-path={}",
                syslog_ng().join("lib/syslog-ng/3.38").display()
            ));
        for (option, file) in [
            ("--cfgfile", "syslog-ng.conf"),
            ("--persist-file", "persist"),
            ("--pidfile", "pid"),
            ("--control", "control"),
        ] {
            command.arg(format!("{option}={}", folder.join(file).display()));
        }
        command.env("LD_LIBRARY_PATH", libraries());
        Self::started(command, socket)
    }

    #[track_caller]
    fn started(command: Command, socket: PathBuf) -> Self {
        let server = Server::start_when(command, || socket.exists().then_some(()));
        Self {
            socket,
            _server: server,
        }
    }

    /// A program that hands a line to it: `logger`, with further options.
    pub fn logger(&self) -> Run {
        Run::new("logger")
            .args(["--socket-errors=on", "--socket"])
            .arg(&self.socket)
    }

    /// Where it takes datagrams.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

fn prefixed(prefix: &[String], program: &str) -> Command {
    let mut words = prefix.iter().map(String::as_str).chain([program]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    command
}

/// syslog-ng's generator of load.
pub fn loggen() -> Run {
    let usr = syslog_ng();
    Run::new(usr.join("bin/loggen"))
        .env("LD_LIBRARY_PATH", libraries())
        .env("SYSLOGNG_PREFIX", usr.display().to_string())
}
