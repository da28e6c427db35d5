//! The directory's answers.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use roost_core_directory::client::{self, Directory, Party, Refusal, Resolution};
use roost_core_directory::name::EmailAddress;
use roost_kit::clock::Clock;
use roost_kit::fields::Chain;
use roost_proto_smtp::{Address, Enhanced};

use super::{Addresses, Found, Hop, Poster, Unavailable};
use crate::outcome::status;

/// How long the administrators are remembered.
const ADMINISTRATORS_FRESH: Duration = Duration::from_secs(60);

/// Asks the directory.
#[derive(Debug)]
pub struct LdapAddresses {
    directory: Directory,
    postmaster: Mutex<Option<Address>>,
    clock: Clock,
    administrators: Mutex<Option<(Instant, Vec<Address>)>>,
}

impl LdapAddresses {
    /// `postmaster` gets mail for offices that nobody holds; without one, the administrators do.
    #[must_use]
    pub fn new(directory: Directory, postmaster: Option<Address>, clock: Clock) -> Self {
        Self {
            directory,
            postmaster: Mutex::new(postmaster),
            clock,
            administrators: Mutex::default(),
        }
    }
}

impl LdapAddresses {
    /// Another postmaster from now on.
    pub fn set_postmaster(&self, postmaster: Option<Address>) {
        *self.postmaster.lock() = postmaster;
    }
}

impl From<client::Unavailable> for Unavailable {
    fn from(error: client::Unavailable) -> Self {
        Self(Chain(&error).to_string())
    }
}

/// The directory's form of an address; none for one with an address literal.
#[must_use]
pub fn email(address: &Address) -> Option<EmailAddress> {
    let domain = address.domain()?.as_str().parse().ok()?;
    EmailAddress::new(address.local().as_str(), domain).ok()
}

/// The protocol's form of an address of the directory; none where only the directory allows it.
fn protocol(address: &EmailAddress) -> Option<Address> {
    let read = Address::parse(&address.to_string());
    if read.is_err() {
        tracing::warn!(%address, "the directory has an address that mail cannot be sent to");
    }
    read.ok()
}

fn all(addresses: &[EmailAddress]) -> Vec<Address> {
    addresses.iter().filter_map(protocol).collect()
}

impl Addresses for LdapAddresses {
    async fn find(&self, address: &Address) -> Result<Found, Unavailable> {
        let Some(email) = email(address) else {
            return Ok(Found::NotOurs);
        };
        Ok(found(self.directory.recipient(&email).await?))
    }

    async fn may_post(&self, list: &Address, poster: &Poster) -> Result<bool, Unavailable> {
        let Some(Party::List(list)) = self.party(list).await? else {
            return Ok(true);
        };
        let account = match &poster.account {
            Some(account) => self.party(account).await?.and_then(Party::into_account),
            None => None,
        };
        let sender = poster.sender.as_ref().and_then(email);
        let may = self
            .directory
            .may_send_to(&list, account.as_deref(), sender.as_ref());
        Ok(may.await?)
    }

    async fn postmasters(&self) -> Result<Vec<Address>, Unavailable> {
        if let Some(postmaster) = &*self.postmaster.lock() {
            return Ok(vec![postmaster.clone()]);
        }
        let now = self.clock.instant();
        if let Some((asked, known)) = &*self.administrators.lock()
            && now.saturating_duration_since(*asked) < ADMINISTRATORS_FRESH
        {
            return Ok(known.clone());
        }
        let found = all(&self.directory.administrators().await?);
        *self.administrators.lock() = Some((now, found.clone()));
        Ok(found)
    }
}

impl LdapAddresses {
    async fn party(&self, address: &Address) -> Result<Option<Party>, Unavailable> {
        match email(address) {
            Some(email) => Ok(self.directory.party(&email).await?),
            None => Ok(None),
        }
    }
}

fn found(resolution: Resolution) -> Found {
    match resolution {
        Resolution::Account(route) => {
            let name = match &route.detail {
                // The store splits it off again, and delivers to the folder that it means.
                Some(detail) => {
                    let delimiters = route.account.config.recipient_delimiters();
                    let delimiter = delimiters.chars().next().unwrap_or('+');
                    let local = format!("{}{delimiter}{detail}", route.account.name.local());
                    EmailAddress::new(&local, route.account.name.domain().clone())
                        .unwrap_or_else(|_| route.account.name.clone())
                }
                None => route.account.name.clone(),
            };
            match (protocol(&name), Hop::of(&route.transport)) {
                (Some(address), Some(next)) => Found::Mailbox {
                    address,
                    next,
                    forwards: all(&route.forwarding.addresses),
                    keep: route.forwarding.keep,
                },
                _ => unusable(),
            }
        }
        Resolution::List(route) => match protocol(&route.list.name) {
            Some(address) => Found::List {
                address,
                members: all(&route.members),
            },
            None => unusable(),
        },
        Resolution::Forward(addresses) => Found::Forward(all(&addresses)),
        Resolution::Relay { address, transport } => {
            match (protocol(&address), Hop::of(&transport)) {
                (Some(address), Some(next)) => Found::Relay { address, next },
                _ => unusable(),
            }
        }
        Resolution::UnknownUser => Found::Unknown,
        Resolution::NotLocal => Found::NotOurs,
        Resolution::Refused(refusal) => refused(refusal),
        Resolution::Deferred(deferral) => deferred(deferral),
    }
}

fn refused(refusal: Refusal) -> Found {
    let (status, text) = match refusal {
        Refusal::Closed | Refusal::Disabled => (status::DISABLED, "The mailbox takes no mail"),
        Refusal::Loop => (status::LOOP, "The address leads back to itself"),
    };
    Found::Refused {
        status,
        text: text.to_owned(),
    }
}

fn deferred(deferral: client::Deferral) -> Found {
    let (status, text) = match deferral {
        client::Deferral::Maintenance => (status::MAINTENANCE, "the mailbox is in maintenance"),
        client::Deferral::NoMailHost => (status::LOCAL_TROUBLE, "the account names no mail store"),
        client::Deferral::TooManyMembers => {
            (Enhanced::new(4, 5, 3), "the list has too many members")
        }
    };
    Found::Deferred {
        status,
        text: text.to_owned(),
    }
}

fn unusable() -> Found {
    Found::Deferred {
        status: status::LOCAL_TROUBLE,
        text: "the directory's entry for this address cannot be used".to_owned(),
    }
}
