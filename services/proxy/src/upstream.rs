//! Logging in at a store for somebody who has proved themselves here.
//!
//! The proxy says for whom it speaks (IMAP's ID with `x-originating-ip`, POP3's and ManageSieve's
//! XCLIENT, as Dovecot's do) and logs in with a ticket in place of the password, all in one flight. What cannot be had now
//! (a store that restarts, a mailbox on the move) is tried again within the grace.

mod imap;
mod lines;
mod pop3;
mod sieve;

use std::time::Duration;

use bytes::Bytes;
use roost_core_directory::client::Directory;
use roost_core_directory::model::Account;
use roost_core_directory::name::{AccountId, EmailAddress};
use roost_core_directory::ticket::{Claim, Keys};
use roost_kit::clock::Clock;
use roost_kit::fields::{self, Chain};
use roost_kit::net::{NetError, Peer, Stream};
use roost_login::SessionId;

use crate::metrics::Service;
use crate::route::{NoRoute, Routes, Wanted};

/// Between two attempts at first; it doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// Between two attempts at most.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long one attempt may take, from connecting to the answer.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(20);
/// How often a store may refuse a ticket: the second time it is not about a mailbox on the move.
const REFUSALS_MAX: u32 = 2;

/// Whoever logs in at stores; cheap to clone.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) directory: Directory,
    pub(crate) routes: Routes,
    pub(crate) clock: Clock,
    pub(crate) grace: Duration,
}

/// For whom, and what the client is to hear.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Errand<'a> {
    pub(crate) account: &'a Account,
    pub(crate) service: Service,
    pub(crate) session: SessionId,
    pub(crate) peer: Peer,
    /// IMAP's tag of the login.
    pub(crate) tag: &'a str,
}

impl Errand<'_> {
    /// For whom the proxy speaks, in the words of XCLIENT as Dovecot has it.
    fn xclient(&self) -> String {
        let client = match self.peer {
            Peer::Remote(address) => format!("ADDR={} PORT={} ", address.ip(), address.port()),
            Peer::Local => String::new(),
        };
        format!("{client}SESSION={}", self.session)
    }
}

/// A connection to a store, logged in.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) stream: Stream,
    /// Which store.
    pub(crate) store: String,
    /// What the client is to hear: IMAP's tagged response or POP3's line, without the line end.
    pub(crate) completion: String,
    /// What the store has said beyond it.
    pub(crate) rest: Bytes,
    pub(crate) account: AccountId,
    pub(crate) name: EmailAddress,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotJoined {
    /// No way to the store.
    #[error("no way to the store")]
    Route(#[from] NoRoute),
    /// The directory cannot be asked for the key.
    #[error("the directory cannot be asked")]
    Directory(#[from] roost_core_directory::client::Unavailable),
    /// The installation has no key for tickets.
    #[error("the directory has no zimbraAuthTokenKey (see roostctl directory)")]
    NoKey,
    /// The store cannot be connected to.
    #[error("cannot connect to the store")]
    Connect(#[from] NetError),
    /// The connection broke, or the store speaks nonsense.
    #[error("the store does not answer")]
    Dialogue(#[from] std::io::Error),
    /// The store is busy with itself.
    #[error("the store says: {0}")]
    Busy(String),
    /// The store does not want the ticket, or the account.
    #[error("the store refuses the login: {0}")]
    Refused(String),
    /// The account is gone.
    #[error("the account is gone")]
    Gone,
}

impl NotJoined {
    /// Whether it may be otherwise in a moment.
    const fn is_transient(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Dialogue(_) | Self::Busy(_) | Self::Directory(_) => true,
            Self::Route(route) => match route {
                NoRoute::Directory(_) | NoRoute::Host { .. } => true,
                NoRoute::Nowhere | NoRoute::NoPlace { .. } => false,
            },
            Self::NoKey | Self::Refused(_) | Self::Gone => false,
        }
    }
}

impl Upstream {
    /// Logs in, trying again within the grace. Logs what goes wrong.
    pub(crate) async fn join(&self, errand: Errand<'_>) -> Result<Joined, NotJoined> {
        let begun = self.clock.instant();
        let (mut pause, mut refusals) = (PAUSE_FIRST, 0);
        let mut afresh = None;
        loop {
            let account = afresh.as_deref().unwrap_or(errand.account);
            let attempt = self.attempt(Errand { account, ..errand });
            let error = match tokio::time::timeout(ATTEMPT_TIME_MAX, attempt).await {
                Ok(Ok(joined)) => return Ok(joined),
                Ok(Err(error)) => error,
                Err(_) => NotJoined::Dialogue(std::io::ErrorKind::TimedOut.into()),
            };
            refusals += u32::from(matches!(error, NotJoined::Refused(_)));
            let again = match &error {
                NotJoined::Refused(_) => refusals < REFUSALS_MAX,
                other => other.is_transient(),
            };
            if matches!(error, NotJoined::Refused(_) | NotJoined::Connect(_)) {
                // It may have been a route that others had found before the mailbox moved.
                let shared = self.routes.shared_routes();
                shared.forget(account.id, &account.name.to_string()).await;
            }
            let waited = self.clock.instant().saturating_duration_since(begun);
            tracing::warn!(
                { fields::ACCOUNT } = %account.name,
                { fields::SESSION } = %errand.session,
                { fields::ERROR } = %Chain(&error),
                "not logged in at the store{}", if again { " yet" } else { "" }
            );
            if !again || waited + pause > self.grace {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
            // The mailbox may have moved meanwhile, which can be why.
            afresh = match self.directory.account_afresh(errand.account).await {
                Ok(Some(account)) => Some(account),
                Ok(None) => return Err(NotJoined::Gone),
                Err(_) => afresh,
            };
        }
    }

    async fn attempt(&self, errand: Errand<'_>) -> Result<Joined, NotJoined> {
        let route = self
            .routes
            .to(errand.account, Wanted::Mail(errand.service))
            .await?;
        let config = self.directory.config().await?;
        let keys = Keys::of(&config).ok_or(NotJoined::NoKey)?;
        let claim = Claim {
            account: errand.account.id,
            service: errand.service.name(),
            store: &route.store,
        };
        let mut stream = self.routes.connect(&route).await?;
        let ticket = keys.issue(claim, self.clock.now());
        let answer = match errand.service {
            Service::Imap => imap::log_in(&mut stream, &errand, &ticket).await?,
            Service::Pop3 => pop3::log_in(&mut stream, &errand, &ticket).await?,
            Service::Sieve => sieve::log_in(&mut stream, &errand, &ticket).await?,
        };
        Ok(Joined {
            stream,
            store: route.store,
            completion: answer.completion,
            rest: answer.rest,
            account: errand.account.id,
            name: errand.account.name.clone(),
        })
    }
}

/// A store's yes.
struct Answer {
    completion: String,
    rest: Bytes,
}
