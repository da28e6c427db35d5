//! `[alert]`: when something is worth an alert, and who is told.
//!
//! Read again at a reload; what is told by then stays told.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use roost_kit::config::{ConfigError, Configuration, ListenSpec, Period};
use serde::Deserialize;

use super::rule::{Rule, Severity};

/// `[alert]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long a cause must be gone before an alert is over.
    pub clear: Period,
    /// After how long an alert is told again while nobody acknowledged it; `"0s"`: never.
    pub repeat: Period,
    /// Codes of rules that are off: `off = ["UNIT_RESTARTED"]`.
    pub off: Vec<String>,
    /// A daemon that does not answer or cannot serve.
    pub service: Hold,
    /// A directory that a daemon cannot reach.
    pub directory: Hold,
    /// Volumes that fill.
    pub disk: Disk,
    /// Mail that waits.
    pub queue: Queue,
    /// Certificates that end.
    pub certificate: Certificate,
    /// Wrong passwords.
    pub login: Login,
    /// The clock.
    pub clock: ClockRule,
    /// Daemons that are started again.
    pub restart: Restart,
    /// Memory of the host.
    pub memory: Memory,
    /// Alerts by mail.
    pub mail: Mail,
    /// Alerts by HTTP.
    pub webhook: Webhook,
}

/// `[alert.service]`, `[alert.directory]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hold {
    /// How long it must be so before it is told.
    pub hold: Period,
}

/// `[alert.disk]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Disk {
    /// How long it must be so before it is told.
    pub hold: Period,
    /// A volume that will be full within so long, at the rate of `window`, is a warning.
    pub horizon: Period,
    /// Over how long the rate is taken. It must show in the last third of that too.
    pub window: Period,
    /// Less than so many percent free, of octets or of files, are critical whatever the rate.
    pub free_percent: u8,
}

/// `[alert.queue]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Queue {
    /// How long it must be so before it is told.
    pub hold: Period,
    /// So many messages are too many; well again below three quarters of that.
    pub messages: u64,
    /// The oldest must not wait for so long.
    pub age: Period,
    /// More than a tenth of `messages`, and so many times those of an hour ago, is growing.
    pub growth: u32,
}

/// `[alert.certificate]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Certificate {
    /// A certificate that ends sooner is a warning.
    pub rest: Period,
    /// One that ends sooner is critical.
    pub critical: Period,
}

/// `[alert.login]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Login {
    /// So many wrong passwords, at all services together …
    pub failures: u64,
    /// … within so long are an attack.
    pub within: Period,
}

/// `[alert.clock]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClockRule {
    /// NTP servers by address and port, such as `"192.0.2.123:123"`. Without any the clock is not
    /// judged.
    pub servers: Vec<SocketAddr>,
    /// The clock must not be off by more.
    pub offset: Period,
    /// How often they are asked.
    pub every: Period,
}

/// `[alert.restart]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Restart {
    /// So many starts within `within` are worth a notice; three times as many are a warning.
    pub times: u32,
    /// How long a start is remembered.
    pub within: Period,
}

/// `[alert.memory]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Memory {
    /// How long it must be so before it is told.
    pub hold: Period,
    /// At least so many percent must be available.
    pub available_percent: u8,
}

/// `[alert.mail]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// Who is told. `postmaster` without a domain is whoever the mta has for that. Nobody: `[]`.
    pub to: Vec<String>,
    /// Only what is at least so bad.
    pub least: Severity,
    /// Where mail is handed in, if not at the first place of `smtp` in `[mta]`.
    pub server: Option<ListenSpec>,
}

