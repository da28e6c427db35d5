//! Signing in: who is let in, and what a failed login costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use roost_core_directory::model::Account;
use roost_core_directory::name::AccountId;
use roost_kit::clock::Clock;
use roost_kit::fields::{self, Escaped};
use roost_kit::limit::{Attempt, LoginGuard, Ticket, TooMany};
use roost_kit::net::Peer;
use roost_login::{Logins, Presence, Present, SessionId};
use roost_proto_sasl::scram::ServerSignature;
use roost_proto_sasl::{Authenticate, Login, Mechanism, Mechanisms, Parameters, Proof, Refused};

use crate::bans::Bans;
use crate::metrics::{self, Counts, LoginLabel, Service};
use crate::pace::{Paces, TooFast, TooFastLabel};
use crate::sessions::Sessions;
use crate::upstream::{Errand, Joined, NotJoined, Upstream};

/// What the protocols themselves make a session wait after its first failed login; it doubles with
/// each further one up to [`SESSION_DELAY_MAX`].
const SESSION_DELAY: Duration = Duration::from_secs(2);
/// See [`SESSION_DELAY`].
const SESSION_DELAY_MAX: Duration = Duration::from_secs(16);

/// What all doors share.
pub(crate) struct Porter {
    pub(crate) logins: Logins,
    pub(crate) upstream: Upstream,
    pub(crate) counts: Counts,
    pub(crate) guard: LoginGuard,
    pub(crate) bans: Bans,
    pub(crate) paces: Paces,
    pub(crate) presence: Presence<AccountId>,
    pub(crate) sessions: Sessions,
    pub(crate) clock: Clock,
    /// Whether the directory can check SCRAM, as far as is known.
    pub(crate) scram: AtomicBool,
}

impl Porter {
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
        let offered = self.logins.offers_scram().await;
        self.scram.store(offered, Ordering::Relaxed);
    }
}

/// Where one session's client signs in.
pub(crate) struct Door {
    porter: Arc<Porter>,
    service: Service,
    session: SessionId,
    peer: Peer,
    failures: AtomicU32,
    landing: Arc<Landing>,
}

/// Where a door leaves the connection to the store, for whoever joins the two.
#[derive(Debug, Default)]
pub(crate) struct Landing(Mutex<Option<(Joined, Present<AccountId>)>>);

impl Landing {
    pub(crate) fn take(&self) -> Option<(Joined, Present<AccountId>)> {
        self.0.lock().take()
    }
}

/// Somebody who has proved who they are.
pub(crate) struct Admitted {
    account: Arc<Account>,
    present: Present<AccountId>,
}

impl Door {
    pub(crate) fn new(
        porter: Arc<Porter>,
        service: Service,
        session: SessionId,
        peer: Peer,
    ) -> Self {
        Self {
            porter,
            service,
            session,
            peer,
            failures: AtomicU32::new(0),
            landing: Arc::default(),
        }
    }

    /// Where the connection to the store will be.
    pub(crate) fn landing(&self) -> Arc<Landing> {
        Arc::clone(&self.landing)
    }

    /// Connects to the store and logs in; answers what the client is to hear.
    pub(crate) async fn join(&self, admitted: Admitted, tag: &str) -> Result<String, NotJoined> {
        let begun = self.porter.clock.instant();
        let errand = Errand {
            account: &admitted.account,
            service: self.service,
            session: self.session,
            peer: self.peer,
            tag,
        };
        // In a place of its own: it is large, and most of a session's life it does not exist.
        let joined = match Box::pin(self.porter.upstream.join(errand)).await {
            Ok(joined) => joined,
            Err(error) => {
                self.count(metrics::Login::Unavailable);
                return Err(error);
            }
        };
        let took = self.porter.clock.instant().saturating_duration_since(begun);
        self.porter.counts.joining.observe(took.as_secs_f64());
        self.count(metrics::Login::Accepted);
        tracing::info!(
            { fields::SERVICE } = self.service.name(),
            { fields::SESSION } = %self.session,
            { fields::PEER } = %self.peer,
            { fields::ACCOUNT } = %joined.name,
            store = joined.store,
            "signed in"
        );
        let completion = joined.completion.clone();
        *self.landing.0.lock() = Some((joined, admitted.present));
        Ok(completion)
    }

    /// Whether somebody may try to sign in now. Without the directory nobody could anyway.
    async fn may_try(&self) -> Result<(), Refused> {
        let Some(address) = self.peer.ip() else {
            return Ok(());
        };
        let config = self.porter.upstream.directory.config().await;
        let config = config.map_err(|_| Refused::Unavailable)?;
        let tried = self.porter.paces.tries(address, &config);
        tried.map_err(|limit| self.too_fast(limit))
    }

    fn too_fast(&self, limit: TooFast) -> Refused {
        self.porter
            .counts
            .too_fast
            .get_or_create(&TooFastLabel { limit })
            .inc();
        tracing::info!({ fields::SESSION } = %self.session, { fields::PEER } = %self.peer, ?limit, "signs in too fast");
        Refused::Unavailable
    }

