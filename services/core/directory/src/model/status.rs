//! What a status lets an account do.

/// `zimbraAccountStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountStatus {
    /// Everything works.
    Active,
    /// Being worked on: no login, mail waits.
    Maintenance,
    /// No login, mail is delivered.
    Locked,
    /// Gone: no login, mail is refused.
    Closed,
    /// Too many wrong passwords: no login for a while, mail is delivered.
    Lockout,
    /// Not yet there: no login, mail is refused.
    Pending,
}

/// `zimbraDomainStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DomainStatus {
    /// Its accounts are what they say.
    Active,
    /// Its accounts are in maintenance.
    Maintenance,
    /// Its accounts are locked.
    Locked,
    /// Its accounts are closed.
    Closed,
    /// Maintenance, and nothing under it may be changed.
    Suspended,
    /// Suspended, and the domain itself may not be changed.
    Shutdown,
}

/// Whether somebody may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// Yes.
    Allowed,
    /// Not now.
    Later,
    /// No.
    Refused,
}

/// Whether mail is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Yes.
    Accept,
    /// Not now: answer 4xx, keep it in the queue.
    Defer,
    /// No: answer 5xx.
    Refuse,
}

impl AccountStatus {
    /// Reads the attribute's value; what is unknown counts as locked, which loses nothing.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "active" => Self::Active,
            "maintenance" => Self::Maintenance,
            "closed" => Self::Closed,
            "lockout" => Self::Lockout,
            "pending" => Self::Pending,
            _ => Self::Locked,
        }
    }

    /// As the attribute spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Maintenance => "maintenance",
            Self::Locked => "locked",
            Self::Closed => "closed",
            Self::Lockout => "lockout",
            Self::Pending => "pending",
        }
    }

    /// The status that holds in a domain of this status.
    #[must_use]
    pub const fn under(self, domain: DomainStatus) -> Self {
        match (domain, self) {
            (DomainStatus::Active, own) => own,
            (DomainStatus::Closed, _) => Self::Closed,
            (_, Self::Pending | Self::Closed) | (DomainStatus::Locked, Self::Maintenance) => self,
            (DomainStatus::Locked, _) => Self::Locked,
            (DomainStatus::Maintenance | DomainStatus::Suspended | DomainStatus::Shutdown, _) => {
                Self::Maintenance
            }
        }
    }

    /// Whether its owner may sign in.
    #[must_use]
    pub const fn login(self) -> Login {
        match self {
            Self::Active => Login::Allowed,
            Self::Maintenance => Login::Later,
            Self::Locked | Self::Closed | Self::Lockout | Self::Pending => Login::Refused,
        }
    }

    /// Whether mail is delivered.
    #[must_use]
    pub const fn delivery(self) -> Delivery {
        match self {
            Self::Active | Self::Locked | Self::Lockout => Delivery::Accept,
            Self::Maintenance => Delivery::Defer,
            Self::Closed | Self::Pending => Delivery::Refuse,
        }
    }
}

impl DomainStatus {
    /// Reads the attribute's value; what is unknown counts as locked, which loses nothing.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "active" => Self::Active,
            "maintenance" => Self::Maintenance,
            "closed" => Self::Closed,
            "suspended" => Self::Suspended,
            "shutdown" => Self::Shutdown,
            _ => Self::Locked,
        }
    }

    /// As the attribute spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Maintenance => "maintenance",
            Self::Locked => "locked",
            Self::Closed => "closed",
            Self::Suspended => "suspended",
            Self::Shutdown => "shutdown",
        }
    }

    /// Whether mail for the domain as such (lists, catch-all addresses) is delivered.
    #[must_use]
    pub const fn delivery(self) -> Delivery {
        AccountStatus::Active.under(self).delivery()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_s_status_weighs_on_its_accounts() {
        use AccountStatus::{Active, Closed, Locked, Lockout, Maintenance, Pending};
        for (own, domain, effective) in [
            (Active, DomainStatus::Active, Active),
            (Lockout, DomainStatus::Active, Lockout),
            (Active, DomainStatus::Locked, Locked),
            (Maintenance, DomainStatus::Locked, Maintenance),
            (Closed, DomainStatus::Locked, Closed),
            (Locked, DomainStatus::Maintenance, Maintenance),
            (Pending, DomainStatus::Suspended, Pending),
            (Active, DomainStatus::Shutdown, Maintenance),
            (Maintenance, DomainStatus::Closed, Closed),
        ] {
            assert_eq!(
                own.under(domain),
                effective,
                "{own:?} in a domain that is {domain:?}"
            );
        }
    }

    #[test]
    fn statuses_read_as_they_are_written() {
        for name in [
            "active",
            "maintenance",
            "locked",
            "closed",
            "lockout",
            "pending",
        ] {
            assert_eq!(AccountStatus::parse(name).name(), name);
        }
        for name in [
            "active",
            "maintenance",
            "locked",
            "closed",
            "suspended",
            "shutdown",
        ] {
            assert_eq!(DomainStatus::parse(name).name(), name);
        }
    }
}
