//! Signing in to read mail: the same for IMAP and POP3.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use roost_core_directory::name::AccountId;
use roost_core_directory::ticket;
use roost_kit::fields::{self, Escaped};
use roost_kit::limit::{Attempt, LoginGuard, Ticket, TooMany};
use roost_kit::net::Networks;
use roost_proto_sasl::scram::ServerSignature;
use roost_proto_sasl::{Authenticate, Login, Mechanism, Mechanisms, Parameters, Proof, Refused};

use crate::accounts::{Accounts, Owner};
use crate::caller::Caller;
use crate::metrics::{self, Counts, LoginLabel, Protocol, ProtocolLabel};
use roost_login::{Presence, Present, SessionId};

/// What a session's own delay after its first failed login is, in every protocol; it doubles with
/// each further one up to [`SESSION_DELAY_MAX`].
const SESSION_DELAY: Duration = Duration::from_secs(2);
/// See [`SESSION_DELAY`].
const SESSION_DELAY_MAX: Duration = Duration::from_secs(16);

/// What all doors share.
#[derive(Debug)]
pub(crate) struct Porter<A> {
    pub(crate) accounts: A,
    pub(crate) counts: Counts,
    pub(crate) guard: LoginGuard,
    pub(crate) presence: Presence<AccountId>,
    /// Whose word on whom they speak for is taken, and whose tickets.
    pub(crate) proxies: Networks,
    /// Whether the directory can check SCRAM, as far as is known.
    pub(crate) scram: AtomicBool,
}

impl<A: Accounts> Porter<A> {
    /// The mechanisms that new sessions offer.
    pub(crate) fn mechanisms(&self) -> Mechanisms {
        let mechanisms = Mechanisms::NONE.with(Mechanism::Plain);
        match self.scram.load(Ordering::Relaxed) {
            true => mechanisms.with(Mechanism::ScramSha256),
            false => mechanisms,
        }
    }

    /// Asks whether SCRAM can be offered.
    pub(crate) async fn learn_scram(&self) {
        let offered = self.accounts.offers_scram().await;
        self.scram.store(offered, Ordering::Relaxed);
    }
}

/// Where one session's client signs in.
#[derive(Debug)]
pub(crate) struct Door<A> {
    porter: Arc<Porter<A>>,
    protocol: Protocol,
    session: SessionId,
    caller: Arc<Caller>,
    failures: AtomicU32,
}

/// Somebody who has signed in, counted while the session lasts.
#[derive(Debug)]
pub(crate) struct Reader {
    /// Whose mailbox is open.
    pub(crate) owner: Owner,
    _present: Present<AccountId>,
    _counted: Counted,
}

/// One in the gauge of sessions.
#[derive(Debug)]
struct Counted(metrics::Gauge);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl<A: Accounts> Door<A> {
    pub(crate) fn new(
        porter: Arc<Porter<A>>,
        protocol: Protocol,
        session: SessionId,
        caller: Arc<Caller>,
    ) -> Self {
        Self {
            porter,
            protocol,
            session,
            caller,
            failures: AtomicU32::new(0),
        }
    }

    /// The peer says who it is, and perhaps for whom it speaks. Answers whether it may, and did.
    pub(crate) fn identified<'a>(
        &self,
        fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> bool {
        self.caller.speaks_for(fields)
    }

    fn count(&self, outcome: metrics::Login) {
        let label = LoginLabel {
            protocol: self.protocol,
            outcome,
        };
        self.porter.counts.logins.get_or_create(&label).inc();
    }

    fn welcome(&self, owner: Owner, name: &str) -> Result<Reader, Refused> {
        let (account, session) = (&owner.name, self.session);
        let Some(present) = self.porter.presence.enter(owner.id) else {
            tracing::info!({ fields::ACCOUNT } = %account, { fields::SESSION } = %session, "too many sessions");
            self.count(metrics::Login::Unavailable);
            return Err(Refused::Unavailable);
        };
        self.count(metrics::Login::Accepted);
        self.porter.guard.succeeded(self.attempt(name));
        tracing::info!(
            { fields::SERVICE } = self.protocol.name(),
            { fields::SESSION } = %session,
            { fields::PEER } = %self.caller.peer(),
            { fields::ACCOUNT } = %account,
            via = %self.caller.via(),
            "signed in"
        );
        let gauge = self
            .porter
            .counts
            .sessions
            .get_or_create_owned(&ProtocolLabel {
                protocol: self.protocol,
            });
        gauge.inc();
        Ok(Reader {
            owner,
            _present: present,
            _counted: Counted(gauge),
        })
    }