    async fn admit(&self, account: Arc<Account>, name: &str) -> Result<Admitted, Refused> {
        let enabled = match self.service {
            Service::Imap => account.may_use_imap(),
            Service::Pop3 => account.may_use_pop3(),
            Service::Sieve => {
                account.setting("zimbraFeatureFiltersEnabled").boolean() != Some(false)
            }
        };
        if !enabled {
            tracing::info!({ fields::ACCOUNT } = %account.name, service = ?self.service, "not enabled for the account");
            return Err(Refused::Forbidden);
        }
        let config = self.porter.upstream.directory.config().await;
        let config = config.map_err(|_| Refused::Unavailable)?;
        let entered = self.porter.paces.enters(account.id, &config);
        entered.map_err(|limit| self.too_fast(limit))?;
        let Some(present) = self.porter.presence.enter(account.id) else {
            tracing::info!({ fields::ACCOUNT } = %account.name, { fields::SESSION } = %self.session, "too many sessions");
            return Err(Refused::Unavailable);
        };
        self.porter.guard.succeeded(self.attempt(name));
        Ok(Admitted { account, present })
    }

    fn count(&self, outcome: metrics::Login) {
        let label = LoginLabel {
            service: self.service,
            outcome,
        };
        self.porter.counts.logins.get_or_create(&label).inc();
    }

    fn attempt<'n>(&self, name: &'n str) -> Attempt<'n> {
        Attempt {
            address: self.peer.ip(),
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
            { fields::SERVICE } = self.service.name(),
            { fields::SESSION } = %self.session,
            { fields::PEER } = %self.peer,
            { fields::ACCOUNT } = %Escaped(name.as_bytes()),
            { fields::OUTCOME } = "too many failed before",
            "not signed in (from {})",
            self.peer.host()
        );
        tokio::time::sleep(wait).await;
        Err(Refused::Unavailable)
    }

    /// Logs and counts a refusal, and waits as long as the address has earned beyond what the
    /// session itself waits.
    async fn turn_away(&self, name: &str, refused: Refused) -> Refused {
        self.count(match refused {
            Refused::Credentials => metrics::Login::Refused,
            Refused::Forbidden => metrics::Login::Forbidden,
            Refused::Unavailable => metrics::Login::Unavailable,
        });
        tracing::info!(
            { fields::SERVICE } = self.service.name(),
            { fields::SESSION } = %self.session,
            { fields::PEER } = %self.peer,
            { fields::ACCOUNT } = %Escaped(name.as_bytes()),
            { fields::OUTCOME } = %refused,
            "not signed in (from {})",
            self.peer.host()
        );
        if let Refused::Credentials | Refused::Forbidden = refused {
            self.punish(name).await;
        }
        refused
    }

    async fn punish(&self, name: &str) {
        if let Some(address) = self.peer.ip()
            && self.porter.bans.punish(address).await
        {
            tracing::warn!({ fields::PEER } = %address, "shut out: too many failed logins");
        }
        let earned = self.porter.guard.failed(self.attempt(name));
        let doublings = self.failures.fetch_add(1, Ordering::Relaxed).min(8);
        let own = SESSION_DELAY.saturating_mul(1 << doublings);
        let rest = earned.saturating_sub(own.min(SESSION_DELAY_MAX));
        tokio::time::sleep(rest).await;
    }

    /// Whether the client has been shut out since it connected: whatever it says is wrong then.
    fn is_banned(&self) -> bool {
        self.peer
            .ip()
            .is_some_and(|address| self.porter.bans.holds(address))
    }
}

impl Authenticate for Door {
    type Account = Admitted;

    async fn password(&self, login: Login) -> Result<Admitted, Refused> {
        if self.is_banned() {
            return Err(self.turn_away(&login.authcid, Refused::Credentials).await);
        }
        let name = &login.authcid;
        let ticket = self.wait_for_turn(name).await?;
        let admitted = async {
            self.may_try().await?;
            let account = self.porter.logins.password(&login).await?;
            self.admit(account, name).await
        };
        match admitted.await {
            Ok(admitted) => Ok(admitted),
            Err(refused) => {
                drop(ticket);
                Err(self.turn_away(name, refused).await)
            }
        }
    }

    async fn scram_parameters(&self, name: &str) -> Result<Parameters, Refused> {
        self.porter.logins.scram_parameters(name).await
    }

    async fn scram_verify(&self, proof: Proof) -> Result<(Admitted, ServerSignature), Refused> {
        if self.is_banned() {
            return Err(self.turn_away(&proof.name, Refused::Credentials).await);
        }
        let name = &proof.name;
        let ticket = self.wait_for_turn(name).await?;
        let proven = async {
            self.may_try().await?;
            let (account, signature) = self.porter.logins.scram_verify(&proof).await?;
            Ok((self.admit(account, name).await?, signature))
        };
        match proven.await {
            Ok(proven) => Ok(proven),
            Err(refused) => {
                drop(ticket);
                Err(self.turn_away(name, refused).await)
            }
        }
    }
}
