//! The rules by name: what each is about, how it is called for good, and what to do about it.

use serde::{Deserialize, Serialize};

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Notice,
    /// Somebody should look today.
    Warning,
    /// Somebody must look now.
    Critical,
}

impl Severity {
    /// All of them, from the least.
    pub const ALL: [Self; 3] = [Self::Notice, Self::Warning, Self::Critical];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// By name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.name() == name)
    }
}

/// A rule. Its code never changes, so that scripts and silences can name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A daemon does not answer, or says that it cannot serve.
    Service,
    /// A volume will be full.
    Disk,
    /// Mail waits.
    Queue,
    /// A certificate ends.
    Certificate,
    /// Nobody can be looked up.
    Directory,
    /// Somebody tries passwords.
    Login,
    /// The clock is off.
    Clock,
    /// A daemon was started again.
    Restart,
    /// Memory runs out.
    Memory,
    /// Mail is not scanned.
    Scanner,
    /// A replica is late.
    Replication,
    /// The last backup is old.
    Backup,
}

impl Rule {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 12] = [
        Self::Service,
        Self::Directory,
        Self::Queue,
        Self::Disk,
        Self::Memory,
        Self::Certificate,
        Self::Clock,
        Self::Login,
        Self::Restart,
        Self::Scanner,
        Self::Replication,
        Self::Backup,
    ];

    /// Its code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Service => "SERVICE_DOWN",
            Self::Disk => "DISK_FILLING",
            Self::Queue => "QUEUE_GROWING",
            Self::Certificate => "CERTIFICATE_ENDING",
            Self::Directory => "DIRECTORY_UNREACHABLE",
            Self::Login => "LOGIN_ATTACK",
            Self::Clock => "CLOCK_OFF",
            Self::Restart => "UNIT_RESTARTED",
            Self::Memory => "MEMORY_LOW",
            Self::Scanner => "SCANNER_DOWN",
            Self::Replication => "REPLICATION_LATE",
            Self::Backup => "BACKUP_OLD",
        }
    }

    /// By its code.
    #[must_use]
    pub fn coded(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.code() == code)
    }

    /// What to do about it: a command, or an action.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::Service => {
                "roostctl status; systemctl status 'roost-*'; journalctl -u NAME -p warning"
            }
            Self::Disk => {
                "enlarge the volume or move something off it; du -x --max-depth=2 on the folder shows what is large"
            }
            Self::Queue => "roostctl queue list; roostctl queue show ID says why one waits",
            Self::Certificate => {
                "renew the files of [tls] certificates; daemons read them again by themselves"
            }
            Self::Directory => {
                "roostctl status; systemctl status roost-directory; look at `url` in [directory]"
            }
            Self::Login => {
                "roostctl proxy bans; journalctl -g 'not signed in' shows from where and at whom"
            }
            Self::Clock => "timedatectl; systemctl status systemd-timesyncd (or chrony)",
            Self::Restart => "journalctl -u NAME -p warning --since -1h shows why it ended",
            Self::Memory => "ps -eo rss,comm --sort -rss shows who has it; give the machine more",
            Self::Scanner => "look at the scanner's own log, and whether the mta reaches it",
            Self::Replication => "look at the replica's log, and the line between the nodes",
            Self::Backup => "run a backup and see why the last one did not",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_found_by_its_code_and_codes_differ() {
        for rule in Rule::ALL {
            assert_eq!(Rule::coded(rule.code()), Some(rule));
            assert!(!rule.action().is_empty());
        }
        assert_eq!(Rule::coded("NOPE"), None);
        assert!(Severity::Notice < Severity::Critical);
        assert_eq!(Severity::named("warning"), Some(Severity::Warning));
    }
}