    fn attempt<'n>(&self, name: &'n str) -> Attempt<'n> {
        Attempt {
            address: self.caller.peer().ip(),
            name,
        }
    }

    /// Waits until the attempt may be looked at; where too many have failed, it is not.
    async fn wait_for_turn(&self, name: &str) -> Result<Ticket, Refused> {
        let TooMany(wait) = match self.porter.guard.turn(self.attempt(name)).await {
            Ok(ticket) => return Ok(ticket),
            Err(too_many) => too_many,
        };
        self.count(metrics::Login::Throttled);
        tracing::info!(
            { fields::SERVICE } = self.protocol.name(),
            { fields::SESSION } = %self.session,
            { fields::PEER } = %self.caller.peer(),
            { fields::ACCOUNT } = %Escaped(name.as_bytes()),
            { fields::OUTCOME } = "too many failed before",
            "not signed in (from {})",
            self.caller.peer().host()
        );
        tokio::time::sleep(wait).await;
        Err(Refused::Unavailable)
    }

    /// Logs and counts a refusal.
    fn refuse(&self, name: &str, refused: Refused) -> Refused {
        let outcome = match refused {
            Refused::Credentials => metrics::Login::Refused,
            Refused::Forbidden => metrics::Login::Forbidden,
            Refused::Unavailable => metrics::Login::Unavailable,
        };
        self.count(outcome);
        tracing::info!(
            { fields::SERVICE } = self.protocol.name(),
            { fields::SESSION } = %self.session,
            { fields::PEER } = %self.caller.peer(),
            { fields::ACCOUNT } = %Escaped(name.as_bytes()),
            { fields::OUTCOME } = %refused,
            "not signed in (from {})",
            self.caller.peer().host()
        );
        refused
    }

    /// Logs and counts a refusal, and waits as long as the address has earned beyond what the
    /// session itself waits.
    async fn turn_away(&self, name: &str, refused: Refused) -> Refused {
        self.refuse(name, refused);
        if let Refused::Credentials | Refused::Forbidden = refused {
            let earned = self.porter.guard.failed(self.attempt(name));
            let doublings = self.failures.fetch_add(1, Ordering::Relaxed).min(8);
            let own = SESSION_DELAY.saturating_mul(1 << doublings);
            let rest = earned.saturating_sub(own.min(SESSION_DELAY_MAX));
            tokio::time::sleep(rest).await;
        }
        refused
    }
}

impl<A: Accounts> Authenticate for Door<A> {
    type Account = Reader;

    async fn password(&self, login: Login) -> Result<Reader, Refused> {
        if self.caller.is_trusted() && login.password.expose().starts_with(ticket::PREFIX) {
            return match self.porter.accounts.ticket(&login, self.protocol).await {
                Ok(owner) => self.welcome(owner, &login.authcid),
                // The client has proved itself to the proxy: it has earned no delay.
                Err(refused) => Err(self.refuse(&login.authcid, refused)),
            };
        }
        let ticket = self.wait_for_turn(&login.authcid).await?;
        match self.porter.accounts.password(&login, self.protocol).await {
            Ok(owner) => self.welcome(owner, &login.authcid),
            Err(refused) => {
                drop(ticket);
                Err(self.turn_away(&login.authcid, refused).await)
            }
        }
    }

    async fn scram_parameters(&self, name: &str) -> Result<Parameters, Refused> {
        self.porter.accounts.scram_parameters(name).await
    }

    async fn scram_verify(&self, proof: Proof) -> Result<(Reader, ServerSignature), Refused> {
        let ticket = self.wait_for_turn(&proof.name).await?;
        match self
            .porter
            .accounts
            .scram_verify(&proof, self.protocol)
            .await
        {
            Ok(proven) => {
                let reader = self.welcome(proven.owner, &proof.name)?;
                Ok((reader, ServerSignature(proven.signature)))
            }
            Err(refused) => {
                drop(ticket);
                Err(self.turn_away(&proof.name, refused).await)
            }
        }
    }
}