/// `[alert.webhook]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhook {
    /// `http://` or `https://`; every change of an alert is POSTed there as JSON.
    pub url: Option<String>,
    /// A file with a secret. With it each request is signed: `Roost-Signature: sha256=HEX` is the
    /// HMAC of `Roost-Timestamp`, a full stop, and the body.
    pub secret: Option<PathBuf>,
    /// The certificate authority of the receiver, a PEM file; without it the system's are trusted.
    pub ca: Option<PathBuf>,
    /// Only what is at least so bad.
    pub least: Severity,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            clear: Period::minutes(2),
            repeat: Period::minutes(24 * 60),
            off: Vec::new(),
            service: Hold::default(),
            directory: Hold::default(),
            disk: Disk::default(),
            queue: Queue::default(),
            certificate: Certificate::default(),
            login: Login::default(),
            clock: ClockRule::default(),
            restart: Restart::default(),
            memory: Memory::default(),
            mail: Mail::default(),
            webhook: Webhook::default(),
        }
    }
}

impl Default for Hold {
    fn default() -> Self {
        Self {
            hold: Period::minutes(1),
        }
    }
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            hold: Period::minutes(10),
            horizon: Period::minutes(4 * 24 * 60),
            window: Period::minutes(6 * 60),
            free_percent: 5,
        }
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            hold: Period::minutes(10),
            messages: 1_000,
            age: Period::minutes(4 * 60),
            growth: 4,
        }
    }
}

impl Default for Certificate {
    fn default() -> Self {
        Self {
            rest: Period::minutes(14 * 24 * 60),
            critical: Period::minutes(3 * 24 * 60),
        }
    }
}

impl Default for Login {
    fn default() -> Self {
        Self {
            failures: 100,
            within: Period::minutes(5),
        }
    }
}

impl Default for ClockRule {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            offset: Period::seconds(1),
            every: Period::minutes(5),
        }
    }
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            times: 1,
            within: Period::minutes(15),
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            hold: Period::minutes(5),
            available_percent: 5,
        }
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            to: vec!["postmaster".to_owned()],
            least: Severity::Warning,
            server: None,
        }
    }
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            url: None,
            secret: None,
            ca: None,
            least: Severity::Notice,
        }
    }
}

impl Settings {
    /// Reads and checks the table.
    pub fn load(configuration: &Configuration) -> Result<Self, ConfigError> {
        let this: Self = configuration.table("alert")?;
        let wrong =
            |key: &str, problem: String| Err(configuration.error(format!("alert.{key}"), problem));
        if let Some(code) = this.off.iter().find(|code| Rule::coded(code).is_none()) {
            let codes: Vec<&str> = Rule::ALL.iter().map(|rule| rule.code()).collect();
            return wrong(
                "off",
                format!("no rule is called {code}; they are {}", codes.join(", ")),
            );
        }
        for (key, percent) in [
            ("disk.free_percent", this.disk.free_percent),
            ("memory.available_percent", this.memory.available_percent),
        ] {
            if percent > 90 {
                return wrong(key, "expected a percentage from 0 to 90".to_owned());
            }
        }
        if this.disk.window.duration() < Duration::from_secs(600) {
            return wrong("disk.window", "expected 10m or more".to_owned());
        }
        if let Some(url) = &this.webhook.url
            && let Err(problem) = super::webhook::Target::parse(url)
        {
            return wrong("webhook.url", problem);
        }
        Ok(this)
    }

    /// Whether a rule is on.
    #[must_use]
    pub fn is_on(&self, rule: Rule) -> bool {
        !self.off.iter().any(|code| code == rule.code())
    }

    /// How long something must be so before it is told.
    #[must_use]
    pub fn hold(&self, rule: Rule) -> Duration {
        match rule {
            Rule::Service => self.service.hold.duration(),
            Rule::Directory => self.directory.hold.duration(),
            Rule::Disk => self.disk.hold.duration(),
            Rule::Queue => self.queue.hold.duration(),
            Rule::Memory => self.memory.hold.duration(),
            Rule::Certificate
            | Rule::Login
            | Rule::Clock
            | Rule::Restart
            | Rule::Scanner
            | Rule::Replication
            | Rule::Backup => Duration::ZERO,
        }
    }
}
